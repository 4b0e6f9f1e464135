//! `debian/control`: what the source package needs to be built, and the packages that come out of it.

use serde::Serialize;

use super::Error;
use super::suites::Suite;
use crate::format::deb::relations as dpkg;
use crate::package::Package;
use crate::plan::requirement::{self, Translation, Vocabulary};
use crate::plan::{self, BuildPlan, PackagePlan, Relation, RelationKind, Role};
use crate::project::MultiArch;
use crate::spec::Input;
use crate::template;

/// As the template has it.
#[derive(Debug, Serialize)]
struct Context<'a> {
    source: &'a str,
    section: &'a str,
    priority: &'a str,
    maintainer: &'a str,
    build_depends: Vec<String>,
    standards: &'a str,
    homepage: &'a str,
    packages: Vec<Stanza>,
}

#[derive(Debug, Serialize)]
struct Stanza {
    name: String,
    architecture: &'static str,
    multi_arch: Option<&'static str>,
    /// What the application requires, in its own words.
    comments: Vec<String>,
    fields: Vec<Field>,
    summary: String,
    description: String,
}

#[derive(Debug, Serialize)]
struct Field {
    name: &'static str,
    values: Vec<String>,
}

/// What is known of a package when its stanza is written.
pub struct Part<'a> {
    pub planned: &'a PackagePlan,
    pub package: &'a Package,
    /// Are there programs or modules of Python in it?
    pub python: bool,
    pub units: bool,
}

/// What the application requires.
#[derive(Debug, Default)]
pub struct Required {
    /// For the main package.
    pub relations: Vec<Relation>,
    pub comments: Vec<String>,
    /// Names on the package index to packages, for dh_python3.
    pub names: Vec<(String, String)>,
    /// What is not said, one sentence each.
    pub notes: Vec<String>,
}

impl Required {
    /// dh_python3 finds names alone, in the metadata that is installed: bounds of versions, and what extras and requirement
    /// files ask for, are said here.
    pub fn read(input: &Input<'_>, vocabulary: &Vocabulary<'_>) -> Result<Self, Error> {
        let plan = input.plan;
        let extras = plan.python.extras.iter().filter_map(|extra| extra.parse().ok()).collect::<Vec<_>>();
        let all = [&plan.metadata.requires_dist[..], input.requirements].concat();
        let all = requirement::translate(&all, &extras, input.environment, vocabulary)?;
        let found = requirement::translate(&plan.metadata.requires_dist, &[], input.environment, vocabulary)?;
        let mut required = Self::default();
        for translation in &all {
            // It passes over what has a marker that it does not know.
            let plain = translation.requirements.iter().all(|text| !text.contains(';'));
            required.add(translation, plain && found.contains(translation), vocabulary)?;
        }
        Ok(required)
    }

    fn add(&mut self, translation: &Translation, found: bool, vocabulary: &Vocabulary<'_>) -> Result<(), Error> {
        self.notes.extend(translation.open.iter().cloned());
        let all = &translation.relations;
        let Some(text) = translation.requirements.first().filter(|_| !all.is_empty()) else { return Ok(()) };
        let package = vocabulary.name(written_name(text))?;
        // What excludes a version is an alternative, whose name has the comparison in it.
        let bare = |relation: &Relation| relation.comparison.is_none() && relation.name == package;
        let said = all.iter().filter(|relation| !(found && bare(relation))).collect::<Vec<_>>();
        if !said.is_empty() {
            self.comments.push(translation.requirements.join(", "));
        }
        self.relations.extend(said.into_iter().cloned());
        self.names.push((written_name(text).to_owned(), package));
        Ok(())
    }
}

