//! Where wheels are built: on this machine, or in a container of the target distribution. The container is started when
//! the first build needs it, and all builds for the distribution share it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::build::Subject;
use super::cache::digest;
use super::python::{LocalPython, probe_inside};
use super::session::Session;
use super::target::Target;
use super::uv::Uv;
use super::{Error, Resolver};
use crate::builder::{self, Base, Choice, Container, Engine, Found, Layers, Mount, Network, Preparation, Recipe};
use crate::exec::Command;
use crate::project::PythonSettings;

/// Where the cache keeps which image was used.
const IMAGES: &str = "builder-images";

/// Where the wheels for one distribution are built.
#[derive(Debug, Default)]
pub struct Workshop {
    site: Option<Site>,
    /// Why no container can be had although one may be used: found out once.
    refusal: Mutex<Option<String>>,
}

/// A container of a distribution that is or could be.
#[derive(Debug)]
struct Site {
    choice: Choice,
    recipe: Recipe,
    /// See [`Workshop::identity`].
    identity: String,
    /// What builds may have to read: the project, its repository.
    sources: Vec<PathBuf>,
    engine: OnceLock<Found>,
    /// Was it said that what is installed does not work?
    said: AtomicBool,
    bench: Mutex<Option<Bench>>,
}

/// A container that runs, and what was found in it.
#[derive(Debug, Clone)]
pub(super) struct Bench {
    pub python: LocalPython,
    /// `None`: it does not run there, and pip builds.
    uv: Option<Uv>,
}

/// May a container be started for something?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    IfNeeded,
    /// One that runs already is used.
    Never,
}

/// An interpreter in a container.
#[derive(Debug, Clone)]
pub struct Inside {
    pub container: Arc<Container>,
    pub program: PathBuf,
}

impl Workshop {
    /// This machine alone.
    #[must_use]
    pub fn here() -> Self {
        Self::default()
    }

    /// This machine alone, for a reason that is told where a container is wanted.
    #[must_use]
    pub fn refused(reason: String) -> Self {
        Self { site: None, refusal: Mutex::new(Some(reason)) }
    }

    /// A container made after `recipe`, or this machine, as `choice` says. `source` is the directory of the project.
    ///
    /// # Errors
    /// When the recipe cannot be written down.
    pub fn new(choice: Choice, recipe: Recipe, source: Option<&Path>) -> Result<Self, Error> {
        let identity = digest([recipe.distribution(), recipe.machine(), &recipe.containerfile()?]);
        let sources = source.map(sources).unwrap_or_default();
        let (engine, said, bench) = (OnceLock::new(), AtomicBool::new(false), Mutex::default());
        let site = Site { choice, recipe, identity, sources, engine, said, bench };
        Ok(Self { site: Some(site), refusal: Mutex::default() })
    }

    /// Is everything built in the container?
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.site.as_ref().is_some_and(|site| matches!(site.choice, Choice::Podman | Choice::Docker))
    }

    /// Is there an engine for a container that may be used where nothing else will do?
    pub(super) fn may_be_entered(&self) -> Result<bool, Error> {
        match &self.site {
            Some(site) if site.choice == Choice::Auto => {
                Ok(self.refusal().is_none() && matches!(site.engine()?, Found::Works(_)))
            }
            _ => Ok(false),
        }
    }

    /// Why there is no container of it, where that was tried.
    pub(super) fn refusal(&self) -> Option<String> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What tells builds in one container from those in another: the distribution, its packages, its Python. Known without
    /// any engine.
    pub(super) fn identity(&self) -> Option<&str> {
        self.site.as_ref().map(|site| site.identity.as_str())
    }

    pub(super) fn uv_inside(&self) -> Option<Uv> {
        self.site.as_ref()?.bench().as_ref()?.uv.clone()
    }

    /// Why a container is used, in a line.
    pub(super) fn explanation(&self, subject: &Subject, target: &Target, reason: &str) -> String {
        let (name, image) =
            self.site.as_ref().map_or(("", ""), |site| (site.recipe.distribution(), site.recipe.base()));
        format!(
            "{} has no wheel for CPython {}.{} on {name}: building it inside {image} ({reason})",
            subject.title(),
            target.python.major,
            target.python.minor
        )
    }
}

impl Site {
    /// Looked for once.
    fn engine(&self) -> Result<&Found, Error> {
        if let Some(known) = self.engine.get() {
            return Ok(known);
        }
        let found = Engine::find(self.choice)?;
        Ok(self.engine.get_or_init(|| found))
    }

