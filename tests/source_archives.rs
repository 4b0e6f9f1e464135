//! The application's source archive: made by real build backends, fetched from the index, refused where there are no sources.

#[allow(dead_code, reason = "each test program uses its part")]
mod resolve_support;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use omnipack::exec::Command;
use omnipack::progress::Silent;
use omnipack::project::{PythonSettings, Source};
use omnipack::resolve::{Error, Options, Resolver, SourceArchive, Wheel};
use resolve_support::*;

/// The wheel and the archive of `source`.
fn both(source: &Source, settings: &PythonSettings, options: Options) -> Result<(Wheel, SourceArchive), Error> {
    let (interpreter, platform) = target(&host_series(), 36);
    let resolver = Resolver::new(with_cache(options), &Silent);
    let wheel = resolver.application(source, settings, &interpreter, &platform)?;
    let archive = resolver.source_archive(source, settings, &interpreter, &platform, &metadata(&wheel))?;
    Ok((wheel, archive))
}

fn archive(source: &Source, settings: &PythonSettings, options: Options) -> SourceArchive {
    both(source, settings, options).unwrap().1
}

fn git(dir: &Path, line: &str) {
    run(&["git", "-C", s(dir)].into_iter().chain(line.split(' ')).collect::<Vec<_>>());
}

fn commit(dir: &Path) {
    for line in ["init -q", "add -A", "-c user.name=a -c user.email=a@b.c commit -qm first", "tag v3.4.5"] {
        git(dir, line);
    }
}

/// A cache that remembers nothing but the tools, which take long to fetch.
fn fresh(cache: PathBuf) -> Options {
    fs_err::create_dir_all(&cache).unwrap();
    let shared = with_cache(Options::default()).cache;
    for part in ["uv", "uv-program", "pip", "build-tool", "locks"] {
        fs_err::create_dir_all(shared.join(part)).unwrap();
        std::os::unix::fs::symlink(shared.join(part), cache.join(part)).unwrap();
    }
    Options { cache, ..Options::default() }
}

