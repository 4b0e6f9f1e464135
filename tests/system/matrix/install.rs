//! Rows of the first installation.

use omnipack::smoke::ServiceManager;

use super::app::App;
use super::broken::Breakage;
use super::case::{Case, Outcome, Target, same};

pub fn what_services_need_is_there_before_them(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let case = Case::installed(target, breakage, &App::new("1"))?;
    case.says("sort -u /var/lib/demo/found", "root:demo:0640 demo:demo:0750 demo:adm:0755 demo:demo:0710")?;
    case.says("id -nG demo", "demo adm")?;
    case.says("getent passwd demo | cut -d: -f6", "/var/lib/demo")?;
    let shell = case.sh("getent passwd demo | cut -d: -f7")?;
    if shell.trim().ends_with("nologin") { Ok(()) } else { Err(format!("the account may log in: {shell}")) }
}

pub fn enable_and_start_are_honoured(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let case = Case::booted(target, breakage);
    case.install(&App::new("1"))?;
    case.state("web", "active enabled")?;
    case.state("worker", "active enabled")?;
    case.state("spare", "inactive disabled")
}

pub fn in_an_image_nothing_starts_until_it_is_booted(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let mut case = Case::image(target, breakage);
    case.install(&App::new("1"))?;
    same("processes:", &case.processes(), "")?;
    case.boot();
    case.state("web", "active enabled")?;
    case.state("worker", "active enabled")?;
    case.state("spare", "inactive disabled")?;
    case.starts(&["web 1 beside only-1", "worker 1 beside only-1"])
}

/// The target's policy for new services; an init script has none.
pub fn presets_are_followed(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let case = Case::booted(target, breakage);
    case.sh("mkdir -p /etc/systemd/system-preset\n\
         printf 'enable demo-web.service\\ndisable demo-*.service\\n' >/etc/systemd/system-preset/10-site.preset")?;
    case.install(&App::new("1").but("enable = \"yes\"", "enable = \"preset\""))?;
    let custom = target.custom;
    let [web, worker] = match case.machine().services() {
        ServiceManager::Systemd => ["active enabled", custom.disabled_by_policy],
        _ => [custom.script_by_policy; 2],
    };
    case.state("web", web)?;
    case.state("worker", worker)
}
