//! Why there is no complete set of wheels, and what can be done about it.

use std::path::PathBuf;

use miette::Diagnostic;
use thiserror::Error;

/// Why there is no complete set of wheels.
#[derive(Debug, Error, Diagnostic)]
pub enum Error {
    #[error(transparent)]
    #[diagnostic(transparent)]
    Exec(#[from] crate::exec::ExecError),
    #[error("{0}")]
    #[diagnostic(code(resolve::io))]
    Io(#[from] std::io::Error),
    #[error("there is no home directory to keep the cache in")]
    #[diagnostic(code(resolve::cache), help("set OMNIPACK_CACHE to a directory, or HOME"))]
    NoCache,
    #[error("`{file}` cannot be read: {reason}")]
    #[diagnostic(code(resolve::input), help("{help}"))]
    Input { file: String, reason: String, help: String },
    #[error("`{file}` is not a usable wheel: {reason}")]
    #[diagnostic(code(resolve::wheel), help("build the wheel again, or name another file"))]
    BadWheel { file: String, reason: String },
    #[error("{file}: `{line}` is an editable requirement, which cannot be packaged")]
    #[diagnostic(
        code(resolve::editable),
        help(
            "an editable install points into a source tree that the target does not have; drop the `-e` (or `uv export --no-editable`), so that a wheel is built from it"
        )
    )]
    Editable { file: String, line: String },
    #[error("the requirements cannot be satisfied together for {target}\n{details}")]
    #[diagnostic(
        code(resolve::unsatisfiable),
        help(
            "loosen one of the requirements above, choose another Python with `[python] version`, or check `index-url` and `find-links`"
        )
    )]
    Unsatisfiable { target: String, details: String },
    #[error("the resolver failed for {target}\n{details}")]
    #[diagnostic(code(resolve::failed), help("{help}"))]
    ResolverFailed { target: String, details: String, help: String },
    #[error("no wheel of {name} {version} fits {target}: {reason}")]
    #[diagnostic(code(resolve::no_wheel), help("{help}"))]
    NoWheel { name: String, version: String, target: Box<str>, reason: String, help: Box<str> },
    #[error("{what} has to be compiled for {target}, and that cannot be done here: {reason}")]
    #[diagnostic(code(resolve::needs_compiler), help("{help}"))]
    NeedsCompiler { name: String, what: String, target: Box<str>, reason: String, help: Box<str> },
    #[error("{what} has to be compiled for {target}, and neither this machine nor a container can: {reason}; {error}")]
    #[diagnostic(
        code(resolve::no_container),
        help(
            "see to either: an interpreter of that series with its headers on this machine (or `--python PATH`), or the image: pull it once, or name another with `image` under [builder]; `--builder none` uses no container"
        )
    )]
    NoContainer { what: String, target: String, reason: String, error: String },
    #[error(transparent)]
    #[diagnostic(transparent)]
    Builder(#[from] crate::builder::Error),
    #[error("`{python}` does not run in a container of {image}, or is no CPython")]
    #[diagnostic(
        code(resolve::builder_python),
        help("the image has to be one of the target distribution: see `image` under [builder]")
    )]
    BuilderPython { image: String, python: String },
    #[error("the wheel of {what} cannot be built\n{details}")]
    #[diagnostic(code(resolve::build), help("{}", build_help(details)))]
    Build { what: String, details: String },
    #[error("the build backend did not read the name of {what}: it has made `{file}`")]
    #[diagnostic(
        code(resolve::unnamed),
        help(
            "setuptools before 61 reads no `[project]` of pyproject.toml: ask for `setuptools>=61` under `[build-system] requires`, name a newer Python with `--python`, or give name and version in `setup.cfg` or `setup.py`, too"
        )
    )]
    Unnamed { what: String, file: String },
    #[error("the source archive of {what} cannot be made\n{details}")]
    #[diagnostic(
        code(resolve::source_archive),
        help(
            "the build backend's own words are above; `python3 -m build --sdist` in the project shows the same, and an sdist that is made can be named in place of the directory"
        )
    )]
    SourceArchive { what: String, details: String },
    #[error("{what} has no sources: {reason}")]
    #[diagnostic(code(resolve::no_sources), help("{help}"))]
    NoSources { what: String, reason: String, help: &'static str },
    #[error("the source archive {archive} is of version {got}, and the wheel of {expected}")]
    #[diagnostic(
        code(resolve::source_version),
        help(
            "the version has to be the same each time that it is asked for: does it come from the clock, or from files that the archive lacks?"
        )
    )]
    SourceVersion { archive: String, expected: String, got: String },
    #[error("{file} is not what was asked for: sha256 expected {expected}, got {got}")]
    #[diagnostic(
        code(resolve::hash_mismatch),
        help(
            "the file was changed since its hash was written down; if that is right, update the hash (`uv lock`, `pip-compile --generate-hashes`), otherwise do not install it"
        )
    )]
    HashMismatch { file: String, expected: String, got: String },
    #[error("{name} has no hash, and `require-hashes` is on")]
    #[diagnostic(
        code(resolve::no_hash),
        help("add `--hash=sha256:...` to its line (`uv pip compile --generate-hashes`), or turn `require-hashes` off")
    )]
    NoHash { name: String },
    #[error("cannot download {url}: {reason}")]
    #[diagnostic(code(resolve::download), help("{help}"))]
    Download { url: String, reason: String, help: String },
    #[error("{what} is not in the cache, and `--offline` forbids to fetch it")]
    #[diagnostic(code(resolve::offline), help("run once without `--offline`, or give the wheels with `--wheels DIR`"))]
    Offline { what: String },
    #[error("uv cannot be installed: {reason}")]
    #[diagnostic(
        code(resolve::uv),
        help("put `uv` on PATH, name it with OMNIPACK_UV, or set `resolver = \"pip\"` under [python]")
    )]
    NoUv { reason: String },
    #[error("`{option} {program}` cannot be used: {reason}")]
    #[diagnostic(
        code(resolve::program),
        help(
            "name a program by its path, or one that is on PATH; or leave the option out, and omnipack looks for one"
        )
    )]
    Program { option: &'static str, program: String, reason: String },
    #[error("there is no usable python3 with pip: {reason}")]
    #[diagnostic(code(resolve::pip), help("install python3 with pip and venv (`python3-pip`, `python3-venv`)"))]
    NoPip { reason: String },
    #[error("`{dir}` has no wheel of {name}{specifier}{others}")]
    #[diagnostic(
        code(resolve::wheels_directory),
        help("with `--wheels` nothing is resolved or fetched: put every wheel there, or leave the option out")
    )]
    NotInWheels {
        dir: PathBuf,
        name: String,
        specifier: String,
        /// Wheels of the same project that do not fit, as part of the sentence.
        others: String,
    },
}

fn build_help(details: &str) -> &'static str {
    if super::is_network_trouble(details) {
        "what the build needs could not be fetched: check the network, the proxy and the index that pip is configured for"
    } else if details.contains("No solution found when resolving") || details.contains("install build dependencies") {
        "the build backend comes from the same index as everything else: add what `[build-system] requires` names (setuptools, where there is none) to the index or to `find-links`"
    } else {
        "the build backend's own words are above; `python3 -m pip wheel --no-deps .` in the project shows the same"
    }
}
