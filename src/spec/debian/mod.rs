//! Debian source packages: `debian/` for dh with pybuild, debhelper 13. As with spec files, nothing is bundled; what the
//! application requires is declared.
//!
//! The packages are those that omnipack would write itself, less what debhelper does: `files.rs` gives it every file under the
//! name that it looks for, `units.rs` the units, `control.rs` writes `debian/control`,
//! `backend.rs` what the sources are built with, `suites.rs` what the release has. Maintainer scripts do only
//! what debhelper's snippets do not: accounts, owners, the user's scriptlets. Accounts are not made by `sysusers.d`: debhelper
//! puts its snippets behind each other, and files have to be given to the accounts in between. The texts are in
//! `templates/debian-source/`.

mod backend;
mod control;
mod files;
mod suites;
mod units;
mod versions;
mod write;

use std::collections::BTreeMap;

use miette::Diagnostic;
use serde::Serialize;
use thiserror::Error as ThisError;

use super::layout::Layout;
use super::sources::own_scripts;
use super::{Application, Input, SetupVersion, header, maintained};
use crate::distribution::PackageFormat;
use crate::package::{self, Package};
use crate::plan::requirement::{self, Vocabulary};
use crate::plan::{self, BuildPlan, InterpreterKind, PackagePlan, Role};
use crate::project::{Service, Source};
use crate::resolve::SourceArchive;
use crate::service;
use crate::stage::Content;
use crate::template::{self, TemplateError};

use backend::Backend;
use control::{Part, Required};
use files::Tree;
use suites::Suite;
pub use write::Prepared;

/// Why there is no Debian source package.
#[derive(Debug, ThisError, Diagnostic)]
pub enum Error {
    #[error("{distribution} has no Debian source packages: its packages are RPMs")]
    #[diagnostic(
        code(debian::format),
        help("leave out `--debian` for a spec file, or name a DEB distribution with `--distribution`")
    )]
    Format { distribution: String },
    #[error("`[targets]` names no distribution with Debian packages")]
    #[diagnostic(code(debian::no_distribution), help("say which with `--distribution NAME`, such as `debian-12`"))]
    NoDistribution,
    #[error("what {distribution} has to build packages with is not known")]
    #[diagnostic(
        code(debian::release),
        help("say with `libraries` in `[distribution.{distribution}]` which release it is like")
    )]
    Release { distribution: String },
    #[error("{distribution} is too old for source packages: its debhelper does not know the level 13")]
    #[diagnostic(code(debian::debhelper), help("name a newer release"))]
    Debhelper { distribution: String },
    #[error("a source package is built for the release's own Python {own}, and not for {wanted}")]
    #[diagnostic(
        code(debian::interpreter),
        help("leave `interpreter` and `version` out of `[distribution.{distribution}.python]`")
    )]
    Interpreter { distribution: String, own: String, wanted: String },
    #[error("`{path}` cannot stand in the lists of debhelper")]
    #[diagnostic(
        code(debian::path),
        help("letters, digits and `/._+-@:,=~^` make a path that debhelper takes as it is; rename it")
    )]
    Path { path: String },
    #[error("`{path}` is there already, and differs from what would be written")]
    #[diagnostic(
        code(debian::exists),
        help(
            "move it away, or name another directory with `--output-directory`: what was changed in it would be lost, so that it is not replaced with `--force` either"
        )
    )]
    Exists { path: String },
    #[error(transparent)]
    #[diagnostic(transparent)]
    Application(#[from] super::Error),
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
    Plan(#[from] crate::plan::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Field(#[from] crate::format::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Service(#[from] service::Error),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Resolve(#[from] crate::resolve::Error),
    #[error("{0}")]
    #[diagnostic(code(debian::io), help("is there space left, and may you read and write there?"))]
    Io(#[from] std::io::Error),
}

impl Error {
    /// Is it the command line or the configuration that is wrong?
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Format { .. }
                | Self::NoDistribution
                | Self::Release { .. }
                | Self::Debhelper { .. }
                | Self::Interpreter { .. }
                | Self::Path { .. }
                | Self::Exists { .. }
                | Self::Plan(_)
        )
    }
}

