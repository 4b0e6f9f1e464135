//! Same input, same bytes: in another directory, for another user, under another umask, with other modification times
//! and in another order. Two whole builds are compared byte by byte.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use omnipack::exec::Command;

use support::{both, expect_success, fixture, name_of, packages_in};

/// One of the two builders that must agree.
struct Builder {
    /// Where the project's copy lies, of another depth and length than the other's.
    place: &'static str,
    umask: &'static str,
    /// `unshare` arguments: who the build believes to be.
    user: &'static [&'static str],
    name: &'static str,
    timezone: &'static str,
    /// Modification time of every file of the project.
    modified: &'static str,
    order: Order,
}

/// In which the distributions are named on the command line.
#[derive(Clone, Copy)]
enum Order {
    Given,
    Reversed,
}

const FIRST: Builder = Builder {
    place: "a/project",
    umask: "022",
    user: &[],
    name: "alice",
    timezone: "UTC",
    modified: "2020-01-02T03:04:05Z",
    order: Order::Given,
};

const SECOND: Builder = Builder {
    place: "another directory/much/deeper/b",
    umask: "077",
    user: &["--map-user=12345", "--map-group=54321"],
    name: "bob",
    timezone: "Pacific/Auckland",
    modified: "2024-06-07T08:09:10Z",
    order: Order::Reversed,
};

impl Builder {
    /// Builds the fixture and gives each package by distribution and file name.
    fn build(&self, name: &str, distributions: &[&str], scratch: &Path) -> BTreeMap<(String, String), PathBuf> {
        let project = scratch.join(self.place);
        let destination = scratch.join("dist of ").join(self.name);
        fs_err::create_dir_all(project.parent().unwrap()).unwrap();
        let prepare = "umask $1; cp -r \"$2\" \"$3\"; find \"$3\" -exec touch -d \"$4\" {} +";
        expect_success(
            &Command::new("sh")
                .args(["-ec", prepare, "sh", self.umask])
                .arg(fixture(name))
                .arg(&project)
                .arg(self.modified),
        );
        let mut command = Command::new("unshare");
        // Without --user, unshare only starts the program.
        if !self.user.is_empty() {
            command = command.arg("--user").args(self.user);
        }
        command = command
            .args(["sh", "-ec", "umask $1; shift; exec \"$@\"", "sh", self.umask])
            .arg(env!("CARGO_BIN_EXE_omnipack"))
            .arg("--destination-path")
            .arg(&destination)
            .env("USER", self.name)
            .env("LOGNAME", self.name)
            .env("TZ", self.timezone)
            .env("HOSTNAME", format!("{}.example.org", self.name))
            .env_remove("SOURCE_DATE_EPOCH");
        let mut distributions = distributions.to_vec();
        if matches!(self.order, Order::Reversed) {
            distributions.reverse();
        }
        for distribution in &distributions {
            command = command.args(["--distribution", distribution]);
        }
        let output = command.arg(&project).run().unwrap();
        assert_eq!(output.code, 0, "{}'s build failed\n{}", self.name, both(&output));
        let mut packages = BTreeMap::new();
        for distribution in distributions {
            for path in packages_in(&destination.join(distribution)) {
                packages.insert((distribution.to_owned(), name_of(&path).to_owned()), path);
            }
        }
        packages
    }
}

fn builds_are_identical(name: &str, distributions: &[&str]) {
    let scratch = tempfile::tempdir().unwrap();
    let first = FIRST.build(name, distributions, scratch.path());
    let second = SECOND.build(name, distributions, scratch.path());
    assert_eq!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());
    for (package, path) in &first {
        let other = &second[package];
        if fs_err::read(path).unwrap() != fs_err::read(other).unwrap() {
            panic!("two builds of {package:?} differ:\n{}", difference(path, other));
        }
    }
}

/// The first lines in which the package manager sees two packages differ.
fn difference(first: &Path, second: &Path) -> String {
    let scratch = tempfile::tempdir().unwrap();
    for (name, path) in [("first", first), ("second", second)] {
        let seen = if path.extension().is_some_and(|extension| extension == "deb") { dpkg(path) } else { rpm(path) };
        fs_err::write(scratch.path().join(name), seen).unwrap();
    }
    let output = Command::new("diff").args(["--unified=0", "first", "second"]).dir(scratch.path()).run().unwrap();
    output.stdout_text().lines().take(40).collect::<Vec<_>>().join("\n")
}

/// Header tags, then files with size, digest, mode and time.
fn rpm(path: &Path) -> String {
    let asked = |option: &str| expect_success(&Command::new("rpm").args(["-qp", "--nosignature", option]).arg(path));
    asked("--dump") + &asked("--xml")
}

/// Control files, files with size, mode and time, and the head of each member.
fn dpkg(path: &Path) -> String {
    let script = "dpkg-deb --info \"$1\" control md5sums; dpkg-deb --contents \"$1\"; ar tv \"$1\"";
    expect_success(&Command::new("sh").args(["-c", script, "sh"]).arg(path))
}

/// Targets that take every compression between them.
const RPM: [&str; 2] = ["centos-7", "rocky-9"];
const DEB: [&str; 2] = ["debian-11", "debian-12"];

#[test]
fn a_service_with_its_dependencies() {
    builds_are_identical("cdhboot", &RPM);
    builds_are_identical("cdhboot", &DEB);
}

#[test]
fn extension_modules() {
    builds_are_identical("native", &RPM);
    builds_are_identical("native", &DEB);
}

#[test]
fn many_meta_packages_triggers_and_sdists() {
    builds_are_identical("flocker", &RPM);
}
