//! A licence file of a distribution, read: statements of copyright taken out of its head, the rest as text.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::names::{self, Common};
use crate::stage::Content;

/// A file that is longer is named, not repeated.
const LARGEST: u64 = 1 << 20;
/// Statements taken from one file. More stand in its text, which is there as well.
const MOST_STATEMENTS: usize = 50;
/// Where a statement of copyright has a gap to fill in.
const PLACEHOLDERS: [&str; 8] =
    ["yyyy", "<year>", "[year]", "{year}", "name of author", "name of copyright owner", "copyright holder", "19xx"];

/// One licence file.
#[derive(Debug, Clone)]
pub struct Material {
    /// As a reader knows it: `LICENSE.BSD`.
    pub file: String,
    pub kind: Kind,
    /// The text is one that Debian has.
    pub common: Option<&'static Common>,
    /// Short name by the words of the text.
    pub name: Option<&'static str>,
    /// `2010 Pallets`, without the word copyright.
    pub statements: Vec<String>,
    /// Lines without white space or control characters at their end; empty when there is nothing but statements.
    pub text: String,
    /// The same for texts that differ in white space, case and quotes only.
    pub key: [u8; 32],
}

/// What a file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Terms,
    /// `AUTHORS`
    People,
}

impl Material {
    /// Reads `content`, as much of it as fits into `budget` bytes, which are taken off; `path` is where the file lies
    /// on the target.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(file: &str, content: &Content, path: &str, budget: &mut u64) -> io::Result<Self> {
        let size = content.size();
        if size > LARGEST.min(*budget) {
            let note = format!("This text of {size} bytes is too long to be repeated here. It is in {path}");
            return Ok(Self::verbatim(file, note));
        }
        *budget -= size;
        let mut bytes = Vec::new();
        content.open()?.read_to_end(&mut bytes)?;
        Ok(Self::of_text(file, &decode(&bytes)))
    }

    /// `text` with its head taken apart.
    pub fn of_text(file: &str, text: &str) -> Self {
        let is_people = file.rsplit('/').next().unwrap_or(file).to_uppercase().starts_with("AUTHORS");
        let lines = clean_lines(text);
        if is_people {
            return Self { kind: Kind::People, ..Self::verbatim(file, lines.join("\n")) };
        }
        let (mut statements, body) = split_head(&lines);
        let plain = plain(&body.join(" "));
        let common = names::common_text(&plain).or_else(|| names::common_text(&self::plain(&lines.join(" "))));
        if statements.is_empty() {
            // The GNU licences have the copyright of their own text in their head.
            let of_work = |line: &&String| !line.contains("Free Software Foundation");
            statements = lines.iter().filter(of_work).filter_map(|line| statement(line)).collect();
        }
        statements.truncate(MOST_STATEMENTS);
        Self {
            name: names::name_of_text(&plain),
            common,
            statements,
            key: Sha256::digest(&plain).into(),
            text: without_common_texts(body).join("\n"),
            kind: Kind::Terms,
            file: file.to_owned(),
        }
    }

    fn verbatim(file: &str, text: String) -> Self {
        let key = Sha256::digest(plain(&text)).into();
        Self { file: file.to_owned(), kind: Kind::Terms, common: None, name: None, statements: Vec::new(), text, key }
    }
}

/// UTF-8, or what is older and was never anything else in licence files: Latin-1.
fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.trim_start_matches('\u{feff}').to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// Lines without control characters and white space at their end, without what all of them are indented by, without
/// empty ones at both ends.
fn clean_lines(text: &str) -> Vec<String> {
    let text = text.replace("\r\n", "\n");
    // What any reader may take for the end of a line.
    let breaks = |c: char| matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let clean = |line: &str| {
        let line = line.replace('\t', "        ");
        line.chars().filter(|c| !c.is_control()).collect::<String>().trim_end().to_owned()
    };
    let lines = text.split(breaks).map(clean).collect::<Vec<_>>();
    let indent = |line: &String| line.len() - line.trim_start_matches(' ').len();
    let all = lines.iter().filter(|line| !line.is_empty()).map(indent).min().unwrap_or(0);
    let lines = lines.into_iter().map(|line| line.get(all..).unwrap_or_default().to_owned()).collect::<Vec<_>>();
    let first = lines.iter().position(|line| !line.is_empty()).unwrap_or(lines.len());
    let last = lines.iter().rposition(|line| !line.is_empty()).map_or(first, |last| last + 1);
    lines.get(first..last).unwrap_or_default().to_vec()
}

