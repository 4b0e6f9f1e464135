//! Source packages: a spec file and what lies beside it, as `rpmbuild -bs` packs them. Tag by tag they are held against
//! rpmbuild's (`tests/spec_files/source_packages.rs`).

use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use rpm::{Dependency, DependencyFlags, FileFlags, Header, HeaderEntry, IndexData, IndexTag, Lead, PackageMetadata};

use super::fields::entry;
use super::header::{
    ARCHITECTURE_IN_LEAD, SHA256, changelog_tags, check_size, lead_architecture, payload_tags, restriction_tags,
    signature,
};
use super::relations::{Family, source_dependencies};
use super::{Payload, architecture};
use crate::distribution::{Algorithm, ToolVersion};
use crate::format::publish::publish;
use crate::format::text::{check_paths, many_lines, one_line, wrong};
use crate::format::{Error, compress};
use crate::package::{Architecture, Package};
use crate::plan::Compression;
use crate::project::ConfigFile;
use crate::stage::gate::Scanner;
use crate::stage::{Content, Entry, EntryFlags, EntryKind, Origin, TargetPath};

/// What every rpm reads, and rpmbuild's own choice (`_source_payload w9.gzdio` in rpm's macros): the archive in it is
/// compressed already.
pub const COMPRESSION: Compression = Compression { algorithm: Algorithm::Gzip, level: 9 };

/// Where the lead says whether it is a source package (`lib/rpmlead.c`).
const TYPE_IN_LEAD: std::ops::Range<usize> = 6..8;
const SOURCE_TYPE: u16 = 1;

/// `%generate_buildrequires` (rpm 4.15). An older rpm may lack it: it cannot build the package, but unpack it.
const DYNAMIC: (&str, &str, ToolVersion) =
    ("DynamicBuildRequires", "4.15.0-1", ToolVersion { major: 4, minor: 15, patch: 0 });

/// `RPMSENSE_MISSINGOK` (`include/rpm/rpmds.h`).
const MISSING_OK: u32 = 1 << 19;

/// A spec file with its sources and patches.
#[derive(Debug, Clone)]
pub struct SourcePackage {
    /// Name, version, texts, relations (what building requires, and conflicts with), restrictions and the change log; its
    /// entries are those of [`file()`].
    pub package: Package,
    /// File name of the spec.
    pub spec: String,
    /// In the order of the spec file.
    pub sources: Vec<Source>,
    /// `BuildArch` of the spec.
    pub build_architectures: Vec<String>,
    /// Names of the packages that are built of it.
    pub builds: Vec<String>,
    pub build_requirements: BuildRequirements,
}

/// `Source1`, `Patch0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub kind: SourceKind,
    pub number: u32,
    /// File name.
    pub name: String,
    pub shipping: Shipping,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    Source,
    Patch,
}

/// Is the file in the package?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shipping {
    Packed,
    /// `NoSource`, `NoPatch`: whoever builds has to have it.
    Left,
}

/// When what building requires is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildRequirements {
    Fixed,
    /// The build says more (`%generate_buildrequires`).
    Generated,
}

/// An entry for a file of a source package.
///
/// # Errors
/// When the name cannot be one of a file.
pub fn file(name: &str, content: Content, shipping: Shipping) -> Result<Entry, String> {
    if name.contains('/') {
        return Err("is no name of a file".to_owned());
    }
    Ok(Entry {
        path: TargetPath::new(&format!("/{name}"))?,
        mode: 0o644,
        owner: "root".into(),
        group: "root".into(),
        kind: EntryKind::File(content),
        origin: Origin::Generated,
        flags: EntryFlags { config: ConfigFile::No, ghost: shipping == Shipping::Left, ..EntryFlags::default() },
    })
}

