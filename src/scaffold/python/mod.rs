//! The application itself: what it is called, what it needs, which commands and modules it installs. All of it is read and
//! nothing is run; where files contradict each other, `pyproject.toml` is believed first, then `setup.cfg`, `setup.py`, and
//! the `PKG-INFO` of an sdist.

mod lists;
mod literal;
mod pyproject;
mod setup_cfg;
mod setup_py;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::finding::{Findings, Origin, Said};
use super::tree::{Tree, name_of};
use crate::project::{Metadata, normalised, parse_requirement};

pub use lists::Lists;
pub use setup_cfg::parse as ini;

/// How the project becomes a wheel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// By its build backend.
    #[default]
    Built,
    /// It has no build configuration: its modules are installed as they lie there.
    Modules,
}

/// What is known of the application without building it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Application {
    pub kind: Kind,
    /// As published.
    pub name: Option<Said>,
    pub requires_python: Option<Said>,
    /// Normalised names of what it requires itself.
    pub dependencies: BTreeSet<String>,
    /// Extra to the names of what it requires.
    pub extras: BTreeMap<String, BTreeSet<String>>,
    /// Console scripts, with the place that says them.
    pub scripts: BTreeMap<String, Origin>,
    /// Does it say itself what it requires?
    pub declares: bool,
    /// Modules outside of packages that are installed.
    pub modules: BTreeSet<String>,
    /// Requirement files, constraints and locks.
    pub lists: Lists,
}

impl Application {
    #[must_use]
    pub fn read(tree: &Tree, findings: &mut Findings) -> Self {
        let mut application = Self { kind: kind(tree), ..Self::default() };
        pyproject::read(tree, &mut application);
        setup_cfg::read(tree, &mut application);
        setup_py::read(tree, &mut application);
        application.read_sdist(tree);
        application.lists = Lists::read(tree, application.declares, application.kind, findings);
        application
    }

    /// `PKG-INFO` and `entry_points.txt`, which an sdist has beside its sources.
    fn read_sdist(&mut self, tree: &Tree) {
        let Some(text) = tree.text("PKG-INFO") else { return };
        let points = tree.named(|name| name == "entry_points.txt").find(|(path, _)| path.contains(".egg-info/"));
        let (path, points) = points.unwrap_or(("PKG-INFO", ""));
        let Ok(metadata) = Metadata::parse(text, points) else { return };
        let origin = |start: &str| {
            let line = text.lines().position(|line| line.starts_with(start)).map_or(0, |index| index + 1);
            Origin::new("PKG-INFO", line)
        };
        self.name.get_or_insert_with(|| Said::new(metadata.name.clone(), origin("Name:")));
        if !metadata.requires_python.is_empty() {
            let said = Said::new(metadata.requires_python.clone(), origin("Requires-Python:"));
            self.requires_python.get_or_insert(said);
        }
        for requirement in &metadata.requires_dist {
            self.declares = true;
            match extra_of(requirement) {
                Some(extra) => self.extras.entry(extra).or_default().extend(name_in(requirement)),
                None => self.dependencies.extend(name_in(requirement)),
            }
        }
        for script in metadata.console_scripts {
            self.scripts.entry(script).or_insert_with(|| Origin::new(path, 0));
        }
    }

    /// Everything that will be installed, by name, as far as the files say it.
    #[must_use]
    pub fn installs(&self, distribution: &str) -> bool {
        self.dependencies.contains(distribution) || self.lists.names.contains(distribution)
    }

    /// The extra that brings a distribution.
    #[must_use]
    pub fn extra_with(&self, distribution: &str) -> Option<&str> {
        self.extras.iter().find(|(_, names)| names.contains(distribution)).map(|(extra, _)| extra.as_str())
    }

    /// The name of the package, where nothing else says one.
    #[must_use]
    pub fn package_name(&self, tree: &Tree) -> String {
        normalised(self.name.as_ref().map_or(tree.title(), |name| &name.value))
    }

