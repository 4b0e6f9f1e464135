//! Containerfiles of builder images: what they say for each distribution, and that nothing a user writes gets out of its place.

mod support;

use omnipack::builder::{Ingredients, Recipe};
use omnipack::distribution::Catalogue;
use omnipack::exec::Command;
use omnipack::plan::{Interpreter, InterpreterKind};
use omnipack::project::BuilderSettings;
use support::{both, expect_success, omnipack};

fn settings() -> BuilderSettings {
    BuilderSettings { network: "host".to_owned(), ..BuilderSettings::default() }
}

/// A recipe for each Python of a distribution.
fn recipes(catalogue: &Catalogue, name: &str, settings: &BuilderSettings) -> Vec<Recipe> {
    let distribution = catalogue.get(name).unwrap();
    let recipe = |python: &omnipack::distribution::Python| {
        let kind = InterpreterKind::System { requirement: python.requirement.clone() };
        let interpreter = Interpreter { version: python.version, path: python.path.clone(), kind };
        let of = Ingredients { distribution, machine: "x86_64", interpreter: &interpreter, settings };
        Recipe::new(of).unwrap()
    };
    distribution.pythons.iter().map(recipe).collect()
}

#[test]
fn containerfiles_are_as_they_were() {
    let catalogue = Catalogue::embedded().unwrap();
    let settings = BuilderSettings {
        packages: vec!["libpq-devel".to_owned()],
        build_requires: vec!["pkgconfig(libffi) >= 3, gcc".to_owned()],
        ..settings()
    };
    for name in
        ["centos-6", "centos-7", "rocky-8", "rhel-9", "fedora-44", "amazonlinux-2", "opensuse-leap-15.6", "debian-12"]
    {
        let last = recipes(&catalogue, name, &settings).pop().unwrap();
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("builder-{name}"), last.containerfile().unwrap());
        });
    }
}

/// The commands of the `RUN` instructions, as the shell gets them.
fn scripts(containerfile: &str) -> Vec<String> {
    let joined = containerfile.replace("\\\n", "");
    joined.lines().filter_map(|line| line.strip_prefix("RUN ")).map(str::to_owned).collect()
}

#[test]
fn every_distribution_has_a_sound_containerfile_for_each_of_its_pythons() {
    let catalogue = Catalogue::embedded().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for distribution in catalogue.iter() {
        for recipe in recipes(&catalogue, &distribution.name, &settings()) {
            let text = recipe.containerfile().unwrap();
            let context = format!("{} {}\n{text}", distribution.name, recipe.series());
            assert_eq!(recipe.containerfile().unwrap(), text, "the same recipe, another text");
            let python = recipe.python().unwrap().display().to_string();
            assert!(text.contains(&format!("\nFROM {}\n", distribution.image.as_ref().unwrap())), "{context}");
            assert!(text.ends_with(&format!("\nRUN {python} --version\n")), "{context}");
            assert!(!text.contains("\n\n\n") && !text.contains(" \n"), "{context}");
            assert!(
                !text.contains(env!("CARGO_PKG_VERSION")),
                "another omnipack would make all images anew\n{context}"
            );
            // Only comments, instructions, and what continues them.
            let start = |line: &&str| {
                ["", "#", "FROM ", "USER 0", "ENTRYPOINT []", "CMD [", "RUN ", " "]
                    .iter()
                    .any(|start| if start.is_empty() { line.is_empty() } else { line.starts_with(start) })
            };
            assert_eq!(text.lines().find(|line| !start(line)), None, "{context}");
            let file = directory.path().join(format!("{}-{}.sh", distribution.name, recipe.series()));
            fs_err::write(&file, scripts(&text).join("\n") + "\n").unwrap();
            files.push(file);
        }
    }
    assert!(files.len() > 60, "only {}", files.len());
    // SC2016: `$releasever` is for the package manager.
    expect_success(&Command::new("shellcheck").args(["--shell=sh", "--exclude=SC2016"]).args(&files));
}

