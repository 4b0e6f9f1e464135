//! What the notes of a native object say of the processor that it needs: GNU properties of x86 (x86-64 psABI, "Program
//! Property"; binutils, `include/elf/common.h`).
//!
//! They lie in segments of the kinds `PT_GNU_PROPERTY` and `PT_NOTE`, where glibc looks for them since 2.33 before it loads
//! an object. The linker writes them when told so (`-z x86-64-v3`), or when what it links has them (GCC's `-mneeded`): most
//! objects have none, whatever is in them. For ARM there is nothing like it: `GNU_PROPERTY_AARCH64_FEATURE_1_AND` says which
//! protections of the control flow an object can do with, not what it needs.

use std::collections::BTreeSet;

use object::Endianness;
use object::elf;
use object::read::ReadRef;
use object::read::elf::{FileHeader, NoteIterator, ProgramHeader};

/// Segments of notes are some hundred bytes. What claims more is not read: it could make a small file slow to look at.
const LARGEST: u64 = 64 * 1024;

/// Segments may overlap; no linker writes more than some.
const MOST_SEGMENTS: usize = 64;

/// What binutils 2.29 to 2.35 wrote instead of the levels, one bit for each instruction set.
const COMPAT_ISA_1_NEEDED: elf::GnuPropertyType = elf::GnuPropertyType(0xc000_0001);
const COMPAT_2_ISA_1_NEEDED: elf::GnuPropertyType = elf::GnuPropertyType(0xc000_8000);

/// The highest level of x86-64 that any property asks for; `None` where no property asks for one. Above 4 are levels that
/// the psABI does not have yet.
pub(super) fn x86_level<'data, Elf, R>(segments: &[Elf::ProgramHeader], endian: Endianness, data: R) -> Option<u8>
where
    Elf: FileHeader<Endian = Endianness>,
    R: ReadRef<'data>,
{
    let kinds = [elf::PT_GNU_PROPERTY, elf::PT_NOTE];
    let noted = segments.iter().filter(|segment| kinds.contains(&segment.p_type(endian)));
    let mut seen = BTreeSet::new();
    let levels = noted.take(MOST_SEGMENTS).filter_map(|segment| {
        let (offset, size): (u64, u64) = (segment.p_offset(endian).into(), segment.p_filesz(endian).into());
        // Linkers give the same bytes both kinds.
        if size > LARGEST || !seen.insert((offset, size)) {
            return None;
        }
        let bytes = data.read_bytes_at(offset, size).ok()?;
        level_of_notes(NoteIterator::<Elf>::new(endian, segment.p_align(endian), bytes).ok()?, endian)
    });
    levels.max()
}

fn level_of_notes<Elf: FileHeader<Endian = Endianness>>(
    notes: NoteIterator<'_, Elf>,
    endian: Endianness,
) -> Option<u8> {
    let properties = notes.map_while(Result::ok).filter_map(|note| note.gnu_properties(endian));
    let properties = properties.flat_map(|properties| properties.map_while(Result::ok));
    let levels = properties.filter_map(|property| {
        let bits = property.data_u32(endian).ok().filter(|_| property.pr_data().len() == 4)?;
        level(property.pr_type(), bits)
    });
    levels.max()
}

/// The level that the bits of a property ask for.
fn level(property: elf::GnuPropertyType, bits: u32) -> Option<u8> {
    let (sse3, avx, avx512) = match property {
        elf::GNU_PROPERTY_X86_ISA_1_NEEDED => {
            return u8::try_from(32 - bits.leading_zeros()).ok().filter(|top| *top > 0);
        }
        COMPAT_ISA_1_NEEDED => (5, 9, 11),
        COMPAT_2_ISA_1_NEEDED => (3, 7, 10),
        _ => return None,
    };
    (bits != 0).then_some(match bits {
        _ if bits >> avx512 != 0 => 4,
        _ if bits >> avx != 0 => 3,
        _ if bits >> sse3 != 0 => 2,
        _ => 1,
    })
}
