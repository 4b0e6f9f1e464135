//! What spec files and Debian source packages have in common: who maintains them, and which packages there are.

use super::Application;
use super::layout::Layout;
use super::sources::own_scripts;
use crate::distribution::PackageFormat;
use crate::plan::{BuildPlan, PackagePlan};

/// Who maintains the package, which is seldom who wrote the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maintainer {
    /// `Ada Lovelace <ada@example.org>`
    pub text: String,
    pub known: bool,
}

/// Nobody takes it for somebody. `invalid` is no domain of anybody's (RFC 2606).
const PLACEHOLDER: &str = "FIXME <fixme@example.invalid>";

impl Maintainer {
    /// As the configuration says, or else as maintainers' own tools are told: rpmdev-packager(1) and `rpmdev-bumpspec`
    /// read `RPM_PACKAGER`, debchange(1) `DEBFULLNAME` and `DEBEMAIL`. `variable` gives a variable of the environment.
    pub fn of(plan: &BuildPlan, variable: impl Fn(&str) -> Option<String>) -> Self {
        let given = plan.maintainer_is_given.then(|| plan.maintainer.clone());
        let text = |name: &str| {
            let text = variable(name)?.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned();
            (!text.is_empty()).then_some(text)
        };
        let person = |text: &String| {
            let address = text.split_once('<').and_then(|(name, rest)| Some((name.trim(), rest.strip_suffix('>')?)));
            address.is_some_and(|(name, address)| !name.is_empty() && address.contains('@'))
        };
        let rpm = || text("RPM_PACKAGER").filter(person);
        let deb = || match (text("DEBFULLNAME"), text("DEBEMAIL")?) {
            (_, whole) if person(&whole) => Some(whole),
            (Some(name), address) => Some(format!("{name} <{address}>")).filter(person),
            (None, _) => None,
        };
        let known = given.or_else(|| match plan.distribution.format {
            PackageFormat::Rpm => rpm().or_else(deb),
            PackageFormat::Deb => deb().or_else(rpm),
        });
        let is_known = known.is_some();
        Self { text: known.unwrap_or_else(|| PLACEHOLDER.to_owned()), known: is_known }
    }

    /// What is to be said where nobody is known.
    pub fn note(&self, format: PackageFormat) -> Option<String> {
        let variables = match format {
            PackageFormat::Rpm => "`RPM_PACKAGER`",
            PackageFormat::Deb => "`DEBFULLNAME` and `DEBEMAIL`",
        };
        (!self.known).then(|| {
            format!(
                "nobody is known to maintain the package, so that it says `{}`: give `maintainer = \"Name <address>\"` \
                 in `[package]`, or set {variables}",
                self.text
            )
        })
    }
}

/// The plan without packages that nobody asked for and that would be empty: the programs of the `-cli` package belong to the
/// main one where services run them.
pub fn without_empty(plan: &BuildPlan, layout: &Layout) -> BuildPlan {
    let mut plan = plan.clone();
    if layout.own_prefix().is_some() {
        // There it has links.
        return plan;
    }
    let empty = plan.packages.iter().filter(|package| is_empty(&plan, package)).map(|package| package.name.clone());
    let empty = empty.collect::<Vec<_>>();
    plan.packages.retain(|package| !empty.contains(&package.name));
    for package in &mut plan.packages {
        package.relations.retain(|relation| !empty.contains(&relation.name));
    }
    plan
}

fn is_empty(plan: &BuildPlan, package: &PackagePlan) -> bool {
    package.implicit
        && own_scripts(plan, package).is_empty()
        && package.services.is_empty()
        && package.files.is_empty()
        && package.directories.is_empty()
        && package.logrotate.is_empty()
        && package.triggers.is_empty()
        && package.users.is_empty()
}

/// Settings that a wheel brings lie where pip puts them, which is not where anybody looks for settings.
pub fn settings_note(application: &Application) -> Option<String> {
    let paths = application.others.keys().filter(|path| path.starts_with("etc/"));
    let paths = paths.map(|path| format!("`/usr/{path}`")).collect::<Vec<_>>();
    (!paths.is_empty()).then(|| {
        format!(
            "the project installs {} below /usr, as its build backend and pip do, and no settings of a distribution are there: \
             ship them as `[[file]]` below /etc where the application reads them there",
            paths.join(", ")
        )
    })
}
