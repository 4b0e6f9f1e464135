//! What a native object is and needs, read the way the dynamic linker does: from program headers and the dynamic
//! segment, never from section headers, which a stripped or patched library need not have.

mod notes;
mod sparse;
mod symbols;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use object::Endianness;
use object::elf;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::read::{ReadRef, StringTable};

pub use self::sparse::Sparse;
pub use self::symbols::Symbols;
use super::{ElfFacts, Origin, TargetPath};
use crate::distribution::ToolVersion;

/// How every native object begins.
pub const MAGIC: &[u8] = b"\x7fELF";

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
        raw.x86_level = match raw.machine {
            elf::EM_X86_64 => notes::x86_level::<Elf, R>(segments, endian, data),
            _ => None,
        };
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
}
