//! Real wheels of all kinds, laid out and compared file by file with what uv and pip install into a virtual environment
//! at the same prefix. Every difference that is allowed is listed in [`Tree::comparable`] with its reason.
//!
//! The wheels (`tests/data/wheels.txt`) and uv are downloaded once, into the user's cache directory.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use omnipack::exec::Command;
use omnipack::resolve::{Lock, WheelRole};
use omnipack::stage::{lay_out, write_out};

use crate::support::{lock, locked, plan, python};

const LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/wheels.txt");
const UV: &str = "uv==0.13.8";

/// A path below the prefix with its kind, permissions and content, as far as it has to be equal.
#[derive(Debug, PartialEq, Eq)]
enum Node {
    Directory(u32),
    File(u32, Vec<u8>),
    Link(String),
}

struct Tree(BTreeMap<String, Node>);

impl Tree {
    fn read(root: &Path, prefix: &str) -> Self {
        let mut nodes = BTreeMap::new();
        for found in walkdir::WalkDir::new(root).min_depth(1).sort_by_file_name() {
            let found = found.unwrap();
            let name = found.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let mode = found.metadata().unwrap().permissions().mode() & 0o7777;
            let node = if found.file_type().is_dir() {
                Node::Directory(mode)
            } else if found.file_type().is_symlink() {
                Node::Link(fs_err::read_link(found.path()).unwrap().to_str().unwrap().to_owned())
            } else {
                Node::File(mode, fs_err::read(found.path()).unwrap())
            };
            nodes.extend(comparable(&name, node, prefix).map(|node| (name, node)));
        }
        // uv makes the directories that a wheel has entries for, pip and omnipack only those with something in them.
        let full = nodes.keys().filter_map(|name: &String| Some(name.rsplit_once('/')?.0.to_owned()));
        let full = full.collect::<BTreeSet<_>>();
        nodes.retain(|name, node| !matches!(node, Node::Directory(_)) || full.contains(name));
        Self(nodes)
    }

    fn assert_equal(&self, theirs: &Self, who: &str) {
        let ours = self.0.keys().collect::<BTreeSet<_>>();
        let others = theirs.0.keys().collect::<BTreeSet<_>>();
        let missing = others.difference(&ours).collect::<Vec<_>>();
        let extra = ours.difference(&others).collect::<Vec<_>>();
        assert!(
            missing.is_empty() && extra.is_empty(),
            "{who} has, omnipack has not: {missing:#?}; the reverse: {extra:#?}"
        );
        let different = self.0.iter().filter(|(path, node)| theirs.0.get(*path) != Some(node));
        let shown = different.map(|(path, node)| format!("{path}\n{}", differing_lines(node, &theirs.0[path])));
        let shown = shown.collect::<Vec<_>>();
        assert!(shown.is_empty(), "{} differ:\n{}", shown.len(), shown.join("\n\n"));
    }
}

fn differing_lines(ours: &Node, theirs: &Node) -> String {
    let lines = |node: &Node| match node {
        Node::File(mode, bytes) => format!("mode {mode:o}\n{}", String::from_utf8_lossy(bytes)),
        other => format!("{other:?}"),
    };
    let (ours, theirs) = (lines(ours), lines(theirs));
    let (ours, theirs) = (ours.lines().collect::<BTreeSet<_>>(), theirs.lines().collect::<BTreeSet<_>>());
    let only = |sign: &str, these: &BTreeSet<&str>, those: &BTreeSet<&str>| {
        these.difference(those).map(|line| format!("{sign}{line}\n")).collect::<String>()
    };
    only("-", &theirs, &ours) + &only("+", &ours, &theirs)
}