/// A file of the source tree.
#[derive(Debug, Clone)]
pub struct File {
    pub content: Content,
    /// Permission bits.
    pub mode: u32,
}

/// A source package, before it lies anywhere.
#[derive(Debug, Clone)]
pub struct DebianSource {
    /// `cdhboot`
    pub name: String,
    /// The version without epoch and revision, as the orig tarball has it.
    pub version: String,
    /// By path below the source tree: `debian/control`.
    pub files: BTreeMap<String, File>,
    pub archive: SourceArchive,
    /// What the source package does not say, one sentence each.
    pub notes: Vec<String>,
}

/// Makes the source package for `input`.
///
/// # Errors
/// When the target is none for Debian packages or has not the tools, a path cannot be written into debhelper's lists, or a
/// requirement not be read.
pub fn generate(input: &Input<'_>) -> Result<DebianSource, Error> {
    let suite = suite(input.plan)?;
    let layout = Layout::of_system();
    let input = &Input { plan: &maintained::without_empty(input.plan, &layout), ..*input };
    let adapted = adapted(input, &layout);
    let stage = layout.stage(input.plan)?;
    let packages = package::assemble(&adapted, &stage)?;
    let vocabulary = Vocabulary::new(&adapted.distribution, adapted.interpreter.version, input.package_map);
    let backend = Backend::of(input.archive);
    let mut notes = notes(input.plan, &layout);
    notes.extend(input.maintainer.note(PackageFormat::Deb));
    if header::is_placeholder(adapted.source_date) && adapted.changelog.is_none() {
        notes.push(header::NO_DAY.to_owned());
    }
    notes.extend(maintained::settings_note(input.application));
    let required = Required::read(input, &vocabulary)?;
    let mut tree = Tree::default();
    let application = without_build(input, &suite, &backend, &packages, &mut tree)?;
    let programs = |planned: &PackagePlan| own_scripts(input.plan, planned);
    let input = &Input { plan: &adapted, application: &application, ..*input };
    let scripts = adapted.metadata.console_scripts.clone();
    let mut parts = Vec::new();
    for (index, (planned, package)) in adapted.packages.iter().zip(&packages).enumerate() {
        let source = tree.package(input, &layout, planned, package, &programs(planned))?;
        let others = packages.iter().enumerate().filter(|(other, _)| *other != index);
        let others = others.flat_map(|(_, package)| &package.entries);
        let needs = service::Files::new(&adapted, planned, &package.entries, others).map_err(package::Error::from)?;
        for (name, text) in service::source_scripts(&adapted, planned, &scripts, &needs, &source)? {
            tree.add(&format!("debian/{}.{name}", package.name), text);
        }
        let triggers = service::deb_triggers(&package.name, &package.triggers, activated(&adapted, planned))?;
        if !triggers.is_empty() {
            tree.add(&format!("debian/{}.triggers", package.name), triggers.join("\n") + "\n");
        }
        parts.push(part(planned, package, &programs(planned)));
    }
    let Some(main) = packages.first() else { return Err(Error::NoDistribution) };
    let depends = control::build_depends(input, &suite, &backend, &vocabulary, main, &mut notes)?;
    tree.add("debian/control", control::render(input, &suite, depends, &required, &parts)?);
    texts(input, &suite, &backend, &required, &mut tree)?;
    notes.extend(required.notes);
    Ok(DebianSource {
        name: main.name.clone(),
        version: adapted.evr.version.clone(),
        files: tree.files,
        archive: input.archive.clone(),
        notes,
    })
}

fn suite(plan: &BuildPlan) -> Result<Suite, Error> {
    let distribution = &plan.distribution;
    if distribution.format != PackageFormat::Deb {
        return Err(Error::Format { distribution: distribution.title.clone() });
    }
    let suite = suites::of(distribution).ok_or_else(|| Error::Release { distribution: distribution.name.clone() })?;
    if !suite.debhelper {
        return Err(Error::Debhelper { distribution: distribution.title.clone() });
    }
    let own = distribution.pythons.first().map(|python| python.version.series()).unwrap_or_default();
    let wanted = match plan.interpreter.kind {
        InterpreterKind::System { .. } => plan.interpreter.version.series(),
        InterpreterKind::Bundled { .. } => "one that it brings".to_owned(),
        InterpreterKind::None => "none".to_owned(),
    };
    if own != wanted {
        return Err(Error::Interpreter { distribution: distribution.name.clone(), own, wanted });
    }
    Ok(suite)
}

