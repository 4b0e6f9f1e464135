//! Debian source packages on a machine: built with Debian's own tools, installed by apt with what they depend on from Debian's
//! archive, used, upgraded, removed.

use std::path::{Path, PathBuf};

use omnipack::exec::Command;
use omnipack::smoke::PackageKind;

use crate::machine::Machine;
use crate::packages::{install, names, remove, verify};
use crate::root::Root;
use crate::support::{expect_success, omnipack, packages_in};

const PROGRAM: &str = r#"
import os
import sys

import yaml
from flask import Flask

application = Flask(__name__)


@application.route("/")
def answer():
    with open("/etc/page/page.yaml") as file:
        settings = yaml.safe_load(file)
    with open("/var/lib/page/seen", "a") as file:
        file.write("x")
    return "%s %s VERSION" % (settings["greeting"], os.getuid() != 0)


def web():
    application.run(port=8098)


def wait():
    import time
    with open("/var/lib/page/number-%s" % sys.argv[1], "w") as file:
        file.write("VERSION")
    time.sleep(10000)


def main():
    print("page", yaml.safe_load("[1, 2]"))
"#;

const PYPROJECT: &str = r#"
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"

[project]
name = "page"
version = "VERSION"
description = "A page that greets"
dependencies = ["Flask>=2,<4", "PyYAML>=5"]

[project.scripts]
page = "page:main"
page-web = "page:web"
page-wait = "page:wait"

[tool.setuptools]
py-modules = ["page"]
"#;

const CONFIGURATION: &str = r#"
[package]
maintainer = "Ada <ada@example.org>"

[[user]]
name = "pageman"
home = "/var/lib/page"
remove = true

[[service]]
name = "web"
command = "page-web"
user = "pageman"
start = true

[[service]]
name = "idle"
command = "page-wait idle"
user = "pageman"

[[service]]
name = "crowd"
command = "page-wait {instance}"
user = "pageman"
count = 2
start = true

[[file]]
source = "page.yaml"
destination = "/etc/page/page.yaml"
config = "noreplace"
mode = "0640"
owner = "root"
group = "pageman"

[scriptlets]
post = "echo \"post $1\" >>/var/log/page.log"
preun = "echo \"preun $1\" >>/var/log/page.log"
purge = "echo \"purge $1\" >>/var/log/page.log"
"#;

/// The packages of one version, made from its source package.
fn build(version: &str, directory: &Path) -> Vec<PathBuf> {
    let project = directory.join("source");
    fs_err::create_dir_all(&project).unwrap();
    for (name, text) in [
        ("page.py", PROGRAM),
        ("pyproject.toml", PYPROJECT),
        ("omnipack.toml", CONFIGURATION),
        ("page.yaml", "greeting: hello\n"),
    ] {
        fs_err::write(project.join(name), text.replace("VERSION", version)).unwrap();
    }
    let out = directory.join("out");
    let generate = omnipack().args(["generate-spec", "--debian", "-D", "debian-12", "-o"]).arg(&out).arg(&project);
    expect_success(&generate);
    let line = "exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/nonexistent LC_ALL=C.UTF-8 dpkg-buildpackage -us -uc -b 2>&1";
    expect_success(&Command::new("sh").args(["-c", line]).dir(out.join(format!("page-{version}"))));
    packages_in(&out)
}

/// What Debian's archive has for the packages, where apt looks for what it has fetched: no machine has a network.
fn fetch(root: &Root, names: &str) {
    for file in ["/etc/resolv.conf", "/etc/hosts"] {
        fs_err::copy(file, root.inside(file)).unwrap();
    }
    root.lay_over("fetched-for-page", |layer| {
        let line =
            format!("apt-get -qq update; apt-get -qq install --yes --no-install-recommends --download-only {names}");
        root.chroot("sh", &["-ec", &line]);
        for path in ["var/cache/apt/archives", "var/lib/apt/lists"] {
            let above = layer.join(path).parent().unwrap().to_path_buf();
            fs_err::create_dir_all(&above).unwrap();
            expect_success(&Command::new("cp").arg("-a").arg(root.inside(&format!("/{path}"))).arg(above));
        }
    });
    // As much as apt needs, in the order in which it asks.
    let settings = "APT::Install-Recommends \"false\";\nAcquire::Retries \"0\";\n";
    fs_err::write(root.inside("/etc/apt/apt.conf.d/tests"), settings).unwrap();
}

