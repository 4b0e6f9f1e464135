//! Directories that belong to a service's account: for its state, logs, cache and run time (`StateDirectory=` and its
//! kin in systemd.exec(5)).
//!
//! Those that stay are directories of the package, on every target: they are there with the right owner before the
//! service starts, the package manager knows them, and empty ones go with the package. The unit names them too, where
//! its systemd can make them. The one for the run time is made and removed by systemd with the service; where it cannot
//! be (an init script, several processes that share it, a socket in it), every boot makes it.

use crate::distribution::{InitSystem, ToolVersion};
use crate::plan::BuildPlan;
use crate::project::{INSTANCE, Service};

use super::checked;
use super::{Error, directories};

/// What a service's own directory is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    State,
    Logs,
    Cache,
    Runtime,
}

/// Who makes the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    /// The package, and systemd again at each start, where it can.
    Package,
    /// systemd when the service starts; it removes it when the service stops.
    Manager,
    /// Every boot.
    Boot,
}

/// A directory of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnDirectory {
    pub purpose: Purpose,
    pub maker: Maker,
    /// Below [`Purpose::base`]; `{instance}` stands for the number of the instance.
    pub name: String,
    pub mode: u32,
    pub user: String,
    pub group: String,
}

/// `/` in `RuntimeDirectory=` (NEWS of systemd 235).
const NESTED: ToolVersion = ToolVersion::new(235, 0, 0);
/// Specifiers in `RuntimeDirectory=` (pull request 1292 of systemd).
const SPECIFIERS: ToolVersion = ToolVersion::new(227, 0, 0);
/// systemd.exec(5): `$STATE_DIRECTORY` and its kin are set since 244.
const SETS_VARIABLES: ToolVersion = ToolVersion::new(244, 0, 0);
/// Nobody but the service and its group has to look into them.
const MODE: u32 = 0o750;

impl Purpose {
    const ALL: [Self; 4] = [Self::State, Self::Logs, Self::Cache, Self::Runtime];

    /// systemd.exec(5), the table below `RuntimeDirectory=`.
    pub fn base(self) -> &'static str {
        match self {
            Self::State => "/var/lib",
            Self::Logs => "/var/log",
            Self::Cache => "/var/cache",
            Self::Runtime => "/run",
        }
    }

    /// The key of the configuration, which is also the setting in the table of directives.
    pub fn key(self) -> &'static str {
        match self {
            Self::State => "state-directory",
            Self::Logs => "logs-directory",
            Self::Cache => "cache-directory",
            Self::Runtime => "runtime-directory",
        }
    }

    fn variable(self) -> &'static str {
        match self {
            Self::State => "STATE_DIRECTORY",
            Self::Logs => "LOGS_DIRECTORY",
            Self::Cache => "CACHE_DIRECTORY",
            Self::Runtime => "RUNTIME_DIRECTORY",
        }
    }

    fn given(self, service: &Service) -> Option<&str> {
        let directories = &service.directories;
        match self {
            Self::State => directories.state.as_deref(),
            Self::Logs => directories.logs.as_deref(),
            Self::Cache => directories.cache.as_deref(),
            Self::Runtime => directories.runtime.as_deref(),
        }
    }
}

impl OwnDirectory {
    /// `/var/lib/cdhboot`; `{instance}` stands for the number of the instance.
    pub fn path(&self) -> String {
        format!("{}/{}", self.purpose.base(), self.name)
    }
}

/// The directories of `service`.
pub fn of_service(plan: &BuildPlan, service: &Service) -> Vec<OwnDirectory> {
    Purpose::ALL.into_iter().filter_map(|purpose| one(plan, service, purpose)).collect()
}

/// Variables that tell `service` its directories where the service manager does not, `STATE_DIRECTORY=/var/lib/cdhboot`.
pub fn environment(plan: &BuildPlan, service: &Service) -> Vec<String> {
    let sets = plan.distribution.systemd.is_some_and(|version| version >= SETS_VARIABLES);
    let all = of_service(plan, service).into_iter();
    let own = all.filter(|directory| !sets || directory.maker == Maker::Boot);
    let unset = own.filter(|directory| !service.environment.contains_key(directory.purpose.variable()));
    unset
        .map(|directory| format!("{}={}", directory.purpose.variable(), directories::run_path(plan, &directory.path())))
        .collect()
}

