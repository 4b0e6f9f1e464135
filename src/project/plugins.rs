//! `[python.plugins]`: where operators may add to the application.
//!
//! What lies there is run by whoever runs the application, root included, so that nobody else may write to it; and it
//! may be removed with the package, so that nothing else may lie there.

use super::document::Place;
use super::error::Fault;
use super::raw;
use super::reader::Reader;
use super::values;
use super::{Plugins, Project};

/// Directories whose content does not last, is hidden from services (systemd.exec(5), `ProtectHome=`, `PrivateTmp=`),
/// or is the system's own (file-hierarchy(7)).
const NOT_FOR_PLUGINS: [&str; 27] = [
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib64",
    "/media",
    "/mnt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/sys",
    "/tmp",
    "/usr",
    "/var/cache",
    "/var/lib/apt",
    "/var/lib/dbus",
    "/var/lib/dpkg",
    "/var/lib/rpm",
    "/var/lib/systemd",
    "/var/lock",
    "/var/log",
    "/var/run",
    "/var/spool",
    "/var/tmp",
];

/// Owners that services do not run as.
const ROOT: &str = "root";
/// Permission bits of all others (chmod(2)).
const WRITABLE_BY_ALL: u32 = 0o002;
/// Permission bits of the group.
const WRITABLE_BY_GROUP: u32 = 0o020;

fn place() -> Place {
    Place::at("python").key("plugins").key("directory")
}

/// `package` is the name of the main package.
pub(super) fn settings(reader: &mut Reader<'_>, raw: Option<&raw::Plugins>, package: &str) -> Option<Plugins> {
    let table = match raw? {
        raw::Plugins::Switch(false) => return None,
        raw::Plugins::Switch(true) => &raw::PluginsTable::default(),
        raw::Plugins::Table(table) => table,
    };
    let directory = reader.value(&place(), table.directory.as_deref(), directory);
    let remove = table.remove.unwrap_or(false);
    let named = |path: &String| path.rsplit('/').next().is_some_and(|name| name.contains("plugin"));
    if remove && !directory.as_ref().is_none_or(named) {
        let message = "what is removed with all that is in it has to be for plugins alone";
        let help =
            "call the directory so, `/var/lib/app-plugins`; or leave the plugins where they are: `remove = false`";
        reader.clash(&place(), &Place::at("python").key("plugins").key("remove"), message, help);
    }
    Some(Plugins {
        // Not below `/var/lib/<name>`, which belongs to the service's user where it is the home or the state directory.
        directory: directory.unwrap_or_else(|| format!("/var/lib/{package}-plugins")),
        remove,
    })
}

/// A directory that can be the plugins' alone.
fn directory(text: &str) -> Result<String, Fault> {
    let path = values::own_directory(text)?;
    let help = "take a directory of the application's own that lasts, such as `/var/lib/app-plugins`";
    if let Some(system) = NOT_FOR_PLUGINS.iter().find(|system| is_below(&path, system)) {
        return Err(Fault::new(format!("plugins cannot lie below `{system}`"), help));
    }
    if path.matches('/').count() < 2 {
        return Err(Fault::new(format!("`{path}` is a directory of the system's"), help));
    }
    if path.contains('\\') {
        return Err(Fault::new("there is a backslash in it", help));
    }
    Ok(path)
}

/// Is the directory apart from everything else in the package?
pub(super) fn check(reader: &mut Reader<'_>, project: &Project) {
    let Some(plugins) = &project.python.plugins else { return };
    let directory = plugins.directory.as_str();
    let prefix = project.package.prefix.as_str();
    if is_below(directory, prefix) || is_below(prefix, directory) {
        let message = format!("plugins and the packaged tree `{prefix}` have to lie apart");
        let other = Place::at("package").key("prefix");
        reader.clash(&place(), &other, message, "take another `directory`, such as `/var/lib/app-plugins`");
    }
    for (other, at) in packaged(project) {
        if is_below(other, directory) {
            let message = format!("`{other}` lies where the plugins of operators do");
            reader.clash(&at, &place(), message, "put it elsewhere, or give the plugins another `directory`");
        }
    }
    for (other, at) in writable(project) {
        if is_below(directory, other) && !is_below(other, directory) {
            let message = format!("`{other}`, in which plugins would lie, is not only root's to write to");
            let help = "who writes there could run code as anybody who runs the application: take another `directory`";
            reader.clash(&place(), &at, message, help);
        }
    }
}

/// The paths that the package has outside of its tree, with the places that name them.
fn packaged(project: &Project) -> Vec<(&str, Place)> {
    let mut all = Vec::new();
    for (index, file) in project.files.iter().enumerate() {
        all.push((file.destination.as_str(), Place::at("file").index(index).key("destination")));
    }
    for (index, directory) in project.directories.iter().enumerate() {
        all.push((directory.path.as_str(), Place::at("directory").index(index).key("path")));
    }
    for (index, user) in project.users.iter().enumerate() {
        all.push((user.home.as_str(), Place::at("user").index(index).key("home")));
    }
    all.retain(|(path, _)| !path.is_empty());
    all
}

/// The directories of the package that not only root writes to.
fn writable(project: &Project) -> Vec<(&str, Place)> {
    let mut all = Vec::new();
    for (index, directory) in project.directories.iter().enumerate() {
        let by_group = directory.group != ROOT && directory.mode & WRITABLE_BY_GROUP != 0;
        if directory.owner != ROOT || by_group || directory.mode & WRITABLE_BY_ALL != 0 {
            all.push((directory.path.as_str(), Place::at("directory").index(index).key("path")));
        }
    }
    for (index, user) in project.users.iter().enumerate() {
        all.push((user.home.as_str(), Place::at("user").index(index).key("home")));
    }
    all.retain(|(path, _)| !path.is_empty());
    all
}

/// Is `path` the directory `other`, or below it?
fn is_below(path: &str, other: &str) -> bool {
    path.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
