//! Which sandboxing directives a unit gets: the table in `hardening.toml`, as far as the target's systemd knows them.

use serde::{Deserialize, Serialize};

use crate::distribution::ToolVersion;

use super::Error;

const TABLE: &str = include_str!("hardening.toml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    directive: Vec<Row>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    value: String,
    since: ToolVersion,
    #[serde(rename = "for")]
    audience: Audience,
    /// Directories that the service would not see any more.
    #[serde(default)]
    hides: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Audience {
    Any,
    Unprivileged,
}

/// One line of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Directive {
    pub name: String,
    pub value: String,
}

/// What decides about a unit's directives.
#[derive(Debug)]
pub struct Subject<'a> {
    pub systemd: ToolVersion,
    pub user: &'a str,
    /// Directories that the service must see: its home, its working directory, its program.
    pub needs: Vec<&'a str>,
}

/// The directives for `subject`, in the order of the table.
///
/// # Errors
/// When the table itself is not sound.
pub fn directives(subject: &Subject<'_>) -> Result<Vec<Directive>, Error> {
    let table = toml::from_str::<Table>(TABLE).map_err(|error| Error::Directives { reason: error.to_string() })?;
    let fits = |row: &Row| {
        let hidden = |path: &str| {
            row.hides.iter().any(|hide| path.strip_prefix(hide).is_some_and(|r| r.is_empty() || r.starts_with('/')))
        };
        row.since <= subject.systemd
            && (row.audience == Audience::Any || subject.user != "root")
            && !subject.needs.iter().any(|path| hidden(path))
    };
    Ok(table.directive.into_iter().filter(fits).map(|row| Directive { name: row.name, value: row.value }).collect())
}
