//! Reads what an entry holds: a member of a wheel by its offset, a slice of a cache file, a file of the user.
//!
//! Archives are read with `pread` through one shared descriptor each, so any number of threads may read members of one
//! wheel at once. Everything is checked while it is read: the CRC and both sizes of a member, and that a file of the user
//! still has the size it had when the tree was laid out (the package's headers are made from it).

use std::cell::RefCell;
use std::io::{self, BufReader, Cursor, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use flate2::{Decompress, FlushDecompress, Status};
use fs_err::File;

use super::{Content, Member, Method};

/// What is read from an archive at once.
const CHUNK: usize = 64 * 1024;

/// How many archives stay open: more than threads times wheels in flight, far below the usual limit of 1,024.
const OPEN_FILES: usize = 64;

/// No capacity is reserved on the word of an archive beyond this; the data itself has to show that it is bigger.
const RESERVE: u64 = 16 * 1024 * 1024;

impl Content {
    /// In bytes, as the entry will be packed.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self {
            Self::Member { member, .. } => member.size,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { size, .. } | Self::Slice { size, .. } => *size,
        }
    }

    /// A reader of exactly [`Content::size`] bytes: fewer, more, or a wrong checksum is an error of the reader.
    ///
    /// # Errors
    /// When the file cannot be opened or, for a file of the user, no longer has its size.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(match self {
            Self::Bytes(bytes) => Box::new(Cursor::new(&bytes[..])),
            Self::File { path, size } => Box::new(UserFile::open(path, *size)?),
            Self::Slice { path, offset, size } => {
                let part = Part { file: shared(path)?, offset: *offset, left: *size };
                Box::new(Checked::new(part, path, *size, None))
            }
            Self::Member { archive, member } => {
                let part = Part { file: shared(archive)?, offset: member.offset, left: member.compressed_size };
                let capacity = CHUNK.min(usize::try_from(member.compressed_size).unwrap_or(CHUNK)).max(1);
                match member.method {
                    Method::Stored => Box::new(Checked::new(part, archive, member.size, Some(member.crc32))),
                    Method::Deflated => {
                        let inflate = flate2::bufread::DeflateDecoder::new(BufReader::with_capacity(capacity, part));
                        Box::new(Checked::new(inflate, archive, member.size, Some(member.crc32)))
                    }
                }
            }
        })
    }

    /// The whole content. For what is known to be small, or bounded by the caller.
    ///
    /// # Errors
    /// As [`Content::open`], and when the content is damaged.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        if let Self::Member { archive, member } = self
            && member.method == Method::Deflated
            && member.size.max(member.compressed_size) <= RESERVE
        {
            return inflate(archive, member);
        }
        let mut bytes = Vec::with_capacity(usize::try_from(self.size().min(RESERVE)).unwrap_or(0));
        self.open()?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

thread_local! {
    /// An inflater, and what it reads: setting them up costs more than most members do.
    static INFLATER: RefCell<(Decompress, Vec<u8>)> = RefCell::new((Decompress::new(false), Vec::new()));
}

/// A deflated member in one go, straight into the bytes that are given: no window, no copy from a buffer to the next.
fn inflate(archive: &Arc<PathBuf>, member: &Member) -> io::Result<Vec<u8>> {
    let damaged = |what: &str| damaged(archive, what);
    let lengths = [member.compressed_size, member.size].map(usize::try_from);
    let [Ok(compressed_size), Ok(size)] = lengths else { return Err(damaged("a member is too large")) };
    let file = shared(archive)?;
    INFLATER.with_borrow_mut(|(inflater, compressed)| {
        compressed.resize(compressed_size, 0);
        file.file().read_exact_at(compressed, member.offset).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => damaged("it ends within a member"),
            kind => io::Error::new(kind, format!("cannot read `{}`: {error}", archive.display())),
        })?;
        inflater.reset(false);
        // One byte more than there should be shows that there is more.
        let mut bytes = Vec::with_capacity(size + 1);
        let status = inflater.decompress_vec(compressed, &mut bytes, FlushDecompress::Finish);
        let status = status.map_err(|error| damaged(&error.to_string()))?;
        if bytes.len() > size {
            return Err(damaged(&format!("a member has more than its {size} bytes")));
        }
        if status != Status::StreamEnd || bytes.len() < size {
            return Err(damaged(&format!("{} of {size} bytes are there", bytes.len())));
        }
        let mut crc = flate2::Crc::new();
        crc.update(&bytes);
        same_crc(archive, crc.sum(), member.crc32).map(|()| bytes)
    })
}

