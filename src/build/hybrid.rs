//! Part of the lock bundled, part left to packages of the target: builds with `system-packages`, and spec files that bundle
//! what repositories lack.

use std::collections::{BTreeMap, BTreeSet};

use super::Session;
use crate::Error as AnyError;
use crate::distribution::Distribution;
use crate::plan::requirement::{self, Translation, Vocabulary};
use crate::plan::{self, BuildPlan, Relation, RelationKind, SYSTEM_PACKAGES};
use crate::project::PythonSettings;
use crate::resolve::{self, Lock, WheelRole};
use crate::spec::satisfy::{self, Location, Machine, Need, Repositories};
use crate::spec::{self, Hybrid, SpecFiles};

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
        let unmatched = unmatched(plan, &lock, &left, &vocabulary)?;
        plan.notes.extend(unmatched);
        let names = left.keys().cloned().collect::<BTreeSet<_>>();
        let division =
            self.resolver.divide(&lock, &names, &plan.python, &plan.metadata, &plan.interpreter, &plan.platform)?;
        let environment = resolve::marker_environment(&plan.interpreter, &plan.platform)?;
        let versions = requirement::translate(&division.requirements, &[], &environment, &vocabulary)?;
        plan.notes.extend(versions.iter().flat_map(|translation| translation.open.clone()));
        let relations = versions.into_iter().flat_map(|translation| translation.relations);
        require(plan, relations.collect());
        let bundled = division.bundled.wheels.iter().map(|wheel| wheel.name.clone()).collect();
        let leaning = self.resolver.leaning(&lock, &bundled, &plan.interpreter, &plan.platform)?;
        plan.left_out = division.left.into_iter().map(|wheel| wheel.name).collect();
        plan.notes.extend(leaning.iter().filter(|(name, _)| plan.left_out.contains(name)).map(|(name, on)| {
            format!("{name} of the distribution will find the {on} that is bundled in place of its own; leave that out, too, if they do not agree")
        }));
        Ok(division.bundled)
    }
}

