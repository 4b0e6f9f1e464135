//! Complete workflows for CI services: the jobs of the matrix, each building, trying and keeping its packages.

use std::collections::BTreeSet;
use std::path::Path;

use miette::Diagnostic;
use serde::Serialize;
use thiserror::Error as ThisError;

use crate::Error as AnyError;
use crate::exec::Command;
use crate::matrix::{self, Row, Service};
use crate::template::{self, TemplateError};

/// Where releases of omnipack are.
const RELEASES: &str = "https://github.com/omnipack/omnipack/releases/download";

/// Where they are taken from when the action is told nothing, as `action.yml` has it.
const REPOSITORY: &str = "omnipack/omnipack";

/// The branch of a repository that says nothing else.
const BRANCH: &str = "main";

/// Why there is no workflow.
#[derive(Debug, ThisError, Diagnostic)]
pub enum Error {
    #[error("`{path}` cannot stand in a workflow")]
    #[diagnostic(
        code(ci::path),
        help(
            "write the project's path below the repository with letters, digits and `._-+@/`; CI services read more into others"
        )
    )]
    Path { path: String },
    #[error("`{text}` is no action: `OWNER/REPOSITORY@REF` is one")]
    #[diagnostic(code(ci::action), help("such as `omnipack/omnipack@v1`, or `./` for one in the repository itself"))]
    Action { text: String },
    #[error("`{text}` is no name of a branch")]
    #[diagnostic(
        code(ci::branch),
        help(
            "name one branch: git's names have no spaces and none of `~^:?*[\\`, and services read `$`, `{{` and quotes"
        )
    )]
    Branch { text: String },
    #[error("no job is left for {projects}: `[targets]` leaves out all that it lists")]
    #[diagnostic(
        code(ci::nothing),
        help(
            "`omnipack matrix` shows the jobs: list more in `[targets] distributions`, or leave out less in `exclude`"
        )
    )]
    Nothing { projects: String },
    #[error(transparent)]
    #[diagnostic(transparent)]
    Template(#[from] TemplateError),
}

/// What a workflow is written for.
#[derive(Debug, Clone)]
pub struct Request {
    pub service: Service,
    /// Directories of projects, relative to the root of the repository.
    pub projects: Vec<String>,
    /// `OWNER/REPOSITORY@REF` of omnipack's action; none for this release's.
    pub action: Option<String>,
    /// The branch that is built when it is pushed to; none for the repository's own.
    pub branch: Option<String>,
}

#[derive(Serialize)]
struct Context<'a> {
    generator: &'static str,
    version: &'static str,
    releases: &'static str,
    action: &'a str,
    /// Whose releases the action installs; none for its own default.
    repository: Option<&'a str>,
    /// None where the service itself knows the repository's own.
    branch: Option<&'a str>,
    projects: &'a [String],
    rows: &'a [Row],
    /// Those whose packages can be tried in a container.
    tried: Vec<&'a Row>,
    machines: BTreeSet<&'a str>,
}

/// The text of the workflow.
///
/// # Errors
/// When a project cannot be read or has a path that is no plain word, or nothing is to be built.
pub fn workflow(request: &Request) -> Result<String, AnyError> {
    let projects = matrix::distinct(&request.projects);
    projects.iter().try_for_each(|path| check_path(path))?;
    let listed = matrix::matrix(&matrix::Request {
        projects: projects.clone(),
        service: request.service,
        ..matrix::Request::default()
    })?;
    // GitLab refuses `matrix:` without rows; and on GitHub it would be a workflow that never does anything.
    if listed.include.is_empty() {
        return Err(Error::Nothing { projects: projects.join(", ") }.into());
    }
    let action = match &request.action {
        Some(action) => checked_action(action)?,
        None => concat!("omnipack/omnipack@v", env!("CARGO_PKG_VERSION")).to_owned(),
    };
    let known = || match request.service {
        Service::Github => Some(default_branch(projects.first().map_or(".", String::as_str))),
        // `$CI_DEFAULT_BRANCH`
        Service::Gitlab => None,
    };
    let branch = request.branch.clone().or_else(known);
    if let Some(branch) = &branch {
        check_branch(branch)?;
    }
    let branch = branch.map(|branch| match request.service {
        Service::Github => without_patterns(&branch),
        // It is compared there, character by character.
        Service::Gitlab => branch,
    });
    let context = Context {
        generator: concat!("omnipack ", env!("CARGO_PKG_VERSION")),
        version: env!("CARGO_PKG_VERSION"),
        releases: RELEASES,
        action: &action,
        repository: fork(&action),
        branch: branch.as_deref(),
        projects: &projects,
        rows: &listed.include,
        tried: listed.include.iter().filter(|row| !row.container.is_empty()).collect(),
        machines: listed.include.iter().map(|row| row.machine.as_str()).collect(),
    };
    let (name, source) = match request.service {
        Service::Github => ("github.yml", include_str!("../templates/ci/github.yml")),
        Service::Gitlab => ("gitlab.yml", include_str!("../templates/ci/gitlab.yml")),
    };
    Ok(template::render(name, source, context).map_err(Error::from)?)
}

/// It is written into scripts and expressions: nothing in it may mean something there, nor lead out of the repository.
fn check_path(path: &str) -> Result<(), Error> {
    let sound = |c: char| c.is_ascii_alphanumeric() || "._-+@/".contains(c);
    let outside = path.split('/').any(|part| part == "..");
    if path.is_empty() || path.starts_with(['-', '/']) || outside || !path.chars().all(sound) {
        return Err(Error::Path { path: path.escape_debug().to_string() });
    }
    Ok(())
}

/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsuses>
fn checked_action(text: &str) -> Result<String, Error> {
    let sound = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    let remote = text
        .split_once('@')
        .is_some_and(|(repository, reference)| repository.contains('/') && sound(repository) && sound(reference));
    if remote || (text.starts_with("./") && (text == "./" || sound(text))) {
        return Ok(text.to_owned());
    }
    Err(Error::Action { text: text.escape_debug().to_string() })
}

/// `OWNER/REPOSITORY` of an action that is not omnipack's own: a composite action is not told reliably where it comes from.
fn fork(action: &str) -> Option<&str> {
    let (place, _) = action.split_once('@')?;
    let end = place.match_indices('/').nth(1).map_or(place.len(), |(end, _)| end);
    Some(&place[..end]).filter(|repository| *repository != REPOSITORY)
}

/// git-check-ref-format(1); and a service reads expressions.
fn check_branch(branch: &str) -> Result<(), Error> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || "~^:?*[]\\{}$\"'".contains(c);
    let part = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
    if branch.starts_with('-')
        || branch.ends_with('.')
        || branch.contains("..")
        || branch.contains(bad)
        || branch.split('/').any(part)
    {
        return Err(Error::Branch { text: branch.escape_debug().to_string() });
    }
    Ok(())
}

/// The filter that one branch alone passes. Of the characters of patterns, git allows only these in names.
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet>
fn without_patterns(branch: &str) -> String {
    branch.replace('+', "\\+").replace('!', "\\!")
}

/// The branch that the remote calls its own, where git knows it.
fn default_branch(directory: &str) -> String {
    let command = Command::new("git").dir(Path::new(directory)).args([
        "symbolic-ref",
        "--quiet",
        "--short",
        "refs/remotes/origin/HEAD",
    ]);
    let output = command.run().ok().filter(|output| output.code == 0);
    let name = output.and_then(|output| output.stdout_text().trim().strip_prefix("origin/").map(str::to_owned));
    name.unwrap_or_else(|| BRANCH.to_owned())
}
