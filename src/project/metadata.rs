//! Core metadata of the application: from its wheel, or from `pyproject.toml` where PEP 621 metadata says enough.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use configparser::ini::Ini;
use serde::Deserialize;

use super::Metadata;
use super::error::{Error, shown};

/// Metadata and entry points are small; more than this is an attack.
const LIMIT: u64 = 16 << 20;

impl Metadata {
    /// Reads `*.dist-info/METADATA` and `entry_points.txt` of a wheel.
    ///
    /// # Errors
    /// When the wheel cannot be read, is no wheel, or has no usable metadata.
    pub fn from_wheel(path: &Path) -> Result<Self, Error> {
        let bad = |reason: String| Error::Metadata { path: shown(path), reason };
        let file = fs_err::File::open(path)?;
        let mut archive = zip::ZipArchive::new(file).map_err(|error| bad(error.to_string()))?;
        let is_metadata = |name: &str| {
            name.split_once('/').is_some_and(|(top, rest)| top.ends_with(".dist-info") && rest == "METADATA")
        };
        let name = archive.file_names().flatten().find(|name| is_metadata(name)).map(|name| name.into_owned());
        let name = name.ok_or_else(|| bad("there is no `*.dist-info/METADATA` in it".to_owned()))?;
        let entry_points = name.replace("/METADATA", "/entry_points.txt");
        let metadata = read_member(&mut archive, &name).map_err(|error| bad(error.to_string()))?;
        let entry_points = match read_member(&mut archive, &entry_points) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(bad(error.to_string())),
        };
        Self::parse(&metadata, &entry_points).map_err(|error| match error {
            Error::Metadata { reason, .. } => bad(reason),
            other => other,
        })
    }

    /// Reads the text of `METADATA` (<https://packaging.python.org/specifications/core-metadata/>) and of
    /// `entry_points.txt` (<https://packaging.python.org/specifications/entry-points/>).
    ///
    /// # Errors
    /// When name or version are missing, or the version is none (PEP 440).
    pub fn parse(metadata: &str, entry_points: &str) -> Result<Self, Error> {
        let bad = |reason: String| Error::Metadata { path: "METADATA".to_owned(), reason };
        let read: python_pkginfo::Metadata =
            metadata.parse().map_err(|error: python_pkginfo::Error| bad(error.to_string()))?;
        checked(&read.name, &read.version).map_err(bad)?;
        let author = person(known_option(&read.author), known_option(&read.author_email));
        let maintainer = person(known_option(&read.maintainer), known_option(&read.maintainer_email));
        Ok(Self {
            license: known_option(&read.license_expression)
                .map(str::to_owned)
                .or_else(|| read.license.as_deref().and_then(short_license))
                .or_else(|| license_of(&read.classifiers))
                .unwrap_or_default(),
            url: known_option(&read.home_page)
                .map(str::to_owned)
                .or_else(|| home_page(read.project_urls.iter().filter_map(|line| line.split_once(','))))
                .unwrap_or_default(),
            author: author.or(maintainer).unwrap_or_default(),
            name: read.name.trim().to_owned(),
            version: read.version.trim().to_owned(),
            summary: known_option(&read.summary).map(str::to_owned).unwrap_or_default(),
            description: known_option(&read.description).map(str::to_owned).unwrap_or_default(),
            requires_python: known_option(&read.requires_python).map(str::to_owned).unwrap_or_default(),
            requires_dist: read.requires_dist,
            extras: read.provides_extras,
            console_scripts: console_scripts(entry_points).map_err(bad)?,
        }
        .in_lines())
    }

    /// Static PEP 621 metadata; `None` where there is none, or where the build backend decides on a part of it that
    /// matters for what is packaged.
    #[must_use]
    pub fn from_pyproject(path: &Path) -> Option<Self> {
        const MATTER: [&str; 5] = ["version", "scripts", "entry-points", "dependencies", "optional-dependencies"];
        let (metadata, dynamic) = Self::as_written(path)?;
        (!dynamic.iter().any(|field| MATTER.contains(&field.as_str()))).then_some(metadata)
    }

    /// What PEP 621 metadata says, and the fields that the build backend decides on. A version that it decides on is 0.
    #[must_use]
    pub fn as_written(path: &Path) -> Option<(Self, Vec<String>)> {
        let text = fs_err::read_to_string(path).ok()?;
        let project = toml::from_str::<Pyproject>(&text).ok()?.project?;
        let dynamic = project.dynamic.clone();
        let is_dynamic = dynamic.iter().any(|field| field == "version");
        let version = project.version.or_else(|| is_dynamic.then(|| "0".to_owned()))?;
        checked(&project.name, &version).ok()?;
        let directory = path.parent()?;
        let urls = project.urls.iter().map(|(label, url)| (label.as_str(), url.as_str()));
        let mut people = project.authors.iter().chain(&project.maintainers);
        let license = project.license.as_ref().and_then(license_text);
        let metadata = Self {
            version,
            summary: project.description.unwrap_or_default(),
            description: project.readme.as_ref().and_then(|readme| read_me(readme, directory)).unwrap_or_default(),
            license: license.or_else(|| license_of(&project.classifiers)).unwrap_or_default(),
            url: home_page(urls).unwrap_or_default(),
            author: people
                .find_map(|contact| person(contact.name.as_deref(), contact.email.as_deref()))
                .unwrap_or_default(),
            requires_python: project.requires_python.unwrap_or_default(),
            requires_dist: project.dependencies,
            extras: project.optional_dependencies.into_keys().collect(),
            console_scripts: checked_scripts(project.scripts.into_keys().collect()).ok()?,
            name: project.name,
        };
        Some((metadata.in_lines(), dynamic))
    }

    /// Each field but the description as one line without control characters, and only web addresses as URL: these go
    /// into headers, and on a user's page.
    fn in_lines(mut self) -> Self {
        for field in [&mut self.summary, &mut self.license, &mut self.author, &mut self.url, &mut self.requires_python]
        {
            *field = field.replace(char::is_control, " ").split_whitespace().collect::<Vec<_>>().join(" ");
        }
        if !self.url.starts_with("https://") && !self.url.starts_with("http://") {
            self.url.clear();
        }
        self
    }
}

