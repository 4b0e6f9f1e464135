//! Rules about files and directories: who may write them, what an upgrade does to them, what rotates logs.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::finding::Found;
use super::hint::Hint;
use super::subject::Subject;
use super::trial;
use crate::project::{ConfigFile, Place};

/// Where logs are (FHS 5.10).
const LOGS: &str = "/var/log/";
const EVERYBODY: u32 = 0o002;
const EXECUTABLE: u32 = 0o111;
const STICKY: u32 = 0o1000;

pub fn hints(subject: &Subject<'_>) -> Vec<Found> {
    let mut found = modes(subject);
    found.extend(programs(subject));
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

/// Files that services run, which nobody may execute.
fn programs(subject: &Subject<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for service in &subject.project.services {
        for program in trial::programs(service) {
            let is_it = |destination: &str| match program.starts_with('/') {
                true => destination == program,
                // A name is that of a `[[file]]` where the package has no virtualenv to look it up in.
                false => {
                    subject.plan.as_ref().is_some_and(|plan| !plan.has_python())
                        && destination.rsplit('/').next() == Some(program.as_str())
                }
            };
            let files = subject.project.files.iter().enumerate().filter(|(_, file)| is_it(&file.destination));
            for (index, file) in files {
                let Some(mode) = file.mode.or_else(|| mode_of(&file.source)).filter(|mode| mode & EXECUTABLE == 0)
                else {
                    continue;
                };
                let hint = Hint::NotExecutable {
                    service: service.name.clone(),
                    path: file.destination.clone(),
                    mode: format!("{mode:04o}"),
                };
                let place = Place::at("file").index(index).key("mode");
                found.push(Found::new(hint, subject.config.nearest_spot(subject.distribution, &place)));
            }
        }
    }
    found
}

/// The mode that a file gets where the configuration has none; `None` for a tree, and where there is nothing.
fn mode_of(source: &Path) -> Option<u32> {
    let metadata = fs_err::metadata(source).ok().filter(std::fs::Metadata::is_file)?;
    Some(if metadata.permissions().mode() & EXECUTABLE == 0 { 0o644 } else { 0o755 })
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
