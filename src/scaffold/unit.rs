//! Unit files of systemd (systemd.service(5), systemd.exec(5)) that the project has already.

use std::collections::BTreeMap;

use toml::Value;

use super::finding::{Candidate, CommandText, Findings, Origin, Trust, joined_lines};
use super::tree::{Tree, name_of};
use crate::project::{AcceptedValue, accepts};

/// Units that a service can wait for without naming them: they are the default, or are there before any service.
const ALWAYS: [&str; 8] = [
    "network.target",
    "network-online.target",
    "syslog.target",
    "multi-user.target",
    "basic.target",
    "local-fs.target",
    "systemd-journald.socket",
    "sysinit.target",
];

/// Directives that say what omnipack decides by itself.
const DECIDED: [&str; 43] = [
    "Description",
    "Documentation",
    "WantedBy",
    "Wants",
    "StandardOutput",
    "StandardError",
    "SyslogIdentifier",
    "RestartSec",
    "KillMode",
    "PrivateTmp",
    "ProtectSystem",
    "ProtectHome",
    "NoNewPrivileges",
    "Alias",
    "PrivateDevices",
    "ProtectKernelTunables",
    "ProtectKernelModules",
    "ProtectControlGroups",
    "RestrictAddressFamilies",
    "RestrictNamespaces",
    "RestrictRealtime",
    "LockPersonality",
    "MemoryDenyWriteExecute",
    "SystemCallArchitectures",
    "SystemCallFilter",
    "StateDirectory",
    "LogsDirectory",
    "RuntimeDirectory",
    "CacheDirectory",
    "ConfigurationDirectory",
    "DynamicUser",
    "StartLimitInterval",
    "StartLimitIntervalSec",
    "StartLimitBurst",
    "KillSignal",
    "SuccessExitStatus",
    "RuntimeDirectoryMode",
    "Also",
    "ProtectClock",
    "ProtectHostname",
    "ProtectKernelLogs",
    "RestrictSUIDSGID",
    "DefaultDependencies",
];

pub fn read(tree: &Tree, findings: &mut Findings) {
    for (path, text) in tree.named(is_unit) {
        one(path, text, findings);
    }
    for (path, _) in tree.named(|name| name.ends_with(".timer") || name.ends_with(".socket")) {
        let advice = "say it in the service: `schedule = \"daily\"` for a timer, `listen = [\"8000\"]` for a socket";
        findings.note(Origin::new(path, 0), "a unit besides the service", advice);
    }
}

/// debhelper takes `debian/app.web.service` too.
fn is_unit(name: &str) -> bool {
    name.ends_with(".service") || name.ends_with(".service.in")
}

fn one(path: &str, text: &str, findings: &mut Findings) {
    let installed_as = unit_name(path);
    let mut candidate =
        Candidate::new(Trust::Unit, Origin::new(path, 0), &installed_as, CommandText::Words(Vec::new()));
    let mut has_command = false;
    for (line, key, value) in directives(text) {
        let at = Origin::new(path, line);
        if key == "ExecStart" {
            if has_command {
                findings.note(
                    at,
                    format!("ExecStart={value}"),
                    "a service has one command: make another service of it",
                );
                continue;
            }
            has_command = true;
            candidate.from = at;
            candidate.command = CommandText::Unit(value);
        } else {
            directive(&key, &value, at, &mut candidate, findings);
        }
    }
    if !has_command {
        return;
    }
    if installed_as.contains('@') {
        let advice = "instances of a service are said by `count = 2`, and `{instance}` in the command is the number";
        findings.note(candidate.from.clone(), "it is a template for instances", advice);
        candidate.name = installed_as.split('@').next().unwrap_or_default().to_owned();
    } else {
        candidate.installed_as = Some(installed_as);
    }
    findings.services.push(candidate);
}

/// `app-web` for `packaging/app-web.service` and `debian/app-web.service`.
fn unit_name(path: &str) -> String {
    let name = name_of(path).trim_end_matches(".in").trim_end_matches(".service");
    match name.split_once('.').filter(|_| super::tree::in_debian(path)) {
        // dh_installsystemd(1): `debian/PACKAGE.NAME.service` is installed as NAME.
        Some((_, name)) => name.to_owned(),
        None => name.to_owned(),
    }
}

/// Keys and values with their lines; sections do not matter, for no key is in two of them.
fn directives(text: &str) -> Vec<(usize, String, String)> {
    let lines = joined_lines(text).into_iter().filter(|(_, line)| !line.trim_start().starts_with(['#', ';', '[']));
    lines
        .filter_map(|(number, line)| {
            let (key, value) = line.split_once('=')?;
            let value = value.trim().to_owned();
            (!value.is_empty()).then(|| (number, key.trim().to_owned(), value))
        })
        .collect()
}

