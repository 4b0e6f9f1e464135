//! What rpm reads in the spec files that are written here: tags, with the macros that the file itself defines. A source
//! package has these in its header, and there may be no rpm here to ask.

use std::collections::BTreeMap;

use super::Error;
use crate::plan::{Comparison, Relation, RelationKind};
use crate::template::read_spec_literal;

/// What a spec file says of its source package.
#[derive(Debug, Default)]
pub struct Preamble {
    /// Tags of the main package in their order: name in lower case, without the number; number; value.
    tags: Vec<(String, Option<u32>, String)>,
    pub description: String,
    /// Names of all packages, the main one first.
    pub packages: Vec<String>,
    /// Author and text, as they stand there.
    pub changelog: Vec<(String, String)>,
    /// Is there a `%generate_buildrequires`?
    pub generates: bool,
}

/// Where in the file a line stands.
enum Section {
    Tags,
    Description,
    Changelog,
    Other,
}

impl Preamble {
    /// Reads `text`, with macros that are known beside those that it defines.
    ///
    /// # Errors
    /// When a tag has a macro that is not known.
    pub fn read(text: &str, known: &[(&str, &str)]) -> Result<Self, Error> {
        let mut macros =
            known.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>();
        let mut preamble = Self::default();
        let mut section = Section::Tags;
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next().unwrap_or_default() {
                "%global" | "%define" if matches!(section, Section::Tags) => {
                    let name = words.next().unwrap_or_default();
                    let body = line.split_once(name).map_or("", |(_, body)| body.trim());
                    // One that needs the target's own macros is needed by no tag.
                    if let Ok(body) = expand(body, &macros) {
                        macros.insert(name.to_owned(), body);
                    }
                    continue;
                }
                "%package" => {
                    let name = preamble.package(words.collect::<Vec<_>>().as_slice(), &macros)?;
                    preamble.packages.push(name);
                    section = Section::Other;
                    continue;
                }
                "%description" if line.trim() == "%description" => section = Section::Description,
                "%changelog" => section = Section::Changelog,
                word if word.starts_with('%') && SECTIONS.contains(&word) => {
                    preamble.generates |= word == "%generate_buildrequires";
                    section = Section::Other;
                }
                _ => preamble.line(line, &section, &macros)?,
            }
        }
        preamble.description = preamble.description.trim_end().to_owned();
        for (_, text) in &mut preamble.changelog {
            *text = text.trim_end().to_owned();
        }
        let name = preamble.first("name").unwrap_or_default().to_owned();
        preamble.packages.insert(0, name);
        Ok(preamble)
    }

    /// `%package -n other`, `%package devel`
    fn package(&self, words: &[&str], macros: &BTreeMap<String, String>) -> Result<String, Error> {
        match words {
            ["-n", name] => expand(name, macros),
            [suffix] => Ok(format!("{}-{}", self.first("name").unwrap_or_default(), expand(suffix, macros)?)),
            _ => Err(Error::Macro { text: words.join(" ") }),
        }
    }

    fn line(&mut self, line: &str, section: &Section, macros: &BTreeMap<String, String>) -> Result<(), Error> {
        match section {
            Section::Tags => {
                // A line that is a macro stands for tags of the target's own, and they are for the packages that are built.
                let Some((name, value)) = line.split_once(':').filter(|_| !line.starts_with(['#', '%'])) else {
                    return Ok(());
                };
                let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
                let number = name.get(letters.len()..).and_then(|number| number.parse().ok());
                let tag = letters.to_ascii_lowercase();
                if USED.contains(&tag.as_str()) {
                    self.tags.push((tag, number, expand(value.trim(), macros)?));
                }
            }
            Section::Description => self.description.push_str(&format!("{}\n", read_spec_literal(line))),
            Section::Changelog => match line.strip_prefix("* ") {
                // `* Tue Nov 21 2023 Author`
                Some(entry) => {
                    let author = entry.split_whitespace().skip(4).collect::<Vec<_>>().join(" ");
                    self.changelog.push((read_spec_literal(&author), String::new()));
                }
                None => {
                    if let Some((_, text)) = self.changelog.last_mut() {
                        text.push_str(&format!("{}\n", read_spec_literal(line)));
                    }
                }
            },
            Section::Other => {}
        }
        Ok(())
    }

    /// The value of a tag that is there once.
    pub fn first(&self, tag: &str) -> Option<&str> {
        self.tags.iter().find(|(known, ..)| known == tag).map(|(.., value)| value.as_str())
    }

    pub fn all<'a>(&'a self, tag: &'a str) -> impl Iterator<Item = &'a str> {
        self.numbered(tag).map(|(_, value)| value)
    }

    /// Values with their numbers; one without has that of its predecessor and one.
    pub fn numbered<'a>(&'a self, tag: &'a str) -> impl Iterator<Item = (u32, &'a str)> {
        let mut next = 0;
        self.tags.iter().filter(move |(known, ..)| known == tag).map(move |(_, number, value)| {
            let number = number.unwrap_or(next);
            next = number + 1;
            (number, value.as_str())
        })
    }

    /// Words of all values of a tag.
    pub fn words(&self, tag: &str) -> Vec<String> {
        let split = |value: &str| value.split([' ', ',', '\t']).map(str::to_owned).collect::<Vec<_>>();
        self.all(tag).flat_map(split).filter(|word| !word.is_empty()).collect()
    }

    /// What `BuildRequires` and `BuildConflicts` say.
    pub fn relations(&self) -> Vec<Relation> {
        let requires = self.all("buildrequires").map(|text| (RelationKind::Requires, text));
        let conflicts = self.all("buildconflicts").map(|text| (RelationKind::Conflicts, text));
        requires.chain(conflicts).flat_map(|(kind, text)| relations(kind, text)).collect()
    }
}

