use std::collections::BTreeMap;
use std::str::FromStr;

use pep508_rs::MarkerEnvironmentBuilder;

use super::*;
use crate::distribution::Catalogue;
use crate::plan::RelationKind;

fn environment(python: &str) -> MarkerEnvironment {
    MarkerEnvironment::try_from(MarkerEnvironmentBuilder {
        implementation_name: "cpython",
        implementation_version: &format!("{python}.1"),
        os_name: "posix",
        platform_machine: "x86_64",
        platform_python_implementation: "CPython",
        platform_release: "",
        platform_system: "Linux",
        platform_version: "",
        python_full_version: &format!("{python}.1"),
        python_version: python,
        sys_platform: "linux",
    })
    .unwrap()
}

/// As lines of a spec file, for the distribution's own Python or the one given as `name/3.11`.
fn lines_with(target: &str, requirements: &[&str], map: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let catalogue = Catalogue::embedded().unwrap();
    let (name, series) = target.split_once('/').map_or((target, None), |(name, series)| (name, Some(series)));
    let distribution = catalogue.get(name).unwrap();
    let series = series.map_or(distribution.pythons[0].version.series(), str::to_owned);
    let map = map.iter().map(|(name, package)| ((*name).to_owned(), (*package).to_owned())).collect::<BTreeMap<_, _>>();
    let vocabulary = Vocabulary::new(distribution, ToolVersion::try_from(series.clone()).unwrap(), &map);
    let requirements = requirements.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let translations = translate(&requirements, &[], &environment(&series), &vocabulary).unwrap();
    let relation = |relation: &Relation| {
        let comparison = relation.comparison.as_ref();
        let comparison = comparison.map(|(operator, version)| format!(" {} {version}", operator.rpm()));
        let tag = if relation.kind == RelationKind::Conflicts { "! " } else { "" };
        format!("{tag}{}{}", relation.name, comparison.unwrap_or_default())
    };
    let lines = translations.iter().flat_map(|known| known.relations.iter().map(relation)).collect();
    (lines, translations.into_iter().flat_map(|known| known.open).collect())
}

fn lines(target: &str, requirements: &[&str]) -> Vec<String> {
    lines_with(target, requirements, &[]).0
}

/// One line, with `x` for the name.
fn table(target: &str, name: &str, rows: &[(&str, &str)]) {
    for (specifier, expected) in rows {
        let line = lines(target, &[&format!("a-b{specifier}")]).join(", ").replace(name, "x");
        assert_eq!(line, *expected, "{specifier} on {target}");
    }
}

/// As `tests/data/scripts_pythondistdeps` of <https://src.fedoraproject.org/rpms/python-rpm-generators> expects it.
#[test]
fn fedora_words_relations_as_its_generator_does() {
    let rows = [
        ("", "x"),
        ("~=2.4.8", "(x >= 2.4.8 with x < 2.5)"),
        ("~=2.4.8.0", "(x >= 2.4.8 with x < 2.4.9)"),
        ("~=2.4.8.1", "(x >= 2.4.8.1 with x < 2.4.9)"),
        ("~=2.0", "(x >= 2 with x < 3)"),
        ("~=2.4.8b5", "(x >= 2.4.8~b5 with x < 2.5)"),
        ("~=2.0.post1", "(x >= 2^post1 with x < 3)"),
        ("==2.4.8", "x = 2.4.8"),
        ("==2.4.8.0", "x = 2.4.8"),
        ("==2.4.8.*", "(x >= 2.4.8 with x < 2.4.9)"),
        ("==2.*", "(x >= 2 with x < 3)"),
        ("==2.0.0b5", "x = 2~b5"),
        ("==2.4.8.post1", "x = 2.4.8^post1"),
        ("===2.0", "x = 2"),
        ("==1.0.0.dev7", "x = 1~~dev7"),
        ("==0+unknown", "x = 0"),
        ("!=2.4.8", "(x < 2.4.8 or x > 2.4.8)"),
        ("!=2.4.8.*", "(x < 2.4.8~~ or x >= 2.4.9)"),
        ("!=2.*", "(x < 2~~ or x >= 3)"),
        ("!=2.0.post1", "(x < 2^post1 or x > 2^post1)"),
        ("<=2.4.8.0", "x <= 2.4.8"),
        ("<=8a4", "x <= 8~a4"),
        ("<2.4.8", "x < 2.4.8~~"),
        ("<2", "x < 2~~"),
        ("<2.4.8b5", "x < 2.4.8~b5"),
        ("<2.0.post1", "x < 2^post1"),
        (">=2.0", "x >= 2"),
        (">2.4.8", "x > 2.4.8.0"),
        (">2.0", "x > 2.0"),
        (">11rc0", "x > 11~rc0"),
        (">2.4.8.post1", "x > 2.4.8^post1"),
        (">=1.3,!=2.0", "((x < 2 or x > 2) with x >= 1.3)"),
        (">=0.32,!=0.40,!=0.41.*", "((x < 0.40 or x > 0.40) with (x < 0.41~~ or x >= 0.42) with x >= 0.32)"),
        ("<2,>=1", "(x < 2~~ with x >= 1)"),
        ("!=1.*,!=1.0.*", "((x < 1~~ or x >= 1.1) with (x < 1~~ or x >= 2))"),
        ("==1!2.0", "x = 1:2"),
        ("==1!2.*", "(x >= 1:2 with x < 1:3)"),
    ];
    table("fedora-42", "python3dist(a-b)", &rows);
    table("rocky-9", "python3dist(a-b)", &rows);
    table("rocky-10/3.13", "python3.13dist(a-b)", &rows);
}

