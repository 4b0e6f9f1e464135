//! What a resolver is asked.

use std::path::PathBuf;

/// Requirement files, constraints and how to go about them.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Working directory of the resolver.
    pub directory: PathBuf,
    pub files: Vec<PathBuf>,
    pub constraints: Vec<PathBuf>,
    /// Packages that must come as wheels.
    pub only_binary: Vec<String>,
    pub no_deps: bool,
}
