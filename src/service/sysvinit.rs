//! Services as init scripts: POSIX sh with an LSB header and a chkconfig line, needing nothing of a distribution's own
//! shell functions. The interpreter that the package requires anyway changes to the service's account and opens its
//! log, since the tools for that differ between targets.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::distribution::PackageFormat;
use crate::plan::{BuildPlan, PackagePlan};
use crate::project::{Enable, INSTANCE, Service};
use crate::stage::Entry;
use crate::template;

use super::checked::{Checked, Reload};
use super::command::Word;
use super::directories::{self, Volatile};
use super::{Error, FileKind, checked, cron, order, own_directories, systemd, text_file};

/// Runlevels that a service runs in when it is enabled: those with a network, and Debian's 2.
const RUNLEVELS: [&str; 4] = ["2", "3", "4", "5"];

/// What chkconfig starts first is 00, and what it stops first; a service of the application starts after those of the
/// system, and stops before them.
const START_PRIORITY: u32 = 85;
const LAST_PRIORITY: u32 = 99;

#[derive(Serialize)]
struct Script<'a> {
    id: &'a str,
    description: String,
    /// Of the chkconfig line: `-` when registering does not enable.
    levels: String,
    start_priority: String,
    stop_priority: String,
    default_start: String,
    default_stop: &'static str,
    should_start: Vec<String>,
    start_before: Vec<String>,
    /// Init scripts of services without which it cannot run.
    required: Vec<String>,
    /// Is it a configuration file, which the package manager leaves behind?
    stays: bool,
    argv: Vec<String>,
    python: &'a str,
    launcher: &'static str,
    delimiter: &'static str,
    pid_file: String,
    log: String,
    user: &'a str,
    group: &'a str,
    umask: &'a str,
    working_directory: String,
    environment: Vec<String>,
    environment_file: String,
    /// For the launcher: sockets, limits, priority.
    options: Vec<String>,
    socket_paths: Vec<&'a str>,
    stop_timeout: u32,
    oneshot: bool,
    scheduled: bool,
    reload: Option<ReloadAction<'a>>,
    directories: Vec<Volatile>,
}

#[derive(Serialize)]
struct ReloadAction<'a> {
    signal: Option<&'a str>,
    /// `None` is the main process.
    words: Vec<Option<&'a str>>,
}

/// The init scripts of `package`, one for each instance, and what cron runs. `levels` are those of the services
/// (`order.rs`).
///
/// # Errors
/// When a value cannot be written into an init script.
pub fn scripts(
    plan: &BuildPlan,
    package: &PackagePlan,
    services: &[Checked<'_>],
    levels: &BTreeMap<&str, u32>,
) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    for checked in services {
        let level = levels.get(checked.service.name.as_str()).copied().unwrap_or_default();
        for (id, number) in ids(&checked.id, checked.service).iter().zip(1..) {
            let instance = Instance { id, number: checked.service.count.map(|_| number) };
            let text = script(plan, package, checked, &instance, level)?;
            // Policy 10.7.3: what a Debian package has below /etc is the administrator's to change.
            let kind = match plan.distribution.format {
                PackageFormat::Rpm => FileKind::Executable,
                PackageFormat::Deb => FileKind::ExecutableConfig,
            };
            entries.push(text_file(&script_path(plan, id), text, kind)?);
        }
        entries.extend(cron::entry(plan, checked)?);
    }
    Ok(entries)
}

/// The process that an init script is for.
struct Instance<'a> {
    /// Of the init script, the log, the pid file.
    id: &'a str,
    /// `None`: there is only one.
    number: Option<u32>,
}

impl Instance<'_> {
    /// `text` with the number in its place.
    fn fill(&self, text: &str) -> String {
        self.number.map_or_else(|| text.to_owned(), |number| text.replace(INSTANCE, &number.to_string()))
    }
}

