//! What a DEB requires for native code, held against what dpkg-shlibdeps(1) says on this machine of the same files: real
//! wheels, and the machine's own programs and libraries.

mod gates_support;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use gates_support::{entries_of, real_wheels, wheels};
use omnipack::distribution::{Catalogue, Distribution, Libraries, PackageFormat, ToolVersion};
use omnipack::exec::Command;
use omnipack::package::requirements::{self, Target};
use omnipack::plan::{Comparison, Platform, Relation};
use omnipack::stage::elf;
use omnipack::stage::gate::Scanner;
use omnipack::stage::pass::{self, PassResult};
use omnipack::stage::{ElfFacts, Entry, EntryKind, Findings, Origin, TargetPath};

/// What this machine runs.
fn distribution() -> Distribution {
    let release = fs_err::read_to_string("/etc/os-release").unwrap();
    let field = |name: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_default().trim_matches('"').to_owned()
    };
    let name = format!("{}-{}", field("ID"), field("VERSION_ID"));
    Catalogue::embedded().unwrap().get(&name).unwrap().clone()
}

fn ours(distribution: &Distribution, findings: &Findings, entries: &[Entry]) -> BTreeSet<String> {
    let platform = Platform {
        machine: std::env::consts::ARCH.into(),
        architecture: distribution.architectures[std::env::consts::ARCH].clone(),
        glibc: distribution.glibc,
        baseline: None,
    };
    let target = Target {
        title: &distribution.title,
        name: &distribution.name,
        format: PackageFormat::Deb,
        platform: &platform,
        python: Some(ToolVersion { major: 3, minor: 9, patch: 0 }),
        libraries: distribution.libraries.as_deref(),
        newer_cpu: &[],
        library_map: &BTreeMap::new(),
    };
    let relations = requirements::native_requirements(findings, entries, &target);
    relations.unwrap_or_else(|error| panic!("{error}")).iter().map(shown).collect()
}

/// As a control file has it.
fn shown(relation: &Relation) -> String {
    let Some((comparison, version)) = &relation.comparison else { return relation.name.clone() };
    let operator = match comparison {
        Comparison::Less => "<<",
        Comparison::LessOrEqual => "<=",
        Comparison::Equal => "=",
        Comparison::GreaterOrEqual => ">=",
        Comparison::Greater => ">>",
    };
    format!("{} ({operator} {version})", relation.name)
}

