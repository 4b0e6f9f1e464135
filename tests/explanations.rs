//! `omnipack explain`: every error code has an explanation, and no explanation lies. Examples that are marked as wrong are
//! tried and have to give their code; their corrections have to be accepted.

mod handmade;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use handmade::{WheelMaker, omnipack};
use miette::Diagnostic as _;
use omnipack::build::{self, KeepStage, Request};
use omnipack::check;
use omnipack::cli::explain::{Block, Explanation, all};
use omnipack::progress::Silent;
use omnipack::resolve;
use rayon::prelude::*;

const TEXTS: &str = "src/cli/explanations";

/// What examples are for where they do not say it.
const DISTRIBUTION: &str = "rocky-9";

// ---------------------------------------------------------------------------------------------------------------------
// Codes and explanations

/// Every `code(floor::name)` of the sources, with its place.
fn codes() -> BTreeMap<String, String> {
    let mut codes = BTreeMap::new();
    for found in walkdir::WalkDir::new("src").sort_by_file_name() {
        let found = found.unwrap();
        if found.path().extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = fs_err::read_to_string(found.path()).unwrap();
        let mut at = 0;
        while let Some(start) = text[at..].find("code(") {
            at += start + "code(".len();
            let code = text[at..].split(')').next().unwrap_or_default().trim();
            let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_:".contains(c);
            if code.contains("::") && code.chars().all(sound) {
                let line = text[..at].lines().count();
                codes.entry(code.to_owned()).or_insert_with(|| format!("{}:{line}", found.path().display()));
            }
        }
    }
    assert!(codes.len() > 120, "only {} codes were found: the test no longer reads the code", codes.len());
    codes
}

