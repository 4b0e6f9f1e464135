use super::*;
use crate::distribution::Catalogue;
use crate::project::{
    CompressionSetting, ConfigFile, InterpreterSetting, LinkSettings, MetaPackage, PackageSettings, RelationSettings,
    VersionScheme,
};

fn distribution(name: &str) -> Distribution {
    Catalogue::embedded().unwrap().get(name).unwrap().clone()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn requires(names: &[&str]) -> RelationSettings {
    RelationSettings { requires: words(names), ..RelationSettings::default() }
}

fn settings(name: &str, version: &str) -> PackageSettings {
    PackageSettings {
        name: name.to_owned(),
        prefix: format!("/opt/{name}"),
        version: version.to_owned(),
        release: "1".to_owned(),
        epoch: 0,
        license: "MIT".to_owned(),
        summary: format!("The application {name}"),
        description: format!("Does what {name} does."),
        url: "https://example.org".to_owned(),
        vendor: "Example".to_owned(),
        maintainer: "A <a@example.org>".to_owned(),
        maintainer_is_given: true,
        group: "Applications/System".to_owned(),
        section: "admin".to_owned(),
        priority: "optional".to_owned(),
        version_scheme: VersionScheme::Release,
        compression: CompressionSetting::Balanced,
        changelog: None,
        licenses: Vec::new(),
        target: false,
        links: None,
    }
}

fn python() -> PythonSettings {
    PythonSettings { bytecode: BytecodeMode::Build, ..PythonSettings::default() }
}

fn minimal() -> Project {
    Project {
        source: Source::Requirement("minimal==1.0".to_owned()),
        metadata: Metadata {
            name: "minimal".to_owned(),
            version: "1.0".to_owned(),
            summary: String::new(),
            description: String::new(),
            license: "MIT".to_owned(),
            url: String::new(),
            author: String::new(),
            requires_python: ">=3.6".to_owned(),
            requires_dist: Vec::new(),
            extras: Vec::new(),
            console_scripts: Vec::new(),
        },
        package: settings("minimal", "1.0"),
        python: python(),
        services: Vec::new(),
        users: Vec::new(),
        files: Vec::new(),
        directories: Vec::new(),
        logrotate: Vec::new(),
        meta_packages: Vec::new(),
        relations: RelationSettings::default(),
        scriptlets: BTreeMap::new(),
        triggers: Vec::new(),
        rpm: RpmSettings::default(),
        deb: DebSettings::default(),
        library_map: BTreeMap::new(),
        package_map: BTreeMap::new(),
    }
}

fn service(name: &str, command: &str) -> Service {
    Service {
        name: name.to_owned(),
        description: name.to_owned(),
        command: command.to_owned(),
        user: "sysadmin".to_owned(),
        group: "sysadmin".to_owned(),
        umask: "0027".to_owned(),
        after: Vec::new(),
        ..Service::default()
    }
}

/// A web service and a Celery worker, as in `fixtures/cdhboot`.
fn cdhboot() -> Project {
    let mut project = minimal();
    project.package = settings("cdhboot", "0.1.1rc1");
    project.metadata.name = "cdhboot".to_owned();
    project.metadata.console_scripts = words(&["cdhboot-web", "cdhboot"]);
    project.services = vec![
        service("web", "/opt/cdhboot/bin/cdhboot-web --port 8000"),
        service("worker", "celery -A cdhboot.worker worker"),
    ];
    project.users = vec![User {
        name: "sysadmin".to_owned(),
        group: "sysadmin".to_owned(),
        home: "/var/lib/cdhboot".to_owned(),
        shell: None,
        groups: Vec::new(),
        remove: false,
    }];
    project.files = vec![ExtraFile {
        source: PathBuf::from("/src/cdhboot.conf"),
        destination: "/etc/cdhboot/cdhboot.conf".to_owned(),
        config: ConfigFile::Noreplace,
        mode: Some(0o640),
        owner: "root".to_owned(),
        group: "sysadmin".to_owned(),
        doc: false,
        capabilities: None,
        formerly: Vec::new(),
        template: false,
        package: None,
    }];
    project.directories = vec![ExtraDirectory {
        path: "/var/log/cdhboot".to_owned(),
        mode: 0o750,
        owner: "sysadmin".to_owned(),
        group: "sysadmin".to_owned(),
        ghost: false,
        package: None,
    }];
    project.logrotate = vec![Logrotate {
        paths: words(&["/var/log/cdhboot/*.log"]),
        rotate: 8,
        frequency: "weekly".to_owned(),
        compress: true,
        service: Some("web".to_owned()),
        package: Some("node".to_owned()),
    }];
    project.relations =
        RelationSettings { recommends: words(&["redis"]), ..requires(&["logrotate", "openssl >= 1.0.2"]) };
    project
}

/// The packages of Flocker: three metas with names of their own.
fn flocker() -> Project {
    let mut project = minimal();
    project.package = settings("clusterhq-python-flocker", "1.0.0");
    "/opt/flocker".clone_into(&mut project.package.prefix);
    project.package.links =
        Some(LinkSettings { directory: "/usr/bin".to_owned(), scripts: words(&["eliot-prettyprint", "eliot-tree"]) });
    let meta = |name: &str, directory: &str, scripts: &[&str], relations| MetaPackage {
        name: name.to_owned(),
        package_name: Some(format!("clusterhq-flocker-{name}")),
        summary: None,
        description: None,
        link_directory: directory.to_owned(),
        scripts: Some(words(scripts)),
        relations,
    };
    project.meta_packages = vec![
        meta("cli", "/usr/bin", &["flocker", "flocker-ca"], requires(&["openssh-clients"])),
        meta("node", "/usr/sbin", &["flocker-control"], requires(&["/usr/sbin/iptables", "openssh-clients", "lshw"])),
        meta("docker-plugin", "/usr/sbin", &["flocker-docker-plugin"], RelationSettings::default()),
    ];
    project.services = vec![
        service("control", "flocker-control"),
        Service { package: Some("docker-plugin".to_owned()), ..service("plugin", "flocker-docker-plugin") },
    ];
    project
}

fn planned(project: &Project, target: &str) -> Result<BuildPlan, Error> {
    plan(project, &distribution(target), &Options { machine: "x86_64".to_owned(), source_date: Some(1) })
}

fn names(plan: &BuildPlan) -> Vec<&str> {
    plan.packages.iter().map(|package| package.name.as_str()).collect()
}

#[test]
fn plans_of_projects_and_distributions() {
    for (name, project) in [("minimal", minimal()), ("cdhboot", cdhboot())] {
        for target in ["centos-7", "rocky-9", "debian-12"] {
            insta::assert_snapshot!(format!("{name}-{target}"), render(&planned(&project, target).unwrap()));
        }
    }
    insta::assert_snapshot!("flocker-centos-7", render(&planned(&flocker(), "centos-7").unwrap()));
}

#[test]
fn a_plan_is_json() {
    let mut project = cdhboot();
    project.python.index_url = Some("https://me:s3cret@example.org/simple".to_owned());
    let text = json(&[planned(&project, "centos-7").unwrap()]).unwrap();
    assert!(!text.contains("s3cret") && text.contains("https://****@example.org/simple"), "{text}");
    let plan: serde_json::Value = serde_json::from_str(&text).unwrap();
    let plan = &plan[0];
    assert_eq!(plan["evr"], serde_json::json!({"epoch": 0, "version": "0.1.1", "release": "0.rc.1"}));
    assert_eq!(plan["distribution"]["name"], "centos-7");
    assert_eq!(plan["compression"], serde_json::json!({"algorithm": "gzip", "level": 6}));
    assert_eq!(plan["packages"][0]["relations"][0]["comparison"], serde_json::json!(["equal", "3.6"]));
}

#[test]
fn metas_require_main_of_the_same_build() {
    let mut project = cdhboot();
    project.package.epoch = 2;
    let plan = planned(&project, "rocky-9").unwrap();
    assert_eq!(names(&plan), ["cdhboot", "cdhboot-cli", "cdhboot-node"]);
    for meta in &plan.packages[1..] {
        let relation = &meta.relations[0];
        assert_eq!((relation.kind, relation.name.as_str()), (RelationKind::Requires, "cdhboot"));
        assert_eq!(relation.comparison, Some((Comparison::Equal, "2:0.1.1-0.rc.1".to_owned())));
    }
    assert_eq!(plan.main().unwrap().name, "cdhboot");
}

#[test]
fn packages_follow_scripts_services_and_configuration() {
    let mut project = minimal();
    assert_eq!(names(&planned(&project, "rocky-9").unwrap()), ["minimal"]);
    project.services = vec![service("web", "python -m minimal")];
    assert_eq!(names(&planned(&project, "rocky-9").unwrap()), ["minimal", "minimal-node"]);
    project.services[0].package = Some("main".to_owned());
    let plan = planned(&project, "rocky-9").unwrap();
    assert_eq!(names(&plan), ["minimal"]);
    assert_eq!(plan.packages[0].services.len(), 1);
    // Meta-packages of the user replace the default ones, but a service that names none still goes to `node`.
    let mut project = cdhboot();
    project.meta_packages = flocker().meta_packages[..1].to_vec();
    assert_eq!(names(&planned(&project, "rocky-9").unwrap()), ["cdhboot", "clusterhq-flocker-cli", "cdhboot-node"]);
}

#[test]
fn contradictions_are_named() {
    let fault = |change: fn(&mut Project), target: &str| {
        let mut project = cdhboot();
        change(&mut project);
        planned(&project, target).unwrap_err().to_string()
    };
    type Case = (fn(&mut Project), &'static str);
    let cases: [Case; 16] = [
        (|p| p.files[0].package = Some("web".to_owned()), "file `/etc/cdhboot/cdhboot.conf` belongs to package `web`"),
        (|p| p.services[1].name = "web".to_owned(), "service `web` is there twice"),
        (|p| p.files.push(p.files[0].clone()), "file `/etc/cdhboot/cdhboot.conf` is there twice"),
        (|p| p.directories.push(p.directories[0].clone()), "directory `/var/log/cdhboot` is there twice"),
        (|p| p.users.push(p.users[0].clone()), "user `sysadmin` is there twice"),
        (|p| p.logrotate[0].service = Some("db".to_owned()), "reload service `db`, which there is not"),
        (|p| p.package.prefix = "/usr".to_owned(), "`/usr` cannot be the prefix"),
        (|p| p.package.name = "cdh boot".to_owned(), "`cdh boot` cannot be the name of a rpm package"),
        (|p| p.package.version = "one".to_owned(), "`one` cannot be the version"),
        (|p| p.package.release = "0".to_owned(), "`0` cannot be the release"),
        (|p| p.relations.requires = words(&["a, b"]), "the relation `a, b` (`requires` of cdhboot)"),
        (|p| p.relations.requires = words(&["(a or b)"]), "rpm 4.11.3 of centos-7 has no boolean dependencies"),
        (|p| p.python.version = Some("3.12".to_owned()), "centos-7 has no Python 3.12"),
        (|p| p.python.version = Some("three".to_owned()), "`three` is not a Python version"),
        (|p| p.metadata.requires_python = ">=3.8".to_owned(), "needs Python >=3.8, but would run on 3.6 on centos-7"),
        (
            |p| p.meta_packages = [flocker().meta_packages[0].clone(), flocker().meta_packages[0].clone()].into(),
            "package `clusterhq-flocker-cli` is there twice",
        ),
    ];
    for (change, expected) in cases {
        let message = fault(change, "centos-7");
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn two_packages_never_link_the_same_path() {
    let mut project = flocker();
    project.meta_packages[0].scripts = Some(words(&["eliot-tree"]));
    let message = planned(&project, "centos-7").unwrap_err().to_string();
    assert_eq!(message, "link `/usr/bin/eliot-tree` is there twice");
}

#[test]
fn a_machine_that_the_distribution_does_not_run_on_is_refused() {
    let options = Options { machine: "aarch64".to_owned(), source_date: None };
    let error = plan(&minimal(), &distribution("centos-6"), &options).unwrap_err();
    assert_eq!(error.to_string(), "centos-6 does not run on `aarch64`");
    let plan = plan(&minimal(), &distribution("debian-12"), &options).unwrap();
    assert_eq!((plan.platform.architecture.as_str(), plan.source_date), ("arm64", 315_532_800));
}

#[test]
fn the_interpreter_is_of_the_distribution_or_bundled() {
    let mut settings = python();
    settings.version = Some("3.11.4".to_owned());
    let chosen = interpreter(&settings, &distribution("rocky-9"), "/opt/app").unwrap();
    assert_eq!((chosen.path.as_str(), chosen.version), ("/usr/bin/python3.11", ToolVersion::new(3, 11, 0)));
    let mut bundled = |source: &str, version: Option<&str>| {
        settings.version = version.map(str::to_owned);
        settings.interpreter = InterpreterSetting::Bundled { source: source.to_owned(), sha256: None };
        interpreter(&settings, &distribution("centos-7"), "/opt/app").map(|chosen| chosen.path)
    };
    let archive = "https://example.org/cpython-3.12.3+20240415-x86_64-unknown-linux-gnu-install_only.tar.gz";
    assert_eq!(bundled(archive, None).unwrap(), "/opt/app/python/bin/python3.12");
    assert_eq!(bundled("/srv/python3.9/", None).unwrap(), "/opt/app/python/bin/python3.9");
    assert_eq!(bundled("/srv/tree", Some("3.13")).unwrap(), "/opt/app/python/bin/python3.13");
    let error = bundled("https://me:secret@example.org/python.tar.gz", None).unwrap_err().to_string();
    assert!(!error.contains("secret"), "{error}");
}

#[test]
fn every_distribution_has_a_plan_for_each_of_its_pythons() {
    for target in Catalogue::embedded().unwrap().iter() {
        for python in &target.pythons {
            let mut project = cdhboot();
            project.metadata.requires_python = String::new();
            project.python.version = Some(python.version.series());
            let plan = planned(&project, &target.name).unwrap();
            assert_eq!(plan.interpreter.path, python.path);
            assert_eq!(plan.packages[0].relations[0].reason, "interpreter", "{}", target.name);
            assert!(target.reads(plan.compression.algorithm), "{}", target.name);
        }
    }
}

#[test]
fn a_python_that_fits_is_proposed() {
    let mut project = minimal();
    project.metadata.requires_python = ">=3.10,<3.12".to_owned();
    let Err(Error::RequiresPython { hint, .. }) = planned(&project, "rocky-9") else { panic!("planned") };
    assert!(hint.contains("Python 3.11 would fit"), "{hint}");
    project.metadata.requires_python = ">=3.9.2".to_owned();
    assert!(planned(&project, "rocky-9").is_ok(), "a patch release of the series may meet it");
}

#[test]
fn compression_is_what_the_target_reads() {
    let choose = |setting, target: &str| {
        let chosen = compression::compression(setting, &distribution(target))?;
        Ok::<_, Error>((chosen.algorithm, chosen.level))
    };
    let exact = |algorithm, level| CompressionSetting::Exact { algorithm, level };
    for (setting, target, expected) in [
        (CompressionSetting::Fast, "centos-7", (Algorithm::Gzip, 1)),
        (CompressionSetting::Balanced, "centos-7", (Algorithm::Gzip, 6)),
        (CompressionSetting::Small, "centos-7", (Algorithm::Xz, 6)),
        (CompressionSetting::Fast, "rocky-9", (Algorithm::Zstd, 1)),
        (CompressionSetting::Balanced, "debian-12", (Algorithm::Zstd, 3)),
        (CompressionSetting::Balanced, "debian-11", (Algorithm::Xz, 2)),
        (CompressionSetting::Balanced, "ubuntu-20.04", (Algorithm::Zstd, 3)),
        (CompressionSetting::Small, "rocky-9", (Algorithm::Zstd, 19)),
        (exact(Algorithm::Xz, None), "rocky-9", (Algorithm::Xz, 6)),
        (exact(Algorithm::Zstd, Some(9)), "rocky-9", (Algorithm::Zstd, 9)),
    ] {
        assert_eq!(choose(setting, target).unwrap(), expected, "{target}");
    }
    let Err(Error::Compression { hint, .. }) = choose(exact(Algorithm::Zstd, None), "centos-7") else {
        panic!("taken")
    };
    assert!(hint.starts_with("it reads `xz` or `gzip`"), "{hint}");
    assert!(matches!(choose(exact(Algorithm::Gzip, Some(12)), "rocky-9"), Err(Error::CompressionLevel { .. })));
}

#[test]
fn how_services_run_is_shown() {
    let mut project = cdhboot();
    project.package.target = true;
    project.services[0].count = Some(3);
    project.services[1].listen = words(&["8000", "/run/x.sock"]);
    let options = Options { machine: "x86_64".to_owned(), source_date: None };
    let shown = |name: &str| render(&plan(&project, &distribution(name), &options).unwrap());
    let text = shown("rocky-9");
    assert!(text.contains("--port 8000 (as sysadmin, instances: 3)\n"), "{text}");
    assert!(text.contains("worker (as sysadmin, started by: 8000 /run/x.sock)\n"), "{text}");
    assert!(text.contains("\n  target       cdhboot.target (all services)\n"), "{text}");
    assert!(!shown("centos-6").contains("cdhboot.target"));
}

#[test]
fn what_a_service_cannot_have_is_said() {
    let mut project = cdhboot();
    project.services[0].limits =
        crate::project::Limits { memory: Some(1), cpu: Some(50), tasks: Some(9), ..Default::default() };
    project.services[0].watchdog = Some(30);
    project.services[0].kind = "notify".to_owned();
    project.services[1].kind = "oneshot".to_owned();
    project.services[1].restart = "on-failure".to_owned();
    let notes = |name: &str| services::notes(&project, &distribution(name));
    assert_eq!(notes("rocky-9"), Vec::<String>::new());
    assert_eq!(
        notes("centos-7"),
        [
            "centos-7 cannot do it: `tasks-max` of service `web` is left out",
            "centos-7 cannot do it: `restart` of service `worker` is left out"
        ]
    );
    let keys = ["memory-max", "cpu-quota", "tasks-max", "watchdog"];
    let said = keys.map(|key| format!("centos-6 cannot do it: `{key}` of service `web` is left out"));
    let alive = "centos-6 has no sd_notify(3): service `web` is up when it has lived for a moment".to_owned();
    assert_eq!(notes("centos-6"), said.into_iter().chain([alive]).collect::<Vec<_>>());
}

#[test]
fn what_may_be_a_slip_is_told() {
    let mut project = cdhboot();
    let notes = |project: &Project| services::notes(project, &distribution("rocky-9"));
    assert_eq!(notes(&project), Vec::<String>::new());
    project.services[0].user = "sysadmn".to_owned();
    project.services[1].command = "cdhboot {instance}".to_owned();
    let said = [
        format!(
            "service `{}` runs as `sysadmn`, which no `[[user]]` makes: the account has to be on the target",
            project.services[0].name
        ),
        format!("service `{}` has no `count`: `{{instance}}` stands for itself there", project.services[1].name),
    ];
    assert_eq!(notes(&project), said);
    project.services[1].count = Some(2);
    assert_eq!(notes(&project), said[..1]);
}
