//! Plugins of operators: what `<prefix>/bin/pip` of an installed package does, with the real pip of the package index for
//! each target's Python, and what becomes of plugins when the package is upgraded, gets another Python, or is removed.

use std::path::{Path, PathBuf};

use omnipack::exec::{Command, Output};
use omnipack::smoke::PackageKind;

use crate::handmade::WheelMaker;
use crate::machine::Machine;
use crate::packages;
use crate::support::{both, expect_success, omnipack, packages_in};
use crate::target::Target;

const PLUGINS: &str = "/var/lib/demo-plugins";
const PIP: &str = "/opt/demo/bin/pip";
const FROM_LINKS: [&str; 3] = ["--no-index", "--find-links", "/links"];

/// Says which version of itself and of its library it sees, and calls what plugins offer to it. There is no
/// `importlib.metadata` in Python 3.6.
const DEMO: &str = r#"
import configparser, glob, importlib, os, sys
import lib

def main():
    found = []
    for path in sys.path:
        for file in glob.glob(os.path.join(path, "*.dist-info", "entry_points.txt")):
            points = configparser.ConfigParser()
            points.read(file)
            if points.has_section("demo.plugins"):
                found += [importlib.import_module(module).say() for _, module in points.items("demo.plugins")]
    print("demo", VERSION, "lib", lib.VERSION, *sorted(found))
"#;

/// A version of the application, with a library of the same version.
struct Version<'a> {
    version: &'a str,
    /// Of Python.
    series: &'a str,
    /// What stands below `[python]`.
    settings: &'a str,
}

impl Version<'_> {
    /// Its packages, built into a directory of their own in `work`.
    fn build(&self, work: &Path, distribution: &str) -> Vec<PathBuf> {
        let Self { version, series, settings } = self;
        let work = work.join(format!("{version}-{series}"));
        let (wheels, out) = (work.join("wheels"), work.join("out"));
        fs_err::create_dir_all(&wheels).unwrap();
        let application = WheelMaker::new("demo", version)
            .file("demo.py", format!("VERSION = '{version}'\n{DEMO}"))
            .requires("lib")
            .console_script("demo = demo:main")
            .write(&wheels);
        library(version).write(&wheels);
        let pip =
            ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"];
        expect_success(
            &Command::new("python3").args(pip).args(["--python-version", series, "pip", "--dest"]).arg(&wheels),
        );
        let config = work.join("omnipack.toml");
        fs_err::write(&config, format!("[python]\nversion = \"{series}\"\n{settings}\n")).unwrap();
        expect_success(
            &omnipack()
                .args(["--distribution", distribution, "--destination-path"])
                .arg(&out)
                .arg("--wheels")
                .arg(&wheels)
                .arg("--config")
                .arg(&config)
                .arg(application),
        );
        packages_in(&out)
    }
}

fn library(version: &str) -> WheelMaker {
    WheelMaker::new("lib", version).file("lib.py", format!("VERSION = '{version}'\n"))
}

/// A plugin with a command, on top of the application, its library and something that the application has not.
fn plugin(version: &str) -> WheelMaker {
    let code = format!("import demo, helper, lib\ndef say():\n    return 'plug {version} on lib ' + lib.VERSION\n");
    WheelMaker::new("plug", version)
        .file("plug.py", format!("{code}def main():\n    print(say())\n"))
        .file(
            &format!("plug-{version}.dist-info/entry_points.txt"),
            "[console_scripts]\nplug = plug:main\n[demo.plugins]\nplug = plug\n",
        )
        .requires("demo")
        .requires("lib>=1")
        .requires("helper")
}

/// A machine with what operators install from: plugins that are sound, and plugins that are not.
fn machine(distribution: &str, more: &[&str]) -> Machine {
    let mut target = Target::named(distribution);
    target.provides.extend(more.iter().map(|provide| (*provide).to_owned()));
    let root = target.root();
    let links = root.inside("/links");
    fs_err::create_dir(&links).unwrap();
    let helper = WheelMaker::new("helper", "3").file("helper.py", "");
    for wheel in [plugin("1.0"), plugin("1.1"), library("1.0"), library("2.0"), helper] {
        wheel.write(&links);
    }
    WheelMaker::new("greedy", "1").requires("lib>=2").write(&links);
    WheelMaker::new("demo", "9").file("demo.py", "").write(&links);
    // Brings a module of the application along, under its own name.
    WheelMaker::new("shadow", "1").file("lib.py", "VERSION = 'of the shadow'\n").write(&links);
    Machine::boot(root)
}

