//! What can be said of a project before anything is built: all that stops a build, of all its targets, and what is likely
//! to go wrong or could be better.
//!
//! A project is read and planned for each target as a build does (`subject.rs`), and every part of it is written once without
//! the wheels (`trial.rs`). Then the rules look at it, a file for each theme: `services.rs`, `files.rs`, `python.rs`,
//! `package.rs`, `targets.rs`. What they say is in `hint.rs`.

mod calendar;
mod files;
mod finding;
mod hint;
mod package;
mod python;
mod services;
mod subject;
mod targets;
mod trial;

use std::path::PathBuf;

use crate::Error as AnyError;
use crate::build;
use crate::distribution::{Catalogue, Distribution};
use crate::progress::Listener;
use crate::project::{Config, Source};
use crate::resolve::{self, Resolver};

pub use calendar::Day;
pub use finding::{Finding, Level};
pub use hint::{CODES, Hint};

use finding::{Found, cover_secrets, grouped, of_error};
use subject::Subject;

/// What to look at.
#[derive(Debug, Clone)]
pub struct Request {
    /// Projects as the user named them.
    pub projects: Vec<String>,
    /// Configuration file, instead of each project's own.
    pub config: Option<PathBuf>,
    /// Names; empty: those of the configuration.
    pub distributions: Vec<String>,
    /// As `uname -m` says it.
    pub machine: String,
    pub build: Build,
    pub resolve: resolve::Options,
    pub today: Day,
}

/// May the application's wheel be built, where its metadata is not written down?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    Yes,
    No,
}

/// What was looked at, and what was found.
#[derive(Debug, Default)]
pub struct Report {
    pub findings: Vec<Finding>,
    /// How often: each project for each of its targets.
    pub targets: usize,
}

type Rule = fn(&Subject<'_>) -> Vec<Found>;

/// Looked at once for each target.
const RULES: [Rule; 5] = [services::hints, files::hints, python::hints, package::hints, targets::hints];

/// Looks at every project. What is wrong with one is among the findings, and the others are looked at all the same.
#[must_use]
pub fn check(request: &Request, listener: &dyn Listener) -> Report {
    let mut report = Report::default();
    let resolver = Resolver::new(request.resolve.clone(), listener);
    for project in &request.projects {
        let (mut findings, targets) = match check_one(request, project, &resolver, listener) {
            Ok(looked_at) => looked_at,
            Err(error) => (of_error(&error, None), 0),
        };
        for finding in &mut findings {
            finding.project.clone_from(project);
        }
        report.findings.extend(findings);
        report.targets += targets;
    }
    report
}

fn check_one(
    request: &Request,
    project: &str,
    resolver: &Resolver<'_>,
    listener: &dyn Listener,
) -> Result<(Vec<Finding>, usize), AnyError> {
    let source = Source::parse(project)?;
    let config = Config::load(&source, request.config.as_deref())?;
    let catalogue = Catalogue::embedded()?.with_overrides(&config.distribution_tables())?;
    config.check_distributions(catalogue.iter())?;
    let allowed = config.allowed_hints(&CODES)?;
    let distributions = config.distributions(&request.distributions, &catalogue)?;
    if distributions.is_empty() {
        return Err(build::Error::NoDistribution.into());
    }
    let mut findings = Vec::new();
    for distribution in &distributions {
        if request.build == Build::Yes {
            listener.step(&format!("{project}: {}", distribution.name));
        }
        findings.extend(check_target(request, &source, &config, distribution, resolver));
    }
    if request.distributions.is_empty() {
        let unused = targets::unused_overrides(&config, &distributions);
        findings.extend(unused.into_iter().map(|found| found.finding(None)));
    }
    for finding in findings.iter_mut().filter(|finding| finding.level != Level::Error) {
        finding.silenced = allowed.contains(&finding.code);
    }
    cover_secrets(&mut findings);
    Ok((grouped(findings, distributions.len()), distributions.len()))
}

fn check_target(
    request: &Request,
    source: &Source,
    config: &Config,
    distribution: &Distribution,
    resolver: &Resolver<'_>,
) -> Vec<Finding> {
    let name = Some(distribution.name.as_str());
    let subject = match Subject::read(request, source, config, distribution, resolver) {
        Ok(subject) => subject,
        Err(error) => return of_error(&error, name),
    };
    let planning = subject.errors.iter().flat_map(|error| of_error(error, name));
    let writing = subject.plan.iter().flat_map(|plan| trial::errors(&subject, plan));
    let errors = planning.chain(writing).collect::<Vec<_>>();
    let hints = RULES.iter().flat_map(|rule| rule(&subject)).map(|found| found.finding(name));
    errors.into_iter().chain(hints).collect()
}