/// What dpkg-shlibdeps says of `files`, run in `directory`, where a source package is.
fn theirs(directory: &Path, files: &[PathBuf], libraries: &[PathBuf]) -> BTreeSet<String> {
    fs_err::create_dir_all(directory.join("debian")).unwrap();
    let control = "Source: app\nMaintainer: A <a@example.org>\n\nPackage: app\nArchitecture: any\nDescription: x\n";
    fs_err::write(directory.join("debian/control"), control).unwrap();
    let mut command = Command::new("dpkg-shlibdeps").dir(directory).args(["-O", "--warnings=0"]);
    for library in libraries {
        command = command.arg(format!("-l{}", library.display()));
    }
    for file in files {
        command = command.arg(format!("-e{}", file.display()));
    }
    let said = command.run_checked().unwrap_or_else(|error| panic!("{error}")).stdout_text();
    let depends = said.trim().strip_prefix("shlibs:Depends=").unwrap_or_default();
    depends.split(", ").filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

#[test]
fn wheels_require_what_dpkg_shlibdeps_says_of_the_same_tree() {
    let distribution = distribution();
    let mut all = BTreeSet::new();
    for (path, name) in real_wheels().into_iter().chain(wheels("shlibdeps-wheels")) {
        let entries = entries_of(&path, &name);
        let options = pass::Options { threads: 2, digest: pass::DigestKind::Md5 };
        let PassResult { findings, .. } = pass::run(&entries, &Scanner::new(), options, |_| Ok(())).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("debian/app");
        // Marks where a package's root is, for `$ORIGIN`.
        fs_err::create_dir_all(root.join("DEBIAN")).unwrap();
        let mut files = Vec::new();
        for facts in &findings.elf {
            let entry = entries.iter().find(|entry| entry.path == facts.path).unwrap();
            let EntryKind::File(content) = &entry.kind else { continue };
            let file = root.join(facts.path.as_str().trim_start_matches('/'));
            fs_err::create_dir_all(file.parent().unwrap()).unwrap();
            fs_err::write(&file, content.read().unwrap()).unwrap();
            fs_err::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
            files.push(file);
        }
        // A wheel's own libraries need each other without any search path: they are loaded by hand before.
        let libraries = files.iter().map(|file| file.parent().unwrap().to_owned()).collect::<BTreeSet<_>>();
        let theirs = theirs(directory.path(), &files, &libraries.into_iter().collect::<Vec<_>>());
        assert_eq!(ours(&distribution, &findings, &entries), theirs, "{name}");
        all.extend(theirs);
    }
    let packages = all.iter().filter_map(|relation| relation.split(' ').next()).collect::<BTreeSet<_>>();
    for package in ["libc6", "libgcc-s1", "libstdc++6", "libgl1"] {
        assert!(packages.contains(package), "the wheels need {package}: {packages:?}");
    }
}

/// Native objects of this machine whose libraries are all known, but those with a search path of their own, and those that
/// embed some Python.
fn machine_files(libraries: Libraries) -> Vec<(PathBuf, ElfFacts)> {
    let mut found = Vec::new();
    let multiarch = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    for directory in ["/usr/bin", "/usr/sbin", &multiarch, "/usr/lib/python3/dist-packages"] {
        for file in walkdir::WalkDir::new(directory).max_depth(3).sort_by_file_name().into_iter().flatten() {
            if !file.file_type().is_file() || !file.metadata().is_ok_and(|data| data.len() < 8_000_000) {
                continue;
            }
            let path = TargetPath::new(file.path().to_str().unwrap()).unwrap();
            let Ok(bytes) = fs_err::read(file.path()) else { continue };
            let Some(facts) = elf::parse(&bytes, &path, &Origin::User) else { continue };
            let of_python = facts.needed.iter().any(|needed| needed.starts_with("libpython"));
            let sound =
                facts.search_path.is_empty() && !facts.needed.is_empty() && facts.symbols.is_some() && !of_python;
            let of_machine = *facts.machine == *std::env::consts::ARCH;
            if sound && of_machine && facts.needed.iter().all(|needed| libraries.find(needed).is_some()) {
                found.push((file.path().to_owned(), facts));
            }
        }
    }
    found
}

/// As many as it takes to have each library among the needs of one.
fn sample(files: Vec<(PathBuf, ElfFacts)>) -> Vec<(PathBuf, ElfFacts)> {
    let mut seen = BTreeSet::<String>::new();
    let chosen = files.into_iter().filter(|(_, facts)| {
        let fresh = facts.needed.iter().filter(|needed| !seen.contains(&***needed)).count();
        seen.extend(facts.needed.iter().map(ToString::to_string));
        fresh > 0
    });
    chosen.collect()
}

#[test]
fn programs_of_this_machine_require_what_dpkg_shlibdeps_says() {
    // dpkg-shlibdeps reads the symbols of a library once in each run.
    const TOGETHER: usize = 6;
    let distribution = distribution();
    let libraries = Libraries::named(distribution.libraries.as_deref().unwrap()).unwrap();
    let files = sample(machine_files(libraries));
    assert!(files.len() > 40, "{} native objects", files.len());
    let directory = tempfile::tempdir().unwrap();
    let mut different = Vec::new();
    for files in files.chunks(TOGETHER) {
        // Alone, as it were: none is another's library.
        let elf = files.iter().map(|(path, facts)| {
            let path = format!("/opt/{}", path.display().to_string().replace('/', "_"));
            ElfFacts { path: TargetPath::new(&path).unwrap(), soname: None, ..facts.clone() }
        });
        let ours = ours(&distribution, &Findings { elf: elf.collect(), leaks: Vec::new() }, &[]);
        let paths = files.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
        let theirs = theirs(directory.path(), &paths, &[]);
        if ours != theirs {
            let only = |one: &BTreeSet<String>, other| one.difference(other).cloned().collect::<Vec<_>>().join(", ");
            different.push(format!("{paths:?}: {} for {}", only(&ours, &theirs), only(&theirs, &ours)));
        }
    }
    assert!(different.is_empty(), "{} of {} differ:\n{}", different.len(), files.len(), different.join("\n"));
}
