//! Services on a booted systemd, through dpkg.

use omnipack::distribution::InitSystem;
use omnipack::project::{Enable, Service};

use crate::service_fixture::*;
use crate::support::*;

/// In a machine that forbids nothing, after `builds`.
fn machine(builds: &[String], script: &str) -> String {
    let start = "rm -f /usr/sbin/policy-rc.d\n";
    in_booted_overlay(&[&prelude(InitSystem::Systemd), start, &builds.concat(), script].concat())
}

#[test]
fn what_an_operator_made_of_a_service_stays() {
    let plan = plan_of("debian-12", ["web", "worker", "idle", "mute"].map(named).into());
    let (one, two, bad) = (Deb::new(&plan, "1"), Deb::new(&plan, "2"), Deb::new(&plan, "3"));
    let broken = "printf '#!/bin/sh\\necho no >&2\\nexit 1\\n' >DEBIAN/preinst";
    let script = format!(
        "try dpkg -i {one}; starts\n\
         systemctl stop -q cdhboot-idle; systemctl disable -q cdhboot-worker; systemctl mask -q --now cdhboot-mute\n\
         echo upgrade; try dpkg -i {two}; starts; state web worker idle mute\n\
         echo refused; dpkg -i {bad} >/dev/null 2>&1; starts; state web idle; dpkg -s cdhboot | grep -E '^(Status|Version)'\n\
         echo configured again; try dpkg-reconfigure cdhboot; starts\n\
         echo removed; try dpkg -r cdhboot; state web worker idle mute; links; pgrep -f cdhboot/bin\n\
         echo back; try dpkg -i {one}; starts; state web worker idle mute\n\
         echo purged; systemctl unmask -q cdhboot-mute; try dpkg -P cdhboot; links; systemctl list-units --all 'cdhboot*' --no-legend\n\
         find /var/lib/omnipack* /var/lib/systemd/deb-systemd-helper-* /opt/cdhboot -name '*cdhboot*' 2>/dev/null\n",
        one = one.path(),
        two = two.path(),
        bad = bad.path(),
    );
    let output = machine(&[one.build(), two.build(), bad.build_with(broken)], &script);
    assert_eq!(
        output,
        "idle started by 1\nmute started by 1\nweb started by 1\nworker started by 1\n\
         upgrade\nweb started by 2\nworker started by 2\n\
         web enabled active\nworker disabled active\nidle enabled inactive\nmute masked inactive\n\
         refused\nweb enabled active\nidle enabled inactive\nStatus: install ok installed\nVersion: 2\n\
         configured again\nweb started by 2\nworker started by 2\n\
         removed\nweb  inactive\nworker  inactive\nidle  inactive\nmute masked inactive\n\
         cdhboot-mute.service\nmulti-user.target.wants/cdhboot-idle.service\nmulti-user.target.wants/cdhboot-mute.service\n\
         multi-user.target.wants/cdhboot-web.service\n\
         back\nidle started by 1\nweb started by 1\n\
         web enabled active\nworker disabled inactive\nidle enabled active\nmute masked inactive\n\
         purged\n"
    );
}

