//! The same with init scripts. The runlevel is imitated, everything else is real: the init scripts, their processes and
//! `update-rc.d`.

use omnipack::plan::Role;
use omnipack::project::{Enable, Service};
use omnipack::service::ServiceParts;

use crate::service_fixture::*;
use crate::support::*;

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

/// A machine with init scripts, which shows by `running` and `links` what is there of them.
fn script(pieces: &[&str]) -> String {
    let before = "printf '#!/bin/sh\\necho N 3\\n' >/sbin/runlevel.new; chmod 755 /sbin/runlevel.new; mv -f /sbin/runlevel.new /sbin/runlevel\n\
                  mkdir -p /etc/rc.d; ln -s ../init.d /etc/rc.d/init.d\n\
                  running() { for s; do printf '%s ' $s; /etc/init.d/$s status >/dev/null 2>&1 && echo runs || echo off; done; }\n\
                  links() { ls /etc/rc3.d | grep -E 'cdhboot|old-web' | sort; }\n";
    in_overlay("dash", &[before, &prelude(), &pieces.concat()].concat()).1
}

fn parts(services: Vec<Service>) -> ServiceParts {
    let mut plan = plan_of(services);
    plan.distribution = distribution("centos-6");
    plan.interpreter.path = python();
    rendered(&plan, 0).unwrap()
}

/// The init script of `parts` that is called `id`, once more as `copy`.
fn with_copy(mut parts: ServiceParts, id: &str, copy: &str) -> ServiceParts {
    let path = format!("/etc/rc.d/init.d/{id}");
    let copied = format!("/etc/rc.d/init.d/{copy}");
    let mut entry = parts.entries.iter().find(|entry| entry.path.as_str() == path).unwrap().clone();
    let text = content(&entry).replace(id, copy);
    entry.path = omnipack::stage::TargetPath::new(&copied).unwrap();
    entry.kind = omnipack::stage::EntryKind::File(omnipack::stage::Content::Bytes(text.into_bytes().into()));
    parts.entries.retain(|other| other.path.as_str() != copied);
    parts.entries.push(entry);
    parts
}

#[test]
fn a_service_that_the_new_version_does_not_have_is_stopped() {
    let (old, new) = (parts(vec![named("stays"), named("goes")]), parts(vec![named("stays"), named("comes")]));
    let said = script(&[
        &install(&old),
        &upgrade(&old, &new),
        "running cdhboot-stays cdhboot-comes; links; starts; pgrep -c -x sleep\n",
        &remove(&new),
        "links; ls -A /run /var/lib/omnipack-transaction 2>/dev/null | grep cdhboot\n",
    ]);
    let expected = "cdhboot-stays runs\ncdhboot-comes runs\nS01cdhboot-comes\nS01cdhboot-stays\ncomes started by v2\n\
                    goes started by v1\nstays started by v1\nstays started by v2\n2\n";
    assert_eq!(said, expected);
}

#[test]
fn instances_come_go_and_take_the_place_of_the_one_before() {
    let instances = |count: u32| {
        let plain = parts(vec![named("web")]);
        let mut parts = parts(vec![Service { count: Some(count), ..named("web") }]);
        parts.entries.retain(|entry| !entry.path.as_str().contains("/cdhboot-web"));
        let script = plain.entries.iter().find(|entry| entry.path.as_str().ends_with("init.d/cdhboot-web")).unwrap();
        parts.entries.push(script.clone());
        for number in 1..=count {
            parts = with_copy(parts, "cdhboot-web", &format!("cdhboot-web-{number}"));
        }
        parts.entries.retain(|entry| !entry.path.as_str().ends_with("init.d/cdhboot-web"));
        parts
    };
    let (plain, two, one) = (parts(vec![named("web")]), instances(2), instances(1));
    let show = "links; ls /etc/init.d | grep cdhboot; pgrep -c -x sleep; starts\n";
    let said = script(&[
        &install(&plain),
        &upgrade(&plain, &two),
        show,
        &upgrade(&two, &one),
        show,
        &upgrade(&one, &plain),
        show,
        &remove(&plain),
    ]);
    let expected = "S01cdhboot-web-1\nS01cdhboot-web-2\ncdhboot-web-1\ncdhboot-web-2\n2\n\
                    web started by v1\nweb started by v2\nweb started by v2\n\
                    S01cdhboot-web-1\ncdhboot-web-1\n1\nweb started by v2\n\
                    S01cdhboot-web\ncdhboot-web\n1\nweb started by v2\n";
    assert_eq!(said, expected);
}

