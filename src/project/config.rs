//! The configuration of a project: found, checked as a whole, and read for one distribution at a time.
//!
//! A file is checked in two steps: does it have the shape of the schema, and do its values make sense, alone and
//! together with the overrides of each `[distribution.<name>]`. Overrides merge into the tree of the file before it is
//! read, so a value knows its place wherever it comes from. The family's override is merged first, then that of the
//! distribution itself.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::assemble::{self, Context};
use super::document::{Document, Place, Tree};
use super::error::{Error, Fault, Problem};
use super::parts::{self, Names};
use super::plugins;
use super::raw::{Configuration, PackageMapEntry};
use super::reader::Reader;
use super::rpm::SpecRules;
use super::shape::{Shape, near};
use super::targets;
use super::values;
use super::without_python;
use super::{BuilderSettings, Metadata, Project, PythonSettings, Source, Targets, schema};
use crate::distribution::{self, Catalogue, Distribution, PackageFormat, near_machine};

/// A checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    pub(super) document: Document,
    directory: PathBuf,
    source: Source,
}

impl Config {
    /// Reads the configuration of a project: the file `explicit`, or else `omnipack.toml` or `[tool.omnipack]` of
    /// `pyproject.toml` in the project's directory. No file is the empty configuration, and so it is for a wheel, an sdist
    /// or a requirement when no file is named: what lies around in the current directory is another project's.
    ///
    /// # Errors
    /// Everything that is wrong in the file, with its places; or that there are two files.
    pub fn load(source: &Source, explicit: Option<&Path>) -> Result<Self, Error> {
        let document = match (explicit, source.directory()) {
            (Some(path), _) => Document::open(path)?,
            (None, Some(directory)) => Document::find(directory)?,
            (None, None) => Document::empty(),
        };
        let beside = document.file.as_deref().and_then(Path::parent);
        let directory = match beside.or_else(|| source.directory()) {
            Some(directory) => directory.to_owned(),
            None => std::env::current_dir()?,
        };
        let config = Self { document, directory, source: source.clone() };
        config.check()?;
        Ok(config)
    }

    /// Can `pyproject.toml` be read, if the project in `directory` has one?
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn check_pyproject(directory: &Path) -> Result<(), Error> {
        let path = directory.join("pyproject.toml");
        if path.is_file() { Document::read_tool(&path).map(drop) } else { Ok(()) }
    }

