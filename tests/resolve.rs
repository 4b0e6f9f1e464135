//! The resolve floor against the real thing: uv and pip, the machine's own package index, link directories, build
//! backends, a private index on the loopback interface.

mod resolve_support;

use std::path::{Path, PathBuf};

use omnipack::progress::Silent;
use omnipack::project::Source;
use omnipack::resolve::{Error, Options, Resolver, WheelRole};
use resolve_support::*;

#[test]
fn a_project_is_resolved_for_a_python_that_is_not_here() {
    let work = tempfile::tempdir().unwrap();
    let project = project(work.path(), "shop", &["six==1.16.0", "markupsafe", "colorama; sys_platform == 'win32'"]);
    let before = names(&project);
    let resolver = resolver(Options::default());
    let (interpreter, platform) = target("3.6", 17);
    let wheel =
        resolver.application(&Source::Directory(project.clone()), &settings(), &interpreter, &platform).unwrap();
    assert_eq!((wheel.name.as_str(), wheel.version.as_str(), wheel.role), ("shop", "1.0", WheelRole::Application));
    assert_eq!(names(&project), before, "the user's tree is left alone");
    let lock = resolver.resolve(&settings(), &metadata(&wheel), &wheel, &interpreter, &platform).unwrap();
    let names = lock.wheels.iter().map(|wheel| wheel.name.as_str()).collect::<Vec<_>>();
    assert_eq!(names, ["markupsafe", "shop", "six"], "the marker is the target's");
    assert!(lock.wheels[0].file_name.contains("cp36-cp36m-manylinux"), "{}", lock.wheels[0].file_name);
    assert_eq!(lock.wheels[0].sha256, sha256(&lock.wheels[0].path));
    assert!(lock.pylock.contains("lock-version = \"1.0\"") && lock.pylock.contains(&lock.wheels[2].sha256));

    let offline = Options { offline: true, ..Options::default() };
    let resolver = self::resolver(offline);
    let again = resolver.application(&Source::Directory(project), &settings(), &interpreter, &platform).unwrap();
    assert_eq!(again, wheel);
    assert_eq!(resolver.resolve(&settings(), &metadata(&wheel), &wheel, &interpreter, &platform).unwrap(), lock);
}

#[test]
fn a_requirement_is_a_project_too() {
    let resolver = resolver(Options::default());
    let (interpreter, platform) = target("3.9", 34);
    let source = Source::Requirement("itsdangerous==2.0.1".to_owned());
    let wheel = resolver.application(&source, &settings(), &interpreter, &platform).unwrap();
    assert_eq!(
        (wheel.name.as_str(), wheel.version.as_str(), wheel.role),
        ("itsdangerous", "2.0.1", WheelRole::Application)
    );
    assert!(wheel.path.is_file());
}

#[test]
fn modules_without_a_build_configuration_make_a_wheel() {
    let work = tempfile::tempdir().unwrap();
    let dir = work.path().join("My App");
    write(&dir.join("app.py"), "__version__ = '2.5'\nprint('hi')\n");
    write(&dir.join("templates/index.html"), "<p>");
    write(&dir.join("tests/test_app.py"), "");
    let resolver = resolver(Options::default());
    let (interpreter, platform) = target("3.6", 17);
    let wheel = resolver.application(&Source::Modules(dir), &settings(), &interpreter, &platform).unwrap();
    assert_eq!((wheel.name.as_str(), wheel.version.as_str()), ("my-app", "2.5"));
    assert_eq!(wheel.file_name, "my_app-2.5-py3-none-any.whl");
    let site = work.path().join("site");
    run(&["python3", "-m", "pip", "install", "-q", "--no-deps", "--no-compile", "--target", s(&site), s(&wheel.path)]);
    assert!(
        site.join("app.py").is_file() && site.join("templates/index.html").is_file() && !site.join("tests").exists()
    );
}

