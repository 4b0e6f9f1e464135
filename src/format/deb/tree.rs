//! The entries of a package as dpkg wants them in an archive: every directory before what lies in it, symbolic links
//! last, other names of a file after the file.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::tar::{Kind, Member, OWNER_FIELD, Owner, ROOT};
use crate::format::Error;
use crate::format::text::{check_paths, wrong};
use crate::package::Package;
use crate::project::ConfigFile;
use crate::stage::{Entry, EntryKind, TargetPath};

/// A path and the newline are read with fgets(3) into a buffer of this size, less two (`lib/dpkg/dpkg.h`,
/// `MAXCONFFILENAME`).
const LONGEST_CONFFILE: usize = 1000 - 4;

/// Bytes of a name: dpkg unpacks beside the old file, with `.dpkg-new` at the end (`lib/dpkg/dpkg.h`, `DPKGNEWEXT`), and
/// keeps what the package has of an edited configuration file with `.dpkg-dist`. Linux allows 255 (`NAME_MAX`).
const LONGEST_NAME: usize = 255 - ".dpkg-dist".len();

/// As a whole: 4095 (`PATH_MAX` less the NUL).
const LONGEST_PATH: usize = 4095 - ".dpkg-dist".len();

/// `nobody` and `nogroup` on every Debian (base-passwd).
const NOBODY: u32 = 65534;

const SET_USER: u32 = 0o4000;
const SET_GROUP: u32 = 0o2000;

/// The order of the members, and what else is known before the contents are read.
#[derive(Debug)]
pub struct Tree {
    /// By index of the entry: directories that have to be there first and are not entries of their own.
    parents: BTreeMap<usize, Vec<TargetPath>>,
    /// By index of a file: its other names.
    links: BTreeMap<usize, Vec<usize>>,
    /// Indices of symbolic links.
    symlinks: Vec<usize>,
    /// KiB.
    installed_size: u64,
    entries: usize,
}

impl Tree {
    /// # Errors
    /// When a path, an owner, a hard link or a configuration file is none that dpkg can install.
    pub fn new(package: &Package) -> Result<Self, Error> {
        check_paths(package)?;
        let by_path = package.entries.iter().enumerate().map(|(index, entry)| (&entry.path, index)).collect();
        let mut tree = Self {
            parents: BTreeMap::new(),
            links: BTreeMap::new(),
            symlinks: Vec::new(),
            // The root directory.
            installed_size: 1,
            entries: package.entries.len(),
        };
        for (index, entry) in package.entries.iter().enumerate().filter(|(_, entry)| !entry.flags.ghost) {
            check_length(package, entry)?;
            check_owners(package, entry)?;
            check_conffile(package, entry)?;
            match &entry.kind {
                EntryKind::Directory => tree.installed_size += 1,
                EntryKind::File(content) => tree.installed_size += content.size().div_ceil(1024),
                EntryKind::Symlink(target) => {
                    tree.installed_size += (target.len() as u64).div_ceil(1024);
                    tree.symlinks.push(index);
                }
                EntryKind::Hardlink(target) => {
                    let owner = hardlink_owner(package, &by_path, entry, target)?;
                    tree.links.entry(owner).or_default().push(index);
                }
            }
        }
        tree.add_parents(package, &by_path)?;
        Ok(tree)
    }

    /// Finds the directories that nobody named, for each member in the order in which they are written.
    fn add_parents(&mut self, package: &Package, by_path: &HashMap<&TargetPath, usize>) -> Result<(), Error> {
        let mut known = BTreeSet::from([TargetPath::default()]);
        let order = self.order(package).collect::<Vec<_>>();
        for index in order {
            let Some(entry) = package.entries.get(index) else { continue };
            let mut missing = Vec::new();
            let mut next = entry.path.parent();
            while let Some(parent) = next.filter(|parent| !known.contains(parent)) {
                let above = by_path.get(&parent).and_then(|index| package.entries.get(*index));
                if above.is_some_and(|above| !matches!(above.kind, EntryKind::Directory)) {
                    let problem = format!("lies below `{parent}`, which is no directory");
                    return Err(wrong(package, "path", entry.path.as_str(), &problem));
                }
                next = parent.parent();
                missing.push(parent);
            }
            missing.reverse();
            known.extend(missing.iter().cloned());
            known.insert(entry.path.clone());
            self.installed_size += missing.len() as u64;
            if !missing.is_empty() {
                self.parents.insert(index, missing);
            }
        }
        Ok(())
    }

    /// Indices of all members as they are written.
    fn order<'a>(&'a self, package: &'a Package) -> impl Iterator<Item = usize> + 'a {
        let packed = package.entries.iter().enumerate().filter(|(_, entry)| !entry.flags.ghost);
        let first = packed.flat_map(|(index, entry)| match &entry.kind {
            EntryKind::Directory => vec![index],
            EntryKind::File(_) => [index].iter().chain(self.links_to(index)).copied().collect(),
            EntryKind::Symlink(_) | EntryKind::Hardlink(_) => Vec::new(),
        });
        first.chain(self.symlinks.iter().copied())
    }

