//! pip as the resolver, where uv is absent or not wanted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::build::Artefact;
use super::cache::Cache;
use super::index::Indexes;
use super::pylock::{Directory, File, Package, Vcs};
use super::python::LocalPython;
use super::requests::Request;
use super::target::Target;
use super::{Error, failure};
use crate::exec::Command;

/// First pip with `--dry-run --report` (<https://pip.pypa.io/en/stable/news/#v22-2>).
const OLDEST: (u32, u32) = (22, 2);

/// A pip command with the configured indexes. Credentials go through the environment.
#[must_use]
pub fn command(python: &Path, verb: &str, indexes: &Indexes) -> Command {
    surround(Command::new(python).args(["-m", "pip", verb, "--no-input", "--disable-pip-version-check"]), indexes)
}

fn surround(mut command: Command, indexes: &Indexes) -> Command {
    if let Some(index) = &indexes.default {
        command = command.env("PIP_INDEX_URL", &index.url);
    }
    if !indexes.extra.is_empty() {
        let urls = indexes.extra.iter().map(|index| index.url.as_str()).collect::<Vec<_>>();
        command = command.env("PIP_EXTRA_INDEX_URL", urls.join(" "));
    } else if indexes.configured {
        command = command.env_remove("PIP_EXTRA_INDEX_URL");
    }
    for link in &indexes.find_links {
        command = command.arg("--find-links").arg(link);
    }
    if indexes.no_index {
        command = command.arg("--no-index");
    }
    if let Some(bundle) = &indexes.ca_bundle {
        command = command.env("PIP_CERT", bundle);
    }
    command.env("PIP_REQUIRE_VIRTUALENV", "false").env_remove("PIP_FIND_LINKS").env_remove("PIP_NO_INDEX")
}

/// The machine's python3 when its pip is new enough, else a private environment in the cache with a newer pip.
///
/// # Errors
/// When there is neither.
pub fn find(host: &LocalPython, cache: &Cache, indexes: &Indexes) -> Result<PathBuf, Error> {
    let no_pip = |reason: String| Error::NoPip { reason };
    if version(&host.path).is_some_and(|version| version >= OLDEST) {
        return Ok(host.path.clone());
    }
    let home = cache.dir("pip").join(format!("{}", host.version));
    let python = home.join("bin/python");
    let _guard = cache.lock("pip")?;
    if python.is_file() && version(&python).is_some_and(|version| version >= OLDEST) {
        return Ok(python);
    }
    let made = Command::new(&host.path).args(["-m", "venv", "--clear"]).arg(&home).run_checked();
    made.map_err(|error| no_pip(error.to_string()))?;
    let upgrade = command(&python, "install", indexes).args(["--quiet", "--upgrade", "pip>=22.2"]);
    upgrade.run_checked().map_err(|error| no_pip(error.to_string()))?;
    Ok(python)
}

/// The command that builds `artefact` of `source` into `out`. pip itself makes wheels only; for sdists there is `build`
/// (<https://build.pypa.io/>), in an environment of its own in the cache, which has pip fetch the backend.
///
/// # Errors
/// When there is no pip, or `build` cannot be had.
pub fn build(
    artefact: Artefact,
    source: &Path,
    out: &Path,
    python: &LocalPython,
    cache: &Cache,
    indexes: &Indexes,
) -> Result<Command, Error> {
    match artefact {
        Artefact::Wheel => {
            // In a container there is nothing but the distribution's own pip, and any that knows PEP 517 will do.
            let program = if python.container.is_some() { python.path.clone() } else { find(python, cache, indexes)? };
            let command = command(&program, "wheel", indexes).args(["--no-deps", "--quiet", "--wheel-dir"]);
            Ok(command.arg(out).arg(source))
        }
        Artefact::Sdist => {
            let command =
                Command::new(build_tool(python, cache, indexes)?).args(["-m", "build", "--sdist", "--outdir"]);
            let command = surround(
                command.arg(out).arg(source),
                &Indexes { find_links: Vec::new(), no_index: false, ..indexes.clone() },
            );
            // pip takes these from the environment only: its command line is not ours here.
            let links = indexes.find_links.iter().map(|link| match url::Url::from_file_path(link) {
                Ok(url) => url.into(),
                Err(()) => link.clone(),
            });
            let links = links.collect::<Vec<String>>().join(" ");
            let command = if links.is_empty() { command } else { command.env("PIP_FIND_LINKS", links) };
            Ok(if indexes.no_index { command.env("PIP_NO_INDEX", "1") } else { command })
        }
    }
}

