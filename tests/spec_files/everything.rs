//! Everything that a spec file can hold is reachable from the configuration, and arrives in what rpmbuild makes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::rpmbuild::{build_spec, files, list, project, query, source_package};
use crate::support::both;
use crate::tool::{DIALECTS, generate, generation, rpm_tool, succeed, undated};

const CONFIGURATION: &str = r##"
[package]
release = "3"
epoch = 2
license = "MIT OR Apache-2.0"
summary = "Has everything"
description = "All that a spec file can hold."
url = "https://example.org/every"
vendor = "Example"
maintainer = "Ada Lovelace <ada@example.org>"
group = "System/Tools"
changelog = "CHANGES.md"
licenses = ["LICENSE"]

[relations]
requires = ["bash >= 3"]
requires-pre = ["coreutils"]
recommends = ["nano"]
suggests = ["emacs"]
supplements = ["supplemented"]
enhances = ["enhanced"]
conflicts = ["ancient < 1"]
obsoletes = ["every-old < 1"]
provides = ["everything = 5"]

[scriptlets]
pretrans = "#!<lua>\nprint('pretrans 100%')\n"
pre = "echo pre"
post = "#!/usr/bin/python3 -I\nprint('post %s' % 1)\n"
preun = "echo preun"
postun = "echo postun"
posttrans = "echo posttrans"
verify = "#!/bin/bash\necho verify\n"

[[trigger]]
on = "nginx >= 1.20"
when = "in"
script = "echo in"
[[trigger]]
on = "redis"
when = "un"
script = "print('un')"
interpreter = "<lua>"
package = "node"
[[trigger]]
on = "httpd"
when = "postun"
script = "#!/usr/bin/python3\nprint('postun')\n"

[rpm]
prefixes = ["/opt/every"]
build-requires = ["gcc >= 8", "/usr/bin/true"]
patches = ["fix.patch", "keep.patch"]
sources = ["data.bin", "https://example.org/pub/x.tar"]
no-source = ["data.bin"]
no-patch = ["keep.patch"]

[[user]]
name = "someone"

[[service]]
name = "web"
command = "every --serve"
user = "someone"

[[meta-package]]
name = "cli"
[[meta-package]]
name = "other"
package-name = "different"
summary = "Another"
description = "Another package."
scripts = []
requires = ["less"]

[[file]]
source = "every.conf"
destination = "/etc/every/every.conf"
mode = "0640"
group = "someone"
package = "node"
[[file]]
source = "every.conf"
destination = "/etc/every/replaced.conf"
config = "replace"
[[file]]
source = "every.conf"
destination = "/usr/share/every/guide"
doc = true
[[file]]
source = "every.conf"
destination = "/usr/libexec/every"
capabilities = "cap_net_raw=ep"
[[file]]
source = "every.1"
destination = "/usr/share/man/man1/every.1"
package = "cli"
[[file]]
source = "every.1"
destination = "/usr/share/info/every.info"
package = "other"

[[directory]]
path = "/var/lib/every"
mode = "0750"
owner = "someone"
group = "someone"
[[directory]]
path = "/var/cache/every"
ghost = true
"##;

fn write(directory: &Path, limits: &str) {
    let pyproject = "[build-system]\nrequires = [\"flit_core>=3.2,<4\"]\nbuild-backend = \"flit_core.buildapi\"\n[project]\n\
                     name = \"every\"\nversion = \"1.2\"\ndescription = \"x\"\nscripts = { every = \"every:main\" }\n";
    let patch = "--- a/every.py\n+++ b/every.py\n@@ -1,2 +1,2 @@\n def main():\n-    pass\n+    print('patched')\n";
    let keep = "--- a/LICENSE\n+++ b/LICENSE\n@@ -1 +1 @@\n-text\n+patched text\n";
    let configuration = CONFIGURATION.replace("[rpm]\n", &format!("[rpm]\n{limits}\n"));
    for (name, text) in [
        ("pyproject.toml", pyproject),
        ("omnipack.toml", &configuration),
        ("every.py", "def main():\n    pass\n"),
        ("every.conf", "a = 1\n"),
        ("every.1", ".TH EVERY 1\n"),
        ("LICENSE", "text\n"),
        ("CHANGES.md", "# Changes\n\n## 1.2 - 2024-02-29\n\n- Everything\n\n## 1.1 - 2023-05-01\n\n- Something\n"),
        ("data.bin", "data"),
        ("fix.patch", patch),
        ("keep.patch", keep),
    ] {
        fs_err::write(directory.join(name), text).unwrap();
    }
}

