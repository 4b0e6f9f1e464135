//! From the configuration as written to the settings: every value checked, every default in place. `[package]` and
//! `[python]` are here; what comes in lists (services, users, files, ...) is in [`super::parts`].

use std::path::{Path, PathBuf};

use super::document::Place;
use super::plugins;
use super::raw;
use super::reader::Reader;
use super::values;
use super::{InterpreterSetting, LinkSettings, Metadata, PackageSettings, PythonSettings, Source};

/// What the values are read against.
pub(super) struct Context<'a> {
    pub source: &'a Source,
    pub metadata: &'a Metadata,
    /// Directory of the configuration, absolute.
    pub directory: &'a Path,
    /// Services of the configuration, each instance of its own.
    pub processes: u64,
}

/// A package name made of a Python distribution's name: lower case, `-` for whatever is not a letter or digit
/// (Debian policy 5.6.1; PEP 503 does the same).
#[must_use]
pub fn normalised(name: &str) -> String {
    let mut all = String::with_capacity(name.len());
    for character in name.chars() {
        match character {
            _ if character.is_ascii_alphanumeric() => all.push(character.to_ascii_lowercase()),
            _ if all.ends_with('-') || all.is_empty() => {}
            _ => all.push('-'),
        }
    }
    let name = all.trim_end_matches('-');
    if name.is_empty() { "application".to_owned() } else { name.to_owned() }
}

pub(super) fn package(reader: &mut Reader<'_>, raw: &raw::Package, context: &Context<'_>) -> PackageSettings {
    let at = Place::at("package");
    let metadata = context.metadata;
    let Texts { license, summary, description, url, vendor, maintainer } = texts(reader, raw, metadata);
    let name = reader.value(&at.key("name"), raw.name.as_deref(), values::package_name);
    let name = name.unwrap_or_else(|| normalised(&metadata.name));
    let prefix = reader.value(&at.key("prefix"), raw.prefix.as_deref(), values::own_directory);
    let version = reader.value(&at.key("version"), raw.version.as_deref(), values::version);
    let release = reader.value(&at.key("release"), raw.release.as_deref(), values::release);
    let group = reader.value(&at.key("group"), raw.group.as_deref(), values::phrase);
    let section = reader.value(&at.key("section"), raw.section.as_deref(), values::phrase);
    let compression = reader.value(&at.key("compression"), raw.compression.as_deref(), values::compression);
    PackageSettings {
        prefix: prefix.unwrap_or_else(|| format!("/opt/{name}")),
        name,
        version: version.unwrap_or_else(|| metadata.version.clone()),
        release: release.unwrap_or_else(|| "1".to_owned()),
        epoch: raw.epoch.unwrap_or(0),
        license,
        summary,
        description,
        url,
        vendor,
        maintainer,
        maintainer_is_given: raw.maintainer.is_some(),
        group: group.unwrap_or_else(|| DEFAULT_GROUP.to_owned()),
        section: section.unwrap_or_else(|| "admin".to_owned()),
        priority: word(raw.priority.unwrap_or(raw::Priority::Optional)),
        version_scheme: raw.version_scheme.unwrap_or_default(),
        compression: compression.unwrap_or_default(),
        changelog: reader.file(&at.key("changelog"), raw.changelog.as_deref()),
        licenses: match &raw.licenses {
            Some(files) => reader.files(&at.key("licenses"), files),
            None => license_files(context.source),
        },
        target: raw.target.unwrap_or(context.processes >= 2),
        links: raw.links.as_ref().map(|links| package_links(reader, links, &at.key("links"))),
    }
}

/// What people read about the package.
/// The group of packages whose user names none.
pub const DEFAULT_GROUP: &str = "Applications/System";

struct Texts {
    license: String,
    summary: String,
    description: String,
    url: String,
    vendor: String,
    maintainer: String,
}

fn texts(reader: &mut Reader<'_>, raw: &raw::Package, metadata: &Metadata) -> Texts {
    let at = Place::at("package");
    let license = reader.value(&at.key("license"), raw.license.as_deref(), values::phrase);
    let summary = reader.value(&at.key("summary"), raw.summary.as_deref(), values::phrase);
    let vendor = reader.value(&at.key("vendor"), raw.vendor.as_deref(), values::phrase);
    let maintainer = reader.value(&at.key("maintainer"), raw.maintainer.as_deref(), values::maintainer);
    let url = reader.value(&at.key("url"), raw.url.as_deref(), values::web_address);
    let summary = summary.unwrap_or_else(|| or(&metadata.summary, &metadata.name));
    let description = reader.value(&at.key("description"), raw.description.as_deref(), values::text);
    let description = description
        .filter(|text| !text.is_empty())
        .or_else(|| super::prose::describing_paragraph(&metadata.description, &metadata.name))
        .unwrap_or_else(|| summary.clone());
    Texts {
        license: license.unwrap_or_else(|| or(&metadata.license, "Unknown")),
        summary,
        description,
        url: url.unwrap_or_else(|| metadata.url.clone()),
        vendor: vendor.unwrap_or_else(|| person(&metadata.author)),
        maintainer: maintainer.unwrap_or_else(|| or(&metadata.author, "Unknown <unknown@localhost>")),
    }
}

