//! The configuration as written: what `omnipack.toml` may hold, every key optional. The JSON Schema
//! (`omnipack.schema.json`) is made from these types, and [`super::shape`] checks a file against that schema, so a
//! key exists exactly when it has a field here. What the values mean is checked in `values.rs` and `parts.rs`.

mod scripts;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::raw_targets::{Checking, TargetRow, Targets};

use super::{
    BuilderEngine, BytecodeMode, ConfigFile, DebSettings, Enable, RelationSettings, Resolver, RpmSettings,
    VersionScheme,
};

pub use scripts::{PackageMapEntry, Scriptlets, Trigger};

/// Configuration of omnipack: `omnipack.toml`, or the table `[tool.omnipack]` of `pyproject.toml`. Every key is
/// optional, and so is the file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[schemars(deny_unknown_fields, title = "omnipack")]
pub struct Configuration {
    /// Name, version and texts of the packages. Defaults come from the application's metadata.
    pub package: Option<Package>,
    /// The Python that runs the application, and what is installed for it.
    pub python: Option<Python>,
    /// Long-running processes.
    pub service: Vec<Service>,
    /// System accounts.
    pub user: Vec<User>,
    /// Extra files, templates or trees.
    pub file: Vec<File>,
    /// Directories that the package owns.
    pub directory: Vec<Directory>,
    /// Log rotation.
    pub logrotate: Vec<Logrotate>,
    /// Packages without content of their own: links to commands, services, requirements.
    pub meta_package: Vec<MetaPackage>,
    /// Relations of the main package to packages of the distribution.
    pub relations: RelationSettings,
    /// Scripts that the package manager runs: text, or a file beside the configuration.
    pub scriptlets: Scriptlets,
    /// Scripts that run when another package is installed or removed.
    pub trigger: Vec<Trigger>,
    /// What only RPM knows.
    pub rpm: RpmSettings,
    /// What only dpkg knows.
    pub deb: DebSettings,
    /// Shared library (`libpq.so.5`) to the relation that brings it (`libpq5 (>= 13)`), instead of what omnipack would
    /// require for it; empty where nothing is to be required. A table is for the distribution or family that it is named
    /// after; the most specific entry wins.
    pub library_map: BTreeMap<String, PackageMapEntry>,
    /// PyPI name to distribution package, for specs that bundle nothing. A table is for the distribution or family
    /// that it is named after; the most specific entry wins.
    pub package_map: BTreeMap<String, PackageMapEntry>,
    /// The container in which C code is compiled for a target.
    pub builder: Builder,
    /// What to build for when the command line names no distribution.
    pub targets: Targets,
    /// What `omnipack check` looks at.
    pub check: Checking,
    /// Overrides for one distribution or family, and facts of distributions.
    pub distribution: BTreeMap<String, Overrides>,
}

/// Overrides for the distribution or family that the table is named after: the most specific value wins, tables
/// merge key by key, entries of arrays of tables merge by `name` (those without a name are added), any other value
/// replaces. All other keys are facts about the distribution, as `omnipack distributions --json` shows them.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub struct Overrides {
    pub package: Option<Package>,
    pub python: Option<Python>,
    pub service: Vec<Service>,
    pub user: Vec<User>,
    pub file: Vec<File>,
    pub directory: Vec<Directory>,
    pub logrotate: Vec<Logrotate>,
    pub meta_package: Vec<MetaPackage>,
    pub relations: RelationSettings,
    pub scriptlets: Scriptlets,
    pub trigger: Vec<Trigger>,
    pub rpm: RpmSettings,
    pub deb: DebSettings,
    pub builder: Builder,
    /// Shared library to relation, for this distribution.
    pub library_map: BTreeMap<String, String>,
    /// PyPI name to package of this distribution.
    pub package_map: BTreeMap<String, String>,
}

