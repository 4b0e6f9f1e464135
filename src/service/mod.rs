//! Services to what makes them run on a target: unit files or init scripts, scriptlets, accounts, tmpfiles, log
//! rotation. One file per service manager; every text is a template in `templates/`.
//!
//! The scriptlets use no macros of a distribution: they ask the machine they run on (is `systemctl` there, is systemd
//! running) and do nothing where the answer is no, so that a chroot, a container or an image build is never failed.

mod accounts;
mod checked;
mod command;
mod conffiles;
mod cron;
mod directories;
mod error;
mod files;
mod hardening;
mod logrotate;
mod maintainer;
pub mod manifest;
mod order;
mod own_directories;
mod plugins;
mod pretrans;
mod registration;
mod replaced;
mod scriptlets;
mod source_scripts;
mod systemd;
mod sysvinit;
mod triggers;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::distribution::{InitSystem, PackageFormat};
use crate::plan::{BuildPlan, PackagePlan, Relation};
use crate::project::{ConfigFile, ScriptletKind};
use crate::stage::{Content, Entry, EntryFlags, EntryKind, Origin, TargetPath};

pub use accounts::{Account, of_package as accounts};
pub use error::Error;
pub use files::Files;
pub use maintainer::maintainer_scripts;
pub use pretrans::pretrans;
pub use source_scripts::{InitScript, Owned, SourceParts, source_scripts};
pub use triggers::deb_triggers;

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
    /// Sorted by path, no path twice.
    pub entries: Vec<Entry>,
    /// None for a Debian package: see [`maintainer_scripts`].
    pub scriptlets: BTreeMap<ScriptletKind, Scriptlet>,
    /// `/usr/sbin/useradd` before `%pre`, and so on.
    pub relations: Vec<Relation>,
}

/// Renders all that `package`'s services, accounts, directories, log rotation and scriptlets come to on the target.
/// `scripts` are the names in `<prefix>/bin`, which the services' commands are resolved against.
///
/// # Errors
/// When a service's command is not in the virtualenv, a value cannot be written into the file it belongs in, or plugins
/// would lie where a service writes.
pub fn render(plan: &BuildPlan, package: &PackagePlan, scripts: &[String]) -> Result<ServiceParts, Error> {
    let services = checked::services(plan, package, scripts)?;
    plugins::check(plan, package)?;
    triggers::check(plan, package)?;
    let levels = order::levels(plan)?;
    let accounts = accounts::of_package(plan, package)?;
    let mut entries = Vec::new();
    match plan.distribution.init {
        InitSystem::Systemd => entries.extend(systemd::units(plan, package, &services)?),
        InitSystem::Sysvinit => entries.extend(sysvinit::scripts(plan, package, &services, &levels)?),
    }
    entries.extend(manifest::entries(plan, package, &services, scripts)?);
    entries.extend(directories::entries(plan, package, &accounts)?);
    entries.extend(directories::environment_files(plan, package)?);
    entries.extend(logrotate::entries(plan, package, &services)?);
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    if let Some([first, _]) = entries.array_windows().find(|[a, b]| a.path == b.path) {
        return Err(Error::Duplicate { path: first.path.to_string(), package: package.name.clone() });
    }
    let scriptlets = match plan.distribution.format {
        PackageFormat::Rpm => scriptlets::scriptlets(plan, package, &services, &accounts, &levels)?,
        // Those of a Debian package name files of all kinds (`maintainer.rs`).
        PackageFormat::Deb => BTreeMap::new(),
    };
    let mut relations = accounts::relations(plan, &accounts);
    relations.extend(scriptlets::relations(plan, package));
    relations.extend(logrotate::relations(plan, &entries));
    relations.extend(cron::relations(plan, &entries));
    relations.extend(files::relations(plan, package));
    Ok(ServiceParts { entries, scriptlets, relations })
}

/// The words of a service's command, as they are passed to its program.
///
/// # Errors
/// Says what is wrong: a quote that is not closed, or something only a shell could do.
pub fn words(command: &str) -> Result<Vec<String>, String> {
    let words = command::split(command, command::MainPid::Allowed)?.into_iter();
    Ok(words
        .map(|word| match word {
            command::Word::Text(text) => text,
            command::Word::MainPid => "$MAINPID".to_owned(),
        })
        .collect())
}

/// Name of the main package: the services of every package are named after it.
fn main_name(plan: &BuildPlan) -> &str {
    plan.packages.first().map_or("", |main| main.name.as_str())
}

/// What is special about a text file that is made here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileKind {
    /// A unit, a drop-in of another program: 0644.
    Plain,
    /// 0755.
    Executable,
    /// As `Executable`, and an operator's edits survive an upgrade.
    ExecutableConfig,
    /// An operator's edits survive an upgrade: 0644.
    Config,
    /// As `Config`, and only root may read it: 0600.
    Secret,
}

fn text_file(path: &str, text: String, kind: FileKind) -> Result<Entry, Error> {
    let (mode, config) = match kind {
        FileKind::Plain => (0o644, ConfigFile::No),
        FileKind::Executable => (0o755, ConfigFile::No),
        FileKind::ExecutableConfig => (0o755, ConfigFile::Noreplace),
        FileKind::Config => (0o644, ConfigFile::Noreplace),
        FileKind::Secret => (0o600, ConfigFile::Noreplace),
    };
    Ok(Entry {
        path: target_path(path)?,
        mode,
        owner: "root".into(),
        group: "root".into(),
        kind: EntryKind::File(Content::Bytes(Arc::from(text.into_bytes()))),
        flags: EntryFlags { config, ..EntryFlags::default() },
        origin: Origin::Generated,
    })
}

fn target_path(path: &str) -> Result<TargetPath, Error> {
    TargetPath::new(path).map_err(|reason| Error::Path { reason })
}
