//! How entries become a [`Stage`]: no path twice, every directory there, sorted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::project::ConfigFile;

use super::{Entry, EntryFlags, EntryKind, Error, LayoutError, Origin, Stage, TargetPath};

impl Entry {
    /// A file, link or directory of root's, with no flags.
    #[must_use]
    pub fn new(path: TargetPath, mode: u32, kind: EntryKind, origin: Origin) -> Self {
        let root: Arc<str> = "root".into();
        Self { path, mode, owner: Arc::clone(&root), group: root, kind, flags: EntryFlags::default(), origin }
    }

    /// Does dpkg keep an operator's edits of this file (deb-conffiles(5))?
    #[must_use]
    pub fn is_conffile(&self) -> bool {
        self.flags.config != ConfigFile::No
            && !self.flags.ghost
            && matches!(self.kind, EntryKind::File(_) | EntryKind::Hardlink(_))
    }

    /// A directory that is there because something lies in it.
    #[must_use]
    pub fn directory(path: TargetPath) -> Self {
        Self::new(path, 0o755, EntryKind::Directory, Origin::Generated)
    }

    #[must_use]
    pub fn symlink(path: TargetPath, target: &str, origin: Origin) -> Self {
        Self::new(path, 0o777, EntryKind::Symlink(target.into()), origin)
    }

    /// Made by [`Entry::directory`], so that anything more precise may replace it.
    fn is_implied_directory(&self) -> bool {
        matches!(self.kind, EntryKind::Directory)
            && self.origin == Origin::Generated
            && self.mode == 0o755
            && &*self.owner == "root"
            && &*self.group == "root"
            && self.flags == EntryFlags::default()
    }
}

impl Stage {
    /// An empty tree that owns the directories from `prefix` on.
    #[must_use]
    pub fn new(prefix: TargetPath) -> Self {
        Self { prefix, ..Self::default() }
    }

    /// Adds entries, and below the prefix the directories that they lie in. The result is sorted, whatever the order
    /// of `entries`. A directory that is only there because something lies in it gives way to one that was asked for.
    ///
    /// # Errors
    /// When a path is there twice (both origins are named), or something lies below what is no directory. The stage is
    /// then as it was before.
    pub fn add(&mut self, entries: impl IntoIterator<Item = Entry>) -> Result<(), Error> {
        let mut by_path =
            self.entries.iter().map(|entry| (entry.path.clone(), entry.clone())).collect::<BTreeMap<_, _>>();
        let mut added = BTreeSet::new();
        for entry in entries {
            added.insert(entry.path.clone());
            insert(&mut by_path, entry)?;
        }
        for path in &added {
            add_parents(&mut by_path, path, &self.prefix)?;
        }
        self.entries = by_path.into_values().collect();
        Ok(())
    }

    /// The entry at `path`.
    #[must_use]
    pub fn get(&self, path: &TargetPath) -> Option<&Entry> {
        let index = self.entries.binary_search_by(|entry| entry.path.cmp(path)).ok()?;
        self.entries.get(index)
    }
}

fn insert(by_path: &mut BTreeMap<TargetPath, Entry>, entry: Entry) -> Result<(), LayoutError> {
    let Some(present) = by_path.get(&entry.path) else {
        by_path.insert(entry.path.clone(), entry);
        return Ok(());
    };
    let both_directories = matches!((&present.kind, &entry.kind), (EntryKind::Directory, EntryKind::Directory));
    if both_directories && entry.is_implied_directory() {
        return Ok(());
    }
    if both_directories && present.is_implied_directory() {
        by_path.insert(entry.path.clone(), entry);
        return Ok(());
    }
    Err(LayoutError::Duplicate {
        path: entry.path.to_string(),
        first: present.origin.to_string(),
        second: entry.origin.to_string(),
    })
}

fn add_parents(
    by_path: &mut BTreeMap<TargetPath, Entry>,
    path: &TargetPath,
    prefix: &TargetPath,
) -> Result<(), LayoutError> {
    let mut at = path.clone();
    while let Some(parent) = at.parent() {
        if !parent.is_below(prefix) || parent.as_str() == "/" {
            break;
        }
        match by_path.get(&parent) {
            None => {
                by_path.insert(parent.clone(), Entry::directory(parent.clone()));
            }
            Some(Entry { kind: EntryKind::Directory, .. }) => break,
            Some(other) => {
                return Err(LayoutError::NotADirectory {
                    path: path.to_string(),
                    parent: parent.to_string(),
                    first: other.origin.to_string(),
                    second: by_path.get(path).map_or_else(String::new, |entry| entry.origin.to_string()),
                });
            }
        }
        at = parent;
    }
    Ok(())
}