#[test]
fn the_name_of_plain_modules_can_be_given_and_what_is_not_theirs_stays_out() {
    let work = tempfile::tempdir().unwrap();
    let wheel_of = |directory: &str| {
        let dir = work.path().join(directory);
        write(&dir.join("app.py"), "print('hi')\n");
        write(&dir.join("static/app.css"), "a {}");
        write(&dir.join("deploy/id_rsa"), "key");
        write(&dir.join("nodir/x.yml"), "a: 1");
        write(&dir.join("debian-12/shop_0.0.0-1_all.deb"), directory);
        let resolver = resolver(Options { name: Some("shop".to_owned()), ..Options::default() });
        let (interpreter, platform) = target("3.9", 34);
        resolver.application(&Source::Modules(dir), &settings(), &interpreter, &platform).unwrap()
    };
    let (one, other) = (wheel_of("one"), wheel_of("other"));
    assert_eq!((one.file_name.as_str(), &one.sha256), ("shop-0.0.0-py3-none-any.whl", &other.sha256));
    let archive = zip::ZipArchive::new(fs_err::File::open(&one.path).unwrap()).unwrap();
    let mut names = archive.file_names().map(|name| name.unwrap().into_owned()).collect::<Vec<_>>();
    names.retain(|name| !name.contains("dist-info"));
    names.sort_unstable();
    assert_eq!(names, ["app.py", "static/app.css"]);
}

#[test]
fn a_version_that_git_gives_is_found_and_git_is_not_written() {
    let work = tempfile::tempdir().unwrap();
    let dir = work.path().join("tagged");
    write(
        &dir.join("pyproject.toml"),
        "[project]\nname = 'tagged'\ndynamic = ['version']\n[build-system]\nrequires = ['setuptools', 'setuptools-scm']\nbuild-backend = 'setuptools.build_meta'\n[tool.setuptools_scm]\n",
    );
    write(&dir.join("tagged.py"), "");
    for line in ["init -q", "add -A", "-c user.name=a -c user.email=a@b.c commit -qm first", "tag v3.4.5"] {
        let arguments = ["git", "-C", s(&dir)].into_iter().chain(line.split(' ')).collect::<Vec<_>>();
        run(&arguments);
    }
    let index = std::fs::metadata(dir.join(".git/index")).unwrap().modified().unwrap();
    let (interpreter, platform) = target("3.9", 34);
    let resolver = resolver(Options::default());
    let source = Source::Directory(dir.clone());
    let wheel = resolver.application(&source, &settings(), &interpreter, &platform).unwrap();
    assert_eq!(wheel.version, "3.4.5");
    assert_eq!(std::fs::metadata(dir.join(".git/index")).unwrap().modified().unwrap(), index);
    assert_eq!(names(&dir), [".git", "pyproject.toml", "tagged.py"]);
    write(&dir.join("tagged.py"), "x = 1\n");
    let dirty = resolver.application(&source, &settings(), &interpreter, &platform).unwrap();
    assert!(dirty.version.starts_with("3.4.6.dev0+"), "{}", dirty.version);
}

#[test]
fn pip_resolves_the_same_for_the_same_target() {
    let work = tempfile::tempdir().unwrap();
    let project =
        project(work.path(), "shop", &["markupsafe==2.0.1", "colorama; python_version >= '3.7'", "docopt==0.6.2"]);
    let resolver = resolver(Options::default());
    let (interpreter, platform) = target("3.6", 17);
    let mut settings = settings();
    let wheel = resolver.application(&Source::Directory(project), &settings, &interpreter, &platform).unwrap();
    let by_uv = resolver.resolve(&settings, &metadata(&wheel), &wheel, &interpreter, &platform).unwrap();
    settings.resolver = omnipack::project::Resolver::Pip;
    let by_pip = resolver.resolve(&settings, &metadata(&wheel), &wheel, &interpreter, &platform).unwrap();
    let files = |lock: &omnipack::resolve::Lock| lock.wheels.iter().map(|w| w.file_name.clone()).collect::<Vec<_>>();
    assert_eq!(files(&by_uv), files(&by_pip));
    assert_eq!(files(&by_pip).len(), 3, "docopt has only an sdist: built; colorama is for a newer Python");
}

