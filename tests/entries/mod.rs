//! Packages and entries for the tests of the writers.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use omnipack::distribution::{Algorithm, PackageFormat, ToolVersion};
use omnipack::exec::Command;
use omnipack::format;
use omnipack::package::{Architecture, Package};
use omnipack::plan::{Comparison, Compression, Evr, Relation, RelationKind, Role};
use omnipack::stage::gate::Scanner;
use omnipack::stage::{Content, Entry, EntryFlags, EntryKind, Origin, TargetPath};
use proptest::prelude::*;

/// 2024-01-02 03:04:05 UTC.
pub const DATE: u32 = 1_704_164_645;

pub fn package_for(name: &str, format: PackageFormat, format_version: ToolVersion) -> Package {
    Package {
        format,
        format_version,
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
pub fn as_root(program: &OsStr) -> Command {
    let is_root = Command::new("id").arg("-u").run_checked().unwrap().stdout_text().trim() == "0";
    if is_root { Command::new(program) } else { Command::new("unshare").arg("--map-root-user").arg(program) }
}

/// Bytes that hardly compress, different for each seed.
pub fn noise(seed: u32, size: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let bytes = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()
    });
    bytes.flatten().take(size).collect()
}

/// Peak resident memory of this process in bytes.
pub fn peak_memory() -> u64 {
    let status = fs_err::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Names that shells, specs, formats and terminals would stumble over.
pub fn hostile_name() -> impl Strategy<Value = String> {
    let awkward = proptest::sample::select(vec![
        " ",
        "  ",
        "'",
        "\"",
        "%",
        "%%",
        "%{name}",
        "$(id)",
        "`id`",
        "\\",
        "*",
        "?",
        "[a]",
        "{a,b}",
        "~",
        "#",
        ";",
        "&",
        "|",
        "<",
        ">",
        "!",
        "é",
        "日本",
        "🐍",
        "\u{301}",
        "-",
        "--root",
        "=",
        ":",
        "@",
        ",",
        "(",
        ")",
        "TRAILER!!!",
    ]);
    let part = prop_oneof![3 => awkward.prop_map(str::to_owned), 1 => "[a-zA-Z0-9_.]{1,8}"];
    proptest::collection::vec(part, 1..8)
        .prop_map(|parts| parts.concat())
        .prop_filter("no name at all", |name| name != "." && name != "..")
}