/// The name that a requirement begins with.
fn written_name(requirement: &str) -> &str {
    let text = requirement.trim_start();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// The text of `debian/control`.
pub fn render(
    input: &Input<'_>,
    suite: &Suite,
    build_depends: Vec<String>,
    required: &Required,
    parts: &[Part<'_>],
) -> Result<String, Error> {
    let plan = input.plan;
    let native = input.application.native;
    let stanzas = parts.iter().map(|part| stanza(plan, native, required, part)).collect::<Result<Vec<_>, _>>()?;
    let context = Context {
        source: plan.main().map_or("", |main| main.name.as_str()),
        section: &plan.section,
        priority: &plan.priority,
        maintainer: &plan.maintainer,
        build_depends,
        standards: &suite.standards,
        homepage: &plan.url,
        packages: stanzas,
    };
    let text = include_str!("../../../templates/debian-source/control");
    Ok(template::render("debian/control", text, context)?)
}

fn stanza(plan: &BuildPlan, native: bool, required: &Required, part: &Part<'_>) -> Result<Stanza, Error> {
    let main = part.planned.role == Role::Main;
    let any = main && native;
    let mut package = part.package.clone();
    let same_build = package.relations.iter().any(|relation| relation.reason == "same build");
    package.relations.retain(|relation| !is_of_omnipack(relation));
    for relation in &mut package.relations {
        // Accounts are made by postinst.
        if relation.reason == "service accounts" {
            relation.kind = RelationKind::Requires;
        }
    }
    if main {
        package.relations.extend(required.relations.iter().cloned());
    }
    let mut fields = vec![Field { name: "Depends", values: vec!["${misc:Depends}".to_owned()] }];
    if let Some(depends) = fields.first_mut() {
        depends.values.extend(part.python.then(|| "${python3:Depends}".to_owned()));
        depends.values.extend(any.then(|| "${shlibs:Depends}".to_owned()));
        depends.values.extend(same_build.then(|| same(plan, native)).into_iter().flatten());
    }
    if part.units {
        fields.insert(0, Field { name: "Pre-Depends", values: vec!["${misc:Pre-Depends}".to_owned()] });
    }
    for (name, text) in dpkg::fields(&package)? {
        let values = text.split(", ").map(str::to_owned);
        match fields.iter_mut().find(|field| field.name == name) {
            Some(field) => field.values.extend(values),
            None => fields.push(Field { name, values: values.collect() }),
        }
    }
    let text = |text: &str| if text.trim().is_empty() { package.name.clone() } else { text.to_owned() };
    Ok(Stanza {
        name: package.name.clone(),
        architecture: if any { "any" } else { "all" },
        multi_arch: multi_arch(plan, any),
        comments: if main { required.comments.clone() } else { Vec::new() },
        fields,
        summary: phrase(&text(&package.summary)),
        description: package.description.clone(),
    })
}

/// A synopsis is a phrase (policy, 3.4.1; an error of lintian's, `description-too-short`): one word is a name.
fn phrase(summary: &str) -> String {
    match summary.contains(char::is_whitespace) {
        true => summary.to_owned(),
        false => format!("{summary} (Python application)"),
    }
}

/// Is it there for the sake of packages that omnipack writes itself? The interpreter is found by dh_python3, and files that
/// move between packages are for the maintainer to say.
fn is_of_omnipack(relation: &Relation) -> bool {
    ["interpreter", "same build", "files that move between packages of the build"].contains(&relation.reason.as_str())
}

/// The main package of the same build. One that is rebuilt for its architecture alone has a version of its own then
/// (lintian, `not-binnmuable-all-depends-any`).
fn same(plan: &BuildPlan, native: bool) -> Vec<String> {
    let name = plan.main().map_or("", |main| main.name.as_str());
    if native {
        vec![format!("{name} (>= ${{source:Version}})"), format!("{name} (<< ${{source:Version}}.1~)")]
    } else {
        vec![format!("{name} (= ${{binary:Version}})")]
    }
}

/// As in the packages that omnipack writes itself.
fn multi_arch(plan: &BuildPlan, any: bool) -> Option<&'static str> {
    match plan.deb.multi_arch {
        Some(MultiArch::No) => None,
        Some(MultiArch::Foreign) => Some("foreign"),
        Some(MultiArch::Allowed) => Some("allowed"),
        Some(MultiArch::Same) if any => Some("same"),
        Some(MultiArch::Same) | None => (!any).then_some("foreign"),
    }
}

/// What building needs: the tools, and what the build backend asks for.
pub fn build_depends(
    input: &Input<'_>,
    suite: &Suite,
    backend: &super::Backend,
    vocabulary: &Vocabulary<'_>,
    package: &Package,
    notes: &mut Vec<String>,
) -> Result<Vec<String>, Error> {
    let mut depends = vec!["debhelper-compat (= 13)".to_owned(), "dh-sequence-python3".to_owned()];
    if suite.pyproject && backend.pyproject {
        depends.push("pybuild-plugin-pyproject".to_owned());
    }
    depends.push(if input.application.native { "python3-all-dev" } else { "python3-all" }.to_owned());
    let mut wanted = Vec::new();
    for translation in requirement::translate(&backend.requires, &[], input.environment, vocabulary)? {
        notes.extend(translation.open.iter().cloned());
        wanted.extend(translation.relations);
    }
    wanted.extend(plan::deb_build_requires(input.plan)?);
    let package = Package { relations: wanted, ..package.clone() };
    for (_, text) in dpkg::fields(&package)? {
        depends.extend(text.split(", ").map(str::to_owned));
    }
    Ok(depends)
}
