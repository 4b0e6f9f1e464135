//! The gates that stop a build: paths and credentials of the build in packed bytes, and native code that the target
//! cannot run. Planted in every kind of file, and searched for in real wheels, where there are none.

mod gates_support;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use gates_support::{SITE, entries_of, entry, real_wheels, wheel_origin, zip_of};
use omnipack::distribution::{PackageFormat, ToolVersion};
use omnipack::exec::Command;
use omnipack::package::requirements::{self, Target};
use omnipack::plan::Platform;
use omnipack::stage::gate::{self, Scanner};
use omnipack::stage::pass::{self, PassResult};
use omnipack::stage::{Content, Entry, Findings, LeakKind, Origin, bytecode};

/// Where the build would have taken place.
const STAGE: &str = "/var/tmp/omnipack-build-7f3a/stage";

fn scan(entries: &[Entry], scanner: &Scanner) -> PassResult {
    let options = pass::Options { threads: 2, digest: pass::DigestKind::Sha256 };
    pass::run(entries, scanner, options, |_| Ok(())).unwrap()
}

/// A wheel `app` with one file, made and laid out.
fn wheel_with(name: &str, content: &[u8]) -> (tempfile::TempDir, Vec<Entry>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app-1.0-py3-none-any.whl");
    fs_err::write(&path, zip_of(&[("app/first.txt", b"harmless"), (name, content)])).unwrap();
    let entries = entries_of(&path, "app");
    (dir, entries)
}

/// The build fails, and the error names the file, its wheel and more.
fn assert_found(name: &str, content: &[u8], mentions: &[&str]) {
    let (_dir, entries) = wheel_with(name, content);
    let scanner = Scanner::new().directory(Path::new(STAGE)).credential("ci", "glpat-4711-Xy");
    let result = scan(&entries, &scanner);
    assert_eq!(result.findings.leaks.len(), 1, "{name}: {:?}", result.findings.leaks);
    let error = gate::check(&result.findings.leaks).unwrap_err().to_string();
    for mention in [&[&*format!("{SITE}/{name}"), "from app 1.0"], mentions].concat() {
        assert!(error.contains(mention), "{name}: `{mention}` is missing in: {error}");
    }
    assert!(!error.contains("4711"), "a message shows no credential: {error}");
}

#[test]
fn the_stage_path_in_text() {
    assert_found(
        "app/config.py",
        format!("ROOT = '{STAGE}/share'\n").as_bytes(),
        &["directory of the build, `/var/tmp/omnipack-build-7f3a/stage/share`, at byte 8"],
    );
    let shebang = format!("#!{STAGE}/bin/python\n");
    assert_found("app-1.0.data/scripts/run", shebang.as_bytes(), &["at byte 2"]);
    let url = format!("{{\"url\": \"file://{STAGE}\"}}");
    assert_found("app-1.0.dist-info/direct_url.json", url.as_bytes(), &["direct_url.json"]);
}

#[test]
fn the_stage_path_in_bytecode() {
    const COMPILE: &str =
        "import marshal, sys; sys.stdout.buffer.write(marshal.dumps(compile('x = 1', sys.argv[1], 'exec')))";
    let version = (6..15).rev().map(|minor| ToolVersion { major: 3, minor, patch: 0 });
    let python = version.into_iter().find_map(|version| bytecode::find_interpreter(version, &[])).unwrap();
    let code =
        Command::new(python.program).args(["-c", COMPILE]).arg(format!("{STAGE}/app/x.py")).run_checked().unwrap();
    assert_found("app/__pycache__/x.cpython-39.pyc", &code.stdout, &["x.cpython-39.pyc"]);
}

#[test]
fn the_stage_path_in_an_elf() {
    let mut program = fs_err::read(which::which("sh").unwrap()).unwrap();
    assert!(program.starts_with(b"\x7fELF"));
    // In the padding between two segments.
    let at = memchr::memmem::find(&program, &[0; 64]).unwrap() + 1;
    program[at..at + STAGE.len()].copy_from_slice(STAGE.as_bytes());
    assert_found("app/x.so", &program, &[&format!("at byte {at}")]);
    let (_dir, entries) = wheel_with("app/x.so", &program);
    assert_eq!(scan(&entries, &Scanner::new()).findings.elf.len(), 1, "it is native code all the same");
}

