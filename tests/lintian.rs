//! lintian on the packages of every fixture, and on omnipack's own: what it says is nothing, or is listed in `lintian.toml` with a reason.

mod support;

use std::path::{Path, PathBuf};

use omnipack::exec::Command;
use serde::Deserialize;

use support::{build, expect_success, fixture, omnipack, packages_in, repository};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepted {
    tag: String,
    packages: Vec<String>,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    wheels: bool,
    reason: String,
}

#[derive(Debug, Deserialize)]
struct List {
    #[serde(default)]
    accepted: Vec<Accepted>,
}

/// `W: cdhboot-cli: no-manual-page [usr/bin/cdhboot]`
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    package: String,
    tag: String,
    details: String,
    line: String,
}

impl Finding {
    fn parse(line: &str) -> Option<Self> {
        let rest = line.strip_prefix("E: ").or_else(|| line.strip_prefix("W: "))?;
        let (package, rest) = rest.split_once(": ")?;
        let (tag, details) = rest.split_once(' ').unwrap_or((rest, ""));
        let [package, tag, details] = [package, tag, details.trim()].map(str::to_owned);
        Some(Self { package, tag, details, line: line.to_owned() })
    }
}

impl Accepted {
    fn covers(&self, finding: &Finding) -> bool {
        self.tag == finding.tag
            && self.packages.iter().any(|package| package == "*" || *package == finding.package)
            && finding.details.contains(&self.detail)
    }
}

/// All errors and warnings of all packages, in one run: starting lintian takes longer than a small package does.
fn lint(packages: &[PathBuf]) -> Vec<Finding> {
    let options = ["--jobs", "2", "--tag-display-limit", "0", "--allow-root", "--fail-on", "none"];
    let output = Command::new("lintian").args(options).args(packages).env("LC_ALL", "C.UTF-8").run().unwrap();
    assert_eq!(output.code, 0, "lintian did not finish\n{}", support::both(&output));
    output.stdout_text().lines().filter_map(Finding::parse).collect()
}

/// A copy of a fixture with more configuration.
fn varied(name: &str, configuration: &str, directory: &Path) -> PathBuf {
    let project = directory.join(format!("{name}-varied"));
    expect_success(&Command::new("cp").arg("-r").arg(fixture(name)).arg(&project));
    let path = project.join("omnipack.toml");
    let text = fs_err::read_to_string(&path).unwrap_or_default();
    fs_err::write(path, format!("{text}\n{configuration}")).unwrap();
    project
}

fn built(project: &Path, distribution: &str, destination: &Path) -> Vec<PathBuf> {
    let command = omnipack().args(["--distribution", distribution, "--destination-path"]).arg(destination);
    expect_success(&command.arg(project));
    packages_in(destination)
}

/// The services of `cdhboot` as init scripts, one of them by cron, with a target's oldest compression.
const INIT_SCRIPTS: &str = r#"
[package.links]
directory = "/usr/bin"
scripts = ["celery"]
[[service]]
name = "nightly"
command = "cdhboot nightly"
schedule = "30 4 * * *"
user = "sysadmin"
[distribution.house-12]
like = "debian-12"
init = "sysvinit"
compression = "xz"
zstd = false
[distribution.house-12.package]
release = "2"
"#;

