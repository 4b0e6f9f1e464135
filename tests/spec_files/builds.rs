//! rpmbuild makes packages of the fixtures, in every dialect, and what is in them is what the plan says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::rpmbuild::{build_from, files, list, query};
use crate::support::{fixture, repository};
use crate::tool::{DIALECTS, generate};

/// Builds everything, and gives the binary packages by name.
fn build(name: &str, distribution: &str, dialect: &str, top: &Path) -> BTreeMap<String, PathBuf> {
    build_from(&fixture(name), distribution, dialect, top)
}

#[test]
fn cdhboot_is_built_in_every_dialect() {
    for (distribution, dialect) in DIALECTS {
        let directory = tempfile::tempdir().unwrap();
        let packages = build("cdhboot", distribution, dialect, directory.path());
        assert_eq!(packages.keys().collect::<Vec<_>>(), ["cdhboot", "cdhboot-cli", "cdhboot-node"], "{distribution}");
        let (main, cli, node) = (&packages["cdhboot"], &packages["cdhboot-cli"], &packages["cdhboot-node"]);
        let node_files = files(node);
        assert!(
            node_files.contains(&"100640 root sysadmin /etc/cdhboot/cdhboot.conf".to_owned()),
            "{distribution}: {node_files:#?}"
        );
        assert!(node_files.contains(&"40750 sysadmin sysadmin /var/lib/cdhboot".to_owned()), "{node_files:#?}");
        assert!(list(node, "--configfiles").contains(&"/etc/cdhboot/cdhboot.conf".to_owned()));
        assert!(list(cli, "-l").contains(&"/usr/bin/cdhboot".to_owned()), "{distribution}");
        assert!(list(cli, "-R").contains(&format!("cdhboot = {}", query(main, "%{VERSION}-%{RELEASE}"))));
        let inside = list(main, "-l");
        let template = inside.iter().any(|path| path.ends_with("site-packages/cdhboot/templates/base.html"));
        assert!(template, "{distribution}: {inside:#?}");
        assert!(inside.iter().all(|path| path != "/usr/bin" && path != "/usr"), "{distribution}: {inside:#?}");
        let requires = list(main, "-R");
        match dialect {
            "modern" => assert!(list(main, "--scripts").iter().any(|line| line.contains("useradd -r sysadmin"))),
            "setup" => assert!(requires.contains(&"python3dist(flask-login)".to_owned()), "{requires:#?}"),
            "suse" => assert!(requires.iter().any(|name| name.ends_with("-Flask")), "{requires:#?}"),
            _ => {
                assert!(requires.iter().any(|name| name.ends_with("-flask-login")), "{requires:#?}");
                assert!(inside.contains(&"/opt/cdhboot/pyvenv.cfg".to_owned()), "{inside:#?}");
                assert!(node_files.contains(&"100755 root root /etc/rc.d/init.d/cdhboot-web".to_owned()));
            }
        }
        if dialect != "plain" {
            let scripts = list(node, "--scripts").join("\n");
            assert!(scripts.contains("preset cdhboot-web.service cdhboot-worker.service"), "{distribution}: {scripts}");
            let unit = node_files.contains(&"100644 root root /usr/lib/systemd/system/cdhboot-web.service".to_owned());
            assert!(unit, "{distribution}: {node_files:#?}");
        }
    }
}

/// Every fixture: those of `fixtures/` are read from there, so that a new one is built, too.
#[test]
fn the_other_fixtures_are_built_in_every_dialect() {
    let expected: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("minimal", ["minimal"].as_slice()),
        ("native", &["native-probe", "native-probe-cli"]),
        (
            "flocker",
            &[
                "clusterhq-flocker-cli",
                "clusterhq-flocker-docker-plugin",
                "clusterhq-flocker-node",
                "clusterhq-python-flocker",
            ],
        ),
    ]);
    let entries = fs_err::read_dir(repository().join("fixtures")).unwrap().map(|entry| entry.unwrap().file_name());
    let fixtures = entries.map(|name| name.to_string_lossy().into_owned()).collect::<Vec<_>>();
    // cdhboot is looked into more closely above; `broken` has what nothing can be made of (tests/config_errors.rs, resolve.rs).
    let others = fixtures.iter().filter(|name| !["cdhboot", "broken"].contains(&name.as_str()));
    for name in others {
        let names = expected.get(name.as_str()).unwrap_or_else(|| panic!("what packages does fixtures/{name} have?"));
        for (distribution, dialect) in DIALECTS {
            let directory = tempfile::tempdir().unwrap();
            let packages = build(name, distribution, dialect, directory.path());
            assert_eq!(packages.keys().collect::<Vec<_>>(), *names, "{name} on {distribution}");
        }
    }
}

