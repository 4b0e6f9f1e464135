//! What detectors find: each thing with the place that says it.

use std::collections::BTreeMap;

use serde::Serialize;

/// A place in the project: a file, and a line of it (from 1; 0 for the file as a whole).
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Origin {
    pub file: String,
    pub line: usize,
}

impl Origin {
    pub fn new(file: &str, line: usize) -> Self {
        Self { file: file.to_owned(), line }
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            0 => formatter.write_str(&self.file),
            line => write!(formatter, "{}, line {line}", self.file),
        }
    }
}

/// A text and who says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Said {
    pub value: String,
    pub from: Origin,
}

impl Said {
    pub fn new(value: impl Into<String>, from: Origin) -> Self {
        Self { value: value.into(), from }
    }
}

/// Something that was seen and cannot be taken over as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    pub from: Origin,
    /// What was seen.
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

/// Where a service is described, the most trusted first: what was made for machines like the targets, then what was made
/// for other platforms, then what the code only suggests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    Unit,
    InitScript,
    Supervisor,
    Procfile,
    Dockerfile,
    Trace,
}

/// A command as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandText {
    /// For a shell.
    Shell(String),
    /// As words, which nothing expands.
    Words(Vec<String>),
    /// As in `ExecStart=`: words with quotes, variables and specifiers of systemd.
    Unit(String),
}

/// A service as one source describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    pub trust: Trust,
    pub from: Origin,
    /// As the source calls it; empty where it has no name for it.
    pub name: String,
    pub command: CommandText,
    /// The unit or init script that it is installed as.
    pub installed_as: Option<String>,
    pub user: Option<String>,
    pub group: Option<String>,
    pub environment: BTreeMap<String, String>,
    pub environment_file: Option<String>,
    /// Keys of `[[service]]` that need no more than to be copied, with values that were checked.
    pub settings: Vec<(&'static str, toml::Value)>,
    /// The directory that it runs in, which no package has.
    pub directory: Option<String>,
    /// What a reader of the file should know.
    pub comments: Vec<String>,
}

impl Candidate {
    pub fn new(trust: Trust, from: Origin, name: &str, command: CommandText) -> Self {
        Self {
            trust,
            from,
            name: name.to_owned(),
            command,
            installed_as: None,
            user: None,
            group: None,
            environment: BTreeMap::new(),
            environment_file: None,
            settings: Vec::new(),
            directory: None,
            comments: Vec::new(),
        }
    }
}

/// The kind of packages whose names a relation has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Names {
    Rpm,
    Deb,
}

/// A package of the distribution that the application needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Need {
    pub names: Names,
    /// `redis` or `libpq5 (>= 13)`
    pub relation: String,
    pub from: Origin,
}

/// A file of the project that some packaging installs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shipped {
    /// Path in the project.
    pub source: String,
    /// Absolute; ends with `/` for a directory to put it into.
    pub destination: String,
    pub from: Origin,
}

/// A key of `[package]` that some packaging gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackageKey {
    Name,
    Prefix,
    Release,
    Epoch,
    License,
    Summary,
    Url,
    Vendor,
    Maintainer,
    Section,
}

/// All that was found.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    pub package: Vec<(PackageKey, Said)>,
    pub services: Vec<Candidate>,
    pub needs: Vec<Need>,
    pub files: Vec<Shipped>,
    /// Directories that the package owns.
    pub directories: Vec<Said>,
    pub index_urls: Vec<Said>,
    /// Distributions (normalised names) that an image has by `pip install`, and that no list of requirements has to name.
    pub in_image: Vec<Said>,
    /// What Debian's packages have for building them.
    pub build_requires: Vec<Said>,
    pub notes: Vec<Note>,
}

impl Findings {
    pub fn note(&mut self, from: Origin, what: impl Into<String>, advice: impl Into<String>) {
        self.notes.push(Note { from, what: one_line(&what.into()), advice: advice.into() });
    }

    pub fn package(&mut self, key: PackageKey, value: &str, from: Origin) {
        let value = value.trim();
        // What stands for bytes that are no UTF-8 is nobody's name.
        if value.contains(char::REPLACEMENT_CHARACTER) {
            let advice = "save the file as UTF-8, or write the value into `[package]`";
            self.note(from, format!("`{value}` is not UTF-8"), advice);
        } else if !value.is_empty() {
            self.package.push((key, Said::new(value, from)));
        }
    }
}

/// A text for a comment or a message: one line, no control characters, not endless.
#[must_use]
pub fn one_line(text: &str) -> String {
    const LONGEST: usize = 160;
    let clean = text.replace(char::is_control, " ");
    let line = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST {
        return line;
    }
    line.chars().take(LONGEST).collect::<String>() + "..."
}

/// Lines with their numbers, where a backslash at the end of a line joins the next one.
pub fn joined_lines(text: &str) -> Vec<(usize, String)> {
    let mut all: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        let (part, goes_on) = match line.strip_suffix('\\') {
            Some(part) => (part, true),
            None => (line, false),
        };
        match all.last_mut().filter(|_| open) {
            Some((_, joined)) => {
                joined.push(' ');
                joined.push_str(part.trim());
            }
            None => all.push((index + 1, part.to_owned())),
        }
        open = goes_on;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_no_setting() {
        let mut findings = Findings::default();
        findings.package(PackageKey::Maintainer, "J\u{fffd}rg <j@example.org>", Origin::new("debian/control", 3));
        assert!(findings.package.is_empty());
        assert_eq!(findings.notes[0].what, "`J\u{fffd}rg <j@example.org>` is not UTF-8");
    }

    #[test]
    fn places_read_well_and_texts_stay_in_their_line() {
        assert_eq!(Origin::new("Procfile", 2).to_string(), "Procfile, line 2");
        assert_eq!(Origin::new("debian/rules", 0).to_string(), "debian/rules");
        assert_eq!(one_line("a\n\u{1b}[1m\tb"), "a [1m b");
        assert_eq!(one_line(&"x".repeat(400)).len(), 163);
        assert_eq!(joined_lines("a \\\n  b\nc\\"), [(1, "a  b".to_owned()), (3, "c".to_owned())]);
    }
}
