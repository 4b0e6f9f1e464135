//! Wheels from source, through PEP 517: of the application's directory, of an sdist, of a repository.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use fs_err as fs;

use super::cache::{digest, sha256_file};
use super::compile::{self, Place};
use super::forbidden::NoCompiler;
use super::job::Job;
use super::python::LocalPython;
use super::tags::WheelName;
use super::tarball;
use super::target::Target;
use super::tree::SourceTree;
use super::{Error, Resolver, Session, Wheel};
use crate::distribution::Isa;
use crate::exec::{Command, Output, mask_credentials};
use crate::scratch::Scratch;

/// Whether a build may start a compiler.
#[derive(Debug, Clone, Copy)]
pub(super) enum Compiler<'a> {
    /// For processors that have this.
    Allowed(Option<Isa>),
    /// It would compile for another Python: extensions that are optional are left out, others fail at once.
    Forbidden(&'a NoCompiler),
}

/// What a build backend has made.
pub(super) struct Made {
    /// Where it lies, until this is dropped.
    pub scratch: Scratch,
    pub path: PathBuf,
    /// What was said, as far as the front end shows it.
    pub log: String,
}

/// One attempt with one interpreter.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub source: &'a Path,
    pub python: &'a LocalPython,
    pub compiler: Compiler<'a>,
    /// It may compile something.
    pub native: bool,
    pub artefact: Artefact,
    pub session: &'a Session,
}

/// What a build backend is asked for (PEP 517).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Artefact {
    Wheel,
    Sdist,
}

impl Artefact {
    /// Of its file name.
    fn end(self) -> &'static str {
        match self {
            Self::Wheel => ".whl",
            Self::Sdist => ".tar.gz",
        }
    }
}

/// A wheel that was built, in the cache.
#[derive(Debug, Clone)]
pub struct Built {
    pub path: PathBuf,
    pub sha256: String,
    pub file_name: String,
}

/// What is built, for messages.
pub struct Subject<'a> {
    pub name: &'a str,
    pub version: &'a str,
}

impl Subject<'_> {
    /// `markupsafe 2.1.1`
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} {}", self.name, self.version).trim_end().to_owned()
    }
}

/// Where the cache keeps them, apart from what was fetched.
const KEPT: &str = "built-wheels";

const NATIVE: [&str; 15] =
    ["c", "cc", "cpp", "cxx", "pyx", "pxd", "rs", "go", "f", "f90", "cu", "h", "hpp", "S", "swg"];

