//! Units of every kind: timers, sockets, instances, the target that groups them, limits and directories, for old and
//! new versions of systemd.

mod service_fixture;

use std::collections::{BTreeMap, BTreeSet};

use omnipack::distribution::{Catalogue, ToolVersion};
use omnipack::exec::Command;
use omnipack::plan::{BuildPlan, Options, Role};
use omnipack::project::{Config, Limits, Logrotate, Metadata, Schedule, Service, ServiceDirectories, Source};
use omnipack::service::{ServiceParts, manifest};
use omnipack::stage::EntryKind;
use proptest::prelude::*;
use service_fixture::*;

/// A service of each kind, with a target.
fn every_kind(distribution_name: &str) -> BuildPlan {
    let mut main = package("cdhboot", Role::Main);
    main.users.push(user("boot", "/var/lib/cdhboot"));
    let unprivileged = |name: &str, command: &str| Service {
        user: "boot".to_owned(),
        group: "boot".to_owned(),
        ..service(name, command)
    };
    main.services.push(Service {
        count: Some(3),
        environment: BTreeMap::from([("PORT".to_owned(), "800{instance} 100%".to_owned())]),
        environment_file: "/etc/cdhboot/web-{instance}.env".to_owned(),
        working_directory: "/var/lib/cdhboot/{instance}".to_owned(),
        after: vec!["job.service".to_owned(), "front.service".to_owned()],
        requires: vec!["front.service".to_owned(), "redis.service".to_owned()],
        watchdog: Some(20),
        start_timeout: Some(40),
        limits: Limits {
            nproc: Some(100),
            core: Some(0),
            memory: Some(512 << 20),
            cpu: Some(150),
            tasks: Some(64),
            nice: Some(-5),
        },
        ..unprivileged("web", "cdhboot-web --port 800{instance} '%i'")
    });
    main.services.push(Service {
        kind: "oneshot".to_owned(),
        restart: "no".to_owned(),
        schedule: Some(calendars(&["*-*-* 04:30:00", "Mon *-*-* 12:00:00"])),
        ..unprivileged("job", "daemon --instance '{instance}'")
    });
    main.services.push(Service {
        listen: ["8000", "localhost:8001", "192.0.2.1:80", "[::1]:8002", "/run/cdhboot-front/a b%.sock"]
            .map(str::to_owned)
            .to_vec(),
        before: vec!["web.service".to_owned()],
        directories: ServiceDirectories { cache: Some("cdhboot/front".to_owned()), ..ServiceDirectories::default() },
        ..unprivileged("front", "daemon")
    });
    main.services.push(Service {
        restart_delay: 0,
        before: vec!["front.service".to_owned()],
        ..service("plain", "daemon")
    });
    let mut plan = plan(distribution_name, vec![main]);
    plan.target = true;
    plan
}

fn unit(parts: &ServiceParts, name: &str) -> String {
    text(parts, &format!("/usr/lib/systemd/system/{name}"))
}

/// Values of a directive in a unit.
fn values<'a>(unit: &'a str, name: &str) -> Vec<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')).collect()
}

fn units_of(parts: &ServiceParts) -> String {
    let mut all = String::new();
    for entry in &parts.entries {
        let flags = if entry.flags.ghost { " ghost" } else { "" };
        all.push_str(&format!("==== {} {:04o} {}:{}{flags}\n", entry.path, entry.mode, entry.owner, entry.group));
        if matches!(entry.kind, EntryKind::File(_)) {
            all.push_str(&content(entry));
        }
    }
    all
}

#[test]
fn every_kind_on_an_old_systemd() {
    insta::assert_snapshot!(units_of(&rendered(&every_kind("centos-7"), 0).unwrap()));
}

#[test]
fn every_kind_on_a_new_systemd() {
    insta::assert_snapshot!(units_of(&rendered(&every_kind("rocky-9"), 0).unwrap()));
}

