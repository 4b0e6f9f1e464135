//! Directories that are symbolic links in another version, and links that are directories: no package manager replaces
//! one by the other by itself. What has to be known of a package for that, by `%pretrans` of rpm and preinst of dpkg.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::plan::BuildPlan;
use crate::stage::{Entry, EntryKind, Origin, TargetPath};

use super::{Error, target_path};

/// A symbolic link of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    pub path: String,
    pub target: String,
}

/// The links among `entries`.
pub fn links(entries: &[Entry]) -> Vec<Link> {
    let link = |entry: &Entry| match &entry.kind {
        EntryKind::Symlink(target) => Some(Link { path: entry.path.to_string(), target: target.to_string() }),
        _ => None,
    };
    entries.iter().filter_map(link).collect()
}

/// The `[[directory]]` tables of the build: they are the operator's to place elsewhere, by a link.
///
/// # Errors
/// When one is no path.
pub fn named_directories(plan: &BuildPlan) -> Result<BTreeSet<TargetPath>, Error> {
    let named = plan.packages.iter().flat_map(|package| &package.directories);
    named.map(|directory| target_path(&directory.path)).collect()
}

/// Directories that an operator may have replaced by a link: those that the configuration names, and those of services
/// and accounts.
///
/// # Errors
/// As [`named_directories`].
pub fn data(plan: &BuildPlan, entries: &[Entry]) -> Result<Vec<String>, Error> {
    let prefix = target_path(&plan.prefix)?;
    let mut data = named_directories(plan)?;
    let directories = entries.iter().filter(|entry| matches!(entry.kind, EntryKind::Directory));
    let outside = directories.filter(|entry| entry.origin == Origin::Generated && !entry.path.is_below(&prefix));
    data.extend(outside.map(|entry| entry.path.clone()));
    Ok(data.into_iter().map(|path| path.to_string()).collect())
}
