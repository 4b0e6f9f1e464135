//! Where one wheel is built, and with which Python: on this machine, or in a container of the target.

use std::path::Path;

use super::build::{Artefact, Built, Compiler, Subject, name_of, named, parse};
use super::fit;
use super::keys::Keys;
use super::python::LocalPython;
use super::target::Target;
use super::{Error, Resolver, Session};

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

    fn named(&self, error: Error) -> Error {
        named(error, self.subject)
    }

    fn no_container(&self, reason: String, error: Error) -> Error {
        Error::NoContainer {
            what: self.subject.title(),
            target: self.target.describe(),
            reason,
            error: Box::new(error),
        }
    }
}

impl Resolver<'_> {
    /// Builds where the workshop says, checks that the target takes the wheel, keeps it.
    pub(super) fn build_where_it_fits(&self, job: &Job) -> Result<Built, Error> {
        let workshop = &job.session.workshop;
        if workshop.is_required() {
            return self.build_inside(job, &self.bench(job.session)?.python);
        }
        // Without the target's Python, extensions that are optional would silently be left out.
        if job.native && self.target_python(job.target).is_none() && self.may_enter(workshop)? {
            return self.build_inside_or_here(job);
        }
        let here = self.build_here(job);
        let reason = match &here {
            Err(Error::NeedsCompiler { reason, .. }) => reason.clone(),
            Ok(built) => match fit::too_new(built, job.target) {
                Some(glibc) => format!("built here it needs glibc {glibc}"),
                None => return here,
            },
            Err(_) => return here,
        };
        if !self.may_enter(workshop)? {
            return here;
        }
        self.listener.warning(&workshop.explanation(job.subject, job.target, &reason));
        match self.bench(job.session) {
            Ok(bench) => self.build_inside(job, &bench.python),
            Err(error) => Err(job.no_container(reason, error)),
        }
    }

    /// In a container; when none can be had, here, as far as that goes without the target's Python.
    fn build_inside_or_here(&self, job: &Job) -> Result<Built, Error> {
        let reason = format!("its source has native code, and there is no python{} here", job.series());
        self.listener.warning(&job.session.workshop.explanation(job.subject, job.target, &reason));
        let error = match self.bench(job.session) {
            Ok(bench) => return self.build_inside(job, &bench.python),
            Err(error) => error,
        };
        match self.build_here(job) {
            Ok(built) => {
                self.listener.warning(&format!(
                    "{} is built here, without what would have to be compiled: {error}",
                    job.subject.title()
                ));
                Ok(built)
            }
            Err(Error::NeedsCompiler { reason, .. }) => Err(job.no_container(reason, error)),
            Err(other) => Err(other),
        }
    }

    /// With the target's Python, in a container of it.
    fn build_inside(&self, job: &Job, python: &LocalPython) -> Result<Built, Error> {
        let compiler = Compiler::Allowed(job.target.baseline);
        let attempt = self.build_once(job.source, python, compiler, job.native, Artefact::Wheel, job.session);
        let (_scratch, wheel) = attempt.map_err(|error| job.named(error))?;
        let file_name = name_of(&wheel);
        if job.target.tags.rank(&parse(&file_name)?).is_none() {
            return Err(needs_compiler(job, Some(python), Some(parse(&file_name)?.tag())));
        }
        self.keep_build(job.keys.inside.as_ref().unwrap_or(&job.keys.here).of(&file_name), &wheel, &file_name)
    }

    /// Chooses the interpreter of this machine, builds, checks that the target takes the wheel, keeps it.
    fn build_here(&self, job: &Job) -> Result<Built, Error> {
        let own = self.target_python(job.target);
        let host = self.host_python()?;
        // Native code needs the target's Python, and setup.py may ask for its version; everything else is built on
        // a newer one, on which today's build backends run.
        let mut order = vec![(host, Compiler::Forbidden)];
        if let Some(own) = &own {
            let first = usize::from(!(job.native || job.legacy));
            order.insert(first, (own.clone(), Compiler::Allowed(job.target.baseline)));
        }
        let uncompiled = job.native && own.is_none();
        let key = if uncompiled { &job.keys.uncompiled } else { &job.keys.here };
        let mut refused = None;
        let mut failure = None;
        for (python, compiler) in order {
            match self.build_once(job.source, &python, compiler, job.native, Artefact::Wheel, job.session) {
                Ok((_scratch, wheel)) => {
                    let file_name = name_of(&wheel);
                    let parsed = parse(&file_name)?;
                    if job.target.tags.rank(&parsed).is_some() {
                        return self.keep_build(key.of(&file_name), &wheel, &file_name);
                    }
                    refused = Some(parsed.tag());
                }
                Err(error) if failure.is_none() => failure = Some(error),
                Err(_) => {}
            }
        }
        if own.is_some() && refused.is_none() || !job.native && refused.is_none() {
            let nothing = || Error::Build { what: job.subject.name.to_owned(), details: String::new() };
            return Err(job.named(failure.unwrap_or_else(nothing)));
        }
        Err(needs_compiler(job, own.as_ref(), refused))
    }
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
        version: subject.version.to_owned(),
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
