//! Units, scriptlets and drop-ins as texts, and as the programs that read them see them.

mod service_fixture;

use std::collections::BTreeMap;

use omnipack::exec::Command;
use omnipack::plan::{BuildPlan, RelationKind, Role};
use omnipack::project::{BytecodeMode, Enable, ScriptletKind, Service};
use omnipack::service::ServiceParts;
use omnipack::stage::EntryKind;
use proptest::prelude::*;
use service_fixture::*;

fn dump(plan: &BuildPlan) -> String {
    let mut text = String::new();
    for (index, package) in plan.packages.iter().enumerate() {
        let parts = rendered(plan, index).unwrap();
        text.push_str(&format!("######## {}\n", package.name));
        for relation in &parts.relations {
            text.push_str(&format!("{:?} {}\n", relation.kind, relation.name));
        }
        for entry in &parts.entries {
            let flags = &entry.flags;
            text.push_str(&format!(
                "==== {} {:04o} {}:{} config={:?} ghost={}\n",
                entry.path, entry.mode, entry.owner, entry.group, flags.config, flags.ghost
            ));
            if let EntryKind::File(_) = entry.kind {
                text.push_str(&content(entry));
            }
        }
        for (kind, scriptlet) in &parts.scriptlets {
            text.push_str(&format!("==== %{kind:?} {:?}\n{}", scriptlet.interpreter, scriptlet.text));
        }
    }
    text
}

#[test]
fn cdhboot_on_sysvinit() {
    insta::assert_snapshot!(dump(&cdhboot("centos-6")));
}

#[test]
fn cdhboot_on_an_old_systemd() {
    insta::assert_snapshot!(dump(&cdhboot("centos-7")));
}

#[test]
fn cdhboot_on_a_new_systemd() {
    insta::assert_snapshot!(dump(&cdhboot("rocky-9")));
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    for name in ["centos-7", "rocky-8", "rocky-9", "debian-12"] {
        let root = tempfile::tempdir().unwrap();
        let parts = rendered(&cdhboot(name), 1).unwrap();
        let said = verify(root.path(), &parts, &["/opt/cdhboot/bin/cdhboot-web", "/opt/cdhboot/bin/celery"]);
        assert_eq!(said, "0", "{name}");
    }
}

#[test]
fn a_directive_is_given_only_to_a_systemd_that_knows_it() {
    let unit = |name: &str| text(&rendered(&cdhboot(name), 1).unwrap(), "/usr/lib/systemd/system/cdhboot-web.service");
    let (old, middle, new) = (unit("centos-7"), unit("rocky-8"), unit("rocky-9"));
    for directive in ["PrivateTmp=yes", "NoNewPrivileges=yes", "ProtectSystem=full", "SystemCallArchitectures=native"] {
        assert!([&old, &middle, &new].iter().all(|unit| unit.contains(directive)), "{directive}");
    }
    for directive in ["RestrictNamespaces=", "LockPersonality=", "SystemCallFilter="] {
        assert!(!old.contains(directive) && middle.contains(directive) && new.contains(directive), "{directive}");
    }
    for directive in ["ProtectHostname=", "ProtectKernelLogs=", "ProtectProc="] {
        assert!(!old.contains(directive) && !middle.contains(directive) && new.contains(directive), "{directive}");
    }
}

#[test]
fn a_hardened_service_is_little_exposed() {
    let parts = rendered(&cdhboot("rocky-9"), 1).unwrap();
    let root = tempfile::tempdir().unwrap();
    let unit = root.path().join("cdhboot-web.service");
    fs_err::write(&unit, text(&parts, "/usr/lib/systemd/system/cdhboot-web.service")).unwrap();
    let output = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--threshold=30", "--no-pager"])
        .arg(&unit)
        .run()
        .unwrap();
    assert_eq!(output.code, 0, "{}", output.stdout_text());
}

