//! One writer per package format. Packing and writing are two steps: [`pack`] streams the entries through checks,
//! digests and the compressor into a temporary payload file; what it found decides architecture and requirements;
//! then [`write()`] puts header and payload into the final file, which appears whole or not at all.

pub mod compress;
pub mod deb;
mod difference;
pub mod inspection;
pub mod publish;
mod read;
pub mod rpm;
mod text;

use std::io;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use thiserror::Error;

pub use difference::{
    Aspect, ChangeKind, ChangelogChange, Difference, DistributionChange, FieldChange, FileChange, RelationChange, Side,
    TextChange, compare,
};
pub(crate) use read::decompress::{Method, decompress};
pub use read::{Contents, read, read_whole};

use crate::distribution::{PackageFormat, ToolVersion};
use crate::package::Package;
use crate::stage::Findings;
use crate::stage::gate::Scanner;

/// Why the package file could not be written, or not be read.
#[derive(Debug, Error, Diagnostic)]
pub enum Error {
    #[error(transparent)]
    #[diagnostic(transparent)]
    Stage(#[from] crate::stage::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Service(#[from] crate::service::Error),
    #[error("cannot {action}: {source}")]
    #[diagnostic(code(format::io), help("is there space left, and may you write there?"))]
    Io { action: String, source: std::io::Error },
    #[error("package `{package}`: {field} `{value}` {problem}")]
    #[diagnostic(code(format::field), help("change it in the configuration, or in the file or metadata it comes from"))]
    Field { package: String, field: &'static str, value: String, problem: String },
    #[error("package `{package}`: rpm {version} does not know {feature}, which {user} needs")]
    #[diagnostic(code(format::feature), help("{hint}"))]
    Feature { package: String, version: ToolVersion, feature: &'static str, user: String, hint: &'static str },
    #[error("package `{package}`: the header has {bytes} bytes, and rpm {version} reads at most {limit}")]
    #[diagnostic(
        code(format::header_size),
        help("ship fewer files: leave out tests and documentation, or split the project into packages")
    )]
    HeaderSize { package: String, bytes: u64, limit: u64, version: ToolVersion },
    #[error("package `{package}`: its content takes {bytes} bytes, compressed, and a .deb holds at most {limit}")]
    #[diagnostic(
        code(format::payload_size),
        help("compress more (`compression = \"small\"`), ship less, or split the project into packages")
    )]
    PayloadSize { package: String, bytes: u64, limit: u64 },
    #[error("package `{package}`: the hard link `{path}` names `{target}`, which is no packed file")]
    #[diagnostic(
        code(format::hardlink),
        help("this is a bug of omnipack: a hard link must name a file of its package")
    )]
    Hardlink { package: String, path: String, target: String },
    #[error("package `{package}` changed between packing and writing")]
    #[diagnostic(
        code(format::changed),
        help("this is a bug of omnipack: entries must not change once they are packed")
    )]
    Changed { package: String },
    #[error("package `{package}`: {source}")]
    #[diagnostic(code(format::rpm), help("change the named field in the configuration or the project's metadata"))]
    Rpm { package: String, source: ::rpm::Error },
    #[error("`{path}` is not a readable RPM: {source}")]
    #[diagnostic(code(format::read), help("name a complete .rpm file"))]
    Read { path: PathBuf, source: ::rpm::Error },
    #[error("`{path}` is not a readable Debian package: {source}")]
    #[diagnostic(code(format::read_deb), help("name a complete .deb file"))]
    ReadDeb { path: PathBuf, source: io::Error },
    #[error("the payload of `{path}` cannot be read: {source}")]
    #[diagnostic(code(format::read_payload), help("name a complete .rpm file"))]
    ReadPayload { path: PathBuf, source: io::Error },
    #[error("`{path}` is neither an RPM nor a Debian package")]
    #[diagnostic(
        code(format::no_package),
        help("name a package file; a package is known by what it holds, whatever its name")
    )]
    NotAPackage { path: PathBuf },
    #[error("{0}")]
    #[diagnostic(code(format::open), help("name a package file that exists and that you may read"))]
    Open(io::Error),
}

impl Error {
    /// For `map_err`: an I/O error during `action` ("write `x.rpm`").
    pub(crate) fn io(action: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }
}

/// A payload that is packed and waits, compressed, for its header.
#[derive(Debug)]
pub struct Packed {
    /// What the pass over the packed bytes found out.
    pub findings: Findings,
    payload: Payload,
}

#[derive(Debug)]
enum Payload {
    Rpm(rpm::Payload),
    Deb(deb::Payload),
}

/// Streams the entries of `package` through the checks of `scanner`, digests and the compressor into an unnamed file in
/// `scratch`. Memory does not depend on the size of the payload.
///
/// # Errors
/// When an entry cannot be read, the target's package manager cannot hold it, or `scratch` is full.
pub fn pack(package: &Package, scanner: &Scanner, scratch: &Path) -> Result<Packed, Error> {
    match package.format {
        PackageFormat::Rpm => {
            let (payload, findings) = rpm::pack(package, scanner, scratch, compress::threads())?;
            Ok(Packed { findings, payload: Payload::Rpm(payload) })
        }
        PackageFormat::Deb => {
            let (payload, findings) = deb::pack(package, scanner, scratch, compress::threads())?;
            Ok(Packed { findings, payload: Payload::Deb(payload) })
        }
    }
}

/// Writes `package`, whose architecture and relations are now final, into `directory` under its exact file name. The
/// file appears whole or not at all, and replaces an older one of that name.
///
/// # Errors
/// When a text or relation is not fit for the target's package manager, or the file cannot be written.
pub fn write(package: &Package, packed: &Packed, directory: &Path) -> Result<PathBuf, Error> {
    match &packed.payload {
        Payload::Rpm(payload) => rpm::write(package, payload, directory),
        Payload::Deb(payload) => deb::write(package, payload, directory),
    }
}
