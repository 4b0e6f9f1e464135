//! What is read from Debian packages, held against what dpkg reads from them.

mod rpm_support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use omnipack::cli::inspect::render;
use omnipack::distribution::{PackageFormat, ToolVersion};
use omnipack::exec::Command;
use omnipack::format::inspection::{FileKind, Inspection, PackagedFile};
use omnipack::format::{Error, read};
use omnipack::project::ConfigFile;
use proptest::prelude::*;
use rpm_support::{directory, file, flagged, hardlink, package, sorted, symlink, try_build};

const CONTROL: &str = "\
Package: foreign
Version: 7:2.0-rc1-4
Architecture: all
Maintainer: A Person <a@example.org>
Installed-Size: 12
Section: admin
Priority: optional
Homepage: https://example.org/
Multi-Arch: foreign
Pre-Depends: dpkg (>= 1.17)
Depends: libc6 (>= 2.36), python3:any | python3.11,
 adduser
Recommends: c
Breaks: old (<< 2)
Replaces: old (<< 2)
Description: Made by dpkg-deb
 Text
 .
 of two paragraphs
";

fn dpkg_deb(arguments: &[&str], path: &Path) -> String {
    Command::new("dpkg-deb").args(arguments).arg(path).env("LC_ALL", "C.UTF-8").run_checked().unwrap().stdout_text()
}

/// A tree that dpkg-deb makes a package of.
fn foreign_tree(root: &Path) {
    let write = |name: &str, text: &str| {
        let path = root.join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    };
    write("DEBIAN/control", CONTROL);
    write("DEBIAN/postinst", "#!/bin/sh -e\necho post\n");
    write("DEBIAN/prerm", "#!/bin/sh\nexit 0\n");
    write("DEBIAN/conffiles", "/etc/foreign.conf\nremove-on-upgrade /etc/former.conf\n");
    write("DEBIAN/triggers", "# noise\ninterest-noawait /usr/lib/foreign\nactivate-noawait ldconfig\n");
    write("DEBIAN/md5sums", "0cc175b9c0f1b6a831c399e269772661  opt/five\n00  opt/gone\n");
    write("etc/foreign.conf", "a = 1\n");
    write("opt/five", "12345");
    write("opt/s p a c e/ä", "");
    write("opt/\u{1b}[2J", "evil");
    write(&format!("opt/{}/{}", "long".repeat(40), "name".repeat(30)), "x");
    write(
        "usr/share/doc/foreign/copyright",
        "Format: https://example.org/1.0/\n\nFiles: *\nCopyright: me\nLicense: MIT\n text\n\nLicense: GPL-2+\n text\n\nLicense: MIT\n text\n",
    );
    write(
        "usr/share/doc/foreign/changelog",
        "foreign (7:2.0-rc1-4) unstable; urgency=low\n\n  * Made.\n\n -- A <a@b.c>  Tue, 02 Jan 2024 03:04:05 +0000\n",
    );
    write("opt/lib/python3.11/site-packages/Flask-2.0.3.dist-info/METADATA", "x");
    std::os::unix::fs::symlink("five", root.join("opt/link")).unwrap();
    std::os::unix::fs::symlink("x".repeat(150), root.join("opt/long-link")).unwrap();
    fs_err::hard_link(root.join("opt/five"), root.join("opt/hard")).unwrap();
    for script in ["DEBIAN/postinst", "DEBIAN/prerm", "opt/five"] {
        use std::os::unix::fs::PermissionsExt;
        fs_err::set_permissions(
            root.join(script),
            std::fs::Permissions::from_mode(if script == "opt/five" { 0o4755 } else { 0o755 }),
        )
        .unwrap();
    }
}

fn foreign(directory: &Path, options: &[&str]) -> PathBuf {
    let root = directory.join("root");
    foreign_tree(&root);
    let path = directory.join("foreign.deb");
    let command = Command::new("dpkg-deb").args(["--root-owner-group", "--nocheck"]).args(options).arg("--build");
    command.arg(&root).arg(&path).run_checked().unwrap();
    path
}

/// Lines of `dpkg-deb -c`, put together from what was read; the root, which only dpkg-deb lists, has none.
fn listing(package: &Inspection) -> BTreeMap<String, String> {
    let line = |file: &PackagedFile| {
        let mode = u32::from_str_radix(&file.mode, 8).unwrap();
        let target = file.link_target.as_ref().map_or(String::new(), |target| format!(" -> {target}"));
        let size = if file.kind == FileKind::File { file.size } else { 0 };
        (file.path.clone(), format!("{}{:04o} {}/{} {size}{target}", kind(file.kind), mode, file.owner, file.group))
    };
    package.files.iter().map(line).collect()
}

