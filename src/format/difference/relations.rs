//! Relations that only one package has, or that both have with other versions.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;

use crate::distribution::PackageFormat;
use crate::format::inspection::Inspection;

/// Added when there is no `old`, removed when there is no `new`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RelationChange {
    /// `requires`, as the configuration names it.
    pub kind: &'static str,
    /// What it is about, without versions: `libc6`.
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
}

pub fn compare(old: &Inspection, new: &Inspection) -> Vec<RelationChange> {
    let same_format = old.format == new.format;
    let mut changes = Vec::new();
    for ((kind, before), (_, after)) in old.relations.all().into_iter().zip(new.relations.all()) {
        let (before, after) = (wanted(before, same_format), wanted(after, same_format));
        let mut left: HashMap<String, Vec<&String>> = HashMap::new();
        for relation in after.difference(&before) {
            left.entry(name_of(relation, new.format)).or_default().push(relation);
        }
        for relation in before.difference(&after) {
            let name = name_of(relation, old.format);
            let other = left.get_mut(&name).filter(|all| !all.is_empty()).map(|all| all.remove(0).clone());
            changes.push(RelationChange { kind, name, old: Some((*relation).clone()), new: other });
        }
        let mut added: Vec<(String, &String)> =
            left.into_iter().flat_map(|(name, all)| all.into_iter().map(move |one| (name.clone(), one))).collect();
        added.sort();
        let added = added.into_iter();
        changes.extend(added.map(|(name, one)| RelationChange { kind, name, old: None, new: Some(one.clone()) }));
    }
    changes
}

/// Between formats, what rpm needs of itself is left out.
fn wanted(relations: &[String], same_format: bool) -> BTreeSet<&String> {
    relations.iter().filter(|relation| same_format || !relation.starts_with("rpmlib(")).collect()
}

/// A relation without its versions. Alternatives keep all their names.
fn name_of(relation: &str, format: PackageFormat) -> String {
    match format {
        PackageFormat::Deb => {
            let names = relation.split('|').map(|one| one.split_once('(').map_or(one, |(name, _)| name).trim());
            names.collect::<Vec<_>>().join(" | ")
        }
        // Rich: several names and their versions, in parentheses.
        PackageFormat::Rpm if relation.starts_with('(') => relation.to_owned(),
        PackageFormat::Rpm => relation.split(' ').next().unwrap_or(relation).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_without_their_versions() {
        let deb = |relation| name_of(relation, PackageFormat::Deb);
        assert_eq!(deb("libc6 (>= 2.36)"), "libc6");
        assert_eq!(deb("python3:any"), "python3:any");
        assert_eq!(deb("a (>= 1) | b (<< 2)"), "a | b");
        let rpm = |relation| name_of(relation, PackageFormat::Rpm);
        assert_eq!(rpm("python(abi) = 3.6"), "python(abi)");
        assert_eq!(rpm("libc.so.6(GLIBC_2.17)(64bit)"), "libc.so.6(GLIBC_2.17)(64bit)");
        assert_eq!(rpm("(a or b >= 2)"), "(a or b >= 2)");
    }
}
