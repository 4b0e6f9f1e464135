//! Services that are not registered by their own name: instances, timers, sockets, and changes from one to the other.

use omnipack::project::Service;
use omnipack::service::ServiceParts;

use crate::service_fixture::*;
use crate::support::*;

fn instances(count: u32) -> ServiceParts {
    parts_of(vec![Service { count: Some(count), ..named("web{instance}") }].into_iter().map(as_web).collect())
}

/// Called `web`, whatever it tells of itself.
fn as_web(service: Service) -> Service {
    Service { name: "web".to_owned(), ..service }
}

fn scheduled() -> ServiceParts {
    parts_of(vec![as_web(Service {
        schedule: Some(calendars(&["*-*-* 00:00:00"])),
        kind: "oneshot".to_owned(),
        restart: "no".to_owned(),
        ..named("job")
    })])
}

fn listening(address: &str) -> ServiceParts {
    parts_of(vec![Service { listen: vec![address.to_owned()], ..named("web") }])
}

fn plain() -> ServiceParts {
    parts_of(vec![named("web")])
}

#[test]
fn instances_are_restarted_once_and_their_number_may_change() {
    let (two, three, one) = (instances(2), instances(3), instances(1));
    let show = "state web@1 web@2 web@3 web@7; starts\n";
    let said = on_a_machine(&[
        &install(&two),
        "systemctl enable -q --now cdhboot-web@7; systemctl disable -q cdhboot-web@1\n",
        show,
        &upgrade(&two, &three),
        show,
        &upgrade(&three, &one),
        show,
        &remove(&one),
    ]);
    let expected = "web@1 disabled active\nweb@2 enabled active\nweb@3 disabled inactive\nweb@7 enabled active\n\
                    web1 started by v1\nweb2 started by v1\nweb7 started by v1\n\
                    web@1 disabled active\nweb@2 enabled active\nweb@3 enabled active\nweb@7 enabled active\n\
                    web1 started by v2\nweb2 started by v2\nweb3 started by v2\nweb7 started by v2\n\
                    web@1 disabled active\nweb@2 disabled inactive\nweb@3 disabled inactive\nweb@7 enabled active\n\
                    web1 started by v2\nweb7 started by v2\n";
    assert_eq!(said, expected);
}

#[test]
fn of_a_scheduled_service_the_timer_is_registered_and_its_job_is_left_to_finish() {
    let parts = scheduled();
    let show = "state web.timer web.service; starts\n";
    let said = on_a_machine(&[
        &install(&parts),
        show,
        "systemctl start --no-block cdhboot-web.service; sleep 0.5\n",
        &upgrade(&parts, &parts),
        show,
        "systemctl stop cdhboot-web.timer; systemctl disable -q cdhboot-web.timer\n",
        &upgrade(&parts, &parts),
        show,
        "touch /var/lib/systemd/timers/stamp-cdhboot-web.timer\n",
        &remove(&parts),
    ]);
    let expected = "web.timer enabled active\nweb.service static inactive\n\
                    web.timer enabled active\nweb.service static activating\njob started by v1\n\
                    web.timer disabled inactive\nweb.service static activating\n";
    assert_eq!(said, expected);
}

#[test]
fn a_socket_stays_open_over_an_upgrade_unless_it_is_another() {
    let (old, new) = (listening("/run/cdhboot/web.sock"), listening("/run/cdhboot/other.sock"));
    let show = "state web.socket web.service; starts; ls -A /run/cdhboot\n";
    let socket = "systemctl show -p ActiveEnterTimestampMonotonic cdhboot-web.socket";
    let said = on_a_machine(&[
        &install(&old),
        show,
        &format!("systemctl start cdhboot-web; before=$({socket})\n"),
        &upgrade(&old, &old),
        &format!("[ \"$before\" = \"$({socket})\" ] && echo open all the time\n"),
        show,
        &upgrade(&old, &new),
        show,
        "systemctl stop cdhboot-web.service 2>/dev/null\n",
        &upgrade(&new, &old),
        show,
        &remove(&old),
        "ls -A /run/cdhboot\n",
    ]);
    let expected = "web.socket enabled active\nweb.service static inactive\nweb.sock\n\
                    open all the time\nweb.socket enabled active\nweb.service static active\n\
                    web started by v1\nweb started by v2\nweb.sock\n\
                    web.socket enabled active\nweb.service static active\nweb started by v2\nother.sock\nweb.sock\n\
                    web.socket enabled active\nweb.service static inactive\nother.sock\nweb.sock\n\
                    other.sock\n";
    assert_eq!(said, expected);
}

