//! Scriptlets where little is as it should be.

use omnipack::project::{ScriptletKind, Service};

use crate::service_fixture::*;
use crate::support::*;

/// A shell that stops at undefined variables and failures, without PATH and HOME, with a temporary directory that is not
/// there, and notes that cannot be written.
#[test]
fn a_strange_environment_changes_nothing() {
    let mut plan = plan_of(vec![named("web"), Service { count: Some(2), ..named("worker") }]);
    for kind in [ScriptletKind::Pre, ScriptletKind::Post, ScriptletKind::Preun, ScriptletKind::Postun] {
        plan.packages[0].scriptlets.insert(kind, format!("echo my {kind:?}\n"));
    }
    let parts = rendered(&plan, 0).unwrap();
    let script = [install(&parts), upgrade(&parts, &parts), remove(&parts)].concat();
    let all = "my Pre\nmy Post\nmy Pre\nmy Post\nmy Preun\nmy Postun\nmy Preun\nmy Postun\n";
    let environments = [
        "env -i TMPDIR=/nowhere /bin/sh -eu /scriptlet",
        "env -i SHELLOPTS=errexit:nounset:noclobber:noglob TMPDIR=/nowhere /bin/bash /scriptlet",
        "env -i /bin/busybox sh -eu /scriptlet",
    ];
    for environment in environments {
        let script = script.replace("/bin/sh /scriptlet", environment);
        assert_eq!(in_overlay("dash", &script).1, all, "{environment}");
        let read_only = format!("mount -t tmpfs -o ro none /run; mount -t tmpfs -o ro none /var/lib\n{script}");
        assert_eq!(in_overlay("dash", &read_only).1, all, "{environment}");
        let no_execution = format!("mount -o remount,noexec /tmp; rm -rf /run/* 2>/dev/null\n{script}");
        assert_eq!(in_overlay("dash", &no_execution).1, all, "{environment}");
    }
}

/// Image builders give a root of its own the `/run` and `/proc` of the machine that they run on.
#[test]
fn a_chroot_on_a_machine_with_systemd_starts_nothing_there() {
    let parts = parts_of(vec![named("web")]);
    let inside = [install(&parts), upgrade(&parts, &parts)].concat();
    let said = on_a_machine(&[
        "mkdir -p /image; mount -t tmpfs tmpfs /image; cd /image; mkdir usr run proc etc tmp dev var var/lib; cp -a /bin /sbin /lib /lib64 .\n",
        "mount --rbind /run /image/run; mount --rbind /proc /image/proc; mount --rbind /dev /image/dev\n",
        "mkdir /changes; mount -t tmpfs tmpfs /changes; mkdir /changes/upper /changes/work\n",
        "mount -t overlay overlay -o lowerdir=/usr,upperdir=/changes/upper,workdir=/changes/work usr\n",
        "cp -a /etc/passwd /etc/group /etc/ld.so.cache /image/etc; mkdir -p /image/etc/systemd/system\n",
        &format!("cat >/image/inside <<'OMNIPACK_INSIDE'\n{inside}\nOMNIPACK_INSIDE\nchroot /image /bin/sh /inside\n"),
        "ls etc/systemd/system/multi-user.target.wants; pgrep -c -x sleep; starts\n",
        "ls -d /image/var/lib/omnipack* 2>/dev/null\n",
    ]);
    assert_eq!(said, "cdhboot-web.service\n0\n");
}
