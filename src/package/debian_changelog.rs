//! `changelog.Debian.gz`: the package's changelog in the form that dpkg-parsechangelog(1) and apt-listchanges read
//! (Debian policy, 4.4 and 12.7).

use std::str::FromStr;

use pep440_rs::Version;
use serde::Serialize;

use crate::package::{ChangelogEntry, Error};
use crate::plan::{self, BuildPlan, EvrSettings};
use crate::project::VersionScheme;

const DAY: u32 = 86_400;
/// Columns of a line (lintian, `debian-changelog-line-too-long`).
const COLUMNS: usize = 80;

#[derive(Debug, Serialize)]
struct Release<'a> {
    version: String,
    lines: Vec<String>,
    maintainer: &'a str,
    date: String,
}

#[derive(Debug, Serialize)]
struct Context<'a> {
    package: &'a str,
    suite: &'a str,
    releases: Vec<Release<'a>>,
}

/// The file, uncompressed. Its first entry is about what is packaged, whatever the project's change log begins with:
/// the version of a package is the version of its changelog.
///
/// # Errors
/// When the template is not sound, which is a mistake in omnipack.
pub fn render(plan: &BuildPlan, package: &str, changelog: &[ChangelogEntry]) -> Result<String, Error> {
    let scheme = if plan.evr.version.contains('~') { VersionScheme::Tilde } else { VersionScheme::default() };
    written(plan, package, Target { suite: &plan.distribution.name, scheme }, changelog)
}

/// Where the file goes to.
#[derive(Clone, Copy)]
struct Target<'a> {
    suite: &'a str,
    scheme: VersionScheme,
}

/// As [`render`], of a source package for the suite of that name: pre-releases have their mark in the version.
///
/// # Errors
/// As [`render`].
pub fn render_for(plan: &BuildPlan, package: &str, suite: &str, changelog: &[ChangelogEntry]) -> Result<String, Error> {
    written(plan, package, Target { suite, scheme: VersionScheme::Tilde }, changelog)
}

fn written(plan: &BuildPlan, package: &str, target: Target<'_>, changelog: &[ChangelogEntry]) -> Result<String, Error> {
    let Target { suite, scheme } = target;
    let versions = Versions::new(plan, scheme);
    let mut releases = changelog.iter().map(|entry| release(plan, &versions, entry)).collect::<Vec<_>>();
    if releases.first().is_none_or(|first| first.version != plan.evr.full()) {
        let newest = changelog.iter().map(|entry| entry.date).max().unwrap_or(0);
        let packaged = super::changelog::packaged(plan, package);
        releases.retain(|release| release.version != plan.evr.full());
        let date = newest.max(packaged.date);
        releases.insert(0, release(plan, &versions, &ChangelogEntry { date, ..packaged }));
    }
    let context = Context { package, suite, releases };
    let template = include_str!("../../templates/debian/changelog");
    Ok(crate::template::render("changelog", template, context)?)
}

fn release<'a>(plan: &'a BuildPlan, versions: &Versions<'_>, entry: &ChangelogEntry) -> Release<'a> {
    Release {
        version: versions.of(entry.author.rsplit(" - ").next().unwrap_or_default()),
        lines: entry.text.lines().flat_map(lines).collect(),
        maintainer: &plan.maintainer,
        date: date(entry.date),
    }
}

/// Versions of the project's change log as those of packages.
struct Versions<'a> {
    plan: &'a BuildPlan,
    scheme: VersionScheme,
    packaged: Option<Version>,
}

impl<'a> Versions<'a> {
    fn new(plan: &'a BuildPlan, scheme: VersionScheme) -> Self {
        Self { plan, scheme, packaged: Version::from_str(&plan.version).ok() }
    }

    fn of(&self, text: &str) -> String {
        let current = self.plan.evr.full();
        // As it stands where there is no change log. `1.0-1` would be read as 1.0.post1.
        if text == current {
            return current;
        }
        let Ok(version) = Version::from_str(text) else {
            let allowed = |c: char| c.is_ascii_alphanumeric() || ".+~".contains(c);
            return format!("{}-1", text.replace(|c: char| !allowed(c), "."));
        };
        let Some(packaged) = self.packaged.as_ref().filter(|packaged| **packaged != version) else { return current };
        let own_epoch = u32::try_from(packaged.epoch()).unwrap_or(0);
        let settings =
            EvrSettings { scheme: self.scheme, release: "1", epoch: self.plan.evr.epoch.saturating_sub(own_epoch) };
        plan::evr(text, settings, &self.plan.distribution).map_or_else(|_| current, |evr| evr.full())
    }
}

/// `- item` as `* item`, what goes on with it two columns to the right; broken at words.
fn lines(line: &str) -> Vec<String> {
    let (first, text) = match line.strip_prefix("- ") {
        Some(item) => ("  * ", item),
        None => ("    ", line),
    };
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(last) if last.chars().count() + 1 + word.chars().count() <= COLUMNS => {
                last.push(' ');
                last.push_str(word);
            }
            last => {
                let start = if last.is_none() { first } else { "    " };
                lines.push(format!("{start}{word}"));
            }
        }
    }
    lines
}

/// RFC 5322, 3.3: `Thu, 01 Jan 1970 12:00:00 +0000`.
fn date(time: u32) -> String {
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (days, seconds) = (time / DAY, time % DAY);
    // Civil from days: Howard Hinnant's algorithm, for days since 1970 only.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u32::from(month <= 2);
    let weekday = WEEKDAYS.get(days as usize % 7).copied().unwrap_or_default();
    let name = MONTHS.get(month as usize - 1).copied().unwrap_or_default();
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{weekday}, {day:02} {name} {year:04} {hour:02}:{minute:02}:{second:02} +0000")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        // `date -u -R -d @...`
        for (time, expected) in [
            (0, "Thu, 01 Jan 1970 00:00:00 +0000"),
            (1_709_208_000, "Thu, 29 Feb 2024 12:00:00 +0000"),
            (951_868_799, "Tue, 29 Feb 2000 23:59:59 +0000"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 +0000"),
            (u32::MAX, "Sun, 07 Feb 2106 06:28:15 +0000"),
        ] {
            assert_eq!(date(time), expected);
        }
    }

    #[test]
    fn items_are_broken_at_words() {
        let long = format!("- {}", "word ".repeat(30));
        let broken = lines(&long);
        assert!(broken.len() == 2 && broken.iter().all(|line| line.len() <= COLUMNS), "{broken:?}");
        assert!(broken[0].starts_with("  * word") && broken[1].starts_with("    word"), "{broken:?}");
        assert_eq!(lines("  more"), ["    more"]);
        assert_eq!(lines("- \u{1b}\u{85}"), Vec::<String>::new());
    }
}
