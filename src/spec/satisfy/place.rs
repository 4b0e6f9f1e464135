//! Where a repository is: on this machine, or at an address.

use std::io::Read;
use std::path::{Path, PathBuf};

use fs_err::File;
use url::Url;

use super::Error;
use crate::distribution::PackageFormat;
use crate::resolve::{self, Freshness, Resolver};

/// Where a repository, or a list of what one has, can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A list on standard input.
    StandardInput,
    /// A directory with repodata, or a list.
    Path(PathBuf),
    Url(Url),
}

impl Location {
    /// Reads what `--repository` takes: a directory, a file, an address, or `-`.
    ///
    /// # Errors
    /// When it is an address that cannot be fetched.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text == "-" {
            return Ok(Self::StandardInput);
        }
        if !text.contains("://") {
            return Ok(Self::Path(PathBuf::from(text)));
        }
        let fault = |reason: String| Error::Location { location: resolve::without_credentials(text), reason };
        let mut url = Url::parse(text).map_err(|error| fault(error.to_string()))?;
        match url.scheme() {
            "http" | "https" => {
                url.set_fragment(None);
                Ok(Self::Url(url))
            }
            "file" => url.to_file_path().map(Self::Path).map_err(|()| fault("it names no local file".to_owned())),
            other => Err(fault(format!("`{other}:` is nothing that omnipack fetches: http, https and file are"))),
        }
    }
}

/// As the user wrote it, without a password.
impl std::fmt::Display for Location {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::StandardInput => formatter.write_str("standard input"),
            Self::Path(path) => write!(formatter, "{}", path.display()),
            Self::Url(url) => formatter.write_str(&resolve::without_credentials(url.as_str())),
        }
    }
}

/// The top of a repository with repodata.
#[derive(Debug)]
pub enum Place {
    /// The directory that `repodata` is in.
    Directory(PathBuf),
    /// The directory with `repomd.xml` and everything it names, whatever it is called.
    Repodata(PathBuf),
    /// The top, with a slash at its end; files are kept in the cache.
    Url(Url, Fetcher),
}

/// How files of an address are fetched, also later on.
#[derive(Debug, Clone)]
pub struct Fetcher {
    cache: PathBuf,
    offline: bool,
}

impl Fetcher {
    fn of(resolver: &Resolver<'_>) -> Self {
        Self { cache: resolver.cache_directory().to_path_buf(), offline: resolver.is_offline() }
    }

    fn fetch(&self, url: &Url, freshness: Freshness<'_>) -> Result<PathBuf, Error> {
        Ok(resolve::fetch_metadata(&self.cache, self.offline, url.as_str(), freshness)?)
    }
}

/// What is at a location.
pub enum Found {
    Repository(Place),
    /// A list of packages, perhaps compressed.
    List(Box<dyn Read>),
}

/// Looks at `location` for what packages of `format` are listed in.
pub fn found(location: &Location, format: PackageFormat, resolver: &Resolver<'_>) -> Result<Found, Error> {
    let fault = |reason: &str| Error::Location { location: location.to_string(), reason: reason.to_owned() };
    let path = match (location, format) {
        (Location::StandardInput, _) => return Ok(Found::List(Box::new(std::io::stdin()))),
        (Location::Url(url), PackageFormat::Rpm) => {
            return Ok(Found::Repository(Place::url(url.clone(), Fetcher::of(resolver))));
        }
        (Location::Url(url), PackageFormat::Deb) => Fetcher::of(resolver).fetch(url, Freshness::Anew)?,
        (Location::Path(path), _) => path.clone(),
    };
    if path.is_dir() {
        return match (Place::directory(&path), format) {
            (Some(place), PackageFormat::Rpm) => Ok(Found::Repository(place)),
            (Some(_), PackageFormat::Deb) => Err(fault("it has RPMs, and the target's packages are .deb")),
            (None, PackageFormat::Rpm) => Err(fault("there is no `repodata/repomd.xml` in it")),
            (None, PackageFormat::Deb) => Err(fault("it is a directory")),
        };
    }
    match File::open(&path) {
        Ok(file) => Ok(Found::List(Box::new(file))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(fault("there is no such file or directory")),
        Err(error) => Err(error.into()),
    }
}

impl Place {
    /// The repository in `directory`, if there is one.
    fn directory(directory: &Path) -> Option<Self> {
        if directory.join("repodata/repomd.xml").is_file() {
            return Some(Self::Directory(directory.to_path_buf()));
        }
        directory.join("repomd.xml").is_file().then(|| Self::Repodata(directory.to_path_buf()))
    }

    /// The repository at `url`: its top, its `repodata` or its `repomd.xml`.
    fn url(mut url: Url, fetcher: Fetcher) -> Self {
        let path = url.path().trim_end_matches('/').to_owned();
        let path =
            path.strip_suffix("/repodata/repomd.xml").or_else(|| path.strip_suffix("/repodata")).unwrap_or(&path);
        url.set_path(&format!("{path}/"));
        Self::Url(url, fetcher)
    }

    /// What a message calls a file of it.
    pub fn label(&self, name: &str) -> String {
        match self {
            Self::Directory(directory) => directory.join("repodata").join(name).display().to_string(),
            Self::Repodata(directory) => directory.join(name).display().to_string(),
            Self::Url(url, _) => resolve::without_credentials(below(url, &format!("repodata/{name}")).as_str()),
        }
    }

    /// `repomd.xml`, and what a message calls it.
    pub fn repomd(&self) -> Result<(File, String), Error> {
        let path = match self {
            Self::Directory(directory) => directory.join("repodata/repomd.xml"),
            Self::Repodata(directory) => directory.join("repomd.xml"),
            Self::Url(url, fetcher) => fetcher.fetch(&below(url, "repodata/repomd.xml"), Freshness::Anew)?,
        };
        Ok((File::open(path)?, self.label("repomd.xml")))
    }

    /// The file that `repomd.xml` has at `href`, and what a message calls it.
    pub fn file(&self, href: &str, sha256: Option<&str>) -> Result<(File, String), Error> {
        let name = href.rsplit('/').next().unwrap_or(href);
        let strange =
            |part: &str| part.is_empty() || part == "." || part == ".." || part.contains(['\\', '?', '#', ':', '%']);
        if href.split('/').any(strange) || href.chars().any(char::is_control) {
            let reason = format!("it has a file at `{}`, which is not below the repository", href.escape_debug());
            return Err(Error::Damaged { file: self.label("repomd.xml"), reason });
        }
        let label = self.label(name);
        let path = match self {
            Self::Directory(directory) => directory.join(href),
            Self::Repodata(directory) => directory.join(name),
            Self::Url(url, fetcher) => {
                fetcher.fetch(&below(url, href), sha256.map_or(Freshness::Anew, Freshness::Sha256))?
            }
        };
        Ok((File::open(path)?, label))
    }
}

fn below(url: &Url, path: &str) -> Url {
    let mut below = url.clone();
    below.set_path(&format!("{}{path}", url.path()));
    below
}
