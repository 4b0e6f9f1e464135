//! Which Python the package runs on.

use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};

use super::{Error, Interpreter, InterpreterKind};
use crate::distribution::{Distribution, ToolVersion};
use crate::project::{InterpreterSetting, Metadata, PythonSettings};

/// Where a bundled interpreter lies below the prefix.
const BUNDLED_DIRECTORY: &str = "python";

/// Chooses the interpreter. Needs no metadata of the application, so that its requirements can be resolved with it.
///
/// # Errors
/// When the distribution has no such Python, or the version of a bundled one cannot be told.
pub fn interpreter(settings: &PythonSettings, distribution: &Distribution, prefix: &str) -> Result<Interpreter, Error> {
    let wanted = settings.version.as_deref().map(series).transpose()?;
    match &settings.interpreter {
        InterpreterSetting::None => Ok(Interpreter::none()),
        InterpreterSetting::System => system(wanted, distribution),
        InterpreterSetting::Bundled { source, sha256 } => {
            let version = wanted
                .or_else(|| version_in(source))
                .ok_or_else(|| Error::BundledPython { origin: crate::exec::mask_credentials(source) })?;
            Ok(Interpreter {
                version,
                path: format!("{prefix}/{BUNDLED_DIRECTORY}/bin/python{}", version.series()),
                kind: InterpreterKind::Bundled { source: source.clone(), sha256: sha256.clone() },
            })
        }
    }
}

fn system(wanted: Option<ToolVersion>, distribution: &Distribution) -> Result<Interpreter, Error> {
    let python = match wanted {
        Some(version) => distribution.python(version),
        None => distribution.pythons.first(),
    };
    let Some(python) = python else {
        return Err(Error::NoSuchPython {
            distribution: distribution.name.clone(),
            version: wanted.map_or_else(String::new, ToolVersion::series),
            hint: format!(
                "it has Python {}; or ship one with `interpreter = \"bundled\"` in `[python]`",
                joined(distribution.pythons.iter().map(|python| python.version.series()))
            ),
        });
    };
    Ok(Interpreter {
        version: ToolVersion::new(python.version.major, python.version.minor, 0),
        path: python.path.clone(),
        kind: InterpreterKind::System { requirement: python.requirement.clone() },
    })
}

/// The series of `3.11` or `3.11.9`.
fn series(text: &str) -> Result<ToolVersion, Error> {
    let wrong = || Error::PythonVersion { version: text.to_owned() };
    let version = ToolVersion::try_from(text.to_owned()).map_err(|_| wrong())?;
    if version.major != 3 || !text.contains('.') {
        return Err(wrong());
    }
    Ok(ToolVersion::new(version.major, version.minor, 0))
}

/// The version that the name of an archive or directory tells: `cpython-3.11.9+20240415-x86_64-...`,
/// `Python-3.12.1.tar.xz`, `python3.11`.
fn version_in(source: &str) -> Option<ToolVersion> {
    let name = source.trim_end_matches('/').rsplit('/').next()?.to_ascii_lowercase();
    let rest = name.split_once("python")?.1.trim_start_matches('-');
    let text = rest.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
    let mut parts = text.split('.');
    let (major, minor) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    (major == 3).then(|| ToolVersion::new(major, minor, 0))
}

/// Does the application run on this Python?
///
/// Only the series of the target's Python is known, so a requirement is met when any patch release of it meets it. A
/// `Requires-Python` that is not PEP 440 is left to the resolver.
pub(super) fn check_requires_python(
    metadata: &Metadata,
    interpreter: &Interpreter,
    distribution: &Distribution,
) -> Result<(), Error> {
    let Ok(specifiers) = VersionSpecifiers::from_str(&metadata.requires_python) else { return Ok(()) };
    if meets(&specifiers, interpreter.version) {
        return Ok(());
    }
    let fitting =
        distribution.pythons.iter().map(|python| python.version).filter(|version| meets(&specifiers, *version));
    let fitting = joined(fitting.map(ToolVersion::series));
    let bundled = "ship one with `interpreter = \"bundled\"`";
    Err(Error::RequiresPython {
        application: format!("{} {}", metadata.name, metadata.version),
        requires: metadata.requires_python.clone(),
        version: interpreter.version.series(),
        distribution: distribution.name.clone(),
        hint: if fitting.is_empty() {
            format!("no Python of {} fits: {bundled} in `[python]`, or package an older version", distribution.name)
        } else {
            format!("set `version` in `[python]` (Python {fitting} would fit), or {bundled}")
        },
    })
}

fn meets(specifiers: &VersionSpecifiers, series: ToolVersion) -> bool {
    // No series of CPython has had a hundred patch releases.
    (0..100).any(|patch| specifiers.contains(&Version::new([u64::from(series.major), u64::from(series.minor), patch])))
}

fn joined(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(", ")
}
