//! Brings marshalled code into a form that depends on nothing but the code.
//!
//! CPython marks every object that has more than one reference in the compiling process (`FLAG_REF`), so the same
//! source gives other bytes after other sources were compiled; and the order of a frozenset's members depends on hashes,
//! some of which are addresses. Here an object is marked if, and only if, it is referred to within the same code, and
//! members are sorted. The result loads to an equal code object: see `Python/marshal.c` of CPython, whose `r_object`
//! numbers marked objects in the order in which they begin.

use crate::distribution::ToolVersion;

const FLAG_REF: u8 = 0x80;

/// Nested deeper than this is left as it is; CPython itself stops at 2,000.
const DEPTH: u32 = 400;

/// How a code object is laid out.
#[derive(Clone, Copy)]
struct Layout {
    /// Numbers before the objects.
    numbers: usize,
    /// Objects after the first line number.
    trailing: usize,
}

impl Layout {
    fn of(python: ToolVersion) -> Self {
        match (python.major, python.minor) {
            (3, ..=7) => Self { numbers: 5, trailing: 1 },
            // Positional-only arguments.
            (3, 8..=10) => Self { numbers: 6, trailing: 1 },
            // No number of locals any more; an exception table.
            _ => Self { numbers: 5, trailing: 2 },
        }
    }
}

/// Objects between the numbers and the first line number.
const CODE_OBJECTS: usize = 8;

/// The normal form of `data`; `None` when it is not understood, and then better left alone.
#[must_use]
pub fn normalise(data: &[u8], python: ToolVersion) -> Option<Vec<u8>> {
    let mut reader = Reader { data, layout: Layout::of(python), nodes: Vec::new(), references: Vec::new() };
    let root = reader.object(0)?;
    if !reader.data.is_empty() {
        return None;
    }
    let mut nodes = reader.nodes;
    sort_sets(&mut nodes);
    let mut uses = vec![0u32; nodes.len()];
    count_uses(&nodes, root, &mut uses);
    let mut writer =
        Writer { nodes: &nodes, uses, numbers: vec![None; nodes.len()], next: 0, out: Vec::with_capacity(data.len()) };
    writer.object(root);
    Some(writer.out)
}

/// One object: its type, the bytes of its own, and the objects in it, some of the bytes before and some after them.
struct Node<'a> {
    kind: u8,
    before: &'a [u8],
    /// Of a code object: so many children come before `between`.
    split: usize,
    between: &'a [u8],
    children: Vec<usize>,
}

struct Reader<'a> {
    data: &'a [u8],
    layout: Layout,
    nodes: Vec<Node<'a>>,
    /// Marked objects in their order; `None` while they are being read, when nothing may refer to them.
    references: Vec<Option<usize>>,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.data.split_at_checked(count)?;
        self.data = tail;
        Some(head)
    }

    /// A length or count, and the bytes it was written as.
    fn length(&mut self, width: usize) -> Option<usize> {
        let bytes = self.take(width)?;
        bytes.iter().rev().try_fold(0usize, |value, byte| value.checked_mul(256)?.checked_add(usize::from(*byte)))
    }

    /// A length of `width` bytes and so many units of `unit` bytes.
    fn counted(&mut self, width: usize, unit: usize) -> Option<&'a [u8]> {
        let start = self.data;
        let count = self.length(width)?;
        let size = count.checked_mul(unit)?.checked_add(width)?;
        self.data = start;
        self.take(size)
    }

    fn object(&mut self, depth: u32) -> Option<usize> {
        let byte = *self.take(1)?.first()?;
        let kind = byte & !FLAG_REF;
        if kind == b'r' {
            let number = self.length(4)?;
            return self.references.get(number).copied().flatten();
        }
        let index = self.nodes.len();
        self.nodes.push(Node { kind, before: &[], split: 0, between: &[], children: Vec::new() });
        let mark = (byte & FLAG_REF != 0).then_some(self.references.len());
        self.references.extend(mark.map(|_| None));
        let node = self.body(kind, depth)?;
        *self.nodes.get_mut(index)? = node;
        if let Some(mark) = mark {
            *self.references.get_mut(mark)? = Some(index);
        }
        Some(index)
    }

    fn body(&mut self, kind: u8, depth: u32) -> Option<Node<'a>> {
        let mut node = Node { kind, before: &[], split: 0, between: &[], children: Vec::new() };
        match kind {
            b'0' | b'N' | b'F' | b'T' | b'S' | b'.' => {}
            b'i' => node.before = self.take(4)?,
            b'I' | b'g' => node.before = self.take(8)?,
            b'y' => node.before = self.take(16)?,
            b'l' => node.before = self.big_number()?,
            b's' | b't' | b'u' | b'a' | b'A' => node.before = self.counted(4, 1)?,
            b'z' | b'Z' | b'f' => node.before = self.counted(1, 1)?,
            b'(' | b'[' | b'<' | b'>' | b')' => {
                let start = self.data;
                let width = if kind == b')' { 1 } else { 4 };
                let count = self.length(width)?;
                node.before = start.get(..width)?;
                node.children = self.objects(count, depth)?;
                node.split = node.children.len();
            }
            b':' => {
                node.children = self.objects(3, depth)?;
                node.split = 3;
            }
            b'c' => {
                node.before = self.take(4 * self.layout.numbers)?;
                node.children = self.objects(CODE_OBJECTS, depth)?;
                node.split = CODE_OBJECTS;
                node.between = self.take(4)?;
                node.children.extend(self.objects(self.layout.trailing, depth)?);
            }
            // Dictionaries and what older versions of the format had are not part of code.
            _ => return None,
        }
        Some(node)
    }

    fn objects(&mut self, count: usize, depth: u32) -> Option<Vec<usize>> {
        if depth >= DEPTH || count > self.data.len() {
            return None;
        }
        (0..count).map(|_| self.object(depth + 1)).collect()
    }

    /// A signed count of digits of 15 bits.
    fn big_number(&mut self) -> Option<&'a [u8]> {
        let count: [u8; 4] = self.data.get(..4)?.try_into().ok()?;
        let digits = usize::try_from(i32::from_le_bytes(count).unsigned_abs()).ok()?;
        self.take(digits.checked_mul(2)?.checked_add(4)?)
    }
}

