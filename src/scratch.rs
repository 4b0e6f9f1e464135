//! Scratch directories that are gone when the run is, also when it is interrupted.
//!
//! A signal does not run destructors. So every scratch directory is on a list, and [`clean_up_on_signals`] removes
//! what is listed before the process ends.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

static LIVE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// More than a build has threads that write.
const REMOVAL_TRIES: usize = 100;

/// A directory that is removed, with all it holds, when this is dropped or the process is interrupted.
#[derive(Debug)]
pub struct Scratch {
    directory: tempfile::TempDir,
}

impl Scratch {
    /// In the system's directory for temporary files.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn new() -> io::Result<Self> {
        Self::inside(&std::env::temp_dir())
    }

    /// In `parent`, hidden, so that what it holds can be renamed into `parent`.
    ///
    /// # Errors
    /// When the directory cannot be made; the message names `parent`.
    pub fn inside(parent: &Path) -> io::Result<Self> {
        Self::named(".omnipack-", parent)
    }

    /// In `parent`, with a name that starts with `prefix`.
    ///
    /// # Errors
    /// When the directory cannot be made; the message names `parent`.
    pub fn named(prefix: &str, parent: &Path) -> io::Result<Self> {
        // Made and listed in one step, so that a signal finds either both or neither.
        let mut live = live();
        let directory = tempfile::Builder::new().prefix(prefix).tempdir_in(parent)?;
        live.push(directory.path().to_path_buf());
        Ok(Self { directory })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Off the list when it is gone, and not before.
        remove(self.directory.path());
        live().retain(|path| path != self.directory.path());
    }
}

fn live() -> MutexGuard<'static, Vec<PathBuf>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Threads of the build may still be writing into the tree, so what appears while it is removed is removed again.
fn remove(path: &Path) {
    for _ in 0..REMOVAL_TRIES {
        match fs_err::remove_dir_all(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {}
            _ => return,
        }
    }
}

/// From now on SIGINT, SIGTERM and SIGHUP remove the scratch directories and end the process with 128 + signal.
///
/// # Errors
/// When the handlers cannot be installed.
pub fn clean_up_on_signals() -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            // Kept until the end, so that no other is made.
            let live = live();
            for path in live.iter() {
                remove(path);
            }
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scratch_directory_goes_with_its_owner() {
        let parent = tempfile::tempdir().unwrap();
        let scratch = Scratch::inside(parent.path()).unwrap();
        fs_err::write(scratch.path().join("file"), "x").unwrap();
        let path = scratch.path().to_path_buf();
        assert!(path.exists());
        drop(scratch);
        assert!(!path.exists());
    }
}
