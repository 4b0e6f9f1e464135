//! The tools: omnipack, dpkg-buildpackage, dpkg-deb.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use omnipack::exec::Command;

use crate::support::{both, expect_success, omnipack};

/// Has the source package written into `directory`.
pub fn generation(project: &Path, distribution: &str, directory: &Path) -> Command {
    omnipack()
        .args(["generate-spec", "--debian", "--distribution", distribution, "--output-directory"])
        .arg(directory)
        .arg(project)
        .env("SOURCE_DATE_EPOCH", "1700000000")
}

/// As [`generation`]; must succeed. Gives the tree.
pub fn generate(project: &Path, distribution: &str, directory: &Path) -> PathBuf {
    expect_success(&generation(project, distribution, directory));
    let entries = fs_err::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let (trees, archives): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    assert_eq!((trees.len(), archives.len()), (1, 1), "{trees:?} {archives:?}");
    assert!(archives[0].to_string_lossy().ends_with(".orig.tar.gz"), "{archives:?}");
    trees.into_iter().next().unwrap()
}

/// What came out of a build.
#[derive(Debug)]
pub struct Built {
    /// Package files by the packages' names.
    pub packages: BTreeMap<String, PathBuf>,
    pub changes: PathBuf,
    pub log: String,
}

/// Builds source and binary packages in `tree`, as it stands, with nothing of this machine's but Debian's own tools.
pub fn build(tree: &Path) -> Built {
    let log = tree.parent().unwrap().join("log");
    // Clean, as a maintainer's shell is, and without the Pythons that the tests put before Debian's.
    let line = "exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/nonexistent LC_ALL=C.UTF-8 dpkg-buildpackage -us -uc >\"$1\" 2>&1";
    let output = Command::new("sh").args(["-c", line, "sh"]).arg(&log).dir(tree).run().unwrap();
    let log = fs_err::read_to_string(&log).unwrap();
    assert_eq!(output.code, 0, "dpkg-buildpackage in {}\n{log}", tree.display());
    for complaint in ["dpkg-source: warning", "dpkg-gencontrol: warning", "dh_missing: warning", "unknown substitution"]
    {
        assert!(!log.contains(complaint), "{complaint}\n{log}");
    }
    let entries = fs_err::read_dir(tree.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let entries = entries.collect::<Vec<_>>();
    let with = |extension: &str| {
        let found = entries.iter().filter(move |path| path.extension().is_some_and(|own| own == extension));
        found.cloned().collect::<Vec<_>>()
    };
    let packages = with("deb").into_iter().map(|path| (field(&path, "Package"), path)).collect();
    assert_eq!(with("dsc").len(), 1, "{entries:?}");
    Built { packages, changes: with("changes").remove(0), log }
}

/// The value of a field of the control file.
pub fn field(package: &Path, name: &str) -> String {
    expect_success(&Command::new("dpkg-deb").arg("-f").arg(package).arg(name)).trim().to_owned()
}

/// The relations of a field, each for itself.
pub fn relations(package: &Path, name: &str) -> Vec<String> {
    field(package, name).split(',').map(|relation| relation.trim().to_owned()).collect()
}

/// `mode owner path` of every entry, with ` -> target`.
pub fn contents(package: &Path) -> Vec<String> {
    let lines = expect_success(&Command::new("dpkg-deb").arg("-c").arg(package));
    let entry = |line: &str| {
        let words = line.split_whitespace().collect::<Vec<_>>();
        [&words[..2], &words[5..]].concat().join(" ")
    };
    lines.lines().map(entry).collect()
}

/// The text of a file in the package: `./etc/app.conf`.
pub fn read(package: &Path, path: &str) -> String {
    let line = "dpkg-deb --fsys-tarfile \"$1\" | tar -xO \"$2\"";
    expect_success(&Command::new("sh").args(["-ec", line, "sh"]).arg(package).arg(path))
}

/// The text of a control member, `./postinst`; nothing where there is none.
pub fn member(package: &Path, name: &str) -> String {
    let line = "dpkg-deb --ctrl-tarfile \"$1\" | tar -xO \"./$2\"";
    let output = Command::new("sh").args(["-c", line, "sh"]).arg(package).arg(name).run().unwrap();
    if output.code == 0 { output.stdout_text() } else { String::new() }
}

/// Every maintainer script is a sound one for /bin/sh, and debhelper has left nothing to be replaced.
pub fn assert_scripts_are_sound(built: &Built) {
    for (name, package) in &built.packages {
        for script in ["preinst", "postinst", "prerm", "postrm"] {
            let text = member(package, script);
            assert!(!text.contains("#DEBHELPER#"), "{name}: {script}\n{text}");
            let line = "dpkg-deb --ctrl-tarfile \"$1\" | tar -xO \"./$2\" 2>/dev/null | sh -n";
            let output = Command::new("sh").args(["-c", line, "sh"]).arg(package).arg(script).run().unwrap();
            assert_eq!(output.code, 0, "{script} of {name}: {}\n{text}", both(&output));
        }
    }
}
