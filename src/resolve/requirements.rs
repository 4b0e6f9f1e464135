//! What is asked for: the application's own requirements, and requirement files as pip reads them
//! (<https://pip.pypa.io/en/stable/reference/requirements-file-format/>). The resolvers read the files themselves; here
//! they are read for what omnipack has to check: hashes, editable lines, pins.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use pep508_rs::{ExtraName, Requirement, VerbatimUrl, VersionOrUrl};

use super::Error;
use super::tags::normalize;
use super::target::Target;
use crate::project::{PythonSettings, parse_requirement};

/// What the requirement and constraint files say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequirementFiles {
    /// Normalised name to the sha256 digests its lines allow.
    pub hashes: BTreeMap<String, Vec<String>>,
    /// Normalised names that an `==` or `===` pins.
    pub pinned: BTreeSet<String>,
    /// Every name that is asked for.
    pub names: BTreeSet<String>,
    /// Every file read, with its text: part of a cached lock's key.
    pub texts: Vec<(PathBuf, String)>,
    /// Does a line name a local path, whose content the texts do not have?
    pub local: bool,
}

impl RequirementFiles {
    /// # Errors
    /// When a file cannot be read or has an editable line.
    pub fn read(files: &[PathBuf]) -> Result<Self, Error> {
        let mut found = Self::default();
        for file in files {
            found.read_file(file)?;
        }
        Ok(found)
    }

    /// Every requirement of the files, with its marker and without pip's options (`--hash`).
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let lines = self.texts.iter().flat_map(|(_, text)| logical_lines(text));
        let lines = lines.filter(|line| !line.starts_with('-'));
        lines.map(|line| line.split(" --").next().unwrap_or_default().trim().to_owned()).collect()
    }

    fn read_file(&mut self, file: &Path) -> Result<(), Error> {
        // By its real place: two files that include each other by `../` have ever longer names.
        let place = fs_err::canonicalize(file)?;
        if self.texts.iter().any(|(read, _)| fs_err::canonicalize(read).is_ok_and(|read| read == place)) {
            return Ok(());
        }
        let text = fs_err::read_to_string(file)?;
        self.texts.push((file.to_path_buf(), text.clone()));
        let directory = file.parent().unwrap_or(Path::new("."));
        for line in logical_lines(&text) {
            if line.starts_with('-') {
                self.read_option(file, directory, &line)?;
            } else {
                self.read_requirement(&line);
            }
        }
        Ok(())
    }

    fn read_option(&mut self, file: &Path, directory: &Path, line: &str) -> Result<(), Error> {
        if option(line, "-e", "--editable").is_some() {
            return Err(Error::Editable { file: file.display().to_string(), line: line.to_owned() });
        }
        let included = option(line, "-r", "--requirement").or_else(|| option(line, "-c", "--constraint"));
        match included.filter(|other| !other.contains("://")) {
            Some(other) => self.read_file(&directory.join(other)),
            None => Ok(()),
        }
    }

    /// Takes note of one requirement.
    pub fn read_requirement(&mut self, line: &str) {
        let (requirement, options) = line.split_once(" --").unwrap_or((line, ""));
        let hashes = line.split_whitespace().filter_map(|word| word.strip_prefix("--hash=sha256:"));
        let hashes = hashes.map(str::to_lowercase).collect::<Vec<_>>();
        let requirement = requirement.trim();
        let end = requirement.find(|c: char| !(c.is_alphanumeric() || "-_.".contains(c))).unwrap_or(requirement.len());
        let (name, rest) = requirement.split_at(end);
        let is_path = requirement.starts_with(['.', '/']) || rest.starts_with(['/', ':']);
        if is_path || requirement.contains("file:") {
            self.local = true;
        }
        if is_path || name.is_empty() {
            return;
        }
        let name = normalize(name);
        let specifier = rest.split(';').next().unwrap_or_default();
        if specifier.contains("==") && !specifier.contains('*') && !specifier.contains(',') {
            self.pinned.insert(name.clone());
        }
        if !hashes.is_empty() || options.contains("hash=") {
            self.hashes.entry(name.clone()).or_default().extend(hashes);
        }
        self.names.insert(name);
    }
}

