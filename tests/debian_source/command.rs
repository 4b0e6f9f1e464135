//! The command line: which distributions are written for, and where things go.

use std::path::Path;

use omnipack::exec::Output;

use crate::support::{both, fixture, omnipack};
use crate::tool::{build, contents, relations};

fn generate(project: &str, arguments: &[&str], directory: &Path) -> Output {
    let command = omnipack().args(["generate-spec", "--output-directory"]).arg(directory).args(arguments).arg(project);
    command.run().unwrap()
}

fn project(directory: &Path, targets: &str) -> String {
    let source = directory.join("source");
    fs_err::create_dir(&source).unwrap();
    for name in ["pyproject.toml", "minimal.py"] {
        fs_err::copy(fixture("minimal").join(name), source.join(name)).unwrap();
    }
    fs_err::write(source.join("omnipack.toml"), format!("[targets]\ndistributions = {targets}\n")).unwrap();
    source.display().to_string()
}

#[test]
fn debian_takes_those_targets_that_have_debian_packages() {
    let directory = tempfile::tempdir().unwrap();
    let source = project(directory.path(), r#"["fedora-42", "debian-12", "ubuntu-24.04"]"#);
    let output = generate(&source, &["--debian", "--json"], &directory.path().join("deb"));
    assert_eq!(output.code, 0, "{}", both(&output));
    let written: serde_json::Value = serde_json::from_str(&output.stdout_text()).unwrap();
    let names = written.as_array().unwrap().iter().map(|one| one["distribution"].as_str().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), ["debian-12", "ubuntu-24.04"]);
    for (name, one) in ["debian-12", "ubuntu-24.04"].iter().zip(written.as_array().unwrap()) {
        let tree = directory.path().join("deb").join(name).join("minimal-1.0");
        assert_eq!(one["tree"], tree.display().to_string());
        assert!(tree.join("debian/rules").exists() && tree.join("minimal.py").exists());
        assert!(Path::new(one["archive"].as_str().unwrap()).ends_with("minimal_1.0.orig.tar.gz"));
    }

    let output = generate(&source, &["--quiet"], &directory.path().join("all"));
    assert_eq!((output.code, output.stdout_text()), (0, String::new()), "{}", both(&output));
    assert!(directory.path().join("all/fedora-42/minimal.spec").exists());
    assert!(directory.path().join("all/debian-12/minimal-1.0/debian/control").exists());
}

#[test]
fn what_cannot_be_is_a_clear_error() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    let source = project(directory.path(), r#"["fedora-42"]"#);
    for (arguments, code, help) in [
        (&["--debian", "-D", "rocky-9"][..], "debian::format", "--debian"),
        (&["--debian"], "debian::format", "--distribution"),
        (&["-D", "ubuntu-20.04"], "debian::debhelper", "newer"),
    ] {
        let output = generate(&source, arguments, &out);
        assert_eq!(output.code, 2, "{arguments:?}: {}", both(&output));
        assert!(both(&output).contains(code) && both(&output).contains(help), "{arguments:?}: {}", both(&output));
        assert!(!out.exists());
    }
    assert_eq!(generate(&source, &["-D", "debian-12"], &out).code, 0);
    let changed = out.join("minimal-1.0/debian/rules");
    fs_err::write(&changed, "mine").unwrap();
    let again = generate(&source, &["-D", "debian-12"], &out);
    assert_eq!(again.code, 2, "{}", both(&again));
    assert!(both(&again).contains("debian::exists"), "{}", both(&again));
    assert_eq!(fs_err::read_to_string(changed).unwrap(), "mine");
    assert_eq!(fs_err::read_dir(&out).unwrap().count(), 2, "nothing else is left");
    let forced = generate(&source, &["-D", "debian-12", "--force"], &out);
    assert_eq!(
        (forced.code, fs_err::read_to_string(out.join("minimal-1.0/debian/rules")).unwrap()),
        (2, "mine".to_owned())
    );
}

