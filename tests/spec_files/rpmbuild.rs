//! A project, generated, packed and built with rpmbuild, and what is in the packages.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use omnipack::exec::Command;

use crate::tool::{generate, python, rpm_tool, succeed};

/// A copy of a project, whose target's Python is that of the tests.
pub fn project(source: &Path, distribution: &str, directory: &Path) -> PathBuf {
    let project = directory.join("project");
    succeed(&Command::new("cp").arg("-r").arg(source).arg(&project));
    let python = python();
    let series =
        succeed(&Command::new(python).args(["-c", "import sys; print('%d.%d' % sys.version_info[:2], end='')"]));
    let facts = format!(
        "\n[distribution.{distribution:?}]\npythons = [{{ version = \"{series}\", package = \"python3\", path = \"{}\", \
         requirement = \"python(abi) = {series}\" }}]\n",
        python.display()
    );
    let path = project.join("omnipack.toml");
    let text = fs_err::read_to_string(&path).unwrap_or_default();
    fs_err::write(&path, text + &facts).unwrap();
    project
}

/// Generates, builds everything, and gives the binary packages by name.
pub fn build_from(source: &Path, distribution: &str, dialect: &str, top: &Path) -> BTreeMap<String, PathBuf> {
    let project = project(source, distribution, top);
    let spec = generate(&project, distribution, &top.join("SOURCES"));
    build_spec(&spec, distribution, dialect, top)
}

/// Runs every stage, and gives the binary packages by name.
pub fn build_spec(spec: &Path, distribution: &str, dialect: &str, top: &Path) -> BTreeMap<String, PathBuf> {
    let name = spec.display();
    let build = rpm_tool("rpmbuild", dialect, top).args(["-ba", "--nodeps"]).arg(spec);
    let build = build.env("SOURCE_DATE_EPOCH", "1700000000").env("PATH", path_of(python()));
    let output = build.run().unwrap();
    let log = format!("{}{}", output.stdout_text(), output.stderr_text());
    assert_eq!(output.code, 0, "{name} on {distribution}:\n{log}");
    for complaint in ["File listed twice", "not found:", "bogus date", "Macro expanded in comment"] {
        assert!(!log.contains(complaint), "{name} on {distribution}: {complaint}\n{log}");
    }
    let found = walkdir::WalkDir::new(top.join("RPMS")).into_iter().map(|entry| entry.unwrap().into_path());
    let packages = found.filter(|path| path.extension().is_some_and(|extension| extension == "rpm"));
    source_package(top);
    packages.map(|path| (query(&path, "%{NAME}"), path)).collect()
}

/// The one that was built.
pub fn source_package(top: &Path) -> PathBuf {
    let mut found = fs_err::read_dir(top.join("SRPMS")).unwrap().map(|entry| entry.unwrap().path());
    let package = found.next().expect("a source package");
    assert!(found.next().is_none(), "{}: more than one source package", top.display());
    package
}

pub fn path_of(python: &Path) -> String {
    format!("{}:{}", python.parent().unwrap().display(), std::env::var("PATH").unwrap_or_default())
}

pub fn query(package: &Path, format: &str) -> String {
    succeed(&Command::new("rpm").args(["-qp", "--qf", format]).arg(package))
}

pub fn list(package: &Path, what: &str) -> Vec<String> {
    succeed(&Command::new("rpm").arg("-qp").arg(what).arg(package)).lines().map(str::to_owned).collect()
}

/// `mode user group path` of every file.
pub fn files(package: &Path) -> Vec<String> {
    query(package, "[%{FILEMODES:octal} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILENAMES}\\n]")
        .lines()
        .map(str::to_owned)
        .collect()
}
