//! What a compiler is told, so that what it makes names no directory of this machine and is the same in any directory.
//!
//! Extensions carry paths in debug information, in `__FILE__` of an assertion, in the panic messages of Rust. GCC since
//! 8 and Clang since 10 replace prefixes of all of them with `-ffile-prefix-map`, older ones in debug information only
//! with `-fdebug-prefix-map`; rustc has `--remap-path-prefix`. A Python that was built into a directory of its own
//! (pyenv) links that directory into every extension as RPATH, where on the target there is nothing.

use std::path::{Path, PathBuf};

use fs_err as fs;
use serde::Deserialize;

use super::python::LocalPython;
use super::{Error, baseline};
use crate::distribution::Isa;
use crate::exec::Command;

/// Flags of `sysconfig` that setuptools starts from, and where the interpreter lies.
#[derive(Debug, Deserialize)]
struct Sysconfig {
    prefix: PathBuf,
    cc: Option<String>,
    cflags: Option<String>,
    ldshared: Option<String>,
    ldcxxshared: Option<String>,
    /// Home directory, cargo's own, module search path: of the container where the build is in one.
    home: PathBuf,
    cargo: Option<PathBuf>,
    python_path: Option<String>,
}

const PROBE: &str = "import json, os, sys, sysconfig as s; v = s.get_config_var; e = os.environ.get; \
                     print(json.dumps({'prefix': getattr(sys, 'base_prefix', sys.prefix), 'cc': v('CC'), 'cflags': \
                     v('CFLAGS'), 'ldshared': v('LDSHARED'), 'ldcxxshared': v('LDCXXSHARED'), 'home': \
                     os.path.expanduser('~'), 'cargo': e('CARGO_HOME'), 'python_path': e('PYTHONPATH')}))";

/// Runs in every Python of the build: the environment that the build backend lies in has a random name, which only
/// the Python in it knows.
const SITE: &str = include_str!("sitecustomize.py");

/// Where what is compiled lies.
pub(super) struct Place<'a> {
    /// The tree that is built.
    pub source: &'a Path,
    /// Scratch space of this build.
    pub scratch: &'a Path,
    /// omnipack's cache, in which the build's environment lies.
    pub cache: &'a Path,
    /// What the target's processors have.
    pub baseline: Option<Isa>,
}

/// The build command, with compilers that leave out where they ran.
///
/// # Errors
/// When the scratch space cannot be written.
pub(super) fn without_paths(command: Command, place: &Place<'_>, python: &LocalPython) -> Result<Command, Error> {
    let asked = python.enter(Command::new(&python.path).args(["-c", PROBE])).run_checked()?.stdout_text();
    let sysconfig = serde_json::from_str::<Sysconfig>(&asked).map_err(std::io::Error::from)?;
    let replaced = replaced_prefixes(place, &sysconfig);
    let mut command = shared_linkers(command, &sysconfig);
    if let Some(option) = supported_option(&sysconfig, python) {
        let flags = replaced.iter().filter_map(|(from, to)| flag(option, from, to)).collect::<Vec<_>>().join(" ");
        // setuptools takes CFLAGS instead of its own, not after them.
        let setuptools = uses_setuptools(place.source);
        let base = sysconfig.cflags.as_deref().filter(|_| setuptools).unwrap_or_default();
        let accepts = |flags: &[&str]| accepts(&sysconfig, python, flags);
        for name in baseline::C_FLAGS {
            let given = environment(name);
            let processor = baseline::c_flags(place.baseline, given.as_deref(), accepts).join(" ");
            let before = given.as_deref().unwrap_or(base);
            command = command.env(name, format!("{before} {processor} {flags}").trim_start());
        }
        // numpy.distutils, which goes with setuptools, takes them instead of its own, without which nothing links.
        if !setuptools {
            let given = environment(baseline::FORTRAN_FLAGS);
            let processor = baseline::c_flags(place.baseline, given.as_deref(), accepts).join(" ");
            let all = format!("{} {processor}", given.unwrap_or_default());
            command = command.env(baseline::FORTRAN_FLAGS, all.trim());
        }
        let site = place.scratch.join("site");
        fs::create_dir_all(&site)?;
        fs::write(site.join("sitecustomize.py"), SITE)?;
        let path = match sysconfig.python_path.as_ref().filter(|path| !path.is_empty()) {
            Some(path) => std::env::join_paths(
                std::iter::once(site.clone()).chain(std::env::split_paths(path)).collect::<Vec<_>>(),
            )
            .map_err(std::io::Error::other)?,
            None => site.into_os_string(),
        };
        command = command.env("PYTHONPATH", path).env("OMNIPACK_PREFIX_MAP", option);
    }
    Ok(rust(baseline::go(command, place.baseline), place.baseline, &replaced))
}

