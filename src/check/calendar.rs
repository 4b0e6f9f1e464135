//! Days, and until when something is supported.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::distribution::ToolVersion;
use crate::package::days;

/// What counts as soon: half a year.
const SOON: i64 = 183;

/// A day: days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(i64);

/// How far off the end of support is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    Ended,
    EndsSoon,
    Goes,
}

impl Day {
    /// The day of a time in seconds since 1970.
    #[must_use]
    pub fn of_seconds(seconds: u64) -> Self {
        Self(i64::try_from(seconds / 86_400).unwrap_or(i64::MAX))
    }

    /// `2024-06-30`; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-').map(|part| part.parse::<i64>().ok());
        let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
        (parts.next().is_none() && (1..=12).contains(&month) && (1..=31).contains(&day))
            .then(|| Self(days(year, month, day)))
    }

    /// How it stands today about what ends at the end of that day; without a date, it goes on.
    #[must_use]
    pub fn support(self, end: &str) -> Support {
        match Self::parse(end) {
            Some(end) if end < self => Support::Ended,
            Some(end) if end.0 - self.0 <= SOON => Support::EndsSoon,
            _ => Support::Goes,
        }
    }
}

static PYTHONS: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| toml::from_str(include_str!("pythons.toml")).unwrap_or_default());

/// When python.org stops to fix this series of CPython; `None` where that is not known.
#[must_use]
pub fn end_of_python(version: ToolVersion) -> Option<&'static str> {
    PYTHONS.get(&version.series()).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn support_ends_after_its_last_day() {
        let day = |text: &str| Day::parse(text).unwrap();
        assert_eq!(Day::of_seconds(1_700_000_000), day("2023-11-14"));
        assert_eq!(day("2024-06-30").support("2024-06-30"), Support::EndsSoon);
        assert_eq!(day("2024-07-01").support("2024-06-30"), Support::Ended);
        assert_eq!(day("2023-12-30").support("2024-06-30"), Support::EndsSoon);
        assert_eq!(day("2023-12-29").support("2024-06-30"), Support::Goes);
        assert_eq!(day("2099-01-01").support(""), Support::Goes);
        assert!(["", "2024", "2024-13-01", "2024-01-01-01", "x-y-z"].iter().all(|text| Day::parse(text).is_none()));
    }

    #[test]
    fn every_python_has_a_day_and_later_ones_later() {
        let known = |minor| end_of_python(ToolVersion::new(3, minor, 0)).and_then(Day::parse);
        let days = (3..=15).map(known).collect::<Option<Vec<_>>>().unwrap();
        assert!(days.is_sorted());
        assert_eq!(PYTHONS.len(), days.len());
        assert_eq!(known(2), None);
    }

    #[test]
    fn every_python_of_a_distribution_is_known() {
        for distribution in crate::distribution::Catalogue::embedded().unwrap().iter() {
            for python in &distribution.pythons {
                assert!(end_of_python(python.version).is_some(), "{}: {}", distribution.name, python.version);
            }
        }
    }
}
