//! Tests of the floor as a whole: what the user writes in, settings out.

use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::distribution::{Algorithm, Catalogue, Distribution};

/// Facts do not matter here, the names do.
fn distribution(name: &str, family: &str) -> Distribution {
    let facts = r#"
        title = "Test"
        family = "test"
        format = "rpm"
        format-version = "4.16"
        glibc = "2.34"
        init = "systemd"
        compression = "zstd"
        pythons = []
        architectures = {}
        end-of-life = "2032-05-31"
        nologin = "/sbin/nologin"
        sources = {}
    "#;
    let distribution: Distribution = toml::from_str(facts).unwrap();
    Distribution { name: name.to_owned(), family: family.to_owned(), ..distribution }
}

fn project_with(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
    directory
}

fn load(directory: &Path) -> Result<(Source, Config), Error> {
    let source = Source::parse(directory.to_str().unwrap())?;
    let config = Config::load(&source, None)?;
    Ok((source, config))
}

fn metadata() -> Metadata {
    let text = "Metadata-Version: 2.1\nName: My_App\nVersion: 1.2rc1\nSummary: Does it\nLicense: MIT\n\
                Home-page: https://example.org\nAuthor: Ada\nAuthor-email: ada@example.org\n\n# My App\n\nIt does it all.\n";
    Metadata::parse(text, "[console_scripts]\nmy-app = my_app:main\n").unwrap()
}

fn project(configuration: &str, distribution: &Distribution) -> Project {
    let directory = project_with(&[("setup.py", ""), ("omnipack.toml", configuration)]);
    let (source, config) = load(directory.path()).unwrap();
    config.project(&source, metadata(), distribution).unwrap()
}

#[test]
fn without_a_file_everything_has_its_default() {
    let directory = project_with(&[("setup.py", ""), ("LICENSE", "MIT"), ("license.py", "")]);
    let (source, config) = load(directory.path()).unwrap();
    assert_eq!(config.path(), None);
    assert!(config.targets().is_empty() && config.distribution_tables().is_empty());
    let project = config.project(&source, metadata(), &distribution("rocky-9", "el")).unwrap();
    let package = &project.package;
    assert_eq!((package.name.as_str(), package.prefix.as_str()), ("my-app", "/opt/my-app"));
    assert_eq!((package.version.as_str(), package.release.as_str(), package.epoch), ("1.2rc1", "1", 0));
    assert_eq!((package.summary.as_str(), package.description.as_str()), ("Does it", "It does it all."));
    assert_eq!((package.maintainer.as_str(), package.vendor.as_str()), ("Ada <ada@example.org>", "Ada"));
    assert_eq!((package.license.as_str(), package.url.as_str()), ("MIT", "https://example.org"));
    assert_eq!(package.licenses, [directory.path().join("LICENSE")]);
    assert_eq!(package.compression, CompressionSetting::Balanced);
    assert_eq!(project.python.interpreter, InterpreterSetting::System);
    assert!(project.python.requirements.is_empty() && project.services.is_empty());
}

#[test]
fn requirements_beside_modules_are_taken_unless_a_lock_is_given() {
    let directory = project_with(&[("app.py", ""), ("requirements.txt", "flask"), ("uv.lock", "version = 1")]);
    let (source, config) = load(directory.path()).unwrap();
    assert!(matches!(source, Source::Modules(_)));
    let settings = config.python_settings(&distribution("rocky-9", "el")).unwrap();
    assert_eq!(settings.requirements, [directory.path().join("requirements.txt")]);
    fs_err::write(directory.path().join("omnipack.toml"), "python.lock = 'uv.lock'").unwrap();
    let (_, config) = load(directory.path()).unwrap();
    let settings = config.python_settings(&distribution("rocky-9", "el")).unwrap();
    assert_eq!((settings.requirements, settings.lock), (vec![], Some(directory.path().join("uv.lock"))));
}