impl Resolver<'_> {
    /// The wheel of a source directory, from the cache when nothing in the tree has changed.
    pub(super) fn build_directory(&self, root: &Path, target: &Target, session: &Session) -> Result<Built, Error> {
        let tree = SourceTree::read(root)?;
        let legacy = !tree.root().join("pyproject.toml").is_file();
        let contents = tree.contents()?;
        let (state, around) = (tree.digest(&contents), build_environment());
        let keys = self.keys(["directory", &state], target, session);
        // Of a plain project, one wheel does for every Python; but what the target itself would build is what its own
        // Python makes.
        let shared = digest([&state, "any", &around]);
        let anywhere = !session.workshop.is_required();
        let place = digest([tree.root().as_os_str().as_encoded_bytes(), around.as_bytes()]);
        let title = tree.root().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let recall = || {
            self.recall_for(&keys, target, session).or_else(|| {
                let built = anywhere.then(|| self.recall_build(&shared)).flatten();
                built.filter(|built| fits(built, target))
            })
        };
        let _guard = match recall() {
            Some(built) => return Ok(built),
            None => self.cache.lock(&format!("build-{shared}"))?,
        };
        if let Some(built) = recall() {
            return Ok(built);
        }
        if anywhere
            && !self.options.refresh
            && let Some(built) = self.patched(&tree, &contents, &place, &shared)?.filter(|built| fits(built, target))
        {
            return Ok(built);
        }
        self.listener.step(&format!("building the wheel of {title}"));
        let copy = tree.copy(self.cache.scratch()?)?;
        give_entry_point(&copy.path)?;
        let native = contains_native(&copy.path);
        let subject = Subject { name: &title, version: "" };
        let job = Job { source: &copy.path, keys: &keys, legacy, native, subject: &subject, target, session };
        let built = self.build_where_it_fits(&job)?;
        // One that lacks what was to be compiled is not for every Python.
        let whole = self.recall_key(&keys.uncompiled).is_none_or(|lacking| lacking.sha256 != built.sha256);
        if anywhere && whole && self.note_for_patches(&tree, &contents, &place, &built)? {
            self.remember_build(&shared, &built.sha256, &built.file_name)?;
        }
        Ok(built)
    }

    /// The wheel of an sdist whose digest is known. Built once, for this Python or for any.
    pub(super) fn build_sdist(
        &self,
        sdist: &Path,
        sha256: &str,
        subject: &Subject,
        target: &Target,
        session: &Session,
    ) -> Result<Built, Error> {
        let keys = self.keys(["sdist", sha256], target, session);
        if let Some(built) = self.recall_for(&keys, target, session) {
            return Ok(built);
        }
        let _guard = self.cache.lock(&keys.here.lock())?;
        if let Some(built) = self.recall_for(&keys, target, session) {
            return Ok(built);
        }
        self.listener.step(&format!("building the wheel of {}", subject.title()));
        let native = archive_has_native(sdist)?;
        // Unpacked where we know of it, so that compilers can be told to call it by another name; and where a container
        // sees it.
        let scratch = self.cache.scratch()?;
        let source = match tarball::unpack(sdist, &scratch.path().join("source"))? {
            Some(directory) => directory,
            None => {
                let copy = scratch.path().join(sdist.file_name().unwrap_or_default());
                fs::copy(sdist, &copy)?;
                copy
            }
        };
        let job = Job { source: &source, keys: &keys, legacy: false, native, subject, target, session };
        self.build_where_it_fits(&job)
    }

    /// Has it built.
    pub(super) fn build_once(&self, attempt: &Attempt) -> Result<Made, Error> {
        let Attempt { source, python, artefact, session, .. } = *attempt;
        let scratch = self.cache.scratch()?;
        let out = scratch.path().join("built");
        fs::create_dir_all(&out)?;
        let uv = match python.container {
            None => self.uv(session)?.cloned(),
            Some(_) => session.workshop.uv_inside(),
        };
        // Asking the index for the newest backend costs more than the build: once a day is enough.
        let within = python.container.as_ref().and_then(|_| session.workshop.identity()).unwrap_or_default();
        let backend = digest([
            build_requirements(source).as_bytes(),
            python.path.as_os_str().as_encoded_bytes(),
            within.as_bytes(),
        ]);
        let known = self.cache.recall::<bool>("backends", &backend).is_some_and(|(_, age)| age < 24 * 3600);
        if let (Some(uv), true, false) = (&uv, known, self.options.refresh) {
            let command = uv.cache_only().build(artefact, source, &out, python, &session.indexes);
            let output = self.prepared(command, attempt, scratch.path())?.run()?;
            if let (0, Some(path)) = (output.code, found_in(&out, artefact)?) {
                refuse_unnamed(&path)?;
                return Ok(Made { scratch, path, log: said(&output) });
            }
        }
        let command = match &uv {
            Some(uv) => uv.build(artefact, source, &out, python, &session.indexes),
            None => super::pip::build(artefact, source, &out, python, &self.cache, &session.indexes)?,
        };
        let output = self.prepared(command, attempt, scratch.path())?.run()?;
        if output.code != 0
            && let Some(ended) = python.container.as_ref().and_then(|container| container.ended())
        {
            return Err(ended.into());
        }
        match found_in(&out, artefact)? {
            Some(path) if output.code == 0 => {
                self.cache.remember("backends", &backend, &true)?;
                refuse_unnamed(&path)?;
                Ok(Made { scratch, path, log: said(&output) })
            }
            _ => Err(Error::Build { what: String::new(), details: mask_credentials(tail(&said(&output))) }),
        }
    }

    /// The command in the build's environment, where the Python lies, with compilers as they are wanted.
    fn prepared(&self, command: Command, attempt: &Attempt, scratch: &Path) -> Result<Command, Error> {
        let Attempt { source, python, compiler, native, .. } = *attempt;
        let command = surround(command);
        let command = match (native, compiler) {
            (true, Compiler::Allowed(baseline)) => {
                self.warn_of_environment(baseline);
                let place = Place { source, scratch, cache: &self.options.cache, baseline };
                compile::without_paths(command, &place, python)?
            }
            (_, Compiler::Forbidden(none)) => none.forbid(command)?,
            (false, Compiler::Allowed(_)) => command,
        };
        Ok(enter(command, python))
    }

    pub(super) fn keep_build(&self, key: &str, wheel: &Path, file_name: &str) -> Result<Built, Error> {
        let sha256 = sha256_file(wheel)?;
        let path = self.cache.keep(KEPT, &sha256, file_name, wheel)?;
        self.remember_build(key, &sha256, file_name)?;
        Ok(Built { path, sha256, file_name: file_name.to_owned() })
    }

    fn remember_build(&self, key: &str, sha256: &str, file_name: &str) -> Result<(), Error> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned());
        self.cache.remember("built", key, &(sha256, file_name))
    }

    /// Was this wheel built here, not fetched as it is?
    #[must_use]
    pub fn built_here(&self, wheel: &Wheel) -> bool {
        wheel.path.starts_with(self.cache.dir(KEPT))
    }

    pub(super) fn earlier_build(&self, sha256: &str, file_name: &str) -> Option<PathBuf> {
        self.cache.find(KEPT, sha256, file_name)
    }

    /// With `--refresh` only what this run has built.
    pub(super) fn recall_build(&self, key: &str) -> Option<Built> {
        if self.options.refresh && !self.made.lock().unwrap_or_else(PoisonError::into_inner).contains(key) {
            return None;
        }
        let ((sha256, file_name), _) = self.cache.recall::<(String, String)>("built", key)?;
        let path = self.earlier_build(&sha256, &file_name).filter(|path| refuse_unnamed(path).is_ok())?;
        Some(Built { path, sha256, file_name })
    }
}

