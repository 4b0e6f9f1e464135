//! What a Python distribution's metadata says of its licence, as the short names of a machine-readable copyright file
//! (<https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/#license-short-name>).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use spdx::expression::{ExprNode, Operator};

use super::material::Material;

/// Alternatives that an expression may come to: `and` is stronger than `or` and there are no brackets, so that
/// `(A OR B) AND (C OR D)` becomes four.
const MOST_ALTERNATIVES: usize = 16;

/// A line with less in it is no heading.
const SHORTEST_HEADING: usize = 10;

/// Classifiers that say something of licences and name none.
const NAMELESS: [&str; 3] = ["OSI Approved", "DFSG approved", "Freely Distributable"];

/// Of `licenses.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Table {
    short_names: BTreeMap<String, String>,
    classifiers: BTreeMap<String, String>,
    words: BTreeMap<String, String>,
    common: Vec<Common>,
    text: Vec<Text>,
}

/// A licence that every Debian system has the text of.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Common {
    /// Below `/usr/share/common-licenses`.
    pub file: String,
    pub title: String,
    /// Short names that it is the text for.
    pub names: Vec<String>,
    marks: Vec<String>,
    words: usize,
    #[serde(default)]
    end: Option<String>,
}

impl Common {
    /// Where the text is.
    pub fn reference(&self) -> String {
        format!("The text of the {} is in /usr/share/common-licenses/{} on Debian systems.", self.title, self.file)
    }

    /// Is `plain` all of the text, with no more around it than a notice?
    fn is_text(&self, plain: &str) -> bool {
        let mut rest = plain;
        let has = |mark: &String| match rest.find(mark.as_str()) {
            Some(at) => {
                rest = rest.get(at + mark.len()..).unwrap_or_default();
                true
            }
            None => false,
        };
        self.marks.iter().all(has) && plain.split(' ').count() <= self.words
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    name: String,
    has: Vec<String>,
    lacks: Vec<String>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| toml::from_str(include_str!("licenses.toml")).unwrap_or_default());

/// Licences to choose from, each of several that hold together: `MIT OR Apache-2.0 AND BSD-2-Clause`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named(Vec<Vec<String>>);

impl Named {
    fn one(name: &str) -> Self {
        Self(vec![vec![name.to_owned()]])
    }

    fn and(self, other: Self) -> Option<Self> {
        if self.0.len() * other.0.len() > MOST_ALTERNATIVES {
            return None;
        }
        let joined = self.0.iter().flat_map(|left| {
            other.0.iter().map(move |right| {
                let more = right.iter().filter(|name| !left.contains(name));
                left.iter().chain(more).cloned().collect::<Vec<_>>()
            })
        });
        Some(Self(joined.collect()))
    }

    fn or(mut self, other: Self) -> Option<Self> {
        let more = other.0.into_iter().filter(|names| !self.0.contains(names)).collect::<Vec<_>>();
        self.0.extend(more);
        (self.0.len() <= MOST_ALTERNATIVES).then_some(self)
    }

    /// First line of the field `License`: `GPL-2+ or Apache-2.0 and Expat`.
    pub fn synopsis(&self) -> String {
        self.0.iter().map(|names| names.join(" and ")).collect::<Vec<_>>().join(" or ")
    }

    /// Each once, in the order of the expression. An exception is no part of a name.
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for name in self.0.iter().flatten().filter_map(|name| name.split(' ').next()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

/// The fields of the metadata that are about the licence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// `License-Expression` (PEP 639).
    pub expression: String,
    /// `License`: a name in free form, or the whole text.
    pub field: String,
    /// Classifiers that begin with `License :: `, without that.
    pub classifiers: Vec<String>,
}

/// What is known of a licence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Licence {
    pub named: Option<Named>,
    /// What a reader has to know of where the name comes from, one sentence each.
    pub notes: Vec<String>,
}

/// The best of what the metadata and the licence files say, in this order: an expression, a known name, classifiers,
/// the text itself.
pub fn licence(said: &Said, materials: &[Material]) -> Licence {
    let mut notes = Vec::new();
    if !said.expression.is_empty() {
        if let Some(named) = expression(&said.expression) {
            return Licence { named: Some(named), notes };
        }
        notes.push(format!("Its metadata has an expression that SPDX does not know: {}", said.expression));
    }
    let field = said.field.lines().next().unwrap_or_default().trim();
    if let Some(named) = known_words(field).or_else(|| expression(field)) {
        return Licence { named: Some(named), notes };
    }
    let of_text = named_by_text(materials);
    let ambiguous = TABLE.words.contains_key(&plain(field));
    if !field.is_empty() && !ambiguous && said.field.lines().count() == 1 {
        notes.push(format!("Its metadata calls the licence: {field}"));
    }
    let meaning = said.classifiers.iter().filter(|line| !NAMELESS.contains(&line.as_str()));
    let (known, vague): (Vec<_>, Vec<_>) = meaning.partition(|line| TABLE.classifiers.contains_key(*line));
    let known = known.into_iter().filter_map(|line| TABLE.classifiers.get(line)).map(|name| Named::one(name));
    let known = known.reduce(|one, other| one.clone().and(other).unwrap_or(one));
    if let Some(named) = known.filter(|_| vague.is_empty() && !(ambiguous && of_text.is_some())) {
        if named.names().len() > 1 {
            notes
                .push("Its classifiers name these licences, and not whether all hold or one may be chosen.".to_owned());
        }
        return Licence { named: Some(named), notes };
    }
    if of_text.is_some() {
        notes.push("The name of the licence is that of its text.".to_owned());
    } else if ambiguous || !said.classifiers.is_empty() {
        let classifiers = said.classifiers.iter().map(String::as_str);
        let words = Some(field).filter(|_| ambiguous).into_iter().chain(classifiers).collect::<Vec<_>>();
        notes.push(format!("Its metadata does not say which licence it means: {}", words.join(", ")));
    }
    Licence { named: of_text, notes }
}

/// The text that Debian has for a short name.
pub fn common(name: &str) -> Option<&'static Common> {
    TABLE.common.iter().find(|common| common.names.iter().any(|known| known == name))
}

