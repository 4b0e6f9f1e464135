//! Spec files: the other way to ship. Nothing is bundled; what the application requires is declared, and rpmbuild makes the
//! package by the guidelines of the distribution.
//!
//! The packages are the same as those that omnipack would write itself ([`package::assemble`], with an empty tree): only
//! what Python's tools install stands in the spec file as macros and patterns. `layout.rs` says where things lie in each
//! dialect, `sources.rs` turns files into sources of the spec, `sections.rs` all else of a package, `scriptlets.rs` what runs
//! when it is installed; `application.rs` looks into the application's wheel. The texts are in `templates/spec/`.

mod application;
mod backends;
mod context;
pub mod debian;
mod header;
pub mod hybrid;
mod layout;
mod maintained;
pub mod output;
mod preamble;
pub mod satisfy;
mod scriptlets;
mod sections;
mod source_package;
mod sources;
pub mod trial;

use std::collections::BTreeMap;

use miette::Diagnostic;
use pep508_rs::{ExtraName, MarkerEnvironment};
use thiserror::Error as ThisError;

use crate::distribution::{PackageFormat, SpecDialect};
use crate::package::{self, Package};
use crate::plan::requirement::{self, Translation, Vocabulary};
use crate::plan::{BuildPlan, InterpreterKind, Role};
use crate::project::{Source, SpecRules};
use crate::resolve::SourceArchive;
use crate::stage::Content;
use crate::template::{self, TemplateError};

pub use application::{Application, SetupVersion};
pub use hybrid::Hybrid;
pub use maintained::Maintainer;
pub use source_package::write_source_package;

use context::Parts;
use header::Head;
use layout::Layout;
use sources::Sources;

/// Why there is no spec file.
#[derive(Debug, ThisError, Diagnostic)]
pub enum Error {
    #[error("{distribution} has no spec files: its packages are .deb")]
    #[diagnostic(code(spec::format), help("name an RPM distribution with `--distribution`"))]
    Format { distribution: String },
    #[error("`{option}` is for RPM distributions, and the packages of {distribution} are .deb")]
    #[diagnostic(
        code(spec::option),
        help(
            "name RPM distributions with `--distribution`, or leave `{option}` out: what is written for {distribution} is a Debian source package"
        )
    )]
    Option { option: &'static str, distribution: String },
    #[error("`{wheel}` has no sources: a wheel is what was made of them")]
    #[diagnostic(
        code(spec::no_sources),
        help(
            "name an sdist (`x-1.0.tar.gz`) or the directory with the sources; `omnipack build` packs wheels, and `--check` takes them"
        )
    )]
    NoSources { wheel: String },
    #[error(
        "the configuration packs no Python application for {distribution}, and only for one can sources be written"
    )]
    #[diagnostic(
        code(spec::no_python),
        help(
            "`omnipack build` makes the packages themselves; `interpreter = \"none\"` in `[python]` says that there is no Python"
        )
    )]
    NoPython { distribution: String },
    #[error("a package that bundles nothing cannot bring its own interpreter")]
    #[diagnostic(
        code(spec::interpreter),
        help(
            "write `interpreter = \"system\"` under `[distribution.{distribution}.python]`, and its `source` and `sha256` under the distributions that bundle one"
        )
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
    #[error("the `{kind}` scriptlet of {package} is not for a shell, and has to do more than that")]
    #[diagnostic(code(spec::scriptlet), help("write it for /bin/sh: macros of the distribution come before it"))]
    Scriptlet { kind: &'static str, package: String },
    #[error("the trigger on {on} has an interpreter with arguments, `{interpreter}`, and rpmbuild would leave it out")]
    #[diagnostic(code(spec::trigger), help("name the interpreter alone, or have a shell script start it"))]
    TriggerInterpreter { interpreter: String, on: String },
    #[error("files are there already that differ from what would be written:{files}")]
    #[diagnostic(
        code(spec::exists),
        help("`--force` replaces them; `--output-directory` names another directory to write into")
    )]
    Exists { files: String },
    #[error("the program `{path}` of the wheel has {size} bytes, which is no text")]
    #[diagnostic(
        code(spec::program),
        help("what begins with `#!python` is a script, and gets the interpreter there; have the wheel built again")
    )]
    Program { path: String, size: u64 },
    #[error("the source package has to hold `{name}`, which is not here")]
    #[diagnostic(
        code(spec::source_missing),
        help(
            "name it under `no-source`, so that whoever builds has to have it, or give its file in place of the address"
        )
    )]
    SourceMissing { name: String },
    #[error("the spec file has a macro in `{text}` that only the target knows")]
    #[diagnostic(
        code(spec::unknown_macro),
        help("this is a bug of omnipack; `rpmbuild -bs` on the target makes the source package until it is mended")
    )]
    Macro { text: String },
    #[error(transparent)]
    #[diagnostic(transparent)]
    Trial(#[from] trial::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    SourcePackage(Box<crate::format::Error>),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Requirement(#[from] requirement::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Package(#[from] package::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Repositories(#[from] satisfy::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Wheel(#[from] Box<crate::stage::Error>),
    #[error("{0}")]
    #[diagnostic(code(spec::io), help("is there space left, and may you read and write there?"))]
    Io(#[from] std::io::Error),
}

impl Error {
    /// Is it the command line or the configuration that is wrong?
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Format { .. }
            | Self::Option { .. }
            | Self::NoSources { .. }
            | Self::NoPython { .. }
            | Self::Interpreter { .. }
            | Self::Exists { .. } => true,
            Self::Repositories(error) => error.is_usage(),
            _ => false,
        }
    }
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
    pub maintainer: &'a Maintainer,
    /// What is bundled; all else is required.
    pub hybrid: Option<&'a Hybrid>,
}

