use super::*;

fn catalogue() -> Catalogue {
    Catalogue::embedded().unwrap()
}

fn user(text: &str) -> toml::Table {
    toml::from_str(text).unwrap()
}

#[test]
fn every_promised_distribution_is_there() {
    let expected = [
        "centos-6",
        "centos-7",
        "rhel-8",
        "rhel-9",
        "rhel-10",
        "alma-8",
        "alma-9",
        "alma-10",
        "rocky-8",
        "rocky-9",
        "rocky-10",
        "centos-stream-8",
        "centos-stream-9",
        "centos-stream-10",
        "fedora-41",
        "fedora-42",
        "fedora-43",
        "fedora-44",
        "amazonlinux-2",
        "amazonlinux-2023",
        "opensuse-leap-15.6",
        "opensuse-leap-16.0",
        "sles-12",
        "sles-15",
        "debian-11",
        "debian-12",
        "debian-13",
        "debian-14",
        "ubuntu-20.04",
        "ubuntu-22.04",
        "ubuntu-24.04",
        "ubuntu-25.10",
        "ubuntu-26.04",
    ];
    let names = catalogue().iter().map(|known| known.name.clone()).collect::<Vec<_>>();
    assert_eq!(names, expected);
}

#[test]
fn every_fact_of_every_distribution_has_a_source() {
    for known in catalogue().iter() {
        let mut facts = vec![
            "family",
            "format",
            "format-version",
            "glibc",
            "init",
            "compression",
            "pythons",
            "architectures",
            "cpu-baseline",
            "dist-tag",
            "end-of-life",
            "nologin",
            "logrotate-package",
            "cron-package",
            "bundled-provides",
            "spec-dialect",
            "python-dist",
        ];
        assert!(known.image.is_some(), "{}: no image", known.name);
        assert!(known.toolchain.is_some(), "{}: no toolchain", known.name);
        facts.push("toolchain");
        facts.extend(known.image.as_ref().map(|_| "image"));
        facts.extend(known.systemd.map(|_| "systemd"));
        facts.extend(known.zstd.map(|_| "zstd"));
        facts.extend(known.libraries.as_ref().map(|_| "libraries"));
        for fact in facts {
            let source = known.sources.get(fact);
            assert!(source.is_some_and(|text| is_source(text)), "{}: no source for {fact}: {source:?}", known.name);
        }
    }
}

/// Is it an address, a package or index with its version, or an admission?
fn is_source(text: &str) -> bool {
    ["https://", "Packages index", "distro-info-data ", "not verified"].iter().any(|start| text.starts_with(start))
}

#[test]
fn facts_are_sane() {
    for known in catalogue().iter() {
        let name = &known.name;
        assert!(known.reads(known.compression), "{name} does not read its own packages");
        assert!(known.architectures.contains_key("x86_64"), "{name}");
        assert!(known.dist_tag.is_empty() || known.dist_tag.starts_with('.'), "{name}");
        match known.format {
            PackageFormat::Rpm => assert!(known.format_version.major >= 4 && known.libraries.is_none(), "{name}"),
            PackageFormat::Deb => {
                assert_eq!(known.format_version.major, 1, "{name}");
                assert_eq!(known.libraries.as_ref(), Some(name));
            }
        }
        assert_eq!(known.end_of_life.is_empty(), name == "debian-14", "{name}");
        for python in &known.pythons {
            let series = python.version.series();
            assert_eq!(python.path, format!("/usr/bin/python{series}"), "{name}");
            assert!(!python.devel.is_empty(), "{name}: Python {series} has no headers");
            let ToolVersion { major, minor, .. } = python.version;
            let pins = [
                format!("python(abi) = {series}"),
                format!("python{series}"),
                format!("python{major}{minor}"),
                format!("(python3 >= {series} with python3 < {major}.{})", minor + 1),
            ];
            assert!(pins.contains(&python.requirement), "{name}: {}", python.requirement);
            assert!(!python.requirement.starts_with('(') || known.rich_dependencies(), "{name}");
        }
    }
}

