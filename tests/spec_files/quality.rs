//! What maintainers look for in a spec file before they take it over.

use std::path::Path;

use crate::rpmbuild::{build_spec, list, project};
use crate::support::{both, expect_success};
use crate::tool::{DIALECTS, generate, undated};

const PYPROJECT: &str = "[build-system]\nrequires = [\"setuptools>=61\"]\nbuild-backend = \"setuptools.build_meta\"\n[project]\n\
    name = \"greeter\"\nversion = \"1.0\"\ndependencies = [\"greetings[loud]>=2,<3; python_version>='3'\", \"winner; sys_platform=='win32'\"]\n\
    authors = [{ name = \"Up Stream\", email = \"up@stream.example\" }]\nscripts.greeter = \"greeter:main\"\n\
    [tool.setuptools]\npackages = [\"greeter\"]\n[tool.setuptools.data-files]\n\"share/greeter/words\" = [\"words.txt\"]\n\
    \"share/man/man1\" = [\"greeter.1\"]\n\"etc/greeter\" = [\"greeter.conf\"]\n";

/// A project whose one program is a service, with data.
fn greeter(directory: &Path, maintainer: &str) {
    let files = [
        ("pyproject.toml", PYPROJECT),
        ("greeter/__init__.py", "def main():\n    pass\n"),
        ("words.txt", "hello\n"),
        ("greeter.1", ".TH GREETER 1\n"),
        ("greeter.conf", "loud = no\n"),
    ];
    for (name, text) in files {
        fs_err::create_dir_all(directory.join(name).parent().unwrap()).unwrap();
        fs_err::write(directory.join(name), text).unwrap();
    }
    let service =
        format!("[package]\n{maintainer}\n[[service]]\nname = \"web\"\ncommand = \"greeter\"\nuser = \"root\"\n");
    fs_err::write(directory.join("omnipack.toml"), service).unwrap();
}

/// No package is empty, and no directory belongs to nobody.
#[test]
fn all_that_is_installed_belongs_to_a_package_and_no_package_is_empty() {
    for (distribution, dialect) in DIALECTS {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path();
        greeter(&top.join("source"), "maintainer = \"Ada <ada@example.org>\"");
        let project = project(&top.join("source"), distribution, top);
        let spec = generate(&project, distribution, &top.join("SOURCES"));
        let text = fs_err::read_to_string(&spec).unwrap();
        let packages = build_spec(&spec, distribution, dialect, top);
        for (name, package) in &packages {
            assert!(
                !list(package, "-l").iter().any(|line| line.contains("contains no files")),
                "{distribution}: {name}"
            );
        }
        let inside = list(&packages["greeter"], "-l");
        if dialect == "plain" {
            assert!(packages.contains_key("greeter-cli"), "its links are there: {packages:?}");
            // What `%pretrans` of omnipack's own packages notes.
            assert!(!text.contains("pretrans") && !text.contains("moved=$base"), "{text}");
        } else {
            assert_eq!(packages.keys().collect::<Vec<_>>(), ["greeter", "greeter-node"], "{distribution}");
            for owned in
                ["/usr/bin/greeter", "/usr/share/greeter", "/usr/share/greeter/words", "/usr/etc", "/usr/etc/greeter"]
            {
                assert!(inside.contains(&owned.to_owned()), "{distribution}: {owned}\n{inside:#?}");
            }
            for other in ["/usr/share", "/usr/share/man", "/usr/share/man/man1"] {
                assert!(!inside.contains(&other.to_owned()), "{distribution}: {other}\n{inside:#?}");
            }
            assert!(text.contains("\n%{_mandir}/man1/greeter.1*\n"), "{text}");
        }
        let log = text.rsplit_once("%changelog").unwrap().1;
        assert!(log.contains(" Ada <ada@example.org> - 1.0-1\n") && !log.contains("Up Stream"), "{text}");
    }
}