/// Writes the package into `directory`, by way of `scratch`: whole or not at all.
///
/// # Errors
/// When a file cannot be read, a text or relation is not fit for the target's rpm, or the file cannot be written.
pub fn write(source: &SourcePackage, scratch: &Path, directory: &Path) -> Result<PathBuf, Error> {
    let package = &source.package;
    check_paths(package)?;
    let (payload, _) = super::pack_as(package, &Scanner::new(), scratch, compress::threads(), super::Names::Bare)?;
    let head = head(source, &payload)?;
    let path = directory.join(file_name(source));
    let store = |file: &mut File| {
        file.write_all(&head)?;
        let mut packed = &payload.file;
        packed.rewind()?;
        io::copy(&mut packed, file).map(drop)
    };
    publish(&path, store).map_err(Error::io(format!("write `{}`", path.display())))?;
    Ok(path)
}

/// `name-version-release.src.rpm`, or `.nosrc.rpm` where a source is left out.
fn file_name(source: &SourcePackage) -> String {
    let complete = source.sources.iter().all(|source| source.shipping == Shipping::Packed);
    let package = &source.package;
    let end = if complete { "src" } else { "nosrc" };
    format!("{}-{}-{}.{end}.rpm", package.name, package.evr.version, package.evr.release)
}

fn head(source: &SourcePackage, payload: &Payload) -> Result<Vec<u8>, Error> {
    let package = &source.package;
    let wrap = |source| Error::Rpm { package: package.name.clone(), source };
    let lead = Lead::new(&format!("{}-{}-{}", package.name, package.evr.version, package.evr.release));
    let header = Header::from_entries(tags(source, payload)?, IndexTag::RPMTAG_HEADERIMMUTABLE);
    let mut metadata = PackageMetadata { lead, signature: Header::new_empty(), header };
    let header_bytes = metadata.header_bytes().map_err(wrap)?;
    check_size(package, header_bytes.len() as u64)?;
    metadata.signature = signature(&header_bytes, payload).map_err(wrap)?;
    let mut bytes = Vec::new();
    metadata.write(&mut bytes).map_err(wrap)?;
    let fields = [(TYPE_IN_LEAD, SOURCE_TYPE), (ARCHITECTURE_IN_LEAD, lead_architecture(std::env::consts::ARCH))];
    for (place, value) in fields {
        if let Some(field) = bytes.get_mut(place) {
            field.copy_from_slice(&value.to_be_bytes());
        }
    }
    Ok(bytes)
}

fn tags(source: &SourcePackage, payload: &Payload) -> Result<Vec<HeaderEntry>, Error> {
    let package = &source.package;
    let mut tags = texts(package);
    let number = |tag, number: u32| entry(tag, IndexData::Int32(vec![number]));
    tags.extend([
        entry(IndexTag::RPMTAG_HEADERI18NTABLE, IndexData::StringArray(vec!["C".to_owned()])),
        number(IndexTag::RPMTAG_BUILDTIME, package.source_date),
        number(IndexTag::RPMTAG_SOURCEPACKAGE, 1),
        number(IndexTag::RPMTAG_FILEDIGESTALGO, SHA256),
    ]);
    if package.evr.epoch > 0 {
        tags.push(number(IndexTag::RPMTAG_EPOCH, package.evr.epoch));
    }
    tags.extend(file_tags(source, payload)?);
    tags.extend(source_tags(source));
    tags.extend(relation_tags(source, payload)?);
    tags.extend(payload_tags(package, payload));
    // `Prefix` is for packages that are built of it.
    let mut bare = package.clone();
    bare.rpm.prefixes.clear();
    tags.extend(restriction_tags(&bare)?);
    tags.extend(changelog_tags(package));
    Ok(tags)
}