#[test]
fn a_removal_that_is_called_off_starts_again_what_it_stopped() {
    let plan = plan_of("debian-12", ["web", "idle"].map(named).into());
    let one = Deb::new(&plan, "1");
    let rival = "rm -rf /build; mkdir -p /build/DEBIAN; cd /build; printf 'Package: rival\\nVersion: 1\\nArchitecture: all\\nMaintainer: A <a@b.c>\\n\
                 Description: x\\nConflicts: cdhboot\\nReplaces: cdhboot\\n' >DEBIAN/control; printf '#!/bin/sh\\nexit 1\\n' >DEBIAN/preinst; chmod 755 DEBIAN/preinst\n\
                 dpkg-deb -Znone --build . /debs/bad.deb >/dev/null; rm DEBIAN/preinst; dpkg-deb -Znone --build . /debs/rival.deb >/dev/null\n\
                 sed -i 's/^Package: .*/Package: breaker/; /^Replaces/d; s/Conflicts/Breaks/' DEBIAN/control; dpkg-deb -Znone --build . /debs/breaker.deb >/dev/null\n\
                 printf '#!/bin/sh\\nexit 1\\n' >DEBIAN/preinst; chmod 755 DEBIAN/preinst; dpkg-deb -Znone --build . /debs/badbreaker.deb >/dev/null; cd /\n";
    let script = format!(
        "try dpkg -i {one}; starts; systemctl stop cdhboot-idle\n\
         echo called off; dpkg -B -i /debs/bad.deb >/dev/null 2>&1; dpkg -s cdhboot | grep ^Status; starts; state web idle\n\
         echo deconfigured and back; dpkg -B -i /debs/badbreaker.deb >/dev/null 2>&1; dpkg -s cdhboot | grep ^Status; starts; state web idle\n\
         echo deconfigured; dpkg -B -i /debs/breaker.deb >/dev/null 2>&1; dpkg -s cdhboot | grep ^Status; starts; state web idle\n\
         dpkg -r breaker >/dev/null; try dpkg --configure cdhboot; dpkg -s cdhboot | grep ^Status; starts; state web idle\n\
         ls /var/lib/omnipack-transaction 2>/dev/null\n\
         echo removed; dpkg -B -i /debs/rival.deb >/dev/null 2>&1; dpkg -s cdhboot | grep ^Status; starts; state web idle\n\
         ls /var/lib/omnipack-transaction 2>/dev/null\n",
        one = one.path(),
    );
    let output = machine(&[one.build(), rival.to_owned()], &script);
    assert_eq!(
        output,
        "idle started by 1\nweb started by 1\n\
         called off\nStatus: install ok installed\nweb started by 1\nweb enabled active\nidle enabled inactive\n\
         deconfigured and back\nStatus: install ok installed\nweb enabled active\nidle enabled inactive\n\
         deconfigured\nStatus: install ok half-configured\nweb enabled active\nidle enabled inactive\n\
         Status: install ok installed\nweb enabled active\nidle enabled inactive\n\
         removed\nStatus: install ok config-files\nweb  inactive\nidle  inactive\n"
    );
}

#[test]
fn the_administrators_policies_are_obeyed() {
    let preset = Service { enable: Enable::Preset, ..named("preset") };
    let no = Service { enable: Enable::No, ..named("no") };
    let plan = plan_of("debian-12", vec![named("yes"), preset, no]);
    let (one, two) = (Deb::new(&plan, "1"), Deb::new(&plan, "2"));
    let script = format!(
        "echo 'disable *' >/etc/systemd/system-preset/00-none.preset\n\
         echo rules of systemd; try dpkg -i {one}; starts; state yes preset no; systemctl enable -q --now cdhboot-no; starts\n\
         try dpkg -i {two}; starts; state yes preset no; try dpkg -P cdhboot; rm /etc/systemd/system-preset/00-none.preset\n\
         echo no rules; try dpkg -i {one}; starts; state yes preset no; try dpkg -P cdhboot\n\
         echo policy-rc.d; printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d\n\
         try dpkg -i {one}; starts; state yes preset no; systemctl start cdhboot-yes; starts; try dpkg -i {two}; starts; state yes preset no\n",
        one = one.path(),
        two = two.path(),
    );
    let output = machine(&["mkdir -p /etc/systemd/system-preset\n".to_owned(), one.build(), two.build()], &script);
    assert_eq!(
        output,
        "rules of systemd\nyes started by 1\nyes enabled active\npreset disabled inactive\nno disabled inactive\nno started by 1\n\
         no started by 2\nyes started by 2\nyes enabled active\npreset disabled inactive\nno enabled active\n\
         no rules\npreset started by 1\nyes started by 1\nyes enabled active\npreset enabled active\nno disabled inactive\n\
         policy-rc.d\nyes enabled inactive\npreset enabled inactive\nno disabled inactive\n\
         yes started by 1\nyes enabled active\npreset enabled inactive\nno disabled inactive\n"
    );
}