#[test]
fn every_finding_is_accepted_for_a_reason_and_every_reason_applies() {
    let text = fs_err::read_to_string(repository().join("tests/lintian.toml")).unwrap();
    let list: List = toml::from_str(&text).unwrap();
    let destination = tempfile::tempdir().unwrap();
    let mut packages = Vec::new();
    for name in ["cdhboot", "flocker", "native", "minimal"] {
        packages.extend(build(name, "debian-12", &destination.path().join(name)));
    }
    let with_init_scripts = varied("cdhboot", INIT_SCRIPTS, destination.path());
    let with_init_scripts = built(&with_init_scripts, "house-12", &destination.path().join("init-scripts"));
    // The virtual environment is the same as above, and takes longest.
    packages.extend(with_init_scripts.into_iter().filter(|path| !support::name_of(path).starts_with("cdhboot_")));
    packages.extend(support::own_packages(&["debian-12"], &destination.path().join("own")));
    let findings = lint(&packages);
    let unlisted: Vec<&str> = findings
        .iter()
        .filter(|finding| !list.accepted.iter().any(|accepted| accepted.covers(finding)))
        .map(|finding| finding.line.as_str())
        .collect();
    assert!(unlisted.is_empty(), "not listed in tests/lintian.toml:\n{}", unlisted.join("\n"));
    for accepted in &list.accepted {
        assert!(!accepted.reason.trim().is_empty(), "{accepted:?} needs a reason");
        let applies = accepted.wheels || findings.iter().any(|finding| accepted.covers(finding));
        assert!(applies, "applies no longer: {accepted:?}");
    }
}

const CHANGELOG: &str = "# Changes\n\n## [Unreleased]\n\n- Nothing\n\n## [1.0] - 2024-02-29\n\n\
                         - First item, which is long enough to be broken at the end of the line, since it has more words than that\n\
                         - Second <item> -- with \\ and %s\n\n## 1.0rc1 (2024-01-31)\n\n## 0.9 - 2023-12-24\n\n* Old\n  and more\n";

/// What dpkg's own tools read from the documentation of a package.
#[test]
fn changelogs_are_read_by_dpkg() {
    let destination = tempfile::tempdir().unwrap();
    let configuration = "[package]\nchangelog = \"CHANGES.md\"\nmaintainer = \"Ada Lovelace <ada@example.org>\"\n";
    let project = varied("minimal", configuration, destination.path());
    fs_err::write(project.join("CHANGES.md"), CHANGELOG).unwrap();
    let packages = built(&project, "debian-12", &destination.path().join("packages"));
    let root = destination.path().join("root");
    expect_success(&Command::new("dpkg-deb").arg("-x").arg(&packages[0]).arg(&root));
    let doc = root.join("usr/share/doc/minimal");
    let unpacked = |name: &str| expect_success(&Command::new("gzip").args(["-d", "-c"]).arg(doc.join(name)));
    assert_eq!(unpacked("changelog.gz"), CHANGELOG);
    let text = doc.join("text");
    fs_err::write(&text, unpacked("changelog.Debian.gz")).unwrap();
    let parse = |field: &str| {
        let output = Command::new("dpkg-parsechangelog").args(["--all", "-S", field, "-l"]).arg(&text).run().unwrap();
        assert_eq!((output.code, output.stderr_text()), (0, String::new()));
        output.stdout_text().trim().to_owned()
    };
    assert_eq!((parse("Version"), parse("Date")), ("1.0-1".to_owned(), "Thu, 29 Feb 2024 12:00:00 +0000".to_owned()));
    assert_eq!(parse("Maintainer"), "Ada Lovelace <ada@example.org>");
    let changes = parse("Changes");
    for expected in [
        "minimal (1.0-1) debian-12",
        "minimal (1.0-0.rc.1) debian-12",
        "minimal (0.9-1) debian-12",
        "* Second <item> -- with \\ and %s",
    ] {
        assert!(changes.contains(expected), "{expected} in\n{changes}");
    }
}

#[test]
fn findings_are_read() {
    assert_eq!(Finding::parse("N: 1 hint overridden"), None);
    let finding = Finding::parse("W: cdhboot-node: non-standard-dir-perm 0750 != 0755 [var/log/cdhboot/]").unwrap();
    assert_eq!((finding.package.as_str(), finding.tag.as_str()), ("cdhboot-node", "non-standard-dir-perm"));
    assert_eq!(finding.details, "0750 != 0755 [var/log/cdhboot/]");
    assert_eq!(Finding::parse("E: a: b").unwrap().tag, "b");
}
