//! `control.tar`: the control file, maintainer scripts, and the lists that dpkg keeps.

use std::collections::BTreeMap;
use std::io::{self, Read};

use deb822_fast::{Deb822, Paragraph};

use crate::format::inspection::{ControlFile, Relations, Script, TriggerScript};
use crate::format::read::{damaged, text_of};

/// Files of more bytes than this are not kept, unless they are lists of files.
const LONGEST_FILE: u64 = 16 << 20;

/// Fields that have a place of their own in an inspection.
const FIELDS: [&str; 24] = [
    "Package",
    "Version",
    "Architecture",
    "Maintainer",
    "Installed-Size",
    "Section",
    "Priority",
    "Homepage",
    "Source",
    "Description",
    "Vendor",
    "License",
    "Pre-Depends",
    "Depends",
    "Recommends",
    "Suggests",
    "Enhances",
    "Supplements",
    "Conflicts",
    "Breaks",
    "Replaces",
    "Obsoletes",
    "Provides",
    "Status",
];

pub struct Control {
    fields: Paragraph,
    files: BTreeMap<String, Vec<u8>>,
    sizes: Vec<ControlFile>,
}

impl Control {
    /// Reads a tar of at most `limit` bytes.
    pub fn read(reader: impl Read, limit: u64) -> io::Result<Self> {
        let mut archive = tar::Archive::new(reader);
        let mut files = BTreeMap::new();
        let mut sizes = Vec::new();
        let mut total = 0_u64;
        for entry in archive.entries()?.raw(true) {
            let mut entry = entry?;
            let size = entry.header().entry_size()?;
            total = total.saturating_add(size).saturating_add(512);
            if total > limit {
                return Err(damaged(format!("it has more than {} MiB", limit >> 20)));
            }
            if !matches!(entry.header().entry_type(), tar::EntryType::Regular | tar::EntryType::Continuous) {
                continue;
            }
            let name = text_of(&entry.header().path_bytes());
            let name = name.trim_start_matches("./").to_owned();
            sizes.push(ControlFile { name: name.clone(), size });
            if size <= LONGEST_FILE || name == "md5sums" {
                let mut content = Vec::new();
                if entry.read_to_end(&mut content)? as u64 != size {
                    return Err(damaged(format!("`{name}` is cut off")));
                }
                files.insert(name, content);
            }
        }
        io::copy(&mut archive.into_inner(), &mut io::sink())?;
        let fields = paragraph(files.get("control").ok_or_else(|| damaged("it has no file `control`"))?)?;
        sizes.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Self { fields, files, sizes })
    }

    /// Empty when it is not there.
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).unwrap_or_default()
    }

    pub fn other_fields(&self) -> BTreeMap<String, String> {
        let other = |(name, _): &(&str, &str)| !FIELDS.iter().any(|known| known.eq_ignore_ascii_case(name));
        self.fields.iter().filter(other).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    pub fn relations(&self) -> Relations {
        let all = |name| relations(self.field(name));
        Relations {
            requires: all("Depends"),
            requires_pre: all("Pre-Depends"),
            recommends: all("Recommends"),
            suggests: all("Suggests"),
            supplements: all("Supplements"),
            enhances: all("Enhances"),
            conflicts: all("Conflicts"),
            breaks: all("Breaks"),
            obsoletes: all("Obsoletes"),
            replaces: all("Replaces"),
            provides: all("Provides"),
        }
    }

    pub fn scriptlets(&self) -> Vec<Script> {
        let kinds =
            [("config", "config"), ("preinst", "pre"), ("postinst", "post"), ("prerm", "preun"), ("postrm", "postun")];
        let script = |(file, kind)| self.files.get(file).map(|content| script(kind, &text_of(content)));
        kinds.into_iter().filter_map(script).collect()
    }

    /// deb-triggers(5): a directive and a name in each line.
    pub fn triggers(&self) -> Vec<TriggerScript> {
        let trigger = |line: String| {
            let (directive, name) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
            TriggerScript {
                kind: directive.to_owned(),
                conditions: vec![name.trim().to_owned()],
                interpreter: Vec::new(),
                text: String::new(),
            }
        };
        let lines = self.lines("triggers").into_iter();
        let lines = lines.map(|line| line.split('#').next().unwrap_or_default().trim().to_owned());
        lines.filter(|line| !line.is_empty()).map(trigger).collect()
    }

    /// deb-conffiles(5): a path in each line, after a flag or none.
    pub fn conffiles(&self) -> BTreeMap<String, Vec<&'static str>> {
        let conffile = |line: String| match line.strip_prefix("remove-on-upgrade") {
            Some(path) if path.starts_with(char::is_whitespace) => {
                (path.trim().to_owned(), vec!["config", "remove-on-upgrade"])
            }
            _ => (line.trim().to_owned(), vec!["config"]),
        };
        self.lines("conffiles").into_iter().map(conffile).collect()
    }

    /// deb-md5sums(5): digest, two blanks, path without its first slash. `None` when there is no such file.
    pub fn md5sums(&self) -> Option<BTreeMap<String, String>> {
        self.files.get("md5sums")?;
        let sum = |line: String| {
            let (digest, path) = line.split_once(' ')?;
            let path = path.strip_prefix([' ', '*']).unwrap_or(path);
            Some((format!("/{}", path.trim_start_matches("./").trim_start_matches('/')), digest.to_owned()))
        };
        Some(self.lines("md5sums").into_iter().filter_map(sum).collect())
    }

    pub fn files(&self) -> Vec<ControlFile> {
        self.sizes.clone()
    }

    fn lines(&self, name: &str) -> Vec<String> {
        let content = self.files.get(name).map(Vec::as_slice).unwrap_or_default();
        text_of(content).lines().map(str::to_owned).filter(|line| !line.is_empty()).collect()
    }
}