fn kind(kind: FileKind) -> char {
    match kind {
        FileKind::Directory => 'd',
        FileKind::File => '-',
        FileKind::Symlink => 'l',
        FileKind::Special => 'c',
    }
}

/// The same from Python's tarfile over `dpkg-deb --fsys-tarfile`, with the SHA-256 of each file after it.
const REFERENCE: &str = r#"
import hashlib, json, sys, tarfile
found = {}
with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as tar:
    digests = {}
    for member in tar:
        path = "/" + member.name.removeprefix("./").removeprefix(".").strip("/")
        if path == "/":
            continue
        digest, size = None, 0
        if member.isreg():
            digest, size = hashlib.sha256(tar.extractfile(member).read()).hexdigest(), member.size
        head = "d" if member.isdir() else "l" if member.issym() else "-" if member.isreg() or member.islnk() else "c"
        if member.islnk():
            digest, size = digests["/" + member.linkname.removeprefix("./").strip("/")]
        digests[path] = (digest, size)
        target = f" -> {member.linkname}" if member.issym() else ""
        line = f"{head}{member.mode:04o} {member.uname or member.uid}/{member.gname or member.gid} {size}{target}"
        found[path] = [line, digest]
json.dump(found, sys.stdout)
"#;

fn assert_same_as_dpkg(path: &Path, package: &Inspection) {
    let script = format!("dpkg-deb --fsys-tarfile \"$1\" | python3 -c '{REFERENCE}'");
    let json = Command::new("sh").args(["-c", &script, "sh"]).arg(path).run_checked().unwrap().stdout_text();
    let theirs: BTreeMap<String, (String, Option<String>)> = serde_json::from_str(&json).unwrap();
    let lines: BTreeMap<String, String> = theirs.iter().map(|(path, (line, _))| (path.clone(), line.clone())).collect();
    assert_eq!(listing(package), lines, "{}", path.display());
    for file in &package.files {
        assert_eq!(file.digest, theirs[&file.path].1, "{} {}", path.display(), file.path);
    }
    let epoch = if package.epoch == 0 { String::new() } else { format!("{}:", package.epoch) };
    let release = if package.release.is_empty() { String::new() } else { format!("-{}", package.release) };
    assert_eq!(format!("{epoch}{}{release}", package.version), field_of(path, "Version"));
    for (ours, name) in [
        (&package.name, "Package"),
        (&package.architecture, "Architecture"),
        (&package.maintainer, "Maintainer"),
        (&package.section, "Section"),
        (&package.priority, "Priority"),
        (&package.url, "Homepage"),
        (&package.source, "Source"),
    ] {
        assert_eq!(*ours, field_of(path, name), "{name} of {}", path.display());
    }
    let relations = [
        (&package.relations.requires, "Depends"),
        (&package.relations.requires_pre, "Pre-Depends"),
        (&package.relations.recommends, "Recommends"),
        (&package.relations.suggests, "Suggests"),
        (&package.relations.conflicts, "Conflicts"),
        (&package.relations.breaks, "Breaks"),
        (&package.relations.replaces, "Replaces"),
        (&package.relations.provides, "Provides"),
        (&package.relations.enhances, "Enhances"),
    ];
    for (ours, name) in relations {
        let theirs = field_of(path, name).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(ours.join(", "), theirs.trim_end_matches(','), "{name} of {}", path.display());
    }
    for (script, name) in [("pre", "preinst"), ("post", "postinst"), ("preun", "prerm"), ("postun", "postrm")] {
        let Some(ours) = package.scriptlets.iter().find(|one| one.kind == script) else {
            assert!(!dpkg_deb(&["--info"], path).contains(name), "{name} of {}", path.display());
            continue;
        };
        let info = Command::new("dpkg-deb").arg("--info").arg(path).arg(name).run_checked().unwrap().stdout_text();
        let theirs = info.split_once('\n').unwrap();
        assert_eq!(ours.text, theirs.1, "{name} of {}", path.display());
        assert!(theirs.0.trim_end().ends_with(&ours.interpreter.join(" ")), "{}", theirs.0);
    }
}

fn field_of(path: &Path, name: &str) -> String {
    let output = Command::new("dpkg-deb").arg("-f").arg(path).arg(name).run_checked().unwrap();
    output.stdout_text().trim_end().to_owned()
}

