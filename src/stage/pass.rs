//! One pass over a package's entries: each is read once, checked (native code, leaks), digested and handed on, in order.
//!
//! Workers run ahead of the sink, bounded in bytes: files up to [`LARGE`] are kept whole until their turn comes, larger
//! ones come in pieces, so memory does not grow with the payload. What is found does not depend on who was faster.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use md5::Md5;
use sha2::Sha256;
use sha2::digest::DynDigest;

use super::elf::{self, Sparse};
use super::gate::{FileScan, Hit, Scanner};
use super::{Content, ElfFacts, Entry, EntryKind, Error, Findings, Leak};

/// Files above this size, in bytes, are handed on in pieces.
pub const LARGE: u64 = 4 * 1024 * 1024;

/// Small files are read and handed over in groups up to this size and number: most have a few kilobytes, and to wake
/// another thread for each costs as much as to read it.
const GROUP_BYTES: u64 = 256 * 1024;
const GROUP_FILES: usize = 64;

/// How many bytes of whole files may wait for their turn.
const READ_AHEAD: u64 = 16 * 1024 * 1024;

/// Size and number of the pieces of one large file that may wait.
const PIECE: usize = 256 * 1024;
const PIECES: usize = 8;

/// What the sink of a pass hears, in the order of the entries. Ghosts are not packed: nothing is heard of them. Only
/// an [`EntryKind::File`] has data; everything else has size 0 and `End` follows `Begin`.
pub enum Event<'a> {
    /// The entry, its index among the entries of the pass, and its size in bytes.
    Begin(&'a Entry, usize, u64),
    /// The next bytes of the entry; all of them together have exactly the announced size.
    Data(&'a [u8]),
    End,
}

/// Which digest the package manager keeps of each file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestKind {
    Sha256,
    /// The only one that dpkg knows for installed files (`md5sums`, dpkg(1), `--verify`).
    Md5,
}

/// How a pass reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Workers that read, check and digest.
    pub threads: usize,
    pub digest: DigestKind,
}

impl DigestKind {
    fn start(self) -> Box<dyn DynDigest> {
        match self {
            Self::Sha256 => Box::<Sha256>::default(),
            Self::Md5 => Box::<Md5>::default(),
        }
    }
}

/// What a pass found out.
#[derive(Debug, Clone, Default)]
pub struct PassResult {
    /// By index of the entry; `None` where there is no content (directories, links, ghosts).
    pub digests: Vec<Option<Box<[u8]>>>,
    /// In the order of the entries.
    pub findings: Findings,
}

