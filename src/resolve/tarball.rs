//! Archives of sources: what is in one, and one that is the same wherever and whenever it is made.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::{Component, Path, PathBuf};

use flate2::{Compression, GzBuilder};
use fs_err as fs;
use walkdir::WalkDir;

use super::Error;
use super::members::{self, Kind, wrong};

/// More than any `pyproject.toml` or `PKG-INFO` has, in bytes.
const LONGEST_TEXT: u64 = 4 * 1024 * 1024;

/// What an archive of sources holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The one directory at its top.
    pub directory: String,
    /// Paths of files and links below `directory`.
    pub files: BTreeSet<String>,
    /// Text of `pyproject.toml` below `directory`.
    pub pyproject: Option<String>,
    /// Text of `PKG-INFO` below `directory`.
    pub pkg_info: Option<String>,
}

impl Listing {
    /// Reads the archive at `path`, of any kind that an sdist may be of.
    ///
    /// # Errors
    /// When it cannot be read, or has not one directory at its top.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let mut listing = Self::default();
        if path.extension().is_some_and(|extension| extension == "zip") {
            let mut archive = zip::ZipArchive::new(fs::File::open(path)?).map_err(std::io::Error::from)?;
            for index in 0..archive.len() {
                let mut member = archive.by_index(index).map_err(std::io::Error::from)?;
                let name = member.name().map_err(std::io::Error::from)?.into_owned();
                if !name.ends_with('/') {
                    listing.add(path, Path::new(&name), &mut member)?;
                }
            }
        } else {
            let mut archive = open(path)?.ok_or_else(|| wrong(path, "it is no archive of a kind that is known"))?;
            for entry in archive.entries()? {
                let mut entry = entry?;
                let kind = entry.header().entry_type();
                if kind.is_file() || kind.is_symlink() || kind.is_hard_link() || kind.is_contiguous() {
                    let name = entry.path()?.into_owned();
                    listing.add(path, &name, &mut entry)?;
                }
            }
        }
        if listing.directory.is_empty() {
            return Err(wrong(path, "it is empty"));
        }
        Ok(listing)
    }

    fn add(&mut self, archive: &Path, name: &Path, content: &mut dyn Read) -> Result<(), Error> {
        let parts = name.components().filter(|part| *part != Component::CurDir);
        let parts = parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect::<Vec<_>>();
        let Some((top, below)) = parts.split_first().filter(|(_, below)| !below.is_empty()) else {
            return Err(wrong(archive, "it has files beside the one directory that an sdist has"));
        };
        if self.directory.is_empty() {
            self.directory.clone_from(top);
        } else if self.directory != *top {
            return Err(wrong(archive, "it has more than the one directory that an sdist has at its top"));
        }
        let below = below.join("/");
        let text = match below.as_str() {
            "pyproject.toml" => Some(&mut self.pyproject),
            "PKG-INFO" => Some(&mut self.pkg_info),
            _ => None,
        };
        if let Some(text) = text {
            let mut bytes = Vec::new();
            content.take(LONGEST_TEXT).read_to_end(&mut bytes)?;
            *text = Some(String::from_utf8_lossy(&bytes).into_owned());
        }
        self.files.insert(below);
        Ok(())
    }

    /// The version in `PKG-INFO`.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        let head = self.pkg_info.as_deref()?.lines().take_while(|line| !line.is_empty());
        head.filter_map(|line| line.strip_prefix("Version:")).map(str::trim).next()
    }
}

/// `None` for an archive of a kind that is not known here. Its headers have been checked, and its members have not.
///
/// # Errors
/// When it cannot be read, or is an attack on memory or disk.
pub fn open(archive: &Path) -> Result<Option<tar::Archive<Box<dyn Read>>>, Error> {
    let Some(tar) = open_unchecked(archive)? else { return Ok(None) };
    members::check_headers(archive, tar)?;
    open_unchecked(archive)
}

fn open_unchecked(archive: &Path) -> Result<Option<tar::Archive<Box<dyn Read>>>, Error> {
    let file = fs::File::open(archive)?;
    let reader: Box<dyn Read> = match archive.extension().and_then(|extension| extension.to_str()) {
        Some("gz" | "tgz") => Box::new(flate2::read::GzDecoder::new(file)),
        Some("bz2" | "tbz") => Box::new(bzip2::read::BzDecoder::new(file)),
        Some("xz") => Box::new(liblzma::read::XzDecoder::new(file)),
        Some("tar") => Box::new(file),
        _ => return Ok(None),
    };
    Ok(Some(tar::Archive::new(reader)))
}