fn texts(package: &Package) -> Vec<HeaderEntry> {
    let group = if package.group.is_empty() { "Unspecified" } else { &package.group };
    let translated = [
        (IndexTag::RPMTAG_SUMMARY, one_line(&package.summary)),
        (IndexTag::RPMTAG_DESCRIPTION, many_lines(&package.description)),
        (IndexTag::RPMTAG_GROUP, one_line(group)),
    ];
    let plain = [
        (IndexTag::RPMTAG_NAME, package.name.clone()),
        (IndexTag::RPMTAG_VERSION, package.evr.version.clone()),
        (IndexTag::RPMTAG_RELEASE, package.evr.release.clone()),
        (IndexTag::RPMTAG_LICENSE, one_line(&package.license)),
        (IndexTag::RPMTAG_URL, one_line(&package.url)),
        (IndexTag::RPMTAG_VENDOR, one_line(&package.vendor)),
        (IndexTag::RPMTAG_PACKAGER, one_line(&package.maintainer)),
        (IndexTag::RPMTAG_ARCH, architecture(package).to_owned()),
        (IndexTag::RPMTAG_OS, "linux".to_owned()),
        (IndexTag::RPMTAG_BUILDHOST, "localhost".to_owned()),
        (IndexTag::RPMTAG_RPMVERSION, format!("omnipack-{}", env!("CARGO_PKG_VERSION"))),
        (IndexTag::RPMTAG_PAYLOADFORMAT, "cpio".to_owned()),
        (IndexTag::RPMTAG_ENCODING, "utf-8".to_owned()),
    ];
    let translated = translated.into_iter().map(|(tag, text)| entry(tag, IndexData::I18NString(vec![text])));
    let plain = plain.into_iter().filter(|(_, text)| !text.is_empty());
    translated.chain(plain.map(|(tag, text)| entry(tag, IndexData::StringTag(text)))).collect()
}

/// As of any package, but for the directory, which no file has one of, the mark of the spec file, and the size of what is
/// left out, which counts.
fn file_tags(source: &SourcePackage, payload: &Payload) -> Result<Vec<HeaderEntry>, Error> {
    let entries = &source.package.entries;
    let flags = entries.iter().map(|entry| {
        let mut flags = FileFlags::empty();
        flags.set(FileFlags::SPECFILE, entry.path.file_name() == source.spec);
        flags.set(FileFlags::GHOST, entry.flags.ghost);
        flags.bits()
    });
    let mut own = vec![
        entry(IndexTag::RPMTAG_DIRNAMES, IndexData::StringArray(vec![String::new()])),
        entry(IndexTag::RPMTAG_FILEFLAGS, IndexData::Int32(flags.collect())),
    ];
    let size = |entry: &Entry| match &entry.kind {
        EntryKind::File(content) => u32::try_from(content.size()).ok(),
        _ => Some(0),
    };
    let sizes = entries.iter().map(size).collect::<Option<Vec<u32>>>();
    match sizes.and_then(|sizes| Some((sizes.iter().try_fold(0_u32, |sum, size| sum.checked_add(*size))?, sizes))) {
        Some((total, sizes)) if !payload.layout.large => {
            own.push(entry(IndexTag::RPMTAG_FILESIZES, IndexData::Int32(sizes)));
            own.push(entry(IndexTag::RPMTAG_SIZE, IndexData::Int32(vec![total])));
        }
        _ => own.push(payload.layout.total_size_tag()),
    }
    let mut tags = payload.layout.tags(&source.package, &payload.digests)?;
    tags.retain(|tag| own.iter().all(|own| own.tag != tag.tag));
    tags.extend(own);
    Ok(tags)
}

