//! A package's description out of a README: package managers show plain text, so badges, headings and markup have no
//! place in it.

/// Columns of a description: rpmlint's limit is 80, Debian's control file indents by one.
const COLUMNS: usize = 78;

/// The first paragraph of prose in Markdown or reStructuredText that speaks of `name`, or else the first at all (which
/// often is a notice), wrapped.
pub(super) fn describing_paragraph(text: &str, name: &str) -> Option<String> {
    let text = text.replace("\r\n", "\n");
    let mut fenced = false;
    let mut prose = Vec::new();
    for paragraph in text.split("\n\n") {
        let fences = paragraph.lines().filter(|line| line.trim_start().starts_with("```")).count();
        let inside = fenced;
        fenced ^= fences % 2 == 1;
        if !inside && fences == 0 && is_prose(paragraph) {
            prose.push(paragraph);
        }
    }
    let name = letters(name);
    let speaking = prose.iter().find(|paragraph| letters(paragraph).contains(&name));
    speaking.or(prose.first()).map(|paragraph| wrapped(paragraph))
}

/// Letters and digits in lower case: `Flask-Login` is `flask_login`.
fn letters(text: &str) -> String {
    text.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
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
        assert_eq!(describing_paragraph(readme, "x").as_deref(), Some("The app does things well."));
        let rst = "Flask-Login\n===========\n\n.. image:: x\n\nFlask-Login provides sessions.\n";
        assert_eq!(describing_paragraph(rst, "flask_login").as_deref(), Some("Flask-Login provides sessions."));
        assert_eq!(describing_paragraph("# only a heading\n", "a"), None);
    }

    #[test]
    fn prefers_what_speaks_of_the_application() {
        let readme = "Available as part of a subscription.\n\nFlask-Login provides sessions.\n\nFlask-Login is free.\n";
        let paragraph = describing_paragraph(readme, "flask_login");
        assert_eq!(paragraph.as_deref(), Some("Flask-Login provides sessions."));
    }

    #[test]
    fn wraps_long_lines() {
        let text = describing_paragraph(&"word ".repeat(60), "a").unwrap();
        assert!(text.lines().all(|line| line.len() <= COLUMNS), "{text}");
        assert_eq!(text.split_whitespace().count(), 60);
    }
}
