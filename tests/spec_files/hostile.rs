//! Text of the user never becomes a macro, a command, a tag or a section: whatever stands in the configuration, the
//! metadata and the change log.

use std::path::Path;

use crate::support::both;
use crate::tool::{DIALECTS, generate, generation, rpm_tool, succeed};

/// What would leave a file behind if anything of it were taken at its word. `N` is a number.
const ATTACKS: [&str; 8] = [
    "%(touch touchedN)",
    "%{lua:os.execute('touch touchedN')}",
    "%{expand:%%(touch touchedN)}",
    "%[1+1] %{!?x:%(touch touchedN)}",
    "%define name evil",
    "100% %% %{unclosed",
    "%{name} \\",
    "$(touch touchedN) `touch touchedN`",
];

/// A project with `attack` in every text that there is.
pub fn project(directory: &Path, attack: &str) {
    let text = |number: usize| attack.replace('N', &number.to_string()).replace('\\', "\\\\").replace('"', "\\\"");
    fs_err::create_dir_all(directory.join("etc")).unwrap();
    fs_err::write(directory.join("app.py"), "def main():\n    pass\n").unwrap();
    fs_err::write(directory.join("etc/app.conf"), attack).unwrap();
    fs_err::write(directory.join("LICENSE"), attack).unwrap();
    fs_err::write(directory.join("post.sh"), format!("#!/bin/sh\necho {}\n", attack.replace('N', "20"))).unwrap();
    fs_err::write(directory.join(format!("{}.patch", attack.replace('N', "13"))), "").unwrap();
    let changes = format!("# Changes\n\n## 1.0 - 2024-02-29\n\n- x {0}\n  {0}\n* {0}\n", attack.replace('N', "21"));
    fs_err::write(directory.join("CHANGES.md"), changes).unwrap();
    let pyproject = format!(
        "[build-system]\nrequires = [\"flit_core>=3.2,<4\"]\nbuild-backend = \"flit_core.buildapi\"\n\
         [project]\nname = \"app\"\nversion = \"1.0\"\ndescription = \"{}\"\n\
         dependencies = [\"flask>=1; platform_version != '{}'\"]\n[project.scripts]\napp = \"app:main\"\n",
        text(1),
        text(2).replace('\'', "")
    );
    fs_err::write(directory.join("pyproject.toml"), pyproject).unwrap();
    let configuration = format!(
        "[package]\nsummary = \"{}\"\ndescription = '''\nFirst.\n{}\n  %if 0\n%post\n* item\n'''\nlicense = \"{}\"\nvendor = \"{}\"\n\
         maintainer = \"{} <a@example.org>\"\ngroup = \"{}\"\nchangelog = \"CHANGES.md\"\n\
         [[service]]\nname = \"web\"\ncommand = \"app --x\"\ndescription = \"{}\"\nuser = \"someone\"\nenvironment = {{ A = \"{}\" }}\n\
         [[user]]\nname = \"someone\"\nhome = \"/var/lib/app\"\n\
         [[file]]\nsource = \"etc/app.conf\"\ndestination = \"/etc/app/app.conf\"\nconfig = \"noreplace\"\n\
         [scriptlets]\npost = \"post.sh\"\n\
         [[trigger]]\non = \"nginx\"\nwhen = \"in\"\nscript = \"post.sh\"\n\
         [rpm]\npatches = [\"{}.patch\"]\n\
         [[meta-package]]\nname = \"extra\"\nsummary = \"{}\"\ndescription = \"{}\"\n",
        text(3),
        attack.replace('N', "4"),
        text(5),
        text(6),
        text(7).replace(['<', '>'], ""),
        text(8),
        text(9),
        text(10),
        text(13).replace('/', ""),
        text(11),
        text(12),
    );
    fs_err::write(directory.join("omnipack.toml"), configuration).unwrap();
}

/// Neither rpmspec's expansion nor its queries run anything, and the fields are what the user wrote.
#[test]
fn no_text_is_taken_for_more_than_text() {
    for (index, attack) in ATTACKS.iter().enumerate() {
        let directory = tempfile::tempdir().unwrap();
        let source = directory.path().join("source");
        fs_err::create_dir(&source).unwrap();
        project(&source, attack);
        for (distribution, dialect) in DIALECTS {
            let top = directory.path().join(distribution);
            let spec = generate(&source, distribution, &top);
            succeed(&rpm_tool("rpmspec", dialect, &top).arg("-P").arg(&spec));
            let query = "%{NAME}|%{SUMMARY}|%{LICENSE}|%{VENDOR}|%{DESCRIPTION}\n--\n";
            let found = succeed(&rpm_tool("rpmspec", dialect, &top).args(["-q", "--qf", query]).arg(&spec));
            let of = |number: &str| attack.replace('N', number);
            let main = format!("app|{}|{}|{}|", of("3"), of("5"), of("6"));
            assert!(found.contains(&main), "{attack} on {distribution}: {main}\nis not in\n{found}");
            assert!(found.contains(&format!("app-extra|{}|", of("11"))), "{attack} on {distribution}:\n{found}");
            assert!(found.contains("- %if 0\n- %post\n- * item"), "{attack} on {distribution}:\n{found}");
            let names = found.lines().filter(|line| line.contains('|')).map(|line| line.split('|').next().unwrap());
            let mut names = names.collect::<Vec<_>>();
            names.sort_unstable();
            assert_eq!(names, ["app", "app-extra", "app-node"], "{attack} on {distribution}:\n{found}");
            assert_untouched(&top, attack, distribution);
            if index == 0 {
                would_run(&spec, dialect, &top);
            }
        }
    }
}

