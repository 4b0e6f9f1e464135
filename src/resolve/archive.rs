//! The application's sources in one archive, as spec files, source RPMs and Debian's source packages want them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};
use fs_err as fs;
use pep440_rs::Version;
use serde::Serialize;
use url::Url;

use super::build::{Artefact, Attempt, Compiler, build_environment, give_entry_point};
use super::cache::{digest, hex, sha256_file};
use super::index::without_credentials;
use super::lock::{check_out, repository_url, sdist_version, wanted};
use super::pylock::{File, Package, Vcs};
use super::session::Session;
use super::tags::normalize;
use super::taken::Taken;
use super::tarball::{self, Links, Listing};
use super::target::Target;
use super::tree::SourceTree;
use super::{Error, Resolver};
use crate::plan::{Interpreter, Platform};
use crate::project::{Metadata, PythonSettings, Source};

/// Where the cache keeps those that were made here.
const KEPT: &str = "source-archives";

/// Every time in an archive that is made here, unless `SOURCE_DATE_EPOCH` says another: 1980-01-01, as in the wheels.
const TIME: u64 = 315_532_800;

/// First words of the names of files that belong to the sources, though no module needs them.
pub(super) const TEXTS: [&str; 9] =
    ["licen", "copying", "notice", "authors", "readme", "change", "news", "requirements", "unlicense"];

const NAME_THE_SOURCES: &str = "name an sdist (`x-1.0.tar.gz`) or the directory with the sources";

/// The sources of the application, on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceArchive {
    /// In the cache, or where the user has it.
    pub path: PathBuf,
    /// File name: `httpbin-0.10.2.tar.gz`.
    pub name: String,
    /// The one directory at its top: `httpbin-0.10.2`.
    pub directory: String,
    /// Where anybody may fetch it, for good; its last part is `name`. Never with credentials.
    pub url: Option<String>,
    /// Lower-case hex.
    pub sha256: String,
    /// Paths of all files below `directory`.
    pub files: BTreeSet<String>,
    /// What the build backend needs: `[build-system] requires` of its `pyproject.toml`.
    pub build_requires: Vec<String>,
}

impl SourceArchive {
    /// Does the file of this path lie in `directory`?
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.files.contains(path)
    }
}

impl SourceArchive {
    /// Unpacks it into `directory` and gives the one directory that it has at its top.
    ///
    /// # Errors
    /// When it cannot be read or written, or leads out of `directory`.
    pub fn unpack(&self, directory: &Path) -> Result<PathBuf, Error> {
        tarball::unpack_any(&self.path, directory)?.ok_or_else(|| Error::SourceArchive {
            what: self.name.clone(),
            details: "it cannot be unpacked".to_owned(),
        })
    }

    /// Puts it to `stem` with the suffix that says what it is, and gives that path. Debian's tools take no zip archive: of
    /// one, the same files are packed again, as they lie in `unpacked`.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn copy_for_dpkg(&self, stem: &Path, unpacked: &Path) -> Result<PathBuf, Error> {
        let with = |suffix: &str| {
            let mut path = stem.as_os_str().to_owned();
            path.push(suffix);
            PathBuf::from(path)
        };
        let kinds = [(".tar.gz", ".tar.gz"), (".tgz", ".tar.gz"), (".tar.bz2", ".tar.bz2"), (".tar.xz", ".tar.xz")];
        if let Some((_, suffix)) = kinds.iter().find(|(known, _)| self.name.ends_with(known)) {
            fs::copy(&self.path, with(suffix))?;
            return Ok(with(suffix));
        }
        let members = tarball::everything(unpacked)?;
        tarball::pack(unpacked, &members, &self.directory, Links::Keep, time(), &with(".tar.gz"))?;
        Ok(with(".tar.gz"))
    }
}

/// An archive before anybody has looked into it.
struct Found {
    path: PathBuf,
    name: String,
    url: Option<String>,
}

