//! What a builder image is made of, and its Containerfile.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Error, listing};
use crate::distribution::{Distribution, Manager, Mirror, Repository, Toolchain};
use crate::plan::{Interpreter, InterpreterKind};
use crate::project::BuilderSettings;
use crate::template;

/// What a recipe is written from.
#[derive(Debug, Clone, Copy)]
pub struct Ingredients<'a> {
    pub distribution: &'a Distribution,
    /// As `uname -m` says it.
    pub machine: &'a str,
    pub interpreter: &'a Interpreter,
    pub settings: &'a BuilderSettings,
}

/// Everything that decides a builder image: distribution, base image, packages, the Python.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    distribution: String,
    title: String,
    machine: String,
    base: String,
    network: String,
    /// `3.9`
    series: String,
    /// `None`: the application brings its own.
    python: Option<String>,
    manager: Manager,
    enable: Vec<String>,
    mirror: Option<Mirror>,
    repositories: Vec<(String, Repository)>,
    /// Compilers and the Python, by the facts of the distribution.
    toolchain: Vec<String>,
    /// Of the configuration.
    packages: Vec<String>,
}

/// The repositories of a recipe as its template takes them.
#[derive(Serialize)]
struct NamedRepository<'a> {
    name: &'a str,
    #[serde(flatten)]
    repository: &'a Repository,
}

impl Recipe {
    /// # Errors
    /// When the distribution has no image or no compilers that are known, or the configuration names a repository or a package
    /// that there cannot be.
    pub fn new(of: Ingredients<'_>) -> Result<Self, Error> {
        let Ingredients { distribution, machine, interpreter, settings } = of;
        let name = || distribution.name.clone();
        let toolchain = distribution.toolchain.as_ref().ok_or_else(|| Error::NoToolchain { distribution: name() })?;
        let base = settings.image.as_ref().or(distribution.image.as_ref());
        let base = base.ok_or_else(|| Error::NoImage { distribution: name() })?;
        let mut packages = toolchain.packages.clone();
        let mut wanted = settings.repositories.clone();
        let mut python = None;
        if let InterpreterKind::System { .. } = interpreter.kind {
            python = Some(interpreter.path.clone());
            if let Some(known) = distribution.python(interpreter.version) {
                packages.push(known.package.clone());
                packages.extend(known.devel.iter().cloned());
                wanted.extend(known.repository.iter().filter(|one| toolchain.repositories.contains_key(*one)).cloned());
            }
        }
        let recipe = Self {
            distribution: name(),
            title: distribution.title.clone(),
            machine: machine.to_owned(),
            base: base.clone(),
            network: settings.network.clone(),
            series: interpreter.version.series(),
            python,
            manager: toolchain.manager,
            enable: enabled(distribution, toolchain, &wanted)?,
            mirror: toolchain.mirror.clone(),
            repositories: repositories(toolchain, &wanted),
            toolchain: once(packages),
            packages: once(settings.packages.iter().chain(&settings.build_requires).flat_map(|text| split(text))),
        };
        let bad = |word: &&String| word.is_empty() || word.starts_with('-') || word.contains(char::is_control);
        match recipe.toolchain.iter().chain(&recipe.packages).find(bad) {
            Some(word) => {
                let manager = recipe.manager_name();
                Err(Error::Package { word: word.escape_debug().to_string(), manager })
            }
            None => Ok(recipe),
        }
    }

    /// The name of the distribution.
    #[must_use]
    pub fn distribution(&self) -> &str {
        &self.distribution
    }

    /// As `uname -m` says it.
    #[must_use]
    pub fn machine(&self) -> &str {
        &self.machine
    }

    /// The image that it is made from.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Series of the target's Python, `3.9`.
    #[must_use]
    pub fn series(&self) -> &str {
        &self.series
    }

    /// Path of the target's interpreter inside; `None` where the application brings its own.
    #[must_use]
    pub fn python(&self) -> Option<&Path> {
        self.python.as_deref().map(Path::new)
    }

    pub(super) fn network(&self) -> &str {
        &self.network
    }

    /// The Containerfile: the same bytes for the same recipe.
    ///
    /// # Errors
    /// When a value cannot stand in one.
    pub fn containerfile(&self) -> Result<String, Error> {
        self.containerfile_from(&self.base)
    }

