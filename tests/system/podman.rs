//! podman where the tests themselves may run in a container.

use std::path::{Path, PathBuf};

use omnipack::exec::Command;

use crate::root::Root;
use crate::support::{expect_success, run};

/// crun refuses mixed control groups, and neither limits above the own nor network namespaces can be had.
pub const CONTAINERS_CONF: &str = "[engine]\nruntime = \"runc\"\n[containers]\nnetns = \"host\"\nipcns = \"host\"\n\
                                   default_ulimits = [\"nofile=20000:20000\", \"nproc=32768:32768\"]\n";

/// Settings for podman, in a file of their own.
pub struct Podman {
    conf: PathBuf,
}

impl Podman {
    /// The file is written into `directory`.
    pub fn new(directory: &Path) -> Self {
        let conf = directory.join("containers.conf");
        fs_err::write(&conf, CONTAINERS_CONF).unwrap();
        Self { conf }
    }

    /// For a command that runs podman.
    pub fn settled(&self, command: Command) -> Command {
        command.env("CONTAINERS_CONF", &self.conf)
    }

    pub fn run(&self, args: &[&str]) -> String {
        expect_success(&self.settled(Command::new("podman")).args(args))
    }

    /// The image of a [base](crate::bases::Base), made once per week; builder images that are made from it stay, too.
    pub fn base_image(&self, suite: &str, python: &str) -> String {
        let week = run("date", &["+%G-w%V"]);
        let name = format!("localhost/omnipack-test-base:{suite}-{}", week.trim());
        let lock = Path::new(env!("CARGO_TARGET_TMPDIR")).join("base-images.lock");
        let lock = fs_err::File::create(lock).unwrap().into_parts().0;
        lock.lock().unwrap();
        let there = self.settled(Command::new("podman")).args(["image", "exists", &name]).run().unwrap();
        if there.code != 0 {
            let root = Root::new(suite, python);
            let archive = root.scratch().join("root.tar");
            expect_success(&Command::new("tar").arg("-C").arg(root.path()).arg("-cf").arg(&archive).arg("."));
            expect_success(&self.settled(Command::new("podman")).args(["import", "--quiet"]).arg(archive).arg(&name));
        }
        name
    }
}
