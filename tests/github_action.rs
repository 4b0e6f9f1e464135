//! The GitHub Action of this repository, step by step, and the workflows that `omnipack ci` writes, as their services read them.

mod ci_runner;
mod containers_support;
mod images;
mod support;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ci_runner::{Outcome, Runner, World, archived, archived_as, check_scripts, fits, linted, releases, yaml};
use omnipack::exec::Command;
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
    for script in [
        "action/install.sh",
        "action/cache.sh",
        "action/build.sh",
        "action/smoke.sh",
        "tools/release",
        "packaging/machine-of",
    ] {
        expect_success(&omnipack::exec::Command::new("shellcheck").arg(repository().join(script)));
    }
}

#[test]
fn this_repositorys_workflows_are_sound() {
    for name in ["ci.yml", "release.yml"] {
        let path = repository().join(".github/workflows").join(name);
        fits(&path, "vendor.github-workflows", None);
        assert_eq!(linted(&path), Vec::<String>::new(), "{name}");
        let workflow = yaml(&path);
        check_scripts(&workflow);
        assert_eq!(workflow["permissions"], json!({ "contents": "read" }));
        let text = fs_err::read_to_string(&path).unwrap();
        for uses in text.lines().filter_map(|line| line.split_once("uses: ").map(|(_, uses)| uses)) {
            assert!(uses == "./" || uses.starts_with("actions/"), "{uses}");
        }
    }
}

#[test]
fn this_repositorys_fixtures_are_listed_by_the_binary_that_was_built_before() {
    let checkout = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"];
        expect_success(&Command::new("git").dir(checkout.path()).args(identity).args(arguments));
    };
    for name in ["fixtures", "Cargo.toml"] {
        expect_success(&Command::new("cp").arg("-r").arg(repository().join(name)).arg(checkout.path()));
    }
    git(&["init", "--quiet", "--initial-branch", "main"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "first"]);
    let mut workflow = yaml(&repository().join(".github/workflows/ci.yml"));
    let jobs = workflow["jobs"].as_object_mut().unwrap();
    jobs.retain(|id, _| id == "list");
    // What the job `binary` leaves behind.
    assert_eq!(jobs["list"].as_object_mut().unwrap().remove("needs"), Some(json!("binary")));
    let mut world = World::new(checkout.path(), "./");
    archived(&world.artifacts().join(concat!("releases/v", env!("CARGO_PKG_VERSION"))));
    let jobs = world.run(&workflow, "push", "refs/heads/main");
    assert_eq!(jobs[0].outcome, Outcome::Success, "{}", jobs[0].log);
    let matrix: Value = serde_json::from_str(jobs[0].outputs["matrix"].as_str().unwrap()).unwrap();
    let rows = matrix["include"].as_array().unwrap();
    assert_eq!(rows.len(), 12, "{matrix:#}");
    assert!(rows.iter().all(|row| row["container"] != "" && row["runner"] == "ubuntu-24.04"), "{matrix:#}");
}

#[test]
fn a_release_has_the_tag_of_its_version_and_notes() {
    let release = |arguments: &[&str]| Command::new(repository().join("tools/release")).args(arguments).run().unwrap();
    let wrong = release(&["tag", "v99.0"]);
    assert!(wrong.code == 1 && wrong.stderr_text().contains(env!("CARGO_PKG_VERSION")), "{}", wrong.stderr_text());
    assert_eq!(release(&["tag"]).code, 2);
    assert!(release(&["notes", "vUnreleased"]).stdout_text().contains("### Added"));
    let unsaid = release(&["notes", "v99.0"]);
    assert!(unsaid.code == 1 && unsaid.stderr_text().contains("'## [Unreleased]'"), "{}", unsaid.stderr_text());
    assert_eq!(release(&["version"]).stdout_text(), concat!(env!("CARGO_PKG_VERSION"), "\n"));
    let directory = tempfile::tempdir().unwrap();
    // A copy, which nobody compiles anew in the meantime; and it may have any name, and lose its mode.
    let program = directory.path().join("program");
    fs_err::write(&program, fs_err::read(env!("CARGO_BIN_EXE_omnipack")).unwrap()).unwrap();
    let (one, two) = (directory.path().join("one"), directory.path().join("two"));
    fs_err::create_dir(&one).unwrap();
    fs_err::write(one.join("omnipack-0.0.1.tar.gz.part"), "left behind").unwrap();
    archived_as(&program, &one);
    fs_err::remove_file(one.join("omnipack-0.0.1.tar.gz.part")).unwrap();
    archived_as(&program, &two);
    expect_success(&Command::new("diff").arg("-r").arg(&one).arg(&two));
    expect_success(&Command::new("sha256sum").dir(&one).args(["--check", "--strict", "SHA256SUMS"]));
    let sums = fs_err::read_to_string(one.join("SHA256SUMS")).unwrap();
    let listed = sums.lines().map(|line| line.split_once("  ").unwrap().1).collect::<Vec<_>>();
    let machine = std::env::consts::ARCH;
    let archive = format!("omnipack-{}-{machine}-unknown-linux-musl.tar.gz", env!("CARGO_PKG_VERSION"));
    assert_eq!(listed, [archive.as_str(), "other.tar.gz"]);
    let members = expect_success(&Command::new("tar").arg("-tvzf").arg(one.join(&archive)));
    let kept = members.lines().last().unwrap();
    assert!(kept.starts_with("-rwxr-xr-x") && kept.ends_with(" omnipack"), "{members}");
    let empty = Command::new(repository().join("tools/release")).arg("sums").arg(directory.path()).run().unwrap();
    assert!(empty.code == 1 && !directory.path().join("SHA256SUMS").exists(), "{}", support::both(&empty));
}

