//! Texts of packages on a terminal. Every text in a package is somebody else's: control characters are shown, never sent.

use crate::distribution::PackageFormat;

/// `1.4 MiB`
pub(super) fn human_size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let (mut size, mut unit) = (bytes as f64 / 1024.0, 0);
    while size >= 1023.95 && unit + 1 < units.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1} {}", units.get(unit).copied().unwrap_or_default())
}

/// `text` with every character escaped that could steer a terminal or turn the line around.
pub(super) fn shown(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().map(|c| if steers(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// As [`shown`], tabs as blanks.
pub(super) fn shown_line(line: &str) -> String {
    shown(&line.replace('\t', "    ")).trim_end().to_owned()
}

/// `a file`, `2 files`
pub(super) fn counted(count: usize, word: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {word}{plural}")
}

/// What the format calls a relation of this kind.
pub(super) fn relation_word(format: PackageFormat, kind: &'static str) -> &'static str {
    match (format, kind) {
        (PackageFormat::Deb, "requires") => "Depends",
        (PackageFormat::Deb, "requires-pre") => "Pre-Depends",
        (_, "requires") => "Requires",
        (_, "requires-pre") => "Requires(pre)",
        (_, "recommends") => "Recommends",
        (_, "suggests") => "Suggests",
        (_, "supplements") => "Supplements",
        (_, "enhances") => "Enhances",
        (_, "conflicts") => "Conflicts",
        (_, "breaks") => "Breaks",
        (_, "obsoletes") => "Obsoletes",
        (_, "replaces") => "Replaces",
        (_, "provides") => "Provides",
        (_, other) => other,
    }
}

/// What the format calls a scriptlet of this kind.
pub(super) fn scriptlet_word(format: PackageFormat, kind: &'static str) -> &'static str {
    match (format, kind) {
        (PackageFormat::Deb, "pre") => "preinst",
        (PackageFormat::Deb, "post") => "postinst",
        (PackageFormat::Deb, "preun") => "prerm",
        (PackageFormat::Deb, "postun") => "postrm",
        (_, other) => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_unescaped() {
        assert_eq!(shown("a\u{1b}[2J\r\n\u{202e}b\u{7f}\u{9b}é"), "a\\u{1b}[2J\\r\\n\\u{202e}b\\u{7f}\\u{9b}é");
    }

    #[test]
    fn sizes_are_read_easily() {
        let sizes = [0, 1023, 1024, 1_048_575, 1_048_576, 5_368_709_120, u64::MAX];
        let texts = sizes.map(human_size);
        assert_eq!(texts, ["0 B", "1023 B", "1.0 KiB", "1.0 MiB", "1.0 MiB", "5.0 GiB", "16.0 EiB"]);
    }
}
