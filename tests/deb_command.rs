//! `omnipack` for Debian and Ubuntu, whole builds of fixtures: what dpkg-deb says of the files.

mod deb_support;
mod support;

use std::path::{Path, PathBuf};

use deb_support::{control_file, dpkg_deb, field};
use omnipack::exec::Command;
use support::{build, expect_success, fixture, name_of, omnipack};

/// By the beginning of its name.
fn find<'a>(packages: &'a [PathBuf], name: &str) -> &'a Path {
    packages.iter().find(|path| name_of(path).starts_with(name)).unwrap()
}

fn members(path: &Path) -> String {
    expect_success(&Command::new("ar").arg("t").arg(path))
}

#[test]
fn a_fixture_becomes_packages_that_dpkg_deb_takes_apart_and_builds_again() {
    let out = tempfile::tempdir().unwrap();
    let packages = build("cdhboot", "debian-12", out.path());
    let names = packages.iter().map(|path| name_of(path)).collect::<Vec<_>>();
    assert_eq!(names, ["cdhboot-cli_0.1-1_all.deb", "cdhboot-node_0.1-1_all.deb", "cdhboot_0.1-1_amd64.deb"]);

    let (main, node) = (find(&packages, "cdhboot_"), find(&packages, "cdhboot-node_"));
    assert_eq!((field(main, "Package").as_str(), field(main, "Source").as_str()), ("cdhboot", ""));
    assert_eq!(field(node, "Source"), "cdhboot");
    assert_eq!(field(node, "Maintainer"), "CDHBoot Operations <operations@example.org>");
    assert!(field(node, "Depends").starts_with("cdhboot (= 0.1-1)"), "{}", field(node, "Depends"));
    assert!(field(main, "Depends").split(", ").any(|one| one == "python3.11"), "{}", field(main, "Depends"));
    let conffiles = control_file(node, "conffiles").unwrap();
    assert!(conffiles.lines().any(|line| line == "/etc/cdhboot/cdhboot.conf"), "{conffiles}");
    // Policy, 10.7.3: no other file below /etc is a package's.
    let below_etc = dpkg_deb(&["--contents"], node);
    let below_etc = below_etc.lines().filter(|line| line.starts_with('-') && line.contains(" ./etc/"));
    assert_eq!(below_etc.count(), conffiles.lines().count());

    for path in &packages {
        let tree = out.path().join("unpacked");
        expect_success(&Command::new("dpkg-deb").arg("--raw-extract").arg(path).arg(&tree));
        // A package of links alone has no list.
        if *path != packages[0] {
            let sums = Command::new("md5sum").args(["--check", "--quiet", "DEBIAN/md5sums"]).dir(&tree);
            assert_eq!(expect_success(&sums), "");
        }
        for script in ["preinst", "postinst", "prerm", "postrm"] {
            if tree.join("DEBIAN").join(script).exists() {
                expect_success(&Command::new("sh").args(["-n", &format!("DEBIAN/{script}")]).dir(&tree));
            }
        }
        let rebuilt = Command::new("dpkg-deb").args(["--root-owner-group", "-Znone", "--build"]);
        let output = rebuilt.arg(&tree).arg(out.path().join("rebuilt")).run_checked().unwrap();
        assert_eq!(output.stderr_text(), "", "dpkg-deb warns of what we made");
        fs_err::remove_dir_all(&tree).unwrap();
    }
}

/// Debian's dpkg reads zstd since 1.21.18, Ubuntu's since 18.04.
#[test]
fn each_target_gets_a_compression_that_it_reads() {
    let out = tempfile::tempdir().unwrap();
    for (distribution, extension) in
        [("debian-11", ["gz", "xz"]), ("debian-12", ["zst"; 2]), ("ubuntu-20.04", ["zst"; 2])]
    {
        let packages = build("minimal", distribution, &out.path().join(distribution));
        let listed = members(&packages[0]);
        let allowed =
            extension.map(|extension| format!("debian-binary\ncontrol.tar.{extension}\ndata.tar.{extension}\n"));
        assert!(allowed.contains(&listed), "{distribution}: {listed}");
    }
}

#[test]
fn one_frame_holds_all_of_it() {
    let out = tempfile::tempdir().unwrap();
    let config = out.path().join("omnipack.toml");
    for (distribution, compression) in [("debian-12", "zstd"), ("debian-11", "xz:1"), ("debian-11", "gzip")] {
        fs_err::write(&config, format!("[package]\ncompression = \"{compression}\"\n")).unwrap();
        let destination = out.path().join(compression.replace(':', "-"));
        let command = omnipack().args(["--distribution", distribution, "--config"]).arg(&config);
        expect_success(&command.arg("--destination-path").arg(&destination).arg(fixture("cdhboot")));
        let packages = support::packages_in(&destination);
        let main = find(&packages, "cdhboot_");
        // dpkg stops after the first frame or stream and says nothing.
        assert!(dpkg_deb(&["--contents"], main).lines().count() > 3000);
        let (member, script) = match compression {
            "zstd" => ("data.tar.zst", "zstd --list --verbose data | grep -i '^# zstandard frames: 1$'"),
            "xz:1" => ("data.tar.xz", "xz --robot --list data | grep '^file\t1\t'"),
            _ => ("data.tar.gz", "gzip --test data"),
        };
        let script = format!("set -e; cd \"$2\"; ar p \"$1\" {member} > data; {}", script.replace("data", "./data"));
        expect_success(&Command::new("sh").args(["-c", &script, "sh"]).arg(main).arg(&destination));
    }
}
