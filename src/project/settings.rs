//! The validated configuration, table by table: one struct each, every default in place.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[package]`. Texts come from the application's metadata where the user gave none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackageSettings {
    /// Name of the main package; meta-packages are `<name>-<meta>`.
    pub name: String,
    /// `/opt/<name>`
    pub prefix: String,
    /// PEP 440.
    pub version: String,
    pub release: String,
    pub epoch: u32,
    pub license: String,
    pub summary: String,
    pub description: String,
    pub url: String,
    pub vendor: String,
    pub maintainer: String,
    /// By the configuration: else it is the author of the application.
    #[serde(skip)]
    pub maintainer_is_given: bool,
    pub group: String,
    pub section: String,
    pub priority: String,
    pub version_scheme: VersionScheme,
    pub compression: CompressionSetting,
    pub changelog: Option<PathBuf>,
    pub licenses: Vec<PathBuf>,
    /// Is there a unit that stops, starts and restarts all services?
    pub target: bool,
    /// Links that the main package itself owns.
    pub links: Option<LinkSettings>,
}

/// `[package.links]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkSettings {
    /// `/usr/bin`
    pub directory: String,
    /// Commands in `<prefix>/bin`.
    pub scripts: Vec<String>,
}

/// Where pre-releases go in an EVR.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VersionScheme {
    /// `0.1.1rc1` is `0.1.1-0.rc.1`.
    #[default]
    Release,
    /// `0.1.1rc1` is `0.1.1~rc1-1`.
    Tilde,
}

/// How hard to compress; what is left open is chosen by what the target reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CompressionSetting {
    Fast,
    #[default]
    Balanced,
    Small,
    /// `zstd:9`
    Exact {
        algorithm: crate::distribution::Algorithm,
        level: Option<i32>,
    },
}

/// `[python]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PythonSettings {
    pub interpreter: InterpreterSetting,
    /// `3.11`; `None`: the distribution's default.
    pub version: Option<String>,
    /// Requirement files, absolute paths.
    pub requirements: Vec<PathBuf>,
    pub constraints: Vec<PathBuf>,
    pub extras: Vec<String>,
    /// `uv.lock` or `pylock.toml`, absolute path.
    pub lock: Option<PathBuf>,
    pub find_links: Vec<String>,
    pub index_url: Option<String>,
    pub extra_index_urls: Vec<String>,
    pub no_index: bool,
    pub require_hashes: bool,
    pub resolver: Resolver,
    pub bytecode: BytecodeMode,
    /// Packages of the target that the main package requires instead of bundling what they bring: `python3-lxml`.
    pub system_packages: Vec<String>,
    /// Globs of native code that may need a newer processor than the target's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub newer_cpu: Vec<String>,
    /// `None`: operators cannot add to the application.
    pub plugins: Option<Plugins>,
}

/// `[python.plugins]`: what operators add to the application with `<prefix>/bin/pip`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plugins {
    /// `/var/lib/<name>-plugins`
    pub directory: String,
    /// With the package?
    pub remove: bool,
}

/// Whose Python runs the application.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum InterpreterSetting {
    /// The distribution's package.
    #[default]
    System,
    /// A CPython shipped inside the prefix.
    Bundled {
        /// A directory, an archive, or a URL.
        source: String,
        /// Needed for a URL, checked for an archive.
        sha256: Option<String>,
    },
    /// There is no Python application: nothing is resolved and nothing is laid out.
    None,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Resolver {
    #[default]
    Uv,
    Pip,
}

/// When `.pyc` files are made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BytecodeMode {
    /// Here when an interpreter of the target's minor version is here, else on the target.
    #[default]
    Auto,
    /// Here, by an interpreter of the target's minor version; without one the build stops.
    Build,
    /// By a scriptlet on the target.
    Install,
    None,
}

/// `[[user]]`: a system account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User {
    pub name: String,
    /// Primary group; the user's own name when not given.
    pub group: String,
    pub home: String,
    /// `None`: the distribution's nologin.
    pub shell: Option<String>,
    pub groups: Vec<String>,
    pub remove: bool,
}

/// What stands for the target's machine (`uname -m`) in the `source` of a `[[file]]`.
pub const MACHINE: &str = "{machine}";

/// `[[file]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExtraFile {
    /// Absolute path of a file or a tree.
    pub source: PathBuf,
    pub destination: String,
    pub config: ConfigFile,
    /// `None`: that of the source, normalised to 0644 or 0755.
    pub mode: Option<u32>,
    pub owner: String,
    pub group: String,
    /// Is it documentation (rpm's `%doc`)?
    pub doc: bool,
    /// File capabilities (capabilities(7)), `cap_net_bind_service=ep`; `None`: none.
    pub capabilities: Option<String>,
    /// Paths that this configuration file had in earlier versions.
    pub formerly: Vec<String>,
    /// Render with minijinja: `name`, `version`, `prefix`, `distribution`, ...
    pub template: bool,
    /// `None`: main.
    pub package: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConfigFile {
    /// Not a config file.
    #[default]
    No,
    /// An edited file is saved as `.rpmsave` and replaced.
    Replace,
    /// An edited file stays.
    Noreplace,
}

