//! Reads the payload of any RPM as a stream: cpio's `newc` and `crc` forms, and rpm's own stripped form, which names a
//! file by its number in the header (rpm's `lib/cpio.c`). The `cpio` crate does not know the last one, and rpm's reader
//! is private in the `rpm` crate.

use std::collections::HashMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::rc::Rc;

use rpm::{IndexTag, PackageMetadata};

use super::read::head;
use crate::format::Error;
use crate::format::inspection::{FileKind, Inspection, LONGEST_PATH};
use crate::format::read::collect::{Collector, Contents, Keep};
use crate::format::read::damaged;
use crate::format::read::decompress::{Method, decompress};

const TRAILER: &str = "TRAILER!!!";

/// Digests of all files, and the bytes of those that are to be kept.
///
/// # Errors
/// When the payload cannot be read, or is compressed in a way that is not known.
pub fn read_payload(path: &Path, inspection: &Inspection, keep: Keep) -> Result<Contents, Error> {
    let wrap = |source| Error::ReadPayload { path: path.to_path_buf(), source };
    let head = head(path).map_err(wrap)?;
    let metadata = PackageMetadata::parse(&mut head.as_slice())
        .map_err(|source| Error::Read { path: path.to_path_buf(), source })?;
    let mut file = fs_err::File::open(path).map_err(wrap)?;
    file.seek(SeekFrom::Start(head.len() as u64)).map_err(wrap)?;
    let text = |tag| metadata.header.get_entry_data_as_string(tag).unwrap_or_default();
    let format = text(IndexTag::RPMTAG_PAYLOADFORMAT);
    if !matches!(format, "" | "cpio") {
        return Err(wrap(damaged(format!("it is a `{format}`, and only `cpio` is known"))));
    }
    let reader = plain(file, text(IndexTag::RPMTAG_PAYLOADCOMPRESSOR)).map_err(wrap)?;
    let mut payload = Payload::new(inspection, &metadata, Collector::new(keep));
    payload.read(reader).map_err(wrap)?;
    let is_sha256 = matches!(metadata.get_file_digest_algorithm(), Ok(rpm::DigestAlgorithm::Sha2_256));
    Ok(payload.finish(is_sha256))
}

/// A package without the tag has a payload that is not compressed, or is with gzip: zlib reads both for rpm.
fn plain<'a>(mut file: impl Read + Seek + 'a, name: &str) -> io::Result<Box<dyn Read + 'a>> {
    let mut method =
        Method::of(name).ok_or_else(|| damaged(format!("it is compressed with `{name}`, which is not known")))?;
    if matches!(method, Method::None | Method::Gzip) {
        let mut start = Vec::new();
        file.by_ref().take(2).read_to_end(&mut start)?;
        file.seek(SeekFrom::Current(-(start.len() as i64)))?;
        method = if start == [0x1f, 0x8b] { Method::Gzip } else { Method::None };
    }
    decompress(method, file)
}

struct Payload<'a> {
    inspection: &'a Inspection,
    /// Index of each file by its path without the first slash.
    by_path: HashMap<&'a str, usize>,
    /// Indices of all names of a file that has several, by index; the last one comes with the content.
    links: HashMap<usize, Rc<[usize]>>,
    collector: Collector,
    /// Files whose content has come.
    seen: Vec<bool>,
}

/// One member's header.
enum Head {
    Named { name: String, size: u64 },
    Numbered(usize),
}

impl<'a> Payload<'a> {
    fn new(inspection: &'a Inspection, metadata: &PackageMetadata, collector: Collector) -> Self {
        let files = &inspection.files;
        let by_path = files.iter().enumerate().map(|(index, file)| (relative(&file.path), index)).collect();
        Self { inspection, by_path, links: links(inspection, metadata), collector, seen: vec![false; files.len()] }
    }

    fn read(&mut self, reader: impl Read) -> io::Result<()> {
        let mut reader = Counted { reader, position: 0 };
        loop {
            let (index, size) = match read_head(&mut reader)? {
                Head::Named { name, .. } if name == TRAILER => return Ok(()),
                Head::Named { name, size } => (self.by_path.get(relative(&name)).copied(), size),
                Head::Numbered(index) => (Some(index), self.expected_size(index)?),
            };
            match index.and_then(|index| Some((index, self.inspection.files.get(index)?))) {
                Some((index, file)) if file.kind == FileKind::File && !self.waits_for_content(index, size) => {
                    let mut content = (&mut reader).take(size);
                    self.collector.take(&file.path, size, &mut content)?;
                    if let Some(seen) = self.seen.get_mut(index) {
                        *seen = true;
                    }
                }
                Some(_) => skip(&mut reader, size)?,
                None => return Err(damaged("it has a file that the header does not know")),
            }
            align(&mut reader)?;
        }
    }

    /// Is it a name of a file whose content comes with the last of its names?
    fn waits_for_content(&self, index: usize, size: u64) -> bool {
        size == 0 && self.links.get(&index).is_some_and(|links| links.last() != Some(&index))
    }

