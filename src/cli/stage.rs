//! `omnipack stage`.

use crate::build;
use crate::cli::arguments::StageArgs;
use crate::cli::failure::Failure;
use crate::cli::{print, reporter};
use crate::plan;

/// Writes the staged tree into a directory.
pub fn run(arguments: &StageArgs) -> Result<(), Failure> {
    let request = super::build::request(&arguments.target)?;
    let reporter = reporter(&arguments.output);
    let plans = build::stage_into(&request, &arguments.directory, &reporter);
    reporter.finish();
    let plans = plans?;
    if arguments.output.json {
        return print(&plan::json(&plans).map_err(std::io::Error::other)?);
    }
    if arguments.output.quiet { Ok(()) } else { print(&format!("{}\n", arguments.directory.display())) }
}
