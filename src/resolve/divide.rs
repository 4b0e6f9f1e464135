//! A lock divided between what is bundled and what packages of the target bring.
//!
//! Everything is locked as if it were bundled. Then some distributions are left to the target's packages, and with them goes
//! what nothing else needs: their packages bring it. What an extra of such a distribution needs stays, since its package
//! brings the distribution alone.

use std::collections::{BTreeMap, BTreeSet};

use pep508_rs::{Requirement, VerbatimUrl};

use super::requirements::{RequirementFiles, application_requirements, own_requirements};
use super::tags::normalize;
use super::target::Target;
use super::wheelhouse::requires_dist;
use super::{Error, Lock, Resolver, Wheel, WheelRole};
use crate::plan::{Interpreter, Platform};
use crate::project::{Metadata, PythonSettings, parse_requirement};

/// A lock in two parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Division {
    /// What is bundled; its text still pins everything.
    pub bundled: Lock,
    /// What packages of the target bring: what was asked for, and what only that needs. Sorted by name.
    pub left: Vec<Wheel>,
    /// What the application, the requirement files and bundled distributions require of those that are left, one requirement
    /// each, without marker and extras.
    pub requirements: Vec<String>,
}

impl Resolver<'_> {
    /// Leaves the distributions `left` (normalised names) of `lock` to packages of the target.
    ///
    /// # Errors
    /// When a wheel or a requirement file cannot be read.
    pub fn divide(
        &self,
        lock: &Lock,
        left: &BTreeSet<String>,
        settings: &PythonSettings,
        metadata: &Metadata,
        interpreter: &Interpreter,
        platform: &Platform,
    ) -> Result<Division, Error> {
        let target = Target::new(interpreter, platform)?;
        let application = lock.wheels.iter().find(|wheel| wheel.role == WheelRole::Application);
        let mut extras = settings.extras.clone();
        let asked = self.asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        extras.extend(application.and_then(|wheel| asked.get(&wheel.sha256)).cloned().unwrap_or_default());
        drop(asked);
        let graph = Graph::read(lock, &target)?;
        let mut roots = application_requirements(&metadata.name, &metadata.requires_dist, &extras, &target)?;
        roots.extend(own_requirements(settings));
        roots.extend(RequirementFiles::read(&settings.requirements)?.lines());
        // A lock may have more than what is asked for: development groups, say. All of that is bundled.
        let known = graph.walk(roots.clone(), &BTreeSet::new()).reached;
        roots.extend(graph.requires.keys().filter(|name| !known.contains(*name)).cloned());
        let walk = graph.walk(roots, left);
        let stays = |wheel: &Wheel| {
            let needed = walk.reached.contains(&wheel.name) && !left.contains(&wheel.name);
            needed || wheel.role == WheelRole::Application
        };
        let (bundled, left) = lock.wheels.iter().cloned().partition(stays);
        let bundled = Lock { wheels: bundled, pylock: lock.pylock.clone() };
        Ok(Division { bundled, left, requirements: walk.asked.into_iter().collect() })
    }

    /// Distributions of `lock` that need one of `bundled` (normalised names) and are none of them, each with that one: where
    /// they are the target's, they find it in place of their own.
    ///
    /// # Errors
    /// When a wheel cannot be read.
    pub fn leaning(
        &self,
        lock: &Lock,
        bundled: &BTreeSet<String>,
        interpreter: &Interpreter,
        platform: &Platform,
    ) -> Result<BTreeMap<String, String>, Error> {
        let target = Target::new(interpreter, platform)?;
        let graph = Graph::read(lock, &target)?;
        let others = graph.requires.keys().filter(|name| !bundled.contains(*name));
        let needed = |line: &String| {
            let requirement = parse_requirement::<VerbatimUrl>(line).ok()?;
            Some(normalize(requirement.name.as_ref())).filter(|name| bundled.contains(name))
        };
        let leans = |name: &String| Some((name.clone(), graph.needs(name, &[]).iter().find_map(needed)?));
        Ok(others.filter_map(leans).collect())
    }
}

/// What the wheels of a lock require.
struct Graph<'a> {
    target: &'a Target,
    /// `Requires-Dist` by normalised name.
    requires: BTreeMap<String, Vec<String>>,
}

#[derive(Default)]
struct Walk {
    /// Normalised names.
    reached: BTreeSet<String>,
    /// Requirements of where the walk was not to go on.
    asked: BTreeSet<String>,
}

impl<'a> Graph<'a> {
    fn read(lock: &Lock, target: &'a Target) -> Result<Self, Error> {
        let mut requires = BTreeMap::new();
        for wheel in lock.wheels.iter().filter(|wheel| wheel.role == WheelRole::Dependency) {
            // The index has metadata with versions from before PEP 440, which resolvers pass over, too.
            let mut lines = requires_dist(&wheel.path)?;
            lines.retain(|line| parse_requirement::<VerbatimUrl>(line).is_ok());
            requires.insert(wheel.name.clone(), lines);
        }
        Ok(Self { target, requires })
    }

    /// All that `roots` need in turn, but what only distributions of `stop` need.
    fn walk(&self, roots: Vec<String>, stop: &BTreeSet<String>) -> Walk {
        let mut walk = Walk::default();
        let mut seen = BTreeSet::new();
        let mut queue = roots;
        while let Some(line) = queue.pop() {
            if !seen.insert(line.clone()) {
                continue;
            }
            let Ok(requirement) = parse_requirement::<VerbatimUrl>(&line) else { continue };
            let name = normalize(requirement.name.as_ref());
            if !self.requires.contains_key(&name) || !self.target.accepts(&requirement.marker, &[]) {
                continue;
            }
            walk.reached.insert(name.clone());
            let extras = requirement.extras.iter().map(ToString::to_string).collect::<Vec<_>>();
            if stop.contains(&name) {
                walk.asked.insert(without_extras(requirement));
                let usual = self.needs(&name, &[]);
                queue.extend(self.needs(&name, &extras).into_iter().filter(|line| !usual.contains(line)));
            } else {
                queue.extend(self.needs(&name, &extras));
            }
        }
        walk
    }

    fn needs(&self, name: &str, extras: &[String]) -> Vec<String> {
        let lines = self.requires.get(name).map(Vec::as_slice).unwrap_or_default();
        application_requirements(name, lines, extras, self.target).unwrap_or_default()
    }
}

fn without_extras(requirement: Requirement<VerbatimUrl>) -> String {
    super::requirements::plain(&Requirement { extras: Vec::new(), ..requirement })
}
