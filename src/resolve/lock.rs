//! From requirements to wheels in the cache.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use fs_err as fs;
use rayon::prelude::*;
use serde_json::json;

use super::build::{Subject, contains_native};
use super::cache::digest;
use super::download::{Downloader, Wanted};
use super::index::without_credentials;
use super::job::Job;
use super::pip::{self, Answer};
use super::pylock::{self, File, Package, Pylock, Vcs};
use super::requests::Request;
use super::requirements::{PIP, RequirementFiles, application_requirements, own_requirements};
use super::session::Session;
use super::tags::{WheelName, normalize};
use super::target::Target;
use super::{Error, Lock, Resolver, Wheel, WheelRole};
use crate::exec::Command;
use crate::project::{Metadata, PythonSettings};

/// How long the answer of a resolver is good for.
#[derive(Debug, Clone, Copy)]
pub enum Freshness<'a> {
    /// As long as the inputs are the same when each package of the answer is among these, which are pinned; otherwise
    /// as long as an index lets its pages be kept: ten minutes.
    Pinned(&'a BTreeSet<String>),
    /// Something local is in it that can change unseen.
    Never,
}

impl Freshness<'_> {
    fn allows(self, age: u64, pylock: &str) -> bool {
        match self {
            Self::Never => false,
            Self::Pinned(_) if age < 600 => true,
            Self::Pinned(names) => Pylock::parse(pylock, "the cached lock")
                .is_ok_and(|lock| lock.packages.iter().all(|package| names.contains(&normalize(&package.name)))),
        }
    }
}

