//! Packages that bundle nothing: spec files, Debian source packages, and what they ask of repositories.

use super::{Error, Request, Session};
use crate::Error as AnyError;
use crate::distribution::{Distribution, PackageFormat};
use crate::package;
use crate::plan::{self, BuildPlan};
use crate::progress::Listener;
use crate::project::{Metadata, Source};
use crate::resolve::{self, SourceArchive};
use crate::spec::debian::DebianSource;
use crate::spec::satisfy::{Location, Machine, Report, Repositories};
use crate::spec::{self, SpecFiles};

/// For which of the distributions something is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Those whose packages are of the right format, whatever the others are.
    Fitting,
    /// All that are named, whose packages have to be of that format, for this option is given; without any, those of the
    /// configuration that are.
    Named(&'static str),
}

/// What is looked at in repositories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    All,
    /// The distributions with Debian packages.
    Debian,
}

/// What one of several targets came to: where one fails, the others go on.
#[derive(Debug)]
pub struct ForTarget<T> {
    /// Name of the distribution.
    pub distribution: String,
    pub result: Result<(BuildPlan, T), AnyError>,
}

/// Makes a spec file for every distribution with RPMs, with what has to lie beside it, and writes nothing yet.
///
/// # Errors
/// When the project or its configuration cannot be read, has no sources, or a wanted target has no spec files.
pub fn spec_files(
    request: &Request,
    wanted: Wanted,
    listener: &dyn Listener,
) -> Result<Vec<ForTarget<SpecFiles>>, AnyError> {
    let session = Session::open(request, listener)?;
    session.refuse_wheel()?;
    let distributions = session.with_spec_files(wanted)?;
    Ok(for_each(distributions, |distribution| session.spec_files(distribution)))
}

/// Makes Debian source packages, and writes nothing yet.
///
/// # Errors
/// When the project or its configuration cannot be read, has no sources, or a wanted target has no such packages.
pub fn debian_sources(
    request: &Request,
    wanted: Wanted,
    listener: &dyn Listener,
) -> Result<Vec<ForTarget<DebianSource>>, AnyError> {
    let session = Session::open(request, listener)?;
    session.refuse_wheel()?;
    let distributions = session.with_debian_sources(wanted)?;
    Ok(for_each(distributions, |distribution| session.debian_source(distribution)))
}

/// As [`spec_files`], but what `repositories` cannot satisfy is bundled.
///
/// # Errors
/// As [`spec_files`].
pub fn hybrid_spec_files(
    request: &Request,
    repositories: &[Location],
    listener: &dyn Listener,
) -> Result<Vec<ForTarget<SpecFiles>>, AnyError> {
    let session = Session::open(request, listener)?;
    session.refuse_wheel()?;
    let distributions = session.with_spec_files(Wanted::Named("--bundle-missing"))?;
    Ok(for_each(distributions, |distribution| session.hybrid_spec_files(distribution, repositories)))
}

/// Says for every distribution, or those with Debian packages, whether the repositories have what the packages of
/// [`spec_files`] and [`debian_sources`] require, and writes nothing.
///
/// # Errors
/// When the project or its configuration or a repository cannot be read, or a wanted target has no Debian packages.
pub fn spec_checks(
    request: &Request,
    checked: Checked,
    repositories: &[Location],
    listener: &dyn Listener,
) -> Result<Vec<ForTarget<Report>>, AnyError> {
    let session = Session::open(request, listener)?;
    let distributions = match checked {
        Checked::All => session.distributions.iter().collect(),
        Checked::Debian => session.with_debian_sources(Wanted::Named("--debian"))?,
    };
    let mut opened: Vec<(PackageFormat, String, Repositories)> = Vec::new();
    let mut reports = Vec::new();
    for distribution in distributions {
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
            reports.extend(for_each(vec![distribution], |distribution| session.check(distribution, read)));
        }
    }
    Ok(reports)
}

