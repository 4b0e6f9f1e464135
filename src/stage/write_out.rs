//! Writes a tree to disk, for people who want to look at it (`omnipack stage DIR`).

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use fs_err::os::unix::fs::OpenOptionsExt;
use rayon::prelude::*;

use super::{Content, Entry, EntryKind, Error, LayoutError, Stage};

/// Writes every entry of `stage` below `directory`, as if that were the root of the target; owners are left as they
/// are, since only root could set them. Nothing is written outside of `directory`: links are made last.
///
/// # Errors
/// When `directory` is not empty, or a file cannot be read or written.
pub fn write_out(stage: &Stage, directory: &Path) -> Result<(), Error> {
    check_empty(directory)?;
    fs_err::create_dir_all(directory)?;
    let at = |entry: &Entry| directory.join(entry.path.as_str().trim_start_matches('/'));
    for entry in &stage.entries {
        if let Some(parent) = at(entry).parent() {
            fs_err::create_dir_all(parent)?;
        }
        if matches!(entry.kind, EntryKind::Directory) {
            fs_err::create_dir_all(at(entry))?;
        }
    }
    stage.entries.par_iter().try_for_each(|entry| match &entry.kind {
        EntryKind::File(content) if !entry.flags.ghost => write_file(content, &at(entry), entry.mode),
        _ => Ok(()),
    })?;
    let mut directories: BTreeMap<PathBuf, u32> = BTreeMap::new();
    for entry in &stage.entries {
        match &entry.kind {
            EntryKind::Symlink(target) => fs_err::os::unix::fs::symlink(&**target, at(entry))?,
            EntryKind::Hardlink(other) => {
                fs_err::hard_link(directory.join(other.as_str().trim_start_matches('/')), at(entry))?;
            }
            EntryKind::Directory => {
                directories.insert(at(entry), entry.mode);
            }
            EntryKind::File(_) => {}
        }
    }
    // Innermost first: an unwritable one would keep its own children from being changed.
    for (path, mode) in directories.into_iter().rev() {
        fs_err::set_permissions(path, PermissionsExt::from_mode(mode))?;
    }
    Ok(())
}

/// Can a tree be written to `directory`: is it empty, or not there?
///
/// # Errors
/// When it is something else.
pub fn check_empty(directory: &Path) -> Result<(), Error> {
    let reason = match fs_err::read_dir(directory) {
        Ok(mut entries) => match entries.next() {
            None => return Ok(()),
            Some(_) => "it is not empty".to_owned(),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => error.to_string(),
    };
    Err(LayoutError::WriteOut { directory: directory.display().to_string(), reason }.into())
}

fn write_file(content: &Content, path: &Path, mode: u32) -> Result<(), Error> {
    let mut options = fs_err::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(path)?;
    std::io::copy(&mut content.open()?, &mut file)?;
    fs_err::set_permissions(path, PermissionsExt::from_mode(mode))?;
    Ok(())
}
