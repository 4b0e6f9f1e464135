//! Where symbolic links and relative paths lead, by their text alone: the tree is virtual, so no file system is asked.

/// The path from directory `from` to `to`, both absolute and normalised: `../../../bin/x`.
pub(super) fn relative(from: &str, to: &str) -> String {
    let from = parts(from).collect::<Vec<_>>();
    let to = parts(to).collect::<Vec<_>>();
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", from.len() - common);
    let path = up.chain(to.iter().skip(common).copied()).collect::<Vec<_>>();
    if path.is_empty() { ".".to_owned() } else { path.join("/") }
}

/// Where a link named `link` (relative to the root of a tree) with the text `target` leads, relative to that root;
/// `None` when that is outside of it. An absolute target is always outside.
pub(super) fn resolve_inside(link: &str, target: &str) -> Option<String> {
    if target.starts_with('/') || target.is_empty() || target.contains('\0') {
        return None;
    }
    let mut at = parts(link).collect::<Vec<_>>();
    at.pop();
    for part in parts(target) {
        if part == ".." {
            at.pop()?;
        } else {
            at.push(part);
        }
    }
    Some(at.join("/"))
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_go_up_as_far_as_needed() {
        assert_eq!(relative("/opt/a/lib/python3.6/site-packages", "/opt/a/bin/x"), "../../../bin/x");
        assert_eq!(relative("/opt/a", "/opt/a/b/c"), "b/c");
        assert_eq!(relative("/opt/a", "/opt/a"), ".");
        assert_eq!(relative("/", "/opt"), "opt");
    }

    #[test]
    fn links_are_followed_by_their_text() {
        assert_eq!(resolve_inside("a/b", "../c").as_deref(), Some("c"));
        assert_eq!(resolve_inside("a/b", "c/./d").as_deref(), Some("a/c/d"));
        assert_eq!(resolve_inside("a/b", "../../c"), None);
        assert_eq!(resolve_inside("a", "/etc/passwd"), None);
        // Out of the tree and back in by its name: it would still leave it.
        assert_eq!(resolve_inside("a", "../tree/a"), None);
    }
}
