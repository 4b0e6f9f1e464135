//! `omnipack init` as people call it: what is written, what is refused, what is asked, and that the result builds.

mod support;

use std::path::Path;

use omnipack::exec::{Command, Output};
use support::{both, expect_success, fixture, name_of, omnipack, packages_in};

const PROCFILE: &str = "web: shop --port $PORT\n";

/// A project with modules, requirements and a Procfile.
fn project(directory: &Path) {
    let files = [
        (
            "pyproject.toml",
            "[project]\nname = 'shop'\nversion = '1.0'\n[project.scripts]\nshop = 'shop:main'\n[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n",
        ),
        ("shop.py", "def main(): pass\n"),
        ("Procfile", PROCFILE),
    ];
    for (name, text) in files {
        fs_err::write(directory.join(name), text).unwrap();
    }
}

fn init(directory: &Path, options: &[&str]) -> Output {
    omnipack().arg("init").args(options).arg(directory).env("SOURCE_DATE_EPOCH", "1795000000").run().unwrap()
}

#[test]
fn a_file_is_written_once_and_says_what_was_found() {
    let directory = tempfile::tempdir().unwrap();
    project(directory.path());
    let path = directory.path().join("omnipack.toml");
    let shown = init(directory.path(), &["--output", "-"]);
    assert!(shown.code == 0 && !path.exists(), "{}", both(&shown));
    let said = init(directory.path(), &[]);
    assert_eq!((said.code, said.stdout_text()), (0, String::new()), "{}", said.stderr_text());
    for part in
        ["is written: shop for rocky-9", "service web: shop --port 8000 (Procfile, line 1)", "next: `omnipack check"]
    {
        assert!(said.stderr_text().contains(part), "no {part:?} in\n{}", said.stderr_text());
    }
    let text = fs_err::read_to_string(&path).unwrap();
    assert_eq!(text, shown.stdout_text());
    assert!(
        text.contains("# from Procfile, line 1\n# $PORT is filled in as `8000`\n[[service]]\nname = \"web\"\n"),
        "{text}"
    );

    let refused = init(directory.path(), &[]);
    assert!(refused.code == 2 && refused.stderr_text().contains("init::exists"), "{}", both(&refused));
    fs_err::write(&path, "mine").unwrap();
    assert_eq!(init(directory.path(), &["--quiet"]).code, 2);
    assert_eq!(fs_err::read_to_string(&path).unwrap(), "mine");
    let forced = init(directory.path(), &["--force", "--quiet", "--distribution", "debian-12"]);
    assert_eq!((forced.code, both(&forced)), (0, String::new()));
    assert!(fs_err::read_to_string(&path).unwrap().contains("distributions = [\"debian-12\"]"));
    let names = fs_err::read_dir(directory.path()).unwrap().count();
    assert_eq!(names, 4, "something else is left");
    let checked = omnipack().args(["--dry-run", "--quiet"]).arg(directory.path()).run().unwrap();
    assert_eq!(checked.code, 0, "{}", both(&checked));
}

#[test]
fn what_was_found_is_there_for_scripts() {
    let directory = tempfile::tempdir().unwrap();
    project(directory.path());
    let output = init(directory.path(), &["--json", "-D", "rocky-9"]);
    let found: serde_json::Value = serde_json::from_str(&output.stdout_text()).unwrap();
    assert_eq!(found["services"][0]["from"], serde_json::json!({ "file": "Procfile", "line": 1 }));
    assert_eq!((&found["name"], &found["targets"]["chosen"][0]["distribution"]), (&"shop".into(), &"rocky-9".into()));
    assert!(directory.path().join("omnipack.toml").is_file());
}