impl Resolver<'_> {
    pub(super) fn lock(
        &self,
        settings: &PythonSettings,
        metadata: &Metadata,
        application: &Wheel,
        target: &Target,
        session: &Session,
    ) -> Result<Lock, Error> {
        let inputs = settings.requirements.iter().chain(&settings.constraints).cloned().collect::<Vec<_>>();
        let files = RequirementFiles::read(&inputs)?;
        let chosen = match &settings.lock {
            Some(path) => {
                let mut packages = self.locked(path, settings, target, session)?;
                // `uv export` lists the project itself, as an editable directory; its wheel is there already.
                packages.retain(|package| normalize(&package.name) != application.name);
                let mut chosen =
                    self.materialise_all(&packages, directory_of(path), settings, &files, target, session)?;
                chosen.extend(self.beside_the_lock(&chosen, settings, metadata, target, session)?);
                chosen
            }
            None => self.resolved(settings, metadata, &files, target, session)?,
        };
        let mut wheels = vec![application.clone()];
        let mut packages = Vec::new();
        for (wheel, package) in chosen.into_iter().filter(|(wheel, _)| wheel.name != application.name) {
            wheels.push(wheel);
            packages.push(package);
        }
        wheels.sort_by(|one, other| one.name.cmp(&other.name));
        packages.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Lock { wheels, pylock: pylock::write(&packages, target)? })
    }

    /// The packages that `uv.lock` or a `pylock.toml` names for the target.
    fn locked(
        &self,
        path: &Path,
        settings: &PythonSettings,
        target: &Target,
        session: &Session,
    ) -> Result<Vec<Package>, Error> {
        let shown = path.display().to_string();
        let is_uv = path.file_name().is_some_and(|name| name == "uv.lock");
        let text = if is_uv {
            let uv = self.uv(session)?.ok_or_else(|| Error::NoUv { reason: format!("`{shown}` needs it") })?;
            uv.export(path, &settings.extras, target, &session.indexes)?
        } else {
            fs::read_to_string(path)?
        };
        Pylock::parse(&text, &shown)?.for_target(target, &shown)
    }

    /// What omnipack itself needs in the package, where the lock has none of it.
    fn beside_the_lock(
        &self,
        locked: &[(Wheel, Package)],
        settings: &PythonSettings,
        metadata: &Metadata,
        target: &Target,
        session: &Session,
    ) -> Result<Vec<(Wheel, Package)>, Error> {
        if settings.plugins.is_none() || locked.iter().any(|(wheel, _)| wheel.name == PIP) {
            return Ok(Vec::new());
        }
        let settings = PythonSettings {
            lock: None,
            requirements: Vec::new(),
            constraints: Vec::new(),
            extras: Vec::new(),
            ..settings.clone()
        };
        let metadata = Metadata { requires_dist: Vec::new(), ..metadata.clone() };
        self.resolved(&settings, &metadata, &RequirementFiles::default(), target, session)
    }

    fn resolved(
        &self,
        settings: &PythonSettings,
        metadata: &Metadata,
        files: &RequirementFiles,
        target: &Target,
        session: &Session,
    ) -> Result<Vec<(Wheel, Package)>, Error> {
        let mut own = application_requirements(&metadata.name, &metadata.requires_dist, &settings.extras, target)?;
        own.extend(own_requirements(settings));
        if own.is_empty() && settings.requirements.is_empty() {
            return Ok(Vec::new());
        }
        let scratch = self.cache.scratch()?;
        let mut request = request_of(settings, &own, scratch.path())?;
        self.listener.step(&format!("resolving for {}", target.describe()));
        let mut pins = files.clone();
        own.iter().for_each(|line| pins.read_requirement(line));
        let fresh = if pins.local { Freshness::Never } else { Freshness::Pinned(&pins.pinned) };
        let mut first_error = None;
        // When something cannot be had as a wheel, an older version that can is better than none.
        for _ in 0..4 {
            let key = lock_key(&own, files, &request, target, session);
            let text = match (self.compiled(&key, fresh, &request, target, session), first_error.take()) {
                (Ok(text), _) => text,
                (Err(_), Some(error)) | (Err(error), None) => return Err(error),
            };
            let packages =
                Pylock::parse(&text, "the resolver's answer")?.for_target(target, "the resolver's answer")?;
            match self.materialise_all(&packages, &request.directory, settings, files, target, session) {
                Err(error) => {
                    let (Error::NoWheel { name, .. } | Error::NeedsCompiler { name, .. }) = &error else {
                        return Err(error);
                    };
                    let name = normalize(name);
                    if request.only_binary.contains(&name) {
                        return Err(error);
                    }
                    self.listener.warning(&format!("{error}; looking for another version that has a wheel"));
                    request.only_binary.push(name);
                    first_error = Some(error);
                }
                done => return done,
            }
        }
        Err(first_error.unwrap_or_else(|| Error::Unsatisfiable { target: target.describe(), details: String::new() }))
    }

    /// The resolver's `pylock.toml`, or the one it gave to the same question while that still holds.
    pub(super) fn compiled(
        &self,
        key: &str,
        fresh: Freshness,
        request: &Request,
        target: &Target,
        session: &Session,
    ) -> Result<String, Error> {
        if !self.options.refresh
            && let Some((text, age)) = self.cache.recall::<String>("locks-by-input", key)
            && (fresh.allows(age, &text) || self.options.offline)
        {
            return Ok(text);
        }
        let python = self.target_python(target);
        let uv = self.uv(session)?.filter(|_| target.uv_platform().is_some());
        let text = match uv {
            Some(uv) => uv.compile(request, target, &session.indexes, python.as_ref())?,
            None if self.options.offline => return Err(Error::Offline { what: "the answer of pip".to_owned() }),
            None => self.pip_compile(request, target, session)?,
        };
        self.cache.remember("locks-by-input", key, &text)?;
        Ok(text)
    }

    /// pip resolves with wheels only; what has none is built from its sdist and offered to it, until it is content.
    fn pip_compile(&self, request: &Request, target: &Target, session: &Session) -> Result<String, Error> {
        let python = pip::find(&self.host_python()?, &self.cache, &session.indexes)?;
        let built = self.cache.scratch()?;
        let mut tried = BTreeSet::new();
        let request = pip::without_hashes(request, built.path())?;
        loop {
            match pip::resolve(&python, &request, target, &session.indexes, built.path())? {
                Answer::Packages(packages) => return pylock::write(&packages, target),
                Answer::WheelMissing { requirement, error } => {
                    let name = requirement.split(['=', '<', '>', '!', '~', '[', ' ']).next().unwrap_or_default();
                    if request.only_binary.contains(&normalize(name)) || !tried.insert(requirement.clone()) {
                        return Err(error);
                    }
                    let out = self.cache.scratch()?;
                    let command = pip::download_sdist(&python, &requirement, target, &session.indexes, out.path())?;
                    if command.run()?.code != 0 {
                        return Err(error);
                    }
                    for entry in fs::read_dir(out.path())? {
                        let sdist = entry?.path();
                        let sha256 = super::cache::sha256_file(&sdist)?;
                        let file_name =
                            sdist.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                        let version = sdist_version(&file_name);
                        let subject = Subject { name, version: &version };
                        let wheel = self.build_sdist(&sdist, &sha256, &subject, target, session)?;
                        fs::copy(&wheel.path, built.path().join(&wheel.file_name))?;
                    }
                }
            }
        }
    }

    fn materialise_all(
        &self,
        packages: &[Package],
        base: &Path,
        settings: &PythonSettings,
        files: &RequirementFiles,
        target: &Target,
        session: &Session,
    ) -> Result<Vec<(Wheel, Package)>, Error> {
        let total = packages.len() as u64;
        let done = std::sync::atomic::AtomicU64::new(0);
        let results = packages.par_iter().map(|package| {
            let none = Vec::new();
            let allowed = files.hashes.get(&normalize(&package.name)).unwrap_or(&none);
            if settings.require_hashes && settings.lock.is_none() && allowed.is_empty() {
                return Err(Error::NoHash { name: package.name.clone() });
            }
            let result = self.materialise(package, base, allowed, target, session);
            self.listener.progress(done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1, total);
            result
        });
        // The first failure by name, whichever thread met it first.
        results.collect::<Vec<_>>().into_iter().collect()
    }

    /// The wheel of one package, in the cache, and its entry in the written lock.
    pub(super) fn materialise(
        &self,
        package: &Package,
        base: &Path,
        allowed: &[String],
        target: &Target,
        session: &Session,
    ) -> Result<(Wheel, Package), Error> {
        let downloader = session.downloader(&self.cache, self.options.offline)?;
        if let Some(directory) = &package.directory {
            return self.directory_wheel(package, directory, base, target, session);
        }
        if let Some(vcs) = &package.vcs {
            return self.repository_wheel(package, vcs, target, session);
        }
        if let Some(archive) = &package.archive {
            return self.archive_wheel(package, archive, base, allowed, &downloader, target, session);
        }
        if let Some((file, name)) = package.best_wheel(target, allowed) {
            // Built here and offered to pip, which has given it back.
            let ours = file.sha256().and_then(|hash| Some((self.earlier_build(&hash, &file.file_name())?, hash)));
            let (path, sha256) = match ours {
                Some(ours) => ours,
                None => {
                    let fetched = downloader.fetch("wheels", &wanted(file, base, allowed)?)?;
                    (fetched.path, fetched.sha256)
                }
            };
            let wheel = wheel_of(&name, file.file_name(), path, sha256, None);
            let version = wheel.version.clone();
            return Ok((wheel, package.pinned(&version, Some(file))));
        }
        if let (false, Some((file, _))) = (allowed.is_empty(), package.best_wheel(target, &[]))
            && package.sdist.as_ref().and_then(File::sha256).is_none_or(|hash| !allowed.contains(&hash))
        {
            let got = file.sha256().unwrap_or_else(|| "none".to_owned());
            return Err(Error::HashMismatch { file: file.file_name(), expected: allowed.join(" or "), got });
        }
        let Some(sdist) = &package.sdist else { return Err(no_wheel(package, target)) };
        let fetched = downloader.fetch("sdists", &wanted(sdist, base, allowed)?)?;
        let version = package.version.clone().unwrap_or_else(|| sdist_version(&sdist.file_name()));
        let subject = Subject { name: &package.name, version: &version };
        let built = self.build_sdist(&fetched.path, &fetched.sha256, &subject, target, session)?;
        let wheel = wheel_of(&parse(&built.file_name)?, built.file_name, built.path, built.sha256, None);
        Ok((wheel, package.pinned(&version, Some(sdist))))
    }

    fn directory_wheel(
        &self,
        package: &Package,
        directory: &pylock::Directory,
        base: &Path,
        target: &Target,
        session: &Session,
    ) -> Result<(Wheel, Package), Error> {
        if directory.editable {
            return Err(Error::Editable { file: "the lock".to_owned(), line: package.name.clone() });
        }
        let root = base.join(&directory.path).join(directory.subdirectory.as_deref().unwrap_or_default());
        let built = self.build_directory(&root, target, session)?;
        let wheel = wheel_of(&parse(&built.file_name)?, built.file_name, built.path, built.sha256, None);
        let file = File {
            path: Some(wheel.file_name.clone()),
            hashes: [("sha256".to_owned(), wheel.sha256.clone())].into(),
            ..File::default()
        };
        let version = wheel.version.clone();
        Ok((wheel, package.pinned(&version, Some(&file))))
    }

    #[allow(clippy::too_many_arguments)]
    fn archive_wheel(
        &self,
        package: &Package,
        archive: &File,
        base: &Path,
        allowed: &[String],
        downloader: &Downloader,
        target: &Target,
        session: &Session,
    ) -> Result<(Wheel, Package), Error> {
        let wanted = wanted(archive, base, allowed)?;
        let direct = |sha256: &str| {
            let url = without_credentials(&wanted.url);
            let info = json!({ "hash": format!("sha256={sha256}"), "hashes": { "sha256": sha256 } });
            (!url.starts_with("file:")).then(|| json!({ "archive_info": info, "url": url }).to_string())
        };
        let wheel = if wanted.file_name.ends_with(".whl") {
            let name = parse(&wanted.file_name)?;
            if target.tags.rank(&name).is_none() {
                return Err(no_wheel(package, target));
            }
            let fetched = downloader.fetch("wheels", &wanted)?;
            let direct_url = direct(&fetched.sha256);
            wheel_of(&name, wanted.file_name.clone(), fetched.path, fetched.sha256, direct_url)
        } else {
            let fetched = downloader.fetch("sdists", &wanted)?;
            let version = package.version.clone().unwrap_or_default();
            let subject = Subject { name: &package.name, version: &version };
            let built = self.build_sdist(&fetched.path, &fetched.sha256, &subject, target, session)?;
            let direct_url = direct(&fetched.sha256);
            wheel_of(&parse(&built.file_name)?, built.file_name, built.path, built.sha256, direct_url)
        };
        let version = wheel.version.clone();
        Ok((wheel, package.pinned(&version, None)))
    }

    fn repository_wheel(
        &self,
        package: &Package,
        vcs: &Vcs,
        target: &Target,
        session: &Session,
    ) -> Result<(Wheel, Package), Error> {
        let url = repository_url(vcs);
        let subdirectory = vcs.subdirectory.as_deref().unwrap_or_default();
        let public = without_credentials(url);
        let keys = self.keys(["vcs", &public, &vcs.commit_id, subdirectory], target, session);
        let built = match self.recall_for(&keys, target, session) {
            Some(built) => built,
            None if self.options.offline => return Err(Error::Offline { what: format!("{public}@{}", vcs.commit_id) }),
            None => {
                let scratch = self.cache.scratch()?;
                let source = check_out(vcs, scratch.path())?;
                let subject = Subject { name: &package.name, version: &vcs.commit_id };
                let native = contains_native(&source);
                let legacy = !source.join("pyproject.toml").is_file();
                let (source, keys, subject) = (&*source, &keys, &subject);
                self.build_where_it_fits(&Job { source, keys, legacy, native, subject, target, session })?
            }
        };
        let mut info = json!({ "commit_id": vcs.commit_id, "vcs": vcs.kind });
        if let (Some(revision), Some(object)) = (&vcs.requested_revision, info.as_object_mut()) {
            object.insert("requested_revision".to_owned(), json!(revision));
        }
        let direct_url = (!public.starts_with(['/', '.']) && !public.starts_with("file:"))
            .then(|| json!({ "url": public, "vcs_info": info }).to_string());
        let wheel = wheel_of(&parse(&built.file_name)?, built.file_name, built.path, built.sha256, direct_url);
        let version = wheel.version.clone();
        Ok((wheel, package.pinned(&version, None)))
    }
}

