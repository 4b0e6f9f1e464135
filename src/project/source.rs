//! What the command line names: a directory, a wheel, an sdist or a requirement.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use pep508_rs::{Pep508Url, Requirement};
use url::Url;

use super::Source;
use super::error::{Error, shown};

impl Source {
    /// Finds out what `argument` is. Paths become absolute.
    ///
    /// # Errors
    /// When nothing is there, or what is there is no Python project, or the text is no requirement (PEP 508).
    pub fn parse(argument: &str) -> Result<Self, Error> {
        let path = Path::new(argument);
        if argument.is_empty() || argument.contains('\0') {
            return Err(Error::Missing { path: argument.escape_debug().to_string() });
        }
        match fs_err::metadata(path) {
            Ok(metadata) if metadata.is_dir() => directory(&std::path::absolute(path)?),
            Ok(metadata) if metadata.is_file() => file(std::path::absolute(path)?),
            Ok(_) => Err(Error::Unusable {
                path: shown(path),
                reason: "it is neither a file nor a directory".to_owned(),
                help: "name a directory, a wheel (.whl) or an sdist (.tar.gz, .zip)".to_owned(),
            }),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err(Error::Io(error)),
            Err(_) if looks_like_path(argument) => Err(Error::Missing { path: argument.to_owned() }),
            Err(_) => requirement(argument),
        }
    }

    /// The directory of the project, where the source is one.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        match self {
            Self::Directory(directory) | Self::Modules(directory) => Some(directory),
            Self::Sdist(_) | Self::Wheel(_) | Self::Requirement(_) => None,
        }
    }
}

/// As the user would name it.
impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) | Self::Modules(path) | Self::Sdist(path) | Self::Wheel(path) => {
                formatter.write_str(&shown(path))
            }
            Self::Requirement(text) => formatter.write_str(text),
        }
    }
}

fn directory(path: &Path) -> Result<Source, Error> {
    let has = |name: &str| path.join(name).is_file();
    let entries: Vec<PathBuf> =
        fs_err::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    if has("setup.py") || has("setup.cfg") || (has("pyproject.toml") && says_how_to_build(&path.join("pyproject.toml")))
    {
        return Ok(Source::Directory(path.to_owned()));
    }
    if has("requirements.txt") || entries.iter().any(|entry| is_module(entry)) {
        return Ok(Source::Modules(path.to_owned()));
    }
    if has("pyproject.toml") {
        return Ok(Source::Directory(path.to_owned()));
    }
    if packs_no_python(&path.join("omnipack.toml")) {
        return Ok(Source::Directory(path.to_owned()));
    }
    let reason = if entries.is_empty() { "the directory is empty" } else { "there is nothing in it to install" };
    let help = "it needs `pyproject.toml`, `setup.py` or `setup.cfg`; or `requirements.txt`, or modules (`*.py`); or, for a \
                package without Python, an `omnipack.toml` with `[python] interpreter = \"none\"`";
    Err(Error::Unusable { path: shown(path), reason: reason.to_owned(), help: help.to_owned() })
}

/// Many projects have a `pyproject.toml` for their tools' settings only, which is nothing to build from (PEP 518
/// builds it with setuptools, which finds no name). What cannot be parsed is for the build backend to complain about.
fn says_how_to_build(path: &Path) -> bool {
    let Ok(text) = fs_err::read_to_string(path) else { return true };
    match text.parse::<toml::Table>() {
        Ok(table) => {
            let poetry =
                table.get("tool").is_some_and(|tool| ["poetry", "flit"].iter().any(|key| tool.get(key).is_some()));
            table.contains_key("project") || table.contains_key("build-system") || poetry
        }
        Err(_) => true,
    }
}

/// Does this configuration say, for any target, that there is no Python application? What is wrong with it is found when it
/// is read.
fn packs_no_python(path: &Path) -> bool {
    let Some(table) = fs_err::read_to_string(path).ok().and_then(|text| text.parse::<toml::Table>().ok()) else {
        return false;
    };
    let none = |table: &toml::Value| {
        let interpreter = table.get("python").and_then(|python| python.get("interpreter"));
        interpreter.and_then(toml::Value::as_str) == Some("none")
    };
    let overrides = table.get("distribution").and_then(toml::Value::as_table);
    overrides.into_iter().flat_map(toml::Table::values).any(none) || none(&toml::Value::Table(table.clone()))
}

fn is_module(path: &Path) -> bool {
    let module = path.extension().is_some_and(|extension| extension == "py") && path.is_file();
    module || path.join("__init__.py").is_file()
}

fn file(path: PathBuf) -> Result<Source, Error> {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let archive = [".tar.gz", ".tgz", ".zip"].iter().any(|suffix| name.ends_with(suffix));
    fs_err::File::open(&path)?;
    if name.ends_with(".whl") {
        return Ok(Source::Wheel(path));
    }
    if archive {
        return Ok(Source::Sdist(path));
    }
    let help = if ["pyproject.toml", "setup.py", "setup.cfg", "requirements.txt"].contains(&name.as_str()) {
        format!("name the directory: `{}`", shown(path.parent().unwrap_or(&path)))
    } else {
        "name a directory, a wheel (.whl) or an sdist (.tar.gz, .zip)".to_owned()
    };
    Err(Error::Unusable { path: shown(&path), reason: "it is neither a wheel nor an sdist".to_owned(), help })
}

