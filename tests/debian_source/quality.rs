//! What maintainers look for in a source package before they upload it.

use std::path::{Path, PathBuf};

use omnipack::exec::Command;

use crate::support::{both, expect_success, omnipack};
use crate::tool::{build, field, relations};

const PYPROJECT: &str = "[build-system]\nrequires = [\"setuptools>=61\"]\nbuild-backend = \"setuptools.build_meta\"\n[project]\n\
    name = \"greeter\"\nversion = \"2.0rc1\"\ndescription = \"service\"\nauthors = [{ name = \"Up Stream\" }]\n\
    dependencies = [\"PyYAML>=5; python_version>='3'\"]\nscripts.greeter = \"greeter:main\"\n\
    [tool.setuptools]\npackages = [\"greeter\"]\n";
const CONFIGURATION: &str = "[[service]]\nname = \"web\"\ncommand = \"greeter\"\nuser = \"root\"\n";

/// A pre-release, committed on a day of 2020, whose one program is a service.
fn greeter(directory: &Path) -> PathBuf {
    let source = directory.join("source");
    fs_err::create_dir_all(source.join("greeter")).unwrap();
    fs_err::write(source.join("pyproject.toml"), PYPROJECT).unwrap();
    fs_err::write(source.join("greeter/__init__.py"), "def main():\n    pass\n").unwrap();
    fs_err::write(source.join("omnipack.toml"), CONFIGURATION).unwrap();
    let line = "git init -q . && git add . && git -c user.name=a -c user.email=a@example.org commit -q -m first";
    let date = "2020-02-02T12:00:00Z";
    let commit = Command::new("sh").args(["-ec", line]).dir(&source);
    expect_success(&commit.env("GIT_AUTHOR_DATE", date).env("GIT_COMMITTER_DATE", date));
    source
}

/// Without the date that all other calls have.
fn generation(source: &Path, distribution: &str, directory: &Path) -> Command {
    let command = omnipack().args(["generate-spec", "--distribution", distribution, "--output-directory"]);
    let variables = ["SOURCE_DATE_EPOCH", "RPM_PACKAGER", "DEBFULLNAME", "DEBEMAIL"];
    variables.into_iter().fold(command.arg(directory).arg(source), Command::env_remove)
}

/// The orig tarball of a pre-release does not take the name of the release's; days, maintainers and packages are those of
/// the spec file. Debian 11 needs a `setup.py`.
#[test]
fn a_pre_release_is_dated_and_has_an_orig_tarball_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let source = greeter(directory.path());
    let output = directory.path().join("out");
    let generation = generation(&source, "debian-11", &output);
    let ran = generation.env("DEBFULLNAME", "Ada").env("DEBEMAIL", "ada@example.org").run().unwrap();
    assert_eq!(ran.code, 0, "{}", both(&ran));
    assert!(!both(&ran).contains("to maintain the package"), "{}", both(&ran));
    assert!(output.join("greeter_2.0~rc1.orig.tar.gz").exists(), "{}", both(&ran));
    let tree = output.join("greeter-2.0~rc1");
    let changelog = fs_err::read_to_string(tree.join("debian/changelog")).unwrap();
    assert!(changelog.starts_with("greeter (2.0~rc1-1) bullseye; "), "{changelog}");
    assert!(changelog.ends_with(" -- Ada <ada@example.org>  Sun, 02 Feb 2020 12:00:00 +0000\n"), "{changelog}");
    let built = build(&tree);
    assert_eq!(built.packages.keys().collect::<Vec<_>>(), ["greeter", "greeter-node"], "the program is the service's");
    let package = &built.packages["greeter"];
    assert!(
        field(package, "Description").starts_with("service (Python application)"),
        "{}",
        field(package, "Description")
    );
    assert_eq!(field(package, "Maintainer"), "Ada <ada@example.org>");
    let depends = relations(package, "Depends");
    assert!(depends.contains(&"python3-yaml (>= 5)".to_owned()), "{depends:?}");
    follows_the_sources(&tree, &directory.path().join("later"));
}

/// The `setup.py` that is written has the version of the sdist that it lies in.
fn follows_the_sources(tree: &Path, directory: &Path) {
    let patch = fs_err::read_to_string(tree.join("debian/patches/setup.py.patch")).unwrap();
    let lines = patch.lines().skip_while(|line| !line.starts_with("@@")).filter_map(|line| line.strip_prefix('+'));
    let text = lines.map(|line| format!("{line}\n")).collect::<String>();
    assert!(text.contains("install_requires=[\"PyYAML>=5\"],"), "{text}");
    fs_err::create_dir_all(directory.join("greeter")).unwrap();
    fs_err::write(directory.join("setup.py"), text).unwrap();
    let version = || {
        // Debian's own Python, which has setuptools.
        let command = Command::new("/usr/bin/python3").args(["setup.py", "-q", "--version"]).dir(directory);
        expect_success(&command).trim().to_owned()
    };
    assert_eq!(version(), "2.0rc1");
    fs_err::write(directory.join("PKG-INFO"), "Metadata-Version: 2.1\nName: greeter\nVersion: 2.0\n").unwrap();
    assert_eq!(version(), "2.0");
}

/// Nobody is made up to maintain a package, and least of all the author.
#[test]
fn a_maintainer_that_nobody_names_is_said_to_be_missing() {
    let directory = tempfile::tempdir().unwrap();
    let source = greeter(directory.path());
    let output = directory.path().join("out");
    let ran = generation(&source, "debian-12", &output).run().unwrap();
    let said = both(&ran).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(ran.code, 0, "{said}");
    assert!(said.contains("`DEBFULLNAME` and `DEBEMAIL`") && !said.contains("unknown@localhost"), "{said}");
    let control = fs_err::read_to_string(output.join("greeter-2.0~rc1/debian/control")).unwrap();
    assert!(control.contains("\nMaintainer: FIXME <fixme@example.invalid>\n"), "{control}");
}
