//! The command as somebody meets it who types it: what it finds out before the work, and what it leaves.

mod handmade;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use handmade::{demo, listing, omnipack};
use sha2::{Digest, Sha256};

/// A demo wheel, a cache and a place for packages.
struct Bench {
    root: tempfile::TempDir,
    wheel: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs_err::create_dir(root.path().join("wheels")).unwrap();
        let wheel = demo(&root.path().join("wheels"));
        Self { root, wheel }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn configure(&self, text: &str) {
        fs_err::write(self.path("omnipack.toml"), text).unwrap();
    }

    /// Runs omnipack on the wheel with these words before the common ones; gives standard error.
    fn run(&self, words: &[&str], code: i32) -> String {
        let mut command = omnipack(&self.path("cache"));
        command.args(words).arg("--wheels").arg(self.path("wheels"));
        if self.path("omnipack.toml").exists() {
            command.arg("--config").arg(self.path("omnipack.toml"));
        }
        let output = command.arg(&self.wheel).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        stderr
    }
}

#[test]
fn a_kept_stage_gives_way_to_the_next_one_and_nothing_else_does() {
    let bench = Bench::new();
    let out = bench.path("out");
    let words = ["-D", "rocky-9", "--keep-stage", "-d", out.to_str().unwrap()];
    bench.configure("[python]\nbytecode = \"none\"\n");
    bench.run(&words, 0);
    let names = listing(&out);
    assert!(names.contains(&"demo-stage".to_owned()), "{names:?}");
    fs_err::write(out.join("demo-stage/opt/demo/left-over"), "").unwrap();
    bench.run(&words, 0);
    assert_eq!(listing(&out), names);
    assert!(out.join("demo-stage/opt/demo/pyvenv.cfg").is_file());
    assert!(!out.join("demo-stage/opt/demo/left-over").exists(), "the old tree is gone as a whole");

    fs_err::remove_dir_all(out.join("demo-stage")).unwrap();
    fs_err::create_dir(out.join("demo-stage")).unwrap();
    fs_err::write(out.join("demo-stage/mine"), "").unwrap();
    let stderr = bench.run(&words, 1);
    assert!(stderr.contains("build::stage") && !stderr.contains("packing"), "{stderr}");
    assert_eq!(listing(&out.join("demo-stage")), ["mine"]);
}

#[test]
fn what_cannot_be_written_is_found_out_before_the_work() {
    let bench = Bench::new();
    fs_err::write(bench.path("file"), "").unwrap();
    let stderr = bench.run(&["-D", "rocky-9", "-d", bench.path("file/out").to_str().unwrap()], 1);
    assert!(stderr.contains("build::destination") && !stderr.contains("resolving"), "{stderr}");
    let stderr = bench.run(&["stage", "-D", "rocky-9", bench.path("wheels").to_str().unwrap()], 1);
    assert!(stderr.contains("it is not empty") && !stderr.contains("resolving"), "{stderr}");
}

#[test]
fn a_subcommand_that_is_mistyped_is_not_looked_up_in_the_index() {
    let bench = Bench::new();
    let run = |word: &str| {
        let mut command = omnipack(&bench.path("cache"));
        let output =
            command.args(["-D", "rocky-9", "--offline", word]).current_dir(bench.root.path()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, stderr) = run("distribution");
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("did you mean `distributions`?"), "{stderr}");
    let (_, stderr) = run("distributions");
    assert!(stderr.contains("write it first"), "{stderr}");
    assert!(run("six").1.contains("resolve::"), "another word is a requirement");
    fs_err::create_dir(bench.path("stages")).unwrap();
    assert!(run("stages").1.contains("project::unusable"), "a directory is a project");
}

/// The bytes of a `.tar` with the bare bones of a CPython 3.9.
fn archive() -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, mode, text) in [("py/bin/python3.9", 0o755, "#!/bin/sh\n"), ("py/lib/python3.9/os.py", 0o644, "")] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(mode);
        tar.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap()
}

/// Answers one request with `body`, and gives the address to ask.
fn serve_once(body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&body).unwrap();
    });
    format!("http://{address}/cpython-3.9.1.tar")
}

fn bundled(source: &str, sha256: &str) -> String {
    format!(
        "[python]\ninterpreter = \"bundled\"\nsource = \"{source}\"\nsha256 = \"{sha256}\"\nversion = \"3.9\"\n\
         bytecode = \"none\"\n"
    )
}