/// The plan as it is in the system's own directories, where Python is called `python3`.
fn adapted(input: &Input<'_>, layout: &Layout) -> BuildPlan {
    let plan = input.plan;
    let mut adapted = layout.adapted(plan);
    adapted.licenses.clone_from(&plan.licenses);
    adapted.source_date = header::source_date(plan, input.application);
    adapted.maintainer.clone_from(&input.maintainer.text);
    adapted.evr = versions::source(plan);
    for service in adapted.packages.iter_mut().flat_map(|package| &mut package.services) {
        name_python(service);
    }
    adapted
}

fn name_python(service: &mut Service) {
    for command in [&mut service.command, &mut service.reload] {
        let (first, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        if first == "python" || first == "python3" {
            *command = format!("/usr/bin/python3 {rest}").trim_end().to_owned();
        }
    }
}

fn notes(plan: &BuildPlan, layout: &Layout) -> Vec<String> {
    // Who maintains it is another question here.
    let mut notes = plan.notes.clone();
    notes.retain(|note| !note.starts_with(plan::NOBODY));
    if plan.python.plugins.is_some() {
        notes.push("plugins need a virtualenv of the application's own, so the package has none".to_owned());
    }
    notes.extend(layout.foreign_scripts(plan).into_iter().map(|script| {
        format!("`{script}` is no program of the application's own: the package that it is required from brings it")
    }));
    notes
}

/// dpkg triggers that the main package activates.
fn activated<'p>(plan: &'p BuildPlan, planned: &PackagePlan) -> &'p [String] {
    if planned.role == Role::Main { &plan.deb.activate } else { &[] }
}

fn part<'a>(planned: &'a PackagePlan, package: &'a Package, programs: &[&str]) -> Part<'a> {
    let python = planned.role == Role::Main || !programs.is_empty();
    let is_unit = |path: &str| path.contains("/systemd/system/");
    Part { planned, package, python, units: package.entries.iter().any(|entry| is_unit(entry.path.as_str())) }
}

/// Gives sources that the release's tools cannot build a `setup.py`, as a patch. Gives the application as those install it.
fn without_build(
    input: &Input<'_>,
    suite: &Suite,
    backend: &Backend,
    packages: &[Package],
    tree: &mut Tree,
) -> Result<Application, Error> {
    let mut application = input.application.clone();
    let mut names = Vec::new();
    let builds = backend.setup_py || (suite.pyproject && backend.pyproject);
    if !builds {
        let requires = super::requires(input)?;
        let version = SetupVersion::OfTheSdist { otherwise: &input.plan.version };
        let text = application.setup(&input.plan.metadata.name, version, &requires)?;
        let lines = text.lines().map(|line| format!("+{line}\n")).collect::<Vec<_>>();
        let head = "Description: a setup.py for tools that know no other build backend\nForwarded: not-needed\n";
        let patch = format!("{head}--- /dev/null\n+++ b/setup.py\n@@ -0,0 +1,{} @@\n{}", lines.len(), lines.concat());
        tree.add("debian/patches/setup.py.patch", patch);
        names.push("setup.py.patch".to_owned());
        let main = packages.first().map_or("", |main| main.name.as_str());
        // It installs only what is imported.
        for (path, content) in std::mem::take(&mut application.others) {
            tree.other(main, &path, &content)?;
        }
    }
    for path in &input.plan.rpm.patches {
        let name = path.rsplit('/').next().unwrap_or(path);
        let name = name.chars().map(|c| if c.is_ascii_alphanumeric() || "._+-".contains(c) { c } else { '_' });
        let name = name.collect::<String>();
        let name = if names.contains(&name) { format!("{}-{name}", names.len()) } else { name };
        tree.put(format!("debian/patches/{name}"), Content::Bytes(fs_err::read(path)?.into()), 0o644);
        names.push(name);
    }
    if !names.is_empty() {
        tree.add("debian/patches/series", names.join("\n") + "\n");
    }
    Ok(application)
}

