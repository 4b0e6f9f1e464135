//! The GitHub Action of this repository, step by step, and the workflows that `omnipack ci` writes, as their services read them.

mod ci_runner;
mod support;

use std::path::Path;

use ci_runner::{Runner, fits, linted, releases, yaml};
use serde_json::{Value, json};
use support::{expect_success, fixture, omnipack, repository};

fn action() -> Vec<Value> {
    yaml(&repository().join("action.yml"))["runs"]["steps"].as_array().unwrap().clone()
}

fn step(name: &str) -> Value {
    action().into_iter().find(|step| step["name"] == name).unwrap_or_else(|| panic!("no step `{name}`"))
}

/// As GitHub has it for an action that is called with these.
fn inputs(given: &[(&str, &str)]) -> Value {
    let declared = yaml(&repository().join("action.yml"))["inputs"].as_object().unwrap().clone();
    let mut inputs = serde_json::Map::new();
    for (name, input) in declared {
        inputs.insert(name, input["default"].clone());
    }
    for (name, value) in given {
        assert!(inputs.insert((*name).to_owned(), json!(value)).is_some(), "`{name}` is no input");
    }
    inputs.into()
}

#[test]
fn the_action_is_one_and_its_scripts_are_sound() {
    fits(&repository().join("action.yml"), "vendor.github-actions", None);
    for script in ["install.sh", "build.sh", "smoke.sh"] {
        expect_success(&omnipack::exec::Command::new("shellcheck").arg(repository().join("action").join(script)));
    }
}

#[test]
fn a_release_is_installed_by_its_checksum_and_not_without() {
    let served = tempfile::tempdir().unwrap();
    let workspace = tempfile::tempdir().unwrap();
    let address = releases(served.path());
    let install = |version: &str| {
        let mut runner = Runner::new(workspace.path());
        runner.contexts["inputs"] = inputs(&[("version", version)]);
        runner.env.insert("OMNIPACK_RELEASES".to_owned(), address.clone());
        let done = runner.run(&step("Install omnipack")).unwrap();
        (done.output.code, support::both(&done.output), runner)
    };
    let version = env!("CARGO_PKG_VERSION");
    for asked in ["", version, &format!("v{version}")] {
        let (code, said, mut runner) = install(asked);
        assert_eq!(code, 0, "{said}");
        assert_eq!(runner.text("${{ steps.install.outputs.version }}"), version);
        let next = runner.succeed(&json!({ "run": "command -v omnipack; omnipack --version" }));
        let place = runner.temporary().join("tools/omnipack").join(version).join(std::env::consts::ARCH);
        assert_eq!(
            next.output.stdout_text(),
            format!("{}\nomnipack {version}\n", place.join("bin/omnipack").display())
        );
    }
    let (code, said, _) = install("99.0");
    assert!(code == 1 && said.contains("::error") && said.contains("is there a release 99.0?"), "{said}");
    let (code, said, _) = install("1;touch canary");
    assert!(code == 1 && said.contains("is not a release"), "{said}");
    let archive = fs_err::read_dir(served.path().join(format!("v{version}"))).unwrap();
    let archive = archive.map(|entry| entry.unwrap().path()).find(|path| path.extension().is_some()).unwrap();
    let mut bytes = fs_err::read(&archive).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs_err::write(&archive, bytes).unwrap();
    let (code, said, runner) = install("");
    assert!(code == 1 && said.contains("::error") && said.contains("checksum"), "{said}");
    assert!(!runner.temporary().join("tools").exists(), "something was installed");
}

