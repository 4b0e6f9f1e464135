//! `pylock.toml` (PEP 751, <https://packaging.python.org/specifications/pylock-toml/>): reading what a resolver or the
//! user wrote, choosing what fits the target, writing what was chosen.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use url::Url;

use super::Error;
use super::index::without_credentials;
use super::tags::WheelName;
use super::target::Target;

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pylock {
    pub lock_version: String,
    #[serde(default)]
    pub environments: Vec<String>,
    #[serde(default)]
    pub requires_python: Option<String>,
    #[serde(default)]
    pub packages: Vec<Package>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Package {
    pub name: String,
    #[serde(default)]
    pub version: Option<String>,
    #[serde(default, skip_serializing)]
    pub marker: Option<String>,
    #[serde(default, skip_serializing)]
    pub requires_python: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vcs: Option<Vcs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<Directory>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<File>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdist: Option<File>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wheels: Vec<File>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Vcs {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing)]
    pub path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_revision: Option<String>,
    pub commit_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subdirectory: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Directory {
    pub path: String,
    #[serde(default)]
    pub editable: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subdirectory: Option<String>,
}

/// A wheel, an sdist or an archive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct File {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(default)]
    pub hashes: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subdirectory: Option<String>,
}

impl File {
    /// The file's name: its own, or the last part of its URL or path.
    #[must_use]
    pub fn file_name(&self) -> String {
        if let Some(name) = &self.name {
            return name.rsplit('/').next().unwrap_or_default().to_owned();
        }
        let location = self.url.as_deref().or(self.path.as_deref()).unwrap_or_default();
        let last = match Url::parse(location) {
            Ok(url) => url.path_segments().and_then(|mut parts| parts.next_back().map(str::to_owned)),
            Err(_) => location.rsplit('/').next().map(str::to_owned),
        };
        super::credentials::percent_decode(&last.unwrap_or_default())
    }

    /// Where the file is: its URL, or its path seen from the lock.
    ///
    /// # Errors
    /// When it has neither.
    pub fn location(&self, base: &Path) -> Result<String, String> {
        if let Some(url) = &self.url {
            return Ok(url.clone());
        }
        let path = self.path.as_ref().ok_or("a file has neither `url` nor `path`")?;
        let path = std::path::absolute(base.join(path)).map_err(|error| error.to_string())?;
        Url::from_file_path(&path).map(String::from).map_err(|()| format!("`{}` is no path", path.display()))
    }

    /// Lower-case.
    #[must_use]
    pub fn sha256(&self) -> Option<String> {
        self.hashes.get("sha256").map(|hash| hash.to_lowercase())
    }
}

impl Pylock {
    /// Reads the text of `file`.
    ///
    /// # Errors
    /// When it is not TOML, or not a lock of a known version.
    pub fn parse(text: &str, file: &str) -> Result<Self, Error> {
        let help = "write it again, for example with `uv export --format pylock.toml`";
        let wrong = |reason: String| Error::Input { file: file.to_owned(), reason, help: help.to_owned() };
        let lock = toml::from_str::<Self>(text).map_err(|error| wrong(error.to_string()))?;
        if lock.lock_version != "1.0" && !lock.lock_version.starts_with("1.") {
            return Err(wrong(format!("lock version {} is not known, only 1.0 is", lock.lock_version)));
        }
        Ok(lock)
    }

