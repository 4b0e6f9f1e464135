//! Rows of an older package, made by hand, whose place ours takes.

use omnipack::smoke::ServiceManager;

use super::app::App;
use super::broken::Breakage;
use super::case::{Case, Outcome, Target};
use super::manager::Verb;
use crate::rpm;

/// What the old package does when it goes.
#[derive(Clone, Copy)]
enum Scriptlets {
    StopIt,
    /// It has none for that: the service would run on without its files.
    LeaveIt,
}

/// As such packages are: another prefix, a service of another name, a config file, and scriptlets that know nothing of
/// ours.
fn old_package(services: &ServiceManager, scriptlets: Scriptlets) -> String {
    let (path, text, on, off) = match services {
        ServiceManager::Systemd => (
            "/usr/lib/systemd/system/oldapp.service",
            "[Service]\nExecStart=/usr/share/oldapp/run\n[Install]\nWantedBy=multi-user.target",
            "systemctl daemon-reload; systemctl -q enable --now oldapp.service",
            "systemctl -q disable --now oldapp.service",
        ),
        _ => (
            "/etc/rc.d/init.d/oldapp",
            "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: oldapp\n# Required-Start:\n# Required-Stop:\n\
             # Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n### END INIT INFO\n\
             case $1 in\nstart) setsid /usr/share/oldapp/run >/dev/null 2>&1 </dev/null & ;;\nstop) pkill -f oldapp/run ;;\nesac",
            "update-rc.d oldapp defaults; service oldapp start",
            "service oldapp stop; update-rc.d -f oldapp remove",
        ),
    };
    let stop = match scriptlets {
        Scriptlets::StopIt => format!("%preun\n[ $1 != 0 ] || {{ {off}; }} >/dev/null 2>&1\n"),
        Scriptlets::LeaveIt => String::new(),
    };
    format!(
        "Name: oldapp\nVersion: 0.9\nRelease: 1\nSummary: By hand\nLicense: none\nBuildArch: noarch\nAutoReqProv: no\n\
         %description\nBy hand.\n%install\n\
         mkdir -p %{{buildroot}}/usr/share/oldapp %{{buildroot}}/etc/oldapp %{{buildroot}}$(dirname {path})\n\
         printf '#!/bin/sh\\nwhile :; do sleep 1; done\\n' >%{{buildroot}}/usr/share/oldapp/run\n\
         echo 'port = 1' >%{{buildroot}}/etc/oldapp/oldapp.conf\n\
         cat >%{{buildroot}}{path} <<'END'\n{text}\nEND\n\
         %post\n{on} >/dev/null 2>&1\n\
         {stop}\
         %files\n%attr(755, root, root) /usr/share/oldapp/run\n%dir /usr/share/oldapp\n%dir /etc/oldapp\n\
         %config(noreplace) /etc/oldapp/oldapp.conf\n%attr(755, root, root) {path}\n"
    )
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
    let spec = old_package(case.machine().services(), scriptlets);
    let old = rpm::rpmbuild(&spec, &case.root().scratch().join("old"));
    case.try_packages(Verb::Install, &[old])?;
    case.says("pgrep -fc '[o]ldapp/run'", "1")?;
    case.sh("echo 'port = 2' >/etc/oldapp/oldapp.conf")?;
    case.upgrade(&app.clone().with("\n[relations]\nobsoletes = [\"oldapp\"]\n"))?;
    case.starts(&["web 1 beside only-1", "worker 1 beside only-1"])?;
    case.says("rpm -qa 'oldapp*'; pgrep -f '[o]ldapp/run' || :", "")?;
    let left = "find / -xdev -name '*oldapp*' ! -path '/packages/*' ! -path '/proc/*' | sort";
    case.says(left, "/etc/oldapp\n/etc/oldapp/oldapp.conf.rpmsave")?;
    case.says("cat /etc/oldapp/oldapp.conf.rpmsave", "port = 2")
}
