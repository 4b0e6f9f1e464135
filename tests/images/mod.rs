//! Images of containers, made of the roots of the system tests, under any names. They lie in a storage of their own, so that
//! nobody's images are touched.
#![allow(dead_code, reason = "each test program uses its part")]

use std::collections::BTreeMap;
use std::path::Path;

use omnipack::exec::Command;

use crate::containers_support::{Alone, CONTAINERS_CONF};
use crate::support::expect_success;

/// Images of a podman that has no others; gone when dropped.
pub struct Images {
    /// podman wants a short path.
    storage: tempfile::TempDir,
    _alone: Alone,
}

impl Images {
    pub fn new() -> Self {
        let alone = Alone::now();
        let storage = tempfile::Builder::new().prefix("ci").tempdir_in("/tmp").unwrap();
        let place = storage.path().display();
        fs_err::write(storage.path().join("containers.conf"), CONTAINERS_CONF).unwrap();
        let text =
            format!("[storage]\ndriver = \"overlay\"\ngraphroot = \"{place}/images\"\nrunroot = \"{place}/run\"\n");
        fs_err::write(storage.path().join("storage.conf"), text).unwrap();
        Self { storage, _alone: alone }
    }

    /// What podman has to have in its environment to see them.
    pub fn env(&self) -> BTreeMap<String, String> {
        let path = |name: &str| self.storage.path().join(name).display().to_string();
        BTreeMap::from([
            ("CONTAINERS_CONF".to_owned(), path("containers.conf")),
            ("CONTAINERS_STORAGE_CONF".to_owned(), path("storage.conf")),
        ])
    }

    /// A command that uses podman.
    pub fn settled(&self, command: Command) -> Command {
        self.env().iter().fold(command, |command, (name, value)| command.env(name, value))
    }

    pub fn podman(&self) -> Command {
        self.settled(Command::new("podman"))
    }

    /// Makes one of the system that lies in `root`.
    pub fn import(&self, root: &Path, name: &str) {
        let archive = self.storage.path().join("root.tar");
        expect_success(&Command::new("tar").arg("-C").arg(root).arg("-cf").arg(&archive).arg("."));
        expect_success(&self.podman().args(["import", "--quiet"]).arg(&archive).arg(name));
        fs_err::remove_file(archive).unwrap();
    }

    pub fn has(&self, name: &str) -> bool {
        self.podman().args(["image", "exists", name]).run().unwrap().code == 0
    }

    /// Containers that are still there.
    pub fn containers(&self) -> String {
        expect_success(&self.podman().args(["ps", "--all", "--quiet"]))
    }
}

impl Drop for Images {
    fn drop(&mut self) {
        let _ = self.podman().args(["rm", "--all", "--force"]).run();
        let _ = self.podman().args(["rmi", "--all", "--force"]).run();
    }
}
