//! `[[service]]`: reading, defaults, and what does not go together.

use std::collections::BTreeMap;

use super::assemble::word;
use super::document::Place;
use super::error::Fault;
use super::parts::{Names, Reference, given, path_or_empty, unique};
use super::raw;
use super::reader::Reader;
use super::schedule;
use super::service_values as service_value;
use super::values;
use super::{Check, Limits, Probe, Service, ServiceDirectories};

/// Most instances that a `count` may ask for: each is a process of its own.
const MOST_INSTANCES: u32 = 1000;

pub(super) fn services(reader: &mut Reader<'_>, raw: &[raw::Service], names: &Names, summary: &str) -> Vec<Service> {
    unique(reader, "service", "name", raw.iter().map(|service| service.name.as_deref()));
    let place = |index| Place::at("service").index(index);
    raw.iter().enumerate().map(|(index, service)| one_service(reader, service, &place(index), names, summary)).collect()
}

fn one_service(reader: &mut Reader<'_>, raw: &raw::Service, at: &Place, names: &Names, summary: &str) -> Service {
    let defaults = Service::default();
    check_type(reader, raw, at);
    check_schedule(reader, raw, at);
    check_instances(reader, raw, at);
    let name = reader.required(&at.key("name"), raw.name.as_deref(), values::service_name);
    let user = reader.value(&at.key("user"), given(&raw.user), values::account).unwrap_or(defaults.user);
    let group = reader.value(&at.key("group"), given(&raw.group), values::account);
    let description = reader.value(&at.key("description"), given(&raw.description), values::phrase);
    let formerly = raw.formerly.as_deref().unwrap_or_default();
    let listen = raw.listen.as_deref().unwrap_or_default();
    Service {
        description: description.unwrap_or_else(|| format!("{summary} ({name})")),
        name,
        command: reader.required(&at.key("command"), raw.command.as_deref(), values::command),
        group: group.unwrap_or_else(|| names.group_of(&user).unwrap_or_else(|| user.clone())),
        user,
        working_directory: path_or_empty(reader, at, "working-directory", &raw.working_directory),
        umask: reader.value(&at.key("umask"), raw.umask.as_deref(), values::umask).unwrap_or(defaults.umask),
        environment: environment(reader, &at.key("environment"), raw.environment.as_ref()),
        environment_file: path_or_empty(reader, at, "environment-file", &raw.environment_file),
        after: units(reader, &at.key("after"), raw.after.as_deref(), names).unwrap_or(defaults.after),
        before: units(reader, &at.key("before"), raw.before.as_deref(), names).unwrap_or_default(),
        requires: units(reader, &at.key("requires"), raw.requires.as_deref(), names).unwrap_or_default(),
        formerly: reader.list(&at.key("formerly"), formerly, service_value::former_name),
        count: count(reader, &at.key("count"), raw.count),
        schedule: reader.value(&at.key("schedule"), given(&raw.schedule), schedule::parse),
        listen: reader.list(&at.key("listen"), listen, service_value::listen),
        restart: restart(raw),
        restart_delay: raw.restart_delay.unwrap_or(defaults.restart_delay),
        kind: raw.kind.map_or_else(|| default_type(raw), word),
        watchdog: raw.watchdog.filter(|seconds| *seconds > 0),
        reload: reader.value(&at.key("reload"), raw.reload.as_deref(), values::reload).unwrap_or_default(),
        start_timeout: raw.start_timeout,
        stop_timeout: raw.stop_timeout.unwrap_or(defaults.stop_timeout),
        limit_nofile: raw.limit_nofile,
        limits: limits(reader, raw, at),
        hardening: raw.hardening.unwrap_or(defaults.hardening),
        directories: directories(reader, raw, at),
        enable: raw.enable.unwrap_or_default(),
        start: raw.start.unwrap_or(defaults.start),
        restart_on_upgrade: raw.restart_on_upgrade.unwrap_or(defaults.restart_on_upgrade),
        check: raw.check.as_ref().and_then(|check| health_check(reader, check, &at.key("check"))),
        package: names.look_up(reader, &at.key("package"), raw.package.as_deref(), Reference::Package),
    }
}

fn default_type(raw: &raw::Service) -> String {
    let scheduled = given(&raw.schedule).is_some();
    word(if scheduled { raw::ServiceType::Oneshot } else { raw::ServiceType::Simple })
}

fn is_oneshot(raw: &raw::Service) -> bool {
    raw.kind.map_or_else(|| given(&raw.schedule).is_some(), |kind| kind == raw::ServiceType::Oneshot)
}

fn restart(raw: &raw::Service) -> String {
    word(raw.restart.unwrap_or(if is_oneshot(raw) { raw::Restart::No } else { raw::Restart::OnFailure }))
}

fn check_type(reader: &mut Reader<'_>, raw: &raw::Service, at: &Place) {
    let Some(restart @ (raw::Restart::Always | raw::Restart::OnSuccess)) = raw.restart else { return };
    if is_oneshot(raw) {
        let (key, what) = match raw.kind {
            Some(_) => ("type", "type = \"oneshot\""),
            None => ("schedule", "schedule"),
        };
        let message = format!("`restart = \"{}\"` contradicts `{what}`", word(restart));
        let help = "a service that ends by design can be restarted on failure only";
        reader.clash(&at.key("restart"), &at.key(key), message, help);
    }
}

