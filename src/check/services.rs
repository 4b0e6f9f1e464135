//! Rules about services: who runs them, how they are started, what they tell everybody.

use std::path::Path;

use super::finding::Found;
use super::hint::Hint;
use super::subject::Subject;
use super::trial;
use crate::distribution::InitSystem;
use crate::project::{Enable, Place, Service, Spot, is_secret, secrets_in_command};
use crate::service;

/// The first port that everybody may listen on (ip(7), `ip_unprivileged_port_start`).
const UNPRIVILEGED: u16 = 1024;
/// How alike two names of commands have to be for the one to be meant by the other (Jaro-Winkler).
const ALIKE: f64 = 0.9;

pub fn hints(subject: &Subject<'_>) -> Vec<Found> {
    let services = subject.project.services.iter().enumerate();
    let mut found = services
        .flat_map(|(index, service)| of_service(subject, service, &Place::at("service").index(index)))
        .collect::<Vec<_>>();
    found.extend(commands(subject));
    found
}

fn of_service(subject: &Subject<'_>, service: &Service, at: &Place) -> Vec<Found> {
    let found =
        |key: &str, hint: Hint| Found::new(hint, subject.config.nearest_spot(subject.distribution, &at.key(key)));
    let name = service.name.clone();
    let words = service::words(&service.command).unwrap_or_default();
    let mut all = Vec::new();
    if service.user.is_empty() || service.user == "root" {
        let account = subject.project.users.first().map_or(&subject.project.package.name, |user| &user.name);
        all.push(found("user", Hint::Root { service: name.clone(), account: account.clone() }));
    } else if let Some(port) = privileged_port(subject, service, &words) {
        let user = service.user.clone();
        all.push(found("command", Hint::Port { service: name.clone(), user, port }));
    }
    if let Some((program, help)) = words.first().and_then(|first| go_between(first)) {
        all.push(found("command", Hint::Shell { service: name.clone(), program, help }));
    }
    all.extend(secrets(subject, service, at));
    if !service.hardening && subject.distribution.init == InitSystem::Systemd {
        all.push(found("hardening", Hint::Hardening { service: name.clone() }));
    }
    if service.enable == Enable::Yes {
        all.push(found("enable", Hint::Enable { service: name.clone() }));
    }
    let everybody = service.umask.chars().last().and_then(|digit| digit.to_digit(8));
    if everybody.is_some_and(|digit| digit & 2 == 0) {
        all.push(found("umask", Hint::Umask { service: name, umask: service.umask.clone() }));
    }
    all
}

/// Variables and parts of command lines that not everybody should read, each at its value.
fn secrets(subject: &Subject<'_>, service: &Service, at: &Place) -> Vec<Found> {
    let found = |what: String, spot| Found::new(Hint::Secret { service: service.name.clone(), what }, spot);
    let spot = |place: &Place| subject.config.spot(subject.distribution, place);
    let variables = service.environment.iter().filter(|(variable, value)| is_secret(variable, value));
    let mut all = variables
        .map(|(variable, _)| found(format!("the variable `{variable}`"), spot(&at.key("environment").key(variable))))
        .collect::<Vec<_>>();
    for (key, command) in [("command", &service.command), ("reload", &service.reload)] {
        let place = spot(&at.key(key));
        let written = place.as_ref().and_then(|place| place.text.get(place.span.clone())).unwrap_or(command);
        for (what, range) in secrets_in_command(written) {
            let start = place.as_ref().map_or(0, |place| place.span.start);
            let value = place.clone().map(|place| Spot { span: start + range.start..start + range.end, ..place });
            all.push(found(format!("{what} in `{key}`"), value));
        }
    }
    all
}

