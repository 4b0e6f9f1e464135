//! A container that runs as long as it is wanted, and what is run in it.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{BufRead, BufReader, PipeReader, PipeWriter};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::engine::{Ownership, last_line};
use super::{Engine, Error, Image};
use crate::exec::{Command, Running};
use crate::scratch::Undo;

/// May what is mounted be written to?
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    ReadOnly,
    ReadWrite,
}

/// A directory or file that is seen inside under the same path as outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Absolute.
    pub path: PathBuf,
    pub access: Access,
}

impl Mount {
    #[must_use]
    pub fn read_only(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), access: Access::ReadOnly }
    }

    #[must_use]
    pub fn read_write(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), access: Access::ReadWrite }
    }
}

/// What the main process does: it says that it runs, and reads from a pipe whose other end is omnipack's. Whatever way
/// omnipack ends, the pipe is closed, and with its main process a container ends, and is removed (`--rm`). The shell stays,
/// to reap what the programs inside leave behind.
const WAIT: &str = "echo runs; cat > /dev/null; exit 0";

/// Home directory of programs inside: it is there in every image, and everybody may write to it.
const HOME: &str = "/tmp";

/// Labels of containers, so that people can tell whose they are.
const LABEL: &str = "omnipack.container=builder";

/// Runs until dropped, or until omnipack ends in whatever way.
pub struct Container {
    engine: Engine,
    name: String,
    /// Tag of its image.
    image: String,
    // In this order: the pipe is closed, the container removed, the client ended.
    _pipe: PipeWriter,
    _removal: Undo,
    _client: Running,
}

impl fmt::Debug for Container {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Container")
            .field("engine", &self.engine)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Image {
    /// Starts a container of the image. What is mounted twice is mounted once, writable if one of them is.
    ///
    /// # Errors
    /// When the engine does not run it, or cannot be told of a path.
    pub fn start(&self, mounts: &[Mount]) -> Result<Container, Error> {
        let engine = self.engine();
        let name = format!("omnipack-builder-{}", random());
        let command = run_command(self, &name, mounts)?;
        let start = || command.start().map_err(Error::from);
        let ((pipe, said, client), removal) = Undo::of(start, |_| {
            let (engine, name) = (engine.clone(), name.clone());
            move || remove(&engine, &name)
        })?;
        if !runs(said) {
            let reason = client.finish().err().map_or_else(|| "it ended at once".to_owned(), |error| said_by(&error));
            return Err(Error::Start { engine: engine.program(), image: self.tag().to_owned(), reason });
        }
        let (engine, image) = (engine.clone(), self.tag().to_owned());
        Ok(Container { engine, name, image, _pipe: pipe, _removal: removal, _client: client })
    }
}

impl Container {
    /// The same command, run inside: program, arguments, the environment that is set on it, directory, umask; standard
    /// input and output go through. What omnipack itself has in its environment stays outside.
    #[must_use]
    pub fn wrap(&self, command: &Command) -> Command {
        let parts = command.parts();
        let mut exec = self.engine.command().args(["exec", "--interactive"]);
        for (name, value) in parts.env {
            exec = hand_in(exec, name, value);
        }
        if let Some(directory) = parts.dir {
            exec = exec.arg("--workdir").arg(directory);
        }
        exec = exec.arg(&self.name);
        if let Some(mask) = parts.umask {
            exec = exec.args(["/bin/sh", "-c", &format!("umask {mask:03o} && exec \"$0\" \"$@\"")]);
        }
        exec.arg(parts.program).args(parts.args)
    }

    /// Why a command failed that had nothing to do with itself: the container is not there any more. `None`: it runs, or the
    /// engine does not say.
    #[must_use]
    pub fn ended(&self) -> Option<Error> {
        let filter = format!("name={}", self.name);
        let running = self.engine.command().args(["ps", "--quiet", "--filter", &filter]).run_checked().ok()?;
        let ended = running.stdout_text().trim().is_empty();
        ended.then(|| Error::Ended { engine: self.engine.program(), image: self.image.clone() })
    }

