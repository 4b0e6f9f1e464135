//! Line-by-line differences of texts.

use std::time::Duration;

use similar::TextDiff;

/// Lines around a change.
const CONTEXT: usize = 3;

/// After this the difference is no longer the shortest: texts can be made so that the shortest takes hours.
const PATIENCE: Duration = Duration::from_millis(500);

/// Unified hunks, without the head that names the files. Empty when the texts are the same.
pub fn unified(old: &str, new: &str) -> String {
    if old == new {
        return String::new();
    }
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(old, new);
    diff.unified_diff().context_radius(CONTEXT).to_string()
}

/// As [`unified`], when both are texts.
pub fn unified_bytes(old: &[u8], new: &[u8]) -> Option<String> {
    let text = |bytes| std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
    Some(unified(text(old)?, text(new)?))
}