/// Reads, checks and digests every entry, and hands its bytes to `sink` on this thread. Leaks are findings, not
/// errors: see [`super::gate::check`].
///
/// # Errors
/// When a content cannot be read or is damaged, or the sink fails: the first in the order of the entries.
pub fn run(
    entries: &[Entry],
    scanner: &Scanner,
    options: Options,
    mut sink: impl FnMut(Event<'_>) -> io::Result<()>,
) -> Result<PassResult, Error> {
    let files = entries.iter().filter_map(|entry| match &entry.kind {
        EntryKind::File(content) if !entry.flags.ghost => Some(File { entry, content }),
        _ => None,
    });
    let queue = Queue { groups: group(files), state: Mutex::default(), changed: Condvar::new() };
    let mut result = PassResult { digests: vec![None; entries.len()], findings: Findings::default() };
    std::thread::scope(|scope| {
        for _ in 0..options.threads.min(queue.groups.len()) {
            scope.spawn(|| queue.work(scanner, options.digest));
        }
        let delivered = deliver(entries, scanner, &queue, &mut sink, &mut result);
        queue.stop();
        delivered
    })?;
    Ok(result)
}

fn deliver(
    entries: &[Entry],
    scanner: &Scanner,
    queue: &Queue<'_>,
    sink: &mut impl FnMut(Event<'_>) -> io::Result<()>,
    result: &mut PassResult,
) -> io::Result<()> {
    let mut inbox = Inbox { queue, next: 0, held: 0, whole: Vec::new().into_iter() };
    for (index, entry) in entries.iter().enumerate().filter(|(_, entry)| !entry.flags.ghost) {
        let EntryKind::File(content) = &entry.kind else {
            if let EntryKind::Symlink(target) = &entry.kind {
                let hits = scanner.file(&entry.path, &entry.origin).whole(target.as_bytes())?;
                result.findings.leaks.extend(leaks(entry, hits));
            }
            sink(Event::Begin(entry, index, 0))?;
            sink(Event::End)?;
            continue;
        };
        let arrived = inbox.take()?;
        sink(Event::Begin(entry, index, content.size()))?;
        let outcome = match arrived {
            Arrived::Whole(bytes, outcome) => {
                if !bytes.is_empty() {
                    sink(Event::Data(&bytes))?;
                }
                outcome
            }
            Arrived::Pieces(pieces) => deliver_pieces(&pieces, sink)?,
        };
        sink(Event::End)?;
        if let Some(digest) = result.digests.get_mut(index) {
            *digest = Some(outcome.digest);
        }
        result.findings.leaks.extend(leaks(entry, outcome.hits));
        result.findings.elf.extend(outcome.elf);
    }
    Ok(())
}

/// One file, as the sink gets it.
enum Arrived {
    Whole(Vec<u8>, Box<Outcome>),
    Pieces(Receiver<Piece>),
}

/// Takes the groups from the queue, one after the other, and gives their files.
struct Inbox<'q, 'a> {
    queue: &'q Queue<'a>,
    next: usize,
    /// Bytes of the group that is being handed on.
    held: u64,
    whole: std::vec::IntoIter<io::Result<Whole>>,
}

impl Inbox<'_, '_> {
    /// The next file, in order.
    fn take(&mut self) -> io::Result<Arrived> {
        loop {
            if let Some(read) = self.whole.next() {
                return read.map(|(bytes, outcome)| Arrived::Whole(bytes, outcome));
            }
            let slot = self.queue.take(self.next, std::mem::take(&mut self.held));
            match slot {
                Slot::Failed(error) => return Err(error),
                Slot::Pieces(pieces) => {
                    self.next += 1;
                    return Ok(Arrived::Pieces(pieces));
                }
                Slot::Whole(files) => {
                    self.held = self.queue.groups.get(self.next).map_or(0, |group| group.size);
                    self.whole = files.into_iter();
                    self.next += 1;
                }
            }
        }
    }
}

fn deliver_pieces(
    pieces: &Receiver<Piece>,
    sink: &mut impl FnMut(Event<'_>) -> io::Result<()>,
) -> io::Result<Box<Outcome>> {
    loop {
        match pieces.recv() {
            Ok(Piece::Data(bytes)) => sink(Event::Data(&bytes))?,
            Ok(Piece::Done(outcome)) => return outcome,
            Err(_) => return Err(lost()),
        }
    }
}

fn leaks(entry: &Entry, hits: Vec<Hit>) -> impl Iterator<Item = Leak> {
    hits.into_iter().map(|hit| Leak {
        path: entry.path.clone(),
        origin: entry.origin.clone(),
        kind: hit.kind,
        offset: hit.offset,
        text: hit.text,
        member: hit.member,
    })
}

/// A worker ended without a word, which only a defect of the program can bring about.
fn lost() -> io::Error {
    io::Error::other("a reading thread stopped unexpectedly")
}

/// An archive alone does not say which of its files could not be packed.
fn of_entry(file: &File<'_>, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot pack {}: {error}", file.entry.path))
}

/// What is known of a file when all of it was read.
struct Outcome {
    digest: Box<[u8]>,
    hits: Vec<Hit>,
    elf: Option<ElfFacts>,
}

/// A whole file, and what is known of it.
type Whole = (Vec<u8>, Box<Outcome>);

enum Slot {
    /// The files of a group, up to the first that cannot be read.
    Whole(Vec<io::Result<Whole>>),
    Pieces(Receiver<Piece>),
    Failed(io::Error),
}

enum Piece {
    Data(Vec<u8>),
    Done(io::Result<Box<Outcome>>),
}

struct File<'a> {
    entry: &'a Entry,
    content: &'a Content,
}

/// Files that one worker reads: small ones that follow each other, or one that is larger than [`LARGE`].
struct Group<'a> {
    files: Vec<File<'a>>,
    size: u64,
}

impl<'a> Group<'a> {
    fn large(&self) -> Option<&File<'a>> {
        self.files.first().filter(|file| file.content.size() > LARGE)
    }
}

