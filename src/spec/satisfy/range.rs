//! Versions as package managers compare them, and whether two ranges of them have one in common.

use std::cmp::Ordering;

use rpm_version::Evr;

use crate::distribution::{PackageFormat, compare_debian_versions};
use crate::plan::Comparison;

/// Which side of a version is meant, and the version itself. Of rpm: `RPMSENSE_LESS`, `RPMSENSE_EQUAL`, `RPMSENSE_GREATER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sense {
    pub less: bool,
    pub equal: bool,
    pub greater: bool,
}

impl Sense {
    /// Of an operator as rpm, dpkg and repodata (`EQ`) write it.
    pub fn of(operator: &str) -> Option<Self> {
        let (less, equal, greater) = match operator {
            "<" | "<<" | "LT" => (true, false, false),
            "<=" | "=<" | "LE" => (true, true, false),
            "=" | "==" | "EQ" => (false, true, false),
            ">=" | "=>" | "GE" => (false, true, true),
            ">" | ">>" | "GT" => (false, false, true),
            _ => return None,
        };
        Some(Self { less, equal, greater })
    }

    pub fn text(self) -> &'static str {
        match (self.less, self.equal, self.greater) {
            (true, true, _) => "<=",
            (true, false, _) => "<",
            (false, true, true) => ">=",
            (false, false, true) => ">",
            (false, _, false) => "=",
        }
    }
}

impl From<Comparison> for Sense {
    fn from(comparison: Comparison) -> Self {
        let (less, equal, greater) = match comparison {
            Comparison::Less => (true, false, false),
            Comparison::LessOrEqual => (true, true, false),
            Comparison::Equal => (false, true, false),
            Comparison::GreaterOrEqual => (false, true, true),
            Comparison::Greater => (false, false, true),
        };
        Self { less, equal, greater }
    }
}

/// `[epoch:]version[-release]` and the side of it that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range<'a> {
    pub sense: Sense,
    pub version: &'a str,
}

/// Do a provided and a required range have a version in common? Nothing said of the version is any version; but
/// on Debian, what is provided without a version meets no requirement for one (Debian policy, 7.5).
pub fn overlap(format: PackageFormat, provided: Option<Range<'_>>, required: Option<Range<'_>>) -> bool {
    let stated = |range: Option<Range<'_>>| range.is_some_and(|range| !range.version.is_empty());
    match (provided, required) {
        (Some(provided), Some(required)) if stated(Some(provided)) && stated(Some(required)) => {
            meet(format, provided, required)
        }
        (provided, required) => format == PackageFormat::Rpm || stated(provided) || !stated(required),
    }
}

/// `rpmverOverlap` of rpm (`rpmio/rpmver.c`).
fn meet(format: PackageFormat, left: Range<'_>, right: Range<'_>) -> bool {
    let order = match format {
        PackageFormat::Deb => compare_debian_versions(left.version, right.version),
        PackageFormat::Rpm => {
            let (one, other) = (parts(left.version), parts(right.version));
            let order = compare_heads(one, other);
            if order.is_eq() && (one.2.is_empty() || other.2.is_empty()) {
                // A side without release stands for all releases, if it has the version itself in it.
                if (!one.2.is_empty() && right.sense.equal) || (!other.2.is_empty() && left.sense.equal) {
                    return true;
                }
                order
            } else {
                order.then_with(|| part(one.2, other.2))
            }
        }
    };
    let (left, right) = (left.sense, right.sense);
    match order {
        Ordering::Less => left.greater || right.less,
        Ordering::Greater => left.less || right.greater,
        Ordering::Equal => (left.equal && right.equal) || (left.less && right.less) || (left.greater && right.greater),
    }
}

/// The order of two versions, for showing the newest first. Of rpm, releases count where both have one.
pub fn compare(format: PackageFormat, left: &str, right: &str) -> Ordering {
    match format {
        PackageFormat::Deb => compare_debian_versions(left, right),
        PackageFormat::Rpm => {
            let (left, right) = (parts(left), parts(right));
            compare_heads(left, right).then_with(|| part(left.2, right.2))
        }
    }
}

/// Epoch, version, release (`rpmverParse`): an epoch is digits before a colon, the release is what follows the last hyphen.
fn parts(evr: &str) -> (&str, &str, &str) {
    let digits = evr.bytes().take_while(u8::is_ascii_digit).count();
    let (epoch, rest) = match evr.split_at(digits) {
        (epoch, rest) if rest.starts_with(':') => (epoch, &rest[1..]),
        _ => ("", evr),
    };
    let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
    (epoch, version, release)
}

