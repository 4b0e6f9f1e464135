//! What `omnipack diff` finds between two packages.

mod rpm_support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use omnipack::cli::diff_text::{Detail, render};
use omnipack::distribution::{Algorithm, PackageFormat, ToolVersion};
use omnipack::exec::Command;
use omnipack::format::{Aspect, ChangeKind, Difference, Error, FileChange, compare};
use omnipack::package::{ChangelogEntry, Package};
use omnipack::plan::{Comparison, Compression, RelationKind};
use omnipack::project::{ConfigFile, ScriptletKind};
use omnipack::service::Scriptlet;
use omnipack::stage::{Content, Entry, EntryKind};
use rpm_support::{DATE, directory, entry, file, flagged, hardlink, package, relation, sorted, symlink, try_build};

const SITE: &str = "/opt/demo/lib/python3.11/site-packages";

/// One version of an application with Flask in it.
struct App {
    version: &'static str,
    flask: &'static str,
    code: &'static str,
    six: &'static str,
}

const OLD: App = App { version: "1.0", flask: "2.0.3", code: "old", six: "same" };
const NEW: App = App { version: "1.1", flask: "2.1.0", code: "new", six: "edited" };

fn entries(app: &App) -> Vec<Entry> {
    let App { flask, code, six, .. } = app;
    let info = format!("{SITE}/Flask-{flask}.dist-info");
    let record = format!("flask/__init__.py,sha256=x,1\n../../../bin/flask,,\nFlask-{flask}.dist-info/RECORD,,\n");
    let mut entries = vec![
        directory("/opt/demo"),
        file("/opt/demo/bin/flask", format!("run {flask}")),
        file(&format!("{SITE}/flask/__init__.py"), format!("# {code}")),
        file(&format!("{SITE}/flask/__pycache__/__init__.cpython-311.pyc"), format!("c {code}")),
        file(&format!("{SITE}/flask/same.py"), "same"),
        file(&format!("{info}/METADATA"), format!("Version: {flask}")),
        file(&format!("{info}/RECORD"), record),
        file(&format!("{SITE}/six.py"), *six),
        file(&format!("{SITE}/six-1.16.0.dist-info/METADATA"), "six"),
        flagged(file("/etc/demo.conf", format!("one\ntwo\nversion = {code}\n")), |flags| {
            flags.config = ConfigFile::Noreplace
        }),
        file("/usr/lib/systemd/system/demo.service", format!("[Service]\nExecStart=/opt/demo/bin/demo --{code}\n")),
    ];
    if *code == "old" {
        entries.push(symlink("/usr/bin/demo", "/opt/demo/bin/demo"));
        entries.push(file("/usr/share/demo/gone", "gone"));
    } else {
        entries.push(symlink("/usr/bin/demo", "/opt/demo/bin/demo2"));
        entries.push(file("/usr/share/demo/come", "come"));
        entries.push(file(&format!("{SITE}/click/__init__.py"), "click"));
        entries.push(file(&format!("{SITE}/click-8.1.3.dist-info/METADATA"), "click"));
    }
    let mut mode = file("/usr/share/demo/mode", "mode");
    mode.mode = if *code == "old" { 0o644 } else { 0o600 };
    entries.push(mode);
    sorted(entries)
}

fn app(app: &App, format: PackageFormat) -> Package {
    let mut package = package("demo");
    package.format = format;
    if format == PackageFormat::Deb {
        package.format_version = ToolVersion { major: 1, minor: 22, patch: 0 };
    }
    package.evr.version = app.version.to_owned();
    package.entries = entries(app);
    package.relations = vec![
        relation(
            RelationKind::Requires,
            "openssl",
            Some((Comparison::GreaterOrEqual, if app.code == "old" { "1.1" } else { "3.0" })),
        ),
        relation(RelationKind::Requires, if app.code == "old" { "former" } else { "later" }, None),
        relation(RelationKind::Recommends, "logrotate", None),
    ];
    let text = format!("set -e\necho one\necho {}\n", app.code);
    package.scriptlets =
        BTreeMap::from([(ScriptletKind::Post, Scriptlet { interpreter: vec!["/bin/sh".to_owned()], text })]);
    package.changelog = vec![ChangelogEntry {
        date: DATE,
        author: format!("A <a@b.c> - {}-3", app.version),
        text: format!("- Version {}", app.version),
    }];
    package
}