/// A spec file and what has to lie beside it.
#[derive(Debug, Clone)]
pub struct SpecFiles {
    /// `cdhboot.spec`
    pub name: String,
    pub text: String,
    /// Name and content of every source and patch; the application's own archive is the first.
    pub sources: Vec<(String, Content)>,
    /// Names of further sources that have an address: they are not among `sources`, and have to lie beside them.
    pub fetched: Vec<String>,
    /// What the spec does not say, one sentence each.
    pub notes: Vec<String>,
    /// Distributions whose wheels are among the sources.
    pub bundled: Vec<hybrid::Line>,
    /// The main package, without its files.
    pub package: Package,
}

/// Writes the spec file for `input`, in the dialect of its target.
///
/// # Errors
/// When the target is none for RPMs, a text cannot be written into a spec file, or a requirement not be read.
pub fn generate(input: &Input<'_>) -> Result<SpecFiles, Error> {
    check_target(input.plan)?;
    let layout = Layout::new(input.plan);
    let plan = &maintained::without_empty(input.plan, &layout);
    let input = &Input { plan, ..*input };
    let adapted = adapted(input, &layout);
    let mut packages = assemble(input, &layout, &adapted)?;
    let vocabulary = Vocabulary::new(&plan.distribution, plan.interpreter.version, input.package_map);
    let required = match input.hybrid {
        Some(hybrid) => requirement::translate(&hybrid.required, &[], input.environment, &vocabulary)?,
        None => required(input, &vocabulary)?,
    };
    let archive = input.archive.url.as_ref().unwrap_or(&input.archive.name);
    for text in [archive, &input.archive.directory, &plan.metadata.name] {
        layout.path(text)?;
    }
    let mut sources = Sources::new(&layout, plan, input.archive)?;
    sources.add_further(&plan.rpm.sources)?;
    sources.add_patches(&plan.rpm.patches)?;
    let prepare = shim(input, &layout, &mut sources)?;
    let mut sections = Vec::new();
    for (planned, package) in adapted.packages.iter().zip(&packages) {
        let mut files = sources.files(planned, package)?;
        if planned.role == Role::Main {
            files.extend(layout.others(input.application, &packages)?);
        }
        let part = sections::Part { plan: &adapted, planned, package, layout: &layout, vocabulary: &vocabulary };
        sections.push(part.section(files, &required, &mut sources)?);
    }
    let hybrid = input.hybrid.map(|hybrid| hybrid.context(&mut sources));
    let entries = packages.first().map(|main| sections::entries(&adapted, main)).unwrap_or_default();
    let changelog = sections::changelog(&entries);
    let head = Head::new(&adapted, archive, &input.archive.directory);
    let mut notes = notes(input, &layout, &required)?;
    notes.extend(further_notes(plan, &layout, &sources, &head));
    if header::is_placeholder(adapted.source_date) && changelog.len() == 1 {
        notes.push(header::NO_DAY.to_owned());
    }
    let parts = Parts {
        input,
        layout: &layout,
        adapted: &adapted,
        packages: &packages,
        vocabulary: &vocabulary,
        sources: &sources,
        sections,
        prepare,
        head,
        hybrid,
        changelog,
    };
    let (name, text) = parts.text()?;
    let fetched = sources.fetched().into_iter().map(str::to_owned).collect();
    // There is always a main package.
    let package = Package { entries: Vec::new(), changelog: entries, ..packages.swap_remove(0) };
    let bundled = input.hybrid.map(Hybrid::lines).unwrap_or_default();
    Ok(SpecFiles { name, text, sources: sources.into_files(), fetched, notes, bundled, package })
}

