//! Relations in rpm's form, and what they and the rest of a package ask of the target's rpm.

use rpm::{Dependency, DependencyFlags};

use super::files::{Layout, is_config};
use crate::distribution::{Algorithm, ToolVersion};
use crate::format::Error;
use crate::package::Package;
use crate::plan::{Comparison, Relation, RelationKind};

/// The version in each `rpmlib(...)` feature, and the rpm that brought it: `rpmProvides` in `lib/rpmds.c` of rpm.
struct Feature {
    name: &'static str,
    version: &'static str,
    since: ToolVersion,
    /// The way out when the target's rpm does not have it.
    hint: &'static str,
}

const fn since(major: u32, minor: u32) -> ToolVersion {
    ToolVersion { major, minor, patch: 0 }
}

const XZ: Feature =
    Feature { name: "PayloadIsXz", version: "5.2-1", since: since(4, 7), hint: "set `compression = \"gzip\"`" };
const ZSTD: Feature = Feature {
    name: "PayloadIsZstd",
    version: "5.4.18-1",
    since: since(4, 14),
    hint: "leave `compression` to the distribution, or set it to \"xz\" or \"gzip\"",
};
const TILDE: Feature = Feature {
    name: "TildeInVersions",
    version: "4.10.0-1",
    since: since(4, 10),
    hint: "set `version-scheme = \"release\"`, and write relations without `~`",
};
const CARET: Feature = Feature {
    name: "CaretInVersions",
    version: "4.15.0-1",
    since: since(4, 15),
    hint: "write versions without `^` for this distribution",
};
const RICH: Feature = Feature {
    name: "RichDependencies",
    version: "4.12.0-1",
    since: since(4, 13),
    hint: "write the relation without parentheses for this distribution, in `[distribution.<name>.relations]`",
};
const LARGE_FILES: Feature = Feature {
    name: "LargeFiles",
    version: "4.12.0-1",
    since: since(4, 12),
    hint: "ship no file of 4 GiB or more to this distribution",
};
const FILE_CAPABILITIES: Feature = Feature {
    name: "FileCaps",
    version: "4.6.1-1",
    since: since(4, 6),
    hint: "set the capabilities in a scriptlet for this distribution",
};
const INTERPRETER_ARGUMENTS: Feature = Feature {
    name: "ScriptletInterpreterArgs",
    version: "4.0.3-1",
    since: since(4, 0),
    hint: "use an interpreter without arguments",
};
/// rpmbuild asks for it as soon as there is a set of hard links.
const HARDLINKS: Feature = Feature {
    name: "PartialHardlinkSets",
    version: "4.0.4-1",
    since: since(4, 0),
    hint: "ship copies instead of hard links",
};
const LUA: Feature =
    Feature { name: "BuiltinLuaScripts", version: "4.2.2-1", since: since(4, 2), hint: "use `/bin/sh`" };

/// Weak dependencies (`lib/rpmtag.h`, rpm 4.12).
const WEAK_SINCE: ToolVersion = since(4, 12);

/// A relation with the tag family it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Requires,
    Recommends,
    Suggests,
    Supplements,
    Enhances,
    Conflicts,
    Obsoletes,
    Provides,
}

/// The relations of `package` as they go into the header: what was declared, `config()`, the interpreters of triggers,
/// and the `rpmlib()` features in use. Weak relations are left out where the target's rpm has none: there they would
/// be noise.
///
/// # Errors
/// When a relation is malformed, or asks for a feature that the target's rpm does not have.
pub fn dependencies(package: &Package, layout: &Layout) -> Result<Vec<(Family, Dependency)>, Error> {
    let mut features = payload_features(package, layout);
    features.extend(version_features(package));
    with_features(package, features)
}

/// As [`dependencies`], of a source package: rpmbuild asks nothing there for the package's own version.
///
/// # Errors
/// As [`dependencies`].
pub fn source_dependencies(package: &Package, layout: &Layout) -> Result<Vec<(Family, Dependency)>, Error> {
    with_features(package, payload_features(package, layout))
}

