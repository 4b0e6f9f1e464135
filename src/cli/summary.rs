//! What a build ends with: files, sizes, what the packages require and why.

use std::fmt::Write;
use std::time::Duration;

use serde::Serialize;

use crate::build::{Outcome, Written, counted};
use crate::package::Architecture;
use crate::plan::{Relation, RelationKind};

/// Reasons listed for one requirement before the rest is counted.
const REASONS_SHOWN: usize = 3;

#[derive(Serialize)]
struct DistributionSummary<'a> {
    distribution: &'a str,
    python: String,
    packages: Vec<PackageSummary<'a>>,
    wheels: Vec<WheelSummary<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'a std::path::Path>,
}

#[derive(Serialize)]
struct PackageSummary<'a> {
    name: &'a str,
    version: &'a str,
    release: &'a str,
    epoch: u32,
    architecture: &'a str,
    path: &'a std::path::Path,
    size: u64,
    installed_size: u64,
    relations: &'a [Relation],
}

#[derive(Serialize)]
struct WheelSummary<'a> {
    name: &'a str,
    version: &'a str,
    file_name: &'a str,
    sha256: &'a str,
}

/// For scripts.
pub fn json(outcomes: &[Outcome]) -> impl Serialize {
    outcomes
        .iter()
        .map(|outcome| DistributionSummary {
            distribution: &outcome.plan.distribution.name,
            python: outcome.plan.interpreter.version.to_string(),
            packages: outcome.written.iter().map(package).collect(),
            wheels: outcome
                .lock
                .wheels
                .iter()
                .map(|wheel| WheelSummary {
                    name: &wheel.name,
                    version: &wheel.version,
                    file_name: &wheel.file_name,
                    sha256: &wheel.sha256,
                })
                .collect(),
            stage: outcome.stage.as_deref(),
        })
        .collect::<Vec<_>>()
}

fn package(written: &Written) -> PackageSummary<'_> {
    PackageSummary {
        name: &written.package.name,
        version: &written.package.evr.version,
        release: &written.package.evr.release,
        epoch: written.package.evr.epoch,
        architecture: architecture(&written.package.architecture),
        path: &written.path,
        size: written.size,
        installed_size: written.installed_size,
        relations: &written.package.relations,
    }
}

fn architecture(architecture: &Architecture) -> &str {
    match architecture {
        Architecture::Independent => "noarch",
        Architecture::Native(name) => name,
    }
}

/// For people.
pub fn text(outcomes: &[Outcome], elapsed: Duration) -> String {
    let mut text = String::new();
    for outcome in outcomes {
        let plan = &outcome.plan;
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{} (Python {}, {})",
            plan.distribution.name,
            plan.interpreter.version,
            counted(outcome.lock.wheels.len(), "wheel")
        );
        for written in &outcome.written {
            let _ = writeln!(
                text,
                "  {}  {} ({} installed)",
                written.path.display(),
                human_size(written.size),
                human_size(written.installed_size)
            );
            requirements(&mut text, &written.package.relations);
        }
        if let Some(stage) = &outcome.stage {
            let _ = writeln!(text, "  {}  the staged tree", stage.display());
        }
    }
    let files = outcomes.iter().map(|outcome| outcome.written.len()).sum::<usize>();
    let _ = writeln!(text, "{} in {:.1} s", counted(files, "package"), elapsed.as_secs_f64());
    text
}

/// One line a requirement; those for the same reason from the same library are folded.
fn requirements(text: &mut String, relations: &[Relation]) {
    let mut wanted: Vec<(String, Vec<&str>)> = Vec::new();
    let required =
        relations.iter().filter(|relation| matches!(relation.kind, RelationKind::Requires | RelationKind::RequiresPre));
    for relation in required {
        let shown = relation.to_string();
        match wanted.iter_mut().find(|(known, _)| *known == shown) {
            Some((_, reasons)) => reasons.push(&relation.reason),
            None => wanted.push((shown, vec![&relation.reason])),
        }
    }
    for (shown, mut reasons) in wanted {
        reasons.dedup();
        let more = reasons.len().saturating_sub(REASONS_SHOWN);
        let listed = reasons.iter().take(REASONS_SHOWN).copied().collect::<Vec<_>>().join("; ");
        let more = if more == 0 { String::new() } else { format!("; and {more} more") };
        let _ = writeln!(text, "    requires {shown}  ({listed}{more})");
    }
}

/// `9.5 MB`; units of 1000, as package managers show them.
pub fn human_size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= 999.5 && unit + 1 < UNITS.len() {
        size /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{size:.1} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::human_size;

    #[test]
    fn sizes_are_rounded_within_their_unit() {
        assert_eq!(human_size(0), "0 B");
        assert_eq!(human_size(999), "999 B");
        assert_eq!(human_size(1_000), "1.0 kB");
        assert_eq!(human_size(9_540_000), "9.5 MB");
        assert_eq!(human_size(999_960_000), "1.0 GB");
    }
}
