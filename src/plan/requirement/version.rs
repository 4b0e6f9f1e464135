//! Versions of the package index as versions in relations of rpm.

use pep440_rs::{Prerelease, PrereleaseKind, Version};

/// As the generators of Fedora and EL 9 write them: without zeros at the end of the release segment, what comes before the
/// release after `~`, what comes after it after `^`. Of a pre-release's post and dev parts, and of a development release's
/// post part, nothing stays, and nothing of local versions: so it is in the versions that packages provide.
#[must_use]
pub fn normalised(version: &Version) -> String {
    let suffix = match (version.pre(), version.dev(), version.post()) {
        (Some(pre), _, _) => format!("~{}", pre_release(pre)),
        (None, Some(dev), _) => format!("~~dev{dev}"),
        (None, None, Some(post)) => format!("^post{post}"),
        (None, None, None) => String::new(),
    };
    format!("{}{}{suffix}", epoch(version), dotted(trimmed(version.release())))
}

/// Is it more than its release segment? Local parts do not count.
#[must_use]
pub fn is_suffixed(version: &Version) -> bool {
    version.pre().is_some() || version.dev().is_some() || version.post().is_some()
}

/// The release segment without zeros at its end.
#[must_use]
pub fn trimmed(release: &[u64]) -> &[u64] {
    let end = release.iter().rposition(|part| *part != 0).map_or(1, |last| last + 1);
    release.get(..end).unwrap_or(release)
}

/// The first release that is none of `release.*`: its last part is one more.
#[must_use]
pub fn successor(release: &[u64]) -> Vec<u64> {
    let mut next = release.to_vec();
    if let Some(last) = next.last_mut() {
        *last = last.saturating_add(1);
    }
    next
}

/// `1.4`
#[must_use]
pub fn dotted(release: &[u64]) -> String {
    release.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

/// `1:`, or nothing.
#[must_use]
pub fn epoch(version: &Version) -> String {
    match version.epoch() {
        0 => String::new(),
        epoch => format!("{epoch}:"),
    }
}

/// `rc1`
#[must_use]
pub fn pre_release(Prerelease { kind, number }: Prerelease) -> String {
    let word = match kind {
        PrereleaseKind::Alpha => "a",
        PrereleaseKind::Beta => "b",
        PrereleaseKind::Rc => "rc",
    };
    format!("{word}{number}")
}
