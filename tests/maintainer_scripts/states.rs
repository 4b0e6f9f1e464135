//! Every state of policy 6.5, where no service runs: a chroot, as in a container's or an image's build.

use omnipack::distribution::InitSystem;
use omnipack::exec::Command;
use omnipack::plan::BuildPlan;
use omnipack::project::{BytecodeMode, ScriptletKind, Service};

use crate::service_fixture::*;
use crate::support::*;

/// Every kind of service.
fn every_kind(distribution: &str) -> BuildPlan {
    let services = vec![
        named("web"),
        Service { count: Some(2), ..named("many") },
        Service { schedule: Some(calendars(&["*-*-* 04:30:00"])), ..named("report") },
        Service { listen: vec!["/run/cdhboot.sock".to_owned()], formerly: vec!["old api".to_owned()], ..named("api") },
    ];
    let mut plan = plan_of(distribution, services);
    plan.target = true;
    let mut user = user("cdhboot", "/var/lib/cdhboot");
    user.remove = true;
    plan.packages[0].users.push(user);
    plan
}

fn with_scripts(plan: &mut BuildPlan) {
    let kinds = [
        (ScriptletKind::Pre, "pre"),
        (ScriptletKind::Post, "post"),
        (ScriptletKind::Preun, "preun"),
        (ScriptletKind::Postun, "postun"),
        (ScriptletKind::Posttrans, "posttrans"),
        (ScriptletKind::Purge, "purge"),
    ];
    plan.packages[0].scriptlets = kinds
        .map(|(kind, word)| (kind, format!("#!/bin/sh\necho \"{word} $*\"\nexit $(cat /fail-{word} 2>/dev/null)\n")))
        .into();
}

#[test]
fn a_life_in_a_chroot_is_quiet_and_leaves_nothing() {
    let plan = every_kind("debian-12");
    let (one, two) = (Deb::new(&plan, "1"), Deb::new(&plan, "2"));
    let script = format!(
        "{}{}{}places() {{ find /etc /opt /run /srv /usr/lib/systemd /usr/lib/tmpfiles.d /usr/share/omnipack /usr/share/doc /var -xdev ! -path '/var/tmp/*' ! -path '/var/lib/dpkg*' ! -path '/var/log/*' ! -path '/etc/*-' 2>/dev/null | sort; }}; places >/before; getent passwd | sort >/accounts\n\
         try dpkg -i {one}; links | wc -l; try dpkg -i {one}; try dpkg -i {two}; links | wc -l; try dpkg -r cdhboot; links | wc -l\n\
         ls /var/lib/omnipack-transaction 2>/dev/null; getent passwd cdhboot | cut -d: -f7\n\
         try dpkg -i {one}; try dpkg -P cdhboot; links; getent passwd | sort | diff /accounts -; dpkg -P cdhboot 2>/dev/null\n\
         places | diff - /before\n",
        prelude(InitSystem::Systemd),
        one.build(),
        two.build(),
        one = one.path(),
        two = two.path(),
    );
    let (_, output) = in_overlay("dash", &script);
    assert_eq!(output, "12\n12\n12\n/usr/sbin/nologin\n");
}

#[test]
fn without_debians_helpers_a_service_is_registered_and_purged() {
    let plan = plan_of("debian-12", vec![named("web")]);
    let (one, two) = (Deb::new(&plan, "1"), Deb::new(&plan, "2"));
    let script = format!(
        "{}{}{}rm /usr/bin/deb-systemd-helper /usr/bin/deb-systemd-invoke\n\
         try dpkg -i {one}; links; try dpkg -i {two}; links; try dpkg -r cdhboot; try dpkg -P cdhboot; echo purged; links\n",
        prelude(InitSystem::Systemd),
        one.build(),
        two.build(),
        one = one.path(),
        two = two.path(),
    );
    let link = "multi-user.target.wants/cdhboot-web.service\n";
    assert_eq!(in_overlay("dash", &script), (0, format!("{link}{link}purged\n")));
}

/// What a maintainer script may be called with, besides dpkg's own.
const ENVIRONMENTS: [&str; 4] = ["", "DPKG_ROOT=/elsewhere ", "PATH=/nowhere SHELLOPTS=errexit:noglob ", "env -i "];

