//! What the RPM writer makes, held against the real rpm: queries, digests, installation, verification.

mod rpm_support;

use omnipack::distribution::Algorithm;
use omnipack::plan::Compression;
use omnipack::project::{ConfigFile, ScriptletKind};
use omnipack::service::Scriptlet;
use rpm_support::*;

fn tree() -> Vec<omnipack::stage::Entry> {
    sorted(vec![
        directory("/opt/app"),
        directory("/opt/app/bin"),
        file("/opt/app/bin/run", "#!/bin/sh\nexit 0\n"),
        hardlink("/opt/app/bin/also", "/opt/app/bin/run"),
        hardlink("/opt/app/bin/zuletzt", "/opt/app/bin/run"),
        file("/opt/app/empty", ""),
        file("/opt/app/large", vec![b'x'; 3_000_000]),
        symlink("/opt/app/link", "bin/run"),
        symlink("/opt/app/dangling", "/nowhere/at all"),
        flagged(file("/etc/app.conf", "key = 1\n"), |flags| flags.config = ConfigFile::Noreplace),
        flagged(file("/etc/app.default", "key = 2\n"), |flags| flags.config = ConfigFile::Replace),
        flagged(file("/var/log/app.log", "never packed"), |flags| flags.ghost = true),
        flagged(directory("/var/cache/app"), |flags| flags.ghost = true),
        flagged(file("/usr/share/doc/app/README", "read me"), |flags| flags.doc = true),
        flagged(file("/usr/share/licenses/app/LICENSE", "be free"), |flags| flags.license = true),
    ])
}

#[test]
fn it_installs_and_verifies_with_every_compression() {
    for (algorithm, level) in [(Algorithm::Gzip, 6), (Algorithm::Xz, 2), (Algorithm::Zstd, 3)] {
        let mut package = package("installs");
        package.entries = tree();
        package.compression = Compression { algorithm, level };
        let (_directory, path) = build(&package);
        assert_eq!(path.file_name().unwrap(), "installs-1.2-3.noarch.rpm");
        check_digests(&path);

        let root = Root::new();
        root.install(&path, &[]);
        root.verify("installs");
        let read = |name: &str| fs_err::read_to_string(root.path().join(name)).unwrap();
        assert_eq!(read("opt/app/bin/zuletzt"), "#!/bin/sh\nexit 0\n");
        assert_eq!(fs_err::read_link(root.path().join("opt/app/dangling")).unwrap().to_str(), Some("/nowhere/at all"));
        use std::os::unix::fs::MetadataExt;
        let inode = |name: &str| fs_err::metadata(root.path().join("opt/app/bin").join(name)).unwrap().ino();
        assert_eq!((inode("also"), inode("zuletzt")), (inode("run"), inode("run")));
        assert!(!root.path().join("var/log/app.log").exists(), "a ghost was installed");

        let removed = root.run(["-e", "installs"]);
        assert_eq!((removed.code, removed.stderr_text().as_str()), (0, ""));
        assert!(!root.path().join("opt/app").exists());
    }
}
