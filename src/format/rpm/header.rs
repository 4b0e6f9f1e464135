//! The headers of a package file. The `rpm` crate makes the header of a package without files: texts, relations,
//! scriptlets, triggers, changelog. Added to it here, in one place: what belongs to the files and the payload, which
//! are streamed, and the tags that the crate does not write (relocation prefixes, restrictions, platform).

use rpm::{
    BuildConfig, CompressionWithLevel, Dependency, Header, HeaderEntry, IndexData, IndexSignatureTag, IndexTag, Lead,
    PackageBuilder, PackageMetadata, RpmFormat, Scriptlet, SignatureHeaderBuilder, Timestamp,
};

use super::fields::entry;
use super::relations::{Family, dependencies, is_program, trigger_condition};
use super::{Payload, architecture};
use crate::distribution::{Algorithm, ToolVersion};
use crate::format::text::{check_paths, hex, many_lines, one_line, wrong};
use crate::format::{Error, compress};
use crate::package::Package;
use crate::project::{ScriptletKind, TriggerWhen};
use crate::stage::TargetPath;

/// Where the header's data may end: 16 MiB until rpm 4.13, 256 MiB since 4.14 (`HEADER_DATA_MAX` in `lib/header*`).
const DATA_LIMITS: [(ToolVersion, u64); 2] = [
    (ToolVersion { major: 4, minor: 14, patch: 0 }, 0x0fff_ffff),
    (ToolVersion { major: 0, minor: 0, patch: 0 }, 0x00ff_ffff),
];

/// `RPM_HASH_SHA256` (RFC 4880, 9.4).
pub(super) const SHA256: u32 = 8;

type TextSetter = fn(&mut PackageBuilder, String) -> &mut PackageBuilder;

/// Where the lead has the number of the architecture.
pub(super) const ARCHITECTURE_IN_LEAD: std::ops::Range<usize> = 8..10;

/// Lead, signature header and header, ready to be written before the payload.
pub fn bytes(package: &Package, payload: &Payload) -> Result<Vec<u8>, Error> {
    check_paths(package)?;
    let wrap = |source| Error::Rpm { package: package.name.clone(), source };
    let bare = without_files(package, payload)?;
    let header = complete(package, payload, bare)?;
    let lead = Lead::new(&format!("{}-{}-{}", package.name, package.evr.version, package.evr.release));
    let mut metadata = PackageMetadata { lead, signature: Header::new_empty(), header };
    let header_bytes = metadata.header_bytes().map_err(wrap)?;
    check_size(package, header_bytes.len() as u64)?;
    metadata.signature = signature(&header_bytes, payload).map_err(wrap)?;
    drop(header_bytes);
    let mut bytes = Vec::new();
    metadata.write(&mut bytes).map_err(wrap)?;
    if let Some(field) = bytes.get_mut(ARCHITECTURE_IN_LEAD) {
        field.copy_from_slice(&lead_architecture(architecture(package)).to_be_bytes());
    }
    Ok(bytes)
}

pub(super) fn check_size(package: &Package, bytes: u64) -> Result<(), Error> {
    let limit = DATA_LIMITS.iter().find(|(since, _)| package.format_version >= *since).map_or(0, |(_, limit)| *limit);
    if bytes <= limit {
        return Ok(());
    }
    Err(Error::HeaderSize { package: package.name.clone(), bytes, limit, version: package.format_version })
}