fn damaged(path: &Path, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("`{}` is damaged: {what}", path.display()))
}

fn same_crc(path: &Path, found: u32, expected: u32) -> io::Result<()> {
    let what = || format!("the CRC of a member is {found:08x}, not {expected:08x}");
    if found == expected { Ok(()) } else { Err(damaged(path, &what())) }
}

/// A stretch of a file, read without moving the file's position.
struct Part {
    file: Arc<File>,
    offset: u64,
    left: u64,
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).map_or(buffer.len(), |left| buffer.len().min(left));
        let count = self.file.file().read_at(&mut buffer[..wanted], self.offset).map_err(|source| {
            io::Error::new(source.kind(), format!("cannot read `{}`: {source}", self.file.path().display()))
        })?;
        self.offset += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}

/// Passes on exactly `size` bytes with the checksum `crc32`, or fails.
struct Checked<'a, R> {
    inner: R,
    path: &'a Path,
    size: u64,
    read: u64,
    crc32: Option<(flate2::Crc, u32)>,
}

impl<'a, R: Read> Checked<'a, R> {
    fn new(inner: R, path: &'a Path, size: u64, crc32: Option<u32>) -> Self {
        Self { inner, path, size, read: 0, crc32: crc32.map(|expected| (flate2::Crc::new(), expected)) }
    }

    fn damaged(&self, what: &str) -> io::Error {
        damaged(self.path, what)
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.read < self.size {
            return Err(self.damaged(&format!("{} of {} bytes are there", self.read, self.size)));
        }
        self.crc32.as_ref().map_or(Ok(()), |(crc, expected)| same_crc(self.path, crc.sum(), *expected))
    }
}

impl<R: Read> Read for Checked<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.inner.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => self.damaged(&error.to_string()),
            _ => error,
        })?;
        if count == 0 {
            self.finish()?;
            return Ok(0);
        }
        self.read += count as u64;
        if self.read > self.size {
            return Err(self.damaged(&format!("a member has more than its {} bytes", self.size)));
        }
        if let Some((crc, _)) = &mut self.crc32 {
            crc.update(&buffer[..count]);
        }
        Ok(count)
    }
}

/// A file of the user, which somebody may be writing to.
struct UserFile<'a> {
    file: File,
    path: &'a Path,
    size: u64,
    read: u64,
}

impl<'a> UserFile<'a> {
    fn open(path: &'a Path, size: u64) -> io::Result<Self> {
        let file = File::open(path)?;
        let now = file.metadata()?.len();
        if now != size {
            return Err(Self::changed(path, size, now));
        }
        Ok(Self { file, path, size, read: 0 })
    }

    fn changed(path: &Path, size: u64, now: u64) -> io::Error {
        io::Error::other(format!("`{}` changed while it was packed: {size} bytes, then {now}", path.display()))
    }
}

impl Read for UserFile<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.file.read(buffer)?;
        self.read += count as u64;
        if self.read > self.size || (count == 0 && self.read < self.size) {
            return Err(Self::changed(self.path, self.size, self.read));
        }
        Ok(count)
    }
}

type OpenFile = (Weak<PathBuf>, Arc<File>);

/// Descriptors by the path's allocation, most recently used last. An entry lives as long as the tree that it was opened
/// for: a `Weak` keeps the address from being given to another path, and a dead one is dropped at the next opening.
static OPEN: LazyLock<Mutex<Vec<OpenFile>>> = LazyLock::new(Mutex::default);

