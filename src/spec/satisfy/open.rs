//! What files hold, compressed in whatever way their first bytes say, whole or line by line.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use crate::format::{Method, decompress};

/// Of one line, in bytes: some packages provide thousands of names in one.
const LINE: u64 = 16 << 20;

/// `reader` as it reads unpacked.
pub fn unpacked<'a>(mut reader: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut start = Vec::new();
    reader.by_ref().take(6).read_to_end(&mut start)?;
    let method = match start.as_slice() {
        [0x1f, 0x8b, ..] => Method::Gzip,
        [b'B', b'Z', b'h', ..] => Method::Bzip2,
        [0xfd, b'7', b'z', b'X', b'Z', 0] => Method::Xz,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Method::Zstd,
        _ => Method::None,
    };
    decompress(method, Cursor::new(start).chain(reader))
}

/// The lines of a text; what is not UTF-8 in them is replaced.
pub struct Lines<R> {
    reader: BufReader<R>,
    /// Of the line that was read last, from 1.
    pub number: usize,
}

impl<R: Read> Lines<R> {
    pub fn new(reader: R) -> Self {
        Self { reader: BufReader::with_capacity(128 * 1024, reader), number: 0 }
    }

    /// Without what ends it; `None` at the end.
    pub fn next(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        let count = self.reader.by_ref().take(LINE).read_until(b'\n', &mut line)?;
        if count == 0 {
            return Ok(None);
        }
        self.number += 1;
        if count as u64 == LINE {
            let reason = format!("line {} has more than {} MiB", self.number, LINE >> 20);
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        Ok(Some(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned()))
    }
}
