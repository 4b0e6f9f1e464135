//! The files of a package as rpm's header wants them: parallel arrays, directories apart, hard links as sets.

use std::collections::HashMap;
use std::str::FromStr;

use rpm::{FileCaps, FileFlags, FileVerifyFlags, HeaderEntry, IndexData, IndexTag};

use super::fields::entry;
use crate::format::Error;
use crate::format::text::hex;
use crate::package::Package;
use crate::project::ConfigFile;
use crate::stage::{Entry, EntryKind, TargetPath};

/// Beyond this a size does not fit the 32-bit tags (`build/files.c` of rpm, `fl_size >= UINT32_MAX`).
const LARGE: u64 = u32::MAX as u64;

const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;

/// What is known of the files before their contents are read.
#[derive(Debug)]
pub struct Layout {
    pub files: Vec<File>,
    /// Is one of them too large for the 32-bit tags?
    pub large: bool,
    /// What the files take on the target; hard links count once.
    pub installed_size: u64,
}

#[derive(Debug)]
pub struct File {
    /// With the type bits.
    pub mode: u32,
    pub size: u64,
    pub inode: u32,
    /// Indices of all names of the file, ascending, where there are several.
    pub links: Vec<u32>,
    /// Index of the entry that holds attributes and content: another one for a hard link.
    pub owner: usize,
}

impl Layout {
    /// # Errors
    /// When a hard link does not name a packed file, or there are more files than a header can count.
    pub fn new(package: &Package) -> Result<Self, Error> {
        let by_path: HashMap<&TargetPath, usize> =
            package.entries.iter().enumerate().map(|(index, entry)| (&entry.path, index)).collect();
        let mut layout = Self { files: Vec::with_capacity(package.entries.len()), large: false, installed_size: 0 };
        let mut sets: HashMap<usize, Vec<u32>> = HashMap::new();
        for (position, entry) in package.entries.iter().enumerate() {
            let index = u32::try_from(position).map_err(|_| Error::Field {
                package: package.name.clone(),
                field: "number of files",
                value: package.entries.len().to_string(),
                problem: "is more than an RPM can hold".to_owned(),
            })?;
            let owner = match &entry.kind {
                EntryKind::Hardlink(target) => hardlink_owner(package, &by_path, entry, target)?,
                EntryKind::Directory | EntryKind::File(_) | EntryKind::Symlink(_) => position,
            };
            if owner != position {
                sets.entry(owner).or_default().push(index);
            }
            layout.push(package.entries.get(owner).unwrap_or(entry), index, owner);
        }
        layout.link(sets);
        Ok(layout)
    }

    /// `entry` holds the attributes of the file with this index.
    fn push(&mut self, entry: &Entry, index: u32, owner: usize) {
        let (kind, size) = match &entry.kind {
            EntryKind::Directory => (DIRECTORY, 0),
            // A ghost has no content in the package.
            EntryKind::File(content) => (REGULAR, if entry.flags.ghost { 0 } else { content.size() }),
            EntryKind::Symlink(target) => (SYMLINK, target.len() as u64),
            EntryKind::Hardlink(_) => (REGULAR, 0),
        };
        let permissions = if kind == SYMLINK { 0o777 } else { entry.mode & 0o7777 };
        self.large |= size >= LARGE;
        if owner == self.files.len() {
            self.installed_size += size;
        }
        self.files.push(File { mode: kind | permissions, size, inode: index + 1, links: Vec::new(), owner });
    }

    /// Gives the names of each file with several the same inode.
    fn link(&mut self, sets: HashMap<usize, Vec<u32>>) {
        for (owner, mut links) in sets {
            links.extend(u32::try_from(owner));
            links.sort_unstable();
            let inode = links.first().map_or(0, |first| first + 1);
            for index in &links {
                if let Some(file) = self.files.get_mut(*index as usize) {
                    file.inode = inode;
                    file.links.clone_from(&links);
                }
            }
        }
    }

    /// The tags of all files. `digests` is by index of the entry.
    pub fn tags(&self, package: &Package, digests: &[Option<Box<[u8]>>]) -> Result<Vec<HeaderEntry>, Error> {
        if self.files.is_empty() {
            return Ok(Vec::new());
        }
        let owners: Vec<&Entry> = self.files.iter().filter_map(|file| package.entries.get(file.owner)).collect();
        let count = self.files.len();
        let each = |f: fn(&Entry) -> String| IndexData::StringArray(owners.iter().map(|entry| f(entry)).collect());
        let mut tags = vec![
            self.size_tag(),
            entry(IndexTag::RPMTAG_FILEMODES, IndexData::Int16(self.map(|file| file.mode as u16))),
            entry(IndexTag::RPMTAG_FILERDEVS, IndexData::Int16(vec![0; count])),
            entry(IndexTag::RPMTAG_FILEMTIMES, IndexData::Int32(vec![package.source_date; count])),
            entry(IndexTag::RPMTAG_FILEDIGESTS, IndexData::StringArray(self.map(|file| digest(digests, file.owner)))),
            entry(IndexTag::RPMTAG_FILELINKTOS, each(link_target)),
            entry(IndexTag::RPMTAG_FILEFLAGS, IndexData::Int32(owners.iter().map(|entry| flags(entry)).collect())),
            entry(IndexTag::RPMTAG_FILEUSERNAME, each(|entry| entry.owner.to_string())),
            entry(IndexTag::RPMTAG_FILEGROUPNAME, each(|entry| entry.group.to_string())),
            entry(
                IndexTag::RPMTAG_FILEVERIFYFLAGS,
                IndexData::Int32(owners.iter().map(|entry| verify_flags(entry)).collect()),
            ),
            entry(IndexTag::RPMTAG_FILEDEVICES, IndexData::Int32(vec![1; count])),
            entry(IndexTag::RPMTAG_FILEINODES, IndexData::Int32(self.map(|file| file.inode))),
            entry(IndexTag::RPMTAG_FILELANGS, IndexData::StringArray(vec![String::new(); count])),
        ];
        tags.extend(name_tags(&package.entries));
        tags.extend(capability_tag(package, &owners)?);
        Ok(tags)
    }

