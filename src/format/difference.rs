//! What differs between two packages, of one format or of two.
//!
//! Files are compared by the SHA-256 of what is packed, never by what the packages say of it: a Debian package's `md5sums`
//! may be missing or wrong. When and where a package was built, the times of its files and how it is compressed are not
//! compared: nothing of it reaches the target.

mod files;
mod lines;
mod owners;
mod relations;

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;

use self::lines::unified;
use super::inspection::{Change, Inspection};
use super::{Contents, Error, read_whole};
use crate::distribution::PackageFormat;

pub use files::{Aspect, FileChange};
pub use owners::DistributionChange;
pub use relations::RelationChange;

/// What differs; empty lists where nothing does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Difference {
    /// Are the two package files the same bytes?
    pub identical: bool,
    pub old: Side,
    pub new: Side,
    pub fields: Vec<FieldChange>,
    pub relations: Vec<RelationChange>,
    pub python_distributions: Vec<DistributionChange>,
    pub scriptlets: Vec<TextChange>,
    pub triggers: Vec<TextChange>,
    /// Entries that only one of the packages has.
    pub changelog: Vec<ChangelogChange>,
    pub files: Vec<FileChange>,
    /// What a package says of its files and is not so.
    pub problems: Vec<String>,
}

/// One of the two packages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Side {
    pub path: PathBuf,
    pub format: PackageFormat,
    pub name: String,
    /// `1:2.0-3`
    pub version: String,
    pub architecture: String,
    /// Of the package file, in bytes.
    pub size: u64,
    /// As the package says, in bytes.
    pub installed_size: u64,
    /// Files that are no directories.
    pub files: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    Added,
    Removed,
    Changed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    /// `version`, `summary`; of a Debian package also the name of any other field of its control file.
    pub field: String,
    pub old: String,
    pub new: String,
}

/// A scriptlet or a trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TextChange {
    /// `post`; `package in nginx >= 1.20`, `interest-noawait /usr/lib/app`
    pub name: String,
    pub change: ChangeKind,
    /// Unified, without a head; empty when there is no text.
    pub diff: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangelogChange {
    pub change: ChangeKind,
    #[serde(flatten)]
    pub entry: Change,
}

impl Difference {
    /// Does nothing differ that is compared?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
            && self.relations.is_empty()
            && self.python_distributions.is_empty()
            && self.scriptlets.is_empty()
            && self.triggers.is_empty()
            && self.changelog.is_empty()
            && self.files.is_empty()
            && self.problems.is_empty()
    }
}

/// Compares the packages at `old` and `new`, both read at the same time and in one pass each.
///
/// # Errors
/// When one cannot be read or is damaged.
pub fn compare(old: &Path, new: &Path) -> Result<Difference, Error> {
    let identical = same_bytes(old, new).map_err(Error::Open)?;
    let (first, second) = rayon::join(|| read_whole(old), || read_whole(new));
    let (first, second) = (Whole::new(old, first?), Whole::new(new, second?));
    Ok(difference(&first, &second, identical))
}

/// A package with all that was read of it.
struct Whole<'a> {
    path: &'a Path,
    package: Inspection,
    contents: Contents,
}

impl<'a> Whole<'a> {
    fn new(path: &'a Path, (package, contents): (Inspection, Contents)) -> Self {
        Self { path, package, contents }
    }

    fn side(&self) -> Side {
        let Inspection { format, name, architecture, size, installed_size, files, .. } = &self.package;
        Side {
            path: self.path.to_path_buf(),
            format: *format,
            name: name.clone(),
            version: full_version(&self.package),
            architecture: architecture.clone(),
            size: *size,
            installed_size: *installed_size,
            files: files.iter().filter(|file| file.kind != super::inspection::FileKind::Directory).count(),
        }
    }
}

fn full_version(package: &Inspection) -> String {
    let epoch = if package.epoch == 0 { String::new() } else { format!("{}:", package.epoch) };
    let release = if package.release.is_empty() { String::new() } else { format!("-{}", package.release) };
    format!("{epoch}{}{release}", package.version)
}

fn difference(old: &Whole<'_>, new: &Whole<'_>, identical: bool) -> Difference {
    let (files, python_distributions) = files::compare(old, new);
    Difference {
        identical,
        old: old.side(),
        new: new.side(),
        fields: fields(&old.package, &new.package),
        relations: relations::compare(&old.package, &new.package),
        python_distributions,
        scriptlets: texts(&scriptlets(&old.package), &scriptlets(&new.package)),
        triggers: texts(&triggers(&old.package), &triggers(&new.package)),
        changelog: changelog(&old.package, &new.package),
        files,
        problems: problems(old).chain(problems(new)).collect(),
    }
}

fn same_bytes(old: &Path, new: &Path) -> io::Result<bool> {
    let (old, new) = (fs_err::File::open(old)?, fs_err::File::open(new)?);
    if old.metadata()?.len() != new.metadata()?.len() {
        return Ok(false);
    }
    let (mut old, mut new) = (io::BufReader::new(old), io::BufReader::new(new));
    let (mut first, mut second) = (Vec::new(), Vec::new());
    loop {
        first.clear();
        second.clear();
        old.by_ref().take(64 * 1024).read_to_end(&mut first)?;
        new.by_ref().take(64 * 1024).read_to_end(&mut second)?;
        if first != second {
            return Ok(false);
        }
        if first.is_empty() {
            return Ok(true);
        }
    }
}

