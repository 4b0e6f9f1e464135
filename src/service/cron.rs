//! Services with a `schedule` where there are no timers: cron runs their init script.

use serde::Serialize;

use crate::distribution::InitSystem;
use crate::plan::{BuildPlan, Relation, RelationKind};
use crate::project::{Cron, Enable, Schedule, Service};
use crate::stage::Entry;
use crate::template;

use super::checked::Checked;
use super::{Error, FileKind, systemd, sysvinit, text_file};

#[derive(Serialize)]
struct DropIn<'a> {
    id: &'a str,
    description: String,
    user: &'a str,
    log: String,
    line: &'a str,
    enabled: bool,
    script: String,
}

const DIRECTORY: &str = "/etc/cron.d/";

/// Can the target say when `service` runs, where that is up to cron?
///
/// # Errors
/// When it cannot.
pub fn check(plan: &BuildPlan, service: &Service) -> Result<(), Error> {
    let distribution = &plan.distribution;
    match &service.schedule {
        Some(Schedule { text, cron: Cron::No { reason }, .. }) if distribution.init == InitSystem::Sysvinit => {
            let (target, name) = (&distribution.name, &service.name);
            Err(Error::Unsupported {
                service: name.clone(),
                what: format!("`schedule = {text:?}`"),
                distribution: target.clone(),
                reason: format!("it has no timers but cron, which has no {reason}"),
                hint: format!(
                    "give it a schedule for cron: `[[distribution.{target}.service]]` with `name = {name:?}`"
                ),
            })
        }
        _ => Ok(()),
    }
}

/// `/etc/cron.d/cdhboot-report`, where the service has a schedule.
///
/// # Errors
/// When a value cannot be written into it.
pub fn entry(plan: &BuildPlan, checked: &Checked<'_>) -> Result<Option<Entry>, Error> {
    let Some(schedule) = &checked.service.schedule else { return Ok(None) };
    let Cron::Line(line) = &schedule.cron else { return Ok(None) };
    // Cron passes over names with a dot (run-parts(8)).
    let path = format!("{DIRECTORY}{}", checked.id.replace('.', "_"));
    let context = DropIn {
        id: &checked.id,
        description: systemd::description(plan, checked),
        user: checked.user,
        log: sysvinit::log_path(&checked.id),
        line,
        enabled: checked.service.enable != Enable::No,
        script: sysvinit::script_path(plan, &checked.id),
    };
    let text = template::render(&path, include_str!("../../templates/sysvinit/cron"), context)?;
    text_file(&path, text, FileKind::Config).map(Some)
}

/// What has to be installed for the lines among `entries` to be read.
pub fn relations(plan: &BuildPlan, entries: &[Entry]) -> Option<Relation> {
    entries.iter().any(|entry| entry.path.as_str().starts_with(DIRECTORY)).then(|| Relation {
        kind: RelationKind::Requires,
        name: plan.distribution.cron_package.clone(),
        comparison: None,
        reason: "services that run at certain times".to_owned(),
    })
}
