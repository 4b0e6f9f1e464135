//! The distributions that packages are tried on.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A table of `targets.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    pub suite: String,
    pub python: String,
    pub glibc: String,
    /// With what every target offers at the end.
    pub provides: Vec<String>,
}

#[derive(Deserialize)]
struct Common {
    provides: Vec<String>,
}

impl Target {
    /// The target of that name.
    pub fn named(name: &str) -> Self {
        let mut tables: BTreeMap<String, toml::Value> = toml::from_str(include_str!("targets.toml")).unwrap();
        let common: Common = tables.remove("packages-of-every-target").unwrap().try_into().unwrap();
        let table = tables.remove(name).unwrap_or_else(|| panic!("targets.toml has no [{name}]"));
        let mut target: Self = table.try_into().unwrap();
        target.provides.extend(common.provides);
        target
    }

    /// Is this a symbol version of glibc that the target does not have yet?
    pub fn is_too_new(&self, provide: &str) -> bool {
        let Some((_, version)) = provide.split_once("(GLIBC_") else { return false };
        let version = version.split(')').next().unwrap_or_default();
        numbers(version) > numbers(&self.glibc)
    }
}

/// `2.17` as numbers; `PRIVATE` and the like have none and are never newer.
fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map_while(|part| part.parse().ok()).collect()
}

#[test]
fn symbol_versions_above_the_targets_glibc_are_hidden() {
    let target = Target::named("centos-7");
    assert!(target.is_too_new("libc.so.6(GLIBC_2.28)(64bit)"));
    assert!(target.is_too_new("libm.so.6(GLIBC_2.18)(64bit)"));
    assert!(!target.is_too_new("libc.so.6(GLIBC_2.17)(64bit)"));
    assert!(!target.is_too_new("libc.so.6(GLIBC_2.2.5)(64bit)"));
    assert!(!target.is_too_new("libc.so.6(GLIBC_PRIVATE)(64bit)"));
    assert!(!target.is_too_new("libz.so.1(ZLIB_1.2.12)(64bit)"));
}
