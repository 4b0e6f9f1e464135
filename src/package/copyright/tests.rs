//! The whole file, read back by the rules of the format: whatever metadata and licence files say, each stays in its
//! paragraph.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::distribution::Catalogue;
use crate::plan::{Evr, Interpreter, InterpreterKind, Platform};
use crate::project::{BytecodeMode, Metadata, Source};
use crate::resolve::WheelRole;
use crate::stage::{BundledDistribution, Content, Entry, EntryKind, Origin, TargetPath};

const SITE: &str = "/opt/app/lib/python3.11/site-packages";

fn plan() -> BuildPlan {
    let text = include_str!("../../../fixtures/minimal/pyproject.toml");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pyproject.toml");
    fs_err::write(&path, text).unwrap();
    let metadata =
        Metadata { license: "MIT".into(), author: "Ada <a@b.c>".into(), ..Metadata::from_pyproject(&path).unwrap() };
    let distribution = Catalogue::embedded().unwrap().get("debian-12").unwrap().clone();
    let version = distribution.pythons[0].version;
    BuildPlan {
        platform: Platform {
            machine: "x86_64".into(),
            architecture: "amd64".into(),
            glibc: distribution.glibc,
            baseline: None,
        },
        source: Source::Requirement("app".into()),
        metadata,
        version: "1.0".into(),
        evr: Evr { epoch: 0, version: "1.0".into(), release: "1".into() },
        prefix: "/opt/app".into(),
        interpreter: Interpreter {
            version,
            path: "/usr/bin/python3.11".into(),
            kind: InterpreterKind::System { requirement: "python3.11".into() },
        },
        python: crate::project::PythonSettings::default(),
        bytecode: BytecodeMode::None,
        compression: crate::plan::Compression { algorithm: distribution.compression, level: 3 },
        license: "MIT".into(),
        url: "https://example.org".into(),
        vendor: String::new(),
        maintainer: "Ada <a@b.c>".into(),
        maintainer_is_given: true,
        builder: crate::plan::Builder::Omnipack,
        group: String::new(),
        section: "admin".into(),
        priority: "optional".into(),
        licenses: Vec::new(),
        changelog: None,
        source_date: 0,
        rpm: crate::project::RpmSettings::default(),
        deb: crate::project::DebSettings::default(),
        library_map: BTreeMap::new(),
        left_out: Vec::new(),
        notes: Vec::new(),
        target: false,
        packages: Vec::new(),
        distribution,
    }
}

/// A tree of distributions: name, metadata, licence file.
fn stage(distributions: &[(&str, Vec<u8>, Vec<u8>)]) -> Stage {
    let mut stage = Stage::new(TargetPath::new("/opt/app").unwrap());
    let mut entries = Vec::new();
    for (name, metadata, license) in distributions {
        let (name, version): (Arc<str>, Arc<str>) = ((*name).into(), "1.0".into());
        let origin = Origin::Wheel { name: Arc::clone(&name), version: Arc::clone(&version) };
        let role = if &*name == "app" { WheelRole::Application } else { WheelRole::Dependency };
        for (path, bytes) in [
            (format!("{SITE}/{name}/__init__.py"), Vec::new()),
            (format!("{SITE}/{name}-1.0.dist-info/METADATA"), metadata.clone()),
            (format!("{SITE}/{name}-1.0.dist-info/licenses/LICENSE"), license.clone()),
        ] {
            let content = EntryKind::File(Content::Bytes(bytes.into()));
            let mut entry = Entry::new(TargetPath::new(&path).unwrap(), 0o644, content, origin.clone());
            entry.flags.license = path.ends_with("LICENSE");
            entries.push(entry);
        }
        stage.distributions.push(BundledDistribution { name, version, license: String::new(), role });
    }
    stage.add(entries).unwrap();
    stage
}

type Fields = Vec<(String, String)>;

/// Paragraphs as a strict reader sees them (Debian policy, 5.1), which splits lines wherever Python does.
fn paragraphs(text: &str) -> Vec<Fields> {
    let breaks = |c: char| "\n\r\u{b}\u{c}\u{1c}\u{1d}\u{1e}\u{85}\u{2028}\u{2029}".contains(c);
    let mut all: Vec<Fields> = vec![Vec::new()];
    for line in text.trim_end_matches('\n').split(breaks) {
        if line.trim().is_empty() {
            assert!(!all.last().unwrap().is_empty(), "an empty paragraph in\n{text}");
            all.push(Vec::new());
        } else if line.starts_with([' ', '\t']) {
            let (_, value) = all.last_mut().unwrap().last_mut().expect("a field before its continuation");
            value.push('\n');
            value.push_str(line);
        } else {
            let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no field: {line:?}"));
            let known =
                ["Format", "Upstream-Name", "Upstream-Contact", "Source", "Files", "Copyright", "License", "Comment"];
            assert!(known.contains(&name), "{name:?}");
            let paragraph = all.last_mut().unwrap();
            assert!(!paragraph.iter().any(|(known, _)| known == name), "{name} twice");
            paragraph.push((name.to_owned(), value.trim().to_owned()));
        }
    }
    all
}

fn field<'a>(paragraph: &'a Fields, name: &str) -> Option<&'a str> {
    paragraph.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// Checks what the format asks of every file, and gives the paragraphs.
