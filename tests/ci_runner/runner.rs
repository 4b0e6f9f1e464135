//! The machine of one job: its steps run in order, with the files of the environment that a runner provides.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use omnipack::exec::{Command, Output};
use serde_json::{Value, json};

use super::expression::Scope;
use crate::support::{both, repository};

/// One job on one machine.
pub struct Runner {
    pub workspace: PathBuf,
    temporary: tempfile::TempDir,
    /// Contexts of expressions: `github`, `matrix`, `inputs`, `needs`, ...
    pub contexts: Value,
    /// Of the machine and the job.
    pub env: BTreeMap<String, String>,
    /// What `$GITHUB_PATH` got, the last first.
    path: Vec<String>,
    /// Did a step fail?
    pub failed: bool,
    /// All that was put into the summary of the job.
    pub summary: String,
    /// All that the steps printed.
    pub log: String,
    /// Names of the `run` steps that ran, in order.
    pub ran: Vec<String>,
    /// What is kept when all went well: key and path.
    pub to_keep: Vec<(String, PathBuf)>,
    /// Keys of what was kept before and is here again.
    pub restored: Vec<String>,
}

/// How a step went.
pub struct Step {
    pub output: Output,
    pub summary: String,
}

const KNOWN: [&str; 7] = ["name", "id", "if", "run", "shell", "env", "working-directory"];

impl Runner {
    pub fn new(workspace: &Path) -> Self {
        let contexts = json!({
            "github": { "ref": "refs/heads/main", "event_name": "push", "repository": "example/app", "token": "t0ken",
                        "event": {} },
            "steps": {}, "inputs": {}, "matrix": {}, "needs": {}, "env": {}, "strategy": { "job-index": 0 },
            "runner": { "os": "Linux", "arch": "X64" },
        });
        let temporary = tempfile::tempdir().unwrap();
        Self {
            workspace: workspace.to_owned(),
            temporary,
            contexts,
            env: BTreeMap::new(),
            path: Vec::new(),
            failed: false,
            summary: String::new(),
            log: String::new(),
            ran: Vec::new(),
            to_keep: Vec::new(),
            restored: Vec::new(),
        }
    }

    pub fn temporary(&self) -> &Path {
        self.temporary.path()
    }

