//! Writes everything that can be written without the wheels, so that what fails there is found before anything is built:
//! units, init scripts, scriptlets, templates, log rotation, documentation.

use std::collections::BTreeSet;

use super::finding::{Finding, of_error};
use super::subject::Subject;
use crate::Error as AnyError;
use crate::package;
use crate::plan::{BuildPlan, PackagePlan};
use crate::project::Service;
use crate::resolve::WheelRole;
use crate::service;
use crate::stage::{self, BundledDistribution, Content, Entry, EntryKind, Origin, Stage, TargetPath};

/// All that fails: first each part of each package alone, then the packages as a whole, where parts collide.
pub fn errors(subject: &Subject<'_>, plan: &BuildPlan) -> Vec<Finding> {
    let mut found = Vec::new();
    match tree(plan) {
        Ok(tree) => {
            for package in plan.packages.iter().flat_map(parts) {
                found.extend(attempt(plan, &package, &tree).err());
            }
            found.extend(package::assemble(plan, &tree).map(drop).err().map(AnyError::from));
        }
        Err(error) => found.push(error),
    }
    let target = subject.distribution.name.as_str();
    found.iter().flat_map(|error| of_error(error, Some(target))).collect()
}

fn attempt(plan: &BuildPlan, package: &PackagePlan, tree: &Stage) -> Result<(), AnyError> {
    let scripts = tree.scripts.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    service::render(plan, package, &scripts)?;
    stage::package_entries(plan, package, tree)?;
    Ok(())
}

/// The package with each of its parts alone: an error stops what it is in, and others may be behind it.
fn parts(package: &PackagePlan) -> Vec<PackagePlan> {
    let empty = PackagePlan {
        services: Vec::new(),
        files: Vec::new(),
        logrotate: Vec::new(),
        links: Vec::new(),
        scriptlets: std::collections::BTreeMap::new(),
        triggers: Vec::new(),
        ..package.clone()
    };
    let services = package.services.iter().map(|one| PackagePlan { services: vec![one.clone()], ..empty.clone() });
    let files = package.files.iter().map(|one| PackagePlan { files: vec![one.clone()], ..empty.clone() });
    let triggers = package.triggers.iter().map(|one| PackagePlan { triggers: vec![one.clone()], ..empty.clone() });
    let links = package.links.iter().map(|one| PackagePlan { links: vec![one.clone()], ..empty.clone() });
    let scriptlets = package.scriptlets.iter().map(|(kind, text)| PackagePlan {
        scriptlets: [(*kind, text.clone())].into(),
        ..empty.clone()
    });
    services.chain(files).chain(triggers).chain(links).chain(scriptlets).collect()
}

/// A tree with nothing but programs in `bin`: those of the application, and those that are named and may be of what it
/// requires.
fn tree(plan: &BuildPlan) -> Result<Stage, AnyError> {
    let wrong = |reason: String| AnyError::from(package::Error::BadPath { package: plan.metadata.name.clone(), reason });
    let prefix = TargetPath::new(&plan.prefix).map_err(wrong)?;
    let bin = prefix.join("bin").map_err(wrong)?;
    let mut tree = Stage::new(prefix);
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
