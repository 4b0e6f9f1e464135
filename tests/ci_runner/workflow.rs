//! A workflow of GitHub Actions, job by job: `needs`, `if`, `strategy`, outputs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use omnipack::exec::Command;
use serde_json::{Map, Value, json};

use super::actions;
use super::expression::{Scope, shown};
use super::runner::Runner;
use crate::support::expect_success;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Success,
    Failure,
    Skipped,
}

/// What became of a job.
#[derive(Debug)]
pub struct Job {
    pub id: String,
    pub name: String,
    pub outcome: Outcome,
    pub summary: String,
    pub log: String,
    /// Names of the `run` steps that ran, those of the action among them.
    pub ran: Vec<String>,
    /// Keys of the caches that it got from jobs before.
    pub restored: Vec<String>,
    pub outputs: Value,
}

/// All that is around jobs: a repository, what is kept between them, and where GitHub is, which cannot be had here.
pub struct World {
    pub repository: PathBuf,
    /// What `uses` says for this checkout's action.
    pub action: String,
    /// The context.
    pub github: Value,
    /// Of every machine.
    pub env: BTreeMap<String, String>,
    /// What was signed: name and content.
    pub attested: BTreeMap<String, Vec<u8>>,
    /// Of the job that runs.
    pub permissions: Value,
    storage: tempfile::TempDir,
}

/// Records what is asked of it, and keeps the files that it is given. The real `gh` can talk to nothing here: this is the edge
/// of the world, behind which only GitHub knows whether it likes what it is told.
const GH: &str = r#"#!/bin/sh
set -eu
: "${GH_TOKEN:?}" "${GH_REPO:?}"
printf '%s\n' "$*" >> "$RECORDED/calls"
release=$RECORDED/releases/$3
case "$1 $2" in
"release view") [ -d "$release" ] ;;
"release create" | "release upload")
    [ "$2" = upload ] || mkdir -p "$release"
    shift 3
    for word; do
        case $word in
        --verify-tag | --generate-notes | --clobber) ;;
        -*) echo "unknown flag: $word" >&2; exit 1 ;;
        *) cp "$word" "$release/" ;;
        esac
    done
    ;;
*) echo "unknown command: $*" >&2; exit 1 ;;
esac
"#;

impl World {
    pub fn new(repository: &Path, action: &str) -> Self {
        let storage = tempfile::tempdir().unwrap();
        for name in ["artifacts", "caches", "programs", "recorded"] {
            fs_err::create_dir(storage.path().join(name)).unwrap();
        }
        let gh = storage.path().join("programs/gh");
        fs_err::write(&gh, GH).unwrap();
        expect_success(&Command::new("chmod").arg("+x").arg(gh));
        let path = format!("{}:{}", storage.path().join("programs").display(), std::env::var("PATH").unwrap());
        let recorded = storage.path().join("recorded").display().to_string();
        Self {
            repository: repository.to_owned(),
            action: action.to_owned(),
            github: json!({ "repository": "example/app", "token": "t0ken", "event": {} }),
            env: BTreeMap::from([("PATH".to_owned(), path), ("RECORDED".to_owned(), recorded)]),
            attested: BTreeMap::new(),
            permissions: json!({}),
            storage,
        }
    }

    pub fn artifacts(&self) -> PathBuf {
        self.storage.path().join("artifacts")
    }

    pub fn caches(&self) -> PathBuf {
        self.storage.path().join("caches")
    }

    /// `calls`, and the files of each of the `releases`.
    pub fn recorded(&self) -> PathBuf {
        self.storage.path().join("recorded")
    }

    /// Something happened: the workflow runs for the commit that `reference` is. Artifacts last as long as the run.
    pub fn run(&mut self, workflow: &Value, event: &str, reference: &str) -> Vec<Job> {
        only(workflow, &["name", "on", "permissions", "defaults", "concurrency", "env", "jobs"]);
        let head = Command::new("git").dir(&self.repository).args(["rev-parse", &format!("{reference}^{{commit}}")]);
        self.github["sha"] = json!(expect_success(&head).trim());
        self.github["ref"] = json!(reference);
        self.github["event_name"] = json!(event);
        let mut done: Vec<Job> = Vec::new();
        let mut waiting = workflow["jobs"].as_object().unwrap().clone();
        while !waiting.is_empty() {
            let ready = |job: &Value| needs(job).iter().all(|need| done.iter().any(|job| job.id == *need));
            let next = waiting.iter().find(|(_, job)| ready(job)).map(|(id, _)| id.clone());
            let id = next.unwrap_or_else(|| panic!("these need each other, or what is not there: {waiting:?}"));
            let job = waiting.remove(&id).unwrap();
            let jobs = self.job(workflow, &id, &job, &done);
            done.extend(jobs);
        }
        fs_err::remove_dir_all(self.artifacts()).unwrap();
        fs_err::create_dir(self.artifacts()).unwrap();
        done
    }

