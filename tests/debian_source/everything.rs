//! One project with everything that a source package can hold.

use std::path::Path;

use crate::support::{both, expect_success};
use crate::tool::{assert_scripts_are_sound, build, contents, field, generate, generation, member, read, relations};

const PYPROJECT: &str = r#"
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"

[project]
name = "Every.Thing"
version = "1.5rc2"
description = "The whole lot"
dependencies = [
    "PyYAML>=5,<7",
    "requests!=2.0,~=2.20",
    "six==1.16.0",
    "Odd_One<=3",
    "toml; platform_version != '#1' and python_version > '3.2'",
    "dataclasses; python_version < '3.7'",
]
[project.optional-dependencies]
web = ["Flask>=1"]
[project.scripts]
every = "every:main"

[tool.setuptools]
packages = ["every"]
script-files = ["every-tool"]
[tool.setuptools.data-files]
"share/man/man1" = ["every.1"]
"share/every" = ["data.txt"]
"#;

const CONFIGURATION: &str = r#"
[package]
epoch = 2
version-scheme = "tilde"
maintainer = "Ada <ada@example.org>"
changelog = "CHANGES.md"
[python]
extras = ["web"]
requirements = ["more.txt"]
[package-map]
odd-one = "python3-odd"
[relations]
recommends = ["rsync"]
requires = ["lynx | links"]
[deb]
activate = ["every-changed"]
build-requires = ["python3-wheel (>= 0.30)", "libnothing-dev | tar"]
[rpm]
patches = ["say it.patch"]

[[user]]
name = "every"
home = "/var/lib/every"
remove = true

[[service]]
name = "web"
command = "every --web"
user = "every"
start = true
restart-on-upgrade = false
[[service]]
name = "module"
command = "python -m every"
user = "every"
[[service]]
name = "crowd"
command = "every --number {instance}"
user = "every"
count = 2
start = true
[[service]]
name = "nightly"
command = "every --night"
user = "every"
schedule = "daily"
[[service]]
name = "door"
command = "every --door"
user = "every"
listen = ["127.0.0.1:8123"]

[[file]]
source = "blob"
destination = "/usr/share/every-thing/blob"
[[file]]
source = "data.txt"
destination = "/opt/every/odd.conf"
config = "noreplace"
[[file]]
source = "data.txt"
destination = "/etc/cron.d/every"
[[file]]
source = "data.txt"
destination = "/etc/default/every-thing"
config = "noreplace"
[[file]]
source = "data.txt"
destination = "/etc/every/secret"
mode = "0600"
owner = "every"
group = "every"
[[file]]
source = "tree"
destination = "/usr/share/every-thing/tree"
[[directory]]
path = "/var/lib/every/deep"
owner = "every"
group = "every"
mode = "0700"

[scriptlets]
pre = "echo the pre"
post = "echo the post"
preun = "echo the preun"
postun = "echo the postun"
posttrans = "echo the posttrans"
purge = "echo the purge"

[[trigger]]
on = "/usr/share/mime"
script = "echo the trigger"
"#;

const PATCH: &str = "--- a/every/__init__.py\n+++ b/every/__init__.py\n@@ -1,2 +1,2 @@\n def main():\n-    print('plain')\n+    print('patched')\n";

