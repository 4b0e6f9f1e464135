//! Rules about what people read of a package: its licence, its maintainer, its version, its changes.

use super::finding::Found;
use super::hint::Hint;
use super::subject::Subject;
use crate::project::{Place, Spot};

pub fn hints(subject: &Subject<'_>) -> Vec<Found> {
    let metadata = &subject.project.metadata;
    let table = || subject.config.nearest_spot(subject.distribution, &Place::at("package"));
    let unsaid = |key: &str| subject.config.spot(subject.distribution, &Place::at("package").key(key)).is_none();
    let mut found = Vec::new();
    if metadata.license.is_empty() && subject.knows("license") && unsaid("license") {
        found.push(Found::new(Hint::License, table()));
    }
    let people = subject.knows("authors") && subject.knows("maintainers");
    if metadata.author.is_empty() && people && unsaid("maintainer") {
        found.push(Found::new(Hint::Maintainer, table()));
    }
    let version = &subject.project.package.version;
    let known = subject.knows("version") || !unsaid("version");
    if known && version == "0.0.0" {
        found.push(Found::new(Hint::Version { version: version.clone() }, version_spot(subject)));
    }
    found.extend(changelog(subject));
    found
}

fn version_spot(subject: &Subject<'_>) -> Option<Spot> {
    let own = subject.config.spot(subject.distribution, &Place::at("package").key("version"));
    own.or_else(|| super::python::pyproject_spot(subject, "version"))
}

/// A changelog that the project has and the package not.
fn changelog(subject: &Subject<'_>) -> Option<Found> {
    const NAMES: [&str; 4] = ["CHANGELOG", "CHANGES", "HISTORY", "NEWS"];
    const ENDS: [&str; 4] = ["", ".md", ".rst", ".txt"];
    let directory = subject.project.source.directory()?;
    if subject.project.package.changelog.is_some() {
        return None;
    }
    let mut names = NAMES.iter().flat_map(|name| ENDS.iter().map(move |end| format!("{name}{end}")));
    let file = names.find(|name| directory.join(name).is_file())?;
    let table = subject.config.nearest_spot(subject.distribution, &Place::at("package"));
    Some(Found::new(Hint::Changelog { file }, table))
}
