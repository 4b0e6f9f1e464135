//! `pyproject.toml`: PEP 621 (hatch, pdm, setuptools, flit, poetry 2), and the older tables of poetry and flit.

use toml::{Table, Value};

use super::{Application, line_with, name_in};
use crate::project::normalised;
use crate::scaffold::finding::{Origin, Said};
use crate::scaffold::tree::Tree;

const FILE: &str = "pyproject.toml";

pub fn read(tree: &Tree, application: &mut Application) {
    let Some(text) = tree.text(FILE) else { return };
    let Ok(root) = text.parse::<Table>() else { return };
    let table = |value: Option<&Value>| value.and_then(Value::as_table).cloned();
    if let Some(project) = table(root.get("project")) {
        standard(&project, text, application);
    }
    let tool = table(root.get("tool")).unwrap_or_default();
    if let Some(poetry) = table(tool.get("poetry")) {
        self::poetry(&poetry, text, application);
    }
    if let Some(flit) = table(tool.get("flit")) {
        self::flit(&flit, text, application);
    }
    let setuptools = table(tool.get("setuptools")).unwrap_or_default();
    application.modules.extend(texts(setuptools.get("py-modules")));
    if let Some(name) = tool.get("flit").and_then(|flit| flit.get("module")?.get("name")).and_then(Value::as_str) {
        application.modules.insert(name.to_owned());
    }
}

fn origin(text: &str, key: &str) -> Origin {
    let starts =
        |line: &str| line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='));
    Origin::new(FILE, text.lines().position(starts).map_or(0, |index| index + 1))
}

fn text_of<'a>(table: &'a Table, key: &str) -> Option<&'a str> {
    table.get(key).and_then(Value::as_str)
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

/// PEP 621.
fn standard(project: &Table, text: &str, application: &mut Application) {
    if let Some(name) = text_of(project, "name") {
        application.name.get_or_insert_with(|| Said::new(name, origin(text, "name")));
        // What flit, hatch and setuptools install of a single module is called as the project.
        application.modules.insert(normalised(name).replace('-', "_"));
    }
    if let Some(python) = text_of(project, "requires-python") {
        application.requires_python.get_or_insert_with(|| Said::new(python, origin(text, "requires-python")));
    }
    let dynamic = texts(project.get("dynamic")).iter().any(|field| field == "dependencies");
    if project.contains_key("dependencies") || dynamic {
        application.declares = true;
    }
    application.dependencies.extend(texts(project.get("dependencies")).iter().filter_map(|text| name_in(text)));
    for (extra, requires) in project.get("optional-dependencies").and_then(Value::as_table).into_iter().flatten() {
        let names = texts(Some(requires)).iter().filter_map(|text| name_in(text)).collect::<Vec<_>>();
        application.extras.entry(normalised(extra)).or_default().extend(names);
    }
    scripts(project.get("scripts"), text, application);
}

fn scripts(table: Option<&Value>, text: &str, application: &mut Application) {
    for (name, _) in table.and_then(Value::as_table).into_iter().flatten() {
        if !name.is_empty() && !name.contains(|c: char| c.is_control() || c.is_whitespace() || c == '/') {
            let line = line_with(text, &[name, "="]);
            application.scripts.entry(name.clone()).or_insert_with(|| Origin::new(FILE, line));
        }
    }
}

/// <https://python-poetry.org/docs/1.8/pyproject/>
fn poetry(poetry: &Table, text: &str, application: &mut Application) {
    if let Some(name) = text_of(poetry, "name") {
        application.name.get_or_insert_with(|| Said::new(name, origin(text, "name")));
        application.modules.insert(normalised(name).replace('-', "_"));
    }
    scripts(poetry.get("scripts"), text, application);
    let Some(dependencies) = poetry.get("dependencies").and_then(Value::as_table) else { return };
    application.declares = true;
    let optional = |value: &Value| value.get("optional").and_then(Value::as_bool) == Some(true);
    for (name, value) in dependencies {
        match (name.as_str(), value.as_str()) {
            ("python", Some(range)) => {
                let said = Said::new(range_of_poetry(range), origin(text, "python"));
                application.requires_python.get_or_insert(said);
            }
            ("python", None) => {}
            _ if optional(value) => {}
            _ => drop(application.dependencies.insert(normalised(name))),
        }
    }
    for (extra, names) in poetry.get("extras").and_then(Value::as_table).into_iter().flatten() {
        let names = texts(Some(names)).iter().map(|name| normalised(name)).collect::<Vec<_>>();
        application.extras.entry(normalised(extra)).or_default().extend(names);
    }
}

