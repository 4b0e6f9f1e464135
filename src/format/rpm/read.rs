//! Reads the metadata of any RPM, whoever made it. The payload is not touched, so its compression does not matter.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

use crate::distribution::PackageFormat;
use crate::format::Error;
use crate::format::inspection::{
    Change, FileKind, Inspection, LONGEST_PATH, PackagedFile, Relations, Script, TriggerScript, python_distributions,
};
use crate::format::read::damaged;
use rpm::{Dependency, FileFlags, FileType, IndexTag, PackageMetadata, Trigger};

/// Size of the lead in bytes.
const LEAD: usize = 96;

/// What rpm itself takes for the number of index entries and for the bytes of data (`lib/header.c`).
const MOST_ENTRIES: usize = 0xffff;
const MOST_DATA: usize = 0x0fff_ffff;

/// Reads the headers of the RPM at `path`.
///
/// # Errors
/// When it cannot be read, or is no RPM, or is damaged.
pub fn read(path: &Path) -> Result<Inspection, Error> {
    let wrap = |source| Error::Read { path: path.to_path_buf(), source };
    let bytes = head(path).map_err(|source| wrap(source.into()))?;
    let metadata = PackageMetadata::parse(&mut bytes.as_slice()).map_err(wrap)?;
    let size = fs_err::metadata(path).map_err(|source| wrap(source.into()))?.len();
    inspection(&metadata, size).map_err(wrap)
}

fn inspection(metadata: &PackageMetadata, size: u64) -> Result<Inspection, rpm::Error> {
    let text = |value: Result<&str, rpm::Error>| optional(value.map(str::to_owned));
    let files = files(metadata)?;
    Ok(Inspection {
        format: PackageFormat::Rpm,
        name: metadata.get_name()?.to_owned(),
        epoch: optional(metadata.get_epoch())?,
        version: metadata.get_version()?.to_owned(),
        release: metadata.get_release()?.to_owned(),
        architecture: text(metadata.get_arch())?,
        summary: text(metadata.get_summary())?,
        description: text(metadata.get_description())?,
        license: text(metadata.get_license())?,
        url: text(metadata.get_url())?,
        vendor: text(metadata.get_vendor())?,
        maintainer: text(metadata.get_packager())?,
        group: text(metadata.get_group())?,
        section: String::new(),
        priority: String::new(),
        source: text(metadata.get_source_rpm())?,
        build_host: text(metadata.get_build_host())?,
        build_time: optional(metadata.get_build_time())?,
        size,
        installed_size: optional(metadata.get_installed_size())?,
        compression: text(metadata.header.get_entry_data_as_string(IndexTag::RPMTAG_PAYLOADCOMPRESSOR))?,
        prefixes: prefixes(metadata)?,
        fields: BTreeMap::new(),
        relations: relations(metadata)?,
        scriptlets: scriptlets(metadata)?,
        triggers: triggers(metadata)?,
        changelog: changelog(metadata)?,
        control_files: Vec::new(),
        md5sums: None,
        python_distributions: python_distributions(&files),
        files,
    })
}

/// A tag that is not there stands for nothing; one that is damaged is an error.
fn optional<T: Default>(value: Result<T, rpm::Error>) -> Result<T, rpm::Error> {
    match value {
        Err(rpm::Error::TagNotFound(_)) => Ok(T::default()),
        other => other,
    }
}

fn prefixes(metadata: &PackageMetadata) -> Result<Vec<String>, rpm::Error> {
    let prefixes = optional(metadata.header.get_entry_data_as_string_array(IndexTag::RPMTAG_PREFIXES))?;
    Ok(prefixes.into_iter().map(str::to_owned).collect())
}

fn relations(metadata: &PackageMetadata) -> Result<Relations, rpm::Error> {
    let texts = |all: Vec<Dependency>| {
        let mut texts: Vec<String> = all.iter().map(ToString::to_string).collect();
        // One relation may be there several times, for several scriptlets.
        texts.dedup();
        texts
    };
    Ok(Relations {
        requires: texts(metadata.get_requires()?),
        recommends: texts(metadata.get_recommends()?),
        suggests: texts(metadata.get_suggests()?),
        supplements: texts(metadata.get_supplements()?),
        enhances: texts(metadata.get_enhances()?),
        conflicts: texts(metadata.get_conflicts()?),
        obsoletes: texts(metadata.get_obsoletes()?),
        provides: texts(metadata.get_provides()?),
        ..Relations::default()
    })
}