fn group<'a>(files: impl Iterator<Item = File<'a>>) -> Vec<Group<'a>> {
    let mut groups = Vec::<Group<'a>>::new();
    for file in files {
        let size = file.content.size();
        let last =
            groups.last_mut().filter(|group| group.files.len() < GROUP_FILES && group.size + size <= GROUP_BYTES);
        match last {
            Some(group) => {
                group.files.push(file);
                group.size += size;
            }
            None => groups.push(Group { files: vec![file], size }),
        }
    }
    groups
}

/// The files to read, and who is how far.
struct Queue<'a> {
    groups: Vec<Group<'a>>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The next group that no worker has taken.
    next: usize,
    /// The group that the sink waits for.
    wanted: usize,
    /// Bytes that wait for their turn.
    waiting: u64,
    slots: BTreeMap<usize, Slot>,
    stopped: bool,
}

impl Queue<'_> {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, scanner: &Scanner, digest: DigestKind) {
        while let Some((position, group)) = self.claim() {
            let mut claim = Claim { queue: self, position, slot: None };
            if let Some(file) = group.large() {
                let (sender, receiver) = sync_channel(PIECES);
                claim.slot = Some(Slot::Pieces(receiver));
                drop(claim);
                let outcome = read_in_pieces(file, scanner, digest, &sender).map_err(|error| of_entry(file, &error));
                // Nobody listens any more only when the pass has failed already.
                let _ = sender.send(Piece::Done(outcome));
            } else {
                claim.slot = Some(Slot::Whole(read_group(group, scanner, digest)));
            }
        }
    }

    /// Takes the next group, as soon as there is room for it. The one that the sink waits for always has room.
    fn claim(&self) -> Option<(usize, &Group<'_>)> {
        let mut state = self.lock();
        let position = state.next;
        let group = self.groups.get(position)?;
        state.next += 1;
        if group.large().is_none() {
            while !state.stopped && state.waiting + group.size > READ_AHEAD && state.wanted != position {
                state = self.wait(state);
            }
            state.waiting += group.size;
        }
        (!state.stopped).then_some((position, group))
    }

    /// Waits for a group, after `done` bytes that need not be kept any more.
    fn take(&self, position: usize, done: u64) -> Slot {
        let mut state = self.lock();
        state.wanted = position;
        state.waiting = state.waiting.saturating_sub(done);
        self.changed.notify_all();
        loop {
            if let Some(slot) = state.slots.remove(&position) {
                return slot;
            }
            state = self.wait(state);
        }
    }

    fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        state.next = self.groups.len();
        state.slots.clear();
        self.changed.notify_all();
    }
}

/// A group that a worker has taken: whatever happens to the worker, the sink gets an answer.
struct Claim<'a> {
    queue: &'a Queue<'a>,
    position: usize,
    slot: Option<Slot>,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let slot = self.slot.take().unwrap_or_else(|| Slot::Failed(lost()));
        let mut state = self.queue.lock();
        if !state.stopped {
            state.slots.insert(self.position, slot);
        }
        self.queue.changed.notify_all();
    }
}

fn read_group(group: &Group<'_>, scanner: &Scanner, digest: DigestKind) -> Vec<io::Result<Whole>> {
    let mut read = Vec::with_capacity(group.files.len());
    for file in &group.files {
        read.push(read_whole(file, scanner, digest).map_err(|error| of_entry(file, &error)));
        if read.last().is_some_and(Result::is_err) {
            break;
        }
    }
    read
}

