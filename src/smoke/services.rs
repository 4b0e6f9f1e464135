//! What starts and stops the services of a machine, and how it is asked: by exit codes and properties, never by the
//! text that is meant for people.

use crate::exec::Output;
use crate::smoke::{Error, Machine};

/// Runs a program on a machine that may still be coming up.
pub type Runner<'a> = &'a dyn Fn(&str, &[&str]) -> Result<Output, Error>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceManager {
    Systemd,
    /// Init scripts, in `/etc/init.d`.
    Sysvinit,
    /// Services are not started.
    None {
        reason: String,
    },
}

/// What a service is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Running,
    /// On its way up or down.
    Changing,
    Stopped,
    /// It ended badly, and systemd remembers.
    Failed,
}

impl ServiceManager {
    /// The one that runs. `/run/systemd/system` exists when systemd is process 1 (`sd_booted(3)`).
    ///
    /// # Errors
    /// When the machine runs no command.
    pub fn of(run: Runner<'_>) -> Result<Self, Error> {
        if run("test", &["-d", "/run/systemd/system"])?.code == 0 {
            return Ok(Self::Systemd);
        }
        let runlevel = run("/bin/sh", &["-c", "test -d /etc/init.d && runlevel"])?;
        if runlevel.code == 0 {
            return Ok(Self::Sysvinit);
        }
        Ok(Self::None { reason: "no service manager that omnipack knows runs there".to_owned() })
    }

    /// Is there nothing left that it would start by itself?
    ///
    /// # Errors
    /// When the machine runs no command.
    pub fn has_settled(&self, run: Runner<'_>) -> Result<bool, Error> {
        match self {
            // `degraded`: some unit failed, as in a container some do.
            Self::Systemd => {
                let state = run("systemctl", &["is-system-running"])?.stdout_text();
                Ok(matches!(state.trim(), "running" | "degraded"))
            }
            // `N 2`: from nowhere to runlevel 2 (runlevel(8)).
            Self::Sysvinit => {
                let level = run("runlevel", &[])?.stdout_text();
                Ok(level.split_whitespace().nth(1).is_some_and(|level| ["2", "3", "4", "5"].contains(&level)))
            }
            Self::None { .. } => Ok(false),
        }
    }

    /// # Errors
    /// When the machine runs no command, as with every method here.
    pub fn start(&self, machine: &Machine, id: &str) -> Result<Output, Error> {
        self.act(machine, "start", id)
    }

    /// # Errors
    /// When the machine runs no command.
    pub fn stop(&self, machine: &Machine, id: &str) -> Result<Output, Error> {
        self.act(machine, "stop", id)
    }

    fn act(&self, machine: &Machine, verb: &str, id: &str) -> Result<Output, Error> {
        match self {
            Self::Systemd => machine.run("systemctl", &[verb, id]),
            Self::Sysvinit => machine.run(&format!("/etc/init.d/{id}"), &[verb]),
            Self::None { reason } => Err(no_manager(reason)),
        }
    }

    /// # Errors
    /// When the machine runs no command.
    pub fn state(&self, machine: &Machine, id: &str) -> Result<State, Error> {
        match self {
            Self::Systemd => Ok(match self.property(machine, id, "ActiveState")?.as_str() {
                "active" => State::Running,
                "activating" | "deactivating" | "reloading" => State::Changing,
                "failed" => State::Failed,
                _ => State::Stopped,
            }),
            // 0: it runs; 1, 2: it is dead and left its pid file or its lock; 3: it is stopped (LSB).
            Self::Sysvinit => Ok(match machine.run(&format!("/etc/init.d/{id}"), &["status"])?.code {
                0 => State::Running,
                1 | 2 => State::Failed,
                _ => State::Stopped,
            }),
            Self::None { reason } => Err(no_manager(reason)),
        }
    }

    /// Does it start with the machine?
    ///
    /// # Errors
    /// When the machine runs no command.
    pub fn is_enabled(&self, machine: &Machine, id: &str) -> Result<bool, Error> {
        match self {
            Self::Systemd => Ok(machine.run("systemctl", &["--quiet", "is-enabled", id])?.code == 0),
            Self::Sysvinit => {
                let line = "set -- /etc/rc[2345].d/S[0-9][0-9]\"$0\" /etc/rc.d/rc[2345].d/S[0-9][0-9]\"$0\"; \
                            for link; do [ ! -e \"$link\" ] || exit 0; done; exit 1";
                Ok(machine.run("/bin/sh", &["-c", line, id])?.code == 0)
            }
            Self::None { reason } => Err(no_manager(reason)),
        }
    }

    /// The main process, by its number on the machine; none when the service does not run.
    ///
    /// # Errors
    /// When the machine runs no command.
    pub fn main_pid(&self, machine: &Machine, id: &str) -> Result<Option<u32>, Error> {
        let text = match self {
            Self::Systemd => self.property(machine, id, "MainPID")?,
            Self::Sysvinit => {
                let line = "for file in /run/$0.pid /var/run/$0.pid /run/$0/$0.pid /var/run/$0/$0.pid; do \
                            [ ! -s \"$file\" ] || { head -n 1 \"$file\"; exit; }; done";
                machine.run("/bin/sh", &["-c", line, id])?.stdout_text()
            }
            Self::None { reason } => return Err(no_manager(reason)),
        };
        Ok(text.trim().parse().ok().filter(|pid| *pid != 0))
    }

    /// A property of a unit, as `systemctl show` gives it; empty when this systemd does not know it.
    ///
    /// # Errors
    /// When the machine runs no command.
    pub fn property(&self, machine: &Machine, id: &str, name: &str) -> Result<String, Error> {
        // `--value` is younger than the oldest systemd that is supported.
        let text = machine.run("systemctl", &["show", "-p", name, id])?.stdout_text();
        let value = text.trim().strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
        Ok(value.unwrap_or_default().to_owned())
    }
}

impl std::fmt::Display for ServiceManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Systemd => f.write_str("systemd"),
            Self::Sysvinit => f.write_str("sysvinit"),
            Self::None { reason } => write!(f, "none: {reason}"),
        }
    }
}

fn no_manager(reason: &str) -> Error {
    Error::Command { command: "service".to_owned(), code: 1, said: reason.to_owned() }
}
