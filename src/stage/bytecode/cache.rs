//! The bytecode of one wheel in one file: a header line, a checksum, an index and all `.pyc` files after each other.
//! A file is written beside its place and renamed into it, so any number of runs may share a cache; one that is damaged
//! or cut off is made again.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Answer;
use crate::stage::Content;

const HEADER: &[u8] = b"omnipack bytecode 1\n";
const DIGEST: usize = 32;
/// Header, checksum, length of the index.
const INDEX_AT: usize = HEADER.len() + DIGEST + 4;

/// What became of one source, in the order of the sources.
#[derive(Serialize, Deserialize)]
enum Item {
    Bytecode { offset: u64, size: u64 },
    Refused(String),
}

/// What the cache has of one source.
pub enum Cached {
    Bytecode(Content),
    Refused(String),
}

/// The `count` results in the file at `path`; `None` if there is none that is sound. It is read piece by piece: a
/// wheel may have a hundred megabytes of bytecode.
pub fn load(path: &Path, count: usize) -> Option<Vec<Cached>> {
    let mut file = fs_err::File::open(path).ok()?;
    let mut head = [0; INDEX_AT];
    file.read_exact(&mut head).ok()?;
    let (digest, length) = head.strip_prefix(HEADER)?.split_at_checked(DIGEST)?;
    let mut hash = Sha256::new();
    hash.update(length);
    let length = u64::from(u32::from_le_bytes(length.try_into().ok()?));
    let mut index = Vec::new();
    Read::by_ref(&mut file).take(length).read_to_end(&mut index).ok()?;
    hash.update(&index);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer).ok()? {
            0 => break,
            count => hash.update(buffer.get(..count)?),
        }
    }
    if hash.finalize().as_slice() != digest {
        return None;
    }
    let items: Vec<Item> = serde_json::from_slice(&index).ok()?;
    (items.len() == count).then(|| contents(path, items, index.len()))
}

/// Keeps `answers` in the file at `path` and gives them as parts of it.
pub fn store(path: &Path, answers: Vec<Answer>) -> std::io::Result<Vec<Cached>> {
    let mut offset = 0;
    let items = answers.iter().map(|answer| match answer {
        Answer::Bytecode(bytes) => {
            let start = offset;
            offset += bytes.len() as u64;
            Item::Bytecode { offset: start, size: bytes.len() as u64 }
        }
        Answer::Refused(reason) => Item::Refused(reason.clone()),
    });
    let items = items.collect::<Vec<_>>();
    let index = serde_json::to_vec(&items)?;
    let length = u32::try_from(index.len()).map_err(std::io::Error::other)?.to_le_bytes();
    let parts = || {
        let data = answers.iter().filter_map(|answer| match answer {
            Answer::Bytecode(bytes) => Some(bytes.as_slice()),
            Answer::Refused(_) => None,
        });
        [&length[..], &index[..]].into_iter().chain(data)
    };
    let mut digest = Sha256::new();
    parts().for_each(|part| digest.update(part));

    let directory = path.parent().unwrap_or(Path::new("."));
    fs_err::create_dir_all(directory)?;
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(directory)?;
    {
        let mut writer = std::io::BufWriter::new(file.as_file_mut());
        writer.write_all(HEADER)?;
        writer.write_all(&digest.finalize())?;
        parts().try_for_each(|part| writer.write_all(part))?;
        writer.flush()?;
    }
    file.persist(path).map_err(|error| error.error)?;
    Ok(contents(path, items, index.len()))
}

fn contents(path: &Path, items: Vec<Item>, index: usize) -> Vec<Cached> {
    let path = Arc::new(PathBuf::from(path));
    let start = (INDEX_AT + index) as u64;
    let cached = |item| match item {
        Item::Bytecode { offset, size } => {
            Cached::Bytecode(Content::Slice { path: Arc::clone(&path), offset: start + offset, size })
        }
        Item::Refused(reason) => Cached::Refused(reason),
    };
    items.into_iter().map(cached).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers() -> Vec<Answer> {
        vec![
            Answer::Bytecode(b"first".to_vec()),
            Answer::Refused("SyntaxError: no".to_owned()),
            Answer::Bytecode(Vec::new()),
            Answer::Bytecode(b"last".to_vec()),
        ]
    }

    fn read(cached: Vec<Cached>) -> Vec<Answer> {
        let read = |cached| match cached {
            Cached::Bytecode(content) => Answer::Bytecode(Content::read(&content).unwrap()),
            Cached::Refused(reason) => Answer::Refused(reason),
        };
        cached.into_iter().map(read).collect()
    }

    #[test]
    fn what_is_stored_is_loaded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/er/x");
        assert!(load(&path, 4).is_none());
        assert_eq!(read(store(&path, answers()).unwrap()), answers());
        assert_eq!(read(load(&path, 4).unwrap()), answers());
        assert!(load(&path, 3).is_none());
    }

    #[test]
    fn any_damage_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        store(&path, answers()).unwrap();
        let sound = fs_err::read(&path).unwrap();
        for at in 0..sound.len() {
            let mut bytes = sound.clone();
            bytes[at] ^= 1;
            fs_err::write(&path, &bytes).unwrap();
            assert!(load(&path, 4).is_none(), "byte {at}");
            fs_err::write(&path, &sound[..at]).unwrap();
            assert!(load(&path, 4).is_none(), "cut at {at}");
        }
        fs_err::write(&path, &sound).unwrap();
        assert!(load(&path, 4).is_some());
        assert_eq!(fs_err::read_dir(dir.path()).unwrap().count(), 1);
    }
}