/// What the packages of EL 8 provide has zeros at its end, or has not.
#[test]
fn el_8_is_asked_for_versions_as_they_were_published() {
    let rows = [
        ("==2.20", "(x >= 2.20 with x <= 2.20.0)"),
        ("==2.20.1", "x = 2.20.1"),
        ("==2.20.1.0", "x = 2.20.1"),
        (">=2.20.0", "x >= 2.20"),
        ("<=2.20", "x <= 2.20.0"),
        ("<2.20", "x < 2.20~~"),
        (">2.20", "x > 2.20.0.0"),
        ("!=2.20", "(x < 2.20 or x > 2.20.0)"),
        ("!=2.20.*", "(x < 2.20~~ or x >= 2.21)"),
        ("~=2.20", "(x >= 2.20 with x < 3~~)"),
        ("==2.*", "(x >= 2 with x < 3~~)"),
        (">=2.0rc1", "x >= 2~rc1"),
        ("<2.0.dev3", "x < 2.0~~dev3"),
        (">=2.0.post2", "x >= 2.0.post2"),
    ];
    table("rocky-8", "python3dist(a-b)", &rows);
    assert_eq!(lines("rocky-8", &["zope.interface"]), ["python3dist(zope.interface)"], "dots stay");
    assert_eq!(lines("rocky-9", &["zope.interface"]), ["python3dist(zope-interface)"]);
}

#[test]
fn rpm_without_rich_dependencies_gets_several_relations() {
    let rows = [
        ("==2.20.1", "x = 2.20.1"),
        ("==2.20", "x >= 2.20, x <= 2.20.0"),
        ("~=2.20", "x >= 2.20, x < 3~~"),
        ("!=2.20.1", "x, ! x = 2.20.1"),
        ("!=2.20", "x, ! x = 2.20, ! x = 2.20.0"),
        (">=1,!=1.5.1,<3", "x >= 1, ! x = 1.5.1, x < 3~~"),
        ("!=1.*", "x"),
    ];
    table("centos-7", "python36-a-b", &rows);
    table("amazonlinux-2", "python3-a-b", &rows);
    let (relations, open) = lines_with("centos-7", &["a>=0.5,!=1.*"], &[]);
    assert_eq!(relations, ["python36-a >= 0.5"]);
    assert_eq!(open, ["versions of python36-a from 1~~ to before 2 are not kept out"]);
    assert_eq!(
        lines("centos-6", &["a<2.0", "b>=1.0rc1", "c~=1.2"]),
        ["python36u-a < 2", "python36u-b >= 1", "python36u-c >= 1.2", "python36u-c < 2"]
    );
}

