//! pip, which an application with plugins ships: it is in every lock, in a release that runs on the target's Python.

#[allow(dead_code, reason = "each test program uses its part")]
mod resolve_support;

use std::path::Path;

use omnipack::progress::Silent;
use omnipack::project::{Plugins, PythonSettings, Source};
use omnipack::resolve::{Error, Lock, Options, Resolver};
use resolve_support::*;

/// Links with a pip for old and one for new Pythons, and an application.
fn links(work: &Path) -> std::path::PathBuf {
    let links = work.join("links");
    make_wheel(&links, "pip", "21.3.1", "py3-none-any", "Requires-Python: >=3.6\n");
    make_wheel(&links, "pip", "25.3", "py3-none-any", "Requires-Python: >=3.9\n");
    make_wheel(&links, "pip", "20.0", "py3-none-any", "");
    make_wheel(&links, "app", "1.0", "py3-none-any", "");
    links
}

fn with_plugins(settings: PythonSettings) -> PythonSettings {
    PythonSettings {
        plugins: Some(Plugins { directory: "/var/lib/app-plugins".to_owned(), remove: false }),
        ..settings
    }
}

fn resolve(links: &Path, settings: &PythonSettings, python: &str, options: Options) -> Result<Lock, Error> {
    let resolver = Resolver::new(with_cache(options), &Silent);
    let (interpreter, platform) = target(python, 17);
    let source = Source::Wheel(links.join("app-1.0-py3-none-any.whl"));
    let wheel = resolver.application(&source, settings, &interpreter, &platform)?;
    resolver.resolve(settings, &metadata(&wheel), &wheel, &interpreter, &platform)
}

fn found(lock: &Lock) -> Vec<String> {
    lock.wheels.iter().map(|wheel| format!("{} {}", wheel.name, wheel.version)).collect()
}

#[test]
fn the_lock_has_a_pip_that_runs_on_the_target() {
    let work = tempfile::tempdir().unwrap();
    let links = links(work.path());
    let settings = with_plugins(local(&links));
    for (python, pip) in [("3.6", "pip 21.3.1"), ("3.9", "pip 25.3")] {
        let lock = resolve(&links, &settings, python, Options::default()).unwrap();
        assert_eq!(found(&lock), ["app 1.0", pip]);
        assert!(lock.pylock.contains("name = \"pip\""), "{}", lock.pylock);
    }
    assert_eq!(found(&resolve(&links, &local(&links), "3.9", Options::default()).unwrap()), ["app 1.0"]);
}

#[test]
fn the_index_has_a_pip_for_the_oldest_python() {
    let work = tempfile::tempdir().unwrap();
    let links = links(work.path());
    for resolver in [omnipack::project::Resolver::Uv, omnipack::project::Resolver::Pip] {
        let settings = PythonSettings { resolver, ..with_plugins(settings()) };
        let lock = resolve(&links, &settings, "3.6", Options::default()).unwrap();
        assert_eq!(found(&lock), ["app 1.0", "pip 21.3.1"], "{resolver:?}");
    }
}

#[test]
fn ready_wheels_have_to_have_it() {
    let work = tempfile::tempdir().unwrap();
    let links = links(work.path());
    let options = || Options { wheels: Some(links.clone()), ..Options::default() };
    let settings = with_plugins(settings());
    // Ready wheels are taken newest first, and their tags are all that is looked at.
    assert_eq!(found(&resolve(&links, &settings, "3.9", options()).unwrap()), ["app 1.0", "pip 25.3"]);
    fs_err::remove_file(links.join("pip-21.3.1-py3-none-any.whl")).unwrap();
    fs_err::remove_file(links.join("pip-25.3-py3-none-any.whl")).unwrap();
    let error = resolve(&links, &settings, "3.9", options()).unwrap_err();
    let text = error.to_string();
    assert!(text.ends_with("has no wheel of pip >=21, which `plugins` under [python] needs"), "{text}");
}

#[test]
fn a_lock_that_has_none_is_completed() {
    let work = tempfile::tempdir().unwrap();
    let links = links(work.path());
    let path = work.path().join("pylock.toml");
    let wheel = |version: &str| {
        let file = format!("pip-{version}-py3-none-any.whl");
        let hash = sha256(&links.join(&file));
        format!(
            "[[packages]]\nname = \"pip\"\nversion = \"{version}\"\nwheels = [{{ path = \"links/{file}\", hashes = {{ sha256 = \"{hash}\" }} }}]\n"
        )
    };
    let mut settings = with_plugins(local(&links));
    settings.lock = Some(path.clone());
    write(&path, "lock-version = \"1.0\"\ncreated-by = \"hand\"\npackages = []\n");
    assert_eq!(found(&resolve(&links, &settings, "3.9", Options::default()).unwrap()), ["app 1.0", "pip 25.3"]);
    settings.require_hashes = true;
    let error = resolve(&links, &settings, "3.9", Options::default()).unwrap_err();
    assert!(matches!(&error, Error::NoHash { name } if name == "pip"), "{error}");
    write(&path, &format!("lock-version = \"1.0\"\ncreated-by = \"hand\"\n{}", wheel("21.3.1")));
    assert_eq!(found(&resolve(&links, &settings, "3.9", Options::default()).unwrap()), ["app 1.0", "pip 21.3.1"]);
}
