//! `omnipack matrix`: what a CI is told to build.

mod support;

use std::path::Path;

use omnipack::exec::{Command, Output};
use serde_json::{Value, json};
use support::{expect_success, omnipack};

const TARGETS: &str = "[targets]\n\
    distributions = ['centos-6', 'debian-12', 'rocky-9']\n\
    machines = ['x86_64', 'aarch64']\n\
    exclude = [{ distribution = 'el', machine = 'aarch64' }]\n\
    include = [{ distribution = 'fedora-42', machine = 'aarch64', runner = 'big one', container = 'example.org/fedora:42' }]\n\
    watch = ['../shared']\n";

fn project(directory: &Path, name: &str, targets: &str) {
    let project = directory.join(name);
    fs_err::create_dir_all(&project).unwrap();
    fs_err::write(project.join("setup.py"), "from setuptools import setup\nsetup()\n").unwrap();
    fs_err::write(project.join("omnipack.toml"), targets).unwrap();
}

fn rows(directory: &Path, arguments: &[&str]) -> Vec<Value> {
    let printed = expect_success(&omnipack().dir(directory).arg("matrix").args(arguments));
    assert_eq!(printed.lines().count(), 1, "one line for $GITHUB_OUTPUT: {printed}");
    let matrix: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(matrix.as_object().unwrap().len(), 1);
    matrix["include"].as_array().unwrap().clone()
}

/// `debian-12:aarch64`, with the project before it where it is not the current directory.
fn names(rows: &[Value]) -> Vec<String> {
    let name = |row: &Value| {
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        let project = text("project");
        let before = if project == "." { String::new() } else { format!("{project} ") };
        format!("{before}{}:{}", text("distribution"), text("machine"))
    };
    rows.iter().map(name).collect()
}

fn git(directory: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"];
    expect_success(&Command::new("git").dir(directory).args(identity).args(arguments));
}

fn refused(directory: &Path, arguments: &[&str], code: i32) -> String {
    let output: Output = omnipack().dir(directory).arg("matrix").args(arguments).run().unwrap();
    assert_eq!((output.code, output.stdout_text()), (code, String::new()), "{}", output.stderr_text());
    output.stderr_text()
}

#[test]
fn every_row_says_what_its_job_needs() {
    let directory = tempfile::tempdir().unwrap();
    project(directory.path(), ".", TARGETS);
    let rows = rows(directory.path(), &[]);
    // CentOS 6 never was for aarch64, and the family `el` is left out there.
    assert_eq!(
        names(&rows),
        ["centos-6:x86_64", "debian-12:x86_64", "debian-12:aarch64", "rocky-9:x86_64", "fedora-42:aarch64"]
    );
    assert_eq!(
        rows[2],
        json!({ "project": ".", "distribution": "debian-12", "machine": "aarch64", "architecture": "arm64", "format": "deb",
                "runner": "ubuntu-24.04-arm", "container": "docker.io/library/debian:12" })
    );
    assert_eq!(
        rows[4],
        json!({ "project": ".", "distribution": "fedora-42", "machine": "aarch64", "architecture": "aarch64", "format": "rpm",
                "runner": "big one", "container": "example.org/fedora:42" })
    );
}

#[test]
fn the_command_line_adds_and_leaves_out() {
    let directory = tempfile::tempdir().unwrap();
    project(directory.path(), ".", TARGETS);
    let names = |arguments: &[&str]| names(&rows(directory.path(), arguments));
    assert_eq!(names(&["--exclude", "el", "--exclude", ":aarch64"]), ["debian-12:x86_64", "fedora-42:aarch64"]);
    assert_eq!(
        names(&["--distribution", "rocky-10", "--machine", "x86_64", "--include", "debian-13:aarch64"]),
        ["rocky-10:x86_64", "fedora-42:aarch64", "debian-13:aarch64"]
    );
    let unknown = refused(directory.path(), &["--exclude", "rocky9"], 2);
    assert!(unknown.contains("rocky-9"), "{unknown}");
    refused(directory.path(), &["--include", ":"], 2);
    refused(directory.path(), &["--include", ":aarch64"], 2);
    for (option, rule, near) in [
        ("--include", "debian-12:arm64", "`aarch64`"),
        ("--include", "centos-6:aarch64", "centos-6 is not for it"),
        ("--exclude", ":amd64", "`x86_64`"),
        ("--exclude", "el:x86-64", "`x86_64`"),
        ("--exclude", "el:plan9", "omnipack distributions"),
    ] {
        let said = refused(directory.path(), &[option, rule], 2);
        assert!(said.contains("matrix::rule") && said.contains(near), "{said}");
    }
    // Nothing to leave out, and nothing mistyped.
    assert_eq!(names(&["--exclude", "centos-6:aarch64"]).len(), 5);
    let riscv = refused(directory.path(), &["--machine", "riscv64"], 2);
    assert!(riscv.contains("riscv64"), "{riscv}");
}

