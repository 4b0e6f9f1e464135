//! Which package of a Debian or Ubuntu release has a shared library, and which version of it has a symbol: what
//! dpkg-shlibdeps(1) reads of installed packages, as data. `tools/debian-libraries` writes it out of the releases' packages.
//!
//! `shared-libraries/<distribution>.txt` has a line for each library, without or with symbols:
//!
//! ```text
//! libbz2.so.1.0 libbz2-1.0                     the package (a relation), from its `shlibs` file
//! libz.so.1 1:1.1.4..1:1.2.12 zlib1g #MINVER#  lowest and highest version of any symbol, and the template of the relation
//!  1:1.2.9 crc32_z @ZLIB_1.2.9                 these symbols, and those of this version node, need this version
//! | libc6 (>> 2.36), libc6 (<< 2.37)           a second template, for the symbols that follow it
//! ```
//!
//! A symbol is its name, or `name@NODE`; `_Z*` is any C++ symbol without a node. `shared-libraries/symbols.txt` has the same without
//! packages: what holds in every distribution whose own file does not say otherwise, as far as it knows versions so high.
//! A symbol that is nowhere needs the lowest version.
//!
//! The files are of amd64 and arm64, Ubuntu's of amd64 alone: on both, a symbol is in the same version of a
//! package, but that glibc's oldest symbols are those of 2.2.5 and of 2.17.

use std::collections::HashMap;

use include_dir::{Dir, include_dir};
use memchr::memmem;

use super::debian_version;

/// A file for each distribution, and one for what they share: another distribution is another file, and no code.
static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/distribution/shared-libraries");

/// Name of the file that all distributions share.
const SHARED: &str = "symbols";

/// The libraries of one distribution. Nothing is read before a library is looked up.
#[derive(Debug, Clone, Copy)]
pub struct Libraries {
    own: &'static str,
}

/// A library in its package.
#[derive(Debug)]
pub struct Library {
    templates: Vec<&'static str>,
    lowest: Option<&'static str>,
    highest: Option<&'static str>,
    /// Symbol to version and number of the template.
    own: HashMap<&'static str, (&'static str, usize)>,
    shared: HashMap<&'static str, &'static str>,
}

/// What is to be required.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// `libpq5 #MINVER#`, `libgl1`, `liba | libb (>= 2)`: relations as in a control file, with `#MINVER#` where the
    /// version belongs.
    pub template: &'static str,
    /// What `#MINVER#` stands for; `None`: nothing.
    pub version: Option<&'static str>,
}

impl Libraries {
    /// Of the data of this name, which `libraries` of a distribution gives.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if name == SHARED { None } else { text(name).map(|own| Self { own }) }
    }

    pub fn names() -> impl Iterator<Item = &'static str> {
        let stems = FILES.files().filter_map(|file| file.path().file_stem()?.to_str());
        stems.filter(|name| *name != SHARED)
    }

    /// The library of a soname, `libz.so.1`.
    #[must_use]
    pub fn find(self, soname: &str) -> Option<Library> {
        let (head, lines) = section(self.own, soname)?;
        let shared = section(text(SHARED).unwrap_or_default(), soname).map(|(_, lines)| lines).unwrap_or_default();
        let (lowest, highest, template) = match head.split_once(' ') {
            Some((bounds, template)) if bounds.contains("..") => {
                let (lowest, highest) = bounds.split_once("..")?;
                (Some(lowest), Some(highest), template)
            }
            _ => (None, None, head),
        };
        let mut library =
            Library { templates: vec![template], lowest, highest, own: HashMap::new(), shared: HashMap::new() };
        for line in lines.lines() {
            if let Some(template) = line.strip_prefix("| ") {
                library.templates.push(template);
                continue;
            }
            let number = library.templates.len() - 1;
            library.own.extend(symbols(line).map(|(symbol, version)| (symbol, (version, number))));
        }
        library.shared.extend(shared.lines().flat_map(symbols));
        Some(library)
    }
}

fn text(name: &str) -> Option<&'static str> {
    FILES.get_file(format!("{name}.txt"))?.contents_utf8()
}

/// The rest of the line that begins with `soname`, and the lines that belong to it.
fn section(text: &'static str, soname: &str) -> Option<(&'static str, &'static str)> {
    if soname.is_empty() || soname.starts_with(['#', '|']) || soname.contains(char::is_whitespace) {
        return None;
    }
    let key = format!("\n{soname}");
    let start = memmem::find_iter(text.as_bytes(), &key).find_map(|at| {
        let end = at + key.len();
        matches!(text.as_bytes().get(end), Some(b' ' | b'\n') | None).then_some(end)
    })?;
    let (head, rest) = text.get(start..)?.split_once('\n')?;
    let mut end = 0;
    for line in rest.split_inclusive('\n').take_while(|line| line.starts_with([' ', '|'])) {
        end += line.len();
    }
    Some((head.trim_start(), rest.get(..end)?))
}

/// ` version symbol symbol...`
fn symbols(line: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut words = line.split_whitespace();
    let version = words.next();
    words.filter_map(move |symbol| Some((symbol, version?)))
}

impl Library {
    /// What is to be required whichever symbols are used.
    #[must_use]
    pub fn need(&self) -> Need {
        self.of(self.lowest, 0)
    }

    /// What any use of it needs, however new.
    #[must_use]
    pub fn highest_need(&self) -> Need {
        self.of(self.highest, 0)
    }

    /// What a symbol needs beyond [`Library::need`], where it is named itself; `None`: nothing, or the library may not
    /// have it.
    #[must_use]
    pub fn symbol(&self, name: &str, node: Option<&str>) -> Option<Need> {
        match node {
            Some(node) => self.look_up(&format!("{name}@{node}")),
            None => self.look_up(name),
        }
    }

    /// What the symbols of a version node need that are not named themselves.
    #[must_use]
    pub fn node(&self, node: &str) -> Option<Need> {
        self.look_up(&format!("@{node}"))
    }

    fn look_up(&self, key: &str) -> Option<Need> {
        if let Some((version, template)) = self.own.get(key) {
            return Some(self.of(Some(version), *template));
        }
        let version = self.shared.get(key).copied()?;
        let known = |highest| debian_version::compare(version, highest).is_le();
        self.highest.is_some_and(known).then(|| self.of(Some(version), 0))
    }

    /// What a C++ symbol without a node needs, where a library has too many to list them.
    #[must_use]
    pub fn any_mangled(&self) -> Option<Need> {
        self.own.get("_Z*").map(|(version, template)| self.of(Some(version), *template))
    }

    fn of(&self, version: Option<&'static str>, template: usize) -> Need {
        // As dpkg-shlibdeps: version 0 is that of any package.
        let version = version.filter(|version| *version != "0");
        Need { template: self.templates.get(template).copied().unwrap_or_default(), version }
    }
}

#[cfg(test)]
mod tests;
