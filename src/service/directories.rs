//! Directories with an owner, homes of accounts, what has to be made anew at every boot, and environment files.

use serde::Serialize;

use crate::distribution::{InitSystem, PackageFormat};
use crate::plan::{BuildPlan, PackagePlan};
use crate::project::{INSTANCE, Service};
use crate::stage::{Entry, EntryFlags, EntryKind, Origin, TargetPath};
use crate::template;

use super::accounts::{self, Account};
use super::own_directories::{self, Maker, OwnDirectory};
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

/// What the configuration says of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named<'a> {
    pub owner: &'a str,
    pub group: &'a str,
    pub mode: u32,
}

/// Homes of accounts are theirs alone.
const HOME_MODE: u32 = 0o750;

/// The `[[directory]]` tables of `package`, the homes of its own accounts, the directories of its services, and its
/// `tmpfiles.d` file.
pub fn entries(plan: &BuildPlan, package: &PackagePlan, accounts: &[Account]) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    for directory in &package.directories {
        accounts::check_name("user", &directory.owner)?;
        accounts::check_name("group", &directory.group)?;
        let path = target_path(&run_path(plan, &directory.path))?;
        let ghost = directory.ghost || (is_volatile(path.as_str()) && is_made_at_boot(plan, package));
        let presence = if ghost { Presence::Ghost } else { Presence::Shipped };
        entries.push(entry(path, directory.mode, &directory.owner, &directory.group, presence));
    }
    for account in accounts.iter().filter(|account| account.own) {
        let home = target_path(&account.home)?;
        if home_is_ours(plan, &home)? && !entries.iter().any(|entry| entry.path == home) {
            entries.push(entry(home, HOME_MODE, &account.name, &account.group, Presence::Shipped));
        }
    }
    for directory in package.services.iter().flat_map(|service| own_directories::of_service(plan, service)) {
        entries.extend(of_service(plan, package, &directory, &entries)?);
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

/// The entries for a directory of a service, where neither this package nor the main one has it.
fn of_service(
    plan: &BuildPlan,
    package: &PackagePlan,
    directory: &OwnDirectory,
    known: &[Entry],
) -> Result<Vec<Entry>, Error> {
    let presence = match directory.maker {
        Maker::Manager => return Ok(Vec::new()),
        Maker::Boot if is_made_at_boot(plan, package) => Presence::Ghost,
        Maker::Package | Maker::Boot => Presence::Shipped,
    };
    let mut entries = Vec::new();
    for path in paths(plan, package, directory) {
        let by_main = plan.main().is_some_and(|main| main.name != package.name && names(plan, main, &path).is_some());
        let path = target_path(&path)?;
        if !by_main && !known.iter().any(|entry| entry.path == path) {
            entries.push(entry(path, directory.mode, &directory.user, &directory.group, presence));
        }
    }
    Ok(entries)
}

/// Where `directory` is: one path, or one for each instance.
pub fn paths(plan: &BuildPlan, package: &PackagePlan, directory: &OwnDirectory) -> Vec<String> {
    let path = run_path(plan, &directory.path());
    if !path.contains(INSTANCE) {
        return vec![path];
    }
    let mine = |service: &&Service| own_directories::of_service(plan, service).contains(directory);
    let count = package.services.iter().find(mine).and_then(|service| service.count).unwrap_or(1);
    (1..=count).map(|number| path.replace(INSTANCE, &number.to_string())).collect()
}

/// What the configuration says of the directory at `path`: a `[[directory]]`, or the home of an account.
pub fn named<'a>(plan: &'a BuildPlan, path: &str) -> Option<Named<'a>> {
    plan.packages.iter().find_map(|package| names(plan, package, path))
}

fn names<'a>(plan: &BuildPlan, package: &'a PackagePlan, path: &str) -> Option<Named<'a>> {
    let same = |other: &str| run_path(plan, other).trim_end_matches('/') == run_path(plan, path);
    let directory = package.directories.iter().find(|directory| same(&directory.path));
    let directory = directory.map(|found| Named { owner: &found.owner, group: &found.group, mode: found.mode });
    let home = || {
        let user = package.users.iter().find(|user| same(&user.home))?;
        let group = if user.group.is_empty() { &user.name } else { &user.group };
        Some(Named { owner: &user.name, group, mode: HOME_MODE })
    };
    directory.or_else(home)
}

/// How the package has a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// It lies in the package.
    Shipped,
    /// The package owns it, and something else makes it.
    Ghost,
}

fn entry(path: TargetPath, mode: u32, owner: &str, group: &str, presence: Presence) -> Entry {
    Entry {
        path,
        mode,
        owner: owner.into(),
        group: group.into(),
        kind: EntryKind::Directory,
        flags: EntryFlags { ghost: presence == Presence::Ghost, ..EntryFlags::default() },
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
pub fn run_path(plan: &BuildPlan, path: &str) -> String {
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

/// Does somebody make the volatile directories of `package` after every boot: systemd-tmpfiles, or its init scripts when
/// they start? Then the package need not have them, and a Debian package must not (policy, 9.1.4).
fn is_made_at_boot(plan: &BuildPlan, package: &PackagePlan) -> bool {
    match (plan.distribution.init, plan.distribution.format) {
        (InitSystem::Systemd, _) => true,
        (InitSystem::Sysvinit, PackageFormat::Deb) => !package.services.is_empty(),
        (InitSystem::Sysvinit, PackageFormat::Rpm) => false,
    }
}

/// The directories of `package` that every boot has to make.
pub fn volatile(plan: &BuildPlan, package: &PackagePlan) -> Vec<Volatile> {
    let volatile = |path: String, mode: u32, owner: &str, group: &str| Volatile {
        path,
        mode: format!("{mode:04o}"),
        owner: owner.to_owned(),
        group: group.to_owned(),
    };
    let directories = package
        .directories
        .iter()
        .map(|directory| volatile(run_path(plan, &directory.path), directory.mode, &directory.owner, &directory.group));
    let mut all = directories.filter(|directory| is_volatile(&directory.path)).collect::<Vec<_>>();
    let own = package.services.iter().flat_map(|service| own_directories::of_service(plan, service));
    for directory in own.filter(|directory| directory.maker == Maker::Boot) {
        for path in paths(plan, package, &directory) {
            if !all.iter().any(|known| known.path == path) {
                all.push(volatile(path, directory.mode, &directory.user, &directory.group));
            }
        }
    }
    all
}

/// Where `package` tells systemd of its volatile directories; `None` when it has none.
pub fn tmpfiles_path(plan: &BuildPlan, package: &PackagePlan) -> Option<String> {
    let needed = plan.distribution.init == InitSystem::Systemd && !volatile(plan, package).is_empty();
    needed.then(|| format!("/usr/lib/tmpfiles.d/{}.conf", package.name))
}

/// An empty file, for root only, in the place of each `environment-file` that no `[[file]]` of the build ships.
pub fn environment_files(plan: &BuildPlan, package: &PackagePlan) -> Result<Vec<Entry>, Error> {
    let mut paths = package.services.iter().flat_map(Service::environment_files).collect::<Vec<_>>();
    paths.sort_unstable();
    paths.dedup();
    let mut entries = Vec::new();
    for path in &paths {
        let place = target_path(path)?;
        let mut shipped = plan.packages.iter().flat_map(|package| &package.files);
        let shipped = shipped
            .try_fold(false, |found, file| Ok::<_, Error>(found || place.is_below(&target_path(&file.destination)?)))?;
        if !shipped {
            let users = package.services.iter().filter(|service| service.environment_files().contains(path));
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
