//! What the scriptlets have to know of the plugins of operators.

use std::path::Path;

use serde::Serialize;

use crate::plan::{BuildPlan, PackagePlan};

use super::own_directories::{self, OwnDirectory};
use super::{Error, directories};

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

/// Do the plugins lie apart from the directories of `package`'s services? Whoever writes where plugins lie can run code
/// as anybody who runs the application. What the configuration itself says of directories was looked at when it was
/// read; these are what `hardening` and the `…-directory` keys come to.
///
/// # Errors
/// When one of the two lies in the other.
pub fn check(plan: &BuildPlan, package: &PackagePlan) -> Result<(), Error> {
    let Some(plugins) = &plan.python.plugins else { return Ok(()) };
    let plugins = Path::new(&plugins.directory);
    for service in &package.services {
        for directory in own_directories::of_service(plan, service).iter().filter(|own| !of_root(own)) {
            let path = directory.path();
            let mut places = directories::paths(plan, package, directory).into_iter();
            if places.any(|place| plugins.starts_with(&place) || Path::new(&place).starts_with(plugins)) {
                return Err(Error::PluginsOfService {
                    plugins: plugins.display().to_string(),
                    directory: path,
                    key: directory.purpose.key(),
                    service: service.name.clone(),
                    user: directory.user.clone(),
                });
            }
        }
    }
    Ok(())
}

fn of_root(directory: &OwnDirectory) -> bool {
    directory.user == "root"
}

/// Those called like one of the packages or the application, and what is below those: the same that the package owns.
fn own_parents(plan: &BuildPlan, directory: &str) -> Vec<String> {
    let is_name = |part: &str| part == plan.metadata.name || plan.packages.iter().any(|package| package.name == part);
    let above = Path::new(directory).ancestors().skip(1).filter_map(Path::to_str);
    above.filter(|path| path.split('/').any(is_name)).map(str::to_owned).collect()
}