    fn job(&mut self, workflow: &Value, id: &str, job: &Value, before: &[Job]) -> Vec<Job> {
        only(
            job,
            &[
                "name",
                "needs",
                "if",
                "runs-on",
                "timeout-minutes",
                "outputs",
                "permissions",
                "strategy",
                "steps",
                "env",
            ],
        );
        let mut needed = Map::new();
        for need in &needs(job) {
            let rows = before.iter().filter(|job| job.id == *need).collect::<Vec<_>>();
            let last = rows.last().unwrap();
            let all = |outcome| rows.iter().all(|row| row.outcome == outcome);
            let result = if all(Outcome::Success) {
                "success"
            } else if all(Outcome::Skipped) {
                "skipped"
            } else {
                "failure"
            };
            needed.insert(need.clone(), json!({ "result": result, "outputs": last.outputs }));
        }
        let failed = needed.values().any(|need| need["result"] != "success");
        let contexts = json!({ "github": self.github, "needs": needed, "env": {} });
        let scope = Scope { contexts: &contexts, workspace: &self.repository, failed };
        if !scope.holds(job.get("if")) {
            return vec![skipped(id)];
        }
        let rows = match job.get("strategy") {
            None => vec![json!({})],
            Some(strategy) => {
                only(strategy, &["fail-fast", "matrix"]);
                let matrix = scope.evaluated(&strategy["matrix"]);
                only(&matrix, &["include"]);
                matrix["include"].as_array().unwrap().clone()
            }
        };
        assert!(!rows.is_empty(), "GitHub refuses a matrix without jobs");
        let rows = rows.into_iter().enumerate();
        rows.map(|(index, row)| self.machine(workflow, id, job, (index, row), &contexts["needs"])).collect()
    }

    fn machine(&mut self, workflow: &Value, id: &str, job: &Value, row: (usize, Value), needs: &Value) -> Job {
        let workspace = tempfile::tempdir().unwrap();
        let mut runner = Runner::new(workspace.path());
        runner.contexts["github"] = self.github.clone();
        runner.contexts["matrix"] = row.1;
        runner.contexts["strategy"]["job-index"] = json!(row.0);
        runner.contexts["needs"] = needs.clone();
        runner.env = self.env.clone();
        // A machine of its own has a cache of its own.
        let cache = runner.temporary().join("cache").display().to_string();
        runner.env.insert("OMNIPACK_CACHE".to_owned(), cache);
        for level in [workflow, job] {
            for (name, value) in level.get("env").and_then(Value::as_object).into_iter().flatten() {
                let value = runner.text(value.as_str().unwrap());
                runner.env.insert(name.clone(), value);
            }
        }
        let label = runner.text(job["runs-on"].as_str().unwrap());
        assert!(label == "ubuntu-24.04" && std::env::consts::ARCH == "x86_64", "no machine here is `{label}`");
        self.permissions = job.get("permissions").unwrap_or(&workflow["permissions"]).clone();
        let shell = workflow.pointer("/defaults/run/shell");
        for step in job["steps"].as_array().unwrap() {
            let mut step = step.clone();
            if let (Some(shell), true) = (shell, step.get("run").is_some() && step.get("shell").is_none()) {
                step["shell"] = shell.clone();
            }
            self.step(&mut runner, &step);
        }
        if !runner.failed {
            actions::keep_caches(&runner, self);
        }
        let outputs = runner.scope().evaluated(job.get("outputs").unwrap_or(&json!({})));
        let name = job.get("name").map_or_else(|| id.to_owned(), |name| runner.text(name.as_str().unwrap()));
        Job {
            id: id.to_owned(),
            name,
            outcome: if runner.failed { Outcome::Failure } else { Outcome::Success },
            summary: runner.summary,
            log: runner.log,
            ran: runner.ran,
            restored: runner.restored,
            outputs,
        }
    }

    /// One step of either kind; when it fails, those after it are skipped.
    pub fn step(&mut self, runner: &mut Runner, step: &Value) {
        let well = if step.get("uses").is_some() {
            actions::run(runner, self, step)
        } else {
            runner.run(step).is_none_or(|done| done.output.code == 0)
        };
        runner.failed |= !well;
    }
}

fn needs(job: &Value) -> Vec<String> {
    match job.get("needs") {
        None => Vec::new(),
        Some(Value::String(one)) => vec![one.clone()],
        Some(several) => several.as_array().unwrap().iter().map(shown).collect(),
    }
}

fn skipped(id: &str) -> Job {
    Job {
        id: id.to_owned(),
        name: id.to_owned(),
        outcome: Outcome::Skipped,
        summary: String::new(),
        log: String::new(),
        ran: Vec::new(),
        restored: Vec::new(),
        outputs: json!({}),
    }
}

/// What is not known is an error.
pub fn only(value: &Value, known: &[&str]) {
    for key in value.as_object().unwrap().keys() {
        assert!(known.contains(&key.as_str()), "`{key}` is not known here");
    }
}