/// The tags that a source package has something of.
const USED: [&str; 17] = [
    "name",
    "epoch",
    "version",
    "release",
    "summary",
    "license",
    "url",
    "vendor",
    "group",
    "packager",
    "source",
    "patch",
    "nosource",
    "nopatch",
    "buildarch",
    "buildrequires",
    "buildconflicts",
];

/// What ends the tags of the main package, or its description.
const SECTIONS: [&str; 24] = [
    "%description",
    "%prep",
    "%generate_buildrequires",
    "%conf",
    "%build",
    "%install",
    "%check",
    "%clean",
    "%files",
    "%pre",
    "%post",
    "%preun",
    "%postun",
    "%pretrans",
    "%posttrans",
    "%verifyscript",
    "%trigger",
    "%triggerin",
    "%triggerun",
    "%triggerpostun",
    "%triggerprein",
    "%filetriggerin",
    "%transfiletriggerin",
    "%sourcelist",
];

/// Replaces macros, as far as they are known; `%{?name}` that is not is nothing.
fn expand(text: &str, macros: &BTreeMap<String, String>) -> Result<String, Error> {
    let unknown = || Error::Macro { text: text.to_owned() };
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        expanded.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            expanded.push('%');
            rest = after;
            continue;
        }
        let (name, after) = after.strip_prefix('{').and_then(|body| body.split_once('}')).ok_or_else(unknown)?;
        match (name.strip_prefix('?'), macros.get(name.trim_start_matches('?'))) {
            (_, Some(value)) => expanded.push_str(value),
            (Some(_), None) => {}
            (None, None) => return Err(unknown()),
        }
        rest = after;
    }
    Ok(expanded + rest)
}