fn package_links(reader: &mut Reader<'_>, raw: &raw::Links, at: &Place) -> LinkSettings {
    let directory = reader.value(&at.key("directory"), raw.directory.as_deref(), values::target_path);
    LinkSettings {
        directory: directory.unwrap_or_else(|| "/usr/bin".to_owned()),
        scripts: reader.list(&at.key("scripts"), &raw.scripts, values::script),
    }
}

/// The licence texts beside a project, sorted.
fn license_files(source: &Source) -> Vec<PathBuf> {
    const STARTS: [&str; 4] = ["LICENSE", "LICENCE", "COPYING", "NOTICE"];
    let (Source::Directory(directory) | Source::Modules(directory)) = source else { return Vec::new() };
    let Ok(entries) = fs_err::read_dir(directory) else { return Vec::new() };
    let is_license = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().to_uppercase()).unwrap_or_default();
        let text = !matches!(path.extension().and_then(|end| end.to_str()), Some("py" | "pyc" | "in"));
        STARTS.iter().any(|start| name.starts_with(start)) && text && path.is_file()
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_license).collect();
    files.sort();
    files
}

/// `package` is the name of the main package.
pub(super) fn python(
    reader: &mut Reader<'_>,
    raw: &raw::Python,
    context: &Context<'_>,
    package: &str,
) -> PythonSettings {
    let at = Place::at("python");
    python_contradictions(reader, raw, context);
    let requirements = match &raw.requirements {
        Some(files) => reader.files(&at.key("requirements"), files),
        None => default_requirements(raw, context.source),
    };
    PythonSettings {
        interpreter: interpreter(reader, raw, context),
        version: reader.value(&at.key("version"), raw.version.as_deref(), values::python_series),
        requirements,
        constraints: reader.files(&at.key("constraints"), list(&raw.constraints)),
        extras: reader.list(&at.key("extras"), list(&raw.extras), values::extra),
        lock: lock(reader, raw),
        find_links: find_links(reader, list(&raw.find_links), context.directory),
        index_url: reader.value(
            &at.key("index-url"),
            raw.index_url.as_deref().filter(|url| !url.is_empty()),
            values::index,
        ),
        extra_index_urls: reader.list(&at.key("extra-index-urls"), list(&raw.extra_index_urls), values::index),
        no_index: raw.no_index.unwrap_or(false),
        require_hashes: raw.require_hashes.unwrap_or(false),
        resolver: raw.resolver.unwrap_or_default(),
        bytecode: raw.bytecode.unwrap_or_default(),
        system_packages: reader.list(&at.key("system-packages"), list(&raw.system_packages), values::system_package),
        newer_cpu: reader.list(&at.key("newer-cpu"), list(&raw.newer_cpu), values::phrase),
        plugins: plugins::settings(reader, raw.plugins.as_ref(), package),
    }
}

fn python_contradictions(reader: &mut Reader<'_>, raw: &raw::Python, context: &Context<'_>) {
    let at = Place::at("python");
    let requirements = !list(&raw.requirements).is_empty();
    if let Some(lock) = &raw.lock {
        for (key, given) in [("requirements", requirements), ("constraints", !list(&raw.constraints).is_empty())] {
            if given {
                let message = format!("a lock says already what to install, so `{key}` contradicts `lock`");
                reader.clash(&at.key(key), &at.key("lock"), message, "keep one of them");
            }
        }
        if raw.resolver == Some(super::Resolver::Pip) && lock.ends_with("uv.lock") {
            let help = "take `resolver = \"uv\"`, or export the lock: `uv export --format pylock.toml`";
            reader.clash(&at.key("resolver"), &at.key("lock"), "pip cannot read `uv.lock`", help);
        }
    }
    if raw.no_index == Some(true) {
        let address = raw.index_url.as_ref().is_some_and(|url| !url.is_empty());
        for (key, given) in [("index-url", address), ("extra-index-urls", !list(&raw.extra_index_urls).is_empty())] {
            if given {
                let message = format!("`{key}` contradicts `no-index = true`");
                reader.clash(&at.key(key), &at.key("no-index"), message, "keep one of them");
            }
        }
    }
    if raw.interpreter == Some(raw::Interpreter::Bundled) && !list(&raw.system_packages).is_empty() {
        let message = "packages of the distribution are for its own Python, and a bundled one does not see them";
        let help = "leave one of them out; for one target: `system-packages = []` under `[distribution.NAME.python]`";
        reader.clash(&at.key("system-packages"), &at.key("interpreter"), message, help);
    }
    if raw.strip == Some(true) {
        let help = "leave it out; to ship less, have the wheels themselves built stripped";
        reader.report(&at.key("strip"), "native code is not stripped: it damages the libraries in wheels", help);
    }
    let hashes = raw.lock.is_some() || requirements || matches!(context.source, Source::Modules(_));
    if raw.require_hashes == Some(true) && !hashes {
        let help = "add `lock`, or `requirements` made by `uv pip compile --generate-hashes`";
        reader.report(&at.key("require-hashes"), "there is nothing to take the hashes from", help);
    }
}

