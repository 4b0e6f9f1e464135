//! `omnipack check`.

use std::time::{SystemTime, UNIX_EPOCH};

use super::annotations;
use super::arguments::{CheckArgs, MessageFormat};
use super::failure::{Failure, render_for};
use super::text::counted;
use super::{print, print_json, reporter, stdout_is_terminal, tell};
use crate::check::{self, Build, Day, Finding, Level, Report, Request};
use crate::resolve;

/// Prints what was found, and fails when a build would.
pub fn run(arguments: CheckArgs) -> Result<(), Failure> {
    let request = request(&arguments)?;
    let reporter = reporter(&arguments.output);
    let report = check::check(&request, &reporter);
    reporter.finish();
    if arguments.output.messages.message_format == MessageFormat::Github {
        // Standard output may be JSON.
        let loud = report.findings.iter().filter(|finding| !finding.silenced && finding.level != Level::Note);
        let said = loud.map(|finding| annotations::of_error(finding)).collect::<String>();
        if !said.is_empty() {
            tell(said.trim_end());
        }
    }
    if arguments.output.json {
        print_json(&report.findings)?;
    } else {
        print(&text(&report, &arguments))?;
    }
    let fails = |finding: &&Finding| match finding.level {
        Level::Error => true,
        Level::Warning | Level::Hint => arguments.strict && !finding.silenced,
        Level::Note => false,
    };
    let failing = report.findings.iter().filter(fails).collect::<Vec<_>>();
    let usage = failing.iter().filter(|finding| finding.level == Level::Error).all(|finding| finding.exit_code == 2);
    let errors = failing.iter().any(|finding| finding.level == Level::Error);
    match (failing.is_empty(), errors && usage) {
        (true, _) => Ok(()),
        (false, true) => Err(Failure::Findings { code: 2 }),
        (false, false) => Err(Failure::Findings { code: 1 }),
    }
}

fn request(arguments: &CheckArgs) -> Result<Request, Failure> {
    let CheckArgs { projects, distributions, config, machine, .. } = arguments;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    Ok(Request {
        projects: projects.clone(),
        config: config.clone(),
        distributions: distributions.clone(),
        machine: machine.clone(),
        build: if arguments.build { Build::Yes } else { Build::No },
        resolve: resolve::Options {
            cache: match &arguments.cache_dir {
                Some(directory) => std::path::absolute(directory)?,
                None => resolve::default_cache().map_err(crate::Error::from)?,
            },
            offline: arguments.offline,
            uv: arguments.uv.clone(),
            pythons: arguments.python.clone(),
            ..resolve::Options::default()
        },
        today: Day::of_seconds(super::build::source_date()?.map_or(now, u64::from)),
    })
}

/// Every finding as errors are shown, then how many there are.
fn text(report: &Report, arguments: &CheckArgs) -> String {
    let terminal = stdout_is_terminal();
    let wanted = |finding: &&Finding| !finding.silenced && (finding.level == Level::Error || !arguments.output.quiet);
    let mut text = String::new();
    let mut project = None;
    for finding in report.findings.iter().filter(wanted) {
        if arguments.projects.len() > 1 && project != Some(&finding.project) {
            text.push_str(&format!("{}:\n\n", super::text::shown(&finding.project)));
            project = Some(&finding.project);
        }
        text.push_str(&render_for(finding, arguments.output.messages.color, terminal));
        text.push('\n');
    }
    if !arguments.output.quiet {
        text.push_str(&summary(report));
    }
    text
}

/// `2 errors, 1 warning, 3 hints, 1 note (1 silenced) for 2 targets`
fn summary(report: &Report) -> String {
    let count = |level: Level| {
        let findings = report.findings.iter();
        findings.filter(|finding| finding.level == level && !finding.silenced).count()
    };
    let levels = [(Level::Error, "error"), (Level::Warning, "warning"), (Level::Hint, "hint"), (Level::Note, "note")];
    let counts = levels.into_iter().map(|(level, word)| (count(level), word)).filter(|(count, _)| *count > 0);
    let counts = counts.map(|(count, word)| counted(count, word)).collect::<Vec<_>>();
    let found = if counts.is_empty() { "nothing to say".to_owned() } else { counts.join(", ") };
    let silenced = report.findings.iter().filter(|finding| finding.silenced).count();
    let silenced = if silenced == 0 { String::new() } else { format!(" ({silenced} silenced)") };
    let targets = match report.targets {
        0 => String::new(),
        count => format!(" for {}", counted(count, "target")),
    };
    format!("{found}{silenced}{targets}\n")
}
