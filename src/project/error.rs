//! What can be wrong with a project, and how a place in its configuration is shown.

use std::ops::Range;
use std::path::Path;
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
    name: String,
    text: Arc<str>,
    /// The text with passwords in addresses and secrets of services covered, byte for byte: what is shown may end up in a public
    /// log.
    covered: Arc<str>,
}

impl Text {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = fs_err::read(path)?;
        let error = match std::str::from_utf8(&bytes) {
            Ok(text) => return Ok(Self::new(shown(path), text)),
            Err(error) => error,
        };
        let fault = Fault::new("this is not UTF-8", "save the file as UTF-8");
        let text = Self::new(shown(path), &String::from_utf8_lossy(&bytes));
        let at = error.valid_up_to();
        Err(Error::Configuration(Box::new(text.problem(fault, at..at, "the first wrong byte"))))
    }

    pub fn new(name: String, text: &str) -> Self {
        Self { name, text: text.into(), covered: without_passwords(&super::secrets::covered(text)).into() }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// What may be shown of the text, byte for byte at the same places.
    pub fn covered(&self) -> Arc<str> {
        Arc::clone(&self.covered)
    }

    /// What may be shown of the text at a place.
    pub fn excerpt(&self, span: Range<usize>) -> &str {
        self.covered.get(span).unwrap_or_default()
    }

    pub fn problem(&self, fault: Fault, span: Range<usize>, label: &str) -> Problem {
        Problem {
            message: fault.message,
            help: (!fault.help.is_empty()).then_some(fault.help),
            file: NamedSource::new(&self.name, self.covered.clone()).with_language("TOML"),
            labels: vec![self.label(span, label)],
        }
    }

    /// Shows a second place that has to do with the problem.
    pub fn add_label(&self, problem: &mut Problem, span: Range<usize>, label: &str) {
        problem.labels.push(self.label(span, label));
    }

    fn label(&self, span: Range<usize>, label: &str) -> LabeledSpan {
        let end = span.end.min(self.text.len());
        LabeledSpan::new_with_span(Some(label.to_owned()), span.start.min(end)..end)
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

/// Puts `*` for each byte of `password` in `://user:password@`.
fn without_passwords(text: &str) -> String {
    let mut covered = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        covered.push_str(before);
        covered.push_str("://");
        let end = after.find(|character: char| character.is_whitespace() || "/\"'?#".contains(character));
        let (authority, tail) = after.split_at(end.unwrap_or(after.len()));
        match authority.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?, host))) {
            Some(((user, password), host)) => {
                covered.push_str(user);
                covered.push(':');
                covered.extend(std::iter::repeat_n('*', password.len()));
                covered.push('@');
                covered.push_str(host);
            }
            None => covered.push_str(authority),
        }
        rest = tail;
    }
    covered.push_str(rest);
    covered
}

/// A path as people want to read it: relative to the current directory where it lies below.
pub(super) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    match here.as_deref().and_then(|here| path.strip_prefix(here).ok()) {
        Some(relative) if !relative.as_os_str().is_empty() => relative.display().to_string(),
        _ => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_covered_and_places_stay() {
        let text = "a = \"https://me:gehe\u{ef}m@host/x\"\nb = \"https://host/p:q@r\"\nc = \"ssh://git@host\"";
        let covered = without_passwords(text);
        assert_eq!(covered.len(), text.len());
        assert_eq!(covered, text.replace("gehe\u{ef}m", "*******"));
    }
}