#[test]
fn an_init_script_takes_the_place_of_another() {
    let old = with_copy(parts(vec![named("web")]), "cdhboot-web", "old-web");
    let new = parts(vec![Service { formerly: vec!["old-web".to_owned()], ..named("web") }]);
    let keep_old = "rm -f /etc/init.d/cdhboot-web; update-rc.d old-web defaults >/dev/null; /etc/init.d/old-web start >/dev/null\n";
    let script_of = |off: &str| {
        script(&[
            "echo v1 >/version\n",
            &installation(&old),
            keep_old,
            off,
            &scriptlet(&new, omnipack::project::ScriptletKind::Pre, "1"),
            &installation(&new),
            &scriptlet(&new, omnipack::project::ScriptletKind::Post, "1"),
            "rm -f /etc/init.d/old-web; echo v2 >/version\n",
            &scriptlet(&new, omnipack::project::ScriptletKind::Posttrans, ""),
            "running cdhboot-web; links; starts; pgrep -c -x sleep\n",
            &remove(&new),
        ])
    };
    let on = "cdhboot-web runs\nS01cdhboot-web\nweb started by v1\nweb started by v2\n1\n";
    assert_eq!(script_of(""), on);
    let off = "cdhboot-web off\nK01cdhboot-web\nweb started by v1\n0\n";
    assert_eq!(script_of("/etc/init.d/old-web stop >/dev/null; update-rc.d old-web disable 2>/dev/null\n"), off);
}

/// A file that cron reads and that somebody called like the service does not make it one that cron runs.
#[test]
fn only_a_line_that_runs_the_script_makes_a_service_one_of_cron() {
    let plain = parts(vec![named("web")]);
    let scheduled = parts(vec![Service {
        schedule: Some(calendars(&["*-*-* 00:00:00"])),
        kind: "oneshot".to_owned(),
        restart: "no".to_owned(),
        ..named("web")
    }]);
    let show = "running cdhboot-web; links; starts\n";
    let said = script(&[
        &install(&plain),
        "echo '0 4 * * * root /usr/local/bin/rotate' >/etc/cron.d/cdhboot-web\n",
        "/etc/init.d/cdhboot-web stop >/dev/null; update-rc.d cdhboot-web disable 2>/dev/null; starts >/dev/null\n",
        &upgrade(&plain, &plain),
        show,
        &remove(&plain),
        "rm /etc/cron.d/cdhboot-web\n",
        &install(&scheduled),
        show,
        &upgrade(&scheduled, &plain),
        show,
        &upgrade(&plain, &scheduled),
        show,
        &remove(&scheduled),
    ]);
    let expected = "cdhboot-web off\nK01cdhboot-web\ncdhboot-web off\n\
                    cdhboot-web runs\nS01cdhboot-web\nweb started by v2\ncdhboot-web off\n";
    assert_eq!(said, expected);
}

/// `web` would take the place of its own first instance, had it been more than one.
#[test]
fn a_new_service_does_not_take_the_place_of_another_of_the_same_build() {
    let old = parts(vec![named("web-1")]);
    let new = parts(vec![named("web-1"), named("web")]);
    let said = script(&[
        &install(&old),
        "update-rc.d cdhboot-web-1 disable 2>/dev/null; starts\n",
        &upgrade(&old, &new),
        "running cdhboot-web cdhboot-web-1; links; starts\n",
        &remove(&new),
    ]);
    let expected = "web-1 started by v1\ncdhboot-web runs\ncdhboot-web-1 runs\nK01cdhboot-web-1\nS01cdhboot-web\n\
                    web started by v2\nweb-1 started by v2\n";
    assert_eq!(said, expected);
}

#[test]
fn a_start_that_fails_is_said() {
    let (old, new) = (parts(vec![named("web")]), parts(vec![named("web"), named("comes")]));
    let said = script(&[
        &install(&old),
        "starts; rm /opt/cdhboot/bin/daemon\n",
        &upgrade(&old, &new),
        "links\n",
        &remove(&new),
    ]);
    let expected = "web started by v1\n\
                    warning: cdhboot-web could not be restarted; see /var/log/cdhboot-web.log\n\
                    warning: cdhboot-comes could not be started; see /var/log/cdhboot-comes.log\n\
                    S01cdhboot-comes\nS01cdhboot-web\n";
    assert_eq!(said, expected);
}
