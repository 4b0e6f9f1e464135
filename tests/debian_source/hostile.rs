//! Text of the user never becomes a field, a variable, a word of make or the shell, or a pattern of debhelper.

use std::path::Path;

use omnipack::exec::Command;

use crate::handmade::WheelMaker;
use crate::support::{both, expect_success, omnipack};
use crate::tool::{assert_scripts_are_sound, build, field, generate, generation, member};

/// What would leave a file behind, or another field, if anything of it were taken at its word. `N` is a number.
const ATTACKS: [&str; 3] = [
    "$(shell touch touchedN) `touch touchedN` ${source:Version} ${} ${${}}",
    "'; touch touchedN; ' \" && touch touchedN # b (= 1) | c ${shlibs:Depends},,",
    "# Depends: evil, #evil \\n\\ttouch touchedN\\\\",
];

const PATCH: &str = "--- a/app.py\n+++ b/app.py\n@@ -1,2 +1,3 @@\n+# $(touch touched14)\n def main():\n     pass\n";

/// A project with `attack` in every text that there is.
fn project(directory: &Path, attack: &str) {
    let text = |number: usize| attack.replace('N', &number.to_string()).replace('\\', "\\\\").replace('"', "\\\"");
    fs_err::create_dir_all(directory.join("etc")).unwrap();
    fs_err::write(directory.join("app.py"), "def main():\n    pass\n").unwrap();
    fs_err::write(directory.join("etc/app.conf"), attack).unwrap();
    fs_err::write(directory.join("LICENSE"), format!("Copyright 2024 {attack}\n\nPermission is granted to {attack}\n"))
        .unwrap();
    let script = "cat <<'THE_END'\n".to_owned() + &attack.replace('N', "20") + "\nTHE_END\n";
    fs_err::write(directory.join("post.sh"), format!("#!/bin/sh\n{script}")).unwrap();
    fs_err::write(directory.join(format!("{}.patch", attack.replace('N', "13").replace('/', ""))), PATCH).unwrap();
    let changes =
        format!("# Changes\n\n## 1.0 - 2024-02-29\n\n- x {0}\n  {0}\n* {0}\n -- x\n", attack.replace('N', "21"));
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
        "[package]\nsummary = \"{}\"\ndescription = '''\nFirst.\n{}\n\n.\nPackage: evil\n\tTab: x\n'''\nlicense = \"{}\"\nvendor = \"{}\"\n\
         maintainer = \"{} <a@example.org>\"\nchangelog = \"CHANGES.md\"\n\
         [[service]]\nname = \"web\"\ncommand = \"app --x\"\ndescription = \"{}\"\nuser = \"someone\"\nenvironment = {{ A = \"{}\" }}\n\
         [[user]]\nname = \"someone\"\nhome = \"/var/lib/app\"\n\
         [[file]]\nsource = \"etc/app.conf\"\ndestination = \"/etc/app/app.conf\"\nconfig = \"noreplace\"\n\
         [scriptlets]\npre = \"post.sh\"\npost = \"post.sh\"\npreun = \"post.sh\"\npostun = \"post.sh\"\npurge = \"post.sh\"\n\
         [[trigger]]\non = \"nginx\"\nwhen = \"in\"\nscript = \"post.sh\"\n\
         [[logrotate]]\npaths = [\"/var/log/app/*.log\"]\n\
         [rpm]\npatches = [\"{}.patch\"]\n\
         [[meta-package]]\nname = \"extra\"\nsummary = \"{}\"\ndescription = \"{}\"\n",
        text(3),
        attack.replace('N', "4"),
        text(5),
        text(6),
        text(7).replace(['<', '>'], ""),
        text(8),
        text(9),
        text(13).replace('/', ""),
        text(11),
        text(12),
    );
    fs_err::write(directory.join("omnipack.toml"), configuration).unwrap();
}

#[test]
fn no_text_is_taken_for_more_than_text() {
    for attack in ATTACKS {
        let directory = tempfile::tempdir().unwrap();
        let source = directory.path().join("source");
        fs_err::create_dir(&source).unwrap();
        project(&source, attack);
        let tree = generate(&source, "debian-12", &directory.path().join("out"));
        let built = build(&tree);
        assert_scripts_are_sound(&built);
        let of = |number: &str| attack.replace('N', number);
        assert_eq!(built.packages.keys().collect::<Vec<_>>(), ["app", "app-extra", "app-node"], "{attack}");
        let (main, extra) = (&built.packages["app"], &built.packages["app-extra"]);
        let summary = of("3");
        let description = field(main, "Description");
        assert!(description.starts_with(&summary), "{attack}: {description}");
        assert!(description.contains(&format!("\n {}\n .\n  .\n Package: evil\n", of("4"))), "{attack}: {description}");
        assert!(field(extra, "Description").starts_with(&of("11")), "{attack}: {}", field(extra, "Description"));
        let maintainer = of("7").replace(['<', '>'], "");
        assert_eq!(field(main, "Maintainer"), format!("{maintainer} <a@example.org>"), "{attack}");
        for script in ["preinst", "postinst", "prerm", "postrm"] {
            let text = member(main, script);
            assert!(text.contains(&format!("\n{}\nTHE_END\n", of("20"))), "{attack}: {script}\n{text}");
        }
        for entry in walkdir::WalkDir::new(directory.path()) {
            let name = entry.unwrap().file_name().to_string_lossy().into_owned();
            assert!(!name.starts_with("touched") || name.ends_with(".patch"), "{attack} ran: {name}");
        }
    }
}

