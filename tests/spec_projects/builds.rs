//! From a project on the package index to its packages.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use omnipack::exec::Command;

use crate::environment::{Environment, directory};
use crate::root::Root;
use crate::support::{both, expect_success, fixture, omnipack, repository};
use crate::table::{self, Project};

/// One project, built.
#[derive(Debug)]
pub struct Built {
    pub project: Project,
    pub spec: PathBuf,
    pub source_package: PathBuf,
    /// The binary packages, sorted.
    pub packages: Vec<PathBuf>,
}

/// Where projects are built.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// On this machine, below the directory, with the Python of the tests.
    Here(&'a Path),
    /// In the root of the target, whose database of rpm says what building may require.
    Inside(&'a Root),
}

impl Place<'_> {
    /// The path that the tools are told, for a path of this place.
    fn told(self, path: &str) -> PathBuf {
        match self {
            Self::Here(directory) => directory.join(path),
            Self::Inside(_) => Path::new("/build").join(path),
        }
    }

    /// Where it lies on this machine.
    fn real(self, path: &str) -> PathBuf {
        match self {
            Self::Here(directory) => directory.join(path),
            Self::Inside(root) => root.inside("/build").join(path),
        }
    }
}

/// Builds all projects of a target, as many at once as there are processors.
pub fn build(distribution: &str, environment: &Environment, place: Place<'_>) -> Vec<Built> {
    let database = match place {
        Place::Here(directory) => environment.database(directory),
        Place::Inside(_) => PathBuf::from("/var/lib/rpm"),
    };
    fs_err::create_dir_all(place.real("macros")).unwrap();
    for directory in [repository().join("tests/spec_files/macros"), directory().join("macros")] {
        let name = directory.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let copy = Command::new("cp").arg("-r").arg(&directory).arg(place.real(&format!("macros/{name}")));
        expect_success(&copy);
    }
    let waiting = Mutex::new(table::projects(distribution));
    let built = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let Some(project) = waiting.lock().unwrap().pop() else { break };
                    let one = build_one(project, distribution, environment, &database, place);
                    built.lock().unwrap().push(one);
                }
            });
        }
    });
    built.into_inner().unwrap()
}

fn build_one(
    project: Project,
    distribution: &str,
    environment: &Environment,
    database: &Path,
    place: Place<'_>,
) -> Built {
    let sources = place.real(&format!("{}/SOURCES", project.name));
    fs_err::create_dir_all(&sources).unwrap();
    let spec = generate(&project, distribution, &sources);
    let told = place.told(&format!("{}/SOURCES", project.name)).join(spec.file_name().unwrap());
    let tool = |program: &str| tool(program, environment, database, place, &project.name);
    expect_success(&tool("rpmspec").arg("-P").arg(&told));
    let output = tool("rpmbuild").arg("-ba").arg(&told).run().unwrap();
    let log = both(&output);
    let what = format!("{} on {distribution}", project.name);
    assert_eq!(output.code, 0, "{what}:\n{log}\n{}", fs_err::read_to_string(&spec).unwrap());
    for complaint in ["File listed twice", "not found:", "bogus date", "Macro expanded in comment"] {
        assert!(!log.contains(complaint), "{what}: {complaint}\n{log}");
    }
    let top = place.real(&project.name);
    let mut packages = found(&top.join("RPMS"));
    packages.sort();
    let source_package = found(&top.join("SRPMS")).pop().expect("a source package");
    Built { project, spec, source_package, packages }
}

/// Has the spec file, its sources and the archive written, and gives the spec's path.
fn generate(project: &Project, distribution: &str, sources: &Path) -> PathBuf {
    let mut command = omnipack().args(["generate-spec", "--distribution", distribution, "--output-directory"]);
    command = command.arg(sources).env("SOURCE_DATE_EPOCH", "1700000000");
    if let Some(config) = &project.config {
        command = command.arg("--config").arg(directory().join(config));
    }
    match &project.fixture {
        Some(name) => drop(expect_success(&command.arg(fixture(name)))),
        None => {
            expect_success(&command.arg(format!("{}=={}", project.name, project.version)));
            let archive = fs_err::read(sources.join(&project.sdist)).unwrap();
            let digest = format!("{:x}", <sha2::Sha256 as sha2::Digest>::digest(&archive));
            assert_eq!(digest, project.sha256, "{}", project.sdist);
        }
    }
    let mut entries = fs_err::read_dir(sources).unwrap().map(|entry| entry.unwrap().path());
    entries.find(|path| path.extension().is_some_and(|extension| extension == "spec")).expect("a spec file")
}

/// One of rpm's tools, for the project `name`, with the macros of the target.
fn tool(program: &str, environment: &Environment, database: &Path, place: Place<'_>, name: &str) -> Command {
    let dialect = environment.target.macros.as_str();
    let further = if dialect == "modern" { "modern" } else { "older" };
    let files = ["spec_files/common".to_owned(), format!("spec_files/{dialect}"), format!("spec_projects/{further}")];
    let python = match place {
        Place::Here(_) => environment.python(),
        Place::Inside(_) => PathBuf::from(format!("/usr/bin/python{}", environment.target.python)),
    };
    let definitions = [
        format!("_topdir {}", place.told(name).display()),
        format!("_dbpath {}", database.display()),
        format!("__python3 {}", python.display()),
        format!("python3_version {}", environment.target.python),
        format!("projects_macros {}", place.told("macros/spec_projects").display()),
        "_build_id_links none".to_owned(),
    ];
    let path = format!("{}:{}", python.parent().unwrap().display(), std::env::var("PATH").unwrap_or_default());
    let surroundings = [
        format!("HOME={}", place.told(name).display()),
        format!("PATH={path}"),
        "LC_ALL=C.UTF-8".to_owned(),
        "SOURCE_DATE_EPOCH=1700000000".to_owned(),
        // The Python of the tests has a directory of its own for libraries, and would name it in what it links.
        "LDSHARED=gcc -shared".to_owned(),
    ];
    let mut command = match place {
        Place::Here(directory) => Command::new("env").dir(directory),
        Place::Inside(root) => Command::new("chroot").arg(root.path()).arg("env"),
    };
    command = command.args(["-u", "PYTHONDONTWRITEBYTECODE"]).args(surroundings).arg(program);
    for file in files {
        command = command.arg("--load").arg(place.told(&format!("macros/{file}")));
    }
    for definition in definitions {
        command = command.args(["--define", &definition]);
    }
    command
}

fn found(directory: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(directory).into_iter().map(|entry| entry.unwrap().into_path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "rpm")).collect()
}

/// What `rpm -qp` says of packages, a line each.
pub fn query(packages: &[PathBuf], what: &str) -> Vec<String> {
    expect_success(&Command::new("rpm").arg("-qp").arg(what).args(packages)).lines().map(str::to_owned).collect()
}
