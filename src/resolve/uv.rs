//! uv: finding it, installing it once, asking it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fs_err as fs;
use serde::Deserialize;

use super::build::Artefact;
use super::cache::{Cache, sha256_file};
use super::index::{Indexes, NamedUrl};
use super::python::LocalPython;
use super::requests::Request;
use super::target::Target;
use super::{Error, Options, failure};
use crate::exec::Command;
use crate::progress::Listener;

/// First uv whose `pip compile` and `export` write `pylock.toml` for every option used here.
const OLDEST: (u32, u32) = (0, 8);

/// `uv.toml`: which uv is installed where there is none.
#[derive(Debug, Deserialize)]
struct Pinned {
    version: String,
    wheels: BTreeMap<String, PinnedWheel>,
}

#[derive(Debug, Deserialize)]
struct PinnedWheel {
    file: String,
    sha256: String,
    platform: String,
}

/// A uv program with the environment that it needs.
#[derive(Debug, Clone)]
pub struct Uv {
    program: PathBuf,
    cache: PathBuf,
    offline: bool,
    refresh: bool,
}

impl Uv {
    /// The uv that the options or OMNIPACK_UV name, the one on PATH, or the one in the cache, installed when it is
    /// not there yet.
    ///
    /// # Errors
    /// When there is none and it cannot be installed.
    pub fn find(options: &Options, cache: &Cache, indexes: &Indexes, listener: &dyn Listener) -> Result<Self, Error> {
        let named = options.uv.clone().or_else(|| std::env::var_os("OMNIPACK_UV").map(PathBuf::from));
        let program = match named {
            Some(program) if program.components().count() > 1 && !program.is_file() => {
                return Err(Error::NoUv { reason: format!("`{}` is not a file", program.display()) });
            }
            Some(program) => match version(&program) {
                Some(found) if found < OLDEST => {
                    let reason = format!("`{}` is older than {}.{}", program.display(), OLDEST.0, OLDEST.1);
                    return Err(Error::NoUv { reason });
                }
                _ => program,
            },
            None => match which::which("uv") {
                Ok(program) if version(&program).is_some_and(|found| found >= OLDEST) => program,
                _ => install(options, cache, indexes, listener)?,
            },
        };
        Ok(Self { program, cache: cache.dir("uv"), offline: options.offline, refresh: options.refresh })
    }

    /// A uv command that asks nothing of the terminal, downloads no Python and finds the configured indexes.
    /// Credentials go through the environment, which other users cannot read, and not on the command line.
    fn command(&self, arguments: &[&str], indexes: &Indexes) -> Command {
        let mut command = Command::new(&self.program)
            .args(arguments)
            .args(["--no-progress", "--color", "never", "--cache-dir"])
            .arg(&self.cache)
            .env("UV_PYTHON_DOWNLOADS", "never")
            .env("UV_NATIVE_TLS", "true")
            .env("UV_SYSTEM_CERTS", "true")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env_remove("VIRTUAL_ENV");
        if self.offline {
            command = command.arg("--offline");
        }
        if let Some(bundle) = &indexes.ca_bundle {
            command = command.env("SSL_CERT_FILE", bundle);
        }
        let full = |index: &NamedUrl| match &index.name {
            Some(name) => format!("{name}={}", index.url),
            None => index.url.clone(),
        };
        command = command.env_remove("UV_INDEX_URL").env_remove("UV_EXTRA_INDEX_URL").env_remove("UV_FIND_LINKS");
        command = match &indexes.default {
            Some(index) => command.env("UV_DEFAULT_INDEX", full(index)),
            None => command.env_remove("UV_DEFAULT_INDEX"),
        };
        command = match indexes.extra.as_slice() {
            [] => command.env_remove("UV_INDEX"),
            extra => command.env("UV_INDEX", extra.iter().map(full).collect::<Vec<_>>().join(" ")),
        };
        for link in &indexes.find_links {
            command = command.arg("--find-links").arg(link);
        }
        if indexes.no_index {
            command = command.arg("--no-index");
        }
        if which::which("keyring").is_ok() {
            command = command.env("UV_KEYRING_PROVIDER", "subprocess");
        }
        command
    }

    /// The text of a `pylock.toml` for the target.
    ///
    /// # Errors
    /// When the requirements cannot be satisfied, or uv cannot find out.
    pub fn compile(
        &self,
        request: &Request,
        target: &Target,
        indexes: &Indexes,
        python: Option<&LocalPython>,
    ) -> Result<String, Error> {
        let platform = target.uv_platform().unwrap_or_default();
        let mut command = self
            .command(&["pip", "compile", "--format", "pylock.toml", "--no-header", "--quiet"], indexes)
            .args(["--python-version", &target.full_version, "--python-platform", &platform])
            .dir(&request.directory)
            .args(&request.files);
        for constraint in &request.constraints {
            command = command.arg("--constraints").arg(constraint);
        }
        for name in &request.only_binary {
            command = command.args(["--only-binary", name]);
        }
        if request.no_deps {
            command = command.arg("--no-deps");
        }
        if self.refresh {
            command = command.arg("--refresh");
        }
        if let Some(python) = python {
            command = command.arg("--python").arg(&python.path);
        }
        let output = command.run()?;
        if output.code == 0 {
            return Ok(output.stdout_text());
        }
        Err(failure(&output.stderr_text(), target, self.offline))
    }

