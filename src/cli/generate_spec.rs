//! `omnipack generate-spec`.

use std::path::PathBuf;

use serde::Serialize;

use crate::build;
use crate::cli::arguments::GenerateSpecArgs;
use crate::cli::failure::Failure;
use crate::cli::{print, print_json, reporter};
use crate::spec;
use crate::spec::satisfy::Location;

/// What was written for one distribution.
#[derive(Serialize)]
struct Written {
    distribution: String,
    spec: PathBuf,
    sources: Vec<PathBuf>,
    /// The archive of the application that rpmbuild wants beside the sources.
    archive: String,
    notes: Vec<String>,
    /// With `--bundle-missing`: what no repository has.
    bundled: Vec<spec::hybrid::Line>,
}

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
        let paths = spec::write(&files, &directory).map_err(crate::Error::from)?;
        let mut paths = paths.into_iter();
        written.push(Written {
            distribution: name.clone(),
            spec: paths.next().unwrap_or_default(),
            sources: paths.collect(),
            archive: files.archive,
            notes: files.notes,
            bundled: files.bundled,
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
    text.push_str(&format!(
        "  and {}, the source archive of the application, has to lie beside them\n",
        written.archive
    ));
    text
}