    /// The file, if there is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.document.file.as_deref()
    }

    /// What relative paths in the configuration are relative to.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Can all that a spec file for `distribution` takes from the configuration stand in one? All that cannot is found, with
    /// its place.
    ///
    /// # Errors
    /// What `rules` refuse.
    pub fn check_for_spec(&self, distribution: &Distribution, rules: &SpecRules) -> Result<(), Error> {
        let tree = self.document.merged(&levels(distribution))?;
        let raw = self.document.deserialize(&tree)?;
        let mut reader = Reader::new(&self.document, &tree, &self.directory);
        super::rpm::check_for_spec(&mut reader, &raw, rules);
        reader.finish(())
    }

    /// `[targets] distributions`: what to build for when the command line names nothing.
    #[must_use]
    pub fn targets(&self) -> Vec<String> {
        let raw = self.document.merged(&[]).and_then(|tree| self.document.deserialize(&tree));
        raw.map(|raw| raw.targets.distributions).unwrap_or_default()
    }

    /// What to build for: `named` of the command line, or else [`Config::targets`], each once.
    ///
    /// # Errors
    /// When there is no distribution of such a name.
    pub fn distributions<'c>(
        &self,
        named: &[String],
        catalogue: &'c Catalogue,
    ) -> Result<Vec<&'c Distribution>, distribution::Error> {
        let names = if named.is_empty() { self.targets() } else { named.to_vec() };
        let mut seen = BTreeSet::new();
        names.iter().filter(|name| seen.insert(*name)).map(|name| catalogue.get(name)).collect()
    }

    /// `[package] name`, as it stands for all distributions.
    pub fn package_name(&self) -> Option<String> {
        let raw = self.document.merged(&[]).and_then(|tree| self.document.deserialize(&tree));
        raw.ok()?.package?.name
    }

    /// All of `[targets]`.
    ///
    /// # Errors
    /// What is wrong in it.
    pub fn target_table(&self) -> Result<Targets, Error> {
        let tree = self.document.merged(&[])?;
        let raw = self.document.deserialize(&tree)?;
        let mut reader = Reader::new(&self.document, &tree, &self.directory);
        let targets = targets::targets(&mut reader, &raw.targets);
        reader.finish(targets)
    }

    /// The tables `[distribution.<name>]` as written, for the facts in them.
    #[must_use]
    pub fn distribution_tables(&self) -> toml::Table {
        let value = self.document.tree().ok().and_then(|mut tree| tree.remove("distribution"));
        let table = value.and_then(|value| toml::Table::deserialize(toml::de::ValueDeserializer::from(value)).ok());
        table.unwrap_or_default()
    }

    /// Are all the names in `[targets]`, `[distribution.<name>]` and `[package-map.<name>]` known, and the machines of rows that
    /// `[targets]` includes and excludes? One that is not would change nothing, silently.
    ///
    /// # Errors
    /// Those that are not, with their places and the nearest name.
    pub fn check_distributions<'d>(&self, known: impl Iterator<Item = &'d Distribution>) -> Result<(), Error> {
        let tree = self.document.tree()?;
        let known = known.collect::<Vec<_>>();
        let mut names = Vec::new();
        let mut families = Vec::new();
        for distribution in &known {
            names.push(distribution.name.as_str());
            families.push(distribution.family.as_str());
        }
        families.dedup();
        let both: Vec<&str> = names.iter().chain(&families).copied().collect();
        let mut problems = Vec::new();
        for (key, value) in distribution_names(&tree) {
            let known = if key == "distributions" { &names } else { &both };
            if !known.contains(&&**value.get_ref()) {
                let message = format!("there is no distribution `{}`", value.get_ref().escape_debug());
                let near = near(value.get_ref(), known).map(|near| format!("did you mean `{near}`?"));
                let help = near.unwrap_or_else(|| "`omnipack distributions` lists all".to_owned());
                problems.push(self.document.text.problem(Fault::new(message, help), value.span(), "unknown name"));
            }
        }
        for (machine, fault) in wrong_machines(&tree, &known) {
            problems.push(self.document.text.problem(fault, machine, "not listed"));
        }
        self.document.text.error(problems).map_or(Ok(()), Err)
    }

    /// `[python]` for one distribution: what the resolver needs before the application's metadata is known.
    ///
    /// # Errors
    /// What is wrong in it.
    pub fn python_settings(&self, distribution: &Distribution) -> Result<PythonSettings, Error> {
        let tree = self.document.merged(&levels(distribution))?;
        let raw = self.document.deserialize(&tree)?;
        let mut reader = Reader::new(&self.document, &tree, &self.directory);
        let metadata = placeholder();
        let context = Context { source: &self.source, metadata: &metadata, directory: &self.directory, processes: 0 };
        // The package's name matters to no wheel.
        let python = assemble::python(&mut reader, &raw.python.unwrap_or_default(), &context, &metadata.name);
        reader.finish(python)
    }

    /// What stands for the metadata of an application, with `interpreter = "none"`; `None` where there is an application.
    ///
    /// # Errors
    /// When the command line names an application all the same, or the configuration lacks what only it can say.
    pub fn metadata_without_python(&self, distribution: &Distribution) -> Result<Option<Metadata>, Error> {
        let tree = self.document.merged(&levels(distribution))?;
        let raw = self.document.deserialize(&tree)?;
        if !without_python::is_chosen(&raw) {
            return Ok(None);
        }
        let mut reader = Reader::new(&self.document, &tree, &self.directory);
        without_python::check(&mut reader, &raw);
        reader.finish(())?;
        without_python::metadata(&raw, &self.source, placeholder()).map(Some)
    }

    /// `[builder]` for one distribution: what is needed before the application's metadata is known.
    ///
    /// # Errors
    /// What is wrong in it.
    pub fn builder_settings(&self, distribution: &Distribution) -> Result<BuilderSettings, Error> {
        let tree = self.document.merged(&levels(distribution))?;
        let raw = self.document.deserialize(&tree)?;
        let mut reader = Reader::new(&self.document, &tree, &self.directory);
        let settings = super::builder::builder(&mut reader, &raw, distribution.format);
        reader.finish(settings)
    }

    /// Everything the user said, for one distribution.
    ///
    /// # Errors
    /// What is wrong in the configuration once the overrides of the distribution are merged.
    pub fn project(&self, source: &Source, metadata: Metadata, distribution: &Distribution) -> Result<Project, Error> {
        let names = levels(distribution);
        let tree = self.document.merged(&names)?;
        let raw = self.document.deserialize(&tree)?;
        let mut reader = Reader::new(&self.document, &tree, &self.directory);
        let project = self.assemble(&mut reader, &raw, source, metadata, &names);
        reader.finish(project)
    }

    fn assemble(
        &self,
        reader: &mut Reader<'_>,
        raw: &Configuration,
        source: &Source,
        metadata: Metadata,
        levels: &[&str],
    ) -> Project {
        let processes = raw.service.iter().map(|service| u64::from(service.count.unwrap_or(1))).sum();
        let context = Context { source, metadata: &metadata, directory: &self.directory, processes };
        let package = assemble::package(reader, &raw.package.clone().unwrap_or_default(), &context);
        let python = assemble::python(reader, &raw.python.clone().unwrap_or_default(), &context, &package.name);
        let names = Names::of(raw);
        let project = Project {
            services: super::services::services(reader, &raw.service, &names, &package.summary),
            users: parts::users(reader, &raw.user),
            files: parts::files(reader, &raw.file, &names),
            directories: parts::directories(reader, &raw.directory, &names),
            logrotate: parts::logrotate(reader, &raw.logrotate, &names),
            meta_packages: parts::meta_packages(reader, &raw.meta_package),
            relations: parts::relations(reader, &raw.relations, &Place::at("relations")),
            scriptlets: parts::scriptlets(reader, &raw.scriptlets),
            triggers: parts::triggers(reader, &raw.trigger, &names),
            rpm: super::rpm::rpm(reader, &raw.rpm),
            deb: parts::deb(reader, &raw.deb),
            library_map: library_map(reader, &raw.library_map, levels),
            package_map: package_map(reader, &raw.package_map, levels),
            source: source.clone(),
            package,
            python,
            metadata,
        };
        plugins::check(reader, &project);
        without_python::check(reader, raw);
        project
    }

    /// The whole file: its shape, then its values, alone and with each override.
    fn check(&self) -> Result<(), Error> {
        let text = &self.document.text;
        let tree = self.document.tree()?;
        let schema = schema();
        let mut shape = Shape { text, schema: &schema, problems: Vec::new() };
        shape.check_root(&tree);
        if let Some(error) = text.error(shape.problems) {
            return Err(error);
        }
        let mut problems = self.duplicate_targets(&tree);
        problems.extend(self.check_values(&[])?);
        if problems.is_empty() {
            problems = self.check_overrides(&tree)?;
        }
        match text.error(problems) {
            None => Ok(()),
            Some(error) => Err(error),
        }
    }

    /// Each override makes sense alone, or together with another one: which table is the family of which distribution is
    /// not known here.
    fn check_overrides(&self, tree: &Tree<'_>) -> Result<Vec<Problem>, Error> {
        let distributions = tree.get("distribution").and_then(|value| value.get_ref().as_table());
        let names: Vec<&str> = distributions.into_iter().flat_map(Tree::keys).map(|name| &**name.get_ref()).collect();
        let mut problems = Vec::new();
        for name in &names {
            let alone = self.check_values(&[name])?;
            let mut families = names.iter().filter(|family| *family != name);
            let together = |family: &&str| self.check_values(&[family, name]).is_ok_and(|problems| problems.is_empty());
            if !alone.is_empty() && !families.any(together) {
                problems.extend(alone);
            }
        }
        Ok(problems)
    }

    fn check_values(&self, levels: &[&str]) -> Result<Vec<Problem>, Error> {
        let tree = self.document.merged(levels)?;
        let raw = self.document.deserialize(&tree)?;
        let mut reader = Reader::new(&self.document, &tree, &self.directory);
        self.assemble(&mut reader, &raw, &self.source, placeholder(), levels);
        // What is wrong in it does not depend on the format.
        super::builder::builder(&mut reader, &raw, PackageFormat::Rpm);
        if levels.is_empty() {
            targets::targets(&mut reader, &raw.targets);
        }
        Ok(reader.into_problems())
    }

    fn duplicate_targets(&self, tree: &Tree<'_>) -> Vec<Problem> {
        let targets = tree.get("targets").and_then(|targets| targets.get_ref().get("distributions"));
        let mut seen: Vec<&str> = Vec::new();
        let mut problems = Vec::new();
        for item in targets.and_then(|targets| targets.get_ref().as_array()).into_iter().flat_map(|items| items.iter())
        {
            let name = item.get_ref().as_str().unwrap_or_default();
            if seen.contains(&name) {
                let fault = Fault::new(format!("`{}` is there twice", name.escape_debug()), "remove one of them");
                problems.push(self.document.text.problem(fault, item.span(), "the second time"));
            }
            seen.push(name);
        }
        problems
    }
}

