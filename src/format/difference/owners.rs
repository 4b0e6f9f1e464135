//! Which Python distribution a file belongs to.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::Whole;
use crate::format::inspection::{distribution_of, normalised, site_of};

/// Added when there is no `old` version, removed when there is no `new` one. When both are the same, its files differ
/// although its version does not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DistributionChange {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
    /// Files of it; bytecode and the distribution's own metadata are not counted.
    pub added: usize,
    pub removed: usize,
    pub changed: usize,
    /// Of all its files, in bytes.
    pub old_size: u64,
    pub new_size: u64,
}

/// The distributions of one package, and whose each file is.
pub struct Owners<'a> {
    /// Name as the package has it and version, by normalised name.
    pub versions: BTreeMap<String, (&'a str, &'a str)>,
    /// From the distributions' own lists of files, by path.
    listed: HashMap<String, String>,
}

impl<'a> Owners<'a> {
    pub fn new(whole: &'a Whole<'_>) -> Self {
        let distributions = &whole.package.python_distributions;
        let versions = distributions.iter().map(|one| (normalised(&one.name), (&*one.name, &*one.version))).collect();
        let mut listed = HashMap::new();
        for (path, bytes) in &whole.contents.kept {
            let Some((site, below)) = site_of(path) else { continue };
            let Some((name, _)) = below.strip_suffix("/RECORD").and_then(distribution_of) else { continue };
            for line in String::from_utf8_lossy(bytes).lines() {
                if let Some(path) = resolve(site, first_field(line)) {
                    listed.insert(path, normalised(name));
                }
            }
        }
        Self { versions, listed }
    }

    /// Normalised name of the distribution whose file it is: by the lists, by its source's owner for bytecode, by the name
    /// of the directory.
    pub fn of(&self, path: &str) -> Option<String> {
        if let Some(owner) = self.listed.get(path).or_else(|| self.listed.get(&source_of(path)?)) {
            return Some(owner.clone());
        }
        let (_, below) = site_of(path)?;
        let first = below.split('/').next().unwrap_or(below);
        let name = distribution_of(first).map_or(first, |(name, _)| name);
        let name = name.strip_suffix(".libs").or_else(|| name.strip_suffix(".py")).unwrap_or(name);
        Some(normalised(name)).filter(|name| self.versions.contains_key(name))
    }
}

/// `a/__pycache__/b.cpython-311.opt-1.pyc` is compiled from `a/b.py`.
pub fn source_of(path: &str) -> Option<String> {
    let (directory, name) = path.rsplit_once('/')?;
    let stem = name.strip_suffix(".pyc")?;
    match directory.strip_suffix("/__pycache__") {
        Some(directory) => Some(format!("{directory}/{}.py", stem.split('.').next()?)),
        // Python 2 and trees without sources have it beside.
        None => Some(format!("{directory}/{stem}.py")),
    }
}

/// Of a line of CSV; what holds a comma is in quotes (PEP 376).
fn first_field(line: &str) -> &str {
    match line.strip_prefix('"') {
        Some(rest) => rest.split('"').next().unwrap_or(rest),
        None => line.split(',').next().unwrap_or(line),
    }
}

/// `../../../bin/flask` in `/opt/app/lib/python3.11/site-packages` is `/opt/app/bin/flask`.
fn resolve(site: &str, relative: &str) -> Option<String> {
    if relative.starts_with('/') {
        return Some(relative.to_owned());
    }
    let mut parts: Vec<&str> = site.split('/').collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_name_files_from_where_they_lie() {
        let site = "/opt/a/lib/python3.11/site-packages";
        assert_eq!(resolve(site, "../../../bin/flask").as_deref(), Some("/opt/a/bin/flask"));
        assert_eq!(resolve(site, "flask/app.py").as_deref(), Some("/opt/a/lib/python3.11/site-packages/flask/app.py"));
        assert_eq!(resolve("/a", "../../../etc/passwd"), None);
        assert_eq!(first_field("\"a,b.py\",sha256=x,1"), "a,b.py");
        assert_eq!(first_field("a.py,sha256=x,1"), "a.py");
    }

    #[test]
    fn bytecode_belongs_to_its_source() {
        assert_eq!(source_of("/a/__pycache__/b.cpython-311.pyc").as_deref(), Some("/a/b.py"));
        assert_eq!(source_of("/a/__pycache__/b.cpython-311.opt-1.pyc").as_deref(), Some("/a/b.py"));
        assert_eq!(source_of("/a/b.pyc").as_deref(), Some("/a/b.py"));
        assert_eq!(source_of("/a/b.py"), None);
    }
}
