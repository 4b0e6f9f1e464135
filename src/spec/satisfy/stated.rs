//! What a finished spec file requires: read from its text, so that nothing is forgotten that a template adds.

use std::collections::{BTreeMap, BTreeSet};

use super::Need;
use crate::plan::{Relation, RelationKind};

/// A dependency of a preamble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated {
    pub need: Need,
    /// `Requires(pre)`
    pub tag: String,
    pub relation: Relation,
}

/// What was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Preambles {
    pub stated: Vec<Stated>,
    /// Lines whose macros only the target knows.
    pub unknown: Vec<String>,
}

/// What ends a preamble: all that rpmbuild has as a section (`partList` in build/parseSpec.c), besides `%package`, which begins
/// one.
const SECTIONS: [&str; 13] = [
    "prep",
    "generate_buildrequires",
    "conf",
    "build",
    "install",
    "check",
    "clean",
    "description",
    "files",
    "changelog",
    "sourcelist",
    "patchlist",
    "verifyscript",
];
/// Of scriptlets, whose names have endings.
const SCRIPTLETS: [&str; 5] = ["pre", "post", "trigger", "filetrigger", "transfiletrigger"];

/// Reads the preambles of `spec`. Relations to its own packages are left out.
pub fn read(spec: &str) -> Preambles {
    let mut macros = BTreeMap::new();
    let mut own = BTreeSet::new();
    let mut tags = Vec::new();
    let mut preamble = true;
    for line in spec.lines() {
        if let Some(word) = line.strip_prefix('%').and_then(|rest| rest.split_whitespace().next()) {
            if word == "package" {
                preamble = true;
                own.extend(subpackage(&expanded(line, &macros)));
                continue;
            }
            let scriptlet = || SCRIPTLETS.iter().any(|start| word.starts_with(start));
            preamble &= !(SECTIONS.contains(&word) || scriptlet());
        }
        if !preamble {
            continue;
        }
        if let Some((name, body)) = definition(line) {
            macros.insert(name.to_owned(), expanded(body, &macros));
        } else if let Some((tag, value)) = tag(line) {
            if tag.eq_ignore_ascii_case("name") {
                macros.insert("name".to_owned(), expanded(value, &macros));
                own.insert(expanded(value, &macros));
            }
            tags.push((tag, expanded(value, &macros)));
        }
    }
    relations(&tags, &own)
}

fn relations(tags: &[(&str, String)], own: &BTreeSet<String>) -> Preambles {
    let provided = tags.iter().filter(|(tag, _)| tag.eq_ignore_ascii_case("provides"));
    let provided = provided.flat_map(|(_, value)| list(value));
    let own = own.iter().cloned().chain(provided.map(|text| first_word(&text).to_owned())).collect::<BTreeSet<_>>();
    let mut preambles = Preambles::default();
    for (tag, value) in tags {
        let bare = tag.split('(').next().unwrap_or(tag).to_lowercase();
        let (need, kind) = match bare.as_str() {
            "requires" => (Need::Install, RelationKind::Requires),
            "conflicts" => (Need::Install, RelationKind::Conflicts),
            "buildrequires" => (Need::Build, RelationKind::Requires),
            "buildconflicts" => (Need::Build, RelationKind::Conflicts),
            _ => continue,
        };
        for name in list(value) {
            if own.contains(first_word(&name)) {
                continue;
            }
            if name.contains('%') {
                preambles.unknown.push(format!("{tag}: {name}"));
                continue;
            }
            let relation = Relation { kind, name, comparison: None, reason: String::new() };
            let stated = Stated { need, tag: (*tag).to_owned(), relation };
            if !preambles.stated.iter().any(|known| known.need == need && known.relation == stated.relation) {
                preambles.stated.push(stated);
            }
        }
    }
    preambles
}

/// `%package cli` and `%package -n app-cli`.
fn subpackage(line: &str) -> Option<String> {
    let mut words = line.split_whitespace().skip(1);
    match words.next()? {
        "-n" => words.next().map(str::to_owned),
        // Below the name of the first package, which is known by its own.
        _ => None,
    }
}

/// `%global name body` and `%define name body`.
fn definition(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix("%global").or_else(|| line.strip_prefix("%define"))?;
    let (name, body) = rest.trim().split_once(char::is_whitespace)?;
    Some((name, body.trim()))
}

/// `Requires(pre): x`
fn tag(line: &str) -> Option<(&str, &str)> {
    let (tag, value) = line.split_once(':')?;
    let word = |c: char| c.is_ascii_alphanumeric() || "(),".contains(c);
    (!tag.is_empty() && tag.chars().all(word)).then(|| (tag, value.trim()))
}

/// `text` with the macros that the file itself defines; others stay as they are. `%%` is a percent sign.
fn expanded(text: &str, macros: &BTreeMap<String, String>) -> String {
    let mut made = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        made.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            made.push('%');
            rest = after;
            continue;
        }
        let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        match braced.and_then(|(name, after)| Some((macros.get(name)?, after))) {
            Some((body, after)) => {
                made.push_str(body);
                rest = after;
            }
            None => {
                made.push('%');
                rest = after;
            }
        }
    }
    made + rest
}

/// The dependencies of one line: rpm takes several, with blanks or commas between them.
fn list(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut version = false;
    for word in words(text) {
        let operator = !word.is_empty() && word.chars().all(|c| "<>=".contains(c));
        match all.last_mut() {
            Some(last) if operator || version => {
                last.push(' ');
                last.push_str(&word);
            }
            _ => all.push(word),
        }
        version = operator;
    }
    all
}

/// Words, where blanks and commas within parentheses belong to the word.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut depth = 0_usize;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && (c.is_whitespace() || c == ',') {
            words.push(String::new());
        } else if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = "\
# comment: Requires: nothing
%global python3_pkgversion 3.12
%define pythons python%{python3_pkgversion}
Name:           app
Version:        1
Summary:        Requires: none of this
Provides:       app(api) = 2
BuildRequires:  %{pythons}-devel
BuildRequires:  gcc >= 8, make
BuildRequires:  gcc >= 8
%{?systemd_requires}
Requires:       (python3dist(a) >= 1 with python3dist(a) < 2)
Requires(pre):  shadow-utils
Requires:       app(api)
Requires:       %{name}-cli = %{version}
Requires:       with%%sign
Requires:       %{unknown}
Conflicts:      b < 1
%if 0
%endif

%description
Requires: not-this

%package -n app-cli
Summary: x
Requires: %{name} = %{version}-%{release}
Requires: c
%pre -n app-cli
Requires: nor-this
%files
";

    #[test]
    fn preambles_are_read_and_nothing_else() {
        let Preambles { stated, unknown } = read(SPEC);
        let texts = stated.iter().map(|stated| format!("{} {}", stated.tag, stated.relation)).collect::<Vec<_>>();
        assert_eq!(
            texts,
            [
                "BuildRequires python3.12-devel",
                "BuildRequires gcc >= 8",
                "BuildRequires make",
                "Requires (python3dist(a) >= 1 with python3dist(a) < 2)",
                "Requires(pre) shadow-utils",
                "Conflicts b < 1",
                "Requires c",
            ]
        );
        assert_eq!(unknown, ["Requires: with%sign", "Requires: %{unknown}"]);
    }
}
