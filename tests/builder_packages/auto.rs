//! `--builder auto`: a container only for what nothing else can make.

use std::io::Write;
use std::path::{Path, PathBuf};

use omnipack::exec::Command;

use crate::support::{both, expect_success, fixture};
use crate::world::{C, World, debs};

/// A `podman` that writes down what it is asked, first on PATH; no Python but this machine's own.
fn observed(world: &World) -> (PathBuf, String) {
    let log = world.path("asked");
    let script = format!("#!/bin/sh\necho \"$*\" >> '{}'\nexec /usr/bin/podman \"$@\"\n", log.display());
    world.write("watch/podman", &script);
    expect_success(&Command::new("chmod").args(["755"]).arg(world.path("watch/podman")));
    (log, format!("{}:{}", world.path("watch").display(), world.plain_path().display()))
}

/// What an sdist can do without its extension.
#[derive(Clone, Copy, PartialEq)]
enum Extension {
    Needed,
    /// As MarkupSafe and many others have it: `setup.py` goes on without.
    Optional,
}

fn make_sdist(directory: &Path, name: &str, extension: Extension) {
    make_sdist_of(directory, name, extension, C);
}

fn make_sdist_of(directory: &Path, name: &str, extension: Extension, code: &str) {
    fs_err::create_dir_all(directory).unwrap();
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n");
    let otherwise = if extension == Extension::Optional { "run([])" } else { "raise" };
    let setup = format!(
        "from setuptools import setup, Extension\n\
         def run(modules): setup(name='{name}', version='1.0', ext_modules=modules)\n\
         try: run([Extension('_{name}', ['_native.c'], define_macros=[('PyInit__native', 'PyInit__{name}')])])\n\
         except (Exception, SystemExit): {otherwise}\n"
    );
    let files = [
        ("PKG-INFO", &*metadata),
        ("pyproject.toml", "[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n"),
        ("setup.py", &setup),
        ("_native.c", code),
    ];
    let file = fs_err::File::create(directory.join(format!("{name}-1.0.tar.gz"))).unwrap();
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(file, flate2::Compression::fast()));
    for (member, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("{name}-1.0/{member}"), text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap().flush().unwrap();
}

/// A project that needs `requires` of the sdists in `links`.
fn make_project(world: &World, name: &str, requires: &str, python: &str) {
    let text = format!(
        "[project]\nname = '{name}'\nversion = '1.0'\ndependencies = [{requires}]\n[build-system]\nrequires = \
         ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n[tool.setuptools]\npy-modules = ['shop']\n"
    );
    world.write(&format!("{name}/pyproject.toml"), &text);
    world.write(&format!("{name}/shop.py"), "");
    world.write(&format!("{name}/omnipack.toml"), &format!("[python]\nfind-links = ['../links']\n{python}"));
}

