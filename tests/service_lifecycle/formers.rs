//! A service that takes the place of another: renamed, or of a package made by hand that ours makes obsolete.

use omnipack::project::{ScriptletKind, Service};
use omnipack::service::ServiceParts;

use crate::service_fixture::*;
use crate::support::*;

fn renamed(names: &[&str]) -> ServiceParts {
    let service = |name: &&str| Service { formerly: vec![format!("old-{name}")], ..named(name) };
    parts_of(names.iter().map(service).collect())
}

/// The transaction of a package that makes one obsolete whose files and removal are `files` and `removal`.
fn replacement(new: &ServiceParts, before: &str, files: &str, after: &str) -> String {
    [
        &scriptlet(new, ScriptletKind::Pre, "1"),
        &installation(new),
        &scriptlet(new, ScriptletKind::Post, "1"),
        before,
        files,
        "echo v2 >/version\n",
        after,
        &scriptlet(new, ScriptletKind::Posttrans, ""),
    ]
    .concat()
}

/// Text of a unit whose process tells of its start as `name`.
fn daemon(name: &str) -> String {
    format!(
        "[Service]\nEnvironment=NAME={name}\nExecStart=/opt/cdhboot/bin/daemon\n\
         [Install]\nWantedBy=multi-user.target\n"
    )
}

fn handmade(name: &str) -> String {
    let text = omnipack::template::sh(&daemon(name));
    format!("printf %s {text} >{UNITS}/{name}.service\n")
}

#[test]
fn a_service_under_another_name_stays_as_it_was() {
    let names = ["on", "off", "stopped", "masked"];
    let new = renamed(&names);
    let old = names.map(|name| handmade(&format!("old-{name}"))).concat();
    let gone = names.map(|name| format!("rm -f {UNITS}/old-{name}.service\n")).concat();
    let said = on_a_machine(&[
        "echo v1 >/version\n",
        &old,
        "systemctl daemon-reload; systemctl enable -q --now old-on old-stopped old-masked; systemctl start old-off\n",
        "systemctl stop old-stopped old-masked; systemctl disable -q old-masked; systemctl mask -q old-masked\n",
        "mkdir -p /etc/systemd/system/graphical.target.wants; ln -s /usr/lib/systemd/system/old-on.service \
         /etc/systemd/system/graphical.target.wants\n",
        "starts\n",
        &replacement(&new, "pgrep -c -x sleep\n", &gone, "systemctl daemon-reload\n"),
        "state on off stopped masked; starts; find /etc/systemd/system -name 'old-*'; pgrep -c -x sleep\n",
        "systemctl list-units --all --plain --no-legend 'old-*'\n",
        &remove(&new),
    ]);
    let expected = "old-masked started by v1\nold-off started by v1\nold-on started by v1\nold-stopped started by v1\n\
                    0\n\
                    on enabled active\noff disabled active\nstopped enabled inactive\nmasked disabled inactive\n\
                    off started by v2\non started by v2\n/etc/systemd/system/old-masked.service\n2\n";
    assert_eq!(said, expected);
}

/// An init script that nobody owns any more, whose process systemd does not know of.
#[test]
fn a_unit_takes_the_place_of_an_init_script() {
    let new = renamed(&["web"]);
    let script = "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: old-web\n# Required-Start:\n# Required-Stop:\n\
                  # Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n### END INIT INFO\n\
                  case $1 in\nstart) NAME=old setsid /opt/cdhboot/bin/daemon & echo $! >/run/old-web.pid ;;\n\
                  stop) kill $(cat /run/old-web.pid); rm -f /run/old-web.pid ;;\n\
                  status) [ -e /run/old-web.pid ] || exit 3 ;;\nesac\n";
    let said = on_a_machine(&[
        "echo v1 >/version\n",
        &format!("printf %s {} >/etc/init.d/old-web; chmod 755 /etc/init.d/old-web\n", omnipack::template::sh(script)),
        "for level in 2 3 4 5; do ln -s ../init.d/old-web /etc/rc$level.d/S20old-web; done\n",
        "/etc/init.d/old-web start; systemctl daemon-reload; starts\n",
        &replacement(&new, "", "", ""),
        "state web; starts; pgrep -c -x sleep; ls /etc/rc?.d | grep old-web; ls /run/old-web.pid 2>/dev/null\n",
        &remove(&new),
    ]);
    assert_eq!(said, "old started by v1\nweb enabled active\nweb started by v2\n1\n");
}

/// What another package's scriptlets do when it goes is meant for its own service, not for ours of the same name.
#[test]
fn a_handmade_package_with_a_service_of_the_same_name_is_replaced() {
    let new = parts_of(vec![named("web"), named("worker")]);
    let old = ["cdhboot-web", "cdhboot-worker"].map(handmade).concat();
    let said = on_a_machine(&[
        "echo v1 >/version\n",
        &old,
        "systemctl daemon-reload; systemctl enable -q --now cdhboot-web; systemctl start cdhboot-worker; starts\n",
        &replacement(
            &new,
            "systemctl disable -q --now cdhboot-web cdhboot-worker\n",
            "",
            "systemctl daemon-reload; systemctl try-restart cdhboot-web\n",
        ),
        "state web worker; starts\n",
        &remove(&new),
    ]);
    let expected = "cdhboot-web started by v1\ncdhboot-worker started by v1\nweb enabled active\nworker disabled active\n\
                    web started by v2\nworker started by v2\n";
    assert_eq!(said, expected);
}