#[test]
fn homes_stay_visible_to_services_that_live_there() {
    let mut plan = cdhboot("rocky-9");
    plan.packages[1].services[0].working_directory = "/home/web".to_owned();
    let parts = rendered(&plan, 1).unwrap();
    let unit = |name: &str| text(&parts, &format!("/usr/lib/systemd/system/cdhboot-{name}.service"));
    assert!(!unit("web").contains("ProtectHome="));
    assert!(unit("worker").contains("ProtectHome=yes"));
}

#[test]
fn the_builds_own_services_are_ordered_by_their_own_names() {
    let mut plan = cdhboot("rocky-9");
    plan.packages[1].services[0].after = vec!["worker.service".to_owned(), "redis.service".to_owned()];
    let unit = text(&rendered(&plan, 1).unwrap(), "/usr/lib/systemd/system/cdhboot-web.service");
    assert!(unit.contains("\nAfter=cdhboot-worker.service redis.service\n"), "{unit}");
    plan.distribution = distribution("centos-6");
    let script = text(&rendered(&plan, 1).unwrap(), "/etc/rc.d/init.d/cdhboot-web");
    assert!(script.contains("\n# Should-Start:      redis cdhboot-worker\n"), "{script}");
}

fn one_service(distribution: &str, service: Service) -> BuildPlan {
    let mut main = package("cdhboot", Role::Main);
    main.services.push(service);
    plan(distribution, vec![main])
}

fn refusal(service: Service) -> String {
    let error = rendered(&one_service("centos-7", service), 0).unwrap_err();
    format!("{error} | {}", miette::Diagnostic::help(&error).map(|help| help.to_string()).unwrap_or_default())
}

#[test]
fn a_command_that_is_not_there_is_named_with_the_nearest() {
    let said = refusal(service("web", "cdhboot-wep --port 1"));
    assert!(
        said.contains("`cdhboot-wep` in /opt/cdhboot/bin") && said.contains("did you mean `cdhboot-web`"),
        "{said}"
    );
    let said = refusal(service("web", "/opt/cdhboot/bin/nothing-like-it"));
    assert!(said.contains("`nothing-like-it`"), "{said}");
    assert!(rendered(&one_service("centos-7", service("web", "/usr/bin/redis-server")), 0).is_ok());
    assert!(rendered(&one_service("centos-7", service("web", "python -m http.server")), 0).is_ok());
}

#[test]
fn values_that_would_change_a_unit_are_refused() {
    let base = || service("web", "daemon");
    let hostile = [
        Service { restart: "always\nExecStartPre=/bin/evil".to_owned(), ..base() },
        Service { kind: "simple\n".to_owned(), ..base() },
        Service { user: "a b".to_owned(), ..base() },
        Service { group: "x\nUser=root".to_owned(), ..base() },
        Service { umask: "0022\n".to_owned(), ..base() },
        Service { after: vec!["a.target\nWants=b".to_owned()], ..base() },
        Service { working_directory: "relative".to_owned(), ..base() },
        Service { working_directory: "/a\nb".to_owned(), ..base() },
        Service { environment_file: "/etc/*.env".to_owned(), ..base() },
        Service { environment: BTreeMap::from([("A B".to_owned(), String::new())]), ..base() },
        Service { environment: BTreeMap::from([("A".to_owned(), "x\ny".to_owned())]), ..base() },
        Service { name: "../x".to_owned(), ..base() },
        service("web", "daemon > /dev/null"),
        service("web", "daemon '$x' '$first'"),
        service("web", ""),
    ];
    for service in hostile {
        let shown = format!("{service:?}");
        assert!(rendered(&one_service("centos-7", service), 0).is_err(), "{shown}");
    }
}

