//! What can be wrong with a plan.

use miette::Diagnostic;
use thiserror::Error as ThisError;

/// A contradiction between what the user asked for and what the distribution can do, or within what the user asked
/// for.
#[derive(Debug, ThisError, Diagnostic)]
pub enum Error {
    #[error("{distribution} has no Python {version}")]
    #[diagnostic(code(plan::python), help("{hint}"))]
    NoSuchPython { distribution: String, version: String, hint: String },
    #[error("`{package}` is for Python {series}, but the application runs on {own} on {distribution}")]
    #[diagnostic(
        code(plan::system_packages),
        help(
            "take the package for {own} in `system-packages`, or `version = \"{series}\"` in `[python]`; `system-packages = []` under `[distribution.{distribution}.python]` bundles everything there"
        )
    )]
    SystemPackageSeries { package: String, series: String, own: String, distribution: String },
    #[error("`{version}` is not a Python version")]
    #[diagnostic(code(plan::python_version), help("write `version = \"3.11\"` in `[python]`"))]
    PythonVersion { version: String },
    #[error("the version of the bundled interpreter `{origin}` is not known")]
    #[diagnostic(code(plan::bundled_python), help("say it with `version = \"3.11\"` in `[python]`"))]
    BundledPython { origin: String },
    #[error("{application} needs Python {requires}, but would run on {version} on {distribution}")]
    #[diagnostic(code(plan::requires_python), help("{hint}"))]
    RequiresPython { application: String, requires: String, version: String, distribution: String, hint: String },
    #[error("{distribution} does not run on `{machine}`")]
    #[diagnostic(
        code(plan::machine),
        help("it runs on {machines}; `architectures` in `[distribution.{distribution}]` adds one")
    )]
    NoSuchMachine { distribution: String, machine: String, machines: String },
    #[error("`{version}` cannot be the version of a package: {reason}")]
    #[diagnostic(code(plan::version), help("give a PEP 440 version in `[package]`: `version = \"1.0\"`"))]
    Version { version: String, reason: String },
    #[error("`{release}` cannot be the release of a package: {reason}")]
    #[diagnostic(code(plan::release), help("write `release = \"1\"` in `[package]`"))]
    Release { release: String, reason: String },
    #[error("rpm {tool_version} of {distribution} does not know `~` in versions")]
    #[diagnostic(
        code(plan::tilde),
        help("use `version-scheme = \"release\"` for it, under `[distribution.{distribution}.package]`")
    )]
    NoTilde { distribution: String, tool_version: String },
    #[error("`{name}` cannot be the name of a {format} package: {reason}")]
    #[diagnostic(code(plan::name), help("{hint}"))]
    Name { name: String, format: &'static str, reason: String, hint: String },
    #[error("`{prefix}` cannot be the prefix: {reason}")]
    #[diagnostic(code(plan::prefix), help("choose a directory of the application's own, such as `/opt/app`"))]
    Prefix { prefix: String, reason: String },
    #[error("the relation `{relation}` (`{key}` of {owner}) is not usable: {reason}")]
    #[diagnostic(code(plan::relation), help("{hint}"))]
    Relation { relation: String, key: &'static str, owner: String, reason: String, hint: String },
    #[error("{what} belongs to package `{package}`, which there is not")]
    #[diagnostic(code(plan::package), help("the packages are {known}; a `[[meta-package]]` adds one"))]
    NoSuchPackage { what: String, package: String, known: String },
    #[error("{what} `{name}` is there twice")]
    #[diagnostic(code(plan::duplicate), help("{hint}"))]
    Duplicate { what: &'static str, name: String, hint: &'static str },
    #[error("{distribution} does not read packages compressed with {algorithm}: its {tool} is {tool_version}")]
    #[diagnostic(code(plan::compression), help("{hint}"))]
    Compression {
        distribution: String,
        algorithm: &'static str,
        tool: &'static str,
        tool_version: String,
        hint: String,
    },
    #[error("`{section}` cannot be the section of a Debian package")]
    #[diagnostic(code(plan::section), help("write one word: `section = \"admin\"` in `[package]`"))]
    Section { section: String },
    #[error("{algorithm} has no compression level {level}")]
    #[diagnostic(code(plan::compression_level), help("its levels are {lowest} to {highest}"))]
    CompressionLevel { algorithm: &'static str, level: i32, lowest: i32, highest: i32 },
    #[error("log rotation of {paths} is to reload service `{service}`, which there is not")]
    #[diagnostic(code(plan::service), help("the services are {known}"))]
    NoSuchService { paths: String, service: String, known: String },
}