fn read_whole(file: &File<'_>, scanner: &Scanner, digest: DigestKind) -> io::Result<Whole> {
    let bytes = file.content.read()?;
    let mut digest = digest.start();
    digest.update(&bytes);
    let outcome = Outcome {
        digest: digest.finalize(),
        hits: scanner.file(&file.entry.path, &file.entry.origin).whole(&bytes)?,
        elf: elf::parse(&bytes, &file.entry.path, &file.entry.origin),
    };
    Ok((bytes, Box::new(outcome)))
}

fn read_in_pieces(
    file: &File<'_>,
    scanner: &Scanner,
    digest: DigestKind,
    pieces: &SyncSender<Piece>,
) -> io::Result<Box<Outcome>> {
    let mut digest = digest.start();
    let mut scan: FileScan<'_> = scanner.file(&file.entry.path, &file.entry.origin);
    let mut sparse: Option<Sparse> = None;
    let mut reader = file.content.open()?;
    let mut first = true;
    loop {
        let piece = read_piece(&mut *reader)?;
        if piece.is_empty() {
            break;
        }
        if std::mem::take(&mut first) && piece.starts_with(elf::MAGIC) {
            sparse = Some(Sparse::new(&file.entry.path, &file.entry.origin, file.content.size()));
        }
        digest.update(&piece);
        scan.feed(&piece)?;
        if let Some(sparse) = &mut sparse {
            sparse.feed(&piece);
        }
        if pieces.send(Piece::Data(piece)).is_err() {
            return Err(lost());
        }
    }
    let elf = sparse.map(|sparse| read_again(file.content, sparse)).transpose()?.flatten();
    Ok(Box::new(Outcome { digest: digest.finalize(), hits: scan.finish(), elf }))
}

/// As much as fits into one piece; nothing at the end.
fn read_piece(reader: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut piece = Vec::with_capacity(PIECE);
    reader.take(PIECE as u64).read_to_end(&mut piece)?;
    Ok(piece)
}

