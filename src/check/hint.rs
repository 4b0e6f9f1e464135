//! What there is to say of a project that can be built all the same: each hint with its code, its words and what to do.

use miette::Diagnostic;
use thiserror::Error;

use super::finding::Level;

/// Something that is likely to go wrong, or that others do better.
#[derive(Debug, Clone, PartialEq, Eq, Error, Diagnostic)]
pub enum Hint {
    // Services
    #[error("service `{service}` runs as root")]
    #[diagnostic(
        code(hint::root),
        help(
            "add an account, `[[user]] name = \"{account}\"`, and give the service `user = \"{account}\"`; what it has to \
             write goes into its `state-directory` or `logs-directory`"
        )
    )]
    Root { service: String, account: String },
    #[error("service `{service}` starts its program through `{program}`")]
    #[diagnostic(code(hint::shell), help("{help}"))]
    Shell { service: String, program: String, help: &'static str },
    #[error("{what} of service `{service}` seems to be a secret, and everybody can read it")]
    #[diagnostic(
        code(hint::secret),
        help(
            "units and packages are readable by everybody, and so is this file for who has the sources: leave the value out, and name an \
             `environment-file`, which root alone can read and operators write on each machine"
        )
    )]
    Secret { service: String, what: String },
    #[error("service `{service}` is to listen on port {port} as `{user}`, which only root may")]
    #[diagnostic(
        code(hint::port),
        help(
            "have systemd open it, with `listen = [\"{port}\"]`, if the program takes sockets (as gunicorn does), or take a port from \
             1024 on, behind a proxy"
        )
    )]
    Port { service: String, user: String, port: u16 },
    #[error("service `{service}` has no hardening")]
    #[diagnostic(
        code(hint::hardening),
        help(
            "leave `hardening` out, and the unit gets what the target's systemd can confine; what the service has to write can be given \
             back by `state-directory` and the other directories"
        )
    )]
    Hardening { service: String },
    #[error("service `{service}` is enabled whatever the policy of the machine says")]
    #[diagnostic(
        code(hint::enable),
        help(
            "leave `enable` out: Debian enables services by itself, and elsewhere presets (systemd.preset(5)) are how operators \
             decide"
        )
    )]
    Enable { service: String },
    #[error("`{command}` is no command of the application{near}")]
    #[diagnostic(
        code(hint::command),
        help("is it one of what the application requires, all is well; that is known when the packages are built")
    )]
    Command { command: String, near: String },

    // Files
    #[error("`{path}` can be written by everybody: its mode is {mode}")]
    #[diagnostic(
        code(hint::world_writable),
        help("give it an `owner` or a `group` that may write, and a mode such as {better}")
    )]
    WorldWritable { path: String, mode: String, better: String },
    #[error("service `{service}` runs `{path}`, which nobody can: its mode is {mode}")]
    #[diagnostic(
        code(hint::not_executable),
        help("give the file `mode = \"0755\"`, or make it executable in the sources (`chmod +x`)")
    )]
    NotExecutable { service: String, path: String, mode: String },
    #[error("what service `{service}` writes can be changed by everybody: its umask is {umask}")]
    #[diagnostic(code(hint::umask), help("`umask = \"0022\"`, or \"0027\" if nobody else has to read it"))]
    Umask { service: String, umask: String },
    #[error("`{path}` is no configuration file, and an upgrade replaces what was changed in it")]
    #[diagnostic(
        code(hint::config),
        help(
            "leave `config` out: below /etc, files are kept as operators edit them (Debian policy 10.7.2, `%config(noreplace)`)"
        )
    )]
    Config { path: String },
    #[error("nothing rotates the logs in `{directory}`")]
    #[diagnostic(
        code(hint::logrotate),
        help(
            "add `[[logrotate]] paths = [\"{directory}/*.log\"]`, or write to standard output, which the journal keeps in bounds"
        )
    )]
    Logrotate { directory: String },

    // Python
    #[error("{what} not pinned to one version: {names}")]
    #[diagnostic(code(hint::unpinned), help("another day, the same sources make another package. {how}"))]
    Unpinned { what: String, names: String, how: String },
    #[error("the pinned requirements of `{file}` have no hashes")]
    #[diagnostic(
        code(hint::hashes),
        help(
            "`uv pip compile --generate-hashes` (or `pip-compile`) writes them, and `require-hashes = true` refuses whatever has others; a \
             lock has them too"
        )
    )]
    Hashes { file: String },
    #[error("there is a password in the address of {what}")]
    #[diagnostic(
        code(hint::index_password),
        help(
            "whoever reads this file has it. Take it out, change it, and give the new one in the environment \
             (`UV_INDEX_URL`, `PIP_INDEX_URL`), in ~/.netrc or in the keyring"
        )
    )]
    IndexPassword { what: &'static str },
    #[error("`{address}` is read without TLS")]
    #[diagnostic(code(hint::index_http), help("whoever is on the way can give other packages: use `https://`"))]
    IndexHttp { address: String },
    #[error("Python {version} has had no fixes since {since}: {why}")]
    #[diagnostic(code(hint::python_eol), help("{help}"))]
    PythonEnd { version: String, since: String, why: String, help: String },
    #[error("Python {version} gets fixes until {until} only, and the package brings its own")]
    #[diagnostic(
        code(hint::python_soon),
        help("move on to a newer series before: `version` and `source` in `[python]`")
    )]
    PythonSoon { version: String, until: String },

    // Package
    #[error("it is not said under which licence the package is")]
    #[diagnostic(
        code(hint::license),
        help(
            "write it as SPDX does, `license = \"MIT\"`, in `[project]` of pyproject.toml or in `[package]`; the package says \"Unknown\" now"
        )
    )]
    License,
    #[error("it is not said who maintains the package")]
    #[diagnostic(
        code(hint::maintainer),
        help(
            "`maintainer = \"A Name <name@example.org>\"` in `[package]`, or `authors` in pyproject.toml; the package says \"Unknown\" now"
        )
    )]
    Maintainer,
    #[error("the version is {version}, which is what build backends write that find none")]
    #[diagnostic(
        code(hint::version),
        help("give the project a version, or `version` in `[package]`: upgrades go by it")
    )]
    Version { version: String },
    #[error("`{file}` is there, and not the package's changelog")]
    #[diagnostic(
        code(hint::changelog),
        help("`changelog = \"{file}\"` in `[package]`, and `rpm -q --changelog` and `apt changelog` show it")
    )]
    Changelog { file: String },

    // Targets
    #[error("{title} has not been supported since {since}")]
    #[diagnostic(
        code(hint::distribution_eol),
        help(
            "there are no security fixes, and its mirrors close: move on to a newer release, and take this one out of `[targets]` when nobody has it any more"
        )
    )]
    DistributionEnd { title: String, since: String },
    #[error("{title} is supported until {until} only")]
    #[diagnostic(
        code(hint::distribution_soon),
        help("add the next release to `[targets]`, so that there are packages to move on to")
    )]
    DistributionSoon { title: String, until: String },
    #[error("nothing is built for `{name}`, so what overrides for it has no effect")]
    #[diagnostic(code(hint::unused_override), help("take `[distribution.{name}]` out, or name it in `[targets]`"))]
    UnusedOverride { name: String },
    #[error("{note}")]
    #[diagnostic(
        code(hint::plan),
        help(
            "a build warns of this, too; what is meant for other distributions can stand below `[distribution.<name>]`"
        )
    )]
    Plan { note: String },

    // What was not looked at
    #[error("{what} when the application is built, so what depends on that was not looked at")]
    #[diagnostic(code(hint::not_built), help("`omnipack check --build` builds its wheel and looks at that, too"))]
    NotBuilt { what: String },
}

