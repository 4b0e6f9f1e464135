//! Directories that become links and links that become directories from version to version.

use std::path::Path;

use crate::support::{Project, assert_part, file, link, part, write};

const CONFIG: &str = "[[file]]\nsource = \"tree\"\ndestination = \"/opt/demo/share\"\n\
                      [[file]]\nsource = \"outside\"\ndestination = \"/usr/share/demo\"\n\
                      [[directory]]\npath = \"/opt/demo/var\"\n[[directory]]\npath = \"/var/lib/demo\"\n";

fn old(root: &Path) {
    write(root, "tree/data/a", "old a");
    write(root, "tree/data/b", "old b");
    write(root, "tree/data/sub/c", "old c");
    link(root, "tree/data/in", "sub");
    link(root, "tree/back", "data");
    write(root, "outside/one/x", "old x");
    link(root, "outside/two", "one");
}

fn new(root: &Path) {
    write(root, "tree/real/a", "new a");
    write(root, "tree/real/b", "new b");
    link(root, "tree/data", "real");
    write(root, "tree/back/c", "new c");
    link(root, "tree/back/deep/x", "../c");
    write(root, "outside/two/x", "new x");
    link(root, "outside/one", "two");
}

const OLD: [&str; 7] = [
    "./back -> data",
    "./data/a: old a",
    "./data/b: old b",
    "./data/in -> sub",
    "./data/sub/c: old c",
    "./one/x: old x",
    "./two -> one",
];
const NEW: [&str; 7] = [
    "./back/c: new c",
    "./back/deep/x -> ../c",
    "./data -> real",
    "./real/a: new a",
    "./real/b: new b",
    "./one -> two",
    "./two/x: new x",
];

fn project() -> Project {
    let project = Project::new();
    project.version("1.0", CONFIG, old).version("2.0", CONFIG, new);
    project
}

const TREES: &str = "trees() { tree /opt/demo/share; tree /usr/share/demo; }\n";

#[test]
fn there_and_back_and_nothing_is_left() {
    let said = project().run(&[
        TREES,
        "install 1.0; title old; trees; title up; install 2.0; trees; dpkg -V demo\n\
         title down; install 1.0; trees; dpkg -V demo; install 2.0; title purge; purge demo; left /opt/demo /usr/share/demo /var/lib/demo\n",
    ]
    .concat());
    assert_part(&said, "old", &OLD);
    assert_part(&said, "up", &NEW);
    assert_part(&said, "down", &OLD);
    assert_part(&said, "purge", &[]);
}

#[test]
fn what_others_put_there_is_kept_and_keeps_its_path_where_a_package_has_it() {
    let said = project().run(&[
        TREES,
        "install 1.0; handmade other /opt/demo/share/data/theirs/o /opt/demo/share/data/sub/p\n\
         echo mine >/opt/demo/share/data/own; mkdir /opt/demo/share/data/__pycache__; touch /opt/demo/share/data/__pycache__/a.pyc\n\
         title up; install 2.0; trees; title whole; dpkg -V demo other; ls /opt/demo/share/data/theirs/o\n\
         title again; install 2.0; trees; title purge; purge other demo; left /opt/demo\n",
    ]
    .concat());
    let kept = ["./data.dpkg-bak/own: mine", "./real/sub/p: other", "./real/theirs/o: other"];
    let mut expected = [NEW.as_slice(), &kept].concat();
    expected.sort_by_key(|line| (line.starts_with("./one") || line.starts_with("./two"), *line));
    let warning = "warning: demo has a link now in the place of a directory; what else was in it is kept in \
                   /opt/demo/share/data.dpkg-bak";
    assert_part(&said, "up", &[&[warning], expected.as_slice()].concat());
    assert_part(&said, "whole", &["/opt/demo/share/data/theirs/o"]);
    assert_part(&said, "again", &expected);
    let left = part(&said, "purge").lines().filter(|line| !line.starts_with("dpkg: warning")).collect::<Vec<_>>();
    let share = "/opt/demo/share";
    assert_eq!(
        left,
        ["/opt/demo", share, &format!("{share}/data.dpkg-bak"), &format!("{share}/data.dpkg-bak/own")],
        "{said}"
    );
}