#[test]
fn packages_are_named_in_outputs_and_shown_in_the_summary() {
    let served = tempfile::tempdir().unwrap();
    let workspace = tempfile::tempdir().unwrap();
    let project = workspace.path().join("apps/a b");
    expect_success(&omnipack::exec::Command::new("mkdir").arg("-p").arg(project.parent().unwrap()));
    expect_success(&omnipack::exec::Command::new("cp").arg("-r").arg(fixture("minimal")).arg(&project));
    let mut runner = Runner::new(workspace.path());
    runner.contexts["inputs"] = inputs(&[
        ("path", "apps/a b"),
        ("distribution", "rocky-9\n  debian-12\n"),
        ("machine", "x86_64"),
        ("arguments", "--keep-stage\n--machine\naarch64"),
    ]);
    runner.env.insert("OMNIPACK_RELEASES".to_owned(), releases(served.path()));
    runner.succeed(&step("Install omnipack"));
    let failed = runner.run(&step("Build the packages")).unwrap();
    assert_ne!(failed.output.code, 0, "--machine twice: arguments arrive one by one");
    runner.contexts["inputs"]["arguments"] = json!("");
    let built = runner.succeed(&step("Build the packages"));
    let files = runner.text("${{ steps.build.outputs.files }}");
    let files = files.lines().collect::<Vec<_>>();
    assert!(files.len() >= 2 && files.iter().all(|file| workspace.path().join(file).is_file()), "{files:?}");
    assert!(files.iter().any(|file| file.ends_with(".rpm")) && files.iter().any(|file| file.ends_with(".deb")));
    for file in &files {
        let name = Path::new(file).file_name().unwrap().to_str().unwrap().replace('_', "&#95;");
        assert!(built.summary.contains(&format!("| <code>{name}</code> |")), "{name} is not in\n{}", built.summary);
    }
    let report: Value =
        serde_json::from_slice(&fs_err::read(runner.text("${{ steps.build.outputs.report }}")).unwrap()).unwrap();
    assert_eq!(report.as_array().unwrap().len(), 2);
    // No container is asked for.
    assert!(runner.run(&step("Try the packages")).is_none());
    // A mistake stands beside its line.
    fs_err::write(project.join("omnipack.toml"), "[package]\nname = 1\n").unwrap();
    let wrong = runner.run(&step("Build the packages")).unwrap();
    let said = support::both(&wrong.output);
    assert!(wrong.output.code == 2 && said.contains("::error file=apps/a b/omnipack.toml,line=2,col=8"), "{said}");
}

#[test]
fn workflows_are_what_their_services_read() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs_err::write(directory.path().join(name), text).unwrap();
    write("setup.py", "from setuptools import setup\nsetup()\n");
    write("omnipack.toml", "[targets]\ndistributions = ['rocky-9', 'debian-12']\nmachines = ['x86_64', 'aarch64']\n");
    for (service, schema, transform) in
        [("github", "vendor.github-workflows", None), ("gitlab", "vendor.gitlab-ci", Some("gitlab-ci"))]
    {
        let file = format!("ci/{service}.yml");
        let command = || omnipack().dir(directory.path()).args(["ci", service]);
        expect_success(&command().args(["--output", &file]));
        let path = directory.path().join(&file);
        fits(&path, schema, transform);
        assert_eq!(expect_success(&command()), fs_err::read_to_string(&path).unwrap());
        let again = command().args(["--output", &file]).run().unwrap();
        assert!(again.code == 1 && again.stderr_text().contains("--force"), "{}", again.stderr_text());
        expect_success(&command().args(["--force", "--output", &file, "--branch", "release/1.x"]));
        fits(&path, schema, transform);
    }
    let path = directory.path().join("ci/github.yml");
    assert_eq!(linted(&path), Vec::<String>::new());
    // Does it find anything?
    let wrong = fs_err::read_to_string(&path).unwrap().replace("needs: list", "needs: nothing");
    fs_err::write(directory.path().join("wrong.yml"), wrong).unwrap();
    assert!(!linted(&directory.path().join("wrong.yml")).is_empty());
    for path in ["a b", "$(x)", "${{ github.token }}", "-x", "/etc"] {
        let output = omnipack().dir(directory.path()).args(["ci", "github", "--", path]).run().unwrap();
        assert_eq!((output.code, output.stdout_text().as_str()), (2, ""), "{path}");
    }
    for (option, text) in [("--action", "x\ny"), ("--branch", "a: [b"), ("--branch", "${{x}}")] {
        let output = omnipack().dir(directory.path()).args(["ci", "github", option, text]).run().unwrap();
        assert_eq!(output.code, 2, "{}", output.stderr_text());
    }
}
