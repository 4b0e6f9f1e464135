//! Source RPMs of `generate-spec --srpm`: against those of `rpmbuild -bs` tag by tag, and as something to build from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use omnipack::exec::Command;

use crate::hostile;
use crate::rpmbuild::{path_of, project, query};
use crate::support::{fixture, name_of, packages_in};
use crate::tool::{DIALECTS, generate, generation, python, rpm_tool, succeed};

/// Tags that differ from rpmbuild's, and why.
const EXPECTED_DIFFERENCES: [(&str, &str); 12] = [
    ("Payloaddigest", "another compressor's bytes"),
    ("Payloaddigestalt", "optional, read by nothing; would hash the whole payload a second time"),
    ("Sha1header", "follows from the header"),
    ("Sha256header", "follows from the header"),
    ("Sigmd5", "no MD5: nothing needs it, and FIPS forbids it"),
    ("Sigsize", "follows from the header"),
    ("Rpmversion", "made by omnipack"),
    ("Buildhost", "always localhost"),
    ("Buildtime", "the source date, which this rpmbuild takes for no source package"),
    ("Filemtimes", "the source date, not the time of this run"),
    ("Cookie", "names the machine of the build, for rpmbuild alone"),
    ("Spec", "the spec file once more, as the macros of the building machine expand it"),
];

/// Everything that the preamble of a spec file has from the configuration.
const FULL: &str = r#"
[package]
epoch = 2
summary = "100% of it"
description = "First line, 5% more.\n\nSecond %{name}."
url = "https://example.org/x?y=1%20z"
vendor = "Some Vendor"
changelog = "CHANGES.md"
version-scheme = "tilde"
[rpm]
build-requires = ["gcc >= 8", "/usr/bin/make", "libfoo(x86-64) < 1:2.0"]
patches = ["one.patch", "two.patch"]
exclusive-arch = ["noarch", "x86_64", "aarch64"]
exclusive-os = ["linux"]
prefixes = ["/usr"]
[[meta-package]]
name = "more"
summary = "More"
[[service]]
name = "web"
command = "full"
"#;

/// Every tag with its values, as rpm itself reads them.
fn tags(path: &Path) -> BTreeMap<String, String> {
    let xml = succeed(&Command::new("rpm").args(["-qp", "--xml"]).arg(path));
    let tags = xml.split("<rpmTag name=\"").skip(1).map(|tag| {
        let (name, values) = tag.split_once("\">").unwrap();
        (name.to_owned(), values.split("</rpmTag>").next().unwrap().trim().to_owned())
    });
    tags.collect()
}

fn source_package(project: &Path, distribution: &str, directory: &Path) -> PathBuf {
    succeed(&generation(project, distribution, directory).arg("--srpm"));
    let found = packages_in(directory);
    assert_eq!(fs_err::read_dir(directory).unwrap().count(), 1, "nothing but {found:?}");
    found[0].clone()
}

/// That of rpmbuild, of the same spec, with the release that the target has.
fn rpmbuilds(project: &Path, distribution: &str, dialect: &str, dist: &str, top: &Path) -> PathBuf {
    let spec = generate(project, distribution, &top.join("SOURCES"));
    let build = rpm_tool("rpmbuild", dialect, top).args(["-bs", "--define"]).arg(format!("dist {dist}"));
    succeed(&build.arg(&spec));
    packages_in(&top.join("SRPMS"))[0].clone()
}

fn compare(project: &Path, distribution: &str, dialect: &str) -> BTreeSet<String> {
    let directory = tempfile::tempdir().unwrap();
    let dist = match distribution {
        "fedora-42" => ".fc42",
        "rocky-8" => ".el8",
        "centos-6" => ".el6",
        _ => "%{nil}",
    };
    let path = source_package(project, distribution, &directory.path().join("ours"));
    let said = succeed(&Command::new("rpm").arg("-K").arg(&path));
    assert!(said.contains("digests OK"), "{said}");
    let theirs = rpmbuilds(project, distribution, dialect, dist, directory.path());
    assert_eq!(name_of(&path), name_of(&theirs), "{distribution}");
    let (ours, theirs) = (tags(&path), tags(&theirs));
    assert!(ours.len() > 40, "rpm shows too few tags: {}", ours.len());
    let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let differing = names.into_iter().filter(|name| ours.get(*name) != theirs.get(*name));
    let (expected, wrong): (Vec<_>, Vec<_>) =
        differing.partition(|name| EXPECTED_DIFFERENCES.iter().any(|(known, _)| known == name));
    let shown =
        wrong.iter().map(|name| format!("{name}\n  ours   {:?}\n  theirs {:?}", ours.get(*name), theirs.get(*name)));
    assert!(wrong.is_empty(), "{distribution}:\n{}", shown.collect::<Vec<_>>().join("\n"));
    expected.into_iter().cloned().collect()
}

