//! Opens a wheel: its central directory becomes contents by offset, and everything that a hostile or broken archive
//! could do is refused before anything of it is used (<https://packaging.python.org/specifications/binary-distribution-format/>).

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use zip::ZipArchive;
use zip::result::ZipError;

use super::entry_points::{Script, parse_scripts};
use super::metadata::{Fields, license, normalise, parse_file_name, same_version};
use super::{Content, LayoutError, Member, Method, WheelProblem, record};
use crate::resolve::Wheel;

/// Deflate cannot do better than this (RFC 1951: 258 bytes out of two bits).
const BEST_DEFLATE: u64 = 1032;
/// A wheel that unpacks to more than this, and to more than [`BOMB_RATIO`] times its size, is taken for an attack.
const BOMB_SIZE: u64 = 4 << 30;
const BOMB_RATIO: u64 = 200;
/// Nothing that has to be read whole to lay a wheel out is near this size.
const LARGEST_TEXT: u64 = 64 << 20;
/// The longest path of Linux (`PATH_MAX`).
const LONGEST_LINK: u64 = 4096;

const S_IFMT: u32 = 0o170_000;
const S_IFREG: u32 = 0o100_000;
const S_IFDIR: u32 = 0o040_000;
const S_IFLNK: u32 = 0o120_000;

/// A wheel whose claims have been checked.
pub(super) struct OpenWheel {
    pub file_name: String,
    /// As in its `METADATA`.
    pub version: String,
    pub license: String,
    /// `name-1.0.dist-info`
    pub dist_info: String,
    /// What `License-File` names, relative to the project that the wheel was made from (PEP 639).
    pub license_files: Vec<String>,
    /// Without directories, in the order of the archive; no name twice.
    pub members: Vec<WheelMember>,
    /// Of `RECORD`, by member name.
    pub digests: HashMap<String, String>,
    pub scripts: Vec<Script>,
}

pub(super) struct WheelMember {
    /// Relative, normalised.
    pub name: String,
    pub kind: MemberKind,
    pub executable: bool,
}

pub(super) enum MemberKind {
    File(Content),
    /// With its target, which is relative and inside of the wheel.
    Symlink(String),
}

impl OpenWheel {
    /// # Errors
    /// When the wheel is damaged, hostile, editable, or not what its name says.
    pub(super) fn open(wheel: &Wheel) -> Result<Self, LayoutError> {
        Self::check(wheel).map_err(|problem| problem.of(&wheel.file_name))
    }

    fn check(wheel: &Wheel) -> Result<Self, WheelProblem> {
        let (name, version) = parse_file_name(&wheel.file_name)?;
        expect("the file name", &normalise(name), &normalise(&wheel.name), |a, b| a == b)?;
        expect("the file name", version, &wheel.version, same_version)?;
        let members = read_members(wheel)?;
        let dist_info = find_dist_info(&members, name)?;
        refuse_unknown_wheel_version(&read_text(&members, &dist_info, "WHEEL")?)?;
        let metadata = Fields::parse(&read_text(&members, &dist_info, "METADATA")?);
        let field = |name: &str| metadata.first(name).unwrap_or_default();
        expect("Name in its METADATA", &normalise(field("name")), &normalise(name), |a, b| a == b)?;
        expect("Version in its METADATA", field("version"), version, same_version)?;
        refuse_editable(&members, wheel.direct_url.as_deref())?;
        let digests = record::parse_digests(&read_text(&members, &dist_info, "RECORD")?)
            .map_err(|reason| WheelProblem::Malformed { file: "RECORD".to_owned(), reason })?;
        let scripts = match find(&members, &format!("{dist_info}/entry_points.txt")) {
            Some(_) => parse_scripts(&read_text(&members, &dist_info, "entry_points.txt")?)?,
            None => Vec::new(),
        };
        Ok(Self {
            file_name: wheel.file_name.clone(),
            version: field("version").to_owned(),
            license: license(&metadata),
            license_files: metadata.all("license-file").map(str::to_owned).collect(),
            dist_info,
            members,
            digests,
            scripts,
        })
    }
}

fn expect(place: &str, found: &str, expected: &str, same: fn(&str, &str) -> bool) -> Result<(), WheelProblem> {
    if same(found, expected) {
        return Ok(());
    }
    Err(WheelProblem::Mismatch {
        place: place.to_owned(),
        found: format!("`{}`", found.escape_debug()),
        expected: format!("`{expected}`"),
    })
}

