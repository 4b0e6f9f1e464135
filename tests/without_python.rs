//! `interpreter = "none"`: packages of files and services alone. What they hold and require is read back by rpm and dpkg.

mod support;

use std::path::{Path, PathBuf};

use omnipack::exec::{Command, Output};

use support::{both, expect_success, omnipack, packages_in, run};

const CONFIGURATION: &str = r#"
[package]
name = "beacon"
version = "1.2rc1"
license = "MIT"
summary = "Answers"

[python]
interpreter = "none"

[targets]
distributions = ["rocky-9", "debian-12"]
machines = ["x86_64", "aarch64"]

[[file]]
source = "build/{machine}/beacon"
destination = "/usr/bin/beacon"

[[file]]
source = "beacon.conf"
destination = "/etc/beacon/beacon.conf"
template = true

[[directory]]
path = "/var/lib/beacon/spool"
owner = "beacon"

[[user]]
name = "beacon"

[[service]]
name = "web"
command = "beacon serve"
user = "beacon"
package = "main"

[[logrotate]]
paths = ["/var/log/beacon/*.log"]

[[meta-package]]
name = "tools"
requires = ["findutils"]

[relations]
recommends = ["curl"]
"#;

/// A static program, for this machine or patched to say that it is for 64-bit ARM.
fn programs(project: &Path) {
    let (native, foreign) = (project.join("build/x86_64"), project.join("build/aarch64"));
    fs_err::create_dir_all(&native).unwrap();
    fs_err::create_dir_all(&foreign).unwrap();
    let source = project.join("beacon.c");
    fs_err::write(&source, "int main(void) { return 0; }\n").unwrap();
    let program = native.join("beacon");
    expect_success(&Command::new("cc").args(["-static", "-s", "-o"]).arg(&program).arg(&source));
    let mut bytes = fs_err::read(program).unwrap();
    // e_machine, elf(5): EM_AARCH64.
    bytes[18..20].copy_from_slice(&183_u16.to_le_bytes());
    fs_err::write(foreign.join("beacon"), bytes).unwrap();
    expect_success(&Command::new("chmod").arg("755").arg(foreign.join("beacon")));
}

fn project(directory: &Path, configuration: &str) -> PathBuf {
    let project = directory.join("project");
    fs_err::create_dir_all(&project).unwrap();
    fs_err::write(project.join("omnipack.toml"), configuration).unwrap();
    fs_err::write(project.join("beacon.conf"), "{{ name }} {{ version }} <{{ prefix }}{{ python }}>\n").unwrap();
    programs(&project);
    project
}

fn built(project: &Path, destination: &Path, options: &[&str]) -> String {
    let command = omnipack().args(options).arg("--destination-path").arg(destination).arg(project);
    expect_success(&command)
}

fn refused(command: &Command, code: i32) -> String {
    let output: Output = command.run().unwrap();
    assert_eq!(output.code, code, "{}", both(&output));
    output.stderr_text()
}

fn files(package: &Path) -> Vec<String> {
    let listed = match package.extension().unwrap().to_str().unwrap() {
        "rpm" => expect_success(&Command::new("rpm").args(["-qpl"]).arg(package)),
        _ => {
            let listed = expect_success(&Command::new("dpkg-deb").arg("-c").arg(package));
            let path = |line: &str| Some(line.split_whitespace().nth(5)?.trim_start_matches('.').to_owned());
            let paths = listed.lines().filter_map(path).filter(|path| !path.ends_with('/'));
            paths.collect::<Vec<_>>().join("\n")
        }
    };
    listed.lines().map(str::to_owned).collect()
}