#[test]
fn whatever_a_user_writes_stays_one_word() {
    let catalogue = Catalogue::embedded().unwrap();
    let hostile = [
        "a'; touch /tmp/x; '",
        "$(touch x)",
        "`touch x`",
        "a\\",
        "<<EOF",
        "a\nRUN touch /x",
        "a\r\nb",
        "${PATH}",
        "# x",
        "é (>= 1)",
    ];
    for name in ["debian-12", "rocky-9", "opensuse-leap-16.0", "amazonlinux-2"] {
        for text in hostile {
            let settings = BuilderSettings { build_requires: vec![text.to_owned()], ..settings() };
            let containerfile = recipes(&catalogue, name, &settings)[0].containerfile().unwrap();
            // `printf` in place of the package manager says what the shell makes of the words.
            let scripts = scripts(&containerfile);
            let installs = |script: &&String| script.contains(" install ") || script.contains(" satisfy ");
            let script = scripts.iter().rfind(installs);
            let script = script.unwrap().replace(" && ", "\n");
            let line = script.lines().find(|line| line.contains(" install ") || line.contains(" satisfy ")).unwrap();
            let words = line.split_once(" -").unwrap().1;
            let expected = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let said = expect_success(&Command::new("sh").args(["-c", &format!("printf '%s\\n' -{words}")]));
            assert_eq!(said.lines().last().unwrap().trim(), expected, "{name}\n{containerfile}");
        }
        for option in ["--force-yes", "-y", "\u{1b}[2J"] {
            let settings = BuilderSettings { build_requires: vec![option.to_owned()], ..settings() };
            let distribution = catalogue.get(name).unwrap();
            let python = &distribution.pythons[0];
            let kind = InterpreterKind::System { requirement: python.requirement.clone() };
            let interpreter = Interpreter { version: python.version, path: python.path.clone(), kind };
            let of = Ingredients { distribution, machine: "x86_64", interpreter: &interpreter, settings: &settings };
            let error = Recipe::new(of).unwrap_err();
            assert!(matches!(error, omnipack::builder::Error::Package { .. }), "{option:?}: {error}");
        }
    }
}

/// The Containerfile with a mirror for the distribution's packages.
fn moved(name: &str, from: &str, to: &str) -> Result<String, omnipack::builder::Error> {
    let table = format!("\"{name}\".toolchain.mirror.addresses = {{ '{from}' = '{to}' }}");
    let catalogue = Catalogue::embedded().unwrap().with_overrides(&toml::from_str(&table).unwrap()).unwrap();
    recipes(&catalogue, name, &settings()).pop().unwrap().containerfile()
}

#[test]
fn a_mirror_takes_the_place_of_an_address_with_every_package_manager() {
    let (from, to) = ("http://deb.debian.org/debian", "http://mirror.example/a&b/$x\\\\1;e");
    let root = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = root.path().join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    };
    let read = |name: &str| fs_err::read_to_string(root.path().join(name)).unwrap();
    write("etc/apt/sources.list", &format!("deb {from} bookworm main\ndeb http://debXdebian.org/debian x main\n"));
    write("etc/apt/sources.list.d/debian.sources", &format!("Types: deb\nURIs: {from}\nSuites: bookworm\n"));
    for directory in ["zypp/repos.d", "yum.repos.d"] {
        write(&format!("etc/{directory}/a.repo"), &format!("[a]\nmirrorlist=http://x\n#baseurl={from}/$arch\n"));
    }
    for name in ["debian-12", "opensuse-leap-15.6", "rocky-9"] {
        let scripts = scripts(&moved(name, from, to).unwrap());
        let script = scripts.iter().find(|script| script.contains("sed -i")).unwrap();
        let script = script.replace("/etc/", &format!("{}/etc/", root.path().display()));
        expect_success(&Command::new("sh").args(["-ec", &script]));
    }
    assert_eq!(
        read("etc/apt/sources.list"),
        format!("deb {to} bookworm main\ndeb http://debXdebian.org/debian x main\n")
    );
    assert_eq!(read("etc/apt/sources.list.d/debian.sources"), format!("Types: deb\nURIs: {to}\nSuites: bookworm\n"));
    for directory in ["zypp/repos.d", "yum.repos.d"] {
        let expected = format!("[a]\n#mirrorlist=http://x\nbaseurl={to}/$arch\n");
        assert_eq!(read(&format!("etc/{directory}/a.repo")), expected);
    }
    assert!(moved("debian-12", from, "http://x|e touch here").is_err());
}

