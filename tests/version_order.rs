//! The package managers themselves have to sort our EVRs as PEP 440 sorts the versions: thousands of random versions,
//! compared by the real `rpm` and the real `dpkg`. Both have to be installed.

use std::cmp::Ordering;
use std::str::FromStr;

use omnipack::distribution::{Catalogue, Distribution};
use omnipack::exec::Command;
use omnipack::plan::{Evr, EvrSettings, evr};
use omnipack::project::VersionScheme;
use pep440_rs::Version;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// What local parts look like.
#[derive(Debug, Clone, Copy)]
enum Locals {
    /// `+5.1`
    Numbers,
    /// `+99.g3d644b1.dirty`, as `git describe` has it: the number decides.
    Describe,
    /// `+abc.1`: only rpm sorts a number after a word.
    Words,
}

const SCHEMES: [VersionScheme; 2] = [VersionScheme::Release, VersionScheme::Tilde];

/// Small, so that most versions share most of their parts; of one, two and three digits.
fn number() -> impl Strategy<Value = u64> {
    prop::sample::select(vec![0, 0, 1, 1, 2, 3, 9, 10, 11, 100])
}

fn local(locals: Locals) -> BoxedStrategy<String> {
    match locals {
        Locals::Numbers => prop::collection::vec(0..12_u32, 1..4)
            .prop_map(|parts| parts.iter().map(u32::to_string).collect::<Vec<_>>().join("."))
            .boxed(),
        Locals::Describe => (0..120_u64, any::<bool>())
            .prop_map(|(count, dirty)| {
                // A commit has one hash.
                let hash = (count + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 36;
                format!("{count}.g{hash:07x}{}", if dirty { ".dirty" } else { "" })
            })
            .boxed(),
        Locals::Words => prop::collection::vec(prop_oneof!["[a-z]{1,3}", "[1-9][0-9]{0,2}"], 1..4)
            .prop_map(|parts| parts.join("."))
            .boxed(),
    }
}

/// Versions with three parts, so that their release segments have equal length.
fn version(locals: Locals) -> impl Strategy<Value = Version> {
    let maybe = |strategy: BoxedStrategy<String>, weight| {
        prop_oneof![weight => Just(String::new()), 10 - weight => strategy].boxed()
    };
    let base = (prop::sample::select(vec!["", "", "", "1!"]), 0..2_u64, number(), 0..2_u64)
        .prop_map(|(epoch, major, minor, patch)| format!("{epoch}{major}.{minor}.{patch}"));
    let pre = (prop::sample::select(vec!["a", "b", "rc"]), number()).prop_map(|(word, n)| format!("{word}{n}"));
    let post = number().prop_map(|n| format!(".post{n}"));
    let dev = number().prop_map(|n| format!(".dev{n}"));
    let local = local(locals).prop_map(|text| format!("+{text}"));
    (base, maybe(pre.boxed(), 3), maybe(post.boxed(), 6), maybe(dev.boxed(), 6), maybe(local.boxed(), 6))
        .prop_map(|(base, pre, post, dev, local)| Version::from_str(&format!("{base}{pre}{post}{dev}{local}")).unwrap())
}

/// `count` versions, sorted by PEP 440, no two equal. The same on every run, so that a failure stays.
fn versions(locals: Locals, count: usize) -> Vec<Version> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[locals as u8; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let tree = prop::collection::vec(version(locals), count).new_tree(&mut runner).unwrap();
    let mut versions = tree.current();
    versions.sort();
    versions.dedup();
    versions
}

fn target(name: &str) -> Distribution {
    Catalogue::embedded().unwrap().get(name).unwrap().clone()
}

fn map(version: &Version, scheme: VersionScheme, release: &str, target: &Distribution) -> Evr {
    evr(&version.to_string(), EvrSettings { scheme, release, epoch: 0 }, target).unwrap()
}

/// One question to a package manager: has `left` to sort before `right`?
struct Pair {
    left: Evr,
    right: Evr,
    shown: String,
}

impl Pair {
    fn new(left: (&Version, &str), right: (&Version, &str), scheme: VersionScheme, target: &Distribution) -> Self {
        let [first, second] = [left, right].map(|(version, release)| map(version, scheme, release, target));
        let shown = format!("{} ({}) < {} ({})", left.0, first.full(), right.0, second.full());
        Self { left: first, right: second, shown }
    }
}

/// Each version with the next ones, near and far.
fn pairs(
    versions: &[Version],
    distances: &[usize],
    release: &str,
    scheme: VersionScheme,
    to: &Distribution,
) -> Vec<Pair> {
    let pair = |distance: &usize| {
        let later = versions.iter().skip(*distance);
        versions.iter().zip(later).map(|(a, b)| Pair::new((a, release), (b, release), scheme, to)).collect::<Vec<_>>()
    };
    distances.iter().flat_map(pair).collect()
}

/// Asks rpm's own comparison about all pairs in one process: epoch, version and release in turn, as rpm does.
fn assert_rpm(pairs: &[Pair]) {
    const SCRIPT: &str = r#"%{lua:
        for line in io.lines(os.getenv("PAIRS")) do
            local order = 0
            local words = {}
            for word in string.gmatch(line, "[^ ]+") do table.insert(words, word) end
            for index = 1, 3 do
                if order == 0 then order = rpm.vercmp(words[index], words[index + 3]) end
            end
            print(order .. "\n")
        end
    }"#;
    let words = |Evr { epoch, version, release }: &Evr| format!("{epoch} {version} {release}");
    let file = tempfile::NamedTempFile::new().unwrap();
    let lines = pairs.iter().map(|pair| format!("{} {}\n", words(&pair.left), words(&pair.right))).collect::<String>();
    fs_err::write(file.path(), lines).unwrap();
    let output = Command::new("rpm").args(["--eval", SCRIPT]).env("PAIRS", file.path()).run_checked().unwrap();
    let text = output.stdout_text();
    let answers = text.split_whitespace().collect::<Vec<_>>();
    assert_eq!(answers.len(), pairs.len(), "{text}");
    let wrong = pairs.iter().zip(answers).filter(|(_, answer)| *answer != "-1").map(|(pair, _)| pair.shown.as_str());
    assert_none(wrong.collect());
}