/// `./app`, `/srv/app`, `app/`, `app-1.0.whl`; but not `app @ https://...`.
fn looks_like_path(argument: &str) -> bool {
    let address = argument.contains("://");
    let suffix = [".whl", ".tar.gz", ".tgz", ".zip", ".toml", ".txt", ".py"].iter().any(|end| argument.ends_with(end));
    !address && !argument.contains('@') && (argument.contains('/') || argument.starts_with(['.', '~']) || suffix)
}

fn requirement(argument: &str) -> Result<Source, Error> {
    match parse_requirement::<Url>(argument) {
        Ok(_) => Ok(Source::Requirement(argument.trim().to_owned())),
        Err(reason) => Err(Error::Requirement { argument: argument.escape_debug().to_string(), reason }),
    }
}

/// Reads a requirement (PEP 508), whoever wrote it. Use this and not `pep508_rs` itself, which panics at a name or an
/// extra that ends in a separator (`a- `, `a[b-]`).
///
/// # Errors
/// What is wrong with it, as a text.
pub fn parse_requirement<U: Pep508Url>(text: &str) -> Result<Requirement<U>, String> {
    let good = |character: char| character.is_ascii_alphanumeric() || "-._".contains(character);
    let text = text.trim();
    let name = text.split(|character| !good(character)).next().unwrap_or_default();
    let extras = text.split_once('[').map(|(_, rest)| rest.split(']').next().unwrap_or_default());
    let mut names = extras.into_iter().flat_map(|extras| extras.split(|character| !good(character))).chain([name]);
    if let Some(name) = names.find(|name| name.ends_with(['-', '.', '_'])) {
        return Err(format!("`{name}` is not a name: it ends in a separator"));
    }
    Requirement::from_str(text).map_err(|error| error.message.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(path: &Path) -> Result<Source, Error> {
        Source::parse(path.to_str().unwrap())
    }

    #[test]
    fn a_directory_is_what_is_in_it() {
        type Case<'a> = (&'a [(&'a str, &'a str)], Option<bool>);
        let cases: [Case<'_>; 10] = [
            (&[("pyproject.toml", "[project]\nname = 'a'")], Some(true)),
            (&[("pyproject.toml", "[build-system]\n"), ("a.py", "")], Some(true)),
            (&[("pyproject.toml", "[tool.poetry]\nname = 'a'"), ("a.py", "")], Some(true)),
            (&[("pyproject.toml", "[tool.black]\n"), ("a.py", "")], Some(false)),
            (&[("pyproject.toml", "[tool.black]\n")], Some(true)),
            (&[("setup.cfg", "")], Some(true)),
            (&[("setup.py", ""), ("requirements.txt", "")], Some(true)),
            (&[("requirements.txt", "flask")], Some(false)),
            (&[("README", "")], None),
            (&[], None),
        ];
        for (files, builds) in cases {
            let directory = tempfile::tempdir().unwrap();
            for (name, text) in files {
                fs_err::write(directory.path().join(name), text).unwrap();
            }
            match (parse(directory.path()), builds) {
                (Ok(Source::Directory(path)), Some(true)) | (Ok(Source::Modules(path)), Some(false)) => {
                    assert_eq!(path, directory.path());
                }
                (Err(Error::Unusable { help, .. }), None) => assert!(help.contains("pyproject.toml")),
                (other, _) => panic!("{files:?} is {other:?}"),
            }
        }
    }

    #[test]
    fn a_package_directory_is_a_module() {
        let directory = tempfile::tempdir().unwrap();
        fs_err::create_dir(directory.path().join("app")).unwrap();
        fs_err::write(directory.path().join("app/__init__.py"), "").unwrap();
        assert!(matches!(parse(directory.path()), Ok(Source::Modules(_))));
    }

    #[test]
    fn a_file_is_known_by_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = directory.path().join(name);
            fs_err::write(&path, "").unwrap();
            parse(&path)
        };
        assert!(matches!(file("a-1-py3-none-any.whl"), Ok(Source::Wheel(path)) if path.is_absolute()));
        assert!(matches!(file("a-1.tar.gz"), Ok(Source::Sdist(_))));
        assert!(matches!(file("a-1.zip"), Ok(Source::Sdist(_))));
        assert!(matches!(file("a-1.tar.xz"), Err(Error::Unusable { .. })));
        assert!(matches!(Source::parse("/dev/null"), Err(Error::Unusable { .. })));
        let Err(Error::Unusable { help, .. }) = file("setup.py") else { panic!("setup.py is no project") };
        assert!(help.contains(directory.path().to_str().unwrap()), "{help}");
    }

    #[test]
    fn a_requirement_is_what_pip_takes() {
        for good in [
            "httpbin==0.10.2",
            "apache-superset[postgres, redis] >=4, <5",
            "a @ https://example.org/a-1.tar.gz",
            "tomli; python_version < '3.11'",
        ] {
            assert_eq!(Source::parse(good).unwrap(), Source::Requirement(good.to_owned()));
        }
        for bad in ["httpbin=0.10", "a b", "-e .", "a; python", "a[b-]", "a- ", "!"] {
            let result = Source::parse(bad);
            assert!(matches!(result, Err(Error::Requirement { .. })), "{bad}: {result:?}");
        }
        for missing in
            ["./app", "/no/such/app", "app/", "app-1-py3-none-any.whl", "../app", "requirements.txt", "", "a\0"]
        {
            let result = Source::parse(missing);
            assert!(matches!(result, Err(Error::Missing { .. })), "{missing}: {result:?}");
        }
    }
}
