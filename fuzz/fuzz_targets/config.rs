//! Any text as `omnipack.toml`, for an RPM distribution of each kind.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use omnipack::distribution::{Catalogue, Distribution};
use omnipack::plan::{Options, plan, render};
use omnipack::project::{Config, Project, Source};
use omnipack_fuzz::{Place, show, support};

static PLACE: OnceLock<(Place, Catalogue)> = OnceLock::new();

/// What is decided of a sound configuration is pure, and never panics either.
fn decide(project: &Project, distribution: &Distribution) {
    match plan(project, distribution, &Options { machine: "x86_64".to_owned(), source_date: Some(0) }) {
        Ok(plan) => {
            let _ = render(&plan);
            let scripts = ["python".to_owned(), "demo".to_owned()];
            for package in &plan.packages {
                if let Err(error) = omnipack::service::render(&plan, package, &scripts) {
                    show(&error);
                }
            }
        }
        Err(error) => show(&error),
    }
}

fuzz_target!(|bytes: &[u8]| {
    let (place, catalogue) =
        PLACE.get_or_init(|| (Place::default(), Catalogue::embedded().expect("omnipack's own facts")));
    let path = place.file("omnipack.toml", bytes);
    let source = Source::Requirement("demo".to_owned());
    let config = match Config::load(&source, Some(&path)) {
        Ok(config) => config,
        Err(error) => return show(&error),
    };
    let _ = config.targets();
    if let Err(error) = config.check_distributions(catalogue.iter()) {
        show(&error);
    }
    if let Err(error) = catalogue.clone().with_overrides(&config.distribution_tables()) {
        show(&error);
    }
    for name in ["centos-6", "rocky-9"] {
        let distribution = catalogue.get(name).expect("a known distribution");
        match config.project(&source, support::opt_plan().metadata, distribution) {
            Ok(project) => decide(&project, distribution),
            Err(error) => show(&error),
        }
        if let Err(error) = config.python_settings(distribution) {
            show(&error);
        }
    }
});
