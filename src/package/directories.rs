//! Directories that nobody names and that are still the packages' own: `/etc/<name>` above `/etc/<name>/app.conf`. Who
//! owns a directory removes it, so one without an owner stays behind for ever
//! (<https://docs.fedoraproject.org/en-US/packaging-guidelines/#_file_and_directory_ownership>).

use std::collections::BTreeSet;

use crate::package::Package;
use crate::plan::BuildPlan;
use crate::stage::{Entry, EntryFlags, EntryKind, Origin, TargetPath};

/// Gives each package the directories above its entries that are called like one of the packages or the application,
/// and what is below those. Several packages may own one, as it is the same for all of them; one that any package has
/// already, with the owner and mode that the user wants, stays with that package.
pub(super) fn own(plan: &BuildPlan, packages: &mut [Package]) {
    let names = packages.iter().map(|package| package.name.clone()).chain([plan.metadata.name.clone()]);
    let names = names.collect::<BTreeSet<_>>();
    let known = packages.iter().flat_map(|package| &package.entries);
    let known = known.filter(|entry| matches!(entry.kind, EntryKind::Directory)).map(|entry| entry.path.clone());
    let known = known.collect::<BTreeSet<_>>();
    for package in packages {
        let above = package.entries.iter().flat_map(|entry| ancestors(&entry.path));
        let missing = above.filter(|path| !known.contains(path) && is_own(path, &names)).collect::<BTreeSet<_>>();
        package.entries.extend(missing.into_iter().map(directory));
        package.entries.sort_by(|one, other| one.path.cmp(&other.path));
    }
}

fn ancestors(path: &TargetPath) -> impl Iterator<Item = TargetPath> + use<> {
    std::iter::successors(path.parent(), TargetPath::parent)
}

fn is_own(path: &TargetPath, names: &BTreeSet<String>) -> bool {
    path.as_str().split('/').any(|part| names.contains(part))
}

fn directory(path: TargetPath) -> Entry {
    Entry {
        path,
        mode: 0o755,
        owner: "root".into(),
        group: "root".into(),
        kind: EntryKind::Directory,
        flags: EntryFlags::default(),
        origin: Origin::User,
    }
}
