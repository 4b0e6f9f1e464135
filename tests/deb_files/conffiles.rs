//! Configuration files that a version no longer has, or has elsewhere.

use crate::support::{Project, assert_part, file, write};

/// Paths that a shell, a pattern or a regular expression would take for something else.
const HOSTILE: &str = "/etc/demo/it's [a-z]* $(touch x) \\ \"q\" .conf";

fn old(project: &Project) {
    let hostile = file("gone", HOSTILE, "");
    let config =
        ["keep", "gone", "edited", "old.conf", "same.conf"].map(|name| file(name, &format!("/etc/demo/{name}"), ""));
    let more = [hostile, file("gone", "/etc/demo/sub/gone", ""), file("edited", "/etc/demo/sub/edited", "")];
    project.version("1.0", &[config.concat(), more.concat()].concat(), |root| {
        for name in ["keep", "gone", "edited", "old.conf", "same.conf"] {
            write(root, name, name);
        }
    });
}

fn new_config() -> String {
    [
        file("keep", "/etc/demo/keep", ""),
        file("new.conf", "/etc/demo/new.conf", "formerly = [\"/etc/demo/older.conf\", \"/etc/demo/old.conf\"]"),
        file("other.conf", "/etc/demo/other.conf", "formerly = [\"/etc/demo/same.conf\"]"),
    ]
    .concat()
}

fn new(project: &Project, name: &str, more: &str) {
    project.variant(name, "2.0", &[&new_config(), more].concat(), |root| {
        for name in ["keep", "new.conf", "other.conf"] {
            write(root, name, name);
        }
    });
}

const EDIT: &str = "for name in edited old.conf sub/edited; do echo mine >/etc/demo/$name; done\n";

#[test]
fn what_nobody_changed_goes_and_what_was_edited_is_kept_or_moved() {
    let project = Project::new();
    old(&project);
    new(&project, "2.0", "");
    let said = project.run(&[
        "install 1.0\n",
        EDIT,
        "title upgrade; install 2.0; title files; tree /etc/demo; title known; known demo\n\
         title again; install 2.0; tree /etc/demo\n\
         title rounds; install 1.0 2.0; echo mine >/etc/demo/new.conf; title back; install 1.0; tree /etc/demo; title forth; install 2.0; tree /etc/demo\n\
         title purge; purge demo demo-cli; left /etc/demo /opt/demo\n",
    ]
    .concat());
    let upgrade = [
        "Preserving changes to /etc/demo/new.conf (renamed from /etc/demo/old.conf)...",
        "Obsolete conffile /etc/demo/edited has been modified: it is kept as /etc/demo/edited.dpkg-bak",
        "Obsolete conffile /etc/demo/sub/edited has been modified: it is kept as /etc/demo/sub/edited.dpkg-bak",
    ];
    let mut lines = crate::support::part(&said, "upgrade")
        .lines()
        .filter(|line| !line.starts_with("dpkg: warning: un"))
        .collect::<Vec<_>>();
    lines.sort_by_key(|line| !line.starts_with("Preserving"));
    assert_eq!(lines, upgrade, "{said}");
    let files = [
        "./edited.dpkg-bak: mine",
        "./keep: keep",
        "./new.conf.dpkg-new: new.conf",
        "./new.conf: mine",
        "./other.conf: other.conf",
        "./sub/edited.dpkg-bak: mine",
    ];
    assert_part(&said, "files", &files);
    assert_part(&said, "again", &files.into_iter().filter(|line| !line.contains("dpkg-new")).collect::<Vec<_>>());
    assert_part(&said, "purge", &[]);
    let back = crate::support::part(&said, "back");
    for line in ["./old.conf: old.conf", "./edited: edited", "./edited.dpkg-bak: mine", "./new.conf.dpkg-bak: mine"] {
        assert!(back.lines().any(|found| found == line), "{line}: {said}");
    }
    assert!(back.contains(" .conf: gone") && !back.contains("other.conf"), "{said}");
    let forth = crate::support::part(&said, "forth");
    assert!(forth.contains("./new.conf: new.conf\n") && !forth.contains(" .conf: gone"), "{said}");
}

