//! `omnipack generate-spec`.

use std::path::PathBuf;

use serde::Serialize;

use crate::build;
use crate::cli::arguments::GenerateSpecArgs;
use crate::cli::failure::Failure;
use crate::cli::{print, print_json, reporter};
use crate::spec;

/// What was written for one distribution.
#[derive(Serialize)]
struct Written {
    distribution: String,
    spec: PathBuf,
    /// The first is the source archive of the application.
    sources: Vec<PathBuf>,
    notes: Vec<String>,
}

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
        let paths = spec::write(&files, &directory).map_err(crate::Error::from)?;
        let mut paths = paths.into_iter();
        written.push(Written {
            distribution: name.clone(),
            spec: paths.next().unwrap_or_default(),
            sources: paths.collect(),
            notes: files.notes,
        });
    }
    if arguments.output.json {
        return print_json(&written);
    }
    if arguments.output.quiet {
        return Ok(());
    }
    print(&written.iter().map(text).collect::<String>())
}

fn text(written: &Written) -> String {
    let mut text = format!("{}\n", written.spec.display());
    for source in &written.sources {
        text.push_str(&format!("  {}\n", source.display()));
    }
    text
}
