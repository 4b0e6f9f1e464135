//! Stage and services to packages, one for each package of the plan.

use std::collections::{BTreeMap, HashSet};

use crate::distribution::PackageFormat;
use crate::package::documentation::Documentation;
use crate::package::{Architecture, Error, Package, changelog, debian_description, directories};
use crate::plan::{BuildPlan, Comparison, PackagePlan, Relation, RelationKind, Role};
use crate::project::ScriptletKind;
use crate::service;
use crate::stage::{Entry, EntryKind, Origin, Stage, TargetPath};

/// Makes every package of `plan`: the main package with the whole stage, the meta-packages with links and services.
///
/// # Errors
/// When two parts of a package want the same path, a link or service names a script that the stage does not have, or
/// a file of the user cannot be read.
pub fn assemble(plan: &BuildPlan, stage: &Stage) -> Result<Vec<Package>, Error> {
    let scripts = stage.scripts.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let documentation = Documentation::read(plan, stage)?;
    let packages = plan.packages.iter().map(|package| assemble_one(plan, package, stage, &scripts, &documentation));
    let mut packages = packages.collect::<Result<Vec<_>, _>>()?;
    nothing_below_files(&packages)?;
    directories::own(plan, &mut packages);
    if plan.distribution.format == PackageFormat::Deb {
        maintain(plan, &mut packages, &scripts)?;
    }
    Ok(packages)
}

/// Adds the maintainer scripts of a Debian package: what they do depends on the files of all packages.
fn maintain(plan: &BuildPlan, packages: &mut [Package], scripts: &[String]) -> Result<(), Error> {
    for (index, planned) in plan.packages.iter().enumerate() {
        let others = packages.iter().enumerate().filter(|(other, _)| *other != index);
        let others = others.flat_map(|(_, package)| &package.entries);
        let Some(package) = packages.get(index) else { continue };
        let files = service::Files::new(plan, planned, &package.entries, others)?;
        let scriptlets = service::maintainer_scripts(plan, planned, scripts, &files)?;
        if let Some(package) = packages.get_mut(index) {
            package.scriptlets = scriptlets;
        }
    }
    Ok(())
}

fn assemble_one(
    plan: &BuildPlan,
    package: &PackagePlan,
    stage: &Stage,
    scripts: &[String],
    documentation: &Documentation<'_>,
) -> Result<Package, Error> {
    let parts = service::render(plan, package, scripts)?;
    let mut entries = match package.role {
        Role::Main => stage.entries.clone(),
        Role::Meta => Vec::new(),
    };
    entries.extend(crate::stage::package_entries(plan, package, stage)?);
    entries.extend(parts.entries);
    let mut relations = package.relations.clone();
    relations.extend(parts.relations);
    if package.role == Role::Main {
        relations.extend(bundled_provides(plan, stage));
    }
    let changelog = read_changelog(plan, &package.name)?;
    entries.extend(documentation.entries(plan, package, &changelog, &entries)?);
    relations.sort();
    relations.dedup_by(|later, earlier| {
        (later.kind, &later.name, &later.comparison) == (earlier.kind, &earlier.name, &earlier.comparison)
    });
    let entries = in_order(&package.name, entries)?;
    let mut scriptlets = parts.scriptlets;
    let own = scriptlets.remove(&ScriptletKind::Pretrans);
    let pretrans = service::pretrans(plan, &package.name, &entries, own)?;
    scriptlets.extend(pretrans.map(|scriptlet| (ScriptletKind::Pretrans, scriptlet)));
    let (summary, description) = texts(plan, package);
    Ok(Package {
        format: plan.distribution.format,
        format_version: plan.distribution.format_version,
        name: package.name.clone(),
        source: plan.main().map_or(&package.name, |main| &main.name).clone(),
        role: package.role,
        evr: plan.evr.clone(),
        architecture: Architecture::Independent,
        summary,
        description,
        license: plan.license.clone(),
        url: plan.url.clone(),
        vendor: plan.vendor.clone(),
        maintainer: plan.maintainer.clone(),
        group: plan.group.clone(),
        section: plan.section.clone(),
        priority: plan.priority.clone(),
        relations,
        entries,
        scriptlets,
        triggers: package.triggers.clone(),
        changelog,
        compression: plan.compression,
        source_date: plan.source_date,
        rpm: plan.rpm.clone(),
        deb: plan.deb.clone(),
    })
}

