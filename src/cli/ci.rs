//! `omnipack ci`.

use std::io::Write;

use super::arguments::{CiArgs, CiService};
use super::failure::Failure;
use super::print;
use crate::ci::{Request, workflow};
use crate::format::publish::publish;
use crate::matrix::Service;

/// Prints a workflow, or writes it into a file.
pub fn run(arguments: CiArgs) -> Result<(), Failure> {
    let service = match arguments.service {
        CiService::Github => Service::Github,
        CiService::Gitlab => Service::Gitlab,
    };
    let request = Request { service, projects: arguments.projects, action: arguments.action, branch: arguments.branch };
    let text = workflow(&request)?;
    let Some(path) = arguments.output.filter(|path| path.as_os_str() != "-") else { return print(&text) };
    if path.exists() && !arguments.force {
        let message = format!("{} is there already: `--force` replaces it", path.display());
        return Err(std::io::Error::new(std::io::ErrorKind::AlreadyExists, message).into());
    }
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        fs_err::create_dir_all(directory)?;
    }
    publish(&path, |file| file.write_all(text.as_bytes()))?;
    Ok(())
}