#[test]
fn an_interpreter_is_downloaded_once_and_only_with_the_right_hash() {
    let bench = Bench::new();
    let archive = archive();
    let sha256 = Sha256::digest(&archive).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let stage = |name: &str| ["stage", "-D", "rocky-9", &bench.path(name).to_string_lossy()].map(str::to_owned);
    let run = |name: &str, code: i32| bench.run(&stage(name).each_ref().map(String::as_str), code);
    let there = |name: &str| bench.path(name).join("opt/demo/python/bin/python3.9").is_file();

    bench.configure(&bundled(&serve_once(b"something else".to_vec()), &sha256));
    let stderr = run("wrong", 1);
    assert!(stderr.contains("resolve::hash_mismatch"), "{stderr}");
    assert!(!Path::new(&bench.path("wrong")).exists());

    let address = serve_once(archive);
    bench.configure(&bundled(&address, &sha256));
    run("first", 0);
    assert!(there("first"));
    // The server has answered its one request: this is the cache's.
    run("second", 0);
    assert!(there("second"));
}

#[test]
fn directories_above_the_packages_files_are_theirs() {
    let bench = Bench::new();
    fs_err::write(bench.path("demo.conf"), "x").unwrap();
    bench.configure(
        "[python]\nbytecode = \"none\"\n[[file]]\nsource = \"demo.conf\"\ndestination = \"/etc/demo/a/demo.conf\"\n\
         [[file]]\nsource = \"demo.conf\"\ndestination = \"/etc/other/demo.conf\"\n\
         [[file]]\nsource = \"demo.conf\"\ndestination = \"/srv/demo/demo.conf\"\npackage = \"cli\"\n\
         [[directory]]\npath = \"/srv/demo\"\nmode = \"0700\"\n[[meta-package]]\nname = \"cli\"\n",
    );
    let out = bench.path("out");
    bench.run(&["-D", "rocky-9", "-d", out.to_str().unwrap()], 0);
    let owned = |name: &str| {
        let package = rpm::Package::open(out.join(name)).unwrap();
        let entries = package.metadata.get_file_entries().unwrap();
        let outside = entries.iter().filter(|entry| !entry.path().starts_with("/opt"));
        outside
            .map(|entry| (entry.path().to_string_lossy().into_owned(), entry.mode().permissions()))
            .collect::<Vec<_>>()
    };
    let expected = [
        ("/etc/demo", 0o755),
        ("/etc/demo/a", 0o755),
        ("/etc/demo/a/demo.conf", 0o644),
        ("/etc/other/demo.conf", 0o644),
        ("/srv/demo", 0o700),
    ];
    assert_eq!(owned("demo-1.0-1.noarch.rpm"), expected.map(|(path, mode)| (path.to_owned(), mode)));
    let files = owned("demo-cli-1.0-1.noarch.rpm").into_iter().map(|(path, _)| path).collect::<Vec<_>>();
    assert_eq!(files, ["/srv/demo/demo.conf", "/usr/bin/demo"], "the directory is the main package's");
}

#[test]
fn bytecode_made_on_the_target_goes_before_an_upgrade_and_not_after_it() {
    let bench = Bench::new();
    bench.configure("[python]\nbytecode = \"install\"\n");
    let out = bench.path("out");
    bench.run(&["-D", "rocky-9", "-d", out.to_str().unwrap()], 0);
    let package = rpm::Package::open(out.join("demo-1.0-1.noarch.rpm")).unwrap();
    let cached = bench.path("prefix/lib/__pycache__/demo.cpython-39.pyc");
    let run = |script: rpm::Scriptlet, argument: &str| {
        fs_err::create_dir_all(cached.parent().unwrap()).unwrap();
        fs_err::write(&cached, "").unwrap();
        // On a tree of its own in the place of the real one.
        let text = script.script.replace("/opt/demo", bench.path("prefix").to_str().unwrap());
        let done = assert_cmd::Command::new("sh").args(["-c", &text, "sh", argument]).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        cached.exists()
    };
    let before = || package.metadata.get_pre_install_script().unwrap();
    let after = || package.metadata.get_pre_uninstall_script().unwrap();
    assert!(!run(before(), "2"), "the old version's bytecode goes before the new version's files come");
    assert!(run(after(), "1"), "the new version's bytecode stays when the old version goes");
    assert!(!run(after(), "0"));
}

#[test]
fn the_interpreter_of_a_scriptlet_is_required() {
    let bench = Bench::new();
    bench.configure(
        "[python]\nbytecode = \"none\"\n[scriptlets]\npost = \"#!/usr/bin/perl\\nexit 0\"\n\
         preun = \"#!/opt/demo/bin/python\\n\"\nposttrans = \"exit 0\"\n",
    );
    let out = bench.path("out");
    bench.run(&["-D", "rocky-9", "-d", out.to_str().unwrap()], 0);
    let package = rpm::Package::open(out.join("demo-1.0-1.noarch.rpm")).unwrap();
    let requires = package.metadata.get_requires().unwrap();
    let programs = requires.iter().map(|required| required.name.as_str()).filter(|name| name.starts_with('/'));
    let programs = programs.collect::<std::collections::BTreeSet<_>>();
    assert_eq!(programs.into_iter().collect::<Vec<_>>(), ["/bin/sh", "/usr/bin/perl"]);
}
