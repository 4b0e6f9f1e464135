//! The package managers of a machine, each in its own words.

use std::path::Path;

use crate::exec::Output;
use crate::smoke::machine::{both, last_lines};
use crate::smoke::{Error, Machine};

/// What a package file is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageKind {
    Rpm,
    Deb,
}

impl PackageKind {
    #[must_use]
    pub fn of(file: &Path) -> Option<Self> {
        match file.extension()?.to_str()? {
            "rpm" => Some(Self::Rpm),
            "deb" => Some(Self::Deb),
            _ => None,
        }
    }

    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Rpm => "rpm",
            Self::Deb => "deb",
        }
    }

    /// In the order in which they are wanted: one that resolves dependencies first.
    fn drivers(self) -> &'static [Driver] {
        match self {
            Self::Rpm => &[Driver::Dnf, Driver::Yum, Driver::Zypper, Driver::Rpm],
            Self::Deb => &[Driver::Apt, Driver::Dpkg],
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Driver {
    Dnf,
    Yum,
    Zypper,
    Rpm,
    Apt,
    Dpkg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Install,
    Upgrade,
    Downgrade,
    Reinstall,
    Remove,
    /// With the configuration, where the format knows that.
    Purge,
}

/// The package manager that a machine has for a kind of file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageManager {
    kind: PackageKind,
    driver: Driver,
    /// What every call needs on this machine.
    options: Vec<String>,
}

/// What a package manager did.
#[derive(Debug, Clone)]
pub struct Done {
    pub output: Output,
    /// Scriptlets that failed, a line each: dnf and rpm end well although one did.
    pub failed_scriptlets: Vec<String>,
}

impl Done {
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.output.code == 0 && self.failed_scriptlets.is_empty()
    }

    /// All that was printed.
    #[must_use]
    pub fn said(&self) -> String {
        both(&self.output)
    }

    /// Why it is not well, in the end of what was printed.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        if self.is_ok() {
            return None;
        }
        let said = last_lines(&self.said(), 25);
        let head = match self.output.code {
            0 => format!("a script of a package failed: {}", self.failed_scriptlets.join("; ")),
            code => format!("exit code {code}"),
        };
        Some(format!("{head}\n{said}"))
    }
}

impl PackageManager {
    /// The one that the machine has.
    ///
    /// # Errors
    /// When it has none for that kind of file.
    pub fn of(machine: &Machine, kind: PackageKind) -> Result<Self, Error> {
        for driver in kind.drivers().iter().copied() {
            if machine.run("/bin/sh", &["-c", "command -v \"$0\" >/dev/null", driver.program()])?.code == 0 {
                return Ok(Self { kind, driver, options: options(machine, driver)? });
            }
        }
        let programs = kind.drivers().iter().map(|driver| driver.program()).collect::<Vec<_>>();
        Err(Error::NoPackageManager { kind: kind.extension().to_owned(), looked_for: programs.join(", ") })
    }

