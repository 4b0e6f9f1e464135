//! The whole run, top-down: project, plan, resolve, stage, service, package, format.

use miette::Diagnostic;
use thiserror::Error;

/// What can go wrong between the floors.
#[derive(Debug, Error, Diagnostic)]
pub enum Error {
    #[error("{0}")]
    Io(#[from] std::io::Error),
}
