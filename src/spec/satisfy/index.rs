//! Which packages there are, and what each of them provides.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::expression::Capability;
use super::range::{Range, Sense, compare, overlap};
use crate::distribution::PackageFormat;

/// Number of a package in [`Index::packages`].
pub type Id = u32;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    pub name: Box<str>,
    /// `epoch:version-release`; an epoch of 0 is not said. Empty where nothing is known but what is provided.
    pub version: Box<str>,
    /// Empty where it is not known.
    pub architecture: Box<str>,
}

impl Package {
    /// As package managers show it: `python3-flask-2.0.1-1.noarch`, `python3-flask_2.0.1-1_all`.
    pub fn shown(&self, format: PackageFormat) -> String {
        let (before, last) = match format {
            PackageFormat::Rpm => ("-", "."),
            PackageFormat::Deb => ("_", "_"),
        };
        let mut text = self.name.to_string();
        for (sign, part) in [(before, &self.version), (last, &self.architecture)] {
            if !part.is_empty() {
                text.push_str(sign);
                text.push_str(part);
            }
        }
        text
    }
}

#[derive(Debug, Clone)]
struct Provided {
    package: Id,
    /// The one of the same name before it, in [`Index::provided`].
    before: Option<u32>,
    version: Option<(Sense, Arc<str>)>,
}

/// Made by reading repositories, a package at a time.
#[derive(Debug)]
pub struct Index {
    pub format: PackageFormat,
    packages: Vec<Package>,
    /// Most names are provided once, by one package: a list for each would take most of the memory.
    provided: Vec<Provided>,
    /// The last one of each name.
    last: HashMap<Box<str>, u32>,
    /// Versions of what the package that is being added provides: mostly its own, again and again.
    recent: HashSet<Arc<str>>,
    passed_over: BTreeSet<String>,
}

/// What one package brings with it.
#[derive(Debug, Default)]
pub struct Entry {
    pub name: String,
    pub version: String,
    pub architecture: String,
    pub provides: Vec<Capability>,
    pub files: Vec<String>,
}

impl Index {
    pub fn new(format: PackageFormat) -> Self {
        Self {
            format,
            packages: Vec::new(),
            provided: Vec::new(),
            last: HashMap::new(),
            recent: HashSet::new(),
            passed_over: BTreeSet::new(),
        }
    }

    /// Adds a package. Its own name is not provided unless it is among `provides`.
    pub fn add(&mut self, entry: Entry) -> Id {
        let id = Id::try_from(self.packages.len()).unwrap_or(Id::MAX);
        let Entry { name, version, architecture, provides, files } = entry;
        self.packages.push(Package { name: name.into(), version: version.into(), architecture: architecture.into() });
        self.recent.clear();
        for Capability { name, version } in provides {
            let version = version.map(|(sense, version)| (sense, self.shared(&version)));
            self.provide(name, id, version);
        }
        for file in files {
            self.provide(file, id, None);
        }
        id
    }

    /// The file `path` is in the package `id`, too.
    pub fn add_file(&mut self, id: Id, path: &str) {
        self.provide(path.to_owned(), id, None);
    }

    fn provide(&mut self, name: String, package: Id, version: Option<(Sense, Arc<str>)>) {
        let at = u32::try_from(self.provided.len()).unwrap_or(u32::MAX);
        let before = self.last.insert(name.into(), at);
        self.provided.push(Provided { package, before, version });
    }

    fn shared(&mut self, version: &str) -> Arc<str> {
        if let Some(known) = self.recent.get(version) {
            return Arc::clone(known);
        }
        let made: Arc<str> = version.into();
        self.recent.insert(Arc::clone(&made));
        made
    }

    pub fn len(&self) -> usize {
        self.packages.len()
    }

    pub fn package(&self, id: Id) -> Option<&Package> {
        self.packages.get(id as usize)
    }

    /// By name, version and architecture, for who reads lists of files. Packages that are there twice are one.
    pub fn by_identity(&self) -> HashMap<(&str, &str, &str), Id> {
        let numbered = self.packages.iter().zip(0..);
        numbered.map(|(package, id)| ((&*package.name, &*package.version, &*package.architecture), id)).collect()
    }

    /// Who provides `name` in any version?
    pub fn knows(&self, name: &str) -> bool {
        self.last.contains_key(name)
    }

    /// Packages that provide `capability`.
    pub fn providers(&self, capability: &Capability) -> BTreeSet<Id> {
        let wanted = capability.range();
        let fits = |provided: &&Provided| overlap(self.format, range(provided), wanted);
        self.named(&capability.name).filter(fits).map(|provided| provided.package).collect()
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &Provided> {
        let at = |number: u32| self.provided.get(number as usize);
        let last = self.last.get(name).and_then(|number| at(*number));
        std::iter::successors(last, move |one| one.before.and_then(at))
    }

    /// What there is of `name`, the newest first: `python3dist(flask) = 1.0 (python3-flask-1.0-1.noarch)`.
    pub fn versions(&self, name: &str) -> Vec<String> {
        let mut all = self.named(name).collect::<Vec<_>>();
        let version = |provided: &Provided| provided.version.as_ref().map_or("", |(_, version)| version).to_owned();
        all.sort_by(|one, other| compare(self.format, &version(other), &version(one)));
        let mut seen = BTreeSet::new();
        let texts = all.into_iter().map(|provided| {
            let version = provided.version.as_ref().map(|(sense, version)| (*sense, version.to_string()));
            let capability = Capability { name: name.to_owned(), version }.to_string();
            match self.package(provided.package).filter(|package| !package.name.is_empty()) {
                Some(package) => format!("{capability} ({})", package.shown(self.format)),
                None => capability,
            }
        });
        texts.filter(|text| seen.insert(text.clone())).collect()
    }

    /// `packages` as they are shown: by name, the newest first.
    pub fn shown(&self, packages: &BTreeSet<Id>) -> Vec<String> {
        let mut all = packages.iter().filter_map(|id| self.package(*id)).collect::<Vec<_>>();
        all.sort_by(|one, other| {
            one.name.cmp(&other.name).then_with(|| compare(self.format, &other.version, &one.version))
        });
        let mut texts = all.into_iter().map(|package| package.shown(self.format)).collect::<Vec<_>>();
        texts.dedup();
        texts
    }

    /// Counts a package out that is for another architecture.
    pub fn pass_over(&mut self, architecture: &str) {
        if !self.passed_over.contains(architecture) {
            self.passed_over.insert(architecture.to_owned());
        }
    }

    /// The architectures of packages that are not in the index.
    pub const fn passed_over(&self) -> &BTreeSet<String> {
        &self.passed_over
    }
}

fn range(provided: &Provided) -> Option<Range<'_>> {
    provided.version.as_ref().map(|(sense, version)| Range { sense: *sense, version })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_may_provide_a_great_deal() {
        let mut index = Index::new(PackageFormat::Rpm);
        let one = |number: u32| Capability {
            name: format!("c{}", number / 2),
            version: Some((Sense { less: false, equal: true, greater: false }, format!("{}.0", number % 50_000))),
        };
        let started = std::time::Instant::now();
        index.add(Entry { name: "many".to_owned(), provides: (0..100_000).map(one).collect(), ..Entry::default() });
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
        assert_eq!(index.recent.len(), 50_000, "versions are kept once");
        assert_eq!(index.versions("c1").len(), 2);
        assert_eq!(index.providers(&one(3)).len(), 1);
    }
}
