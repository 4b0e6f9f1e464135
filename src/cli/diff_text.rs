//! A difference as text for people. Every text of a package is shown with its control characters escaped.

use std::fmt::{self, Write};

use super::text::{counted, human_size, relation_word, scriptlet_word, shown, shown_line};
use crate::distribution::PackageFormat;
use crate::format::inspection::{FileKind, PackagedFile, normalised};
use crate::format::{
    Aspect, ChangeKind, ChangelogChange, Difference, DistributionChange, FieldChange, FileChange, Side, TextChange,
};

/// Lines of a list, and of one difference of texts, where not all is wanted.
const MOST_LINES: usize = 20;
const MOST_DIFF_LINES: usize = 40;

/// Lines of a file's difference and of an entry of the changelog, of which there can be many.
const MOST_FILE_LINES: usize = 16;
const MOST_CHANGE_LINES: usize = 6;
const MOST_CHANGES: usize = 5;

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Long lists are cut, and files of distributions that changed their version are only counted.
    Short,
    All,
}

/// The whole text, with a newline at its end.
#[must_use]
pub fn render(difference: &Difference, detail: Detail, color: bool) -> String {
    let mut page = Page { out: String::new(), detail, color };
    // Writing to a `String` cannot fail.
    let _ = page.write(difference);
    page.out
}

struct Page {
    out: String,
    detail: Detail,
    color: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Heading,
    Old,
    New,
    Changed,
    Note,
}

impl Style {
    /// "Select graphic rendition" of ECMA-48.
    fn code(self) -> &'static str {
        match self {
            Self::Heading => "1",
            Self::Old => "31",
            Self::New => "32",
            Self::Changed => "33",
            Self::Note => "36",
        }
    }

    fn of(change: ChangeKind) -> (&'static str, Self) {
        match change {
            ChangeKind::Added => ("+", Self::New),
            ChangeKind::Removed => ("-", Self::Old),
            ChangeKind::Changed => ("~", Self::Changed),
        }
    }
}

impl Page {
    fn write(&mut self, difference: &Difference) -> fmt::Result {
        if difference.identical {
            return writeln!(self.out, "The two files are the same, byte for byte.");
        }
        self.write_head(difference)?;
        if difference.is_empty() {
            return writeln!(
                self.out,
                "The packages hold the same. Their bytes differ only in what does not reach a machine: when and where they \
                 were built, order, compression."
            );
        }
        writeln!(self.out, "{}", summary(difference))?;
        self.write_list("Problems", &difference.problems, |page, problem| page.line("!", Style::Old, &shown(problem)))?;
        self.write_list("Fields", &difference.fields, Self::write_field)?;
        self.write_relations(difference)?;
        self.write_list("Python distributions", &difference.python_distributions, Self::write_distribution)?;
        let format = difference.new.format;
        for script in &difference.scriptlets {
            self.write_text(&format!("Scriptlet {}", script_name(format, &script.name)), script)?;
        }
        // dpkg's triggers have no text: the name says all.
        let (names, texts): (Vec<&TextChange>, Vec<&TextChange>) =
            difference.triggers.iter().partition(|trigger| trigger.diff.is_empty());
        self.write_list("Triggers", &names, |page, trigger| {
            let (sign, style) = Style::of(trigger.change);
            page.line(sign, style, &shown(&trigger.name))
        })?;
        for trigger in texts {
            self.write_text(&format!("Trigger {}", trigger.name), trigger)?;
        }
        self.write_files(difference)?;
        self.write_some("Changelog", &difference.changelog, MOST_CHANGES, Self::write_change)
    }

    fn write_head(&mut self, difference: &Difference) -> fmt::Result {
        for (sign, style, side) in [("---", Style::Old, &difference.old), ("+++", Style::New, &difference.new)] {
            let text = format!("{sign} {}  {}", side.path.display(), side_name(side));
            let text = self.paint(style, &shown(&text));
            writeln!(self.out, "{text}")?;
        }
        let (old, new) = (&difference.old, &difference.new);
        if old.size != new.size {
            writeln!(self.out, "{} packed", change_of_size(old.size, new.size))?;
        }
        if old.installed_size != new.installed_size {
            writeln!(self.out, "{} installed", change_of_size(old.installed_size, new.installed_size))?;
        }
        Ok(())
    }

