//! `--message-format github`: messages that stand beside the line that they are about.

mod support;

use std::path::Path;

use support::omnipack;

/// The lines that GitHub Actions takes out of the log of a step.
fn commands(directory: &Path, workspace: &Path, arguments: &[&str]) -> Vec<String> {
    let command = omnipack().dir(directory).env("GITHUB_WORKSPACE", workspace).args(arguments);
    let output = command.args(["--message-format", "github"]).run().unwrap();
    assert_ne!(output.code, 0);
    let text = output.stderr_text();
    text.lines().filter(|line| line.starts_with("::")).map(str::to_owned).collect()
}

fn project(root: &Path, name: &str, configuration: &str) -> std::path::PathBuf {
    let project = root.join(name);
    fs_err::create_dir_all(&project).unwrap();
    fs_err::write(project.join("setup.py"), "from setuptools import setup\nsetup()\n").unwrap();
    fs_err::write(project.join("omnipack.toml"), configuration).unwrap();
    project
}

#[test]
fn every_mistake_has_its_line() {
    let root = tempfile::tempdir().unwrap();
    let configuration = "[package]\nname = 'a%b'\n\n[[service]]\nname = \"web\"\ncommand = \"x\"\nuser = \"a b\"\n";
    let project = project(root.path(), "apps/one, two", configuration);
    let seen = commands(&project, root.path(), &["--distribution", "rocky-9", "."]);
    let file = "apps/one%2C two/omnipack.toml";
    assert_eq!(seen.len(), 2, "{seen:#?}");
    let starts = [
        format!("::error file={file},line=2,col=8,endColumn=13,title=project%3A%3Aconfiguration::`name`: "),
        format!("::error file={file},line=7,col=8,endColumn=13,title=project%3A%3Aconfiguration::`user`: "),
    ];
    for (line, start) in seen.iter().zip(starts) {
        assert!(line.starts_with(&start), "{line}\n{start}");
    }
    assert!(seen.iter().all(|line| line.contains("%0A")), "the help is a line of its own: {seen:#?}");
    assert!(seen.iter().any(|line| line.contains("a%25b")), "{seen:#?}");
    // From elsewhere, and one mistake only.
    fs_err::write(project.join("omnipack.toml"), "[targets]\ndistributions = ['rocky-9', 'rocky-9']\n").unwrap();
    let seen = commands(root.path(), root.path(), &["matrix", "apps/one, two"]);
    assert_eq!(seen.len(), 1, "{seen:#?}");
    assert!(seen[0].starts_with(&format!("::error file={file},line=2,col=29,endColumn=38,")), "{seen:#?}");
}

#[test]
fn what_has_no_place_is_said_too() {
    let root = tempfile::tempdir().unwrap();
    let seen = commands(root.path(), root.path(), &["--distribution", "rocky-9", "nowhere/at/all"]);
    assert_eq!(seen.len(), 1, "{seen:#?}");
    assert!(seen[0].starts_with("::error title=project%3A%3Amissing::there is no project at `nowhere/at/all`%0A"));
    let human = omnipack().dir(root.path()).args(["--distribution", "rocky-9", "nowhere/at/all"]).run().unwrap();
    assert!(!human.stderr_text().contains("::error"), "{}", human.stderr_text());
}
