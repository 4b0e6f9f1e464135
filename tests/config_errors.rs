//! Each `fixtures/broken/config-*` is a project with one mistake in its configuration; how the error looks is a
//! snapshot.

use std::path::{Path, PathBuf};

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use omnipack::project::{Config, Error, Source};

fn cases() -> Vec<PathBuf> {
    let broken = Path::new("fixtures/broken");
    let mut all: Vec<PathBuf> = fs_err::read_dir(broken)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("config-"))
        .collect();
    all.sort();
    assert!(all.len() > 20, "only {} cases: is the test running in the repository?", all.len());
    all
}

fn load(directory: &Path) -> Result<Config, Error> {
    let source = Source::parse(directory.to_str().unwrap())?;
    Config::load(&source, None)
}

fn rendered(error: &dyn Diagnostic) -> String {
    let mut text = String::new();
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::none()).with_width(100).with_links(false);
    handler.render_report(&mut text, error).unwrap();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_broken_configuration_is_explained() {
    for directory in cases() {
        let name = directory.file_name().unwrap().to_str().unwrap().to_owned();
        let Err(error) = load(&directory) else { panic!("{name}: there is no error") };
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name, rendered(&error));
        });
    }
}

#[test]
fn every_explanation_names_its_place_and_what_to_do() {
    for directory in cases() {
        let Err(error) = load(&directory) else { panic!("{}: there is no error", directory.display()) };
        let text = rendered(&error);
        let file = format!("[{}", directory.display());
        assert!(text.contains(&file), "{text}\ndoes not say where");
        assert!(text.contains("help:"), "{text}\ndoes not say what to do");
        let here = std::env::current_dir().unwrap();
        assert!(!text.contains(here.to_str().unwrap()), "{text}\nnames this machine");
    }
}

#[test]
fn every_configuration_error_means_a_wrong_configuration() {
    for directory in cases() {
        let Err(error) = load(&directory) else { panic!("{}: there is no error", directory.display()) };
        assert_eq!(omnipack::Error::from(error).exit_code(), 2);
    }
}

#[test]
fn every_other_fixture_has_a_good_configuration() {
    for entry in fs_err::read_dir("fixtures").unwrap() {
        let path = entry.unwrap().path();
        if !path.is_dir() || path.ends_with("broken") {
            continue;
        }
        if let Err(error) = load(&path) {
            panic!("{}", rendered(&error));
        }
    }
}
