//! A project for one target, read as far as it can be without building it.

use std::path::Path;

use super::hint::Hint;
use super::{Build, Day, Request};
use crate::Error as AnyError;
use crate::distribution::Distribution;
use crate::plan::{self, BuildPlan};
use crate::project::{Config, Metadata, Project, Source, parse_requirement};
use crate::resolve::Resolver;

/// What rules look at.
pub struct Subject<'a> {
    pub config: &'a Config,
    pub distribution: &'a Distribution,
    pub project: Project,
    /// `None` where nothing can be planned, for one of the `errors`.
    pub plan: Option<BuildPlan>,
    pub errors: Vec<AnyError>,
    pub unknown: Unknown,
    pub today: Day,
}

/// What is not known of the application's metadata before it is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    Nothing,
    /// These fields of `[project]` (PEP 621, `dynamic`).
    Fields(Vec<String>),
    All,
}

impl<'a> Subject<'a> {
    /// Reads the project and plans it.
    ///
    /// # Errors
    /// When the configuration is wrong for this target, or the application had to be built and could not be.
    pub fn read(
        request: &Request,
        source: &Source,
        config: &'a Config,
        distribution: &'a Distribution,
        resolver: &Resolver<'_>,
    ) -> Result<Self, AnyError> {
        let written = match config.metadata_without_python(distribution)? {
            Some(metadata) => Some((metadata, Unknown::Nothing)),
            None => written(source)?,
        };
        let (metadata, unknown) = match written {
            Some((metadata, Unknown::Nothing)) => (metadata, Unknown::Nothing),
            Some(partly) if request.build == Build::No => partly,
            None if request.build == Build::No && !is_at_hand(source) => (unknown(source), Unknown::All),
            _ => (built(request, source, config, distribution, resolver)?, Unknown::Nothing),
        };
        let project = config.project(source, metadata, distribution)?;
        let options = plan::Options { machine: request.machine.clone(), source_date: None };
        let (plan, errors) = planned(&project, distribution, &options);
        Ok(Self { config, distribution, project, plan, errors, unknown, today: request.today })
    }

    /// Is this field of the metadata as it will be?
    pub fn knows(&self, field: &str) -> bool {
        match &self.unknown {
            Unknown::Nothing => true,
            Unknown::Fields(fields) => !fields.iter().any(|unknown| unknown == field),
            Unknown::All => false,
        }
    }

    /// Is anything installed besides the application, as far as that is known?
    pub fn requires_something(&self) -> bool {
        let Project { metadata, python, .. } = &self.project;
        let files = !python.requirements.is_empty() || python.lock.is_some();
        files || !metadata.requires_dist.is_empty() || !self.knows("dependencies")
    }

    /// What was not looked at.
    pub fn not_built(&self) -> Option<Hint> {
        let what = match &self.unknown {
            Unknown::Nothing => return None,
            Unknown::Fields(fields) => {
                let fields = fields.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>();
                format!("{} of the metadata {} made", fields.join(", "), if fields.len() == 1 { "is" } else { "are" })
            }
            Unknown::All => "the metadata (version, commands, what is required) is made".to_owned(),
        };
        Some(Hint::NotBuilt { what })
    }
}

/// The plan. Where the application does not run on the target's Python, the rest is planned all the same: there may be more to
/// say.
fn planned(
    project: &Project,
    distribution: &Distribution,
    options: &plan::Options,
) -> (Option<BuildPlan>, Vec<AnyError>) {
    let mut errors = Vec::new();
    match plan::plan(project, distribution, options) {
        Ok(plan) => return (Some(plan), errors),
        Err(error) => {
            let more = matches!(error, plan::Error::RequiresPython { .. });
            errors.push(error.into());
            if !more {
                return (None, errors);
            }
        }
    }
    let mut anywhere = project.clone();
    anywhere.metadata.requires_python.clear();
    let plan = plan::plan(&anywhere, distribution, options);
    let plan = plan.map_err(|error| errors.push(error.into())).ok();
    (plan, errors)
}

/// The metadata that is written down, as far as it is.
fn written(source: &Source) -> Result<Option<(Metadata, Unknown)>, AnyError> {
    Ok(match source {
        Source::Directory(path) => Metadata::as_written(&path.join("pyproject.toml")).map(|(metadata, dynamic)| {
            // Nothing that packages have depends on the others.
            const MATTER: [&str; 9] = [
                "version",
                "scripts",
                "entry-points",
                "dependencies",
                "optional-dependencies",
                "requires-python",
                "license",
                "authors",
                "maintainers",
            ];
            let dynamic = dynamic.into_iter().filter(|field| MATTER.contains(&field.as_str())).collect::<Vec<_>>();
            (metadata, if dynamic.is_empty() { Unknown::Nothing } else { Unknown::Fields(dynamic) })
        }),
        Source::Wheel(path) => Some((Metadata::from_wheel(path)?, Unknown::Nothing)),
        Source::Modules(_) | Source::Sdist(_) | Source::Requirement(_) => None,
    })
}

/// Does the wheel come without a build backend and without a network? omnipack makes that of modules itself.
fn is_at_hand(source: &Source) -> bool {
    matches!(source, Source::Modules(_))
}

fn built(
    request: &Request,
    source: &Source,
    config: &Config,
    distribution: &Distribution,
    resolver: &Resolver<'_>,
) -> Result<Metadata, AnyError> {
    let settings = config.python_settings(distribution)?;
    let interpreter = plan::interpreter(&settings, distribution, "/")?;
    let platform = plan::platform(distribution, &request.machine)?;
    let wheel = resolver.application(source, &settings, &interpreter, &platform)?;
    Ok(Metadata::from_wheel(&wheel.path)?)
}

/// Metadata of which only a likely name is known.
fn unknown(source: &Source) -> Metadata {
    let file = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = match source {
        Source::Directory(path) | Source::Modules(path) => file(path),
        Source::Sdist(path) | Source::Wheel(path) => file(path).split('-').next().unwrap_or_default().to_owned(),
        Source::Requirement(text) => match parse_requirement::<pep508_rs::VerbatimUrl>(text) {
            Ok(requirement) => requirement.name.to_string(),
            Err(_) => String::new(),
        },
    };
    Metadata::unknown(&name)
}
