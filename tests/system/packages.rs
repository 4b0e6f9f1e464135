//! The package manager of a machine, for tests: what goes wrong is a panic.

use std::path::{Path, PathBuf};

use omnipack::exec::Command;
use omnipack::smoke::{PackageKind, PackageManager};

use crate::machine::Machine;
use crate::support::expect_success;

/// What package files are; all of one kind.
fn kind(packages: &[PathBuf]) -> PackageKind {
    packages.first().and_then(|file| PackageKind::of(file)).expect("package files")
}

fn manager(machine: &Machine, kind: PackageKind) -> PackageManager {
    PackageManager::of(machine.engine(), kind).unwrap_or_else(|error| panic!("{error}"))
}

/// Lays the package files on the machine and gives their paths there.
pub fn put(machine: &Machine, packages: &[PathBuf]) -> Vec<String> {
    let put = |package: &PathBuf| machine.engine().put(package).unwrap_or_else(|error| panic!("{error}"));
    packages.iter().map(put).collect()
}

/// Asks dnf or apt, with every check on, to install the packages.
pub fn try_install(machine: &Machine, packages: &[PathBuf]) -> Result<(), String> {
    let done = manager(machine, kind(packages)).install(machine.engine(), &put(machine, packages));
    let done = done.unwrap_or_else(|error| panic!("{error}"));
    if done.is_ok() { Ok(()) } else { Err(done.said()) }
}

/// As [`try_install`]; must succeed.
pub fn install(machine: &Machine, packages: &[PathBuf]) {
    try_install(machine, packages).unwrap_or_else(|said| panic!("the packages are not installed\n{said}"));
}

/// Removes packages, with their configuration.
pub fn remove(machine: &Machine, kind: PackageKind, names: &[String]) {
    let done = manager(machine, kind).purge(machine.engine(), names).unwrap_or_else(|error| panic!("{error}"));
    assert!(done.is_ok(), "the packages are not removed\n{}", done.said());
}

/// The name that a package file carries.
pub fn name(package: &Path) -> String {
    let command = match PackageKind::of(package).expect("a package file") {
        PackageKind::Rpm => Command::new("rpm").args(["-qp", "--qf", "%{NAME}"]).arg(package),
        PackageKind::Deb => Command::new("dpkg-deb").arg("--field").arg(package).arg("Package"),
    };
    expect_success(&command).trim().to_owned()
}

/// The names that package files carry.
pub fn names(packages: &[PathBuf]) -> Vec<String> {
    packages.iter().map(|package| name(package)).collect()
}

/// What the package manager finds changed, a line each.
pub fn verify(machine: &Machine, kind: PackageKind, names: &[String]) -> Vec<String> {
    manager(machine, kind).verify(machine.engine(), names).unwrap_or_else(|error| panic!("{error}"))
}