/// Epoch and version; an epoch that is not said is 0.
fn compare_heads(left: (&str, &str, &str), right: (&str, &str, &str)) -> Ordering {
    let epoch = |text: &str| text.trim_start_matches('0').to_owned();
    let (one, other) = (epoch(left.0), epoch(right.0));
    one.len().cmp(&other.len()).then_with(|| one.cmp(&other)).then_with(|| part(left.1, right.1))
}

/// `rpmvercmp`.
fn part(left: &str, right: &str) -> Ordering {
    Evr::new("", left, "").cmp(&Evr::new("", right, ""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

    use super::*;
    use crate::exec::Command;

    const OPERATORS: [&str; 5] = ["<", "<=", "=", ">=", ">"];

    fn evr() -> BoxedStrategy<String> {
        let epoch = prop_oneof![6 => Just(""), 1 => Just("0:"), 1 => Just("1:"), 1 => Just("01:"), 1 => Just("12:")];
        let known = prop::sample::select(vec![
            "1", "1.0", "1.0.0", "01", "2", "10", "1~rc1", "1~~dev1", "1^post1", "1a", "1.a", "a", "a1",
        ]);
        let version = prop_oneof![3 => known.prop_map(str::to_owned), 2 => "[0-2a-b.~^+_]{1,6}"];
        let release = prop_oneof![3 => Just(String::new()), 1 => Just("-1".to_owned()), 2 => "-[0-2a-b.~^]{1,4}"];
        (epoch, version, release).prop_map(|(epoch, version, release)| format!("{epoch}{version}{release}")).boxed()
    }

    /// rpm's own `rpmdsCompare`, on thousands of pairs that are the same on every run.
    #[test]
    fn ranges_overlap_as_in_rpm() {
        const SCRIPT: &str = "import json, rpm, sys\n\
            S = {'': 0, '<': rpm.RPMSENSE_LESS, '<=': rpm.RPMSENSE_LESS | rpm.RPMSENSE_EQUAL, '=': rpm.RPMSENSE_EQUAL,\n\
            \x20    '>=': rpm.RPMSENSE_GREATER | rpm.RPMSENSE_EQUAL, '>': rpm.RPMSENSE_GREATER}\n\
            ds = lambda sense, evr, tag: rpm.ds(('x', S[sense], evr), tag)\n\
            for a, b, c, d in json.load(open(sys.argv[1])):\n\
            \x20   print(int(ds(a, b, rpm.RPMTAG_PROVIDENAME).Compare(ds(c, d, rpm.RPMTAG_REQUIRENAME))))\n";
        let side = || {
            let stated = (prop::sample::select(OPERATORS.to_vec()), evr());
            prop_oneof![1 => Just(("", String::new())), 12 => stated]
        };
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[3; 32]);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let pairs = prop::collection::vec((side(), side()), 6000).new_tree(&mut runner).unwrap().current();
        let rows = pairs.iter().map(|((a, b), (c, d))| [*a, b.as_str(), *c, d.as_str()]).collect::<Vec<_>>();
        let file = tempfile::NamedTempFile::new().unwrap();
        fs_err::write(file.path(), serde_json::to_string(&rows).unwrap()).unwrap();
        // Debian's own Python, which has rpm's module.
        let command = Command::new("/usr/bin/python3").args(["-c", SCRIPT]).arg(file.path());
        let output = command.run_checked().unwrap().stdout_text();
        let answers = output.split_whitespace().map(|answer| answer == "1").collect::<Vec<_>>();
        assert_eq!(answers.len(), rows.len());
        let range = |operator, version| Sense::of(operator).map(|sense| Range { sense, version });
        let mut wrong = Vec::new();
        for ([a, b, c, d], answer) in rows.iter().zip(&answers) {
            if overlap(PackageFormat::Rpm, range(a, b), range(c, d)) != *answer {
                wrong.push(format!("x {a} {b} provided, x {c} {d} required: rpm says {answer}"));
            }
        }
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong[..wrong.len().min(20)].join("\n"));
        assert!(answers.iter().filter(|answer| **answer).count() > 1000);
        assert!(answers.iter().filter(|answer| !**answer).count() > 1000);
    }

    #[test]
    fn debian_wants_a_version_where_one_is_asked_for() {
        let range = |operator, version| Sense::of(operator).map(|sense| Range { sense, version });
        let deb = |provided, required| overlap(PackageFormat::Deb, provided, required);
        assert!(deb(None, None));
        assert!(deb(range("=", "1.0-1"), None));
        assert!(!deb(None, range(">=", "1")));
        assert!(overlap(PackageFormat::Rpm, None, range(">=", "1")));
        assert!(deb(range("=", "1.0-1"), range(">>", "1.0")));
        assert!(!deb(range("=", "1.0-1"), range("=", "1.0")));
        assert!(deb(range("=", "1.0~rc1-1"), range("<<", "1.0")));
        assert!(!deb(range("=", "2:0.1-1"), range("<=", "1.0")));
    }
}
