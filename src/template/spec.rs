//! Text in spec files. rpm expands macros everywhere, in comments too, and looks for sections (`%post`) and conditions
//! (`%if`, after blanks as well) in what has come out of that, so that doubling `%` is not enough at the beginning of a
//! line (`copyNextLineFromOFI`, `readLine` and `isPart` in rpm's build/parseSpec.c).

/// The rest of a line: nothing expands.
pub fn line(text: &str) -> String {
    literal(text.trim())
}

/// Text in which nothing expands. rpm's search for the end of a macro takes a backslash and what follows for one (`\%%{` has
/// an open brace for it, `copyNextLineFromOFI`): a macro that is nothing stands between.
pub fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 8);
    let mut backslashes = 0;
    for character in text.chars() {
        match character {
            '%' if backslashes % 2 == 1 => literal.push_str("%{nil}%%"),
            '%' => literal.push_str("%%"),
            other => literal.push(other),
        }
        backslashes = if character == '\\' { backslashes + 1 } else { 0 };
    }
    literal
}

/// The text that [`literal`] was made of.
pub fn read_literal(literal: &str) -> String {
    let mut text = String::with_capacity(literal.len());
    let mut rest = literal;
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        rest = after.strip_prefix("{nil}").unwrap_or_else(|| {
            text.push('%');
            after.strip_prefix('%').unwrap_or(after)
        });
    }
    text + rest
}

/// Prose and change logs. A line that begins with `%`, with what begins an entry of a change log, or with `#`, which rpm
/// drops as a comment, becomes an item of a list. Other control characters than newlines are blanks.
pub fn lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let plain = |line: &str| line.replace(|c: char| c.is_control(), " ");
    let safe = |line: &str| match line.trim_start() {
        "" => String::new(),
        start if start.starts_with(['%', '*', '#']) => format!("- {}", line_of(start)),
        _ => line_of(line),
    };
    text.trim().split('\n').map(|text| safe(&plain(text))).collect::<Vec<_>>().join("\n")
}

/// A script, byte by byte as it is.
///
/// # Errors
/// When a line begins with `%`: there is no way to write it that rpm does not take for its own.
pub fn script(text: &str) -> Result<String, String> {
    if text.contains('\0') {
        return Err("a script has a NUL character".to_owned());
    }
    if let Some(line) = text.lines().find(|line| line.trim_start().starts_with('%')) {
        return Err(format!(
            "the line `{}` of a script begins with `%`, which rpm would take for a section or condition of the spec file",
            line.escape_debug()
        ));
    }
    Ok(literal(text.trim_end_matches('\n')))
}

fn line_of(text: &str) -> String {
    literal(text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_expands_and_no_section_begins() {
        assert_eq!(line(" 100% %{lua:x} %(y) "), "100%% %%{lua:x} %%(y)");
        assert_eq!(lines("a\n%post\n  %if 1\n* b\r\n # d\n\n\tc%d\n"), "a\n- %%post\n- %%if 1\n- * b\n- # d\n\n c%%d");
        assert_eq!(script("echo %s\n").unwrap(), "echo %%s");
        assert_eq!(line(r"\%{x \\%{x"), r"\%{nil}%%{x \\%%{x");
        for text in [r"\%{nil}%%{x \\%{x", "100% %{nil} %%", r"\\\%"] {
            assert_eq!(read_literal(&literal(text)), text);
        }
        for text in ["%post", "a\n \t%if 1\n", "a\0"] {
            assert!(script(text).is_err(), "{text:?}");
        }
    }
}
