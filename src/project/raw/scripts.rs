//! What runs when packages come and go, and what a requirement is called on a distribution.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::project::TriggerWhen;

/// `[scriptlets]`: rpm's names of the moments. In a Debian package, `pre` runs in preinst, `post` and `posttrans` in
/// postinst, `preun` in prerm, `postun` and `purge` in postrm.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[schemars(deny_unknown_fields)]
pub struct Scriptlets {
    /// Before the transaction.
    pub pretrans: Option<String>,
    /// Before installing.
    pub pre: Option<String>,
    /// After installing.
    pub post: Option<String>,
    /// Before removing.
    pub preun: Option<String>,
    /// After removing.
    pub postun: Option<String>,
    /// After the transaction.
    pub posttrans: Option<String>,
    /// By `rpm --verify`.
    pub verify: Option<String>,
    /// When the package is purged (Debian).
    pub purge: Option<String>,
}

/// `[[trigger]]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[schemars(deny_unknown_fields)]
pub struct Trigger {
    /// Package, optionally with a version: `nginx >= 1.20`. For DEB also a path that packages put files below
    /// (`/usr/share/mime`) or a dpkg trigger (`trigger:ldconfig`).
    pub on: Option<String>,
    /// After it is installed (`in`), before it is removed (`un`, RPM only), after it is removed (`postun`). Default: `in`.
    pub when: Option<TriggerWhen>,
    /// Text, or a file beside the configuration.
    pub script: Option<String>,
    /// Absolute path, or `<lua>`. Default: the script's `#!` line, or `/bin/sh`.
    pub interpreter: Option<String>,
    /// Package that has it: a meta-package, or `main` (the default).
    pub package: Option<String>,
}

/// A package of the distribution, or those of one distribution or family.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PackageMapEntry {
    Package(String),
    Target(BTreeMap<String, String>),
}
