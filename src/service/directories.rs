//! Directories with an owner, homes of accounts, what has to be made anew at every boot, and environment files.

use serde::Serialize;

use crate::distribution::{InitSystem, PackageFormat};
use crate::plan::{BuildPlan, PackagePlan};
use crate::stage::{Entry, EntryFlags, EntryKind, Origin, TargetPath};
use crate::template;

use super::accounts::{self, Account};
use super::{Error, FileKind, target_path, text_file};

/// A directory below `/run`, which is empty after every boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Volatile {
    pub path: String,
    /// Octal, four digits.
    pub mode: String,
    pub owner: String,
    pub group: String,
}

#[derive(Serialize)]
struct Tmpfiles<'a> {
    package: &'a str,
    directories: Vec<Volatile>,
}

#[derive(Serialize)]
struct EnvironmentFile<'a> {
    main: &'a str,
    services: Vec<&'a str>,
}

/// The `[[directory]]` tables of `package`, the homes of its own accounts, and its `tmpfiles.d` file.
pub fn entries(plan: &BuildPlan, package: &PackagePlan, accounts: &[Account]) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    for directory in &package.directories {
        accounts::check_name("user", &directory.owner)?;
        accounts::check_name("group", &directory.group)?;
        let path = target_path(&run_path(plan, &directory.path))?;
        let ghost = directory.ghost || (plan.distribution.init == InitSystem::Systemd && is_volatile(path.as_str()));
        entries.push(entry(path, directory.mode, &directory.owner, &directory.group, ghost));
    }
    for account in accounts.iter().filter(|account| account.own) {
        let home = target_path(&account.home)?;
        if home_is_ours(plan, &home)? && !entries.iter().any(|entry| entry.path == home) {
            entries.push(entry(home, 0o750, &account.name, &account.group, false));
        }
    }
    if let Some(path) = tmpfiles_path(plan, package) {
        let text = template::render(
            &path,
            include_str!("../../templates/tmpfiles/package.conf"),
            Tmpfiles { package: &package.name, directories: volatile(plan, package) },
        )?;
        entries.push(text_file(&path, text, FileKind::Plain)?);
    }
    Ok(entries)
}

fn entry(path: TargetPath, mode: u32, owner: &str, group: &str, ghost: bool) -> Entry {
    Entry {
        path,
        mode,
        owner: owner.into(),
        group: group.into(),
        kind: EntryKind::Directory,
        flags: EntryFlags { ghost, ..EntryFlags::default() },
        origin: Origin::Generated,
    }
}

/// A home is made unless it is a directory of the system, lies in the packaged tree, or a `[[directory]]` names it.
fn home_is_ours(plan: &BuildPlan, home: &TargetPath) -> Result<bool, Error> {
    const SYSTEM: [&str; 12] = [
        "/",
        "/root",
        "/home",
        "/var",
        "/var/lib",
        "/var/cache",
        "/var/log",
        "/srv",
        "/opt",
        "/tmp",
        "/run",
        "/nonexistent",
    ];
    let named = plan.packages.iter().flat_map(|package| &package.directories);
    let named =
        named.map(|directory| run_path(plan, &directory.path)).any(|path| path.trim_end_matches('/') == home.as_str());
    let inside = home.is_below(&target_path(&plan.prefix)?) || home.is_below(&target_path("/dev")?);
    Ok(!named && !inside && !SYSTEM.contains(&home.as_str()))
}

/// systemd made `/var/run` a link to `/run`, and warns of paths that go through it; RPM distributions without systemd
/// have no `/run` (FHS 2.3, 5.13). Debian has both either way.
fn run_path(plan: &BuildPlan, path: &str) -> String {
    let distribution = &plan.distribution;
    let moved = match (distribution.init, distribution.format) {
        (InitSystem::Systemd, _) => path.strip_prefix("/var/run/").map(|rest| format!("/run/{rest}")),
        (InitSystem::Sysvinit, PackageFormat::Rpm) => path.strip_prefix("/run/").map(|rest| format!("/var/run/{rest}")),
        (InitSystem::Sysvinit, PackageFormat::Deb) => None,
    };
    moved.unwrap_or_else(|| path.to_owned())
}

fn is_volatile(path: &str) -> bool {
    path.starts_with("/run/") || path.starts_with("/var/run/")
}

/// The directories of `package` that every boot has to make.
pub fn volatile(plan: &BuildPlan, package: &PackagePlan) -> Vec<Volatile> {
    let directories = package.directories.iter().map(|directory| Volatile {
        path: run_path(plan, &directory.path),
        mode: format!("{:04o}", directory.mode),
        owner: directory.owner.clone(),
        group: directory.group.clone(),
    });
    directories.filter(|directory| is_volatile(&directory.path)).collect()
}

/// Where `package` tells systemd of its volatile directories; `None` when it has none.
pub fn tmpfiles_path(plan: &BuildPlan, package: &PackagePlan) -> Option<String> {
    let needed = plan.distribution.init == InitSystem::Systemd && !volatile(plan, package).is_empty();
    needed.then(|| format!("/usr/lib/tmpfiles.d/{}.conf", package.name))
}

/// An empty file, for root only, in the place of each `environment-file` that no `[[file]]` of the build ships.
pub fn environment_files(plan: &BuildPlan, package: &PackagePlan) -> Result<Vec<Entry>, Error> {
    let mut paths = package.services.iter().map(|service| service.environment_file.as_str()).collect::<Vec<_>>();
    paths.retain(|path| !path.is_empty());
    paths.sort_unstable();
    paths.dedup();
    let mut entries = Vec::new();
    for path in paths {
        let place = target_path(path)?;
        let mut shipped = plan.packages.iter().flat_map(|package| &package.files);
        let shipped = shipped
            .try_fold(false, |found, file| Ok::<_, Error>(found || place.is_below(&target_path(&file.destination)?)))?;
        if !shipped {
            let users = package.services.iter().filter(|service| service.environment_file == path);
            let services = users.map(|service| service.name.as_str()).collect::<Vec<_>>();
            let text = template::render(
                path,
                include_str!("../../templates/systemd/environment"),
                EnvironmentFile { main: super::main_name(plan), services },
            )?;
            entries.push(text_file(path, text, FileKind::Secret)?);
        }
    }
    Ok(entries)
}
