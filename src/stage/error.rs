//! Why wheels, an interpreter and the user's files do not make a sound tree.

use miette::Diagnostic;
use thiserror::Error;

/// What is wrong with the tree that was asked for.
#[derive(Debug, Error, Diagnostic)]
pub enum LayoutError {
    #[error("the wheel {wheel} cannot be laid out: {problem}")]
    #[diagnostic(code(stage::wheel), help("{}", problem.help()))]
    Wheel { wheel: String, problem: Box<WheelProblem> },
    #[error("the prefix `{prefix}` cannot be used: {reason}")]
    #[diagnostic(code(stage::prefix), help("choose another `prefix` in `[package]`, such as `/opt/app`"))]
    Prefix { prefix: String, reason: String },
    #[error("the directory `{directory}` cannot take plugins: {reason}")]
    #[diagnostic(code(stage::plugins), help("choose another `directory` in `[python.plugins]`"))]
    Plugins { directory: String, reason: String },
    #[error("Python {version} has no virtual environments of its own (PEP 405 came with 3.3)")]
    #[diagnostic(code(stage::python), help("choose a newer `version` in `[python]`, or `interpreter = \"bundled\"`"))]
    OldPython { version: String },
    #[error("`{path}` is there twice: from {first} and from {second}")]
    #[diagnostic(code(stage::duplicate), help("remove or rename one of the two"))]
    Duplicate { path: String, first: String, second: String },
    #[error("`{path}` (from {second}) lies below `{parent}`, which is not a directory (from {first})")]
    #[diagnostic(code(stage::not_a_directory), help("remove or rename one of the two"))]
    NotADirectory { path: String, parent: String, first: String, second: String },
    #[error("the bundled interpreter `{origin}` cannot be used: {reason}")]
    #[diagnostic(
        code(stage::interpreter),
        help(
            "`source` in `[python]` is the prefix of a CPython (as `make install` leaves it), or an archive of one: \
             .tar, .tar.gz, .tar.xz, .tar.zst, such as a build of python-build-standalone"
        )
    )]
    Interpreter { origin: String, reason: String },
    #[error("`{path}` cannot be packaged: {reason}")]
    #[diagnostic(code(stage::file), help("{hint}"))]
    File { path: String, reason: String, hint: String },
    #[error("the template `{path}` cannot be rendered: {reason}")]
    #[diagnostic(code(stage::template), help("known names: {known}"))]
    Template { path: String, reason: String, known: String },
    #[error("there is no script `{script}` in `{directory}`")]
    #[diagnostic(code(stage::script), help("{hint}"))]
    NoSuchScript { script: String, directory: String, hint: String },
    #[error("the tree cannot be written to `{directory}`: {reason}")]
    #[diagnostic(code(stage::write_out), help("name a directory that is empty or does not exist"))]
    WriteOut { directory: String, reason: String },
    #[error("{0}")]
    #[diagnostic(code(stage::io))]
    Io(#[from] std::io::Error),
}

/// What is wrong with one wheel.
#[derive(Debug, Error)]
pub enum WheelProblem {
    #[error("it is no readable zip archive: {0}")]
    Zip(String),
    #[error("{0}")]
    Io(std::io::Error),
    #[error("its file name `{0}` is not that of a wheel")]
    FileName(String),
    #[error("the name of a member is not UTF-8: `{0}`")]
    NotUtf8(String),
    #[error("the member `{0}` would land outside of the tree")]
    Escapes(String),
    #[error("the symbolic link `{member}` leaves the tree: it points to `{target}`")]
    Symlink { member: String, target: String },
    #[error("the member `{0}` is there twice")]
    Twice(String),
    #[error("the member `{0}` is encrypted")]
    Encrypted(String),
    #[error("the member `{member}` is compressed with {method}, which wheels do not use")]
    Method { member: String, method: String },
    #[error("the member `{member}` declares {size} bytes, which its {compressed_size} compressed bytes cannot hold")]
    ImpossibleSize { member: String, size: u64, compressed_size: u64 },
    #[error("it would unpack to {size} bytes out of an archive of {archive_size}")]
    Bomb { size: u64, archive_size: u64 },
    #[error("two of its members share the same bytes of the archive")]
    Overlap,
    #[error("the member `{0}` is neither a file, a directory nor a symbolic link")]
    Special(String),
    #[error("it has no `*.dist-info` directory")]
    NoDistInfo,
    #[error("it has more than one `*.dist-info` directory: {0}")]
    ManyDistInfo(String),
    #[error("it has no `{0}`")]
    Missing(String),
    #[error("`{file}` cannot be read: {reason}")]
    Malformed { file: String, reason: String },
    #[error("it is a wheel of version {0}, newer than the specification that omnipack knows (1.x)")]
    WheelVersion(String),
    #[error("{place} says {found}, but {expected} was expected")]
    Mismatch { place: String, found: String, expected: String },
    #[error("`{0}` is in a scheme that the wheel specification does not know")]
    Scheme(String),
    #[error("the entry point `{name}` is not usable: {reason}")]
    EntryPoint { name: String, reason: String },
    #[error("it is an editable install ({0}), whose code lies in a directory of the building machine")]
    Editable(String),
}

impl WheelProblem {
    pub(super) fn help(&self) -> &'static str {
        match self {
            Self::Editable(_) => {
                "build a regular wheel: name the project's directory without `-e` or `editable = true` in the requirements"
            }
            Self::Zip(_) | Self::Io(_) => "the file may be damaged: remove it and let it be downloaded again",
            Self::FileName(_) | Self::Mismatch { .. } => {
                "a wheel must not be renamed: `{name}-{version}-{python}-{abi}-{platform}.whl` says what it holds"
            }
            Self::WheelVersion(_) => "look for an older release of it, or a newer omnipack",
            Self::EntryPoint { .. } => "the project has to mend its entry points; another release may be right",
            _ => {
                "no tool should make such a wheel; if you trust its source, have it rebuilt (`pip wheel`) and name the \
                 result with `find-links`"
            }
        }
    }

    pub(super) fn of(self, wheel: &str) -> LayoutError {
        LayoutError::Wheel { wheel: wheel.to_owned(), problem: Box::new(self) }
    }
}
