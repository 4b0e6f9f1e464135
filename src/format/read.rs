//! Reads packages of any format, whoever made them: told apart by their first bytes, not by their names.

pub(super) mod collect;
pub(super) mod decompress;

use std::io::{self, Read};
use std::path::Path;

pub use collect::Contents;

use super::inspection::Inspection;
use super::{Error, deb, rpm};
use collect::Keep;

/// First bytes of an RPM's lead, and of an ar archive.
const RPM_MAGIC: &[u8] = &[0xed, 0xab, 0xee, 0xdb];
pub(super) const AR_MAGIC: &[u8] = b"!<arch>\n";

/// Reads what the package at `path` says about itself. An RPM's payload is not touched; a Debian package is read whole,
/// because its list of files is in its payload, and its files are checked against its `md5sums`.
///
/// # Errors
/// When it cannot be read, or is no package, or is damaged.
pub fn read(path: &Path) -> Result<Inspection, Error> {
    match magic(path)? {
        Magic::Rpm => rpm::read(path),
        Magic::Ar => deb::read::read(path, Keep::Documentation).map(|(inspection, _)| inspection),
    }
}

/// As [`read`], and the payload's contents: a digest of each file, and the text of small ones.
///
/// # Errors
/// As [`read`], and when the payload is damaged or compressed in a way that is not known.
pub fn read_whole(path: &Path) -> Result<(Inspection, Contents), Error> {
    match magic(path)? {
        Magic::Rpm => {
            let inspection = rpm::read(path)?;
            let contents = rpm::read_payload(path, &inspection, Keep::Texts)?;
            Ok((inspection, contents))
        }
        Magic::Ar => deb::read::read(path, Keep::Texts),
    }
}

enum Magic {
    Rpm,
    Ar,
}

fn magic(path: &Path) -> Result<Magic, Error> {
    let mut start = Vec::new();
    let read = fs_err::File::open(path).and_then(|file| file.take(AR_MAGIC.len() as u64).read_to_end(&mut start));
    read.map_err(Error::Open)?;
    if start.starts_with(RPM_MAGIC) {
        Ok(Magic::Rpm)
    } else if start == AR_MAGIC {
        Ok(Magic::Ar)
    } else {
        Err(Error::NotAPackage { path: path.to_path_buf() })
    }
}

/// For what is wrong with the data of a package.
pub(super) fn damaged(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

/// Bytes as text; what is not UTF-8 is shown as `\xff`, so that different bytes stay different.
pub(super) fn text_of(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}
