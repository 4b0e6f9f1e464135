//! A CPython inside of the prefix: from a directory or an archive, without what no application runs, and without the
//! directory that it was built for. CPython finds its library relative to its own program, so that the tree may lie
//! anywhere; what names the old place is `_sysconfigdata*.py` and, in builds for a fixed prefix, native code.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use super::interpreter_source::{Item, read};
use super::{Content, Entry, EntryKind, Error, LayoutError, Origin, TargetPath, links, patch};
use crate::plan::{BuildPlan, InterpreterKind};

/// Directories of the standard library that only developers of CPython or people at a screen use.
const UNUSED_MODULES: [&str; 5] = ["test", "idlelib", "turtledemo", "site-packages", "__phello__"];
/// Directories of tests anywhere below.
const TESTS: [&str; 2] = ["test", "tests"];

/// The entries of the bundled interpreter, below the directory that `plan.interpreter.path` lies in the `bin` of.
pub(super) fn entries(plan: &BuildPlan, source: &str, cache: &Path) -> Result<Vec<Entry>, Error> {
    let wrong = |reason: String| LayoutError::Interpreter { origin: source.to_owned(), reason };
    let root = root_on_target(plan).map_err(wrong)?;
    let sha256 = match &plan.interpreter.kind {
        InterpreterKind::Bundled { sha256, .. } => sha256.as_deref(),
        InterpreterKind::System { .. } | InterpreterKind::None => None,
    };
    let items = read(source, sha256, cache)?;
    let series = format!("python{}.{}", plan.interpreter.version.major, plan.interpreter.version.minor);
    let inner = find_prefix(&items, &series).map_err(wrong)?;
    let kept = items
        .into_iter()
        .filter_map(|(path, item)| Some((path.strip_prefix(&inner)?.to_owned(), item.inside(&inner))))
        .filter(|(path, _)| !path.is_empty() && is_wanted(path, &series))
        .collect::<BTreeMap<_, _>>();
    let program = TargetPath::new(&plan.interpreter.path).map_err(wrong)?;
    if !kept.contains_key(&format!("bin/{}", program.file_name())) {
        return Err(wrong(format!("it has no `bin/{}`", program.file_name())).into());
    }
    let old = old_places(&kept)?;
    let replacement = patch::Replacement::new(&old, root.as_str());
    kept.iter().map(|(path, item)| entry(&root, path, item, &kept, &replacement, cache, source)).collect()
}

fn root_on_target(plan: &BuildPlan) -> Result<TargetPath, String> {
    let program = TargetPath::new(&plan.interpreter.path)?;
    let prefix = TargetPath::new(&plan.prefix)?;
    let bin = program.parent().filter(|bin| bin.file_name() == "bin");
    let root = bin.and_then(|bin| bin.parent()).ok_or_else(|| format!("`{program}` does not lie in a `bin`"))?;
    if root.is_below(&prefix) && root != prefix {
        Ok(root)
    } else {
        Err(format!("`{root}` does not lie below the prefix `{prefix}`"))
    }
}

/// Where in the source the prefix of CPython lies, with a slash at its end: python-build-standalone has it in
/// `python/install/` or `python/`, an archive of a plain prefix in any directory or none.
fn find_prefix(items: &BTreeMap<String, Item>, series: &str) -> Result<String, String> {
    let landmark = format!("lib/{series}/os.py");
    let found = items.keys().filter_map(|path| path.strip_suffix(&landmark));
    let mut found = found.filter(|inner| inner.is_empty() || inner.ends_with('/')).collect::<Vec<_>>();
    found.sort_by_key(|inner| inner.len());
    if let Some(inner) = found.first() {
        return Ok((*inner).to_owned());
    }
    let others = items.keys().filter_map(|path| path.strip_suffix("/os.py")?.rsplit('/').next());
    let others = others.filter(|name| name.starts_with("python")).collect::<BTreeSet<_>>();
    Err(match others.first() {
        Some(other) => format!("it holds {other}, but the package is for {series}"),
        None => format!("it has no `{landmark}`"),
    })
}

fn is_wanted(path: &str, series: &str) -> bool {
    let parts = path.split('/').collect::<Vec<_>>();
    let file = parts.last().copied().unwrap_or_default();
    if parts.contains(&"__pycache__") || file.ends_with(".a") {
        return false;
    }
    match parts[..] {
        // Everything else there has a `#!` of the old place, or starts something that is left out.
        ["bin", program] => program.starts_with("python") && !program.contains('-'),
        ["lib", "pkgconfig", ..] | ["share", "man" | "doc" | "info", ..] => false,
        ["lib", library, module, ..] if library == series => {
            // `config-3.11-x86_64-linux-gnu`: the makefile and the static library, to embed Python.
            let inner = parts.iter().skip(3).any(|part| TESTS.contains(part));
            !UNUSED_MODULES.contains(&module) && !module.starts_with("config-") && !inner
        }
        _ => true,
    }
}

