//! What the DEB writer makes, held against the real dpkg: listings, fields, installation, verification.

mod deb_support;

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use deb_support::*;
use omnipack::distribution::Algorithm;
use omnipack::exec::Command;
use omnipack::format::{self, Error};
use omnipack::package::{Architecture, Package};
use omnipack::plan::{Comparison, Compression, RelationKind};
use omnipack::project::{ConfigFile, ScriptletKind};
use omnipack::service::Scriptlet;
use omnipack::stage::gate::Scanner;
use omnipack::stage::{Content, EntryKind};

#[test]
fn it_installs_and_verifies_with_every_compression() {
    for compression in COMPRESSIONS {
        let (_directory, path) = build(&compressed("installs", compression));
        assert_eq!(path.file_name().unwrap(), "installs_1.2-3_all.deb");
        assert_eq!(fs_err::metadata(&path).unwrap().mode() & 0o7777, 0o644);
        let members = Command::new("ar").arg("t").arg(&path).run_checked().unwrap().stdout_text();
        let extension = compression.2;
        assert_eq!(members, format!("debian-binary\ncontrol.tar.{extension}\ndata.tar.{extension}\n"));

        let root = Root::new();
        root.install(&path);
        root.verify("installs");
        let read = |name: &str| fs_err::read_to_string(root.path().join(name)).unwrap();
        for name in ["run", "also", "zuletzt"] {
            assert_eq!(read(&format!("opt/app/bin/{name}")), "#!/bin/sh\nexit 0\n");
        }
        let inode = |name: &str| fs_err::metadata(root.path().join(name)).unwrap().ino();
        let inside = |name: &str| inode(&format!("opt/app/{name}"));
        assert_eq!((inside("bin/also"), inside("bin/zuletzt")), (inside("bin/run"), inside("bin/run")));
        assert_eq!(inside("empty too"), inside("empty"));
        for kind in ["hard", "aaaa"] {
            assert_eq!(inode(&long(kind)[1..]), inode(&long("file")[1..]));
        }
        let target = |name: &str| fs_err::read_link(root.path().join(name)).unwrap().to_str().unwrap().to_owned();
        assert_eq!(target("opt/app/dangling"), "/nowhere/at all");
        assert_eq!(target(&long("link")[1..]), "../".repeat(50));
        assert!(!root.path().join("var/log/app.log").exists(), "a ghost was installed");
        assert_eq!(read("etc/app/with space.conf"), "key = 2\n");

        let removed = root.run(["--purge", "installs"]);
        assert_eq!((removed.code, removed.stderr_text().as_str()), (0, ""));
        assert!(!root.path().join("opt").exists() && !root.path().join("etc").exists(), "something is left");
    }
}

#[test]
fn dpkg_sees_an_edit_and_keeps_that_of_a_configuration_file() {
    let mut package = sample("edited");
    let (_directory, path) = build(&package);
    let root = Root::new();
    root.install(&path);
    fs_err::write(root.path().join("opt/app/empty"), "more").unwrap();
    fs_err::write(root.path().join("etc/app/app.conf"), "key = 9\n").unwrap();
    let output = root.run(["--verify", "edited"]).stdout_text();
    let expected = "??5??????   /opt/app/empty\n??5??????   /opt/app/empty too\n??5?????? c /etc/app/app.conf\n";
    let mut lines = output.lines().collect::<Vec<_>>();
    lines.sort_unstable();
    assert_eq!(lines, expected.lines().collect::<Vec<_>>());

    package.evr.release = "4".to_owned();
    let new = |text: &str| EntryKind::File(Content::Bytes(Arc::from(text.as_bytes())));
    for entry in package.entries.iter_mut().filter(|entry| entry.path.as_str().ends_with(".conf")) {
        entry.kind = new("key = 7\n");
    }
    let (_directory, path) = build(&package);
    let output = root.run(["-i", "--force-confold", path.to_str().unwrap()]);
    assert_eq!(output.code, 0, "{}", output.stderr_text());
    let read = |name: &str| fs_err::read_to_string(root.path().join("etc/app").join(name)).unwrap();
    assert_eq!((read("app.conf").as_str(), read("app.conf.dpkg-dist").as_str()), ("key = 9\n", "key = 7\n"));
    assert_eq!(read("with space.conf"), "key = 7\n");
}

