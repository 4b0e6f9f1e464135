//! Services as init scripts: POSIX sh with an LSB header and a chkconfig line, needing nothing of a distribution's own
//! shell functions. The interpreter that the package requires anyway changes to the service's account and opens its
//! log, since the tools for that differ between targets.

use serde::Serialize;

use crate::distribution::PackageFormat;
use crate::plan::{BuildPlan, PackagePlan};
use crate::project::Enable;
use crate::stage::Entry;
use crate::template;

use super::checked::{Checked, Reload};
use super::command::Word;
use super::directories::{self, Volatile};
use super::{Error, FileKind, systemd, text_file};

/// Runlevels that a service runs in when it is enabled: those with a network, and Debian's 2.
const RUNLEVELS: [&str; 4] = ["2", "3", "4", "5"];

#[derive(Serialize)]
struct Script<'a> {
    id: &'a str,
    description: String,
    /// Of the chkconfig line: `-` when registering does not enable.
    levels: String,
    default_start: String,
    default_stop: &'static str,
    should_start: Vec<String>,
    argv: &'a [String],
    python: &'a str,
    launcher: &'static str,
    delimiter: &'static str,
    pid_file: String,
    log: String,
    user: &'a str,
    group: &'a str,
    umask: &'a str,
    working_directory: &'a str,
    environment: Vec<String>,
    environment_file: &'a str,
    limit_nofile: Option<u64>,
    stop_timeout: u32,
    oneshot: bool,
    reload: Option<ReloadAction<'a>>,
    directories: Vec<Volatile>,
}

#[derive(Serialize)]
struct ReloadAction<'a> {
    signal: Option<&'a str>,
    /// `None` is the main process.
    words: Vec<Option<&'a str>>,
}

/// The init script of each service of `package`.
///
/// # Errors
/// When a value cannot be written into an init script.
pub fn scripts(plan: &BuildPlan, package: &PackagePlan, services: &[Checked<'_>]) -> Result<Vec<Entry>, Error> {
    services
        .iter()
        .map(|service| {
            text_file(&script_path(plan, &service.id), script(plan, package, service)?, FileKind::Executable)
        })
        .collect()
}

/// `/etc/rc.d/init.d/cdhboot-web`: where RPM distributions keep init scripts, with `/etc/init.d` a link to it
/// (Fedora's SysVInitScript guidelines); `/etc/init.d` on Debian (policy 9.3).
pub fn script_path(plan: &BuildPlan, id: &str) -> String {
    match plan.distribution.format {
        PackageFormat::Rpm => format!("/etc/rc.d/init.d/{id}"),
        PackageFormat::Deb => format!("/etc/init.d/{id}"),
    }
}

/// What the service prints. It lies in a directory of root, so that no account of a service can put a link there.
pub fn log_path(id: &str) -> String {
    format!("/var/log/{id}.log")
}

fn script(plan: &BuildPlan, package: &PackagePlan, checked: &Checked<'_>) -> Result<String, Error> {
    let service = checked.service;
    let enabled = enabled_when_registered(plan, service.enable);
    let script = Script {
        id: &checked.id,
        description: systemd::description(plan, checked),
        levels: if enabled { RUNLEVELS.concat() } else { "-".to_owned() },
        default_start: if enabled { RUNLEVELS.join(" ") } else { String::new() },
        default_stop: if enabled { "0 1 6" } else { "0 1 2 3 4 5 6" },
        should_start: should_start(&checked.after),
        argv: &checked.argv,
        python: &plan.interpreter.path,
        launcher: include_str!("../../templates/sysvinit/launch.py").trim_ascii_end(),
        delimiter: "END_OF_LAUNCHER",
        pid_file: format!("/var/run/{}.pid", checked.id),
        log: log_path(&checked.id),
        user: checked.user,
        group: &service.group,
        umask: if service.umask.is_empty() { "0022" } else { &service.umask },
        working_directory: &service.working_directory,
        environment: service.environment.iter().map(|(name, value)| format!("{name}={value}")).collect(),
        environment_file: &service.environment_file,
        limit_nofile: service.limit_nofile,
        stop_timeout: service.stop_timeout,
        oneshot: service.kind == "oneshot",
        reload: checked.reload.as_ref().map(reload),
        directories: directories::volatile(plan, package),
    };
    Ok(template::render(&checked.id, include_str!("../../templates/sysvinit/service.sh"), script)?)
}

/// sysvinit has no preset policy: RPM distributions leave new services off (Fedora's SysVInitScript guidelines),
/// Debian turns them on (policy 9.3.3.1).
fn enabled_when_registered(plan: &BuildPlan, enable: Enable) -> bool {
    match enable {
        Enable::Yes => true,
        Enable::No => false,
        Enable::Preset => plan.distribution.format == PackageFormat::Deb,
    }
}

/// Facilities and services of the LSB header for the units in `after`. What every script requires anyway, and targets
/// that have no counterpart, are left out.
fn should_start(after: &[String]) -> Vec<String> {
    let facility = |unit: &String| match unit.rsplit_once('.')? {
        ("nss-lookup", "target") => Some("$named".to_owned()),
        ("time-sync", "target") => Some("$time".to_owned()),
        (name, "service") => Some(name.to_owned()),
        _ => None,
    };
    after.iter().filter_map(facility).collect()
}

fn reload(reload: &Reload) -> ReloadAction<'_> {
    match reload {
        Reload::Signal(signal) => ReloadAction { signal: Some(signal), words: Vec::new() },
        Reload::Command(words) => {
            let words = words.iter().map(|word| match word {
                Word::Text(text) => Some(text.as_str()),
                Word::MainPid => None,
            });
            ReloadAction { signal: None, words: words.collect() }
        }
    }
}