fn shared(path: &Arc<PathBuf>) -> io::Result<Arc<File>> {
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(index) = open.iter().position(|(owner, _)| Weak::as_ptr(owner) == Arc::as_ptr(path)) {
        let entry = open.remove(index);
        let file = Arc::clone(&entry.1);
        open.push(entry);
        return Ok(file);
    }
    let file = Arc::new(File::open(path.as_path())?);
    open.retain(|(owner, _)| owner.strong_count() > 0);
    if open.len() >= OPEN_FILES {
        open.remove(0);
    }
    open.push((Arc::downgrade(path), Arc::clone(&file)));
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn deflate(data: &[u8]) -> (Vec<u8>, u32) {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(data).unwrap();
        let mut crc = flate2::Crc::new();
        crc.update(data);
        (encoder.finish().unwrap(), crc.sum())
    }

    /// An archive with seven bytes of something else, then the member.
    fn archive(data: &[u8]) -> (tempfile::TempDir, Content) {
        let (compressed, crc32) = deflate(data);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a-1-py3-none-any.whl");
        fs_err::write(&path, [b"PK-junk", &compressed[..], b"and more"].concat()).unwrap();
        let member = Member {
            offset: 7,
            compressed_size: compressed.len() as u64,
            size: data.len() as u64,
            crc32,
            method: Method::Deflated,
        };
        (dir, Content::Member { archive: Arc::new(path), member })
    }

    fn with_member(content: &Content, change: impl FnOnce(&mut Member)) -> Content {
        let Content::Member { archive, mut member } = content.clone() else { panic!("a member") };
        change(&mut member);
        Content::Member { archive, member }
    }

    #[test]
    fn a_member_is_inflated_from_its_offset() {
        let data = b"def f(): pass\n".repeat(20_000);
        let (_dir, content) = archive(&data);
        assert_eq!(content.size(), data.len() as u64);
        assert_eq!(content.read().unwrap(), data);
    }

    #[test]
    fn a_member_reads_the_same_in_many_threads() {
        let data = (0..200_000u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>();
        let (_dir, content) = archive(&data);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert!(content.read().unwrap() == data));
            }
        });
    }

    #[test]
    fn a_damaged_member_names_its_archive() {
        let (_dir, content) = archive(&b"text ".repeat(100));
        let damaged = [
            with_member(&content, |member| member.crc32 ^= 1),
            with_member(&content, |member| member.size += 1),
            with_member(&content, |member| member.size -= 1),
            with_member(&content, |member| member.compressed_size -= 2),
            with_member(&content, |member| member.offset -= 1),
            with_member(&content, |member| member.method = Method::Stored),
        ];
        for content in damaged {
            let error = content.read().unwrap_err().to_string();
            assert!(error.contains("a-1-py3-none-any.whl` is damaged"), "{error}");
        }
    }

    #[test]
    fn an_empty_member_is_checked_too() {
        let (_dir, content) = archive(b"");
        assert_eq!(content.read().unwrap(), b"");
        assert!(with_member(&content, |member| member.crc32 = 7).read().is_err());
    }

    #[test]
    fn a_slice_is_that_part_of_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = Arc::new(dir.path().join("cache"));
        fs_err::write(&*path, b"0123456789").unwrap();
        let slice = |offset, size| Content::Slice { path: Arc::clone(&path), offset, size };
        assert_eq!(slice(3, 4).read().unwrap(), b"3456");
        assert!(slice(8, 4).read().unwrap_err().to_string().contains("2 of 4 bytes"));
    }

    #[test]
    fn a_file_that_changed_its_size_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = Arc::new(dir.path().join("app.conf"));
        fs_err::write(&*path, b"key = 1\n").unwrap();
        let content = Content::File { path: Arc::clone(&path), size: 8 };
        assert_eq!(content.read().unwrap(), b"key = 1\n");
        let mut reader = content.open().unwrap();
        fs_err::write(&*path, b"key = 10\n").unwrap();
        let error = reader.read_to_end(&mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("app.conf` changed while it was packed"), "{error}");
        assert!(content.open().is_err());
    }

    #[test]
    fn a_missing_archive_is_named() {
        let path = Arc::new(PathBuf::from("/nowhere/at-all.whl"));
        let error = Content::Slice { path, offset: 0, size: 1 }.read().unwrap_err().to_string();
        assert!(error.contains("/nowhere/at-all.whl"), "{error}");
    }

    #[test]
    fn a_path_that_was_dropped_is_not_mistaken_for_a_new_one() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["first", "other"] {
            let path = dir.path().join("same");
            fs_err::write(dir.path().join("beside"), text).unwrap();
            fs_err::rename(dir.path().join("beside"), &path).unwrap();
            let content = Content::Slice { path: Arc::new(path), offset: 0, size: 5 };
            assert_eq!(content.read().unwrap(), text.as_bytes());
        }
    }
}
