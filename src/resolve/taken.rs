//! Which files of a directory without a build configuration are the application: what can be imported, and the data beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fs_err as fs;
use walkdir::WalkDir;

use super::Error;
use super::outputs::without_outputs;

/// Top-level names that belong to the project's upkeep and not to the application.
const UPKEEP: [&str; 12] = [
    "setup.py",
    "conftest.py",
    "noxfile.py",
    "tasks.py",
    "tests",
    "test",
    "docs",
    "doc",
    "examples",
    "build",
    "dist",
    "venv",
];

/// Directories of data that frameworks find by these names, so that no module has to name them (Flask, Django, Babel, Alembic).
const CUSTOMARY: [&str; 9] =
    ["templates", "static", "locale", "locales", "translations", "migrations", "assets", "public", "resources"];

/// Directories that say how the application is run and by whom: packed only when they are Python packages.
const OPERATION: [&str; 23] = [
    "deploy",
    "deployment",
    "deployments",
    "secret",
    "secrets",
    "private",
    "credentials",
    "keys",
    "ansible",
    "terraform",
    "k8s",
    "kubernetes",
    "helm",
    "charts",
    "docker",
    "packaging",
    "instance",
    "htmlcov",
    "coverage",
    "log",
    "logs",
    "backup",
    "backups",
];

/// What private keys and files of passwords are called.
const SECRET_NAMES: [&str; 4] = ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"];
const SECRET_ENDS: [&str; 7] = [".key", ".pem", ".env", ".p12", ".pfx", ".jks", ".kdbx"];

/// The files of an application, and what of its directory is not packed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// Sorted, relative.
    pub files: Vec<PathBuf>,
    /// Top-level directories that files come from.
    directories: BTreeSet<String>,
    /// Top-level directories that are left out, and nobody would expect it.
    left: BTreeSet<String>,
    /// Files that look like private keys or passwords.
    secrets: Vec<PathBuf>,
}

impl Taken {
    /// Of `directory`, whose path is canonical.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn of(directory: &Path) -> Result<Self, Error> {
        let files = candidates(directory)?;
        let mut tops = BTreeMap::<String, Vec<PathBuf>>::new();
        let mut taken = Self::default();
        for file in files {
            match top(&file) {
                Some(top) => tops.entry(top).or_default().push(file),
                None => taken.files.push(file),
            }
        }
        let (importable, data): (BTreeMap<_, _>, BTreeMap<_, _>) =
            tops.into_iter().partition(|(top, files)| is_importable(top, files));
        for (top, files) in importable {
            taken.take(top, files);
        }
        let modules = taken.files.iter().filter(|file| is_module(file));
        let modules = modules.map(|file| text(&directory.join(file))).collect::<Result<Vec<_>, _>>()?;
        let config = text(&directory.join("omnipack.toml")).unwrap_or_default();
        for (top, files) in data {
            let operation = OPERATION.contains(&&*top.to_lowercase());
            if !operation && (CUSTOMARY.contains(&&*top) || modules.iter().any(|text| names(text, &top))) {
                taken.take(top, files);
            } else if !names(&config, &top) {
                taken.left.insert(top);
            }
        }
        let (secrets, files) =
            std::mem::take(&mut taken.files).into_iter().partition(|file| is_secret(directory, file));
        (taken.secrets, taken.files) = (secrets, files);
        taken.files.sort();
        Ok(taken)
    }

    fn take(&mut self, top: String, files: Vec<PathBuf>) {
        self.files.extend(files);
        self.directories.insert(top);
    }

    #[must_use]
    pub fn has_module(&self) -> bool {
        self.files.iter().any(|file| is_module(file))
    }

    /// What the user should hear of: directories and files that they may expect in the package, and that are not in it.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.left.is_empty() {
            let with = match self.directories.len() {
                0 => "the modules alone are packed".to_owned(),
                _ => format!("the modules are packed with {}", listed(&self.directories)),
            };
            warnings.push(format!(
                "{with}, and not {}: nothing in there can be imported, and no module names it; what has to be installed can be \
                 named by `[[file]]`",
                listed(&self.left)
            ));
        }
        warnings.extend(self.secrets.iter().map(|file| {
            format!("`{}` is not packed: by its name it is a private key or a file of passwords", file.display())
        }));
        warnings
    }
}

/// `deploy/`, `nodir/`
fn listed(directories: &BTreeSet<String>) -> String {
    directories.iter().map(|directory| format!("`{directory}/`")).collect::<Vec<_>>().join(", ")
}