#[test]
fn the_most_specific_override_wins() {
    let text = r#"
        python = { version = "3.11", extras = ["a", "b"] }
        relations = { requires = ["base"], conflicts = ["other"] }
        [[service]]
        name = "web"
        command = "web"
        umask = "0027"
        [[directory]]
        path = "/var/log/app"
        [package-map]
        Celery_X = "celery"
        flask = "flask"
        [library-map]
        "libpq.so.5" = "libpq5 (>= 13)"
        [library-map.el]
        "libev.so.4" = "libev4"
        [package-map.el]
        celery-x = "el-celery"
        [distribution.el]
        python = { version = "3.9", extras = ["c"] }
        directory = [{ path = "/var/lib/app" }]
        [[distribution.el.service]]
        name = "web"
        command = "web --el"
        [[distribution.el.service]]
        name = "worker"
        command = "worker"
        [distribution.centos-7]
        python.version = "3.6"
        relations.requires = ["initscripts"]
        package-map = { celery-x = "python36-celery" }
        library-map = { "libpq.so.5" = "" }
    "#;
    let none = project(text, &distribution("fedora-42", "fedora"));
    assert_eq!(none.python.version.as_deref(), Some("3.11"));
    assert_eq!((none.services.len(), none.directories.len()), (1, 1));
    assert_eq!(none.package_map["celery-x"], "celery");

    let family = project(text, &distribution("rocky-9", "el"));
    assert_eq!(
        (family.python.version.as_deref(), family.python.extras.as_slice()),
        (Some("3.9"), &["c".to_owned()][..])
    );
    assert_eq!(family.services.iter().map(|service| service.name.as_str()).collect::<Vec<_>>(), ["web", "worker"]);
    assert_eq!((family.services[0].command.as_str(), family.services[0].umask.as_str()), ("web --el", "0027"));
    assert_eq!(family.directories.len(), 2, "entries without a name are added");
    assert_eq!((family.package_map["celery-x"].as_str(), family.package_map["flask"].as_str()), ("el-celery", "flask"));

    let own = project(text, &distribution("centos-7", "el"));
    assert_eq!((own.python.version.as_deref(), own.python.extras.as_slice()), (Some("3.6"), &["c".to_owned()][..]));
    assert_eq!(own.relations.requires, ["initscripts"], "lists replace");
    assert_eq!(own.relations.conflicts, ["other"], "tables merge key by key");
    assert_eq!(own.package_map["celery-x"], "python36-celery", "a distribution's own table is the most specific");
    assert_eq!((none.library_map["libpq.so.5"].as_str(), none.library_map.len()), ("libpq5 (>= 13)", 1));
    assert_eq!(family.library_map["libev.so.4"], "libev4");
    assert_eq!(own.library_map["libpq.so.5"], "", "nothing is required for it there");
}

#[test]
fn an_override_may_build_on_that_of_its_family() {
    let text = r#"
        [[distribution.el.service]]
        name = "web"
        command = "web"
        [[distribution.centos-7.service]]
        name = "web"
        umask = "0027"
    "#;
    let own = project(text, &distribution("centos-7", "el"));
    assert_eq!((own.services[0].command.as_str(), own.services[0].umask.as_str()), ("web", "0027"));
    let directory = project_with(&[("setup.py", ""), ("omnipack.toml", text)]);
    let (source, config) = load(directory.path()).unwrap();
    let strangers = config.project(&source, metadata(), &distribution("centos-7", "other"));
    assert!(matches!(strangers, Err(Error::Configuration(problem)) if problem.message() == "`command` is missing"));
}

#[test]
fn a_byte_order_mark_is_no_mistake() {
    let project = project("\u{feff}[package]\r\nname = 'x'\r\n", &distribution("rocky-9", "el"));
    assert_eq!(project.package.name, "x");
}

#[test]
fn parts_have_their_defaults() {
    let text = r#"
        [package]
        compression = "zstd:9"
        [[user]]
        name = "app"
        group = "apps"
        [[service]]
        name = "web"
        command = "web"
        user = "app"
        [[service]]
        name = "once"
        command = "once"
        type = "oneshot"
        package = "main"
        [[meta-package]]
        name = "cli"
        [[meta-package]]
        name = "node"
        [[trigger]]
        on = "nginx"
        script = "\#!/usr/bin/python3 -s\nprint()"
        [[directory]]
        path = "/var/log/app/"
        mode = "750"
    "#
    .replace("\\#", "#");
    let project = project(&text, &distribution("rocky-9", "el"));
    let exact = CompressionSetting::Exact { algorithm: Algorithm::Zstd, level: Some(9) };
    assert_eq!(project.package.compression, exact);
    let web = &project.services[0];
    assert_eq!((web.user.as_str(), web.group.as_str()), ("app", "apps"), "the group is the user's");
    assert_eq!((web.restart.as_str(), web.kind.as_str(), web.stop_timeout), ("on-failure", "simple", 30));
    assert_eq!(web.description, "Does it (web)");
    let once = &project.services[1];
    assert_eq!((once.restart.as_str(), once.package.as_deref()), ("no", Some("main")));
    assert_eq!(project.users[0].home, "/var/lib/app");
    let [cli, node] = project.meta_packages.as_slice() else { panic!("two meta-packages") };
    assert_eq!((cli.link_directory.as_str(), &cli.scripts), ("/usr/bin", &None));
    assert_eq!((node.link_directory.as_str(), &node.scripts), ("/usr/sbin", &Some(vec![])));
    assert_eq!(project.triggers[0].interpreter, "/usr/bin/python3 -s");
    assert_eq!((project.directories[0].path.as_str(), project.directories[0].mode), ("/var/log/app", 0o750));
}