/// What the two have no common word for is left out between formats.
fn fields(old: &Inspection, new: &Inspection) -> Vec<FieldChange> {
    let same_format = old.format == new.format;
    let mut pairs = vec![
        ("name", old.name.clone(), new.name.clone()),
        ("epoch", old.epoch.to_string(), new.epoch.to_string()),
        ("version", old.version.clone(), new.version.clone()),
        ("release", old.release.clone(), new.release.clone()),
        ("architecture", machine(old, same_format), machine(new, same_format)),
        ("summary", old.summary.clone(), new.summary.clone()),
        ("description", old.description.clone(), new.description.clone()),
        ("license", old.license.clone(), new.license.clone()),
        ("url", old.url.clone(), new.url.clone()),
        ("vendor", old.vendor.clone(), new.vendor.clone()),
        ("maintainer", old.maintainer.clone(), new.maintainer.clone()),
    ];
    if same_format {
        pairs.extend([
            ("group", old.group.clone(), new.group.clone()),
            ("section", old.section.clone(), new.section.clone()),
            ("priority", old.priority.clone(), new.priority.clone()),
            ("source", old.source.clone(), new.source.clone()),
            ("prefixes", old.prefixes.join(" "), new.prefixes.join(" ")),
        ]);
    }
    let field = |(field, old, new): (&str, String, String)| FieldChange { field: field.to_owned(), old, new };
    let mut changes: Vec<FieldChange> = pairs.into_iter().map(field).collect();
    if same_format {
        let names: BTreeSet<&String> = old.fields.keys().chain(new.fields.keys()).collect();
        let value = |package: &Inspection, name: &String| package.fields.get(name).cloned().unwrap_or_default();
        changes.extend(names.into_iter().map(|name| field((name, value(old, name), value(new, name)))));
    }
    // A Debian package need not say either.
    let is_optional = |field: &str| matches!(field, "license" | "vendor");
    let is_silent = |change: &FieldChange| change.old.is_empty() || change.new.is_empty();
    changes.retain(|change| same_format || !(is_optional(&change.field) && is_silent(change)));
    changes.retain(|change| change.old != change.new);
    changes
}

/// Between formats, RPM's and Debian's words for one machine are the same.
fn machine(package: &Inspection, same_format: bool) -> String {
    let word = match package.architecture.as_str() {
        "all" => "noarch",
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        other => other,
    };
    if same_format { package.architecture.clone() } else { word.to_owned() }
}

/// Names with texts; the interpreter is the text's first line.
fn scriptlets(package: &Inspection) -> Vec<(String, String)> {
    package
        .scriptlets
        .iter()
        .map(|script| (script.kind.to_owned(), with_program(&script.interpreter, &script.text)))
        .collect()
}

fn triggers(package: &Inspection) -> Vec<(String, String)> {
    let trigger = |trigger: &super::inspection::TriggerScript| {
        let name = format!("{} {}", trigger.kind, trigger.conditions.join(", "));
        (name, with_program(&trigger.interpreter, &trigger.text))
    };
    package.triggers.iter().map(trigger).collect()
}

/// rpmbuild cuts off the newlines at the end, which mean nothing.
fn with_program(interpreter: &[String], text: &str) -> String {
    let first = if interpreter.is_empty() { String::new() } else { format!("#!{}\n", interpreter.join(" ")) };
    let text = text.trim_end_matches('\n');
    let end = if text.is_empty() { "" } else { "\n" };
    format!("{first}{text}{end}")
}

/// What has one name twice is compared in its order.
fn texts(old: &[(String, String)], new: &[(String, String)]) -> Vec<TextChange> {
    let mut left: Vec<Option<&(String, String)>> = new.iter().map(Some).collect();
    let mut changes = Vec::new();
    for (name, text) in old {
        let same = left.iter_mut().find(|other| other.is_some_and(|(other, _)| other == name)).and_then(Option::take);
        match same {
            Some((_, other)) if other == text => {}
            Some((_, other)) => changes.push(text_change(name, ChangeKind::Changed, text, other)),
            None => changes.push(text_change(name, ChangeKind::Removed, text, "")),
        }
    }
    changes.extend(left.into_iter().flatten().map(|(name, text)| text_change(name, ChangeKind::Added, "", text)));
    changes
}

fn text_change(name: &str, change: ChangeKind, old: &str, new: &str) -> TextChange {
    TextChange { name: name.to_owned(), change, diff: unified(old, new) }
}

fn changelog(old: &Inspection, new: &Inspection) -> Vec<ChangelogChange> {
    let (before, after): (BTreeSet<&Change>, BTreeSet<&Change>) =
        (old.changelog.iter().collect(), new.changelog.iter().collect());
    let only = |entries: &[Change], other: &BTreeSet<&Change>, change| {
        let entries = entries.iter().filter(|entry| !other.contains(entry));
        entries.map(|entry| ChangelogChange { change, entry: entry.clone() }).collect::<Vec<_>>()
    };
    let mut changes = only(&new.changelog, &before, ChangeKind::Added);
    changes.extend(only(&old.changelog, &after, ChangeKind::Removed));
    changes
}

fn problems<'a>(whole: &'a Whole<'_>) -> impl Iterator<Item = String> + 'a {
    let sums = whole.package.md5sums.iter();
    let wrong =
        sums.clone().flat_map(|sums| &sums.wrong).map(|path| format!("{path} has another content than `md5sums`"));
    let missing = sums.flat_map(|sums| &sums.missing).map(|path| format!("{path} is in `md5sums` and not packed"));
    let all = whole.contents.problems.iter().cloned().chain(wrong).chain(missing);
    all.map(|problem| format!("{}: {problem}", whole.path.display()))
}