fn check_target(plan: &BuildPlan) -> Result<(), Error> {
    let distribution = &plan.distribution;
    if distribution.format != PackageFormat::Rpm {
        return Err(Error::Format { distribution: distribution.title.clone() });
    }
    if !matches!(plan.interpreter.kind, InterpreterKind::System { .. }) {
        return Err(Error::Interpreter { distribution: distribution.name.clone() });
    }
    Ok(())
}

/// The plan as the spec file carries it out.
fn adapted(input: &Input<'_>, layout: &Layout) -> BuildPlan {
    let mut adapted = layout.adapted(input.plan);
    adapted.source_date = header::source_date(input.plan, input.application);
    adapted.maintainer.clone_from(&input.maintainer.text);
    adapted
}

fn assemble(input: &Input<'_>, layout: &Layout, adapted: &BuildPlan) -> Result<Vec<Package>, Error> {
    let mut stage = layout.stage(input.plan)?;
    if let Some(hybrid) = input.hybrid {
        hybrid.mark(&mut stage);
    }
    Ok(package::assemble(adapted, &stage)?)
}

/// What the spec file does not say, or says in another way than a build would.
fn notes(input: &Input<'_>, layout: &Layout, required: &[Translation]) -> Result<Vec<String>, Error> {
    let plan = input.plan;
    let mut notes = plan.notes.clone();
    notes.extend(input.maintainer.note(plan.distribution.format));
    notes.extend(input.hybrid.map(Hybrid::notes).unwrap_or_default());
    if plan.python.plugins.is_some() {
        notes.push("plugins need a virtualenv of the application's own, so the spec has none".to_owned());
    }
    if layout.own_prefix().is_none() {
        notes.extend(maintained::settings_note(input.application));
    }
    notes.extend(layout.foreign_scripts(plan).into_iter().map(|script| {
        format!("`{script}` is no program of the application's own: the package that it is required from brings it")
    }));
    notes.extend(required.iter().flat_map(|translation| translation.open.clone()));
    if plan.distribution.spec_dialect == SpecDialect::Suse
        && let Some(backend) = unknown_backend(input)?
    {
        let series = plan.interpreter.version.series();
        let made = if needs_setup(input)? { ": a `setup.py` is written in its place" } else { "" };
        notes.push(format!("the project is built with `{backend}`, which does not run on Python {series}{made}"));
    }
    Ok(notes)
}

/// What may stand in a spec file, for those who read the configuration.
#[must_use]
pub fn rules() -> SpecRules {
    SpecRules {
        path: |path| {
            let message =
                || format!("`{}` cannot stand in a spec file: {}", path.escape_debug(), layout::MORE_THAN_A_PATH);
            (!layout::is_plain(path)).then(message)
        },
        script: |text| template::check_spec_script(text).err(),
        trigger_interpreter: |interpreter| {
            let words = interpreter.split_whitespace().count();
            (words > 1)
                .then(|| format!("rpmbuild leaves a trigger out whose interpreter has arguments: `{interpreter}`"))
        },
    }
}

