//! What is on a machine: its paths and its processes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use walkdir::WalkDir;

use crate::smoke::{DIRECTORY, Error, Machine};

/// Directories that are file systems of their own on many machines, and that packages write to.
const PLACES: [&str; 9] = ["/", "/run", "/tmp", "/var", "/opt", "/usr", "/etc", "/srv", "/home"];
const PROCESSES: &str = include_str!("../../templates/smoke/processes.sh");
const PATHS: &str = include_str!("../../templates/smoke/paths.sh");
/// With which [`PATHS`] says that the machine has no `find`.
const NO_FIND: i32 = 4;

/// A machine at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Absolute, as the machine names them, without those of the kernel and of [`DIRECTORY`].
    pub paths: BTreeSet<String>,
    /// By number: the program and the command line. Threads of the kernel have none.
    pub processes: BTreeMap<u32, Process>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Absolute; with ` (deleted)` behind it when its file is gone.
    pub program: String,
    pub command: String,
}

impl Snapshot {
    /// # Errors
    /// When the machine cannot be asked. A container has to have `find`.
    pub fn of(machine: &Machine) -> Result<Self, Error> {
        Ok(Self { paths: paths(machine)?, processes: processes(machine)? })
    }

    /// Paths that were not there before, sorted.
    pub fn new_paths<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = &'a str> {
        self.paths.difference(&before.paths).map(String::as_str)
    }
}

fn paths(machine: &Machine) -> Result<BTreeSet<String>, Error> {
    let all = match machine.root_directory() {
        Some(root) => PLACES.iter().flat_map(|place| walk(&root, place)).collect(),
        None => find(machine)?,
    };
    let of_no_package = |path: &String| {
        ["/proc", "/sys", "/dev", DIRECTORY].iter().any(|place| is_at_or_below(path, place)) || path == "/"
    };
    Ok(all.into_iter().filter(|path| !of_no_package(path)).collect::<BTreeSet<_>>())
}

/// The paths on the file system of `place`, unless that is the one of `/` and so walked already.
fn walk(root: &Path, place: &str) -> Vec<String> {
    let start = root.join(place.trim_start_matches('/'));
    let device = |path: &Path| rustix::fs::stat(path).map(|stat| stat.st_dev).ok();
    if place != "/" && (start.is_symlink() || device(&start) == device(root)) {
        return Vec::new();
    }
    // What goes away while it is looked at is not there.
    let entries = WalkDir::new(start.join(".")).same_file_system(true).into_iter().filter_map(Result::ok);
    let relative = entries.filter_map(|entry| Some(entry.path().strip_prefix(root).ok()?.to_path_buf()));
    relative.map(|path| format!("/{}", path.display()).trim_end_matches("/.").replace("/./", "/")).collect()
}

fn find(machine: &Machine) -> Result<Vec<String>, Error> {
    let found = machine.run("/bin/sh", &["-c", PATHS])?;
    if found.code == NO_FIND {
        let said = "the machine has no `find`; install findutils there".to_owned();
        return Err(Error::Command { command: "find".to_owned(), code: NO_FIND, said });
    }
    let text = found.stdout_text();
    Ok(text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

fn processes(machine: &Machine) -> Result<BTreeMap<u32, Process>, Error> {
    let list = machine.run("/bin/sh", &["-c", PROCESSES])?.stdout_text();
    let process = |line: &str| {
        let mut fields = line.splitn(3, '\t');
        let (pid, program, command) = (fields.next()?, fields.next()?, fields.next()?);
        Some((pid.parse().ok()?, Process { program: program.to_owned(), command: command.trim_end().to_owned() }))
    };
    Ok(list.lines().filter_map(process).collect())
}

/// Is `path` the directory, or in it?
pub fn is_at_or_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory.trim_end_matches('/')).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
