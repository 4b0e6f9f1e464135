//! The search of one file, chunk by chunk, with the archives inside it.

use std::io::{self, Read, Seek, SeekFrom, Write};

use super::super::LeakKind;
use super::{LOOK_AHEAD, Needle, Scanner, ends_path};

/// Archives within archives are opened so deep.
const DEPTH: u8 = 3;

/// All archives within one file may inflate to this many times its size, and some more: enough for anything real, too
/// little for a bomb.
const RATIO: u64 = 64;
const ALLOWANCE: u64 = 64 * 1024 * 1024;

const READ: usize = 64 * 1024;

/// A leak without the file that it was found in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    pub kind: LeakKind,
    pub offset: u64,
    /// The path that is named; nothing of a credential.
    pub text: String,
    pub member: Option<String>,
}

/// Bytes of one file, searched as they come.
pub struct FileScan<'a> {
    scanner: &'a Scanner,
    /// Needles still looked for: the first occurrence of a kind is enough.
    active: Vec<usize>,
    hits: Vec<Hit>,
    /// End of what came so far, and where it starts in the file.
    tail: Vec<u8>,
    tail_offset: u64,
    /// Occurrences that start before this were judged already.
    judged: u64,
    size: u64,
    depth: u8,
    budget: u64,
    nested: Nested<'a>,
}

/// What the file is besides its bytes.
enum Nested<'a> {
    Unknown,
    No,
    Gzip(Box<flate2::write::MultiGzDecoder<Inner<'a>>>),
    /// Needs the directory at its end: kept on disk if it does not come in one piece.
    Zip(std::fs::File),
    /// Came in one piece and was opened already.
    Done,
}

/// What a message shows of an occurrence: the whole path, and never a credential.
fn shown(needle: &Needle, text: &[u8]) -> String {
    if needle.kind == LeakKind::Credential {
        return String::new();
    }
    let named = needle.finder.needle().len();
    let rest = text.get(named..).unwrap_or_default();
    let end = rest.iter().take(LOOK_AHEAD).position(|byte| ends_path(*byte)).unwrap_or(rest.len().min(LOOK_AHEAD));
    String::from_utf8_lossy(text.get(..named + end).unwrap_or_default()).into_owned()
}

/// The inflated side of a gzip stream.
struct Inner<'a> {
    scan: FileScan<'a>,
    left: u64,
}

