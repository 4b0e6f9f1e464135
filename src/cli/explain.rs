//! `omnipack explain`: what an error code means, why it is an error, and an example with its correction.
//!
//! The texts are in `explanations/`, one Markdown file for each floor, with a section `## floor::name: title` for each
//! code. A code block says what it is after its language: `error` or `fixed`; `file=NAME` where it is not `omnipack.toml`;
//! `distribution=NAME` and `generate-spec` for who it goes wrong for. `tests/explanations.rs` tries those examples, less what
//! is marked `shown`, so that none of them lies.

use std::fmt::Write as _;

use clap::CommandFactory;
use serde::Serialize;

use super::arguments::{Cli, ExplainArgs};
use super::failure::Failure;
use super::{colored, print, print_json};

macro_rules! floors {
    ($($name:literal),* $(,)?) => {
        &[$(Floor { name: $name, text: include_str!(concat!("explanations/", $name, ".md")) }),*]
    };
}

/// First halves of codes, with the file that explains them.
const FLOORS: &[Floor] = floors![
    "build",
    "builder",
    "bytecode",
    "ci",
    "debian",
    "distribution",
    "exec",
    "format",
    "gate",
    "hint",
    "init",
    "matrix",
    "package",
    "plan",
    "project",
    "repository",
    "requirement",
    "resolve",
    "service",
    "smoke",
    "spec",
    "stage",
    "template",
];

/// How many codes are suggested for one that there is not.
const SUGGESTED: usize = 3;

/// How many codes are named that all end as was asked for.
const NAMED: usize = 16;

struct Floor {
    name: &'static str,
    text: &'static str,
}

/// What there is to say about one error code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// `floor::name`
    pub code: &'static str,
    /// What went wrong, in a few words.
    pub title: &'static str,
    /// Markdown, without the heading.
    #[serde(rename = "explanation")]
    pub text: &'static str,
}

/// A part of an explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block<'a> {
    Prose(Vec<&'a str>),
    Code {
        language: &'a str,
        /// What stands after the language.
        marks: Vec<&'a str>,
        lines: Vec<&'a str>,
    },
}

impl Explanation {
    /// The first half of the code.
    #[must_use]
    pub fn floor(&self) -> &'static str {
        self.code.split("::").next().unwrap_or_default()
    }

    /// Its parts in order.
    #[must_use]
    pub fn blocks(&self) -> Vec<Block<'static>> {
        let mut blocks = Vec::new();
        let mut lines = self.text.lines();
        while let Some(line) = lines.next() {
            if let Some(info) = line.strip_prefix("```") {
                let mut words = info.split(',');
                let language = words.next().unwrap_or_default();
                let inside = lines.by_ref().take_while(|line| *line != "```").collect();
                blocks.push(Block::Code { language, marks: words.collect(), lines: inside });
            } else if let Some(Block::Prose(prose)) = blocks.last_mut() {
                prose.push(line);
            } else {
                blocks.push(Block::Prose(vec![line]));
            }
        }
        blocks
    }

    fn render(&self, color: bool) -> String {
        let bold = |text: &str| if color { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() };
        let mut text = format!("{}\n\n", bold(&format!("{}: {}", self.code, self.title)));
        for block in self.blocks() {
            match block {
                Block::Prose(lines) => {
                    for line in lines {
                        // Two together would be left where a block is left out.
                        if !(line.is_empty() && text.ends_with("\n\n")) {
                            text.extend([line, "\n"]);
                        }
                    }
                }
                // A file that only has to be there, for the example to be tried.
                Block::Code { lines, .. } if lines.is_empty() => {}
                Block::Code { marks, lines, .. } => {
                    text.extend(label(&marks).map(|label| format!("{}\n\n", bold(&label))));
                    for line in lines {
                        text.push_str(format!("    {line}").trim_end());
                        text.push('\n');
                    }
                }
            }
        }
        text
    }
}

