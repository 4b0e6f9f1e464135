//! Facts about targets, pure data: `distributions.toml`, embedded, plus what the user adds or overrides.
//!
//! Code asks a distribution for a capability ([`Distribution::rich_dependencies`]), never for its name. How tables
//! become a [`Catalogue`] is in `catalogue.rs`, what follows from the facts in `capability.rs`, which directives a systemd
//! knows in `directives.rs`, levels of processors in `isa.rs`, which packages of Debian and Ubuntu have a shared library in `libraries.rs`.

mod capability;
mod catalogue;
mod debian_version;
mod directives;
mod image;
mod isa;
mod libraries;
#[cfg(test)]
mod tests;
mod toolchain;

use std::collections::BTreeMap;

use miette::Diagnostic;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use capability::near_machine;
pub use catalogue::{Catalogue, FACTS};
pub use debian_version::compare as compare_debian_versions;
pub use directives::{Directive, Section};
pub use image::{BadImage, check_image};
pub use isa::Isa;
pub use libraries::{Libraries, Library, Need as LibraryNeed};
pub use toolchain::{Manager, Mirror, Repository, Toolchain};

/// Why there is no such distribution, or why its facts are unusable.
#[derive(Debug, Error, Diagnostic)]
pub enum Error {
    #[error("there is no distribution `{name}`")]
    #[diagnostic(code(distribution::unknown), help("{hint}"))]
    Unknown { name: String, hint: String },
    #[error("the facts of distribution `{name}` are not usable: {reason}")]
    #[diagnostic(
        code(distribution::facts),
        help("correct `[distribution.{name}]`; `like = \"rocky-9\"` takes over what is not given")
    )]
    Facts { name: String, reason: String },
}

/// The two kinds of native package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PackageFormat {
    Rpm,
    Deb,
}

/// A dotted version number of a tool (rpm, dpkg, glibc, systemd, Python); missing parts count as 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ToolVersion {
    pub major: u32,
    pub minor: u32,
    pub patch: u32,
}

/// Payload compression algorithms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    Gzip,
    Xz,
    Zstd,
}

/// The service manager that a target boots with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InitSystem {
    Systemd,
    Sysvinit,
}

/// The macros that a target has for spec files of Python applications.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SpecDialect {
    /// `%pyproject_buildrequires` and its kin: Fedora, EL 9.
    Modern,
    /// `%py3_build` and `%py3_install`: EL 7 with EPEL, EL 8.
    Setup,
    /// SUSE's `%pyproject_wheel` and its kin, which take no requirements out of the metadata.
    Suse,
    /// None but rpm's own.
    #[default]
    Plain,
}

/// How packages of a target say which Python distributions are in them, by the generation of `pythondistdeps.py` that
/// they were built with (<https://src.fedoraproject.org/rpms/python-rpm-generators>). Relations have to be worded likewise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PythonDist {
    /// Versions stand as published (`2.20.0`), names have their dots (5: EL 8).
    Verbatim,
    /// Versions without zeros at their end (`2.20`), pre-releases after `~`; extras have names of their own (Fedora, EL 9).
    Normalised,
}

/// A CPython that the target's package manager can install.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Python {
    /// `3.6`
    pub version: ToolVersion,
    /// The package that brings the interpreter with its whole standard library, `python36`. On Debian and SUSE the
    /// interpreter itself lies in a `-minimal` or `-base` package that this one requires.
    pub package: String,
    /// The versioned interpreter, `/usr/bin/python3.6`.
    pub path: String,
    /// What a package on this Python has to require so that the interpreter is there and its update to another
    /// series is refused: `python(abi) = 3.6` or `python3.11`.
    pub requirement: String,
    /// Where it comes from when it is not in the distribution's base repositories (`epel`, `appstream`, `ius`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The packages with which C code is compiled for it and virtual environments are made of it, besides `package`:
    /// `python36-devel`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devel: Vec<String>,
}

/// A target release and what is true of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Distribution {
    /// `centos-7`
    #[serde(skip_deserializing, default)]
    pub name: String,
    /// `CentOS Linux 7`
    pub title: String,
    /// `el`, `fedora`, `amazon`, `suse`, `debian`, `ubuntu`: what `[distribution.<family>]` overrides name.
    pub family: String,
    pub format: PackageFormat,
    /// Version of rpm, or of dpkg.
    pub format_version: ToolVersion,
    pub glibc: ToolVersion,
    pub init: InitSystem,
    /// Version of systemd, where `init` is systemd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub systemd: Option<ToolVersion>,
    /// What the distribution's own packages are compressed with.
    pub compression: Algorithm,
    /// Does the package manager read zstd payloads, where its version number does not tell ([`Distribution::reads`])?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zstd: Option<bool>,
    /// First the default.
    pub pythons: Vec<Python>,
    /// Machine (as `uname -m`) to the package manager's word for it: `x86_64 = "amd64"`.
    pub architectures: BTreeMap<String, String>,
    /// Machine (as `uname -m`) to the instruction set that the release's own packages are compiled for:
    /// [`Distribution::baseline`].
    #[serde(default)]
    pub cpu_baseline: BTreeMap<String, Isa>,
    /// `.el7`; empty where file names have none by custom.
    #[serde(default)]
    pub dist_tag: String,
    /// End of life, `2024-06-30`; empty while none is announced.
    pub end_of_life: String,
    /// Shell of accounts that nobody logs in to.
    pub nologin: String,
    /// Container image of the release, with its registry, so that no engine has to guess it; none where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// How a container of `image` becomes one that compiles; none where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toolchain: Option<Toolchain>,
    /// The package that rotates logs by `/etc/logrotate.d`.
    #[serde(default = "logrotate")]
    pub logrotate_package: String,
    /// The package that runs the lines of `/etc/cron.d`.
    #[serde(default = "cron")]
    pub cron_package: String,
    /// Which of the data of [`Libraries`] says what package has a shared library; for `format = "deb"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub libraries: Option<String>,
    /// Do the guidelines know `Provides: bundled(python3dist(x)) = version`?
    #[serde(default)]
    pub bundled_provides: bool,
    /// How a spec file for a Python application is written.
    #[serde(default)]
    pub spec_dialect: SpecDialect,
    /// How its packages provide `pythonX.Ydist(name)`, and `python3dist(name)` for the first of `pythons`; none where
    /// they do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python_dist: Option<PythonDist>,
    /// Fact to where it was read: policy section, release notes, package page; `not verified: ...` where it was not.
    #[serde(default)]
    pub sources: BTreeMap<String, String>,
}

fn cron() -> String {
    "cronie".to_owned()
}

fn logrotate() -> String {
    "logrotate".to_owned()
}

impl std::fmt::Display for ToolVersion {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)?;
        if self.patch == 0 { Ok(()) } else { write!(formatter, ".{}", self.patch) }
    }
}

impl From<ToolVersion> for String {
    fn from(version: ToolVersion) -> Self {
        version.to_string()
    }
}

impl TryFrom<String> for ToolVersion {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut parts = [0; 3];
        for (index, part) in text.split('.').enumerate() {
            let slot = parts.get_mut(index).ok_or_else(|| format!("`{text}` has more than three parts"))?;
            *slot = part.parse().map_err(|_| format!("`{text}` is not a dotted version number"))?;
        }
        Ok(Self { major: parts[0], minor: parts[1], patch: parts[2] })
    }
}
