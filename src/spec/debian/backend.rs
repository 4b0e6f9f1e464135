//! What the sources are built with, as far as their `pyproject.toml` tells.

use std::path::Path;

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
    /// Reads it from the unpacked sources. What cannot be parsed is for the build backend to complain about: the
    /// application's wheel was built from it before.
    pub fn read(sources: &Path) -> Self {
        let text = fs_err::read_to_string(sources.join("pyproject.toml")).unwrap_or_default();
        let table = text.parse::<toml::Table>().unwrap_or_default();
        let setup_py = sources.join("setup.py").is_file();
        let system = table.get("build-system");
        let pyproject = system.is_some() || table.contains_key("project");
        let requires = system.and_then(|system| system.get("requires")).and_then(toml::Value::as_array);
        let mut requires: Vec<String> =
            requires.into_iter().flatten().filter_map(toml::Value::as_str).map(str::to_owned).collect();
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
        let uses = |name: &str| self.requires.iter().any(|text| text.to_lowercase().replace('-', "_").starts_with(name));
        let mut found = known.iter().filter(|(name, _)| uses(name)).map(|(_, variable)| *variable).collect::<Vec<_>>();
        found.dedup();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Backend {
        let directory = tempfile::tempdir().unwrap();
        fs_err::write(directory.path().join("pyproject.toml"), text).unwrap();
        Backend::read(directory.path())
    }

    #[test]
    fn what_is_not_said_is_setuptools() {
        assert_eq!(read("[tool.black]\n").requires, ["setuptools"]);
        assert_eq!(read("[project]\nname = 'x'\n").requires, ["setuptools", "wheel"]);
        assert!(!read("[tool.black]\n").pyproject && read("[project]\n").pyproject);
        let scm = read("[build-system]\nrequires = ['setuptools', 'setuptools-scm[toml]>=6', 'wheel']\n");
        assert_eq!(scm.requires.len(), 3);
        assert_eq!(scm.variables(), ["SETUPTOOLS_SCM_PRETEND_VERSION"]);
        assert!(read("[build-system]\nrequires = ['hatchling']\n").variables().is_empty());
    }
}
