//! Rules about the targets: how long they are supported, what they cannot do, what is overridden for none of them.

use super::calendar::Support;
use super::finding::Found;
use super::hint::Hint;
use super::subject::Subject;
use crate::distribution::Distribution;
use crate::plan;
use crate::project::{Config, Place, Spot};

pub fn hints(subject: &Subject<'_>) -> Vec<Found> {
    let Distribution { title, end_of_life, .. } = subject.distribution;
    let hint = match subject.today.support(end_of_life) {
        Support::Ended => Some(Hint::DistributionEnd { title: title.clone(), since: end_of_life.clone() }),
        Support::EndsSoon => Some(Hint::DistributionSoon { title: title.clone(), until: end_of_life.clone() }),
        Support::Goes => None,
    };
    let end = hint.map(|hint| Found::new(hint, named(subject)));
    // That nobody maintains the package has a hint of its own.
    let anonymous = subject.project.metadata.author.is_empty();
    let notes = subject.plan.iter().flat_map(|plan| &plan.notes);
    let notes = notes.filter(|note| !(anonymous && note.contains(plan::NOBODY)));
    let notes = notes.map(|note| Found::new(Hint::Plan { note: note.clone() }, service_of(subject, note)));
    let unbuilt = subject.not_built().map(|hint| Found::new(hint, None));
    end.into_iter().chain(notes).chain(unbuilt).collect()
}

/// The service that a note begins with: "service `web` ...".
fn service_of(subject: &Subject<'_>, note: &str) -> Option<Spot> {
    let name = note.strip_prefix("service `")?.split('`').next()?;
    let index = subject.project.services.iter().position(|service| service.name == name)?;
    subject.config.spot(subject.distribution, &Place::at("service").index(index))
}

/// Where `[targets]` names the distribution.
fn named(subject: &Subject<'_>) -> Option<Spot> {
    let index = subject.config.targets().iter().position(|name| *name == subject.distribution.name)?;
    let place = Place::at("targets").key("distributions").index(index);
    subject.config.spot(subject.distribution, &place)
}

/// Tables `[distribution.<name>]` that are about none of the `targets`.
pub fn unused_overrides(config: &Config, targets: &[&Distribution]) -> Vec<Found> {
    let is_used = |name: &String| targets.iter().any(|target| target.name == *name || target.family == *name);
    let unused = config.overrides().into_iter().filter(|(name, _)| !is_used(name));
    unused.map(|(name, spot)| Found::new(Hint::UnusedOverride { name }, Some(spot))).collect()
}
