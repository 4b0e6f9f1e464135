//! Services as systemd units: what they are called is in `names.rs`, how they stand to each other in
//! `dependencies.rs`, what depends on the version of systemd in `settings.rs`; then one file per kind of unit.

mod dependencies;
mod names;
mod service;
mod settings;
mod socket;
mod timer;

use serde::Serialize;

use crate::plan::{BuildPlan, PackagePlan, Role};
use crate::stage::Entry;
use crate::template;

use super::checked::Checked;
use super::{Error, FileKind, text_file};

pub use names::{registered, running_units, target, target_path};
pub use socket::address as socket_address;

#[derive(Serialize)]
struct Target<'a> {
    main: &'a str,
}

/// The unit files of `package`: of its services, and of the target that groups all of the build's, which the main
/// package owns.
///
/// # Errors
/// When a value cannot be written into a unit file.
pub fn units(plan: &BuildPlan, package: &PackagePlan, services: &[Checked<'_>]) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    for checked in services {
        let files = registered(checked).files;
        let texts = texts(plan, checked)?;
        for (path, text) in files.iter().zip(texts) {
            entries.push(text_file(path, text, FileKind::Plain)?);
        }
    }
    if let Some(path) = target_path(plan).filter(|_| package.role == Role::Main) {
        let template = include_str!("../../../templates/systemd/package.target");
        let text = template::render(&path, template, Target { main: super::main_name(plan) })?;
        entries.push(text_file(&path, text, FileKind::Plain)?);
    }
    Ok(entries)
}

/// What the files of [`registered`] hold, in their order.
fn texts(plan: &BuildPlan, checked: &Checked<'_>) -> Result<Vec<String>, Error> {
    let mut texts = vec![service::unit(plan, checked)?];
    if checked.service.schedule.is_some() {
        texts.push(timer::unit(plan, checked)?);
    } else if !checked.service.listen.is_empty() {
        texts.push(socket::unit(plan, checked)?);
    }
    Ok(texts)
}

/// One line of text; what the user did not describe is named.
pub fn description(plan: &BuildPlan, checked: &Checked<'_>) -> String {
    let text = checked.service.description.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.replace(char::is_control, "");
    if text.is_empty() { format!("{} {}", super::main_name(plan), checked.service.name) } else { text }
}

/// The targets that start a unit: `own`, and that of the build.
fn wanted_by(plan: &BuildPlan, own: &str) -> Vec<String> {
    [own.to_owned()].into_iter().chain(target(plan)).collect()
}