    /// The module that a file is when it is installed: `app.server` for `src/app/server.py`.
    #[must_use]
    pub fn module_of(&self, tree: &Tree, path: &str) -> Option<String> {
        let path = path.strip_prefix("./").unwrap_or(path);
        let inside = path.strip_prefix("src/").filter(|_| self.kind == Kind::Built).unwrap_or(path);
        let stem = inside.strip_suffix(".py")?;
        let parts = stem.split('/').collect::<Vec<_>>();
        let identifier = |part: &&str| {
            let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
            !part.is_empty() && part.chars().all(good) && !part.starts_with(|c: char| c.is_ascii_digit())
        };
        if !tree.has(path) || !parts.iter().all(identifier) {
            return None;
        }
        let module = parts.strip_suffix(&["__init__"]).unwrap_or(&parts).join(".");
        let top = parts.first().copied().unwrap_or_default();
        let base = path.strip_suffix(inside).unwrap_or_default();
        let installed = match self.kind {
            Kind::Modules => true,
            Kind::Built if parts.len() == 1 => self.modules.contains(top),
            Kind::Built => tree.has(&format!("{base}{top}/__init__.py")) && !is_upkeep(top),
        };
        installed.then_some(module)
    }

    /// Is there a file for a module, and is it installed? `None`: it is nothing of this project.
    #[must_use]
    pub fn has_module(&self, tree: &Tree, module: &str) -> Option<bool> {
        let path = module.replace('.', "/");
        let places =
            ["", "src/"].iter().flat_map(|base| [format!("{base}{path}.py"), format!("{base}{path}/__init__.py")]);
        let found = places.into_iter().filter(|place| tree.has(place)).collect::<Vec<_>>();
        if found.is_empty() {
            return None;
        }
        Some(found.iter().any(|place| self.module_of(tree, place).is_some()))
    }
}

/// Directories that projects have beside what they install.
fn is_upkeep(directory: &str) -> bool {
    const NAMES: [&str; 10] =
        ["tests", "test", "docs", "doc", "examples", "example", "scripts", "tools", "benchmarks", "project_template"];
    NAMES.contains(&directory)
}

fn kind(tree: &Tree) -> Kind {
    let builds = |text: &str| match text.parse::<toml::Table>() {
        Ok(table) => {
            let tool = |name: &str| table.get("tool").is_some_and(|tool| tool.get(name).is_some());
            table.contains_key("project") || table.contains_key("build-system") || tool("poetry") || tool("flit")
        }
        Err(_) => true,
    };
    let built = tree.has("setup.py") || tree.has("setup.cfg") || tree.text("pyproject.toml").is_some_and(builds);
    if built { Kind::Built } else { Kind::Modules }
}

/// The normalised name in a requirement; none in what is no requirement.
fn name_in(requirement: &str) -> Option<String> {
    let requirement = requirement.split(" #").next().unwrap_or_default();
    let read = parse_requirement::<url::Url>(requirement).ok()?;
    Some(normalised(read.name.as_ref()))
}

/// `web` for `gunicorn; extra == "web"`.
fn extra_of(requirement: &str) -> Option<String> {
    let (_, marker) = requirement.split_once(';')?;
    let (_, extra) = marker.split_once("extra")?;
    let extra = extra.trim_start().strip_prefix("==")?.trim_start();
    let quote = extra.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    extra.split(quote).nth(1).map(str::to_owned)
}

/// Number of the first line that has all of `parts`, from 1; 0 where none has.
fn line_with(text: &str, parts: &[&str]) -> usize {
    text.lines().position(|line| parts.iter().all(|part| line.contains(part))).map_or(0, |index| index + 1)
}

/// Reads lines of `name = module:function`.
fn script_name(line: &str) -> Option<String> {
    let (name, target) = line.split_once('=')?;
    let name = name.trim();
    let sound = !name.is_empty() && !name.contains(|c: char| c.is_control() || c.is_whitespace() || c == '/');
    (sound && target.contains(|c: char| c.is_ascii_alphanumeric())).then(|| name.to_owned())
}

/// Does the file belong to the project's upkeep, by its path?
#[must_use]
pub fn is_upkeep_file(path: &str) -> bool {
    path.split('/').any(is_upkeep)
        || matches!(name_of(path), "setup.py" | "conftest.py" | "noxfile.py" | "tasks.py" | "versioneer.py")
        || name_of(path).starts_with("test_")
}
