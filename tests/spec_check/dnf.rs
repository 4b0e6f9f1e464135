//! The same questions to omnipack and to dnf.

use std::path::Path;

use omnipack::exec::Command;
use omnipack::plan::{Comparison, Relation, RelationKind};
use omnipack::spec::satisfy::Verdict;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::repository::{Rpm, make, opened, relation, requires};
use crate::support::{expect_success, repository};

/// Debian's own Python, which dnf is written in.
const PYTHON: &str = "/usr/bin/python3";

/// `count` of what `strategy` makes, the same on every run.
fn drawn<T: std::fmt::Debug>(strategy: impl Strategy<Value = T>, count: usize) -> Vec<T> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    prop::collection::vec(strategy, count).new_tree(&mut runner).unwrap().current()
}

fn ask(directory: &Path, questions: &serde_json::Value) -> Vec<serde_json::Value> {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("questions");
    fs_err::write(&file, questions.to_string()).unwrap();
    let script = repository().join("tests/spec_check/solve.py");
    let command = Command::new(PYTHON).arg(script).arg(directory).arg(scratch.path()).arg(&file);
    serde_json::from_str(&expect_success(&command.env("HOME", scratch.path()))).unwrap()
}

/// Few, so that they meet.
fn version() -> BoxedStrategy<String> {
    let epoch = prop_oneof![6 => Just(""), 1 => Just("0:"), 1 => Just("1:")];
    let version = prop::sample::select(vec!["1", "1.0", "1.5", "2", "2~rc1", "2^post1", "10", "1.a"]);
    let release = prop_oneof![3 => Just(""), 1 => Just("-1"), 1 => Just("-2.el9")];
    (epoch, version, release).prop_map(|(epoch, version, release)| format!("{epoch}{version}{release}")).boxed()
}

fn operator() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["<", "<=", "=", ">=", ">"])
}

/// `c3 >= 1`; the last names are nowhere provided.
fn atom(names: usize) -> BoxedStrategy<String> {
    let name = (0..names).prop_map(|number| format!("c{number}"));
    let range =
        prop_oneof![1 => Just(String::new()), 4 => (operator(), version()).prop_map(|(o, v)| format!(" {o} {v}"))];
    (name, range).prop_map(|(name, range)| format!("{name}{range}")).boxed()
}

fn provided(names: usize) -> impl Strategy<Value = String> {
    let name = (0..names).prop_map(|number| format!("c{number}"));
    let range = prop_oneof![
        1 => Just(String::new()),
        6 => version().prop_map(|version| format!(" = {version}")),
        2 => (operator(), version()).prop_map(|(operator, version)| format!(" {operator} {version}")),
    ];
    (name, range).prop_map(|(name, range)| format!("{name}{range}"))
}

/// Rich dependencies whose providers are packages that stand for themselves.
fn alone() -> BoxedStrategy<String> {
    let pair = |operator: &'static str| (atom(8), atom(8)).prop_map(move |(a, b)| format!("({a} {operator} {b})"));
    let range =
        || (0..7_usize, version(), version()).prop_map(|(n, low, high)| format!("(c{n} >= {low} with c{n} < {high})"));
    let except =
        (0..7_usize, version(), version()).prop_map(|(n, low, odd)| format!("(c{n} >= {low} without c{n} = {odd})"));
    let or = (range(), atom(8)).prop_map(|(a, b)| format!("({a} or {b})"));
    prop_oneof![4 => atom(8), 2 => range(), 2 => except, 1 => pair("or"), 1 => pair("with"), 1 => pair("without"), 1 => or].boxed()
}

/// Packages with names of their own, so that any of them can be installed together.
fn packages() -> Vec<Rpm> {
    let lists = drawn(prop::collection::vec(provided(6), 1..4), 14);
    let package = |(number, provides): (usize, Vec<String>)| Rpm {
        name: format!("p{number}"),
        evr: "1-1".to_owned(),
        provides,
        ..Rpm::default()
    };
    lists.into_iter().enumerate().map(package).collect()
}

#[test]
fn packages_are_found_as_dnf_finds_them() {
    let directory = tempfile::tempdir().unwrap();
    make(directory.path(), &packages(), &[]);
    let repositories = opened(directory.path());
    let texts = drawn(alone(), 600);
    let questions = texts.iter().map(|text| serde_json::json!({ "provides": text })).collect::<Vec<_>>();
    let answers = ask(directory.path(), &questions.into());
    let (mut found, mut wrong_version, mut missing) = (0, 0, 0);
    for (text, answer) in texts.iter().zip(answers) {
        let expected = serde_json::from_value::<Vec<String>>(answer).unwrap();
        match repositories.satisfies(&requires(text)).unwrap() {
            Verdict::Satisfied { mut by } => {
                by.sort();
                assert_eq!(by, expected, "{text}");
                found += 1;
            }
            Verdict::WrongVersion { available } => {
                assert!(expected.is_empty() && !available.is_empty(), "{text}: {expected:?}");
                wrong_version += 1;
            }
            Verdict::Missing => {
                assert!(expected.is_empty(), "{text}: {expected:?}");
                missing += 1;
            }
        }
    }
    assert!(found > 100 && wrong_version > 60 && missing > 30, "{found} {wrong_version} {missing}: not much of a test");
}