/// distutils calls what it knows no name of `UNKNOWN`, of the version `0.0.0` (`DistributionMetadata.get_name` in
/// Lib/distutils/dist.py); newer setuptools writes that in lower case.
fn refuse_unnamed(built: &Path) -> Result<(), Error> {
    let file = built.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match ["UNKNOWN-", "unknown-0.0.0"].iter().any(|start| file.starts_with(start)) {
        true => Err(Error::Unnamed { what: String::new(), file }),
        false => Ok(()),
    }
}

/// A project with nothing but `setup.cfg` says all that setuptools needs, and yet neither pip nor uv takes it for a
/// project: an empty `setup.py`, in the copy that is built, makes it one.
pub(super) fn give_entry_point(copy: &Path) -> Result<(), Error> {
    let has = |name: &str| copy.join(name).is_file();
    if has("setup.cfg") && !has("setup.py") && !has("pyproject.toml") {
        fs::write(copy.join("setup.py"), "from setuptools import setup\n\nsetup()\n")?;
    }
    Ok(())
}

pub(super) fn name_of(wheel: &Path) -> String {
    wheel.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

pub(super) fn parse(file_name: &str) -> Result<WheelName, Error> {
    WheelName::parse(file_name).map_err(|reason| Error::BadWheel { file: file_name.to_owned(), reason })
}

fn fits(built: &Built, target: &Target) -> bool {
    WheelName::parse(&built.file_name).is_ok_and(|name| target.tags.rank(&name).is_some())
}

pub(super) fn named(error: Error, subject: &Subject) -> Error {
    match error {
        Error::Build { details, .. } => Error::Build { what: subject.title(), details },
        Error::Unnamed { file, .. } => Error::Unnamed { what: subject.title(), file },
        other => other,
    }
}

/// What decides which backend a build takes: `[build-system]` of a directory, nothing for an archive.
fn build_requirements(source: &Path) -> String {
    let text = fs::read_to_string(source.join("pyproject.toml")).unwrap_or_default();
    let document = toml::from_str::<toml::Table>(&text).unwrap_or_default();
    document.get("build-system").map(ToString::to_string).unwrap_or_default()
}

/// The build's environment: nothing of git is written, nothing depends on the clock, the language or the umask.
fn surround(command: Command) -> Command {
    let command = command.env("GIT_OPTIONAL_LOCKS", "0").env("PYTHONDONTWRITEBYTECODE", "1").env("LC_ALL", "C.UTF-8");
    let command = command.env("PYTHONHASHSEED", "0").umask(0o022);
    match std::env::var_os("SOURCE_DATE_EPOCH") {
        Some(_) => command,
        None => command.env("SOURCE_DATE_EPOCH", "315532800"),
    }
}

/// The command where the Python lies. A container has nothing of the environment by itself: it gets what may change a
/// build, and what the way to the index depends on.
fn enter(command: Command, python: &LocalPython) -> Command {
    if python.container.is_none() {
        return command;
    }
    let known = command.parts().env.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let handed = std::env::vars_os().filter(|(name, _)| {
        let text = name.to_string_lossy();
        !known.contains(name) && (changes_builds(&text) || leads_to_the_index(&text))
    });
    let command = handed.fold(command, |command, (name, value)| command.env(name, value));
    python.enter(command)
}

/// Proxies, certificates, logins and time limits, as uv and pip read them.
fn leads_to_the_index(name: &str) -> bool {
    const EXACT: [&str; 13] = [
        "NETRC",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "UV_HTTP_TIMEOUT",
        "UV_INSECURE_HOST",
        "UV_EXCLUDE_NEWER",
        "PIP_CERT",
        "PIP_CLIENT_CERT",
        "PIP_DEFAULT_TIMEOUT",
        "PIP_PROXY",
        "PIP_RETRIES",
        "PIP_TRUSTED_HOST",
    ];
    let login = name.starts_with("UV_INDEX_") && (name.ends_with("_USERNAME") || name.ends_with("_PASSWORD"));
    login || EXACT.contains(&name) || name.to_lowercase().ends_with("_proxy")
}

/// What the environment may change in a build: part of the key under which the wheel is kept.
pub(super) fn build_environment() -> String {
    let mut found = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
        .filter(|(name, _)| changes_builds(name))
        .collect::<Vec<_>>();
    found.sort();
    found.into_iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

/// Does this variable of the environment change what comes of a build?
fn changes_builds(name: &str) -> bool {
    const PREFIXES: [&str; 14] = [
        "SETUPTOOLS_",
        "PDM_BUILD",
        "HATCH_",
        "POETRY_",
        "PBR_",
        "SOURCE_DATE_EPOCH",
        "PKG_CONFIG",
        "CMAKE_",
        "SKBUILD_",
        "MATURIN_",
        "PYO3_",
        "NPY_",
        "CARGO_PROFILE_",
        "CARGO_BUILD_",
    ];
    const EXACT: [&str; 27] = [
        "CC",
        "CXX",
        "FC",
        "F77",
        "F90",
        "AR",
        "LD",
        "CFLAGS",
        "CXXFLAGS",
        "CPPFLAGS",
        "FFLAGS",
        "FCFLAGS",
        "LDFLAGS",
        "LDSHARED",
        "LDCXXSHARED",
        "CPATH",
        "C_INCLUDE_PATH",
        "CPLUS_INCLUDE_PATH",
        "LIBRARY_PATH",
        "RUSTC",
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "GOAMD64",
        "GOARM64",
        "CGO_ENABLED",
        "CGO_CFLAGS",
        "CGO_LDFLAGS",
    ];
    EXACT.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || is_switch(name)
}

/// Switches of single projects, by the words that they have in common: `MULTIDICT_NO_EXTENSIONS`, `SKIP_CYTHON`,
/// `YAML_FORCE_CYTHON`, `DISABLE_SQLALCHEMY_CEXT`, `AIOHTTP_USE_SYSTEM_DEPS`.
fn is_switch(name: &str) -> bool {
    const WORDS: [&str; 9] =
        ["EXTENSION", "EXTENSIONS", "EXT", "CEXT", "SPEEDUPS", "CYTHON", "CYTHONIZE", "MYPYC", "CFFI"];
    name.contains("USE_SYSTEM") || name.split('_').any(|word| WORDS.contains(&word))
}

fn said(output: &Output) -> String {
    super::without_retries(&format!("{}{}", output.stdout_text(), output.stderr_text()))
}

fn found_in(dir: &Path, artefact: Artefact) -> Result<Option<PathBuf>, Error> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with(artefact.end()) {
            return Ok(Some(entry.path()));
        }
    }
    Ok(None)
}

