//! What the targets share: a file for bytes that are read by name, and what has to hold for every tree.

use std::path::{Path, PathBuf};

use omnipack::cli::diff_text;
use omnipack::format::Difference;
use omnipack::resolve::WheelRole;
use omnipack::stage::{self, EntryKind, Stage};

#[path = "../../tests/stage_layout/support.rs"]
#[allow(dead_code, clippy::pedantic)]
pub mod support;

/// A directory for one input after the other.
pub struct Place {
    directory: tempfile::TempDir,
}

impl Default for Place {
    fn default() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory for temporary files") }
    }
}

impl Place {
    /// The file `name` with these bytes.
    #[must_use]
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.directory.path().join(name);
        fs_err::write(&path, bytes).expect("a file for the input");
        path
    }

    /// Lays out a wheel with these bytes. Whatever they are, it is refused, or the tree is sound.
    pub fn lay_out(&self, bytes: &[u8]) {
        let path = self.file("demo-1.0-py3-none-any.whl", bytes);
        let lock = support::lock(vec![support::locked(&path, WheelRole::Application)]);
        match stage::lay_out(&support::opt_plan(), &lock, self.directory.path()).map(|tree| tree.finish(Vec::new())) {
            Ok(Ok(stage)) => check(&stage),
            Ok(Err(error)) | Err(error) => show(&error),
        }
    }
}

/// A package is refused, or what is said of it steers no terminal, and it does not differ from itself.
pub fn check_inspection(path: &Path) {
    match omnipack::format::read(path) {
        Ok(inspection) => check_text(&omnipack::cli::inspect::render(&inspection)),
        Err(error) => show(&error),
    }
    match omnipack::format::compare(path, path) {
        Ok(difference) => {
            let changes = (difference.fields.len(), difference.relations.len(), difference.files.len());
            assert_eq!(changes, (0, 0, 0), "{difference:?}");
            check_text(&diff_text::render(&Difference { identical: false, ..difference }, diff_text::Detail::All, false));
        }
        Err(error) => show(&error),
    }
}

/// Nothing that a terminal would act on.
fn check_text(text: &str) {
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
}

/// An error has to be fit for a person to read.
pub fn show(error: &dyn miette::Diagnostic) {
    let mut text = String::new();
    miette::GraphicalReportHandler::new().render_report(&mut text, error).expect("writing to a string");
    assert!(!text.is_empty());
}

/// Sorted, no path twice, every directory there, and nothing outside of the prefix.
fn check(stage: &Stage) {
    for pair in stage.entries.windows(2) {
        assert!(pair[0].path < pair[1].path, "{} before {}", pair[0].path, pair[1].path);
    }
    for entry in &stage.entries {
        let path = &entry.path;
        assert!(path.is_below(&stage.prefix), "{path} lies outside");
        assert!(!path.as_str().contains("/../") && !path.as_str().contains("//"), "{path} is not normalised");
        if let Some(parent) = path.parent().filter(|parent| parent.is_below(&stage.prefix)) {
            let parent = stage.get(&parent).unwrap_or_else(|| panic!("{path} lies in no directory"));
            assert!(matches!(parent.kind, EntryKind::Directory), "{path} lies in what is no directory");
        }
        match &entry.kind {
            EntryKind::File(content) => {
                // Damaged data is an error; data of another size than announced is not for the format writers.
                if content.size() < 1 << 20
                    && let Ok(bytes) = content.read()
                {
                    assert_eq!(bytes.len() as u64, content.size(), "{path}");
                }
            }
            EntryKind::Symlink(target) => assert!(!target.is_empty() && !target.contains('\0'), "{path}"),
            EntryKind::Directory | EntryKind::Hardlink(_) => {}
        }
    }
}
