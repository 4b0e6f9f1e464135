//! Shared libraries to the packages of a Debian or Ubuntu release, by the rules of dpkg-shlibdeps(1).

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Error, LISTED, Target, describe, is_public, reason};
use crate::distribution::{Libraries, Library, LibraryNeed, compare_debian_versions};
use crate::plan::{Comparison, Relation, RelationKind};
use crate::stage::ElfFacts;
use crate::stage::elf::Symbols;

/// Packages, or alternatives between packages, and how their version is compared; to the version and the reason.
type Found = BTreeMap<(String, Option<Comparison>), (String, String)>;

/// A relation for each package that has one of the libraries: the highest version that any file needs, and the first file
/// that needs it.
pub(super) fn relations(needs: &[(&ElfFacts, &Arc<str>)], target: &Target<'_>) -> Result<Vec<Relation>, Error> {
    let data = target.libraries.and_then(Libraries::named);
    let mut libraries = BTreeMap::<&str, Option<Library>>::new();
    for (_, library) in needs {
        libraries.entry(library).or_insert_with(|| data.and_then(|data| data.find(library)));
    }
    check_known(needs, &libraries, target)?;
    let mut found = Found::new();
    let mut start = 0;
    while let Some((facts, _)) = needs.get(start) {
        let own =
            needs[start..].iter().take_while(|(other, _)| std::ptr::eq(*other, *facts)).map(|(_, library)| library);
        let names = own.map(|library| &***library).collect::<Vec<_>>();
        start += names.len();
        let used = names.iter().filter_map(|name| Some((*name, libraries.get(name)?.as_ref()?))).collect::<Vec<_>>();
        for need in needs_of(facts, &used) {
            add(&mut found, need, &reason(facts));
        }
    }
    let relation =
        |((name, comparison), (version, reason)): ((String, Option<Comparison>), (String, String))| Relation {
            kind: RelationKind::Requires,
            name,
            comparison: comparison.map(|comparison| (comparison, version)),
            reason,
        };
    Ok(without_weaker(found).into_iter().map(relation).collect())
}

/// Every library is in the data, unless it is private to somebody and no name that the dynamic linker looks for.
fn check_known(
    needs: &[(&ElfFacts, &Arc<str>)],
    libraries: &BTreeMap<&str, Option<Library>>,
    target: &Target<'_>,
) -> Result<(), Error> {
    let mut unknown = BTreeMap::<&str, &ElfFacts>::new();
    for (facts, library) in needs.iter().filter(|(_, library)| is_public(library)) {
        if matches!(libraries.get(&***library), Some(None)) {
            unknown.entry(library).or_insert(facts);
        }
    }
    if unknown.is_empty() {
        return Ok(());
    }
    let mut list = unknown.iter().take(LISTED).map(|(library, facts)| format!("  {library}, for {}", describe(facts)));
    let mut lines = list.by_ref().collect::<Vec<_>>();
    if unknown.len() > LISTED {
        lines.push(format!("  and {} more", unknown.len() - LISTED));
    }
    let settings = unknown.keys().take(LISTED).map(|library| format!("  {library:?} = \"package (>= version)\""));
    Err(Error::DebianLibrary {
        distribution: target.title.to_owned(),
        list: lines.join("\n"),
        name: target.name.to_owned(),
        settings: settings.collect::<Vec<_>>().join("\n"),
    })
}

/// What one file needs of the libraries `used`, in the order in which it names them.
fn needs_of(facts: &ElfFacts, used: &[(&str, &Library)]) -> Vec<LibraryNeed> {
    // Even without any symbol: the library may not always have been in the package.
    let mut needs = used.iter().map(|(_, library)| library.need()).collect::<Vec<_>>();
    let mut nodes = BTreeSet::new();
    for (name, node) in facts.symbols.iter().flat_map(Symbols::iter) {
        nodes.extend(node);
        // Only what is named is surely in a library: those that became part of libc have nodes of its versions, too.
        let named = used.iter().find_map(|(_, library)| library.symbol(name, node));
        needs.extend(named.or_else(|| match node {
            Some(node) => used.iter().find_map(|(_, library)| library.node(node)),
            None if name.starts_with("_Z") => used.iter().find_map(|(_, library)| library.any_mangled()),
            None => None,
        }));
    }
    // Features of the dynamic linker (`GLIBC_ABI_DT_RELR`), and all of a file whose symbols are not known.
    for (file, version) in facts.version_needs.iter().filter(|(_, version)| !nodes.contains(&**version)) {
        let library = used.iter().find(|(name, _)| *name == &**file).map(|(_, library)| library);
        needs.extend(
            library.and_then(|library| library.symbol(version, Some(version)).or_else(|| library.node(version))),
        );
    }
    if facts.symbols.is_none() {
        let versioned = |name: &str| facts.version_needs.iter().any(|(file, _)| **file == *name);
        needs.extend(used.iter().filter(|(name, _)| !versioned(name)).map(|(_, library)| library.highest_need()));
    }
    needs
}

/// Adds the relations of a template: `libpq5 #MINVER#`; `liba | libb (>= 2)`; `libc (>> 2.36), libc (<< 2.37)`.
fn add(found: &mut Found, need: LibraryNeed, reason: &str) {
    let version = need.version.map(|version| format!("(>= {version})")).unwrap_or_default();
    let text = need.template.replace("#MINVER#", &version);
    for relation in text.split(',').map(str::trim).filter(|relation| !relation.is_empty()) {
        let words = relation.split_whitespace().collect::<Vec<_>>().join(" ");
        let (name, comparison, version) = match words.split_once(" (") {
            Some((name, rest)) if !words.contains('|') => {
                let (operator, version) = rest.trim_end_matches(')').split_once(' ').unwrap_or((">=", rest));
                (name.to_owned(), comparison(operator), version.to_owned())
            }
            _ => (words, None, String::new()),
        };
        match found.entry((name, comparison)) {
            Entry::Vacant(entry) => {
                entry.insert((version, reason.to_owned()));
            }
            Entry::Occupied(mut entry) => {
                let order = compare_debian_versions(&version, &entry.get().0);
                let stricter = match comparison {
                    Some(Comparison::Less | Comparison::LessOrEqual) => order.is_lt(),
                    _ => order.is_gt(),
                };
                if stricter {
                    entry.insert((version, reason.to_owned()));
                }
            }
        }
    }
}

fn comparison(operator: &str) -> Option<Comparison> {
    Some(match operator {
        "<<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        "=" => Comparison::Equal,
        ">=" => Comparison::GreaterOrEqual,
        ">>" => Comparison::Greater,
        _ => return None,
    })
}

/// A package without a version says nothing where it is there with one.
fn without_weaker(mut found: Found) -> Found {
    let versioned = found.keys().filter(|(_, comparison)| comparison.is_some()).map(|(name, _)| name.clone());
    for name in versioned.collect::<Vec<_>>() {
        found.remove(&(name, None));
    }
    found
}
