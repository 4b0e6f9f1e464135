//! What the templates of spec files are rendered with.

use std::path::Path;

use serde::Serialize;

use super::header::{self, Head};
use super::hybrid::{self, Hybrid};
use super::layout::{self, Layout};
use super::sections::{self, Section};
use super::sources::{self, Sources};
use super::{Error, Input, build_requires};
use crate::distribution::{SpecDialect, ToolVersion};
use crate::package::Package;
use crate::plan::BuildPlan;
use crate::plan::requirement::Vocabulary;
use crate::project::DEFAULT_GROUP;
use crate::template;

#[derive(Serialize)]
struct Context<'a> {
    generator: &'static str,
    title: &'a str,
    head: Head,
    name: &'a str,
    evr: &'a crate::plan::Evr,
    /// Does the target have `%dist`?
    dist: bool,
    /// As the index names the application, and its version there.
    pypi_name: &'a str,
    pypi_version: &'a str,
    url: &'a str,
    vendor: &'a str,
    group: &'a str,
    /// By the user: distributions do without, but for old ones.
    group_is_said: bool,
    sources: Vec<&'a str>,
    patches: Vec<&'a str>,
    /// Numbers of sources and patches that the source package leaves out.
    no_source: Vec<usize>,
    no_patch: Vec<usize>,
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
    /// Of the newest entry.
    year: String,
    maintainer: &'a str,
    rpm_before_4_11: bool,
    /// What is bundled, if anything is.
    hybrid: Option<hybrid::Context>,
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

/// What a spec file is put together from.
pub struct Parts<'a> {
    pub input: &'a Input<'a>,
    pub layout: &'a Layout,
    /// The plan as the spec file carries it out.
    pub adapted: &'a BuildPlan,
    pub packages: &'a [Package],
    pub vocabulary: &'a Vocabulary<'a>,
    pub sources: &'a Sources<'a>,
    pub sections: Vec<Section>,
    /// Lines of `%prep`.
    pub prepare: Vec<String>,
    pub head: Head,
    pub hybrid: Option<hybrid::Context>,
    pub changelog: Vec<sections::ChangelogEntry>,
}

impl<'a> Parts<'a> {
    /// The name of the spec file, and its text.
    ///
    /// # Errors
    /// When a text cannot be written into a spec file, or a requirement of the build not be read.
    pub fn text(self) -> Result<(String, String), Error> {
        let layout = self.layout;
        let context = self.context()?;
        let name = format!("{}.spec", context.name);
        let source = [include_str!("../../templates/spec/common"), layout.template()].concat();
        let text = template::render(&name, &source, &context)?;
        Ok((name, text))
    }

    fn context(self) -> Result<Context<'a>, Error> {
        let Self { input, layout, adapted, vocabulary, sources, .. } = self;
        let (plan, distribution) = (input.plan, &input.plan.distribution);
        let suse_python = vocabulary.name("six")?.trim_end_matches("-six").to_owned();
        let flavour = if distribution.spec_dialect == SpecDialect::Suse { suse_python.as_str() } else { "python3" };
        // Guidelines leave it to the build system; what stands here without the user's saying so is the author.
        let author = layout.own_prefix().is_none() && plan.vendor == header::author(plan);
        let newest = self.changelog.first();
        Ok(Context {
            generator: concat!("omnipack ", env!("CARGO_PKG_VERSION")),
            title: &distribution.title,
            name: adapted.packages.first().map_or("", |main| main.name.as_str()),
            evr: &plan.evr,
            dist: !distribution.dist_tag.is_empty(),
            head: self.head,
            pypi_name: &plan.metadata.name,
            pypi_version: &plan.version,
            url: &plan.url,
            vendor: if author { "" } else { &plan.vendor },
            group: &plan.group,
            group_is_said: plan.group != DEFAULT_GROUP,
            sources: sources.names(),
            patches: sources.patches(),
            no_source: sources::numbers(&plan.rpm.no_source, &plan.rpm.sources, 1),
            no_patch: sources::numbers(&plan.rpm.no_patch, &plan.rpm.patches, 0),
            rpm: &plan.rpm,
            native: input.application.native || input.hybrid.is_some_and(Hybrid::is_native),
            hybrid: self.hybrid,
            has_units: self.packages.iter().any(layout::has_units),
            python: python(plan),
            build_requires: build_requires(input, vocabulary)?,
            packages: self.sections,
            prepare: self.prepare,
            install: sources.install(),
            modules: layout.modules(input.application, &plan.metadata.name, flavour)?,
            imports: input.application.imports(),
            setuptools: vocabulary.name("setuptools")?,
            suse_python: suse_python.clone(),
            python_home: Path::new(&plan.interpreter.path).parent().and_then(Path::to_str).unwrap_or("/usr/bin"),
            prefix: layout.own_prefix(),
            extras: &plan.python.extras,
            year: newest.and_then(|entry| entry.date.rsplit(' ').next()).unwrap_or_default().to_owned(),
            maintainer: &input.maintainer.text,
            changelog: self.changelog,
            rpm_before_4_11: distribution.format_version < ToolVersion::new(4, 11, 0),
        })
    }
}

fn python(plan: &BuildPlan) -> Python<'_> {
    let (distribution, version) = (&plan.distribution, plan.interpreter.version);
    let first = distribution.pythons.first();
    Python {
        path: &plan.interpreter.path,
        series: version.series(),
        default: first.is_some_and(|first| first.version.series() == version.series()),
        package: distribution.python(version).map_or("python3", |python| python.package.as_str()),
    }
}
