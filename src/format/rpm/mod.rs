//! RPM packages (format 4), written in two steps and read back for `omnipack inspect`.
//!
//! The payload streams through `archive` and the compressor into an unnamed file; `files` and `relations` turn entries
//! and relations into tags; `header` puts all of it together; `read` is independent of the rest.

mod archive;
mod fields;
mod files;
mod header;
mod payload;
mod read;
mod relations;
pub mod source;

use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use self::archive::{Archive, Form, Member};
use self::files::Layout;
use super::Error;
use super::compress::Compressor;
use super::publish::publish;
use crate::package::{Architecture, Package};
use crate::stage::gate::Scanner;
use crate::stage::pass::{self, Event};
use crate::stage::{EntryKind, Findings};

pub use read::read;

pub(in crate::format) use payload::read_payload;

/// Between archive and compressor: heads of a hundred bytes each are too small to be handed on alone.
const BUFFER: usize = 256 * 1024;

/// A compressed payload in a file without a name, and what the header says about it.
#[derive(Debug)]
pub struct Payload {
    file: File,
    size: u64,
    sha256: [u8; 32],
    /// Before compression.
    archive_size: u64,
    digests: Vec<Option<Box<[u8]>>>,
    layout: Layout,
}

/// What members of the archive are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    /// `./opt/app/file` (`rpmlib(PayloadFilesHavePrefix)`).
    Prefixed,
    /// `app.spec`, in source packages.
    Bare,
}

/// # Errors
/// As [`super::pack`].
pub fn pack(
    package: &Package,
    scanner: &Scanner,
    scratch: &Path,
    threads: usize,
) -> Result<(Payload, Findings), Error> {
    pack_as(package, scanner, scratch, threads, Names::Prefixed)
}

fn pack_as(
    package: &Package,
    scanner: &Scanner,
    scratch: &Path,
    threads: usize,
    names: Names,
) -> Result<(Payload, Findings), Error> {
    let layout = Layout::new(package)?;
    // What the target cannot read is said before the work is done.
    relations::dependencies(package, &layout)?;
    let cannot_write = || format!("write the payload of `{}` to `{}`", package.name, scratch.display());
    let file = tempfile::tempfile_in(scratch).map_err(Error::io(cannot_write()))?;
    let output = Digesting { file, sha256: Sha256::new(), size: 0 };
    let compressor = Compressor::new(output, package.compression, threads).map_err(Error::io(cannot_write()))?;
    let form = match names {
        _ if layout.large => Form::Stripped,
        Names::Prefixed => Form::Newc,
        Names::Bare => Form::Bare,
    };
    let mut archive = Archive::new(BufWriter::with_capacity(BUFFER, compressor), form);
    let reading = pass::Options { threads, digest: pass::DigestKind::Sha256 };
    let result = pass::run(&package.entries, scanner, reading, |event| {
        write_event(package, &layout, &mut archive, event)
            .map_err(|source| io::Error::new(source.kind(), format!("cannot {}: {source}", cannot_write())))
    })?;
    let finish = || -> io::Result<(Digesting, u64)> {
        let (buffer, archive_size) = archive.finish()?;
        let compressor = buffer.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok((compressor.finish()?, archive_size))
    };
    let (output, archive_size) = finish().map_err(Error::io(cannot_write()))?;
    let payload = Payload {
        file: output.file,
        size: output.size,
        sha256: output.sha256.finalize().into(),
        archive_size,
        digests: result.digests,
        layout,
    };
    Ok((payload, result.findings))
}

/// A hard link is written when the pass comes to the entry with the content: first the other names with nothing, last
/// the highest index with the content. That is the order that every rpm reads.
fn write_event<W: Write>(
    package: &Package,
    layout: &Layout,
    archive: &mut Archive<W>,
    event: Event<'_>,
) -> io::Result<()> {
    match event {
        Event::Begin(entry, index, _) => {
            let Some(file) = layout.files.get(index).filter(|file| file.owner == index) else { return Ok(()) };
            let own = [u32::try_from(index).map_err(io::Error::other)?];
            let names = if file.links.is_empty() { &own[..] } else { &file.links[..] };
            for (position, name) in names.iter().enumerate() {
                let last = position + 1 == names.len();
                let path = package.entries.get(*name as usize).map_or("", |entry| entry.path.as_str());
                archive.begin(&Member {
                    path,
                    index: *name,
                    inode: file.inode,
                    mode: file.mode,
                    links: u32::try_from(names.len()).unwrap_or(1),
                    mtime: package.source_date,
                    size: if last { file.size } else { 0 },
                })?;
            }
            if let EntryKind::Symlink(target) = &entry.kind {
                archive.data(target.as_bytes())?;
                archive.end()?;
            }
            Ok(())
        }
        Event::Data(bytes) => archive.data(bytes),
        Event::End => archive.end(),
    }
}

/// Takes what the compressor gives: digests, counts and stores it.
#[derive(Debug)]
struct Digesting {
    file: File,
    sha256: Sha256,
    size: u64,
}

impl Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.sha256.update(bytes.get(..count).unwrap_or_default());
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// # Errors
/// As [`super::write`].
pub fn write(package: &Package, payload: &Payload, directory: &Path) -> Result<PathBuf, Error> {
    if package.entries.len() != payload.layout.files.len() {
        return Err(Error::Changed { package: package.name.clone() });
    }
    fields::check_architecture(package)?;
    let head = header::bytes(package, payload)?;
    let path = directory.join(file_name(package));
    let store = |file: &mut File| {
        file.write_all(&head)?;
        let mut source = &payload.file;
        source.rewind()?;
        // Between two files this is copy_file_range(2): nothing passes through memory.
        io::copy(&mut source, file).map(drop)
    };
    publish(&path, store).map_err(Error::io(format!("write `{}`", path.display())))?;
    Ok(path)
}

/// `{name}-{version}-{release}.{arch}.rpm`; the epoch is not part of it.
fn file_name(package: &Package) -> String {
    let evr = &package.evr;
    format!("{}-{}-{}.{}.rpm", package.name, evr.version, evr.release, architecture(package))
}

fn architecture(package: &Package) -> &str {
    match &package.architecture {
        Architecture::Independent => "noarch",
        Architecture::Native(name) => name,
    }
}