/// SHA-256 for whoever knows it (4.14 on), SHA-1 of the header for older ones. No MD5: nothing needs it, and under FIPS
/// it only does harm. Room is reserved, so that a signature can be added without moving the payload.
pub(super) fn signature(header: &[u8], payload: &Payload) -> Result<Header<IndexSignatureTag>, rpm::Error> {
    let built = SignatureHeaderBuilder::new()
        .format(RpmFormat::V4)
        .set_content_length(header.len() as u64 + payload.size)
        .calculate_digests(header)
        .build()?;
    let region = IndexSignatureTag::HEADER_SIGNATURES;
    let mut entries = without_region(built.get_all_entries()?, region as u32);
    entries.push(match u32::try_from(payload.archive_size) {
        Ok(size) => HeaderEntry::new(IndexSignatureTag::RPMSIGTAG_PAYLOADSIZE as u32, IndexData::Int32(vec![size])),
        Err(_) => entry(IndexTag::RPMTAG_LONGARCHIVESIZE, IndexData::Int64(vec![payload.archive_size])),
    });
    Ok(Header::from_entries(entries, region))
}

/// Everything that the `rpm` crate can make.
fn without_files(package: &Package, payload: &Payload) -> Result<Vec<HeaderEntry>, Error> {
    let mut builder = PackageBuilder::new(
        &package.name,
        &package.evr.version,
        &one_line(&package.license),
        architecture(package),
        &one_line(&package.summary),
    );
    let config = BuildConfig::v4()
        .compression(CompressionWithLevel::None)
        .source_date(Timestamp::from(package.source_date))
        .reserved_space(None);
    builder.using_config(config).release(&package.evr.release).build_host("localhost");
    builder.description(many_lines(&package.description));
    if package.evr.epoch > 0 {
        builder.epoch(package.evr.epoch);
    }
    for (text, set) in [
        (&package.url, PackageBuilder::url as TextSetter),
        (&package.vendor, PackageBuilder::vendor),
        (&package.maintainer, PackageBuilder::packager),
        (&package.group, PackageBuilder::group),
    ] {
        let text = one_line(text);
        if !text.is_empty() {
            set(&mut builder, text);
        }
    }
    for (family, dependency) in dependencies(package, &payload.layout)? {
        relate(&mut builder, family, dependency);
    }
    add_scripts(package, &mut builder)?;
    let wrap = |source| Error::Rpm { package: package.name.clone(), source };
    let built = builder.build().map_err(wrap)?;
    let entries = built.metadata.header.get_all_entries().map_err(wrap)?;
    Ok(without_region(entries, IndexTag::RPMTAG_HEADERIMMUTABLE as u32))
}

fn without_region(entries: Vec<(u32, IndexData)>, region: u32) -> Vec<HeaderEntry> {
    entries.into_iter().filter(|(tag, _)| *tag != region).map(|(tag, data)| HeaderEntry::new(tag, data)).collect()
}

fn relate(builder: &mut PackageBuilder, family: Family, dependency: Dependency) {
    match family {
        Family::Requires => builder.requires(dependency),
        Family::Recommends => builder.recommends(dependency),
        Family::Suggests => builder.suggests(dependency),
        Family::Supplements => builder.supplements(dependency),
        Family::Enhances => builder.enhances(dependency),
        Family::Conflicts => builder.conflicts(dependency),
        Family::Obsoletes => builder.obsoletes(dependency),
        Family::Provides => builder.provides(dependency),
    };
}

fn add_scripts(package: &Package, builder: &mut PackageBuilder) -> Result<(), Error> {
    for (kind, scriptlet) in &package.scriptlets {
        let interpreter = match scriptlet.interpreter.as_slice() {
            [] => vec!["/bin/sh".to_owned()],
            words => words.to_vec(),
        };
        let script = Scriptlet::new(script_text(package, &scriptlet.text)?).prog(interpreter);
        match kind {
            ScriptletKind::Pretrans => builder.pre_trans_script(script),
            ScriptletKind::Pre => builder.pre_install_script(script),
            ScriptletKind::Post => builder.post_install_script(script),
            ScriptletKind::Preun => builder.pre_uninstall_script(script),
            ScriptletKind::Postun => builder.post_uninstall_script(script),
            ScriptletKind::Posttrans => builder.post_trans_script(script),
            ScriptletKind::Verify => builder.verify_script(script),
            ScriptletKind::Purge => continue,
        };
    }
    for trigger in &package.triggers {
        if trigger.interpreter.is_empty() || trigger.interpreter.contains(char::is_whitespace) {
            let problem = "must be one program: a trigger's interpreter takes no arguments";
            return Err(wrong(package, "trigger interpreter", &trigger.interpreter, problem));
        }
        let (name, condition) = trigger_condition(package, &trigger.on)?;
        let script = Scriptlet::new(script_text(package, &trigger.script)?).prog(vec![trigger.interpreter.as_str()]);
        match trigger.when {
            TriggerWhen::In => builder.trigger_in(name, condition, script),
            TriggerWhen::Un => builder.trigger_un(name, condition, script),
            TriggerWhen::Postun => builder.trigger_postun(name, condition, script),
        };
    }
    Ok(())
}

