//! The application that `omnipack smoke` is tried with, and a system to try it on.

use std::path::PathBuf;

use omnipack::smoke::PackageKind;

use crate::handmade::WheelMaker;
use crate::root::Root;
use crate::support::{expect_success, omnipack, packages_in};
use crate::target::Target;

/// A web service with an account of its own.
pub const WEB: &str = r#"
[[service]]
name = "web"
command = "demo web 8000"
user = "demo"
[service.check]
http = "http://127.0.0.1:8000/"
timeout = 10

[[user]]
name = "demo"
"#;

/// Packages of one version.
pub struct Built {
    directory: tempfile::TempDir,
}

impl Built {
    pub fn new(distribution: &str, version: &str, config: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let wheels = directory.path().join("wheels");
        fs_err::create_dir(&wheels).unwrap();
        WheelMaker::new("demo", version)
            .file("demo.py", include_str!("smoke_demo.py"))
            .console_script("demo = demo:main")
            .write(&wheels);
        let path = directory.path().join("omnipack.toml");
        let target = Target::named(distribution);
        fs_err::write(&path, format!("{config}\n{}", target.facts)).unwrap();
        let build = omnipack().args(["demo", "--quiet", "--distribution", &target.distribution, "--config"]).arg(path);
        let build = build.arg("--wheels").arg(wheels).arg("--destination-path").arg(directory.path().join("dist"));
        expect_success(&build);
        Self { directory }
    }

    pub fn files(&self) -> Vec<PathBuf> {
        packages_in(&self.directory.path().join("dist"))
    }
}

/// A root that has what the distribution's packages would provide.
pub fn root(distribution: &str) -> Root {
    let target = Target::named(distribution);
    let root = target.root();
    if target.kind() == PackageKind::Rpm && target.suite.ends_with("-sysvinit") {
        // As on Enterprise Linux.
        root.chroot("sh", &["-ec", "mkdir -p /etc/rc.d; ln -s ../init.d /etc/rc.d/init.d"]);
    }
    root
}
