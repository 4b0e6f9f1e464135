//! Packages that are broken on purpose, to see a row fail: a row that passes with them shows nothing.

use std::cell::Cell;
use std::ops::Range;
use std::path::Path;

use omnipack::exec::Command;
use omnipack::smoke::PackageKind;

use crate::support::expect_success;

/// What is wrong with the packages.
#[derive(Debug)]
pub struct Breakage {
    pub how: How,
    /// How often the breakage found something to break.
    hits: Cell<u32>,
}

#[derive(Debug)]
pub enum How {
    /// A text of the configuration is another.
    Config { from: &'static str, to: &'static str },
    /// The configuration has this, too.
    Added(&'static str),
    /// A text of one of the scriptlets, or of `any`, is another, not longer one: what omnipack would do if its template were wrong.
    Scriptlet { kind: &'static str, from: &'static str, to: &'static str },
}

impl Breakage {
    pub fn new(how: How) -> Self {
        Self { how, hits: Cell::new(0) }
    }

    /// Was there anything to break?
    pub fn has_hit(&self) -> bool {
        self.hits.get() > 0
    }

    fn hit(&self) {
        self.hits.set(self.hits.get() + 1);
    }

    /// `config`, broken.
    pub fn configuration(&self, config: &str) -> String {
        match &self.how {
            How::Config { from, to } if config.contains(from) => {
                self.hit();
                config.replace(from, to)
            }
            How::Added(text) => {
                self.hit();
                format!("{config}\n{text}")
            }
            How::Config { .. } | How::Scriptlet { .. } => config.to_owned(),
        }
    }

    /// Breaks a package file.
    pub fn package(&self, path: &Path) {
        let How::Scriptlet { kind, from, to } = self.how else { return };
        if PackageKind::of(path) == Some(PackageKind::Deb) {
            if edit_maintainer_scripts(path, kind, from, to) {
                self.hit();
            }
            return;
        }
        let mut bytes = fs_err::read(path).unwrap();
        let kinds: &[&str] = if kind == "any" { &KINDS } else { &[kind] };
        let edits: Vec<bool> = kinds.iter().map(|kind| edit_scriptlet(&mut bytes, kind, from, to)).collect();
        if edits.contains(&true) {
            self.hit();
            fs_err::write(path, bytes).unwrap();
        }
    }
}

/// Length of an RPM file's lead (rpm's `docs/manual/format_lead.md`).
const LEAD: usize = 96;
/// Length of a header's introduction, and of an entry of its index (rpm's `docs/manual/format_header.md`).
const INTRODUCTION: usize = 16;

const KINDS: [&str; 6] = ["pre", "post", "preun", "postun", "pretrans", "posttrans"];

/// Tag numbers of the scriptlets' texts (rpm's `include/rpm/rpmtag.h`).
fn tag(kind: &str) -> u32 {
    match kind {
        "pre" => 1023,
        "post" => 1024,
        "preun" => 1025,
        "postun" => 1026,
        "pretrans" => 1151,
        "posttrans" => 1152,
        other => panic!("no scriptlet is called {other}"),
    }
}

/// The maintainer scripts that a scriptlet's text is in; dpkg has no transaction whose end a script could wait for.
fn maintainer_scripts(kind: &str) -> &'static [&'static str] {
    match kind {
        "pre" => &["preinst"],
        "post" | "posttrans" => &["postinst"],
        "preun" => &["prerm"],
        "postun" => &["postrm"],
        "any" => &["preinst", "postinst", "prerm", "postrm"],
        other => panic!("no maintainer script is for {other}"),
    }
}

/// Replaces `from` by `to` in the maintainer scripts of a package. False when it is not there. Files and their owners, whom
/// this machine need not know, stay as they are packed.
fn edit_maintainer_scripts(package: &Path, kind: &str, from: &str, to: &str) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let control = directory.path().join("control");
    expect_success(&Command::new("dpkg-deb").arg("--control").arg(package).arg(&control));
    let mut found = false;
    for script in maintainer_scripts(kind).iter().map(|name| control.join(name)) {
        let Ok(text) = fs_err::read_to_string(&script) else { continue };
        if text.contains(from) {
            found = true;
            fs_err::write(&script, text.replace(from, to)).unwrap();
        }
    }
    if found {
        let pack = "ar x \"$0\"; rm control.tar.* \"$0\"
                    tar --owner=0 --group=0 -C control -czf control.tar.gz .
                    ar rc \"$0\" debian-binary control.tar.gz data.tar*";
        expect_success(&Command::new("sh").args(["-ec", pack]).arg(package).dir(directory.path()));
    }
    found
}

/// Replaces `from` by `to` and spaces, in place, and sets the header's digests right. False when it is not there.
fn edit_scriptlet(file: &mut [u8], kind: &str, from: &str, to: &str) -> bool {
    assert!(to.len() <= from.len(), "`{to}` is longer than `{from}`");
    let signature = header_at(file, LEAD);
    // The header begins at the next multiple of 8.
    let header = header_at(file, signature.end.next_multiple_of(8));
    let before = digests(&file[header.clone()]);
    let Some(text) = text_of(file, &header, tag(kind)) else { return false };
    let mut at = text.start;
    let mut found = false;
    while let Some(place) = find(&file[at..text.end], from.as_bytes()) {
        let start = at + place;
        file[start..start + from.len()].fill(b' ');
        file[start..start + to.len()].copy_from_slice(to.as_bytes());
        at = start + from.len();
        found = true;
    }
    if found {
        let after = digests(&file[header]);
        for (before, after) in before.iter().zip(after) {
            let digest =
                signature.start + find(&file[signature.clone()], before.as_bytes()).expect("a digest of the header");
            file[digest..digest + after.len()].copy_from_slice(after.as_bytes());
        }
    }
    found
}

/// What rpm compares a header with before it believes it: its SHA-256 and SHA-1.
fn digests(header: &[u8]) -> [String; 2] {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs_err::write(file.path(), header).unwrap();
    ["sha256sum", "sha1sum"].map(|program| {
        let said = expect_success(&Command::new(program).arg(file.path()));
        said.split_whitespace().next().unwrap().to_owned()
    })
}

fn number(file: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(file[at..at + 4].try_into().unwrap())
}

fn header_at(file: &[u8], start: usize) -> Range<usize> {
    let (entries, data) = (number(file, start + 8) as usize, number(file, start + 12) as usize);
    start..start + INTRODUCTION + entries * 16 + data
}

fn text_of(file: &[u8], header: &Range<usize>, tag: u32) -> Option<Range<usize>> {
    let entries = number(file, header.start + 8) as usize;
    let data = header.start + INTRODUCTION + entries * 16;
    let mut index = (0..entries).map(|entry| header.start + INTRODUCTION + entry * 16);
    let entry = index.find(|entry| number(file, *entry) == tag)?;
    let start = data + number(file, entry + 8) as usize;
    let length = file[start..].iter().position(|byte| *byte == 0)?;
    Some(start..start + length)
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
