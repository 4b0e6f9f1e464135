//! The application's own wheel.

use std::path::Path;

use fs_err as fs;

use super::build::{Built, Subject};
use super::cache::{Cache, digest, sha256_file};
use super::lock::{Freshness, listing};
use super::modules;
use super::pylock::{Package, Pylock};
use super::requests::Request;
use super::requirements::RequirementFiles;
use super::session::Session;
use super::tags::WheelName;
use super::taken::Taken;
use super::target::Target;
use super::tree::SourceTree;
use super::{Error, Resolver, Wheel, WheelRole, wheelhouse};
use crate::project::Source;

impl Resolver<'_> {
    pub(super) fn application_wheel(
        &self,
        source: &Source,
        target: &Target,
        session: &Session,
    ) -> Result<Wheel, Error> {
        match source {
            Source::Wheel(path) => given(path, target, &self.cache),
            Source::Directory(path) => wheel(&self.build_directory(path, target, session)?),
            Source::Modules(path) => wheel(&self.build_modules(path)?),
            Source::Sdist(path) => {
                let file_name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                let subject = Subject { name: &file_name, version: "" };
                wheel(&self.build_sdist(path, &sha256_file(path)?, &subject, target, session)?)
            }
            Source::Requirement(text) => match &self.options.wheels {
                Some(directory) => wheelhouse::application(directory, text, target, &self.cache),
                None => self.required(text, target, session),
            },
        }
    }

    fn build_modules(&self, directory: &Path) -> Result<Built, Error> {
        let tree = SourceTree::read(directory)?;
        let directory = tree.root();
        // Before it is asked what is known: what is not packed is said each time.
        let taken = Taken::of(directory)?;
        for warning in taken.warnings() {
            self.warn_once(warning);
        }
        let title = match &self.options.name {
            Some(name) => name.clone(),
            None => directory.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        };
        let place = directory.display().to_string();
        let rule = format!("modules {}", env!("CARGO_PKG_VERSION"));
        let files = taken.files.iter().map(|file| file.to_string_lossy().into_owned());
        let key = digest([rule, place, title.clone(), tree.digest(&tree.contents()?)].into_iter().chain(files));
        if let Some(built) = self.recall_build(&key) {
            return Ok(built);
        }
        let scratch = self.cache.scratch()?;
        let path = modules::build(directory, &title, &taken, scratch.path())?;
        let file_name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        self.keep_build(&key, &path, &file_name)
    }

    /// The wheel of a requirement, alone: what it needs comes later.
    fn required(&self, text: &str, target: &Target, session: &Session) -> Result<Wheel, Error> {
        let package = self.required_package(text, target, session)?;
        let (mut wheel, _) = self.materialise(&package, &std::path::absolute(".")?, &[], target, session)?;
        wheel.role = WheelRole::Application;
        Ok(wheel)
    }

    /// What the index, or wherever the requirement points, has of it.
    pub(super) fn required_package(&self, text: &str, target: &Target, session: &Session) -> Result<Package, Error> {
        let scratch = self.cache.scratch()?;
        let file = scratch.path().join("application.in");
        fs::write(&file, format!("{text}\n"))?;
        let request =
            Request { directory: std::path::absolute(".")?, files: vec![file], no_deps: true, ..Request::default() };
        let mut parts = vec!["application".to_owned(), text.to_owned(), target.describe()];
        parts.extend(session.indexes.fingerprint());
        for link in session.indexes.find_links.iter().filter(|link| !link.contains("://")) {
            parts.extend(listing(Path::new(link)));
        }
        let key = digest(parts);
        let mut pins = RequirementFiles::default();
        pins.read_requirement(text);
        let fresh = if pins.local { Freshness::Never } else { Freshness::Pinned(&pins.pinned) };
        let pylock = self.compiled(&key, fresh, &request, target, session)?;
        let packages = Pylock::parse(&pylock, "the resolver's answer")?.for_target(target, "the resolver's answer")?;
        packages.into_iter().next().ok_or_else(|| Error::Input {
            file: text.to_owned(),
            reason: "its marker does not hold for the target".to_owned(),
            help: "leave the marker out".to_owned(),
        })
    }
}

fn wheel(built: &Built) -> Result<Wheel, Error> {
    let name = WheelName::parse(&built.file_name)
        .map_err(|reason| Error::BadWheel { file: built.file_name.clone(), reason })?;
    Ok(Wheel {
        name: name.name,
        version: name.version,
        file_name: built.file_name.clone(),
        path: built.path.clone(),
        sha256: built.sha256.clone(),
        direct_url: None,
        role: WheelRole::Application,
    })
}

/// A wheel that the user has: checked for the target, left where it is.
fn given(path: &Path, target: &Target, cache: &Cache) -> Result<Wheel, Error> {
    let file_name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let bad = |reason: String| Error::BadWheel { file: path.display().to_string(), reason };
    let name = WheelName::parse(&file_name).map_err(bad)?;
    if target.tags.rank(&name).is_none() {
        return Err(Error::NoWheel {
            name: name.name.clone(),
            version: name.version.clone(),
            target: target.describe().into(),
            reason: format!("`{file_name}` is for {}", name.tag()),
            help: "name a wheel for the target's Python and platform, or the project's source".into(),
        });
    }
    let built = Built { path: std::path::absolute(path)?, sha256: cache.sha256_of(path)?, file_name };
    wheel(&built)
}
