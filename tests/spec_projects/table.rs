//! `projects.toml`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::support::repository;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    pub macros: String,
    pub python: String,
    pub lock: String,
    pub tools: Vec<String>,
    pub building: Vec<String>,
    #[serde(default)]
    pub names: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {
    pub name: String,
    /// In place of what is on the index: the three below.
    pub fixture: Option<String>,
    #[serde(default)]
    pub version: String,
    #[serde(default)]
    pub sdist: String,
    #[serde(default)]
    pub sha256: String,
    pub targets: Vec<String>,
    pub run: String,
    pub says: String,
    pub config: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    target: BTreeMap<String, Target>,
    project: Vec<Project>,
}

fn table() -> Table {
    toml::from_str(include_str!("projects.toml")).unwrap()
}

pub fn target(name: &str) -> Target {
    table().target.remove(name).unwrap_or_else(|| panic!("projects.toml has no [target.{name:?}]"))
}

/// Those that are tried on a target.
pub fn projects(target: &str) -> Vec<Project> {
    table().project.into_iter().filter(|project| project.targets.iter().any(|name| name == target)).collect()
}

/// Every fixture is there, whatever there will be.
#[test]
fn all_fixtures_are_tried() {
    let directories = fs_err::read_dir(repository().join("fixtures")).unwrap().map(|entry| entry.unwrap().path());
    let names = directories.filter(|path| path.join("pyproject.toml").is_file() || path.join("setup.py").is_file());
    let names = names.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect::<BTreeSet<_>>();
    let tried = projects("fedora-41").into_iter().filter_map(|project| project.fixture).collect::<BTreeSet<_>>();
    assert_eq!(tried, names);
}

/// Issue 5 asks for ten, five of them by name; and every dialect has at least two.
#[test]
fn there_are_enough_projects() {
    let names = projects("fedora-42").into_iter().map(|project| project.name).collect::<Vec<_>>();
    assert!(names.len() >= 10, "{names:?}");
    for name in ["flask", "celery", "httpbin", "flower", "datasette"] {
        assert!(names.iter().any(|known| known == name), "{name} is not in {names:?}");
    }
    for target in table().target.keys() {
        assert!(projects(target).len() >= 2, "{target}");
    }
}
