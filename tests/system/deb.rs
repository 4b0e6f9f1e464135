//! The dpkg side of a machine: what the target offers beside what is installed, and packages of the reference tool.

use std::path::{Path, PathBuf};

use omnipack::exec::Command;

use crate::root::Root;
use crate::support::{expect_success, short_digest};
use crate::target::Target;

/// A package for the reference tool, one field or file after the other.
#[derive(Debug)]
pub struct Deb {
    control: String,
    /// Path, mode, content; paths of maintainer scripts begin with `DEBIAN/`.
    files: Vec<(String, &'static str, String)>,
}

impl Deb {
    pub fn new(name: &str, version: &str) -> Self {
        let control = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: A probe\n"
        );
        Self { control, files: Vec::new() }
    }

    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.control.push_str(&format!("{name}: {value}\n"));
        self
    }

    pub fn file(mut self, path: &str, content: &str) -> Self {
        self.files.push((path.to_owned(), "0644", content.to_owned()));
        self
    }

    pub fn program(mut self, path: &str, content: &str) -> Self {
        self.files.push((path.to_owned(), "0755", content.to_owned()));
        self
    }

    /// A maintainer script such as `postinst`, in shell.
    pub fn script(self, kind: &str, lines: &str) -> Self {
        self.program(&format!("DEBIAN/{kind}"), &format!("#!/bin/sh\n{lines}\n"))
    }

    /// Builds it into `directory`.
    pub fn build(&self, directory: &Path) -> PathBuf {
        let tree = directory.join("tree");
        let write = |path: &str, mode: &str, content: &str| {
            let path = tree.join(path.trim_start_matches('/'));
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(&path, content).unwrap();
            expect_success(&Command::new("chmod").arg(mode).arg(path));
        };
        write("DEBIAN/control", "0644", &self.control);
        self.files.iter().for_each(|(path, mode, content)| write(path, mode, content));
        let package = directory.join("package.deb");
        let command = Command::new("dpkg-deb").args(["--build", "--root-owner-group", "-Zgzip"]);
        expect_success(&command.arg(&tree).arg(&package));
        package
    }
}

/// Tells dpkg what the target offers beside the packages that the root has: dependency resolution is then real.
///
/// apt knows of no other archive than those that a test makes: no machine has a network.
pub fn seed(root: &Root, target: &Target) {
    let provides = target.provides.join(", ");
    root.lay_over(&format!("dpkg-{}", short_digest(&provides)), |layer| {
        let stub = Deb::new("target-stub", "1").field("Provides", &provides).build(&root.scratch().join("stub"));
        fs_err::copy(&stub, root.inside("/target-stub.deb")).unwrap();
        root.chroot("sh", &["-ec", "dpkg --install /target-stub.deb >/dev/null; rm /target-stub.deb"]);
        // Nobody cuts the power here: what dpkg writes need not reach a disk.
        fs_err::create_dir_all(layer.join("etc/dpkg/dpkg.cfg.d")).unwrap();
        fs_err::write(layer.join("etc/dpkg/dpkg.cfg.d/tests"), "force-unsafe-io\n").unwrap();
        fs_err::create_dir_all(layer.join("var/lib")).unwrap();
        expect_success(&Command::new("cp").arg("-a").arg(root.inside("/var/lib/dpkg")).arg(layer.join("var/lib")));
    });
    root.chroot("sh", &["-ec", "rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* /var/lib/apt/lists/*"]);
}