#[test]
fn texts_with_specials_pass_systemd() {
    let mut hostile = service("web", "daemon '%i 100%' '$HOME ${x} $$' 'a\"b' 'c\\d' ';' '' 'é☃' '\t' '#x'");
    hostile.description = "50% \\of\\\n\"it\" \\".to_owned();
    hostile.working_directory = "/var/lib/cdhboot 100% \\".to_owned();
    hostile.environment =
        BTreeMap::from([("A".to_owned(), "50% \"q\" $HOME 'x' \\n\nline".to_owned()), ("B".to_owned(), String::new())]);
    let parts = rendered(&one_service("rocky-9", hostile), 0).unwrap();
    let root = tempfile::tempdir().unwrap();
    assert_eq!(verify(root.path(), &parts, &["/opt/cdhboot/bin/daemon"]), "0");
}

#[test]
fn accounts_are_made_by_each_package_that_uses_them_and_removed_by_their_own() {
    let mut plan = cdhboot("rocky-9");
    plan.packages[0].users[0].remove = true;
    let (main, node) = (rendered(&plan, 0).unwrap(), rendered(&plan, 1).unwrap());
    for parts in [&main, &node] {
        assert!(parts.scriptlets[&ScriptletKind::Pre].text.contains("useradd -r -M -g sysadmin"));
        assert!(parts.relations.iter().any(|r| r.kind == RelationKind::RequiresPre && r.name == "/usr/sbin/useradd"));
    }
    assert!(main.scriptlets[&ScriptletKind::Postun].text.contains("userdel sysadmin"));
    assert!(!node.scriptlets[&ScriptletKind::Postun].text.contains("userdel"));
    assert!(main.entries.iter().any(|entry| entry.path.as_str() == "/var/lib/cdhboot" && &*entry.owner == "sysadmin"));
}

/// Shell commands that run a scriptlet as rpm does: the text in a file, the number of versions as its argument.
fn run_scriptlet(parts: &ServiceParts, kind: ScriptletKind, argument: &str) -> String {
    let Some(scriptlet) = parts.scriptlets.get(&kind) else { return String::new() };
    let interpreter = scriptlet.interpreter.join(" ");
    let text = omnipack::template::sh(&scriptlet.text);
    format!(
        "printf %s {text} >/tmp/scriptlet\n{interpreter} /tmp/scriptlet {argument} </dev/null || echo \"{kind:?} exit $?\"\n"
    )
}

fn lifecycle(plan: &BuildPlan) -> String {
    let parts = [rendered(plan, 0).unwrap(), rendered(plan, 1).unwrap()];
    let each = |kind, argument: &str| parts.iter().map(|p| run_scriptlet(p, kind, argument)).collect::<String>();
    let files = parts.iter().map(installation).collect::<String>();
    let units = "ls /etc/systemd/system/multi-user.target.wants | grep cdhboot; ls -d /run/omnipack 2>/dev/null\n";
    [
        "mkdir -p /opt/cdhboot/bin\n",
        &each(ScriptletKind::Pre, "1"),
        &files,
        &each(ScriptletKind::Post, "1"),
        &each(ScriptletKind::Posttrans, ""),
        "echo installed; id sysadmin | tr ' ' '\\n' | grep -o '(.*)'; getent passwd sysadmin | cut -d: -f 6,7\n",
        units,
        "systemctl --no-reload disable cdhboot-web.service 2>/dev/null\n",
        &each(ScriptletKind::Pre, "2"),
        &each(ScriptletKind::Post, "2"),
        &each(ScriptletKind::Preun, "1"),
        &each(ScriptletKind::Postun, "1"),
        &each(ScriptletKind::Posttrans, ""),
        "echo upgraded\n",
        units,
        "systemctl --no-reload enable cdhboot-web.service 2>/dev/null\n",
        &each(ScriptletKind::Preun, "0"),
        "rm -f /usr/lib/systemd/system/cdhboot-*.service\n",
        &each(ScriptletKind::Postun, "0"),
        "echo removed; getent passwd sysadmin\n",
        units,
        "ls -d /opt/cdhboot 2>/dev/null; ls -l /etc/systemd/system/multi-user.target.wants | grep cdhboot; true\n",
    ]
    .concat()
}