/// The directories that CPython was configured, built and installed in, as `_sysconfigdata*.py` tells.
fn old_places(kept: &BTreeMap<String, Item>) -> io::Result<Vec<String>> {
    let mut places = BTreeSet::new();
    for content in kept.iter().filter(|(path, _)| is_sysconfig(path)).filter_map(|(_, item)| item.content()) {
        let text = content.read()?;
        let text = String::from_utf8_lossy(&text);
        for key in ["prefix", "exec_prefix", "abs_builddir", "abs_srcdir"] {
            let marks = ["'", "\""].map(|quote| format!("'{key}': {quote}"));
            let value = marks.iter().find_map(|mark| text.split_once(mark.as_str()));
            let value = value.and_then(|(_, rest)| rest.split(['\'', '"', '\n']).next());
            // A directory of the system is not a place of the build.
            let system = ["/", "/usr", "/usr/local"];
            places.extend(value.filter(|place| place.starts_with('/') && !system.contains(place)).map(str::to_owned));
        }
    }
    Ok(places.into_iter().collect())
}

fn is_sysconfig(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|file| file.starts_with("_sysconfigdata") && file.ends_with(".py"))
}

fn entry(
    root: &TargetPath,
    path: &str,
    item: &Item,
    kept: &BTreeMap<String, Item>,
    replacement: &patch::Replacement,
    cache: &Path,
    source: &str,
) -> Result<Entry, Error> {
    let wrong = |reason: String| LayoutError::Interpreter { origin: source.to_owned(), reason };
    let target = root.join(path).map_err(wrong)?;
    Ok(match item {
        Item::Directory => Entry::new(target, 0o755, EntryKind::Directory, Origin::Interpreter),
        Item::Symlink(link) => {
            if links::resolve_inside(path, link).is_none() {
                return Err(wrong(format!("the symbolic link `{path}` leaves it: it points to `{link}`")).into());
            }
            Entry::symlink(target, link, Origin::Interpreter)
        }
        Item::File { content, executable } => {
            let mode = if *executable { 0o755 } else { 0o644 };
            let content = relocate(path, content, replacement, cache)?;
            Entry::new(target, mode, EntryKind::File(content), Origin::Interpreter)
        }
        Item::Hardlink(other) => match kept.get_key_value(other) {
            Some((name, other @ Item::File { .. })) => {
                let mut entry = entry(root, name, other, kept, replacement, cache, source)?;
                entry.path = target;
                entry
            }
            _ => return Err(wrong(format!("`{path}` is a link to `{other}`, which is not there")).into()),
        },
    })
}

fn relocate(path: &str, content: &Content, replacement: &patch::Replacement, cache: &Path) -> io::Result<Content> {
    if is_sysconfig(path) {
        return Ok(Content::Bytes(Arc::from(replacement.in_text(&content.read()?))));
    }
    let mut magic = Vec::with_capacity(4);
    content.open()?.take(4).read_to_end(&mut magic)?;
    if magic == b"\x7fELF" { replacement.in_native_code(content, cache) } else { Ok(content.clone()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_application_runs_is_left_out() {
        let wanted = |path| is_wanted(path, "python3.11");
        for kept in ["bin/python3.11", "bin/python3", "lib/python3.11/os.py", "lib/libpython3.11.so.1.0", "include/a.h"]
        {
            assert!(wanted(kept), "{kept}");
        }
        for dropped in [
            "bin/pip3",
            "bin/python3.11-config",
            "lib/libpython3.11.a",
            "lib/pkgconfig/python.pc",
            "lib/python3.11/test/x.py",
            "lib/python3.11/unittest/test/x.py",
            "lib/python3.11/ctypes/tests/x.py",
            "lib/python3.11/config-3.11-x86_64-linux-gnu/Makefile",
            "lib/python3.11/site-packages/pip/x.py",
            "lib/python3.11/__pycache__/os.cpython-311.pyc",
            "lib/python3.11/idlelib/x.py",
        ] {
            assert!(!wanted(dropped), "{dropped}");
        }
    }

    #[test]
    fn the_prefix_is_found_in_every_known_layout() {
        let with = |path: &str| BTreeMap::from([(path.to_owned(), Item::Directory)]);
        for (path, inner) in [
            ("lib/python3.11/os.py", ""),
            ("python/lib/python3.11/os.py", "python/"),
            ("python/install/lib/python3.11/os.py", "python/install/"),
        ] {
            assert_eq!(find_prefix(&with(path), "python3.11").unwrap(), inner);
        }
        let error = find_prefix(&with("python/lib/python3.12/os.py"), "python3.11").unwrap_err();
        assert_eq!(error, "it holds python3.12, but the package is for python3.11");
    }
}
