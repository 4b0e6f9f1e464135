//! Directories that become links and links that become directories from version to version, and a tree that moves to
//! another Python: packages of the real command, by the real rpm, in a throw-away copy of this machine. It needs root.

mod handmade;
mod service_fixture;

use std::path::{Path, PathBuf};

use handmade::{WheelMaker, omnipack};
use service_fixture::in_overlay;

/// Where the copy of this machine sees the packages too, unlike in `/tmp`.
fn place() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// The package of version `version`, with what `fill` writes below `/opt/demo/share`.
fn package(place: &Path, version: &str, config: &str, fill: impl FnOnce(&Path)) -> PathBuf {
    let root = place.join(version);
    let wheels = root.join("wheels");
    let tree = root.join("tree");
    fs_err::create_dir_all(&wheels).unwrap();
    fs_err::create_dir_all(&tree).unwrap();
    fill(&tree);
    let wheel = WheelMaker::new("demo", version)
        .file("demo.py", format!("VERSION = {version:?}\n"))
        .file(&format!("only_in_{}/__init__.py", version.replace('.', "_")), "")
        .write(&wheels);
    let text = format!("[[file]]\nsource = \"tree\"\ndestination = \"/opt/demo/share\"\n{config}");
    fs_err::write(root.join("omnipack.toml"), text).unwrap();
    let mut command = omnipack(&place.join("cache"));
    command
        .args(["--distribution", "rocky-9", "--config"])
        .arg(root.join("omnipack.toml"))
        .arg("--wheels")
        .arg(&wheels);
    let date = format!("17{}0000000", version.replace('.', ""));
    command.env("SOURCE_DATE_EPOCH", &date[..10]).arg("-d").arg(root.join("out")).arg(wheel).assert().success();
    let mut found = fs_err::read_dir(root.join("out")).unwrap().map(|entry| entry.unwrap().path());
    found.next().unwrap()
}

fn write(tree: &Path, path: &str, text: &str) {
    fs_err::create_dir_all(tree.join(path).parent().unwrap()).unwrap();
    fs_err::write(tree.join(path), text).unwrap();
}

fn link(tree: &Path, path: &str, target: &str) {
    std::os::unix::fs::symlink(target, tree.join(path)).unwrap();
}

/// Commands of a machine with an rpm database that knows nothing.
fn script(pieces: &[&str]) -> String {
    let before = "mkdir /db\n\
                  package() { rpm --dbpath /db --nodeps --force-debian \"$@\" || echo rpm ended with $?; }\n\
                  tree() { cd /opt/demo/share && find . -type f -exec sh -c 'echo \"$1: $(cat $1)\"' sh {} \\; -o -type l -printf '%p -> %l\\n' | sort; }\n\
                  verify() { rpm --dbpath /db -V --nodeps --nouser --nogroup demo; }\n";
    in_overlay("sh", &[before, &pieces.concat()].concat()).1
}

fn old(tree: &Path) {
    write(tree, "data/a", "old a");
    write(tree, "data/b", "old b");
    link(tree, "back", "data");
}

fn new(tree: &Path) {
    write(tree, "real/a", "new a");
    write(tree, "real/b", "new b");
    link(tree, "data", "real");
    write(tree, "back/c", "new c");
}

#[test]
fn a_directory_becomes_a_link_and_a_link_a_directory_and_back() {
    let place = place();
    let config = "[[file]]\nsource = \"omnipack.toml\"\ndestination = \"/opt/demo/lib/settings\"\n\
                  [[directory]]\npath = \"/opt/demo/var\"\n[python]\nbytecode = \"none\"\n";
    let old = package(place.path(), "1.0", config, old).display().to_string();
    let new = package(place.path(), "2.0", config, new).display().to_string();
    let said = script(&[
        &format!("package -U {old}; tree; verify\n"),
        "mkdir /opt/demo/share/data/__pycache__; touch /opt/demo/share/data/__pycache__/x.pyc\n",
        "rmdir /opt/demo/var; mkdir /opt/demo/elsewhere; ln -s elsewhere /opt/demo/var\n",
        &format!("package -U {new}; tree; verify; echo again\n"),
        &format!("package -U --oldpackage {old}; tree; verify; echo with a file of the operator\n"),
        "echo mine >/opt/demo/share/data/own; echo edited >/opt/demo/share/data/b\n",
        &format!("package -U {new}; tree; verify; readlink /opt/demo/var; echo the operator moved the application\n"),
        "mkdir /data; mv /opt/demo /data/demo; ln -s /data/demo /opt/demo; mv /opt/demo/lib /data/lib; ln -s /data/lib /opt/demo/lib\n",
        &format!("package -U --oldpackage {old}; tree; readlink /opt/demo /opt/demo/lib; ls /data/lib\n"),
        "package -e demo; cd /; ls -d /opt/demo 2>/dev/null; find /data | sort; ls -d /var/lib/omnipack* 2>/dev/null\n",
    ]);
    let warning = "warning: demo has a link now in the place of a directory; what else was in it is kept in";
    let old_tree = "./back -> data\n./data/a: old a\n./data/b: old b\n";
    let new_tree = "./back/c: new c\n./data -> real\n./real/a: new a\n./real/b: new b\n";
    let kept = "./data.rpmmoved/b: edited\n./data.rpmmoved/own: mine\n";
    let new_with_kept = new_tree.replace("./real/a", &format!("{kept}./real/a"));
    let old_with_kept = old_tree.replace("./data/a", &format!("{kept}./data/a"));
    let expected = format!(
        "{old_tree}{new_tree}again\n{old_tree}with a file of the operator\n\
         {warning} /opt/demo/share/data.rpmmoved\n{new_with_kept}elsewhere\nthe operator moved the application\n\
         {old_with_kept}/data/demo\n/data/lib\npython3.9\nsettings\n\
         /data\n/data/demo\n/data/demo/elsewhere\n{}/data/lib\n",
        ["", "/data.rpmmoved", "/data.rpmmoved/b", "/data.rpmmoved/own"]
            .map(|path| format!("/data/demo/share{path}\n"))
            .concat()
    );
    let lines = |text: &str| {
        let mut lines = text.lines().map(str::to_owned).collect::<Vec<_>>();
        // Of rpm itself, about a file that went with its directory.
        lines.retain(|line| !line.is_empty() && line != "warning: file c: remove failed: No such file or directory");
        lines
    };
    assert_eq!(lines(&said), lines(&expected), "{said}");
}

