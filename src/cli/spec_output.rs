//! What `omnipack generate-spec` does with the spec file of one RPM distribution.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::Error;
use crate::cli::arguments::{GenerateSpecArgs, TryStage};
use crate::cli::failure::Fault;
use crate::cli::text::shown;
use crate::plan::BuildPlan;
use crate::progress::Listener;
use crate::scratch::Scratch;
use crate::spec::output::{self, Output};
use crate::spec::trial::{self, BuildRequires, Trial, Wanted};
use crate::spec::{self, SpecFiles};
use crate::template::sh;

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
    /// Why the trial failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Fault>,
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

    #[must_use]
    pub fn failed(self, error: Fault) -> Self {
        Self { error: Some(error), ..self }
    }

    /// What has rpmbuild make the packages, unless a trial did that, or failed.
    #[must_use]
    pub fn next(&self) -> Option<String> {
        if self.error.is_some() || self.tried.as_ref().is_some_and(|tried| !tried.packages.is_empty()) {
            return None;
        }
        let command = match (&self.srpm, &self.spec) {
            (Some(srpm), _) => format!("rpmbuild --rebuild {}", sh(&srpm.to_string_lossy())),
            (None, Some(spec)) => {
                // rpmbuild goes to another directory, and takes `%` for a macro.
                let directory = std::path::absolute(spec.parent()?).ok()?;
                let define = format!("_sourcedir {}", directory.to_string_lossy().replace('%', "%%"));
                format!("rpmbuild -ba --define {} {}", sh(&define), sh(&spec.to_string_lossy()))
            }
            (None, None) => return None,
        };
        Some(format!("next, on {}: {}", self.distribution, shown(&command)))
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
) -> Result<Option<trial::Outcome>, Error> {
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
    Ok(Some(outcome.map_err(spec::Error::from)?))
}

/// Writes a spec file with its sources, or the source RPM that holds them.
pub fn write(
    plan: &BuildPlan,
    files: &SpecFiles,
    directory: &Path,
    arguments: &GenerateSpecArgs,
) -> Result<Written, Error> {
    let mut written = Written {
        distribution: plan.distribution.name.clone(),
        spec: None,
        sources: Vec::new(),
        srpm: None,
        tried: None,
        error: None,
        notes: files.notes.clone(),
        bundled: files.bundled.clone(),
    };
    if arguments.srpm {
        let scratch = Scratch::inside(directory).map_err(spec::Error::from)?;
        let made = scratch.path().join("made");
        fs_err::create_dir(&made).map_err(spec::Error::from)?;
        let made = spec::write_source_package(files, plan, scratch.path(), &made)?;
        let path = directory.join(made.file_name().unwrap_or_default());
        put(&[Output::of_file(&made, path.clone())?], arguments)?;
        written.srpm = Some(path);
    } else {
        let outputs = output::outputs(files, directory);
        put(&outputs, arguments)?;
        let mut paths = outputs.into_iter().map(|output| output.path);
        written.spec = paths.next();
        written.sources = paths.collect();
    }
    Ok(written)
}

/// Writes `outputs`, or none where one is there that must not be replaced.
fn put(outputs: &[Output], arguments: &GenerateSpecArgs) -> Result<(), Error> {
    output::check_existing(output::differing(outputs)?, arguments.existing())?;
    Ok(output::write(outputs)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(spec: Option<&str>, srpm: Option<&str>) -> Written {
        Written {
            distribution: "fedora-42".to_owned(),
            spec: spec.map(PathBuf::from),
            sources: Vec::new(),
            srpm: srpm.map(PathBuf::from),
            tried: None,
            error: None,
            notes: Vec::new(),
            bundled: Vec::new(),
        }
    }

    #[test]
    fn what_comes_next_can_be_pasted() {
        let text = |written: Written| written.next().unwrap_or_default();
        let expected = "next, on fedora-42: rpmbuild -ba --define '_sourcedir /a b/100%%' '/a b/100%/x.spec'";
        assert_eq!(text(written(Some("/a b/100%/x.spec"), None)), expected);
        let expected = "next, on fedora-42: rpmbuild --rebuild out/x-1-1.fc42.src.rpm";
        assert_eq!(text(written(None, Some("out/x-1-1.fc42.src.rpm"))), expected);
        let fault = Fault::of(&spec::trial::Error::NoRpmbuild);
        assert_eq!(text(written(Some("/x.spec"), None).failed(fault)), "");
    }
}