/// What `dpkg-deb --contents` prints of one member: mode, owner, size, and the name with what it links to.
fn listed(path: &Path) -> Vec<(String, String, String, String)> {
    let lines = dpkg_deb(&["--contents"], path);
    let split = |line: &str| {
        let mut rest = line;
        let mut word = || {
            let (word, after) = rest.trim_start().split_once(' ').unwrap();
            rest = after;
            word.to_owned()
        };
        let (mode, owner, size) = (word(), word(), word());
        let (date, time) = (word(), word());
        assert_eq!(format!("{date} {time}"), "2024-01-02 03:04");
        (mode, owner, size, rest.to_owned())
    };
    lines.lines().map(split).collect()
}

#[test]
fn members_come_in_the_order_that_dpkg_needs() {
    let mut package = package("order");
    package.entries = sorted(vec![
        symlink("/a/first", "second"),
        file("/a/second", "12345"),
        hardlink("/a/b/earlier", "/c d/größe"),
        file("/c d/größe", "x"),
        hardlink("/z", "/c d/größe"),
        flagged(directory("/srv/kept"), |flags| flags.ghost = true),
        file("/srv/kept/inside", ""),
        flagged(directory("/srv/left-out"), |flags| flags.ghost = true),
        directory("/var/own"),
    ]);
    let kept = package.entries.iter_mut().find(|entry| entry.path.as_str() == "/srv/kept").unwrap();
    (kept.mode, kept.group) = (0o2770, "adm".into());
    let (_directory, path) = build(&package);
    let lines = listed(&path);
    let lines = lines.iter().map(|(mode, owner, size, name)| format!("{mode} {owner} {size} {name}"));
    let expected = "\
        drwxr-xr-x root/root 0 ./\n\
        drwxr-xr-x root/root 0 ./a/\n\
        -rw-r--r-- root/root 5 ./a/second\n\
        drwxr-xr-x root/root 0 ./c d/\n\
        -rw-r--r-- root/root 1 ./c d/größe\n\
        drwxr-xr-x root/root 0 ./a/b/\n\
        hrw-r--r-- root/root 0 ./a/b/earlier link to ./c d/größe\n\
        hrw-r--r-- root/root 0 ./z link to ./c d/größe\n\
        drwxr-xr-x root/root 0 ./srv/\n\
        drwxrws--- root/adm 0 ./srv/kept/\n\
        -rw-r--r-- root/root 0 ./srv/kept/inside\n\
        drwxr-xr-x root/root 0 ./var/\n\
        drwxr-xr-x root/root 0 ./var/own/\n\
        lrwxrwxrwx root/root 0 ./a/first -> second";
    assert_eq!(lines.collect::<Vec<_>>().join("\n"), expected);
    Root::new().install(&path);
}

/// Where the target does not know an owner, dpkg takes the number: root's, but not for what runs with its rights.
#[test]
fn an_unknown_owner_gets_no_rights_of_root() {
    let mut package = package("owners");
    let owned = |name: &str, mode: u32, owner: &str, group: &str| {
        let mut entry = file(&format!("/srv/{name}"), "");
        (entry.mode, entry.owner, entry.group) = (mode, owner.into(), group.into());
        entry
    };
    package.entries = sorted(vec![
        owned("both", 0o6755, "app", "staff-of-app"),
        owned("group", 0o2755, "app", "staff-of-app"),
        owned("plain", 0o640, "app", "staff-of-app"),
        owned("number", 0o4755, "1234", "5678"),
        owned("root", 0o6755, "root", "root"),
    ]);
    let (_directory, path) = build(&package);
    let script = "dpkg-deb --fsys-tarfile \"$1\" | tar --list --verbose --numeric-owner | grep ./srv/.";
    let text = Command::new("sh").args(["-ec", script, "sh"]).arg(&path).run_checked().unwrap().stdout_text();
    let words = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let seen = words.map(|words| format!("{} {} {}", words[0], words[1], words[5])).collect::<Vec<_>>();
    let expected = [
        "-rwsr-sr-x 65534/65534 ./srv/both",
        "-rwxr-sr-x 0/65534 ./srv/group",
        "-rwsr-xr-x 1234/5678 ./srv/number",
        "-rw-r----- 0/0 ./srv/plain",
        "-rwsr-sr-x 0/0 ./srv/root",
    ];
    assert_eq!(seen, expected);
    let names = listed(&path).into_iter().map(|(_, owner, _, _)| owner).collect::<Vec<_>>();
    assert_eq!(names[2..5], ["app/staff-of-app", "app/staff-of-app", "1234/5678"]);
}

