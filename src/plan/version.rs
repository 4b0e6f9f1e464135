//! PEP 440 versions to EVRs that the package manager sorts the same way.
//!
//! The order to keep, for one release segment (PEP 440, "Summary of permitted suffixes and relative ordering"):
//!
//! ```text
//! 1.0.dev1 < 1.0a1.dev1 < 1.0a1 < 1.0a1.post1.dev1 < 1.0a1.post1 < 1.0b1 < 1.0rc1 < 1.0 < 1.0+local
//!          < 1.0.post1.dev1 < 1.0.post1 < 1.0.post1+local
//! ```
//!
//! rpm sorts digits after letters at the same place, dpkg letters after digits; both sort what goes on after what has
//! ended, and words by their letters. So in scheme `release` words only ever compete with words, and numbers with
//! numbers:
//!
//! | PEP 440 | EVR |
//! |---|---|
//! | `1.0.dev3` | `1.0-0.dev.3` |
//! | `1.0a1`, `1.0b1` | `1.0-0.pre.alpha.1`, `1.0-0.pre.beta.1` (`alpha` alone would sort before `dev`) |
//! | `1.0rc1` | `1.0-0.rc.1` |
//! | `1.0rc1+x` < `1.0rc1.post2` | `1.0-0.rc.1.local.x` < `1.0-0.rc.1.post.2` |
//! | `1.0rc2.dev5`, after all of those and before rc 2 | `1.0-0.rc.1.until.2.dev.5` |
//! | `1.0a0.dev5`, `1.0b0.dev5`, `1.0rc0.dev5` | `1.0-0.pre.adev.5`, `1.0-0.pre.bdev.5`, `1.0-0.pre.rcdev.5` |
//! | `1.0`, `1.0+x` | `1.0-1`, `1.0-1.x` |
//! | `1.0.post1.dev2`, `1.0.post1` | `1.0.post1-0.dev.2`, `1.0.post1-1`; for dpkg `1.0+post1-0.dev.2`, `1.0+post1-1` |
//!
//! A `release` of the user other than `1` takes the place of the `1`, and follows a pre-release as `+R2`: an upper-case
//! letter sorts before all that a later version could have there.
//!
//! Scheme `tilde` has `1.0~~dev3`, `1.0~a1~dev2`, `1.0~a1`, `1.0~rc1.post1~dev2`, `1.0.post1~dev2` as version, and the
//! local part in the release as above.
//!
//! What no package manager can sort as PEP 440 does: versions with release segments of different lengths (`1.0` and
//! `1.0.0` are equal in PEP 440), local parts that mix letters and digits (`g3d644b1`), and for dpkg a number against
//! a word in the same place of two local parts.

use std::str::FromStr;

use pep440_rs::{LocalSegment, Prerelease, PrereleaseKind, Version};

use super::{Error, Evr};
use crate::distribution::{Distribution, PackageFormat};
use crate::project::VersionScheme;

/// The user's part of an EVR, beside the version.
#[derive(Debug, Clone, Copy)]
pub struct EvrSettings<'a> {
    pub scheme: VersionScheme,
    /// `1`
    pub release: &'a str,
    /// Added to the epoch of the version.
    pub epoch: u32,
}

/// Maps a PEP 440 version for a target.
///
/// # Errors
/// When `version` is not PEP 440, the release is not one that sorts, or scheme `tilde` is asked of an rpm that does not
/// know `~` (before 4.10).
pub fn evr(version: &str, settings: EvrSettings<'_>, distribution: &Distribution) -> Result<Evr, Error> {
    let parsed = Version::from_str(version)
        .map_err(|error| Error::Version { version: version.to_owned(), reason: error.to_string() })?;
    check_release(settings.release, distribution)?;
    let epoch = u32::try_from(parsed.epoch())
        .ok()
        .and_then(|epoch| epoch.checked_add(settings.epoch))
        .filter(|epoch| *epoch <= i32::MAX as u32)
        .ok_or_else(|| Error::Version { version: version.to_owned(), reason: "its epoch is too large".to_owned() })?;
    match settings.scheme {
        VersionScheme::Release => {
            let (version, release) = release_scheme(&parsed, settings.release, post_word(distribution));
            Ok(Evr { epoch, version, release })
        }
        VersionScheme::Tilde if !distribution.tilde() && parsed.any_prerelease() => Err(Error::NoTilde {
            distribution: distribution.name.clone(),
            tool_version: distribution.format_version.to_string(),
        }),
        VersionScheme::Tilde => {
            let version = tilde_version(&parsed, post_word(distribution));
            Ok(Evr { epoch, version, release: with_local(settings.release, &parsed) })
        }
    }
}