/// The value of an option in any of the forms that pip takes: `-r x`, `-rx`, `--requirement x`, `--requirement=x`.
fn option(line: &str, short: &str, long: &str) -> Option<String> {
    let rest = match line.strip_prefix(long) {
        Some(rest) if rest.starts_with(['=', ' ', '\t']) => rest.strip_prefix('=').unwrap_or(rest),
        Some(_) => return None,
        None if line.starts_with("--") => return None,
        None => line.strip_prefix(short)?,
    };
    Some(rest.trim().to_owned())
}

/// The requirements of a file's text, without their options: no other file, no hash.
#[must_use]
pub fn requirement_lines(text: &str) -> Vec<String> {
    let lines = logical_lines(text).into_iter().filter(|line| !line.starts_with('-'));
    lines.map(|line| line.split(" --").next().unwrap_or_default().trim().to_owned()).collect()
}

/// The text as pip reads it from another place and without hashes, which would make it ask for one everywhere.
#[must_use]
pub fn rebased(text: &str, directory: &Path) -> String {
    let mut lines = Vec::new();
    for line in logical_lines(text) {
        let included = [("-r", "--requirement"), ("-c", "--constraint")]
            .into_iter()
            .find_map(|(short, long)| Some((long, option(&line, short, long)?)));
        lines.push(match included {
            Some((long, other)) if !other.contains("://") => format!("{long} {}", directory.join(other).display()),
            _ if line.starts_with('-') => line,
            _ => line.split(" --hash").next().unwrap_or_default().trim().to_owned(),
        });
    }
    lines.join("\n") + "\n"
}

/// Lines with continuations joined, comments and blank lines left out.
fn logical_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut joined = String::new();
    for line in text.trim_start_matches('\u{feff}').lines() {
        let comment = if line.trim_start().starts_with('#') { Some(0) } else { line.find(" #") };
        let line = comment.map_or(line, |at| line.get(..at).unwrap_or(line));
        if line.trim_end().ends_with('\\') {
            // All of them, as pip does.
            joined.push_str(line.trim_end().trim_end_matches('\\'));
            joined.push(' ');
            continue;
        }
        joined.push_str(line);
        let whole = std::mem::take(&mut joined).trim().to_owned();
        if !whole.is_empty() {
            lines.push(whole);
        }
    }
    let whole = joined.trim().to_owned();
    if !whole.is_empty() {
        lines.push(whole);
    }
    lines
}

/// The application's requirements that apply on the target with these extras, one line each, markers resolved. An
/// application that requires itself with an extra (`app[all]` -> `app[redis]`) is followed.
///
/// # Errors
/// When a line is not PEP 508.
pub fn application_requirements(
    name: &str,
    requires_dist: &[String],
    extras: &[String],
    target: &Target,
) -> Result<Vec<String>, Error> {
    let wrong = |line: &str, reason: String| Error::Input {
        file: format!("the metadata of {name}"),
        reason: format!("`{line}`: {reason}"),
        help: "correct the requirement in the project's metadata".to_owned(),
    };
    let mut parsed = Vec::new();
    for line in requires_dist {
        let requirement = parse_requirement::<VerbatimUrl>(line).map_err(|reason| wrong(line, reason))?;
        parsed.push(requirement);
    }
    let mut active = Vec::new();
    for extra in extras {
        active.push(ExtraName::from_str(extra).map_err(|error| wrong(extra, error.to_string()))?);
    }
    let mut lines = BTreeSet::new();
    loop {
        let known = active.len();
        for requirement in &parsed {
            if !target.accepts(&requirement.marker, &active) {
                continue;
            }
            if normalize(requirement.name.as_ref()) == normalize(name) {
                active.extend(
                    requirement.extras.iter().filter(|extra| !active.contains(extra)).cloned().collect::<Vec<_>>(),
                );
                continue;
            }
            lines.insert(plain(requirement));
        }
        if active.len() == known {
            return Ok(lines.into_iter().collect());
        }
    }
}

/// The distribution that installs plugins.
pub const PIP: &str = "pip";

/// What the main package holds beside the application, for itself: pip, where operators may add plugins.
///
/// 21 is the first whose only resolver takes the distributions of the package as constraints
/// (<https://pip.pypa.io/en/stable/news/#v20-3>, and 21.0 for the oldest of the supported Pythons).
#[must_use]
pub fn own_requirements(settings: &PythonSettings) -> Vec<String> {
    settings.plugins.iter().map(|_| format!("{PIP}>=21")).collect()
}