/// `[builder]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[schemars(deny_unknown_fields)]
pub struct Builder {
    /// What runs containers. Default: `auto`, podman or else docker.
    pub engine: Option<BuilderEngine>,
    /// The image that the builder is made from, pinned with `@sha256:...`. Default: the distribution's (its fact `image`).
    pub image: Option<String>,
    /// Packages of the distribution to install besides compilers, the target's Python and what `build-requires` says.
    pub packages: Vec<String>,
    /// Repositories to enable besides those that the Python comes from: `epel`, `crb`.
    pub repositories: Vec<String>,
    /// Network of the containers, in the engine's words. Default: `host`, so that they reach an index or proxy as omnipack
    /// itself does.
    pub network: Option<String>,
}

/// `[package]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[schemars(deny_unknown_fields)]
pub struct Package {
    /// Name of the main package; meta-packages are `<name>-<meta>`. Default: the application's name in lower case,
    /// with `-` for `_`.
    pub name: Option<String>,
    /// Directory of the virtual environment on the target. Default: `/opt/<name>`.
    pub prefix: Option<String>,
    /// PEP 440 version. Default: the application's.
    pub version: Option<String>,
    /// Release of the package. Default: `1`.
    pub release: Option<String>,
    /// Epoch: sorts before the version. Default: 0.
    pub epoch: Option<u32>,
    /// Licence, as an SPDX expression.
    pub license: Option<String>,
    /// One line that says what the application is.
    pub summary: Option<String>,
    /// What the application is, in some lines.
    pub description: Option<String>,
    /// Home page.
    pub url: Option<String>,
    /// Who distributes the package.
    pub vendor: Option<String>,
    /// Who maintains the package: `Name <mail@host>`.
    pub maintainer: Option<String>,
    /// RPM group. Default: `Applications/System`.
    pub group: Option<String>,
    /// Debian section. Default: `admin`.
    pub section: Option<String>,
    /// Debian priority. Default: `optional`.
    pub priority: Option<Priority>,
    /// Where pre-releases go in version and release.
    pub version_scheme: Option<VersionScheme>,
    /// `fast`, `balanced` (the default), `small`, or an algorithm with a level: `zstd:9`, `xz:6`, `gzip:9`.
    pub compression: Option<String>,
    /// Change log in Markdown.
    pub changelog: Option<String>,
    /// Licence texts. Default: `LICENSE*`, `LICENCE*`, `COPYING*` and `NOTICE*` beside the project.
    pub licenses: Option<Vec<String>>,
    /// Is there `<name>.target`, which stops, starts and restarts all services (systemd)? Default: with two or more
    /// services or instances.
    pub target: Option<bool>,
    /// Links to commands that the main package itself owns.
    pub links: Option<Links>,
}

/// `[package.links]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[schemars(deny_unknown_fields)]
pub struct Links {
    /// Where the links lie. Default: `/usr/bin`.
    pub directory: Option<String>,
    /// Commands in `<prefix>/bin` to link.
    pub scripts: Vec<String>,
}

/// Debian priorities (policy 2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    Required,
    Important,
    Standard,
    Optional,
    Extra,
}

/// `[python]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[schemars(deny_unknown_fields)]
pub struct Python {
    /// Whose Python runs the application; `none` for a package without one. Default: `system`.
    pub interpreter: Option<Interpreter>,
    /// The bundled CPython: a directory, an archive, or a URL.
    pub source: Option<String>,
    /// SHA-256 of the bundled CPython's archive, in hexadecimal.
    pub sha256: Option<String>,
    /// Series such as `3.11`. Default: the distribution's default Python.
    pub version: Option<String>,
    /// Requirement files, installed beside the application. Default: none, or `requirements.txt` for a project that
    /// has only modules.
    pub requirements: Option<Vec<String>>,
    /// Constraint files.
    pub constraints: Option<Vec<String>>,
    /// Extras of the application to install.
    pub extras: Option<Vec<String>>,
    /// `uv.lock` or `pylock.toml`: what to install, exactly.
    pub lock: Option<String>,
    /// Directories or pages with wheels.
    pub find_links: Option<Vec<String>>,
    /// Package index to use. Credentials come from the environment, netrc or keyring.
    pub index_url: Option<String>,
    /// More package indexes.
    pub extra_index_urls: Option<Vec<String>>,
    /// Use no package index. Default: false.
    pub no_index: Option<bool>,
    /// Refuse whatever has no hash in the requirement files or the lock. Default: false.
    pub require_hashes: Option<bool>,
    /// What decides the versions. Default: `uv`.
    pub resolver: Option<Resolver>,
    /// When bytecode is made. Default: `auto`.
    pub bytecode: Option<BytecodeMode>,
    /// Packages of the target that take the place of what would be bundled, or that are needed besides:
    /// `python3-lxml`. The virtualenv then sees the distribution's packages. Default: none.
    pub system_packages: Option<Vec<String>>,
    /// Native code that may need a newer processor than all have that the distribution runs on, since it is taken only
    /// where the processor fits: globs of files, by the end of their path or, with `/` in front, by all of it.
    pub newer_cpu: Option<Vec<String>>,
    /// Only `false`: native code is shipped as its wheel has it, since stripping damages the libraries in wheels.
    pub strip: Option<bool>,
    /// Let operators add to the application: `<prefix>/bin/pip` installs into a directory outside of the packaged tree,
    /// which survives upgrades. `true`, or where and how. Default: false.
    pub plugins: Option<Plugins>,
}