fn with_features(package: &Package, mut features: Vec<(&Feature, String)>) -> Result<Vec<(Family, Dependency)>, Error> {
    let mut all: Vec<(Family, Dependency)> = Vec::new();
    for relation in &package.relations {
        check(package, relation)?;
        let family = family(relation.kind);
        let weak = matches!(family, Family::Recommends | Family::Suggests | Family::Supplements | Family::Enhances);
        if weak && package.format_version < WEAK_SINCE {
            continue;
        }
        features.extend(relation_features(relation));
        all.push((family, dependency(relation)));
    }
    features.extend(script_features(package));
    if package.entries.iter().any(is_config) {
        let config = Dependency::config(&package.name, package.evr.full());
        all.push((Family::Provides, config.clone()));
        all.push((Family::Requires, config));
    }
    all.extend(trigger_interpreters(package).map(|dependency| (Family::Requires, dependency)));
    for (feature, user) in features {
        if package.format_version < feature.since {
            return Err(Error::Feature {
                package: package.name.clone(),
                version: package.format_version,
                feature: feature.name,
                user,
                hint: feature.hint,
            });
        }
        // rpm-rs adds this one itself, for each name in parentheses.
        if feature.name != RICH.name {
            all.push((Family::Requires, Dependency::rpmlib(feature.name, feature.version)));
        }
    }
    deduplicate(&mut all);
    Ok(all)
}

/// Is this a program of the target, and not rpm's built-in Lua (`<lua>`)?
pub fn is_program(interpreter: &str) -> bool {
    !interpreter.starts_with('<')
}

fn payload_features(package: &Package, layout: &Layout) -> Vec<(&'static Feature, String)> {
    let mut features = Vec::new();
    match package.compression.algorithm {
        Algorithm::Gzip => {}
        Algorithm::Xz => features.push((&XZ, "the compression of the payload".to_owned())),
        Algorithm::Zstd => features.push((&ZSTD, "the compression of the payload".to_owned())),
    }
    if layout.large {
        let largest = package.entries.iter().zip(&layout.files).max_by_key(|(_, file)| file.size);
        features.push((&LARGE_FILES, largest.map_or_else(String::new, |(entry, _)| format!("`{}`", entry.path))));
    }
    if layout.files.iter().any(|file| !file.links.is_empty()) {
        features.push((&HARDLINKS, "a set of hard links".to_owned()));
    }
    if let Some(entry) = package.entries.iter().find(|entry| entry.flags.capabilities.is_some()) {
        features.push((&FILE_CAPABILITIES, format!("`{}`", entry.path)));
    }
    features
}

fn version_features(package: &Package) -> Vec<(&'static Feature, String)> {
    text_features(&package.evr.full(), &format!("the version `{}`", package.evr.full()))
}

fn relation_features(relation: &Relation) -> Vec<(&'static Feature, String)> {
    let user = format!("the relation `{}`", display(relation));
    let version = relation.comparison.as_ref().map_or("", |(_, version)| version);
    if relation.name.starts_with('(') {
        let mut features = text_features(&relation.name, &user);
        features.push((&RICH, user));
        features
    } else {
        text_features(version, &user)
    }
}

fn text_features(version: &str, user: &str) -> Vec<(&'static Feature, String)> {
    [('~', &TILDE), ('^', &CARET)]
        .into_iter()
        .filter(|(mark, _)| version.contains(*mark))
        .map(|(_, feature)| (feature, user.to_owned()))
        .collect()
}

fn script_features(package: &Package) -> Vec<(&'static Feature, String)> {
    let mut features = Vec::new();
    for (kind, scriptlet) in &package.scriptlets {
        let user = format!("the scriptlet {kind:?}").to_lowercase();
        if scriptlet.interpreter.len() > 1 {
            features.push((&INTERPRETER_ARGUMENTS, user.clone()));
        }
        if scriptlet.interpreter.first().is_some_and(|program| !is_program(program)) {
            features.push((&LUA, user));
        }
    }
    for trigger in package.triggers.iter().filter(|trigger| !is_program(&trigger.interpreter)) {
        features.push((&LUA, format!("the trigger on `{}`", trigger.on)));
    }
    features
}

