//! What the sources are built with, as far as their `pyproject.toml` tells.

use crate::resolve::SourceArchive;

/// The build backend of the sources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backend {
    /// Does `pyproject.toml` say anything about how to build?
    pub pyproject: bool,
    pub setup_py: bool,
    /// `[build-system] requires`; what PEP 517 says where it is missing.
    pub requires: Vec<String>,
}

impl Backend {
    pub fn of(archive: &SourceArchive) -> Self {
        let setup_py = archive.has("setup.py");
        let mut requires = archive.build_requires.clone();
        // A `pyproject.toml` may be there for other tools alone.
        let pyproject = archive.has("pyproject.toml") && !(setup_py && requires.is_empty());
        if requires.is_empty() {
            requires.push("setuptools".to_owned());
        }
        // Before version 70.1 it made no wheels without, and asks for it when it is run only.
        let of = |name: &str| requires.iter().any(|text| text.to_lowercase().starts_with(name));
        if of("setuptools") && !of("wheel") && pyproject {
            requires.push("wheel".to_owned());
        }
        Self { pyproject, setup_py, requires }
    }

    /// Variables for backends that ask version control for the version, which no source package has.
    pub fn variables(&self) -> Vec<&'static str> {
        let known = [
            ("setuptools_scm", "SETUPTOOLS_SCM_PRETEND_VERSION"),
            ("hatch_vcs", "SETUPTOOLS_SCM_PRETEND_VERSION"),
            ("pdm_backend", "PDM_BUILD_SCM_VERSION"),
            ("pbr", "PBR_VERSION"),
            ("poetry_dynamic_versioning", "POETRY_DYNAMIC_VERSIONING_BYPASS"),
        ];
        let uses =
            |name: &str| self.requires.iter().any(|text| text.to_lowercase().replace('-', "_").starts_with(name));
        let mut found = known.iter().filter(|(name, _)| uses(name)).map(|(_, variable)| *variable).collect::<Vec<_>>();
        found.dedup();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[&str], requires: &[&str]) -> Backend {
        Backend::of(&SourceArchive {
            path: "x-1.0.tar.gz".into(),
            name: "x-1.0.tar.gz".to_owned(),
            directory: "x-1.0".to_owned(),
            url: None,
            sha256: String::new(),
            files: files.iter().map(|&name| name.to_owned()).collect(),
            build_requires: requires.iter().map(|&text| text.to_owned()).collect(),
        })
    }

    #[test]
    fn what_is_not_said_is_setuptools() {
        assert_eq!(of(&["setup.py", "pyproject.toml"], &[]).requires, ["setuptools"]);
        assert_eq!(of(&["pyproject.toml"], &[]).requires, ["setuptools", "wheel"]);
        assert!(!of(&["setup.py", "pyproject.toml"], &[]).pyproject && of(&["pyproject.toml"], &[]).pyproject);
        let scm = of(&["pyproject.toml"], &["setuptools", "setuptools-scm[toml]>=6", "wheel"]);
        assert_eq!(scm.requires.len(), 3);
        assert_eq!(scm.variables(), ["SETUPTOOLS_SCM_PRETEND_VERSION"]);
        assert!(of(&["pyproject.toml"], &["hatchling"]).variables().is_empty());
    }
}
