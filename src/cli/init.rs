//! `omnipack init`.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use dialoguer::{Input, MultiSelect};

use super::arguments::InitArgs;
use super::build::source_date;
use super::failure::Failure;
use super::{print, print_json, tell};
use crate::distribution::Catalogue;
use crate::project::{AcceptedValue, Config, accepts};
use crate::scaffold::{self, Error, Existing, Proposal, Surroundings, Tree};

/// What is written by default.
const FILE: &str = "omnipack.toml";

/// Where the text goes.
enum Destination {
    StandardOutput,
    File(PathBuf),
}

/// Looks, asks where that is wanted, writes, and says what was found.
pub fn run(arguments: &InitArgs) -> Result<(), Failure> {
    let directory = scaffold::directory(&arguments.path)?;
    let destination = match &arguments.output {
        Some(path) if path.as_os_str() == "-" => Destination::StandardOutput,
        Some(path) => Destination::File(path.clone()),
        None => Destination::File(directory.join(FILE)),
    };
    let existing = if arguments.force { Existing::Replaced } else { Existing::Kept };
    if let Destination::File(path) = &destination {
        scaffold::check_free(&directory, path, existing).map_err(crate::Error::from)?;
    }
    if arguments.interactive && !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return Err(crate::Error::from(Error::NoTerminal).into());
    }
    // Nothing can be built where a build stops at it.
    Config::check_pyproject(&directory).map_err(crate::Error::from)?;
    let catalogue = Catalogue::embedded().map_err(crate::Error::from)?;
    let tree = Tree::read(&directory)?;
    let today = today()?;
    let surroundings = Surroundings { catalogue: &catalogue, distributions: &arguments.distributions, today: &today };
    let mut proposal = scaffold::propose(&tree, &surroundings).map_err(crate::Error::from)?;
    if arguments.interactive {
        ask(&mut proposal, &tree, &catalogue, &today)?;
    }
    if proposal.targets.chosen.is_empty() {
        let requires = proposal.application.requires_python.as_ref();
        let requires =
            requires.map_or_else(String::new, |said| format!("Python {} ({})", said.value.escape_debug(), said.from));
        return Err(crate::Error::from(Error::NoTarget { requires }).into());
    }
    let text = scaffold::text(&proposal).map_err(|error| crate::Error::from(Error::from(error)))?;
    match &destination {
        Destination::StandardOutput if arguments.json => {}
        Destination::StandardOutput => return print(&text),
        Destination::File(path) => scaffold::write(&directory, path, &text, existing).map_err(crate::Error::from)?,
    }
    if arguments.json {
        return print_json(&proposal);
    }
    if !arguments.quiet {
        tell(summary(&proposal, &destination, &arguments.path).trim_end());
    }
    Ok(())
}

/// The day that releases have to be supported on.
fn today() -> Result<String, Failure> {
    let seconds = match source_date()? {
        Some(seconds) => u64::from(seconds),
        None => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
    };
    Ok(scaffold::day(seconds))
}

/// What was found, what was not taken over, and what to do next.
fn summary(proposal: &Proposal, destination: &Destination, project: &str) -> String {
    let mut text = String::new();
    let targets = proposal.targets.chosen.iter().map(|target| target.distribution.as_str()).collect::<Vec<_>>();
    if let Destination::File(path) = destination {
        let _ = writeln!(text, "{} is written: {} for {}", path.display(), proposal.name, targets.join(", "));
    }
    for service in &proposal.services {
        let state = if service.obstacle.is_some() { "left out" } else { "service" };
        let _ = writeln!(text, "  {state} {}: {} ({})", service.name, service.command, service.from);
        if !service.secrets.is_empty() {
            let names = service.secrets.join(", ");
            let _ = writeln!(
                text,
                "    left out as secrets: {names}\n    -> write them into its `environment-file` on each machine"
            );
        }
        if let Some(obstacle) = &service.obstacle {
            let _ = writeln!(text, "    {}\n    -> {}", obstacle.reason, obstacle.advice);
        }
    }
    if proposal.services.is_empty() {
        text.push_str("  no service was found: the package will have the application's commands\n");
    }
    for file in &proposal.files {
        let _ = writeln!(text, "  file {} ({})", file.destination, file.from);
    }
    if !proposal.notes.is_empty() {
        text.push_str("seen, and not taken over:\n");
    }
    for note in &proposal.notes {
        let _ = writeln!(text, "  {}: {}\n    -> {}", note.from, note.what, note.advice);
    }
    let project = if project == "." { String::new() } else { format!(" {}", crate::template::sh(project)) };
    let _ = writeln!(
        text,
        "next: `omnipack check{project}` looks for mistakes and gives hints, `omnipack{project}` builds"
    );
    text
}

/// Asks for what people most often want otherwise.
fn ask(proposal: &mut Proposal, tree: &Tree, catalogue: &Catalogue, today: &str) -> Result<(), Failure> {
    let name = asked(
        Input::<String>::new()
            .with_prompt("Name of the package")
            .default(proposal.name.clone())
            .validate_with(|name: &String| accepts(AcceptedValue::PackageName, name))
            .interact_text(),
    )?;
    if name != proposal.name {
        proposal.rename(&name);
    }
    let names = catalogue.iter().map(|distribution| distribution.name.clone()).collect::<Vec<_>>();
    let chosen = |name: &String| proposal.targets.chosen.iter().any(|target| target.distribution == *name);
    let defaults = names.iter().map(chosen).collect::<Vec<_>>();
    let picked = asked(
        MultiSelect::new()
            .with_prompt("Distributions (space chooses, enter goes on)")
            .items(&names)
            .defaults(&defaults)
            .max_length(12)
            .interact(),
    )?;
    let picked = picked.into_iter().filter_map(|index| names.get(index).cloned()).collect::<Vec<_>>();
    proposal.retarget(tree, catalogue, &picked, today).map_err(crate::Error::from)?;
    ask_about_services(proposal)
}

/// Which services there are to be, and who they run as.
fn ask_about_services(proposal: &mut Proposal) -> Result<(), Failure> {
    let running = proposal.services.iter().filter(|service| service.obstacle.is_none());
    let labels = running.map(|service| format!("{}: {}", service.name, service.command)).collect::<Vec<_>>();
    if labels.is_empty() {
        return Ok(());
    }
    let picked = asked(
        MultiSelect::new()
            .with_prompt("Services (space chooses, enter goes on)")
            .items(&labels)
            .defaults(&vec![true; labels.len()])
            .interact(),
    )?;
    let mut index = 0;
    proposal.services.retain(|service| {
        let keep = service.obstacle.is_some() || picked.contains(&index);
        index += usize::from(service.obstacle.is_none());
        keep
    });
    if !proposal.services.iter().any(|service| service.obstacle.is_none()) {
        return Ok(());
    }
    let account = asked(
        Input::<String>::new()
            .with_prompt("Account that they run as")
            .default(proposal.account.clone())
            .validate_with(|name: &String| if name == "root" { Ok(()) } else { accepts(AcceptedValue::Account, name) })
            .interact_text(),
    )?;
    proposal.set_account(&account);
    Ok(())
}

/// An answer, or why there is none.
fn asked<T>(answer: dialoguer::Result<T>) -> Result<T, Failure> {
    let dialoguer::Error::IO(error) = match answer {
        Ok(answer) => return Ok(answer),
        Err(error) => error,
    };
    Err(error.into())
}
