//! What the scriptlets have to know of the plugins of operators.

use std::path::Path;

use serde::Serialize;

use crate::plan::BuildPlan;

/// The directory for plugins, as scriptlets see it.
#[derive(Serialize)]
pub struct Plugins<'a> {
    directory: &'a str,
    remove: bool,
    application: &'a str,
    /// `/opt/app/bin/pip`
    pip: String,
    /// `3.9`
    series: String,
    /// Directories above it that are the package's own, the innermost first: the package manager could not remove them
    /// while plugins lay there.
    parents: Vec<String>,
}

/// `None` when the application takes no plugins.
pub fn of(plan: &BuildPlan) -> Option<Plugins<'_>> {
    let settings = plan.python.plugins.as_ref()?;
    Some(Plugins {
        directory: &settings.directory,
        remove: settings.remove,
        application: super::main_name(plan),
        pip: format!("{}/bin/pip", plan.prefix),
        series: plan.interpreter.version.series(),
        parents: own_parents(plan, &settings.directory),
    })
}

/// Those called like one of the packages or the application, and what is below those: the same that the package owns.
fn own_parents(plan: &BuildPlan, directory: &str) -> Vec<String> {
    let is_name = |part: &str| part == plan.metadata.name || plan.packages.iter().any(|package| package.name == part);
    let above = Path::new(directory).ancestors().skip(1).filter_map(Path::to_str);
    above.filter(|path| path.split('/').any(is_name)).map(str::to_owned).collect()
}
