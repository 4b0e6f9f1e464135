//! Wheels from source, through PEP 517: of the application's directory, of an sdist, of a repository.

use std::path::{Path, PathBuf};

use fs_err as fs;

use super::baseline::Key;
use super::cache::{digest, sha256_file};
use super::compile::{self, Place};
use super::python::LocalPython;
use super::tags::WheelName;
use super::tarball;
use super::target::Target;
use super::tree::SourceTree;
use super::{Error, Resolver, Session, Wheel};
use crate::distribution::Isa;
use crate::exec::{Command, mask_credentials};
use crate::scratch::Scratch;

/// Whether a build may start a compiler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compiler {
    /// For processors that have this.
    Allowed(Option<Isa>),
    /// It would compile for another Python: extensions that are optional are left out, others fail at once.
    Forbidden,
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
        let key = Key::new(&[&state, &target.slug(), &around], target);
        // Of a plain project, one wheel does for every Python.
        let shared = digest([&state, "any", &around]);
        let place = digest([tree.root().as_os_str().as_encoded_bytes(), around.as_bytes()]);
        let title = tree.root().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let recall =
            || self.recall_for(&key).or_else(|| self.recall_build(&shared).filter(|built| fits(built, target)));
        let _guard = match recall() {
            Some(built) => return Ok(built),
            None => self.cache.lock(&format!("build-{shared}"))?,
        };
        if let Some(built) = recall() {
            return Ok(built);
        }
        if !self.options.refresh
            && let Some(built) = self.patched(&tree, &contents, &place, &shared)?.filter(|built| fits(built, target))
        {
            return Ok(built);
        }
        self.listener.step(&format!("building the wheel of {title}"));
        let copy = tree.copy(self.cache.scratch()?)?;
        give_entry_point(&copy.path)?;
        let native = contains_native(&copy.path);
        let subject = Subject { name: &title, version: "" };
        let built = self.build_for(&copy.path, &key, legacy, native, &subject, target, session)?;
        if self.note_for_patches(&tree, &contents, &place, &built)? {
            self.cache.remember("built", &shared, &(&built.sha256, &built.file_name))?;
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
        let key = Key::new(&["sdist", sha256, &target.slug(), &build_environment()], target);
        if let Some(built) = self.recall_for(&key) {
            return Ok(built);
        }
        let _guard = self.cache.lock(&key.lock())?;
        if let Some(built) = self.recall_for(&key) {
            return Ok(built);
        }
        let title = format!("{} {}", subject.name, subject.version);
        self.listener.step(&format!("building the wheel of {}", title.trim_end()));
        let native = archive_has_native(sdist)?;
        // Unpacked where we know of it, so that compilers can be told to call it by another name.
        let scratch = self.cache.scratch()?;
        let unpacked = if native { tarball::unpack(sdist, &scratch.path().join("source"))? } else { None };
        self.build_for(unpacked.as_deref().unwrap_or(sdist), &key, false, native, subject, target, session)
    }

    /// Chooses the interpreter, builds, checks that the target takes the wheel, keeps it.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn build_for(
        &self,
        source: &Path,
        key: &Key,
        legacy: bool,
        native: bool,
        subject: &Subject,
        target: &Target,
        session: &Session,
    ) -> Result<Built, Error> {
        let own = self.target_python(target);
        let host = self.host_python()?;
        // Native code needs the target's Python, and setup.py may ask for its version; everything else is built on
        // a newer one, on which today's build backends run.
        let mut order = vec![(host, Compiler::Forbidden)];
        if let Some(own) = &own {
            let first = usize::from(!(native || legacy));
            order.insert(first, (own.clone(), Compiler::Allowed(target.baseline)));
        }
        let mut refused = None;
        let mut failure = None;
        for (python, compiler) in order {
            match self.build_once(source, &python, compiler, native, Artefact::Wheel, session) {
                Ok((scratch, wheel)) => {
                    let file_name =
                        wheel.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                    let parsed = WheelName::parse(&file_name)
                        .map_err(|reason| Error::BadWheel { file: file_name.clone(), reason })?;
                    if target.tags.rank(&parsed).is_some() {
                        let built = self.keep_build(key.of(&file_name), &wheel, &file_name);
                        drop(scratch);
                        return built;
                    }
                    refused = Some(parsed.tag());
                }
                Err(error) if failure.is_none() => failure = Some(error),
                Err(_) => {}
            }
        }
        if own.is_some() && refused.is_none() || !native && refused.is_none() {
            return Err(
                failure.unwrap_or_else(|| Error::Build { what: subject.name.to_owned(), details: String::new() })
            )
            .map_err(|error| named(error, subject));
        }
        Err(needs_compiler(subject, target, own.as_ref(), refused))
    }

    /// One attempt with one interpreter: the scratch directory, and what was built in it.
    pub(super) fn build_once(
        &self,
        source: &Path,
        python: &LocalPython,
        compiler: Compiler,
        native: bool,
        artefact: Artefact,
        session: &Session,
    ) -> Result<(Scratch, PathBuf), Error> {
        let scratch = self.cache.scratch()?;
        let out = scratch.path().join("built");
        fs::create_dir_all(&out)?;
        let uv = self.uv(session)?;
        let prepare = |command| match (native, compiler) {
            (true, Compiler::Allowed(baseline)) => {
                self.warn_of_environment(baseline);
                let place = Place { source, scratch: scratch.path(), cache: &self.options.cache, baseline };
                compile::without_paths(surround(command, compiler), &place, python)
            }
            _ => Ok(surround(command, compiler)),
        };
        // Asking the index for the newest backend costs more than the build: once a day is enough.
        let backend = digest([build_requirements(source).as_bytes(), python.path.as_os_str().as_encoded_bytes()]);
        let known = self.cache.recall::<bool>("backends", &backend).is_some_and(|(_, age)| age < 24 * 3600);
        if let (Some(uv), true, false) = (uv, known, self.options.refresh) {
            let command = uv.cache_only().build(artefact, source, &out, python, &session.indexes);
            let output = prepare(command)?.run()?;
            if let (0, Some(built)) = (output.code, found_in(&out, artefact)?) {
                refuse_unnamed(&built)?;
                return Ok((scratch, built));
            }
        }
        let command = match uv {
            Some(uv) => uv.build(artefact, source, &out, python, &session.indexes),
            None => super::pip::build(artefact, source, &out, python, &self.cache, &session.indexes)?,
        };
        let output = prepare(command)?.run()?;
        match found_in(&out, artefact)? {
            Some(built) if output.code == 0 => {
                self.cache.remember("backends", &backend, &true)?;
                refuse_unnamed(&built)?;
                Ok((scratch, built))
            }
            _ => Err(Error::Build {
                what: String::new(),
                details: mask_credentials(tail(&super::without_retries(&format!(
                    "{}{}",
                    output.stdout_text(),
                    output.stderr_text()
                )))),
            }),
        }
    }

    pub(super) fn keep_build(&self, key: &str, wheel: &Path, file_name: &str) -> Result<Built, Error> {
        let sha256 = sha256_file(wheel)?;
        let path = self.cache.keep(KEPT, &sha256, file_name, wheel)?;
        self.cache.remember("built", key, &(&sha256, file_name))?;
        Ok(Built { path, sha256, file_name: file_name.to_owned() })
    }

    /// Was this wheel built here, not fetched as it is?
    #[must_use]
    pub fn built_here(&self, wheel: &Wheel) -> bool {
        wheel.path.starts_with(self.cache.dir(KEPT))
    }

    pub(super) fn earlier_build(&self, sha256: &str, file_name: &str) -> Option<PathBuf> {
        self.cache.find(KEPT, sha256, file_name)
    }

    pub(super) fn recall_build(&self, key: &str) -> Option<Built> {
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

fn fits(built: &Built, target: &Target) -> bool {
    WheelName::parse(&built.file_name).is_ok_and(|name| target.tags.rank(&name).is_some())
}

fn named(error: Error, subject: &Subject) -> Error {
    match error {
        Error::Build { details, .. } => {
            Error::Build { what: format!("{} {}", subject.name, subject.version).trim_end().to_owned(), details }
        }
        Error::Unnamed { file, .. } => {
            Error::Unnamed { what: format!("{} {}", subject.name, subject.version).trim_end().to_owned(), file }
        }
        other => other,
    }
}

fn needs_compiler(subject: &Subject, target: &Target, own: Option<&LocalPython>, refused: Option<String>) -> Error {
    let series = format!("{}.{}", target.python.major, target.python.minor);
    let reason = match (own, refused) {
        (Some(_), Some(tag)) => format!("the build gives {tag}, which the target does not take"),
        (None, Some(tag)) => format!("its source has native code, and building here gives {tag}"),
        _ => format!("its source has native code, and there is no python{series} for {} here", target.machine),
    };
    Error::NeedsCompiler {
        name: subject.name.to_owned(),
        version: subject.version.to_owned(),
        target: target.describe().into(),
        reason,
        help: format!(
            "any of these will do: ask for another version of {name}, one that has a wheel for this Python; \
             install python{series} with its headers (pyenv, a package) or name it with `--python PATH`; \
             build the wheel on the target and put it where `find-links` looks; build on a machine or in a container of the target",
            name = subject.name
        )
        .into(),
    }
}

/// What decides which backend a build takes: `[build-system]` of a directory, nothing for an archive.
fn build_requirements(source: &Path) -> String {
    let text = fs::read_to_string(source.join("pyproject.toml")).unwrap_or_default();
    let document = toml::from_str::<toml::Table>(&text).unwrap_or_default();
    document.get("build-system").map(ToString::to_string).unwrap_or_default()
}

/// The build's environment: nothing of git is written, nothing depends on the clock, the language or the umask.
fn surround(command: Command, compiler: Compiler) -> Command {
    let command = command.env("GIT_OPTIONAL_LOCKS", "0").env("PYTHONDONTWRITEBYTECODE", "1").env("LC_ALL", "C.UTF-8");
    let command = command.env("PYTHONHASHSEED", "0").umask(0o022);
    let command = match std::env::var_os("SOURCE_DATE_EPOCH") {
        Some(_) => command,
        None => command.env("SOURCE_DATE_EPOCH", "315532800"),
    };
    match compiler {
        Compiler::Allowed(_) => command,
        Compiler::Forbidden => forbid_compiler(command),
    }
}

/// Compilers that fail at once: what can do without its extension does, what cannot stops quickly.
fn forbid_compiler(command: Command) -> Command {
    let programs = ["CC", "CXX", "FC", "F77", "CARGO", "RUSTC"];
    programs.iter().fold(command, |command, name| command.env(name, "false"))
}

/// What the environment may change in a build: part of the key under which the wheel is kept.
pub(super) fn build_environment() -> String {
    let prefixes = ["SETUPTOOLS_", "PDM_BUILD", "HATCH_", "POETRY_", "PBR_", "SOURCE_DATE_EPOCH"];
    let exact = [
        "CC",
        "CXX",
        "CFLAGS",
        "CXXFLAGS",
        "CPPFLAGS",
        "FFLAGS",
        "LDFLAGS",
        "LDSHARED",
        "LDCXXSHARED",
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "GOAMD64",
        "GOARM64",
        "CMAKE_ARGS",
    ];
    let mut found = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
        .filter(|(name, _)| exact.contains(&&**name) || prefixes.iter().any(|prefix| name.starts_with(prefix)))
        .collect::<Vec<_>>();
    found.sort();
    found.into_iter().map(|(name, value)| format!("{name}={value}\n")).collect()
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
