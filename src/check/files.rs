//! Rules about files and directories: who may write them, what an upgrade does to them, what rotates logs.

use super::finding::Found;
use super::hint::Hint;
use super::subject::Subject;
use crate::project::{ConfigFile, Place};

/// Where logs are (FHS 5.10).
const LOGS: &str = "/var/log/";
const EVERYBODY: u32 = 0o002;
const STICKY: u32 = 0o1000;

pub fn hints(subject: &Subject<'_>) -> Vec<Found> {
    let mut found = modes(subject);
    found.extend(configuration_files(subject));
    found.extend(logs(subject));
    found
}

fn modes(subject: &Subject<'_>) -> Vec<Found> {
    let files = subject.project.files.iter().enumerate();
    let files = files.filter_map(|(index, file)| Some(("file", index, &file.destination, file.mode?)));
    let directories = subject.project.directories.iter().enumerate();
    // What everybody puts into a sticky directory is safe from the others, as in /tmp.
    let directories = directories
        .filter(|(_, directory)| directory.mode & STICKY == 0)
        .map(|(index, directory)| ("directory", index, &directory.path, directory.mode));
    let open = files.chain(directories).filter(|(_, _, _, mode)| mode & EVERYBODY != 0);
    open.map(|(table, index, path, mode)| {
        let better = format!("{:04o}", mode & !EVERYBODY);
        let hint = Hint::WorldWritable { path: path.clone(), mode: format!("{mode:04o}"), better };
        let place = Place::at(table).index(index).key("mode");
        Found::new(hint, subject.config.spot(subject.distribution, &place))
    })
    .collect()
}

fn configuration_files(subject: &Subject<'_>) -> Vec<Found> {
    let files = subject.project.files.iter().enumerate();
    let lost = files.filter(|(_, file)| file.config == ConfigFile::No && file.destination.starts_with("/etc/"));
    lost.map(|(index, file)| {
        let place = Place::at("file").index(index).key("config");
        let spot = subject.config.nearest_spot(subject.distribution, &place);
        Found::new(Hint::Config { path: file.destination.clone() }, spot)
    })
    .collect()
}

/// Directories for logs that the configuration names, and that no rotation is about.
fn logs(subject: &Subject<'_>) -> Vec<Found> {
    let project = &subject.project;
    let directories = project
        .directories
        .iter()
        .enumerate()
        .map(|(index, directory)| (directory.path.clone(), Place::at("directory").index(index).key("path")));
    let services = project.services.iter().enumerate().filter_map(|(index, service)| {
        let name = service.directories.logs.as_ref().filter(|name| !name.is_empty())?;
        Some((format!("{LOGS}{name}"), Place::at("service").index(index).key("logs-directory")))
    });
    let rotated = |directory: &str| {
        let mut paths = project.logrotate.iter().flat_map(|log| &log.paths);
        // What comes with the package may do it too.
        let files = project.files.iter().any(|file| file.destination.starts_with("/etc/logrotate.d/"));
        files || paths.any(|path| path.starts_with(&format!("{directory}/")))
    };
    let mut seen = Vec::new();
    let mut found = Vec::new();
    for (directory, place) in directories.chain(services) {
        let directory = directory.trim_end_matches('/').to_owned();
        if directory.starts_with(LOGS) && !rotated(&directory) && !seen.contains(&directory) {
            let spot = subject.config.spot(subject.distribution, &place);
            found.push(Found::new(Hint::Logrotate { directory: directory.clone() }, spot));
            seen.push(directory);
        }
    }
    found
}
