//! rpmlint on the fixtures, in every dialect.

use crate::rpmbuild::build_from;
use crate::rpmlint::{accepted, lint, unlisted};
use crate::support::fixture;
use crate::tool::{DIALECTS, generate};

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
