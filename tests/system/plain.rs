//! Packages without Python on booted systems: a service that is a shell script, and omnipack itself.

use std::path::{Path, PathBuf};

use omnipack::smoke::PackageKind;
use serde_json::Value;

use crate::machine::Machine;
use crate::packages;
use crate::root::Root;
use crate::support::{both, expect_success, omnipack, own_packages, packages_in};
use crate::target::Target;

/// Says where it is, and stays.
const PROGRAM: &str = "#!/bin/sh\nset -eu\necho \"$1\" >\"$STATE_DIRECTORY/up\"\nexec sleep infinity\n";

/// A service of an account of its own, with a check that needs somebody's Python.
fn build(distribution: &str, version: &str, directory: &Path) -> Vec<PathBuf> {
    let (project, out) = (directory.join(version), directory.join(format!("{version}-out")));
    fs_err::create_dir_all(&project).unwrap();
    fs_err::write(project.join("beacon"), PROGRAM).unwrap();
    let configuration = format!(
        r#"
[package]
name = "beacon"
version = "{version}"
summary = "Stays"

[python]
interpreter = "none"

[[file]]
source = "beacon"
destination = "/usr/sbin/beacon"
mode = "0755"

[[user]]
name = "beacon"

[[service]]
name = "light"
command = "beacon '{version} and $more'"
user = "beacon"
package = "main"
[service.check]
command = "/usr/bin/test -s /var/lib/beacon/up"
"#
    );
    fs_err::write(project.join("omnipack.toml"), configuration).unwrap();
    let command = omnipack().args(["--quiet", "--distribution", distribution, "--destination-path"]).arg(&out);
    expect_success(&command.arg(&project));
    packages_in(&out)
}

/// What `omnipack smoke` reports of them.
fn smoke(root: &Root, old: &[PathBuf], new: &[PathBuf]) -> Value {
    let mut command = omnipack().args(["smoke", "--json", "--root"]).arg(root.path());
    for file in old {
        command = command.arg("--upgrade-from").arg(file);
    }
    let output = command.args(new).run().unwrap();
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{}", both(&output)));
    assert_eq!(output.code, 0, "{report:#}");
    report
}

fn steps<'r>(report: &'r Value, outcome: &str) -> Vec<&'r str> {
    let steps = report["steps"].as_array().unwrap().iter().filter(|step| step["outcome"] == outcome);
    steps.map(|step| step["name"].as_str().unwrap()).collect()
}

#[test]
fn a_service_without_python_lives_like_any_other() {
    let directory = tempfile::tempdir().unwrap();
    for distribution in ["debian-12", "rocky-9"] {
        let directory = directory.path().join(distribution);
        let [old, new] = ["1.0", "1.1"].map(|version| build(distribution, version, &directory));
        let root = Target::named(distribution).root();
        let report = smoke(&root, &old, &new);
        assert_eq!(steps(&report, "skipped"), Vec::<&str>::new(), "{report:#}");
        for step in ["start beacon-light.service", "check beacon-light.service"] {
            assert!(steps(&report, "ok").contains(&step), "{report:#}");
        }
        if distribution == "debian-12" {
            // dnf is written in Python, apt is not.
            fs_err::remove_file(root.inside("/usr/bin/python3")).unwrap();
            let report = smoke(&root, &[], &new);
            assert!(!steps(&report, "skipped").is_empty(), "{report:#}");
            assert!(steps(&report, "skipped").iter().all(|step| step.starts_with("check ")), "{report:#}");
            let machine = Machine::boot(root);
            packages::install(&machine, &new);
            machine.start("beacon-light.service");
            assert_eq!(machine.shell("cat /var/lib/beacon/up"), "1.1 and $more\n");
            packages::remove(&machine, PackageKind::Deb, &["beacon".to_owned()]);
            assert!(!machine.root().inside("/usr/sbin/beacon").exists());
        }
    }
}

#[test]
fn omnipacks_own_packages_install_run_and_go() {
    let directory = tempfile::tempdir().unwrap();
    let built = own_packages(&["debian-12", "rocky-9"], directory.path());
    for (distribution, extension) in [("debian-12", "deb"), ("rocky-9", "rpm")] {
        let target = Target::named(distribution);
        let packages = built.iter().filter(|path| path.extension().is_some_and(|found| found == extension));
        let packages = packages.cloned().collect::<Vec<_>>();
        assert_eq!(packages.len(), 1, "{built:?}");
        let root = target.root();
        // The package `filesystem` has it on distributions with rpm.
        fs_err::create_dir_all(root.inside("/usr/share/licenses")).unwrap();
        // Installed, verified, reinstalled, removed: and nothing is left.
        let report = smoke(&root, &[], &packages);
        assert_eq!(steps(&report, "failed"), Vec::<&str>::new(), "{report:#}");
        let machine = Machine::boot(root);
        packages::install(&machine, &packages);
        assert_eq!(machine.run("omnipack", &["--version"]), concat!("omnipack ", env!("CARGO_PKG_VERSION"), "\n"));
        assert!(machine.run("omnipack", &["distributions"]).contains("rocky-9"));
        let completion = ". /usr/share/bash-completion/completions/omnipack; complete -p omnipack";
        assert!(machine.run("bash", &["-euc", completion]).contains("_omnipack"));
        let pages = machine.shell("ls /usr/share/man/man1/omnipack*.1.gz");
        assert!(pages.contains("/omnipack.1.gz") && pages.contains("/omnipack-smoke.1.gz"), "{pages}");
        packages::remove(&machine, target.kind(), &["omnipack".to_owned()]);
        assert!(!machine.root().inside("/usr/share/doc/omnipack").exists());
    }
}