    fn write_list<T>(&mut self, title: &str, all: &[T], write: fn(&mut Self, &T) -> fmt::Result) -> fmt::Result {
        self.write_some(title, all, MOST_LINES, write)
    }

    fn write_some<T>(
        &mut self,
        title: &str,
        all: &[T],
        limit: usize,
        write: fn(&mut Self, &T) -> fmt::Result,
    ) -> fmt::Result {
        if all.is_empty() {
            return Ok(());
        }
        self.heading(title)?;
        let most = self.most(all.len(), limit);
        for one in all.iter().take(most) {
            write(self, one)?;
        }
        self.write_more(all.len() - most)
    }

    fn write_more(&mut self, count: usize) -> fmt::Result {
        if count == 0 { Ok(()) } else { writeln!(self.out, "  and {count} more (--all shows them)") }
    }

    /// Of `count`; one more line is not worth hiding.
    fn most(&self, count: usize, limit: usize) -> usize {
        if self.detail == Detail::All || count <= limit + 1 { count } else { limit }
    }

    fn heading(&mut self, title: &str) -> fmt::Result {
        let title = self.paint(Style::Heading, &shown(title));
        writeln!(self.out, "\n{title}")
    }

    fn line(&mut self, sign: &str, style: Style, text: &str) -> fmt::Result {
        let line = self.paint(style, &format!("{sign} {text}"));
        writeln!(self.out, "  {line}")
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.color { format!("\u{1b}[{}m{text}\u{1b}[0m", style.code()) } else { text.to_owned() }
    }

    fn write_field(&mut self, field: &FieldChange) -> fmt::Result {
        let FieldChange { field: name, old, new } = field;
        if old.contains('\n') || new.contains('\n') {
            self.line("~", Style::Changed, &shown(name))?;
            let lines = |text: &str, sign| text.lines().map(|line| format!("{sign}{line}")).collect::<Vec<_>>();
            return self.write_diff(&[lines(old, "-"), lines(new, "+")].concat().join("\n"), "    ", MOST_FILE_LINES);
        }
        let value = |text: &str| if text.is_empty() { "(none)".to_owned() } else { shown(text) };
        self.line("~", Style::Changed, &format!("{}  {} -> {}", shown(name), value(old), value(new)))
    }

    fn write_relations(&mut self, difference: &Difference) -> fmt::Result {
        let mut rest = difference.relations.as_slice();
        while let Some(kind) = rest.first().map(|first| first.kind) {
            let count = rest.iter().take_while(|one| one.kind == kind).count();
            let (these, others) = rest.split_at(count);
            self.write_list(relation_word(difference.new.format, kind), these, |page, one| {
                match (&one.old, &one.new) {
                    (Some(old), Some(new)) => {
                        page.line("~", Style::Changed, &format!("{} -> {}", shown(old), shown(new)))
                    }
                    (Some(old), None) => page.line("-", Style::Old, &shown(old)),
                    (_, new) => page.line("+", Style::New, &shown(new.as_deref().unwrap_or_default())),
                }
            })?;
            rest = others;
        }
        Ok(())
    }

    fn write_distribution(&mut self, one: &DistributionChange) -> fmt::Result {
        let name = shown(&one.name);
        match (&one.old, &one.new) {
            (Some(old), None) => self.line("-", Style::Old, &format!("{name} {}", shown(old))),
            (None, Some(new)) => self.line("+", Style::New, &format!("{name} {}", shown(new))),
            (old, new) => {
                let version = |version: &Option<String>| shown(version.as_deref().unwrap_or_default());
                let versions = if old == new {
                    format!("{} (its version is the same)", version(new))
                } else {
                    format!("{} -> {}", version(old), version(new))
                };
                let counts = counts(one.added, one.removed, one.changed);
                let size = if one.old_size == one.new_size {
                    String::new()
                } else {
                    format!(", {}", change_of_size(one.old_size, one.new_size))
                };
                self.line("~", Style::Changed, &format!("{name} {versions}  {counts}{size}"))
            }
        }
    }

