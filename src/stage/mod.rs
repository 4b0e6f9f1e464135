//! The tree as it will lie on the target, virtual: a sorted list of entries, each with where its content comes from.
//! Nothing is installed anywhere; wheels flow straight into the package.

pub mod bytecode;
mod collect;
mod content;
mod describe;
pub mod elf;
mod entry_points;
mod error;
mod files;
mod findings;
pub mod gate;
mod interpreter;
mod interpreter_source;
mod layout;
mod links;
mod metadata;
pub mod pass;
mod patch;
mod plugins;
mod record;
mod scripts;
mod text;
mod venv;
mod wheel;
mod write_out;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use miette::Diagnostic;
use thiserror::Error;

pub use describe::{WheelContent, describe, wheel_files};
pub use error::{LayoutError, WheelProblem};
pub use files::package_entries;
pub use findings::*;
pub use layout::{LaidOut, Layout, lay_out};
pub use metadata::Fields;
pub use write_out::{check_empty, write_out};

/// Why the wheels do not make a sound tree.
#[derive(Debug, Error, Diagnostic)]
pub enum Error {
    #[error(transparent)]
    #[diagnostic(transparent)]
    Layout(#[from] LayoutError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Gate(#[from] gate::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Bytecode(#[from] bytecode::Error),
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// An absolute, normalised path on the target: `/opt/app/bin/python`. No `.`/`..` parts, no double or trailing slash,
/// no NUL, valid UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetPath(Arc<str>);

impl TargetPath {
    /// # Errors
    /// Says what is wrong with `path`.
    pub fn new(path: &str) -> Result<Self, String> {
        let Some(rest) = path.strip_prefix('/') else { return Err(format!("`{path}` is not an absolute path")) };
        if path.contains('\0') {
            return Err(format!("`{}` has a NUL character", path.escape_default()));
        }
        let parts = rest.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>();
        if parts.contains(&"..") {
            return Err(format!("`{path}` has a `..` part"));
        }
        Ok(Self(format!("/{}", parts.join("/")).into()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// # Errors
    /// When `relative` leaves this directory or is no sound path.
    pub fn join(&self, relative: &str) -> Result<Self, String> {
        if relative.starts_with('/') {
            return Err(format!("`{relative}` is an absolute path"));
        }
        Self::new(&format!("{}/{relative}", self.0))
    }

    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let cut = self.0.rfind('/')?;
        (self.0.len() > 1).then(|| Self(if cut == 0 { "/".into() } else { self.0[..cut].into() }))
    }

    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// Is this `other`, or does it lie below it?
    #[must_use]
    pub fn is_below(&self, other: &Self) -> bool {
        &*other.0 == "/" || self.0.strip_prefix(&*other.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// The root directory.
impl Default for TargetPath {
    fn default() -> Self {
        Self("/".into())
    }
}

impl fmt::Display for TargetPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// One path in a package.
#[derive(Debug, Clone)]
pub struct Entry {
    pub path: TargetPath,
    /// Permission bits, with set-user-ID and the like: `0o755`.
    pub mode: u32,
    pub owner: Arc<str>,
    pub group: Arc<str>,
    pub kind: EntryKind,
    pub flags: EntryFlags,
    /// Whose it is, for summaries, findings and messages.
    pub origin: Origin,
}

#[derive(Debug, Clone)]
pub enum EntryKind {
    Directory,
    File(Content),
    /// Target of the link, as it will be stored.
    Symlink(Arc<str>),
    /// Another name of the file at this path of the same package.
    Hardlink(TargetPath),
}

/// Where the bytes of a file come from. Opened only when they are packed.
#[derive(Debug, Clone)]
pub enum Content {
    /// A member of a wheel.
    Member { archive: Arc<PathBuf>, member: Member },
    /// A text or other small thing made by omnipack.
    Bytes(Arc<[u8]>),
    /// A file of the user.
    File { path: Arc<PathBuf>, size: u64 },
    /// Part of a file in the cache: the bytecode of a wheel lies in one file.
    Slice { path: Arc<PathBuf>, offset: u64, size: u64 },
}

/// Where a member lies in a zip archive, so that it can be read without parsing the archive again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Of the compressed data, from the start of the archive.
    pub offset: u64,
    pub compressed_size: u64,
    pub size: u64,
    pub crc32: u32,
    pub method: Method,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Stored,
    Deflated,
}

/// What the package manager has to know about a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryFlags {
    pub config: crate::project::ConfigFile,
    pub ghost: bool,
    pub doc: bool,
    pub license: bool,
    /// `cap_net_bind_service=ep`
    pub capabilities: Option<Arc<str>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Python distribution `name`, `version`; `member` is the path inside the wheel.
    Wheel { name: Arc<str>, version: Arc<str> },
    /// Made by omnipack: launcher, unit, `pyvenv.cfg`.
    Generated,
    /// The bundled interpreter.
    Interpreter,
    /// A `[[file]]` of the user.
    User,
}

/// As a person would name it: `numpy 1.26.4`, `a file of the project`.
impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wheel { name, version } => write!(formatter, "{name} {version}"),
            Self::Generated => formatter.write_str("omnipack's own files"),
            Self::Interpreter => formatter.write_str("the bundled interpreter"),
            Self::User => formatter.write_str("a `[[file]]` or `[[directory]]` of the configuration"),
        }
    }
}

/// The tree below the prefix: sorted by path, no path twice, every directory there.
#[derive(Debug, Clone, Default)]
pub struct Stage {
    /// Directories from here on belong to the package; `/` when nobody said otherwise.
    pub prefix: TargetPath,
    pub entries: Vec<Entry>,
    /// Every bundled Python distribution: normalised name, version, license expression or text.
    pub distributions: Vec<BundledDistribution>,
    /// Programs in `<prefix>/bin` by name (console and GUI scripts, and files of `*.data/scripts`), with the normalised
    /// name of the Python distribution that each belongs to.
    pub scripts: Vec<(String, Arc<str>)>,
    /// Paths that more than one wheel has, with different content. pip overwrites silently, in the order of
    /// installation; here the application's own file is kept, else that of the last wheel by name, and it is told.
    pub overlaps: Vec<Overlap>,
}

/// A path that two wheels want to have, with different content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    pub path: TargetPath,
    pub kept: Origin,
    pub dropped: Origin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundledDistribution {
    pub name: Arc<str>,
    pub version: Arc<str>,
    pub license: String,
    /// Is it the application itself?
    pub role: crate::resolve::WheelRole,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever is accepted is normalised, and so is every path made of it.
        #[test]
        fn a_path_on_the_target_is_normalised(text in "(/|\\.|\\.\\.|a|é|\0| ){0,12}", more in "(/|\\.|\\.\\.|b|\0){0,8}") {
            let Ok(path) = TargetPath::new(&text) else {
                let parts = text.split('/').collect::<Vec<_>>();
                prop_assert!(!text.starts_with('/') || text.contains('\0') || parts.contains(&".."), "{text:?} is sound");
                return Ok(());
            };
            prop_assert!(text.starts_with('/') && !text.contains('\0'));
            let is_normalised = |path: &TargetPath| {
                let parts = path.as_str().strip_prefix('/').unwrap().split('/').collect::<Vec<_>>();
                path.as_str() == "/" || parts.iter().all(|part| !matches!(*part, "" | "." | ".."))
            };
            prop_assert!(is_normalised(&path), "{path}");
            prop_assert_eq!(&TargetPath::new(path.as_str()).unwrap(), &path);
            if let Ok(joined) = path.join(&more) {
                prop_assert!(is_normalised(&joined) && joined.is_below(&path), "{joined}");
                prop_assert!(!more.starts_with('/') && !more.split('/').any(|part| part == ".."));
            }
            if let Some(parent) = path.parent() {
                prop_assert!(is_normalised(&parent) && path.is_below(&parent) && !parent.is_below(&path));
                prop_assert_eq!(parent.join(path.file_name()).unwrap(), path);
            } else {
                prop_assert_eq!(path.as_str(), "/");
            }
        }
    }

    #[test]
    fn a_name_that_only_begins_like_a_directory_is_not_below_it() {
        let path = |text| TargetPath::new(text).unwrap();
        assert!(path("/opt/app/bin").is_below(&path("/opt/app")) && path("/opt/app").is_below(&path("/opt/app")));
        assert!(!path("/opt/application").is_below(&path("/opt/app")) && !path("/opt").is_below(&path("/opt/app")));
        assert!(path("/opt").is_below(&path("/")));
    }
}