impl Resolver<'_> {
    /// The source archive of the application, whose wheel has `metadata`: an sdist as it was given or published, byte for
    /// byte, or one that is made of a directory, which has the same bytes wherever and whenever that is done.
    ///
    /// # Errors
    /// When there are no sources (a wheel, a release without an sdist), they cannot be had or packed, or are of another
    /// version than the wheel.
    pub fn source_archive(
        &self,
        source: &Source,
        settings: &PythonSettings,
        interpreter: &Interpreter,
        platform: &Platform,
        metadata: &Metadata,
    ) -> Result<SourceArchive, Error> {
        let target = Target::new(interpreter, platform)?;
        let session = Session::new(settings)?;
        let found = match source {
            Source::Directory(path) => self.made_of_directory(path, &target, &session)?,
            Source::Modules(path) => self.made_of_modules(path, metadata)?,
            Source::Sdist(path) => Found { path: std::path::absolute(path)?, name: file_name(path), url: None },
            Source::Wheel(path) => {
                return Err(Error::NoSources {
                    what: file_name(path),
                    reason: "a wheel is what was made of them".to_owned(),
                    help: NAME_THE_SOURCES,
                });
            }
            Source::Requirement(text) => match &self.options.wheels {
                Some(directory) => lying_in(directory, metadata)?,
                None => self.published(text, metadata, &target, &session)?,
            },
        };
        inspected(found, metadata)
    }

    /// Has the project's own backend make its sdist, and packs that again.
    fn made_of_directory(&self, root: &Path, target: &Target, session: &Session) -> Result<Found, Error> {
        let tree = SourceTree::read(root)?;
        let key = digest(["sdist", &tree.digest(&tree.contents()?), &build_environment()]);
        self.made(&key, || {
            let title = file_name(tree.root());
            self.listener.step(&format!("making the source archive of {title}"));
            let copy = tree.copy(self.cache.scratch()?)?;
            give_entry_point(&copy.path)?;
            self.sdist_of(&copy.path, &title, &key, target, session)
        })
    }

    fn made_of_repository(&self, vcs: &Vcs, target: &Target, session: &Session) -> Result<Found, Error> {
        let public = without_credentials(repository_url(vcs));
        let key = digest(["vcs-sdist", &public, &vcs.commit_id, vcs.subdirectory.as_deref().unwrap_or_default()]);
        self.made(&key, || {
            if self.options.offline {
                return Err(Error::Offline { what: format!("{public}@{}", vcs.commit_id) });
            }
            let scratch = self.cache.scratch()?;
            let source = check_out(vcs, scratch.path())?;
            self.sdist_of(&source, &public, &key, target, session)
        })
    }

    fn made_of_modules(&self, root: &Path, metadata: &Metadata) -> Result<Found, Error> {
        let mut members = Taken::of(&fs::canonicalize(root)?)?.files;
        for entry in fs::read_dir(root)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().to_lowercase();
            if entry.path().is_file() && TEXTS.iter().any(|word| name.starts_with(word)) {
                members.push(entry.file_name().into());
            }
        }
        members.sort();
        members.dedup();
        let scratch = self.cache.scratch()?;
        let directory = format!("{}-{}", normalize(&metadata.name).replace('-', "_"), metadata.version);
        let (name, packed) = (format!("{directory}.tar.gz"), scratch.path().join("packed"));
        tarball::pack(root, &members, &directory, Links::Follow, time(), &packed)?;
        let path = self.cache.keep(KEPT, &sha256_file(&packed)?, &name, &packed)?;
        Ok(Found { path, name, url: None })
    }

    /// What `make` has made, under `key`, once.
    fn made(&self, key: &str, make: impl FnOnce() -> Result<Found, Error>) -> Result<Found, Error> {
        let recall = || {
            let ((sha256, name), _) = self.cache.recall::<(String, String)>(KEPT, key)?;
            let path = self.cache.find(KEPT, &sha256, &name)?;
            Some(Found { path, name, url: None })
        };
        if let Some(found) = recall() {
            return Ok(found);
        }
        let _guard = self.cache.lock(&format!("archive-{key}"))?;
        recall().map_or_else(make, Ok)
    }

    /// An sdist of `source`, a directory that may be written into, kept under `key`. No interpreter of the target is needed,
    /// unless a `setup.py` asks for its version: then that comes first, as for wheels.
    fn sdist_of(
        &self,
        source: &Path,
        title: &str,
        key: &str,
        target: &Target,
        session: &Session,
    ) -> Result<Found, Error> {
        let mut order = vec![self.host_python()?];
        if let Some(own) = self.target_python(target) {
            let legacy = !source.join("pyproject.toml").is_file();
            order.insert(usize::from(!legacy), own);
        }
        let mut failure = None;
        for python in order {
            let (compiler, artefact) = (Compiler::Allowed(None), Artefact::Sdist);
            let attempt = Attempt { source, python: &python, compiler, native: false, artefact, session };
            match self.build_once(&attempt) {
                Ok(made) => return self.keep_packed_again(&made.path, made.scratch.path(), key),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        Err(match failure {
            Some(Error::Build { details, .. }) => Error::SourceArchive { what: title.to_owned(), details },
            Some(Error::Unnamed { file, .. }) => Error::Unnamed { what: title.to_owned(), file },
            Some(error) => error,
            None => Error::SourceArchive { what: title.to_owned(), details: String::new() },
        })
    }

    /// Most backends write the times, the owner or the masks of their files into the archive.
    fn keep_packed_again(&self, sdist: &Path, scratch: &Path, key: &str) -> Result<Found, Error> {
        let name = file_name(sdist);
        let listing = Listing::read(sdist)?;
        let root = tarball::unpack(sdist, &scratch.join("unpacked"))?
            .ok_or_else(|| Error::SourceArchive { what: name.clone(), details: "it cannot be unpacked".to_owned() })?;
        let packed = scratch.join("packed");
        tarball::pack(&root, &tarball::everything(&root)?, &listing.directory, Links::Keep, time(), &packed)?;
        let sha256 = sha256_file(&packed)?;
        let path = self.cache.keep(KEPT, &sha256, &name, &packed)?;
        self.cache.remember(KEPT, key, &(&sha256, &name))?;
        Ok(Found { path, name, url: None })
    }

    /// The archive that the wheel of this requirement was, or might have been, made of.
    fn published(&self, text: &str, metadata: &Metadata, target: &Target, session: &Session) -> Result<Found, Error> {
        let package = self.required_package(text, target, session)?;
        let base = std::path::absolute(".")?;
        if let Some(directory) = &package.directory {
            let root = base.join(&directory.path).join(directory.subdirectory.as_deref().unwrap_or_default());
            return self.made_of_directory(&root, target, session);
        }
        if let Some(vcs) = &package.vcs {
            return self.made_of_repository(vcs, target, session);
        }
        let no_sources = |reason: &str| Error::NoSources {
            what: format!("{} {}", metadata.name, metadata.version),
            reason: reason.to_owned(),
            help: "name a version that was published with an sdist, or the directory or sdist with its sources",
        };
        if let Some(archive) = &package.archive {
            let name = archive.file_name();
            if name.ends_with(".whl") {
                return Err(no_sources("the requirement leads to a wheel"));
            }
            let found = self.fetched(archive, &base, metadata, session)?;
            // It is the user who says that it is there.
            let url = archive.url.as_deref().map(without_credentials).filter(|url| is_public(url, &name));
            return Ok(Found { url, ..found });
        }
        match &package.sdist {
            Some(sdist) => self.fetched(sdist, &base, metadata, session),
            // pip has said which wheel it takes, and no more.
            None if self.uv(session)?.filter(|_| target.uv_platform().is_some()).is_none() => self
                .downloaded_by_pip(&package, metadata, target, session)?
                .ok_or_else(|| no_sources("its release has no sdist")),
            None => Err(no_sources("its release has wheels only")),
        }
    }

    fn fetched(&self, sdist: &File, base: &Path, metadata: &Metadata, session: &Session) -> Result<Found, Error> {
        let fetched =
            session.downloader(&self.cache, self.options.offline)?.fetch("sdists", &wanted(sdist, base, &[])?)?;
        let name = sdist.file_name();
        let url = match &sdist.url {
            Some(url) => stable_url(url, &fetched.path, &metadata.name, &name)?,
            None => None,
        };
        Ok(Found { path: fetched.path, name, url })
    }

    fn downloaded_by_pip(
        &self,
        package: &Package,
        metadata: &Metadata,
        target: &Target,
        session: &Session,
    ) -> Result<Option<Found>, Error> {
        let requirement = format!("{}=={}", package.name, metadata.version);
        let key = digest(["pip-sdist", &requirement, &session.indexes.fingerprint().join("\n")]);
        let recalled = self.cache.recall::<(String, String)>(KEPT, &key);
        if let Some(((sha256, name), _)) = recalled
            && let Some(path) = self.cache.find("sdists", &sha256, &name)
        {
            return Ok(Some(Found { path, name, url: None }));
        }
        if self.options.offline {
            return Err(Error::Offline { what: format!("the sdist of {requirement}") });
        }
        let python = super::pip::find(&self.host_python()?, &self.cache, &session.indexes)?;
        let out = self.cache.scratch()?;
        let command = super::pip::download_sdist(&python, &requirement, target, &session.indexes, out.path())?;
        if command.run()?.code != 0 {
            return Ok(None);
        }
        let Some(entry) = fs::read_dir(out.path())?.next().transpose()? else { return Ok(None) };
        let (sha256, name) = (sha256_file(&entry.path())?, file_name(&entry.path()));
        let path = self.cache.keep("sdists", &sha256, &name, &entry.path())?;
        self.cache.remember(KEPT, &key, &(&sha256, &name))?;
        Ok(Some(Found { path, name, url: None }))
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn time() -> u64 {
    std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse().ok()).unwrap_or(TIME)
}

/// Looks into the archive, and holds its version against the wheel's.
fn inspected(found: Found, metadata: &Metadata) -> Result<SourceArchive, Error> {
    let Found { path, name, url } = found;
    let listing = Listing::read(&path)?;
    if let Some(got) = listing.version().filter(|got| !same_version(got, &metadata.version)) {
        return Err(Error::SourceVersion { archive: name, expected: metadata.version.clone(), got: got.to_owned() });
    }
    let table = listing.pyproject.as_deref().unwrap_or_default().parse::<toml::Table>().unwrap_or_default();
    let requires = table.get("build-system").and_then(|system| system.get("requires")).and_then(toml::Value::as_array);
    let build_requires =
        requires.into_iter().flatten().filter_map(toml::Value::as_str).map(str::to_owned).collect::<Vec<_>>();
    let sha256 = sha256_file(&path)?;
    Ok(SourceArchive { path, name, directory: listing.directory, url, sha256, files: listing.files, build_requires })
}

fn same_version(one: &str, other: &str) -> bool {
    match (one.parse::<Version>(), other.parse::<Version>()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

/// With `--wheels`, nothing is fetched: the sdist that lies beside the wheels.
fn lying_in(directory: &Path, metadata: &Metadata) -> Result<Found, Error> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let project = normalize(&metadata.name);
    let fits = |name: &&String| {
        let version = sdist_version(name);
        let stem = name.find(&format!("-{version}")).and_then(|end| name.get(..end)).unwrap_or_default();
        !version.is_empty() && normalize(stem) == project && same_version(&version, &metadata.version)
    };
    match names.iter().find(fits) {
        Some(name) => Ok(Found { path: std::path::absolute(directory.join(name))?, name: name.clone(), url: None }),
        None => Err(Error::NoSources {
            what: format!("{} {}", metadata.name, metadata.version),
            reason: format!("`{}` has no sdist of it", directory.display()),
            help: "with `--wheels` nothing is fetched: put the sdist there too, or name it in place of the requirement",
        }),
    }
}

/// May `url` stand in a file that others read, as the address of the file `name`?
fn is_public(url: &str, name: &str) -> bool {
    Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "https" | "http" | "ftp"))
        && url.ends_with(&format!("/{name}"))
}

/// The address of a file of PyPI, as it stands in spec files; it leads to the file for good
/// (<https://docs.pypi.org/api/>, "Integration Guide"). The index keeps each file under its BLAKE2b digest, and so do
/// mirrors and caches: what comes from one of them is known for the index's own by that. Other indexes promise nothing.
fn stable_url(url: &str, file: &Path, project: &str, name: &str) -> Result<Option<String>, Error> {
    let parts = url.rsplit('/').skip(1).take(3).collect::<Vec<_>>();
    let said = parts.iter().rev().copied().collect::<String>();
    let own = !url.contains("://test-files.");
    if !own || said.len() != 64 || !said.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(None);
    }
    let mut hash = Blake2b::<U32>::new();
    std::io::copy(&mut fs::File::open(file)?, &mut hash)?;
    if hex(&hash.finalize()) != said {
        return Ok(None);
    }
    let first = project.chars().next().unwrap_or('_');
    Ok(Some(format!("https://files.pythonhosted.org/packages/source/{first}/{project}/{name}")))
}
