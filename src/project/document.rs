//! A configuration file as a tree in which every key and value knows its place in the text, and the merging of
//! overrides into it.

use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::error::{Error, Fault, Problem, Text, shown};
use super::raw::Configuration;

/// A table whose keys and values know their places.
pub(super) type Tree<'t> = DeTable<'t>;

/// The configuration's text. Without a file, it is empty.
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub text: Text,
    /// The file, absolute.
    pub file: Option<PathBuf>,
    section: Section,
    /// Place of the table as a whole, for what is missing in it.
    pub span: Range<usize>,
}

/// Which part of a file is the configuration.
#[derive(Debug, Clone, Copy)]
enum Section {
    Whole,
    /// `[tool.omnipack]`
    Tool,
}

impl Document {
    /// No file at all.
    pub fn empty() -> Self {
        let text = Text::new("omnipack.toml".to_owned(), "");
        Self { text, file: None, section: Section::Whole, span: 0..0 }
    }

    /// The configuration of the project in `directory`: `omnipack.toml` or `[tool.omnipack]`.
    pub fn find(directory: &Path) -> Result<Self, Error> {
        let own = directory.join("omnipack.toml");
        let pyproject = directory.join("pyproject.toml");
        let tool = if pyproject.is_file() { Self::read_tool(&pyproject)? } else { None };
        match (own.is_file(), tool) {
            (false, None) => Ok(Self::empty()),
            (false, Some(document)) => Ok(document),
            (true, None) => Self::read(&own),
            (true, Some(document)) => {
                let (first, second) = (document.text.name(), shown(&own));
                let fault = Fault::new(
                    format!("there are two configurations: `[tool.omnipack]` in {first}, and {second}"),
                    format!("move everything into one of them, and delete `[tool.omnipack]` or {second}"),
                );
                let problem = document.text.problem(fault, document.span.clone(), "the first of the two");
                Err(Error::Configuration(Box::new(problem)))
            }
        }
    }

    /// The configuration file that the user named.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let path = std::path::absolute(path)?;
        if path.file_name().is_none_or(|name| name != "pyproject.toml") {
            return Self::read(&path);
        }
        Self::read_tool(&path)?.ok_or_else(|| Error::NoConfiguration { path: shown(&path) })
    }

    fn read(path: &Path) -> Result<Self, Error> {
        let text = Text::read(path)?;
        parse(&text)?;
        Ok(Self { text, file: Some(path.to_owned()), section: Section::Whole, span: 0..0 })
    }

    pub fn read_tool(path: &Path) -> Result<Option<Self>, Error> {
        let text = Text::read(path)?;
        let Some(section) = tool(parse(&text)?) else { return Ok(None) };
        let span = section.span();
        if !section.get_ref().is_table() {
            let fault = Fault::new("`tool.omnipack` has to be a table", "write `[tool.omnipack]`");
            return Err(Error::Configuration(Box::new(text.problem(fault, span, "not a table"))));
        }
        Ok(Some(Self { text, file: Some(path.to_owned()), section: Section::Tool, span }))
    }

    /// The configuration as a tree. It borrows from the text, so it is parsed where it is needed: that costs less than a
    /// millisecond.
    pub fn tree(&self) -> Result<Tree<'_>, Error> {
        let root = parse(&self.text)?;
        match self.section {
            Section::Whole => Ok(root),
            Section::Tool => match tool(root).map(Spanned::into_inner) {
                Some(DeValue::Table(tree)) => Ok(tree),
                _ => Ok(Tree::new()),
            },
        }
    }

    /// The tree without its overrides, and with those of `names` merged in, the least specific first.
    pub fn merged(&self, names: &[&str]) -> Result<Tree<'_>, Error> {
        let mut tree = self.tree()?;
        let Some(distribution) = tree.remove("distribution") else { return Ok(tree) };
        let Some(overrides) = distribution.get_ref().as_table() else { return Ok(tree) };
        for name in names {
            let Some(table) = overrides.get(*name).and_then(|table| table.get_ref().as_table()) else { continue };
            for (key, value) in table.iter().filter(|(key, _)| is_override(key.get_ref())) {
                if MAPS.contains(&key.get_ref().as_ref()) {
                    merge_key(&mut tree, key, &table_of(name, value));
                } else {
                    merge_key(&mut tree, key, value);
                }
            }
        }
        Ok(tree)
    }

    /// A tree as types. It fits them once its shape has been checked.
    pub fn deserialize(&self, tree: &Tree<'_>) -> Result<Configuration, Error> {
        let deserializer = toml::de::Deserializer::from(Spanned::new(self.span.clone(), tree.clone()));
        Configuration::deserialize(deserializer)
            .map_err(|error| Error::Configuration(Box::new(syntax_problem(&self.text, &error))))
    }
}

/// Tables whose own tables are named after distributions.
const MAPS: [&str; 2] = ["package-map", "library-map"];

/// `[distribution.x.package-map]` is another way to write `[package-map.x]`.
fn table_of<'t>(name: &str, value: &Spanned<DeValue<'t>>) -> Spanned<DeValue<'t>> {
    let mut table = Tree::new();
    table.insert(Spanned::new(value.span(), Cow::Owned(name.to_owned())), value.clone());
    Spanned::new(value.span(), DeValue::Table(table))
}

