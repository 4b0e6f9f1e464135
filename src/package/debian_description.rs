//! Synopsis and extended description as Debian policy 3.4 and developer's reference 6.2 want them, of texts that were
//! written for the package index.

use crate::plan::{BuildPlan, PackagePlan, Role};

/// Columns of a terminal, less the space that a line begins with (lintian, `extended-description-line-too-long`).
const COLUMNS: usize = 79;
/// Policy, 3.4.1.
const SYNOPSIS: usize = 80;
/// Where applications lie that have no directory of their own.
const SYSTEM: &str = "/usr";
const CUT: &str = " ...";

/// A clause: without an article in front and a full stop at the end, of 80 characters at most.
pub fn synopsis(summary: &str) -> String {
    let summary = clause(summary);
    if summary.chars().count() < SYNOPSIS {
        return summary;
    }
    let mut short = String::new();
    for word in summary.split(' ') {
        if short.chars().count() + 1 + word.chars().count() + CUT.len() >= SYNOPSIS {
            break;
        }
        short.extend((!short.is_empty()).then_some(' '));
        short.push_str(word);
    }
    short + CUT
}

/// What goes beyond the synopsis. Where the project says no more, what the package is; a synopsis that was cut comes
/// first, whole.
pub fn extended(plan: &BuildPlan, package: &PackagePlan) -> String {
    let mut text = package.description.trim().to_owned();
    let first = text.lines().next().unwrap_or_default();
    if clause(first) == clause(&package.summary) {
        text = text.lines().skip(1).collect::<Vec<_>>().join("\n").trim().to_owned();
    }
    let whole = clause(&package.summary);
    let mut paragraphs = Vec::new();
    if synopsis(&package.summary) != whole {
        paragraphs.push(whole);
    }
    if text.is_empty() {
        paragraphs.push(match package.role {
            // Nothing is bundled there.
            Role::Main if plan.prefix == SYSTEM || !plan.has_python() => {
                format!("This package has {} {}.", plan.metadata.name, plan.version)
            }
            Role::Main => format!(
                "This package has {} {} and the Python distributions that it needs in a virtual environment of its \
                 own, {}.",
                plan.metadata.name, plan.version, plan.prefix
            ),
            Role::Meta => format!("This package is a part of {}.", plan.metadata.name),
        });
    } else {
        paragraphs.push(text);
    }
    paragraphs.iter().map(|paragraph| wrap(paragraph)).collect::<Vec<_>>().join("\n\n")
}

fn clause(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = match text.strip_suffix('.') {
        Some(rest) if !rest.ends_with('.') && !rest.ends_with("etc") => rest,
        _ => &text,
    };
    let articles = ["A ", "An ", "The ", "a ", "an ", "the "];
    let rest = articles.iter().find_map(|article| text.strip_prefix(article));
    rest.filter(|rest| !rest.is_empty()).unwrap_or(text).to_owned()
}

/// Breaks long lines at words; one that begins with white space is shown as it is.
fn wrap(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        if line.starts_with([' ', '\t']) || line.chars().count() <= COLUMNS {
            lines.push(line.trim_end().to_owned());
            continue;
        }
        let mut open = String::new();
        for word in line.split_whitespace() {
            if !open.is_empty() && open.chars().count() + 1 + word.chars().count() > COLUMNS {
                lines.push(std::mem::take(&mut open));
            }
            open.extend((!open.is_empty()).then_some(' '));
            open.push_str(word);
        }
        lines.push(open);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_synopsis_is_a_clause() {
        for (summary, expected) in [
            ("The least that can be packaged.", "least that can be packaged"),
            ("Boots machines", "Boots machines"),
            ("Waits ...", "Waits ..."),
            ("Cheese, ham, etc.", "Cheese, ham, etc."),
            ("A", "A"),
            ("", ""),
        ] {
            assert_eq!(synopsis(summary), expected);
        }
        let long = synopsis(&"word ".repeat(40));
        assert!(long.len() < 80 && long.ends_with("word ..."), "{long}");
        assert!(synopsis(&"é".repeat(100)).chars().count() < 80);
    }

    #[test]
    fn long_lines_are_broken_and_verbatim_ones_are_not() {
        let verbatim = format!("  {}", "x ".repeat(60).trim_end());
        let text = wrap(&format!("{}\n\n{verbatim}", "word ".repeat(40)));
        let lines = text.lines().collect::<Vec<_>>();
        assert_eq!(lines.last(), Some(&verbatim.as_str()));
        assert!(lines.iter().rev().skip(1).all(|line| line.len() <= COLUMNS) && lines.len() == 5, "{lines:?}");
    }
}
