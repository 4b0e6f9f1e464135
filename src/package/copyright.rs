//! `/usr/share/doc/<package>/copyright`: who has the copyright of what is in a Debian package and under which licence,
//! machine-readable (<https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/>, Debian policy 12.5).
//!
//! Everything comes from what the application and the bundled distributions say of themselves; what they do not say is
//! unknown, and said so. The metadata is read in `subject`, licence files in `material`, names of licences in `names`,
//! whose files are which in `paths`.

mod material;
mod names;
mod paths;
mod subject;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use self::material::{Kind, Material};
pub use self::names::spdx_identifier;
use self::names::{Common, Licence, Named};
use self::subject::{Subject, Subjects};
use crate::package::Error;
use crate::plan::{BuildPlan, Role};
use crate::stage::Stage;

#[derive(Debug, Serialize)]
struct Document<'a> {
    name: &'a str,
    contact: &'a str,
    source: &'a str,
    files: Vec<Paragraph>,
    licenses: Vec<Terms>,
}

/// A `Files` paragraph.
#[derive(Debug, Serialize)]
struct Paragraph {
    patterns: Vec<String>,
    statements: Vec<String>,
    license: String,
    /// Empty where a `License` paragraph has it.
    text: String,
    comment: String,
}

/// A stand-alone `License` paragraph.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Terms {
    name: String,
    text: String,
}

/// The copyright files of the packages of one plan.
pub struct Copyright<'a> {
    plan: &'a BuildPlan,
    subjects: Subjects,
    licences: Vec<Licence>,
    /// Patterns of each subject's files in the main package.
    patterns: Vec<Vec<String>>,
}

impl<'a> Copyright<'a> {
    /// Reads metadata and licence files of everything in `stage`.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn read(plan: &'a BuildPlan, stage: &Stage) -> Result<Self, Error> {
        let mut subjects = Subjects::read(plan, stage)?;
        subjects.all.iter_mut().for_each(Subject::take_text_of_field);
        let licences = subjects.all.iter().map(|one| names::licence(&one.said, &one.materials)).collect();
        let patterns = paths::patterns(&stage.entries, subjects.all.len(), |entry| subjects.owner(entry));
        Ok(Self { plan, subjects, licences, patterns })
    }

    /// The file for a package: the main one ships every subject, a meta-package only what is the application's.
    ///
    /// # Errors
    /// When the template is not sound, which is a mistake in omnipack.
    pub fn render(&self, role: Role) -> Result<String, Error> {
        let of_package = |index: &usize| match role {
            Role::Main => *index == 0 || self.patterns.get(*index).is_some_and(|patterns| !patterns.is_empty()),
            Role::Meta => *index == 0,
        };
        let shipped = (0..self.subjects.all.len()).filter(of_package).collect::<Vec<_>>();
        let mut writer = Writer { shared: self.shared(&shipped), printed: BTreeMap::new(), referred: BTreeSet::new() };
        let files = shipped.iter().filter_map(|index| self.paragraph(*index, &mut writer)).collect();
        let context = Document {
            name: &self.plan.metadata.name,
            contact: &self.plan.metadata.author,
            source: &self.plan.url,
            files,
            licenses: writer.terms(),
        };
        let template = include_str!("../../templates/debian/copyright");
        Ok(crate::template::render("copyright", template, context)?)
    }

    fn paragraph(&self, index: usize, writer: &mut Writer) -> Option<Paragraph> {
        let (subject, licence) = (self.subjects.all.get(index)?, self.licences.get(index)?);
        let mut notes = vec![introduction(subject)];
        notes.extend(licence.notes.iter().cloned());
        let statements = statements(subject, &mut notes);
        for people in subject.materials.iter().filter(|material| material.kind == Kind::People) {
            notes.push(format!("{}:\n\n{}", people.file, people.text));
        }
        let text = writer.text(subject, licence.named.as_ref());
        Some(Paragraph {
            patterns: if index == 0 { vec!["*".to_owned()] } else { self.patterns.get(index)?.clone() },
            statements,
            license: synopsis(subject, licence.named.as_ref()),
            text,
            comment: notes.join("\n"),
        })
    }

    /// For each short name the text that most of the subjects have, where more than one has it: it gets a paragraph
    /// of its own.
    fn shared(&self, shipped: &[usize]) -> BTreeMap<String, Material> {
        let mut variants: BTreeMap<&str, BTreeMap<[u8; 32], (usize, &Material)>> = BTreeMap::new();
        for index in shipped {
            let (Some(subject), Some(licence)) = (self.subjects.all.get(*index), self.licences.get(*index)) else {
                continue;
            };
            if let Some((name, material)) = sole_text(subject, licence.named.as_ref()) {
                variants.entry(name).or_default().entry(material.key).or_insert((0, material)).0 += 1;
            }
        }
        let most = variants.into_iter().filter_map(|(name, texts)| {
            let (count, material) = texts.into_values().max_by_key(|(count, material)| (*count, material.key))?;
            (count > 1).then(|| (name.to_owned(), material.clone()))
        });
        most.collect()
    }
}