#[test]
fn files_and_services_are_packed_and_no_python_is() {
    let directory = tempfile::tempdir().unwrap();
    let project = project(directory.path(), CONFIGURATION);
    let out = directory.path().join("out");
    let said = built(&project, &out, &["--json"]);
    assert!(said.contains("\"python\": null") && said.contains("\"wheels\": []"), "{said}");

    let rpms = packages_in(&out.join("rocky-9"));
    let names =
        |packages: &[PathBuf]| packages.iter().map(|path| support::name_of(path).to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&rpms), ["beacon-1.2-0.rc.1.x86_64.rpm", "beacon-tools-1.2-0.rc.1.noarch.rpm"]);
    let unit = "/usr/lib/systemd/system/beacon-web.service";
    let all = files(&rpms[0]);
    for path in ["/usr/bin/beacon", "/etc/beacon/beacon.conf", "/var/lib/beacon/spool", "/etc/logrotate.d/beacon", unit]
    {
        assert!(all.iter().any(|listed| listed == path), "{path} is not in {all:?}");
    }
    assert!(!all.iter().any(|path| path.starts_with("/opt") || path.contains("python")), "{all:?}");
    let requires = run("rpm", &["-qp", "--requires", rpms[0].to_str().unwrap()]);
    assert!(!requires.contains("python") && !requires.contains(".so"), "{requires}");
    assert!(run("rpm", &["-qp", "--recommends", rpms[0].to_str().unwrap()]).contains("curl"));
    let scripts = run("rpm", &["-qp", "--scripts", rpms[0].to_str().unwrap()]);
    assert!(scripts.contains("beacon-web.service") && !scripts.contains("__pycache__"), "{scripts}");

    let debs = packages_in(&out.join("debian-12"));
    assert_eq!(names(&debs), ["beacon-tools_1.2-0.rc.1_all.deb", "beacon_1.2-0.rc.1_amd64.deb"]);
    let all = files(&debs[1]);
    assert!(all.contains(&"/usr/bin/beacon".to_owned()) && !all.iter().any(|path| path.starts_with("/opt")), "{all:?}");
    let control = run("dpkg-deb", &["-f", debs[1].to_str().unwrap()]);
    assert!(!control.contains("python") && !control.contains("libc6"), "{control}");
    assert!(control.contains("This package has beacon 1.2rc1."), "{control}");
    let root = directory.path().join("root");
    expect_success(&Command::new("dpkg-deb").arg("-x").arg(&debs[1]).arg(&root));
    let text = |path: &str| fs_err::read_to_string(root.join(path.trim_start_matches('/'))).unwrap();
    assert_eq!(text("/etc/beacon/beacon.conf"), "beacon 1.2rc1 <>\n");
    let service = text(unit);
    assert!(service.contains("ExecStart=/usr/bin/beacon serve\n") && !service.contains("/opt"), "{service}");
    let shown = expect_success(&omnipack().arg("inspect").arg(&debs[1]));
    assert!(shown.contains("beacon.conf") && shown.contains("[config]"), "{shown}");

    let again = directory.path().join("elsewhere/again");
    built(&project, &again, &["--quiet"]);
    for package in rpms.iter().chain(&debs) {
        let other = again.join(package.strip_prefix(&out).unwrap());
        assert!(fs_err::read(package).unwrap() == fs_err::read(other).unwrap(), "{} differs", package.display());
    }
}

#[test]
fn the_machine_decides_the_file_and_the_file_has_to_be_for_the_machine() {
    let directory = tempfile::tempdir().unwrap();
    let project = project(directory.path(), CONFIGURATION);
    let out = directory.path().join("out");
    built(&project, &out, &["--distribution", "debian-12", "--machine", "aarch64", "--quiet"]);
    let deb = out.join("beacon_1.2-0.rc.1_arm64.deb");
    let root = directory.path().join("root");
    expect_success(&Command::new("dpkg-deb").arg("-x").arg(deb).arg(&root));
    let packed = fs_err::read(root.join("usr/bin/beacon")).unwrap();
    assert!(packed == fs_err::read(project.join("build/aarch64/beacon")).unwrap());

    fs_err::copy(project.join("build/aarch64/beacon"), project.join("build/x86_64/beacon")).unwrap();
    let build = || omnipack().args(["--distribution", "rocky-9", "--destination-path"]).arg(&out).arg(&project);
    let said = refused(&build(), 1);
    assert!(said.contains("package::machine") && said.contains("--machine aarch64"), "{said}");
    fs_err::remove_file(project.join("build/x86_64/beacon")).unwrap();
    let said = refused(&build(), 1);
    assert!(said.contains("stage::file") && said.contains("build/x86_64/beacon"), "{said}");
    // A program of this machine, which has a newer glibc than the target.
    fs_err::copy("/bin/true", project.join("build/x86_64/beacon")).unwrap();
    let old = omnipack().args(["--distribution", "centos-7", "--destination-path"]).arg(&out).arg(&project);
    let said = refused(&old, 1);
    assert!(said.contains("package::glibc") && said.contains("/usr/bin/beacon"), "{said}");
}

