//! Packages for the tests of the RPM writer, and the real rpm to hold them against.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use omnipack::distribution::{Algorithm, PackageFormat, ToolVersion};
use omnipack::exec::{Command, Output};
use omnipack::format;
use omnipack::package::{Architecture, Package};
use omnipack::plan::{Comparison, Compression, Evr, Relation, RelationKind, Role};
use omnipack::stage::gate::Scanner;
use omnipack::stage::{Content, Entry, EntryFlags, EntryKind, Origin, TargetPath};

/// 2024-01-02 03:04:05 UTC.
pub const DATE: u32 = 1_704_164_645;

pub const RPM_4_18: ToolVersion = ToolVersion { major: 4, minor: 18, patch: 0 };
pub const RPM_4_11: ToolVersion = ToolVersion { major: 4, minor: 11, patch: 3 };
pub const RPM_4_8: ToolVersion = ToolVersion { major: 4, minor: 8, patch: 0 };

pub fn package(name: &str) -> Package {
    Package {
        format: PackageFormat::Rpm,
        format_version: RPM_4_18,
        name: name.to_owned(),
        source: name.to_owned(),
        role: Role::Main,
        evr: Evr { epoch: 0, version: "1.2".to_owned(), release: "3".to_owned() },
        architecture: Architecture::Independent,
        summary: "A test".to_owned(),
        description: "A longer text\nof two lines".to_owned(),
        license: "MIT".to_owned(),
        url: "https://example.org/".to_owned(),
        vendor: "Example".to_owned(),
        maintainer: "A Person <a@example.org>".to_owned(),
        group: "Applications/System".to_owned(),
        section: "admin".to_owned(),
        priority: "optional".to_owned(),
        relations: Vec::new(),
        entries: Vec::new(),
        scriptlets: BTreeMap::new(),
        triggers: Vec::new(),
        changelog: Vec::new(),
        compression: Compression { algorithm: Algorithm::Zstd, level: 3 },
        source_date: DATE,
        rpm: omnipack::project::RpmSettings::default(),
        deb: omnipack::project::DebSettings::default(),
    }
}

pub fn entry(path: &str, mode: u32, kind: EntryKind) -> Entry {
    Entry {
        path: TargetPath::new(path).unwrap(),
        mode,
        owner: "root".into(),
        group: "root".into(),
        kind,
        flags: EntryFlags::default(),
        origin: Origin::Generated,
    }
}

pub fn directory(path: &str) -> Entry {
    entry(path, 0o755, EntryKind::Directory)
}

pub fn file(path: &str, content: impl AsRef<[u8]>) -> Entry {
    entry(path, 0o644, EntryKind::File(Content::Bytes(Arc::from(content.as_ref()))))
}

pub fn symlink(path: &str, target: &str) -> Entry {
    entry(path, 0o777, EntryKind::Symlink(target.into()))
}

pub fn hardlink(path: &str, target: &str) -> Entry {
    entry(path, 0o644, EntryKind::Hardlink(TargetPath::new(target).unwrap()))
}

pub fn flagged(mut entry: Entry, change: impl FnOnce(&mut EntryFlags)) -> Entry {
    change(&mut entry.flags);
    entry
}

pub fn sorted(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    entries
}

pub fn relation(kind: RelationKind, name: &str, comparison: Option<(Comparison, &str)>) -> Relation {
    Relation {
        kind,
        name: name.to_owned(),
        comparison: comparison.map(|(comparison, version)| (comparison, version.to_owned())),
        reason: "test".to_owned(),
    }
}

/// Packs and writes into a directory of its own.
pub fn build(package: &Package) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = try_build(package, directory.path()).unwrap();
    (directory, path)
}

pub fn try_build(package: &Package, directory: &Path) -> Result<PathBuf, format::Error> {
    let packed = format::pack(package, &Scanner::default(), directory)?;
    format::write(package, &packed, directory)
}

/// Root, or what the kernel lets us pretend to be.
fn as_root(program: &OsStr) -> Command {
    let is_root = Command::new("id").arg("-u").run_checked().unwrap().stdout_text().trim() == "0";
    if is_root { Command::new(program) } else { Command::new("unshare").arg("--map-root-user").arg(program) }
}

pub fn rpm<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> String {
    let output = Command::new("rpm").args(args).env("LC_ALL", "C.UTF-8").run_checked().unwrap();
    assert_eq!(output.stderr_text(), "", "rpm complains");
    output.stdout_text()
}

pub fn query(path: &Path, options: &[&str]) -> String {
    rpm(["-qp".as_ref(), "--nosignature".as_ref()]
        .into_iter()
        .chain(options.iter().map(AsRef::as_ref))
        .chain([path.as_os_str()]))
}

pub fn query_format(path: &Path, format: &str) -> String {
    query(path, &["--qf", format])
}

/// What `rpmkeys -K` says; it must find all digests right.
pub fn check_digests(path: &Path) {
    let output = Command::new("rpmkeys").args(["-Kv", "--nosignature"]).arg(path).run_checked().unwrap().stdout_text();
    assert!(output.contains("Header SHA256 digest: OK"), "{output}");
    assert!(output.contains("Payload SHA256 digest: OK"), "{output}");
    assert!(!output.contains("BAD") && !output.contains("NOT OK"), "{output}");
}

/// A root directory with an rpm database and nothing else.
pub struct Root {
    directory: tempfile::TempDir,
    /// Another rpm than the one on PATH.
    rpm: Option<OsString>,
}

impl Root {
    pub fn new() -> Self {
        Self::with_rpm(None)
    }

    pub fn with_rpm(rpm: Option<OsString>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs_err::create_dir_all(directory.path().join("var/lib/rpm")).unwrap();
        fs_err::create_dir_all(directory.path().join("tmp")).unwrap();
        Self { directory, rpm }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        // Only Debian's rpm wants to be forced.
        let (rpm, force) = match &self.rpm {
            Some(rpm) => (rpm.as_os_str(), None),
            None => (OsStr::new("rpm"), Some("--force-debian")),
        };
        as_root(rpm)
            .args(force)
            .args(["--dbpath", "/var/lib/rpm", "--root"])
            .arg(self.path())
            .args(args)
            .env("LC_ALL", "C.UTF-8")
            .run()
            .unwrap()
    }

    pub fn install(&self, path: &Path, options: &[&str]) {
        let output = self.run(
            ["-i", "--nodeps", "--ignorearch", "--ignoreos", "--nosignature"]
                .iter()
                .chain(options)
                .map(OsStr::new)
                .chain([path.as_os_str()]),
        );
        assert_eq!((output.code, output.stderr_text().as_str()), (0, ""));
    }

    /// `rpm -V` must find nothing.
    pub fn verify(&self, name: &str) {
        let output = self.run(["-V", "--nodeps", name]);
        // rpm 4.8 looks for the database outside of the root once more, and says so.
        let stderr = if self.rpm.is_none() { output.stderr_text() } else { String::new() };
        assert_eq!((output.code, output.stdout_text().as_str(), stderr.as_str()), (0, "", ""));
    }
}
