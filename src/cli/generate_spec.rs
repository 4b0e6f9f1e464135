//! `omnipack generate-spec`.

use serde::Serialize;

use crate::build::{self, Wanted};
use crate::cli::arguments::GenerateSpecArgs;
use crate::cli::debian_source::{self, WrittenSource};
use crate::cli::failure::Failure;
use crate::cli::spec_output::{self, Written};
use crate::cli::{print, print_json, reporter};
use crate::plan::BuildPlan;
use crate::spec::debian::DebianSource;
use crate::spec::satisfy::Location;
use crate::spec::{self, SpecFiles};

/// One element of the JSON.
#[derive(Serialize)]
#[serde(untagged)]
enum Output {
    Spec(Written),
    Debian(WrittenSource),
}

/// Spec files and Debian source packages, each with its plan.
type Made = (Vec<(BuildPlan, SpecFiles)>, Vec<(BuildPlan, DebianSource)>);

/// Writes spec files and their sources, or Debian source packages, or says what they would need that the repositories lack.
pub fn run(arguments: &GenerateSpecArgs) -> Result<(), Failure> {
    if arguments.check {
        return super::repository_check::run(arguments);
    }
    let reporter = reporter(&arguments.output);
    let made = make(arguments, &reporter);
    reporter.finish();
    let (specs, sources) = made?;
    let several = specs.len() + sources.len() > 1;
    let directory = |plan: &BuildPlan| match several {
        true => arguments.directory.join(&plan.distribution.name),
        false => arguments.directory.clone(),
    };
    let mut written = Vec::new();
    for (plan, files) in specs {
        written.push(Output::Spec(spec_output::write(&plan, files, &directory(&plan), arguments)?));
    }
    for (plan, source) in sources {
        let name = &plan.distribution.name;
        written.push(Output::Debian(debian_source::write(name, source, &directory(&plan))?));
    }
    if arguments.output.json {
        return print_json(&written);
    }
    if arguments.output.quiet {
        return Ok(());
    }
    let text = |output: &Output| match output {
        Output::Spec(written) => written.text(),
        Output::Debian(written) => written.text(),
    };
    print(&written.iter().map(text).collect::<String>())
}

/// What is made follows from the targets, unless an option asks for what only one kind of them has.
fn make(arguments: &GenerateSpecArgs, reporter: &dyn crate::progress::Listener) -> Result<Made, Failure> {
    let request = super::build::request(&arguments.target)?;
    if arguments.bundle_missing {
        let locations = arguments.repositories.iter().map(|text| Location::parse(text)).collect::<Result<Vec<_>, _>>();
        let locations = locations.map_err(|error| crate::Error::from(spec::Error::from(error)))?;
        return Ok((build::hybrid_spec_files(&request, &locations, reporter)?, Vec::new()));
    }
    if arguments.debian {
        return Ok((Vec::new(), build::debian_sources(&request, Wanted::Named, reporter)?));
    }
    if arguments.srpm {
        return Ok((build::spec_files(&request, Wanted::Named, reporter)?, Vec::new()));
    }
    let specs = build::spec_files(&request, Wanted::Fitting, reporter)?;
    Ok((specs, build::debian_sources(&request, Wanted::Fitting, reporter)?))
}