/// Sorts the members of frozensets by what they are. An inner one begins after the one around it, so it comes first.
fn sort_sets(nodes: &mut [Node<'_>]) {
    for index in (0..nodes.len()).rev() {
        if !matches!(nodes[index].kind, b'<' | b'>') {
            continue;
        }
        let mut members = std::mem::take(&mut nodes[index].children);
        members.sort_by_cached_key(|member| {
            let mut key = Vec::new();
            write_plain(nodes, *member, &mut key);
            key
        });
        nodes[index].children = members;
    }
}

/// The object without any marks or references.
fn write_plain(nodes: &[Node<'_>], index: usize, out: &mut Vec<u8>) {
    let Some(node) = nodes.get(index) else { return };
    out.push(node.kind);
    out.extend_from_slice(node.before);
    let (first, last) = node.children.split_at(node.split.min(node.children.len()));
    first.iter().for_each(|child| write_plain(nodes, *child, out));
    out.extend_from_slice(node.between);
    last.iter().for_each(|child| write_plain(nodes, *child, out));
}

fn count_uses(nodes: &[Node<'_>], index: usize, uses: &mut [u32]) {
    let (Some(node), Some(count)) = (nodes.get(index), uses.get_mut(index)) else { return };
    *count += 1;
    if *count == 1 {
        node.children.iter().for_each(|child| count_uses(nodes, *child, uses));
    }
}

struct Writer<'a> {
    nodes: &'a [Node<'a>],
    uses: Vec<u32>,
    /// Of marked objects that have begun.
    numbers: Vec<Option<u32>>,
    next: u32,
    out: Vec<u8>,
}

impl Writer<'_> {
    fn object(&mut self, index: usize) {
        let nodes = self.nodes;
        let (Some(node), Some(uses), Some(number)) =
            (nodes.get(index), self.uses.get(index), self.numbers.get_mut(index))
        else {
            return;
        };
        if let Some(number) = number {
            self.out.push(b'r');
            self.out.extend_from_slice(&number.to_le_bytes());
            return;
        }
        let mut kind = node.kind;
        if *uses > 1 {
            kind |= FLAG_REF;
            *number = Some(self.next);
            self.next += 1;
        }
        self.out.push(kind);
        self.out.extend_from_slice(node.before);
        let (first, last) = node.children.split_at(node.split.min(node.children.len()));
        first.iter().for_each(|child| self.object(*child));
        self.out.extend_from_slice(node.between);
        last.iter().for_each(|child| self.object(*child));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PYTHON: ToolVersion = ToolVersion { major: 3, minor: 9, patch: 0 };

    #[test]
    fn marks_without_references_go_and_the_rest_is_renumbered() {
        // ('a' marked, 'bc' marked, the second again)
        let data = [b"\xa9\x03".as_slice(), b"\xfa\x01a", b"\xfa\x02bc", b"r\x02\0\0\0"].concat();
        let expected = [b")\x03".as_slice(), b"z\x01a", b"\xfa\x02bc", b"r\0\0\0\0"].concat();
        assert_eq!(normalise(&data, PYTHON), Some(expected));
    }

    #[test]
    fn a_frozenset_has_one_order() {
        let one = b">\x03\0\0\0Ni\x01\0\0\0z\x01a";
        let other = b">\x03\0\0\0z\x01ai\x01\0\0\0N";
        assert_eq!(normalise(one, PYTHON), normalise(other, PYTHON));
    }

    #[test]
    fn what_is_not_understood_is_left_alone() {
        for data in [&b""[..], b"{N", b"z\x05abc", b"Nrest", b"r\0\0\0\0", b"(\xff\xff\xff\xffN", b"l\xff\xff\xff\x7f"]
        {
            assert_eq!(normalise(data, PYTHON), None, "{data:?}");
        }
        assert_eq!(normalise(b"\xbe\x01\0\0\0r\0\0\0\0", PYTHON), None);
        assert_eq!(normalise(&b")\x01".repeat(100_000), PYTHON), None);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic_and_the_normal_form_is_stable(data: Vec<u8>) {
            if let Some(normal) = normalise(&data, PYTHON) {
                prop_assert_eq!(normalise(&normal, PYTHON), Some(normal.clone()));
            }
        }
    }
}
