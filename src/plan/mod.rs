//! Every decision, taken before any work: which packages, which interpreter, which version strings, which units.
//! Pure: [`Project`] x [`Distribution`] gives a [`BuildPlan`], which `--dry-run` prints.
//!
//! [`plan()`] is the whole floor, read top-down. Version strings are in `version.rs`, the set of packages in
//! `packages.rs`, relations in `relation.rs`, what a target cannot do for a service in `services.rs`, names and paths in `names.rs`.

mod compression;
mod debian;
mod error;
mod interpreter;
mod names;
mod packages;
mod relation;
mod render;
pub mod requirement;
mod services;
mod system_packages;
#[cfg(test)]
mod tests;
mod version;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::distribution::{Algorithm, Distribution, Isa, ToolVersion};
use crate::project::{
    BytecodeMode, DebSettings, ExtraDirectory, ExtraFile, InterpreterSetting, Logrotate, Metadata, Project,
    PythonSettings, RpmSettings, ScriptletKind, Service, Source, Trigger, User,
};

pub use debian::NOBODY;
pub use error::Error;
pub use interpreter::interpreter;
pub use names::file_name;
pub use relation::deb_build_requires;
pub use render::{json, render};
pub use services::ONESHOT_RESTART;
pub use system_packages::REASON as SYSTEM_PACKAGES;
pub use version::{EvrSettings, evr};

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
    /// The package has no Python: version and path of the [`Interpreter`] say nothing.
    None,
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
    /// What every processor has that the target runs on; `None` where none is known for the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Isa>,
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
    /// Is it there although the configuration names no such package?
    #[serde(skip)]
    pub implicit: bool,
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
    /// By the configuration: else it is the author of the application.
    #[serde(skip)]
    pub maintainer_is_given: bool,
    pub group: String,
    pub section: String,
    pub priority: String,
    /// Absolute paths.
    pub licenses: Vec<PathBuf>,
    pub changelog: Option<PathBuf>,
    /// Seconds since 1970: `SOURCE_DATE_EPOCH`, or the newest date that belongs to the input.
    pub source_date: u32,
    pub rpm: RpmSettings,
    pub deb: DebSettings,
    /// Shared library to the relation that brings it; `None`: nothing is to be required for it.
    pub library_map: BTreeMap<String, Option<Relation>>,
    /// Does the main package have a unit that stops, starts and restarts all services?
    pub target: bool,
    /// First the main package.
    pub packages: Vec<PackagePlan>,
    /// Normalised names of Python distributions of the lock that packages of the target bring, which is known when there
    /// is a lock.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// Who makes the packages.
    #[serde(skip)]
    pub builder: Builder,
    /// What the user asked for and the target cannot have, one sentence each.
    pub notes: Vec<String>,
}

/// Who makes the packages of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builder {
    Omnipack,
    /// rpmbuild or dpkg-buildpackage, from what omnipack writes for them.
    Distribution,
}

/// What is decided outside of project and distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The target's machine, as `uname -m`: `x86_64`.
    pub machine: String,
    /// `SOURCE_DATE_EPOCH`; `None`: 1980-01-01, the earliest date that a zip archive can hold.
    pub source_date: Option<u32>,
}

/// 1980-01-01T00:00:00Z
const ZIP_EPOCH: u32 = 315_532_800;

impl Evr {
    /// Written as a relation needs it: `1:0.1.0-1`, without an epoch of 0.
    #[must_use]
    pub fn full(&self) -> String {
        match self.epoch {
            0 => format!("{}-{}", self.version, self.release),
            epoch => format!("{epoch}:{}-{}", self.version, self.release),
        }
    }
}

impl Interpreter {
    /// Of a package that has no Python.
    #[must_use]
    pub const fn none() -> Self {
        Self { version: ToolVersion::new(0, 0, 0), path: String::new(), kind: InterpreterKind::None }
    }
}

impl BuildPlan {
    /// Is there a Python application in the packages, and a virtual environment?
    #[must_use]
    pub fn has_python(&self) -> bool {
        self.interpreter.kind != InterpreterKind::None
    }

    /// The package that ships the virtualenv.
    #[must_use]
    pub fn main(&self) -> Option<&PackagePlan> {
        self.packages.iter().find(|package| package.role == Role::Main)
    }
}

/// Decides everything about one build.
///
/// # Errors
/// When the project asks for what the distribution cannot do, or contradicts itself.
pub fn plan(project: &Project, distribution: &Distribution, options: &Options) -> Result<BuildPlan, Error> {
    let settings = &project.package;
    let prefix = names::prefix(&settings.prefix)?;
    let interpreter = interpreter(&project.python, distribution, &prefix)?;
    interpreter::check_requires_python(&project.metadata, &interpreter, distribution)?;
    let scheme = EvrSettings { scheme: settings.version_scheme, release: &settings.release, epoch: settings.epoch };
    let evr = evr(&settings.version, scheme, distribution)?;
    let chosen = packages::Chosen { prefix: &prefix, interpreter: &interpreter, evr: &evr };
    let packages::PackageSet { mut packages, mut notes } = packages::packages(project, distribution, chosen)?;
    names::fill_machine(&mut packages, &options.machine);
    notes.extend(services::notes(project, distribution));
    let fields = debian::fields(settings, distribution)?;
    notes.extend(fields.notes);
    let owner = relation::Owner { distribution, package: &settings.name };
    Ok(BuildPlan {
        platform: platform(distribution, &options.machine)?,
        distribution: distribution.clone(),
        source: project.source.clone(),
        metadata: project.metadata.clone(),
        version: settings.version.clone(),
        evr,
        prefix,
        interpreter,
        python: project.python.clone(),
        bytecode: bytecode(&project.python),
        compression: compression::compression(settings.compression, distribution)?,
        license: settings.license.clone(),
        url: settings.url.clone(),
        vendor: settings.vendor.clone(),
        maintainer: fields.maintainer,
        maintainer_is_given: settings.maintainer_is_given,
        builder: Builder::Omnipack,
        group: settings.group.clone(),
        section: fields.section,
        priority: fields.priority,
        licenses: settings.licenses.clone(),
        changelog: settings.changelog.clone(),
        source_date: options.source_date.unwrap_or(ZIP_EPOCH),
        rpm: project.rpm.clone(),
        deb: project.deb.clone(),
        library_map: relation::library_map(&project.library_map, &owner)?,
        target: settings.target,
        packages,
        left_out: Vec::new(),
        notes,
    })
}

/// Without Python there is nothing to compile.
fn bytecode(settings: &PythonSettings) -> BytecodeMode {
    match settings.interpreter {
        InterpreterSetting::None => BytecodeMode::None,
        InterpreterSetting::System | InterpreterSetting::Bundled { .. } => settings.bytecode,
    }
}

/// What wheels and native code have to fit.
///
/// # Errors
/// When the distribution is not made for that machine.
pub fn platform(distribution: &Distribution, machine: &str) -> Result<Platform, Error> {
    match distribution.architecture(machine) {
        Some(architecture) => Ok(Platform {
            machine: machine.to_owned(),
            architecture: architecture.to_owned(),
            glibc: distribution.glibc,
            baseline: distribution.baseline(machine),
        }),
        None => Err(Error::NoSuchMachine {
            distribution: distribution.name.clone(),
            machine: machine.to_owned(),
            machines: distribution.architectures.keys().cloned().collect::<Vec<_>>().join(", "),
        }),
    }
}
