//! Packages without Python (`interpreter = "none"`): nothing is resolved and no virtual environment is laid out; all else is
//! as ever.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Prepared, Session};
use crate::Error as AnyError;
use crate::distribution::Distribution;
use crate::plan::BuildPlan;
use crate::project::Metadata;
use crate::resolve::Lock;
use crate::spec;
use crate::stage::{self, Stage, TargetPath};

impl Session<'_> {
    /// Decides; there is nothing to resolve.
    pub(super) fn prepare_plain(&self, distribution: &Distribution, metadata: Metadata) -> Result<Prepared, AnyError> {
        let plan = self.plan(distribution, metadata)?;
        self.tell_notes(&plan)?;
        Ok(Prepared { plan, lock: Lock { wheels: Vec::new(), pylock: String::new() } })
    }

    /// What is written for rpmbuild and dpkg-buildpackage builds a Python application.
    pub(super) fn refuse_plain(&self, distribution: &Distribution) -> Result<(), AnyError> {
        match self.config.metadata_without_python(distribution)? {
            Some(_) => Err(spec::Error::NoPython { distribution: distribution.name.clone() }.into()),
            None => Ok(()),
        }
    }
}

/// A tree in which nothing lies: what the user adds comes when packages are put together.
pub(super) fn empty_stage(plan: &BuildPlan) -> Result<Stage, AnyError> {
    let prefix = TargetPath::new(&plan.prefix);
    let wrong = |reason| stage::LayoutError::Prefix { prefix: plan.prefix.clone(), reason };
    Ok(Stage::new(prefix.map_err(wrong).map_err(stage::Error::from)?))
}

/// What people who ask for the tree get to see: the virtual environment, or without one the files of the main package.
pub(super) fn shown<'s>(plan: &BuildPlan, stage: &'s Stage) -> Result<Cow<'s, Stage>, AnyError> {
    let Some(main) = plan.main().filter(|_| !plan.has_python()) else { return Ok(Cow::Borrowed(stage)) };
    let mut shown = stage.clone();
    shown.add(stage::package_entries(plan, main, stage)?)?;
    Ok(Cow::Owned(shown))
}

/// Is what lies in `directory` the tree of an earlier build of a package without Python: does each of its files lie where
/// the configuration puts one?
pub(super) fn is_own_stage(plan: &BuildPlan, directory: &Path) -> bool {
    if plan.has_python() {
        return false;
    }
    let files = plan.main().map(|main| main.files.as_slice()).unwrap_or_default();
    let at = |path: &str| directory.join(path.trim_start_matches('/'));
    let places = files.iter().map(|file| at(&file.destination)).collect::<BTreeSet<PathBuf>>();
    let entries = walkdir::WalkDir::new(directory).into_iter();
    entries.filter_map(Result::ok).filter(|entry| !entry.file_type().is_dir()).all(|entry| {
        // A `[[file]]` may be a directory with all below it.
        entry.path().ancestors().any(|path| places.contains(path))
    })
}