#[test]
fn gnu_tar_reads_what_dpkg_reads() {
    for compression in COMPRESSIONS {
        let (_directory, path) = build(&compressed("tar", compression));
        let [ours, theirs] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let script =
            "ar p \"$1\" data.tar.$2 | tar --extract --auto-compress --file=- --$3; dpkg-deb --extract \"$1\" \"$4\"";
        let filter = ["gzip", "xz", "zstd"][COMPRESSIONS.iter().position(|one| one.2 == compression.2).unwrap()];
        let script = script.replace(" --auto-compress", "");
        let command = as_root("sh".as_ref()).args(["-ec", &script, "sh"]).arg(&path);
        let output = command.args([compression.2, filter]).arg(theirs.path()).dir(ours.path()).run_checked().unwrap();
        assert_eq!(output.stderr_text(), "");
        let differences = Command::new("diff").args(["--recursive", "--no-dereference"]);
        differences.args([ours.path(), theirs.path()]).run_checked().unwrap();
        assert_eq!(fs_err::metadata(ours.path().join(&long("file")[1..])).unwrap().nlink(), 3);
    }
}

/// dpkg-deb, from the tree and the control files that we made.
#[test]
fn dpkg_deb_builds_the_same_package_of_the_same_tree() {
    let mut package = sample("rebuilt");
    package.entries.retain(|entry| entry.mode & 0o6000 == 0);
    package.scriptlets.insert(ScriptletKind::Post, shell("exit 0"));
    let (directory, path) = build(&package);
    let tree = directory.path().join("tree");
    raw_extract(&path, &tree);
    let other = directory.path().join("other.deb");
    let options = ["--root-owner-group", "-Zzstd", "-z3", "--build"];
    let command = Command::new("dpkg-deb").args(options).arg(&tree).arg(&other);
    let output = command.env("SOURCE_DATE_EPOCH", DATE.to_string()).run_checked().unwrap();
    assert_eq!(output.stderr_text(), "", "dpkg-deb warns of what we made");

    let sorted_listing = |path: &Path| {
        let mut lines = listed(path);
        // Which name of a set of hard links has the content is chance.
        lines.retain(|(mode, ..)| !mode.starts_with('h'));
        lines.retain(|(mode, _, _, name)| !(mode.starts_with('-') && is_linked(name)));
        lines.sort();
        lines
    };
    assert_eq!(sorted_listing(&path), sorted_listing(&other));
    let names = |path: &Path| {
        let mut names = listed(path).into_iter().map(|(.., name)| name).collect::<Vec<_>>();
        names.iter_mut().for_each(|name| name.truncate(name.find(" link to ").unwrap_or(name.len())));
        names.sort();
        names
    };
    assert_eq!(names(&path), names(&other));
    assert_eq!(dpkg_deb(&["--field"], &path), dpkg_deb(&["--field"], &other));
    for name in ["control", "conffiles", "md5sums", "postinst"] {
        assert_eq!(control_file(&path, name), control_file(&other, name), "{name}");
    }
    // Both begin alike: the first member, and the second's name, date, owner and mode.
    let head = |path: &Path| fs_err::read(path).unwrap()[..72 + 48].to_vec();
    assert_eq!(String::from_utf8(head(&path)).unwrap(), String::from_utf8(head(&other)).unwrap());
}

fn is_linked(name: &str) -> bool {
    ["run", "also", "zuletzt", "empty", "empty too"].iter().any(|linked| name.ends_with(&format!("/{linked}")))
        || name.ends_with(&"c".repeat(101))
}

#[test]
fn md5sum_agrees_with_the_list() {
    let (directory, path) = build(&sample("sums"));
    let tree = directory.path().join("tree");
    raw_extract(&path, &tree);
    let check =
        Command::new("md5sum").args(["--check", "--strict", "DEBIAN/md5sums"]).dir(&tree).run_checked().unwrap();
    let checked = check.stdout_text();
    assert_eq!(checked.lines().count(), 10, "{checked}");
    assert!(checked.contains("opt/app/empty too: OK\n") && !checked.contains("etc/"), "{checked}");
    let order = control_file(&path, "md5sums").unwrap();
    let paths = order.lines().map(|line| &line[34..]).collect::<Vec<_>>();
    assert!(paths.is_sorted(), "{paths:?}");
}

