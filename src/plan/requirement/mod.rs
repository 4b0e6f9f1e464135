//! What a Python application requires (PEP 508), as relations of the target's package manager, for packages that bundle
//! nothing.
//!
//! There are two vocabularies. Where packages provide `python3dist(name)`, a requirement becomes what Fedora's
//! generator (`pythondistdeps.py` of python-rpm-generators) would make of it, word for word. Elsewhere it becomes the name of a
//! package, by rules in `package-names.toml` and the user's `[package-map]`. What PEP 440's operators mean in versions of
//! packages is in `rules.rs`, how versions are written in `version.rs`, names in `names.rs`, and what is said with and without rich
//! dependencies in `relations.rs`.
//!
//! An approximation never refuses what the requirement allows; what it lets in besides is said in
//! [`Translation::open`].

mod names;
mod relations;
mod rules;
#[cfg(test)]
mod tests;
mod version;

use std::collections::{BTreeMap, HashMap, HashSet};

use miette::Diagnostic;
use pep508_rs::{ExtraName, MarkerEnvironment, Requirement, VerbatimUrl, VersionOrUrl};
use thiserror::Error as ThisError;

use super::Relation;
use crate::distribution::{Distribution, PackageFormat, PythonDist, ToolVersion};
use crate::project::parse_requirement;

use rules::{Expression, Rules};

/// Characters of the requirements that a relation is for.
const REASON: usize = 1000;

/// Why a requirement cannot be said on the target.
#[derive(Debug, ThisError, Diagnostic)]
pub enum Error {
    #[error("`{requirement}` is not a requirement: {reason}")]
    #[diagnostic(
        code(requirement::syntax),
        help("it comes from the application's metadata or a requirement file: correct it there")
    )]
    Syntax { requirement: String, reason: String },
    #[error("`{package}`, which `[package-map]` has for `{name}`, is not the name of a package")]
    #[diagnostic(
        code(requirement::package_name),
        help("letters, digits and `._+-()[]/` make a name, without a version")
    )]
    PackageName { name: String, package: String },
}

/// How the target calls Python distributions, and what its package manager can say of them.
#[derive(Debug, Clone)]
pub struct Vocabulary<'a> {
    names: names::Names<'a>,
    dist: Option<PythonDist>,
    /// `3.11`
    series: String,
    /// Is it the Python whose distributions are `python3dist()`, too?
    default_python: bool,
    grammar: relations::Grammar,
    tilde: bool,
    format: PackageFormat,
}

/// What the requirements of one distribution came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translation {
    /// As written, those whose markers hold on the target.
    pub requirements: Vec<String>,
    /// All of kind `Requires` or `Conflicts`.
    pub relations: Vec<Relation>,
    /// What the relations do not say, one sentence each.
    pub open: Vec<String>,
}

impl<'a> Vocabulary<'a> {
    /// That of `distribution` for its Python of the series of `python`. `map` is the user's: normalised names (PEP 503) to
    /// packages.
    #[must_use]
    pub fn new(distribution: &'a Distribution, python: ToolVersion, map: &'a BTreeMap<String, String>) -> Self {
        let first = distribution.pythons.first().map(|first| first.version.series());
        let series = python.series();
        Self {
            names: names::Names::new(distribution, &series, map),
            dist: distribution.python_dist,
            default_python: first.as_ref() == Some(&series),
            series,
            grammar: relations::Grammar::of(distribution),
            tilde: distribution.tilde(),
            format: distribution.format,
        }
    }

    /// What brings the Python distribution `name` in any version.
    ///
    /// # Errors
    /// When the user's map has what is no name of a package.
    pub fn name(&self, name: &str) -> Result<String, Error> {
        Ok(self.base(name)?.0)
    }

    /// What the target's package for the Python distribution `name` is called, whatever it provides besides.
    ///
    /// # Errors
    /// When the user's map has what is no name of a package.
    pub fn package(&self, name: &str) -> Result<String, Error> {
        Ok(self.names.mapped(name)?.unwrap_or_else(|| self.names.package(name)))
    }