#[test]
fn files_and_scripts_are_found_beside_the_configuration() {
    let text = r#"
        scriptlets = { post = "packaging/post.sh", preun = "echo packaging/post.sh" }
        [[file]]
        source = "etc/app.conf"
        destination = "/etc/app/"
        [[file]]
        source = "etc"
        destination = "/usr/share/app"
    "#;
    let files =
        [("setup.py", ""), ("omnipack.toml", text), ("etc/app.conf", "x"), ("packaging/post.sh", "echo post\n")];
    let directory = project_with(&files);
    let (source, config) = load(directory.path()).unwrap();
    let project = config.project(&source, metadata(), &distribution("rocky-9", "el")).unwrap();
    assert_eq!(project.scriptlets[&ScriptletKind::Post], "echo post\n");
    assert_eq!(project.scriptlets[&ScriptletKind::Preun], "echo packaging/post.sh");
    assert_eq!(project.files[0].destination, "/etc/app/app.conf");
    assert_eq!((project.files[0].config, project.files[1].config), (ConfigFile::Noreplace, ConfigFile::No));
    assert!(project.files.iter().all(|file| file.source.is_absolute()));
}

#[test]
fn pyproject_and_omnipack_toml_say_the_same() {
    let text = "[package]\nname = \"x\"\n[[service]]\nname = \"web\"\ncommand = \"web\"\n[distribution.el.package]\nepoch = 2\n";
    let own = project(text, &distribution("rocky-9", "el"));
    let nested = text.replace("[[service", "[[tool.omnipack.service").replace("[package]", "[tool.omnipack.package]");
    let nested = nested.replace("[distribution", "[tool.omnipack.distribution");
    let directory = project_with(&[("pyproject.toml", &format!("[project]\nname = \"a\"\n{nested}"))]);
    let (source, config) = load(directory.path()).unwrap();
    let other = config.project(&source, metadata(), &distribution("rocky-9", "el")).unwrap();
    assert_eq!(other.package.epoch, 2);
    assert_eq!(Project { source: own.source.clone(), ..other }, own);
}

#[test]
fn a_configuration_can_be_named() {
    let directory = project_with(&[("elsewhere/my.toml", "package.name = 'named'"), ("elsewhere/pyproject.toml", "")]);
    let source = Source::parse("httpbin==0.10.2").unwrap();
    let config = Config::load(&source, Some(&directory.path().join("elsewhere/my.toml"))).unwrap();
    assert_eq!(config.directory(), directory.path().join("elsewhere"));
    let project = config.project(&source, metadata(), &distribution("rocky-9", "el")).unwrap();
    assert_eq!(project.package.name, "named");
    let none = Config::load(&source, Some(&directory.path().join("elsewhere/pyproject.toml")));
    assert!(matches!(none, Err(Error::NoConfiguration { .. })));
    assert!(matches!(Config::load(&source, Some(&directory.path().join("no.toml"))), Err(Error::Io(_))));
}

#[test]
fn a_reload_may_name_the_process_and_nothing_else_of_a_shell() {
    for (reload, good) in [("/bin/kill -HUP $MAINPID", true), ("HUP", true), ("", true), ("kill $PPID", false)] {
        let text = format!("[[service]]\nname = 'web'\ncommand = 'web'\nreload = '{reload}'\n");
        let directory = project_with(&[("setup.py", ""), ("omnipack.toml", &text)]);
        match load(directory.path()) {
            Ok((source, config)) if good => {
                let project = config.project(&source, metadata(), &distribution("rocky-9", "el")).unwrap();
                assert_eq!(project.services[0].reload, reload);
            }
            result => assert!(!good && result.is_err(), "{reload}: {result:?}"),
        }
    }
}