#[test]
fn installed_size_is_that_of_dpkg_gencontrol() {
    let mut package = sample("sized");
    package.entries.push(file("/zero", ""));
    package.entries.push(file("/zone", vec![0; 1025]));
    package.entries.push(symlink("/ztwo", &"x".repeat(1500)));
    package.entries = sorted(package.entries);
    let (directory, path) = build(&package);
    let source = directory.path().join("source");
    let tree = source.join("debian/tmp");
    fs_err::create_dir_all(&tree).unwrap();
    Command::new("dpkg-deb").arg("--extract").arg(&path).arg(&tree).run_checked().unwrap();
    let control = "Source: sized\nMaintainer: A <a@example.org>\n\nPackage: sized\nArchitecture: all\nDescription: x\n";
    fs_err::write(source.join("debian/control"), control).unwrap();
    let changelog =
        "sized (1.2-3) unstable; urgency=low\n\n  * A.\n\n -- A <a@example.org>  Tue, 02 Jan 2024 03:04:05 +0000\n";
    fs_err::write(source.join("debian/changelog"), changelog).unwrap();
    let theirs = Command::new("dpkg-gencontrol").arg("-O").dir(&source).run_checked().unwrap().stdout_text();
    let theirs = theirs.lines().find_map(|line| line.strip_prefix("Installed-Size: ")).unwrap();
    assert_eq!(field(&path, "Installed-Size"), theirs);
}

#[test]
fn a_package_without_files_installs() {
    let (_directory, path) = build(&package("bare"));
    assert_eq!(listed(&path).len(), 1);
    assert_eq!(control_file(&path, "md5sums"), None);
    let root = Root::new();
    root.install(&path);
    root.verify("bare");
}

#[test]
fn the_same_input_gives_the_same_bytes_on_any_number_of_threads() {
    for compression in COMPRESSIONS {
        let mut package = compressed("same", compression);
        package.entries.extend((0..200).map(|index| file(&format!("/srv/{index:03}"), noise(index, 40_000))));
        package.entries = sorted(package.entries);
        let build = |threads: usize| {
            let directory = tempfile::tempdir().unwrap();
            let (payload, _) = format::deb::pack(&package, &Scanner::default(), directory.path(), threads).unwrap();
            let path = format::deb::write(&package, &payload, directory.path()).unwrap();
            fs_err::read(path).unwrap()
        };
        let one = build(1);
        assert!(one == build(2) && one == build(7), "{compression:?}");
    }
}

/// Sizes from 8 GiB on do not fit twelve octal digits.
#[test]
fn a_file_of_more_than_eight_gibibytes_fits() {
    let scratch = tempfile::tempdir().unwrap();
    let size = (1 << 33) + 12_345;
    let source = scratch.path().join("large");
    fs_err::File::create(&source).unwrap().set_len(size).unwrap();
    let mut package = package("large");
    package.compression = Compression { algorithm: Algorithm::Zstd, level: 1 };
    let content = Content::File { path: Arc::new(source), size };
    package.entries = sorted(vec![
        entry("/opt/app/large", 0o644, EntryKind::File(content)),
        file("/opt/app/zuletzt", "small"),
        symlink("/opt/app/link", "zuletzt"),
    ]);
    let (_directory, path) = build(&package);
    let lines = listed(&path).into_iter().map(|(_, _, size, name)| format!("{size} {name}")).collect::<Vec<_>>();
    assert_eq!(
        lines[3..],
        [format!("{size} ./opt/app/large"), "5 ./opt/app/zuletzt".to_owned(), "0 ./opt/app/link -> zuletzt".to_owned()]
    );
}

/// Runs in a child process, which packs a payload of that many MiB and prints its peak memory.
const PAYLOAD: &str = "OMNIPACK_TEST_PAYLOAD_MIB";

