//! Trying a spec file: rpmbuild runs its sections in a directory of its own, and what fails is shown.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use miette::Diagnostic;
use serde::{Deserialize, Serialize};
use thiserror::Error as ThisError;

use super::SpecFiles;
use super::source_package::source_names;
use crate::exec::{Background, Command, ExecError, mask_credentials};
use crate::format::publish::publish;
use crate::progress::Listener;
use crate::scratch::{Scratch, Undo};

/// How much of the log of the stage that failed is shown.
const TAIL_LINES: usize = 40;

/// How often the log is looked at.
const INTERVAL: Duration = Duration::from_millis(50);

/// Why a spec file could not be tried, or does not build.
#[derive(Debug, ThisError, Diagnostic)]
pub enum Error {
    #[error("there is no `rpmbuild` on PATH to try the spec file with")]
    #[diagnostic(code(spec::no_rpmbuild), help("{}", install_rpmbuild()))]
    NoRpmbuild,
    #[error("this machine has no {}, which the spec file uses", macros.join(", "))]
    #[diagnostic(
        code(spec::missing_macros),
        help(
            "they come with {packages}. Where there is no such package (on Debian, say), try the spec file on its target: in \
             a container, or `omnipack generate-spec --srpm` and mock. `~/.rpmmacros` may define them too; `--try prep` needs none"
        )
    )]
    Macros { macros: Vec<String>, packages: String },
    #[error("this machine lacks what building `{spec}` requires:\n{}", indented(requirements))]
    #[diagnostic(
        code(spec::build_requires),
        help(
            "install it (`dnf builddep {spec}`). What is there, but not as RPMs (on Debian, say), rpmbuild does not see: \
             with `--try-nodeps` it does not look"
        )
    )]
    BuildRequires { spec: String, requirements: Vec<String> },
    #[error("`{spec}` fails in {stage}:\n{tail}")]
    #[diagnostic(code(spec::trial), help("{}", whole_log(kept.as_deref())))]
    Stage { spec: String, stage: String, tail: String, kept: Option<PathBuf> },
    #[error("`{path}` is to hold the trial, and holds something else")]
    #[diagnostic(
        code(spec::trial_directory),
        help("name a directory that is empty, or not there yet, with `--try-directory`")
    )]
    Directory { path: PathBuf },
    #[error(transparent)]
    #[diagnostic(transparent)]
    Exec(#[from] ExecError),
    #[error("{0}")]
    #[diagnostic(code(spec::io), help("is there space left, and may you read and write there?"))]
    Io(#[from] std::io::Error),
}

/// How far rpmbuild goes. Each runs what the ones before it do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// `%prep`: sources unpacked, patches applied.
    Prep,
    /// `%build` too.
    Build,
    /// `%install`, `%check` and `%files` too.
    Install,
    /// Binary packages and the source package too.
    All,
}

impl Stage {
    fn option(self) -> &'static str {
        match self {
            Self::Prep => "-bp",
            Self::Build => "-bc",
            Self::Install => "-bi",
            Self::All => "-ba",
        }
    }
}

/// What rpmbuild does about `BuildRequires`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildRequires {
    /// They have to be installed, as packages.
    Checked,
    /// Whatever there is will do (`--nodeps`).
    Assumed,
}

/// Which of the packages that are built are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    All,
    /// Not the source package: there is one already.
    Binary,
}

/// A trial to be made.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    pub stage: Stage,
    pub build_requires: BuildRequires,
    /// Where everything of the trial is kept; `None`: nothing is.
    pub kept: Option<&'a Path>,
    /// Where packages go that were built, and which.
    pub packages: &'a Path,
    pub wanted: Wanted,
}

/// A trial that went well.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// What ran, in its order.
    pub stages: Vec<Passed>,
    /// What was built, source package included.
    pub packages: Vec<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Passed {
    /// `%build`
    pub name: String,
    pub seconds: f64,
}

#[derive(Deserialize)]
struct Tools {
    rpmbuild: Vec<Rpmbuild>,
    macros: Vec<Macros>,
}

