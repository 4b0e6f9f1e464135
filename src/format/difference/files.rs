//! Files that only one package has, or that are not the same in both.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Serialize;

use super::lines::unified_bytes;
use super::owners::{DistributionChange, Owners, source_of};
use super::{ChangeKind, Whole};
use crate::format::inspection::{FileKind, PackagedFile, distribution_of, normalised, site_of};

/// Digests in `old` and `new` are the SHA-256 of what is packed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FileChange {
    pub path: String,
    pub change: ChangeKind,
    /// In what it differs; empty when only one package has it.
    pub aspects: Vec<Aspect>,
    /// Python distribution that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distribution: Option<String>,
    /// Bytecode whose source differs too, or metadata of a distribution that differs anyhow: says nothing of its own.
    pub follows: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<PackagedFile>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<PackagedFile>,
    /// Of a short text outside of Python's directories: unified, without a head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    Content,
    Kind,
    Mode,
    Owner,
    Group,
    LinkTarget,
    Capabilities,
    Flags,
}

/// The same file of both packages has the same key.
type Keyed<'a> = BTreeMap<String, &'a PackagedFile>;

pub fn compare(old: &Whole<'_>, new: &Whole<'_>) -> (Vec<FileChange>, Vec<DistributionChange>) {
    let same_format = old.package.format == new.package.format;
    let (before, after) = (keyed(old), keyed(new));
    let (old_owners, new_owners) = (Owners::new(old), Owners::new(new));
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut changes = Vec::new();
    for key in keys {
        let (first, second) = (before.get(key).copied(), after.get(key).copied());
        let aspects = match (first, second) {
            (Some(first), Some(second)) => aspects(with(first, old), with(second, new), same_format),
            (Some(one), None) | (None, Some(one)) if !same_format && is_plain_directory(one) => continue,
            _ => Vec::new(),
        };
        if first.is_some() && second.is_some() && aspects.is_empty() {
            continue;
        }
        let owner = |file: Option<&PackagedFile>, owners: &Owners<'_>| file.and_then(|file| owners.of(&file.path));
        changes.push(FileChange {
            path: second.or(first).map(|file| file.path.clone()).unwrap_or_default(),
            change: match (first, second) {
                (None, _) => ChangeKind::Added,
                (_, None) => ChangeKind::Removed,
                _ => ChangeKind::Changed,
            },
            diff: first.zip(second).and_then(|(first, second)| text_difference(with(first, old), with(second, new))),
            aspects,
            distribution: owner(second, &new_owners).or_else(|| owner(first, &old_owners)),
            follows: false,
            old: first.map(|file| with_digest(file, old)),
            new: second.map(|file| with_digest(file, new)),
        });
    }
    mark_followers(&mut changes, &old_owners, &new_owners);
    let distributions = distributions(&changes, (old, &old_owners), (new, &new_owners));
    (changes, distributions)
}

fn with<'a>(file: &'a PackagedFile, whole: &'a Whole<'a>) -> Packed<'a> {
    Packed { file, whole }
}

/// A file and the package that it is in.
#[derive(Clone, Copy)]
struct Packed<'a> {
    file: &'a PackagedFile,
    whole: &'a Whole<'a>,
}

impl Packed<'_> {
    fn digest(&self) -> Option<&String> {
        self.whole.contents.digests.get(&self.file.path)
    }
}

/// A distribution's metadata lies in a directory with its version in the name: the key has none, so that the files of
/// two versions meet.
fn keyed<'a>(whole: &'a Whole<'_>) -> Keyed<'a> {
    let mut keyed = Keyed::new();
    for file in &whole.package.files {
        let key = metadata_key(&file.path).filter(|key| !keyed.contains_key(key));
        keyed.insert(key.unwrap_or_else(|| file.path.clone()), file);
    }
    keyed
}

/// `<site>/flask.dist-info/RECORD` of `<site>/Flask-2.0.3.dist-info/RECORD`.
fn metadata_key(path: &str) -> Option<String> {
    let (site, below) = site_of(path)?;
    let (directory, rest) = below.split_once('/').unwrap_or((below, ""));
    let (name, _) = distribution_of(directory)?;
    Some(format!("{site}/{}.dist-info/{rest}", normalised(name)))
}

/// In what two files differ. Between formats only that counts which both can say.
fn aspects(old: Packed<'_>, new: Packed<'_>, same_format: bool) -> Vec<Aspect> {
    let (first, second) = (old.file, new.file);
    let is_config = |file: &PackagedFile| file.flags.contains(&"config");
    let same_flags = if same_format { first.flags == second.flags } else { is_config(first) == is_config(second) };
    // No system has a use for the mode of a link.
    let same_mode = first.mode == second.mode || (first.kind == FileKind::Symlink && second.kind == FileKind::Symlink);
    let all = [
        (Aspect::Content, old.digest() == new.digest()),
        (Aspect::Kind, first.kind == second.kind),
        (Aspect::Mode, same_mode),
        (Aspect::Owner, first.owner == second.owner),
        (Aspect::Group, first.group == second.group),
        (Aspect::LinkTarget, first.link_target == second.link_target),
        (Aspect::Capabilities, !same_format || first.capabilities == second.capabilities),
        (Aspect::Flags, same_flags),
    ];
    all.into_iter().filter(|(_, same)| !same).map(|(aspect, _)| aspect).collect()
}

