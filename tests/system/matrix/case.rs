//! What rows are written in: a machine, and words for what an operator does with it and looks at.
//!
//! A word that does not hold gives a message instead of a panic, so that a row can be seen failing on purpose.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use omnipack::exec::Output;
use omnipack::smoke::{self, Overlay, PackageKind, Snapshot};

use super::app::App;
use super::broken::Breakage;
use super::manager::{Custom, DEB, Manager, RPM, Verb};
use super::services::{self, text};
use crate::machine::Machine;
use crate::root::Root;
use crate::support::both;
use crate::target::Target as Offer;

pub type Outcome = Result<(), String>;

/// What a row runs on. A new one is a constant and a word in the rows' macro.
#[derive(Debug)]
pub struct Target {
    pub name: &'static str,
    /// What packages are built for; a table of `targets.toml`.
    pub distribution: &'static str,
    pub manager: Manager,
    pub custom: &'static Custom,
    pub rpm_options: &'static [&'static str],
    /// Two series of Python that the machine and the distribution have, the older one first.
    pub pythons: [&'static str; 2],
    /// Facts to add to a configuration that uses both; see [`Target::facts`].
    more_pythons: &'static str,
    /// What is done to an image before anything is installed, in shell.
    prepared: &'static str,
}

impl Target {
    /// A machine of Debian or Ubuntu, with a second series of Python from elsewhere.
    const fn debian(name: &'static str, distribution: &'static str, pythons: [&'static str; 2]) -> Self {
        Self {
            name,
            distribution,
            manager: Manager::Apt,
            custom: &DEB,
            rpm_options: &[],
            pythons,
            more_pythons: "",
            prepared: "",
        }
    }

    /// What a configuration has to say so that both series of Python can be chosen.
    pub fn facts(&self) -> String {
        let distribution = Offer::named(self.distribution).distribution;
        let debian = |series: &&str| {
            format!(
                "\n[[distribution.\"{distribution}\".pythons]]\nversion = \"{series}\"\npackage = \"python{series}\"\n\
                 path = \"/usr/bin/python{series}\"\nrequirement = \"python{series}\"\n"
            )
        };
        match self.custom.kind {
            PackageKind::Rpm => self.more_pythons.to_owned(),
            PackageKind::Deb => self.pythons.iter().rev().map(debian).collect(),
        }
    }

    /// How packages on a series of Python say what they need.
    fn provides(&self, series: &str) -> Vec<String> {
        match self.custom.kind {
            PackageKind::Rpm => vec![format!("python(abi) = {series}"), format!("python{series}")],
            // The newer one is installed.
            PackageKind::Deb if series == self.pythons[1] => Vec::new(),
            PackageKind::Deb => vec![format!("python{series} (= {series})")],
        }
    }
}

pub const BULLSEYE_DEB: Target = Target::debian("bullseye-deb", "debian-11", ["3.8", "3.9"]);
pub const BOOKWORM_DEB: Target = Target::debian("bookworm-deb", "debian-12", ["3.9", "3.11"]);
pub const TRIXIE_DEB: Target = Target::debian("trixie-deb", "debian-13", ["3.12", "3.13"]);
pub const NOBLE_DEB: Target = Target::debian("noble-deb", "ubuntu-24.04", ["3.11", "3.12"]);
pub const SYSVINIT_DEB: Target = Target {
    prepared: "for s in web worker spare; do echo start_wait=0 >/etc/default/demo-$s; done",
    ..Target::debian("sysvinit-deb", "debian-12-sysvinit", ["3.9", "3.11"])
};

pub const BOOKWORM: Target = Target {
    name: "bookworm",
    distribution: "rocky-9",
    manager: Manager::Rpm,
    custom: &RPM,
    rpm_options: &["--force-debian"],
    pythons: ["3.9", "3.11"],
    more_pythons: "",
    prepared: "",
};

pub const TRIXIE: Target = Target {
    name: "trixie",
    distribution: "fedora-42",
    manager: Manager::Dnf,
    custom: &RPM,
    rpm_options: &[],
    pythons: ["3.12", "3.13"],
    more_pythons: "",
    prepared: "",
};

pub const SYSVINIT: Target = Target {
    name: "sysvinit",
    distribution: "centos-6",
    manager: Manager::Rpm,
    custom: &RPM,
    rpm_options: &["--force-debian"],
    pythons: ["3.6", "3.11"],
    // No release of that age has two series that this machine has, too.
    more_pythons: r#"
[[distribution.centos-6.pythons]]
version = "3.6"
package = "python36"
path = "/usr/bin/python3.6"
requirement = "python(abi) = 3.6"

[[distribution.centos-6.pythons]]
version = "3.11"
package = "python311"
path = "/usr/bin/python3.11"
requirement = "python(abi) = 3.11"
"#,
    // As on Enterprise Linux; and a start need not wait for seconds to see whether the service stays.
    prepared: "mkdir -p /etc/rc.d; ln -sfn ../init.d /etc/rc.d/init.d
               for s in web worker spare; do echo start_wait=0 >/etc/default/demo-$s; done",
};

#[derive(Debug)]
enum Place {
    /// Nothing runs: an image is being made.
    Image(Root),
    Machine(Machine),
}

/// One run of a row.
#[derive(Debug)]
pub struct Case<'a> {
    pub target: &'static Target,
    offer: Offer,
    place: Option<Place>,
    breakage: Option<&'a Breakage>,
    built: RefCell<BTreeMap<App, Vec<PathBuf>>>,
    /// The machine before the first package came.
    before: Snapshot,
}

