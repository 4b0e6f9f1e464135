//! podman, where the tests themselves may run in a container, and images of the root file systems that the tests have.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use omnipack::exec::Command;

use crate::support::expect_success;

/// What a container needs where this test itself runs in one: crun refuses mixed control groups, and neither limits
/// above the own nor network namespaces can be had.
const CONTAINERS_CONF: &str = "[engine]\nruntime = \"runc\"\n[containers]\nnetns = \"host\"\nipcns = \"host\"\n\
                               default_ulimits = [\"nofile=20000:20000\", \"nproc=32768:32768\"]\n";

/// podman, with settings in files of its own.
pub struct Podman {
    directory: PathBuf,
}

/// Where the images of a [`Podman`] lie.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// Where the user's are.
    Shared,
    /// Beside the settings: nobody's images are touched. podman wants a short path.
    Own,
}

impl Podman {
    /// The settings are written into `directory`.
    pub fn new(directory: &Path, storage: Storage) -> Self {
        fs_err::write(directory.join("containers.conf"), CONTAINERS_CONF).unwrap();
        if storage == Storage::Own {
            let place = directory.display();
            let text =
                format!("[storage]\ndriver = \"overlay\"\ngraphroot = \"{place}/images\"\nrunroot = \"{place}/run\"\n");
            fs_err::write(directory.join("storage.conf"), text).unwrap();
        }
        Self { directory: directory.to_path_buf() }
    }

    /// The file of settings.
    pub fn configuration(&self) -> PathBuf {
        self.directory.join("containers.conf")
    }

    /// What a program that runs podman has to have in its environment.
    pub fn env(&self) -> BTreeMap<String, String> {
        let files = [("CONTAINERS_CONF", "containers.conf"), ("CONTAINERS_STORAGE_CONF", "storage.conf")];
        let files = files.map(|(variable, file)| (variable.to_owned(), self.directory.join(file)));
        files
            .into_iter()
            .filter(|(_, file)| file.exists())
            .map(|(name, file)| (name, file.display().to_string()))
            .collect()
    }

    /// For a command that runs podman.
    pub fn settled(&self, command: Command) -> Command {
        self.env().iter().fold(command, |command, (name, value)| command.env(name, value))
    }

    pub fn command(&self, args: &[&str]) -> Command {
        self.settled(Command::new("podman")).args(args)
    }

    pub fn run(&self, args: &[&str]) -> String {
        expect_success(&self.command(args))
    }

    /// Makes an image of the system that lies in `root`.
    pub fn import(&self, root: &Path, name: &str) {
        let scratch = tempfile::tempdir_in(&self.directory).unwrap();
        let archive = scratch.path().join("root.tar");
        expect_success(&Command::new("tar").arg("-C").arg(root).arg("-cf").arg(&archive).arg("."));
        expect_success(&self.command(&["import", "--quiet"]).arg(&archive).arg(name));
    }

    pub fn has(&self, image: &str) -> bool {
        self.command(&["image", "exists", image]).run().unwrap().code == 0
    }

    /// Containers of omnipack's builders, running or not, that are given something under `directory`: other tests have
    /// theirs at the same time.
    pub fn builder_containers(&self, directory: &Path) -> String {
        let filter = "label=omnipack.container=builder";
        let all = self.run(&["ps", "--all", "--no-trunc", "--filter", filter, "--format", "{{.Names}} {{.Mounts}}"]);
        let inside = directory.display().to_string();
        let own = all.lines().filter(|line| line.contains(&inside));
        own.map(|line| line.split(' ').next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
    }
}

/// An image of the user's podman; removed when dropped.
pub struct Image {
    pub name: String,
    pub podman: Podman,
    _scratch: tempfile::TempDir,
}

/// Held as long as containers may run whose services take the same port: they have this machine's network.
pub struct Alone {
    _lock: std::fs::File,
}

impl Alone {
    /// Waits until no other test has such containers.
    pub fn now() -> Self {
        Self { _lock: locked("containers") }
    }
}

/// A lock that all test programs know by this name; held until dropped.
pub fn locked(name: &str) -> std::fs::File {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.lock"));
    let lock = fs_err::File::create(path).unwrap().into_parts().0;
    lock.lock().unwrap();
    lock
}

impl Image {
    /// The image of a root file system.
    pub fn of(root: &Path, name: &str) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let podman = Podman::new(scratch.path(), Storage::Shared);
        let name = format!("localhost/omnipack-{name}:{}", std::process::id());
        podman.import(root, &name);
        Self { name, podman, _scratch: scratch }
    }

    /// Containers of the image, by id.
    pub fn containers(&self) -> String {
        self.podman.run(&["ps", "--all", "--quiet", "--filter", &format!("ancestor={}", self.name)])
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = self.podman.command(&["rmi", "--force", &self.name]).run();
    }
}
