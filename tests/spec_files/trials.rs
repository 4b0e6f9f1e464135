//! `generate-spec --try`: real rpmbuild runs what was written, and what fails is said.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use omnipack::exec::{Command, Output};
use serde_json::Value;

use crate::rpmbuild::{path_of, project, query};
use crate::support::{both, fixture, name_of};
use crate::tool::{generation, python, repository_macros, succeed};

/// A user's home whose `.rpmmacros` has the macros of a dialect, and directories that the trial must not use.
fn home(dialect: &str, directory: &Path) -> PathBuf {
    let home = directory.join("home");
    fs_err::create_dir_all(&home).unwrap();
    let series =
        succeed(&Command::new(python()).args(["-c", "import sys; print('%d.%d' % sys.version_info[:2], end='')"]));
    let own = format!(
        "%__python3 {}\n%python3_version {series}\n%_build_id_links none\n%_sourcedir /nonexistent\n%_topdir /nonexistent\n",
        python().display()
    );
    fs_err::write(home.join(".rpmmacros"), repository_macros(dialect) + &own).unwrap();
    home
}

/// `generate-spec --try` for a project on fedora-42, with a temporary directory of its own.
struct Place {
    directory: tempfile::TempDir,
    command: Command,
}

impl Place {
    fn new(source: &Path, dialect: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let project = project(source, "fedora-42", directory.path());
        let temporary = directory.path().join("tmp");
        fs_err::create_dir_all(&temporary).unwrap();
        let command = generation(&project, "fedora-42", &directory.path().join("out"))
            .env("HOME", home(dialect, directory.path()))
            .env("TMPDIR", temporary)
            .env("LANG", "de_DE.UTF-8");
        // The cache is not the home's.
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("trial-cache");
        Self { command: command.env("OMNIPACK_CACHE", cache), directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.command.clone().args(arguments).env("PATH", path_of(python()))
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).run().unwrap();
        assert_eq!(self.left(), Vec::<String>::new(), "something is left of the trial\n{}", both(&output));
        output
    }

    /// What lies in the temporary directory, but for the locks that uv keeps there.
    fn left(&self) -> Vec<String> {
        let names = fs_err::read_dir(self.path("tmp")).unwrap().map(|entry| entry.unwrap().file_name());
        let names = names.map(|name| name.into_string().unwrap());
        names.filter(|name| !(name.starts_with("uv-") && name.ends_with(".lock"))).collect()
    }

    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.code, 1, "{}", both(&output));
        // As it is before lines are wrapped for a terminal.
        output.stderr_text().split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// A project whose `setup.py` says more than it should.
fn with_setup(directory: &Path, setup: &str) -> PathBuf {
    let source = directory.join("source");
    fs_err::create_dir_all(&source).unwrap();
    let pyproject = "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n\
                     [project]\nname = \"odd\"\nversion = \"1.0\"\n[tool.setuptools]\npy-modules = [\"odd\"]\n";
    for (name, text) in [("pyproject.toml", pyproject), ("odd.py", ""), ("setup.py", setup)] {
        fs_err::write(source.join(name), text).unwrap();
    }
    source
}

#[test]
fn each_stage_runs_what_it_says_and_all_leaves_packages() {
    let place = Place::new(&fixture("cdhboot"), "modern");
    let expected: [(&str, &[&str]); 3] = [
        ("prep", &["%prep"]),
        ("install", &["%prep", "%generate_buildrequires", "%build", "%install", "%check", "%files"]),
        ("all", &["%prep", "%generate_buildrequires", "%build", "%install", "%check", "%files"]),
    ];
    for (stage, names) in expected {
        let output = place.run(&["--try", stage, "--try-nodeps", "--json"]);
        assert_eq!(output.code, 0, "{}", both(&output));
        let json: Value = serde_json::from_str(&output.stdout_text()).unwrap();
        let tried = &json[0]["tried"];
        let stages = tried["stages"].as_array().unwrap();
        assert_eq!(stages.iter().map(|stage| stage["name"].as_str().unwrap()).collect::<Vec<_>>(), names);
        let progress = output.stderr_text();
        assert!(names.iter().all(|name| progress.contains(&format!("fedora-42: {name}"))), "{progress}");
        let packages = tried["packages"].as_array().unwrap().iter().map(|path| PathBuf::from(path.as_str().unwrap()));
        let packages = packages.collect::<Vec<_>>();
        let built = packages.iter().map(|path| name_of(path)).collect::<Vec<_>>();
        match stage {
            "all" => assert_eq!(
                built,
                [
                    "cdhboot-0.1-1.noarch.rpm",
                    "cdhboot-cli-0.1-1.noarch.rpm",
                    "cdhboot-node-0.1-1.noarch.rpm",
                    "cdhboot-0.1-1.src.rpm"
                ]
            ),
            _ => assert_eq!(built, Vec::<&str>::new()),
        }
        assert!(packages.iter().all(|path| path.starts_with(place.path("out"))));
        assert!(packages.first().is_none_or(|path| query(path, "%{NAME}") == "cdhboot"));
    }
    // What omnipack has written itself stays.
    let output = place.run(&["--try", "all", "--try-nodeps", "--srpm", "--force"]);
    assert!(output.stdout_text().contains("tried: %prep ("), "{}", both(&output));
    let ours = place.path("out/cdhboot-0.1-1.fc42.src.rpm");
    assert!(query(&ours, "%{RPMVERSION}").starts_with("omnipack-"));
}

