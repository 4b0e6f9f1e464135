//! The facts of a file that comes in pieces.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use object::read::ReadRef;

use super::{MAGIC, read_facts};
use crate::stage::{ElfFacts, Origin, TargetPath};

/// What is kept of the start of a file that comes in pieces: headers and, in most, all tables.
const HEAD: u64 = 64 * 1024;

/// At least so much is kept around what was asked for.
const GRAIN: u64 = 16 * 1024;

/// A table larger than this is not that of a real library.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Reads the facts of a file that comes in pieces, too large to be kept: what the reader asks for is kept while it
/// flows by; what has flowed by already needs another round over the file.
pub struct Sparse {
    kept: BTreeMap<u64, Vec<u8>>,
    wanted: Vec<Range<u64>>,
    missed: RefCell<BTreeSet<(u64, u64)>>,
    size: u64,
    /// The next byte of this round.
    position: u64,
    /// Read again when this has been passed.
    wake: u64,
    path: TargetPath,
    origin: Origin,
    outcome: Option<Option<ElfFacts>>,
}

impl Sparse {
    #[must_use]
    pub fn new(path: &TargetPath, origin: &Origin, size: u64) -> Self {
        let head = HEAD.min(size);
        Self {
            kept: BTreeMap::new(),
            wanted: std::iter::once(0..head).collect(),
            missed: RefCell::default(),
            size,
            position: 0,
            wake: head,
            path: path.clone(),
            origin: origin.clone(),
            outcome: None,
        }
    }

    /// The next bytes of this round.
    pub fn feed(&mut self, chunk: &[u8]) {
        let chunk_start = self.position;
        self.position += chunk.len() as u64;
        if self.outcome.is_some() {
            return;
        }
        for range in &self.wanted {
            let (from, to) = (range.start.max(chunk_start), range.end.min(self.position));
            if let (Ok(low), Ok(high)) =
                (usize::try_from(from.saturating_sub(chunk_start)), usize::try_from(to.saturating_sub(chunk_start)))
                && from < to
                && let Some(part) = chunk.get(low..high)
            {
                self.kept.entry(range.start).or_default().extend_from_slice(part);
            }
        }
        if self.position >= self.wake {
            self.advance();
        }
    }

    /// Up to where another round must read the file from its start; `None`: all is known.
    pub fn another_round(&mut self) -> Option<u64> {
        if self.outcome.is_some() {
            return None;
        }
        self.position = 0;
        self.wake = self.wanted.iter().map(|range| range.end).max().unwrap_or(0);
        (self.wake > 0).then_some(self.wake)
    }

    #[must_use]
    pub fn facts(self) -> Option<ElfFacts> {
        self.outcome.flatten()
    }

    fn advance(&mut self) {
        self.missed.borrow_mut().clear();
        let head = self.kept.get(&0).cloned().unwrap_or_default();
        let facts = if head.starts_with(MAGIC) { read_facts(&*self, &head, &self.path, &self.origin) } else { None };
        let missed = std::mem::take(&mut *self.missed.borrow_mut());
        if missed.is_empty() {
            self.outcome = Some(facts);
            return;
        }
        self.wanted.clear();
        for (offset, length) in missed {
            let end = offset.saturating_add(length.max(GRAIN)).min(self.size);
            match self.wanted.last_mut() {
                Some(last) if last.end >= offset => last.end = last.end.max(end),
                _ => self.wanted.push(offset..end),
            }
        }
        let total = self.wanted.iter().map(|range| range.end - range.start).sum::<u64>();
        // Kept before and still not enough: what is asked for lies past the end.
        let impossible = self
            .wanted
            .iter()
            .any(|range| self.kept.get(&range.start).is_some_and(|kept| kept.len() as u64 >= range.end - range.start));
        if total > LARGEST || impossible || self.wanted.iter().any(Range::is_empty) {
            self.outcome = Some(None);
            return;
        }
        // What lies ahead comes by; what lies behind needs another round, and so does all that depends on it.
        for range in &self.wanted {
            self.kept.remove(&range.start);
        }
        let ahead = self.wanted.iter().all(|range| range.start >= self.position);
        self.wake = if ahead { self.wanted.iter().map(|range| range.end).max().unwrap_or(u64::MAX) } else { u64::MAX };
        if !ahead {
            // Nothing of this round is kept in halves.
            self.position = u64::MAX / 2;
        }
    }

    fn find(&self, offset: u64, length: u64) -> Option<&[u8]> {
        let (start, bytes) =
            self.kept.range(..=offset).rev().find(|(start, bytes)| offset - **start < bytes.len() as u64)?;
        let from = usize::try_from(offset - start).ok()?;
        bytes.get(from..from.checked_add(usize::try_from(length).ok()?)?)
    }

    fn miss<T>(&self, offset: u64, length: u64) -> Result<T, ()> {
        if offset < self.size {
            self.missed.borrow_mut().insert((offset, length));
        }
        Err(())
    }
}

impl<'a> ReadRef<'a> for &'a Sparse {
    fn len(self) -> Result<u64, ()> {
        Ok(self.size)
    }

    fn read_bytes_at(self, offset: u64, size: u64) -> Result<&'a [u8], ()> {
        match self.find(offset, size) {
            Some(bytes) => Ok(bytes),
            None if offset.checked_add(size).is_none_or(|end| end > self.size) => Err(()),
            None => self.miss(offset, size),
        }
    }

    fn read_bytes_at_until(self, range: Range<u64>, delimiter: u8) -> Result<&'a [u8], ()> {
        if range.start > range.end || range.end > self.size {
            return Err(());
        }
        let Some((start, bytes)) =
            self.kept.range(..=range.start).rev().find(|(start, bytes)| range.start - **start < bytes.len() as u64)
        else {
            return self.miss(range.start, 1);
        };
        let rest = usize::try_from(range.start - start).ok().and_then(|from| bytes.get(from..)).ok_or(())?;
        match memchr::memchr(delimiter, rest) {
            // As of a file in memory: a string ends within its table.
            Some(end) if (end as u64) < range.end.saturating_sub(range.start) => rest.get(..end).ok_or(()),
            Some(_) => Err(()),
            None => self.miss(range.start, 2 * rest.len() as u64),
        }
    }
}
