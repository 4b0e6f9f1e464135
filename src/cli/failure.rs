//! How an error is shown: what, where, and what to do; and the exit code it stands for.

use std::io::Write;
use std::process::ExitCode;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use serde::Serialize;

use crate::cli::annotations;
use crate::cli::arguments::{Color, MessageArgs, MessageFormat};

/// A command that did not end well.
#[derive(Debug)]
pub enum Failure {
    Run(Box<crate::Error>),
    /// Reading or printing failed outside a build.
    Io(std::io::Error),
    /// A step of `omnipack smoke` failed; the report says which.
    Steps,
    /// `omnipack diff --exit-code` found a difference, and has printed it.
    Differ,
    /// `omnipack generate-spec --check` found that something is lacking, and has printed it.
    Unsatisfied,
    /// `omnipack check` found something, and has printed it.
    Findings {
        code: u8,
    },
    /// Some of several targets failed; the code is 2 when only the command line or the configuration is wrong.
    Targets {
        failures: Vec<(String, crate::Error)>,
        code: u8,
    },
    /// Whatever went wrong where exit code 1 has another meaning.
    Trouble(Box<Failure>),
}

impl From<crate::Error> for Failure {
    fn from(error: crate::Error) -> Self {
        Self::Run(Box::new(error))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// Why a target has nothing, for scripts.
#[derive(Debug, Serialize)]
pub struct Fault {
    /// `resolve::no_sources`
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

impl Fault {
    #[must_use]
    pub fn of(error: &dyn Diagnostic) -> Self {
        let text = |text: Box<dyn std::fmt::Display + '_>| text.to_string();
        Self { code: error.code().map(text), message: error.to_string(), help: error.help().map(text) }
    }
}

impl Failure {
    /// What `failures` of so many `targets` come to, if there are any; `made`: did others get something?
    pub fn of_targets(mut failures: Vec<(String, crate::Error)>, targets: usize, made: bool) -> Result<(), Self> {
        if failures.is_empty() {
            return Ok(());
        }
        match failures.pop() {
            Some((_, error)) if targets == 1 => Err(error.into()),
            last => {
                failures.extend(last);
                let usage = !made && failures.iter().all(|(_, error)| error.exit_code() == 2);
                Err(Self::Targets { failures, code: if usage { 2 } else { 1 } })
            }
        }
    }

    /// Prints to standard error and gives the exit code.
    pub fn show(&self, messages: MessageArgs) -> ExitCode {
        let (text, code) = match self {
            Self::Run(error) => (shown(error.as_ref(), messages), error.exit_code()),
            Self::Steps | Self::Differ | Self::Unsatisfied => (String::new(), 1),
            Self::Findings { code } => (String::new(), *code),
            Self::Targets { failures, code } => {
                let one = |(name, error): &(String, crate::Error)| format!("{name}:\n{}", shown(error, messages));
                (failures.iter().map(one).collect(), *code)
            }
            Self::Trouble(failure) => {
                failure.show(messages);
                return ExitCode::from(2);
            }
            Self::Io(error) => (format!("error: {error}\n"), 1),
        };
        // Nobody is left to tell when standard error is closed.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
        ExitCode::from(code)
    }
}

/// An error for people, and besides as an annotation where a runner reads along.
fn shown(error: &dyn Diagnostic, messages: MessageArgs) -> String {
    let besides = match messages.message_format {
        MessageFormat::Human => String::new(),
        MessageFormat::Github => annotations::of_error(error),
    };
    render(error, messages.color) + &besides
}

fn render(error: &dyn Diagnostic, color: Color) -> String {
    render_for(error, color, super::stderr_is_terminal())
}

/// An error or a hint for people, on a stream that is a terminal or not.
pub fn render_for(error: &dyn Diagnostic, color: Color, terminal: bool) -> String {
    let theme = match (super::colored(color, terminal), terminal) {
        (true, _) => GraphicalTheme::unicode(),
        (false, true) => GraphicalTheme::unicode_nocolor(),
        (false, false) => GraphicalTheme::none(),
    };
    let mut text = String::new();
    let handler = GraphicalReportHandler::new_themed(theme).with_width(width()).with_wrap_lines(true).with_links(false);
    let handler = if causes_say_more(error) { handler } else { handler.without_cause_chain() };
    match handler.render_report(&mut text, error) {
        Ok(()) if terminal => crate::template::seen(&text).into_owned() + &where_more_is(error),
        Ok(()) => crate::template::seen(&text).into_owned(),
        Err(_) => format!("error: {error}\n"),
    }
}

/// A line that tells people, not the logs of machines, where more is said about the error.
fn where_more_is(error: &dyn miette::Diagnostic) -> String {
    let code = error.code().map(|code| code.to_string()).filter(|code| super::explain::has(code));
    code.map(|code| format!("  for more: omnipack explain {code}\n")).unwrap_or_default()
}

/// Does a cause say what the message does not say already?
fn causes_say_more(error: &dyn Diagnostic) -> bool {
    let message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        if !message.contains(&error.to_string()) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Columns of the terminal, or of a line that logs can bear.
fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    columns.filter(|columns| *columns >= 40).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_not_said_twice() {
        let error = fs_err::File::open("/nonexistent/file").map(drop).unwrap_err();
        let text = render(&crate::build::Error::Io(error), Color::Never);
        assert_eq!(text.matches("/nonexistent/file").count(), 1, "{text}");
    }

    #[test]
    fn a_person_is_told_where_more_is_said() {
        let error = crate::build::Error::NoDistribution;
        assert_eq!(where_more_is(&error), "  for more: omnipack explain build::no_distribution\n");
        let several =
            crate::Error::from(crate::project::Error::Configurations { file: "a".to_owned(), problems: vec![] });
        assert_eq!(where_more_is(&several), "  for more: omnipack explain project::configuration\n");
    }
}
