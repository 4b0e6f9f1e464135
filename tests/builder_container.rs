//! Builder images and containers, with the real podman, the real docker client and Debian's own packages.
//!
//! What is done by omnipack's library is done by this program run again, with the settings that podman needs here in its
//! environment: one that waits can be interrupted and killed.

#![allow(dead_code, reason = "the modules belong to the system tests")]

mod containers_support;
mod support;

#[path = "system/bases.rs"]
mod bases;
#[path = "system/root.rs"]
mod root;

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use containers_support::{Image, Podman, Storage};
use omnipack::builder::{self, Base, Choice, Container, Engine, Layers, Mount, Network, Preparation, Request};
use omnipack::exec::{Background, Command};
use omnipack::progress::Silent;
use support::{both, expect_success, omnipack};

/// Which part the program plays when it is run again, and where.
const ROLE: &str = "OMNIPACK_TEST_ROLE";
const DIRECTORY: &str = "OMNIPACK_TEST_DIRECTORY";

struct World {
    base: Image,
    directory: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let root = root::Root::new("bookworm", "3.11");
        // As this machine reaches the mirror.
        for file in ["/etc/resolv.conf", "/etc/hosts"] {
            fs_err::copy(file, root.inside(file)).unwrap();
        }
        let base = Image::of(&root.path(), "builder-base");
        let directory = tempfile::tempdir().unwrap();
        let world = Self { base, directory };
        world.configure(&["zlib1g-dev (>= 1:1.2)"]);
        world
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn configure(&self, packages: &[&str]) {
        let config = format!(
            "[targets]\ndistributions = ['debian-12']\n[builder]\npackages = {packages:?}\n\
             [distribution.debian-12]\nbuilder.image = '{}'\ntoolchain.packages = ['gcc', 'libc6-dev']\n",
            self.base.name
        );
        fs_err::write(self.path().join("omnipack.toml"), config).unwrap();
    }

    fn omnipack(&self, args: &[&str]) -> Command {
        let command = self.base.podman.settled(omnipack()).arg("builder").args(args);
        command.env("OMNIPACK_CACHE", self.path().join("cache")).dir(self.path())
    }

    /// This program again.
    fn again(&self, role: &str) -> Command {
        let name = "a_builder_is_made_once_and_its_containers_leave_nothing";
        let command = self.base.podman.settled(Command::new(std::env::current_exe().unwrap()));
        let command = command.args(["--exact", name, "--nocapture"]);
        command.env(ROLE, role).env(DIRECTORY, self.path()).env("INHERITED", "from outside")
    }

    /// Those of omnipack's builders that were started by a part of this test.
    fn containers(&self) -> String {
        let names = fs_err::read_to_string(self.path().join("names")).unwrap_or_default();
        let all = expect_success(&self.base.podman.command(&["ps", "--all", "--format", "{{.Names}}"]));
        all.lines().filter(|name| names.lines().any(|known| known == *name)).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let filter = format!("label=omnipack.base={}", self.base.name);
        let images =
            self.base.podman.command(&["image", "ls", "--quiet", "--filter", &filter]).run().unwrap().stdout_text();
        for image in images.lines() {
            let _ = self.base.podman.command(&["rmi", "--force", image]).run();
        }
    }
}

#[test]
fn a_builder_is_made_once_and_its_containers_leave_nothing() {
    if let Ok(role) = std::env::var(ROLE) {
        let directory = PathBuf::from(std::env::var_os(DIRECTORY).unwrap());
        return match role.as_str() {
            "work" => work(&directory),
            _ => wait(&directory),
        };
    }
    let world = World::new();
    let tag = two_at_once_make_one(&world);
    images_are_listed(&world, &tag);
    a_builder_is_found_when_its_base_is_gone(&world, &tag);
    expect_success(&world.again("work"));
    assert_eq!(world.containers(), "");
    rootless_podman_gives_files_to_its_caller(&world, &tag);
    // Whatever way omnipack ends.
    for (signal, code) in [("INT", 130), ("KILL", -1)] {
        let waiting = waiting(&world);
        assert_ne!(world.containers(), "", "no container");
        expect_success(&Command::new("kill").args(["-s", signal, &waiting.pid().to_string()]));
        let begun = Instant::now();
        while !waiting.has_ended() || !world.containers().is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{signal} leaves {}", world.containers());
            std::thread::sleep(Duration::from_millis(200));
        }
        assert_eq!(waiting.exit_code(), Some(code));
    }
    failures_are_explained(&world);
    docker_does_the_same(&world, &tag);
    outdated_images_are_removed(&world);
}

