//! What to install: a lock for the target's Python and platform, and the wheels it names.
//!
//! The resolver (uv, or pip) decides; omnipack fetches the wheels into a content-addressed cache and has sdists built
//! into wheels. Wheel tags, the cache, credentials and PEP 517 builds live in the files beside this one.

mod application;
mod archive;
mod baseline;
mod build;
mod cache;
mod compile;
mod credentials;
mod divide;
mod download;
mod error;
mod fit;
mod forbidden;
mod index;
mod job;
mod keys;
mod lock;
mod members;
mod modules;
mod outputs;
mod patch;
mod pip;
mod programs;
mod pylock;
mod python;
mod requests;
mod requirements;
mod session;
mod tags;
mod taken;
mod tarball;
mod target;
mod tree;
mod uv;
mod wheelhouse;
mod workshop;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use serde::Serialize;

pub use archive::SourceArchive;
pub use cache::default_cache;
pub use divide::Division;
pub use download::Freshness;
pub use error::Error;
pub use index::without_credentials;
pub use requirements::{PIP, RequirementFiles, extras_of};
pub use tags::{Tags, WheelName, normalize};
pub use workshop::{Inside, Start, Workshop};

/// What requirement files ask for, one requirement each.
///
/// # Errors
/// When a file cannot be read or has an editable line.
pub fn required_by_files(files: &[PathBuf]) -> Result<Vec<String>, Error> {
    Ok(requirements::RequirementFiles::read(files)?.lines())
}

/// A file of a repository's metadata, from the cache in `cache` or downloaded into it. Logins, certificates and proxies are
/// those that the environment has for package indexes.
///
/// # Errors
/// When it cannot be had, or is not what was asked for.
pub fn fetch_metadata(cache: &Path, offline: bool, address: &str, freshness: Freshness<'_>) -> Result<PathBuf, Error> {
    let cache = Cache::new(cache.to_path_buf());
    let session = Session::new(&PythonSettings::default())?;
    match session.downloader(&cache, offline)?.fetch_metadata(address, freshness) {
        Ok(fetched) => Ok(fetched.path),
        Err(Error::Download { url, reason, .. }) => {
            let help = "check the address (of the directory that has `repodata/` in it), the network and the proxy; a login is \
                        read from the address or netrc";
            Err(Error::Download { url, reason, help: help.to_owned() })
        }
        Err(error) => Err(error),
    }
}

/// What markers are evaluated in on a target.
///
/// # Errors
/// When the interpreter's version makes no marker environment.
pub fn marker_environment(
    interpreter: &crate::plan::Interpreter,
    platform: &crate::plan::Platform,
) -> Result<pep508_rs::MarkerEnvironment, Error> {
    Ok(target::Target::new(interpreter, platform)?.environment().clone())
}

use crate::plan::{Interpreter, Platform};
use crate::progress::Listener;
use crate::project::{Metadata, PythonSettings, Source};
use cache::Cache;
use python::LocalPython;
use session::Session;
use target::Target;
use uv::Uv;

/// A wheel on this machine, in the cache or where the user has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wheel {
    /// Normalised (PEP 503).
    pub name: String,
    pub version: String,
    /// `numpy-1.26.4-cp39-cp39-manylinux_2_17_x86_64.manylinux2014_x86_64.whl`
    pub file_name: String,
    pub path: PathBuf,
    /// Lower-case hex.
    pub sha256: String,
    /// What `direct_url.json` has to say (PEP 610), when the requirement was a URL and not from an index. Never a
    /// path of this machine.
    pub direct_url: Option<String>,
    /// Is it the application, or something it needs?
    pub role: WheelRole,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WheelRole {
    Application,
    Dependency,
}

/// Everything to install, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lock {
    pub wheels: Vec<Wheel>,
    /// `pylock.toml` (PEP 751) text that pins this set.
    pub pylock: String,
}

/// How wheels are come by, the same for every distribution of a run.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// See [`default_cache`].
    pub cache: PathBuf,
    /// Take everything from the cache.
    pub offline: bool,
    /// Ready wheels: nothing is resolved or fetched.
    pub wheels: Option<PathBuf>,
    /// The uv to use; `None`: OMNIPACK_UV, the one on PATH, or one of omnipack's own.
    pub uv: Option<PathBuf>,
    /// Interpreters of `--python`.
    pub pythons: Vec<PathBuf>,
    /// What an application without metadata of its own is called; `None`: as its directory is.
    pub name: Option<String>,
    /// Ask the index anew, and build anew, whatever the cache remembers.
    pub refresh: bool,
}

