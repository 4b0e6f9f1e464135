//! `omnipack generate-spec --check`: a table of what is required and what the repositories have for it.

use serde::Serialize;

use super::arguments::GenerateSpecArgs;
use super::failure::{Failure, Fault};
use super::text::{counted, shown};
use super::{print, print_json, reporter};
use crate::build::{self, ForTarget};
use crate::plan::BuildPlan;
use crate::spec;
use crate::spec::satisfy::{self, Checked, Location, Need, Report, Row, Verdict};

const HEADINGS: [&str; 5] = ["", "FOR", "WRITTEN", "REQUIRED", "FOUND"];
/// Packages or versions that are named before the rest is counted.
const NAMED: usize = 3;

/// One element of the JSON.
#[derive(Serialize)]
#[serde(untagged)]
enum Checks<'a> {
    Done {
        distribution: &'a str,
        satisfied: bool,
        #[serde(flatten)]
        report: &'a Report,
    },
    Failed {
        distribution: &'a str,
        error: Fault,
    },
}

impl<'a> Checks<'a> {
    fn of(ForTarget { distribution, result }: &'a ForTarget<Report>) -> Self {
        match result {
            Ok((_, report)) => Self::Done { distribution, satisfied: report.is_satisfied(), report },
            Err(error) => Self::Failed { distribution, error: Fault::of(error) },
        }
    }
}

/// Asks the repositories, and fails when they lack something.
pub fn run(arguments: &GenerateSpecArgs) -> Result<(), Failure> {
    let fault = |error: satisfy::Error| Failure::from(crate::Error::from(spec::Error::from(error)));
    if arguments.repositories.is_empty() {
        return Err(fault(satisfy::Error::NoRepository));
    }
    let parsed = arguments.repositories.iter().map(|text| Location::parse(text)).collect::<Result<Vec<_>, _>>();
    let locations = parsed.map_err(fault)?;
    let request = super::build::request(&arguments.target)?;
    let reporter = reporter(&arguments.output);
    let checked = if arguments.debian { build::Checked::Debian } else { build::Checked::All };
    let all = build::spec_checks(&request, checked, &locations, &reporter);
    reporter.finish();
    let all = all?;
    if arguments.output.json {
        print_json(&all.iter().map(Checks::of).collect::<Vec<_>>())?;
    } else if !arguments.output.quiet {
        let done = all.iter().filter_map(|one| one.result.as_ref().ok());
        print(&done.map(|(plan, report)| text(plan, report)).collect::<Vec<_>>().join("\n"))?;
    }
    let targets = all.len();
    let (mut failures, mut lacking) = (Vec::new(), false);
    for ForTarget { distribution, result } in all {
        match result {
            Ok((_, report)) => lacking |= !report.is_satisfied(),
            Err(error) => failures.push((distribution, error)),
        }
    }
    let made = failures.len() < targets;
    Failure::of_targets(failures, targets, made)?;
    if lacking { Err(Failure::Unsatisfied) } else { Ok(()) }
}

fn text(plan: &BuildPlan, report: &Report) -> String {
    let mut text = format!(
        "{} with Python {}, and what is in {}\n\n",
        shown(&plan.distribution.title),
        plan.interpreter.version.series(),
        report.repositories.iter().map(|label| shown(label)).collect::<Vec<_>>().join(", ")
    );
    let mut lines = vec![HEADINGS.map(str::to_owned)];
    lines.extend(report.rows.iter().flat_map(row));
    let mut widths = [0; HEADINGS.len()];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    for line in &lines {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text.push('\n');
    for note in report.rows.iter().flat_map(|row| &row.open).chain(&report.notes) {
        text.push_str(&format!("note: {}\n", shown(note)));
    }
    let lacking = report.rows.iter().filter(|row| !row.is_satisfied()).count();
    text.push_str(&match (lacking, report.rows.len()) {
        (0, 0) => "nothing is required\n".to_owned(),
        (0, all) => format!(
            "{} satisfied\n",
            if all == 1 { "the requirement is".to_owned() } else { format!("all {all} requirements are") }
        ),
        (1, all) => format!("1 of {} is not satisfied\n", counted(all, "requirement")),
        (lacking, all) => format!("{lacking} of {all} requirements are not satisfied\n"),
    });
    text
}

/// A line for each relation; what was written stands in the first of them.
fn row(row: &Row) -> Vec<[String; HEADINGS.len()]> {
    let need = match row.need {
        Need::Install => "install",
        Need::Build => "build",
    };
    let mut written = row.requirements.iter().map(|text| shown(text)).collect::<Vec<_>>().join(", ");
    let lines = row.relations.iter().map(|checked| {
        let mark = if checked.verdict.is_satisfied() { "ok" } else { "NO" };
        [mark.to_owned(), need.to_owned(), std::mem::take(&mut written), shown(&checked.relation), found(checked)]
    });
    lines.collect()
}

fn found(Checked { verdict, .. }: &Checked) -> String {
    match verdict {
        Verdict::Satisfied { by } if by.is_empty() => "nothing has to be there".to_owned(),
        Verdict::Satisfied { by } => some(by),
        Verdict::WrongVersion { available } => format!("only {}", some(available)),
        Verdict::Missing => "missing".to_owned(),
    }
}

fn some(texts: &[String]) -> String {
    let mut text = texts.iter().take(NAMED).map(|text| shown(text)).collect::<Vec<_>>().join(", ");
    if texts.len() > NAMED {
        text.push_str(&format!(" and {} more", texts.len() - NAMED));
    }
    text
}