/// Every name of a distribution or family, with the key that it is below.
fn distribution_names<'t>(tree: &'t Tree<'t>) -> Vec<(&'static str, Spanned<Cow<'t, str>>)> {
    let table = |key: &str| tree.get(key).and_then(|value| value.get_ref().as_table()).into_iter().flat_map(Tree::iter);
    let mut all: Vec<_> = table("distribution").map(|(name, _)| ("distribution", name.clone())).collect();
    for key in ["package-map", "library-map"] {
        let maps = table(key).filter(|(_, value)| value.get_ref().is_table());
        all.extend(maps.map(|(name, _)| (key, name.clone())));
    }
    for (key, targets) in table("targets") {
        for item in targets.get_ref().as_array().into_iter().flat_map(|items| items.iter()) {
            let (kind, name) = match &**key.get_ref() {
                "distributions" => ("distributions", Some(item)),
                "include" => ("distributions", item.get_ref().get("distribution")),
                "exclude" => ("exclude", item.get_ref().get("distribution")),
                _ => continue,
            };
            let text = name.and_then(|name| Some((name.span(), name.get_ref().as_str()?)));
            all.extend(text.map(|(span, text)| (kind, Spanned::new(span, Cow::Borrowed(text)))));
        }
    }
    all
}

/// Machines in rows of `[targets] include` and `exclude` for which there is nothing to list or to leave out.
fn wrong_machines(tree: &Tree<'_>, known: &[&Distribution]) -> Vec<(Range<usize>, Fault)> {
    let targets = tree.get("targets").and_then(|value| value.get_ref().as_table());
    let mut wrong = Vec::new();
    for key in ["include", "exclude"] {
        let rows = targets.and_then(|targets| targets.get(key)).and_then(|rows| rows.get_ref().as_array());
        for row in rows.into_iter().flat_map(|rows| rows.iter()) {
            let text =
                |key: &str| row.get_ref().get(key).and_then(|value| Some((value.span(), value.get_ref().as_str()?)));
            let Some((place, machine)) = text("machine") else { continue };
            // What is left out may be a release that never was for the machine: it is not listed anyway.
            let named = text("distribution").map(|(_, name)| name).filter(|_| key == "include");
            let name = known.iter().find(|distribution| Some(distribution.name.as_str()) == named);
            let sound = |distribution: &&&Distribution| distribution.architecture(machine).is_some();
            let message = match name {
                Some(distribution) if !sound(&distribution) => {
                    format!("{} is not for the machine `{}`", distribution.name, machine.escape_debug())
                }
                None if !known.iter().any(|distribution| sound(&distribution)) => {
                    format!("no distribution is for the machine `{}`", machine.escape_debug())
                }
                _ => continue,
            };
            let near = near_machine(machine, known.iter().copied()).filter(|near| *near != machine);
            let near = near.map(|near| format!("did you mean `{near}`?"));
            let help = near.unwrap_or_else(|| "`omnipack distributions` shows the machines of each".to_owned());
            wrong.push((place, Fault::new(message, help)));
        }
    }
    wrong
}