    /// The same, from an image that is called otherwise here.
    pub(super) fn containerfile_from(&self, base: &str) -> Result<String, Error> {
        let (name, text) = match self.manager {
            Manager::AptGet => ("builder/apt-get", include_str!("../../templates/builder/apt-get")),
            Manager::Dnf => ("builder/dnf", include_str!("../../templates/builder/dnf")),
            Manager::Microdnf => ("builder/microdnf", include_str!("../../templates/builder/microdnf")),
            Manager::Yum => ("builder/yum", include_str!("../../templates/builder/yum")),
            Manager::Zypper => ("builder/zypper", include_str!("../../templates/builder/zypper")),
        };
        let common = include_str!("../../templates/builder/common");
        let repositories = self.repositories.iter().map(|(name, repository)| NamedRepository { name, repository });
        let context = serde_json::json!({
            "title": self.title,
            "base": base,
            "series": self.series,
            "python": self.python,
            "enable": self.enable,
            "manager": self.manager,
            "mirror": self.mirror,
            "repositories": repositories.collect::<Vec<_>>(),
            "toolchain": self.toolchain,
            "packages": self.packages,
            "names": self.toolchain.iter().chain(&self.packages).map(|text| bare(text)).collect::<BTreeSet<_>>(),
        });
        Ok(template::render(name, &format!("{common}{text}"), context)?)
    }

    /// What the tag of the image carries besides what it is for: a change of the Containerfile, of the machine or of the image
    /// that it is made from is another.
    pub(super) fn digest(&self, base_id: &str) -> Result<String, Error> {
        Ok(digest([self.containerfile()?.as_str(), &self.machine, base_id]))
    }

    /// Labels by which a builder is found whatever became of the image that it was made from.
    pub(super) fn identity(&self) -> Result<[(&'static str, String); 2], Error> {
        let file = digest([self.containerfile()?.as_str(), &self.machine]);
        Ok([(listing::PURPOSE, self.purpose()), (listing::CONTAINERFILE, file)])
    }

    /// What an image says of itself.
    pub(super) fn labels(&self, base_id: &str, digest: &str) -> Result<Vec<(&'static str, String)>, Error> {
        let mut labels = vec![
            (listing::VERSION, env!("CARGO_PKG_VERSION").to_owned()),
            (listing::DISTRIBUTION, self.distribution.clone()),
            (listing::PYTHON, self.series.clone()),
            (listing::MACHINE, self.machine.clone()),
            (listing::BASE, self.base.clone()),
            (listing::BASE_ID, base_id.to_owned()),
            (listing::RECIPE, digest.to_owned()),
        ];
        labels.extend(self.identity()?);
        Ok(labels)
    }

    /// What the user said, in short: of two images for the same, the later has taken the place of the earlier.
    fn purpose(&self) -> String {
        let said = [&self.distribution, &self.series, &self.machine, &self.base].into_iter();
        let repositories = self.repositories.iter().map(|(name, _)| name).chain(&self.enable);
        // What separates them is in none: words have no control characters.
        let said = said.chain(&self.packages).map(String::as_str).chain(["\n"]);
        digest(said.chain(repositories.map(String::as_str)))
    }

    fn manager_name(&self) -> String {
        serde_json::to_value(self.manager).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// Hexadecimal digits of a digest in a tag: enough that no two recipes of one machine meet.
const DIGEST: usize = 16;

/// Of parts, whatever is in them.
fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_le_bytes());
        digest.update(part);
    }
    format!("{:x}", digest.finalize())[..DIGEST].to_owned()
}

fn once(words: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    words.into_iter().filter(|word| seen.insert(word.clone())).collect()
}

/// Repositories that are switched on by name.
fn enabled(distribution: &Distribution, toolchain: &Toolchain, wanted: &[String]) -> Result<Vec<String>, Error> {
    let mut enable = toolchain.enable.clone();
    for name in wanted {
        match toolchain.repositories.get(name) {
            Some(repository) => enable.extend(repository.enable.iter().cloned()),
            None if toolchain.enable.contains(name) => {}
            None => {
                let known = toolchain.repositories.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>();
                let add = format!("`[distribution.{}.toolchain.repositories]` adds one", distribution.name);
                let hint = if known.is_empty() { add } else { format!("there are {}; {add}", known.join(", ")) };
                let distribution = distribution.name.clone();
                return Err(Error::Repository { distribution, repository: name.clone(), hint });
            }
        }
    }
    Ok(once(enable))
}

fn repositories(toolchain: &Toolchain, wanted: &[String]) -> Vec<(String, Repository)> {
    let known = once(wanted.iter().cloned()).into_iter();
    known.filter_map(|name| toolchain.repositories.get(&name).cloned().map(|repository| (name, repository))).collect()
}

/// The relations in one text: `gcc, pkgconfig(libpq) >= 12`.
fn split(text: &str) -> Vec<String> {
    let mut depth = 0usize;
    let parts = text.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    let words = parts.map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    words.filter(|word| !word.is_empty()).collect()
}

/// The name in a relation: `python3-devel` of `python3-devel >= 3.6`.
fn bare(text: &str) -> &str {
    text.split([' ', '<', '>', '=']).next().unwrap_or(text)
}
