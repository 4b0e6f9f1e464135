//! The whole run, top-down: project, plan, resolve, stage, service, package, format.

mod hybrid;
mod plain;
mod source;
mod workshop;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use fs_err::File;
use miette::Diagnostic;
use thiserror::Error as ThisError;

use crate::Error as AnyError;
use crate::builder::Choice;
use crate::distribution::{Catalogue, Distribution};
use crate::format::{self, Packed};
use crate::package::{self, Package};
use crate::plan::{self, BuildPlan, InterpreterKind};
use crate::progress::Listener;
use crate::project::{BytecodeMode, Config, Metadata, Source};
use crate::resolve::{self, Lock, Resolver, Wheel, Workshop};
use crate::scratch::Scratch;
use crate::stage::gate::Scanner;
use crate::stage::{self, EntryKind, LaidOut, Origin, Stage, bytecode};

pub use source::{Checked, ForTarget, Wanted, debian_sources, hybrid_spec_files, spec_checks, spec_files};

/// What can go wrong between the floors.
#[derive(Debug, ThisError, Diagnostic)]
pub enum Error {
    #[error("no distribution is named")]
    #[diagnostic(
        code(build::no_distribution),
        help(
            "say which with `--distribution NAME`, or list them in `[targets] distributions = [...]`; `omnipack distributions` shows all"
        )
    )]
    NoDistribution,
    #[error("another omnipack is writing into {directory}")]
    #[diagnostic(code(build::busy), help("wait for it, or give this one another `--destination-path`"))]
    Busy { directory: String },
    #[error("SOURCE_DATE_EPOCH is `{text}`, which is no number of seconds since 1970")]
    #[diagnostic(code(build::source_date), help("unset it, or set it to a whole number below 4294967296"))]
    SourceDate { text: String },
    #[error("nothing can be written into `{directory}`: {reason}")]
    #[diagnostic(code(build::destination), help("name a directory that you may write to with `{option}`"))]
    Destination { directory: String, reason: String, option: &'static str },
    #[error("`{directory}`, where `--keep-stage` puts the tree, holds something else")]
    #[diagnostic(code(build::stage), help("move it away, or give the build another `--destination-path`"))]
    StageInTheWay { directory: String },
    #[error("{0}")]
    #[diagnostic(code(build::io), help("is there space left, and may you write there?"))]
    Io(#[from] std::io::Error),
}

/// What to build, for whom, where from and where to.
#[derive(Debug, Clone)]
pub struct Request {
    /// As the command line named it.
    pub source: String,
    pub config: Option<PathBuf>,
    /// Names; empty: those of the configuration.
    pub distributions: Vec<String>,
    pub machine: String,
    pub destination: PathBuf,
    pub keep_stage: KeepStage,
    pub resolve: resolve::Options,
    /// Where native code is compiled; `None`: as the configuration says.
    pub builder: Option<Choice>,
    /// Seconds since 1970 for every time stamp, when the user fixed it.
    pub source_date: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepStage {
    Yes,
    No,
}

/// A package file that was written.
#[derive(Debug)]
pub struct Written {
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Bytes of all files when installed.
    pub installed_size: u64,
    pub package: Package,
}

/// All that one distribution got.
#[derive(Debug)]
pub struct Outcome {
    pub plan: BuildPlan,
    pub lock: Lock,
    pub written: Vec<Written>,
    /// Where the staged tree lies, with `--keep-stage`.
    pub stage: Option<PathBuf>,
}

/// One project for one distribution, decided and resolved.
struct Prepared {
    plan: BuildPlan,
    lock: Lock,
}

/// Builds every package for every distribution. Each distribution's files appear together, when all are whole.
///
/// # Errors
/// The first failure of any floor; what was finished for earlier distributions stays.
pub fn build(request: &Request, listener: &dyn Listener) -> Result<Vec<Outcome>, AnyError> {
    let session = Session::open(request, listener)?;
    let several = session.distributions.len() > 1;
    let mut outcomes = Vec::new();
    for distribution in &session.distributions {
        let directory =
            if several { request.destination.join(&distribution.name) } else { request.destination.clone() };
        outcomes.push(session.build_one(distribution, &directory)?);
        session.close_workshop(distribution);
    }
    Ok(outcomes)
}

/// Takes every decision and does nothing else but what is needed for them: the application's wheel is built when its
/// metadata is dynamic.
///
/// # Errors
/// As [`build`], as far as planning goes.
pub fn dry_run(request: &Request, listener: &dyn Listener) -> Result<Vec<BuildPlan>, AnyError> {
    let session = Session::open(request, listener)?;
    session.distributions.iter().map(|distribution| session.plan_only(distribution)).collect()
}

/// Writes the tree of the main package for one distribution into `directory`.
///
/// # Errors
/// As [`build`], as far as staging goes.
pub fn stage_into(request: &Request, directory: &Path, listener: &dyn Listener) -> Result<Vec<BuildPlan>, AnyError> {
    let session = Session::open(request, listener)?;
    let several = session.distributions.len() > 1;
    let mut plans = Vec::new();
    for distribution in &session.distributions {
        let target = if several { directory.join(&distribution.name) } else { directory.to_path_buf() };
        stage::check_empty(&target)?;
        let prepared = session.prepare(distribution)?;
        let stage = session.stage(&prepared)?;
        stage::write_out(&*plain::shown(&prepared.plan, &stage)?, &target)?;
        plans.push(prepared.plan);
    }
    Ok(plans)
}

/// What all distributions of a run share.
struct Session<'a> {
    request: &'a Request,
    listener: &'a dyn Listener,
    source: Source,
    config: Config,
    distributions: Vec<Distribution>,
    resolver: Resolver<'a>,
    /// Of this machine, by series; `None` where there is none.
    interpreters: Mutex<BTreeMap<(u32, u32), Option<bytecode::Interpreter>>>,
    /// By distribution.
    workshops: Mutex<BTreeMap<String, Arc<Workshop>>>,
}

impl<'a> Session<'a> {
    fn open(request: &'a Request, listener: &'a dyn Listener) -> Result<Self, AnyError> {
        let source = Source::parse(&request.source)?;
        let config = Config::load(&source, request.config.as_deref())?;
        let catalogue = Catalogue::embedded()?.with_overrides(&config.distribution_tables())?;
        config.check_distributions(catalogue.iter())?;
        let distributions = config.distributions(&request.distributions, &catalogue)?;
        let distributions = distributions.into_iter().cloned().collect::<Vec<_>>();
        if distributions.is_empty() {
            return Err(Error::NoDistribution.into());
        }
        let options = resolve::Options { name: config.package_name(), ..request.resolve.clone() };
        let resolver = Resolver::new(options, listener);
        let wanted = distributions.iter().filter_map(|distribution| {
            let settings = config.python_settings(distribution).ok()?;
            Some(plan::interpreter(&settings, distribution, "/").ok()?.version)
        });
        resolver.check_programs(&wanted.collect::<Vec<_>>())?;
        let (interpreters, workshops) = (Mutex::default(), Mutex::default());
        Ok(Self { request, listener, source, config, distributions, resolver, interpreters, workshops })
    }

    fn build_one(&self, distribution: &Distribution, directory: &Path) -> Result<Outcome, AnyError> {
        // Before any work, so that a directory that takes no files is found out at once.
        let destination = Destination::make(directory, DESTINATION)?;
        let (_lock, scratch) = claim(directory)?;
        let prepared = self.prepare(distribution)?;
        let plan = &prepared.plan;
        let keep = match self.request.keep_stage {
            KeepStage::No => None,
            KeepStage::Yes => Some(stage_directory(plan, directory)?),
        };
        let stage = self.stage(&prepared)?;
        let packages = package::assemble(plan, &stage)?;
        let mut written = Vec::new();
        for package in packages {
            self.listener.step(&format!("{}: packing {}", plan.distribution.name, package.name));
            written.push(self.write(&prepared, package, scratch.path())?);
        }
        if let Some(target) = &keep {
            replace_stage(&*plain::shown(plan, &stage)?, target, scratch.path())?;
        }
        for file in &mut written {
            let target = directory.join(file.path.file_name().unwrap_or_default());
            fs_err::rename(&file.path, &target).map_err(Error::Io)?;
            file.path = target;
        }
        destination.keep();
        let Prepared { plan, lock } = prepared;
        Ok(Outcome { plan, lock, written, stage: keep })
    }

    /// Decides and resolves: after this, nothing is asked of the network.
    fn prepare(&self, distribution: &Distribution) -> Result<Prepared, AnyError> {
        if let Some(metadata) = self.config.metadata_without_python(distribution)? {
            return self.prepare_plain(distribution, metadata);
        }
        let name = &distribution.name;
        self.listener.step(&format!("{name}: building the application's wheel"));
        let wheel = self.application(distribution)?;
        let mut plan = self.plan(distribution, Metadata::from_wheel(&wheel.path)?)?;
        self.listener.step(&format!("{name}: resolving for Python {}", plan.interpreter.version));
        // An interpreter takes longer to say what it is than a resolution that is remembered.
        let workshop = self.workshop(distribution)?;
        let resolver = self.resolver.at(&workshop);
        let (lock, _) = rayon::join(
            || resolver.resolve(&plan.python, &plan.metadata, &wheel, &plan.interpreter, &plan.platform),
            || matches!(plan.bytecode, BytecodeMode::Auto | BytecodeMode::Build).then(|| self.own_interpreter(&plan)),
        );
        let lock = self.leave_to_the_target(&mut plan, lock?)?;
        if plan.bytecode == BytecodeMode::Auto {
            plan.bytecode = self.choose_bytecode(&plan)?;
        }
        self.tell_notes(&plan)?;
        Ok(Prepared { plan, lock })
    }

    fn tell_notes(&self, plan: &BuildPlan) -> Result<(), Error> {
        for note in plan.notes.iter().chain(&package::changelog_note(plan)?) {
            self.listener.warning(note);
        }
        Ok(())
    }

    /// Metadata that stands in `pyproject.toml` needs no build.
    fn plan_only(&self, distribution: &Distribution) -> Result<BuildPlan, AnyError> {
        if let Some(metadata) = self.config.metadata_without_python(distribution)? {
            return self.plan(distribution, metadata);
        }
        let fixed = match &self.source {
            Source::Directory(path) => Metadata::from_pyproject(&path.join("pyproject.toml")),
            _ => None,
        };
        let metadata = match fixed {
            Some(metadata) => metadata,
            None => Metadata::from_wheel(&self.application(distribution)?.path)?,
        };
        self.plan(distribution, metadata)
    }

    fn plan(&self, distribution: &Distribution, metadata: Metadata) -> Result<BuildPlan, AnyError> {
        let project = self.config.project(&self.source, metadata, distribution)?;
        let options = plan::Options { machine: self.request.machine.clone(), source_date: self.request.source_date };
        Ok(plan::plan(&project, distribution, &options)?)
    }

    /// The application's wheel. Its metadata decides the prefix, so the interpreter is known here by its version only.
    fn application(&self, distribution: &Distribution) -> Result<Wheel, AnyError> {
        let settings = self.config.python_settings(distribution)?;
        let interpreter = plan::interpreter(&settings, distribution, "/")?;
        let platform = plan::platform(distribution, &self.request.machine)?;
        let workshop = self.workshop(distribution)?;
        Ok(self.resolver.at(&workshop).application(&self.source, &settings, &interpreter, &platform)?)
    }

    fn stage(&self, prepared: &Prepared) -> Result<Stage, AnyError> {
        let Prepared { plan, lock } = prepared;
        if !plan.has_python() {
            return plain::empty_stage(plan);
        }
        let wheels = counted(lock.wheels.len(), "wheel");
        self.listener.step(&format!("{}: laying out {wheels}", plan.distribution.name));
        let laid_out = stage::lay_out(&*self.with_interpreter(plan)?, lock, self.resolver.cache_directory())?;
        let compiled = match plan.bytecode {
            BytecodeMode::Build | BytecodeMode::Auto => self.compile(plan, lock, &laid_out)?,
            BytecodeMode::Install | BytecodeMode::None => Vec::new(),
        };
        let stage = laid_out.finish(compiled)?;
        for overlap in &stage.overlaps {
            self.listener.warning(&format!(
                "{} is in two wheels with different content: that of {} is kept, that of {} is not",
                overlap.path, overlap.kept, overlap.dropped
            ));
        }
        Ok(stage)
    }

    /// The plan, with an interpreter that has an address fetched: from here on it is a file of this machine.
    fn with_interpreter<'p>(&self, plan: &'p BuildPlan) -> Result<Cow<'p, BuildPlan>, AnyError> {
        let InterpreterKind::Bundled { source, sha256: Some(sha256) } = &plan.interpreter.kind else {
            return Ok(Cow::Borrowed(plan));
        };
        if !source.contains("://") {
            return Ok(Cow::Borrowed(plan));
        }
        let archive = self.resolver.interpreter(&plan.python, source, sha256)?;
        let mut local = plan.clone();
        local.interpreter.kind =
            InterpreterKind::Bundled { source: archive.to_string_lossy().into_owned(), sha256: Some(sha256.clone()) };
        Ok(Cow::Owned(local))
    }

    fn compile(&self, plan: &BuildPlan, lock: &Lock, laid_out: &LaidOut) -> Result<Vec<stage::Entry>, AnyError> {
        // What the target's own Python made in a container earlier is what one in a container would make.
        let earlier = self.resolver.recall::<bytecode::Interpreter>(&*self.workshop(&plan.distribution)?);
        if let Some(earlier) = &earlier
            && let Some(compiled) = bytecode::compiled_earlier(&self.bytecode_request(plan, lock, laid_out, earlier))
                .map_err(stage::Error::from)?
        {
            return Ok(compiled.into_entries());
        }
        let interpreter = match self.interpreter(plan)? {
            Some(found) => found,
            None => bytecode::require_interpreter(plan.interpreter.version, &self.request.resolve.pythons)
                .map_err(stage::Error::from)?,
        };
        self.listener.step(&format!("{}: compiling for Python {}", plan.distribution.name, plan.interpreter.version));
        let request = self.bytecode_request(plan, lock, laid_out, &interpreter);
        let compiled = bytecode::compile(&request, self.listener).map_err(stage::Error::from)?;
        Ok(compiled.into_entries())
    }

    fn bytecode_request<'r>(
        &'r self,
        plan: &BuildPlan,
        lock: &'r Lock,
        laid_out: &'r LaidOut,
        interpreter: &'r bytecode::Interpreter,
    ) -> bytecode::Request<'r> {
        bytecode::Request {
            entries: &laid_out.stage.entries,
            wheels: &lock.wheels,
            interpreter,
            prefix: &laid_out.layout.prefix,
            source_date: plan.source_date,
            cache: self.resolver.cache_directory(),
            threads: format::compress::threads(),
        }
    }

    /// Packs, decides what the packed bytes decide, writes.
    fn write(&self, prepared: &Prepared, package: Package, scratch: &Path) -> Result<Written, AnyError> {
        let scanner = self.scanner(prepared, scratch)?;
        let packed: Packed = format::pack(&package, &scanner, scratch)?;
        let package = package::conclude(package, &packed.findings, &prepared.plan)?;
        let path = format::write(&package, &packed, scratch)?;
        let size = fs_err::metadata(&path).map_err(Error::Io)?.len();
        Ok(Written { path, size, installed_size: installed_size(&package), package })
    }

    /// What no packed byte may name: directories of this build, and credentials of the index. Wheels of the index
    /// were made elsewhere: only the application's own and those built here can name this build by more than chance.
    fn scanner(&self, prepared: &Prepared, scratch: &Path) -> Result<Scanner, AnyError> {
        let mut scanner = Scanner::new().directory(scratch).directory(self.resolver.cache_directory());
        if let Some(directory) = self.source.directory() {
            scanner = scanner.directory(directory);
        }
        if let Some(home) = std::env::home_dir() {
            scanner = scanner.home(&home);
        }
        for (user, password) in self.resolver.logins(&prepared.plan.python)? {
            scanner = scanner.credential(&user, &password);
        }
        let fetched = prepared
            .lock
            .wheels
            .iter()
            .filter(|wheel| wheel.role == resolve::WheelRole::Dependency && !self.resolver.built_here(wheel));
        Ok(scanner.fetched(
            fetched.map(|wheel| Origin::Wheel {
                name: wheel.name.as_str().into(),
                version: wheel.version.as_str().into(),
            }),
        ))
    }
}

