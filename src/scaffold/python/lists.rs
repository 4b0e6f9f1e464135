//! Requirement files, constraints and locks beside a project.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Kind, name_in};
use crate::project::normalised;
use crate::scaffold::finding::{Findings, Origin};
use crate::scaffold::tree::Tree;

/// What is to be installed by lists.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Lists {
    /// Requirement files for `[python] requirements`.
    pub requirements: Vec<String>,
    pub constraints: Vec<String>,
    /// `uv.lock` or `pylock.toml`, for `[python] lock`.
    pub lock: Option<String>,
    /// Normalised names of all in those lists.
    pub names: BTreeSet<String>,
}

/// In the order in which one of them is taken.
const FILES: [&str; 6] = [
    "requirements.txt",
    "requirements/production.txt",
    "requirements/prod.txt",
    "requirements/base.txt",
    "requirements-prod.txt",
    "requirements/requirements.txt",
];

const CONSTRAINTS: [&str; 2] = ["constraints.txt", "requirements/constraints.txt"];

impl Lists {
    pub fn read(tree: &Tree, declares: bool, kind: Kind, findings: &mut Findings) -> Self {
        let mut lists = Self::default();
        lists.read_locks(tree, kind, findings);
        let file = FILES.iter().find(|file| tree.text(file).is_some());
        match file {
            Some(_) if lists.lock.is_some() => {}
            Some(file) if !declares => lists.requirements.push((*file).to_owned()),
            Some(file) if kind == Kind::Modules => lists.requirements.push((*file).to_owned()),
            Some(file) => findings.note(
                Origin::new(file, 0),
                "the project says itself what it requires, so this list is not used",
                format!("where it pins what is deployed, take it as constraints: `constraints = [\"{file}\"]` under `[python]`"),
            ),
            None => {}
        }
        let mut followed = BTreeSet::new();
        for file in lists.requirements.clone() {
            lists.follow(tree, &file, findings, &mut followed);
        }
        if lists.lock.is_none() && !lists.requirements.is_empty() {
            lists.constraints.extend(CONSTRAINTS.iter().filter(|file| tree.has(file)).map(|file| (*file).to_owned()));
        }
        lists
    }

    /// Locks. `uv.lock` and `pylock.toml` belong to the project whose requirements they lock.
    fn read_locks(&mut self, tree: &Tree, kind: Kind, findings: &mut Findings) {
        for (file, key) in [("uv.lock", "package"), ("pylock.toml", "packages")] {
            let Some(table) = tree.text(file).and_then(|text| text.parse::<toml::Table>().ok()) else { continue };
            if self.lock.is_some() {
                continue;
            }
            let packages = table.get(key).and_then(toml::Value::as_array).into_iter().flatten();
            let names = packages.filter_map(|package| package.get("name")?.as_str()).map(normalised);
            self.names.extend(names);
            if kind == Kind::Modules && file == "uv.lock" {
                findings.note(
                    Origin::new(file, 0),
                    "it locks a project that is not built",
                    "export it: `uv export --format pylock.toml -o pylock.toml`, then `lock = \"pylock.toml\"`",
                );
                continue;
            }
            self.lock = Some(file.to_owned());
        }
        for (file, how) in [
            ("poetry.lock", "poetry export --without-hashes -o requirements.txt"),
            ("Pipfile.lock", "pipenv requirements > requirements.txt"),
            ("pdm.lock", "pdm export -o requirements.txt"),
        ] {
            if tree.has(file) && self.lock.is_none() {
                findings.note(
                    Origin::new(file, 0),
                    "its pinned versions are not used: only `uv.lock` and `pylock.toml` are read as locks",
                    format!("`{how}`, and `constraints = [\"requirements.txt\"]` under `[python]`"),
                );
            }
        }
    }

    /// Names in a requirement file and in those that it includes (`-r`), each file once.
    fn follow(&mut self, tree: &Tree, file: &str, findings: &mut Findings, followed: &mut BTreeSet<String>) {
        let Some(text) = tree.text(file).filter(|_| followed.insert(file.to_owned())) else { return };
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            let included =
                ["-r ", "--requirement ", "--requirement="].iter().find_map(|start| line.strip_prefix(start));
            if let Some(included) = included {
                if let Some(included) = beside(file, included.trim()) {
                    self.follow(tree, &included, findings, followed);
                }
            } else if line.starts_with("-e ") || line.starts_with("--editable") {
                findings.note(
                    Origin::new(file, index + 1),
                    format!("`{line}` is for development"),
                    "name what is deployed by its name and version",
                );
            }
            self.names.extend(name_in(line.split(" --hash").next().unwrap_or_default().trim_end_matches('\\')));
        }
    }
}

/// Where a path in `file` leads, below the project's directory; nowhere, if that is outside of it.
fn beside(file: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts = file.split('/').collect::<Vec<_>>();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)], declares: bool, kind: Kind) -> (Lists, Findings) {
        let mut findings = Findings::default();
        let lists = Lists::read(&Tree::of("x", files.iter().copied()), declares, kind, &mut findings);
        (lists, findings)
    }

    #[test]
    fn lists_are_for_projects_that_do_not_say_what_they_require() {
        let files = [
            ("requirements.txt", "-r base.txt\nFlask==1.0 --hash=x\n# c\n"),
            ("base.txt", "celery>=5 # y\n"),
            ("constraints.txt", "a==1\n"),
        ];
        let (lists, findings) = read(&files, false, Kind::Modules);
        assert_eq!(
            (lists.requirements, lists.constraints),
            (vec!["requirements.txt".to_owned()], vec!["constraints.txt".to_owned()])
        );
        assert_eq!(lists.names.into_iter().collect::<Vec<_>>(), ["celery", "flask"]);
        assert!(findings.notes.is_empty());
        let (lists, findings) = read(&files, true, Kind::Built);
        assert!(lists.requirements.is_empty() && findings.notes[0].advice.contains("constraints"));
    }

    #[test]
    fn a_lock_says_all() {
        let lock = "version = 1\n[[package]]\nname = \"Gunicorn\"\nversion = \"1\"\n";
        let (lists, _) = read(&[("uv.lock", lock), ("requirements.txt", "a\n")], true, Kind::Built);
        assert_eq!((lists.lock.as_deref(), lists.requirements.len()), (Some("uv.lock"), 0));
        assert!(lists.names.contains("gunicorn"));
        let (lists, findings) = read(&[("poetry.lock", "")], true, Kind::Built);
        assert!(lists.lock.is_none() && findings.notes[0].advice.contains("poetry export"));
        let (_, findings) = read(&[("requirements.txt", "-r requirements.txt\n-e .\n")], false, Kind::Modules);
        assert!(findings.notes.iter().any(|note| note.what.contains("-e .")));
    }

    #[test]
    fn files_that_include_each_other_are_read_once() {
        let itself = "-r requirements.txt\n".repeat(300) + "-r ./sub/../requirements/base.txt\n-e .\n";
        let base = "-r ../requirements.txt\n-r ../../outside.txt\nflask\n".repeat(300);
        let files = [("requirements.txt", itself.as_str()), ("requirements/base.txt", &base), ("outside.txt", "six\n")];
        let (lists, findings) = read(&files, false, Kind::Modules);
        assert_eq!((lists.names.into_iter().collect::<Vec<_>>(), findings.notes.len()), (vec!["flask".to_owned()], 1));
    }
}