fn texts(plan: &BuildPlan, package: &PackagePlan) -> (String, String) {
    match plan.distribution.format {
        PackageFormat::Rpm => (package.summary.clone(), package.description.clone()),
        PackageFormat::Deb => {
            (debian_description::synopsis(&package.summary), debian_description::extended(plan, package))
        }
    }
}

/// A package manager would stop at such a path when the packages are installed, in the middle of it.
fn nothing_below_files(packages: &[Package]) -> Result<(), Error> {
    let all = || packages.iter().flat_map(|package| package.entries.iter().map(move |entry| (package, entry)));
    let others = all().filter(|(_, entry)| !matches!(entry.kind, EntryKind::Directory));
    let others = others.map(|(_, entry)| &entry.path).collect::<HashSet<_>>();
    let mut sound = HashSet::new();
    for (package, entry) in all() {
        let mut above = entry.path.parent();
        while let Some(directory) = above.filter(|directory| !sound.contains(directory)) {
            if others.contains(&directory) {
                return Err(Error::Below {
                    package: package.name.clone(),
                    path: entry.path.to_string(),
                    above: directory.to_string(),
                });
            }
            above = directory.parent();
            sound.insert(directory);
        }
    }
    Ok(())
}

/// Sorts by path. A directory may be named by several parts: what the user said of it wins over what was derived.
fn in_order(package: &str, entries: Vec<Entry>) -> Result<Vec<Entry>, Error> {
    let mut by_path: BTreeMap<TargetPath, Entry> = BTreeMap::new();
    for mut entry in entries {
        let Some(earlier) = by_path.get_mut(&entry.path) else {
            by_path.insert(entry.path.clone(), entry);
            continue;
        };
        let directories = matches!((&earlier.kind, &entry.kind), (EntryKind::Directory, EntryKind::Directory));
        if !directories {
            return Err(Error::Twice {
                package: package.to_owned(),
                path: entry.path.to_string(),
                first: earlier.origin.to_string(),
                second: entry.origin.to_string(),
            });
        }
        // What is made at boot or by a service is not shipped, whoever else names it.
        entry.flags.ghost |= earlier.flags.ghost;
        earlier.flags.ghost = entry.flags.ghost;
        if entry.origin == Origin::User {
            by_path.insert(entry.path.clone(), entry);
        }
    }
    Ok(by_path.into_values().collect())
}

/// `Provides: bundled(python3dist(x)) = version`, where the target's guidelines know it
/// (<https://docs.fedoraproject.org/en-US/packaging-guidelines/#bundling>).
fn bundled_provides(plan: &BuildPlan, stage: &Stage) -> Vec<Relation> {
    if !plan.distribution.bundled_provides {
        return Vec::new();
    }
    let bundled = stage.distributions.iter().filter(|bundled| bundled.role == crate::resolve::WheelRole::Dependency);
    bundled
        .map(|bundled| Relation {
            kind: RelationKind::Provides,
            name: format!("bundled(python{}dist({}))", plan.interpreter.version.major, bundled.name),
            comparison: Some((Comparison::Equal, rpm_version(&bundled.version))),
            reason: format!("{} {} is in the virtualenv", bundled.name, bundled.version),
        })
        .collect()
}

/// A version of the package index as an rpm version: neither `-` nor `+`-less characters that rpm refuses can stay.
fn rpm_version(version: &str) -> String {
    version.chars().map(|c| if c.is_ascii_alphanumeric() || "._+~^".contains(c) { c } else { '.' }).collect()
}

/// The project's change log; where it has none, one entry that says what was packaged.
pub(super) fn read_changelog(plan: &BuildPlan, package: &str) -> Result<Vec<crate::package::ChangelogEntry>, Error> {
    let mut entries = Vec::new();
    if let Some(path) = &plan.changelog {
        let bytes = fs_err::read(path)?;
        entries = changelog::parse(&String::from_utf8_lossy(&bytes), &plan.maintainer);
    }
    if entries.is_empty() {
        entries.push(changelog::packaged(plan, package));
    }
    Ok(entries)
}
