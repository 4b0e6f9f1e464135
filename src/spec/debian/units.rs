//! Units as dh_installsystemd wants them. Its programs are called once for each service: what is enabled, started and restarted
//! is said of each.

use super::Error;
use crate::package::Package;
use crate::plan::PackagePlan;
use crate::project::Enable;
use crate::service::SourceParts;
use crate::service::manifest::{self, Kind, Manifest, ManifestService};
use crate::stage::EntryKind;

/// A unit file, and what is done with the unit.
#[derive(Debug)]
pub struct Unit {
    /// On the target.
    pub path: String,
    /// `app-web`, without `@` and suffix.
    pub stem: String,
    /// `service`, `timer`
    kind: String,
    /// The targets of its `WantedBy=`.
    wanted_by: Vec<String>,
    role: Role,
    enable: bool,
    start: bool,
    restart: bool,
    /// Of a template: `app-web@1.service`.
    instances: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It is enabled and started by itself.
    Own,
    /// A timer or socket starts it.
    Started { restart: bool },
    /// Its instances are started.
    Template,
}

impl Unit {
    /// Where debhelper looks for it: `debian/app-node.app-web.service`; with `@` behind the package for a template.
    pub fn source(&self, package: &str) -> String {
        let package = if self.role == Role::Template { format!("{package}@") } else { package.to_owned() };
        format!("debian/{package}.{}.{}", self.stem, self.kind)
    }

    /// Where systemctl(1) puts links when it enables the instances, of which deb-systemd-helper(1) knows nothing.
    fn links(&self) -> impl Iterator<Item = String> + '_ {
        let targets = self.wanted_by.iter();
        targets.flat_map(|target| {
            self.instances.iter().map(move |instance| format!("/etc/systemd/system/{target}.wants/{instance}"))
        })
    }

    fn name(&self) -> String {
        format!("{}.{}", self.stem, self.kind)
    }
}

/// The units of a package.
///
/// # Errors
/// When a unit file cannot be read.
pub fn read(planned: &PackagePlan, package: &Package) -> Result<Vec<Unit>, Error> {
    let manifest = manifest(package)?;
    let mut units = Vec::new();
    for entry in &package.entries {
        let path = entry.path.as_str();
        let Some((_, name)) = path.split_once("/systemd/system/") else { continue };
        let (Some((stem, kind)), EntryKind::File(content)) = (name.rsplit_once('.'), &entry.kind) else { continue };
        if name.contains('/') || !["service", "timer", "socket", "target", "path"].contains(&kind) {
            continue;
        }
        let text = content.read()?;
        let text = String::from_utf8_lossy(&text);
        let wanted_by = text.lines().filter_map(|line| line.strip_prefix("WantedBy="));
        let template = stem.ends_with('@');
        let mut unit = Unit {
            path: path.to_owned(),
            stem: stem.trim_end_matches('@').to_owned(),
            kind: kind.to_owned(),
            wanted_by: wanted_by.flat_map(str::split_whitespace).map(str::to_owned).collect(),
            role: if template { Role::Template } else { Role::Own },
            enable: true,
            // The target above the services: which of them run is said of each.
            start: false,
            restart: false,
            instances: Vec::new(),
        };
        if let Some(service) = manifest.iter().find(|service| is_of(service, &unit)) {
            unit.describe(planned, service);
        }
        units.push(unit);
    }
    Ok(units)
}

fn is_of(service: &ManifestService, unit: &Unit) -> bool {
    let known = service.units.first().map(|name| name.split_once('@').map_or(name.as_str(), |(stem, _)| stem));
    known.map(|name| name.strip_suffix(".service").unwrap_or(name)) == Some(&unit.stem)
}

impl Unit {
    fn describe(&mut self, planned: &PackagePlan, service: &ManifestService) {
        let Some(known) = planned.services.iter().find(|known| known.name == service.name) else { return };
        let runs_on = service.kind == Kind::Service && service.restart_on_upgrade;
        self.enable = known.enable != Enable::No;
        self.start = known.start;
        self.restart = runs_on;
        if self.role == Role::Template {
            self.instances.clone_from(&service.units);
        } else if !service.started_by.is_empty() {
            if self.kind == "service" {
                self.role = Role::Started { restart: runs_on };
            } else {
                // A socket cannot be restarted below its service.
                self.restart = self.kind == "timer";
            }
        }
    }
}

fn manifest(package: &Package) -> Result<Vec<ManifestService>, Error> {
    let path = format!("{}/{}.json", manifest::DIRECTORY, package.name);
    let found = package.entries.iter().find(|entry| entry.path.as_str() == path);
    let Some(EntryKind::File(content)) = found.map(|entry| &entry.kind) else { return Ok(Vec::new()) };
    let manifest: Manifest = serde_json::from_slice(&content.read()?).map_err(std::io::Error::other)?;
    Ok(manifest.services)
}

/// The lines of `debian/rules` that install the units and write the snippets for them.
pub fn lines(package: &str, units: &[Unit]) -> Vec<String> {
    let mut lines = Vec::new();
    for unit in units {
        let call = format!("dh_installsystemd --package={package}");
        match unit.role {
            Role::Template => lines.push(format!("{call} --name={} --no-enable --no-start", unit.stem)),
            // Installed together with what starts it.
            Role::Started { restart: true } => {
                lines.push(format!("{call} --no-enable --no-start --restart-after-upgrade {}", unit.name()));
            }
            Role::Started { restart: false } => {}
            Role::Own => {
                let mut line = format!("{call} --name={}", unit.stem);
                for (option, wanted) in [
                    (" --no-enable", !unit.enable),
                    (" --no-start", !unit.start),
                    (" --restart-after-upgrade", !unit.start && unit.restart),
                    (" --no-stop-on-upgrade", !unit.restart),
                ] {
                    line.push_str(if wanted { option } else { "" });
                }
                lines.push(format!("{line} {}", unit.name()));
            }
        }
    }
    // First what installs: a service is named in the call for its timer.
    lines.sort_by_key(|line| !line.contains("--name="));
    lines
}

/// What debhelper's snippets do not do: they stop what they start, and know no instances.
pub fn parts(units: &[Unit], parts: &mut SourceParts) {
    for unit in units {
        match unit.role {
            Role::Template => {
                parts.stopped.extend(unit.instances.iter().cloned());
                parts.enabled.extend(unit.instances.iter().filter(|_| unit.enable).cloned());
                parts.links.extend(unit.links());
                parts.started.extend(unit.instances.iter().filter(|_| unit.start).cloned());
                parts.restarted.extend(unit.instances.iter().filter(|_| unit.restart).cloned());
            }
            Role::Started { .. } => parts.stopped.push(unit.name()),
            Role::Own if !unit.start => parts.stopped.push(unit.name()),
            Role::Own => {}
        }
    }
    // What starts a service stops before it.
    parts.stopped.sort_by_key(|name| name.ends_with(".service"));
}