fn text_difference(old: Packed<'_>, new: Packed<'_>) -> Option<String> {
    if old.digest() == new.digest() || site_of(&new.file.path).is_some() {
        return None;
    }
    let (first, second) = (old.whole.contents.kept.get(&old.file.path)?, new.whole.contents.kept.get(&new.file.path)?);
    unified_bytes(first, second)
}

/// A Debian package has every directory down from the root, an RPM only its own.
fn is_plain_directory(file: &PackagedFile) -> bool {
    file.kind == FileKind::Directory && file.mode == "0755" && file.owner == "root" && file.group == "root"
}

fn with_digest(file: &PackagedFile, whole: &Whole<'_>) -> PackagedFile {
    PackagedFile { digest: whole.contents.digests.get(&file.path).cloned(), ..file.clone() }
}

fn mark_followers(changes: &mut [FileChange], old: &Owners<'_>, new: &Owners<'_>) {
    let paths = |change: &FileChange| {
        [&change.old, &change.new].into_iter().flatten().map(|file| file.path.clone()).collect::<Vec<_>>()
    };
    let sources: HashSet<String> = changes.iter().flat_map(paths).filter(|path| path.ends_with(".py")).collect();
    // Distributions of which more differs than what is derived.
    let mut differ: HashSet<String> = new
        .versions
        .iter()
        .chain(&old.versions)
        .map(|(name, _)| name)
        .filter(|name| version(old, name) != version(new, name))
        .cloned()
        .collect();
    for change in changes.iter().filter(|change| source_of(&change.path).is_none() && !is_metadata(&change.path)) {
        differ.extend(change.distribution.clone());
    }
    for change in changes {
        let differs = change.distribution.as_ref().is_some_and(|name| differ.contains(name));
        change.follows = match source_of(&change.path) {
            Some(source) => sources.contains(&source),
            None => is_metadata(&change.path) && differs,
        };
    }
}

fn version<'a>(owners: &Owners<'a>, name: &str) -> Option<&'a str> {
    owners.versions.get(name).map(|(_, version)| *version)
}

/// Is it in the directory of a distribution's metadata?
fn is_metadata(path: &str) -> bool {
    metadata_key(path).is_some()
}

/// Those whose versions differ, or whose files do.
fn distributions(
    changes: &[FileChange],
    (old, old_owners): (&Whole<'_>, &Owners<'_>),
    (new, new_owners): (&Whole<'_>, &Owners<'_>),
) -> Vec<DistributionChange> {
    let mut all: BTreeMap<&String, DistributionChange> = BTreeMap::new();
    for (name, (shown, _)) in old_owners.versions.iter().chain(&new_owners.versions) {
        let change = all.entry(name).or_default();
        change.name = (*shown).to_owned();
        change.old = version(old_owners, name).map(str::to_owned);
        change.new = version(new_owners, name).map(str::to_owned);
    }
    for change in changes.iter().filter(|change| !change.follows && !is_directory(change)) {
        let Some(distribution) = change.distribution.as_ref().and_then(|name| all.get_mut(name)) else { continue };
        match change.change {
            ChangeKind::Added => distribution.added += 1,
            ChangeKind::Removed => distribution.removed += 1,
            ChangeKind::Changed => distribution.changed += 1,
        }
    }
    for (sizes, is_old) in [(sizes(old, old_owners), true), (sizes(new, new_owners), false)] {
        for (name, size) in sizes {
            if let Some(distribution) = all.get_mut(&name) {
                let place = if is_old { &mut distribution.old_size } else { &mut distribution.new_size };
                *place = size;
            }
        }
    }
    let differs = |one: &DistributionChange| one.old != one.new || one.added + one.removed + one.changed > 0;
    all.into_values().filter(differs).collect()
}

fn is_directory(change: &FileChange) -> bool {
    change.new.as_ref().or(change.old.as_ref()).is_some_and(|file| file.kind == FileKind::Directory)
}

/// Bytes of each distribution.
fn sizes(whole: &Whole<'_>, owners: &Owners<'_>) -> HashMap<String, u64> {
    let mut sizes = HashMap::new();
    for file in whole.package.files.iter().filter(|file| file.kind == FileKind::File) {
        if let Some(name) = owners.of(&file.path) {
            *sizes.entry(name).or_default() += file.size;
        }
    }
    sizes
}
