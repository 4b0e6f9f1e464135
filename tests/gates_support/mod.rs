//! Wheels as entries: made for a test, or real ones from the package index.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use omnipack::exec::Command;
use omnipack::stage::{Content, Entry, EntryFlags, EntryKind, Member, Method, Origin, TargetPath};
use zip::CompressionMethod;

pub const SITE: &str = "/opt/app/lib/python3.9/site-packages";

pub fn wheel_origin(name: &str) -> Origin {
    Origin::Wheel { name: name.into(), version: "1.0".into() }
}

pub fn entry(path: &str, content: Content, origin: Origin) -> Entry {
    Entry {
        path: TargetPath::new(path).unwrap(),
        mode: 0o644,
        owner: "root".into(),
        group: "root".into(),
        kind: EntryKind::File(content),
        flags: EntryFlags::default(),
        origin,
    }
}

/// Every member of the wheel at `path`, as it would be laid out.
pub fn entries_of(path: &Path, name: &str) -> Vec<Entry> {
    let mut archive = zip::ZipArchive::new(fs_err::File::open(path).unwrap()).unwrap();
    let shared = Arc::new(path.to_path_buf());
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let member = archive.by_index(index).unwrap();
        let method = match member.compression() {
            CompressionMethod::Stored => Method::Stored,
            _ => Method::Deflated,
        };
        let place = Member {
            offset: member.data_start().unwrap(),
            compressed_size: member.compressed_size(),
            size: member.size(),
            crc32: member.crc32(),
            method,
        };
        if !member.is_dir() {
            let content = Content::Member { archive: Arc::clone(&shared), member: place };
            entries.push(entry(&format!("{SITE}/{}", member.name().unwrap()), content, wheel_origin(name)));
        }
    }
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    entries
}

/// A zip archive with these members.
pub fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, content) in files {
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The wheels of `tests/data/native-wheels.txt`, each with its name.
pub fn real_wheels() -> Vec<(PathBuf, String)> {
    wheels("native-wheels")
}

/// The wheels of a list in `tests/data`, downloaded once into the user's cache directory.
pub fn wheels(name: &str) -> Vec<(PathBuf, String)> {
    let list = format!("{}/tests/data/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let cache = etcetera::choose_base_strategy().map(|strategy| etcetera::BaseStrategy::cache_dir(&strategy)).unwrap();
    let directory = cache.join("omnipack-tests").join(name);
    fs_err::create_dir_all(&directory).unwrap();
    let pins = fs_err::read_to_string(&list).unwrap();
    let pins = pins.lines().filter_map(|line| line.split_once(" --hash").map(|(pin, _)| pin)).collect::<Vec<_>>();
    let found = || {
        let found = fs_err::read_dir(&directory).unwrap().map(|file| file.unwrap().path());
        let wheels = found.filter(|path| path.extension().is_some_and(|extension| extension == "whl"));
        let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().split('-').next().unwrap().to_owned();
        let mut wheels = wheels.map(|path| (path.clone(), name(&path))).collect::<Vec<_>>();
        wheels.sort();
        wheels
    };
    if found().len() != pins.len() {
        // Beside first: other tests may be doing the same.
        let beside = tempfile::tempdir_in(&directory).unwrap();
        let pip = Command::new("python3").args(["-m", "pip", "download", "-q", "--no-deps", "--require-hashes"]);
        let pip = pip.args(["--only-binary=:all:", "--python-version", "3.9", "--platform", "manylinux2014_x86_64"]);
        pip.args(["-r", &list, "-d"]).arg(beside.path()).run_checked().unwrap_or_else(|error| panic!("{error}"));
        for file in fs_err::read_dir(beside.path()).unwrap() {
            let file = file.unwrap();
            fs_err::rename(file.path(), directory.join(file.file_name())).unwrap();
        }
    }
    let found = found();
    assert_eq!(found.len(), pins.len(), "{found:?}");
    found
}
