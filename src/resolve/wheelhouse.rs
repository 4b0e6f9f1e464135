//! `--wheels DIR`: what is needed is taken from a directory of ready wheels, newest first, with no resolver.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use fs_err as fs;
use pep508_rs::{Requirement, VerbatimUrl, VersionOrUrl};

use super::cache::Cache;
use super::pylock::{self, File, Package};
use super::requirements::{RequirementFiles, application_requirements, own_requirements, requirement_lines};
use super::tags::{WheelName, normalize};
use super::target::Target;
use super::{Error, Lock, Wheel, WheelRole};
use crate::project::{Metadata, PythonSettings, parse_requirement};

/// Wheels that the target takes, by normalised name, newest and best first.
struct Wheelhouse {
    directory: PathBuf,
    wheels: BTreeMap<String, Vec<(WheelName, PathBuf)>>,
    /// Name and file name of wheels that do not fit the target.
    unfit: Vec<(String, String)>,
}

/// The wheel of `requirement`.
pub fn application(directory: &Path, requirement: &str, target: &Target, cache: &Cache) -> Result<Wheel, Error> {
    let house = Wheelhouse::read(directory, target)?;
    let (name, path) = house.find(&parse(requirement, requirement)?)?;
    wheel(name, path, WheelRole::Application, cache)
}

/// Everything that the application and the requirement files need.
pub fn lock(
    directory: &Path,
    settings: &PythonSettings,
    metadata: &Metadata,
    application: &Wheel,
    target: &Target,
    cache: &Cache,
) -> Result<Lock, Error> {
    let house = Wheelhouse::read(directory, target)?;
    let files = RequirementFiles::read(&settings.requirements)?;
    let wanted = wanted(&house, settings, metadata, &files, target)?;
    let chosen = closure(&house, wanted, &application.name, target)?;
    let mut wheels = vec![application.clone()];
    let mut packages = Vec::new();
    for (name, path) in chosen.into_values() {
        let wheel = wheel(name, path, WheelRole::Dependency, cache)?;
        check_hash(&wheel, settings, &files)?;
        packages.push(pinned(&wheel));
        wheels.push(wheel);
    }
    wheels.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Lock { wheels, pylock: pylock::write(&packages, target)? })
}

/// What the application, omnipack and the requirement files ask for by themselves.
fn wanted(
    house: &Wheelhouse,
    settings: &PythonSettings,
    metadata: &Metadata,
    files: &RequirementFiles,
    target: &Target,
) -> Result<VecDeque<Requirement<VerbatimUrl>>, Error> {
    let mut wanted = VecDeque::new();
    for line in application_requirements(&metadata.name, &metadata.requires_dist, &settings.extras, target)? {
        wanted.push_back(parse(&line, &metadata.name)?);
    }
    for line in own_requirements(settings) {
        let requirement = parse(&line, "omnipack")?;
        house.find(&requirement).map_err(|error| why(error, "which `plugins` under [python] needs"))?;
        wanted.push_back(requirement);
    }
    for (path, text) in &files.texts {
        for line in requirement_lines(text) {
            let requirement = parse(&line, &path.display().to_string())?;
            if target.accepts(&requirement.marker, &[]) {
                wanted.push_back(requirement);
            }
        }
    }
    Ok(wanted)
}

/// The wheels of `queue` and of all that they need in turn, by normalised name, without `application` itself.
fn closure<'a>(
    house: &'a Wheelhouse,
    mut queue: VecDeque<Requirement<VerbatimUrl>>,
    application: &str,
    target: &Target,
) -> Result<BTreeMap<String, (&'a WheelName, &'a PathBuf)>, Error> {
    let mut chosen: BTreeMap<String, (&WheelName, &PathBuf)> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    while let Some(requirement) = queue.pop_front() {
        let name = normalize(requirement.name.as_ref());
        if name == application || !seen.insert(requirement.to_string()) {
            continue;
        }
        let (wheel_name, path) = match chosen.get(&name) {
            Some(found) if satisfies(&requirement, &found.0.version) => *found,
            Some(_) => return Err(house.missing(&requirement)),
            None => house.find(&requirement)?,
        };
        chosen.insert(name.clone(), (wheel_name, path));
        let extras = requirement.extras.iter().map(ToString::to_string).collect::<Vec<_>>();
        for line in application_requirements(&name, &requires_dist(path)?, &extras, target)? {
            queue.push_back(parse(&line, &name)?);
        }
    }
    Ok(chosen)
}

/// Is the wheel one of those that the requirement files allow by their `--hash`?
fn check_hash(wheel: &Wheel, settings: &PythonSettings, files: &RequirementFiles) -> Result<(), Error> {
    match files.hashes.get(&wheel.name) {
        Some(allowed) if !allowed.contains(&wheel.sha256) => Err(Error::HashMismatch {
            file: wheel.file_name.clone(),
            expected: allowed.join(" or "),
            got: wheel.sha256.clone(),
        }),
        None if settings.require_hashes => Err(Error::NoHash { name: wheel.name.clone() }),
        _ => Ok(()),
    }
}