#[test]
fn a_hash_that_does_not_fit_stops() {
    let work = tempfile::tempdir().unwrap();
    let links = work.path().join("links");
    let file = make_wheel(&links, "thing", "1.0", "py3-none-any", "");
    let mut settings = local(&links);
    let requirements = work.path().join("requirements.txt");
    settings.requirements = vec![requirements.clone()];
    let good = sha256(&file);
    write(&requirements, &format!("thing==1.0 --hash=sha256:{good}\n"));
    assert_eq!(resolve_alone(&settings, "3.9", Options::default()).unwrap().wheels.len(), 2);
    write(&requirements, &format!("thing==1.0 --hash=sha256:{}\n", "0".repeat(64)));
    let error = resolve_alone(&settings, "3.9", Options::default()).unwrap_err();
    let Error::HashMismatch { file, expected, got } = &error else { panic!("{error}") };
    assert_eq!((file.as_str(), expected.as_str(), got), ("thing-1.0-py3-none-any.whl", "0".repeat(64).as_str(), &good));
    settings.require_hashes = true;
    write(&requirements, "thing==1.0\n");
    assert!(
        matches!(resolve_alone(&settings, "3.9", Options::default()), Err(Error::NoHash { name }) if name == "thing")
    );
}

#[test]
fn a_lock_whose_wheel_was_changed_stops() {
    let work = tempfile::tempdir().unwrap();
    let file = make_wheel(work.path(), "thing", "1.0", "py3-none-any", "");
    let lock = work.path().join("pylock.toml");
    let text = |hash: &str, marker: &str| {
        format!(
            "lock-version = \"1.0\"\ncreated-by = \"hand\"\n[[packages]]\nname = \"thing\"\nversion = \"1.0\"\nmarker = \"{marker}\"\nwheels = [{{ path = \"thing-1.0-py3-none-any.whl\", hashes = {{ sha256 = \"{hash}\" }} }}]\n"
        )
    };
    let mut settings = settings();
    settings.lock = Some(lock.clone());
    write(&lock, &text(&sha256(&file), "python_version < '3.7'"));
    assert_eq!(resolve_alone(&settings, "3.6", Options::default()).unwrap().wheels.len(), 2);
    assert_eq!(resolve_alone(&settings, "3.9", Options::default()).unwrap().wheels.len(), 1);
    write(&lock, &text(&"1".repeat(64), "python_version < '3.7'"));
    let error = resolve_alone(&settings, "3.6", Options::default()).unwrap_err();
    assert!(matches!(error, Error::HashMismatch { .. }), "{error}");
}

#[test]
fn a_wheel_for_another_platform_only_stops_and_names_it() {
    let work = tempfile::tempdir().unwrap();
    make_wheel(work.path(), "native", "1.0", "cp311-cp311-manylinux_2_34_x86_64", "");
    let mut settings = local(work.path());
    settings.requirements = vec![work.path().join("requirements.txt")];
    write(&settings.requirements[0], "native\n");
    let error = resolve_alone(&settings, "3.6", Options::default()).unwrap_err().to_string();
    assert!(error.contains("native") && error.contains("3.6"), "{error}");
    assert!(error.contains("cp311"), "{error}");
}

#[test]
fn requirements_that_contradict_each_other_are_explained() {
    let work = tempfile::tempdir().unwrap();
    make_wheel(work.path(), "one", "1.0", "py3-none-any", "Requires-Dist: two<2\n");
    make_wheel(work.path(), "two", "2.0", "py3-none-any", "");
    make_wheel(work.path(), "two", "1.0", "py3-none-any", "");
    let mut settings = local(work.path());
    settings.requirements = vec![work.path().join("requirements.txt")];
    write(&settings.requirements[0], "one\ntwo>=2\n");
    for resolver in [omnipack::project::Resolver::Uv, omnipack::project::Resolver::Pip] {
        settings.resolver = resolver;
        let error = resolve_alone(&settings, "3.9", Options::default()).unwrap_err();
        let Error::Unsatisfiable { details, .. } = &error else { panic!("{error}") };
        assert!(details.contains("one") && details.contains("two"), "{details}");
    }
}