/// Names of the overrides for a distribution, the least specific first.
pub(super) fn levels(distribution: &Distribution) -> [&str; 2] {
    [&distribution.family, &distribution.name]
}

/// The map of `[package-map]` for some levels, with normalised names (PEP 503).
fn package_map(
    reader: &mut Reader<'_>,
    raw: &BTreeMap<String, PackageMapEntry>,
    levels: &[&str],
) -> BTreeMap<String, String> {
    let entries = most_specific(&Place::at("package-map"), raw, levels).into_iter();
    let read = |(name, (place, package)): (&str, (Place, &str))| {
        Some((assemble::normalised(name), reader.value(&place, Some(package), values::phrase)?))
    };
    entries.filter_map(read).collect()
}

/// The map of `[library-map]` for some levels.
fn library_map(
    reader: &mut Reader<'_>,
    raw: &BTreeMap<String, PackageMapEntry>,
    levels: &[&str],
) -> BTreeMap<String, String> {
    let entries = most_specific(&Place::at("library-map"), raw, levels).into_iter();
    let read = |(library, (place, relation)): (&str, (Place, &str))| {
        let library = reader.value(&place, Some(library), values::library)?;
        Some((library, reader.value(&place, Some(relation), values::line)?))
    };
    entries.filter_map(read).collect()
}

/// For each name what the map says of it for the last of `levels` that has it, with its place.
fn most_specific<'m>(
    at: &Place,
    raw: &'m BTreeMap<String, PackageMapEntry>,
    levels: &[&str],
) -> BTreeMap<&'m str, (Place, &'m str)> {
    let mut all = BTreeMap::new();
    for (name, entry) in raw {
        if let PackageMapEntry::Package(text) = entry {
            all.insert(name.as_str(), (at.key(name), text.as_str()));
        }
    }
    for level in levels {
        let Some(PackageMapEntry::Target(table)) = raw.get(*level) else { continue };
        all.extend(table.iter().map(|(name, text)| (name.as_str(), (at.key(level).key(name), text.as_str()))));
    }
    all
}

/// Stands in for the metadata of an application that is not built yet, while its configuration is checked.
pub(super) fn placeholder() -> Metadata {
    Metadata {
        name: "application".to_owned(),
        version: "0".to_owned(),
        summary: String::new(),
        description: String::new(),
        license: String::new(),
        url: String::new(),
        author: String::new(),
        requires_python: String::new(),
        requires_dist: Vec::new(),
        extras: Vec::new(),
        console_scripts: Vec::new(),
    }
}