#[test]
fn every_script_ends_well_in_every_state_twice() {
    let calls = [
        ("preinst", "install\ninstall 0.9\nupgrade 0.9\nabort-upgrade 2"),
        (
            "postinst",
            "configure\nconfigure 0.9\nabort-upgrade 2\nabort-remove\nabort-remove in-favour rival 1\n\
                      abort-deconfigure in-favour breaker 1\nabort-deconfigure in-favour breaker 1 removing other 1\ntriggered /some/path",
        ),
        (
            "prerm",
            "upgrade 2\nfailed-upgrade 0.9\nremove\nremove in-favour rival 1\ndeconfigure in-favour breaker 1\n\
                   deconfigure in-favour breaker 1 removing other 1",
        ),
        (
            "postrm",
            "remove\nupgrade 2\nfailed-upgrade 0.9\nabort-install\nabort-install 0.9\nabort-upgrade 0.9\ndisappear other 1\npurge",
        ),
    ];
    for distribution in ["debian-12", "debian-12-sysvinit"] {
        let plan = every_kind(distribution);
        let mut script = "export DPKG_MAINTSCRIPT_PACKAGE=cdhboot\n".to_owned();
        for (name, text) in scripts(&plan, 0) {
            let (_, states) = calls.iter().find(|(known, _)| *known == name).unwrap();
            script.push_str(&format!("printf %s {} >/script; chmod 755 /script\n", omnipack::template::sh(&text)));
            for state in states.lines() {
                for environment in ENVIRONMENTS {
                    // Refused with a message, for no account can be made there.
                    if name == "preinst" && environment.starts_with("DPKG_ROOT") {
                        continue;
                    }
                    let times = if environment.is_empty() { "1 2" } else { "1" };
                    let call =
                        format!("{environment}/script {state} </dev/null || echo '{environment}{name} {state}:' $?");
                    script.push_str(&format!("for i in {times}; do {call}; done\n"));
                }
            }
        }
        // Where /bin/sh is bash, the same text runs.
        for shell in if distribution == "debian-12" { ["/bin/dash", "/bin/bash"].as_slice() } else { &["/bin/dash"] } {
            let (_, output) = in_overlay("dash", &script.replace("#!/bin/sh", &format!("#!{shell}")));
            assert_eq!(output, "", "{distribution} {shell}");
        }
    }
}

#[test]
fn a_users_scripts_run_with_dpkgs_arguments() {
    let mut plan = plan_of("debian-12", vec![named("web")]);
    with_scripts(&mut plan);
    let (one, two) = (Deb::new(&plan, "1"), Deb::new(&plan, "2"));
    let script = format!(
        "{}{}{}try dpkg -i {one}; try dpkg -i {two}; try dpkg -r cdhboot; try dpkg -i {one}; try dpkg -P cdhboot\n\
         echo failures; for s in post preun postun posttrans purge; do echo 7 >/fail-$s; done; try dpkg -i {one}; try dpkg -P cdhboot\n\
         echo 7 >/fail-pre; dpkg -i {one} >/tmp/said 2>&1; echo $?; grep -v ^dpkg /tmp/said | grep -e '^pre' -e exit; dpkg -l cdhboot 2>/dev/null | tail -n 1 | cut -c1-2\n",
        prelude(InitSystem::Systemd),
        one.build(),
        two.build(),
        one = one.path(),
        two = two.path(),
    );
    let (_, output) = in_overlay("dash", &script);
    assert_eq!(
        output,
        "pre install\npost configure \nposttrans configure \n\
         preun upgrade 2\npre upgrade 1 2\npostun upgrade 2\npost configure 1\nposttrans configure 1\n\
         preun remove\npostun remove\n\
         pre install 2 1\npost configure 2\nposttrans configure 2\npreun remove\npostun remove\npurge purge\n\
         failures\npre install\npost configure \nwarning: the post script of cdhboot failed with exit code 7\n\
         posttrans configure \nwarning: the posttrans script of cdhboot failed with exit code 7\n\
         preun remove\nwarning: the preun script of cdhboot failed with exit code 7\n\
         postun remove\nwarning: the postun script of cdhboot failed with exit code 7\n\
         purge purge\nwarning: the purge script of cdhboot failed with exit code 7\n\
         1\npre install\n new cdhboot package pre-installation script subprocess returned error exit status 7\nin\n"
    );
}

