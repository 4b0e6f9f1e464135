//! What `omnipack inspect FILE` prints about a package. Every text in a package is somebody else's: control characters
//! are shown, never sent to the terminal.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::path::PathBuf;

use super::arguments::InspectArgs;
use super::failure::Failure;
use super::{print, print_json};
use crate::format::rpm::{FileKind, Inspection, PackagedFile, Relations};

/// A directory with more files than this below it is shown as one line, unless Python distributions are in it.
const MOST_LINES: usize = 40;

/// Shows each file.
///
/// # Errors
/// When one cannot be read.
pub fn run(arguments: &InspectArgs) -> Result<(), Failure> {
    let read = |path: &PathBuf| crate::format::rpm::read(path).map_err(crate::Error::from);
    let packages = arguments.files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    if arguments.output.json {
        return print_json(&packages);
    }
    print(&packages.iter().map(render).collect::<Vec<_>>().join("\n"))
}

/// The whole text, with a newline at its end.
#[must_use]
pub fn render(package: &Inspection) -> String {
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    let _ = write_all(&mut text, package);
    text
}

fn write_all(out: &mut String, package: &Inspection) -> fmt::Result {
    write_metadata(out, package)?;
    write_relations(out, &package.relations)?;
    for script in &package.scriptlets {
        let title = format!("Scriptlet {} ({})", script.kind, script.interpreter.join(" "));
        write_script(out, &title, &script.text)?;
    }
    for trigger in &package.triggers {
        let on = trigger.conditions.join(", ");
        let title = format!("Trigger on {} {on} ({})", trigger.kind, trigger.interpreter.join(" "));
        write_script(out, &title, &trigger.text)?;
    }
    write_files(out, package)
}

fn write_metadata(out: &mut String, package: &Inspection) -> fmt::Result {
    let epoch = if package.epoch == 0 { String::new() } else { format!("{}:", package.epoch) };
    let Inspection { name, version, release, architecture, .. } = package;
    writeln!(out, "{}", shown(&format!("{name}-{epoch}{version}-{release}.{architecture}")))?;
    let sizes = format!(
        "{} packed{}, {} installed",
        human_size(package.size),
        if package.compression.is_empty() { String::new() } else { format!(" ({})", package.compression) },
        human_size(package.installed_size)
    );
    let prefixes = package.prefixes.join(" ");
    let fields = [
        ("Summary", &package.summary),
        ("License", &package.license),
        ("URL", &package.url),
        ("Vendor", &package.vendor),
        ("Packager", &package.packager),
        ("Group", &package.group),
        ("Source", &package.source_rpm),
        ("Prefixes", &prefixes),
        ("Size", &sizes),
    ];
    for (label, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(out, "  {label:<10} {}", shown(value))?;
    }
    write_block(out, "Description", &package.description)
}

fn write_relations(out: &mut String, relations: &Relations) -> fmt::Result {
    let all = [
        ("Requires", &relations.requires),
        ("Recommends", &relations.recommends),
        ("Suggests", &relations.suggests),
        ("Supplements", &relations.supplements),
        ("Enhances", &relations.enhances),
        ("Conflicts", &relations.conflicts),
        ("Obsoletes", &relations.obsoletes),
        ("Provides", &relations.provides),
    ];
    for (title, values) in all.into_iter().filter(|(_, values)| !values.is_empty()) {
        writeln!(out, "\n{title}")?;
        for value in values {
            writeln!(out, "  {}", shown(value))?;
        }
    }
    Ok(())
}

fn write_script(out: &mut String, title: &str, text: &str) -> fmt::Result {
    write_block(out, title, if text.is_empty() { "(empty)" } else { text })
}

fn write_block(out: &mut String, title: &str, text: &str) -> fmt::Result {
    if text.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", shown(title))?;
    for line in text.lines() {
        writeln!(out, "{}", format!("  {}", shown(&line.replace('\t', "    "))).trim_end())?;
    }
    Ok(())
}

fn write_files(out: &mut String, package: &Inspection) -> fmt::Result {
    let mut root = Node::default();
    for file in &package.files {
        root.insert(file);
    }
    let count = package.files.iter().filter(|file| file.kind != FileKind::Directory).count();
    writeln!(out, "\nFiles ({count}, {})", human_size(package.installed_size))?;
    root.write(out, "", 0)
}

/// A directory of the tree, or a file.
#[derive(Default)]
struct Node<'a> {
    children: BTreeMap<&'a str, Node<'a>>,
    file: Option<&'a PackagedFile>,
    /// Of all files in it.
    size: u64,
    files: usize,
    /// Is a directory with Python distributions in it?
    holds_distributions: bool,
}

impl<'a> Node<'a> {
    fn insert(&mut self, file: &'a PackagedFile) {
        let is_file = file.kind != FileKind::Directory;
        let size = if is_file { file.size } else { 0 };
        let mut node = self;
        for part in file.path.split('/').filter(|part| !part.is_empty()) {
            node.size += size;
            node.files += usize::from(is_file);
            node.holds_distributions |= is_site_directory(part);
            node = node.children.entry(part).or_default();
        }
        node.size += size;
        node.file = Some(file);
    }