    fn map<T>(&self, f: impl FnMut(&File) -> T) -> Vec<T> {
        self.files.iter().map(f).collect()
    }

    fn size_tag(&self) -> HeaderEntry {
        if self.large {
            entry(IndexTag::RPMTAG_LONGFILESIZES, IndexData::Int64(self.map(|file| file.size)))
        } else {
            entry(IndexTag::RPMTAG_FILESIZES, IndexData::Int32(self.map(|file| file.size as u32)))
        }
    }

    /// `SIZE`, or `LONGSIZE` where it does not fit.
    pub fn total_size_tag(&self) -> HeaderEntry {
        match u32::try_from(self.installed_size) {
            Ok(size) if size < u32::MAX => entry(IndexTag::RPMTAG_SIZE, IndexData::Int32(vec![size])),
            _ => entry(IndexTag::RPMTAG_LONGSIZE, IndexData::Int64(vec![self.installed_size])),
        }
    }
}

fn hardlink_owner(
    package: &Package,
    by_path: &HashMap<&TargetPath, usize>,
    entry: &Entry,
    target: &TargetPath,
) -> Result<usize, Error> {
    let owner = by_path.get(target).copied();
    let is_file = |index: &usize| {
        package.entries.get(*index).is_some_and(|owner| matches!(owner.kind, EntryKind::File(_)) && !owner.flags.ghost)
    };
    owner.filter(is_file).filter(|_| !entry.flags.ghost).ok_or_else(|| Error::Hardlink {
        package: package.name.clone(),
        path: entry.path.to_string(),
        target: target.to_string(),
    })
}

fn digest(digests: &[Option<Box<[u8]>>], index: usize) -> String {
    digests.get(index).and_then(Option::as_ref).map(|digest| hex(digest)).unwrap_or_default()
}

fn link_target(entry: &Entry) -> String {
    match &entry.kind {
        EntryKind::Symlink(target) => target.to_string(),
        EntryKind::Directory | EntryKind::File(_) | EntryKind::Hardlink(_) => String::new(),
    }
}

/// As in rpmbuild, a directory is never a configuration file.
pub fn is_config(entry: &Entry) -> bool {
    entry.flags.config != ConfigFile::No && !matches!(entry.kind, EntryKind::Directory)
}

fn flags(entry: &Entry) -> u32 {
    let mut flags = FileFlags::empty();
    if is_config(entry) {
        flags |= match entry.flags.config {
            ConfigFile::No => FileFlags::empty(),
            ConfigFile::Replace => FileFlags::CONFIG,
            ConfigFile::Noreplace => FileFlags::CONFIG | FileFlags::NOREPLACE,
        };
    }
    flags.set(FileFlags::GHOST, entry.flags.ghost);
    flags.set(FileFlags::DOC, entry.flags.doc);
    flags.set(FileFlags::LICENSE, entry.flags.license);
    flags.bits()
}

/// Everything is verified, but of a ghost only what the package manager decides about.
fn verify_flags(entry: &Entry) -> u32 {
    let content =
        FileVerifyFlags::FILEDIGEST | FileVerifyFlags::FILESIZE | FileVerifyFlags::LINKTO | FileVerifyFlags::MTIME;
    if entry.flags.ghost { !content.bits() } else { u32::MAX }
}

/// Base names, and directories once each.
fn name_tags(entries: &[Entry]) -> [HeaderEntry; 3] {
    let mut directories: Vec<String> = Vec::new();
    let mut known: HashMap<&str, u32> = HashMap::new();
    let mut indices = Vec::with_capacity(entries.len());
    let mut names = Vec::with_capacity(entries.len());
    for entry in entries {
        let path = entry.path.as_str();
        let (directory, name) = path.split_at(path.rfind('/').map_or(0, |slash| slash + 1));
        let index = *known.entry(directory).or_insert_with(|| {
            directories.push(directory.to_owned());
            u32::try_from(directories.len() - 1).unwrap_or(u32::MAX)
        });
        indices.push(index);
        names.push(name.to_owned());
    }
    [
        entry(IndexTag::RPMTAG_BASENAMES, IndexData::StringArray(names)),
        entry(IndexTag::RPMTAG_DIRNAMES, IndexData::StringArray(directories)),
        entry(IndexTag::RPMTAG_DIRINDEXES, IndexData::Int32(indices)),
    ]
}

/// `FILECAPS`, when a file has capabilities.
fn capability_tag(package: &Package, owners: &[&Entry]) -> Result<Option<HeaderEntry>, Error> {
    if owners.iter().all(|entry| entry.flags.capabilities.is_none()) {
        return Ok(None);
    }
    let texts = owners.iter().map(|entry| match &entry.flags.capabilities {
        None => Ok(String::new()),
        Some(text) => FileCaps::from_str(text).map(|caps| caps.to_string()).map_err(|source| Error::Field {
            package: package.name.clone(),
            field: "capabilities of",
            value: entry.path.to_string(),
            problem: format!("are wrong: {source}"),
        }),
    });
    let texts = texts.collect::<Result<Vec<_>, _>>()?;
    Ok(Some(entry(IndexTag::RPMTAG_FILECAPS, IndexData::StringArray(texts))))
}
