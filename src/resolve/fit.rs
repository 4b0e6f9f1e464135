//! Does what was compiled here run on the target's C library?

use std::io::Read;
use std::path::Path;

use fs_err as fs;
use object::Endianness;
use object::elf::{FileHeader32, FileHeader64};
use object::read::elf::FileHeader;

use super::build::Built;
use super::target::Target;
use crate::distribution::ToolVersion;

/// The glibc that the extensions of a wheel need, when it is newer than the target's. What cannot be read is left to
/// the gates.
pub(super) fn too_new(built: &Built, target: &Target) -> Option<ToolVersion> {
    if built.file_name.ends_with("-any.whl") {
        return None;
    }
    let mut archive = zip::ZipArchive::new(fs::File::open(&built.path).ok()?).ok()?;
    let mut newest = None;
    for index in 0..archive.len() {
        let Ok(mut member) = archive.by_index(index) else { continue };
        let mut bytes = Vec::new();
        if member.read_to_end(&mut bytes).is_ok() {
            newest = newest.max(glibc(&bytes));
        }
    }
    newest.filter(|version| *version > target.glibc)
}

/// Does a wheel bring anything that was compiled?
pub(super) fn has_libraries(wheel: &Path) -> bool {
    let archive = fs::File::open(wheel).ok().and_then(|file| zip::ZipArchive::new(file).ok());
    archive.is_some_and(|archive| {
        archive.file_names().flatten().any(|name| name.ends_with(".so") || name.contains(".so."))
    })
}

/// The newest `GLIBC_2.34` that an ELF file asks for.
fn glibc(bytes: &[u8]) -> Option<ToolVersion> {
    match bytes.get(..5)? {
        b"\x7fELF\x01" => needs::<FileHeader32<Endianness>>(bytes),
        b"\x7fELF\x02" => needs::<FileHeader64<Endianness>>(bytes),
        _ => None,
    }
}

fn needs<H: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Option<ToolVersion> {
    let header = H::parse(bytes).ok()?;
    let endian = header.endian().ok()?;
    let sections = header.sections(endian, bytes).ok()?;
    let (mut needs, link) = sections.gnu_verneed(endian, bytes).ok()??;
    let strings = sections.strings(endian, bytes, link).ok()?;
    let mut newest = None;
    while let Ok(Some((_, mut versions))) = needs.next() {
        while let Ok(Some(version)) = versions.next() {
            let name = version.name(endian, strings).ok().and_then(|name| std::str::from_utf8(name).ok());
            let number = name.and_then(|name| name.strip_prefix("GLIBC_")).map(str::to_owned);
            newest = newest.max(number.and_then(|number| ToolVersion::try_from(number).ok()));
        }
    }
    newest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_glibc_of_a_program_of_this_machine_is_read() {
        let bytes = fs::read(std::env::current_exe().unwrap()).unwrap();
        let found = glibc(&bytes).unwrap();
        assert!((found.major, found.minor) >= (2, 3), "{found}");
        assert_eq!(glibc(b"\x7fELF\x02 and no more"), None);
        assert_eq!(glibc(b"text"), None);
    }
}
