//! The package's changelog, read from the project's.
//!
//! Understood is what <https://keepachangelog.com> describes and most projects do: a heading per release that has a
//! version and an ISO date, list items below it. Headings without a date (`Unreleased`) are passed over.

use crate::package::ChangelogEntry;
use crate::plan::BuildPlan;

const DAY: u32 = 86_400;

/// Releases found in `text`, newest first, each with its date at noon UTC (what rpmbuild writes, so that no time zone
/// shows another day).
#[must_use]
pub fn parse(text: &str, maintainer: &str) -> Vec<ChangelogEntry> {
    let mut entries: Vec<ChangelogEntry> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        if is_heading(line) {
            open = false;
            if let Some((version, date)) = release_heading(line) {
                let author = if maintainer.is_empty() { version } else { format!("{maintainer} - {version}") };
                entries.push(ChangelogEntry { date, author, text: String::new() });
                open = true;
            }
        } else if let (true, Some(entry)) = (open, entries.last_mut()) {
            append(entry, line);
        }
    }
    for entry in &mut entries {
        if entry.text.is_empty() {
            "- New release".clone_into(&mut entry.text);
        }
    }
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.date));
    entries
}

/// The one entry of a project without a change log: what was packaged, by whom, on the day of the sources.
#[must_use]
pub fn packaged(plan: &BuildPlan, package: &str) -> ChangelogEntry {
    let author = if plan.maintainer.is_empty() { package } else { &plan.maintainer };
    ChangelogEntry {
        date: noon(plan.source_date),
        author: format!("{author} - {}", plan.evr.full()),
        text: format!("- Package of {} {}", plan.metadata.name, plan.version),
    }
}

/// A sentence for who named a change log that has no release in it which could be read.
///
/// # Errors
/// When the file cannot be read.
pub fn note(plan: &BuildPlan) -> std::io::Result<Option<String>> {
    let Some(path) = &plan.changelog else { return Ok(None) };
    let found = parse(&String::from_utf8_lossy(&fs_err::read(path)?), "");
    Ok(found.is_empty().then(|| {
        format!(
            "no release was found in {}: a heading such as `## 1.0 - 2026-01-31`, with items below it, is one",
            path.display()
        )
    }))
}

fn noon(time: u32) -> u32 {
    (time / DAY * DAY).saturating_add(DAY / 2)
}

fn is_heading(line: &str) -> bool {
    line.starts_with("# ") || line.starts_with("## ")
}

/// Items become `- item`; a line that goes on with an item is indented below it; sub-headings are left out.
fn append(entry: &mut ChangelogEntry, line: &str) {
    let trimmed = line.trim();
    if trimmed.is_empty() || trimmed.starts_with('#') {
        return;
    }
    if !entry.text.is_empty() {
        entry.text.push('\n');
    }
    match trimmed.strip_prefix("- ").or_else(|| trimmed.strip_prefix("* ")) {
        Some(item) => entry.text.push_str(&format!("- {item}")),
        None => entry.text.push_str(&format!("  {trimmed}")),
    }
}

/// `## [1.2.0] - 2024-01-31` gives version and date.
fn release_heading(line: &str) -> Option<(String, u32)> {
    let words = line
        .trim_start_matches('#')
        .split(|c: char| c.is_whitespace() || "[](),".contains(c))
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>();
    let date = words.iter().find_map(|word| parse_date(word))?;
    let version = words
        .iter()
        .map(|word| word.trim_start_matches('v'))
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()) && parse_date(word).is_none())?;
    Some((version.to_owned(), date))
}

/// Seconds since 1970 of noon UTC on an ISO date (days from civil: Howard Hinnant's algorithm).
fn parse_date(word: &str) -> Option<u32> {
    let mut parts = word.splitn(3, '-');
    let year_text = parts.next().filter(|year| year.len() == 4)?;
    let year: i64 = year_text.parse().ok()?;
    let month: i64 = parts.next()?.parse().ok().filter(|month| (1..=12).contains(month))?;
    let day: i64 = parts.next()?.parse().ok().filter(|day| (1..=31).contains(day))?;
    u32::try_from(days(year, month, day) * 86_400 + 43_200).ok()
}

/// Days since 1970 (days from civil: Howard Hinnant's algorithm).
pub(crate) fn days(year: i64, month: i64, day: i64) -> i64 {
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
        // `date -u -d '2024-02-29 12:00' +%s`
        assert_eq!(parse_date("2024-02-29"), Some(1_709_208_000));
        assert_eq!(parse_date("1970-01-01"), Some(43_200));
        assert_eq!(parse_date("2024-13-01"), None);
        assert_eq!(parse_date("1.2.0"), None);
    }

    #[test]
    fn releases_are_read_newest_first_and_the_unreleased_part_is_passed_over() {
        let text = "# Changelog\n\n## [Unreleased]\n- not yet\n\n## [0.9.0] - 2023-05-01\n\n## v1.0.0 (2024-02-29)\n### Added\n- One\n  thing\n* Two\n";
        let entries = parse(text, "A <a@b.c>");
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].author, "A <a@b.c> - 1.0.0");
        assert_eq!(entries[0].text, "- One\n  thing\n- Two");
        assert_eq!(entries[1].text, "- New release");
        assert!(entries[0].date > entries[1].date);
    }
}
