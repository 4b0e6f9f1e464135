//! `omnipack generate-spec`.

use crate::build;
use crate::cli::arguments::GenerateSpecArgs;
use crate::cli::failure::Failure;
use crate::cli::spec_output::{self, Written, directory_of};
use crate::cli::{print, print_json, reporter};
use crate::plan::BuildPlan;
use crate::progress::Listener;
use crate::spec::SpecFiles;

/// Writes spec files and their sources.
pub fn run(arguments: &GenerateSpecArgs) -> Result<(), Failure> {
    let request = super::build::request(&arguments.target)?;
    let reporter = reporter(&arguments.output);
    let written =
        build::spec_files(&request, &reporter).map_err(Failure::from).and_then(|all| write(&all, arguments, &reporter));
    reporter.finish();
    let written = written?;
    if arguments.output.json {
        return print_json(&written);
    }
    if arguments.output.quiet {
        return Ok(());
    }
    print(&written.iter().map(spec_output::Written::text).collect::<String>())
}

/// Writes all before the first is tried.
fn write(
    all: &[(BuildPlan, SpecFiles)],
    arguments: &GenerateSpecArgs,
    listener: &dyn Listener,
) -> Result<Vec<Written>, Failure> {
    let several = all.len() > 1;
    let directory = |plan: &BuildPlan| directory_of(&arguments.directory, &plan.distribution.name, several);
    let mut written = Vec::new();
    for (plan, files) in all {
        written.push(spec_output::write(plan, files, &directory(plan), arguments)?);
    }
    let tried = all.iter().zip(written).map(|((plan, files), written)| {
        let kept = arguments.try_directory.as_ref().map(|kept| directory_of(kept, &plan.distribution.name, several));
        let tried = spec_output::attempt(plan, files, &directory(plan), kept.as_deref(), arguments, listener)?;
        Ok(written.tried(tried))
    });
    tried.collect()
}
