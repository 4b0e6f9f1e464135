//! Bytecode for the target's Python, made by an interpreter of the same minor version, here or in a container: sources go
//! into a compile server with the path that they will have, `.pyc` comes back. Nothing is written out for it, no time
//! stamp gets in (PEP 552, from Python 3.7), and `co_filename` is right by construction.
//!
//! What was compiled for a wheel is kept: see `cache`. The same sources give the same bytes in any order and number of
//! threads: see `marshal`.

mod cache;
mod interpreter;
mod marshal;
mod server;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use miette::Diagnostic;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{Content, Entry, EntryFlags, EntryKind, Origin, TargetPath};
use crate::distribution::ToolVersion;
use crate::exec::{Command, ExecError};
use crate::progress::Listener;
use crate::resolve::Wheel;

use cache::Cached;
pub use interpreter::{Interpreter, find_interpreter, probe, probe_inside};
use server::{Answer, Job};

/// The oldest Python that the compile server runs on, major and minor.
pub const OLDEST: (u32, u32) = (3, 6);

/// Counts up when the same source would be compiled to something else.
const CACHE_FORMAT: &[u8] = b"omnipack bytecode key 1\n";

/// Why there is no bytecode.
#[derive(Debug, Error, Diagnostic)]
pub enum Error {
    #[error("no CPython {version} is on this machine to compile the bytecode with")]
    #[diagnostic(
        code(bytecode::no_interpreter),
        help(
            "install python{version} (pyenv and uv can, too), name one with `--python PATH`, or set \
             `bytecode = \"install\"` in [python] to have the package compile it on the target"
        )
    )]
    NoInterpreter { version: String },
    #[error("bytecode for Python {version} cannot be made")]
    #[diagnostic(
        code(bytecode::too_old),
        help("the oldest Python that it can be made for is 3.6; set `bytecode = \"none\"` or \"install\" in [python]")
    )]
    TooOld { version: String },
    #[error("`{program}` stopped while it compiled {path}: {reason}")]
    #[diagnostic(
        code(bytecode::server),
        help("try another interpreter with `--python PATH`, or set `bytecode = \"install\"` in [python]")
    )]
    Server { program: String, path: String, reason: String },
    #[error(transparent)]
    #[diagnostic(transparent)]
    Exec(#[from] ExecError),
    #[error("{0}")]
    #[diagnostic(code(bytecode::io))]
    Io(#[from] std::io::Error),
}

/// What to compile, with what, and where results are kept.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub entries: &'a [Entry],
    /// Tell the digests of the wheels that entries come from.
    pub wheels: &'a [Wheel],
    pub interpreter: &'a Interpreter,
    /// The virtual environment: sources are those below its `lib` and `lib64`, and those of a bundled interpreter.
    pub prefix: &'a TargetPath,
    /// Time stamp of every packed file, in seconds since 1970, which a `.pyc` of Python 3.6 has to name.
    pub source_date: u32,
    /// A directory for results, which other runs may be using.
    pub cache: &'a Path,
    /// How many interpreters may run at once.
    pub threads: usize,
}

/// A source that the interpreter refused: a template, or for another Python. It is packed without bytecode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub path: TargetPath,
    pub origin: Origin,
    pub reason: String,
}

/// The bytecode of a tree.
#[derive(Debug, Clone, Default)]
pub struct Compiled {
    /// Path of the source, and its `.pyc`. Sorted by source.
    pub files: Vec<(TargetPath, Entry)>,
    pub refused: Vec<Refused>,
}

impl Compiled {
    /// The `.pyc` files alone, for the tree that they belong into.
    #[must_use]
    pub fn into_entries(self) -> Vec<Entry> {
        self.files.into_iter().map(|(_, entry)| entry).collect()
    }
}

/// As [`find_interpreter`], for those who cannot do without.
///
/// # Errors
/// When there is none, or it could not compile.
pub fn require_interpreter(version: ToolVersion, explicit: &[PathBuf]) -> Result<Interpreter, Error> {
    let series = format!("{}.{}", version.major, version.minor);
    if (version.major, version.minor) < OLDEST {
        return Err(Error::TooOld { version: series });
    }
    find_interpreter(version, explicit).ok_or(Error::NoInterpreter { version: series })
}

