//! A tree that takes plugins: its layout, and the pip in it really run, with the pip that each Python brings along.

use std::path::{Path, PathBuf};

use omnipack::exec::{Command, Output};
use omnipack::plan::BuildPlan;
use omnipack::project::Plugins;
use omnipack::resolve::{Wheel, WheelRole};
use omnipack::stage::{Stage, lay_out, write_out};

use crate::support::{Builder, at, find_python, lock, locked, opt_plan, paths, plan, text};

fn application(dir: &Path) -> Vec<Wheel> {
    let dependency = Builder::new("lib").file("lib.py", "WHOSE = 'the package'\n").write(dir);
    let code = "import lib, sys\ntry:\n    import plug\nexcept ImportError:\n    plug = None\n";
    let app = Builder::new("app")
        .file("app.py", &format!("{code}def main(): print(lib.WHOSE, getattr(plug, 'NAME', None))\n"))
        .file("app-1.0.dist-info/entry_points.txt", "[console_scripts]\nrun = app:main\n");
    vec![locked(&app.write(dir), WheelRole::Application), locked(&dependency, WheelRole::Dependency)]
}

fn with_plugins(mut plan: BuildPlan, directory: &str) -> BuildPlan {
    plan.python.plugins = Some(Plugins { directory: directory.to_owned(), remove: false });
    plan
}

#[test]
fn the_tree_has_a_pip_of_its_own_and_the_plugins_last_on_its_path() {
    let dir = tempfile::tempdir().unwrap();
    let mut wheels = application(dir.path());
    let pip = Builder::new("pip").file(
        "pip-1.0.dist-info/entry_points.txt",
        "[console_scripts]\npip = pip._internal.cli.main:main\npip3 = pip._internal.cli.main:main\n\
         pip3.9 = pip._internal.cli.main:main\n",
    );
    wheels.push(locked(&pip.write(dir.path()), WheelRole::Dependency));
    let laid_out =
        |plan: &BuildPlan| lay_out(plan, &lock(wheels.clone()), dir.path()).unwrap().finish(Vec::new()).unwrap();
    let stage = laid_out(&with_plugins(opt_plan(), "/var/lib/app-plugins"));
    for name in ["pip", "pip3", "pip3.11"] {
        let program = text(&stage, &format!("/opt/app/bin/{name}"));
        assert!(program.starts_with("#!/opt/app/bin/python -I\n"), "{program}");
        assert!(program.contains("PLUGINS = \"/var/lib/app-plugins\"\n"), "{program}");
        assert!(program.contains("    from pip._internal.cli.main import main\n"), "{program}");
    }
    let site = "/opt/app/lib/python3.11/site-packages";
    let pth = text(&stage, &format!("{site}/zzz_plugins.pth"));
    assert!(pth.starts_with("import ") && pth.ends_with('\n') && pth.lines().count() == 1, "{pth}");
    assert!(pth.contains("\"/var/lib/app-plugins/lib/python3.11/site-packages\""), "{pth}");
    let record = text(&stage, &format!("{site}/pip-1.0.dist-info/RECORD"));
    assert!(record.contains("../../../bin/pip,sha256="), "{record}");
    let outside = paths(&stage).into_iter().filter(|path| path.starts_with("/var")).collect::<Vec<_>>();
    assert_eq!(outside, ["/var/lib/app-plugins", "/var/lib/app-plugins/lib64", "/var/lib/app-plugins/pyvenv.cfg"]);
    assert_eq!(stage.get(&at("/var/lib/app-plugins")).unwrap().mode, 0o755);

    // Without plugins, a pip that the application needs is the usual one.
    let stage = laid_out(&opt_plan());
    assert!(!text(&stage, "/opt/app/bin/pip").contains("PLUGINS"));
    assert!(!paths(&stage).iter().any(|path| path.contains("plugins")));
}