#[test]
fn every_code_is_explained_and_nothing_else_is() {
    let codes = codes();
    let explained = all().iter().map(|one| one.code).collect::<Vec<_>>();
    let mut wrong = Vec::new();
    for (code, place) in &codes {
        let floor = code.split("::").next().unwrap();
        let file = format!("{TEXTS}/{floor}.md");
        if !Path::new(&file).exists() {
            wrong.push(format!(
                "{place}: `{code}` is of a floor without explanations: make {file}, which begins with `# ` and what the \
                 floor is for, and put \"{floor}\" into `floors!` in src/cli/explain.rs"
            ));
        } else if !explained.contains(&code.as_str()) {
            wrong.push(format!(
                "{place}: `{code}` has no explanation: add a section `## {code}: Title` to {file}, with what it means, \
                 an example as ```toml,error and its correction as ```toml,fixed (see the head of src/cli/explain.rs)"
            ));
        }
    }
    for code in explained.iter().filter(|code| !codes.contains_key(**code)) {
        wrong.push(format!("{TEXTS}: `{code}` is explained, and no error has it: take the section out"));
    }
    let once = explained.iter().collect::<BTreeSet<_>>();
    assert_eq!(once.len(), explained.len(), "a code is explained twice");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_explanation_is_in_the_file_of_its_floor() {
    for entry in fs_err::read_dir(TEXTS).unwrap() {
        let path = entry.unwrap().path();
        let text = fs_err::read_to_string(&path).unwrap();
        assert!(text.starts_with("# "), "{}: begin with a heading for the floor", path.display());
        let floor = path.file_stem().unwrap().to_str().unwrap();
        let sections = text.lines().filter_map(|line| line.strip_prefix("## ")).collect::<Vec<_>>();
        assert!(!sections.is_empty(), "{} has no sections", path.display());
        for heading in sections {
            assert!(heading.starts_with(&format!("{floor}::")), "{}: `## {heading}`", path.display());
            let listed = all().iter().any(|one| heading == format!("{}: {}", one.code, one.title));
            assert!(listed, "{}: `## {heading}` is not read: is it `## floor::name: Title`?", path.display());
        }
    }
}

#[test]
fn explanations_are_short_and_have_an_example_with_its_correction() {
    for one in all() {
        let Explanation { code, title, text } = one;
        let blocks = one.blocks();
        let prose = blocks.iter().map(|block| match block {
            Block::Prose(lines) => lines.iter().filter(|line| !line.is_empty()).count(),
            Block::Code { .. } => 0,
        });
        let prose = prose.sum::<usize>();
        assert!((2..=14).contains(&prose), "{code}: {prose} lines of prose");
        assert!(title.len() <= 72 && !title.ends_with('.'), "{code}: `{title}` is no title of one line");
        assert!(text.lines().all(|line| line.chars().count() <= 120), "{code}: a line is too long");
        for mark in ["error", "fixed"] {
            let marked = |block: &Block<'_>| matches!(block, Block::Code { marks, .. } if marks.contains(&mark));
            assert!(blocks.iter().any(marked), "{code}: no code block is marked `{mark}`");
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Examples

/// Files that are wrong, or are right.
#[derive(Debug, Clone, Default)]
struct Side {
    /// Name and content.
    files: BTreeMap<String, String>,
    commands: Vec<String>,
    /// Who it is for, where the explanation says it.
    distribution: Option<String>,
}

/// Wrong files with their correction, as they follow each other in an explanation.
#[derive(Debug, Clone)]
struct Example {
    code: &'static str,
    /// What the files give: their code, unless the explanation says another.
    gives: String,
    action: Action,
    wrong: Side,
    right: Side,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Build,
    DryRun,
    GenerateSpec,
}

impl Example {
    fn new(code: &'static str) -> Self {
        Self { code, gives: code.to_owned(), action: Action::Build, wrong: Side::default(), right: Side::default() }
    }

    /// What is tried: all code blocks but those that are only to be read.
    fn of(one: &Explanation) -> Vec<Self> {
        let mut examples = vec![Self::new(one.code)];
        let mut fixed = false;
        for block in one.blocks() {
            let Block::Code { language, marks, lines } = block else { continue };
            let error = marks.contains(&"error");
            assert!(error || marks.contains(&"fixed"), "{}: a code block is neither `error` nor `fixed`", one.code);
            if error && fixed {
                examples.push(Self::new(one.code));
            }
            fixed = !error;
            let example = examples.last_mut().unwrap();
            let file = marks.iter().find_map(|mark| mark.strip_prefix("file="));
            // An empty file is there for the others; there is nothing to read in it.
            if marks.contains(&"shown") && !(lines.is_empty() && file.is_some()) {
                continue;
            }
            example.mark(&marks, error);
            let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            let side = if error { &mut example.wrong } else { &mut example.right };
            match (language, file) {
                ("sh", None) => side.commands.extend(lines.iter().map(|line| (*line).to_owned())),
                ("toml", None) => drop(side.files.insert("omnipack.toml".to_owned(), text)),
                (_, Some(file)) => drop(side.files.insert(file.to_owned(), text)),
                _ => panic!("{}: a code block with `{language}` needs `file=`", one.code),
            }
        }
        examples
    }

    fn mark(&mut self, marks: &[&str], error: bool) {
        for mark in marks {
            match mark.split_once('=') {
                Some(("distribution", name)) => {
                    let side = if error { &mut self.wrong } else { &mut self.right };
                    side.distribution = Some(name.to_owned());
                }
                Some(("as", code)) if error => code.clone_into(&mut self.gives),
                Some(("file", _)) => {}
                None if *mark == "dry-run" => self.action = Action::DryRun,
                None if *mark == "generate-spec" => self.action = Action::GenerateSpec,
                None if ["error", "fixed", "shown"].contains(mark) => {}
                _ => panic!("{}: `{mark}` is no mark of a code block", self.code),
            }
        }
        let project = [&self.wrong, &self.right].iter().any(|side| side.files.contains_key("pyproject.toml"));
        if project || marks.contains(&"file=pyproject.toml") {
            // Its metadata stands there: nothing has to be built, for which there is nothing here.
            self.action = Action::DryRun;
        }
    }
}

/// A directory with what examples are about: the application `demo` as modules and as a wheel with the commands `demo` and
/// `demo-web`, wheels of what it may require, and some broken files.
struct World {
    root: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let path = root.path();
        let wheels = path.join("wheels");
        fs_err::create_dir(&wheels).unwrap();
        fs_err::create_dir_all(path.join("dist/demo-stage")).unwrap();
        fs_err::write(path.join("dist/demo-stage/notes.txt"), "mine").unwrap();
        let demo = WheelMaker::new("demo", "1.0")
            .file("demo.py", "def main():\n    print('demo')\n")
            .console_script("demo = demo:main")
            .console_script("demo-web = demo:main");
        let wheel = demo.write(path);
        fs_err::copy(&wheel, wheels.join(wheel.file_name().unwrap())).unwrap();
        fs_err::copy(&wheel, path.join("demo.whl")).unwrap();
        demo_native().write(path);
        sdist(&wheels.join("demo-1.0.tar.gz"));
        WheelMaker::new("six", "1.16.0").file("six.py", "").write(&wheels);
        WheelMaker::new("pip", "21.3").file("pip/__init__.py", "").write(&wheels);
        fs_err::write(path.join("demo.py"), "print('demo')\n").unwrap();
        fs_err::write(path.join("pyproject.toml"), "[tool.black]\nline-length = 100\n").unwrap();
        fs_err::write(path.join("broken.rpm"), b"\xed\xab\xee\xdb and no more").unwrap();
        fs_err::write(path.join("broken.deb"), "!<arch>\nand no more").unwrap();
        Self { root }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn write(&self, side: &Side) {
        for (name, text) in &side.files {
            fs_err::write(self.path(name), text).unwrap();
        }
    }

    /// Does what the example is about with the files that are there.
    fn try_out(&self, example: &Example, distribution: &str, cache: &Path) -> Result<(), omnipack::Error> {
        let source = match example.action {
            _ if example.wrong.files.contains_key("pyproject.toml") => self.root.path().to_owned(),
            Action::Build | Action::DryRun => self.path("demo-1.0-py3-none-any.whl"),
            // By its name, so that its sources are among what `--wheels` has.
            Action::GenerateSpec => "demo==1.0".into(),
        };
        let config = self.path("omnipack.toml");
        let request = Request {
            source: source.to_str().unwrap().to_owned(),
            config: config.exists().then_some(config),
            distributions: vec![distribution.to_owned()],
            machine: "x86_64".to_owned(),
            destination: self.path("out"),
            keep_stage: KeepStage::No,
            resolve: resolve::Options {
                cache: cache.to_owned(),
                offline: true,
                wheels: Some(self.path("wheels")),
                uv: None,
                pythons: Vec::new(),
                name: None,
                refresh: false,
            },
            builder: None,
            source_date: Some(1_700_000_000),
        };
        match example.action {
            Action::Build => build::build(&request, &Silent).map(drop),
            Action::DryRun => build::dry_run(&request, &Silent).map(drop),
            Action::GenerateSpec => {
                let targets = build::spec_files(&request, build::Wanted::Named("--srpm"), &Silent)?;
                targets.into_iter().try_for_each(|target| target.result.map(drop))
            }
        }
    }
}

/// The sources of the wheel.
fn sdist(path: &Path) {
    let gzip = flate2::write::GzEncoder::new(fs_err::File::create(path).unwrap(), flate2::Compression::fast());
    let mut archive = tar::Builder::new(gzip);
    let files = [
        ("PKG-INFO", "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"),
        ("pyproject.toml", "[project]\nname = \"demo\"\nversion = \"1.0\"\n"),
        ("demo.py", "def main():\n    print('demo')\n"),
    ];
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, format!("demo-1.0/{name}"), text.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap();
}

/// A wheel for another Python than the one that the package runs on.
fn demo_native() -> WheelMaker {
    WheelMaker::new("native", "1.0").tag("cp312-cp312-linux_x86_64").file("native.so", "")
}

fn code_of(error: &omnipack::Error) -> String {
    error.code().map(|code| code.to_string()).unwrap_or_default()
}

/// The day of the examples about the end of support.
const TODAY: &str = "2026-10-01";

/// What is wrong with the example of a hint.
fn lie_of_a_hint(example: &Example, cache: &Path) -> Option<String> {
    let world = World::new();
    let codes = |side: &Side| {
        world.write(side);
        let config = world.path("omnipack.toml");
        let project = [&example.wrong, side].iter().any(|side| side.files.contains_key("pyproject.toml"));
        let source = world.path(if project { "" } else { "demo-1.0-py3-none-any.whl" });
        let named = side.distribution.as_deref().unwrap_or(DISTRIBUTION).to_owned();
        let has_targets = side.files.values().any(|text| text.contains("[targets]"));
        let report = check::check(
            &check::Request {
                projects: vec![source.to_str().unwrap().to_owned()],
                config: config.exists().then_some(config),
                distributions: if has_targets { Vec::new() } else { vec![named] },
                machine: "x86_64".to_owned(),
                build: check::Build::No,
                resolve: resolve::Options { cache: cache.to_owned(), ..resolve::Options::default() },
                today: check::Day::parse(TODAY).unwrap(),
            },
            &Silent,
        );
        report.findings.into_iter().map(|finding| finding.code).collect::<BTreeSet<_>>()
    };
    let (wrong, right) = (codes(&example.wrong), codes(&example.right));
    let is_error = |code: &&String| !code.starts_with("hint::");
    let sound = wrong.contains(example.code) && !right.contains(example.code);
    let sound = sound && !wrong.union(&right).any(|code| is_error(&code));
    (!sound).then(|| format!("{}: the wrong one gives {wrong:?}, the right one {right:?}", example.code))
}

/// What is wrong with the example itself.
fn lie(example: &Example, cache: &Path) -> Option<String> {
    let Example { code, gives, wrong, right, .. } = example;
    if code.starts_with("hint::") {
        return lie_of_a_hint(example, cache);
    }
    let world = World::new();
    let distribution = wrong.distribution.as_deref().unwrap_or(DISTRIBUTION);
    if !wrong.files.is_empty() {
        world.write(wrong);
        match world.try_out(example, distribution, cache) {
            Ok(()) => return Some(format!("{code}: what is marked as an error is none:\n{wrong:#?}")),
            Err(error) if code_of(&error) != *gives => {
                return Some(format!("{code}: it is an error, but {}: {error}\n{wrong:#?}", code_of(&error)));
            }
            Err(_) => {}
        }
    }
    if !right.files.is_empty() {
        world.write(right);
        let distribution = right.distribution.as_deref().unwrap_or(distribution);
        if let Err(error) = world.try_out(example, distribution, cache) {
            return Some(format!("{code}: the correction is wrong: {}: {error}\n{right:#?}", code_of(&error)));
        }
    }
    None
}

#[test]
fn files_that_are_marked_as_wrong_are_and_their_corrections_are_right() {
    let examples = all().iter().flat_map(Example::of).collect::<Vec<_>>();
    let tried = examples.iter().filter(|example| !example.wrong.files.is_empty() && !example.right.files.is_empty());
    let tried = tried.count();
    let cache = tempfile::tempdir().unwrap();
    let lies = examples.par_iter().filter_map(|example| lie(example, cache.path())).collect::<Vec<_>>();
    assert!(lies.is_empty(), "\n{}", lies.join("\n"));
    assert!(tried > 50, "only {tried} examples were tried with their corrections");
}

#[test]
fn commands_that_are_marked_as_wrong_give_their_code() {
    let examples = all().iter().flat_map(Example::of).filter(|one| !one.wrong.commands.is_empty()).collect::<Vec<_>>();
    let wrong = examples.par_iter().filter_map(|example| {
        let world = World::new();
        let [command] = example.wrong.commands.as_slice() else { panic!("{}: not one command", example.code) };
        let (variables, words) = command.split_whitespace().partition::<Vec<_>, _>(|word| is_assignment(word));
        assert_eq!(words.first(), Some(&"omnipack"), "{}: {command}", example.code);
        let mut run = omnipack(&world.path("cache"));
        run.current_dir(world.root.path()).args(&words[1..]);
        run.envs(variables.iter().filter_map(|word| word.split_once('=')));
        let output = run.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let gives = said.lines().any(|line| line == example.gives);
        (output.status.success() || !gives).then(|| format!("{}: `{command}` says\n{said}", example.code))
    });
    let wrong = wrong.collect::<Vec<_>>();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(examples.len() > 20, "only {} commands were tried", examples.len());
}

/// `SOURCE_DATE_EPOCH=today` before a command
fn is_assignment(word: &str) -> bool {
    let name = word.split_once('=').map(|(name, _)| name);
    name.is_some_and(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
}

// ---------------------------------------------------------------------------------------------------------------------
// The command

fn stdout(arguments: &[&str]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let output = omnipack(directory.path()).arg("explain").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(arguments: &[&str]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let output = omnipack(directory.path()).arg("explain").args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_code_is_explained() {
    let text = stdout(&["service::cycle"]);
    assert!(text.starts_with("service::cycle: Services wait for each other in a circle\n\n"), "{text}");
    assert!(text.contains("\nWrong:\n\n    [[service]]\n    name = \"web\"\n"), "{text}");
    assert!(text.contains("\nRight:\n\n    [[service]]\n"), "{text}");
    assert!(!text.contains("```") && !text.contains('\u{1b}'), "{text}");
    assert_eq!(stdout(&["Cycle"]), text);
    assert!(stdout(&["plan::tilde"]).contains("\nWrong, for centos-6:\n\n    [package]\n"));
    assert!(stdout(&["stage::template"]).contains("\nWrong, in demo.conf:\n\n    home = {{ prefx }}/share\n"));
    assert!(stdout(&["cycle", "--color", "always"]).starts_with("\u{1b}[1mservice::cycle: "));
}

#[test]
fn all_codes_are_listed_by_floor() {
    let text = stdout(&[]);
    let lines = text.lines().collect::<Vec<_>>();
    for one in all() {
        let is_its = |line: &&&str| line.split_whitespace().next() == Some(one.code) && line.ends_with(one.title);
        assert_eq!(lines.iter().filter(is_its).count(), 1, "{}", one.code);
    }
    let heading = lines.iter().position(|line| *line == "Spec files: omnipack generate-spec").unwrap();
    assert!(lines[heading + 1].starts_with("  spec::"), "{text}");
}

#[test]
fn explanations_are_json_too() {
    let list: serde_json::Value = serde_json::from_str(&stdout(&["--json"])).unwrap();
    assert_eq!(list.as_array().unwrap().len(), all().len());
    let one: serde_json::Value = serde_json::from_str(&stdout(&["--json", "build::no_distribution"])).unwrap();
    assert_eq!(one["code"], "build::no_distribution");
    assert_eq!(one["title"], "It is not said which distribution to build for");
    assert!(one["explanation"].as_str().unwrap().contains("```sh,error\nomnipack .\n```"));
    assert!(list.as_array().unwrap().contains(&one));
}

#[test]
fn an_unknown_code_is_a_mistake_of_the_command_line() {
    let text = refused(&["plan::pythn"]);
    assert!(text.contains("there is no error code `plan::pythn`; did you mean `plan::python`"), "{text}");
    assert!(text.contains("`omnipack explain` lists all") && text.contains("omnipack explain [OPTIONS]"), "{text}");
    let several = refused(&["duplicate"]);
    assert!(["`plan::duplicate`", "`stage::duplicate`"].iter().all(|code| several.contains(code)), "{several}");
    assert!(!refused(&["\u{1b}[2Jx"]).contains('\u{1b}'));
    assert!(!refused(&["zzz"]).contains("did you mean"));
}

#[test]
fn an_error_on_a_terminal_says_where_more_is_said_and_a_log_does_not() {
    let world = World::new();
    let run = |program: &str, arguments: &[&str]| {
        let mut command = assert_cmd::Command::new(program);
        command.args(arguments).current_dir(world.root.path()).env("OMNIPACK_CACHE", world.path("cache"));
        let output = command.output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).replace('\r', "")
    };
    let omnipack = assert_cmd::cargo::cargo_bin("omnipack");
    let omnipack = omnipack.to_str().unwrap();
    let more = "  for more: omnipack explain build::no_distribution\n";
    // util-linux's script(1) gives a command a terminal.
    let on_a_terminal = run("script", &["--quiet", "--return", "--command", &format!("'{omnipack}' ."), "/dev/null"]);
    assert!(on_a_terminal.contains("no distribution is named"), "{on_a_terminal}");
    assert!(on_a_terminal.ends_with(more), "{on_a_terminal}");
    let in_a_log = run(omnipack, &["."]);
    assert!(in_a_log.contains("no distribution is named"), "{in_a_log}");
    assert!(!in_a_log.contains("for more"), "{in_a_log}");
}
