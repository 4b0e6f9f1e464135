//! `omnipack init` on ten real projects, pinned in `projects.toml`: the sdist is fetched from the package index and unpacked,
//! and what is written there builds without editing for a Debian and an Enterprise Linux target.

#[path = "../resolve_support/mod.rs"]
#[allow(dead_code, reason = "each test program uses its part")]
mod resolve_support;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use omnipack::exec::Command;
use omnipack::progress::Silent;
use omnipack::project::{Metadata, Source};
use omnipack::resolve::{Options, Resolver};
use serde::Deserialize;
use support::{both, expect_success, omnipack, packages_in};

const TARGETS: [&str; 2] = ["debian-12", "rocky-9"];

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Project {
    name: String,
    version: String,
    /// Of the sdist.
    sha256: String,
    /// Units that the packages hold.
    services: BTreeSet<String>,
    /// Links in `/usr/bin`.
    commands: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Table {
    project: Vec<Project>,
}

/// The project's unpacked sdist below `directory`.
fn fetch(project: &Project, directory: &Path) -> PathBuf {
    let (interpreter, platform) = resolve_support::target("3.11", 36);
    let resolver = Resolver::new(resolve_support::with_cache(Options::default()), &Silent);
    let source = Source::Requirement(format!("{}=={}", project.name, project.version));
    let text = format!("Metadata-Version: 2.1\nName: {}\nVersion: {}\n", project.name, project.version);
    let metadata = Metadata::parse(&text, "").unwrap();
    let archive = resolver.source_archive(&source, &resolve_support::settings(), &interpreter, &platform, &metadata);
    let archive = archive.unwrap_or_else(|error| panic!("{}: {error}", project.name));
    assert_eq!(archive.sha256, project.sha256, "{}", archive.name);
    archive.unpack(directory).unwrap()
}

/// Fetches, proposes, builds, looks. What went wrong, if anything did.
fn try_one(project: &Project) -> Result<(), String> {
    let work = tempfile::tempdir().unwrap();
    let directory = fetch(project, work.path());
    let succeed = |command: Command| {
        let output = command.run().map_err(|error| error.to_string())?;
        if output.code == 0 { Ok(output) } else { Err(format!("{}: {}", project.name, both(&output))) }
    };
    let proposed = succeed(omnipack().arg("init").arg(&directory).env("SOURCE_DATE_EPOCH", "1795000000"))?;
    assert!(proposed.stderr_text().contains("is written"), "{}", both(&proposed));
    let mut build = omnipack().arg("--quiet").arg("--destination-path").arg(work.path().join("out"));
    for target in TARGETS {
        build = build.args(["--distribution", target]);
    }
    succeed(build.arg(&directory))?;
    for target in TARGETS {
        let packages = packages_in(&work.path().join("out").join(target));
        let files = files_of(&packages);
        let below = |start: &str, end: &str| {
            let names = files.iter().filter_map(|path| path.strip_prefix(start)?.strip_suffix(end));
            names.filter(|name| !name.contains('/')).map(str::to_owned).collect::<BTreeSet<_>>()
        };
        let units = below("/usr/lib/systemd/system/", ".service");
        if units != project.services {
            return Err(format!("{} on {target}: the units are {units:?}", project.name));
        }
        let commands = below("/usr/bin/", "");
        if !project.commands.is_subset(&commands) {
            return Err(format!("{} on {target}: the commands are {commands:?}", project.name));
        }
        assert!(files.contains(&format!("/opt/{}/bin/python", project.name)), "{} on {target}", project.name);
    }
    Ok(())
}

/// Paths of all files in packages.
fn files_of(packages: &[PathBuf]) -> BTreeSet<String> {
    let said = expect_success(&omnipack().args(["inspect", "--json"]).args(packages));
    let found: serde_json::Value = serde_json::from_str(&said).unwrap();
    let files = found.as_array().unwrap().iter().flat_map(|package| package["files"].as_array().unwrap());
    files.map(|file| file["path"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn ten_projects_of_the_index_build_as_they_are_proposed() {
    let table: Table = toml::from_str(include_str!("projects.toml")).unwrap();
    assert_eq!(table.project.len(), 10);
    let waiting = Mutex::new(table.project);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let Some(project) = waiting.lock().unwrap().pop() else { break };
                    failures.lock().unwrap().extend(try_one(&project).err());
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
