//! Projects as they are found: what is built and what is not.

#[allow(dead_code, reason = "each test program uses its part")]
mod resolve_support;

use std::path::Path;

use omnipack::progress::Silent;
use omnipack::project::Source;
use omnipack::resolve::{Options, Resolver};
use resolve_support::*;

#[test]
fn the_project_itself_may_be_editable_in_its_own_lock() {
    let work = tempfile::tempdir().unwrap();
    let project = project(work.path(), "locked", &[]);
    let library = make_wheel(work.path(), "library", "2.0", "py3-none-any", "");
    let lock = format!(
        "lock-version = \"1.0\"\n[[packages]]\nname = \"Locked\"\ndirectory = {{ path = \".\", editable = true }}\n\
         [[packages]]\nname = \"library\"\nversion = \"2.0\"\n[[packages.wheels]]\npath = \"{}\"\n\
         hashes = {{ sha256 = \"{}\" }}\n",
        s(&library),
        sha256(&library)
    );
    write(&project.join("pylock.toml"), &lock);
    let mut settings = settings();
    settings.lock = Some(project.join("pylock.toml"));
    let (interpreter, platform) = target("3.6", 17);
    let resolver = resolver(Options::default());
    let wheel = resolver.application(&Source::Directory(project), &settings, &interpreter, &platform).unwrap();
    let lock = resolver.resolve(&settings, &metadata(&wheel), &wheel, &interpreter, &platform).unwrap();
    assert_eq!(lock.wheels.iter().map(|wheel| wheel.name.as_str()).collect::<Vec<_>>(), ["library", "locked"]);
}

#[test]
fn a_setup_cfg_alone_is_a_project_too() {
    let work = tempfile::tempdir().unwrap();
    let project = work.path().join("configured");
    write(&project.join("setup.cfg"), "[metadata]\nname = configured\nversion = 0.4\n[options]\npy_modules = one\n");
    write(&project.join("one.py"), "");
    let (interpreter, platform) = target("3.6", 17);
    let source = Source::Directory(project.clone());
    let wheel = resolver(Options::default()).application(&source, &settings(), &interpreter, &platform).unwrap();
    assert_eq!(wheel.file_name, "configured-0.4-py3-none-any.whl");
    assert_eq!(names(&project), ["one.py", "setup.cfg"], "the original stays as it is");
}

fn resolver(options: Options) -> Resolver<'static> {
    Resolver::new(with_cache(options), &Silent)
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>();
    names.sort();
    names
}