#[test]
fn a_release_is_installed_by_its_checksum_and_not_without() {
    let served = tempfile::tempdir().unwrap();
    let workspace = tempfile::tempdir().unwrap();
    let server = releases(served.path());
    let address = server.address();
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
        let next = runner.succeed(&json!({ "name": "Ask", "run": "command -v omnipack; omnipack --version" }));
        let place = place_of(&runner, version, &address);
        assert_eq!(
            next.output.stdout_text(),
            format!("{}\nomnipack {version}\n", place.join("bin/omnipack").display())
        );
    }
    a_kept_program_is_the_one_that_was_installed(workspace.path(), served.path(), &address);
    let (code, said, runner) = install("../../x");
    assert!(code == 1 && said.contains("is not a release") && !runner.temporary().join("tools").exists(), "{said}");
    let (code, said, _) = install("..");
    assert!(code == 1 && said.contains("is not a release"), "{said}");
    let (code, said, _) = install("99.0");
    assert!(code == 1 && said.contains("::error") && said.contains("is there a release 99.0?"), "{said}");
    let (code, said, _) = install("1;touch canary\n::warning::x");
    assert!(code == 1 && said.contains("is not a release") && said.lines().count() == 1, "{said}");
    let archive = fs_err::read_dir(served.path().join(format!("v{version}"))).unwrap();
    let is_archive = |path: &std::path::PathBuf| support::name_of(path).starts_with("omnipack-");
    let archive = archive.map(|entry| entry.unwrap().path()).find(is_archive).unwrap();
    let mut bytes = fs_err::read(&archive).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs_err::write(&archive, bytes).unwrap();
    let refused = |why: &str| {
        let (code, said, runner) = install("");
        assert!(code == 1 && said.contains("::error") && said.contains(why), "{said}");
        assert!(!runner.temporary().join("tools").exists(), "something was installed");
        let left = fs_err::read_dir(runner.temporary()).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(!left.into_iter().any(|name| name.to_string_lossy().starts_with("omnipack.")), "a download is left");
    };
    refused("checksum");
    // Nothing says what it should be, or the whole list is not there.
    let sums = archive.with_file_name("SHA256SUMS");
    fs_err::write(&sums, format!("{}  other.tar.gz\n", "0".repeat(64))).unwrap();
    refused("checksum");
    fs_err::remove_file(sums).unwrap();
    refused("SHA256SUMS cannot be fetched");
}

/// Where the action puts a release.
fn place_of(runner: &Runner, version: &str, address: &str) -> PathBuf {
    let digest = expect_success(&Command::new("sh").args(["-c", "printf %s \"$1\" | sha256sum", "sh", address]));
    let place = runner.temporary().join("tools/omnipack").join(format!("{version}-{}", &digest[..16]));
    place.join(std::env::consts::ARCH)
}

