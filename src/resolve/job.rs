//! Where one wheel is built, and with which Python: on this machine, or in a container of the target.

use std::path::Path;

use super::build::{Artefact, Attempt, Built, Compiler, Made, Subject, name_of, named, parse};
use super::fit;
use super::forbidden::NoCompiler;
use super::keys::Keys;
use super::python::LocalPython;
use super::target::Target;
use super::{Error, Resolver, Session, is_network_trouble};

/// A wheel to be built.
pub(super) struct Job<'a> {
    /// The tree, or an sdist that cannot be unpacked.
    pub source: &'a Path,
    pub keys: &'a Keys,
    /// Its `setup.py` may ask for the Python that it runs on.
    pub legacy: bool,
    /// It has source code for a compiler.
    pub native: bool,
    pub subject: &'a Subject<'a>,
    pub target: &'a Target,
    pub session: &'a Session,
}

impl Job<'_> {
    fn series(&self) -> String {
        format!("{}.{}", self.target.python.major, self.target.python.minor)
    }

    fn attempt<'a>(&'a self, python: &'a LocalPython, compiler: Compiler<'a>, native: bool) -> Attempt<'a> {
        let Self { source, session, .. } = *self;
        Attempt { source, python, compiler, native, artefact: Artefact::Wheel, session }
    }

    fn named(&self, error: Error) -> Error {
        named(error, self.subject)
    }

    fn no_container(&self, reason: String, error: String) -> Error {
        Error::NoContainer { what: self.subject.title(), target: self.target.describe(), reason, error }
    }
}

/// What came of a build on this machine.
struct Here {
    result: Result<Built, Error>,
    /// Why the target itself would do better.
    wanting: Option<Wanting>,
}

enum Wanting {
    /// Nothing was compiled that should have been, or nothing was built, for this reason.
    Code(String),
    /// It may not run on the target.
    Fit(String),
}

impl Resolver<'_> {
    /// Builds where the workshop says, checks that the target takes the wheel, keeps it.
    pub(super) fn build_where_it_fits(&self, job: &Job) -> Result<Built, Error> {
        let workshop = &job.session.workshop;
        if workshop.is_required() {
            return self.build_inside(job, &self.bench(job.session)?.python);
        }
        let Here { result, wanting } = self.build_here(job)?;
        let Some(wanting) = wanting else { return result };
        let (Wanting::Code(reason) | Wanting::Fit(reason)) = &wanting;
        let refusal = if self.may_enter(workshop)? {
            self.listener.warning(&workshop.explanation(job.subject, job.target, reason));
            match self.bench_if_any(job.session) {
                Ok(bench) => return self.build_inside(job, &bench.python),
                Err(refusal) => Some(refusal),
            }
        } else {
            workshop.refusal()
        };
        match (result, wanting, refusal) {
            (Ok(built), Wanting::Code(reason), _) => {
                self.listener.warning(&format!(
                    "{} is built here, without what would have to be compiled: {reason}",
                    job.subject.title()
                ));
                Ok(built)
            }
            (Err(Error::NeedsCompiler { reason, .. }), _, Some(refusal)) => Err(job.no_container(reason, refusal)),
            (Ok(_), Wanting::Fit(reason), Some(refusal)) => Err(job.no_container(reason, refusal)),
            (result, _, _) => result,
        }
    }

    /// With the target's Python, in a container of it.
    fn build_inside(&self, job: &Job, python: &LocalPython) -> Result<Built, Error> {
        let compiler = Compiler::Allowed(job.target.baseline);
        // What is no native code by its files' names may be compiled after all.
        let native = job.native || !job.session.workshop.is_required();
        let made = self.build_once(&job.attempt(python, compiler, native)).map_err(|error| job.named(error))?;
        let file_name = name_of(&made.path);
        if job.target.tags.rank(&parse(&file_name)?).is_none() {
            return Err(needs_compiler(job, Some(python), Some(parse(&file_name)?.tag())));
        }
        let key = self.key_after(job.keys, job.target, job.session);
        self.keep_build(key.as_ref().unwrap_or(&job.keys.here).of(&file_name), &made.path, &file_name)
    }

    /// Chooses the interpreter of this machine, builds, checks that the target takes the wheel, keeps it.
    fn build_here(&self, job: &Job) -> Result<Here, Error> {
        let own = self.target_python(job.target);
        let host = self.host_python()?;
        let none = NoCompiler::new(&self.cache)?;
        // Native code needs the target's Python, and setup.py may ask for its version; everything else is built on
        // a newer one, on which today's build backends run.
        let mut order = vec![(&host, Compiler::Forbidden(&none))];
        if let Some(own) = &own {
            let first = usize::from(!(job.native || job.legacy));
            order.insert(first, (own, Compiler::Allowed(job.target.baseline)));
        }
        let mut tried = Tried::default();
        for (python, compiler) in order {
            let forbidden = matches!(compiler, Compiler::Forbidden(_));
            let native = job.native || none.was_asked();
            match self.build_once(&job.attempt(python, compiler, native)) {
                Ok(made) => {
                    let file_name = name_of(&made.path);
                    let parsed = parse(&file_name)?;
                    if job.target.tags.rank(&parsed).is_none() {
                        tried.refused = Some(parsed.tag());
                        continue;
                    }
                    let lacking = if forbidden { none.was_asked() } else { lacks_code(&made) };
                    let key = if lacking { &job.keys.uncompiled } else { &job.keys.here };
                    let built = self.keep_build(key.of(&file_name), &made.path, &file_name)?;
                    if !lacking {
                        return Ok(complete(built, job.target));
                    }
                    let said = if forbidden { None } else { Some(reason_in(&made.log)) };
                    tried.wanting = tried.wanting.or(said);
                    tried.lacking = tried.lacking.or(Some(built));
                }
                Err(error) => {
                    if let Error::Build { details, .. } = &error
                        && !forbidden
                        && native
                    {
                        tried.wanting = Some(reason_in(details));
                    }
                    tried.failure = tried.failure.or(Some(error));
                }
            }
        }
        Ok(tried.conclude(job, own.as_ref(), job.native || none.was_asked()))
    }
}

