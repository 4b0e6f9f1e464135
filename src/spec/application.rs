//! What the application's own wheel tells about how it is installed, and a `setup.py` for one that has none.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use serde::Serialize;

use super::Error;
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
    entry_points: String,
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
        let mut entry_points = None;
        for name in archive.file_names() {
            let name = name.map_err(damaged)?;
            application.add(&name);
            if name.split_once('/').is_some_and(|(top, file)| top.ends_with(".dist-info") && file == "entry_points.txt")
            {
                entry_points = Some(name.into_owned());
            }
        }
        if let Some(name) = entry_points {
            archive.by_name(&name).map_err(damaged)?.read_to_string(&mut application.entry_points)?;
        }
        application.setup_py = source.directory().is_some_and(|directory| directory.join("setup.py").is_file());
        application.files.sort();
        Ok(application)
    }

    fn add(&mut self, name: &str) {
        let (top, below) = name.split_once('/').unwrap_or((name, ""));
        if top.ends_with(".dist-info") || top.ends_with(".data") || name.ends_with('/') {
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

fn dotted(directory: &str) -> String {
    directory.replace('/', ".")
}
