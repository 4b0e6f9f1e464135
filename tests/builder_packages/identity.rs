//! What a container builds is, byte for byte, what the distribution itself builds.

use std::path::Path;

use omnipack::exec::Command;

use crate::root::Root;
use crate::support::expect_success;
use crate::world::{TARGETS, World, assert_same, debs, libraries, listing};

#[test]
fn three_distributions_get_what_each_of_them_would_build_itself() {
    let world = World::new();
    world.make_project();
    world.name_images("project", &TARGETS.map(|target| target.0));
    let before = listing(&world.path("project"));
    let all = TARGETS.iter().flat_map(|(distribution, ..)| ["-D", distribution]).collect::<Vec<_>>();
    let build = |cache: &str, out: &str| {
        world.omnipack(cache).args(&all).arg("-d").arg(world.path(out)).arg(world.path("project"))
    };
    expect_success(&build("cache", "inside").args(["--builder", "podman"]));
    assert_eq!(listing(&world.path("project")), before, "the sources were written to");
    assert_eq!(world.containers(), "", "a container is left");

    for (distribution, suite, python) in TARGETS {
        let root = Root::new(suite, python);
        build_on_target(&world, &root, distribution);
        assert_same(&world.path("inside").join(distribution), &root.inside("/srv/out"));
        assert_eq!(run_on_target(&root), format!("42 speedy/_native.c &lt;b&gt; markupsafe._speedups {python}\n"));
    }

    // A machine without an engine, which shares the cache.
    let plain = build("cache", "later").args(["--builder", "none", "--offline"]).env("PATH", world.plain_path());
    expect_success(&plain);
    for (distribution, ..) in TARGETS {
        assert_same(&world.path("inside").join(distribution), &world.path("later").join(distribution));
    }
}

/// omnipack, run in a system of the distribution that has compilers, on a copy of the project at another place.
fn build_on_target(world: &World, root: &Root, distribution: &str) {
    for file in ["/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt"] {
        fs_err::copy(file, root.inside(file)).unwrap();
    }
    let install = "export DEBIAN_FRONTEND=noninteractive; apt-get -qq update; \
                   apt-get -qq install -y --no-install-recommends gcc g++ make libc6-dev python3-dev python3-venv >/dev/null 2>&1";
    root.chroot("sh", &["-ec", install]);
    let copy = |from: &Path, to: &str| {
        fs_err::create_dir_all(root.inside(to)).unwrap();
        expect_success(&Command::new("cp").arg("-aL").arg(from).arg(root.inside(to)));
    };
    copy(&world.path("project"), "/srv/elsewhere");
    copy(&world.path("links"), "/srv/elsewhere");
    // This machine's C library is newer than some of the targets', and so omnipack brings it.
    let program = Path::new(env!("CARGO_BIN_EXE_omnipack"));
    copy(program, "/srv/host");
    libraries(program).iter().for_each(|library| copy(library, "/srv/host"));
    let uv = expect_success(&Command::new("find").arg(world.path("cache")).args(["-path", "*/uv-program/*/uv"]));
    match uv.lines().next() {
        Some(uv) => copy(Path::new(uv), "/srv/host"),
        None => copy(&which::which("uv").unwrap(), "/srv/host"),
    }
    let loader = fs_err::read_dir(root.inside("/srv/host")).unwrap().map(|entry| entry.unwrap().file_name());
    let loader = loader.map(|name| name.into_string().unwrap()).find(|name| name.starts_with("ld-linux")).unwrap();
    let mut command = Command::new("systemd-nspawn").args(["--quiet", "--register=no", "--keep-unit", "--as-pid2"]);
    command = command.args(["--resolv-conf=off", "--pipe", "--setenv=OMNIPACK_UV=/srv/host/uv"]).arg("--directory");
    command = command.arg(root.path()).arg("--setenv=OMNIPACK_CACHE=/var/tmp/a cache");
    for name in ["PIP_CERT", "PIP_INDEX_URL", "UV_DEFAULT_INDEX", "http_proxy", "https_proxy", "no_proxy"] {
        if let Ok(value) = std::env::var(name) {
            command = command.arg(format!("--setenv={name}={value}"));
        }
    }
    let command =
        command.arg(format!("/srv/host/{loader}")).args(["--library-path", "/srv/host", "/srv/host/omnipack"]);
    expect_success(&command.args([
        "-D",
        distribution,
        "--builder",
        "none",
        "-d",
        "/srv/out",
        "/srv/elsewhere/project",
    ]));
}

/// Installs the packages in the system and runs the command.
fn run_on_target(root: &Root) -> String {
    let names =
        debs(&root.inside("/srv/out")).iter().map(|path| path.file_name().unwrap().to_owned()).collect::<Vec<_>>();
    let names = names.iter().map(|name| format!("/srv/out/{}", name.to_str().unwrap())).collect::<Vec<_>>();
    root.chroot("dpkg", &std::iter::once("--install").chain(names.iter().map(String::as_str)).collect::<Vec<_>>());
    root.chroot("speedy", &[])
}
