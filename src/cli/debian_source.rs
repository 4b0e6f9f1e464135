//! The part of `omnipack generate-spec` that is about Debian source packages.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::failure::Failure;
use crate::spec::debian::{self, DebianSource};

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

pub fn write(distribution: &str, source: DebianSource, directory: &Path) -> Result<WrittenSource, Failure> {
    let debian::Written { tree, archive, files } = debian::write(&source, directory).map_err(crate::Error::from)?;
    Ok(WrittenSource { distribution: distribution.to_owned(), tree, archive, files, notes: source.notes })
}

impl WrittenSource {
    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}\n", self.archive.display(), self.tree.display());
        for file in &self.files {
            text.push_str(&format!("  {}\n", file.display()));
        }
        text
    }
}
