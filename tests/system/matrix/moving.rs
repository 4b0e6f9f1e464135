//! Rows of an older package, made by hand, whose place ours takes.

use std::path::{Path, PathBuf};

use omnipack::smoke::{PackageKind, ServiceManager};

use super::app::App;
use super::broken::Breakage;
use super::case::{Case, Outcome, Target};
use super::manager::Verb;
use crate::deb::Deb;
use crate::rpm;

/// What the old package does when it goes.
enum Scriptlets {
    StopIt,
    /// It has none for that: the service would run on without its files.
    LeaveIt,
}

/// As such packages are: another prefix, a service of another name, a config file, and scriptlets that know nothing of
/// ours.
struct Old {
    /// Where its service is defined, and how.
    path: &'static str,
    definition: &'static str,
    /// What an administrator would type when it comes, and before it goes.
    on: &'static str,
    off: &'static str,
    scriptlets: Scriptlets,
}

const PROGRAM: &str = "#!/bin/sh\nwhile :; do sleep 1; done\n";

impl Old {
    fn of(services: &ServiceManager, scriptlets: Scriptlets) -> Self {
        match services {
            ServiceManager::Systemd => Self {
                path: "/usr/lib/systemd/system/oldapp.service",
                definition: "[Service]\nExecStart=/usr/share/oldapp/run\n[Install]\nWantedBy=multi-user.target\n",
                on: "systemctl daemon-reload; systemctl -q enable --now oldapp.service",
                off: "systemctl -q disable --now oldapp.service",
                scriptlets,
            },
            _ => Self {
                path: "/etc/init.d/oldapp",
                definition: "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: oldapp\n# Required-Start:\n# Required-Stop:\n\
                    # Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n### END INIT INFO\ncase $1 in\n\
                    start) setsid /usr/share/oldapp/run >/dev/null 2>&1 </dev/null & ;;\nstop) pkill -f oldapp/run ;;\nesac\n",
                on: "update-rc.d oldapp defaults; service oldapp start",
                off: "service oldapp stop; update-rc.d -f oldapp remove",
                scriptlets,
            },
        }
    }

    fn build(&self, kind: PackageKind, directory: &Path) -> PathBuf {
        match kind {
            PackageKind::Rpm => self.rpm(directory),
            PackageKind::Deb => self.deb(directory),
        }
    }

    fn rpm(&self, directory: &Path) -> PathBuf {
        let Self { path, definition, on, off, scriptlets } = self;
        let path = path.replace("/etc/init.d", "/etc/rc.d/init.d");
        let stop = match scriptlets {
            Scriptlets::StopIt => format!("%preun\n[ $1 != 0 ] || {{ {off}; }} >/dev/null 2>&1\n"),
            Scriptlets::LeaveIt => String::new(),
        };
        let spec = format!(
            "Name: oldapp\nVersion: 0.9\nRelease: 1\nSummary: By hand\nLicense: none\nBuildArch: noarch\nAutoReqProv: no\n\
             %description\nBy hand.\n%install\n\
             mkdir -p %{{buildroot}}/usr/share/oldapp %{{buildroot}}/etc/oldapp %{{buildroot}}$(dirname {path})\n\
             cat >%{{buildroot}}/usr/share/oldapp/run <<'END'\n{PROGRAM}END\n\
             echo 'port = 1' >%{{buildroot}}/etc/oldapp/oldapp.conf\n\
             cat >%{{buildroot}}{path} <<'END'\n{definition}END\n\
             %post\n{on} >/dev/null 2>&1\n\
             {stop}\
             %files\n%attr(755, root, root) /usr/share/oldapp/run\n%dir /usr/share/oldapp\n%dir /etc/oldapp\n\
             %config(noreplace) /etc/oldapp/oldapp.conf\n%attr(755, root, root) {path}\n"
        );
        rpm::rpmbuild(&spec, directory)
    }

    fn deb(&self, directory: &Path) -> PathBuf {
        let Self { path, definition, on, off, scriptlets } = self;
        let package = Deb::new("oldapp", "0.9-1")
            .program("/usr/share/oldapp/run", PROGRAM)
            .program(path, definition)
            .file("/etc/oldapp/oldapp.conf", "port = 1\n")
            .file("DEBIAN/conffiles", "/etc/oldapp/oldapp.conf\n")
            .script("postinst", &format!("{{ {on}; }} >/dev/null 2>&1"));
        let package = match scriptlets {
            Scriptlets::StopIt => package.script("prerm", &format!("[ $1 != remove ] || {{ {off}; }} >/dev/null 2>&1")),
            Scriptlets::LeaveIt => package,
        };
        package.build(directory)
    }
}

pub fn ours_takes_the_place_of_one_made_by_hand(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let case = Case::booted(target, breakage);
    replaces(&case, Scriptlets::StopIt, &App::new("1"))?;
    case.state("web", "active enabled")
}

/// The old package leaves its service to whoever comes: ours does what is to be done, and takes its state over.
pub fn ours_takes_over_an_abandoned_service(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let case = Case::booted(target, breakage);
    let app = App::new("1").but("name = \"web\"\n", "name = \"web\"\nformerly = [\"oldapp\"]\n");
    replaces(&case, Scriptlets::LeaveIt, &app)?;
    case.state("web", "active enabled")
}

fn replaces(case: &Case<'_>, scriptlets: Scriptlets, app: &App) -> Outcome {
    let custom = case.target.custom;
    let old = Old::of(case.machine().services(), scriptlets).build(custom.kind, &case.root().scratch().join("old"));
    case.try_packages(Verb::Install, &[old])?;
    case.says("pgrep -fc '[o]ldapp/run'", "1")?;
    case.sh("echo 'port = 2' >/etc/oldapp/oldapp.conf")?;
    case.upgrade(&app.clone().with("\n[relations]\nobsoletes = [\"oldapp\"]\n"))?;
    case.starts(&["web 1 beside only-1", "worker 1 beside only-1"])?;
    case.packages_are("oldapp*", "")?;
    case.says("pgrep -f '[o]ldapp/run' || :", "")?;
    let config = format!("/etc/oldapp/oldapp.conf{}", custom.old_config);
    let left = "find / -xdev -name '*oldapp*' ! -path '/packages/*' ! -path '/proc/*' ! -path '/var/lib/dpkg/*' | sort";
    case.says(left, &format!("/etc/oldapp\n{config}"))?;
    case.says(&format!("cat {config}"), "port = 2")
}