#[test]
fn links_of_the_operator_stay() {
    let said = project().run(
        "install 1.0\n\
         rmdir /opt/demo/var /var/lib/demo; mkdir /opt/demo/elsewhere /var/lib/place; ln -s elsewhere /opt/demo/var; ln -s place /var/lib/demo\n\
         mkdir /data; mv /opt/demo /data/demo; ln -s /data/demo /opt/demo; mv /opt/demo/lib /data/lib; ln -s /data/lib /opt/demo/lib\n\
         install 2.0; title links; readlink /opt/demo /opt/demo/lib /opt/demo/var /var/lib/demo; readlink /data/demo/share/data; ls /data/lib\n\
         title removed; echo kept >/var/lib/place/file; purge demo; ls /var/lib/place; readlink /var/lib/demo\n",
    );
    let links = ["/data/demo", "/data/lib", "elsewhere", "place", "real", "python3.11"];
    assert_part(&said, "links", &links);
    assert!(part(&said, "removed").lines().any(|line| line == "file"), "{said}");
}

#[test]
fn an_installation_that_fails_leaves_all_as_it_was() {
    let project = project();
    project.variant("refused", "2.0", &[CONFIG, "[scriptlets]\npre = \"exit 7\"\n"].concat(), new);
    let said = project.run(&[
        TREES,
        "install 1.0; echo mine >/opt/demo/share/data/own; trees >/before\n\
         title refused; install refused; trees >/after; cmp /before /after && left\n\
         title clash; handmade clash /opt/demo/share/real/b; install 2.0; quietly dpkg --purge clash; trees >/after; cmp /before /after && left\n",
    ]
    .concat());
    for title in ["refused", "clash"] {
        let part = part(&said, title);
        assert!(part.contains("dpkg ended with 1"), "{said}");
        assert!(!part.contains("differ") && !part.contains("transaction"), "{said}");
    }
}

#[test]
fn what_was_only_unpacked_goes_on_or_back() {
    let said = project().run(
        &[
            TREES,
            "install 1.0; unpack 2.0; title on; install 2.0; trees; left\n\
         install 1.0; unpack 2.0; title back; install 1.0; trees; left\n",
        ]
        .concat(),
    );
    assert_part(&said, "on", &NEW);
    assert_part(&said, "back", &OLD);
}

/// An edited configuration file in such a directory is neither lost nor left at a purge.
#[test]
fn a_directory_with_configuration_files_becomes_a_link() {
    let project = Project::new();
    let config = file("conf", "/etc/demo", "");
    project.version("1.0", &config, |root| {
        write(root, "conf/d/x", "x");
        write(root, "conf/d/y", "y");
    });
    project.version("2.0", &config, |root| {
        write(root, "conf/e/x", "x 2");
        link(root, "conf/d", "e");
    });
    let said = project.run(
        "install 1.0; echo mine >/etc/demo/d/y; title up; install 2.0; tree /etc/demo; known demo\n\
         title purge; purge demo; left /etc/demo\n",
    );
    let warning =
        "warning: demo has a link now in the place of a directory; what else was in it is kept in /etc/demo/d.dpkg-bak";
    let tree = [warning, "./d -> e", "./d.dpkg-bak/y: mine", "./e/x: x 2", "/etc/demo/e/x"];
    assert_part(&said, "up", &tree);
    assert_part(&said, "purge", &[]);
}

/// Nothing of one Python's tree is in the way of another's.
#[test]
fn the_tree_of_another_python_takes_its_place() {
    let project = Project::new();
    for (version, python) in [("1.0", "3.9"), ("2.0", "3.11")] {
        let config = format!(
            "{}[distribution.debian-12]\npythons = [{{ version = \"{python}\", package = \"python3.11\", path = \"/usr/bin/python3\", requirement = \"python3.11\" }}]\n",
            file("conf", "/opt/demo/lib/own", "")
        );
        project.version(version, &config, |root| write(root, "conf/a", python));
    }
    let said = project.run(
        "install 1.0; touch /opt/demo/lib/python3.9/site-packages/mine.py; title up; install 2.0; ls /opt/demo/lib; find /opt/demo/lib/python3.9\n\
         title down; rm /opt/demo/lib/python3.9/site-packages/mine.py; install 1.0; ls /opt/demo/lib; title purge; purge demo; left /opt/demo\n",
    );
    assert!(part(&said, "up").contains("own\npython3.11\npython3.9\n"), "{said}");
    assert!(part(&said, "down").ends_with("own\npython3.9"), "{said}");
    assert_part(&said, "purge", &[]);
}
