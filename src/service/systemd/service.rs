//! `.service` units.

use serde::Serialize;

use crate::distribution::{Section, ToolVersion};
use crate::plan::{BuildPlan, ONESHOT_RESTART};
use crate::project::{INSTANCE, Service};
use crate::service::checked::{Checked, Reload};
use crate::service::command::Word;
use crate::service::hardening::{self, Directive, Subject};
use crate::service::{Error, own_directories};
use crate::template;

use super::dependencies::dependencies;
use super::settings::settings;
use super::{description, wanted_by};

/// `Type=exec` came with systemd 240; before, `simple` is the nearest.
const EXEC: ToolVersion = ToolVersion::new(240, 0, 0);
/// `Type=notify-reload` came with systemd 253; before, `notify` is the nearest.
const NOTIFY_RELOAD: ToolVersion = ToolVersion::new(253, 0, 0);

#[derive(Serialize)]
struct Unit<'a> {
    description: String,
    /// What stands for the name of the instance in the texts; `None`: it is no template.
    instance: Option<&'static str>,
    count: Option<u32>,
    after: Vec<String>,
    before: Vec<String>,
    requires: Vec<String>,
    wants: Vec<String>,
    part_of: Vec<String>,
    unit_settings: Vec<Directive>,
    #[serde(rename = "type")]
    kind: &'a str,
    executable: &'a str,
    arguments: &'a [String],
    reload: Option<ReloadLine>,
    user: &'a str,
    group: &'a str,
    working_directory: &'a str,
    umask: &'a str,
    environment: Vec<String>,
    own_environment: Vec<String>,
    environment_file: &'a str,
    restart: &'a str,
    restart_delay: u32,
    stop_timeout: u32,
    /// What depends on the version of systemd, and hardening.
    service_settings: Vec<Directive>,
    wanted_by: Vec<String>,
}

#[derive(Serialize)]
struct ReloadLine {
    executable: String,
    /// `None` is the main process.
    arguments: Vec<Option<String>>,
}

/// The text of one unit file.
pub(super) fn unit(plan: &BuildPlan, checked: &Checked<'_>) -> Result<String, Error> {
    let service = checked.service;
    let version = plan.distribution.systemd.unwrap_or(ToolVersion::new(0, 0, 0));
    let (executable, arguments) = checked.argv.split_first().map_or(("", &[][..]), |(first, rest)| (first, rest));
    let restart = restart(service, version);
    let dependencies = dependencies(plan, &checked.id, service);
    let mut service_settings = settings(plan, service, restart, Section::Service);
    service_settings.extend(harden(plan, checked, version)?);
    let unit = Unit {
        description: description(plan, checked),
        instance: service.count.map(|_| INSTANCE),
        count: service.count,
        after: dependencies.after,
        before: dependencies.before,
        requires: dependencies.requires,
        wants: dependencies.wants,
        part_of: dependencies.part_of,
        unit_settings: settings(plan, service, restart, Section::Unit),
        kind: kind(&service.kind, version),
        executable,
        arguments,
        reload: checked.reload.as_ref().map(reload_line),
        user: checked.user,
        group: &service.group,
        working_directory: &service.working_directory,
        umask: &service.umask,
        environment: service.environment.iter().map(|(name, value)| format!("{name}={value}")).collect(),
        own_environment: own_directories::environment(plan, service),
        environment_file: &service.environment_file,
        restart,
        restart_delay: service.restart_delay,
        stop_timeout: service.stop_timeout,
        service_settings,
        wanted_by: if starts_itself(service) { wanted_by(plan, "multi-user.target") } else { Vec::new() },
    };
    let template = include_str!("../../../templates/systemd/service.service");
    Ok(template::render(&format!("{}.service", checked.id), template, unit)?)
}

/// Neither a timer nor a socket starts it.
fn starts_itself(service: &Service) -> bool {
    service.schedule.is_none() && service.listen.is_empty()
}

fn kind(kind: &str, version: ToolVersion) -> &str {
    match kind {
        "exec" if version < EXEC => "simple",
        "notify-reload" if version < NOTIFY_RELOAD => "notify",
        other => other,
    }
}

/// systemd.service(5): a oneshot service is never restarted after it ended well, and before systemd 244 not at all.
fn restart(service: &Service, version: ToolVersion) -> &str {
    let ends_by_design = matches!(service.restart.as_str(), "always" | "on-success");
    if service.kind == "oneshot" && (version < ONESHOT_RESTART || ends_by_design) { "no" } else { &service.restart }
}

fn reload_line(reload: &Reload) -> ReloadLine {
    match reload {
        Reload::Signal(signal) => {
            ReloadLine { executable: "/bin/kill".to_owned(), arguments: vec![Some(format!("-{signal}")), None] }
        }
        Reload::Command(words) => {
            let mut words = words.iter().map(|word| match word {
                Word::Text(text) => Some(text.clone()),
                Word::MainPid => None,
            });
            let executable = words.next().flatten().unwrap_or_default();
            ReloadLine { executable, arguments: words.collect() }
        }
    }
}

fn harden(plan: &BuildPlan, checked: &Checked<'_>, systemd: ToolVersion) -> Result<Vec<Directive>, Error> {
    if !checked.service.hardening {
        return Ok(Vec::new());
    }
    let homes = plan.packages.iter().flat_map(|package| &package.users);
    let mut needs = homes.filter(|user| user.name == checked.user).map(|user| user.home.as_str()).collect::<Vec<_>>();
    needs.push(checked.service.working_directory.as_str());
    needs.extend(plan.has_python().then_some(plan.prefix.as_str()));
    needs.extend(checked.argv.first().map(String::as_str));
    hardening::directives(&Subject { systemd, user: checked.user, needs })
}
