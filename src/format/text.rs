//! Texts of the user made fit for a package's metadata, and what every format asks of paths.

use std::fmt::Write;

use crate::format::Error;
use crate::package::Package;
use crate::stage::EntryKind;

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

/// What cannot be installed is better refused here. And the tools and databases of rpm and dpkg are line-based, and so
/// is the XML of repositories: a file name with a control character breaks them.
///
/// # Errors
/// For the first entry whose path, owner or link target has one, or whose path or name is too long.
pub fn check_paths(package: &Package) -> Result<(), Error> {
    for entry in &package.entries {
        let link = match &entry.kind {
            EntryKind::Symlink(target) => target,
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

/// A value that the package manager does not take, made visible.
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
