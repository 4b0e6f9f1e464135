//! rpmlint on spec files and what rpmbuild makes of them: what it says is nothing, or is listed in `rpmlint.toml` with a
//! reason.

use std::path::{Path, PathBuf};

use omnipack::exec::Command;
use serde::Deserialize;

use crate::rpmbuild::build_from;
use crate::support::{both, fixture, repository};
use crate::tool::{DIALECTS, generate};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepted {
    check: String,
    /// Of packages or spec files; "*" for any.
    names: Vec<String>,
    #[serde(default)]
    detail: String,
    /// What it is said of varies with the projects, so that it need not apply to the fixtures.
    #[serde(default)]
    projects: bool,
    reason: String,
}

#[derive(Debug, Deserialize)]
struct List {
    accepted: Vec<Accepted>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

/// `cdhboot.noarch: W: no-documentation`, `cdhboot.spec:12: W: hardcoded-library-path in /usr/lib`
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    pub name: String,
    pub severity: Severity,
    pub check: String,
    pub details: String,
    pub line: String,
}

impl Finding {
    fn parse(line: &str) -> Option<Self> {
        let error = line.split_once(": E: ").map(|parts| (Severity::Error, parts));
        let (severity, (subject, rest)) =
            error.or_else(|| line.split_once(": W: ").map(|parts| (Severity::Warning, parts)))?;
        let (check, details) = rest.split_once(' ').unwrap_or((rest, ""));
        let name = subject.split(':').next().unwrap_or(subject);
        let name = name.rsplit_once('.').map_or(name, |(name, _)| name);
        Some(Self {
            name: name.to_owned(),
            severity,
            check: check.to_owned(),
            details: details.trim().to_owned(),
            line: line.to_owned(),
        })
    }
}

impl Accepted {
    fn covers(&self, finding: &Finding) -> bool {
        self.check == finding.check
            && self.names.iter().any(|name| name == "*" || *name == finding.name)
            && finding.details.contains(&self.detail)
    }
}

fn accepted() -> Vec<Accepted> {
    let text = fs_err::read_to_string(repository().join("tests/spec_files/rpmlint.toml")).unwrap();
    toml::from_str::<List>(&text).unwrap().accepted
}

/// All that rpmlint finds in a spec file and in packages.
pub fn lint(paths: &[PathBuf]) -> Vec<Finding> {
    let output = Command::new("rpmlint").args(paths).env("LC_ALL", "C.UTF-8").run().unwrap();
    let said = both(&output);
    assert!(said.contains("specfiles checked"), "rpmlint did not finish\n{said}");
    said.lines().filter_map(Finding::parse).collect()
}

/// The lines that no reason is listed for.
pub fn unlisted(findings: &[Finding]) -> Vec<&str> {
    let accepted = accepted();
    let is_listed = |finding: &&Finding| accepted.iter().any(|accepted| accepted.covers(finding));
    findings.iter().filter(|finding| !is_listed(finding)).map(|finding| finding.line.as_str()).collect()
}

/// No error in the spec file and the packages but those that are listed.
#[allow(dead_code, reason = "for tests of other projects")]
pub fn assert_no_error(spec: &Path, packages: &[PathBuf]) {
    let mut findings = lint(&[&[spec.to_owned()], packages].concat());
    findings.retain(|finding| finding.severity == Severity::Error);
    let unlisted = unlisted(&findings);
    assert!(unlisted.is_empty(), "not listed in tests/spec_files/rpmlint.toml:\n{}", unlisted.join("\n"));
}

#[test]
fn every_finding_is_accepted_for_a_reason_and_every_reason_applies() {
    let mut findings = Vec::new();
    for (distribution, dialect) in DIALECTS {
        let directory = tempfile::tempdir().unwrap();
        let mut paths = vec![generate(&fixture("flocker"), distribution, &directory.path().join("flocker"))];
        let packages = build_from(&fixture("cdhboot"), distribution, dialect, directory.path());
        paths.push(directory.path().join("SOURCES/cdhboot.spec"));
        paths.extend(packages.into_values());
        findings.extend(lint(&paths));
    }
    let unlisted = unlisted(&findings);
    assert!(unlisted.is_empty(), "not listed in tests/spec_files/rpmlint.toml:\n{}", unlisted.join("\n"));
    for accepted in accepted() {
        assert!(!accepted.reason.trim().is_empty(), "{accepted:?} needs a reason");
        let applies = accepted.projects || findings.iter().any(|finding| accepted.covers(finding));
        assert!(applies, "applies no longer: {accepted:?}");
    }
}

#[test]
fn findings_are_read() {
    assert_eq!(Finding::parse("4 packages and 0 specfiles checked; 0 errors, 1 warnings"), None);
    let finding = Finding::parse("cdhboot.spec:12: E: hardcoded-library-path in /usr/lib").unwrap();
    assert_eq!((finding.name.as_str(), finding.check.as_str()), ("cdhboot", "hardcoded-library-path"));
    assert_eq!((finding.severity, finding.details.as_str()), (Severity::Error, "in /usr/lib"));
    assert_eq!(Finding::parse("a.b-c.x86_64: W: no-binary").unwrap().name, "a.b-c");
}
