//! Relations as fields of a control file (Debian policy, chapter 7; deb-control(5)).

use crate::format::Error;
use crate::format::text::wrong;
use crate::package::Package;
use crate::plan::{Comparison, Relation, RelationKind};

/// The fields in dpkg-gencontrol's order.
pub const FIELDS: [&str; 9] =
    ["Pre-Depends", "Depends", "Recommends", "Suggests", "Enhances", "Conflicts", "Breaks", "Replaces", "Provides"];

/// Each field that is not empty, with its value. The order of the relations is theirs in the package, and none is
/// there twice.
///
/// # Errors
/// When dpkg would not read a relation.
pub fn fields(package: &Package) -> Result<Vec<(&'static str, String)>, Error> {
    let mut values = FIELDS.map(|field| (field, Vec::<String>::new()));
    for relation in &package.relations {
        for field in fields_of(relation.kind) {
            let text = text(package, field, relation)?;
            let list = values.iter_mut().find(|(name, _)| name == field).map(|(_, list)| list);
            if let Some(list) = list.filter(|list| !list.contains(&text)) {
                list.push(text);
            }
        }
    }
    let filled = values.into_iter().filter(|(_, list)| !list.is_empty());
    Ok(filled.map(|(field, list)| (field, list.join(", "))).collect())
}

/// What obsoletes takes the files and the place (policy, 7.6). Nothing is like `Supplements`, which is weak: it is left
/// out.
fn fields_of(kind: RelationKind) -> &'static [&'static str] {
    match kind {
        RelationKind::Requires => &["Depends"],
        RelationKind::RequiresPre => &["Pre-Depends"],
        RelationKind::Recommends => &["Recommends"],
        RelationKind::Suggests => &["Suggests"],
        RelationKind::Supplements => &[],
        RelationKind::Enhances => &["Enhances"],
        RelationKind::Conflicts => &["Conflicts"],
        RelationKind::Obsoletes => &["Breaks", "Replaces"],
        RelationKind::Provides => &["Provides"],
        RelationKind::Replaces => &["Replaces"],
        RelationKind::Breaks => &["Breaks"],
    }
}

fn text(package: &Package, field: &'static str, relation: &Relation) -> Result<String, Error> {
    let refuse = |problem: &str| Err(wrong(package, "relation", &relation.to_string(), problem));
    let Some((comparison, version)) = &relation.comparison else {
        let alternatives = relation.name.split('|').map(str::trim).collect::<Vec<_>>();
        if alternatives.len() > 1 && !takes_alternatives(field) {
            return refuse(&format!("has alternatives, which `{field}` cannot have"));
        }
        return match alternatives.iter().find_map(|one| fault_of_alternative(one)) {
            Some(problem) => refuse(problem),
            None => Ok(alternatives.join(" | ")),
        };
    };
    if field == "Provides" && *comparison != Comparison::Equal {
        return refuse("has to be `name` or `name = version`: that is all a package can provide");
    }
    if let Some(problem) = fault_of_name(&relation.name).or_else(|| fault_of_version(version)) {
        return refuse(problem);
    }
    Ok(format!("{} ({} {version})", relation.name, comparison.dpkg()))
}

/// `lib/dpkg/fields.c`, `f_dependency`.
fn takes_alternatives(field: &str) -> bool {
    !matches!(field, "Conflicts" | "Breaks" | "Replaces" | "Provides")
}

/// `name`, or `name (>= version)`.
fn fault_of_alternative(text: &str) -> Option<&'static str> {
    let Some((name, rest)) = text.split_once(' ') else { return fault_of_name(text) };
    let inner = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    match inner.and_then(|inner| inner.split_once(' ')) {
        Some(("<<" | "<=" | "=" | ">=" | ">>", version)) => fault_of_name(name).or_else(|| fault_of_version(version)),
        _ => Some("is neither `name` nor `name (>= version)`"),
    }
}

/// Policy, 5.6.1, with an architecture qualifier (7.1).
fn fault_of_name(name: &str) -> Option<&'static str> {
    let (bare, architecture) = name.split_once(':').unwrap_or((name, "any"));
    let sound = |text: &str, more: &str| {
        text.len() > 1 && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || more.contains(c))
    };
    if name.starts_with('/') {
        return Some("names a file: a .deb can only ask for packages");
    }
    let first = bare.starts_with(|c: char| c.is_ascii_alphanumeric());
    (!first || !sound(bare, "+-.") || !sound(architecture, "-")).then_some("is not the name of a package")
}

/// What dpkg takes as a version (`lib/dpkg/parsehelp.c`, `parseversion`).
pub fn fault_of_version(version: &str) -> Option<&'static str> {
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    if epoch.parse::<u32>().map_or(true, |epoch| epoch > i32::MAX as u32)
        || !epoch.starts_with(|c: char| c.is_ascii_digit())
    {
        return Some("has an epoch that is no number, or too large a one");
    }
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, "0"));
    if !upstream.starts_with(|c: char| c.is_ascii_digit()) {
        return Some("has a version that does not begin with a digit");
    }
    if revision.is_empty() {
        return Some("has a version that ends with `-`");
    }
    let sound = |text: &str, more: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c));
    (!sound(upstream, ".+-~:") || !sound(revision, ".+~"))
        .then_some("has a version with characters other than letters, digits and `.+-~:`")
}