/// From the widest to the narrowest: compilers take the last that fits.
fn replaced_prefixes(place: &Place<'_>, sysconfig: &Sysconfig) -> Vec<(PathBuf, &'static str)> {
    let mut prefixes = Vec::new();
    let home = Some(&sysconfig.home).filter(|home| home.is_absolute() && home.components().count() > 1);
    prefixes.extend(home.map(|home| (home.clone(), "~")));
    let cargo = sysconfig.cargo.clone().or_else(|| home.map(|home| home.join(".cargo")));
    prefixes.extend(cargo.map(|cargo| (cargo, "/cargo")));
    prefixes.push((sysconfig.prefix.clone(), "/usr"));
    prefixes.push((place.cache.to_path_buf(), "/build/cache"));
    prefixes.push((place.scratch.to_path_buf(), "/build"));
    prefixes.push((place.source.to_path_buf(), "."));
    // The same directories by their real names: a compiler asks the system where it is.
    let real = prefixes.iter().filter_map(|(path, to)| {
        let real = fs::canonicalize(path).ok()?;
        (real != *path).then_some((real, *to))
    });
    let real = real.collect::<Vec<_>>();
    prefixes.extend(real);
    prefixes.retain(|(path, _)| path != Path::new("/usr"));
    prefixes
}

/// `None` for a path that the option cannot name; the gate then tells what the package would say.
fn flag(option: &str, from: &Path, to: &str) -> Option<String> {
    let from = from.to_str().filter(|from| !from.contains(['=', '\'', '"', '\\']))?;
    let flag = format!("{option}={from}={to}");
    Some(if flag.contains(char::is_whitespace) { format!("'{flag}'") } else { flag })
}

/// The option that the compiler knows, if there is a compiler.
fn supported_option(sysconfig: &Sysconfig, python: &LocalPython) -> Option<&'static str> {
    let known = |option: &&str| accepts(sysconfig, python, &[&format!("{option}=/a=/b")]);
    ["-ffile-prefix-map", "-fdebug-prefix-map"].into_iter().find(known)
}

/// Is there a compiler, and does it know these flags?
fn accepts(sysconfig: &Sysconfig, python: &LocalPython, flags: &[&str]) -> bool {
    let compiler = environment("CC").or_else(|| sysconfig.cc.clone()).unwrap_or_else(|| "cc".to_owned());
    let mut words = compiler.split_whitespace();
    let Some(program) = words.next() else { return false };
    let probe = Command::new(program).args(words).args(["-E", "-x", "c", "/dev/null"]);
    python.enter(probe.args(flags)).run().is_ok_and(|output| output.code == 0)
}

/// The linkers of extensions without the RPATH of the interpreter's own directory.
fn shared_linkers(command: Command, sysconfig: &Sysconfig) -> Command {
    let linkers = [("LDSHARED", &sysconfig.ldshared, "CC"), ("LDCXXSHARED", &sysconfig.ldcxxshared, "CXX")];
    linkers.into_iter().fold(command, |command, (name, linker, compiler)| {
        let Some(linker) = linker.as_deref().filter(|_| environment(name).is_none()) else { return command };
        let own = |word: &&str| {
            let path = ["-Wl,-rpath,", "-Wl,-rpath=", "-Wl,-R"].iter().find_map(|option| word.strip_prefix(option));
            path.is_some_and(|path| Path::new(path).starts_with(&sysconfig.prefix))
        };
        let words = linker.split_whitespace().collect::<Vec<_>>();
        if !words.iter().any(own) {
            return command;
        }
        let mut kept = words.into_iter().filter(|word| !own(word)).map(str::to_owned).collect::<Vec<_>>();
        // What setuptools does with a compiler of the user when it makes the command itself.
        if let (Some(wanted), Some(first)) = (environment(compiler), kept.first_mut()) {
            *first = wanted;
        }
        command.env(name, kept.join(" "))
    })
}

/// rustc's flags as cargo takes them: separated by a character that no path has.
fn rust(command: Command, isa: Option<Isa>, replaced: &[(PathBuf, &str)]) -> Command {
    const SEPARATOR: &str = "\u{1f}";
    let given = environment("CARGO_ENCODED_RUSTFLAGS")
        .or_else(|| environment("RUSTFLAGS").map(|flags| flags.split_whitespace().collect::<Vec<_>>().join(SEPARATOR)));
    let own = replaced.iter().filter_map(|(from, to)| Some(format!("--remap-path-prefix={}={to}", from.to_str()?)));
    let processor = baseline::rust_flags(isa, given.as_deref().unwrap_or_default()).into_iter();
    let given = given.into_iter().filter(|flags| !flags.is_empty());
    let flags = processor.chain(given).chain(own).collect::<Vec<_>>();
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join(SEPARATOR))
}

/// Does setuptools call the compiler? It does without a build system (PEP 517).
fn uses_setuptools(source: &Path) -> bool {
    let text = fs::read_to_string(source.join("pyproject.toml")).unwrap_or_default();
    let document = toml::from_str::<toml::Table>(&text).unwrap_or_default();
    let backend = document.get("build-system").and_then(|system| system.get("build-backend"));
    backend.and_then(toml::Value::as_str).is_none_or(|_| source.join("setup.py").is_file())
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}
