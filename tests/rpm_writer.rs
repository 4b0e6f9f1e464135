//! What the RPM writer makes, held against the real rpm: queries, digests, installation, verification.

mod rpm_support;

use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use omnipack::distribution::{Algorithm, ToolVersion};
use omnipack::exec::Command;
use omnipack::format::{self, Error};
use omnipack::package::{Architecture, Package};
use omnipack::plan::{Comparison, Compression, RelationKind};
use omnipack::project::{ConfigFile, ScriptletKind, Trigger, TriggerWhen};
use omnipack::service::Scriptlet;
use omnipack::stage::gate::Scanner;
use omnipack::stage::{Content, Entry, EntryKind};
use proptest::prelude::*;
use rpm_support::*;

const COMPRESSIONS: [(Algorithm, i32); 3] = [(Algorithm::Gzip, 6), (Algorithm::Xz, 2), (Algorithm::Zstd, 3)];

fn tree() -> Vec<Entry> {
    sorted(vec![
        directory("/opt/app"),
        directory("/opt/app/bin"),
        file("/opt/app/bin/run", "#!/bin/sh\nexit 0\n"),
        hardlink("/opt/app/bin/also", "/opt/app/bin/run"),
        hardlink("/opt/app/bin/zuletzt", "/opt/app/bin/run"),
        file("/opt/app/empty", ""),
        hardlink("/opt/app/empty too", "/opt/app/empty"),
        file("/opt/app/large", vec![b'x'; 3_000_000]),
        symlink("/opt/app/link", "bin/run"),
        symlink("/opt/app/dangling", "/nowhere/at all"),
        flagged(file("/etc/app.conf", "key = 1\n"), |flags| flags.config = ConfigFile::Noreplace),
        flagged(file("/etc/app.default", "key = 2\n"), |flags| flags.config = ConfigFile::Replace),
        flagged(file("/var/log/app.log", "never packed"), |flags| flags.ghost = true),
        flagged(directory("/var/cache/app"), |flags| flags.ghost = true),
        flagged(file("/usr/share/doc/app/README", "read me"), |flags| flags.doc = true),
        flagged(file("/usr/share/licenses/app/LICENSE", "be free"), |flags| flags.license = true),
        flagged(file("/opt/app/port", "binds"), |flags| flags.capabilities = Some("cap_net_bind_service=ep".into())),
    ])
}

fn compressed(name: &str, (algorithm, level): (Algorithm, i32)) -> Package {
    let mut package = package(name);
    package.entries = tree();
    package.compression = Compression { algorithm, level };
    package
}

fn assert_removes_all(root: &Root, name: &str) {
    let removed = root.run(["-e", name]);
    assert_eq!(removed.code, 0, "{}", removed.stderr_text());
    assert!(!root.path().join("opt/app").exists(), "something is left");
}

#[test]
fn it_installs_and_verifies_with_every_compression() {
    for compression in COMPRESSIONS {
        let (_directory, path) = build(&compressed("installs", compression));
        assert_eq!(path.file_name().unwrap(), "installs-1.2-3.noarch.rpm");
        assert_eq!(fs_err::metadata(&path).unwrap().mode() & 0o7777, 0o644);
        check_digests(&path);

        let root = Root::new();
        root.install(&path, &[]);
        root.verify("installs");
        let read = |name: &str| fs_err::read_to_string(root.path().join(name)).unwrap();
        for name in ["run", "also", "zuletzt"] {
            assert_eq!(read(&format!("opt/app/bin/{name}")), "#!/bin/sh\nexit 0\n");
        }
        let target = fs_err::read_link(root.path().join("opt/app/dangling")).unwrap();
        assert_eq!(target.to_str(), Some("/nowhere/at all"));
        let inode = |name: &str| fs_err::metadata(root.path().join("opt/app").join(name)).unwrap().ino();
        assert_eq!((inode("bin/also"), inode("bin/zuletzt")), (inode("bin/run"), inode("bin/run")));
        assert_eq!(inode("empty too"), inode("empty"));
        assert!(!root.path().join("var/log/app.log").exists(), "a ghost was installed");
        assert_removes_all(&root, "installs");
    }
}

#[test]
fn rpm_sees_an_edit() {
    let (_directory, path) = build(&compressed("edited", COMPRESSIONS[0]));
    let root = Root::new();
    root.install(&path, &[]);
    fs_err::write(root.path().join("opt/app/large"), "less").unwrap();
    fs_err::write(root.path().join("etc/app.conf"), "key = 9\n").unwrap();
    let output = root.run(["-V", "--nodeps", "--nomtime", "edited"]).stdout_text();
    assert_eq!(output, "..5......  c /etc/app.conf\nS.5......    /opt/app/large\n");
}

