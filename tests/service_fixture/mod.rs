//! Build plans like that of an application with a web service and a worker, and a throw-away copy of this machine to
//! run what was rendered for it: an overlay over `/`, in its own mount and process namespaces. It needs root.

#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use omnipack::distribution::{Algorithm, Distribution, ToolVersion};
use omnipack::exec::Command;
use omnipack::plan::{BuildPlan, Compression, Evr, Interpreter, InterpreterKind, PackagePlan, Platform, Role};
use omnipack::project::{
    BytecodeMode, Cron, DebSettings, Enable, ExtraDirectory, Logrotate, Metadata, PythonSettings, RpmSettings,
    Schedule, Service, Source, User,
};
use omnipack::service::{Error, ServiceParts, render};
use omnipack::stage::{Content, Entry, EntryKind};

/// The facts of `name` as far as services care.
pub fn distribution(name: &str) -> Distribution {
    let (init, format, nologin) = match name {
        "centos-6" => ("init = \"sysvinit\"", "rpm", "/sbin/nologin"),
        "centos-7" => ("init = \"systemd\"\nsystemd = \"219\"", "rpm", "/sbin/nologin"),
        "rocky-8" => ("init = \"systemd\"\nsystemd = \"239\"", "rpm", "/sbin/nologin"),
        "rocky-9" => ("init = \"systemd\"\nsystemd = \"252\"", "rpm", "/sbin/nologin"),
        "debian-12" => ("init = \"systemd\"\nsystemd = \"252\"", "deb", "/usr/sbin/nologin"),
        "debian-12-sysvinit" => ("init = \"sysvinit\"", "deb", "/usr/sbin/nologin"),
        other => panic!("no facts for {other}"),
    };
    let facts = format!(
        "title = \"{name}\"\nfamily = \"el\"\nformat = \"{format}\"\nformat-version = \"4.11.3\"\nglibc = \"2.17\"\n{init}\n\
         compression = \"xz\"\npythons = []\narchitectures = {{ x86_64 = \"x86_64\" }}\nend-of-life = \"2030-01-01\"\n\
         nologin = \"{nologin}\"\nsources = {{}}\n"
    );
    let mut distribution = toml::from_str::<Distribution>(&facts).unwrap();
    distribution.name = name.to_owned();
    distribution
}

pub fn service(name: &str, command: &str) -> Service {
    Service { name: name.to_owned(), command: command.to_owned(), after: Vec::new(), ..Service::default() }
}

/// A schedule that every target can have.
pub fn calendars(calendar: &[&str]) -> Schedule {
    let calendar = calendar.iter().map(|&expression| expression.to_owned()).collect();
    Schedule { calendar, ..schedule("", "30 4 * * *") }
}

pub fn schedule(calendar: &str, line: &str) -> Schedule {
    let cron = Cron::Line(line.to_owned());
    Schedule { text: line.to_owned(), calendar: vec![calendar.to_owned()], systemd: 0, cron }
}

pub fn package(name: &str, role: Role) -> PackagePlan {
    PackagePlan {
        name: name.to_owned(),
        role,
        summary: String::new(),
        description: String::new(),
        relations: Vec::new(),
        links: Vec::new(),
        services: Vec::new(),
        users: Vec::new(),
        files: Vec::new(),
        directories: Vec::new(),
        logrotate: Vec::new(),
        scriptlets: BTreeMap::new(),
        triggers: Vec::new(),
        implicit: false,
    }
}

pub fn directory(path: &str, owner: &str) -> ExtraDirectory {
    ExtraDirectory {
        path: path.to_owned(),
        mode: 0o750,
        owner: owner.to_owned(),
        group: owner.to_owned(),
        ghost: false,
        package: None,
    }
}

pub fn user(name: &str, home: &str) -> User {
    User {
        name: name.to_owned(),
        group: name.to_owned(),
        home: home.to_owned(),
        shell: None,
        groups: Vec::new(),
        remove: false,
    }
}

/// A plan of these packages, with the prefix `/opt/cdhboot` and this machine's Python.
pub fn plan(distribution_name: &str, packages: Vec<PackagePlan>) -> BuildPlan {
    BuildPlan {
        distribution: distribution(distribution_name),
        platform: Platform {
            machine: "x86_64".to_owned(),
            architecture: "x86_64".to_owned(),
            glibc: ToolVersion { major: 2, minor: 17, patch: 0 },
            baseline: None,
        },
        source: Source::Requirement("cdhboot".to_owned()),
        metadata: metadata(),
        version: "0.1".to_owned(),
        evr: Evr { epoch: 0, version: "0.1".to_owned(), release: "1".to_owned() },
        prefix: "/opt/cdhboot".to_owned(),
        interpreter: Interpreter {
            version: ToolVersion { major: 3, minor: 6, patch: 0 },
            path: "/usr/bin/python3.6".to_owned(),
            kind: InterpreterKind::System { requirement: "python(abi) = 3.6".to_owned() },
        },
        python: python_settings(),
        bytecode: BytecodeMode::Build,
        compression: Compression { algorithm: Algorithm::Xz, level: 2 },
        license: String::new(),
        url: String::new(),
        vendor: String::new(),
        maintainer: String::new(),
        maintainer_is_given: true,
        builder: omnipack::plan::Builder::Omnipack,
        group: String::new(),
        section: String::new(),
        priority: String::new(),
        licenses: Vec::new(),
        changelog: None,
        source_date: 0,
        rpm: RpmSettings::default(),
        deb: DebSettings::default(),
        library_map: BTreeMap::new(),
        left_out: Vec::new(),
        notes: Vec::new(),
        target: false,
        packages,
    }
}