impl Write for Inner<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or_else(|| io::Error::other("too much"))?;
        self.scan.feed(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> FileScan<'a> {
    pub(super) fn new(scanner: &'a Scanner, active: Vec<usize>) -> Self {
        Self {
            scanner,
            active,
            hits: Vec::new(),
            tail: Vec::new(),
            tail_offset: 0,
            judged: 0,
            size: 0,
            depth: 0,
            budget: ALLOWANCE,
            nested: Nested::Unknown,
        }
    }

    /// Searches a file that is in memory as a whole.
    ///
    /// # Errors
    /// When an archive in it has to be kept in a temporary file and cannot.
    pub fn whole(mut self, bytes: &[u8]) -> io::Result<Vec<Hit>> {
        if self.active.is_empty() {
            return Ok(self.hits);
        }
        self.search(bytes, 0, bytes.len());
        self.size = bytes.len() as u64;
        self.budget = self.budget.max(ALLOWANCE + self.size * RATIO);
        if self.depth < DEPTH {
            if bytes.starts_with(b"PK\x03\x04") {
                self.open_zip(io::Cursor::new(bytes));
            } else if bytes.starts_with(b"\x1f\x8b\x08") {
                self.open_gzip(bytes);
            }
        }
        Ok(self.hits)
    }

    /// The next bytes.
    ///
    /// # Errors
    /// As [`FileScan::whole`].
    pub fn feed(&mut self, chunk: &[u8]) -> io::Result<()> {
        if self.active.is_empty() || chunk.is_empty() {
            return Ok(());
        }
        if matches!(self.nested, Nested::Unknown) {
            self.nested = self.recognise(chunk)?;
        }
        self.size += chunk.len() as u64;
        self.feed_nested(chunk)?;

        let keep = self.scanner.window();
        let mut text = std::mem::take(&mut self.tail);
        text.extend_from_slice(chunk);
        let limit = text.len().saturating_sub(keep);
        let from = usize::try_from(self.judged - self.tail_offset).unwrap_or(0);
        self.search(&text, from, limit);
        self.judged = self.judged.max(self.tail_offset + limit as u64);
        // Some bytes before what is not judged yet, because a rule may look back.
        let cut = limit.saturating_sub(2);
        text.drain(..cut);
        self.tail_offset += cut as u64;
        self.tail = text;
        Ok(())
    }

    /// What was found, when all bytes came.
    #[must_use]
    pub fn finish(mut self) -> Vec<Hit> {
        let text = std::mem::take(&mut self.tail);
        let from = usize::try_from(self.judged - self.tail_offset).unwrap_or(0);
        self.search(&text, from, text.len());
        match std::mem::replace(&mut self.nested, Nested::Done) {
            Nested::Gzip(mut decoder) => {
                // An error only says that this was no sound gzip file: its bytes are searched as they are.
                let _ = decoder.try_finish();
                let inner = std::mem::replace(&mut decoder.get_mut().scan, FileScan::new(self.scanner, Vec::new()));
                self.take_member("gzip", inner.finish());
            }
            Nested::Zip(mut file) => {
                self.budget = self.budget.max(ALLOWANCE + self.size * RATIO);
                if file.seek(SeekFrom::Start(0)).is_ok() {
                    self.open_zip(file);
                }
            }
            Nested::Unknown | Nested::No | Nested::Done => {}
        }
        self.hits
    }

    fn recognise(&self, start: &[u8]) -> io::Result<Nested<'a>> {
        if self.depth >= DEPTH {
            return Ok(Nested::No);
        }
        if start.starts_with(b"PK\x03\x04") {
            return Ok(Nested::Zip(tempfile::tempfile()?));
        }
        if start.starts_with(b"\x1f\x8b\x08") {
            let inner = Inner { scan: self.child(), left: self.budget };
            return Ok(Nested::Gzip(Box::new(flate2::write::MultiGzDecoder::new(inner))));
        }
        Ok(Nested::No)
    }

    fn feed_nested(&mut self, chunk: &[u8]) -> io::Result<()> {
        match &mut self.nested {
            Nested::Gzip(decoder) => {
                decoder.get_mut().left += chunk.len() as u64 * RATIO;
                if decoder.write_all(chunk).is_err() {
                    let inner = std::mem::replace(&mut decoder.get_mut().scan, FileScan::new(self.scanner, Vec::new()));
                    self.nested = Nested::No;
                    self.take_member("gzip", inner.finish());
                }
            }
            Nested::Zip(file) => file.write_all(chunk)?,
            Nested::Unknown | Nested::No | Nested::Done => {}
        }
        Ok(())
    }

    /// Judges every occurrence that starts in `from..limit` of `text`.
    fn search(&mut self, text: &[u8], from: usize, limit: usize) {
        let mut found = Vec::new();
        for index in &self.active {
            let Some(needle) = self.scanner.needles.get(*index) else { continue };
            let end = text.len().min(limit.saturating_add(needle.finder.needle().len()).saturating_sub(1));
            let Some(range) = text.get(from..end) else { continue };
            let hit = needle.finder.find_iter(range).find(|at| self.scanner.is_leak(needle, text, from + at));
            if let Some(at) = hit {
                let shown = shown(needle, text.get(from + at..).unwrap_or_default());
                found.push((needle.kind, self.tail_offset + (from + at) as u64, shown));
            }
        }
        found.sort_unstable();
        for (kind, offset, text) in found {
            if !self.hits.iter().any(|hit| hit.kind == kind && hit.member.is_none()) {
                self.hits.push(Hit { kind, offset, text, member: None });
            }
            let needles = &self.scanner.needles;
            self.active.retain(|index| needles.get(*index).is_some_and(|needle| needle.kind != kind));
        }
    }

    fn child(&self) -> FileScan<'a> {
        let mut child = FileScan::new(self.scanner, self.active.clone());
        child.depth = self.depth + 1;
        child.budget = self.budget;
        child
    }

    fn take_member(&mut self, name: &str, hits: Vec<Hit>) {
        for hit in hits {
            let member = match hit.member {
                Some(inner) => format!("{name}: {inner}"),
                None => name.to_owned(),
            };
            if !self.hits.iter().any(|known| known.kind == hit.kind) {
                self.hits.push(Hit { member: Some(member), ..hit });
            }
        }
    }

    fn open_gzip(&mut self, bytes: &[u8]) {
        let mut child = self.child();
        self.copy(&mut flate2::read::MultiGzDecoder::new(bytes), &mut child);
        self.take_member("gzip", child.finish());
    }

    /// What cannot be read (damaged, encrypted, a method that Python's zipfile does not write) is passed over: as it
    /// lies in the package, nobody can read a path out of it either.
    fn open_zip(&mut self, file: impl Read + Seek) {
        let Ok(mut archive) = zip::ZipArchive::new(file) else { return };
        for index in 0..archive.len() {
            let Ok(mut member) = archive.by_index(index) else { continue };
            if member.is_dir() {
                continue;
            }
            let name = member.name().map_or_else(|_| format!("member {index}"), |name| name.into_owned());
            let mut child = self.child();
            self.copy(&mut member, &mut child);
            let hits = child.finish();
            self.take_member(&name, hits);
            if self.active.is_empty() || self.budget == 0 {
                break;
            }
        }
    }

    /// Feeds `child` as far as the budget goes.
    fn copy(&mut self, reader: &mut dyn Read, child: &mut FileScan<'a>) {
        let mut buffer = vec![0; READ];
        while let Ok(count) = reader.read(&mut buffer) {
            if count == 0 || self.budget < count as u64 {
                self.budget = if count == 0 { self.budget } else { 0 };
                break;
            }
            self.budget -= count as u64;
            if buffer.get(..count).is_none_or(|bytes| child.feed(bytes).is_err()) {
                break;
            }
        }
    }
}
