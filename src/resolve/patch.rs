//! A rebuild after an edit of modules, without the build backend: the earlier wheel with the edited files replaced.
//!
//! Sound because it is done only where a wheel is a plain function of the file's own bytes: static metadata, a backend
//! known to copy modules as they are, no build script, the same set of files as before, and each edited module proven,
//! on the earlier build, to be in the wheel byte for byte under its own name.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::Path;

use base64::Engine;
use fs_err as fs;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::build::Built;
use super::cache::hex;
use super::tree::{Contents, SourceTree};
use super::{Error, Resolver};

/// Backends that put a pure project's modules into the wheel as they are.
const BACKENDS: [&str; 4] =
    ["setuptools.build_meta", "hatchling.build", "flit_core.buildapi", "poetry.core.masonry.api"];

/// What an earlier build of a directory was made of.
#[derive(Debug, Serialize, Deserialize)]
struct Earlier {
    sha256: String,
    file_name: String,
    contents: Contents,
    /// Module of the source to member of the wheel.
    members: BTreeMap<String, String>,
}

impl Resolver<'_> {
    /// The wheel of `tree`, when it differs from an earlier one in modules only.
    pub(super) fn patched(
        &self,
        tree: &SourceTree,
        contents: &Contents,
        place: &str,
        key: &str,
    ) -> Result<Option<Built>, Error> {
        let Some((earlier, _)) = self.cache.recall::<Earlier>("patches", place) else { return Ok(None) };
        let Some(wheel) = self.earlier_build(&earlier.sha256, &earlier.file_name) else { return Ok(None) };
        if !contents.keys().eq(earlier.contents.keys()) {
            return Ok(None);
        }
        let edited = contents.iter().filter(|(name, content)| earlier.contents.get(*name) != Some(content));
        let mut replaced = BTreeMap::new();
        for (name, _) in edited {
            let Some(member) = earlier.members.get(name) else { return Ok(None) };
            replaced.insert(member.clone(), fs::read(tree.root().join(name))?);
        }
        let scratch = self.cache.scratch()?;
        let path = scratch.path().join(&earlier.file_name);
        rewrite(&wheel, &replaced, &path)?;
        let built = self.keep_build(key, &path, &earlier.file_name)?;
        self.cache.remember(
            "patches",
            place,
            &Earlier { sha256: built.sha256.clone(), contents: contents.clone(), ..earlier },
        )?;
        Ok(Some(built))
    }

    /// Notes what a later rebuild needs, where one is possible: says whether it is.
    pub(super) fn note_for_patches(
        &self,
        tree: &SourceTree,
        contents: &Contents,
        place: &str,
        built: &Built,
    ) -> Result<bool, Error> {
        if !built.file_name.ends_with("-none-any.whl") || tree.uses_git() || !is_plain(tree.root()) {
            return Ok(false);
        }
        let members = verbatim(&built.path, contents)?;
        let (sha256, file_name) = (built.sha256.clone(), built.file_name.clone());
        let earlier = Earlier { sha256, file_name, contents: contents.clone(), members };
        self.cache.remember("patches", place, &earlier)?;
        Ok(true)
    }
}

/// Is the wheel a plain function of its files?
fn is_plain(root: &Path) -> bool {
    let Ok(text) = fs::read_to_string(root.join("pyproject.toml")) else { return false };
    let Ok(document) = toml::from_str::<toml::Table>(&text) else { return false };
    let get = |table: &str, key: &str| document.get(table).and_then(|value| value.get(key));
    let backend = get("build-system", "build-backend").and_then(toml::Value::as_str).unwrap_or_default();
    let tool = |name: &str, key: &str| get("tool", name).and_then(|value| value.get(key)).is_some();
    let scripted = ["setup.py", "setup.cfg", "hatch_build.py"].iter().any(|name| root.join(name).exists())
        || tool("setuptools", "cmdclass")
        || tool("setuptools", "dynamic")
        || tool("setuptools", "ext-modules")
        || tool("hatch", "build") && text.contains("hooks")
        || tool("poetry", "build")
        || get("build-system", "backend-path").is_some();
    let fixed = get("project", "version").is_some_and(toml::Value::is_str)
        && get("project", "name").is_some_and(toml::Value::is_str)
        && get("project", "dynamic").is_none();
    BACKENDS.contains(&backend) && fixed && !scripted
}

/// The modules that lie in the wheel byte for byte under their own name, with or without a leading `src/`.
fn verbatim(wheel: &Path, contents: &Contents) -> Result<BTreeMap<String, String>, Error> {
    let mut archive = zip::ZipArchive::new(fs::File::open(wheel)?).map_err(std::io::Error::from)?;
    let names = archive.file_names().flatten().map(std::borrow::Cow::into_owned).collect::<BTreeSet<_>>();
    let mut members = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for (name, content) in contents.iter().filter(|(name, _)| name.ends_with(".py")) {
        let candidates = [name.as_str(), name.strip_prefix("src/").unwrap_or(name)];
        let Some(member) = candidates.iter().find(|member| names.contains(**member)) else { continue };
        let mut bytes = Vec::new();
        archive.by_name(member).map_err(std::io::Error::from)?.read_to_end(&mut bytes)?;
        if content.ends_with(&hex(&Sha256::digest(&bytes))) && taken.insert((*member).to_owned()) {
            members.insert(name.clone(), (*member).to_owned());
        }
    }
    Ok(members)
}

/// Copies the wheel as it is, but for the replaced members and their lines in RECORD.
fn rewrite(wheel: &Path, replaced: &BTreeMap<String, Vec<u8>>, to: &Path) -> Result<(), Error> {
    let mut archive = zip::ZipArchive::new(fs::File::open(wheel)?).map_err(std::io::Error::from)?;
    let mut writer = zip::ZipWriter::new(fs::File::create(to)?);
    for index in 0..archive.len() {
        let mut member = archive.by_index_raw(index).map_err(std::io::Error::from)?;
        let name = member.name().map_err(std::io::Error::from)?.into_owned();
        let is_record = name.ends_with(".dist-info/RECORD");
        if !is_record && !replaced.contains_key(&name) {
            writer.raw_copy_file(member).map_err(std::io::Error::from)?;
            continue;
        }
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated)
            .last_modified_time(member.last_modified().unwrap_or_default())
            .unix_permissions(member.unix_mode().unwrap_or(0o644));
        let mut text = Vec::new();
        let content = match replaced.get(&name) {
            Some(content) => content,
            None => {
                drop(member);
                member = archive.by_index(index).map_err(std::io::Error::from)?;
                member.read_to_end(&mut text)?;
                text = record(&String::from_utf8_lossy(&text), replaced).into_bytes();
                &text
            }
        };
        writer.start_file(name, options).map_err(std::io::Error::from)?;
        writer.write_all(content)?;
    }
    writer.finish().map_err(std::io::Error::from)?;
    Ok(())
}

/// RECORD with new digests and sizes. A name with a comma is quoted.
fn record(text: &str, replaced: &BTreeMap<String, Vec<u8>>) -> String {
    let line = |line: &str| {
        let name = line.rsplitn(3, ',').nth(2).unwrap_or(line).trim_matches('"');
        match replaced.get(name) {
            Some(content) => {
                let hash = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(Sha256::digest(content));
                let shown = line.rsplitn(3, ',').nth(2).unwrap_or(name);
                format!("{shown},sha256={hash},{}\n", content.len())
            }
            None => format!("{line}\n"),
        }
    };
    text.lines().map(line).collect()
}
