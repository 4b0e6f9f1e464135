//! A wheel straight from a directory of modules that has no build configuration.

use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use fs_err as fs;
use sha2::{Digest, Sha256};
use walkdir::WalkDir;
use zip::write::SimpleFileOptions;

use super::Error;
use super::outputs::without_outputs;
use super::tags::normalize;

/// Top-level names that belong to the project's upkeep and not to the application.
const UPKEEP: [&str; 12] = [
    "setup.py",
    "conftest.py",
    "noxfile.py",
    "tasks.py",
    "tests",
    "test",
    "docs",
    "doc",
    "examples",
    "build",
    "dist",
    "venv",
];

/// Writes the wheel into `out` and gives its path.
///
/// # Errors
/// When there is no module, or a file cannot be read or written.
pub fn build(directory: &Path, out: &Path) -> Result<PathBuf, Error> {
    let directory = fs::canonicalize(directory)?;
    let title = directory.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = normalize(&title.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect::<String>());
    let name = name.trim_matches('-').to_owned();
    let members = members(&directory)?;
    if name.is_empty() || !members.iter().any(|member| member.extension().is_some_and(|ext| ext == "py")) {
        return Err(Error::Input {
            file: directory.display().to_string(),
            reason: "there is no module and no build configuration".to_owned(),
            help: "add a pyproject.toml, or name the directory that has the modules".to_owned(),
        });
    }
    let version = version(&directory, &members)?;
    let stem = format!("{}-{version}", name.replace('-', "_"));
    let path = out.join(format!("{stem}-py3-none-any.whl"));
    let mut wheel = Writer { zip: zip::ZipWriter::new(fs::File::create(&path)?), record: String::new() };
    for member in &members {
        wheel.add(&member.to_string_lossy(), &fs::read(directory.join(member))?)?;
    }
    let info = format!("{stem}.dist-info");
    wheel.add(
        &format!("{info}/METADATA"),
        format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n").as_bytes(),
    )?;
    wheel.add(
        &format!("{info}/WHEEL"),
        b"Wheel-Version: 1.0\nGenerator: omnipack\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    )?;
    wheel.finish(&info)?;
    Ok(path)
}

struct Writer<W: Write + Seek> {
    zip: zip::ZipWriter<W>,
    record: String,
}

impl<W: Write + Seek> Writer<W> {
    fn add(&mut self, name: &str, content: &[u8]) -> Result<(), Error> {
        let hash = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(Sha256::digest(content));
        let quoted =
            if name.contains([',', '"']) { format!("\"{}\"", name.replace('"', "\"\"")) } else { name.to_owned() };
        self.record.push_str(&format!("{quoted},sha256={hash},{}\n", content.len()));
        self.put(name, content)
    }

    fn put(&mut self, name: &str, content: &[u8]) -> Result<(), Error> {
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated)
            .last_modified_time(zip::DateTime::default())
            .unix_permissions(0o644);
        self.zip.start_file(name, options).map_err(std::io::Error::from)?;
        Ok(self.zip.write_all(content)?)
    }

    fn finish(mut self, info: &str) -> Result<(), Error> {
        let name = format!("{info}/RECORD");
        let record = format!("{}{name},,\n", self.record);
        self.put(&name, record.as_bytes())?;
        self.zip.finish().map_err(std::io::Error::from)?;
        Ok(())
    }
}

/// Top-level modules, packages with all their files, and directories of data that lie beside them; sorted, relative.
pub(super) fn members(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    let walk = WalkDir::new(directory).follow_links(true).sort_by_file_name().into_iter();
    let walk = walk.filter_entry(|entry| {
        let name = entry.file_name().to_string_lossy();
        let hidden = entry.depth() > 0 && (name.starts_with('.') || name == "__pycache__" || name == "node_modules");
        let upkeep = entry.depth() == 1 && UPKEEP.contains(&&*name);
        let environment = entry.file_type().is_dir() && entry.path().join("pyvenv.cfg").is_file();
        !(hidden || upkeep || environment || (entry.depth() > 0 && name.ends_with(".egg-info")))
    });
    for entry in walk {
        let entry = entry.map_err(std::io::Error::from)?;
        let name = entry.file_name().to_string_lossy();
        let wanted = if entry.depth() == 1 { name.ends_with(".py") } else { !name.ends_with(".pyc") };
        if entry.file_type().is_file()
            && wanted
            && let Ok(relative) = entry.path().strip_prefix(directory)
        {
            found.push(relative.to_path_buf());
        }
    }
    // They are known by files that are no modules.
    let mut all = found.clone();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = PathBuf::from(entry.file_name());
        if entry.file_type()?.is_file() && !found.contains(&path) {
            all.push(path);
        }
    }
    let kept = without_outputs(directory, all)?.into_iter().collect::<std::collections::BTreeSet<_>>();
    found.retain(|path| kept.contains(path));
    Ok(found)
}

/// The first `__version__ = "..."` of a top-level module or package; else 0.0.0.
fn version(directory: &Path, members: &[PathBuf]) -> Result<String, Error> {
    let top = |member: &&PathBuf| {
        let depth = member.components().count();
        depth == 1 || (depth == 2 && member.file_name().is_some_and(|name| name == "__init__.py"))
    };
    for member in members.iter().filter(top) {
        let text = String::from_utf8_lossy(&fs::read(directory.join(member))?).into_owned();
        for line in text.lines() {
            let Some(value) = line.strip_prefix("__version__").and_then(|rest| rest.trim_start().strip_prefix('='))
            else {
                continue;
            };
            let value = value.trim().trim_end_matches(';').trim_matches(['"', '\'']);
            if let Ok(version) = value.parse::<pep440_rs::Version>() {
                return Ok(version.to_string());
            }
        }
    }
    Ok("0.0.0".to_owned())
}