    /// The packages that the target needs, markers evaluated for it, one of each name.
    ///
    /// # Errors
    /// When the lock is not for the target's Python, a marker cannot be read, or two versions of one package apply.
    pub fn for_target(self, target: &Target, file: &str) -> Result<Vec<Package>, Error> {
        let wrong = |reason: String| Error::Input {
            file: file.to_owned(),
            reason,
            help: format!("lock for {} too, or choose another Python with `[python] version`", target.describe()),
        };
        if let Some(requires) = self.requires_python.as_ref().filter(|requires| !target.satisfies(requires)) {
            return Err(wrong(format!("it is for Python {requires}, not for {}", target.full_version)));
        }
        let holds =
            |marker: &str| target.holds(marker, &[]).map_err(|error| wrong(format!("marker `{marker}`: {error}")));
        if !self.environments.is_empty() {
            let fits = self.environments.iter().map(|marker| holds(marker)).collect::<Result<Vec<_>, _>>()?;
            if !fits.contains(&true) {
                return Err(wrong(format!("none of its `environments` is {}", target.describe())));
            }
        }
        let mut chosen: BTreeMap<String, Package> = BTreeMap::new();
        for package in self.packages {
            if package.marker.as_deref().map_or(Ok(true), holds)? {
                let name = super::tags::normalize(&package.name);
                if let Some(other) = chosen.insert(name, package.clone())
                    && other != package
                {
                    return Err(wrong(format!("two entries for {} apply", package.name)));
                }
            }
        }
        Ok(chosen.into_values().collect())
    }
}

impl Package {
    /// The best wheel for the target, with its file name read.
    #[must_use]
    pub fn best_wheel(&self, target: &Target, allowed: &[String]) -> Option<(&File, WheelName)> {
        let permitted = |file: &File| allowed.is_empty() || file.sha256().is_some_and(|hash| allowed.contains(&hash));
        self.wheels
            .iter()
            .filter(|file| permitted(file))
            .filter_map(|file| {
                let wheel = WheelName::parse(&file.file_name()).ok()?;
                let rank = target.tags.rank(&wheel)?;
                Some((rank, file, wheel))
            })
            .min_by(|(rank, _, wheel), (other_rank, _, other)| rank.cmp(other_rank).then(other.build.cmp(&wheel.build)))
            .map(|(_, file, wheel)| (file, wheel))
    }

