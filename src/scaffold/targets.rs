//! The distributions to build for: supported on the day, with a Python that the application can run on.

use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};
use serde::{Deserialize, Serialize};

use crate::distribution::{Catalogue, Distribution, ToolVersion};

const RULES: &str = include_str!("targets.toml");

#[derive(Deserialize)]
struct Rules {
    families: Vec<String>,
    releases: usize,
}

/// A distribution with the Python to take there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Target {
    pub distribution: String,
    pub family: String,
    /// Where the default one does not fit.
    pub python: Option<String>,
}

/// The proposal, and what else would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Targets {
    pub chosen: Vec<Target>,
    /// Names of other distributions that fit.
    pub others: Vec<String>,
    /// Names of supported distributions without a Python that fits.
    pub unfit: Vec<String>,
}

/// What the choice depends on.
pub struct Wish<'a> {
    /// As the application says it; empty for any.
    pub requires_python: &'a str,
    /// A series that the project prefers (`.python-version`).
    pub prefers: Option<ToolVersion>,
    /// `2026-11-21`
    pub today: &'a str,
}

/// Chooses among all of `catalogue`.
#[must_use]
pub fn choose(catalogue: &Catalogue, wish: &Wish<'_>) -> Targets {
    let Ok(rules) = toml::from_str::<Rules>(RULES) else { return Targets::default() };
    let mut targets = Targets::default();
    let mut groups: Vec<(&Distribution, Target)> = Vec::new();
    for distribution in catalogue.iter() {
        // Without an end of life it is not released yet.
        if distribution.end_of_life.is_empty() || distribution.end_of_life.as_str() < wish.today {
            continue;
        }
        let Some(target) = target(distribution, wish) else {
            targets.unfit.push(distribution.name.clone());
            continue;
        };
        // Releases that differ in their makers only: the one that is supported longest, or the last one of them.
        let same = |other: &Distribution| {
            (&other.family, other.glibc, &other.dist_tag)
                == (&distribution.family, distribution.glibc, &distribution.dist_tag)
        };
        match groups.iter_mut().find(|(other, _)| same(other)) {
            Some(group) => {
                let (keep, other) = if distribution.end_of_life >= group.0.end_of_life {
                    (distribution, group.0)
                } else {
                    (group.0, distribution)
                };
                targets.others.push(other.name.clone());
                if keep.name == distribution.name {
                    *group = (distribution, target);
                }
            }
            None => groups.push((distribution, target)),
        }
    }
    for family in &rules.families {
        let mut releases = groups.iter().filter(|(distribution, _)| distribution.family == *family).collect::<Vec<_>>();
        releases.sort_by_key(|(distribution, _)| distribution.glibc);
        let newest = releases.len().saturating_sub(rules.releases);
        targets.chosen.extend(releases.into_iter().skip(newest).map(|(_, target)| target.clone()));
    }
    let chosen = |name: &String| targets.chosen.iter().any(|target| target.distribution == *name);
    let further = groups
        .iter()
        .map(|(distribution, _)| distribution.name.clone())
        .filter(|name| !chosen(name))
        .collect::<Vec<_>>();
    targets.others.extend(further);
    targets.others.sort();
    targets
}

/// The distributions that somebody named.
///
/// # Errors
/// When there is no such distribution.
pub fn named(catalogue: &Catalogue, names: &[String], wish: &Wish<'_>) -> Result<Targets, crate::distribution::Error> {
    let mut targets = Targets::default();
    for name in names {
        let distribution = catalogue.get(name)?;
        if targets.chosen.iter().any(|target| target.distribution == *name) {
            continue;
        }
        let any = || Target { distribution: name.clone(), family: distribution.family.clone(), python: None };
        let fitting = target(distribution, wish);
        if fitting.is_none() {
            targets.unfit.push(name.clone());
        }
        targets.chosen.push(fitting.unwrap_or_else(any));
    }
    Ok(targets)
}

/// The Python to take: the default one if it fits, else the preferred one, else the newest that fits.
fn target(distribution: &Distribution, wish: &Wish<'_>) -> Option<Target> {
    let of = |python: Option<String>| Target {
        distribution: distribution.name.clone(),
        family: distribution.family.clone(),
        python,
    };
    let mut fitting =
        distribution.pythons.iter().filter(|python| fits(wish.requires_python, python.version)).collect::<Vec<_>>();
    let default = distribution.pythons.first()?;
    if fitting.iter().any(|python| python.version == default.version) {
        return Some(of(None));
    }
    // What another repository brings is for somebody to decide.
    fitting.retain(|python| python.repository.as_deref().is_none_or(|repository| repository == "appstream"));
    let preferred = fitting.iter().find(|python| Some(python.version) == wish.prefers);
    let python = preferred
        .or_else(|| fitting.iter().filter(|python| has_wheels(python.version)).max_by_key(|python| python.version))?;
    Some(of(Some(python.version.series())))
}

/// Has nearly everything wheels for it? The newest series lacks many for a year.
fn has_wheels(version: ToolVersion) -> bool {
    version < ToolVersion { major: 3, minor: 14, patch: 0 }
}

/// Does a series satisfy `Requires-Python`? Some patch release of it is enough.
#[must_use]
pub fn fits(requires_python: &str, version: ToolVersion) -> bool {
    let Ok(range) = VersionSpecifiers::from_str(requires_python) else { return true };
    let series = version.series();
    [series.clone(), format!("{series}.99")]
        .iter()
        .any(|text| Version::from_str(text).is_ok_and(|version| range.contains(&version)))
}

/// The day of a moment in seconds since 1970, as `2026-11-21` (proleptic Gregorian, UTC).
#[must_use]
pub fn day(seconds: u64) -> String {
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    let days = seconds / 86_400 + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(requires_python: &str, today: &str) -> Vec<String> {
        let catalogue = Catalogue::embedded().unwrap();
        let targets = choose(&catalogue, &Wish { requires_python, prefers: None, today });
        let name = |target: Target| {
            target.python.map_or(target.distribution.clone(), |python| format!("{} {python}", target.distribution))
        };
        targets.chosen.into_iter().map(name).collect()
    }

    #[test]
    fn supported_releases_with_a_python_that_fits_are_chosen() {
        assert_eq!(
            chosen("", "2026-11-21"),
            ["rocky-9", "rocky-10", "debian-12", "debian-13", "ubuntu-24.04", "ubuntu-26.04"]
        );
        assert_eq!(
            chosen(">=3.10", "2026-11-21"),
            ["rocky-9 3.12", "rocky-10", "debian-12", "debian-13", "ubuntu-24.04", "ubuntu-26.04"]
        );
        assert_eq!(chosen("<3.12,>=3.11", "2026-11-21"), ["rocky-8 3.11", "rocky-9 3.11", "debian-12"]);
        assert_eq!(chosen("nonsense", "2029-06-01"), ["rocky-9", "rocky-10", "debian-13", "ubuntu-26.04"]);
        assert_eq!(chosen("<3", "2026-11-21"), Vec::<String>::new());
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (1_700_000_000, "2023-11-14"),
            (4_107_542_399, "2100-02-28"),
        ] {
            assert_eq!(day(seconds), expected);
        }
    }
}
