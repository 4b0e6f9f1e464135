//! What PEP 440's operators mean in versions of rpm.

use pep440_rs::{Operator, Version, VersionSpecifier};

use super::version::{dotted, epoch, is_suffixed, normalised, pre_release, successor, trimmed};
use crate::plan::Comparison;

/// What is asked of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    Compare(Comparison, String),
    /// Both have to hold.
    Both([(Comparison, String); 2]),
    /// All but one version, which some packages write in one of several ways, is below the first or above the second.
    Except {
        below: String,
        above: (Comparison, String),
        ways: Vec<String>,
    },
}

/// Whose versions are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// Those that the generator of Fedora provides.
    Generator,
    /// Those of packages, which have upstream's version as it was published: `2.20` or `2.20.0`. `tilde`: pre-releases
    /// stand after `~`, and not in the release.
    Upstream { tilde: bool },
    /// Those of packages of Debian, which have a revision behind upstream's version, and some an epoch before it.
    Debian { epoch: u32 },
}

impl Rules {
    #[must_use]
    pub fn expression(self, specifier: &VersionSpecifier) -> Expression {
        match self {
            Self::Generator => generator(specifier),
            Self::Upstream { tilde } => Upstream { tilde }.expression(specifier),
            Self::Debian { epoch } => debian(specifier, epoch),
        }
    }
}

/// As `pythondistdeps.py` does since 12-9. That of EL 9 (12-8) provides the same, but for `<`, `>` and `!=1.*` it lets pre- and
/// post-releases of the bound in, and keeps the first version after `1.*` out. `~=` and `==1.*` let pre-releases of their
/// upper bound in, in all generations of it.
fn generator(specifier: &VersionSpecifier) -> Expression {
    let version = specifier.version();
    let text = normalised(version);
    let final_release = !is_suffixed(version);
    match specifier.operator() {
        Operator::TildeEqual => {
            let series = version.release().split_last().map_or(version.release(), |(_, series)| series);
            both(text, upper(version, series))
        }
        Operator::EqualStar => both(text, upper(version, version.release())),
        Operator::Equal | Operator::ExactEqual => Expression::Compare(Comparison::Equal, text),
        Operator::NotEqual => {
            Expression::Except { below: text.clone(), above: (Comparison::Greater, text.clone()), ways: vec![text] }
        }
        Operator::NotEqualStar => except_series(format!("{text}~~"), upper(version, version.release())),
        Operator::LessThan if final_release => Expression::Compare(Comparison::Less, format!("{text}~~")),
        Operator::LessThan => Expression::Compare(Comparison::Less, text),
        Operator::GreaterThan if final_release => Expression::Compare(Comparison::Greater, format!("{text}.0")),
        Operator::GreaterThan => Expression::Compare(Comparison::Greater, text),
        Operator::LessThanEqual => Expression::Compare(Comparison::LessOrEqual, text),
        Operator::GreaterThanEqual => Expression::Compare(Comparison::GreaterOrEqual, text),
    }
}

fn both(low: String, high: String) -> Expression {
    Expression::Both([(Comparison::GreaterOrEqual, low), (Comparison::Less, high)])
}

fn except_series(below: String, next: String) -> Expression {
    Expression::Except { below, above: (Comparison::GreaterOrEqual, next), ways: Vec::new() }
}

/// The first release after those of `series`.
fn upper(version: &Version, series: &[u64]) -> String {
    format!("{}{}", epoch(version), dotted(trimmed(&successor(series))))
}

/// As many parts as releases usually have: `2.20` may have been published as `2.20.0`, which rpm sorts after it.
const PARTS: usize = 3;

struct Upstream {
    tilde: bool,
}

impl Upstream {
    fn expression(&self, specifier: &VersionSpecifier) -> Expression {
        let version = specifier.version();
        let (low, high) = (self.low(version), self.high(version));
        let release = version.release();
        // A pre-release whose package has the version of the release itself.
        let hidden = version.any_prerelease() && !self.tilde;
        match specifier.operator() {
            Operator::NotEqual if hidden => except_series(version.to_string(), low),
            Operator::GreaterThan if hidden => Expression::Compare(Comparison::GreaterOrEqual, low),
            Operator::TildeEqual => {
                let series = release.split_last().map_or(release, |(_, series)| series);
                both(self.least(version), self.before(upper(version, series)))
            }
            Operator::EqualStar => both(low, self.before(upper(version, release))),
            Operator::Equal | Operator::ExactEqual if low == high => Expression::Compare(Comparison::Equal, low),
            Operator::Equal | Operator::ExactEqual => {
                Expression::Both([(Comparison::GreaterOrEqual, low), (Comparison::LessOrEqual, high)])
            }
            Operator::NotEqual => {
                let ways = self.ways(version);
                Expression::Except { below: low, above: (Comparison::Greater, high), ways }
            }
            Operator::NotEqualStar => except_series(self.before(low), upper(version, release)),
            Operator::LessThan if is_suffixed(version) => {
                Expression::Compare(Comparison::Less, self.most(version).unwrap_or(low))
            }
            Operator::LessThan => Expression::Compare(Comparison::Less, self.before(low)),
            Operator::GreaterThan if version.any_prerelease() => {
                Expression::Compare(Comparison::Greater, self.least(version))
            }
            Operator::GreaterThan if is_suffixed(version) => Expression::Compare(Comparison::Greater, high),
            // Post-releases (`2.20.0.post1`) sort before a further number.
            Operator::GreaterThan => Expression::Compare(Comparison::Greater, format!("{high}.0")),
            Operator::LessThanEqual => Expression::Compare(Comparison::LessOrEqual, self.most(version).unwrap_or(high)),
            Operator::GreaterThanEqual => Expression::Compare(Comparison::GreaterOrEqual, self.least(version)),
        }
    }

