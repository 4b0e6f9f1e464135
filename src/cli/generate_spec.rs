//! `omnipack generate-spec`.

use crate::build;
use crate::cli::arguments::GenerateSpecArgs;
use crate::cli::failure::Failure;
use crate::cli::{print, print_json, reporter, spec_output};
use crate::spec;
use crate::spec::satisfy::Location;

/// Writes spec files and their sources, or says what they would need that the repositories lack.
pub fn run(arguments: &GenerateSpecArgs) -> Result<(), Failure> {
    if arguments.check {
        return super::repository_check::run(arguments);
    }
    let request = super::build::request(&arguments.target)?;
    let reporter = reporter(&arguments.output);
    let all = match arguments.bundle_missing {
        true => {
            let parsed = arguments.repositories.iter().map(|text| Location::parse(text)).collect::<Result<Vec<_>, _>>();
            let locations = parsed.map_err(|error| crate::Error::from(spec::Error::from(error)))?;
            build::hybrid_spec_files(&request, &locations, &reporter)
        }
        false => build::spec_files(&request, &reporter),
    };
    reporter.finish();
    let all = all?;
    let several = all.len() > 1;
    let mut written = Vec::new();
    for (plan, files) in all {
        let name = &plan.distribution.name;
        let directory = if several { arguments.directory.join(name) } else { arguments.directory.clone() };
        written.push(spec_output::write(&plan, files, &directory, arguments)?);
    }
    if arguments.output.json {
        return print_json(&written);
    }
    if arguments.output.quiet {
        return Ok(());
    }
    print(&written.iter().map(spec_output::Written::text).collect::<String>())
}
