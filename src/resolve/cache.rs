//! The cache: content-addressed files that appear whole or not at all, and locks so that two builds at once do a
//! thing once.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use fs_err as fs;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Error;
use crate::scratch::Scratch;

/// Smaller files are read faster than what is known of them, in bytes.
const WORTH_REMEMBERING: u64 = 4 * 1024 * 1024;

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

/// What tells a file from what it was before it was written to: the time of its last change (`st_ctim`, stat(2)) is
/// the kernel's own and cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl State {
    fn of(path: &Path) -> std::io::Result<Self> {
        let meta = fs::metadata(path)?;
        Ok(Self {
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.size(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        })
    }

    /// Times of files advance in ticks: what was changed just now may be changed again within the same one.
    fn has_settled(&self) -> bool {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(now.as_secs()).is_ok_and(|now| now > self.changed.0 + 2)
    }
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

    /// The digest of a wheel that the user has, as [`sha256_file`] gives it. That of a large file is remembered for as
    /// long as the file is not written to.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn sha256_of(&self, path: &Path) -> Result<String, Error> {
        let before = State::of(path)?;
        if before.size < WORTH_REMEMBERING {
            return Ok(sha256_file(path)?);
        }
        let key = digest([std::path::absolute(path)?.as_os_str().as_encoded_bytes()]);
        if let Some(((state, sha256), _)) = self.recall::<(State, String)>("digests", &key)
            && state == before
        {
            return Ok(sha256);
        }
        let sha256 = sha256_file(path)?;
        if State::of(path)? == before && before.has_settled() {
            self.remember("digests", &key, &(before, &sha256))?;
        }
        Ok(sha256)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_remembered_until_the_file_is_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path().join("cache"));
        let path = dir.path().join("large.whl");
        fs::write(&path, vec![1; 5 << 20]).unwrap();
        let state = State::of(&path).unwrap();
        assert_eq!(cache.sha256_of(&path).unwrap(), sha256_file(&path).unwrap());
        assert!(!cache.dir("digests").exists(), "it was written just now");

        let key = digest([path.as_os_str().as_encoded_bytes()]);
        cache.remember("digests", &key, &(&state, "remembered")).unwrap();
        assert_eq!(cache.sha256_of(&path).unwrap(), "remembered");

        // The same size and the same time as before: only the kernel's own time tells it.
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::write(&path, vec![2; 5 << 20]).unwrap();
        fs::OpenOptions::new().write(true).open(&path).unwrap().file().set_modified(modified).unwrap();
        assert_eq!(cache.sha256_of(&path).unwrap(), sha256_file(&path).unwrap());
    }

    #[test]
    fn a_file_has_settled_some_seconds_after_its_change() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "text").unwrap();
        let mut state = State::of(&path).unwrap();
        assert!(!state.has_settled());
        state.changed.0 -= 4;
        assert!(state.has_settled());
    }
}
