//! Finds a CPython of the wanted series on this machine, by running what looks like one.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::clean;
use crate::builder::Container;
use crate::distribution::ToolVersion;
use crate::exec::Command;

/// A CPython that was run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Interpreter {
    pub program: PathBuf,
    /// What it lies in; `None`: this machine.
    #[serde(skip)]
    pub container: Option<Arc<Container>>,
    /// With the patch level: `3.9.18`.
    pub version: ToolVersion,
    /// `sys.hexversion`, release level included.
    pub hexversion: u32,
    /// What its `.pyc` files begin with.
    pub magic: [u8; 4],
    /// `cpython-39`, as in `x.cpython-39.pyc`.
    pub cache_tag: String,
}

/// Prints facts in one line each; runs on any Python.
const PROBE: &str = "import sys\nimport importlib.util as u\nv = sys.version_info\n\
    print(sys.implementation.name)\nprint('%d.%d.%d' % v[:3])\nprint(sys.hexversion)\n\
    print(''.join('%02x' % b for b in u.MAGIC_NUMBER))\nprint(sys.implementation.cache_tag)";

/// The first CPython `version` (major and minor) among `explicit` (programs, or directories with `bin/python3.9` or
/// `python3.9` in them), PATH, pyenv's and uv's versions. Each is run: pyenv's shims, for one, may be there and not work.
#[must_use]
pub fn find_interpreter(version: ToolVersion, explicit: &[PathBuf]) -> Option<Interpreter> {
    let name = format!("python{}.{}", version.major, version.minor);
    let mut candidates = Vec::new();
    for path in explicit {
        candidates.extend([path.clone(), path.join("bin").join(&name), path.join(&name)]);
    }
    candidates.extend(which::which_all(&name).into_iter().flatten());
    candidates.extend(managed(version, &name));
    candidates.extend(which::which_all("python3").into_iter().flatten());
    let mut seen = Vec::new();
    candidates
        .into_iter()
        .filter(|path| path.is_file())
        .filter(|path| {
            !seen.contains(path) && {
                seen.push(path.clone());
                true
            }
        })
        .find_map(|path| {
            probe(&path).filter(|found| (found.version.major, found.version.minor) == (version.major, version.minor))
        })
}

/// What `program` says of itself; `None` if it does not run or is no CPython.
#[must_use]
pub fn probe(program: &Path) -> Option<Interpreter> {
    ask(program, None)
}

/// As [`probe`], of one in a container.
#[must_use]
pub fn probe_inside(container: &Arc<Container>, program: &Path) -> Option<Interpreter> {
    ask(program, Some(container))
}

impl Interpreter {
    /// `command`, run where this interpreter lies.
    pub(super) fn enter(&self, command: Command) -> Command {
        match &self.container {
            Some(container) => container.wrap(&command),
            None => command,
        }
    }
}

fn ask(program: &Path, container: Option<&Arc<Container>>) -> Option<Interpreter> {
    let command = clean(Command::new(program)).args(["-S", "-s", "-B", "-c", PROBE]);
    let output = container.map_or_else(|| command.run(), |container| container.wrap(&command).run()).ok()?;
    let text = output.stdout_text();
    let mut lines = text.lines();
    if output.code != 0 || lines.next()? != "cpython" {
        return None;
    }
    let version = ToolVersion::try_from(lines.next()?.to_owned()).ok()?;
    let hexversion = lines.next()?.parse().ok()?;
    let magic = u32::from_str_radix(lines.next()?, 16).ok()?.to_be_bytes();
    Some(Interpreter {
        program: program.to_path_buf(),
        container: container.cloned(),
        version,
        hexversion,
        magic,
        cache_tag: lines.next()?.to_owned(),
    })
}

/// Interpreters that pyenv and uv installed, newest patch level first.
fn managed(version: ToolVersion, name: &str) -> Vec<PathBuf> {
    let home = etcetera::home_dir().unwrap_or_default();
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let roots = [
        (variable("PYENV_ROOT").unwrap_or_else(|| home.join(".pyenv")).join("versions"), ""),
        (variable("UV_PYTHON_INSTALL_DIR").unwrap_or_else(|| home.join(".local/share/uv/python")), "cpython-"),
    ];
    let mut found = Vec::new();
    for (root, prefix) in roots {
        let Ok(files) = fs_err::read_dir(&root) else { continue };
        let series = format!("{prefix}{}.{}", version.major, version.minor);
        let mut versions = files
            .flatten()
            .filter_map(|file| Some((patch_level(&file.file_name(), &series)?, file.path())))
            .collect::<Vec<_>>();
        versions.sort_by(|one, other| other.cmp(one));
        found.extend(versions.into_iter().map(|(_, path)| path.join("bin").join(name)));
    }
    found
}

/// `3.9.18` and `3.9` are of the series `3.9`, `3.9-dev` too, `3.90` is not.
fn patch_level(name: &OsStr, series: &str) -> Option<u32> {
    let rest = name.to_str()?.strip_prefix(series)?;
    let digits = rest.strip_prefix('.').unwrap_or_default();
    let digits = digits.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    (rest.is_empty() || rest.starts_with(['.', '-'])).then(|| digits.parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_the_series_itself_is_taken() {
        let level = |name: &str| patch_level(OsStr::new(name), "3.9");
        assert_eq!(level("3.9.18"), Some(18));
        assert_eq!(level("3.9"), Some(0));
        assert_eq!(level("3.9-dev"), Some(0));
        assert_eq!(level("3.9.2rc1"), Some(2));
        assert_eq!(level("3.90"), None);
        assert_eq!(level("3.10.1"), None);
        assert_eq!(patch_level(OsStr::new("cpython-3.9.18-linux-x86_64-gnu"), "cpython-3.9"), Some(18));
    }

    #[test]
    fn what_does_not_run_or_lies_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [("broken", "#!/bin/sh\nexit 127\n"), ("liar", "#!/bin/sh\necho pypy\necho 3.1.0\n")] {
            let path = dir.path().join(name);
            fs_err::write(&path, text).unwrap();
            fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            assert!(probe(&path).is_none());
        }
        let version = ToolVersion { major: 3, minor: 1, patch: 0 };
        assert!(find_interpreter(version, &[dir.path().join("liar"), dir.path().join("broken")]).is_none());
    }
}
