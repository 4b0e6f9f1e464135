//! A wheel straight from a directory of modules that has no build configuration.

use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use fs_err as fs;
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;

use super::Error;
use super::tags::normalize;
use super::taken::Taken;

/// Writes the wheel of what was taken of `directory` into `out`, under the name that `title` gives, and gives its path.
///
/// # Errors
/// When there is no module, or a file cannot be read or written.
pub(super) fn build(directory: &Path, title: &str, taken: &Taken, out: &Path) -> Result<PathBuf, Error> {
    let name = normalize(&title.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect::<String>());
    let name = name.trim_matches('-').to_owned();
    if name.is_empty() || !taken.has_module() {
        return Err(Error::Input {
            file: directory.display().to_string(),
            reason: "there is no module and no build configuration".to_owned(),
            help: "add a pyproject.toml, or name the directory that has the modules".to_owned(),
        });
    }
    let version = version(directory, &taken.files)?;
    let stem = format!("{}-{version}", name.replace('-', "_"));
    let path = out.join(format!("{stem}-py3-none-any.whl"));
    let mut wheel = Writer { zip: zip::ZipWriter::new(fs::File::create(&path)?), record: String::new() };
    for member in &taken.files {
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