/// `1 wheel`, `2 wheels`
pub(crate) fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Bytes of the files of `package` when they lie on the target, as package managers show it: hard links count once, and
/// the text of a symbolic link counts.
fn installed_size(package: &Package) -> u64 {
    let size = |entry: &stage::Entry| match &entry.kind {
        EntryKind::File(content) if !entry.flags.ghost => content.size(),
        EntryKind::Symlink(target) => target.len() as u64,
        _ => 0,
    };
    package.entries.iter().map(size).sum()
}

/// What names the directory for the packages of a build.
const DESTINATION: &str = "--destination-path";

/// The directory that packages go to. A run that fails takes away what it had to make of it.
#[derive(Debug)]
pub struct Destination {
    /// The outermost first.
    made: Vec<PathBuf>,
}

impl Destination {
    /// Makes `directory`, which files can then be written into.
    ///
    /// # Errors
    /// When they cannot: the message names the `option` that the directory comes from.
    pub fn check(directory: &Path, option: &'static str) -> Result<Self, Error> {
        let destination = Self::make(directory, option)?;
        Scratch::inside(directory).map_err(|error| unusable(directory, &error, option))?;
        Ok(destination)
    }

    fn make(directory: &Path, option: &'static str) -> Result<Self, Error> {
        if directory.exists() && !directory.is_dir() {
            let (directory, reason) = (directory.display().to_string(), "it is no directory".to_owned());
            return Err(Error::Destination { directory, reason, option });
        }
        let missing = directory.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists());
        let mut made = missing.map(Path::to_path_buf).collect::<Vec<_>>();
        made.reverse();
        fs_err::create_dir_all(directory).map_err(|error| unusable(directory, &error, option))?;
        Ok(Self { made })
    }

    fn keep(mut self) {
        self.made.clear();
    }
}