/// A spec file is kept by hand: a new version is a change of its version and the new archive. The metadata is the project's,
/// and what has a mistake in it is no package.
#[test]
fn a_setup_that_is_written_follows_the_spec_file() {
    for (distribution, dialect) in DIALECTS.into_iter().filter(|(_, dialect)| ["setup", "plain"].contains(dialect)) {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path();
        greeter(&top.join("source"), "maintainer = \"Ada <ada@example.org>\"");
        let project = project(&top.join("source"), distribution, top);
        let spec = generate(&project, distribution, &top.join("SOURCES"));
        let sources = top.join("SOURCES");
        // The next release has one more module.
        let line = "mkdir next && tar -xzf greeter-1.0.tar.gz -C next && mv next/greeter-1.0 next/greeter-1.1 && \
                    printf 'x = 1\\n' > next/greeter-1.1/greeter/more.py && tar -czf greeter-1.1.tar.gz -C next greeter-1.1";
        expect_success(&omnipack::exec::Command::new("sh").args(["-ec", line]).dir(&sources));
        let text = fs_err::read_to_string(&spec).unwrap();
        let text = text.replace("%global pypi_version 1.0\n", "%global pypi_version 1.1\n");
        fs_err::write(&spec, &text).unwrap();
        let packages = build_spec(&spec, distribution, dialect, top);
        let inside = list(&packages["greeter"], "-l");
        let metadata = inside.iter().find(|path| path.ends_with("/requires.txt")).expect("requires.txt");
        assert!(metadata.contains("greeter-1.1"), "{distribution}: {inside:#?}");
        assert!(inside.iter().any(|path| path.ends_with("/greeter/more.py")), "{distribution}: {inside:#?}");
        let line = format!("rpm2cpio {} | cpio -i --quiet --to-stdout '.{metadata}'", packages["greeter"].display());
        let requires = expect_success(&omnipack::exec::Command::new("sh").args(["-ec", &line]));
        assert!(requires.contains("greetings[loud]") && !requires.contains("winner"), "{distribution}: {requires}");

        let broken =
            "printf 'def (\\n' > next/greeter-1.1/greeter/more.py && tar -czf greeter-1.1.tar.gz -C next greeter-1.1";
        expect_success(&omnipack::exec::Command::new("sh").args(["-ec", broken]).dir(&sources));
        let build = crate::tool::rpm_tool("rpmbuild", dialect, top).args(["-bi", "--nodeps"]).arg(&spec);
        let build = build.args([
            "--define",
            "_python_bytecompile_errors_terminate_build 0",
            "--define",
            "__brp_python_bytecompile %{nil}",
        ]);
        let output = build.env("PATH", crate::rpmbuild::path_of(crate::tool::python())).run().unwrap();
        assert!(output.code != 0 && both(&output).contains("SyntaxError"), "{distribution}: {}", both(&output));
        assert!(both(&output).contains("(%check)"), "{distribution}: {}", both(&output));
    }
}

/// The author of an application does not maintain its packages.
#[test]
fn the_change_log_is_of_who_maintains_the_package() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("source");
    greeter(&source, "");
    let cases: [(&[(&str, &str)], &str); 4] = [
        (&[], "FIXME <fixme@example.invalid>"),
        (&[("RPM_PACKAGER", "Grace <grace@example.org>"), ("DEBEMAIL", "no@example.org")], "Grace <grace@example.org>"),
        (&[("DEBFULLNAME", "Alan"), ("DEBEMAIL", "alan@example.org")], "Alan <alan@example.org>"),
        (&[("RPM_PACKAGER", "not one")], "FIXME <fixme@example.invalid>"),
    ];
    for (index, (variables, expected)) in cases.into_iter().enumerate() {
        let output = directory.path().join(index.to_string());
        let mut command = undated(&source, "fedora-42", &output).env("SOURCE_DATE_EPOCH", "1700000000");
        for name in ["RPM_PACKAGER", "DEBFULLNAME", "DEBEMAIL"] {
            command = command.env_remove(name);
        }
        for (name, value) in variables {
            command = command.env(name, value);
        }
        let ran = command.run().unwrap();
        let said = both(&ran).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(ran.code, 0, "{said}");
        let text = fs_err::read_to_string(output.join("greeter.spec")).unwrap();
        assert!(text.contains(&format!("%changelog\n* Tue Nov 14 2023 {expected} - 1.0-1\n")), "{variables:?}\n{text}");
        assert!(!said.contains("/usr/sbin"), "nobody asked for links there: {said}");
        assert_eq!(said.contains("RPM_PACKAGER"), expected.starts_with("FIXME"), "{variables:?}: {said}");
        assert!(said.contains("`/usr/etc/greeter/greeter.conf`"), "{said}");
    }
}

/// Nothing is required for the build that cannot be there: setuptools 61 does not run on the Python of openSUSE Leap.
#[test]
fn a_backend_that_the_python_is_too_old_for_is_not_required() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("source");
    greeter(&source, "");
    let output = directory.path().join("out");
    let ran = undated(&source, "opensuse-leap-15.6", &output).env("SOURCE_DATE_EPOCH", "1700000000").run().unwrap();
    let said = both(&ran).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(ran.code, 0, "{said}");
    assert!(said.contains("`setuptools>=61`, which does not run on Python 3.6"), "{said}");
    let text = fs_err::read_to_string(output.join("greeter.spec")).unwrap();
    assert!(!text.contains("setuptools >= 61") && text.contains("rm -f pyproject.toml"), "{text}");

    // As it is built where the macros of SUSE run on this Python.
    let top = directory.path().join("build");
    fs_err::create_dir_all(top.join("SOURCES")).unwrap();
    for entry in fs_err::read_dir(&output).unwrap() {
        let path = entry.unwrap().path();
        fs_err::copy(&path, top.join("SOURCES").join(path.file_name().unwrap())).unwrap();
    }
    let packages = build_spec(&top.join("SOURCES/greeter.spec"), "opensuse-leap-15.6", "suse", &top);
    let inside = list(&packages["greeter"], "-l");
    let metadata = inside.iter().any(|path| path.contains("greeter-1.0"));
    let program = inside.contains(&"/usr/bin/greeter".to_owned());
    assert!(metadata && program && inside.contains(&"/usr/share/greeter/words/words.txt".to_owned()), "{inside:#?}");
}
