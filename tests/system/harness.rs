//! The harness itself, with packages that the reference tool made: what it lets through and what it refuses.

use omnipack::smoke::{self, PackageKind, ServiceManager, Snapshot, State};

use crate::machine::Machine;
use crate::root::Root;
use crate::target::Target;
use crate::{packages, rpm};

fn machine(distribution: &str) -> Machine {
    let target = Target::named(distribution);
    let root = target.root();
    Machine::boot(root)
}

fn package(machine: &Machine, requires: &str) -> std::path::PathBuf {
    let spec = format!(
        "Name: probe\nVersion: 1\nRelease: 1\nSummary: A probe\nLicense: none\nBuildArch: noarch\nAutoReqProv: no\n\
         Requires: {requires}\n%description\nA probe.\n%install\nmkdir -p %{{buildroot}}/usr/lib/systemd/system\n\
         printf '[Service]\\nExecStart=/usr/bin/sleep infinity\\n' >%{{buildroot}}/usr/lib/systemd/system/probe.service\n\
         %files\n/usr/lib/systemd/system/probe.service\n"
    );
    rpm::rpmbuild(&spec, &machine.root().scratch().join("probe"))
}

#[test]
fn a_met_requirement_installs_runs_and_goes() {
    let machine = machine("centos-7");
    let package = package(&machine, "/bin/sh, /usr/bin/python3.6, python(abi) = 3.6, libc.so.6(GLIBC_2.17)(64bit)");
    packages::install(&machine, &[package]);
    assert!(packages::verify(&machine, PackageKind::Rpm, &["probe".to_owned()]).is_empty());
    machine.run("systemctl", &["daemon-reload"]);
    machine.start("probe.service");
    machine.shell("echo '# edited' >>/usr/lib/systemd/system/probe.service");
    assert!(
        !packages::verify(&machine, PackageKind::Rpm, &["probe".to_owned()]).is_empty(),
        "a changed file must be seen"
    );
    packages::remove(&machine, PackageKind::Rpm, &["probe".to_owned()]);
    assert!(!machine.root().inside("/usr/lib/systemd/system/probe.service").exists());
}

#[test]
fn an_unmet_requirement_is_refused() {
    let machine = machine("centos-7");
    for requirement in ["libc.so.6(GLIBC_2.28)(64bit)", "python(abi) = 3.7", "no-such-package", "/usr/bin/python3.9"] {
        let refusal = packages::try_install(&machine, &[package(&machine, requirement)]).unwrap_err();
        assert!(refusal.contains(&format!("nothing provides {requirement}")), "{requirement}: {refusal}");
    }
}

#[test]
fn an_init_script_runs_on_a_machine_with_sysvinit() {
    let machine = Machine::boot(Root::new("bookworm-sysvinit", "3.11"));
    assert_eq!(*machine.engine().services(), ServiceManager::Sysvinit);
    machine.start("cron");
    let services = machine.engine().services();
    services.stop(machine.engine(), "cron").unwrap();
    assert_ne!(services.state(machine.engine(), "cron").unwrap(), State::Running);
    assert!(services.is_enabled(machine.engine(), "cron").unwrap());
}

#[test]
fn a_snapshot_sees_a_new_file_and_a_new_process() {
    let machine = Machine::boot(Root::new("bookworm", "3.11"));
    let before = Snapshot::of(machine.engine()).unwrap();
    machine.shell("mkdir /opt/new; : >/opt/new/file; : >/run/new.pid; : >/tmp/new; cp /bin/sleep /opt/new/sleeper");
    machine.shell("/opt/new/sleeper 1000 >/dev/null 2>&1 &");
    let after = Snapshot::of(machine.engine()).unwrap();
    let new: Vec<&str> = after.new_paths(&before).filter(|path| !path.starts_with("/var/log/journal")).collect();
    assert_eq!(new, ["/opt/new", "/opt/new/file", "/opt/new/sleeper", "/run/new.pid", "/tmp/new"]);
    let sleeper = after.processes.values().find(|process| process.program == "/opt/new/sleeper").unwrap();
    assert_eq!(sleeper.command, "/opt/new/sleeper 1000");
}

#[test]
fn a_system_without_an_init_runs_commands_and_says_why_no_services() {
    let root = Root::new("bookworm", "3.11");
    for init in ["/usr/sbin/init", "/usr/lib/systemd/systemd"] {
        let _ = fs_err::remove_file(root.inside(init));
    }
    let machine = smoke::Machine::boot(root.into_overlay()).unwrap();
    let ServiceManager::None { reason } = machine.services() else { panic!("{:?}", machine.services()) };
    assert!(reason.contains("no init"), "{reason}");
    let first = machine.run("cat", &["/proc/1/cmdline"]).unwrap().stdout_text();
    assert!(!first.is_empty() && !first.contains("systemd"), "{first}");
    let missing = machine.run("no-such-program", &[]).unwrap();
    assert_eq!(missing.code, 127, "{}", missing.stderr_text());
}

#[test]
fn each_targets_python_is_whole() {
    for (suite, python) in [("bookworm", "3.6"), ("bookworm", "3.9"), ("trixie", "3.13")] {
        let root = Root::new(suite, python);
        let code =
            "import bz2, ctypes, hashlib, lzma, sqlite3, ssl, sys, zlib; print(sys.prefix, *sys.version_info[:2])";
        let said = root.chroot(&format!("/usr/bin/python{python}"), &["-c", code]);
        assert_eq!(said.trim(), format!("/usr {}", python.replace('.', " ")));
    }
}
