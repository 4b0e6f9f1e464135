//! A spec file and its sources as a source package.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::preamble::Preamble;
use super::{Error, SpecFiles};
use crate::format;
use crate::format::rpm::source::{
    self, BuildRequirements, COMPRESSION, Shipping, Source, SourceKind, SourcePackage, architecture_of,
};
use crate::package::{ChangelogEntry, Package};
use crate::plan::{BuildPlan, Evr};
use crate::stage::Content;

/// Writes the source RPM of `files` into `directory`, by way of `scratch`: whole or not at all.
///
/// # Errors
/// When a source that has to be in it is not there, or it cannot be written.
pub fn write_source_package(
    files: &SpecFiles,
    plan: &BuildPlan,
    scratch: &Path,
    directory: &Path,
) -> Result<PathBuf, Error> {
    Ok(source::write(&source_package(files, plan)?, scratch, directory)?)
}

/// The header of a source package says what rpm reads in the spec file.
fn source_package(files: &SpecFiles, plan: &BuildPlan) -> Result<SourcePackage, Error> {
    // As an empty macro is for rpm.
    let dist = Some(("dist", plan.distribution.dist_tag.as_str())).filter(|(_, tag)| !tag.is_empty());
    let known = dist.into_iter().chain([("nil", "")]).collect::<Vec<_>>();
    let preamble = Preamble::read(&files.text, &known)?;
    let sources = sources(&preamble);
    let build_architectures = preamble.words("buildarch");
    let text = |tag| preamble.first(tag).unwrap_or_default().to_owned();
    let package = Package {
        name: text("name"),
        evr: Evr { epoch: plan.evr.epoch, version: text("version"), release: text("release") },
        architecture: architecture_of(&build_architectures, &plan.platform.architecture),
        summary: text("summary"),
        description: preamble.description.clone(),
        license: text("license"),
        url: text("url"),
        vendor: text("vendor"),
        maintainer: text("packager"),
        group: text("group"),
        relations: preamble.relations(),
        entries: entries(files, &sources)?,
        scriptlets: BTreeMap::new(),
        triggers: Vec::new(),
        changelog: changelog(&files.package, &preamble),
        compression: COMPRESSION,
        ..files.package.clone()
    };
    Ok(SourcePackage {
        package,
        spec: files.name.clone(),
        sources,
        build_architectures,
        build_requirements: match preamble.generates {
            true => BuildRequirements::Generated,
            false => BuildRequirements::Fixed,
        },
        builds: preamble.packages,
    })
}

/// `Source`, `Patch`, and which of them are left out.
fn sources(preamble: &Preamble) -> Vec<Source> {
    let of = |kind, tag, left_out| {
        let left = preamble.words(left_out);
        preamble.numbered(tag).map(move |(number, value)| Source {
            kind,
            number,
            name: value.rsplit('/').next().unwrap_or(value).to_owned(),
            shipping: if left.contains(&number.to_string()) { Shipping::Left } else { Shipping::Packed },
        })
    };
    let sources = of(SourceKind::Source, "source", "nosource");
    sources.chain(of(SourceKind::Patch, "patch", "nopatch")).collect()
}

/// File names of all sources and patches of the spec file; none when it cannot be read.
pub fn source_names(files: &SpecFiles) -> Vec<String> {
    let preamble = Preamble::read(&files.text, &[]).unwrap_or_default();
    sources(&preamble).into_iter().map(|source| source.name).collect()
}

/// The files, by name.
fn entries(files: &SpecFiles, sources: &[Source]) -> Result<Vec<crate::stage::Entry>, Error> {
    let content = files.sources.iter().map(|(name, content)| (name.as_str(), content)).collect::<BTreeMap<_, _>>();
    let refused = |name: &str| {
        let path = name.to_owned();
        move |_: String| Error::Path { path, reason: "it is no name of a file" }
    };
    let spec = Content::Bytes(files.text.as_bytes().into());
    let mut entries = BTreeMap::from([(
        files.name.clone(),
        source::file(&files.name, spec, Shipping::Packed).map_err(refused(&files.name))?,
    )]);
    for Source { name, shipping, .. } in sources {
        let content = match (content.get(name.as_str()), shipping) {
            (Some(content), _) => (*content).clone(),
            (None, Shipping::Left) => Content::Bytes([].into()),
            (None, Shipping::Packed) => return Err(Error::SourceMissing { name: name.clone() }),
        };
        entries.insert(name.clone(), source::file(name, content, *shipping).map_err(refused(name))?);
    }
    Ok(entries.into_values().collect())
}

/// As rpm reads it in the spec file: each date is noon (`dateToTimet` in build/parseChangelog.c).
fn changelog(package: &Package, preamble: &Preamble) -> Vec<ChangelogEntry> {
    const DAY: u32 = 24 * 60 * 60;
    let dates = package.changelog.iter().map(|entry| entry.date / DAY * DAY + DAY / 2);
    let entries = preamble.changelog.iter().zip(dates);
    entries.map(|((author, text), date)| ChangelogEntry { date, author: author.clone(), text: text.clone() }).collect()
}

impl From<format::Error> for Error {
    fn from(error: format::Error) -> Self {
        Self::SourcePackage(Box::new(error))
    }
}