/// A script as it is, without white space at its end (as rpmbuild has it). A NUL would end it early.
fn script_text(package: &Package, text: &str) -> Result<String, Error> {
    if text.contains('\0') {
        return Err(wrong(package, "script", text.lines().next().unwrap_or_default(), "has a NUL character"));
    }
    Ok(text.trim_end().to_owned())
}

/// Adds files, payload and what the `rpm` crate has no words for.
fn complete(package: &Package, payload: &Payload, bare: Vec<HeaderEntry>) -> Result<Header<IndexTag>, Error> {
    let mut entries = bare;
    retain_programs(&mut entries);
    let mut own = payload.layout.tags(package, &payload.digests)?;
    own.push(payload.layout.total_size_tag());
    own.extend(payload_tags(package, payload));
    own.extend(restriction_tags(package)?);
    own.extend(changelog_tags(package));
    let source = format!("{}-{}-{}.src.rpm", package.source, package.evr.version, package.evr.release);
    let text = |tag, text: String| entry(tag, IndexData::StringTag(text));
    own.push(text(IndexTag::RPMTAG_SOURCERPM, source));
    own.push(text(IndexTag::RPMTAG_RPMVERSION, format!("omnipack-{}", env!("CARGO_PKG_VERSION"))));
    own.push(text(IndexTag::RPMTAG_PLATFORM, format!("{}-unknown-linux-gnu", architecture(package))));
    // rpm-rs takes the clock where it is before the source date.
    own.push(entry(IndexTag::RPMTAG_BUILDTIME, IndexData::Int32(vec![package.source_date])));
    let replaced: std::collections::HashSet<u32> = own.iter().map(|entry| entry.tag).collect();
    entries.retain(|entry| !replaced.contains(&entry.tag) && entry.tag != IndexTag::RPMTAG_PAYLOADSHA256ALT as u32);
    entries.append(&mut own);
    Ok(Header::from_entries(entries, IndexTag::RPMTAG_HEADERIMMUTABLE))
}

/// rpm-rs requires every interpreter as if it were a file, also rpm's own `<lua>`.
fn retain_programs(entries: &mut [HeaderEntry]) {
    let name_tag = IndexTag::RPMTAG_REQUIRENAME as u32;
    let Some(keep) = entries.iter().find(|entry| entry.tag == name_tag).and_then(|entry| match &entry.data {
        IndexData::StringArray(names) => Some(names.iter().map(|name| is_program(name)).collect::<Vec<_>>()),
        _ => None,
    }) else {
        return;
    };
    let tags = [IndexTag::RPMTAG_REQUIRENAME, IndexTag::RPMTAG_REQUIREVERSION, IndexTag::RPMTAG_REQUIREFLAGS];
    for entry in entries.iter_mut().filter(|entry| tags.iter().any(|tag| *tag as u32 == entry.tag)) {
        let mut kept = keep.iter();
        match &mut entry.data {
            IndexData::StringArray(values) => values.retain(|_| kept.next().copied().unwrap_or(true)),
            IndexData::Int32(values) => values.retain(|_| kept.next().copied().unwrap_or(true)),
            _ => {}
        }
    }
}