    /// Writes what is in this directory.
    fn write(&self, out: &mut String, name: &str, depth: usize) -> fmt::Result {
        if is_site_directory(name) {
            return self.write_distributions(out, depth);
        }
        for (name, child) in &self.children {
            let (name, child) = child.shortened(name);
            let indent = "  ".repeat(depth + 1);
            if child.children.is_empty() {
                writeln!(out, "{indent}{}", child.describe(&name))?;
                continue;
            }
            let last = name.rsplit('/').next().unwrap_or_default();
            let is_open = child.holds_distributions || is_site_directory(last) || child.files <= MOST_LINES;
            let count = if is_open { String::new() } else { format!(", {} files", child.files) };
            writeln!(out, "{indent}{}/  {}{count}", shown(&name), human_size(child.size))?;
            if is_open {
                child.write(out, last, depth + 1)?;
            }
        }
        Ok(())
    }

    /// A directory that holds only one directory and is nothing by itself is shown together with it.
    fn shortened<'b>(&'b self, name: &str) -> (String, &'b Node<'a>) {
        let mut name = name.to_owned();
        let mut node = self;
        while let Some((inner, child)) = node.children.first_key_value() {
            let last = name.rsplit('/').next().unwrap_or_default();
            if node.children.len() > 1 || child.children.is_empty() || is_site_directory(last) {
                break;
            }
            name = format!("{name}/{inner}");
            node = child;
        }
        (name, node)
    }

    fn describe(&self, name: &str) -> String {
        let Some(file) = self.file else { return shown(name) };
        let mut text = shown(name);
        match (file.kind, &file.link_target) {
            (FileKind::Directory, _) => text.push('/'),
            (FileKind::Symlink, Some(target)) => {
                let _ = write!(text, " -> {}", shown(target));
            }
            _ => {
                let _ = write!(text, "  {}", human_size(file.size));
            }
        }
        let owner = (file.owner != "root" || file.group != "root").then(|| format!("{}:{}", file.owner, file.group));
        let mut notes: Vec<String> = file.flags.iter().map(|flag| (*flag).to_owned()).collect();
        notes.extend(file.capabilities.clone());
        notes.extend(owner);
        if !notes.is_empty() {
            let _ = write!(text, "  [{}]", shown(&notes.join(", ")));
        }
        text
    }

    /// One line for each Python distribution (by its `.dist-info`, with the top-level names that are called like it),
    /// and one for everything else.
    fn write_distributions(&self, out: &mut String, depth: usize) -> fmt::Result {
        let mut sums: BTreeMap<String, (String, u64, usize)> = BTreeMap::new();
        for directory in self.children.keys() {
            if let Some((name, version)) = distribution(directory) {
                sums.insert(normalised(name), (format!("{name} {version}"), 0, 0));
            }
        }
        for (name, child) in &self.children {
            let owner = distribution(name).map_or(*name, |(name, _)| name);
            let owner = owner.strip_suffix(".libs").or_else(|| owner.strip_suffix(".py")).unwrap_or(owner);
            let sum = sums.entry(normalised(owner)).or_insert_with(|| ((*name).to_owned(), 0, 0));
            sum.1 += child.size;
            sum.2 += if child.children.is_empty() { 1 } else { child.files };
        }
        for (title, size, files) in sums.values() {
            let plural = if *files == 1 { "" } else { "s" };
            let indent = "  ".repeat(depth + 1);
            writeln!(out, "{indent}{}  {}, {files} file{plural}", shown(title), human_size(*size))?;
        }
        Ok(())
    }
}

fn is_site_directory(name: &str) -> bool {
    matches!(name, "site-packages" | "dist-packages")
}

/// `Flask-2.0.3.dist-info` is (`Flask`, `2.0.3`).
fn distribution(directory: &str) -> Option<(&str, &str)> {
    directory.strip_suffix(".dist-info").or_else(|| directory.strip_suffix(".egg-info"))?.split_once('-')
}

/// PEP 503, with `_`.
fn normalised(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.map(str::to_lowercase).collect::<Vec<_>>().join("_")
}

/// `1.4 MiB`
fn human_size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let (mut size, mut unit) = (bytes as f64 / 1024.0, 0);
    while size >= 1023.95 && unit + 1 < units.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1} {}", units.get(unit).copied().unwrap_or_default())
}

/// `text` with every character escaped that could steer a terminal or turn the line around.
pub(super) fn shown(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().map(|c| if steers(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_unescaped() {
        assert_eq!(shown("a\u{1b}[2J\r\n\u{202e}b\u{7f}\u{9b}é"), "a\\u{1b}[2J\\r\\n\\u{202e}b\\u{7f}\\u{9b}é");
    }

    #[test]
    fn sizes_are_read_easily() {
        let sizes = [0, 1023, 1024, 1_048_575, 1_048_576, 5_368_709_120, u64::MAX];
        let texts = sizes.map(human_size);
        assert_eq!(texts, ["0 B", "1023 B", "1.0 KiB", "1.0 MiB", "1.0 MiB", "5.0 GiB", "16.0 EiB"]);
    }
}
