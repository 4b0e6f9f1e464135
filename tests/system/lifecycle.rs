//! Each fixture on each distribution: build, install, use, verify, remove. A new case is a line at the end.

use omnipack::smoke::{PackageKind, Snapshot};

use crate::machine::Machine;
use crate::support::{build, name_of};
use crate::target::Target;
use crate::{packages, support};

/// What is particular to a fixture.
struct Case {
    fixture: &'static str,
    /// Its packages, sorted.
    packages: &'static [&'static str],
    prefix: &'static str,
    /// Uses the installed application.
    check: fn(&Machine, &Target),
    /// Files that may differ from the package after the use: an operator edited them.
    edited: &'static [&'static str],
}

const CDHBOOT: Case = Case {
    fixture: "cdhboot",
    packages: &["cdhboot", "cdhboot-cli", "cdhboot-node"],
    prefix: "/opt/cdhboot",
    check: a_request_is_answered_by_the_worker,
    edited: &["/etc/cdhboot/cdhboot.conf"],
};

const NATIVE: Case = Case {
    fixture: "native",
    packages: &["native-probe", "native-probe-cli"],
    prefix: "/opt/native-probe",
    check: extension_modules_work,
    edited: &[],
};

const FLOCKER: Case = Case {
    fixture: "flocker",
    packages: &[
        "clusterhq-flocker-cli",
        "clusterhq-flocker-docker-plugin",
        "clusterhq-flocker-node",
        "clusterhq-python-flocker",
    ],
    prefix: "/opt/flocker",
    check: flockers_commands_and_services_work,
    edited: &[],
};

const MINIMAL: Case = Case {
    fixture: "minimal",
    packages: &["minimal"],
    prefix: "/opt/minimal",
    check: the_module_is_there,
    edited: &[],
};

fn lifecycle(case: &Case, distribution: &str) {
    let destination = tempfile::tempdir().unwrap();
    let target = Target::named(distribution);
    let files = build(case.fixture, &target.distribution, destination.path());
    let mut names = packages::names(&files);
    names.sort();
    assert_eq!(names, case.packages, "{:?}", files.iter().map(|path| name_of(path)).collect::<Vec<_>>());

    let machine = Machine::boot(target.root());
    let before = snapshot(&machine);

    packages::install(&machine, &files);
    assert_eq!(packages::verify(&machine, target.kind(), &names), Vec::<String>::new(), "right after the installation");
    (case.check)(&machine, &target);
    let unexpected: Vec<String> = packages::verify(&machine, target.kind(), &names)
        .into_iter()
        .filter(|line| !case.edited.iter().any(|path| line.ends_with(path)))
        .collect();
    assert_eq!(unexpected, Vec::<String>::new(), "after use");

    packages::remove(&machine, target.kind(), &names);
    assert!(!machine.root().inside(case.prefix).exists(), "{}", machine.run("find", &[case.prefix]));
    let after = snapshot(&machine);
    for unwanted in ["/usr/bin", "/usr/sbin", "/usr/lib/systemd", "/etc/systemd", "/etc/init.d", "/etc/rc.d"] {
        let left: Vec<&str> = after.new_paths(&before).filter(|path| path.starts_with(unwanted)).collect();
        assert_eq!(left, Vec::<&str>::new(), "left behind under {unwanted}");
    }
    let failed =
        machine.run("systemctl", &["list-units", "--failed", "--plain", "--no-legend", "cdhboot*", "flocker*"]);
    assert_eq!(failed.trim(), "", "{}", machine.journal());
}

fn snapshot(machine: &Machine) -> Snapshot {
    Snapshot::of(machine.engine()).unwrap_or_else(|error| panic!("{error}"))
}

fn a_request_is_answered_by_the_worker(machine: &Machine, target: &Target) {
    machine
        .wait_until("Redis answers", |machine| machine.try_run("redis-cli", &["ping"]).stdout_text().trim() == "PONG");
    machine.shell("sed -i 's/^password =.*/password = s3cret/' /etc/cdhboot/cdhboot.conf");
    for unit in ["cdhboot-web.service", "cdhboot-worker.service"] {
        machine.run("systemctl", &["restart", unit]);
        machine.start(unit);
    }
    let answer = browse(machine, "s3cret");
    assert!(answer.contains("node-17") && answer.contains(&format!("{}.", target.python)), "{answer}");
    let by_command = machine.run("/usr/bin/cdhboot", &["boot", "node-18"]);
    assert!(by_command.contains("node-18"), "{by_command}");
    for process in ["web", "worker"] {
        let owner = machine.shell(&format!("stat -c %U /var/log/cdhboot/{process}.log"));
        assert_eq!(owner.trim(), "sysadmin");
        let pid = machine.run("systemctl", &["show", "-P", "MainPID", &format!("cdhboot-{process}.service")]);
        let user = machine.run("ps", &["-o", "user=", "-p", pid.trim()]);
        assert_eq!(user.trim(), "sysadmin", "the {process} process's user");
    }
}

/// What an operator does in a browser, from inside the machine.
fn browse(machine: &Machine, password: &str) -> String {
    let script = machine.root().inside("/packages/queue_task.py");
    fs_err::copy(support::repository().join("tests/system/queue_task.py"), script).unwrap();
    let output = machine.try_run("python3", &["/packages/queue_task.py", "8000", password, "node-17"]);
    let logs = || machine.shell("tail -n 50 /var/log/cdhboot/*.log || :");
    assert_eq!(output.code, 0, "{}\n{}\n{}", support::both(&output), logs(), machine.journal());
    output.stdout_text()
}

