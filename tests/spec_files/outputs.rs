//! What lies in the output directory already, and what is packed of it.

use std::path::Path;

use crate::support::{both, expect_success};
use crate::tool::{generation, undated};

/// A project of which its backend packs every file that there is.
fn project(directory: &Path) {
    let pyproject = "[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n\
                     [project]\nname = \"app\"\nversion = \"1.0\"\n[project.scripts]\napp = \"app:main\"\n";
    let configuration = "[package]\nmaintainer = \"A <a@example.org>\"\n[[service]]\nname = \"web\"\ncommand = \"app\"\n\
                         [[file]]\nsource = \"etc/app.conf\"\ndestination = \"/etc/app.conf\"\n";
    fs_err::create_dir_all(directory.join("etc")).unwrap();
    for (name, text) in [
        ("pyproject.toml", pyproject),
        ("omnipack.toml", configuration),
        ("app.py", "def main():\n    pass\n"),
        ("etc/app.conf", "a = 1\n"),
        ("LICENSE", "MIT\n"),
    ] {
        fs_err::write(directory.join(name), text).unwrap();
    }
}

fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let walk = walkdir::WalkDir::new(directory).sort_by_file_name().into_iter().map(Result::unwrap);
    let files = walk.filter(|entry| entry.file_type().is_file());
    let read = |path: &Path| (path.strip_prefix(directory).unwrap().display().to_string(), fs_err::read(path).unwrap());
    files.map(|entry| read(entry.path())).collect()
}

/// A second run into the project itself, or below it, finds what the first has written, and packs none of it.
#[test]
fn a_run_packs_nothing_of_the_runs_before() {
    for distribution in ["fedora-42", "rocky-8", "debian-12"] {
        let directory = tempfile::tempdir().unwrap();
        project(directory.path());
        for below in ["", "packaging"] {
            let out = directory.path().join(below);
            expect_success(&generation(directory.path(), distribution, &out));
            let first = files(directory.path());
            expect_success(&generation(directory.path(), distribution, &out));
            let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
            let again = files(directory.path());
            assert_eq!(names(&again), names(&first), "{distribution} {below}");
            assert!(again == first, "{distribution} {below}");
        }
    }
    let directory = tempfile::tempdir().unwrap();
    project(directory.path());
    for below in ["", "", "packaging", "packaging"] {
        expect_success(&generation(directory.path(), "fedora-42", &directory.path().join(below)).arg("--srpm"));
    }
    let packages = files(directory.path()).into_iter().filter(|(name, _)| name.ends_with(".rpm")).collect::<Vec<_>>();
    assert_eq!(packages.len(), 2);
    assert!(packages[0].1 == packages[1].1);
}

/// What was edited is kept, and nothing else is written beside it, until the user says otherwise.
#[test]
fn a_file_that_differs_is_replaced_with_force_only() {
    let directory = tempfile::tempdir().unwrap();
    let (source, out) = (directory.path().join("source"), directory.path().join("out"));
    fs_err::create_dir(&source).unwrap();
    project(&source);
    let run = |arguments: &[&str]| generation(&source, "fedora-42", &out).args(arguments).run().unwrap();
    assert_eq!(run(&[]).code, 0);
    let made = files(&out);
    for (name, _) in &made {
        fs_err::write(out.join(name), "edited").unwrap();
    }
    fs_err::remove_file(out.join("app-1.0.tar.gz")).unwrap();
    let output = run(&[]);
    assert_eq!(output.code, 2, "{}", both(&output));
    assert!(both(&output).contains("spec::exists") && both(&output).contains("--force"), "{}", both(&output));
    for (name, _) in made.iter().filter(|(name, _)| name != "app-1.0.tar.gz") {
        assert!(both(&output).contains(name), "{name}: {}", both(&output));
        assert_eq!(fs_err::read_to_string(out.join(name)).unwrap(), "edited");
    }
    assert!(!out.join("app-1.0.tar.gz").exists());
    assert_eq!(run(&["--force"]).code, 0);
    assert!(files(&out) == made);

    let package = out.join("app-1.0-1.fc42.src.rpm");
    fs_err::write(&package, "another").unwrap();
    let output = run(&["--srpm"]);
    assert_eq!((output.code, fs_err::read(&package).unwrap().as_slice()), (2, &b"another"[..]), "{}", both(&output));
    assert_eq!(run(&["--srpm", "--force"]).code, 0);
    assert_eq!(run(&["--srpm"]).code, 0, "the same again");
    assert!(fs_err::metadata(&package).unwrap().len() > 1000);
}