/// Whatever a service becomes, it stays on or off, and of what it was nothing is left.
#[test]
fn a_service_changes_its_kind() {
    let kinds = [plain(), instances(2), scheduled(), listening("/run/web.sock"), plain()];
    let units = ["web.service", "web@1.service web@2.service", "web.timer", "web.socket", "web.service"];
    let mut script = install(&kinds[0]);
    for (pair, unit) in kinds.windows(2).zip(units.windows(2)) {
        script += &upgrade(&pair[0], &pair[1]);
        script += &format!("state {}; pgrep -c -x sleep\n", unit[1]);
        script += "find /etc/systemd/system -name '*cdhboot*' | sort\n";
    }
    script += "systemctl disable -q --now cdhboot-web.service\n";
    for pair in kinds.windows(2) {
        script += &upgrade(&pair[0], &pair[1]);
        script += "pgrep -x sleep; find /etc/systemd/system -name '*cdhboot*'\n";
        script += "systemctl list-units --no-legend --plain 'cdhboot*'\n";
    }
    let said = on_a_machine(&[&script, &remove(&kinds[0])]);
    let link = |target: &str, unit: &str| format!("/etc/systemd/system/{target}.target.wants/cdhboot-{unit}\n");
    let expected = [
        "web@1.service enabled active\nweb@2.service enabled active\n2\n",
        &link("multi-user", "web@1.service"),
        &link("multi-user", "web@2.service"),
        "web.timer enabled active\n0\n",
        &link("timers", "web.timer"),
        "web.socket enabled active\n0\n",
        &link("sockets", "web.socket"),
        "web.service enabled active\n1\n",
        &link("multi-user", "web.service"),
    ];
    assert_eq!(said, expected.concat());
}

#[test]
fn a_service_that_another_takes_along_is_restarted_once() {
    let services = vec![
        named("base"),
        Service { requires: vec!["base.service".to_owned()], ..named("first") },
        Service { requires: vec!["first.service".to_owned()], ..named("second") },
    ];
    let reversed = services.iter().rev().cloned().collect();
    restarts_each_once(services);
    restarts_each_once(reversed);
}

fn restarts_each_once(services: Vec<Service>) {
    let mut plan = plan_of(services);
    plan.target = true;
    let parts = rendered(&plan, 0).unwrap();
    let said = on_a_machine(&[
        &install(&parts),
        "starts\n",
        &upgrade(&parts, &parts),
        "state base first second; starts; systemctl is-enabled cdhboot.target; systemctl is-active cdhboot.target\n",
        // A process that is ended at once tells nothing of itself.
        "journalctl --sync; for s in base first second; do journalctl -b -o cat -u cdhboot-$s | grep -c '^Started '; done\n",
        &remove(&parts),
    ]);
    let expected = "base started by v1\nfirst started by v1\nsecond started by v1\n\
                    base enabled active\nfirst enabled active\nsecond enabled active\n\
                    base started by v2\nfirst started by v2\nsecond started by v2\nenabled\ninactive\n2\n2\n2\n";
    assert_eq!(said, expected);
}

/// With a second service there is a target, which starts the first one too if that is enabled, and goes with it.
#[test]
fn a_target_comes_and_goes_with_the_second_service() {
    let parts = |services: Vec<Service>| {
        let mut plan = plan_of(services);
        plan.target = plan.packages[0].services.len() > 1;
        rendered(&plan, 0).unwrap()
    };
    let (one, two) = (parts(vec![named("web")]), parts(vec![named("web"), named("worker")]));
    let links = "find /etc/systemd/system -name '*cdhboot*' | sort\n";
    let said =
        on_a_machine(&[&install(&one), links, &upgrade(&one, &two), links, &upgrade(&two, &one), links, &remove(&one)]);
    let link = |target: &str, unit: &str| format!("/etc/systemd/system/{target}.target.wants/cdhboot-{unit}.service\n");
    let expected = [
        &link("multi-user", "web"),
        "/etc/systemd/system/cdhboot.target.wants\n",
        &link("cdhboot", "web"),
        &link("cdhboot", "worker"),
        &link("multi-user", "web"),
        &link("multi-user", "worker"),
        "/etc/systemd/system/multi-user.target.wants/cdhboot.target\n",
        &link("multi-user", "web"),
    ];
    assert_eq!(said, expected.concat());
}