/// A file that lists the licences of several parts may hold texts that Debian has: a reference stands for each.
fn without_common_texts(lines: &[String]) -> Vec<String> {
    let plain = lines.iter().map(|line| plain(line)).collect::<Vec<_>>();
    let mut kept = Vec::with_capacity(lines.len());
    let mut index = 0;
    while let (Some(line), Some(rest)) = (lines.get(index), plain.get(index..)) {
        match names::common_lines(rest) {
            Some((common, count)) => {
                kept.push(common.reference());
                index += count;
            }
            None => {
                kept.push(line.clone());
                index += 1;
            }
        }
    }
    kept
}

/// Statements of copyright at the beginning, and what comes after them, after the name of the licence and after "All
/// rights reserved".
fn split_head(lines: &[String]) -> (Vec<String>, &[String]) {
    let mut statements = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let underline = !line.is_empty() && line.chars().all(|c| "=-~*# ".contains(c));
        let reserved = plain(line).trim_matches(|c: char| "#*. ".contains(c)) == "all rights reserved";
        if let Some(statement) = statement(line) {
            statements.push(statement);
        } else if !(line.is_empty() || underline || reserved || names::is_heading(line)) {
            return (statements, lines.get(index..).unwrap_or_default());
        }
    }
    (statements, &[])
}

/// `Copyright (c) 2010 Pallets` gives `2010 Pallets`. A line that only speaks of copyright is none.
fn statement(line: &str) -> Option<String> {
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_start_matches(|c: char| "*#/;%|-.: ".contains(c));
    let lower = line.to_lowercase();
    if lower.len() > 500 || PLACEHOLDERS.iter().any(|gap| lower.contains(gap)) {
        return None;
    }
    // Lower case may have another length; ASCII in front has not.
    let word = "copyright";
    let has_word = lower.starts_with(word);
    let mut rest = if has_word { line.get(word.len()..)? } else { line };
    let mut sign = false;
    loop {
        let trimmed = rest.trim_start_matches([' ', ':', ',']);
        let cut = ["(c)", "(C)", "©", "&copy;"].iter().find_map(|mark| trimmed.strip_prefix(mark));
        match cut {
            Some(cut) => (rest, sign) = (cut, true),
            None => {
                rest = trimmed;
                break;
            }
        }
    }
    let digits = rest.chars().take(4).collect::<String>();
    let year = digits.parse::<u32>().is_ok_and(|year| (1900..2200).contains(&year));
    let is_statement = if has_word { sign || year } else { sign && year };
    (is_statement && !rest.is_empty()).then(|| rest.to_owned())
}