    pub fn scope(&self) -> Scope<'_> {
        Scope { contexts: &self.contexts, workspace: &self.workspace, failed: self.failed }
    }

    /// Text with `${{ }}` in it.
    pub fn text(&self, text: &str) -> String {
        self.scope().text(text)
    }

    /// Runs a step that has `run`, if its `if` holds. Outputs stand under `steps.<id>.outputs` afterwards.
    pub fn run(&mut self, step: &Value) -> Option<Step> {
        for key in step.as_object().unwrap().keys() {
            assert!(KNOWN.contains(&key.as_str()), "steps with `{key}` are not known here");
        }
        if !self.scope().holds(step.get("if")) {
            return None;
        }
        let file = |name: &str| self.temporary.path().join(name);
        for name in ["output", "path", "env", "summary"] {
            fs_err::write(file(name), "").unwrap();
        }
        let output = self.command(step).run().unwrap();
        let read = |name: &str| fs_err::read_to_string(file(name)).unwrap();
        self.env.extend(outputs(&read("env")));
        let (paths, outputs, summary) = (read("path"), outputs(&read("output")), read("summary"));
        self.path.extend(paths.lines().map(str::to_owned));
        if let Some(id) = step.get("id").and_then(Value::as_str) {
            self.contexts["steps"][id] = json!({ "outputs": outputs });
        }
        self.ran.push(step["name"].as_str().expect("a name of every step that runs something").to_owned());
        self.summary.push_str(&summary);
        self.log.push_str(&both(&output));
        Some(Step { output, summary })
    }

    /// The shell as GitHub starts it
    /// (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#defaultsrunshell>): in a workflow that
    /// does not name one, without `pipefail`.
    fn command(&self, step: &Value) -> Command {
        let file = |name: &str| self.temporary.path().join(name);
        let script = file("step.sh");
        fs_err::write(&script, self.text(step["run"].as_str().unwrap())).unwrap();
        let path = self.path.iter().rev().cloned();
        let path = path.chain([self.env.get("PATH").cloned().unwrap_or_else(|| std::env::var("PATH").unwrap())]);
        let command = match step.get("shell").and_then(Value::as_str) {
            None => Command::new("bash").arg("-e"),
            Some("bash") => Command::new("bash").args(["--noprofile", "--norc", "-eo", "pipefail"]),
            Some(other) => panic!("the shell `{other}` is not known here"),
        };
        let github = |key: &str| self.contexts["github"][key].as_str().unwrap_or_default().to_owned();
        let directory = step.get("working-directory").and_then(Value::as_str).unwrap_or(".");
        let mut env = self.env.clone();
        let mut set = |name: &str, value: String| drop(env.insert(name.to_owned(), value));
        set("PATH", path.collect::<Vec<_>>().join(":"));
        set("CI", "true".to_owned());
        set("GITHUB_ACTIONS", "true".to_owned());
        set("GITHUB_WORKSPACE", self.workspace.display().to_string());
        set("GITHUB_REPOSITORY", github("repository"));
        set("GITHUB_REF", github("ref"));
        set("GITHUB_REF_NAME", github("ref").splitn(3, '/').nth(2).unwrap().to_owned());
        set("GITHUB_ACTION_PATH", repository().display().to_string());
        set("RUNNER_TEMP", self.temporary.path().display().to_string());
        set("RUNNER_TOOL_CACHE", file("tools").display().to_string());
        for (variable, name) in [("OUTPUT", "output"), ("PATH", "path"), ("ENV", "env"), ("STEP_SUMMARY", "summary")] {
            set(&format!("GITHUB_{variable}"), file(name).display().to_string());
        }
        for (name, value) in step.get("env").and_then(Value::as_object).into_iter().flatten() {
            set(name, self.text(value.as_str().expect("text in `env`")));
        }
        // No runner has what cargo tells tests, and cargo itself would compile anew because of it.
        let of_cargo =
            std::env::vars().map(|(name, _)| name).filter(|name| name.starts_with("CARGO_") && name != "CARGO_HOME");
        let of_cargo = of_cargo.filter(|name| !env.contains_key(name));
        let command = of_cargo.fold(command, |command, name| command.env_remove(name));
        let command = command.arg(&script).dir(self.workspace.join(self.text(directory)));
        env.iter().fold(command, |command, (name, value)| command.env(name, value))
    }

    /// As [`Runner::run`], of a step that runs and has to succeed.
    pub fn succeed(&mut self, step: &Value) -> Step {
        let name = step["name"].as_str().unwrap_or_default().to_owned();
        let done = self.run(step).unwrap_or_else(|| panic!("`{name}` does not run"));
        assert_eq!(done.output.code, 0, "{name}\n{}", both(&done.output));
        done
    }
}

/// `name=value`, and `name<<END` with lines up to `END`.
fn outputs(text: &str) -> BTreeMap<String, String> {
    let mut outputs = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        match (line.split_once("<<"), line.split_once('=')) {
            (Some((name, end)), equals) if equals.is_none_or(|(before, _)| before.len() > name.len()) => {
                let mut value = Vec::new();
                loop {
                    let line = lines.next().unwrap_or_else(|| panic!("`{name}` has no end `{end}`"));
                    if line == end {
                        break;
                    }
                    value.push(line);
                }
                outputs.insert(name.to_owned(), value.join("\n"));
            }
            (_, Some((name, value))) => drop(outputs.insert(name.to_owned(), value.to_owned())),
            _ => panic!("`{line}` is no output"),
        }
    }
    outputs
}
