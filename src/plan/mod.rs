//! Every decision, taken before any work: which packages, which interpreter, which version strings, which units.
//! Pure: [`Project`] x [`Distribution`] gives a [`BuildPlan`], which `--dry-run` prints.

use std::collections::BTreeMap;
use std::path::PathBuf;

use miette::Diagnostic;
use serde::Serialize;
use thiserror::Error;

use crate::distribution::{Algorithm, Distribution, ToolVersion};
use crate::project::{
    BytecodeMode, ExtraDirectory, ExtraFile, Logrotate, Metadata, Project, PythonSettings, RpmSettings, ScriptletKind,
    Service, Source, Trigger, User,
};

/// A contradiction between what the user asked for and what the distribution can do.
#[derive(Debug, Error, Diagnostic)]
pub enum Error {
    #[error("{distribution} has no Python {version}")]
    #[diagnostic(code(plan::python), help("{hint}"))]
    NoSuchPython { distribution: String, version: String, hint: String },
}

/// Epoch, version and release: what the package manager sorts by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evr {
    pub epoch: u32,
    pub version: String,
    pub release: String,
}

/// The Python that the package runs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Interpreter {
    /// `3.6`
    pub version: ToolVersion,
    /// Absolute path on the target: `/usr/bin/python3.6`, or inside the prefix when bundled.
    pub path: String,
    pub kind: InterpreterKind,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum InterpreterKind {
    /// The distribution's; `requirement` pins its series.
    System {
        requirement: String,
    },
    Bundled {
        source: String,
        sha256: Option<String>,
    },
}

/// The platform that wheels and native code are chosen for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Platform {
    /// As `uname -m`: `x86_64`.
    pub machine: String,
    /// The package manager's word for it: `amd64`.
    pub architecture: String,
    /// Newest glibc symbol version that the target has.
    pub glibc: ToolVersion,
}

/// Relations in neutral form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RelationKind {
    Requires,
    /// Needed before the package's scriptlets run.
    RequiresPre,
    Recommends,
    Suggests,
    Supplements,
    Enhances,
    Conflicts,
    Obsoletes,
    Provides,
    Replaces,
    Breaks,
}

/// One relation and why it is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Relation {
    pub kind: RelationKind,
    /// `python(abi)`, `/usr/sbin/iptables`, `libc.so.6(GLIBC_2.17)(64bit)`; rich dependencies whole.
    pub name: String,
    pub comparison: Option<(Comparison, String)>,
    /// For the summary: `interpreter`, `configuration`, `numpy-1.26.4 (numpy/core/_multiarray_umath.so)`.
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

/// The main package ships the virtualenv; a meta-package only links and requirements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Main,
    Meta,
}

/// Symbolic links from a meta-package into the main package's `bin`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Links {
    /// `/usr/bin`
    pub directory: String,
    /// Console scripts by name. `None`: every console script of the application.
    pub scripts: Option<Vec<String>>,
}

/// One package that the build makes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PackagePlan {
    pub name: String,
    pub role: Role,
    pub summary: String,
    pub description: String,
    pub relations: Vec<Relation>,
    pub links: Vec<Links>,
    pub services: Vec<Service>,
    pub users: Vec<User>,
    pub files: Vec<ExtraFile>,
    pub directories: Vec<ExtraDirectory>,
    pub logrotate: Vec<Logrotate>,
    /// The user's scriptlets: text, with the interpreter of its shebang or `/bin/sh`.
    pub scriptlets: BTreeMap<ScriptletKind, String>,
    pub triggers: Vec<Trigger>,
}

/// How the payload is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Compression {
    pub algorithm: Algorithm,
    pub level: i32,
}

/// All that is decided about one build: one project for one distribution and machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BuildPlan {
    pub distribution: Distribution,
    pub platform: Platform,
    pub source: Source,
    pub metadata: Metadata,
    /// PEP 440 version of the application as packaged.
    pub version: String,
    pub evr: Evr,
    pub prefix: String,
    pub interpreter: Interpreter,
    pub python: PythonSettings,
    pub bytecode: BytecodeMode,
    pub compression: Compression,
    pub license: String,
    pub url: String,
    pub vendor: String,
    pub maintainer: String,
    pub group: String,
    pub section: String,
    pub priority: String,
    /// Absolute paths.
    pub licenses: Vec<PathBuf>,
    pub changelog: Option<PathBuf>,
    /// Seconds since 1970: `SOURCE_DATE_EPOCH`, or the newest date that belongs to the input.
    pub source_date: u32,
    pub rpm: RpmSettings,
    /// First the main package.
    pub packages: Vec<PackagePlan>,
}

#[allow(unused)]
fn contract(_: &Project) {}
