//! The symbols that a native object takes from its libraries, read from the dynamic symbol table.

use std::sync::Arc;

use object::elf;
use object::pod::Pod;
use object::read::ReadRef;
use object::read::elf::{FileHeader, Sym};
use object::{Endianness, U16};

use super::LONGEST;

/// The symbols of larger tables are not read: what they need is then told from the versions that the object names.
const LARGEST: u64 = 8 * 1024 * 1024;

/// Of so many bytes of names no real object takes symbols. Names may overlap, so a small file can claim any number.
const MOST: usize = 2 * 1024 * 1024;

/// The tables that can follow the symbol table, whose own length no entry of the dynamic segment tells.
const TABLES: [elf::DynamicTag; 14] = [
    elf::DT_STRTAB,
    elf::DT_HASH,
    elf::DT_GNU_HASH,
    elf::DT_VERSYM,
    elf::DT_VERDEF,
    elf::DT_VERNEED,
    elf::DT_RELA,
    elf::DT_REL,
    elf::DT_RELR,
    elf::DT_JMPREL,
    elf::DT_INIT,
    elf::DT_INIT_ARRAY,
    elf::DT_FINI_ARRAY,
    elf::DT_PLTGOT,
];

/// The symbols that an object takes from others, with the version node that the linker has bound them to.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Symbols(Arc<str>);

impl Symbols {
    /// Name, and version node if it has one: (`memcpy`, `GLIBC_2.14`).
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.split_terminator('\0').map(|symbol| match symbol.split_once('@') {
            Some((name, node)) => (name, Some(node)),
            None => (symbol, None),
        })
    }
}

impl<'a> FromIterator<(&'a str, Option<&'a str>)> for Symbols {
    fn from_iter<T: IntoIterator<Item = (&'a str, Option<&'a str>)>>(symbols: T) -> Self {
        let mut text = String::new();
        for (name, node) in symbols {
            text.push_str(name);
            if let Some(node) = node {
                text.push('@');
                text.push_str(node);
            }
            text.push('\0');
        }
        Self(text.into())
    }
}

impl std::fmt::Debug for Symbols {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

/// What the dynamic segment says of where things lie.
pub(super) struct Tables<'t> {
    /// The value of an entry.
    pub value: &'t dyn Fn(elf::DynamicTag) -> Option<u64>,
    /// Where in the file an address is.
    pub offset_of: &'t dyn Fn(u64) -> Option<u64>,
    /// Index of a symbol version to its name.
    pub nodes: &'t dyn Fn(u16) -> Option<&'t [u8]>,
}

/// The undefined symbols; `None` where the tables are damaged or too large to be kept.
pub(super) fn read<'a, Elf, R>(tables: &Tables<'_>, endian: Endianness, data: R) -> Option<Symbols>
where
    Elf: FileHeader<Endian = Endianness>,
    Elf::Sym: Pod,
    R: ReadRef<'a>,
{
    let address = (tables.value)(elf::DT_SYMTAB)?;
    let start = (tables.offset_of)(address)?;
    let (strings, strings_size) = ((tables.value)(elf::DT_STRTAB)?, (tables.value)(elf::DT_STRSZ)?);
    let count = count::<Elf, R>(tables, address, endian, data)?;
    let size = count.checked_mul(size_of::<Elf::Sym>() as u64)?;
    if size.checked_add(strings_size)? > LARGEST {
        return None;
    }
    let count = usize::try_from(count).ok()?;
    let symbols = data.read_slice_at::<Elf::Sym>(start, count);
    let names = data.read_bytes_at((tables.offset_of)(strings)?, strings_size);
    let versions = (tables.value)(elf::DT_VERSYM).and_then(tables.offset_of);
    // All at once: each miss in a file that comes in pieces costs another round.
    let versions = versions.map(|offset| data.read_slice_at::<U16<Endianness>>(offset, count)).transpose();
    let (symbols, names, versions) = (symbols.ok()?, names.ok()?, versions.ok()?.unwrap_or_default());
    let mut text = String::new();
    for (index, symbol) in symbols.iter().enumerate() {
        let Some(name) = name_at(names, symbol.st_name(endian)) else { continue };
        if !symbol.is_undefined(endian) || text.len() > MOST {
            continue;
        }
        text.push_str(&String::from_utf8_lossy(name));
        let version = versions.get(index).map_or(0, |version| version.get(endian) & 0x7fff);
        if let Some(node) = (tables.nodes)(version) {
            text.push('@');
            text.push_str(&String::from_utf8_lossy(node));
        }
        text.push('\0');
    }
    Some(Symbols(text.into()))
}

fn name_at(names: &[u8], offset: u32) -> Option<&[u8]> {
    let rest = names.get(usize::try_from(offset).ok()?..)?;
    let name = rest.get(..memchr::memchr(0, rest)?)?;
    (!name.is_empty() && name.len() <= LONGEST).then_some(name)
}

/// How many symbols to read: a GNU hash table lists only those that are defined, and these come last. Without one the old
/// hash table has an entry for each symbol. An empty GNU hash table says nothing; then the table goes on until the next.
fn count<'a, Elf, R>(tables: &Tables<'_>, address: u64, endian: Endianness, data: R) -> Option<u64>
where
    Elf: FileHeader<Endian = Endianness>,
    R: ReadRef<'a>,
{
    let table = |tag| (tables.value)(tag).and_then(tables.offset_of);
    if let Some(offset) = table(elf::DT_GNU_HASH) {
        let header = data.read_at::<elf::GnuHashHeader<Endianness>>(offset).ok()?;
        let defined_from = header.symbol_base.get(endian);
        if defined_from > 1 {
            return Some(defined_from.into());
        }
    }
    if let Some(offset) = table(elf::DT_HASH) {
        let header = data.read_at::<elf::HashHeader<Endianness>>(offset).ok()?;
        return Some(header.chain_count.get(endian).into());
    }
    let addresses = TABLES.iter().filter_map(|tag| (tables.value)(*tag));
    let next = addresses.filter(|next| *next > address).min()?;
    Some((next - address) / size_of::<Elf::Sym>() as u64)
}
