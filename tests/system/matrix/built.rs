//! Packages that several tests need are built once: building them takes about as long as all that a row does with them.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::support::short_digest;

/// Packages that the `omnipack` under test has built.
fn directory() -> PathBuf {
    let binary = fs_err::metadata(env!("CARGO_BIN_EXE_omnipack")).unwrap();
    let age = binary.modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("matrix-packages");
    all.join(format!("{}-{}", age.as_nanos(), binary.len()))
}

/// The directory `packages` that `make` puts into the directory that it is given. What is made of the same things is made
/// once; others wait.
pub fn once(of_what: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let directory = directory();
    clear_others(&directory);
    let path = directory.join(short_digest(of_what));
    let (lock, _) = fs_err::File::create(path.with_extension("lock")).unwrap().into_parts();
    lock.lock().unwrap();
    if !path.exists() {
        let partial = path.with_extension("partial");
        let _ = fs_err::remove_dir_all(&partial);
        fs_err::create_dir(&partial).unwrap();
        make(&partial);
        fs_err::rename(&partial, &path).unwrap();
    }
    path.join("packages")
}

/// Packages of an older binary are of no more use.
fn clear_others(directory: &Path) {
    let all = directory.parent().unwrap();
    let (lock, _) = fs_err::File::create(all.with_extension("lock")).unwrap().into_parts();
    lock.lock().unwrap();
    if !directory.exists() {
        let _ = fs_err::remove_dir_all(all);
        fs_err::create_dir_all(directory).unwrap();
    }
}
