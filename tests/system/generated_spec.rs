//! Spec files on machines: rpmbuild makes the packages in the target's own root with its own Python, dnf installs them
//! with every check on, and the application is used. The distributions' macros are those of `tests/spec_files/macros`, written
//! for the tests; the requirements in the packages come from the generated text or from rpm's real `pythondistdeps.py`.

use std::path::{Path, PathBuf};

use omnipack::exec::Command;

use crate::machine::Machine;
use crate::packages::{install, names, remove, verify};
use crate::root::{Root, interpreter_prefix};
use crate::rpm;
use crate::support::{expect_success, omnipack, repository};
use crate::target::Target;

const PROGRAM: &str = r#"
import http.server
import os

import six


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open("/etc/demo/demo.conf") as file:
            text = "%s %s %s" % (file.read().strip(), six.__name__, os.getuid() != 0)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())


def web():
    http.server.HTTPServer(("127.0.0.1", 8099), Handler).serve_forever()


def main():
    print("demo with", six.__name__)
"#;

const PYPROJECT: &str = r#"
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "demo"
version = "1.2"
dependencies = ["six>=1.10,<2", "dataclasses; python_version < '3.0'"]

[project.scripts]
demo = "demo:main"
demo-web = "demo:web"

[tool.setuptools]
py-modules = ["demo"]
"#;

const CONFIGURATION: &str = r#"
[[user]]
name = "demo"

[[service]]
name = "web"
command = "demo-web"
user = "demo"
enable = "yes"

[[file]]
source = "demo.conf"
destination = "/etc/demo/demo.conf"
config = "noreplace"
"#;

pub fn project(directory: &Path) -> PathBuf {
    let project = directory.join("demo");
    fs_err::create_dir_all(&project).unwrap();
    for (name, text) in [
        ("demo.py", PROGRAM),
        ("pyproject.toml", PYPROJECT),
        ("omnipack.toml", CONFIGURATION),
        ("demo.conf", "hello\n"),
    ] {
        fs_err::write(project.join(name), text).unwrap();
    }
    project
}

/// Puts into the root what building needs: setuptools and pip for the target's Python, `packaging` for the generator, which
/// runs on Debian's own.
pub fn backends(root: &Root, target: &Target) {
    let python = interpreter_prefix(&target.python).join("bin/python");
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--ignore-installed"];
    // The last of Python 3.6; the first that read `[project]` in `pyproject.toml`.
    let setuptools = if target.python == "3.6" { "setuptools<60" } else { "setuptools>=61,<70" };
    let wanted = [setuptools, "wheel<0.38", "pip<22", "six<2"];
    expect_success(
        &Command::new(&python)
            .args(install)
            .args(["--no-warn-script-location", "--prefix", "/usr", "--root"])
            .arg(root.path())
            .args(wanted),
    );
    let debian = root.inside("/usr/lib/python3/dist-packages");
    expect_success(
        &Command::new("python3").args(install).args(["--no-deps", "--target"]).arg(debian).arg("packaging<24"),
    );
}

