//! Services with a `schedule` where there are no timers: cron runs their init script.

use serde::Serialize;

use crate::distribution::{InitSystem, ToolVersion};
use crate::plan::{BuildPlan, Relation, RelationKind};
use crate::project::{Cron, Enable, Service};
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

/// Can the target's cron or systemd say when `service` runs?
///
/// # Errors
/// When it cannot.
pub fn check(plan: &BuildPlan, service: &Service) -> Result<(), Error> {
    let Some(schedule) = &service.schedule else { return Ok(()) };
    let distribution = &plan.distribution;
    let unsupported = |reason: String, hint: &str| Error::Unsupported {
        service: service.name.clone(),
        what: format!("`schedule = {:?}`", schedule.text),
        distribution: distribution.name.clone(),
        reason,
        hint: hint.to_owned(),
    };
    let needed = ToolVersion::new(schedule.systemd, 0, 0);
    match (&schedule.cron, distribution.init, distribution.systemd) {
        (Cron::No { reason }, InitSystem::Sysvinit, _) => {
            let (target, name) = (&distribution.name, &service.name);
            let hint =
                format!("give it a schedule for cron: `[[distribution.{target}.service]]` with `name = {name:?}`");
            Err(unsupported(format!("it has no timers but cron, which has no {reason}"), &hint))
        }
        (_, InitSystem::Systemd, Some(version)) if version < needed => {
            let reason = format!("its systemd {version} does not read it; version {} was the first", schedule.systemd);
            let hint = "leave the time zone, or the days from the end of the month, out for this distribution";
            Err(unsupported(reason, hint))
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
