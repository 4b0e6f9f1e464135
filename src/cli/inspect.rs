//! What `omnipack inspect FILE` prints about a package, in the words of its format.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::path::PathBuf;

use super::arguments::InspectArgs;
use super::failure::Failure;
use super::text::{counted, human_size, relation_word, scriptlet_word, shown, shown_line};
use super::{inspect_markdown, print, print_json};
use crate::distribution::PackageFormat;
use crate::format::inspection::{
    FileKind, Inspection, Md5Sums, PackagedFile, TriggerScript, distribution_of, is_site_directory, normalised,
};

/// A directory with more files than this below it is shown as one line, unless Python distributions are in it.
const MOST_LINES: usize = 40;

/// Shows each file.
///
/// # Errors
/// When one cannot be read.
pub fn run(arguments: &InspectArgs) -> Result<(), Failure> {
    let read = |path: &PathBuf| crate::format::read(path).map_err(crate::Error::from);
    let packages = arguments.files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    if arguments.output.json {
        return print_json(&packages);
    }
    if arguments.markdown {
        let packages = arguments.files.iter().cloned().zip(packages).collect::<Vec<_>>();
        return print(&inspect_markdown::render(&packages));
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
    write_relations(out, package)?;
    for script in &package.scriptlets {
        let kind = scriptlet_word(package.format, script.kind);
        write_script(out, &format!("Scriptlet {kind}{}", program(&script.interpreter)), &script.text)?;
    }
    write_triggers(out, package)?;
    write_files(out, package)
}

/// ` (/bin/sh -e)`
fn program(interpreter: &[String]) -> String {
    if interpreter.is_empty() { String::new() } else { format!(" ({})", interpreter.join(" ")) }
}

/// Name, version and architecture as the package manager writes them.
pub(super) fn full_name(package: &Inspection) -> String {
    let Inspection { name, epoch, version, release, architecture, .. } = package;
    let epoch = if *epoch == 0 { String::new() } else { format!("{epoch}:") };
    let release = if release.is_empty() { String::new() } else { format!("-{release}") };
    shown(&match package.format {
        PackageFormat::Rpm => format!("{name}-{epoch}{version}{release}.{architecture}"),
        PackageFormat::Deb => format!("{name} {epoch}{version}{release} {architecture}"),
    })
}

fn write_metadata(out: &mut String, package: &Inspection) -> fmt::Result {
    writeln!(out, "{}", full_name(package))?;
    let sizes = format!(
        "{} packed{}, {} installed",
        human_size(package.size),
        if package.compression.is_empty() { String::new() } else { format!(" ({})", package.compression) },
        human_size(package.installed_size)
    );
    let prefixes = package.prefixes.join(" ");
    let maintainer = match package.format {
        PackageFormat::Rpm => "Packager",
        PackageFormat::Deb => "Maintainer",
    };
    let fields = [
        ("Summary", &package.summary),
        ("License", &package.license),
        ("URL", &package.url),
        ("Vendor", &package.vendor),
        (maintainer, &package.maintainer),
        ("Group", &package.group),
        ("Section", &package.section),
        ("Priority", &package.priority),
        ("Source", &package.source),
        ("Prefixes", &prefixes),
        ("Size", &sizes),
    ];
    let others = package.fields.iter().map(|(label, value)| (label.as_str(), value));
    for (label, value) in fields.into_iter().chain(others).filter(|(_, value)| !value.is_empty()) {
        writeln!(out, "  {:<10} {}", shown(label), shown(value))?;
    }
    if let Some(sums) = &package.md5sums {
        write_md5sums(out, sums)?;
    }
    write_block(out, "Description", &package.description)
}

/// Nothing where all is well.
fn write_md5sums(out: &mut String, sums: &Md5Sums) -> fmt::Result {
    for (paths, what) in [(&sums.wrong, "another content than"), (&sums.missing, "no file in the tree, but a line in")]
    {
        for path in paths.iter().take(MOST_LINES) {
            writeln!(out, "  {:<10} {} has {what} `md5sums`", "Warning", shown(path))?;
        }
        let more = paths.len().saturating_sub(MOST_LINES);
        if more > 0 {
            writeln!(out, "  {:<10} and {more} more", "")?;
        }
    }
    Ok(())
}

fn write_relations(out: &mut String, package: &Inspection) -> fmt::Result {
    for (kind, values) in package.relations.all().into_iter().filter(|(_, values)| !values.is_empty()) {
        writeln!(out, "\n{}", relation_word(package.format, kind))?;
        for value in values {
            writeln!(out, "  {}", shown(value))?;
        }
    }
    Ok(())
}

fn write_triggers(out: &mut String, package: &Inspection) -> fmt::Result {
    let on = |trigger: &TriggerScript| format!("{} {}", trigger.kind, trigger.conditions.join(", "));
    match package.format {
        PackageFormat::Rpm => {
            for trigger in &package.triggers {
                let title = format!("Trigger on {}{}", on(trigger), program(&trigger.interpreter));
                write_script(out, &title, &trigger.text)?;
            }
            Ok(())
        }
        PackageFormat::Deb => {
            let lines: Vec<String> = package.triggers.iter().map(on).collect();
            write_block(out, "Triggers", &lines.join("\n"))
        }
    }
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
        writeln!(out, "{}", format!("  {}", shown_line(line)).trim_end())?;
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
            if let Some((name, version)) = distribution_of(directory) {
                sums.insert(normalised(name), (format!("{name} {version}"), 0, 0));
            }
        }
        for (name, child) in &self.children {
            let owner = distribution_of(name).map_or(*name, |(name, _)| name);
            let owner = owner.strip_suffix(".libs").or_else(|| owner.strip_suffix(".py")).unwrap_or(owner);
            let sum = sums.entry(normalised(owner)).or_insert_with(|| ((*name).to_owned(), 0, 0));
            sum.1 += child.size;
            sum.2 += if child.children.is_empty() { 1 } else { child.files };
        }
        for (title, size, files) in sums.values() {
            let indent = "  ".repeat(depth + 1);
            writeln!(out, "{indent}{}  {}, {}", shown(title), human_size(*size), counted(*files, "file"))?;
        }
        Ok(())
    }
}
