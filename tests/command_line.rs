//! The commands as scripts and people use them: what is printed, what is written, and how it ends.

mod handmade;

use std::path::{Path, PathBuf};

use handmade::{WheelMaker, demo, listing, omnipack};
use omnipack::format::inspection::Inspection;
use omnipack::format::rpm::read;
use serde_json::Value;

/// A place for one test: wheels, a cache, and where packages go.
struct Place {
    root: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for name in ["wheels", "cache", "out"] {
            fs_err::create_dir(root.path().join(name)).unwrap();
        }
        Self { root }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn wheels(&self) -> PathBuf {
        self.path("wheels")
    }

    /// `omnipack` with these arguments, and the wheels of this place.
    fn command(&self, arguments: &[&str]) -> assert_cmd::Command {
        let mut command = omnipack(&self.path("cache"));
        command.args(arguments).arg("--wheels").arg(self.wheels());
        command
    }

    /// A build of `source` into `out`.
    fn build(&self, source: &Path, arguments: &[&str]) -> assert_cmd::Command {
        let mut command = self.command(arguments);
        command.arg("-d").arg(self.path("out")).arg(source);
        command
    }

    /// Runs `command`, which has to fail as a build does, say all of `texts`, and leave no file; gives what it said.
    fn fails(&self, command: &mut assert_cmd::Command, texts: &[&str]) -> String {
        let output = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let flat = stderr.split_whitespace().filter(|word| *word != "|").collect::<Vec<_>>().join(" ");
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        for text in texts {
            assert!(flat.contains(text), "`{text}` is not in:\n{stderr}");
        }
        assert_eq!(listing(&self.path("out")), Vec::<String>::new());
        stderr
    }

