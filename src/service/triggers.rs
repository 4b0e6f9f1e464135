//! `[[trigger]]` for dpkg. rpm waits for packages; dpkg waits for paths and for names that packages agree on
//! (deb-triggers(5)). A package is waited for by a path that each has: `/usr/share/doc/<package>` (Debian policy, 12.5),
//! and by what dpkg says of it when the trigger comes.

use serde::Serialize;

use crate::distribution::PackageFormat;
use crate::plan::{BuildPlan, PackagePlan};
use crate::project::{Trigger, TriggerWhen};
use crate::template;

use super::{Error, scriptlets};

/// Before the name of a dpkg trigger that is no path: `trigger:ldconfig`.
const NAMED: &str = "trigger:";

/// A script of the user, and when postinst runs it.
#[derive(Debug, Serialize)]
pub struct TriggerScript {
    /// As dpkg names it: a path, or a name.
    name: String,
    /// The package that has to be there, or gone; nothing for a path or a name.
    package: Option<String>,
    /// What dpkg calls the comparison, and the version to compare with.
    comparison: Option<[String; 2]>,
    /// Does it run when the package is gone?
    gone: bool,
    /// Is it a path, which may be there already?
    path: bool,
    /// For messages.
    on: String,
    interpreter: String,
    delimiter: String,
    text: String,
}

/// What a trigger waits for.
enum Condition<'a> {
    Path(&'a str),
    Name(&'a str),
    Package { name: &'a str, comparison: Option<[&'a str; 2]> },
}

/// The scripts for the triggers of `package`.
///
/// # Errors
/// When dpkg has nothing for one of them.
pub fn scripts(plan: &BuildPlan, package: &PackagePlan) -> Result<Vec<TriggerScript>, Error> {
    package.triggers.iter().map(|trigger| script(plan, package, trigger)).collect()
}

/// What stands in the control member `triggers` (deb-triggers(5)) of a package with these triggers, which activates
/// those of `activate`. Nothing waits for the triggers to be done: no other package needs what the scripts do.
///
/// # Errors
/// When dpkg has nothing for one of them.
pub fn deb_triggers(package: &str, triggers: &[Trigger], activate: &[String]) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    for trigger in triggers {
        lines.push(format!("interest-noawait {}", condition(package, trigger)?.trigger_name()));
    }
    lines.extend(activate.iter().map(|name| format!("activate-noawait {name}")));
    lines.sort();
    lines.dedup();
    Ok(lines)
}

/// rpm's triggers wait for packages alone.
///
/// # Errors
/// When one of `package` waits for something else.
pub fn check(plan: &BuildPlan, package: &PackagePlan) -> Result<(), Error> {
    for trigger in &package.triggers {
        let of_dpkg = trigger.on.starts_with('/') || trigger.on.starts_with(NAMED);
        match plan.distribution.format {
            PackageFormat::Deb => condition(&package.name, trigger).map(drop)?,
            PackageFormat::Rpm if of_dpkg => {
                let reason = "is a path or a name, and rpm's triggers wait for packages";
                let hint = "name a package, as in `on = \"nginx >= 1.20\"`, or keep this trigger to DEB targets: \
                            [[distribution.debian.trigger]]";
                return Err(error(&package.name, trigger, reason, hint));
            }
            PackageFormat::Rpm => {}
        }
    }
    Ok(())
}

impl Condition<'_> {
    fn trigger_name(&self) -> String {
        match self {
            Self::Path(name) | Self::Name(name) => (*name).to_owned(),
            Self::Package { name, .. } => format!("/usr/share/doc/{name}"),
        }
    }
}