#[test]
fn debian_is_asked_in_versions_that_have_a_revision() {
    let rows = [
        ("", "x"),
        (">=2.20", "x >= 2.20"),
        (">=2.20.0", "x >= 2.20"),
        (">2.20", "x >= 2.20.0.0~~"),
        ("<=2.20", "x < 2.20.0.0~~"),
        ("<2.20", "x < 2.20~~"),
        (">=2.0rc1", "x >= 2~rc1"),
        ("<2.20rc1", "x < 2.20~rc1"),
        ("==2.20", "x >= 2.20, x < 2.20.0.0~~"),
        ("==2.20.post1", "x >= 2.20.post1, x < 2.20.post1.0~~"),
        ("==2.*", "x >= 2, x < 3~~"),
        ("~=2.4.1", "x >= 2.4.1, x < 2.5~~"),
        ("!=2.20", "x (<< 2.20) | x (>= 2.20.0.0~~)"),
        ("!=2.*", "x (<< 2~~) | x (>= 3)"),
        (">=1,!=1.5,<3", "x < 3~~, x >= 1, x (<< 1.5) | x (>= 1.5.0.0~~)"),
    ];
    for (specifier, expected) in rows {
        let mut line = lines("debian-12", &[&format!("a-b{specifier}")]);
        line.sort_by_key(|line| line.contains('|'));
        let (plain, rest): (Vec<_>, Vec<_>) = line.into_iter().partition(|line| !line.contains('|'));
        let mut plain = plain;
        if plain.len() > 1 && specifier.contains(',') {
            plain.sort();
        }
        let line = plain.into_iter().chain(rest).collect::<Vec<_>>().join(", ").replace("python3-a-b", "x");
        assert_eq!(line, expected, "{specifier}");
    }
    assert_eq!(lines("debian-12", &["numpy<2"]), ["python3-numpy < 1:2~~"]);
    assert_eq!(lines("debian-12", &["django!=4"]), ["python3-django (<< 3:4) | python3-django (>= 3:4.0.0.0~~)"]);
    assert_eq!(lines("debian-11", &["django>=2.2"]), ["python3-django >= 2:2.2"]);
}

/// Each row: what is asked, versions of packages that are let in, and versions that are not.
#[test]
fn the_versions_that_debian_is_asked_for_are_those_that_were_meant() {
    let rows: [(&str, &[&str], &[&str]); 6] = [
        (
            "==2.20",
            &["2.20-1", "2.20.0-3", "2.20+dfsg-1", "2.20.0+ds1-2~deb12u1"],
            &["2.19-9", "2.20.1-1", "2.20~rc1-1"],
        ),
        ("<=2.20", &["2.20-1", "2.20.0-3+b1", "1-1"], &["2.20.1-1", "2.21-1"]),
        (">2.20", &["2.20.1-1", "2.21-1"], &["2.20-1", "2.20.0-3", "2.20+dfsg-1"]),
        ("<2.20", &["2.19.9-1"], &["2.20-1", "2.20~rc1-1", "2.20.0-1"]),
        ("==2.*", &["2-1", "2.99-1"], &["3-1", "3.0~b1-1", "1.9-1"]),
        ("~=2.4.1", &["2.4.1-1", "2.4.10-2"], &["2.4.0-1", "2.5-1", "2.5~rc1-1"]),
    ];
    let catalogue = Catalogue::embedded().unwrap();
    let map = BTreeMap::new();
    let vocabulary = Vocabulary::new(catalogue.get("debian-12").unwrap(), ToolVersion::new(3, 11, 0), &map);
    for (specifier, allowed, refused) in rows {
        let asked = translate(&[format!("a{specifier}")], &[], &environment("3.11"), &vocabulary).unwrap();
        let holds = |version: &str| {
            asked.iter().flat_map(|known| &known.relations).all(|relation| {
                let (comparison, bound) = relation.comparison.as_ref().unwrap();
                let order = crate::distribution::compare_debian_versions(version, bound);
                match comparison {
                    crate::plan::Comparison::Less => order.is_lt(),
                    crate::plan::Comparison::GreaterOrEqual => order.is_ge(),
                    other => panic!("{other:?}"),
                }
            })
        };
        assert!(allowed.iter().all(|version| holds(version)), "{specifier}");
        assert!(!refused.iter().any(|version| holds(version)), "{specifier}");
    }
}

