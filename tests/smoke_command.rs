//! `omnipack smoke` on a command line that is wrong: it says so before anything is started.

mod handmade;

use std::path::{Path, PathBuf};

use handmade::{demo, omnipack};

/// A directory with a package of each kind, the Debian one only by its name.
struct Packages {
    directory: tempfile::TempDir,
}

impl Packages {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let wheels = directory.path().join("wheels");
        fs_err::create_dir(&wheels).unwrap();
        demo(&wheels);
        let mut build = omnipack(directory.path());
        build.args(["demo", "-q", "-D", "rocky-9", "--wheels"]).arg(wheels).arg("-d").arg(directory.path());
        build.assert().success();
        fs_err::write(directory.path().join("demo_1.0-1_all.deb"), "!<arch>\n").unwrap();
        fs_err::write(directory.path().join("notes.txt"), "").unwrap();
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn rpm(&self) -> PathBuf {
        self.path("demo-1.0-1.noarch.rpm")
    }

    /// What is said on standard error, on one line; and the exit code.
    fn smoke(&self, args: &[&str], files: &[PathBuf]) -> (i32, String) {
        let output = omnipack(self.directory.path()).arg("smoke").args(args).args(files).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), said.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

#[track_caller]
fn refused((code, said): (i32, String), expected: i32, words: &[&str]) {
    assert_eq!(code, expected, "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
}

#[test]
fn one_place_has_to_be_named() {
    let packages = Packages::new();
    let places = ["--root <DIR>", "--container <IMAGE>", "--this-machine"];
    refused(packages.smoke(&[], &[packages.rpm()]), 2, &places);
    refused(packages.smoke(&["--root", "/x", "--this-machine"], &[packages.rpm()]), 2, &["cannot be used with"]);
    refused(packages.smoke(&["--root", "/x"], &[]), 2, &["<FILE>"]);
    let engine = ["--root", "/x", "--engine", "podman"];
    refused(packages.smoke(&engine, &[packages.rpm()]), 2, &["--engine <PROGRAM>", "cannot be used with"]);
    refused(packages.smoke(&["--this-machine", "--timeout", "0"], &[packages.rpm()]), 2, &["--timeout"]);
}

#[test]
fn files_have_to_be_packages_of_one_kind() {
    let packages = Packages::new();
    let root = ["--root", "/nonexistent"];
    refused(packages.smoke(&root, &[packages.path("notes.txt")]), 2, &["notes.txt", "neither an RPM nor a Debian"]);
    let mixed = [packages.rpm(), packages.path("demo_1.0-1_all.deb")];
    refused(packages.smoke(&root, &mixed), 2, &["demo_1.0-1_all.deb", "all of one kind"]);
    refused(packages.smoke(&root, &[packages.path("missing.rpm")]), 1, &["missing.rpm", "No such file"]);
}

#[test]
fn a_root_has_to_be_a_system_and_not_this_one() {
    let packages = Packages::new();
    let empty = packages.path("wheels");
    let root = |path: &Path| packages.smoke(&["--root", path.to_str().unwrap()], &[packages.rpm()]);
    refused(root(&empty), 2, &["is no root file system", "usr/bin"]);
    refused(root(Path::new("/")), 2, &["--this-machine"]);
    refused(root(Path::new("/nonexistent")), 1, &["/nonexistent"]);
}

#[test]
fn a_container_needs_an_engine() {
    let packages = Packages::new();
    let mut command = omnipack(packages.directory.path());
    command.env("PATH", packages.directory.path()).args(["smoke", "--container", "some:image"]).arg(packages.rpm());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("neither podman nor docker") && said.contains("--root DIR"), "{said}");
}

#[test]
fn the_help_has_an_example() {
    let directory = tempfile::tempdir().unwrap();
    let output = omnipack(directory.path()).args(["smoke", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("omnipack smoke --container rockylinux:9 dist/*.rpm"), "{help}");
    assert!(help.contains("--upgrade-from <FILE>") && help.contains("Exit codes"), "{help}");
}

#[test]
fn a_report_that_could_not_be_written_is_refused_at_once() {
    let packages = Packages::new();
    let args = ["--root", "/nowhere-at-all", "--junit", "/no-such-directory/smoke.xml"];
    refused(packages.smoke(&args, &[packages.rpm()]), 1, &["/no-such-directory"]);
}
