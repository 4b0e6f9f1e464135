//! `omnipack check`: what is said of a project before anything is built. `tests/explanations.rs` tries every hint on an example
//! that has it and one that does not.

mod support;

use std::path::Path;

use omnipack::exec::Output;
use serde_json::Value;
use support::{both, fixture, omnipack, repository};

/// 2026-10-01: in all tests the day that ends of support are compared with.
const TODAY: &str = "1790812800";

fn check(directory: &Path, arguments: &[&str]) -> Output {
    let cache = tempfile::tempdir().unwrap();
    let command = omnipack().dir(directory).env("OMNIPACK_CACHE", cache.path()).env("SOURCE_DATE_EPOCH", TODAY);
    command.env("COLUMNS", "100").arg("check").args(arguments).run().unwrap()
}

fn findings(output: &Output) -> Vec<Value> {
    serde_json::from_str(&output.stdout_text()).unwrap_or_else(|error| panic!("{error}\n{}", both(output)))
}

fn codes(findings: &[Value]) -> Vec<&str> {
    findings.iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

fn write(directory: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = directory.join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
}

/// A project that nothing can be said of.
const SOUND: &str = "[project]\nname = 'demo'\nversion = '1.0'\nlicense = 'MIT'\n\
    authors = [{ name = 'Ada', email = 'ada@example.org' }]\n[project.scripts]\ndemo-web = 'demo:main'\n";

const USER: &str = "[[user]]\nname = 'demo'\n";

// ---------------------------------------------------------------------------------------------------------------------
// Fixtures

#[test]
fn what_is_said_of_the_fixtures() {
    for name in ["cdhboot", "flocker", "minimal", "native"] {
        let path = fixture(name);
        let path = path.strip_prefix(repository()).unwrap().to_str().unwrap();
        let targets = ["-D", "rocky-9", "-D", "debian-12", "-D", "centos-7", "-D", "ubuntu-24.04"];
        let output = check(repository(), &[&targets[..], &[path]].concat());
        assert_eq!((output.code, output.stderr_text()), (0, String::new()), "{}", both(&output));
        let text = output.stdout_text().lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("check-{name}"), text);
        });
    }
}