/// What has to be equal of a path; `None` where nothing has to.
fn comparable(name: &str, node: Node, prefix: &str) -> Option<Node> {
    let file = name.rsplit('/').next().unwrap();
    let in_dist_info = name.contains(".dist-info/") && name.matches('/').count() == 4;
    // The environment itself: each of venv, uv and omnipack writes its own links, texts and marks.
    let environment = ["pyvenv.cfg", ".gitignore", ".lock", "CACHEDIR.TAG"].contains(&name);
    let in_bin = name.strip_prefix("bin/").is_some_and(|file| {
        file.starts_with("activate") && file != "activate-global-python-argcomplete"
            || file.starts_with("Activate")
            || ["python", "python3", "python3.11"].contains(&file)
    });
    if environment || in_bin {
        return None;
    }
    // uv's own notes about its cache.
    if in_dist_info && file == "uv_cache.json" {
        return None;
    }
    // pip and uv mark every requirement of the command line; omnipack only the application.
    if in_dist_info && file == "REQUESTED" {
        return None;
    }
    let Node::File(mode, bytes) = node else { return Some(node) };
    let bytes = match file {
        // Says who has installed.
        "INSTALLER" if in_dist_info => Vec::new(),
        "RECORD" if in_dist_info => record(&String::from_utf8(bytes).unwrap()).into_bytes(),
        _ if name.starts_with("bin/") => script(bytes, prefix),
        _ => bytes,
    };
    Some(Node::File(mode, bytes))
}

/// As a sorted set of lines, without those of files that are not compared, and of scripts only their paths: their
/// first lines differ, and so their digests. pip ends lines with CRLF.
fn record(text: &str) -> String {
    let lines = text.lines().map(|line| line.trim_end_matches('\r'));
    let left_out = ["INSTALLER", "REQUESTED", "uv_cache.json"].map(|file| format!(".dist-info/{file},"));
    let compared = lines.filter(|line| !left_out.iter().any(|file| line.contains(file)));
    let lines = compared.map(|line| match line.strip_prefix("../../../bin/") {
        Some(rest) => rest.split(",sha256=").next().unwrap(),
        None => line,
    });
    lines.map(|line| format!("{line}\n")).collect::<BTreeSet<_>>().into_iter().collect()
}

/// A script with the names of its interpreter made equal (uv and pip write `python3` or `python3.11`); of a launcher the
/// two lines that say what it runs: pip's and uv's texts differ, with the same effect.
fn script(bytes: Vec<u8>, prefix: &str) -> Vec<u8> {
    let Ok(text) = String::from_utf8(bytes.clone()) else { return bytes };
    let Some(rest) = text.strip_prefix(&format!("#!{prefix}/bin/python")) else { return bytes };
    let rest = rest.trim_start_matches(|character: char| character.is_ascii_digit() || character == '.');
    let import = rest.lines().find(|line| line.starts_with("from ") && line.contains(" import "));
    let run = rest.lines().find(|line| line.trim().starts_with("sys.exit("));
    let is_launcher = rest.contains("sys.argv[0] = ");
    match (import, run) {
        (Some(import), Some(run)) if is_launcher => format!("launcher {import} {}", run.trim()).into_bytes(),
        _ => format!("#!python{rest}").into_bytes(),
    }
}

fn cache() -> PathBuf {
    let cache = etcetera::choose_base_strategy().unwrap().cache_dir().join("omnipack-tests");
    fs_err::create_dir_all(&cache).unwrap();
    cache
}

/// With a umask that every tool is meant to be run under.
fn run(program: &Path, args: &[&str]) {
    let command = Command::new("/bin/sh").args(["-c", "umask 022; exec \"$0\" \"$@\""]).arg(program).args(args);
    let command = command.env("PIP_DISABLE_PIP_VERSION_CHECK", "1").env_remove("PYTHONPATH").env_remove("VIRTUAL_ENV");
    command.run_checked().unwrap_or_else(|error| panic!("{error}"));
}

/// pip and uv, in an environment that later runs find again.
fn tools() -> PathBuf {
    let tools = cache().join(UV.replace("==", "-"));
    if !tools.join("bin/uv").is_file() {
        let beside = tempfile::tempdir_in(cache()).unwrap();
        let environment = beside.path().join("tools");
        run(&python("3.11"), &["-m", "venv", environment.to_str().unwrap()]);
        run(&environment.join("bin/python"), &["-m", "pip", "install", "-q", UV]);
        // Whoever was faster has made the same.
        let _ = fs_err::rename(&environment, &tools);
    }
    tools
}

