//! Bad input and bad luck: each gives a clear error with the right exit code, and leaves nothing behind.

#![allow(clippy::disallowed_methods, reason = "the tests mount, kill and start what they test")]

mod handmade;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use handmade::{WheelMaker, demo, listing, omnipack};

/// A message without the line breaks that fit it to the terminal's width.
fn flat(stderr: &str) -> String {
    stderr.split_whitespace().filter(|word| *word != "|" && *word != "│").collect::<Vec<_>>().join(" ")
}

/// A place for one test: wheels, a cache, and where packages go.
struct Place {
    root: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for name in ["wheels", "cache", "out"] {
            fs_err::create_dir(root.path().join(name)).unwrap();
        }
        Self { root }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.root.path().join(name)
    }

    /// Builds `source` for rocky-9 from the wheels of this place, with no bytecode unless the configuration says so.
    fn build(&self, source: &Path) -> assert_cmd::Command {
        let mut command = omnipack(&self.path("cache"));
        command.args(["--distribution", "rocky-9", "--wheels"]).arg(self.path("wheels"));
        command.arg("-d").arg(self.path("out")).arg(source);
        command
    }

    /// Runs `command`, which has to fail with `code`, say all of `texts`, and leave no file.
    fn fails(&self, command: &mut assert_cmd::Command, code: i32, texts: &[&str]) {
        let output = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let flat = flat(&stderr);
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        for text in texts {
            assert!(flat.contains(text), "`{text}` is not in:\n{stderr}");
        }
        assert!(!stderr.contains("panicked"), "{stderr}");
        assert_eq!(listing(&self.path("out")), Vec::<String>::new());
    }
}

#[test]
fn a_project_that_is_not_there() {
    let place = Place::new();
    place.fails(&mut place.build(Path::new("./no/such/project")), 2, &["no/such/project"]);
}

#[test]
fn a_project_that_is_empty() {
    let place = Place::new();
    fs_err::create_dir(place.path("empty")).unwrap();
    place.fails(&mut place.build(&place.path("empty")), 2, &["empty"]);
}

#[test]
fn a_distribution_that_is_not_known_is_answered_with_the_nearest() {
    let place = Place::new();
    let wheel = demo(&place.path("wheels"));
    let mut command = omnipack(&place.path("cache"));
    command.args(["--distribution", "rocky9", "-d"]).arg(place.path("out")).arg(&wheel);
    place.fails(&mut command, 2, &["rocky9", "rocky-9"]);
}

#[test]
fn a_failed_build_takes_away_the_directories_it_made() {
    let place = Place::new();
    let wheel = WheelMaker::new("needy", "1.0").file("needy.py", "").requires("absent").write(&place.path("wheels"));
    let mut command = omnipack(&place.path("cache"));
    command.args(["--distribution", "rocky-9", "--wheels"]).arg(place.path("wheels"));
    command.arg("-d").arg(place.path("out").join("new/directory")).arg(&wheel);
    place.fails(&mut command, 1, &["absent"]);
}

#[test]
fn no_distribution_at_all() {
    let place = Place::new();
    let wheel = demo(&place.path("wheels"));
    let mut command = omnipack(&place.path("cache"));
    command.arg("-d").arg(place.path("out")).arg(&wheel);
    place.fails(&mut command, 2, &["--distribution", "omnipack distributions"]);
}

#[test]
fn a_requirement_without_a_wheel() {
    let place = Place::new();
    let wheel =
        WheelMaker::new("needy", "1.0").file("needy.py", "").requires("absent-thing>=2").write(&place.path("wheels"));
    place.fails(&mut place.build(&wheel), 1, &["absent-thing"]);
}

#[test]
fn a_requirement_whose_wheels_are_for_others() {
    let place = Place::new();
    let wheel = WheelMaker::new("needy", "1.0").file("needy.py", "").requires("foreign").write(&place.path("wheels"));
    WheelMaker::new("foreign", "3.1").file("foreign.py", "").tag("cp39-cp39-win_amd64").write(&place.path("wheels"));
    place.fails(&mut place.build(&wheel), 1, &["foreign", "win_amd64"]);
}

