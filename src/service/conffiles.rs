//! Configuration files as dpkg has them: those of a package, and the paths that they had in earlier versions.

use serde::Serialize;

use crate::plan::PackagePlan;
use crate::project::ConfigFile;
use crate::stage::{Entry, EntryKind};

use super::{Error, target_path};

/// A configuration file that has another path now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rename {
    pub from: String,
    pub to: String,
}

/// The configuration files among `entries`.
pub fn paths<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Vec<String> {
    entries.into_iter().filter(|entry| is_conffile(entry)).map(|entry| entry.path.to_string()).collect()
}

/// What `formerly` of the files of `package` comes to, of which `entries` has the configuration files. That of a tree
/// stands for each file in it.
///
/// # Errors
/// When a former path is none.
pub fn renames<'a>(package: &PackagePlan, entries: impl IntoIterator<Item = &'a Entry>) -> Result<Vec<Rename>, Error> {
    let conffiles = entries.into_iter().filter(|entry| is_conffile(entry)).collect::<Vec<_>>();
    let mut renames = Vec::new();
    for file in package.files.iter().filter(|file| !file.formerly.is_empty()) {
        let destination = target_path(&file.destination)?;
        for former in &file.formerly {
            let former = target_path(former)?;
            for entry in conffiles.iter().filter(|entry| entry.path.is_below(&destination)) {
                let inside = entry.path.as_str().strip_prefix(destination.as_str()).unwrap_or_default();
                renames.push(Rename { from: format!("{former}{inside}"), to: entry.path.to_string() });
            }
        }
    }
    Ok(renames)
}

fn is_conffile(entry: &Entry) -> bool {
    entry.flags.config != ConfigFile::No && matches!(entry.kind, EntryKind::File(_))
}
