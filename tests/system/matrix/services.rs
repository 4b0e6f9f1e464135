//! Service managers: what a row asks of them, in the same words for all.

use super::case::{Case, Outcome};

/// Which one runs the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Services {
    Systemd,
    Sysvinit,
}

impl Services {
    /// `active` or `inactive`, and `enabled`, `disabled`, `masked` or `absent`.
    pub fn state(self, case: &Case, id: &str) -> String {
        match self {
            Self::Systemd => {
                let ask = |verb: &str| {
                    case.try_run("systemctl", &[verb, &format!("{id}.service")]).stdout_text().trim().to_owned()
                };
                // An unknown unit is `not-found` since systemd 253, and nothing before.
                let enabled = match ask("is-enabled").as_str() {
                    "" | "not-found" => "absent".to_owned(),
                    word => word.to_owned(),
                };
                format!("{} {enabled}", ask("is-active"))
            }
            Self::Sysvinit => {
                let active = case.try_run("service", &[id, "status"]).code == 0;
                let enabled = case.try_run("sh", &["-c", &format!("ls /etc/rc2.d/S[0-9][0-9]{id}")]).code == 0;
                if case.try_run("test", &["-e", &format!("/etc/init.d/{id}")]).code != 0 {
                    return "inactive absent".to_owned();
                }
                let word = |yes: bool, word: &'static str, other: &'static str| if yes { word } else { other };
                format!("{} {}", word(active, "active", "inactive"), word(enabled, "enabled", "disabled"))
            }
        }
    }

    /// Number of the main process, if there is one.
    pub fn process(self, case: &Case, id: &str) -> Result<String, String> {
        let said = match self {
            Self::Systemd => case.sh(&format!("systemctl show -p MainPID {id}.service | sed s/MainPID=//"))?,
            Self::Sysvinit => case.sh(&format!("head -n 1 /var/run/{id}.pid"))?,
        };
        Ok(said.trim().to_owned())
    }

    /// `start`, `stop` or `restart`.
    pub fn order(self, case: &Case, verb: &str, id: &str) -> Outcome {
        match self {
            Self::Systemd => case.sh(&format!("systemctl {verb} {id}.service"))?,
            Self::Sysvinit => case.sh(&format!("service {id} {verb}"))?,
        };
        Ok(())
    }

    /// `enable` or `disable`.
    pub fn set(self, case: &Case, verb: &str, id: &str) -> Outcome {
        match self {
            Self::Systemd => case.sh(&format!("systemctl --quiet {verb} {id}.service"))?,
            Self::Sysvinit => case.sh(&format!("update-rc.d {id} {verb}"))?,
        };
        Ok(())
    }

    /// Masks a service; false where the service manager knows no such thing.
    pub fn mask(self, case: &Case, id: &str) -> Result<bool, String> {
        if self == Self::Systemd {
            case.sh(&format!("systemctl --quiet mask {id}.service"))?;
        }
        Ok(self == Self::Systemd)
    }

    /// What the service manager still knows or has noted of services whose names begin with `prefix`.
    pub fn memory(self, case: &Case, prefix: &str) -> Result<String, String> {
        match self {
            Self::Systemd => case.sh(&format!("systemctl list-units --all --plain --no-legend '{prefix}*'")),
            Self::Sysvinit => case.sh(&format!("ls -d /etc/rc?.d/*{prefix}* /var/run/{prefix}* 2>/dev/null || :")),
        }
    }
}