    fn bench(&self) -> MutexGuard<'_, Option<Bench>> {
        self.bench.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is seen inside: the cache, and whatever else a build may read. Only where builds have their scratch, and where uv
    /// keeps what it built for this distribution, may anything be written: what else is in the cache is run on this machine, or
    /// goes into packages of other projects.
    fn mounts(&self, place: &Workplace<'_>, session: &Session) -> Vec<Mount> {
        let links = session.indexes.find_links.iter().filter(|link| !link.contains("://")).map(PathBuf::from);
        let files = session.indexes.ca_bundle.clone().into_iter().chain(session.netrc()).chain(certificates());
        let read = self.sources.iter().cloned().chain(links).chain(files);
        let read = read.chain(place.program.map(Path::to_path_buf));
        let absolute = read.filter_map(|path| std::path::absolute(path).ok());
        let outside = absolute.filter(|path| !path.starts_with(place.cache) && path.exists());
        let read = outside.chain([place.cache.to_path_buf()]).map(Mount::read_only);
        read.chain(place.writable.iter().map(Mount::read_write)).collect()
    }
}

/// Where builds in a container work.
struct Workplace<'a> {
    cache: &'a Path,
    /// Directories in it.
    writable: [PathBuf; 2],
    /// uv.
    program: Option<&'a Path>,
}

/// Files and directories of certificates and keys that variables name which go into the container; directories of
/// certificates consist of links to files elsewhere (openssl-rehash(1)).
fn certificates() -> Vec<PathBuf> {
    const FILES: [&str; 4] = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "PIP_CLIENT_CERT"];
    let files = FILES.iter().filter_map(std::env::var_os).map(PathBuf::from);
    let mut all = files.filter(|path| !path.as_os_str().is_empty()).collect::<Vec<_>>();
    let directories = std::env::var_os("SSL_CERT_DIR").unwrap_or_default();
    all.extend(std::env::split_paths(&directories).filter(|path| !path.as_os_str().is_empty()));
    let directories = all.iter().filter(|path| path.is_dir()).cloned().collect::<Vec<_>>();
    for entry in directories.iter().filter_map(|directory| fs_err::read_dir(directory).ok()).flatten().flatten() {
        let real = fs_err::canonicalize(entry.path()).ok();
        all.extend(real.as_deref().and_then(Path::parent).map(Path::to_path_buf));
    }
    all.sort();
    all.dedup();
    all
}

/// The project, and the repository that its versions may come from, wherever its objects lie.
fn sources(project: &Path) -> Vec<PathBuf> {
    let project = fs_err::canonicalize(project).unwrap_or_else(|_| project.to_path_buf());
    let ask = |question: &str| {
        let command = Command::new("git").args(["rev-parse", "--path-format=absolute", question]).dir(&project);
        let output = command.run().ok().filter(|output| output.code == 0)?;
        fs_err::canonicalize(output.stdout_text().trim_end()).ok()
    };
    let mut found = vec![project.clone()];
    found.extend(ask("--git-dir"));
    if let Some(common) = ask("--git-common-dir") {
        borrowed(&common.join("objects"), &mut found);
        found.push(common);
    }
    found
}

/// Where a repository has objects that are not its own (gitrepository-layout(5), `objects/info/alternates`).
fn borrowed(objects: &Path, found: &mut Vec<PathBuf>) {
    let text = fs_err::read_to_string(objects.join("info/alternates")).unwrap_or_default();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Ok(path) = fs_err::canonicalize(objects.join(line))
            && !found.contains(&path)
        {
            found.push(path.clone());
            borrowed(&path, found);
        }
    }
}

