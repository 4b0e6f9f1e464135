//! Spec files that bundle what a repository lacks: the repository is made by createrepo_c, the packages by rpmbuild.

use std::path::{Path, PathBuf};

use omnipack::exec::Command;

use crate::handmade::WheelMaker;
use crate::rpmbuild::{build_spec, list};
use crate::support::omnipack;
use crate::tool::{python, succeed};

const PROGRAM: &str = "import lib_b, lib_n._native\n\ndef main():\n    print(lib_b.where())\n";

/// A project, wheels of what it needs, and a repository that has `lib-a` alone.
struct Bench {
    root: tempfile::TempDir,
    series: String,
}

impl Bench {
    fn new(distribution: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let python = python();
        let version = "import sys; print('%d.%d' % sys.version_info[:2], end='')";
        let series = succeed(&Command::new(python).args(["-c", version]));
        let bench = Self { root, series };
        let (project, wheels) = (bench.path("project"), bench.path("wheels"));
        for directory in [&project, &wheels, &bench.path("repository")] {
            fs_err::create_dir(directory).unwrap();
        }
        let facts = format!(
            "[distribution.{distribution:?}]\npythons = [{{ version = \"{0}\", package = \"python3\", path = \"{1}\", \
             requirement = \"python(abi) = {0}\" }}]\n",
            bench.series,
            python.display()
        );
        let metadata = "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n\
                        [project]\nname = \"demo\"\nversion = \"1.2\"\ndependencies = [\"lib-a>=1.2,<2\", \"lib-b[more]\", \"lib-n\"]\n\
                        [project.scripts]\ndemo = \"demo:main\"\n[tool.setuptools]\npy-modules = [\"demo\"]\n";
        for (name, text) in [("demo.py", PROGRAM), ("pyproject.toml", metadata), ("omnipack.toml", &facts)] {
            fs_err::write(project.join(name), text).unwrap();
        }
        bench.wheels(&wheels);
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn wheels(&self, directory: &Path) {
        WheelMaker::new("lib_a", "1.4").file("lib_a.py", "raise ImportError('of the wheel')\n").write(directory);
        WheelMaker::new("lib_b", "2.0")
            .file("lib_b.py", "import lib_c\n\ndef where():\n    return __file__\n\ndef tool():\n    print('tool')\n")
            .file("lib_b-2.0.data/scripts/lib-b-script", "#!python\nprint(1)\n")
            .file("lib_b-2.0.data/data/share/lib-b/table", "1\n")
            .file("lib_b-2.0.data/purelib/lib_b_more.py", "x = 1\n")
            .console_script("lib-b-tool = lib_b:tool")
            .requires("lib-c>=3; python_version >= '3'")
            .requires("lib-a!=1.3")
            .requires("lib-d; extra == 'more'")
            .write(directory);
        WheelMaker::new("lib_c", "3.1").file("lib_c.py", "").write(directory);
        WheelMaker::new("lib_d", "1.0").file("lib_d.py", "").write(directory);
        let tag = self.series.replace('.', "");
        let (extension, library) = self.native();
        WheelMaker::new("lib_n", "0.5")
            .tag(&format!("cp{tag}-cp{tag}-manylinux_2_17_x86_64"))
            .file("lib_n/__init__.py", "")
            .file("lib_n/_native.so", fs_err::read(extension).unwrap())
            .file("lib_n.libs/libprivate-1a2b.so.1", fs_err::read(library).unwrap())
            .write(directory);
    }

    /// An extension module, and a library that it alone has.
    fn native(&self) -> (PathBuf, PathBuf) {
        let directory = self.path("native");
        fs_err::create_dir_all(directory.join("lib_n.libs")).unwrap();
        fs_err::create_dir_all(directory.join("lib_n")).unwrap();
        let (extension, library) =
            (directory.join("lib_n/_native.so"), directory.join("lib_n.libs/libprivate-1a2b.so.1"));
        fs_err::write(directory.join("library.c"), "int answer(void) { return 42; }\n").unwrap();
        let module = "int answer(void);\nint PyModule_Create2(void *, int);\nlong PyLong_FromLong(long);\n\
                      static long d[20] = { 1 };\nvoid *PyInit__native(void) { d[0] = answer(); return (void *)0; }\n";
        fs_err::write(directory.join("module.c"), module).unwrap();
        let cc = || Command::new("cc").dir(&directory).args(["-shared", "-fPIC", "-o"]);
        succeed(&cc().arg(&library).args(["-Wl,-soname,libprivate-1a2b.so.1", "library.c"]));
        succeed(&cc().arg(&extension).args(["module.c", "-Wl,-rpath,$ORIGIN/../lib_n.libs"]).arg(&library));
        (extension, library)
    }

    /// A package that provides this, in the repository.
    fn provide(&self, name: &str, provides: &str) {
        let top = self.path("stub");
        fs_err::create_dir_all(&top).unwrap();
        let spec = top.join(format!("{name}.spec"));
        let text = format!(
            "Name: {name}\nVersion: 1\nRelease: 1\nSummary: s\nLicense: MIT\nBuildArch: noarch\nProvides: {provides}\n\
             %description\nd\n%files\n"
        );
        fs_err::write(&spec, text).unwrap();
        let output = format!("_rpmdir {}", self.path("repository").display());
        succeed(
            &Command::new("rpmbuild")
                .args(["-bb", "--define", &format!("_topdir {}", top.display()), "--define", &output])
                .arg(&spec),
        );
    }

    fn generate(&self, distribution: &str) -> (PathBuf, String) {
        succeed(&Command::new("createrepo_c").arg("--quiet").arg(self.path("repository")));
        let sources = self.path("SOURCES");
        let command = omnipack()
            .args(["generate-spec", "--bundle-missing", "--force", "--distribution", distribution, "--repository"])
            .arg(self.path("repository"))
            .arg("--wheels")
            .arg(self.path("wheels"))
            .args(["--output-directory"])
            .arg(&sources)
            .arg(self.path("project"))
            .env("SOURCE_DATE_EPOCH", "1700000000");
        let output = command.run().unwrap();
        assert_eq!(output.code, 0, "{}", output.stderr_text());
        (sources.join("demo.spec"), output.stderr_text())
    }

    /// Has the package built, and gives its path.
    fn build(&self, spec: &Path, dialect: &str) -> PathBuf {
        build_spec(spec, "hybrid", dialect, self.root.path()).remove("demo").expect("the main package")
    }
}

fn unpack(package: &Path, directory: &Path) {
    fs_err::create_dir(directory).unwrap();
    let line = "rpm2cpio \"$1\" | cpio -idm --quiet";
    succeed(&Command::new("sh").dir(directory).args(["-ec", line, "sh"]).arg(package));
}

#[test]
fn what_the_repository_lacks_is_bundled_and_the_rest_is_required() {
    let bench = Bench::new("fedora-42");
    bench.provide("python3-lib-a", "python3dist(lib-a) = 1.4");
    let (spec, said) = bench.generate("fedora-42");
    let text = fs_err::read_to_string(&spec).unwrap();
    assert!(said.contains("lib-b 2.0 is bundled, for no repository has python3dist(lib-b)"), "{said}");
    assert!(text.contains("# lib-c 3.1 (MIT) is bundled: no repository has python3dist(lib-c) >= 3"), "{text}");
    for line in ["%global debug_package %{nil}", "ExclusiveArch:  x86_64", "%global __strip /bin/true"] {
        assert!(text.lines().any(|known| known == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("%pyproject"), "{text}");
    assert!(spec.with_file_name("lib_b-2.0-py3-none-any.whl").is_file());
    assert!(!spec.with_file_name("lib_a-1.4-py3-none-any.whl").exists());

    let package = bench.build(&spec, "modern");
    let requires = list(&package, "-R");
    let of = |name: &str| requires.iter().filter(|line| line.contains(name)).collect::<Vec<_>>();
    let expected = "python3dist(lib-a) >= 1.2";
    assert!(of("lib-a").iter().any(|line| line.contains(expected) && line.contains("< 2")), "{requires:#?}");
    // What lib-b asks of it, too.
    assert!(of("lib-a").iter().any(|line| line.contains("> 1.3")), "{requires:#?}");
    for gone in ["lib-b", "lib-c", "lib-d", "lib-n", "libprivate", "lib_"] {
        assert!(of(gone).is_empty(), "{gone}: {requires:#?}");
    }
    assert!(!of("rtld(GNU_HASH)").is_empty(), "rpm looks at native code: {requires:#?}");
    let provides = list(&package, "--provides");
    for bundled in ["lib-b)) = 2.0", "lib-c)) = 3.1", "lib-d)) = 1.0", "lib-n)) = 0.5"] {
        let line = format!("bundled(python3dist({bundled}");
        assert!(provides.contains(&line), "{line}: {provides:#?}");
    }
    assert_eq!(provides.iter().filter(|line| line.starts_with("bundled(")).count(), 4, "{provides:#?}");
    assert!(!provides.iter().any(|line| line.contains("private")), "{provides:#?}");

    let tree = bench.path("tree");
    unpack(&package, &tree);
    let site = format!("opt/demo/lib/python{}/site-packages", bench.series);
    let read = |path: &str| fs_err::read_to_string(tree.join(path)).unwrap();
    assert!(tree.join(&site).join("lib_b_more.py").is_file() && tree.join(&site).join("lib_d.py").is_file());
    assert_eq!(read("opt/demo/share/lib-b/table"), "1\n");
    assert_eq!(read("opt/demo/bin/lib-b-script"), "#!/opt/demo/bin/python\nprint(1)\n");
    assert!(read("opt/demo/bin/lib-b-tool").starts_with("#!/opt/demo/bin/python\n"));
    assert_eq!(read(&format!("{site}/lib_b-2.0.dist-info/INSTALLER")), "rpm\n");
    assert!(!tree.join(&site).join("lib_b-2.0.dist-info/RECORD").exists());
    let original = fs_err::read(bench.path("native/lib_n/_native.so")).unwrap();
    assert_eq!(fs_err::read(tree.join(&site).join("lib_n/_native.so")).unwrap(), original, "it is not stripped");
    let tag = bench.series.replace('.', "");
    let bytecode = fs_err::read(tree.join(&site).join(format!("__pycache__/lib_b.cpython-{tag}.pyc"))).unwrap();
    let names = |text: &str| bytecode.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(names(&format!("/{site}/lib_b.py")) && !names("BUILDROOT"), "bytecode names where it lies");
    // Loaded for real, the private library as well; the module itself is none.
    let load = "import ctypes, sys; ctypes.CDLL(sys.argv[1]); import lib_b; print(lib_b.where())";
    let run = Command::new(python()).args(["-c", load]).arg(tree.join(&site).join("lib_n/_native.so"));
    let said = succeed(&run.env("PYTHONPATH", tree.join(&site)));
    assert!(said.trim().ends_with(&format!("{site}/lib_b.py")), "{said}");
}

#[test]
fn where_nothing_is_missing_nothing_is_bundled() {
    let bench = Bench::new("fedora-42");
    for name in ["lib-a", "lib-b", "lib-c", "lib-n", "lib-d"] {
        let version = if name == "lib-a" { "1.4" } else { "3.1" };
        bench.provide(&format!("python3-{name}"), &format!("python3dist({name}) = {version}"));
    }
    let (spec, _) = bench.generate("fedora-42");
    let text = fs_err::read_to_string(&spec).unwrap();
    assert!(text.contains("%pyproject_wheel") && !text.contains("bundled"), "{text}");
    assert!(!spec.with_file_name("install_wheels.py").exists());

    // A version that will not do is as good as none; `lib-b` needs that one, too.
    let bench = Bench::new("fedora-42");
    bench.provide("python3-lib-a", "python3dist(lib-a) = 0.9");
    for name in ["lib-b", "lib-c", "lib-n", "lib-d"] {
        bench.provide(&format!("python3-{name}"), &format!("python3dist({name}) = 3.1"));
    }
    let (spec, said) = bench.generate("fedora-42");
    let text = fs_err::read_to_string(&spec).unwrap();
    assert!(said.contains("lib-a 1.4 is bundled, for the repositories have only"), "{said}");
    assert!(
        text.contains("BuildArch:      noarch") && text.contains("Requires:       python3dist(lib-c) >= 3"),
        "{text}"
    );
    assert_eq!(text.matches(" is bundled: ").count(), 2, "{text}");

    // What the user names is required, whatever the repository has.
    let configuration = bench.path("project/omnipack.toml");
    let text = fs_err::read_to_string(&configuration).unwrap();
    fs_err::write(&configuration, format!("{text}[python]\nsystem-packages = [\"python3-lib-a\"]\n")).unwrap();
    let (spec, _) = bench.generate("fedora-42");
    let text = fs_err::read_to_string(&spec).unwrap();
    assert!(text.contains("Requires:       python3-lib-a\n") && !text.contains("bundled"), "{text}");
}

/// `lib-b` of the distribution was made for its own `lib-c`, and not for the newer one that the application needs.
#[test]
fn what_needs_something_bundled_is_bundled_with_it() {
    let bench = Bench::new("fedora-42");
    for (name, version) in [("lib-a", "1.4"), ("lib-b", "2.0"), ("lib-n", "0.5"), ("lib-c", "2.9"), ("lib-d", "1.0")] {
        bench.provide(&format!("python3-{name}"), &format!("python3dist({name}) = {version}"));
    }
    let metadata = bench.path("project/pyproject.toml");
    let text = fs_err::read_to_string(&metadata).unwrap().replace("\"lib-n\"", "\"lib-n\", \"lib-c>=3\"");
    fs_err::write(&metadata, text).unwrap();
    let (spec, _) = bench.generate("fedora-42");
    let text = fs_err::read_to_string(&spec).unwrap();
    assert!(text.contains("# lib-c 3.1 (MIT) is bundled: the repositories have only "), "{text}");
    let reason = "# lib-b 2.0 (MIT) is bundled: it would find the bundled lib-c in place of its own\n";
    assert!(text.contains(reason), "{text}");
    assert_eq!(text.matches(" is bundled: ").count(), 2, "{text}");
}

#[test]
fn a_target_without_python3dist_is_asked_by_name() {
    let bench = Bench::new("centos-7");
    bench.provide("python36-lib-a", "python36-lib-a = 1.4");
    let (spec, said) = bench.generate("centos-7");
    let text = fs_err::read_to_string(&spec).unwrap();
    // The rules of EL 7 for the Python of the test.
    let required = text.lines().filter(|line| line.starts_with("Requires:")).collect::<Vec<_>>().join("\n");
    assert!(said.contains("-lib-b"), "{said}");
    assert!(text.contains("Provides:       bundled(python3dist(lib-b)) = 2.0"), "{text}");
    assert!(!required.contains("lib-b"), "{required}");
    let package = bench.build(&spec, "plain");
    assert!(list(&package, "-l").iter().any(|path| path.ends_with("site-packages/lib_c.py")));
}
