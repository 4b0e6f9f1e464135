//! Arguments, progress, and how an error is shown. One file per subcommand, no logic.

mod annotations;
mod arguments;
mod build;
mod builder;
mod builder_arguments;
mod check;
mod ci;
mod debian_source;
mod diff;
pub mod diff_text;
pub mod distributions;
pub mod explain;
mod failure;
mod generate_spec;
pub mod help;
mod init;
pub mod inspect;
mod inspect_markdown;
mod matrix;
mod progress;
mod repository_check;
pub mod schema;
pub mod smoke;
mod spec_output;
mod stage;
mod summary;
mod text;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use arguments::{Cli, Color, Command, MessageArgs, MessageFormat, OutputArgs};
use failure::Failure;
use progress::Reporter;

/// Runs the command line. What scripts read goes to standard output, what people follow to standard error.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if let (None, Some(meant)) = (&cli.command, mistyped(&cli.build.target.source)) {
        let typed = &cli.build.target.source;
        let message = if meant == *typed {
            format!(
                "`{typed}` is a subcommand: write it first and the options after it, as in `omnipack {typed} --help`"
            )
        } else {
            format!(
                "there is no subcommand and no file `{typed}`; did you mean `{meant}`?\n\n  tip: for the requirement, write \
             `omnipack build {typed}`"
            )
        };
        Cli::command().error(clap::error::ErrorKind::InvalidSubcommand, message).exit();
    }
    if let Err(error) = crate::scratch::clean_up_on_signals() {
        return Failure::from(error).show(PLAIN);
    }
    let messages = messages_of(&cli);
    let result = match cli.command {
        None => build::run(&cli.build),
        Some(Command::Build(arguments)) => build::run(&arguments),
        Some(Command::Stage(arguments)) => stage::run(&arguments),
        Some(Command::GenerateSpec(arguments)) => generate_spec::run(&arguments),
        Some(Command::Init(arguments)) => init::run(&arguments),
        Some(Command::Inspect(arguments)) => inspect::run(&arguments),
        Some(Command::Diff(arguments)) => diff::run(&arguments),
        Some(Command::Builder(arguments)) => builder::run(&arguments),
        Some(Command::Distributions(arguments)) => distributions::run(&arguments),
        Some(Command::Smoke(arguments)) => smoke::run(&arguments),
        Some(Command::Matrix(arguments)) => matrix::run(arguments),
        Some(Command::Ci(arguments)) => ci::run(arguments),
        Some(Command::Check(arguments)) => check::run(arguments),
        Some(Command::Explain(arguments)) => explain::run(&arguments),
        Some(Command::Schema) => print(&schema::render()),
        Some(Command::Completions(arguments)) => help::completions(&arguments),
        Some(Command::Man(arguments)) => help::man(&arguments),
        Some(Command::Help(arguments)) => help::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.show(messages),
    }
}

/// The subcommand that was probably meant, when the word in the place of the application is nearly one. A word that
/// is a file, or is like none, is the application.
fn mistyped(source: &str) -> Option<String> {
    if std::path::Path::new(source).exists() {
        return None;
    }
    let command = Cli::command();
    let names = command.get_subcommands().map(clap::Command::get_name);
    // Of a short name, two other letters make another word: `six` is a requirement, and not `ci`.
    let near = |name: &&str| strsim::damerau_levenshtein(name, source) <= (name.len() / 3).min(2);
    names.filter(near).map(str::to_owned).next()
}

/// Where no option says otherwise.
const PLAIN: MessageArgs = MessageArgs { color: Color::Auto, message_format: MessageFormat::Human };

fn messages_of(cli: &Cli) -> MessageArgs {
    match &cli.command {
        None => cli.build.output.messages,
        Some(Command::Build(arguments)) => arguments.output.messages,
        Some(Command::Stage(arguments)) => arguments.output.messages,
        Some(Command::GenerateSpec(arguments)) => arguments.output.messages,
        Some(Command::Init(arguments)) => arguments.messages,
        Some(Command::Inspect(arguments)) => arguments.output.messages,
        Some(Command::Diff(arguments)) => arguments.output.messages,
        Some(Command::Builder(arguments)) => arguments.command.messages(),
        Some(Command::Distributions(arguments)) => arguments.output.messages,
        Some(Command::Smoke(arguments)) => arguments.output.messages,
        Some(Command::Check(arguments)) => arguments.output.messages,
        Some(Command::Explain(arguments)) => arguments.output.messages,
        Some(Command::Matrix(arguments)) => arguments.messages,
        Some(Command::Ci(arguments)) => arguments.messages,
        Some(Command::Schema | Command::Completions(_) | Command::Man(_) | Command::Help(_)) => PLAIN,
    }
}

/// Are colours wanted on a stream that is a terminal or not? (<https://no-color.org>)
fn colored(color: Color, terminal: bool) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

fn reporter(output: &OutputArgs) -> Reporter {
    match output.messages.message_format {
        MessageFormat::Human if output.quiet => Reporter::quiet(),
        MessageFormat::Human => Reporter::standard_error(),
        MessageFormat::Github => Reporter::annotations(),
    }
}

/// Prints to standard output. A reader that closed the pipe (`omnipack distributions | head -1`) has had enough, and
/// that is no failure.
fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(std::io::Error::new(error.kind(), format!("cannot print to standard output: {error}")).into())
        }
        _ => Ok(()),
    }
}

fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(std::io::Error::other)?;
    print(&(text + "\n"))
}

/// Says something to people. Standard error may be closed.
fn tell(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", crate::template::seen(text));
}

/// Is standard output a terminal?
fn stdout_is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Is standard error a terminal?
fn stderr_is_terminal() -> bool {
    std::io::stderr().is_terminal()
}
