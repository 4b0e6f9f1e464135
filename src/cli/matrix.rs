//! `omnipack matrix`.

use super::arguments::MatrixArgs;
use super::failure::Failure;
use super::{print, print_json};
use crate::matrix::{Request, matrix};

/// Prints the jobs.
pub fn run(arguments: MatrixArgs) -> Result<(), Failure> {
    let request = Request {
        projects: arguments.projects,
        config: arguments.config,
        distributions: arguments.distributions,
        machines: arguments.machines,
        include: arguments.include,
        exclude: arguments.exclude,
        changed_since: arguments.changed_since,
        ..Request::default()
    };
    let matrix = matrix(&request)?;
    if arguments.pretty {
        return print_json(&matrix);
    }
    print(&(serde_json::to_string(&matrix).map_err(std::io::Error::other)? + "\n"))
}