/// What is read of `pyproject.toml`
/// (<https://packaging.python.org/specifications/pyproject-toml/>). Nothing else in it has to be right.
#[derive(Deserialize)]
struct Pyproject {
    project: Option<ProjectTable>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ProjectTable {
    name: String,
    version: Option<String>,
    description: Option<String>,
    readme: Option<ReadMe>,
    requires_python: Option<String>,
    license: Option<License>,
    #[serde(default)]
    authors: Vec<Contact>,
    #[serde(default)]
    maintainers: Vec<Contact>,
    #[serde(default)]
    classifiers: Vec<String>,
    #[serde(default)]
    urls: BTreeMap<String, String>,
    #[serde(default)]
    scripts: BTreeMap<String, String>,
    #[serde(default)]
    dependencies: Vec<String>,
    #[serde(default)]
    optional_dependencies: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    dynamic: Vec<String>,
}

#[derive(Deserialize)]
struct Contact {
    name: Option<String>,
    email: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ReadMe {
    Path(String),
    Table { file: Option<String>, text: Option<String> },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum License {
    /// PEP 639.
    Expression(String),
    Table {
        text: Option<String>,
    },
}

fn read_member(archive: &mut zip::ZipArchive<fs_err::File>, name: &str) -> std::io::Result<String> {
    let member = archive.by_name(name).map_err(std::io::Error::from)?;
    let mut bytes = Vec::new();
    member.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Names and versions end up in paths and headers, so they have to be what the specification says.
fn checked(name: &str, version: &str) -> Result<(), String> {
    let good = |character: char| character.is_ascii_alphanumeric() || "-._".contains(character);
    let name = name.trim();
    if name.is_empty() || !name.chars().all(good) {
        return Err(format!("`{}` is not the name of a distribution", name.escape_debug()));
    }
    match version.trim().parse::<pep440_rs::Version>() {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("`{}` is not a version: {error}", version.escape_debug())),
    }
}

/// Sorted names of `[console_scripts]`. Names are case-sensitive, only `=` separates, and `:` belongs to the value.
fn console_scripts(entry_points: &str) -> Result<Vec<String>, String> {
    let mut ini = Ini::new_cs();
    let mut defaults = ini.defaults();
    defaults.delimiters = vec!['='];
    ini.load_defaults(defaults);
    let sections = ini.read(entry_points.to_owned()).map_err(|error| format!("entry_points.txt: {error}"))?;
    let mut names: Vec<String> =
        sections.get("console_scripts").into_iter().flatten().map(|(name, _)| name.clone()).collect();
    names.sort();
    checked_scripts(names)
}

/// Scripts become files in `bin`, so a name with a directory in it would lie elsewhere.
fn checked_scripts(names: Vec<String>) -> Result<Vec<String>, String> {
    let bad = |name: &&String| {
        matches!(name.as_str(), "" | "." | "..") || name.contains('/') || name.contains(char::is_control)
    };
    match names.iter().find(bad) {
        Some(name) => Err(format!("`{}` is not the name of a command", name.escape_debug())),
        None => Ok(names),
    }
}

fn known(value: &str) -> Option<String> {
    let value = value.trim();
    (!value.is_empty() && value != "UNKNOWN").then(|| value.to_owned())
}

fn known_option(value: &Option<String>) -> Option<&str> {
    value.as_deref().map(str::trim).filter(|value| !value.is_empty() && *value != "UNKNOWN")
}

/// `A <a@b.c>` of what the fields say: the address field may hold names as well, and several people.
fn person(name: Option<&str>, mail: Option<&str>) -> Option<String> {
    let mail = mail.map(first_of_several);
    match (name, mail) {
        (_, Some(mail)) if mail.contains('<') => Some(unquoted(mail)),
        (Some(name), Some(mail)) => Some(format!("{name} <{mail}>")),
        (Some(only), None) | (None, Some(only)) => Some(only.to_owned()),
        (None, None) => None,
    }
}

/// Up to the first comma that is not within quotes (RFC 5322, 3.2.4): `"Acme, Inc." <info@acme.example>`.
fn first_of_several(mail: &str) -> &str {
    let (mut quoted, mut escaped) = (false, false);
    let end = mail.char_indices().find(|(_, c)| {
        let is_plain = !escaped;
        escaped = is_plain && quoted && *c == '\\';
        quoted ^= is_plain && *c == '"';
        *c == ',' && !quoted
    });
    end.map_or(mail, |(at, _)| mail.get(..at).unwrap_or(mail)).trim()
}

/// Without the quotes around it and the backslashes in it.
fn unquoted(mail: &str) -> String {
    let mut text = String::with_capacity(mail.len());
    let mut characters = mail.chars();
    while let Some(c) = characters.next() {
        match c {
            '"' => {}
            '\\' => text.extend(characters.next()),
            c => text.push(c),
        }
    }
    text
}

/// A licence field may hold the whole text of the licence, which is no name of one.
fn short_license(text: &str) -> Option<String> {
    known(text).filter(|text| text.lines().count() == 1 && text.len() <= 100)
}

fn license_text(license: &License) -> Option<String> {
    match license {
        License::Expression(expression) => known(expression),
        License::Table { text } => text.as_deref().and_then(short_license),
    }
}

/// Trove classifiers that name one licence, as SPDX (<https://spdx.org/licenses/>).
const CLASSIFIERS: [(&str, &str); 22] = [
    ("MIT License", "MIT"),
    ("MIT No Attribution License (MIT-0)", "MIT-0"),
    ("Apache Software License", "Apache-2.0"),
    ("BSD License", "BSD-3-Clause"),
    ("ISC License (ISCL)", "ISC"),
    ("Python Software Foundation License", "PSF-2.0"),
    ("Mozilla Public License 1.1 (MPL 1.1)", "MPL-1.1"),
    ("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
    ("GNU General Public License v2 (GPLv2)", "GPL-2.0-only"),
    ("GNU General Public License v2 or later (GPLv2+)", "GPL-2.0-or-later"),
    ("GNU General Public License v3 (GPLv3)", "GPL-3.0-only"),
    ("GNU General Public License v3 or later (GPLv3+)", "GPL-3.0-or-later"),
    ("GNU Lesser General Public License v2 (LGPLv2)", "LGPL-2.0-only"),
    ("GNU Lesser General Public License v2 or later (LGPLv2+)", "LGPL-2.0-or-later"),
    ("GNU Lesser General Public License v3 (LGPLv3)", "LGPL-3.0-only"),
    ("GNU Lesser General Public License v3 or later (LGPLv3+)", "LGPL-3.0-or-later"),
    ("GNU Affero General Public License v3", "AGPL-3.0-only"),
    ("GNU Affero General Public License v3 or later (AGPLv3+)", "AGPL-3.0-or-later"),
    ("Zope Public License", "ZPL-2.1"),
    ("The Unlicense (Unlicense)", "Unlicense"),
    ("Eclipse Public License 2.0 (EPL-2.0)", "EPL-2.0"),
    ("Boost Software License 1.0 (BSL-1.0)", "BSL-1.0"),
];

fn license_of(classifiers: &[String]) -> Option<String> {
    let names = classifiers.iter().filter_map(|line| line.strip_prefix("License :: "));
    let mut licenses: Vec<&str> = names
        .filter_map(|name| name.rsplit(" :: ").next())
        .filter(|name| *name != "OSI Approved")
        .map(|name| CLASSIFIERS.iter().find(|(title, _)| *title == name).map_or(name, |(_, spdx)| spdx))
        .collect();
    licenses.sort_unstable();
    licenses.dedup();
    (!licenses.is_empty()).then(|| licenses.join(" OR "))
}

/// Well-known labels of project URLs, the best first
/// (<https://packaging.python.org/specifications/well-known-project-urls/>).
fn home_page<'u>(urls: impl Iterator<Item = (&'u str, &'u str)>) -> Option<String> {
    const LABELS: [&str; 6] = ["homepage", "home", "repository", "source", "sourcecode", "github"];
    let rank = |label: &str| {
        let plain: String = label.chars().filter(char::is_ascii_alphanumeric).collect();
        LABELS.iter().position(|known| *known == plain.to_ascii_lowercase())
    };
    let best = urls.enumerate().map(|(index, (label, url))| (rank(label).unwrap_or(LABELS.len()), index, url)).min();
    best.map(|(_, _, url)| url.trim().to_owned()).filter(|url| !url.is_empty())
}

fn read_me(readme: &ReadMe, directory: &Path) -> Option<String> {
    match readme {
        ReadMe::Path(path) | ReadMe::Table { file: Some(path), .. } => {
            fs_err::read_to_string(directory.join(path)).ok()
        }
        ReadMe::Table { text, .. } => text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::exec::Command;

    const METADATA: &str = "Metadata-Version: 2.4\nName: Großer.App\nVersion: 1.0\n";

    fn parsed(fields: &str) -> Metadata {
        Metadata::parse(&format!("Metadata-Version: 2.4\nName: App\nVersion: 1.0\n{fields}\n"), "").unwrap()
    }

    #[test]
    fn the_license_is_a_name() {
        let cases = [
            ("License-Expression: MIT OR Apache-2.0\nLicense: other", "MIT OR Apache-2.0"),
            ("License: ASL 2.0\nClassifier: License :: OSI Approved :: MIT License", "ASL 2.0"),
            ("License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License", "MIT"),
            ("Classifier: License :: OSI Approved", ""),
            ("Classifier: License :: Public Domain", "Public Domain"),
            (
                "Classifier: License :: OSI Approved :: MIT License\n\
                 Classifier: License :: OSI Approved :: Apache Software License",
                "Apache-2.0 OR MIT",
            ),
            ("License: Copyright me\n        All of it\n        is here.", ""),
        ];
        for (fields, license) in cases {
            assert_eq!(parsed(fields).license, license, "{fields}");
        }
    }

    #[test]
    fn the_url_is_the_best_of_all() {
        let urls =
            "Project-URL: Changelog, https://c\nProject-URL: Source Code, https://s\nProject-URL: home-page, https://h";
        assert_eq!(parsed(urls).url, "https://h");
        assert_eq!(parsed(&format!("Home-page: https://own\n{urls}")).url, "https://own");
        assert_eq!(parsed("Project-URL: Changelog, https://c").url, "https://c");
        assert_eq!(parsed("").url, "");
    }

    #[test]
    fn the_author_has_an_address() {
        let cases = [
            ("Author: Ada\nAuthor-email: ada@b.c", "Ada <ada@b.c>"),
            ("Author-email: Ada <ada@b.c>, Bob <b@b.c>", "Ada <ada@b.c>"),
            ("Author-email: \"Ada L.\" <ada@b.c>", "Ada L. <ada@b.c>"),
            ("Author-email: \"Acme, Inc.\" <info@b.c>, Bob <b@b.c>", "Acme, Inc. <info@b.c>"),
            ("Author-email: \"Zo\u{eb} \\\"Q\\\" O'Brien, Jr.\" <q@b.c>", "Zo\u{eb} \"Q\" O'Brien, Jr. <q@b.c>"),
            ("Author: Ada", "Ada"),
            ("Maintainer: Max\nMaintainer-email: max@b.c", "Max <max@b.c>"),
        ];
        for (fields, author) in cases {
            assert_eq!(parsed(fields).author, author, "{fields}");
        }
    }

    #[test]
    fn control_characters_do_not_get_through() {
        let read = parsed("Summary: a\x1b[31m\n  b\nHome-page: javascript:alert(1)\nAuthor: A\tB");
        assert_eq!((read.summary.as_str(), read.url.as_str(), read.author.as_str()), ("a [31m b", "", "A B"));
        for name in ["../evil", "/bin/sh", "..", "a\x07"] {
            let points = format!("[console_scripts]\n{name} = a:b\n");
            let result = Metadata::parse("Metadata-Version: 2.1\nName: a\nVersion: 1\n", &points);
            assert!(matches!(result, Err(Error::Metadata { .. })), "{name}: {result:?}");
        }
    }

    #[test]
    fn hostile_metadata_is_refused() {
        for text in [
            "",
            "Name: a\nVersion: 1\n",
            "Metadata-Version: 2.1\nVersion: 1\n",
            "Metadata-Version: 2.1\nName: ../a\nVersion: 1\n",
            "Metadata-Version: 2.1\nName: a\nVersion: 1; rm -rf\n",
            METADATA,
        ] {
            assert!(matches!(Metadata::parse(text, ""), Err(Error::Metadata { .. })), "{text}");
        }
    }

    /// What Python's own `importlib.metadata` reads from the same files.
    #[test]
    fn a_wheel_reads_as_python_reads_it() {
        let metadata = "Metadata-Version: 2.1\nName: My.App\nVersion: 1.2rc1\nSummary: Größe zählt\n\
                        Requires-Python: >=3.6\nRequires-Dist: flask (>=1.0)\n\
                        Requires-Dist: tomli>=1; python_version < \"3.11\"\nProvides-Extra: fast\n\
                        Description-Content-Type: text/markdown\n\n# My App\n\nReads: well\n";
        let entry_points = "[console_scripts]\nMy-App = my_app.cli:main\nmy-app = my_app.cli:main [fast]\n# a comment\n\
                            other=my_app:other\nna:me = my_app:main\n\n[gui_scripts]\ngui = my_app:gui\n\n[my.plugins]\na:b = my_app:plugin\n";
        let directory = tempfile::tempdir().unwrap();
        let wheel = directory.path().join("my_app-1.2rc1-py3-none-any.whl");
        let mut archive = zip::ZipWriter::new(fs_err::File::create(&wheel).unwrap());
        for (name, text) in [("METADATA", metadata), ("entry_points.txt", entry_points)] {
            let path = format!("my_app-1.2rc1.dist-info/{name}");
            archive.start_file(&path, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(text.as_bytes()).unwrap();
            fs_err::create_dir_all(directory.path().join("my_app-1.2rc1.dist-info")).unwrap();
            fs_err::write(directory.path().join(path), text).unwrap();
        }
        archive.finish().unwrap();
        let script = "import sys, json\nfrom importlib.metadata import PathDistribution as P\nfrom pathlib import Path\n\
                      d = P(Path(sys.argv[1]))\nm = d.metadata\n\
                      print(json.dumps([m['Name'], m['Version'], m['Summary'], m['Requires-Python'], d.requires,\n\
                      m.get_all('Provides-Extra'), m.get_payload(),\n\
                      sorted(e.name for e in d.entry_points if e.group == 'console_scripts')]))";
        let command = Command::new("python3").args(["-X", "utf8", "-c", script]);
        let output = command.arg(directory.path().join("my_app-1.2rc1.dist-info")).run().unwrap();
        assert_eq!(output.code, 0, "{}", output.stderr_text());
        let expected: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let read = Metadata::from_wheel(&wheel).unwrap();
        let found = serde_json::json!([
            read.name,
            read.version,
            read.summary,
            read.requires_python,
            read.requires_dist,
            read.extras,
            format!("{}\n", read.description),
            read.console_scripts
        ]);
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_no_wheel_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a-1-py3-none-any.whl");
        fs_err::write(&path, "no zip").unwrap();
        assert!(matches!(Metadata::from_wheel(&path), Err(Error::Metadata { .. })));
        let mut archive = zip::ZipWriter::new(fs_err::File::create(&path).unwrap());
        archive.start_file("a.py", zip::write::SimpleFileOptions::default()).unwrap();
        archive.finish().unwrap();
        let Err(error) = Metadata::from_wheel(&path) else { panic!("there is no metadata") };
        assert!(error.to_string().contains("METADATA"), "{error}");
        assert!(matches!(Metadata::from_wheel(&directory.path().join("b.whl")), Err(Error::Io(_))));
    }

    #[test]
    fn static_metadata_needs_no_build() {
        let text = r#"
            [project]
            name = "My_App"
            version = "1.0"
            description = "Does it"
            readme = "README.md"
            requires-python = ">=3.9"
            license = "MIT"
            authors = [{ name = "Ada", email = "ada@b.c" }]
            dependencies = ["flask", "not a requirement- "]
            dynamic = ["readme"]
            [project.optional-dependencies]
            fast = ["uvloop"]
            [project.scripts]
            zz = "a:b"
            aa = "a:b"
            [project.urls]
            Repository = "https://r"
            Changelog = "https://c"
        "#;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pyproject.toml");
        fs_err::write(&path, text).unwrap();
        fs_err::write(directory.path().join("README.md"), "# A\n").unwrap();
        let read = Metadata::from_pyproject(&path).unwrap();
        assert_eq!((read.name.as_str(), read.version.as_str(), read.description.as_str()), ("My_App", "1.0", "# A\n"));
        assert_eq!(
            (read.license.as_str(), read.url.as_str(), read.author.as_str()),
            ("MIT", "https://r", "Ada <ada@b.c>")
        );
        assert_eq!(
            (read.console_scripts, read.extras),
            (vec!["aa".to_owned(), "zz".to_owned()], vec!["fast".to_owned()])
        );
        for (from, to) in
            [("\"readme\"]", "\"version\"]"), ("name = \"My_App\"", ""), ("\"1.0\"", "\"one\""), ("[project]", "[x]")]
        {
            fs_err::write(&path, text.replace(from, to)).unwrap();
            assert_eq!(Metadata::from_pyproject(&path), None, "{from} -> {to}");
        }
    }
}
