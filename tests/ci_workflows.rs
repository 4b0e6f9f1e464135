//! The workflows that `omnipack ci` writes, run from the first step to the last: every script is executed, in order, with the files
//! and variables that GitHub and GitLab provide, the smoke steps in containers.
//!
//! What is not the real thing, and cannot be here: GitHub's own actions are done with files (`ci_runner/actions.rs`), `gh` is recorded
//! (`ci_runner/workflow.rs`), GitLab's interfaces are a server that takes everything; the image of Rocky Linux is the stand-in of the
//! system tests (Debian with rpm and dnf, which offers what Rocky does), and where an image cannot be had at all, its job runs on this
//! machine and the test says which.

#![allow(dead_code, reason = "the modules belong to the system tests")]

mod ci_runner;
mod containers_support;
mod handmade;
mod images;
mod support;

#[path = "system/bases.rs"]
mod bases;
#[path = "system/deb.rs"]
mod deb;
#[path = "system/machine.rs"]
mod machine;
#[path = "system/root.rs"]
mod root;
#[path = "system/rpm.rs"]
mod rpm;
#[path = "system/smoke_demo.rs"]
mod smoke_demo;
#[path = "system/target.rs"]
mod target;

use std::collections::BTreeSet;
use std::path::Path;

use ci_runner::{Job, Outcome, Pipeline, World, fits, releases, yaml};
use images::Images;
use omnipack::exec::Command;
use serde_json::Value;
use support::{expect_success, omnipack};

const DEBIAN: &str = "docker.io/library/debian:12";
const ROCKY: &str = "docker.io/rockylinux/rockylinux:9";

/// A repository with an application that setuptools finds by itself, in a directory that lies beside whatever a job leaves.
struct Repository {
    directory: tempfile::TempDir,
}

impl Repository {
    fn new() -> Self {
        let made = Self { directory: tempfile::tempdir().unwrap() };
        made.write(
            "pyproject.toml",
            "[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n\n[project]\nname = 'demo'\n\
             version = '1.0rc1'\n\n[project.scripts]\ndemo = 'demo:main'\n",
        );
        made.write("demo/__init__.py", include_str!("system/smoke_demo.py"));
        made.configure("demo");
        made.git(&["init", "--quiet", "--initial-branch", "main"]);
        made
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }

    /// `program` is what the service starts.
    fn configure(&self, program: &str) {
        let targets = "[targets]\ndistributions = ['debian-12', 'rocky-9']\n[package]\nversion-scheme = 'tilde'\n";
        let service = smoke_demo::WEB.replace("\"demo web 8000\"", &format!("\"{program} web 8000\""));
        self.write("omnipack.toml", &format!("{targets}{service}"));
    }