#[test]
fn every_mistake_in_a_configuration_is_found_here_too() {
    let broken = fs_err::read_dir(fixture("broken")).unwrap().map(|entry| entry.unwrap().path());
    let mut broken = broken.filter(|path| path.to_string_lossy().contains("/config-")).collect::<Vec<_>>();
    broken.sort();
    assert!(broken.len() > 50);
    let arguments = broken.iter().map(|path| path.to_str().unwrap());
    let arguments = ["--json", "-D", "rocky-9"].into_iter().chain(arguments).collect::<Vec<_>>();
    let output = check(repository(), &arguments);
    let found = findings(&output);
    assert_eq!(output.code, 2, "{}", both(&output));
    for path in &broken {
        let its = found.iter().filter(|finding| finding["project"] == path.to_str().unwrap()).collect::<Vec<_>>();
        assert!(its.iter().any(|one| one["level"] == "error" && one["line"].is_u64()), "{}: {its:?}", path.display());
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// What is found

#[test]
fn a_sound_project_has_nothing_said_of_it() {
    let place = tempfile::tempdir().unwrap();
    let config = format!(
        "[targets]\ndistributions = ['rocky-9', 'debian-13']\n{USER}[[service]]\nname = 'web'\ncommand = 'demo-web'\nuser = 'demo'\n"
    );
    write(place.path(), &[("pyproject.toml", SOUND), ("omnipack.toml", &config)]);
    let output = check(place.path(), &["--strict"]);
    assert_eq!(
        (output.code, output.stdout_text().as_str()),
        (0, "nothing to say for 2 targets\n"),
        "{}",
        both(&output)
    );
}

#[test]
fn errors_of_all_targets_and_parts_are_found_at_once() {
    let place = tempfile::tempdir().unwrap();
    let project = SOUND.replace("license", "requires-python = '>=3.8'\nlicense");
    let config = format!(
        "[targets]\ndistributions = ['centos-7', 'rocky-9', 'debian-12']\n{USER}\
         [[service]]\nname = 'web'\ncommand = 'demo-web'\nuser = 'demo'\nenvironment-file = '/etc/demo/w?b.env'\n\
         [[service]]\nname = 'worker'\ncommand = 'demo-web'\nuser = 'demo'\nenvironment-file = '/etc/demo/*.env'\n\
         [[file]]\nsource = 'demo.conf'\ndestination = '/etc/demo/demo.conf'\ntemplate = true\n\
         [distribution.rocky-9.python]\nversion = '3.6'\n"
    );
    let files = [("pyproject.toml", &*project), ("omnipack.toml", &config), ("demo.conf", "{{ prefx }}\n")];
    write(place.path(), &files);
    let output = check(place.path(), &["--json"]);
    assert_eq!(output.code, 1, "{}", both(&output));
    let found = findings(&output);
    let errors = found.iter().filter(|one| one["level"] == "error").map(|one| {
        let targets = one["targets"].as_array().unwrap().iter().map(|target| target.as_str().unwrap());
        let line = one["line"].as_u64().map(|line| line.to_string()).unwrap_or_default();
        format!("{} {line} {}", one["code"].as_str().unwrap(), targets.collect::<Vec<_>>().join(","))
    });
    assert_eq!(
        errors.collect::<Vec<_>>(),
        [
            "plan::requires_python  centos-7",
            "plan::python  rocky-9",
            "service::value 9 centos-7,debian-12",
            "service::value 14 centos-7,debian-12",
            "stage::template 16 centos-7,debian-12",
        ],
        "{}",
        both(&output)
    );
    assert!(found[0]["help"].as_str().unwrap().contains("bundled"));
}

#[test]
fn what_only_a_build_can_tell_is_left_out_and_said() {
    let place = tempfile::tempdir().unwrap();
    let dynamic = SOUND.replace("version = '1.0'", "dynamic = ['version', 'readme']").replace("license = 'MIT'\n", "");
    write(place.path(), &[("pyproject.toml", &dynamic)]);
    let output = check(place.path(), &["--json", "-D", "rocky-9", "--strict"]);
    let found = findings(&output);
    assert_eq!(codes(&found), ["hint::license", "hint::not_built"], "what is known is looked at");
    assert_eq!(found[1]["level"], "note");
    assert!(found[1]["message"].as_str().unwrap().starts_with("`version` of the metadata is made when"), "{found:?}");
    write(
        place.path(),
        &[("pyproject.toml", "[build-system]\nrequires = ['setuptools']\n"), ("setup.py", "import nope\n")],
    );
    let output = check(place.path(), &["--json", "-D", "rocky-9", "--strict"]);
    assert_eq!(codes(&findings(&output)), ["hint::not_built"], "nothing was run");
    assert_eq!(output.code, 0, "what was not looked at is no fault");
    let shown = check(place.path(), &["-D", "rocky-9"]).stdout_text();
    assert!(shown.contains("omnipack check --build") && shown.ends_with("1 note for 1 target\n"), "{shown}");
}

#[test]
fn a_version_that_a_build_computes_is_looked_at_with_build() {
    let place = tempfile::tempdir().unwrap();
    let project =
        "from setuptools import setup\nsetup(name='demo', version='0.' + str(0) + '.0', py_modules=['demo'])\n";
    write(place.path(), &[("setup.py", project), ("demo.py", "")]);
    // Python 3.11 is what Debian 12 has, where this runs.
    let output = check(place.path(), &["--json", "-D", "debian-12", "--build"]);
    assert_eq!(codes(&findings(&output)), ["hint::version", "hint::license", "hint::maintainer"], "{}", both(&output));
}

#[test]
fn a_secret_is_named_and_not_shown() {
    let place = tempfile::tempdir().unwrap();
    let config = format!(
        "{USER}[[service]]\nname = 'web'\ncommand = 'demo-web'\nenvironment = {{ DB_PASSWORD = 'hunter2' }}\n\
         umask = '0000'\nuser = 'demo'\n"
    );
    write(place.path(), &[("pyproject.toml", SOUND), ("omnipack.toml", &config)]);
    for arguments in
        [&["-D", "rocky-9"][..], &["-D", "rocky-9", "--json"], &["-D", "rocky-9", "--message-format", "github"]]
    {
        let output = check(place.path(), arguments);
        let said = both(&output);
        assert!(said.contains("DB_PASSWORD") && said.contains("hint::umask"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
    assert!(check(place.path(), &["-D", "rocky-9"]).stdout_text().contains("DB_PASSWORD = '*******'"));
}

#[test]
fn secrets_of_commands_and_requirements_are_named_and_never_shown() {
    let directory = tempfile::tempdir().unwrap();
    let services =
        "[[service]]\nname = 'web'\ncommand = \"demo-web --password hunter2 --token=hunter3\"\nuser = 'demo'\n";
    let pyproject = SOUND
        .replace("version = '1.0'", "version = '1.0'\ndependencies = ['private @ git+https://tok:hunter4@host/x.git']");
    let files = [
        ("pyproject.toml", pyproject.as_str()),
        ("requirements.txt", "other @ git+https://tok:hunter5@host/y.git\n# git+https://tok:hunter6@host/z.git\n"),
        (
            "omnipack.toml",
            &format!(
                "{USER}{services}[python]\nrequirements = ['requirements.txt']\n[targets]\ndistributions = ['debian-12']\n"
            ),
        ),
    ];
    write(directory.path(), &files);
    let said = both(&check(directory.path(), &[]));
    for part in [
        "`--password` in `command` of service `web`",
        "`--token` in `command` of service `web`",
        "in the address of a requirement",
        "[pyproject.toml:",
        "[requirements.txt:1:",
    ] {
        assert!(said.contains(part), "no {part:?} in\n{said}");
    }
    assert!(!said.contains("hunter"), "{said}");

    // An error on the same line shows no more, nor does one that stops all else.
    for mistake in
        ["environment = { DB_PASSWORD = 'hunter2', 'no=name' = 'x' }", "environment = { DB_PASSWORD = 'hunter2' } x"]
    {
        let config = format!("{services}{mistake}\n").replace("--token", "--nonsense 'a --token");
        write(directory.path(), &[("omnipack.toml", &config)]);
        let output = check(directory.path(), &[]);
        let said = both(&output);
        assert!(output.code == 2 && said.contains("[omnipack.toml:") && !said.contains("hunter"), "{said}");
    }
}

#[test]
fn a_python_that_its_distribution_fixes_is_not_too_old() {
    let place = tempfile::tempdir().unwrap();
    write(place.path(), &[("pyproject.toml", SOUND)]);
    let found = |name: &str| findings(&check(place.path(), &["--json", "-D", name]));
    // Their Pythons are 3.6 and 3.9, which python.org fixes no more.
    assert_eq!(found("rocky-8"), Vec::<Value>::new());
    assert_eq!(found("rocky-9"), Vec::<Value>::new());
    let old = found("centos-7");
    let mut old_codes = codes(&old);
    old_codes.sort_unstable();
    assert_eq!(old_codes, ["hint::distribution_eol", "hint::python_eol"]);
    assert!(old.iter().any(|one| one["message"].as_str().unwrap().contains("no fixes since 2024-06-30")), "{old:?}");
    assert_eq!(codes(&found("fedora-43")), ["hint::distribution_soon"]);
}

// ---------------------------------------------------------------------------------------------------------------------
// The command

/// One hint and one warning.
fn hinted(directory: &Path, more: &str) {
    let config = format!(
        "{more}{USER}[[service]]\nname = 'web'\ncommand = 'demo-web'\n\n[[directory]]\npath = '/srv/demo'\nmode = '0777'\n"
    );
    write(directory, &[("pyproject.toml", SOUND), ("omnipack.toml", &config)]);
}

#[test]
fn hints_fail_when_they_are_to() {
    let place = tempfile::tempdir().unwrap();
    hinted(place.path(), "");
    let output = check(place.path(), &["-D", "rocky-9"]);
    assert_eq!(output.code, 0);
    assert!(output.stdout_text().ends_with("\n\n1 warning, 1 hint for 1 target\n"), "{}", output.stdout_text());
    assert_eq!(check(place.path(), &["-D", "rocky-9", "--strict"]).code, 1);
    let quiet = check(place.path(), &["-D", "rocky-9", "--strict", "--quiet"]);
    assert_eq!((quiet.code, both(&quiet)), (1, String::new()));
}

#[test]
fn hints_can_be_silenced_and_are_reported_as_silenced() {
    let place = tempfile::tempdir().unwrap();
    hinted(place.path(), "[check]\nallow = ['hint::root', 'hint::world_writable']\n");
    let output = check(place.path(), &["-D", "rocky-9", "--strict"]);
    assert_eq!((output.code, output.stdout_text().as_str()), (0, "nothing to say (2 silenced) for 1 target\n"));
    let found = findings(&check(place.path(), &["-D", "rocky-9", "--json"]));
    assert_eq!(codes(&found), ["hint::world_writable", "hint::root"]);
    assert!(found.iter().all(|finding| finding["silenced"] == true));
    hinted(place.path(), "[check]\nallow = ['hint::rot']\n");
    let output = check(place.path(), &["-D", "rocky-9"]);
    assert_eq!(output.code, 2);
    for said in ["there is no hint `hint::rot`", "did you mean `hint::root`?", "omnipack.toml:2:10"] {
        assert!(output.stdout_text().contains(said), "{}", output.stdout_text());
    }
}

#[test]
fn a_workflow_gets_annotations_beside_the_json() {
    let place = tempfile::tempdir().unwrap();
    hinted(place.path(), "");
    let output = check(place.path(), &["-D", "rocky-9", "--json", "--message-format", "github"]);
    assert_eq!(findings(&output).len(), 2);
    let said = output.stderr_text();
    let lines = said.lines().collect::<Vec<_>>();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(
        lines[0].starts_with("::warning file=omnipack.toml,line=9,col=8,endColumn=14,title=hint%3A%3Aworld_writable::"),
        "{said}"
    );
    assert!(
        lines[1].starts_with(
            "::notice file=omnipack.toml,line=3,col=1,endColumn=12,title=hint%3A%3Aroot::service `web` runs"
        ),
        "{said}"
    );
}

#[test]
fn one_broken_project_does_not_hide_the_others() {
    let place = tempfile::tempdir().unwrap();
    hinted(&place.path().join("one"), "[targets]\ndistributions = ['rocky-9']\n");
    write(
        &place.path().join("two"),
        &[("pyproject.toml", SOUND), ("omnipack.toml", "[targets]\ndistributions = ['rocky-0']\n")],
    );
    let output = check(place.path(), &["one", "two", "./three"]);
    let text = output.stdout_text();
    assert_eq!(output.code, 2);
    for said in ["one:\n\n", "two:\n\n", "./three:\n\n", "runs as root", "`rocky-0`", "no project at `./three`"] {
        assert!(text.contains(said), "no {said:?} in\n{text}");
    }
    assert!(text.ends_with("2 errors, 1 warning, 1 hint for 1 target\n"), "{text}");
}

#[test]
fn every_hint_can_be_silenced() {
    let explained = omnipack::cli::explain::all();
    let mut explained = explained.iter().filter(|one| one.floor() == "hint").map(|one| one.code).collect::<Vec<_>>();
    let mut known = omnipack::check::CODES.to_vec();
    explained.sort_unstable();
    known.sort_unstable();
    assert_eq!(known, explained);
}
