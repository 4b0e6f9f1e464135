//! What members of an archive of sources may be. An archive may come from anybody: nothing of it may land outside of the
//! directory that it is unpacked into, fill the memory, or fill the disk out of a few bytes.
//!
//! The rules are those of PEP 721 (sdists are unpacked with tarfile's `data` filter, PEP 706), and stricter where no build
//! backend makes use of what they allow: absolute names are refused, and no member lies below a link.

use std::collections::BTreeSet;
use std::io::{Read, Seek};
use std::path::Path;

use fs_err as fs;

use super::Error;

/// What unpacks to more than this, and to more than [`BOMB_RATIO`] times its size, is taken for an attack. As for wheels.
const BOMB_SIZE: u64 = 4 << 30;
const BOMB_RATIO: u64 = 200;
/// tar headers with long names are read whole. `PATH_MAX` is 4096 bytes; the headers of pax have a few texts.
const LONGEST_HEADER: u64 = 1 << 20;
/// Names are kept: the largest sdists have some ten thousand files.
const MOST_MEMBERS: usize = 1_000_000;
/// The longest path of Linux (`PATH_MAX`).
const LONGEST_LINK: u64 = 4096;

const S_IFMT: u32 = 0o170_000;
const S_IFREG: u32 = 0o100_000;
const S_IFDIR: u32 = 0o040_000;
const S_IFLNK: u32 = 0o120_000;

/// The names of an archive, as they are met.
#[derive(Debug, Default)]
struct Names {
    all: BTreeSet<String>,
    links: BTreeSet<String>,
}

/// What a member is.
pub enum Kind {
    File,
    Directory,
    /// With its target.
    Symlink(String),
    /// With its target, which is the name of a member.
    Hardlink(String),
}

impl Names {
    /// Gives what is wrong with a member, if anything is.
    fn add(&mut self, name: &str, kind: &Kind) -> Result<(), String> {
        let shown = name.escape_debug();
        let parts = parts(name).ok_or_else(|| format!("its member `{shown}` would land outside of the tree"))?;
        match kind {
            Kind::File | Kind::Directory => {}
            Kind::Symlink(target) if is_inside(&parts, target) => drop(self.links.insert(parts.join("/"))),
            // Relative to the archive, not to the link.
            Kind::Hardlink(target) if is_top(&parts, target) => {}
            Kind::Symlink(target) | Kind::Hardlink(target) => {
                let target = target.escape_debug();
                return Err(format!("its link `{shown}` leads out of the tree, to `{target}`"));
            }
        }
        self.all.insert(parts.join("/"));
        if self.all.len() > MOST_MEMBERS {
            return Err(format!("it has more than {MOST_MEMBERS} members"));
        }
        Ok(())
    }

    /// Gives a member that lies below a link.
    fn below_a_link(&self) -> Option<String> {
        let below = |link: &String| {
            let prefix = format!("{link}/");
            self.all.range(prefix.clone()..).next().filter(|name| name.starts_with(&prefix))
        };
        let name = self.links.iter().find_map(below)?;
        Some(format!("its member `{}` lies below a link", name.escape_debug()))
    }
}

/// The parts of a relative name that stays where it is; `None` of any other.
fn parts(name: &str) -> Option<Vec<&str>> {
    if name.starts_with('/') || name.contains('\0') {
        return None;
    }
    let parts = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>();
    (!parts.contains(&"..")).then_some(parts)
}

/// Does the link `name` stay below the directory at the top of the archive? `..` is followed only at the start: after a name,
/// which may be a link, nobody knows what it means without asking the disk.
fn is_inside(name: &[&str], target: &str) -> bool {
    if target.is_empty() || target.starts_with('/') || target.contains('\0') {
        return false;
    }
    let mut rest = target.split('/').filter(|part| !part.is_empty() && *part != ".").peekable();
    let mut up = 0;
    while rest.next_if_eq(&"..").is_some() {
        up += 1;
    }
    // The last part of the name is the link, the first the directory at the top.
    rest.all(|part| part != "..") && up + 2 <= name.len()
}

/// Is `target` a name below the directory at the top of the archive?
fn is_top(name: &[&str], target: &str) -> bool {
    parts(target).is_some_and(|target| target.len() > 1 && target.first() == name.first())
}

fn is_bomb(size: u64, archive_size: u64) -> bool {
    size > BOMB_SIZE && size > archive_size.saturating_mul(BOMB_RATIO)
}

pub fn wrong(path: &Path, reason: &str) -> Error {
    Error::Input {
        file: path.display().to_string(),
        reason: reason.to_owned(),
        help: "name an sdist as `python3 -m build --sdist` makes it".to_owned(),
    }
}