fn checked(text: &str, distributions: usize) -> Vec<Fields> {
    let all = paragraphs(text);
    assert_eq!(all[0][0].1, "https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/");
    let files = all.iter().filter(|paragraph| field(paragraph, "Files").is_some()).collect::<Vec<_>>();
    assert_eq!(files.len(), distributions, "{text}");
    assert_eq!(field(files[0], "Files").map(str::trim), Some("*"));
    let alone = all.iter().skip(1 + distributions).collect::<Vec<_>>();
    for paragraph in &files {
        assert!(field(paragraph, "Copyright").is_some_and(|value| !value.trim().is_empty()), "{paragraph:?}");
        let license = field(paragraph, "License").unwrap();
        assert!(!license.lines().next().unwrap().trim().is_empty(), "{paragraph:?}");
        if license.lines().count() > 1 {
            continue;
        }
        for name in license.split(" or ").flat_map(|part| part.split(" and ")) {
            let name = name.split(' ').next().unwrap();
            let text = alone.iter().filter_map(|paragraph| field(paragraph, "License"));
            assert_eq!(text.filter(|text| text.lines().next() == Some(name)).count(), 1, "{name} in {alone:?}");
        }
    }
    for paragraph in alone {
        assert!(field(paragraph, "License").is_some_and(|value| value.lines().count() > 1), "{paragraph:?}");
    }
    all
}

fn rendered(distributions: &[(&str, Vec<u8>, Vec<u8>)]) -> String {
    let plan = plan();
    Copyright::read(&plan, &stage(distributions)).unwrap().render(Role::Main).unwrap()
}

const EXPAT: &str = "Permission is hereby granted, free of charge, to any person obtaining a copy of it.\n\n\
                     The above copyright notice and this permission notice shall be included.";

fn distribution<'a>(name: &'a str, license: &str, text: &str) -> (&'a str, Vec<u8>, Vec<u8>) {
    (name, format!("Name: {name}\nLicense-Expression: {license}\n").into_bytes(), text.as_bytes().to_vec())
}

#[test]
fn a_text_that_several_have_stands_once() {
    let with = |holder: &str| format!("MIT License\n\nCopyright (c) 2020 {holder}\n\n{EXPAT}\n");
    let other = EXPAT.replace("of it", "of all of it");
    let text = rendered(&[
        distribution("app", "MIT", &with("Ada")),
        distribution("one", "MIT", &with("Bob")),
        distribution("two", "MIT", &other),
        distribution("three", "MIT", &other),
        distribution("four", "Apache-2.0", ""),
    ]);
    let all = checked(&text, 5);
    assert_eq!(text.matches("free of charge, to any person obtaining a copy of it").count(), 1, "{text}");
    assert_eq!(text.matches("free of charge, to any person obtaining a copy of all").count(), 1, "{text}");
    assert!(text.contains("same as that of "), "{text}");
    assert_eq!(field(&all[1], "Copyright"), Some("\n 2020 Ada"));
    assert!(text.contains("/usr/share/common-licenses/Apache-2.0"), "{text}");
    assert!(!text.contains("\nLicense: MIT"), "{text}");
}

#[test]
fn what_nobody_says_is_unknown() {
    let text =
        rendered(&[("app", b"Name: app\n".to_vec(), Vec::new()), ("sole", b"Name: sole\n".to_vec(), Vec::new())]);
    let all = checked(&text, 2);
    let sole = all.last().unwrap();
    assert!(field(sole, "License").unwrap().starts_with("unknown\n"), "{sole:?}");
    assert!(field(sole, "Copyright").unwrap().contains("unknown"), "{sole:?}");
}

#[test]
fn a_meta_package_has_nothing_of_the_dependencies() {
    let plan = plan();
    let stage = stage(&[distribution("app", "MIT", EXPAT), distribution("one", "ISC", "x")]);
    let text = Copyright::read(&plan, &stage).unwrap().render(Role::Meta).unwrap();
    checked(&text, 1);
    assert!(!text.contains("one"), "{text}");
}

#[test]
fn the_order_of_the_input_does_not_matter() {
    let one = [distribution("one", "MIT", EXPAT), distribution("two", "MIT", EXPAT)];
    let mut other = one.clone();
    other.reverse();
    let sorted = |distributions: &[_]| {
        let mut stage = stage(distributions);
        stage.distributions.sort_by(|left, right| left.name.cmp(&right.name));
        Copyright::read(&plan(), &stage).unwrap().render(Role::Main).unwrap()
    };
    assert_eq!(sorted(&one), sorted(&other));
}

/// Bytes that break out of fields, if anything does.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "\n",
        "\r",
        "\r\n",
        " ",
        ".",
        " .\n",
        "\n\n",
        "License: evil",
        "Files: *\n",
        "Copyright (c) 2020 x",
        "\u{85}",
        "\u{2028}",
        "\u{2029}",
        "\0",
        "\u{1b}",
        "\u{c}",
        "\t",
        "MIT",
        " OR ",
        "(",
        "é",
        "Name: y\n",
        "Author: ",
        "License: ",
        "Classifier: License :: ",
        "OSI Approved :: MIT License\n",
        "        ",
    ]);
    let text = prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat().into_bytes());
    prop_oneof![text, prop::collection::vec(any::<u8>(), 0..40)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn nothing_opens_a_paragraph(metadata in hostile(), license in hostile(), words in "[A-Za-z() .+-]{0,20}") {
        let with_words = [format!("License-Expression: {words}\nLicense: {words}\n").into_bytes(), metadata].concat();
        let text = rendered(&[("app", Vec::new(), Vec::new()), ("evil", with_words, license)]);
        checked(&text, 2);
    }
}