#[test]
fn the_stage_path_in_a_zip_inside_a_wheel() {
    let text = format!("see {STAGE}/x");
    let egg = zip_of(&[("EGG-INFO/a", b"harmless"), ("lib/deep.txt", text.as_bytes())]);
    assert!(memchr::memmem::find(&egg, STAGE.as_bytes()).is_none(), "it is compressed");
    assert_found("app/vendored.egg", &egg, &["in its member `lib/deep.txt`", "at byte 4"]);
    let outer = zip_of(&[("inner.zip", &egg)]);
    assert_found("app/outer.zip", &outer, &["in its member `inner.zip: lib/deep.txt`"]);
}

#[test]
fn the_stage_path_across_the_pieces_of_a_large_file() {
    let piece = 256 * 1024;
    for at in [0, piece - 1, 7 * piece - STAGE.len() + 1, 20 * piece - 300, 24 * piece + 5] {
        let mut large = (0..30 * piece).map(|byte| (byte % 251) as u8).collect::<Vec<_>>();
        large[at..at + STAGE.len()].copy_from_slice(STAGE.as_bytes());
        large[at + STAGE.len()] = 0;
        assert_found("app/model.bin", &large, &[&format!("at byte {at}")]);
    }
}

#[test]
fn credentials_of_the_index() {
    for text in [
        "[global]\nindex-url = https://ci:glpat-4711-Xy@packages.test/simple\n",
        "TOKEN = 'glpat-4711-Xy'",
        "Authorization: Basic Y2k6Z2xwYXQtNDcxMS1YeQ==",
    ] {
        assert_found(
            "app/pip.conf",
            text.as_bytes(),
            &["has the credentials of a package index", "a credential at byte"],
        );
    }
}

/// Wheels of other people name other people's machines (`/home/runner/...`, `/project/...`): that is no leak of ours.
#[test]
fn no_false_alarm_in_real_wheels() {
    let home = etcetera::home_dir().unwrap();
    let scanner = || {
        let scanner = Scanner::new().home(&home).home(Path::new("/home/runner"));
        let scanner = ["/project", "/src", "/io", "/build", "/tmp", "/host", STAGE]
            .iter()
            .fold(scanner, |scanner, path| scanner.directory(Path::new(path)));
        scanner.directory(&home.join(".cache/omnipack")).credential("__token__", "pypi-AgEIcHlwaS5vcmcC")
    };
    let mut files = 0;
    for (path, name) in real_wheels() {
        let entries = entries_of(&path, &name);
        files += entries.len();
        let fetched = scan(&entries, &scanner().fetched([wheel_origin(&name)]));
        assert_eq!(fetched.findings.leaks, [], "{name}");
        // Not even if they had been built here.
        assert_eq!(scan(&entries, &scanner()).findings.leaks, [], "{name}");
    }
    assert!(files > 1000, "{files} files were searched");
}

/// The same needle that raises no false alarm above is found when it is planted into the same wheels' files.
#[test]
fn a_home_is_found_when_the_file_is_ours() {
    let home = tempfile::tempdir().unwrap();
    fs_err::create_dir_all(home.path().join("work/shop")).unwrap();
    let text = format!("path = {}/work/shop/setup.py\n", home.path().display());
    let entries = [entry("/etc/shop.conf", Content::Bytes(text.as_bytes().into()), Origin::User)];
    let result = scan(&entries, &Scanner::new().home(home.path()));
    assert_eq!(result.findings.leaks[0].kind, LeakKind::HomeDirectory);
    assert!(gate::check(&result.findings.leaks).unwrap_err().to_string().contains("/etc/shop.conf"));
}

fn platform(glibc: ToolVersion) -> Platform {
    Platform { machine: "x86_64".into(), architecture: "x86_64".into(), glibc, baseline: None }
}

const fn glibc(minor: u32) -> ToolVersion {
    ToolVersion { major: 2, minor, patch: 0 }
}