/// Finds, fetches and builds wheels. One for all distributions of a run: they share downloads and builds.
pub struct Resolver<'a> {
    options: Options,
    listener: &'a dyn Listener,
    cache: Cache,
    /// `None` inside: it cannot be had, which is found out and said once.
    uv: OnceLock<Option<Uv>>,
    host: OnceLock<Option<LocalPython>>,
    /// Of this machine, as `getconf GNU_LIBC_VERSION` says it.
    glibc: OnceLock<String>,
    pythons: Mutex<BTreeMap<(u32, u32), Option<LocalPython>>>,
    /// Extras that a requirement asked for (`httpbin[mainapp]`), by the digest of the application's wheel.
    asked: Mutex<BTreeMap<String, Vec<String>>>,
    /// Warnings that hold for all builds of a run.
    said: Mutex<BTreeSet<String>>,
    /// Keys of the wheels that this run has built.
    made: Mutex<BTreeSet<String>>,
}

impl<'a> Resolver<'a> {
    #[must_use]
    pub fn new(options: Options, listener: &'a dyn Listener) -> Self {
        let cache = Cache::new(options.cache.clone());
        cache.sweep();
        Self {
            options,
            listener,
            cache,
            uv: OnceLock::new(),
            host: OnceLock::new(),
            glibc: OnceLock::new(),
            pythons: Mutex::default(),
            asked: Mutex::default(),
            said: Mutex::default(),
            made: Mutex::default(),
        }
    }

    /// The same resolver, which has wheels built in `workshop`; otherwise they are built on this machine.
    #[must_use]
    pub fn at<'r>(&'r self, workshop: &'r Arc<Workshop>) -> At<'r> {
        At { resolver: self, workshop }
    }

    /// As [`At::application`], on this machine.
    ///
    /// # Errors
    /// As there.
    pub fn application(
        &self,
        source: &Source,
        settings: &PythonSettings,
        interpreter: &Interpreter,
        platform: &Platform,
    ) -> Result<Wheel, Error> {
        self.at(&Arc::default()).application(source, settings, interpreter, platform)
    }

    /// As [`At::resolve`], on this machine.
    ///
    /// # Errors
    /// As there.
    pub fn resolve(
        &self,
        settings: &PythonSettings,
        metadata: &Metadata,
        application: &Wheel,
        interpreter: &Interpreter,
        platform: &Platform,
    ) -> Result<Lock, Error> {
        self.at(&Arc::default()).resolve(settings, metadata, application, interpreter, platform)
    }

    /// The archive of a CPython at an address, from the cache or downloaded into it.
    ///
    /// # Errors
    /// When it cannot be had, or its digest is not `sha256`.
    pub fn interpreter(&self, settings: &PythonSettings, address: &str, sha256: &str) -> Result<PathBuf, Error> {
        let path = address.split(['?', '#']).next().unwrap_or(address);
        let file_name = path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("interpreter").to_owned();
        let wanted = download::Wanted { url: address.to_owned(), file_name, sha256: vec![sha256.to_lowercase()] };
        let session = Session::new(settings)?;
        self.listener.step(&format!("fetching {}", wanted.file_name));
        let fetched = session.downloader(&self.cache, self.options.offline)?.fetch("interpreters", &wanted);
        match fetched {
            Ok(fetched) => Ok(fetched.path),
            Err(Error::Download { url, reason, .. }) => Err(Error::Download {
                url,
                reason,
                help: "check `source` under [python] and the network; or fetch it yourself and name the file there"
                    .to_owned(),
            }),
            Err(error) => Err(error),
        }
    }

    /// User and password of every login for the indexes of `settings`: what no package may hold.
    ///
    /// # Errors
    /// When a directory of `find-links` is not there.
    pub fn logins(&self, settings: &PythonSettings) -> Result<Vec<(String, String)>, Error> {
        Ok(Session::new(settings)?.logins())
    }

    /// The cache's directory.
    #[must_use]
    pub fn cache_directory(&self) -> &std::path::Path {
        &self.options.cache
    }

    /// Is nothing to be fetched?
    #[must_use]
    pub const fn is_offline(&self) -> bool {
        self.options.offline
    }

    fn warn_once(&self, text: String) {
        let mut said = self.said.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !said.contains(&text) {
            self.listener.warning(&text);
            said.insert(text);
        }
    }

    /// An interpreter of the target's series and machine on this machine, which can compile for it.
    fn target_python(&self, target: &Target) -> Option<LocalPython> {
        let series = (target.python.major, target.python.minor);
        let mut known = self.pythons.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(python) = known.get(&series) {
            return python.clone();
        }
        let found =
            python::find(target.python, &self.options.pythons).filter(|python| python.machine == target.machine);
        known.insert(series, found.clone());
        found
    }

    fn host_python(&self) -> Result<LocalPython, Error> {
        let found = self.host.get_or_init(|| python::host(&self.options.pythons));
        found.clone().ok_or_else(|| Error::NoPip { reason: "no python3 of version 3.8 or newer is on PATH".to_owned() })
    }