    /// `uv.lock` as a `pylock.toml`, which still has every platform's packages with their markers.
    ///
    /// # Errors
    /// When the lock does not belong to the project beside it.
    pub fn export(&self, lock: &Path, extras: &[String], target: &Target, indexes: &Indexes) -> Result<String, Error> {
        let directory = lock.parent().unwrap_or(Path::new("."));
        let fixed = ["export", "--frozen", "--format", "pylock.toml", "--no-header", "--quiet", "--no-dev"];
        let mut command = self.command(&fixed, indexes).arg("--no-emit-project").dir(directory);
        for extra in extras {
            command = command.args(["--extra", extra]);
        }
        let output = command.run()?;
        if output.code == 0 {
            Ok(output.stdout_text())
        } else {
            Err(failure(&output.stderr_text(), target, self.offline))
        }
    }

    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The same uv, which keeps its things in `cache`.
    #[must_use]
    pub fn with_cache(self, cache: PathBuf) -> Self {
        Self { cache, ..self }
    }

    /// Does it run where this Python lies, and take it? Its C library may be too old, and so may the Python be
    /// (<https://docs.astral.sh/uv/reference/policies/python/>).
    #[must_use]
    pub fn runs(&self, python: &LocalPython) -> bool {
        let command =
            Command::new(&self.program).args(["python", "find", "--no-project", "--no-config", "--cache-dir"]);
        let command = command.arg(&self.cache).arg(&python.path).env("UV_PYTHON_DOWNLOADS", "never");
        python.enter(command).run().is_ok_and(|output| output.code == 0)
    }

    /// The same uv, which takes everything from its cache.
    #[must_use]
    pub fn cache_only(&self) -> Self {
        Self { offline: true, refresh: false, ..self.clone() }
    }

    /// The command that builds `artefact` of `source`, a directory or (for a wheel) an sdist, into `out`.
    #[must_use]
    pub fn build(
        &self,
        artefact: Artefact,
        source: &Path,
        out: &Path,
        python: &LocalPython,
        indexes: &Indexes,
    ) -> Command {
        let what = match artefact {
            Artefact::Wheel => "--wheel",
            Artefact::Sdist => "--sdist",
        };
        self.command(&["build", what], indexes).arg("--out-dir").arg(out).arg("--python").arg(&python.path).arg(source)
    }
}

/// Major and minor of `uv 0.13.8 (...)`.
pub(super) fn version(program: &Path) -> Option<(u32, u32)> {
    let output = Command::new(program).arg("--version").run_checked().ok()?.stdout_text();
    let mut parts = output.split_whitespace().nth(1)?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Downloads the pinned wheel with pip from whatever index pip is configured for, checks it, takes the program out.
fn install(options: &Options, cache: &Cache, indexes: &Indexes, listener: &dyn Listener) -> Result<PathBuf, Error> {
    let no_uv = |reason: String| Error::NoUv { reason };
    let pinned = toml::from_str::<Pinned>(include_str!("uv.toml")).map_err(|error| no_uv(error.to_string()))?;
    let machine = std::env::consts::ARCH;
    let wheel = pinned.wheels.get(machine).ok_or_else(|| no_uv(format!("no digest of it for {machine} is known")))?;
    let home = cache.dir("uv-program").join(format!("{}-{}", pinned.version, wheel.sha256));
    let program = home.join("uv");
    if program.is_file() {
        return Ok(program);
    }
    let _guard = cache.lock("uv-program")?;
    if program.is_file() {
        return Ok(program);
    }
    if options.offline {
        return Err(Error::Offline { what: format!("uv {}", pinned.version) });
    }
    let python = super::python::host(&options.pythons)
        .ok_or_else(|| no_uv("there is no python3 to fetch it with".to_owned()))?;
    listener.step(&format!("installing uv {} into the cache", pinned.version));
    let scratch = cache.scratch()?;
    let temporary = scratch.path().join("tmp");
    fs::create_dir_all(&temporary)?;
    // pip downloads into it, and leaves it behind when it is interrupted.
    let command = super::pip::command(&python.path, "download", indexes)
        .env("TMPDIR", temporary)
        .args(["--quiet", "--no-deps", "--only-binary=:all:", "--platform", &wheel.platform, "--dest"])
        .arg(scratch.path())
        .arg(format!("uv=={}", pinned.version));
    command.run_checked().map_err(|error| no_uv(error.to_string()))?;
    let file = scratch.path().join(&wheel.file);
    let got = sha256_file(&file).map_err(|error| no_uv(error.to_string()))?;
    if got != wheel.sha256 {
        return Err(Error::HashMismatch { file: wheel.file.clone(), expected: wheel.sha256.clone(), got });
    }
    let unpacked = scratch.path().join("uv");
    extract(&file, &format!("uv-{}.data/scripts/uv", pinned.version), &unpacked)
        .map_err(|error| no_uv(error.to_string()))?;
    fs::create_dir_all(&home)?;
    fs::rename(&unpacked, &program)?;
    Ok(program)
}

fn extract(archive: &Path, member: &str, to: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut archive = zip::ZipArchive::new(fs::File::open(archive)?)?;
    let mut member = archive.by_name(member)?;
    let mut file = fs::File::create(to)?;
    std::io::copy(&mut member, &mut file)?;
    file.sync_all()?;
    fs::set_permissions(to, std::fs::Permissions::from_mode(0o755))
}
