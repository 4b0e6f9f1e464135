//! What every package has to say about itself in files: licences and changelogs, where the target looks for them.

use std::io::{self, Write};
use std::path::Path;

use flate2::{Compression, GzBuilder};

use super::copyright::Copyright;
use super::debian_changelog;
use crate::distribution::PackageFormat;
use crate::package::{ChangelogEntry, Error};
use crate::plan::{BuildPlan, PackagePlan, Role};
use crate::stage::{Content, Entry, EntryFlags, EntryKind, Origin, Stage, TargetPath};

/// The operating system in the head of a gzip file (RFC 1952): Unix, as gzip(1) writes it.
const UNIX: u8 = 3;

/// The same for all packages of a plan.
pub enum Documentation<'a> {
    Rpm,
    Debian(Box<Copyright<'a>>),
}

impl<'a> Documentation<'a> {
    /// # Errors
    /// When a licence file or the metadata of a bundled distribution cannot be read.
    pub fn read(plan: &'a BuildPlan, stage: &Stage) -> Result<Self, Error> {
        Ok(match plan.distribution.format {
            PackageFormat::Rpm => Self::Rpm,
            PackageFormat::Deb => Self::Debian(Box::new(Copyright::read(plan, stage)?)),
        })
    }

    /// The entries of one package. Of what is in `others` already, such as a copyright file of the user's own, there
    /// is no second one.
    ///
    /// # Errors
    /// When a file of the user cannot be read.
    pub fn entries(
        &self,
        plan: &BuildPlan,
        package: &PackagePlan,
        changelog: &[ChangelogEntry],
        others: &[Entry],
    ) -> Result<Vec<Entry>, Error> {
        let (directory, files) = match self {
            Self::Rpm => (directory("licenses", package)?, licenses(plan, package)?),
            Self::Debian(copyright) => (directory("doc", package)?, debian(plan, package, copyright, changelog)?),
        };
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let mut entries = Vec::with_capacity(files.len() + 1);
        for Document { name, content, flags } in files {
            let path =
                directory.join(&name).map_err(|reason| Error::BadPath { package: package.name.clone(), reason })?;
            if !others.iter().any(|other| other.path == path) {
                entries.push(Entry { flags, ..Entry::new(path, 0o644, EntryKind::File(content), Origin::User) });
            }
        }
        entries.push(Entry::new(directory, 0o755, EntryKind::Directory, Origin::Generated));
        Ok(entries)
    }
}

struct Document {
    name: String,
    content: Content,
    flags: EntryFlags,
}

impl Document {
    fn new(name: impl Into<String>, bytes: Vec<u8>, flags: EntryFlags) -> Self {
        Self { name: name.into(), content: Content::Bytes(bytes.into()), flags }
    }
}

fn directory(kind: &str, package: &PackagePlan) -> Result<TargetPath, Error> {
    TargetPath::new(&format!("/usr/share/{kind}/{}", package.name))
        .map_err(|reason| Error::BadPath { package: package.name.clone(), reason })
}

/// `debian/changelog` and `debian/copyright` of a source package that bundles nothing, for `suite`: `bookworm`.
///
/// # Errors
/// When a licence file or the change log cannot be read.
pub fn of_sources(plan: &BuildPlan, suite: &str) -> Result<[String; 2], Error> {
    let stage = Stage::new(TargetPath::default());
    let name = plan.main().map_or("", |main| main.name.as_str());
    let changelog = super::assemble::read_changelog(plan, name)?;
    let changelog = debian_changelog::render_for(plan, name, suite, &changelog)?;
    Ok([changelog, Copyright::read(plan, &stage)?.render(Role::Meta)?])
}

/// The licence files that the user names.
fn licenses(plan: &BuildPlan, package: &PackagePlan) -> Result<Vec<Document>, Error> {
    let paths = match package.role {
        Role::Main => plan.licenses.as_slice(),
        Role::Meta => &[],
    };
    let read = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let flags = EntryFlags { license: true, ..EntryFlags::default() };
        Ok(Document::new(name, fs_err::read(path)?, flags))
    };
    paths.iter().map(read).collect()
}

/// Debian policy, 12.5 and 12.7.
fn debian(
    plan: &BuildPlan,
    package: &PackagePlan,
    copyright: &Copyright<'_>,
    changelog: &[ChangelogEntry],
) -> Result<Vec<Document>, Error> {
    let doc = || EntryFlags { doc: true, ..EntryFlags::default() };
    let text = debian_changelog::render(plan, &package.name, changelog)?;
    let mut documents = vec![
        Document::new("copyright", copyright.render(package.role)?.into_bytes(), doc()),
        Document::new("changelog.Debian.gz", compress(text.as_bytes())?, doc()),
    ];
    if let (Role::Main, Some(path)) = (package.role, &plan.changelog) {
        documents.push(Document::new("changelog.gz", compress_file(path)?, doc()));
    }
    Ok(documents)
}

fn compress_file(path: &Path) -> io::Result<Vec<u8>> {
    compress(&fs_err::read(path)?)
}

/// As `gzip -9n`: no name, no time.
fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).operating_system(UNIX).write(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Command;

    #[test]
    fn a_compressed_text_is_what_gzip_would_take_for_its_best() {
        let packed = compress(b"app (1.0-1) debian-12; urgency=medium\n").unwrap();
        assert_eq!(packed[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, UNIX]);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.gz");
        fs_err::write(&path, packed).unwrap();
        let output = Command::new("gzip").args(["-d", "-c"]).arg(path).run_checked().unwrap();
        assert_eq!(output.stdout_text(), "app (1.0-1) debian-12; urgency=medium\n");
    }
}
