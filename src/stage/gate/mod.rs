//! The gate that no byte passes which names the machine or the credentials of the build.
//!
//! What counts as a leak is decided here; searching files, and archives inside them, is in `scan`.
//!
//! A false alarm stops a build, and wheels from an index are full of other people's paths (`/home/runner/...`,
//! `/project/src/...`, a root user's home), which may well exist here too. So directories fall into two classes:
//! one that nobody else has (the cache, a work directory, a project some levels deep) is a leak wherever it is named;
//! a general one (a home directory, a project in `/src`) only where the text goes on into something that exists below
//! it, and never in what was fetched as it is.

mod scan;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use memchr::memmem::Finder;
use miette::Diagnostic;
use thiserror::Error;

use super::{Leak, LeakKind, Origin, TargetPath};

pub use scan::{FileScan, Hit};

/// What of a path is looked at behind a general directory.
const LOOK_AHEAD: usize = 256;

/// Passwords and tokens below this length are words that occur by chance.
const SHORTEST_SECRET: usize = 8;

/// How many leaks a message lists.
const LISTED: usize = 12;

/// Why a package may not leave.
#[derive(Debug, Error, Diagnostic)]
pub enum Error {
    #[error("{count} packed {files} this build:\n{list}", files = if *count == 1 { "file names" } else { "files name" })]
    #[diagnostic(
        code(gate::leak),
        help(
            "packages must not name the machine they were built on: build wheels from a clean directory (an editable or \
             in-place build writes its path) or, what is built here, in a container with `--builder podman` or `docker`; or leave \
             the files out"
        )
    )]
    Leaks { count: usize, list: String },
    #[error("{count} packed {files} the credentials of a package index:\n{list}", files = if *count == 1 { "file has" } else { "files have" })]
    #[diagnostic(
        code(gate::credential),
        help("leave the files out of the package, and change the credentials if the file was ever shared")
    )]
    Credentials { count: usize, list: String },
}

/// A needle that was not taken, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// What it was for; never a credential itself.
    pub what: String,
    pub reason: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Nobody else has this text.
    Anywhere,
    /// A directory, which must not go on as a longer name.
    Directory,
    /// A directory that others may have: the text must go on into something that exists below it.
    GoesOn,
}

struct Needle {
    finder: Finder<'static>,
    kind: LeakKind,
    rule: Rule,
    /// For [`Rule::GoesOn`].
    directory: PathBuf,
}

/// What to look for in every packed byte. Searching is shared by threads.
#[derive(Default)]
pub struct Scanner {
    needles: Vec<Needle>,
    ignored: Vec<Ignored>,
    allowed: Vec<String>,
    fetched: BTreeSet<Origin>,
    exists: Mutex<HashMap<PathBuf, bool>>,
}

impl Scanner {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A directory of this build: cache, work directory, project. One that is short enough for others to have it too
    /// (`/src`, `/app`, `/project`) counts only where the text goes on into something that exists in it.
    #[must_use]
    pub fn directory(self, path: &Path) -> Self {
        let rule = if depth(path) >= 2 { Rule::Directory } else { Rule::GoesOn };
        self.path(path, LeakKind::BuildPath, rule)
    }

    /// The home directory of whoever builds; that of root is the same for many.
    #[must_use]
    pub fn home(self, path: &Path) -> Self {
        self.path(path, LeakKind::HomeDirectory, Rule::GoesOn)
    }

    /// User and password of an index; a token may be either of them, alone. Searched for as `user:password@`, as the
    /// base64 of HTTP's basic authentication, and alone if it does not look like a word.
    #[must_use]
    pub fn credential(mut self, user: &str, password: &str) -> Self {
        let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let secret = if password.is_empty() { user } else { password };
        let mut texts = BTreeSet::new();
        if !password.is_empty() {
            texts.insert(format!("{user}:{password}@"));
            texts.insert(format!("{}:{}@", encoded(user), encoded(password)));
            texts.insert(BASE64.encode(format!("{user}:{password}")));
        }
        if is_secret(secret) {
            texts.insert(secret.to_owned());
            texts.insert(encoded(secret));
        } else if !secret.is_empty() {
            let what = if password.is_empty() { "the user name of an index" } else { "the password of an index" };
            let reason = "alone it is short or a plain word, and would be found by chance";
            self.ignored.push(Ignored { what: what.to_owned(), reason });
        }
        for text in texts.into_iter().filter(|text| text.len() >= SHORTEST_SECRET) {
            self.push(text.into_bytes(), LeakKind::Credential, Rule::Anywhere, PathBuf::new());
        }
        self
    }

