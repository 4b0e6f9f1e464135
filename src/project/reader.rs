//! Reading values of the configuration: each is taken through its rule, and what is wrong is noted with its place,
//! so that one run shows all mistakes.

use std::path::{Path, PathBuf};

use super::document::{Document, Place, Tree};
use super::error::{Error, Fault, Problem};

/// Takes values through their rules and notes what is wrong.
pub(super) struct Reader<'a> {
    document: &'a Document,
    tree: &'a Tree<'a>,
    /// What relative paths are relative to.
    directory: &'a Path,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub fn new(document: &'a Document, tree: &'a Tree<'a>, directory: &'a Path) -> Self {
        Self { document, tree, directory, problems: Vec::new() }
    }

    /// All that was noted.
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// The error for all that was noted.
    pub fn finish<T>(self, value: T) -> Result<T, Error> {
        match self.document.text.error(self.problems) {
            None => Ok(value),
            Some(error) => Err(error),
        }
    }

    /// Notes a mistake.
    pub fn report(&mut self, place: &Place, message: impl Into<String>, help: impl Into<String>) {
        self.fault(place, "here", Fault::new(message, help));
    }

    /// Notes that what `place` says does not go together with what `other` says.
    pub fn clash(&mut self, place: &Place, other: &Place, message: impl Into<String>, help: impl Into<String>) {
        let text = &self.document.text;
        let whole = self.document.span.clone();
        let span = place.span(self.tree, whole.clone());
        let mut problem = text.problem(Fault::new(message, help), span, "this");
        text.add_label(&mut problem, other.span(self.tree, whole), "and this");
        self.problems.push(problem);
    }

    fn fault(&mut self, place: &Place, label: &str, fault: Fault) {
        let span = place.span(self.tree, self.document.span.clone());
        self.problems.push(self.document.text.problem(fault, span, label));
    }

    /// A value through its rule; `None` where it is absent or wrong.
    pub fn value<T>(
        &mut self,
        place: &Place,
        value: Option<&str>,
        rule: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Option<T> {
        match rule(value?) {
            Ok(value) => Some(value),
            Err(fault) => {
                let fault = Fault::new(format!("`{}`: {}", place.name(), fault.message), fault.help);
                self.fault(place, "this value", fault);
                None
            }
        }
    }

    /// A value that has to be there; empty where it is not, which is noted.
    pub fn required(
        &mut self,
        place: &Place,
        value: Option<&str>,
        rule: impl FnOnce(&str) -> Result<String, Fault>,
    ) -> String {
        if value.is_none() {
            let message = format!("`{}` is missing", place.name());
            self.fault(place, "in this table", Fault::new(message, format!("add `{} = \"...\"`", place.name())));
        }
        self.value(place, value, rule).unwrap_or_default()
    }

    /// Each value of a list through the rule; the wrong ones are noted and left out.
    pub fn list<T>(&mut self, place: &Place, values: &[String], rule: impl Fn(&str) -> Result<T, Fault>) -> Vec<T> {
        let mut all = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            all.extend(self.value(&place.index(index), Some(value), &rule));
        }
        all
    }

    /// A file of the user, relative to the configuration; it has to be there.
    pub fn file(&mut self, place: &Place, value: Option<&str>) -> Option<PathBuf> {
        let directory = self.directory;
        self.value(place, value, |value| existing(directory, value, Path::is_file, "file"))
    }

    pub fn files(&mut self, place: &Place, values: &[String]) -> Vec<PathBuf> {
        let directory = self.directory;
        self.list(place, values, |value| existing(directory, value, Path::is_file, "file"))
    }

    /// A file or a directory of the user.
    pub fn file_or_directory(&mut self, place: &Place, value: Option<&str>) -> Option<PathBuf> {
        let directory = self.directory;
        self.value(place, value, |value| existing(directory, value, Path::exists, "file or directory"))
    }

    /// A path relative to the configuration, whatever lies there.
    pub fn path(&mut self, place: &Place, value: &str) -> Option<PathBuf> {
        let path = self.directory.join(value);
        let absolute = |_: &str| std::path::absolute(&path).map_err(|error| Fault::new(error.to_string(), ""));
        self.value(place, Some(value), absolute)
    }

    /// A script: the contents of a file beside the configuration, or the text itself.
    pub fn script(&mut self, place: &Place, value: Option<&str>) -> Option<String> {
        let directory = self.directory;
        let script = self.value(place, value, |value| script(directory, value))?;
        if script.contains('\0') {
            self.report(place, format!("`{}`: there is a NUL byte in it", place.name()), "a script is text");
        }
        Some(script)
    }
}

fn existing(directory: &Path, value: &str, is_there: impl Fn(&Path) -> bool, what: &str) -> Result<PathBuf, Fault> {
    let path = directory.join(value);
    if value.is_empty() || value.contains('\0') || !is_there(&path) {
        let message = format!("there is no {what} `{}`", value.escape_debug());
        return Err(Fault::new(message, "paths are relative to the directory of the configuration"));
    }
    std::path::absolute(&path).map_err(|error| Fault::new(error.to_string(), ""))
}

fn script(directory: &Path, value: &str) -> Result<String, Fault> {
    let one_word =
        !value.is_empty() && !value.contains(|character: char| character.is_whitespace() || character == '\0');
    let path = directory.join(value);
    if one_word && path.is_file() {
        return fs_err::read_to_string(path)
            .map_err(|error| Fault::new(error.to_string(), "the script has to be readable UTF-8 text"));
    }
    let relative = !value.starts_with('/') && value.contains('/');
    if one_word && (relative || [".sh", ".py", ".lua", ".pl"].iter().any(|suffix| value.ends_with(suffix))) {
        let help =
            "paths are relative to the directory of the configuration; a text that looks like a path needs a newline";
        return Err(Fault::new(format!("there is no script `{value}`"), help));
    }
    Ok(value.to_owned())
}
