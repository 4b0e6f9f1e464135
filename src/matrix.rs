//! The rows of a CI matrix: one for each project, distribution and machine, with the runner and the container that they need.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use serde::Serialize;
use thiserror::Error as ThisError;

use crate::Error as AnyError;
use crate::distribution::{Catalogue, Distribution, PackageFormat, near_machine};
use crate::exec::Command;
use crate::project::{Config, Source, TargetRow, Targets};

/// The CI service whose runners are meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Service {
    #[default]
    Github,
    Gitlab,
}

/// For each service, machine to the label of its runner.
const RUNNERS: &str = include_str!("runners.toml");

/// What is listed where `[targets] machines` is not said.
const MACHINE: &str = "x86_64";

/// Why there is no matrix.
#[derive(Debug, ThisError, Diagnostic)]
pub enum Error {
    #[error("{project} says no distribution to build for")]
    #[diagnostic(
        code(matrix::no_distribution),
        help("list them in `[targets] distributions = [...]`, or name them with `--distribution`")
    )]
    NoDistribution { project: String },
    #[error("no distribution of {project} is for {machine}")]
    #[diagnostic(code(matrix::machine), help("{hint}"))]
    Machine { project: String, machine: String, hint: String },
    #[error("`{option}` names {machine}, but {known}")]
    #[diagnostic(code(matrix::rule), help("{hint}"))]
    Rule { option: &'static str, machine: String, known: String, hint: String },
    #[error("no runner is known for {machine}, which {distribution} is to be built for")]
    #[diagnostic(code(matrix::no_runner), help("say its label: `[targets.runners]`, `{machine} = \"...\"`"))]
    NoRunner { machine: String, distribution: String },
    #[error("{project}: git cannot tell what changed since `{reference}`: {reason}")]
    #[diagnostic(
        code(matrix::git),
        help(
            "is the commit there? With `actions/checkout`, `fetch-depth: 0` brings all; without `--changed-since` everything is listed"
        )
    )]
    Git { project: String, reference: String, reason: String },
}

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Directories of projects, as the user wrote them.
    pub projects: Vec<String>,
    /// Configuration file, instead of each project's own.
    pub config: Option<PathBuf>,
    /// Instead of those of the configuration.
    pub distributions: Vec<String>,
    /// Instead of those of the configuration.
    pub machines: Vec<String>,
    /// Besides those of the configuration.
    pub include: Vec<TargetRow>,
    /// Besides those of the configuration.
    pub exclude: Vec<TargetRow>,
    /// A commit: projects in which nothing changed since are left out.
    pub changed_since: Option<String>,
    pub service: Service,
}

/// `strategy.matrix`, as `fromJSON` takes it.
#[derive(Debug, Serialize)]
pub struct Matrix {
    pub include: Vec<Row>,
}

/// One job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// As the user wrote it.
    pub project: String,
    pub distribution: String,
    /// As `uname -m` says it: what `--machine` takes.
    pub machine: String,
    /// The package manager's word for the machine: `amd64`.
    pub architecture: String,
    /// `rpm` or `deb`
    pub format: PackageFormat,
    pub runner: String,
    /// Empty where the distribution has no image.
    pub container: String,
}

/// Lists the rows, in the order of the projects and of their distributions.
///
/// # Errors
/// When a project cannot be read, names nothing to build for, or git cannot say what changed.
pub fn matrix(request: &Request) -> Result<Matrix, AnyError> {
    let mut include = Vec::new();
    for project in &distinct(&request.projects) {
        let source = Source::parse(project)?;
        let config = Config::load(&source, request.config.as_deref())?;
        let catalogue = Catalogue::embedded()?.with_overrides(&config.distribution_tables())?;
        config.check_distributions(catalogue.iter())?;
        let targets = config.target_table()?;
        if let Some(reference) = &request.changed_since
            && !changed(project, &config, &targets, reference)?
        {
            continue;
        }
        include.extend(rows(project, &targets, &catalogue, request)?);
    }
    Ok(Matrix { include })
}

/// The projects, each once and as the user wrote it first: `app`, `./app` and `app/` are one.
#[must_use]
pub fn distinct(projects: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let place = |project: &String| fs_err::canonicalize(project).unwrap_or_else(|_| PathBuf::from(project));
    projects.iter().filter(|project| seen.insert(place(project))).cloned().collect()
}

fn rows(project: &str, targets: &Targets, catalogue: &Catalogue, request: &Request) -> Result<Vec<Row>, AnyError> {
    let names = if request.distributions.is_empty() { &targets.distributions } else { &request.distributions };
    let asked = if request.machines.is_empty() { &targets.machines } else { &request.machines };
    let machines = if asked.is_empty() { vec![MACHINE.to_owned()] } else { asked.clone() };
    let mut rows: Vec<Row> = Vec::new();
    let listed = names.iter().map(|name| catalogue.get(name)).collect::<Result<Vec<_>, _>>()?;
    let nobodys = |machine: &&String| listed.iter().all(|known| known.architecture(machine).is_none());
    if let Some(machine) = machines.iter().find(nobodys).filter(|_| !listed.is_empty()) {
        let hint = hint(machine, catalogue);
        return Err(Error::Machine { project: project.to_owned(), machine: machine.clone(), hint }.into());
    }
    for distribution in listed {
        for machine in &machines {
            // A release that never was for this machine is not a mistake here: `machines` is for all of them.
            if distribution.architecture(machine).is_some() {
                add(&mut rows, row(project, distribution, machine, targets, &TargetRow::default(), request.service)?);
            }
        }
    }
    let excluded = |row: &Row| {
        let family = catalogue.get(&row.distribution).map_or("", |distribution| distribution.family.as_str());
        targets.exclude.iter().chain(&request.exclude).any(|rule| applies(rule, row, family))
    };
    check_rules(request, catalogue)?;
    rows.retain(|row| !excluded(row));
    for added in targets.include.iter().chain(&request.include) {
        let Some(name) = &added.distribution else { continue };
        let distribution = catalogue.get(name)?;
        let machines = added.machine.as_ref().map_or_else(|| machines.clone(), |machine| vec![machine.clone()]);
        for machine in machines.iter().filter(|machine| distribution.architecture(machine).is_some()) {
            add(&mut rows, row(project, distribution, machine, targets, added, request.service)?);
        }
    }
    if rows.is_empty() && names.is_empty() {
        return Err(Error::NoDistribution { project: project.to_owned() }.into());
    }
    Ok(rows)
}

