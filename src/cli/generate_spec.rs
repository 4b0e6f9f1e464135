//! `omnipack generate-spec`.

use crate::build;
use crate::cli::arguments::GenerateSpecArgs;
use crate::cli::failure::Failure;
use crate::cli::{print, print_json, reporter, spec_output};

/// Writes spec files and their sources.
pub fn run(arguments: &GenerateSpecArgs) -> Result<(), Failure> {
    let request = super::build::request(&arguments.target)?;
    let reporter = reporter(&arguments.output);
    let all = build::spec_files(&request, &reporter);
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