#[test]
fn the_command_prints_containerfiles_and_writes_them() {
    let directory = tempfile::tempdir().unwrap();
    let config = "[targets]\ndistributions = ['rocky-9', 'debian-12']\n[builder]\npackages = ['cmake']\n\
                  [distribution.rocky-9]\nbuilder = { repositories = ['epel'], image = 'example.org/el9@sha256:";
    let config = format!("{config}{}' }}\n[rpm]\nbuild-requires = ['libpq-devel']\n", "0".repeat(64));
    fs_err::write(directory.path().join("omnipack.toml"), config).unwrap();
    let dockerfile = || omnipack().args(["builder", "dockerfile"]).arg(directory.path());
    let both_of_them = expect_success(&dockerfile());
    let rocky = expect_success(&dockerfile().args(["-D", "rocky-9"]));
    let debian = expect_success(&dockerfile().args(["-D", "debian-12"]));
    assert_eq!(both_of_them, format!("{rocky}\n{debian}"));
    for part in ["\nFROM example.org/el9@sha256:0000", "      epel-release\n", "      cmake \\\n      libpq-devel \\\n"]
    {
        assert!(rocky.contains(part), "{part}\n{rocky}");
    }
    assert!(debian.contains("      cmake \\\n") && !debian.contains("libpq"), "{debian}");
    let file = directory.path().join("new/Containerfile");
    assert_eq!(expect_success(&dockerfile().arg("-o").arg(&file)), "");
    let read = |name: &str| fs_err::read_to_string(directory.path().join("new").join(name)).unwrap();
    assert_eq!((read("Containerfile.rocky-9"), read("Containerfile.debian-12")), (rocky.clone(), debian));
    expect_success(&dockerfile().args(["-D", "rocky-9", "-o"]).arg(&file));
    assert_eq!(read("Containerfile"), rocky);
}

#[test]
fn a_mistake_in_the_table_is_shown_where_it_is() {
    let directory = tempfile::tempdir().unwrap();
    for (line, expected) in [
        ("engine = 'lxc'", "lxc"),
        ("image = 'debian:12; x'", "is not the name of an image"),
        ("image = '-help'", "is not the name of an image"),
        ("image = 'debian@sha256:12'", "what follows `@` is no digest"),
        ("packages = ['--force']", "nothing that a package manager can install"),
        ("packages = [\"a'b\"]", "nothing that a package manager can install"),
        ("network = '--privileged'", "not one word"),
        ("repositories = ['a b']", "not one word"),
        ("packges = []", "packages"),
    ] {
        fs_err::write(directory.path().join("omnipack.toml"), format!("[builder]\n{line}\n")).unwrap();
        let output = omnipack().args(["builder", "dockerfile", "-D", "rocky-9"]).arg(directory.path()).run().unwrap();
        let said = both(&output);
        assert_eq!(output.code, 2, "{line}\n{said}");
        assert!(said.contains(expected) && said.contains(":2:"), "{line}\n{said}");
    }
    for (image, expected) in [("-help", "is not the name"), ("", "is not the name"), ("a@b", "is no digest")] {
        let text = format!("[distribution.rocky-9]\nimage = '{image}'\n");
        fs_err::write(directory.path().join("omnipack.toml"), text).unwrap();
        let output = omnipack().args(["builder", "dockerfile", "-D", "rocky-9"]).arg(directory.path()).run().unwrap();
        assert!(output.code == 2 && both(&output).contains(expected), "{image}\n{}", both(&output));
    }
    fs_err::write(directory.path().join("omnipack.toml"), "[builder]\nrepositories = ['eple']\n").unwrap();
    let output = omnipack().args(["builder", "dockerfile", "-D", "rocky-9"]).arg(directory.path()).run().unwrap();
    assert_eq!(output.code, 2);
    assert!(
        both(&output).contains("has no repository `eple`") && both(&output).contains("`epel`"),
        "{}",
        both(&output)
    );
}