/// Old packages have their metadata in a file, others in a directory, of either name.
#[test]
fn what_the_distribution_brings_counts_as_the_packages_own() {
    let dir = tempfile::tempdir().unwrap();
    let mut wheels = application(dir.path());
    let pip = Builder::new("pip")
        .file("pip-1.0.dist-info/entry_points.txt", "[console_scripts]\npip = pip._internal.cli.main:main\n");
    wheels.push(locked(&pip.write(dir.path()), WheelRole::Dependency));
    let plan = with_plugins(opt_plan(), "/var/lib/app-plugins");
    let left_out = ["one", "two-x", "three", "absent"].map(str::to_owned).to_vec();
    let plan = BuildPlan { left_out, ..plan };
    let stage = lay_out(&plan, &lock(wheels), dir.path()).unwrap().finish(Vec::new()).unwrap();
    let program = dir.path().join("pip.py");
    fs_err::write(&program, text(&stage, "/opt/app/bin/pip")).unwrap();
    let site = dir.path().join("dist-packages");
    for (path, name) in [
        ("one-1.egg-info", "one"),
        ("Two_X-2.egg-info/PKG-INFO", "Two_X"),
        ("three-3.dist-info/METADATA", "three"),
        ("other-4.dist-info/METADATA", "other"),
    ] {
        let path = site.join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, format!("Metadata-Version: 1.0\nName: {name}\nVersion: 1\n")).unwrap();
    }
    let script = "import runpy, sys\nprogram, site = sys.argv[1:]\nspace = runpy.run_path(program)\nsys.path.append(site)\n\
                  print(sorted(space['of_the_distribution']()))";
    let output = Command::new("python3").args(["-c", script]).arg(&program).arg(&site).run_checked().unwrap();
    assert_eq!(output.stdout_text().trim(), "['one', 'three', 'two-x']");
}

/// The wheel of pip that a CPython installs into new environments.
fn bundled_pip(python: &Path, dir: &Path) -> PathBuf {
    let script = "import ensurepip, glob, os; print(*glob.glob(os.path.join(os.path.dirname(ensurepip.__file__), '_bundled', 'pip-*')))";
    let found = Command::new(python).args(["-c", script]).run_checked().unwrap().stdout_text();
    let wheel = PathBuf::from(found.trim());
    let copy = dir.join(wheel.file_name().unwrap());
    fs_err::copy(wheel, &copy).unwrap();
    copy
}

/// The last pip for Python 3.6.
fn pip_of_the_index(_: &Path, dir: &Path) -> PathBuf {
    let args =
        ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--python-version=3.6", "--dest"];
    Command::new("python3").args(args).arg(dir).arg("pip").run_checked().unwrap();
    dir.join("pip-21.3.1-py3-none-any.whl")
}

/// A tree on this machine, in directories with a space, a quote and a letter that is not ASCII.
struct Place {
    dir: tempfile::TempDir,
    prefix: PathBuf,
    plugins: PathBuf,
    locale: &'static str,
}

impl Place {
    /// With the pip that `python` brings along.
    fn new(series: &str, python: &Path) -> Self {
        Self::with_pip(series, python, bundled_pip)
    }

    fn with_pip(series: &str, python: &Path, pip: fn(&Path, &Path) -> PathBuf) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let prefix = dir.path().join("root/it's an \u{e4}pp");
        let plugins = dir.path().join("root/its \"plug\u{ef}ns\"");
        let mut wheels = application(dir.path());
        wheels.push(locked(&pip(python, dir.path()), WheelRole::Dependency));
        let plan =
            with_plugins(plan(prefix.to_str().unwrap(), series, python.to_str().unwrap()), plugins.to_str().unwrap());
        let stage = lay_out(&plan, &lock(wheels), dir.path()).unwrap().finish(Vec::new()).unwrap();
        put_both_in_place(&stage, dir.path());
        let links = dir.path().join("links");
        fs_err::create_dir(&links).unwrap();
        Builder::new("plug").file("plug.py", "NAME = 'of the operator'\n").write(&links);
        let mut native = Builder::new("native").file("native.py", "");
        native.wheel = Some("Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: py3-none-any\n".into());
        native.write(&links);
        Builder::new("shadow").file("lib.py", "WHOSE = 'of the shadow'\n").file("app.py", "").write(&links);
        Self { dir, prefix, plugins, locale: "C" }
    }

    fn run(&self, program: &str, args: &[&str]) -> Output {
        let command = Command::new(self.prefix.join("bin").join(program)).args(args).dir(self.dir.path());
        command.env("LC_ALL", self.locale).run().unwrap()
    }

    fn pip(&self, args: &[&str]) -> String {
        let output = self.run("pip", args);
        let said = output.stdout_text() + &output.stderr_text();
        assert_eq!(output.code, 0, "{args:?}\n{said}");
        said
    }

    fn install(&self, what: &str) -> String {
        let links = self.dir.path().join("links");
        self.pip(&["install", "--no-index", "--find-links", links.to_str().unwrap(), what])
    }

    fn application(&self) -> String {
        self.run("run", &[]).stdout_text()
    }
}

