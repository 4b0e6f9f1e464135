//! How units stand to each other. The build's own services are named by their units.

use crate::plan::BuildPlan;
use crate::project::Service;

use crate::service::checked;

use super::names::{self, Units};

/// The lines of `[Unit]` that name other units.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Dependencies {
    pub after: Vec<String>,
    pub before: Vec<String>,
    pub requires: Vec<String>,
    pub wants: Vec<String>,
    pub part_of: Vec<String>,
}

/// What `service` depends on. `Requires=` alone orders nothing (systemd.unit(5)): what is required is waited for, unless
/// it is to wait itself.
pub(super) fn dependencies(plan: &BuildPlan, id: &str, service: &Service) -> Dependencies {
    let after = |units: &Units| {
        let sockets = units.enabled.iter().filter(|unit| unit.ends_with(".socket"));
        sockets.chain(&units.processes).cloned().collect::<Vec<_>>()
    };
    let mut found = Dependencies {
        after: resolved(plan, &service.after, after),
        // A socket is opened before any service starts: waiting is for the processes behind it.
        before: resolved(plan, &service.before, |units| units.processes.clone()),
        requires: resolved(plan, &service.requires, |units| units.enabled.clone()),
        wants: service.after.iter().filter(|name| *name == "network-online.target").cloned().collect(),
        part_of: names::target(plan).into_iter().collect(),
    };
    let required = resolved(plan, &service.requires, after);
    let own = names::units(id, service).enabled.into_iter().filter(|unit| unit.ends_with(".socket"));
    for socket in own {
        found.requires.push(socket.clone());
        found.after.push(socket);
    }
    for unit in required {
        if !found.before.contains(&unit) && !found.after.contains(&unit) {
            found.after.push(unit);
        }
    }
    found
}

/// `worker.service` is the build's own service `worker`, where there is one.
fn resolved(plan: &BuildPlan, names: &[String], of_own: impl Fn(&Units) -> Vec<String>) -> Vec<String> {
    let own = plan.packages.iter().flat_map(|package| &package.services).collect::<Vec<_>>();
    let mut units = Vec::new();
    for name in names {
        match own.iter().find(|other| name.strip_suffix(".service") == Some(&other.name)) {
            Some(other) => units.extend(of_own(&names::units(&checked::unchecked_id(plan, other), other))),
            None => units.push(name.clone()),
        }
    }
    units
}
