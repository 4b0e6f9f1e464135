//! The recipes of a project: one for each distribution that it is built for.

use std::path::{Path, PathBuf};

use super::{Error, Ingredients, Recipe};
use crate::Error as AnyError;
use crate::distribution::Catalogue;
use crate::plan;
use crate::project::{BuilderEngine, Config, Source};

/// Which project, and for whom.
#[derive(Debug, Clone)]
pub struct Request {
    /// As the command line named it.
    pub source: String,
    pub config: Option<PathBuf>,
    /// Names; empty: those of the configuration.
    pub distributions: Vec<String>,
    /// As `uname -m` says it.
    pub machine: String,
}

/// A recipe, and the engine that the configuration of its distribution asks for.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub recipe: Recipe,
    pub engine: BuilderEngine,
}

/// The recipes, in the order in which the distributions are named.
///
/// # Errors
/// When the configuration is wrong, names no distribution, or a distribution cannot have a builder.
pub fn recipes(request: &Request) -> Result<Vec<Wanted>, AnyError> {
    // Nothing is installed, so a directory with a configuration, or without, will do.
    let source = match Path::new(&request.source) {
        directory if directory.is_dir() => Source::Modules(std::path::absolute(directory).map_err(Error::from)?),
        _ => Source::parse(&request.source)?,
    };
    let config = Config::load(&source, request.config.as_deref())?;
    let catalogue = Catalogue::embedded()?.with_overrides(&config.distribution_tables())?;
    config.check_distributions(catalogue.iter())?;
    let distributions = config.distributions(&request.distributions, &catalogue)?;
    if distributions.is_empty() {
        return Err(Error::NoDistribution.into());
    }
    let mut all = Vec::with_capacity(distributions.len());
    for distribution in distributions {
        let platform = plan::platform(distribution, &request.machine)?;
        let python = config.python_settings(distribution)?;
        // Where the application will lie decides nothing here.
        let interpreter = plan::interpreter(&python, distribution, "/opt")?;
        let settings = config.builder_settings(distribution)?;
        let of =
            Ingredients { distribution, machine: &platform.machine, interpreter: &interpreter, settings: &settings };
        all.push(Wanted { recipe: Recipe::new(of)?, engine: settings.engine });
    }
    Ok(all)
}