/// No systemd runs here, as in an image build; accounts and links are real ones.
#[test]
fn scriptlets_do_their_part_in_a_root_without_a_running_init() {
    for shell in ["sh", "bash", "busybox sh"] {
        let mut plan = cdhboot("rocky-9");
        plan.packages[0].users[0].remove = true;
        plan.packages[1].services[1].enable = Enable::No;
        let script = lifecycle(&plan).replace("\n/bin/sh /tmp/scriptlet", &format!("\n{shell} -e -u /tmp/scriptlet"));
        let said = expect_in_overlay("sh", &script);
        let expected = "installed\n(sysadmin)\n(sysadmin)\n(sysadmin),4(adm)\n/var/lib/cdhboot:/sbin/nologin\n\
                        cdhboot-web.service\nupgraded\nremoved\n";
        let groups = said.lines().map(|line| if line.contains(",4(adm)") { "(sysadmin),4(adm)" } else { line });
        assert_eq!(groups.collect::<Vec<_>>().join("\n") + "\n", expected, "{shell}");
    }
}

#[test]
fn what_a_user_writes_into_a_scriptlet_does_not_skip_ours() {
    let hostile = [
        ("exit 0", "/bin/sh"),
        ("set -e\nfalse", "/bin/sh"),
        ("#!/usr/bin/env python3\nimport sys\nprint('python', sys.argv[1:])\nsys.exit(3)", "python"),
        ("OMNIPACK_END\nexec sleep 0", "/bin/sh"),
        ("cat\nexit 1", "/bin/sh"),
        ("echo \"$0 $1 `date` \\\\ 'x' ${1}\"\r", "/bin/sh"),
    ];
    for (text, _) in hostile {
        let mut plan = cdhboot("rocky-9");
        plan.packages[1].scriptlets =
            [ScriptletKind::Post, ScriptletKind::Preun, ScriptletKind::Postun, ScriptletKind::Posttrans]
                .map(|kind| (kind, text.to_owned()))
                .into();
        let said = expect_in_overlay("sh", &lifecycle(&plan));
        for line in ["installed", "cdhboot-web.service", "upgraded", "removed"] {
            assert!(said.lines().any(|found| found == line), "{text:?}: no {line} in\n{said}");
        }
        let failed = said.lines().find(|line| line.contains(" exit ") && !line.starts_with("warning: "));
        assert_eq!(failed, None, "{text:?}\n{said}");
        assert!(said.split("removed\n").nth(1).is_some_and(|rest| !rest.contains("cdhboot-web")), "{text:?}\n{said}");
    }
}

#[test]
fn a_users_script_runs_by_its_own_interpreter_and_its_failure_is_told() {
    let mut plan = cdhboot("rocky-9");
    let python = "#!/usr/bin/env python3\nimport sys\nprint('python', sys.argv[1:])\nsys.exit(3)\n";
    plan.packages[1].scriptlets.insert(ScriptletKind::Post, python.to_owned());
    let parts = rendered(&plan, 1).unwrap();
    let said = expect_in_overlay("sh", &run_scriptlet(&parts, ScriptletKind::Post, "1"));
    assert!(said.contains("python ['1']"), "{said}");
    assert!(said.contains("warning: the post script of cdhboot-node failed with exit code 3"), "{said}");
}

#[test]
fn a_users_pre_script_can_refuse_the_installation() {
    let mut plan = cdhboot("rocky-9");
    for package in 0..2 {
        plan.packages[package].scriptlets.insert(ScriptletKind::Pre, "exit 9\n".to_owned());
        let parts = rendered(&plan, package).unwrap();
        let said = expect_in_overlay("sh", &run_scriptlet(&parts, ScriptletKind::Pre, "1"));
        assert!(said.contains("Pre exit 9"), "{said}");
    }
}

