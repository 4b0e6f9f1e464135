//! A build runs nothing of the user's texts, and its packages have them as they were written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use omnipack::exec::Command;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::rpmbuild::{build_spec, project, query, source_package};
use crate::support::both;
use crate::tool::{DIALECTS, generate, generation, rpm_tool, succeed};

/// All attacks in one text. `N` is a number, so that what runs says where it stood.
const ATTACK: &str = "%(touch touchedN) %{lua:os.execute('touch touchedN')} %{expand:%%(touch touchedN)} %[1+1] \
                      %{!?x:%(touch touchedN)} %define name evil %{name} 100% %% %{unclosed $(touch touchedN) \
                      `touch touchedN` # %(touch touchedN) ; touch touchedN | \"quoted\" 'single' %s %1 %* ü☃ \
                      {{ name }} \\";
/// Lines that would begin something else.
const LINES: &str =
    "First.\n%if 0\n  %endif\n%post\n%files\n%description\n* Thu Feb 29 2024 x\n#%(touch touched70)\n%%\n\n\tEnd";

fn attack(number: u32) -> String {
    ATTACK.replace('N', &number.to_string())
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn write(directory: &Path) {
    let pyproject = format!(
        "[build-system]\nrequires = [\"flit_core>=3.2,<4\"]\nbuild-backend = \"flit_core.buildapi\"\n\
         [project]\nname = \"app\"\nversion = \"1.0\"\ndescription = {}\nauthors = [{{ name = {} }}]\n\
         scripts = {{ app = \"app:main\" }}\n",
        quoted(&attack(1)),
        quoted(&attack(2)),
    );
    let configuration = format!(
        "[package]\nsummary = {}\ndescription = {}\nlicense = {}\nvendor = {}\nmaintainer = {}\ngroup = {}\nurl = {}\n\
         changelog = \"CHANGES.md\"\n\
         [[service]]\nname = \"web\"\ncommand = {}\ndescription = {}\nuser = \"someone\"\nenvironment = {{ A = {} }}\n\
         working-directory = {}\n\
         [[user]]\nname = \"someone\"\n\
         [[file]]\nsource = \"app.conf\"\ndestination = \"/etc/app/app.conf\"\n\
         [scriptlets]\npre = {}\npost = \"post.sh\"\npretrans = {}\n\
         [[trigger]]\non = \"nginx\"\nwhen = \"in\"\nscript = {}\n\
         [rpm]\nsources = [\"a %(touch touched60).bin\", \"https://example.org/%(touch${{IFS}}touched61)/x.tar\"]\n\
         no-source = [\"x.tar\"]\npatches = [\"p %(touch touched62).patch\"]\n\
         [[meta-package]]\nname = \"extra\"\nsummary = {}\ndescription = {}\n",
        quoted(&attack(3)),
        quoted(&format!("{LINES}\n{}", attack(4))),
        quoted(&attack(5)),
        quoted(&attack(6)),
        quoted(&format!("{} <a@example.org>", attack(7))),
        quoted(&attack(8)),
        quoted("https://example.org/%(touch${IFS}touched9)"),
        quoted(&format!("app '{}'", attack(10).replace('\'', ""))),
        quoted(&attack(11)),
        quoted(&attack(12)),
        quoted("/srv/%(touch touched13)/$(touch touched13)"),
        quoted(&format!("#!/bin/sh\n{}", script(15))),
        quoted(&format!("#!<lua>\n-- {}\n", attack(16))),
        quoted(&script(17)),
        quoted(&attack(18)),
        quoted(&attack(19)),
    );
    let changes = format!("# Changes\n\n## 1.0 - 2024-02-29\n\n- {}\n{LINES}\n* {}\n", attack(20), attack(21));
    for (name, text) in [
        ("pyproject.toml", pyproject),
        ("omnipack.toml", configuration),
        ("app.py", format!("def main():\n    r\"\"\"{}.\"\"\"\n", attack(22).replace('"', ""))),
        ("app.conf", format!("\0{}\n{LINES}", attack(23))),
        ("LICENSE", format!("{}\0", attack(24))),
        ("CHANGES.md", changes),
        ("post.sh", format!("#!/bin/sh\n{}", script(25))),
        ("a %(touch touched60).bin", attack(60)),
        (
            "p %(touch touched62).patch",
            format!(
                "{}\n--- a/app.py\n+++ b/app.py\n@@ -1 +1 @@\n-def main():\n+def main(): # {}\n",
                attack(62),
                attack(63)
            ),
        ),
    ] {
        fs_err::write(directory.join(name), text).unwrap();
    }
}

/// What a user may well have in a script: nobody runs it here.
fn script(number: u32) -> String {
    format!(
        "cat <<'END' # {}\n{}\nEND\nprintf '%s\\n' \"100%%\" \\\n  x\n",
        attack(number).trim_end_matches('\\'),
        attack(number).trim_start_matches('%')
    )
}

fn assert_untouched(directory: &Path, distribution: &str) {
    for entry in walkdir::WalkDir::new(directory) {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy();
        assert!(!name.starts_with("touched"), "something ran on {distribution}: {}", entry.path().display());
    }
}

/// Lines of prose and change logs: one that would begin something becomes an item.
fn prose(text: &str) -> String {
    let line = |line: &str| {
        let line = line.replace(|c: char| c.is_control(), " ");
        match line.trim_start() {
            "" => String::new(),
            start if start.starts_with(['%', '*', '#']) => format!("- {}", start.trim_end()),
            _ => line.trim_end().to_owned(),
        }
    };
    text.trim().split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_build_runs_no_text_and_its_packages_have_them_all() {
    for (distribution, dialect) in DIALECTS {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path();
        let source = top.join("source");
        fs_err::create_dir(&source).unwrap();
        write(&source);
        let project = project(&source, distribution, top);
        let spec = generate(&project, distribution, &top.join("SOURCES"));
        fs_err::write(spec.with_file_name("x.tar"), "").unwrap();
        let packages = build_spec(&spec, distribution, dialect, top);
        assert_eq!(packages.keys().collect::<Vec<_>>(), ["app", "app-extra", "app-node"], "{distribution}");
        headers(&packages, distribution);
        installed(&packages, &spec, distribution, dialect, top);
        source_packages(&project, distribution, top);
        // The archive was unpacked among the rest, and what the attacks name is in none of it.
        assert_untouched(top, distribution);
        assert_untouched(Path::new("."), distribution);
    }
}

fn headers(packages: &BTreeMap<String, PathBuf>, distribution: &str) {
    let main = &packages["app"];
    for (tag, number) in [("SUMMARY", 3), ("LICENSE", 5), ("VENDOR", 6)] {
        assert_eq!(query(main, &format!("%{{{tag}}}")), attack(number), "{distribution}: {tag}");
    }
    assert_eq!(query(main, "%{URL}"), "https://example.org/%(touch${IFS}touched9)", "{distribution}");
    assert_eq!(query(main, "%{GROUP}"), attack(8), "{distribution}");
    assert_eq!(query(main, "%{DESCRIPTION}"), prose(&format!("{LINES}\n{}", attack(4))), "{distribution}");
    assert_eq!(query(&packages["app-extra"], "%{SUMMARY}"), attack(18), "{distribution}");
    assert_eq!(query(&packages["app-extra"], "%{DESCRIPTION}"), prose(&attack(19)), "{distribution}");
    let author = query(main, "[%{CHANGELOGNAME}|]");
    assert_eq!(author, format!("{} <a@example.org> - 1.0-1|", attack(7)), "{distribution}");
    let log = query(main, "[%{CHANGELOGTEXT}]");
    for text in [attack(20), attack(21), "- %post".to_owned(), "- %if 0".to_owned()] {
        assert!(log.contains(&text), "{distribution}: {text}\nis not in\n{log}");
    }
    for (tag, text) in [("PREIN", script(15)), ("POSTIN", script(25)), ("TRIGGERSCRIPTS", script(17))] {
        let found = query(main, &format!("[%{{{tag}}}]"));
        assert!(found.contains(text.trim_end()), "{distribution}: {tag}\n{found}\nhas not\n{text}");
    }
    assert_eq!(query(main, "%{PRETRANS}"), format!("-- {}", attack(16)), "{distribution}");
}

/// omnipack's own source package says what rpmbuild's says.
fn source_packages(project: &Path, distribution: &str, top: &Path) {
    let directory = top.join("own");
    succeed(&generation(project, distribution, &directory).arg("--srpm"));
    let found = fs_err::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let [own] = found.as_slice() else { panic!("{distribution}: {found:?}") };
    let format = "%{SUMMARY}|%{DESCRIPTION}|%{LICENSE}|%{URL}|%{VENDOR}|[%{CHANGELOGNAME} %{CHANGELOGTEXT}]|[%{SOURCE} ]|\
                  [%{PATCH} ]|[%{NOSOURCE} ]";
    assert_eq!(query(own, format), query(&source_package(top), format), "{distribution}");
    assert!(own.display().to_string().ends_with(".nosrc.rpm"), "{distribution}: {}", own.display());
}

/// What the packages put on a machine.
fn installed(packages: &BTreeMap<String, PathBuf>, spec: &Path, distribution: &str, dialect: &str, top: &Path) {
    let root = top.join("root");
    fs_err::create_dir(&root).unwrap();
    for package in packages.values() {
        let unpack = "rpm2cpio \"$1\" | cpio -idm --quiet --no-absolute-filenames";
        succeed(&Command::new("sh").args(["-c", unpack, "sh"]).arg(package).dir(&root));
    }
    let read = |path: &str| fs_err::read(root.join(path)).unwrap();
    let beside = |name: &str| fs_err::read(spec.with_file_name(name)).unwrap();
    assert_eq!(read("etc/app/app.conf"), format!("\0{}\n{LINES}", attack(23)).into_bytes(), "{distribution}");
    let licenses = if dialect == "plain" { "usr/share/doc" } else { "usr/share/licenses" };
    let license = walkdir::WalkDir::new(root.join(licenses)).into_iter().map(|entry| entry.unwrap().into_path());
    let license = license.into_iter().find(|path| path.ends_with("LICENSE")).expect("the licence");
    assert_eq!(fs_err::read(license).unwrap(), format!("{}\0", attack(24)).into_bytes(), "{distribution}");
    if dialect == "plain" {
        let script = read("etc/rc.d/init.d/app-web");
        assert_eq!(script, beside("app-web.init"), "{distribution}");
        let path = root.join("etc/rc.d/init.d/app-web");
        succeed(&Command::new("sh").arg("-n").arg(&path));
        let word = format!("A={}", attack(12)).replace('\'', "'\\''");
        assert!(String::from_utf8(script).unwrap().contains(&word), "{distribution}: {word}");
        return;
    }
    let unit = read("usr/lib/systemd/system/app-web.service");
    assert_eq!(unit, beside("app-web.service"), "{distribution}");
    let unit = String::from_utf8(unit).unwrap();
    let value = |key: &str| unit.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().to_owned();
    let environment = value("Environment=").replace("%%", "%").replace("\\\"", "\"").replace("\\\\", "\\");
    assert_eq!(environment, format!("\"A={}\"", attack(12)), "{distribution}");
    assert_eq!(value("Description=").trim_end().replace("%%", "%"), attack(11), "{distribution}");
    let command = value("ExecStart=").replace("%%", "%").replace("$$", "$").replace("\\\"", "\"").replace("\\\\", "\\");
    assert_eq!(command, format!("/usr/bin/app \"{}\"", attack(10).replace('\'', "")), "{distribution}");
}

/// Control characters cannot stand in a header: they are refused where they are written.
#[test]
fn control_characters_are_refused_where_they_stand() {
    for (key, text) in [
        ("summary", "a\rb"),
        ("summary", "a\nb"),
        ("vendor", "a\0b"),
        ("license", "\u{1b}"),
        ("group", "a\u{85}b"),
        ("description", "a\0b"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let source = directory.path().join("source");
        fs_err::create_dir(&source).unwrap();
        fs_err::write(source.join("app.py"), "").unwrap();
        let escaped = text.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect::<String>();
        fs_err::write(source.join("omnipack.toml"), format!("[package]\n{key} = \"{escaped}\"\n")).unwrap();
        let output = generation(&source, "fedora-42", &directory.path().join("out")).run().unwrap();
        assert_eq!(output.code, 2, "{key} {text:?}: {}", both(&output));
        assert!(both(&output).contains("omnipack.toml:2"), "{key} {text:?}: {}", both(&output));
    }
}

/// Pieces that mean something to rpm, a shell, TOML or the templates, and others.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = [
        "%",
        "%%",
        "%{",
        "}",
        "%(touch touched1)",
        "%{lua:os.execute('touch touched2')}",
        "%{expand:",
        "%[",
        "%define a b",
        "%if 1",
        "%endif",
        "%post",
        "%name",
        "%{?x}",
        "%1",
        "%*",
        "%!",
        "\\",
        "#",
        "*",
        "-",
        "$(touch touched3)",
        "`",
        "\"",
        "'",
        " ",
        "  ",
        "\t",
        "ü",
        "\u{a0}",
        "\u{2028}",
        "<lua>",
        "{{ name }}",
        "{% raw %}",
        "{#",
        "Name: evil",
        ";",
        "&",
    ];
    let piece = prop_oneof![
        4 => proptest::sample::select(pieces.to_vec()).prop_map(str::to_owned),
        1 => "[^\\p{C}]{0,6}",
    ];
    proptest::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

/// Packages in one spec file: one call of rpmspec reads them all.
const PACKAGES: usize = 30;

#[test]
fn any_text_survives() {
    let mut runner =
        TestRunner::new(Config { cases: 4, max_shrink_iters: 40, failure_persistence: None, ..Config::default() });
    let text = (hostile(), proptest::collection::vec(hostile(), 1..6));
    let texts = proptest::collection::vec(text, PACKAGES);
    let outcome = runner.run(&(texts, 0..DIALECTS.len()), |(texts, dialect)| {
        survive(&texts, DIALECTS[dialect]);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

fn survive(texts: &[(String, Vec<String>)], (distribution, dialect): (&str, &str)) {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("source");
    fs_err::create_dir(&source).unwrap();
    fs_err::write(source.join("app.py"), "").unwrap();
    let one_line = |text: &str| text.replace('\t', " ");
    let mut configuration =
        "[package]\nname = \"app\"\nversion = \"1.0\"\nchangelog = \"CHANGES.md\"\nmaintainer = \"A <a@b.c>\"\n"
            .to_owned();
    let mut changes = "# Changes\n\n## 1.0 - 2024-02-29\n\n".to_owned();
    for (index, (summary, lines)) in texts.iter().enumerate() {
        configuration.push_str(&format!(
            "[[meta-package]]\nname = \"m{index}\"\nscripts = []\nsummary = {}\ndescription = {}\n",
            quoted(&format!("x{}", one_line(summary))),
            quoted(&format!("x{}", lines.join("\n"))),
        ));
        changes.push_str(&format!("- x{}\n", one_line(summary)));
    }
    fs_err::write(source.join("omnipack.toml"), configuration).unwrap();
    fs_err::write(source.join("CHANGES.md"), changes).unwrap();
    let spec = generate(&source, distribution, &directory.path().join("SOURCES"));
    let format = "%{NAME}\u{1}%{SUMMARY}\u{1}%{DESCRIPTION}\u{1}[%{CHANGELOGTEXT}]\u{2}";
    let found = succeed(&rpm_tool("rpmspec", dialect, directory.path()).args(["-q", "--qf", format]).arg(&spec));
    let log = texts.iter().map(|(summary, _)| format!("- x{}", one_line(summary)).trim_end().to_owned());
    let log = prose(&log.collect::<Vec<_>>().join("\n"));
    let packages = found.split('\u{2}').filter_map(|package| package.split_once('\u{1}')).collect::<BTreeMap<_, _>>();
    for (index, (summary, lines)) in texts.iter().enumerate() {
        let summary = format!("x{}", one_line(summary)).trim().to_owned();
        // A summary has no full stop at its end; an ellipsis stays.
        let stopped = summary.strip_suffix('.').filter(|rest| !rest.ends_with('.'));
        let summary = stopped.map_or(summary.clone(), |rest| rest.trim_end().to_owned());
        let expected = [summary, prose(&format!("x{}", lines.join("\n")))];
        let found = packages[format!("app-m{index}").as_str()].split('\u{1}').collect::<Vec<_>>();
        assert_eq!(found[..2], expected, "m{index} on {distribution}");
    }
    // rpmspec says it of the main package only.
    assert_eq!(packages["app"].rsplit('\u{1}').next(), Some(log.as_str()), "{distribution}");
    assert_untouched(directory.path(), distribution);
}
