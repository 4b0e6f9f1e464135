//! Packages for the tests of the DEB writer, and the real dpkg to hold them against.
#![allow(dead_code, reason = "each test file uses its part")]

#[path = "../entries/mod.rs"]
mod entries;

use std::ffi::OsStr;
use std::path::Path;

use omnipack::distribution::{Algorithm, PackageFormat, ToolVersion};
use omnipack::exec::{Command, Output};
use omnipack::package::Package;
use omnipack::plan::Compression;
use omnipack::project::ConfigFile;
use omnipack::service::Scriptlet;
use omnipack::stage::Entry;

pub use entries::*;

pub const DPKG_1_20: ToolVersion = ToolVersion { major: 1, minor: 20, patch: 13 };

pub const COMPRESSIONS: [(Algorithm, i32, &str); 3] =
    [(Algorithm::Gzip, 6, "gz"), (Algorithm::Xz, 2, "xz"), (Algorithm::Zstd, 3, "zst")];

pub fn package(name: &str) -> Package {
    package_for(name, PackageFormat::Deb, DPKG_1_20)
}

/// What dpkg-deb prints; it must not complain.
pub fn dpkg_deb(options: &[&str], path: &Path) -> String {
    let command = Command::new("dpkg-deb").args(options).arg(path).env("LC_ALL", "C.UTF-8");
    let output = command.run_checked().unwrap();
    assert_eq!(output.stderr_text(), "", "dpkg-deb complains");
    output.stdout_text()
}

/// A control field, without the newline at its end.
pub fn field(path: &Path, name: &str) -> String {
    let command = Command::new("dpkg-deb").arg("--field").arg(path).arg(name).env("LC_ALL", "C.UTF-8");
    let text = command.run_checked().unwrap().stdout_text();
    text.strip_suffix('\n').unwrap_or(&text).to_owned()
}

/// A file of `control.tar`; nothing where it is not there.
pub fn control_file(path: &Path, name: &str) -> Option<String> {
    let out = tempfile::tempdir().unwrap();
    Command::new("dpkg-deb").arg("--control").arg(path).arg(out.path()).run_checked().unwrap();
    fs_err::read_to_string(out.path().join(name)).ok()
}

/// Unpacks all, with the control files in `DEBIAN`.
pub fn raw_extract(path: &Path, directory: &Path) {
    as_root(OsStr::new("dpkg-deb")).arg("--raw-extract").arg(path).arg(directory).run_checked().unwrap();
}

/// A root directory with a dpkg database and nothing else.
pub struct Root {
    directory: tempfile::TempDir,
}

impl Root {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let admin = directory.path().join("var/lib/dpkg");
        for name in ["info", "updates", "triggers"] {
            fs_err::create_dir_all(admin.join(name)).unwrap();
        }
        fs_err::write(admin.join("status"), "").unwrap();
        Self { directory }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        as_root(OsStr::new("dpkg"))
            .arg("--root")
            .arg(self.path())
            .args(["--force-depends", "--force-not-root", "--log=/dev/null"])
            .args(args)
            .env("LC_ALL", "C.UTF-8")
            .run()
            .unwrap()
    }

    pub fn install(&self, path: &Path) {
        let output = self.run([OsStr::new("-i"), path.as_os_str()]);
        assert_eq!((output.code, output.stderr_text().as_str()), (0, ""), "{}", output.stdout_text());
    }

    /// `dpkg --verify` must find nothing.
    pub fn verify(&self, name: &str) {
        let output = self.run(["--verify", name]);
        assert_eq!((output.code, output.stdout_text().as_str(), output.stderr_text().as_str()), (0, "", ""));
    }
}

/// Of 300 bytes, with directories of 100, 99 and 101.
pub fn long(kind: &str) -> String {
    format!("/opt/app/{}/{}/{kind}{}", "a".repeat(100), "b".repeat(99), "c".repeat(101))
}

pub fn tree() -> Vec<Entry> {
    let mut secret = file("/opt/app/helper", "runs as another");
    secret.mode = 0o6750;
    (secret.owner, secret.group) = ("nobody".into(), "nosuchgroup".into());
    sorted(vec![
        directory("/opt/app"),
        file("/opt/app/bin/run", "#!/bin/sh\nexit 0\n"),
        hardlink("/opt/app/bin/also", "/opt/app/bin/run"),
        hardlink("/opt/app/bin/zuletzt", "/opt/app/bin/run"),
        file("/opt/app/empty", ""),
        hardlink("/opt/app/empty too", "/opt/app/empty"),
        file("/opt/app/große Datei", vec![b'x'; 3_000_000]),
        file(&long("file"), "long"),
        symlink(&long("link"), &"../".repeat(50)),
        hardlink(&long("hard"), &long("file")),
        hardlink(&long("aaaa"), &long("file")),
        symlink("/opt/app/link", "bin/run"),
        symlink("/opt/app/dangling", "/nowhere/at all"),
        flagged(file("/etc/app/app.conf", "key = 1\n"), |flags| flags.config = ConfigFile::Noreplace),
        flagged(file("/etc/app/with space.conf", "key = 2\n"), |flags| flags.config = ConfigFile::Replace),
        flagged(file("/var/log/app.log", "never packed"), |flags| flags.ghost = true),
        flagged(directory("/var/cache/app"), |flags| flags.ghost = true),
        secret,
    ])
}

pub fn compressed(name: &str, (algorithm, level, _): (Algorithm, i32, &str)) -> Package {
    let mut package = package(name);
    package.entries = tree();
    package.compression = Compression { algorithm, level };
    package
}

pub fn sample(name: &str) -> Package {
    compressed(name, COMPRESSIONS[2])
}

pub fn shell(text: &str) -> Scriptlet {
    Scriptlet { interpreter: vec!["/bin/sh".to_owned()], text: text.to_owned() }
}
