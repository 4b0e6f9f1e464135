//! Services as init scripts, through dpkg. The runlevel is imitated, everything else is real: the init scripts, their
//! processes, `update-rc.d` and `invoke-rc.d`.

use omnipack::distribution::InitSystem;
use omnipack::project::{Enable, Service};

use crate::service_fixture::*;
use crate::support::*;

const TARGET: &str = "debian-12-sysvinit";

fn machine(builds: &[String], script: &str) -> String {
    let before = "rm -f /usr/sbin/policy-rc.d\n\
                  printf '#!/bin/sh\\necho N 3\\n' >/sbin/runlevel.new; chmod 755 /sbin/runlevel.new; mv -f /sbin/runlevel.new /sbin/runlevel\n\
                  state() { for s; do printf '%s ' $s $(cd /etc/rc3.d && ls | sed -n \"s/^\\\\(.\\\\)[0-9][0-9]cdhboot-$s$/\\\\1/p\"); /etc/init.d/cdhboot-$s status >/dev/null 2>&1 && echo runs || echo off; done; }\n\
                  left() { find / -xdev -name '*cdhboot*' ! -path '/debs*' ! -path '/build*' ! -path '/work*' ! -path '/root*' ! -path '/tmp*' ! -path '/proc*' | sort; }\n";
    let script = [&prelude(InitSystem::Sysvinit), before, &builds.concat(), script].concat();
    in_overlay("dash", &script).1
}

#[test]
fn what_an_operator_made_of_an_init_script_stays() {
    let no = Service { enable: Enable::No, start: false, ..named("no") };
    let plan = plan_of(TARGET, vec![named("web"), named("idle"), named("hand"), no]);
    let (one, two) = (Deb::new(&plan, "1"), Deb::new(&plan, "2"));
    let script = format!(
        "try dpkg -i {one}; starts; state web idle hand no; {{ update-rc.d cdhboot-no enable; update-rc.d cdhboot-hand disable; }} 2>/dev/null\n\
         /etc/init.d/cdhboot-idle stop >/dev/null\n\
         echo upgrade; try dpkg -i {two}; starts; state web idle hand no\n\
         echo removed; try dpkg -r cdhboot; state web idle hand no; for s in web idle; do try /etc/init.d/cdhboot-$s start; done; pgrep -fc 'sleep 100[0]'\n\
         echo back; try dpkg -i {one}; starts; state web idle hand no\n\
         echo purged; try dpkg -P cdhboot; left\n\
         echo forbidden; printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d\n\
         try dpkg -i {two}; starts; state web idle hand no; try dpkg -P cdhboot\n",
        one = one.path(),
        two = two.path(),
    );
    let output = machine(&[one.build(), two.build()], &script);
    assert_eq!(
        output,
        "hand started by 1\nidle started by 1\nweb started by 1\nweb S runs\nidle S runs\nhand S runs\nno K off\n\
         upgrade\nhand started by 2\nweb started by 2\nweb S runs\nidle S off\nhand K runs\nno S off\n\
         removed\nweb S off\nidle S off\nhand K off\nno S off\n0\n\
         back\nidle started by 1\nweb started by 1\nweb S runs\nidle S runs\nhand K off\nno S off\n\
         purged\n\
         forbidden\nweb S off\nidle S off\nhand S off\nno K off\n"
    );
}

#[test]
fn a_service_moves_between_packages_or_goes() {
    let old = plan_of_two(TARGET, ["web", "gone"].map(named).into(), ["worker"].map(named).into());
    let new = plan_of_two(TARGET, ["worker"].map(named).into(), ["web"].map(named).into());
    let control = [
        "Replaces: cdhboot-node (<< 2), cdhboot-node (>> 2)\n",
        "Depends: cdhboot\nReplaces: cdhboot (<< 2), cdhboot (>> 2)\n",
    ];
    let deb = |plan, version, index: usize| Deb { plan, index, version, control: control[index] };
    let debs = [deb(&old, "1", 0), deb(&old, "1", 1), deb(&new, "2", 0), deb(&new, "2", 1)];
    let script = format!(
        "try dpkg -i {} {}; starts\n\
         echo apart; try dpkg -i {} {}; starts; state web worker; ls /etc/rc3.d | grep cdhboot; pgrep -fc 'sleep 100[0]'\n\
         try dpkg -P cdhboot-node cdhboot; left\n",
        debs[0].path(),
        debs[1].path(),
        debs[2].path(),
        debs[3].path(),
    );
    let output = machine(&debs.iter().map(Deb::build).collect::<Vec<_>>(), &script);
    // The log of a service that went with the old version is nobody's now.
    assert_eq!(
        output,
        "gone started by 1\nweb started by 1\nworker started by 1\n\
         apart\nweb started by 2\nworker started by 2\nweb S runs\nworker S runs\nS01cdhboot-web\nS01cdhboot-worker\n2\n\
         /var/log/cdhboot-gone.log\n"
    );
}