#[derive(Deserialize)]
struct Rpmbuild {
    systems: String,
    install: String,
}

#[derive(Deserialize)]
struct Macros {
    package: String,
    names: Vec<String>,
}

/// A test reads the file, so it is sound.
fn tools() -> Tools {
    toml::from_str(include_str!("tools.toml")).unwrap_or(Tools { rpmbuild: Vec::new(), macros: Vec::new() })
}

fn install_rpmbuild() -> String {
    let ways = tools().rpmbuild.iter().map(|way| format!("`{}` ({})", way.install, way.systems)).collect::<Vec<_>>();
    format!("install it: {}", ways.join(", "))
}

fn indented(lines: &[String]) -> String {
    lines.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

fn whole_log(kept: Option<&Path>) -> String {
    match kept {
        Some(directory) => format!("the whole log is `{}`", directory.join(LOG).display()),
        None => {
            "these are the last lines; `--try-directory DIR` keeps the whole log and all that was unpacked and built"
                .to_owned()
        }
    }
}

/// Name of the log in the directory of the trial.
const LOG: &str = "rpmbuild.log";

/// Has rpmbuild try `files`. `title` names them in what the listener hears.
///
/// # Errors
/// When there is no rpmbuild, the machine lacks macros or `BuildRequires`, or a section fails.
pub fn run(files: &SpecFiles, trial: &Trial<'_>, title: &str, listener: &dyn Listener) -> Result<Outcome, Error> {
    let rpmbuild = which::which("rpmbuild").map_err(|_| Error::NoRpmbuild)?;
    let scratch = Scratch::new()?;
    let top = match trial.kept {
        Some(directory) => claim(directory)?,
        None => scratch.path().to_path_buf(),
    };
    let command = prepare(&rpmbuild, &top)?;
    if trial.stage != Stage::Prep {
        check_macros(&command, &files.text)?;
    }
    for (name, content) in &files.sources {
        let mut file = fs_err::File::create(top.join("SOURCES").join(name))?;
        std::io::copy(&mut content.open()?, &mut file)?;
    }
    // What only has an address is not written by omnipack: it lies beside the spec, or rpmbuild says that it does not.
    for name in source_names(files).into_iter().filter(|name| files.sources.iter().all(|(known, _)| known != name)) {
        let beside = trial.packages.join(&name);
        if beside.is_file() {
            fs_err::copy(beside, top.join("SOURCES").join(name))?;
        }
    }
    let spec = top.join("SPECS").join(&files.name);
    fs_err::write(&spec, &files.text)?;
    let mut command = command.arg(trial.stage.option());
    if trial.build_requires == BuildRequires::Assumed {
        command = command.arg("--nodeps");
    }
    let mut progress = Progress { title, listener, stages: Vec::new(), current: None };
    let (code, log) = follow(&command.arg(&spec), &top.join(LOG), &mut progress)?;
    let failed_in = progress.end();
    if code != 0 {
        return Err(failure(files, &log, failed_in, trial.kept));
    }
    Ok(Outcome { stages: progress.stages, packages: collect(&top, trial)? })
}

fn claim(directory: &Path) -> Result<PathBuf, Error> {
    fs_err::create_dir_all(directory)?;
    if fs_err::read_dir(directory)?.next().is_some() {
        return Err(Error::Directory { path: directory.to_path_buf() });
    }
    Ok(std::path::absolute(directory)?)
}

/// rpmbuild with every directory below `top`, whatever the user's own macros say.
fn prepare(rpmbuild: &Path, top: &Path) -> Result<Command, Error> {
    // English, to be read here.
    let mut command = Command::new(rpmbuild).dir(top).env("LC_ALL", "C.UTF-8").env_remove("LANGUAGE");
    // Packages hold bytecode, whatever the user has for himself.
    command = command.env_remove("PYTHONDONTWRITEBYTECODE");
    // What is left there when it is interrupted goes with the rest.
    command = command.env("TMPDIR", top.join("tmp"));
    let directories = [
        ("_builddir", "BUILD"),
        ("_buildrootdir", "BUILDROOT"),
        ("_rpmdir", "RPMS"),
        ("_sourcedir", "SOURCES"),
        ("_specdir", "SPECS"),
        ("_srcrpmdir", "SRPMS"),
        ("_tmppath", "tmp"),
    ];
    command = command.arg("--define").arg(definition("_topdir", top));
    for (name, directory) in directories {
        let path = top.join(directory);
        fs_err::create_dir_all(&path)?;
        command = command.arg("--define").arg(definition(name, &path));
    }
    Ok(command)
}

fn definition(name: &str, path: &Path) -> String {
    format!("{name} {}", path.display().to_string().replace('%', "%%"))
}

/// An unknown macro is no error for rpm: the shell gets it as it stands, and says something else.
fn check_macros(rpmbuild: &Command, spec: &str) -> Result<(), Error> {
    let defined = spec.lines().filter(|line| line.starts_with("%global ") || line.starts_with("%define "));
    let defined = defined.filter_map(|line| line.split_whitespace().nth(1)).collect::<BTreeSet<_>>();
    let tools = tools();
    let used = tools.macros.iter().flat_map(|macros| &macros.names);
    let used = used.filter(|name| uses(spec, name) && !defined.contains(name.as_str())).collect::<Vec<_>>();
    let question = used.iter().map(|name| format!("%{{!?{name}:{name} }}")).collect::<String>();
    let said = rpmbuild.clone().args(["--eval", &question]).run_checked()?.stdout_text();
    let missing = said.split_whitespace().collect::<BTreeSet<_>>();
    if missing.is_empty() {
        return Ok(());
    }
    let brings = |macros: &&Macros| macros.names.iter().any(|name| missing.contains(name.as_str()));
    let packages = tools.macros.iter().filter(brings).map(|macros| macros.package.clone()).collect::<Vec<_>>();
    let macros = missing.iter().map(|name| format!("%{name}")).collect();
    Err(Error::Macros { macros, packages: packages.join(", ") })
}

/// Does the spec file need this macro? What is guarded (`%{?name}`) does without.
fn uses(spec: &str, name: &str) -> bool {
    spec.match_indices(name).any(|(at, _)| {
        let (before, after) = (spec.get(..at).unwrap_or_default(), spec.get(at + name.len()..).unwrap_or_default());
        let whole = !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let open = before.strip_suffix('{').unwrap_or(before);
        whole && open.ends_with('%') && !open.ends_with("%%")
    })
}

/// Runs rpmbuild to its end, with all that it says in `log`; nothing of it is left when the process is interrupted.
fn follow(command: &Command, log: &Path, progress: &mut Progress<'_>) -> Result<(i32, String), Error> {
    let (running, _undo) = Undo::of(
        || command.start_logged(log).map(Arc::new),
        |running: &Arc<Background>| {
            let running = Arc::clone(running);
            move || running.kill_tree()
        },
    )?;
    let mut reader = fs_err::File::open(log)?;
    let (mut bytes, mut heard) = (Vec::new(), 0);
    loop {
        // Before the log is read: nothing is written after the end.
        let code = running.exit_code();
        reader.read_to_end(&mut bytes)?;
        while let Some(length) = bytes.get(heard..).and_then(|rest| rest.iter().position(|byte| *byte == b'\n')) {
            progress.hear(&String::from_utf8_lossy(bytes.get(heard..heard + length).unwrap_or_default()));
            heard += length + 1;
        }
        if let Some(code) = code {
            return Ok((code, String::from_utf8_lossy(&bytes).into_owned()));
        }
        std::thread::sleep(INTERVAL);
    }
}

/// What rpmbuild is doing, by its own words.
struct Progress<'a> {
    title: &'a str,
    listener: &'a dyn Listener,
    stages: Vec<Passed>,
    current: Option<(String, Instant)>,
}