/// How long a word may take to become true, on a busy machine; and when it is meant to fail.
const PATIENCE: Duration = Duration::from_secs(60);
const IMPATIENCE: Duration = Duration::from_secs(5);

/// [`PATIENCE`], or as many seconds as somebody says who knows that the machine is not busy.
fn patience() -> Duration {
    let seconds = std::env::var("OMNIPACK_TESTS_PATIENCE").ok().and_then(|seconds| seconds.parse().ok());
    seconds.map_or(PATIENCE, Duration::from_secs)
}

/// How long nothing more must happen.
const SETTLED: Duration = Duration::from_millis(400);

impl<'a> Case<'a> {
    /// An image in which nothing runs yet.
    pub fn image(target: &'static Target, breakage: Option<&'a Breakage>) -> Self {
        let mut offer = Offer::named(target.distribution);
        offer.provides.extend(target.pythons.iter().flat_map(|series| target.provides(series)));
        // The suite itself has the newer one.
        target.pythons[0].clone_into(&mut offer.python);
        let case = Self {
            target,
            place: Some(Place::Image(offer.root())),
            offer,
            breakage,
            built: RefCell::default(),
            before: Snapshot::default(),
        };
        if !target.prepared.is_empty() {
            case.sh(target.prepared).unwrap();
        }
        case
    }

    /// Boots the image.
    pub fn boot(&mut self) {
        self.place = match self.place.take() {
            Some(Place::Image(root)) => Some(Place::Machine(Machine::boot(root))),
            other => other,
        };
    }

    /// A booted machine.
    pub fn booted(target: &'static Target, breakage: Option<&'a Breakage>) -> Self {
        let mut case = Self::image(target, breakage);
        case.boot();
        case.before = Snapshot::of(case.machine()).unwrap_or_else(|error| panic!("{error}"));
        case
    }

    /// A machine with `app` on it and its starts seen.
    pub fn installed(target: &'static Target, breakage: Option<&'a Breakage>, app: &App) -> Result<Self, String> {
        let case = Self::booted(target, breakage);
        case.install(app)?;
        case.starts(&["web 1 beside only-1", "worker 1 beside only-1"])?;
        Ok(case)
    }

    pub fn root(&self) -> &Overlay {
        match self.place.as_ref().expect("there is a root") {
            Place::Image(root) => root,
            Place::Machine(machine) => machine.root(),
        }
    }

    /// The engine's machine.
    pub fn machine(&self) -> &smoke::Machine {
        match self.place.as_ref().expect("there is a root") {
            Place::Image(_) => panic!("the image is not booted"),
            Place::Machine(machine) => machine.engine(),
        }
    }

    pub fn try_run(&self, program: &str, args: &[&str]) -> Output {
        match self.place.as_ref().expect("there is a root") {
            Place::Image(root) => Overlay::chroot(root, program, args).run().unwrap_or_else(|error| panic!("{error}")),
            Place::Machine(machine) => machine.try_run(program, args),
        }
    }

    /// Runs a line of shell that must succeed, and gives its output.
    pub fn sh(&self, line: &str) -> Result<String, String> {
        let output = self.try_run("sh", &["-ec", line]);
        if output.code == 0 { Ok(output.stdout_text()) } else { Err(format!("`{line}` failed: {}", both(&output))) }
    }

    /// The packages of `app`, built for this target.
    pub fn build(&self, app: &App) -> Vec<PathBuf> {
        let build = || app.build(&self.offer, self.target.pythons, self.breakage, self.root().scratch());
        self.built.borrow_mut().entry(app.clone()).or_insert_with(build).clone()
    }

    /// Does `verb` with package files and gives what was said.
    pub fn try_packages(&self, verb: Verb, packages: &[PathBuf]) -> Result<String, String> {
        let words = self.target.manager.command(self, verb, packages);
        self.try_words(&words)
    }

