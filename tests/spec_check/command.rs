//! `omnipack generate-spec --check`, with repositories in all forms.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use omnipack::exec::{Command, Output};
use serde_json::Value;

use crate::remote::{Login, Server};
use crate::repository::{Rpm, make, release};
use crate::support::{both, expect_success, omnipack};

/// A project that requires `requirements`.
fn project(directory: &Path, requirements: &[&str]) -> PathBuf {
    let project = directory.join("project");
    fs_err::create_dir(&project).unwrap();
    let list = requirements.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(", ");
    let text = format!(
        "[project]\nname = \"shop\"\nversion = \"1.0\"\ndependencies = [{list}]\n[build-system]\nrequires = [\"setuptools\"]\n\
         build-backend = \"setuptools.build_meta\"\n[tool.setuptools]\npy-modules = [\"shop\"]\n"
    );
    fs_err::write(project.join("pyproject.toml"), text).unwrap();
    fs_err::write(project.join("shop.py"), "").unwrap();
    project
}

const REQUIREMENTS: [&str; 7] = [
    "Flask>=2",
    "celery[redis]~=5.2",
    "pytz!=2024.1",
    "old",
    "nothere==1.*",
    "setuptools<70",
    "enum34; python_version < \"3.4\"",
];

struct Check<'a> {
    scratch: &'a Path,
    project: &'a Path,
    distribution: &'a str,
}

impl Check<'_> {
    fn command(&self, options: &[&str]) -> Command {
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("spec-check-cache");
        let command = omnipack().args(["generate-spec", "--machine", "x86_64", "--distribution", self.distribution]);
        let command = command.args(options.iter().copied()).arg("--cache-dir").arg(cache);
        command.arg(self.project).dir(self.scratch)
    }

    fn run(&self, options: &[&str]) -> Output {
        let files =
            || fs_err::read_dir(self.scratch).unwrap().map(|entry| entry.unwrap().path()).collect::<BTreeSet<_>>();
        let before = files();
        let output = self.command(options).run().unwrap();
        assert_eq!(files(), before, "`--check` wrote something");
        output
    }

    fn json(&self, repository: &str) -> (i32, Value) {
        let output = self.run(&["--check", "--json", "--repository", repository]);
        let value = serde_json::from_str(&output.stdout_text());
        (output.code, value.unwrap_or_else(|error| panic!("{error}\n{}", both(&output))))
    }
}

/// Each relation with its verdict, whatever the packages are called.
fn verdicts(report: &Value) -> BTreeMap<String, String> {
    let rows = report[0]["rows"].as_array().unwrap().iter();
    let relations = rows.flat_map(|row| row["relations"].as_array().unwrap().iter().map(move |one| (row, one)));
    relations
        .map(|(row, one)| {
            let relation = format!("{} {}", row["need"].as_str().unwrap(), one["relation"].as_str().unwrap());
            (relation, one["verdict"].as_str().unwrap().to_owned())
        })
        .collect()
}

fn dnf(repository: &Path, scratch: &Path, arguments: &[&str]) -> String {
    let command =
        Command::new("dnf").args(["--quiet", "--releasever", "42", "--installroot"]).arg(scratch.join("root"));
    let command = command.arg(format!("--setopt=cachedir={}", scratch.join("dnf").display()));
    let command =
        command.args(["--repofrompath", &format!("r,file://{}", repository.display()), "--repo", "r", "repoquery"]);
    expect_success(&command.args(arguments.iter().copied()).env("HOME", scratch))
}