/// Unpacks an sdist into `to` and gives its one directory; `None` for an archive of a kind that is not known here.
///
/// # Errors
/// When it cannot be read or written, or a member would land, or a link lead, outside of that directory.
pub fn unpack(sdist: &Path, to: &Path) -> Result<Option<PathBuf>, Error> {
    let Some(tar) = open(sdist)? else { return Ok(None) };
    members::check_tar(sdist, tar)?;
    let Some(mut tar) = open_unchecked(sdist)? else { return Ok(None) };
    fs::create_dir_all(to)?;
    tar.unpack(to)?;
    only_directory(to)
}

/// Never a link to one.
fn only_directory(to: &Path) -> Result<Option<PathBuf>, Error> {
    let mut entries = fs::read_dir(to)?.collect::<Result<Vec<_>, _>>()?;
    let Some(only) = entries.pop().filter(|_| entries.is_empty()) else { return Ok(None) };
    Ok(only.file_type()?.is_dir().then(|| only.path()))
}

/// As [`unpack`], also of a zip archive.
///
/// # Errors
/// As [`unpack`].
pub fn unpack_any(sdist: &Path, to: &Path) -> Result<Option<PathBuf>, Error> {
    if sdist.extension().is_none_or(|extension| extension != "zip") {
        return unpack(sdist, to);
    }
    let mut archive = zip::ZipArchive::new(fs::File::open(sdist)?).map_err(std::io::Error::from)?;
    let kinds = members::check_zip(sdist, &mut archive)?;
    fs::create_dir_all(to)?;
    for (index, kind) in kinds.into_iter().enumerate() {
        let member = archive.by_index(index).map_err(std::io::Error::from)?;
        let path = to.join(&*member.name().map_err(std::io::Error::from)?);
        fs::create_dir_all(path.parent().unwrap_or(to))?;
        match kind {
            Kind::Directory => fs::create_dir_all(&path)?,
            Kind::Symlink(target) => fs::os::unix::fs::symlink(target, &path)?,
            Kind::File | Kind::Hardlink(_) => {
                let (size, mode) = (member.size(), member.unix_mode().unwrap_or(0o644));
                let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
                // One byte more than there should be shows that there is more.
                if std::io::copy(&mut member.take(size.saturating_add(1)), &mut file)? != size {
                    return Err(wrong(sdist, "it is damaged"));
                }
                let mode = if mode & 0o100 == 0 { 0o644 } else { 0o755 };
                fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode))?;
            }
        }
    }
    only_directory(to)
}

/// All that lies below `root`, relative, directories before what they hold.
pub fn everything(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for entry in WalkDir::new(root).min_depth(1) {
        let entry = entry.map_err(std::io::Error::from)?;
        found.extend(entry.path().strip_prefix(root).map(Path::to_path_buf));
    }
    found.sort();
    Ok(found)
}

/// What becomes of symbolic links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    Keep,
    /// Packed as the file that they lead to.
    Follow,
}

