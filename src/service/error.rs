//! Why services cannot be rendered.

use miette::Diagnostic;
use thiserror::Error;

use crate::template::TemplateError;

#[derive(Debug, Error, Diagnostic)]
pub enum Error {
    #[error("service `{service}`: there is no command `{command}` in {bin}")]
    #[diagnostic(code(service::unknown_command), help("{hint}"))]
    UnknownCommand { service: String, command: String, bin: String, hint: String },
    #[error(
        "service `{service}`: which program `{program}` is cannot be told, for the package has no Python and no `bin`"
    )]
    #[diagnostic(code(service::no_program), help("{hint}"))]
    NoProgram { service: String, program: String, hint: String },
    #[error("service `{service}`: `{key} = {value:?}` is no command line: {reason}")]
    #[diagnostic(
        code(service::command),
        help("quote words as for a shell; for pipes, redirections or variables, write a script and name that")
    )]
    CommandLine { service: String, key: &'static str, value: String, reason: String },
    #[error("service `{service}`: `{key} = {value:?}` {reason}")]
    #[diagnostic(code(service::value), help("{hint}"))]
    Value { service: String, key: &'static str, value: String, reason: String, hint: String },
    #[error("service `{service}`: {what} does not work on {distribution}: {reason}")]
    #[diagnostic(code(service::unsupported), help("{hint}"))]
    Unsupported { service: String, what: String, distribution: String, reason: String, hint: String },
    #[error("`{name}` is not a name that a {what} can have")]
    #[diagnostic(
        code(service::name),
        help(
            "names of accounts start with a letter or `_` and go on with letters, digits, `_`, `-` and `.`, 32 in all"
        )
    )]
    AccountName { what: &'static str, name: String },
    #[error("account `{account}`: `{key} = {value:?}` {reason}")]
    #[diagnostic(code(service::account), help("the account database keeps its fields apart by colons and lines"))]
    Account { account: String, key: &'static str, value: String, reason: &'static str },
    #[error("plugins in `{plugins}` and `{directory}`, which service `{service}` has for itself, have to lie apart")]
    #[diagnostic(
        code(service::plugins),
        help(
            "account `{user}` writes to `{directory}` (its `{key}`, or `hardening` gives it that): take another \
             `directory` under [python.plugins], such as `/var/lib/app-plugins`"
        )
    )]
    PluginsOfService { plugins: String, directory: String, key: &'static str, service: String, user: String },
    #[error("[[logrotate]] {reason}")]
    #[diagnostic(code(service::logrotate), help("{hint}"))]
    Logrotate { reason: String, hint: String },
    #[error("the `{kind}` scriptlet of {package} {reason}")]
    #[diagnostic(code(service::scriptlet), help("{hint}"))]
    Scriptlet { kind: String, package: String, reason: String, hint: String },
    #[error("the trigger on `{on}` of {package} {reason}")]
    #[diagnostic(code(service::trigger), help("{hint}"))]
    Trigger { on: String, package: String, reason: String, hint: String },
    #[error("services wait for each other: {services}")]
    #[diagnostic(
        code(service::cycle),
        help("each starts after the next: take one of them out of `after`, `before` or `requires`")
    )]
    Cycle { services: String },
    #[error("{package} would hold `{path}` twice")]
    #[diagnostic(
        code(service::duplicate),
        help("name each directory, environment file and service once; two services must not have the same name")
    )]
    Duplicate { path: String, package: String },
    #[error("{reason}")]
    #[diagnostic(code(service::path), help("paths on the target start with `/` and have no `..` part"))]
    Path { reason: String },
    #[error("the table of systemd directives inside omnipack is not sound: {reason}")]
    #[diagnostic(code(service::directives), help("please report this"))]
    Directives { reason: String },
    #[error(transparent)]
    #[diagnostic(transparent)]
    Template(#[from] TemplateError),
}