fn extension_modules_work(machine: &Machine, target: &Target) {
    let report: serde_json::Value = serde_json::from_str(&machine.run("/usr/bin/native-probe", &[])).unwrap();
    assert_eq!(report["python"], target.python.as_str());
    for module in ["cryptography", "lxml", "numpy", "psycopg2", "uvloop"] {
        assert!(report[module].is_string(), "{report}");
    }
}

fn flockers_commands_and_services_work(machine: &Machine, target: &Target) {
    for (link, command) in [
        ("/usr/bin/flocker", "flocker"),
        ("/usr/bin/flocker-ca", "flocker-ca"),
        ("/usr/bin/eliot-prettyprint", "eliot-prettyprint"),
        ("/usr/bin/eliot-tree", "eliot-tree"),
        ("/usr/sbin/flocker-volume", "flocker-volume"),
        ("/usr/sbin/flocker-control", "flocker-control"),
        ("/usr/sbin/flocker-container-agent", "flocker-container-agent"),
        ("/usr/sbin/flocker-dataset-agent", "flocker-dataset-agent"),
        ("/usr/sbin/flocker-diagnostics", "flocker-diagnostics"),
        ("/usr/sbin/flocker-benchmark", "flocker-benchmark"),
        ("/usr/sbin/flocker-node-era", "flocker-node-era"),
        ("/usr/sbin/flocker-docker-plugin", "flocker-docker-plugin"),
    ] {
        assert_eq!(machine.run("realpath", &[link]).trim(), format!("/opt/flocker/bin/{command}"));
    }
    assert_eq!(machine.run("flocker-volume", &[]).trim(), "1.15.0");
    let tree = machine.shell("flocker-control --once | eliot-tree");
    assert!(tree.contains("process: flocker-control"), "{tree}");
    let owner = "clusterhq-flocker-node";
    let words = flocker_in(target.kind());
    assert!(machine.shell(&format!("{} /var/lib/flocker", words.owner)).starts_with(owner));
    let requires = machine.shell(words.requires);
    for requirement in words.requirements {
        assert!(requires.lines().any(|line| line == requirement), "{requirement} is not in\n{requires}");
    }
    let plugin = "clusterhq-flocker-docker-plugin";
    let units = machine.shell(&format!("{} {owner} {plugin} | grep '[.]service$'", words.files));
    assert_eq!(units.lines().count(), 4, "{units}");
    for unit in units.lines().filter_map(|path| path.rsplit('/').next()) {
        machine.start(unit);
    }
}

/// How to ask a package manager about flocker's packages, and what they require.
struct Words {
    owner: &'static str,
    requires: &'static str,
    files: &'static str,
    requirements: [&'static str; 4],
}

fn flocker_in(kind: PackageKind) -> Words {
    match kind {
        PackageKind::Rpm => Words {
            owner: "rpm -qf",
            requires: "rpm -qR clusterhq-flocker-node",
            files: "rpm -ql",
            requirements: ["/usr/sbin/iptables", "openssh-clients", "lshw", "clusterhq-python-flocker = 1.15.0-1"],
        },
        PackageKind::Deb => Words {
            owner: "dpkg -S",
            requires: "dpkg-query -W -f '${Depends}' clusterhq-flocker-node | sed 's/, /\\n/g' #",
            files: "dpkg -L",
            requirements: ["iptables", "openssh-client", "lshw", "clusterhq-python-flocker (= 1.15.0-1)"],
        },
    }
}

fn the_module_is_there(machine: &Machine, _: &Target) {
    let answer = machine.run("/opt/minimal/bin/python", &["-c", "import minimal; print(minimal.ANSWER)"]);
    assert_eq!(answer.trim(), "42");
}

macro_rules! cases {
    ($($name:ident: $case:ident on $distribution:literal;)*) => {
        $(#[test]
        fn $name() {
            lifecycle(&$case, $distribution);
        })*
    };
}

cases! {
    cdhboot_on_centos_7: CDHBOOT on "centos-7";
    cdhboot_on_rocky_9: CDHBOOT on "rocky-9";
    cdhboot_on_fedora_42: CDHBOOT on "fedora-42";
    native_on_centos_7: NATIVE on "centos-7";
    native_on_rocky_9: NATIVE on "rocky-9";
    native_on_fedora_42: NATIVE on "fedora-42";
    flocker_on_centos_7: FLOCKER on "centos-7";
    flocker_on_rocky_9: FLOCKER on "rocky-9";
    minimal_on_rocky_9: MINIMAL on "rocky-9";
    cdhboot_on_debian_11: CDHBOOT on "debian-11";
    cdhboot_on_debian_13: CDHBOOT on "debian-13";
    cdhboot_on_ubuntu_24_04: CDHBOOT on "ubuntu-24.04";
    native_on_debian_11: NATIVE on "debian-11";
    native_on_debian_12: NATIVE on "debian-12";
    native_on_ubuntu_24_04: NATIVE on "ubuntu-24.04";
    flocker_on_debian_12: FLOCKER on "debian-12";
    minimal_on_debian_13: MINIMAL on "debian-13";
}
