//! Whose work is in a package: the application, each bundled Python distribution, a bundled interpreter, and what each
//! says of itself.

use std::collections::BTreeMap;
use std::io::{self, Read};

use super::material::{Kind, Material};
use super::names::Said;
use crate::plan::BuildPlan;
use crate::resolve::WheelRole;
use crate::stage::{Content, Entry, EntryKind, Fields, Origin, Stage};

/// Of all licence files together; what is beyond is named, not repeated.
const BUDGET: u64 = 16 << 20;
/// Read of one `METADATA`; the fields come before the description.
const METADATA: u64 = 4 << 20;
/// What people write who have nothing to say.
const NOTHING: [&str; 3] = ["", "UNKNOWN", "None"];

/// One work with a licence of its own.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    /// As published: `Flask`.
    pub title: String,
    pub version: String,
    pub said: Said,
    /// `Ada Lovelace <ada@example.org>`
    pub author: Option<String>,
    pub home: Option<String>,
    pub materials: Vec<Material>,
}

/// The application first, then the dependencies by name, the interpreter last.
pub struct Subjects {
    pub all: Vec<Subject>,
    by_origin: BTreeMap<Origin, usize>,
}

impl Subjects {
    /// Reads what belongs to `stage`.
    ///
    /// # Errors
    /// When a licence file or the metadata of a distribution cannot be read.
    pub fn read(plan: &BuildPlan, stage: &Stage) -> io::Result<Self> {
        let mut subjects = Self { all: vec![application(plan)], by_origin: BTreeMap::new() };
        for bundled in &stage.distributions {
            let origin = Origin::Wheel { name: bundled.name.clone(), version: bundled.version.clone() };
            match bundled.role {
                WheelRole::Application => subjects.by_origin.insert(origin, 0),
                WheelRole::Dependency => {
                    let (title, version) = (bundled.name.to_string(), bundled.version.to_string());
                    subjects.add(origin, Subject { title, version, ..Subject::default() })
                }
            };
        }
        if stage.entries.iter().any(|entry| entry.origin == Origin::Interpreter) {
            subjects.add(Origin::Interpreter, interpreter(plan));
        }
        let mut budget = BUDGET;
        for path in &plan.licenses {
            let content = Content::File { path: path.clone().into(), size: fs_err::metadata(path)?.len() };
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            let material = Material::read(&file, &content, "the sources", &mut budget)?;
            subjects.all.iter_mut().take(1).for_each(|application| application.materials.push(material.clone()));
        }
        for entry in &stage.entries {
            if let EntryKind::File(content) = &entry.kind {
                subjects.read_entry(plan, entry, content, &mut budget)?;
            }
        }
        Ok(subjects)
    }

    /// The number of the one that an entry belongs to; what belongs to the application has none.
    pub fn owner(&self, entry: &Entry) -> Option<usize> {
        self.by_origin.get(&entry.origin).copied().filter(|index| *index > 0)
    }

    fn add(&mut self, origin: Origin, subject: Subject) -> Option<usize> {
        self.all.push(subject);
        self.by_origin.insert(origin, self.all.len() - 1)
    }

    fn read_entry(&mut self, plan: &BuildPlan, entry: &Entry, content: &Content, budget: &mut u64) -> io::Result<()> {
        let Some(index) = self.by_origin.get(&entry.origin).copied() else { return Ok(()) };
        let Some(subject) = self.all.get_mut(index) else { return Ok(()) };
        let path = entry.path.as_str();
        if is_metadata(path) {
            let mut bytes = Vec::new();
            content.open()?.take(METADATA).read_to_end(&mut bytes)?;
            subject.take_metadata(&String::from_utf8_lossy(&bytes), index == 0);
        }
        let named_by_user = index == 0 && !plan.licenses.is_empty();
        let of_interpreter = entry.origin == Origin::Interpreter && is_interpreters_license(path);
        if (entry.flags.license && !named_by_user) || of_interpreter {
            subject.materials.push(Material::read(&license_name(path), content, path, budget)?);
        }
        Ok(())
    }
}

/// What plan and configuration say: they have the last word.
fn application(plan: &BuildPlan) -> Subject {
    let known = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Subject {
        title: plan.metadata.name.clone(),
        version: plan.version.clone(),
        said: Said { field: known_words(&plan.license), ..Said::default() },
        author: known(&plan.metadata.author).or_else(|| known(&plan.vendor)),
        home: known(&plan.url),
        materials: Vec::new(),
    }
}

fn interpreter(plan: &BuildPlan) -> Subject {
    Subject {
        title: "CPython".to_owned(),
        version: plan.interpreter.version.to_string(),
        // <https://docs.python.org/3/license.html>
        said: Said { expression: "Python-2.0".to_owned(), ..Said::default() },
        author: Some("Python Software Foundation".to_owned()),
        home: Some("https://www.python.org".to_owned()),
        materials: Vec::new(),
    }
}

fn known_words(text: &str) -> String {
    let text = text.trim();
    if NOTHING.contains(&text) || text == "Unknown" { String::new() } else { text.to_owned() }
}

