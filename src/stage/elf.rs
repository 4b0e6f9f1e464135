//! What a native object is and needs, read the way the dynamic linker does: from program headers and the dynamic
//! segment, never from section headers, which a stripped or patched library need not have.

mod symbols;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use object::Endianness;
use object::elf;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::read::{ReadRef, StringTable};

pub use self::symbols::Symbols;
use super::{ElfFacts, Origin, TargetPath};
use crate::distribution::ToolVersion;

/// How every native object begins.
pub const MAGIC: &[u8] = b"\x7fELF";

/// What is kept of the start of a file that comes in pieces: headers and, in most, all tables.
const HEAD: u64 = 64 * 1024;

/// At least so much is kept around what was asked for.
const GRAIN: u64 = 16 * 1024;

/// A table larger than this is not that of a real library.
const LARGEST: u64 = 16 * 1024 * 1024;

/// `DF_1_PIE` of `DT_FLAGS_1`, in glibc's elf.h: a program and no library.
const POSITION_INDEPENDENT_PROGRAM: u64 = 0x0800_0000;

/// Real libraries have some dozens of entries in their dynamic segment, and of symbol versions at most some hundred.
/// Tables may overlap, so a small file can claim a number that no memory holds.
const MOST: usize = 4096;

/// The longest name of a library, symbol version or search path that is believed (`PATH_MAX`).
const LONGEST: usize = 4096;

/// Facts of a file that is in memory; `None` if it is no sound ELF file, only data that begins like one.
#[must_use]
pub fn parse(bytes: &[u8], path: &TargetPath, origin: &Origin) -> Option<ElfFacts> {
    if !bytes.starts_with(MAGIC) {
        return None;
    }
    read_facts(bytes, bytes, path, origin)
}

fn read_facts<'a, R: ReadRef<'a>>(data: R, head: &[u8], path: &TargetPath, origin: &Origin) -> Option<ElfFacts> {
    let raw = match head.get(4)? {
        1 => Raw::read::<elf::FileHeader32<Endianness>, R>(data)?,
        2 => Raw::read::<elf::FileHeader64<Endianness>, R>(data)?,
        _ => return None,
    };
    let text = |bytes: &[u8]| -> Arc<str> { String::from_utf8_lossy(bytes).into() };
    let needs = raw.version_needs.iter().map(|need| (text(need.file), text(need.name)));
    let version_needs = needs.collect::<Vec<_>>();
    let search_path = raw.runpath.or(raw.rpath).unwrap_or_default();
    Some(ElfFacts {
        path: path.clone(),
        origin: origin.clone(),
        machine: machine(raw.machine, raw.bits, raw.little_endian).into(),
        bits: raw.bits,
        soname: raw.soname.map(text),
        needed: raw.needed.into_iter().map(text).collect(),
        search_path: search_path.split(|byte| *byte == b':').filter(|part| !part.is_empty()).map(text).collect(),
        glibc: version_needs.iter().filter_map(|(_, version)| glibc_version(version)).max(),
        version_needs,
        symbols: raw.symbols,
        executable: raw.executable,
        gnu_hash_only: raw.gnu_hash && !raw.hash,
        x86_level: raw.x86_level,
    })
}

/// Symbol versions that stand for a feature, and the glibc that brought it (its NEWS file).
const GLIBC_FEATURES: &[(&str, ToolVersion)] = &[
    ("GLIBC_ABI_DT_RELR", ToolVersion { major: 2, minor: 36, patch: 0 }),
    ("GLIBC_ABI_GNU2_TLS", ToolVersion { major: 2, minor: 42, patch: 0 }),
    ("GLIBC_ABI_GNU_TLS", ToolVersion { major: 2, minor: 42, patch: 0 }),
];