/// The interpreter of an environment that has `build`.
fn build_tool(host: &LocalPython, cache: &Cache, indexes: &Indexes) -> Result<PathBuf, Error> {
    let no_build =
        |error: crate::exec::ExecError| Error::NoPip { reason: format!("`build` cannot be installed: {error}") };
    let home = cache.dir("build-tool").join(host.version.to_string());
    let (python, complete) = (home.join("bin/python"), home.join("complete"));
    let _guard = cache.lock("build-tool")?;
    if !complete.is_file() {
        Command::new(&host.path).args(["-m", "venv", "--clear"]).arg(&home).run_checked().map_err(no_build)?;
        let install = command(&python, "install", indexes).args(["--quiet", "build>=1,<2"]);
        install.run_checked().map_err(no_build)?;
        fs_err::write(complete, "")?;
    }
    Ok(python)
}

/// Major and minor of the interpreter's pip.
fn version(python: &Path) -> Option<(u32, u32)> {
    let output = Command::new(python).args(["-m", "pip", "--version"]).run_checked().ok()?.stdout_text();
    let mut parts = output.split_whitespace().nth(1)?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[derive(Deserialize)]
struct Report {
    install: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    metadata: Metadata,
    download_info: Download,
    #[serde(default)]
    is_direct: bool,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    version: String,
}

#[derive(Deserialize)]
struct Download {
    url: String,
    #[serde(default)]
    archive_info: Option<Archive>,
    #[serde(default)]
    vcs_info: Option<VcsInfo>,
    #[serde(default)]
    dir_info: Option<DirInfo>,
    #[serde(default)]
    subdirectory: Option<String>,
}

#[derive(Deserialize)]
struct Archive {
    #[serde(default)]
    hash: Option<String>,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct DirInfo {
    #[serde(default)]
    editable: bool,
}

#[derive(Deserialize)]
struct VcsInfo {
    vcs: String,
    commit_id: String,
    #[serde(default)]
    requested_revision: Option<String>,
}

/// The request with its files copied into `scratch`, less their hashes: omnipack holds the downloads against those,
/// where pip would want one for the application's own requirements too.
///
/// # Errors
/// When a file cannot be read or written.
pub fn without_hashes(request: &Request, scratch: &Path) -> Result<Request, Error> {
    let mut copied = Vec::new();
    for (index, file) in request.files.iter().enumerate() {
        let directory = file.parent().unwrap_or(Path::new("/"));
        let text = super::requirements::rebased(&fs_err::read_to_string(file)?, directory);
        let path = scratch.join(format!("requirements-{index}.txt"));
        fs_err::write(&path, text)?;
        copied.push(path);
    }
    Ok(Request { files: copied, ..request.clone() })
}

/// What pip says to a request.
pub enum Answer {
    Packages(Vec<Package>),
    /// No wheel of this requirement (`name` or `name==version`); an sdist may do.
    WheelMissing {
        requirement: String,
        error: Error,
    },
}

/// Resolves with wheels only, for the target's tags and markers. `built` holds wheels made of sdists so far.
///
/// # Errors
/// When the requirements cannot be satisfied, or pip cannot find out.
pub fn resolve(
    python: &Path,
    request: &Request,
    target: &Target,
    indexes: &Indexes,
    built: &Path,
) -> Result<Answer, Error> {
    let report = built.join("report.json");
    let mut command = bootstrap(python, target, "install")?
        .args(["--dry-run", "--progress-bar=off", "--ignore-installed", "--only-binary=:all:", "--report"])
        .arg(&report)
        .arg("--target")
        .arg(built.join("target"))
        .arg("--find-links")
        .arg(built)
        .dir(&request.directory);
    command = for_target(command, target);
    for file in &request.files {
        command = command.arg("--requirement").arg(file);
    }
    for constraint in &request.constraints {
        command = command.arg("--constraint").arg(constraint);
    }
    if request.no_deps {
        command = command.arg("--no-deps");
    }
    let output = surround(command, indexes).run()?;
    if output.code != 0 {
        let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
        let cause = stdout.find("The conflict is caused by").and_then(|start| stdout.get(start..)).unwrap_or_default();
        let error = failure(&format!("{stderr}{cause}"), target, false);
        return match missing(&stderr) {
            Some(requirement) => Ok(Answer::WheelMissing { requirement, error }),
            None => Err(error),
        };
    }
    let text = fs_err::read_to_string(&report)?;
    let report = serde_json::from_str::<Report>(&text).map_err(|error| Error::Io(error.into()))?;
    Ok(Answer::Packages(report.install.into_iter().map(package).collect()))
}

/// The command that downloads the sdist of `requirement` into `out`.
///
/// # Errors
/// When the marker variables cannot be written as JSON.
pub fn download_sdist(
    python: &Path,
    requirement: &str,
    target: &Target,
    indexes: &Indexes,
    out: &Path,
) -> Result<Command, Error> {
    let command = bootstrap(python, target, "download")?
        .args(["--quiet", "--no-deps", "--no-binary=:all:", "--dest"])
        .arg(out)
        .args(["--python-version", &target.full_version])
        .arg(requirement);
    Ok(surround(command, indexes))
}

fn bootstrap(python: &Path, target: &Target, verb: &str) -> Result<Command, Error> {
    let variables = serde_json::to_string(&target.marker_variables()).map_err(std::io::Error::from)?;
    Ok(Command::new(python)
        .args(["-c", include_str!("pip-target.py"), &variables, verb])
        .args(["--no-input", "--disable-pip-version-check"]))
}

fn for_target(mut command: Command, target: &Target) -> Command {
    command = command.args(["--python-version", &target.full_version, "--implementation", "cp"]);
    for abi in [target.tags.abi(), "abi3", "none"] {
        command = command.args(["--abi", abi]);
    }
    // pip expands the legacy names on its own, all of them at the first; behind the others they cannot outrank those.
    let (current, legacy): (Vec<_>, Vec<_>) =
        target.tags.platforms().iter().partition(|tag| tag.starts_with("manylinux_"));
    for platform in current.into_iter().chain(legacy) {
        command = command.args(["--platform", platform]);
    }
    command
}

/// The requirement that pip found no wheel for.
fn missing(stderr: &str) -> Option<String> {
    let start = stderr.find("No matching distribution found for ")? + "No matching distribution found for ".len();
    let line = stderr.get(start..)?.lines().next()?;
    Some(line.split(" (from").next().unwrap_or(line).trim().to_owned())
}

fn package(item: Item) -> Package {
    let Download { url, archive_info, vcs_info, dir_info, subdirectory } = item.download_info;
    let mut package = Package { name: item.metadata.name, version: Some(item.metadata.version), ..Package::default() };
    if let Some(info) = vcs_info {
        package.vcs = Some(Vcs {
            kind: info.vcs,
            url: Some(url),
            path: None,
            requested_revision: info.requested_revision,
            commit_id: info.commit_id,
            subdirectory,
        });
        return package;
    }
    if let Some(info) = dir_info {
        let path = url::Url::parse(&url).ok().and_then(|url| url.to_file_path().ok());
        let path = path.map_or(url, |path| path.display().to_string());
        package.directory = Some(Directory { path, editable: info.editable, subdirectory });
        return package;
    }
    let archive = archive_info.unwrap_or(Archive { hash: None, hashes: BTreeMap::new() });
    let mut hashes = archive.hashes;
    if let Some((kind, value)) = archive.hash.as_deref().and_then(|hash| hash.split_once('=')) {
        hashes.entry(kind.to_owned()).or_insert_with(|| value.to_owned());
    }
    let file = File { url: Some(url), hashes, subdirectory, ..File::default() };
    if item.is_direct {
        package.archive = Some(file);
    } else {
        package.wheels.push(file);
    }
    package
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::PythonSettings;

    #[test]
    fn a_pip_that_is_too_old_is_left_for_a_private_one() {
        let work = tempfile::tempdir().unwrap();
        let host = super::super::python::host(&[]).unwrap();
        let old = work.path().join("python3");
        let script = format!(
            "#!/bin/sh\n[ \"$3\" = --version ] && echo 'pip 18.1 from nowhere' && exit\nexec '{}' \"$@\"\n",
            host.path.display()
        );
        fs_err::write(&old, script).unwrap();
        Command::new("chmod").arg("755").arg(&old).run_checked().unwrap();
        let cache = Cache::new(work.path().join("cache"));
        let around = super::super::index::Surroundings { variable: &|name| std::env::var(name).ok(), home: None };
        let indexes = Indexes::new(&settings(), &around);
        let found = find(&LocalPython { path: old.clone(), ..host.clone() }, &cache, &indexes).unwrap();
        assert!(found.starts_with(work.path().join("cache")), "{}", found.display());
        assert!(version(&found).unwrap() >= OLDEST);
        assert_eq!(find(&host, &cache, &indexes).unwrap(), host.path);
    }

    #[test]
    fn the_requirement_without_a_wheel_is_found_in_pips_words() {
        let text = "ERROR: Could not find a version that satisfies the requirement docopt==0.6.2 (from shop) (from versions: none)\nERROR: No matching distribution found for docopt==0.6.2 (from shop)\n";
        assert_eq!(missing(text).as_deref(), Some("docopt==0.6.2"));
        assert_eq!(missing("ERROR: ResolutionImpossible"), None);
    }

    fn settings() -> PythonSettings {
        PythonSettings {
            resolver: crate::project::Resolver::Pip,
            bytecode: crate::project::BytecodeMode::None,
            ..PythonSettings::default()
        }
    }
}
