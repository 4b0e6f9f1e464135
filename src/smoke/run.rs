//! The whole life of packages on one machine, read top-down.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::progress::Listener;
use crate::scratch::Undo;
use crate::smoke::inventory::{Inventory, Service};
use crate::smoke::report::{Outcome, Phase, Report, Step};
use crate::smoke::watch::{self, Watched};
use crate::smoke::{
    Done, Engine, Error, Machine, Overlay, PackageKind, PackageManager, ServiceManager, Snapshot, leftovers,
};

/// How long services are left alone before it is looked whether they stay up. Longer than a service that ends at once
/// takes to be started again (`RestartSec=`, 1 second in omnipack's units).
const SETTLE: Duration = Duration::from_millis(2500);

/// What is to be tried, and where.
#[derive(Debug, Clone)]
pub struct Request {
    /// The packages; all of one kind.
    pub files: Vec<PathBuf>,
    /// Older ones, which are installed first. Empty: nothing is upgraded.
    pub upgrade_from: Vec<PathBuf>,
    pub place: Place,
    /// The longest that any one command on the machine may take.
    pub timeout: Duration,
    pub after_failure: AfterFailure,
}

/// Where packages are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A directory with a system in it. It stays as it is.
    Root(PathBuf),
    Container {
        /// None: podman, or else docker.
        engine: Option<Engine>,
        image: String,
    },
    ThisMachine,
}

/// What becomes of the steps after one that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// Those that still make sense are done, and removal always is.
    GoOn,
    /// None is done: the machine stays as it is, to look at.
    Stop,
}

/// A report, and the machine that it is about; it ends when this is dropped.
#[derive(Debug)]
pub struct Tried {
    pub report: Report,
    pub machine: Machine,
}

/// Installs the packages, starts and checks their services, upgrades, reinstalls and removes them.
///
/// # Errors
/// When there is no such machine, or the packages are none for it. What is wrong with the packages is in the report.
pub fn run(request: &Request, listener: &dyn Listener) -> Result<Tried, Error> {
    let kind = kind(request)?;
    let begun = Instant::now();
    listener.step(&format!("starting {}", request.place));
    let mut machine = start(&request.place)?;
    machine.set_timeout(request.timeout);
    let manager = PackageManager::of(&machine, kind)?;
    let mut session = Session::new(&machine, &manager, request, listener)?;
    let _cleared = clear_on_signals(request, &manager, &session.names)?;
    session.live();
    let (packages, steps) = (session.names.iter().cloned().collect(), session.steps);
    let report = Report {
        machine: request.place.to_string(),
        service_manager: machine.services().to_string(),
        package_manager: manager.program().to_owned(),
        packages,
        passed: steps.iter().all(|step| step.outcome != Outcome::Failed),
        seconds: begun.elapsed().as_secs_f64(),
        steps,
    };
    Ok(Tried { report, machine })
}

/// A machine that is not thrown away with everything on it is cleared of the packages when the run is interrupted.
fn clear_on_signals(
    request: &Request,
    manager: &PackageManager,
    names: &BTreeSet<String>,
) -> Result<Option<Undo>, Error> {
    if request.place != Place::ThisMachine || request.after_failure == AfterFailure::Stop {
        return Ok(None);
    }
    let (manager, names) = (manager.clone(), names.clone());
    let ((), undo) = Undo::of(
        || Ok::<_, Error>(()),
        |()| {
            move || {
                let Ok(machine) = Machine::this() else { return };
                let installed = manager.installed(&machine).unwrap_or_default();
                let installed = installed.into_iter().filter(|name| names.contains(name)).collect::<Vec<_>>();
                if !installed.is_empty() {
                    let _ = manager.remove(&machine, &installed);
                }
            }
        },
    )?;
    Ok(Some(undo))
}

/// The one kind of all the files.
fn kind(request: &Request) -> Result<PackageKind, Error> {
    let mut common = None;
    for file in request.files.iter().chain(&request.upgrade_from) {
        fs_err::File::open(file)?;
        let kind = PackageKind::of(file).filter(|kind| common.is_none_or(|common| common == *kind));
        common = Some(kind.ok_or_else(|| Error::Kind { file: file.display().to_string() })?);
    }
    common.ok_or(Error::Kind { file: String::new() })
}

