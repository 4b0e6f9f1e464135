//! A directory with a whole system in it, under a layer that takes every change: the directory stays as it is.

use std::path::{Path, PathBuf};

use crate::exec::{Command, Output};
use crate::scratch::{Scratch, Undo};
use crate::smoke::{Error, SURROUNDINGS};

/// A file system that only one machine writes to. Unmounted and removed when dropped.
#[derive(Debug)]
pub struct Overlay {
    // Fields drop in order: first what is mounted goes, then the directory that it is mounted in.
    _mounted: Undo,
    scratch: Scratch,
}

impl Overlay {
    /// Lays a layer over `lower`, the uppermost directory first, in a new directory in `parent` whose name starts with
    /// `prefix`. What the layer takes is kept there, in memory where that file system cannot hold it, and where nothing
    /// may be mounted the lowest directories are copied.
    ///
    /// # Errors
    /// When neither can be done.
    pub fn over(lower: &[PathBuf], parent: &Path, prefix: &str) -> Result<Self, Error> {
        let scratch = Scratch::named(prefix, parent)?;
        let directory = scratch.path().to_path_buf();
        for part in ["layer", "root"] {
            fs_err::create_dir(directory.join(part))?;
        }
        let mount = || mount(lower, &directory);
        let ((), mounted) = Undo::of(mount, |()| {
            let directory = directory.clone();
            move || unmount(&directory)
        })?;
        Ok(Self { _mounted: mounted, scratch })
    }

    /// Where the system lies on this machine.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.scratch.path().join("root")
    }

    /// The path on this machine of a path inside.
    #[must_use]
    pub fn inside(&self, path: &str) -> PathBuf {
        self.path().join(path.trim_start_matches('/'))
    }

    /// A directory for files beside the system, such as a log; it goes with the layer.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// A program inside, with no service running.
    #[must_use]
    pub fn chroot(&self, program: &str, args: &[&str]) -> Command {
        Command::new("chroot").arg(self.path()).args(SURROUNDINGS).arg(program).args(args)
    }
}

fn mount(lower: &[PathBuf], directory: &Path) -> Result<(), Error> {
    let layers = layer_names(lower, directory)?;
    let on_disk = overlay(&layers, directory)?;
    if on_disk.code == 0 {
        return Ok(());
    }
    // An overlay cannot be the upper layer of another, as in a container: memory can.
    let memory = Command::new("mount").args(["-t", "tmpfs", "tmpfs"]).arg(directory.join("layer")).run()?;
    if memory.code == 0 && overlay(&layers, directory)?.code == 0 {
        return Ok(());
    }
    unmount(directory);
    copy(lower, directory).map_err(|error| Error::Layer {
        path: lower.last().cloned().unwrap_or_default(),
        reason: format!("{}; and a copy failed: {error}", on_disk.stderr_text().trim()),
    })
}

/// The directories as mount(8) can take them: `:` and `,` separate, so that a directory with one gets a link without.
fn layer_names(lower: &[PathBuf], directory: &Path) -> Result<Vec<String>, Error> {
    let name = |(number, path): (usize, &PathBuf)| {
        let path = std::path::absolute(path)?;
        match path.to_str() {
            Some(text) if !text.contains([':', ',', '\\', '"']) => Ok(text.to_owned()),
            _ => {
                let link = format!("lower-{number}");
                fs_err::os::unix::fs::symlink(&path, directory.join(&link))?;
                Ok(link)
            }
        }
    };
    lower.iter().enumerate().map(name).collect()
}

fn overlay(layers: &[String], directory: &Path) -> Result<Output, Error> {
    for part in ["layer/upper", "layer/work"] {
        fs_err::create_dir_all(directory.join(part))?;
    }
    let options = format!("lowerdir={},upperdir=layer/upper,workdir=layer/work", layers.join(":"));
    let mount = |options: &str| {
        Command::new("mount").args(["-t", "overlay", "overlay", "-o", options, "root"]).dir(directory).run()
    };
    // What is thrown away has to survive no power cut, and package managers wait for the disk often. Since Linux 5.10.
    let unsynced = mount(&format!("{options},volatile"))?;
    if unsynced.code == 0 { Ok(unsynced) } else { Ok(mount(&options)?) }
}

/// The lowest directory first, so that what lies above it wins.
fn copy(lower: &[PathBuf], directory: &Path) -> Result<(), Error> {
    for path in lower.iter().rev() {
        let everything = Command::new("cp").args(["--archive", "--one-file-system", "--reflink=auto"]);
        everything.arg(path.join(".")).arg(directory.join("root")).run_checked()?;
    }
    Ok(())
}

/// Takes away what is mounted; it does not matter how much that is. Lazily: a process that has just been killed may
/// still be leaving.
fn unmount(directory: &Path) {
    for part in ["root", "layer"] {
        let path = directory.join(part);
        if is_mounted(&path) {
            let _ = Command::new("umount").args(["--recursive", "--lazy"]).arg(&path).run();
        }
    }
}

/// A file system mounted at a directory is another than that of the directory above.
fn is_mounted(path: &Path) -> bool {
    let device = |path: &Path| rustix::fs::stat(path).map(|stat| stat.st_dev).ok();
    path.parent().is_some_and(|parent| device(path) != device(parent))
}