fn project(directory: &Path) {
    for (name, text) in [
        ("pyproject.toml", PYPROJECT),
        ("omnipack.toml", CONFIGURATION),
        ("every/__init__.py", "def main():\n    print('plain')\n"),
        ("every/__main__.py", "from every import main\nmain()\n"),
        ("every-tool", "#!python\nprint('tool')\n"),
        ("every.1", ".TH EVERY 1\n.SH NAME\nevery \\- all\n"),
        ("data.txt", "data\n"),
        ("blob", "a\0b"),
        ("more.txt", "click>=8\n"),
        ("say it.patch", PATCH),
        ("CHANGES.md", "# Changes\n\n## 1.5rc2 - 2024-02-29\n\n- All of it\n\n## 1.4 - 2024-01-31\n\n- Less\n"),
        ("tree/one", "1\n"),
        ("tree/program", "#!/bin/sh\n"),
    ] {
        let path = directory.join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
    fs_err::os::unix::fs::symlink("one", directory.join("tree/link")).unwrap();
    let executable = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
    fs_err::set_permissions(directory.join("tree/program"), executable).unwrap();
}

#[test]
fn everything_is_built() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("source");
    project(&source);
    let tree = generate(&source, "debian-12", &directory.path().join("out"));
    let control = fs_err::read_to_string(tree.join("debian/control")).unwrap();
    for line in [" python3-wheel (>= 0.30)", " libnothing-dev | tar"] {
        let found = control.lines().any(|known| known.trim_end_matches(',').ends_with(line));
        assert!(found, "{line}: {control}");
    }
    let built = build(&tree);
    assert_scripts_are_sound(&built);
    let (main, node) = (&built.packages["every-thing"], &built.packages["every-thing-node"]);

    assert_eq!(field(main, "Version"), "2:1.5~rc2-1");
    assert_eq!(field(main, "Recommends"), "rsync");
    let depends = relations(main, "Depends");
    for relation in [
        "lynx | links",
        "python3-yaml (>= 5)",
        "python3-yaml (<< 7~~)",
        "python3-requests (>= 2.20)",
        "python3-requests (<< 3~~)",
        "python3-six (>= 1.16)",
        "python3-six (<< 1.16.0.0~~)",
        "python3-odd (<< 3.0.0.0~~)",
        "python3-flask (>= 1)",
        "python3-toml",
        "python3-click (>= 8)",
    ] {
        assert!(depends.contains(&relation.to_owned()), "{relation}: {depends:#?}");
    }
    assert!(!depends.iter().any(|relation| relation.contains("dataclasses")), "{depends:#?}");

    let inside = contents(main);
    for entry in [
        "-rwxr-xr-x root/root ./usr/bin/every-tool",
        "-rw-r--r-- root/root ./usr/share/man/man1/every.1.gz",
        "-rw-r--r-- root/root ./usr/share/every/data.txt",
        "-rw-r--r-- root/root ./usr/share/every-thing/blob",
        "-rw-r--r-- root/root ./usr/share/every-thing/tree/one",
        "-rwxr-xr-x root/root ./usr/share/every-thing/tree/program",
        "lrwxrwxrwx root/root ./usr/share/every-thing/tree/link -> one",
        "-rw-r--r-- root/root ./etc/cron.d/every",
        "-rw-r--r-- root/root ./etc/default/every-thing",
        "-rw------- root/root ./etc/every/secret",
        "drwx------ root/root ./var/lib/every/deep/",
    ] {
        assert!(inside.contains(&entry.to_owned()), "{entry}: {inside:#?}");
    }
    assert!(read(main, "./usr/bin/every-tool").starts_with("#!/usr/bin/python3\n"));
    assert!(read(main, "./usr/lib/python3/dist-packages/every/__init__.py").contains("patched"));
    assert!(member(main, "conffiles").contains("/opt/every/odd.conf\n"), "{}", member(main, "conffiles"));
    let triggers = member(main, "triggers");
    for line in ["interest-noawait /usr/share/mime", "activate-noawait every-changed"] {
        assert!(triggers.contains(line), "{triggers}");
    }

    for (script, words) in [
        ("preinst", &["the pre"][..]),
        (
            "postinst",
            &["useradd -r", "chown every:every /etc/every/secret", "the post", "the trigger", "the posttrans"],
        ),
        ("prerm", &["the preun"]),
        ("postrm", &["the purge", "the postun", "rm -rf /var/lib/every", "userdel every"]),
    ] {
        let text = member(main, script);
        let places = words.iter().map(|word| text.find(word).unwrap_or_else(|| panic!("{word} in {script}\n{text}")));
        assert!(places.collect::<Vec<_>>().is_sorted(), "{script}\n{text}");
    }

    let inside = contents(node);
    for name in ["module.service", "crowd@.service", "nightly.timer", "nightly.service", "door.socket", "web.service"] {
        let entry = format!("-rw-r--r-- root/root ./lib/systemd/system/every-thing-{name}");
        assert!(inside.contains(&entry), "{entry}: {inside:#?}");
    }
    let unit = read(node, "./lib/systemd/system/every-thing-module.service");
    assert!(unit.contains("\nExecStart=/usr/bin/python3 -m every\n"), "{unit}");
    let (postinst, prerm) = (member(node, "postinst"), member(node, "prerm"));
    assert!(postinst.contains("systemctl --quiet enable every-thing-crowd@1.service every-thing-crowd@2.service"));
    let link = "rm -f /etc/systemd/system/multi-user.target.wants/every-thing-crowd@2.service\n";
    assert!(member(node, "postrm").contains(link), "{}", member(node, "postrm"));
    assert!(postinst.contains("deb-systemd-invoke start every-thing-crowd@1.service every-thing-crowd@2.service"));
    assert!(postinst.contains("deb-systemd-invoke start 'every-thing-web.service'"), "{postinst}");
    for idle in ["nightly.service", "nightly.timer", "module.service", "door.socket"] {
        assert!(!postinst.contains(&format!(" start 'every-thing-{idle}'")), "{idle}: {postinst}");
        assert!(prerm.contains(&format!("every-thing-{idle}")), "{idle}: {prerm}");
    }
    // Sockets cannot be restarted below their services.
    assert!(!postinst.contains("restart 'every-thing-door.socket'"), "{postinst}");
    assert!(postinst.contains("try-restart 'every-thing-door.service'"), "{postinst}");
    assert!(
        postinst.contains("enable 'every-thing-nightly.timer'")
            && postinst.contains("enable 'every-thing-door.socket'")
    );
}

