//! The version of a source package.

use std::str::FromStr;

use pep440_rs::Version;

use crate::plan::{self, BuildPlan, Evr, EvrSettings};
use crate::project::VersionScheme;

/// The version of the source package of `plan`, whatever the version scheme of its binary packages: the orig tarball is named by
/// the version without the revision, and an archive takes no second one of that name. So it is `2.0~rc1`, which goes before `2.0`
/// (<https://wiki.debian.org/Versioning>), where a binary package may be `2.0-0.rc.1`.
pub fn source(plan: &BuildPlan) -> Evr {
    let own = plan.evr.clone();
    let Ok(version) = Version::from_str(&plan.version) else { return own };
    if !version.any_prerelease() || own.version.contains('~') {
        return own;
    }
    // `0.rc.1+R2`: what the user says is behind the pre-release.
    let release = own.release.rsplit_once("+R").map_or("1", |(_, release)| release);
    let epoch = own.epoch.saturating_sub(u32::try_from(version.epoch()).unwrap_or(0));
    let settings = EvrSettings { scheme: VersionScheme::Tilde, release, epoch };
    plan::evr(&plan.version, settings, &plan.distribution).unwrap_or(own)
}
