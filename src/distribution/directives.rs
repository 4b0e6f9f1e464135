//! Which directive of a unit does what a setting asks for: the table `directives.toml`, by version of systemd.

use std::sync::LazyLock;

use serde::Deserialize;

use super::{Distribution, ToolVersion};

/// `toml` reads the table as shipped: a test holds every row against systemd's own pages.
static TABLE: LazyLock<Vec<Directive>> = LazyLock::new(|| {
    toml::from_str::<Table>(include_str!("directives.toml")).map(|table| table.directive).unwrap_or_default()
});

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    directive: Vec<Directive>,
}

/// A directive that not every systemd knows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directive {
    /// What it does: `memory-max`.
    pub setting: String,
    /// `MemoryMax`
    pub name: String,
    pub section: Section,
    /// First version of systemd that knows it in this section.
    pub since: ToolVersion,
}

/// Part of a unit file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Section {
    Unit,
    Service,
}

impl Distribution {
    /// The directive for `setting`; `None` where the target's systemd has none, or the target has no systemd.
    #[must_use]
    pub fn directive(&self, setting: &str) -> Option<&'static Directive> {
        let version = self.systemd?;
        TABLE.iter().find(|row| row.setting == setting && row.since <= version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::Catalogue;

    #[test]
    fn the_newest_directive_that_the_target_knows_is_taken() {
        let catalogue = Catalogue::embedded().unwrap();
        let of = |distribution: &str, setting: &str| {
            catalogue.get(distribution).unwrap().directive(setting).map(|found| (found.name.as_str(), found.section))
        };
        assert_eq!(of("centos-7", "memory-max"), Some(("MemoryLimit", Section::Service)));
        assert_eq!(of("rocky-9", "memory-max"), Some(("MemoryMax", Section::Service)));
        assert_eq!(of("centos-7", "start-limit-interval"), Some(("StartLimitInterval", Section::Service)));
        assert_eq!(of("rocky-9", "start-limit-interval"), Some(("StartLimitIntervalSec", Section::Unit)));
        assert_eq!(of("centos-7", "tasks-max"), None);
        assert_eq!(of("centos-6", "memory-max"), None);
    }

    /// The pages of systemd, as `tests/data/systemd-directives.txt` has them, know each directive since that version.
    #[test]
    fn the_table_says_what_the_pages_of_systemd_say() {
        let pages = include_str!("../../tests/data/systemd-directives.txt");
        let rows = toml::from_str::<Table>(include_str!("directives.toml")).unwrap().directive;
        assert!(rows.len() > 10);
        for row in rows {
            let section = format!("{:?}.{} ", row.section, row.name);
            let plain = format!("{} ", row.name);
            let since = pages.lines().find_map(|l| l.strip_prefix(&section).or_else(|| l.strip_prefix(&plain)));
            let since = since.unwrap_or_else(|| panic!("{}", row.name)).parse::<u32>().unwrap();
            assert_eq!(row.since.major.max(1), since.max(1), "{}", row.name);
        }
    }
}
