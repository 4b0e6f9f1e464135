//! One writer per package format. Packing and writing are two steps: [`pack`] streams the entries through checks,
//! digests and the compressor into a temporary payload file; what it found decides architecture and requirements;
//! then `write` puts header and payload into the final file, which appears whole or not at all.

use miette::Diagnostic;
use thiserror::Error;

/// Why the package file could not be written.
#[derive(Debug, Error, Diagnostic)]
pub enum Error {
    #[error("{0}")]
    Io(#[from] std::io::Error),
}