#[test]
fn failures_and_disappearance_leave_a_sound_state() {
    let plan = plan_of("debian-12", vec![named("web")]);
    let deb = |version| Deb::new(&plan, version);
    let (one, two, three, four) = (deb("1"), deb("2"), deb("3"), deb("4"));
    let fails = |script: &str, state: &str| format!("sed -i '1a [ \"$1\" != {state} ] || exit 9' DEBIAN/{script}");
    let other = "rm -rf /build/DEBIAN; mkdir /build/DEBIAN; cd /build; rm -rf opt usr/share/doc; mkdir -p usr/share/doc/cdhboot opt/cdhboot/bin\n\
                 touch usr/share/doc/cdhboot/copyright opt/cdhboot/bin/daemon; printf 'Package: other\\nVersion: 1\\nArchitecture: all\\nMaintainer: A <a@b.c>\\nDescription: x\\nReplaces: cdhboot\\n' >DEBIAN/control\n\
                 dpkg-deb -Znone --build . /debs/other.deb >/dev/null; cd /\n";
    let status =
        "dpkg-query -W -f '${Status} ${Version}\\n' cdhboot; links; ls /var/lib/omnipack-transaction 2>/dev/null";
    let script = format!(
        "{}{}{}{}{}{other}\
         echo abort-install; dpkg -i {two} >/dev/null 2>&1; {status}; dpkg -P cdhboot >/dev/null 2>&1\n\
         echo failed-upgrade; dpkg -i {one} >/dev/null 2>&1; dpkg -i {four} >/dev/null 2>&1; {status}; sed -i '1a exit 9' /var/lib/dpkg/info/cdhboot.prerm; dpkg -i {one} >/dev/null 2>&1; {status}\n\
         echo abort-upgrade; dpkg -i {two} >/dev/null 2>&1; {status}\n\
         echo failing postrm; dpkg -i {three} >/dev/null 2>&1; {status}; dpkg -r cdhboot >/dev/null 2>&1; {status}; sed -i 2d /var/lib/dpkg/info/cdhboot.postrm; dpkg -P cdhboot >/dev/null 2>&1; {status}\n\
         echo disappear; dpkg -i {one} >/dev/null 2>&1; dpkg -i /debs/other.deb 2>&1 | grep -o disappear; {status}\n",
        prelude(InitSystem::Systemd),
        one.build(),
        two.build_with(&fails("preinst", "abort-upgrade").replace("abort-upgrade ] ||", "configure ] &&")),
        three.build_with(&fails("postrm", "remove")),
        four.build(),
        one = one.path(),
        two = two.path(),
        three = three.path(),
        four = four.path(),
    );
    let (_, output) = in_overlay("dash", &script);
    assert_eq!(
        output,
        "abort-install\ninstall ok not-installed \n\
         failed-upgrade\ninstall ok installed 4\nmulti-user.target.wants/cdhboot-web.service\n\
         install ok installed 1\nmulti-user.target.wants/cdhboot-web.service\n\
         abort-upgrade\ninstall ok installed 1\nmulti-user.target.wants/cdhboot-web.service\n\
         failing postrm\ninstall ok installed 3\nmulti-user.target.wants/cdhboot-web.service\n\
         deinstall ok half-installed 3\nmulti-user.target.wants/cdhboot-web.service\n\
         dpkg-query: no packages found matching cdhboot\n\
         disappear\ndisappear\nunknown ok not-installed \nmulti-user.target.wants/cdhboot-web.service\n"
    );
}

#[test]
fn another_root_than_dpkgs_own_is_refused() {
    let plan = every_kind("debian-12");
    let (_, preinst) = scripts(&plan, 0).into_iter().find(|(name, _)| *name == "preinst").unwrap();
    let call =
        format!("printf %s {} >/script; DPKG_ROOT=/elsewhere sh /script install", omnipack::template::sh(&preinst));
    assert_eq!(
        in_overlay("dash", &call),
        (1, "cdhboot cannot be installed with --force-script-chrootless\n".to_owned())
    );
}

/// A loop over what happens to be one path, and a function that this package happens not to need.
const NOT_FAULTS: &str = "SC2043,SC2317,SC2329";

#[test]
fn shellcheck_finds_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for distribution in ["debian-12", "debian-12-sysvinit"] {
        let mut all = every_kind(distribution);
        with_scripts(&mut all);
        let compiled = BuildPlan { bytecode: BytecodeMode::Install, ..plan_of(distribution, Vec::new()) };
        let plans = [all, plan_of(distribution, vec![named("web")]), compiled, cdhboot(distribution)];
        for (number, plan) in plans.iter().enumerate() {
            for index in 0..plan.packages.len() {
                for (name, text) in scripts(plan, index) {
                    let path = directory.path().join(format!("{distribution}-{number}-{index}-{name}"));
                    fs_err::write(&path, text).unwrap();
                    paths.push(path);
                }
            }
        }
    }
    assert!(paths.len() > 20, "{paths:?}");
    let output = Command::new("shellcheck")
        .args(["--shell=sh", "--severity=style", "--exclude", NOT_FAULTS])
        .args(&paths)
        .run()
        .unwrap();
    assert_eq!(output.code, 0, "{}", output.stdout_text());
}