fn trigger_interpreters(package: &Package) -> impl Iterator<Item = Dependency> {
    let programs = package.triggers.iter().map(|trigger| &trigger.interpreter);
    programs.filter(|program| is_program(program)).map(Dependency::interp)
}

/// dpkg's `Replaces` and `Breaks` have no counterpart of their own: what replaces obsoletes, what breaks conflicts.
fn family(kind: RelationKind) -> Family {
    match kind {
        RelationKind::Requires | RelationKind::RequiresPre => Family::Requires,
        RelationKind::Recommends => Family::Recommends,
        RelationKind::Suggests => Family::Suggests,
        RelationKind::Supplements => Family::Supplements,
        RelationKind::Enhances => Family::Enhances,
        RelationKind::Conflicts | RelationKind::Breaks => Family::Conflicts,
        RelationKind::Obsoletes | RelationKind::Replaces => Family::Obsoletes,
        RelationKind::Provides => Family::Provides,
    }
}

fn dependency(relation: &Relation) -> Dependency {
    let mut flags = match relation.kind {
        RelationKind::RequiresPre => DependencyFlags::SCRIPT_PRE,
        _ => DependencyFlags::ANY,
    };
    let mut version = String::new();
    if let Some((comparison, text)) = &relation.comparison {
        flags |= comparison_flag(*comparison);
        version.clone_from(text);
    }
    Dependency { name: relation.name.clone(), flags, version }
}

fn comparison_flag(comparison: Comparison) -> DependencyFlags {
    match comparison {
        Comparison::Less => DependencyFlags::LESS,
        Comparison::LessOrEqual => DependencyFlags::LE,
        Comparison::Equal => DependencyFlags::EQUAL,
        Comparison::GreaterOrEqual => DependencyFlags::GE,
        Comparison::Greater => DependencyFlags::GREATER,
    }
}

/// A package, and maybe a version of it.
pub type Condition<'a> = (&'a str, Option<(DependencyFlags, &'a str)>);

/// What a trigger waits for: `nginx`, or `nginx >= 1.20`.
///
/// # Errors
/// When it is neither.
pub fn trigger_condition<'a>(package: &Package, on: &'a str) -> Result<Condition<'a>, Error> {
    let wrong = || Error::Field {
        package: package.name.clone(),
        field: "trigger on",
        value: on.escape_debug().to_string(),
        problem: "is neither a package nor `package >= version`".to_owned(),
    };
    let words: Vec<&str> = on.split_whitespace().collect();
    match words.as_slice() {
        [name] => Ok((name, None)),
        [name, comparison, version] => {
            let flag = match *comparison {
                "<" => DependencyFlags::LESS,
                "<=" => DependencyFlags::LE,
                "=" | "==" => DependencyFlags::EQUAL,
                ">=" => DependencyFlags::GE,
                ">" => DependencyFlags::GREATER,
                _ => return Err(wrong()),
            };
            Ok((name, Some((flag, version))))
        }
        _ => Err(wrong()),
    }
}

fn check(package: &Package, relation: &Relation) -> Result<(), Error> {
    let rich = relation.name.starts_with('(');
    let version = relation.comparison.as_ref().map(|(_, version)| version.as_str());
    let bad_character = |text: &str, space: bool| {
        text.is_empty() || text.chars().any(|c| c.is_control() || (c.is_whitespace() && !(space && c == ' ')))
    };
    let problem = if bad_character(&relation.name, rich) {
        "is no name"
    } else if rich && version.is_some() {
        "is a rich dependency and cannot have a version outside its parentheses"
    } else if version.is_some_and(|version| bad_character(version, false)) {
        "has no usable version"
    } else {
        return Ok(());
    };
    Err(Error::Field {
        package: package.name.clone(),
        field: "relation",
        value: display(relation).escape_debug().to_string(),
        problem: problem.to_owned(),
    })
}

fn display(relation: &Relation) -> String {
    dependency(relation).to_string()
}

fn deduplicate(all: &mut Vec<(Family, Dependency)>) {
    let mut seen = std::collections::HashSet::new();
    all.retain(|(family, dependency)| {
        seen.insert((*family as u8, dependency.name.clone(), dependency.version.clone(), dependency.flags.bits()))
    });
}