#[test]
fn cpio_reads_the_payload() {
    for compression in COMPRESSIONS {
        let (_directory, path) = build(&compressed("payload", compression));
        let out = tempfile::tempdir().unwrap();
        let script = "set -e; rpm2cpio \"$1\" > archive; cpio --quiet -id < archive; cpio --quiet -t < archive";
        let output = Command::new("sh").args(["-c", script, "sh"]).arg(&path).dir(out.path()).run_checked().unwrap();
        assert_eq!(output.stderr_text(), "");
        let names = output.stdout_text();
        assert_eq!(names.lines().count(), tree().len() - 2, "{names}");
        assert!(names.contains("./opt/app/empty too\n") && !names.contains("./var/"), "{names}");
        // Unlike rpm, cpio believes what the archive says about sizes and links.
        for name in ["also", "run", "zuletzt"] {
            let path = out.path().join("opt/app/bin").join(name);
            assert_eq!(fs_err::read_to_string(&path).unwrap(), "#!/bin/sh\nexit 0\n");
            assert_eq!(fs_err::metadata(&path).unwrap().nlink(), 3);
        }
    }
}

#[test]
fn a_damaged_payload_is_noticed() {
    let (_directory, path) = build(&compressed("damaged", COMPRESSIONS[2]));
    let mut bytes = fs_err::read(&path).unwrap();
    let last = bytes.len() - 100;
    bytes[last] ^= 1;
    fs_err::write(&path, bytes).unwrap();
    let output = Command::new("rpmkeys").args(["-Kv", "--nosignature"]).arg(&path).run().unwrap();
    assert!(output.code != 0 && output.stdout_text().contains("Payload SHA256 digest: BAD"), "{output:?}");
}

#[test]
fn scriptlets_of_rpms_own_lua_run() {
    let mut package = package("lua");
    let lua = |text: &str| Scriptlet { interpreter: vec!["<lua>".to_owned()], text: text.to_owned() };
    package
        .scriptlets
        .insert(ScriptletKind::Post, lua("local f = io.open('/tmp/ran', 'w')\nf:write('100%')\nf:close()"));
    package.entries = vec![directory("/opt/app")];
    let (_directory, path) = build(&package);
    let root = Root::new();
    root.install(&path, &[]);
    assert_eq!(fs_err::read_to_string(root.path().join("tmp/ran")).unwrap(), "100%");
    let requires = query(&path, &["--requires"]);
    assert!(requires.contains("rpmlib(BuiltinLuaScripts) <= 4.2.2-1\n") && !requires.contains("lua>"), "{requires}");
}

#[test]
fn scripts_and_triggers_are_stored_as_they_are() {
    let mut package = package("scripts");
    let text = "if [ \"$1\" = 1 ]; then\n\techo '%{nothing} 100%% `id` é'\nfi";
    let interpreter = vec!["/usr/bin/python3".to_owned(), "-I".to_owned()];
    package.scriptlets.insert(ScriptletKind::Preun, Scriptlet { interpreter, text: format!("{text}\n\n") });
    package.triggers = vec![Trigger {
        on: "nginx >= 1:1.20".to_owned(),
        when: TriggerWhen::Postun,
        script: "echo \\n".to_owned(),
        interpreter: "/bin/sh".to_owned(),
        package: None,
    }];
    let (_directory, path) = build(&package);
    let scripts = query(&path, &["--scripts"]);
    assert_eq!(scripts, format!("preuninstall scriptlet (using /usr/bin/python3 -I):\n{text}\n"));
    let triggers = query(&path, &["--triggers"]);
    assert_eq!(triggers, "triggerpostun scriptlet (using /bin/sh) -- nginx >= 1:1.20\necho \\n\n");
}

#[test]
fn it_can_be_relocated() {
    let mut package = compressed("moves", COMPRESSIONS[0]);
    package.entries.retain(|entry| entry.path.as_str().starts_with("/opt/app"));
    package.rpm.prefixes = vec!["/opt/app/".to_owned()];
    let (_directory, path) = build(&package);
    assert_eq!(query_format(&path, "[%{PREFIXES}\n]"), "/opt/app\n");
    let root = Root::new();
    root.install(&path, &["--prefix", "/srv/moved"]);
    assert!(root.path().join("srv/moved/bin/run").exists() && !root.path().join("opt").exists());
    root.verify("moves");
}