#[test]
fn a_service_moves_between_packages_or_goes() {
    let old = plan_of_two("debian-12", ["web", "cron", "gone"].map(named).into(), ["worker"].map(named).into());
    let new = plan_of_two("debian-12", ["worker"].map(named).into(), ["web", "cron"].map(named).into());
    let deb = |plan, version, index| Deb {
        plan,
        index,
        version,
        control: match (version, index) {
            ("1", 0) => "Replaces: cdhboot-node (<< 1), cdhboot-node (>> 1)\n",
            ("1", _) => "Depends: cdhboot (= 1)\nReplaces: cdhboot (<< 1), cdhboot (>> 1)\n",
            (_, 0) => "Replaces: cdhboot-node (<< 2), cdhboot-node (>> 2)\n",
            _ => "Depends: cdhboot (= 2)\nReplaces: cdhboot (<< 2), cdhboot (>> 2)\n",
        },
    };
    let debs = [deb(&old, "1", 0), deb(&old, "1", 1), deb(&new, "2", 0), deb(&new, "2", 1)];
    let all = "state web cron gone worker; dpkg -s cdhboot cdhboot-node | grep ^Status; links";
    let script = format!(
        "try dpkg -i {} {}; starts; systemctl stop cdhboot-cron; systemctl disable -q cdhboot-cron\n\
         echo apart; try dpkg -i {new_main} {new_node}; starts; {all}\n\
         echo back; try dpkg -i {} {}; starts; {all}\n\
         systemctl disable --now -q cdhboot-gone; systemctl stop cdhboot-worker\n\
         echo the other order; try dpkg --unpack {new_node}; try dpkg --unpack {new_main}; starts; try dpkg --configure -a; starts; {all}\n\
         echo purged; try dpkg -P cdhboot-node cdhboot; links; ls /var/lib/omnipack-transaction 2>/dev/null\n",
        debs[0].path(),
        debs[1].path(),
        debs[0].path(),
        debs[1].path(),
        new_main = debs[2].path(),
        new_node = debs[3].path(),
    );
    let output = machine(&debs.iter().map(Deb::build).collect::<Vec<_>>(), &script);
    let good = "Status: install ok installed\n".repeat(2);
    let links = "multi-user.target.wants/cdhboot-web.service\nmulti-user.target.wants/cdhboot-worker.service\n";
    let expected = format!(
        "cron started by 1\ngone started by 1\nweb started by 1\nworker started by 1\n\
         apart\nweb started by 2\nworker started by 2\n\
         web enabled active\ncron disabled inactive\ngone  inactive\nworker enabled active\n{good}{links}\
         back\ngone started by 1\nweb started by 1\nworker started by 1\n\
         web enabled active\ncron disabled inactive\ngone enabled active\nworker enabled active\n{good}\
         multi-user.target.wants/cdhboot-gone.service\n{links}\
         the other order\nweb started by 2\n\
         web enabled active\ncron disabled inactive\ngone  inactive\nworker enabled inactive\n{good}{links}\
         purged\n"
    );
    assert_eq!(output, expected);
}

#[test]
fn instances_timers_sockets_and_targets_are_registered_and_forgotten() {
    let plan = |web: Option<u32>, report: bool| {
        let mut services = vec![
            Service { count: web, ..named("web") },
            Service { listen: vec!["/run/cdhboot.sock".to_owned()], ..named("api") },
        ];
        if report {
            services.push(Service { schedule: Some(calendars(&["*-*-* 04:30:00"])), ..named("report") });
        }
        omnipack::plan::BuildPlan { target: true, ..plan_of("debian-12", services) }
    };
    let (three, one, plain) = (plan(Some(3), true), plan(Some(1), true), plan(None, false));
    let (three, one, plain) = (Deb::new(&three, "1"), Deb::new(&one, "2"), Deb::new(&plain, "3"));
    let show = "starts; systemctl list-units 'cdhboot*' --no-legend --plain | tr -s ' ' | cut -d' ' -f1,3; links";
    let script = format!(
        "try dpkg -i {three}; {show}\n\
         systemctl enable -q --now cdhboot-web@9; systemctl disable -q cdhboot-web@1; starts >/dev/null\n\
         echo fewer; try dpkg -i {one}; {show}\n\
         echo removed; try dpkg -r cdhboot; {show}; echo back; try dpkg -i {one}; starts; links | grep @\n\
         echo plain; try dpkg -i {plain}; {show}\n\
         echo purged; try dpkg -P cdhboot; {show}; find / -xdev -name '*cdhboot*' ! -path '/debs*' ! -path '/build*' ! -path '/work*' ! -path '/root*' ! -path '/tmp*'; ls /run/cdhboot* 2>/dev/null\n",
        three = three.path(),
        one = one.path(),
        plain = plain.path(),
    );
    let output = machine(&[three.build(), one.build(), plain.build()], &script);
    let below = |links: &[&str]| {
        let own = ["api.socket", "report.timer"];
        let timer = links.contains(&"report");
        let instances = links.iter().filter(|link| link.starts_with("web"));
        let instances = instances.map(|link| format!("{link}.service")).collect::<Vec<_>>();
        let mut all = vec!["cdhboot.target.wants".to_owned(), "multi-user.target.wants/cdhboot.target".to_owned()];
        for unit in own.iter().map(|unit| (*unit).to_owned()).filter(|unit| timer || !unit.ends_with("timer")) {
            let target = if unit.ends_with("timer") { "timers" } else { "sockets" };
            all.push(format!("cdhboot.target.wants/cdhboot-{unit}"));
            all.push(format!("{target}.target.wants/cdhboot-{unit}"));
        }
        for unit in instances {
            all.push(format!("cdhboot.target.wants/cdhboot-{unit}"));
            all.push(format!("multi-user.target.wants/cdhboot-{unit}"));
        }
        all.sort_by_key(|link| link.replace("cdhboot.target\n", ""));
        all.join("\n") + "\n"
    };
    let active = |units: &[&str]| units.iter().map(|unit| format!("cdhboot-{unit} active\n")).collect::<String>();
    let web = |version: u32, times: usize| format!("web started by {version}\n").repeat(times);
    let fewer = below(&["report", "web@9"]);
    let expected = [
        &web(1, 3),
        &active(&["web@1.service", "web@2.service", "web@3.service", "api.socket", "report.timer"]),
        &below(&["report", "web@1", "web@2", "web@3"]),
        // The operator disabled the first instance and added a ninth.
        "fewer\n",
        &web(2, 2),
        &active(&["web@1.service", "web@9.service", "api.socket", "report.timer"]),
        &fewer,
        "removed\n",
        &fewer,
        "back\ncdhboot.target.wants/cdhboot-web@9.service\nmulti-user.target.wants/cdhboot-web@9.service\n",
        // It was enabled, and not running.
        "plain\n",
        &active(&["api.socket"]),
        &below(&["web"]),
        "purged\n",
    ];
    assert_eq!(output, expected.concat());
}