/// `[tool.omnipack]` of a `pyproject.toml`.
fn tool(mut root: Tree<'_>) -> Option<Spanned<DeValue<'_>>> {
    match root.remove("tool")?.into_inner() {
        DeValue::Table(mut tool) => tool.remove("omnipack"),
        _ => None,
    }
}

/// The keys of `[distribution.<name>]` that override the configuration; all others are facts.
const OVERRIDES: [&str; 16] = [
    "builder",
    "package",
    "python",
    "service",
    "user",
    "file",
    "directory",
    "logrotate",
    "meta-package",
    "relations",
    "scriptlets",
    "trigger",
    "rpm",
    "deb",
    "library-map",
    "package-map",
];

pub(super) fn is_override(key: &str) -> bool {
    OVERRIDES.contains(&key)
}

fn parse(text: &Text) -> Result<Tree<'_>, Error> {
    let (tree, errors) = DeTable::parse_recoverable(text.text());
    let problems = errors.iter().take(20).map(|error| syntax_problem(text, error)).collect();
    if let Some(error) = text.error(problems) {
        return Err(error);
    }
    Ok(tree.into_inner())
}

fn syntax_problem(text: &Text, error: &toml::de::Error) -> Problem {
    let fault = Fault::new(format!("this is not TOML: {}", error.message()), "see <https://toml.io> for the notation");
    text.problem(fault, error.span().unwrap_or(0..0), "here")
}

/// Tables merge key by key, arrays of tables by `name` (those without one are added), any other value replaces.
fn merge_key<'t>(base: &mut Tree<'t>, key: &Spanned<Cow<'t, str>>, value: &Spanned<DeValue<'t>>) {
    let name: &str = key.get_ref();
    match (base.get_mut(name).map(Spanned::get_mut), value.get_ref()) {
        (Some(DeValue::Table(under)), DeValue::Table(over)) => {
            for (key, value) in over.iter() {
                merge_key(under, key, value);
            }
        }
        (Some(DeValue::Array(under)), DeValue::Array(over)) if is_tables(over) && is_tables(under) => {
            for item in over.iter() {
                merge_item(under, item);
            }
        }
        _ => {
            base.remove(name);
            base.insert(key.clone(), value.clone());
        }
    }
}

fn merge_item<'t>(items: &mut DeArray<'t>, over: &Spanned<DeValue<'t>>) {
    let name = over.get_ref().get("name").and_then(|name| name.get_ref().as_str());
    let same = name.and_then(|name| {
        (0..items.len()).find(|index| {
            let other = items.get(*index).and_then(|item| item.get_ref().get("name"));
            other.is_some_and(|other| other.get_ref().as_str() == Some(name))
        })
    });
    match (same.and_then(|index| items.get_mut(index)).map(Spanned::get_mut), over.get_ref()) {
        (Some(DeValue::Table(under)), DeValue::Table(over)) => {
            for (key, value) in over.iter() {
                merge_key(under, key, value);
            }
        }
        _ => items.push(over.clone()),
    }
}

fn is_tables(items: &DeArray<'_>) -> bool {
    !items.is_empty() && items.iter().all(|item| item.get_ref().is_table())
}

/// A way from the root of the configuration to one value.
#[derive(Debug, Clone, Default)]
pub struct Place(Vec<Step>);

#[derive(Debug, Clone)]
enum Step {
    Key(String),
    Index(usize),
}

impl Place {
    /// A key of the root.
    #[must_use]
    pub fn at(key: &str) -> Self {
        Self::default().key(key)
    }

    /// A key of the table there.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Key(key.to_owned()));
        Self(steps)
    }

    /// An item of the list there.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Index(index));
        Self(steps)
    }

    /// The last key on the way, for messages.
    pub(super) fn name(&self) -> &str {
        let key = self.0.iter().rev().find_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) => None,
        });
        key.unwrap_or("configuration")
    }

    /// Where the value lies in the text, or else the nearest table around it.
    pub(super) fn span(&self, tree: &Tree<'_>, whole: Range<usize>) -> Range<usize> {
        self.walk(tree).last().unwrap_or(whole)
    }

    /// Where the value lies in the text, if it is there.
    pub(super) fn exact(&self, tree: &Tree<'_>) -> Option<Range<usize>> {
        let spans = self.walk(tree).collect::<Vec<_>>();
        spans.last().filter(|_| spans.len() == self.0.len()).cloned()
    }

    /// Where each value on the way lies, as far as there are any.
    fn walk<'p>(&'p self, tree: &'p Tree<'_>) -> impl Iterator<Item = Range<usize>> + 'p {
        let mut value: Option<&Spanned<DeValue<'_>>> = None;
        self.0.iter().map_while(move |step| {
            let next = match (step, value) {
                (Step::Key(key), None) => tree.get(key.as_str()),
                (Step::Key(key), Some(value)) => value.get_ref().as_table().and_then(|table| table.get(key.as_str())),
                (Step::Index(index), Some(value)) => value.get_ref().as_array().and_then(|items| items.get(*index)),
                (Step::Index(_), None) => None,
            };
            value = next;
            next.map(Spanned::span)
        })
    }
}