    /// Directories to be written before the entry with this index.
    pub fn parents_of(&self, index: usize) -> &[TargetPath] {
        self.parents.get(&index).map(Vec::as_slice).unwrap_or_default()
    }

    /// The other names of the file with this index, to be written after it.
    pub fn links_to(&self, index: usize) -> &[usize] {
        self.links.get(&index).map(Vec::as_slice).unwrap_or_default()
    }

    /// Written last, as dpkg-deb does it (`dpkg-deb/build.c`, `file_treewalk_feed`): dpkg puts a symbolic link into its
    /// place at once, and what it points to should be there.
    pub fn symlinks(&self) -> &[usize] {
        &self.symlinks
    }

    /// KiB, as dpkg-gencontrol counts: what has content is rounded up by itself, everything else is 1.
    pub fn installed_size(&self) -> u64 {
        self.installed_size
    }

    /// Is this the tree of that many entries?
    pub fn has(&self, entries: usize) -> bool {
        self.entries == entries
    }
}

/// Does dpkg keep an operator's edits of this file?
pub fn is_conffile(entry: &Entry) -> bool {
    entry.flags.config != ConfigFile::No
        && !entry.flags.ghost
        && matches!(entry.kind, EntryKind::File(_) | EntryKind::Hardlink(_))
}

/// The member for an entry under `name`. Of a hard link, `entry` is the one with the content.
pub fn member<'a>(entry: &'a Entry, name: &'a str, kind: Kind<'a>, mtime: u32) -> Member<'a> {
    let mode = if matches!(kind, Kind::Symlink(_)) { 0o777 } else { entry.mode & 0o7777 };
    let user = owner(&entry.owner, mode & SET_USER != 0);
    let group = owner(&entry.group, mode & SET_GROUP != 0);
    Member { name, kind, mode, user, group, mtime }
}

/// The number counts only where the target does not know the name: `root`, as in rpm. But what runs with the owner's
/// rights must not get root's.
fn owner(name: &str, lends_rights: bool) -> Owner<'_> {
    let number = match name.parse() {
        Ok(number) => number,
        Err(_) if lends_rights && name != "root" => NOBODY,
        Err(_) => 0,
    };
    Owner { name, number }
}

/// A directory that nobody named. dpkg leaves one that is there already as it is.
pub fn directory<'a>(package: &'a Package, path: &TargetPath, name: &'a str) -> Member<'a> {
    // A ghost may say more.
    let position = package.entries.binary_search_by(|entry| entry.path.cmp(path)).ok();
    match position.and_then(|index| package.entries.get(index)) {
        Some(entry) => member(entry, name, Kind::Directory, package.source_date),
        None => {
            let (user, group, mtime) = (ROOT, ROOT, package.source_date);
            Member { name, kind: Kind::Directory, mode: 0o755, user, group, mtime }
        }
    }
}

fn hardlink_owner(
    package: &Package,
    by_path: &HashMap<&TargetPath, usize>,
    entry: &Entry,
    target: &TargetPath,
) -> Result<usize, Error> {
    let is_file = |index: &usize| {
        package.entries.get(*index).is_some_and(|owner| matches!(owner.kind, EntryKind::File(_)) && !owner.flags.ghost)
    };
    by_path.get(target).copied().filter(is_file).ok_or_else(|| Error::Hardlink {
        package: package.name.clone(),
        path: entry.path.to_string(),
        target: target.to_string(),
    })
}

fn check_length(package: &Package, entry: &Entry) -> Result<(), Error> {
    let path = &entry.path;
    let too_long = path.as_str().split('/').any(|name| name.len() > LONGEST_NAME);
    if too_long || path.as_str().len() > LONGEST_PATH {
        return Err(wrong(package, "path", path.as_str(), "is longer than dpkg can unpack beside the old file"));
    }
    Ok(())
}

fn check_owners(package: &Package, entry: &Entry) -> Result<(), Error> {
    for (field, name) in [("owner", &entry.owner), ("group", &entry.group)] {
        if name.is_empty() || name.len() > OWNER_FIELD {
            let problem = format!("of `{}` has to have 1 to {OWNER_FIELD} bytes", entry.path);
            return Err(wrong(package, field, name, &problem));
        }
    }
    Ok(())
}

/// The list of configuration files is a line for each, and white space at its end is not seen.
fn check_conffile(package: &Package, entry: &Entry) -> Result<(), Error> {
    if !is_conffile(entry) {
        return Ok(());
    }
    let path = entry.path.as_str();
    let problem = if path.ends_with(char::is_whitespace) {
        "ends with a space: dpkg does not find such a configuration file"
    } else if path.len() > LONGEST_CONFFILE {
        "is longer than dpkg allows for a configuration file"
    } else {
        return Ok(());
    };
    Err(wrong(package, "path", path, problem))
}
