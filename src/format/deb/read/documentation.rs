//! What is known from `/usr/share/doc/<package>`: the licences of `copyright`, and the changelog.

use std::io::Read;

use deb822_fast::Deb822;

use crate::format::inspection::Change;
use crate::format::read::collect::Contents;
use crate::format::read::text_of;

/// Of a changelog that is not compressed any more, in bytes.
const LONGEST_CHANGELOG: u64 = 8 << 20;

/// Short names of all licences in a machine-readable `copyright` (DEP 5), each once, in its order. Empty when it is
/// written for people only.
pub fn licenses(package: &str, contents: &Contents) -> String {
    let Some(bytes) = contents.kept.get(&format!("/usr/share/doc/{package}/copyright")) else { return String::new() };
    let Ok(copyright) = text_of(bytes).parse::<Deb822>() else { return String::new() };
    let mut names: Vec<String> = Vec::new();
    let mut paragraphs = copyright.iter();
    if paragraphs.next().and_then(|head| head.get("Format")).is_none() {
        return String::new();
    }
    for paragraph in copyright.iter() {
        let name = paragraph.get("License").and_then(|license| license.lines().next()).unwrap_or_default().trim();
        if !name.is_empty() && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names.join(", ")
}

/// Entries of the Debian changelog, newest first; of a native package its `changelog` is that.
pub fn changelog(package: &str, contents: &Contents) -> Vec<Change> {
    let names = ["changelog.Debian.gz", "changelog.Debian", "changelog.gz", "changelog"];
    let mut found = names.iter().filter_map(|name| {
        let path = format!("/usr/share/doc/{package}/{name}");
        contents.kept.get(&path).map(|bytes| (name.ends_with(".gz"), bytes))
    });
    let Some((is_compressed, bytes)) = found.next() else { return Vec::new() };
    if !is_compressed {
        return parse(&text_of(bytes));
    }
    let mut text = Vec::new();
    let reader = flate2::read::MultiGzDecoder::new(bytes.as_slice());
    match reader.take(LONGEST_CHANGELOG).read_to_end(&mut text) {
        Ok(_) => parse(&text_of(&text)),
        Err(_) => Vec::new(),
    }
}

/// deb-changelog(5): `package (version) distributions; metadata`, indented changes, ` -- maintainer  date`.
fn parse(text: &str) -> Vec<Change> {
    let mut entries = Vec::new();
    let mut version = None;
    let mut body = String::new();
    for line in text.lines() {
        if let Some((author, date)) = line.strip_prefix(" -- ").and_then(|line| line.split_once("  ")) {
            if let (Some(version), Some(date)) = (version.take(), rfc_2822(date)) {
                let text = body.trim_matches('\n').to_owned();
                entries.push(Change { date, author: format!("{author} - {version}"), text });
            }
            body.clear();
        } else if let Some(named) = heading(line) {
            version = Some(named.to_owned());
            body.clear();
        } else {
            body.push_str(line.strip_prefix("  ").unwrap_or(line).trim_end());
            body.push('\n');
        }
    }
    entries
}

/// The version in the first line of an entry.
fn heading(line: &str) -> Option<&str> {
    if line.starts_with(char::is_whitespace) || !line.contains(';') {
        return None;
    }
    let (_, rest) = line.split_once(" (")?;
    rest.split_once(')').map(|(version, _)| version)
}

/// Seconds since 1970 of `Wed, 01 Jan 2020 00:00:00 +0100`.
fn rfc_2822(date: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let date = date.split_once(',').map_or(date, |(_, date)| date);
    let mut words = date.split_whitespace();
    let day: i64 = words.next()?.parse().ok().filter(|day| (1..=31).contains(day))?;
    let word = words.next()?;
    let month = MONTHS.iter().position(|name| *name == word)? as i64 + 1;
    let year: i64 = words.next()?.parse().ok().filter(|year| (1970..=9999).contains(year))?;
    let mut clock = words.next()?.split(':').map(|number| number.parse::<i64>().ok().filter(|n| (0..=60).contains(n)));
    let (hour, minute) = (clock.next()??, clock.next()??);
    let second = clock.next().unwrap_or(Some(0))?;
    let zone: i64 = words.next().unwrap_or("+0000").parse().ok().filter(|zone| (-2400..=2400).contains(zone))?;
    let east = (zone / 100) * 3600 + (zone % 100) * 60;
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - east;
    u64::try_from(seconds).ok()
}

/// Days since 1970 (days from civil: Howard Hinnant's algorithm).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(rfc_2822("Thu, 01 Jan 1970 00:00:00 +0000"), Some(0));
        assert_eq!(rfc_2822("Tue, 02 Jan 2024 03:04:05 +0000"), Some(1_704_164_645));
        assert_eq!(rfc_2822("Tue, 02 Jan 2024 04:34:05 +0130"), Some(1_704_164_645));
        assert_eq!(rfc_2822("Mon,  1 Jan 2024 22:04:05 -0500"), Some(1_704_164_645));
        for wrong in ["", "yesterday", "Tue, 99 Jan 2024 00:00:00 +0000", "Thu, 01 Jan 1970 00:00:00 +2400"] {
            assert_eq!(rfc_2822(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn entries_have_author_version_and_text() {
        let text = "app (1:1.0-2) unstable; urgency=low\n\n  * One.\n    more\n\n -- A <a@b.c>  Tue, 02 Jan 2024 03:04:05 +0000\n\n\
                    app (1.0-1) unstable; urgency=low\n\n  * Two.\n\n -- A <a@b.c>  Thu, 01 Jan 1970 00:00:01 +0000\n";
        let entries = parse(text);
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].author, "A <a@b.c> - 1:1.0-2");
        assert_eq!((entries[0].date, entries[0].text.as_str()), (1_704_164_645, "* One.\n  more"));
        assert_eq!((entries[1].date, entries[1].text.as_str()), (1, "* Two."));
    }
}
