//! How an error is shown: what, where, and what to do; and the exit code it stands for.

use std::io::Write;
use std::process::ExitCode;

use miette::{GraphicalReportHandler, GraphicalTheme};

use crate::cli::arguments::Color;

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

impl Failure {
    /// Prints to standard error and gives the exit code.
    pub fn show(&self, color: Color) -> ExitCode {
        let (text, code) = match self {
            Self::Run(error) => (render(error.as_ref(), color), error.exit_code()),
            Self::Steps | Self::Differ => (String::new(), 1),
            Self::Trouble(failure) => {
                failure.show(color);
                return ExitCode::from(2);
            }
            Self::Io(error) => (format!("error: {error}\n"), 1),
        };
        // Nobody is left to tell when standard error is closed.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
        ExitCode::from(code)
    }
}

fn render(error: &dyn miette::Diagnostic, color: Color) -> String {
    let terminal = super::stderr_is_terminal();
    let theme = match (super::colored(color, terminal), terminal) {
        (true, _) => GraphicalTheme::unicode(),
        (false, true) => GraphicalTheme::unicode_nocolor(),
        (false, false) => GraphicalTheme::none(),
    };
    let mut text = String::new();
    let handler = GraphicalReportHandler::new_themed(theme).with_width(width()).with_wrap_lines(true).with_links(false);
    let handler = if causes_say_more(error) { handler } else { handler.without_cause_chain() };
    match handler.render_report(&mut text, error) {
        Ok(()) if terminal => text + &where_more_is(error),
        Ok(()) => text,
        Err(_) => format!("error: {error}\n"),
    }
}

/// A line that tells people, not the logs of machines, where more is said about the error.
fn where_more_is(error: &dyn miette::Diagnostic) -> String {
    let code = error.code().map(|code| code.to_string()).filter(|code| super::explain::has(code));
    code.map(|code| format!("  for more: omnipack explain {code}\n")).unwrap_or_default()
}

/// Does a cause say what the message does not say already?
fn causes_say_more(error: &dyn miette::Diagnostic) -> bool {
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
