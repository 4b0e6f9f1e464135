//! What to install: a lock for the target's Python and platform, and the wheels it names.
//!
//! The resolver (uv, or pip) decides; omnipack fetches the wheels into a content-addressed cache and has sdists built
//! into wheels. Wheel tags, the cache, credentials and PEP 517 builds live in the files beside this one.

use std::path::PathBuf;

use miette::Diagnostic;
use serde::Serialize;
use thiserror::Error;

/// Why there is no complete set of wheels.
#[derive(Debug, Error, Diagnostic)]
pub enum Error {
    #[error(transparent)]
    #[diagnostic(transparent)]
    Exec(#[from] crate::exec::ExecError),
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// A wheel on this machine, in the cache or where the user has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wheel {
    /// Normalised (PEP 503).
    pub name: String,
    pub version: String,
    /// `numpy-1.26.4-cp39-cp39-manylinux_2_17_x86_64.manylinux2014_x86_64.whl`
    pub file_name: String,
    pub path: PathBuf,
    /// Lower-case hex.
    pub sha256: String,
    /// What `direct_url.json` has to say (PEP 610), when the requirement was a URL and not from an index. Never a
    /// path of this machine.
    pub direct_url: Option<String>,
    /// Is it the application, or something it needs?
    pub role: WheelRole,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WheelRole {
    Application,
    Dependency,
}

/// Everything to install, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lock {
    pub wheels: Vec<Wheel>,
    /// `pylock.toml` (PEP 751) text that pins this set.
    pub pylock: String,
}
