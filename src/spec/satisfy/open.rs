//! Files, compressed in whatever way their first bytes say.

use std::io::{self, Read, Seek};

use fs_err::File;

use crate::format::{Method, decompress};

/// A file as it reads unpacked.
pub struct Unpacked {
    pub reader: Box<dyn Read>,
}

impl Unpacked {
    pub fn new(mut file: File) -> io::Result<Self> {
        let mut start = [0; 6];
        let mut length = 0;
        while let Some(rest) = start.get_mut(length..).filter(|rest| !rest.is_empty()) {
            match file.read(rest)? {
                0 => break,
                count => length += count,
            }
        }
        file.rewind()?;
        let method = match start.get(..length).unwrap_or_default() {
            [0x1f, 0x8b, ..] => Method::Gzip,
            [b'B', b'Z', b'h', ..] => Method::Bzip2,
            [0xfd, b'7', b'z', b'X', b'Z', 0] => Method::Xz,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Method::Zstd,
            _ => Method::None,
        };
        Ok(Self { reader: decompress(method, file)? })
    }
}
