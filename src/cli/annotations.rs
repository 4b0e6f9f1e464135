//! Messages as GitHub Actions takes them from the log of a step, so that they stand beside the line that they are about
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>, and for the escapes
//! `escapeData` and `escapeProperty` of <https://github.com/actions/toolkit>, packages/core/src/command.ts).

use std::path::Path;

use miette::{Diagnostic, Severity, SourceCode};

/// One `::error` for every place that is wrong, or one for the whole; warnings and hints likewise.
pub fn of_error(error: &dyn Diagnostic) -> String {
    let mut text = String::new();
    let related = error.related().into_iter().flatten().collect::<Vec<_>>();
    if related.is_empty() {
        text.push_str(&annotation(error));
    }
    for problem in related {
        text.push_str(&annotation(problem));
    }
    text
}

/// `::warning::text`
pub fn of_warning(text: &str) -> String {
    format!("::warning title=omnipack::{}\n", data(text))
}

fn annotation(error: &dyn Diagnostic) -> String {
    let mut properties = place(error).unwrap_or_default();
    if let Some(code) = error.code() {
        properties.push(format!("title={}", property(&code.to_string())));
    }
    let help = error.help().map(|help| format!("\n{help}")).unwrap_or_default();
    let properties = if properties.is_empty() { String::new() } else { format!(" {}", properties.join(",")) };
    format!("::{}{properties}::{}\n", command(error), data(&format!("{error}{help}")))
}

fn command(error: &dyn Diagnostic) -> &'static str {
    match error.severity() {
        None | Some(Severity::Error) => "error",
        Some(Severity::Warning) => "warning",
        Some(Severity::Advice) => "notice",
    }
}

/// File, line and columns, counted from one, of the first label.
fn place(error: &dyn Diagnostic) -> Option<Vec<String>> {
    let source: &dyn SourceCode = error.source_code()?;
    let label = error.labels()?.next()?;
    let contents = source.read_span(label.inner(), 0, 0).ok()?;
    let start = contents.column() + 1;
    let mut properties = vec![
        format!("file={}", property(&from_root(contents.name()?))),
        format!("line={}", contents.line() + 1),
        format!("col={start}"),
    ];
    let text = String::from_utf8_lossy(contents.data());
    // A place over several lines has no column of its end.
    if text.trim_end().lines().count() == 1 && !label.is_empty() {
        properties.push(format!("endColumn={}", start + label.len()));
    }
    Some(properties)
}

/// Annotations name files from the root of the repository.
fn from_root(name: &str) -> String {
    let absolute = std::path::absolute(name).unwrap_or_else(|_| name.into());
    let root = std::env::var_os("GITHUB_WORKSPACE");
    let below = root.as_ref().and_then(|root| absolute.strip_prefix(Path::new(root)).ok());
    below.map_or_else(|| name.to_owned(), |path| path.to_string_lossy().into_owned())
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_warning_is_one_line_whatever_it_says() {
        assert_eq!(super::of_warning("50 %\r\n::error::x"), "::warning title=omnipack::50 %25%0D%0A::error::x\n");
    }
}
