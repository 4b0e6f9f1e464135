//! `omnipack smoke` on booted systems: a sound package passes every step, and each kind of broken one fails at the step
//! that is there to find it. Its JSON and JUnit reports are read back by other people's parsers.

use std::path::{Path, PathBuf};

use omnipack::exec::Command;
use serde_json::Value;

use crate::machine::Machine;
use crate::root::Root;
use crate::smoke_demo::{Built, WEB, root};
use crate::support::{both, expect_success, omnipack};
use crate::{packages, rpm};

/// Every kind of check, and a service that ends by itself.
const OTHERS: &str = r#"
[[service]]
name = "second"
command = "demo web 8001"
restart-on-upgrade = false
[service.check]
tcp = "127.0.0.1:8001"

[[service]]
name = "third"
command = "demo stay"
user = "demo"
environment = { COLOUR = "blue & $green" }
[service.check]
command = "demo expect COLOUR 'blue & $green'"

[[service]]
name = "once"
type = "oneshot"
command = "demo work"
"#;

/// What the command said.
struct Tried {
    code: i32,
    json: Value,
    /// `[[phase, step, outcome, message]]`
    junit: Value,
}

impl Tried {
    fn new(place: &[&str], old: Option<&Built>, new: &Built) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let junit = scratch.path().join("report.xml");
        let mut command = omnipack().args(["smoke", "--json", "--junit"]).arg(&junit).args(place);
        for file in old.map(Built::files).unwrap_or_default() {
            command = command.arg("--upgrade-from").arg(file);
        }
        let output = command.args(new.files()).env("TMPDIR", scratch.path()).run().unwrap();
        let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{}", both(&output)));
        let tried = Self { code: output.code, json, junit: read_junit(&junit) };
        assert_eq!(fs_err::read_dir(scratch.path()).unwrap().count(), 1, "nothing but the report is left");
        tried.agrees();
        tried
    }

    fn on(root: &Root, old: Option<&Built>, new: &Built) -> Self {
        Self::new(&["--root", root.path().to_str().unwrap()], old, new)
    }

    /// Both reports say the same.
    fn agrees(&self) {
        let steps = self.json["steps"].as_array().unwrap();
        assert_eq!(steps.len(), self.junit.as_array().unwrap().len());
        for (step, case) in steps.iter().zip(self.junit.as_array().unwrap()) {
            assert_eq!(format!("smoke.{}", step["phase"].as_str().unwrap()), case[0].as_str().unwrap());
            assert_eq!((&step["name"], &step["outcome"]), (&case[1], &case[2]));
            assert_eq!(step["message"].as_str().unwrap().trim(), case[3].as_str().unwrap().trim());
        }
        assert_eq!(self.json["passed"], self.code == 0);
    }

    fn of(&self, outcome: &str) -> Vec<String> {
        let steps = self.json["steps"].as_array().unwrap().iter().filter(|step| step["outcome"] == outcome);
        steps.map(|step| format!("{}: {}", text(&step["phase"]), text(&step["name"]))).collect()
    }

    /// Exactly this step failed, and says that.
    fn fails_at(&self, step: &str, message: &str) {
        assert_eq!(self.of("failed"), [step], "{:#}", self.json);
        assert_eq!(self.code, 1);
        let failed = self.json["steps"].as_array().unwrap().iter().find(|step| step["outcome"] == "failed").unwrap();
        assert!(text(&failed["message"]).contains(message), "{failed:#}");
    }

    fn passes(&self) {
        assert_eq!(self.of("failed"), Vec::<String>::new(), "{:#}", self.json);
        assert_eq!(self.of("skipped"), Vec::<String>::new());
        assert_eq!(self.code, 0);
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn read_junit(path: &Path) -> Value {
    let script = "\
import json, sys, xml.etree.ElementTree as xml
root = xml.parse(sys.argv[1]).getroot()
suite, = root.findall('testsuite')
cases = suite.findall('testcase')
assert root.get('tests') == suite.get('tests') == str(len(cases))
assert suite.get('failures') == str(len(suite.findall('testcase/failure')))
assert suite.get('skipped') == str(len(suite.findall('testcase/skipped')))
def row(case):
    for tag, outcome in (('failure', 'failed'), ('skipped', 'skipped'), ('system-out', 'ok')):
        found = case.find(tag)
        if found is not None:
            return outcome, (found.text or found.get('message') or '')
    return 'ok', ''
print(json.dumps([[case.get('classname'), case.get('name'), *row(case)] for case in cases if float(case.get('time')) >= 0]))
";
    let output = expect_success(&Command::new("python3").args(["-c", script]).arg(path));
    serde_json::from_str(&output).unwrap()
}

#[test]
fn a_sound_package_passes_through_its_whole_life() {
    let config = format!("{WEB}{OTHERS}");
    let (old, new) = (Built::new("rocky-9", "1.0", &config), Built::new("rocky-9", "1.1", &config));
    let root = root("rocky-9");
    let tried = Tried::on(&root, Some(&old), &new);
    tried.passes();
    let done = tried.of("ok");
    for step in [
        "install: start demo-once.service",
        "install: check demo-web.service",
        "install: check demo-second.service",
        "install: check demo-third.service",
        "upgrade: demo-web.service: restarted once",
        "upgrade-stopped: demo-third.service: still stopped",
        "reinstall: check demo-third.service",
        "remove: no file left",
    ] {
        assert!(done.iter().any(|name| name == step), "{step} is not among {done:#?}");
    }
    assert_eq!(tried.json["packages"], serde_json::json!(["demo", "demo-cli", "demo-node"]));
    assert!(!root.inside("/packages").exists() && !root.inside("/opt/demo").exists(), "the directory was changed");
}

#[test]
fn init_scripts_pass_too() {
    let config = format!("{WEB}{OTHERS}");
    let (old, new) = (Built::new("centos-6", "1.0", &config), Built::new("centos-6", "1.1", &config));
    let tried = Tried::on(&root("centos-6"), Some(&old), &new);
    tried.passes();
    assert_eq!(tried.json["service-manager"], "sysvinit");
    assert!(tried.of("ok").contains(&"upgrade: demo-web: restarted once".to_owned()), "{:#}", tried.json);
}

#[test]
fn debian_packages_pass_and_are_purged() {
    let config = format!("{WEB}{OTHERS}");
    for (distribution, manager) in [("debian-13", "systemd"), ("debian-12-sysvinit", "sysvinit")] {
        let (old, new) = (Built::new(distribution, "1.0", &config), Built::new(distribution, "1.1", &config));
        let tried = Tried::on(&root(distribution), Some(&old), &new);
        tried.passes();
        assert_eq!(
            (&tried.json["service-manager"], &tried.json["package-manager"]),
            (&manager.into(), &"apt-get".into())
        );
        assert!(tried.of("ok").contains(&"remove: purge the packages".to_owned()), "{:#}", tried.json);
    }
}

#[test]
fn what_a_debian_package_keeps_from_a_purge_fails_at_the_end() {
    let script = "\n[scriptlets]\npost = \"echo x >/etc/demo-left\"\n";
    let tried = Tried::on(&root("debian-12"), None, &Built::new("debian-12", "1.0", &format!("{WEB}{script}")));
    tried.fails_at("remove: no file left", "left behind:\n/etc/demo-left");
}

#[test]
fn a_service_that_ends_at_once_fails_when_it_is_started() {
    let root = root("rocky-9");
    let broken = WEB.replace("demo web 8000", "demo end").split("[service.check]").next().unwrap().to_owned()
        + "[[user]]\nname = \"demo\"\n";
    let tried = Tried::on(&root, None, &Built::new("rocky-9", "1.0", &broken));
    assert!(tried.of("failed").contains(&"install: start demo-web.service".to_owned()), "{:#}", tried.json);
    let started = &tried.json["steps"][2];
    assert!(text(&started["message"]).contains("the database is not there"), "{started:#}");
    assert!(tried.of("ok").contains(&"remove: no file left".to_owned()), "{:#}", tried.json);
}

#[test]
fn a_check_that_does_not_hold_fails_with_its_reason() {
    let root = root("rocky-9");
    let broken = WEB.replace(":8000/\"", ":8000/missing\"").replace("timeout = 10", "timeout = 1");
    let tried = Tried::on(&root, None, &Built::new("rocky-9", "1.0", &broken));
    assert_eq!(tried.of("failed"), ["install: check demo-web.service", "reinstall: check demo-web.service"]);
    let message = text(&tried.json["steps"][3]["message"]).to_owned();
    assert!(message.contains("not within 1 seconds: http://127.0.0.1:8000/missing was answered with 404"), "{message}");
}

#[test]
fn what_a_script_leaves_behind_fails_at_the_end() {
    let script = "\n[scriptlets]\npost = \"\"\"\nmkdir -p /opt/left/empty\necho x >'/etc/demo-<&>-left'\n\
                  ln -s /usr/lib/systemd/system/rescue.service /etc/systemd/system/multi-user.target.wants/demo-alias.service\n\
                  mkdir -p /var/lib/demo; echo precious >/var/lib/demo/data\n\"\"\"\n";
    let tried = Tried::on(&root("rocky-9"), None, &Built::new("rocky-9", "1.0", &format!("{WEB}{script}")));
    tried.fails_at("remove: no file left", "left behind:");
    let message = text(&tried.json["steps"].as_array().unwrap().last().unwrap()["message"]);
    for left in ["/etc/demo-<&>-left", "/opt/left", "/etc/systemd/system/multi-user.target.wants/demo-alias.service"] {
        assert!(message.lines().any(|line| line == left), "{left} is not in {message}");
    }
    assert!(!message.contains("/var/lib"), "data is kept: {message}");
}

#[test]
fn an_upgrade_that_starts_what_was_stopped_fails_there() {
    let script = "\n[scriptlets]\nposttrans = \"systemctl start demo-web.service\"\n";
    let (old, new) = (Built::new("rocky-9", "1.0", WEB), Built::new("rocky-9", "1.1", &format!("{WEB}{script}")));
    let tried = Tried::on(&root("rocky-9"), Some(&old), &new);
    tried.fails_at("upgrade-stopped: demo-web.service: still stopped", "it was stopped before and is running now");
}

#[test]
fn an_upgrade_that_restarts_twice_fails_there() {
    let script = "\n[scriptlets]\nposttrans = \"systemctl try-restart demo-web.service\"\n";
    let (old, new) = (Built::new("rocky-9", "1.0", WEB), Built::new("rocky-9", "1.1", &format!("{WEB}{script}")));
    let tried = Tried::on(&root("rocky-9"), Some(&old), &new);
    tried.fails_at("upgrade: demo-web.service: restarted once", "it was started 2 times");
}

#[test]
fn a_failing_script_is_seen_though_the_package_manager_ends_well() {
    let script = "\n[scriptlets]\npost = \"exit 3\"\n";
    let tried = Tried::on(&root("rocky-9"), None, &Built::new("rocky-9", "1.0", &format!("{WEB}{script}")));
    assert_eq!(tried.of("failed"), ["install: install the packages", "reinstall: install the packages again"]);
    let message = text(&tried.json["steps"][0]["message"]);
    assert!(message.starts_with("a script of a package failed: warning: the post script of demo failed"), "{message}");
    assert!(tried.of("ok").contains(&"reinstall: check demo-web.service".to_owned()), "{:#}", tried.json);
}

#[test]
fn without_an_init_services_are_skipped_and_the_rest_is_done() {
    let root = root("rocky-9");
    for init in ["/usr/sbin/init", "/usr/lib/systemd/systemd"] {
        fs_err::remove_file(root.inside(init)).unwrap();
    }
    let tried = Tried::on(&root, None, &Built::new("rocky-9", "1.0", WEB));
    assert_eq!(tried.of("failed"), Vec::<String>::new(), "{:#}", tried.json);
    assert_eq!(tried.code, 0);
    let skipped = tried.json["steps"].as_array().unwrap().iter().filter(|step| step["outcome"] == "skipped");
    assert!(skipped.clone().count() >= 2, "{:#}", tried.json);
    assert!(skipped.clone().all(|step| text(&step["message"]) == "the system has no init"), "{:#}", tried.json);
}

/// Another maker's package with an init script, which keeps count of how often it is asked for its status.
fn scripted(root: &Root, version: u32) -> PathBuf {
    let script = "#!/bin/sh\n# chkconfig: 2345 80 20\ncase $1 in\n\
                  start) sleep 1000 >/dev/null 2>&1 & echo $! >/var/run/probe.pid ;;\n\
                  stop) kill $(cat /var/run/probe.pid); rm -f /var/run/probe.pid ;;\n\
                  status) echo >>/packages/asked\n\
                  if [ $(wc -l </packages/asked) = 3 ]; then sleep 100; fi\n\
                  [ -e /var/run/probe.pid ] || exit 3 ;;\nesac\n";
    let file = root.scratch().join("probe-script");
    fs_err::write(&file, script).unwrap();
    let spec = format!(
        "Name: probe\nVersion: {version}\nRelease: 1\nSummary: A probe\nLicense: none\nBuildArch: noarch\nAutoReqProv: no\n\
         %description\nA probe.\n%install\ninstall -D -m 755 {} %{{buildroot}}/etc/init.d/probe\n\
         %preun\n[ $1 != 0 ] || /etc/init.d/probe stop\n%files\n/etc/init.d/probe\n",
        file.display()
    );
    rpm::rpmbuild(&spec, &root.scratch().join(format!("probe-{version}")))
}

#[test]
fn a_service_that_cannot_be_asked_before_an_upgrade_fails_there() {
    let root = root("centos-6");
    let (old, new) = (scripted(&root, 1), scripted(&root, 2));
    // It is asked twice when it is started, and hangs the third time: right before the upgrade.
    let command = omnipack().args(["smoke", "--json", "--timeout", "15", "--root"]).arg(root.path());
    let output = command.arg("--upgrade-from").arg(old).arg(new).run().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", both(&output)));
    let failed = report["steps"].as_array().unwrap().iter().filter(|step| step["outcome"] == "failed");
    let failed =
        failed.map(|step| (text(&step["phase"]), text(&step["name"]), text(&step["message"]))).collect::<Vec<_>>();
    let [("upgrade", "probe: restarted once", message)] = failed.as_slice() else { panic!("{report:#}") };
    assert!(message.contains("was not done after 15 seconds"), "{message}");
    assert_eq!(output.code, 1);
}

#[test]
fn a_system_that_does_not_boot_by_its_own_fault_is_an_error() {
    let root = root("rocky-9");
    for init in ["/usr/sbin/init", "/usr/lib/systemd/systemd"] {
        fs_err::remove_file(root.inside(init)).unwrap();
        fs_err::write(root.inside(init), "#!/bin/sh\necho 'cannot mount: Operation not permitted'\nexit 1\n").unwrap();
        expect_success(&Command::new("chmod").arg("755").arg(root.inside(init)));
    }
    let built = Built::new("rocky-9", "1.0", WEB);
    let output = omnipack().args(["smoke", "--root"]).arg(root.path()).args(built.files()).run().unwrap();
    assert_eq!(output.code, 1, "{}", both(&output));
    let said = output.stderr_text();
    assert!(said.contains("the machine does not boot: it ended") && said.contains("cannot mount"), "{}", both(&output));
}

#[test]
fn where_nothing_may_be_booted_services_are_skipped() {
    let root = root("rocky-9");
    let built = Built::new("rocky-9", "1.0", WEB);
    // systemd-nspawn takes rights away from what it runs, for which it needs this one.
    let command = Command::new("setpriv").args(["--bounding-set=-setpcap", "--inh-caps=-setpcap"]);
    let command = command.arg(env!("CARGO_BIN_EXE_omnipack")).args(["smoke", "--json", "--root"]).arg(root.path());
    let output = command.args(built.files()).run().unwrap();
    assert_eq!(output.code, 0, "{}", both(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let manager = text(&report["service-manager"]);
    assert!(manager.starts_with("none: it may not be booted here: ") && manager.contains("Operation not permitted"));
    assert!(report["steps"].as_array().unwrap().iter().any(|step| step["outcome"] == "skipped"), "{report:#}");
}

#[test]
fn a_package_of_another_maker_is_tried_by_its_units() {
    let root = root("rocky-9");
    let unit = "[Unit]\\nDescription=Probe\\n[Service]\\nExecStart=/usr/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n";
    let spec = format!(
        "Name: probe\nVersion: 1\nRelease: 1\nSummary: A probe\nLicense: none\nBuildArch: noarch\nAutoReqProv: no\n\
         %description\nA probe.\n%install\nmkdir -p %{{buildroot}}/usr/lib/systemd/system\n\
         printf '{unit}' >%{{buildroot}}/usr/lib/systemd/system/probe.service\n\
         %post\nsystemctl daemon-reload\n%files\n/usr/lib/systemd/system/probe.service\n"
    );
    let package = rpm::rpmbuild(&spec, &root.scratch().join("probe"));
    let output = omnipack().args(["smoke", "--quiet", "--root"]).arg(root.path()).arg(package).run().unwrap();
    // Its scriptlets stop nothing: that is what is found.
    assert_eq!(output.code, 1, "{}", both(&output));
    let table = output.stdout_text();
    for line in ["ok       install          start probe.service", "failed   remove           probe.service: gone"] {
        assert!(table.contains(line), "{line} is not in\n{table}");
    }
}

#[test]
fn ctrl_c_leaves_nothing_behind() {
    let root = root("rocky-9");
    let built = Built::new("rocky-9", "1.0", WEB);
    let scratch = tempfile::tempdir().unwrap();
    let log = scratch.path().join("log");
    let command = omnipack().args(["smoke", "--root"]).arg(root.path()).args(built.files());
    let running = command.env("TMPDIR", scratch.path()).start_logged(&log).unwrap();
    let begun = std::time::Instant::now();
    while !fs_err::read_to_string(&log).unwrap_or_default().contains("verify the files") {
        assert!(!running.has_ended() && begun.elapsed().as_secs() < 120, "{:?}", fs_err::read_to_string(&log));
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let machines = omnipack::exec::children(running.pid());
    assert!(!machines.is_empty());
    expect_success(&Command::new("kill").args(["-s", "INT", &running.pid().to_string()]));
    while !running.has_ended() {
        assert!(begun.elapsed().as_secs() < 120, "it does not end");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let left: Vec<_> = fs_err::read_dir(scratch.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["log"]);
    let mounts = fs_err::read_to_string("/proc/self/mounts").unwrap();
    assert!(!mounts.contains(scratch.path().to_str().unwrap()), "{mounts}");
    for pid in machines {
        assert!(!Path::new(&format!("/proc/{pid}")).exists(), "process {pid} still runs");
    }
}

#[test]
fn this_machine_is_cleared_again_and_what_it_has_is_left_alone() {
    let root = root("fedora-42");
    fs_err::copy(env!("CARGO_BIN_EXE_omnipack"), root.inside("/usr/local/bin/omnipack")).unwrap();
    let machine = Machine::boot(root);
    let built = Built::new("fedora-42", "1.0", WEB);
    let files = packages::put(&machine, &built.files());
    let mut args = vec!["smoke", "--quiet", "--this-machine"];
    args.extend(files.iter().map(String::as_str));
    let tried = machine.try_run("/usr/local/bin/omnipack", &args);
    assert_eq!(tried.code, 0, "{}", both(&tried));
    assert_ne!(machine.try_run("rpm", &["-q", "demo"]).code, 0);

    packages::install(&machine, &built.files());
    let refused = machine.try_run("/usr/local/bin/omnipack", &args);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr_text().contains("is installed on the machine already"), "{}", both(&refused));
    machine.run("rpm", &["-q", "demo"]);
}

#[test]
fn a_debian_package_is_tried_with_apt_and_purged() {
    let scratch = tempfile::tempdir().unwrap();
    let tree = scratch.path().join("probe");
    let file = |path: &str, text: &str| {
        let path = tree.join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    };
    file(
        "DEBIAN/control",
        "Package: probe\nVersion: 1.0-1\nArchitecture: all\nMaintainer: A <a@b.c>\nDescription: A probe\n",
    );
    file("DEBIAN/conffiles", "/etc/probe.conf\n");
    file("etc/probe.conf", "a = 1\n");
    let unit = "[Service]\nExecStart=/usr/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n";
    file("usr/lib/systemd/system/probe.service", unit);
    for (name, text) in [
        ("postinst", "systemctl daemon-reload"),
        ("prerm", "[ \"$1\" = upgrade ] || systemctl stop probe.service"),
        ("postrm", "systemctl daemon-reload"),
    ] {
        file(&format!("DEBIAN/{name}"), &format!("#!/bin/sh\n{text}\n"));
        expect_success(&Command::new("chmod").arg("755").arg(tree.join("DEBIAN").join(name)));
    }
    let package = scratch.path().join("probe_1.0-1_all.deb");
    expect_success(&Command::new("dpkg-deb").args(["--build", "--root-owner-group"]).arg(&tree).arg(&package));
    let root = Root::new("bookworm", "3.11");
    let output = omnipack().args(["smoke", "--root"]).arg(root.path()).arg(package).run().unwrap();
    assert_eq!(output.code, 0, "{}", both(&output));
    let table = output.stdout_text();
    for line in ["(apt-get, services: systemd)", "ok       remove           purge the packages"] {
        assert!(table.contains(line), "{line} is not in\n{table}");
    }
}