fn built(app_: &App, format: PackageFormat, directory: &Path) -> PathBuf {
    let place = directory.join(app_.code);
    fs_err::create_dir_all(&place).unwrap();
    try_build(&app(app_, format), &place).unwrap()
}

fn find<'a>(difference: &'a Difference, path: &str) -> &'a FileChange {
    difference.files.iter().find(|one| one.path == path).unwrap_or_else(|| panic!("{path} is not in the difference"))
}

fn check(difference: &Difference) {
    assert!(!difference.identical && difference.problems.is_empty());
    let flask = format!("{SITE}/flask/__init__.py");
    assert_eq!(find(difference, &flask).aspects, [Aspect::Content]);
    assert_eq!(find(difference, &flask).distribution.as_deref(), Some("flask"));
    let bytecode = find(difference, &format!("{SITE}/flask/__pycache__/__init__.cpython-311.pyc"));
    assert!(bytecode.follows && bytecode.distribution.as_deref() == Some("flask"));
    // Known from the RECORD alone.
    assert_eq!(find(difference, "/opt/demo/bin/flask").distribution.as_deref(), Some("flask"));
    let metadata = find(difference, &format!("{SITE}/Flask-2.1.0.dist-info/METADATA"));
    assert_eq!((metadata.change, metadata.follows), (ChangeKind::Changed, true));
    assert_eq!(metadata.old.as_ref().unwrap().path, format!("{SITE}/Flask-2.0.3.dist-info/METADATA"));
    let config = find(difference, "/etc/demo.conf").diff.as_deref().unwrap();
    assert!(config.contains("-version = old\n+version = new\n"), "{config}");
    assert_eq!(find(difference, "/usr/bin/demo").aspects, [Aspect::LinkTarget]);
    assert_eq!(find(difference, "/usr/share/demo/mode").aspects, [Aspect::Mode]);
    assert_eq!(find(difference, "/usr/share/demo/gone").change, ChangeKind::Removed);
    assert_eq!(find(difference, "/usr/share/demo/come").change, ChangeKind::Added);
    assert!(!difference.files.iter().any(|one| one.path.ends_with("same.py")));
    let versions: Vec<(&str, Option<&str>, Option<&str>)> = difference
        .python_distributions
        .iter()
        .map(|one| (one.name.as_str(), one.old.as_deref(), one.new.as_deref()))
        .collect();
    let expected = [
        ("click", None, Some("8.1.3")),
        ("Flask", Some("2.0.3"), Some("2.1.0")),
        ("six", Some("1.16.0"), Some("1.16.0")),
    ];
    assert_eq!(versions, expected);
}

#[test]
fn two_versions_of_an_rpm() {
    let place = tempfile::tempdir().unwrap();
    let (old, new) = (built(&OLD, PackageFormat::Rpm, place.path()), built(&NEW, PackageFormat::Rpm, place.path()));
    let difference = compare(&old, &new).unwrap();
    check(&difference);
    insta::assert_snapshot!("diff-rpm", shown(&difference, Detail::Short, place.path()));
    insta::assert_snapshot!("diff-rpm-all", shown(&difference, Detail::All, place.path()));
    let mut json = serde_json::to_value(&difference).unwrap();
    for side in ["old", "new"] {
        json[side]["path"] = "PATH".into();
        json[side]["size"] = 0.into();
    }
    insta::assert_snapshot!("diff-rpm-json", serde_json::to_string_pretty(&json).unwrap());
}

#[test]
fn two_versions_of_a_debian_package() {
    let place = tempfile::tempdir().unwrap();
    let (old, new) = (built(&OLD, PackageFormat::Deb, place.path()), built(&NEW, PackageFormat::Deb, place.path()));
    let difference = compare(&old, &new).unwrap();
    check(&difference);
    insta::assert_snapshot!("diff-deb", shown(&difference, Detail::Short, place.path()));
}

