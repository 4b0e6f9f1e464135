//! `data.tar`: the tree as dpkg unpacks it. As dpkg does, it takes old, ustar and GNU headers and refuses PAX headers and
//! sparse files (`lib/dpkg/tarfn.c`).

use std::collections::HashMap;
use std::io::{self, Read};

use tar::{EntryType, Header};

use crate::format::inspection::{FileKind, LONGEST_PATH, PackagedFile};
use crate::format::read::collect::Collector;
use crate::format::read::{damaged, text_of};

/// What is kept in memory of a tree: paths and names, in bytes. The same as rpm takes for a header.
const MOST_TEXT: usize = 0x0fff_ffff;

/// What the fields of a file take beside its texts, in bytes, so that many short paths are limited too.
const ENTRY: usize = 256;

pub struct Tree {
    pub files: Vec<PackagedFile>,
    pub collector: Collector,
    /// Lower-case hex by path.
    pub md5: HashMap<String, String>,
    /// Index of the last file of that path.
    by_path: HashMap<String, usize>,
    text: usize,
}

/// What GNU's entries for names beyond the header's room say of the entry after them.
#[derive(Default)]
struct LongNames {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl Tree {
    pub fn new(collector: Collector) -> Self {
        Self { files: Vec::new(), collector, md5: HashMap::new(), by_path: HashMap::new(), text: 0 }
    }

    pub fn read(&mut self, reader: impl Read) -> io::Result<()> {
        let mut archive = tar::Archive::new(reader);
        let mut long = LongNames::default();
        // Raw: the library would read names of any size into memory.
        for entry in archive.entries()?.raw(true) {
            let mut entry = entry?;
            match entry.header().entry_type() {
                EntryType::GNULongName => long.path = Some(long_name(&mut entry)?),
                EntryType::GNULongLink => long.link = Some(long_name(&mut entry)?),
                _ => self.add(std::mem::take(&mut long), &mut entry)?,
            }
        }
        // To the end of the member: the compressor's checksum comes last.
        io::copy(&mut archive.into_inner(), &mut io::sink()).map(drop)
    }

    fn add(&mut self, long: LongNames, entry: &mut tar::Entry<'_, impl Read>) -> io::Result<()> {
        let header = entry.header().clone();
        let name = long.path.unwrap_or_else(|| header.path_bytes().into_owned());
        let path = absolute(&name)?;
        let target = long.link.or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned));
        if target.as_ref().is_some_and(|target| target.len() > LONGEST_PATH) {
            return Err(damaged(format!("`{path}` has a link target longer than Linux allows")));
        }
        let mut file = packaged_file(path, &header)?;
        match header.entry_type() {
            EntryType::Regular | EntryType::Continuous if is_directory(&name) => file.kind = FileKind::Directory,
            EntryType::Regular | EntryType::Continuous => self.add_content(&mut file, entry)?,
            EntryType::Link => self.add_hardlink(&mut file, &target.unwrap_or_default())?,
            EntryType::Symlink => {
                file.kind = FileKind::Symlink;
                file.link_target = target.as_deref().map(text_of);
            }
            EntryType::Directory => file.kind = FileKind::Directory,
            EntryType::Char | EntryType::Block | EntryType::Fifo => file.kind = FileKind::Special,
            other => {
                let kind = char::from(other.as_byte()).escape_default();
                return Err(damaged(format!("`{}` is an entry of type `{kind}`, which dpkg does not take", file.path)));
            }
        }
        self.push(file)
    }

    fn push(&mut self, file: PackagedFile) -> io::Result<()> {
        let link = file.link_target.as_ref().map_or(0, String::len);
        self.text += ENTRY + 2 * file.path.len() + link + file.owner.len() + file.group.len();
        if self.text > MOST_TEXT {
            return Err(damaged("it has more files than can be kept in memory"));
        }
        // dpkg-deb has the root itself as `./`.
        if file.path != "/" {
            self.by_path.insert(file.path.clone(), self.files.len());
            self.files.push(file);
        }
        Ok(())
    }

    fn add_content(&mut self, file: &mut PackagedFile, entry: &mut tar::Entry<'_, impl Read>) -> io::Result<()> {
        file.size = entry.header().entry_size()?;
        let digests = self.collector.take(&file.path, file.size, entry)?;
        self.md5.insert(file.path.clone(), digests.md5);
        file.digest = Some(digests.sha256);
        Ok(())
    }

    /// Another name for a file before it.
    fn add_hardlink(&mut self, file: &mut PackagedFile, target: &[u8]) -> io::Result<()> {
        let target = absolute(target)?;
        let Some(first) = self.by_path.get(&target).and_then(|index| self.files.get(*index)) else {
            return Err(damaged(format!(
                "`{}` is a hard link to `{target}`, which does not come before it",
                file.path
            )));
        };
        *file = PackagedFile { path: std::mem::take(&mut file.path), ..first.clone() };
        if let Some(md5) = self.md5.get(&target).cloned() {
            self.md5.insert(file.path.clone(), md5);
        }
        let contents = &mut self.collector.contents;
        if let Some(digest) = contents.digests.get(&target).cloned() {
            contents.digests.insert(file.path.clone(), digest);
        }
        Ok(())
    }
}