fn wheels(tools: &Path) -> PathBuf {
    let directory = cache().join("wheels");
    let list = fs_err::read_to_string(LIST).unwrap();
    let stamp = directory.join("complete.txt");
    if fs_err::read_to_string(&stamp).ok().as_ref() != Some(&list) {
        let to = directory.to_str().unwrap();
        let args =
            ["-m", "pip", "download", "-q", "--no-deps", "--require-hashes", "--only-binary=:all:", "-d", to, "-r"];
        run(&tools.join("bin/python3"), &[&args[..], &[LIST]].concat());
        fs_err::write(&stamp, list).unwrap();
    }
    directory
}

fn listed(directory: &Path) -> Lock {
    let list = fs_err::read_to_string(LIST).unwrap();
    let pinned = list.lines().filter_map(|line| line.split_once(" --hash").map(|(pin, _)| pin.to_owned()));
    let pinned = pinned.collect::<BTreeSet<_>>();
    let found = fs_err::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let wheels = found.filter(|path| path.extension().is_some_and(|extension| extension == "whl"));
    let mut wheels = wheels.map(|path| locked(&path, WheelRole::Dependency)).collect::<Vec<_>>();
    wheels.retain(|wheel| pinned.contains(&format!("{}=={}", wheel.name, wheel.version)));
    wheels.sort_by(|left, right| left.name.cmp(&right.name));
    assert!(wheels.len() >= 60 && wheels.len() == pinned.len(), "{} of {}", wheels.len(), pinned.len());
    lock(wheels)
}

/// Every line of every `RECORD` by Python's own reader: the file is there and has that digest and size.
fn assert_records_hold(python: &Path, site_packages: &Path) {
    let script = "import base64, hashlib, importlib.metadata, sys\n\
                  checked = 0\n\
                  for one in importlib.metadata.distributions(path=[sys.argv[1]]):\n\
                  \x20   for file in one.files:\n\
                  \x20       data = file.locate().read_bytes()\n\
                  \x20       if file.hash:\n\
                  \x20           digest = hashlib.new(file.hash.mode, data).digest()\n\
                  \x20           assert base64.urlsafe_b64encode(digest).rstrip(b'=').decode() == file.hash.value, file\n\
                  \x20           assert file.size == len(data), file\n\
                  \x20           checked += 1\n\
                  print(checked)\n";
    let command = Command::new(python).args(["-c", script]).arg(site_packages);
    let checked: u32 = command.run_checked().unwrap().stdout_text().trim().parse().unwrap();
    assert!(checked > 5000, "{checked}");
}

#[test]
fn the_tree_is_what_uv_and_pip_install() {
    let tools = tools();
    let wheels = wheels(&tools);
    let dir = tempfile::tempdir().unwrap();
    let prefix = dir.path().join("app");
    let prefix = prefix.to_str().unwrap();
    let interpreter = python("3.11");

    let plan = plan(prefix, "3.11", interpreter.to_str().unwrap());
    let stage = lay_out(&plan, &listed(&wheels), dir.path()).unwrap().finish(Vec::new()).unwrap();
    assert!(stage.overlaps.is_empty(), "{:#?}", stage.overlaps);
    let out = dir.path().join("out");
    write_out(&stage, &out).unwrap();
    let ours = Tree::read(&out.join(prefix.trim_start_matches('/')), prefix);
    assert!(ours.0.len() > 5000 && ours.0.keys().any(|name| !name.is_ascii()), "{}", ours.0.len());

    assert_records_hold(&interpreter, &out.join(format!("{}/lib/python3.11/site-packages", &prefix[1..])));

    let environment_python = format!("{prefix}/bin/python");
    let from = ["--no-deps", "--no-index", "--find-links", wheels.to_str().unwrap(), "-r", LIST];
    let uv_cache = dir.path().join("uv-cache");
    let uv = ["pip", "install", "-q", "--link-mode", "copy", "--cache-dir", uv_cache.to_str().unwrap()];
    let uv = [&uv[..], &["--python", &environment_python]].concat();
    let pip =
        ["-m", "pip", "--python", &environment_python, "install", "-q", "--no-compile", "--no-warn-script-location"];
    for (who, program, args) in [("uv", "bin/uv", &uv[..]), ("pip", "bin/python3", &pip[..])] {
        run(&interpreter, &["-m", "venv", "--without-pip", "--clear", prefix]);
        run(&tools.join(program), &[args, &from].concat());
        ours.assert_equal(&Tree::read(Path::new(prefix), prefix), who);
    }
}
