//! repodata, as createrepo_c makes it: `repomd.xml` names the files and their digests, `primary` has the packages with what
//! they provide and the files that are asked for most, `filelists` all files.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{Read, Seek};

use fs_err::File;
use sha2::digest::DynDigest;

use super::Error;
use super::expression::Capability;
use super::index::{Entry, Id, Index};
use super::open::unpacked;
use super::place::Place;
use super::range::Sense;
use super::xml::{Document, Element, Node};

/// Of a file that does not say how large it is, in bytes: Fedora's `filelists` have one GiB.
const SIZE: u64 = 16 << 30;
/// Of `repomd.xml`, in bytes.
const REPOMD_SIZE: u64 = 4 << 20;

/// A repository of which `repomd.xml` was read.
#[derive(Debug)]
pub struct Repodata {
    place: Place,
    /// By type: `primary`, `filelists`.
    files: BTreeMap<String, Data>,
}

/// One file of it.
#[derive(Debug, Default)]
struct Data {
    /// Below the repository: `repodata/…-primary.xml.gz`.
    href: String,
    /// Kind (`sha256`) and digest.
    checksum: Option<(String, String)>,
    /// Bytes, unpacked.
    open_size: Option<u64>,
}

impl Repodata {
    /// # Errors
    /// When there is no `repomd.xml`, or it is damaged.
    pub fn open(place: Place) -> Result<Self, Error> {
        let (file, label) = place.repomd()?;
        let damaged = |reason: String| Error::Damaged { file: label.clone(), reason };
        let mut document = Document::new(file, REPOMD_SIZE);
        let mut files = BTreeMap::new();
        let mut current: Option<(String, Data)> = None;
        let mut checksum_kind = String::new();
        let mut root = None;
        loop {
            match document.next().map_err(damaged)? {
                Node::Open(element) => {
                    let name = local(&element.name);
                    root.get_or_insert_with(|| name.to_owned());
                    match (name, &mut current) {
                        ("data", _) => {
                            current = Some((element.attribute("type").unwrap_or_default().to_owned(), Data::default()));
                        }
                        ("checksum", _) => {
                            checksum_kind = element.attribute("type").unwrap_or_default().to_lowercase();
                        }
                        ("location", Some((_, data))) => {
                            data.href = element.attribute("href").unwrap_or_default().to_owned();
                        }
                        _ => {}
                    }
                }
                Node::Close(name, text) => match (local(&name), &mut current) {
                    ("checksum", Some((_, data))) => {
                        data.checksum = Some((checksum_kind.clone(), text.trim().to_lowercase()));
                    }
                    ("open-size", Some((_, data))) => {
                        let size = text.trim().parse();
                        let bad = |_| damaged(format!("`{}` is no size of a file", text.trim().escape_debug()));
                        data.open_size = Some(size.map_err(bad)?);
                    }
                    ("data", _) => files.extend(current.take()),
                    _ => {}
                },
                Node::End => break,
            }
        }
        if root.as_deref() != Some("repomd") {
            return Err(damaged("it is not the `repomd.xml` of a repository".to_owned()));
        }
        Ok(Self { place, files })
    }

    /// Adds all packages that fit to `index`.
    ///
    /// # Errors
    /// When `primary` is missing, damaged or not what `repomd.xml` says.
    pub fn read_packages(&self, fits: &dyn Fn(&str) -> bool, index: &mut Index) -> Result<(), Error> {
        let Some(data) = self.files.get("primary") else {
            let reason = "it names no `primary` data".to_owned();
            return Err(Error::Damaged { file: self.place.label("repomd.xml"), reason });
        };
        let mut entry = Entry::default();
        let mut list = String::new();
        self.each(data, |node| match node {
            Node::Open(element) => match local(&element.name) {
                "package" => entry = Entry::default(),
                "version" => entry.version = evr(element),
                "provides" | "requires" | "conflicts" | "obsoletes" => list = local(&element.name).to_owned(),
                "entry" if list == "provides" => entry.provides.extend(capability(element)),
                _ => {}
            },
            Node::Close(name, text) => match local(name) {
                "name" => entry.name = std::mem::take(text),
                "arch" => entry.architecture = std::mem::take(text),
                "file" => entry.files.push(std::mem::take(text)),
                "provides" => list.clear(),
                "package" => {
                    let entry = std::mem::take(&mut entry);
                    if fits(&entry.architecture) {
                        index.add(entry);
                    } else {
                        index.pass_over(&entry.architecture);
                    }
                }
                _ => {}
            },
            Node::End => {}
        })
    }