#[test]
fn bytecode_made_on_the_target_leaves_with_the_package() {
    let mut main = package("cdhboot", Role::Main);
    main.summary = "no services".to_owned();
    let mut plan = plan("rocky-9", vec![main]);
    plan.bytecode = BytecodeMode::Install;
    plan.interpreter.path = python();
    let parts = rendered(&plan, 0).unwrap();
    let script = [
        "mkdir -p '/opt/cdhboot/lib/a b'; echo 'x = 1' >'/opt/cdhboot/lib/a b/m.py'; echo 'x =' >/opt/cdhboot/lib/broken.py\n",
        &run_scriptlet(&parts, ScriptletKind::Posttrans, ""),
        "find /opt/cdhboot -name '*.pyc' | wc -l\n",
        &run_scriptlet(&parts, ScriptletKind::Preun, "0"),
        "find /opt/cdhboot -name '__pycache__' | wc -l\nrm '/opt/cdhboot/lib/a b/m.py' /opt/cdhboot/lib/broken.py\n",
        &run_scriptlet(&parts, ScriptletKind::Postun, "0"),
        "ls -d /opt/cdhboot 2>&1 | wc -l; ls /opt/cdhboot 2>/dev/null || true\n",
    ];
    let lines = expect_in_overlay("sh", &script.concat());
    assert_eq!(lines.split_whitespace().collect::<Vec<_>>(), ["1", "0", "1"]);
}

#[test]
fn directories_below_run_are_made_by_systemd_tmpfiles() {
    let mut plan = cdhboot("rocky-9");
    plan.packages[1].directories = vec![directory("/var/run/a b%\"c", "root")];
    let parts = rendered(&plan, 1).unwrap();
    let script = [
        &installation(&parts).replace("sysadmin", "root"),
        "rmdir '/run/a b%\"c'\n",
        &run_scriptlet(&parts, ScriptletKind::Post, "1").replace("sysadmin", "root"),
        "stat -c '%a %n' '/run/a b%\"c'\n",
    ];
    assert_eq!(expect_in_overlay("sh", &script.map(|part| part.to_string()).concat()), "750 /run/a b%\"c\n");
}

#[test]
fn logrotate_takes_the_drop_in() {
    let mut plan = cdhboot("rocky-9");
    plan.packages[1].logrotate[0].paths.push("/var/log/cdhboot/with space x.txt".to_owned());
    let parts = rendered(&plan, 1).unwrap();
    let script = [
        "groupadd -r sysadmin; useradd -r -g sysadmin sysadmin; mkdir -p -m 0750 /var/log/cdhboot; cd /var/log/cdhboot\n",
        "chown sysadmin:sysadmin .; for f in web.log 'with space x.txt'; do echo line >\"$f\"; chown sysadmin \"$f\"; done\n",
        &installation(&parts),
        "logrotate -f -s /tmp/state /etc/logrotate.d/cdhboot-node && ls | sort\n",
    ];
    let said = expect_in_overlay("sh", &script.concat());
    assert!(said.contains("web.log.1") && said.contains("with space x.txt.1"), "{said}");
    assert!(!said.contains("error"), "{said}");
}

#[test]
fn shellcheck_finds_nothing_in_what_ends_on_a_target() {
    let work = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for name in ["centos-6", "rocky-9", "debian-12", "debian-12-sysvinit"] {
        let mut plan = cdhboot(name);
        plan.bytecode = BytecodeMode::Install;
        plan.packages[0].users[0].remove = true;
        plan.packages[1].scriptlets.insert(ScriptletKind::Post, "true\n".to_owned());
        for index in 0..2 {
            let parts = rendered(&plan, index).unwrap();
            for (kind, scriptlet) in &parts.scriptlets {
                files.push((format!("{name}-{index}-{kind:?}"), format!("#!/bin/sh\n{}", scriptlet.text)));
            }
            let scripts = parts.entries.iter().filter(|entry| entry.mode == 0o755);
            let scripts = scripts.filter(|entry| matches!(entry.kind, EntryKind::File(_)));
            files.extend(scripts.map(|entry| (format!("{name}-{}", entry.path.file_name()), content(entry))));
        }
    }
    let mut paths = Vec::new();
    for (name, text) in files {
        let path = work.path().join(name);
        fs_err::write(&path, text).unwrap();
        for shell in ["dash", "bash", "busybox"] {
            let arguments: &[&str] = if shell == "busybox" { &["sh", "-n"] } else { &["-n"] };
            Command::new(shell).args(arguments).arg(&path).run_checked().unwrap();
        }
        paths.push(path);
    }
    let output = Command::new("shellcheck").args(["--shell=sh", "--severity=style"]).args(&paths).run().unwrap();
    assert_eq!(output.code, 0, "{}", output.stdout_text());
}