#[test]
fn an_editable_requirement_is_refused() {
    let work = tempfile::tempdir().unwrap();
    let mut settings = settings();
    settings.requirements = vec![work.path().join("requirements.txt")];
    write(&settings.requirements[0], "-e ./lib\n");
    assert!(matches!(resolve_alone(&settings, "3.9", Options::default()), Err(Error::Editable { .. })));
}

#[test]
fn an_sdist_with_native_code_needs_the_targets_python() {
    let work = tempfile::tempdir().unwrap();
    make_native_sdist(work.path());
    let mut settings = settings();
    settings.find_links = vec![s(work.path()).to_owned()];
    settings.requirements = vec![work.path().join("requirements.txt")];
    write(&settings.requirements[0], "omnipack-test-native==1.0\n");
    // No machine has a Python 3.99.
    let error = resolve_alone(&settings, "3.99", Options::default()).unwrap_err();
    let text = format!("{error}");
    assert!(matches!(error, Error::NeedsCompiler { .. }), "{text}");
    assert!(text.contains("omnipack-test-native 1.0"), "{text}");
    let here = host_series();
    let lock = resolve_alone(&settings, &here, Options::default()).unwrap();
    let wheel = lock.wheels.iter().find(|wheel| wheel.name == "omnipack-test-native").unwrap();
    let tag = format!("cp{}", here.replace('.', ""));
    assert!(wheel.file_name.contains(&format!("{tag}-{tag}-linux_")), "{}", wheel.file_name);
}

#[test]
fn ready_wheels_need_no_resolver() {
    let work = tempfile::tempdir().unwrap();
    make_wheel(
        work.path(),
        "one",
        "1.0",
        "py3-none-any",
        "Requires-Dist: two<2\nRequires-Dist: never; python_version < '3'\n",
    );
    make_wheel(work.path(), "two", "2.0", "py3-none-any", "");
    make_wheel(work.path(), "two", "1.5", "py3-none-any", "");
    let options = Options {
        wheels: Some(work.path().to_path_buf()),
        uv: Some(PathBuf::from("/nonexistent/uv")),
        ..Options::default()
    };
    let resolver = resolver(options);
    let (interpreter, platform) = target("3.9", 34);
    let wheel =
        resolver.application(&Source::Requirement("one".to_owned()), &settings(), &interpreter, &platform).unwrap();
    let mut metadata = metadata(&wheel);
    let lock = resolver.resolve(&settings(), &metadata, &wheel, &interpreter, &platform).unwrap();
    let found = lock.wheels.iter().map(|wheel| format!("{} {}", wheel.name, wheel.version)).collect::<Vec<_>>();
    assert_eq!(found, ["one 1.0", "two 1.5"]);
    metadata.requires_dist.push("three>=3".to_owned());
    let error = resolver.resolve(&settings(), &metadata, &wheel, &interpreter, &platform).unwrap_err();
    assert!(matches!(&error, Error::NotInWheels { name, .. } if name == "three"), "{error}");
}

#[test]
fn a_private_index_takes_the_credentials_of_url_and_netrc() {
    let work = tempfile::tempdir().unwrap();
    make_wheel(work.path(), "secret-thing", "1.0", "py3-none-any", "");
    let index = PrivateIndex::start(work.path().to_path_buf());
    let mut settings = settings();
    settings.requirements = vec![work.path().join("requirements.txt")];
    write(&settings.requirements[0], "secret-thing==1.0\n");
    settings.index_url = Some(index.url(""));
    let own = || Options { cache: tempfile::tempdir().unwrap().keep(), ..Options::default() };
    let refused = resolve_alone(&settings, "3.9", own()).unwrap_err();
    assert!(!format!("{refused:?}").contains("s3cret"));
    settings.index_url = Some(index.url("me:s3cret@"));
    let lock = resolve_alone(&settings, "3.9", own()).unwrap();
    assert_eq!(lock.wheels[1].name, "secret-thing");
    assert!(!lock.pylock.contains("s3cret") && lock.pylock.contains("127.0.0.1"), "{}", lock.pylock);
    assert!(index.authorized() > 0);
}

fn resolver(options: Options) -> Resolver<'static> {
    Resolver::new(with_cache(options), &Silent)
}