/// What the command line adds and leaves out has to be there: a word that is mistyped would change nothing, silently. In the
/// configuration that is looked at when it is read.
fn check_rules(request: &Request, catalogue: &Catalogue) -> Result<(), AnyError> {
    let wrong = |option, machine: &str, known: String| Error::Rule {
        option,
        machine: machine.to_owned(),
        known,
        hint: hint(machine, catalogue),
    };
    for rule in &request.exclude {
        if let Some(name) = rule.distribution.as_deref()
            && !catalogue.iter().any(|known| known.family == name)
        {
            catalogue.get(name)?;
        }
        // A release that never was for the machine is not listed anyway.
        if let Some(machine) = rule.machine.as_deref()
            && !catalogue.iter().any(|known| known.architecture(machine).is_some())
        {
            return Err(wrong("--exclude", machine, "no distribution is for it".to_owned()).into());
        }
    }
    for rule in &request.include {
        if let (Some(name), Some(machine)) = (&rule.distribution, &rule.machine)
            && catalogue.get(name)?.architecture(machine).is_none()
        {
            return Err(wrong("--include", machine, format!("{name} is not for it")).into());
        }
    }
    Ok(())
}

/// Which machine may be meant.
fn hint(machine: &str, catalogue: &Catalogue) -> String {
    let all = "say it as `uname -m` does: `omnipack distributions` shows the machines of each";
    let near = near_machine(machine, catalogue.iter()).filter(|near| *near != machine);
    near.map_or_else(|| all.to_owned(), |near| format!("did you mean `{near}`? {all}"))
}

/// A later row for the same distribution and machine takes the place of the earlier.
fn add(rows: &mut Vec<Row>, row: Row) {
    match rows.iter_mut().find(|known| known.distribution == row.distribution && known.machine == row.machine) {
        Some(known) => *known = row,
        None => rows.push(row),
    }
}

fn row(
    project: &str,
    distribution: &Distribution,
    machine: &str,
    targets: &Targets,
    said: &TargetRow,
    service: Service,
) -> Result<Row, Error> {
    let mut services: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(RUNNERS).unwrap_or_default();
    let usual = match service {
        Service::Github => services.remove("github"),
        Service::Gitlab => services.remove("gitlab"),
    };
    let known = [Some(&targets.runners), usual.as_ref()].into_iter().flatten().find_map(|runners| runners.get(machine));
    let runner = said.runner.clone().or_else(|| known.cloned());
    let missing = || Error::NoRunner { machine: machine.to_owned(), distribution: distribution.name.clone() };
    Ok(Row {
        project: project.to_owned(),
        distribution: distribution.name.clone(),
        machine: machine.to_owned(),
        architecture: distribution.architecture(machine).unwrap_or(machine).to_owned(),
        format: distribution.format,
        runner: runner.ok_or_else(missing)?,
        container: said.container.clone().or_else(|| distribution.image.clone()).unwrap_or_default(),
    })
}

fn applies(rule: &TargetRow, row: &Row, family: &str) -> bool {
    rule.distribution.as_ref().is_none_or(|name| *name == row.distribution || name == family)
        && rule.machine.as_ref().is_none_or(|machine| *machine == row.machine)
}

/// Did anything change below the project, or below what it watches, on this branch since it left `reference`?
fn changed(project: &str, config: &Config, targets: &Targets, reference: &str) -> Result<bool, Error> {
    // What GitHub sends as `before` of a branch that is new.
    if !reference.is_empty() && reference.chars().all(|c| c == '0') {
        return Ok(true);
    }
    let failed = |reason: String| Error::Git { project: project.to_owned(), reference: reference.to_owned(), reason };
    let directory = config.directory();
    let watched = targets.watch.iter().map(|path| directory.join(path));
    let command = Command::new("git")
        .dir(directory)
        .args(["diff", "--quiet", "--end-of-options", &format!("{reference}...HEAD"), "--", "."])
        .args(watched.map(|path| literal(&path)));
    let output = command.run().map_err(|error| failed(error.to_string()))?;
    match output.code {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(failed(output.stderr_text().lines().next().unwrap_or_default().to_owned())),
    }
}

/// As git takes a path as it is (gitglossary(7), pathspec).
fn literal(path: &Path) -> std::ffi::OsString {
    let mut text = std::ffi::OsString::from(":(literal)");
    text.push(path);
    text
}
