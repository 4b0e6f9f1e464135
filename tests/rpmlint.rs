//! rpmlint on the packages of every fixture, and on omnipack's own: what it says is nothing, or is listed in `rpmlint.toml` with a reason.

mod support;

use std::path::PathBuf;

use omnipack::exec::Command;
use serde::Deserialize;

use support::{build, repository};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepted {
    check: String,
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

/// `cdhboot.x86_64: W: no-documentation`
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    package: String,
    check: String,
    details: String,
    line: String,
}

impl Finding {
    fn parse(line: &str) -> Option<Self> {
        let (subject, rest) = line.split_once(": E: ").or_else(|| line.split_once(": W: "))?;
        let (check, details) = rest.split_once(' ').unwrap_or((rest, ""));
        // `name.arch:line` in front, where the finding is about a line of a scriptlet.
        let name = subject.split(':').next().unwrap_or(subject);
        let package = name.rsplit_once('.').map_or(name, |(package, _)| package);
        Some(Self {
            package: package.to_owned(),
            check: check.to_owned(),
            details: details.trim().to_owned(),
            line: line.to_owned(),
        })
    }
}

impl Accepted {
    fn covers(&self, finding: &Finding) -> bool {
        self.check == finding.check
            && self.packages.iter().any(|package| package == "*" || *package == finding.package)
            && finding.details.contains(&self.detail)
    }
}

/// All that rpmlint finds in the packages.
fn lint(packages: &[PathBuf]) -> Vec<Finding> {
    let output = Command::new("rpmlint").args(packages).env("LC_ALL", "C.UTF-8").run().unwrap();
    let said = support::both(&output);
    assert!(said.contains("packages and 0 specfiles checked"), "rpmlint did not finish\n{said}");
    said.lines().filter_map(Finding::parse).collect()
}

#[test]
fn every_finding_is_accepted_for_a_reason_and_every_reason_applies() {
    let text = fs_err::read_to_string(repository().join("tests/rpmlint.toml")).unwrap();
    let list: List = toml::from_str(&text).unwrap();
    let destination = tempfile::tempdir().unwrap();
    let mut packages = Vec::new();
    for (fixture, distribution) in
        [("cdhboot", "centos-7"), ("flocker", "rocky-9"), ("native", "rocky-9"), ("minimal", "fedora-42")]
    {
        packages.extend(build(fixture, distribution, &destination.path().join(fixture)));
    }
    packages.extend(support::own_packages(&["rocky-9"], &destination.path().join("own")));
    let findings = lint(&packages);
    let unlisted: Vec<&str> = findings
        .iter()
        .filter(|finding| !list.accepted.iter().any(|accepted| accepted.covers(finding)))
        .map(|finding| finding.line.as_str())
        .collect();
    assert!(unlisted.is_empty(), "not listed in tests/rpmlint.toml:\n{}", unlisted.join("\n"));
    for accepted in &list.accepted {
        assert!(!accepted.reason.trim().is_empty(), "{accepted:?} needs a reason");
        let applies = accepted.wheels || findings.iter().any(|finding| accepted.covers(finding));
        assert!(applies, "applies no longer: {accepted:?}");
    }
}

#[test]
fn findings_are_read() {
    assert_eq!(Finding::parse("4 packages and 0 specfiles checked; 0 errors, 1 warnings"), None);
    let finding = Finding::parse("cdhboot-node.noarch: W: non-readable /etc/cdhboot/cdhboot.conf 640").unwrap();
    assert_eq!(finding.package, "cdhboot-node");
    assert_eq!(finding.check, "non-readable");
    assert_eq!(finding.details, "/etc/cdhboot/cdhboot.conf 640");
    assert_eq!(Finding::parse("a.b-c.x86_64: E: no-binary").unwrap().package, "a.b-c");
}