/// The same text with nothing escaped does run: the attack is one.
fn would_run(spec: &Path, dialect: &str, top: &Path) {
    let text = fs_err::read_to_string(spec).unwrap().replace("%%", "%");
    let bare = spec.with_file_name("bare.spec");
    fs_err::write(&bare, text).unwrap();
    rpm_tool("rpmspec", dialect, top).arg("-P").arg(&bare).run().unwrap();
    assert!(top.join("touched3").exists(), "{} runs nothing", bare.display());
}

fn assert_untouched(top: &Path, attack: &str, distribution: &str) {
    for entry in walkdir::WalkDir::new(top) {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(!name.starts_with("touched"), "{attack} ran on {distribution}: {name}");
    }
}

/// What cannot be written so that rpm leaves it alone is refused.
#[test]
fn a_script_that_rpm_would_take_apart_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("source");
    fs_err::create_dir(&source).unwrap();
    project(&source, "plain");
    fs_err::write(source.join("post.sh"), "#!/bin/sh\ncat <<X\n  %if 0\nX\n").unwrap();
    let output = generation(&source, "fedora-42", directory.path()).run().unwrap();
    assert_eq!(output.code, 2, "{}", both(&output));
    // The scriptlet and the trigger, each with its place.
    assert!(both(&output).contains("2 mistakes in the configuration"), "{}", both(&output));
    assert!(both(&output).contains("begins with `%`"), "{}", both(&output));
    assert!(!directory.path().join("app.spec").exists());
}

/// rpm would not parse it, or take it for several.
#[test]
fn what_is_no_requirement_is_refused() {
    for text in ["%(touch x)", "a %{lua:x}", "!a", "a; b", "a$(x)"] {
        let directory = tempfile::tempdir().unwrap();
        let source = directory.path().join("source");
        fs_err::create_dir(&source).unwrap();
        project(&source, "plain");
        let path = source.join("omnipack.toml");
        let configuration = fs_err::read_to_string(&path).unwrap();
        fs_err::write(&path, configuration.replace("[rpm]\n", &format!("[rpm]\nbuild-requires = [\"{text}\"]\n")))
            .unwrap();
        let output = generation(&source, "fedora-42", &directory.path().join("out")).run().unwrap();
        assert_eq!(output.code, 2, "{text}: {}", both(&output));
        assert!(both(&output).contains("is nothing that a spec file can require"), "{text}: {}", both(&output));
    }
}

/// A patch lies beside the spec under a name of its own; no path of this machine is in the text.
#[test]
fn a_patch_lies_beside_the_spec() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("source");
    fs_err::create_dir(&source).unwrap();
    project(&source, "it's plain");
    let spec = generate(&source, "fedora-42", &directory.path().join("out"));
    let text = fs_err::read_to_string(&spec).unwrap();
    assert!(text.contains("Patch0:         it_s_plain.patch\n") && text.contains("\n%autosetup -p1 "), "{text}");
    assert!(spec.with_file_name("it_s_plain.patch").is_file());
    assert!(!text.contains(&directory.path().display().to_string()), "{text}");
}

/// Paths stand in the spec as words: what would be a pattern or several of them is refused.
#[test]
fn a_path_that_rpm_would_take_for_a_pattern_is_refused() {
    for name in ["/etc/app/%{lua:x}.conf", "/etc/app/a b.conf", "/etc/app/*.conf", "/etc/app/{a}.conf", "/etc/app/$(x)"]
    {
        let directory = tempfile::tempdir().unwrap();
        let source = directory.path().join("source");
        fs_err::create_dir(&source).unwrap();
        project(&source, "plain");
        let path = source.join("omnipack.toml");
        let text = fs_err::read_to_string(&path).unwrap().replace("/etc/app/app.conf", name);
        fs_err::write(&path, text).unwrap();
        for (distribution, _) in DIALECTS {
            let output = generation(&source, distribution, &directory.path().join(distribution)).run().unwrap();
            assert_ne!(output.code, 0, "{name} on {distribution}: {}", both(&output));
        }
    }
}