#[test]
fn a_wheel_that_is_no_archive() {
    let place = Place::new();
    let path = place.path("wheels").join("broken-1.0-py3-none-any.whl");
    fs_err::write(&path, "not a zip").unwrap();
    place.fails(&mut place.build(&path), 1, &["broken-1.0-py3-none-any.whl"]);
}

#[test]
fn a_wheel_that_leaves_the_tree() {
    for hostile in ["../evil.py", "/evil.py", "demo/../../evil.py"] {
        let place = Place::new();
        let wheel =
            WheelMaker::new("hostile", "1.0").file("hostile.py", "").file(hostile, "x").write(&place.path("wheels"));
        place.fails(&mut place.build(&wheel), 1, &["hostile-1.0-py3-none-any.whl", "evil.py"]);
    }
}

/// A project directory with a ready wheel's worth of source and a configuration.
fn project(place: &Place, config: &str) -> std::path::PathBuf {
    let directory = place.path("project");
    fs_err::create_dir(&directory).unwrap();
    fs_err::write(directory.join("requirements.txt"), "").unwrap();
    fs_err::write(directory.join("app.py"), "def main():\n    pass\n").unwrap();
    fs_err::write(directory.join("omnipack.toml"), config).unwrap();
    directory
}

#[test]
fn a_symlink_that_leaves_the_tree() {
    let place = Place::new();
    let config = "[[file]]\nsource = \"data\"\ndestination = \"/opt/project/data\"\n";
    let directory = project(&place, config);
    fs_err::create_dir(directory.join("data")).unwrap();
    std::os::unix::fs::symlink("../../../../etc/passwd", directory.join("data/link")).unwrap();
    place.fails(&mut place.build(&directory), 1, &["data/link"]);
}

#[test]
fn a_service_whose_command_is_not_in_the_virtualenv() {
    let place = Place::new();
    let directory = project(&place, "[[service]]\nname = \"web\"\ncommand = \"app-webb --port 80\"\n");
    place.fails(&mut place.build(&directory), 1, &["app-webb", "web"]);
}

#[test]
fn two_services_of_one_name() {
    let place = Place::new();
    let service = "[[service]]\nname = \"web\"\ncommand = \"python -m http.server\"\n";
    let directory = project(&place, &format!("{service}{service}"));
    place.fails(&mut place.build(&directory), 2, &["two `[[service]]` with the name `web`", "omnipack.toml:2:8"]);
}

#[test]
fn two_files_at_one_place() {
    let place = Place::new();
    let file = "[[file]]\nsource = \"app.py\"\ndestination = \"/etc/project/app.py\"\n";
    let directory = project(&place, &format!("{file}{file}"));
    place.fails(&mut place.build(&directory), 2, &["/etc/project/app.py"]);
}

#[test]
fn a_file_below_another_file() {
    let place = Place::new();
    let file = |destination: &str| format!("[[file]]\nsource = \"app.py\"\ndestination = \"{destination}\"\n");
    let meta = "package = \"node\"\n[[service]]\nname = \"web\"\ncommand = \"python -m http.server\"\n";
    let directory = project(&place, &[&file("/etc/demo"), &file("/etc/demo/sub/b"), meta].concat());
    for target in ["rocky-9", "debian-12"] {
        let mut build = omnipack(&place.path("cache"));
        build.args(["--distribution", target, "--wheels"]).arg(place.path("wheels")).arg("-d").arg(place.path("out"));
        place.fails(build.arg(&directory), 1, &["/etc/demo/sub/b below /etc/demo, which is no directory"]);
    }
}

