//! Files that are written beside each other, and what lies there already: whoever keeps a spec file by hand must not lose it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::{Error, SpecFiles};
use crate::format::publish::publish;
use crate::stage::Content;

/// A file that is to lie at `path`.
#[derive(Debug, Clone)]
pub struct Output {
    pub path: PathBuf,
    pub content: Content,
}

/// What becomes of a file that is there already and differs from what is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    Kept,
    Replaced,
}

impl Output {
    /// `file`, as it is now, is to lie at `path`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of_file(file: &Path, path: PathBuf) -> Result<Self, Error> {
        let size = fs_err::metadata(file)?.len();
        Ok(Self { path, content: Content::File { path: file.to_path_buf().into(), size } })
    }

    /// What is there now.
    fn found(&self) -> Result<Found, Error> {
        let meta = match fs_err::metadata(&self.path) {
            Ok(meta) => meta,
            // A link that leads nowhere is there, too.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let link = fs_err::symlink_metadata(&self.path).is_ok();
                return Ok(if link { Found::Other } else { Found::Nothing });
            }
            Err(error) => return Err(error.into()),
        };
        if !meta.is_file() || meta.len() != self.content.size() {
            return Ok(Found::Other);
        }
        let same = same_bytes(&mut BufReader::new(fs_err::File::open(&self.path)?), &mut self.reader()?)?;
        Ok(if same { Found::Same } else { Found::Other })
    }

    fn reader(&self) -> Result<impl BufRead + '_, Error> {
        Ok(BufReader::new(self.content.open()?))
    }
}

enum Found {
    Nothing,
    Same,
    Other,
}

pub(super) fn same_bytes(one: &mut impl BufRead, other: &mut impl BufRead) -> Result<bool, Error> {
    loop {
        let (left, right) = (one.fill_buf()?, other.fill_buf()?);
        let length = left.len().min(right.len());
        if length == 0 {
            return Ok(left.len() == right.len());
        }
        if left.get(..length) != right.get(..length) {
            return Ok(false);
        }
        one.consume(length);
        other.consume(length);
    }
}

/// The spec file, which is the first, and its sources, as they are to lie in `directory`.
#[must_use]
pub fn outputs(files: &SpecFiles, directory: &Path) -> Vec<Output> {
    let spec = (&files.name, Content::Bytes(files.text.as_bytes().into()));
    let sources = files.sources.iter().map(|(name, content)| (name, content.clone()));
    [spec].into_iter().chain(sources).map(|(name, content)| Output { path: directory.join(name), content }).collect()
}

/// Those of `outputs` that lie there with other bytes.
///
/// # Errors
/// When one cannot be read.
pub fn differing(outputs: &[Output]) -> Result<Vec<PathBuf>, Error> {
    let mut paths = Vec::new();
    for output in outputs {
        if matches!(output.found()?, Found::Other) {
            paths.push(output.path.clone());
        }
    }
    Ok(paths)
}

/// Refuses to go on when files are there that differ: nothing has been written yet.
///
/// # Errors
/// When there are any, and they are to be kept.
pub fn check_existing(mut differing: Vec<PathBuf>, existing: Existing) -> Result<(), Error> {
    if differing.is_empty() || existing == Existing::Replaced {
        return Ok(());
    }
    differing.sort();
    differing.dedup();
    Err(Error::Exists { files: differing.iter().map(|path| format!("\n  {}", path.display())).collect() })
}

/// Writes `outputs`, each whole or not at all. One that is there with the same bytes is left as it is.
///
/// # Errors
/// When one cannot be written.
pub fn write(outputs: &[Output]) -> Result<(), Error> {
    for output in outputs {
        if let Some(directory) = output.path.parent() {
            fs_err::create_dir_all(directory)?;
        }
        if matches!(output.found()?, Found::Same) {
            continue;
        }
        publish(&output.path, |file| std::io::copy(&mut output.content.open()?, file).map(drop))?;
    }
    Ok(())
}
