//! A system in namespaces of its own, by systemd-nspawn: with its own process 1 and a network of its own, in which there
//! is nobody else.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::exec::{Background, Command, ExecError, children};
use crate::scratch::Undo;
use crate::smoke::{Error, Overlay, SURROUNDINGS};

/// How long the end of a machine may take.
const END: Duration = Duration::from_secs(20);
/// How often it is looked whether a machine is up, or gone.
const INTERVAL: Duration = Duration::from_millis(20);
/// Process 1 of a system without an init; the file says that it has come so far.
const IDLE: &str = ": >/run/omnipack-idle; while :; do sleep 3600; done";

/// What process 1 is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Init {
    /// The system's own.
    Own,
    /// One that does nothing.
    Idle,
}

/// Ends, with all its processes, when dropped.
#[derive(Debug)]
pub struct Nspawn {
    leader: u32,
    // What is left of it is only its end.
    _running: Undo,
}

impl Nspawn {
    /// Starts the system and waits until `is_up` says yes of process 1.
    ///
    /// # Errors
    /// When it ends, or is not up after `patience`.
    pub fn start(
        root: &Overlay,
        init: Init,
        patience: Duration,
        mut is_up: impl FnMut(&Self) -> Result<bool, Error>,
    ) -> Result<Self, Error> {
        let log = root.scratch().join("console.log");
        let deadline = Instant::now() + patience;
        let command = match init {
            Init::Own => command(root).arg("--boot"),
            Init::Idle => command(root).args(["--as-pid2", "/bin/sh", "-c", IDLE]),
        };
        let start = || command.start_logged(&log);
        let (pid, ended, running) = {
            let ((pid, ended), running) = Undo::of(
                || start().map(|background| (background.pid(), std::sync::Arc::new(background))),
                |(pid, background)| {
                    let (pid, background) = (*pid, background.clone());
                    move || end(pid, &background)
                },
            )?;
            (pid, ended, running)
        };
        let mut machine = Self { leader: 0, _running: running };
        loop {
            // The first child only sets the mounts up and ends; the one that stays is process 1 of the machine.
            machine.leader = children(pid).last().copied().unwrap_or(0);
            if machine.leader != 0 {
                match is_up(&machine) {
                    Ok(true) => return Ok(machine),
                    // A machine that ends takes whoever asks it along (pid_namespaces(7)).
                    Ok(false) | Err(Error::Exec(ExecError::Signal { .. })) => {}
                    Err(error) => return Err(error),
                }
            }
            let reason = match (ended.has_ended(), Instant::now() >= deadline) {
                (true, _) => "it ended".to_owned(),
                (_, true) => format!("it was not up after {} seconds", patience.as_secs()),
                _ => {
                    std::thread::sleep(INTERVAL);
                    continue;
                }
            };
            return Err(Error::Boot { reason, console: console(&log) });
        }
    }

    /// Why this machine may boot no system at all, in the words of systemd-nspawn. It is asked to run a program that says
    /// nothing itself: that a system cannot be booted may just as well be the fault of the system.
    ///
    /// # Errors
    /// When systemd-nspawn cannot be started, or is not done after `patience`.
    pub fn refusal(root: &Overlay, patience: Duration) -> Result<Option<String>, Error> {
        let asked = command(root).args(["--as-pid2", "/bin/sh", "-c", ":"]).run_within(patience)?;
        let said = super::machine::both(&asked);
        let may_not =
            said.lines().find(|line| line.contains("Operation not permitted")).map(|line| line.trim().to_owned());
        Ok(may_not.filter(|_| asked.code != 0))
    }

    /// Process 1 of the machine, by its number on this one.
    #[must_use]
    pub fn leader(&self) -> u32 {
        self.leader
    }

    /// A program inside.
    #[must_use]
    pub fn inside(&self, program: &str, args: &[&str]) -> Command {
        Command::new("nsenter")
            .args(["--target", &self.leader.to_string()])
            .args(["--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd", "--cgroup"])
            .args(SURROUNDINGS)
            .arg(program)
            .args(args)
    }

    /// Is a machine that does nothing ready for others?
    pub fn is_idle(&self) -> Result<bool, Error> {
        Ok(self.inside("test", &["-e", "/run/omnipack-idle"]).run()?.code == 0)
    }
}

/// What it runs comes behind.
fn command(root: &Overlay) -> Command {
    let name = root.scratch().file_name().unwrap_or_default().to_string_lossy().into_owned();
    // A host name has no other characters (hostname(7)).
    let name = name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "");
    // The machine ends with this process, however this process ends.
    Command::new("setpriv")
        .args(["--pdeathsig=KILL", "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network"])
        .arg(format!("--machine=omnipack-{}", name.trim_matches('-')))
        .args(["--console=pipe", "--directory"])
        .arg(root.path())
}

/// The end of what the machine said while it came up.
fn console(log: &Path) -> String {
    let bytes = fs_err::read(log).unwrap_or_default();
    super::machine::last_lines(&String::from_utf8_lossy(&bytes), 40)
}

/// Nothing on the machine is of any value: its process 1 is killed, which ends all others, and systemd-nspawn tidies up.
fn end(pid: u32, running: &Background) {
    if let Some(leader) = children(pid).last() {
        let _ = Command::new("kill").args(["-s", "KILL", &leader.to_string()]).run();
    }
    let deadline = Instant::now() + END;
    while Instant::now() < deadline && !running.has_ended() {
        std::thread::sleep(INTERVAL);
    }
    running.kill();
}