fn start(place: &Place) -> Result<Machine, Error> {
    match place {
        Place::Root(directory) => Machine::boot(overlay(directory)?),
        Place::Container { engine, image } => {
            let engine = engine.map_or_else(Engine::find, Ok)?;
            Machine::container(engine, image)
        }
        Place::ThisMachine => Machine::this(),
    }
}

fn overlay(directory: &Path) -> Result<Overlay, Error> {
    let no_root = |reason: &str| Error::NoRoot { path: directory.to_path_buf(), reason: reason.to_owned() };
    let directory = fs_err::canonicalize(directory)?;
    if directory == Path::new("/") {
        return Err(no_root("it is this machine itself, for which there is `--this-machine`"));
    }
    if !directory.join("usr/bin").is_dir() {
        return Err(no_root("it has no usr/bin"));
    }
    if !rustix::process::geteuid().is_root() {
        return Err(Error::NotRoot { what: "boot a directory".to_owned() });
    }
    Overlay::over(&[directory], &std::env::temp_dir(), "omnipack-smoke-")
}

/// How a step went, when it could be done.
enum Verdict {
    Ok(String),
    Failed(String),
    Skipped(String),
}

impl From<Done> for Verdict {
    fn from(done: Done) -> Self {
        done.failure().map_or_else(|| Self::Ok(String::new()), Self::Failed)
    }
}

/// With nothing to say, it is well.
fn unless(reasons: Vec<String>) -> Verdict {
    if reasons.is_empty() { Verdict::Ok(String::new()) } else { Verdict::Failed(reasons.join("\n")) }
}

struct Session<'a> {
    machine: &'a Machine,
    manager: &'a PackageManager,
    request: &'a Request,
    listener: &'a dyn Listener,
    /// Of all packages, old and new.
    names: BTreeSet<String>,
    before: Snapshot,
    installed_before: BTreeSet<String>,
    /// What is installed now.
    inventory: Inventory,
    /// Every path and service that the packages had at any time.
    files: BTreeSet<String>,
    services: BTreeSet<String>,
    phase: Phase,
    steps: Vec<Step>,
}

impl<'a> Session<'a> {
    fn new(
        machine: &'a Machine,
        manager: &'a PackageManager,
        request: &'a Request,
        listener: &'a dyn Listener,
    ) -> Result<Self, Error> {
        let mut names = BTreeSet::new();
        for file in request.files.iter().chain(&request.upgrade_from) {
            names.insert(manager.name_of(machine, &machine.put(file)?)?);
        }
        let installed_before = manager.installed(machine)?.into_iter().collect::<BTreeSet<_>>();
        if let Some(name) = names.intersection(&installed_before).next() {
            return Err(Error::Installed { name: name.clone() });
        }
        Ok(Self {
            machine,
            manager,
            request,
            listener,
            names,
            before: Snapshot::of(machine)?,
            installed_before,
            inventory: Inventory::default(),
            files: BTreeSet::new(),
            services: BTreeSet::new(),
            phase: Phase::Install,
            steps: Vec::new(),
        })
    }

    fn live(&mut self) {
        let (new, old) = (&self.request.files, &self.request.upgrade_from);
        let first = if old.is_empty() { new } else { old };
        self.transaction("install the packages", first, PackageManager::install);
        // A scriptlet may have failed, and the packages are there all the same.
        if !self.inventory.packages.is_empty() {
            self.verify();
            self.start_services();
            self.check_services();
            if !old.is_empty() {
                self.upgrade(new, old);
            }
            self.reinstall(new);
        }
        self.remove();
    }

    fn upgrade(&mut self, new: &[PathBuf], old: &[PathBuf]) {
        self.phase = Phase::Upgrade;
        let earlier = self.watched();
        self.transaction("install the new packages", new, PackageManager::upgrade);
        self.verify();
        self.compare("restarted once", earlier, watch::restarted);
        self.check_services();

        self.phase = Phase::Downgrade;
        self.stop_services();
        let earlier = self.watched();
        self.transaction("install the old packages", old, PackageManager::downgrade);
        self.compare("still stopped", earlier, watch::unchanged);

        self.phase = Phase::UpgradeStopped;
        let earlier = self.watched();
        self.transaction("install the new packages", new, PackageManager::upgrade);
        self.verify();
        self.compare("still stopped", earlier, watch::unchanged);
    }