    /// The packages' name for `name` as written, and the rules for its versions.
    fn base(&self, name: &str) -> Result<(String, Rules), Error> {
        let upstream = match self.format {
            PackageFormat::Rpm => Rules::Upstream { tilde: self.tilde },
            PackageFormat::Deb => Rules::Debian { epoch: self.names.epoch(&self.package(name)?) },
        };
        if let Some(package) = self.names.mapped(name)? {
            return Ok((package, upstream));
        }
        Ok(match self.dist {
            None => (self.names.package(name), upstream),
            Some(PythonDist::Verbatim) => (self.dist_name(&names::dotted(name), ""), upstream),
            Some(PythonDist::Normalised) => (self.dist_name(&names::normalised(name), ""), Rules::Generator),
        })
    }

    /// The name of an extra, where packages provide one.
    fn extra(&self, name: &str, extra: &str) -> Result<Option<String>, Error> {
        if self.dist != Some(PythonDist::Normalised) || self.names.mapped(name)?.is_some() {
            return Ok(None);
        }
        Ok(Some(self.dist_name(&names::normalised(name), &format!("[{}]", extra.to_lowercase()))))
    }

    /// `python3dist(name)` names whatever is for the release's own Python; others have their series in it.
    fn dist_name(&self, name: &str, extra: &str) -> String {
        let series = if self.default_python { "3" } else { &self.series };
        format!("python{series}dist({name}{extra})")
    }
}

/// The series of Python that a package of the target called `package` is for, where its name tells.
#[must_use]
pub fn series_of_package(distribution: &Distribution, package: &str) -> Option<String> {
    names::series_of(distribution, package)
}

/// The one of `distributions` whose package some target, though perhaps not this one, calls `package`.
#[must_use]
pub fn resembling<'n>(package: &str, distributions: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    names::resembling(package, distributions)
}

/// Translates `requirements`, with those of the application's `extras`. Those whose markers do not hold are left out; those
/// for the same distribution come together, in the order in which it is first named.
///
/// # Errors
/// When a line is no requirement, or the user's map has what is no name of a package.
pub fn translate(
    requirements: &[String],
    extras: &[ExtraName],
    environment: &MarkerEnvironment,
    vocabulary: &Vocabulary<'_>,
) -> Result<Vec<Translation>, Error> {
    let mut wanted: Vec<Wanted> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for text in requirements {
        let (requirement, legacy) = parse(text)?;
        if !requirement.evaluate_markers(environment, extras) {
            continue;
        }
        let (name, extras) = names::as_written(text);
        let at = *known.entry(names::normalised(name)).or_insert(wanted.len());
        if at == wanted.len() {
            wanted.push(Wanted::named(name));
        }
        if let Some(wanted) = wanted.get_mut(at) {
            wanted.add(text, &extras, &requirement, legacy);
        }
    }
    wanted.iter().map(|wanted| wanted.translate(vocabulary)).collect()
}

/// Each relation has the reason in it, of which there may be as many as a requirement has words: a long one is cut.
fn reason(texts: &[String]) -> String {
    let mut reason = texts.join(", ");
    if let Some((end, _)) = reason.char_indices().nth(REASON) {
        reason.truncate(end);
        reason.push_str("...");
    }
    reason
}

