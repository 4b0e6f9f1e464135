//! Which units a service is, and what they are called: `cdhboot-web.service`; with a `count` the template
//! `cdhboot-web@.service` and its instances; with a `schedule` a timer beside it; with `listen` a socket.

use crate::plan::BuildPlan;
use crate::project::Service;

use crate::service::checked::{self, Checked};

/// Where packages put units; on targets whose `/lib` is its own directory systemd reads this one too
/// (systemd.unit(5), "Unit File Load Path").
const UNIT_DIRECTORY: &str = "/usr/lib/systemd/system";

/// The units of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Units {
    /// What is enabled, and started and stopped by name: the service itself, its instances, its timer or its socket.
    pub enabled: Vec<String>,
    /// Under what its processes run: the service itself or its instances. What is not among `enabled` is started by
    /// those, and has to be stopped besides them.
    pub processes: Vec<String>,
    /// Paths of the unit files; the one of the service first.
    pub files: Vec<String>,
}

/// `/usr/lib/systemd/system/<unit>`
pub(super) fn path(unit: &str) -> String {
    format!("{UNIT_DIRECTORY}/{unit}")
}

/// What to enable, start and stop for a service.
pub fn registered(checked: &Checked<'_>) -> Units {
    units(&checked.id, checked.service)
}

/// As [`registered`], of a service that has not been looked at yet.
pub fn units(id: &str, service: &Service) -> Units {
    let plain = format!("{id}.service");
    let beside = |other: String| Units {
        enabled: vec![other.clone()],
        processes: vec![plain.clone()],
        files: vec![path(&plain), path(&other)],
    };
    if let Some(count) = service.count {
        let instances = (1..=count).map(|number| format!("{id}@{number}.service")).collect::<Vec<_>>();
        return Units {
            enabled: instances.clone(),
            processes: instances,
            files: vec![path(&format!("{id}@.service"))],
        };
    }
    if service.schedule.is_some() {
        return beside(format!("{id}.timer"));
    }
    if !service.listen.is_empty() {
        return beside(format!("{id}.socket"));
    }
    Units { enabled: vec![plain.clone()], processes: vec![plain.clone()], files: vec![path(&plain)] }
}

/// What names all units that run now under `service` to systemctl(1): its unit, or a pattern, which instances that an
/// operator started match, too.
pub fn running_units(id: &str, service: &Service) -> String {
    if service.count.is_some() { format!("{id}@*.service") } else { format!("{id}.service") }
}

/// The unit that stops, starts and restarts all services of the build, where it has one; the main package owns it. It is
/// enabled whatever its services are: it starts none that is disabled.
pub fn target(plan: &BuildPlan) -> Option<String> {
    let services = plan.packages.iter().any(|package| !package.services.is_empty());
    (plan.target && services).then(|| format!("{}.target", checked::main_id(plan)))
}

/// Where the file of [`target`] lies.
pub fn target_path(plan: &BuildPlan) -> Option<String> {
    target(plan).map(|unit| path(&unit))
}