    fn git(&self, arguments: &[&str]) {
        let identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"];
        expect_success(&Command::new("git").dir(self.path()).args(identity).args(arguments));
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    /// What `omnipack ci` writes.
    fn workflow(&self, service: &str, file: &str) -> Value {
        expect_success(&omnipack().dir(self.path()).args(["ci", service, "--output", file]));
        yaml(&self.path().join(file))
    }
}

fn images() -> Images {
    let images = Images::new();
    let debian = smoke_demo::root("debian-12");
    // Unlike other machines of the tests, a container of a pipeline asks Debian's archive.
    let sources = "etc/apt/sources.list";
    fs_err::copy(root::base("bookworm").join(sources), debian.inside(&format!("/{sources}"))).unwrap();
    images.import(&debian.path(), DEBIAN);
    images.import(&smoke_demo::root("rocky-9").path(), ROCKY);
    images
}

fn outcomes(jobs: &[Job]) -> Vec<(&str, Outcome)> {
    jobs.iter().map(|job| (job.id.as_str(), job.outcome)).collect()
}

fn logs(jobs: &[Job]) -> String {
    jobs.iter().map(|job| format!("=== {} {:?}\n{}\n", job.name, job.outcome, job.log)).collect()
}

/// Names of all steps that run something.
fn run_steps(workflow: &Value) -> BTreeSet<String> {
    let jobs = workflow["jobs"].as_object().unwrap().values();
    let steps = jobs.flat_map(|job| job["steps"].as_array().unwrap().clone());
    let runs = steps.filter(|step| step.get("run").is_some());
    runs.map(|step| step["name"].as_str().expect("a name").to_owned()).collect()
}

/// One test: the images take longer than all that is done with them.
#[test]
fn workflows_do_what_they_say() {
    let images = images();
    every_step_of_the_workflow_for_github_does_its_work(&images);
    every_job_of_the_pipeline_for_gitlab_does_its_work(&images);
}

fn every_step_of_the_workflow_for_github_does_its_work(images: &Images) {
    use Outcome::{Failure, Skipped, Success};

    let repository = Repository::new();
    let workflow = repository.workflow("github", ".github/workflows/packages.yml");
    repository.commit("first");
    repository.git(&["tag", "v1.0rc1"]);
    let served = tempfile::tempdir().unwrap();
    let server = releases(served.path());
    let action = concat!("omnipack/omnipack@v", env!("CARGO_PKG_VERSION"));
    let mut world = World::new(repository.path(), action);
    world.env.extend(images.env());
    world.env.insert("OMNIPACK_RELEASES".to_owned(), server.address());

    // A release.
    let jobs = world.run(&workflow, "push", "refs/tags/v1.0rc1");
    let expected = [("list", Success), ("build", Success), ("build", Success), ("release", Success)];
    assert_eq!(outcomes(&jobs), expected, "{}", logs(&jobs));
    let ran = jobs.iter().flat_map(|job| job.ran.iter().cloned()).collect::<BTreeSet<_>>();
    let missing = run_steps(&workflow).difference(&ran).cloned().collect::<Vec<_>>();
    assert_eq!(missing, Vec::<String>::new(), "these did not run");
    for (job, name, file, manager) in [
        (&jobs[1], "debian-12 amd64 (.)", "demo_1.0&#126;rc1-1_all.deb", "apt-get"),
        (&jobs[2], "rocky-9 x86&#95;64 (.)", "demo-1.0~rc1-1.noarch.rpm", "dnf"),
    ] {
        assert_eq!(job.name, name.replace("&#95;", "_"));
        let file = file.replace("&#126;", "~").replace('_', "&#95;");
        assert!(job.summary.contains(&format!("| <code>{file}</code> |")), "{file} is not in\n{}", job.summary);
        // The services really ran, in the container.
        assert!(job.log.contains(&format!("({manager}, services: systemd)")), "{}", job.log);
        assert!(job.log.contains("check demo-web.service"), "{}", job.log);
    }
    let recorded = world.recorded();
    let calls = fs_err::read_to_string(recorded.join("calls")).unwrap();
    let assets = [
        "SHA256SUMS",
        "demo-1.0.rc1-1.noarch.rpm",
        "demo-cli-1.0.rc1-1.noarch.rpm",
        "demo-cli_1.0.rc1-1_all.deb",
        "demo-node-1.0.rc1-1.noarch.rpm",
        "demo-node_1.0.rc1-1_all.deb",
        "demo_1.0.rc1-1_all.deb",
    ];
    let list = assets.map(|name| format!("assets/{name}")).join(" ");
    let create = format!("release create v1.0rc1 --verify-tag --generate-notes {list}");
    let mut said = calls.lines();
    assert_eq!((said.next(), said.next(), said.next()), (Some("release view v1.0rc1"), Some(create.as_str()), None));
    let release = recorded.join("releases/v1.0rc1");
    expect_success(&Command::new("sha256sum").dir(&release).args(["--check", "--strict", "SHA256SUMS"]));
    let attested = world.attested.keys().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(attested, assets);
    for (name, content) in &world.attested {
        assert_eq!(*content, fs_err::read(release.join(name)).unwrap(), "{name}");
    }
    assert_eq!(images.containers(), "", "a container is left");

    // Each set of targets has a cache of its own.
    assert_eq!(fs_err::read_dir(world.caches()).unwrap().count(), 2);

    // A pull request that changes nothing below the project: no job, and no error.
    world.github["event"] = serde_json::json!({ "pull_request": { "base": { "sha": "HEAD" } } });
    let head = expect_success(&Command::new("git").dir(repository.path()).args(["rev-parse", "HEAD"]));
    world.github["event"]["pull_request"]["base"]["sha"] = head.trim().into();
    let jobs = world.run(&workflow, "pull_request", "refs/heads/main");
    assert_eq!(outcomes(&jobs), [("list", Success), ("build", Skipped), ("release", Skipped)], "{}", logs(&jobs));

    // One that breaks the build. It gets that far without a network: what was kept is enough.
    repository.configure("demo2");
    repository.commit("second");
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
        world.env.insert(name.to_owned(), "http://127.0.0.1:9".to_owned());
    }
    world.env.insert("NO_PROXY".to_owned(), "127.0.0.1".to_owned());
    let jobs = world.run(&workflow, "pull_request", "refs/heads/main");
    let expected = [("list", Success), ("build", Failure), ("build", Failure), ("release", Skipped)];
    assert_eq!(outcomes(&jobs), expected, "{}", logs(&jobs));
    for failed in &jobs[1..3] {
        let annotation = failed.log.lines().find(|line| line.starts_with("::error ")).unwrap_or_default();
        assert!(
            annotation.contains("title=service%3A%3Aunknown_command::") && annotation.contains("demo2"),
            "{}",
            failed.log
        );
        assert!(failed.summary.contains("Not built"), "{}", failed.summary);
        assert_eq!(failed.ran.last().unwrap(), "Build the packages", "later steps ran");
        assert_eq!(failed.restored.len(), 1, "{:?}", failed.restored);
    }
    assert_ne!(jobs[1].restored, jobs[2].restored, "two sets of targets have one cache");
    assert_eq!(fs_err::read_dir(world.caches()).unwrap().count(), 2, "a job that failed kept something");