    fn config(&self, text: &str) -> String {
        let path = self.path("omnipack.toml");
        fs_err::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn package(&self, name: &str) -> Inspection {
        read(&self.path("out").join(name)).unwrap()
    }
}

/// What it printed on standard output; it has to succeed.
fn stdout(command: &mut assert_cmd::Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(command: &mut assert_cmd::Command) -> Value {
    let text = stdout(command);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// `demo`, which requires a library.
fn demo_with_library(place: &Place) -> PathBuf {
    WheelMaker::new("some_lib", "2.0+local.1").file("some_lib.py", "").write(&place.wheels());
    WheelMaker::new("demo", "1.0")
        .file("demo.py", "def main():\n    pass\n")
        .console_script("demo = demo:main")
        .requires("some-lib")
        .write(&place.wheels())
}

#[test]
fn a_summary_for_scripts_says_what_was_built() {
    let place = Place::new();
    let wheel = demo_with_library(&place);
    let all = json(&mut place.build(&wheel, &["--distribution", "rocky-9", "--json"]));
    let [one] = all.as_array().unwrap().as_slice() else { panic!("{all}") };
    assert_eq!((&one["distribution"], &one["python"]), (&"rocky-9".into(), &"3.9".into()));
    assert!(one.get("stage").is_none());
    let names = one["packages"].as_array().unwrap().iter().map(|package| package["name"].as_str().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), ["demo", "demo-cli"]);
    for package in one["packages"].as_array().unwrap() {
        let path = Path::new(package["path"].as_str().unwrap());
        assert_eq!(path.parent().unwrap(), place.path("out"));
        assert_eq!(package["size"].as_u64().unwrap(), fs_err::metadata(path).unwrap().len());
        let inside = read(path).unwrap();
        assert_eq!(package["installed_size"].as_u64().unwrap(), inside.installed_size);
        assert_eq!(package["architecture"], "noarch");
        assert_eq!((&package["version"], &package["release"]), (&"1.0".into(), &"1".into()));
    }
    let wheels = one["wheels"].as_array().unwrap().iter().map(|wheel| wheel["name"].as_str().unwrap());
    assert_eq!(wheels.collect::<Vec<_>>(), ["demo", "some-lib"]);
    assert_eq!(one["wheels"][0]["sha256"].as_str().unwrap().len(), 64);
}

#[test]
fn a_summary_for_people_says_what_is_required_and_why() {
    let place = Place::new();
    let text = stdout(&mut place.build(&demo(&place.wheels()), &["--distribution", "rocky-9"]));
    assert!(text.contains("demo-1.0-1.noarch.rpm"), "{text}");
    assert!(text.contains("requires python(abi) = 3.9"), "{text}");
    assert!(text.contains("requires demo = 1.0-1"), "{text}");
    assert!(text.contains("2 packages"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    assert_eq!(stdout(&mut place.build(&demo(&place.wheels()), &["-D", "rocky-9", "--quiet"])), "");
}

#[test]
fn a_dry_run_decides_everything_and_writes_nothing() {
    let place = Place::new();
    let wheel = demo(&place.wheels());
    let config = place.config("[[service]]\nname = \"web\"\ncommand = \"demo --port 80\"\n");
    let arguments = ["-D", "centos-7", "-D", "fedora-42", "--config", &config, "--dry-run"];
    let plans = json(place.build(&wheel, &arguments).arg("--json"));
    let plans = plans.as_array().unwrap();
    assert_eq!(plans.len(), 2);
    assert_eq!(plans[0]["distribution"]["name"], "centos-7");
    assert_eq!(plans[1]["distribution"]["name"], "fedora-42");
    assert_eq!(plans[0]["interpreter"]["path"], "/usr/bin/python3.6");
    assert_eq!(plans[0]["prefix"], "/opt/demo");
    let names = plans[0]["packages"].as_array().unwrap().iter().map(|package| package["name"].as_str().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), ["demo", "demo-cli", "demo-node"]);
    let text = stdout(&mut place.build(&wheel, &arguments));
    assert!(text.contains("demo-node") && text.contains("centos-7") && text.contains("fedora-42"), "{text}");
    assert_eq!(listing(&place.path("out")), Vec::<String>::new());
}

#[test]
fn several_distributions_have_directories_of_their_own() {
    let place = Place::new();
    let wheel = demo(&place.wheels());
    // One named twice is built once.
    let arguments = ["-D", "rocky-9", "-D", "centos-7", "-D", "rocky-9", "--json"];
    let all = json(&mut place.build(&wheel, &arguments));
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert_eq!(listing(&place.path("out")), ["centos-7", "rocky-9"]);
    let expected = ["demo-1.0-1.noarch.rpm", "demo-cli-1.0-1.noarch.rpm"];
    for name in ["centos-7", "rocky-9"] {
        assert_eq!(listing(&place.path("out").join(name)), expected);
    }
    let old = place.package("centos-7/demo-1.0-1.noarch.rpm");
    let new = place.package("rocky-9/demo-1.0-1.noarch.rpm");
    // rpm 4.11 reads no zstd.
    assert_eq!((old.compression.as_str(), new.compression.as_str()), ("gzip", "zstd"));
    assert!(old.relations.requires.contains(&"python(abi) = 3.6".to_owned()), "{:?}", old.relations.requires);
    assert!(new.relations.requires.contains(&"python(abi) = 3.9".to_owned()), "{:?}", new.relations.requires);
}

#[test]
fn the_configuration_may_name_the_distributions() {
    let place = Place::new();
    let config = place.config("[targets]\ndistributions = [\"rocky-8\", \"rocky-9\"]\n");
    stdout(&mut place.build(&demo(&place.wheels()), &["--config", &config]));
    assert_eq!(listing(&place.path("out")), ["rocky-8", "rocky-9"]);
    // Those of the command line instead of, not besides.
    let other = place.path("other");
    let mut command = place.command(&["--config", &config, "-D", "centos-7"]);
    stdout(command.arg("-d").arg(&other).arg(demo(&place.wheels())));
    assert_eq!(listing(&other), ["demo-1.0-1.noarch.rpm", "demo-cli-1.0-1.noarch.rpm"]);
}

#[test]
fn the_kept_stage_is_the_tree_of_the_package() {
    let place = Place::new();
    let wheel = demo(&place.wheels());
    let all = json(&mut place.build(&wheel, &["-D", "rocky-9", "--keep-stage", "--json"]));
    let stage = PathBuf::from(all[0]["stage"].as_str().unwrap());
    assert_eq!(stage, place.path("out").join("demo-stage"));
    let package = place.package("demo-1.0-1.noarch.rpm");
    for file in package.files.iter().filter(|file| file.path.starts_with("/opt/demo")) {
        let path = stage.join(file.path.trim_start_matches('/'));
        let metadata = path.symlink_metadata().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        if metadata.is_file() {
            assert_eq!(metadata.len(), file.size, "{}", file.path);
        }
    }
    assert!(stage.join("opt/demo/bin/demo").is_file());
    // Once more, in place of the old one.
    fs_err::write(stage.join("opt/demo/left-over"), "").unwrap();
    stdout(&mut place.build(&wheel, &["-D", "rocky-9", "--keep-stage"]));
    assert!(stage.join("opt/demo/bin/demo").is_file() && !stage.join("opt/demo/left-over").exists());
    assert_eq!(listing(&place.path("out")), ["demo-1.0-1.noarch.rpm", "demo-cli-1.0-1.noarch.rpm", "demo-stage"]);
}

#[test]
fn a_tree_is_staged_into_an_empty_directory_only() {
    let place = Place::new();
    let wheel = demo(&place.wheels());
    let tree = place.path("tree");
    let stage = |arguments: &[&str]| {
        let mut command = place.command(&[&["stage", "-D", "rocky-9"], arguments].concat());
        command.arg(&tree).arg(&wheel);
        command
    };
    assert_eq!(stdout(&mut stage(&[])), format!("{}\n", tree.display()));
    let launcher = fs_err::read_to_string(tree.join("opt/demo/bin/demo")).unwrap();
    assert!(launcher.starts_with("#!/opt/demo/bin/python\n"), "{launcher}");
    let target = fs_err::read_link(tree.join("opt/demo/bin/python")).unwrap();
    assert!(target.to_str().unwrap().contains("python3.9"), "{target:?}");
    let output = stage(&[]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("tree"));
    fs_err::remove_dir_all(&tree).unwrap();
    let plans = json(&mut stage(&["--json"]));
    assert_eq!(plans[0]["distribution"]["name"], "rocky-9");
    fs_err::remove_dir_all(&tree).unwrap();
    stdout(&mut stage(&["-D", "centos-7"]));
    assert_eq!(listing(&tree), ["centos-7", "rocky-9"]);
}

#[test]
fn a_package_is_inspected_for_people_and_for_scripts() {
    let place = Place::new();
    stdout(&mut place.build(&demo_with_library(&place), &["-D", "rocky-9"]));
    let inspect = |arguments: &[&str], files: &[&str]| {
        let mut command = omnipack(&place.path("cache"));
        command.arg("inspect").args(arguments).args(files.iter().map(|file| place.path("out").join(file)));
        command
    };
    let both = ["demo-1.0-1.noarch.rpm", "demo-cli-1.0-1.noarch.rpm"];
    let all = json(&mut inspect(&["--json"], &both));
    assert_eq!((&all[0]["name"], &all[1]["name"]), (&"demo".into(), &"demo-cli".into()));
    assert_eq!(all[0]["license"], "MIT");
    let requires = all[1]["relations"]["requires"].as_array().unwrap();
    assert!(requires.contains(&"demo = 1.0-1".into()), "{requires:?}");
    let files = all[1]["files"].as_array().unwrap();
    let link = files.iter().find(|file| file["path"] == "/usr/bin/demo").unwrap();
    assert_eq!((&link["kind"], &link["link_target"]), (&"symlink".into(), &Value::Null));
    let text = stdout(&mut inspect(&[], &both));
    assert!(text.contains("demo-1.0-1.noarch") && text.contains("some_lib 2.0+local.1"), "{text}");
    let output = inspect(&[], &["missing.rpm"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("missing.rpm"));
}

#[test]
fn the_distributions_are_listed_for_people_and_for_scripts() {
    let place = Place::new();
    let list = |arguments: &[&str]| {
        let mut command = omnipack(&place.path("cache"));
        command.arg("distributions").args(arguments);
        command
    };
    let all = json(&mut list(&["--json"]));
    let names = all.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    for wanted in ["centos-6", "centos-7", "rocky-9", "fedora-44", "amazonlinux-2023", "sles-15", "debian-12"] {
        assert!(names.contains(&wanted.to_owned()), "{wanted} is not in {names:?}");
    }
    let text = stdout(&mut list(&[]));
    assert_eq!(text.lines().count(), names.len() + 1);
    // One of the user's own, after another.
    let config = place.config("[distribution.house-1]\nlike = \"rocky-9\"\ntitle = \"House 1\"\n");
    let output = list(&["--config", &config]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("house-1"), "{text}");
}

/// 0 done, 1 the build failed, 2 the command line or the configuration is wrong.
#[test]
fn exit_codes_tell_whose_fault_it_was() {
    let place = Place::new();
    let wheel = demo(&place.wheels());
    let code = |command: &mut assert_cmd::Command| {
        let output = command.output().unwrap();
        assert!(output.stdout.is_empty() || output.status.success(), "an error belongs on standard error");
        output.status.code().unwrap()
    };
    assert_eq!(code(&mut place.build(&wheel, &["-D", "rocky-9"])), 0);
    assert_eq!(code(&mut place.build(&wheel, &["-D", "rocky-9", "--no-such-option"])), 2);
    assert_eq!(code(&mut place.build(&wheel, &["-D", "no-such-1"])), 2);
    let config = place.config("[package]\nnmae = \"demo\"\n");
    assert_eq!(code(&mut place.build(&wheel, &["-D", "rocky-9", "--config", &config])), 2);
    assert_eq!(code(&mut place.build(&place.wheels().join("none-1-py3-none-any.whl"), &["-D", "rocky-9"])), 2);
    let mut command = place.build(&wheel, &["-D", "rocky-9"]);
    assert_eq!(code(command.env("SOURCE_DATE_EPOCH", "yesterday")), 2);
    assert_eq!(code(&mut place.build(&wheel, &["-D", "rocky-9", "--machine", "vax"])), 2);
    let needy = WheelMaker::new("needy", "1").file("needy.py", "").requires("absent").write(&place.wheels());
    assert_eq!(code(&mut place.build(&needy, &["-D", "rocky-9"])), 1);
}

#[test]
fn every_time_is_the_source_date() {
    let build = |date: Option<&str>| {
        let place = Place::new();
        let mut command = place.build(&demo(&place.wheels()), &["-D", "rocky-9"]);
        if let Some(date) = date {
            command.env("SOURCE_DATE_EPOCH", date);
        }
        stdout(&mut command);
        (
            place.package("demo-1.0-1.noarch.rpm").build_time,
            fs_err::read(place.path("out/demo-1.0-1.noarch.rpm")).unwrap(),
        )
    };
    let (time, bytes) = build(Some("1700000000"));
    assert_eq!(time, 1_700_000_000);
    assert_eq!(build(Some("1700000000")).1, bytes);
    assert_ne!(build(Some("1700000001")).1, bytes);
    assert_eq!(build(None), build(None));
}

#[test]
fn changelog_licences_and_bundled_parts_are_in_the_package() {
    let place = Place::new();
    let wheel = demo_with_library(&place);
    fs_err::write(place.path("CHANGES.md"), "# Changes\n\n## 1.0 - 2024-02-29\n- Leap\n").unwrap();
    fs_err::write(place.path("COPYING"), "Do as you like\n").unwrap();
    let config = place.config(
        "[package]\nchangelog = \"CHANGES.md\"\nlicenses = [\"COPYING\"]\nmaintainer = \"A Person <a@example.org>\"\n\
         vendor = \"Example\"\nurl = \"https://example.org/\"\nepoch = 3\nrelease = \"7\"\n",
    );
    stdout(&mut place.build(&wheel, &["-D", "rocky-9", "--config", &config]));
    let package = place.package("demo-1.0-7.noarch.rpm");
    let [change] = package.changelog.as_slice() else { panic!("{:?}", package.changelog) };
    assert_eq!((change.date, change.text.as_str()), (1_709_208_000, "- Leap"));
    assert_eq!(change.author, "A Person <a@example.org> - 1.0");
    let licence = package.files.iter().find(|file| file.path == "/usr/share/licenses/demo/COPYING").unwrap();
    assert_eq!((licence.size, licence.mode.as_str(), licence.flags.as_slice()), (15, "0644", &["license"][..]));
    assert!(package.files.iter().any(|file| file.path == "/usr/share/licenses/demo"));
    assert_eq!(
        (package.epoch, package.vendor.as_str(), package.maintainer.as_str()),
        (3, "Example", "A Person <a@example.org>")
    );
    assert_eq!(package.url, "https://example.org/");
    let bundled = package.relations.provides.iter().filter(|text| text.starts_with("bundled(")).collect::<Vec<_>>();
    assert_eq!(bundled, ["bundled(python3dist(some-lib)) = 2.0+local.1"]);
    let cli = place.package("demo-cli-1.0-7.noarch.rpm");
    assert!(cli.relations.requires.contains(&"demo = 3:1.0-7".to_owned()), "{:?}", cli.relations.requires);
    assert!(!cli.relations.provides.iter().any(|text| text.starts_with("bundled(")));
    assert!(!cli.files.iter().any(|file| file.path.contains("licenses")));
}

#[test]
fn a_change_log_without_a_release_is_said() {
    let place = Place::new();
    let wheel = demo(&place.wheels());
    fs_err::write(place.path("NEWS"), "Version 1.0\n\nFirst \u{e4}\n").unwrap();
    let config = place.config("[package]\nchangelog = \"NEWS\"\n");
    let output = place.build(&wheel, &["-D", "rocky-9", "--config", &config]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("no release was found in"), "{said}");
    fs_err::write(place.path("NEWS"), "# News\n\n## 1.0 - 2024-02-29\n- First\n").unwrap();
    let output = place.build(&wheel, &["-D", "rocky-9", "--config", &config]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && !said.contains("no release was found"), "{said}");
}

#[test]
fn colours_are_for_those_who_want_them() {
    let place = Place::new();
    let wheel = demo(&place.wheels());
    let stderr = |color: &str| {
        let mut command = place.build(&wheel, &["-D", "no-such-1", "--color", color]);
        command.env_remove("NO_COLOR");
        String::from_utf8(command.output().unwrap().stderr).unwrap()
    };
    assert!(stderr("always").contains('\u{1b}'));
    assert!(!stderr("never").contains('\u{1b}'));
    // Not a terminal.
    assert!(!stderr("auto").contains('\u{1b}'));
}

#[test]
fn the_schema_that_editors_use_is_printed() {
    let place = Place::new();
    let schema = json(omnipack(&place.path("cache")).arg("schema"));
    assert!(schema["properties"]["service"].is_object() && schema["properties"]["package"].is_object());
}

#[test]
fn a_reader_that_has_had_enough_is_no_failure() {
    let place = Place::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    #[allow(clippy::disallowed_methods, reason = "the command's own standard output is what is tested")]
    let status = std::process::Command::new(assert_cmd::cargo::cargo_bin("omnipack"))
        .env("OMNIPACK_CACHE", place.path("cache"))
        .args(["distributions", "--json"])
        .stdout(writer)
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
}

/// A 64-bit object for x86-64 that needs `libc.so.6` with the symbol version `symbol`, and nothing else.
fn native_code(symbol: &str) -> Vec<u8> {
    let strings = format!("\0libc.so.6\0{symbol}\0");
    let (strings_at, need_at, dynamic_at) = (0x100_u64, 0x180_u64, 0x200_u64);
    let half = |values: &[u16]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
    let word = |values: &[u32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
    let long = |values: &[u64]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
    let need = [half(&[1, 1]), word(&[1, 16, 0]), word(&[0]), half(&[0, 2]), word(&[11, 0])].concat();
    let entries = [1, 1, 5, strings_at, 10, strings.len() as u64, 0x6fff_fffe, need_at, 0x6fff_ffff, 1, 0, 0];
    let dynamic = long(&entries);
    let size = dynamic_at + dynamic.len() as u64;
    let header = [
        b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec(),
        half(&[3, 62, 1, 0]),
        long(&[0, 64, 0]),
        half(&[0, 0, 64, 56, 2, 64, 0, 0]),
        word(&[1, 5]),
        long(&[0, 0, 0, size, size, 4096]),
        word(&[2, 6]),
        long(&[dynamic_at, dynamic_at, 0, dynamic.len() as u64, dynamic.len() as u64, 8]),
    ];
    let mut bytes = header.concat();
    for (at, part) in [(strings_at, strings.as_bytes()), (need_at, &need), (dynamic_at, &dynamic)] {
        bytes.resize(usize::try_from(at).unwrap(), 0);
        bytes.extend_from_slice(part);
    }
    bytes
}

#[test]
fn native_code_decides_architecture_and_requirements() {
    let place = Place::new();
    let wheel = WheelMaker::new("demo", "1.0")
        .file("demo/_speed.so", native_code("GLIBC_2.17"))
        .tag("cp39-cp39-manylinux_2_17_x86_64")
        .write(&place.wheels());
    let arguments = ["-D", "rocky-9", "--machine", "x86_64"];
    let all = json(place.build(&wheel, &arguments).arg("--json"));
    assert_eq!(all[0]["packages"][0]["architecture"], "x86_64");
    let package = place.package("demo-1.0-1.x86_64.rpm");
    let requires = &package.relations.requires;
    assert!(requires.contains(&"libc.so.6(GLIBC_2.17)(64bit)".to_owned()), "{requires:?}");
    // Newer than the target's.
    let place = Place::new();
    let wheel = WheelMaker::new("demo", "1.0")
        .file("demo/_speed.so", native_code("GLIBC_2.38"))
        .tag("cp39-cp39-manylinux_2_17_x86_64")
        .write(&place.wheels());
    place.fails(&mut place.build(&wheel, &arguments), &["glibc 2.34", "GLIBC_2.38", "demo/_speed.so"]);
}

#[test]
fn what_the_user_says_of_a_directory_wins() {
    let place = Place::new();
    let config = place.config("[[directory]]\npath = \"/opt/demo\"\nmode = \"0750\"\n");
    stdout(&mut place.build(&demo(&place.wheels()), &["-D", "rocky-9", "--config", &config]));
    let package = place.package("demo-1.0-1.noarch.rpm");
    let modes = package.files.iter().filter(|file| file.path == "/opt/demo").map(|file| file.mode.as_str());
    assert_eq!(modes.collect::<Vec<_>>(), ["0750"]);
}

/// The project's directory and a password of the index: each stops the build, and the password is not told.
#[test]
fn a_package_that_names_this_machine_is_not_written() {
    let place = Place::new();
    let home = place.path("home");
    fs_err::create_dir(&home).unwrap();
    let project = place.path("project");
    fs_err::create_dir(&project).unwrap();
    fs_err::write(project.join("requirements.txt"), "").unwrap();
    fs_err::write(project.join("app.py"), format!("PATH = '{}/data'\n", project.display())).unwrap();
    place.fails(&mut place.build(&project, &["-D", "rocky-9"]), &["app.py", "a directory of the build"]);

    let password = "aZ3-9kQ2x7Lp_w";
    fs_err::write(home.join(".netrc"), format!("machine index.invalid login me password {password}\n")).unwrap();
    let config = place.config("[python]\nindex-url = \"https://index.invalid/simple\"\n");
    let wheel = WheelMaker::new("demo", "1.1").file("demo.py", format!("P = '{password}'\n")).write(&place.wheels());
    let mut command = place.build(&wheel, &["-D", "rocky-9", "--config", &config]);
    let message = place.fails(command.env("HOME", &home), &["demo.py", "the credentials of a package index"]);
    assert!(!message.contains(password), "{message}");
}

#[test]
fn what_is_not_as_the_user_may_think_is_told() {
    let place = Place::new();
    let wheel = demo_with_library(&place);
    WheelMaker::new("some_lib", "3.0").file("demo.py", "other").write(&place.wheels());
    let output = place.build(&wheel, &["-D", "rocky-9"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.contains("demo.py is in two wheels with different content: that of demo 1.0 is kept"), "{stderr}");
}

/// <https://no-color.org>, on a terminal.
#[test]
fn no_color_is_heard() {
    let program = assert_cmd::cargo::cargo_bin("omnipack");
    let command = format!("'{}' -D no-such-1 demo", program.display());
    let on_a_terminal = |no_color: &str| {
        let script = omnipack::exec::Command::new("script").args(["-qec", &command, "/dev/null"]);
        script.env("NO_COLOR", no_color).env("TERM", "xterm").run().unwrap().stdout_text()
    };
    let (without, with) = (on_a_terminal(""), on_a_terminal("1"));
    assert!(without.contains("no-such-1") && without.contains("\u{1b}[3"), "{without:?}");
    assert!(with.contains("no-such-1") && !with.contains("\u{1b}[3"), "{with:?}");
}

#[test]
fn a_pretrans_that_is_no_lua_is_refused() {
    let place = Place::new();
    let wheel = demo(&place.wheels());
    let config = place.config("[scriptlets]\npretrans = \"\"\"\n#!/bin/sh\nexit 0\n\"\"\"\n");
    place.fails(
        &mut place.build(&wheel, &["--distribution", "rocky-9", "--config", &config]),
        &["the `pretrans` scriptlet of demo is run by /bin/sh", "start it with `#!<lua>`"],
    );
}