/// What is written once, and where.
struct Writer {
    /// Texts that get a `License` paragraph, by short name.
    shared: BTreeMap<String, Material>,
    /// Texts that stand in a `Files` paragraph, with the title of its subject.
    printed: BTreeMap<[u8; 32], String>,
    /// Short names that a `Files` paragraph has without a text.
    referred: BTreeSet<String>,
}

impl Writer {
    /// The text of a `Files` paragraph; empty where all that its licence says stands in `License` paragraphs.
    fn text(&mut self, subject: &Subject, named: Option<&Named>) -> String {
        let names = named.map(Named::names).unwrap_or_default();
        if let Some((name, material)) = sole_text(subject, named)
            && self.shared.get(name).is_some_and(|shared| shared.key == material.key)
        {
            self.referred.insert(name.to_owned());
            return String::new();
        }
        let mut blocks = self.blocks(subject, &names);
        if blocks.is_empty() && !names.is_empty() && names.iter().all(|name| names::common(name).is_some()) {
            self.referred.extend(names.iter().map(|name| (*name).to_owned()));
            return String::new();
        }
        if blocks.is_empty() {
            blocks.push(match names.as_slice() {
                [] => format!("{} says nothing of its licence.", subject.title),
                _ => format!("{} has no copy of its licence.", subject.title),
            });
        }
        blocks.extend(names.iter().filter_map(|name| names::common(name)).map(Common::reference));
        blocks.join("\n\n")
    }

    /// Each licence file in its turn; one that Debian has under a name of the synopsis needs none.
    fn blocks(&mut self, subject: &Subject, names: &[&str]) -> Vec<String> {
        let terms =
            subject.materials.iter().filter(|material| material.kind == Kind::Terms && !material.text.is_empty());
        let of_synopsis = |common: &Common| common.names.iter().any(|name| names.contains(&name.as_str()));
        let terms = terms.filter(|material| !material.common.is_some_and(of_synopsis)).collect::<Vec<_>>();
        let several = terms.len() > 1;
        let mut blocks = Vec::new();
        for material in terms {
            let heading = if several { format!("{}:\n\n", material.file) } else { String::new() };
            let text = match (material.common, self.printed.get(&material.key)) {
                (Some(common), _) => common.reference(),
                (None, Some(other)) => format!("The text is the same as that of {other} above."),
                (None, None) => {
                    self.printed.insert(material.key, subject.title.clone());
                    material.text.clone()
                }
            };
            blocks.push(format!("{heading}{text}"));
        }
        blocks
    }

    fn terms(&self) -> Vec<Terms> {
        let text = |name: &String| match self.shared.get(name) {
            Some(material) => material.text.clone(),
            None => names::common(name).map(Common::reference).unwrap_or_default(),
        };
        self.referred.iter().map(|name| Terms { name: name.clone(), text: text(name) }).collect()
    }
}

/// The text of a subject that has one licence, which Debian does not have, and one text.
fn sole_text<'a>(subject: &'a Subject, named: Option<&'a Named>) -> Option<(&'a str, &'a Material)> {
    let names = named.map(Named::names).unwrap_or_default();
    let [name] = names.as_slice() else { return None };
    let mut terms = subject.materials.iter().filter(|one| one.kind == Kind::Terms && !one.text.is_empty());
    let (material, more) = (terms.next()?, terms.next());
    let plain = named.is_some_and(|named| named.synopsis() == *name);
    (plain && more.is_none() && material.common.is_none() && names::common(name).is_none()).then_some((*name, material))
}

/// A licence without a name that others know gets one of its own.
fn synopsis(subject: &Subject, named: Option<&Named>) -> String {
    match named {
        Some(named) => named.synopsis(),
        None if subject.materials.iter().any(|one| one.kind == Kind::Terms && !one.text.is_empty()) => {
            let name =
                subject.title.chars().map(|c| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '-' });
            format!("{}-license", name.collect::<String>())
        }
        None => "unknown".to_owned(),
    }
}

fn introduction(subject: &Subject) -> String {
    let home = subject.home.as_ref().map(|home| format!(", {home}")).unwrap_or_default();
    format!("{} {}{home}", subject.title, subject.version)
}

/// Of all licence files, each once; else the author.
fn statements(subject: &Subject, notes: &mut Vec<String>) -> Vec<String> {
    let mut statements: Vec<String> = Vec::new();
    let all = subject.materials.iter().flat_map(|material| &material.statements);
    for statement in all.filter(|statement| says_something(statement)) {
        if !statements.contains(statement) {
            statements.push(statement.clone());
        }
    }
    if !statements.is_empty() {
        return statements;
    }
    match subject.author.as_ref().filter(|author| says_something(author)) {
        Some(author) => {
            notes.push("It has no statement of copyright; its metadata names the author.".to_owned());
            vec![author.clone()]
        }
        None => {
            notes.push("It has no statement of copyright and names no author.".to_owned());
            vec!["unknown".to_owned()]
        }
    }
}

/// Is there more in it than white space and what a control file cannot hold?
fn says_something(text: &str) -> bool {
    text.chars().any(|c| !c.is_whitespace() && !c.is_control())
}

#[cfg(test)]
mod tests;
