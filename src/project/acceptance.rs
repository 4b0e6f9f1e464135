//! Would the configuration take a value? For what writes configurations: the rules are those that read them.

use super::{error::Fault, service_values, values};

/// What a value is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// An account that the package creates.
    Account,
    /// A command line of a service.
    Command,
    /// An absolute path on the target.
    TargetPath,
    /// A directory of the package's own.
    OwnDirectory,
    /// Name of a package.
    PackageName,
    /// Name of a service.
    ServiceName,
    /// Name of a unit or an init script that is replaced.
    FormerName,
    /// Name of an environment variable.
    Variable,
    /// Value of an environment variable.
    Line,
    /// One line that is not empty.
    Phrase,
    /// A unit with its suffix.
    Unit,
    /// `Name <mail@host>`
    Maintainer,
    /// Release of a package.
    Release,
    /// A umask.
    Umask,
    /// A home page.
    WebAddress,
    /// Address of a package index.
    Index,
    /// The command or the signal of `reload`.
    Reload,
}

/// # Errors
/// Why the configuration would refuse `text`.
pub fn accepts(value: Value, text: &str) -> Result<(), String> {
    let checked: Result<String, Fault> = match value {
        Value::Account => values::new_account(text),
        Value::Command => values::command(text),
        Value::TargetPath => values::target_path(text),
        Value::OwnDirectory => values::own_directory(text),
        Value::PackageName => values::package_name(text),
        Value::ServiceName => values::service_name(text),
        Value::FormerName => service_values::former_name(text),
        Value::Variable => values::variable(text),
        Value::Line => values::line(text),
        Value::Phrase => values::phrase(text),
        Value::Unit => values::unit(text),
        Value::Maintainer => values::maintainer(text),
        Value::Release => values::release(text),
        Value::Umask => values::umask(text),
        Value::WebAddress => values::web_address(text),
        Value::Index => values::index(text),
        Value::Reload => values::reload(text),
    };
    checked.map(drop).map_err(|fault| fault.message)
}