#[test]
fn on_fedora_only_the_releases_own_python_answers_to_its_abi() {
    for known in catalogue().iter().filter(|known| known.family == "fedora") {
        for (index, python) in known.pythons.iter().enumerate() {
            let expected =
                if index == 0 { format!("python(abi) = {}", python.version) } else { python.package.clone() };
            assert_eq!(python.requirement, expected, "{}", known.name);
        }
    }
}

#[test]
fn the_interpreter_of_el_8_is_not_that_of_the_platform() {
    let catalogue = catalogue();
    let [own, others @ ..] = catalogue.get("rhel-8").unwrap().pythons.as_slice() else { panic!("no Python") };
    assert_eq!(own.requirement, "python36", "platform-python provides python(abi) = 3.6 without /usr/bin/python3.6");
    assert!(others.iter().all(|python| python.requirement.starts_with("python(abi)")));
}

#[test]
fn capabilities_follow_the_package_manager() {
    let catalogue = catalogue();
    let get = |name: &str| catalogue.get(name).unwrap();
    let (el6, el7, el8, el9) = (get("centos-6"), get("centos-7"), get("rocky-8"), get("rocky-9"));
    assert!(!el6.tilde() && el7.tilde() && !el7.caret() && el9.caret());
    assert!(!el7.weak_dependencies() && !el7.rich_dependencies() && !el7.file_triggers());
    assert!(el8.weak_dependencies() && el8.rich_dependencies() && el8.file_triggers());
    assert!(!el7.reads(Algorithm::Zstd) && el7.reads(Algorithm::Xz) && el8.reads(Algorithm::Zstd));
    assert!(!get("debian-11").reads(Algorithm::Zstd) && get("debian-12").reads(Algorithm::Zstd));
    assert!(get("ubuntu-20.04").reads(Algorithm::Zstd), "Ubuntu's dpkg reads zstd since 18.04");
    assert!(get("debian-12").weak_dependencies() && !get("debian-12").rich_dependencies());
    assert_eq!(get("debian-12").architecture("x86_64"), Some("amd64"));
    assert_eq!(el6.architecture("aarch64"), None);
    assert_eq!(el7.python(ToolVersion::new(3, 6, 8)).unwrap().package, "python3");
    assert!(el7.python(ToolVersion::new(3, 12, 0)).is_none());
}

#[test]
fn each_release_has_the_baseline_of_its_own_packages() {
    let catalogue = catalogue();
    for known in catalogue.iter() {
        let name = known.name.as_str();
        let x86 = match name {
            "rhel-9" | "alma-9" | "rocky-9" | "centos-stream-9" | "amazonlinux-2023" | "opensuse-leap-16.0" => {
                Isa::X86_64V2
            }
            "rhel-10" | "alma-10" | "rocky-10" | "centos-stream-10" => Isa::X86_64V3,
            _ => Isa::X86_64,
        };
        assert_eq!(known.cpu_baseline.get("x86_64"), Some(&x86), "{name}");
        assert_eq!(known.baseline("x86_64"), Some(x86), "{name}");
        let arm = if name == "amazonlinux-2023" { Isa::Armv8_2ACrypto } else { Isa::Armv8A };
        assert_eq!(known.baseline("aarch64"), Some(arm), "{name}");
        assert_eq!(known.baseline("s390x"), None, "{name}");
    }
    let tables = user("[alma-10-v2]\nlike = 'alma-10'\n[alma-10-v2.cpu-baseline]\nx86_64 = 'x86-64-v2'");
    let own = catalogue.with_overrides(&tables).unwrap();
    assert_eq!(own.get("alma-10-v2").unwrap().baseline("x86_64"), Some(Isa::X86_64V2));
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    let catalogue = catalogue();
    let Err(Error::Unknown { name, hint }) = catalogue.get("centos7") else { panic!("found") };
    assert_eq!(name, "centos7");
    assert!(hint.starts_with("the nearest names are `centos-7`"), "{hint}");
    let Err(Error::Unknown { hint, .. }) = catalogue.get("windows") else { panic!("found") };
    assert!(hint.starts_with("`omnipack distributions`"), "{hint}");
}