/// An image is made from nothing: before the first package there is neither a shell nor a directory.
#[test]
fn on_an_empty_disk_nothing_is_in_the_way() {
    let place = place();
    let package = package(place.path(), "1.0", "[python]\nbytecode = \"none\"\n", old).display().to_string();
    let options = "--root /image --dbpath /db --nodeps --force-debian --nopre --nopost --noposttrans";
    let said = script(&[&format!("mkdir /image; rpm {options} -U {package}; ls /image/opt/demo/share\n")]);
    assert_eq!(said, "back\ndata\n");
}

#[test]
fn nothing_is_left_of_the_tree_of_another_python() {
    let place = place();
    let config = |python: &str| format!("[python]\nversion = {python:?}\nbytecode = \"none\"\n");
    let old = package(place.path(), "1.0", &config("3.9"), |_| ()).display().to_string();
    let same = package(place.path(), "1.1", &config("3.9"), |_| ()).display().to_string();
    let new = package(place.path(), "2.0", &config("3.11"), |_| ()).display().to_string();
    let compile = "cd /opt/demo; find . -name '*.py' | while read -r source; do mkdir -p \"${source%/*}/__pycache__\"; \
                   touch \"${source%/*}/__pycache__/$(basename \"$source\" .py).cpython-39.pyc\"; done; cd /\n";
    let said = script(&[
        &format!("package -U {old}\n"),
        compile,
        &format!("package -U {same}; verify; ls /opt/demo/lib /opt/demo/lib/python3.9/site-packages\n"),
        compile,
        "mkdir /opt/demo/lib/python3.9/site-packages/own; touch /opt/demo/lib/python3.9/site-packages/own/own.py\n",
        &format!("package -U {new}; verify; find /opt/demo/lib/python3.9\n"),
        "rm -r /opt/demo/lib/python3.9\n",
        &format!("package -U --oldpackage {old}\n"),
        compile,
        &format!("package -U {new}; verify; ls /opt/demo/lib; package -e demo; ls -d /opt/demo\n"),
    ]);
    let site = "/opt/demo/lib/python3.9/site-packages";
    let expected = format!(
        "/opt/demo/lib:\npython3.9\n\n{site}:\ndemo-1.1.dist-info\ndemo.py\nonly_in_1_1\n\
         /opt/demo/lib/python3.9\n{site}\n{site}/own\n{site}/own/own.py\npython3.11\n"
    );
    assert!(said.starts_with(&expected), "{said}");
}

/// The user's own part runs after omnipack's, and only Lua can.
#[test]
fn a_users_pretrans_runs_too_when_it_is_lua() {
    let place = place();
    let lua = "[python]\nbytecode = \"none\"\n[scriptlets]\npretrans = \"\"\"#!<lua>\nio.open('/told', 'w'):close()\nreturn\n\"\"\"\n";
    let old = package(place.path(), "1.0", lua, old).display().to_string();
    let new = package(place.path(), "2.0", lua, new).display().to_string();
    let said = script(&[&format!("package -U {old}; ls /told; rm /told; package -U {new}; ls /told; tree; verify\n")]);
    assert_eq!(said, "/told\n/told\n./back/c: new c\n./data -> real\n./real/a: new a\n./real/b: new b\n");
}