#[test]
fn a_name_tells_which_python_a_package_is_for() {
    let catalogue = Catalogue::embedded().unwrap();
    for (target, package, series) in [
        ("rocky-9", "python3-lxml", Some("3.9")),
        ("rocky-9", "python3.11-lxml", Some("3.11")),
        ("rocky-9", "python3.11dist(lxml)", Some("3.11")),
        ("rocky-9", "python3dist(lxml)", Some("3.9")),
        ("rocky-8", "python3-lxml", Some("3.6")),
        ("rocky-8", "python38-lxml", Some("3.8")),
        ("centos-7", "python36-lxml", Some("3.6")),
        ("centos-6", "python36u-pip", Some("3.6")),
        ("ubuntu-20.04", "python3-lxml", Some("3.8")),
        ("debian-12", "python3-lxml", Some("3.11")),
        ("debian-12", "libyaml-0-2", None),
        ("debian-12", "python3", None),
        ("fedora-42", "python-unversioned-command", None),
    ] {
        let distribution = catalogue.get(target).unwrap();
        assert_eq!(series_of_package(distribution, package).as_deref(), series, "{package} on {target}");
    }
}

#[test]
fn extras_have_names_of_their_own_where_packages_provide_them() {
    let wanted = ["celery[redis,SQS]>=5"];
    let expected = ["python3dist(celery) >= 5", "python3dist(celery[redis]) >= 5", "python3dist(celery[sqs]) >= 5"];
    assert_eq!(lines("fedora-42", &wanted), expected);
    let (relations, open) = lines_with("centos-7", &["celery[redis]"], &[]);
    assert_eq!(relations, ["python36-celery"]);
    assert_eq!(open, ["what the extra `redis` of celery needs is not required"]);
}

#[test]
fn markers_are_those_of_the_target() {
    let requirements = [
        "one; python_version < '3.7'",
        "two; python_version >= '3.7'",
        "three; sys_platform == 'win32'",
        "four; extra == 'docs'",
        "five; platform_machine == 'x86_64'",
    ];
    assert_eq!(lines("rocky-8", &requirements), ["python3dist(one)", "python3dist(five)"]);
    assert_eq!(lines("rocky-9", &requirements), ["python3dist(two)", "python3dist(five)"]);
    let catalogue = Catalogue::embedded().unwrap();
    let map = BTreeMap::new();
    let vocabulary = Vocabulary::new(catalogue.get("rocky-9").unwrap(), ToolVersion::new(3, 9, 0), &map);
    let docs = [ExtraName::from_str("docs").unwrap()];
    let four = translate(&[requirements[3].to_owned()], &docs, &environment("3.9"), &vocabulary).unwrap();
    assert_eq!(four[0].relations[0].name, "python3dist(four)");
}

#[test]
fn requirements_for_one_distribution_come_together() {
    let requirements = ["Foo_Bar >= 1", "other", "foo.bar < 2; python_version > '3'", "foo-bar[x] != 1.5"];
    assert_eq!(
        lines("fedora-42", &requirements),
        [
            "((python3dist(foo-bar) < 1.5 or python3dist(foo-bar) > 1.5) with python3dist(foo-bar) < 2~~ with python3dist(foo-bar) >= 1)",
            "(python3dist(foo-bar[x]) < 1.5 or python3dist(foo-bar[x]) > 1.5)",
            "python3dist(other)"
        ]
    );
}

#[test]
fn an_address_is_said_not_to_be_required() {
    let (relations, open) = lines_with("fedora-42", &["a @ https://example.org/a-1.0.tar.gz"], &[]);
    assert_eq!(relations, ["python3dist(a)"]);
    assert_eq!(open, ["any version of a will do, although an address is given for it"]);
}

/// `celery` 5.1 has this in its metadata.
#[test]
fn a_version_from_before_pep_440_is_said_to_be_left_out() {
    let (relations, open) = lines_with("fedora-42", &["pytz (>dev)", "b[x] >=1.0-final ; python_version > '3'"], &[]);
    assert_eq!(relations, ["python3dist(pytz)", "python3dist(b)", "python3dist(b[x])"]);
    assert_eq!(open[0], "`>dev` of pytz is no version any more: any will do");
    assert_eq!(open[1], "`>=1.0-final` of b is no version any more: any will do");
}