fn script(plan: &BuildPlan, package: &PackagePlan, trigger: &Trigger) -> Result<TriggerScript, Error> {
    let condition = condition(&package.name, trigger)?;
    if trigger.script.contains('\0') {
        return Err(error(&package.name, trigger, "has a NUL character in its script", "scripts are texts"));
    }
    let name = condition.trigger_name();
    let path = matches!(condition, Condition::Path(_));
    let (of_package, comparison) = match condition {
        Condition::Package { name, comparison } => (Some(name.to_owned()), comparison),
        Condition::Path(_) | Condition::Name(_) => (None, None),
    };
    let words = trigger.interpreter.splitn(2, char::is_whitespace).map(str::trim).filter(|word| !word.is_empty());
    if trigger.interpreter.starts_with('<') {
        let reason = format!("is run by {}, which only rpm has", trigger.interpreter);
        let hint =
            format!("write it for /bin/sh, or leave it to RPM targets: {} takes programs", plan.distribution.name);
        return Err(error(&package.name, trigger, &reason, &hint));
    }
    Ok(TriggerScript {
        name,
        package: of_package,
        comparison: comparison.map(|[operator, version]| [operator.to_owned(), version.to_owned()]),
        path,
        gone: trigger.when == TriggerWhen::Postun,
        on: trigger.on.clone(),
        interpreter: words.map(template::sh).collect::<Vec<_>>().join(" "),
        delimiter: scriptlets::delimiter(&trigger.script),
        text: trigger.script.clone(),
    })
}

fn condition<'a>(package: &str, trigger: &'a Trigger) -> Result<Condition<'a>, Error> {
    let on = trigger.on.as_str();
    let wrong = |reason: &str, hint: &str| Err(error(package, trigger, reason, hint));
    let named = on.strip_prefix(NAMED).or_else(|| on.starts_with('/').then_some(on));
    if let Some(name) = named {
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_graphic()) {
            let hint = "names of triggers are printable ASCII without blank space (deb-triggers(5))";
            return wrong("is no name that a dpkg trigger can have", hint);
        }
        if trigger.when != TriggerWhen::In {
            let hint = "leave `when` out: the script runs after packages that bring or remove something there";
            return wrong("does not say of a package that it goes, as `when` does", hint);
        }
        return Ok(if on.starts_with('/') { Condition::Path(name) } else { Condition::Name(name) });
    }
    if trigger.when == TriggerWhen::Un {
        let hint = "take `when = \"postun\"`, which runs it after the package is gone";
        return wrong("is to run before a package is removed, which dpkg's triggers cannot", hint);
    }
    let words = on.split_whitespace().collect::<Vec<_>>();
    let comparison = match words.as_slice() {
        [_] => None,
        [_, operator, version] => operator_of(operator).map(|operator| [operator, *version]),
        _ => return wrong("is neither a package nor `package >= version`", KINDS),
    };
    let name = words.first().copied().unwrap_or_default();
    // Debian policy, 5.6.7.
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.chars().all(plain) {
        return wrong("is no package of Debian", KINDS);
    }
    if words.len() == 3 && comparison.is_none() {
        return wrong("is neither a package nor `package >= version`", KINDS);
    }
    if comparison.is_some() && trigger.when == TriggerWhen::Postun {
        return wrong("has a version, which a package that is gone has not", "leave the version out");
    }
    Ok(Condition::Package { name, comparison })
}

const KINDS: &str = "name a package (`nginx`, `nginx >= 1.20`), a path that packages put files below (`/usr/share/mime`), \
                     or a trigger that packages activate (`trigger:ldconfig`)";

/// The word of `dpkg --compare-versions`.
fn operator_of(text: &str) -> Option<&'static str> {
    Some(match text {
        "<" | "<<" => "lt",
        "<=" => "le",
        "=" | "==" => "eq",
        ">=" => "ge",
        ">" | ">>" => "gt",
        _ => return None,
    })
}

fn error(package: &str, trigger: &Trigger, reason: &str, hint: &str) -> Error {
    Error::Trigger {
        on: trigger.on.clone(),
        package: package.to_owned(),
        reason: reason.to_owned(),
        hint: hint.to_owned(),
    }
}