fn resolve_alone(
    settings: &omnipack::project::PythonSettings,
    python: &str,
    options: Options,
) -> Result<omnipack::resolve::Lock, Error> {
    let dir = tempfile::tempdir().unwrap();
    let wheel = make_wheel(dir.path(), "omnipack-test-app", "1.0", "py3-none-any", "");
    let resolver = resolver(options);
    let (interpreter, platform) = target(python, 36);
    let wheel = resolver.application(&Source::Wheel(wheel), settings, &interpreter, &platform)?;
    resolver.resolve(settings, &metadata(&wheel), &wheel, &interpreter, &platform)
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>();
    names.sort();
    names
}

#[test]
fn a_private_index_takes_the_credentials_of_netrc_and_environment() {
    let work = tempfile::tempdir().unwrap();
    make_wheel(work.path(), "secret-thing", "1.0", "py3-none-any", "");
    let index = PrivateIndex::start(work.path().to_path_buf());
    let netrc = work.path().join("netrc");
    write(&netrc, "machine 127.0.0.1 login me password s3cret\n");
    write(&work.path().join("empty"), "");
    let keyring = work.path().join("keyring/keyring");
    write(&keyring, "#!/bin/sh\n[ \"$1\" = get ] && [ \"$3\" = me ] && echo s3cret\n");
    run(&["chmod", "755", s(&keyring)]);
    let path = format!("{}:{}", s(keyring.parent().unwrap()), std::env::var("PATH").unwrap());
    let url = index.url("");
    let named = format!("corp={url}");
    let with_user = index.url("me@");
    let empty = s(&work.path().join("empty")).to_owned();
    let cases: [&[(&str, &str)]; 4] = [
        &[("UV_DEFAULT_INDEX", &url), ("NETRC", s(&netrc))],
        &[("PIP_INDEX_URL", &url), ("NETRC", s(&netrc)), ("OMNIPACK_TEST_RESOLVER", "pip")],
        &[
            ("UV_DEFAULT_INDEX", &named),
            ("UV_INDEX_CORP_USERNAME", "me"),
            ("UV_INDEX_CORP_PASSWORD", "s3cret"),
            ("NETRC", &empty),
        ],
        &[("UV_DEFAULT_INDEX", &with_user), ("NETRC", &empty), ("PATH", &path)],
    ];
    let uv = omnipack_uv();
    for variables in cases {
        let mut child = omnipack::exec::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_private_index_of_the_environment", "--nocapture"])
            .env("OMNIPACK_TEST_PRIVATE", s(work.path()))
            .env("OMNIPACK_UV", &uv);
        for (name, value) in variables {
            child = child.env(name, value);
        }
        let output = child.run().unwrap();
        assert_eq!(output.code, 0, "{variables:?}\n{}{}", output.stdout_text(), output.stderr_text());
    }
}

/// The child of the test above, which gives it an environment of its own; alone it has nothing to look for.
#[test]
fn the_private_index_of_the_environment() {
    let Ok(dir) = std::env::var("OMNIPACK_TEST_PRIVATE") else { return };
    let requirements = Path::new(&dir).join("requirements.txt");
    write(&requirements, "secret-thing==1.0\n");
    let mut settings = settings();
    settings.requirements = vec![requirements];
    if std::env::var_os("OMNIPACK_TEST_RESOLVER").is_some() {
        settings.resolver = omnipack::project::Resolver::Pip;
    }
    let cache = tempfile::tempdir().unwrap();
    let options = Options { cache: cache.path().to_path_buf(), ..Options::default() };
    let lock = resolve_alone(&settings, "3.9", options).unwrap();
    assert_eq!(lock.wheels[1].name, "secret-thing");
    assert!(!lock.pylock.contains("s3cret"));
}

