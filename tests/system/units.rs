//! What units do on a booted machine: instances, timers, sockets, the target, limits, the watchdog, directories, and
//! that a hardened service can still do what applications do.

use std::path::PathBuf;

use omnipack::smoke::PackageKind;

use crate::handmade::WheelMaker;
use crate::machine::Machine;
use crate::packages;
use crate::support::{self, expect_success, packages_in};
use crate::target::Target;

/// Builds `probe` with the services of `units.toml`.
fn build(distribution: &str, directory: &std::path::Path) -> Vec<PathBuf> {
    let wheels = directory.join("wheels");
    fs_err::create_dir(&wheels).unwrap();
    let wheel = WheelMaker::new("probe", "1.0")
        .file("probe.py", include_str!("probe.py"))
        .console_script("probe = probe:main")
        .write(&wheels);
    let destination = directory.join("packages");
    let config = support::repository().join("tests/system/units.toml");
    let command = support::omnipack().args(["--distribution", distribution, "--config"]).arg(config);
    let command = command.arg("--wheels").arg(&wheels).arg("--destination-path").arg(&destination).arg(&wheel);
    expect_success(&command);
    packages_in(&destination)
}

/// A machine of `distribution` on which `probe` is installed, nothing of it enabled or running.
fn installed(distribution: &str) -> Machine {
    let directory = tempfile::tempdir().unwrap();
    let packages = build(distribution, directory.path());
    let target = Target::named(distribution);
    let root = target.root();
    let machine = Machine::boot(root);
    packages::install(&machine, &packages);
    assert!(!is_active(&machine, "probe-plain.service"), "{}", machine.journal());
    machine
}

fn systemctl(machine: &Machine, arguments: &[&str]) {
    machine.run("systemctl", arguments);
}

fn is_active(machine: &Machine, unit: &str) -> bool {
    property(machine, unit, "ActiveState") == "active"
}

fn property(machine: &Machine, unit: &str, name: &str) -> String {
    machine.run("systemctl", &["show", "--property", name, "--value", unit]).trim().to_owned()
}

