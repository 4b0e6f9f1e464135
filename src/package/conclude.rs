//! What only the packed bytes can tell: gates, architecture, the requirements of native code.

use crate::package::{Error, Package, requirements};
use crate::plan::{BuildPlan, Relation};
use crate::stage::{Findings, Leak, LeakKind};

/// Leaks listed in an error before the rest is counted.
const LEAKS_SHOWN: usize = 10;

/// Closes the gates, then adds to `package` what its native code decides.
///
/// # Errors
/// When a packed byte names this machine or a credential, or native code cannot run on the target.
pub fn conclude(mut package: Package, findings: &Findings, plan: &BuildPlan) -> Result<Package, Error> {
    if !findings.leaks.is_empty() {
        return Err(Error::Leak { package: package.name, found: describe_leaks(&findings.leaks) });
    }
    package.architecture = requirements::architecture(findings, &plan.platform);
    let native = requirements::native_requirements(findings, &package.entries, &requirements::Target::from(plan))?;
    let known = &package.relations;
    let added = native.into_iter().filter(|relation| !known.contains(relation)).collect::<Vec<Relation>>();
    package.relations.extend(added);
    package.relations.sort();
    Ok(package)
}

fn describe_leaks(leaks: &[Leak]) -> String {
    let mut lines = leaks.iter().take(LEAKS_SHOWN).map(describe_leak).collect::<Vec<_>>();
    if leaks.len() > LEAKS_SHOWN {
        lines.push(format!("  and {} more", leaks.len() - LEAKS_SHOWN));
    }
    lines.join("\n")
}

/// The credential itself is never shown.
fn describe_leak(leak: &Leak) -> String {
    let what = match leak.kind {
        LeakKind::BuildPath => "a directory of the build",
        LeakKind::HomeDirectory => "the home directory",
        LeakKind::Credential => "a credential of the package index",
    };
    let member = leak.member.as_ref().map(|member| format!(", in its member {member}")).unwrap_or_default();
    format!("  {} ({}){member} has {what} at byte {}", leak.path, leak.origin, leak.offset)
}