#[test]
fn a_rebuild_is_quick_and_sees_every_edit() {
    let work = tempfile::tempdir().unwrap();
    let project = project(work.path(), "quick", &["six==1.16.0"]);
    // Texts that no run of this test has built before.
    let unique = |number: u32| format!("name = {:?}, {number}\n", work.path());
    write(&project.join("quick.py"), &unique(0));
    let steps = Steps::default();
    let resolver = Resolver::new(with_cache(Options::default()), &steps);
    let (interpreter, platform) = target("3.9", 34);
    let source = Source::Directory(project.clone());
    let build = || resolver.application(&source, &settings(), &interpreter, &platform).unwrap();
    let first = build();
    assert_eq!(steps.builds(), 1);
    for number in 1..3 {
        let text = unique(number);
        write(&project.join("quick.py"), &text);
        let wheel = build();
        let mut archive = zip::ZipArchive::new(fs_err::File::open(&wheel.path).unwrap()).unwrap();
        let mut content = String::new();
        std::io::Read::read_to_string(&mut archive.by_name("quick.py").unwrap(), &mut content).unwrap();
        assert_eq!(content, text);
        let site = work.path().join(format!("site-{number}"));
        run(&["python3", "-m", "pip", "install", "-q", "--no-deps", "--target", s(&site), s(&wheel.path)]);
        let record = fs_err::read_to_string(site.join("quick-1.0.dist-info/RECORD")).unwrap();
        assert!(record.contains(&format!("quick.py,sha256={}", urlsafe_sha256(&text))), "{record}");
        let mut names = archive.file_names().flatten().map(|name| name.into_owned()).collect::<Vec<_>>();
        let listed = fs_err::read_to_string(site.join("quick-1.0.dist-info/RECORD")).unwrap();
        names.retain(|name| !listed.contains(name.as_str()));
        assert_eq!(names, Vec::<String>::new());
    }
    assert_eq!(steps.builds(), 1, "edited modules need no backend");
    write(&project.join("quick.py"), &unique(0));
    assert_eq!(build(), first, "the same source is the same wheel");
    let (interpreter, platform) = target("3.6", 17);
    let other = resolver.application(&source, &settings(), &interpreter, &platform).unwrap();
    assert_eq!((other, steps.builds()), (first.clone(), 1), "one wheel for every Python");

    // An edit that is more than a module's content goes to the backend.
    let text = fs_err::read_to_string(project.join("pyproject.toml")).unwrap();
    write(&project.join("pyproject.toml"), &text.replace("version = \"1.0\"", "version = \"2.0\""));
    assert_eq!((build().version.as_str(), steps.builds()), ("2.0", 2));
    resolver.resolve(&settings(), &metadata(&first), &first, &interpreter, &platform).unwrap();
    let start = std::time::Instant::now();
    resolver.resolve(&settings(), &metadata(&first), &first, &interpreter, &platform).unwrap();
    assert!(start.elapsed().as_millis() < 500, "everything is in the cache: {:?}", start.elapsed());
}

#[test]
fn uv_lock_is_followed_for_the_target() {
    let work = tempfile::tempdir().unwrap();
    let project = project(work.path(), "locked", &["six<1.17", "colorama; sys_platform == 'win32'"]);
    let text = fs_err::read_to_string(project.join("pyproject.toml")).unwrap();
    let extra =
        "requires-python = \">=3.6\"\noptional-dependencies = { web = [\"itsdangerous==2.0.1\"] }\n[build-system]";
    write(&project.join("pyproject.toml"), &text.replace("[build-system]", extra));
    let uv = omnipack_uv();
    run(&[s(&uv), "lock", "--quiet", "--directory", s(&project)]);
    let mut settings = settings();
    settings.lock = Some(project.join("uv.lock"));
    settings.extras = vec!["web".to_owned()];
    let lock = resolve_alone(&settings, "3.6", Options::default()).unwrap();
    let found = lock.wheels.iter().map(|wheel| format!("{} {}", wheel.name, wheel.version)).collect::<Vec<_>>();
    assert_eq!(found, ["itsdangerous 2.0.1", "omnipack-test-app 1.0", "six 1.16.0"]);
    let error = resolve_alone(&settings, "3.5", Options::default()).unwrap_err();
    assert!(error.to_string().contains(">=3.6"), "{error}");
}