    /// `dnf`
    #[must_use]
    pub fn program(&self) -> &'static str {
        self.driver.program()
    }

    /// What it installs.
    #[must_use]
    pub fn kind(&self) -> PackageKind {
        self.kind
    }

    /// Installs package files that lie on the machine.
    ///
    /// # Errors
    /// When the package manager cannot be started, as with all that follow.
    pub fn install(&self, machine: &Machine, files: &[String]) -> Result<Done, Error> {
        self.act(machine, Action::Install, files)
    }

    /// # Errors
    /// When the package manager cannot be started.
    pub fn upgrade(&self, machine: &Machine, files: &[String]) -> Result<Done, Error> {
        self.act(machine, Action::Upgrade, files)
    }

    /// # Errors
    /// When the package manager cannot be started.
    pub fn downgrade(&self, machine: &Machine, files: &[String]) -> Result<Done, Error> {
        self.act(machine, Action::Downgrade, files)
    }

    /// # Errors
    /// When the package manager cannot be started.
    pub fn reinstall(&self, machine: &Machine, files: &[String]) -> Result<Done, Error> {
        self.act(machine, Action::Reinstall, files)
    }

    /// Removes packages by their names.
    ///
    /// # Errors
    /// When the package manager cannot be started.
    pub fn remove(&self, machine: &Machine, names: &[String]) -> Result<Done, Error> {
        self.act(machine, Action::Remove, names)
    }

    /// As [`PackageManager::remove`], with the configuration where the format tells the two apart.
    ///
    /// # Errors
    /// When the package manager cannot be started.
    pub fn purge(&self, machine: &Machine, names: &[String]) -> Result<Done, Error> {
        self.act(machine, Action::Purge, names)
    }

    fn act(&self, machine: &Machine, action: Action, what: &[String]) -> Result<Done, Error> {
        let mut words = self.driver.words(action);
        words.extend(self.options.iter().map(String::as_str));
        words.extend(what.iter().map(String::as_str));
        let (program, args) = words.split_first().unwrap_or((&"true", &[]));
        let output = machine.run(program, args)?;
        let failed_scriptlets = failed_scriptlets(&both(&output));
        Ok(Done { output, failed_scriptlets })
    }

    /// The name of the package in a file on the machine.
    ///
    /// # Errors
    /// When the file is no package.
    pub fn name_of(&self, machine: &Machine, file: &str) -> Result<String, Error> {
        let name = match self.kind {
            PackageKind::Rpm => machine.run_checked("rpm", &["-qp", "--nosignature", "--qf", "%{NAME}", file])?,
            PackageKind::Deb => machine.run_checked("dpkg-deb", &["-f", file, "Package"])?,
        };
        Ok(name.trim().to_owned())
    }

    /// The paths of an installed package.
    ///
    /// # Errors
    /// When it is not installed.
    pub fn files(&self, machine: &Machine, name: &str) -> Result<Vec<String>, Error> {
        let list = match self.kind {
            PackageKind::Rpm => machine.run_checked("rpm", &["-ql", name])?,
            PackageKind::Deb => machine.run_checked("dpkg", &["-L", name])?,
        };
        Ok(list.lines().filter(|line| line.starts_with('/') && *line != "/.").map(str::to_owned).collect())
    }

    /// Names of all that is installed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn installed(&self, machine: &Machine) -> Result<Vec<String>, Error> {
        let list = match self.kind {
            PackageKind::Rpm => machine.run_checked("rpm", &["-qa", "--qf", "%{NAME}\\n"])?,
            PackageKind::Deb => {
                let list = machine.run_checked("dpkg-query", &["-W", "-f", "${db:Status-Abbrev} ${Package}\\n"])?;
                list.lines()
                    .filter_map(|line| line.strip_prefix("ii "))
                    .fold(String::new(), |all, name| all + name.trim() + "\n")
            }
        };
        Ok(list.lines().map(str::to_owned).collect())
    }

    /// What differs from what was packaged, a line each: `S.5....T.  c /etc/app.conf` (rpm(8), "VERIFY OPTIONS").
    ///
    /// # Errors
    /// When the package manager cannot be started.
    pub fn verify(&self, machine: &Machine, names: &[String]) -> Result<Vec<String>, Error> {
        let (program, flag) = match self.kind {
            PackageKind::Rpm => ("rpm", "--verify"),
            PackageKind::Deb => ("dpkg", "--verify"),
        };
        let mut args = vec![flag];
        args.extend(names.iter().map(String::as_str));
        Ok(both(&machine.run(program, &args)?).lines().map(str::to_owned).collect())
    }
}

impl Driver {
    fn program(self) -> &'static str {
        match self {
            Self::Dnf => "dnf",
            Self::Yum => "yum",
            Self::Zypper => "zypper",
            Self::Rpm => "rpm",
            Self::Apt => "apt-get",
            Self::Dpkg => "dpkg",
        }
    }

    /// The command line up to its options.
    fn words(self, action: Action) -> Vec<&'static str> {
        match self {
            // What came with the packages stays, so that what they leave can be told from it.
            Self::Dnf | Self::Yum => {
                vec![self.program(), dnf(action), "-y", "--setopt=clean_requirements_on_remove=0"]
            }
            Self::Zypper => [["zypper", "--non-interactive", "--no-gpg-checks"].as_slice(), zypper(action)].concat(),
            Self::Rpm => [["rpm"].as_slice(), rpm(action)].concat(),
            Self::Apt => [["env", QUIET, "apt-get", "--assume-yes"].as_slice(), apt(action)].concat(),
            Self::Dpkg => vec!["env", QUIET, "dpkg", dpkg(action)],
        }
    }
}

/// debconf asks nobody (debconf(7)).
const QUIET: &str = "DEBIAN_FRONTEND=noninteractive";

fn dnf(action: Action) -> &'static str {
    match action {
        Action::Install | Action::Upgrade => "install",
        Action::Downgrade => "downgrade",
        Action::Reinstall => "reinstall",
        Action::Remove | Action::Purge => "remove",
    }
}

