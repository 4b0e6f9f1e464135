//! Files and states, where no service runs.

use omnipack::distribution::InitSystem;

use crate::service_fixture::*;
use crate::support::*;

#[test]
fn a_life_in_a_chroot() {
    let plan = plan_of("debian-12", vec![named("web")]);
    let (one, two) = (Deb::new(&plan, "1"), Deb::new(&plan, "2"));
    let script = format!(
        "{}{}{}\
         try dpkg -i {one}; links; try dpkg -i {one}; try dpkg -i {two}; links; try dpkg -r cdhboot; links; ls /var/lib/omnipack-transaction\n\
         try dpkg -i {one}; try dpkg -P cdhboot; links; try dpkg -P cdhboot; find / -xdev -name '*cdhboot*' ! -path '/build*' ! -path '/debs*' ! -path '/proc/*' ! -path '/work*' ! -path '/root*' ! -path '/tmp*'\n",
        prelude(InitSystem::Systemd),
        one.build(),
        two.build(),
        one = one.path(),
        two = two.path(),
    );
    println!("{:?}", in_overlay("dash", &script));
    for (name, text) in scripts(&plan, 0) {
        println!("==== {name}\n{text}");
    }
    panic!();
}
