//! What the repositories have for all that is required, row by row.

use serde::Serialize;

use super::{Error, Repositories, Verdict};
use crate::plan::Relation;
use crate::plan::requirement::Translation;

/// When something has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// Where the package is installed.
    Install,
    /// Where it is built.
    Build,
}

/// All that is asked of one distribution of the package index, or one line of the spec file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    pub need: Need,
    /// As the metadata of the application, a requirement file or the spec file has it.
    pub requirements: Vec<String>,
    /// As the package says it. Empty: it cannot be said there, see `open`.
    pub relations: Vec<Checked>,
    /// What the relations do not say, one sentence each.
    pub open: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// `python3dist(flask) >= 2`
    pub relation: String,
    #[serde(flatten)]
    pub verdict: Verdict,
}

impl Row {
    /// Can the repositories satisfy all of it?
    #[must_use]
    pub fn is_satisfied(&self) -> bool {
        self.relations.iter().all(|checked| checked.verdict.is_satisfied())
    }
}

/// What some repositories have for one package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Where the repositories are, as the user wrote it.
    pub repositories: Vec<String>,
    /// How many packages they have together.
    pub packages: usize,
    pub rows: Vec<Row>,
}

impl Report {
    /// Can the repositories satisfy everything?
    #[must_use]
    pub fn is_satisfied(&self) -> bool {
        self.rows.iter().all(Row::is_satisfied)
    }
}

/// A row for each of `translations`, in their order.
///
/// # Errors
/// As [`Repositories::satisfies`].
pub fn check(translations: &[Translation], need: Need, repositories: &Repositories) -> Result<Vec<Row>, Error> {
    repositories.search_for(translations.iter().flat_map(|translation| &translation.relations))?;
    let row = |translation: &Translation| {
        let verdicts = repositories.satisfies_together(&translation.relations)?;
        Ok(Row {
            need,
            requirements: translation.requirements.clone(),
            relations: checked(&translation.relations, verdicts),
            open: translation.open.clone(),
        })
    };
    translations.iter().map(row).collect()
}

fn checked(relations: &[Relation], verdicts: Vec<Verdict>) -> Vec<Checked> {
    let shown = |relation: &Relation| match super::is_conflict(relation) {
        true => format!("not {relation}"),
        false => relation.to_string(),
    };
    let pairs = relations.iter().zip(verdicts);
    pairs.map(|(relation, verdict)| Checked { relation: shown(relation), verdict }).collect()
}
