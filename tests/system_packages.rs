//! Builds that leave part of what is locked to packages of the target, for RPM and DEB, and what their packages say.

mod handmade;

use std::path::{Path, PathBuf};

use handmade::{WheelMaker, omnipack};
use omnipack::exec::Command;
use serde_json::Value;

/// An application on top of three libraries: `lib-a` needs `lib-c`, which `lib-b` needs, too, and `lib-d`, which nobody else
/// does; its extra `fast`, which the application asks for, needs `lib-e`.
struct Bench {
    root: tempfile::TempDir,
    application: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let wheels = root.path().join("wheels");
        fs_err::create_dir(&wheels).unwrap();
        let library = |name: &str, version: &str| {
            WheelMaker::new(name, version).file(&format!("{name}.py"), "").file(
                &format!("{name}-{version}.dist-info/licenses/LICENSE"),
                format!("Copyright 2020 The author of {name}\n"),
            )
        };
        library("lib_a", "1.4")
            .requires("lib-c")
            .requires("lib-d; python_version >= '3'")
            .requires("lib-f; python_version < '3'")
            .requires("lib-e; extra == 'fast'")
            .write(&wheels);
        library("lib_b", "1.0").requires("lib-c>=2").requires("lib-a!=1.2").write(&wheels);
        library("lib_c", "2.0").write(&wheels);
        library("lib_d", "3.0").requires("lib-a").write(&wheels);
        library("lib_e", "4.0").write(&wheels);
        let application = WheelMaker::new("demo", "1.0")
            .file("demo.py", "def main():\n    print('demo')\n")
            .console_script("demo = demo:main")
            .requires("lib-a[fast]>=1.2,<2")
            .requires("lib-b")
            .write(&wheels);
        Self { root, application }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Runs omnipack with this configuration; exit code and both streams.
    fn run(&self, configuration: &str, words: &[&str]) -> (i32, String, String) {
        fs_err::write(self.path("omnipack.toml"), configuration).unwrap();
        let mut command = omnipack(&self.path("cache"));
        command.args(words).arg("--wheels").arg(self.path("wheels")).arg("--config").arg(self.path("omnipack.toml"));
        let output = command.arg(&self.application).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }

    fn build(&self, configuration: &str, distribution: &str) -> Built {
        let out = self.path(&format!("out-{distribution}"));
        let words = ["-D", distribution, "--json", "--keep-stage", "-d", out.to_str().unwrap()];
        let (code, stdout, stderr) = self.run(configuration, &words);
        assert_eq!(code, 0, "{stderr}");
        let summary = serde_json::from_str::<Value>(&stdout).unwrap();
        let package = PathBuf::from(summary[0]["packages"][0]["path"].as_str().unwrap());
        let output = omnipack(&self.path("cache")).args(["inspect", "--json"]).arg(&package).output().unwrap();
        let inspection = serde_json::from_slice::<Value>(&output.stdout).unwrap()[0].clone();
        Built { summary: summary[0].clone(), inspection, stage: out.join("demo-stage"), package, said: stderr }
    }
}

struct Built {
    summary: Value,
    inspection: Value,
    stage: PathBuf,
    package: PathBuf,
    said: String,
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

impl Built {
    fn bundled(&self) -> Vec<&str> {
        let all = self.inspection["python-distributions"].as_array().unwrap();
        all.iter().map(|known| known["name"].as_str().unwrap()).collect()
    }

    fn requires(&self) -> Vec<String> {
        let mut all = texts(&self.inspection["relations"]["requires"]);
        all.retain(|text| text.contains("lib") && !text.starts_with("rpmlib") || text.contains("gi"));
        all
    }

