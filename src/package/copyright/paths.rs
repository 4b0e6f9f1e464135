//! Which files belong to whom, as the patterns of the field `Files`
//! (<https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/#files-field>).

use crate::stage::{Entry, EntryKind};

/// The patterns of each owner, sorted: the highest directories that hold nothing of others, and single files. `owner`
/// gives the number of an entry's owner, of `count`; what has none is not named. `entries` are sorted by path.
pub fn patterns(entries: &[Entry], count: usize, owner: impl Fn(&Entry) -> Option<usize>) -> Vec<Vec<String>> {
    let files = entries.iter().filter(|entry| !matches!(entry.kind, EntryKind::Directory));
    let mut files = files.map(|entry| (entry.path.as_str(), owner(entry))).collect::<Vec<_>>();
    // By parts, so that all of a directory lies together: `a-b` sorts between `a` and `a/c` otherwise.
    files.sort_by(|left, right| left.0.split('/').cmp(right.0.split('/')));
    let mut found = vec![Vec::new(); count];
    let mut open = vec![(files.as_slice(), 0)];
    while let Some((group, depth)) = open.pop() {
        let Some((path, first)) = group.first() else { continue };
        if group.iter().all(|(_, owner)| owner == first) {
            if let Some(patterns) = first.and_then(|owner| found.get_mut(owner)) {
                patterns.push(pattern(path, depth));
            }
            continue;
        }
        open.extend(
            group
                .chunk_by(|left, right| part(left.0, depth + 1) == part(right.0, depth + 1))
                .map(|part| (part, depth + 1)),
        );
    }
    for patterns in &mut found {
        patterns.sort();
    }
    found
}

/// The part of an absolute path below `depth - 1` directories.
fn part(path: &str, depth: usize) -> Option<&str> {
    path.split('/').nth(depth)
}

/// The first `depth` parts of `path`, with `/*` where they are a directory, relative to the root.
fn pattern(path: &str, depth: usize) -> String {
    let parts = path.split('/').skip(1).collect::<Vec<_>>();
    let directory = parts.len() > depth;
    let kept = parts.iter().take(depth).map(|part| escaped(part)).collect::<Vec<_>>();
    match (directory, kept.is_empty()) {
        (true, true) => "*".to_owned(),
        (true, false) => format!("{}/*", kept.join("/")),
        (false, _) => kept.join("/"),
    }
}

/// White space separates patterns and cannot be escaped; `?` stands for any one character.
fn escaped(part: &str) -> String {
    part.chars().fold(String::with_capacity(part.len()), |mut text, c| {
        match c {
            '*' | '?' | '\\' => text.extend(['\\', c]),
            c if c.is_whitespace() || c.is_control() => text.push('?'),
            c => text.push(c),
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::stage::{Content, Origin, TargetPath};

    fn entry(path: &str) -> Entry {
        let content = Content::Bytes(Arc::from(&b""[..]));
        Entry::new(TargetPath::new(path).unwrap(), 0o644, EntryKind::File(content), Origin::Generated)
    }

    #[test]
    fn directories_of_one_owner_are_named_as_a_whole() {
        let paths = [
            ("/opt/a/bin/flask", Some(0)),
            ("/opt/a/bin/python", None),
            ("/opt/a/lib/flask-3.dist-info/METADATA", Some(0)),
            ("/opt/a/lib/flask/a b.py", Some(0)),
            ("/opt/a/lib/flask/c/d.py", Some(0)),
            ("/opt/a/lib/google/one/x.py", Some(0)),
            ("/opt/a/lib/google/two/y.py", Some(1)),
            ("/opt/a/lib/si*x y.py", Some(1)),
        ];
        let entries = paths.iter().map(|(path, _)| entry(path)).collect::<Vec<_>>();
        let owner = |entry: &Entry| paths.iter().find(|(path, _)| *path == entry.path.as_str()).unwrap().1;
        let found = patterns(&entries, 2, owner);
        assert_eq!(
            found[0],
            ["opt/a/bin/flask", "opt/a/lib/flask-3.dist-info/*", "opt/a/lib/flask/*", "opt/a/lib/google/one/*"]
        );
        assert_eq!(found[1], ["opt/a/lib/google/two/*", "opt/a/lib/si\\*x?y.py"]);
    }

    /// As the specification says: `*` any number of characters, also none and `/`; `?` any one; `\` escapes.
    fn matches(pattern: &[char], path: &[char]) -> bool {
        match (pattern, path) {
            ([], []) => true,
            (['*', rest @ ..], _) => (0..=path.len()).any(|at| matches(rest, &path[at..])),
            (['?', rest @ ..], [_, path @ ..]) => matches(rest, path),
            (['\\', c, rest @ ..], [first, path @ ..]) if c == first => matches(rest, path),
            ([c, rest @ ..], [first, path @ ..]) if *c != '\\' && c == first => matches(rest, path),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn each_file_is_matched_by_its_owner_and_by_no_other(
            files in prop::collection::btree_map("(/[ab*?\\\\ ]{1,2}){1,4}", prop::option::of(0..3usize), 1..12)
        ) {
            // A path cannot be a file and a directory.
            let sound = files.keys().filter(|path| {
                !files.keys().any(|other| other.starts_with(&format!("{path}/")))
            }).cloned().collect::<Vec<_>>();
            let entries = sound.iter().map(|path| entry(path)).collect::<Vec<_>>();
            let found = patterns(&entries, 3, |entry| files[entry.path.as_str()]);
            for path in &sound {
                let characters = path[1..].chars().collect::<Vec<_>>();
                for (owner, patterns) in found.iter().enumerate() {
                    let any = patterns.iter().any(|pattern| {
                        matches(&pattern.chars().collect::<Vec<_>>(), &characters)
                    });
                    // `?` for a space may stand for another file's character, too: then the paths differ in nothing else.
                    let blurred = path.contains([' ', '?', '*', '\\']) || sound.iter().any(|path| path.contains(' '));
                    prop_assert!(any == (files[path] == Some(owner)) || (any && blurred), "{path} {owner} {found:?}");
                }
            }
        }
    }
}