impl Resolver<'_> {
    /// May a container be used where nothing else will do? Where an engine is installed and does not work, it is said once why.
    pub(super) fn may_enter(&self, workshop: &Workshop) -> Result<bool, Error> {
        let may = workshop.may_be_entered()?;
        if let Some(site) = workshop.site.as_ref().filter(|site| site.choice == Choice::Auto)
            && let Found::Broken(reasons) = site.engine()?
            && !site.said.swap(true, Ordering::Relaxed)
        {
            self.listener.warning(&format!("native code would be compiled in a container, but {reasons}"));
        }
        Ok(may)
    }

    /// The container of the session's distribution, which is started when it does not run yet.
    pub(super) fn bench(&self, session: &Session) -> Result<Bench, Error> {
        let none = |reasons: &str| builder::Error::NoEngineAtAll { reasons: reasons.to_owned() };
        let site = session.workshop.site.as_ref().ok_or_else(|| none("none is wanted"))?;
        let mut bench = site.bench();
        if let Some(running) = &*bench {
            return Ok(running.clone());
        }
        let engine = match site.engine()? {
            Found::Works(engine) => engine,
            Found::Nothing => return Err(none("neither is installed").into()),
            Found::Broken(reasons) => return Err(none(reasons).into()),
        };
        let how = Preparation {
            cache: &self.options.cache,
            network: if self.options.offline { Network::Offline } else { Network::Online },
            base: Base::Here,
            layers: Layers::Cached,
            listener: self.listener,
        };
        let image = engine.image(&site.recipe, &how)?;
        self.cache.remember(IMAGES, &site.identity, &image.tag())?;
        let uv = self.uv(session)?.cloned();
        // Wheels that uv has built for one C library are nothing for another: its cache is that of the distribution.
        let cache = self.cache.dir("uv-inside").join(&site.identity);
        let writable = [self.cache.dir("tmp"), cache.clone()];
        writable.iter().try_for_each(fs_err::create_dir_all)?;
        let place = Workplace { cache: &self.options.cache, writable, program: uv.as_ref().map(Uv::program) };
        let container = Arc::new(image.start(&site.mounts(&place, session))?);
        let path = site.recipe.python().unwrap_or(Path::new("/usr/bin/python3"));
        let python = probe_inside(&container, path).ok_or_else(|| Error::BuilderPython {
            image: site.recipe.base().to_owned(),
            python: path.display().to_string(),
        })?;
        let uv = uv.map(|uv| uv.with_cache(cache)).filter(|uv| uv.runs(&python));
        let started = Bench { python, uv };
        *bench = Some(started.clone());
        Ok(started)
    }

    /// The image of the container that ran last, for builds without it: with another base it is another.
    pub(super) fn image_of(&self, workshop: &Workshop) -> Option<String> {
        Some(self.cache.recall(IMAGES, workshop.identity()?)?.0)
    }

    /// As [`Resolver::bench`], for who can go on without: tried once, which is said once.
    pub(super) fn bench_if_any(&self, session: &Session) -> Result<Bench, String> {
        let mut refusal = session.workshop.refusal.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reason) = &*refusal {
            return Err(reason.clone());
        }
        self.bench(session).map_err(|error| {
            let reason = error.to_string();
            self.listener.warning(&format!("nothing can be built in a container: {reason}"));
            *refusal = Some(reason.clone());
            reason
        })
    }

    /// Keeps what is known of the container, for builds without it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn remember(&self, workshop: &Workshop, facts: &impl Serialize) -> Result<(), Error> {
        workshop.identity().map_or(Ok(()), |identity| self.cache.remember("containers", identity, facts))
    }

    /// What [`Resolver::remember`] kept.
    #[must_use]
    pub fn recall<T: DeserializeOwned>(&self, workshop: &Workshop) -> Option<T> {
        Some(self.cache.recall("containers", workshop.identity()?)?.0)
    }

    /// The target's interpreter in the workshop's container. `None`: there is none, or it may not be started.
    ///
    /// # Errors
    /// When the container cannot be started.
    pub fn inside(
        &self,
        workshop: &Arc<Workshop>,
        settings: &PythonSettings,
        start: Start,
    ) -> Result<Option<Inside>, Error> {
        let Some(site) = &workshop.site else { return Ok(None) };
        let running = site.bench().clone();
        let bench = match (running, start) {
            (Some(running), _) => running,
            (None, Start::Never) => return Ok(None),
            (None, Start::IfNeeded) if workshop.is_required() || workshop.may_be_entered()? => {
                self.bench(&Session::within(settings, workshop)?)?
            }
            (None, Start::IfNeeded) => return Ok(None),
        };
        let LocalPython { path, container, .. } = bench.python;
        Ok(container.map(|container| Inside { container, program: path }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_objects_of_a_repository_are_found_wherever_they_lie() {
        let scratch = tempfile::tempdir().unwrap();
        let at = |name: &str| fs_err::canonicalize(scratch.path()).unwrap().join(name);
        let git = |directory: &str, args: &[&str]| {
            let who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always"];
            let command = Command::new("git").args(who).args(args).dir(at(directory));
            command.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE").run_checked().unwrap();
        };
        fs_err::create_dir(at("one")).unwrap();
        git("one", &["init", "--quiet"]);
        fs_err::create_dir(at("one/part")).unwrap();
        git("one", &["commit", "--quiet", "--allow-empty", "--message", "x"]);
        git("one", &["worktree", "add", "--quiet", "../tree"]);
        git("", &["clone", "--quiet", "--shared", "one", "two"]);
        git("", &["clone", "--quiet", "--shared", "two", "three"]);
        git("three", &["submodule", "--quiet", "add", &at("one").display().to_string(), "sub"]);

        let found = |name: &str| sources(&at(name));
        assert!(found("one/part").contains(&at("one/.git")));
        let tree = found("tree");
        assert!(tree.contains(&at("tree")) && tree.contains(&at("one/.git")), "{tree:?}");
        let three = found("three");
        for borrowed in ["one/.git/objects", "two/.git/objects"] {
            assert!(three.contains(&at(borrowed)), "{three:?}");
        }
        // Its `.git` says `gitdir: ../.git/modules/sub`.
        assert!(found("three/sub").contains(&at("three/.git/modules/sub")));
    }
}
