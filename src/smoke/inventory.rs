//! What the packages are, once they are installed: their names, files and services.

use crate::service::manifest::{self, Kind, Manager, Manifest, ManifestCheck, ManifestService};
use crate::smoke::{Error, Machine, PackageManager, ServiceManager};

/// Where unit files of packages lie.
const UNITS: [&str; 2] = ["/usr/lib/systemd/system/", "/lib/systemd/system/"];
/// Where init scripts lie.
const SCRIPTS: [&str; 2] = ["/etc/init.d/", "/etc/rc.d/init.d/"];
/// Checks the services of packages that bring no Python, where the machine has it.
pub const SYSTEM_PYTHON: &str = "/usr/bin/python3";

/// The packages that are tried out, as they lie on the machine now.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// Names of the packages.
    pub packages: Vec<String>,
    /// Their paths, sorted.
    pub files: Vec<String>,
    pub services: Vec<Service>,
    /// Why the services cannot be started on this machine.
    pub obstacle: Option<String>,
}

/// One thing that is started: a unit or an init script.
#[derive(Debug, Clone)]
pub struct Service {
    /// What the service manager calls it.
    pub id: String,
    pub kind: Kind,
    pub restart_on_upgrade: bool,
    /// Its check, with the interpreter that does it.
    pub check: Option<Check>,
}

#[derive(Debug, Clone)]
pub struct Check {
    pub python: String,
    pub check: ManifestCheck,
}

impl Inventory {
    /// Reads what the packages ship; what the services of one not made by omnipack are, its files say.
    ///
    /// # Errors
    /// When a package is not installed, or its manifest cannot be read.
    pub fn of(machine: &Machine, manager: &PackageManager, packages: &[String]) -> Result<Self, Error> {
        let mut all = Self { packages: packages.to_vec(), ..Self::default() };
        for package in packages {
            let files = manager.files(machine, package)?;
            let path = format!("{}/{package}.json", manifest::DIRECTORY);
            if files.contains(&path) {
                all.declare(machine, &path)?;
            } else {
                all.services.extend(found(machine, &files)?);
            }
            all.files.extend(files);
        }
        all.files.sort();
        all.files.dedup();
        Ok(all)
    }

    /// Takes over what a manifest says.
    fn declare(&mut self, machine: &Machine, path: &str) -> Result<(), Error> {
        let text = machine.run_checked("cat", &[path])?;
        let unreadable = |reason: String| Error::Manifest { path: path.to_owned(), reason };
        let manifest: Manifest = serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
        if manifest.version > manifest::VERSION {
            return Err(unreadable(format!(
                "it has version {}, and this omnipack reads {}",
                manifest.version,
                manifest::VERSION
            )));
        }
        let wanted = match manifest.service_manager {
            Manager::Systemd => ServiceManager::Systemd,
            Manager::Sysvinit => ServiceManager::Sysvinit,
        };
        // Units on a machine with init scripts have nobody who starts them. The other way round systemd does.
        if wanted == ServiceManager::Systemd && *machine.services() == ServiceManager::Sysvinit {
            self.obstacle = Some("the packages have units for systemd, and the machine runs init scripts".to_owned());
        }
        self.services.extend(manifest.services.iter().flat_map(|service| units(&manifest, service)));
        Ok(())
    }
}

fn units(manifest: &Manifest, service: &ManifestService) -> Vec<Service> {
    let one = |id: &String, kind| Service {
        id: id.clone(),
        kind,
        restart_on_upgrade: service.restart_on_upgrade,
        check: None,
    };
    let mut units = service.units.iter().map(|unit| one(unit, service.kind)).collect::<Vec<_>>();
    if let (Some(last), Some(check)) = (units.last_mut(), &service.check) {
        let python = match manifest.prefix.as_str() {
            "" => SYSTEM_PYTHON.to_owned(),
            prefix => format!("{prefix}/bin/python"),
        };
        last.check = Some(Check { python, check: check.clone() });
    }
    // First what starts them: a service that its socket starts needs it.
    service.started_by.iter().map(|unit| one(unit, Kind::Service)).chain(units).collect()
}

/// Of a package that says nothing: its units that can be enabled, or its init scripts.
fn found(machine: &Machine, files: &[String]) -> Result<Vec<Service>, Error> {
    let places: &[&str] = match machine.services() {
        ServiceManager::Systemd => &UNITS,
        ServiceManager::Sysvinit => &SCRIPTS,
        ServiceManager::None { .. } => return Ok(Vec::new()),
    };
    let names = files.iter().filter_map(|file| places.iter().find_map(|place| file.strip_prefix(place)));
    let mut services = Vec::new();
    for name in names.filter(|name| !name.contains('/')) {
        let kind = match machine.services() {
            ServiceManager::Systemd => unit_kind(machine, name)?,
            _ => Some(Kind::Service),
        };
        services.extend(kind.map(|kind| Service { id: name.to_owned(), kind, restart_on_upgrade: true, check: None }));
    }
    Ok(services)
}

/// None for what is not started by itself: templates, units that only others start, kinds that are no service.
fn unit_kind(machine: &Machine, name: &str) -> Result<Option<Kind>, Error> {
    let starts = [".service", ".timer", ".socket"].iter().any(|suffix| name.ends_with(suffix));
    if !starts || name.contains("@.") {
        return Ok(None);
    }
    let property = |property| machine.services().property(machine, name, property);
    if matches!(property("UnitFileState")?.as_str(), "static" | "indirect" | "generated") {
        return Ok(None);
    }
    let oneshot = name.ends_with(".service") && property("Type")? == "oneshot";
    Ok(Some(if oneshot { Kind::Oneshot } else { Kind::Service }))
}