#[test]
fn mistyped_machines_of_rows_are_shown() {
    let directory = tempfile::tempdir().unwrap();
    let list = "[targets]\ndistributions = ['debian-12']\n";
    for (row, said, help) in [
        ("include = [{ distribution = 'rocky-9', machine = 'arm64' }]", "`arm64`", "did you mean `aarch64`?"),
        (
            "include = [{ distribution = 'centos-6', machine = 'aarch64' }]",
            "centos-6 is not for",
            "omnipack distributions",
        ),
        ("exclude = [{ machine = 'x86-64' }]", "`x86-64`", "did you mean `x86_64`?"),
        ("exclude = [{ distribution = 'debian', machine = 'amd64' }]", "`amd64`", "did you mean `x86_64`?"),
    ] {
        project(directory.path(), ".", &format!("{list}{row}\n"));
        let output = refused(directory.path(), &[], 2);
        assert!(output.contains(said) && output.contains(help) && output.contains("omnipack.toml:3:"), "{output}");
    }
}

#[test]
fn a_project_is_listed_once() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["x", "y"] {
        project(directory.path(), name, "[targets]\ndistributions = ['debian-12']\n");
    }
    let listed = rows(directory.path(), &["x", "y", "./x", "x/", "y/../x"]);
    assert_eq!(names(&listed), ["x debian-12:x86_64", "y debian-12:x86_64"]);
    let workflow = expect_success(&omnipack().dir(directory.path()).args(["ci", "github", "x", "./x"]));
    assert!(workflow.contains("-- x)\n"), "{workflow}");
}

#[test]
fn only_projects_that_changed_are_listed() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let targets = "[targets]\ndistributions = ['debian-12']\n";
    project(root, "apps/one", &format!("{targets}watch = ['../../shared', '../../a [b]*']\n"));
    project(root, "apps/two", targets);
    fs_err::create_dir(root.join("shared")).unwrap();
    let write = |path: &str| fs_err::write(root.join(path), path).unwrap();
    for path in ["shared/constraints.txt", "a [b]*", "README"] {
        write(path);
    }
    git(root, &["init", "--quiet", "--initial-branch", "main"]);
    git(root, &["add", "."]);
    git(root, &["commit", "--quiet", "--message", "first"]);
    let since = |reference: &str| names(&rows(root, &["--changed-since", reference, "apps/one", "apps/two"]));
    let (one, two) = ("apps/one debian-12:x86_64".to_owned(), "apps/two debian-12:x86_64".to_owned());
    assert_eq!(since("HEAD"), Vec::<String>::new());
    for (path, expected) in [
        ("README", vec![]),
        ("apps/two/setup.cfg", vec![two.clone()]),
        ("shared/more.txt", vec![one.clone()]),
        ("a [b]*", vec![one.clone()]),
        ("a b", vec![]),
    ] {
        fs_err::write(root.join(path), format!("changed {path}")).unwrap();
        git(root, &["add", "."]);
        git(root, &["commit", "--quiet", "--message", path]);
        assert_eq!(since("HEAD~1"), expected, "{path}");
    }
    // `before` of a branch that was just made.
    assert_eq!(since(&"0".repeat(40)), [one, two]);
    let unknown = refused(root, &["--changed-since", "nowhere", "apps/one"], 1);
    assert!(unknown.contains("nowhere") && unknown.contains("fetch-depth: 0"), "{unknown}");
    let option = refused(root, &["--changed-since=--output=canary", "apps/one"], 1);
    assert!(!root.join("apps/one/canary").exists() && !root.join("apps/one/canary...HEAD").exists(), "{option}");
}
