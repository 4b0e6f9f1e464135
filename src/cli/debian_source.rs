//! The part of `omnipack generate-spec` that is about Debian source packages.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::Error;
use crate::cli::text::shown;
use crate::spec::debian::{DebianSource, Prepared};
use crate::spec::output::{self, Existing};
use crate::template::sh;

/// What was written for one distribution.
#[derive(Serialize)]
pub struct WrittenSource {
    distribution: String,
    /// Where dpkg-buildpackage is started.
    tree: PathBuf,
    /// The orig tarball.
    archive: PathBuf,
    /// What is in `debian/` of the tree.
    files: Vec<PathBuf>,
    notes: Vec<String>,
}

pub fn write(
    distribution: &str,
    source: DebianSource,
    directory: &Path,
    existing: Existing,
) -> Result<WrittenSource, Error> {
    let prepared = Prepared::new(&source, directory)?;
    output::check_existing(prepared.differing()?, existing)?;
    prepared.publish()?;
    let Prepared { tree, archive, files, .. } = &prepared;
    Ok(WrittenSource {
        distribution: distribution.to_owned(),
        tree: tree.clone(),
        archive: archive.clone(),
        files: files.clone(),
        notes: source.notes,
    })
}

impl WrittenSource {
    /// What makes the packages.
    pub fn next(&self) -> String {
        let command = format!("cd {} && dpkg-buildpackage -us -uc", sh(&self.tree.to_string_lossy()));
        format!("next, on {}: {}", self.distribution, shown(&command))
    }

    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}\n", self.archive.display(), self.tree.display());
        for file in &self.files {
            text.push_str(&format!("  {}\n", file.display()));
        }
        text
    }
}