#[test]
fn only_a_url_requirement_has_a_direct_url_and_that_has_no_credentials() {
    let work = tempfile::tempdir().unwrap();
    let file = make_wheel(work.path(), "secret-thing", "1.0", "py3-none-any", "");
    project(work.path(), "beside", &[]);
    let index = PrivateIndex::start(work.path().to_path_buf());
    let mut settings = settings();
    settings.requirements = vec![work.path().join("requirements.txt")];
    let url = index.url("me:s3cret@").replace("/simple/", "/files/secret_thing-1.0-py3-none-any.whl");
    write(&settings.requirements[0], &format!("secret-thing @ {url}\n./beside\nsix==1.16.0\n"));
    for resolver in [omnipack::project::Resolver::Uv, omnipack::project::Resolver::Pip] {
        settings.resolver = resolver;
        let lock = resolve_alone(&settings, "3.9", Options::default()).unwrap();
        let direct = |name: &str| lock.wheels.iter().find(|wheel| wheel.name == name).unwrap().direct_url.clone();
        assert_eq!((direct("beside"), direct("six")), (None, None));
        let direct = serde_json::from_str::<serde_json::Value>(&direct("secret-thing").unwrap()).unwrap();
        let public = index.url("").replace("/simple/", "/files/secret_thing-1.0-py3-none-any.whl");
        assert_eq!(direct["url"], public);
        assert_eq!(direct["archive_info"]["hashes"]["sha256"], sha256(&file));
        assert!(!lock.pylock.contains("s3cret") && !lock.pylock.contains(s(work.path())), "{}", lock.pylock);
    }
}

#[test]
fn extras_and_constraints_count() {
    let work = tempfile::tempdir().unwrap();
    for version in ["1.0", "2.0", "3.0"] {
        make_wheel(work.path(), "dep", version, "py3-none-any", "");
    }
    let more = "Provides-Extra: all\nProvides-Extra: web\nRequires-Dist: app[web]; extra == 'all'\nRequires-Dist: dep; extra == 'web'\n";
    let app = make_wheel(&work.path().join("app"), "app", "1.0", "py3-none-any", more);
    let mut settings = local(work.path());
    settings.constraints = vec![work.path().join("constraints.txt")];
    write(&settings.constraints[0], "dep<3\n");
    let resolver = resolver(Options::default());
    let (interpreter, platform) = target("3.9", 34);
    let wheel = resolver.application(&Source::Wheel(app), &settings, &interpreter, &platform).unwrap();
    let resolve =
        |settings: &_| resolver.resolve(settings, &metadata(&wheel), &wheel, &interpreter, &platform).unwrap();
    assert_eq!(resolve(&settings).wheels.len(), 1);
    settings.extras = vec!["all".to_owned()];
    assert_eq!(resolve(&settings).wheels[1].version, "2.0");
    // Extras of the requirement that is the project.
    settings.extras.clear();
    settings.find_links.push(s(&work.path().join("app")).to_owned());
    let source = Source::Requirement("app[all]==1.0".to_owned());
    let wheel = resolver.application(&source, &settings, &interpreter, &platform).unwrap();
    let lock = resolver.resolve(&settings, &metadata(&wheel), &wheel, &interpreter, &platform).unwrap();
    assert_eq!(lock.wheels.len(), 2);
}

#[test]
fn an_older_version_with_a_wheel_is_better_than_none() {
    let work = tempfile::tempdir().unwrap();
    make_native_sdist(work.path());
    make_wheel(work.path(), "omnipack-test-native", "0.9", "cp399-abi3-manylinux2014_x86_64", "");
    make_wheel(work.path(), "omnipack-test-native", "0.8", "py3-none-any", "");
    let mut settings = settings();
    settings.find_links = vec![s(work.path()).to_owned()];
    settings.requirements = vec![work.path().join("requirements.txt")];
    write(&settings.requirements[0], "omnipack-test-native\n");
    let lock = resolve_alone(&settings, "3.98", Options::default()).unwrap();
    assert_eq!(lock.wheels[1].version, "0.8");
}

#[test]
fn an_sdist_is_a_project_too() {
    let work = tempfile::tempdir().unwrap();
    let project = project(work.path(), "packed", &["six"]);
    write(&project.join("PKG-INFO"), "Metadata-Version: 2.1\nName: packed\nVersion: 1.0\n");
    let sdist = make_sdist(&project, "packed", work.path());
    let (interpreter, platform) = target("3.6", 17);
    let wheel = resolver(Options::default()).application(&Source::Sdist(sdist), &settings(), &interpreter, &platform);
    assert_eq!(wheel.unwrap().file_name, "packed-1.0-py3-none-any.whl");
}

