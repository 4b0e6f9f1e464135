//! What `omnipack generate-spec` does with the spec file of one RPM distribution.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::arguments::GenerateSpecArgs;
use crate::cli::failure::Failure;
use crate::plan::BuildPlan;
use crate::scratch::Scratch;
use crate::spec::{self, SpecFiles};

/// What was written for one distribution.
#[derive(Serialize)]
pub struct Written {
    distribution: String,
    /// Not with `--srpm`.
    #[serde(skip_serializing_if = "Option::is_none")]
    spec: Option<PathBuf>,
    /// The first is the source archive of the application.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sources: Vec<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    srpm: Option<PathBuf>,
    notes: Vec<String>,
}

impl Written {
    /// For people.
    pub fn text(&self) -> String {
        let first = self.srpm.iter().chain(&self.spec).map(|path| format!("{}\n", path.display()));
        let sources = self.sources.iter().map(|path| format!("  {}\n", path.display()));
        first.chain(sources).collect()
    }
}

/// Writes a spec file with its sources, or the source RPM that holds them.
pub fn write(
    plan: &BuildPlan,
    files: SpecFiles,
    directory: &Path,
    arguments: &GenerateSpecArgs,
) -> Result<Written, Failure> {
    let mut written = Written {
        distribution: plan.distribution.name.clone(),
        spec: None,
        sources: Vec::new(),
        srpm: None,
        notes: Vec::new(),
    };
    if arguments.srpm {
        fs_err::create_dir_all(directory)?;
        let scratch = Scratch::inside(directory)?;
        let path = spec::write_source_package(&files, plan, scratch.path(), directory).map_err(crate::Error::from)?;
        written.srpm = Some(path);
    } else {
        let mut paths = spec::write(&files, directory).map_err(crate::Error::from)?.into_iter();
        written.spec = paths.next();
        written.sources = paths.collect();
    }
    written.notes = files.notes;
    Ok(written)
}