#[test]
fn a_container_is_used_for_what_has_no_wheel_and_cannot_be_compiled_here() {
    let world = World::new();
    let (log, path) = observed(&world);
    let auto_on = |path: &str, distribution: &str, project: &Path, out: &str| {
        let command = world.omnipack("cache").args(["-D", distribution, "-d"]).arg(world.path(out)).arg(project);
        command.env("PATH", path).env("PYENV_ROOT", "/nonexistent").env("HOME", world.path("home"))
    };
    let auto_for = |distribution: &str, project: &Path, out: &str| auto_on(&path, distribution, project, out);
    let auto = |project: &Path, out: &str| auto_for("debian-13", project, out);
    let asked = || fs_err::read_to_string(&log).unwrap_or_default();

    make_sdist(&world.path("links"), "needed", Extension::Needed);
    make_sdist(&world.path("links"), "quicker", Extension::Optional);

    // Code that nothing compiles is no reason to ask for a container.
    make_project(&world, "plain", "", "");
    world.write("plain/benchmarks/loop.c", C);
    for (project, out) in [(fixture("minimal"), "wheels"), (world.path("plain"), "plain-out")] {
        let output = auto(&project, out).run().unwrap();
        assert_eq!(output.code, 0, "{}", both(&output));
        assert!(asked().lines().all(|line| line.starts_with("info ")), "{}", asked());
    }

    make_project(&world, "shop", "'needed==1.0', 'quicker==1.0'", "");
    make_project(&world, "slow", "'quicker==1.0'", "");
    let without = auto(&world.path("shop"), "shop-out").args(["--builder", "none"]).run().unwrap();
    assert_eq!(without.code, 1, "{}", both(&without));
    let said = both(&without).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("resolve::needs_compiler") && said.contains("--builder podman"), "{said}");

    // An engine is installed and does not work.
    world.write("broken/podman", "#!/bin/sh\necho 'Error: no newuidmap' >&2\nexit 125\n");
    expect_success(&Command::new("chmod").args(["755"]).arg(world.path("broken/podman")));
    let path_of_broken = format!("{}:{}", world.path("broken").display(), world.plain_path().display());
    let broken = auto_on(&path_of_broken, "debian-13", &world.path("shop"), "shop-out").run().unwrap();
    assert_eq!(broken.code, 1, "{}", both(&broken));
    let said = both(&broken).split_whitespace().collect::<Vec<_>>().join(" ");
    let told = "native code would be compiled in a container, but podman does not work: no newuidmap";
    assert_eq!(said.matches(told).count(), 1, "{said}");

    // The image cannot be had.
    let config = fs_err::read_to_string(world.path("shop/omnipack.toml")).unwrap();
    world.write("shop/omnipack.toml", &format!("{config}[builder]\nimage = 'localhost/omnipack-no-such-image:1'\n"));
    let neither = auto(&world.path("shop"), "shop-out").run().unwrap();
    let said = both(&neither).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("resolve::no_container") && said.contains("omnipack-no-such-image"), "{said}");
    world.write("shop/omnipack.toml", &config);

    // What can do without its extension is built here then, and that is said.
    let missing = "[builder]\nimage = 'localhost/omnipack-no-such-image:1'\n";
    world.write("slow/omnipack.toml", &format!("{config}{missing}"));
    let output = auto(&world.path("slow"), "slow-out").run().unwrap();
    assert_eq!(output.code, 0, "{}", both(&output));
    let said = both(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("quicker 1.0 is built here, without what would have to be compiled"), "{said}");

    world.name_images("shop", &["debian-13"]);
    let output = auto(&world.path("shop"), "shop-out").run().unwrap();
    assert_eq!(output.code, 0, "{}", both(&output));
    let said = output.stderr_text();
    let why = "needed 1.0 has no wheel for CPython 3.13 on debian-13: building it inside localhost/omnipack-test-base:";
    assert!(said.contains(why), "{said}");
    assert!(asked().contains("run "), "{}", asked());
    let files = expect_success(&Command::new("dpkg-deb").arg("--contents").arg(&debs(&world.path("shop-out"))[0]));
    assert!(files.contains("_needed.cpython-313-x86_64-linux-gnu.so"), "{files}");
    assert!(files.contains("_quicker.cpython-313-x86_64-linux-gnu.so"), "an optional extension is left out\n{files}");
    assert!(files.contains("shop.cpython-313.pyc"), "the container that runs compiles bytecode\n{files}");

    // The Python is here, and a header is not.
    make_sdist_of(&world.path("links"), "headed", Extension::Needed, &format!("#include <libmnl/libmnl.h>\n{C}"));
    make_project(&world, "header", "'headed==1.0'", "[deb]\nbuild-requires = ['libmnl-dev']\n");
    world.name_images("header", &["debian-12"]);
    let output = auto_for("debian-12", &world.path("header"), "header-out").run().unwrap();
    assert_eq!(output.code, 0, "{}", both(&output));
    let said = output.stderr_text();
    assert!(said.contains("headed 1.0 has no wheel for CPython 3.11 on debian-12: building it inside"), "{said}");
    let files = expect_success(&Command::new("dpkg-deb").arg("--contents").arg(&debs(&world.path("header-out"))[0]));
    assert!(files.contains("_headed.cpython-311-x86_64-linux-gnu.so"), "{files}");
    assert_eq!(world.containers(), "", "a container is left");
}