fn two_at_once_make_one(world: &World) -> String {
    let log = |number: u32| world.path().join(format!("{number}.log"));
    let builds = [1, 2].map(|number| world.omnipack(&["build"]).start_logged(&log(number)).unwrap());
    while !builds.iter().all(Background::has_ended) {
        std::thread::sleep(Duration::from_millis(100));
    }
    let said = [1, 2].map(|number| fs_err::read_to_string(log(number)).unwrap());
    assert!(builds.iter().all(|build| build.exit_code() == Some(0)), "{said:?}");
    let making = |text: &&String| text.contains("making the builder for debian-12 with podman");
    assert_eq!(said.iter().filter(making).count(), 1, "{said:?}");
    let tags = said.each_ref().map(|text| text.lines().find(|line| line.starts_with("localhost/")).unwrap().to_owned());
    assert_eq!(tags[0], tags[1]);
    assert!(tags[0].starts_with("localhost/omnipack-builder:debian-12-3.11-"), "{tags:?}");
    let again = world.omnipack(&["build"]).run().unwrap();
    assert_eq!((again.code, both(&again)), (0, format!("{}\n", tags[0])));
    tags[0].clone()
}

fn images_are_listed(world: &World, tag: &str) {
    let listed = expect_success(&world.omnipack(&["list", "--json"]));
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let one = listed.as_array().unwrap().iter().find(|image| image["tag"] == tag).unwrap();
    assert_eq!(one["distribution"], "debian-12");
    assert_eq!((one["state"].as_str(), one["python"].as_str()), (Some("current"), Some("3.11")));
    assert_eq!(one["base"], world.base.name);
    assert!(one["size"].as_u64().unwrap() > 100_000_000, "{one}");
    let table = expect_success(&world.omnipack(&["list"]));
    let line = table.lines().find(|line| line.ends_with(tag)).unwrap();
    assert!(line.contains("debian-12") && line.contains("MiB"), "{table}");
}

fn a_builder_is_found_when_its_base_is_gone(world: &World, tag: &str) {
    let (base, podman) = (&world.base.name, &world.base.podman);
    let aside = format!("{base}-aside");
    podman.run(&["tag", base, &aside]);
    podman.run(&["untag", base, base]);
    assert!(!podman.has(base));
    let found = world.omnipack(&["build"]).run().unwrap();
    podman.run(&["tag", &aside, base]);
    podman.run(&["untag", base, &aside]);
    assert_eq!((found.code, both(&found)), (0, format!("{tag}\n")));
}

