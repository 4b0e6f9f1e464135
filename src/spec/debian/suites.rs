//! What a release has for building packages: `suites.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::distribution::Distribution;

const EMBEDDED: &str = include_str!("suites.toml");

/// One release.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// `bookworm`
    pub suite: String,
    /// Has debhelper the compatibility level 13?
    pub debhelper: bool,
    /// Can pybuild build what has no `setup.py`?
    pub pyproject: bool,
    /// `4.6.2`
    pub standards: String,
    /// Where this was read.
    pub source: String,
}

fn all() -> BTreeMap<String, Suite> {
    toml::from_str(EMBEDDED).unwrap_or_default()
}

/// The release that `distribution` is, or that it is like.
pub fn of(distribution: &Distribution) -> Option<Suite> {
    all().remove(distribution.libraries.as_deref()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::{Catalogue, PackageFormat};

    #[test]
    fn every_release_is_known_with_its_source() {
        let catalogue = Catalogue::embedded().unwrap();
        let targets = catalogue.iter().filter(|known| known.format == PackageFormat::Deb).collect::<Vec<_>>();
        assert_eq!(all().len(), targets.len());
        for target in targets {
            let suite = of(target).unwrap_or_else(|| panic!("{} is not in suites.toml", target.name));
            let sourced = ["Packages index", "not verified: "].iter().any(|start| suite.source.starts_with(start));
            assert!(sourced, "{}: {}", target.name, suite.source);
        }
    }
}