#[test]
fn a_package_without_files_installs() {
    let (_directory, path) = build(&package("bare"));
    check_digests(&path);
    assert_eq!(query(&path, &["-l"]), "(contains no files)\n");
    let root = Root::new();
    root.install(&path, &[]);
    root.verify("bare");
}

#[test]
fn the_same_input_gives_the_same_bytes_on_any_number_of_threads() {
    for compression in COMPRESSIONS {
        let mut package = compressed("same", compression);
        package.entries.extend((0..400).map(|index| file(&format!("/srv/{index:03}"), noise(index, 40_000))));
        package.entries = sorted(package.entries);
        let build = |threads: usize| {
            let directory = tempfile::tempdir().unwrap();
            let (payload, _) = format::rpm::pack(&package, &Scanner::default(), directory.path(), threads).unwrap();
            let path = format::rpm::write(&package, &payload, directory.path()).unwrap();
            fs_err::read(path).unwrap()
        };
        let one = build(1);
        assert!(one == build(2) && one == build(7), "{compression:?}");
    }
}

#[test]
fn seventy_thousand_files_fit() {
    let mut package = package("many");
    package.entries = (0..70_000).map(|index| file(&format!("/opt/many/{:03}/{index:05}", index / 100), [])).collect();
    package.entries.push(hardlink("/opt/many/last", "/opt/many/699/69999"));
    let (_directory, path) = build(&package);
    check_digests(&path);
    assert_eq!(query(&path, &["-l"]).lines().count(), 70_001);
    let root = Root::new();
    root.install(&path, &[]);
    let inode = |name: &str| fs_err::metadata(root.path().join("opt/many").join(name)).unwrap().ino();
    assert_eq!(inode("699/69999"), inode("last"));
    assert!(inode("699/69998") != inode("last"));
}

#[test]
fn a_file_of_more_than_four_gibibytes_fits() {
    let scratch = tempfile::tempdir().unwrap();
    let size = (1 << 32) + 12_345;
    let source = scratch.path().join("large");
    fs_err::File::create(&source).unwrap().set_len(size).unwrap();
    let mut package = package("large");
    package.compression = Compression { algorithm: Algorithm::Zstd, level: 1 };
    let content = Content::File { path: Arc::new(source), size };
    package.entries = sorted(vec![
        directory("/opt/app"),
        entry("/opt/app/large", 0o644, EntryKind::File(content)),
        file("/opt/app/after", "small"),
        hardlink("/opt/app/zuletzt", "/opt/app/after"),
        symlink("/opt/app/link", "after"),
    ]);
    let (_directory, path) = build(&package);
    check_digests(&path);
    assert_eq!(query_format(&path, "%{LONGSIZE} [%{LONGFILESIZES} ]"), format!("{} 0 5 {size} 5 5 ", size + 5 + 5));
    assert!(query(&path, &["--requires"]).contains("rpmlib(LargeFiles) <= 4.12.0-1\n"));
    let root = Root::new();
    root.install(&path, &["--excludepath", "/opt/app/large"]);
    assert_eq!(fs_err::read_to_string(root.path().join("opt/app/zuletzt")).unwrap(), "small");
    // It lies behind the large file.
    let target = fs_err::read_link(root.path().join("opt/app/link")).unwrap();
    assert_eq!(target.to_str(), Some("after"));

    package.format_version = RPM_4_11;
    package.compression.algorithm = Algorithm::Gzip;
    let error = try_build(&package, scratch.path()).unwrap_err();
    assert!(matches!(&error, Error::Feature { feature: "LargeFiles", user, .. } if user.contains("large")), "{error}");
}

/// Runs in a child process, which packs a payload of that many MiB and prints its peak memory.
const PAYLOAD: &str = "OMNIPACK_TEST_PAYLOAD_MIB";

