//! `setup.cfg` of setuptools (<https://setuptools.pypa.io/en/latest/userguide/declarative_config.html>).

use configparser::ini::{Ini, IniDefault};

use super::{Application, line_with, name_in, script_name};
use crate::project::normalised;
use crate::scaffold::finding::{Origin, Said};
use crate::scaffold::tree::Tree;

const FILE: &str = "setup.cfg";

pub fn read(tree: &Tree, application: &mut Application) {
    let Some(text) = tree.text(FILE) else { return };
    let Some(ini) = parse(text) else { return };
    let origin = |parts: &[&str]| Origin::new(FILE, line_with(text, parts));
    let plain = |section: &str, key: &str| ini.get(section, key).filter(|value| !is_reference(value));
    if let Some(name) = plain("metadata", "name") {
        application.name.get_or_insert_with(|| Said::new(name.trim(), origin(&["name", "="])));
    }
    let python = plain("options", "python_requires").or_else(|| plain("options", "python-requires"));
    if let Some(python) = python {
        application.requires_python.get_or_insert_with(|| Said::new(python.trim(), origin(&["python", "requires"])));
    }
    if let Some(requires) = ini.get("options", "install_requires").or_else(|| ini.get("options", "install-requires")) {
        application.declares = true;
        application.dependencies.extend(requires.lines().filter_map(name_in));
    }
    application.modules.extend(ini.get("options", "py_modules").iter().flat_map(|text| words(text)));
    let section = |name: &str| ini.get_map_ref().get(name).cloned().unwrap_or_default();
    for (extra, requires) in section("options.extras_require") {
        let names = requires.iter().flat_map(|text| text.lines()).filter_map(name_in).collect::<Vec<_>>();
        application.extras.entry(normalised(&extra)).or_default().extend(names);
    }
    for (group, points) in section("options.entry_points") {
        if group == "console_scripts" {
            for script in points.iter().flat_map(|text| text.lines()).filter_map(script_name) {
                let at = origin(&[&script, "="]);
                application.scripts.entry(script).or_insert(at);
            }
        }
    }
}

/// `file: requirements.txt`, `attr: app.NAME`
fn is_reference(value: &str) -> bool {
    ["file:", "attr:"].iter().any(|start| value.trim_start().starts_with(start))
}

fn words(text: &str) -> Vec<String> {
    text.split([',', '\n']).map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// As Python's configparser reads it: values go on in indented lines, keys keep their case.
pub fn parse(text: &str) -> Option<Ini> {
    let mut settings = IniDefault::default();
    settings.multiline = true;
    settings.case_sensitive = true;
    settings.delimiters = vec!['=', ':'];
    settings.comment_symbols = vec!['#', ';'];
    settings.enable_inline_comments = false;
    let mut ini = Ini::new_from_defaults(settings);
    ini.read(text.to_owned()).ok()?;
    Some(ini)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declarative_configuration_is_read() {
        let text = "[metadata]\nname = App_X\nversion = attr: app.__version__\n\n[options]\npython_requires = >=3.8\n\
                    install_requires =\n    flask>=1\n    # no\n    celery; python_version > '3'\npy_modules = one\n\n\
                    [options.extras_require]\nweb =\n    gunicorn\n\n[options.entry_points]\nconsole_scripts =\n    \
                    app = app:main\n    app-web = app:web\n";
        let mut read_into = Application::default();
        read(&Tree::of("x", [(FILE, text)]), &mut read_into);
        assert_eq!(read_into.name, Some(Said::new("App_X", Origin::new(FILE, 2))));
        assert_eq!(read_into.requires_python.unwrap().value, ">=3.8");
        assert_eq!(read_into.dependencies.into_iter().collect::<Vec<_>>(), ["celery", "flask"]);
        assert_eq!(read_into.scripts.into_keys().collect::<Vec<_>>(), ["app", "app-web"]);
        assert!(read_into.extras["web"].contains("gunicorn") && read_into.modules.contains("one"));
        let mut nothing = Application::default();
        read(&Tree::of("x", [(FILE, "[flake8]\nmax-line-length = 100\n[bad")]), &mut nothing);
        assert!(nothing.name.is_none());
    }
}
