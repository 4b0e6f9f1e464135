//! The target as wheels and markers see it: tags, marker environment, the words that resolvers know it by.

use std::collections::BTreeMap;

use pep508_rs::pep440_rs::Version;
use pep508_rs::{ExtraName, MarkerEnvironment, MarkerEnvironmentBuilder, MarkerTree, VerbatimUrl};

use super::Error;
use super::tags::Tags;
use crate::distribution::{Isa, ToolVersion};
use crate::plan::{Interpreter, Platform};

/// glibc minors for which uv has a `--python-platform` word, newest first.
const UV_MANYLINUX: [u32; 12] = [40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 28, 17];

/// One Python on one platform.
#[derive(Debug, Clone)]
pub struct Target {
    pub python: ToolVersion,
    /// `3.6.8`
    pub full_version: String,
    pub machine: String,
    pub glibc: ToolVersion,
    /// What native code may ask of the processor.
    pub baseline: Option<Isa>,
    pub tags: Tags,
    environment: MarkerEnvironment,
}

impl Target {
    /// # Errors
    /// When the interpreter's version makes no marker environment.
    pub fn new(interpreter: &Interpreter, platform: &Platform) -> Result<Self, Error> {
        let python = interpreter.version;
        let full_version = full_version(python);
        let series = format!("{}.{}", python.major, python.minor);
        let environment = MarkerEnvironment::try_from(MarkerEnvironmentBuilder {
            implementation_name: "cpython",
            implementation_version: &full_version,
            os_name: "posix",
            platform_machine: &platform.machine,
            platform_python_implementation: "CPython",
            platform_release: "",
            platform_system: "Linux",
            platform_version: "",
            python_full_version: &full_version,
            python_version: &series,
            sys_platform: "linux",
        })
        .map_err(|error| Error::Input {
            file: format!("Python {full_version}"),
            reason: error.to_string(),
            help: "give `[python] version` as `3.9`".to_owned(),
        })?;
        Ok(Self {
            python,
            full_version,
            machine: platform.machine.clone(),
            glibc: platform.glibc,
            baseline: platform.baseline,
            tags: Tags::new(interpreter, platform),
            environment,
        })
    }

    /// `CPython 3.6 on x86_64 with glibc 2.17`
    #[must_use]
    pub fn describe(&self) -> String {
        format!("CPython {}.{} on {} with glibc {}", self.python.major, self.python.minor, self.machine, self.glibc)
    }

    /// `cp36-x86_64`: names what is built for this Python and machine.
    #[must_use]
    pub fn slug(&self) -> String {
        format!("cp{}{}-{}", self.python.major, self.python.minor, self.machine)
    }

    /// uv's word for the platform; `None` where it has none and pip has to do it.
    #[must_use]
    pub fn uv_platform(&self) -> Option<String> {
        if !matches!(self.machine.as_str(), "x86_64" | "aarch64") {
            return None;
        }
        let fits = |minor: &&u32| self.glibc.major == 2 && **minor <= self.glibc.minor;
        let minor = UV_MANYLINUX.iter().find(fits).unwrap_or(&17);
        Some(format!("{}-manylinux_2_{minor}", self.machine))
    }

    /// # Errors
    /// When `marker` is not a PEP 508 marker.
    pub fn holds(&self, marker: &str, extras: &[ExtraName]) -> Result<bool, String> {
        let tree = MarkerTree::parse_str::<VerbatimUrl>(marker).map_err(|error| error.message.to_string())?;
        Ok(self.accepts(&tree, extras))
    }

    #[must_use]
    pub fn accepts(&self, marker: &MarkerTree, extras: &[ExtraName]) -> bool {
        marker.evaluate(&self.environment, extras)
    }

    /// What markers are evaluated in.
    #[must_use]
    pub fn environment(&self) -> &MarkerEnvironment {
        &self.environment
    }

    /// Marker variables by name, for pip's interpreter.
    #[must_use]
    pub fn marker_variables(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("implementation_name", "cpython".to_owned()),
            ("implementation_version", self.full_version.clone()),
            ("os_name", "posix".to_owned()),
            ("platform_machine", self.machine.clone()),
            ("platform_python_implementation", "CPython".to_owned()),
            ("platform_release", String::new()),
            ("platform_system", "Linux".to_owned()),
            ("platform_version", String::new()),
            ("python_full_version", self.full_version.clone()),
            ("python_version", format!("{}.{}", self.python.major, self.python.minor)),
            ("sys_platform", "linux".to_owned()),
        ])
    }

    /// Does this Python satisfy a `Requires-Python`? One that cannot be read is taken as satisfied, as pip does.
    #[must_use]
    pub fn satisfies(&self, requires_python: &str) -> bool {
        let specifiers = requires_python.parse::<pep508_rs::pep440_rs::VersionSpecifiers>();
        match (specifiers, self.full_version.parse::<Version>()) {
            (Ok(specifiers), Ok(version)) => specifiers.contains(&version),
            _ => true,
        }
    }
}

/// The exact version when the plan knows it, else the oldest patch release in use.
fn full_version(python: ToolVersion) -> String {
    if python.patch != 0 {
        return python.to_string();
    }
    let series = format!("{}.{}", python.major, python.minor);
    let table = include_str!("pythons.toml").parse::<toml::Table>().unwrap_or_default();
    match table.get(&series).and_then(toml::Value::as_str) {
        Some(full) => full.to_owned(),
        None => format!("{series}.0"),
    }
}