fn is_native(path: &Path) -> bool {
    let outside = path.components().any(|part| {
        let part = part.as_os_str();
        part == "tests" || part == "test" || part == "docs" || part == "examples"
    });
    !outside && path.extension().is_some_and(|extension| NATIVE.iter().any(|native| extension == *native))
}

pub(super) fn contains_native(dir: &Path) -> bool {
    walkdir::WalkDir::new(dir)
        .into_iter()
        .filter_map(Result::ok)
        .any(|entry| is_native(entry.path().strip_prefix(dir).unwrap_or(entry.path())))
}

fn archive_has_native(archive: &Path) -> Result<bool, Error> {
    if archive.extension().is_some_and(|extension| extension == "zip") {
        let archive = zip::ZipArchive::new(fs::File::open(archive)?).map_err(std::io::Error::from)?;
        return Ok(archive.file_names().flatten().any(|name| is_native(Path::new(&*name))));
    }
    // Of another kind: what is in it is not known, so expect the worst.
    let Some(mut tar) = tarball::open(archive)? else { return Ok(true) };
    for entry in tar.entries()? {
        if is_native(&entry?.path()?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The last part of a long log, from the start of a line.
fn tail(text: &str) -> &str {
    const LIMIT: usize = 6000;
    let text = text.trim();
    let mut start = text.len().saturating_sub(LIMIT);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let rest = text.get(start..).unwrap_or(text);
    if start == 0 { rest } else { rest.split_once('\n').map_or(rest, |(_, rest)| rest) }
}