#[test]
fn systemd_finds_nothing_wrong() {
    for name in ["centos-7", "rocky-8", "rocky-9"] {
        let root = tempfile::tempdir().unwrap();
        let parts = rendered(&every_kind(name), 0).unwrap();
        let programs = ["/opt/cdhboot/bin/cdhboot-web", "/opt/cdhboot/bin/daemon"];
        let said = verify(root.path(), &parts, &programs);
        // Today's systemd recommends its own directive in the place of an older one.
        let old = name == "centos-7";
        let said = said.trim_start_matches(char::is_numeric);
        let wrong = said.lines().filter(|line| !(old && line.contains("MemoryLimit="))).collect::<Vec<_>>();
        assert_eq!(wrong, Vec::<&str>::new(), "{name}");
    }
}

#[test]
fn instances_have_their_number_and_nothing_else_is_a_specifier() {
    let parts = rendered(&every_kind("rocky-9"), 0).unwrap();
    let web = unit(&parts, "cdhboot-web@.service");
    assert_eq!(values(&web, "ExecStart"), [r#"/opt/cdhboot/bin/cdhboot-web --port 800%i "%%i""#]);
    assert_eq!(values(&web, "Environment"), [r#""PORT=800%i 100%%""#]);
    assert_eq!(values(&web, "EnvironmentFile"), ["-/etc/cdhboot/web-%i.env"]);
    assert_eq!(values(&web, "WorkingDirectory"), ["/var/lib/cdhboot/%i"]);
    assert_eq!(values(&web, "RuntimeDirectory"), ["cdhboot-web-%i"]);
    assert!(web.ends_with("\n[X-Omnipack]\nInstances=3\n"), "{web}");
    let shipped = parts.entries.iter().map(|entry| entry.path.as_str());
    let shipped = shipped.filter(|path| path.ends_with(".env")).collect::<Vec<_>>();
    assert_eq!(shipped, ["/etc/cdhboot/web-1.env", "/etc/cdhboot/web-2.env", "/etc/cdhboot/web-3.env"]);
    // Without `count` it is the user's own text.
    assert_eq!(
        values(&unit(&parts, "cdhboot-job.service"), "ExecStart"),
        [r#"/opt/cdhboot/bin/daemon --instance "{instance}""#]
    );
}

#[test]
fn own_services_are_named_by_their_units() {
    let parts = rendered(&every_kind("rocky-9"), 0).unwrap();
    let web = unit(&parts, "cdhboot-web@.service");
    assert_eq!(values(&web, "After"), ["cdhboot-job.service cdhboot-front.socket cdhboot-front.service redis.service"]);
    assert_eq!(values(&web, "Requires"), ["cdhboot-front.socket redis.service"]);
    let front = unit(&parts, "cdhboot-front.service");
    assert_eq!(values(&front, "Before"), ["cdhboot-web@1.service cdhboot-web@2.service cdhboot-web@3.service"]);
    assert_eq!(values(&front, "Requires"), ["cdhboot-front.socket"]);
    assert!(!front.contains("[Install]"));
    assert!(!unit(&parts, "cdhboot-job.service").contains("[Install]"));
    // A socket is there before any service: waiting for it would be a cycle.
    assert_eq!(values(&unit(&parts, "cdhboot-plain.service"), "Before"), ["cdhboot-front.service"]);
}

#[test]
fn every_unit_is_part_of_the_target_where_there_is_one() {
    let mut plan = every_kind("rocky-9");
    let parts = rendered(&plan, 0).unwrap();
    let wanted = |unit: &str| values(unit, "WantedBy").join(" ");
    for (name, by) in [
        ("cdhboot-web@.service", "multi-user.target cdhboot.target"),
        ("cdhboot-job.timer", "timers.target cdhboot.target"),
        ("cdhboot-front.socket", "sockets.target cdhboot.target"),
        ("cdhboot-job.service", ""),
        ("cdhboot-front.service", ""),
    ] {
        let unit = unit(&parts, name);
        assert_eq!(values(&unit, "PartOf"), ["cdhboot.target"], "{name}");
        assert_eq!(wanted(&unit), by, "{name}");
    }
    assert_eq!(wanted(&unit(&parts, "cdhboot.target")), "multi-user.target");
    plan.target = false;
    let parts = rendered(&plan, 0).unwrap();
    assert!(!units_of(&parts).contains("cdhboot.target"));
    assert_eq!(wanted(&unit(&parts, "cdhboot-web@.service")), "multi-user.target");
}

#[test]
fn a_failing_service_is_started_again_without_end_but_not_without_pause() {
    let with = |distribution: &str, systemd: u32, delay: u32| {
        let mut main = package("cdhboot", Role::Main);
        main.services.push(Service { restart_delay: delay, ..service("web", "daemon") });
        let mut plan = plan(distribution, vec![main]);
        plan.distribution.systemd = Some(ToolVersion::new(systemd, 0, 0));
        unit(&rendered(&plan, 0).unwrap(), "cdhboot-web.service")
    };
    let patient = with("rocky-9", 257, 1);
    assert!(patient.contains("[Unit]\nDescription=cdhboot web\nStartLimitIntervalSec=0\n"), "{patient}");
    assert!(patient.contains("RestartSteps=8\nRestartMaxDelaySec=60\n"), "{patient}");
    assert!(!with("rocky-9", 252, 1).contains("RestartSteps="));
    assert!(!with("rocky-9", 257, 90).contains("RestartSteps="));
    let old = with("centos-7", 219, 1);
    assert!(old.split("[Service]").nth(1).unwrap().contains("\nStartLimitInterval=0\n"), "{old}");
    let hot = with("rocky-9", 252, 0);
    assert!(hot.contains("\nStartLimitIntervalSec=10\nStartLimitBurst=5\n"), "{hot}");
}

/// `Name` or `Section.Name` to the first version of systemd that has it.
fn known() -> BTreeMap<&'static str, u32> {
    let lines = include_str!("data/systemd-directives.txt").lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').unwrap()).map(|(name, since)| (name, since.parse().unwrap())).collect()
}

fn too_new(text: &str, systemd: u32) -> Vec<String> {
    let known = known();
    let mut section = "";
    let mut wrong = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        }
        let Some((name, _)) = line.split_once('=') else { continue };
        if line.starts_with('#') || section == "X-Omnipack" {
            continue;
        }
        let since = known.get(format!("{section}.{name}").as_str()).or_else(|| known.get(name));
        if since.is_none_or(|since| *since > systemd) {
            wrong.push(format!("[{section}] {line}"));
        }
    }
    wrong
}

#[test]
fn a_directive_that_is_too_new_would_be_found() {
    let unit = "[Unit]\nStartLimitBurst=5\n[Service]\nStartLimitBurst=5\nMemoryMax=1\nNoSuch=1\nLimitCORE=0\n";
    assert_eq!(too_new(unit, 219), ["[Unit] StartLimitBurst=5", "[Service] MemoryMax=1", "[Service] NoSuch=1"]);
    assert_eq!(too_new(unit, 257), ["[Service] NoSuch=1"]);
}

prop_compose! {
    fn any_service()(
        shape in 0..4,
        root in any::<bool>(),
        hardening in any::<bool>(),
        kind in prop::sample::select(vec!["simple", "notify", "oneshot", "forking", "idle"]),
        restart in prop::sample::select(vec!["no", "on-failure", "always", "on-watchdog"]),
        delay in 0..100u32,
        some in prop::collection::vec(any::<bool>(), 8),
        directories in prop::collection::vec(prop::option::of("([a-z]{1,4}(/[a-z]{1,4})?)?"), 4),
    ) -> Service {
        let option = |index: usize, value: u64| some[index].then_some(value);
        let user = if root { "root" } else { "boot" };
        let unique = |index: usize| directories[index].clone().map(|name| format!("{name}{}", if name.is_empty() { "" } else { "-own" }));
        Service {
            user: user.to_owned(),
            group: user.to_owned(),
            hardening,
            kind: kind.to_owned(),
            restart: restart.to_owned(),
            restart_delay: delay,
            count: (shape == 1).then_some(2),
    schedule: (shape == 2).then(|| calendars(&["*-*-* *:00:00"])),
            listen: if shape == 3 { vec!["8000".to_owned(), "/run/x.sock".to_owned()] } else { Vec::new() },
            watchdog: option(0, 9).map(|_| 9),
            start_timeout: option(1, 9).map(|_| 9),
            limit_nofile: option(2, 1000),
            limits: Limits {
                nproc: option(3, 10),
                core: option(4, 0),
                memory: option(5, 1 << 20),
                cpu: some[6].then_some(50),
                tasks: option(7, 10),
                nice: some[0].then_some(3),
            },
            directories: ServiceDirectories {
                state: unique(0), logs: unique(1), cache: unique(2), runtime: unique(3),
            },
            ..service("web", "daemon")
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn no_unit_has_a_directive_that_its_systemd_does_not_know(service in any_service(), systemd in 219..260u32) {
        let mut plan = every_kind("rocky-9");
        plan.distribution.systemd = Some(ToolVersion::new(systemd, 0, 0));
        plan.packages[0].services[0] = service;
        let parts = rendered(&plan, 0).unwrap();
        let units = parts.entries.iter().filter(|entry| entry.path.as_str().starts_with("/usr/lib/systemd/system/"));
        for entry in units {
            prop_assert_eq!(too_new(&content(entry), systemd), Vec::<String>::new(), "{} on {}", entry.path, systemd);
        }
    }
}

/// The plan of a fixture of the repository.
fn fixture_plan(name: &str, distribution: &str) -> (BuildPlan, Vec<String>) {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    let metadata = Metadata::from_pyproject(&directory.join("pyproject.toml")).unwrap();
    let scripts = metadata.console_scripts.clone();
    let source = Source::Directory(directory);
    let catalogue = Catalogue::embedded().unwrap();
    let distribution = catalogue.get(distribution).unwrap();
    let project = Config::load(&source, None).unwrap().project(&source, metadata, distribution).unwrap();
    let options = Options { machine: "x86_64".to_owned(), source_date: None };
    (omnipack::plan::plan(&project, distribution, &options).unwrap(), scripts)
}

fn fixture_units(name: &str, distribution: &str, user: Option<&str>) -> Vec<(String, String)> {
    let (mut plan, scripts) = fixture_plan(name, distribution);
    for service in plan.packages.iter_mut().flat_map(|package| &mut package.services) {
        if let Some(user) = user {
            service.user = user.to_owned();
            service.group = user.to_owned();
        }
    }
    let mut units = Vec::new();
    for package in &plan.packages {
        let parts = omnipack::service::render(&plan, package, &scripts).unwrap();
        let services = parts.entries.iter().filter(|entry| entry.path.as_str().ends_with(".service"));
        units.extend(services.map(|entry| (entry.path.file_name().to_owned(), content(entry))));
    }
    assert!(!units.is_empty());
    units
}

/// What systemd-analyze(1) calls the exposure level.
fn exposure(name: &str, text: &str) -> f64 {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join(name);
    fs_err::write(&path, text).unwrap();
    let analyze = Command::new("systemd-analyze").args(["security", "--offline=true", "--no-pager"]).arg(&path);
    let output = analyze.run().unwrap().stdout_text();
    let line =
        output.lines().find(|line| line.contains("Overall exposure level")).unwrap_or_else(|| panic!("{output}"));
    let after = line.split(": ").nth(1).unwrap_or_else(|| panic!("{line}"));
    after.split_whitespace().next().unwrap().parse().unwrap_or_else(|error| panic!("{line}: {error}"))
}

#[test]
fn the_fixtures_are_little_exposed_on_current_systems() {
    let mut seen = 0;
    for distribution in ["rocky-9", "rocky-10", "fedora-42"] {
        let flocker = fixture_units("flocker", distribution, Some("flocker"));
        for (name, text) in fixture_units("cdhboot", distribution, None).into_iter().chain(flocker) {
            let exposure = exposure(&name, &text);
            assert!(exposure <= 3.0, "{name} on {distribution}: {exposure}\n{text}");
            seen += 1;
        }
    }
    assert_eq!(seen, 18);
    let (name, text) = fixture_units("cdhboot", "rocky-9", None).remove(0);
    let bare = text.lines().filter(|line| !line.starts_with("Protect") && !line.starts_with("SystemCall"));
    assert!(exposure(&name, &bare.collect::<Vec<_>>().join("\n")) > 3.0, "the measure does not measure");
}

#[test]
fn a_service_of_root_keeps_what_root_may_be_needed_for() {
    let lines = |user: &str| {
        let units = fixture_units("flocker", "rocky-9", Some(user));
        let text = &units.iter().find(|(name, _)| name == "clusterhq-python-flocker-control.service").unwrap().1;
        text.lines().map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let (root, other) = (lines("root"), lines("flocker"));
    let kept = other.difference(&root).map(String::as_str).collect::<Vec<_>>();
    assert_eq!(
        kept,
        [
            "CapabilityBoundingSet=",
            "Group=flocker",
            "LogsDirectory=clusterhq-python-flocker",
            "LogsDirectoryMode=0750",
            "PrivateMounts=yes",
            "ProtectProc=invisible",
            "RemoveIPC=yes",
            "RuntimeDirectory=clusterhq-python-flocker-control",
            "RuntimeDirectoryMode=0750",
            "StateDirectory=clusterhq-python-flocker",
            "StateDirectoryMode=0750",
            "SystemCallFilter=@chown @setuid",
            "SystemCallFilter=~@privileged",
            "User=flocker",
        ]
    );
    assert_eq!(root.difference(&other).collect::<Vec<_>>(), ["Group=root", "User=root"]);
}

/// Path, mode and owner of the directories among the entries, but that of the manifest.
fn directories(parts: &ServiceParts) -> Vec<String> {
    let all = parts.entries.iter().filter(|entry| matches!(entry.kind, EntryKind::Directory));
    let all = all.filter(|entry| entry.path.as_str() != manifest::DIRECTORY);
    all.map(|entry| {
        let ghost = if entry.flags.ghost { " ghost" } else { "" };
        format!("{} {:04o} {}:{}{ghost}", entry.path, entry.mode, entry.owner, entry.group)
    })
    .collect()
}

fn two_services(distribution: &str, first: &str, second: &str) -> BuildPlan {
    let mut main = package("cdhboot", Role::Main);
    for (name, user) in [("web", first), ("worker", second)] {
        main.services.push(Service { user: user.to_owned(), group: user.to_owned(), ..service(name, "daemon") });
    }
    plan(distribution, vec![main])
}

#[test]
fn services_share_directories_only_when_they_share_the_account() {
    assert_eq!(
        directories(&rendered(&two_services("rocky-9", "boot", "boot"), 0).unwrap()),
        ["/var/lib/cdhboot 0750 boot:boot", "/var/log/cdhboot 0750 boot:boot"]
    );
    assert_eq!(
        directories(&rendered(&two_services("rocky-9", "boot", "www"), 0).unwrap()),
        [
            "/var/lib/cdhboot-web 0750 boot:boot",
            "/var/lib/cdhboot-worker 0750 www:www",
            "/var/log/cdhboot-web 0750 boot:boot",
            "/var/log/cdhboot-worker 0750 www:www",
        ]
    );
    assert_eq!(directories(&rendered(&two_services("rocky-9", "root", "root"), 0).unwrap()), Vec::<String>::new());
    assert_eq!(
        directories(&rendered(&two_services("centos-6", "boot", "root"), 0).unwrap()),
        ["/var/lib/cdhboot 0750 boot:boot", "/var/log/cdhboot 0750 boot:boot", "/var/run/cdhboot-web 0750 boot:boot"]
    );
}

#[test]
fn a_directory_of_the_configuration_wins() {
    let mut plan = two_services("rocky-9", "boot", "boot");
    plan.packages[0].directories.push(directory("/var/lib/cdhboot", "other"));
    plan.packages[0]
        .directories
        .push(omnipack::project::ExtraDirectory { mode: 0o755, ..directory("/var/log/cdhboot", "boot") });
    let unit = unit(&rendered(&plan, 0).unwrap(), "cdhboot-web.service");
    assert!(!unit.contains("StateDirectory="), "{unit}");
    assert_eq!(values(&unit, "LogsDirectoryMode"), ["0755"]);
    let refused = |plan: &BuildPlan| rendered(plan, 0).unwrap_err().to_string();
    plan.packages[0].services[0].directories.state = Some("cdhboot".to_owned());
    assert!(refused(&plan).contains("belongs to other:other"), "{}", refused(&plan));
    let mut plan = two_services("rocky-9", "boot", "www");
    for service in &mut plan.packages[0].services {
        service.directories.cache = Some("shared".to_owned());
    }
    assert!(refused(&plan).contains("/var/cache/shared"), "{}", refused(&plan));
}

#[test]
fn a_directory_below_run_that_something_else_uses_is_made_at_boot() {
    let of = |change: fn(&mut Vec<Service>), systemd: u32| {
        let mut plan = two_services("rocky-9", "boot", "boot");
        plan.distribution.systemd = Some(ToolVersion::new(systemd, 0, 0));
        change(&mut plan.packages[0].services);
        let parts = rendered(&plan, 0).unwrap();
        let template = if plan.packages[0].services[0].count.is_some() { "@" } else { "" };
        let unit = unit(&parts, &format!("cdhboot-web{template}.service"));
        let tmpfiles = parts.entries.iter().any(|entry| entry.path.as_str() == "/usr/lib/tmpfiles.d/cdhboot.conf");
        let by_systemd = unit.contains("\nRuntimeDirectory=");
        assert_eq!(unit.contains("\nEnvironment=RUNTIME_DIRECTORY="), tmpfiles || systemd < 244, "{unit}");
        (by_systemd, tmpfiles)
    };
    let nested = |all: &mut Vec<Service>| all[0].directories.runtime = Some("a/b".to_owned());
    assert_eq!(of(|_| {}, 252), (true, false));
    assert_eq!(of(|_| {}, 219), (true, false));
    assert_eq!(of(nested, 252), (true, false));
    assert_eq!(of(nested, 219), (false, true));
    let instances = |all: &mut Vec<Service>| all[0].count = Some(2);
    assert_eq!(of(instances, 227), (true, false));
    assert_eq!(of(instances, 219), (false, true));
    assert_eq!(of(|all| all.iter_mut().for_each(|s| s.directories.runtime = Some("a".to_owned())), 252), (false, true));
    assert_eq!(of(|all| all[0].listen = vec!["/run/cdhboot-web/x.sock".to_owned()], 252), (false, true));
}

#[test]
fn what_systemd_cannot_do_is_refused() {
    let mut plan = every_kind("rocky-9");
    plan.packages[0].services[2].listen = vec!["example.org:80".to_owned()];
    assert!(rendered(&plan, 0).unwrap_err().to_string().contains("has the name of a host"));
    let mut plan = every_kind("centos-7");
    plan.packages[0].services[1].schedule = Some(Schedule { systemd: 235, ..calendars(&["daily UTC"]) });
    assert!(rendered(&plan, 0).unwrap_err().to_string().contains("it needs systemd 235, and the target has 219"));
    let mut plan = every_kind("rocky-9");
    plan.packages[0].services[0].command = "/usr/bin/web-{instance}".to_owned();
    assert!(rendered(&plan, 0).unwrap_err().to_string().contains("the same program"));
}

#[test]
fn logs_in_the_directory_of_a_service_are_rotated_as_its_user() {
    let mut plan = two_services("rocky-9", "boot", "www");
    plan.packages[0].services[0].count = Some(2);
    plan.packages[0].logrotate.push(Logrotate {
        paths: vec!["/var/log/cdhboot-web/*.log".to_owned(), "/var/log/other.log".to_owned()],
        rotate: 4,
        frequency: "daily".to_owned(),
        compress: true,
        service: Some("web".to_owned()),
        package: None,
    });
    let drop_in = text(&rendered(&plan, 0).unwrap(), "/etc/logrotate.d/cdhboot");
    let (own, other) = drop_in.split_once("/var/log/other.log").unwrap();
    assert!(own.contains("su boot boot") && !other.contains("su boot"), "{drop_in}");
    assert!(own.contains("systemctl try-restart 'cdhboot-web@*.service' >"), "{drop_in}");
    plan.distribution = distribution("centos-6");
    let drop_in = text(&rendered(&plan, 0).unwrap(), "/etc/logrotate.d/cdhboot");
    for number in [1, 2] {
        let line = format!("        /etc/rc.d/init.d/cdhboot-web-{number} condrestart >/dev/null 2>&1 || :\n");
        assert!(drop_in.contains(&line), "{drop_in}");
    }
}
