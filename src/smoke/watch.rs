//! One service of the packages: started, checked, and compared with what it was before.

use crate::service::manifest::Kind;
use crate::smoke::inventory::{Check, SYSTEM_PYTHON, Service};
use crate::smoke::machine::{both, last_lines};
use crate::smoke::{Error, Machine, ServiceManager, State};

/// Does a health check; see there.
const CHECK: &str = include_str!("../../templates/smoke/check.py");
/// "Start-up of the unit is done" in the catalogue of systemd's messages (`SD_MESSAGE_UNIT_STARTED`, sd-messages.h).
const UNIT_STARTED: &str = "MESSAGE_ID=39f53479d3a045ac8e11786248231fbf";
/// Lines of a service's own log that a message shows.
const LOG_LINES: usize = 20;

/// A service at one moment.
#[derive(Debug, Clone)]
pub struct Watched {
    pub service: Service,
    pub state: State,
    pid: Option<u32>,
    /// How often systemd has started it so far, by its journal.
    starts: usize,
    enabled: bool,
}

/// What is not as it should be, compared with before; empty when all is well.
pub type Judge = fn(&Machine, &Watched, &Watched) -> Result<Vec<String>, Error>;

pub fn of(machine: &Machine, service: &Service) -> Result<Watched, Error> {
    let (manager, id) = (machine.services(), service.id.as_str());
    Ok(Watched {
        service: service.clone(),
        state: manager.state(machine, id)?,
        pid: manager.main_pid(machine, id)?,
        starts: starts(machine, id)?,
        enabled: manager.is_enabled(machine, id)?,
    })
}

fn starts(machine: &Machine, id: &str) -> Result<usize, Error> {
    if *machine.services() != ServiceManager::Systemd {
        return Ok(0);
    }
    // What was said so far has to be in the journal; an old journalctl does not know this, and is only a little late.
    machine.run("journalctl", &["--sync"])?;
    let unit = format!("UNIT={id}");
    let lines = machine.run("journalctl", &["--quiet", "--no-pager", "--output=cat", UNIT_STARTED, &unit])?;
    Ok(if lines.code == 0 { lines.stdout_text().lines().count() } else { 0 })
}

/// Starts it; gives what was said when that failed.
pub fn start(machine: &Machine, service: &Service) -> Result<Option<String>, Error> {
    let started = machine.services().start(machine, &service.id)?;
    Ok((started.code != 0).then(|| format!("exit code {}: {}", started.code, last_lines(&both(&started), 5))))
}

/// What is wrong with a service that was started a while ago. `early` is how it was right after.
pub fn stays_up(
    machine: &Machine,
    service: &Service,
    early: &Watched,
    refused: Option<String>,
) -> Result<Vec<String>, Error> {
    let now = of(machine, service)?;
    let mut problems = refused.into_iter().collect::<Vec<_>>();
    match (service.kind, now.state) {
        (Kind::Oneshot, State::Failed) => problems.push("it failed".to_owned()),
        (Kind::Oneshot, _) => {}
        (Kind::Service, State::Running) if early.pid != now.pid => {
            problems.push("its main process changed: it ended and was started again".to_owned());
        }
        (Kind::Service, State::Running) => {}
        (Kind::Service, state) => problems.push(format!("it does not run: {}", in_words(state))),
    }
    Ok(with_log(machine, service, problems))
}

/// Stops it.
pub fn stop(machine: &Machine, service: &Service) -> Result<Vec<String>, Error> {
    let stopped = machine.services().stop(machine, &service.id)?;
    let mut problems = Vec::new();
    if stopped.code != 0 {
        problems.push(format!("exit code {}: {}", stopped.code, last_lines(&both(&stopped), 5)));
    }
    let state = machine.services().state(machine, &service.id)?;
    if state != State::Stopped {
        problems.push(format!("after that it is not stopped: {}", in_words(state)));
    }
    Ok(with_log(machine, service, problems))
}

