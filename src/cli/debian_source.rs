//! The part of `omnipack generate-spec` that is about Debian source packages.

use std::path::PathBuf;

use serde::Serialize;

use crate::spec::debian::Prepared;

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

impl WrittenSource {
    pub fn new(distribution: &str, prepared: &Prepared, notes: Vec<String>) -> Self {
        let Prepared { tree, archive, files, .. } = prepared;
        Self {
            distribution: distribution.to_owned(),
            tree: tree.clone(),
            archive: archive.clone(),
            files: files.clone(),
            notes,
        }
    }

    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}\n", self.archive.display(), self.tree.display());
        for file in &self.files {
            text.push_str(&format!("  {}\n", file.display()));
        }
        text
    }
}
