//! `omnipack init`: looks at a project and writes a configuration that builds at once.
//!
//! [`Tree`] holds what is looked at; each detector (a file of its own) adds to `finding::Findings` what it sees, with file
//! and line. [`propose`] merges: services by `settle`, distributions by `targets`. [`text`] renders
//! `templates/init/omnipack.toml`. Nothing of the project is run, and nothing is asked of a network.

mod debian;
mod dockerfile;
mod finding;
mod fpm;
mod leftovers;
mod procfile;
mod program;
mod proposal;
mod python;
mod render;
mod settle;
mod spec;
mod supervisor;
mod sysvinit;
mod targets;
#[cfg(test)]
mod tests;
mod traces;
mod tree;
mod unit;
mod words;

use std::io::Write;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use thiserror::Error as ThisError;

pub use finding::{Note, Origin};
pub use proposal::{Proposal, Surroundings, account_of, propose};
pub use python::Kind;
pub use render::text;
pub use settle::{Obstacle, Role, Service};
pub use targets::{Target, Targets, day};
pub use tree::Tree;

use crate::project::{Config, Source};

/// Why there is no configuration.
#[derive(Debug, ThisError, Diagnostic)]
pub enum Error {
    #[error("`{path}` is no directory with a project in it")]
    #[diagnostic(
        code(init::directory),
        help(
            "unpack an sdist, or clone the project, and name its directory: the configuration lies beside what it is for"
        )
    )]
    Directory { path: String },
    #[error("there is a configuration already: {path}")]
    #[diagnostic(code(init::exists), help("`--output -` shows what would be written; `--force` replaces the file"))]
    Exists { path: String },
    #[error("there is a configuration already: `[tool.omnipack]` in {path}")]
    #[diagnostic(
        code(init::tool_table),
        help(
            "take that table out first, for a project has one configuration; `--output -` shows what would be written"
        )
    )]
    ToolTable { path: String },
    #[error("`--interactive` asks questions, and standard input or standard error is no terminal")]
    #[diagnostic(
        code(init::no_terminal),
        help("leave `--interactive` out: what is proposed builds without any answer")
    )]
    NoTerminal,
    #[error("no distribution has a Python for the application, which needs {requires}")]
    #[diagnostic(
        code(init::no_target),
        help(
            "name distributions with `--distribution`, and give the application a Python: `interpreter = \"bundled\"` under `[python]`"
        )
    )]
    NoTarget { requires: String },
    #[error("what was written is not accepted: {reason}")]
    #[diagnostic(
        code(init::refused),
        help("please report this, with the files that `omnipack init --json` names; `--output -` shows the text")
    )]
    Refused { reason: String },
    #[error("{0}")]
    #[diagnostic(code(init::io), help("check that the directory exists and that you may write to it"))]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Template(#[from] crate::template::TemplateError),
}

/// Is what lies at the destination replaced?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    Kept,
    Replaced,
}

/// The project's directory.
///
/// # Errors
/// When there is no project in it, or it is none.
pub fn directory(argument: &str) -> Result<PathBuf, crate::Error> {
    match Source::parse(argument)? {
        Source::Directory(directory) | Source::Modules(directory) => Ok(directory),
        Source::Sdist(_) | Source::Wheel(_) | Source::Requirement(_) => {
            Err(Error::Directory { path: argument.escape_debug().to_string() }.into())
        }
    }
}

/// All detectors but the application's own metadata. The order is that in which the package's texts are believed.
fn look(tree: &Tree, application: &python::Application, findings: &mut finding::Findings) {
    debian::read(tree, findings);
    spec::read(tree, findings);
    fpm::read(tree, findings);
    unit::read(tree, findings);
    sysvinit::read(tree, findings);
    supervisor::read(tree, findings);
    procfile::read(tree, findings);
    dockerfile::read(tree, findings);
    traces::read(tree, application, findings);
    leftovers::read(tree, findings);
}

/// Reads an INI file as Python's configparser does.
fn python_ini(text: &str) -> Option<configparser::ini::Ini> {
    python::ini(text)
}

/// May a configuration be written to `path`, for the project in `directory`?
///
/// # Errors
/// When there is one.
pub fn check_free(directory: &Path, path: &Path, existing: Existing) -> Result<(), Error> {
    let pyproject = directory.join("pyproject.toml");
    let text = fs_err::read_to_string(&pyproject).unwrap_or_default();
    let table = text.parse::<toml::Table>().unwrap_or_default();
    if table.get("tool").is_some_and(|tool| tool.get("omnipack").is_some()) {
        return Err(Error::ToolTable { path: pyproject.display().to_string() });
    }
    if existing == Existing::Kept && path.symlink_metadata().is_ok() {
        return Err(Error::Exists { path: path.display().to_string() });
    }
    Ok(())
}

/// Writes the configuration, whole or not at all, after omnipack has read it as its own.
///
/// # Errors
/// When it would not be accepted, cannot be written, or something lies there.
pub fn write(directory: &Path, path: &Path, text: &str, existing: Existing) -> Result<(), Error> {
    let beside = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".omnipack-").suffix(".toml").tempfile_in(beside)?;
    file.write_all(text.as_bytes())?;
    if fs_err::canonicalize(beside)? == fs_err::canonicalize(directory)? {
        accepted(directory, file.path())?;
    }
    let mode: std::fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    file.as_file().set_permissions(mode)?;
    file.as_file().sync_all()?;
    match existing {
        Existing::Replaced => file.persist(path).map(drop).map_err(|error| Error::Io(error.error)),
        Existing::Kept => match file.persist_noclobber(path) {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(Error::Exists { path: path.display().to_string() })
            }
            Err(error) => Err(Error::Io(error.error)),
        },
    }
}

/// Is the file a configuration of the project in `directory`?
///
/// # Errors
/// Why it is none.
pub fn accepted(directory: &Path, file: &Path) -> Result<(), Error> {
    let refused = |error: crate::project::Error| Error::Refused { reason: reasons(&error) };
    let source = Source::Directory(directory.to_owned());
    Config::load(&source, Some(file)).map(drop).map_err(refused)
}

fn reasons(error: &crate::project::Error) -> String {
    match error {
        crate::project::Error::Configurations { problems, .. } => {
            problems.iter().map(|problem| problem.message().to_owned()).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}