#[test]
fn dpkg_forgets_what_is_gone() {
    let project = Project::new();
    old(&project);
    new(&project, "2.0", "");
    let said = project.run(
        &[
            "install 1.0\n",
            EDIT,
            "install 2.0; title first; known demo; install 2.0; title then; known demo\n\
         title removed; dpkg --remove demo-cli demo; install 1.0; title back; known demo\n",
        ]
        .concat(),
    );
    let own = ["/etc/demo/keep", "/etc/demo/new.conf", "/etc/demo/other.conf"];
    assert_part(&said, "first", &own);
    assert_part(&said, "then", &own);
    assert!(!crate::support::part(&said, "back").contains("new.conf"), "{said}");
}

#[test]
fn an_installation_that_fails_leaves_all_as_it_was() {
    let project = Project::new();
    old(&project);
    new(&project, "refused", "[scriptlets]\npre = \"exit 7\"\n");
    new(&project, "2.0", &file("keep", "/opt/demo/clash", ""));
    let said = project.run(&[
        "install 1.0\n",
        EDIT,
        "tree /etc/demo >/before; known demo >>/before\n\
         handmade clash /opt/demo/clash\n\
         title refused; install refused; tree /etc/demo >/after; known demo >>/after; cmp /before /after\n\
         title clash; install 2.0; tree /etc/demo >/after; known demo >>/after; cmp /before /after; left\n\
         title removed; dpkg --remove demo-cli demo >/dev/null 2>&1; tree /etc/demo >/before; install refused; tree /etc/demo >/after; cmp /before /after\n",
    ]
    .concat());
    let refused = crate::support::part(&said, "refused");
    assert!(refused.contains("dpkg ended with 1") && !refused.contains("differ"), "{said}");
    let clash = crate::support::part(&said, "clash");
    assert!(clash.contains("dpkg ended with 1") && !clash.contains("differ") && !clash.contains("omnipack"), "{said}");
    let removed = crate::support::part(&said, "removed");
    assert!(removed.contains("dpkg ended with 1") && !removed.contains("differ"), "{said}");
}

/// The scripts of another version go on where those of the first were cut off.
#[test]
fn what_was_only_unpacked_gives_way_to_another_version() {
    let project = Project::new();
    old(&project);
    new(&project, "2.0", "");
    project.version("3.0", &file("keep", "/etc/demo/edited", ""), |root| write(root, "keep", "edited 3"));
    let said = project.run(
        &[
            "install 1.0\n",
            EDIT,
            "unpack 2.0; title unpacked; tree /etc/demo; title back; install 1.0 >/dev/null; tree /etc/demo\n\
         unpack 2.0; title third; quietly dpkg --force-confold -i \"$place\"/3.0/out/demo_*.deb; tree /etc/demo\n\
         title purge; purge demo; left /etc/demo\n",
        ]
        .concat(),
    );
    assert!(crate::support::part(&said, "unpacked").contains("./edited.dpkg-backup: mine"), "{said}");
    let back = crate::support::part(&said, "back");
    for line in ["./edited: mine", "./old.conf: mine", "./gone: gone", "./sub/edited: mine"] {
        assert!(back.lines().any(|found| found == line), "{line}: {said}");
    }
    assert!(!back.contains("dpkg-backup") && !back.contains("dpkg-remove"), "{said}");
    let third = crate::support::part(&said, "third");
    assert!(third.lines().any(|line| line == "./edited: mine"), "{said}");
    assert!(!third.contains("dpkg-backup") && !third.contains("dpkg-remove"), "{said}");
    assert_part(&said, "purge", &[]);
}

