//! podman and docker: which is there, and in what they differ.

use super::{Choice, Error};
use crate::exec::{Command, ExecError};

/// A program that makes images and runs containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// `podman` or `docker`: what is run.
    program: &'static str,
    kind: Kind,
    ownership: Ownership,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Podman,
    Docker,
}

/// How files that are made inside get the caller as their owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ownership {
    /// Root inside is the caller: root itself, or docker's own rootless mode.
    Root,
    /// podman maps the caller to himself (podman-run(1), `--userns=keep-id`).
    KeepId,
    /// The daemon is root's: programs run as the caller.
    User,
}

/// What the search for an engine came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    Works(Engine),
    /// None is installed, or none is wanted.
    Nothing,
    /// What is installed does not work, for these reasons.
    Broken(String),
}

impl Engine {
    /// The engine asked for: [`Choice::Auto`] is podman, else docker, else none, whichever works.
    ///
    /// # Errors
    /// When a named one is not there or does not work.
    pub fn find(choice: Choice) -> Result<Found, Error> {
        match choice {
            Choice::None => Ok(Found::Nothing),
            Choice::Podman => Self::podman().map(Found::Works),
            Choice::Docker => Self::docker().map(Found::Works),
            Choice::Auto => Ok(Self::any()),
        }
    }

    fn any() -> Found {
        let mut reasons = Vec::new();
        for ask in [Self::podman, Self::docker] {
            match ask() {
                Ok(engine) => return Found::Works(engine),
                Err(Error::NoEngine { .. }) => {}
                Err(error) => reasons.push(error.to_string()),
            }
        }
        if reasons.is_empty() { Found::Nothing } else { Found::Broken(reasons.join("; ")) }
    }

    /// As [`Engine::find`], for who cannot do without.
    ///
    /// # Errors
    /// When there is none.
    pub fn required(choice: Choice) -> Result<Self, Error> {
        match Self::find(choice)? {
            Found::Works(engine) => Ok(engine),
            Found::Nothing => Err(Error::NoEngineAtAll { reasons: "neither is installed".to_owned() }),
            Found::Broken(reasons) => Err(Error::NoEngineAtAll { reasons }),
        }
    }

    /// `podman` or `docker`.
    #[must_use]
    pub fn program(&self) -> &'static str {
        self.program
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn ownership(&self) -> Ownership {
        self.ownership
    }

    pub(super) fn command(&self) -> Command {
        Command::new(self.program)
    }

    fn podman() -> Result<Self, Error> {
        Self::ask("podman", Kind::Podman)
    }

    fn docker() -> Result<Self, Error> {
        // podman-docker puts a `docker` on PATH that is podman.
        let version =
            Command::new("docker").arg("--version").run().map_err(|_| Error::NoEngine { engine: "docker" })?;
        let podman = version.stdout_text().to_lowercase().starts_with("podman");
        Self::ask("docker", if podman { Kind::Podman } else { Kind::Docker })
    }

    /// Does it work, and whose are the files that it makes?
    fn ask(program: &'static str, kind: Kind) -> Result<Self, Error> {
        let run = |args: &[&str]| match Command::new(program).args(args).run() {
            Err(ExecError::Start { .. }) => Err(Error::NoEngine { engine: program }),
            asked => Ok(asked?),
        };
        let (asked, said) = match kind {
            Kind::Podman => {
                let asked = run(&["info", "--format", "{{.Host.Security.Rootless}}"])?;
                let said = asked.stdout_text();
                (asked, said)
            }
            Kind::Docker => {
                // The client alone fails here, and is content with `info`.
                let asked = run(&["version", "--format", "{{.Server.Version}}"])?;
                let said = run(&["info", "--format", "{{json .SecurityOptions}}"])?.stdout_text();
                (asked, said)
            }
        };
        if asked.code != 0 {
            let reason = last_line(&asked.stderr_text());
            let help = match kind {
                Kind::Podman => PODMAN,
                Kind::Docker => DOCKER,
            };
            return Err(Error::Engine { engine: program, reason, help });
        }
        let root = rustix::process::geteuid().is_root();
        let ownership = match kind {
            Kind::Podman if said.trim() == "true" => Ownership::KeepId,
            Kind::Podman => Ownership::Root,
            Kind::Docker if root || said.contains("name=rootless") => Ownership::Root,
            Kind::Docker => Ownership::User,
        };
        Ok(Self { program, kind, ownership })
    }
}

const PODMAN: &str = "`podman info` shows the same; as a user other than root, podman needs entries in /etc/subuid and \
                      /etc/subgid, and `newuidmap` (package `uidmap` or `shadow-utils`)";
const DOCKER: &str = "start the daemon (`systemctl start docker`), and be in the group `docker`; or take podman, which has no \
                      daemon: `--builder podman`";

/// The last line that says something, as engines tell what went wrong at the end.
pub(super) fn last_line(text: &str) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines.next_back().unwrap_or("it says nothing");
    line.trim_start_matches("Error: ").trim_start_matches("ERROR: ").to_owned()
}
