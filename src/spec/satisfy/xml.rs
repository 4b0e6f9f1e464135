//! XML as it streams by, an element at a time, from files that anybody may have written: no document type, no entities but
//! the five of XML itself, and limits to what one element may be.

use std::io::{self, BufRead, BufReader, Read};

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// Of one tag or one text, in bytes. The longest descriptions are of some hundred thousand.
const ELEMENT: usize = 16 << 20;
/// repodata goes five deep.
const DEPTH: usize = 32;

/// An opening tag.
#[derive(Debug, Default)]
pub struct Element {
    /// With its prefix: `rpm:entry`.
    pub name: String,
    attributes: Vec<(String, String)>,
}

impl Element {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Debug)]
pub enum Node {
    Open(Element),
    /// A closing tag, and the text since the last tag.
    Close(String, String),
    End,
}

pub struct Document<R> {
    reader: Reader<Limited<BufReader<R>>>,
    buffer: Vec<u8>,
    text: String,
    depth: usize,
}

impl<R: Read> Document<R> {
    /// Reads no more than `size` bytes.
    pub fn new(reader: R, size: u64) -> Self {
        let inner = BufReader::with_capacity(128 * 1024, reader);
        let mut reader = Reader::from_reader(Limited { inner, element: ELEMENT, left: size });
        reader.config_mut().expand_empty_elements = true;
        Self { reader, buffer: Vec::new(), text: String::new(), depth: 0 }
    }

    /// # Errors
    /// What is wrong, as a phrase after the name of the file.
    pub fn next(&mut self) -> Result<Node, String> {
        loop {
            self.buffer.clear();
            self.reader.get_mut().element = ELEMENT;
            match self.reader.read_event_into(&mut self.buffer).map_err(reason)? {
                Event::Start(tag) => {
                    self.depth += 1;
                    if self.depth > DEPTH {
                        return Err(format!("its elements are nested more than {DEPTH} deep"));
                    }
                    self.text.clear();
                    return Ok(Node::Open(element(&tag)?));
                }
                Event::End(tag) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Node::Close(tag.name().as_ref().to_owned(), std::mem::take(&mut self.text)));
                }
                Event::Text(text) => self.text.push_str(&text.xml10_content()),
                Event::CData(text) => self.text.push_str(&text.xml10_content()),
                Event::GeneralRef(entity) => match entity.resolve_char_ref().map_err(reason)? {
                    Some(c) => self.text.push(c),
                    None => {
                        let name: &str = &entity;
                        let known = quick_xml::escape::resolve_predefined_entity(name);
                        self.text.push_str(known.ok_or_else(|| unknown_entity(name))?);
                    }
                },
                Event::DocType(_) => {
                    return Err("it has a document type, which repository metadata never has".to_owned());
                }
                Event::Eof if self.depth > 0 => return Err("it ends in the middle of an element".to_owned()),
                Event::Eof => return Ok(Node::End),
                // Empty elements come as an opening and a closing tag (`expand_empty_elements`).
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::Empty(_) => {}
            }
            if self.text.len() > ELEMENT {
                return Err(too_large());
            }
        }
    }
}

fn unknown_entity(name: &str) -> String {
    format!("it has the entity `&{};`, which XML does not know", name.escape_debug())
}

fn too_large() -> String {
    format!("one of its elements has more than {} MiB", ELEMENT >> 20)
}

fn element(tag: &BytesStart<'_>) -> Result<Element, String> {
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| format!("it is no XML: {error}"))?;
        let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(reason)?;
        attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
    }
    Ok(Element { name: tag.name().as_ref().to_owned(), attributes })
}

/// Errors of reading are of the file or its compression, all others of the XML in it.
fn reason(error: quick_xml::Error) -> String {
    match error {
        quick_xml::Error::Io(error) => error.to_string(),
        error => format!("it is no XML: {error}"),
    }
}

/// Refuses what one element, or the whole, has too much.
struct Limited<R> {
    inner: R,
    element: usize,
    left: u64,
}

impl<R: BufRead> BufRead for Limited<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let refuse = |reason: String| Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        let buffer = self.inner.fill_buf()?;
        if buffer.is_empty() {
            return Ok(buffer);
        }
        if self.left == 0 {
            return refuse("it is larger than repomd.xml says, or than any metadata is".to_owned());
        }
        if self.element == 0 {
            return refuse(too_large());
        }
        let allowed = buffer.len().min(self.element).min(usize::try_from(self.left).unwrap_or(usize::MAX));
        Ok(buffer.get(..allowed).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.element = self.element.saturating_sub(amount);
        self.left = self.left.saturating_sub(amount as u64);
        self.inner.consume(amount);
    }
}

impl<R: BufRead> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), available.get(..count)) {
            to.copy_from_slice(from);
        }
        self.consume(count);
        Ok(count)
    }
}
