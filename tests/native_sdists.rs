//! Sdists with native code, built here: the wheel names no directory of this machine and is the same bytes whatever
//! the directory, the cache and the umask, and a package with it passes the gates.

mod support;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use omnipack::exec::Command;
use support::{expect_success, omnipack, packages_in};

const C: &str = r#"
#include <Python.h>
#include <assert.h>
#include "here.h"
#include "environment.h"

static PyObject *place(PyObject *self, PyObject *argument) {
    assert(argument != NULL);
    return PyUnicode_FromFormat("%s %s %s", PLACE, header(), environment_header());
}
static PyMethodDef methods[] = {{"place", place, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "paths_probe", NULL, -1, methods};
PyMODINIT_FUNC PyInit_paths_probe(void) { return PyModule_Create(&module); }
"#;

const CXX: &str = r#"
#include <Python.h>
#include <cassert>
#include <string>
#include "here.h"
#include "environment.h"

std::string where(int argument) { assert(argument > 0); return std::string(PLACE) + header() + environment_header(); }
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "cxx_probe", NULL, -1, NULL};
PyMODINIT_FUNC PyInit_cxx_probe(void) { return PyModule_Create(&module); }
"#;

/// Every way in which a compiler comes to know where it is: assertions, headers by absolute path, also of the build's
/// own environment, debug information.
const SETUP: &str = r#"
import os
from setuptools import setup, Extension
import paths_probe_headers
here = os.path.dirname(os.path.abspath(__file__))
headers = os.path.dirname(paths_probe_headers.__file__)
common = dict(include_dirs=[os.path.join(here, "include"), headers], undef_macros=["NDEBUG"], extra_compile_args=["-g"])
setup(
    name="paths-probe",
    version="1.0",
    ext_modules=[
        Extension("paths_probe", [os.path.join("src", "paths_probe.c")], **common),
        Extension("cxx_probe", [os.path.join("src", "cxx_probe.cpp")], language="c++", **common),
    ],
)
"#;

fn make_sdist(dir: &Path) {
    fs_err::create_dir_all(dir).unwrap();
    let files = [
        ("PKG-INFO", "Metadata-Version: 2.1\nName: paths-probe\nVersion: 1.0\n"),
        (
            "pyproject.toml",
            "[build-system]\nrequires = ['setuptools', 'paths-probe-headers']\nbuild-backend = 'setuptools.build_meta'\n",
        ),
        ("setup.py", SETUP),
        ("include/here.h", "#define PLACE __FILE__\nstatic inline const char *header(void) { return __FILE__; }\n"),
        ("src/paths_probe.c", C),
        ("src/cxx_probe.cpp", CXX),
    ];
    let file = fs_err::File::create(dir.join("paths_probe-1.0.tar.gz")).unwrap();
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(file, flate2::Compression::fast()));
    for (member, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("paths_probe-1.0/{member}"), text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap();
}

/// A build requirement with a header, as numpy and pybind11 are: it lies in a directory with a random name.
fn make_build_requirement(dir: &Path) {
    let stem = "paths_probe_headers-1.0";
    let header = "static inline const char *environment_header(void) { return __FILE__; }\n";
    let files = [
        ("paths_probe_headers/__init__.py".to_owned(), ""),
        ("paths_probe_headers/environment.h".to_owned(), header),
        (format!("{stem}.dist-info/METADATA"), "Metadata-Version: 2.1\nName: paths-probe-headers\nVersion: 1.0\n"),
        (
            format!("{stem}.dist-info/WHEEL"),
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        ),
        (format!("{stem}.dist-info/RECORD"), ""),
    ];
    let file = fs_err::File::create(dir.join(format!("{stem}-py3-none-any.whl"))).unwrap();
    let mut zip = zip::ZipWriter::new(file);
    for (name, text) in files {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
}

fn make_project(dir: &Path) {
    let text = "[project]\nname = 'probe-app'\nversion = '1.0'\ndependencies = ['paths-probe==1.0']\n\
                [build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n\
                [tool.setuptools]\npy-modules = ['probe_app']\n[tool.omnipack.python]\nfind-links = ['../links']\n";
    fs_err::create_dir_all(dir).unwrap();
    fs_err::write(dir.join("pyproject.toml"), text).unwrap();
    fs_err::write(dir.join("probe_app.py"), "").unwrap();
}

/// The project's packages and the wheel of the sdist, built with a cache of its own.
fn build(scratch: &Path, cache: &str, umask: u32) -> (Vec<PathBuf>, PathBuf) {
    let (cache, destination) = (scratch.join(cache).join("cache"), scratch.join(cache).join("dist"));
    expect_success(
        &omnipack()
            .args(["--distribution", "rocky-9", "--destination-path"])
            .arg(&destination)
            .arg(scratch.join("project"))
            .env("OMNIPACK_CACHE", &cache)
            .umask(umask),
    );
    let found = expect_success(&Command::new("find").arg(&cache).args(["-name", "paths_probe-1.0-cp39-*.whl"]));
    let wheel = PathBuf::from(found.lines().next().expect("the sdist's wheel is in the cache"));
    (packages_in(&destination), wheel)
}

/// The extension modules of a wheel.
fn extensions(wheel: &Path) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(fs_err::File::open(wheel).unwrap()).unwrap();
    let mut found = Vec::new();
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).unwrap();
        let name = member.name().unwrap().into_owned();
        if name.ends_with(".so") {
            let mut bytes = Vec::new();
            member.read_to_end(&mut bytes).unwrap();
            found.push((name, bytes));
        }
    }
    found
}

fn contains(bytes: &[u8], text: &str) -> bool {
    memchr::memmem::find(bytes, text.as_bytes()).is_some()
}

#[test]
fn what_is_compiled_here_names_no_directory_and_is_the_same_in_any() {
    let scratch = tempfile::tempdir().unwrap();
    make_sdist(&scratch.path().join("links"));
    make_build_requirement(&scratch.path().join("links"));
    make_project(&scratch.path().join("project"));
    let (first, wheel) = build(scratch.path(), "one", 0o022);
    let (second, other) = build(scratch.path(), "another one, deeper/than/the first", 0o077);

    let home = std::env::home_dir().unwrap();
    let extensions = extensions(&wheel);
    assert_eq!(extensions.len(), 2, "{}", wheel.display());
    for (name, bytes) in &extensions {
        for directory in [scratch.path(), &home] {
            assert!(!contains(bytes, directory.to_str().unwrap()), "{name} names {}", directory.display());
        }
        assert!(contains(bytes, "./include/here.h"), "{name}: `__FILE__` of a header is below the source");
        assert!(contains(bytes, ".debug_") && contains(bytes, "PyObject"), "{name}: debug information stays");
    }
    assert_eq!(fs_err::read(&wheel).unwrap(), fs_err::read(&other).unwrap(), "two builds of the wheel differ");
    for (one, two) in first.iter().zip(&second) {
        assert_eq!(fs_err::read(one).unwrap(), fs_err::read(two).unwrap(), "two builds of {} differ", one.display());
    }
}
