//! `.timer` units: a service that runs at certain times. What was missed while the machine was off is made up for.

use serde::Serialize;

use crate::plan::BuildPlan;
use crate::service::Error;
use crate::service::checked::Checked;
use crate::template;

use super::{description, names, wanted_by};

#[derive(Serialize)]
struct Unit<'a> {
    description: String,
    part_of: Option<[String; 1]>,
    /// systemd.time(7), "Calendar Events".
    calendar: &'a [String],
    wanted_by: Vec<String>,
}

/// The text of the unit file.
pub(super) fn unit(plan: &BuildPlan, checked: &Checked<'_>) -> Result<String, Error> {
    let calendar = checked.service.schedule.as_ref().map_or(&[][..], |schedule| &schedule.calendar);
    let unit = Unit {
        description: description(plan, checked),
        part_of: names::target(plan).map(|target| [target]),
        calendar,
        wanted_by: wanted_by(plan, "timers.target"),
    };
    let template = include_str!("../../../templates/systemd/service.timer");
    Ok(template::render(&format!("{}.timer", checked.id), template, unit)?)
}
