//! What only the packed bytes can tell: gates, architecture, the requirements of native code.

use crate::package::{Error, Package, requirements};
use crate::plan::{BuildPlan, Relation};
use crate::stage::{Findings, gate};

/// Closes the gates, then adds to `package` what its native code decides.
///
/// # Errors
/// When a packed byte names this machine or a credential, or native code cannot run on the target.
pub fn conclude(mut package: Package, findings: &Findings, plan: &BuildPlan) -> Result<Package, Error> {
    gate::check(&findings.leaks).map_err(crate::stage::Error::from)?;
    if !plan.has_python() {
        requirements::check_machine(findings, &plan.platform)?;
    }
    package.architecture = requirements::architecture(findings, &plan.platform);
    let native = requirements::native_requirements(findings, &package.entries, &requirements::Target::from(plan))?;
    let known = &package.relations;
    let added = native.into_iter().filter(|relation| !known.contains(relation)).collect::<Vec<Relation>>();
    package.relations.extend(added);
    package.relations.sort();
    Ok(package)
}
