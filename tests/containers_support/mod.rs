//! Images of the root file systems that the tests have, for the podman of the user.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::path::Path;

use omnipack::exec::Command;

use crate::support::expect_success;

/// An image of the user's podman; removed when dropped.
pub struct Image {
    pub name: String,
    scratch: tempfile::TempDir,
    /// Held as long as it lives: containers have this machine's network, and their services the same port.
    _alone: std::fs::File,
}

/// What a container needs where this test itself runs in one: crun refuses mixed control groups, and neither limits
/// above the own nor network namespaces can be had.
const CONTAINERS_CONF: &str = "[engine]\nruntime = \"runc\"\n[containers]\nnetns = \"host\"\nipcns = \"host\"\n\
                               default_ulimits = [\"nofile=20000:20000\", \"nproc=32768:32768\"]\n";

impl Image {
    /// The image of a root file system.
    pub fn of(root: &Path, name: &str) -> Self {
        let alone = fs_err::File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("containers.lock"));
        let alone = alone.unwrap().into_parts().0;
        alone.lock().unwrap();
        let scratch = tempfile::tempdir().unwrap();
        fs_err::write(scratch.path().join("containers.conf"), CONTAINERS_CONF).unwrap();
        let image = Self { name: format!("localhost/omnipack-{name}:{}", std::process::id()), scratch, _alone: alone };
        image.import(root, &image.name);
        image
    }

    /// Another image, by that name.
    pub fn import(&self, root: &Path, name: &str) {
        let archive = self.scratch.path().join("root.tar");
        expect_success(&Command::new("tar").arg("-C").arg(root).arg("-cf").arg(&archive).arg("."));
        expect_success(&self.podman(&["import", "--quiet"]).arg(&archive).arg(name));
        fs_err::remove_file(archive).unwrap();
    }

    /// With the settings that podman needs here.
    pub fn settled(&self, command: Command) -> Command {
        command.env("CONTAINERS_CONF", self.configuration())
    }

    /// The settings that podman needs here.
    pub fn configuration(&self) -> std::path::PathBuf {
        self.scratch.path().join("containers.conf")
    }

    /// podman, settled.
    pub fn podman(&self, args: &[&str]) -> Command {
        self.settled(Command::new("podman")).args(args)
    }

    /// Containers of the image, by id.
    pub fn containers(&self) -> String {
        let filter = format!("ancestor={}", self.name);
        expect_success(&self.podman(&["ps", "--all", "--quiet", "--filter", &filter]))
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = self.podman(&["rmi", "--force", &self.name]).run();
    }
}
