//! What a tree of handmade wheels looks like.

use omnipack::resolve::WheelRole;
use omnipack::stage::{Content, Entry, EntryKind, Origin, lay_out, write_out};

use crate::support::{Builder, at, find_python, lock, locked, opt_plan, paths, plan, put_in_place, text};

const SITE: &str = "/opt/app/lib/python3.11/site-packages";

fn application(dir: &std::path::Path) -> omnipack::resolve::Wheel {
    let wheel = Builder::new("app")
        .file("app/__init__.py", "def main(): print('hello')\n")
        .member("app/tool", "#!/bin/sh\n", 0o100_755)
        .file("app/__pycache__/__init__.cpython-311.pyc", "stale")
        .file("app-1.0.data/scripts/legacy", "#!python -I\nprint(1)\n")
        .file("app-1.0.data/scripts/run", "#!python\nwrapper")
        .file("app-1.0.data/headers/app.h", "")
        .file("app-1.0.data/data/share/x, \"y\".txt", "")
        .file("app-1.0.data/data/lib64/z", "")
        .file("app-1.0.data/platlib/plat.py", "")
        .file("app-1.0.dist-info/RECORD.jws", "{}")
        .file("app-1.0.dist-info/INSTALLER", "evil")
        .file("app-1.0.dist-info/direct_url.json", "{}")
        .file(
            "app-1.0.dist-info/entry_points.txt",
            "[console_scripts]\nrun = app:main [x]\n[gui_scripts]\nwin=app:C.m\n",
        );
    locked(&wheel.write(dir), WheelRole::Application)
}

#[test]
fn everything_lies_where_the_specification_says() {
    let dir = tempfile::tempdir().unwrap();
    let mut wheel = application(dir.path());
    wheel.direct_url = Some("{\"url\": \"https://example.org/a.whl\"}".into());
    let stage = lay_out(&opt_plan(), &lock(vec![wheel]), dir.path()).unwrap().finish(Vec::new()).unwrap();
    let mode = |path: &str| stage.get(&at(path)).unwrap().mode;
    assert_eq!(text(&stage, "/opt/app/bin/legacy"), "#!/opt/app/bin/python -I\nprint(1)\n");
    assert!(text(&stage, "/opt/app/bin/run").contains("from app import main\n"));
    assert!(text(&stage, "/opt/app/bin/win").contains("from app import C\n"));
    assert!(text(&stage, "/opt/app/bin/win").contains("sys.exit(C.m())\n"));
    assert_eq!(text(&stage, &format!("{SITE}/app-1.0.dist-info/INSTALLER")), "omnipack\n");
    assert!(text(&stage, &format!("{SITE}/app-1.0.dist-info/direct_url.json")).contains("example.org"));
    for path in ["/opt/app/include/site/python3.11/app/app.h", "/opt/app/lib/z", &format!("{SITE}/plat.py")] {
        assert_eq!(mode(path), 0o644, "{path}");
    }
    assert_eq!(mode(&format!("{SITE}/app/tool")), 0o755);
    assert_eq!(mode("/opt/app/bin/legacy"), 0o755);
    let names = paths(&stage);
    assert!(!names.iter().any(|path| path.ends_with(".pyc") || path.ends_with(".jws") || path.contains(".data")));
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(names, sorted);
    assert!(names.contains(&"/opt/app/share") && !names.contains(&"/opt"));
    let scripts = stage.scripts.iter().map(|(name, owner)| (name.as_str(), &**owner)).collect::<Vec<_>>();
    assert_eq!(scripts, [("legacy", "app"), ("run", "app"), ("win", "app")]);
    assert_eq!(stage.distributions[0].license, "MIT");
}

#[test]
fn record_lists_what_is_there_and_bytecode_without_a_digest() {
    let dir = tempfile::tempdir().unwrap();
    let laid_out = lay_out(&opt_plan(), &lock(vec![application(dir.path())]), dir.path()).unwrap();
    let pyc = at(&format!("{SITE}/app/__pycache__/__init__.cpython-311.pyc"));
    let content = EntryKind::File(Content::Bytes(b"code"[..].into()));
    let stage = laid_out.finish(vec![Entry::new(pyc.clone(), 0o644, content, Origin::Generated)]).unwrap();
    assert!(stage.get(&pyc).is_some());
    let record = text(&stage, &format!("{SITE}/app-1.0.dist-info/RECORD"));
    let lines = record.lines().collect::<Vec<_>>();
    assert!(lines.contains(&"app/__pycache__/__init__.cpython-311.pyc,,"), "{record}");
    assert!(lines.contains(&"app-1.0.dist-info/RECORD,,"), "{record}");
    assert!(lines.contains(&"app-1.0.dist-info/REQUESTED,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0"));
    assert!(record.contains("\"../../../share/x, \"\"y\"\".txt\",sha256="), "{record}");
    assert!(record.contains("../../../bin/run,sha256="), "{record}");
    assert!(!record.contains("jws") && !record.contains("direct_url"), "{record}");
}

