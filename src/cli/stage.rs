//! `omnipack stage`.

use crate::build;
use crate::cli::arguments::StageArgs;
use crate::cli::failure::Failure;
use crate::cli::{print, print_json, reporter};

/// Writes the staged tree into a directory.
pub fn run(arguments: &StageArgs) -> Result<(), Failure> {
    let request = super::build::request(&arguments.target)?;
    let reporter = reporter(&arguments.output);
    let plans = build::stage_into(&request, &arguments.directory, &reporter);
    reporter.finish();
    let plans = plans?;
    if arguments.output.json {
        return print_json(&plans);
    }
    if arguments.output.quiet { Ok(()) } else { print(&format!("{}\n", arguments.directory.display())) }
}