/// A tree that nobody has changed may stay; of archives for one version, dpkg-source takes one only.
#[test]
fn what_is_there_stays_unless_it_is_an_archive_and_force_is_used() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    let source = project(directory.path(), r#"["debian-12"]"#);
    assert_eq!(generate(&source, &[], &out).code, 0);
    let again = generate(&source, &[], &out);
    assert_eq!(again.code, 0, "{}", both(&again));
    let (archive, other) = (out.join("minimal_1.0.orig.tar.gz"), out.join("minimal_1.0.orig.tar.xz"));
    let made = fs_err::read(&archive).unwrap();
    fs_err::write(&archive, "another").unwrap();
    fs_err::write(&other, "another").unwrap();
    let refused = generate(&source, &[], &out);
    assert_eq!(refused.code, 2, "{}", both(&refused));
    for name in ["spec::exists", "minimal_1.0.orig.tar.gz", "minimal_1.0.orig.tar.xz"] {
        assert!(both(&refused).contains(name), "{}", both(&refused));
    }
    assert_eq!(fs_err::read_to_string(&archive).unwrap(), "another");
    let forced = generate(&source, &["--force"], &out);
    assert_eq!(forced.code, 0, "{}", both(&forced));
    assert!(fs_err::read(&archive).unwrap() == made && !other.exists());
}

/// A release of the index, whose sdist has a `setup.py` and no `pyproject.toml`.
#[test]
fn a_release_of_the_index_is_built() {
    let directory = tempfile::tempdir().unwrap();
    let output = generate("prettytable==0.7.2", &["-D", "debian-12"], directory.path());
    assert_eq!(output.code, 0, "{}", both(&output));
    let tree = directory.path().join("prettytable-0.7.2");
    let built = build(&tree);
    let inside = contents(&built.packages["prettytable"]);
    assert!(
        inside.iter().any(|entry| entry.ends_with("./usr/lib/python3/dist-packages/prettytable.py")),
        "{inside:#?}"
    );
    assert!(relations(&built.packages["prettytable"], "Depends").contains(&"python3:any".to_owned()));
}

/// Modules and a requirement file: `setup.py` comes as a patch.
#[test]
fn modules_are_built() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("loose");
    fs_err::create_dir(&source).unwrap();
    fs_err::write(source.join("loose.py"), "print('$HOME')\n").unwrap();
    fs_err::write(source.join("requirements.txt"), "PyYAML>=5\n").unwrap();
    let output = generate(&source.display().to_string(), &["-D", "debian-12"], &directory.path().join("out"));
    assert_eq!(output.code, 0, "{}", both(&output));
    let tree = fs_err::read_dir(directory.path().join("out")).unwrap().map(|entry| entry.unwrap().path());
    let tree = tree.into_iter().find(|path| path.is_dir()).unwrap();
    let built = build(&tree);
    let package = &built.packages["loose"];
    assert!(
        contents(package).iter().any(|entry| entry.ends_with("dist-packages/loose.py")),
        "{:#?}",
        contents(package)
    );
    assert!(relations(package, "Depends").contains(&"python3-yaml (>= 5)".to_owned()));
}

/// Building leaves `*.egg-info` beside the modules; what the sdist has of it is no change of upstream's sources.
#[test]
fn a_tree_is_built_again_and_again() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("again");
    fs_err::create_dir_all(source.join("src/again/deep")).unwrap();
    fs_err::write(source.join("src/again/__init__.py"), "").unwrap();
    let project = "[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n\
                   [project]\nname = 'Again.And-again'\nversion = '1.0'\nlicense = { text = 'MIT' }\n\
                   dependencies = ['six!=1.5,!=1.6.*,<2', 'click!=7.0']\n";
    fs_err::write(source.join("pyproject.toml"), project).unwrap();
    let output = generate(&source.display().to_string(), &["-D", "debian-12"], &directory.path().join("out"));
    assert_eq!(output.code, 0, "{}", both(&output));
    let tree = directory.path().join("out/again-and-again-1.0");
    build(&tree);
    let depends = relations(&build(&tree).packages["again-and-again"], "Depends");
    let expected = [
        "python3-click (<< 7) | python3-click (>= 7.0.0.0~~)",
        "python3-six (<< 1.5) | python3-six (>= 1.5.0.0~~)",
        "python3-six (<< 1.6~~) | python3-six (>= 1.7)",
        "python3-six (<< 2~~)",
    ];
    for relation in expected {
        assert!(depends.contains(&relation.to_owned()), "{relation}: {depends:#?}");
    }
}