    /// Not above what packages may write for it or for any later version: `2.0rc1` may be `2~rc1`, and the release after it
    /// `2`, which sorts before `2.0~rc1`.
    fn least(&self, version: &Version) -> String {
        match self.suffix(version).filter(|_| version.any_prerelease()) {
            Some(suffix) => format!("{}{}{suffix}", epoch(version), dotted(trimmed(version.release()))),
            None => self.low(version),
        }
    }

    /// Of a post-release, not below what packages may write for it or for any earlier version: before `1.post1` is `1`, which
    /// may be `1.0`, and that sorts after `1.post1`.
    fn most(&self, version: &Version) -> Option<String> {
        let suffix = self.suffix(version).filter(|_| version.is_post() && version.pre().is_none())?;
        Some(format!("{}{}{suffix}", epoch(version), dotted(&padded(trimmed(version.release()), PARTS))))
    }

    /// The lowest that packages may write for it.
    fn low(&self, version: &Version) -> String {
        match self.suffix(version) {
            Some(suffix) => format!("{}{}{suffix}", epoch(version), dotted(version.release())),
            None => format!("{}{}", epoch(version), dotted(trimmed(version.release()))),
        }
    }

    /// The highest that packages may write for it.
    fn high(&self, version: &Version) -> String {
        match self.suffix(version) {
            Some(suffix) => format!("{}{}{suffix}", epoch(version), dotted(version.release())),
            None => format!("{}{}", epoch(version), dotted(&padded(trimmed(version.release()), PARTS))),
        }
    }

    /// All that packages may write for it.
    fn ways(&self, version: &Version) -> Vec<String> {
        if self.suffix(version).is_some() {
            return vec![self.low(version)];
        }
        let release = trimmed(version.release());
        let lengths = release.len()..=release.len().max(PARTS);
        lengths.map(|length| format!("{}{}", epoch(version), dotted(&padded(release, length)))).collect()
    }

    /// What follows the release segment in the version of a package; nothing where pre-releases stand in its release.
    fn suffix(&self, version: &Version) -> Option<String> {
        let (pre, dev) = (version.pre(), version.dev());
        if (pre.is_some() || dev.is_some()) && !self.tilde {
            return None;
        }
        let mut text = pre.map(|pre| format!("~{}", pre_release(pre))).unwrap_or_default();
        if let Some(post) = version.post() {
            text.push_str(&format!(".post{post}"));
        }
        if let Some(dev) = dev {
            text.push_str(&format!("~~dev{dev}"));
        }
        (!text.is_empty()).then_some(text)
    }

    /// Before the pre-releases of `text`, where they can be told.
    fn before(&self, text: String) -> String {
        if self.tilde { format!("{text}~~") } else { text }
    }
}

/// A version is never equal to one of upstream's, for there is a revision: `2.20` is whatever is at least that and before
/// `2.20.0.0~~`, which `2.20.0-1` and `2.20.0+dfsg-1` are. An epoch is the packages' own; that of PEP 440 is none of theirs.
fn debian(specifier: &VersionSpecifier, epoch: u32) -> Expression {
    let rules = Upstream { tilde: true };
    let version = &specifier.version().clone().with_epoch(0);
    let release = version.release();
    let with_epoch = |text: String| if epoch == 0 { text } else { format!("{epoch}:{text}") };
    let (low, least) = (with_epoch(rules.low(version)), with_epoch(rules.least(version)));
    let after = with_epoch(format!("{}.0~~", rules.high(version)));
    let before = |series: &[u64]| with_epoch(rules.before(upper(version, series)));
    let from = |text| Expression::Compare(Comparison::GreaterOrEqual, text);
    let below = |text| Expression::Compare(Comparison::Less, text);
    match specifier.operator() {
        Operator::TildeEqual => both(least, before(release.split_last().map_or(release, |(_, series)| series))),
        Operator::EqualStar => both(low, before(release)),
        Operator::Equal | Operator::ExactEqual => both(low, after),
        Operator::NotEqual => except_series(low, after),
        Operator::NotEqualStar => except_series(rules.before(low), with_epoch(upper(version, release))),
        Operator::LessThan if is_suffixed(version) => below(rules.most(version).map_or(low, with_epoch)),
        Operator::LessThan => below(rules.before(low)),
        Operator::GreaterThan if version.any_prerelease() => from(least),
        Operator::GreaterThan => from(after),
        Operator::LessThanEqual => below(rules.most(version).map_or(after, |most| with_epoch(format!("{most}.0~~")))),
        Operator::GreaterThanEqual => from(least),
    }
}

/// With zeros at its end, until it has `length` parts.
fn padded(release: &[u64], length: usize) -> Vec<u64> {
    let mut padded = release.to_vec();
    padded.resize(padded.len().max(length), 0);
    padded
}
