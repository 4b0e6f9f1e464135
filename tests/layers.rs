//! The walls of the house: a module uses only the floors before it, and one type goes from floor to floor.

use std::path::{Path, PathBuf};

/// In the order in which data flows; each may use those before it.
const FLOORS: [&str; 21] = [
    "progress",
    "scratch",
    "exec",
    "template",
    "distribution",
    "project",
    "matrix",
    "ci",
    "plan",
    "builder",
    "resolve",
    "stage",
    "service",
    "package",
    "format",
    "spec",
    "build",
    "check",
    "scaffold",
    "smoke",
    "cli",
];

/// May be used by, or use, any floor: the union of the floors' errors is above all of them.
const ABOVE_ALL: &str = "error";

fn rust_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs_err::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// `src/stage/wheel.rs` is on the floor `stage`.
fn floor_of(source: &Path, file: &Path) -> String {
    let relative = file.strip_prefix(source).unwrap();
    let first = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

#[test]
fn no_module_uses_a_floor_above_its_own() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    let mut wrong = Vec::new();
    let mut seen = 0;
    for file in &files {
        let floor = floor_of(&source, file);
        if [ABOVE_ALL, "lib", "main"].contains(&floor.as_str()) {
            continue;
        }
        let own = FLOORS.iter().position(|known| *known == floor);
        let own = own.unwrap_or_else(|| panic!("{} is on no floor: say in this test where it belongs", file.display()));
        let text = fs_err::read_to_string(file).unwrap();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for used in line.split("crate::").skip(1) {
                let used = used.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
                let Some(position) = FLOORS.iter().position(|known| *known == used) else { continue };
                seen += 1;
                if position > own {
                    wrong.push(format!("{}:{}: {floor} uses {used}", file.display(), number + 1));
                }
            }
        }
    }
    assert!(seen > 50, "only {seen} uses were seen: the test no longer reads the code");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_is_past_six_hundred_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    rust_files(&root.join("src"), &mut files);
    rust_files(&root.join("tests"), &mut files);
    let long = files.iter().filter_map(|file| {
        let lines = fs_err::read_to_string(file).unwrap().lines().count();
        (lines > 600).then(|| format!("{}: {lines} lines", file.display()))
    });
    let long = long.collect::<Vec<_>>();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn no_distribution_is_named_in_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    let names = [
        "\"centos",
        "\"rhel",
        "\"rocky",
        "\"alma",
        "\"fedora",
        "\"debian",
        "\"ubuntu",
        "\"opensuse",
        "\"sles",
        "\"amazonlinux",
    ];
    let mut wrong = Vec::new();
    for file in files.iter().filter(|file| !file.ends_with("tests.rs")) {
        let text = fs_err::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            // The first member of a .deb, whoever it is for (deb(5)).
            let line = line.replace("\"debian-binary\"", "");
            // The directory of a source package, whoever it is for (dpkg-source(1)).
            let line = line.replace("\"debian/", "\"");
            // The first half of error codes of Debian source packages.
            let line = if file.ends_with("cli/explain.rs") { line.replace("\"debian\",", "") } else { line };
            if names.iter().any(|name| line.contains(name)) {
                wrong.push(format!("{}:{}: {}", file.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "facts belong in distributions.toml:\n{}", wrong.join("\n"));
}