#[test]
fn a_stage_that_fails_is_named_with_the_end_of_its_log() {
    let directory = tempfile::tempdir().unwrap();
    // The wheel is built before: only rpmbuild has a build root.
    let setup = "import os, sys\nfrom setuptools import setup\nif 'RPM_BUILD_ROOT' in os.environ:\n    \
                 print('x\\n' * 100)\n    sys.exit('this is where it ends')\nsetup()\n";
    let place = Place::new(&with_setup(directory.path(), setup), "modern");
    let said = place.fails(&["--try", "all", "--try-nodeps"]);
    for words in ["`odd.spec` fails in %build:", "this is where it ends", "`--try-directory DIR`", "spec::trial"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(said.matches(" x ").count() < 50 && !said.contains("Executing(%prep)"), "{said}");
    assert!(place.path("out/odd.spec").is_file(), "what was written can be looked at");

    let kept = place.path("kept");
    let said = place.fails(&["--try", "build", "--try-nodeps", "--try-directory", kept.to_str().unwrap()]);
    let log = kept.join("rpmbuild.log");
    assert!(said.contains(&format!("the whole log is `{}`", log.display())), "{said}");
    assert!(fs_err::read_to_string(log).unwrap().contains("Executing(%prep)"));
    assert!(kept.join("BUILD/odd-1.0/setup.py").is_file() || kept.join("BUILD").read_dir().unwrap().next().is_some());
    let said = place.fails(&["--try", "build", "--try-nodeps", "--try-directory", kept.to_str().unwrap()]);
    assert!(said.contains("holds something else"), "{said}");
}

#[test]
fn a_source_with_an_address_is_taken_from_beside_the_spec() {
    let directory = tempfile::tempdir().unwrap();
    let source = with_setup(directory.path(), "from setuptools import setup\nsetup()\n");
    let configuration = "[rpm]\nsources = [\"https://example.org/data.bin\"]\n";
    fs_err::write(source.join("omnipack.toml"), configuration).unwrap();
    let place = Place::new(&source, "modern");
    let said = place.fails(&["--try", "all", "--try-nodeps"]);
    assert!(said.contains("`odd.spec` fails in") && said.contains("SOURCES/data.bin"), "{said}");
    fs_err::write(place.path("out/data.bin"), "x").unwrap();
    let output = place.run(&["--try", "all", "--try-nodeps"]);
    assert_eq!(output.code, 0, "{}", both(&output));
}

#[test]
fn what_the_machine_lacks_is_said_before_anything_is_built() {
    let place = Place::new(&fixture("minimal"), "modern");
    let said = place.fails(&["--try", "build"]);
    for words in ["lacks what building `minimal.spec` requires", "pyproject-rpm-macros", "`--try-nodeps`"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let empty = place.path("home/.rpmmacros");
    fs_err::write(&empty, "").unwrap();
    let said = place.fails(&["--try", "build", "--try-nodeps"]);
    for words in
        ["this machine has no", "%pyproject_wheel", "they come with pyproject-rpm-macros", "`--try prep` needs none"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(place.run(&["--try", "prep", "--try-nodeps"]).code, 0);
    let nothing = place.path("nothing");
    fs_err::create_dir_all(&nothing).unwrap();
    let output = place.command.clone().args(["--try", "build"]).env("PATH", nothing).run().unwrap();
    let said = output.stderr_text().split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(output.code, 1);
    assert!(said.contains("no `rpmbuild` on PATH") && said.contains("`apt install rpm` (Debian, Ubuntu)"), "{said}");
    assert_eq!(place.run(&["--try-nodeps"]).code, 2, "without --try it says nothing");
}

#[test]
fn an_interrupted_trial_leaves_nothing_running_and_no_files() {
    let directory = tempfile::tempdir().unwrap();
    let mark = directory.path().join("mark");
    let setup = format!(
        "import os, subprocess\nfrom setuptools import setup\nif 'RPM_BUILD_ROOT' in os.environ:\n    \
         child = subprocess.Popen(['sleep', '600'])\n    open({:?}, 'w').write('%d %d ' % (os.getpid(), child.pid))\n    \
         child.wait()\nsetup()\n",
        mark.to_str().unwrap()
    );
    let place = Place::new(&with_setup(directory.path(), &setup), "modern");
    let command = place.command(&["--try", "build", "--try-nodeps"]);
    let running = command.start_logged(&directory.path().join("log")).unwrap();
    let begun = Instant::now();
    let pids = loop {
        let text = fs_err::read_to_string(&mark).unwrap_or_default();
        if text.ends_with(' ') {
            break text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        }
        let log = || fs_err::read_to_string(directory.path().join("log")).unwrap_or_default();
        assert!(begun.elapsed() < Duration::from_secs(120) && !running.has_ended(), "{}", log());
        std::thread::sleep(Duration::from_millis(50));
    };
    succeed(&Command::new("kill").args(["-s", "INT", &running.pid().to_string()]));
    while !running.has_ended() {
        assert!(begun.elapsed() < Duration::from_secs(150), "it goes on");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(running.exit_code(), Some(130));
    assert_eq!(pids.len(), 2);
    for pid in pids {
        let state = fs_err::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(state.is_empty() || state.contains(" Z "), "{state}");
    }
    assert_eq!(place.left(), Vec::<String>::new());
}
