//! What `uses` names. omnipack's own action is run, step by step, as the composite that it is. Those of GitHub are programs of its
//! own that talk to its servers; here each does with files what its documentation says.

use std::path::{Path, PathBuf};

use omnipack::exec::Command;
use serde_json::{Map, Value, json};

use super::expression::{matches, shown, truth};
use super::runner::Runner;
use super::workflow::World;
use super::yaml;
use crate::support::{expect_success, repository};

/// Runs the step, if its `if` holds. Is false when it failed.
pub fn run(runner: &mut Runner, world: &mut World, step: &Value) -> bool {
    let known = ["name", "id", "if", "uses", "with", "env"];
    for key in step.as_object().unwrap().keys() {
        assert!(known.contains(&key.as_str()), "steps with `{key}` are not known here");
    }
    if !runner.scope().holds(step.get("if")) {
        return true;
    }
    let with = runner.scope().evaluated(step.get("with").unwrap_or(&json!({})));
    let with = with.as_object().unwrap();
    let uses = step["uses"].as_str().unwrap();
    let done = match uses.split('@').next().unwrap() {
        "actions/checkout" => checkout(runner, world, with),
        "actions/cache" => cache(runner, world, with),
        "actions/upload-artifact" => upload(runner, world, with),
        "actions/download-artifact" => download(runner, world, with),
        "actions/attest-build-provenance" => attest(runner, world, with),
        _ if uses == world.action => return composite(runner, world, step, with),
        _ => panic!("the action `{uses}` is not known here"),
    };
    if let (Some(id), Ok(outputs)) = (step.get("id").and_then(Value::as_str), &done) {
        runner.contexts["steps"][id] = json!({ "outputs": outputs });
    }
    let failed = done.err();
    if let Some(reason) = &failed {
        runner.log.push_str(&format!("{uses}: {reason}\n"));
    }
    failed.is_none()
}

type Done = Result<Value, String>;

/// <https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax#runs-for-composite-actions>
fn composite(runner: &mut Runner, world: &mut World, step: &Value, with: &Map<String, Value>) -> bool {
    let action = yaml(&repository().join("action.yml"));
    assert_eq!(action["runs"]["using"], "composite");
    let mut inputs = Map::new();
    for (name, input) in action["inputs"].as_object().unwrap() {
        inputs.insert(name.clone(), input["default"].clone());
    }
    for (name, value) in with {
        // Inputs are text.
        assert!(inputs.insert(name.clone(), json!(shown(value))).is_some(), "`{name}` is no input of the action");
    }
    let outer = runner.contexts.clone();
    runner.contexts["inputs"] = inputs.into();
    runner.contexts["steps"] = json!({});
    for inner in action["runs"]["steps"].as_array().unwrap() {
        if inner.get("run").is_some() {
            assert!(inner.get("shell").is_some(), "a composite has to name the shell: {inner}");
        }
        world.step(runner, inner);
    }
    let outputs = action["outputs"].as_object().unwrap().iter();
    let outputs = outputs.map(|(name, output)| (name.clone(), json!(runner.text(output["value"].as_str().unwrap()))));
    let outputs = outputs.collect::<Map<_, _>>();
    runner.contexts = outer;
    if let Some(id) = step.get("id").and_then(Value::as_str) {
        runner.contexts["steps"][id] = json!({ "outputs": outputs });
    }
    !runner.failed
}

/// <https://github.com/actions/checkout>: one commit, or with `fetch-depth: 0` all.
fn checkout(runner: &Runner, world: &World, with: &Map<String, Value>) -> Done {
    assert_eq!(with.get("persist-credentials"), Some(&json!(false)), "no later step needs the token of the checkout");
    let commit = runner.contexts["github"]["sha"].as_str().unwrap();
    let git = || Command::new("git").dir(&runner.workspace);
    expect_success(&git().args(["init", "--quiet"]));
    let depth = shown(with.get("fetch-depth").unwrap_or(&json!(1)));
    let from = format!("file://{}", world.repository.display());
    let mut fetch = git().args(["fetch", "--quiet", "--tags"]);
    if depth != "0" {
        fetch = fetch.args(["--depth", &depth]);
    }
    expect_success(&fetch.arg(from).args([commit, "+refs/heads/*:refs/remotes/origin/*"]));
    expect_success(&git().args(["checkout", "--quiet", "--detach", commit]));
    Ok(json!({}))
}