/// `true` or `false`, without quotes, or a table with `directory` and `remove`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Plugins {
    Switch(bool),
    Table(PluginsTable),
}

/// `[python.plugins]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[schemars(deny_unknown_fields)]
pub struct PluginsTable {
    /// Where plugins lie: a directory of the package's own that only root writes to. Default:
    /// `/var/lib/<name>-plugins`.
    pub directory: Option<String>,
    /// Remove the plugins with the package. Default: false, they stay for the next installation.
    pub remove: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Interpreter {
    /// The distribution's package.
    System,
    /// A CPython inside the prefix.
    Bundled,
    /// None: a package of `[[file]]`, `[[service]]` and so on alone, with no Python application in it.
    None,
}

/// `[[service]]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[schemars(deny_unknown_fields)]
pub struct Service {
    /// The unit or init script is `<package>-<name>`.
    pub name: Option<String>,
    /// One line for the service manager. Default: `<summary> (<name>)`.
    pub description: Option<String>,
    /// Program and arguments. The first word is resolved against `<prefix>/bin`. Words as a shell splits them, but no
    /// shell runs: no pipes, redirections or variables.
    pub command: Option<String>,
    /// Account that it runs as. Default: `root`.
    pub user: Option<String>,
    /// Group that it runs as. Default: the primary group of the user.
    pub group: Option<String>,
    /// Absolute path.
    pub working_directory: Option<String>,
    /// Octal. Default: `0022`.
    pub umask: Option<String>,
    /// Environment variables.
    pub environment: Option<BTreeMap<String, String>>,
    /// Absolute path of a file with `NAME=value` lines, read if it exists. A `[[file]]` of that destination that has no
    /// `mode` is for root only (0600).
    pub environment_file: Option<String>,
    /// Units that have to be up before; services of this file by their names. Default: `network-online.target`, which a
    /// list has to name itself.
    pub after: Option<Vec<String>>,
    /// Units that have to wait for it; services of this file by their names.
    pub before: Option<Vec<String>>,
    /// Units without which it cannot run: it waits for them and is stopped with them. Services of this file by their names.
    pub requires: Option<Vec<String>>,
    /// Units or init scripts of earlier versions, or of another package, that it takes the place of: it is enabled
    /// and started where they were, and they are stopped.
    pub formerly: Option<Vec<String>>,
    /// Number of instances: `<package>-<name>@1` and so on. `{instance}` in the command, the environment and the
    /// environment file is the number.
    pub count: Option<u32>,
    /// When it runs: a word (`daily`), a line of cron (`30 4 * * 1-5`) or a calendar expression of systemd, in the target's
    /// local time. `weekly` is systemd's (Monday), `@weekly` cron's (Sunday). It is then
    /// of the type `oneshot`.
    pub schedule: Option<String>,
    /// Sockets that are opened for it, and start it at the first connection: `8000`, `127.0.0.1:8000`,
    /// `/run/app/web.sock` (socket activation, sd_listen_fds(3)).
    pub listen: Option<Vec<String>>,
    /// When to restart it. Default: `on-failure`.
    pub restart: Option<Restart>,
    /// Seconds between its end and its restart; while it goes on failing, systemd 254 and later lets them grow to a
    /// minute. With 0 it is given up after five starts in ten seconds. Default: 1.
    pub restart_delay: Option<u32>,
    /// How the service says that it is up. Default: `simple`; with a `schedule`, `oneshot`.
    #[serde(rename = "type")]
    pub kind: Option<ServiceType>,
    /// Seconds within which it has to say again that it lives (sd_notify, `WATCHDOG=1`); otherwise it is restarted.
    /// Default: it is not watched.
    pub watchdog: Option<u32>,
    /// What makes it read its configuration again: a command, in which `$MAINPID` is its process, or a signal (`HUP`).
    pub reload: Option<String>,
    /// Seconds that it may take to start. Default: the service manager's.
    pub start_timeout: Option<u32>,
    /// Seconds between asking it to stop and killing it. Default: 30.
    pub stop_timeout: Option<u32>,
    /// Number of files that it may have open.
    pub limit_nofile: Option<u64>,
    /// Number of processes and threads that its account may have.
    pub limit_nproc: Option<u64>,
    /// Size of a core dump: bytes, or with K, M, G or T.
    pub limit_core: Option<String>,
    /// Memory of all its processes, where the service manager can limit it: bytes, or with K, M, G or T.
    pub memory_max: Option<String>,
    /// Share of processor time, where the service manager can limit it: `50%`; `200%` is two processors.
    pub cpu_quota: Option<String>,
    /// Number of processes and threads, where the service manager can limit it.
    pub tasks_max: Option<u64>,
    /// Scheduling priority, from -20 (first) to 19 (last).
    pub nice: Option<i8>,
    /// Take away what a service seldom needs (privileges, devices, other users' files). Default: true.
    pub hardening: Option<bool>,
    /// Directory below `/var/lib` that belongs to its user; `""` for none. Default: with `hardening` and a user other
    /// than root, the package's name, or the name of the unit where services have different users.
    pub state_directory: Option<String>,
    /// Directory below `/var/log` that belongs to its user; `""` for none. Default: as for `state-directory`.
    pub logs_directory: Option<String>,
    /// Directory below `/var/cache` that belongs to its user. Default: none.
    pub cache_directory: Option<String>,
    /// Directory below `/run` that belongs to its user and goes when it stops; `""` for none. Default: with
    /// `hardening` and a user other than root, the name of the unit.
    pub runtime_directory: Option<String>,
    /// Is it enabled at first install? Default: `preset`.
    pub enable: Option<Enable>,
    /// Is it started at first install? Default: false.
    pub start: Option<bool>,
    /// Is it restarted on upgrade if it runs? Default: true.
    pub restart_on_upgrade: Option<bool>,
    /// How `omnipack smoke` finds out that it works. Default: by whether it runs.
    pub check: Option<Check>,
    /// Package that owns it: a meta-package, or `main`. Default: `node`.
    pub package: Option<String>,
}

/// `[service.check]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[schemars(deny_unknown_fields)]
pub struct Check {
    /// Address that has to answer: `http://127.0.0.1:8000/health`.
    pub http: Option<String>,
    /// The only good HTTP status. Default: any from 200 to 399.
    pub status: Option<u16>,
    /// Address that has to accept a connection: `127.0.0.1:5555`.
    pub tcp: Option<String>,
    /// Command that has to end with 0; words as in the service's command.
    pub command: Option<String>,
    /// Seconds after the start within which it has to hold. Default: 30.
    pub timeout: Option<u32>,
}

/// systemd.service(5), `Restart=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    No,
    Always,
    OnSuccess,
    OnFailure,
    OnAbnormal,
    OnAbort,
    OnWatchdog,
}