/// deb-control(5): one paragraph.
fn paragraph(content: &[u8]) -> io::Result<Paragraph> {
    let all: Deb822 = text_of(content).parse().map_err(|error| damaged(format!("`control` is not sound: {error}")))?;
    let fields = all.iter().next().cloned().ok_or_else(|| damaged("`control` is empty"))?;
    for required in ["Package", "Version"] {
        if fields.get(required).is_none_or(str::is_empty) {
            return Err(damaged(format!("`control` has no field `{required}`")));
        }
    }
    Ok(fields)
}

/// `a (>= 1), b | c` is two relations. A list may go over several lines.
fn relations(list: &str) -> Vec<String> {
    let words = |relation: &str| relation.split_whitespace().collect::<Vec<_>>().join(" ");
    list.split(',').map(words).filter(|relation| !relation.is_empty()).collect()
}

/// Epoch, upstream version, Debian revision (deb-version(7)).
pub fn version(text: &str) -> (u32, String, String) {
    let (epoch, rest) = match text.split_once(':').map(|(epoch, rest)| (epoch.parse(), rest)) {
        Some((Ok(epoch), rest)) => (epoch, rest),
        _ => (0, text),
    };
    let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
    (epoch, version.to_owned(), release.to_owned())
}

/// Summary and long description: a line of a dot alone is an empty line (policy 5.6.13).
pub fn description(field: &str) -> (String, String) {
    let mut lines = field.lines();
    let summary = lines.next().unwrap_or_default().trim().to_owned();
    let text = lines.map(|line| if line.trim() == "." { "" } else { line.strip_prefix(' ').unwrap_or(line) });
    (summary, text.collect::<Vec<_>>().join("\n"))
}

/// A script begins with `#!` and its interpreter; what does not is shown whole.
fn script(kind: &'static str, text: &str) -> Script {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    match first.strip_prefix("#!") {
        Some(words) => {
            Script { kind, interpreter: words.split_whitespace().map(str::to_owned).collect(), text: rest.to_owned() }
        }
        None => Script { kind, interpreter: Vec::new(), text: text.to_owned() },
    }
}
