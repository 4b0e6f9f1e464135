//! What a wheel brings, for those who have it installed by something else.

use super::wheel::{MemberKind, OpenWheel};
use super::{BundledDistribution, Content, Error, LayoutError, WheelProblem, entry_points};
use crate::distribution::ToolVersion;
use crate::resolve::Wheel;

/// A checked wheel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WheelContent {
    pub distribution: BundledDistribution,
    /// Programs by name, as they are called for the Python that runs them.
    pub programs: Vec<String>,
    /// File names of shared libraries that other files may need by name (`libfoo-1a2b.so.1`).
    pub libraries: Vec<String>,
    /// Is it for one kind of machine?
    pub native: bool,
}

/// Looks into `wheel`, which is to be installed for Python `version`.
///
/// # Errors
/// When it is damaged, hostile or editable, or has a link or a place that no installation scheme has.
pub fn describe(wheel: &Wheel, version: ToolVersion) -> Result<WheelContent, Error> {
    const SCHEMES: [&str; 5] = ["purelib", "platlib", "scripts", "headers", "data"];
    let open = OpenWheel::open(wheel)?;
    let wrong = |problem: WheelProblem| -> LayoutError { problem.of(&open.file_name) };
    let scripts = entry_points::name_for_python(open.scripts.clone(), version);
    let mut programs = scripts.into_iter().map(|script| script.name).collect::<Vec<_>>();
    let mut libraries = Vec::new();
    for member in &open.members {
        if let MemberKind::Symlink(target) = &member.kind {
            let (member, target) = (member.name.clone(), target.clone());
            return Err(wrong(WheelProblem::Symlink { member, target }).into());
        }
        let file = member.name.rsplit('/').next().unwrap_or(&member.name);
        if file.starts_with("lib") && (file.ends_with(".so") || file.contains(".so.")) {
            libraries.push(file.to_owned());
        }
        let Some((_, place)) = member.name.split_once('/').filter(|(top, _)| top.ends_with(".data")) else { continue };
        let (scheme, rest) = place.split_once('/').unwrap_or((place, ""));
        if !SCHEMES.contains(&scheme) {
            return Err(wrong(WheelProblem::Scheme(member.name.clone())).into());
        }
        if scheme == "scripts" && !rest.contains('/') {
            programs.push(rest.to_owned());
        }
    }
    programs.sort();
    programs.dedup();
    libraries.sort();
    libraries.dedup();
    Ok(WheelContent {
        distribution: BundledDistribution {
            name: wheel.name.as_str().into(),
            version: open.version.as_str().into(),
            license: open.license.clone(),
            role: wheel.role,
        },
        programs,
        libraries,
        native: !wheel.file_name.ends_with("-any.whl"),
    })
}

/// Names and contents of the files of `wheel`, by name: sound paths, none of which leaves the tree that it is unpacked into.
/// Links among the modules are left out.
///
/// # Errors
/// As [`describe`].
pub fn wheel_files(wheel: &Wheel) -> Result<Vec<(String, Content)>, Error> {
    let open = OpenWheel::open(wheel)?;
    let mut files = Vec::with_capacity(open.members.len());
    for member in open.members {
        match member.kind {
            MemberKind::File(content) => files.push((member.name, content)),
            MemberKind::Symlink(target) if is_data(&member.name) => {
                return Err(WheelProblem::Symlink { member: member.name, target }.of(&open.file_name).into());
            }
            MemberKind::Symlink(_) => {}
        }
    }
    files.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(files)
}

fn is_data(name: &str) -> bool {
    name.split_once('/').is_some_and(|(top, _)| top.ends_with(".data"))
}