impl Progress<'_> {
    fn hear(&mut self, line: &str) {
        // `Executing(%build): /bin/sh -e ...` (build/build.c), `Processing files: app-1.0-1.noarch` (build/files.c)
        let stage = match line.strip_prefix("Executing(").and_then(|rest| rest.split_once("):")) {
            // Its cleaning up.
            Some(("%clean" | "rmbuild" | "--clean", _)) => return,
            // Part of what follows.
            Some(("%doc" | "%license", _)) => "%files",
            Some((stage, _)) => stage,
            None if line.starts_with("Processing files: ") => "%files",
            None => return,
        };
        if self.current.as_ref().is_some_and(|(current, _)| current == stage) {
            return;
        }
        self.end();
        self.listener.step(&format!("{}: {stage}", self.title));
        self.current = Some((stage.to_owned(), Instant::now()));
    }

    /// Notes the stage that has ended, and gives its name.
    fn end(&mut self) -> Option<String> {
        let (name, begun) = self.current.take()?;
        self.stages.push(Passed { name: name.clone(), seconds: begun.elapsed().as_millis() as f64 / 1000.0 });
        Some(name)
    }
}

fn failure(files: &SpecFiles, log: &str, stage: Option<String>, kept: Option<&Path>) -> Error {
    let spec = files.name.clone();
    let missing = log.split_once("Failed build dependencies:").map_or("", |(_, rest)| rest);
    let requirements =
        missing.lines().filter_map(|line| line.split_once(" is needed by ")).map(|(name, _)| name.trim());
    let requirements = requirements.map(str::to_owned).collect::<Vec<_>>();
    if !requirements.is_empty() {
        return Error::BuildRequires { spec, requirements };
    }
    // The section that rpmbuild itself blames: `Bad exit status from /tmp/rpm-tmp.x (%build)`.
    let blamed = log.rsplit_once("Bad exit status from ").and_then(|(_, rest)| rest.split_once('('));
    let blamed = blamed.and_then(|(_, rest)| rest.split_once(')')).map(|(stage, _)| stage.to_owned());
    let stage = blamed.or(stage).unwrap_or_else(|| "the reading of it".to_owned());
    let begun = log.rfind(&format!("Executing({stage}):")).and_then(|begin| log.get(begin..)).unwrap_or(log);
    let lines = begun.trim_end().lines().collect::<Vec<_>>();
    let tail = lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default().join("\n");
    Error::Stage { spec, stage, tail: mask_credentials(&tail), kept: kept.map(Path::to_path_buf) }
}

