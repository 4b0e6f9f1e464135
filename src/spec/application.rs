//! What the application's own wheel tells about how it is installed, and a `setup.py` for one that has none.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use serde::Serialize;

use super::{Error, header};
use crate::resolve::Wheel;
use crate::stage::{self, Content};
use crate::template;

/// Programs that are given their interpreter are read whole. No script comes near this size, in bytes.
const LARGEST_PROGRAM: u64 = 16 << 20;

/// The content of the application's wheel, as far as a spec file needs it.
#[derive(Debug, Clone, Default)]
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
    pub others: BTreeMap<String, Content>,
    entry_points: String,
    /// Seconds since 1970: the newest day of a file in it.
    pub newest: Option<u32>,
}

/// Where a `setup.py` that is written for a project has the version from, so that it stays true for later ones.
#[derive(Debug, Clone, Copy)]
pub enum SetupVersion<'a> {
    /// `VERSION` stands for it.
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
    /// Reads `wheel`, and keeps nothing of its files in memory.
    ///
    /// # Errors
    /// When it cannot be read, is hostile, or is not what its name says.
    pub fn read(wheel: &Wheel) -> Result<Self, Error> {
        let mut application = Self { newest: newest(&wheel.path)?, ..Self::default() };
        for (name, content) in stage::wheel_files(wheel).map_err(Box::new)? {
            match name.split_once('/') {
                Some((top, "entry_points.txt")) if top.ends_with(".dist-info") => {
                    // Of a size that can be read whole: it has been, when the wheel was checked.
                    application.entry_points = String::from_utf8_lossy(&content.read()?).into_owned();
                }
                _ => application.add(&name, content),
            }
        }
        application.files.sort();
        Ok(application)
    }

    /// <https://packaging.python.org/specifications/binary-distribution-format/#the-data-directory>
    fn add(&mut self, name: &str, content: Content) {
        let (top, below) = name.split_once('/').unwrap_or((name, ""));
        if top.ends_with(".dist-info") {
            return;
        }
        if top.ends_with(".data") {
            match below.split_once('/') {
                Some(("scripts", program)) => drop(self.others.insert(format!("bin/{program}"), content)),
                Some(("data", path)) => drop(self.others.insert(path.to_owned(), content)),
                Some(("purelib" | "platlib", path)) => self.add(path, content),
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
                    data.entry(dotted(&package)).or_default().push(literal(path));
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

/// Seconds since 1970: the newest day of a file in the wheel at `path`.
fn newest(path: &Path) -> Result<Option<u32>, Error> {
    let damaged = |error: zip::result::ZipError| Error::Io(std::io::Error::from(error));
    let mut archive = zip::ZipArchive::new(fs_err::File::open(path)?).map_err(damaged)?;
    let mut newest = None;
    for index in 0..archive.len() {
        let time = archive.by_index_raw(index).map_err(damaged)?.last_modified();
        newest = newest.max(time.and_then(header::day));
    }
    Ok(newest)
}

/// `content` of the program `path`, in which `#!python` stands for the interpreter, with `interpreter` there; any other file as
/// it is.
/// <https://packaging.python.org/specifications/binary-distribution-format/#recommended-installer-features>
///
/// # Errors
/// When it cannot be read, or is far larger than a program of text.
pub fn with_interpreter(path: &str, content: &Content, interpreter: &str) -> Result<Content, Error> {
    const PLACEHOLDER: &[u8] = b"#!python";
    let mut head = Vec::new();
    content.open()?.take(PLACEHOLDER.len() as u64).read_to_end(&mut head)?;
    if head != PLACEHOLDER {
        return Ok(content.clone());
    }
    if content.size() > LARGEST_PROGRAM {
        return Err(Error::Program { path: path.to_owned(), size: content.size() });
    }
    let bytes = content.read()?;
    let rest = bytes.get(PLACEHOLDER.len()..).unwrap_or_default();
    Ok(Content::Bytes([b"#!", interpreter.as_bytes(), rest].concat().into()))
}

/// setuptools takes the files of `package_data` as patterns (glob in Python's library): as `glob.escape` writes it.
fn literal(path: &str) -> String {
    path.chars().map(|c| if "*?[".contains(c) { format!("[{c}]") } else { c.to_string() }).collect()
}

fn dotted(directory: &str) -> String {
    directory.replace('/', ".")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::resolve::WheelRole;

    #[test]
    fn nothing_of_the_files_of_a_wheel_is_kept_in_memory() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x-1.0-py3-none-any.whl");
        let mut zip = zip::ZipWriter::new(fs_err::File::create(&path).unwrap());
        let mut add = |name: &str, content: &[u8]| {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content).unwrap();
        };
        add("x.py", b"");
        add("x-1.0.data/data/share/x/large", &vec![0; 1 << 20]);
        add("x-1.0.data/scripts/run", b"#!python\nprint()\n");
        add("x-1.0.data/scripts/huge", &[b"#!python\n".to_vec(), vec![b' '; 17 << 20]].concat());
        add("x-1.0.dist-info/METADATA", b"Metadata-Version: 2.1\nName: x\nVersion: 1.0\n");
        add("x-1.0.dist-info/WHEEL", b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n");
        add("x-1.0.dist-info/RECORD", b"");
        zip.finish().unwrap();
        let wheel = Wheel {
            name: "x".to_owned(),
            version: "1.0".to_owned(),
            file_name: "x-1.0-py3-none-any.whl".to_owned(),
            path,
            sha256: String::new(),
            direct_url: None,
            role: WheelRole::Application,
        };
        let application = Application::read(&wheel).unwrap();
        let names = application.others.keys().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(names, ["bin/huge", "bin/run", "share/x/large"]);
        assert!(application.others.values().all(|content| matches!(content, Content::Member { .. })));
        let given = |path: &str| with_interpreter(path, &application.others[path], "/usr/bin/python3");
        assert_eq!(given("bin/run").unwrap().read().unwrap(), b"#!/usr/bin/python3\nprint()\n");
        assert!(matches!(given("share/x/large").unwrap(), Content::Member { .. }));
        assert!(matches!(given("bin/huge"), Err(Error::Program { .. })));
    }
}
