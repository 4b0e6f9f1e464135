//! Directives that not every systemd knows: limits, how often a service is restarted, its own directories. Which one
//! does it on the target is data (`directives.toml`); what the target cannot do is left out, and said by the plan.

use crate::distribution::Section;
use crate::plan::BuildPlan;
use crate::project::{INSTANCE, Service};
use crate::service::hardening::Directive;
use crate::service::own_directories::{self, Maker};

/// Seconds between restarts to which systemd lets the delay grow, where it can.
const LONGEST_DELAY: u32 = 60;
/// In how many steps it grows.
const STEPS: u32 = 8;

/// The directives of `service` in a section of its unit.
pub(super) fn settings(plan: &BuildPlan, service: &Service, restart: &str, section: Section) -> Vec<Directive> {
    let mut all = restarts(service, restart);
    all.extend(limits(service));
    all.extend(directories(plan, service));
    let known = all.into_iter().filter_map(|(setting, value)| {
        let directive = plan.distribution.directive(&setting)?;
        (directive.section == section).then(|| Directive { name: directive.name.clone(), value })
    });
    let old = if section == Section::Service { always_known(service) } else { Vec::new() };
    let old = old.into_iter().map(|(name, value)| Directive { name: name.to_owned(), value });
    old.chain(known).collect()
}

/// A service that fails is never given up: what it needs may come back in an hour. A pause of a second or more, which
/// grows where systemd can do that, keeps it from being a load; without a pause it is given up after five starts in
/// ten seconds, and then `systemctl --failed` shows it.
fn restarts(service: &Service, restart: &str) -> Vec<(String, String)> {
    let delay = service.restart_delay;
    if restart == "no" {
        return Vec::new();
    }
    if delay == 0 {
        return vec![of("start-limit-interval", 10), of("start-limit-burst", 5)];
    }
    let mut all = vec![of("start-limit-interval", 0)];
    if delay < LONGEST_DELAY {
        all.extend([of("restart-steps", STEPS), of("restart-max-delay", LONGEST_DELAY)]);
    }
    all
}

fn limits(service: &Service) -> Vec<(String, String)> {
    let limits = &service.limits;
    let memory = limits.memory.map(|bytes| of("memory-max", bytes));
    let cpu = limits.cpu.map(|per_cent| of("cpu-quota", format!("{per_cent}%")));
    [memory, cpu, limits.tasks.map(|tasks| of("tasks-max", tasks))].into_iter().flatten().collect()
}

fn directories(plan: &BuildPlan, service: &Service) -> Vec<(String, String)> {
    let own = own_directories::of_service(plan, service);
    let made = own.into_iter().filter(|directory| directory.maker != Maker::Boot);
    let lines = made.flat_map(|directory| {
        let key = directory.purpose.key();
        [of(key, directory.name.replace(INSTANCE, "%i")), of(&format!("{key}-mode"), format!("{:04o}", directory.mode))]
    });
    lines.collect()
}

fn of(setting: &str, value: impl ToString) -> (String, String) {
    (setting.to_owned(), value.to_string())
}

/// What every systemd that a target has knows.
fn always_known(service: &Service) -> Vec<(&'static str, String)> {
    let limits = &service.limits;
    let mut all = Vec::new();
    let mut add = |name, value: Option<String>| all.extend(value.map(|value| (name, value)));
    add("TimeoutStartSec", service.start_timeout.map(|seconds| seconds.to_string()));
    add("WatchdogSec", service.watchdog.map(|seconds| seconds.to_string()));
    // Without it, systemd does not listen to a service that is not of the type `notify`.
    add("NotifyAccess", service.watchdog.map(|_| "main".to_owned()));
    add("LimitNOFILE", service.limit_nofile.map(|number| number.to_string()));
    add("LimitNPROC", limits.nproc.map(|number| number.to_string()));
    add("LimitCORE", limits.core.map(|number| number.to_string()));
    add("Nice", limits.nice.map(|number| number.to_string()));
    all
}
