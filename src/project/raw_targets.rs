//! The configuration as written: what is built for, and what is looked at (see [`super::raw`]).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

/// `[targets]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[schemars(deny_unknown_fields)]
pub struct Targets {
    /// Names of distributions, such as `centos-7`.
    pub distributions: Vec<String>,
    /// Machines, as `uname -m` says them, that `omnipack matrix` lists for each distribution. Default: `x86_64`.
    pub machines: Vec<String>,
    /// What `omnipack matrix` leaves out: rows to which all that is said applies.
    pub exclude: Vec<TargetRow>,
    /// What `omnipack matrix` lists besides, or lists otherwise.
    pub include: Vec<TargetRow>,
    /// Machine to the label of the runner that builds for it.
    pub runners: BTreeMap<String, String>,
    /// Files and directories elsewhere whose changes concern this project too (`omnipack matrix --changed-since`).
    pub watch: Vec<String>,
}

/// `[check]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[schemars(deny_unknown_fields)]
pub struct Checking {
    /// Codes of hints that are not given, such as `hint::root`.
    pub allow: Vec<String>,
}

/// `[[targets.exclude]]`, `[[targets.include]]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[schemars(deny_unknown_fields)]
pub struct TargetRow {
    /// Name of a distribution; in `exclude`, also of a family.
    pub distribution: Option<String>,
    /// As `uname -m` says it.
    pub machine: Option<String>,
    /// Label of the runner, in `include`.
    pub runner: Option<String>,
    /// Container image, in `include`.
    pub container: Option<String>,
}