/// systemd.service(5), `Type=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceType {
    /// It is up as soon as it is started, and stays in the foreground.
    Simple,
    /// It goes into the background by itself.
    Forking,
    /// It does its work and ends.
    Oneshot,
    /// It tells systemd (sd_notify).
    Notify,
    /// As `simple`, but started after all other jobs.
    Idle,
}

/// `[[user]]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[schemars(deny_unknown_fields)]
pub struct User {
    /// Name of the account.
    pub name: Option<String>,
    /// Primary group. Default: the name.
    pub group: Option<String>,
    /// Home directory. Default: `/var/lib/<name>`.
    pub home: Option<String>,
    /// Default: the distribution's `nologin`.
    pub shell: Option<String>,
    /// Further groups.
    pub groups: Option<Vec<String>>,
    /// Remove the account with the package. Default: false.
    pub remove: Option<bool>,
}

/// `[[file]]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[schemars(deny_unknown_fields)]
pub struct File {
    /// File or directory, relative to the configuration. `{machine}` in it is the target's machine, as `uname -m` says it.
    pub source: Option<String>,
    /// Absolute path on the target; with a `/` at its end, the directory to put it in.
    pub destination: Option<String>,
    /// What becomes of an edited file at an upgrade. Default: `noreplace` below `/etc`, `no` elsewhere.
    pub config: Option<ConfigFile>,
    /// Octal. Default: 0755 for what is executable, 0644 otherwise.
    pub mode: Option<String>,
    /// Default: `root`.
    pub owner: Option<String>,
    /// Default: `root`.
    pub group: Option<String>,
    /// Is it documentation, which a system may do without? Default: false.
    pub doc: Option<bool>,
    /// File capabilities, such as `cap_net_bind_service=ep`. Default: none.
    pub capabilities: Option<String>,
    /// Paths that this configuration file had in earlier versions: what was edited there is moved here (DEB; an RPM
    /// leaves it as `.rpmsave`).
    pub formerly: Option<Vec<String>>,
    /// Render it with the names `name`, `version`, `prefix`, `distribution`... Default: false.
    pub template: Option<bool>,
    /// Package that owns it: a meta-package, or `main` (the default).
    pub package: Option<String>,
}

