//! The user's source tree: its digest, and a copy to build in, so that nothing is ever written into the original.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fs_err as fs;
use rayon::prelude::*;
use walkdir::{DirEntry, WalkDir};

use super::Error;
use super::cache::{digest, sha256_file};
use super::outputs::without_outputs;
use crate::exec::Command;
use crate::scratch::Scratch;

/// Directories that are never part of a project's source.
const PASSED_OVER: [&str; 10] = [
    ".git",
    ".hg",
    "__pycache__",
    "node_modules",
    ".tox",
    ".nox",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".venv",
];

/// Relative name to what tells the content from any other.
pub type Contents = BTreeMap<String, String>;

/// A project's files, and the git repository that it lies in.
#[derive(Debug)]
pub struct SourceTree {
    root: PathBuf,
    /// Sorted, relative.
    files: Vec<PathBuf>,
    git: Option<PathBuf>,
}

/// A copy to build in; gone when dropped.
#[derive(Debug)]
pub struct Copy {
    _scratch: Scratch,
    /// Of the project.
    pub path: PathBuf,
}

impl SourceTree {
    /// # Errors
    /// When the directory cannot be walked.
    pub fn read(root: &Path) -> Result<Self, Error> {
        let root = fs::canonicalize(root)?;
        let unpacked_sdist = root.join("PKG-INFO").is_file();
        let mut files = Vec::new();
        let walk = WalkDir::new(&root).sort_by_file_name().into_iter();
        for entry in walk.filter_entry(|entry| belongs(entry, unpacked_sdist)) {
            let entry = entry.map_err(std::io::Error::from)?;
            if !entry.file_type().is_dir()
                && let Ok(relative) = entry.path().strip_prefix(&root)
            {
                files.push(relative.to_path_buf());
            }
        }
        let files = without_outputs(&root, files)?;
        let git = root.ancestors().map(|dir| dir.join(".git")).find(|git| git.exists());
        Ok(Self { root, files, git })
    }

    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// One digest of every name, content and executable bit, and of what git says when versions may come from it.
    #[must_use]
    pub fn digest(&self, contents: &Contents) -> String {
        let lines = contents.iter().map(|(name, content)| format!("{name}\0{content}"));
        digest(lines.chain(self.uses_git().then(|| self.git_state())))
    }

