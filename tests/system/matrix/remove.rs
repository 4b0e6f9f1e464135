//! Rows of downgrade, reinstallation and removal.

use super::app::App;
use super::broken::Breakage;
use super::case::{Case, Outcome, Target, same};
use super::services;

/// What is the services' data after the use of [`edited`].
pub const KEPT: [&str; 4] = ["/var/lib/demo", "/var/lib/demo/data", "/var/log/demo", "/var/log/demo/log"];

/// The application in use, with data and an edited config.
fn edited<'a>(target: &'static Target, breakage: Option<&'a Breakage>, app: &App) -> Result<Case<'a>, String> {
    let case = Case::installed(target, breakage, app)?;
    case.sh("echo edited >>/etc/demo/demo.conf; echo kept >/var/lib/demo/data; chown demo /var/lib/demo/data")?;
    Ok(case)
}

pub fn removal_leaves_only_what_is_not_the_packages(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    // In the package whose files they run: a late stop is seen.
    let case = edited(target, breakage, &App::new("1").services_in_main())?;
    case.remove_all()?;
    case.stops(&["web 1 stopped with its files", "worker 1 stopped with its files"])?;
    // Logs of init scripts stay like all logs.
    case.sh("rm -f /var/lib/demo/found /var/log/demo-*.log")?;
    case.left(&KEPT, target.custom.kept_by_removal)?;
    let config = format!("/etc/demo/demo.conf{}", target.custom.old_config);
    case.says(&format!("tail -n 1 {config}; cat /var/lib/demo/data"), "edited\nkept")?;
    case.purge_all()?;
    let kept = &target.custom.kept_by_purge;
    case.left(kept.data, kept.places).map_err(|message| format!("purged: {message}"))?;
    case.says("id -un demo; getent group demo | cut -d: -f1", "demo\ndemo")
}

pub fn bytecode_made_on_the_machine_goes(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    for mode in ["install", "none"] {
        let case =
            Case::installed(target, breakage, &App::new("1").with(&format!("\n[python]\nbytecode = \"{mode}\"\n")))?;
        case.sh("/opt/demo/bin/demo; /opt/demo/bin/python -c 'import demo'; find /opt/demo -name '*.pyc' | grep -q .")?;
        case.remove_all()?;
        case.prefix_is_gone()?;
    }
    Ok(())
}

pub fn a_downgrade_runs_the_old_version(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let case = Case::booted(target, breakage);
    case.install(&App::new("2"))?;
    case.starts(&["web 2 beside only-2", "worker 2 beside only-2"])?;
    case.sh("rm -f /var/lib/demo/stops")?;
    case.downgrade(&App::new("1"))?;
    case.starts(&["web 1 beside only-1"])?;
    case.stops(&["web 2 stopped with its files"])?;
    case.versions("1 1 1")?;
    case.says("cat /etc/demo/demo.conf", "version = 1")?;
    case.says("find /opt/demo -name 'only-*' -exec basename {} \\;", "only-1")
}

pub fn a_reinstallation_restarts_once_and_repairs(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let app = App::new("1");
    let case = Case::installed(target, breakage, &app)?;
    services::set(&case, "disable", "demo-web")?;
    let worker = case.process("worker")?;
    case.sh("rm /opt/demo/bin/demo")?;
    case.reinstall(&app)?;
    case.says("/opt/demo/bin/demo | cut -d' ' -f2", "1")?;
    case.state("web", "active disabled")?;
    case.state("worker", "active enabled")?;
    case.state("spare", "inactive disabled")?;
    case.starts(&["web 1 beside only-1"])?;
    same("the worker's process:", &case.process("worker")?, &worker)
}

pub fn an_installation_after_removal_finds_its_data(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let case = edited(target, breakage, &App::new("1"))?;
    let owner = case.sh("stat -c %u:%g /var/lib/demo/data")?;
    case.remove_all()?;
    case.sh("rm -f /var/lib/demo/starts")?;
    case.install(&App::new("2"))?;
    case.starts(&["web 2 beside only-2", "worker 2 beside only-2"])?;
    case.says("cat /var/lib/demo/data", "kept")?;
    case.says("stat -c %u:%g /var/lib/demo/data", owner.trim())?;
    case.says("stat -c %U:%G:%a /var/lib/demo", "demo:demo:750")?;
    case.state("web", "active enabled")
}

pub fn accounts_go_when_that_is_wanted(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let case = Case::installed(
        target,
        breakage,
        &App::new("1").but("groups = [\"adm\"]", "groups = [\"adm\"]\nremove = true"),
    )?;
    case.remove_all()?;
    case.purge_all()?;
    case.says("grep -hw demo /etc/passwd /etc/group /etc/shadow || :", "")
}