fn dnf(machine: &Machine, verb: &str, packages: &[PathBuf]) -> String {
    let mut args = vec![verb.to_owned(), "--assumeyes".to_owned(), "--releasever=1".to_owned()];
    let directory = machine.root().inside("/packages");
    fs_err::create_dir_all(&directory).unwrap();
    for package in packages {
        let name = package.file_name().unwrap().to_str().unwrap();
        fs_err::copy(package, directory.join(name)).unwrap();
        args.push(format!("/packages/{name}"));
    }
    let output = machine.try_run("dnf", &args.iter().map(String::as_str).collect::<Vec<_>>());
    let said = both(&output);
    assert!(output.code == 0 && !said.contains("scriptlet failed") && !said.contains("Error in"), "dnf {verb}\n{said}");
    said
}

fn try_pip(machine: &Machine, args: &[&str]) -> Output {
    machine.try_run(PIP, args)
}

/// Must succeed, with nothing that pip wonders about.
fn pip(machine: &Machine, args: &[&str]) -> String {
    let output = try_pip(machine, args);
    assert!(output.code == 0 && !output.stderr_text().contains("WARNING"), "{args:?}\n{}", both(&output));
    output.stdout_text()
}

fn install(machine: &Machine, what: &[&str]) -> String {
    pip(machine, &[&["install"], &FROM_LINKS[..], what].concat())
}

fn demo(machine: &Machine) -> String {
    machine.run("/usr/bin/demo", &[]).trim().to_owned()
}

/// Everything that the package installed is as it was packaged.
fn assert_untouched(machine: &Machine) {
    assert_eq!(packages::verify(machine, PackageKind::Rpm, &["demo".to_owned()]), Vec::<String>::new());
}

/// Installs a plugin, through all that may stand in the way, and tries everything that it must not do.
fn plugins_are_installed_and_nothing_else(distribution: &str) {
    let target = Target::named(distribution);
    let work = tempfile::tempdir().unwrap();
    let first = Version { version: "1.0", series: &target.python, settings: "plugins = true" };
    let machine = machine(distribution, &[]);
    dnf(&machine, "install", &first.build(work.path(), distribution));
    assert_eq!(machine.run("stat", &["-c", "%A %U %G", PLUGINS]).trim(), "drwxr-xr-x root root");
    assert_eq!(demo(&machine), "demo 1.0 lib 1.0");

    installs_whatever_the_caller_has_set(&machine);
    refuses_to_change_the_application(&machine);
    a_plugin_does_not_shadow_the_application(&machine);

    let second = Version { version: "1.1", ..first };
    dnf(&machine, "install", &second.build(work.path(), distribution));
    assert_eq!(demo(&machine), "demo 1.1 lib 1.1 plug 1.0 on lib 1.1", "after the upgrade");
    assert!(install(&machine, &["--upgrade", "plug"]).contains("Successfully installed plug-1.1"));
    assert_eq!(demo(&machine), "demo 1.1 lib 1.1 plug 1.1 on lib 1.1");
    assert_untouched(&machine);

    pip(&machine, &["uninstall", "--yes", "plug", "helper", "shadow"]);
    assert_eq!(demo(&machine), "demo 1.1 lib 1.1");
    packages::remove(&machine, PackageKind::Rpm, &["demo".to_owned(), "demo-cli".to_owned()]);
    assert!(!machine.root().inside(PLUGINS).exists(), "an empty tree stays: {}", machine.run("find", &[PLUGINS]));
    assert!(!machine.root().inside("/opt/demo").exists());
}