fn full(directory: &Path) {
    let pyproject = "[build-system]\nrequires = [\"setuptools>=61\", \"wheel\"]\nbuild-backend = \"setuptools.build_meta\"\n\
                     [project]\nname = \"full\"\nversion = \"1.0rc2\"\ndependencies = [\"flask>=1\"]\n\
                     [project.scripts]\nfull = \"full:main\"\n[tool.setuptools]\npy-modules = [\"full\"]\n";
    let changes = "# Changes\n\n## 1.0 - 2024-02-29\n\n- x 5%\n\n## 0.9 - 2023-01-01\n\n- first\n";
    let files = [("omnipack.toml", FULL), ("pyproject.toml", pyproject), ("full.py", ""), ("CHANGES.md", changes)];
    let patches = [("one.patch", "1"), ("two.patch", "2")];
    fs_err::create_dir_all(directory).unwrap();
    for (name, text) in files.into_iter().chain(patches) {
        fs_err::write(directory.join(name), text).unwrap();
    }
}

#[test]
fn every_tag_is_as_rpmbuild_writes_it() {
    let directory = tempfile::tempdir().unwrap();
    full(&directory.path().join("full"));
    let mut seen = BTreeSet::new();
    for (distribution, dialect) in DIALECTS {
        let source = directory.path().join("full");
        let text = match distribution {
            // Its rpm knows no `~`.
            "centos-6" => {
                FULL.replace("\"tilde\"", "\"release\"").replace("exclusive-", "exclude-").replace("linux", "solaris")
            }
            _ => FULL.to_owned(),
        };
        fs_err::write(source.join("omnipack.toml"), text).unwrap();
        seen.extend(compare(&source, distribution, dialect));
    }
    seen.extend(compare(&fixture("cdhboot"), "fedora-42", "modern"));
    // Of an architecture: no `BuildArch`.
    let native = project(&fixture("native"), "rocky-8", directory.path());
    seen.extend(compare(&native, "rocky-8", "setup"));
    let never = EXPECTED_DIFFERENCES.iter().map(|(name, _)| *name).filter(|name| !seen.contains(*name));
    assert_eq!(never.collect::<Vec<_>>(), Vec::<&str>::new(), "these do not differ at all");
}

/// `NoSource` and `NoPatch`: named in the header, and not in the package.
#[test]
fn what_is_left_out_is_said_as_rpmbuild_says_it() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("full");
    full(&source);
    let more = "sources = [\"more.txt\", \"left.bin\"]\nno-source = [\"left.bin\"]\nno-patch = [\"two.patch\"]\n";
    fs_err::write(source.join("omnipack.toml"), FULL.replace("[rpm]\n", &format!("[rpm]\n{more}"))).unwrap();
    fs_err::write(source.join("more.txt"), "more").unwrap();
    fs_err::write(source.join("left.bin"), "left").unwrap();
    compare(&source, "fedora-42", "modern");
    let package = source_package(&source, "fedora-42", &directory.path().join("out"));
    assert!(name_of(&package).ends_with(".nosrc.rpm"), "{}", package.display());
    let unpacked = directory.path().join("unpacked");
    fs_err::create_dir_all(&unpacked).unwrap();
    succeed(&Command::new("sh").args(["-c", "rpm2cpio \"$0\" | cpio -id --quiet"]).arg(&package).dir(&unpacked));
    let names = fs_err::read_dir(&unpacked).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names = names.collect::<BTreeSet<_>>();
    assert!(names.contains("more.txt") && names.contains("one.patch"), "{names:?}");
    assert!(!names.contains("left.bin") && !names.contains("two.patch"), "{names:?}");
}

#[test]
fn hostile_text_is_the_same_text_in_the_header() {
    for attack in ["%(touch touchedN)", "100% %% %{unclosed"] {
        let directory = tempfile::tempdir().unwrap();
        hostile::project(directory.path(), attack);
        for (distribution, dialect) in [DIALECTS[0], DIALECTS[3]] {
            compare(directory.path(), distribution, dialect);
        }
    }
}

#[test]
fn the_same_bytes_are_written_anywhere_and_without_rpm() {
    let directory = tempfile::tempdir().unwrap();
    let [one, other] = ["one", "other/place"].map(|place| {
        let place = directory.path().join(place);
        fs_err::create_dir_all(&place).unwrap();
        succeed(&Command::new("cp").arg("-r").arg(fixture("minimal")).arg(place.join("project")));
        place
    });
    let first = source_package(&one.join("project"), "fedora-42", &one.join("out"));
    // What it needs is in the cache: no program at all is needed for the rest.
    let nothing = directory.path().join("bin");
    fs_err::create_dir_all(&nothing).unwrap();
    let out = other.join("out");
    let command =
        generation(&other.join("project"), "fedora-42", &out).arg("--srpm").env("PATH", &nothing).umask(0o077);
    let shell = which_sh(&nothing);
    succeed(&command);
    assert!(shell.exists());
    let second = &packages_in(&out)[0];
    assert_eq!(fs_err::read(&first).unwrap(), fs_err::read(second).unwrap());
}

