//! What several integration tests share: the built binary, the fixtures, and processes whose failure is a message.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::path::{Path, PathBuf};

use omnipack::exec::{Command, Output};

/// The repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `fixtures/<name>` as it lies in the repository.
pub fn fixture(name: &str) -> PathBuf {
    repository().join("fixtures").join(name)
}

/// The built `omnipack`, no arguments yet.
pub fn omnipack() -> Command {
    Command::new(env!("CARGO_BIN_EXE_omnipack"))
}

/// Runs a program that must succeed.
///
/// # Panics
/// When it does not, with all that it printed.
pub fn run(program: &str, args: &[&str]) -> String {
    expect_success(&Command::new(program).args(args))
}

/// As [`run`], for a prepared command.
pub fn expect_success(command: &Command) -> String {
    let output = command.run().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(output.code, 0, "`{}` failed\n{}", command.display(), both(&output));
    output.stdout_text()
}

/// Standard output and standard error, for a message.
pub fn both(output: &Output) -> String {
    format!("{}{}", output.stdout_text(), output.stderr_text())
}

/// Builds a fixture for one distribution and gives the packages, sorted by name.
pub fn build(fixture_name: &str, distribution: &str, destination: &Path) -> Vec<PathBuf> {
    expect_success(
        &omnipack()
            .args(["--distribution", distribution, "--destination-path"])
            .arg(destination)
            .arg(fixture(fixture_name)),
    );
    packages_in(destination)
}

/// omnipack's own packages for some distributions, made by `packaging/build.sh` of the omnipack under test.
///
/// Debugging information is taken out of it: it is most of the file, and names the directories of the build.
pub fn own_packages(distributions: &[&str], destination: &Path) -> Vec<PathBuf> {
    let scratch = tempfile::tempdir().unwrap();
    let (binary, home) = (scratch.path().join("omnipack"), scratch.path().join("home"));
    fs_err::create_dir(&home).unwrap();
    expect_success(&Command::new("strip").arg("-o").arg(&binary).arg(env!("CARGO_BIN_EXE_omnipack")));
    let mut command = Command::new(repository().join("packaging/build.sh"));
    for name in distributions {
        command = command.args(["--distribution", name]);
    }
    // The paths of dependencies stay in it, below the home directory of whoever compiled it.
    let command = command.arg(&binary).arg(destination).env("HOME", &home).env("SOURCE_DATE_EPOCH", "1700000000");
    let printed = expect_success(&command);
    let packages = packages_in(destination);
    let mut said = printed.lines().map(PathBuf::from).collect::<Vec<_>>();
    said.sort();
    assert_eq!(said, packages, "what was written is what was said");
    packages
}

/// The package files directly in a directory, sorted.
pub fn packages_in(directory: &Path) -> Vec<PathBuf> {
    let mut packages: Vec<PathBuf> = fs_err::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rpm" || extension == "deb"))
        .collect();
    packages.sort();
    assert!(!packages.is_empty(), "no package in {}", directory.display());
    packages
}

/// The file name as text.
pub fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).expect("a file name in UTF-8")
}

/// What tells texts apart, short enough for a file name.
pub fn short_digest(text: &str) -> String {
    format!("{:x}", <sha2::Sha256 as sha2::Digest>::digest(text))[..16].to_owned()
}
