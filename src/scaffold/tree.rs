//! The files of a project that say something, in memory: detectors read nothing else, so they can be tried with texts.

use std::collections::BTreeMap;
use std::path::Path;

use walkdir::{DirEntry, WalkDir};

/// Directories deeper than this are content.
const DEPTH: usize = 6;

/// More files than this are not looked at: the project is a home directory, or a data set.
const FILES: usize = 20_000;

/// Longer files are no configuration.
const LENGTH: u64 = 512 << 10;

/// All texts together, in bytes.
const TOTAL: u64 = 64 << 20;

/// Names of directories that hold what others wrote, what was built, or what only tests use.
const PASSED_OVER: [&str; 16] = [
    "example",
    "examples",
    "node_modules",
    "venv",
    "env",
    "virtualenv",
    "__pycache__",
    "site-packages",
    "build",
    "dist",
    "test",
    "tests",
    "testing",
    "docs",
    "vendor",
    "fixtures",
];

/// Hidden directories that are looked at: workflows of CI services.
const LOOKED_AT: [&str; 3] = [".github", ".circleci", ".gitlab"];

/// A project's files by their paths below its directory, with `/`; texts only where they may say something.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    files: BTreeMap<String, Option<String>>,
    /// Name of the directory.
    title: String,
}

impl Tree {
    /// Looks at a directory.
    ///
    /// # Errors
    /// When the directory itself cannot be read. What else cannot is passed over, and so are links.
    pub fn read(directory: &Path) -> std::io::Result<Self> {
        fs_err::read_dir(directory)?;
        let title = fs_err::canonicalize(directory)?;
        let title = title.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut files = BTreeMap::new();
        let mut total = 0;
        let walk = WalkDir::new(directory).max_depth(DEPTH).sort_by_file_name().into_iter().filter_entry(is_looked_at);
        for entry in walk.flatten().filter(|entry| entry.file_type().is_file()).take(FILES) {
            let Some(path) = entry.path().strip_prefix(directory).ok().and_then(Path::to_str) else { continue };
            // Such a name is nobody's configuration, and would have to be shown.
            if path.contains(char::is_control) {
                continue;
            }
            let length = entry.metadata().map_or(u64::MAX, |metadata| metadata.len());
            let read = says_something(path) && length <= LENGTH && total + length <= TOTAL;
            let text = if read { fs_err::read(entry.path()).ok() } else { None };
            total += text.as_ref().map_or(0, |text| text.len() as u64);
            files.insert(path.to_owned(), text.map(|text| String::from_utf8_lossy(&text).into_owned()));
        }
        Ok(Self { files, title })
    }

    /// A project that is only in memory.
    #[must_use]
    pub fn of<'a>(title: &str, files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let files = files.into_iter().map(|(path, text)| (path.to_owned(), Some(text.to_owned()))).collect();
        Self { files, title: title.to_owned() }
    }

    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Path and text of all files that were read, by path.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// Those whose name without directories is as `wanted` says.
    pub fn named(&self, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = (&str, &str)> {
        self.texts().filter(move |(path, _)| wanted(name_of(path)))
    }

    /// Is there a file in this directory or below it?
    #[must_use]
    pub fn has_directory(&self, directory: &str) -> bool {
        let start = format!("{directory}/");
        self.files.range(start.clone()..).next().is_some_and(|(path, _)| path.starts_with(&start))
    }
}

/// The last part of a path.
#[must_use]
pub fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn is_looked_at(entry: &DirEntry) -> bool {
    if entry.depth() == 0 || !entry.file_type().is_dir() {
        return true;
    }
    let name = entry.file_name().to_string_lossy();
    let hidden = name.starts_with('.') && !LOOKED_AT.contains(&&*name);
    !hidden && !PASSED_OVER.contains(&&*name) && !entry.path().join("pyvenv.cfg").exists()
}

/// Is there a detector for such a file?
fn says_something(path: &str) -> bool {
    const ENDS: [&str; 18] = [
        ".py",
        ".toml",
        ".cfg",
        ".txt",
        ".lock",
        ".service",
        ".timer",
        ".socket",
        ".spec",
        ".sh",
        ".init",
        ".mk",
        ".yml",
        ".yaml",
        ".conf",
        ".ini",
        ".logrotate",
        ".default",
    ];
    const NAMES: [&str; 10] = [
        "Procfile",
        "Dockerfile",
        "Containerfile",
        "Makefile",
        "GNUmakefile",
        "Jenkinsfile",
        "Vagrantfile",
        "Pipfile.lock",
        "PKG-INFO",
        ".python-version",
    ];
    let name = name_of(path);
    NAMES.contains(&name)
        || ENDS.iter().any(|end| name.ends_with(end))
        || ["Dockerfile", "Procfile"].iter().any(|start| name.starts_with(start))
        || in_debian(path)
        || !name.contains('.')
}

/// Is the path one of a `debian/` directory?
#[must_use]
pub fn in_debian(path: &str) -> bool {
    path.starts_with("debian/") || path.contains("/debian/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        for path in
            ["Procfile", "a/app.py", "node_modules/x/Procfile", ".git/config", "ve/pyvenv.cfg", "ve/x.py", "logo.png"]
        {
            let path = directory.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, "web: a\n").unwrap();
        }
        std::os::unix::fs::symlink("/etc/passwd", directory.path().join("link.txt")).unwrap();
        let tree = Tree::read(directory.path()).unwrap();
        assert_eq!(tree.paths().collect::<Vec<_>>(), ["Procfile", "a/app.py", "logo.png"]);
        assert_eq!((tree.text("Procfile"), tree.text("logo.png")), (Some("web: a\n"), None));
        assert!(tree.has_directory("a") && !tree.has_directory("Proc"));
        assert!(Tree::read(&directory.path().join("none")).is_err());
    }
}
