//! Replaces the directories that an interpreter was built for by the one that it will lie in.

use std::io;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use memchr::memmem;

use super::{Content, record};

/// What comes instead of which directories.
pub(super) struct Replacement {
    /// The longest first, since one may lie in another.
    old: Vec<String>,
    new: String,
}

impl Replacement {
    pub(super) fn new(old: &[String], new: &str) -> Self {
        let mut old = old.to_vec();
        old.sort_by_key(|place| std::cmp::Reverse(place.len()));
        Self { old, new: new.to_owned() }
    }

    pub(super) fn in_text(&self, text: &[u8]) -> Vec<u8> {
        let mut result = text.to_vec();
        for old in &self.old {
            result = replace(&result, old.as_bytes(), self.new.as_bytes());
        }
        result
    }

    /// In native code nothing may move: the new directory is filled up to the length of the old one with slashes
    /// (which mean nothing in a path). Where it is too long, `/` stands instead: CPython looks beside its own program
    /// first and needs these only when nothing is there. So search paths in dynamic sections stay right where they
    /// can, and no byte names the build. What is changed is kept in the cache, by its digest.
    pub(super) fn in_native_code(&self, content: &Content, cache: &Path) -> io::Result<Content> {
        let mut bytes = content.read()?;
        let mut changed = false;
        for old in &self.old {
            if memmem::find(&bytes, old.as_bytes()).is_none() {
                continue;
            }
            let new = if self.new.len() <= old.len() { self.new.as_str() } else { "" };
            let padded = format!("{new}{}", "/".repeat(old.len() - new.len()));
            let after = replace(&bytes, old.as_bytes(), padded.as_bytes());
            changed |= after != bytes;
            bytes = after;
        }
        if !changed {
            return Ok(content.clone());
        }
        let directory = cache.join("interpreters");
        fs_err::create_dir_all(&directory)?;
        let name = record::digest(&bytes).replace('=', "-");
        let path = directory.join(name);
        if !path.is_file() {
            let mut file = tempfile::NamedTempFile::new_in(&directory)?;
            file.write_all(&bytes)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
        }
        Ok(Content::Slice { path: Arc::new(path), offset: 0, size: bytes.len() as u64 })
    }
}

/// Replaces `old` where it is a whole path or begins one: `/opt/py` is neither in `/opt/python` nor in `/usr/opt/py`, but
/// in `-L/opt/py/lib`.
fn replace(text: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut copied = 0;
    for at in memmem::find_iter(text, old) {
        let end = at + old.len();
        let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.+".contains(byte);
        // A dot before it begins a relative path, as a makefile has it for `$(DESTDIR)`.
        let within = |byte: &u8| in_name(byte) && *byte != b'.';
        let before = text.get(..at).unwrap_or_default();
        let option = matches!(before, [.., b'-', b'L' | b'I' | b'R' | b'B']);
        if text.get(end).is_some_and(in_name) || (before.last().is_some_and(within) && !option) {
            continue;
        }
        result.extend_from_slice(text.get(copied..at).unwrap_or_default());
        result.extend_from_slice(new);
        copied = end;
    }
    result.extend_from_slice(text.get(copied..).unwrap_or_default());
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_directories_are_replaced_the_inner_one_first() {
        let replacement = Replacement::new(&["/b".to_owned(), "/b/src".to_owned()], "/opt/app/py");
        assert_eq!(
            replacement.in_text(b"'/b/src' '/b/lib' /bin /b"),
            b"'/opt/app/py' '/opt/app/py/lib' /bin /opt/app/py"
        );
    }

    #[test]
    fn only_whole_directories_are_replaced() {
        let replacement = Replacement::new(&["/install".to_owned()], "/new");
        assert_eq!(
            replacement.in_text(b"-L/install/lib /a/install /installed /install"),
            b"-L/new/lib /a/install /installed /new"
        );
    }

    #[test]
    fn native_code_keeps_its_length_and_loses_the_name() {
        let cache = tempfile::tempdir().unwrap();
        let replacement = Replacement::new(&["/home/builder/python".to_owned()], "/opt/app/py");
        let before = b"\x7fELF\0/home/builder/python/lib\0x";
        let content = Content::Bytes(Arc::from(&before[..]));
        let after = replacement.in_native_code(&content, cache.path()).unwrap().read().unwrap();
        assert_eq!(after, b"\x7fELF\0/opt/app/py//////////lib\0x");
        let longer = Replacement::new(&["/home/b".to_owned()], "/opt/app/python");
        let content = Content::Bytes(Arc::from(&b"/home/b/lib"[..]));
        assert_eq!(longer.in_native_code(&content, cache.path()).unwrap().read().unwrap(), b"////////lib");
    }
}