#[test]
fn what_cannot_be_is_refused_with_the_way_out() {
    let directory = tempfile::tempdir().unwrap();
    project(directory.path());
    let pyproject = directory.path().join("pyproject.toml");
    let text = fs_err::read_to_string(&pyproject).unwrap();
    let refused = |options: &[&str], code: &str, exit: i32| {
        let output = init(directory.path(), options);
        let said = output.stderr_text();
        assert!(output.code == exit && said.contains(code), "{options:?}: {} {said}", output.code);
        assert!(!directory.path().join("omnipack.toml").exists(), "{options:?}");
    };
    refused(&["--interactive"], "init::no_terminal", 2);
    refused(&["-D", "debain-12"], "debian-12", 2);
    refused(&["--output", "/nonexistent/omnipack.toml"], "init::io", 1);
    fs_err::write(&pyproject, format!("{text}[tool.omnipack.package]\nname = 'x'\n")).unwrap();
    refused(&["--force"], "init::tool_table", 2);
    fs_err::write(&pyproject, text.replace("version = '1.0'", "version = '1.0'\nrequires-python = '<3'")).unwrap();
    refused(&[], "init::no_target", 2);
    let output = omnipack().args(["init", "httpbin==0.10.2"]).run().unwrap();
    assert!(output.code == 2 && output.stderr_text().contains("init::directory"), "{}", both(&output));
    let output = omnipack().args(["init", "/nonexistent/"]).run().unwrap();
    assert_eq!(output.code, 2, "{}", both(&output));
}

/// Answers a run on a terminal of its own: waits for each prompt, then types.
const TYPIST: &str = r#"
import os, pty, select, sys, time
answers = [(p, a.encode().decode('unicode_escape')) for p, a in (x.split('=', 1) for x in sys.argv[1].split('|'))]
child, terminal = pty.fork()
if child == 0:
    os.environ['TERM'] = 'xterm'
    os.execv(sys.argv[2], sys.argv[2:])
seen, deadline = b'', time.time() + 60
while time.time() < deadline:
    ready, _, _ = select.select([terminal], [], [], 0.2)
    if ready:
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        if not data:
            break
        seen += data
    if answers and answers[0][0].encode() in seen:
        time.sleep(0.3)
        os.write(terminal, answers.pop(0)[1].encode())
        seen = b''
else:
    # Nobody answers any more.
    os.kill(child, 9)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"#;

#[test]
fn on_a_terminal_questions_are_asked_with_the_findings_as_answers() {
    let directory = tempfile::tempdir().unwrap();
    project(directory.path());
    let program = env!("CARGO_BIN_EXE_omnipack");
    let run = |answers: &str| {
        let typist = Command::new("python3").args([
            "-c",
            TYPIST,
            answers,
            program,
            "init",
            "--force",
            "--interactive",
            "-D",
            "debian-12",
        ]);
        let output = typist.arg(directory.path()).run().unwrap();
        assert_eq!(output.code, 0, "{}", both(&output));
        fs_err::read_to_string(directory.path().join("omnipack.toml")).unwrap()
    };
    let text = run("Name of=\\r|Distributions=\\r|Services=\\r|Account=\\r");
    for part in ["name = \"shop\"", "distributions = [\"debian-12\"]", "user = \"shop\""] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
    let text = run("Name of=shop-two\\r|Distributions=\\r|Services= \\r");
    assert!(text.contains("name = \"shop-two\""), "{text}");
    assert!(!text.contains("[[service]]"), "{text}");
}

/// What is proposed for the repository's own fixtures, without the configuration that they have.
#[test]
fn fixtures_build_as_they_are_proposed() {
    let directory = tempfile::tempdir().unwrap();
    for (name, target, expected) in [
        ("minimal", "debian-12", &["minimal"][..]),
        ("flocker", "rocky-9", &["flocker", "flocker-cli", "flocker-node"][..]),
        ("cdhboot", "rocky-9", &["cdhboot", "cdhboot-cli", "cdhboot-node"][..]),
        ("native", "debian-12", &["native-probe"][..]),
    ] {
        let copy = directory.path().join(name);
        expect_success(&Command::new("cp").arg("-r").arg(fixture(name)).arg(&copy));
        let _ = fs_err::remove_file(copy.join("omnipack.toml"));
        assert_eq!(init(&copy, &["-D", target]).code, 0);
        let out = directory.path().join(format!("{name}-packages"));
        fs_err::create_dir_all(&out).unwrap();
        expect_success(&omnipack().args(["--quiet", "--destination-path"]).arg(&out).arg(&copy));
        let packages = packages_in(&out);
        for wanted in expected {
            let starts = |path: &&std::path::PathBuf| {
                let rest = name_of(path).strip_prefix(wanted);
                rest.is_some_and(|rest| {
                    rest.starts_with(['-', '_']) && rest[1..].starts_with(|c: char| c.is_ascii_digit())
                })
            };
            assert_eq!(packages.iter().filter(starts).count(), 1, "{wanted} in {packages:?}");
        }
    }
}