#[test]
fn every_form_of_a_repository_says_the_same() {
    let scratch = tempfile::tempdir().unwrap();
    let repository = scratch.path().join("os");
    make(&repository, &release(), &[]);
    let project = project(scratch.path(), &REQUIREMENTS);
    let check = Check { scratch: scratch.path(), project: &project, distribution: "fedora-42" };
    let (code, report) = check.json("os");
    assert_eq!(code, 1);
    let of = |relation: &str, verdict: &str| (relation.to_owned(), verdict.to_owned());
    let expected = BTreeMap::from([
        of("build pyproject-rpm-macros", "satisfied"),
        of("build python3-devel", "satisfied"),
        of("build python3dist(setuptools)", "satisfied"),
        of("install (python3dist(celery) >= 5.2 with python3dist(celery) < 6)", "satisfied"),
        of("install (python3dist(celery[redis]) >= 5.2 with python3dist(celery[redis]) < 6)", "satisfied"),
        of("install (python3dist(nothere) >= 1 with python3dist(nothere) < 2)", "missing"),
        of("install (python3dist(pytz) < 2024.1 or python3dist(pytz) > 2024.1)", "wrong-version"),
        of("install python3dist(flask) >= 2", "satisfied"),
        of("install python3dist(old)", "missing"),
        of("install python3dist(setuptools) < 70~~", "wrong-version"),
    ]);
    assert_eq!(verdicts(&report), expected);

    let provides = dnf(&repository, scratch.path(), &["--available", "--arch", "x86_64,noarch", "--provides"]);
    fs_err::write(scratch.path().join("provides"), provides).unwrap();
    let format = "package %{name}-%{epoch}:%{version}-%{release}.%{arch}\\n%{provides}";
    let packages = dnf(&repository, scratch.path(), &["--available", "--qf", format]);
    fs_err::write(scratch.path().join("packages"), packages).unwrap();
    let server = Server::start(scratch.path(), Login::None);
    for form in ["os/repodata", "provides", "packages", &server.url("", "os/")] {
        let (code, report) = check.json(form);
        assert_eq!((code, verdicts(&report)), (1, expected.clone()), "{form}");
    }
    let words = check.command(&["--check", "--json", "--repository", "-"]).display();
    let output = Command::new("sh").args(["-c", &format!("{words} <packages")]).dir(scratch.path()).run().unwrap();
    let report: Value =
        serde_json::from_str(&output.stdout_text()).unwrap_or_else(|error| panic!("{error} {}", both(&output)));
    assert_eq!(verdicts(&report), expected);
    assert_eq!(report[0]["repositories"][0], "standard input");

    // And who provides it is who dnf says, which takes brackets for a pattern.
    let relations = report[0]["rows"].as_array().unwrap().iter().flat_map(|row| row["relations"].as_array().unwrap());
    for one in relations.filter(|one| !one["relation"].as_str().unwrap().contains('[')) {
        let found = dnf(&repository, scratch.path(), &["--whatprovides", one["relation"].as_str().unwrap()]);
        let found = found.lines().filter(|line| !line.ends_with(".i686")).map(|line| line.replace("-0:", "-"));
        let by = one["by"].as_array().cloned().unwrap_or_default();
        let by = by.iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>();
        assert_eq!(found.collect::<Vec<_>>(), by, "{one}");
    }
}

#[test]
fn people_get_a_table_and_scripts_an_exit_code() {
    let scratch = tempfile::tempdir().unwrap();
    let repository = scratch.path().join("os");
    make(&repository, &release(), &[]);
    let project = project(scratch.path(), &REQUIREMENTS);
    let check = Check { scratch: scratch.path(), project: &project, distribution: "fedora-42" };
    let output = check.run(&["--check", "--repository", "os"]);
    assert_eq!(output.code, 1);
    insta::assert_snapshot!(output.stdout_text());
    let quiet = check.run(&["--check", "--quiet", "--repository", "os"]);
    assert_eq!((quiet.code, both(&quiet)), (1, String::new()));

    // A second repository has the rest.
    let more = [
        Rpm::new("python3-old", "2-1", &["python3dist(old) = 2"]),
        Rpm::new("python3-nothere", "1.9-1", &["python3dist(nothere) = 1.9"]),
        Rpm::new("python3-pytz", "2025.1-1", &["python3dist(pytz) = 2025.1"]),
        Rpm::new("python3-setuptools", "69.5-1", &["python3dist(setuptools) = 69.5"]),
    ];
    make(&scratch.path().join("more"), &more, &["--compress-type", "xz"]);
    let whole = check.run(&["--check", "--repository", "os", "--repository", "more"]);
    assert_eq!(whole.code, 0, "{}", both(&whole));
    assert!(whole.stdout_text().ends_with("all 9 requirements are satisfied\n"), "{}", whole.stdout_text());
}

