//! What the repositories have for all that is required, row by row.

use serde::Serialize;

use super::stated::{self, Preambles, Stated};
use super::{Error, Repositories, Verdict};
use crate::plan::Relation;
use crate::plan::requirement::Translation;

/// When something has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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
    /// What was not looked at, one sentence each.
    pub notes: Vec<String>,
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

/// Adds to `rows` what the text of a spec file requires besides.
///
/// # Errors
/// As [`Repositories::satisfies`].
pub fn check_text(
    text: &str,
    repositories: &Repositories,
    rows: &mut Vec<Row>,
    notes: &mut Vec<String>,
) -> Result<(), Error> {
    let Preambles { stated, unknown } = stated::read(text);
    let said = |stated: &Stated, row: &Row| {
        row.need == stated.need && row.relations.iter().any(|checked| checked.relation == shown(&stated.relation))
    };
    let new = stated.into_iter().filter(|stated| !rows.iter().any(|row| said(stated, row))).collect::<Vec<_>>();
    repositories.search_for(new.iter().map(|stated| &stated.relation))?;
    for Stated { need, tag, relation } in new {
        let verdict = repositories.satisfies(&relation)?;
        let relations = vec![Checked { relation: shown(&relation), verdict }];
        rows.push(Row { need, requirements: vec![tag], relations, open: Vec::new() });
    }
    let sentence = |line: String| format!("`{line}` was not looked at: only the target knows its macros");
    notes.extend(unknown.into_iter().map(sentence));
    Ok(())
}

fn checked(relations: &[Relation], verdicts: Vec<Verdict>) -> Vec<Checked> {
    let pairs = relations.iter().zip(verdicts);
    pairs.map(|(relation, verdict)| Checked { relation: shown(relation), verdict }).collect()
}

fn shown(relation: &Relation) -> String {
    if super::is_conflict(relation) { format!("not {relation}") } else { relation.to_string() }
}
