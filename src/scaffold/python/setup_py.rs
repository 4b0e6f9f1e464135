//! `setup.py`: the arguments of `setup()`, as far as they are literals. It is never run.

use std::collections::BTreeMap;

use super::literal::{Literal, Token, tokens, value};
use super::{Application, name_in, script_name};
use crate::project::normalised;
use crate::scaffold::finding::{Origin, Said};
use crate::scaffold::tree::Tree;

const FILE: &str = "setup.py";

pub fn read(tree: &Tree, application: &mut Application) {
    let Some(source) = tree.text(FILE) else { return };
    let tokens = tokens(source);
    let names = assigned(&tokens);
    for (line, key, value) in arguments(&tokens) {
        let origin = Origin::new(FILE, line);
        match key.as_str() {
            "name" => {
                let name = value.text(&names).map(|name| Said::new(name, origin));
                application.name = application.name.take().or(name);
            }
            "python_requires" => {
                let said = value.text(&names).map(|text| Said::new(text, origin));
                application.requires_python = application.requires_python.take().or(said);
            }
            "install_requires" => {
                // Also where it is no literal: it says what it requires, in whatever way.
                application.declares = true;
                application.dependencies.extend(value.texts(&names).iter().filter_map(|text| name_in(text)));
            }
            "extras_require" => {
                for (extra, requires) in value.entries(&names) {
                    let requires = requires.texts(&names);
                    if let Some(extra) = extra.text(&names) {
                        let extra = normalised(extra.split(':').next().unwrap_or_default());
                        let known = application.extras.entry(extra).or_default();
                        known.extend(requires.iter().filter_map(|text| name_in(text)));
                    }
                }
            }
            "py_modules" => application.modules.extend(value.texts(&names)),
            "scripts" => {
                let names =
                    value.texts(&names).into_iter().map(|path| crate::scaffold::tree::name_of(&path).to_owned());
                let names = names.filter(|name| !name.is_empty() && !name.contains(char::is_control));
                application.scripts.extend(names.map(|name| (name, origin.clone())));
            }
            "entry_points" => entry_points(&value, &names, &origin, application),
            _ => {}
        }
    }
}

/// A mapping, or the text of an INI file.
fn entry_points(value: &Literal, names: &BTreeMap<String, Literal>, origin: &Origin, application: &mut Application) {
    let mut lines = Vec::new();
    for (group, points) in value.entries(names) {
        if group.text(names).as_deref() == Some("console_scripts") {
            lines.extend(points.texts(names));
            lines.extend(points.text(names).iter().flat_map(|text| text.lines()).map(str::to_owned));
        }
    }
    if let Some(text) = value.text(names) {
        let section = text.lines().map(str::trim).skip_while(|line| *line != "[console_scripts]").skip(1);
        lines.extend(section.take_while(|line| !line.starts_with('[')).map(str::to_owned));
    }
    for script in lines.iter().filter_map(|line| script_name(line)) {
        application.scripts.entry(script).or_insert_with(|| origin.clone());
    }
}

/// `NAME = literal` at the beginning of lines.
fn assigned(tokens: &[(usize, Token)]) -> BTreeMap<String, Literal> {
    let mut names = BTreeMap::new();
    for (index, (_, token)) in tokens.iter().enumerate() {
        let Token::Start(name) = token else { continue };
        let is = |offset: usize, sign: char| matches!(tokens.get(index + offset), Some((_, Token::Sign(found))) if *found == sign);
        if is(1, '=') && !is(2, '=') {
            names.insert(name.clone(), value(tokens, index + 2, 0).0);
        }
    }
    names
}

/// The keyword arguments of the last `setup()`, and the entries of a mapping that it is given (`**config`).
fn arguments(tokens: &[(usize, Token)]) -> Vec<(usize, String, Literal)> {
    let is_setup = |index: &usize| {
        let named = matches!(tokens.get(*index), Some((_, Token::Name(name) | Token::Start(name))) if name == "setup");
        named && matches!(tokens.get(index + 1), Some((_, Token::Sign('('))))
    };
    let Some(start) = (0..tokens.len()).rev().find(is_setup) else { return Vec::new() };
    let mut found = Vec::new();
    let mut next = start + 2;
    while let Some((line, token)) = tokens.get(next) {
        match token {
            Token::Sign(')') => break,
            Token::Name(key) | Token::Start(key) if matches!(tokens.get(next + 1), Some((_, Token::Sign('=')))) => {
                let (read, after) = value(tokens, next + 2, 1);
                found.push((*line, key.clone(), read));
                next = after.max(next + 2);
            }
            _ => next = value(tokens, next, 1).1.max(next + 1),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"#!/usr/bin/env python
"""Setup."""
from setuptools import setup, find_packages
import io

VERSION = '1.0'
requires = [
    'Flask>=1.0',  # the framework
    "celery[redis] ; python_version >= '3.6'",
]

def read(path):
    return io.open(path).read()

setup(
    name="My-App",
    version=VERSION,
    long_description=read('README.md') + "setup(name='x')",
    packages=find_packages(exclude=['tests']),
    python_requires='>=3.6, <4',
    install_requires=requires,
    extras_require={'web': ['gunicorn'], 'dev:python_version<"3"': requires},
    py_modules=['wsgi'],
    entry_points={
        'console_scripts': ['my-app = my_app.cli:main', 'my-app-web=my_app.web:main [web]'],
        'pytest11': ['x = y'],
    },
)
"#;

    fn of(source: &str) -> Application {
        let mut application = Application::default();
        read(&Tree::of("x", [(FILE, source)]), &mut application);
        application
    }

    #[test]
    fn the_arguments_of_setup_are_read() {
        let read = of(SOURCE);
        assert_eq!(read.name, Some(Said::new("My-App", Origin::new(FILE, 16))));
        assert_eq!(read.requires_python.unwrap().value, ">=3.6, <4");
        assert_eq!(read.dependencies.into_iter().collect::<Vec<_>>(), ["celery", "flask"]);
        assert_eq!(read.scripts.into_keys().collect::<Vec<_>>(), ["my-app", "my-app-web"]);
        assert!(read.extras["web"].contains("gunicorn") && read.extras["dev"].contains("flask"));
        assert!(read.modules.contains("wsgi") && read.declares);
    }

    #[test]
    fn entry_points_may_be_a_text_and_anything_may_be_there() {
        let read = of("setup(entry_points='''\n[console_scripts]\na = b:c\n[other]\nd = e:f\n''')");
        assert_eq!(read.scripts.into_keys().collect::<Vec<_>>(), ["a"]);
        let read = of("setup(name=get_name(), install_requires=open('r').read().split())");
        assert!(read.name.is_none() && read.declares && read.dependencies.is_empty());
        for source in
            ["setup(", "setup()", "setup(name=", "setup(**x", "setup(name='", "setup(a={'b':", "(((", "setup(}"]
        {
            of(source);
        }
    }
}
