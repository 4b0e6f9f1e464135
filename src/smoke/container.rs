//! A container of podman or docker. It is removed, with what it wrote, when dropped.

use std::path::Path;

use crate::exec::{Command, Output};
use crate::scratch::Undo;
use crate::smoke::nspawn::Init;
use crate::smoke::{Error, SURROUNDINGS};

/// The program that runs containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Podman,
    Docker,
}

impl Engine {
    /// The one that is on PATH, podman first: it can run an image's init.
    ///
    /// # Errors
    /// When there is none.
    pub fn find() -> Result<Self, Error> {
        let found = [Self::Podman, Self::Docker].into_iter().find(|engine| which::which(engine.program()).is_ok());
        found.ok_or(Error::NoEngine)
    }

    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::Podman => "podman",
            Self::Docker => "docker",
        }
    }
}

#[derive(Debug)]
pub struct Container {
    engine: Engine,
    /// As the engine made it up: a name may be another's.
    id: String,
    _running: Undo,
}

impl Container {
    /// Does the image have an init that the engine can run as a service manager? podman can (podman-run(1),
    /// `--systemd`), docker has no such mode.
    pub fn init_of(engine: Engine, image: &str) -> Result<Init, Error> {
        if engine == Engine::Docker {
            return Ok(Init::Idle);
        }
        let look = Command::new(engine.program()).args(["run", "--rm", "--entrypoint", "/bin/sh", image]);
        let found = look.args(["-c", "test -x /sbin/init || exit 3"]).run()?;
        match found.code {
            0 => Ok(Init::Own),
            3 => Ok(Init::Idle),
            _ => Err(refused(engine, image, &found)),
        }
    }

    /// Runs the image.
    ///
    /// # Errors
    /// When the engine does not.
    pub fn start(engine: Engine, image: &str, init: Init) -> Result<Self, Error> {
        let command = Command::new(engine.program()).arg("create");
        let command = match init {
            Init::Own => command.args(["--systemd=always", "--entrypoint", "/sbin/init", image]),
            Init::Idle => {
                let idle = "while :; do sleep 3600; done";
                command.args(["--entrypoint", "/bin/sh", image, "-c", idle])
            }
        };
        // Made and started apart: one that does not start is removed too, and nothing that this did not make.
        let create = || {
            let made = command.run()?;
            let id = made.stdout_text().lines().last().unwrap_or_default().trim().to_owned();
            if made.code == 0 && !id.is_empty() { Ok(id) } else { Err(refused(engine, image, &made)) }
        };
        let (id, running) = Undo::of(create, |id| {
            let id = id.clone();
            move || remove(engine, &id)
        })?;
        let started = Command::new(engine.program()).args(["start", &id]).run()?;
        if started.code != 0 {
            return Err(refused(engine, image, &started));
        }
        Ok(Self { engine, id, _running: running })
    }

    /// A program inside.
    #[must_use]
    pub fn inside(&self, program: &str, args: &[&str]) -> Command {
        let exec = Command::new(self.engine.program()).args(["exec", &self.id]);
        exec.args(SURROUNDINGS).arg(program).args(args)
    }

    /// A command for a person who wants a shell inside.
    #[must_use]
    pub fn entry(&self) -> String {
        format!("{} exec --interactive --tty {} /bin/sh", self.engine.program(), self.id)
    }

    /// Copies a file to `path` inside.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn put(&self, file: &Path, path: &str) -> Result<(), Error> {
        let copy = Command::new(self.engine.program()).arg("cp").arg(file);
        copy.arg(format!("{}:{path}", self.id)).run_checked()?;
        Ok(())
    }
}

fn refused(engine: Engine, image: &str, said: &Output) -> Error {
    let reason = said.stderr_text().trim().to_owned();
    Error::Container { engine: engine.program().to_owned(), image: image.to_owned(), reason }
}

fn remove(engine: Engine, id: &str) {
    // Killed first: an init that is asked to stop takes its time.
    for args in [["kill", id].as_slice(), &["rm", "--force", "--volumes", id]] {
        let _ = Command::new(engine.program()).args(args).run();
    }
}