fn ask(machine: &Machine) -> String {
    let ask = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:8098/').read().decode())";
    machine.wait_until("the page answers", |machine| machine.try_run("/usr/bin/python3", &["-c", ask]).code == 0);
    machine.run("/usr/bin/python3", &["-c", ask]).trim().to_owned()
}

fn state(machine: &Machine, unit: &str) -> String {
    machine.try_run("systemctl", &["is-active", unit]).stdout_text().trim().to_owned()
}

#[test]
fn a_source_package_makes_packages_that_run() {
    let work = tempfile::tempdir().unwrap();
    let first = build("1.0", &work.path().join("one"));
    let second = build("1.1", &work.path().join("two"));
    let root = Root::new("bookworm", "3.11");
    fetch(&root, "python3-flask python3-yaml");
    let machine = Machine::boot(root);
    let names = names(&first);
    install(&machine, &first);
    assert_eq!(verify(&machine, PackageKind::Deb, &names), Vec::<String>::new(), "right after the installation");

    assert_eq!(machine.run("/usr/bin/page", &[]).trim(), "page [1, 2]");
    assert_eq!(ask(&machine), "hello True 1.0");
    let stat = machine.shell("stat -c '%a %U %G %n' /etc/page/page.yaml /var/lib/page");
    assert_eq!(stat, "640 root pageman /etc/page/page.yaml\n750 pageman pageman /var/lib/page\n");
    for (unit, active) in
        [("page-idle.service", "inactive"), ("page-crowd@1.service", "active"), ("page-crowd@2.service", "active")]
    {
        assert_eq!(state(&machine, unit), active, "{unit}\n{}", machine.journal());
    }
    for unit in ["page-web.service", "page-idle.service", "page-crowd@2.service"] {
        assert_eq!(machine.run("systemctl", &["is-enabled", unit]).trim(), "enabled", "{unit}");
    }

    // What an administrator changed stays, what runs is restarted, what does not is not started.
    machine.shell("echo 'greeting: mine' >/etc/page/page.yaml; chmod 0644 /etc/page/page.yaml; systemctl stop page-crowd@2.service");
    machine.shell("dpkg-statoverride --add root pageman 0644 /etc/page/page.yaml");
    install(&machine, &second);
    assert_eq!(ask(&machine), "mine True 1.1");
    assert_eq!(machine.shell("stat -c %a /etc/page/page.yaml"), "644\n");
    machine.wait_until("the instance is restarted", |machine| machine.shell("cat /var/lib/page/number-1") == "1.1");
    assert_eq!(state(&machine, "page-crowd@2.service"), "inactive");
    assert_eq!(state(&machine, "page-idle.service"), "inactive");

    // Started by hand, it stops with its files.
    machine.start("page-idle.service");
    machine.shell("dpkg-statoverride --remove /etc/page/page.yaml");
    remove(&machine, PackageKind::Deb, &names);
    for unit in ["page-web.service", "page-idle.service", "page-crowd@1.service"] {
        assert_ne!(state(&machine, unit), "active", "{unit}");
    }
    let left = "find / -xdev \\( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/log/journal \\) -prune -o \
                -name '*page-*' -print -o -path '/etc/page*' -print -o -path '/var/lib/page*' -print -o -name 'page.py*' -print";
    let left = machine.shell(left);
    let left = left.lines().filter(|path| !path.contains("/usr/share/") && !path.contains("/usr/lib/python3"));
    assert_eq!(left.collect::<Vec<_>>(), Vec::<&str>::new());
    assert_ne!(machine.try_run("getent", &["passwd", "pageman"]).code, 0, "the account is left");
    let log = machine.shell("cat /var/log/page.log");
    assert_eq!(
        log.lines().collect::<Vec<_>>(),
        ["post configure", "preun upgrade", "post configure", "preun remove", "purge purge"]
    );
}