/// Sources, patches and the spec lie in one directory, and in a source package, whatever the user calls them.
#[test]
fn every_file_has_a_name_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("source");
    fs_err::create_dir(&source).unwrap();
    project(&source);
    for name in ["fix/app.conf", "fix/app.spec", "fix/app-1.0.tar.gz", "more/app.conf", "data/app.conf"] {
        fs_err::create_dir_all(source.join(name).parent().unwrap()).unwrap();
        fs_err::write(source.join(name), format!("# {name}\n")).unwrap();
    }
    let configuration = fs_err::read_to_string(source.join("omnipack.toml")).unwrap();
    let rpm = "[rpm]\npatches = [\"fix/app.conf\", \"fix/app.spec\", \"fix/app-1.0.tar.gz\", \"more/app.conf\"]\n\
               sources = [\"data/app.conf\", \"https://me:s3cret@example.org/app-1.0.tar.gz\"]\n";
    fs_err::write(source.join("omnipack.toml"), format!("{configuration}{rpm}")).unwrap();
    let out = directory.path().join("out");
    let output = generation(&source, "fedora-42", &out).run().unwrap();
    assert_eq!(output.code, 0, "{}", both(&output));
    let made = files(&out);
    for name in ["fix/app.conf", "fix/app.spec", "fix/app-1.0.tar.gz", "more/app.conf", "data/app.conf"] {
        let text = format!("# {name}\n");
        assert_eq!(made.iter().filter(|(_, bytes)| bytes == text.as_bytes()).count(), 1, "{name}");
    }
    let spec = fs_err::read_to_string(out.join("app.spec")).unwrap();
    let mut names = spec.lines().filter(|line| line.starts_with("Source") || line.starts_with("Patch"));
    let names = names.by_ref().map(|line| line.rsplit(['/', ' ']).next().unwrap()).collect::<Vec<_>>();
    let mut different = names.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), names.len(), "{spec}");
    // An address is written without a login, which is said; nothing shows it.
    assert!(spec.contains("https://example.org/app-1.0.tar.gz#/2-app-1.0.tar.gz"), "{spec}");
    assert!(!spec.contains("s3cret") && !both(&output).contains("s3cret"), "{spec}");
    assert!(both(&output).contains("the login in the address of `app-1.0.tar.gz`"), "{}", both(&output));
}

/// setuptools makes a distribution without a name rather than an error.
#[test]
fn a_wheel_without_a_name_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("source");
    fs_err::create_dir(&source).unwrap();
    fs_err::write(source.join("setup.py"), "from setuptools import setup\nsetup(py_modules=['odd', 'other'])\n")
        .unwrap();
    fs_err::write(source.join("odd.py"), "").unwrap();
    fs_err::write(source.join("other.py"), "").unwrap();
    let output = undated(&source, "fedora-42", &directory.path().join("out")).run().unwrap();
    assert_eq!(output.code, 1, "{}", both(&output));
    let said = both(&output);
    assert!(said.contains("resolve::unnamed") && said.contains("setuptools>=61"), "{said}");
    assert!(!directory.path().join("out").exists());
}

/// Only what was written here is left out.
#[test]
fn a_spec_of_the_users_own_belongs_to_the_sources() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("source");
    fs_err::create_dir(&source).unwrap();
    project(&source);
    fs_err::write(source.join("other.spec"), "Name: other\n").unwrap();
    let out = directory.path().join("out");
    expect_success(&generation(&source, "fedora-42", &out));
    let archive = out.join("app-1.0.tar.gz");
    let listing = expect_success(&omnipack::exec::Command::new("tar").arg("-tzf").arg(archive));
    assert!(listing.contains("app-1.0/other.spec"), "{listing}");
}