    /// Each file's name, relative to the project, and what tells its content and executable bit from any other.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn contents(&self) -> Result<Contents, Error> {
        use std::os::unix::fs::PermissionsExt;
        let lines = self.files.par_iter().map(|relative| {
            let path = self.root.join(relative);
            let meta = fs::symlink_metadata(&path)?;
            let content = if meta.is_symlink() {
                let link = fs::read_link(&path)?;
                let content = if path.is_file() { sha256_file(&path)? } else { String::new() };
                format!("link {} {content}", link.display())
            } else if meta.is_file() {
                format!("{:o} {}", meta.permissions().mode() & 0o111, sha256_file(&path)?)
            } else {
                "special".to_owned()
            };
            Ok((relative.display().to_string(), content))
        });
        Ok(lines.collect::<Result<Contents, std::io::Error>>()?)
    }

    /// Do the build files name a tool that reads the version or the file list from git?
    #[must_use]
    pub fn uses_git(&self) -> bool {
        let tools = ["scm", "vcs", "versioneer", "versioningit", "pbr", "git", "dunamai", "dynamic-versioning"];
        let text = ["pyproject.toml", "setup.py", "setup.cfg"]
            .iter()
            .filter_map(|name| fs::read_to_string(self.root.join(name)).ok())
            .collect::<String>();
        self.git.is_some() && tools.iter().any(|tool| text.contains(tool))
    }

    fn git_state(&self) -> String {
        let ask = |arguments: &[&str]| {
            let command = Command::new("git").args(arguments).dir(&self.root).env("GIT_OPTIONAL_LOCKS", "0");
            command.run().map(|output| output.stdout_text()).unwrap_or_default()
        };
        [
            ask(&["rev-parse", "HEAD"]),
            ask(&["for-each-ref", "--format=%(refname) %(objectname) %(*objectname)", "refs/tags"]),
            ask(&["status", "--porcelain"]),
            ask(&["branch", "--show-current"]),
        ]
        .join("\0")
    }

    /// Copies the project, or the whole repository when versions come from git and the project is a part of it. The
    /// copy has an index and references of its own and borrows the original's objects: `git describe --dirty` writes
    /// the index it finds.
    ///
    /// # Errors
    /// When a file cannot be copied.
    pub fn copy(&self, scratch: Scratch) -> Result<Copy, Error> {
        let base = scratch.path().join("source");
        let git = self.git.as_ref().filter(|_| self.uses_git());
        let top = git.and_then(|git| git.parent());
        let path = match top {
            Some(top) if top != self.root => {
                let whole = Self::read(top)?;
                whole.copy_files(&base)?;
                base.join(self.root.strip_prefix(top).unwrap_or(Path::new("")))
            }
            _ => base.clone(),
        };
        self.copy_files(&path)?;
        if git.is_some() {
            self.copy_repository(&base.join(".git"))?;
        }
        Ok(Copy { _scratch: scratch, path })
    }

    fn copy_repository(&self, to: &Path) -> Result<(), Error> {
        let ask = |question: &str| {
            let command = Command::new("git").args(["rev-parse", "--path-format=absolute", question]).dir(&self.root);
            command.run_checked().map(|output| PathBuf::from(output.stdout_text().trim_end()))
        };
        let (own, common) = (ask("--git-dir")?, ask("--git-common-dir")?);
        fs::create_dir_all(to.join("objects/info"))?;
        fs::create_dir_all(to.join("refs"))?;
        fs::write(to.join("objects/info/alternates"), format!("{}\n", common.join("objects").display()))?;
        for (from, names) in
            [(&common, &["config", "packed-refs", "shallow", "info/exclude"][..]), (&own, &["HEAD", "index"])]
        {
            for name in names.iter().filter(|name| from.join(name).is_file()) {
                let path = to.join(name);
                fs::create_dir_all(path.parent().unwrap_or(to))?;
                fs::copy(from.join(name), path)?;
            }
        }
        for entry in WalkDir::new(common.join("refs")).into_iter().filter_map(Result::ok) {
            if entry.file_type().is_file()
                && let Ok(relative) = entry.path().strip_prefix(&common)
            {
                let path = to.join(relative);
                fs::create_dir_all(path.parent().unwrap_or(to))?;
                fs::copy(entry.path(), path)?;
            }
        }
        Ok(())
    }

    fn copy_files(&self, to: &Path) -> Result<(), Error> {
        fs::create_dir_all(to)?;
        for relative in &self.files {
            let from = self.root.join(relative);
            let path = to.join(relative);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            let meta = fs::symlink_metadata(&from)?;
            if meta.is_symlink() && fs::symlink_metadata(&path).is_err() {
                let link = fs::read_link(&from)?;
                let inside = fs::canonicalize(&from).is_ok_and(|real| real.starts_with(&self.root));
                let link =
                    if inside || link.is_absolute() { link } else { from.parent().unwrap_or(&self.root).join(link) };
                fs::os::unix::fs::symlink(link, &path)?;
            } else if meta.is_file() {
                fs::copy(&from, &path)?;
            }
        }
        Ok(())
    }
}

/// Leaves out environments, caches and what earlier builds left.
fn belongs(entry: &DirEntry, unpacked_sdist: bool) -> bool {
    let name = entry.file_name().to_string_lossy();
    if entry.depth() == 0 {
        return true;
    }
    if !entry.file_type().is_dir() {
        return name != ".git" && !name.ends_with(".pyc");
    }
    let path = entry.path();
    if PASSED_OVER.contains(&&*name) || path.join("pyvenv.cfg").is_file() || path.join("CACHEDIR.TAG").is_file() {
        return false;
    }
    let stale_build = name == "build" && entry.depth() == 1 && (path.join("lib").is_dir() || has(path, "bdist."));
    let stale_info = name.ends_with(".egg-info") && entry.depth() <= 2 && !unpacked_sdist;
    let packages = name == "dist" && entry.depth() == 1 && !path.join("__init__.py").is_file();
    !(stale_build || stale_info || packages)
}

fn has(dir: &Path, prefix: &str) -> bool {
    fs::read_dir(dir).is_ok_and(|mut entries| {
        entries.any(|entry| entry.is_ok_and(|e| e.file_name().to_string_lossy().starts_with(prefix)))
    })
}
