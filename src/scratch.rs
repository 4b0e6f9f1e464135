//! Scratch directories that are gone when the run is, also when it is interrupted.
//!
//! A signal does not run destructors. So every scratch directory is on a list, with whatever else has to be undone (a
//! mount, a machine that runs), and [`clean_up_on_signals`] undoes what is listed, the latest first, before the process
//! ends.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

static LIVE: Mutex<List> = Mutex::new(List { next: 0, actions: Vec::new() });

struct List {
    next: u64,
    actions: Vec<(u64, Action)>,
}

type Action = Arc<dyn Fn() + Send + Sync>;

/// More than a build has threads that write.
const REMOVAL_TRIES: usize = 100;

/// A directory that is removed, with all it holds, when this is dropped or the process is interrupted.
#[derive(Debug)]
pub struct Scratch {
    // First, so that `TempDir` finds nothing left to do.
    _undo: Undo,
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
        let make = || tempfile::Builder::new().prefix(prefix).tempdir_in(parent);
        let (directory, undo) = Undo::of(make, |directory| {
            let path = directory.path().to_path_buf();
            move || remove(&path)
        })?;
        Ok(Self { _undo: undo, directory })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Something that is undone when this is dropped or the process is interrupted, once the things that were made after it
/// are undone.
pub struct Undo {
    id: u64,
    action: Action,
}

impl Undo {
    /// Makes something, and says how it is undone. A signal finds either both or neither: it waits for `make`. An undoing
    /// may happen twice, and must not mind.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn of<T, E, A>(make: impl FnOnce() -> Result<T, E>, undo: impl FnOnce(&T) -> A) -> Result<(T, Self), E>
    where
        A: Fn() + Send + Sync + 'static,
    {
        let mut live = live();
        let made = make()?;
        let action: Action = Arc::new(undo(&made));
        let id = live.next;
        live.next += 1;
        live.actions.push((id, Arc::clone(&action)));
        Ok((made, Self { id, action }))
    }
}

impl fmt::Debug for Undo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Undo").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        // Off the list when it is done, and not before.
        (self.action)();
        live().actions.retain(|(id, _)| *id != self.id);
    }
}

fn live() -> MutexGuard<'static, List> {
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

/// From now on SIGINT, SIGTERM and SIGHUP undo what is listed and end the process with 128 + signal.
///
/// # Errors
/// When the handlers cannot be installed.
pub fn clean_up_on_signals() -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            // Kept until the end, so that no other is made.
            let live = live();
            for (_, undo) in live.actions.iter().rev() {
                undo();
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