/// The glibc that has a symbol version: 2.17 for `GLIBC_2.17`. `GLIBC_PRIVATE` and other libraries' are none.
#[must_use]
pub fn glibc_version(symbol_version: &str) -> Option<ToolVersion> {
    let feature = GLIBC_FEATURES.iter().find(|(name, _)| *name == symbol_version).map(|(_, version)| *version);
    feature.or_else(|| ToolVersion::try_from(symbol_version.strip_prefix("GLIBC_")?.to_owned()).ok())
}

/// The machine's name as `uname -m` gives it.
fn machine(machine: elf::Machine, bits: u8, little_endian: bool) -> String {
    let name = match (machine, bits, little_endian) {
        (elf::EM_X86_64, 64, _) => "x86_64",
        (elf::EM_X86_64, _, _) => "x32",
        (elf::EM_386, _, _) => "i686",
        (elf::EM_AARCH64, _, true) => "aarch64",
        (elf::EM_ARM, _, true) => "armv7l",
        (elf::EM_PPC64, _, true) => "ppc64le",
        (elf::EM_PPC64, _, false) => "ppc64",
        (elf::EM_S390, 64, _) => "s390x",
        (elf::EM_RISCV, 64, _) => "riscv64",
        (elf::EM_LOONGARCH, 64, _) => "loongarch64",
        (machine, ..) => return format!("elf-machine-{}", machine.0),
    };
    name.to_owned()
}

/// The facts as they lie in the file.
#[derive(Default)]
struct Raw<'a> {
    machine: elf::Machine,
    bits: u8,
    little_endian: bool,
    executable: bool,
    soname: Option<&'a [u8]>,
    needed: Vec<&'a [u8]>,
    rpath: Option<&'a [u8]>,
    runpath: Option<&'a [u8]>,
    version_needs: Vec<VersionNeed<'a>>,
    symbols: Option<Symbols>,
    gnu_hash: bool,
    hash: bool,
    x86_level: Option<u8>,
}

/// A version that a library must have.
struct VersionNeed<'a> {
    file: &'a [u8],
    name: &'a [u8],
    /// By which the table of symbols names it.
    index: u16,
}