/// Is this, but for a notice of copyright, a text that Debian has? `plain` is in lower case, with single spaces.
pub fn common_text(plain: &str) -> Option<&'static Common> {
    TABLE.common.iter().find(|common| common.is_text(plain))
}

/// A text that Debian has and that begins with the first of these lines, each in lower case with single spaces, and how
/// many of them it takes.
pub fn common_lines(plain: &[String]) -> Option<(&'static Common, usize)> {
    let first = plain.first().filter(|line| line.len() >= SHORTEST_HEADING)?;
    TABLE.common.iter().find_map(|common| {
        let (end, heading) = (common.end.as_ref()?, common.marks.first()?);
        // Most lines begin no text: that is found out before anything is looked for.
        let last = heading.starts_with(first.as_str()).then(|| plain.iter().position(|line| line == end))??;
        let text = plain.get(..=last)?.iter().filter(|line| !line.is_empty()).cloned().collect::<Vec<_>>().join(" ");
        (text.starts_with(heading.as_str()) && common.is_text(&text)).then_some((common, last + 1))
    })
}

/// The short name of a text that is known by its words; `plain` is in lower case, with single spaces.
pub fn name_of_text(plain: &str) -> Option<&'static str> {
    let is = |text: &&Text| {
        text.has.iter().all(|words| plain.contains(words.as_str()))
            && !text.lacks.iter().any(|words| plain.contains(words.as_str()))
    };
    TABLE.text.iter().find(is).map(|text| text.name.as_str())
}

/// Does this line only say which licence follows?
pub fn is_heading(line: &str) -> bool {
    let line = plain(line.trim_matches(|c: char| "#*=-_: \t".contains(c)));
    TABLE.words.contains_key(&line) || TABLE.common.iter().any(|common| common.title.to_lowercase() == line)
}

/// Lower case, single spaces, no article in front.
fn plain(words: &str) -> String {
    let words = words.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    words.strip_prefix("the ").unwrap_or(&words).trim_end_matches('.').to_owned()
}

fn known_words(field: &str) -> Option<Named> {
    TABLE.words.get(&plain(field)).filter(|name| !name.is_empty()).map(|name| Named::one(name))
}

/// The SPDX identifier of a licence that is called by words which mean one only.
pub fn spdx_identifier(words: &str) -> Option<String> {
    let name = TABLE.words.get(&plain(words)).filter(|name| !name.is_empty())?;
    // `GPL-2.0` and `GPL-2.0-only` have one short name; the first is deprecated.
    let identifiers = TABLE.short_names.iter().filter(|(_, short)| *short == name).map(|(identifier, _)| identifier);
    let identifier = identifiers.max_by_key(|identifier| identifier.len()).unwrap_or(name);
    spdx::Expression::parse(identifier).ok().map(|_| identifier.clone())
}

/// One name for all texts, or none: what belongs to a vendored part says nothing of the whole.
fn named_by_text(materials: &[Material]) -> Option<Named> {
    let mut names = materials.iter().filter_map(|material| {
        let common = material.common.and_then(|common| common.names.first()).map(String::as_str);
        common.or(material.name)
    });
    let first = names.next()?;
    names.all(|name| name == first).then(|| Named::one(first))
}

/// An SPDX expression (<https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/>), also one with names that are
/// deprecated, or with `+` at those of the GPL.
fn expression(text: &str) -> Option<Named> {
    let mode = spdx::ParseMode {
        allow_slash_as_or_operator: false,
        allow_imprecise_license_names: false,
        allow_postfix_plus_on_gpl: true,
        allow_deprecated: true,
        allow_unknown: false,
    };
    let expression = spdx::Expression::parse_mode(text, mode).ok()?;
    let mut stack: Vec<Named> = Vec::new();
    for node in expression.iter() {
        let named = match node {
            ExprNode::Req(requirement) => Named::one(&short_name(&requirement.req)),
            ExprNode::Op(operator) => {
                let (right, left) = (stack.pop()?, stack.pop()?);
                match operator {
                    Operator::And => left.and(right)?,
                    Operator::Or => left.or(right)?,
                }
            }
        };
        stack.push(named);
    }
    stack.pop().filter(|_| stack.is_empty())
}