/// The tests set the umask through a shell, which `PATH` has to have.
fn which_sh(directory: &Path) -> PathBuf {
    let shell = directory.join("sh");
    std::os::unix::fs::symlink("/bin/sh", &shell).unwrap();
    shell
}

/// What a package holds and asks for. Times, and what names the build, are of the run.
fn facts(package: &Path) -> String {
    let files = "[%{FILENAMES} %{FILEMODES:octal} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILEFLAGS} %{FILEDIGESTS} %{FILELINKTOS}\\n]";
    let relations = "[%{REQUIRENEVRS} %{REQUIREFLAGS}\\n][%{PROVIDENEVRS}\\n]";
    let texts = "%{NEVRA} %{SUMMARY} %{DESCRIPTION} %{SOURCERPM}\\n";
    let scripts = succeed(&Command::new("rpm").args(["-qp", "--scripts"]).arg(package));
    query(package, &format!("{texts}{relations}{files}")) + &scripts
}

/// The packages below `top`, by name.
fn built(top: &Path) -> BTreeMap<String, String> {
    let found = walkdir::WalkDir::new(top.join("RPMS")).into_iter().map(|entry| entry.unwrap().into_path());
    let packages = found.filter(|path| path.extension().is_some_and(|extension| extension == "rpm"));
    packages.map(|path| (query(&path, "%{NAME}"), facts(&path))).collect()
}

#[test]
fn rpmbuild_makes_the_same_of_it_as_of_the_spec() {
    for (name, (distribution, dialect)) in ["minimal", "cdhboot", "minimal", "native"].into_iter().zip(DIALECTS) {
        let directory = tempfile::tempdir().unwrap();
        let project = project(&fixture(name), distribution, directory.path());
        let spec = generate(&project, distribution, &directory.path().join("loose"));
        let package = source_package(&project, distribution, &directory.path().join("srpm"));
        // In the same place, which rpmbuild leaves in bytecode.
        let top = directory.path().join("top");
        let build = |arguments: &[&str]| {
            fs_err::create_dir_all(&top).unwrap();
            let tool = rpm_tool("rpmbuild", dialect, &top).arg("--nodeps").env("PATH", path_of(python()));
            succeed(&tool.env("SOURCE_DATE_EPOCH", "1700000000").args(arguments));
            let packages = built(&top);
            fs_err::remove_dir_all(&top).unwrap();
            packages
        };
        let sources = format!("_sourcedir {}", spec.parent().unwrap().display());
        let direct = build(&["-bb", "--define", &sources, spec.to_str().unwrap()]);
        let again = build(&["--rebuild", package.to_str().unwrap()]);
        assert!(!direct.is_empty());
        assert_eq!(direct, again, "{name} on {distribution}");
    }
}

#[test]
fn rpm_unpacks_it_where_sources_lie() {
    let directory = tempfile::tempdir().unwrap();
    let spec = generate(&fixture("cdhboot"), "fedora-42", &directory.path().join("loose"));
    let package = source_package(&fixture("cdhboot"), "fedora-42", &directory.path().join("srpm"));
    let top = directory.path().join("top");
    fs_err::create_dir_all(&top).unwrap();
    succeed(&Command::new("rpm").arg("-i").arg("--define").arg(format!("_topdir {}", top.display())).arg(&package));
    let read = |path: PathBuf| fs_err::read(path).unwrap();
    for entry in fs_err::read_dir(spec.parent().unwrap()).unwrap() {
        let name = entry.unwrap().file_name();
        let place = if Path::new(&name).extension().is_some_and(|end| end == "spec") { "SPECS" } else { "SOURCES" };
        assert_eq!(read(top.join(place).join(&name)), read(spec.with_file_name(&name)), "{name:?}");
    }
    assert_eq!(query(&package, "%{NAME} %{SOURCEPACKAGE} %{SOURCERPM} %{ARCH}"), "cdhboot 1 (none) noarch");
    let said = succeed(
        &generation(&fixture("cdhboot"), "fedora-42", &directory.path().join("json")).args(["--srpm", "--json"]),
    );
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    let path = json[0]["srpm"].as_str().unwrap();
    assert!(Path::new(path).is_file() && path.ends_with("cdhboot-0.1-1.fc42.src.rpm"), "{path}");
    assert!(json[0].get("spec").is_none());
}
