//! The format-neutral package: metadata, relations, entries, scriptlets, triggers.

mod assemble;
mod changelog;
mod conclude;
mod copyright;
mod debian_changelog;
mod debian_description;
mod directories;
mod documentation;
pub mod requirements;

use std::collections::BTreeMap;

use miette::Diagnostic;
use thiserror::Error;

use crate::distribution::{PackageFormat, ToolVersion};
use crate::plan::{Compression, Evr, Relation, Role};
use crate::project::{ScriptletKind, Trigger};
use crate::service::Scriptlet;
use crate::stage::Entry;

pub use assemble::assemble;
pub use changelog::note as changelog_note;
pub(crate) use changelog::{days, packaged};
pub use conclude::conclude;
pub(crate) use copyright::spdx_identifier;
pub use documentation::of_sources as debian_source_documents;

/// Why no package can be made of what was staged.
#[derive(Debug, Error, Diagnostic)]
pub enum Error {
    #[error("two parts of package `{package}` want {path}: {first}, and {second}")]
    #[diagnostic(code(package::twice), help("give one of them another destination, or leave one out"))]
    Twice { package: String, path: String, first: String, second: String },
    #[error("package `{package}` has {path} below {above}, which is no directory")]
    #[diagnostic(code(package::below), help("give one of the two another destination"))]
    Below { package: String, path: String, above: String },
    #[error("package `{package}` cannot have this path: {reason}")]
    #[diagnostic(code(package::path))]
    BadPath { package: String, reason: String },
    #[error(transparent)]
    #[diagnostic(transparent)]
    Native(#[from] requirements::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Stage(#[from] crate::stage::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Service(#[from] crate::service::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Template(#[from] crate::template::TemplateError),
    #[error("{0}")]
    #[diagnostic(code(package::io))]
    Io(#[from] std::io::Error),
}

/// What architecture a package is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Architecture {
    /// `noarch`, `all`.
    Independent,
    /// The package manager's word: `x86_64`, `amd64`.
    Native(String),
}

/// A package, before it is packed: its entries are known, their contents not yet read.
#[derive(Debug, Clone)]
pub struct Package {
    /// Which package manager it is for, and the oldest version of it that has to read the file.
    pub format: PackageFormat,
    pub format_version: ToolVersion,
    pub name: String,
    /// What all packages of one build are made from, named after the main package.
    pub source: String,
    pub role: Role,
    pub evr: Evr,
    pub architecture: Architecture,
    pub summary: String,
    pub description: String,
    pub license: String,
    pub url: String,
    pub vendor: String,
    pub maintainer: String,
    pub group: String,
    pub section: String,
    pub priority: String,
    pub relations: Vec<Relation>,
    /// Sorted by path, no path twice.
    pub entries: Vec<Entry>,
    pub scriptlets: BTreeMap<ScriptletKind, Scriptlet>,
    pub triggers: Vec<Trigger>,
    pub changelog: Vec<ChangelogEntry>,
    pub compression: Compression,
    /// Seconds since 1970, for every time stamp in the package.
    pub source_date: u32,
    pub rpm: crate::project::RpmSettings,
    pub deb: crate::project::DebSettings,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangelogEntry {
    /// Seconds since 1970.
    pub date: u32,
    /// `Maintainer <mail> - 1.0-1`
    pub author: String,
    pub text: String,
}
