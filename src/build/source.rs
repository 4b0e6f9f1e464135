//! Packages that bundle nothing: spec files, Debian source packages, and what they ask of repositories.

use super::{Request, Session};
use crate::Error as AnyError;
use crate::distribution::{Distribution, PackageFormat};
use crate::plan::{self, BuildPlan};
use crate::progress::Listener;
use crate::project::Metadata;
use crate::resolve::{self, SourceArchive};
use crate::spec::debian::DebianSource;
use crate::spec::satisfy::{Location, Machine, Report, Repositories};
use crate::spec::{self, SpecFiles};

/// For which of the distributions something is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Those whose packages are of the right format, whatever the others are.
    Fitting,
    /// All that are named, whose packages have to be of that format; without any, those of the configuration that are.
    Named,
}

/// Makes a spec file for every distribution with RPMs, with what has to lie beside it, and writes nothing yet.
///
/// # Errors
/// When the application's wheel cannot be built, or a wanted target has no spec files.
pub fn spec_files(
    request: &Request,
    wanted: Wanted,
    listener: &dyn Listener,
) -> Result<Vec<(BuildPlan, SpecFiles)>, AnyError> {
    let session = Session::open(request, listener)?;
    let no_spec = |other: &Distribution| spec::Error::Format { distribution: other.title.clone() }.into();
    let distributions = session.of_format(PackageFormat::Rpm, wanted, no_spec)?;
    distributions.into_iter().map(|distribution| session.spec_files(distribution)).collect()
}

/// Makes Debian source packages, and writes nothing yet.
///
/// # Errors
/// When the application's wheel cannot be built, or a wanted target has no such packages.
pub fn debian_sources(
    request: &Request,
    wanted: Wanted,
    listener: &dyn Listener,
) -> Result<Vec<(BuildPlan, DebianSource)>, AnyError> {
    let session = Session::open(request, listener)?;
    let no_source = |other: &Distribution| spec::debian::Error::Format { distribution: other.title.clone() }.into();
    let distributions = session.of_format(PackageFormat::Deb, wanted, no_source)?;
    if wanted == Wanted::Named && distributions.is_empty() {
        return Err(spec::debian::Error::NoDistribution.into());
    }
    distributions.into_iter().map(|distribution| session.debian_source(distribution)).collect()
}

/// As [`spec_files`], but what `repositories` cannot satisfy is bundled.
///
/// # Errors
/// As [`spec_files`], and when a repository cannot be read or the requirements cannot be resolved.
pub fn hybrid_spec_files(
    request: &Request,
    repositories: &[Location],
    listener: &dyn Listener,
) -> Result<Vec<(BuildPlan, SpecFiles)>, AnyError> {
    let session = Session::open(request, listener)?;
    let files = |distribution| session.hybrid_spec_files(distribution, repositories);
    session.distributions.iter().map(files).collect()
}

/// Says for every distribution whether the repositories have what its spec file requires, and writes nothing.
///
/// # Errors
/// As [`spec_files`], and when a repository cannot be read.
pub fn spec_checks(
    request: &Request,
    repositories: &[Location],
    listener: &dyn Listener,
) -> Result<Vec<(BuildPlan, Report)>, AnyError> {
    let session = Session::open(request, listener)?;
    let mut opened: Vec<(PackageFormat, String, Repositories)> = Vec::new();
    let mut reports = Vec::new();
    for distribution in &session.distributions {
        let (format, architecture) =
            (distribution.format, plan::platform(distribution, &request.machine)?.architecture);
        let at = match opened.iter().position(|known| known.0 == format && known.1 == architecture) {
            Some(at) => at,
            None => {
                listener.step(&format!("{}: reading the repositories", distribution.name));
                let machine = Machine { format, architecture: &architecture };
                let read = Repositories::open(repositories, machine, &session.resolver).map_err(spec::Error::from)?;
                opened.push((format, architecture, read));
                opened.len() - 1
            }
        };
        if let Some((_, _, read)) = opened.get(at) {
            reports.push(session.with_spec_input(distribution, |input| Ok(spec::check(input, read)?))?);
        }
    }
    Ok(reports)
}

impl Session<'_> {
    /// The distributions whose packages are of `format`.
    fn of_format(
        &self,
        format: PackageFormat,
        wanted: Wanted,
        other: impl Fn(&Distribution) -> AnyError,
    ) -> Result<Vec<&Distribution>, AnyError> {
        let (fitting, others): (Vec<_>, Vec<_>) = self.distributions.iter().partition(|known| known.format == format);
        match others.first() {
            Some(wrong)
                if wanted == Wanted::Named && (fitting.is_empty() || !self.request.distributions.is_empty()) =>
            {
                Err(other(wrong))
            }
            _ => Ok(fitting),
        }
    }

    /// A spec file for one distribution.
    fn spec_files(&self, distribution: &Distribution) -> Result<(BuildPlan, SpecFiles), AnyError> {
        self.config.check_for_spec(distribution, &spec::rules())?;
        let (plan, files) = self.with_spec_input(distribution, |input| Ok(spec::generate(input)?))?;
        for note in &files.notes {
            self.listener.warning(note);
        }
        Ok((plan, files))
    }

    /// A Debian source package for one distribution.
    fn debian_source(&self, distribution: &Distribution) -> Result<(BuildPlan, DebianSource), AnyError> {
        let (plan, source) = self.with_spec_input(distribution, |input| Ok(spec::debian::generate(input)?))?;
        for note in &source.notes {
            self.listener.warning(note);
        }
        Ok((plan, source))
    }

    /// Collects what a package that bundles nothing is made from.
    pub(super) fn with_spec_input<T>(
        &self,
        distribution: &Distribution,
        make: impl FnOnce(&spec::Input<'_>) -> Result<T, AnyError>,
    ) -> Result<(BuildPlan, T), AnyError> {
        self.listener.step(&format!("{}: building the application's wheel", distribution.name));
        let wheel = self.application(distribution)?;
        let metadata = Metadata::from_wheel(&wheel.path)?;
        let project = self.config.project(&self.source, metadata.clone(), distribution)?;
        let plan = self.plan(distribution, metadata)?;
        let made = make(&spec::Input {
            plan: &plan,
            application: &spec::Application::read(&wheel.path)?,
            archive: &self.source_archive(&plan)?,
            environment: &resolve::marker_environment(&plan.interpreter, &plan.platform)?,
            package_map: &project.package_map,
            requirements: &resolve::required_by_files(&plan.python.requirements)?,
            maintainer: &spec::Maintainer::of(&plan, |name| std::env::var(name).ok()),
            hybrid: None,
        })?;
        Ok((plan, made))
    }

    /// The application's sources in one archive.
    fn source_archive(&self, plan: &BuildPlan) -> Result<SourceArchive, AnyError> {
        let BuildPlan { python, interpreter, platform, metadata, .. } = plan;
        Ok(self.resolver.source_archive(&self.source, python, interpreter, platform, metadata)?)
    }
}