/// What a maintainer has to know besides.
fn further_notes(plan: &BuildPlan, layout: &Layout, sources: &Sources<'_>, head: &Head) -> Vec<String> {
    let mut notes = sources.notes.clone();
    notes.extend(layout.other_directories(plan).into_iter().map(|directory| {
        format!("the tools of {} put programs into /usr/bin, so none is in `{directory}`", plan.distribution.title)
    }));
    notes.extend(
        sources
            .fetched()
            .into_iter()
            .map(|name| format!("`{name}` is not fetched: it has to lie beside the spec file")),
    );
    if !head.license_note.is_empty() {
        notes.push(format!("`License: {}` has to be changed: it is no SPDX expression", head.license));
    }
    notes
}

/// Whether `repositories` have what the package needs where it is installed and where it is built: all that the application
/// requires, also where the dialect finds it out itself, and all else that the spec file says. Packages that are no RPMs
/// have no spec file: of them, only the former is looked at.
///
/// # Errors
/// As [`generate`], and when a list of files of the repositories cannot be read.
pub fn check(input: &Input<'_>, repositories: &satisfy::Repositories) -> Result<satisfy::Report, Error> {
    let distribution = &input.plan.distribution;
    let vocabulary = Vocabulary::new(distribution, input.plan.interpreter.version, input.package_map);
    let required = all_required(input.plan, input.requirements, input.environment, &vocabulary)?;
    let mut rows = satisfy::check(&required, satisfy::Need::Install, repositories)?;
    if matches!(distribution.spec_dialect, SpecDialect::Modern | SpecDialect::Suse) && !needs_setup(input)? {
        let wanted = requirement::translate(&input.archive.build_requires, &[], input.environment, &vocabulary)?;
        rows.extend(satisfy::check(&wanted, satisfy::Need::Build, repositories)?);
    }
    let mut notes = Vec::new();
    if distribution.format == PackageFormat::Rpm {
        satisfy::check_text(&generate(input)?.text, repositories, &mut rows, &mut notes)?;
    }
    rows.sort_by_key(|row| row.need);
    Ok(satisfy::Report { repositories: repositories.labels().to_vec(), packages: repositories.len(), rows, notes })
}

/// As [`check`], of an application that has no sources: what it requires is looked at, and not what a spec file would say
/// besides.
///
/// # Errors
/// When a requirement cannot be read, or a list of files of the repositories.
pub fn check_wheel(
    plan: &BuildPlan,
    environment: &MarkerEnvironment,
    package_map: &BTreeMap<String, String>,
    requirements: &[String],
    repositories: &satisfy::Repositories,
) -> Result<satisfy::Report, Error> {
    let vocabulary = Vocabulary::new(&plan.distribution, plan.interpreter.version, package_map);
    let required = all_required(plan, requirements, environment, &vocabulary)?;
    Ok(satisfy::Report {
        repositories: repositories.labels().to_vec(),
        packages: repositories.len(),
        rows: satisfy::check(&required, satisfy::Need::Install, repositories)?,
        notes: vec!["a wheel has no sources: what building needs is not looked at".to_owned()],
    })
}

/// What the application requires, with the extras that the user chose and requirement files.
fn all_required(
    plan: &BuildPlan,
    requirements: &[String],
    environment: &MarkerEnvironment,
    vocabulary: &Vocabulary<'_>,
) -> Result<Vec<Translation>, Error> {
    let extras = plan.python.extras.iter().filter_map(|extra| extra.parse::<ExtraName>().ok()).collect::<Vec<_>>();
    let all = [&plan.metadata.requires_dist[..], requirements].concat();
    Ok(requirement::translate(&all, &extras, environment, vocabulary)?)
}

/// What the application requires, as far as the dialect does not find it out itself: what the extras that the user chose
/// and requirement files ask for is in no metadata that is installed.
fn required(input: &Input<'_>, vocabulary: &Vocabulary<'_>) -> Result<Vec<Translation>, Error> {
    let plan = input.plan;
    let all = all_required(plan, input.requirements, input.environment, vocabulary)?;
    if plan.distribution.spec_dialect != SpecDialect::Modern {
        return Ok(all);
    }
    let found = requirement::translate(&plan.metadata.requires_dist, &[], input.environment, vocabulary)?;
    Ok(all.into_iter().filter(|translation| !found.contains(translation)).collect())
}

