//! Why a machine could not be had, or could not be asked. That a package is wrong is no error: it is in the report.

use std::path::PathBuf;

use miette::Diagnostic;
use thiserror::Error as ThisError;

use crate::exec::ExecError;

#[derive(Debug, ThisError, Diagnostic)]
pub enum Error {
    #[error("only root can {what}")]
    #[diagnostic(
        code(smoke::root),
        help("run this with sudo, or try the packages in a container: `--container IMAGE`")
    )]
    NotRoot { what: String },
    #[error("{} is no root file system: {reason}", path.display())]
    #[diagnostic(
        code(smoke::no_root),
        help(
            "give a directory with a whole system in it, such as debootstrap, `dnf --installroot` or an unpacked image makes"
        )
    )]
    NoRoot { path: PathBuf, reason: String },
    #[error("no layer can be laid over {}: {reason}", path.display())]
    #[diagnostic(code(smoke::layer), help("make room in the directory for temporary files, or set TMPDIR to another"))]
    Layer { path: PathBuf, reason: String },
    #[error("the machine does not boot: {reason}\n{console}")]
    #[diagnostic(
        code(smoke::boot),
        help("`systemd-nspawn --boot --directory DIR` shows the same; is the root file system whole?")
    )]
    Boot { reason: String, console: String },
    #[error("no container runs from the image `{image}`: {reason}")]
    #[diagnostic(code(smoke::container), help("try `{engine} run --rm {image} /bin/sh -c true`"))]
    Container { engine: String, image: String, reason: String },
    #[error("neither podman nor docker is on this machine")]
    #[diagnostic(code(smoke::no_engine), help("install podman, or try the packages in a directory: `--root DIR`"))]
    NoEngine,
    #[error("the machine has no package manager for {kind} files; looked for: {looked_for}")]
    #[diagnostic(
        code(smoke::no_package_manager),
        help("choose a machine of the distribution that the packages are for")
    )]
    NoPackageManager { kind: String, looked_for: String },
    #[error("{path} on the machine cannot be read: {reason}")]
    #[diagnostic(code(smoke::manifest), help("was the package made by a later omnipack? try that"))]
    Manifest { path: String, reason: String },
    #[error("`{name}` is installed on the machine already")]
    #[diagnostic(
        code(smoke::installed),
        help("the packages are removed at the end: remove it yourself, or try them on another machine")
    )]
    Installed { name: String },
    #[error("`{file}` is neither an RPM nor a Debian package")]
    #[diagnostic(code(smoke::kind), help("give files whose names end on .rpm or .deb, all of one kind"))]
    Kind { file: String },
    #[error("`{command}` failed on the machine with exit code {code}\n{said}")]
    #[diagnostic(code(smoke::command))]
    Command { command: String, code: i32, said: String },
    #[error(transparent)]
    #[diagnostic(transparent)]
    Exec(#[from] ExecError),
    #[error("{0}")]
    #[diagnostic(code(smoke::io))]
    Io(#[from] std::io::Error),
}

impl Error {
    /// Is it a mistake on the command line?
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::NoRoot { .. } | Self::Kind { .. })
    }
}
