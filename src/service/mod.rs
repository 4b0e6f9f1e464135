//! Services to what makes them run on a target: unit files or init scripts, scriptlets, accounts, tmpfiles, log
//! rotation. One file per service manager; every text is a template in `templates/`.

use std::collections::BTreeMap;

use miette::Diagnostic;
use thiserror::Error;

use crate::plan::Relation;
use crate::project::ScriptletKind;
use crate::stage::Entry;

/// Why a service cannot be rendered.
#[derive(Debug, Error, Diagnostic)]
pub enum Error {
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// A script that the package manager runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scriptlet {
    /// Program and arguments: `["/bin/sh"]`.
    pub interpreter: Vec<String>,
    pub text: String,
}

/// What the services, users and directories of one package add to it.
#[derive(Debug, Clone, Default)]
pub struct ServiceParts {
    pub entries: Vec<Entry>,
    pub scriptlets: BTreeMap<ScriptletKind, Scriptlet>,
    /// `shadow-utils` before `%pre`, and so on.
    pub relations: Vec<Relation>,
}