#[test]
fn what_has_another_name_now_stays_as_it_was() {
    let renamed = |formerly: &str, name: &str| Service { formerly: vec![formerly.to_owned()], ..named(name) };
    let plan =
        plan_of("debian-12", vec![renamed("old-web", "web"), renamed("old-off", "off"), renamed("old-mute", "mute")]);
    let new = Deb { control: "Conflicts: byhand\nReplaces: byhand\n", ..Deb::new(&plan, "1") };
    let by_hand = "rm -rf /build; mkdir -p /build/DEBIAN /build/lib/systemd/system /debs; cd /build\n\
                   printf 'Package: byhand\\nVersion: 1\\nArchitecture: all\\nMaintainer: A <a@b.c>\\nDescription: x\\n' >DEBIAN/control\n\
                   for s in web off mute; do printf '[Service]\\nExecStart=/bin/sleep 77\\n[Install]\\nWantedBy=multi-user.target\\n' >lib/systemd/system/old-$s.service; done\n\
                   dpkg-deb -Znone --build . /debs/byhand.deb >/dev/null; cd /\n";
    let script = format!(
        "try dpkg -i /debs/byhand.deb; systemctl daemon-reload; systemctl enable -q --now old-web old-mute; systemctl mask -q old-mute; systemctl start old-off\n\
         try dpkg -B -i {new}; starts; state web off mute; pgrep -fc 'sleep 7[7]'; find /etc/systemd/system -name 'old-*'; systemctl list-units 'old*' --all --no-legend --plain | tr -s ' '\n\
         try dpkg -P byhand cdhboot; links; ls /var/lib/omnipack-transaction 2>/dev/null",
        new = new.path(),
    );
    let output = machine(&[by_hand.to_owned(), new.build()], &script);
    assert_eq!(
        output,
        "mute started by 1\noff started by 1\nweb started by 1\nweb enabled active\noff disabled active\nmute disabled active\n0\n\
         /etc/systemd/system/old-mute.service\n\
         dpkg: warning: ignoring request to remove byhand which isn't installed\n"
    );
}

#[test]
fn a_service_that_cannot_start_does_not_stop_dpkg() {
    let plan =
        plan_of("debian-12", vec![Service { kind: "oneshot".to_owned(), restart: "no".to_owned(), ..named("web") }]);
    let (one, two) = (Deb::new(&plan, "1"), Deb::new(&plan, "2"));
    let fails = "printf '#!/bin/sh\\nexit 3\\n' >opt/cdhboot/bin/daemon";
    let script = format!(
        "try dpkg -i {one}; dpkg -s cdhboot | grep ^Status; try dpkg -i {two}; dpkg -s cdhboot | grep ^Status; try dpkg -P cdhboot",
        one = one.path(),
        two = two.path(),
    );
    let output = machine(&[one.build_with(fails), two.build_with(fails)], &script);
    let warning = "warning: cdhboot-web.service could not be started; see systemctl status cdhboot-web.service\n";
    let good = "Status: install ok installed\n";
    assert_eq!(output, format!("{warning}{good}{good}"));
}