/// What upstream has for Debian goes; where that is a link, what it leads to does not.
#[test]
fn a_link_in_the_sources_is_never_followed() {
    let directory = tempfile::tempdir().unwrap();
    let precious = directory.path().join("precious");
    fs_err::create_dir(&precious).unwrap();
    fs_err::write(precious.join("file"), "mine").unwrap();
    let wheels = directory.path().join("wheels");
    fs_err::create_dir(&wheels).unwrap();
    WheelMaker::new("xapp", "1.0").file("xapp.py", "").write(&wheels);
    let setup = "from setuptools import setup\nsetup(name='xapp', version='1.0', py_modules=['xapp'])\n";
    let files =
        [("setup.py", setup), ("xapp.py", ""), ("PKG-INFO", "Metadata-Version: 2.1\nName: xapp\nVersion: 1.0\n")];
    let tree = directory.path().join("xapp-1.0");
    let sdist = |debian: &Path| {
        let _ = fs_err::remove_dir_all(&tree);
        fs_err::create_dir_all(tree.join("own")).unwrap();
        for (name, text) in files {
            fs_err::write(tree.join(name), text).unwrap();
        }
        fs_err::write(tree.join("own/control"), "upstream's").unwrap();
        fs_err::os::unix::fs::symlink(debian, tree.join("debian")).unwrap();
        let tar = Command::new("tar").arg("-C").arg(directory.path()).arg("-czf");
        expect_success(&tar.arg(wheels.join("xapp-1.0.tar.gz")).arg("xapp-1.0"));
    };
    let written = |out: &str| {
        let command = generation(Path::new("xapp==1.0"), "debian-12", &directory.path().join(out));
        command.arg("--wheels").arg(&wheels).run().unwrap()
    };

    sdist(&precious);
    let output = written("first");
    assert_eq!(fs_err::read_to_string(precious.join("file")).unwrap(), "mine", "{}", both(&output));
    assert_eq!(output.code, 1, "{}", both(&output));
    assert!(both(&output).contains("leads out"), "{}", both(&output));

    sdist(Path::new("own"));
    let output = written("second");
    assert_eq!(output.code, 0, "{}", both(&output));
    let made = directory.path().join("second/xapp-1.0");
    assert!(!made.join("debian").is_symlink() && made.join("debian/control").is_file());
    assert_eq!(fs_err::read_to_string(made.join("own/control")).unwrap(), "upstream's");
}

/// What a wheel puts outside of its tree would be installed there, or written there at once.
#[test]
fn a_wheel_that_leaves_its_tree_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    for (index, member) in
        ["xapp-1.0.data/data/../../../pwned", "xapp-1.0.data/scripts/../../pwned", "../pwned"].iter().enumerate()
    {
        let wheels = directory.path().join(index.to_string());
        let tree = directory.path().join("xapp-1.0");
        fs_err::create_dir_all(&wheels).unwrap();
        fs_err::create_dir_all(&tree).unwrap();
        WheelMaker::new("xapp", "1.0").file("xapp.py", "").file(member, "evil").write(&wheels);
        fs_err::write(tree.join("xapp.py"), "").unwrap();
        fs_err::write(tree.join("PKG-INFO"), "Metadata-Version: 2.1\nName: xapp\nVersion: 1.0\n").unwrap();
        let tar = Command::new("tar").arg("-C").arg(directory.path()).arg("-czf");
        expect_success(&tar.arg(wheels.join("xapp-1.0.tar.gz")).arg("xapp-1.0"));
        for distribution in ["debian-11", "rocky-8"] {
            let out = directory.path().join("out");
            let command = omnipack().args(["generate-spec", "xapp==1.0", "-D", distribution, "-o"]).arg(&out);
            let output = command.arg("--wheels").arg(&wheels).run().unwrap();
            assert_eq!(output.code, 1, "{member}: {}", both(&output));
            assert!(both(&output).contains("outside of the tree"), "{member}: {}", both(&output));
            assert!(!out.exists(), "{member}");
        }
    }
}
