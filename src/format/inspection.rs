//! What a package file says about itself, in one vocabulary for every format: the words of `omnipack.toml`. The readers
//! of the formats fill it.
//!
//! | here | RPM | Debian |
//! |---|---|---|
//! | `version`, `release` | `Version`, `Release` | upstream version, Debian revision |
//! | `maintainer` | `Packager` | `Maintainer` |
//! | `source` | `Source RPM` | `Source` |
//! | `requires` | `Requires`, those of scriptlets too | `Depends` |
//! | `requires-pre` | | `Pre-Depends` |
//! | scriptlets `pre`, `post`, `preun`, `postun` | the same | `preinst`, `postinst`, `prerm`, `postrm` |
//! | file flag `config` | `%config` | `conffiles` |

use std::collections::BTreeMap;

use serde::Serialize;

use crate::distribution::PackageFormat;

/// `PATH_MAX`, less the NUL at the end. A small archive could stand for more text than memory holds, and for a tree
/// deeper than any stack.
pub(super) const LONGEST_PATH: usize = 4095;

/// All that a package says about itself. A text that it does not have is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Inspection {
    pub format: PackageFormat,
    pub name: String,
    pub epoch: u32,
    pub version: String,
    pub release: String,
    pub architecture: String,
    pub summary: String,
    pub description: String,
    /// Of a Debian package: the licences that its machine-readable `copyright` names.
    pub license: String,
    pub url: String,
    pub vendor: String,
    pub maintainer: String,
    pub group: String,
    pub section: String,
    pub priority: String,
    pub source: String,
    pub build_host: String,
    /// Seconds since 1970; 0 where the format does not have it.
    pub build_time: u64,
    /// Of the package file, in bytes.
    pub size: u64,
    /// As the package says, in bytes.
    pub installed_size: u64,
    /// `zstd`; empty when the payload is not compressed.
    pub compression: String,
    /// Prefixes below which it may be moved.
    pub prefixes: Vec<String>,
    /// Fields of a Debian package that have no other place here, in Debian's words.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    pub relations: Relations,
    pub scriptlets: Vec<Script>,
    pub triggers: Vec<TriggerScript>,
    pub changelog: Vec<Change>,
    /// The files that a Debian package has for dpkg.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub control_files: Vec<ControlFile>,
    /// What a Debian package's `md5sums` is worth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub md5sums: Option<Md5Sums>,
    /// By path.
    pub python_distributions: Vec<PythonDistribution>,
    pub files: Vec<PackagedFile>,
}

/// `python(abi) = 3.6`, `python3 (>= 3.11)`: one text each, as the format writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Relations {
    pub requires: Vec<String>,
    pub requires_pre: Vec<String>,
    pub recommends: Vec<String>,
    pub suggests: Vec<String>,
    pub supplements: Vec<String>,
    pub enhances: Vec<String>,
    pub conflicts: Vec<String>,
    pub breaks: Vec<String>,
    pub obsoletes: Vec<String>,
    pub replaces: Vec<String>,
    pub provides: Vec<String>,
}