    fn write_text(&mut self, title: &str, text: &TextChange) -> fmt::Result {
        let what = match text.change {
            ChangeKind::Added => " (added)",
            ChangeKind::Removed => " (removed)",
            ChangeKind::Changed => "",
        };
        self.heading(&format!("{title}{what}"))?;
        self.write_diff(&text.diff, "  ", MOST_DIFF_LINES)
    }

    fn write_diff(&mut self, diff: &str, indent: &str, limit: usize) -> fmt::Result {
        let count = diff.lines().count();
        let most = self.most(count, limit);
        for line in diff.lines().take(most) {
            let style = match line.as_bytes().first() {
                Some(b'-') => Some(Style::Old),
                Some(b'+') => Some(Style::New),
                Some(b'@') => Some(Style::Note),
                _ => None,
            };
            let line = shown_line(line);
            let line = style.map_or_else(|| line.clone(), |style| self.paint(style, &line));
            writeln!(self.out, "{}", format!("{indent}{line}").trim_end())?;
        }
        if count > most {
            writeln!(self.out, "{indent}and {} more lines (--all shows them)", count - most)?;
        }
        Ok(())
    }

    /// Files of distributions whose version differs are counted with them, unless all is wanted.
    fn write_files(&mut self, difference: &Difference) -> fmt::Result {
        let moved = |change: &FileChange| {
            let name = change.distribution.as_deref().unwrap_or_default();
            difference.python_distributions.iter().any(|one| normalised(&one.name) == name && one.old != one.new)
        };
        let wanted = |change: &&FileChange| self.detail == Detail::All || !(change.follows || moved(change));
        let (config, others): (Vec<&FileChange>, Vec<&FileChange>) =
            difference.files.iter().filter(wanted).partition(|change| is_config(change));
        self.write_list("Configuration files", &config, |page, change| page.write_file(change))?;
        self.write_list("Files", &others, |page, change| page.write_file(change))
    }

    fn write_file(&mut self, change: &FileChange) -> fmt::Result {
        let (sign, style) = Style::of(change.change);
        let details = match (&change.old, &change.new) {
            (Some(old), Some(new)) => aspects(&change.aspects, old, new).join(", "),
            (one, other) => other.as_ref().or(one.as_ref()).map(describe).unwrap_or_default(),
        };
        self.line(sign, style, format!("{}  {}", shown(&change.path), shown(&details)).trim_end())?;
        match &change.diff {
            Some(diff) if self.detail == Detail::All || !is_documentation(&change.path) => {
                self.write_diff(diff, "      ", MOST_FILE_LINES)
            }
            _ => Ok(()),
        }
    }

    fn write_change(&mut self, change: &ChangelogChange) -> fmt::Result {
        let (sign, style) = Style::of(change.change);
        self.line(sign, style, &shown(&change.entry.author))?;
        let lines: Vec<&str> = change.entry.text.lines().filter(|line| !line.trim().is_empty()).collect();
        let most = self.most(lines.len(), MOST_CHANGE_LINES);
        for line in lines.iter().take(most) {
            writeln!(self.out, "      {}", shown_line(line))?;
        }
        if most < lines.len() {
            writeln!(self.out, "      and {} more lines (--all shows them)", lines.len() - most)?;
        }
        Ok(())
    }
}

fn side_name(side: &Side) -> String {
    format!("{} {} {}", side.name, side.version, side.architecture)
}

