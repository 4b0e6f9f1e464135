//! Applications that take part of what they need from the distribution: installed by real apt with Debian's own packages and
//! run by Debian's own Python; and made by rpmbuild of a spec file that bundles what a repository lacks.

use std::path::{Path, PathBuf};

use omnipack::exec::Command;

use crate::generated_spec;
use crate::handmade::WheelMaker;
use crate::machine::Machine;
use crate::packages::{install, names, remove, try_install};
use crate::root::Root;
use crate::rpm;
use crate::support::{expect_success, omnipack, packages_in};
use crate::target::Target;
use omnipack::smoke::PackageKind;

/// Says where it found what the distribution brings, and what its own environment brings.
const DEMO: &str = r#"
import importlib.metadata
import helper
import yaml


def main():
    print(yaml.__file__, yaml.safe_load("[1, 2]"), bool(yaml.__with_libyaml__), importlib.metadata.version("PyYAML"))
    print(helper.__file__)
"#;

/// Packages of the archive that the machine's apt is configured for, by name.
fn downloaded(names: &[&str], directory: &Path) -> Vec<PathBuf> {
    fs_err::create_dir_all(directory).unwrap();
    let line =
        format!("apt-get download -qq {0} || {{ apt-get update -qq; apt-get download -qq {0}; }}", names.join(" "));
    // As root, apt would give the download to an account that may not write here.
    expect_success(
        &Command::new("sh")
            .args(["-ec", &line.replace("download", "-o APT::Sandbox::User=root download")])
            .dir(directory),
    );
    packages_in(directory)
}

fn built(work: &Path) -> Vec<PathBuf> {
    let (wheels, out) = (work.join("wheels"), work.join("out"));
    fs_err::create_dir_all(&wheels).unwrap();
    let application = WheelMaker::new("demo", "1.0")
        .file("demo.py", DEMO)
        .requires("PyYAML>=5.1,!=5.4,<7")
        .requires("helper")
        .console_script("demo = demo:main")
        .write(&wheels);
    WheelMaker::new("helper", "1.0").file("helper.py", "").requires("PyYAML").write(&wheels);
    WheelMaker::new("PyYAML", "6.0").file("yaml/__init__.py", "raise ImportError('of the wheel')\n").write(&wheels);
    let config = work.join("omnipack.toml");
    fs_err::write(&config, "[python]\nsystem-packages = [\"python3-yaml\"]\n").unwrap();
    expect_success(
        &omnipack()
            .args(["--distribution", "debian-12", "--destination-path"])
            .arg(&out)
            .arg("--wheels")
            .arg(&wheels)
            .arg("--config")
            .arg(&config)
            .arg(application),
    );
    packages_in(&out)
}

#[test]
fn an_application_runs_with_a_library_of_debian() {
    let root = Target::named("debian-12").root();
    let work = root.scratch().join("hybrid");
    let packages = built(&work);
    let machine = Machine::boot(root);
    let refused = try_install(&machine, &packages).unwrap_err();
    assert!(refused.contains("python3-yaml"), "{refused}");

    let library = downloaded(&["python3-yaml", "libyaml-0-2"], &work.join("debian"));
    install(&machine, &[packages.clone(), library].concat());
    // A module of somebody's home directory is none of the application's.
    machine.shell("d=/root/.local/lib/python3.11/site-packages; mkdir -p $d; echo 'raise ImportError(1)' >$d/yaml.py; cp $d/yaml.py $d/helper.py");
    let said = machine.run("demo", &[]);
    let mut lines = said.lines();
    assert_eq!(lines.next().unwrap(), "/usr/lib/python3/dist-packages/yaml/__init__.py [1, 2] True 6.0", "{said}");
    assert_eq!(lines.next().unwrap(), "/opt/demo/lib/python3.11/site-packages/helper.py", "{said}");
    let interpreter =
        machine.run("/opt/demo/bin/python", &["-c", "import os, sys; print(os.path.realpath(sys.executable))"]);
    assert_eq!(interpreter.trim(), "/usr/bin/python3.11");
    assert_eq!(
        machine.run("dpkg", &["--search", "/usr/bin/python3.11"]).trim(),
        "python3.11-minimal: /usr/bin/python3.11"
    );

    remove(&machine, PackageKind::Deb, &names(&packages));
    assert_eq!(machine.shell("test -e /opt/demo || echo gone").trim(), "gone");
    assert!(machine.try_run("test", &["-e", "/usr/lib/python3/dist-packages/yaml/__init__.py"]).code == 0);
}

/// The project of [`generated_spec`], for which the repository has `wheel`, and no `six`.
#[test]
fn a_spec_that_bundles_what_is_missing_makes_packages_that_run() {
    let work = tempfile::tempdir().unwrap();
    let mut target = Target::named("rocky-9");
    target.provides.push("python3dist(wheel) = 0.37.1".to_owned());
    let root = Root::new(&target.suite, &target.python);
    generated_spec::backends(&root, &target);
    let system = "/usr/lib/python3.9/site-packages";
    root.chroot("sh", &["-ec", &format!("test -d {system}/wheel; rm -r {system}/six*")]);
    let project = generated_spec::project(work.path());
    let (program, metadata) = (project.join("demo.py"), project.join("pyproject.toml"));
    let text = fs_err::read_to_string(&program).unwrap();
    let check = format!(
        "import six, wheel\nassert six.__file__.startswith(\"/opt/demo/\"), six.__file__\n\
         assert wheel.__file__.startswith(\"{system}/\"), wheel.__file__\n"
    );
    fs_err::write(&program, text + &check).unwrap();
    let text = fs_err::read_to_string(&metadata).unwrap();
    fs_err::write(&metadata, text.replace("\"six>=1.10,<2\"", "\"six>=1.10,<2\", \"wheel>=0.30\"")).unwrap();

    let repository = work.path().join("repository");
    fs_err::create_dir(&repository).unwrap();
    let stub = "Name: python3-wheel\nVersion: 0.37.1\nRelease: 1\nSummary: s\nLicense: MIT\nBuildArch: noarch\n\
                Provides: python3dist(wheel) = 0.37.1\n%description\nd\n%files\n";
    let stub = rpm::rpmbuild(stub, &work.path().join("stub"));
    fs_err::copy(&stub, repository.join("python3-wheel.rpm")).unwrap();
    expect_success(&Command::new("createrepo_c").arg("--quiet").arg(&repository));
    let words = ["--bundle-missing", "--repository", repository.to_str().unwrap()];
    let packages = generated_spec::build(&root, &target, "modern", &project, &words);
    let requires = generated_spec::requires(&packages);
    assert!(requires.lines().any(|line| line == "python3dist(wheel) >= 0.30"), "{requires}");
    assert!(!requires.contains("six"), "{requires}");
    generated_spec::live(root, &target, &packages, "demo-web.service");
}