fn directive(key: &str, value: &str, at: Origin, candidate: &mut Candidate, findings: &mut Findings) {
    let accepted = |kind| accepts(kind, value).is_ok();
    let text = || Value::String(value.to_owned());
    let word = |words: &[&str]| words.contains(&value);
    let setting = match key {
        "User" => return candidate.user = Some(value.to_owned()),
        "Group" => return candidate.group = Some(value.to_owned()),
        "Environment" => return environment(value, at, candidate, findings),
        "EnvironmentFile" => return environment_file(value, at, candidate, findings),
        "After" | "Requires" | "BindsTo" | "Before" => return units(key, value, at, candidate, findings),
        // "notify" services are asked for by what runs them, whatever the type.
        "Type" if word(&["simple", "notify", "notify-reload", "oneshot", "idle", "forking"]) => ("type", text()),
        "Type" if word(&["exec"]) => return,
        "Restart" if word(&["no", "always", "on-success", "on-failure", "on-abnormal", "on-abort", "on-watchdog"]) => {
            ("restart", text())
        }
        "UMask" if accepted(AcceptedValue::Umask) => ("umask", text()),
        "LimitNOFILE" if value.parse::<i64>().is_ok_and(|number| number > 0) => {
            ("limit-nofile", Value::Integer(value.parse().unwrap_or_default()))
        }
        "TimeoutStopSec" if seconds(value).is_some() => {
            ("stop-timeout", Value::Integer(seconds(value).unwrap_or_default()))
        }
        "TimeoutStartSec" if seconds(value).is_some() => {
            ("start-timeout", Value::Integer(seconds(value).unwrap_or_default()))
        }
        "ExecReload" => return reload(value, at, candidate, findings),
        "WorkingDirectory" => return working_directory(value, at, candidate, findings),
        "PIDFile" => {
            let advice =
                "systemd finds the process by itself; one that stays in the foreground needs no such file at all";
            return findings.note(at, format!("PIDFile={value}"), advice);
        }
        _ if DECIDED.contains(&key) => return,
        _ => {
            let advice = "it has no counterpart, or needs another value: see `[[service]]` in `omnipack help config`";
            return findings.note(at, format!("{key}={value}"), advice);
        }
    };
    candidate.settings.retain(|(known, _)| *known != setting.0);
    candidate.settings.push(setting);
}

/// `30`, `30s`, `2min`
fn seconds(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let factor = match unit.trim() {
        "" | "s" | "sec" | "second" | "seconds" => 1,
        "m" | "min" | "minute" | "minutes" => 60,
        _ => return None,
    };
    number.parse::<u16>().ok().map(|number| i64::from(number) * factor)
}

/// `A=1 "B=two words"`
fn environment(value: &str, at: Origin, candidate: &mut Candidate, findings: &mut Findings) {
    match super::words::unit(&format!("x {value}"), &BTreeMap::new()) {
        Ok(line) => {
            for pair in line.words.iter().skip(1) {
                if let Some((name, value)) = pair.split_once('=') {
                    candidate.environment.insert(name.to_owned(), value.to_owned());
                }
            }
        }
        Err(reason) => findings.note(at, format!("Environment={value}: {reason}"), "say it in `environment`"),
    }
}

fn environment_file(value: &str, at: Origin, candidate: &mut Candidate, findings: &mut Findings) {
    let (path, may_lack) = value.strip_prefix('-').map_or((value, false), |path| (path, true));
    if candidate.environment_file.is_some()
        || accepts(AcceptedValue::TargetPath, path).is_err()
        || path.contains(['%', '*'])
    {
        let advice = "a service has one `environment-file`, an absolute path: put together what is in several";
        return findings.note(at, format!("EnvironmentFile={value}"), advice);
    }
    candidate.environment_file = Some(path.to_owned());
    if !may_lack {
        candidate.comments.push(format!("{path} may lack here; the unit does not start without it"));
    }
}

fn units(key: &str, value: &str, at: Origin, candidate: &mut Candidate, findings: &mut Findings) {
    let (wanted, refused): (Vec<_>, Vec<_>) = value
        .split_whitespace()
        .filter(|unit| !ALWAYS.contains(unit))
        .partition(|unit| accepts(AcceptedValue::Unit, unit).is_ok() && !unit.contains('%'));
    if !refused.is_empty() {
        findings.note(at, format!("{key}={}", refused.join(" ")), "only names of units can be taken over");
    }
    if wanted.is_empty() {
        return;
    }
    let key = match key {
        "After" => "after",
        "Before" => "before",
        _ => "requires",
    };
    let mut list = wanted.iter().map(|unit| (*unit).to_owned()).collect::<Vec<_>>();
    if key == "after" {
        list.insert(0, "network-online.target".to_owned());
    }
    if let Some((_, Value::Array(known))) = candidate.settings.iter_mut().find(|(name, _)| *name == key) {
        let new = list.into_iter().map(Value::String).filter(|unit| !known.contains(unit)).collect::<Vec<_>>();
        known.extend(new);
        return;
    }
    candidate.settings.push((key, Value::Array(list.into_iter().map(Value::String).collect())));
}