    /// Runs a command line of a package manager and gives what it said.
    pub fn try_words(&self, words: &[String]) -> Result<String, String> {
        let args: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        let output = self.try_run(&words[0], &args);
        let said = both(&output);
        // dnf ends well although a scriptlet failed, and only says so.
        if output.code == 0 && !said.contains("scriptlet failed") && !said.contains("Error in") {
            Ok(said)
        } else {
            Err(format!("`{}` ended with {}: {said}", words.join(" "), output.code))
        }
    }

    fn packages(&self, verb: Verb, app: &App) -> Outcome {
        self.quiet(&self.try_packages(verb, &self.build(app))?)
    }

    /// Nothing was said but the package manager's own report.
    fn quiet(&self, said: &str) -> Outcome {
        let surprises = self.target.manager.surprises(said);
        if surprises.is_empty() {
            return Ok(());
        }
        Err(format!("the package manager says: {}", surprises.join("; ")))
    }

    /// Installs all packages of `app`; no scriptlet may have anything to say.
    pub fn install(&self, app: &App) -> Outcome {
        self.packages(Verb::Install, app)
    }

    pub fn upgrade(&self, app: &App) -> Outcome {
        self.packages(Verb::Upgrade, app)
    }

    pub fn downgrade(&self, app: &App) -> Outcome {
        self.packages(Verb::Downgrade, app)
    }

    pub fn reinstall(&self, app: &App) -> Outcome {
        self.packages(Verb::Reinstall, app)
    }

    /// Removes packages.
    pub fn remove(&self, names: &[&str]) -> Outcome {
        self.quiet(&self.try_words(&self.target.manager.removal(self, names))?)
    }

    /// Removes all packages of [`App::new`].
    pub fn remove_all(&self) -> Outcome {
        self.remove(&["demo", "demo-cli", "demo-node"])
    }

    /// Removes what a removal of packages keeps, where the format tells the two apart.
    pub fn purge(&self, names: &[&str]) -> Outcome {
        match self.target.manager.purge(self, names) {
            Some(words) => self.quiet(&self.try_words(&words)?),
            None => Ok(()),
        }
    }

    /// Purges all packages of [`App::new`].
    pub fn purge_all(&self) -> Outcome {
        self.purge(&["demo", "demo-cli", "demo-node"])
    }

    /// Nothing is left of the tree. dpkg takes `/opt` away, too, when nobody else has anything in it.
    pub fn prefix_is_gone(&self) -> Outcome {
        self.says("find /opt -path '*demo*' 2>/dev/null || :", "")
    }

    /// Versions of the installed packages of [`App::new`].
    pub fn versions(&self, wanted: &str) -> Outcome {
        self.says(&self.target.custom.versions(&["demo", "demo-cli", "demo-node"]), wanted)
    }

    /// `name-version` of all installed packages whose name fits the pattern.
    pub fn packages_are(&self, pattern: &str, wanted: &str) -> Outcome {
        self.says(&self.target.custom.installed(pattern), wanted)
    }

    /// The state of a service of the application is `wanted`, such as `active enabled`, and stays so for a moment.
    pub fn state(&self, service: &str, wanted: &str) -> Outcome {
        let id = format!("demo-{service}");
        self.becomes(&format!("{service} is"), wanted, || services::state(self.machine(), &id))
    }

    /// Number of the main process of a service of the application.
    pub fn process(&self, service: &str) -> Result<String, String> {
        self.process_of(&format!("demo-{service}"))
    }

    /// Number of the main process of any service; `none` when it does not run.
    pub fn process_of(&self, id: &str) -> Result<String, String> {
        let pid = self.machine().services().main_pid(self.machine(), id).map_err(text)?;
        Ok(pid.map_or_else(|| "none".to_owned(), |pid| pid.to_string()))
    }

    /// Stops or starts a service of the application.
    pub fn stop(&self, service: &str) -> Outcome {
        self.expect(self.machine().services().stop(self.machine(), &format!("demo-{service}")))
    }

    pub fn start(&self, service: &str) -> Outcome {
        self.expect(self.machine().services().start(self.machine(), &format!("demo-{service}")))
    }

    fn expect(&self, output: Result<Output, smoke::Error>) -> Outcome {
        let output = output.map_err(text)?;
        if output.code == 0 { Ok(()) } else { Err(both(&output)) }
    }

    /// Command lines of processes of the application, seen from outside.
    pub fn processes(&self) -> String {
        let root = self.root().path();
        let is_inside = |process: &PathBuf| fs_err::read_link(process.join("root")).is_ok_and(|path| path == root);
        let all = fs_err::read_dir("/proc").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
        let lines = all.filter(is_inside).filter_map(|process| fs_err::read_to_string(process.join("cmdline")).ok());
        lines.collect::<Vec<_>>().join(" ").replace('\0', " ")
    }

    /// The starts since the last time that this was asked are `wanted`, in any order.
    pub fn starts(&self, wanted: &[&str]) -> Outcome {
        self.record("starts", wanted)
    }

