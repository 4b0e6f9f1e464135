//! Python interpreters that can be run: one of this machine for build backends, and maybe one of the target's series,
//! here or in a container of the target, which can compile for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::builder::Container;
use crate::distribution::ToolVersion;
use crate::exec::Command;

/// An interpreter that can be run.
#[derive(Debug, Clone)]
pub struct LocalPython {
    /// The real interpreter, not a shim.
    pub path: PathBuf,
    pub version: ToolVersion,
    /// As `uname -m`.
    pub machine: String,
    /// What it lies in; `None`: this machine.
    pub container: Option<Arc<Container>>,
}

impl LocalPython {
    /// `command`, run where this interpreter lies.
    pub fn enter(&self, command: Command) -> Command {
        match &self.container {
            Some(container) => container.wrap(&command),
            None => command,
        }
    }
}

const PROBE: &str = "import sys, platform; print('%d.%d.%d' % sys.version_info[:3]); print(platform.machine()); \
                     print(platform.python_implementation()); print(sys.executable)";

/// Asks `path` what it is; `None` when it does not run or is no CPython.
#[must_use]
pub fn probe(path: &Path) -> Option<LocalPython> {
    read(&Command::new(path).args(["-c", PROBE]), None)
}

/// As [`probe`], of one in a container.
#[must_use]
pub fn probe_inside(container: &Arc<Container>, path: &Path) -> Option<LocalPython> {
    read(&container.wrap(&Command::new(path).args(["-c", PROBE])), Some(Arc::clone(container)))
}

fn read(command: &Command, container: Option<Arc<Container>>) -> Option<LocalPython> {
    let output = command.run_checked().ok()?.stdout_text();
    let mut lines = output.lines();
    let version = ToolVersion::try_from(lines.next()?.to_owned()).ok()?;
    let machine = lines.next()?.to_owned();
    (lines.next()? == "CPython").then_some(())?;
    Some(LocalPython { path: PathBuf::from(lines.next()?), version, machine, container })
}

/// An interpreter of the series `wanted`: among `given`, on PATH, in pyenv's folder.
#[must_use]
pub fn find(wanted: ToolVersion, given: &[PathBuf]) -> Option<LocalPython> {
    let name = format!("python{}.{}", wanted.major, wanted.minor);
    let on_path = which::which_all(&name).map(|found| found.collect::<Vec<_>>()).unwrap_or_default();
    let (shims, real): (Vec<_>, Vec<_>) =
        on_path.into_iter().partition(|path| path.components().any(|c| c.as_os_str() == "shims"));
    let candidates = given.iter().cloned().chain(real).chain(pyenv(wanted, &name)).chain(shims);
    candidates
        .filter_map(|path| probe(&path))
        .find(|python| (python.version.major, python.version.minor) == (wanted.major, wanted.minor))
}

/// The interpreter that build backends run on.
#[must_use]
pub fn host(given: &[PathBuf]) -> Option<LocalPython> {
    let on_path = which::which_all("python3").map(|found| found.collect::<Vec<_>>()).unwrap_or_default();
    let newest = |python: &LocalPython| (python.version.major, python.version.minor) >= (3, 8);
    on_path.iter().chain(given).filter_map(|path| probe(path)).find(newest)
}

/// `~/.pyenv/versions/3.9*/bin/python3.9`, newest patch release first.
fn pyenv(wanted: ToolVersion, name: &str) -> Vec<PathBuf> {
    let root = std::env::var_os("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|| etcetera::home_dir().ok().map(|home| home.join(".pyenv")));
    let Some(entries) = root.and_then(|root| fs_err::read_dir(root.join("versions")).ok()) else { return Vec::new() };
    let mut found = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version = ToolVersion::try_from(entry.file_name().to_str()?.to_owned()).ok()?;
            ((version.major, version.minor) == (wanted.major, wanted.minor))
                .then(|| (version, entry.path().join("bin").join(name)))
        })
        .collect::<Vec<_>>();
    found.sort_by(|one, other| other.cmp(one));
    found.into_iter().map(|(_, path)| path).collect()
}