/// What the template for SUSE requires for every build.
const TOOLS: [&str; 3] = ["-setuptools", "-wheel", "-pip"];

/// What the user may name for code that is no C. No build root has a compiler by itself:
/// <https://docs.fedoraproject.org/en-US/packaging-guidelines/C_and_C++/#_buildrequires_and_requires>
const COMPILERS: [&str; 5] = ["gcc", "clang", "cargo", "rust", "go"];

/// What building needs besides the tools of the dialect: a compiler for native code, what the build backend asks for, which only the modern dialect
/// finds out itself and `setup.py` does not need, and what the user says.
fn build_requires(input: &Input<'_>, vocabulary: &Vocabulary<'_>) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    if input.plan.distribution.spec_dialect == SpecDialect::Suse && !needs_setup(input)? {
        let wanted = &input.archive.build_requires;
        for translation in requirement::translate(wanted, &[], input.environment, vocabulary)? {
            lines.extend(translation.relations.iter().filter_map(sections::build_requirement));
            // Those without a version are in the template.
            lines.retain(|line| !TOOLS.iter().any(|tool| line.ends_with(tool)));
        }
    }
    lines.extend(input.plan.rpm.build_requires.iter().cloned());
    let compiles = |line: &String| COMPILERS.iter().any(|name| line.starts_with(name));
    if input.application.native && !lines.iter().any(compiles) {
        lines.insert(0, "gcc".to_owned());
    }
    Ok(lines)
}

/// Puts a `setup.py` among the sources where the dialect needs one and the project has none. Lines for `%prep`.
fn shim(input: &Input<'_>, layout: &Layout, sources: &mut Sources<'_>) -> Result<Vec<String>, Error> {
    if !needs_setup(input)? {
        return Ok(Vec::new());
    }
    let requires = requires(input)?;
    let text = input.application.setup(&input.plan.metadata.name, SetupVersion::Marked, &requires)?;
    // Under its own name it would become part of the project, where both lie in one directory.
    let name = format!("{}-setup.py", input.plan.metadata.name);
    let number = sources.add(&name, Content::Bytes(text.into_bytes().into()));
    for (path, content) in &input.application.others {
        sources.add_other(path, content, layout)?;
    }
    // setuptools since 61 would read `pyproject.toml` besides, and not everything that other backends have in it.
    let lines = [
        "# The version of the spec file is that of the package's metadata.".to_owned(),
        format!("sed '/^    version=/s/{}/%{{pypi_version}}/' %{{SOURCE{number}}} > setup.py", application::VERSION),
        "rm -f pyproject.toml setup.cfg".to_owned(),
    ];
    Ok(lines.to_vec())
}

/// Does the project need a `setup.py` that it has not? The macros of some dialects know nothing else; those of SUSE run the
/// project's build backend, for which the Python may be too old.
fn needs_setup(input: &Input<'_>) -> Result<bool, Error> {
    let modules = matches!(input.plan.source, Source::Modules(_));
    Ok(match input.plan.distribution.spec_dialect {
        // What has native code is built by its own backend, or not at all.
        SpecDialect::Suse if !modules && !input.application.native => unknown_backend(input)?.is_some(),
        SpecDialect::Setup | SpecDialect::Plain => !input.archive.has("setup.py"),
        SpecDialect::Modern | SpecDialect::Suse => modules && !input.archive.has("setup.py"),
    })
}

/// What the build asks for and the target's Python is too old for.
fn unknown_backend(input: &Input<'_>) -> Result<Option<String>, Error> {
    let wanted = requirement::evaluated(&input.archive.build_requires, input.environment)?;
    let series = input.plan.interpreter.version.series();
    Ok(backends::too_new(&wanted, &series).map(str::to_owned))
}

/// What the application's metadata requires on the target, with no marker left.
fn requires(input: &Input<'_>) -> Result<Vec<String>, Error> {
    Ok(requirement::evaluated(&input.plan.metadata.requires_dist, input.environment)?)
}