    /// uv, unless pip is asked for or uv cannot be had.
    fn uv(&self, session: &Session) -> Result<Option<&Uv>, Error> {
        if session.resolver == crate::project::Resolver::Pip {
            return Ok(None);
        }
        if let Some(known) = self.uv.get() {
            return Ok(known.as_ref());
        }
        let found = match Uv::find(&self.options, &self.cache, &session.indexes, self.listener) {
            Ok(uv) => Some(uv),
            Err(Error::NoUv { reason }) if self.options.uv.is_none() => {
                self.listener.warning(&format!("uv cannot be had, so pip resolves: {}", without_retries(&reason)));
                None
            }
            Err(error) => return Err(error),
        };
        Ok(self.uv.get_or_init(|| found).as_ref())
    }
}

/// A resolver, and where it has wheels built.
#[derive(Clone, Copy)]
pub struct At<'r> {
    resolver: &'r Resolver<'r>,
    workshop: &'r Arc<Workshop>,
}

impl At<'_> {
    /// The application's own wheel: the one given, one of the index, or one built from its source, which is left as
    /// it is.
    ///
    /// # Errors
    /// When it cannot be built or found, or does not fit the target.
    pub fn application(
        &self,
        source: &Source,
        settings: &PythonSettings,
        interpreter: &Interpreter,
        platform: &Platform,
    ) -> Result<Wheel, Error> {
        let target = Target::new(interpreter, platform)?;
        let session = Session::within(settings, self.workshop)?;
        let wheel = self.resolver.application_wheel(source, &target, &session)?;
        if let Source::Requirement(text) = source {
            let mut asked = self.resolver.asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            asked.insert(wheel.sha256.clone(), requirements::extras_of(text));
        }
        Ok(wheel)
    }

    /// Every wheel to install: the application's and all that it, its extras and the requirement files need, or what
    /// the lock file says.
    ///
    /// # Errors
    /// When the requirements cannot be satisfied for the target, or a wheel cannot be had, built or verified.
    pub fn resolve(
        &self,
        settings: &PythonSettings,
        metadata: &Metadata,
        application: &Wheel,
        interpreter: &Interpreter,
        platform: &Platform,
    ) -> Result<Lock, Error> {
        let target = Target::new(interpreter, platform)?;
        let session = Session::within(settings, self.workshop)?;
        let asked = self
            .resolver
            .asked
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .get(&application.sha256)
            .cloned();
        let mut settings = settings.clone();
        settings.extras.extend(asked.unwrap_or_default());
        let (settings, resolver) = (&settings, self.resolver);
        match &resolver.options.wheels {
            Some(directory) => wheelhouse::lock(directory, settings, metadata, application, &target, &resolver.cache),
            None => resolver.lock(settings, metadata, application, &target, &session),
        }
    }
}

/// pip's words without the lines that it says at each of its attempts, which differ in nothing but their number.
fn without_retries(words: &str) -> String {
    words.lines().filter(|line| !line.contains("WARNING: Retrying")).collect::<Vec<_>>().join("\n")
}

/// Do these words of uv or pip come from a network that is not there?
fn is_network_trouble(words: &str) -> bool {
    [
        "NewConnectionError",
        "ConnectTimeoutError",
        "dns error",
        "tcp connect error",
        "Failed to fetch",
        "name resolution",
    ]
    .iter()
    .any(|sign| words.contains(sign))
}

/// A resolver's own words as an error: what it could not satisfy, or what else went wrong.
fn failure(stderr: &str, target: &Target, offline: bool) -> Error {
    let details = crate::exec::mask_credentials(stderr.trim());
    let target = target.describe();
    let lower = details.to_lowercase();
    if offline
        && (lower.contains("network was disabled")
            || lower.contains("network connectivity is disabled")
            || lower.contains("offline"))
    {
        return Error::Offline { what: format!("part of what the requirements need ({details})") };
    }
    let unsatisfiable =
        ["no solution found", "resolutionimpossible", "conflicting dependencies", "no matching distribution"];
    if unsatisfiable.iter().any(|words| lower.contains(words)) {
        return Error::Unsatisfiable { target, details };
    }
    let help = if is_network_trouble(&details) {
        "the index cannot be reached: check the network, the proxy and the index; with a warm cache, `--offline` does without"
    } else if ["401", "403", "unauthorized"].iter().any(|words| lower.contains(words)) {
        "the index wants a login: put it into netrc, the keyring, or the index URL in the environment"
    } else if lower.contains("build backend") || lower.contains("failed to build") {
        "an sdist could not be built to learn what it needs: ask for a version that has a wheel"
    } else {
        "the resolver's own words are above; check the network, the index and the requirement files"
    };
    Error::ResolverFailed { target, details, help: help.to_owned() }
}
