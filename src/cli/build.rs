//! `omnipack [build]`.

use crate::build::{self, KeepStage, Request};
use crate::cli::arguments::{BuildArgs, TargetArgs};
use crate::cli::failure::Failure;
use crate::cli::{print, print_json, reporter, summary};
use crate::plan;
use crate::resolve;

/// Builds, or with `--dry-run` shows what would be built.
pub fn run(arguments: &BuildArgs) -> Result<(), Failure> {
    let mut request = request(&arguments.target)?;
    request.destination.clone_from(&arguments.destination);
    if arguments.keep_stage {
        request.keep_stage = KeepStage::Yes;
    }
    let reporter = reporter(&arguments.output);
    if arguments.dry_run {
        let plans = build::dry_run(&request, &reporter);
        reporter.finish();
        let plans = plans?;
        return if arguments.output.json {
            print(&plan::json(&plans).map_err(std::io::Error::other)?)
        } else {
            print(&plans.iter().map(plan::render).collect::<Vec<_>>().join("\n"))
        };
    }
    let started = std::time::Instant::now();
    let outcomes = build::build(&request, &reporter);
    reporter.finish();
    let outcomes = outcomes?;
    if arguments.output.json {
        return print_json(&summary::json(&outcomes));
    }
    if arguments.output.quiet { Ok(()) } else { print(&summary::text(&outcomes, started.elapsed())) }
}

/// The request that the target's arguments stand for, with packages going nowhere yet.
pub fn request(target: &TargetArgs) -> Result<Request, Failure> {
    Ok(Request {
        source: target.source.clone(),
        config: target.config.clone(),
        distributions: target.distributions.clone(),
        machine: target.machine.clone(),
        destination: ".".into(),
        keep_stage: KeepStage::No,
        resolve: resolve::Options {
            cache: match &target.cache_dir {
                Some(directory) => std::path::absolute(directory)?,
                None => resolve::default_cache().map_err(crate::Error::from)?,
            },
            offline: target.offline,
            refresh: target.refresh,
            wheels: target.wheels.clone(),
            uv: target.uv.clone(),
            pythons: target.python.clone(),
            name: None,
        },
        builder: target.builder.map(Into::into),
        source_date: source_date()?,
    })
}

/// <https://reproducible-builds.org/specs/source-date-epoch/>
pub(super) fn source_date() -> Result<Option<u32>, Failure> {
    let Ok(text) = std::env::var("SOURCE_DATE_EPOCH") else { return Ok(None) };
    let seconds = text.trim().parse().map_err(|_| build::Error::SourceDate { text }).map_err(crate::Error::from)?;
    Ok(Some(seconds))
}