fn built(distribution: &str, dialect: &str, limits: &str, top: &Path) -> (String, BTreeMap<String, PathBuf>) {
    let source = top.join("source");
    fs_err::create_dir(&source).unwrap();
    write(&source, limits);
    let project = project(&source, distribution, top);
    let spec = generate(&project, distribution, &top.join("SOURCES"));
    // The file of an address is the maintainer's to fetch.
    assert!(!spec.with_file_name("x.tar").exists());
    fs_err::write(spec.with_file_name("x.tar"), "fetched").unwrap();
    let parsed = succeed(&rpm_tool("rpmspec", dialect, top).arg("-P").arg(&spec));
    (parsed, build_spec(&spec, distribution, dialect, top))
}

#[test]
fn all_keys_arrive() {
    for (index, (distribution, dialect)) in DIALECTS.into_iter().enumerate() {
        let limits = match index % 2 {
            0 => "exclude-arch = [\"s390\", \"ppc\"]\nexclusive-os = [\"linux\"]",
            _ => "exclusive-arch = [\"noarch\", \"x86_64\", \"aarch64\"]\nexclude-os = [\"solaris\"]",
        };
        let directory = tempfile::tempdir().unwrap();
        let (parsed, packages) = built(distribution, dialect, limits, directory.path());
        assert_eq!(packages.keys().collect::<Vec<_>>(), ["different", "every", "every-cli", "every-node"]);
        tags(&packages, distribution);
        relations(&packages["every"], dialect);
        scriptlets(&packages, dialect);
        content(&packages, dialect);
        source(&parsed, directory.path(), index % 2 == 0, distribution);
    }
}

fn tags(packages: &BTreeMap<String, PathBuf>, distribution: &str) {
    let format =
        "%{EPOCH}:%{VERSION}-%{RELEASE}|%{SUMMARY}|%{DESCRIPTION}|%{LICENSE}|%{URL}|%{VENDOR}|%{GROUP}|%{ARCH}";
    let expected = "2:1.2-3|Has everything|All that a spec file can hold.|MIT OR Apache-2.0|https://example.org/every|Example|\
                    System/Tools|noarch";
    assert_eq!(query(&packages["every"], format), expected, "{distribution}");
    let other = query(&packages["different"], "%{EPOCH}:%{VERSION}-%{RELEASE}|%{SUMMARY}|%{DESCRIPTION}");
    assert_eq!(other, "2:1.2-3|Another|Another package.", "{distribution}");
    let log = query(&packages["every"], "[%{CHANGELOGTIME:day} %{CHANGELOGNAME}: %{CHANGELOGTEXT}\\n]");
    let expected = "Thu Feb 29 2024 Ada Lovelace <ada@example.org> - 2:1.2-3: - Everything\n\
                    Mon May 01 2023 Ada Lovelace <ada@example.org> - 1.1: - Something\n";
    assert_eq!(log, expected, "{distribution}");
    assert_eq!(query(&packages["every"], "[%{PREFIXES}]"), "/opt/every", "{distribution}");
}

fn relations(package: &Path, dialect: &str) {
    let requires = list(package, "-R");
    assert!(requires.contains(&"bash >= 3".to_owned()), "{dialect}: {requires:#?}");
    let before = query(package, "[%{REQUIRENAME} %{REQUIREFLAGS:deptype}\\n]");
    assert!(before.lines().any(|line| line == "coreutils pre"), "{dialect}: {before}");
    let expected: &[(&str, &str)] = match dialect {
        // rpm of CentOS 6 knows no weak relations.
        "plain" => &[],
        _ => &[
            ("--recommends", "nano"),
            ("--suggests", "emacs"),
            ("--supplements", "supplemented"),
            ("--enhances", "enhanced"),
        ],
    };
    let strong = [("--conflicts", "ancient < 1"), ("--obsoletes", "every-old < 1"), ("--provides", "everything = 5")];
    for (option, text) in expected.iter().chain(&strong) {
        let found = list(package, option);
        assert!(found.contains(&(*text).to_owned()), "{dialect}: {option} {text}\n{found:#?}");
    }
}