/// All that is neither hidden nor upkeep nor left by earlier builds; sorted, relative. Of the files right in the directory
/// only modules.
fn candidates(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    let walk = WalkDir::new(directory).follow_links(true).sort_by_file_name().into_iter();
    let walk = walk.filter_entry(|entry| {
        let name = entry.file_name().to_string_lossy();
        let hidden = entry.depth() > 0 && (name.starts_with('.') || name == "__pycache__" || name == "node_modules");
        let upkeep = entry.depth() == 1 && UPKEEP.contains(&&*name);
        let environment = entry.file_type().is_dir() && entry.path().join("pyvenv.cfg").is_file();
        !(hidden || upkeep || environment || (entry.depth() > 0 && name.ends_with(".egg-info")))
    });
    for entry in walk {
        let entry = entry.map_err(std::io::Error::from)?;
        let name = entry.file_name().to_string_lossy();
        let wanted = if entry.depth() == 1 { name.ends_with(".py") } else { !name.ends_with(".pyc") };
        if entry.file_type().is_file()
            && wanted
            && let Ok(relative) = entry.path().strip_prefix(directory)
        {
            found.push(relative.to_path_buf());
        }
    }
    // They are known by files that are no modules.
    let mut all = found.clone();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = PathBuf::from(entry.file_name());
        if entry.file_type()?.is_file() && !found.contains(&path) {
            all.push(path);
        }
    }
    let kept = without_outputs(directory, all)?.into_iter().collect::<BTreeSet<_>>();
    found.retain(|path| kept.contains(path));
    Ok(found)
}

/// The directory right in the project that the file lies in.
fn top(file: &Path) -> Option<String> {
    let mut parts = file.components();
    let first = parts.next()?.as_os_str().to_string_lossy().into_owned();
    parts.next().map(|_| first)
}

fn is_module(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "py" || extension == "so")
}

/// A package, or a namespace package (PEP 420) that has a module in it.
fn is_importable(top: &str, files: &[PathBuf]) -> bool {
    files.contains(&Path::new(top).join("__init__.py"))
        || (!OPERATION.contains(&&*top.to_lowercase()) && files.iter().any(|file| is_module(file)))
}

/// Does the text have `name` in quotes, as a whole or as a part of a path?
fn names(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + name.len()..).and_then(|after| after.chars().next());
        matches!(before, Some('"' | '\'' | '/')) && matches!(after, Some('"' | '\'' | '/'))
    })
}

/// Certificates and public keys have the same endings, and are none.
fn is_secret(directory: &Path, file: &Path) -> bool {
    let name = file.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    if SECRET_NAMES.contains(&&*name) {
        return true;
    }
    if !SECRET_ENDS.iter().any(|end| name.ends_with(end)) {
        return false;
    }
    let content = text(&directory.join(file)).unwrap_or_default();
    let public = ["-----BEGIN CERTIFICATE", "-----BEGIN PUBLIC KEY"].iter().any(|head| content.contains(head));
    !public || content.contains("PRIVATE KEY")
}

fn text(path: &Path) -> Result<String, std::io::Error> {
    Ok(String::from_utf8_lossy(&fs::read(path)?).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_imported_is_taken_with_its_data_and_no_secret() {
        let directory = tempfile::tempdir().unwrap();
        let files = [
            ("app.py", "open('tables/a.csv')\nopen('secrets/key.pem')\n"),
            ("cacert.pem", "-----BEGIN CERTIFICATE-----"),
            ("pkg/__init__.py", ""),
            ("pkg/ca.pem", "-----BEGIN CERTIFICATE-----"),
            ("pkg/both.pem", "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----"),
            ("pkg/prod.env", "A=1"),
            ("space/inner/mod.py", ""),
            ("templates/index.html", "<p>"),
            ("tables/a.csv", ""),
            ("deploy/id_rsa", "key"),
            ("deploy/fabfile.py", ""),
            ("secrets/key.pem", "x"),
            ("nodir/x.yml", ""),
            ("etc/app.conf", ""),
            ("omnipack.toml", "source = \"etc/app.conf\""),
            ("debian-12/app_1.0-1_all.deb", ""),
            ("tests/test_app.py", ""),
        ];
        for (name, text) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let taken = Taken::of(&fs::canonicalize(directory.path()).unwrap()).unwrap();
        let files = taken.files.iter().map(|path| path.to_str().unwrap()).collect::<Vec<_>>();
        let expected =
            ["app.py", "pkg/__init__.py", "pkg/ca.pem", "space/inner/mod.py", "tables/a.csv", "templates/index.html"];
        assert_eq!(files, expected);
        let warnings = taken.warnings();
        assert!(
            warnings[0].contains("`pkg/`, `space/`, `tables/`, `templates/`, and not `deploy/`, `nodir/`, `secrets/`:")
        );
        assert_eq!(warnings.len(), 3, "{warnings:?}");
        assert!(warnings[1].starts_with("`pkg/both.pem` is not packed"));
    }
}
