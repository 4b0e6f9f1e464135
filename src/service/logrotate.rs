//! `[[logrotate]]` tables as a drop-in of logrotate(8).

use serde::Serialize;

use crate::distribution::{InitSystem, PackageFormat};
use crate::plan::{BuildPlan, PackagePlan, Relation, RelationKind};
use crate::project::Logrotate;
use crate::stage::Entry;
use crate::template;

use super::checked::{self, Checked};
use super::own_directories::{self, Purpose};
use super::{Error, FileKind, systemd, sysvinit, text_file};

const FREQUENCIES: [&str; 5] = ["hourly", "daily", "weekly", "monthly", "yearly"];

#[derive(Serialize)]
struct DropIn<'a> {
    stanzas: &'a [Stanza<'a>],
}

#[derive(Serialize)]
struct Stanza<'a> {
    paths: Vec<&'a str>,
    frequency: &'a str,
    rotate: u32,
    compress: bool,
    su: Option<Owner>,
    /// How the service is told to open its log anew; `None`: copy and truncate.
    reopen: Option<Reopen>,
}

#[derive(Clone, Serialize)]
struct Reopen {
    /// Of systemctl, or of the init scripts.
    verb: &'static str,
    /// A unit, or a pattern of units (systemctl(1), "Parameter Syntax").
    unit: Option<String>,
    /// Paths of init scripts.
    scripts: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, Serialize)]
struct Owner {
    user: String,
    group: String,
}

/// `/etc/logrotate.d/<package>`, and one file for the output of each service that an init script runs.
pub fn entries(plan: &BuildPlan, package: &PackagePlan, services: &[Checked<'_>]) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    if !package.logrotate.is_empty() {
        let mut stanzas = Vec::new();
        for table in &package.logrotate {
            stanzas.extend(stanzas_of(plan, table)?);
        }
        entries.push(drop_in(&package.name, &stanzas)?);
    }
    if plan.distribution.init == InitSystem::Sysvinit {
        for service in services {
            let logs =
                sysvinit::ids(&service.id, service.service).iter().map(|id| sysvinit::log_path(id)).collect::<Vec<_>>();
            let paths = logs.iter().map(String::as_str).collect();
            let stanza = Stanza { paths, frequency: "weekly", rotate: 4, compress: true, su: None, reopen: None };
            entries.push(drop_in(&service.id, &[stanza])?);
        }
    }
    Ok(entries)
}

/// What has to be installed for the drop-ins among `entries` to be read.
pub fn relations(plan: &BuildPlan, entries: &[Entry]) -> Vec<Relation> {
    let shipped = entries.iter().any(|entry| entry.path.as_str().starts_with("/etc/logrotate.d/"));
    let relation = || Relation {
        kind: RelationKind::Requires,
        name: plan.distribution.logrotate_package.clone(),
        comparison: None,
        reason: "log rotation".to_owned(),
    };
    shipped.then(relation).into_iter().collect()
}

fn drop_in(name: &str, stanzas: &[Stanza<'_>]) -> Result<Entry, Error> {
    let text = template::render(
        &format!("logrotate.d/{name}"),
        include_str!("../../templates/logrotate/package"),
        DropIn { stanzas },
    )?;
    text_file(&format!("/etc/logrotate.d/{name}"), text, FileKind::Config)
}

/// One stanza for each owner that the logs of `table` have.
fn stanzas_of<'a>(plan: &'a BuildPlan, table: &'a Logrotate) -> Result<Vec<Stanza<'a>>, Error> {
    let wrong = |reason: String, hint: &str| Error::Logrotate { reason, hint: hint.to_owned() };
    if !FREQUENCIES.contains(&table.frequency.as_str()) {
        let hint = format!("one of: {}", FREQUENCIES.join(", "));
        return Err(wrong(format!("`frequency = {:?}` is not known", table.frequency), &hint));
    }
    let reopen = table.service.as_deref().map(|name| reopen(plan, name)).transpose()?;
    let mut stanzas = Vec::<Stanza<'_>>::new();
    for path in &table.paths {
        let sound = path.starts_with('/') && !path.contains(|c: char| c.is_control() || "\"\\{}".contains(c));
        if !sound {
            let hint = "logrotate takes absolute paths and patterns without quotes, backslashes, braces and line ends";
            return Err(wrong(format!("cannot rotate `{}`", path.escape_default()), hint));
        }
        let su = owner(plan, path);
        match stanzas.iter_mut().find(|stanza| stanza.su == su) {
            Some(stanza) => stanza.paths.push(path),
            None => stanzas.push(Stanza {
                paths: vec![path],
                frequency: &table.frequency,
                rotate: table.rotate,
                compress: table.compress,
                su,
                reopen: reopen.clone(),
            }),
        }
    }
    Ok(stanzas)
}

/// logrotate since 3.8.0 rotates nothing in a directory that others than root can write to unless `su` names whom to
/// become; 3.7 (the RPM distributions that do not boot systemd) does not know the word.
fn owner(plan: &BuildPlan, path: &str) -> Option<Owner> {
    let distribution = &plan.distribution;
    let knows_su = distribution.init == InitSystem::Systemd || distribution.format == PackageFormat::Deb;
    let (directory, _) = path.rsplit_once('/')?;
    let mut directories = plan.packages.iter().flat_map(|package| &package.directories);
    let found = directories.find(|known| known.path.trim_end_matches('/') == directory);
    let named = found.map(|known| Owner { user: known.owner.clone(), group: known.group.clone() });
    let services = plan.packages.iter().flat_map(|package| &package.services);
    let mut own = services.flat_map(|service| own_directories::of_service(plan, service));
    let mut of_service = || {
        let found = own.find(|known| known.purpose == Purpose::Logs && known.path() == directory)?;
        Some(Owner { user: found.user, group: found.group })
    };
    named.or_else(&mut of_service).filter(|owner| knows_su && owner.user != "root")
}

fn reopen(plan: &BuildPlan, name: &str) -> Result<Reopen, Error> {
    let mut services = plan.packages.iter().flat_map(|package| &package.services);
    let Some(service) = services.find(|service| service.name == name) else {
        return Err(Error::Logrotate {
            reason: format!("there is no service `{name}`"),
            hint: "`service` names a [[service]] of this configuration".to_owned(),
        });
    };
    let id = checked::id(plan, service)?;
    let reloads = !service.reload.trim().is_empty();
    Ok(match plan.distribution.init {
        InitSystem::Systemd => Reopen {
            verb: if reloads { "reload" } else { "try-restart" },
            unit: Some(systemd::running_units(&id, service)),
            scripts: Vec::new(),
        },
        InitSystem::Sysvinit => Reopen {
            verb: if reloads { "reload" } else { "condrestart" },
            unit: None,
            scripts: sysvinit::ids(&id, service).iter().map(|id| sysvinit::script_path(plan, id)).collect(),
        },
    })
}
