//! What can be wrong with a project, and how a place in its configuration is shown.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource};
use thiserror::Error;

/// What is wrong with the project or its configuration.
#[derive(Debug, Error, Diagnostic)]
pub enum Error {
    /// Nothing lies where the argument points to.
    #[error("there is no project at `{path}`")]
    #[diagnostic(
        code(project::missing),
        help("name a directory, a wheel (.whl), an sdist (.tar.gz) or a requirement such as `httpbin==0.10.2`")
    )]
    Missing { path: String },
    /// There is something, but no Python project.
    #[error("`{path}` is not a Python project: {reason}")]
    #[diagnostic(code(project::unusable), help("{help}"))]
    Unusable { path: String, reason: String, help: String },
    /// Neither a file nor a requirement (PEP 508).
    #[error("`{argument}` is neither a file nor a requirement: {reason}")]
    #[diagnostic(
        code(project::requirement),
        help("name a directory, a wheel (.whl), an sdist (.tar.gz) or a requirement such as `httpbin==0.10.2`")
    )]
    Requirement { argument: String, reason: String },
    /// The file that `--config` names cannot be used.
    #[error("{path}: there is no configuration of omnipack in it")]
    #[diagnostic(
        code(project::no_configuration),
        help("put it into a table `[tool.omnipack]`, or name an `omnipack.toml`")
    )]
    NoConfiguration { path: String },
    /// One thing is wrong in the configuration.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Configuration(Box<Problem>),
    /// Several things are wrong in the configuration.
    #[error("{file}: {} mistakes in the configuration", problems.len())]
    #[diagnostic(code(project::configuration))]
    Configurations {
        file: String,
        #[related]
        problems: Vec<Problem>,
    },
    /// Core metadata that cannot be read.
    #[error("{path}: the metadata is not usable: {reason}")]
    #[diagnostic(
        code(project::metadata),
        help("build the project again; it needs `Metadata-Version`, `Name` and `Version`")
    )]
    Metadata { path: String, reason: String },
    /// A file is there and cannot be read; the message names it.
    #[error("{0}")]
    #[diagnostic(code(project::read), help("check that it exists and that you may read it"))]
    Io(#[from] std::io::Error),
}

/// One thing that is wrong in a configuration file, with its place.
#[derive(Debug, Error, Diagnostic)]
#[error("{message}")]
#[diagnostic(code(project::configuration))]
pub struct Problem {
    message: String,
    #[help]
    help: Option<String>,
    #[source_code]
    file: NamedSource<Arc<str>>,
    #[label(collection)]
    labels: Vec<LabeledSpan>,
}

impl Problem {
    /// What is wrong, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Byte offset of the place in the file.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.labels.first().map_or(0, LabeledSpan::offset)
    }
}

/// What is wrong with a value and what to do about it; the place comes from whoever read the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub message: String,
    pub help: String,
}

impl Fault {
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }
}

/// A configuration file's text, for showing places in it.
#[derive(Debug, Clone)]
pub(super) struct Text {
    /// As shown: relative where it lies below the current directory.
    pub name: String,
    pub text: Arc<str>,
}

impl Text {
    /// Reads a file; `NUL`s and all else that is UTF-8 is the parser's affair.
    pub fn read(path: &std::path::Path) -> Result<Self, Error> {
        let text = fs_err::read_to_string(path)?;
        Ok(Self { name: shown(path), text: text.into() })
    }

    pub fn problem(&self, fault: Fault, span: Range<usize>, label: &str) -> Problem {
        let end = span.end.min(self.text.len());
        let start = span.start.min(end);
        let label = LabeledSpan::new_with_span(Some(label.to_owned()), start..end);
        Problem {
            message: fault.message,
            help: (!fault.help.is_empty()).then_some(fault.help),
            file: NamedSource::new(&self.name, self.text.clone()).with_language("TOML"),
            labels: vec![label],
        }
    }

    /// The error for all that was found, in the order of the file, nothing twice.
    pub fn error(&self, mut problems: Vec<Problem>) -> Option<Error> {
        problems.sort_by(|left, right| (left.offset(), &left.message).cmp(&(right.offset(), &right.message)));
        problems.dedup_by(|left, right| (left.offset(), &left.message) == (right.offset(), &right.message));
        match problems.len() {
            0 => None,
            1 => problems.pop().map(|problem| Error::Configuration(Box::new(problem))),
            _ => Some(Error::Configurations { file: self.name.clone(), problems }),
        }
    }
}

/// A path as people want to read it: relative to the current directory where it lies below.
pub(super) fn shown(path: &std::path::Path) -> String {
    let here: Option<PathBuf> = std::env::current_dir().ok();
    let relative = here.and_then(|here| path.strip_prefix(here).ok().map(std::path::Path::to_path_buf));
    match relative {
        Some(relative) if !relative.as_os_str().is_empty() => relative.display().to_string(),
        _ => path.display().to_string(),
    }
}
