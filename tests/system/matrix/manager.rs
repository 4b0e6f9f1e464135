//! Package managers, as an operator types them, and in what the customs of the formats differ.

use std::path::PathBuf;

use omnipack::smoke::PackageKind;

use super::case::Case;
use super::cut::KINDS;
use super::remove::KEPT;
use crate::support::name_of;

/// Which one is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manager {
    Rpm,
    Dnf,
    Apt,
    Dpkg,
}

/// What is to be done with package files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Install,
    Upgrade,
    Downgrade,
    Reinstall,
    /// Upgrade, and remove nothing for that.
    OnlyUpgrade,
}

/// What rows expect of a format, because its package managers do it so with everybody's packages.
#[derive(Debug)]
pub struct Custom {
    pub kind: PackageKind,
    /// Ends the name of a new version's config beside one that was edited.
    pub new_config: &'static str,
    /// Ends the name of an edited config whose package is removed, and not purged.
    pub old_config: &'static str,
    /// Where a removal leaves configuration and what the service manager was told; and what a purge leaves of that.
    pub kept_by_removal: &'static [&'static str],
    pub kept_by_purge: Kept,
    /// What becomes of a new service that is to be started and that the machine's policy wants disabled.
    pub disabled_by_policy: &'static str,
    /// What an init script becomes that is to be started and whose enablement is left to a policy: there is none for it.
    pub script_by_policy: &'static str,
    /// What the refusal of packages that do not fit together names.
    pub refusal: &'static str,
    /// What an operator runs first after a transaction was cut off.
    pub mend: &'static str,
    /// Who does the transaction again then, and how.
    pub again: (Manager, Verb),
    /// The command line that removes what a cut transaction left, up to the names.
    pub removes_all: &'static [&'static str],
    /// Scriptlets after a cut in which that leaves nothing.
    pub removable_when_cut_in: &'static [&'static str],
}

/// What stays on a machine.
#[derive(Debug)]
pub struct Kept {
    /// Exactly these paths of the services' data.
    pub data: &'static [&'static str],
    /// Whatever is at or below these.
    pub places: &'static [&'static str],
}

pub const RPM: Custom = Custom {
    kind: PackageKind::Rpm,
    new_config: ".rpmnew",
    old_config: ".rpmsave",
    kept_by_removal: &["/etc/demo"],
    // rpm knows no purge: as the removal left it.
    kept_by_purge: Kept { data: &KEPT, places: &["/etc/demo"] },
    disabled_by_policy: "active disabled",
    script_by_policy: "active disabled",
    refusal: "demo = 1-1",
    mend: ":",
    again: (Manager::Rpm, Verb::Reinstall),
    removes_all: &["rpm", "-e", "--allmatches"],
    removable_when_cut_in: &KINDS,
};

pub const DEB: Custom = Custom {
    kind: PackageKind::Deb,
    new_config: ".dpkg-dist",
    old_config: "",
    kept_by_removal: &[
        "/etc",
        "/var/lib/systemd/deb-systemd-helper-enabled",
        "/var/lib/systemd/deb-systemd-helper-masked",
    ],
    // Policy 6.8 and 10.8: nothing, logs included.
    kept_by_purge: Kept { data: &[], places: &[] },
    // deb-systemd-invoke(1p) starts nothing that is disabled.
    disabled_by_policy: "inactive disabled",
    // update-rc.d(8), `defaults`.
    script_by_policy: "active enabled",
    refusal: "Packages need to be removed",
    mend: "dpkg --configure -a",
    // Where that was enough, nothing is left to do.
    again: (Manager::Apt, Verb::Upgrade),
    // Of a package that was cut off while it was unpacked, dpkg knows no more than that it is not whole.
    removes_all: &["dpkg", "--purge", "--force-remove-reinstreq"],
    // The old postrm runs when the new files are unpacked and not noted yet: dpkg cannot remove what it does not know of.
    removable_when_cut_in: &["pre", "post", "preun"],
};

const QUIET: &str = "DEBIAN_FRONTEND=noninteractive";
/// What the administrator edited stays, and nobody is asked (dpkg(1), `--force-confdef`).
const KEEP: [&str; 2] = ["--force-confdef", "--force-confold"];