/// `["mainapp"]` of `httpbin[mainapp]==0.10.2`.
#[must_use]
pub fn extras_of(requirement: &str) -> Vec<String> {
    let parsed = parse_requirement::<VerbatimUrl>(requirement);
    parsed.map_or_else(|_| Vec::new(), |parsed| parsed.extras.iter().map(ToString::to_string).collect())
}

/// The requirement without its marker.
pub fn plain(requirement: &Requirement<VerbatimUrl>) -> String {
    let extras = requirement.extras.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(",");
    let extras = if extras.is_empty() { extras } else { format!("[{extras}]") };
    let name = &requirement.name;
    match &requirement.version_or_url {
        Some(VersionOrUrl::VersionSpecifier(specifiers)) => format!("{name}{extras}{specifiers}"),
        Some(VersionOrUrl::Url(url)) => format!("{name}{extras} @ {url}"),
        None => format!("{name}{extras}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::ToolVersion;
    use crate::plan::{Interpreter, InterpreterKind, Platform};

    fn read(text: &str) -> Result<RequirementFiles, Error> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("requirements.txt");
        fs_err::write(directory.path().join("more.txt"), "Other_Thing==1\n").unwrap();
        fs_err::write(&file, text).unwrap();
        RequirementFiles::read(&[file])
    }

    #[test]
    fn hashes_pins_and_included_files_are_found() {
        let files = read("a==1 \\\n  --hash=sha256:AB \\\n  --hash=sha256:cd # why\nb>=2\n-r more.txt\n--extra-index-url https://x\nc==1.*\n")
            .unwrap();
        assert_eq!(files.hashes["a"], ["ab", "cd"]);
        assert_eq!(files.pinned.iter().map(String::as_str).collect::<Vec<_>>(), ["a", "other-thing"]);
        assert_eq!(files.names.len(), 4);
        assert!(!files.local);
        assert!(read("./vendored/thing\n").unwrap().local);
    }

    #[test]
    fn a_requirement_that_pep508_rs_panics_at_is_an_error() {
        assert!(extras_of("a[b-]").is_empty());
        let (python, version) = ("/usr/bin/python3.9".to_owned(), ToolVersion::new(3, 9, 0));
        let kind = InterpreterKind::System { requirement: String::new() };
        let platform = Platform {
            machine: "x86_64".into(),
            architecture: "x86_64".into(),
            glibc: ToolVersion::new(2, 34, 0),
            baseline: None,
        };
        let target = Target::new(&Interpreter { version, path: python, kind }, &platform).unwrap();
        for line in ["a- ", "a[b-]", "a-; python_version > '3'"] {
            assert!(application_requirements("app", &[line.to_owned()], &[], &target).is_err(), "{line}");
        }
    }

    #[test]
    fn files_that_include_each_other_are_read_once() {
        let directory = tempfile::tempdir().unwrap();
        let inner = directory.path().join("requirements");
        fs_err::create_dir(&inner).unwrap();
        fs_err::write(inner.join("base.txt"), "-r ../requirements/more.txt\na\n").unwrap();
        fs_err::write(inner.join("more.txt"), "-c ../requirements/base.txt\nb\n").unwrap();
        let files = RequirementFiles::read(&[inner.join("base.txt")]).unwrap();
        assert_eq!(files.texts.len(), 2);
        assert_eq!(files.names.len(), 2);
    }

    #[test]
    fn a_name_that_ends_in_a_separator_is_an_error_and_no_panic() {
        for line in ["a-[b]", "a[b-]", "a- ; python_version > '3'"] {
            assert!(extras_of(line).is_empty());
            assert!(parse_requirement::<VerbatimUrl>(line).unwrap_err().contains("separator"), "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "([-a-z0-9=.;\\[\\]@:/#\\\\'\" <>~!*,\u{e9}]{0,30}\n){0,6}") {
            let text = text.replace("-r", "").replace("-c", "");
            let _ = read(&text);
            for line in requirement_lines(&text) {
                proptest::prop_assert!(!line.starts_with('-') && !line.contains(['\n', '\r']), "{line:?}");
                let _ = extras_of(&line);
            }
            // What pip is given has no line more, and rebasing it again changes nothing.
            let once = rebased(&text, Path::new("/project"));
            proptest::prop_assert_eq!(rebased(&once, Path::new("/project")), once);
        }
    }

    #[test]
    fn editable_lines_are_refused() {
        for line in ["-e ./lib", "--editable=git+https://host/x", "-e."] {
            assert!(matches!(read(line), Err(Error::Editable { .. })), "{line}");
        }
    }
}