#[test]
fn what_is_in_use_stays_and_the_rest_that_is_outdated_goes() {
    let scratch = tempfile::Builder::new().prefix("op").tempdir_in("/tmp").unwrap();
    let podman = Podman::new(scratch.path(), Storage::Own);
    let archive = scratch.path().join("root.tar");
    let import = |name: &str, options: &[&str], mark: &str| {
        fs_err::write(scratch.path().join("mark"), mark).unwrap();
        expect_success(&Command::new("tar").arg("-C").arg(scratch.path()).arg("-cf").arg(&archive).arg("mark"));
        expect_success(&podman.command(&["import", "--quiet"]).args(options).arg(&archive).arg(name));
    };
    let base = "localhost/base:1";
    // The name of the base is that of another machine's image now.
    import(base, &["--arch", "arm64"], "base");
    for (name, machine) in [("own", "x86_64"), ("old", "aarch64"), ("used", "aarch64"), ("older", "aarch64")] {
        let labels = [("recipe", name), ("purpose", name), ("machine", machine), ("base", base), ("base-id", "0")];
        let labels = labels.map(|(label, value)| format!("LABEL omnipack.{label}={value}"));
        let options = labels.iter().flat_map(|label| ["--change", label]).collect::<Vec<_>>();
        import(&format!("localhost/omnipack-builder:{name}"), &options, name);
    }
    podman.run(&["create", "--quiet", "--name", "user", "localhost/omnipack-builder:used", "/bin/sh"]);
    let output = podman.settled(omnipack()).args(["builder", "prune", "--json"]).run().unwrap();
    podman.run(&["rm", "--all", "--force"]);
    let left = podman.run(&["image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]);
    podman.run(&["rmi", "--all", "--force"]);
    assert_eq!(output.code, 0, "{}", both(&output));
    let pruned: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let tags = |list: &str| {
        let mut tags =
            pruned[list].as_array().unwrap().iter().map(|image| image["tag"].as_str().unwrap()).collect::<Vec<_>>();
        tags.sort_unstable();
        tags
    };
    assert_eq!(tags("removed"), ["localhost/omnipack-builder:old", "localhost/omnipack-builder:older"]);
    assert_eq!(tags("kept"), ["localhost/omnipack-builder:used"]);
    assert!(output.stderr_text().contains("omnipack-builder:used stays: "), "{}", both(&output));
    let mut left = left.lines().collect::<Vec<_>>();
    left.sort_unstable();
    assert_eq!(left, [base, "localhost/omnipack-builder:own", "localhost/omnipack-builder:used"]);
}

/// A container of the builder, with its name where the test finds it.
fn container(directory: &Path, mounts: &[Mount]) -> Container {
    let request = Request {
        source: directory.display().to_string(),
        config: None,
        distributions: Vec::new(),
        machine: std::env::consts::ARCH.to_owned(),
    };
    let wanted = builder::recipes(&request).unwrap();
    let how = Preparation {
        cache: &directory.join("cache"),
        network: Network::Online,
        base: Base::Here,
        layers: Layers::Cached,
        listener: &Silent,
    };
    let engine = Engine::required(Choice::Podman).unwrap();
    let container = engine.image(&wanted[0].recipe, &how).unwrap().start(mounts).unwrap();
    let names = fs_err::read_to_string(directory.join("names")).unwrap_or_default();
    fs_err::write(directory.join("names"), format!("{names}{}\n", container.name())).unwrap();
    container
}

fn work(directory: &Path) {
    let (sources, outputs) = (directory.join("sour ces"), directory.join("out:puts"));
    for path in [&sources, &outputs] {
        fs_err::create_dir_all(path).unwrap();
    }
    fs_err::write(sources.join("x.c"), "#include <Python.h>\n#include <zlib.h>\nint x = PY_MINOR_VERSION;\n").unwrap();
    let mounts = [Mount::read_only(&sources), Mount::read_write(&outputs), Mount::read_only(&outputs)];
    let container = container(directory, &mounts);
    let shell = |script: &str| Command::new("/bin/sh").args(["-c", script]).dir(&outputs);
    let run = |script: &str| container.wrap(&shell(script)).run().unwrap();

    let compiled =
        run("gcc -shared -fPIC -I/usr/include/python3.11 -o x.so \"$OLDPWD/x.c\" 2>&1 || gcc -shared -fPIC \
                        -I/usr/include/python3.11 -o x.so '../sour ces/x.c'");
    assert_eq!(compiled.code, 0, "{}", both(&compiled));
    let meta = fs_err::metadata(outputs.join("x.so")).unwrap();
    assert_eq!(meta.uid(), rustix::process::geteuid().as_raw());
    let mode = |name: &str| fs_err::metadata(outputs.join(name)).unwrap().permissions().mode() & 0o777;
    expect_success(&container.wrap(&shell("echo > masked").umask(0o027)));
    assert_eq!(mode("masked"), 0o640);

    let denied = container.wrap(&Command::new("touch").arg(sources.join("y"))).run().unwrap();
    assert!(denied.code != 0 && both(&denied).contains("Read-only file system"), "{}", both(&denied));
    assert!(!sources.join("y").exists());

    let secret = "a b\n'$HOME\" é";
    let command =
        shell("pwd; printf '%s|' \"$SECRET\" \"$HOME\" \"${INHERITED-gone}\" \"$0\" \"$@\"").args(["a b", "$c", "d'"]);
    let command = container.wrap(&command.env("SECRET", secret).env("PATH", "/usr/bin:/bin"));
    assert!(!command.display().contains("é"), "a secret is on the command line: {}", command.display());
    let expected = format!("{}\n{secret}|/tmp|gone|a b|$c|d'|", outputs.display());
    assert_eq!(expect_success(&command), expected);

    let (mut stdin, mut stdout, running) = container.wrap(&Command::new("cat")).start().unwrap();
    std::io::Write::write_all(&mut stdin, b"through").unwrap();
    drop(stdin);
    let mut text = String::new();
    std::io::Read::read_to_string(&mut stdout, &mut text).unwrap();
    running.finish().unwrap();
    assert_eq!(text, "through");
    assert_eq!(run("exit 7").code, 7);

    assert!(container.ended().is_none());
    expect_success(&Command::new("podman").args(["rm", "--force", container.name()]));
    let ended = container.ended().unwrap().to_string();
    assert!(ended.contains("has ended while something ran in it"), "{ended}");
}

/// A user who is not root, with a podman of its own, which gets the image from a file.
const USER: u32 = 12345;

/// Files that say who the user is lie over this machine's own, for this command alone.
const BECOME: &str = "mount --bind \"$0/passwd\" /etc/passwd; mount --bind \"$0/group\" /etc/group
    mount --bind \"$0/ranges\" /etc/subuid; mount --bind \"$0/ranges\" /etc/subgid; cd \"$0\"
    exec setpriv --reuid 12345 --regid 12345 --clear-groups env -i HOME=\"$0\" XDG_RUNTIME_DIR=\"$0/run\" PATH=\"$PATH\" \
        STORAGE_DRIVER=overlay CONTAINERS_CONF=\"$0/containers.conf\" OMNIPACK_TEST_ROLE=work \
        OMNIPACK_TEST_DIRECTORY=\"$0/project\" INHERITED=x \"$@\"";

fn rootless_podman_gives_files_to_its_caller(world: &World, tag: &str) {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name);
    let account = |file: &str, line: &str| {
        let own = fs_err::read_to_string(Path::new("/etc").join(file)).unwrap();
        fs_err::write(path(file), format!("{own}{line}\n")).unwrap();
    };
    account("passwd", &format!("tester:x:{USER}:{USER}::{}:/bin/sh", home.path().display()));
    account("group", &format!("tester:x:{USER}:"));
    fs_err::write(path("ranges"), "tester:100000:65536\n").unwrap();
    let conf = fs_err::read_to_string(world.base.podman.configuration()).unwrap();
    fs_err::write(path("containers.conf"), conf.replace("ipcns = \"host\"\n", "")).unwrap();
    for directory in ["run", "project"] {
        fs_err::create_dir(path(directory)).unwrap();
    }
    fs_err::copy(world.path().join("omnipack.toml"), path("project/omnipack.toml")).unwrap();
    fs_err::copy(std::env::current_exe().unwrap(), path("again")).unwrap();
    let save =
        world.base.podman.command(&["save", "--quiet", "--multi-image-archive", &world.base.name, tag, "--output"]);
    expect_success(&save.arg(path("images")));
    expect_success(&Command::new("chown").args(["-R", &format!("{USER}:{USER}")]).arg(home.path()));

    let become_user = Command::new("unshare").args(["--mount", "sh", "-ec", BECOME]).arg(home.path());
    let again = "./again --exact a_builder_is_made_once_and_its_containers_leave_nothing --nocapture >&2";
    let script = format!("podman load --quiet --input images >&2 && {again} && podman ps --all --quiet");
    let output = become_user.args(["sh", "-c", &script]).run().unwrap();
    // It keeps the user's namespaces open.
    if let Ok(pid) = fs_err::read_to_string(path("run/libpod/tmp/pause.pid")) {
        let _ = Command::new("kill").arg(pid.trim()).run();
    }
    assert_eq!((output.code, output.stdout_text().trim()), (0, ""), "{}", both(&output));
    assert!(output.stderr_text().contains("1 passed"), "{}", both(&output));
    assert_eq!(fs_err::metadata(path("project/out:puts/x.so")).unwrap().uid(), USER);
}

/// Starts a container and waits to be ended.
fn wait(directory: &Path) {
    omnipack::scratch::clean_up_on_signals().unwrap();
    let container = container(directory, &[]);
    // What runs inside goes with it.
    let _running = container.wrap(&Command::new("sleep").arg("600")).start().unwrap();
    fs_err::write(directory.join("waiting"), "").unwrap();
    std::thread::sleep(Duration::from_secs(600));
}

fn waiting(world: &World) -> Background {
    let ready = world.path().join("waiting");
    let _ = fs_err::remove_file(&ready);
    let log = world.path().join("waiting.log");
    let waiting = world.again("wait").start_logged(&log).unwrap();
    let begun = Instant::now();
    while !ready.exists() {
        let said = fs_err::read_to_string(&log).unwrap();
        assert!(!waiting.has_ended() && begun.elapsed() < Duration::from_secs(120), "{said}");
        std::thread::sleep(Duration::from_millis(100));
    }
    waiting
}

fn failures_are_explained(world: &World) {
    let fails = |args: &[&str], expected: &[&str]| {
        let output = world.omnipack(args).env("COLUMNS", "400").run().unwrap();
        let said = both(&output);
        assert_eq!(output.code, 1, "{said}");
        for text in expected {
            assert!(said.contains(text), "{text} is not in\n{said}");
        }
    };
    world.configure(&["no-such-package-$(touch /omnipack-was-here)"
        .replace("$(touch /omnipack-was-here)", "")
        .as_str()]);
    fails(&["build"], &["builder::build", "no-such-package", "`build-requires` named as debian-12 does"]);
    world.configure(&[]);
    let config = world.path().join("omnipack.toml");
    let text = fs_err::read_to_string(&config).unwrap();
    fs_err::write(&config, text.replace(&world.base.name, "localhost:9/nothing:1")).unwrap();
    fails(&["build"], &["builder::base", "localhost:9/nothing:1", "[distribution.debian-12.builder]"]);
    fs_err::write(&config, text).unwrap();
    fails(&["build", "--machine", "aarch64"], &["builder::platform", "is for amd64, and aarch64 is asked for"]);
    let output =
        world.omnipack(&["list", "--builder", "docker"]).env("DOCKER_HOST", "unix:///nonexistent").run().unwrap();
    let said = both(&output);
    assert!(output.code == 1 && said.contains("builder::engine") && said.contains("systemctl start docker"), "{said}");
    let path = world.path().join("empty");
    fs_err::create_dir_all(&path).unwrap();
    let without = |args: &[&str]| both(&world.omnipack(args).env("PATH", &path).run().unwrap());
    assert!(without(&["list", "--builder", "podman"]).contains("podman is not on this machine"));
    assert!(without(&["list"]).contains("neither podman nor docker works"));
    fs_err::write(path.join("podman"), "#!/bin/sh\necho 'Error: no newuidmap' >&2\nexit 125\n").unwrap();
    fs_err::set_permissions(path.join("podman"), PermissionsExt::from_mode(0o755)).unwrap();
    let said = without(&["list"]).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("podman does not work: no newuidmap"), "{said}");
}