#[test]
fn what_never_was_an_operator_is_a_mistake() {
    for text in ["flask=>2", "flask =2", "flask === x y", "flask ><1", "flask >= =1"] {
        assert!(matches!(parse(text), Err(Error::Syntax { .. })), "{text}: {:?}", parse(text));
    }
}

#[test]
fn packages_are_named_by_the_rules_of_the_target() {
    for (target, requirement, expected) in [
        ("centos-7", "flask", "python36-flask"),
        ("centos-7", "python-dateutil", "python36-dateutil"),
        ("centos-7", "PyYAML", "python36-PyYAML"),
        ("centos-7", "PyMySQL", "python36-PyMySQL"),
        ("centos-7", "setuptools", "python3-setuptools"),
        ("centos-7/3.4", "flask", "python34-flask"),
        ("centos-7/3.4", "pyjwt", "python34-jwt"),
        ("centos-6", "flask", "python36u-flask"),
        ("amazonlinux-2", "Flask_Login", "python3-flask-login"),
        ("opensuse-leap-15.6", "flask", "python3-Flask"),
        ("opensuse-leap-15.6/3.11", "python-dateutil", "python311-python-dateutil"),
        ("opensuse-leap-16.0", "flask-login", "python313-flask-login"),
        ("sles-12", "six", "python36-six"),
        ("sles-15/3.11", "pyyaml", "python311-PyYAML"),
        ("debian-12", "PyYAML", "python3-yaml"),
        ("debian-12", "pytz", "python3-tz"),
        ("debian-12", "ruamel_yaml", "python3-ruamel.yaml"),
        ("debian-12", "python-telegram-bot", "python3-python-telegram-bot"),
        ("ubuntu-24.04", "six", "python3-six"),
    ] {
        assert_eq!(lines(target, &[requirement]), [expected], "{requirement} on {target}");
    }
}

#[test]
fn the_users_map_comes_first_and_its_versions_are_those_of_packages() {
    let map = [("flask-login", "python-flask-login"), ("celery", "python3.11dist(celery)")];
    for target in ["fedora-42", "centos-7"] {
        let (lines, _) = lines_with(target, &["Flask_Login==1.0", "celery"], &map);
        let expected: &[&str] = if target == "centos-7" {
            &["python-flask-login >= 1", "python-flask-login <= 1.0.0", "python3.11dist(celery)"]
        } else {
            &["(python-flask-login >= 1 with python-flask-login <= 1.0.0)", "python3.11dist(celery)"]
        };
        assert_eq!(lines, expected, "{target}");
    }
}

#[test]
fn what_is_no_requirement_or_no_package_is_refused() {
    let catalogue = Catalogue::embedded().unwrap();
    let distribution = catalogue.get("rocky-9").unwrap();
    let refused = |requirement: &str, package: &str| {
        let map = BTreeMap::from([("a".to_owned(), package.to_owned())]);
        let vocabulary = Vocabulary::new(distribution, ToolVersion::new(3, 9, 0), &map);
        translate(&[requirement.to_owned()], &[], &environment("3.9"), &vocabulary)
    };
    for requirement in ["", "a b", "a>", "a- >1", "a>=x y", "a>=%(x)", "%(touch x)", "a\nRequires: b"] {
        assert!(matches!(refused(requirement, "a"), Err(Error::Syntax { .. })), "{requirement:?}");
    }
    for package in ["", "a b", "a,b", "%{lua:x}", "a\nb", "a%b"] {
        assert!(matches!(refused("a", package), Err(Error::PackageName { .. })), "{package:?}");
    }
}