/// A service that runs at certain times does its work and ends, and there is one of it.
fn check_schedule(reader: &mut Reader<'_>, raw: &raw::Service, at: &Place) {
    if given(&raw.schedule).is_none() {
        return;
    }
    let schedule = at.key("schedule");
    if !is_oneshot(raw) {
        let help = "leave `type` out: a service with a schedule is `oneshot`";
        reader.clash(&at.key("type"), &schedule, "a service with a `schedule` does its work and ends", help);
    }
    if raw.count.is_some() {
        let help = "leave one of them out";
        reader.clash(&at.key("count"), &schedule, "a service with a `schedule` has no instances", help);
    }
    if raw.listen.as_ref().is_some_and(|listen| !listen.is_empty()) {
        let help = "leave one of them out";
        reader.clash(&at.key("listen"), &schedule, "a service with a `schedule` is not started by a socket", help);
    }
}

/// Only one process can take over a socket.
fn check_instances(reader: &mut Reader<'_>, raw: &raw::Service, at: &Place) {
    if raw.count.is_some() && raw.listen.as_ref().is_some_and(|listen| !listen.is_empty()) {
        let message = "several instances cannot share the sockets of `listen`";
        reader.clash(
            &at.key("count"),
            &at.key("listen"),
            message,
            "leave one of them out, or let each instance listen by itself",
        );
    }
}

/// Names of units; a service of the configuration may go without its suffix.
fn units(reader: &mut Reader<'_>, at: &Place, raw: Option<&[String]>, names: &Names) -> Option<Vec<String>> {
    Some(reader.list(at, raw?, |text| {
        if names.has_service(text) {
            return Ok(format!("{text}.service"));
        }
        values::unit(text).map_err(|fault| match names.near_service(text) {
            Some(meant) => Fault::new(fault.message, format!("did you mean `{meant}`?")),
            None => fault,
        })
    }))
}

fn count(reader: &mut Reader<'_>, at: &Place, raw: Option<u32>) -> Option<u32> {
    let count = raw?;
    if !(1..=MOST_INSTANCES).contains(&count) {
        let message = format!("`count`: there cannot be {count} instances");
        reader.report(at, message, format!("from 1 to {MOST_INSTANCES}; leave it out for a service without instances"));
        return None;
    }
    Some(count)
}

fn limits(reader: &mut Reader<'_>, raw: &raw::Service, at: &Place) -> Limits {
    if let Some(nice) = raw.nice
        && !(-20..=19).contains(&nice)
    {
        reader.report(&at.key("nice"), format!("`nice`: there is no priority {nice}"), "from -20 (first) to 19 (last)");
    }
    Limits {
        nproc: raw.limit_nproc,
        core: reader.value(&at.key("limit-core"), raw.limit_core.as_deref(), service_value::bytes),
        memory: reader.value(&at.key("memory-max"), raw.memory_max.as_deref(), service_value::bytes),
        cpu: reader.value(&at.key("cpu-quota"), raw.cpu_quota.as_deref(), service_value::per_cent),
        tasks: raw.tasks_max,
        nice: raw.nice,
    }
}

fn directories(reader: &mut Reader<'_>, raw: &raw::Service, at: &Place) -> ServiceDirectories {
    let mut directory =
        |key: &str, value: &Option<String>| reader.value(&at.key(key), value.as_deref(), service_value::directory);
    ServiceDirectories {
        state: directory("state-directory", &raw.state_directory),
        logs: directory("logs-directory", &raw.logs_directory),
        cache: directory("cache-directory", &raw.cache_directory),
        runtime: directory("runtime-directory", &raw.runtime_directory),
    }
}

fn health_check(reader: &mut Reader<'_>, raw: &raw::Check, at: &Place) -> Option<Check> {
    let given = [("http", &raw.http), ("tcp", &raw.tcp), ("command", &raw.command)];
    let given = given.into_iter().filter(|(_, value)| value.is_some()).map(|(key, _)| key).collect::<Vec<_>>();
    match given.as_slice() {
        [] => reader.report(at, "the check looks at nothing", "give it one of `http`, `tcp` and `command`"),
        [_] => {}
        [first, second, ..] => {
            let message = format!("a check has either `{first}` or `{second}`");
            reader.clash(&at.key(second), &at.key(first), message, "leave one of them out");
        }
    }
    if raw.status.is_some() && raw.http.is_none() {
        reader.report(&at.key("status"), "`status` is for `http` only", "leave it out");
    }
    if let Some(status) = raw.status.filter(|status| !(100..=599).contains(status)) {
        reader.report(&at.key("status"), format!("`status`: {status} is no HTTP status"), "from 100 to 599");
    }
    let url = reader.value(&at.key("http"), raw.http.as_deref(), service_value::plain_http);
    let tcp = reader.value(&at.key("tcp"), raw.tcp.as_deref(), service_value::address);
    let command = reader.value(&at.key("command"), raw.command.as_deref(), values::command);
    let probe = url.map(|url| Probe::Http { url, status: raw.status });
    let probe = probe.or_else(|| tcp.map(Probe::Tcp)).or_else(|| command.map(Probe::Command))?;
    Some(Check { probe, timeout: raw.timeout.unwrap_or(30) })
}

fn environment(
    reader: &mut Reader<'_>,
    at: &Place,
    raw: Option<&BTreeMap<String, String>>,
) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (name, value) in raw.into_iter().flatten() {
        let place = at.key(name);
        let name = reader.value(&place, Some(name), values::variable);
        let value = reader.value(&place, Some(value), |value| values::line(value).map(|_| value.to_owned()));
        all.extend(name.zip(value));
    }
    all
}
