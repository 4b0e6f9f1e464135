//! Writes source packages: whole or not at all, and never over what somebody has changed.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::{DebianSource, Error};
use crate::scratch::Scratch;
use crate::spec::output::{self, Output};

/// The part of a source tree that is not upstream's.
const OWN: &str = "debian/";

/// A source package that lies in a hidden directory beside where it belongs.
#[derive(Debug)]
pub struct Prepared {
    scratch: Scratch,
    unpacked: PathBuf,
    packed: PathBuf,
    /// The source tree, in which dpkg-buildpackage is started.
    pub tree: PathBuf,
    /// The orig tarball beside it.
    pub archive: PathBuf,
    /// Files of `tree`.
    pub files: Vec<PathBuf>,
    /// Other archives for the same version: dpkg-source takes one only.
    others: Vec<PathBuf>,
    is_there: bool,
}

impl Prepared {
    /// Makes the source package for `directory`: `cdhboot_0.1.orig.tar.gz`, and beside it the tree `cdhboot-0.1`, unpacked and
    /// with `debian/` in it, as `dpkg-source -x` leaves it.
    ///
    /// # Errors
    /// When the tree is there already and differs, or it cannot be made.
    pub fn new(source: &DebianSource, directory: &Path) -> Result<Self, Error> {
        fs_err::create_dir_all(directory)?;
        let tree = directory.join(format!("{}-{}", source.name, source.version));
        let scratch = Scratch::inside(directory)?;
        let unpacked = source.archive.unpack(&scratch.path().join("unpacked"))?;
        let stem = format!("{}_{}.orig", source.name, source.version);
        let packed = source.archive.copy_for_dpkg(&scratch.path().join(&stem), &unpacked)?;
        // What upstream has for Debian is not for this package: dpkg-source leaves it out, too.
        // Without the slash: with it, a link would be followed.
        remove(&unpacked.join(OWN.trim_end_matches('/')))?;
        for (name, file) in &source.files {
            let path = below_debian(&unpacked, name)?;
            fs_err::create_dir_all(path.parent().unwrap_or(&unpacked))?;
            std::io::copy(&mut file.content.open()?, &mut fs_err::File::create(&path)?)?;
            fs_err::set_permissions(&path, std::fs::Permissions::from_mode(file.mode))?;
        }
        let is_there = fs_err::symlink_metadata(&tree).is_ok();
        if is_there && !(same_tree(&tree, &unpacked)?) {
            return Err(Error::Exists { path: tree.display().to_string() });
        }
        let archive = directory.join(packed.file_name().unwrap_or_default());
        let others = archives(directory, &stem)?.into_iter().filter(|path| *path != archive).collect();
        let files = source.files.keys().map(|name| tree.join(name)).collect();
        Ok(Self { scratch, unpacked, packed, tree, archive, files, others, is_there })
    }

    /// Archives of that version that are there and are other ones.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn differing(&self) -> Result<Vec<PathBuf>, Error> {
        Ok([self.others.clone(), output::differing(&[self.output()?])?].concat())
    }

    /// Puts it where it belongs, in place of other archives of that version.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn publish(&self) -> Result<(), Error> {
        output::write(&[self.output()?])?;
        for other in &self.others {
            remove(other)?;
        }
        if !self.is_there {
            fs_err::rename(&self.unpacked, &self.tree)?;
        }
        Ok(())
    }

    fn output(&self) -> Result<Output, Error> {
        debug_assert!(self.packed.starts_with(self.scratch.path()));
        Ok(Output::of_file(&self.packed, self.archive.clone())?)
    }
}

/// Files of `directory` whose names begin with `stem` and are those of tar archives.
fn archives(directory: &Path, stem: &str) -> Result<Vec<PathBuf>, Error> {
    let begin = format!("{stem}.tar.");
    let mut found = Vec::new();
    for entry in fs_err::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(&begin) && !name.to_string_lossy().ends_with(".asc") {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Have both trees the same directories, links and files, with the same bytes? Links are not followed.
fn same_tree(one: &Path, other: &Path) -> Result<bool, Error> {
    let (names, others) = (names(one)?, names(other)?);
    if names != others {
        return Ok(false);
    }
    for name in names.iter().filter(|(_, kind)| matches!(kind, Kind::File(_))).map(|(name, _)| name) {
        let open = |root: &Path| Ok::<_, Error>(BufReader::new(fs_err::File::open(root.join(name))?));
        if !output::same_bytes(&mut open(one)?, &mut open(other)?)? {
            return Ok(false);
        }
    }
    Ok(true)
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Directory,
    /// Can it be run?
    File(bool),
    Link(PathBuf),
    Other,
}

fn names(root: &Path) -> Result<BTreeMap<PathBuf, Kind>, Error> {
    let mut names = BTreeMap::new();
    // A link in place of the tree would be followed.
    if fs_err::symlink_metadata(root)?.is_symlink() {
        return Ok(names);
    }
    for entry in WalkDir::new(root) {
        let entry = entry.map_err(std::io::Error::from)?;
        let meta = entry.metadata().map_err(std::io::Error::from)?;
        let kind = match meta.file_type() {
            kind if kind.is_dir() => Kind::Directory,
            kind if kind.is_symlink() => Kind::Link(fs_err::read_link(entry.path())?),
            kind if kind.is_file() => Kind::File(meta.permissions().mode() & 0o100 != 0),
            _ => Kind::Other,
        };
        names.insert(entry.path().strip_prefix(root).unwrap_or(entry.path()).to_path_buf(), kind);
    }
    Ok(names)
}

/// Removes what lies at `path`, if anything does: of a link, never what it leads to.
fn remove(path: &Path) -> Result<(), Error> {
    match fs_err::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs_err::remove_dir_all(path)?,
        Ok(_) => fs_err::remove_file(path)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Where the file `name` of the source package lies in `tree`: in `debian/`, in which nothing is of upstream's.
fn below_debian(tree: &Path, name: &str) -> Result<PathBuf, Error> {
    let sound = name.starts_with(OWN) && name.split('/').all(|part| !matches!(part, "" | "." | ".."));
    sound.then(|| tree.join(name)).ok_or_else(|| Error::Path { path: name.escape_debug().to_string() })
}