/// Checks the headers of the tar archive at `path`, which `open` opens: what has passed can be read without fear for the
/// memory.
///
/// # Errors
/// When it is damaged, or too large.
pub fn check_headers(path: &Path, mut tar: tar::Archive<Box<dyn Read>>) -> Result<(), Error> {
    let archive_size = fs::metadata(path)?.len();
    let mut total: u64 = 0;
    for (index, entry) in tar.entries()?.raw(true).enumerate() {
        let mut entry = entry?;
        let (kind, size) = (entry.header().entry_type(), entry.size());
        total = total.saturating_add(size);
        if is_bomb(total, archive_size) || index > MOST_MEMBERS {
            return Err(wrong(path, &format!("it would unpack to {total} bytes or more out of {archive_size}")));
        }
        let long = kind.is_gnu_longname() || kind.is_gnu_longlink();
        let pax = kind.is_pax_local_extensions() || kind.is_pax_global_extensions();
        if (long || pax) && size > LONGEST_HEADER {
            return Err(wrong(path, &format!("a header of it has {size} bytes")));
        }
        if pax {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            // For files of more than 8 GiB only; with it, the sizes above would not be those of the members.
            if bytes.windows(6).any(|part| part == b" size=") {
                return Err(wrong(path, "a header of it hides the size of a member"));
            }
        }
    }
    Ok(())
}

/// Checks the members of a tar archive whose headers have been checked.
///
/// # Errors
/// When one is no file, directory or link, or would lead out of the tree.
pub fn check_tar(path: &Path, mut tar: tar::Archive<Box<dyn Read>>) -> Result<(), Error> {
    let mut names = Names::default();
    for entry in tar.entries()? {
        let entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        let target = || -> Result<String, Error> {
            Ok(entry.link_name()?.map(|target| target.to_string_lossy().into_owned()).unwrap_or_default())
        };
        let kind = match entry.header().entry_type() {
            tar::EntryType::Regular | tar::EntryType::Continuous => Kind::File,
            tar::EntryType::Directory => Kind::Directory,
            tar::EntryType::Symlink => Kind::Symlink(target()?),
            tar::EntryType::Link => Kind::Hardlink(target()?),
            tar::EntryType::XGlobalHeader => continue,
            _ => {
                let reason = format!("its member `{}` is neither a file, a directory nor a link", name.escape_debug());
                return Err(wrong(path, &reason));
            }
        };
        names.add(&name, &kind).map_err(|reason| wrong(path, &reason))?;
    }
    names.below_a_link().map_or(Ok(()), |reason| Err(wrong(path, &reason)))
}

/// Checks the members of a zip archive and gives the kind of each, in their order.
///
/// # Errors
/// As [`check_tar`], and when it is too large.
pub fn check_zip(path: &Path, archive: &mut zip::ZipArchive<impl Read + Seek>) -> Result<Vec<Kind>, Error> {
    let archive_size = fs::metadata(path)?.len();
    let (mut names, mut kinds, mut total) = (Names::default(), Vec::new(), 0_u64);
    for index in 0..archive.len() {
        let member = archive.by_index(index).map_err(std::io::Error::from)?;
        let name = member.name().map_err(std::io::Error::from)?.into_owned();
        total = total.saturating_add(member.size());
        if is_bomb(total, archive_size) {
            return Err(wrong(path, &format!("it would unpack to {total} bytes or more out of {archive_size}")));
        }
        let kind = match member.unix_mode().unwrap_or(0) & S_IFMT {
            _ if name.ends_with('/') => Kind::Directory,
            0 | S_IFREG => Kind::File,
            S_IFDIR => Kind::Directory,
            S_IFLNK => {
                let mut target = String::new();
                member.take(LONGEST_LINK).read_to_string(&mut target)?;
                Kind::Symlink(target)
            }
            _ => {
                let reason = format!("its member `{}` is neither a file, a directory nor a link", name.escape_debug());
                return Err(wrong(path, &reason));
            }
        };
        names.add(&name, &kind).map_err(|reason| wrong(path, &reason))?;
        kinds.push(kind);
    }
    names.below_a_link().map_or(Ok(kinds), |reason| Err(wrong(path, &reason)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_stays_below_the_top_by_its_text_alone() {
        for (name, target, inside) in [
            ("x/a", "b", true),
            ("x/a/b", "../c", true),
            ("x/a", "../x/b", false),
            ("x/a", "/etc", false),
            ("x", "y", false),
            ("x/a/b/c", "d/../..", false),
            ("x/a", "", false),
        ] {
            assert_eq!(is_inside(&parts(name).unwrap(), target), inside, "{name} -> {target}");
        }
        // The link at the top is refused whatever it leads to.
        assert!(Names::default().add("x", &Kind::Symlink("..".to_owned())).is_err());
    }
}
