//! rpmlint on spec files and what rpmbuild makes of them: what it says is nothing, or is listed in `rpmlint.toml` with a
//! reason.

use std::path::PathBuf;

use omnipack::exec::Command;
use serde::Deserialize;

use crate::support::{both, repository};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    check: String,
    /// Of packages or spec files; "*" for any.
    names: Vec<String>,
    #[serde(default)]
    detail: String,
    /// What it is said of varies with the projects, so that it need not apply to the fixtures.
    #[serde(default)]
    pub projects: bool,
    pub reason: String,
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
    pub fn covers(&self, finding: &Finding) -> bool {
        self.check == finding.check
            && self.names.iter().any(|name| name == "*" || *name == finding.name)
            && finding.details.contains(&self.detail)
    }
}

pub fn accepted() -> Vec<Accepted> {
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

#[test]
fn findings_are_read() {
    assert_eq!(Finding::parse("4 packages and 0 specfiles checked; 0 errors, 1 warnings"), None);
    let finding = Finding::parse("cdhboot.spec:12: E: hardcoded-library-path in /usr/lib").unwrap();
    assert_eq!((finding.name.as_str(), finding.check.as_str()), ("cdhboot", "hardcoded-library-path"));
    assert_eq!((finding.severity, finding.details.as_str()), (Severity::Error, "in /usr/lib"));
    assert_eq!(Finding::parse("a.b-c.x86_64: W: no-binary").unwrap().name, "a.b-c");
}
