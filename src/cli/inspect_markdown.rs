//! Packages as Markdown, for the summary of a CI job (GitHub Flavored Markdown, tables:
//! <https://github.github.com/gfm/#tables-extension->).

use std::fmt::{self, Write};
use std::path::PathBuf;

use super::text::{counted, human_size};
use crate::format::inspection::Inspection;

/// A table with a row for each package, and below it what each requires and bundles.
pub fn render(packages: &[(PathBuf, Inspection)]) -> String {
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    let _ = write_all(&mut text, packages);
    text
}

fn write_all(out: &mut String, packages: &[(PathBuf, Inspection)]) -> fmt::Result {
    writeln!(out, "| package | version | for | size | installed | requires | bundles |")?;
    writeln!(out, "|---|---|---|--:|--:|--:|--:|")?;
    for (path, package) in packages {
        let epoch = if package.epoch == 0 { String::new() } else { format!("{}:", package.epoch) };
        let release = if package.release.is_empty() { String::new() } else { format!("-{}", package.release) };
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} |",
            code(&file),
            code(&format!("{epoch}{}{release}", package.version)),
            code(&package.architecture),
            human_size(package.size),
            human_size(package.installed_size),
            required(package).count(),
            package.python_distributions.len(),
        )?;
    }
    for (_, package) in packages {
        write_details(out, package)?;
    }
    Ok(())
}

fn required(package: &Inspection) -> impl Iterator<Item = &String> {
    package.relations.requires_pre.iter().chain(&package.relations.requires)
}

fn write_details(out: &mut String, package: &Inspection) -> fmt::Result {
    let relations = required(package).collect::<Vec<_>>();
    if relations.is_empty() && package.python_distributions.is_empty() {
        return Ok(());
    }
    let bundled = counted(package.python_distributions.len(), "Python distribution");
    writeln!(out, "\n<details><summary>{}: what it requires, {bundled}</summary>\n", code(&package.name))?;
    for relation in relations {
        writeln!(out, "- {}", code(relation))?;
    }
    if !package.python_distributions.is_empty() {
        writeln!(out, "\n| bundled | version |\n|---|---|")?;
    }
    for bundled in &package.python_distributions {
        writeln!(out, "| {} | {} |", code(&bundled.name), code(&bundled.version))?;
    }
    writeln!(out, "\n</details>")
}

/// Text of a package as HTML, so that nothing in it is Markdown, a column or markup.
fn code(text: &str) -> String {
    let mut escaped = String::from("<code>");
    for c in text.chars() {
        match c {
            c if c.is_control() => escaped.push(' '),
            c if c.is_alphanumeric() || " +-.:/(=)~^,".contains(c) => escaped.push(c),
            c => escaped.push_str(&format!("&#{};", u32::from(c))),
        }
    }
    escaped + "</code>"
}
