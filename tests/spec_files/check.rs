//! What `--check` reads in the spec files is what rpm reads in them.

use std::collections::BTreeSet;

use crate::support::{fixture, omnipack};
use crate::tool::{DIALECTS, generate, rpm_tool, succeed};

#[test]
fn every_requirement_of_the_spec_file_is_looked_at() {
    for (distribution, dialect) in DIALECTS {
        let directory = tempfile::tempdir().unwrap();
        let spec = generate(&fixture("cdhboot"), distribution, &directory.path().join("out"));
        let list = directory.path().join("list");
        fs_err::write(&list, "nothing = 1\n").unwrap();
        let command = omnipack().args(["generate-spec", "--check", "--json", "--distribution", distribution]);
        let output = command.arg("--repository").arg(&list).arg(fixture("cdhboot")).run().unwrap();
        let report: serde_json::Value = serde_json::from_str(&output.stdout_text()).unwrap();
        for (question, need) in [("--buildrequires", "build"), ("--requires", "install")] {
            let answer = succeed(&rpm_tool("rpmspec", dialect, directory.path()).args(["-q", question]).arg(&spec));
            // Packages of the same spec file, what rpm asks of itself, and the shell of the scriptlets, which no line says.
            let own = |line: &&str| !["cdhboot", "rpmlib(", "/bin/sh"].iter().any(|start| line.starts_with(start));
            let expected = answer
                .lines()
                .map(str::trim)
                .filter(own)
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect::<BTreeSet<_>>();
            let rows = report[0]["rows"].as_array().unwrap().iter().filter(|row| row["need"] == need);
            let relations = rows.flat_map(|row| row["relations"].as_array().unwrap());
            let seen = relations.map(|one| one["relation"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>();
            let missed = expected.difference(&seen).collect::<Vec<_>>();
            assert!(!expected.is_empty() || need == "install", "{distribution}: rpmspec says nothing");
            assert!(missed.is_empty(), "{distribution}, {question}: {missed:?} of\n{answer}");
            assert!(seen.len() >= 2, "{distribution}, {question}: {seen:?}");
        }
    }
}