/// Lower case, single spaces, no quotes.
fn plain(text: &str) -> String {
    let quotes = |c: char| matches!(c, '\'' | '`' | '‘' | '’' | '“' | '”');
    let text = text.to_lowercase().replace(quotes, "\"");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPAT: &str = "The MIT License (MIT)\n=====================\n\nCopyright (c) 2010 Ada\nCopyright © 2011-2014 Bob\n\
                         All rights reserved.\n\nPermission is hereby granted, free of charge, to any person obtaining a copy\n\
                         of this. The above copyright notice and this permission notice shall be included.\n";

    #[test]
    fn the_head_is_taken_apart() {
        let material = Material::of_text("LICENSE", EXPAT);
        assert_eq!(material.statements, ["2010 Ada", "2011-2014 Bob"]);
        assert!(material.text.starts_with("Permission is hereby granted"), "{}", material.text);
        assert_eq!(material.name, Some("Expat"));
        let other = Material::of_text(
            "LICENSE.md",
            &EXPAT.replace("2010 Ada", "2020 Eve").replace("any person", "any\n   person"),
        );
        assert_eq!(material.key, other.key);
    }

    #[test]
    fn only_statements_are_statements() {
        for (line, expected) in [
            ("Copyright 2010 Pallets", Some("2010 Pallets")),
            ("# Copyright: (C) Ada", Some("Ada")),
            ("© 2004 X", Some("2004 X")),
            ("   (c) 2004, Y", Some("2004, Y")),
            ("Copyright (c) <year> <copyright holders>", None),
            ("Copyright [yyyy] [name of copyright owner]", None),
            ("copyright notice, this list of conditions", None),
            ("(c) You must retain", None),
            ("Copyright", None),
        ] {
            assert_eq!(statement(line).as_deref(), expected, "{line}");
        }
    }

    /// The texts of Debian itself, where the test runs on one, and as the index has them: with a notice, indented.
    #[test]
    fn common_texts_are_recognised() {
        let directory = std::path::Path::new("/usr/share/common-licenses");
        let Ok(files) = fs_err::read_dir(directory) else { return };
        let mut seen = 0;
        for file in files.map(|file| file.unwrap().path()).filter(|file| !file.is_symlink()) {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            let text = decode(&fs_err::read(&file).unwrap());
            let with_notice = format!("Copyright 2020 Ada\n\n{}", text.replace('\n', "\n    "));
            for text in [text, with_notice] {
                let found = Material::of_text("LICENSE", &text).common.map(|common| common.file.clone());
                assert_eq!(found, Some(name.clone()).filter(|name| name != "BSD"), "{name}");
            }
            seen += 1;
        }
        assert!(seen > 5, "only {seen} texts");
    }

    #[test]
    fn a_long_text_that_holds_a_common_one_is_not_cut() {
        let Ok(apache) = fs_err::read_to_string("/usr/share/common-licenses/Apache-2.0") else { return };
        let more = format!("First\n\n{apache}\n{}", "and these parts are by others ".repeat(100));
        let material = Material::of_text("LICENSE", &more);
        assert_eq!(material.common, None);
        assert!(
            material.text.starts_with("First\n\n\nThe text of the Apache License, Version 2.0 is in"),
            "{}",
            material.text
        );
        assert!(material.text.contains("APPENDIX") && material.text.ends_with("by others"), "{}", material.text);
        // Without its end, there is no knowing where it ends.
        let cut = more.replace("END OF TERMS", "END OF");
        assert!(Material::of_text("LICENSE", &cut).text.contains("Grant of Patent License"));
    }

    #[test]
    fn latin_1_is_read() {
        let text = decode(b"Copyright \xa9 2001 J\xfcrgen\n");
        assert_eq!(Material::of_text("LICENSE", &text).statements, ["2001 Jürgen"]);
    }

    #[test]
    fn what_is_too_long_is_named() {
        let content = Content::Bytes(vec![b'a'; 2 << 20].into());
        let mut budget = u64::MAX;
        let material = Material::read("LICENSE", &content, "/opt/app/LICENSE", &mut budget).unwrap();
        assert!(
            material.text.contains("2097152 bytes") && material.text.contains("/opt/app/LICENSE"),
            "{}",
            material.text
        );
        let mut budget = 5;
        let content = Content::Bytes(b"123456".as_slice().into());
        let material = Material::read("LICENSE", &content, "/opt/app/LICENSE", &mut budget).unwrap();
        assert!(material.text.contains("6 bytes"), "{}", material.text);
    }

    #[test]
    fn no_reader_finds_an_end_of_line_in_a_line() {
        let lines = clean_lines("a\u{85}b\u{2028}c\u{c}d\re\r\nf\u{1c}g\t.\u{7}");
        assert_eq!(lines, ["a", "b", "c", "d", "e", "fg        ."]);
    }
}
