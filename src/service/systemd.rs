//! Services as systemd units.

use serde::Serialize;

use crate::distribution::ToolVersion;
use crate::plan::BuildPlan;
use crate::project::Service;
use crate::stage::Entry;
use crate::template;

use super::checked::{Checked, Reload};
use super::command::Word;
use super::hardening::{self, Directive, Subject};
use super::{Error, FileKind, text_file};

/// Where packages put units; on targets whose `/lib` is its own directory systemd reads this one too
/// (systemd.unit(5), "Unit File Load Path").
const UNIT_DIRECTORY: &str = "/usr/lib/systemd/system";

/// `Type=exec` came with systemd 240; before, `simple` is the nearest.
const EXEC: ToolVersion = ToolVersion { major: 240, minor: 0, patch: 0 };
/// `Type=notify-reload` came with systemd 253; before, `notify` is the nearest.
const NOTIFY_RELOAD: ToolVersion = ToolVersion { major: 253, minor: 0, patch: 0 };

/// `Restart=` of a oneshot service came with systemd 244.
const ONESHOT_RESTART: ToolVersion = ToolVersion { major: 244, minor: 0, patch: 0 };

#[derive(Serialize)]
struct Unit<'a> {
    description: String,
    after: &'a [String],
    wants: Vec<&'a str>,
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
    environment_file: &'a str,
    restart: &'a str,
    stop_timeout: u32,
    limit_nofile: Option<u64>,
    hardening: Vec<Directive>,
}

#[derive(Serialize)]
struct ReloadLine {
    executable: String,
    /// `None` is the main process.
    arguments: Vec<Option<String>>,
}

/// The unit file of each service.
///
/// # Errors
/// When a value cannot be written into a unit file.
pub fn units(plan: &BuildPlan, services: &[Checked<'_>]) -> Result<Vec<Entry>, Error> {
    services.iter().map(|service| text_file(&unit_path(&service.id), unit(plan, service)?, FileKind::Plain)).collect()
}

/// `/usr/lib/systemd/system/cdhboot-web.service`
pub fn unit_path(id: &str) -> String {
    format!("{UNIT_DIRECTORY}/{id}.service")
}

/// The text of one unit file.
fn unit(plan: &BuildPlan, checked: &Checked<'_>) -> Result<String, Error> {
    let service = checked.service;
    let version = plan.distribution.systemd.unwrap_or(ToolVersion { major: 0, minor: 0, patch: 0 });
    let (executable, arguments) = checked.argv.split_first().map_or(("", &[][..]), |(first, rest)| (first, rest));
    let unit = Unit {
        description: description(plan, checked),
        after: &checked.after,
        wants: service.after.iter().map(String::as_str).filter(|name| *name == "network-online.target").collect(),
        kind: kind(&service.kind, version),
        executable,
        arguments,
        reload: checked.reload.as_ref().map(reload_line),
        user: checked.user,
        group: &service.group,
        working_directory: &service.working_directory,
        umask: &service.umask,
        environment: service.environment.iter().map(|(name, value)| format!("{name}={value}")).collect(),
        environment_file: &service.environment_file,
        restart: restart(service, version),
        stop_timeout: service.stop_timeout,
        limit_nofile: service.limit_nofile,
        hardening: if service.hardening { harden(plan, checked, version)? } else { Vec::new() },
    };
    Ok(template::render(
        &format!("{}.service", checked.id),
        include_str!("../../templates/systemd/service.service"),
        unit,
    )?)
}

/// One line of text; what the user did not describe is named.
pub fn description(plan: &BuildPlan, checked: &Checked<'_>) -> String {
    let text = checked.service.description.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.replace(char::is_control, "");
    if text.is_empty() { format!("{} {}", super::main_name(plan), checked.service.name) } else { text }
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
    let homes = plan.packages.iter().flat_map(|package| &package.users);
    let mut needs = homes.filter(|user| user.name == checked.user).map(|user| user.home.as_str()).collect::<Vec<_>>();
    needs.extend([checked.service.working_directory.as_str(), plan.prefix.as_str()]);
    needs.extend(checked.argv.first().map(String::as_str));
    hardening::directives(&Subject { systemd, user: checked.user, needs })
}