/// A release has to begin with a number of 1 or more, since 0 is where pre-releases are, and to consist of what both
/// rpm and dpkg allow (Debian policy, 5.6.12).
fn check_release(release: &str, distribution: &Distribution) -> Result<(), Error> {
    let wrong = |reason: &str| Err(Error::Release { release: release.to_owned(), reason: reason.to_owned() });
    if !release.chars().all(|c| c.is_ascii_alphanumeric() || ".+~".contains(c)) {
        return wrong("only letters, digits, `.`, `+` and `~` are allowed");
    }
    if release.contains('~') && !distribution.tilde() {
        return wrong(&format!("rpm {} of {} does not know `~`", distribution.format_version, distribution.name));
    }
    match release.chars().next() {
        Some('1'..='9') => Ok(()),
        _ => wrong("it has to begin with a number of 1 or more; pre-releases get their `0.` by themselves"),
    }
}

/// What a post-release adds to the version. dpkg sorts the letters of `1.0.post1` after the number of `1.0.1`, and `+`
/// before the full stop (Debian policy, 5.6.12); rpm sorts numbers after letters.
fn post_word(distribution: &Distribution) -> &'static str {
    match distribution.format {
        PackageFormat::Rpm => ".post",
        PackageFormat::Deb => "+post",
    }
}

fn release_scheme(version: &Version, release: &str, post_word: &str) -> (String, String) {
    let base = release_segment(version);
    if let Some(pre) = version.pre() {
        let stem = pre_release(pre, version);
        return (base, with_rebuild(&stem, release));
    }
    let base = match version.post() {
        Some(post) => format!("{base}{post_word}{post}"),
        None => base,
    };
    match version.dev() {
        Some(dev) => (base, with_rebuild(&with_local(&format!("0.dev.{dev}"), version), release)),
        None => (base, with_local(release, version)),
    }
}

/// The release of `a`, `b` and `rc` versions, with their posts, devs and local parts.
fn pre_release(pre: Prerelease, version: &Version) -> String {
    let (word, before_first) = match pre.kind {
        PrereleaseKind::Alpha => ("0.pre.alpha", "0.pre.adev"),
        PrereleaseKind::Beta => ("0.pre.beta", "0.pre.bdev"),
        PrereleaseKind::Rc => ("0.rc", "0.pre.rcdev"),
    };
    let number = pre.number;
    let stem = format!("{word}.{number}");
    match (version.post(), version.dev()) {
        (None, None) => with_named_local(&stem, version),
        (None, Some(dev)) => with_local(&before(word, before_first, number, dev), version),
        (Some(post), None) => with_named_local(&format!("{stem}.post.{post}"), version),
        (Some(post), Some(dev)) => {
            with_local(&before(&format!("{stem}.post"), &format!("{stem}.pdev"), post, dev), version)
        }
    }
}

/// A development version of `<word>.<number>` sorts before that, but after all that follows its predecessor.
fn before(word: &str, before_first: &str, number: u64, dev: u64) -> String {
    match number.checked_sub(1) {
        Some(predecessor) => format!("{word}.{predecessor}.until.{number}.dev.{dev}"),
        None => format!("{before_first}.{dev}"),
    }
}

fn tilde_version(version: &Version, post_word: &str) -> String {
    let mut text = release_segment(version);
    if let Some(Prerelease { kind, number }) = version.pre() {
        let word = match kind {
            PrereleaseKind::Alpha => "a",
            PrereleaseKind::Beta => "b",
            PrereleaseKind::Rc => "rc",
        };
        text.push_str(&format!("~{word}{number}"));
    }
    if let Some(post) = version.post() {
        text.push_str(&format!("{post_word}{post}"));
    }
    if let Some(dev) = version.dev() {
        // `~~` sorts before `~`: 1.0.dev1 is before 1.0a1.
        let tilde = if version.pre().is_none() && version.post().is_none() { "~~" } else { "~" };
        text.push_str(&format!("{tilde}dev{dev}"));
    }
    text
}

