//! What is read from RPMs, held against what rpm reads from them, and how it is shown.

mod rpm_support;

use std::path::{Path, PathBuf};

use omnipack::cli::inspect::render;
use omnipack::exec::Command;
use omnipack::format::Error;
use omnipack::format::inspection::FileKind;
use omnipack::format::rpm::read;
use omnipack::package::ChangelogEntry;
use omnipack::plan::{Comparison, RelationKind};
use omnipack::project::{ConfigFile, ScriptletKind, Trigger, TriggerWhen};
use omnipack::service::Scriptlet;
use proptest::prelude::*;
use rpm_support::*;

const SPEC: &str = r#"
Name: foreign
Epoch: 7
Version: 2.0
Release: 4
Summary: Made by rpmbuild
License: MIT
BuildArch: noarch
Requires(pre): shadow-utils >= 2:4
Requires: (a or b)
Recommends: c
%description
Text
%install
mkdir -p %{buildroot}/opt/foreign
printf 12345 > %{buildroot}/opt/foreign/five
ln -s five %{buildroot}/opt/foreign/link
%pre
echo pre
%post -p /sbin/ldconfig
%triggerin -- nginx >= 1.20
echo in
%filetriggerin -- /usr/lib /usr/share
echo file
%files
%dir /opt/foreign
%config(noreplace) /opt/foreign/five
/opt/foreign/link
%changelog
* Mon Jan 01 2024 A <a@b.c> - 2.0-4
- made
"#;

fn rpmbuild(directory: &Path, payload: &str) -> PathBuf {
    let spec = directory.join("foreign.spec");
    fs_err::write(&spec, SPEC).unwrap();
    Command::new("rpmbuild")
        .args(["-bb", "--define", &format!("_topdir {}", directory.display())])
        .args(["--define", &format!("_binary_payload {payload}")])
        .arg(&spec)
        .run_checked()
        .unwrap();
    directory.join("RPMS/noarch/foreign-2.0-4.noarch.rpm")
}

#[test]
fn foreign_packages_with_any_payload_are_read() {
    for payload in ["w6.gzdio", "w2.xzdio", "w3.zstdio", "w9.bzdio", "w2.lzdio", "w.ufdio"] {
        let directory = tempfile::tempdir().unwrap();
        let path = rpmbuild(directory.path(), payload);
        let package = read(&path).unwrap();
        assert_eq!((package.name.as_str(), package.epoch, package.release.as_str()), ("foreign", 7, "4"));
        let requires = query(&path, &["--requires"]);
        let mut theirs: Vec<&str> = requires.lines().collect();
        theirs.dedup();
        assert_eq!(package.relations.requires, theirs, "{payload}");
        assert_eq!(package.relations.recommends, ["c"]);

        let kinds: Vec<(&str, &str)> =
            package.scriptlets.iter().map(|script| (script.kind, script.text.as_str())).collect();
        assert_eq!(kinds, [("pre", "echo pre"), ("post", "")]);
        assert_eq!(package.scriptlets[1].interpreter, ["/sbin/ldconfig"]);
        assert_eq!(package.triggers[0].conditions, ["in nginx >= 1.20"]);
        assert_eq!(package.triggers[1].conditions, ["in /usr/lib", "in /usr/share"]);

        let paths: Vec<&str> = package.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["/opt/foreign", "/opt/foreign/five", "/opt/foreign/link"]);
        let five = &package.files[1];
        assert_eq!((five.size, five.kind, five.mode.as_str()), (5, FileKind::File, "0644"));
        assert_eq!(five.flags, ["config", "noreplace"]);
        assert_eq!(package.files[2].link_target.as_deref(), Some("five"));
        assert_eq!(package.changelog[0].text, "- made");
        serde_json::to_string(&package).unwrap();
    }
}

fn virtualenv() -> omnipack::package::Package {
    let mut package = package("shown");
    package.evr.epoch = 1;
    package.description = "First line\n\tsecond".to_owned();
    let site = "/opt/shown/lib/python3.9/site-packages";
    let mut entries = vec![
        directory("/opt/shown"),
        directory("/opt/shown/bin"),
        symlink("/opt/shown/bin/python", "/usr/bin/python3.9"),
        file("/opt/shown/bin/shown", "#!/bin/sh\n"),
        flagged(file("/etc/shown/app.conf", "a"), |flags| flags.config = ConfigFile::Noreplace),
        file(&format!("{site}/flask/__init__.py"), vec![b'#'; 2048]),
        file(&format!("{site}/flask/app.py"), vec![b'#'; 1024]),
        file(&format!("{site}/Flask-2.0.3.dist-info/METADATA"), vec![b'#'; 1024]),
        file(&format!("{site}/PyYAML-6.0.dist-info/RECORD"), "x"),
        file(&format!("{site}/yaml/__init__.py"), "yy"),
        file(&format!("{site}/six.py"), "zzz"),
        file(&format!("{site}/six-1.16.0.dist-info/RECORD"), "x"),
    ];
    entries.extend((0..50).map(|index| file(&format!("/usr/share/many/{index:02}"), "12")));
    package.entries = sorted(entries);
    package.relations = vec![
        relation(RelationKind::Requires, "python(abi)", Some((Comparison::Equal, "3.9"))),
        relation(RelationKind::Recommends, "logrotate", None),
    ];
    let text = "exit 0".to_owned();
    package.scriptlets.insert(ScriptletKind::Post, Scriptlet { interpreter: vec!["/bin/sh".to_owned()], text });
    package.triggers = vec![Trigger {
        on: "nginx".to_owned(),
        when: TriggerWhen::Un,
        script: "echo un".to_owned(),
        interpreter: "/bin/sh".to_owned(),
        package: None,
    }];
    package.changelog =
        vec![ChangelogEntry { date: DATE, author: "A <a@b.c> - 1.2-3".to_owned(), text: "- made".to_owned() }];
    package
}