/// Sources of one origin, whose bytecode is kept together.
struct Group<'a> {
    origin: &'a Origin,
    sources: Vec<(&'a Entry, &'a Content)>,
    /// Where the results are kept; `None` for what changes too often to be worth it.
    file: Option<PathBuf>,
}

impl Group<'_> {
    fn load(&self) -> Option<Vec<Cached>> {
        cache::load(self.file.as_deref()?, self.sources.len())
    }
}

/// Compiles every `.py` file below the prefix's library directories, and in a bundled interpreter's.
///
/// # Errors
/// When a source cannot be read, the interpreter fails, or the cache cannot be written.
pub fn compile(request: &Request<'_>, listener: &dyn Listener) -> Result<Compiled, Error> {
    let version = request.interpreter.version;
    if (version.major, version.minor) < OLDEST {
        return Err(Error::TooOld { version: version.to_string() });
    }
    let groups = group(request)?;
    let results = Mutex::new(BTreeMap::new());
    let mut jobs = Vec::new();
    let loaded = groups.par_iter().map(Group::load).collect::<Vec<_>>();
    for (number, (group, cached)) in groups.iter().zip(loaded).enumerate() {
        match cached {
            Some(cached) => {
                results.lock().unwrap_or_else(PoisonError::into_inner).insert(number, cached);
            }
            None => jobs.extend(group.sources.iter().enumerate().map(|(place, &(entry, content))| Job {
                entry,
                content,
                place,
                group: number,
            })),
        }
    }
    let done = |number: usize, answers: Vec<Answer>| {
        let file = groups.get(number).and_then(|group| group.file.as_deref());
        let cached = match file {
            Some(file) => cache::store(file, answers)?,
            None => answers.into_iter().map(in_memory).collect(),
        };
        results.lock().unwrap_or_else(PoisonError::into_inner).insert(number, cached);
        Ok(())
    };
    server::run(request.interpreter, jobs, request.source_date, request.threads, &done, listener)?;
    let mut compiled = Compiled::default();
    for (number, cached) in results.into_inner().unwrap_or_else(PoisonError::into_inner) {
        if let Some(group) = groups.get(number) {
            collect(group, cached, request.interpreter, &mut compiled)?;
        }
    }
    compiled.files.sort_by(|one, other| one.0.cmp(&other.0));
    warn(&compiled.refused, request.interpreter, listener);
    Ok(compiled)
}

/// What [`compile`] would give, when all of it was compiled earlier by just this interpreter, which need not be there any
/// more.
///
/// # Errors
/// When a source cannot be read.
pub fn compiled_earlier(request: &Request<'_>) -> Result<Option<Compiled>, Error> {
    let groups = group(request)?;
    let loaded = groups.par_iter().map(Group::load).collect::<Option<Vec<_>>>();
    let Some(loaded) = loaded else { return Ok(None) };
    let mut compiled = Compiled::default();
    for (group, cached) in groups.iter().zip(loaded) {
        collect(group, cached, request.interpreter, &mut compiled)?;
    }
    compiled.files.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(Some(compiled))
}

fn in_memory(answer: Answer) -> Cached {
    match answer {
        Answer::Bytecode(bytes) => Cached::Bytecode(Content::Bytes(bytes.into())),
        Answer::Refused(reason) => Cached::Refused(reason),
    }
}

/// Removes what could change how an interpreter compiles, or which one runs.
fn clean(command: Command) -> Command {
    let names = std::env::vars_os().map(|(name, _)| name);
    let python = names.filter(|name| name.to_string_lossy().starts_with("PYTHON") || name == "__PYVENV_LAUNCHER__");
    python.fold(command, Command::env_remove)
}