#[test]
fn facts_are_handed_on() {
    let text = "[targets]\ndistributions = ['house-1']\n[distribution.house-1]\nlike = 'centos-7'\nglibc = '2.18'\npython = { version = '3.6' }\n";
    let directory = project_with(&[("setup.py", ""), ("omnipack.toml", text)]);
    let (_, config) = load(directory.path()).unwrap();
    assert_eq!(config.targets(), ["house-1"]);
    let tables = config.distribution_tables();
    assert_eq!(tables["house-1"]["glibc"].as_str(), Some("2.18"));
    assert_eq!(tables["house-1"]["like"].as_str(), Some("centos-7"));
}

#[test]
fn names_of_distributions_have_to_be_known() {
    let text = "[targets]\ndistributions = ['centos-7', 'el', 'plan-9']\n[distribution.centos7.python]\nversion = '3.6'\n\
                [distribution.el]\n[package-map]\nflask = 'x'\n[package-map.rocky-8]\nflask = 'y'\n";
    let directory = project_with(&[("setup.py", ""), ("omnipack.toml", text)]);
    let (_, config) = load(directory.path()).unwrap();
    let known = [distribution("centos-7", "el"), distribution("rocky-9", "el")];
    let Err(Error::Configurations { problems, .. }) = config.check_distributions(known.iter()) else {
        panic!("no error")
    };
    let found: Vec<(&str, &str)> =
        problems.iter().map(|problem| (problem.message(), &text[problem.offset()..][..6])).collect();
    assert_eq!(
        found,
        [
            ("there is no distribution `el`", "'el', "),
            ("there is no distribution `plan-9`", "'plan-"),
            ("there is no distribution `centos7`", "centos"),
            ("there is no distribution `rocky-8`", "rocky-"),
        ]
    );
    let help = miette::Diagnostic::help(&problems[2]).unwrap().to_string();
    assert_eq!(help, "did you mean `centos-7`?");
    let more = [
        distribution("centos7", "x"),
        distribution("el", "x"),
        distribution("plan-9", "x"),
        distribution("rocky-8", "x"),
    ];
    assert!(config.check_distributions(known.iter().chain(&more)).is_ok());
}

#[test]
fn the_reference_is_a_configuration_with_every_key() {
    let directory = project_with(&[("setup.py", ""), ("omnipack.toml", reference())]);
    if let Err(error) = load(directory.path()) {
        panic!("{:?}", miette::Report::new(error));
    }
    let schema = schema();
    let tables = schema["$defs"].as_object().unwrap();
    for key in tables
        .values()
        .chain([&schema])
        .filter_map(|table| table["properties"].as_object())
        .flat_map(|table| table.keys())
    {
        let key = key.as_str();
        let mentioned = reference().lines().any(|line| {
            let line = line.trim_start_matches("# ");
            line.contains(&format!("[{key}]"))
                || line.starts_with(&format!("{key} "))
                || line.contains(&format!("{key},"))
                || line.contains(&format!(".{key}]"))
                || line.ends_with(&format!(", {key}"))
        });
        assert!(
            mentioned || key == "distribution" || facts::keys().contains(&key),
            "the reference does not mention `{key}`"
        );
    }
}

#[test]
fn the_reference_is_for_distributions_that_there_are() {
    let directory = project_with(&[("setup.py", ""), ("omnipack.toml", reference())]);
    let (source, config) = load(directory.path()).unwrap();
    let catalogue = Catalogue::embedded().unwrap().with_overrides(&config.distribution_tables()).unwrap();
    config.check_distributions(catalogue.iter()).unwrap();
    let house = catalogue.get("house-linux-7").unwrap();
    assert_eq!((house.title.as_str(), house.family.as_str()), ("House Linux 7", "el"));
    for distribution in catalogue.iter() {
        config.project(&source, metadata(), distribution).unwrap();
    }
    let centos = config.python_settings(catalogue.get("centos-7").unwrap()).unwrap();
    assert_eq!(centos.version.as_deref(), Some("3.6"));
    let rocky = config.python_settings(catalogue.get("rocky-9").unwrap()).unwrap();
    assert_eq!(rocky.version.as_deref(), Some("3.9"));
}

