//! `Packages` of a Debian archive (<https://wiki.debian.org/DebianRepository/Format>): a stanza for each package.

use std::io::Read;

use deb822_fast::Paragraph;

use super::Error;
use super::expression::Capability;
use super::index::{Entry, Index};
use super::open::{Lines, unpacked};
use super::range::Sense;

/// Of a stanza, in bytes.
const STANZA: usize = 32 << 20;

/// Adds all packages of the `Packages` in `reader` that fit to `index`.
pub fn read(reader: impl Read, label: &str, fits: &dyn Fn(&str) -> bool, index: &mut Index) -> Result<(), Error> {
    let damaged = |reason: String| Error::List { file: label.to_owned(), reason };
    let unreadable = |error: std::io::Error| damaged(error.to_string());
    let mut lines = Lines::new(unpacked(reader).map_err(unreadable)?);
    let mut stanza = String::new();
    let mut first = 1;
    let mut empty = true;
    loop {
        let line = lines.next().map_err(unreadable)?;
        match &line {
            Some(line) if !line.trim().is_empty() => {
                if stanza.is_empty() {
                    first = lines.number;
                }
                stanza.push_str(line);
                stanza.push('\n');
                if stanza.len() > STANZA {
                    return Err(damaged(format!("the stanza at line {first} has more than {} MiB", STANZA >> 20)));
                }
                continue;
            }
            _ => {}
        }
        if !stanza.is_empty() {
            let entry = entry(&stanza).map_err(|reason| damaged(format!("line {first}: {reason}")))?;
            match fits(&entry.architecture) {
                true => drop(index.add(entry)),
                false => index.pass_over(&entry.architecture),
            }
            stanza.clear();
            empty = false;
        }
        if line.is_none() {
            break;
        }
    }
    if empty { Err(damaged("there is nothing in it".to_owned())) } else { Ok(()) }
}

fn entry(stanza: &str) -> Result<Entry, String> {
    let paragraph: Paragraph = stanza.parse().map_err(|_| "it is no list of packages (`Packages`)".to_owned())?;
    let field = |name: &str| paragraph.get(name).map(|value| value.trim().to_owned());
    let (Some(name), Some(version)) = (field("Package"), field("Version")) else {
        return Err("a stanza has no `Package` and `Version`: it is no list of packages (`Packages`)".to_owned());
    };
    let equal = |version: &str| Sense::of("=").map(|equal| (equal, version.to_owned()));
    let mut provides = vec![Capability { name: name.clone(), version: equal(&version) }];
    let listed = field("Provides").unwrap_or_default();
    let others = listed.split(',').filter(|text| !text.trim().is_empty()).map(Capability::parse);
    provides.extend(others.collect::<Option<Vec<_>>>().ok_or_else(|| format!("`Provides` of {name} cannot be read"))?);
    Ok(Entry { name, version, architecture: field("Architecture").unwrap_or_default(), provides, files: Vec::new() })
}
