//! The systems that debootstrap makes, as data: a new one is a line here.

use std::path::Path;

use omnipack::exec::Command;

use crate::root::{Root, debootstrap};
use crate::support::run;

/// Who made a system, and how it is had.
#[derive(Debug, Clone, Copy)]
enum Archive {
    Debian,
    /// Signed by keys that Debian has in a package; debootstrap's script for it lists its usual mirror.
    Ubuntu {
        components: &'static str,
    },
}

/// A system before any test touches it.
#[derive(Debug)]
pub struct Base {
    pub name: &'static str,
    suite: &'static str,
    archive: Archive,
    /// Beside a minimal system. debootstrap cannot install two inits.
    packages: &'static [&'static str],
}

const SYSTEMD: &str = "systemd,systemd-sysv,dbus";
const SYSVINIT: &str = "sysvinit-core,sysv-rc,insserv,initscripts,lsb-base,cron";
const ALWAYS: &str = "python3,ca-certificates,procps,passwd,logrotate";
/// rpm's own tools, for targets whose packages are RPMs.
const RPM: &str = "rpm,dnf";
const REDIS: &str = "redis-server";

const BASES: &[Base] = &[
    Base { name: "bullseye", suite: "bullseye", archive: Archive::Debian, packages: &[SYSTEMD, ALWAYS, REDIS] },
    Base { name: "bookworm", suite: "bookworm", archive: Archive::Debian, packages: &[SYSTEMD, ALWAYS, REDIS, RPM] },
    Base { name: "trixie", suite: "trixie", archive: Archive::Debian, packages: &[SYSTEMD, ALWAYS, REDIS, RPM] },
    Base { name: "bookworm-sysvinit", suite: "bookworm", archive: Archive::Debian, packages: &[SYSVINIT, ALWAYS, RPM] },
    Base {
        name: "noble",
        suite: "noble",
        archive: Archive::Ubuntu { components: "main,universe" },
        packages: &[SYSTEMD, ALWAYS, REDIS],
    },
];

impl Base {
    pub fn named(name: &str) -> &'static Self {
        BASES.iter().find(|base| base.name == name).unwrap_or_else(|| panic!("there is no base {name}"))
    }

    /// Makes the system in a new directory.
    pub fn make(&self, directory: &Path) {
        let command = Command::new("debootstrap").arg("--variant=minbase");
        let command = command.arg(format!("--include={}", self.packages.join(",")));
        match self.archive {
            Archive::Debian => debootstrap(&command.arg(self.suite).arg(directory).arg(mirror()), directory),
            Archive::Ubuntu { components } => {
                let keys = Keyring::of_ubuntu();
                let command = command.arg(format!("--components={components}"));
                let command = command.arg("--keyring").arg(keys.path()).arg(self.suite).arg(directory);
                // All releases of Ubuntu are made by the same script, and this machine's debootstrap may be older than
                // the release.
                debootstrap(&command.args(["", "gutsy"]), directory);
            }
        }
    }
}

/// The mirror that this machine's apt is configured for.
fn mirror() -> String {
    let uris = run("apt-get", &["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]);
    let debian = uris.lines().find(|uri| uri.trim_end_matches('/').ends_with("/debian"));
    debian.expect("apt has a Debian mirror").to_owned()
}

/// Keys of another archive, out of a package that the apt of a Debian system has verified.
struct Keyring {
    root: Root,
}

impl Keyring {
    /// Bookworm does not have the package, trixie does.
    fn of_ubuntu() -> Self {
        let root = Root::new("trixie", "3.13");
        // As this machine reaches the mirror.
        for file in ["/etc/resolv.conf", "/etc/hosts"] {
            fs_err::copy(file, root.inside(file)).unwrap();
        }
        root.chroot(
            "sh",
            &["-ec", "cd /tmp; apt-get -qq update; apt-get -qq download ubuntu-keyring; dpkg -x *.deb /tmp"],
        );
        Self { root }
    }

    fn path(&self) -> std::path::PathBuf {
        self.root.inside("/tmp/usr/share/keyrings/ubuntu-archive-keyring.gpg")
    }
}