/// `^3.8` and `~3.8`, which are poetry's own, as PEP 440 writes them; what else there is stays as it is.
fn range_of_poetry(range: &str) -> String {
    let one = |range: &str| {
        let range = range.trim();
        let next = |version: &str, index: usize| {
            let mut parts = version.split('.').map_while(|part| part.parse::<u64>().ok()).collect::<Vec<_>>();
            parts.truncate(index + 1);
            parts.last_mut().into_iter().for_each(|last| *last = last.saturating_add(1));
            parts.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
        };
        match (range.strip_prefix('^'), range.strip_prefix('~').filter(|rest| !rest.starts_with('='))) {
            (Some(version), _) => format!(">={version},<{}", next(version, 0)),
            (_, Some(version)) => format!(">={version},<{}", next(version, 1)),
            _ if range.starts_with(|c: char| c.is_ascii_digit()) => format!("=={range}"),
            _ => range.to_owned(),
        }
    };
    range.split(',').map(one).collect::<Vec<_>>().join(",")
}

/// <https://flit.pypa.io/en/stable/pyproject_toml.html#old-style-metadata>
fn flit(flit: &Table, text: &str, application: &mut Application) {
    let Some(metadata) = flit.get("metadata").and_then(Value::as_table) else { return };
    if let Some(name) = text_of(metadata, "dist-name").or_else(|| text_of(metadata, "module")) {
        application.name.get_or_insert_with(|| Said::new(name, origin(text, "module")));
    }
    application.modules.extend(text_of(metadata, "module").map(str::to_owned));
    if let Some(python) = text_of(metadata, "requires-python") {
        application.requires_python.get_or_insert_with(|| Said::new(python, origin(text, "requires-python")));
    }
    application.declares = true;
    application.dependencies.extend(texts(metadata.get("requires")).iter().filter_map(|text| name_in(text)));
    for (extra, requires) in metadata.get("requires-extra").and_then(Value::as_table).into_iter().flatten() {
        let names = texts(Some(requires)).iter().filter_map(|text| name_in(text)).collect::<Vec<_>>();
        application.extras.entry(normalised(extra)).or_default().extend(names);
    }
    scripts(flit.get("scripts"), text, application);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Application {
        let mut application = Application::default();
        read(&Tree::of("x", [(FILE, text)]), &mut application);
        application
    }

    #[test]
    fn pep_621_is_read() {
        let read = of(
            "[project]\nname = \"A.B\"\nrequires-python = \">=3.9\"\ndependencies = [\"Flask>=2\", \"x @ https://e/x.zip\"]\n\
                       [project.optional-dependencies]\nWeb = [\"gunicorn\"]\n[project.scripts]\nab = \"a.b:c\"\n",
        );
        assert_eq!(read.name, Some(Said::new("A.B", Origin::new(FILE, 2))));
        assert_eq!(read.requires_python, Some(Said::new(">=3.9", Origin::new(FILE, 3))));
        assert_eq!(read.dependencies.into_iter().collect::<Vec<_>>(), ["flask", "x"]);
        assert!(read.extras["web"].contains("gunicorn") && read.declares);
        assert_eq!(read.scripts["ab"], Origin::new(FILE, 8));
    }

    #[test]
    fn poetry_and_flit_are_read() {
        let read = of("[tool.poetry]\nname = \"p\"\n[tool.poetry.dependencies]\npython = \"^3.8\"\nDjango = \"*\"\n\
                       gunicorn = { version = \"*\", optional = true }\n[tool.poetry.extras]\nprod = [\"gunicorn\"]\n\
                       [tool.poetry.scripts]\np = \"p:m\"\n");
        assert_eq!(read.requires_python.unwrap().value, ">=3.8,<4");
        assert_eq!(read.dependencies.into_iter().collect::<Vec<_>>(), ["django"]);
        assert!(read.extras["prod"].contains("gunicorn") && read.scripts.contains_key("p"));
        let read =
            of("[tool.flit.metadata]\nmodule = \"f\"\nrequires = [\"requests\"]\n[tool.flit.scripts]\nf = \"f:m\"\n");
        assert_eq!((read.name.unwrap().value.as_str(), read.dependencies.len()), ("f", 1));
        for (range, expected) in [
            ("~3.8", ">=3.8,<3.9"),
            (">=3.8,<4.0", ">=3.8,<4.0"),
            ("3.11", "==3.11"),
            ("~=3.8", "~=3.8"),
            ("^", ">=,<"),
        ] {
            assert_eq!(range_of_poetry(range), expected);
        }
    }
}
