//! DEB packages (deb(5), version 2.0), written in two steps.
//!
//! The contents stream through `tar` and the compressor into an unnamed file, in the order that `tree` gives; `control`
//! and `relations` make what dpkg has to know; `ar` puts all of it into one file. `read` reads anybody's packages and is
//! independent of the rest.

mod ar;
mod control;
pub(super) mod read;
pub mod relations;
mod tar;
mod tree;

use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use self::control::Control;
use self::tar::{Archive, Kind, Member, ROOT};
use self::tree::Tree;
use super::Error;
use super::compress::Compressor;
use super::publish::publish;
use super::text::wrong;
use crate::distribution::{Algorithm, PackageFormat};
use crate::package::Package;
use crate::plan;
use crate::stage::gate::Scanner;
use crate::stage::pass::{self, Event};
use crate::stage::{Entry, EntryKind, Findings};

/// Between archive and compressor: heads of half a kilobyte each are too small to be handed on alone.
const BUFFER: usize = 256 * 1024;

/// A compressed `data.tar` in a file without a name, and what the control files say about it.
#[derive(Debug)]
pub struct Payload {
    file: File,
    size: u64,
    tree: Tree,
    /// MD5 by index of the entry.
    digests: Vec<Option<Box<[u8]>>>,
}

/// # Errors
/// As [`super::pack`].
pub fn pack(
    package: &Package,
    scanner: &Scanner,
    scratch: &Path,
    threads: usize,
) -> Result<(Payload, Findings), Error> {
    let tree = Tree::new(package)?;
    // What dpkg cannot read is said before the work is done.
    Control::new(package, &tree, &[])?;
    let cannot_write = || format!("write the payload of `{}` to `{}`", package.name, scratch.display());
    let failed = |source: io::Error| io::Error::new(source.kind(), format!("cannot {}: {source}", cannot_write()));
    let file = tempfile::tempfile_in(scratch).map_err(Error::io(cannot_write()))?;
    let compressor = Compressor::new(file, package.compression, threads).map_err(Error::io(cannot_write()))?;
    let archive = Archive::new(BufWriter::with_capacity(BUFFER, compressor));
    let mut data = Data { package, tree: &tree, archive, index: 0 };
    data.root().map_err(Error::io(cannot_write()))?;
    let reading = pass::Options { threads, digest: pass::DigestKind::Md5 };
    let result = pass::run(&package.entries, scanner, reading, |event| data.write(event).map_err(failed))?;
    let (file, size) = data.finish().map_err(Error::io(cannot_write()))?;
    Ok((Payload { file, size, tree, digests: result.digests }, result.findings))
}

/// `data.tar`, while it is written.
struct Data<'a, W: Write> {
    package: &'a Package,
    tree: &'a Tree,
    archive: Archive<BufWriter<Compressor<W>>>,
    /// Of the entry that is being written.
    index: usize,
}

impl<W: Write> Data<'_, W> {
    fn root(&mut self) -> io::Result<()> {
        let (mtime, kind) = (self.package.source_date, Kind::Directory);
        self.archive.begin(&Member { name: "./", kind, mode: 0o755, user: ROOT, group: ROOT, mtime })
    }

    fn write(&mut self, event: Event<'_>) -> io::Result<()> {
        match event {
            Event::Begin(entry, index, size) => {
                self.index = index;
                match &entry.kind {
                    EntryKind::Directory => self.begin(index, entry, Kind::Directory),
                    EntryKind::File(_) => self.begin(index, entry, Kind::File(size)),
                    // They follow later.
                    EntryKind::Symlink(_) | EntryKind::Hardlink(_) => Ok(()),
                }
            }
            Event::Data(bytes) => self.archive.data(bytes),
            Event::End => {
                self.archive.end()?;
                self.other_names()
            }
        }
    }

    fn begin(&mut self, index: usize, entry: &Entry, kind: Kind<'_>) -> io::Result<()> {
        for path in self.tree.parents_of(index) {
            self.archive.begin(&tree::directory(self.package, path, &in_archive(path.as_str())))?;
        }
        let path = self.package.entries.get(index).map_or("", |named| named.path.as_str());
        self.archive.begin(&tree::member(entry, &in_archive(path), kind, self.package.source_date))
    }

    /// The hard links to the file that was written just now.
    fn other_names(&mut self) -> io::Result<()> {
        let Some(owner) = self.package.entries.get(self.index) else { return Ok(()) };
        let target = in_archive(owner.path.as_str());
        for link in self.tree.links_to(self.index) {
            self.begin(*link, owner, Kind::Hardlink(&target))?;
        }
        Ok(())
    }

    /// Gives the compressed archive and its size in bytes.
    fn finish(mut self) -> io::Result<(W, u64)>
    where
        W: Seek,
    {
        for index in self.tree.symlinks() {
            if let Some(entry) = self.package.entries.get(*index)
                && let EntryKind::Symlink(target) = &entry.kind
            {
                self.begin(*index, entry, Kind::Symlink(target))?;
            }
        }
        let buffer = self.archive.finish()?;
        let compressor = buffer.into_inner().map_err(io::IntoInnerError::into_error)?;
        let mut output = compressor.finish()?;
        let size = output.stream_position()?;
        Ok((output, size))
    }
}