/// `kill -HUP $MAINPID` is a signal.
fn reload(value: &str, at: Origin, candidate: &mut Candidate, findings: &mut Findings) {
    let words = value.trim_start_matches('-').split_whitespace().collect::<Vec<_>>();
    let signal = match words.as_slice() {
        [kill, rest @ ..] if name_of(kill) == "kill" => match rest {
            [signal, process] | ["-s", signal, process] if matches!(*process, "$MAINPID" | "${MAINPID}") => {
                Some(signal.trim_start_matches('-').trim_start_matches("SIG"))
            }
            _ => None,
        },
        _ => None,
    };
    match signal.filter(|signal| ["HUP", "USR1", "USR2"].contains(signal)) {
        Some(signal) => candidate.settings.push(("reload", Value::String(signal.to_owned()))),
        None => {
            findings.note(at, format!("ExecReload={value}"), "say it in `reload`: a signal such as `HUP`, or a command")
        }
    }
}

fn working_directory(value: &str, at: Origin, candidate: &mut Candidate, findings: &mut Findings) {
    let kept = ["/var/lib/", "/var/cache/", "/var/spool/"].iter().any(|start| value.starts_with(start));
    if kept && accepts(AcceptedValue::TargetPath, value).is_ok() && !value.contains('%') {
        candidate.settings.push(("working-directory", Value::String(value.to_owned())));
    } else {
        let advice = "no package makes that directory: the service runs in the home of its account, below /var/lib";
        findings.note(at, format!("WorkingDirectory={value}"), advice);
        candidate.directory = Some(value.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_taken_over() {
        let text = "[Unit]\nDescription=Web\nAfter=network.target postgresql.service\n[Service]\nType=notify\nUser=app\nGroup=app\n\
                    WorkingDirectory=/srv/app\nEnvironment=A=1 \"B=two words\"\nEnvironmentFile=-/etc/default/app\n\
                    ExecStart=/srv/app/venv/bin/gunicorn \\\n    --bind 0.0.0.0:8000 app.wsgi\nExecReload=/bin/kill -s HUP $MAINPID\n\
                    LimitNOFILE=4096\nUMask=0027\nTimeoutStopSec=1min\nRestart=always\nOOMScoreAdjust=-5\n[Install]\nWantedBy=multi-user.target\n";
        let mut findings = Findings::default();
        read(&Tree::of("x", [("packaging/app-web.service", text), ("a.timer", "[Timer]")]), &mut findings);
        let [one] = findings.services.as_slice() else { panic!("{:?}", findings.services) };
        assert_eq!((one.installed_as.as_deref(), one.from.line), (Some("app-web"), 11));
        assert_eq!(
            one.command,
            CommandText::Unit("/srv/app/venv/bin/gunicorn  --bind 0.0.0.0:8000 app.wsgi".to_owned())
        );
        assert_eq!(
            (one.user.as_deref(), one.group.as_deref(), one.environment["B"].as_str()),
            (Some("app"), Some("app"), "two words")
        );
        assert_eq!(one.environment_file.as_deref(), Some("/etc/default/app"));
        let settings = one.settings.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>();
        assert_eq!(
            settings,
            [
                "after=[\"network-online.target\", \"postgresql.service\"]",
                "type=\"notify\"",
                "reload=\"HUP\"",
                "limit-nofile=4096",
                "umask=\"0027\"",
                "stop-timeout=60",
                "restart=\"always\""
            ]
        );
        let noted = findings.notes.iter().map(|note| note.what.as_str()).collect::<Vec<_>>();
        assert_eq!(noted, ["WorkingDirectory=/srv/app", "OOMScoreAdjust=-5", "a unit besides the service"]);
    }

    #[test]
    fn templates_and_other_units_are_noted() {
        let mut findings = Findings::default();
        let files = [
            ("debian/app.worker.service", "[Service]\nExecStart=/usr/bin/w\nExecStart=/usr/bin/x\n"),
            ("w@.service", "[Service]\nExecStart=/usr/bin/w\n"),
        ];
        read(&Tree::of("x", files), &mut findings);
        assert_eq!(findings.services[0].installed_as.as_deref(), Some("worker"));
        assert_eq!((findings.services[1].installed_as.as_deref(), findings.services[1].name.as_str()), (None, "w"));
        assert_eq!(findings.notes.len(), 2);
    }
}