const SHOWN: &str = "\
shown-1:1.2-3.noarch
  Summary    A test
  License    MIT
  URL        https://example.org/
  Vendor     Example
  Packager   A Person <a@example.org>
  Group      Applications/System
  Source     shown-1.2-3.src.rpm
  Size       SIZE packed (zstd), 4.1 KiB installed

Description
  First line
      second

Requires
  /bin/sh
  config(shown) = 1:1.2-3
  python(abi) = 3.9
  rpmlib(CompressedFileNames) <= 3.0.4-1
  rpmlib(FileDigests) <= 4.6.0-1
  rpmlib(PayloadFilesHavePrefix) <= 4.0-1
  rpmlib(PayloadIsZstd) <= 5.4.18-1

Recommends
  logrotate

Provides
  config(shown) = 1:1.2-3
  shown = 1:1.2-3

Scriptlet post (/bin/sh)
  exit 0

Trigger on package un nginx (/bin/sh)
  echo un

Files (60, 4.1 KiB)
  etc/shown/  1 B
    app.conf  1 B  [config, noreplace]
  opt/shown/  4.0 KiB
    bin/  28 B
      python -> /usr/bin/python3.9
      shown  10 B
    lib/python3.9/site-packages/  4.0 KiB
      Flask 2.0.3  4.0 KiB, 3 files
      PyYAML 6.0  1 B, 1 file
      six 1.16.0  4 B, 2 files
      yaml  2 B, 1 file
  usr/share/many/  100 B, 50 files
";

#[test]
fn a_package_is_shown() {
    let (_directory, path) = build(&virtualenv());
    let text = render(&read(&path).unwrap());
    let size = text.lines().find_map(|line| line.strip_prefix("  Size       ")).unwrap();
    let size = size.split(" packed").next().unwrap();
    assert_eq!(text, SHOWN.replace("SIZE", size));
}

#[test]
fn what_a_package_says_cannot_steer_the_terminal() {
    let (_directory, path) = build(&virtualenv());
    let mut package = read(&path).unwrap();
    let evil = "\u{1b}]0;owned\u{7}\r\u{202e}\u{9b}2J\n";
    for text in [&mut package.name, &mut package.summary, &mut package.description, &mut package.compression] {
        text.push_str(evil);
    }
    package.relations.requires.push(evil.to_owned());
    package.scriptlets[0].text.push_str(evil);
    package.scriptlets[0].interpreter.push(evil.to_owned());
    package.triggers[0].conditions.push(evil.to_owned());
    for file in &mut package.files {
        file.path.push_str(evil);
        file.owner.push_str(evil);
        file.link_target = file.link_target.as_ref().map(|target| format!("{target}{evil}"));
        file.capabilities = Some(evil.to_owned());
    }
    let text = render(&package);
    let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert_eq!(text.find(steers).map(|at| &text[at.saturating_sub(40)..at]), None);
    assert!(text.contains("\\u{1b}]0;owned"));
}

#[test]
fn what_is_no_rpm_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("not.rpm");
    let (_directory, whole) = build(&virtualenv());
    let whole = fs_err::read(whole).unwrap();
    let mut oversized = whole.clone();
    oversized[96 + 8..96 + 12].copy_from_slice(&[0x7f; 4]);
    for bytes in [&b""[..], b"hello", &whole[..50], &whole[..200], &whole[..6000], &[0; 5000], &oversized] {
        fs_err::write(&path, bytes).unwrap();
        let error = read(&path).unwrap_err();
        assert!(matches!(error, Error::Read { .. }) && error.to_string().contains("not.rpm"), "{error}");
    }
    assert!(read(&directory.path().join("missing.rpm")).unwrap_err().to_string().contains("missing.rpm"));
}

/// Deeper than any stack when it is shown as a tree, and named so often that no memory holds it.
#[test]
fn paths_that_no_system_has_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deep.rpm");
    let deep = "/a".repeat(200_000);
    let mut builder = rpm::PackageBuilder::new("deep", "1", "MIT", "noarch", "Deep");
    for name in ["one", "two"] {
        builder.with_ghost(rpm::FileOptions::ghost(format!("{deep}/{name}"))).unwrap();
    }
    builder.build().unwrap().write_file(&path).unwrap();
    let error = read(&path).unwrap_err();
    assert!(error.to_string().contains("deep.rpm"), "{error}");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("longer than Linux allows"), "{source}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damage_is_an_error_or_harmless(damage in proptest::collection::vec((0_usize..9000, any::<u8>()), 1..6)) {
        thread_local! {
            static WHOLE: Vec<u8> = {
                let (_directory, path) = build(&virtualenv());
                fs_err::read(path).unwrap()
            };
        }
        let mut bytes = WHOLE.with(Clone::clone);
        for (at, byte) in damage {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("damaged.rpm");
        fs_err::write(&path, &bytes).unwrap();
        if let Ok(package) = read(&path) {
            assert!(!render(&package).is_empty());
        }
    }
}
