//! The archives inside of a .deb, in GNU tar's own form: it is what dpkg-deb makes and what every dpkg reads. Long
//! names are members of their own before the head (`L`, `K`), numbers beyond an octal field are base-256; dpkg refuses
//! pax heads (`lib/dpkg/tarfn.c`, `tar_extractor`).

use std::io::{self, Write};

use tar::{EntryType, Header};

const BLOCK: usize = 512;

/// Of the fields for name and link target. A name of this length is written long, so that a NUL always ends it.
const NAME_FIELD: usize = 100;

/// Of the fields for owner and group.
pub const OWNER_FIELD: usize = 32;

/// What comes before the name of a long name's head, as GNU tar has it.
const LONG: &str = "././@LongLink";

/// What is true of one member, beside its content.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// Begins with `./`.
    pub name: &'a str,
    pub kind: Kind<'a>,
    /// Permission bits.
    pub mode: u32,
    pub user: Owner<'a>,
    pub group: Owner<'a>,
    /// Seconds since 1970.
    pub mtime: u32,
}

/// dpkg takes the number where the target does not know the name.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    pub name: &'a str,
    pub number: u32,
}

pub const ROOT: Owner<'static> = Owner { name: "root", number: 0 };

#[derive(Debug, Clone, Copy)]
pub enum Kind<'a> {
    Directory,
    /// With the bytes of the content that follows.
    File(u64),
    /// With the target, as it is stored.
    Symlink(&'a str),
    /// With the name of the member that has the content and comes earlier.
    Hardlink(&'a str),
}

/// Writes an archive.
pub struct Archive<W> {
    writer: W,
    /// Of the content of the current member.
    written: u64,
}

impl<W: Write> Archive<W> {
    pub fn new(writer: W) -> Self {
        Self { writer, written: 0 }
    }

    /// Starts a member. Its content follows through [`Archive::data`], then [`Archive::end`].
    pub fn begin(&mut self, member: &Member<'_>) -> io::Result<()> {
        let (entry_type, link, size) = match member.kind {
            Kind::Directory => (EntryType::Directory, "", 0),
            Kind::File(size) => (EntryType::Regular, "", size),
            Kind::Symlink(target) => (EntryType::Symlink, target, 0),
            Kind::Hardlink(target) => (EntryType::Link, target, 0),
        };
        let mut name = member.name.to_owned();
        if matches!(member.kind, Kind::Directory) && !name.ends_with('/') {
            name.push('/');
        }
        self.long(EntryType::GNULongLink, link)?;
        self.long(EntryType::GNULongName, &name)?;
        let mut head = head(entry_type, size);
        fill(&mut gnu(&mut head)?.name, &name);
        fill(&mut gnu(&mut head)?.linkname, link);
        fill(&mut gnu(&mut head)?.uname, member.user.name);
        fill(&mut gnu(&mut head)?.gname, member.group.name);
        head.set_mode(member.mode);
        head.set_uid(u64::from(member.user.number));
        head.set_gid(u64::from(member.group.number));
        head.set_mtime(u64::from(member.mtime));
        self.head(head)
    }

    pub fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        self.writer.write_all(bytes)
    }

    pub fn end(&mut self) -> io::Result<()> {
        let rest = usize::try_from(self.written % BLOCK as u64).unwrap_or(0);
        self.written = 0;
        let missing = (BLOCK - rest) % BLOCK;
        self.writer.write_all([0; BLOCK].get(..missing).unwrap_or_default())
    }

    /// A whole file of `root`.
    pub fn file(&mut self, name: &str, mode: u32, mtime: u32, content: &[u8]) -> io::Result<()> {
        let kind = Kind::File(content.len() as u64);
        self.begin(&Member { name, kind, mode, user: ROOT, group: ROOT, mtime })?;
        self.data(content)?;
        self.end()
    }

    /// Ends the archive.
    pub fn finish(mut self) -> io::Result<W> {
        self.writer.write_all(&[0; 2 * BLOCK])?;
        Ok(self.writer)
    }

    /// A text that does not fit its field, as a member before the head.
    fn long(&mut self, entry_type: EntryType, text: &str) -> io::Result<()> {
        if text.len() < NAME_FIELD {
            return Ok(());
        }
        // dpkg takes the NUL as part of it.
        let mut head = head(entry_type, text.len() as u64 + 1);
        fill(&mut gnu(&mut head)?.name, LONG);
        fill(&mut gnu(&mut head)?.uname, ROOT.name);
        fill(&mut gnu(&mut head)?.gname, ROOT.name);
        head.set_mode(0o644);
        self.head(head)?;
        self.data(text.as_bytes())?;
        self.data(&[0])?;
        self.end()
    }

    fn head(&mut self, mut head: Header) -> io::Result<()> {
        head.set_cksum();
        self.writer.write_all(head.as_bytes())
    }
}

fn head(entry_type: EntryType, size: u64) -> Header {
    let mut head = Header::new_gnu();
    head.set_entry_type(entry_type);
    head.set_size(size);
    head.set_uid(0);
    head.set_gid(0);
    head.set_mtime(0);
    head
}

fn gnu(head: &mut Header) -> io::Result<&mut tar::GnuHeader> {
    head.as_gnu_mut().ok_or_else(|| io::Error::other("this is no GNU head"))
}

/// As much as fits; what does not has been written before.
fn fill(field: &mut [u8], text: &str) {
    let bytes = text.as_bytes();
    let length = bytes.len().min(field.len());
    if let (Some(field), Some(bytes)) = (field.get_mut(..length), bytes.get(..length)) {
        field.copy_from_slice(bytes);
    }
}
