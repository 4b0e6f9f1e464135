//! The control file and the rest of what lies in `control.tar` (deb-control(5), deb-md5sums(5), deb-conffiles(5),
//! deb-triggers(5)).

use std::fmt::Write as _;
use std::io::{self, Write};

use super::relations;
use super::tar::{Archive, Kind, Member, ROOT};
use super::tree::{Tree, is_conffile};
use crate::format::Error;
use crate::format::text::{hex, many_lines, one_line, wrong};
use crate::package::{Architecture, Package};
use crate::plan::Role;
use crate::project::{MultiArch, ScriptletKind};
use crate::service::{Scriptlet, deb_triggers};
use crate::stage::{Entry, EntryKind};

/// Maintainer scripts by what they are called in a .deb. dpkg has no others; what they have to do is in them.
const SCRIPTS: [(&str, ScriptletKind); 4] = [
    ("postinst", ScriptletKind::Post),
    ("postrm", ScriptletKind::Postun),
    ("preinst", ScriptletKind::Pre),
    ("prerm", ScriptletKind::Preun),
];

/// The members of `control.tar`, sorted by name.
#[derive(Debug)]
pub struct Control {
    files: Vec<File>,
}

#[derive(Debug)]
struct File {
    name: &'static str,
    mode: u32,
    content: String,
}

impl Control {
    /// `digests` are MD5 by index of the entry.
    ///
    /// # Errors
    /// When dpkg would not read a field, or a script cannot be run.
    pub fn new(package: &Package, tree: &Tree, digests: &[Option<Box<[u8]>>]) -> Result<Self, Error> {
        let mut files = vec![
            File { name: "conffiles", mode: 0o644, content: conffiles(package) },
            File { name: "control", mode: 0o644, content: control(package, tree)? },
            File { name: "md5sums", mode: 0o644, content: md5sums(package, digests) },
            File { name: "triggers", mode: 0o644, content: triggers(package)? },
        ];
        for (name, kind) in SCRIPTS {
            if let Some(scriptlet) = package.scriptlets.get(&kind) {
                files.push(File { name, mode: 0o755, content: script(package, name, scriptlet)? });
            }
        }
        files.retain(|file| !file.content.is_empty());
        files.sort_by_key(|file| file.name);
        Ok(Self { files })
    }

    pub fn write<W: Write>(&self, archive: &mut Archive<W>, mtime: u32) -> io::Result<()> {
        let (user, group) = (ROOT, ROOT);
        archive.begin(&Member { name: "./", kind: Kind::Directory, mode: 0o755, user, group, mtime })?;
        for file in &self.files {
            archive.file(&format!("./{}", file.name), file.mode, mtime, file.content.as_bytes())?;
        }
        Ok(())
    }
}

/// The control file, its fields in dpkg-gencontrol's order. What has no value is left out: dpkg refuses some empty ones.
fn control(package: &Package, tree: &Tree) -> Result<String, Error> {
    let version = package.evr.full();
    if let Some(problem) = relations::fault_of_version(&version) {
        return Err(wrong(package, "version", &version, problem));
    }
    let mut fields = vec![("Package", package.name.clone())];
    if package.source != package.name {
        fields.push(("Source", package.source.clone()));
    }
    fields.extend([
        ("Version", version),
        ("Architecture", architecture(package).to_owned()),
        ("Maintainer", maintainer(package)),
        ("Installed-Size", tree.installed_size().to_string()),
    ]);
    fields.extend(relations::fields(package)?);
    fields.extend([("Section", one_line(&package.section)), ("Priority", one_line(&package.priority))]);
    if let Some(word) = multi_arch(package) {
        fields.push(("Multi-Arch", word.to_owned()));
    }
    fields.extend([("Homepage", one_line(&package.url)), ("Description", description(package))]);
    let mut text = String::new();
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(text, "{name}: {value}");
    }
    Ok(text)
}

/// dpkg's word for what a package is for.
pub fn architecture(package: &Package) -> &str {
    match &package.architecture {
        Architecture::Independent => "all",
        Architecture::Native(name) => name,
    }
}

/// `Name <address>` (policy, 5.6.2). Metadata of Python may have only one of both; an address under `localhost` is
/// nobody's.
fn maintainer(package: &Package) -> String {
    let text = one_line(&package.maintainer);
    if text.is_empty() || text.ends_with('>') {
        text
    } else if text.contains('@') && !text.contains(' ') {
        format!("{text} <{text}>")
    } else {
        format!("{text} <unknown@localhost>")
    }
}