fn packaged_file(path: String, header: &Header) -> io::Result<PackagedFile> {
    let name = |name: Option<&[u8]>, id: io::Result<u64>| match name.filter(|name| !name.is_empty()) {
        Some(name) => Ok(text_of(name)),
        None => id.map(|id| id.to_string()),
    };
    Ok(PackagedFile {
        path,
        kind: FileKind::File,
        mode: format!("{:04o}", header.mode()? & 0o7777),
        owner: name(header.username_bytes(), header.uid())?,
        group: name(header.groupname_bytes(), header.gid())?,
        size: 0,
        digest: None,
        link_target: None,
        capabilities: None,
        flags: Vec::new(),
    })
}

/// The oldest tar had no type for directories. The whole name counts: what the header has of a long one may be cut off behind
/// a slash.
fn is_directory(name: &[u8]) -> bool {
    name.ends_with(b"/")
}

fn long_name(entry: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut name = Vec::new();
    entry.take(LONGEST_PATH as u64 + 2).read_to_end(&mut name)?;
    if name.last() == Some(&0) {
        name.pop();
    }
    if name.len() > LONGEST_PATH {
        return Err(damaged("a file has a path longer than Linux allows"));
    }
    Ok(name)
}

/// `./usr/bin/` is `/usr/bin`.
fn absolute(path: &[u8]) -> io::Result<String> {
    if path.len() > LONGEST_PATH {
        return Err(damaged("a file has a path longer than Linux allows"));
    }
    let path = text_of(path);
    let path = path.strip_prefix('.').filter(|rest| rest.is_empty() || rest.starts_with('/')).unwrap_or(&path);
    Ok(format!("/{}", path.trim_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::deb::tar as writer;
    use crate::format::read::collect::Keep;

    #[test]
    fn names_of_about_the_length_of_their_field_are_whole() {
        for length in 97..=103_usize {
            let directory = format!("./{}", "d".repeat(length - 2));
            let slashed = format!("./{}", "e".repeat(length - 3));
            let mut archive = writer::Archive::new(Vec::new());
            let (mode, user, group, mtime) = (0o755, writer::ROOT, writer::ROOT, 0);
            for name in [&directory, &slashed] {
                let kind = writer::Kind::Directory;
                archive.begin(&writer::Member { name, kind, mode, user, group, mtime }).unwrap();
                archive.end().unwrap();
                archive.file(&format!("{name}/x.pyc"), 0o644, 0, b"code").unwrap();
            }
            archive.file(&format!("./{}", "f".repeat(length - 2)), 0o644, 0, b"").unwrap();
            let mut tree = Tree::new(Collector::with_md5(Keep::Documentation));
            tree.read(archive.finish().unwrap().as_slice()).unwrap();
            let read = tree.files.iter().map(|file| (file.kind, file.path.len())).collect::<Vec<_>>();
            let (directory, file) = (FileKind::Directory, FileKind::File);
            let expected = [
                (directory, length - 1),
                (file, length + 5),
                (directory, length - 2),
                (file, length + 4),
                (file, length - 1),
            ];
            assert_eq!(read, expected, "{length}");
            assert_eq!(tree.md5.len(), 3);
        }
    }
}