#[test]
fn one_that_moves_to_another_package_of_the_build_stays() {
    let project = Project::new();
    let fill = |root: &std::path::Path| {
        for name in ["a", "b", "c"] {
            write(root, name, name);
        }
    };
    let own = ["a", "b", "c"].map(|name| file(name, &format!("/etc/demo/{name}"), ""));
    project.version("1.0", &own.concat(), fill);
    let theirs = [
        file("a", "/etc/demo/a", "package = \"cli\""),
        file("b", "/etc/demo/b", "package = \"cli\""),
        file("c", "/etc/demo/d", "package = \"cli\"\nformerly = [\"/etc/demo/c\"]"),
    ];
    project.version("2.0", &theirs.concat(), fill);
    let said = project.run(
        "all 1.0; echo mine >/etc/demo/b; echo mine >/etc/demo/c\n\
         title up; all 2.0; tree /etc/demo; known demo-cli\n\
         title back; all 1.0; tree /etc/demo; known demo-cli\n\
         title forth; all 2.0; title main; quietly dpkg --force-depends --purge demo; tree /etc/demo; title purge; purge demo-cli; left /etc/demo /opt/demo\n",
    );
    let up = crate::support::part(&said, "up");
    for line in ["./a: a", "./b: mine", "./d: mine", "/etc/demo/a", "/etc/demo/b", "/etc/demo/d"] {
        assert!(up.lines().any(|found| found == line), "{line}: {said}");
    }
    let back = crate::support::part(&said, "back");
    for line in ["./a: a", "./b: mine", "./c: c", "./d.dpkg-bak: mine"] {
        assert!(back.lines().any(|found| found == line), "{line}: {said}");
    }
    let main = crate::support::part(&said, "main");
    assert!(main.contains("./a: a\n./b: mine\n") && main.contains("./d: "), "{said}");
    assert_part(&said, "purge", &[]);
}

#[test]
fn shellcheck_finds_nothing() {
    let project = Project::new();
    old(&project);
    new(
        &project,
        "2.0",
        "[[trigger]]\non = \"nginx >= 1\"\nscript = \"true\"\n[[trigger]]\non = \"nginx\"\nwhen = \"postun\"\nscript = \"true\"\n",
    );
    let ghosts = "[[directory]]\npath = \"/run/demo\"\nghost = true\n[[directory]]\npath = \"/var/log/demo\"\n";
    let capable = file("keep", "/opt/demo/keep", "capabilities = \"cap_net_raw=ep\"");
    project.version("3.0", &[ghosts, &capable].concat(), |root| write(root, "keep", "keep"));
    let directory = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for version in ["1.0", "2.0", "3.0"] {
        for name in ["preinst", "postinst", "postrm"] {
            let path = directory.path().join(format!("{version}-{name}"));
            fs_err::write(&path, project.control(version, name)).unwrap();
            paths.push(path);
        }
    }
    // SC2016: a path that looks like an expansion stands in single quotes on purpose.
    let options = ["--shell=sh", "--severity=style", "--exclude=SC2016"];
    let shellcheck = omnipack::exec::Command::new("shellcheck").args(options).args(&paths);
    let output = shellcheck.run().unwrap();
    assert_eq!(output.code, 0, "{}", output.stdout_text());
}

/// A renamed tree: each of its files.
#[test]
fn a_tree_of_configuration_files_takes_its_edits_along() {
    let project = Project::new();
    let fill = |root: &std::path::Path| {
        write(root, "conf/a", "a");
        write(root, "conf/deep/b", "b");
    };
    project.version("1.0", &file("conf", "/etc/demo/conf", ""), fill);
    project.version("2.0", &file("conf", "/etc/demo/settings", "formerly = [\"/etc/demo/conf\"]"), fill);
    let said = project.run(
        "install 1.0; echo mine >/etc/demo/conf/deep/b; install 2.0 >/dev/null\n\
         title files; find /etc/demo -mindepth 1 | sort; cat /etc/demo/settings/deep/b\n",
    );
    let files = [
        "/etc/demo/settings",
        "/etc/demo/settings/a",
        "/etc/demo/settings/deep",
        "/etc/demo/settings/deep/b",
        "/etc/demo/settings/deep/b.dpkg-new",
        "mine",
    ];
    assert_part(&said, "files", &files);
}