/// Paths and sizes of the package files say nothing.
fn shown(difference: &Difference, detail: Detail, place: &Path) -> String {
    let text = render(difference, detail, false).replace(&format!("{}/", place.display()), "");
    let lines = text.lines().filter(|line| !line.ends_with(" packed"));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn one_version_in_both_formats() {
    let place = tempfile::tempdir().unwrap();
    let (rpm, deb) = (built(&OLD, PackageFormat::Rpm, place.path()), built(&OLD, PackageFormat::Deb, place.path()));
    for (old, new) in [(&rpm, &deb), (&deb, &rpm)] {
        let difference = compare(old, new).unwrap();
        assert_eq!((difference.files.len(), difference.python_distributions.len()), (0, 0), "{:?}", difference.files);
        assert_eq!(difference.fields, [], "what both formats say is the same");
        assert!(difference.relations.iter().any(|one| one.name == "openssl"));
        assert!(!difference.relations.iter().any(|one| one.name.starts_with("rpmlib")));
    }
    // A real change of content is found between formats, too.
    let place = tempfile::tempdir().unwrap();
    check(&compare(&rpm, &built(&NEW, PackageFormat::Deb, place.path())).unwrap());
    check(&compare(&deb, &built(&NEW, PackageFormat::Rpm, place.path())).unwrap());
}

#[test]
fn the_same_says_so() {
    let place = tempfile::tempdir().unwrap();
    for format in [PackageFormat::Rpm, PackageFormat::Deb] {
        let path = built(&OLD, format, place.path());
        let copy = place.path().join("copy");
        fs_err::copy(&path, &copy).unwrap();
        let difference = compare(&path, &copy).unwrap();
        assert!(difference.identical && difference.is_empty());
        assert_eq!(render(&difference, Detail::Short, true), "The two files are the same, byte for byte.\n");
        // Another time and another compression: the same on every machine.
        let mut again = app(&OLD, format);
        again.compression = Compression { algorithm: Algorithm::Xz, level: 1 };
        again.source_date += 60;
        again.changelog = app(&OLD, format).changelog;
        let again = try_build(&again, &place.path().join("old")).unwrap();
        let difference = compare(&copy, &again).unwrap();
        let is_requirement = |name: &str| name.starts_with("rpmlib(");
        assert!(difference.relations.iter().all(|one| is_requirement(&one.name)), "{:?}", difference.relations);
        assert!(difference.files.is_empty() && difference.fields.is_empty() && !difference.identical);
    }
}

/// What only a Debian package has: triggers without text, fields that nothing else has, a description of several lines.
#[test]
fn control_files_are_compared() {
    let place = tempfile::tempdir().unwrap();
    let make = |fields: &str, triggers: &str, name: &str| {
        let root = place.path().join(name).join("root");
        fs_err::create_dir_all(root.join("DEBIAN")).unwrap();
        let control = format!("Package: a\nVersion: 1\nArchitecture: all\nMaintainer: A <a@b.c>\n{fields}");
        fs_err::write(root.join("DEBIAN/control"), control).unwrap();
        fs_err::write(root.join("DEBIAN/triggers"), triggers).unwrap();
        let path = place.path().join(name).join("a.deb");
        Command::new("dpkg-deb").args(["--root-owner-group", "-b"]).arg(&root).arg(&path).run_checked().unwrap();
        path
    };
    let fields = "Multi-Arch: foreign\nSection: admin\nPre-Depends: dpkg\nDescription: a\n Text\n more\n";
    let old = make(fields, "interest-noawait /usr/lib/a\nactivate ldconfig\n", "old");
    let fields = "Essential: yes\nSection: net\nDepends: dpkg (>= 1.20)\nDescription: a\n Text\n less\n";
    let new = make(fields, "interest /usr/lib/a\nactivate ldconfig\n", "new");
    insta::assert_snapshot!("diff-control", shown(&compare(&old, &new).unwrap(), Detail::Short, place.path()));
}

/// `md5sums` that lie hide nothing, and are told of.
#[test]
fn what_a_package_says_of_its_files_is_not_believed() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("root");
    fs_err::create_dir_all(root.join("DEBIAN")).unwrap();
    fs_err::write(
        root.join("DEBIAN/control"),
        "Package: a\nVersion: 1\nArchitecture: all\nMaintainer: A <a@b.c>\nDescription: a\n",
    )
    .unwrap();
    fs_err::write(root.join("DEBIAN/md5sums"), "0cc175b9c0f1b6a831c399e269772661  opt/x\n").unwrap();
    fs_err::create_dir_all(root.join("opt")).unwrap();
    let make = |content: &str, name: &str| {
        fs_err::write(root.join("opt/x"), content).unwrap();
        let path = place.path().join(name);
        Command::new("dpkg-deb").args(["--root-owner-group", "-b"]).arg(&root).arg(&path).run_checked().unwrap();
        path
    };
    let (old, new) = (make("a", "old.deb"), make("b", "new.deb"));
    let difference = compare(&old, &new).unwrap();
    assert_eq!(
        find(&difference, "/opt/x").diff.as_deref(),
        Some("@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n")
    );
    assert_eq!(difference.problems.len(), 1);
    assert!(difference.problems[0].ends_with("new.deb: /opt/x has another content than `md5sums`"));
}