#[test]
fn equal_files_of_two_wheels_are_fine_and_different_ones_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let wheel = |name, text| {
        let wheel = Builder::new(name).file("shared/__init__.py", "").file("shared/data.py", text);
        wheel.write(dir.path())
    };
    let app = locked(&wheel("aaa", "1"), WheelRole::Application);
    let other = locked(&wheel("zzz", "2"), WheelRole::Dependency);
    let stage = lay_out(&opt_plan(), &lock(vec![app, other]), dir.path()).unwrap().finish(Vec::new()).unwrap();
    let overlaps =
        stage.overlaps.iter().map(|one| (one.path.file_name(), one.kept.to_string(), one.dropped.to_string()));
    assert_eq!(overlaps.collect::<Vec<_>>(), [("data.py", "aaa 1.0".to_owned(), "zzz 1.0".to_owned())]);
    assert_eq!(text(&stage, &format!("{SITE}/shared/data.py")), "1");
    for name in ["aaa", "zzz"] {
        assert!(text(&stage, &format!("{SITE}/{name}-1.0.dist-info/RECORD")).contains("shared/__init__.py,sha256="));
    }
}

#[test]
fn a_path_that_two_want_is_refused_with_both_named() {
    let dir = tempfile::tempdir().unwrap();
    let wheel = Builder::new("greedy").file("greedy-1.0.data/scripts/python", "#!python\n").write(dir.path());
    let wheel = locked(&wheel, WheelRole::Application);
    let error = lay_out(&opt_plan(), &lock(vec![wheel]), dir.path()).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("/opt/app/bin/python") && error.contains("greedy 1.0"), "{error}");
}

#[test]
fn prefixes_that_cannot_be_written_into_scripts_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for prefix in ["relative", "/", "/opt/../etc", "/opt/a\nb", "/opt/a\\N{x}"] {
        let plan = plan(prefix, "3.11", "/usr/bin/python3.11");
        assert!(lay_out(&plan, &lock(Vec::new()), dir.path()).is_err(), "{prefix}");
    }
}

/// Written out and really run, in a directory with a space, a quote and a letter that is not ASCII.
#[test]
fn a_written_tree_runs_and_its_activate_script_does() {
    assert!(find_python("3.11").is_some(), "python3.11 is not installed");
    for series in ["3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"] {
        // Only 3.11 is sure to be there.
        if let Some(python) = find_python(series) {
            runs_in_place(series, python.to_str().unwrap());
        }
    }
}

fn runs_in_place(series: &str, python: &str) {
    let dir = tempfile::tempdir().unwrap();
    let prefix = dir.path().join("root/it's an \u{e4}pp");
    let prefix = prefix.to_str().unwrap();
    let plan = plan(prefix, series, python);
    let stage = lay_out(&plan, &lock(vec![application(dir.path())]), dir.path()).unwrap().finish(Vec::new()).unwrap();
    put_in_place(&stage, dir.path());
    assert!(write_out(&stage, dir.path()).is_err(), "a directory that is not empty");
    let run = |script: &str| {
        let command = omnipack::exec::Command::new("/bin/sh").args(["-c", script]).env("PREFIX", prefix);
        command.env("LC_ALL", "C.UTF-8").run_checked().unwrap().stdout_text()
    };
    assert_eq!(run("\"$PREFIX/bin/run\""), "hello\n", "{series}");
    assert_eq!(run("\"$PREFIX/bin/legacy\""), "1\n", "{series}");
    assert_eq!(run(". \"$PREFIX/bin/activate\"; run; deactivate; command -v run || echo gone"), "hello\ngone\n");
    let show = "import app, sys; print(sys.prefix, sys.prefix != sys.base_prefix, app.__file__.startswith(sys.prefix))";
    let shown = run(&format!("\"$PREFIX/bin/python{series}\" -c \"{show}\""));
    assert_eq!(shown, format!("{prefix} True True\n"), "{series}");
}