    // A mistake that is seen before any job is made stands beside its line.
    repository.write("omnipack.toml", "[targets]\ndistributions = ['debian-12']\n[package]\nname = 1\n");
    repository.commit("third");
    let jobs = world.run(&workflow, "push", "refs/heads/main");
    assert_eq!(outcomes(&jobs), [("list", Failure), ("build", Skipped), ("release", Skipped)], "{}", logs(&jobs));
    assert!(jobs[0].log.contains("::error file=omnipack.toml,line=4,col=8,"), "{}", jobs[0].log);
}

fn every_job_of_the_pipeline_for_gitlab_does_its_work(images: &Images) {
    let repository = Repository::new();
    let file = repository.workflow("gitlab", ".gitlab-ci.yml");
    fits(&repository.path().join(".gitlab-ci.yml"), "vendor.gitlab-ci", Some("gitlab-ci"));
    repository.commit("first");
    let served = tempfile::tempdir().unwrap();
    let server = releases(served.path());
    let mut pipeline = Pipeline::new(repository.path(), images);
    // Nobody has an image of it here, and no registry can be asked: these jobs have this machine's Python.
    pipeline.absent.push("docker.io/library/python:3.13");
    let api = server.address();
    for (name, value) in [
        ("CI_DEFAULT_BRANCH", "main"),
        ("CI_API_V4_URL", &api),
        ("CI_PROJECT_ID", "7"),
        ("CI_JOB_TOKEN", "t0ken"),
        ("OMNIPACK_RELEASES", &api),
    ] {
        pipeline.variables.insert(name.to_owned(), value.to_owned());
    }
    assert!(pipeline.run(&file).is_none(), "a branch that nobody asked for was built");
    pipeline.variables.insert("CI_COMMIT_TAG".to_owned(), "v1.0rc1".to_owned());
    let jobs = pipeline.run(&file).unwrap();
    let log = jobs.iter().map(|job| format!("=== {} {:?}\n{}\n", job.name, job.outcome, job.log)).collect::<String>();
    let places = jobs.iter().map(|job| (job.name.as_str(), job.outcome, job.image.as_deref())).collect::<Vec<_>>();
    let done = Outcome::Success;
    let expected = [
        ("omnipack", done, Some(DEBIAN)),
        ("build", done, None),
        ("build", done, None),
        ("smoke", done, Some(DEBIAN)),
        ("smoke", done, Some(ROCKY)),
        ("release", done, None),
    ];
    assert_eq!(places, expected, "{log}");
    let sent = server.requests().into_iter().filter(|request| request.method != "GET").collect::<Vec<_>>();
    assert!(sent.iter().all(|request| request.headers.contains(&"job-token: t0ken".to_owned())), "{sent:?}");
    let (release, files) = sent.split_last().unwrap();
    assert_eq!((release.method.as_str(), release.path.as_str()), ("POST", "/projects/7/releases"));
    let said: Value = serde_json::from_slice(&release.body).unwrap();
    assert_eq!(said["tag_name"], "v1.0rc1");
    let links = said["assets"]["links"].as_array().unwrap();
    let place = tempfile::tempdir().unwrap();
    assert_eq!(files.len(), 7, "{said:#}");
    for (file, link) in files.iter().zip(links) {
        assert_eq!((file.method.as_str(), link["link_type"].as_str()), ("PUT", Some("package")));
        assert_eq!(link["url"], format!("{api}{}", file.path));
        let name = file.path.strip_prefix("/projects/7/packages/generic/packages/v1.0rc1/").unwrap();
        assert_eq!(link["name"], name);
        fs_err::write(place.path().join(name), &file.body).unwrap();
    }
    expect_success(&Command::new("sha256sum").dir(place.path()).args(["--check", "--strict", "SHA256SUMS"]));
}