    /// The name by which the engine knows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A variable for inside. Values may be secrets, so they go through the environment of the engine's program and not on its
/// command line, which everybody can read; but not those that the program itself would heed.
fn hand_in(exec: Command, name: &OsStr, value: &OsStr) -> Command {
    const OWN: [&str; 9] = ["HOME", "PATH", "TMPDIR", "USER", "LD_", "XDG_", "CONTAINER", "DOCKER", "STORAGE_"];
    let text = name.to_string_lossy();
    if OWN.iter().any(|start| text.starts_with(start)) {
        let mut assignment = OsString::from(name);
        assignment.push("=");
        assignment.push(value);
        return exec.arg("--env").arg(assignment);
    }
    exec.arg("--env").arg(name).env(name, value)
}

fn run_command(image: &Image, name: &str, mounts: &[Mount]) -> Result<Command, Error> {
    let engine = image.engine();
    let mut run = engine.command().args(["run", "--interactive", "--rm", "--name", name, "--label", LABEL]);
    let caller = format!("{}:{}", rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    run = match engine.ownership() {
        Ownership::Root => run.args(["--user", "0:0"]),
        // The image's own user is root, whom podman does not map to the caller.
        Ownership::KeepId => run.args(["--userns=keep-id", "--user", &caller]),
        Ownership::User => run.args(["--user", &caller]),
    };
    // SELinux would keep a container from the caller's files, and relabelling them (`:z`) would change what other programs
    // may do with the user's own directories for good.
    run = run.args(["--security-opt", "label=disable", "--env"]).arg(format!("HOME={HOME}"));
    run = run.args(["--network", image.network()]);
    if let Some(platform) = image.platform() {
        run = run.args(["--platform", platform]);
    }
    // There is nothing of the name in a registry.
    run = run.args(["--pull", "never"]);
    for mount in merged(mounts) {
        run = run.arg("--mount").arg(option(&mount)?);
    }
    Ok(run.args(["--entrypoint", "/bin/sh", image.tag(), "-c", WAIT]))
}

/// Each path once, sorted, so that what lies inside another comes after it.
fn merged(mounts: &[Mount]) -> Vec<Mount> {
    let mut all = mounts.to_vec();
    all.sort_by(|a, b| a.path.cmp(&b.path).then(b.access.cmp(&a.access)));
    all.dedup_by(|later, earlier| later.path == earlier.path);
    all
}

/// Fields are separated by commas, and engines differ in how one is quoted.
fn option(mount: &Mount) -> Result<OsString, Error> {
    let path = mount.path.as_os_str();
    let refused = |reason| Error::Path { path: mount.path.display().to_string().escape_debug().to_string(), reason };
    let Some(text) = path.to_str() else { return Err(refused("its name is not UTF-8")) };
    if text.contains([',', '"', '\\']) || text.contains(char::is_control) {
        return Err(refused("there is a comma, a quote, a backslash or a control character in its name"));
    }
    if !mount.path.is_absolute() {
        return Err(refused("it is not absolute"));
    }
    let access = match mount.access {
        Access::ReadOnly => ",readonly",
        Access::ReadWrite => "",
    };
    Ok(format!("type=bind,source={text},target={text}{access}").into())
}

/// Did the main process say so?
fn runs(said: PipeReader) -> bool {
    let mut line = String::new();
    BufReader::new(said).read_line(&mut line).is_ok() && line.trim() == "runs"
}

fn said_by(error: &crate::exec::ExecError) -> String {
    match error {
        crate::exec::ExecError::Failed { stderr, .. } => last_line(stderr),
        other => other.to_string(),
    }
}

fn remove(engine: &Engine, name: &str) {
    // Killed first: the main process ignores signals, and the engine would wait for it.
    for args in [["kill", name].as_slice(), &["rm", "--force", "--volumes", name]] {
        let _ = engine.command().args(args).run();
    }
}

/// Nothing else has this name: it is made of the time, of who is asking and of a key that the process was born with.
fn random() -> String {
    use std::hash::{BuildHasher, RandomState};
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let text = format!("{} {} {}", time.as_nanos(), std::process::id(), RandomState::new().hash_one(0));
    format!("{:x}", Sha256::digest(text))[..24].to_owned()
}
