//! Help that is longer than `--help`: the configuration, manual pages, and what shells complete by. All of it is made from
//! the command line as clap knows it, so that it cannot say anything else.

use std::io::Write;
use std::path::Path;

use clap::CommandFactory;
use clap::error::ErrorKind;
use clap_mangen::roff::{Roff, roman};

use super::arguments::{Cli, CompletionsArgs, HelpArgs, ManArgs};
use super::failure::Failure;
use super::print;
use crate::format::publish::publish;

/// The commented reference of the configuration is a topic, not a subcommand.
const CONFIGURATION: &str = "config";

/// Prints the help of a subcommand, of omnipack as a whole, or the reference of the configuration.
pub fn run(arguments: &HelpArgs) -> Result<(), Failure> {
    let topic = arguments.topic.as_deref();
    if topic == Some(CONFIGURATION) {
        return print(crate::project::reference());
    }
    let mut command = built();
    if topic.is_none_or(|topic| command.find_subcommand(topic).is_some()) {
        let line = ["omnipack"].into_iter().chain(topic).chain(["--help"]);
        return Cli::command().try_get_matches_from(line).map_or_else(|help| help.exit(), |_| Ok(()));
    }
    let topic = topic.unwrap_or_default();
    let names = command.get_subcommands().map(clap::Command::get_name).chain([CONFIGURATION]);
    let near = names.map(|name| (strsim::damerau_levenshtein(name, topic), name)).min();
    let hint = near
        .filter(|(distance, _)| *distance <= 2)
        .map_or_else(String::new, |(_, name)| format!("; did you mean `{name}`?"));
    let message = format!("there is no help on `{topic}`{hint}\n\n  tip: `omnipack help` lists the subcommands");
    command.error(ErrorKind::InvalidSubcommand, message).exit()
}

/// Prints the completions of a shell.
pub fn completions(arguments: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "omnipack", &mut script);
    print(&String::from_utf8_lossy(&script))
}

/// Prints omnipack's manual page, or writes all pages into a directory.
pub fn man(arguments: &ManArgs) -> Result<(), Failure> {
    match &arguments.directory {
        None => {
            let (_, text) = page(built())?;
            print(&String::from_utf8_lossy(&text))
        }
        Some(directory) => write_pages(directory),
    }
}

/// `omnipack.1`, `omnipack-build.1` for each subcommand, and `omnipack-builder-build.1` for those that it has itself.
fn write_pages(directory: &Path) -> Result<(), Failure> {
    fs_err::create_dir_all(directory)?;
    let command = built();
    let below =
        command.get_subcommands().flat_map(clap::Command::get_subcommands).filter(|one| one.get_name() != "help");
    for command in command.get_subcommands().chain(below).chain([&command]).cloned() {
        let (name, text) = page(command)?;
        publish(&directory.join(name), |file| file.write_all(&text))?;
    }
    Ok(())
}

/// The manual page of `command`, with its file name. It has no date: the same program gives the same page.
///
/// What stands after the options in `--help` is in sections of its own (man-pages(7)): the examples line by line.
fn page(command: clap::Command) -> Result<(String, Vec<u8>), Failure> {
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let subcommands = command.has_subcommands();
    let source = concat!("omnipack ", env!("CARGO_PKG_VERSION"));
    let manual = clap_mangen::Man::new(command.after_help("")).date("").source(source).manual("omnipack");
    let mut text = Vec::new();
    manual.render_title(&mut text)?;
    manual.render_name_section(&mut text)?;
    manual.render_synopsis_section(&mut text)?;
    manual.render_description_section(&mut text)?;
    manual.render_options_section(&mut text)?;
    if subcommands {
        manual.render_subcommands_section(&mut text)?;
    }
    let mut roff = Roff::new();
    for block in after.split("\n\n") {
        section(&mut roff, block);
    }
    roff.to_writer(&mut text)?;
    Ok((manual.get_filename(), text))
}

fn section(roff: &mut Roff, block: &str) {
    let (first, rest) = block.split_once('\n').unwrap_or((block, ""));
    if let Some(status) = block.strip_prefix("Exit codes: ") {
        roff.control("SH", ["EXIT STATUS"]).text([roman(status)]);
    } else if first.ends_with(':') && rest.starts_with(' ') {
        roff.control("SH", [first.trim_end_matches(':').to_uppercase().as_str()]).control("nf", []);
        for line in rest.lines() {
            roff.text([roman(line.trim_start())]);
        }
        roff.control("fi", []);
    } else if !block.trim().is_empty() {
        roff.control("SH", ["NOTES"]).text([roman(block)]);
    }
}

/// With all that clap derives while it parses: global options, usage lines of subcommands.
fn built() -> clap::Command {
    let mut command = Cli::command();
    command.build();
    command
}
