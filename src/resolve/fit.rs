//! Does what was compiled here run on the target's C and C++ libraries?

use std::io::Read;
use std::path::Path;

use fs_err as fs;
use object::Endianness;
use object::elf::{FileHeader32, FileHeader64};
use object::read::elf::FileHeader;

use super::build::Built;
use super::target::Target;
use crate::distribution::ToolVersion;

/// The last number of the newest `GLIBCXX_3.4.N` that every distribution with a glibc of at least `2.MINOR` has: what PEP 600
/// lets wheels need (<https://github.com/pypa/auditwheel>, `manylinux-policy.json`).
const CXX_OF_GLIBC: [(u32, u32); 11] =
    [(5, 8), (12, 13), (17, 19), (24, 22), (27, 24), (31, 28), (34, 29), (35, 30), (39, 33), (40, 33), (41, 33)];

/// The newest versions that ELF files ask for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Needs {
    /// `GLIBC_2.34`
    glibc: Option<ToolVersion>,
    /// The last number of `GLIBCXX_3.4.29`, of libstdc++.
    cxx: Option<u32>,
}

impl Needs {
    fn and(self, other: Self) -> Self {
        Self { glibc: self.glibc.max(other.glibc), cxx: self.cxx.max(other.cxx) }
    }
}

/// What the extensions of a wheel need that is newer than what the target has: `glibc 2.38`. What cannot be read is left to
/// the gates.
pub(super) fn too_new(built: &Built, target: &Target) -> Option<String> {
    if built.file_name.ends_with("-any.whl") {
        return None;
    }
    let mut archive = zip::ZipArchive::new(fs::File::open(&built.path).ok()?).ok()?;
    let mut needs = Needs::default();
    for index in 0..archive.len() {
        let Ok(mut member) = archive.by_index(index) else { continue };
        let mut bytes = Vec::new();
        if member.read_to_end(&mut bytes).is_ok() {
            needs = needs.and(of_file(&bytes));
        }
    }
    beyond(needs, target.glibc)
}

fn beyond(needs: Needs, glibc: ToolVersion) -> Option<String> {
    if let Some(needed) = needs.glibc.filter(|needed| *needed > glibc) {
        return Some(format!("glibc {needed}"));
    }
    let offered = CXX_OF_GLIBC.iter().rev().find(|(minor, _)| (2, *minor) <= (glibc.major, glibc.minor));
    // Of a glibc that is newer than the list, nothing is known.
    let known = CXX_OF_GLIBC.last().is_some_and(|(minor, _)| (glibc.major, glibc.minor) <= (2, *minor));
    let (needed, (_, offered)) = needs.cxx.zip(offered)?;
    (known && needed > *offered).then(|| format!("GLIBCXX_3.4.{needed} of libstdc++"))
}

/// Does a wheel bring anything that was compiled?
pub(super) fn has_libraries(wheel: &Path) -> bool {
    let archive = fs::File::open(wheel).ok().and_then(|file| zip::ZipArchive::new(file).ok());
    archive.is_some_and(|archive| {
        archive.file_names().flatten().any(|name| name.ends_with(".so") || name.contains(".so."))
    })
}

fn of_file(bytes: &[u8]) -> Needs {
    let needs = match bytes.get(..5) {
        Some(b"\x7fELF\x01") => of_elf::<FileHeader32<Endianness>>(bytes),
        Some(b"\x7fELF\x02") => of_elf::<FileHeader64<Endianness>>(bytes),
        _ => None,
    };
    needs.unwrap_or_default()
}

fn of_elf<H: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Option<Needs> {
    let header = H::parse(bytes).ok()?;
    let endian = header.endian().ok()?;
    let sections = header.sections(endian, bytes).ok()?;
    let (mut files, link) = sections.gnu_verneed(endian, bytes).ok()??;
    let strings = sections.strings(endian, bytes, link).ok()?;
    let mut needs = Needs::default();
    while let Ok(Some((_, mut versions))) = files.next() {
        while let Ok(Some(version)) = versions.next() {
            let name = version.name(endian, strings).ok().and_then(|name| std::str::from_utf8(name).ok());
            let after = |prefix| name.and_then(|name| name.strip_prefix(prefix));
            let glibc = after("GLIBC_").and_then(|number| ToolVersion::try_from(number.to_owned()).ok());
            let cxx = after("GLIBCXX_3.4.").and_then(|number| number.parse().ok());
            needs = needs.and(Needs { glibc, cxx });
        }
    }
    Some(needs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Command;

    fn version(text: &str) -> ToolVersion {
        ToolVersion::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn what_a_program_of_this_machine_needs_is_read() {
        let bytes = fs::read(std::env::current_exe().unwrap()).unwrap();
        let found = of_file(&bytes).glibc.unwrap();
        assert!((found.major, found.minor) >= (2, 3), "{found}");
        assert_eq!(of_file(b"\x7fELF\x02 and no more"), Needs::default());
        assert_eq!(of_file(b"text"), Needs::default());
    }

    #[test]
    fn the_c_plus_plus_library_counts_too() {
        let directory = tempfile::tempdir().unwrap();
        // In libstdc++ since GCC 11.
        let source = "#include <charconv>\nextern \"C\" double f(const char *a, const char *b) { double x = 0; \
                      std::from_chars(a, b, x); return x; }\n";
        fs::write(directory.path().join("f.cc"), source).unwrap();
        let compile = Command::new("g++").args(["-std=c++17", "-shared", "-fPIC", "-o", "f.so", "f.cc"]);
        compile.dir(directory.path()).run_checked().unwrap();
        let needs = of_file(&fs::read(directory.path().join("f.so")).unwrap());
        assert_eq!(needs.cxx, Some(29));
        let alone = Needs { glibc: None, ..needs };
        assert_eq!(beyond(alone, version("2.31")).as_deref(), Some("GLIBCXX_3.4.29 of libstdc++"));
        assert_eq!([beyond(alone, version("2.34")), beyond(alone, version("2.99"))], [None, None]);
        let newer = Needs { glibc: Some(version("2.34")), cxx: None };
        assert_eq!(beyond(newer, version("2.31")).as_deref(), Some("glibc 2.34"));
    }
}