/// A program that only starts another one, and what to write instead.
fn go_between(program: &str) -> Option<(String, &'static str)> {
    const SHELL: &str = "name the program itself: signals to stop or reload the service reach the shell and not what it started. For \
                         what needs a shell, ship a script with `[[file]]` that ends with `exec`";
    const OTHER_USER: &str = "give the service that `user`: the service manager starts it as that account, and no session or password is \
                              in the way";
    let name = Path::new(program).file_name()?.to_str()?;
    match name {
        "sh" | "bash" | "dash" | "ksh" | "zsh" => Some((name.to_owned(), SHELL)),
        "sudo" | "su" | "runuser" | "setuidgid" | "start-stop-daemon" => Some((name.to_owned(), OTHER_USER)),
        _ => None,
    }
}

/// A port that the command says to listen on, and that systemd does not open, nor a file capability allow.
fn privileged_port(subject: &Subject<'_>, service: &Service, words: &[String]) -> Option<u16> {
    const OPTIONS: [&str; 8] = ["--port", "--http-port", "--https-port", "--bind", "--listen", "--http", "-p", "-b"];
    let allowed = |file: &crate::project::ExtraFile| {
        file.capabilities.as_ref().is_some_and(|capabilities| capabilities.contains("cap_net_bind_service"))
    };
    if !service.listen.is_empty() || subject.project.files.iter().any(allowed) {
        return None;
    }
    let values = words.iter().enumerate().filter_map(|(index, word)| match word.split_once('=') {
        Some((option, value)) if OPTIONS.contains(&option) => Some(value),
        _ if OPTIONS.contains(&word.as_str()) => words.get(index + 1).map(String::as_str),
        _ => None,
    });
    let ports = values.filter_map(|value| value.rsplit(':').next()?.parse::<u16>().ok());
    ports.into_iter().find(|port| (1..UNPRIVILEGED).contains(port))
}

/// Commands that the application does not have, though it has one of nearly the name, or nothing else brings any.
fn commands(subject: &Subject<'_>) -> Vec<Found> {
    let Some(plan) = &subject.plan else { return Vec::new() };
    if !plan.has_python() || !subject.knows("scripts") || !subject.knows("entry-points") {
        return Vec::new();
    }
    let own = &subject.project.metadata.console_scripts;
    let likeness = |name: &str, other: &String| strsim::jaro_winkler(name, other);
    let near = |name: &str| {
        let alike = own.iter().filter(|other| likeness(name, other) >= ALIKE);
        alike.max_by(|left, right| likeness(name, left).total_cmp(&likeness(name, right)))
    };
    let mut all = Vec::new();
    for name in trial::named(plan) {
        let near = match near(&name) {
            Some(other) => format!("; did you mean `{other}`?"),
            None if !subject.requires_something() => ", and it requires nothing that could have it".to_owned(),
            None => continue,
        };
        if !["python", "python3"].contains(&name.as_str()) {
            all.push(Found::new(Hint::Command { command: name.clone(), near }, place_of(subject, &name)));
        }
    }
    all
}

/// The first service or link that names the command.
fn place_of(subject: &Subject<'_>, command: &str) -> Option<Spot> {
    let spot = |place: &Place| subject.config.spot(subject.distribution, place);
    let services = subject.project.services.iter().enumerate();
    let in_service = services.filter_map(|(index, service)| {
        let runs = trial::programs(service).iter().any(|program| program.ends_with(command));
        runs.then(|| Place::at("service").index(index).key("command"))
    });
    let metas = subject.project.meta_packages.iter().enumerate();
    let in_meta = metas.filter_map(|(index, meta)| {
        let position = meta.scripts.as_ref()?.iter().position(|script| script == command)?;
        Some(Place::at("meta-package").index(index).key("scripts").index(position))
    });
    let links = subject.project.package.links.as_ref().and_then(|links| {
        let position = links.scripts.iter().position(|script| script == command)?;
        Some(Place::at("package").key("links").key("scripts").index(position))
    });
    in_service.chain(in_meta).chain(links).find_map(|place| spot(&place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_starts_another_is_known_wherever_it_lies() {
        assert_eq!(go_between("/bin/sh").unwrap().0, "sh");
        assert_eq!(go_between("/usr/bin/sudo").unwrap().0, "sudo");
        assert!(go_between("shell-web").is_none() && go_between("/usr/bin/env").is_none());
    }
}