fn relations(
    findings: &Findings,
    entries: &[Entry],
    platform: &Platform,
) -> Result<BTreeSet<String>, requirements::Error> {
    let python = ToolVersion { major: 3, minor: 9, patch: 0 };
    let (title, name, library_map) = ("CentOS Linux 7", "centos-7", &BTreeMap::new());
    let target = Target {
        title,
        name,
        format: PackageFormat::Rpm,
        platform,
        python: Some(python),
        libraries: None,
        library_map,
        newer_cpu: &[],
    };
    let relations = requirements::native_requirements(findings, entries, &target)?;
    Ok(relations.into_iter().map(|relation| relation.name).collect())
}

/// What rpm itself says that a file needs.
fn elfdeps(file: &Path) -> BTreeSet<String> {
    let directory = Command::new("rpm").args(["--eval", "%{_rpmconfigdir}"]).run_checked().unwrap().stdout_text();
    let program = PathBuf::from(directory.trim()).join("elfdeps");
    let output = Command::new(program).arg("--requires").arg(file).run_checked().unwrap().stdout_text();
    output.lines().map(str::to_owned).collect()
}

#[test]
fn requirements_are_those_of_elfdeps() {
    let dir = tempfile::tempdir().unwrap();
    let mut compared = 0;
    for (path, name) in real_wheels() {
        let entries = entries_of(&path, &name);
        let result = scan(&entries, &Scanner::new());
        for facts in &result.findings.elf {
            let entry = entries.iter().find(|entry| entry.path == facts.path).unwrap();
            let omnipack::stage::EntryKind::File(content) = &entry.kind else { continue };
            let file = dir.path().join("x.so");
            fs_err::write(&file, content.read().unwrap()).unwrap();
            fs_err::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
            // Alone, so that nothing is met inside the tree.
            let mut alone = facts.clone();
            alone.origin = Origin::User;
            alone.soname = None;
            let alone = Findings { elf: vec![alone], leaks: Vec::new() };
            let ours = relations(&alone, &[], &platform(glibc(99))).unwrap();
            assert_eq!(ours, elfdeps(&file), "{}", facts.path);
            compared += 1;
        }
    }
    assert!(compared > 40, "{compared} native objects were compared");
}

#[test]
fn what_wheels_bring_along_is_no_requirement() {
    for (path, name) in real_wheels() {
        let entries = entries_of(&path, &name);
        let result = scan(&entries, &Scanner::new());
        let needs = relations(&result.findings, &entries, &platform(glibc(17))).unwrap();
        let libraries = needs.iter().filter_map(|need| need.split('(').next()).collect::<BTreeSet<_>>();
        // All that PEP 599 (manylinux2014) lets a wheel need.
        let allowed = [
            "libc.so.6",
            "libm.so.6",
            "libpthread.so.0",
            "libdl.so.2",
            "librt.so.1",
            "libutil.so.1",
            "libgcc_s.so.1",
            "libstdc++.so.6",
            "libz.so.1",
            "libresolv.so.2",
            "libnsl.so.1",
            "ld-linux-x86-64.so.2",
            "rtld",
        ];
        let others = libraries.iter().filter(|library| !allowed.contains(library)).collect::<Vec<_>>();
        assert!(others.is_empty() && libraries.contains("libc.so.6"), "{name}: {others:?}");
    }
}

#[test]
fn a_glibc_that_is_too_new_names_wheel_file_and_both_versions() {
    let (path, name) = real_wheels().into_iter().find(|(_, name)| name == "numpy").unwrap();
    let entries = entries_of(&path, &name);
    let result = scan(&entries, &Scanner::new());
    assert!(relations(&result.findings, &entries, &platform(glibc(17))).is_ok());
    let error = relations(&result.findings, &entries, &platform(glibc(12))).unwrap_err();
    let text = error.to_string();
    for part in ["CentOS Linux 7 has glibc 2.12", "numpy 1.0: ", ".so", "GLIBC_2.", "2.17"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let help = miette::Diagnostic::help(&error).unwrap().to_string();
    assert!(help.contains("2.12") && help.contains("2.17"), "{help}");
}
