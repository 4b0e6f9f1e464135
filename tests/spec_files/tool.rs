//! The tools: omnipack, rpmspec, rpmbuild, and a Python with what projects are built with.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use omnipack::exec::{Command, Output};

use crate::support::{both, expect_success, omnipack, repository};

/// A target of each dialect, with the macros that it would have.
pub const DIALECTS: [(&str, &str); 4] =
    [("fedora-42", "modern"), ("rocky-8", "setup"), ("opensuse-leap-15.6", "suse"), ("centos-6", "plain")];

/// Has the spec file and its sources written into `directory`, and gives the path of the spec.
pub fn generate(project: &Path, distribution: &str, directory: &Path) -> PathBuf {
    expect_success(&generation(project, distribution, directory));
    let found = fs_err::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    found.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "spec")).expect("a spec file")
}

pub fn generation(project: &Path, distribution: &str, directory: &Path) -> Command {
    undated(project, distribution, directory).env("SOURCE_DATE_EPOCH", "1700000000")
}

/// Without the date that all other calls have.
pub fn undated(project: &Path, distribution: &str, directory: &Path) -> Command {
    omnipack().args(["generate-spec", "--distribution", distribution, "--output-directory"]).arg(directory).arg(project)
}

/// A virtualenv with the build backends of the fixtures, made once per test run.
pub fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("spec-backends");
        let python = directory.join("bin/python");
        // Each test may be a process of its own.
        let lock = fs_err::File::create(directory.with_extension("lock")).unwrap();
        lock.file().lock().unwrap();
        if !directory.join("complete").exists() {
            let _ = fs_err::remove_dir_all(&directory);
            expect_success(&Command::new("python3").args(["-m", "venv"]).arg(&directory));
            let backends = ["setuptools>=77,<80", "wheel", "hatchling", "flit_core>=3.2,<4"];
            expect_success(&Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(backends));
            fs_err::write(directory.join("complete"), "").unwrap();
        }
        python
    })
}

/// The macros of one dialect, as text.
pub fn repository_macros(dialect: &str) -> String {
    let macros = repository().join("tests/spec_files/macros");
    ["common", dialect].map(|file| fs_err::read_to_string(macros.join(file)).unwrap()).concat()
}

/// rpm's tools with the macros of one dialect, everything below `top`, started there.
pub fn rpm_tool(program: &str, dialect: &str, top: &Path) -> Command {
    let python = python();
    let series =
        expect_success(&Command::new(python).args(["-c", "import sys; print('%d.%d' % sys.version_info[:2], end='')"]));
    let macros = repository().join("tests/spec_files/macros");
    let mut command = Command::new(program).dir(top).env("HOME", top).env("LC_ALL", "C.UTF-8");
    // Packages hold bytecode, whatever the caller has for himself.
    command = command.env_remove("PYTHONDONTWRITEBYTECODE");
    for file in ["common", dialect] {
        command = command.arg("--load").arg(macros.join(file));
    }
    let definitions = [
        format!("_topdir {}", top.display()),
        format!("__python3 {}", python.display()),
        format!("python3_version {series}"),
        "_build_id_links none".to_owned(),
        // The script has `read -d`, which Debian's /bin/sh does not know.
        "__brp_compress /bin/bash /usr/lib/rpm/brp-compress %{_prefix}".to_owned(),
        // What SUSE's macros have for each Python besides.
        format!("python{}_sitelib %{{python3_sitelib}}", series.replace('.', "")),
        format!("python{}_sitearch %{{python3_sitearch}}", series.replace('.', "")),
    ];
    for definition in definitions {
        command = command.args(["--define", &definition]);
    }
    command
}

/// Runs what has to succeed, and gives its standard output.
pub fn succeed(command: &Command) -> String {
    let output: Output = command.run().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(output.code, 0, "`{}` failed\n{}", command.display(), both(&output));
    output.stdout_text()
}