fn read_members(wheel: &Wheel) -> Result<Vec<WheelMember>, WheelProblem> {
    let file = fs_err::File::open(&wheel.path).map_err(WheelProblem::Io)?;
    let archive_size = file.metadata().map_err(WheelProblem::Io)?.len();
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(zip_problem)?;
    if archive.has_duplicate_names() {
        let directory = archive.central_directory_start();
        return Err(WheelProblem::Twice(first_duplicate(archive.into_inner(), directory)?));
    }
    let path = Arc::new(wheel.path.clone());
    let mut members = Vec::with_capacity(archive.len());
    let mut names = HashSet::with_capacity(archive.len());
    let mut ranges = Vec::with_capacity(archive.len());
    let mut total: u64 = 0;
    for index in 0..archive.len() {
        let entry = RawEntry::read(&mut archive, index)?;
        total = total.saturating_add(entry.member.size);
        ranges.push((entry.header, entry.member.offset.saturating_add(entry.member.compressed_size)));
        let kind = match entry.mode & S_IFMT {
            S_IFDIR => continue,
            _ if entry.is_directory => continue,
            0 | S_IFREG => MemberKind::File(Content::Member { archive: Arc::clone(&path), member: entry.member }),
            S_IFLNK => {
                let content = Content::Member { archive: Arc::clone(&path), member: entry.member };
                MemberKind::Symlink(read_link(&entry.name, &content)?)
            }
            _ => return Err(WheelProblem::Special(entry.name)),
        };
        if !names.insert(entry.name.clone()) {
            return Err(WheelProblem::Twice(entry.name));
        }
        // As pip: a member without a file type has no permissions that mean anything.
        let executable = entry.mode & S_IFMT == S_IFREG && entry.mode & 0o111 != 0;
        members.push(WheelMember { name: entry.name, kind, executable });
    }
    if total > BOMB_SIZE && total > archive_size.saturating_mul(BOMB_RATIO) {
        return Err(WheelProblem::Bomb { size: total, archive_size });
    }
    ranges.sort_unstable();
    let overlap = ranges.windows(2).any(|pair| matches!(pair, [(_, end), (start, _)] if end > start));
    if overlap || ranges.last().is_some_and(|(_, end)| *end > archive_size) {
        return Err(WheelProblem::Overlap);
    }
    Ok(members)
}

/// One line of the central directory, checked by itself.
struct RawEntry {
    name: String,
    mode: u32,
    is_directory: bool,
    header: u64,
    member: Member,
}

impl RawEntry {
    fn read(archive: &mut ZipArchive<impl Read + Seek>, index: usize) -> Result<Self, WheelProblem> {
        let entry = archive.by_index_raw(index).map_err(zip_problem)?;
        let raw_name = std::str::from_utf8(entry.name_raw())
            .map_err(|_| WheelProblem::NotUtf8(entry.name_raw().escape_ascii().to_string()))?;
        let name = sound_path(raw_name)?;
        if entry.encrypted() {
            return Err(WheelProblem::Encrypted(name));
        }
        let (size, compressed_size) = (entry.size(), entry.compressed_size());
        let (method, possible) = match entry.compression() {
            zip::CompressionMethod::Stored => (Method::Stored, size == compressed_size),
            zip::CompressionMethod::Deflated => {
                (Method::Deflated, size <= compressed_size.saturating_mul(BEST_DEFLATE))
            }
            other => return Err(WheelProblem::Method { member: name, method: other.to_string() }),
        };
        if !possible {
            return Err(WheelProblem::ImpossibleSize { member: name, size, compressed_size });
        }
        let offset = entry.data_start().ok_or_else(|| WheelProblem::Zip(format!("`{name}` has no local header")))?;
        Ok(Self {
            is_directory: raw_name.ends_with('/'),
            name,
            mode: entry.external_attributes() >> 16,
            header: entry.header_start(),
            member: Member { offset, compressed_size, size, crc32: entry.crc32(), method },
        })
    }
}

/// `name` without a trailing slash, `.` and empty parts.
fn sound_path(name: &str) -> Result<String, WheelProblem> {
    let escapes = name.starts_with('/') || name.split('/').any(|part| part == "..");
    // No path of a real wheel has them, and they would break every list that holds one path per line.
    if escapes || name.chars().any(char::is_control) {
        return Err(WheelProblem::Escapes(name.escape_debug().to_string()));
    }
    let parts = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>();
    if parts.is_empty() {
        return Err(WheelProblem::Escapes(name.to_owned()));
    }
    Ok(parts.join("/"))
}

fn read_link(member: &str, content: &Content) -> Result<String, WheelProblem> {
    let broken = |target: &str| WheelProblem::Symlink { member: member.to_owned(), target: target.to_owned() };
    if content.size() > LONGEST_LINK {
        return Err(broken("a text longer than any path"));
    }
    let target = String::from_utf8(content.read().map_err(WheelProblem::Io)?).map_err(|_| broken("not UTF-8"))?;
    match super::links::resolve_inside(member, &target) {
        Some(_) => Ok(target),
        None => Err(broken(&target.escape_debug().to_string())),
    }
}