/// Names in reverse, as rpmbuild has them.
fn source_tags(source: &SourcePackage) -> Vec<HeaderEntry> {
    let of = |kind| source.sources.iter().filter(move |source| source.kind == kind);
    let mut tags = Vec::new();
    for (kind, names, left_out) in [
        (SourceKind::Source, IndexTag::RPMTAG_SOURCE, IndexTag::RPMTAG_NOSOURCE),
        (SourceKind::Patch, IndexTag::RPMTAG_PATCH, IndexTag::RPMTAG_NOPATCH),
    ] {
        let all = of(kind).rev().map(|source| source.name.clone()).collect::<Vec<_>>();
        let left = of(kind).filter(|source| source.shipping == Shipping::Left).map(|source| source.number);
        let left = left.collect::<Vec<_>>();
        tags.extend((!all.is_empty()).then(|| entry(names, IndexData::StringArray(all))));
        tags.extend((!left.is_empty()).then(|| entry(left_out, IndexData::Int32(left))));
    }
    let built = &source.build_architectures;
    tags.extend((!built.is_empty()).then(|| entry(IndexTag::RPMTAG_BUILDARCHS, IndexData::StringArray(built.clone()))));
    tags
}

fn relation_tags(source: &SourcePackage, payload: &Payload) -> Result<Vec<HeaderEntry>, Error> {
    let package = &source.package;
    let mut requires =
        vec![Dependency::rpmlib("CompressedFileNames", "3.0.4-1"), Dependency::rpmlib("FileDigests", "4.6.0-1")];
    let mut conflicts = Vec::new();
    for (family, dependency) in source_dependencies(package, &payload.layout)? {
        match family {
            Family::Requires => requires.push(dependency),
            Family::Conflicts => conflicts.push(dependency),
            _ => return Err(wrong(package, "relation", &dependency.to_string(), "is nothing that building asks for")),
        }
    }
    if requires.iter().any(|dependency| dependency.name.starts_with('(')) {
        requires.push(Dependency::rpmlib("RichDependencies", "4.12.0-1"));
    }
    if source.build_requirements == BuildRequirements::Generated {
        let (feature, version, since) = DYNAMIC;
        if package.format_version < since {
            return Err(Error::Feature {
                package: package.name.clone(),
                version: package.format_version,
                feature,
                user: "`%generate_buildrequires` of the spec file".to_owned(),
                hint: "set another `spec-dialect` for the distribution",
            });
        }
        let mut dependency = Dependency::rpmlib(feature, version);
        dependency.flags = DependencyFlags::from_bits_retain(dependency.flags.bits() | MISSING_OK);
        requires.push(dependency);
    }
    let provides = source.builds.iter().map(|name| Dependency {
        name: name.clone(),
        flags: DependencyFlags::EQUAL,
        version: package.evr.full(),
    });
    let mut tags = Vec::new();
    use IndexTag as Tag;
    for (mut all, [names, flags, versions]) in [
        (provides.collect(), [Tag::RPMTAG_PROVIDENAME, Tag::RPMTAG_PROVIDEFLAGS, Tag::RPMTAG_PROVIDEVERSION]),
        (requires, [Tag::RPMTAG_REQUIRENAME, Tag::RPMTAG_REQUIREFLAGS, Tag::RPMTAG_REQUIREVERSION]),
        (conflicts, [Tag::RPMTAG_CONFLICTNAME, Tag::RPMTAG_CONFLICTFLAGS, Tag::RPMTAG_CONFLICTVERSION]),
    ] {
        if all.is_empty() {
            continue;
        }
        all.sort_by(|one, other| (&one.name, &one.version).cmp(&(&other.name, &other.version)));
        all.dedup();
        let text =
            |f: fn(&Dependency) -> &String| IndexData::StringArray(all.iter().map(|one| f(one).clone()).collect());
        tags.push(entry(names, text(|one| &one.name)));
        tags.push(entry(flags, IndexData::Int32(all.iter().map(|one| one.flags.bits()).collect())));
        tags.push(entry(versions, text(|one| &one.version)));
    }
    Ok(tags)
}

/// The architecture that `BuildArch` says, or the one of the machine that is built for.
#[must_use]
pub fn architecture_of(build_architectures: &[String], machine: &str) -> Architecture {
    match build_architectures {
        [only] if only == "noarch" => Architecture::Independent,
        _ => Architecture::Native(machine.to_owned()),
    }
}