fn metadata() -> Metadata {
    Metadata {
        name: "cdhboot".to_owned(),
        version: "0.1".to_owned(),
        summary: String::new(),
        description: String::new(),
        license: String::new(),
        url: String::new(),
        author: String::new(),
        requires_python: String::new(),
        requires_dist: Vec::new(),
        extras: Vec::new(),
        console_scripts: Vec::new(),
    }
}

fn python_settings() -> PythonSettings {
    PythonSettings { bytecode: BytecodeMode::Build, ..PythonSettings::default() }
}

/// cdhboot: the main package holds the account and the directories, `cdhboot-node` a web service and a worker.
pub fn cdhboot(distribution_name: &str) -> BuildPlan {
    let mut main = package("cdhboot", Role::Main);
    main.users.push(User { groups: vec!["adm".to_owned()], ..user("sysadmin", "/var/lib/cdhboot") });
    main.directories.push(directory("/var/log/cdhboot", "sysadmin"));
    let mut node = package("cdhboot-node", Role::Meta);
    node.services.push(Service {
        description: "Web service of cdhboot, 100% Flask".to_owned(),
        user: "sysadmin".to_owned(),
        group: "sysadmin".to_owned(),
        working_directory: "/var/lib/cdhboot".to_owned(),
        umask: "0027".to_owned(),
        environment_file: "/etc/cdhboot/web.env".to_owned(),
        after: vec!["network-online.target".to_owned(), "redis.service".to_owned()],
        reload: "HUP".to_owned(),
        limit_nofile: Some(65536),
        enable: Enable::Yes,
        start: true,
        ..service("web", "cdhboot-web --port 8000")
    });
    node.services.push(Service {
        environment: BTreeMap::from([("C_FORCE_ROOT".to_owned(), "1".to_owned())]),
        after: vec!["redis.service".to_owned()],
        ..service("worker", "celery -A cdhboot.tasks worker --hostname 'worker@%h'")
    });
    node.directories.push(directory("/run/cdhboot", "sysadmin"));
    node.logrotate.push(Logrotate {
        paths: vec!["/var/log/cdhboot/*.log".to_owned()],
        rotate: 8,
        frequency: "weekly".to_owned(),
        compress: true,
        service: Some("web".to_owned()),
        package: None,
    });
    plan(distribution_name, vec![main, node])
}

pub fn rendered(plan: &BuildPlan, package: usize) -> Result<ServiceParts, Error> {
    let scripts = ["cdhboot-web", "cdhboot-worker", "celery", "daemon"].map(str::to_owned);
    render(plan, &plan.packages[package], &scripts)
}

/// What the file at `path` holds.
pub fn text(parts: &ServiceParts, path: &str) -> String {
    let entry = parts.entries.iter().find(|entry| entry.path.as_str() == path);
    content(entry.unwrap_or_else(|| panic!("there is no {path}")))
}

pub fn content(entry: &Entry) -> String {
    match &entry.kind {
        EntryKind::File(Content::Bytes(bytes)) => String::from_utf8(bytes.to_vec()).unwrap(),
        other => panic!("{}: not a generated file: {other:?}", entry.path),
    }
}

/// Writes the units of `parts` into a root in which their programs exist, and gives what systemd says of them.
pub fn verify(root: &Path, parts: &ServiceParts, programs: &[&str]) -> String {
    let mut units = Vec::new();
    for program in programs.iter().chain(&["/bin/kill"]) {
        let path = root.join(program.trim_start_matches('/'));
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, "#!/bin/sh\n").unwrap();
        Command::new("chmod").arg("755").arg(&path).run_checked().unwrap();
    }
    for directory in ["etc/systemd/system", "var/lib/cdhboot"] {
        fs_err::create_dir_all(root.join(directory)).unwrap();
    }
    for entry in parts.entries.iter().filter(|entry| entry.path.as_str().starts_with("/usr/lib/systemd/system/")) {
        let path = root.join(entry.path.as_str().trim_start_matches('/'));
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, content(entry)).unwrap();
        units.push(entry.path.file_name().replace("@.", "@1."));
    }
    let system = root.join("usr/lib/systemd/system");
    for target in ["multi-user", "network-online", "basic", "sysinit", "shutdown", "sockets", "timers"] {
        fs_err::write(system.join(format!("{target}.target")), "[Unit]\n").unwrap();
    }
    fs_err::write(system.join("redis.service"), "[Service]\nExecStart=/bin/kill\n").unwrap();
    let output = Command::new("systemd-analyze")
        .args(["verify", "--recursive-errors=no", "--man=no"])
        .arg(format!("--root={}", root.display()))
        .args(&units)
        .run()
        .unwrap();
    assert!(!units.is_empty());
    format!("{}{}{}", output.code, output.stdout_text(), output.stderr_text())
}

