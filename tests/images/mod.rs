//! Images of containers, made of the roots of the system tests, under any names. They lie in a storage of their own, so that
//! nobody's images are touched.
#![allow(dead_code, reason = "each test program uses its part")]

use std::ops::Deref;

use crate::containers_support::{Alone, Podman, Storage};

/// Images of a podman that has no others; gone when dropped.
pub struct Images {
    podman: Podman,
    /// podman wants a short path.
    _storage: tempfile::TempDir,
    _alone: Alone,
}

impl Images {
    pub fn new() -> Self {
        let alone = Alone::now();
        let storage = tempfile::Builder::new().prefix("ci").tempdir_in("/tmp").unwrap();
        Self { podman: Podman::new(storage.path(), Storage::Own), _storage: storage, _alone: alone }
    }

    /// Containers that are still there.
    pub fn containers(&self) -> String {
        self.podman.run(&["ps", "--all", "--quiet"])
    }
}

impl Deref for Images {
    type Target = Podman;

    fn deref(&self) -> &Podman {
        &self.podman
    }
}

impl Drop for Images {
    fn drop(&mut self) {
        let _ = self.podman.command(&["rm", "--all", "--force"]).run();
        let _ = self.podman.command(&["rmi", "--all", "--force"]).run();
    }
}