/// On a machine that is kept from job to job.
fn a_kept_program_is_the_one_that_was_installed(workspace: &Path, served: &Path, address: &str) {
    let version = env!("CARGO_PKG_VERSION");
    let mut runner = Runner::new(workspace);
    runner.contexts["inputs"] = inputs(&[]);
    runner.env.insert("OMNIPACK_RELEASES".to_owned(), address.to_owned());
    runner.succeed(&step("Install omnipack"));
    let program = place_of(&runner, version, address).join("bin/omnipack");
    let installed = fs_err::metadata(&program).unwrap().ino();
    runner.succeed(&step("Install omnipack"));
    assert_eq!(fs_err::metadata(&program).unwrap().ino(), installed, "it was fetched again");
    fs_err::write(&program, format!("#!/bin/sh\necho omnipack {version}\n")).unwrap();
    runner.succeed(&step("Install omnipack"));
    assert!(fs_err::read(&program).unwrap().starts_with(b"\x7fELF"), "what was put there is trusted");
    // The same version of others is another program, and it is verified.
    let others = tempfile::tempdir().unwrap();
    let release = others.path().join(format!("v{version}"));
    expect_success(&Command::new("cp").arg("-r").arg(served.join(format!("v{version}"))).arg(&release));
    fs_err::write(release.join("SHA256SUMS"), "").unwrap();
    runner.env.insert("OMNIPACK_RELEASES".to_owned(), format!("file://{}", others.path().display()));
    let refused = runner.run(&step("Install omnipack")).unwrap();
    let said = support::both(&refused.output);
    assert!(refused.output.code == 1 && said.contains("checksum"), "{said}");
    // Whose releases they are: its own, or a fork's.
    assert_eq!(inputs(&[])["repository"], "omnipack/omnipack");
    runner.env.remove("OMNIPACK_RELEASES");
    runner.env.insert("GITHUB_SERVER_URL".to_owned(), format!("file://{}", others.path().display()));
    for (repository, expected) in
        [("a/b", "a/b/releases/download/v"), ("../b/c", "not OWNER/NAME"), ("b", "not OWNER/NAME")]
    {
        runner.contexts["inputs"] = inputs(&[("repository", repository)]);
        let refused = runner.run(&step("Install omnipack")).unwrap();
        let said = support::both(&refused.output);
        assert!(refused.output.code == 1 && said.contains(expected), "{said}");
    }
}