/// `Differs in version, 2 relations, 3 files.`
fn summary(difference: &Difference) -> String {
    let mut parts: Vec<String> = Vec::new();
    let lists = [
        (difference.problems.len(), "problem"),
        (difference.fields.len(), "field"),
        (difference.relations.len(), "relation"),
        (difference.python_distributions.len(), "Python distribution"),
        (difference.scriptlets.len(), "scriptlet"),
        (difference.triggers.len(), "trigger"),
    ];
    parts.extend(lists.iter().filter(|(count, _)| *count > 0).map(|(count, word)| counted(*count, word)));
    let count = |kind| difference.files.iter().filter(|file| file.change == kind).count();
    let (added, removed, changed) = (count(ChangeKind::Added), count(ChangeKind::Removed), count(ChangeKind::Changed));
    if added + removed + changed > 0 {
        let files = counted(difference.files.len(), "path");
        parts.push(format!("{files} ({})", counts(added, removed, changed)));
    }
    if parts.is_empty() {
        parts.push("the changelog".to_owned());
    }
    format!("They differ in {}.", parts.join(", "))
}

/// `2 added, 1 removed, 3 changed`
fn counts(added: usize, removed: usize, changed: usize) -> String {
    let all = [(added, "added"), (removed, "removed"), (changed, "changed")];
    let parts = all.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    let text = parts.collect::<Vec<_>>().join(", ");
    if text.is_empty() { "no file differs".to_owned() } else { text }
}

/// `1.0 KiB -> 1.5 KiB (+50.0 %)`
fn change_of_size(old: u64, new: u64) -> String {
    let text = format!("{} -> {}", human_size(old), human_size(new));
    if old == 0 {
        return text;
    }
    let percent = (new as f64 - old as f64) / old as f64 * 100.0;
    format!("{text} ({percent:+.1} %)")
}

fn script_name(format: PackageFormat, name: &str) -> &str {
    let kinds = ["pre", "post", "preun", "postun"];
    kinds.into_iter().find(|kind| *kind == name).map_or(name, |kind| scriptlet_word(format, kind))
}

fn is_documentation(path: &str) -> bool {
    path.starts_with("/usr/share/doc/")
}

fn is_config(change: &FileChange) -> bool {
    [&change.old, &change.new].into_iter().flatten().any(|file| file.flags.contains(&"config"))
}

fn aspects(aspects: &[Aspect], old: &PackagedFile, new: &PackagedFile) -> Vec<String> {
    let kind = |file: &PackagedFile| match file.kind {
        FileKind::Directory => "directory",
        FileKind::File => "file",
        FileKind::Symlink => "symlink",
        FileKind::Special => "special file",
    };
    let none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
    let text = |aspect: &Aspect| match aspect {
        Aspect::Content if old.kind != new.kind => None,
        Aspect::Content if old.size == new.size => Some("content".to_owned()),
        Aspect::Content => Some(format!("content ({} -> {})", human_size(old.size), human_size(new.size))),
        Aspect::Kind => Some(format!("{} -> {}", kind(old), kind(new))),
        Aspect::Mode => Some(format!("mode {} -> {}", old.mode, new.mode)),
        Aspect::Owner => Some(format!("owner {} -> {}", old.owner, new.owner)),
        Aspect::Group => Some(format!("group {} -> {}", old.group, new.group)),
        Aspect::LinkTarget => Some(format!("link {} -> {}", none(&old.link_target), none(&new.link_target))),
        Aspect::Capabilities => {
            Some(format!("capabilities {} -> {}", none(&old.capabilities), none(&new.capabilities)))
        }
        Aspect::Flags => Some(format!("flags [{}] -> [{}]", old.flags.join(", "), new.flags.join(", "))),
    };
    aspects.iter().filter_map(text).collect()
}

/// One that only one package has.
fn describe(file: &PackagedFile) -> String {
    let what = match (file.kind, &file.link_target) {
        (FileKind::Directory, _) => "directory".to_owned(),
        (FileKind::Symlink, Some(target)) => format!("-> {target}"),
        (FileKind::Special, _) => "special file".to_owned(),
        _ => human_size(file.size),
    };
    let flags = if file.flags.is_empty() { String::new() } else { format!(" [{}]", file.flags.join(", ")) };
    format!("{what}{flags}")
}
