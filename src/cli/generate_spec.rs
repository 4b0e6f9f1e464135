//! `omnipack generate-spec`.

use std::path::Path;

use serde::Serialize;

use crate::build::{self, Wanted};
use crate::cli::arguments::GenerateSpecArgs;
use crate::cli::debian_source::WrittenSource;
use crate::cli::failure::Failure;
use crate::cli::spec_output::{self, Ready, Written};
use crate::cli::{print, print_json, reporter};
use crate::plan::BuildPlan;
use crate::progress::Listener;
use crate::spec::debian::{DebianSource, Prepared};
use crate::spec::output::{self, Existing};
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
    let written = make(arguments, &reporter).and_then(|made| write(made, arguments, &reporter));
    reporter.finish();
    let written = written?;
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
fn make(arguments: &GenerateSpecArgs, reporter: &dyn Listener) -> Result<Made, Failure> {
    let request = super::build::request(&arguments.target)?;
    if arguments.bundle_missing {
        let locations = arguments.repositories.iter().map(|text| Location::parse(text)).collect::<Result<Vec<_>, _>>();
        let locations = locations.map_err(|error| crate::Error::from(spec::Error::from(error)))?;
        return Ok((build::hybrid_spec_files(&request, &locations, reporter)?, Vec::new()));
    }
    if arguments.debian {
        return Ok((Vec::new(), build::debian_sources(&request, Wanted::Named, reporter)?));
    }
    if arguments.srpm || arguments.stage.is_some() {
        return Ok((build::spec_files(&request, Wanted::Named, reporter)?, Vec::new()));
    }
    let specs = build::spec_files(&request, Wanted::Fitting, reporter)?;
    Ok((specs, build::debian_sources(&request, Wanted::Fitting, reporter)?))
}

/// Writes all before the first is tried, and nothing when anything is there that must not be replaced.
fn write(made: Made, arguments: &GenerateSpecArgs, listener: &dyn Listener) -> Result<Vec<Output>, Failure> {
    let (specs, sources) = made;
    let several = specs.len() + sources.len() > 1;
    let below = |directory: &Path, plan: &BuildPlan| match several {
        true => directory.join(&plan.distribution.name),
        false => directory.to_path_buf(),
    };
    let mut ready = Vec::new();
    for (plan, files) in &specs {
        ready.push(spec_output::ready(plan, files, &below(&arguments.directory, plan), arguments)?);
    }
    let mut prepared = Vec::new();
    for (plan, source) in &sources {
        let package = Prepared::new(source, &below(&arguments.directory, plan)).map_err(crate::Error::from)?;
        prepared.push(package);
    }
    write_all(&ready, &prepared, arguments)?;
    let mut all = Vec::new();
    for (ready, (plan, files)) in ready.into_iter().zip(&specs) {
        let kept = arguments.try_directory.as_ref().map(|directory| below(directory, plan));
        let packages = below(&arguments.directory, plan);
        let tried = spec_output::attempt(plan, files, &packages, kept.as_deref(), arguments, listener)?;
        all.push(Output::Spec(ready.written.tried(tried)));
    }
    for (package, (plan, source)) in prepared.iter().zip(sources) {
        all.push(Output::Debian(WrittenSource::new(&plan.distribution.name, package, source.notes)));
    }
    Ok(all)
}

fn write_all(ready: &[Ready], prepared: &[Prepared], arguments: &GenerateSpecArgs) -> Result<(), crate::Error> {
    let existing = if arguments.force { Existing::Replaced } else { Existing::Kept };
    let mut differing = Vec::new();
    for ready in ready {
        differing.extend(output::differing(&ready.outputs)?);
    }
    for package in prepared {
        differing.extend(package.differing()?);
    }
    output::check_existing(differing, existing)?;
    for ready in ready {
        output::write(&ready.outputs)?;
    }
    for package in prepared {
        package.publish()?;
    }
    Ok(())
}
