//! A file that appears under its name whole or not at all, and of which nothing is left when the process is killed.

use std::fs::{File, Permissions};
use std::io::{self, Seek};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, linkat};
use rustix::io::Errno;

/// Mode of the published file, whatever the umask.
const MODE: u32 = 0o644;

/// Has `fill` write a file that has no name yet, and then gives it its name; an older file of that name is replaced.
/// Where the file system has no files without names, it has a hidden one in the same directory until then.
///
/// # Errors
/// When `fill` fails, or the file cannot be written or named.
pub fn publish(path: &Path, mut fill: impl FnMut(&mut File) -> io::Result<()>) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::tempfile_in(directory)?;
    complete(&mut file, &mut fill)?;
    if !name(&file, path, directory)? {
        let mut named = hidden(directory)?;
        file.rewind()?;
        io::copy(&mut file, named.as_file_mut())?;
        complete(named.as_file_mut(), &mut |_| Ok(()))?;
        named.persist(path)?;
    }
    fs_err::File::open(directory)?.sync_all()
}

fn complete(file: &mut File, fill: &mut impl FnMut(&mut File) -> io::Result<()>) -> io::Result<()> {
    fill(file)?;
    file.set_permissions(Permissions::from_mode(MODE))?;
    file.sync_all()
}

fn hidden(directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(".omnipack-").suffix(".part").tempfile_in(directory)
}

/// Gives `file` its name. `false`: the file system cannot.
fn name(file: &File, path: &Path, directory: &Path) -> io::Result<bool> {
    match link(file, path) {
        Ok(()) => Ok(true),
        // A link does not replace a file, a rename does: so first a name that is free.
        Err(Errno::EXIST) => {
            let free: PathBuf = hidden(directory)?.path().to_path_buf();
            match link(file, &free) {
                Ok(()) => Ok(tempfile::TempPath::try_from_path(free)?.persist(path).map(|()| true)?),
                Err(_) => Ok(false),
            }
        }
        Err(_) => Ok(false),
    }
}

/// open(2), `O_TMPFILE`: this is how such a file gets a name without privileges.
fn link(file: &File, path: &Path) -> Result<(), Errno> {
    let descriptor = format!("/proc/self/fd/{}", file.as_raw_fd());
    linkat(CWD, descriptor, CWD, path, AtFlags::SYMLINK_FOLLOW)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs_err::read_dir(directory).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_appears_when_it_is_complete_and_replaces_an_older_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        for text in ["first", "second, longer", "3"] {
            publish(&path, |file| {
                let before = fs_err::read_to_string(&path).unwrap_or_default();
                assert_ne!(before, text);
                file.write_all(text.as_bytes())
            })
            .unwrap();
            assert_eq!(fs_err::read_to_string(&path).unwrap(), text);
            assert_eq!(fs_err::metadata(&path).unwrap().permissions().mode() & 0o7777, MODE);
            assert_eq!(names(directory.path()), ["out"]);
        }
    }

    #[test]
    fn nothing_is_left_when_it_fails_and_nothing_is_there_before_it_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let result = publish(&directory.path().join("out"), |file| {
            file.write_all(b"half")?;
            assert_eq!(names(directory.path()), Vec::<String>::new());
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(names(directory.path()), Vec::<String>::new());
    }

    #[test]
    fn a_directory_in_the_way_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        fs_err::create_dir_all(path.join("inside")).unwrap();
        assert!(publish(&path, |file| file.write_all(b"text")).is_err());
        assert_eq!(names(directory.path()), ["out"]);
    }
}
