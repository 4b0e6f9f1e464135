//! Builds that leave part of the lock to packages of the target (`system-packages`).

use std::collections::{BTreeMap, BTreeSet};

use super::Session;
use crate::Error as AnyError;
use crate::plan::requirement::{self, Vocabulary};
use crate::plan::{BuildPlan, Relation, RelationKind, SYSTEM_PACKAGES};
use crate::resolve::{self, Lock, WheelRole};

impl Session<'_> {
    /// The lock without what the packages of `system-packages` bring, which the main package of `plan` then requires in
    /// the versions that are asked for.
    pub(super) fn leave_to_the_target(&self, plan: &mut BuildPlan, lock: Lock) -> Result<Lock, AnyError> {
        if plan.python.system_packages.is_empty() {
            return Ok(lock);
        }
        let distribution = plan.distribution.clone();
        let map = self.config.project(&self.source, plan.metadata.clone(), &distribution)?.package_map;
        let vocabulary = Vocabulary::new(&distribution, plan.interpreter.version, &map);
        let left = named(plan, &lock, &vocabulary)?;
        let names = left.keys().cloned().collect::<BTreeSet<_>>();
        let division =
            self.resolver.divide(&lock, &names, &plan.python, &plan.metadata, &plan.interpreter, &plan.platform)?;
        let environment = resolve::marker_environment(&plan.interpreter, &plan.platform)?;
        let versions = requirement::translate(&division.requirements, &[], &environment, &vocabulary)?;
        plan.notes.extend(versions.iter().flat_map(|translation| translation.open.clone()));
        let relations = versions.into_iter().flat_map(|translation| translation.relations);
        require(plan, relations.collect());
        plan.left_out = division.left.into_iter().map(|wheel| wheel.name).collect();
        Ok(division.bundled)
    }
}

/// The distributions of the lock that packages of `system-packages` bring, and those packages.
fn named(
    plan: &BuildPlan,
    lock: &Lock,
    vocabulary: &Vocabulary<'_>,
) -> Result<BTreeMap<String, String>, requirement::Error> {
    let packages = &plan.python.system_packages;
    let mut left = BTreeMap::new();
    for wheel in lock.wheels.iter().filter(|wheel| wheel.role == WheelRole::Dependency) {
        // Operators install plugins with a pip that the application brings.
        if wheel.name == resolve::PIP && plan.python.plugins.is_some() {
            continue;
        }
        let names = [vocabulary.package(&wheel.name)?, vocabulary.name(&wheel.name)?];
        if let Some(package) = packages.iter().find(|package| names.contains(package)) {
            left.insert(wheel.name.clone(), package.clone());
        }
    }
    Ok(left)
}

/// Has the main package require `relations`. What is required in certain versions is not required in any besides.
fn require(plan: &mut BuildPlan, relations: Vec<Relation>) {
    let Some(main) = plan.packages.first_mut() else { return };
    let precise = |known: &Relation| {
        known.reason == SYSTEM_PACKAGES
            && relations.iter().any(|relation| {
                relation.kind == RelationKind::Requires && relation.name.split(' ').next() == Some(&known.name)
            })
    };
    main.relations.retain(|known| !precise(known));
    main.relations.extend(
        relations
            .into_iter()
            .map(|relation| Relation { reason: format!("{SYSTEM_PACKAGES}: {}", relation.reason), ..relation }),
    );
}