/// A package without Python is checked by the machine's, if there is one.
pub fn can_check(machine: &Machine, check: &Check) -> Result<bool, Error> {
    Ok(check.python != SYSTEM_PYTHON || machine.run("test", &["-x", &check.python])?.code == 0)
}

/// Waits until the check holds, with the interpreter of the package, in the machine's network.
pub fn check(machine: &Machine, service: &Service, check: &Check) -> Result<Vec<String>, Error> {
    let specification = serde_json::to_string(&check.check).map_err(std::io::Error::other)?;
    let done = machine.run(&check.python, &["-I", "-B", "-c", CHECK, &specification])?;
    let problems = if done.code == 0 { Vec::new() } else { vec![last_lines(&both(&done), LOG_LINES)] };
    Ok(with_log(machine, service, problems))
}

/// After an upgrade: what ran was restarted exactly once, unless it is not to be; what did not run does not run.
pub fn restarted(machine: &Machine, earlier: &Watched, now: &Watched) -> Result<Vec<String>, Error> {
    let mut problems = changes(earlier, now);
    if earlier.state == State::Running && earlier.pid.is_some() && problems.is_empty() {
        let starts = now.starts.saturating_sub(earlier.starts);
        if !now.service.restart_on_upgrade {
            if now.pid != earlier.pid {
                problems.push("it was restarted, though `restart-on-upgrade` is false".to_owned());
            }
        } else if now.pid == earlier.pid {
            problems.push("it was not restarted: the process of the old version still runs".to_owned());
        } else if starts > 1 {
            problems.push(format!("it was started {starts} times"));
        }
    }
    Ok(with_log(machine, &now.service, problems))
}

/// What was stopped is stopped, and what ran runs.
pub fn unchanged(machine: &Machine, earlier: &Watched, now: &Watched) -> Result<Vec<String>, Error> {
    Ok(with_log(machine, &now.service, changes(earlier, now)))
}

fn changes(earlier: &Watched, now: &Watched) -> Vec<String> {
    let mut problems = Vec::new();
    let runs = |watched: &Watched| watched.state == State::Running;
    let (was, is) = (in_words(earlier.state), in_words(now.state));
    if now.service.kind == Kind::Service && runs(earlier) != runs(now) {
        problems.push(format!("it was {was} before and is {is} now"));
    } else if now.state == State::Failed && earlier.state != State::Failed {
        problems.push("it failed".to_owned());
    }
    if earlier.enabled != now.enabled {
        let word = |enabled| if enabled { "enabled" } else { "disabled" };
        problems.push(format!("it was {} before and is {} now", word(earlier.enabled), word(now.enabled)));
    }
    problems
}

/// A service that the new version does not have any more.
pub fn withdrawn(machine: &Machine, earlier: &Watched) -> Result<Vec<String>, Error> {
    gone(machine, &earlier.service.id)
}

/// Nothing is left of it in the service manager.
pub fn gone(machine: &Machine, id: &str) -> Result<Vec<String>, Error> {
    let manager = machine.services();
    if *manager != ServiceManager::Systemd {
        // Its script and the links to it are files.
        return Ok(Vec::new());
    }
    let (load, active) = (manager.property(machine, id, "LoadState")?, manager.property(machine, id, "ActiveState")?);
    let mut problems = Vec::new();
    if !matches!(load.as_str(), "not-found" | "") {
        problems.push(format!("the unit is still known to systemd: {load}"));
    }
    if !matches!(active.as_str(), "inactive" | "") {
        problems.push(format!("the unit is not stopped: {active}"));
    }
    Ok(problems)
}

fn in_words(state: State) -> &'static str {
    match state {
        State::Running => "running",
        State::Changing => "starting or stopping",
        State::Stopped => "stopped",
        State::Failed => "failed",
    }
}

/// A problem with the end of what the service wrote.
fn with_log(machine: &Machine, service: &Service, mut problems: Vec<String>) -> Vec<String> {
    if !problems.is_empty() {
        let log = last_lines(&machine.journal(Some(&service.id)), LOG_LINES);
        if !log.is_empty() {
            problems.push(format!("its log ends with:\n{log}"));
        }
    }
    problems
}
