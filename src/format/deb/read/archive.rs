//! The ar file around a Debian package (deb(5)): short names, and none of ar's tables.

use std::io::{self, Read};

use crate::format::read::{AR_MAGIC, damaged, text_of};

/// Of a member's header, in bytes.
const HEADER: usize = 60;

pub struct Archive<R> {
    reader: R,
    /// Of the member that is being read, with the byte that brings it to an even size.
    left: u64,
    padding: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub name: String,
}

impl<R: Read> Archive<R> {
    pub fn new(mut reader: R) -> io::Result<Self> {
        let mut magic = [0; AR_MAGIC.len()];
        reader.read_exact(&mut magic)?;
        if magic != AR_MAGIC {
            return Err(damaged("it is no ar archive"));
        }
        Ok(Self { reader, left: 0, padding: 0 })
    }

    /// Goes to the next member, past what was not read of the last one.
    pub fn next(&mut self) -> io::Result<Option<Member>> {
        let rest = self.left + self.padding;
        if io::copy(&mut self.reader.by_ref().take(rest), &mut io::sink())? < self.left {
            return Err(damaged("it ends in the middle of a member"));
        }
        let mut header = Vec::with_capacity(HEADER);
        self.reader.by_ref().take(HEADER as u64).read_to_end(&mut header)?;
        if header.is_empty() {
            return Ok(None);
        }
        let (name, size) = parse(&header).ok_or_else(|| damaged("a member has no sound header"))?;
        self.left = size;
        self.padding = size % 2;
        Ok(Some(Member { name }))
    }

    /// What is left of the member.
    pub fn content(&mut self) -> Content<'_, R> {
        Content(self)
    }
}

/// Name and size: 16 and 10 characters, padded with blanks; dpkg takes a `/` at the end of the name too.
fn parse(header: &[u8]) -> Option<(String, u64)> {
    if header.get(58..HEADER)? != b"`\n" {
        return None;
    }
    let name = text_of(header.get(..16)?.trim_ascii_end());
    let size = std::str::from_utf8(header.get(48..58)?).ok()?.trim_end_matches(' ');
    if !size.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((name.trim_end_matches('/').to_owned(), size.parse().ok()?))
}

/// An end of the file in the middle of a member is an error here, so that a decompressor's end is the member's own.
pub struct Content<'a, R>(&'a mut Archive<R>);

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.0.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.0.reader.read(buffer.get_mut(..most).unwrap_or_default())?;
        if count == 0 && most > 0 {
            return Err(damaged("it ends in the middle of a member"));
        }
        self.0.left -= count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = AR_MAGIC.to_vec();
        for (name, content) in members {
            let header = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, content.len());
            bytes.extend_from_slice(header.as_bytes());
            bytes.extend_from_slice(content);
            bytes.extend((content.len() % 2 == 1).then_some(b'\n'));
        }
        bytes
    }

    fn read_all(bytes: &[u8]) -> io::Result<Vec<(String, Vec<u8>)>> {
        let mut archive = Archive::new(bytes)?;
        let mut members = Vec::new();
        while let Some(member) = archive.next()? {
            let mut content = Vec::new();
            archive.content().read_to_end(&mut content)?;
            members.push((member.name, content));
        }
        Ok(members)
    }

    #[test]
    fn members_are_read_or_passed_over() {
        let bytes = archive(&[("odd", b"abc"), ("slash/", b""), ("even", b"abcd")]);
        let all = read_all(&bytes).unwrap();
        assert_eq!(all.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["odd", "slash", "even"]);
        let mut archive = Archive::new(bytes.as_slice()).unwrap();
        let names: Vec<String> = std::iter::from_fn(|| archive.next().unwrap()).map(|member| member.name).collect();
        assert_eq!(names, ["odd", "slash", "even"]);
        for end in [9, 60, 69, 70] {
            assert!(read_all(&bytes[..end]).is_err(), "{end}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(members in proptest::collection::vec(("[a-z._-]{1,16}", any::<Vec<u8>>()), 0..5)) {
            let given: Vec<(&str, &[u8])> =
                members.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
            prop_assert_eq!(read_all(&archive(&given)).unwrap(), members);
        }

        #[test]
        fn any_bytes_end(bytes: Vec<u8>, size in "[0-9 x-]{10}") {
            let mut whole = AR_MAGIC.to_vec();
            whole.extend_from_slice(format!("{:<48}{size}`\n", "name").as_bytes());
            whole.extend_from_slice(&bytes);
            let _ = read_all(&whole);
            let _ = read_all(&bytes);
        }
    }
}
