//! What stands at the head of a spec file: names and versions by their macros, the licence, and the day of the change log.

use super::Application;
use crate::exec::Command;
use crate::package::days;
use crate::plan::BuildPlan;
use crate::project::Source;

/// The earliest date that rpmbuild takes is of 1997 (`dateToTimet` in build/parseChangelog.c).
pub const EARLIEST: u32 = 852_076_800;

/// The first day of 2000, which nobody takes for the day of a release.
const PLACEHOLDER: u32 = 946_684_800;

/// What is to be said where no day is known.
pub const NO_DAY: &str = "no day is known for the change log: it has the first of 2000, or set SOURCE_DATE_EPOCH";

/// What the configuration has where nobody names a licence.
const UNKNOWN: &str = "Unknown";

/// A value of the head, and whether it is written with macros.
#[derive(Debug, serde::Serialize)]
pub struct Value {
    pub text: String,
    pub is_macro: bool,
}

/// The head's values.
#[derive(Debug, serde::Serialize)]
pub struct Head {
    pub name: Value,
    pub version: Value,
    pub archive: Value,
    pub archive_directory: Value,
    pub license: String,
    /// What a maintainer has to know of the licence; empty for nothing.
    pub license_note: String,
}

impl Head {
    /// `archive`: file or address of the application's own archive, and `directory`: the one in it.
    pub fn new(plan: &BuildPlan, archive: &str, directory: &str) -> Self {
        let (pypi_name, pypi_version) = (plan.metadata.name.as_str(), plan.version.as_str());
        let main = plan.packages.first().map_or("", |main| main.name.as_str());
        let equal = |text: &str, other: &str, name: &str| match text == other {
            true => Value { text: format!("%{{{name}}}"), is_macro: true },
            false => Value { text: text.to_owned(), is_macro: false },
        };
        let (license, license_note) = license(&plan.license);
        Self {
            name: equal(main, pypi_name, "pypi_name"),
            version: equal(&plan.evr.version, pypi_version, "pypi_version"),
            archive: Value::with_macros(archive, directory, pypi_name, pypi_version),
            archive_directory: Value::with_macros(directory, directory, pypi_name, pypi_version),
            license,
            license_note,
        }
    }
}

impl Value {
    /// `text` with macros in `directory`, which is `<name>-<version>`. Both are of characters that rpm takes as they are.
    fn with_macros(text: &str, directory: &str, name: &str, version: &str) -> Self {
        let Some(stem) = directory.strip_suffix(version).and_then(|stem| stem.strip_suffix('-')) else {
            return Self { text: text.to_owned(), is_macro: false };
        };
        let stem = if stem == name { "%{pypi_name}" } else { stem };
        Self { text: text.replace(directory, &format!("{stem}-%{{pypi_version}}")), is_macro: true }
    }
}

/// The licence as SPDX, which Fedora and openSUSE ask for
/// (<https://docs.fedoraproject.org/en-US/legal/license-field/>), and what is to be said of it.
fn license(text: &str) -> (String, String) {
    if text.is_empty() || text == UNKNOWN {
        let note = "FIXME: the project names no licence; its licence belongs here, as an SPDX expression";
        return ("LicenseRef-FIXME".to_owned(), note.to_owned());
    }
    if spdx::Expression::parse(text).is_ok() {
        return (text.to_owned(), String::new());
    }
    match crate::package::spdx_identifier(text) {
        Some(identifier) => (identifier, String::new()),
        None => {
            let note = "FIXME: this is no SPDX expression, which the guidelines of distributions ask for";
            (text.to_owned(), note.to_owned())
        }
    }
}

/// The author of the application, without the address.
pub fn author(plan: &BuildPlan) -> &str {
    plan.metadata.author.split('<').next().unwrap_or_default().trim()
}

/// Seconds since 1970 of the day that the entry for this version has, where the change log has none: what the user fixed,
/// the newest file of a published wheel, the last commit; so it is the same wherever the spec file is made.
pub fn source_date(plan: &BuildPlan, application: &Application) -> u32 {
    let sound = |date: &u32| *date >= EARLIEST;
    // A wheel that was built here has the date of that build, which a cache may have kept from another run.
    let published = matches!(plan.source, Source::Wheel(_) | Source::Requirement(_));
    let newest = application.newest.filter(|_| published);
    let given = Some(plan.source_date).filter(sound).or_else(|| newest.filter(sound));
    given.or_else(|| committed(plan).filter(sound)).unwrap_or(PLACEHOLDER)
}

/// Is it a day that only says that none is known?
pub fn is_placeholder(date: u32) -> bool {
    date == PLACEHOLDER
}

/// When the sources were last committed, where git knows them.
fn committed(plan: &BuildPlan) -> Option<u32> {
    let directory = plan.source.directory()?;
    let git = Command::new("git").dir(directory).args(["log", "-1", "--format=%ct", "--", "."]);
    git.run_checked().ok()?.stdout_text().trim().parse().ok()
}

/// Seconds since 1970 of the day of a member of an archive.
pub fn day(time: zip::DateTime) -> Option<u32> {
    u32::try_from(days(time.year().into(), time.month().into(), time.day().into()) * 86_400).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_is_spdx_where_it_can_be() {
        let cases = [
            ("MIT", "MIT", false),
            ("MIT License", "MIT", false),
            ("ASL 2.0", "Apache-2.0", false),
            ("GPLv2", "GPL-2.0-only", false),
            ("GPLv3+", "GPL-3.0-or-later", false),
            ("BSD", "BSD", true),
            ("mine", "mine", true),
        ];
        for (text, expected, noted) in cases {
            let (license, note) = license(text);
            assert_eq!((license.as_str(), !note.is_empty()), (expected, noted), "{text}");
        }
        assert!(license(UNKNOWN).0.contains("FIXME"));
    }

    #[test]
    fn macros_stand_for_what_is_equal() {
        let value = |text: &str, directory: &str, name: &str| Value::with_macros(text, directory, name, "1.0").text;
        assert_eq!(value("app-1.0.tar.gz", "app-1.0", "app"), "%{pypi_name}-%{pypi_version}.tar.gz");
        assert_eq!(value("my_app-1.0.tar.gz", "my_app-1.0", "my-app"), "my_app-%{pypi_version}.tar.gz");
        assert_eq!(value("other.zip", "other", "app"), "other.zip");
    }
}
