//! Rows of what only Debian's package managers do.

use omnipack::exec::Command;

use super::app::App;
use super::broken::Breakage;
use super::case::{Case, Outcome, Target, same};
use super::manager::Verb;
use crate::support::{expect_success, name_of};

const NAMES: [&str; 3] = ["demo", "demo-cli", "demo-node"];
const APT: &str = "DEBIAN_FRONTEND=noninteractive apt-get -qq -oDpkg::Use-Pty=0";

/// Adds packages to the machine's own archive, which apt is then told of.
fn publish(case: &Case<'_>, app: &App) -> Outcome {
    let archive = case.root().inside("/archive");
    fs_err::create_dir_all(&archive).unwrap();
    for package in case.build(app) {
        fs_err::copy(&package, archive.join(name_of(&package))).unwrap();
    }
    let index = Command::new("dpkg-scanpackages").args(["--multiversion", "."]).dir(&archive);
    fs_err::write(archive.join("Packages"), expect_success(&index)).unwrap();
    case.sh(&format!("echo 'deb [trusted=yes] file:/archive ./' >/etc/apt/sources.list; {APT} update"))?;
    Ok(())
}

pub fn apt_upgrades_from_an_archive(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let case = Case::booted(target, breakage);
    publish(&case, &App::new("1"))?;
    // What requires the others brings them along.
    case.sh(&format!("{APT} install demo-node demo-cli"))?;
    case.starts(&["web 1 beside only-1", "worker 1 beside only-1"])?;
    for (version, started) in [("2", "web 2 beside only-2"), ("3", "web 3 beside only-3")] {
        publish(&case, &App::new(version))?;
        case.sh(&format!("{APT} upgrade"))?;
        case.versions(&format!("{version} {version} {version}"))?;
        case.starts(&[started])?;
    }
    case.sh(&format!("{APT} remove demo-node demo-cli"))?;
    case.packages_are("demo*", "demo-3")?;
    case.sh(&format!("{APT} autoremove --purge"))?;
    case.packages_are("demo*", "")?;
    case.purge_all()?;
    case.sh("rm -r /archive /etc/apt/sources.list")?;
    case.left(&[], &[])
}

/// invoke-rc.d(8): 101 forbids, as in images and while many packages are installed.
pub fn a_policy_forbids_to_start(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let case = Case::booted(target, breakage);
    case.sh("printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d")?;
    case.install(&App::new("1"))?;
    case.state("web", "inactive enabled")?;
    case.state("spare", "inactive disabled")?;
    case.start("web")?;
    case.starts(&["web 1 beside only-1"])?;
    let web = case.process("web")?;
    case.upgrade(&App::new("2"))?;
    same("the web service's process:", &case.process("web")?, &web)?;
    case.sh("rm /usr/sbin/policy-rc.d")?;
    case.reinstall(&App::new("2"))?;
    case.starts(&["web 2 beside only-2"])
}

pub fn the_administrator_chooses_the_config(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let case = Case::installed(target, breakage, &App::new("1"))?;
    case.sh("echo edited >>/etc/demo/demo.conf")?;
    let install = |version, option: &str| {
        let files = target.manager.basic().command(&case, Verb::Upgrade, &case.build(&App::new(version)));
        let files: Vec<&str> = files.iter().map(String::as_str).filter(|word| word.starts_with('/')).collect();
        case.sh(&format!("DEBIAN_FRONTEND=noninteractive dpkg {option} --install {} 2>&1 </dev/null", files.join(" ")))
    };
    install("2", "--force-confold")?;
    case.says("cat /etc/demo/demo.conf", "version = 1\nedited")?;
    case.says("cat /etc/demo/demo.conf.dpkg-dist", "version = 2")?;
    install("3", "--force-confnew")?;
    case.says("cat /etc/demo/demo.conf", "version = 3")?;
    case.says("cat /etc/demo/demo.conf.dpkg-old", "version = 1\nedited")?;
    case.says("stat -c %U:%G:%a /etc/demo/demo.conf", "root:demo:640")
}

/// An update of the distribution that would take the interpreter away is refused.
pub fn the_interpreter_stays(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let case = Case::installed(target, breakage, &App::new("1"))?;
    let python = format!("python{}", target.pythons[1]);
    let said = case.sh(&format!("LC_ALL=C dpkg --remove {python} 2>&1 || :"))?;
    if !said.contains(&format!("demo depends on {python}")) {
        return Err(format!("{python} may go: {said}"));
    }
    case.says("/opt/demo/bin/demo", &format!("demo 1 by Python {}", target.pythons[1]))?;
    case.state("web", "active enabled")
}

/// What piuparts and debsums look at.
pub fn nothing_is_amiss(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let broken = "find /etc /opt /usr/bin /usr/sbin /usr/lib/systemd -xdev -xtype l 2>/dev/null | sort";
    let accounts = "cut -d: -f1 /etc/passwd; cut -d: -f1 /etc/group";
    let case = Case::booted(target, breakage);
    let (broken_before, accounts_before) = (case.sh(broken)?, case.sh(accounts)?);
    case.install(&App::new("1"))?;
    case.starts(&["web 1 beside only-1", "worker 1 beside only-1"])?;
    case.says("dpkg --audit; dpkg --verify demo demo-cli demo-node", "")?;
    case.says(broken, broken_before.trim())?;
    let of_all = "dpkg -L demo demo-cli demo-node | sort -u";
    case.says(&format!("{of_all} | xargs -d '\\n' stat -c '%A %n' | grep '^[^l].......w' || :"), "")?;
    case.purge(&NAMES)?;
    case.left(&[], &[])?;
    case.says("dpkg --audit; dpkg-query -W 'demo*' 2>/dev/null || :", "")?;
    case.says(broken, broken_before.trim())?;
    // Files of theirs may be anywhere: accounts stay.
    let now = case.sh(accounts)?;
    let new: Vec<&str> = now.lines().filter(|name| !accounts_before.lines().any(|old| old == *name)).collect();
    same("new accounts:", &new.join(" "), "demo demo")
}

/// apt has dpkg remove a package before its successor comes: its services stop, and those that are enabled start again.
pub fn a_package_gives_way_to_its_successor(target: &'static Target, breakage: Option<&Breakage>) -> Outcome {
    let (old, new) = super::upgrade::successors();
    let case = Case::installed(target, breakage, &old)?;
    super::services::set(&case, "disable", "demo-web")?;
    case.upgrade(&new)?;
    case.state("worker", "active enabled")?;
    case.state("web", "inactive disabled")?;
    case.state("spare", "inactive disabled")?;
    case.packages_are("demo*", "demo-2 demo-cli-2 demo-node-2")
}
