//! What is asked of a service and its target's service manager cannot do.

use crate::distribution::{Distribution, InitSystem, ToolVersion};
use crate::project::{Project, Service};

/// systemd.service(5) of 244, "Restart=": a oneshot service can be restarted since then.
const ONESHOT_RESTART: ToolVersion = ToolVersion::new(244, 0, 0);

/// A sentence for each setting that is left out on `distribution`.
pub(super) fn notes(project: &Project, distribution: &Distribution) -> Vec<String> {
    project.services.iter().flat_map(|service| of_service(service, distribution)).collect()
}

fn of_service(service: &Service, distribution: &Distribution) -> Vec<String> {
    let sentence =
        |key: &str| format!("{} cannot do it: `{key}` of service `{}` is left out", distribution.name, service.name);
    let notifies = distribution.init == InitSystem::Sysvinit && service.kind.starts_with("notify");
    let alive = || {
        let (target, name) = (&distribution.name, &service.name);
        format!("{target} has no sd_notify(3): service `{name}` is up when it has lived for a moment")
    };
    missing(service, distribution).into_iter().map(sentence).chain(notifies.then(alive)).collect()
}

/// Keys of what is asked for and cannot be had.
fn missing(service: &Service, distribution: &Distribution) -> Vec<&'static str> {
    let limits = &service.limits;
    let asked = [
        ("memory-max", limits.memory.is_some()),
        ("cpu-quota", limits.cpu.is_some()),
        ("tasks-max", limits.tasks.is_some()),
    ];
    let limits = asked.into_iter().filter(|(key, asked)| *asked && distribution.directive(key).is_none());
    let mut missing = limits.map(|(key, _)| key).collect::<Vec<_>>();
    if distribution.init == InitSystem::Sysvinit {
        missing.extend(service.watchdog.map(|_| "watchdog"));
    }
    let old = distribution.systemd.is_some_and(|version| version < ONESHOT_RESTART);
    if old && service.kind == "oneshot" && service.restart != "no" {
        missing.push("restart");
    }
    missing
}