pub(super) fn repository_url(vcs: &Vcs) -> &str {
    let url = vcs.url.as_deref().or(vcs.path.as_deref()).unwrap_or_default();
    url.strip_prefix("git+").unwrap_or(url)
}

/// Clones the repository below `scratch`, and gives the project in it.
pub(super) fn check_out(vcs: &Vcs, scratch: &Path) -> Result<PathBuf, Error> {
    let clone = scratch.join("repository");
    let git = || Command::new("git").env("GIT_TERMINAL_PROMPT", "0");
    git().args(["clone", "--quiet", "--no-checkout", "--", repository_url(vcs)]).arg(&clone).run_checked()?;
    git().args(["checkout", "--quiet", "--detach", &vcs.commit_id]).dir(&clone).run_checked()?;
    git().args(["submodule", "--quiet", "update", "--init", "--recursive"]).dir(&clone).run_checked()?;
    Ok(clone.join(vcs.subdirectory.as_deref().unwrap_or_default()))
}

/// What a resolver is asked: `own` beside the requirement files, in a file of its own in `scratch`.
fn request_of(settings: &PythonSettings, own: &[String], scratch: &Path) -> Result<Request, Error> {
    let application = scratch.join("application.in");
    fs::write(&application, own.join("\n") + "\n")?;
    let first = settings.requirements.first().map_or(scratch, |file| directory_of(file));
    Ok(Request {
        directory: first.to_path_buf(),
        files: std::iter::once(application).chain(settings.requirements.iter().cloned()).collect(),
        constraints: settings.constraints.clone(),
        ..Request::default()
    })
}