    /// This package with only `file` left, and no credentials: what the written lock says.
    #[must_use]
    pub fn pinned(&self, version: &str, file: Option<&File>) -> Self {
        let clean = |file: &File| {
            let local = file.url.as_ref().is_none_or(|url| url.starts_with("file:"));
            File {
                name: Some(file.file_name()),
                url: file.url.as_deref().filter(|_| !local).map(without_credentials),
                path: local.then(|| file.file_name()),
                hashes: file.hashes.clone(),
                subdirectory: file.subdirectory.clone(),
            }
        };
        let chosen_sdist = self.sdist.as_ref().filter(|sdist| Some(*sdist) == file);
        Self {
            name: super::tags::normalize(&self.name),
            version: Some(version.to_owned()),
            vcs: self.vcs.as_ref().map(|vcs| Vcs {
                url: vcs.url.as_deref().map(without_credentials),
                path: None,
                ..vcs.clone()
            }),
            archive: self.archive.as_ref().map(clean),
            sdist: chosen_sdist.map(clean),
            wheels: file.filter(|_| chosen_sdist.is_none()).map(clean).into_iter().collect(),
            ..Self::default()
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Written<'a> {
    lock_version: &'static str,
    requires_python: String,
    created_by: &'static str,
    packages: &'a [Package],
}

/// The text of a lock of `packages`, which are sorted by name.
///
/// # Errors
/// When a value cannot be written as TOML.
pub fn write(packages: &[Package], target: &Target) -> Result<String, Error> {
    let written = Written {
        lock_version: "1.0",
        requires_python: format!("=={}.{}.*", target.python.major, target.python.minor),
        created_by: "omnipack",
        packages,
    };
    toml::to_string(&written).map_err(|error| Error::Io(std::io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::ToolVersion;
    use crate::plan::{Interpreter, InterpreterKind, Platform};

    fn target() -> Target {
        let kind = InterpreterKind::System { requirement: String::new() };
        let version = ToolVersion { major: 3, minor: 6, patch: 0 };
        let glibc = ToolVersion { major: 2, minor: 17, patch: 0 };
        let platform = Platform { machine: "x86_64".into(), architecture: "x86_64".into(), glibc, baseline: None };
        Target::new(&Interpreter { version, path: String::new(), kind }, &platform).unwrap()
    }

    const LOCK: &str = r#"
lock-version = "1.0"
created-by = "hand"
requires-python = ">=3.6"

[[packages]]
name = "Old_Thing"
version = "1.0"
marker = "python_version < '3.7' and sys_platform == 'linux' and platform_machine == 'x86_64'"
wheels = [
    { url = "https://me:secret@host/a/old_thing-1.0-cp39-cp39-manylinux2014_x86_64.whl", hashes = { sha256 = "AA" } },
    { url = "https://me:secret@host/a/old_thing-1.0-1-py3-none-any.whl", hashes = { sha256 = "BB" } },
    { url = "https://me:secret@host/a/old_thing-1.0-2-py3-none-any.whl", hashes = { sha256 = "CC" } },
]

[[packages]]
name = "new-thing"
version = "2.0"
marker = "python_full_version >= '3.7'"
"#;

    #[test]
    fn markers_and_tags_are_the_targets() {
        let target = target();
        let packages = Pylock::parse(LOCK, "pylock.toml").unwrap().for_target(&target, "pylock.toml").unwrap();
        assert_eq!(packages.len(), 1);
        let (file, _) = packages[0].best_wheel(&target, &[]).unwrap();
        assert_eq!(file.sha256().as_deref(), Some("cc"), "the higher build number wins");
        let (file, _) = packages[0].best_wheel(&target, &["bb".to_owned()]).unwrap();
        assert_eq!(file.file_name(), "old_thing-1.0-1-py3-none-any.whl");
        let written = write(&[packages[0].pinned("1.0", Some(file))], &target).unwrap();
        assert!(!written.contains("secret") && written.contains("https://host/a/old_thing-1.0-1"), "{written}");
        let again = Pylock::parse(&written, "written").unwrap().for_target(&target, "written").unwrap();
        assert_eq!(again[0].wheels.len(), 1);
    }

    #[test]
    fn a_lock_for_another_python_or_of_another_kind_is_refused() {
        for (from, to, word) in [
            (">=3.6", ">=3.8", ">=3.8"),
            ("lock-version = \"1.0\"", "lock-version = \"2.0\"", "2.0"),
            ("python_full_version >= '3.7'", "nonsense >= 3", "nonsense"),
            ("name = \"new-thing\"", "name = 3", "pylock.toml"),
        ] {
            let text = LOCK.replace(from, to);
            let read = Pylock::parse(&text, "pylock.toml").and_then(|lock| lock.for_target(&target(), "pylock.toml"));
            let error = read.unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    proptest::proptest! {
        /// A lock of the user, damaged: read, or refused with its name.
        #[test]
        fn a_mutilated_lock_is_read_or_refused(at in 0..LOCK.len(), length in 0..30_usize, with in "[\\[\\]{}=\"'a-z0-9.,\n ]{0,6}") {
            let mut bytes = LOCK.as_bytes().to_vec();
            bytes.splice(at..(at + length).min(LOCK.len()), with.bytes());
            let text = String::from_utf8_lossy(&bytes);
            match Pylock::parse(&text, "pylock.toml").and_then(|lock| lock.for_target(&target(), "pylock.toml")) {
                Ok(packages) => {
                    for package in packages {
                        let best = package.best_wheel(&target(), &[]).map(|(file, _)| file.clone());
                        let written = write(&[package.pinned("1.0", best.as_ref())], &target()).unwrap();
                        proptest::prop_assert!(Pylock::parse(&written, "written").is_ok(), "{written}");
                    }
                }
                Err(error) => proptest::prop_assert!(error.to_string().contains("pylock.toml"), "{error}"),
            }
        }
    }
}