/// Asks dpkg, one process for each pair.
fn assert_dpkg(pairs: &[Pair]) {
    const SCRIPT: &str =
        r#"while read -r left right; do dpkg --compare-versions "$left" lt "$right"; echo $?; done <"$PAIRS""#;
    let file = tempfile::NamedTempFile::new().unwrap();
    let full = |evr: &Evr| format!("{}:{}-{}", evr.epoch, evr.version, evr.release);
    let lines = pairs.iter().map(|pair| format!("{} {}\n", full(&pair.left), full(&pair.right))).collect::<String>();
    fs_err::write(file.path(), lines).unwrap();
    let output = Command::new("sh").args(["-c", SCRIPT]).env("PAIRS", file.path()).run_checked().unwrap();
    assert!(output.stderr.is_empty(), "{}", output.stderr_text());
    let text = output.stdout_text();
    let answers = text.split_whitespace().collect::<Vec<_>>();
    assert_eq!(answers.len(), pairs.len());
    let wrong = pairs.iter().zip(answers).filter(|(_, answer)| *answer != "0").map(|(pair, _)| pair.shown.as_str());
    assert_none(wrong.collect());
}

fn assert_none(wrong: Vec<&str>) {
    assert!(
        wrong.is_empty(),
        "{} pairs are in the wrong order:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
}

#[test]
fn rpm_sorts_as_pep_440() {
    let target = target("rocky-9");
    for locals in [Locals::Numbers, Locals::Describe, Locals::Words] {
        let versions = versions(locals, 1500);
        for scheme in SCHEMES {
            for release in ["1", "2", "3.el9"] {
                assert_rpm(&pairs(&versions, &[1, 2, 3, 5, 8, 21, 100, 400], release, scheme, &target));
            }
        }
    }
}

/// Asks `Dpkg::Version`, which dpkg's build tools and archives sort by, about all pairs in one process.
fn assert_dpkg_perl(pairs: &[Pair]) {
    const SCRIPT: &str = "use Dpkg::Version; open(my $in, '<', $ENV{PAIRS}) or die; \
        while (<$in>) { my ($l, $r) = split; print version_compare($l, $r), qq(\\n); }";
    let file = tempfile::NamedTempFile::new().unwrap();
    let full = |evr: &Evr| format!("{}:{}-{}", evr.epoch, evr.version, evr.release);
    let lines = pairs.iter().map(|pair| format!("{} {}\n", full(&pair.left), full(&pair.right))).collect::<String>();
    fs_err::write(file.path(), lines).unwrap();
    let output = Command::new("perl").args(["-e", SCRIPT]).env("PAIRS", file.path()).run_checked().unwrap();
    assert!(output.stderr.is_empty(), "{}", output.stderr_text());
    let text = output.stdout_text();
    let answers = text.split_whitespace().collect::<Vec<_>>();
    assert_eq!(answers.len(), pairs.len());
    let wrong = pairs.iter().zip(answers).filter(|(_, answer)| *answer != "-1").map(|(pair, _)| pair.shown.as_str());
    assert_none(wrong.collect());
}

#[test]
fn every_tool_of_dpkg_sorts_as_pep_440() {
    let target = target("debian-12");
    for locals in [Locals::Numbers, Locals::Describe] {
        let versions = versions(locals, 1500);
        for scheme in SCHEMES {
            for release in ["1", "2", "3.el9", "1~bpo12", "1ubuntu1"] {
                assert_dpkg_perl(&pairs(&versions, &[1, 3, 21, 400], release, scheme, &target));
            }
        }
    }
}

#[test]
fn dpkg_sorts_as_pep_440() {
    let target = target("debian-12");
    for locals in [Locals::Numbers, Locals::Describe] {
        let versions = versions(locals, 350);
        for scheme in SCHEMES {
            for release in ["1", "2"] {
                assert_dpkg(&pairs(&versions, &[1, 7], release, scheme, &target));
            }
        }
    }
}

/// A rebuild (`release = "2"`) of a version comes before the next version's first build. Only for a final version and
/// the same with a local part does the release decide first, since both have the same base.
#[test]
fn a_rebuild_does_not_overtake_the_next_version() {
    let overtakes = |left: &Version, right: &Version| {
        let base = |version: &Version| version.clone().without_local();
        left.pre().is_none() && left.dev().is_none() && base(left) == base(right)
    };
    let versions = versions(Locals::Numbers, 300);
    for (name, scheme) in [("rocky-9", VersionScheme::Release), ("debian-12", VersionScheme::Release)] {
        let target = target(name);
        let next = versions.iter().zip(&versions[1..]).filter(|(left, right)| !overtakes(left, right));
        let mut pairs =
            next.map(|(left, right)| Pair::new((left, "2"), (right, "1"), scheme, &target)).collect::<Vec<_>>();
        pairs.extend(versions.iter().map(|same| Pair::new((same, "1"), (same, "2"), scheme, &target)));
        if name == "rocky-9" { assert_rpm(&pairs) } else { assert_dpkg(&pairs) }
    }
}

/// The ordering that PEP 440 itself gives as an example, and that the tests above draw from.
#[test]
fn the_generator_reaches_every_kind_of_version() {
    let versions = versions(Locals::Numbers, 1500);
    let count = |holds: fn(&Version) -> bool| versions.iter().filter(|version| holds(version)).count();
    for (kind, count) in [
        ("final", count(|v| v.pre().is_none() && v.post().is_none() && v.dev().is_none() && !v.is_local())),
        ("pre", count(|v| v.pre().is_some() && v.dev().is_none() && v.post().is_none())),
        ("dev of pre", count(|v| v.pre().is_some() && v.dev().is_some() && v.post().is_none())),
        ("dev of first pre", count(|v| v.pre().is_some_and(|pre| pre.number == 0) && v.dev().is_some())),
        ("post of pre", count(|v| v.pre().is_some() && v.post().is_some() && v.dev().is_none())),
        ("dev of post of pre", count(|v| v.pre().is_some() && v.post().is_some() && v.dev().is_some())),
        ("dev of post", count(|v| v.pre().is_none() && v.post().is_some() && v.dev().is_some())),
        ("dev", count(|v| v.pre().is_none() && v.post().is_none() && v.dev().is_some())),
        ("local", count(Version::is_local)),
        ("epoch", count(|v| v.epoch() > 0)),
    ] {
        assert!(count >= 10, "{kind}: {count}");
    }
    assert!(versions.windows(2).all(|pair| pair[0].cmp(&pair[1]) == Ordering::Less));
}