/// What stands above a code block: `Wrong, in requirements.txt:`
fn label(marks: &[&str]) -> Option<String> {
    let word = match *marks.first()? {
        "error" => "Wrong",
        "fixed" => "Right",
        _ => return None,
    };
    let file = marks.iter().find_map(|mark| mark.strip_prefix("file="));
    let target = marks.iter().find_map(|mark| mark.strip_prefix("distribution="));
    let file = file.map(|file| format!(", in {file}")).unwrap_or_default();
    let target = target.map(|target| format!(", for {target}")).unwrap_or_default();
    Some(format!("{word}{file}{target}:"))
}

/// Prints one explanation, or which there are.
///
/// # Errors
/// When nothing can be printed. A code that there is not ends the program, as other mistakes of the command line do.
pub fn run(arguments: &ExplainArgs) -> Result<(), Failure> {
    let all = all();
    let Some(wanted) = &arguments.code else {
        return if arguments.output.json { print_json(&all) } else { print(&list(&all)) };
    };
    match find(&all, wanted) {
        Ok(found) if arguments.output.json => print_json(found),
        Ok(found) => print(&found.render(colored(arguments.output.messages.color, super::stdout_is_terminal()))),
        Err(near) => refuse(wanted, &near),
    }
}

/// Every explanation, by floor.
#[must_use]
pub fn all() -> Vec<Explanation> {
    FLOORS.iter().flat_map(|floor| floor.text.split("\n## ").skip(1).filter_map(section)).collect()
}

/// Is there an explanation of `code`?
pub(super) fn has(code: &str) -> bool {
    all().iter().any(|one| one.code == code)
}

fn section(text: &'static str) -> Option<Explanation> {
    let (heading, text) = text.split_once('\n')?;
    let (code, title) = heading.split_once(": ")?;
    Some(Explanation { code, title, text: text.trim() })
}

/// One line for each code below the heading of its floor.
fn list(all: &[Explanation]) -> String {
    let width = all.iter().map(|one| one.code.len()).max().unwrap_or_default();
    let mut text = String::new();
    for Floor { name, text: file } in FLOORS {
        let heading = file.lines().next().unwrap_or_default().trim_start_matches("# ");
        let _ = writeln!(text, "{heading}");
        for one in all.iter().filter(|one| one.floor() == *name) {
            let _ = writeln!(text, "  {:width$}  {}", one.code, one.title);
        }
        text.push('\n');
    }
    text + "`omnipack explain CODE` says more about one of them.\n"
}

/// The explanation of `wanted`: a code, or the end of one, in whatever case. Or else the codes that may be meant.
fn find<'a>(all: &'a [Explanation], wanted: &str) -> Result<&'a Explanation, Vec<&'static str>> {
    let wanted = wanted.trim().to_lowercase().replace('-', "_");
    let name = |one: &Explanation| one.code.split("::").last() == Some(wanted.as_str());
    let codes = |found: &[&Explanation]| found.iter().map(|one| one.code).collect::<Vec<_>>();
    if let Some(found) = all.iter().find(|one| one.code == wanted) {
        return Ok(found);
    }
    let ends: [&dyn Fn(&Explanation) -> bool; 2] = [&name, &|one| one.code.ends_with(&wanted)];
    for is_meant in ends {
        match all.iter().filter(|one| is_meant(one)).collect::<Vec<_>>().as_slice() {
            [] => {}
            [found] => return Ok(found),
            several if several.len() <= NAMED => return Err(codes(several)),
            // Half of all, for a letter or nothing.
            _ => return Err(Vec::new()),
        }
    }
    let likeness = |one: &&Explanation| {
        let name = one.code.split("::").last().unwrap_or_default();
        strsim::normalized_damerau_levenshtein(&wanted, one.code)
            .max(strsim::normalized_damerau_levenshtein(&wanted, name))
    };
    let mut near = all.iter().filter(|one| likeness(one) > 0.7).collect::<Vec<_>>();
    near.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)));
    near.truncate(SUGGESTED);
    Err(codes(&near))
}

