//! Somewhere to run commands, mostly with a service manager.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::exec::{Command, Output, children};
use crate::smoke::container::{Container, Engine};
use crate::smoke::nspawn::{Init, Nspawn};
use crate::smoke::{Error, Overlay, SURROUNDINGS, ServiceManager};

/// Where files that are given to a machine lie on it.
pub const DIRECTORY: &str = "/packages";
/// How long anything that boots may take on a busy machine.
const BOOT: Duration = Duration::from_secs(90);
/// How long a command may take when nobody says otherwise.
const COMMAND: Duration = Duration::from_secs(600);
/// Where the init of a system may be; systemd-nspawn(1), `--boot`, looks there too.
const INITS: &str =
    "for init in /usr/lib/systemd/systemd /lib/systemd/systemd /sbin/init; do [ ! -x $init ] || exit 0; done; exit 3";

/// Runs until it is dropped.
#[derive(Debug)]
pub struct Machine {
    place: Place,
    services: ServiceManager,
    timeout: Duration,
}

#[derive(Debug)]
enum Place {
    // Fields drop in order: first the processes end, then the file system goes.
    Namespaces { nspawn: Nspawn, root: Overlay },
    Chroot { root: Overlay },
    Container(Container),
    Here,
}

impl Machine {
    /// Boots the system and waits until it has nothing left to start. One that has no init, and one that this machine
    /// may not boot, has no service manager; [`Machine::services`] says why.
    ///
    /// # Errors
    /// When the system is not whole, or its init does not come up.
    pub fn boot(root: Overlay) -> Result<Self, Error> {
        if let Err(error) = which::which("systemd-nspawn") {
            return Ok(Self::chroot(root, format!("systemd-nspawn is not on this machine ({error})")));
        }
        let looked = root.chroot("/bin/sh", &["-c", INITS]).run()?;
        let init = match looked.code {
            0 => Init::Own,
            3 => Init::Idle,
            _ => return Err(Error::NoRoot { path: root.path(), reason: both(&looked) }),
        };
        let mut services = ServiceManager::None { reason: "the system has no init".to_owned() };
        let started = Nspawn::start(&root, init, BOOT, |nspawn| match init {
            Init::Idle => nspawn.is_idle(),
            Init::Own => {
                services = ServiceManager::of(&|program, args| Ok(nspawn.inside(program, args).run()?))?;
                Ok(services.has_settled(&|program, args| Ok(nspawn.inside(program, args).run()?))?
                    && !is_changing_runlevel(nspawn.leader()))
            }
        });
        match started {
            Ok(nspawn) => Ok(Self { place: Place::Namespaces { nspawn, root }, services, timeout: COMMAND }),
            Err(error @ Error::Boot { .. }) => match Nspawn::refusal(&root, COMMAND)? {
                Some(said) => Ok(Self::chroot(root, format!("it may not be booted here: {said}"))),
                None => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    fn chroot(root: Overlay, reason: String) -> Self {
        Self { place: Place::Chroot { root }, services: ServiceManager::None { reason }, timeout: COMMAND }
    }

    /// Runs the image, with its init where the engine can.
    ///
    /// # Errors
    /// When there is no such image, or its init does not come up.
    pub fn container(engine: Engine, image: &str) -> Result<Self, Error> {
        let init = Container::init_of(engine, image)?;
        let container = Container::start(engine, image, init)?;
        let reason = match engine {
            Engine::Podman => "the image has no /sbin/init".to_owned(),
            Engine::Docker => "docker cannot run an image's init; podman can".to_owned(),
        };
        let mut machine =
            Self { place: Place::Container(container), services: ServiceManager::None { reason }, timeout: COMMAND };
        if init == Init::Own {
            machine.wait_for_services()?;
        }
        Ok(machine)
    }

    fn wait_for_services(&mut self) -> Result<(), Error> {
        let deadline = Instant::now() + BOOT;
        while Instant::now() < deadline {
            let services = ServiceManager::of(&|program, args| self.run(program, args))?;
            if services.has_settled(&|program, args| self.run(program, args))? {
                self.services = services;
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let console =
            both(&self.run("/bin/sh", &["-c", "cat /proc/1/cmdline; echo; journalctl --no-pager --lines=40"])?);
        Err(Error::Boot { reason: format!("it was not up after {} seconds", BOOT.as_secs()), console })
    }

    /// This machine itself.
    ///
    /// # Errors
    /// When the caller is not root.
    pub fn this() -> Result<Self, Error> {
        if !rustix::process::geteuid().is_root() {
            return Err(Error::NotRoot { what: "install packages on this machine".to_owned() });
        }
        let reason = "this machine runs neither systemd nor a sysvinit".to_owned();
        let mut machine = Self { place: Place::Here, services: ServiceManager::None { reason }, timeout: COMMAND };
        machine.services = ServiceManager::of(&|program, args| machine.run(program, args))?;
        Ok(machine)
    }

    /// A command for a person who wants a shell there; none for this machine.
    #[must_use]
    pub fn entry(&self) -> Option<String> {
        match &self.place {
            Place::Namespaces { nspawn, .. } => {
                Some(format!("nsenter --target {} --all --root --wd /bin/sh -l", nspawn.leader()))
            }
            Place::Chroot { root } => Some(format!("chroot {}", root.path().display())),
            Place::Container(container) => Some(container.entry()),
            Place::Here => None,
        }
    }

    /// How long a command on the machine may take from now on.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// The longest that a command on the machine may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// What starts and stops services there.
    #[must_use]
    pub fn services(&self) -> &ServiceManager {
        &self.services
    }

    /// Its file system, where that is a directory of this machine with a layer over it.
    #[must_use]
    pub fn overlay(&self) -> Option<&Overlay> {
        match &self.place {
            Place::Namespaces { root, .. } | Place::Chroot { root } => Some(root),
            Place::Container(_) | Place::Here => None,
        }
    }

    /// The machine's root directory as this machine sees it, with all that is mounted there; none in a container.
    #[must_use]
    pub fn root_directory(&self) -> Option<PathBuf> {
        match &self.place {
            Place::Namespaces { nspawn, .. } => Some(PathBuf::from(format!("/proc/{}/root", nspawn.leader()))),
            Place::Chroot { root } => Some(root.path()),
            Place::Container(_) => None,
            Place::Here => Some(PathBuf::from("/")),
        }
    }

    /// Can the machine reach a package repository? A booted directory has a network with nobody else in it.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        matches!(self.place, Place::Namespaces { .. })
    }

    /// Runs a program there, as root, with no standard input.
    ///
    /// # Errors
    /// When it cannot be started, is ended by a signal, or takes longer than [`Machine::timeout`]. A program that the
    /// machine does not have ends with 127.
    pub fn run(&self, program: &str, args: &[&str]) -> Result<Output, Error> {
        Ok(self.inside(program, args).run_within(self.timeout)?)
    }

    /// As [`Machine::run`]; gives standard output.
    ///
    /// # Errors
    /// As [`Machine::run`], and when the exit code is not 0.
    pub fn run_checked(&self, program: &str, args: &[&str]) -> Result<String, Error> {
        let output = self.run(program, args)?;
        if output.code == 0 {
            return Ok(output.stdout_text());
        }
        let command = [&[program], args].concat().join(" ");
        Err(Error::Command { command, code: output.code, said: last_lines(&both(&output), 40) })
    }

    fn inside(&self, program: &str, args: &[&str]) -> Command {
        match &self.place {
            Place::Namespaces { nspawn, .. } => nspawn.inside(program, args),
            Place::Chroot { root } => root.chroot(program, args),
            Place::Container(container) => container.inside(program, args),
            Place::Here => {
                let [env, surroundings @ ..] = SURROUNDINGS;
                Command::new(env).args(surroundings).arg(program).args(args)
            }
        }
    }

    /// Makes a file of this machine readable there, and gives its path there.
    ///
    /// # Errors
    /// When it cannot be read or copied.
    pub fn put(&self, file: &Path) -> Result<String, Error> {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = format!("{DIRECTORY}/{name}");
        match &self.place {
            Place::Here => return Ok(std::path::absolute(file)?.to_string_lossy().into_owned()),
            Place::Container(container) => {
                self.run_checked("mkdir", &["-p", DIRECTORY])?;
                container.put(file, &path)?;
            }
            Place::Namespaces { root, .. } | Place::Chroot { root } => {
                fs_err::create_dir_all(root.inside(DIRECTORY))?;
                fs_err::copy(file, root.inside(&path))?;
            }
        }
        Ok(path)
    }

    /// The last lines of the machine's journal or system log, for a message; of one unit, when that is asked for.
    #[must_use]
    pub fn journal(&self, unit: Option<&str>) -> String {
        let output = match (&self.services, unit) {
            (ServiceManager::Systemd, None) => self.run("journalctl", &["--no-pager", "--lines=80"]),
            (ServiceManager::Systemd, Some(unit)) => {
                self.run("journalctl", &["--no-pager", "--lines=30", "--output=cat", "--unit", unit])
            }
            (_, None) => self.run("/bin/sh", &["-c", "tail -n 80 /var/log/syslog /var/log/messages 2>/dev/null; :"]),
            (_, Some(name)) => {
                let line = "tail -n 30 /var/log/$0.log /var/log/*/$0.log 2>/dev/null; :";
                self.run("/bin/sh", &["-c", line, name])
            }
        };
        output.map_or_else(|error| error.to_string(), |output| both(&output))
    }
}

/// A sysvinit that is in a runlevel may still run the scripts of it; they are children of process 1.
fn is_changing_runlevel(leader: u32) -> bool {
    children(leader).into_iter().any(|pid| {
        let command = fs_err::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&command).into_owned();
        words.split('\0').take(2).any(|word| word.ends_with("/rc") || word.ends_with("/rcS"))
    })
}

/// Standard output and standard error, for a message.
#[must_use]
pub fn both(output: &Output) -> String {
    format!("{}{}", output.stdout_text(), output.stderr_text())
}

/// The end of a text, which is where programs say what went wrong.
#[must_use]
pub fn last_lines(text: &str, lines: usize) -> String {
    let all = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect::<Vec<_>>();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}