/// The docker client, with the interface of docker's daemon that podman offers.
fn docker_does_the_same(world: &World, tag: &str) {
    let socket = format!("unix://{}", world.path().join("docker.sock").display());
    let log = world.path().join("service.log");
    let service = world.base.podman.command(&["system", "service", "--time=0", &socket]).start_logged(&log).unwrap();
    let docker = |args: &[&str]| world.omnipack(args).args(["--builder", "docker"]).env("DOCKER_HOST", &socket);
    let begun = Instant::now();
    while docker(&["list"]).run().unwrap().code != 0 {
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", fs_err::read_to_string(&log).unwrap());
        std::thread::sleep(Duration::from_millis(200));
    }
    let tags = |command: &Command| {
        let listed: serde_json::Value = serde_json::from_str(&expect_success(command)).unwrap();
        let tags = listed.as_array().unwrap().iter().map(|image| image["tag"].as_str().unwrap().to_owned());
        tags.collect::<Vec<_>>()
    };
    assert!(tags(&docker(&["list", "--json"])).contains(&tag.to_owned()));
    world.configure(&["zlib1g-dev (>= 1:1.2)", "less"]);
    let built = docker(&["build", "--json"]).run().unwrap();
    assert_eq!(built.code, 0, "{}", both(&built));
    assert!(built.stderr_text().contains("making the builder for debian-12 with docker"), "{}", built.stderr_text());
    let made: serde_json::Value = serde_json::from_slice(&built.stdout).unwrap();
    assert_eq!(made[0]["engine"], "docker");
    assert!(tags(&world.omnipack(&["list", "--json"])).contains(&made[0]["tag"].as_str().unwrap().to_owned()));
    service.kill_tree();
}

fn outdated_images_are_removed(world: &World) {
    let root = root::Root::new("bookworm", "3.11");
    fs_err::write(root.inside("/etc/changed"), "").unwrap();
    world.base.podman.import(&root.path(), &world.base.name);
    let states = |json: &str| {
        let listed: serde_json::Value = serde_json::from_str(json).unwrap();
        let own = listed.as_array().unwrap().iter().filter(|image| image["base"] == world.base.name);
        own.map(|image| image["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let listed = states(&expect_success(&world.omnipack(&["list", "--json"])));
    assert!(listed.len() >= 2 && listed.iter().all(|state| state == "outdated"), "{listed:?}");
}