/// Reads a requirement. The index has old metadata with versions from before PEP 440 (`pytz (>dev)`): of such a one, the
/// version is left out, and given back.
fn parse(text: &str) -> Result<(Requirement<VerbatimUrl>, Option<String>), Error> {
    let syntax = |reason: String| Error::Syntax { requirement: text.escape_debug().to_string(), reason };
    let reason = match parse_requirement(text) {
        Ok(requirement) => return Ok((requirement, None)),
        Err(reason) => reason,
    };
    let (before, marker) = text.split_once(';').unwrap_or((text, ""));
    let start = before.find(['(', '<', '>', '=', '!', '~']).ok_or_else(|| syntax(reason.clone()))?;
    let (named, version) = before.split_at(start);
    let version = version.trim().trim_matches(['(', ')']).trim();
    // PEP 345: the operators were the same, what they stood before was anything.
    let is_one = |part: &str| {
        let word = part.trim().trim_start_matches(['<', '>', '=', '!', '~']);
        let operator = part.trim().strip_suffix(word).unwrap_or_default();
        let sound = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || "._*+!-".contains(c));
        ["<", "<=", ">", ">=", "==", "!=", "~="].contains(&operator) && !word.trim().is_empty() && sound(word.trim())
    };
    if !version.split(',').all(is_one) {
        return Err(syntax(reason));
    }
    let rest = if marker.is_empty() { named.to_owned() } else { format!("{named} ;{marker}") };
    Ok((parse_requirement(&rest).map_err(syntax)?, Some(version.to_owned())))
}

/// All that is asked of one distribution.
#[derive(Default)]
struct Wanted {
    /// As first written.
    name: String,
    texts: Vec<String>,
    /// What is asked of its version, by extra, the first without any.
    asked: Vec<Asked>,
    /// Is it to come from an address?
    url: bool,
    /// What is asked of its version and means nothing any more.
    legacy: Vec<String>,
}

/// What is asked of the version of a distribution, or of one of its extras.
#[derive(Default)]
struct Asked {
    extra: Option<String>,
    specifiers: Vec<pep440_rs::VersionSpecifier>,
    /// The same as text: `!=1.*` and `!=1.0.*` count as equal, and are not the same.
    known: HashSet<String>,
}

impl Wanted {
    fn named(name: &str) -> Self {
        Self { name: name.to_owned(), asked: vec![Asked::default()], ..Self::default() }
    }

    fn add(&mut self, text: &str, extras: &[&str], requirement: &Requirement<VerbatimUrl>, legacy: Option<String>) {
        let specifiers: &[_] = match &requirement.version_or_url {
            Some(VersionOrUrl::VersionSpecifier(specifiers)) => specifiers,
            Some(VersionOrUrl::Url(_)) => {
                self.url = true;
                &[]
            }
            None => &[],
        };
        self.legacy.extend(legacy);
        self.texts.push(text.to_owned());
        self.ask(None, specifiers);
        for extra in extras {
            self.ask(Some(extra.to_lowercase()), specifiers);
        }
    }

    fn ask(&mut self, extra: Option<String>, specifiers: &[pep440_rs::VersionSpecifier]) {
        let at = self.asked.iter().position(|asked| asked.extra == extra).unwrap_or_else(|| {
            self.asked.push(Asked { extra, ..Asked::default() });
            self.asked.len() - 1
        });
        let Some(asked) = self.asked.get_mut(at) else { return };
        for specifier in specifiers {
            if asked.known.insert(specifier.to_string()) {
                asked.specifiers.push(specifier.clone());
            }
        }
    }

    fn translate(&self, vocabulary: &Vocabulary<'_>) -> Result<Translation, Error> {
        let (base, rules) = vocabulary.base(&self.name)?;
        let mut relations = Vec::new();
        let mut open = Vec::new();
        let reason = reason(&self.texts);
        for Asked { extra, specifiers, .. } in &self.asked {
            let name = match extra {
                None => base.clone(),
                Some(extra) => match vocabulary.extra(&self.name, extra)? {
                    Some(name) => name,
                    None => {
                        open.push(format!("what the extra `{extra}` of {} needs is not required", self.name));
                        continue;
                    }
                },
            };
            let expressions =
                specifiers.iter().map(|specifier| rules.expression(specifier)).collect::<Vec<Expression>>();
            vocabulary.grammar.relations(&name, &expressions, &reason, &mut relations, &mut open);
        }
        if self.url {
            open.push(format!("any version of {} will do, although an address is given for it", self.name));
        }
        let legacy = self.legacy.iter();
        open.extend(legacy.map(|version| format!("`{version}` of {} is no version any more: any will do", self.name)));
        Ok(Translation { requirements: self.texts.clone(), relations, open })
    }
}