#[test]
fn a_destination_that_cannot_be_written() {
    let place = Place::new();
    let wheel = demo(&place.path("wheels"));
    let blocked = place.path("blocked");
    fs_err::write(&blocked, "a file").unwrap();
    let mut command = omnipack(&place.path("cache"));
    command.args(["--distribution", "rocky-9", "--wheels"]).arg(place.path("wheels"));
    command.arg("-d").arg(blocked.join("out")).arg(&wheel);
    place.fails(&mut command, 1, &["blocked"]);
}

#[test]
fn a_full_disk_is_named_and_nothing_stays() {
    let place = Place::new();
    let noise = (0..3_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect::<Vec<_>>();
    let wheel = WheelMaker::new("large", "1.0")
        .file("large/__init__.py", "")
        .file("large/noise.bin", noise)
        .write(&place.path("wheels"));
    let small = place.path("small");
    fs_err::create_dir(&small).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=512k", "tmpfs"]).arg(&small).status().unwrap();
    assert!(mounted.success(), "this test mounts a small file system, for which it needs root");
    let mut command = omnipack(&place.path("cache"));
    command.args(["--distribution", "rocky-9", "--wheels"]).arg(place.path("wheels"));
    let output = command.arg("-d").arg(&small).arg(&wheel).output().unwrap();
    let left = listing(&small);
    assert!(Command::new("umount").arg(&small).status().unwrap().success());
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(flat(&stderr).contains("No space left on device"), "{stderr}");
    assert!(stderr.contains("small"), "the directory is not named: {stderr}");
    assert_eq!(left, Vec::<String>::new());
}

/// A wheel that takes a while to pack.
fn slow_wheel(place: &Place) -> std::path::PathBuf {
    let mut maker = WheelMaker::new("slow", "1.0").file("slow/__init__.py", "");
    let noise = (0..4_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8).collect::<Vec<_>>();
    for number in 0..12 {
        maker = maker.file(&format!("slow/data{number}.bin"), &noise);
    }
    let config = "[package]\ncompression = \"small\"\n";
    fs_err::write(place.path("slow.toml"), config).unwrap();
    maker.write(&place.path("wheels"))
}

fn start_slow(place: &Place, wheel: &Path) -> std::process::Child {
    Command::new(assert_cmd::cargo::cargo_bin("omnipack"))
        .env("OMNIPACK_CACHE", place.path("cache"))
        .args(["--distribution", "rocky-9", "--config"])
        .arg(place.path("slow.toml"))
        .arg("--wheels")
        .arg(place.path("wheels"))
        .arg("-d")
        .arg(place.path("out"))
        .arg(wheel)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until the build has its scratch directory in `out`.
fn wait_until_packing(place: &Place) {
    let begun = Instant::now();
    while listing(&place.path("out")).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the build never began to pack");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn an_interrupted_build_leaves_nothing() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let place = Place::new();
        let wheel = slow_wheel(&place);
        let mut child = start_slow(&place, &wheel);
        wait_until_packing(&place);
        let killed = Command::new("kill").arg(format!("-{signal}")).arg(child.id().to_string()).status().unwrap();
        assert!(killed.success());
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert_eq!(listing(&place.path("out")), Vec::<String>::new(), "after SIG{signal}");
    }
}

#[test]
fn a_killed_build_leaves_no_package_and_the_next_one_works() {
    let place = Place::new();
    let wheel = slow_wheel(&place);
    let mut child = start_slow(&place, &wheel);
    wait_until_packing(&place);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(listing(&place.path("out")).iter().all(|name| !name.ends_with(".rpm")));
    let wheel = demo(&place.path("wheels"));
    place.build(&wheel).assert().success();
    assert!(listing(&place.path("out")).contains(&"demo-1.0-1.noarch.rpm".to_owned()));
}

#[test]
fn two_builds_at_once_into_one_directory() {
    let place = Place::new();
    let wheel = slow_wheel(&place);
    let mut child = start_slow(&place, &wheel);
    wait_until_packing(&place);
    let small = demo(&place.path("wheels"));
    let output = place.build(&small).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("another omnipack is writing"), "{stderr}");
}