fn scriptlets(packages: &BTreeMap<String, PathBuf>, dialect: &str) {
    let main = &packages["every"];
    for (tag, program, text) in [
        ("PRETRANS", "<lua>", "print('pretrans 100%')"),
        ("PREIN", "/bin/sh", "echo pre"),
        ("POSTIN", "/usr/bin/python3 -I", "print('post %s' % 1)"),
        ("PREUN", "/bin/sh", "echo preun"),
        ("POSTUN", "/bin/sh", "echo postun"),
        ("POSTTRANS", "/bin/sh", "echo posttrans"),
        ("VERIFYSCRIPT", "/bin/bash", "echo verify"),
    ] {
        let name = if tag == "VERIFYSCRIPT" { "VERIFYSCRIPTPROG".to_owned() } else { format!("{tag}PROG") };
        let found = query(main, &format!("%{{{tag}}}"));
        assert!(found.contains(text), "{dialect}: {tag}\n{found}");
        // Where omnipack has something to do before, a shell starts the user's interpreter.
        let started = dialect == "plain" && found.contains(&format!("{program} "));
        let stated = query(main, &format!("[%{{{name}}} ]"));
        assert!(started || stated.trim_end() == program, "{dialect}: {tag} {stated}\n{found}");
    }
    let format = "[%{TRIGGERTYPE}|%{TRIGGERCONDS}|%{TRIGGERSCRIPTPROG}|%{TRIGGERSCRIPTS}\\n]";
    let found = query(main, format);
    assert!(found.contains("in|nginx >= 1.20|/bin/sh|echo in\n"), "{dialect}: {found}");
    assert!(found.contains("postun|httpd|/usr/bin/python3|print('postun')\n"), "{dialect}: {found}");
    let found = query(&packages["every-node"], format);
    assert_eq!(found, "un|redis|<lua>|print('un')\n", "{dialect}");
    let node = list(&packages["every-node"], "--scripts").join("\n");
    match dialect {
        "plain" => assert!(node.contains("chkconfig --add"), "{node}"),
        _ => assert!(node.contains("systemctl --no-reload preset every-web.service"), "{dialect}: {node}"),
    }
}

fn content(packages: &BTreeMap<String, PathBuf>, dialect: &str) {
    let flags = |name: &str| query(&packages[name], "[%{FILEFLAGS:fflags} %{FILENAMES}\\n]");
    let (main, node) = (flags("every"), flags("every-node"));
    assert!(node.contains("cn /etc/every/every.conf\n"), "{dialect}: {node}");
    assert!(main.contains("c /etc/every/replaced.conf\n"), "{dialect}: {main}");
    assert!(main.contains("d /usr/share/every/guide\n"), "{dialect}: {main}");
    assert!(main.contains("g /var/cache/every\n"), "{dialect}: {main}");
    let license = if dialect == "plain" { "d /usr/share/doc/every" } else { "l /usr/share/licenses/every" };
    assert!(main.contains(license), "{dialect}: {main}");
    let attributes = [
        ("every-node", "100640 root someone /etc/every/every.conf"),
        ("every", "40750 someone someone /var/lib/every"),
    ];
    for (name, line) in attributes {
        assert!(files(&packages[name]).contains(&line.to_owned()), "{dialect}: {:#?}", files(&packages[name]));
    }
    let capabilities = query(&packages["every"], "[%{FILENAMES} %{FILECAPS}\\n]");
    assert!(capabilities.contains("/usr/libexec/every cap_net_raw=ep\n"), "{dialect}: {capabilities}");
    assert!(
        list(&packages["every-cli"], "-l").contains(&"/usr/share/man/man1/every.1.gz".to_owned()),
        "{dialect}: {:?}",
        list(&packages["every-cli"], "-l")
    );
    assert!(list(&packages["different"], "-l").contains(&"/usr/share/info/every.info.gz".to_owned()), "{dialect}");
    let account = match dialect {
        "modern" => list(&packages["every-node"], "-l").contains(&"/usr/lib/sysusers.d/every-node.conf".to_owned()),
        _ => query(&packages["every-node"], "%{PREIN}").contains("useradd"),
    };
    assert!(account, "{dialect}");
    // A patch has changed what is installed.
    let module =
        list(&packages["every"], "-l").into_iter().find(|path| path.ends_with("/every.py")).expect("the module");
    let extract = format!("rpm2cpio \"$1\" | cpio -i --to-stdout --quiet \".{module}\"");
    let text = succeed(&omnipack::exec::Command::new("sh").args(["-c", &extract, "sh"]).arg(&packages["every"]));
    assert!(text.contains("patched"), "{dialect}: {text}");
}