    /// The packages that have files of `paths`, which `primary` may not list.
    ///
    /// # Errors
    /// When `filelists` are damaged or not what `repomd.xml` says.
    pub fn find_files(
        &self,
        paths: &BTreeSet<&str>,
        known: &HashMap<(&str, &str, &str), Id>,
    ) -> Result<Vec<(Id, String)>, Error> {
        let Some(data) = self.files.get("filelists") else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        let (mut name, mut architecture, mut version) = (String::new(), String::new(), String::new());
        self.each(data, |node| match node {
            Node::Open(element) => match local(&element.name) {
                "package" => {
                    name = element.attribute("name").unwrap_or_default().to_owned();
                    architecture = element.attribute("arch").unwrap_or_default().to_owned();
                }
                "version" => version = evr(element),
                _ => {}
            },
            Node::Close(tag, text) if local(tag) == "file" && paths.contains(text.as_str()) => {
                if let Some(id) = known.get(&(name.as_str(), version.as_str(), architecture.as_str())) {
                    found.push((*id, std::mem::take(text)));
                }
            }
            Node::Close(..) | Node::End => {}
        })?;
        Ok(found)
    }

    /// Hands every node of a file on, once its digest is right.
    fn each(&self, data: &Data, mut node: impl FnMut(&mut Node)) -> Result<(), Error> {
        let is_sha256 = |(kind, digest): &&(String, String)| {
            kind == "sha256" && digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        let sha256 = data.checksum.as_ref().filter(is_sha256).map(|(_, digest)| digest.as_str());
        let (mut file, label) = self.place.file(&data.href, sha256)?;
        if let Some((kind, expected)) = &data.checksum {
            verify(&mut file, &label, kind, expected)?;
        }
        let damaged = |reason: String| Error::Damaged { file: label.clone(), reason };
        let unpacked = unpacked(file).map_err(|error| damaged(error.to_string()))?;
        let mut document = Document::new(unpacked, data.open_size.unwrap_or(SIZE));
        loop {
            match document.next().map_err(damaged)? {
                Node::End => return Ok(()),
                mut other => node(&mut other),
            }
        }
    }
}

/// The name without the prefix of its namespace, which is `rpm:` by custom only.
fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// `epoch:version-release` of the attributes; an epoch of 0 is left out.
fn evr(element: &Element) -> String {
    let part = |name: &str| element.attribute(name).unwrap_or_default();
    let mut text = match part("epoch") {
        "" | "0" => part("ver").to_owned(),
        epoch => format!("{epoch}:{}", part("ver")),
    };
    if !part("rel").is_empty() {
        text.push('-');
        text.push_str(part("rel"));
    }
    text
}

fn capability(element: &Element) -> Option<Capability> {
    let name = element.attribute("name")?.to_owned();
    let version = element.attribute("flags").and_then(Sense::of).map(|sense| (sense, evr(element)));
    Some(Capability { name, version: version.filter(|(_, version)| !version.is_empty()) })
}

fn verify(file: &mut File, label: &str, kind: &str, expected: &str) -> Result<(), Error> {
    let mut digest: Box<dyn DynDigest> = match kind {
        "sha256" => Box::new(sha2::Sha256::default()),
        "sha512" => Box::new(sha2::Sha512::default()),
        "sha384" => Box::new(sha2::Sha384::default()),
        "sha224" => Box::new(sha2::Sha224::default()),
        // createrepo calls SHA-1 `sha` (EL 5).
        "sha" | "sha1" => Box::new(sha1::Sha1::default()),
        "md5" => Box::new(md5::Md5::default()),
        other => {
            let reason = format!("its digest is of a kind that is not known, `{}`", other.escape_debug());
            return Err(Error::Damaged { file: label.to_owned(), reason });
        }
    };
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            count => digest.update(buffer.get(..count).unwrap_or_default()),
        }
    }
    file.rewind()?;
    let got = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    if got == expected {
        return Ok(());
    }
    Err(Error::Checksum { file: label.to_owned(), kind: kind.to_owned(), expected: expected.to_owned(), got })
}
