//! Reads any Debian package (deb(5), format 2), whoever made it, in one pass over its file and in bounded memory.
//!
//! `archive` is the ar file, `control` what is in `control.tar`, `tree` what is in `data.tar`, `documentation` what is
//! known from files in the tree. The `ar` crate (0.9) is not fit for hostile data: it allocates what a header claims and
//! panics on a name that points outside its table, neither of which Debian's format has.

mod archive;
mod control;
mod documentation;
mod tree;

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read};
use std::path::Path;

use self::archive::{Archive, Member};
use self::control::Control;
use self::tree::Tree;
use crate::distribution::PackageFormat;
use crate::format::Error;
use crate::format::inspection::{FileKind, Inspection, Md5Sums, PackagedFile, python_distributions};
use crate::format::read::collect::{Collector, Contents, Keep};
use crate::format::read::damaged;
use crate::format::read::decompress::{Method, decompress, in_member};

/// Of `control.tar` before compression. The largest that are known have some 10 MB of `md5sums`.
const MOST_CONTROL: u64 = 256 << 20;

/// Reads the package at `path` to the end of its tree.
///
/// # Errors
/// When it cannot be read, or is no Debian package, or is damaged.
pub(in crate::format) fn read(path: &Path, keep: Keep) -> Result<(Inspection, Contents), Error> {
    let file = fs_err::File::open(path).map_err(Error::Open)?;
    let size = file.metadata().map_err(Error::Open)?.len();
    read_from(file, size, keep).map_err(|source| Error::ReadDeb { path: path.to_path_buf(), source })
}

fn read_from(reader: impl Read, size: u64, keep: Keep) -> io::Result<(Inspection, Contents)> {
    let mut archive = Archive::new(io::BufReader::with_capacity(128 * 1024, reader))?;
    check_version(&mut archive)?;
    let member = wanted(&mut archive, "control.tar")?;
    let method = method(&member, "control.tar")?;
    let control = {
        let plain = decompress(method, archive.content()).map_err(in_member(&member.name))?;
        // One byte more tells a member that is too large from one that is just not.
        Control::read(plain.take(MOST_CONTROL + 1), MOST_CONTROL).map_err(in_member(&member.name))?
    };
    let member = wanted(&mut archive, "data.tar")?;
    let method = self::method(&member, "data.tar")?;
    let mut tree = Tree::new(Collector::with_md5(keep));
    let plain = decompress(method, archive.content()).map_err(in_member(&member.name))?;
    tree.read(plain).map_err(in_member(&member.name))?;
    Ok(inspection(control, tree, method, size))
}

/// The first member says which format it is: `2.0`, or a later one that can be read as well (deb(5)).
fn check_version(archive: &mut Archive<impl Read>) -> io::Result<()> {
    let member = archive.next()?.filter(|member| member.name == "debian-binary");
    if member.is_none() {
        return Err(damaged("it is an ar archive, but no Debian package: its first member is not `debian-binary`"));
    }
    let mut version = String::new();
    archive.content().take(64).read_to_string(&mut version)?;
    if !version.starts_with("2.") {
        let version = version.lines().next().unwrap_or_default();
        return Err(damaged(format!("it has format version `{version}`, and only 2 is known")));
    }
    Ok(())
}

/// The next member, which must be `stem` with a compression's suffix; those whose names begin with `_` are passed over.
fn wanted(archive: &mut Archive<impl Read>, stem: &str) -> io::Result<Member> {
    while let Some(member) = archive.next()? {
        if member.name.starts_with(stem) {
            return Ok(member);
        }
        if !member.name.starts_with('_') {
            return Err(damaged(format!("member `{}` lies where `{stem}` should be", member.name)));
        }
    }
    Err(damaged(format!("it ends before `{stem}`")))
}

fn method(member: &Member, stem: &str) -> io::Result<Method> {
    let method = member.name.strip_prefix(stem).and_then(Method::of_suffix);
    method.ok_or_else(|| damaged(format!("member `{}` is compressed in a way that is not known", member.name)))
}

fn inspection(control: Control, tree: Tree, method: Method, size: u64) -> (Inspection, Contents) {
    let Tree { mut files, collector, md5, .. } = tree;
    flag_conffiles(&mut files, &control);
    let contents = collector.contents;
    let name = control.field("Package").to_owned();
    let (epoch, version, release) = control::version(control.field("Version"));
    let (summary, description) = control::description(control.field("Description"));
    let packed = files.iter().map(|file| file.size).sum();
    let license = documentation::licenses(&name, &contents);
    let inspection = Inspection {
        format: PackageFormat::Deb,
        epoch,
        version,
        release,
        architecture: control.field("Architecture").to_owned(),
        summary,
        description,
        license: if license.is_empty() { control.field("License").to_owned() } else { license },
        url: control.field("Homepage").to_owned(),
        vendor: control.field("Vendor").to_owned(),
        maintainer: control.field("Maintainer").to_owned(),
        group: String::new(),
        section: control.field("Section").to_owned(),
        priority: control.field("Priority").to_owned(),
        source: control.field("Source").to_owned(),
        build_host: String::new(),
        build_time: 0,
        size,
        // In KiB (policy 5.6.20).
        installed_size: control.field("Installed-Size").parse().map_or(packed, |kib: u64| kib.saturating_mul(1024)),
        compression: method.name().to_owned(),
        prefixes: Vec::new(),
        fields: control.other_fields(),
        relations: control.relations(),
        scriptlets: control.scriptlets(),
        triggers: control.triggers(),
        changelog: documentation::changelog(&name, &contents),
        md5sums: control.md5sums().map(|listed| check(&listed, &files, &md5)),
        control_files: control.files(),
        python_distributions: python_distributions(&files),
        files,
        name,
    };
    (inspection, contents)
}

fn flag_conffiles(files: &mut [PackagedFile], control: &Control) {
    let conffiles = control.conffiles();
    for file in files {
        if let Some(flags) = conffiles.get(&file.path) {
            file.flags.extend(flags);
        }
    }
}

/// Holds `md5sums` against what is packed.
fn check(listed: &BTreeMap<String, String>, files: &[PackagedFile], packed: &HashMap<String, String>) -> Md5Sums {
    let mut sums = Md5Sums { listed: listed.len(), ..Md5Sums::default() };
    for (path, digest) in listed {
        match packed.get(path) {
            Some(real) if real.eq_ignore_ascii_case(digest) => {}
            Some(_) => sums.wrong.push(path.clone()),
            None => sums.missing.push(path.clone()),
        }
    }
    let is_unlisted = |file: &&PackagedFile| {
        file.kind == FileKind::File && !file.flags.contains(&"config") && !listed.contains_key(&file.path)
    };
    sums.unlisted = files.iter().filter(is_unlisted).count();
    sums
}