fn directory_of(file: &Path) -> &Path {
    file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn parse(file_name: &str) -> Result<WheelName, Error> {
    WheelName::parse(file_name).map_err(|reason| Error::BadWheel { file: file_name.to_owned(), reason })
}

fn wheel_of(name: &WheelName, file_name: String, path: PathBuf, sha256: String, direct_url: Option<String>) -> Wheel {
    let (name, version) = (name.name.clone(), name.version.clone());
    Wheel { name, version, file_name, path, sha256, direct_url, role: WheelRole::Dependency }
}

/// The file with the digests it may have: those of the requirement files, narrowed to the lock's.
pub(super) fn wanted(file: &File, base: &Path, allowed: &[String]) -> Result<Wanted, Error> {
    let file_name = file.file_name();
    let location = file.location(base).map_err(|reason| Error::Input {
        file: file_name.clone(),
        reason,
        help: "write the lock again".to_owned(),
    })?;
    let sha256 = match file.sha256() {
        Some(sha256) if !allowed.is_empty() && !allowed.contains(&sha256) => {
            return Err(Error::HashMismatch { file: file_name, expected: allowed.join(" or "), got: sha256 });
        }
        Some(sha256) => vec![sha256],
        None => allowed.to_vec(),
    };
    Ok(Wanted { url: location, file_name, sha256 })
}

/// `1.2` of `a-b-1.2.tar.gz`.
pub(super) fn sdist_version(file_name: &str) -> String {
    let stem = [".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz"].iter().find_map(|end| file_name.strip_suffix(end));
    stem.and_then(|stem| stem.rsplit_once('-')).map(|(_, version)| version.to_owned()).unwrap_or_default()
}

fn no_wheel(package: &Package, target: &Target) -> Error {
    let mut tags = package
        .wheels
        .iter()
        .chain(&package.archive)
        .filter_map(|file| Some(WheelName::parse(&file.file_name()).ok()?.tag()));
    let some = tags.by_ref().take(4).collect::<Vec<_>>().join(", ");
    let more = tags.count();
    let reason = match (some.is_empty(), more) {
        (true, _) => "there is neither a wheel for it nor source to build one from".to_owned(),
        (_, 0) => format!("there are only wheels for {some}, and no source to build one from"),
        _ => format!("there are only wheels for {some} and {more} more, and no source to build one from"),
    };
    Error::NoWheel {
        name: package.name.clone(),
        version: package.version.clone().unwrap_or_default(),
        target: target.describe().into(),
        reason,
        help: format!(
            "ask for another version of {}, choose another Python with `[python] version`, or put a wheel for the target where `find-links` looks",
            package.name
        )
        .into(),
    }
}

/// Everything that the resolver's answer depends on, but for time.
fn lock_key(own: &[String], files: &RequirementFiles, request: &Request, target: &Target, session: &Session) -> String {
    let mut parts = vec![
        env!("CARGO_PKG_VERSION").to_owned(),
        target.describe(),
        target.full_version.clone(),
        format!("{:?}", session.resolver),
    ];
    parts.extend(own.iter().cloned());
    parts.extend(files.texts.iter().map(|(path, text)| {
        let constraint = request.constraints.contains(path);
        format!("{constraint}\0{text}")
    }));
    parts.extend(request.only_binary.iter().map(|name| format!("wheel {name}")));
    parts.extend(session.indexes.fingerprint());
    for link in session.indexes.find_links.iter().filter(|link| !link.contains("://")) {
        parts.extend(listing(Path::new(link)));
    }
    digest(parts)
}

/// Names, sizes and times of the files of a link directory.
pub(super) fn listing(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut lines = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let meta = entry.metadata().ok()?;
            Some(format!("{} {} {:?}", entry.path().display(), meta.len(), meta.modified().ok()?))
        })
        .collect::<Vec<_>>();
    lines.sort();
    lines
}
