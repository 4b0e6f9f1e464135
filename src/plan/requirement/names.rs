//! How the packages of a target are called that bring a Python distribution.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Error;
use crate::distribution::Distribution;

const EMBEDDED: &str = include_str!("package-names.toml");

/// The file `package-names.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub default: Rule,
    pub family: BTreeMap<String, Rule>,
    #[serde(default)]
    pub distribution: BTreeMap<String, Rule>,
    pub release: BTreeMap<String, Rule>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Rule {
    pub patterns: BTreeMap<String, String>,
    pub stems: BTreeMap<String, String>,
    pub names: BTreeMap<String, String>,
    pub strip: Option<bool>,
    pub epochs: BTreeMap<String, u32>,
    pub sources: BTreeMap<String, String>,
}

impl File {
    /// As shipped: a test reads it.
    pub fn embedded() -> Option<Self> {
        toml::from_str(EMBEDDED).ok()
    }

    /// The most specific first.
    pub fn levels(self, distribution: &Distribution) -> Vec<Rule> {
        let Self { default, mut family, distribution: mut any, mut release } = self;
        let name = &distribution.name;
        let stem = name.rsplit_once('-').map_or(name.as_str(), |(stem, _)| stem);
        let levels = [release.remove(name), any.remove(stem), family.remove(&distribution.family), Some(default)];
        levels.into_iter().flatten().collect()
    }
}

/// The rules for one target and Python, and what the user said.
#[derive(Debug, Clone)]
pub(super) struct Names<'a> {
    map: &'a BTreeMap<String, String>,
    pattern: String,
    stems: BTreeMap<String, String>,
    names: BTreeMap<String, String>,
    strip: bool,
    epochs: BTreeMap<String, u32>,
}

impl<'a> Names<'a> {
    /// `series`: `3.11`.
    pub fn new(distribution: &Distribution, series: &str, map: &'a BTreeMap<String, String>) -> Self {
        let levels = File::embedded().map(|file| file.levels(distribution)).unwrap_or_default();
        Self::of(&levels, series, map)
    }

    pub fn of(levels: &[Rule], series: &str, map: &'a BTreeMap<String, String>) -> Self {
        let find = |key: &str| levels.iter().find_map(|rule| rule.patterns.get(key));
        let mut names = Self {
            map,
            pattern: find(series).or_else(|| find("*")).map_or("python3-%s", String::as_str).to_owned(),
            stems: BTreeMap::new(),
            names: BTreeMap::new(),
            strip: levels.iter().find_map(|rule| rule.strip).unwrap_or_default(),
            epochs: BTreeMap::new(),
        };
        for rule in levels.iter().rev() {
            names.stems.extend(rule.stems.clone());
            names.names.extend(rule.names.clone());
            names.epochs.extend(rule.epochs.clone());
        }
        names
    }

    /// What the user's map has for `name`.
    pub fn mapped(&self, name: &str) -> Result<Option<String>, Error> {
        let sound = |c: char| c.is_ascii_alphanumeric() || "._+-()[]/".contains(c);
        match self.map.get(&normalised(name)) {
            Some(package) if package.is_empty() || !package.chars().all(sound) => {
                Err(Error::PackageName { name: name.to_owned(), package: package.escape_debug().to_string() })
            }
            package => Ok(package.cloned()),
        }
    }

    /// The epoch that versions of a package have on the target: upstream's versions know nothing of it.
    pub fn epoch(&self, package: &str) -> u32 {
        self.epochs.get(package).copied().unwrap_or_default()
    }

    /// By the rules for the target.
    pub fn package(&self, name: &str) -> String {
        let key = normalised(name);
        if let Some(package) = self.names.get(&key) {
            return package.clone();
        }
        let stem = match self.stems.get(&key) {
            Some(stem) => stem,
            None if self.strip => key.strip_prefix("python-").unwrap_or(&key),
            None => &key,
        };
        self.pattern.replace("%s", stem)
    }
}

/// The series of Python that packages called like `package` are for, where their names tell: `python3.11-lxml`,
/// `python36-lxml`, `python3-lxml`, `python3.11dist(lxml)`.
pub(super) fn series_of(distribution: &Distribution, package: &str) -> Option<String> {
    let rest = package.strip_prefix("python3")?;
    let digits = rest.strip_prefix('.').unwrap_or(rest);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let (minor, after) = digits.split_at(end);
    // `python36u-pip` of IUS is for 3.6, too.
    if !after.trim_start_matches('u').starts_with('-') && !after.starts_with("dist(") {
        return None;
    }
    if !minor.is_empty() {
        return Some(format!("3.{minor}"));
    }
    let map = BTreeMap::new();
    let levels = File::embedded().map(|file| file.levels(distribution)).unwrap_or_default();
    let mut series = distribution.pythons.iter().map(|python| python.version.series());
    let unnumbered = |series: &String| Names::of(&levels, series, &map).pattern.starts_with("python3-");
    if after.starts_with("dist(") { series.next() } else { series.find(unnumbered) }
}

/// The one of `distributions` whose package is called `package` on some target, if not on this one.
pub(super) fn resembling<'n>(package: &str, distributions: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let whole = normalised(package);
    let stem = without_series(&whole);
    let file = File::embedded()?;
    let rules = std::iter::once(&file.default).chain(file.family.values());
    let rules = rules.chain(file.distribution.values()).chain(file.release.values()).collect::<Vec<_>>();
    distributions.into_iter().find(|name| {
        let key = normalised(name);
        let is_it = |known: &String| normalised(known) == stem || normalised(known) == whole;
        let ruled = rules.iter().flat_map(|rule| [rule.stems.get(&key), rule.names.get(&key)]).flatten().any(is_it);
        ruled || [whole.as_str(), stem].contains(&key.as_str()) || key.strip_prefix("python-") == Some(stem)
    })
}

/// `yaml` of `python3-yaml`, `python3-11-yaml`, `python36u-yaml` and `python-yaml`, normalised as they are.
fn without_series(package: &str) -> &str {
    let Some(rest) = package.strip_prefix("python") else { return package };
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches('u');
    let Some(rest) = rest.strip_prefix('-') else { return package };
    match rest.split_once('-') {
        Some((minor, stem)) if package.starts_with("python3-") && minor.bytes().all(|byte| byte.is_ascii_digit()) => {
            stem
        }
        _ => rest,
    }
}

/// PEP 503: lower case, runs of `-`, `_` and `.` as one `-`.
pub(super) fn normalised(name: &str) -> String {
    joined(name, &['-', '_', '.'])
}

/// As setuptools writes it, which keeps dots: lower case, runs of `-` and `_` as one `-`.
pub(super) fn dotted(name: &str) -> String {
    joined(name, &['-', '_'])
}

fn joined(name: &str, separators: &[char]) -> String {
    let mut joined = String::with_capacity(name.len());
    for c in name.chars() {
        if !separators.contains(&c) {
            joined.push(c.to_ascii_lowercase());
        } else if !joined.ends_with('-') {
            joined.push('-');
        }
    }
    joined
}

/// Name and extras of a sound requirement (PEP 508), before anything is normalised.
pub(super) fn as_written(requirement: &str) -> (&str, Vec<&str>) {
    let text = requirement.trim_start();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let extras =
        rest.trim_start().strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or("", |(extras, _)| extras);
    (name, extras.split(',').map(str::trim).filter(|extra| !extra.is_empty()).collect())
}