    /// Paths of the package that may say what they like: `*` and `?` stop at `/`, `**` does not.
    #[must_use]
    pub fn allow<S: Into<String>>(mut self, globs: impl IntoIterator<Item = S>) -> Self {
        self.allowed.extend(globs.into_iter().map(Into::into));
        self
    }

    /// Origins that were fetched as they are, not built here: what they say of general directories is not ours.
    #[must_use]
    pub fn fetched(mut self, origins: impl IntoIterator<Item = Origin>) -> Self {
        self.fetched.extend(origins);
        self
    }

    /// What was asked for and is not searched.
    #[must_use]
    pub fn ignored(&self) -> &[Ignored] {
        &self.ignored
    }

    /// Starts the search of one file.
    #[must_use]
    pub fn file(&self, path: &TargetPath, origin: &Origin) -> FileScan<'_> {
        let active = if self.allowed.iter().any(|glob| glob_matches(glob.as_bytes(), path.as_str().as_bytes())) {
            Vec::new()
        } else {
            let fetched = self.fetched.contains(origin);
            (0..self.needles.len()).filter(|index| !fetched || self.needles[*index].rule != Rule::GoesOn).collect()
        };
        FileScan::new(self, active)
    }

    fn path(mut self, path: &Path, kind: LeakKind, rule: Rule) -> Self {
        let Some(text) = path.to_str().filter(|_| path.is_absolute()) else {
            self.ignored.push(Ignored { what: path.display().to_string(), reason: "it is not an absolute UTF-8 path" });
            return self;
        };
        let text = text.trim_end_matches('/');
        if text.is_empty() {
            self.ignored.push(Ignored { what: path.display().to_string(), reason: "the root directory is everywhere" });
            return self;
        }
        let quoted = url::Url::from_file_path(text).map(|url| url.path().to_owned()).unwrap_or_default();
        if !quoted.is_empty() && quoted != text {
            self.push(quoted.into_bytes(), kind, rule, PathBuf::from(text));
        }
        self.push(text.as_bytes().to_vec(), kind, rule, PathBuf::from(text));
        self
    }

    fn push(&mut self, text: Vec<u8>, kind: LeakKind, rule: Rule, directory: PathBuf) {
        let known = self.needles.iter().any(|needle| needle.finder.needle() == text && needle.rule == rule);
        if !known {
            self.needles.push(Needle { finder: Finder::new(&text).into_owned(), kind, rule, directory });
        }
    }

    /// What a scan must keep of the previous chunk.
    fn window(&self) -> usize {
        self.needles.iter().map(|needle| needle.finder.needle().len()).max().unwrap_or(0) + LOOK_AHEAD
    }

    /// Is the occurrence of `needle` at `at` in `text` a leak?
    fn is_leak(&self, needle: &Needle, text: &[u8], at: usize) -> bool {
        let after = text.get(at + needle.finder.needle().len()..).unwrap_or_default();
        match needle.rule {
            Rule::Anywhere => true,
            Rule::Directory => !after.first().is_some_and(|byte| is_name_byte(*byte)),
            Rule::GoesOn => {
                let inside_a_path = depth(&needle.directory) < 2 && at > 0 && continues_a_path(&text[..at]);
                !inside_a_path && self.goes_on(&needle.directory, after)
            }
        }
    }

    /// Does `after` name something that exists below `directory`? A hidden directory there (`.cargo`, `.cache`) is in
    /// every home, so the whole path has to exist.
    fn goes_on(&self, directory: &Path, after: &[u8]) -> bool {
        let Some(rest) = after.strip_prefix(b"/") else { return false };
        let end = rest.iter().take(LOOK_AHEAD).position(|byte| ends_path(*byte)).unwrap_or(rest.len().min(LOOK_AHEAD));
        let Ok(named) = std::str::from_utf8(&rest[..end]) else { return false };
        let named = named.trim_end_matches('/');
        let Some(first) = named.split('/').next().filter(|first| !first.is_empty()) else { return false };
        let complete = named.len() > first.len();
        if complete && !first.starts_with('.') && self.exists(directory.join(first)) {
            return true;
        }
        !named.split('/').any(|part| part == "..") && self.exists(directory.join(named))
    }

    fn exists(&self, path: PathBuf) -> bool {
        let mut known = self.exists.lock().unwrap_or_else(PoisonError::into_inner);
        *known.entry(path).or_insert_with_key(|path| fs_err::symlink_metadata(path).is_ok())
    }
}