#[test]
fn mistakes_are_explained() {
    let scratch = tempfile::tempdir().unwrap();
    let project = project(scratch.path(), &[]);
    let check = Check { scratch: scratch.path(), project: &project, distribution: "fedora-42" };
    fs_err::create_dir_all(scratch.path().join("empty")).unwrap();
    for (options, expected) in [
        (&["--check"][..], "dnf repoquery --available --provides"),
        (&["--check", "--repository", "nowhere"], "no such file or directory"),
        (&["--check", "--repository", "empty"], "`repodata/repomd.xml`"),
        (&["--check", "--repository", "gopher://x/"], "`gopher:`"),
        (&["--repository", "empty"], "--check"),
    ] {
        let output = check.run(options);
        assert_eq!(output.code, 2, "{options:?}: {}", both(&output));
        let words = both(&output).split(['\n', '|', ' ']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        assert!(words.contains(expected), "{options:?}: {words}");
    }
}

/// The programs that macros of older dialects call are paths, which only the lists of all files have.
#[test]
fn other_dialects_and_formats_are_checked_too() {
    let scratch = tempfile::tempdir().unwrap();
    let project = project(scratch.path(), &["Flask>=2", "PyYAML", "pytz"]);
    let release = [
        Rpm::new("python3-Flask", "2.0-1", &[]),
        Rpm::new("python3-PyYAML", "5.4-1", &[]),
        Rpm::new("python3-pytz", "2022.1-1", &[]),
    ];
    make(&scratch.path().join("os"), &release, &[]);
    let check = Check { scratch: scratch.path(), project: &project, distribution: "opensuse-leap-15.6" };
    let (code, report) = check.json("os");
    let verdicts_of = |report: &Value| {
        let install = verdicts(report).into_iter().filter(|(name, _)| name.starts_with("install"));
        install.collect::<Vec<_>>()
    };
    let pair = |relation: &str, verdict: &str| (format!("install {relation}"), verdict.to_owned());
    let satisfied =
        ["python3-Flask >= 2", "python3-PyYAML", "python3-pytz"].map(|relation| pair(relation, "satisfied"));
    assert_eq!((code, verdicts_of(&report)), (1, satisfied.to_vec()), "the tools that build it are not there");

    let packages = "Package: python3-flask\nVersion: 2.2.2-3\nArchitecture: all\nDescription: x\n y\n\nPackage: python3-yaml\n\
                    Version: 6.0-3+b2\nArchitecture: amd64\n\nPackage: other\nVersion: 1\nArchitecture: arm64\nProvides: python3-pytz (= 1), x\n";
    fs_err::write(scratch.path().join("Packages"), packages).unwrap();
    expect_success(&Command::new("xz").args(["--keep", "Packages"]).dir(scratch.path()));
    let check = Check { distribution: "debian-12", ..check };
    for form in ["Packages", "Packages.xz", &Server::start(scratch.path(), Login::None).url("", "Packages.xz")] {
        let (code, report) = check.json(form);
        assert_eq!(code, 1, "{form}");
        let names = verdicts_of(&report);
        assert_eq!(names.len(), 3, "{names:?}");
        for (name, verdict) in names {
            let expected = if name.starts_with("install python3-flask") || name == "install python3-yaml" {
                "satisfied"
            } else {
                "missing"
            };
            assert_eq!(verdict, expected, "{form}: {name}");
        }
    }
    let output = check.run(&["--check", "--repository", "os"]);
    assert!(output.code == 2 && both(&output).contains("it has RPMs"), "{}", both(&output));
}