/// Writes `members` of `root`, which are sorted, below `directory` into a `.tar.gz` at `out`, in whose bytes are neither
/// times, owners nor masks: of the modes only whether a file can be run. `time` stands for all times, in seconds since 1970.
///
/// # Errors
/// When a file cannot be read or written.
pub fn pack(
    root: &Path,
    members: &[PathBuf],
    directory: &str,
    links: Links,
    time: u64,
    out: &Path,
) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    // No name, no time: both would be of this machine.
    let encoder = GzBuilder::new().write(fs::File::create(out)?, Compression::best());
    let mut archive = tar::Builder::new(encoder);
    let head = |kind: tar::EntryType, mode: u32, size: u64| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_mtime(time);
        header.set_uid(0);
        header.set_gid(0);
        header
    };
    for member in members {
        let (path, name) = (root.join(member), Path::new(directory).join(member));
        let meta = match links {
            Links::Keep => fs::symlink_metadata(&path)?,
            Links::Follow => fs::metadata(&path)?,
        };
        if meta.is_dir() {
            let mut header = head(tar::EntryType::Directory, 0o755, 0);
            archive.append_data(&mut header, name.join(""), std::io::empty())?;
        } else if meta.is_symlink() {
            let mut header = head(tar::EntryType::Symlink, 0o777, 0);
            archive.append_link(&mut header, name, fs::read_link(&path)?)?;
        } else {
            let mode = if meta.permissions().mode() & 0o100 == 0 { 0o644 } else { 0o755 };
            let mut header = head(tar::EntryType::Regular, mode, meta.len());
            archive.append_data(&mut header, name, fs::File::open(&path)?)?;
        }
    }
    archive.into_inner()?.finish()?.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn tree(root: &Path, mode: u32, time: u64) {
        let deep = root.join("deep".repeat(40)).join("below");
        fs::create_dir_all(&deep).unwrap();
        fs::create_dir_all(root.join("empty")).unwrap();
        for (path, text) in
            [(root.join("PKG-INFO"), "Name: x\nVersion: 1.2\n\nVersion: 3\n"), (deep.join("run"), "#!/bin/sh\n")]
        {
            fs::write(&path, text).unwrap();
            let mode = if text.starts_with('#') { mode | 0o111 } else { mode };
            fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(time);
            fs::OpenOptions::new().write(true).open(&path).unwrap().file().set_modified(time).unwrap();
        }
        std::os::unix::fs::symlink("PKG-INFO", root.join("link")).unwrap();
    }

    #[test]
    fn the_same_files_give_the_same_bytes_whatever_their_times_and_modes() {
        let directory = tempfile::tempdir().unwrap();
        let bytes = [("a", 0o600, 1), ("b", 0o664, 1_700_000_000)].map(|(name, mode, time)| {
            let root = directory.path().join(name);
            tree(&root, mode, time);
            let out = directory.path().join(format!("{name}.tar.gz"));
            pack(&root, &everything(&root).unwrap(), "x-1.2", Links::Keep, 315_532_800, &out).unwrap();
            fs::read(&out).unwrap()
        });
        assert_eq!(bytes[0], bytes[1]);
        let archive = directory.path().join("a.tar.gz");
        let listing = Listing::read(&archive).unwrap();
        assert_eq!((listing.directory.as_str(), listing.version()), ("x-1.2", Some("1.2")));
        let run = format!("{}/below/run", "deep".repeat(40));
        assert_eq!(listing.files, BTreeSet::from(["PKG-INFO".to_owned(), "link".to_owned(), run.clone()]));
        let unpacked = unpack(&archive, &directory.path().join("unpacked")).unwrap().unwrap();
        assert!(unpacked.join("empty").is_dir() && unpacked.join("link").is_symlink());
        assert_eq!(fs::metadata(unpacked.join(run)).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(fs::metadata(unpacked.join("PKG-INFO")).unwrap().permissions().mode() & 0o777, 0o644);
    }

    #[test]
    fn an_archive_without_one_directory_at_its_top_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let archive = directory.path().join("a.tar.gz");
        let write = |names: &[&str]| {
            let encoder = GzBuilder::new().write(fs::File::create(&archive).unwrap(), Compression::fast());
            let mut tar = tar::Builder::new(encoder);
            for name in names {
                let mut header = tar::Header::new_gnu();
                header.set_size(0);
                tar.append_data(&mut header, name, std::io::empty()).unwrap();
            }
            tar.into_inner().unwrap().finish().unwrap();
        };
        for names in [&["a/x", "b/x"][..], &["a/x", "y"], &[]] {
            write(names);
            let error = Listing::read(&archive).unwrap_err().to_string();
            assert!(error.contains("a.tar.gz"), "{error}");
        }
        write(&["./a/x", "./a/pyproject.toml"]);
        assert_eq!(Listing::read(&archive).unwrap().directory, "a");
    }

    /// Members by name, kind and the target of links.
    fn archive_of(archive: &Path, members: &[(&str, tar::EntryType, &str)]) {
        let encoder = GzBuilder::new().write(fs::File::create(archive).unwrap(), Compression::fast());
        let mut tar = tar::Builder::new(encoder);
        for (name, kind, target) in members {
            let mut header = tar::Header::new_gnu();
            header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
            header.as_gnu_mut().unwrap().linkname[..target.len()].copy_from_slice(target.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(0o755);
            header.set_size(0);
            header.set_cksum();
            tar.append(&header, std::io::empty()).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap();
    }

    #[test]
    fn what_would_leave_the_tree_is_refused_and_nothing_is_unpacked() {
        use tar::EntryType::{Block, Char, Fifo, Link, Regular, Symlink};
        let directory = tempfile::tempdir().unwrap();
        let archive = directory.path().join("x.tar.gz");
        let file = ("x/a", Regular, "");
        for (members, reason) in [
            (&[file, ("x/../../b", Regular, "")][..], "outside of the tree"),
            (&[file, ("/x/b", Regular, "")], "outside of the tree"),
            (&[file, ("x/b", Symlink, "/etc")], "leads out"),
            (&[file, ("x/b", Symlink, "../../b")], "leads out"),
            (&[file, ("x/d", Symlink, "."), ("x/b", Symlink, "d/../..")], "leads out"),
            (&[file, ("x/b", Link, "../b")], "leads out"),
            (&[file, ("x/b", Link, "/etc/passwd")], "leads out"),
            (&[("x", Symlink, "."), ("x/a", Regular, "")], "leads out"),
            (&[file, ("x/b", Symlink, "c"), ("x/b/d", Regular, "")], "below a link"),
            (&[file, ("x/b", Char, "")], "neither a file"),
            (&[file, ("x/b", Block, "")], "neither a file"),
            (&[file, ("x/b", Fifo, "")], "neither a file"),
        ] {
            archive_of(&archive, members);
            let to = directory.path().join("to");
            let error = unpack(&archive, &to).unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains("x.tar.gz"), "{error}");
            assert!(!to.exists(), "{reason}");
        }
        archive_of(&archive, &[file, ("x/b", Symlink, "a"), ("x/c", Link, "x/a"), ("x/d/e", Symlink, "../a")]);
        let root = unpack(&archive, &directory.path().join("to")).unwrap().unwrap();
        assert!(root.join("b").is_symlink() && root.join("d/e").is_symlink() && root.join("c").is_file());
    }

    #[test]
    fn a_zip_archive_is_held_to_the_same() {
        use zip::write::SimpleFileOptions;
        let directory = tempfile::tempdir().unwrap();
        let archive = directory.path().join("x.zip");
        let write = |members: &[(&str, u32, &str)]| {
            let mut zip = zip::ZipWriter::new(fs::File::create(&archive).unwrap());
            for (name, mode, text) in members {
                if *mode == 0 {
                    zip.add_symlink(*name, *text, SimpleFileOptions::default()).unwrap();
                } else {
                    zip.start_file(*name, SimpleFileOptions::default().unix_permissions(*mode)).unwrap();
                    zip.write_all(text.as_bytes()).unwrap();
                }
            }
            zip.finish().unwrap();
        };
        for members in [
            &[("x/a", 0o644, ""), ("x/../../b", 0o644, "")][..],
            &[("x/a", 0o644, ""), ("x/b", 0, "/etc")],
            &[("x", 0, "/etc"), ("x/a", 0o644, "")],
            &[("x/b", 0, "c"), ("x/b/d", 0o644, "")],
        ] {
            write(members);
            let to = directory.path().join("to");
            let error = unpack_any(&archive, &to).unwrap_err().to_string();
            assert!(error.contains("x.zip"), "{error}");
            assert!(!to.exists(), "{members:?}");
        }
        write(&[("x/a", 0o644, "text"), ("x/run", 0o755, ""), ("x/b", 0, "a")]);
        let root = unpack_any(&archive, &directory.path().join("to")).unwrap().unwrap();
        assert_eq!(fs::read_to_string(root.join("a")).unwrap(), "text");
        assert_eq!(fs::metadata(root.join("run")).unwrap().permissions().mode() & 0o777, 0o755);
        assert!(root.join("b").is_symlink());
    }

    #[test]
    fn a_few_bytes_fill_neither_memory_nor_disk() {
        let directory = tempfile::tempdir().unwrap();
        let archive = directory.path().join("x.tar.gz");
        let write = |kind: tar::EntryType, size: u64| {
            let encoder = GzBuilder::new().write(fs::File::create(&archive).unwrap(), Compression::fast());
            let mut tar = tar::Builder::new(encoder);
            let mut header = tar::Header::new_gnu();
            header.set_path("x/a").unwrap();
            header.set_entry_type(kind);
            header.set_size(size);
            header.set_cksum();
            // The header is enough: what it announces need not come.
            tar.append(&header, std::io::repeat(b'a').take(size.min(2 << 20))).unwrap();
            tar.into_inner().unwrap().finish().unwrap();
        };
        for (kind, size) in [(tar::EntryType::GNULongName, 2 << 20), (tar::EntryType::Regular, 7 << 30)] {
            write(kind, size);
            let error = Listing::read(&archive).unwrap_err().to_string();
            assert!(error.contains("bytes"), "{error}");
        }
    }
}
