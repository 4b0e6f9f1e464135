//! Services through the life of a machine: scriptlets in the order in which rpm runs them, on a booted systemd.

mod service_fixture;

use omnipack::plan::{BuildPlan, Role};
use omnipack::project::{Enable, ScriptletKind, Service};
use omnipack::service::ServiceParts;
use omnipack::stage::EntryKind;
use service_fixture::*;

/// Tells of each start and then stays.
const PROGRAM: &str = "#!/bin/sh\necho \"$NAME started by $(cat /version)\" >>/seen/starts\nexec sleep 1000\n";

fn named(name: &str) -> Service {
    Service {
        environment: [("NAME".to_owned(), name.to_owned())].into(),
        enable: Enable::Yes,
        start: true,
        user: "daemon".to_owned(),
        ..service(name, "daemon")
    }
}

fn plan_of(services: Vec<Service>) -> BuildPlan {
    let mut main = package("cdhboot", Role::Main);
    main.services = services;
    plan("rocky-9", vec![main])
}

fn parts_of(services: Vec<Service>) -> ServiceParts {
    rendered(&plan_of(services), 0).unwrap()
}

/// Things a test tells the machine to do and show.
fn prelude() -> String {
    format!(
        "mkdir -p /opt/cdhboot/bin /seen; chmod 777 /seen; printf %s {} >/opt/cdhboot/bin/daemon\n\
         chmod 755 /opt/cdhboot/bin/daemon\n\
         state() {{ for s; do echo \"$s $(systemctl is-enabled cdhboot-$s 2>/dev/null) $(systemctl is-active cdhboot-$s)\"; done; }}\n\
         starts() {{ sleep 0.3; sort /seen/starts 2>/dev/null; rm -f /seen/starts; }}\n",
        omnipack::template::sh(PROGRAM)
    )
}

fn scriptlet(parts: &ServiceParts, kind: ScriptletKind, argument: &str) -> String {
    parts.scriptlets.get(&kind).map_or_else(String::new, |scriptlet| {
        let text = omnipack::template::sh(&scriptlet.text);
        format!("printf %s {text} >/scriptlet\n/bin/sh /scriptlet {argument} </dev/null || echo \"{kind:?} exit $?\"\n")
    })
}

fn install(parts: &ServiceParts) -> String {
    [
        "echo v1 >/version\n",
        &scriptlet(parts, ScriptletKind::Pre, "1"),
        &installation(parts),
        &scriptlet(parts, ScriptletKind::Post, "1"),
        &scriptlet(parts, ScriptletKind::Posttrans, ""),
    ]
    .concat()
}

fn remove_files(parts: &ServiceParts, but: Option<&ServiceParts>) -> String {
    let kept = |path: &str| but.is_some_and(|but| but.entries.iter().any(|entry| entry.path.as_str() == path));
    let gone = parts.entries.iter().rev().filter(|entry| !kept(entry.path.as_str()));
    gone.map(|entry| match entry.kind {
        EntryKind::Directory => format!("rmdir {} 2>/dev/null\n", entry.path),
        _ => format!("rm -f {}\n", entry.path),
    })
    .collect()
}

fn upgrade(old: &ServiceParts, new: &ServiceParts) -> String {
    [
        &scriptlet(new, ScriptletKind::Pre, "2"),
        &installation(new),
        &scriptlet(new, ScriptletKind::Post, "2"),
        &scriptlet(old, ScriptletKind::Preun, "1"),
        &remove_files(old, Some(new)),
        "echo v2 >/version\n",
        &scriptlet(old, ScriptletKind::Postun, "1"),
        &scriptlet(new, ScriptletKind::Posttrans, ""),
    ]
    .concat()
}

fn remove(parts: &ServiceParts) -> String {
    [
        &scriptlet(parts, ScriptletKind::Preun, "0"),
        &remove_files(parts, None),
        &scriptlet(parts, ScriptletKind::Postun, "0"),
        "pgrep -x sleep && echo still running\n",
        "systemctl list-units --all --no-legend --plain 'cdhboot*' 2>/dev/null; ls /etc/systemd/system/*.wants | grep cdhboot\n",
        "ls -d /run/omnipack 2>/dev/null\n",
    ]
    .concat()
}

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
        "echo v2 >/version\n",
        &scriptlet(&old, ScriptletKind::Postun, "0"),
        &scriptlet(&new, ScriptletKind::Posttrans, ""),
        "state off on; starts\n",
        &remove(&new),
    ];
    let expected = "off started by v1\non started by v1\noff disabled active\non enabled active\n\
                    off started by v2\non started by v2\n";
    assert_eq!(in_booted_overlay(&script.map(str::to_owned).concat()), expected);
}

/// The runlevel is imitated, everything else is real: the init scripts, their processes and `update-rc.d`.
#[test]
fn init_scripts_live_through_the_same_on_sysvinit() {
    let mut main = package("cdhboot", Role::Main);
    main.services = vec![named("runs"), named("stopped"), Service { enable: Enable::No, start: false, ..named("off") }];
    let mut plan = plan("centos-6", vec![main]);
    plan.interpreter.path = python();
    let parts = rendered(&plan, 0).unwrap();
    let script = [
        "printf '#!/bin/sh\\necho N 3\\n' >/sbin/runlevel.new; chmod 755 /sbin/runlevel.new; mv -f /sbin/runlevel.new /sbin/runlevel\n",
        "mkdir -p /etc/rc.d; ln -s ../init.d /etc/rc.d/init.d\n",
        &prelude(),
        "state() { for s in runs stopped off; do /etc/init.d/cdhboot-$s status | sed 's/ (pid.*//'; done; }\n",
        "links() { ls /etc/rc[0-6].d | grep cdhboot | sort | uniq -c | sed 's/^ *//'; }\n",
        &install(&parts),
        "state; starts; links\n",
        "/etc/init.d/cdhboot-stopped stop >/dev/null\n",
        &upgrade(&parts, &parts),
        "state; starts\n",
        &remove(&parts),
        "links; ls -A /run\n",
    ];
    let expected = "cdhboot-runs: is running\ncdhboot-stopped: is running\ncdhboot-off: is not running\n\
                    runs started by v1\nstopped started by v1\n\
                    7 K01cdhboot-off\n3 K01cdhboot-runs\n3 K01cdhboot-stopped\n4 S01cdhboot-runs\n4 S01cdhboot-stopped\n\
                    cdhboot-runs: is running\ncdhboot-stopped: is not running\ncdhboot-off: is not running\n\
                    runs started by v2\n";
    let (_, said) = in_overlay("dash", &script.map(str::to_owned).concat());
    assert_eq!(said, expected);
}