fn installs_whatever_the_caller_has_set(machine: &Machine) {
    let refused = machine.try_run(
        "setpriv",
        &[
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            PIP,
            "install",
            "--no-index",
            "--find-links=/links",
            "plug",
        ],
    );
    assert!(refused.code == 1 && both(&refused).contains("run it as root"), "{}", both(&refused));
    machine.shell(
        "umask 077; mkdir /elsewhere; cd /elsewhere; printf '[install]\\ntarget = /elsewhere\\nuser = true\\n' >pip.conf
         : >pip.py; : >email.py
         PIP_TARGET=/elsewhere PIP_PREFIX=/elsewhere PIP_ROOT=/elsewhere PIP_USER=1 PIP_REQUIRE_VIRTUALENV=1 PIP_NO_DEPS=1 \
         PIP_IGNORE_INSTALLED=1 PIP_PYTHON=/bin/false PIP_CONFIG_FILE=/elsewhere/pip.conf PYTHONPATH=/elsewhere \
         PYTHONHOME=/elsewhere PIP_NO_INDEX=1 PIP_FIND_LINKS=/links /opt/demo/bin/pip3 --quiet install plug==1.0",
    );
    assert_eq!(
        machine.shell("ls /elsewhere").split_whitespace().collect::<Vec<_>>(),
        ["email.py", "pip.conf", "pip.py"]
    );
    let expected = "demo 1.0 lib 1.0 plug 1.0 on lib 1.0";
    assert_eq!(demo(machine), expected);
    let as_nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/demo"];
    assert_eq!(machine.run("setpriv", &as_nobody).trim(), expected, "as a service sees it");
    assert_eq!(machine.run(&format!("{PLUGINS}/bin/plug"), &[]).trim(), "plug 1.0 on lib 1.0");
    let own = pip(machine, &["freeze", "--local"]);
    assert_eq!(own.lines().collect::<Vec<_>>(), ["helper==3", "plug==1.0"], "what the application has was not fetched");
    let record = machine.shell(&format!("grep -v '^#' {PLUGINS}/lib/python*/requirements.txt"));
    assert_eq!(record.trim(), "plug==1.0", "what was asked for");
    assert!(pip(machine, &["list"]).contains("demo"), "the application's own are listed, too");
    assert!(pip(machine, &["show", "plug"]).contains(PLUGINS));
    assert_eq!(pip(machine, &["check"]).trim(), "No broken requirements found.");
    assert_untouched(machine);
}