/// Further rounds over a large native object, for tables that lie before what points to them.
fn read_again(content: &Content, mut sparse: Sparse) -> io::Result<Option<ElfFacts>> {
    while let Some(end) = sparse.another_round() {
        let mut reader = content.open()?.take(end);
        loop {
            let piece = read_piece(&mut reader)?;
            if piece.is_empty() {
                break;
            }
            sparse.feed(&piece);
        }
    }
    Ok(sparse.facts())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::super::{EntryFlags, Origin, TargetPath};
    use super::*;

    fn with(threads: usize) -> Options {
        Options { threads, digest: DigestKind::Sha256 }
    }

    fn entry(path: &str, kind: EntryKind) -> Entry {
        Entry {
            path: TargetPath::new(path).unwrap(),
            mode: 0o644,
            owner: "root".into(),
            group: "root".into(),
            kind,
            flags: EntryFlags::default(),
            origin: Origin::User,
        }
    }

    fn bytes(bytes: Vec<u8>) -> EntryKind {
        EntryKind::File(Content::Bytes(bytes.into()))
    }

    /// Small and large files in turns, 70 MB altogether, so that the read-ahead has to wait.
    fn tree() -> Vec<Entry> {
        let mut entries = vec![entry("/opt/a", EntryKind::Directory)];
        for number in 0..60u32 {
            let size = [0, 1, 700_000, LARGE as usize, LARGE as usize + 1][number as usize % 5];
            let content = (0..size).map(|at| (at as u32).wrapping_mul(number + 1) as u8).collect::<Vec<_>>();
            entries.push(entry(&format!("/opt/a/{number:02}"), bytes(content)));
        }
        entries.push(entry("/opt/a/link", EntryKind::Symlink("00".into())));
        entries
    }

    #[test]
    fn every_byte_arrives_in_order_whatever_the_number_of_threads() {
        let entries = tree();
        for threads in [1, 2, 7] {
            let mut seen = Vec::<(usize, u64, Vec<u8>)>::new();
            let mut ends = 0;
            let result = run(&entries, &Scanner::new(), with(threads), |event| {
                match event {
                    Event::Begin(entry, index, size) => {
                        assert_eq!(entry.path, entries[index].path);
                        seen.push((index, size, Vec::new()));
                    }
                    Event::Data(data) => seen.last_mut().unwrap().2.extend_from_slice(data),
                    Event::End => ends += 1,
                }
                Ok(())
            })
            .unwrap();
            assert_eq!(seen.len(), entries.len());
            assert_eq!(ends, entries.len());
            for (position, (index, size, data)) in seen.into_iter().enumerate() {
                assert_eq!(index, position);
                let EntryKind::File(content) = &entries[index].kind else {
                    assert_eq!((size, &result.digests[index]), (0, &None));
                    continue;
                };
                assert_eq!(size, content.size());
                assert!(data == content.read().unwrap());
                let expected = <Sha256 as sha2::Digest>::digest(&data);
                assert_eq!(result.digests[index].as_deref(), Some(expected.as_slice()));
            }
        }
    }

    #[test]
    fn the_first_failure_in_order_ends_the_pass() {
        let mut entries = tree();
        let missing = |name: &str| EntryKind::File(Content::File { path: Arc::new(name.into()), size: 3 });
        entries[40].kind = missing("/nowhere/second");
        entries[20].kind = missing("/nowhere/first");
        for threads in [1, 4] {
            let error = run(&entries, &Scanner::new(), with(threads), |_| Ok(())).unwrap_err().to_string();
            assert!(error.contains("/nowhere/first"), "{error}");
        }
    }

    #[test]
    fn a_sink_that_fails_ends_the_pass() {
        let entries = tree();
        for stop_at in [0, 3, 5, 30] {
            let mut begun = 0;
            let error = run(&entries, &Scanner::new(), with(4), |event| {
                begun += usize::from(matches!(event, Event::Begin(..)));
                if begun > stop_at { Err(io::Error::other("disk full")) } else { Ok(()) }
            });
            assert!(error.unwrap_err().to_string().contains("disk full"));
        }
    }

    #[test]
    fn ghosts_are_passed_over() {
        let mut entries = tree();
        entries[3].flags.ghost = true;
        let mut seen = Vec::new();
        let result = run(&entries, &Scanner::new(), with(2), |event| {
            if let Event::Begin(_, index, _) = event {
                seen.push(index);
            }
            Ok(())
        })
        .unwrap();
        assert!(!seen.contains(&3) && seen.contains(&4));
        assert_eq!(result.digests[3], None);
    }

    #[test]
    fn leaks_are_found_in_small_and_large_files_and_links() {
        let mut entries = tree();
        let mut large = vec![0; LARGE as usize + 10 * PIECE];
        let at = LARGE as usize + PIECE - 5;
        large[at..at + 20].copy_from_slice(b"/var/tmp/omnipack-x1");
        entries[2].kind = bytes(large);
        entries[3].kind = bytes(b"see /var/tmp/omnipack-x1".to_vec());
        let link = entries.len() - 1;
        entries[link].kind = EntryKind::Symlink("/var/tmp/omnipack-x1/bin/x".into());
        let scanner = Scanner::new().directory(Path::new("/var/tmp/omnipack-x1"));
        let result = run(&entries, &scanner, with(3), |_| Ok(())).unwrap();
        let found = result.findings.leaks.iter().map(|leak| (leak.path.as_str(), leak.offset)).collect::<Vec<_>>();
        assert_eq!(found, [("/opt/a/01", at as u64), ("/opt/a/02", 4), ("/opt/a/link", 0)]);
    }

    #[test]
    fn native_code_is_found_in_files_of_any_size() {
        let own = fs_err::read(std::env::current_exe().unwrap()).unwrap();
        assert!(own.len() as u64 > LARGE, "the test program is large");
        let facts = elf::parse(&own, &TargetPath::new("/opt/a/01").unwrap(), &Origin::User);
        let entries = [entry("/opt/a/00", bytes(b"\x7fELF no".to_vec())), entry("/opt/a/01", bytes(own))];
        let result = run(&entries, &Scanner::new(), with(2), |_| Ok(())).unwrap();
        assert_eq!(result.findings.elf, facts.into_iter().collect::<Vec<_>>());
        assert!(result.findings.elf[0].needed.iter().any(|name| name.starts_with("libc.so")));
    }
}
