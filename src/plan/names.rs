//! Names and paths that a package manager accepts.

use std::path::PathBuf;

use super::{Error, Evr, PackagePlan};
use crate::distribution::PackageFormat;
use crate::project::MACHINE;

/// Directories that belong to the system, not to one application (Filesystem Hierarchy Standard 3.0).
const SYSTEM_DIRECTORIES: [&str; 40] = [
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/etc/opt",
    "/home",
    "/lib",
    "/lib32",
    "/lib64",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/include",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/lib",
    "/usr/local/sbin",
    "/usr/local/share",
    "/usr/sbin",
    "/usr/share",
    "/usr/src",
    "/var",
    "/var/lib",
    "/var/log",
    "/var/opt",
    "/var/spool",
];

/// Directories whose content does not outlive a boot or is not on a disk.
const VOLATILE_DIRECTORIES: [&str; 7] = ["/boot", "/dev", "/proc", "/run", "/sys", "/tmp", "/var/run"];

/// The file a package is written to: `{name}-{version}-{release}.{arch}.rpm`, `{name}_{version}-{release}_{arch}.deb`.
/// The epoch is no part of it, as is the custom of both.
#[must_use]
pub fn file_name(name: &str, evr: &Evr, architecture: &str, format: PackageFormat) -> String {
    let Evr { version, release, .. } = evr;
    match format {
        PackageFormat::Rpm => format!("{name}-{version}-{release}.{architecture}.rpm"),
        PackageFormat::Deb => format!("{name}_{version}-{release}_{architecture}.deb"),
    }
}

/// Checks the name of a package after the rules of its format: for rpm what `rpmbuild` takes, for deb Debian policy,
/// 5.6.7.
pub(super) fn check_package_name(name: &str, format: PackageFormat) -> Result<(), Error> {
    let Some(reason) = fault_of_name(name, format) else { return Ok(()) };
    let lower = name.to_ascii_lowercase();
    let hint = if lower != name && fault_of_name(&lower, format).is_none() {
        format!("`name = \"{lower}\"` in `[package]` would do")
    } else {
        "give one with `name` in `[package]`, or with `package-name` in its `[[meta-package]]`".to_owned()
    };
    Err(Error::Name { name: name.to_owned(), format: format.extension(), reason, hint })
}

fn fault_of_name(name: &str, format: PackageFormat) -> Option<String> {
    let allowed = |c: char| match format {
        PackageFormat::Rpm => c.is_ascii_alphanumeric() || "._+-".contains(c),
        PackageFormat::Deb => c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c),
    };
    let shortest = match format {
        PackageFormat::Rpm => 1,
        PackageFormat::Deb => 2,
    };
    if name.len() < shortest {
        return Some(format!("it has to have {shortest} characters or more"));
    }
    if let Some(wrong) = name.chars().find(|c| !allowed(*c)) {
        return Some(format!("it has the character `{}`", wrong.escape_default()));
    }
    (!name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
        .then(|| "it has to begin with a letter or a digit".to_owned())
}

/// Puts the machine into the `[[file]]` paths that ask for it.
pub(super) fn fill_machine(packages: &mut [PackagePlan], machine: &str) {
    for file in packages.iter_mut().flat_map(|package| &mut package.files) {
        if let Some(source) = file.source.to_str().filter(|source| source.contains(MACHINE)) {
            file.source = PathBuf::from(source.replace(MACHINE, machine));
            file.destination = file.destination.replace(MACHINE, machine);
        }
    }
}

/// Normalises the prefix and refuses one that is not the application's alone.
pub(super) fn prefix(text: &str) -> Result<String, Error> {
    let refuse =
        |reason: &str| Err(Error::Prefix { prefix: text.escape_default().to_string(), reason: reason.to_owned() });
    if !text.starts_with('/') {
        return refuse("it is not an absolute path");
    }
    if text.chars().any(|c| c.is_control() || c == ':') {
        return refuse("a colon or a control character would break PATH");
    }
    let parts = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>();
    if parts.contains(&"..") {
        return refuse("it has a `..` part");
    }
    let prefix = format!("/{}", parts.join("/"));
    if SYSTEM_DIRECTORIES.contains(&prefix.as_str()) {
        return refuse("it is a directory of the system");
    }
    let below = |directory: &str| prefix.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'));
    match VOLATILE_DIRECTORIES.iter().find(|directory| below(directory)) {
        Some(directory) => refuse(&format!("nothing that is packaged belongs below `{directory}`")),
        None => Ok(prefix),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_as_is_the_custom() {
        let evr = Evr { epoch: 1, version: "0.1.0".to_owned(), release: "0.rc.1".to_owned() };
        assert_eq!(file_name("app", &evr, "noarch", PackageFormat::Rpm), "app-0.1.0-0.rc.1.noarch.rpm");
        assert_eq!(file_name("app", &evr, "amd64", PackageFormat::Deb), "app_0.1.0-0.rc.1_amd64.deb");
    }

    #[test]
    fn names_are_checked_by_format() {
        for name in ["app", "clusterhq-python-flocker", "g++", "a.b", "App_2"] {
            assert!(check_package_name(name, PackageFormat::Rpm).is_ok(), "{name}");
        }
        for name in ["", "a b", "a%{x}", "-a", "a/b", "é", "a\nb", "a>=1"] {
            assert!(check_package_name(name, PackageFormat::Rpm).is_err(), "{name:?}");
        }
        for name in ["ab", "python3.11", "g++"] {
            assert!(check_package_name(name, PackageFormat::Deb).is_ok(), "{name}");
        }
        for name in ["a", "App", "a_b", "+a", "a~b"] {
            assert!(check_package_name(name, PackageFormat::Deb).is_err(), "{name:?}");
        }
        let Err(Error::Name { hint, .. }) = check_package_name("Flask", PackageFormat::Deb) else { panic!("taken") };
        assert!(hint.contains("`name = \"flask\"`"), "{hint}");
    }

    #[test]
    fn a_prefix_is_a_directory_of_its_own() {
        assert_eq!(prefix("/opt//app/./").unwrap(), "/opt/app");
        assert_eq!(prefix("/usr/lib/app").unwrap(), "/usr/lib/app");
        assert_eq!(prefix("/opt/größe app").unwrap(), "/opt/größe app");
        for wrong in
            ["", "opt/app", "/", "//", "/usr/", "/opt", "/opt/../usr", "/tmp/x", "/run/app", "/opt/a:b", "/opt/a\nb"]
        {
            assert!(prefix(wrong).is_err(), "{wrong:?}");
        }
    }
}