/// Attempts of which none gave all that is wanted.
#[derive(Default)]
struct Tried {
    /// Without what should have been compiled.
    lacking: Option<Built>,
    /// What the compiler said.
    wanting: Option<String>,
    /// The tag of a wheel that the target does not take.
    refused: Option<String>,
    /// The first.
    failure: Option<Error>,
}

impl Tried {
    fn conclude(self, job: &Job, own: Option<&LocalPython>, native: bool) -> Here {
        let no_python = || format!("its source has native code, and there is no python{} here", job.series());
        if let Some(built) = self.lacking {
            let reason = self.wanting.unwrap_or_else(no_python);
            return Here { result: Ok(built), wanting: Some(Wanting::Code(reason)) };
        }
        let network = matches!(&self.failure, Some(Error::Build { details, .. }) if is_network_trouble(details));
        if self.refused.is_none() && (own.is_some() || !native || network) {
            let nothing = || Error::Build { what: job.subject.name.to_owned(), details: String::new() };
            let result = Err(job.named(self.failure.unwrap_or_else(nothing)));
            return Here { result, wanting: self.wanting.filter(|_| !network).map(Wanting::Code) };
        }
        let error = needs_compiler(job, own, self.refused);
        let wanting = match &error {
            Error::NeedsCompiler { reason, .. } => self.wanting.unwrap_or_else(|| reason.clone()),
            _ => no_python(),
        };
        Here { result: Err(error), wanting: Some(Wanting::Code(wanting)) }
    }
}

fn complete(built: Built, target: &Target) -> Here {
    let newer = fit::too_new(&built, target);
    Here { result: Ok(built), wanting: newer.map(|newer| Wanting::Fit(format!("built here it needs {newer}"))) }
}

/// Has a compiler failed, and nothing that it should have made is in the wheel?
fn lacks_code(made: &Made) -> bool {
    const FAILED: [&str; 5] =
        ["fatal error:", "failed with exit", "cannot find -l", "CompileError", "unable to execute"];
    FAILED.iter().any(|sign| made.log.contains(sign)) && !fit::has_libraries(&made.path)
}

/// The line of a log that says why nothing was compiled.
fn reason_in(log: &str) -> String {
    const COMPILER: [&str; 4] = ["fatal error:", ": error:", "cannot find -l", "unable to execute"];
    const GENERAL: [&str; 3] = ["error: command", "error: subprocess", "hint:"];
    let lines = log.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>();
    let last = |wanted: &dyn Fn(&str) -> bool| lines.iter().rev().find(|line| wanted(line)).copied();
    let line = last(&|line| COMPILER.iter().any(|sign| line.contains(sign)))
        .or_else(|| {
            let general = |line: &str| GENERAL.iter().any(|start| line.starts_with(start));
            last(&|line| line.to_lowercase().contains("error:") && !general(line))
        })
        .or_else(|| lines.last().copied());
    line.unwrap_or("it cannot be built here").chars().take(300).collect()
}

fn needs_compiler(job: &Job, own: Option<&LocalPython>, refused: Option<String>) -> Error {
    let Job { subject, target, .. } = job;
    let series = job.series();
    let reason = match (own, refused) {
        (Some(_), Some(tag)) => format!("the build gives {tag}, which the target does not take"),
        (None, Some(tag)) => format!("its source has native code, and building here gives {tag}"),
        _ => format!("its source has native code, and there is no python{series} for {} here", target.machine),
    };
    Error::NeedsCompiler {
        name: subject.name.to_owned(),
        what: subject.title(),
        target: target.describe().into(),
        reason,
        help: format!(
            "any of these will do: ask for another version of {name}, one that has a wheel for this Python; \
             install python{series} with its headers (pyenv, a package) or name it with `--python PATH`; \
             have it compiled in a container of the target by `--builder podman` or `docker` (with one of them installed and \
             working, that happens by itself); build the wheel on the target and put it where `find-links` looks",
            name = subject.name
        )
        .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_what_the_compiler_said() {
        let log = "gcc -c psycopg/adapter.c\n./psycopg/psycopg.h:36:10: fatal error: libpq-fe.h: No such file or directory\n                    36 | #include <libpq-fe.h>\ncompilation terminated.\nerror: command '/usr/bin/gcc' failed with exit code 1\n";
        assert_eq!(reason_in(log), "./psycopg/psycopg.h:36:10: fatal error: libpq-fe.h: No such file or directory");
        assert_eq!(reason_in("running\nError: pg_config not found.\nhint: x\n"), "Error: pg_config not found.");
        assert_eq!(reason_in("a\nb\n\n"), "b");
        assert_eq!(reason_in(""), "it cannot be built here");
    }
}
