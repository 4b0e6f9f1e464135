//! What the application's own wheel tells about how it is installed, and a `setup.py` for one that has none.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::{Error, header};
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
    entry_points: String,
    /// Seconds since 1970: the newest day of a file in it.
    pub newest: Option<u32>,
}

/// Where a `setup.py` that is written for a project has the version from, so that it stays true for later ones.
#[derive(Debug, Clone, Copy)]
pub enum SetupVersion<'a> {
    /// [`VERSION`] stands for it.
    Marked,
    /// `PKG-INFO` beside it, which every sdist has.
    OfTheSdist { otherwise: &'a str },
}

/// What stands for the version until the spec file is built.
pub const VERSION: &str = "@VERSION@";

#[derive(Serialize)]
struct Setup<'a> {
    name: &'a str,
    /// [`VERSION`], where the spec file puts it in.
    marked: Option<&'static str>,
    /// Where the sources do not have it.
    otherwise: Option<&'a str>,
    requires: &'a [String],
    packages: Vec<String>,
    modules: &'a BTreeSet<String>,
    /// Directories and files that lie where the modules do.
    tops: Vec<String>,
    data: BTreeMap<String, Vec<String>>,
    entry_points: &'a str,
}

impl Application {
    /// Reads the wheel at `path`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let damaged = |error: zip::result::ZipError| Error::Io(std::io::Error::from(error));
        let mut archive = zip::ZipArchive::new(fs_err::File::open(path)?).map_err(damaged)?;
        let mut application = Self::default();
        let mut entry_points = None;
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
        for (path, name) in others {
            application.others.insert(path, read(&name)?.into());
        }
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

    /// A `setup.py` that installs what the wheel has and says that it `requires` these, for tools that know no `pyproject.toml`.
    ///
    /// # Errors
    /// When there is native code, which only the project's own build can make.
    pub fn setup(&self, name: &str, version: SetupVersion<'_>, requires: &[String]) -> Result<String, Error> {
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
            marked: matches!(version, SetupVersion::Marked).then_some(VERSION),
            otherwise: match version {
                SetupVersion::Marked => None,
                SetupVersion::OfTheSdist { otherwise } => Some(otherwise),
            },
            requires,
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

fn dotted(directory: &str) -> String {
    directory.replace('/', ".")
}
