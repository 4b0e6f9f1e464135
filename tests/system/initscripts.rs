//! What init scripts do on a machine with a real init, insserv, update-rc.d and cron: the order at boot and at the end,
//! instances, sockets, and a job that cron itself runs.

use crate::handmade::WheelMaker;
use crate::machine::Machine;
use crate::root::Root;
use crate::support::{self, expect_success, packages_in};
use crate::target::Target;

/// Notes in `/var/lib/probe/seen` when it starts and when it is asked to end.
const PROGRAM: &str = r#"
import os, signal, sys, time

def note(text):
    with open("/var/lib/probe/seen", "a") as file:
        file.write(text + "\n")

def main():
    name = sys.argv[1]
    if name == "job":
        note("job %d %s" % (os.getuid() == 0, os.environ["USER"]))
        return
    def end(*_):
        note("end " + name)
        sys.exit(0)
    signal.signal(signal.SIGTERM, end)
    note("start " + name + (" with a socket" if os.environ.get("LISTEN_PID") == str(os.getpid()) else ""))
    while True:
        time.sleep(0.1)
"#;

const CONFIG: &str = r#"
[[user]]
name = "probe"

[[directory]]
path = "/var/lib/probe"
owner = "probe"
group = "probe"

[[service]]
name = "aaa"
command = "probe aaa"
user = "probe"
enable = "yes"
requires = ["zzz"]
after = ["worker"]
listen = ["/run/front/aaa.sock"]

[[service]]
name = "worker"
command = "probe worker-{instance}"
user = "probe"
enable = "yes"
count = 2
after = ["zzz"]

[[service]]
name = "zzz"
command = "probe zzz"
user = "probe"
enable = "yes"

[[service]]
name = "off"
command = "probe off"
user = "probe"
enable = "no"

[[service]]
name = "job"
command = "probe job"
user = "probe"
schedule = "* * * * *"
"#;

fn installed_image() -> Root {
    let directory = tempfile::tempdir().unwrap();
    let wheels = directory.path().join("wheels");
    fs_err::create_dir(&wheels).unwrap();
    let wheel =
        WheelMaker::new("probe", "1.0").file("probe.py", PROGRAM).console_script("probe = probe:main").write(&wheels);
    let config = directory.path().join("omnipack.toml");
    fs_err::write(&config, CONFIG).unwrap();
    let destination = directory.path().join("packages");
    let command = support::omnipack().args(["--distribution", "centos-6", "--config"]).arg(config);
    let command = command.arg("--wheels").arg(&wheels).arg("--destination-path").arg(&destination).arg(&wheel);
    expect_success(&command);
    let target = Target::named("centos-6");
    let root = target.root();
    // RPM distributions have their init scripts there, and the other path is a link.
    root.chroot("sh", &["-ec", "mkdir -p /etc/rc.d; ln -sfn ../init.d /etc/rc.d/init.d"]);
    fs_err::create_dir_all(root.inside("/srv/packages")).unwrap();
    for package in packages_in(&destination) {
        fs_err::copy(&package, root.inside("/srv/packages").join(package.file_name().unwrap())).unwrap();
    }
    root.chroot("sh", &["-ec", "rpm -i --force-debian /srv/packages/*.rpm"]);
    root
}

fn seen(machine: &Machine) -> Vec<String> {
    let path = machine.root().inside("/var/lib/probe/seen");
    fs_err::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn only(lines: &[String], what: &str) -> Vec<String> {
    lines.iter().filter_map(|line| line.strip_prefix(what)).map(str::to_owned).collect()
}

#[test]
fn services_come_up_and_go_in_order_and_cron_runs_the_job() {
    let root = installed_image();
    // The real insserv takes all headers.
    let said = root.chroot("sh", &["-c", "insserv -n 2>&1"]);
    assert!(!said.contains("probe") && !said.contains("loop"), "{said}");
    let links = root.chroot("ls", &["/etc/rc2.d"]);
    let place = |id: &str| {
        links.lines().find(|link| link.starts_with('S') && link.ends_with(id)).map(|link| link[..3].to_owned())
    };
    let places = ["probe-zzz", "probe-worker-1", "probe-worker-2", "probe-aaa", "probe-off", "probe-job"].map(place);
    assert!(places[0] < places[1] && places[1] == places[2] && places[2] < places[3], "{links}");
    assert!(places[0].is_some() && places[4].is_none() && places[5].is_none(), "{links}");
    let machine = Machine::boot(root);
    machine.wait_until("four services are up", |machine| only(&seen(machine), "start ").len() == 4);
    let started = only(&seen(&machine), "start ");
    assert_eq!(started[0], "zzz", "{started:?}");
    assert_eq!(started[3], "aaa with a socket", "{started:?}");
    for (id, code) in
        [("probe-aaa", 0), ("probe-worker-1", 0), ("probe-worker-2", 0), ("probe-zzz", 0), ("probe-off", 3)]
    {
        assert_eq!(machine.try_run("service", &[id, "status"]).code, code, "{id}\n{}", machine.journal());
    }
    // Cron looks at the clock once a minute.
    machine.wait_until("cron runs the job", |machine| seen(machine).iter().any(|line| line == "job 0 probe"));
    assert!(
        machine
            .run("sh", &["-c", "ls /run/probe-job.pid 2>/dev/null; test -s /var/log/probe-job.log || echo empty"])
            .contains("empty")
    );

    machine.shell("telinit 1");
    machine.wait_until("all have ended", |machine| only(&seen(machine), "end ").len() == 4);
    let ended = only(&seen(&machine), "end ");
    assert_eq!((ended[0].as_str(), ended[3].as_str()), ("aaa", "zzz"), "{ended:?}");
}