#[test]
fn offline_with_an_empty_cache_says_so() {
    let work = tempfile::tempdir().unwrap();
    let mut settings = settings();
    settings.requirements = vec![work.path().join("requirements.txt")];
    write(&settings.requirements[0], "six==1.16.0\n");
    for uv in [None, Some(omnipack_uv())] {
        let options = Options { cache: work.path().join("cache"), offline: true, uv, ..Options::default() };
        let error = resolve_alone(&settings, "3.9", options).unwrap_err();
        assert!(matches!(error, Error::Offline { .. }), "{error}");
    }
}

#[test]
fn builds_at_once_share_one_cache() {
    let work = tempfile::tempdir().unwrap();
    let file = make_wheel(work.path(), "shared-thing", "1.0", "py3-none-any", "");
    let mut settings = local(work.path());
    settings.requirements = vec![work.path().join("requirements.txt")];
    write(&settings.requirements[0], "shared-thing\n");
    let (cache, uv) = (work.path().join("cache"), omnipack_uv());
    let build = || {
        let options = Options { cache: cache.clone(), uv: Some(uv.clone()), ..Options::default() };
        resolve_alone(&settings, "3.9", options).unwrap()
    };
    let locks = std::thread::scope(|scope| {
        let threads = (0..4).map(|_| scope.spawn(build)).collect::<Vec<_>>();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    for lock in &locks {
        assert_eq!(lock.wheels[1], locks[0].wheels[1]);
        assert_eq!(sha256(&lock.wheels[1].path), sha256(&file));
    }
    assert_eq!(names(&cache.join("tmp")), Vec::<String>::new(), "nothing is left behind");
}

/// Every `fixtures/broken/resolve-*`, with what each has to say.
#[test]
fn broken_projects_are_told_what_is_wrong() {
    let cases = [
        ("unsatisfiable", "resolve::unsatisfiable", "six"),
        ("no-such-package", "resolve::unsatisfiable", "omnipack-test-no-such-distribution"),
        ("editable", "resolve::editable", "-e ./library"),
        ("hash-mismatch", "resolve::hash_mismatch", "six-1.16.0"),
        ("no-hash", "resolve::no_hash", "six"),
        ("needs-compiler", "resolve::needs_compiler", "python-prctl 1.8.1"),
        ("build-fails", "resolve::build", "this project cannot be built"),
        ("bad-lock", "resolve::input", "pylock.toml"),
        ("lock-other-python", "resolve::input", ">=3.99"),
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/broken");
    let here = names(&root).into_iter().filter_map(|name| name.strip_prefix("resolve-").map(str::to_owned));
    let mut known = cases.map(|(name, ..)| name.to_owned());
    known.sort();
    assert_eq!(here.collect::<Vec<_>>(), known, "each fixture has a case");
    for (name, code, words) in cases {
        let dir = root.join(format!("resolve-{name}"));
        let optional = |name: &str| Some(dir.join(name)).filter(|path| path.is_file());
        let mut settings = settings();
        settings.requirements = optional("requirements.txt").into_iter().collect();
        settings.lock = optional("pylock.toml");
        settings.require_hashes = name == "no-hash";
        let resolver = resolver(Options::default());
        // A Python that no machine has, where one would make the difference.
        let (interpreter, platform) = target(if name == "needs-compiler" { "3.97" } else { "3.9" }, 34);
        let result = resolver
            .application(&Source::Directory(dir.clone()), &settings, &interpreter, &platform)
            .and_then(|wheel| resolver.resolve(&settings, &metadata(&wheel), &wheel, &interpreter, &platform));
        let error = result.unwrap_err();
        assert_eq!(miette::Diagnostic::code(&error).unwrap().to_string(), code, "{name}: {error}");
        assert!(miette::Diagnostic::help(&error).is_some(), "{name} says what to do");
        assert!(error.to_string().contains(words), "{name}: {error}");
    }
}