/// `GPL-2+ with Classpath-exception-2.0 exception`
fn short_name(requirement: &spdx::LicenseReq) -> String {
    let identifier = requirement.license.to_string();
    let name = TABLE.short_names.get(&identifier).unwrap_or(&identifier);
    match &requirement.addition {
        Some(addition) => format!("{name} with {addition} exception"),
        None => name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        expression(text).map(|named| named.synopsis()).unwrap_or_default()
    }

    #[test]
    fn the_table_is_read() {
        assert!(TABLE.common.len() > 10 && TABLE.text.len() > 5 && TABLE.words.len() > 50);
        assert_eq!(common("GPL-2+").unwrap().file, "GPL-2");
        assert_eq!(common("Expat"), None);
    }

    /// Short names that are SPDX identifiers were copied from the list, so a typing error is found.
    #[test]
    fn every_short_name_stands_for_an_identifier() {
        for identifier in TABLE.short_names.keys() {
            assert!(spdx::license_id(identifier).is_some() || identifier.ends_with(".0"), "{identifier}");
        }
        let debian = TABLE.short_names.values().collect::<Vec<_>>();
        // Licences that SPDX has no identifier for.
        let own = ["Aladdin", "public-domain"];
        for name in TABLE.classifiers.values().chain(TABLE.words.values().filter(|name| !name.is_empty())) {
            let known = debian.contains(&name) || spdx::license_id(name).is_some() || own.contains(&name.as_str());
            assert!(known, "{name}");
        }
    }

    #[test]
    fn expressions_keep_their_meaning_without_brackets() {
        assert_eq!(of("MIT"), "Expat");
        assert_eq!(of("MIT OR Apache-2.0"), "Expat or Apache-2.0");
        assert_eq!(of("MIT or ISC"), "Expat or ISC");
        assert_eq!(
            of("(Apache-2.0 OR BSD-3-Clause) AND PSF-2.0"),
            "Apache-2.0 and PSF-2.0 or BSD-3-clause and PSF-2.0"
        );
        assert_eq!(of("MIT OR ISC AND Zlib"), "Expat or ISC and Zlib");
        assert_eq!(of("GPL-2.0-or-later"), "GPL-2+");
        assert_eq!(of("GPL-2.0+"), "GPL-2+");
        assert_eq!(of("GPL-3.0"), "GPL-3");
        assert_eq!(of("GPL-2.0-only WITH Classpath-exception-2.0"), "GPL-2 with Classpath-exception-2.0 exception");
        assert_eq!(of("LicenseRef-Public-Domain"), "LicenseRef-Public-Domain");
        assert_eq!(of("Dual License"), "");
    }

    /// Each bracket doubles the alternatives.
    #[test]
    fn an_expression_that_explodes_is_no_name() {
        let bomb = vec!["(MIT OR ISC)"; 40].join(" AND ");
        assert_eq!(of(&bomb), "");
        let bomb = (0..40).map(|_| "(MIT OR ISC OR Zlib)").collect::<Vec<_>>().join(" AND ");
        assert_eq!(of(&bomb), "");
    }

    #[test]
    fn the_most_exact_field_wins() {
        let said = |expression: &str, field: &str, classifiers: &[&str]| {
            let classifiers = classifiers.iter().map(|line| (*line).to_owned()).collect();
            let said = Said { expression: expression.to_owned(), field: field.to_owned(), classifiers };
            let text = "Redistribution and use in source and binary forms ... in binary form must reproduce the above \
                        copyright notice";
            let found = licence(&said, &[Material::of_text("LICENSE", text)]);
            (found.named.map(|named| named.synopsis()).unwrap_or_default(), found.notes.len())
        };
        let name = |text: &str| (text.to_owned(), 0);
        assert_eq!(said("MIT", "BSD", &[]), name("Expat"));
        assert_eq!(said("", "The MIT License (MIT)", &[]), name("Expat"));
        assert_eq!(said("", "BSD", &["OSI Approved :: BSD License"]), ("BSD-2-clause".to_owned(), 1));
        assert_eq!(said("", "LGPL with exceptions", &["OSI Approved :: MIT License"]), ("Expat".to_owned(), 1));
        let two = ["OSI Approved :: MIT License", "OSI Approved :: Apache Software License"];
        assert_eq!(said("", "", &two), ("Expat and Apache-2.0".to_owned(), 1));
        let vague = ["OSI Approved :: MIT License", "OSI Approved :: BSD License", "OSI Approved"];
        assert_eq!(said("", "", &vague), ("BSD-2-clause".to_owned(), 1));
    }

    #[test]
    fn what_is_not_said_stays_unknown() {
        let none = licence(&Said::default(), &[]);
        assert_eq!(none, Licence { named: None, notes: Vec::new() });
        let said = Said { field: "BSD".to_owned(), ..Said::default() };
        let found = licence(&said, &[]);
        assert!(found.named.is_none() && found.notes.concat().contains("BSD"), "{found:?}");
    }
}