fn for_each<T>(
    distributions: Vec<&Distribution>,
    make: impl Fn(&Distribution) -> Result<(BuildPlan, T), AnyError>,
) -> Vec<ForTarget<T>> {
    let one =
        |distribution: &Distribution| ForTarget { distribution: distribution.name.clone(), result: make(distribution) };
    distributions.into_iter().map(one).collect()
}

impl Session<'_> {
    /// Before any work: nothing can be built from a wheel by anybody else.
    fn refuse_wheel(&self) -> Result<(), AnyError> {
        match &self.source {
            Source::Wheel(path) => Err(spec::Error::NoSources { wheel: path.display().to_string() }.into()),
            _ => Ok(()),
        }
    }

    fn with_spec_files(&self, wanted: Wanted) -> Result<Vec<&Distribution>, AnyError> {
        let no_spec =
            |option, other: &Distribution| spec::Error::Option { option, distribution: other.title.clone() }.into();
        self.of_format(PackageFormat::Rpm, wanted, no_spec)
    }

    fn with_debian_sources(&self, wanted: Wanted) -> Result<Vec<&Distribution>, AnyError> {
        let no_source =
            |_, other: &Distribution| spec::debian::Error::Format { distribution: other.title.clone() }.into();
        let distributions = self.of_format(PackageFormat::Deb, wanted, no_source)?;
        if wanted != Wanted::Fitting && distributions.is_empty() {
            return Err(spec::debian::Error::NoDistribution.into());
        }
        Ok(distributions)
    }

    /// The distributions whose packages are of `format`.
    fn of_format(
        &self,
        format: PackageFormat,
        wanted: Wanted,
        other: impl Fn(&'static str, &Distribution) -> AnyError,
    ) -> Result<Vec<&Distribution>, AnyError> {
        let (fitting, others): (Vec<_>, Vec<_>) = self.distributions.iter().partition(|known| known.format == format);
        match (wanted, others.first()) {
            (Wanted::Named(option), Some(wrong)) if fitting.is_empty() || !self.request.distributions.is_empty() => {
                Err(other(option, wrong))
            }
            _ => Ok(fitting),
        }
    }

    /// What one distribution's package asks of the repositories.
    fn check(&self, distribution: &Distribution, repositories: &Repositories) -> Result<(BuildPlan, Report), AnyError> {
        if matches!(self.source, Source::Wheel(_)) {
            return self.check_wheel(distribution, repositories);
        }
        self.with_spec_input(distribution, |input| Ok(spec::check(input, repositories)?))
    }

    /// As far as that can be said without sources.
    fn check_wheel(
        &self,
        distribution: &Distribution,
        repositories: &Repositories,
    ) -> Result<(BuildPlan, Report), AnyError> {
        self.refuse_plain(distribution)?;
        let metadata = Metadata::from_wheel(&self.application(distribution)?.path)?;
        let map = self.config.project(&self.source, metadata.clone(), distribution)?.package_map;
        let plan = self.plan(distribution, metadata)?;
        let environment = resolve::marker_environment(&plan.interpreter, &plan.platform)?;
        let requirements = resolve::required_by_files(&plan.python.requirements)?;
        let report = spec::check_wheel(&plan, &environment, &map, &requirements, repositories)?;
        Ok((plan, report))
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
        self.refuse_plain(distribution)?;
        self.listener.step(&format!("{}: building the application's wheel", distribution.name));
        let wheel = self.application(distribution)?;
        let metadata = Metadata::from_wheel(&wheel.path)?;
        let project = self.config.project(&self.source, metadata.clone(), distribution)?;
        let mut plan = self.plan(distribution, metadata)?;
        plan.notes.extend(package::changelog_note(&plan).map_err(Error::Io)?);
        if let Source::Requirement(text) = &self.source {
            let asked = resolve::extras_of(text).into_iter();
            let more = asked.filter(|extra| !plan.python.extras.contains(extra)).collect::<Vec<_>>();
            plan.python.extras.extend(more);
        }
        let made = make(&spec::Input {
            plan: &plan,
            application: &spec::Application::read(&wheel)?,
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