#[derive(Serialize)]
struct Target<'a> {
    name: String,
    lines: &'a [String],
}

#[derive(Serialize)]
struct Rules<'a> {
    build_system: &'a str,
    variables: Vec<&'a str>,
    version: &'a str,
    targets: Vec<Target<'a>>,
}

/// The files of `debian/` that come from none of the user's.
fn texts(
    input: &Input<'_>,
    suite: &Suite,
    backend: &Backend,
    required: &Required,
    tree: &mut Tree,
) -> Result<(), Error> {
    let plan = input.plan;
    let [changelog, copyright] = package::debian_source_documents(plan, &suite.suite)?;
    tree.add("debian/changelog", changelog);
    tree.add("debian/copyright", copyright);
    tree.add("debian/source/format", "3.0 (quilt)\n");
    // The build writes metadata into the sources.
    tree.add("debian/source/options", "extend-diff-ignore = \"(^|/)[^/]*[.]egg-info/\"\n");
    if !tree.binaries.is_empty() {
        tree.add("debian/source/include-binaries", tree.binaries.join("\n") + "\n");
    }
    let is_name = |text: &str| text.starts_with(|c: char| c.is_ascii_alphabetic());
    let names = required.names.iter().filter(|(name, package)| is_name(name) && is_name(package));
    let overrides = names.map(|(name, package)| format!("{name} {package}\n")).collect::<String>();
    if !overrides.is_empty() {
        tree.add("debian/py3dist-overrides", overrides);
    }
    let pyproject = suite.pyproject && backend.pyproject;
    let rules = Rules {
        build_system: if pyproject { "pyproject" } else { "distutils" },
        variables: backend.variables(),
        version: &plan.metadata.version,
        targets: targets(tree),
    };
    let text = template::render("debian/rules", include_str!("../../../templates/debian-source/rules"), &rules)?;
    tree.put("debian/rules".to_owned(), Content::Bytes(text.into_bytes().into()), 0o755);
    let modules = input.application.packages.iter().chain(&input.application.modules);
    let modules = modules.filter(|name| is_identifier(name)).cloned().collect::<Vec<_>>();
    if !modules.is_empty() {
        let context = BTreeMap::from([("modules", modules)]);
        let text = include_str!("../../../templates/debian-source/tests-control");
        tree.add("debian/tests/control", template::render("debian/tests/control", text, context)?);
    }
    if matches!(plan.source, Source::Requirement(_)) && input.archive.url.is_some() {
        let (name, pattern) = (plan.metadata.name.clone(), pattern(&plan.metadata.name));
        let context = BTreeMap::from([("name", name), ("pattern", pattern)]);
        let text = include_str!("../../../templates/debian-source/watch");
        tree.add("debian/watch", template::render("debian/watch", text, context)?);
    }
    Ok(())
}

fn targets(tree: &Tree) -> Vec<Target<'_>> {
    let mut targets = Vec::new();
    for (program, lines) in &tree.targets {
        // What is called by its package is installed by the program's usual call, after which come the others.
        let prefix = if *program == "dh_installsystemd" { "override_" } else { "execute_after_" };
        if !lines.is_empty() {
            targets.push(Target { name: format!("{prefix}{program}"), lines });
        }
    }
    if !tree.modes.is_empty() {
        targets.push(Target { name: "execute_after_dh_fixperms".to_owned(), lines: &tree.modes });
    }
    targets
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Archives are called with the capitals of the project or without, and with `-`, `.` or `_`.
fn pattern(name: &str) -> String {
    let part = |c: char| match c {
        '-' | '.' | '_' => "[-._]".to_owned(),
        c if c.is_ascii_uppercase() => format!("[{c}{}]", c.to_ascii_lowercase()),
        c => c.to_string(),
    };
    name.chars().map(part).collect()
}