impl Subject {
    /// Of the application, only what the configuration has no word for.
    fn take_metadata(&mut self, text: &str, is_application: bool) {
        let fields = Fields::parse(text);
        let field = |name: &str| fields.first(name).map(str::trim).filter(|text| !NOTHING.contains(text));
        let classifiers = fields.all("classifier").filter_map(|line| line.strip_prefix("License :: "));
        self.said.classifiers = classifiers.map(|line| line.trim().to_owned()).collect();
        if is_application {
            return;
        }
        self.said.expression = field("license-expression").unwrap_or_default().to_owned();
        self.said.field = field("license").unwrap_or_default().to_owned();
        self.title = field("name").unwrap_or(&self.title).to_owned();
        self.author = person(field("author"), field("author-email"))
            .or_else(|| person(field("maintainer"), field("maintainer-email")));
        self.home = home(field("home-page"), fields.all("project-url"));
    }

    /// Some put the whole text into the field: it counts where there is no file.
    pub fn take_text_of_field(&mut self) {
        if self.said.field.contains('\n') && !self.materials.iter().any(|material| material.kind == Kind::Terms) {
            self.materials.push(Material::of_text("the field License of METADATA", &self.said.field));
        }
    }
}

/// Both fields may name several people.
fn person(name: Option<&str>, address: Option<&str>) -> Option<String> {
    match (name, address) {
        (_, Some(address)) if address.contains('<') => Some(address.to_owned()),
        (Some(name), Some(address)) => Some(format!("{name} <{address}>")),
        (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
        (None, None) => None,
    }
}

/// `Home-page`, or the best of `Project-URL`, each a label and an address
/// (<https://packaging.python.org/specifications/well-known-project-urls/>).
fn home<'a>(home_page: Option<&'a str>, urls: impl Iterator<Item = &'a str>) -> Option<String> {
    const LABELS: [&str; 5] = ["homepage", "source", "repository", "sourcecode", "documentation"];
    let rank = |(label, address): (&str, &'a str)| {
        let label = label.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
        LABELS.iter().position(|known| *known == label).map(|rank| (rank, address.trim()))
    };
    let is_web = |address: &&str| address.starts_with("https://") || address.starts_with("http://");
    let of_urls =
        urls.filter_map(|line| line.split_once(',').and_then(rank)).filter(|(_, address)| is_web(address)).min();
    home_page.filter(is_web).or(of_urls.map(|(_, address)| address)).map(str::to_owned)
}

/// `.../site-packages/flask-3.0.dist-info/METADATA`, and none of a vendored distribution.
fn is_metadata(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    parts.next() == Some("METADATA")
        && parts.next().is_some_and(|part| part.ends_with(".dist-info"))
        && parts.next() == Some("site-packages")
}

/// `lib/python3.11/LICENSE.txt`, where CPython installs it.
fn is_interpreters_license(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    parts.next().is_some_and(|file| file.starts_with("LICENSE"))
        && parts.next().is_some_and(|part| part.starts_with("python"))
}

/// What comes after `*.dist-info/` and `licenses/`.
fn license_name(path: &str) -> String {
    let file = path.split_once(".dist-info/").map_or_else(|| path.rsplit('/').next().unwrap_or(path), |(_, file)| file);
    file.strip_prefix("licenses/").unwrap_or(file).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_of_vendored_distributions_is_not_taken() {
        let site = "/opt/app/lib/python3.11/site-packages";
        assert!(is_metadata(&format!("{site}/flask-3.0.dist-info/METADATA")));
        assert!(!is_metadata(&format!("{site}/setuptools/_vendor/wheel-0.43.dist-info/METADATA")));
        assert!(!is_metadata(&format!("{site}/flask/METADATA")));
        assert_eq!(license_name(&format!("{site}/a.dist-info/licenses/vendored/LICENSE")), "vendored/LICENSE");
        assert_eq!(license_name("/opt/app/python/lib/python3.11/LICENSE.txt"), "LICENSE.txt");
    }

    #[test]
    fn fields_of_the_metadata_are_read() {
        let mut subject = Subject::default();
        subject.take_metadata(
            "Name: Flask\nLicense: UNKNOWN\nAuthor: Ada\nAuthor-email: ada@b.c\nHome-page: UNKNOWN\n\
             Classifier: License :: OSI Approved :: MIT License\nProject-URL: Chat, https://c\n\
             Project-URL: Documentation, https://d\nProject-URL: Source Code, https://s\n",
            false,
        );
        assert_eq!((subject.title.as_str(), subject.said.field.as_str()), ("Flask", ""));
        assert_eq!(subject.author.as_deref(), Some("Ada <ada@b.c>"));
        assert_eq!(subject.home.as_deref(), Some("https://s"));
        assert_eq!(subject.said.classifiers, ["OSI Approved :: MIT License"]);
    }

    #[test]
    fn a_text_in_the_field_counts_where_there_is_no_file() {
        let mut subject =
            Subject { said: Said { field: "BSD\nDo it".to_owned(), ..Said::default() }, ..Subject::default() };
        subject.take_text_of_field();
        subject.take_text_of_field();
        assert_eq!(subject.materials.len(), 1);
    }
}