fn refuse(wanted: &str, near: &[&str]) -> ! {
    let mut message = format!("there is no error code `{}`", super::text::shown(wanted));
    let near = near.iter().map(|code| format!("`{code}`")).collect::<Vec<_>>();
    if !near.is_empty() {
        let _ = write!(message, "; did you mean {}?", near.join(" or "));
    }
    message.push_str("\n\n  tip: `omnipack explain` lists all");
    let mut command = Cli::command();
    command.build();
    let kind = clap::error::ErrorKind::InvalidValue;
    match command.find_subcommand_mut("explain") {
        Some(explain) => explain.error(kind, message).exit(),
        None => command.error(kind, message).exit(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn a_code_is_found_by_its_end() {
        let all = all();
        let code = |wanted: &str| find(&all, wanted).map(|one| one.code);
        assert_eq!(code("resolve::needs_compiler"), Ok("resolve::needs_compiler"));
        assert_eq!(code("RESOLVE::Needs_Compiler"), Ok("resolve::needs_compiler"));
        assert_eq!(code("needs_compiler"), Ok("resolve::needs_compiler"));
        assert_eq!(code("needs-compiler"), Ok("resolve::needs_compiler"));
        assert_eq!(code("_mismatch"), Ok("resolve::hash_mismatch"));
        assert_eq!(code("requires_python"), Ok("plan::requires_python"), "not what only ends in `python`");
        assert!(["plan::duplicate", "stage::duplicate"].iter().all(|one| code("duplicate").unwrap_err().contains(one)));
        assert_eq!(code("projct::configuraton").unwrap_err()[0], "project::configuration");
        assert_eq!(code("plan::pyton"), Err(vec!["plan::python"]));
        assert!(code("io").unwrap_err().contains(&"build::io"));
        assert_eq!(code("xyzzy"), Err(Vec::new()));
        assert_eq!(code(""), Err(Vec::new()));
    }

    #[test]
    fn a_code_block_is_shown_with_what_it_is() {
        let text = "Words.\n\n```toml,error,distribution=centos-6\na = 1\n\nb = 2\n```\n\n```text,error,file=b\n```\n\n\
                    ```text,fixed,file=a.txt\nx\n```";
        let one = Explanation { code: "a::b", title: "It is wrong", text };
        let expected = "a::b: It is wrong\n\nWords.\n\nWrong, for centos-6:\n\n    a = 1\n\n    b = 2\n\n\
                        Right, in a.txt:\n\n    x\n";
        assert_eq!(one.render(false), expected);
        assert!(one.render(true).starts_with("\u{1b}[1ma::b: It is wrong\u{1b}[0m\n"));
    }

    #[test]
    fn every_command_line_in_an_explanation_can_be_typed() {
        let mut count = 0;
        for one in all() {
            for block in one.blocks() {
                let Block::Code { language: "sh", lines, .. } = block else { continue };
                for words in lines.iter().flat_map(|line| commands(line)) {
                    let parsed = Cli::try_parse_from(&words);
                    let wrong = parsed.err().filter(|error| error.kind() != clap::error::ErrorKind::DisplayVersion);
                    assert!(wrong.is_none(), "{}: {words:?}: {}", one.code, wrong.unwrap());
                    count += 1;
                }
            }
        }
        assert!(count > 30, "only {count} command lines were found");
    }

    /// The words of each `omnipack ...` in a line for a shell.
    fn commands(line: &str) -> Vec<Vec<&str>> {
        let words = line.split_whitespace().take_while(|word| *word != "#").collect::<Vec<_>>();
        let simple = words.split(|word| ["&", "&&", "|", ">", "\\"].contains(word));
        let start = |words: &[&str]| words.iter().position(|word| *word == "omnipack");
        simple.filter_map(|words| start(words).map(|start| words[start..].to_vec())).collect()
    }
}
