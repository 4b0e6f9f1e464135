//! What the maintainer scripts of a Debian package do for its files, because dpkg does not: configuration files that are
//! dropped or renamed, directories that are links now and back, file capabilities, what is left at a purge, and triggers.
//!
//! Nobody declares what earlier versions had: the scripts ask dpkg on the machine and compare with what is listed here.

use serde::Serialize;

use crate::distribution::PackageFormat;
use crate::plan::{BuildPlan, PackagePlan, Relation, RelationKind};
use crate::project::ExtraFile;
use crate::stage::{Entry, EntryKind, TargetPath};

use super::conffiles::{self, Rename};
use super::replaced::{self, Link};
use super::triggers::{self, TriggerScript};
use super::{Error, target_path};

/// Brings `setcap` (the Debian and Ubuntu package of that name, since Debian 7 and Ubuntu 12.04).
const CAPABILITIES_PACKAGE: &str = "libcap2-bin";

/// Below these, what a program leaves in its directory is its own, and goes at a purge (Debian policy, 6.8 and 10.8).
const OF_PROGRAMS: [&str; 6] = ["/var/lib", "/var/log", "/var/cache", "/var/spool", "/run", "/var/run"];

/// The value `files` of the templates in `templates/maintainer/`.
#[derive(Debug, Default, Serialize)]
pub struct Files {
    /// Configuration files of the package.
    conffiles: Vec<String>,
    /// Configuration files of other packages of the build: one that moved there stays.
    elsewhere: Vec<String>,
    renames: Vec<Rename>,
    /// Names of the other packages of the build.
    packages: Vec<String>,
    /// Every symbolic link of the package: there may be a directory in its place.
    links: Vec<Link>,
    /// Directories that an operator may have replaced by a link.
    data: Vec<String>,
    capabilities: Vec<Capabilities>,
    /// Directories that dpkg does not know of; those above others come last.
    ghosts: Vec<String>,
    /// Directories of the package whose content a purge removes; those above others come last.
    purged: Vec<String>,
    triggers: Vec<TriggerScript>,
}

#[derive(Debug, Serialize)]
struct Capabilities {
    path: String,
    /// As setcap(8) takes them.
    text: String,
}

impl Files {
    /// What `package` with these `entries` needs; `others` are the entries of the build's other packages.
    ///
    /// # Errors
    /// When dpkg has nothing for a trigger of the package, or a path of the configuration is no path.
    pub fn new<'a>(
        plan: &BuildPlan,
        package: &PackagePlan,
        entries: &'a [Entry],
        others: impl Iterator<Item = &'a Entry>,
    ) -> Result<Self, Error> {
        let other_packages = plan.packages.iter().filter(|other| other.name != package.name);
        Ok(Self {
            conffiles: conffiles::paths(entries),
            elsewhere: conffiles::paths(others),
            renames: conffiles::renames(package, entries)?,
            packages: other_packages.map(|other| other.name.clone()).collect(),
            links: replaced::links(entries),
            data: replaced::data(plan, entries)?,
            capabilities: capabilities(entries),
            ghosts: ghosts(entries),
            purged: purged(plan, entries)?,
            triggers: triggers::scripts(plan, package)?,
        })
    }
}

/// What the files of a Debian package need: `setcap`, where one has capabilities.
pub fn relations(plan: &BuildPlan, package: &PackagePlan) -> Vec<Relation> {
    if plan.distribution.format != PackageFormat::Deb {
        return Vec::new();
    }
    let with = package.files.iter().find_map(|file| Some((file, file.capabilities.as_deref()?)));
    let relation = |(file, capabilities): (&ExtraFile, &str)| Relation {
        kind: RelationKind::Requires,
        name: CAPABILITIES_PACKAGE.to_owned(),
        comparison: None,
        reason: format!("{capabilities} of {}", file.destination),
    };
    with.map(relation).into_iter().collect()
}

fn capabilities(entries: &[Entry]) -> Vec<Capabilities> {
    let with = entries.iter().filter_map(|entry| Some((entry, entry.flags.capabilities.as_ref()?)));
    with.map(|(entry, text)| Capabilities { path: entry.path.to_string(), text: text.to_string() }).collect()
}

fn ghosts(entries: &[Entry]) -> Vec<String> {
    let ghosts = entries.iter().rev().filter(|entry| entry.flags.ghost);
    ghosts.map(|entry| entry.path.to_string()).collect()
}

/// Directories where programs keep what they make; but neither the tree nor the plugins of operators, who say themselves
/// what becomes of those.
fn purged(plan: &BuildPlan, entries: &[Entry]) -> Result<Vec<String>, Error> {
    let plugins = plan.python.plugins.as_ref().map(|plugins| target_path(&plugins.directory)).transpose()?;
    let kept = [Some(target_path(&plan.prefix)?), plugins];
    let is_kept = |path: &TargetPath| kept.iter().flatten().any(|kept| kept.is_below(path) || path.is_below(kept));
    let bases = OF_PROGRAMS.into_iter().map(target_path).collect::<Result<Vec<_>, _>>()?;
    let is_below = |path: &TargetPath| bases.iter().any(|base| path != base && path.is_below(base));
    let directories = entries.iter().rev().filter(|entry| matches!(entry.kind, EntryKind::Directory));
    let own = directories.filter(|entry| is_below(&entry.path) && !is_kept(&entry.path));
    Ok(own.map(|entry| entry.path.to_string()).collect())
}
