//! `omnipack generate-spec`.

use std::path::PathBuf;

use serde::Serialize;

use crate::build::{self, DebianWanted};
use crate::cli::arguments::GenerateSpecArgs;
use crate::cli::debian_source::{self, WrittenSource};
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

/// One element of the JSON.
#[derive(Serialize)]
#[serde(untagged)]
enum Output {
    Spec(Written),
    Debian(WrittenSource),
}

/// Writes spec files and their sources.
pub fn run(arguments: &GenerateSpecArgs) -> Result<(), Failure> {
    let request = super::build::request(&arguments.target)?;
    let reporter = reporter(&arguments.output);
    let wanted = if arguments.debian { DebianWanted::Named } else { DebianWanted::Fitting };
    let all = if arguments.debian { Ok(Vec::new()) } else { build::spec_files(&request, &reporter) };
    let sources = all.and_then(|all| Ok((all, build::debian_sources(&request, wanted, &reporter)?)));
    reporter.finish();
    let (all, sources) = sources?;
    let several = all.len() + sources.len() > 1;
    let mut written = Vec::new();
    for (plan, files) in all {
        let name = &plan.distribution.name;
        let directory = if several { arguments.directory.join(name) } else { arguments.directory.clone() };
        let paths = spec::write(&files, &directory).map_err(crate::Error::from)?;
        let mut paths = paths.into_iter();
        written.push(Output::Spec(Written {
            distribution: name.clone(),
            spec: paths.next().unwrap_or_default(),
            sources: paths.collect(),
            notes: files.notes,
        }));
    }
    for (plan, source) in sources {
        let name = &plan.distribution.name;
        let directory = if several { arguments.directory.join(name) } else { arguments.directory.clone() };
        written.push(Output::Debian(debian_source::write(name, source, &directory)?));
    }
    if arguments.output.json {
        return print_json(&written);
    }
    if arguments.output.quiet {
        return Ok(());
    }
    let text = |output: &Output| match output {
        Output::Spec(written) => text(written),
        Output::Debian(written) => written.text(),
    };
    print(&written.iter().map(text).collect::<String>())
}

fn text(written: &Written) -> String {
    let mut text = format!("{}\n", written.spec.display());
    for source in &written.sources {
        text.push_str(&format!("  {}\n", source.display()));
    }
    text
}
