//! What rows ask of service managers beside what the engine knows, in the same words for all.

use omnipack::smoke::{Error, Machine, ServiceManager, State};

use super::case::{Case, Outcome};

/// `active` or `inactive`, and `enabled`, `disabled`, `masked` or `absent`.
pub fn state(machine: &Machine, id: &str) -> Result<String, String> {
    let services = machine.services();
    let active = match services.state(machine, id).map_err(text)? {
        State::Running => "active",
        State::Changing => "changing",
        State::Stopped => "inactive",
        State::Failed => "failed",
    };
    let known = match services {
        ServiceManager::Systemd => services.property(machine, id, "LoadState").map_err(text)?,
        _ if machine.run("test", &["-e", &format!("/etc/init.d/{id}")]).map_err(text)?.code == 0 => "loaded".to_owned(),
        _ => "not-found".to_owned(),
    };
    let enabled = match known.as_str() {
        "not-found" => "absent",
        "masked" => "masked",
        _ if services.is_enabled(machine, id).map_err(text)? => "enabled",
        _ => "disabled",
    };
    Ok(format!("{active} {enabled}"))
}

/// `enable` or `disable`.
pub fn set(case: &Case, verb: &str, id: &str) -> Outcome {
    match case.machine().services() {
        ServiceManager::Systemd => case.sh(&format!("systemctl --quiet {verb} {id}.service"))?,
        // update-rc.d leaves a script alone that names no runlevels; an operator renames the link.
        _ => case
            .sh(&format!("update-rc.d {id} {verb} 2>/dev/null || mv /etc/rc2.d/K[0-9][0-9]{id} /etc/rc2.d/S50{id}"))?,
    };
    Ok(())
}

/// Masks a service; false where the service manager knows no such thing.
pub fn mask(case: &Case, id: &str) -> Result<bool, String> {
    let known = *case.machine().services() == ServiceManager::Systemd;
    if known {
        case.sh(&format!("systemctl --quiet mask {id}.service"))?;
    }
    Ok(known)
}

/// What the service manager still knows or has noted of services whose names begin with `prefix`. A unit without a file
/// that is dead is only a name in systemd's memory.
pub fn memory(case: &Case, prefix: &str) -> Result<String, String> {
    match case.machine().services() {
        ServiceManager::Systemd => {
            let list = case.sh(&format!("systemctl list-units --all --plain --no-legend '{prefix}*'"))?;
            let fields = |line: &str| line.split_whitespace().skip(1).take(2).collect::<Vec<_>>().join(" ");
            Ok(list.lines().filter(|line| fields(line) != "not-found inactive").collect::<Vec<_>>().join("; "))
        }
        _ => case.sh(&format!(
            "ls -d /etc/rc?.d/*{prefix}* /var/run/{prefix}*.pid /var/lock/subsys/{prefix}* 2>/dev/null || :"
        )),
    }
}

pub fn text(error: Error) -> String {
    error.to_string()
}
