//! `[targets]`: what a project is built for where nothing else is said, and what its CI matrix lists.

use std::collections::BTreeMap;

use super::document::Place;
use super::error::Fault;
use super::raw;
use super::reader::Reader;
use super::values;

/// The checked table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// Names of distributions.
    pub distributions: Vec<String>,
    /// As `uname -m` says them; empty where the user said nothing.
    pub machines: Vec<String>,
    pub exclude: Vec<TargetRow>,
    pub include: Vec<TargetRow>,
    /// Machine to the label of its runner.
    pub runners: BTreeMap<String, String>,
    /// Relative to the directory of the configuration, or absolute.
    pub watch: Vec<String>,
}

/// What the user says of rows of the matrix. What is not said applies to any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TargetRow {
    /// A distribution, or a family.
    pub distribution: Option<String>,
    pub machine: Option<String>,
    pub runner: Option<String>,
    pub container: Option<String>,
}

/// Checks the table, and notes what is wrong in it.
pub(super) fn targets(reader: &mut Reader<'_>, raw: &raw::Targets) -> Targets {
    let place = Place::at("targets");
    let runners = raw.runners.iter().filter_map(|(machine, label)| {
        let place = place.key("runners").key(machine);
        let machine = reader.value(&place, Some(machine), word)?;
        Some((machine, reader.value(&place, Some(label), values::phrase)?))
    });
    Targets {
        runners: runners.collect(),
        distributions: raw.distributions.clone(),
        machines: reader.list(&place.key("machines"), &raw.machines, word),
        exclude: rows(reader, &place.key("exclude"), &raw.exclude, Use::Exclude),
        include: rows(reader, &place.key("include"), &raw.include, Use::Include),
        watch: reader.list(&place.key("watch"), &raw.watch, values::phrase),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Exclude,
    Include,
}

fn rows(reader: &mut Reader<'_>, place: &Place, rows: &[raw::TargetRow], using: Use) -> Vec<TargetRow> {
    let mut checked = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let place = place.index(index);
        if *row == raw::TargetRow::default() {
            reader.report(&place, "this row says nothing", "name a distribution or a machine");
        } else if using == Use::Include && row.distribution.is_none() {
            let help = "name one: `omnipack distributions` lists all";
            reader.report(&place, "a row that is added needs a distribution", help);
        } else if using == Use::Exclude && (row.runner.is_some() || row.container.is_some()) {
            let help = "leave out by `distribution` and `machine`; a runner is chosen by `[targets.runners]`";
            reader.report(&place, "what is left out has no runner and no container", help);
        }
        checked.push(TargetRow {
            distribution: row.distribution.clone(),
            machine: reader.value(&place.key("machine"), row.machine.as_deref(), word),
            runner: reader.value(&place.key("runner"), row.runner.as_deref(), values::phrase),
            container: reader.value(&place.key("container"), row.container.as_deref(), word),
        });
    }
    checked
}

/// Machines and images: what an engine or a shell takes as one word.
fn word(text: &str) -> Result<String, Fault> {
    let sound = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(sound) {
        return Ok(text.to_owned());
    }
    Err(Fault::new(
        "it is not one word",
        "letters, digits and `._-/:@`, such as `x86_64` or `docker.io/library/debian:12`",
    ))
}
