//! A package's description out of a README: package managers show plain text, so badges, headings and markup have no
//! place in it.

/// Columns of a description: rpmlint's limit is 80, Debian's control file indents by one.
const COLUMNS: usize = 78;

/// The first paragraph of prose in Markdown or reStructuredText, wrapped.
pub(super) fn first_paragraph(text: &str) -> Option<String> {
    let text = text.replace("\r\n", "\n");
    let mut fenced = false;
    for paragraph in text.split("\n\n") {
        let fences = paragraph.lines().filter(|line| line.trim_start().starts_with("```")).count();
        let inside = fenced;
        fenced ^= fences % 2 == 1;
        if !inside && fences == 0 && is_prose(paragraph) {
            return Some(wrapped(paragraph));
        }
    }
    None
}

fn is_prose(paragraph: &str) -> bool {
    const MARKUP: [&str; 14] = ["#", "=", "-", "*", "[", "!", "<", "|", ">", "..", ":", "`", "+", "~"];
    let start = paragraph.trim();
    let indented = paragraph.trim_start_matches('\n').starts_with("    ");
    let underlined = start.lines().nth(1).is_some_and(|line| {
        let line = line.trim();
        line.len() >= 3 && line.chars().all(|character| "=-~^\"'#*+".contains(character))
    });
    let letters = start.chars().filter(|character| character.is_alphabetic()).count();
    letters >= 8
        && !indented
        && !underlined
        && !MARKUP.iter().any(|mark| start.starts_with(mark))
        && !start.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\t'))
}

fn wrapped(paragraph: &str) -> String {
    let mut text = String::with_capacity(paragraph.len());
    let mut column = 0;
    for word in paragraph.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > COLUMNS {
            text.push('\n');
            column = 0;
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skips_headings_badges_and_code() {
        let readme =
            "# App\n\n[![badge](x)](y)\n\n```\n\nlet me be code\n\n```\n\nThe app does\nthings well.\n\nMore.\n";
        assert_eq!(first_paragraph(readme).as_deref(), Some("The app does things well."));
        let rst = "Flask-Login\n===========\n\n.. image:: x\n\nFlask-Login provides sessions.\n";
        assert_eq!(first_paragraph(rst).as_deref(), Some("Flask-Login provides sessions."));
        assert_eq!(first_paragraph("# only a heading\n"), None);
    }

    #[test]
    fn wraps_long_lines() {
        let text = first_paragraph(&"word ".repeat(60)).unwrap();
        assert!(text.lines().all(|line| line.len() <= COLUMNS), "{text}");
        assert_eq!(text.split_whitespace().count(), 60);
    }
}
