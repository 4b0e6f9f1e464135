//! What ran, what was stopped, disabled or masked, and what comes and goes.

use omnipack::plan::Role;
use omnipack::project::{Enable, ScriptletKind, Service};

use crate::service_fixture::*;
use crate::support::*;

#[test]
fn what_ran_is_restarted_once_and_everything_else_stays_as_it_was() {
    let services = || {
        vec![
            named("runs"),
            named("stopped"),
            named("disabled"),
            named("masked"),
            Service { restart_on_upgrade: false, ..named("kept") },
            Service { enable: Enable::No, start: false, ..named("off") },
        ]
    };
    let parts = parts_of(services());
    let all = "state runs stopped disabled masked kept off\n";
    let script = [
        &prelude(),
        &install(&parts),
        all,
        "starts\n",
        "systemctl stop cdhboot-stopped cdhboot-masked; systemctl disable -q cdhboot-disabled; systemctl mask -q cdhboot-masked\n",
        &upgrade(&parts, &parts),
        all,
        "starts\n",
        "systemctl unmask -q cdhboot-masked\n",
        &remove(&parts),
    ];
    let expected = "runs enabled active\nstopped enabled active\ndisabled enabled active\nmasked enabled active\n\
                    kept enabled active\noff disabled inactive\n\
                    disabled started by v1\nkept started by v1\nmasked started by v1\nruns started by v1\nstopped started by v1\n\
                    runs enabled active\nstopped enabled inactive\ndisabled disabled active\nmasked masked inactive\n\
                    kept enabled active\noff disabled inactive\n\
                    disabled started by v2\nruns started by v2\n";
    assert_eq!(in_booted_overlay(&script.map(str::to_owned).concat()), expected);
}

#[test]
fn services_come_and_go_with_versions() {
    let (old, new) = (parts_of(vec![named("stays"), named("goes")]), parts_of(vec![named("stays"), named("comes")]));
    let script = [
        &prelude(),
        &install(&old),
        "starts\n",
        &upgrade(&old, &new),
        "state stays comes; starts; pgrep -c -x sleep; systemctl list-units --all --no-legend --plain '*goes*'\n",
        &remove(&new),
    ];
    let expected = "goes started by v1\nstays started by v1\nstays enabled active\ncomes enabled active\n\
                    comes started by v2\nstays started by v2\n2\n";
    assert_eq!(in_booted_overlay(&script.map(str::to_owned).concat()), expected);
}

#[test]
fn a_service_moves_to_another_package_without_a_stop() {
    let old = parts_of(vec![named("off"), named("on")]);
    let mut plan = plan_of(Vec::new());
    let mut node = package("cdhboot-node", Role::Meta);
    node.services.extend([named("off"), named("on")]);
    plan.packages.push(node);
    let new = rendered(&plan, 1).unwrap();
    let script = [
        &prelude(),
        &install(&old),
        "systemctl disable -q cdhboot-off; starts\n",
        &scriptlet(&new, ScriptletKind::Pre, "1"),
        &installation(&new),
        &scriptlet(&new, ScriptletKind::Post, "1"),
        &scriptlet(&old, ScriptletKind::Preun, "0"),
        "systemctl is-active cdhboot-on\n",
        "echo v2 >/version\n",
        &scriptlet(&old, ScriptletKind::Postun, "0"),
        &scriptlet(&new, ScriptletKind::Posttrans, ""),
        "state off on; starts\n",
        &remove(&new),
    ];
    let expected = "off started by v1\non started by v1\nactive\noff disabled active\non enabled active\n\
                    off started by v2\non started by v2\n";
    assert_eq!(in_booted_overlay(&script.map(str::to_owned).concat()), expected);
}

/// The package manager goes on, and the operator is told.
#[test]
fn a_start_that_fails_is_said() {
    let old = parts_of(vec![named("fails"), named("masked"), named("runs")]);
    let new = parts_of(vec![named("fails"), named("masked"), named("runs"), named("comes")]);
    let said = on_a_machine(&[
        &install(&old),
        "starts >/dev/null; systemctl mask -q cdhboot-masked\n",
        "for s in fails comes; do\n\
         mkdir -p /etc/systemd/system/cdhboot-$s.service.d\n\
         printf '[Service]\\nExecStartPre=/bin/false\\nRestart=no\\n' >/etc/systemd/system/cdhboot-$s.service.d/fail.conf\n\
         done\n",
        &upgrade(&old, &new),
        "state fails masked runs comes; starts; rm -r /etc/systemd/system/*.service.d; systemctl unmask -q cdhboot-masked\n",
        &remove(&new),
    ]);
    let expected = "warning: cdhboot-fails.service could not be restarted; see systemctl status cdhboot-fails.service\n\
                    warning: cdhboot-comes.service could not be started; see systemctl status cdhboot-comes.service\n\
                    fails enabled failed\nmasked masked active\nruns enabled active\ncomes enabled failed\n\
                    runs started by v2\n";
    assert_eq!(said, expected);
}
