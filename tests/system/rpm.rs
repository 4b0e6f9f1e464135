//! The rpm side of a machine: a database that knows what the target offers, and packages of the reference tool.

use std::path::{Path, PathBuf};

use omnipack::exec::Command;

use crate::root::Root;
use crate::support::{expect_success, short_digest};
use crate::target::Target;

/// Builds a package from a spec file's text, with the reference tool.
pub fn rpmbuild(spec: &str, directory: &Path) -> PathBuf {
    fs_err::create_dir_all(directory).unwrap();
    let spec_path = directory.join("package.spec");
    fs_err::write(&spec_path, spec).unwrap();
    expect_success(
        &Command::new("rpmbuild")
            .arg("--define")
            .arg(format!("_topdir {}", directory.display()))
            .args(["--define", "_build_id_links none", "--define", "_unitdir /usr/lib/systemd/system"])
            .args(["--quiet", "-bb"])
            .arg(spec_path),
    );
    let packages = expect_success(&Command::new("find").arg(directory.join("RPMS")).args(["-name", "*.rpm"]));
    PathBuf::from(packages.lines().next().expect("rpmbuild leaves a package"))
}

/// Puts into the database what the root's files say they provide and what the target's packages would.
///
/// Dependency resolution is then real: no `--nodeps` anywhere.
pub fn seed(root: &Root, target: &Target) {
    let libraries = "find /lib/ /usr/lib/ -name '*.so*' -type f | /usr/lib/rpm/rpmdeps --provides";
    let programs = "find /bin/ /sbin/ /usr/bin/ /usr/sbin/ ! -type d";
    let found = root.remembered("provides", &format!("{libraries}; {programs}"));
    let mut provides: Vec<&str> = found.lines().filter(|line| !target.is_too_new(line)).collect();
    // Debian's /bin and /sbin are links into /usr; rpm compares the paths as they are written.
    let merged: Vec<String> = provides.iter().filter_map(|path| path.strip_prefix("/usr")).map(str::to_owned).collect();
    provides.extend(merged.iter().map(String::as_str));
    provides.extend(target.provides.iter().map(String::as_str));
    provides.sort_unstable();
    provides.dedup();
    let lines: Vec<String> = provides.iter().map(|provide| format!("Provides: {provide}\n")).collect();
    let spec = format!(
        "Name: target-stub\nVersion: 1\nRelease: 1\nSummary: What the target offers\nLicense: none\nBuildArch: noarch\n\
         AutoReqProv: no\n{}%description\nWhat the target offers.\n%files\n",
        lines.concat()
    );
    root.lay_over(&format!("rpm-{}", short_digest(&spec)), |layer| {
        let package = rpmbuild(&spec, &root.scratch().join("stub"));
        fs_err::copy(&package, root.inside("/target-stub.rpm")).unwrap();
        // Debian's rpm up to 4.18 warns that packages belong to dpkg; later ones know no such option.
        root.chroot("sh", &["-ec", "rpm -i /target-stub.rpm --force-debian || rpm -i /target-stub.rpm"]);
        fs_err::remove_file(root.inside("/target-stub.rpm")).unwrap();
        fs_err::create_dir_all(layer.join("var/lib")).unwrap();
        expect_success(&Command::new("cp").arg("-a").arg(root.inside("/var/lib/rpm")).arg(layer.join("var/lib")));
    });
}
