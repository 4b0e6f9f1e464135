//! Small things of the header: tags, digests as text, and texts of the user made fit for it.

use std::fmt::Write;

use rpm::{HeaderEntry, IndexData, IndexTag};

use crate::format::Error;
use crate::package::Package;

pub fn entry(tag: IndexTag, data: IndexData) -> HeaderEntry {
    HeaderEntry::new(tag as u32, data)
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// One line: all white space is a single space, control characters are gone.
pub fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// Lines end with `\n` only; other control characters but the tab are gone, as is white space at the end.
pub fn many_lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.trim_end().chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

/// Bytes of a path and of its last part, as Linux allows them (`PATH_MAX` less the NUL at the end, `NAME_MAX`).
const LONGEST_PATH: usize = 4095;
const LONGEST_NAME: usize = 255;

/// What cannot be installed is better refused here. And rpm's tools are line-based, and so is the XML of repositories: a file name with a control character breaks them.
///
/// # Errors
/// For the first entry whose path, owner or link target has one, or whose path or name is too long.
pub fn check_paths(package: &Package) -> Result<(), Error> {
    for entry in &package.entries {
        let link = match &entry.kind {
            crate::stage::EntryKind::Symlink(target) => target,
            _ => "",
        };
        let fields =
            [("path", entry.path.as_str()), ("owner", &entry.owner), ("group", &entry.group), ("link target", link)];
        for (field, value) in fields {
            if value.chars().any(char::is_control) {
                return Err(wrong(package, field, value, "has a control character"));
            }
        }
        if entry.path.as_str().len() > LONGEST_PATH || entry.path.file_name().len() > LONGEST_NAME {
            return Err(wrong(package, "path", entry.path.as_str(), "is longer than Linux allows"));
        }
        if entry.path.file_name().is_empty() {
            return Err(wrong(package, "path", entry.path.as_str(), "belongs to no package"));
        }
    }
    Ok(())
}

/// The architecture is part of the file name, and the user's restrictions must let it pass (as in rpmbuild; a package
/// for no architecture passes all of them).
///
/// # Errors
/// When it is no word, or is excluded; or when Linux is.
pub fn check_architecture(package: &Package) -> Result<(), Error> {
    let name = super::architecture(package);
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(wrong(package, "architecture", name, "is no word of letters, digits and `_`"));
    }
    let rpm = &package.rpm;
    let passes = |value: &str, excluded: &[String], exclusive: &[String]| {
        let listed = |list: &[String]| list.iter().any(|item| item == value);
        !listed(excluded) && (exclusive.is_empty() || listed(exclusive))
    };
    if name != "noarch" && !passes(name, &rpm.exclude_arch, &rpm.exclusive_arch) {
        return Err(wrong(package, "architecture", name, "is excluded by `exclude-arch` or `exclusive-arch`"));
    }
    if !passes("linux", &rpm.exclude_os, &rpm.exclusive_os) {
        return Err(wrong(package, "system", "linux", "is excluded by `exclude-os` or `exclusive-os`"));
    }
    Ok(())
}

pub fn wrong(package: &Package, field: &'static str, value: &str, problem: &str) -> Error {
    Error::Field {
        package: package.name.clone(),
        field,
        value: value.escape_debug().to_string(),
        problem: problem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(one_line("  a\r\n b\t\u{1b}[2Jc\0\u{85}d "), "a b [2Jc d");
    }

    #[test]
    fn lines_end_in_one_way_and_steer_nothing() {
        assert_eq!(many_lines("a\r\n\tb\rc\u{1b}[2J\0\n\n"), "a\n\tb\nc[2J");
    }

    #[test]
    fn digests_are_lower_case_hex() {
        assert_eq!(hex(&[0, 0x1f, 0xff]), "001fff");
    }
}