fn source(parsed: &str, top: &Path, excluded: bool, distribution: &str) {
    let package = source_package(top);
    assert!(package.display().to_string().ends_with(".nosrc.rpm"), "{distribution}: {}", package.display());
    // The header names them all.
    let unpacked = "rpm2cpio \"$1\" | cpio -t --quiet";
    let inside = succeed(&omnipack::exec::Command::new("sh").args(["-c", unpacked, "sh"]).arg(&package));
    let inside = inside.lines().collect::<Vec<_>>();
    for (name, is_inside) in
        [("every-1.2.tar.gz", true), ("x.tar", true), ("fix.patch", true), ("data.bin", false), ("keep.patch", false)]
    {
        assert_eq!(inside.contains(&name), is_inside, "{distribution}: {name}\n{inside:#?}");
    }
    assert!(query(&package, "[%{SOURCE} ]").contains("data.bin"), "{distribution}");
    assert_eq!(query(&package, "[%{NOSOURCE} ]|[%{NOPATCH} ]"), "1 |1 ", "{distribution}");
    assert!(parsed.contains("Source2:        https://example.org/pub/x.tar\n"), "{distribution}: {parsed}");
    let requires = list(&package, "-R");
    for text in ["gcc >= 8", "/usr/bin/true"] {
        assert!(requires.contains(&text.to_owned()), "{distribution}: {text}\n{requires:#?}");
    }
    let limits = query(&package, "[%{EXCLUDEARCH} ]|[%{EXCLUSIVEARCH} ]|[%{EXCLUDEOS} ]|[%{EXCLUSIVEOS} ]");
    let expected = if excluded { "s390 ppc ||(none) |linux " } else { "|noarch x86_64 aarch64 |solaris |" };
    assert_eq!(limits.replace("(none) ", ""), expected.replace("(none) ", ""), "{distribution}");
}

/// The name and the version stand in the spec once.
#[test]
fn the_name_and_the_version_are_macros() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "");
    for (distribution, _) in DIALECTS {
        let spec = generate(directory.path(), distribution, &directory.path().join(distribution));
        let text = fs_err::read_to_string(spec).unwrap();
        for line in [
            "%global pypi_name every",
            "%global pypi_version 1.2",
            "Name:           %{pypi_name}",
            "Version:        %{pypi_version}",
            "Source0:        %{pypi_name}-%{pypi_version}.tar.gz",
        ] {
            assert!(text.lines().any(|found| found == line), "{distribution}: {line}\n{text}");
        }
    }
}

/// What a spec file does otherwise than the configuration says, and what the maintainer has to do, is said.
#[test]
fn notes_say_what_is_left_to_do() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "");
    let path = directory.path().join("omnipack.toml");
    let text = fs_err::read_to_string(&path).unwrap();
    let linked = "name = \"cli\"\nlink-directory = \"/usr/local/sbin\"\n";
    fs_err::write(&path, text.replace("name = \"cli\"\n", linked)).unwrap();
    for (distribution, dialect) in DIALECTS {
        let output = generation(directory.path(), distribution, &directory.path().join(distribution)).run().unwrap();
        // Long lines are broken.
        let said = both(&output).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("`x.tar` is not fetched"), "{distribution}: {said}");
        let moved = said.contains("so none is in `/usr/local/sbin`");
        assert_eq!(moved, dialect != "plain", "{distribution}: {said}");
    }
}

/// All that rpmbuild would not take is found at once, each with its place.
#[test]
fn what_cannot_stand_in_a_spec_file_is_found_with_its_place() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "");
    let path = directory.path().join("omnipack.toml");
    let text = fs_err::read_to_string(&path).unwrap();
    let text =
        text.replace("/usr/share/every/guide", "/usr/share/every/a guide").replace("/var/cache/every", "/var/cache/*");
    let text = text
        .replace("echo preun", "%if 1")
        .replace("#!/usr/bin/python3\\nprint('postun')", "#!/usr/bin/python3 -I\\nx");
    fs_err::write(&path, &text).unwrap();
    for (distribution, _) in DIALECTS {
        let output = generation(directory.path(), distribution, &directory.path().join(distribution)).run().unwrap();
        let said = both(&output);
        assert_eq!(output.code, 2, "{distribution}: {said}");
        assert!(said.contains("4 mistakes in the configuration"), "{distribution}: {said}");
        for start in [
            "destination = \"/usr/share/every/a guide",
            "path = \"/var/cache/*",
            "preun = ",
            "script = \"#!/usr/bin/python3 -I",
        ] {
            let line = text.lines().position(|line| line.starts_with(start)).unwrap() + 1;
            assert!(said.contains(&format!("omnipack.toml:{line}:")), "{distribution}: {start}\n{said}");
        }
    }
}

/// Without a change log, a date or a licence the spec file says so, and builds.
#[test]
fn what_is_not_known_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("source");
    fs_err::create_dir(&source).unwrap();
    fs_err::write(source.join("bare.py"), "x = 1\n").unwrap();
    let output = directory.path().join("out");
    let ran = undated(&source, "fedora-42", &output).env("SOURCE_DATE_EPOCH", "315532800").run().unwrap();
    let said = both(&ran);
    assert_eq!(ran.code, 0, "{said}");
    let text = fs_err::read_to_string(output.join("source.spec")).unwrap();
    assert!(text.contains("# FIXME: the project names no licence"), "{text}");
    assert!(text.contains("%changelog\n* Sat Jan 01 2000 "), "{text}");
    assert!(said.contains("SOURCE_DATE_EPOCH") && said.contains("LicenseRef-FIXME"), "{said}");
}
