//! `[[service]]` past validation: every default in place.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Schedule;

/// `[[service]]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Service {
    pub name: String,
    pub description: String,
    /// As written: words as a shell splits them, no shell features. The first word is resolved against
    /// `<prefix>/bin`. `{instance}` is the number of the instance where there is a `count`.
    pub command: String,
    pub user: String,
    pub group: String,
    pub working_directory: String,
    pub umask: String,
    pub environment: BTreeMap<String, String>,
    pub environment_file: String,
    /// Units that have to be up before; `<name>.service` is the build's own service of that name, if there is one.
    pub after: Vec<String>,
    /// Units that have to wait for it; names as in `after`.
    pub before: Vec<String>,
    /// Units without which it does not run; names as in `after`.
    pub requires: Vec<String>,
    /// Units or init scripts that it takes the place of, without a suffix: it is enabled and runs where they were.
    pub formerly: Vec<String>,
    /// How many instances there are, numbered from 1; `None`: it has no instances.
    pub count: Option<u32>,
    /// When it runs; `None`: when it is started.
    pub schedule: Option<Schedule>,
    /// Sockets that the service manager opens for it: `8000`, `127.0.0.1:8000`, `/run/app/web.sock`.
    pub listen: Vec<String>,
    pub restart: String,
    /// Seconds between its end and its restart.
    pub restart_delay: u32,
    pub kind: String,
    /// Seconds within which it has to give a sign of life; `None`: it is not watched.
    pub watchdog: Option<u32>,
    pub reload: String,
    /// Seconds that it may take to start; `None`: what the service manager gives.
    pub start_timeout: Option<u32>,
    pub stop_timeout: u32,
    pub limit_nofile: Option<u64>,
    pub limits: Limits,
    pub hardening: bool,
    pub directories: ServiceDirectories,
    pub enable: Enable,
    pub start: bool,
    pub restart_on_upgrade: bool,
    /// How to find out that it works; `None`: by whether it runs.
    pub check: Option<Check>,
    /// Meta-package that owns it, or `main`; `None`: `node`, made for the purpose when no meta-package has that name.
    pub package: Option<String>,
}

impl Default for Service {
    /// A service with neither a name nor a command, and every default of the configuration.
    fn default() -> Self {
        Self {
            name: String::new(),
            description: String::new(),
            command: String::new(),
            user: "root".to_owned(),
            group: String::new(),
            working_directory: String::new(),
            umask: "0022".to_owned(),
            environment: BTreeMap::new(),
            environment_file: String::new(),
            after: vec!["network-online.target".to_owned()],
            before: Vec::new(),
            requires: Vec::new(),
            formerly: Vec::new(),
            count: None,
            schedule: None,
            listen: Vec::new(),
            restart: "on-failure".to_owned(),
            restart_delay: 1,
            kind: "simple".to_owned(),
            watchdog: None,
            reload: String::new(),
            start_timeout: None,
            stop_timeout: 30,
            limit_nofile: None,
            limits: Limits::default(),
            hardening: true,
            directories: ServiceDirectories::default(),
            enable: Enable::default(),
            start: false,
            restart_on_upgrade: true,
            check: None,
            package: None,
        }
    }
}

/// What stands for the number of an instance in the texts of a service with a `count`.
pub const INSTANCE: &str = "{instance}";

impl Service {
    /// Paths of the files that its environment is read from: with a `count`, of each instance.
    #[must_use]
    pub fn environment_files(&self) -> Vec<String> {
        let path = &self.environment_file;
        match self.count {
            _ if path.is_empty() => Vec::new(),
            Some(count) if path.contains(INSTANCE) => {
                (1..=count).map(|number| path.replace(INSTANCE, &number.to_string())).collect()
            }
            _ => vec![path.clone()],
        }
    }
}

/// What a service may use at most; `None`: what the machine gives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Processes and threads of its account (`RLIMIT_NPROC`).
    pub nproc: Option<u64>,
    /// Bytes of a core dump (`RLIMIT_CORE`).
    pub core: Option<u64>,
    /// Bytes of memory of all its processes.
    pub memory: Option<u64>,
    /// Per cent of one processor's time.
    pub cpu: Option<u32>,
    /// Processes and threads of the service.
    pub tasks: Option<u64>,
    /// -20 (first) to 19 (last).
    pub nice: Option<i8>,
}

/// Directories that belong to the service's account. Each is a path below the directory that systemd.exec(5) names;
/// `None`: as `hardening` decides, empty: none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ServiceDirectories {
    /// Below `/var/lib`.
    pub state: Option<String>,
    /// Below `/var/log`.
    pub logs: Option<String>,
    /// Below `/var/cache`.
    pub cache: Option<String>,
    /// Below `/run`; gone when the service stops.
    pub runtime: Option<String>,
}

/// `[service.check]`: holds when the service works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    #[serde(flatten)]
    pub probe: Probe,
    /// Seconds after the start within which it has to hold.
    pub timeout: u32,
}

/// What a check looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Probe {
    /// The address is answered with this status; `None`: with any from 200 to 399.
    Http { url: String, status: Option<u16> },
    /// A connection is accepted: `127.0.0.1:8000`.
    Tcp(String),
    /// It ends with 0. Words as in the service's command.
    Command(String),
}

/// Whether a service is enabled at first install.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Enable {
    /// What the target's preset policy says.
    #[default]
    Preset,
    Yes,
    No,
}
