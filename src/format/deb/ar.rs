//! The outer archive: ar in its common form, as deb(5) wants it.

use std::io::{self, Write};

pub const MAGIC: &[u8] = b"!<arch>\n";

/// The field for a member's size has ten decimal digits.
pub const LARGEST: u64 = 9_999_999_999;

/// The head of a member. Its name has at most 16 bytes.
pub fn head(name: &str, mtime: u32, size: u64) -> String {
    format!("{name:<16}{mtime:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, "100644")
}

/// A whole member.
pub fn member(writer: &mut impl Write, name: &str, mtime: u32, content: &[u8]) -> io::Result<()> {
    writer.write_all(head(name, mtime, content.len() as u64).as_bytes())?;
    writer.write_all(content)?;
    pad(writer, content.len() as u64)
}

/// Members begin at even places.
pub fn pad(writer: &mut impl Write, size: u64) -> io::Result<()> {
    if size % 2 == 1 { writer.write_all(b"\n") } else { Ok(()) }
}