/// The wheel's entry in the written lock.
fn pinned(wheel: &Wheel) -> Package {
    let file = File {
        path: Some(wheel.file_name.clone()),
        hashes: [("sha256".to_owned(), wheel.sha256.clone())].into(),
        ..File::default()
    };
    Package { name: wheel.name.clone(), ..Package::default() }.pinned(&wheel.version, Some(&file))
}

impl Wheelhouse {
    fn read(directory: &Path, target: &Target) -> Result<Self, Error> {
        let mut wheels: BTreeMap<String, Vec<_>> = BTreeMap::new();
        let mut unfit = Vec::new();
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            let file_name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let Ok(name) = WheelName::parse(&file_name) else { continue };
            match target.tags.rank(&name) {
                Some(rank) => wheels.entry(name.name.clone()).or_default().push((rank, name, path)),
                None => unfit.push((name.name, file_name)),
            }
        }
        let sorted = wheels.into_iter().map(|(name, mut list)| {
            list.sort_by(|(rank, one, _), (other_rank, other, _)| {
                let version = |name: &WheelName| name.version.parse::<pep440_rs::Version>().ok();
                version(other).cmp(&version(one)).then(rank.cmp(other_rank)).then(other.build.cmp(&one.build))
            });
            (name, list.into_iter().map(|(_, name, path)| (name, path)).collect())
        });
        unfit.sort();
        Ok(Self { directory: directory.to_path_buf(), wheels: sorted.collect(), unfit })
    }

    fn find(&self, requirement: &Requirement<VerbatimUrl>) -> Result<(&WheelName, &PathBuf), Error> {
        let candidates = self.wheels.get(&normalize(requirement.name.as_ref()));
        candidates
            .and_then(|list| list.iter().find(|(name, _)| satisfies(requirement, &name.version)))
            .map(|(name, path)| (name, path))
            .ok_or_else(|| self.missing(requirement))
    }

    fn missing(&self, requirement: &Requirement<VerbatimUrl>) -> Error {
        let specifier = match &requirement.version_or_url {
            Some(VersionOrUrl::VersionSpecifier(specifiers)) => format!(" {specifiers}"),
            _ => String::new(),
        };
        let wanted = normalize(requirement.name.as_ref());
        let unfit = self.unfit.iter().filter(|(name, _)| *name == wanted).map(|(_, file)| file.as_str());
        let unfit = unfit.collect::<Vec<_>>().join(", ");
        let others = if unfit.is_empty() { unfit } else { format!(" for the target (there is {unfit})") };
        Error::NotInWheels { dir: self.directory.clone(), name: requirement.name.to_string(), specifier, others }
    }
}

/// The error with a reason why the wheel is wanted.
fn why(error: Error, reason: &str) -> Error {
    match error {
        Error::NotInWheels { dir, name, specifier, others } => {
            Error::NotInWheels { dir, name, specifier, others: format!("{others}, {reason}") }
        }
        other => other,
    }
}

fn satisfies(requirement: &Requirement<VerbatimUrl>, version: &str) -> bool {
    match (&requirement.version_or_url, version.parse()) {
        (Some(VersionOrUrl::VersionSpecifier(specifiers)), Ok(version)) => specifiers.contains(&version),
        _ => true,
    }
}

fn parse(line: &str, file: &str) -> Result<Requirement<VerbatimUrl>, Error> {
    parse_requirement(line).map_err(|reason| Error::Input {
        file: file.to_owned(),
        reason: format!("`{line}`: {reason}"),
        help: "with `--wheels`, requirements are `name` with versions, extras and markers".to_owned(),
    })
}

fn wheel(name: &WheelName, path: &Path, role: WheelRole, cache: &Cache) -> Result<Wheel, Error> {
    Ok(Wheel {
        name: name.name.clone(),
        version: name.version.clone(),
        file_name: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        path: std::path::absolute(path)?,
        sha256: cache.sha256_of(path)?,
        direct_url: None,
        role,
    })
}

/// No `METADATA` comes near this size, in bytes.
const LARGEST_METADATA: u64 = 64 << 20;

/// `Requires-Dist` of the wheel at `path`.
pub fn requires_dist(path: &Path) -> Result<Vec<String>, Error> {
    let bad = |reason: String| Error::BadWheel { file: path.display().to_string(), reason };
    let mut archive = zip::ZipArchive::new(fs::File::open(path)?).map_err(|error| bad(error.to_string()))?;
    let name = archive
        .file_names()
        .flatten()
        .find(|name| name.ends_with(".dist-info/METADATA") && name.matches('/').count() == 1);
    let name = name.map(std::borrow::Cow::into_owned).ok_or_else(|| bad("it has no METADATA".to_owned()))?;
    let mut text = Vec::new();
    let member = archive.by_name(&name).map_err(|error| bad(error.to_string()))?;
    std::io::Read::read_to_end(&mut std::io::Read::take(member, LARGEST_METADATA), &mut text)?;
    let metadata = python_pkginfo::Metadata::parse(&text).map_err(|error| bad(error.to_string()))?;
    Ok(metadata.requires_dist)
}