fn zypper(action: Action) -> &'static [&'static str] {
    match action {
        Action::Install | Action::Upgrade => &["install", "--allow-unsigned-rpm"],
        Action::Downgrade => &["install", "--allow-unsigned-rpm", "--oldpackage"],
        Action::Reinstall => &["install", "--allow-unsigned-rpm", "--force"],
        Action::Remove | Action::Purge => &["remove"],
    }
}

fn rpm(action: Action) -> &'static [&'static str] {
    match action {
        Action::Install => &["-i"],
        Action::Upgrade => &["-U"],
        Action::Downgrade => &["-U", "--oldpackage"],
        Action::Reinstall => &["-U", "--replacepkgs"],
        Action::Remove | Action::Purge => &["-e"],
    }
}

fn apt(action: Action) -> &'static [&'static str] {
    match action {
        Action::Install | Action::Upgrade => &["install", "--no-install-recommends"],
        Action::Downgrade => &["install", "--no-install-recommends", "--allow-downgrades"],
        Action::Reinstall => &["install", "--no-install-recommends", "--reinstall"],
        Action::Remove => &["remove"],
        Action::Purge => &["purge"],
    }
}

fn dpkg(action: Action) -> &'static str {
    match action {
        Action::Install | Action::Upgrade | Action::Downgrade | Action::Reinstall => "--install",
        Action::Remove => "--remove",
        Action::Purge => "--purge",
    }
}

fn options(machine: &Machine, driver: Driver) -> Result<Vec<String>, Error> {
    let mut options = Vec::new();
    match driver {
        Driver::Dnf | Driver::Yum => {
            // A repository that cannot be asked would stop the transaction.
            if machine.is_alone() {
                options.push("--disablerepo=*".to_owned());
            }
            let release = ["-q", "--whatprovides", "system-release"];
            let distribution = ["-q", "--whatprovides", "redhat-release"];
            if machine.run("rpm", &release)?.code != 0 && machine.run("rpm", &distribution)?.code != 0 {
                options.push("--releasever=1".to_owned());
            }
        }
        Driver::Apt | Driver::Dpkg => {
            // What the operator edited stays, and nobody is asked.
            let keep = if driver == Driver::Apt {
                ["-oDpkg::Options::=--force-confdef", "-oDpkg::Options::=--force-confold"]
            } else {
                ["--force-confdef", "--force-confold"]
            };
            options.extend(keep.map(str::to_owned));
        }
        Driver::Zypper | Driver::Rpm => {}
    }
    Ok(options)
}

/// `warning: %post(app-1-1.noarch) scriptlet failed, exit status 1` of rpm, `Error in POSTIN scriptlet` of dnf, and what
/// omnipack's own scriptlets say of a script of the user that may not stop them.
fn failed_scriptlets(said: &str) -> Vec<String> {
    let failed = |line: &&str| {
        line.contains("scriptlet failed")
            || line.contains("Error in P") && line.contains("scriptlet")
            || line.contains("Non-critical error in") && line.contains("scriptlet")
            || line.contains("script of ") && line.contains(" failed with exit code ")
    };
    let mut lines = said.lines().map(str::trim).filter(failed).map(str::to_owned).collect::<Vec<_>>();
    lines.dedup();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_scriptlet_is_seen_in_what_the_package_managers_say() {
        let said = "Running transaction\n  Installing : app-1-1.noarch 1/1\n  Running scriptlet: app-1-1.noarch 1/1\n\
                    warning: %post(app-1-1.noarch) scriptlet failed, exit status 1\n\nError in POSTIN scriptlet in rpm package app\n\
                    Complete!\n";
        assert_eq!(failed_scriptlets(said).len(), 2);
        assert_eq!(failed_scriptlets("warning: the post script of app failed with exit code 3\n").len(), 1);
        assert_eq!(failed_scriptlets("  Running scriptlet: app-1-1.noarch 1/1\nComplete!\n"), Vec::<String>::new());
    }

    #[test]
    fn a_package_file_is_known_by_its_name() {
        assert_eq!(PackageKind::of(Path::new("a/app-1-1.x86_64.rpm")), Some(PackageKind::Rpm));
        assert_eq!(PackageKind::of(Path::new("app_1-1_all.deb")), Some(PackageKind::Deb));
        assert_eq!(PackageKind::of(Path::new("app.tar.gz")), None);
    }
}