/// Lines that a service left in its state directory.
fn noted(machine: &Machine, name: &str) -> Vec<String> {
    let path = machine.root().inside("/var/lib/probe").join(name);
    fs_err::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn main_pid(machine: &Machine, unit: &str) -> u32 {
    property(machine, unit, "MainPID").parse().unwrap()
}

#[test]
fn limits_directories_and_reload_reach_the_process() {
    let machine = installed("rocky-9");
    machine.start("probe-plain.service");
    machine.wait_until("it notes its start", |machine| !noted(machine, "plain").is_empty());
    systemctl(&machine, &["reload", "probe-plain.service"]);
    machine.wait_until("the reload arrives", |machine| noted(machine, "plain") == ["started ", "reloaded"]);

    let pid = main_pid(&machine, "probe-plain.service");
    let limits = machine.run("cat", &[&format!("/proc/{pid}/limits")]);
    for (name, value) in [("Max open files", "1234"), ("Max processes", "4321"), ("Max core file size", "0")] {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{limits}"));
        let values = line.trim_start_matches(name).split_whitespace().take(2).collect::<Vec<_>>();
        assert_eq!(values, [value, value], "{line}");
    }
    for (name, value) in [
        ("MemoryMax", "268435456"),
        ("TasksMax", "50"),
        ("CPUQuotaPerSecUSec", "1.500000s"),
        ("StartLimitIntervalUSec", "0"),
        ("NRestarts", "0"),
    ] {
        assert_eq!(property(&machine, "probe-plain.service", name), value, "{name}");
    }
    assert_eq!(machine.run("ps", &["-o", "ni=", "-p", &pid.to_string()]).trim(), "3");

    for path in ["/var/lib/probe", "/var/log/probe", "/run/probe-plain"] {
        assert_eq!(machine.run("stat", &["-c", "%U:%G %a", path]).trim(), "probe:probe 750", "{path}");
    }
    for path in ["/var/lib/probe", "/var/log/probe"] {
        assert!(machine.run("rpm", &["-qf", path]).starts_with("probe-1.0"), "{path}");
    }
    systemctl(&machine, &["stop", "probe-plain.service"]);
    machine.shell("test ! -e /run/probe-plain");

    machine.try_run("systemctl", &["start", "probe-works.service"]);
    let did = "threads processes programs directories sqlite priorities native sockets statistics temporary";
    assert_eq!(noted(&machine, "works").join(" "), did, "{}", machine.journal());

    machine.shell("rm /var/log/probe/file");
    packages::remove(&machine, PackageKind::Rpm, &["probe".to_owned()]);
    assert!(!machine.root().inside("/var/log/probe").exists(), "{}", machine.shell("ls -lR /var/log/probe"));
    assert!(machine.root().inside("/var/lib/probe/plain").exists(), "data stays");
}

#[test]
fn a_service_that_hangs_or_fails_comes_back() {
    let machine = installed("rocky-9");
    machine.start("probe-watched.service");
    let hung = main_pid(&machine, "probe-watched.service");
    // Longer than its watchdog waits: it lives.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    assert_eq!(main_pid(&machine, "probe-watched.service"), hung);
    machine.shell("touch /var/lib/probe/hang");
    machine.wait_until("the hanging process is replaced", |machine| {
        let pid = main_pid(machine, "probe-watched.service");
        pid != 0 && pid != hung
    });
    machine.shell("rm /var/lib/probe/hang");
    machine.wait_until("it is up again", |machine| is_active(machine, "probe-watched.service"));
    assert!(machine.journal().contains("Watchdog timeout"), "{}", machine.journal());

    // systemd's own limit would give up after five starts.
    systemctl(&machine, &["start", "probe-fails.service"]);
    machine.wait_until("it is started a seventh time", |machine| noted(machine, "fails").len() >= 7);
    assert_eq!(property(&machine, "probe-fails.service", "Result"), "exit-code");
    assert_ne!(property(&machine, "probe-fails.service", "ActiveState"), "failed");
}

#[test]
fn timers_and_sockets_start_their_services() {
    for distribution in ["rocky-9", "fedora-42"] {
        let machine = installed(distribution);
        // systemd lets timers wait up to a minute for each other, for which this test has no patience.
        machine.shell(
            "mkdir -p /run/systemd/system/probe-job.timer.d && \
             printf '[Timer]\\nAccuracySec=100ms\\n' >/run/systemd/system/probe-job.timer.d/test.conf && \
             systemctl daemon-reload",
        );
        systemctl(&machine, &["start", "probe-job.timer"]);
        machine.wait_until("the timer fires twice", |machine| noted(machine, "job").len() >= 2);
        systemctl(&machine, &["stop", "probe-job.timer"]);

        let journal = machine.run("journalctl", &["--no-pager", "--boot"]);
        let unknown = journal.lines().filter(|line| line.contains("/probe") && line.contains("gnoring"));
        assert_eq!(unknown.collect::<Vec<_>>(), Vec::<&str>::new(), "a line of a unit that systemd does not know");

        systemctl(&machine, &["start", "probe-front.socket"]);
        assert_eq!(machine.shell("stat -c '%U:%G %a' /run/probe-front/front.sock").trim(), "probe:probe 660");
        assert!(!is_active(&machine, "probe-front.service"));
        let first = connect(&machine);
        assert_eq!(main_pid(&machine, "probe-front.service"), first);
        assert_eq!(connect(&machine), first);
        let socket = machine.shell("stat -c %i /run/probe-front/front.sock");
        systemctl(&machine, &["restart", "probe-front.service"]);
        let second = connect(&machine);
        assert_ne!(second, first);
        assert_eq!(machine.shell("stat -c %i /run/probe-front/front.sock"), socket, "the socket stays");
        systemctl(&machine, &["stop", "probe-front.service"]);
        let third = connect(&machine);
        assert!(third != 0 && third != second, "a connection starts it again");
    }
}

/// The process that answers at the socket.
fn connect(machine: &Machine) -> u32 {
    let code = "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/run/probe-front/front.sock'); \
                print(s.recv(20).decode())";
    machine.run("python3", &["-c", code]).trim().parse().unwrap()
}

const INSTANCES: [&str; 3] = ["probe-many@1.service", "probe-many@2.service", "probe-many@3.service"];

#[test]
fn the_target_acts_on_all_services_and_starts_none_that_is_disabled() {
    let machine = installed("rocky-9");
    let all = [
        "probe-plain.service",
        "probe-many@1.service",
        "probe-many@2.service",
        "probe-many@3.service",
        "probe-front.socket",
        "probe-job.timer",
    ];
    let enabled = [&["enable"][..], &all].concat();
    systemctl(&machine, &enabled);
    systemctl(&machine, &[&["start"][..], &all].concat());
    let running = |machine: &Machine| all.iter().filter(|unit| is_active(machine, unit)).count();
    let pids = |machine: &Machine| INSTANCES.map(|unit| main_pid(machine, unit));
    for instance in 1..4 {
        let name = format!("many-{instance}");
        let said = format!("started place {instance} of %i");
        machine.wait_until("the instance starts", |machine| noted(machine, &name) == [said.clone()]);
        machine.shell(&format!("test -d /run/probe-many-{instance}"));
    }
    connect(&machine);

    // The target itself was not started.
    assert!(!is_active(&machine, "probe.target"));
    systemctl(&machine, &["stop", "probe.target"]);
    assert_eq!(running(&machine), 0);
    assert!(!is_active(&machine, "probe-front.service"));

    systemctl(&machine, &["start", "probe.target"]);
    assert_eq!(running(&machine), all.len());
    for disabled in ["probe-watched.service", "probe-backend.service", "probe-fails.service"] {
        assert!(!is_active(&machine, disabled), "{disabled} is disabled");
    }
    connect(&machine);
    let before = (pids(&machine), main_pid(&machine, "probe-front.service"));
    systemctl(&machine, &["restart", "probe.target"]);
    machine.wait_until("all are up again", |machine| running(machine) == all.len());
    let after = (pids(&machine), connect(&machine));
    for (one, other) in before.0.iter().chain([&before.1]).zip(after.0.iter().chain([&after.1])) {
        assert!(one != other && *other != 0, "{before:?} {after:?}");
    }

    // An active target starts what was stopped by hand, and leaves the rest alone.
    systemctl(&machine, &["stop", "probe-many@2.service"]);
    systemctl(&machine, &["start", "probe.target"]);
    assert!(is_active(&machine, "probe-many@2.service"));
    assert_eq!(main_pid(&machine, "probe-many@1.service"), after.0[0]);

    systemctl(&machine, &["disable", "probe-many@2.service"]);
    systemctl(&machine, &["stop", "probe.target"]);
    systemctl(&machine, &["restart", "probe.target"]);
    assert!(!is_active(&machine, "probe-many@2.service") && is_active(&machine, "probe-many@1.service"));

    // What requires another goes with it.
    machine.start("probe-backend.service");
    systemctl(&machine, &["stop", "probe-plain.service"]);
    machine.wait_until("the one that requires it stops", |machine| !is_active(machine, "probe-backend.service"));
}
