//! Lists what a CPython to be bundled has: a directory, or a tar archive with any usual compression, which is unpacked
//! to one tar file in the cache so that its members can be read by offset.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{Content, LayoutError};

/// One path of the source.
#[derive(Debug)]
pub(super) enum Item {
    Directory,
    File {
        content: Content,
        executable: bool,
    },
    Symlink(String),
    /// To a path of the same archive.
    Hardlink(String),
}

impl Item {
    pub(super) fn content(&self) -> Option<&Content> {
        match self {
            Self::File { content, .. } => Some(content),
            _ => None,
        }
    }

    /// As it is below the directory `inner` of the archive.
    pub(super) fn inside(self, inner: &str) -> Self {
        match self {
            Self::Hardlink(target) => Self::Hardlink(target.strip_prefix(inner).unwrap_or(&target).to_owned()),
            other => other,
        }
    }
}

/// Every item by its path relative to the source.
///
/// # Errors
/// When there is no such file, its digest is not `sha256`, or it is no archive that can be read.
pub(super) fn read(source: &str, sha256: Option<&str>, cache: &Path) -> Result<BTreeMap<String, Item>, LayoutError> {
    let wrong = |reason: String| LayoutError::Interpreter { origin: source.to_owned(), reason };
    if source.starts_with("https://") || source.starts_with("http://") {
        return Err(wrong("it has not been downloaded".to_owned()));
    }
    let path = Path::new(source);
    let metadata = fs_err::metadata(path).map_err(|error| wrong(error.to_string()))?;
    if metadata.is_dir() {
        return read_directory(path).map_err(|error| wrong(error.to_string()));
    }
    let digest = digest_file(path)?;
    if let Some(expected) = sha256.filter(|expected| !expected.eq_ignore_ascii_case(&digest)) {
        return Err(wrong(format!("its SHA-256 digest is {digest}, but {expected} was expected")));
    }
    let tar = unpacked(path, &digest, cache).map_err(|error| wrong(error.to_string()))?;
    read_tar(tar).map_err(|error| wrong(error.to_string()))
}

fn digest_file(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut fs_err::File::open(path)?, &mut hasher)?;
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn read_directory(root: &Path) -> io::Result<BTreeMap<String, Item>> {
    let mut items = BTreeMap::new();
    for found in walkdir::WalkDir::new(root).min_depth(1).sort_by_file_name() {
        let found = found.map_err(io::Error::from)?;
        let relative = found.path().strip_prefix(root).unwrap_or(found.path());
        let not_utf8 = || invalid(format!("`{}` is not UTF-8", found.path().display()));
        let name = relative.to_str().ok_or_else(not_utf8)?.to_owned();
        let kind = found.file_type();
        let item = if kind.is_dir() {
            Item::Directory
        } else if kind.is_symlink() {
            let target = fs_err::read_link(found.path())?;
            Item::Symlink(target.to_str().ok_or_else(not_utf8)?.to_owned())
        } else if kind.is_file() {
            let metadata = fs_err::metadata(found.path())?;
            let content = Content::File { path: Arc::new(found.path().to_path_buf()), size: metadata.len() };
            Item::File { content, executable: metadata.permissions().mode() & 0o111 != 0 }
        } else {
            return Err(invalid(format!("`{name}` is a socket, a pipe or a device")));
        };
        items.insert(name, item);
    }
    Ok(items)
}

/// The uncompressed tar in the cache, by the digest of the archive.
fn unpacked(archive: &Path, digest: &str, cache: &Path) -> io::Result<PathBuf> {
    let directory = cache.join("interpreters");
    let tar = directory.join(format!("{digest}.tar"));
    if tar.is_file() {
        return Ok(tar);
    }
    fs_err::create_dir_all(&directory)?;
    let mut file = tempfile::NamedTempFile::new_in(&directory)?;
    io::copy(&mut decompress(archive)?, &mut file)?;
    file.as_file().sync_all()?;
    file.persist(&tar).map_err(|error| error.error)?;
    Ok(tar)
}

/// By its first bytes: names of archives may say anything.
fn decompress(archive: &Path) -> io::Result<Box<dyn Read>> {
    let mut magic = Vec::with_capacity(6);
    fs_err::File::open(archive)?.take(6).read_to_end(&mut magic)?;
    let file = BufReader::new(fs_err::File::open(archive)?);
    Ok(match magic[..] {
        [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(file)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::Decoder::with_buffer(file)?),
        _ => Box::new(file),
    })
}

fn read_tar(path: PathBuf) -> io::Result<BTreeMap<String, Item>> {
    let tar = Arc::new(path);
    let mut archive = tar::Archive::new(BufReader::new(fs_err::File::open(&*tar)?));
    let mut items = BTreeMap::new();
    for entry in archive.entries_with_seek()? {
        let entry = entry?;
        let name = entry.path()?.to_str().ok_or_else(|| invalid("a path is not UTF-8".to_owned()))?.to_owned();
        let name = sound_name(&name)?;
        let link = || -> io::Result<String> {
            let target = entry.link_name()?.ok_or_else(|| invalid(format!("`{name}` is a link to nothing")))?;
            target.to_str().map(str::to_owned).ok_or_else(|| invalid(format!("`{name}` links to what is not UTF-8")))
        };
        let kind = entry.header().entry_type();
        let item = if kind.is_dir() {
            Item::Directory
        } else if kind.is_symlink() {
            Item::Symlink(link()?)
        } else if kind.is_hard_link() {
            Item::Hardlink(sound_name(&link()?)?)
        } else if kind.is_file() {
            let content =
                Content::Slice { path: Arc::clone(&tar), offset: entry.raw_file_position(), size: entry.size() };
            Item::File { content, executable: entry.header().mode()? & 0o111 != 0 }
        } else {
            return Err(invalid(format!("`{name}` is neither a file, a directory nor a link")));
        };
        if !name.is_empty() {
            items.insert(name, item);
        }
    }
    Ok(items)
}

fn sound_name(name: &str) -> io::Result<String> {
    let parts = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>();
    if name.starts_with('/') || parts.contains(&"..") {
        return Err(invalid(format!("`{}` leaves the archive", name.escape_debug())));
    }
    Ok(parts.join("/"))
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}
