//! Spec files: the other way to ship. Nothing is bundled; what the application requires is declared, and rpmbuild makes the
//! package by the guidelines of the distribution.
//!
//! The packages are the same as those that omnipack would write itself ([`package::assemble`], with an empty tree): only
//! what Python's tools install stands in the spec file as macros and patterns. `layout.rs` says where things lie in each
//! dialect, `sources.rs` turns files into sources of the spec, `sections.rs` all else of a package, `scriptlets.rs` what runs
//! when it is installed; `application.rs` looks into the application's wheel. The texts are in `templates/spec/`.

mod application;
mod layout;
mod scriptlets;
mod sections;
mod sources;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use pep508_rs::{ExtraName, MarkerEnvironment};
use serde::Serialize;
use thiserror::Error as ThisError;

use crate::distribution::{PackageFormat, SpecDialect};
use crate::package;
use crate::plan::requirement::{self, Translation, Vocabulary};
use crate::plan::{BuildPlan, InterpreterKind, Role};
use crate::project::Source;
use crate::resolve::SourceArchive;
use crate::stage::Content;
use crate::template::{self, TemplateError};

pub use application::Application;

use layout::Layout;
use sections::Section;
use sources::Sources;

/// Why there is no spec file.
#[derive(Debug, ThisError, Diagnostic)]
pub enum Error {
    #[error("{distribution} has no spec files: its packages are .deb")]
    #[diagnostic(code(spec::format), help("name an RPM distribution with `--distribution`"))]
    Format { distribution: String },
    #[error("a package that bundles nothing cannot bring its own interpreter")]
    #[diagnostic(
        code(spec::interpreter),
        help("write `interpreter = \"system\"` under `[distribution.{distribution}.python]`")
    )]
    Interpreter { distribution: String },
    #[error("{name} has native code and no `setup.py`, which is all that this distribution's macros know")]
    #[diagnostic(code(spec::native), help("add a `setup.py` to the project, or choose a newer distribution"))]
    NativeWithoutSetup { name: String },
    #[error("`{path}` cannot stand in a spec file: {reason}")]
    #[diagnostic(
        code(spec::path),
        help("letters, digits and `/._+-@:,=~^` make a path that rpm takes as it is; rename it")
    )]
    Path { path: String, reason: &'static str },
    #[error("`{text}` in `build-requires` is nothing that a spec file can require")]
    #[diagnostic(code(spec::requirement), help("write a package, a path or a capability: `gcc >= 8`"))]
    BuildRequirement { text: String },
    #[error("the `{kind}` scriptlet of {package} is not for a shell, and has to do more than that")]
    #[diagnostic(code(spec::scriptlet), help("write it for /bin/sh: macros of the distribution come before it"))]
    Scriptlet { kind: &'static str, package: String },
    #[error(transparent)]
    #[diagnostic(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Requirement(#[from] requirement::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Package(#[from] package::Error),
    #[error("{0}")]
    #[diagnostic(code(spec::io), help("is there space left, and may you read and write there?"))]
    Io(#[from] std::io::Error),
}

/// What a spec file is made from.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    pub plan: &'a BuildPlan,
    pub application: &'a Application,
    pub archive: &'a SourceArchive,
    /// Of the target's Python.
    pub environment: &'a MarkerEnvironment,
    /// The user's `[package-map]` for the target.
    pub package_map: &'a BTreeMap<String, String>,
    /// Of the user's requirement files.
    pub requirements: &'a [String],
}

/// A spec file and what has to lie beside it.
#[derive(Debug, Clone)]
pub struct SpecFiles {
    /// `cdhboot.spec`
    pub name: String,
    pub text: String,
    /// Name and content of every source and patch; the application's own archive is the first.
    pub sources: Vec<(String, Content)>,
    /// What the spec does not say, one sentence each.
    pub notes: Vec<String>,
}

#[derive(Serialize)]
struct Context<'a> {
    generator: &'static str,
    title: &'a str,
    name: &'a str,
    evr: &'a crate::plan::Evr,
    /// As the index names the application, and its version there.
    pypi_name: &'a str,
    pypi_version: &'a str,
    license: &'a str,
    url: &'a str,
    vendor: &'a str,
    group: &'a str,
    archive: &'a str,
    archive_directory: &'a str,
    sources: Vec<&'a str>,
    patches: Vec<&'a str>,
    rpm: &'a crate::project::RpmSettings,
    native: bool,
    has_units: bool,
    python: Python<'a>,
    build_requires: Vec<String>,
    packages: Vec<Section>,
    prepare: Vec<String>,
    install: Vec<String>,
    modules: Vec<String>,
    /// Modules that have to be there after the installation.
    imports: Vec<&'a str>,
    /// What brings setuptools.
    setuptools: String,
    /// SUSE's word for the Python: `python311`.
    suse_python: String,
    python_home: &'a str,
    /// Directory of the application, where it has one of its own.
    prefix: Option<&'a str>,
    extras: &'a [String],
    changelog: Vec<sections::ChangelogEntry>,
    rpm_before_4_11: bool,
}

