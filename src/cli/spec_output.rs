//! What `omnipack generate-spec` does with the spec file of one RPM distribution.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::arguments::{GenerateSpecArgs, TryStage};
use crate::cli::failure::Failure;
use crate::plan::BuildPlan;
use crate::progress::Listener;
use crate::scratch::Scratch;
use crate::spec::output::{self, Output};
use crate::spec::trial::{self, BuildRequires, Trial, Wanted};
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
    /// With `--try`.
    #[serde(skip_serializing_if = "Option::is_none")]
    tried: Option<trial::Outcome>,
    notes: Vec<String>,
    /// With `--bundle-missing`: what no repository has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bundled: Vec<spec::hybrid::Line>,
}

impl Written {
    #[must_use]
    pub fn tried(self, tried: Option<trial::Outcome>) -> Self {
        Self { tried, ..self }
    }

    /// For people.
    pub fn text(&self) -> String {
        let first = self.srpm.iter().chain(&self.spec).map(|path| format!("{}\n", path.display()));
        let sources = self.sources.iter().map(|path| format!("  {}\n", path.display()));
        let stages = self.tried.iter().filter(|tried| !tried.stages.is_empty()).map(|tried| {
            let stages = tried.stages.iter().map(|stage| format!("{} ({:.1} s)", stage.name, stage.seconds));
            format!("tried: {}\n", stages.collect::<Vec<_>>().join(", "))
        });
        let built = self.tried.iter().flat_map(|tried| &tried.packages);
        let built = built.map(|path| format!("  {}\n", path.display()));
        first.chain(sources).chain(stages).chain(built).collect()
    }
}

/// Tries the spec file, if that is asked for.
pub fn attempt(
    plan: &BuildPlan,
    files: &SpecFiles,
    directory: &Path,
    kept: Option<&Path>,
    arguments: &GenerateSpecArgs,
    listener: &dyn Listener,
) -> Result<Option<trial::Outcome>, Failure> {
    let Some(stage) = arguments.stage else { return Ok(None) };
    let trial = Trial {
        stage: match stage {
            TryStage::Prep => trial::Stage::Prep,
            TryStage::Build => trial::Stage::Build,
            TryStage::Install => trial::Stage::Install,
            TryStage::All => trial::Stage::All,
        },
        build_requires: match arguments.try_nodeps {
            true => BuildRequires::Assumed,
            false => BuildRequires::Checked,
        },
        kept,
        packages: directory,
        wanted: if arguments.srpm { Wanted::Binary } else { Wanted::All },
    };
    let outcome = trial::run(files, &trial, &plan.distribution.name, listener);
    Ok(Some(outcome.map_err(spec::Error::from).map_err(crate::Error::from)?))
}

/// What is to be written for one distribution.
pub struct Ready {
    pub written: Written,
    pub outputs: Vec<Output>,
    /// Where a source RPM waits.
    _scratch: Option<Scratch>,
}

/// Makes a spec file with its sources ready to be written, or the source RPM that holds them.
pub fn ready(
    plan: &BuildPlan,
    files: &SpecFiles,
    directory: &Path,
    arguments: &GenerateSpecArgs,
) -> Result<Ready, Failure> {
    let mut written = Written {
        distribution: plan.distribution.name.clone(),
        spec: None,
        sources: Vec::new(),
        srpm: None,
        tried: None,
        notes: files.notes.clone(),
        bundled: files.bundled.clone(),
    };
    if !arguments.srpm {
        let outputs = output::outputs(files, directory);
        let mut paths = outputs.iter().map(|output| output.path.clone());
        written.spec = paths.next();
        written.sources = paths.collect();
        return Ok(Ready { written, outputs, _scratch: None });
    }
    fs_err::create_dir_all(directory)?;
    let scratch = Scratch::inside(directory)?;
    let made = scratch.path().join("made");
    fs_err::create_dir(&made)?;
    let made = spec::write_source_package(files, plan, scratch.path(), &made).map_err(crate::Error::from)?;
    let path = directory.join(made.file_name().unwrap_or_default());
    written.srpm = Some(path.clone());
    let outputs = vec![Output::of_file(&made, path).map_err(crate::Error::from)?];
    Ok(Ready { written, outputs, _scratch: Some(scratch) })
}
