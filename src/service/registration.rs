//! What the scriptlets register, start and stop for each service, and what it takes the place of.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::distribution::InitSystem;
use crate::plan::{BuildPlan, PackagePlan, Role};
use crate::project::{Enable, Service};

use super::checked::Checked;
use super::{checked, systemd, sysvinit};

/// A service as its scriptlets see it.
#[derive(Debug, Clone, Serialize)]
pub struct Registered<'a> {
    /// Name of the unit without its suffix, or of the init script.
    pub id: String,
    pub kind: Kind,
    /// The init script; empty with systemd.
    pub path: String,
    /// What the service prints; empty with systemd, which has its own journal.
    pub log: String,
    /// How a service that is new is registered: `preset`, `enable`, `no`.
    pub verb: &'static str,
    pub start: bool,
    /// On upgrade.
    pub restart: bool,
    /// Instances of a [`Kind::Template`].
    pub count: u32,
    /// Names of what it takes the place of, besides its own name.
    pub formerly: Vec<String>,
    /// Does a service of the same application take it along when that is restarted (systemd.unit(5), `Requires=`)?
    pub follows: bool,
    /// Sockets in the file system.
    pub sockets: Vec<&'a str>,
}

/// What is enabled and started for a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The unit or init script itself.
    Plain,
    /// Instances of a template.
    Template,
    /// A timer, whose job the unit is.
    Timer,
    /// A socket, which starts the unit.
    Socket,
    /// No service: what groups the application's services.
    Target,
    /// Nothing: cron runs the init script.
    Cron,
}

/// What the scriptlets of `package` take care of: its `services`, and in the main package the target above them. They
/// come in the order of their `levels` (`order.rs`), whatever that of the configuration: once what a service requires is
/// restarted, it shows whether the service was taken along.
pub fn of_package<'a>(
    plan: &BuildPlan,
    package: &PackagePlan,
    services: &[Checked<'a>],
    levels: &BTreeMap<&str, u32>,
) -> Vec<Registered<'a>> {
    let mut services = services.iter().collect::<Vec<_>>();
    services.sort_by_key(|checked| levels.get(checked.service.name.as_str()).copied().unwrap_or_default());
    match plan.distribution.init {
        InitSystem::Systemd => {
            let target = systemd::target(plan).filter(|_| package.role == Role::Main).map(|unit| target(&unit));
            services.into_iter().map(|service| unit(plan, service)).chain(target).collect()
        }
        InitSystem::Sysvinit => services.into_iter().flat_map(|service| scripts(plan, service)).collect(),
    }
}

/// Names of the init scripts of all packages of `plan`, none of which takes the place of another; none with systemd.
pub fn scripts_of_build(plan: &BuildPlan) -> Vec<String> {
    match plan.distribution.init {
        InitSystem::Systemd => Vec::new(),
        InitSystem::Sysvinit => {
            all(plan).flat_map(|service| sysvinit::ids(&checked::unchecked_id(plan, service), service)).collect()
        }
    }
}

fn all(plan: &BuildPlan) -> impl Iterator<Item = &Service> {
    plan.packages.iter().flat_map(|package| &package.services)
}

fn unit<'a>(plan: &BuildPlan, checked: &Checked<'a>) -> Registered<'a> {
    let service = checked.service;
    let kind = if service.count.is_some() {
        Kind::Template
    } else if service.schedule.is_some() {
        Kind::Timer
    } else if !service.listen.is_empty() {
        Kind::Socket
    } else {
        Kind::Plain
    };
    let own = |unit: &String| all(plan).any(|other| unit.strip_suffix(".service") == Some(&other.name));
    let sockets = service.listen.iter().map(String::as_str).filter(|address| address.starts_with('/'));
    Registered {
        id: checked.id.clone(),
        kind,
        path: String::new(),
        log: String::new(),
        verb: verb(service.enable),
        start: service.start,
        restart: service.restart_on_upgrade,
        count: service.count.unwrap_or_default(),
        formerly: service.formerly.clone(),
        follows: service.requires.iter().any(own),
        sockets: sockets.collect(),
    }
}

/// It is on as soon as it is there: which of its services run is said of each of them.
fn target(unit: &str) -> Registered<'static> {
    Registered {
        id: unit.strip_suffix(".target").unwrap_or(unit).to_owned(),
        kind: Kind::Target,
        path: String::new(),
        log: String::new(),
        verb: verb(Enable::Yes),
        start: false,
        restart: false,
        count: 0,
        formerly: Vec::new(),
        follows: false,
        sockets: Vec::new(),
    }
}

/// The init scripts of a service: each instance has its own, and takes the place of the one without a number, as that
/// takes the place of those with one.
fn scripts<'a>(plan: &BuildPlan, checked: &Checked<'a>) -> Vec<Registered<'a>> {
    let service = checked.service;
    let script = |id: String, former: String| Registered {
        path: sysvinit::script_path(plan, &id),
        log: sysvinit::log_path(&id),
        id,
        kind: if service.schedule.is_none() { Kind::Plain } else { Kind::Cron },
        verb: verb(service.enable),
        start: service.start,
        restart: service.restart_on_upgrade,
        count: 0,
        formerly: [former].into_iter().chain(service.formerly.iter().cloned()).collect(),
        follows: false,
        sockets: Vec::new(),
    };
    match service.count {
        None => vec![script(checked.id.clone(), format!("{}-1", checked.id))],
        Some(count) => {
            (1..=count).map(|number| script(format!("{}-{number}", checked.id), checked.id.clone())).collect()
        }
    }
}

fn verb(enable: Enable) -> &'static str {
    match enable {
        Enable::Preset => "preset",
        Enable::Yes => "enable",
        Enable::No => "no",
    }
}
