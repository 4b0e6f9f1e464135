//! What the application's own wheel tells about how it is installed, and a `setup.py` for one that has none.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::{Error, header};
use crate::project::Source;
use crate::template;

/// The content of the application's wheel, as far as a spec file needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Application {
    /// Directories right below `site-packages`.
    pub packages: BTreeSet<String>,
    /// Modules right below `site-packages`: `six`.
    pub modules: BTreeSet<String>,
    /// Is there code for one machine?
    pub native: bool,
    /// Paths below `site-packages`.
    files: Vec<String>,
    /// Paths below `/usr` of what lies elsewhere, with the content: programs that are no entry points, manual pages.
    pub others: BTreeMap<String, Arc<[u8]>>,
    /// What the build backend needs (`[build-system] requires`), of sources that lie here.
    pub build_requires: Vec<String>,
    entry_points: String,
    /// Was it built by tools that name archives after the project as it is written (`Flask-2.0.3.tar.gz`)? Those of PEP 625
    /// normalise the name; setuptools has built wheels by itself, without `bdist_wheel`, since about when it does that.
    pub old_names: bool,
    /// Seconds since 1970: the newest day of a file in it.
    pub newest: Option<u32>,
    /// Do the sources have a `setup.py`? Of an archive that is not known.
    pub setup_py: bool,
}

#[derive(Serialize)]
struct Setup<'a> {
    name: &'a str,
    version: &'a str,
    packages: Vec<String>,
    modules: &'a BTreeSet<String>,
    /// Directories and files that lie where the modules do.
    tops: Vec<String>,
    data: BTreeMap<String, Vec<String>>,
    entry_points: &'a str,
}

impl Application {
    /// Reads the wheel at `path`, which was made of `source`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(path: &Path, source: &Source) -> Result<Self, Error> {
        let damaged = |error: zip::result::ZipError| Error::Io(std::io::Error::from(error));
        let mut archive = zip::ZipArchive::new(fs_err::File::open(path)?).map_err(damaged)?;
        let mut application = Self::default();
        let (mut entry_points, mut wheel) = (None, None);
        let mut others = BTreeMap::new();
        for index in 0..archive.len() {
            let time = archive.by_index_raw(index).map_err(damaged)?.last_modified();
            application.newest = application.newest.max(time.and_then(header::day));
        }
        for name in archive.file_names() {
            let name = name.map_err(damaged)?;
            application.add(&name, &mut others);
            match name.split_once('/') {
                Some((top, "entry_points.txt")) if top.ends_with(".dist-info") => {
                    entry_points = Some(name.into_owned())
                }
                Some((top, "WHEEL")) if top.ends_with(".dist-info") => wheel = Some(name.into_owned()),
                _ => {}
            }
        }
        let mut read = |name: &str| -> Result<Vec<u8>, Error> {
            let mut bytes = Vec::new();
            archive.by_name(name).map_err(damaged)?.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        if let Some(name) = entry_points {
            application.entry_points = text(read(&name)?);
        }
        if let Some(name) = wheel {
            application.old_names = text(read(&name)?).lines().any(|line| line.starts_with("Generator: bdist_wheel"));
        }
        for (path, name) in others {
            application.others.insert(path, read(&name)?.into());
        }
        application.setup_py = source.directory().is_some_and(|directory| directory.join("setup.py").is_file());
        application.build_requires = source.directory().map(build_requires).unwrap_or_default();
        application.files.sort();
        Ok(application)
    }

    /// <https://packaging.python.org/specifications/binary-distribution-format/#the-data-directory>
    fn add(&mut self, name: &str, others: &mut BTreeMap<String, String>) {
        let (top, below) = name.split_once('/').unwrap_or((name, ""));
        if top.ends_with(".dist-info") || name.ends_with('/') {
            return;
        }
        if top.ends_with(".data") {
            match below.split_once('/') {
                Some(("scripts", program)) => drop(others.insert(format!("bin/{program}"), name.to_owned())),
                Some(("data", path)) => drop(others.insert(path.to_owned(), name.to_owned())),
                Some(("purelib" | "platlib", path)) => self.add(path, others),
                _ => {}
            }
            return;
        }
        self.native |= name.ends_with(".so");
        self.files.push(name.to_owned());
        if !below.is_empty() {
            self.packages.insert(top.to_owned());
        } else if let Some(module) = top.strip_suffix(".py") {
            self.modules.insert(module.to_owned());
        }
    }

    /// What can be imported.
    pub fn imports(&self) -> Vec<&str> {
        let is_name = |name: &&str| {
            let word = name.chars().all(|c| c.is_alphanumeric() || c == '_');
            word && !name.starts_with(|c: char| c.is_ascii_digit())
        };
        self.packages.iter().chain(&self.modules).map(String::as_str).filter(is_name).collect()
    }

    /// A `setup.py` that installs what the wheel has, for tools that know no `pyproject.toml`.
    ///
    /// # Errors
    /// When there is native code, which only the project's own build can make.
    pub fn setup(&self, name: &str, version: &str) -> Result<String, Error> {
        if self.native {
            return Err(Error::NativeWithoutSetup { name: name.to_owned() });
        }
        let directory = |file: &str| file.rsplit_once('/').map(|(directory, _)| directory.to_owned());
        let python = self.files.iter().filter(|file| file.ends_with(".py"));
        let directories = python.filter_map(|file| directory(file)).collect::<BTreeSet<_>>();
        let mut data: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for file in self.files.iter().filter(|file| !file.ends_with(".py")) {
            let mut above = directory(file);
            while let Some(package) = above.filter(|package| !package.is_empty()) {
                if directories.contains(&package) {
                    let path = file.strip_prefix(&package).unwrap_or(file).trim_start_matches('/');
                    data.entry(dotted(&package)).or_default().push(path.to_owned());
                    break;
                }
                above = directory(&package);
            }
        }
        let setup = Setup {
            name,
            version,
            packages: directories.iter().map(|directory| dotted(directory)).collect(),
            modules: &self.modules,
            tops: self
                .packages
                .iter()
                .cloned()
                .chain(self.modules.iter().map(|module| format!("{module}.py")))
                .collect(),
            data,
            entry_points: &self.entry_points,
        };
        Ok(template::render("setup.py", include_str!("../../templates/spec/setup.py"), setup)?)
    }
}

/// An unreadable `pyproject.toml` has none: the wheel was built from it before.
fn build_requires(directory: &Path) -> Vec<String> {
    let text = fs_err::read_to_string(directory.join("pyproject.toml")).unwrap_or_default();
    let table = text.parse::<toml::Table>().unwrap_or_default();
    let requires = table.get("build-system").and_then(|system| system.get("requires")).and_then(toml::Value::as_array);
    requires.into_iter().flatten().filter_map(toml::Value::as_str).map(str::to_owned).collect()
}

fn dotted(directory: &str) -> String {
    directory.replace('/', ".")
}