fn refuses_to_change_the_application(machine: &Machine) {
    let before = machine.run("find", &[PLUGINS, "!", "-name", "requirements.txt"]);
    let links = FROM_LINKS;
    let install = |words: &[&'static str]| [&["install"], &links[..], words].concat();
    let fixed = "`lib` belongs to the package of demo, and stays at version 1.0";
    for (args, reason) in [
        (install(&["lib==2.0"]), fixed),
        (install(&["/links/lib-2.0-py3-none-any.whl"]), fixed),
        (install(&["greedy"]), "conflicting dependencies"),
        (install(&["-qU", "lib"]), "only the package manager changes"),
        (install(&["--upgrade", "demo"]), "only the package manager changes"),
        (install(&["--upgrade", "pip"]), "only the package manager changes"),
        (install(&["--force-reinstall", "plug"]), "add `--no-deps`"),
        (install(&["--ignore-installed", "plug"]), "counts as installed"),
        (install(&["--target", "/elsewhere", "plug"]), "`--target` is not for here"),
        (install(&["--prefix=/opt/demo", "plug"]), "`--prefix` is not for here"),
        (vec!["uninstall", "--yes", "lib"], "only the package manager changes"),
        (vec!["uninstall", "--yes", "plug", "Demo"], "only the package manager changes"),
    ] {
        let output = try_pip(machine, &args);
        assert!(output.code == 1 && both(&output).contains(reason), "{args:?}: {}{}", output.code, both(&output));
    }
    // Named in a file, pip itself lets them be.
    machine.shell(&format!("echo lib >/tmp/names; {PIP} uninstall --yes -r /tmp/names"));
    assert_eq!(machine.run("find", &[PLUGINS, "!", "-name", "requirements.txt"]), before);
    assert_eq!(demo(machine), "demo 1.0 lib 1.0 plug 1.0 on lib 1.0");
    assert_untouched(machine);
}

fn a_plugin_does_not_shadow_the_application(machine: &Machine) {
    install(machine, &["shadow"]);
    assert_eq!(demo(machine), "demo 1.0 lib 1.0 plug 1.0 on lib 1.0");
}

#[test]
fn plugins_on_centos_7() {
    plugins_are_installed_and_nothing_else("centos-7");
}

#[test]
fn plugins_on_rocky_9() {
    plugins_are_installed_and_nothing_else("rocky-9");
}

#[test]
fn plugins_on_fedora_42() {
    plugins_are_installed_and_nothing_else("fedora-42");
}

#[test]
fn plugins_of_another_python_are_reported_and_stay_when_the_package_goes() {
    let work = tempfile::tempdir().unwrap();
    let old = Version { version: "1.0", series: "3.9", settings: "plugins = true" };
    let new = Version { version: "2.0", series: "3.11", settings: "plugins = true" };
    let (old, new) = (old.build(work.path(), "rocky-9"), new.build(work.path(), "rocky-9"));
    let machine = machine("rocky-9", &["python(abi) = 3.11"]);
    dnf(&machine, "install", &old);
    install(&machine, &["plug==1.0"]);
    // A copy of what is the application's: the record must not pin it for the next version.
    machine.shell("echo lib >/tmp/names");
    install(&machine, &["--force-reinstall", "--no-deps", "-r", "/tmp/names"]);
    assert!(!both(&try_pip(&machine, &["list"])).contains("install them again"));

    let said = dnf(&machine, "install", &new);
    let warning = "warning: demo runs on Python 3.11 now, and its plugins were installed for Python 3.9";
    assert_eq!(said.matches(warning).count(), 1, "{said}");
    assert_eq!(demo(&machine), "demo 2.0 lib 2.0");
    let reminder = both(&try_pip(&machine, &["list"]));
    let command = format!("{PIP} install -r {PLUGINS}/lib/python3.9/requirements.txt");
    for text in [&said, &reminder] {
        assert!(text.lines().any(|line| line.trim() == command), "{text}");
    }
    let said = machine.shell(&format!("export PIP_NO_INDEX=1 PIP_FIND_LINKS=/links; {command} 2>&1"));
    assert!(said.contains("the plugins of Python 3.9 are still in"), "{said}");
    assert_eq!(demo(&machine), "demo 2.0 lib 2.0 plug 1.0 on lib 2.0");
    assert!(!both(&try_pip(&machine, &["list"])).contains("install them again"));
    assert_untouched(&machine);

    let said = dnf(&machine, "downgrade", &old);
    assert!(!said.contains("plugins were installed"), "those of Python 3.9 are there: {said}");
    assert_eq!(demo(&machine), "demo 1.0 lib 1.0 plug 1.0 on lib 1.0");

    packages::remove(&machine, PackageKind::Rpm, &["demo".to_owned(), "demo-cli".to_owned()]);
    assert!(!machine.root().inside("/opt/demo").exists());
    dnf(&machine, "install", &old);
    assert_eq!(demo(&machine), "demo 1.0 lib 1.0 plug 1.0 on lib 1.0", "plugins stay as data");
    assert_untouched(&machine);
}

#[test]
fn plugins_go_with_the_package_when_asked() {
    let work = tempfile::tempdir().unwrap();
    let settings = "plugins = { directory = \"/var/lib/demo/it's plugins\", remove = true }";
    let first = Version { version: "1.0", series: "3.9", settings }.build(work.path(), "rocky-9");
    let second = Version { version: "1.1", series: "3.9", settings }.build(work.path(), "rocky-9");
    let machine = machine("rocky-9", &[]);
    dnf(&machine, "install", &first);
    install(&machine, &["plug==1.0"]);
    machine.shell(
        "mkdir /precious; echo data >/precious/file; cd '/var/lib/demo/it'\\''s plugins'
        ln -s /precious link; ln -s /precious/file file; ln /precious/file hard; mkdir 'a b'; echo more >'a b/-f'",
    );
    dnf(&machine, "install", &second);
    assert_eq!(demo(&machine), "demo 1.1 lib 1.1 plug 1.0 on lib 1.1", "only with the package, not at an upgrade");
    packages::remove(&machine, PackageKind::Rpm, &["demo".to_owned(), "demo-cli".to_owned()]);
    assert!(!machine.root().inside("/var/lib/demo").exists(), "{}", machine.run("find", &["/var/lib/demo"]));
    assert_eq!(machine.shell("cat /precious/file").trim(), "data");

    // Moved elsewhere by the administrator: a link is not followed.
    dnf(&machine, "install", &first);
    install(&machine, &["plug==1.0"]);
    machine.shell(
        "mv '/var/lib/demo/it'\\''s plugins' /precious/moved; ln -s /precious/moved '/var/lib/demo/it'\\''s plugins'",
    );
    assert_eq!(demo(&machine), "demo 1.0 lib 1.0 plug 1.0 on lib 1.0");
    packages::remove(&machine, PackageKind::Rpm, &["demo".to_owned(), "demo-cli".to_owned()]);
    assert!(machine.root().inside("/precious/moved/lib/python3.9/site-packages/plug.py").exists());
}