    fn reinstall(&mut self, new: &[PathBuf]) {
        self.phase = Phase::Reinstall;
        if !self.request.upgrade_from.is_empty() {
            self.start_services();
        }
        let earlier = self.watched();
        self.transaction("install the packages again", new, PackageManager::reinstall);
        self.verify();
        self.compare("still running", earlier, watch::unchanged);
        self.check_services();
    }

    fn remove(&mut self) {
        self.phase = Phase::Remove;
        let installed = self.installed().unwrap_or_default();
        if !installed.is_empty() {
            self.step("remove the packages", |it| Ok(it.manager.remove(it.machine, &installed)?.into()));
        }
        if !installed.is_empty() && self.manager.kind() == PackageKind::Deb {
            self.step("purge the packages", |it| Ok(it.manager.purge(it.machine, &installed)?.into()));
        }
        self.nothing_left();
    }

    /// Those of the packages that are installed now.
    fn installed(&self) -> Result<Vec<String>, Error> {
        let installed = self.manager.installed(self.machine)?;
        Ok(installed.into_iter().filter(|name| self.names.contains(name)).collect())
    }

    /// Does a step and writes down how it went; says whether it was well.
    fn step(&mut self, name: &str, work: impl FnOnce(&Self) -> Result<Verdict, Error>) -> bool {
        if self.is_over() {
            return false;
        }
        self.listener.step(&format!("{}: {name}", self.phase.name()));
        let begun = Instant::now();
        let verdict = work(self).unwrap_or_else(|error| Verdict::Failed(error.to_string()));
        self.record(name, verdict, begun.elapsed())
    }

    fn record(&mut self, name: &str, verdict: Verdict, time: Duration) -> bool {
        if self.is_over() {
            return false;
        }
        let (outcome, message) = match verdict {
            Verdict::Ok(message) => (Outcome::Ok, message),
            Verdict::Failed(message) => (Outcome::Failed, message),
            Verdict::Skipped(message) => (Outcome::Skipped, message),
        };
        let (phase, name, seconds) = (self.phase, name.to_owned(), time.as_secs_f64());
        self.steps.push(Step { phase, name, outcome, seconds, message });
        outcome != Outcome::Failed
    }

    /// Has a step failed, and is the machine to stay as it is?
    fn is_over(&self) -> bool {
        self.request.after_failure == AfterFailure::Stop
            && self.steps.iter().any(|step| step.outcome == Outcome::Failed)
    }

    fn transaction(
        &mut self,
        name: &str,
        files: &[PathBuf],
        act: fn(&PackageManager, &Machine, &[String]) -> Result<Done, Error>,
    ) {
        self.step(name, |it| {
            let files = files.iter().map(|file| it.machine.put(file)).collect::<Result<Vec<_>, _>>()?;
            Ok(act(it.manager, it.machine, &files)?.into())
        });
        // Found out even when it failed: there may be something to remove.
        let now = self.installed().and_then(|packages| Inventory::of(self.machine, self.manager, &packages));
        match now {
            Ok(inventory) => {
                self.files.extend(inventory.files.iter().cloned());
                self.services.extend(inventory.services.iter().map(|service| service.id.clone()));
                self.inventory = inventory;
            }
            Err(error) => {
                self.record("read what the packages ship", Verdict::Failed(error.to_string()), Duration::ZERO);
            }
        }
    }

    fn verify(&mut self) {
        self.step("verify the files", |it| {
            let lines = it.manager.verify(it.machine, &it.inventory.packages)?;
            let is_config = |line: &String| line.split_whitespace().nth(1) == Some("c");
            let (config, wrong): (Vec<_>, Vec<_>) = lines.into_iter().partition(is_config);
            if wrong.is_empty() { Ok(Verdict::Ok(config.join("\n"))) } else { Ok(Verdict::Failed(wrong.join("\n"))) }
        });
    }

    /// Why services cannot be started on this machine.
    fn obstacle(&self) -> Option<String> {
        match self.machine.services() {
            ServiceManager::None { reason } => Some(reason.clone()),
            _ => self.inventory.obstacle.clone(),
        }
    }