/// As [`crate::support::put_in_place`], for what lies outside of the prefix, too.
fn put_both_in_place(stage: &Stage, dir: &Path) {
    let out = dir.join("out");
    write_out(stage, &out).unwrap();
    fs_err::rename(out.join(dir.strip_prefix("/").unwrap()).join("root"), dir.join("root")).unwrap();
    fs_err::remove_dir_all(out).unwrap();
}

#[test]
fn plugins_are_installed_seen_and_uninstalled() {
    assert!(find_python("3.11").is_some(), "python3.11 is not installed");
    // The pip that older ones bring along is older than 21.
    for series in ["3.9", "3.11", "3.13"] {
        let Some(python) = find_python(series) else { continue };
        let place = Place::new(series, &python);
        assert_eq!(place.application(), "the package None\n", "{series}");
        place.install("plug");
        assert_eq!(place.application(), "the package of the operator\n", "{series}");
        place.install("shadow");
        assert_eq!(place.application(), "the package of the operator\n", "{series}: a plugin comes last");
        let said = place.pip(&["list", "--local", "--format=freeze"]);
        assert_eq!(said.lines().collect::<Vec<_>>(), ["plug==1.0", "shadow==1.0"], "{series}");
        let record = place.plugins.join(format!("lib/python{series}/requirements.txt"));
        assert!(fs_err::read_to_string(&record).unwrap().ends_with("\nplug==1.0\nshadow==1.0\n"));
        let refused = place.run("pip", &["uninstall", "--yes", "lib"]);
        assert!(refused.code == 1 && refused.stderr_text().contains("only the package manager"), "{refused:?}");
        place.pip(&["uninstall", "--yes", "plug", "shadow"]);
        assert_eq!(place.application(), "the package None\n", "{series}");
        assert_eq!(fs_err::read_to_string(&record).unwrap(), "", "{series}");
    }
}

/// Distributions that keep 64-bit code apart set `sys.platlibdir` when they build Python (RPM ones to `lib64`); to do it
/// when it starts is the same to what computes paths.
#[test]
fn native_code_is_seen_where_the_distribution_puts_it() {
    for series in ["3.9", "3.11", "3.13"] {
        let Some(python) = find_python(series) else { continue };
        let place = Place::new(series, &python);
        let site = place.prefix.join(format!("lib/python{series}/site-packages"));
        fs_err::write(site.join("lib64.pth"), "import sys; sys.platlibdir = 'lib64'\n").unwrap();
        place.install("native");
        let found = place.run("python", &["-c", "import native; print(native.__file__)"]);
        assert_eq!(found.code, 0, "{series}: {}", found.stderr_text());
    }
}

/// Old pips build what has only a `setup.py` with the setuptools of the environment, and there is none. The index has one.
#[test]
fn sources_are_built_although_the_package_has_no_setuptools() {
    let Some(python) = find_python("3.6") else { return };
    let mut place = Place::with_pip("3.6", &python, pip_of_the_index);
    // In the locale "C", this pip itself cannot name an interpreter that is not in ASCII.
    place.locale = "C.UTF-8";
    assert_eq!(place.application(), "the package None\n");
    let source = place.dir.path().join("source");
    fs_err::create_dir(&source).unwrap();
    fs_err::write(
        source.join("setup.py"),
        "import setuptools\nsetuptools.setup(name='plug', version='2', py_modules=['plug'])\n",
    )
    .unwrap();
    fs_err::write(source.join("plug.py"), "NAME = 'of the source'\n").unwrap();
    place.pip(&["install", source.to_str().unwrap()]);
    assert_eq!(place.application(), "the package of the source\n");
}
