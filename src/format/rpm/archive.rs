//! The payload's archive: cpio "newc", or rpm's stripped form, which has only an index into the header and so knows
//! files over 4 GiB (`lib/rpmcpio.c` in rpm).

use std::io::{self, Write};

/// What is true of one member, beside its content.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// Absolute path on the target.
    pub path: &'a str,
    /// Index of the file in the header.
    pub index: u32,
    pub inode: u32,
    pub mode: u32,
    pub links: u32,
    pub mtime: u32,
    /// Of the content that follows this member's head.
    pub size: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Newc,
    /// "newc" with names that have no directory, in source packages.
    Bare,
    Stripped,
}

/// Writes an archive; counts its bytes.
pub struct Archive<W> {
    writer: W,
    form: Form,
    written: u64,
}

impl<W: Write> Archive<W> {
    pub fn new(writer: W, form: Form) -> Self {
        Self { writer, form, written: 0 }
    }

    /// Starts a member. Its content follows through [`Archive::data`], then [`Archive::end`].
    pub fn begin(&mut self, member: &Member<'_>) -> io::Result<()> {
        match self.form {
            Form::Newc | Form::Bare => self.newc_head(member)?,
            Form::Stripped => self.put(format!("07070X{:08x}", member.index).as_bytes())?,
        }
        self.pad()
    }

    pub fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.put(bytes)
    }

    pub fn end(&mut self) -> io::Result<()> {
        self.pad()
    }

    /// Ends the archive and gives its size in bytes.
    pub fn finish(mut self) -> io::Result<(W, u64)> {
        // The trailer is in newc form in both.
        let trailer = Member { path: "", index: 0, inode: 0, mode: 0, links: 1, mtime: 0, size: 0 };
        self.newc_named("TRAILER!!!", &trailer)?;
        self.pad()?;
        Ok((self.writer, self.written))
    }

    fn newc_head(&mut self, member: &Member<'_>) -> io::Result<()> {
        if self.form == Form::Bare {
            return self.newc_named(member.path.trim_start_matches('/'), member);
        }
        // `rpmlib(PayloadFilesHavePrefix)`: names begin with `./`.
        self.newc_named(&format!(".{}", member.path), member)
    }

    /// magic, inode, mode, uid, gid, links, mtime, size, device (2), rdev (2), size of the name, checksum.
    fn newc_named(&mut self, name: &str, member: &Member<'_>) -> io::Result<()> {
        let Member { inode, mode, links, mtime, .. } = member;
        let size = u32::try_from(member.size)
            .map_err(|_| io::Error::other(format!("`{name}` is too large for a cpio archive")))?;
        let name_size = name.len() + 1;
        let zero = 0;
        let head = format!(
            "070701{inode:08x}{mode:08x}{zero:08x}{zero:08x}{links:08x}{mtime:08x}{size:08x}\
             {zero:08x}{zero:08x}{zero:08x}{zero:08x}{name_size:08x}{zero:08x}{name}\0"
        );
        self.put(head.as_bytes())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        self.writer.write_all(bytes)
    }

    /// Heads and contents end at a multiple of four bytes.
    fn pad(&mut self) -> io::Result<()> {
        let missing = (4 - self.written % 4) % 4;
        self.put([0; 3].get(..usize::try_from(missing).unwrap_or(0)).unwrap_or_default())
    }
}