/// Names of the init scripts of the service `id`: `cdhboot-web`, or `cdhboot-web-1` and so on.
pub fn ids(id: &str, service: &Service) -> Vec<String> {
    match service.count {
        Some(count) => (1..=count).map(|number| format!("{id}-{number}")).collect(),
        None => vec![id.to_owned()],
    }
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

fn script(
    plan: &BuildPlan,
    package: &PackagePlan,
    checked: &Checked<'_>,
    instance: &Instance<'_>,
    level: u32,
) -> Result<String, Error> {
    let service = checked.service;
    let scheduled = service.schedule.is_some();
    let enabled = enabled_when_registered(plan, service.enable) && !scheduled;
    let order = order(plan, service);
    let number = instance.number.map_or_else(String::new, |number| format!(" {number}"));
    let start_priority = (START_PRIORITY + level).min(LAST_PRIORITY);
    let script = Script {
        id: instance.id,
        description: systemd::description(plan, checked) + &number,
        levels: if enabled { RUNLEVELS.concat() } else { "-".to_owned() },
        start_priority: format!("{start_priority:02}"),
        stop_priority: format!("{:02}", 100 - start_priority),
        default_start: if enabled { RUNLEVELS.join(" ") } else { String::new() },
        default_stop: match (scheduled, enabled) {
            (true, _) => "",
            (false, true) => "0 1 6",
            (false, false) => "0 1 2 3 4 5 6",
        },
        should_start: order.after,
        start_before: order.before,
        required: order.required,
        stays: plan.distribution.format == PackageFormat::Deb,
        argv: checked.argv.iter().map(|word| instance.fill(word)).collect(),
        python: &plan.interpreter.path,
        launcher: include_str!("../../templates/sysvinit/launch.py").trim_ascii_end(),
        delimiter: "END_OF_LAUNCHER",
        pid_file: format!("/var/run/{}.pid", instance.id),
        log: log_path(instance.id),
        user: checked.user,
        group: &service.group,
        umask: if service.umask.is_empty() { "0022" } else { &service.umask },
        working_directory: instance.fill(&service.working_directory),
        environment: environment(plan, service, instance),
        environment_file: instance.fill(&service.environment_file),
        options: options(checked)?,
        socket_paths: service.listen.iter().map(String::as_str).filter(|address| address.starts_with('/')).collect(),
        stop_timeout: service.stop_timeout,
        oneshot: service.kind == "oneshot",
        scheduled,
        reload: checked.reload.as_ref().map(reload),
        directories: directories::volatile(plan, package),
    };
    Ok(template::render(instance.id, include_str!("../../templates/sysvinit/service.sh"), script)?)
}

fn environment(plan: &BuildPlan, service: &Service, instance: &Instance<'_>) -> Vec<String> {
    let given = service.environment.iter().map(|(name, value)| format!("{name}={value}"));
    given.chain(own_directories::environment(plan, service)).map(|text| instance.fill(&text)).collect()
}

/// What the launcher does before it becomes the service.
fn options(checked: &Checked<'_>) -> Result<Vec<String>, Error> {
    let service = checked.service;
    let mut options = Vec::new();
    for text in &service.listen {
        options.push(format!("listen:{}", systemd::socket_address(checked, text)?));
    }
    let limits = [("nofile", service.limit_nofile), ("nproc", service.limits.nproc), ("core", service.limits.core)];
    options.extend(limits.iter().filter_map(|(name, limit)| limit.map(|limit| format!("limit:{name}:{limit}"))));
    options.extend(service.limits.nice.map(|nice| format!("nice:{nice}")));
    Ok(options)
}

/// What the header says of the levels. sysvinit has no preset policy: RPM distributions leave new services off (Fedora's
/// SysVInitScript guidelines), Debian turns them on (policy 9.3.3.1). There, update-rc.d(8) needs the levels in any case,
/// to enable a service later.
fn enabled_when_registered(plan: &BuildPlan, enable: Enable) -> bool {
    match (plan.distribution.format, enable) {
        (PackageFormat::Deb, _) | (PackageFormat::Rpm, Enable::Yes) => true,
        (PackageFormat::Rpm, Enable::No | Enable::Preset) => false,
    }
}

/// How an init script stands to others.
#[derive(Default)]
struct Order {
    /// Facilities and services of the LSB header. None of them is `Required-Start`, which insserv takes for an error as
    /// long as that script is not registered.
    after: Vec<String>,
    /// Of others than the build's own, whose scripts say it themselves.
    before: Vec<String>,
    /// Paths of scripts that it starts.
    required: Vec<String>,
}

fn order(plan: &BuildPlan, service: &Service) -> Order {
    let all = plan.packages.iter().flat_map(|package| &package.services).collect::<Vec<_>>();
    let own = |unit: &str| all.iter().find(|other| unit.strip_suffix(".service") == Some(&other.name));
    let scripts = |other: &Service| match other.schedule {
        Some(_) => Vec::new(),
        None => ids(&checked::unchecked_id(plan, other), other),
    };
    let facilities = |units: &[String]| {
        let others = units.iter().filter(|unit| own(unit).is_none());
        others.filter_map(|unit| facility(unit)).collect::<Vec<_>>()
    };
    let required = service.requires.iter().filter_map(|unit| own(unit)).flat_map(|other| scripts(other));
    let mut order = Order {
        after: facilities(&service.after),
        before: facilities(&service.before),
        required: required.map(|id| script_path(plan, &id)).collect(),
    };
    order.after.extend(facilities(&service.requires));
    order.after.extend(all.iter().filter(|other| order::waits_for(service, other)).flat_map(|other| scripts(other)));
    order
}

/// What a unit is in an LSB header. What every script requires anyway, and targets that have no counterpart, are `None`.
fn facility(unit: &str) -> Option<String> {
    match unit.rsplit_once('.')? {
        ("nss-lookup", "target") => Some("$named".to_owned()),
        ("time-sync", "target") => Some("$time".to_owned()),
        (name, "service") => Some(name.to_owned()),
        _ => None,
    }
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