/// Whole dependencies, `and` among them, by what dnf can install.
#[test]
fn what_is_satisfied_can_be_installed() {
    let joined = prop_oneof![
        3 => alone(),
        1 => (alone(), alone()).prop_map(|(a, b)| format!("({a} and {b})")),
        1 => (atom(8), alone(), atom(8)).prop_map(|(a, b, c)| format!("({a} and ({b} or {c}))")),
    ];
    let texts = drawn(joined, 200);
    let probe = |(number, text): (usize, &String)| Rpm {
        requires: vec![text.clone()],
        ..Rpm::new(&format!("probe{number}"), "1-1", &[])
    };
    let mut all = packages();
    all.extend(texts.iter().enumerate().map(probe));
    let directory = tempfile::tempdir().unwrap();
    make(directory.path(), &all, &[]);
    let repositories = opened(directory.path());
    let questions = (0..texts.len()).map(|number| serde_json::json!({ "install": format!("probe{number}") }));
    let answers = ask(directory.path(), &questions.collect::<Vec<_>>().into());
    let mut counts = [0; 2];
    for (text, answer) in texts.iter().zip(answers) {
        let satisfied = repositories.satisfies(&requires(text)).unwrap().is_satisfied();
        assert_eq!(satisfied, answer.as_bool().unwrap(), "{text}");
        counts[usize::from(satisfied)] += 1;
    }
    assert!(counts.iter().all(|count| *count > 30), "{counts:?}: not much of a test");
}

/// Relations of one name, with packages of which only one version can be installed.
#[test]
fn relations_that_belong_together_are_met_by_one_version() {
    let release = (0..3_usize, version()).prop_map(|(number, version)| {
        let evr = if version.contains('-') { version } else { format!("{version}-1") };
        Rpm::new(&format!("c{number}"), &evr, &[])
    });
    let mut all = drawn(release, 12);
    all.sort_by(|one, other| (&one.name, &one.evr).cmp(&(&other.name, &other.evr)));
    all.dedup_by(|one, other| (&one.name, &one.evr) == (&other.name, &other.evr));
    let bound = || (operator(), version());
    let groups = drawn((0..4_usize, prop::collection::vec(bound(), 1..3), prop::collection::vec(bound(), 0..2)), 150);
    let texts = |number: usize, bounds: &[(&str, String)]| {
        bounds.iter().map(|(operator, version)| format!("c{number} {operator} {version}")).collect::<Vec<_>>()
    };
    for (probe, (number, required, conflicts)) in groups.iter().enumerate() {
        let (requires, conflicts) = (texts(*number, required), texts(*number, conflicts));
        all.push(Rpm { requires, conflicts, ..Rpm::new(&format!("probe{probe}"), "1-1", &[]) });
    }
    let directory = tempfile::tempdir().unwrap();
    make(directory.path(), &all, &[]);
    let repositories = opened(directory.path());
    let questions = (0..groups.len()).map(|number| serde_json::json!({ "install": format!("probe{number}") }));
    let answers = ask(directory.path(), &questions.collect::<Vec<_>>().into());
    let mut counts = [0; 2];
    for ((number, required, conflicts), answer) in groups.iter().zip(answers) {
        let named = |kind, bounds: &[(&str, String)]| {
            let of = |(operator, version): &(&str, String)| {
                let comparison = match *operator {
                    "<" => Comparison::Less,
                    "<=" => Comparison::LessOrEqual,
                    "=" => Comparison::Equal,
                    ">=" => Comparison::GreaterOrEqual,
                    _ => Comparison::Greater,
                };
                Relation { comparison: Some((comparison, version.clone())), ..relation(kind, &format!("c{number}")) }
            };
            bounds.iter().map(of).collect::<Vec<_>>()
        };
        let together = [named(RelationKind::Requires, required), named(RelationKind::Conflicts, conflicts)].concat();
        let verdicts = repositories.satisfies_together(&together).unwrap();
        let satisfied = verdicts.iter().all(Verdict::is_satisfied);
        let shown = together.iter().map(|relation| format!("{:?} {relation}", relation.kind)).collect::<Vec<_>>();
        assert_eq!(satisfied, answer.as_bool().unwrap(), "{}: {verdicts:?}", shown.join(", "));
        counts[usize::from(satisfied)] += 1;
    }
    assert!(counts.iter().all(|count| *count > 20), "{counts:?}: not much of a test");
}
