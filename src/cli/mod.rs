//! Arguments, progress, and how an error is shown. One file per subcommand, no logic.

use std::process::ExitCode;

/// Runs the command line.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