/// Shell commands that install a program which writes its arguments, its working directory and the variables `A` and
/// `B` to `/seen/<name of the service>`, each ended by a NUL.
fn recorder() -> String {
    let program = "#!/bin/sh\n{ for word; do printf '%s\\0' \"$word\"; done; printf '%s\\0' \"$PWD\" \"$A\" \"$B\"; } \
                   >\"/seen/$NAME\"\n";
    format!(
        "mkdir -p /opt/cdhboot/bin /seen\nprintf %s {} >/opt/cdhboot/bin/daemon\nchmod 755 /opt/cdhboot/bin/daemon\n",
        omnipack::template::sh(program)
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2, max_shrink_iters: 8, ..ProptestConfig::default() })]
    /// Words, variables and paths arrive as they were meant, through a real systemd.
    #[test]
    fn systemd_passes_on_what_was_meant(
        commands in prop::collection::vec(
            (
                prop::collection::vec("([^\0]|[ %$\\\\\"';{}#\t\n!|a-c0-9]){0,8}", 0..6),
                "([^\0]|[ %$\\\\\"';=]){0,12}",
                "[a-z%$ \\\\\"';#]{0,6}[a-z%$\\\\\"]",
            ),
            40,
        )
    ) {
        let mut main = package("cdhboot", Role::Main);
        let mut script = recorder();
        for (index, (words, value, directory)) in commands.iter().enumerate() {
            let command = words.iter().map(|word| format!(" {}", omnipack::template::sh(word))).collect::<String>();
            let working_directory = format!("/srv/{directory}");
            script.push_str(&format!("mkdir -p {}\n", omnipack::template::sh(&working_directory)));
            main.services.push(Service {
                kind: "oneshot".to_owned(),
                restart: "no".to_owned(),
                description: value.clone(),
                working_directory,
                environment: BTreeMap::from([
                    ("NAME".to_owned(), format!("s{index}")),
                    ("A".to_owned(), value.clone()),
                    ("B".to_owned(), words.join(" ")),
                ]),
                ..service(&format!("s{index}"), &format!("daemon{command}"))
            });
        }
        let plan = plan("rocky-9", vec![main]);
        script.push_str(&installation(&rendered(&plan, 0).unwrap()));
        script.push_str("systemctl daemon-reload\n");
        let units = (0..commands.len()).map(|index| format!(" cdhboot-s{index}.service")).collect::<String>();
        script.push_str(&format!("systemctl start{units}\n"));
        script.push_str("for i in $(seq 0 39); do base64 -w 0 /seen/s$i; echo; done\n");
        let said = in_booted_overlay(&script);
        let seen = said.lines().map(decode).collect::<Vec<_>>();
        prop_assert_eq!(seen.len(), commands.len(), "{}", said);
        for (seen, (words, value, directory)) in seen.iter().zip(&commands) {
            let mut expected = words.clone();
            expected.extend([format!("/srv/{directory}"), value.clone(), words.join(" ")]);
            prop_assert_eq!(seen, &expected);
        }
    }
}

fn decode(line: &str) -> Vec<String> {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::STANDARD.decode(line.trim()).unwrap_or_default();
    let mut words =
        bytes.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect::<Vec<_>>();
    words.pop();
    words
}
