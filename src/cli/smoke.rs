//! `omnipack smoke`: packages tried on a machine, and the report as a table, as JSON or as JUnit XML.

use std::fmt::Write;
use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use super::arguments::{ContainerEngine, SmokeArgs};
use super::failure::Failure;
use super::text::shown;
use super::{colored, print, print_json, reporter, tell};
use crate::smoke::{self, AfterFailure, Engine, Outcome, Place, Report, Request, Tried};

/// Lines of a message that the table shows; the JSON and the JUnit report have all of it.
const MESSAGE_LINES: usize = 30;

/// Tries the packages.
///
/// # Errors
/// When the machine cannot be had, and when a step failed.
pub fn run(arguments: &SmokeArgs) -> Result<(), Failure> {
    if let Some(directory) = arguments.junit.as_deref().and_then(Path::parent).filter(|path| *path != Path::new("")) {
        // Found out before minutes are spent.
        fs_err::read_dir(directory)?;
    }
    let reporter = reporter(&arguments.output);
    let tried = smoke::run(&request(arguments), &reporter);
    reporter.finish();
    let Tried { report, machine } = tried.map_err(crate::Error::from)?;
    if arguments.output.json {
        print_json(&report)?;
    } else if !arguments.output.quiet || !report.passed {
        let colors = colored(arguments.output.messages.color, std::io::stdout().is_terminal());
        print(&table(&report, colors.then_some(Colors)))?;
    }
    if let Some(path) = &arguments.junit {
        fs_err::write(path, report.junit()?)?;
    }
    if report.passed {
        return Ok(());
    }
    if arguments.keep {
        hold(&machine);
    }
    Err(Failure::Steps)
}

fn request(arguments: &SmokeArgs) -> Request {
    let engine = arguments.engine.map(|engine| match engine {
        ContainerEngine::Podman => Engine::Podman,
        ContainerEngine::Docker => Engine::Docker,
    });
    Request {
        files: arguments.files.clone(),
        upgrade_from: arguments.upgrade_from.clone(),
        place: match (&arguments.root, &arguments.container) {
            (Some(directory), _) => Place::Root(directory.clone()),
            (None, Some(image)) => Place::Container { engine, image: image.clone() },
            (None, None) => Place::ThisMachine,
        },
        timeout: Duration::from_secs(arguments.timeout),
        after_failure: if arguments.keep { AfterFailure::Stop } else { AfterFailure::GoOn },
    }
}

/// Leaves the machine to the user, who ends it, and this program, with Ctrl-C.
fn hold(machine: &smoke::Machine) {
    let Some(entry) = machine.entry() else { return };
    tell(&format!("the machine is as the failed step left it; a shell on it: {entry}\nCtrl-C ends it"));
    loop {
        std::thread::park();
    }
}

/// Writes in colours.
#[derive(Debug, Clone, Copy)]
pub struct Colors;

/// The steps, a line each, with what is to be said of those that failed or were skipped; and what it all comes to.
#[must_use]
pub fn table(report: &Report, colors: Option<Colors>) -> String {
    let width = report.steps.iter().map(|step| step.name.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    let _ = writeln!(
        text,
        "{} on {} ({}, services: {})",
        shown(&report.packages.join(", ")),
        shown(&report.machine),
        report.package_manager,
        shown(&report.service_manager)
    );
    for step in &report.steps {
        let outcome = painted(step.outcome, colors);
        let (phase, name) = (step.phase.name(), shown(&step.name));
        let _ = writeln!(text, "  {outcome}  {phase:<15}  {name:<width$}  {:>6.1} s", step.seconds);
        let lines = step.message.lines().collect::<Vec<_>>();
        for line in lines.iter().take(MESSAGE_LINES) {
            let _ = writeln!(text, "           {}", shown(line));
        }
        if lines.len() > MESSAGE_LINES {
            let _ = writeln!(text, "           ({} more lines)", lines.len() - MESSAGE_LINES);
        }
    }
    let count = |outcome| report.count(outcome);
    let _ = writeln!(
        text,
        "{} ok, {} failed, {} skipped in {:.1} s",
        count(Outcome::Ok),
        count(Outcome::Failed),
        count(Outcome::Skipped),
        report.seconds
    );
    text
}

/// Seven columns, however they are coloured.
fn painted(outcome: Outcome, colors: Option<Colors>) -> String {
    let word = format!("{:<7}", outcome.name());
    let code = match outcome {
        Outcome::Ok => "32",
        Outcome::Failed => "1;31",
        Outcome::Skipped => "33",
    };
    match colors {
        Some(Colors) => format!("\u{1b}[{code}m{word}\u{1b}[0m"),
        None => word,
    }
}