    /// The orderly ends since the last time that this was asked are `wanted`, in any order.
    pub fn stops(&self, wanted: &[&str]) -> Outcome {
        self.record("stops", wanted)
    }

    fn record(&self, name: &str, wanted: &[&str]) -> Outcome {
        let mut wanted: Vec<&str> = wanted.to_vec();
        wanted.sort_unstable();
        let path = format!("/var/lib/demo/{name}");
        let list = || Ok(self.sh(&format!("sort {path} 2>/dev/null || :"))?.trim_end().replace('\n', ", "));
        self.becomes(&format!("{name}:"), &wanted.join(", "), list)?;
        self.sh(&format!("rm -f {path}"))?;
        Ok(())
    }

    /// What `ask` gives becomes `wanted` and stays so for a moment.
    pub fn becomes(&self, what: &str, wanted: &str, ask: impl Fn() -> Result<String, String>) -> Outcome {
        let patience = if self.breakage.is_some() { IMPATIENCE } else { patience() };
        let (mut holds_since, mut other_since) = (None, None);
        let mut before = String::new();
        loop {
            let got = ask()?;
            if got == wanted {
                other_since = None;
                if holds_since.get_or_insert_with(Instant::now).elapsed() >= SETTLED {
                    return Ok(());
                }
            } else {
                holds_since = None;
                // As long as there is something new, there may be more to come.
                if got != before {
                    other_since = None;
                }
                if other_since.get_or_insert_with(Instant::now).elapsed() >= patience {
                    return Err(format!("{what} {got}, not {wanted}"));
                }
                before = got;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What `line` prints is `wanted`.
    pub fn says(&self, line: &str, wanted: &str) -> Outcome {
        let got = self.sh(line)?;
        same(&format!("`{line}` says"), got.trim(), wanted)
    }

    /// The service manager knows of no service whose name begins so.
    pub fn is_forgotten(&self, prefix: &str) -> Outcome {
        self.is_forgotten_but(prefix, &[])
    }

    /// As [`Case::is_forgotten`]; links of init scripts may stay where the configuration does.
    fn is_forgotten_but(&self, prefix: &str, may_stay: &[&str]) -> Outcome {
        let stays = |line: &&str| may_stay.iter().any(|place| Path::new(line).starts_with(place));
        let known = || {
            let memory = services::memory(self, prefix)?;
            Ok(memory.trim().lines().filter(|line| !stays(line)).collect::<Vec<_>>().join("\n"))
        };
        self.becomes("the service manager remembers", "", known)
    }

    /// Nothing of the packages is left but `kept`, and what is at or below one of the paths `may_stay`: no process, unit,
    /// link, or path.
    pub fn left(&self, kept: &[&str], may_stay: &[&str]) -> Outcome {
        self.is_forgotten_but("demo", may_stay)?;
        let now = Snapshot::of(self.machine()).map_err(text)?;
        let running: Vec<&str> = now.processes.values().map(|process| process.command.as_str()).collect();
        let ours: Vec<&str> = running.into_iter().filter(|command| command.contains("/opt/demo")).collect();
        same("processes:", &ours.join(", "), "")?;
        let may_stay = |path: &&str| may_stay.iter().any(|place| Path::new(path).starts_with(place));
        let left = now.new_paths(&self.before).filter(|path| !changes_anyway(path) && !may_stay(path));
        let left: Vec<&str> = left.collect();
        same("left behind:", &left.join(" "), &kept.join(" "))
    }
}

/// Does any use of the machine or of its package manager change that path?
fn changes_anyway(path: &str) -> bool {
    [
        "/etc/group-",
        "/etc/gshadow-",
        "/etc/passwd-",
        "/etc/shadow-",
        "/run/credentials",
        "/run/dbus",
        "/run/lock",
        "/run/log",
        "/run/systemd",
        "/run/user",
        "/tmp/systemd",
        "/var/cache",
        "/var/lib/apt",
        "/var/lib/dnf",
        "/var/lib/dpkg",
        "/var/lib/rpm",
        "/var/lib/systemd",
        "/var/log/alternatives.log",
        "/var/log/apt",
        "/var/log/dnf",
        "/var/log/dpkg.log",
        "/var/log/hawkey",
        "/var/log/journal",
        "/var/tmp/rpm-tmp",
        "/var/tmp/systemd",
    ]
    .iter()
    .any(|place| path.starts_with(place) && !path.starts_with("/var/lib/systemd/deb-systemd-helper"))
        // insserv numbers other scripts anew.
        || path.starts_with("/etc/rc") && !path.contains("demo")
}

/// `got` is `wanted`.
pub fn same(what: &str, got: &str, wanted: &str) -> Outcome {
    if got == wanted { Ok(()) } else { Err(format!("{what} {got}, not {wanted}")) }
}