/// Programs that are no entry points, and manual pages: what a wheel has elsewhere than among the modules.
#[test]
fn what_lies_elsewhere_is_packaged() {
    let pyproject = "[build-system]\nrequires = [\"setuptools>=61\"]\nbuild-backend = \"setuptools.build_meta\"\n[project]\n\
                     name = \"Odd.App\"\nversion = \"1.0\"\n[tool.setuptools]\npackages = [\"odd\"]\npackage-dir = {\"\" = \"src\"}\n\
                     script-files = [\"odd-tool\"]\n[tool.setuptools.data-files]\n\"share/man/man1\" = [\"odd.1\"]\n";
    let files = [
        ("pyproject.toml", pyproject),
        ("src/odd/__init__.py", ""),
        ("src/odd/deep/data.txt", "x"),
        ("odd-tool", "#!python\nprint('odd')\n"),
        ("odd.1", ".TH ODD 1\n"),
    ];
    for (distribution, dialect) in DIALECTS {
        let directory = tempfile::tempdir().unwrap();
        let source = directory.path().join("source");
        for (name, text) in files {
            fs_err::create_dir_all(source.join(name).parent().unwrap()).unwrap();
            fs_err::write(source.join(name), text).unwrap();
        }
        let packages = build_from(&source, distribution, dialect, directory.path());
        let inside = list(&packages["odd-app"], "-l");
        let prefix = if dialect == "plain" { "/opt/odd-app" } else { "/usr" };
        for path in ["bin/odd-tool", "share/man/man1/odd.1"] {
            let path = format!("{prefix}/{path}");
            assert!(inside.iter().any(|found| found.starts_with(&path)), "{distribution}: {path}\n{inside:#?}");
        }
        let module = inside.iter().any(|path| path.ends_with("site-packages/odd/__init__.py"));
        assert!(module, "{distribution}: {inside:#?}");
    }
}

/// The same input gives the same text.
#[test]
fn a_spec_is_reproducible() {
    assert!(repository().join("fixtures/flocker").exists());
    for (distribution, _) in DIALECTS {
        let directory = tempfile::tempdir().unwrap();
        let texts = ["one", "two"].map(|name| {
            let spec = generate(&fixture("flocker"), distribution, &directory.path().join(name));
            fs_err::read_to_string(spec).unwrap()
        });
        assert_eq!(texts[0], texts[1]);
    }
}

/// The `setup.py` that is written for old macros has lists of files, which setuptools takes as patterns.
#[test]
fn names_with_signs_of_patterns_are_installed() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("source");
    fs_err::create_dir_all(source.join("pages/static")).unwrap();
    let project = "[build-system]\nrequires = ['flit_core>=3.2,<4']\nbuild-backend = 'flit_core.buildapi'\n\
                   [project]\nname = 'pages'\nversion = '1.0'\ndescription = 'Pages'\n";
    fs_err::write(source.join("pyproject.toml"), project).unwrap();
    fs_err::write(source.join("pages/__init__.py"), "").unwrap();
    let names = ["[slug].js", "a*b", "what?", "plain.js"];
    for name in names {
        fs_err::write(source.join("pages/static").join(name), "").unwrap();
    }
    for (distribution, dialect) in DIALECTS.into_iter().filter(|(_, dialect)| ["setup", "plain"].contains(dialect)) {
        let directory = tempfile::tempdir().unwrap();
        let inside = list(&build_from(&source, distribution, dialect, directory.path())["pages"], "-l");
        for name in names {
            let end = format!("/pages/static/{name}");
            assert!(inside.iter().any(|path| path.ends_with(&end)), "{distribution}: {name}: {inside:#?}");
        }
    }
}
