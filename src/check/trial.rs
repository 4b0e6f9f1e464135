//! Writes everything that can be written without the wheels, so that what fails there is found before anything is built:
//! units, init scripts, scriptlets, templates, log rotation, documentation.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Finding, of_error};
use super::subject::Subject;
use crate::Error as AnyError;
use crate::package;
use crate::plan::{BuildPlan, PackagePlan};
use crate::project::{Place, Project, Service};
use crate::resolve::WheelRole;
use crate::service;
use crate::stage::{self, BundledDistribution, Content, Entry, EntryKind, Origin, Stage, TargetPath};

/// All that fails: first each part of each package alone, then the packages as a whole, where parts collide.
pub fn errors(subject: &Subject<'_>, plan: &BuildPlan) -> Vec<Finding> {
    let target = Some(subject.distribution.name.as_str());
    let tree = match tree(plan) {
        Ok(tree) => tree,
        Err(error) => return of_error(&error, target),
    };
    let mut found: Vec<Finding> = Vec::new();
    for Part { package, place } in plan.packages.iter().flat_map(|package| parts(&subject.project, package)) {
        let Err(error) = attempt(plan, &package, &tree) else { continue };
        let place = place.map(|place| key_of(&error).map_or_else(|| place.clone(), |key| place.key(key)));
        let spot = place.and_then(|place| subject.config.nearest_spot(subject.distribution, &place));
        found.extend(of_error(&error, target).into_iter().map(|finding| finding.at(spot.clone())));
    }
    if let Err(error) = package::assemble(plan, &tree) {
        let whole = of_error(&error.into(), target).into_iter();
        let new = whole.filter(|one| !found.iter().any(|known| known.message == one.message)).collect::<Vec<_>>();
        found.extend(new);
    }
    found
}

/// The key of the service that an error is about.
fn key_of(error: &AnyError) -> Option<&'static str> {
    match error {
        AnyError::Service(service::Error::Value { key, .. } | service::Error::CommandLine { key, .. }) => Some(key),
        _ => None,
    }
}

fn attempt(plan: &BuildPlan, package: &PackagePlan, tree: &Stage) -> Result<(), AnyError> {
    let scripts = tree.scripts.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    service::render(plan, package, &scripts)?;
    stage::package_entries(plan, package, tree)?;
    Ok(())
}

/// A package with one of its parts, and where the configuration has that.
struct Part {
    package: PackagePlan,
    place: Option<Place>,
}

/// The package with each of its parts alone: an error stops what it is in, and others may be behind it.
fn parts(project: &Project, package: &PackagePlan) -> Vec<Part> {
    let empty = PackagePlan {
        services: Vec::new(),
        files: Vec::new(),
        logrotate: Vec::new(),
        links: Vec::new(),
        scriptlets: BTreeMap::new(),
        triggers: Vec::new(),
        ..package.clone()
    };
    let place = |table: &str, index: Option<usize>| index.map(|index| Place::at(table).index(index));
    let mut parts = Vec::new();
    for one in &package.services {
        let index = project.services.iter().position(|other| other.name == one.name);
        let package = PackagePlan { services: vec![one.clone()], ..empty.clone() };
        parts.push(Part { package, place: place("service", index) });
    }
    for one in &package.files {
        let index = project.files.iter().position(|other| other.destination == one.destination);
        let package = PackagePlan { files: vec![one.clone()], ..empty.clone() };
        parts.push(Part { package, place: place("file", index).map(|place| place.key("source")) });
    }
    for one in &package.logrotate {
        let index = project.logrotate.iter().position(|other| other.paths == one.paths);
        // It may name one of the services.
        let services = package.services.clone();
        let package = PackagePlan { logrotate: vec![one.clone()], services, ..empty.clone() };
        parts.push(Part { package, place: place("logrotate", index) });
    }
    for one in &package.triggers {
        let index = project.triggers.iter().position(|other| other == one);
        let package = PackagePlan { triggers: vec![one.clone()], ..empty.clone() };
        parts.push(Part { package, place: place("trigger", index) });
    }
    for one in &package.links {
        parts.push(Part { package: PackagePlan { links: vec![one.clone()], ..empty.clone() }, place: None });
    }
    for (kind, text) in &package.scriptlets {
        let package = PackagePlan { scriptlets: [(*kind, text.clone())].into(), ..empty.clone() };
        parts.push(Part { package, place: Some(Place::at("scriptlets")) });
    }
    parts
}

/// A tree with nothing but programs in `bin`: those of the application, and those that are named and may be of what it
/// requires.
fn tree(plan: &BuildPlan) -> Result<Stage, AnyError> {
    let wrong =
        |reason: String| AnyError::from(package::Error::BadPath { package: plan.metadata.name.clone(), reason });
    let prefix = TargetPath::new(&plan.prefix).map_err(wrong)?;
    let bin = prefix.join("bin").map_err(wrong)?;
    let mut tree = Stage::new(prefix);
    if !plan.has_python() {
        return Ok(tree);
    }
    let application = plan.metadata.name.as_str();
    let own = plan.metadata.console_scripts.iter().map(|name| (name.clone(), application.into()));
    let others = named(plan).into_iter().map(|name| (name, "".into()));
    tree.scripts = own.chain(others).collect();
    tree.distributions.push(BundledDistribution {
        name: application.into(),
        version: plan.version.as_str().into(),
        license: plan.license.clone(),
        role: WheelRole::Application,
    });
    let programs = tree.scripts.iter().filter_map(|(name, _)| bin.join(name).ok()).collect::<BTreeSet<_>>();
    let program = |path| Entry::new(path, 0o755, EntryKind::File(Content::Bytes(Vec::new().into())), Origin::Generated);
    tree.entries = programs.into_iter().map(program).collect();
    Ok(tree)
}

/// Programs below the prefix that services and links name.
pub fn named(plan: &BuildPlan) -> BTreeSet<String> {
    let services = plan.packages.iter().flat_map(|package| &package.services).flat_map(programs);
    let links = plan.packages.iter().flat_map(|package| &package.links).filter_map(|links| links.scripts.clone());
    let bin = format!("{}/bin/", plan.prefix);
    let below = |name: String| name.strip_prefix(&bin).map_or_else(|| name.clone(), str::to_owned);
    let names = services.chain(links.flatten()).map(below);
    names.filter(|name| !name.contains('/') && !plan.metadata.console_scripts.contains(name)).collect()
}

/// First words of the commands of a service.
pub fn programs(service: &Service) -> Vec<String> {
    let check = service.check.as_ref().and_then(|check| match &check.probe {
        crate::project::Probe::Command(command) => Some(command.as_str()),
        crate::project::Probe::Http { .. } | crate::project::Probe::Tcp(_) => None,
    });
    let is_signal = |text: &str| text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    let reload = Some(service.reload.as_str()).filter(|reload| !is_signal(reload.trim()));
    let commands = [Some(service.command.as_str()), reload, check].into_iter().flatten();
    commands.filter_map(|command| service::words(command).ok()?.into_iter().next()).collect()
}
