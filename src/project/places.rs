//! Where something stands in the configuration or in another file of the project, for those who have something to say of it.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::config::levels;
use super::document::{Place, is_override};
use super::error::{Error, Fault, Text};
use super::shape::near;
use super::{Config, Metadata};
use crate::distribution::Distribution;

/// A place in a file that can be shown: passwords in addresses are covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// As shown: relative where it lies below the current directory.
    pub file: String,
    pub text: Arc<str>,
    /// Bytes of `text`.
    pub span: Range<usize>,
}

impl Spot {
    /// A place in the file at `path`, whose text it is.
    #[must_use]
    pub fn in_file(path: &Path, text: &str, span: Range<usize>) -> Self {
        Self::of(&Text::new(super::error::shown(path), text), span)
    }

    fn of(text: &Text, span: Range<usize>) -> Self {
        Self { file: text.name().to_owned(), text: text.covered(), span }
    }

    /// Counted from one: line, and column in characters.
    #[must_use]
    pub fn line_and_column(&self) -> (usize, usize) {
        let before = self.text.get(..self.span.start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count();
        (before.matches('\n').count() + 1, column + 1)
    }
}

impl Config {
    /// Where the configuration for `distribution` says this, if it says it.
    #[must_use]
    pub fn spot(&self, distribution: &Distribution, place: &Place) -> Option<Spot> {
        let tree = self.document.merged(&levels(distribution)).ok()?;
        place.exact(&tree).map(|span| Spot::of(&self.document.text, span))
    }

    /// Where it says this, or else the nearest table around it, if there is one.
    #[must_use]
    pub fn nearest_spot(&self, distribution: &Distribution, place: &Place) -> Option<Spot> {
        let tree = self.document.merged(&levels(distribution)).ok()?;
        let span = place.span(&tree, 0..0);
        (!span.is_empty()).then(|| Spot::of(&self.document.text, span))
    }

    /// The tables `[distribution.<name>]` that override something, by name.
    #[must_use]
    pub fn overrides(&self) -> Vec<(String, Spot)> {
        let Ok(tree) = self.document.tree() else { return Vec::new() };
        let tables = tree.get("distribution").and_then(|value| value.get_ref().as_table());
        let tables = tables.into_iter().flat_map(|tables| tables.iter());
        let overriding = tables.filter(|(_, value)| {
            let keys = value.get_ref().as_table().into_iter().flat_map(|table| table.keys());
            keys.map(|key| key.get_ref()).any(|key| is_override(key))
        });
        overriding.map(|(name, _)| (name.get_ref().to_string(), Spot::of(&self.document.text, name.span()))).collect()
    }

    /// `[check] allow`, each of which has to be one of the `known` codes.
    ///
    /// # Errors
    /// Those that are none, with their places and the nearest code.
    pub fn allowed_hints(&self, known: &[&str]) -> Result<Vec<String>, Error> {
        let tree = self.document.merged(&[])?;
        let allowed = self.document.deserialize(&tree)?.check.allow;
        let mut problems = Vec::new();
        for (index, code) in allowed.iter().enumerate().filter(|(_, code)| !known.contains(&code.as_str())) {
            let help = near(code, known).map(|near| format!("did you mean `{near}`?"));
            let help = help.unwrap_or_else(|| format!("the hints are {}", known.join(", ")));
            let fault = Fault::new(format!("there is no hint `{}`", code.escape_debug()), help);
            let span = Place::at("check").key("allow").index(index).span(&tree, self.document.span.clone());
            problems.push(self.document.text.problem(fault, span, "this value"));
        }
        self.document.text.error(problems).map_or(Ok(allowed), Err)
    }
}

impl Metadata {
    /// What is known of an application that is not built yet.
    #[must_use]
    pub fn unknown(name: &str) -> Self {
        Self { name: name.to_owned(), version: "0".to_owned(), ..super::config::placeholder() }
    }
}