const SPEC: &str = "
Name: foreign
Version: 1
Release: 1
Summary: Made by rpmbuild
License: MIT
BuildArch: noarch
%description
Text
%install
mkdir -p %{buildroot}/opt/foreign
printf '%{?text}' > %{buildroot}/opt/foreign/text
ln %{buildroot}/opt/foreign/text %{buildroot}/opt/foreign/hard
ln %{buildroot}/opt/foreign/text %{buildroot}/opt/foreign/harder
ln -s text %{buildroot}/opt/foreign/link
: > %{buildroot}/opt/foreign/empty
%files
/opt/foreign
%ghost /opt/foreign/empty
";

/// Every compression that rpmbuild has, and digests that are not SHA-256.
#[test]
fn foreign_rpms_are_compared_by_their_payload() {
    let place = tempfile::tempdir().unwrap();
    let spec = place.path().join("foreign.spec");
    fs_err::write(&spec, SPEC).unwrap();
    let make = |text: &str, payload: &str, algorithm: &str| {
        let top = place.path().join(format!("{text}-{payload}-{algorithm}"));
        let define = |name: &str, value: &str| ["--define".to_owned(), format!("{name} {value}")];
        Command::new("rpmbuild")
            .arg("-bb")
            .args(define("_topdir", &top.display().to_string()))
            .args(define("_binary_payload", payload))
            .args(define("_binary_filedigest_algorithm", algorithm))
            .args(define("text", text))
            .arg(&spec)
            .run_checked()
            .unwrap();
        top.join("RPMS/noarch/foreign-1-1.noarch.rpm")
    };
    let first = make("one", "w6.gzdio", "8");
    for (payload, algorithm) in
        [("w2.xzdio", "8"), ("w3.zstdio", "1"), ("w9.bzdio", "10"), ("w2.lzdio", "8"), ("w.ufdio", "1")]
    {
        let same = compare(&first, &make("one", payload, algorithm)).unwrap();
        assert_eq!((same.files.as_slice(), same.problems.as_slice()), (&[][..], &[][..]), "{payload}");
        let other = compare(&first, &make("two", payload, algorithm)).unwrap();
        let paths: Vec<&str> = other.files.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["/opt/foreign/hard", "/opt/foreign/harder", "/opt/foreign/text"], "{payload}");
        assert!(other.files.iter().all(|one| one.aspects == [Aspect::Content]));
    }
}

