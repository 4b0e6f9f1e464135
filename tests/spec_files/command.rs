//! The command line: what goes together, what is refused before any work, and what becomes of several targets.

use std::path::{Path, PathBuf};

use omnipack::exec::{Command, Output};
use serde_json::Value;

use crate::handmade::WheelMaker;
use crate::support::{both, fixture, omnipack};
use crate::tool::succeed;

/// A project that nothing has to be asked for.
fn project(directory: &Path) -> PathBuf {
    let source = directory.join("source");
    fs_err::create_dir(&source).unwrap();
    for name in ["pyproject.toml", "minimal.py"] {
        fs_err::copy(fixture("minimal").join(name), source.join(name)).unwrap();
    }
    source
}

fn run(source: &Path, arguments: &[&str]) -> Output {
    let command: Command = omnipack().arg("generate-spec").args(arguments.iter().copied()).arg(source);
    command.env("SOURCE_DATE_EPOCH", "1700000000").run().unwrap()
}

/// As it is before lines are wrapped for a terminal.
fn words(output: &Output) -> String {
    both(output).split([' ', '\n', '|']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let source = project(directory.path());
    let check = &["--check", "--repository", "r", "-D", "fedora-42"][..];
    let bundle = &["--bundle-missing", "--repository", "r", "-D", "fedora-42"][..];
    let debian = &["--debian", "-D", "debian-12"][..];
    let attempt = &["--try", "all"][..];
    for (one, others) in [
        (
            check,
            &[attempt, &["--srpm"], &["-o", "x"], &["--bundle-missing"], &["--try-nodeps"], &["--try-directory", "x"]]
                [..],
        ),
        (bundle, &[&["--debian"], &["--check"]]),
        (debian, &[attempt, &["--srpm"], &["--bundle-missing"], &["--repository", "r"], &["--try-nodeps"]]),
        (
            &["-D", "fedora-42"],
            &[&["--repository", "r"], &["--try-nodeps"], &["--try-directory", "x"], &["--bundle-missing"]],
        ),
    ] {
        for other in others {
            let output = run(&source, &[one, other].concat());
            assert_eq!(output.code, 2, "{one:?} {other:?}: {}", both(&output));
            let said = words(&output);
            assert!(said.contains("cannot be used with") || said.contains("were not provided"), "{other:?}: {said}");
        }
    }
    // What goes together is read, and fails for the repository that is not there.
    for options in
        [[bundle, &["--srpm", "--try", "all", "--try-nodeps", "-o", "x"]].concat(), [check, &["--quiet"]].concat()]
    {
        let output = run(&source, &options);
        let said = words(&output);
        assert!(said.contains("no such file or directory"), "{options:?}: {said}");
    }
    let output = run(&source, &["--check", "--debian", "--repository", "r", "-D", "rocky-9"]);
    assert!(output.code == 2 && words(&output).contains("debian::format"), "{}", both(&output));
}

#[test]
fn the_help_offers_no_wheel() {
    let help = omnipack().args(["generate-spec", "--help"]).run().unwrap().stdout_text();
    assert!(help.contains("[PATH|SDIST|REQUIREMENT]") && !help.contains("WHEEL"), "{help}");
    let build = omnipack().args(["build", "--help"]).run().unwrap().stdout_text();
    assert!(build.contains("[PATH|WHEEL|SDIST|REQUIREMENT]"), "{build}");
}

#[test]
fn a_wheel_is_refused_at_once_and_checked() {
    let directory = tempfile::tempdir().unwrap();
    let wheel = WheelMaker::new("made", "1.0").file("made.py", "").requires("flask>=2").write(directory.path());
    let out = directory.path().join("out");
    for option in ["-D=fedora-42", "-D=debian-12"] {
        let output = run(&wheel, &[option, "-o", out.to_str().unwrap()]);
        let said = words(&output);
        assert_eq!(output.code, 2, "{said}");
        assert!(said.contains("spec::no_sources") && said.contains("name an sdist"), "{said}");
        assert!(!said.contains("building"), "{said}");
        assert!(!out.exists());
    }
    let list = directory.path().join("list");
    for (provided, code) in [("python3dist(flask) = 3\n", 0), ("python3dist(flask) = 1\n", 1)] {
        fs_err::write(&list, provided).unwrap();
        let output = run(&wheel, &["--check", "--repository", list.to_str().unwrap(), "-D", "fedora-42"]);
        assert_eq!(output.code, code, "{}", both(&output));
        assert!(words(&output).contains("note: a wheel has no sources"), "{}", both(&output));
    }
}

/// `flask[async]`, as a build takes it.
#[test]
fn extras_of_a_requirement_are_required() {
    let directory = tempfile::tempdir().unwrap();
    let wheels = directory.path().join("wheels");
    fs_err::create_dir_all(wheels.join("made-1.0")).unwrap();
    let wheel = WheelMaker::new("made", "1.0").file("made.py", "").requires("asgiref>=3.2; extra == 'async'");
    wheel.write(&wheels);
    let project = "[project]\nname = \"made\"\nversion = \"1.0\"\n[build-system]\nrequires = [\"setuptools\"]\n";
    for (name, text) in [
        ("pyproject.toml", project),
        ("PKG-INFO", "Metadata-Version: 2.1\nName: made\nVersion: 1.0\n"),
        ("made.py", ""),
    ] {
        fs_err::write(wheels.join("made-1.0").join(name), text).unwrap();
    }
    succeed(&Command::new("tar").dir(&wheels).args(["-czf", "made-1.0.tar.gz", "made-1.0"]));
    for (target, line) in [
        ("fedora-42", "%pyproject_buildrequires -x async\n"),
        ("fedora-42", "python3dist(asgiref) >= 3.2"),
        ("rocky-8", "Requires:       python3dist(asgiref) >= 3.2\n"),
    ] {
        let out = directory.path().join(target);
        let options = ["-D", target, "-o", out.to_str().unwrap(), "--wheels", wheels.to_str().unwrap()];
        let output = run(Path::new("made[async]==1.0"), &options);
        assert_eq!(output.code, 0, "{}", both(&output));
        let text = fs_err::read_to_string(out.join("made.spec")).unwrap();
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[test]
fn a_directory_that_takes_no_files_is_found_out_before_any_work() {
    let directory = tempfile::tempdir().unwrap();
    let source = project(directory.path());
    let file = directory.path().join("file");
    fs_err::write(&file, "mine").unwrap();
    for (out, reason) in
        [(file.clone(), "it is no directory"), (file.join("below"), "Not a directory"), ("/proc/x".into(), "/proc/x")]
    {
        for option in ["-D=fedora-42", "-D=debian-12"] {
            let output = run(&source, &[option, "-o", out.to_str().unwrap()]);
            let said = words(&output);
            assert_eq!(output.code, 1, "{said}");
            for expected in ["build::destination", reason, "--output-directory"] {
                assert!(said.contains(expected), "{expected}: {said}");
            }
            assert!(!said.contains("building") && !said.contains("space"), "{said}");
        }
    }
    assert_eq!(fs_err::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn options_for_rpms_say_so_where_there_are_none() {
    let directory = tempfile::tempdir().unwrap();
    let source = project(directory.path());
    let list = directory.path().join("list");
    fs_err::write(&list, "x = 1\n").unwrap();
    let out = directory.path().join("out");
    let bundle = ["--bundle-missing", "--repository", list.to_str().unwrap()];
    for options in [&["--srpm"][..], &["--try", "prep"], &bundle] {
        let output = run(&source, &[&["-D", "debian-12", "-o", out.to_str().unwrap()], options].concat());
        let said = words(&output);
        assert_eq!(output.code, 2, "{said}");
        let expected = format!("`{}` is for RPM distributions", options[0]);
        assert!(said.contains(&expected) && said.contains("spec::option") && !said.contains("--debian"), "{said}");
        assert!(!out.exists());
    }
}

#[test]
fn targets_that_fail_take_nothing_from_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let source = project(directory.path());
    let out = directory.path().join("out");
    let targets = ["-D", "fedora-42", "-D", "ubuntu-20.04", "-D", "debian-12"];
    let to = ["-o", out.to_str().unwrap(), "--json"];
    let output = run(&source, &[&targets[..], &to].concat());
    assert_eq!(output.code, 1, "{}", both(&output));
    let written: Value = serde_json::from_str(&output.stdout_text()).unwrap();
    assert_eq!(written[0]["distribution"], "fedora-42");
    assert!(Path::new(written[0]["spec"].as_str().unwrap()).is_file());
    assert_eq!(written[1]["distribution"], "ubuntu-20.04");
    assert_eq!(written[1]["error"]["code"], "debian::debhelper");
    assert!(Path::new(written[2]["tree"].as_str().unwrap()).join("debian/rules").is_file());
    assert!(output.stderr_text().contains("ubuntu-20.04:\n") && words(&output).contains("debian::debhelper"));
    assert!(!out.join("ubuntu-20.04").exists());

    // A trial that fails leaves what was written, and the other's.
    let tries = directory.path().join("tries");
    fs_err::create_dir_all(tries.join("rocky-9/mine")).unwrap();
    let attempt = ["-D", "rocky-9", "-D", "fedora-41", "--try", "prep", "--try-nodeps", "--try-directory"];
    let output = run(&source, &[&attempt[..], &[tries.to_str().unwrap()], &to].concat());
    assert_eq!(output.code, 1, "{}", both(&output));
    let written: Value = serde_json::from_str(&output.stdout_text()).unwrap();
    assert_eq!(written[0]["error"]["code"], "spec::trial_directory");
    assert!(Path::new(written[0]["spec"].as_str().unwrap()).is_file());
    assert!(written[1]["error"].is_null() && !written[1]["tried"].is_null(), "{written:#}");

    // Nothing at all: as for one target.
    let output = run(&source, &[&["-D", "ubuntu-20.04"], &to[..]].concat());
    assert_eq!(output.code, 2, "{}", both(&output));
    let written: Value = serde_json::from_str(&output.stdout_text()).unwrap();
    assert_eq!(written.as_array().unwrap().len(), 1);
    assert_eq!(written[0]["error"]["code"], "debian::debhelper");
}
