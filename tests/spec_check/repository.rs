//! Repositories of small real RPMs, and what omnipack reads of them.

use std::path::{Path, PathBuf};

use omnipack::distribution::PackageFormat;
use omnipack::exec::Command;
use omnipack::plan::{Relation, RelationKind};
use omnipack::progress::Silent;
use omnipack::resolve::{Options, Resolver};
use omnipack::spec::satisfy::{Error, Location, Machine, Repositories};
use rpm::{Dependency, DependencyFlags, PackageBuilder};

use crate::support::expect_success;

/// A package in the making.
#[derive(Debug, Clone, Default)]
pub struct Rpm {
    pub name: String,
    /// `epoch:version-release`, the epoch only where there is one.
    pub evr: String,
    /// Empty: `noarch`.
    pub architecture: String,
    pub provides: Vec<String>,
    pub requires: Vec<String>,
    pub conflicts: Vec<String>,
    /// Empty ones.
    pub files: Vec<String>,
}

impl Rpm {
    pub fn new(name: &str, evr: &str, provides: &[&str]) -> Self {
        let provides = provides.iter().map(|text| (*text).to_owned()).collect();
        Self { name: name.to_owned(), evr: evr.to_owned(), provides, ..Self::default() }
    }

    fn write(&self, directory: &Path) {
        let (epoch, rest) = self.evr.split_once(':').unwrap_or(("0", &self.evr));
        let (version, release) = rest.rsplit_once('-').unwrap();
        let architecture = if self.architecture.is_empty() { "noarch" } else { &self.architecture };
        let mut builder = PackageBuilder::new(&self.name, version, "MIT", architecture, "a package of the tests");
        builder.release(release).epoch(epoch.parse().unwrap());
        for text in &self.provides {
            builder.provides(dependency(text));
        }
        for text in &self.requires {
            builder.requires(dependency(text));
        }
        for text in &self.conflicts {
            builder.conflicts(dependency(text));
        }
        for path in &self.files {
            builder.with_file_contents(Vec::<u8>::new(), rpm::FileOptions::new(path.clone())).unwrap();
        }
        let file = format!("{}-{}-{release}.{architecture}.rpm", self.name, version);
        builder.build().unwrap().write_file(directory.join(file)).unwrap();
    }
}

/// `name`, `name >= 1`, or a rich dependency.
fn dependency(text: &str) -> Dependency {
    let words = text.split(' ').collect::<Vec<_>>();
    let [name, operator, version] = words.as_slice() else { return Dependency::any(text) };
    if name.starts_with('(') {
        return Dependency::any(text);
    }
    let flags = match *operator {
        "<" => DependencyFlags::LESS,
        "<=" => DependencyFlags::LE,
        "=" => DependencyFlags::EQUAL,
        ">=" => DependencyFlags::GE,
        ">" => DependencyFlags::GREATER,
        other => panic!("{other} in {text}"),
    };
    Dependency { name: (*name).to_owned(), flags, version: (*version).to_owned() }
}

/// Writes `packages` into `directory`, and has createrepo_c make the metadata.
pub fn make(directory: &Path, packages: &[Rpm], options: &[&str]) {
    fs_err::create_dir_all(directory).unwrap();
    for package in packages {
        package.write(directory);
    }
    expect_success(&Command::new("createrepo_c").args(["--quiet"]).args(options.iter().copied()).arg(directory));
}

/// A repository such as a release would have, for `x86_64`.
pub fn release() -> Vec<Rpm> {
    let mut packages = vec![
        Rpm::new(
            "python3-flask",
            "1:2.2.2-1.fc42",
            &["python3dist(flask) = 2.2.2", "python3dist(flask[async]) = 2.2.2"],
        ),
        Rpm::new("python3-celery", "5.0~rc1-1.fc42", &["python3dist(celery) = 5~rc1"]),
        Rpm::new(
            "python3-celery",
            "5.2.7-3.fc42",
            &["python3dist(celery) = 5.2.7", "python3dist(celery[redis]) = 5.2.7"],
        ),
        Rpm::new("python3-pytz", "2024.1-1.fc42", &["python3dist(pytz) = 2024.1"]),
        Rpm::new("python3-devel", "3.13.0-1.fc42", &[]),
        Rpm::new("pyproject-rpm-macros", "1.16-1.fc42", &[]),
        Rpm::new("python3-setuptools", "74.1.3-1.fc42", &["python3dist(setuptools) = 74.1.3"]),
    ];
    packages.push(Rpm { architecture: "i686".to_owned(), ..Rpm::new("python3-old", "1-1", &["python3dist(old) = 1"]) });
    packages.push(Rpm {
        files: vec!["/usr/sbin/useradd".to_owned(), "/usr/share/shadow/odd&name".to_owned()],
        ..Rpm::new("shadow-utils", "2:4.15-1.fc42", &[])
    });
    packages
}

pub const MACHINE: Machine<'_> = Machine { format: PackageFormat::Rpm, architecture: "x86_64" };

pub fn open(location: &str, options: Options) -> Result<Repositories, Error> {
    Repositories::open(&[Location::parse(location)?], MACHINE, &Resolver::new(options, &Silent))
}

/// The repository in a directory, which must be sound.
pub fn opened(directory: &Path) -> Repositories {
    open(directory.to_str().unwrap(), Options::default()).unwrap_or_else(|error| panic!("{error}"))
}

pub fn relation(kind: RelationKind, text: &str) -> Relation {
    Relation { kind, name: text.to_owned(), comparison: None, reason: String::new() }
}

pub fn requires(text: &str) -> Relation {
    relation(RelationKind::Requires, text)
}

/// The file of that kind in a repository: `primary.xml`.
pub fn metadata_file(directory: &Path, kind: &str) -> PathBuf {
    let found = fs_err::read_dir(directory.join("repodata")).unwrap().map(|entry| entry.unwrap().path());
    let named = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().contains(kind);
    found.into_iter().find(named).unwrap_or_else(|| panic!("no {kind} in {}", directory.display()))
}
