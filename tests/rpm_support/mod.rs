//! Packages for the tests of the RPM writer, and the real rpm to hold them against.
#![allow(dead_code, reason = "each test file uses its part")]

#[path = "../entries/mod.rs"]
mod entries;

use std::ffi::{OsStr, OsString};
use std::path::Path;

use omnipack::distribution::{PackageFormat, ToolVersion};
use omnipack::exec::{Command, Output};
use omnipack::package::Package;

pub use entries::*;

pub const RPM_4_18: ToolVersion = ToolVersion { major: 4, minor: 18, patch: 0 };
pub const RPM_4_11: ToolVersion = ToolVersion { major: 4, minor: 11, patch: 3 };
pub const RPM_4_8: ToolVersion = ToolVersion { major: 4, minor: 8, patch: 0 };

pub fn package(name: &str) -> Package {
    package_for(name, PackageFormat::Rpm, RPM_4_18)
}

pub fn rpm<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> String {
    let output = Command::new("rpm").args(args).env("LC_ALL", "C.UTF-8").run_checked().unwrap();
    assert_eq!(output.stderr_text(), "", "rpm complains");
    output.stdout_text()
}

pub fn query(path: &Path, options: &[&str]) -> String {
    rpm(["-qp".as_ref(), "--nosignature".as_ref()]
        .into_iter()
        .chain(options.iter().map(AsRef::as_ref))
        .chain([path.as_os_str()]))
}

pub fn query_format(path: &Path, format: &str) -> String {
    query(path, &["--qf", format])
}

/// What `rpmkeys -K` says; it must find all digests right.
pub fn check_digests(path: &Path) {
    let output = Command::new("rpmkeys").args(["-Kv", "--nosignature"]).arg(path).run_checked().unwrap().stdout_text();
    assert!(output.contains("Header SHA256 digest: OK"), "{output}");
    assert!(output.contains("Payload SHA256 digest: OK"), "{output}");
    assert!(!output.contains("BAD") && !output.contains("NOT OK"), "{output}");
}

/// A root directory with an rpm database and nothing else.
pub struct Root {
    directory: tempfile::TempDir,
    /// Another rpm than the one on PATH.
    rpm: Option<OsString>,
}

impl Root {
    pub fn new() -> Self {
        Self::with_rpm(None)
    }

    pub fn with_rpm(rpm: Option<OsString>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs_err::create_dir_all(directory.path().join("var/lib/rpm")).unwrap();
        fs_err::create_dir_all(directory.path().join("tmp")).unwrap();
        Self { directory, rpm }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        // Only Debian's rpm wants to be forced.
        let (rpm, force) = match &self.rpm {
            Some(rpm) => (rpm.as_os_str(), None),
            None => (OsStr::new("rpm"), Some("--force-debian")),
        };
        as_root(rpm)
            .args(force)
            .args(["--dbpath", "/var/lib/rpm", "--root"])
            .arg(self.path())
            .args(args)
            .env("LC_ALL", "C.UTF-8")
            .run()
            .unwrap()
    }

    pub fn install(&self, path: &Path, options: &[&str]) {
        let output = self.run(
            ["-i", "--nodeps", "--ignorearch", "--ignoreos", "--nosignature"]
                .iter()
                .chain(options)
                .map(OsStr::new)
                .chain([path.as_os_str()]),
        );
        assert_eq!((output.code, output.stderr_text().as_str()), (0, ""));
    }

    /// `rpm -V` must find nothing.
    pub fn verify(&self, name: &str) {
        let output = self.run(["-V", "--nodeps", name]);
        // rpm 4.8 looks for the database outside of the root once more, and says so.
        let stderr = if self.rpm.is_none() { output.stderr_text() } else { String::new() };
        assert_eq!((output.code, output.stdout_text().as_str(), stderr.as_str()), (0, "", ""));
    }
}