#[test]
fn foreign_packages_with_any_compression_are_read() {
    for (option, name) in [("-Zgzip", "gzip"), ("-Zxz", "xz"), ("-Zzstd", "zstd"), ("-Znone", "")] {
        for uniform in ["--uniform-compression", "--no-uniform-compression"] {
            let directory = tempfile::tempdir().unwrap();
            let path = foreign(directory.path(), &[option, uniform]);
            let package = read(&path).unwrap();
            assert_same_as_dpkg(&path, &package);
            assert_eq!((package.format, package.compression.as_str()), (PackageFormat::Deb, name));
            assert_eq!((package.epoch, package.version.as_str(), package.release.as_str()), (7, "2.0-rc1", "4"));
            assert_eq!(package.description, "Text\n\nof two paragraphs");
            assert_eq!(package.installed_size, 12 * 1024);
            assert_eq!(package.fields, BTreeMap::from([("Multi-Arch".to_owned(), "foreign".to_owned())]));
            assert_eq!(package.relations.requires, ["libc6 (>= 2.36)", "python3:any | python3.11", "adduser"]);
            assert_eq!(package.license, "MIT, GPL-2+");
            assert_eq!((package.changelog[0].date, package.changelog[0].text.as_str()), (1_704_164_645, "* Made."));
            let triggers: Vec<String> =
                package.triggers.iter().map(|one| format!("{} {}", one.kind, one.conditions[0])).collect();
            assert_eq!(triggers, ["interest-noawait /usr/lib/foreign", "activate-noawait ldconfig"]);
            let flagged: Vec<&str> =
                package.files.iter().filter(|file| !file.flags.is_empty()).map(|file| file.path.as_str()).collect();
            assert_eq!(flagged, ["/etc/foreign.conf"]);
            let sums = package.md5sums.as_ref().unwrap();
            assert_eq!(
                (&sums.wrong[..], &sums.missing[..]),
                (&["/opt/five".to_owned()][..], &["/opt/gone".to_owned()][..])
            );
            assert_eq!((sums.listed, sums.unlisted), (2, 7));
            assert_eq!(package.python_distributions[0].name, "Flask");
            let text = render(&package);
            assert!(text.contains("/opt/five has another content than `md5sums`"), "{text}");
            assert!(text.contains("\\u{1b}[2J") && !text.contains('\u{1b}'), "{text}");
            serde_json::to_string(&package).unwrap();
        }
    }
}

/// What dpkg-deb of today does not write, but has written once or reads.
#[test]
fn old_forms_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let new = foreign(directory.path(), &["-Znone", "--uniform-compression"]);
    let members = directory.path().join("members");
    fs_err::create_dir_all(&members).unwrap();
    let sh = |script: &str| Command::new("sh").args(["-ec", script]).dir(&members).run_checked().unwrap();
    Command::new("ar").arg("x").arg(&new).dir(&members).run_checked().unwrap();
    sh("bzip2 -k data.tar; xz -k --format=lzma data.tar; gzip -k control.tar; xz -k control.tar; echo x > _extra");
    let expected = read(&new).unwrap();
    for (names, compression) in [
        ("debian-binary control.tar.gz data.tar.bz2", "bzip2"),
        ("debian-binary control.tar.gz data.tar.lzma", "lzma"),
        ("debian-binary _extra control.tar data.tar", ""),
        ("debian-binary control.tar.xz data.tar _extra", ""),
    ] {
        sh(&format!("rm -f ../old.deb; ar rcS ../old.deb {names}"));
        let mut package = read(&directory.path().join("old.deb")).unwrap();
        assert_eq!(package.compression, compression);
        (package.size, package.compression) = (expected.size, String::new());
        assert_eq!(package, expected, "{names}");
    }
    for (names, says) in [
        ("control.tar debian-binary data.tar", "not `debian-binary`"),
        ("debian-binary data.tar control.tar", "`data.tar` lies where `control.tar` should be"),
        ("debian-binary control.tar", "ends before `data.tar`"),
    ] {
        sh(&format!("rm -f ../old.deb; ar rcS ../old.deb {names}"));
        let error = read(&directory.path().join("old.deb")).unwrap_err();
        assert!(error.to_string().contains("old.deb") && error.to_string().contains(says), "{error}");
    }
    sh("rm -f ../old.deb; cp data.tar data.tar.Z; ar rcS ../old.deb debian-binary control.tar data.tar.Z");
    let error = read(&directory.path().join("old.deb")).unwrap_err();
    assert!(error.to_string().contains("compressed in a way that is not known"), "{error}");
}