impl Manager {
    /// The words of a command line that does `verb` with package files.
    fn words(self, verb: Verb) -> &'static [&'static str] {
        match (self, verb) {
            (Self::Rpm, Verb::Install | Verb::Upgrade | Verb::OnlyUpgrade) => &["rpm", "-U"],
            (Self::Rpm, Verb::Downgrade) => &["rpm", "-U", "--oldpackage"],
            (Self::Rpm, Verb::Reinstall) => &["rpm", "-U", "--replacepkgs"],
            (Self::Dnf, Verb::Install | Verb::Upgrade | Verb::OnlyUpgrade) => {
                &["dnf", "-y", "--releasever=1", "install"]
            }
            (Self::Dnf, Verb::Downgrade) => &["dnf", "-y", "--releasever=1", "downgrade"],
            (Self::Dnf, Verb::Reinstall) => &["dnf", "-y", "--releasever=1", "reinstall"],
            (Self::Apt, Verb::Install | Verb::Upgrade) => {
                &["env", QUIET, "apt-get", "-qq", "install", "--no-install-recommends"]
            }
            (Self::Apt, Verb::OnlyUpgrade) => {
                &["env", QUIET, "apt-get", "-qq", "install", "--no-install-recommends", "--no-remove"]
            }
            (Self::Apt, Verb::Downgrade) => {
                &["env", QUIET, "apt-get", "-qq", "install", "--no-install-recommends", "--allow-downgrades"]
            }
            (Self::Apt, Verb::Reinstall) => {
                &["env", QUIET, "apt-get", "-qq", "install", "--no-install-recommends", "--reinstall"]
            }
            (Self::Dpkg, _) => &["env", QUIET, "dpkg", "--install"],
        }
    }

    /// The one below it, which does with package files what it is told.
    pub fn basic(self) -> Self {
        match self {
            Self::Rpm | Self::Dnf => Self::Rpm,
            Self::Apt | Self::Dpkg => Self::Dpkg,
        }
    }

    /// The command line, with the package files copied to where the machine sees them.
    pub fn command(self, case: &Case, verb: Verb, packages: &[PathBuf]) -> Vec<String> {
        let directory = case.root().inside("/packages");
        fs_err::create_dir_all(&directory).unwrap();
        let mut words: Vec<String> = self.words(verb).iter().map(|&word| word.to_owned()).collect();
        words.extend(self.options(case));
        for package in packages {
            fs_err::copy(package, directory.join(name_of(package))).unwrap();
            words.push(format!("/packages/{}", name_of(package)));
        }
        words
    }

    fn options(self, case: &Case) -> Vec<String> {
        match self {
            Self::Rpm => case.target.rpm_options.iter().map(|&option| option.to_owned()).collect(),
            Self::Dnf => Vec::new(),
            // A terminal of its own would make lines out of what dpkg prints to it.
            Self::Apt => KEEP
                .iter()
                .map(|option| format!("-oDpkg::Options::={option}"))
                .chain(["-oDpkg::Use-Pty=0".to_owned()])
                .collect(),
            Self::Dpkg => KEEP.map(str::to_owned).to_vec(),
        }
    }

    /// The command line that removes packages.
    pub fn removal(self, case: &Case, names: &[&str]) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Rpm => &["rpm", "-e"],
            Self::Dnf => &["dnf", "-y", "--releasever=1", "--noautoremove", "remove"],
            Self::Apt => &["env", QUIET, "apt-get", "-qq", "remove"],
            Self::Dpkg => &["env", QUIET, "dpkg", "--remove"],
        };
        self.with_names(case, words, names)
    }

    /// The command line that removes the configuration of packages, too; none where the format knows no such thing.
    pub fn purge(self, case: &Case, names: &[&str]) -> Option<Vec<String>> {
        let words: &[&str] = match self {
            Self::Rpm | Self::Dnf => return None,
            Self::Apt => &["env", QUIET, "apt-get", "-qq", "purge"],
            Self::Dpkg => &["env", QUIET, "dpkg", "--purge"],
        };
        Some(self.with_names(case, words, names))
    }

    /// `words`, the options that the machine needs, and names.
    pub fn with_names(self, case: &Case, words: &[&str], names: &[&str]) -> Vec<String> {
        let mut words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        words.extend(self.options(case));
        words.extend(names.iter().map(|&name| name.to_owned()));
        words
    }

    /// Does it print something that is not its own report of what it did? Gives those lines.
    pub fn surprises(self, said: &str) -> Vec<&str> {
        let is_report = |line: &&str| match self {
            Self::Rpm => [".rpmnew", ".rpmsave", ".rpmorig"].iter().any(|word| line.contains(word)),
            // It speaks of everything.
            Self::Dnf => true,
            Self::Apt | Self::Dpkg => line.trim().is_empty() || DPKG_SAYS.iter().any(|start| line.starts_with(start)),
        };
        said.lines().filter(|line| !is_report(line)).collect()
    }
}

/// How lines of apt's and dpkg's reports begin.
const DPKG_SAYS: &[&str] = &[
    "(Reading database",
    "Configuration file '",
    " ==> ",
    "Installing new version of config file",
    "N: Download is performed unsandboxed",
    "Preparing to unpack",
    "Processing triggers for",
    "Purging configuration files for",
    "Replacing files in old package ",
    "Removing ",
    "Selecting previously unselected package",
    "Setting up ",
    "Unpacking ",
    "dpkg: warning: downgrading ",
    "dpkg: warning: while removing ",
    // Of what an operator's tools made in it; the package takes it away when it is configured.
    "dpkg: warning: unable to delete old directory ",
    "debconf: delaying package configuration",
    "dpkg: considering ",
    "dpkg: yes, will remove ",
];

/// Questions to the database, as lines of shell.
impl Custom {
    /// Version of each package.
    pub fn versions(&self, names: &[&str]) -> String {
        let names = names.join(" ");
        match self.kind {
            PackageKind::Rpm => format!("rpm -q --qf '%{{VERSION}} ' {names}"),
            PackageKind::Deb => format!("dpkg-query -W -f '${{Version}} ' {names} | sed 's/-[^ ]*//g'"),
        }
    }

    /// `name-version` of each package whose name fits the pattern and that is installed, or is not well.
    pub fn installed(&self, pattern: &str) -> String {
        match self.kind {
            PackageKind::Rpm => format!("rpm -qa --qf '%{{NAME}}-%{{VERSION}}\\n' '{pattern}' | sort | xargs"),
            PackageKind::Deb => format!(
                "dpkg-query -W -f '${{db:Status-Abbrev}}${{Package}}-${{Version}}\\n' '{pattern}' 2>/dev/null | \
                 sed -n '/^.[nc] /d; s/-[^-]*$//; s/^ii //p; t; p' | sort | xargs"
            ),
        }
    }

    /// The package that a path belongs to.
    pub fn owner(&self, path: &str) -> String {
        match self.kind {
            PackageKind::Rpm => format!("rpm -qf --qf '%{{NAME}}' {path}"),
            PackageKind::Deb => format!("dpkg -S {path} | cut -d: -f1"),
        }
    }
}