/// `[[directory]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExtraDirectory {
    pub path: String,
    pub mode: u32,
    pub owner: String,
    pub group: String,
    pub ghost: bool,
    pub package: Option<String>,
}

/// `[[logrotate]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Logrotate {
    pub paths: Vec<String>,
    pub rotate: u32,
    pub frequency: String,
    pub compress: bool,
    /// Service to reload or restart after a rotation; `None`: copytruncate.
    pub service: Option<String>,
    pub package: Option<String>,
}

/// `[[meta-package]]`: links and requirements, no architecture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MetaPackage {
    /// `cli`
    pub name: String,
    /// Name of the package; `None`: `<main>-<name>`.
    pub package_name: Option<String>,
    pub summary: Option<String>,
    pub description: Option<String>,
    /// `/usr/bin`
    pub link_directory: String,
    /// `None`: every console script of the application itself.
    pub scripts: Option<Vec<String>>,
    pub relations: RelationSettings,
}

/// `[relations]`, as written; words of the target's package manager.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RelationSettings {
    /// Without these, it cannot be installed.
    pub requires: Vec<String>,
    /// As `requires`, and complete before this package's scriptlets run (`Requires(pre)`, `Pre-Depends`).
    pub requires_pre: Vec<String>,
    /// Installed with it unless the user objects.
    pub recommends: Vec<String>,
    /// Goes well with it.
    pub suggests: Vec<String>,
    /// Packages that this one is recommended for.
    pub supplements: Vec<String>,
    /// Packages that this one is suggested for.
    pub enhances: Vec<String>,
    /// Cannot be installed together with it.
    pub conflicts: Vec<String>,
    /// Packages that this one takes the place of at an upgrade (rpm).
    pub obsoletes: Vec<String>,
    /// Names that others may require.
    pub provides: Vec<String>,
    /// Packages whose files it takes over (Debian).
    pub replaces: Vec<String>,
    /// Packages that do not work with it (Debian).
    pub breaks: Vec<String>,
}

/// When a scriptlet runs (rpm's names).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ScriptletKind {
    Pretrans,
    Pre,
    Post,
    Preun,
    Postun,
    Posttrans,
    Verify,
    /// Debian's alone: rpm has nothing of the kind.
    Purge,
}

/// `[[trigger]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trigger {
    /// Package, optionally with a version: `nginx >= 1.20`.
    pub on: String,
    pub when: TriggerWhen,
    /// The script's text.
    pub script: String,
    pub interpreter: String,
    pub package: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TriggerWhen {
    In,
    Un,
    Postun,
}

/// `[rpm]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RpmSettings {
    /// Architectures that it cannot be built for.
    pub exclude_arch: Vec<String>,
    /// The only architectures that it can be built for.
    pub exclusive_arch: Vec<String>,
    /// Operating systems that it is not for.
    pub exclude_os: Vec<String>,
    /// The only operating systems that it is for.
    pub exclusive_os: Vec<String>,
    /// Relocatable prefixes.
    pub prefixes: Vec<String>,
    /// What building from the spec file needs.
    pub build_requires: Vec<String>,
    /// Patches for the spec file, applied in order.
    pub patches: Vec<String>,
    /// Further sources of the spec file: files, and addresses whose file has to lie beside the spec.
    pub sources: Vec<String>,
    /// Which of them the source package leaves out, by file name; the application's own archive is `Source0`.
    pub no_source: Vec<String>,
    /// Which patches the source package leaves out, by file name.
    pub no_patch: Vec<String>,
}

/// `[deb]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct DebSettings {
    /// May it be installed for several architectures at once, and for packages of other architectures? Default: `foreign`
    /// for packages without native code, `no` for those with it.
    pub multi_arch: Option<MultiArch>,
    /// dpkg triggers that installing, upgrading or removing the main package activates (deb-triggers(5)).
    pub activate: Vec<String>,
    /// What Debian source packages need to be built besides what the build backend says: `libpq-dev (>= 13)`.
    pub build_requires: Vec<String>,
}

/// `Multi-Arch` of deb-control(5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MultiArch {
    No,
    /// Packages of several architectures can be installed beside each other.
    Same,
    /// It serves packages of any architecture.
    Foreign,
    /// Packages that depend on it choose between both.
    Allowed,
}

/// `[builder]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BuilderSettings {
    pub engine: BuilderEngine,
    /// Instead of the distribution's own.
    pub image: Option<String>,
    /// Packages of the distribution, besides those that any builder needs.
    pub packages: Vec<String>,
    /// What `[rpm]` or `[deb]` says that a build needs, by the format of the distribution.
    pub build_requires: Vec<String>,
    /// To enable besides those that the Python comes from.
    pub repositories: Vec<String>,
    /// In the engine's words: `host`.
    pub network: String,
}

/// What runs the containers that C code is compiled in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BuilderEngine {
    /// podman, or else docker, or else nothing.
    #[default]
    Auto,
    Podman,
    Docker,
    /// No container: this machine compiles by itself what can be compiled here.
    None,
}
