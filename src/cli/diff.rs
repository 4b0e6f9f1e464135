//! What `omnipack diff OLD NEW` prints: a summary, then only what differs.

use std::io::IsTerminal;

use super::arguments::DiffArgs;
use super::diff_text::{Detail, render};
use super::failure::Failure;
use super::{colored, print, print_json};

/// Compares the two packages. With `--exit-code` a difference is [`Failure::Differ`], and whatever goes wrong is
/// [`Failure::Trouble`].
///
/// # Errors
/// When one of them cannot be read.
pub fn run(arguments: &DiffArgs) -> Result<(), Failure> {
    let tells = arguments.exit_code || arguments.output.quiet;
    let result = compare(arguments);
    match result {
        Ok(true) if tells => Err(Failure::Differ),
        Ok(_) => Ok(()),
        Err(failure) if tells => Err(Failure::Trouble(Box::new(failure))),
        Err(failure) => Err(failure),
    }
}

/// Does anything differ?
fn compare(arguments: &DiffArgs) -> Result<bool, Failure> {
    let difference = crate::format::compare(&arguments.old, &arguments.new).map_err(crate::Error::from)?;
    if arguments.output.json {
        print_json(&difference)?;
    } else if !arguments.output.quiet {
        let detail = if arguments.all { Detail::All } else { Detail::Short };
        let color = colored(arguments.output.messages.color, std::io::stdout().is_terminal());
        print(&render(&difference, detail, color))?;
    }
    Ok(!difference.is_empty())
}