/// A package without native code is the same for every architecture, and what it offers (commands, services) as well:
/// without `foreign`, dpkg takes it for one of its own architecture only and no other's package could depend on it
/// (<https://wiki.ubuntu.com/MultiarchSpec>, "Binary package control fields"). `same` is refused by dpkg for `all`.
fn multi_arch(package: &Package) -> Option<&'static str> {
    let independent = package.architecture == Architecture::Independent;
    match package.deb.multi_arch {
        Some(MultiArch::No) => None,
        Some(MultiArch::Foreign) => Some("foreign"),
        Some(MultiArch::Allowed) => Some("allowed"),
        Some(MultiArch::Same) if !independent => Some("same"),
        Some(MultiArch::Same) | None => independent.then_some("foreign"),
    }
}

/// The synopsis, and each line of the rest behind a space; an empty one as ` .` (policy, 5.6.13). So no line of a text
/// can be taken for a field.
fn description(package: &Package) -> String {
    let mut text = one_line(&package.summary);
    if text.is_empty() {
        text.clone_from(&package.name);
    }
    let rest = many_lines(&package.description);
    let lines = rest.lines().map(str::trim_end).collect::<Vec<_>>();
    let first = lines.iter().position(|line| !line.is_empty()).unwrap_or(0);
    let end = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
    for line in lines.get(first..end).unwrap_or_default() {
        text.push_str("\n ");
        match line.chars().next() {
            None => text.push('.'),
            // A line that begins with a full stop means something else, one that begins with a space is verbatim.
            Some('.') => text.extend([" ", line]),
            Some(_) => text.push_str(line),
        }
    }
    text
}

/// What `dpkg --verify` compares installed files with. As dh_md5sums does, without configuration files.
fn md5sums(package: &Package, digests: &[Option<Box<[u8]>>]) -> String {
    let mut text = String::new();
    for (index, entry) in package.entries.iter().enumerate() {
        let Some(digest) = digests.get(owner_of(package, index, entry)).and_then(Option::as_ref) else { continue };
        if !is_conffile(entry) && !entry.flags.ghost {
            let _ = writeln!(text, "{}  {}", hex(digest), entry.path.as_str().trim_start_matches('/'));
        }
    }
    text
}

/// Index of the entry that has the content.
fn owner_of(package: &Package, index: usize, entry: &Entry) -> usize {
    match &entry.kind {
        EntryKind::Hardlink(target) => {
            package.entries.binary_search_by(|owner| owner.path.cmp(target)).unwrap_or(index)
        }
        EntryKind::Directory | EntryKind::File(_) | EntryKind::Symlink(_) => index,
    }
}

fn conffiles(package: &Package) -> String {
    let files = package.entries.iter().filter(|entry| is_conffile(entry));
    files.map(|entry| format!("{}\n", entry.path)).collect()
}

/// What the package's own triggers wait for; and what the main package of a build activates.
fn triggers(package: &Package) -> Result<String, Error> {
    let activate = match package.role {
        Role::Main => package.deb.activate.as_slice(),
        Role::Meta => &[],
    };
    let lines = deb_triggers(&package.name, &package.triggers, activate)?;
    Ok(lines.iter().map(|line| format!("{}\n", one_line(line))).collect())
}

fn script(package: &Package, name: &'static str, scriptlet: &Scriptlet) -> Result<String, Error> {
    let text = &scriptlet.text;
    let end = if text.ends_with('\n') { "" } else { "\n" };
    if text.starts_with("#!") {
        return Ok(format!("{text}{end}"));
    }
    let words = &scriptlet.interpreter;
    let odd = |word: &String| word.is_empty() || word.chars().any(|c| c.is_whitespace() || c.is_control());
    // execve(2): all that follows the program is one argument.
    let absolute = words.first().is_some_and(|program| program.starts_with('/'));
    if !absolute || words.len() > 2 || words.iter().any(odd) {
        let problem =
            "has to be the path of a program, with one argument at most: dpkg starts scripts by their first line";
        return Err(wrong(package, name, &words.join(" "), problem));
    }
    Ok(format!("#!{}\n{text}{end}", words.join(" ")))
}
