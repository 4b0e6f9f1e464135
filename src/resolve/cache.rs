//! The cache: content-addressed files that appear whole or not at all, and locks so that two builds at once do a
//! thing once.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use fs_err as fs;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::Error;
use crate::scratch::Scratch;

/// A directory that any number of builds share.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

/// `$OMNIPACK_CACHE`, else `omnipack` in the user's cache directory.
///
/// # Errors
/// When there is neither the variable nor a home directory.
pub fn default_cache() -> Result<PathBuf, Error> {
    use etcetera::BaseStrategy;
    if let Some(dir) = std::env::var_os("OMNIPACK_CACHE").filter(|dir| !dir.is_empty()) {
        return Ok(std::path::absolute(dir)?);
    }
    let strategy = etcetera::choose_base_strategy().map_err(|_| Error::NoCache)?;
    Ok(strategy.cache_dir().join("omnipack"))
}

/// Held until dropped; the file stays, it is only a name to lock.
#[derive(Debug)]
pub struct Guard(#[allow(dead_code)] File);

impl Cache {
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    #[must_use]
    pub fn dir(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A new directory beside what it will become, so that a rename suffices.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn scratch(&self) -> Result<Scratch, Error> {
        let dir = self.dir("tmp");
        fs::create_dir_all(&dir)?;
        Ok(Scratch::named("work-", &dir)?)
    }

    /// Removes scratch directories that a build of an earlier day was killed over.
    pub fn sweep(&self) {
        let Ok(entries) = fs::read_dir(self.dir("tmp")) else { return };
        for entry in entries.filter_map(Result::ok) {
            let modified = entry.metadata().and_then(|meta| meta.modified());
            let age = modified.ok().and_then(|modified| modified.elapsed().ok()).unwrap_or_default();
            if age.as_secs() > 24 * 3600 {
                // Another build may sweep too: what it has removed is not there any more, and that is the aim.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Waits until no other build holds `key`.
    ///
    /// # Errors
    /// When the lock file cannot be created.
    pub fn lock(&self, key: &str) -> Result<Guard, Error> {
        let dir = self.dir("locks");
        fs::create_dir_all(&dir)?;
        let file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(dir.join(key))?;
        let file = file.into_parts().0;
        file.lock()?;
        Ok(Guard(file))
    }

    /// The file kept under `kind`/`sha256`, if it is there.
    #[must_use]
    pub fn find(&self, kind: &str, sha256: &str, file_name: &str) -> Option<PathBuf> {
        let path = self.dir(kind).join(sha256).join(file_name);
        path.is_file().then_some(path)
    }

    /// Moves `file`, which lies in the cache's own scratch space, to its place.
    ///
    /// # Errors
    /// When it cannot be moved.
    pub fn keep(&self, kind: &str, sha256: &str, file_name: &str, file: &Path) -> Result<PathBuf, Error> {
        let dir = self.dir(kind).join(sha256);
        fs::create_dir_all(&dir)?;
        let path = dir.join(file_name);
        fs::rename(file, &path)?;
        Ok(path)
    }

    /// Stores a small record that [`Cache::recall`] gives back.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn remember(&self, kind: &str, key: &str, value: &impl serde::Serialize) -> Result<(), Error> {
        let dir = self.dir(kind);
        fs::create_dir_all(&dir)?;
        let mut file = tempfile::NamedTempFile::new_in(&dir)?;
        serde_json::to_writer(&mut file, value).map_err(std::io::Error::from)?;
        file.flush()?;
        file.persist(dir.join(format!("{key}.json"))).map_err(|error| error.error)?;
        Ok(())
    }

    /// A record and its age in seconds; one that cannot be read counts as absent.
    #[must_use]
    pub fn recall<T: DeserializeOwned>(&self, kind: &str, key: &str) -> Option<(T, u64)> {
        let path = self.dir(kind).join(format!("{key}.json"));
        let text = fs::read(&path).ok()?;
        let age = fs::metadata(&path).ok()?.modified().ok()?.elapsed().map_or(0, |age| age.as_secs());
        Some((serde_json::from_slice(&text).ok()?, age))
    }
}

/// Lower-case hex digest of what a reader gives, as `writer` gets it.
///
/// # Errors
/// When reading or writing fails.
pub fn copy_hashed(reader: &mut dyn Read, writer: &mut dyn Write) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let count = reader.read(&mut buffer)?;
        if count == 0 {
            return Ok(hex(&hash.finalize()));
        }
        let part = buffer.get(..count).unwrap_or_default();
        hash.update(part);
        writer.write_all(part)?;
    }
}

/// # Errors
/// When the file cannot be read.
pub fn sha256_file(path: &Path) -> std::io::Result<String> {
    copy_hashed(&mut fs::File::open(path)?, &mut std::io::sink())
}

/// One digest of several texts, unambiguous whatever they contain.
#[must_use]
pub fn digest<T: AsRef<[u8]>>(parts: impl IntoIterator<Item = T>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        let part = part.as_ref();
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