/// Takes the value of a tag apart: relations lie between blanks and commas (`parseRCPOT` in build/parseReqs.c of rpm).
fn relations(kind: RelationKind, text: &str) -> Vec<Relation> {
    let separators = |c: char| c.is_whitespace() || c == ',';
    let mut relations = Vec::new();
    let mut rest = text.trim_start_matches(separators);
    while !rest.is_empty() {
        let length = match rest.starts_with('(') {
            true => rich_length(rest),
            false => rest.find(separators).unwrap_or(rest.len()),
        };
        let (name, after) = rest.split_at(length);
        let mut words = after.split_whitespace();
        let comparison = words.next().and_then(operator).zip(words.next());
        rest = match comparison {
            Some((_, version)) if !name.starts_with('(') => {
                after.split_once(version.trim_end_matches(',')).map_or("", |(_, after)| after)
            }
            _ => after,
        };
        let comparison = comparison.filter(|_| !name.starts_with('('));
        relations.push(Relation {
            kind,
            name: name.to_owned(),
            comparison: comparison.map(|(operator, version)| (operator, version.trim_end_matches(',').to_owned())),
            reason: "spec file".to_owned(),
        });
        rest = rest.trim_start_matches(separators);
    }
    relations
}

/// Bytes up to the parenthesis that closes the first.
fn rich_length(text: &str) -> usize {
    let mut depth = 0_usize;
    for (index, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    text.len()
}

fn operator(word: &str) -> Option<Comparison> {
    Some(match word {
        "<" => Comparison::Less,
        "<=" | "=<" => Comparison::LessOrEqual,
        "=" | "==" => Comparison::Equal,
        ">=" | "=>" => Comparison::GreaterOrEqual,
        ">" => Comparison::Greater,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_as_rpm_reads_them() {
        let text = "# %{unknown} Name: no\n%global foo bar\n%define pythons %{foo}311\n%global other %(touch x)\nName: %{foo}-app\n\
                    Release: 1%{?dist}%{?nothing}\nSummary: 100%% good: yes\nSource0: https://h/a.tar.gz\nSource: b\nSource7: c\nNoSource: 1, 7\n\
                    BuildRoot: %{_tmppath}/x\n%{?systemd_requires}\nBuildRequires: gcc >= 8, (a or (b and c)) %{pythons}-devel,x=1 y == 1:2~rc1\n\
                    BuildConflicts: z\n\n%description\nFirst %%\n\nthird\n\n%package -n %{foo}\nSummary: no\n%package cli\n%description cli\nno\n\
                    %generate_buildrequires\nSummary: no\n%changelog\n* Tue Nov 21 2023 A B <a@b.c> - 1-1\n- 5%% more\n\n* Mon Nov 20 2023 C\n- x\n";
        let preamble = Preamble::read(text, &[("dist", ".fc42")]).unwrap();
        assert_eq!(preamble.packages, ["bar-app", "bar", "bar-app-cli"]);
        assert_eq!(preamble.first("release"), Some("1.fc42"));
        assert_eq!(preamble.all("summary").collect::<Vec<_>>(), ["100% good: yes"]);
        let sources = preamble.numbered("source").collect::<Vec<_>>();
        assert_eq!(sources, [(0, "https://h/a.tar.gz"), (1, "b"), (7, "c")]);
        assert_eq!(preamble.words("nosource"), ["1", "7"]);
        let relations = preamble.relations().into_iter().map(|one| (one.name, one.comparison)).collect::<Vec<_>>();
        let expected = [
            ("gcc", Some((Comparison::GreaterOrEqual, "8"))),
            ("(a or (b and c))", None),
            ("bar311-devel", None),
            ("x=1", None),
            ("y", Some((Comparison::Equal, "1:2~rc1"))),
            ("z", None),
        ];
        let expected = expected.map(|(name, comparison)| {
            (name.to_owned(), comparison.map(|(operator, version)| (operator, version.to_owned())))
        });
        assert_eq!(relations, expected);
        assert_eq!(preamble.description, "First %\n\nthird");
        assert!(preamble.generates);
        let log = preamble.changelog.iter().map(|(author, text)| (author.as_str(), text.as_str())).collect::<Vec<_>>();
        assert_eq!(log, [("A B <a@b.c> - 1-1", "- 5% more"), ("C", "- x")]);
    }

    #[test]
    fn a_macro_that_is_not_known_is_no_text() {
        let error = Preamble::read("Name: %{nobody}\n", &[]).unwrap_err().to_string();
        assert!(error.contains("%{nobody}"), "{error}");
    }
}