/// <https://github.com/actions/cache>: what is kept under the key, else the latest under one that begins so.
fn cache(runner: &mut Runner, world: &World, with: &Map<String, Value>) -> Done {
    let (path, key) = (PathBuf::from(shown(&with["path"])), shown(&with["key"]));
    assert!(key.len() <= 512 && !key.contains(','), "{key}");
    let caches = world.caches();
    let exact = caches.join(&key).exists();
    let begins = shown(with.get("restore-keys").unwrap_or(&Value::Null));
    let begins = begins.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>();
    let kept = fs_err::read_dir(&caches).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut kept = kept.filter(|name| begins.iter().any(|begin| name.starts_with(begin))).collect::<Vec<_>>();
    kept.sort_by_key(|name| fs_err::metadata(caches.join(name)).unwrap().modified().unwrap());
    let found = if exact { Some(&key) } else { kept.last() };
    if let Some(found) = found {
        copy(&caches.join(found), &path);
        runner.restored.push(found.clone());
    }
    if !exact {
        runner.to_keep.push((key.clone(), path));
    }
    Ok(json!({ "cache-hit": if found.is_some() { exact.to_string() } else { String::new() } }))
}

/// After the last step of a job that went well, as `post` of actions/cache does.
pub fn keep_caches(runner: &Runner, world: &World) {
    for (key, path) in &runner.to_keep {
        if path.exists() && !world.caches().join(key).exists() {
            copy(path, &world.caches().join(key));
        }
    }
}

/// <https://github.com/actions/upload-artifact>: what is in a directory; a name can be taken once.
fn upload(runner: &Runner, world: &World, with: &Map<String, Value>) -> Done {
    let from = runner.workspace.join(shown(&with["path"]));
    let to = world.artifacts().join(shown(&with["name"]));
    if to.exists() {
        return Err(format!("there is an artifact {} already", to.display()));
    }
    if !from.exists() || fs_err::read_dir(&from).unwrap().next().is_none() {
        let fails = with.get("if-no-files-found") == Some(&json!("error"));
        return if fails { Err(format!("no files in {}", from.display())) } else { Ok(json!({})) };
    }
    copy(&from, &to);
    Ok(json!({}))
}

/// <https://github.com/actions/download-artifact>: one by its name, or those of a pattern; then a
/// directory for each, unless they are merged.
fn download(runner: &Runner, world: &World, with: &Map<String, Value>) -> Done {
    let to = runner.workspace.join(shown(&with["path"]));
    if let Some(name) = with.get("name") {
        let from = world.artifacts().join(shown(name));
        if !from.exists() {
            return Err(format!("there is no artifact {}", shown(name)));
        }
        copy(&from, &to);
        return Ok(json!({}));
    }
    let pattern = shown(&with["pattern"]);
    for entry in fs_err::read_dir(world.artifacts()).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if matches(&pattern, &name) {
            let merged = with.get("merge-multiple").is_some_and(truth);
            copy(&entry.path(), &if merged { to.clone() } else { to.join(&name) });
        }
    }
    Ok(json!({}))
}

/// <https://github.com/actions/attest-build-provenance>: signed by what GitHub alone has. Here only what would be signed is looked
/// at: which files, and whether the job may.
fn attest(runner: &Runner, world: &mut World, with: &Map<String, Value>) -> Done {
    for permission in ["id-token", "attestations"] {
        if world.permissions[permission] != "write" {
            return Err(format!("the job needs `{permission}: write`"));
        }
    }
    let pattern = shown(&with["subject-path"]);
    let (directory, names) = pattern.rsplit_once('/').unwrap();
    let files = fs_err::read_dir(runner.workspace.join(directory)).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|file| matches(names, file.file_name().unwrap().to_str().unwrap()));
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        world.attested.insert(name, fs_err::read(file).unwrap());
    }
    if world.attested.is_empty() { Err(format!("no file is {pattern}")) } else { Ok(json!({})) }
}

/// Everything in one directory into another.
pub fn copy(from: &Path, to: &Path) {
    fs_err::create_dir_all(to).unwrap();
    expect_success(&Command::new("cp").arg("-a").arg(from.join(".")).arg(to));
}