impl fmt::Debug for Scanner {
    /// Never the needles: some are credentials.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Scanner").field("needles", &self.needles.len()).finish_non_exhaustive()
    }
}

/// Turns the leaks of a pass into the error that stops the build; credentials first.
///
/// # Errors
/// When there is a leak.
pub fn check(leaks: &[Leak]) -> Result<(), Error> {
    let (credentials, paths): (Vec<_>, Vec<_>) = leaks.iter().partition(|leak| leak.kind == LeakKind::Credential);
    if !credentials.is_empty() {
        return Err(Error::Credentials { count: files(&credentials), list: list(&credentials) });
    }
    if !paths.is_empty() {
        return Err(Error::Leaks { count: files(&paths), list: list(&paths) });
    }
    Ok(())
}

fn files(leaks: &[&Leak]) -> usize {
    leaks.iter().map(|leak| &leak.path).collect::<BTreeSet<_>>().len()
}

fn list(leaks: &[&Leak]) -> String {
    let mut lines = leaks.iter().take(LISTED).map(|leak| format!("  {}", describe(leak))).collect::<Vec<_>>();
    if leaks.len() > LISTED {
        lines.push(format!("  and {} more", leaks.len() - LISTED));
    }
    lines.join("\n")
}

fn describe(leak: &Leak) -> String {
    let what = match leak.kind {
        LeakKind::BuildPath => "a directory of the build",
        LeakKind::HomeDirectory => "the home directory",
        LeakKind::Credential => "a credential",
    };
    let owner = match &leak.origin {
        Origin::Wheel { name, version } => format!("from {name} {version}"),
        Origin::Generated => "made by omnipack".to_owned(),
        Origin::Interpreter => "from the bundled interpreter".to_owned(),
        Origin::User => "a file of the configuration".to_owned(),
    };
    let inside = leak.member.as_ref().map(|member| format!(", in its member `{member}`")).unwrap_or_default();
    let text = if leak.text.is_empty() { String::new() } else { format!(", `{}`,", leak.text.escape_debug()) };
    format!("{} ({owner}): {what}{text} at byte {}{inside}", leak.path, leak.offset)
}

fn depth(path: &Path) -> usize {
    path.components().filter(|component| matches!(component, Component::Normal(_))).count()
}

fn is_secret(text: &str) -> bool {
    let has = |test: fn(char) -> bool| text.chars().any(test);
    let mixed = has(char::is_alphabetic) && (has(char::is_numeric) || has(|c| !c.is_alphanumeric()));
    text.len() >= SHORTEST_SECRET && (mixed || text.len() >= 2 * SHORTEST_SECRET)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// Does a `/` after `before` only go on with a longer path (`lib/src/x` for `/src`)? `file://` and `-I` do not count.
fn continues_a_path(before: &[u8]) -> bool {
    let option = matches!(before, [.., b'-', b'I' | b'L' | b'B']);
    !option && before.last().is_some_and(|byte| is_name_byte(*byte) || matches!(byte, b'.' | b'~' | b'}' | b')'))
}

fn ends_path(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte.is_ascii_control() || b"\"'`:,;()<>[]{}|&#?*$!=\\".contains(&byte)
}

/// `*` and `?` stop at `/`, `**` does not.
pub(crate) fn glob_matches(glob: &[u8], text: &[u8]) -> bool {
    match glob {
        [] => text.is_empty(),
        [b'*', b'*', rest @ ..] => (0..=text.len()).any(|at| glob_matches(rest, &text[at..])),
        [b'*', rest @ ..] => {
            let stop = text.iter().position(|byte| *byte == b'/').unwrap_or(text.len());
            (0..=stop).any(|at| glob_matches(rest, &text[at..]))
        }
        [b'?', rest @ ..] => text.first().is_some_and(|byte| *byte != b'/') && glob_matches(rest, &text[1..]),
        [byte, rest @ ..] => text.first() == Some(byte) && glob_matches(rest, &text[1..]),
    }
}

#[cfg(test)]
mod tests;