/// The first name that the central directory has twice. The zip reader merges equal names, so the directory is walked
/// by itself (APPNOTE.TXT 4.3.12).
fn first_duplicate(mut reader: impl Read + Seek, directory: u64) -> Result<String, WheelProblem> {
    const HEADER: usize = 46;
    let mut bytes = Vec::new();
    reader.seek(SeekFrom::Start(directory)).map_err(WheelProblem::Io)?;
    reader.take(LARGEST_TEXT).read_to_end(&mut bytes).map_err(WheelProblem::Io)?;
    let mut names = HashSet::new();
    let mut rest = bytes.as_slice();
    while rest.starts_with(b"PK\x01\x02") {
        let number =
            |at: usize| rest.get(at..at + 2).map_or(0, |pair| usize::from(pair[0]) | usize::from(pair[1]) << 8);
        let end = HEADER + number(28);
        let name = rest.get(HEADER..end).unwrap_or_default();
        if !names.insert(name) {
            return Ok(name.escape_ascii().to_string());
        }
        rest = rest.get(end + number(30) + number(32)..).unwrap_or_default();
    }
    Ok("?".to_owned())
}

fn zip_problem(error: ZipError) -> WheelProblem {
    match error {
        ZipError::Io(error) => WheelProblem::Io(error),
        other => WheelProblem::Zip(other.to_string()),
    }
}

fn find<'a>(members: &'a [WheelMember], name: &str) -> Option<&'a Content> {
    members.iter().find(|member| member.name == name).and_then(|member| match &member.kind {
        MemberKind::File(content) => Some(content),
        MemberKind::Symlink(_) => None,
    })
}

fn find_dist_info(members: &[WheelMember], name: &str) -> Result<String, WheelProblem> {
    let top = |member: &WheelMember| Some(member.name.split_once('/')?.0.to_owned());
    let found = members.iter().filter_map(top).filter(|top| top.ends_with(".dist-info")).collect::<BTreeSet<_>>();
    let dist_info = match found.iter().collect::<Vec<_>>()[..] {
        [] => return Err(WheelProblem::NoDistInfo),
        [one] => one.clone(),
        _ => return Err(WheelProblem::ManyDistInfo(found.into_iter().collect::<Vec<_>>().join(", "))),
    };
    let of_name = |found: &str, expected: &str| normalise(found).starts_with(&format!("{expected}-"));
    expect("the `*.dist-info` directory", &dist_info, &normalise(name), of_name)?;
    Ok(dist_info)
}

fn read_text(members: &[WheelMember], dist_info: &str, file: &str) -> Result<String, WheelProblem> {
    let content = find(members, &format!("{dist_info}/{file}"))
        .ok_or_else(|| WheelProblem::Missing(format!("{dist_info}/{file}")))?;
    let malformed = |reason: String| WheelProblem::Malformed { file: file.to_owned(), reason };
    if content.size() > LARGEST_TEXT {
        return Err(malformed(format!("it has {} bytes", content.size())));
    }
    let bytes = content.read().map_err(|error| malformed(error.to_string()))?;
    // Descriptions in METADATA of old wheels may be in any encoding; the fields before them are ASCII.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn refuse_unknown_wheel_version(text: &str) -> Result<(), WheelProblem> {
    let fields = Fields::parse(text);
    let version = fields.first("wheel-version").unwrap_or_default();
    let malformed = |reason: &str| WheelProblem::Malformed { file: "WHEEL".to_owned(), reason: reason.to_owned() };
    match version.split('.').next().unwrap_or_default().parse::<u32>() {
        Ok(major) if major <= 1 => Ok(()),
        Ok(_) => Err(WheelProblem::WheelVersion(version.to_owned())),
        Err(_) => Err(malformed("it has no Wheel-Version")),
    }
}

/// Setuptools, hatchling, flit, PDM and others make a wheel of links for `-e`: by a finder module, or by a `.pth` file
/// that names a directory of the building machine.
fn refuse_editable(members: &[WheelMember], direct_url: Option<&str>) -> Result<(), WheelProblem> {
    let direct_url = direct_url.and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    let editable = direct_url.as_ref().and_then(|value| value.pointer("/dir_info/editable"));
    if editable.and_then(serde_json::Value::as_bool) == Some(true) {
        return Err(WheelProblem::Editable("its direct_url.json says so".to_owned()));
    }
    for member in members.iter().filter(|member| !member.name.contains('/')) {
        let name = member.name.as_str();
        let finder = name.starts_with("__editable__") || name.ends_with("_editable_loader.py");
        if finder || name.ends_with(".egg-link") {
            return Err(WheelProblem::Editable(name.to_owned()));
        }
        let (true, MemberKind::File(content)) = (name.ends_with(".pth"), &member.kind) else { continue };
        if content.size() > LARGEST_TEXT {
            return Err(WheelProblem::Malformed { file: name.to_owned(), reason: "it is too large".to_owned() });
        }
        let text = content.read().map_err(WheelProblem::Io)?;
        if let Some(line) = String::from_utf8_lossy(&text).lines().find(|line| line.starts_with('/')) {
            return Err(WheelProblem::Editable(format!("{name} names {line}")));
        }
    }
    Ok(())
}