/// More specific rules win, key by key.
#[test]
fn rules_take_precedence_in_order() {
    let text = "
        [default]\npatterns = { '*' = 'default-%s' }\nnames = { a = 'default-a', b = 'default-b' }\nstrip = true
        [family.el]\npatterns = { '3.9' = 'family-%s' }\nnames = { b = 'family-b' }\nstems = { c = 'family-c' }
        [distribution.rocky]\nstems = { c = 'C' }\nstrip = false
        [release.rocky-9]\nnames = { d = 'release-d' }\n";
    let names = |target: &str, series: &str, requirement: &str| {
        let file: names::File = toml::from_str(text).unwrap();
        let catalogue = Catalogue::embedded().unwrap();
        let empty = BTreeMap::new();
        names::Names::of(&file.levels(catalogue.get(target).unwrap()), series, &empty).package(requirement)
    };
    assert_eq!(names("rocky-9", "3.9", "a"), "default-a");
    assert_eq!(names("rocky-9", "3.9", "b"), "family-b");
    assert_eq!(names("rocky-9", "3.9", "c"), "family-C");
    assert_eq!(names("alma-9", "3.9", "c"), "family-family-c");
    assert_eq!(names("rocky-9", "3.9", "d"), "release-d");
    assert_eq!(names("rocky-8", "3.9", "d"), "family-d");
    assert_eq!(names("rocky-9", "3.11", "e"), "default-e");
    assert_eq!(names("rocky-9", "3.9", "python-e"), "family-python-e");
    assert_eq!(names("fedora-42", "3.9", "python-e"), "default-e");
}

#[test]
fn every_rule_has_a_source_and_is_for_a_target() {
    let file = names::File::embedded().expect("package-names.toml is sound");
    let catalogue = Catalogue::embedded().unwrap();
    for name in file.release.keys() {
        assert!(catalogue.get(name).is_ok(), "{name}");
    }
    for name in file.family.keys() {
        assert!(catalogue.iter().any(|known| known.family == *name), "{name}");
    }
    let rules = [&file.default].into_iter().chain(file.family.values()).chain(file.release.values());
    for rule in rules.chain(file.distribution.values()) {
        let said = [
            ("patterns", !rule.patterns.is_empty()),
            ("stems", !rule.stems.is_empty()),
            ("names", !rule.names.is_empty()),
            ("strip", rule.strip == Some(true)),
            ("epochs", !rule.epochs.is_empty()),
        ];
        for (key, _) in said.into_iter().filter(|(_, said)| *said) {
            assert!(rule.sources.get(key).is_some_and(|source| !source.is_empty()), "{key} of {:?}", rule.sources);
        }
        assert!(rule.patterns.values().all(|pattern| pattern.matches("%s").count() == 1));
        assert!(rule.stems.keys().chain(rule.names.keys()).all(|name| names::normalised(name) == *name));
    }
}

#[test]
fn names_of_other_families_are_known_again() {
    let locked = ["flask", "pyyaml", "python-dateutil", "psycopg2-binary"];
    for (package, name) in [
        ("python3-yaml", Some("pyyaml")),
        ("python3-PyYAML", Some("pyyaml")),
        ("python3.11-pyyaml", Some("pyyaml")),
        ("python36-PyYAML", Some("pyyaml")),
        ("python311-PyYAML", Some("pyyaml")),
        ("python3-dateutil", Some("python-dateutil")),
        ("python3-psycopg2", Some("psycopg2-binary")),
        ("Flask", Some("flask")),
        ("python3-nosuch", None),
        ("yaml-devel", None),
    ] {
        assert_eq!(resembling(package, locked), name, "{package}");
    }
}

/// Each specifier was once compared with each other one, and each relation had the whole requirement in it.
#[test]
fn many_specifiers_take_no_longer_than_they_are_many() {
    let catalogue = Catalogue::embedded().unwrap();
    let list = (0..10_000).map(|number| format!("!=1.{number}")).collect::<Vec<_>>().join(",");
    let requirements = [format!("six{list}"), "six!=1.7".to_owned()];
    let map = BTreeMap::new();
    let started = std::time::Instant::now();
    for target in ["fedora-42", "centos-7", "debian-12"] {
        let distribution = catalogue.get(target).unwrap();
        let vocabulary = Vocabulary::new(distribution, distribution.pythons[0].version, &map);
        let all = translate(&requirements, &[], &environment("3.11"), &vocabulary).unwrap();
        let relations = &all[0].relations;
        assert!(relations.len() >= 10_000 || relations[0].name.matches("six) <").count() == 10_000, "{target}");
        assert!(relations.iter().all(|relation| relation.reason.len() < 1100), "{target}");
    }
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}
