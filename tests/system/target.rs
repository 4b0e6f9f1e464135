//! The distributions that packages are tried on.

use std::collections::BTreeMap;

use omnipack::distribution::{Catalogue, PackageFormat};
use omnipack::smoke::PackageKind;
use serde::Deserialize;

use crate::root::Root;
use crate::{deb, rpm};

/// A table of `targets.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    pub suite: String,
    pub python: String,
    /// Empty where the distribution is the suite itself, so that nothing has to be hidden.
    #[serde(default)]
    pub glibc: String,
    /// With what every target of its kind offers at the end.
    #[serde(default)]
    pub provides: Vec<String>,
    /// What omnipack builds for; the table's name when it says nothing.
    #[serde(default)]
    pub distribution: String,
    /// What a configuration has to say so that packages are for this system.
    #[serde(default)]
    pub facts: String,
}

#[derive(Deserialize)]
struct Common {
    provides: Vec<String>,
}

impl Target {
    /// The target of that name.
    pub fn named(name: &str) -> Self {
        let mut tables: BTreeMap<String, toml::Value> = toml::from_str(include_str!("targets.toml")).unwrap();
        let table = tables.remove(name).unwrap_or_else(|| panic!("targets.toml has no [{name}]"));
        let mut target: Self = table.try_into().unwrap();
        if target.distribution.is_empty() {
            name.clone_into(&mut target.distribution);
        }
        let common = format!("packages-of-every-{}-target", target.kind().extension());
        let common: Common = tables.remove(&common).unwrap().try_into().unwrap();
        target.provides.extend(common.provides);
        target
    }

    /// Of its packages.
    pub fn kind(&self) -> PackageKind {
        match Catalogue::embedded().unwrap().get(&self.distribution).unwrap().format {
            PackageFormat::Rpm => PackageKind::Rpm,
            PackageFormat::Deb => PackageKind::Deb,
        }
    }

    /// A root whose package manager knows what the target offers.
    pub fn root(&self) -> Root {
        let root = Root::new(&self.suite, &self.python);
        match self.kind() {
            PackageKind::Rpm => rpm::seed(&root, self),
            PackageKind::Deb => deb::seed(&root, self),
        }
        root
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