/// Packages of this machine's distribution, with everything that debhelper makes.
#[test]
fn packages_of_the_archive_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let names = ["base-files", "coreutils", "python3-minimal", "apache2-bin", "libc6"];
    let download = Command::new("apt-get").args(["download", "-o", "APT::Sandbox::User=root"]).args(names);
    download.dir(directory.path()).run_checked().unwrap();
    let mut count = 0;
    for entry in fs_err::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        let package = read(&path).unwrap();
        assert_same_as_dpkg(&path, &package);
        let sums = package.md5sums.as_ref().unwrap();
        assert_eq!((sums.wrong.len(), sums.missing.len(), sums.unlisted), (0, 0, 0), "{}", path.display());
        assert!(render(&package).starts_with(&format!("{} ", package.name)));
        count += 1;
    }
    assert_eq!(count, names.len());
}

fn own() -> omnipack::package::Package {
    let mut package = package("shown");
    package.format = PackageFormat::Deb;
    package.format_version = ToolVersion { major: 1, minor: 22, patch: 0 };
    let site = "/opt/shown/lib/python3.11/site-packages";
    package.entries = sorted(vec![
        directory("/opt/shown"),
        file("/opt/shown/one", "1"),
        hardlink("/opt/shown/two", "/opt/shown/one"),
        symlink("/opt/shown/bin", "/usr/bin"),
        flagged(file("/etc/shown/app.conf", "a"), |flags| flags.config = ConfigFile::Noreplace),
        file(&format!("{site}/Flask-2.0.3.dist-info/METADATA"), vec![b'#'; 1024]),
    ]);
    package
}

#[test]
fn own_packages_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = try_build(&own(), directory.path()).unwrap();
    let package = read(&path).unwrap();
    assert_same_as_dpkg(&path, &package);
    assert_eq!(package.name, "shown");
    let sums = package.md5sums.as_ref().unwrap();
    assert_eq!((sums.wrong.len(), sums.missing.len(), sums.unlisted), (0, 0, 0));
    let text = render(&package);
    assert!(text.contains("app.conf  1 B  [config]") && text.contains("Flask 2.0.3"), "{text}");
}

#[test]
fn what_is_no_package_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let whole = fs_err::read(foreign(directory.path(), &["-Zxz"])).unwrap();
    let path = directory.path().join("not.deb");
    for bytes in [&b""[..], b"hello", b"!<arch>", &[0xed, 0xab]] {
        fs_err::write(&path, bytes).unwrap();
        let error = read(&path).unwrap_err();
        assert!(matches!(error, Error::NotAPackage { .. }) && error.to_string().contains("not.deb"), "{error}");
    }
    for end in [8, 50, 100, 500, whole.len() / 2, whole.len() - 8] {
        fs_err::write(&path, &whole[..end]).unwrap();
        let error = read(&path).unwrap_err();
        assert!(matches!(error, Error::ReadDeb { .. }) && error.to_string().contains("not.deb"), "{end}: {error}");
    }
    assert!(read(&directory.path().join("missing.deb")).unwrap_err().to_string().contains("missing.deb"));
}

/// A name of 256 MiB in a file of kilobytes: what GNU's long names allow.
#[test]
fn what_is_small_and_stands_for_much_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let script = r#"
import io, os, struct, sys, tarfile
def header(name, size, kind):
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)
with open("bomb.tar", "wb") as out:
    out.write(header("././@LongLink", 1 << 28, b"L"))
    for _ in range(256):
        out.write(b"a" * (1 << 20))
    out.write(header("x", 0, b"0") + bytes(1024))
"#;
    let tree = directory.path().join("root");
    fs_err::create_dir_all(tree.join("DEBIAN")).unwrap();
    fs_err::write(tree.join("DEBIAN/control"), CONTROL).unwrap();
    let sh = |script: &str| Command::new("sh").args(["-ec", script]).dir(directory.path()).run_checked().unwrap();
    Command::new("python3").args(["-c", script]).dir(directory.path()).run_checked().unwrap();
    sh("dpkg-deb -Znone --uniform-compression -b root small.deb; ar x small.deb; zstd -q --rm bomb.tar -o data.tar.zst
        ar rcS bomb.deb debian-binary control.tar data.tar.zst");
    let path = directory.path().join("bomb.deb");
    assert!(fs_err::metadata(&path).unwrap().len() < 200_000);
    let error = read(&path).unwrap_err();
    assert!(error.to_string().contains("longer than Linux allows"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damage_is_an_error_or_harmless(damage in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6)) {
        thread_local! {
            static WHOLE: Vec<u8> = {
                let directory = tempfile::tempdir().unwrap();
                fs_err::read(foreign(directory.path(), &["-Znone", "--uniform-compression"])).unwrap()
            };
        }
        let mut bytes = WHOLE.with(Clone::clone);
        for (at, byte) in damage {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("damaged.deb");
        fs_err::write(&path, &bytes).unwrap();
        if let Ok(package) = read(&path) {
            let text = render(&package);
            prop_assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
        }
    }
}
