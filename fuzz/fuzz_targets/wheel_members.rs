//! An archive that is sound, with any members: what random bytes seldom get to, for their checksums are wrong.
#![no_main]

use std::io::{Cursor, Write};
use std::sync::OnceLock;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use omnipack_fuzz::Place;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

static PLACE: OnceLock<Place> = OnceLock::new();

#[derive(Debug, Arbitrary)]
struct Wheel<'a> {
    metadata: &'a str,
    wheel: &'a str,
    record: &'a str,
    entry_points: Option<&'a str>,
    members: Vec<Member<'a>>,
}

#[derive(Debug, Arbitrary)]
struct Member<'a> {
    directory: Directory,
    name: &'a str,
    content: &'a [u8],
    kind: Kind,
}

#[derive(Debug, Arbitrary)]
enum Directory {
    Root,
    Package,
    DistInfo,
    Data,
    Scripts,
    Headers,
    Purelib,
}

#[derive(Debug, Arbitrary)]
enum Kind {
    File,
    Executable,
    Symlink,
    Directory,
}

fn archive(wheel: &Wheel<'_>) -> Option<Vec<u8>> {
    let options = SimpleFileOptions::default();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let info = [
        ("METADATA", format!("Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n{}", wheel.metadata)),
        ("WHEEL", format!("Wheel-Version: 1.0\nRoot-Is-Purelib: true\n{}", wheel.wheel)),
        ("RECORD", wheel.record.to_owned()),
    ];
    for (name, text) in info {
        zip.start_file(format!("demo-1.0.dist-info/{name}"), options).ok()?;
        zip.write_all(text.as_bytes()).ok()?;
    }
    if let Some(text) = wheel.entry_points {
        zip.start_file("demo-1.0.dist-info/entry_points.txt", options).ok()?;
        zip.write_all(b"[console_scripts]\n").ok()?;
        zip.write_all(text.as_bytes()).ok()?;
    }
    for member in &wheel.members {
        let directory = match member.directory {
            Directory::Root => "",
            Directory::Package => "demo/",
            Directory::DistInfo => "demo-1.0.dist-info/",
            Directory::Data => "demo-1.0.data/data/",
            Directory::Scripts => "demo-1.0.data/scripts/",
            Directory::Headers => "demo-1.0.data/headers/",
            Directory::Purelib => "demo-1.0.data/purelib/",
        };
        let name = format!("{directory}{}", member.name);
        match member.kind {
            Kind::File | Kind::Executable => {
                let mode = if matches!(member.kind, Kind::Executable) { 0o100_755 } else { 0o100_644 };
                zip.start_file(name, options.unix_permissions(mode)).ok()?;
                zip.write_all(member.content).ok()?;
            }
            Kind::Symlink => zip.add_symlink(name, String::from_utf8_lossy(member.content), options).ok()?,
            Kind::Directory => zip.add_directory(name, options).ok()?,
        }
    }
    Some(zip.finish().ok()?.into_inner())
}

fuzz_target!(|wheel: Wheel<'_>| {
    if let Some(bytes) = archive(&wheel) {
        PLACE.get_or_init(Place::default).lay_out(&bytes);
    }
});