/// Files beyond 4 GiB are in rpm's stripped form of cpio, which names no paths; hard links come with their last name.
#[test]
fn large_rpms_are_compared() {
    let place = tempfile::tempdir().unwrap();
    let size = (1 << 32) + 12_345;
    let source = place.path().join("large");
    fs_err::File::create(&source).unwrap().set_len(size).unwrap();
    let make = |text: &str| {
        let mut package = package("large");
        package.compression = Compression { algorithm: Algorithm::Zstd, level: 1 };
        let content = Content::File { path: Arc::new(source.clone()), size };
        package.entries = sorted(vec![
            directory("/opt/app"),
            file("/opt/app/after", text),
            hardlink("/opt/app/again", "/opt/app/after"),
            entry("/opt/app/large", 0o644, EntryKind::File(content)),
            symlink("/opt/app/link", "after"),
            file("/opt/app/zuletzt", text),
        ]);
        let directory = place.path().join(text);
        fs_err::create_dir_all(&directory).unwrap();
        try_build(&package, &directory).unwrap()
    };
    let difference = compare(&make("one"), &make("two")).unwrap();
    let paths: Vec<&str> = difference.files.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(paths, ["/opt/app/after", "/opt/app/again", "/opt/app/zuletzt"]);
    assert_eq!(difference.problems, [] as [&str; 0]);
}

#[test]
fn hard_links_of_own_packages_are_compared() {
    let place = tempfile::tempdir().unwrap();
    let make = |content: &str| {
        let mut package = package("links");
        package.entries = sorted(vec![
            file("/opt/a", content),
            hardlink("/opt/b", "/opt/a"),
            hardlink("/opt/c", "/opt/a"),
            file("/opt/d", ""),
        ]);
        let directory = place.path().join(content);
        fs_err::create_dir_all(&directory).unwrap();
        try_build(&package, &directory).unwrap()
    };
    let difference = compare(&make("1"), &make("2")).unwrap();
    let paths: Vec<&str> = difference.files.iter().map(|one| one.path.as_str()).collect();
    assert_eq!((paths.as_slice(), difference.problems.as_slice()), (&["/opt/a", "/opt/b", "/opt/c"][..], &[][..]));
}

#[test]
fn damage_is_told() {
    let place = tempfile::tempdir().unwrap();
    let path = built(&OLD, PackageFormat::Rpm, place.path());
    let whole = fs_err::read(&path).unwrap();
    let cut = place.path().join("cut.rpm");
    fs_err::write(&cut, &whole[..whole.len() - 20]).unwrap();
    let error = compare(&path, &cut).unwrap_err();
    assert!(matches!(error, Error::ReadPayload { .. }) && error.to_string().contains("cut.rpm"), "{error}");
    assert!(matches!(compare(&path, &place.path().join("none")), Err(Error::Open(_))));
}

#[test]
fn exit_codes_and_colours() {
    let place = tempfile::tempdir().unwrap();
    let (old, new) = (built(&OLD, PackageFormat::Deb, place.path()), built(&NEW, PackageFormat::Deb, place.path()));
    let diff = |arguments: &[&str], old: &Path, new: &Path| {
        let command = Command::new(env!("CARGO_BIN_EXE_omnipack")).arg("diff").args(arguments).arg(old).arg(new);
        let output = command.env("NO_COLOR", "1").run().unwrap();
        (output.code, output.stdout_text(), output.stderr_text())
    };
    let missing = place.path().join("missing.deb");
    for (arguments, codes) in [(&[][..], [0, 0, 1]), (&["--exit-code"], [0, 1, 2]), (&["--quiet"], [0, 1, 2])] {
        let got = [diff(arguments, &old, &old).0, diff(arguments, &old, &new).0, diff(arguments, &old, &missing).0];
        assert_eq!(got, codes, "{arguments:?}");
    }
    assert_eq!(diff(&["--quiet"], &old, &new).1, "");
    assert!(diff(&["-q"], &old, &missing).2.contains("missing.deb"));
    assert!(!diff(&[], &old, &new).1.contains('\u{1b}'));
    assert!(diff(&["--color", "always"], &old, &new).1.contains("\u{1b}[32m+ "));
    let json: serde_json::Value = serde_json::from_str(&diff(&["--json"], &old, &new).1).unwrap();
    assert_eq!((&json["identical"], &json["fields"][0]["new"]), (&false.into(), &"1.1".into()));
    assert_eq!(diff(&["--json", "--exit-code"], &old, &new).0, 1);
}
