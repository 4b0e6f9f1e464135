//! A project with C code, an sdist that it needs, and the machine that builds it.

use std::path::{Path, PathBuf};

use omnipack::exec::Command;

use crate::containers_support::{Podman, Storage, locked};
use crate::root::Root;
use crate::support::{expect_success, omnipack, run};

/// Distribution, suite, series of its Python.
pub const TARGETS: [(&str, &str, &str); 3] =
    [("debian-11", "bullseye", "3.9"), ("debian-12", "bookworm", "3.11"), ("debian-13", "trixie", "3.13")];

const PROJECT: &str = r#"[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "speedy"
version = "1.0"
dependencies = ["markupsafe==2.1.1"]
[project.scripts]
speedy = "speedy:main"
[tool.setuptools]
packages = ["speedy"]
"#;

const SETUP: &str = "from setuptools import Extension, setup\n\
                     setup(ext_modules=[Extension(\"speedy._native\", [\"speedy/_native.c\"])])\n";

const MODULE: &str = r#"import sys
from markupsafe import _speedups, escape
from . import _native

def main():
    print(_native.answer(), escape("<b>"), _speedups.__name__, "%d.%d" % sys.version_info[:2])
"#;

pub const C: &str = r#"#include <Python.h>
#include <assert.h>
static PyObject *answer(PyObject *self, PyObject *none) {
    assert(none != NULL);
    return PyUnicode_FromFormat("42 %s", __FILE__);
}
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_native", NULL, -1, methods};
PyMODINIT_FUNC PyInit__native(void) { return PyModule_Create(&module); }
"#;

/// A directory for everything; the images are podman's.
pub struct World {
    pub scratch: tempfile::TempDir,
    pub podman: Podman,
}

impl World {
    pub fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let podman = Podman::new(scratch.path(), Storage::Shared);
        Self { scratch, podman }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }

    /// `project`: an application with an extension of its own, which needs MarkupSafe, of which only the sdist is there.
    pub fn make_project(&self) {
        self.write("project/pyproject.toml", PROJECT);
        self.write("project/setup.py", SETUP);
        self.write("project/speedy/__init__.py", MODULE);
        self.write("project/speedy/_native.c", C);
        self.write("project/requirements.txt", "../links/MarkupSafe-2.1.1.tar.gz\n");
        fs_err::create_dir_all(self.path("links")).unwrap();
        fs_err::copy(markupsafe(), self.path("links/MarkupSafe-2.1.1.tar.gz")).unwrap();
        self.write(
            "project/omnipack.toml",
            "[package]\nmaintainer = \"A <a@example.org>\"\n[python]\nrequirements = [\"requirements.txt\"]\n",
        );
    }

    /// The configuration that names the base images of these distributions.
    pub fn name_images(&self, project: &str, distributions: &[&str]) {
        let path = self.path(project).join("omnipack.toml");
        let mut text = fs_err::read_to_string(&path).unwrap_or_default();
        for (distribution, suite, python) in TARGETS.iter().filter(|target| distributions.contains(&target.0)) {
            let image = self.base_image(suite, python);
            text.push_str(&format!("[distribution.{distribution}.builder]\nimage = \"{image}\"\n"));
        }
        fs_err::write(path, text).unwrap();
    }

    /// The image of a [base](crate::bases::Base), made once per week; builder images that are made from it stay, too.
    fn base_image(&self, suite: &str, python: &str) -> String {
        let week = run("date", &["+%G-w%V"]);
        let name = format!("localhost/omnipack-test-base:{suite}-{}", week.trim());
        let _lock = locked("base-images");
        if !self.podman.has(&name) {
            self.podman.import(&Root::new(suite, python).path(), &name);
        }
        name
    }

    /// omnipack with a cache of this world.
    pub fn omnipack(&self, cache: &str) -> Command {
        self.podman.settled(omnipack()).env("OMNIPACK_CACHE", self.path(cache))
    }

    /// A PATH without any engine and without Pythons but this machine's own.
    pub fn plain_path(&self) -> PathBuf {
        let directory = self.path("bin");
        if !directory.exists() {
            fs_err::create_dir(&directory).unwrap();
            for from in ["/usr/sbin", "/usr/bin"] {
                for entry in fs_err::read_dir(from).unwrap() {
                    let entry = entry.unwrap();
                    let name = entry.file_name();
                    if name != "podman" && name != "docker" && !directory.join(&name).exists() {
                        fs_err::os::unix::fs::symlink(entry.path(), directory.join(&name)).unwrap();
                    }
                }
            }
        }
        directory
    }

    /// Names of this world's builder containers that are there, running or not.
    pub fn containers(&self) -> String {
        self.podman.builder_containers(self.scratch.path())
    }
}

/// The sdist of MarkupSafe 2.1.1, fetched once.
fn markupsafe() -> PathBuf {
    let fetched = crate::root::cached("sdist-markupsafe-2.1.1", |directory| {
        fs_err::create_dir_all(directory).unwrap();
        let command =
            Command::new("python3").args(["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]);
        expect_success(&command.args(["markupsafe==2.1.1", "--dest"]).arg(directory));
    });
    fetched.join("MarkupSafe-2.1.1.tar.gz")
}

/// Names, sizes, modes and digests of a tree.
pub fn listing(directory: &Path) -> String {
    let script = "find . -printf '%p %m %u %s %T@\\n' | sort; find . -type f -exec sha256sum {} + | sort";
    expect_success(&Command::new("sh").args(["-ec", script]).dir(directory))
}

/// The packages of a distribution, by name.
pub fn debs(directory: &Path) -> Vec<PathBuf> {
    let found = crate::support::packages_in(directory);
    assert!(found.iter().all(|path| path.extension().is_some_and(|extension| extension == "deb")));
    found
}

pub fn assert_same(one: &Path, other: &Path) {
    let (one, other) = (debs(one), debs(other));
    assert_eq!(one.len(), other.len());
    for (one, other) in one.iter().zip(&other) {
        assert_eq!(one.file_name(), other.file_name());
        if fs_err::read(one).unwrap() != fs_err::read(other).unwrap() {
            let differences = omnipack().args(["diff", "--all"]).arg(one).arg(other).run().unwrap();
            panic!("{} and {} differ\n{}", one.display(), other.display(), crate::support::both(&differences));
        }
    }
}

/// The ELF loader of this machine and all that the built omnipack needs of it.
pub fn libraries(program: &Path) -> Vec<PathBuf> {
    let listed = run("ldd", &[program.to_str().unwrap()]);
    listed.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}