/// Takes the packages to where they belong; none where none are built.
fn collect(top: &Path, trial: &Trial<'_>) -> Result<Vec<PathBuf>, Error> {
    let mut packages = Vec::new();
    let directories = match trial.wanted {
        Wanted::All => &["RPMS", "SRPMS"][..],
        Wanted::Binary => &["RPMS"],
    };
    for directory in directories {
        for entry in walkdir::WalkDir::new(top.join(directory)).sort_by_file_name() {
            let entry = entry.map_err(std::io::Error::from)?;
            if entry.file_type().is_file() && entry.path().extension().is_some_and(|extension| extension == "rpm") {
                fs_err::create_dir_all(trial.packages)?;
                let path = trial.packages.join(entry.file_name());
                let bytes = fs_err::read(entry.path())?;
                publish(&path, |file| file.write_all(&bytes))?;
                packages.push(path);
            }
        }
    }
    Ok(packages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_facts_can_be_read() {
        let tools = toml::from_str::<Tools>(include_str!("tools.toml")).unwrap();
        assert!(tools.rpmbuild.len() >= 4 && tools.macros.len() >= 4);
        assert!(install_rpmbuild().contains("`apt install rpm` (Debian, Ubuntu)"));
    }

    #[test]
    fn a_macro_is_used_where_it_has_to_be_there() {
        for text in ["%fdupes %{buildroot}", "x %{fdupes}", "%{fdupes x}"] {
            assert!(uses(text, "fdupes"), "{text}");
        }
        for text in ["%{?fdupes}", "%fdupes_x", "fdupes", "BuildRequires: fdupes", "%%fdupes"] {
            assert!(!uses(text, "fdupes"), "{text}");
        }
    }
}
