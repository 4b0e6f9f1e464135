//! What rpm is told about a package beside its files' content: change log, source package, licences, log rotation.

mod handmade;

use std::path::{Path, PathBuf};

use handmade::{WheelMaker, listing, omnipack};
use omnipack::exec::Command;

const PROJECT: &str = "\
[project]
name = 'demo-app'
version = '1.2'
dependencies = ['licensed']
[build-system]
requires = ['setuptools']
build-backend = 'setuptools.build_meta'
[tool.setuptools]
py-modules = ['demo_app']
[project.scripts]
demo-app = 'demo_app:main'
[tool.omnipack.package]
maintainer = 'A Person <a@example.org>'
release = '7'
epoch = 2
[tool.omnipack.python]
bytecode = 'none'
";

const ROTATION: &str = "[[tool.omnipack.logrotate]]\npaths = ['/var/log/demo/*.log']\n";

struct Built {
    _root: tempfile::TempDir,
    packages: Vec<PathBuf>,
}

impl Built {
    fn new(project: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        for name in ["wheels", "project", "out"] {
            fs_err::create_dir(root.path().join(name)).unwrap();
        }
        let info = "licensed-1.0.dist-info";
        WheelMaker::new("licensed", "1.0")
            .file("licensed.py", "LICENSE = 'a module, no licence'\n")
            .file(&format!("{info}/licenses/vendored/TERMS.txt"), "PEP 639\n")
            .file(&format!("{info}/LICENSE.txt"), "before PEP 639\n")
            .file(&format!("{info}/top_level.txt"), "licensed\n")
            .file("licensed_data/LICENSE", "data of the module\n")
            .write(&root.path().join("wheels"));
        fs_err::write(root.path().join("project/pyproject.toml"), project).unwrap();
        fs_err::write(root.path().join("project/demo_app.py"), "def main(): pass\n").unwrap();
        let out = root.path().join("out");
        let mut command = omnipack(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("resolve-cache"));
        command.args(["--distribution", "rocky-9", "--wheels"]).arg(root.path().join("wheels"));
        command.arg("-d").arg(&out).arg(root.path().join("project")).env("SOURCE_DATE_EPOCH", "1704164645");
        command.assert().success();
        let packages = listing(&out).iter().map(|name| out.join(name)).collect();
        Self { _root: root, packages }
    }

    /// What rpm says of the package whose file name starts with `start`.
    fn ask(&self, start: &str, question: &[&str]) -> String {
        let named = |path: &&PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(start);
        let package: &Path = self.packages.iter().find(named).unwrap();
        let command = Command::new("rpm").args(["-qp", "--nosignature"]).args(question).arg(package);
        command.env("TZ", "UTC").env("LC_ALL", "C").run_checked().unwrap().stdout_text()
    }
}

#[test]
fn a_project_without_a_change_log_says_what_was_packaged() {
    let built = Built::new(PROJECT);
    for package in ["demo-app-1.2", "demo-app-cli-1.2"] {
        assert_eq!(
            built.ask(package, &["--changelog"]).trim(),
            "* Tue Jan 02 2024 A Person <a@example.org> - 2:1.2-7\n- Package of demo-app 1.2"
        );
    }
}

#[test]
fn a_change_log_of_the_project_is_taken_instead() {
    let root = tempfile::tempdir().unwrap();
    let log = root.path().join("CHANGES.md");
    fs_err::write(&log, "# Changes\n\n## 1.1 - 2023-05-06\n- Something new\n").unwrap();
    let release = format!("release = '7'\nchangelog = '{}'", log.display());
    let built = Built::new(&PROJECT.replace("release = '7'", &release));
    let said = built.ask("demo-app-1.2", &["--changelog"]);
    assert_eq!(said.trim(), "* Sat May 06 2023 A Person <a@example.org> - 1.1\n- Something new");
}

#[test]
fn every_package_of_a_build_names_the_same_source_package() {
    let built = Built::new(PROJECT);
    assert_eq!(built.packages.len(), 2);
    for package in ["demo-app-1.2", "demo-app-cli-1.2"] {
        assert_eq!(built.ask(package, &["--qf", "%{SOURCERPM}"]), "demo-app-1.2-7.src.rpm");
    }
}

#[test]
fn licences_in_the_metadata_of_wheels_are_licences_to_rpm() {
    let built = Built::new(PROJECT);
    let site = "/opt/demo-app/lib/python3.9/site-packages/licensed-1.0.dist-info";
    let expected = format!("{site}/LICENSE.txt\n{site}/licenses/vendored/TERMS.txt\n");
    assert_eq!(built.ask("demo-app-1.2", &["--licensefiles"]), expected);
    // An installation without documentation has them all the same.
    assert_eq!(built.ask("demo-app-1.2", &["--docfiles"]).trim(), "");
}

#[test]
fn a_package_with_log_rotation_requires_what_rotates() {
    let requires = |project: &str| {
        let said = Built::new(project).ask("demo-app-1.2", &["--requires"]);
        said.lines().filter(|line| *line == "logrotate").count()
    };
    assert_eq!(requires(PROJECT), 0);
    assert_eq!(requires(&format!("{PROJECT}{ROTATION}")), 1);
    // Asked for by the user too: once.
    let both = format!("{PROJECT}{ROTATION}[tool.omnipack.relations]\nrequires = ['logrotate']\n");
    assert_eq!(requires(&both), 1);
}

#[test]
fn a_file_can_have_capabilities() {
    let file =
        "[[tool.omnipack.file]]\nsource = 'demo_app.py'\ndestination = '/opt/demo-app/libexec/listen'\nmode = '0755'\n";
    let built = Built::new(&format!("{PROJECT}{file}capabilities = 'cap_net_bind_service=ep'\n"));
    let said = built.ask("demo-app-1.2", &["--filecaps"]);
    let line = said.lines().find(|line| line.starts_with("/opt/demo-app/libexec/listen")).unwrap();
    assert!(line.contains("cap_net_bind_service") && line.ends_with("ep"), "{line}");
}
