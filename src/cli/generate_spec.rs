//! `omnipack generate-spec`.

use std::path::Path;

use serde::Serialize;

use crate::Error;
use crate::build::{self, Destination, ForTarget, Wanted};
use crate::cli::arguments::GenerateSpecArgs;
use crate::cli::debian_source::{self, WrittenSource};
use crate::cli::failure::{Failure, Fault};
use crate::cli::spec_output::{self, Written};
use crate::cli::{print, print_json, reporter};
use crate::progress::Listener;
use crate::spec::debian::DebianSource;
use crate::spec::satisfy::Location;
use crate::spec::{self, SpecFiles};

/// What names the directory that is written into.
const OPTION: &str = "--output-directory";

/// One element of the JSON.
#[derive(Serialize)]
#[serde(untagged)]
enum Output {
    Spec(Written),
    Debian(WrittenSource),
    Failed { distribution: String, error: Fault },
}

impl Output {
    fn text(&self) -> String {
        match self {
            Self::Spec(written) => written.text(),
            Self::Debian(written) => written.text(),
            Self::Failed { .. } => String::new(),
        }
    }

    /// The command that comes next, on a machine of the target.
    fn next(&self) -> Option<String> {
        match self {
            Self::Spec(written) => written.next(),
            Self::Debian(written) => Some(written.next()),
            Self::Failed { .. } => None,
        }
    }
}

/// Spec files and Debian source packages, each with its plan, or why there are none.
type Made = (Vec<ForTarget<SpecFiles>>, Vec<ForTarget<DebianSource>>);

/// What was written, and the targets that failed.
#[derive(Default)]
struct Outcome {
    outputs: Vec<Output>,
    failures: Vec<(String, Error)>,
}

impl Outcome {
    fn fail(&mut self, distribution: String, error: Error) {
        self.outputs.push(Output::Failed { distribution: distribution.clone(), error: Fault::of(&error) });
        self.failures.push((distribution, error));
    }

    fn result(self) -> Result<(), Failure> {
        let made = self.outputs.iter().any(|output| !matches!(output, Output::Failed { .. }));
        Failure::of_targets(self.failures, self.outputs.len(), made)
    }
}

/// Writes spec files and their sources, or Debian source packages, or says what they would need that the repositories lack.
pub fn run(arguments: &GenerateSpecArgs) -> Result<(), Failure> {
    if arguments.check {
        return super::repository_check::run(arguments);
    }
    // Before any work, so that a directory that takes no files is found out at once; gone again when nothing is in it.
    let _destination = Destination::check(&arguments.directory, OPTION).map_err(Error::from)?;
    let reporter = reporter(&arguments.output);
    let outcome = make(arguments, &reporter).map(|made| write(made, arguments, &reporter));
    reporter.finish();
    let outcome = outcome?;
    if arguments.output.json {
        print_json(&outcome.outputs)?;
    } else if !arguments.output.quiet {
        print(&outcome.outputs.iter().map(Output::text).collect::<String>())?;
        if super::stderr_is_terminal() {
            outcome.outputs.iter().filter_map(Output::next).for_each(|hint| super::tell(&hint));
        }
    }
    outcome.result()
}

/// What is made follows from the targets, unless an option asks for what only one kind of them has.
fn make(arguments: &GenerateSpecArgs, reporter: &dyn Listener) -> Result<Made, Failure> {
    let request = super::build::request(&arguments.target)?;
    if arguments.bundle_missing {
        let locations = arguments.repositories.iter().map(|text| Location::parse(text)).collect::<Result<Vec<_>, _>>();
        let locations = locations.map_err(|error| Error::from(spec::Error::from(error)))?;
        return Ok((build::hybrid_spec_files(&request, &locations, reporter)?, Vec::new()));
    }
    if arguments.debian {
        return Ok((Vec::new(), build::debian_sources(&request, Wanted::Named("--debian"), reporter)?));
    }
    for (option, given) in [("--srpm", arguments.srpm), ("--try", arguments.stage.is_some())] {
        if given {
            return Ok((build::spec_files(&request, Wanted::Named(option), reporter)?, Vec::new()));
        }
    }
    let specs = build::spec_files(&request, Wanted::Fitting, reporter)?;
    Ok((specs, build::debian_sources(&request, Wanted::Fitting, reporter)?))
}

/// Writes all that can be written before the first is tried.
fn write((specs, sources): Made, arguments: &GenerateSpecArgs, listener: &dyn Listener) -> Outcome {
    let several = specs.len() + sources.len() > 1;
    let below = |directory: &Path, name: &str| match several {
        true => directory.join(name),
        false => directory.to_path_buf(),
    };
    let output = |name: &str| below(&arguments.directory, name);
    let mut outcome = Outcome::default();
    let written = specs.into_iter().map(|ForTarget { distribution, result }| {
        let written = result.and_then(|made| {
            let written =
                into(&output(&distribution), |directory| spec_output::write(&made.0, &made.1, directory, arguments));
            Ok((made, written?))
        });
        (distribution, written)
    });
    for (distribution, written) in written.collect::<Vec<_>>() {
        let ((plan, files), written) = match written {
            Ok(done) => done,
            Err(error) => {
                outcome.fail(distribution, error);
                continue;
            }
        };
        let kept = arguments.try_directory.as_ref().map(|directory| below(directory, &distribution));
        let packages = output(&distribution);
        let written = match spec_output::attempt(&plan, &files, &packages, kept.as_deref(), arguments, listener) {
            Ok(tried) => written.tried(tried),
            Err(error) => {
                let written = written.failed(Fault::of(&error));
                outcome.failures.push((distribution, error));
                written
            }
        };
        outcome.outputs.push(Output::Spec(written));
    }
    for ForTarget { distribution, result } in sources {
        let written = result.and_then(|(_, source)| {
            into(&output(&distribution), |directory| {
                debian_source::write(&distribution, source, directory, arguments.existing())
            })
        });
        match written {
            Ok(written) => outcome.outputs.push(Output::Debian(written)),
            Err(error) => outcome.fail(distribution, error),
        }
    }
    outcome
}

/// What fails takes away the directory that it had to make.
fn into<T>(directory: &Path, write: impl FnOnce(&Path) -> Result<T, Error>) -> Result<T, Error> {
    let _destination = Destination::check(directory, OPTION)?;
    write(directory)
}