/// A project whose version comes from git, with a program, and a file that git does not know.
fn tagged(dir: &Path) {
    write(
        &dir.join("pyproject.toml"),
        "[project]\nname = 'Tagged.App'\ndynamic = ['version']\n[build-system]\nrequires = ['setuptools', 'setuptools-scm']\n\
         build-backend = 'setuptools.build_meta'\n[tool.setuptools_scm]\n",
    );
    write(&dir.join("tagged.py"), "");
    write(&dir.join("run.sh"), "#!/bin/sh\n");
    fs_err::set_permissions(dir.join("run.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    commit(dir);
    write(&dir.join("tagged.py"), "x = 1\n");
    write(&dir.join("secret.txt"), "unknown to git");
}

#[test]
fn an_archive_of_a_directory_has_the_version_of_the_wheel_and_the_same_bytes_everywhere() {
    let work = tempfile::tempdir().unwrap();
    let (one, other) = (work.path().join("one"), work.path().join("other/place"));
    tagged(&one);
    fs_err::create_dir_all(other.parent().unwrap()).unwrap();
    run(&["cp", "-r", s(&one), s(&other)]);
    run(&["find", s(&other), "-name", "*.py", "-exec", "chmod", "600", "{}", "+"]);
    run(&["find", s(&other), "-name", "*.toml", "-exec", "touch", "-d", "2001-02-03", "{}", "+"]);
    let [(wheel, first), (_, second)] = [&one, &other].map(|dir| {
        // Each makes its own.
        both(&Source::Directory(dir.clone()), &settings(), fresh(dir.with_extension("cache"))).unwrap()
    });
    assert!(wheel.version.starts_with("3.4.6.dev0+"), "{}", wheel.version);
    assert_eq!(first.directory, format!("tagged_app-{}", wheel.version));
    assert_eq!(first.name, format!("{}.tar.gz", first.directory));
    assert!(first.has("tagged.py") && first.has("run.sh") && first.has("PKG-INFO"), "{:?}", first.files);
    assert!(!first.has("secret.txt") && !first.has("setup.py"));
    assert_eq!(first.build_requires, ["setuptools", "setuptools-scm"]);
    assert_eq!(first.url, None);
    assert_eq!((&first.sha256, &first.files), (&second.sha256, &second.files));
    assert_eq!(sha256(&first.path), first.sha256);
    let listed = run(&["tar", "-tvzf", s(&first.path), "--utc", "--numeric-owner"]);
    assert!(listed.lines().all(|line| line.contains(" 0/0 ") && line.contains("1980-01-01")), "{listed}");
    let modes = listed.lines().map(|line| &line[..10]).collect::<BTreeSet<_>>();
    assert_eq!(modes, BTreeSet::from(["drwxr-xr-x", "-rw-r--r--", "-rwxr-xr-x"]), "{listed}");
    // An sdist builds without git: the wheel that comes out is the same version.
    let again = archive(&Source::Sdist(first.path.clone()), &settings(), Options::default());
    assert_eq!(again, SourceArchive { path: first.path.clone(), ..first });
    let status = run(&["git", "-C", s(&one), "status", "--porcelain"]);
    assert_eq!(status, " M tagged.py\n?? secret.txt\n");
}

#[test]
fn pip_has_the_same_archive_made() {
    let work = tempfile::tempdir().unwrap();
    let dir = project(work.path(), "plain", &[]);
    write(&dir.join("setup.py"), "from setuptools import setup\nsetup()\n");
    let with = |resolver| {
        let cache = fresh(work.path().join(format!("{resolver:?}")));
        let settings = PythonSettings { resolver, ..settings() };
        archive(&Source::Directory(dir.clone()), &settings, cache)
    };
    let (uv, pip) = (with(omnipack::project::Resolver::Uv), with(omnipack::project::Resolver::Pip));
    assert!(pip.has("setup.py") && pip.has("plain.py"));
    assert_eq!((uv.name, uv.directory, uv.files), (pip.name, pip.directory, pip.files));
}

#[test]
fn modules_are_packed_with_their_licence_and_without_what_is_hidden() {
    let work = tempfile::tempdir().unwrap();
    let dir = work.path().join("my-app");
    for name in
        ["app.py", "templates/index.html", "LICENSE", "requirements.txt", ".env", "tests/test_app.py", "data.bin"]
    {
        write(&dir.join(name), "__version__ = '2.5'\n");
    }
    std::os::unix::fs::symlink("app.py", dir.join("again.py")).unwrap();
    let found = archive(&Source::Modules(dir.clone()), &settings(), Options::default());
    assert_eq!((found.name.as_str(), found.directory.as_str()), ("my_app-2.5.tar.gz", "my_app-2.5"));
    let files = found.files.iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(files, ["LICENSE", "again.py", "app.py", "requirements.txt", "templates/index.html"]);
    run(&["touch", "-d", "2001-02-03", s(&dir.join("app.py"))]);
    assert_eq!(archive(&Source::Modules(dir), &settings(), Options::default()).sha256, found.sha256);
}

#[test]
fn the_sdist_of_the_index_comes_as_it_is_with_its_lasting_address() {
    let work = tempfile::tempdir().unwrap();
    let source = Source::Requirement("itsdangerous==2.0.1".to_owned());
    let options = fresh(work.path().join("cache"));
    let found = archive(&source, &settings(), options.clone());
    // As PyPI shows it.
    assert_eq!(found.sha256, "9e724d68fc22902a1435351f84c3fb8623f303fffcc566a4cb952df8c572cff0");
    assert_eq!(sha256(&found.path), found.sha256);
    let address = "https://files.pythonhosted.org/packages/source/i/itsdangerous/itsdangerous-2.0.1.tar.gz";
    assert_eq!(found.url.as_deref(), Some(address));
    assert!(found.has("setup.py") && found.directory == "itsdangerous-2.0.1");
    let offline = Options { offline: true, ..options };
    assert_eq!(archive(&source, &settings(), offline), found);
    let pip = PythonSettings { resolver: omnipack::project::Resolver::Pip, ..settings() };
    let by_pip = archive(&source, &pip, Options::default());
    assert_eq!((by_pip.sha256, by_pip.name), (found.sha256, found.name));
}

#[test]
fn what_has_no_sources_is_refused_with_the_way_out() {
    let work = tempfile::tempdir().unwrap();
    let wheel = make_wheel(work.path(), "only-wheel", "1.0", "py3-none-any", "");
    let refused = |source: Source, settings: &PythonSettings, options: Options| match both(&source, settings, options) {
        Err(Error::NoSources { what, reason, help }) => format!("{what}: {reason}; {help}"),
        other => panic!("{other:?}"),
    };
    let said = refused(Source::Wheel(wheel), &settings(), Options::default());
    assert!(said.starts_with("only_wheel-1.0-py3-none-any.whl: ") && said.contains("name an sdist"), "{said}");
    let requirement = Source::Requirement("only-wheel==1.0".to_owned());
    let said = refused(requirement.clone(), &local(work.path()), Options::default());
    assert!(said.starts_with("only-wheel 1.0: its release has wheels only"), "{said}");
    let wheels = Options { wheels: Some(work.path().to_path_buf()), ..Options::default() };
    let said = refused(requirement.clone(), &settings(), wheels.clone());
    assert!(said.contains("has no sdist of it; with `--wheels`"), "{said}");

    let sources = project(&work.path().join("sources"), "only-wheel", &[]);
    write(&sources.join("PKG-INFO"), "Metadata-Version: 2.1\nName: only-wheel\nVersion: 1.0\n");
    let sdist = make_sdist(&sources, "only_wheel", work.path());
    assert_eq!(archive(&requirement, &settings(), wheels).path, sdist);
    let found = archive(&requirement, &local(work.path()), Options::default());
    assert_eq!((found.sha256, found.url), (sha256(&sdist), None));
}

#[test]
fn an_address_in_a_requirement_is_kept_without_its_login() {
    let work = tempfile::tempdir().unwrap();
    let sources = project(work.path(), "packed", &[]);
    write(&sources.join("PKG-INFO"), "Metadata-Version: 2.1\nName: packed\nVersion: 1.0\n");
    make_sdist(&sources, "packed", work.path());
    let index = PrivateIndex::start(work.path().to_path_buf());
    let address = index.url("me:s3cret@").replace("/simple/", "/files/packed-1.0.tar.gz");
    let source = Source::Requirement(format!("packed @ {address}"));
    let found = archive(&source, &settings(), Options::default());
    assert_eq!(found.url, Some(address.replace("me:s3cret@", "")));

    commit(&sources);
    let source = Source::Requirement(format!("packed @ git+file://{}", sources.display()));
    let found = archive(&source, &settings(), Options::default());
    assert_eq!((found.name.as_str(), found.url), ("packed-1.0.tar.gz", None));
}

#[test]
fn an_archive_of_another_version_than_the_wheel_is_refused() {
    let work = tempfile::tempdir().unwrap();
    let dir: PathBuf = work.path().join("clock");
    // Each build counts on.
    let count = work.path().join("count");
    write(
        &dir.join("setup.py"),
        &format!(
            "import os, sys\nfrom setuptools import setup\nversion = '2.0' if 'sdist' in sys.argv else '1.0'\n\
             open({:?}, 'a').write(version)\nsetup(name='clock', version=version, py_modules=['clock'])\n",
            s(&count)
        ),
    );
    write(&dir.join("clock.py"), "");
    let options = Options::default();
    let error = both(&Source::Directory(dir.clone()), &settings(), options).unwrap_err();
    let Error::SourceVersion { archive, expected, got } = &error else { panic!("{error:?}") };
    assert_eq!((archive.as_str(), expected.as_str(), got.as_str()), ("clock-2.0.tar.gz", "1.0", "2.0"));

    write(
        &dir.join("setup.py"),
        "import sys\nfrom setuptools import setup\nif 'sdist' in sys.argv: sys.exit('no sdist today')\n\
        setup(name='clock', version='1.0', py_modules=['clock'])\n",
    );
    let error = both(&Source::Directory(dir), &settings(), Options::default()).unwrap_err();
    let Error::SourceArchive { what, details } = &error else { panic!("{error:?}") };
    assert!(what == "clock" && details.contains("no sdist today"), "{error}");
    assert!(Command::new("cat").arg(count).run_checked().unwrap().stdout_text().contains("2.0"));
}
