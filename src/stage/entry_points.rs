//! `entry_points.txt` (<https://packaging.python.org/specifications/entry-points/>): which commands a wheel brings.

use super::WheelProblem;
use crate::distribution::ToolVersion;

/// A console or GUI script: `name = module:attribute.of [extra]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Script {
    pub name: String,
    pub module: String,
    /// Dotted: `Class.method`.
    pub function: String,
}

impl Script {
    /// What has to be imported from the module: the first part of the function's name.
    pub(super) fn import_name(&self) -> &str {
        self.function.split('.').next().unwrap_or(&self.function)
    }
}

/// The scripts of both groups, in the order of the file. A name that is in both is there once, as pip has it.
///
/// # Errors
/// When a script has no callable, is no Python name, or its own name is no file name.
pub(super) fn parse_scripts(text: &str) -> Result<Vec<Script>, WheelProblem> {
    let mut scripts: Vec<Script> = Vec::new();
    let mut wanted = false;
    for line in text.trim_start_matches('\u{feff}').lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            wanted = matches!(section.trim(), "console_scripts" | "gui_scripts");
        } else if wanted {
            let script = parse_script(line)?;
            scripts.retain(|other| other.name != script.name);
            scripts.push(script);
        }
    }
    Ok(scripts)
}

/// The scripts of pip and setuptools bear the version of the Python that runs them, whatever the wheel says: the wheel
/// is for all of them, so pip and uv name them anew at installation (`pip3.11`, `easy_install-3.11`).
pub(super) fn name_for_python(scripts: Vec<Script>, version: ToolVersion) -> Vec<Script> {
    let ToolVersion { major, minor, .. } = version;
    let versioned = |name: &str| match name {
        "pip" => vec!["pip".to_owned(), format!("pip{major}"), format!("pip{major}.{minor}")],
        "easy_install" => vec!["easy_install".to_owned(), format!("easy_install-{major}.{minor}")],
        _ => Vec::new(),
    };
    let is_number = |text: &str| text.starts_with(|first: char| first.is_ascii_digit());
    let has = |name: &str| scripts.iter().any(|script| script.name == name);
    let (has_pip, has_easy_install) = (has("pip"), has("easy_install"));
    let is_replaced = |name: &str| {
        has_pip && name.strip_prefix("pip").is_some_and(is_number)
            || has_easy_install && name.strip_prefix("easy_install-").is_some_and(is_number)
    };
    let kept = scripts.into_iter().filter(|script| !is_replaced(&script.name));
    kept.flat_map(|script| match versioned(&script.name) {
        names if names.is_empty() => vec![script],
        names => names.into_iter().map(|name| Script { name, ..script.clone() }).collect(),
    })
    .collect()
}

fn parse_script(line: &str) -> Result<Script, WheelProblem> {
    let wrong = |name: &str, reason: &str| WheelProblem::EntryPoint {
        name: name.escape_default().to_string(),
        reason: reason.to_owned(),
    };
    let Some((name, reference)) = line.split_once('=') else {
        return Err(wrong(line, "it is no `name = module:function`"));
    };
    let name = name.trim();
    if name.is_empty() || matches!(name, "." | "..") || name.contains('/') || name.chars().any(char::is_control) {
        return Err(wrong(name, "its name is no file name"));
    }
    // Extras only say when a script makes sense; installers write the launcher all the same.
    let object = reference.split('[').next().unwrap_or_default();
    let Some((module, function)) = object.split_once(':') else {
        return Err(wrong(name, "it names no function"));
    };
    let (module, function) = (module.trim(), function.trim());
    if !is_dotted_name(module) || !is_dotted_name(function) {
        return Err(wrong(name, &format!("`{}` is no Python name", object.trim().escape_default())));
    }
    Ok(Script { name: name.to_owned(), module: module.to_owned(), function: function.to_owned() })
}

/// Anything else would be code that is written into the launcher.
fn is_dotted_name(text: &str) -> bool {
    text.split('.').all(|part| {
        part.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_')
            && part.chars().all(|character| character.is_alphanumeric() || character == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_of_both_groups_are_read_with_extras_and_comments() {
        let text = "[console_scripts]\n# no\na = m.n:f\nb=m:C.run [x, y]\n\n[other]\nz = q\n[gui_scripts]\nc = m : g\n";
        let scripts = parse_scripts(text).unwrap();
        let names = scripts.iter().map(|s| (&*s.name, &*s.module, &*s.function, s.import_name())).collect::<Vec<_>>();
        assert_eq!(names, [("a", "m.n", "f", "f"), ("b", "m", "C.run", "C"), ("c", "m", "g", "g")]);
    }

    #[test]
    fn pip_is_named_after_the_python_that_runs_it() {
        let scripts = parse_scripts("[console_scripts]\npip = p:m\npip3 = p:m\npip3.10 = p:m\npipx = p:x\n").unwrap();
        let version = ToolVersion { major: 3, minor: 6, patch: 0 };
        let names = name_for_python(scripts, version).into_iter().map(|script| script.name).collect::<Vec<_>>();
        assert_eq!(names, ["pip", "pip3", "pip3.6", "pipx"]);
    }

    #[test]
    fn what_is_no_python_name_never_reaches_a_launcher() {
        for line in
            ["a = m", "a = m:", "a = :f", "a = m:f();import os", "a = m;x:f", "../a = m:f", ".. = m:f", "= m:f", "a"]
        {
            assert!(parse_scripts(&format!("[console_scripts]\n{line}\n")).is_err(), "{line}");
        }
    }
}
