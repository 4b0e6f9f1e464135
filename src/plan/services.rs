//! What is asked of a service and its target's service manager cannot do, and what may not be meant as it is written.

use crate::distribution::{Distribution, InitSystem, ToolVersion};
use crate::project::{INSTANCE, Project, Service};

/// systemd.service(5) of 244, "Restart=": a oneshot service can be restarted since then.
pub const ONESHOT_RESTART: ToolVersion = ToolVersion::new(244, 0, 0);

/// A sentence for each setting that is left out on `distribution`, and for each that may be a slip.
pub(super) fn notes(project: &Project, distribution: &Distribution) -> Vec<String> {
    let of_each = |service| of_service(service, distribution).into_iter().chain(doubts(project, service));
    project.services.iter().flat_map(of_each).collect()
}

/// What is right only when the user knows more than the configuration says.
fn doubts(project: &Project, service: &Service) -> Vec<String> {
    let mut doubts = Vec::new();
    let made = || project.users.iter().any(|user| user.name == service.user);
    if !matches!(service.user.as_str(), "" | "root") && !made() {
        doubts.push(format!(
            "service `{}` runs as `{}`, which no `[[user]]` makes: the account has to be on the target",
            service.name, service.user
        ));
    }
    let texts = [&service.command, &service.environment_file, &service.working_directory];
    let named = texts.into_iter().chain(service.environment.values()).any(|text| text.contains(INSTANCE));
    if named && service.count.is_none() {
        doubts.push(format!("service `{}` has no `count`: `{INSTANCE}` stands for itself there", service.name));
    }
    doubts
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