/// Shell commands that write the entries of `parts` below `/`.
pub fn installation(parts: &ServiceParts) -> String {
    let mut script = String::new();
    for entry in &parts.entries {
        let path = omnipack::template::sh(entry.path.as_str());
        match &entry.kind {
            EntryKind::Directory => script.push_str(&format!("mkdir -p {path}\n")),
            _ => script.push_str(&format!(
                "mkdir -p \"$(dirname {path})\"\nprintf %s {} >{path}\n",
                omnipack::template::sh(&content(entry))
            )),
        }
        script.push_str(&format!("chmod {:o} {path}\nchown {}:{} {path}\n", entry.mode, entry.owner, entry.group));
    }
    script
}

/// Runs `script` by `shell` in a throw-away copy of this machine and gives exit code and all that was printed.
pub fn in_overlay(shell: &str, script: &str) -> (i32, String) {
    let work = tempfile::tempdir().unwrap();
    let file = work.path().join("script");
    fs_err::write(&file, script).unwrap();
    let setup = format!(
        "mount -t tmpfs tmpfs {root} && cd {root} && mkdir upper work root && \
         mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root && \
         mount -t proc proc root/proc && mount --rbind /dev root/dev && mount -t tmpfs tmpfs root/run && \
         mount -t tmpfs tmpfs root/tmp && cat >root/tmp/script && exec chroot root {shell} /tmp/script",
        root = omnipack::template::sh(&work.path().to_string_lossy())
    );
    let stages = format!(
        "unshare --mount --pid --fork --kill-child --propagation private sh -c {} <{} 2>&1",
        omnipack::template::sh(&setup),
        omnipack::template::sh(&file.to_string_lossy())
    );
    let output = Command::new("sh").args(["-c", &stages]).env("LC_ALL", "C").run().unwrap();
    (output.code, output.stdout_text())
}

/// As [`in_overlay`], and the script has to end well.
pub fn expect_in_overlay(shell: &str, script: &str) -> String {
    let (code, output) = in_overlay(shell, script);
    assert_eq!(code, 0, "{output}");
    output
}

/// Boots a throw-away copy of this machine with real systemd, runs `script` in it as root, and gives what it printed.
pub fn in_booted_overlay(script: &str) -> String {
    let work = tempfile::tempdir().unwrap();
    let file = work.path().join("script");
    fs_err::write(&file, format!("exec >/said 2>&1\n{script}")).unwrap();
    let driver = "[Unit]\\nRequires=basic.target\\nAfter=basic.target\\n[Service]\\nType=oneshot\\nExecStart=/bin/sh /driver\\n\
                  ExecStopPost=/bin/systemctl exit --force\\nTimeoutStartSec=90\\n";
    let setup = format!(
        "mount -t tmpfs tmpfs {root} && cd {root} && mkdir upper work root && \
         mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root && cat >root/driver && touch root/said && \
         printf '{driver}' >root/etc/systemd/system/driver.service && \
         systemd-nspawn --quiet --register=no --keep-unit --private-network --machine=omnipack-{id} -b -D root \
         --console=pipe systemd.unit=driver.service systemd.show_status=0 </dev/null >boot.log 2>&1; \
         cat root/said",
        root = omnipack::template::sh(&work.path().to_string_lossy()),
        id = work.path().file_name().unwrap().to_string_lossy().trim_start_matches(['.', 't', 'm', 'p']),
    );
    let stages = format!(
        "timeout 120 unshare --mount --propagation private sh -c {} <{}",
        omnipack::template::sh(&setup),
        omnipack::template::sh(&file.to_string_lossy())
    );
    let output = Command::new("sh").args(["-c", &stages]).env("LC_ALL", "C").run_checked().unwrap();
    output.stdout_text()
}

/// A Python that is on this machine, by its real path.
pub fn python() -> String {
    let output = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).run_checked().unwrap();
    let path = PathBuf::from(output.stdout_text().trim());
    fs_err::canonicalize(path).unwrap().to_string_lossy().into_owned()
}

/// Runs `script` after `installation` in an overlay, once for each shell, which `$SHELL_UNDER_TEST` is, and expects the
/// same output each time.
pub fn expect_in(shells: &[&str], installation: &str, script: &str, expected: &str) {
    std::thread::scope(|scope| {
        for shell in shells {
            scope.spawn(move || {
                let script = format!("SHELL_UNDER_TEST='{shell}'\n{installation}{script}");
                let (code, output) = in_overlay("dash", &script);
                assert_eq!((code, output.as_str()), (0, expected), "{shell}");
            });
        }
    });
}