/// Every code of a hint.
pub const CODES: [&str; 27] = [
    "hint::root",
    "hint::shell",
    "hint::secret",
    "hint::port",
    "hint::hardening",
    "hint::enable",
    "hint::command",
    "hint::world_writable",
    "hint::not_executable",
    "hint::umask",
    "hint::config",
    "hint::logrotate",
    "hint::unpinned",
    "hint::hashes",
    "hint::index_password",
    "hint::index_http",
    "hint::python_eol",
    "hint::python_soon",
    "hint::license",
    "hint::maintainer",
    "hint::version",
    "hint::changelog",
    "hint::distribution_eol",
    "hint::distribution_soon",
    "hint::unused_override",
    "hint::plan",
    "hint::not_built",
];

impl Hint {
    /// How bad it is.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::Secret { .. }
            | Self::Port { .. }
            | Self::WorldWritable { .. }
            | Self::NotExecutable { .. }
            | Self::Umask { .. }
            | Self::IndexPassword { .. }
            | Self::IndexHttp { .. }
            | Self::Command { .. }
            | Self::PythonEnd { .. }
            | Self::DistributionEnd { .. }
            | Self::Version { .. }
            | Self::Plan { .. } => Level::Warning,
            Self::NotBuilt { .. } => Level::Note,
            Self::Root { .. }
            | Self::Shell { .. }
            | Self::Hardening { .. }
            | Self::Enable { .. }
            | Self::Config { .. }
            | Self::Logrotate { .. }
            | Self::Unpinned { .. }
            | Self::Hashes { .. }
            | Self::PythonSoon { .. }
            | Self::License
            | Self::Maintainer
            | Self::Changelog { .. }
            | Self::DistributionSoon { .. }
            | Self::UnusedOverride { .. } => Level::Hint,
        }
    }
}
