//! omnipack's own packages, as `packaging/build.sh` makes them: what is in them, that it can be read and used, and that they
//! are the same each time.

mod support;

use std::path::{Path, PathBuf};

use omnipack::exec::Command;

use support::{both, expect_success, name_of, omnipack, own_packages, repository, run};

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn unpack(package: &Path, directory: &Path) -> PathBuf {
    let root = directory.join("root");
    expect_success(&Command::new("dpkg-deb").arg("-x").arg(package).arg(&root));
    root
}

/// Names of all subcommands, by the manual pages that the program writes.
fn pages(directory: &Path) -> Vec<String> {
    expect_success(&omnipack().args(["man", "--output-directory"]).arg(directory));
    let mut names = fs_err::read_dir(directory).unwrap().map(|page| page.unwrap().file_name()).collect::<Vec<_>>();
    names.sort();
    names.into_iter().map(|name| name.into_string().unwrap()).collect()
}

#[test]
fn they_hold_the_program_its_manual_pages_and_completions() {
    let directory = tempfile::tempdir().unwrap();
    let packages = own_packages(&["debian-12", "rocky-9"], &directory.path().join("packages"));
    let names = packages.iter().map(|path| name_of(path).to_owned()).collect::<Vec<_>>();
    assert_eq!(names, [format!("omnipack-{VERSION}-1.x86_64.rpm"), format!("omnipack_{VERSION}-1_amd64.deb")]);
    let again = own_packages(&["debian-12", "rocky-9"], &directory.path().join("again"));
    for (package, again) in packages.iter().zip(&again) {
        assert!(fs_err::read(package).unwrap() == fs_err::read(again).unwrap(), "{} differs", again.display());
    }

    let root = unpack(&packages[1], directory.path());
    let plain = directory.path().join("pages");
    for page in pages(&plain) {
        let packed = root.join("usr/share/man/man1").join(format!("{page}.gz"));
        let text = expect_success(&Command::new("gzip").args(["-dc"]).arg(&packed));
        assert_eq!(text, fs_err::read_to_string(plain.join(&page)).unwrap());
        // As man(1) shows it; what groff has to say of it is nothing.
        let shown = Command::new("groff").args(["-man", "-Tutf8", "-ww"]).arg(plain.join(&page)).run().unwrap();
        assert!(shown.code == 0 && shown.stderr.is_empty(), "{page}: {}", shown.stderr_text());
        assert!(shown.stdout_text().contains(VERSION), "{page}: {}", both(&shown));
    }
    let completion = root.join("usr/share/bash-completion/completions/omnipack");
    let line = ". \"$1\"; complete -p omnipack; COMP_WORDS=(omnipack distr); COMP_CWORD=1; _omnipack omnipack distr omnipack; \
                echo \"${COMPREPLY[@]}\"";
    let completed = expect_success(&Command::new("bash").args(["-euc", line, "bash"]).arg(&completion));
    assert!(completed.contains("-F _omnipack") && completed.trim().ends_with("distributions"), "{completed}");
    for path in
        ["zsh/vendor-completions/_omnipack", "fish/vendor_completions.d/omnipack.fish", "doc/omnipack/README.md"]
    {
        assert!(root.join("usr/share").join(path).is_file(), "{path} is missing");
    }
    let said = expect_success(&Command::new(root.join("usr/bin/omnipack")).arg("--version"));
    assert_eq!(said, format!("omnipack {VERSION}\n"));

    let rpm = packages[0].to_str().unwrap();
    let files = run("rpm", &["-qpl", rpm]);
    let docs = run("rpm", &["-qp", "--docfiles", rpm]);
    assert!(
        files.contains("/usr/share/zsh/site-functions/_omnipack\n") && files.contains("/usr/bin/omnipack\n"),
        "{files}"
    );
    assert!(docs.contains("/usr/share/man/man1/omnipack.1.gz\n") && docs.contains("/CHANGELOG.md\n"), "{docs}");
    assert!(run("rpm", &["-qp", "--licensefiles", rpm]).contains("/LICENSE"), "{files}");
    assert!(!run("rpm", &["-qp", "--requires", rpm]).contains("python"), "{files}");
    assert!(run("dpkg-deb", &["-f", packages[1].to_str().unwrap(), "Recommends"]).contains("python3-pip"));
}