#[test]
fn a_user_overrides_facts_of_a_distribution() {
    let tables = user(
        "[rocky-9]\nglibc = '2.33'\nrelations = { requires = ['x'] }\n[rocky-9.architectures]\nppc64le = 'ppc64le'",
    );
    let catalogue = catalogue().with_overrides(&tables).unwrap();
    let rocky = catalogue.get("rocky-9").unwrap();
    assert_eq!(rocky.glibc, ToolVersion::new(2, 33, 0));
    assert_eq!(rocky.architecture("ppc64le"), Some("ppc64le"));
    assert_eq!(rocky.architecture("x86_64"), Some("x86_64"));
    assert_eq!(catalogue.get("alma-9").unwrap().glibc, ToolVersion::new(2, 34, 0));
}

#[test]
fn a_user_adds_a_distribution_like_another() {
    let tables = user("[oracle-9]\nlike = 'rocky-9'\ntitle = 'Oracle Linux 9'");
    let catalogue = catalogue().with_overrides(&tables).unwrap();
    let oracle = catalogue.get("oracle-9").unwrap();
    assert_eq!((oracle.title.as_str(), oracle.family.as_str()), ("Oracle Linux 9", "el"));
    assert_eq!(oracle.pythons, catalogue.get("rocky-9").unwrap().pythons);
}

#[test]
fn tables_without_facts_add_nothing() {
    let catalogue = catalogue().with_overrides(&user("[el.relations]\nrequires = ['x']")).unwrap();
    assert!(catalogue.get("el").is_err());
}

#[test]
fn unusable_facts_say_what_is_wrong() {
    for (tables, expected) in [
        ("[x]\ntitle = 'X'", "missing field"),
        ("[x]\nlike = 'rocky-99'", "like `rocky-99`"),
        ("[x]\nlike = 'y'\n[y]\nlike = 'x'", "like itself: x -> y -> x"),
        ("[x]\nlike = 'rocky-9'\nglibc = 'new'", "`new` is not a dotted version number"),
        ("[x]\nlike = 'rocky-9'\nend-of-life = '2025-02-29'", "not a date"),
        ("[x]\nlike = 'rocky-9'\npythons = []", "`pythons` is empty"),
        ("[x]\nlike = 'debian-12'\nlibraries = 'debian-9'", "`libraries` of `debian-9`, only of debian-11, "),
        (
            "[x]\nlike = 'rocky-9'\ncpu-baseline = { x86_64 = 'haswell' }",
            "unknown variant `haswell`, expected one of `x86-64`",
        ),
        ("[x]\nlike = 'rocky-9'\ncpu-baseline = { x86_64 = 'armv8-a' }", "`cpu-baseline` of x86_64 is `armv8-a`"),
        ("[x]\nlike = 'rocky-9'\nnologin = 'nologin'", "not an absolute path"),
        ("x = 1", "not a table"),
    ] {
        let error = catalogue().with_overrides(&user(tables)).unwrap_err();
        assert!(error.to_string().contains(expected), "{tables}: {error}");
    }
}

#[test]
fn tool_versions_compare_by_number() {
    let version = |text: &str| ToolVersion::try_from(text.to_owned()).unwrap();
    assert!(version("3.6") < version("3.11") && version("4.14") < version("4.14.3"));
    assert_eq!(version("3.10").to_string(), "3.10");
    assert!(ToolVersion::try_from("1.2.3.4".to_owned()).is_err());
    assert!(ToolVersion::try_from("3.x".to_owned()).is_err());
}
