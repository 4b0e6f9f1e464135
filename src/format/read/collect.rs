//! What is kept of the files of a payload while it streams past.

use std::collections::HashMap;
use std::io::{self, Read};

use md5::Md5;
use sha2::{Digest, Sha256};

use super::damaged;
use crate::format::inspection::site_of;

/// A text of more bytes is not kept to be compared line by line.
const LONGEST_TEXT: u64 = 64 * 1024;

/// A file that says more about others, such as a distribution's list of files, may be longer.
const LONGEST_LIST: u64 = 8 << 20;

/// All that is kept of one package, in bytes.
const ROOM: usize = 64 << 20;

/// Which files' bytes are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// `copyright` and changelog.
    Documentation,
    /// Small files outside of Python's directories, and the lists of files of Python distributions too.
    Texts,
}

/// What the payload of a package holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Lower-case hex of the SHA-256 of each regular file, by path.
    pub digests: HashMap<String, String>,
    /// Bytes of those files that were to be kept.
    pub kept: HashMap<String, Vec<u8>>,
    /// What the package says of its files and is not so.
    pub problems: Vec<String>,
}

pub struct Collector {
    keep: Keep,
    /// Set where MD5 is wanted too: a copy of it begins each file.
    md5: Option<Md5>,
    room: usize,
    pub contents: Contents,
}

pub struct Digests {
    pub sha256: String,
    /// Empty where it is not wanted.
    pub md5: String,
}

impl Collector {
    pub fn new(keep: Keep) -> Self {
        Self { keep, md5: None, room: ROOM, contents: Contents::default() }
    }

    /// Digests with MD5 too.
    pub fn with_md5(keep: Keep) -> Self {
        Self { md5: Some(Md5::new()), ..Self::new(keep) }
    }

    /// Reads the file `path` of `size` bytes to its end.
    pub fn take(&mut self, path: &str, size: u64, reader: &mut dyn Read) -> io::Result<Digests> {
        let mut kept = self.wants(path, size).then(Vec::new);
        let (mut sha256, mut md5) = (Sha256::new(), self.md5.clone());
        let mut buffer = [0; 64 * 1024];
        let mut left = size;
        while left > 0 {
            let count = reader.read(&mut buffer)?;
            let bytes = buffer.get(..count).unwrap_or_default();
            if bytes.is_empty() || bytes.len() as u64 > left {
                return Err(damaged(format!("`{path}` has another size than announced")));
            }
            left -= bytes.len() as u64;
            sha256.update(bytes);
            if let Some(md5) = &mut md5 {
                md5.update(bytes);
            }
            if let Some(kept) = &mut kept {
                kept.extend_from_slice(bytes);
            }
        }
        let md5 = md5.map(|md5| format!("{:x}", md5.finalize())).unwrap_or_default();
        let digests = Digests { sha256: format!("{:x}", sha256.finalize()), md5 };
        self.contents.digests.insert(path.to_owned(), digests.sha256.clone());
        if let Some(kept) = kept {
            self.room = self.room.saturating_sub(kept.len());
            self.contents.kept.insert(path.to_owned(), kept);
        }
        Ok(digests)
    }

    fn wants(&self, path: &str, size: u64) -> bool {
        let limit = match (is_documentation(path), site_of(path)) {
            (true, _) => LONGEST_LIST,
            (false, _) if self.keep == Keep::Documentation => return false,
            (false, Some((_, below))) if below.ends_with(".dist-info/RECORD") => LONGEST_LIST,
            (false, Some(_)) => return false,
            (false, None) => LONGEST_TEXT,
        };
        size <= limit && size <= self.room as u64
    }
}

fn is_documentation(path: &str) -> bool {
    let Some(name) = path.strip_prefix("/usr/share/doc/").and_then(|below| below.split_once('/')).map(|(_, name)| name)
    else {
        return false;
    };
    matches!(name, "copyright" | "changelog" | "changelog.gz" | "changelog.Debian" | "changelog.Debian.gz")
}