#[test]
fn the_checked_in_schema_is_current() {
    let current = format!("{:#}\n", schema());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/omnipack.schema.json");
    let checked_in = fs_err::read_to_string(path).unwrap_or_default();
    let command = "OMNIPACK_UPDATE_SCHEMA=1 cargo test --lib project::";
    if std::env::var_os("OMNIPACK_UPDATE_SCHEMA").is_some() {
        fs_err::write(path, current).unwrap();
    } else {
        assert!(checked_in == current, "omnipack.schema.json is not what the types say: run `{command}`");
    }
}

#[test]
fn every_key_of_the_schema_is_described() {
    let schema = schema();
    for (table, definition) in schema["$defs"].as_object().unwrap() {
        for (key, property) in definition["properties"].as_object().into_iter().flatten() {
            let described = property["description"].is_string() || super::document::is_override(key);
            assert!(described, "{table}.{key} has no description");
        }
    }
    assert!(!schema.to_string().contains("\"null\""), "TOML has no null");
}

/// Text that looks like a configuration, and goes wrong in every way.
fn nearly_toml() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        Just("package".to_owned()),
        Just("python".to_owned()),
        Just("service".to_owned()),
        Just("name".to_owned()),
        Just("distribution.el.service".to_owned()),
        Just("command".to_owned()),
        Just("umask".to_owned()),
        Just("meta-package".to_owned()),
        Just("package-map".to_owned()),
        Just("requires".to_owned()),
        Just("tool.omnipack".to_owned()),
        Just("file".to_owned()),
        Just("source".to_owned()),
        "[a-z.-]{1,8}",
    ];
    let value = prop_oneof![
        Just("true".to_owned()),
        Just("-1".to_owned()),
        Just("0x7fffffffffffffff".to_owned()),
        Just("1.5".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("[{}, 1]".to_owned()),
        Just("{ a = [{ name = 1 }] }".to_owned()),
        Just("1979-05-27".to_owned()),
        "\"[^\"\\\\\\x00-\\x1f]{0,12}\"",
        "'[/.a-z$|]{0,12}'",
        ".{0,12}",
    ];
    let line = (key, value, 0..4).prop_map(|(key, value, kind)| match kind {
        0 => format!("[{key}]"),
        1 => format!("[[{key}]]"),
        _ => format!("{key} = {value}"),
    });
    proptest::collection::vec(line, 0..12).prop_map(|lines| lines.join("\n"))
}

fn survives(bytes: &[u8]) {
    let directory = project_with(&[("setup.py", "")]);
    fs_err::write(directory.path().join("omnipack.toml"), bytes).unwrap();
    match load(directory.path()) {
        Ok((source, config)) => {
            let _ = config.distribution_tables();
            let _ = config.project(&source, metadata(), &distribution("rocky-9", "el"));
        }
        Err(error) => {
            let mut text = String::new();
            miette::GraphicalReportHandler::new().render_report(&mut text, &error).unwrap();
            assert!(!text.is_empty());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        survives(&bytes);
    }

    #[test]
    fn any_toml_is_read_or_refused(text in nearly_toml()) {
        survives(text.as_bytes());
    }

    #[test]
    fn a_mutilated_reference_is_read_or_refused(at in 0..reference().len(), length in 0..40_usize) {
        let bytes = reference().as_bytes();
        let mut cut = bytes[..at].to_vec();
        cut.extend_from_slice(&bytes[(at + length).min(bytes.len())..]);
        survives(&cut);
    }

    #[test]
    fn any_metadata_is_read_or_refused(text in "(Metadata-Version: 2.1\nName: a\nVersion: 1\n)?(.|\n){0,200}", points in "(\\[console_scripts\\]\n)?(.|\n){0,80}") {
        let _ = Metadata::parse(&text, &points);
    }

    #[test]
    fn any_argument_is_a_source_or_refused(argument in "\\PC{0,30}|[a-z0-9._-]{0,4} ?(\\[[a-z,-]{0,4}\\])? ?([=<>~@]{1,2} ?[0-9.a-z:/]{0,8})?(; ?[a-z_]{0,16}[=<]{0,2}\\PC{0,6})?") {
        let _ = Source::parse(&argument);
    }
}
