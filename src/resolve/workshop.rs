//! Where wheels are built: on this machine, or in a container of the target distribution. The container is started when
//! the first build needs it, and all builds for the distribution share it.

use std::path::{Path, PathBuf};
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
use crate::builder::{self, Base, Choice, Container, Engine, Layers, Mount, Network, Preparation, Recipe};
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
    engine: OnceLock<Option<Engine>>,
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
        let (engine, bench) = (OnceLock::new(), Mutex::default());
        let site = Site { choice, recipe, identity, sources, engine, bench };
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
            Some(site) if site.choice == Choice::Auto => Ok(self.refusal().is_none() && site.engine()?.is_some()),
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
    fn engine(&self) -> Result<Option<&Engine>, Error> {
        if let Some(known) = self.engine.get() {
            return Ok(known.as_ref());
        }
        let found = Engine::find(self.choice)?;
        Ok(self.engine.get_or_init(|| found).as_ref())
    }

    fn bench(&self) -> MutexGuard<'_, Option<Bench>> {
        self.bench.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is seen inside: the cache, in which everything is built, and whatever else a build may read.
    fn mounts(&self, cache: &Path, session: &Session, uv: Option<&Uv>) -> Vec<Mount> {
        let links = session.indexes.find_links.iter().filter(|link| !link.contains("://")).map(PathBuf::from);
        let files = session.indexes.ca_bundle.clone().into_iter().chain(session.netrc());
        let read = self.sources.iter().cloned().chain(links).chain(files);
        let read = read.chain(uv.map(|uv| uv.program().to_path_buf()));
        let absolute = read.filter_map(|path| std::path::absolute(path).ok()).filter(|path| !path.starts_with(cache));
        let mut paths = absolute.filter(|path| path.exists()).collect::<Vec<_>>();
        paths.sort();
        paths.dedup();
        let read = paths.into_iter().map(Mount::read_only);
        std::iter::once(Mount::read_write(cache)).chain(read).collect()
    }
}

/// The project, and the repository that its versions may come from, wherever its objects lie.
fn sources(project: &Path) -> Vec<PathBuf> {
    let project = fs_err::canonicalize(project).unwrap_or_else(|_| project.to_path_buf());
    let repository = project.ancestors().map(|directory| directory.join(".git")).find(|git| git.exists());
    // A work tree has a file, which says where the repository is (gitrepository-layout(5)).
    let elsewhere = repository.as_deref().and_then(|git| fs_err::read_to_string(git).ok());
    let elsewhere = elsewhere.and_then(|text| Some(PathBuf::from(text.strip_prefix("gitdir: ")?.trim())));
    let common = elsewhere.and_then(|directory| Some(directory.ancestors().nth(2)?.to_path_buf()));
    [Some(project), repository, common].into_iter().flatten().collect()
}

impl Resolver<'_> {
    /// The container of the session's distribution, which is started when it does not run yet.
    pub(super) fn bench(&self, session: &Session) -> Result<Bench, Error> {
        let site = session.workshop.site.as_ref().ok_or(builder::Error::NoEngineAtAll)?;
        let mut bench = site.bench();
        if let Some(running) = &*bench {
            return Ok(running.clone());
        }
        let engine = site.engine()?.ok_or(builder::Error::NoEngineAtAll)?;
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
        fs_err::create_dir_all(&self.options.cache)?;
        let container = Arc::new(image.start(&site.mounts(&self.options.cache, session, uv.as_ref()))?);
        let path = site.recipe.python().unwrap_or(Path::new("/usr/bin/python3"));
        let python = probe_inside(&container, path).ok_or_else(|| Error::BuilderPython {
            image: site.recipe.base().to_owned(),
            python: path.display().to_string(),
        })?;
        // Wheels that uv has built for one C library are nothing for another: its cache is that of the distribution.
        let cache = self.cache.dir("uv-inside").join(&site.identity);
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
