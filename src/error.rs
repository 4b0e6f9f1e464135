//! The union of the floors' errors, and the exit code each stands for.

use miette::Diagnostic;
use thiserror::Error as ThisError;

/// Any failure of a run. Each floor has its own enum, with a message that says what and where, and a help text
/// that says what to do; this one only passes them through.
#[derive(Debug, ThisError, Diagnostic)]
pub enum Error {
    #[error(transparent)]
    #[diagnostic(transparent)]
    Project(#[from] crate::project::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Distribution(#[from] crate::distribution::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Matrix(#[from] crate::matrix::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Ci(#[from] crate::ci::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Plan(#[from] crate::plan::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Requirement(#[from] crate::plan::requirement::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Builder(#[from] crate::builder::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Resolve(#[from] crate::resolve::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Stage(#[from] crate::stage::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Service(#[from] crate::service::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Package(#[from] crate::package::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Format(#[from] crate::format::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Spec(#[from] crate::spec::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    DebianSource(#[from] crate::spec::debian::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Build(#[from] crate::build::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Scaffold(#[from] crate::scaffold::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Smoke(#[from] crate::smoke::Error),
}

impl Error {
    /// 2 when the command line or the configuration is wrong, 1 when the build failed.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            // A damaged wheel or unreadable file is no mistake of the command line.
            Self::Project(crate::project::Error::Metadata { .. } | crate::project::Error::Io(_)) => 1,
            Self::Project(_) | Self::Distribution(_) | Self::Plan(_) | Self::Requirement(_) => 2,
            Self::Build(crate::build::Error::NoDistribution | crate::build::Error::SourceDate { .. }) => 2,
            Self::Resolve(crate::resolve::Error::Program { .. }) => 2,
            Self::Spec(error) if error.is_usage() => 2,
            Self::DebianSource(error) if error.is_usage() => 2,
            Self::Ci(error) if !matches!(error, crate::ci::Error::Template(_)) => 2,
            Self::Matrix(error) if !matches!(error, crate::matrix::Error::Git { .. }) => 2,
            Self::Smoke(error) if error.is_usage() => 2,
            Self::Builder(error) if error.is_usage() => 2,
            Self::Scaffold(
                crate::scaffold::Error::Refused { .. }
                | crate::scaffold::Error::Io(_)
                | crate::scaffold::Error::Template(_),
            ) => 1,
            Self::Scaffold(_) => 2,
            Self::Ci(_)
            | Self::Matrix(_)
            | Self::Builder(_)
            | Self::Resolve(_)
            | Self::Stage(_)
            | Self::Service(_)
            | Self::Package(_)
            | Self::Format(_)
            | Self::Spec(_)
            | Self::DebianSource(_)
            | Self::Build(_)
            | Self::Smoke(_) => 1,
        }
    }
}
