//! `omnipack builder`.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::builder_arguments::{
    BuildImageArgs, BuilderArgs, BuilderCommand, DockerfileArgs, EngineArgs, ListArgs, ProjectArgs, PruneArgs,
};
use super::failure::Failure;
use super::text::{human_size, shown};
use super::{print, print_json, reporter};
use crate::Error;
use crate::builder::{self, Base, Choice, Engine, Layers, Listed, Network, Preparation, State, Wanted};
use crate::format::publish::publish;
use crate::progress::Listener;
use crate::resolve;

/// Prints Containerfiles; makes, lists or removes images.
pub fn run(arguments: &BuilderArgs) -> Result<(), Failure> {
    match &arguments.command {
        BuilderCommand::Dockerfile(arguments) => dockerfile(arguments),
        BuilderCommand::Build(arguments) => build(arguments),
        BuilderCommand::List(arguments) => list(arguments),
        BuilderCommand::Prune(arguments) => prune(arguments),
    }
}

fn dockerfile(arguments: &DockerfileArgs) -> Result<(), Failure> {
    let wanted = wanted(&arguments.project)?;
    let texts = wanted.iter().map(|one| one.recipe.containerfile()).collect::<Result<Vec<_>, _>>();
    let texts = texts.map_err(Error::from)?;
    let Some(path) = &arguments.output else { return print(&texts.join("\n")) };
    for (one, text) in wanted.iter().zip(&texts) {
        let path = if texts.len() == 1 { path.clone() } else { with_name(path, one.recipe.distribution()) };
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            fs_err::create_dir_all(directory)?;
        }
        publish(&path, |file| file.write_all(text.as_bytes()))?;
    }
    Ok(())
}

/// `Containerfile.rocky-9`
fn with_name(path: &Path, distribution: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(distribution.replace('/', "-"));
    name.into()
}

/// An image that is there now, in JSON.
#[derive(Serialize)]
struct Made<'a> {
    distribution: &'a str,
    python: &'a str,
    machine: &'a str,
    base: &'a str,
    engine: &'a str,
    tag: String,
}

fn build(arguments: &BuildImageArgs) -> Result<(), Failure> {
    let wanted = wanted(&arguments.project)?;
    let cache = match &arguments.cache_dir {
        Some(directory) => std::path::absolute(directory)?,
        None => resolve::default_cache().map_err(Error::from)?,
    };
    let reporter = reporter(&arguments.output);
    let preparation = Preparation {
        cache: &cache,
        network: Network::Online,
        base: if arguments.pull { Base::Pulled } else { Base::Here },
        layers: if arguments.no_cache { Layers::Anew } else { Layers::Cached },
        listener: &reporter,
    };
    let mut made = Vec::new();
    let mut failures = Vec::new();
    for one in &wanted {
        let image = engine(&arguments.engine, one.engine).and_then(|engine| engine.image(&one.recipe, &preparation));
        match image {
            Ok(image) => made.push(Made {
                distribution: one.recipe.distribution(),
                python: one.recipe.series(),
                machine: one.recipe.machine(),
                base: one.recipe.base(),
                engine: image.engine().program(),
                tag: image.tag().to_owned(),
            }),
            Err(error) => failures.push((one.recipe.distribution().to_owned(), error.into())),
        }
    }
    reporter.finish();
    if arguments.output.json {
        print_json(&made)?;
    } else if !arguments.output.quiet {
        print(&made.iter().map(|image| format!("{}\n", image.tag)).collect::<String>())?;
    }
    Failure::of_targets(failures, wanted.len(), !made.is_empty())
}

fn list(arguments: &ListArgs) -> Result<(), Failure> {
    let engine = engine(&arguments.engine, Choice::Auto).map_err(Error::from)?;
    let images = engine.list().map_err(Error::from)?;
    if arguments.output.json { print_json(&images) } else { print(&table(&images)) }
}

fn prune(arguments: &PruneArgs) -> Result<(), Failure> {
    let engine = engine(&arguments.engine, Choice::Auto).map_err(Error::from)?;
    let mut images = engine.list().map_err(Error::from)?;
    images.retain(|image| arguments.all || image.state == State::Outdated);
    let pruned = builder::prune(&engine, images).map_err(Error::from)?;
    let reporter = reporter(&arguments.output);
    for kept in &pruned.kept {
        reporter.warning(&format!("{} stays: {}", shown(&kept.image.tag), shown(&kept.reason)));
    }
    reporter.finish();
    if arguments.output.json {
        return print_json(&pruned);
    }
    let lines = pruned.removed.iter().map(|image| format!("{}\n", shown(&image.tag))).collect::<String>();
    if arguments.output.quiet { Ok(()) } else { print(&lines) }
}

fn wanted(project: &ProjectArgs) -> Result<Vec<Wanted>, Error> {
    builder::recipes(&builder::Request {
        source: project.source.clone(),
        config: project.config.clone(),
        distributions: project.distributions.clone(),
        machine: project.machine.clone(),
    })
}

/// The engine that the command line names, or else the configuration. Whoever asks for an image wants one, also where builds
/// are told to do without.
fn engine(arguments: &EngineArgs, configured: Choice) -> Result<Engine, builder::Error> {
    let configured = if configured == Choice::None { Choice::Auto } else { configured };
    Engine::required(arguments.engine.map_or(configured, Choice::from))
}

const HEADINGS: [&str; 6] = ["DISTRIBUTION", "PYTHON", "MACHINE", "SIZE", "MADE", "STATE"];

fn table(images: &[Listed]) -> String {
    if images.is_empty() {
        return "there is no builder image\n".to_owned();
    }
    let state = |state| match state {
        State::Current => "current",
        State::Outdated => "outdated",
    };
    let row = |image: &Listed| {
        let made = image.created.get(..16).unwrap_or(&image.created).replace('T', " ");
        let cells = [&image.distribution, &image.python, &image.machine, &human_size(image.size), &made];
        let mut cells = cells.map(|cell| shown(cell)).to_vec();
        cells.extend([state(image.state).to_owned(), shown(&image.tag)]);
        cells
    };
    let mut rows = vec![HEADINGS.map(str::to_owned).into_iter().chain(["IMAGE".to_owned()]).collect::<Vec<_>>()];
    rows.extend(images.iter().map(row));
    let columns = HEADINGS.len() + 1;
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths = (0..columns).map(width).collect::<Vec<_>>();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}