    /// Where the payload does not say it (rpm's `lib/rpmfi.c`, `iterReadArchiveNext`).
    fn expected_size(&self, index: usize) -> io::Result<u64> {
        let file = self.inspection.files.get(index).ok_or_else(|| damaged("it has a number that no file has"))?;
        Ok(match file.kind {
            FileKind::File if self.links.get(&index).is_some_and(|links| links.last() != Some(&index)) => 0,
            FileKind::File => file.size,
            FileKind::Symlink => file.link_target.as_ref().map_or(0, String::len) as u64,
            FileKind::Directory | FileKind::Special => 0,
        })
    }

    /// Gives every name of a file the same digest, and says what is not as the header has it.
    fn finish(mut self, is_sha256: bool) -> Contents {
        let contents = &mut self.collector.contents;
        for (index, links) in &self.links {
            let file = links.iter().find(|link| self.seen.get(**link) == Some(&true));
            let digest = file.and_then(|link| self.inspection.files.get(*link));
            let digest = digest.and_then(|file| contents.digests.get(&file.path)).cloned();
            if let (Some(digest), Some(file)) = (digest, self.inspection.files.get(*index)) {
                contents.digests.insert(file.path.clone(), digest);
            }
        }
        for file in self.inspection.files.iter().filter(|file| file.kind == FileKind::File) {
            if file.flags.contains(&"ghost") {
                continue;
            }
            match (contents.digests.get(&file.path), &file.digest) {
                (None, _) => contents.problems.push(format!("{} is not in the payload", file.path)),
                (Some(real), Some(said)) if is_sha256 && real != said => {
                    contents.problems.push(format!("{} has another content than its digest in the header", file.path));
                }
                _ => {}
            }
        }
        self.collector.contents
    }
}

/// `./opt/app`, `/opt/app` and `opt/app` are the same.
fn relative(path: &str) -> &str {
    path.strip_prefix("./").unwrap_or(path).trim_start_matches('/')
}

/// Files with the same inode; those with one name only are left out.
fn links(inspection: &Inspection, metadata: &PackageMetadata) -> HashMap<usize, Rc<[usize]>> {
    let inodes = metadata.header.get_entry_data_as_u32_array(IndexTag::RPMTAG_FILEINODES).unwrap_or_default();
    let mut sets: HashMap<u32, Vec<usize>> = HashMap::new();
    for (index, (file, inode)) in inspection.files.iter().zip(inodes).enumerate() {
        if file.kind == FileKind::File && !file.flags.contains(&"ghost") {
            sets.entry(inode).or_default().push(index);
        }
    }
    let sets = sets.into_values().filter(|links| links.len() > 1);
    let names = |links: Vec<usize>| {
        let shared: Rc<[usize]> = links.as_slice().into();
        links.into_iter().map(move |index| (index, Rc::clone(&shared)))
    };
    sets.flat_map(names).collect()
}

fn read_head(reader: &mut impl Read) -> io::Result<Head> {
    let mut magic = [0; 6];
    reader.read_exact(&mut magic)?;
    match &magic {
        b"07070X" => {
            let index = number(reader)?;
            // 14 bytes, padded to a multiple of four.
            skip(reader, 2)?;
            Ok(Head::Numbered(index as usize))
        }
        b"070701" | b"070702" => {
            let mut fields = [0_u32; 13];
            for field in &mut fields {
                *field = number(reader)?;
            }
            let [_, _, _, _, _, _, size, _, _, _, _, name_size, _] = fields;
            // With its NUL, and what rpm puts before a path.
            if name_size as usize > LONGEST_PATH + 16 || name_size == 0 {
                return Err(damaged("a file has a path longer than Linux allows"));
            }
            let mut name = vec![0; name_size as usize];
            reader.read_exact(&mut name)?;
            name.pop();
            // Header and name together are padded to a multiple of four.
            skip(reader, u64::from((4 - (110 + name_size) % 4) % 4))?;
            Ok(Head::Named { name: String::from_utf8_lossy(&name).into_owned(), size: u64::from(size) })
        }
        _ => Err(damaged("there is no header of cpio where one should be")),
    }
}

/// Eight hexadecimal digits.
fn number(reader: &mut impl Read) -> io::Result<u32> {
    let mut digits = [0; 8];
    reader.read_exact(&mut digits)?;
    let text = std::str::from_utf8(&digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    text.and_then(|text| u32::from_str_radix(text, 16).ok()).ok_or_else(|| damaged("a header of cpio is not sound"))
}

fn skip(reader: &mut impl Read, count: u64) -> io::Result<()> {
    if io::copy(&mut reader.take(count), &mut io::sink())? < count {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

/// Goes to the next multiple of four.
fn align(reader: &mut Counted<impl Read>) -> io::Result<()> {
    let padding = (4 - reader.position % 4) % 4;
    skip(reader, padding)
}

struct Counted<R> {
    reader: R,
    position: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.position += count as u64;
        Ok(count)
    }
}
