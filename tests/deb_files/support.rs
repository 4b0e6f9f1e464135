//! Versions of an application `demo`, and a machine to install them on.

use std::path::Path;

use crate::handmade::{WheelMaker, omnipack};
use crate::service_fixture::in_overlay;

/// Packages of one project, version by version.
pub struct Project {
    // Where the copy of this machine sees the packages too, unlike in `/tmp`.
    place: tempfile::TempDir,
}

impl Project {
    pub fn new() -> Self {
        Self { place: tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap() }
    }

    /// Builds a version into a directory of that name, with what `fill` writes into the project and its `config`.
    pub fn version(&self, version: &str, config: &str, fill: impl FnOnce(&Path)) -> &Self {
        self.variant(version, version, config, fill)
    }

    /// As [`Project::version`], into the directory `name`.
    pub fn variant(&self, name: &str, version: &str, config: &str, fill: impl FnOnce(&Path)) -> &Self {
        let root = self.place.path().join(name);
        fs_err::create_dir_all(&root).unwrap();
        fill(&root);
        let wheel = WheelMaker::new("demo", version)
            .file("demo.py", "def main():\n    print('demo')\n")
            .console_script("demo = demo:main")
            .write(&root);
        let text = format!("{config}\n[python]\nbytecode = \"none\"\n");
        fs_err::write(root.join("omnipack.toml"), text).unwrap();
        let mut command = omnipack(&self.place.path().join("cache"));
        command.args(["--distribution", "debian-12", "--config"]).arg(root.join("omnipack.toml"));
        command.arg("--wheels").arg(&root).arg("-d").arg(root.join("out")).arg(wheel).assert().success();
        self
    }

    /// What `script` prints on a machine without these packages. `install NAME...` installs the main package of versions,
    /// `all NAME...` every package; `handmade NAME PATH...` packs and installs other files.
    pub fn run(&self, script: &str) -> String {
        let place = omnipack::template::sh(&self.place.path().to_string_lossy());
        let before = format!(
            "export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8\nplace={place}\n{}",
            include_str!("machine.sh")
        );
        in_overlay("sh", &[&before, script].concat()).1
    }

    /// The text of a control file of the main package of a version.
    pub fn control(&self, name: &str, file: &str) -> String {
        let packages = self.place.path().join(name).join("out");
        let deb = fs_err::read_dir(packages).unwrap().map(|entry| entry.unwrap().path());
        let deb = deb.into_iter().find(|path| is_main(path)).unwrap();
        let command = omnipack::exec::Command::new("dpkg-deb").arg("--info").arg(deb).arg(file);
        command.run_checked().unwrap().stdout_text()
    }
}

fn is_main(path: &Path) -> bool {
    path.file_name().unwrap().to_string_lossy().starts_with("demo_")
}

pub fn write(root: &Path, path: &str, text: &str) {
    fs_err::create_dir_all(root.join(path).parent().unwrap()).unwrap();
    fs_err::write(root.join(path), text).unwrap();
}

pub fn link(root: &Path, path: &str, target: &str) {
    fs_err::create_dir_all(root.join(path).parent().unwrap()).unwrap();
    fs_err::os::unix::fs::symlink(target, root.join(path)).unwrap();
}

/// A `[[file]]` table.
pub fn file(source: &str, destination: &str, more: &str) -> String {
    format!("[[file]]\nsource = {source:?}\ndestination = {destination:?}\n{more}\n")
}

/// What is said between a line and the next of the kind `== title`.
pub fn part<'a>(said: &'a str, title: &str) -> &'a str {
    let start = format!("== {title}\n");
    let (_, rest) = said.split_once(&start).unwrap_or_else(|| panic!("no part {title:?} in:\n{said}"));
    rest.split("\n== ").next().unwrap().trim_end_matches('\n')
}

/// Whole parts are compared, and all that was said is shown when they differ.
pub fn assert_part(said: &str, title: &str, expected: &[&str]) {
    assert_eq!(part(said, title).lines().collect::<Vec<_>>(), expected, "{title}:\n{said}");
}