#[derive(Serialize)]
struct Python<'a> {
    path: &'a str,
    /// `3.11`
    series: String,
    /// Is it the target's own `python3`?
    default: bool,
    /// `python3.11`, whose `-devel` has the headers and macros.
    package: &'a str,
}

/// Writes the spec file for `input`, in the dialect of its target.
///
/// # Errors
/// When the target is none for RPMs, a text cannot be written into a spec file, or a requirement not be read.
pub fn generate(input: &Input<'_>) -> Result<SpecFiles, Error> {
    let plan = input.plan;
    let distribution = &plan.distribution;
    if distribution.format != PackageFormat::Rpm {
        return Err(Error::Format { distribution: distribution.title.clone() });
    }
    if !matches!(plan.interpreter.kind, InterpreterKind::System { .. }) {
        return Err(Error::Interpreter { distribution: distribution.name.clone() });
    }
    let layout = Layout::new(plan);
    let adapted = layout.adapted(plan);
    let packages = package::assemble(&adapted, &layout.stage(plan)?)?;
    let vocabulary = Vocabulary::new(distribution, plan.interpreter.version, input.package_map);
    let required = required(input, &vocabulary)?;
    let archive = input.archive.url.as_ref().unwrap_or(&input.archive.name);
    for text in [archive, &input.archive.directory, &plan.metadata.name] {
        layout.path(text)?;
    }
    let mut sources = Sources::new(&layout, plan, input.archive)?;
    let shim = shim(input, &layout, &mut sources)?;
    sources.add_patches(&plan.rpm.patches)?;
    let mut sections = Vec::new();
    let mut notes = plan.notes.clone();
    for (planned, package) in adapted.packages.iter().zip(&packages) {
        let mut files = sources.files(planned, package)?;
        if planned.role == Role::Main {
            files.extend(layout.others(input.application)?);
        }
        let part = sections::Part { plan: &adapted, planned, package, layout: &layout, vocabulary: &vocabulary };
        sections.push(part.section(files, &required, &mut sources)?);
    }
    if plan.python.plugins.is_some() {
        notes.push("plugins need a virtualenv of the application's own, so the spec has none".to_owned());
    }
    notes.extend(layout.foreign_scripts(plan).into_iter().map(|script| {
        format!("`{script}` is no program of the application's own: the package that it is required from brings it")
    }));
    notes.extend(required.iter().flat_map(|translation| translation.open.clone()));
    let first = distribution.pythons.first();
    let python = distribution.python(plan.interpreter.version);
    let context = Context {
        generator: concat!("omnipack ", env!("CARGO_PKG_VERSION")),
        title: &distribution.title,
        name: adapted.packages.first().map_or("", |main| main.name.as_str()),
        evr: &plan.evr,
        pypi_name: &plan.metadata.name,
        pypi_version: &plan.version,
        license: if plan.license.is_empty() { "Unknown" } else { &plan.license },
        url: &plan.url,
        vendor: &plan.vendor,
        group: &plan.group,
        archive,
        archive_directory: &input.archive.directory,
        sources: sources.names(),
        patches: sources.patches(),
        rpm: &plan.rpm,
        native: input.application.native,
        has_units: packages.iter().any(layout::has_units),
        python: Python {
            path: &plan.interpreter.path,
            series: plan.interpreter.version.series(),
            default: first.is_some_and(|first| first.version.series() == plan.interpreter.version.series()),
            package: python.map_or("python3", |python| python.package.as_str()),
        },
        build_requires: build_requires(input, &vocabulary)?,
        packages: sections,
        prepare: shim,
        install: sources.install(),
        modules: layout.modules(input.application, &plan.metadata.name)?,
        imports: input.application.packages.iter().chain(&input.application.modules).map(String::as_str).collect(),
        setuptools: vocabulary.name("setuptools")?,
        suse_python: vocabulary.name("six")?.trim_end_matches("-six").to_owned(),
        python_home: Path::new(&plan.interpreter.path).parent().and_then(Path::to_str).unwrap_or("/usr/bin"),
        prefix: layout.own_prefix(),
        extras: &plan.python.extras,
        changelog: packages.first().map(sections::changelog).unwrap_or_default(),
        rpm_before_4_11: distribution.format_version < crate::distribution::ToolVersion::new(4, 11, 0),
    };
    let name = format!("{}.spec", context.name);
    let source = [include_str!("../../templates/spec/common"), layout.template()].concat();
    let text = template::render(&name, &source, &context)?;
    Ok(SpecFiles { name, text, sources: sources.into_files(), notes })
}