/// What debhelper would read as more than a path, or replace in a script, is refused.
#[test]
fn what_debhelper_would_take_for_more_is_refused() {
    for (from, to, code) in [
        ("/etc/every/secret", "/etc/every/${HOME}", "debian::path"),
        ("/etc/every/secret", "/etc/every/a*", "debian::path"),
        ("echo the post\"", "echo '#ENV.HOME#'\"", "service::scriptlet"),
        ("echo the pre\"", "echo\\n#DEBHELPER#\"", "service::scriptlet"),
        ("echo the trigger", "#PACKAGE#", "service::scriptlet"),
        ("odd-one = \"python3-odd\"", "odd-one = \"Python3(odd)\"", "format::field"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let source = directory.path().join("source");
        project(&source);
        assert!(CONFIGURATION.contains(from), "{from}");
        fs_err::write(source.join("omnipack.toml"), CONFIGURATION.replace(from, to)).unwrap();
        let output = generation(&source, "debian-12", &directory.path().join("out")).run().unwrap();
        assert_ne!(output.code, 0, "{to}");
        assert!(both(&output).contains(code), "{to}: {}", both(&output));
        assert!(!directory.path().join("out").exists(), "{to}");
    }
}

/// The same input gives the same source package.
#[test]
fn a_source_package_is_reproducible() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("source");
    project(&source);
    for name in ["one", "two"] {
        generate(&source, "ubuntu-24.04", &directory.path().join(name));
    }
    let compare = omnipack::exec::Command::new("diff").args(["-r", "one", "two"]).dir(directory.path());
    assert_eq!(expect_success(&compare), "");
    let changelog = directory.path().join("one/every-thing-1.5~rc2/debian/changelog");
    let text = fs_err::read_to_string(changelog).unwrap();
    assert!(text.starts_with("every-thing (2:1.5~rc2-1) noble; urgency=medium\n\n  * All of it\n"), "{text}");
    assert!(text.contains("\nevery-thing (2:1.4-1) noble;"), "{text}");
}
