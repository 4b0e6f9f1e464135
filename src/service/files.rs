//! What the maintainer scripts of a Debian package do for its files, because dpkg does not: configuration files that are
//! dropped or renamed, directories that are links now and back, file capabilities, what is left at a purge, and triggers.
//!
//! Nobody declares what earlier versions had: the scripts ask dpkg on the machine and compare with what is listed here.

use serde::Serialize;

use crate::distribution::PackageFormat;
use crate::plan::{BuildPlan, PackagePlan, Relation, RelationKind};
use crate::stage::Entry;

use super::Error;
use super::conffiles::{self, Rename};
use super::replaced::{self, Link};
use super::triggers::{self, TriggerScript};

/// Brings `setcap` (the Debian and Ubuntu package of that name, since Debian 7 and Ubuntu 12.04).
const CAPABILITIES_PACKAGE: &str = "libcap2-bin";

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
    /// Former paths of configuration files of other packages of the build: an edited file is theirs to move.
    renamed_elsewhere: Vec<String>,
    /// Every symbolic link of the package: there may be a directory in its place.
    links: Vec<Link>,
    /// Directories that an operator may have replaced by a link.
    data: Vec<String>,
    capabilities: Vec<Capabilities>,
    /// Directories that dpkg does not know of; those above others come last.
    ghosts: Vec<String>,
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
        let others = others.collect::<Vec<_>>();
        let mut renamed_elsewhere = Vec::new();
        let other_packages = || plan.packages.iter().filter(|other| other.name != package.name);
        for other in other_packages() {
            let renames = conffiles::renames(other, others.iter().copied())?;
            renamed_elsewhere.extend(renames.into_iter().map(|rename| rename.from));
        }
        Ok(Self {
            conffiles: conffiles::paths(entries),
            elsewhere: conffiles::paths(others.iter().copied()),
            renames: conffiles::renames(package, entries)?,
            packages: other_packages().map(|other| other.name.clone()).collect(),
            renamed_elsewhere,
            links: replaced::links(entries),
            data: replaced::data(plan, entries)?,
            capabilities: capabilities(entries),
            ghosts: ghosts(entries),
            triggers: triggers::scripts(plan, package)?,
        })
    }
}

/// What the scripts for the files of `package` call that is not on every machine.
pub fn relations(plan: &BuildPlan, package: &PackagePlan) -> Vec<Relation> {
    let with = package.files.iter().find_map(|file| Some((file, file.capabilities.as_deref()?)));
    let Some((file, capabilities)) = with.filter(|_| plan.distribution.format == PackageFormat::Deb) else {
        return Vec::new();
    };
    let reason = format!("{capabilities} of {}", file.destination);
    vec![Relation { kind: RelationKind::Requires, name: CAPABILITIES_PACKAGE.to_owned(), comparison: None, reason }]
}

fn capabilities(entries: &[Entry]) -> Vec<Capabilities> {
    let with = entries.iter().filter_map(|entry| Some((entry, entry.flags.capabilities.as_ref()?)));
    with.map(|(entry, text)| Capabilities { path: entry.path.to_string(), text: text.to_string() }).collect()
}

fn ghosts(entries: &[Entry]) -> Vec<String> {
    let ghosts = entries.iter().rev().filter(|entry| entry.flags.ghost);
    ghosts.map(|entry| entry.path.to_string()).collect()
}
