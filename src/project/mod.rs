//! What the user wrote: the application's source, its configuration and its metadata.
//!
//! The stages of the data are types. [`Source`] is what the command line named; [`Config`] the validated
//! configuration (past this floor no field that has a default is optional); [`Project`] both, together with the
//! metadata of the built wheel.

mod acceptance;
mod assemble;
mod builder;
mod config;
mod document;
mod error;
mod facts;
mod metadata;
mod parts;
mod places;
mod plugins;
mod prose;
mod raw;
mod raw_targets;
mod reader;
mod rpm;
mod schedule;
mod schema;
mod secrets;
mod service;
mod service_values;
mod services;
mod settings;
mod shape;
mod source;
mod targets;
#[cfg(test)]
mod tests;
mod values;
mod without_python;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

pub use acceptance::{Value as AcceptedValue, accepts};
pub use assemble::{DEFAULT_GROUP, normalised};
pub use config::Config;
pub use document::Place;
pub use error::{Error, Problem};
pub use places::Spot;
pub use rpm::SpecRules;
pub use schedule::{Cron, Schedule};
pub use schema::{reference, schema};
pub use secrets::{has_password, in_command as secrets_in_command, is_secret, with_stars};
pub use service::*;
pub use settings::*;
pub use source::parse_requirement;
pub use targets::{TargetRow, Targets};

/// What is to be packaged, as the command line named it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A directory with `pyproject.toml`, `setup.py` or `setup.cfg`.
    Directory(PathBuf),
    /// A directory with modules (and maybe `requirements.txt`) but no build configuration.
    Modules(PathBuf),
    Sdist(PathBuf),
    Wheel(PathBuf),
    /// `httpbin==0.10.2`
    Requirement(String),
}

/// Core metadata of the application (<https://packaging.python.org/specifications/core-metadata/>), as its wheel
/// has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// As published, not normalised.
    pub name: String,
    /// PEP 440.
    pub version: String,
    pub summary: String,
    pub description: String,
    pub license: String,
    pub url: String,
    pub author: String,
    pub requires_python: String,
    /// `Requires-Dist` lines, markers included.
    pub requires_dist: Vec<String>,
    pub extras: Vec<String>,
    pub console_scripts: Vec<String>,
}

/// Everything the user said, merged for one distribution, checked, with every default in place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Project {
    pub source: Source,
    pub metadata: Metadata,
    pub package: PackageSettings,
    pub python: PythonSettings,
    pub services: Vec<Service>,
    pub users: Vec<User>,
    pub files: Vec<ExtraFile>,
    pub directories: Vec<ExtraDirectory>,
    pub logrotate: Vec<Logrotate>,
    pub meta_packages: Vec<MetaPackage>,
    pub relations: RelationSettings,
    pub scriptlets: BTreeMap<ScriptletKind, String>,
    pub triggers: Vec<Trigger>,
    pub rpm: RpmSettings,
    pub deb: DebSettings,
    /// Shared library to the relation that brings it, as written; empty: nothing is to be required.
    pub library_map: BTreeMap<String, String>,
    /// PyPI name (PEP 503) to distribution package, for specs that bundle nothing.
    pub package_map: BTreeMap<String, String>,
}