/// `./opt/app`, for `/opt/app`.
fn in_archive(path: &str) -> String {
    format!(".{path}")
}

/// # Errors
/// As [`super::write`].
pub fn write(package: &Package, payload: &Payload, directory: &Path) -> Result<PathBuf, Error> {
    if !payload.tree.has(package.entries.len()) {
        return Err(Error::Changed { package: package.name.clone() });
    }
    let architecture = control::architecture(package);
    if architecture.is_empty() || !architecture.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Err(wrong(package, "architecture", architecture, "is no word of letters, digits and `-`"));
    }
    if payload.size > ar::LARGEST {
        let (package, bytes) = (package.name.clone(), payload.size);
        return Err(Error::PayloadSize { package, bytes, limit: ar::LARGEST });
    }
    let head = head(package, payload)?;
    let path = directory.join(plan::file_name(&package.name, &package.evr, architecture, PackageFormat::Deb));
    let store = |file: &mut File| {
        file.write_all(&head)?;
        let mut source = &payload.file;
        source.rewind()?;
        // Between two files this is copy_file_range(2): nothing passes through memory.
        io::copy(&mut source, file)?;
        ar::pad(file, payload.size)
    };
    publish(&path, store).map_err(Error::io(format!("write `{}`", path.display())))?;
    Ok(path)
}

/// All that comes before the content of `data.tar`.
fn head(package: &Package, payload: &Payload) -> Result<Vec<u8>, Error> {
    let control = Control::new(package, &payload.tree, &payload.digests)?;
    let (mtime, extension) = (package.source_date, extension(package.compression.algorithm));
    let make = || -> io::Result<Vec<u8>> {
        // Both archives are compressed in the same way, as by dpkg-deb since 1.19 (`--uniform-compression`).
        let compressor = Compressor::new(Vec::new(), package.compression, 1)?;
        let mut archive = Archive::new(BufWriter::with_capacity(BUFFER, compressor));
        control.write(&mut archive, mtime)?;
        let compressor = archive.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        let mut head = ar::MAGIC.to_vec();
        ar::member(&mut head, "debian-binary", mtime, b"2.0\n")?;
        ar::member(&mut head, &format!("control.tar.{extension}"), mtime, &compressor.finish()?)?;
        head.extend(ar::head(&format!("data.tar.{extension}"), mtime, payload.size).into_bytes());
        Ok(head)
    };
    make().map_err(Error::io(format!("pack the control files of `{}`", package.name)))
}

fn extension(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Gzip => "gz",
        Algorithm::Xz => "xz",
        Algorithm::Zstd => "zst",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::distribution::ToolVersion;
    use crate::package::Architecture;
    use crate::plan::{Compression, Evr, Role};

    fn package() -> Package {
        Package {
            format: PackageFormat::Deb,
            format_version: ToolVersion { major: 1, minor: 20, patch: 0 },
            name: "app".to_owned(),
            source: "app".to_owned(),
            role: Role::Main,
            evr: Evr { epoch: 0, version: "1".to_owned(), release: "1".to_owned() },
            architecture: Architecture::Independent,
            summary: String::new(),
            description: String::new(),
            license: String::new(),
            url: String::new(),
            vendor: String::new(),
            maintainer: String::new(),
            group: String::new(),
            section: String::new(),
            priority: String::new(),
            relations: Vec::new(),
            entries: Vec::new(),
            scriptlets: BTreeMap::new(),
            triggers: Vec::new(),
            changelog: Vec::new(),
            compression: Compression { algorithm: Algorithm::Gzip, level: 1 },
            source_date: u32::MAX,
            rpm: crate::project::RpmSettings::default(),
            deb: crate::project::DebSettings::default(),
        }
    }

    /// Ten decimal digits hold the size, and the date of the longest number fits beside it.
    #[test]
    fn a_payload_that_ar_cannot_count_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let package = package();
        let payload = |size: u64| Payload {
            file: tempfile::tempfile_in(directory.path()).unwrap(),
            size,
            tree: Tree::new(&package).unwrap(),
            digests: Vec::new(),
        };
        let head = head(&package, &payload(ar::LARGEST)).unwrap();
        let last = String::from_utf8(head[head.len() - 60..].to_vec()).unwrap();
        assert_eq!(last, "data.tar.gz     4294967295  0     0     100644  9999999999`\n");
        let error = write(&package, &payload(ar::LARGEST + 1), directory.path()).unwrap_err();
        assert!(error.to_string().contains("10000000000 bytes"), "{error}");
        assert_eq!(fs_err::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn entries_that_change_after_packing_are_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let mut package = package();
        let (payload, _) = pack(&package, &Scanner::default(), directory.path(), 1).unwrap();
        package.entries.push(Entry {
            path: crate::stage::TargetPath::new("/x").unwrap(),
            mode: 0o755,
            owner: "root".into(),
            group: "root".into(),
            kind: EntryKind::Directory,
            flags: crate::stage::EntryFlags::default(),
            origin: crate::stage::Origin::User,
        });
        assert!(matches!(write(&package, &payload, directory.path()), Err(Error::Changed { .. })));
    }
}