fn default_requirements(raw: &raw::Python, source: &Source) -> Vec<PathBuf> {
    match source {
        Source::Modules(directory) if raw.lock.is_none() => {
            Some(directory.join("requirements.txt")).filter(|file| file.is_file()).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn interpreter(reader: &mut Reader<'_>, raw: &raw::Python, context: &Context<'_>) -> InterpreterSetting {
    let at = Place::at("python");
    let sha256 = reader.value(&at.key("sha256"), raw.sha256.as_deref(), values::sha256);
    if raw.interpreter != Some(raw::Interpreter::Bundled) {
        for (key, given) in [("source", raw.source.is_some()), ("sha256", raw.sha256.is_some())] {
            if given {
                let help = "add `interpreter = \"bundled\"`, or remove it";
                reader.report(&at.key(key), format!("`{key}` is for a bundled interpreter only"), help);
            }
        }
        let none = raw.interpreter == Some(raw::Interpreter::None);
        return if none { InterpreterSetting::None } else { InterpreterSetting::System };
    }
    let source = reader.required(&at.key("source"), raw.source.as_deref(), values::phrase);
    if source.contains("://") {
        if !source.starts_with("https://") && !source.starts_with("http://") {
            let help = "a directory, an archive, or an address that starts with `https://`";
            reader.report(&at.key("source"), format!("`{source}` cannot be downloaded"), help);
        }
        if raw.sha256.is_none() {
            let help = "add `sha256 = \"...\"`: what is downloaded has to be what was meant";
            reader.report(&at.key("source"), "an address needs the `sha256` of what it gives", help);
        }
        return InterpreterSetting::Bundled { source, sha256 };
    }
    let path =
        reader.file_or_directory(&at.key("source"), Some(&source).filter(|path| !path.is_empty()).map(String::as_str));
    let path = path.unwrap_or_else(|| context.directory.join(&source));
    InterpreterSetting::Bundled { source: path.to_string_lossy().into_owned(), sha256 }
}

fn lock(reader: &mut Reader<'_>, raw: &raw::Python) -> Option<PathBuf> {
    let place = Place::at("python").key("lock");
    let path = reader.file(&place, raw.lock.as_deref())?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let pylock = name == "pylock.toml" || (name.starts_with("pylock.") && name.ends_with(".toml"));
    if name != "uv.lock" && !pylock {
        let help = "a lock is `uv.lock`, or `pylock.toml` (PEP 751); a `requirements.txt` goes into `requirements`";
        reader.report(&place, format!("`{name}` is not a lock that can be read"), help);
    }
    Some(path)
}

/// Directories become absolute; pages stay as they are.
fn find_links(reader: &mut Reader<'_>, links: &[String], directory: &Path) -> Vec<String> {
    let at = Place::at("python").key("find-links");
    let mut all = Vec::with_capacity(links.len());
    for (index, link) in links.iter().enumerate() {
        let place = at.index(index);
        if link.contains("://") {
            all.extend(reader.value(&place, Some(link), values::index));
        } else {
            let path = reader.file_or_directory(&place, Some(link)).unwrap_or_else(|| directory.join(link));
            all.push(path.to_string_lossy().into_owned());
        }
    }
    all
}

/// The word that the configuration has for a value.
pub(super) fn word(value: impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn list(values: &Option<Vec<String>>) -> &[String] {
    values.as_deref().unwrap_or_default()
}

fn or(text: &str, default: &str) -> String {
    if text.is_empty() { default.to_owned() } else { text.to_owned() }
}

/// `A <a@b.c>` without the address.
fn person(author: &str) -> String {
    author.split('<').next().unwrap_or_default().trim().to_owned()
}