impl Drop for Destination {
    fn drop(&mut self) {
        for directory in self.made.iter().rev() {
            // Not empty: somebody else put something there, and it stays.
            let _ = fs_err::remove_dir(directory);
        }
    }
}

/// Takes `directory` for this build alone: a lock, and a scratch directory inside it.
fn claim(directory: &Path) -> Result<(File, Scratch), Error> {
    let lock = lock_directory(directory)?;
    Ok((lock, Scratch::inside(directory).map_err(|error| unusable(directory, &error, DESTINATION))?))
}

fn unusable(directory: &Path, error: &std::io::Error, option: &'static str) -> Error {
    Error::Destination { directory: directory.display().to_string(), reason: error.to_string(), option }
}

/// Where the staged tree is kept. The tree of an earlier build gives way, anything else does not.
fn stage_directory(plan: &BuildPlan, directory: &Path) -> Result<PathBuf, Error> {
    let target = directory.join(format!("{}-stage", plan.packages.first().map_or("omnipack", |main| &main.name)));
    let environment = target.join(plan.prefix.trim_start_matches('/')).join("pyvenv.cfg");
    let free = match fs_err::read_dir(&target) {
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        Ok(mut entries) => environment.is_file() || entries.next().is_none() || plain::is_own_stage(plan, &target),
    };
    if free { Ok(target) } else { Err(Error::StageInTheWay { directory: target.display().to_string() }) }
}

/// Puts the tree to `target` when it is whole, in the place of an older one.
fn replace_stage(stage: &Stage, target: &Path, scratch: &Path) -> Result<(), AnyError> {
    let (new, old) = (scratch.join("stage"), scratch.join("old-stage"));
    stage::write_out(stage, &new)?;
    if target.exists() {
        fs_err::rename(target, &old).map_err(Error::Io)?;
    }
    fs_err::rename(&new, target).map_err(Error::Io)?;
    Ok(())
}

/// Two builds into one directory would take each other's files away. The lock is on the directory itself, so no lock
/// file stays behind.
fn lock_directory(directory: &Path) -> Result<File, Error> {
    let handle = File::open(directory)?;
    match handle.file().try_lock() {
        Ok(()) => Ok(handle),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::Busy { directory: directory.display().to_string() }),
        // Some network file systems know no locks; unique scratch names still keep the files whole there.
        Err(std::fs::TryLockError::Error(_)) => Ok(handle),
    }
}
