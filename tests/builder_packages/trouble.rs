//! What goes wrong: no engine, a compiler that refuses, an interrupt.

use std::time::{Duration, Instant};

use omnipack::exec::Command;

use crate::support::both;
use crate::world::World;

const PROJECT: &str = "[project]\nname = 'trouble'\nversion = '1.0'\n[build-system]\nrequires = ['setuptools']\n\
                       build-backend = 'setuptools.build_meta'\n[tool.setuptools]\npackages = ['trouble']\n";

fn make_project(world: &World, setup: &str, c: &str) {
    world.write("project/pyproject.toml", PROJECT);
    world.write("project/setup.py", setup);
    world.write("project/trouble/__init__.py", "");
    world.write("project/trouble/_native.c", c);
    world.write("project/omnipack.toml", "");
    world.name_images("project", &["debian-12"]);
}

fn build(world: &World) -> Command {
    let command = world.omnipack("cache").args(["-D", "debian-12", "--builder", "podman", "-d"]).arg(world.path("out"));
    command.arg(world.path("project"))
}

#[test]
fn a_missing_engine_and_a_compiler_that_refuses_are_told_plainly() {
    let world = World::new();
    let setup = "from setuptools import setup, Extension\n\
                 setup(ext_modules=[Extension('trouble._native', ['trouble/_native.c'])])\n";
    make_project(&world, setup, "#include <no_such_header.h>\n");

    let missing = build(&world).env("PATH", world.plain_path()).run().unwrap();
    assert_eq!(missing.code, 1);
    assert!(both(&missing).contains("podman is not on this machine"), "{}", both(&missing));

    let refused = build(&world).run().unwrap();
    assert_eq!(refused.code, 1);
    let said = both(&refused);
    assert!(said.contains("resolve::build") && said.contains("no_such_header.h"), "{said}");
    assert!(said.contains("compilation terminated."), "{said}");
    assert!(!world.path("out").exists(), "a directory is left");
    assert_eq!(world.containers(), "", "a container is left");
}

#[test]
fn an_interrupt_leaves_neither_container_nor_files() {
    let world = World::new();
    make_project(&world, "import time\ntime.sleep(600)\n", "");
    let background = build(&world).start_logged(&world.path("log")).unwrap();
    let begun = Instant::now();
    let log = || fs_err::read_to_string(world.path("log")).unwrap_or_default();
    while world.containers().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(240) && !background.has_ended(), "{}", log());
        std::thread::sleep(Duration::from_millis(200));
    }
    std::thread::sleep(Duration::from_secs(3));
    assert!(!background.has_ended(), "{}", log());
    Command::new("kill").args(["-s", "INT", &background.pid().to_string()]).run_checked().unwrap();
    let interrupted = Instant::now();
    while !background.has_ended() {
        assert!(interrupted.elapsed() < Duration::from_secs(30), "{}", log());
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(background.exit_code(), Some(130), "{}", log());
    assert_eq!(world.containers(), "", "a container is left");
    let written = fs_err::read_dir(world.path("out")).map_or(0, Iterator::count);
    assert_eq!(written, 0, "files are left");
    let left = fs_err::read_dir(world.path("cache/tmp")).unwrap().count();
    assert_eq!(left, 0, "scratch of a build is left");
}