fn scriptlets(metadata: &PackageMetadata) -> Result<Vec<Script>, rpm::Error> {
    let all = [
        ("pretrans", IndexTag::RPMTAG_PRETRANS, IndexTag::RPMTAG_PRETRANSPROG),
        ("pre", IndexTag::RPMTAG_PREIN, IndexTag::RPMTAG_PREINPROG),
        ("post", IndexTag::RPMTAG_POSTIN, IndexTag::RPMTAG_POSTINPROG),
        ("preun", IndexTag::RPMTAG_PREUN, IndexTag::RPMTAG_PREUNPROG),
        ("postun", IndexTag::RPMTAG_POSTUN, IndexTag::RPMTAG_POSTUNPROG),
        ("posttrans", IndexTag::RPMTAG_POSTTRANS, IndexTag::RPMTAG_POSTTRANSPROG),
        ("preuntrans", IndexTag::RPMTAG_PREUNTRANS, IndexTag::RPMTAG_PREUNTRANSPROG),
        ("postuntrans", IndexTag::RPMTAG_POSTUNTRANS, IndexTag::RPMTAG_POSTUNTRANSPROG),
        ("verify", IndexTag::RPMTAG_VERIFYSCRIPT, IndexTag::RPMTAG_VERIFYSCRIPTPROG),
    ];
    let mut scripts = Vec::new();
    for (kind, script, program) in all {
        let text = optional(metadata.header.get_entry_data_as_string(script))?.to_owned();
        let words = optional(metadata.header.get_entry_data_as_string_array(program))?;
        // A program alone is a scriptlet too: `%post -p /sbin/ldconfig`.
        if !text.is_empty() || !words.is_empty() {
            scripts.push(Script { kind, interpreter: words.into_iter().map(str::to_owned).collect(), text });
        }
    }
    Ok(scripts)
}

fn triggers(metadata: &PackageMetadata) -> Result<Vec<TriggerScript>, rpm::Error> {
    let all = [
        ("package", metadata.get_triggers()?),
        ("file", metadata.get_file_triggers()?),
        ("transaction-file", metadata.get_trans_file_triggers()?),
    ];
    let script = |kind: &str, trigger: Trigger| TriggerScript {
        kind: kind.to_owned(),
        conditions: trigger.conditions.iter().map(condition).collect(),
        interpreter: trigger.program,
        text: trigger.script,
    };
    Ok(all
        .into_iter()
        .flat_map(|(kind, triggers)| triggers.into_iter().map(move |trigger| script(kind, trigger)))
        .collect())
}

fn condition(condition: &rpm::TriggerCondition) -> String {
    use rpm::DependencyFlags as Flags;
    let kinds = [
        (Flags::TRIGGERPREIN, "prein"),
        (Flags::TRIGGERIN, "in"),
        (Flags::TRIGGERUN, "un"),
        (Flags::TRIGGERPOSTUN, "postun"),
    ];
    let kind = kinds.iter().find(|(flag, _)| condition.flags.contains(*flag)).map_or("", |(_, kind)| *kind);
    let on = Dependency { name: condition.name.clone(), flags: condition.flags, version: condition.version.clone() };
    format!("{kind} {on}")
}

fn changelog(metadata: &PackageMetadata) -> Result<Vec<Change>, rpm::Error> {
    let entries = metadata.get_changelog_entries()?;
    Ok(entries
        .into_iter()
        .map(|entry| Change { date: entry.timestamp, author: entry.name, text: entry.description })
        .collect())
}

