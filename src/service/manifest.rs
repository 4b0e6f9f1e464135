//! What a package says of its services to whoever tries it out: `/usr/share/omnipack/<package>.json`. `omnipack smoke`
//! reads it on the machine, so that it needs neither the project nor its configuration.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::distribution::InitSystem;
use crate::plan::{BuildPlan, PackagePlan};
use crate::project::Probe;
use crate::stage::{Entry, EntryFlags, EntryKind, Origin};

use super::checked::{self, Checked};
use super::{Error, FileKind, systemd, sysvinit, target_path, text_file};

/// Where packages lay their manifests.
pub const DIRECTORY: &str = "/usr/share/omnipack";
/// The form of the file; a reader refuses a later one.
pub const VERSION: u32 = 1;

/// The services of one package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Manifest {
    /// [`VERSION`].
    pub version: u32,
    pub package: String,
    /// The virtualenv; empty where there is none.
    pub prefix: String,
    pub service_manager: Manager,
    pub services: Vec<ManifestService>,
}

/// Whose units or scripts they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Manager {
    Systemd,
    Sysvinit,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ManifestService {
    /// Name in the configuration: `web`.
    pub name: String,
    /// What is started and stopped, as the service manager names it: `app-web.service`, `app-web@1.service`, or the name
    /// of an init script. Empty when cron runs it.
    pub units: Vec<String>,
    /// What starts them, by the clock or at a request: `app-web.timer`, `app-web.socket`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub started_by: Vec<String>,
    pub kind: Kind,
    /// Is it restarted in an upgrade when it runs?
    pub restart_on_upgrade: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<ManifestCheck>,
}

/// How long a run of it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Until it is stopped.
    Service,
    /// Until its work is done.
    Oneshot,
}

/// One of `http`, `tcp` and `command` is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestCheck {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
    /// The only good status; none: any from 200 to 399.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<String>,
    /// The absolute program first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// The account that the command runs as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The environment of the command.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Seconds within which it has to hold.
    pub timeout: u32,
}

/// The manifest and the directory that it lies in, for a package with services.
pub fn entries(
    plan: &BuildPlan,
    package: &PackagePlan,
    services: &[Checked<'_>],
    scripts: &[String],
) -> Result<Vec<Entry>, Error> {
    if services.is_empty() {
        return Ok(Vec::new());
    }
    let described = services.iter().map(|service| describe(plan, service, scripts));
    let manifest = Manifest {
        version: VERSION,
        package: package.name.clone(),
        prefix: if plan.has_python() { plan.prefix.clone() } else { String::new() },
        service_manager: match plan.distribution.init {
            InitSystem::Systemd => Manager::Systemd,
            InitSystem::Sysvinit => Manager::Sysvinit,
        },
        services: described.collect::<Result<Vec<_>, _>>()?,
    };
    let text =
        serde_json::to_string_pretty(&manifest).map_err(|error| Error::Path { reason: error.to_string() })? + "\n";
    let directory = Entry {
        path: target_path(DIRECTORY)?,
        mode: 0o755,
        owner: "root".into(),
        group: "root".into(),
        kind: EntryKind::Directory,
        flags: EntryFlags::default(),
        origin: Origin::Generated,
    };
    let file = text_file(&format!("{DIRECTORY}/{}.json", package.name), text, FileKind::Plain)?;
    Ok(vec![directory, file])
}

fn describe(plan: &BuildPlan, checked: &Checked<'_>, scripts: &[String]) -> Result<ManifestService, Error> {
    let service = checked.service;
    let (units, started_by) = match plan.distribution.init {
        InitSystem::Systemd => {
            let units = systemd::registered(checked);
            let started_by = units.enabled.iter().filter(|unit| !units.processes.contains(unit)).cloned().collect();
            (units.processes, started_by)
        }
        InitSystem::Sysvinit if service.schedule.is_some() => (Vec::new(), Vec::new()),
        InitSystem::Sysvinit => (sysvinit::ids(&checked.id, service), Vec::new()),
    };
    Ok(ManifestService {
        name: service.name.clone(),
        units,
        started_by,
        kind: if service.schedule.is_some() || service.kind == "oneshot" { Kind::Oneshot } else { Kind::Service },
        restart_on_upgrade: service.restart_on_upgrade,
        check: check(plan, checked, scripts)?,
    })
}

fn check(plan: &BuildPlan, checked: &Checked<'_>, scripts: &[String]) -> Result<Option<ManifestCheck>, Error> {
    let Some(check) = &checked.service.check else { return Ok(None) };
    let mut manifest = ManifestCheck { timeout: check.timeout, ..ManifestCheck::default() };
    match &check.probe {
        Probe::Http { url, status } => {
            manifest.http = Some(url.clone());
            manifest.status = *status;
        }
        Probe::Tcp(address) => manifest.tcp = Some(address.clone()),
        Probe::Command(text) => {
            manifest.command = Some(checked::check_command(plan, checked.service, text, scripts)?);
            manifest.user = Some(checked.user.to_owned());
            manifest.environment.clone_from(&checked.service.environment);
        }
    }
    Ok(Some(manifest))
}