#[test]
fn the_action_builds_itself_where_that_is_asked_for() {
    let workspace = tempfile::tempdir().unwrap();
    let mut runner = Runner::new(workspace.path());
    runner.contexts["inputs"] = inputs(&[("version", "source")]);
    // What the tests have compiled is used again: a release takes minutes. The program itself comes to a place of its own, since
    // other tests run that of the tests meanwhile.
    let program = Path::new(env!("CARGO_BIN_EXE_omnipack"));
    let compiled = program.ancestors().nth(2).unwrap().display().to_string();
    runner.env.insert("CARGO_BUILD_BUILD_DIR".to_owned(), compiled);
    let target = workspace.path().join("target").display().to_string();
    runner.env.insert("CARGO_TARGET_DIR".to_owned(), target);
    runner.env.insert("OMNIPACK_PROFILE".to_owned(), "dev".to_owned());
    let file = || fs_err::metadata(program).map(|file| (file.ino(), file.mtime(), file.mtime_nsec())).unwrap();
    let before = file();
    let done = runner.succeed(&step("Install omnipack"));
    assert_eq!(file(), before, "the program of the other tests was replaced");
    let place = runner.temporary().join("tools/omnipack/source").join(std::env::consts::ARCH);
    assert!(done.output.stdout_text().contains(&place.join("bin/omnipack").display().to_string()));
    assert_eq!(runner.text("${{ steps.install.outputs.version }}"), env!("CARGO_PKG_VERSION"));
    // Without cargo it is said, and nothing is made up.
    let programs = workspace.path().join("programs");
    fs_err::create_dir(&programs).unwrap();
    for program in ["bash", "dirname", "sed", "head", "uname"] {
        fs_err::os::unix::fs::symlink(which::which(program).unwrap(), programs.join(program)).unwrap();
    }
    let mut runner = Runner::new(workspace.path());
    runner.contexts["inputs"] = inputs(&[("version", "source")]);
    runner.env.insert("PATH".to_owned(), programs.display().to_string());
    let without = step("Install omnipack");
    let refused = runner.run(&without).unwrap();
    let said = support::both(&refused.output);
    assert!(refused.output.code == 1 && said.starts_with("::error title=omnipack::cargo is not here"), "{said}");
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
    let server = releases(served.path());
    runner.env.insert("OMNIPACK_RELEASES".to_owned(), server.address());
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
        assert_eq!(expect_success(&command().args(["--output", "-"])), fs_err::read_to_string(&path).unwrap());
        let again = command().args(["--output", &file]).run().unwrap();
        assert!(again.code == 1 && again.stderr_text().contains("--force"), "{}", again.stderr_text());
        expect_success(&command().args(["--force", "--output", &file, "--branch", "release/1.x"]));
        fits(&path, schema, transform);
    }
    branches_are_named_as_each_service_reads_them(directory.path());
    // A fork's action installs the releases of the fork, in both jobs that have it.
    let forked = expect_success(&omnipack().dir(directory.path()).args(["ci", "github", "--action", "me/fork/sub@v1"]));
    assert_eq!(forked.matches("repository: \"me/fork\"\n").count(), 2, "{forked}");
    let path = directory.path().join("ci/github.yml");
    assert!(!fs_err::read_to_string(&path).unwrap().contains("repository: "));
    assert_eq!(yaml(&directory.path().join("ci/gitlab.yml"))["variables"]["GIT_DEPTH"], "0");
    assert_eq!(linted(&path), Vec::<String>::new());
    check_scripts(&yaml(&path));
    // Does it find anything?
    let wrong = fs_err::read_to_string(&path).unwrap().replace("needs: list", "needs: nothing");
    fs_err::write(directory.path().join("wrong.yml"), wrong).unwrap();
    assert!(!linted(&directory.path().join("wrong.yml")).is_empty());
    for path in ["a b", "$(x)", "${{ github.token }}", "-x", "/etc", "../up"] {
        let output = omnipack().dir(directory.path()).args(["ci", "github", "--", path]).run().unwrap();
        assert_eq!((output.code, output.stdout_text().as_str()), (2, ""), "{path}");
    }
    for (option, text) in [("--action", "x\ny"), ("--branch", "a: [b"), ("--branch", "${{x}}")] {
        let output = omnipack().dir(directory.path()).args(["ci", "github", option, text]).run().unwrap();
        assert_eq!(output.code, 2, "{}", output.stderr_text());
    }
    // Where nothing is left there is no workflow, and no file.
    write("omnipack.toml", "[targets]\ndistributions = ['rocky-9']\nexclude = [{ distribution = 'el' }]\n");
    for service in ["github", "gitlab"] {
        let output = omnipack().dir(directory.path()).args(["ci", service, "--output", "none.yml"]).run().unwrap();
        assert_eq!(output.code, 2, "{}", output.stderr_text());
        assert!(output.stderr_text().contains("ci::nothing"), "{}", output.stderr_text());
        assert!(!directory.path().join("none.yml").exists());
    }
}

/// GitHub reads patterns, in which `!` and `+` mean something; GitLab compares.
fn branches_are_named_as_each_service_reads_them(directory: &Path) {
    let written = |service: &str, branch: &str| {
        let path = directory.join("branch.yml");
        let command =
            omnipack().dir(directory).args(["ci", service, "--force", "--output", "branch.yml", "--branch", branch]);
        expect_success(&command);
        (yaml(&path), path)
    };
    for (branch, filter) in [("main", "main"), ("!main", "\\!main"), ("main+x", "main\\+x")] {
        let (workflow, path) = written("github", branch);
        assert_eq!(workflow["on"]["push"]["branches"], json!([filter]));
        assert_eq!(linted(&path), Vec::<String>::new(), "{branch}");
        let (pipeline, _) = written("gitlab", branch);
        let rule = json!({ "if": format!("$CI_COMMIT_BRANCH == \"{branch}\"") });
        assert!(pipeline["workflow"]["rules"].as_array().unwrap().contains(&rule), "{}", pipeline["workflow"]);
    }
    for branch in ["*", "a?", "a[b]", "a b", "", "a/", "a//b", ".a", "a.lock", "a..b"] {
        let output = omnipack().dir(directory).args(["ci", "github", "--branch", branch]).run().unwrap();
        assert_eq!((output.code, output.stdout_text().as_str()), (2, ""), "{branch}");
        assert!(output.stderr_text().contains("ci::branch"), "{}", output.stderr_text());
    }
}