/// The packages that are released: of a static program, they require nothing and are read everywhere.
#[test]
fn of_a_static_program_there_is_one_for_all_distributions() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("omnipack.c");
    fs_err::write(&source, "int main(void) { return 0; }\n").unwrap();
    let binary = directory.path().join("static");
    expect_success(&Command::new("cc").args(["-static-pie", "-s", "-o"]).arg(&binary).arg(&source));
    let build = |machine: u16, out: &str| {
        let mut bytes = fs_err::read(&binary).unwrap();
        // e_machine, elf(5).
        bytes[18..20].copy_from_slice(&machine.to_le_bytes());
        fs_err::write(&binary, bytes).unwrap();
        let out = directory.path().join(out);
        let command = Command::new(repository().join("packaging/build.sh"));
        let command = command.args(["--packer", env!("CARGO_BIN_EXE_omnipack")]).arg(&binary).arg(&out);
        expect_success(&command.env("SOURCE_DATE_EPOCH", "1700000000"));
        support::packages_in(&out)
    };
    let arm = build(183, "arm");
    let names = arm.iter().map(|path| name_of(path).to_owned()).collect::<Vec<_>>();
    assert_eq!(names, [format!("omnipack-{VERSION}-1.aarch64.rpm"), format!("omnipack_{VERSION}-1_arm64.deb")]);
    let packages = build(62, "intel");
    let rpm = packages[0].to_str().unwrap();
    let required = run("rpm", &["-qp", "--requires", rpm]);
    assert!(required.lines().all(|line| line.starts_with("rpmlib(")) && !required.contains("Zstd"), "{required}");
    let control = run("dpkg-deb", &["-f", packages[1].to_str().unwrap()]);
    assert!(!control.contains("\nDepends:") && control.contains("\nArchitecture: amd64\n"), "{control}");
    let members = run("ar", &["t", packages[1].to_str().unwrap()]);
    assert!(members.contains("data.tar.xz"), "{members}");
}

#[test]
fn what_cannot_be_packed_is_said_before_any_work() {
    let directory = tempfile::tempdir().unwrap();
    let script = || Command::new(repository().join("packaging/build.sh"));
    let text = repository().join("LICENSE");
    for (command, expected) in [
        (script(), "--help"),
        (script().arg("--no-such-option"), "no option --no-such-option"),
        (script().args(["/no/such/file"]).arg(directory.path()), "no program /no/such/file"),
        (script().args(["--distribution", "a;b"]).arg(&text).arg(directory.path()), "no name of a distribution"),
        (script().arg("--packer").arg("/bin/true").arg(&text).arg(directory.path()), "no program for x86_64"),
        (script().args(["--packer", "true", "/bin/true"]).arg(directory.path()), "true is "),
    ] {
        let output = command.run().unwrap();
        assert_eq!(output.code, 2, "{}", both(&output));
        assert!(output.stderr_text().contains(expected), "{}", both(&output));
    }
    assert_eq!(fs_err::read_dir(directory.path()).unwrap().count(), 0);
    let help = expect_success(&script().arg("--help"));
    assert!(help.starts_with("Usage: packaging/build.sh"), "{help}");
    expect_success(&Command::new("shellcheck").arg(repository().join("packaging/build.sh")));
}

#[test]
fn the_version_is_that_of_the_program() {
    let text = fs_err::read_to_string(repository().join("packaging/omnipack.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    assert_eq!(table["package"]["version"].as_str(), Some(VERSION), "packaging/omnipack.toml has to follow Cargo.toml");
}
