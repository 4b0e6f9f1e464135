//! The tests: built, looked at, installed, used, removed.

use std::collections::BTreeSet;
use std::path::PathBuf;

use omnipack::exec::Command;

use crate::builds::{Built, Place, build, query};
use crate::environment::Environment;
use crate::machine::Machine;
use crate::support::{expect_success, omnipack};
use crate::{packages, requirements, rpmlint, table};

fn environment(distribution: &str) -> Environment {
    Environment::new(&table::target(distribution))
}

fn all_packages(built: &[Built]) -> Vec<PathBuf> {
    built.iter().flat_map(|one| one.packages.clone()).collect()
}

/// What rpmlint finds in spec files, source packages and packages is listed, with a reason.
fn lint(built: &[Built]) {
    let mut findings = Vec::new();
    for one in built {
        let files = [&one.spec, &one.source_package].into_iter().chain(&one.packages).cloned();
        findings.extend(rpmlint::lint(&files.collect::<Vec<_>>()));
    }
    let unlisted = rpmlint::unlisted(&findings);
    assert!(unlisted.is_empty(), "not listed in tests/spec_files/rpmlint.toml:\n{}", unlisted.join("\n"));
}

/// Modern macros: rpm's generator finds what is required. All ten are on one machine together, where one requires another.
#[test]
fn ten_projects_are_built_and_run_on_fedora() {
    let distribution = "fedora-42";
    let work = tempfile::tempdir().unwrap();
    let environment = environment(distribution);
    let built = build(distribution, &environment, Place::Here(work.path()));
    assert_eq!(built.len(), table::projects(distribution).len());
    for one in &built {
        let (name, version) = (&one.project.name, &one.project.version);
        let required = query(&one.packages, "--requires").into_iter().filter(|line| line.contains("dist("));
        let translated = requirements::translated(&environment.site(), name, version);
        assert_eq!(required.collect::<BTreeSet<_>>(), translated, "{name}");
    }
    lint(&built);
    for one in &built {
        let text = fs_err::read_to_string(&one.spec).unwrap();
        let compiled = one.packages.iter().any(|path| path.to_string_lossy().ends_with(".x86_64.rpm"));
        assert_eq!(text.contains("BuildRequires:  gcc\n"), compiled, "{text}");
        assert!(text.contains("\n%license LICENSE") && text.contains("\n%doc "), "{text}");
        // The author is nobody's vendor.
        assert!(!text.contains("Vendor:"), "{text}");
    }

    let root = environment.root(distribution, &table::projects(distribution));
    let machine = Machine::boot(root);
    let files = all_packages(&built);
    packages::install(&machine, &files);
    let names = packages::names(&files);
    let kind = omnipack::smoke::PackageKind::Rpm;
    assert_eq!(packages::verify(&machine, kind, &names), Vec::<String>::new(), "right after the installation");
    for one in &built {
        let said = machine.run("sh", &["-ec", &format!("cd /; {} 2>&1", one.project.run)]);
        assert!(said.contains(&one.project.says), "{}: {said}", one.project.name);
    }
    machine.start("datasette-web.service");
    let ask =
        "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:8098/-/versions.json').read().decode())";
    machine.wait_until("the service answers", |machine| machine.try_run("python3.13", &["-c", ask]).code == 0);
    let answer = machine.run("python3.13", &["-c", ask]);
    assert!(answer.contains("\"version\": \"0.65.1\""), "{answer}");
    let user = machine.run("sh", &["-ec", "ps -o user= -p $(systemctl show -P MainPID datasette-web.service)"]);
    assert_eq!(user.trim(), "datasette");

    packages::remove(&machine, kind, &names);
    for path in ["/usr/bin/celery", "/usr/bin/datasette", "/usr/lib/python3.13/site-packages/flask"] {
        assert!(!machine.root().inside(path).exists(), "{path} is left");
    }
}

/// The fixtures, with their services and accounts, under systemd.
#[test]
fn fixtures_are_built_and_run_on_fedora() {
    let distribution = "fedora-41";
    let work = tempfile::tempdir().unwrap();
    let environment = environment(distribution);
    let built = build(distribution, &environment, Place::Here(work.path()));
    lint(&built);
    let machine = Machine::boot(environment.root(distribution, &table::projects(distribution)));
    let files = all_packages(&built);
    packages::install(&machine, &files);
    let names = packages::names(&files);
    let kind = omnipack::smoke::PackageKind::Rpm;
    assert_eq!(packages::verify(&machine, kind, &names), Vec::<String>::new(), "right after the installation");
    for one in &built {
        let said = machine.run("sh", &["-ec", &format!("cd /; {} 2>&1", one.project.run)]);
        assert!(said.contains(&one.project.says), "{}: {said}", one.project.name);
    }
    packages::remove(&machine, kind, &names);
    for path in ["/usr/bin/cdhboot", "/usr/bin/flocker", "/usr/lib/systemd/system/cdhboot-web.service"] {
        assert!(!machine.root().inside(path).exists(), "{path} is left");
    }
}

/// Builds all projects of a target, installs each with rpm in a root, has it run, and removes it.
fn try_all(distribution: &str) {
    let work = tempfile::tempdir().unwrap();
    let environment = environment(distribution);
    let root = environment.root(distribution, &table::projects(distribution));
    // Without macros, a spec file names the target's own Python.
    let place = if environment.target.macros == "plain" { Place::Inside(&root) } else { Place::Here(work.path()) };
    let built = build(distribution, &environment, place);
    lint(&built);
    let files = all_packages(&built);
    for file in &files {
        fs_err::copy(file, root.inside("/").join(file.file_name().unwrap())).unwrap();
    }
    root.chroot("sh", &["-ec", "rpm --install --force-debian /*.rpm"]);
    for one in &built {
        let said = root.chroot("sh", &["-ec", &format!("cd /; {} 2>&1", one.project.run)]);
        assert!(said.contains(&one.project.says), "{}: {said}", one.project.name);
    }
    let names = packages::names(&files);
    let verified = expect_success(&Command::new("chroot").arg(root.path()).args(["rpm", "--verify"]).args(&names));
    assert_eq!(verified, "", "{distribution}");
    root.chroot("rpm", &[&["--erase"], names.iter().map(String::as_str).collect::<Vec<_>>().as_slice()].concat());
}

/// `%py3_build` and `python3dist()` written out.
#[test]
fn projects_are_built_and_run_on_el_8() {
    try_all("rocky-8");
}

/// SUSE's macros and names.
#[test]
fn projects_are_built_and_run_on_suse() {
    try_all("opensuse-leap-15.6");
}

/// Nothing but rpm's own macros, each project in a directory of its own.
#[test]
fn projects_are_built_and_run_on_centos_6() {
    try_all("centos-6");
}

/// `flask[async]` asks for what the extra needs, too.
#[test]
fn the_extras_of_a_requirement_are_required() {
    for (distribution, expected) in [
        (
            "fedora-42",
            ["%pyproject_buildrequires -x async\n", "Requires:       python3dist(asgiref) >= 3.2\n"].as_slice(),
        ),
        ("rocky-8", &["Requires:       python3dist(asgiref) >= 3.2\n"]),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let command =
            omnipack().args(["generate-spec", "--quiet", "--distribution", distribution, "--output-directory"]);
        expect_success(&command.arg(directory.path()).arg("flask[async]==2.0.3"));
        let spec = fs_err::read_to_string(directory.path().join("flask.spec")).unwrap();
        for line in expected {
            assert!(spec.contains(line), "{distribution}: no {line:?} in\n{spec}");
        }
    }
}