fn files(metadata: &PackageMetadata) -> Result<Vec<PackagedFile>, rpm::Error> {
    let mut files = Vec::new();
    metadata.for_each_file_entry(|entry| {
        if entry.dirname().len() + entry.basename().len() > LONGEST_PATH {
            return Err(damaged("a file has a path longer than Linux allows").into());
        }
        let kind = match entry.file_type() {
            FileType::Dir => FileKind::Directory,
            FileType::Regular => FileKind::File,
            FileType::SymbolicLink => FileKind::Symlink,
            _ => FileKind::Special,
        };
        files.push(PackagedFile {
            path: format!("{}{}", entry.dirname(), entry.basename()),
            kind,
            mode: format!("{:04o}", entry.permissions()),
            owner: entry.user().to_owned(),
            group: entry.group().to_owned(),
            size: entry.size() as u64,
            digest: entry.digest().map(|digest| digest.as_hex().to_owned()),
            link_target: entry.linkto().filter(|target| !target.is_empty()).map(str::to_owned),
            capabilities: entry.caps().filter(|caps| !caps.is_empty()).map(str::to_owned),
            flags: flag_names(entry.flags()),
        });
        Ok(())
    })?;
    Ok(files)
}

fn flag_names(flags: FileFlags) -> Vec<&'static str> {
    let names = [
        (FileFlags::CONFIG, "config"),
        (FileFlags::NOREPLACE, "noreplace"),
        (FileFlags::MISSINGOK, "missingok"),
        (FileFlags::GHOST, "ghost"),
        (FileFlags::DOC, "doc"),
        (FileFlags::LICENSE, "license"),
    ];
    names.into_iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, name)| name).collect()
}

/// Lead and both headers. Their indices are checked here, because the parser trusts them.
pub(super) fn head(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = io::BufReader::new(fs_err::File::open(path)?);
    let mut bytes = vec![0; LEAD];
    file.read_exact(&mut bytes)?;
    let size = read_header(&mut file, &mut bytes)?;
    // The signature header is padded to a multiple of eight bytes.
    read_more(&mut file, &mut bytes, (8 - size % 8) % 8)?;
    read_header(&mut file, &mut bytes)?;
    Ok(bytes)
}

/// Appends the next header to `bytes` and gives its size.
fn read_header(file: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<usize> {
    let intro = bytes.len();
    read_more(file, bytes, 16)?;
    if bytes.get(intro..intro + 4) != Some(&[0x8e, 0xad, 0xe8, 1]) {
        return Err(damaged("there is no header where one should be"));
    }
    let entries = number(bytes, intro + 8);
    let data = number(bytes, intro + 12);
    if entries > MOST_ENTRIES || data > MOST_DATA {
        return Err(damaged("a header is larger than rpm allows"));
    }
    let index = bytes.len();
    read_more(file, bytes, entries * 16 + data)?;
    for entry in 0..entries {
        let at = index + entry * 16;
        check_entry(number(bytes, at + 4), number(bytes, at + 8), number(bytes, at + 12), data)?;
    }
    Ok(16 + entries * 16 + data)
}

/// Does the entry lie within the header's data?
fn check_entry(kind: usize, offset: usize, count: usize, data: usize) -> io::Result<()> {
    // Bytes per item (`lib/header.c`); of a string at least its end.
    let width = match kind {
        0 => 0,
        1 | 2 | 6..=9 => 1,
        3 => 2,
        4 => 4,
        5 => 8,
        _ => return Err(damaged("a header has a tag of unknown type")),
    };
    let end = count.checked_mul(width).and_then(|bytes| bytes.checked_add(offset));
    if end.is_none_or(|end| end > data) {
        return Err(damaged("a tag points outside its header"));
    }
    Ok(())
}

fn read_more(file: &mut impl Read, bytes: &mut Vec<u8>, count: usize) -> io::Result<()> {
    // `take` and not a buffer of that size: the number may be a lie.
    let got = file.take(count as u64).read_to_end(bytes)?;
    if got < count { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}

/// A big-endian 32-bit number; beyond the end it is larger than anything allowed.
fn number(bytes: &[u8], at: usize) -> usize {
    let number = bytes.get(at..at + 4).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok()).map(u32::from_be_bytes);
    number.map_or(usize::MAX, |number| number as usize)
}