impl<'a> Raw<'a> {
    fn read<Elf: FileHeader<Endian = Endianness>, R: ReadRef<'a>>(data: R) -> Option<Self> {
        let header = Elf::parse(data).ok()?;
        let endian = header.endian().ok()?;
        let segments = header.program_headers(endian, data).ok()?;
        let mut raw = Self {
            machine: header.e_machine(endian),
            bits: if header.is_class_64() { 64 } else { 32 },
            little_endian: header.is_little_endian(),
            executable: segments.iter().any(|segment| segment.p_type(endian) == elf::PT_INTERP),
            ..Self::default()
        };
        for segment in segments {
            raw.read_notes(segment, endian, data);
        }
        if let Some(dynamic) = segments.iter().find_map(|segment| segment.dynamic(endian, data).transpose()) {
            raw.read_dynamic::<Elf, R>(dynamic.ok()?, segments, endian, data)?;
        }
        Some(raw)
    }

    fn read_dynamic<Elf: FileHeader<Endian = Endianness>, R: ReadRef<'a>>(
        &mut self,
        dynamic: &'a [Elf::Dyn],
        segments: &'a [Elf::ProgramHeader],
        endian: Endianness,
        data: R,
    ) -> Option<()> {
        let entries = || {
            let all = dynamic.iter().map(|entry| (entry.tag(endian), entry.val(endian)));
            all.take_while(|(tag, _)| *tag != elf::DT_NULL).take(MOST)
        };
        let value = |wanted: elf::DynamicTag| entries().find(|(tag, _)| *tag == wanted).map(|(_, value)| value);
        let offset_of = |address: u64| {
            let mut loaded = segments.iter().filter(|segment| segment.p_type(endian) == elf::PT_LOAD);
            loaded.find_map(|segment| {
                let into = address.checked_sub(segment.p_vaddr(endian).into())?;
                (into < segment.p_filesz(endian).into()).then(|| segment.p_offset(endian).into() + into)
            })
        };
        self.hash = value(elf::DT_HASH).is_some();
        // A static program at any address relocates itself: whatever tables it has, no dynamic linker reads them.
        let program = value(elf::DT_FLAGS_1).is_some_and(|flags| flags & POSITION_INDEPENDENT_PROGRAM != 0);
        self.gnu_hash = value(elf::DT_GNU_HASH).is_some() && (self.executable || !program);
        // A statically linked program at any address has a dynamic segment with nothing of interest.
        let (Some(address), Some(size)) = (value(elf::DT_STRTAB), value(elf::DT_STRSZ)) else { return Some(()) };
        let start = offset_of(address)?;
        let strings = StringTable::new(data, start, start.checked_add(size)?);
        for (tag, offset) in entries() {
            let Ok(Ok(string)) = u32::try_from(offset).map(|offset| strings.get(offset)) else { continue };
            if string.len() > LONGEST {
                continue;
            }
            match tag {
                elf::DT_NEEDED => self.needed.push(string),
                elf::DT_SONAME => self.soname = Some(string),
                elf::DT_RPATH => self.rpath = Some(string),
                elf::DT_RUNPATH => self.runpath = Some(string),
                _ => {}
            }
        }
        if let (Some(address), Some(count)) = (value(elf::DT_VERNEED), value(elf::DT_VERNEEDNUM)) {
            self.read_version_needs(offset_of(address)?, count, strings, endian, data);
        }
        let nodes = self.version_needs.iter().map(|need| (need.index, need.name)).collect::<BTreeMap<_, _>>();
        let nodes = |index| nodes.get(&index).copied();
        let tables = symbols::Tables { value: &value, offset_of: &offset_of, nodes: &nodes };
        self.symbols = symbols::read::<Elf, R>(&tables, endian, data);
        Some(())
    }

    fn read_version_needs<R: ReadRef<'a>>(
        &mut self,
        mut offset: u64,
        count: u64,
        strings: StringTable<'a, R>,
        endian: Endianness,
        data: R,
    ) {
        let name_at = |offset| strings.get(offset).ok().filter(|name| name.len() <= LONGEST).unwrap_or_default();
        let mut left = MOST;
        for _ in 0..count.min(MOST as u64) {
            let Ok(need) = data.read_at::<elf::Verneed<Endianness>>(offset) else { return };
            let file = name_at(need.vn_file.get(endian));
            let mut at = offset + u64::from(need.vn_aux.get(endian));
            for _ in 0..need.vn_cnt.get(endian) {
                if left == 0 {
                    return;
                }
                left -= 1;
                let Ok(version) = data.read_at::<elf::Vernaux<Endianness>>(at) else { break };
                let name = name_at(version.vna_name.get(endian));
                if !file.is_empty() && !name.is_empty() {
                    let index = version.vna_other.get(endian).0;
                    self.version_needs.push(VersionNeed { file, name, index });
                }
                match version.vna_next.get(endian) {
                    0 => break,
                    next => at += u64::from(next),
                }
            }
            match need.vn_next.get(endian) {
                0 => return,
                next => offset += u64::from(next),
            }
        }
    }

    /// x86-64 psABI, "x86-64 ISA needed": bit 0 is the baseline, bits 1 to 3 are v2 to v4.
    fn read_notes<P, R: ReadRef<'a>>(&mut self, segment: &'a P, endian: Endianness, data: R)
    where
        P: ProgramHeader<Endian = Endianness>,
    {
        let Ok(Some(notes)) = segment.notes(endian, data) else { return };
        for note in notes.flatten() {
            let Some(properties) = note.gnu_properties(endian) else { continue };
            for property in properties.flatten() {
                if property.pr_type() == elf::GNU_PROPERTY_X86_ISA_1_NEEDED
                    && let Ok(bits) = property.data_u32(endian)
                    && bits != 0
                {
                    self.x86_level = u8::try_from(32 - bits.leading_zeros()).ok();
                }
            }
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn named() -> (TargetPath, Origin) {
        (TargetPath::new("/opt/app/lib/x.so").unwrap(), Origin::User)
    }

    fn sparse(bytes: &[u8], chunk: usize) -> (Option<ElfFacts>, u32) {
        let (path, origin) = named();
        let mut sparse = Sparse::new(&path, &origin, bytes.len() as u64);
        bytes.chunks(chunk).for_each(|part| sparse.feed(part));
        let mut rounds = 1;
        while let Some(end) = sparse.another_round() {
            let end = usize::try_from(end).unwrap();
            bytes[..end].chunks(chunk).for_each(|part| sparse.feed(part));
            rounds += 1;
            assert!(rounds < 9, "no end of rounds");
        }
        (sparse.facts(), rounds)
    }

    /// Native objects of this machine: programs, libraries, small and large.
    fn samples() -> Vec<Vec<u8>> {
        let dirs = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/bin"];
        let files = dirs.iter().flat_map(|dir| fs_err::read_dir(dir).into_iter().flatten().flatten());
        let mut paths = files.map(|file| file.path()).filter(|path| path.is_file()).collect::<Vec<_>>();
        paths.sort();
        let elf = |path: &std::path::PathBuf| {
            let bytes = fs_err::read(path).ok()?;
            bytes.starts_with(MAGIC).then_some(bytes)
        };
        paths.iter().filter_map(elf).take(150).collect()
    }

    #[test]
    fn of_a_static_program_no_dynamic_linker_reads_anything() {
        let directory = tempfile::tempdir().unwrap();
        let source = directory.path().join("a.c");
        fs_err::write(&source, "int main(void) { return 0; }\n").unwrap();
        for (options, only) in [(["-static-pie"].as_slice(), false), (&["-pie"], true), (&["-shared", "-fPIC"], true)] {
            let built = directory.path().join("a");
            let command = crate::exec::Command::new("cc").args(options).args(["-Wl,--hash-style=gnu", "-o"]);
            command.arg(&built).arg(&source).run_checked().unwrap();
            let (path, origin) = named();
            let facts = parse(&fs_err::read(built).unwrap(), &path, &origin).unwrap();
            assert_eq!(facts.gnu_hash_only, only, "{options:?}");
        }
    }

    #[test]
    fn a_file_in_pieces_gives_the_same_facts_as_a_whole_one() {
        let (path, origin) = named();
        let samples = samples();
        assert!(samples.len() > 20, "this machine has native programs");
        for bytes in samples {
            let whole = parse(&bytes, &path, &origin);
            assert!(whole.is_some());
            for chunk in [65_536, 1_000_000] {
                let (facts, rounds) = sparse(&bytes, chunk);
                assert_eq!(facts, whole);
                assert!(rounds <= 4, "{rounds} rounds over the file");
            }
        }
    }

    #[test]
    fn data_that_only_begins_like_elf_is_nothing() {
        let (path, origin) = named();
        for junk in [&b"\x7fELF"[..], b"\x7fELF\x02\x01\x01", &[b"\x7fELF\x02\x01\x01", &[0xff; 200_000][..]].concat()]
        {
            assert_eq!(parse(junk, &path, &origin), None);
            assert_eq!(sparse(junk, 4096).0, None);
        }
    }

    #[test]
    fn a_damaged_file_never_ends_in_a_loop() {
        let (path, origin) = named();
        let Some(sample) = samples().into_iter().find(|bytes| bytes.len() > 100_000) else { return };
        for seed in 0..400usize {
            let mut bytes = sample.clone();
            let at = (seed * 7919) % 4096;
            bytes[at] ^= 0xff;
            bytes.truncate(bytes.len() - (seed % 7) * 10_000);
            let _ = parse(&bytes, &path, &origin);
            let _ = sparse(&bytes, 65_536);
        }
    }

    /// A 64-bit object of one segment: `dynamic` and, from 0x1000 on, `data`.
    fn object(dynamic: &[(u64, u64)], data: &[u8]) -> Vec<u8> {
        let table = dynamic.iter().flat_map(|(tag, value)| [tag.to_le_bytes(), value.to_le_bytes()]).flatten();
        let table = table.collect::<Vec<u8>>();
        let at = 0x1000 + data.len() as u64;
        let size = at + table.len() as u64;
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.resize(16, 0);
        let short = |bytes: &mut Vec<u8>, values: &[u16]| bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        let long = |bytes: &mut Vec<u8>, values: &[u64]| bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        short(&mut bytes, &[3, 62, 1, 0]);
        long(&mut bytes, &[0, 64, 0]);
        short(&mut bytes, &[0, 0, 64, 56, 2, 64, 0, 0]);
        for (kind, offset, length) in [(1_u32, 0, size), (2, at, table.len() as u64)] {
            bytes.extend([kind.to_le_bytes(), 6_u32.to_le_bytes()].concat());
            long(&mut bytes, &[offset, offset, offset, length, length, 8]);
        }
        bytes.resize(0x1000, 0);
        bytes.extend(data);
        bytes.extend(table);
        bytes
    }

    /// Tables that overlap: every dynamic entry names the same long string, every symbol version is followed by itself.
    #[test]
    fn tables_that_overlap_do_not_multiply() {
        let (path, origin) = named();
        let text = vec![b'a'; 100_000];
        let mut dynamic = vec![(1, 0); 50_000];
        dynamic.extend([(5, 0x1000), (10, text.len() as u64 + 1), (0, 0)]);
        let facts = parse(&object(&dynamic, &[&text[..], &[0]].concat()), &path, &origin).unwrap();
        assert!(facts.needed.is_empty(), "no library has a name of 100,000 bytes");

        // One `Verneed` after the other, 16 bytes apart, each with 65,535 `Vernaux`: all at its own place.
        let mut need = Vec::new();
        need.extend([1_u16.to_le_bytes(), 0xffff_u16.to_le_bytes()].concat());
        need.extend([1_u32, 16, 16].iter().flat_map(|value| value.to_le_bytes()));
        let needs = need.repeat(4_000);
        let strings = b"\0libc.so.6\0";
        let data = [&strings[..], &[0; 4], &needs].concat();
        let at = 0x1000 + strings.len() as u64 + 4;
        let dynamic =
            [(5, 0x1000), (10, strings.len() as u64), (0x6fff_fffe, at), (0x6fff_ffff, 4_000), (1, 1), (0, 0)];
        let facts = parse(&object(&dynamic, &data), &path, &origin).unwrap();
        assert_eq!(facts.needed.len(), 1, "the object itself is sound");
        assert!(facts.version_needs.len() <= MOST, "{}", facts.version_needs.len());
    }

    /// A string that goes on behind the end of its table is none, whether the file is read whole or in pieces.
    #[test]
    fn a_string_table_ends_where_it_says() {
        let (path, origin) = named();
        let strings = b"\0libc.so.6\0more";
        for length in (0..=strings.len() as u64).chain([1 << 20, 1 << 63, u64::MAX]) {
            let bytes = object(&[(5, 0x1000), (10, length), (1, 1), (0, 0)], strings);
            let whole = parse(&bytes, &path, &origin);
            assert_eq!(sparse(&bytes, 64).0, whole, "a table of {length} bytes");
            let needed = whole.map(|facts| facts.needed.len()).unwrap_or_default();
            assert!(needed == 0 || length > 10, "a table of {length} bytes has no whole name");
        }
    }

    #[test]
    fn symbol_versions_of_glibc_are_ordered_as_numbers() {
        let version = |text: &str| glibc_version(text);
        assert!(version("GLIBC_2.17") > version("GLIBC_2.2.5"));
        assert!(version("GLIBC_ABI_DT_RELR") > version("GLIBC_2.35"));
        assert_eq!(version("GLIBC_PRIVATE"), None);
        assert_eq!(version("GLIBCXX_3.4"), None);
    }
}