pub(super) fn payload_tags(package: &Package, payload: &Payload) -> [HeaderEntry; 4] {
    let compressor = match package.compression.algorithm {
        Algorithm::Gzip => "gzip",
        Algorithm::Xz => "xz",
        Algorithm::Zstd => "zstd",
    };
    let level = compress::effective_level(package.compression);
    [
        entry(IndexTag::RPMTAG_PAYLOADCOMPRESSOR, IndexData::StringTag(compressor.to_owned())),
        entry(IndexTag::RPMTAG_PAYLOADFLAGS, IndexData::StringTag(level.to_string())),
        entry(IndexTag::RPMTAG_PAYLOADSHA256, IndexData::StringArray(vec![hex(&payload.sha256)])),
        entry(IndexTag::RPMTAG_PAYLOADSHA256ALGO, IndexData::Int32(vec![SHA256])),
    ]
}

/// Where the package may be installed, and below which prefixes it may be moved.
pub(super) fn restriction_tags(package: &Package) -> Result<Vec<HeaderEntry>, Error> {
    let rpm = &package.rpm;
    let mut prefixes = Vec::with_capacity(rpm.prefixes.len());
    for prefix in &rpm.prefixes {
        let path = TargetPath::new(prefix).map_err(|problem| wrong(package, "prefix", prefix, &problem))?;
        prefixes.push(path.as_str().to_owned());
    }
    let lists = [
        (IndexTag::RPMTAG_EXCLUDEARCH, rpm.exclude_arch.clone()),
        (IndexTag::RPMTAG_EXCLUSIVEARCH, rpm.exclusive_arch.clone()),
        (IndexTag::RPMTAG_EXCLUDEOS, rpm.exclude_os.clone()),
        (IndexTag::RPMTAG_EXCLUSIVEOS, rpm.exclusive_os.clone()),
        (IndexTag::RPMTAG_PREFIXES, prefixes),
    ];
    let mut tags = Vec::new();
    for (tag, values) in lists.into_iter().filter(|(_, values)| !values.is_empty()) {
        for value in &values {
            if value.is_empty() || value.chars().any(char::is_control) {
                return Err(wrong(package, "restriction", value, "is no architecture, system or prefix"));
            }
        }
        tags.push(entry(tag, IndexData::StringArray(values)));
    }
    Ok(tags)
}

/// Newest first, as rpm's tools expect it.
pub(super) fn changelog_tags(package: &Package) -> Vec<HeaderEntry> {
    if package.changelog.is_empty() {
        return Vec::new();
    }
    let mut changelog: Vec<_> = package.changelog.iter().collect();
    changelog.sort_by_key(|change| std::cmp::Reverse(change.date));
    let dates = changelog.iter().map(|change| change.date).collect();
    let authors = changelog.iter().map(|change| one_line(&change.author)).collect();
    let texts = changelog.iter().map(|change| many_lines(&change.text)).collect();
    vec![
        entry(IndexTag::RPMTAG_CHANGELOGTIME, IndexData::Int32(dates)),
        entry(IndexTag::RPMTAG_CHANGELOGNAME, IndexData::StringArray(authors)),
        entry(IndexTag::RPMTAG_CHANGELOGTEXT, IndexData::StringArray(texts)),
    ]
}

/// The lead's word for an architecture: `arch_canon` in `rpmrc.in` of rpm. Only file(1) still reads it.
pub(super) fn lead_architecture(architecture: &str) -> u16 {
    match architecture {
        "x86_64" | "i686" | "i586" | "i486" | "i386" => 1,
        "ppc" => 5,
        "ia64" => 9,
        "mips64" | "mips64el" => 11,
        "armv5tel" | "armv6l" | "armv6hl" | "armv7l" | "armv7hl" | "armv7hnl" => 12,
        "s390" => 14,
        "s390x" => 15,
        "ppc64" | "ppc64le" => 16,
        "aarch64" => 19,
        "riscv64" => 22,
        // `noarch`, and what has no number.
        _ => 255,
    }
}
