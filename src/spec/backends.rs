//! Which build backends the Python of a target is too old for: `backends.toml`.

use std::collections::BTreeMap;
use std::str::FromStr;

use pep440_rs::{Operator, Version, VersionSpecifiers};

const EMBEDDED: &str = include_str!("backends.toml");

/// The first of `requires`, requirements without markers, that no release fulfils that runs on Python `series`: `setuptools>=61` on
/// `3.6`.
pub fn too_new<'r>(requires: &'r [String], series: &str) -> Option<&'r str> {
    let mut all: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(EMBEDDED).unwrap_or_default();
    let last = all.remove(series)?;
    requires.iter().map(String::as_str).find(|text| {
        let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let Some(last) = last.get(&name.to_lowercase().replace(['_', '.'], "-")) else { return false };
        let asked = rest.find(['<', '>', '=', '!', '~']).and_then(|start| rest.get(start..)).unwrap_or_default();
        let Ok(last) = Version::from_str(last) else { return true };
        let Ok(asked) = VersionSpecifiers::from_str(asked) else { return false };
        asked.iter().any(|one| is_later(*one.operator(), one.version(), &last))
    })
}

/// Does it ask for a version after `last`?
fn is_later(operator: Operator, version: &Version, last: &Version) -> bool {
    match operator {
        Operator::GreaterThanEqual | Operator::TildeEqual | Operator::Equal | Operator::EqualStar => version > last,
        Operator::GreaterThan => version >= last,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_that_runs_on_the_python_is_not_too_new() {
        let all = |text: &str| vec!["wheel".to_owned(), text.to_owned()];
        for text in [
            "setuptools>=61",
            "setuptools[x]>=40,>=61.0.0",
            "Setuptools_scm[toml]~=8.0",
            "pdm-backend",
            "setuptools>59.6.0",
        ] {
            assert_eq!(too_new(&all(text), "3.6"), Some(text));
        }
        for text in ["setuptools>=40.8,<70", "setuptools", "flit_core>=3.2,<4", "setuptools!=61", "poetry-core>=1.0.0"]
        {
            assert_eq!(too_new(&all(text), "3.6"), None, "{text}");
        }
        assert_eq!(too_new(&all("setuptools>=61"), "3.11"), None);
        // Each release of the table is one.
        let all: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(EMBEDDED).unwrap();
        let last = all.values().flat_map(BTreeMap::values).filter(|last| !last.is_empty());
        assert!(last.clone().count() > 3 && last.clone().all(|last| Version::from_str(last).is_ok()));
    }
}