#[test]
fn the_tree_is_what_the_main_package_holds() {
    let directory = tempfile::tempdir().unwrap();
    let project = project(directory.path(), CONFIGURATION);
    let tree = directory.path().join("tree");
    expect_success(&omnipack().args(["stage", "--distribution", "rocky-9"]).arg(&tree).arg(&project));
    assert!(tree.join("usr/bin/beacon").is_file() && tree.join("etc/beacon/beacon.conf").is_file());
    assert!(!tree.join("opt").exists());
    let out = directory.path().join("out");
    for _ in 0..2 {
        built(&project, &out, &["--distribution", "rocky-9", "--keep-stage", "--quiet"]);
        assert!(out.join("beacon-stage/usr/bin/beacon").is_file());
    }
    fs_err::write(out.join("beacon-stage/mine"), "").unwrap();
    let again = omnipack().args(["--distribution", "rocky-9", "--keep-stage", "--destination-path"]).arg(&out);
    assert!(refused(&again.arg(&project), 1).contains("build::stage"));
}

#[test]
fn every_subcommand_takes_it_or_says_why_not() {
    let directory = tempfile::tempdir().unwrap();
    let project = project(directory.path(), CONFIGURATION);
    let plan = expect_success(&omnipack().args(["--dry-run", "--distribution", "rocky-9"]).arg(&project));
    assert!(plan.contains("interpreter  none") && !plan.contains("/opt"), "{plan}");
    let matrix = expect_success(&omnipack().args(["matrix"]).arg(&project));
    assert!(matrix.contains("aarch64") && matrix.contains("debian-12"), "{matrix}");
    let spec = omnipack().args(["generate-spec", "--distribution", "rocky-9", "-o"]).arg(directory.path().join("spec"));
    let said = refused(&spec.arg(&project), 2);
    assert!(said.contains("spec::no_python"), "{said}");
    let config = project.join("omnipack.toml");
    let wheel = omnipack().args(["--distribution", "rocky-9", "--config"]).arg(&config).arg("demo==1.0");
    let said = refused(&wheel, 2);
    assert!(said.contains("project::unusable") && said.contains("demo==1.0"), "{said}");
}

#[test]
fn a_package_of_texts_is_for_every_machine() {
    let directory = tempfile::tempdir().unwrap();
    let configuration = "[package]\nname = \"texts\"\nversion = \"3\"\n[python]\ninterpreter = \"none\"\n\
                         [[file]]\nsource = \"beacon.conf\"\ndestination = \"/usr/share/texts/one\"\n";
    let project = project(directory.path(), configuration);
    let out = directory.path().join("out");
    built(&project, &out, &["--distribution", "rocky-9", "--quiet"]);
    let packages = packages_in(&out);
    assert_eq!(support::name_of(&packages[0]), "texts-3-1.noarch.rpm");
    assert_eq!(files(&packages[0]), ["/usr/share/texts", "/usr/share/texts/one"]);
    let scripts = run("rpm", &["-qp", "--scripts", packages[0].to_str().unwrap()]);
    assert_eq!(scripts.trim(), "", "nothing is to be done on the machine");
}

#[test]
fn a_program_that_nothing_brings_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let build = |configuration: &str, distribution: &str| {
        let project = project(directory.path(), configuration);
        refused(&omnipack().args(["--distribution", distribution, "--destination-path"]).arg(&project).arg(&project), 1)
    };
    let said = build(&CONFIGURATION.replace("beacon serve", "baecon serve"), "rocky-9");
    assert!(said.contains("service::no_program") && said.contains("absolute path"), "{said}");
    let twice = "[[file]]\nsource = \"beacon.conf\"\ndestination = \"/usr/share/beacon/beacon\"\n";
    let said = build(&format!("{CONFIGURATION}\n{twice}"), "rocky-9");
    assert!(said.contains("/usr/bin/beacon or /usr/share/beacon/beacon"), "{said}");
    let said = build(CONFIGURATION, "centos-6");
    assert!(said.contains("service::unsupported") && said.contains("systemd"), "{said}");
}