impl Session<'_> {
    /// A spec file for one distribution, which bundles what the repositories do not have.
    pub(super) fn hybrid_spec_files(
        &self,
        distribution: &Distribution,
        repositories: &[Location],
    ) -> Result<(BuildPlan, SpecFiles), AnyError> {
        self.config.check_for_spec(distribution, &spec::rules())?;
        let architecture = plan::platform(distribution, &self.request.machine)?.architecture;
        self.listener.step(&format!("{}: reading the repositories", distribution.name));
        let machine = Machine { format: distribution.format, architecture: &architecture };
        let repositories = Repositories::open(repositories, machine, &self.resolver).map_err(spec::Error::from)?;
        let mut notes = Vec::new();
        let (plan, mut files) = self.with_spec_input(distribution, |input| {
            let Some(hybrid) = self.missing(input, &repositories, &mut notes)? else {
                return Ok(spec::generate(input)?);
            };
            let adapted = hybrid.adapted(input.plan);
            Ok(spec::generate(&spec::Input { plan: &adapted, hybrid: Some(&hybrid), ..*input })?)
        })?;
        files.notes.extend(notes);
        for note in &files.notes {
            self.listener.warning(note);
        }
        Ok((plan, files))
    }

    /// What has to be bundled, if anything has to.
    fn missing(
        &self,
        input: &spec::Input<'_>,
        repositories: &Repositories,
        notes: &mut Vec<String>,
    ) -> Result<Option<Hybrid>, AnyError> {
        let plan = input.plan;
        let distribution = &plan.distribution;
        // A package that requires its libraries takes no plugins.
        let settings = PythonSettings { plugins: None, ..plan.python.clone() };
        let (interpreter, platform) = (&plan.interpreter, &plan.platform);
        let application = self.application(distribution)?;
        self.listener.step(&format!("{}: resolving for Python {}", distribution.name, interpreter.version));
        let workshop = self.workshop(distribution)?;
        let lock =
            self.resolver.at(&workshop).resolve(&settings, &plan.metadata, &application, interpreter, platform)?;
        let vocabulary = Vocabulary::new(distribution, interpreter.version, input.package_map);
        let all = lock.wheels.iter().filter(|wheel| wheel.role == WheelRole::Dependency).map(|wheel| &wheel.name);
        let all = all.cloned().collect::<BTreeSet<_>>();
        // What `system-packages` names is required, whatever the repositories have.
        let wanted = named(plan, &lock, &vocabulary)?;
        notes.extend(unmatched(plan, &lock, &wanted, &vocabulary)?);
        let mut reasons: BTreeMap<String, String> = BTreeMap::new();
        loop {
            // What is bundled has requirements of its own, which may be missing as well.
            let left = all.iter().filter(|name| !reasons.contains_key(*name)).cloned().collect();
            let division = self.resolver.divide(&lock, &left, &settings, &plan.metadata, interpreter, platform)?;
            let asked = requirement::translate(&division.requirements, &[], input.environment, &vocabulary)?;
            let rows = satisfy::check(&asked, Need::Install, repositories).map_err(spec::Error::from)?;
            let known = reasons.len();
            let unmet = asked.iter().zip(&rows).filter(|(_, row)| !row.is_satisfied());
            let unmet =
                unmet.map(|(translation, row)| (distribution_of(translation), spec::hybrid::why(translation, row)));
            reasons.extend(unmet.filter(|(name, _)| !wanted.contains_key(name)));
            let bundled = reasons.keys().cloned().collect();
            for (name, on) in self.resolver.leaning(&lock, &bundled, interpreter, platform)? {
                if !wanted.contains_key(&name) {
                    reasons.insert(name, format!("it would find the bundled {on} in place of its own"));
                }
            }
            if reasons.is_empty() {
                return Ok(None);
            }
            if reasons.len() == known {
                let wheels = division.bundled.wheels.into_iter();
                let bundled = wheels.filter_map(|wheel| Some((reasons.get(&wheel.name)?.clone(), wheel)));
                let bundled = bundled.map(|(why, wheel)| (wheel, why)).collect();
                return Ok(Some(Hybrid::new(bundled, division.requirements, plan)?));
            }
        }
    }
}

/// The normalised name of the distribution that a translation is of.
fn distribution_of(translation: &Translation) -> String {
    let text = translation.requirements.first().map_or("", String::as_str);
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(text.len());
    resolve::normalize(text.get(..end).unwrap_or(text))
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

/// What is to be said of packages of `system-packages` that nothing is left out for.
fn unmatched(
    plan: &BuildPlan,
    lock: &Lock,
    left: &BTreeMap<String, String>,
    vocabulary: &Vocabulary<'_>,
) -> Result<Vec<String>, requirement::Error> {
    let stays = |wheel: &&resolve::Wheel| wheel.role == WheelRole::Dependency && !left.contains_key(&wheel.name);
    let dependencies = lock.wheels.iter().filter(stays);
    let names = dependencies.map(|wheel| wheel.name.as_str()).collect::<Vec<_>>();
    let mut notes = Vec::new();
    for package in plan.python.system_packages.iter().filter(|package| !left.values().any(|known| known == *package)) {
        notes.push(match requirement::resembling(package, names.iter().copied()) {
            // One that could be left out, and must not be.
            Some(resolve::PIP) if plan.python.plugins.is_some() => continue,
            Some(name) => format!(
                "`{package}` of `system-packages` is required, and {name} is bundled all the same: its package is called `{}` on {}, \
                 or `[package-map]` says how",
                vocabulary.package(name)?,
                plan.distribution.title
            ),
            None => format!(
                "`{package}` of `system-packages` is required besides; nothing in the lock is left out for it"
            ),
        });
    }
    Ok(notes)
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
