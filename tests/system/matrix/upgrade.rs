//! Rows of the upgrade.

use super::app::{App, service};
use super::broken::Breakage;
use super::case::{Case, Outcome, Target, same};
use super::services;

pub fn what_ran_is_restarted_once_with_the_new_files(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let case = Case::installed(target, breakage, &App::new("1"))?;
    case.upgrade(&App::new("2"))?;
    case.starts(&["web 2 beside only-2"])?;
    case.stops(&["web 1 stopped with its files"])?;
    case.says("/opt/demo/bin/demo | cut -d' ' -f2", "2")?;
    case.state("web", "active enabled")
}

pub fn a_changed_definition_is_what_runs(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let case = Case::installed(target, breakage, &App::new("1"))?;
    case.says(&format!("grep Umask /proc/{}/status | cut -f2", case.process("web")?), "0022")?;
    case.upgrade(&App::new("2").but("name = \"web\"\n", "name = \"web\"\numask = \"0027\"\n"))?;
    case.starts(&["web 2 beside only-2"])?;
    case.says(&format!("grep Umask /proc/{}/status | cut -f2", case.process("web")?), "0027")
}

pub fn what_the_operator_decided_stays(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let more = ["halted", "unlisted", "masked"].map(service).concat();
    let app = |version| App::new(version).with(&more);
    let case = Case::booted(target, breakage);
    case.install(&app("1"))?;
    case.state("masked", "active enabled")?;
    case.stop("halted")?;
    case.stop("masked")?;
    services::set(&case, "disable", "demo-unlisted")?;
    services::set(&case, "enable", "demo-spare")?;
    let masked = services::mask(&case, "demo-masked")?;
    case.sh("rm -f /var/lib/demo/starts")?;
    case.upgrade(&app("2"))?;
    case.state("unlisted", "active disabled")?;
    case.state("halted", "inactive enabled")?;
    case.state("spare", "inactive enabled")?;
    case.state("masked", if masked { "inactive masked" } else { "inactive enabled" })?;
    case.starts(&["unlisted 2 beside only-2", "web 2 beside only-2"])
}

pub fn without_restart_the_old_process_goes_on(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let case = Case::installed(target, breakage, &App::new("1"))?;
    let worker = case.process("worker")?;
    case.upgrade(&App::new("2"))?;
    case.state("worker", "active enabled")?;
    same("the worker's process:", &case.process("worker")?, &worker)?;
    case.stop("worker")?;
    case.start("worker")?;
    case.starts(&["web 2 beside only-2", "worker 2 beside only-2"])
}

pub fn an_edited_config_stays_beside_the_new_one(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let case = Case::installed(target, breakage, &App::new("1"))?;
    case.sh("echo edited >>/etc/demo/demo.conf")?;
    case.upgrade(&App::new("2"))?;
    case.says("tr '\\n' ' ' </etc/demo/demo.conf", "version = 1 edited")?;
    case.says(&format!("cat /etc/demo/demo.conf{}", target.custom.new_config), "version = 2")?;
    case.says("stat -c %U:%G:%a /etc/demo/demo.conf", "root:demo:640")
}

pub fn a_service_that_is_new_is_enabled_and_started(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let case = Case::booted(target, breakage);
    case.install(&App::new("1").without_service("worker").without_service("spare"))?;
    case.starts(&["web 1 beside only-1"])?;
    case.upgrade(&App::new("2"))?;
    case.state("worker", "active enabled")?;
    case.state("spare", "inactive disabled")?;
    case.starts(&["web 2 beside only-2", "worker 2 beside only-2"])
}

pub fn a_service_that_is_dropped_leaves_nothing(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let case = Case::installed(target, breakage, &App::new("1"))?;
    case.upgrade(&App::new("2").without_service("worker"))?;
    case.state("worker", "inactive absent")?;
    case.says("pgrep -af 'demo-daemon worker' | grep -v pgrep || :", "")?;
    case.says("find /etc /run /usr/lib/systemd -name '*demo-worker*' ! -path '/etc/default/*'", "")?;
    case.is_forgotten("demo-worker")?;
    case.starts(&["web 2 beside only-2"])
}

/// From the main package, which stays.
pub fn a_service_that_moves_keeps_its_state(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let case = Case::installed(target, breakage, &App::new("1").services_in_main())?;
    is_moved(&case, &App::new("2"))
}

/// From a meta-package that the new one obsoletes, which goes in the same transaction.
pub fn a_service_survives_its_package(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let (old, new) = successors();
    let case = Case::installed(target, breakage, &old)?;
    is_moved(&case, &new)
}

/// Two versions, the second of which has another meta-package for the services.
pub fn successors() -> (App, App) {
    let old = App::new("1").but("\"node\"", "\"old\"").but("name = \"old\"", "name = \"old\"\nscripts = []");
    let new = App::new("2").but("name = \"node\"\n", "name = \"node\"\nobsoletes = [\"demo-old\"]\n");
    (old, new)
}

fn is_moved(case: &Case<'_>, new: &App) -> Outcome {
    services::set(case, "disable", "demo-web")?;
    let worker = case.process("worker")?;
    case.upgrade(new)?;
    case.state("web", "active disabled")?;
    case.state("worker", "active enabled")?;
    case.state("spare", "inactive disabled")?;
    case.starts(&["web 2 beside only-2"])?;
    same("the worker's process:", &case.process("worker")?, &worker)?;
    case.says(&case.target.custom.owner("/opt/demo/bin/demo"), "demo")
}

pub fn a_service_with_another_name_keeps_its_state(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let renamed = ["web", "worker", "spare"].iter().fold(App::new("2"), |app, name| {
        app.but(&format!("name = \"{name}\"\n"), &format!("name = \"{name}-2\"\nformerly = [\"demo-{name}\"]\n"))
    });
    let case = Case::installed(target, breakage, &App::new("1"))?;
    services::set(&case, "disable", "demo-web")?;
    case.stop("worker")?;
    case.sh("rm -f /var/lib/demo/stops")?;
    case.upgrade(&renamed)?;
    case.state("web-2", "active disabled")?;
    case.state("worker-2", "inactive enabled")?;
    case.state("spare-2", "inactive disabled")?;
    case.starts(&["web 2 beside only-2"])?;
    case.stops(&["web 1 stopped with its files"])?;
    case.says("find /etc /run /usr/lib/systemd -name '*demo-web' ! -path '/etc/default/*' -o -name '*demo-web.*' -o -name '*demo-worker.*'", "")
}