/// The sources by origin, the largest group first.
fn group<'a>(request: &Request<'a>) -> Result<Vec<Group<'a>>, Error> {
    let libraries = ["lib", "lib64"].map(|name| request.prefix.join(name));
    let mut by_origin = BTreeMap::<&Origin, Vec<(&Entry, &Content)>>::new();
    for entry in request.entries {
        let EntryKind::File(content) = &entry.kind else { continue };
        let in_library = libraries.iter().flatten().any(|library| entry.path.is_below(library));
        let in_interpreter = entry.origin == Origin::Interpreter && entry.path.is_below(request.prefix);
        if (in_library || in_interpreter) && !entry.flags.ghost && entry.path.file_name().ends_with(".py") {
            by_origin.entry(&entry.origin).or_default().push((entry, content));
        }
    }
    let mut groups = Vec::new();
    for (origin, sources) in by_origin {
        let file = cache_file(request, origin, &sources)?;
        groups.push(Group { origin, sources, file });
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.sources.iter().map(|(_, content)| content.size()).sum::<u64>()));
    Ok(groups)
}

/// Named after all that the bytecode depends on: the wheel, the interpreter, the paths.
fn cache_file(
    request: &Request<'_>,
    origin: &Origin,
    sources: &[(&Entry, &Content)],
) -> Result<Option<PathBuf>, Error> {
    let wheel = match origin {
        // One environment has one version of each.
        Origin::Wheel { name, .. } => request.wheels.iter().find(|wheel| *wheel.name == **name),
        Origin::Interpreter => None,
        Origin::Generated | Origin::User => return Ok(None),
    };
    let interpreter = request.interpreter;
    let mut key = Sha256::new();
    let mut part = |bytes: &[u8]| {
        key.update((bytes.len() as u64).to_le_bytes());
        key.update(bytes);
    };
    part(CACHE_FORMAT);
    part(&interpreter.magic);
    part(&interpreter.hexversion.to_le_bytes());
    part(interpreter.cache_tag.as_bytes());
    if (interpreter.version.major, interpreter.version.minor) < (3, 7) {
        part(&request.source_date.to_le_bytes());
    }
    part(wheel.map(|wheel| wheel.sha256.as_bytes()).unwrap_or_default());
    for (entry, content) in sources {
        part(entry.path.as_str().as_bytes());
        match (wheel, content) {
            // The digest of the wheel stands for its members.
            (Some(_), Content::Member { member, .. }) => part(&member.offset.to_le_bytes()),
            _ => part(&Sha256::digest(content.read()?)),
        }
    }
    let name = key.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Ok(Some(request.cache.join("bytecode").join(&interpreter.cache_tag).join(name)))
}

fn collect(
    group: &Group<'_>,
    cached: Vec<Cached>,
    interpreter: &Interpreter,
    compiled: &mut Compiled,
) -> Result<(), Error> {
    for ((source, _), cached) in group.sources.iter().zip(cached) {
        match cached {
            Cached::Refused(reason) => {
                compiled.refused.push(Refused { path: source.path.clone(), origin: group.origin.clone(), reason });
            }
            Cached::Bytecode(content) => {
                let entry = bytecode_of(source, interpreter, content)?;
                compiled.files.push((source.path.clone(), entry));
            }
        }
    }
    Ok(())
}

/// The bytecode of `source`, which belongs to whom the source belongs to.
fn bytecode_of(source: &Entry, interpreter: &Interpreter, content: Content) -> Result<Entry, Error> {
    let name = source.path.file_name();
    let stem = name.strip_suffix(".py").unwrap_or(name);
    let directory = source.path.parent().unwrap_or_else(|| source.path.clone());
    let path = directory.join(&format!("__pycache__/{stem}.{}.pyc", interpreter.cache_tag));
    Ok(Entry {
        path: path.map_err(std::io::Error::other)?,
        mode: 0o644,
        owner: source.owner.clone(),
        group: source.group.clone(),
        kind: EntryKind::File(content),
        flags: EntryFlags::default(),
        origin: source.origin.clone(),
    })
}

fn warn(refused: &[Refused], interpreter: &Interpreter, listener: &dyn Listener) {
    if let Some(first) = refused.first() {
        let Refused { path, reason, .. } = first;
        let version = interpreter.version;
        listener.warning(&format!(
            "{} Python files are not valid for Python {}.{} and have no bytecode, the first {path}: {reason}",
            refused.len(),
            version.major,
            version.minor
        ));
    }
}