    fn text(&self, path: &str) -> String {
        fs_err::read_to_string(self.stage.join(path)).unwrap()
    }
}

const CONFIGURATION: &str = "[python]\nbytecode = \"none\"\nsystem-packages = [\"python3-lib-a\", \"python3-gi\"]\n";

#[test]
fn a_package_of_an_rpm_target_takes_the_place_of_a_wheel() {
    let bench = Bench::new();
    let built = bench.build(CONFIGURATION, "rocky-9");
    assert_eq!(built.bundled(), ["demo", "lib_b", "lib_c", "lib_e"], "lib-d is only needed by lib-a");
    // `python3dist()` knows no epochs, so that the versions are asked of it.
    let expected = ["(python3dist(lib-a) < 1.2 or python3dist(lib-a) > 1.2)", "python3-gi", "python3-lib-a"];
    let requires = built.requires();
    assert!(requires.contains(&expected[1].to_owned()) && requires.contains(&expected[2].to_owned()), "{requires:?}");
    let versions = requires.iter().find(|text| text.contains("python3dist(lib-a)")).unwrap();
    for part in ["python3dist(lib-a) >= 1.2", "python3dist(lib-a) < 2", expected[0]] {
        assert!(versions.contains(part), "{versions}");
    }
    let provides = texts(&built.inspection["relations"]["provides"]);
    let bundled = provides.iter().filter(|text| text.starts_with("bundled(")).collect::<Vec<_>>();
    assert_eq!(bundled.len(), 3, "{bundled:?}");
    assert_eq!(texts(&built.summary["left_out"]), ["lib-a", "lib-d"]);
    let note = "lib-a of the distribution will find the lib-c that is bundled in place of its own";
    assert!(built.said.contains(note) && !built.said.contains("lib-d of"), "{}", built.said);
    let environment = built.text("opt/demo/pyvenv.cfg");
    assert!(environment.contains("include-system-site-packages = true\n"), "{environment}");
    assert!(!built.stage.join("opt/demo/lib/python3.9/site-packages/lib_a.py").exists());
}

/// Families call the package of PyYAML `python3-yaml`, `python3-pyyaml` and `python3-PyYAML`.
#[test]
fn what_another_family_would_call_so_is_said_by_its_name() {
    let root = tempfile::tempdir().unwrap();
    let wheels = root.path().join("wheels");
    fs_err::create_dir(&wheels).unwrap();
    WheelMaker::new("PyYAML", "6.0").file("yaml.py", "").write(&wheels);
    let application = WheelMaker::new("demo", "1.0").file("demo.py", "").requires("pyyaml").write(&wheels);
    let bench = Bench { root, application };
    let configuration = "[python]\nbytecode = \"none\"\nsystem-packages = [\"python3-yaml\", \"python3-nosuch\"]\n";
    let other = "`python3-nosuch` of `system-packages` is required besides; nothing in the lock is left out for it";
    let built = bench.build(configuration, "rocky-9");
    assert_eq!(built.bundled(), ["PyYAML", "demo"]);
    let note = "`python3-yaml` of `system-packages` is required, and pyyaml is bundled all the same: its package is called \
                `python3-pyyaml` on ";
    assert!(built.said.contains(note) && built.said.contains(other), "{}", built.said);
    let built = bench.build(configuration, "debian-12");
    assert_eq!(built.bundled(), ["demo"]);
    assert!(!built.said.contains("python3-yaml") && built.said.contains(other), "{}", built.said);
}

#[test]
fn a_package_of_a_debian_target_takes_the_place_of_a_wheel() {
    let bench = Bench::new();
    let built = bench.build(CONFIGURATION, "debian-12");
    assert_eq!(built.bundled(), ["demo", "lib_b", "lib_c", "lib_e"]);
    let requires = built.requires();
    let expected = [
        "python3-gi",
        "python3-lib-a (<< 2~~)",
        "python3-lib-a (>= 1.2)",
        "python3-lib-a (<< 1.2) | python3-lib-a (>= 1.2.0.0~~)",
    ];
    assert_eq!(requires, expected);
    let unpacked = bench.path("unpacked");
    let command = Command::new("dpkg-deb").arg("--extract").arg(&built.package).arg(&unpacked);
    command.run_checked().unwrap();
    let copyright = fs_err::read_to_string(unpacked.join("usr/share/doc/demo/copyright")).unwrap();
    assert!(copyright.contains("The author of lib_b"), "{copyright}");
    for gone in ["lib_a", "lib-a", "lib_d", "lib-d"] {
        assert!(!copyright.contains(gone), "{gone}: {copyright}");
    }
    // The same again, elsewhere.
    let other = Bench::new();
    let again = other.build(CONFIGURATION, "debian-12");
    assert_eq!(fs_err::read(&built.package).unwrap(), fs_err::read(&again.package).unwrap());
}

#[test]
fn what_is_named_is_said_before_anything_is_built() {
    let bench = Bench::new();
    let (code, stdout, stderr) = bench.run(CONFIGURATION, &["-D", "rocky-9", "--dry-run"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("requires     python3-lib-a  (system-packages)"), "{stdout}");
    assert!(stdout.contains("requires     python3-gi  (system-packages)"), "{stdout}");
}

#[test]
fn each_target_has_its_own_list_and_the_users_map_counts() {
    let bench = Bench::new();
    let configuration = format!(
        "{CONFIGURATION}[distribution.rocky-9.python]\nsystem-packages = []\n\
         [distribution.fedora-42.python]\nsystem-packages = [\"special-b\"]\n\
         [package-map.fedora]\nlib-b = \"special-b\"\n"
    );
    let built = bench.build(&configuration, "rocky-9");
    assert_eq!(built.bundled(), ["demo", "lib_a", "lib_b", "lib_c", "lib_d", "lib_e"]);
    assert!(built.text("opt/demo/pyvenv.cfg").contains("include-system-site-packages = false\n"));
    assert!(!built.stage.join("opt/demo/lib/python3.9/site-packages/no_user_site.pth").exists());
    let built = bench.build(&configuration, "fedora-42");
    assert_eq!(built.bundled(), ["demo", "lib_a", "lib_c", "lib_d", "lib_e"]);
    assert!(
        built.requires().is_empty()
            && texts(&built.inspection["relations"]["requires"]).contains(&"special-b".to_owned())
    );
}

#[test]
fn a_package_for_another_python_is_refused_and_both_are_named() {
    let bench = Bench::new();
    let configuration = "[python]\nversion = \"3.11\"\nsystem-packages = [\"python3-lib-a\"]\n";
    let (code, _, stderr) = bench.run(configuration, &["-D", "rocky-9", "--dry-run"]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("`python3-lib-a` is for Python 3.9, but the application runs on 3.11"), "{stderr}");
    let configuration = "[python]\nbytecode = \"none\"\nversion = \"3.11\"\nsystem-packages = [\"python3.11-lib-a\"]\n";
    let built = bench.build(configuration, "rocky-9");
    assert!(!built.bundled().contains(&"lib_a"), "{:?}", built.bundled());
    assert!(built.requires().iter().any(|text| text.contains("python3.11dist(lib-a)")), "{:?}", built.requires());
}

/// Whatever starts the tree's Python, packages in the caller's home directory are not seen, and those of its own Python
/// are.
#[test]
fn the_tree_sees_the_system_and_no_home_directory() {
    let bench = Bench::new();
    let built = bench.build(CONFIGURATION, "debian-12");
    let prefix = built.stage.join("opt/demo");
    let run = |program: &Path, words: &[&str]| {
        let output = Command::new(program).args(words).env("HOME", bench.root.path()).run().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    // What is on PATH may be a script that starts it.
    let named = which::which("python3.11").unwrap();
    let python = run(&named, &["-c", "import os, sys; print(os.path.realpath(sys.executable))"]);
    let python = PathBuf::from(python.trim());
    // The link is for the target; here it is the same series of this machine, which has pip beside it.
    fs_err::remove_file(prefix.join("bin/python")).unwrap();
    fs_err::os::unix::fs::symlink(&python, prefix.join("bin/python")).unwrap();
    let home = format!("home = {}\n", python.parent().unwrap().display());
    let environment = built.text("opt/demo/pyvenv.cfg").replace("home = /usr/bin\n", &home);
    fs_err::write(prefix.join("pyvenv.cfg"), environment).unwrap();
    let user = bench.path(".local/lib/python3.11/site-packages");
    fs_err::create_dir_all(&user).unwrap();
    fs_err::write(user.join("of_the_home.py"), "").unwrap();
    assert_eq!(run(&python, &["-c", "import of_the_home"]), "", "the trap works");
    for words in [&["-c"][..], &["-B", "-c"]] {
        let said = run(&prefix.join("bin/python"), &[words, &["import of_the_home"]].concat());
        assert!(said.contains("No module named 'of_the_home'"), "{said}");
    }
    let paths = run(&prefix.join("bin/python"), &["-c", "import sys; print(sys.path)"]);
    let system = run(&python, &["-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"]);
    let beside = |path: &str| {
        path.contains("-packages") && path.contains(Path::new(system.trim()).parent().unwrap().to_str().unwrap())
    };
    assert!(paths.split(',').any(beside), "{paths}");
}