/// `[[directory]]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[schemars(deny_unknown_fields)]
pub struct Directory {
    /// Absolute path on the target.
    pub path: Option<String>,
    /// Octal. Default: `0755`.
    pub mode: Option<String>,
    /// Default: `root`.
    pub owner: Option<String>,
    /// Default: `root`.
    pub group: Option<String>,
    /// Made when a service starts, not by the package. Default: false.
    pub ghost: Option<bool>,
    /// Package that owns it: a meta-package, or `main` (the default).
    pub package: Option<String>,
}

/// `[[logrotate]]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[schemars(deny_unknown_fields)]
pub struct Logrotate {
    /// Absolute paths, with `*` and `?`.
    pub paths: Option<Vec<String>>,
    /// How many old logs are kept. Default: 8.
    pub rotate: Option<u32>,
    /// Default: `weekly`.
    pub frequency: Option<Frequency>,
    /// Default: true.
    pub compress: Option<bool>,
    /// Service that opens its logs again after a rotation. Default: none, the log is copied and truncated.
    pub service: Option<String>,
    /// Package that owns it: a meta-package, or `main` (the default).
    pub package: Option<String>,
}

/// logrotate(8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Frequency {
    Hourly,
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// `[[meta-package]]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[schemars(deny_unknown_fields)]
pub struct MetaPackage {
    /// The package is `<main>-<name>`.
    pub name: Option<String>,
    /// Name of the package, instead of `<main>-<name>`.
    pub package_name: Option<String>,
    /// Default: that of the main package, with the name.
    pub summary: Option<String>,
    /// Default: that of the main package.
    pub description: Option<String>,
    /// Where the links lie. Default: `/usr/sbin` for `node`, `/usr/bin` for any other.
    pub link_directory: Option<String>,
    /// Commands in `<prefix>/bin` to link. Default: every console script of the application; none for `node`.
    pub scripts: Option<Vec<String>>,
    #[serde(flatten)]
    pub relations: RelationSettings,
}