impl Relations {
    /// With the names that the configuration has for them.
    #[must_use]
    pub fn all(&self) -> [(&'static str, &[String]); 11] {
        [
            ("requires", &self.requires),
            ("requires-pre", &self.requires_pre),
            ("recommends", &self.recommends),
            ("suggests", &self.suggests),
            ("supplements", &self.supplements),
            ("enhances", &self.enhances),
            ("conflicts", &self.conflicts),
            ("breaks", &self.breaks),
            ("obsoletes", &self.obsoletes),
            ("replaces", &self.replaces),
            ("provides", &self.provides),
        ]
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Script {
    /// `pre`, `posttrans`; of a Debian package also `config`, which debconf runs.
    pub kind: &'static str,
    pub interpreter: Vec<String>,
    /// Without the line that names the interpreter.
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TriggerScript {
    /// `package`, `file` or `transaction-file`; of a Debian package `interest-noawait` and so on, which have no text.
    pub kind: String,
    /// `in nginx >= 1.20`; of a Debian package the trigger's name.
    pub conditions: Vec<String>,
    pub interpreter: Vec<String>,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// Seconds since 1970.
    pub date: u64,
    pub author: String,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ControlFile {
    pub name: String,
    /// In bytes.
    pub size: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Md5Sums {
    pub listed: usize,
    /// Files with another content than listed.
    pub wrong: Vec<String>,
    /// Listed, but not packed.
    pub missing: Vec<String>,
    /// Files that are packed and not listed, conffiles apart.
    pub unlisted: usize,
}

/// A Python distribution in the tree, known by its `.dist-info` or `.egg-info`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PythonDistribution {
    /// As the directory has it.
    pub name: String,
    pub version: String,
    /// Where the modules lie: `/opt/app/lib/python3.11/site-packages`.
    pub directory: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PackagedFile {
    pub path: String,
    pub kind: FileKind,
    /// Octal, with set-user-ID and the like: `0755`.
    pub mode: String,
    pub owner: String,
    pub group: String,
    /// In bytes.
    pub size: u64,
    /// Lower-case hex: of the package's digest algorithm in an RPM, SHA-256 of what is packed in a Debian package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<String>,
    /// `config`, `noreplace`, `ghost`, `doc`, `license`, `missingok`; of a conffile `config`, `remove-on-upgrade`.
    pub flags: Vec<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    Directory,
    File,
    Symlink,
    /// Device, fifo, socket.
    Special,
}

/// Is this the name of a directory that Python looks for modules in?
#[must_use]
pub fn is_site_directory(name: &str) -> bool {
    matches!(name, "site-packages" | "dist-packages")
}

/// `Flask-2.0.3.dist-info` is (`Flask`, `2.0.3`). Debian's `.egg-info` has a `-py3` or `-py3.11` that is not a part of
/// the version.
#[must_use]
pub fn distribution_of(directory: &str) -> Option<(&str, &str)> {
    if let Some(stem) = directory.strip_suffix(".dist-info") {
        return stem.split_once('-');
    }
    let (name, version) = directory.strip_suffix(".egg-info")?.split_once('-')?;
    Some((name, version.split("-py").next().unwrap_or(version)))
}

/// PEP 503, with `_`: the same for every spelling of a distribution's name.
#[must_use]
pub fn normalised(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.map(str::to_lowercase).collect::<Vec<_>>().join("_")
}

/// (`/opt/app/lib/python3.11/site-packages`, `flask/app.py`) of a path in the innermost such directory.
#[must_use]
pub fn site_of(path: &str) -> Option<(&str, &str)> {
    let mut found = None;
    let mut start = 0;
    for (end, _) in path.match_indices('/') {
        if is_site_directory(&path[start..end]) {
            found = Some((&path[..end], &path[end + 1..]));
        }
        start = end + 1;
    }
    found
}

/// All distributions whose metadata is among `files`.
pub(super) fn python_distributions(files: &[PackagedFile]) -> Vec<PythonDistribution> {
    let mut found = BTreeMap::new();
    for file in files {
        let Some((site, below)) = site_of(&file.path) else { continue };
        let Some(directory) = below.split('/').next() else { continue };
        if let Some((name, version)) = distribution_of(directory) {
            found.entry((site, directory)).or_insert((name, version));
        }
    }
    let distribution = |((site, _), (name, version)): ((&str, &str), (&str, &str))| PythonDistribution {
        name: name.to_owned(),
        version: version.to_owned(),
        directory: site.to_owned(),
    };
    found.into_iter().map(distribution).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distributions_are_known_by_their_metadata() {
        assert_eq!(distribution_of("Flask-2.0.3.dist-info"), Some(("Flask", "2.0.3")));
        assert_eq!(distribution_of("PyYAML-6.0-py3.11.egg-info"), Some(("PyYAML", "6.0")));
        assert_eq!(distribution_of("six-1.16.0.egg-info"), Some(("six", "1.16.0")));
        assert_eq!(distribution_of("flask"), None);
        assert_eq!(distribution_of(".dist-info"), None);
    }

    #[test]
    fn the_innermost_site_directory_counts() {
        let path = "/opt/a/lib/python3.9/site-packages/b/site-packages/c.py";
        assert_eq!(site_of(path), Some(("/opt/a/lib/python3.9/site-packages/b/site-packages", "c.py")));
        assert_eq!(
            site_of("/usr/lib/python3/dist-packages/six.py"),
            Some(("/usr/lib/python3/dist-packages", "six.py"))
        );
        assert_eq!(site_of("/opt/site-packages"), None);
        assert_eq!(site_of("/opt/my-site-packages/x"), None);
    }
}