fn release_segment(version: &Version) -> String {
    version.release().iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

/// `1` and `+99.g3d644b1` are `1.99.g3d644b1`.
fn with_local(text: &str, version: &Version) -> String {
    append_local(text, "", version)
}

/// Where posts may follow: `local` sorts before `post`.
fn with_named_local(text: &str, version: &Version) -> String {
    append_local(text, ".local", version)
}

fn append_local(text: &str, word: &str, version: &Version) -> String {
    if version.local().is_empty() {
        return text.to_owned();
    }
    let segments = version.local().iter().map(|segment| match segment {
        LocalSegment::String(text) => text.clone(),
        LocalSegment::Number(number) => number.to_string(),
    });
    format!("{text}{word}.{}", segments.collect::<Vec<_>>().join("."))
}

fn with_rebuild(text: &str, release: &str) -> String {
    if release == "1" { text.to_owned() } else { format!("{text}+R{release}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::Catalogue;

    fn map(version: &str, release: &str, scheme: VersionScheme) -> String {
        let distribution = Catalogue::embedded().unwrap().get("rocky-9").unwrap().clone();
        let Evr { epoch, version, release } =
            evr(version, EvrSettings { scheme, release, epoch: 0 }, &distribution).unwrap();
        if epoch == 0 { format!("{version}-{release}") } else { format!("{epoch}:{version}-{release}") }
    }

    #[test]
    fn the_release_scheme_gives_what_is_expected() {
        for (version, expected) in [
            ("0.1.0", "0.1.0-1"),
            ("0.1.0+99.g3d644b1", "0.1.0-1.99.g3d644b1"),
            ("0.1.1rc1", "0.1.1-0.rc.1"),
            ("0.2.0.dev1", "0.2.0-0.dev.1"),
            ("0.2.0.dev3+100.g3d644b2.dirty", "0.2.0-0.dev.3.100.g3d644b2.dirty"),
            ("1.0a2", "1.0-0.pre.alpha.2"),
            ("1.0b2+x.1", "1.0-0.pre.beta.2.local.x.1"),
            ("1.0rc1.post2", "1.0-0.rc.1.post.2"),
            ("1.0rc2.dev5", "1.0-0.rc.1.until.2.dev.5"),
            ("1.0rc0.dev5", "1.0-0.pre.rcdev.5"),
            ("1.0rc1.post0.dev5", "1.0-0.rc.1.pdev.5"),
            ("1.0.post1", "1.0.post1-1"),
            ("1.0.post1.dev2", "1.0.post1-0.dev.2"),
            ("2!1.0", "2:1.0-1"),
        ] {
            assert_eq!(map(version, "1", VersionScheme::Release), expected, "{version}");
        }
    }

    #[test]
    fn a_release_of_the_user_takes_part() {
        assert_eq!(map("0.1.0", "2", VersionScheme::Release), "0.1.0-2");
        assert_eq!(map("0.1.0+5.gab", "2.el9", VersionScheme::Release), "0.1.0-2.el9.5.gab");
        assert_eq!(map("0.1.0rc1", "2", VersionScheme::Release), "0.1.0-0.rc.1+R2");
        assert_eq!(map("0.1.0rc1", "2", VersionScheme::Tilde), "0.1.0~rc1-2");
    }

    #[test]
    fn the_tilde_scheme_puts_pre_releases_into_the_version() {
        for (version, expected) in [
            ("0.1.1rc1", "0.1.1~rc1-1"),
            ("1.0.dev3+9.gab", "1.0~~dev3-1.9.gab"),
            ("1.0a1.dev2", "1.0~a1~dev2-1"),
            ("1.0.post1.dev2", "1.0.post1~dev2-1"),
        ] {
            assert_eq!(map(version, "1", VersionScheme::Tilde), expected, "{version}");
        }
    }

    #[test]
    fn what_cannot_be_mapped_is_refused() {
        let catalogue = Catalogue::embedded().unwrap();
        let old = catalogue.get("centos-6").unwrap();
        let with = |version: &str, release: &str, scheme| evr(version, EvrSettings { scheme, release, epoch: 0 }, old);
        assert!(matches!(with("1.0rc1", "1", VersionScheme::Tilde), Err(Error::NoTilde { .. })));
        assert!(with("1.0", "1", VersionScheme::Tilde).is_ok(), "no tilde is needed");
        assert!(matches!(with("new", "1", VersionScheme::Release), Err(Error::Version { .. })));
        assert!(matches!(with("99999999999!1.0", "1", VersionScheme::Release), Err(Error::Version { .. })));
        for release in ["", "0.1", "a", "1-2", "1 2", "1%{x}", "1\n", "1~2"] {
            assert!(matches!(with("1.0", release, VersionScheme::Release), Err(Error::Release { .. })), "{release:?}");
        }
    }
}
