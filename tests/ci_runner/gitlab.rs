//! A pipeline of GitLab CI, stage by stage (<https://docs.gitlab.com/ci/yaml/>): rules, parallel matrices, artifacts, scripts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use omnipack::exec::Command;
use serde_json::Value;

use super::actions::copy;
use super::workflow::{Outcome, only};
use crate::images::Images;
use crate::support::{both, expect_success};

/// What became of a job.
#[derive(Debug)]
pub struct Job {
    pub name: String,
    pub outcome: Outcome,
    pub log: String,
    /// The image that it ran in; none for one that is not here, so that the job ran on this machine.
    pub image: Option<String>,
}

/// A pipeline, and what is kept from stage to stage.
pub struct Pipeline<'a> {
    pub repository: PathBuf,
    pub images: &'a Images,
    /// Images that nobody has here, whose jobs run on this machine instead.
    pub absent: Vec<&'static str>,
    pub variables: BTreeMap<String, String>,
    artifacts: tempfile::TempDir,
}

type Variables = BTreeMap<String, String>;

impl<'a> Pipeline<'a> {
    pub fn new(repository: &Path, images: &'a Images) -> Self {
        let repository = repository.to_owned();
        let artifacts = tempfile::tempdir().unwrap();
        Self { repository, images, absent: Vec::new(), variables: BTreeMap::new(), artifacts }
    }

    /// Artifacts of the jobs that ran.
    pub fn artifacts(&self) -> &Path {
        self.artifacts.path()
    }

    /// Runs what the file says; a job that fails stops the stages after its own. None where no pipeline is made at all.
    pub fn run(&self, file: &Value) -> Option<Vec<Job>> {
        if !ruled_in(&file["workflow"], &self.variables) {
            return None;
        }
        let mut jobs: Vec<Job> = Vec::new();
        for stage in file["stages"].as_array().unwrap() {
            let well = jobs.iter().all(|job| job.outcome != Outcome::Failure);
            let keywords = ["stages", "workflow", "variables"];
            let named = file.as_object().unwrap().iter().filter(|(name, _)| !keywords.contains(&name.as_str()));
            let here = named.filter(|(_, job)| job["stage"] == *stage).collect::<Vec<_>>();
            // Jobs of one stage do not see each other's artifacts.
            let before = tempfile::tempdir().unwrap();
            copy(self.artifacts(), before.path());
            for (name, job) in here {
                if well && ruled_in(job, &self.variables) {
                    jobs.extend(self.rows(file, name, job, before.path()));
                }
            }
        }
        Some(jobs)
    }

    fn rows(&self, file: &Value, name: &str, job: &Value, before: &Path) -> Vec<Job> {
        only(job, &["stage", "image", "parallel", "tags", "cache", "script", "artifacts", "rules"]);
        let rows = job.pointer("/parallel/matrix").map_or_else(Vec::new, |rows| rows.as_array().unwrap().clone());
        let rows = if rows.is_empty() { vec![Value::Object(serde_json::Map::new())] } else { rows };
        rows.iter().map(|row| self.job(file, name, job, row, before)).collect()
    }

    fn job(&self, file: &Value, name: &str, job: &Value, row: &Value, before: &Path) -> Job {
        let workspace = tempfile::tempdir().unwrap();
        let from = format!("file://{}", self.repository.display());
        // 20 is what new projects of GitLab have; 0 is all.
        let depth = file["variables"].get("GIT_DEPTH").map_or("20", |depth| depth.as_str().expect("text"));
        let clone = Command::new("git").args(["clone", "--quiet"]);
        let clone = if depth == "0" { clone } else { clone.args(["--depth", depth]) };
        expect_success(&clone.arg(&from).arg(workspace.path()));
        copy(before, workspace.path());
        let mut variables = self.variables.clone();
        variables.insert("CI_PROJECT_DIR".to_owned(), workspace.path().display().to_string());
        for level in [&file["variables"], row] {
            for (name, value) in level.as_object().unwrap() {
                let mut value = value.as_str().expect("a variable is text").to_owned();
                for (known, content) in variables.iter().rev() {
                    value = value.replace(&format!("${known}"), content);
                }
                // What the pipeline is started with has the last word.
                variables.entry(name.clone()).or_insert(value);
            }
        }
        let image = job["image"].as_str().unwrap();
        let image = image.strip_prefix('$').map_or(image, |variable| &variables[variable]).to_owned();
        let here = self.absent.contains(&image.as_str());
        // As the runner's shell does (https://docs.gitlab.com/runner/shells/).
        let lines = job["script"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect::<Vec<_>>();
        let script = format!("set -eo pipefail\nset +o noclobber\n{}\n", lines.join("\n"));
        let path = workspace.path().join(".git/script");
        fs_err::write(&path, script).unwrap();
        let command = if here { Command::new("bash") } else { self.container(&image, workspace.path(), &variables) };
        let command = command.arg(&path).dir(workspace.path());
        let output = variables.iter().fold(command, |command, (name, value)| command.env(name, value)).run().unwrap();
        let outcome = if output.code == 0 { Outcome::Success } else { Outcome::Failure };
        self.keep(job, workspace.path(), outcome);
        Job { name: name.to_owned(), outcome, log: both(&output), image: (!here).then_some(image) }
    }

    fn container(&self, image: &str, workspace: &Path, variables: &Variables) -> Command {
        assert!(self.images.has(image), "there is no image `{image}` here");
        let volume = format!("{0}:{0}", workspace.display());
        let command = self.images.command(&["run", "--rm", "--volume", &volume, "--workdir"]).arg(workspace);
        let command = variables.keys().fold(command, |command, name| command.args(["--env", name]));
        command.args(["--entrypoint", "bash", image])
    }

    fn keep(&self, job: &Value, workspace: &Path, outcome: Outcome) {
        let Some(artifacts) = job.get("artifacts") else { return };
        only(artifacts, &["paths", "expire_in", "when", "reports"]);
        if outcome == Outcome::Failure && artifacts.get("when").is_none_or(|when| when != "always") {
            return;
        }
        for path in artifacts.get("paths").and_then(Value::as_array).into_iter().flatten() {
            let path = path.as_str().unwrap();
            copy(&workspace.join(path), &self.artifacts().join(path));
        }
        if let Some(report) = artifacts.pointer("/reports/junit") {
            let text = fs_err::read_to_string(workspace.join(report.as_str().unwrap())).unwrap();
            assert!(text.contains("<testsuite"), "{text}");
        }
    }
}

/// The first rule that applies; without rules everything does (<https://docs.gitlab.com/ci/jobs/job_rules/>).
fn ruled_in(job: &Value, variables: &Variables) -> bool {
    let Some(rules) = job.get("rules") else { return true };
    rules.as_array().unwrap().iter().any(|rule| {
        only(rule, &["if"]);
        let condition = rule["if"].as_str().unwrap();
        let value = |word: &str| match word.strip_prefix('$') {
            Some(name) => variables.get(name).cloned().unwrap_or_default(),
            None => word.trim_matches('"').to_owned(),
        };
        if let Some((left, right)) = condition.split_once(" == ") {
            return value(left) == value(right);
        }
        if let Some((left, right)) = condition.split_once(" =~ ") {
            let pattern = right.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).unwrap();
            let word = tempfile::NamedTempFile::new().unwrap();
            fs_err::write(word.path(), value(left) + "\n").unwrap();
            return Command::new("grep").args(["-E", "-q", "-e", pattern]).arg(word.path()).run().unwrap().code == 0;
        }
        !value(condition).is_empty()
    })
}
