//! What makes an image of a release one that compiles: which package manager it has, where its packages still are, which
//! repositories and packages are needed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The program that installs packages in a container; each has a template of its own in `templates/builder/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Manager {
    #[serde(rename = "apt-get")]
    AptGet,
    #[serde(rename = "dnf")]
    Dnf,
    #[serde(rename = "microdnf")]
    Microdnf,
    #[serde(rename = "yum")]
    Yum,
    #[serde(rename = "zypper")]
    Zypper,
}

/// What makes an image of a release one that compiles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Toolchain {
    pub manager: Manager,
    /// Compilers and what a build of native code asks for.
    pub packages: Vec<String>,
    /// Repositories that the release has switched off and that every builder switches on, by the manager's names.
    #[serde(default)]
    pub enable: Vec<String>,
    /// Where the packages went when the release ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirror: Option<Mirror>,
    /// Name, as `pythons` and `[builder] repositories` say it, to how that repository is had. One that is not here needs
    /// nothing.
    #[serde(default)]
    pub repositories: BTreeMap<String, Repository>,
}

/// Addresses that have to be replaced in the files that say where packages come from: in `/etc/yum.repos.d` and
/// `/etc/zypp/repos.d`, where lists of mirrors are no longer asked, or in `sources.list` and its like below `/etc/apt`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Mirror {
    /// Start of an address, as the files have it, to what takes its place.
    pub addresses: BTreeMap<String, String>,
}

/// How a repository is had.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Repository {
    /// Packages that bring it, by name or address.
    pub packages: Vec<String>,
    /// Names by which the package manager has it switched on.
    pub enable: Vec<String>,
    /// Commands that switch it on, word by word.
    pub commands: Vec<Vec<String>>,
    /// Where its packages went when it ended, after `packages` are there.
    pub mirror: Option<Mirror>,
}