/// What the application requires, as far as the dialect does not find it out itself: what the extras that the user chose
/// and requirement files ask for is in no metadata that is installed.
fn required(input: &Input<'_>, vocabulary: &Vocabulary<'_>) -> Result<Vec<Translation>, Error> {
    let plan = input.plan;
    let extras = plan.python.extras.iter().filter_map(|extra| extra.parse::<ExtraName>().ok()).collect::<Vec<_>>();
    let all = [&plan.metadata.requires_dist[..], input.requirements].concat();
    let all = requirement::translate(&all, &extras, input.environment, vocabulary)?;
    if plan.distribution.spec_dialect != SpecDialect::Modern {
        return Ok(all);
    }
    let found = requirement::translate(&plan.metadata.requires_dist, &[], input.environment, vocabulary)?;
    Ok(all.into_iter().filter(|translation| !found.contains(translation)).collect())
}

/// What building needs besides the tools of the dialect: what the build backend asks for, which only the modern dialect
/// finds out itself and `setup.py` does not need, and what the user says.
fn build_requires(input: &Input<'_>, vocabulary: &Vocabulary<'_>) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    if input.plan.distribution.spec_dialect == SpecDialect::Suse {
        let wanted = &input.archive.build_requires;
        for translation in requirement::translate(wanted, &[], input.environment, vocabulary)? {
            lines.extend(translation.relations.iter().filter_map(sections::build_requirement));
        }
    }
    for text in &input.plan.rpm.build_requires {
        let sound = |c: char| c.is_ascii_alphanumeric() || " ._+-()[]/<>=:~^,".contains(c);
        let start = |c: char| c.is_ascii_alphanumeric() || "_/(".contains(c);
        if !text.starts_with(start) || !text.chars().all(sound) {
            return Err(Error::BuildRequirement { text: text.escape_debug().to_string() });
        }
        lines.push(text.clone());
    }
    Ok(lines)
}

/// Puts a `setup.py` among the sources where the dialect needs one and the project has none. Lines for `%prep`.
fn shim(input: &Input<'_>, layout: &Layout, sources: &mut Sources<'_>) -> Result<Vec<String>, Error> {
    let dialect = input.plan.distribution.spec_dialect;
    let modules = matches!(input.plan.source, Source::Modules(_));
    if input.archive.has("setup.py") || !(modules || matches!(dialect, SpecDialect::Setup | SpecDialect::Plain)) {
        return Ok(Vec::new());
    }
    let text = input.application.setup(&input.plan.metadata.name, &input.plan.version)?;
    let number = sources.add("setup.py", Content::Bytes(text.into_bytes().into()));
    for (path, content) in &input.application.others {
        sources.add_other(path, content, layout)?;
    }
    // setuptools since 61 would read `pyproject.toml` besides, and not everything that other backends have in it.
    let lines = [format!("cp -p %{{SOURCE{number}}} setup.py"), "rm -f pyproject.toml setup.cfg".to_owned()];
    Ok(lines.to_vec())
}

/// Writes the spec file and its sources into `directory`, each whole or not at all.
///
/// # Errors
/// When they cannot be written.
pub fn write(files: &SpecFiles, directory: &Path) -> Result<Vec<PathBuf>, Error> {
    fs_err::create_dir_all(directory)?;
    let mut written = Vec::new();
    let spec = [(files.name.clone(), Content::Bytes(files.text.as_bytes().into()))];
    for (name, content) in spec.iter().chain(&files.sources) {
        let path = directory.join(name);
        let bytes = content.read()?;
        crate::format::publish::publish(&path, |file| std::io::Write::write_all(file, &bytes))?;
        written.push(path);
    }
    Ok(written)
}
