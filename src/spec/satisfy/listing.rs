//! What `dnf repoquery` prints of a target's repositories, for who cannot have their metadata: on a machine of the target,
//!
//! ```text
//! dnf repoquery --available --provides
//! dnf repoquery --available --qf 'package %{name}-%{epoch}:%{version}-%{release}.%{arch}\n%{provides}'
//! ```
//!
//! The first says what is provided; the second says by which package, too. What plain `dnf repoquery --available` (and
//! `repoquery -a` of yum-utils) prints is read as well: names of packages, which provide nothing but these.

use std::io::Read;

use super::Error;
use super::expression::Capability;
use super::index::{Entry, Index};
use super::open::{Lines, unpacked};
use super::range::Sense;

/// What dnf and yum say besides, on standard output when they are not told to be quiet.
const REMARKS: [&str; 5] = [
    "Last metadata expiration check",
    "Updating Subscription Management",
    "Updating and loading",
    "Repositories loaded",
    "Loaded plugins",
];

/// Architectures of packages (`arch_canon` in rpmrc), which tell a name with a version from a capability.
const ARCHITECTURES: [&str; 14] = [
    "noarch",
    "x86_64",
    "x86_64_v2",
    "i386",
    "i586",
    "i686",
    "aarch64",
    "armv7hl",
    "ppc64",
    "ppc64le",
    "s390x",
    "riscv64",
    "src",
    "nosrc",
];

/// Adds all packages of the list in `reader` that fit to `index`.
pub fn read(reader: impl Read, label: &str, fits: &dyn Fn(&str) -> bool, index: &mut Index) -> Result<(), Error> {
    let damaged = |reason: String| Error::List { file: label.to_owned(), reason };
    let unreadable = |error: std::io::Error| damaged(error.to_string());
    let mut lines = Lines::new(unpacked(reader).map_err(unreadable)?);
    let mut group: Option<Entry> = None;
    let mut empty = true;
    let mut add = |entry: Entry| match fits(&entry.architecture) {
        true => drop(index.add(entry)),
        false => index.pass_over(&entry.architecture),
    };
    while let Some(line) = lines.next().map_err(unreadable)? {
        let text = line.trim();
        if text.is_empty() || text.starts_with('#') || REMARKS.iter().any(|remark| text.starts_with(remark)) {
            continue;
        }
        let begins = text.strip_prefix("package ").and_then(|rest| package(rest.trim()));
        if begins.is_some() {
            group.replace(begins.unwrap_or_default()).map(&mut add);
        } else if let Some(group) = &mut group {
            group.provides.push(capability(text).ok_or_else(|| damaged(strange(lines.number, text)))?);
        } else if let Some(entry) = package(text) {
            add(entry);
        } else {
            let capability = capability(text).ok_or_else(|| damaged(strange(lines.number, text)))?;
            add(Entry { name: capability.to_string(), provides: vec![capability], ..Entry::default() });
        }
        empty = false;
    }
    group.map(add);
    if empty { Err(damaged("there is nothing in it".to_owned())) } else { Ok(()) }
}

fn strange(line: usize, text: &str) -> String {
    let start = text.chars().take(60).collect::<String>();
    let more = if start.len() < text.len() { "…" } else { "" };
    format!(
        "line {line}, `{}{more}`, is neither a package (`name-epoch:version-release.arch`) nor what one provides (`name = version`)",
        start.escape_debug()
    )
}

/// `name`, or `name = version`.
fn capability(text: &str) -> Option<Capability> {
    let words = text.split_whitespace().collect::<Vec<_>>();
    match words.as_slice() {
        [name] => Some(Capability { name: (*name).to_owned(), version: None }),
        [name, operator, version] => {
            Some(Capability { name: (*name).to_owned(), version: Some((Sense::of(operator)?, (*version).to_owned())) })
        }
        _ => None,
    }
    .filter(|capability| !capability.name.starts_with('<'))
}

/// `name-epoch:version-release.arch`, or without the epoch where the architecture is one.
fn package(text: &str) -> Option<Entry> {
    if text.contains(char::is_whitespace) {
        return None;
    }
    let (rest, architecture) = text.rsplit_once('.')?;
    let (rest, release) = rest.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let sound = |part: &str| !part.is_empty() && !part.contains(['(', ')', '/', ':']);
    let (epoch, bare) = match version.split_once(':') {
        Some((epoch, bare)) if !epoch.is_empty() && epoch.bytes().all(|c| c.is_ascii_digit()) => (epoch, bare),
        Some(_) => return None,
        None if ARCHITECTURES.contains(&architecture) => ("0", version),
        None => return None,
    };
    let architecture_sound = architecture.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
    if !architecture_sound || ![name, bare, release, architecture].into_iter().all(sound) {
        return None;
    }
    let version = match epoch.trim_start_matches('0') {
        "" => format!("{bare}-{release}"),
        epoch => format!("{epoch}:{bare}-{release}"),
    };
    let itself = Capability { name: name.to_owned(), version: Sense::of("=").map(|equal| (equal, version.clone())) };
    Some(Entry {
        name: name.to_owned(),
        version,
        architecture: architecture.to_owned(),
        provides: vec![itself],
        files: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_told_from_what_they_provide() {
        let shown = |text: &str| {
            let entry = package(text)?;
            Some(format!("{} {} {}", entry.name, entry.version, entry.architecture))
        };
        for (text, expected) in [
            ("python3-flask-0:2.0.1-1.el9.noarch", Some("python3-flask 2.0.1-1.el9 noarch")),
            ("bind-32:9.16.23-1.el9.x86_64", Some("bind 32:9.16.23-1.el9 x86_64")),
            ("gtk+-2.0-00:2.24-1.i686", Some("gtk+-2.0 2.24-1 i686")),
            ("python3-flask-2.0.1-1.noarch", Some("python3-flask 2.0.1-1 noarch")),
            ("python3-flask-2.0.1-1.el9", None),
            ("python3-flask", None),
            ("libc.so.6(GLIBC_2.17)(64bit)", None),
            ("font(:lang=en-1-2.x86_64)", None),
            ("/usr/lib/a-1-2.x86_64", None),
            ("a-x:1-1.noarch", None),
            ("python3dist(a) = 1-1.noarch", None),
        ] {
            assert_eq!(shown(text).as_deref(), expected, "{text}");
        }
    }
}