/// Generates the spec file and has it built in the root; `words` are for `generate-spec`.
pub fn build(root: &Root, target: &Target, dialect: &str, project: &Path, words: &[&str]) -> Vec<PathBuf> {
    let sources = root.inside("/build/SOURCES");
    let work = project.parent().expect("a directory");
    fs_err::create_dir_all(&sources).unwrap();
    expect_success(
        &omnipack()
            .args(["generate-spec", "--distribution", &target.distribution, "--output-directory"])
            .arg(&sources)
            .args(words)
            // The next version goes to where the last one was.
            .arg("--force")
            .arg(project),
    );
    let macros = repository().join("tests/spec_files/macros");
    for name in ["common", dialect] {
        fs_err::copy(macros.join(name), root.inside("/build").join(name)).unwrap();
    }
    let series = format!("python3_version {}", target.python);
    let interpreter = format!("__python3 /usr/bin/python{}", target.python);
    let own = format!("/build/{dialect}");
    let arguments = [
        "--load",
        "/build/common",
        "--load",
        &own,
        "--define",
        "_topdir /build",
        "--define",
        &series,
        "--define",
        &interpreter,
        "--define",
        "_build_id_links none",
        "-ba",
        "--nodeps",
        "/build/SOURCES/demo.spec",
    ];
    root.chroot("rpmbuild", &arguments);
    let found = walkdir::WalkDir::new(root.inside("/build/RPMS")).into_iter().map(|entry| entry.unwrap().into_path());
    let found = found.filter(|path| path.extension().is_some_and(|extension| extension == "rpm")).collect::<Vec<_>>();
    // The machine's root is an overlay of its own, which is gone when the machine is.
    found
        .iter()
        .map(|path| {
            let kept = work.join(path.file_name().unwrap());
            fs_err::copy(path, &kept).unwrap();
            kept
        })
        .collect()
}

pub fn requires(packages: &[PathBuf]) -> String {
    expect_success(&Command::new("rpm").args(["-qp", "--requires"]).args(packages))
}

/// Builds, installs, uses and removes; `required` is what stands for `six` in the package.
fn lifecycle(distribution: &str, dialect: &str, required: &str, provided: &[&str], unit: &str) {
    let work = tempfile::tempdir().unwrap();
    let mut target = Target::named(distribution);
    target.provides.extend(provided.iter().map(|&name| name.to_owned()));
    let root = Root::new(&target.suite, &target.python);
    backends(&root, &target);
    let packages = build(&root, &target, dialect, &project(work.path()), &[]);
    assert!(requires(&packages).lines().any(|line| line == required), "{required}:\n{}", requires(&packages));
    live(root, &target, &packages, unit);
}

/// Installs, uses and removes what is built of the project.
pub fn live(root: Root, target: &Target, packages: &[PathBuf], unit: &str) {
    // EL has its init scripts here.
    root.chroot("sh", &["-ec", "mkdir -p /etc/rc.d; ln -sfn ../init.d /etc/rc.d/init.d"]);
    rpm::seed(&root, target);
    let machine = Machine::boot(root);
    let names = names(packages);
    install(&machine, packages);
    assert_eq!(verify(&machine, target.kind(), &names), Vec::<String>::new(), "right after the installation");

    assert_eq!(machine.run("/usr/bin/demo", &[]).trim(), "demo with six");
    machine.start(unit);
    let ask = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:8099/').read().decode())";
    let python = format!("/usr/bin/python{}", target.python);
    machine.wait_until("the service answers", |machine| machine.try_run(&python, &["-c", ask]).code == 0);
    assert_eq!(machine.run(&python, &["-c", ask]).trim(), "hello six True");

    remove(&machine, target.kind(), &names);
    for path in ["/usr/bin/demo", "/usr/bin/demo-web", "/opt/demo", "/usr/lib/systemd/system/demo-web.service"] {
        assert!(!machine.root().inside(path).exists(), "{path} is left");
    }
    assert_ne!(machine.try_run(&python, &["-c", ask]).code, 0, "the service still runs");
}

/// `pyproject-rpm-macros`, and requirements that rpm's own generator finds in the installed metadata.
#[test]
fn a_modern_spec_makes_packages_that_run() {
    let required = "(python3.9dist(six) < 2 with python3.9dist(six) >= 1.10)";
    lifecycle("rocky-9", "modern", required, &["python3.9dist(six) = 1.16"], "demo-web.service");
}

/// No macros but rpm's own, init scripts, and packages that are called by their names.
#[test]
fn a_plain_spec_makes_packages_that_run() {
    let provided = ["python36u-six = 1.16.0", "python36u-setuptools = 59.6.0"];
    lifecycle("centos-6", "plain", "python36u-six >= 1.10", &provided, "demo-web");
}