#[test]
fn peak_memory_does_not_depend_on_the_payload() {
    if let Ok(mebibytes) = std::env::var(PAYLOAD) {
        let scratch = tempfile::tempdir().unwrap();
        let source = scratch.path().join("source");
        let mut package = sample("memory");
        // The same noise again and again, further apart than any window, so that it is written once only.
        fs_err::write(&source, noise(1, 20 << 20)).unwrap();
        package.entries = (0..mebibytes.parse::<u32>().unwrap() / 20)
            .map(|index| {
                let content = Content::File { path: Arc::new(source.clone()), size: 20 << 20 };
                entry(&format!("/opt/{index:04}"), 0o644, EntryKind::File(content))
            })
            .collect();
        build(&package);
        println!("peak {}", peak_memory());
        return;
    }
    let peak = |mebibytes: u32| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "peak_memory_does_not_depend_on_the_payload", "--nocapture"])
            .env(PAYLOAD, mebibytes.to_string())
            .run_checked()
            .unwrap()
            .stdout_text();
        let line = output.lines().find_map(|line| line.split_once("peak ")).unwrap();
        line.1.trim().parse::<u64>().unwrap()
    };
    let (small, large) = (peak(120), peak(480));
    assert!(large < 150 << 20, "{large} bytes");
    assert!(large < small + (30 << 20), "{small} bytes for 120 MiB, {large} for 480 MiB");
}

#[test]
fn bad_fields_are_named() {
    type Change = fn(&mut Package);
    let cases: [(&str, Change); 20] = [
        ("newline", |package| package.entries.push(file("/z\n", ""))),
        ("too long a name", |package| package.entries.push(file(&format!("/{}", "z".repeat(250)), ""))),
        ("below a link", |package| package.entries.push(file("/opt/app/link/x", ""))),
        ("hard link", |package| package.entries.push(hardlink("/z", "/opt/app/link"))),
        ("hard link", |package| package.entries.push(hardlink("/z", "/nowhere"))),
        ("owner", |package| package.entries[0].owner = "x".repeat(33).into()),
        ("group", |package| package.entries[0].group = "".into()),
        ("configuration file", |package| {
            package.entries.push(flagged(file("/z ", ""), |flags| flags.config = ConfigFile::Noreplace));
        }),
        ("version", |package| package.evr.version = "v1".to_owned()),
        ("version", |package| package.evr.version = "1_2".to_owned()),
        ("version", |package| package.evr.release = "1\nX: y".to_owned()),
        ("relation", |package| package.relations.push(relation(RelationKind::Requires, "/bin/sh", None))),
        ("relation", |package| package.relations.push(relation(RelationKind::Requires, "a, b", None))),
        ("relation", |package| package.relations.push(relation(RelationKind::Conflicts, "aa | bb", None))),
        ("relation", |package| {
            package.relations.push(relation(RelationKind::Provides, "aa", Some((Comparison::Less, "1"))));
        }),
        ("relation", |package| {
            package.relations.push(relation(RelationKind::Requires, "aa", Some((Comparison::Equal, "1^2"))));
        }),
        ("relation", |package| package.relations.push(relation(RelationKind::Requires, "aa (== 1) | bb", None))),
        ("architecture", |package| package.architecture = Architecture::Native("../x".to_owned())),
        ("preinst", |package| {
            let scriptlet = Scriptlet { interpreter: vec!["<lua>".to_owned()], text: String::new() };
            package.scriptlets.insert(ScriptletKind::Pre, scriptlet);
        }),
        ("preinst", |package| {
            let interpreter = ["/usr/bin/env", "-S", "sh"].map(str::to_owned).to_vec();
            package.scriptlets.insert(ScriptletKind::Pre, Scriptlet { interpreter, text: String::new() });
        }),
    ];
    for (what, change) in cases {
        let mut package = sample("bad");
        change(&mut package);
        package.entries = sorted(package.entries);
        let directory = tempfile::tempdir().unwrap();
        let error = try_build(&package, directory.path()).unwrap_err();
        let word = match what {
            "newline" => "control character",
            "too long a name" => "longer than dpkg",
            "below a link" => "no directory",
            word => word,
        };
        assert!(matches!(error, Error::Field { .. } | Error::Hardlink { .. }), "{what}: {error}");
        assert!(error.to_string().contains(word), "{what}: {error}");
        assert_eq!(fs_err::read_dir(directory.path()).unwrap().count(), 0, "something is left behind");
    }
}
