//! A package's services and the steps of a transaction, as commands of a shell.

use omnipack::plan::{BuildPlan, Role};
use omnipack::project::{Enable, ScriptletKind, Service};
use omnipack::service::ServiceParts;
use omnipack::stage::EntryKind;

use crate::service_fixture::*;

/// Tells of each start and then stays.
const PROGRAM: &str = "#!/bin/sh\numask 0\necho \"$NAME started by $(cat /version)\" >>/seen/starts\nexec sleep 1000\n";

pub const UNITS: &str = "/usr/lib/systemd/system";

pub fn named(name: &str) -> Service {
    Service {
        environment: [("NAME".to_owned(), name.to_owned())].into(),
        enable: Enable::Yes,
        start: true,
        user: "daemon".to_owned(),
        hardening: false,
        ..service(name, "daemon")
    }
}

pub fn plan_of(services: Vec<Service>) -> BuildPlan {
    let mut main = package("cdhboot", Role::Main);
    main.services = services;
    plan("rocky-9", vec![main])
}

pub fn parts_of(services: Vec<Service>) -> ServiceParts {
    rendered(&plan_of(services), 0).unwrap()
}

/// Things a test tells the machine to do and show.
pub fn prelude() -> String {
    format!(
        "mkdir -p /opt/cdhboot/bin /seen; chmod 777 /seen; printf %s {} >/opt/cdhboot/bin/daemon\n\
         chmod 755 /opt/cdhboot/bin/daemon\n\
         quiet() {{ for try in 1 2 3 4 5 6 7 8 9; do before=$after; sleep 0.4; after=$(cat /seen/starts 2>&1); [ \"$before\" != \"$after\" ] || break; done; }}\n\
         state() {{ for s; do echo \"$s $(systemctl is-enabled cdhboot-$s 2>/dev/null) $(systemctl is-active cdhboot-$s)\"; done; }}\n\
         starts() {{ quiet; sort /seen/starts 2>/dev/null; rm -f /seen/starts; }}\n",
        omnipack::template::sh(PROGRAM)
    )
}

/// A step of a transaction.
pub fn scriptlet(parts: &ServiceParts, kind: ScriptletKind, argument: &str) -> String {
    parts.scriptlets.get(&kind).map_or_else(String::new, |scriptlet| {
        let text = omnipack::template::sh(&scriptlet.text);
        format!("printf %s {text} >/scriptlet\n/bin/sh /scriptlet {argument} </dev/null || echo \"{kind:?} exit $?\"\n")
    })
}

pub fn install(parts: &ServiceParts) -> String {
    [
        "echo v1 >/version\n",
        &scriptlet(parts, ScriptletKind::Pre, "1"),
        &installation(parts),
        &scriptlet(parts, ScriptletKind::Post, "1"),
        &scriptlet(parts, ScriptletKind::Posttrans, ""),
    ]
    .concat()
}

pub fn remove_files(parts: &ServiceParts, but: Option<&ServiceParts>) -> String {
    let kept = |path: &str| but.is_some_and(|but| but.entries.iter().any(|entry| entry.path.as_str() == path));
    let gone = parts.entries.iter().rev().filter(|entry| !kept(entry.path.as_str()));
    gone.map(|entry| match entry.kind {
        EntryKind::Directory => format!("rmdir {} 2>/dev/null\n", entry.path),
        _ => format!("rm -f {}\n", entry.path),
    })
    .collect()
}

/// The steps of an upgrade in rpm's order.
pub fn steps(old: &ServiceParts, new: &ServiceParts) -> Vec<String> {
    vec![
        scriptlet(new, ScriptletKind::Pre, "2"),
        installation(new),
        scriptlet(new, ScriptletKind::Post, "2"),
        scriptlet(old, ScriptletKind::Preun, "1"),
        format!("{}echo v2 >/version\n", remove_files(old, Some(new))),
        scriptlet(old, ScriptletKind::Postun, "1"),
        scriptlet(new, ScriptletKind::Posttrans, ""),
    ]
}

pub fn upgrade(old: &ServiceParts, new: &ServiceParts) -> String {
    steps(old, new).concat()
}

/// Removes the package, and shows what is left of it.
pub fn remove(parts: &ServiceParts) -> String {
    [
        &scriptlet(parts, ScriptletKind::Preun, "0"),
        &remove_files(parts, None),
        &scriptlet(parts, ScriptletKind::Postun, "0"),
        "pgrep -x sleep && echo still running\n",
        // What is neither there nor did anything is forgotten as soon as its control group is known to be empty.
        "systemctl list-units --all --no-legend --plain 'cdhboot*' 2>/dev/null | grep -v 'not-found *inactive *dead'; find /etc/systemd/system -name '*cdhboot*'\n",
        "ls -d /var/lib/omnipack* /var/lib/systemd/timers/*cdhboot* /run/omnipack* 2>/dev/null\n",
    ]
    .concat()
}

/// Boots a machine, runs the pieces one after the other, and gives what they printed.
pub fn on_a_machine(pieces: &[&str]) -> String {
    in_booted_overlay(&[&prelude(), &pieces.concat()[..]].concat())
}