#[test]
fn peak_memory_does_not_depend_on_the_payload() {
    if let Ok(mebibytes) = std::env::var(PAYLOAD) {
        pack_mebibytes(mebibytes.parse().unwrap());
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
    // Both are large enough to fill every buffer on the way.
    let (small, large) = (peak(120), peak(480));
    assert!(large < 150 << 20, "{large} bytes");
    assert!(large < small + (30 << 20), "{small} bytes for 120 MiB, {large} for 480 MiB");
}

/// Files of 1 MiB, and one of a third of the payload.
fn pack_mebibytes(count: u32) {
    let scratch = tempfile::tempdir().unwrap();
    let mut package = package("memory");
    let mut add = |index: u32, mebibytes: u32| {
        let path = scratch.path().join(index.to_string());
        let mut out = fs_err::File::create(&path).unwrap();
        for part in 0..mebibytes {
            std::io::Write::write_all(&mut out, &noise(index * 1000 + part, 1 << 20)).unwrap();
        }
        let content = Content::File { path: Arc::new(path), size: u64::from(mebibytes) << 20 };
        package.entries.push(entry(&format!("/opt/{index:04}"), 0o644, EntryKind::File(content)));
    };
    for index in 0..count * 2 / 3 {
        add(index, 1);
    }
    add(9999, count / 3);
    build(&package);
}

#[test]
fn old_rpms_get_only_what_they_know() {
    let mut package = compressed("old", COMPRESSIONS[1]);
    package.architecture = Architecture::Native("x86_64".to_owned());
    package.relations = vec![
        relation(RelationKind::Requires, "python(abi)", Some((Comparison::Equal, "2.6"))),
        relation(RelationKind::Recommends, "logrotate", None),
    ];
    for version in [RPM_4_8, RPM_4_11] {
        package.format_version = version;
        let (_directory, path) = build(&package);
        let requires = query(&path, &["--requires"]);
        let features: Vec<&str> = requires.lines().filter(|line| line.starts_with("rpmlib(")).collect();
        let known = [
            "rpmlib(CompressedFileNames) <= 3.0.4-1",
            "rpmlib(FileCaps) <= 4.6.1-1",
            "rpmlib(FileDigests) <= 4.6.0-1",
            "rpmlib(PartialHardlinkSets) <= 4.0.4-1",
            "rpmlib(PayloadFilesHavePrefix) <= 4.0-1",
            "rpmlib(PayloadIsXz) <= 5.2-1",
        ];
        assert_eq!(features, known);
        assert_eq!(query(&path, &["--recommends"]), "", "weak relations are unknown to rpm {version}");
        // These check the header by SHA-1, and files by SHA-256.
        let format = "%{SHA1HEADER:shescape} %{SIGMD5} %{FILEDIGESTALGO} %{PAYLOADCOMPRESSOR} %{FILENAMES}";
        let tags = query_format(&path, format);
        assert!(tags.starts_with('\'') && tags.ends_with("(none) 8 xz /etc/app.conf"), "{tags}");
    }
}

/// Names an rpm 4.8 or 4.11 (it builds from rpm's source in a minute; no distribution has it any more). With it, the
/// packages are installed for real; without, this test is what [`old_rpms_get_only_what_they_know`] asserts.
const OLD_RPM: &str = "OMNIPACK_TEST_OLD_RPM";

#[test]
fn an_old_rpm_installs_verifies_and_removes() {
    for compression in [COMPRESSIONS[0], COMPRESSIONS[1]] {
        let mut package = compressed("old", compression);
        package.format_version = RPM_4_11;
        package.rpm.prefixes = vec!["/opt/app".to_owned()];
        let (_directory, path) = build(&package);
        check_digests(&path);
        let root = Root::with_rpm(std::env::var_os(OLD_RPM));
        root.install(&path, &[]);
        root.verify("old");
        let inode = |name: &str| fs_err::metadata(root.path().join("opt/app").join(name)).unwrap().ino();
        assert_eq!((inode("bin/also"), inode("bin/zuletzt")), (inode("bin/run"), inode("bin/run")));
        assert_eq!(fs_err::read_link(root.path().join("opt/app/link")).unwrap().to_str(), Some("bin/run"));
        assert_removes_all(&root, "old");
    }
}

#[test]
fn what_the_target_does_not_know_stops_the_build() {
    type Change = fn(&mut Package);
    let cases: [(&str, ToolVersion, Change); 5] = [
        ("PayloadIsZstd", RPM_4_11, |package| package.compression.algorithm = Algorithm::Zstd),
        ("RichDependencies", RPM_4_11, |package| {
            package.relations = vec![relation(RelationKind::Requires, "(a or b)", None)];
        }),
        ("TildeInVersions", RPM_4_8, |package| package.evr.version = "1~rc1".to_owned()),
        ("TildeInVersions", RPM_4_8, |package| {
            package.relations = vec![relation(RelationKind::Conflicts, "a", Some((Comparison::Less, "2~")))];
        }),
        ("CaretInVersions", RPM_4_11, |package| package.evr.version = "1^git1".to_owned()),
    ];
    for (expected, version, change) in cases {
        let mut package = compressed("unknown", COMPRESSIONS[0]);
        package.format_version = version;
        change(&mut package);
        let directory = tempfile::tempdir().unwrap();
        let error = try_build(&package, directory.path()).unwrap_err();
        assert!(matches!(&error, Error::Feature { feature, .. } if *feature == expected), "{error}");
        assert!(miette::Diagnostic::help(&error).is_some());
        assert_eq!(fs_err::read_dir(directory.path()).unwrap().count(), 0, "something is left behind");
    }
}

#[test]
fn bad_fields_are_named() {
    type Change = fn(&mut Package);
    let cases: [(&str, Change); 11] = [
        ("version", |package| package.evr.version = "1-2".to_owned()),
        ("name", |package| package.name = "../x".to_owned()),
        ("architecture", |package| package.architecture = Architecture::Native("../x".to_owned())),
        ("architecture `x86_64` is excluded", |package| {
            package.architecture = Architecture::Native("x86_64".to_owned());
            package.rpm.exclusive_arch = vec!["aarch64".to_owned()];
        }),
        ("exclude-os", |package| package.rpm.exclude_os = vec!["linux".to_owned()]),
        ("relation", |package| package.relations = vec![relation(RelationKind::Requires, "a b", None)]),
        ("trigger on", |package| {
            package.triggers = vec![Trigger {
                on: "a ~ b".to_owned(),
                when: TriggerWhen::In,
                script: String::new(),
                interpreter: "/bin/sh".to_owned(),
                package: None,
            }];
        }),
        ("path", |package| package.entries.push(file("/opt/app/line\nbreak", ""))),
        ("capabilities", |package| {
            package.entries.push(flagged(file("/z", ""), |flags| flags.capabilities = Some("cap_fly=ep".into())));
        }),
        ("prefix", |package| package.rpm.prefixes = vec!["opt".to_owned()]),
        ("hard link", |package| package.entries.push(hardlink("/z", "/opt/app/link"))),
    ];
    for (field, change) in cases {
        let mut package = compressed("bad", COMPRESSIONS[0]);
        change(&mut package);
        package.entries = sorted(package.entries);
        let directory = tempfile::tempdir().unwrap();
        let error = try_build(&package, directory.path()).unwrap_err();
        assert!(error.to_string().contains(field), "{field}: {error}");
        assert_eq!(fs_err::read_dir(directory.path()).unwrap().count(), 0, "something is left behind");
    }
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let error = try_build(&package("nowhere"), &directory.path().join("missing")).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
}

#[test]
fn a_second_build_replaces_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let first = try_build(&package("twice"), directory.path()).unwrap();
    let before = fs_err::read(&first).unwrap();
    fs_err::write(&first, "an older one").unwrap();
    assert_eq!(try_build(&package("twice"), directory.path()).unwrap(), first);
    assert!(fs_err::read(&first).unwrap() == before);
    assert_eq!(fs_err::read_dir(directory.path()).unwrap().count(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_file_name_installs_and_verifies(names in proptest::collection::btree_set(hostile_name(), 1..20)) {
        let mut package = package("hostile");
        package.entries = vec![directory("/opt/app")];
        package.entries.extend(names.iter().map(|name| file(&format!("/opt/app/{name}"), name)));
        package.entries = sorted(package.entries);
        let (_directory, path) = build(&package);
        let listed = query_format(&path, "[%{FILENAMES}\n]");
        let listed: Vec<&str> = listed.lines().collect();
        let ours: Vec<&str> = package.entries.iter().map(|entry| entry.path.as_str()).collect();
        prop_assert_eq!(listed, ours);
        let root = Root::new();
        root.install(&path, &[]);
        root.verify("hostile");
        for name in &names {
            let content = fs_err::read_to_string(root.path().join("opt/app").join(name)).unwrap();
            prop_assert_eq!(&content, name);
        }
    }

    #[test]
    fn any_text_of_the_user_is_only_text(text in "(\\PC|\n|%|\\\\|\"|\r|\t|\u{1b}){0,60}") {
        let mut package = package("texts");
        package.summary = text.clone();
        package.description.clone_from(&text);
        package.vendor.clone_from(&text);
        let (_directory, path) = build(&package);
        check_digests(&path);
        let line = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
        let line = line.collect::<Vec<_>>().join(" ");
        prop_assert_eq!(query_format(&path, "%{SUMMARY}"), line);
        let description = query_format(&path, "%{DESCRIPTION}");
        let steers = description.contains(|c: char| c.is_control() && c != '\n' && c != '\t');
        prop_assert!(!steers);
    }
}