/// Is every directory of `service` its own? systemd gives all that is in such a directory to the service's account.
///
/// # Errors
/// When a `[[directory]]`, a home or another service says that a directory of the configuration belongs to another account.
pub fn check(plan: &BuildPlan, service: &Service) -> Result<(), Error> {
    let owner = owner(service);
    for purpose in Purpose::ALL {
        let Some(name) = purpose.given(service).filter(|name| !name.is_empty()) else { continue };
        let path = format!("{}/{name}", purpose.base());
        let named = directories::named(plan, &path).map(|found| (found.owner, found.group));
        let others = plan.packages.iter().flat_map(|package| &package.services);
        let others = others.filter(|other| wanted(plan, other, purpose).as_deref() == Some(name));
        let mut owners = others.map(self::owner).chain(named);
        if let Some((user, group)) = owners.find(|found| *found != owner) {
            return Err(Error::Value {
                service: service.name.clone(),
                key: purpose.key(),
                value: name.to_owned(),
                reason: format!("is {path}, which belongs to {user}:{group} already"),
                hint: "give each account a directory of its own".to_owned(),
            });
        }
    }
    Ok(())
}

fn one(plan: &BuildPlan, service: &Service, purpose: Purpose) -> Option<OwnDirectory> {
    let name = wanted(plan, service, purpose)?;
    let (user, group) = owner(service);
    let path = format!("{}/{name}", purpose.base());
    let named = directories::named(plan, &path);
    if purpose.given(service).is_none() && named.is_some_and(|found| (found.owner, found.group) != (user, group)) {
        return None;
    }
    let maker = match purpose {
        Purpose::State | Purpose::Logs | Purpose::Cache => Maker::Package,
        Purpose::Runtime if named.is_none() && comes_and_goes(plan, service, &name) => Maker::Manager,
        Purpose::Runtime => Maker::Boot,
    };
    let mode = named.map_or(MODE, |found| found.mode);
    Some(OwnDirectory { purpose, maker, name, mode, user: user.to_owned(), group: group.to_owned() })
}

/// The name that `service` asks for, or that `hardening` gives it.
fn wanted(plan: &BuildPlan, service: &Service, purpose: Purpose) -> Option<String> {
    if let Some(name) = purpose.given(service) {
        return (!name.is_empty()).then(|| name.to_owned());
    }
    if !service.hardening || owner(service).0 == "root" {
        return None;
    }
    let id = checked::unchecked_id(plan, service);
    match purpose {
        Purpose::State | Purpose::Logs if of_one_account(plan) => Some(checked::main_id(plan)),
        Purpose::State | Purpose::Logs => Some(id),
        Purpose::Cache => None,
        Purpose::Runtime if service.count.is_some() => Some(format!("{id}-{INSTANCE}")),
        Purpose::Runtime => Some(id),
    }
}

/// Do all services that do not run as root run as the same account? Then they may share a directory.
fn of_one_account(plan: &BuildPlan) -> bool {
    let services = plan.packages.iter().flat_map(|package| &package.services);
    let mut owners = services.map(owner).filter(|(user, _)| *user != "root");
    owners.next().is_none_or(|first| owners.all(|other| other == first))
}

fn owner(service: &Service) -> (&str, &str) {
    let user = if service.user.is_empty() { "root" } else { service.user.as_str() };
    (user, if service.group.is_empty() { user } else { service.group.as_str() })
}

/// May systemd remove the directory when one process of the service stops? Not where another uses it, nor where the
/// socket is in it, which outlives the service.
fn comes_and_goes(plan: &BuildPlan, service: &Service, name: &str) -> bool {
    let distribution = &plan.distribution;
    let reads = |version: ToolVersion| {
        (version >= NESTED || !name.contains('/')) && (version >= SPECIFIERS || !name.contains(INSTANCE))
    };
    let makes = distribution.init == InitSystem::Systemd && distribution.systemd.is_some_and(reads);
    let services = plan.packages.iter().flat_map(|package| &package.services);
    let users = services.filter(|other| wanted(plan, other, Purpose::Runtime).as_deref() == Some(name));
    let alone = users.count() == 1 && (service.count.is_none() || name.contains(INSTANCE));
    let inside = format!("/{name}/");
    let below = |socket: &String| {
        let path = socket.strip_prefix("/var/run").or_else(|| socket.strip_prefix("/run"));
        path.is_some_and(|path| path.starts_with(&inside))
    };
    makes && alone && !service.listen.iter().any(below)
}
