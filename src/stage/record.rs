//! `RECORD`: which files a distribution has, with their digests
//! (<https://packaging.python.org/specifications/recording-installed-packages/>). Read from a wheel, written anew for
//! the tree.

use std::collections::HashMap;
use std::io::{self, Read};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// One line, its path as it was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    /// Relative to `site-packages`, or absolute.
    pub path: String,
    /// `sha256=...`; empty for `RECORD` itself and for bytecode.
    pub digest: String,
    /// In bytes, empty where there is no digest.
    pub size: String,
}

/// `sha256=` and the URL-safe base64 of the digest, without padding.
pub(super) fn digest(bytes: &[u8]) -> String {
    format!("sha256={}", URL_SAFE_NO_PAD.encode(Sha256::digest(bytes)))
}

/// As [`digest`], of all that `reader` gives.
pub(super) fn digest_reader(mut reader: impl Read) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = reader.read(&mut buffer)?;
        if read == 0 {
            return Ok(format!("sha256={}", URL_SAFE_NO_PAD.encode(hasher.finalize())));
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
    }
}

/// Path to digest, of the lines that have one a reader can trust: `sha256`, `sha384` or `sha512` (PEP 427 forbids
/// weaker ones).
///
/// # Errors
/// When the text is not CSV, or a path is there twice with different digests.
pub(super) fn parse_digests(text: &str) -> Result<HashMap<String, String>, String> {
    let mut digests = HashMap::new();
    for fields in parse_csv(text)? {
        let mut fields = fields.into_iter();
        let (Some(path), Some(digest)) = (fields.next(), fields.next()) else { continue };
        let strong = ["sha256=", "sha384=", "sha512="].iter().any(|name| digest.starts_with(name));
        if !strong {
            continue;
        }
        if digests.get(&path).is_some_and(|present| *present != digest) {
            return Err(format!("`{path}` is there twice, with different digests"));
        }
        digests.insert(path, digest);
    }
    Ok(digests)
}

/// Records of fields, as Python's `csv` module reads its default dialect.
pub(super) fn parse_csv(text: &str) -> Result<Vec<Vec<String>>, String> {
    let mut records = Vec::new();
    let mut record = Vec::new();
    let mut field = String::new();
    let mut characters = text.chars().peekable();
    let mut quoted = false;
    // An empty line is no record, but a line with an empty quoted field is one.
    let mut begun = false;
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted => {
                if characters.next_if_eq(&'"').is_some() {
                    field.push('"');
                } else {
                    quoted = false;
                }
            }
            _ if quoted => field.push(character),
            '"' if field.is_empty() => {
                quoted = true;
                begun = true;
            }
            ',' => {
                record.push(std::mem::take(&mut field));
                begun = true;
            }
            '\r' | '\n' => {
                if begun || !field.is_empty() {
                    record.push(std::mem::take(&mut field));
                    records.push(std::mem::take(&mut record));
                }
                begun = false;
            }
            _ => field.push(character),
        }
    }
    if quoted {
        return Err("a quote is opened but never closed".to_owned());
    }
    if begun || !field.is_empty() {
        record.push(field);
        records.push(record);
    }
    Ok(records)
}

/// The text of a `RECORD`: sorted by path, quoted where CSV needs it.
pub(super) fn write(mut rows: Vec<Row>) -> String {
    rows.sort();
    rows.dedup();
    let mut text = String::new();
    for row in rows {
        let fields = [&row.path, &row.digest, &row.size].map(|field| quote(field));
        text.push_str(&fields.join(","));
        text.push('\n');
    }
    text
}

fn quote(field: &str) -> String {
    if field.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::strategy::ValueTree;

    use super::*;

    #[test]
    fn digests_are_those_of_the_specification() {
        assert_eq!(digest(b""), "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
        assert_eq!(digest_reader(&b""[..]).unwrap(), digest(b""));
    }

    #[test]
    fn weak_digests_count_as_none_and_contradictions_are_errors() {
        let digests = parse_digests("a,md5=x,1\r\nb,sha256=y,2\n\nc/RECORD,,\n").unwrap();
        assert_eq!(digests, HashMap::from([("b".to_owned(), "sha256=y".to_owned())]));
        assert!(parse_digests("a,sha256=x,\na,sha256=y,\n").is_err());
        assert!(parse_digests("\"a").is_err());
    }

    proptest! {
        #[test]
        fn python_reads_what_is_written(paths in proptest::collection::btree_set("[ -~é\n]{1,8}", 1..6)) {
            let rows = paths.iter().map(|path| Row { path: path.clone(), digest: "sha256=x".into(), size: "1".into() });
            let text = write(rows.collect());
            let read = parse_csv(&text).unwrap().into_iter().map(|record| record[0].clone()).collect::<Vec<_>>();
            prop_assert_eq!(read, paths.iter().cloned().collect::<Vec<_>>());
        }
    }

    /// Texts that csv is likely to read in its own way.
    fn texts() -> Vec<String> {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let text = "([ab]|\"|\"\"|,|\n|\r\n|\r| |é|\\\\|'|\t){0,14}";
        (0..2000).map(|_| text.new_tree(&mut runner).unwrap().current()).collect()
    }

    /// What `csv` makes of each text, `None` for an error. One run of Python: starting it for each would take minutes.
    fn read_by_python(texts: &[String]) -> Vec<Option<Vec<Vec<String>>>> {
        let script = "import csv, io, json, sys\n\
                      def read(text):\n\
                      \x20   try:\n\
                      \x20       return [r for r in csv.reader(io.StringIO(text, newline='')) if r]\n\
                      \x20   except csv.Error:\n\
                      \x20       return None\n\
                      print(json.dumps([read(text) for text in json.load(open(sys.argv[1]))]))";
        let file = tempfile::NamedTempFile::new().unwrap();
        fs_err::write(file.path(), serde_json::to_string(texts).unwrap()).unwrap();
        let python = which::which("python3").unwrap();
        let command = crate::exec::Command::new(python).args(["-c", script]).arg(file.path());
        serde_json::from_slice(&command.run_checked().unwrap().stdout).unwrap()
    }

    #[test]
    fn any_text_is_read_as_the_csv_module_reads_it_or_refused() {
        let texts = texts();
        for (text, expected) in texts.iter().zip(read_by_python(&texts)) {
            // A quote that is never closed is an end for Python; here it is damage.
            match parse_csv(text) {
                Ok(read) => assert_eq!(Some(read), expected, "{text:?}"),
                Err(_) => assert!(text.contains('"'), "{text:?}"),
            }
        }
    }

    #[test]
    fn the_csv_module_reads_what_is_written() {
        let paths = texts().into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>();
        let row = |path: &String| Row { path: path.clone(), digest: "sha256=x".into(), size: "1".into() };
        let written = paths.iter().map(|path| write(vec![row(path)])).collect::<Vec<_>>();
        let expected = |path: &String| Some(vec![vec![path.clone(), "sha256=x".to_owned(), "1".to_owned()]]);
        assert_eq!(read_by_python(&written), paths.iter().map(expected).collect::<Vec<_>>());
    }
}
