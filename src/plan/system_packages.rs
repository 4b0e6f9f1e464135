//! Packages of the target that the main package requires instead of bundling what they bring.

use super::requirement::series_of_package;
use super::{Error, Interpreter, InterpreterKind, Relation, RelationKind};
use crate::distribution::Distribution;
use crate::project::PythonSettings;

/// Why the relations are there.
pub const REASON: &str = "system-packages";

/// One relation for each of `system-packages`. In which versions is only known when the requirements are.
///
/// # Errors
/// When a package is for another Python than the application's.
pub(super) fn relations(
    settings: &PythonSettings,
    interpreter: &Interpreter,
    distribution: &Distribution,
) -> Result<Vec<Relation>, Error> {
    let own = interpreter.version.series();
    let relation = |package: &String| {
        let series = series_of_package(distribution, package);
        let bundled = matches!(interpreter.kind, InterpreterKind::Bundled { .. });
        match series.filter(|series| *series != own || bundled) {
            Some(series) => Err(Error::SystemPackageSeries {
                package: package.clone(),
                series,
                own: own.clone(),
                distribution: distribution.name.clone(),
            }),
            None => Ok(Relation {
                kind: RelationKind::Requires,
                name: package.clone(),
                comparison: None,
                reason: REASON.to_owned(),
            }),
        }
    };
    settings.system_packages.iter().map(relation).collect()
}