    fn start_services(&mut self) {
        if self.is_over() {
            return;
        }
        let services = self.inventory.services.clone();
        if let Some(reason) = self.obstacle() {
            for service in &services {
                self.step(&format!("start {}", service.id), |_| Ok(Verdict::Skipped(reason.clone())));
            }
            return;
        }
        let mut started = Vec::new();
        for service in services {
            self.listener.step(&format!("{}: start {}", self.phase.name(), service.id));
            let begun = Instant::now();
            let result = watch::start(self.machine, &service);
            let early = watch::of(self.machine, &service);
            started.push((service, result, early, begun.elapsed()));
        }
        if !started.is_empty() {
            std::thread::sleep(SETTLE);
        }
        for (service, result, early, time) in started {
            let begun = Instant::now();
            let verdict = result.and_then(|said| watch::stays_up(self.machine, &service, &early?, said));
            let verdict = verdict.map_or_else(|error| Verdict::Failed(error.to_string()), unless);
            self.record(&format!("start {}", service.id), verdict, time + begun.elapsed());
        }
    }

    fn stop_services(&mut self) {
        if self.obstacle().is_some() {
            return;
        }
        for service in self.inventory.services.clone().iter().rev() {
            self.step(&format!("stop {}", service.id), |it| Ok(unless(watch::stop(it.machine, service)?)));
        }
    }

    fn check_services(&mut self) {
        for service in self.inventory.services.clone() {
            let Some(check) = &service.check else { continue };
            let name = format!("check {}", service.id);
            match self.obstacle() {
                Some(reason) => self.step(&name, |_| Ok(Verdict::Skipped(reason))),
                None => self.step(&name, |it| match watch::can_check(it.machine, check)? {
                    true => Ok(unless(watch::check(it.machine, &service, check)?)),
                    false => Ok(Verdict::Skipped(format!("neither the package nor the machine has {}", check.python))),
                }),
            };
        }
    }

    /// Every service as it is, to compare with later; or why it cannot be asked.
    fn watched(&self) -> Vec<(Service, Result<Watched, Error>)> {
        if self.obstacle().is_some() || self.is_over() {
            return Vec::new();
        }
        let services = self.inventory.services.iter();
        services.map(|service| (service.clone(), watch::of(self.machine, service))).collect()
    }

    /// A step for each service: is it as it should be after what was done?
    fn compare(&mut self, what: &str, earlier: Vec<(Service, Result<Watched, Error>)>, judge: watch::Judge) {
        if earlier.is_empty() || self.is_over() {
            return;
        }
        std::thread::sleep(SETTLE);
        for (service, earlier) in earlier {
            let now = self.inventory.services.iter().find(|now| now.id == service.id).cloned();
            self.step(&format!("{}: {what}", service.id), |it| {
                let earlier = earlier?;
                let problems = match &now {
                    Some(service) => judge(it.machine, &earlier, &watch::of(it.machine, service)?)?,
                    None => watch::withdrawn(it.machine, &earlier)?,
                };
                Ok(unless(problems))
            });
        }
    }

    fn nothing_left(&mut self) {
        if self.obstacle().is_none() {
            for id in self.services.clone() {
                let name = format!("{id}: gone");
                self.step(&name, |it| Ok(unless(watch::gone(it.machine, &id)?)));
            }
        }
        let left = self.left();
        self.step("no process left", |_| match &left {
            Ok(left) => Ok(unless(left.processes.clone())),
            Err(error) => Ok(Verdict::Failed(error.to_string())),
        });
        self.step("no file left", |_| {
            Ok(match &left {
                Err(Error::Command { said, .. }) => Verdict::Skipped(said.clone()),
                Err(error) => Verdict::Failed(error.to_string()),
                Ok(left) if left.wrong.is_empty() && left.kept.is_empty() => Verdict::Ok(String::new()),
                Ok(left) if left.wrong.is_empty() => Verdict::Ok(format!("kept: {}", left.kept.join(", "))),
                Ok(left) => Verdict::Failed(format!("left behind:\n{}", left.wrong.join("\n"))),
            })
        });
    }

    fn left(&self) -> Result<leftovers::Leftovers, Error> {
        let installed = self.manager.installed(self.machine)?;
        let mut foreign = BTreeSet::new();
        for package in installed.iter().filter(|name| !self.installed_before.contains(*name)) {
            foreign.extend(self.manager.files(self.machine, package)?.iter().map(|path| leftovers::canonical(path)));
        }
        let files = self.files.iter().cloned().collect::<Vec<_>>();
        leftovers::compare(&self.before, &Snapshot::of(self.machine)?, &files, &foreign)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Root(directory) => write!(f, "the system in {}", directory.display()),
            Self::Container { image, .. } => write!(f, "a container of {image}"),
            Self::ThisMachine => f.write_str("this machine"),
        }
    }
}
