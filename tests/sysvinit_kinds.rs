//! Init scripts of services with instances, schedules, sockets, limits and an order, run for real by several shells;
//! and what makes stopping hard.

mod service_fixture;

use omnipack::plan::{BuildPlan, Role};
use omnipack::project::{Check, Cron, Enable, Limits, Probe, Schedule, Service, ServiceDirectories};
use omnipack::service::manifest::Manifest;
use service_fixture::*;

const SHELLS: [&str; 3] = ["dash", "bash --posix", "busybox sh"];

fn web() -> Service {
    Service { user: "daemon".to_owned(), stop_timeout: 2, ..service("web", "daemon") }
}

fn planned(distribution: &str, services: Vec<Service>) -> BuildPlan {
    let mut main = package("cdhboot", Role::Main);
    main.services = services;
    let mut plan = plan(distribution, vec![main]);
    plan.interpreter.path = python();
    plan
}

/// What puts the services of the plan into an overlay; their program is `program`.
fn installed(program: &str, services: Vec<Service>) -> String {
    installed_plan(program, &planned("debian-12-sysvinit", services))
}

fn installed_plan(program: &str, plan: &BuildPlan) -> String {
    let parts = rendered(plan, 0).unwrap();
    format!(
        "mkdir -p /opt/cdhboot/bin\nprintf %s {} >/opt/cdhboot/bin/daemon\nchmod 755 /opt/cdhboot/bin/daemon\n{}\
         run() {{ script=$1; shift; $SHELL_UNDER_TEST /etc/init.d/cdhboot-$script \"$@\"; }}\n\
         for name in web web-1 web-2 db job; do echo start_wait=1 >/etc/default/cdhboot-$name; done\n",
        omnipack::template::sh(program),
        installation(&parts)
    )
}

fn expect(installation: &str, script: &str, expected: &str) {
    expect_in(&SHELLS, installation, script, expected);
}

const SLEEPER: &str = "#!/bin/sh\nexec sleep 1000\n";

#[test]
fn a_process_that_left_its_session_is_stopped_too() {
    let program = "#!/usr/bin/python3\nimport os, signal, time\n\
                   if os.fork() == 0:\n\
                   \x20   os.setsid()\n\
                   \x20   if os.fork():\n\
                   \x20       os._exit(0)\n\
                   \x20   if os.path.exists('/tmp/deaf'):\n\
                   \x20       signal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
                   \x20   os.execv('/bin/sleep', ['sleep', '4000'])\n\
                   os.wait()\ntime.sleep(1000)\n";
    let script = "
        run web start; pgrep -c -x sleep
        run web stop; pgrep -c -x sleep
        touch /tmp/deaf
        run web start; pgrep -c -x sleep
        run web stop 2>&1; pgrep -c -x sleep
        rm /tmp/deaf
        # The main process is gone, its number may be another's, and the stray is still known.
        run web start; kill -KILL \"$(head -n 1 /run/cdhboot-web.pid)\"; sleep 0.3; pgrep -c -x sleep
        run web status >/dev/null; echo status $?
        run web stop; pgrep -c -x sleep
        # A process of another service, or of none, is spared.
        sleep 5000 & run web start; run web stop; pgrep -x sleep | grep -c .
        kill $!
    ";
    let expected = "cdhboot-web: started\n1\ncdhboot-web: stopped\n0\n\
                    cdhboot-web: started\n1\ncdhboot-web: still running after 2 seconds, killing it\ncdhboot-web: stopped\n0\n\
                    cdhboot-web: started\n1\nstatus 1\ncdhboot-web: stopped\n0\n\
                    cdhboot-web: started\ncdhboot-web: stopped\n1\n";
    expect(&installed(program, vec![web()]), script, expected);
}

#[test]
fn of_several_starts_at_once_one_starts_it() {
    let script = "
        for i in 1 2 3 4; do run web start & done; wait
        pgrep -c -x sleep
        for i in 1 2 3; do run web restart >/dev/null & done; wait
        pgrep -c -x sleep; run web status >/dev/null; echo $?
        run web stop; pgrep -c -x sleep; true
    ";
    let script = format!("{{\n{script}\n}} | sed 's/ (pid .*//' | sort | uniq -c | sed 's/^ *//'");
    let expected = "2 0\n2 1\n3 cdhboot-web: already running\n1 cdhboot-web: started\n1 cdhboot-web: stopped\n";
    expect(&installed(SLEEPER, vec![web()]), &script, expected);
}

#[test]
fn each_instance_has_its_number() {
    let program = "#!/bin/sh\necho \"$@ $NUMBER $OWN $PWD $RUNTIME_DIRECTORY\"\nexec sleep 1000\n";
    let service = Service {
        count: Some(2),
        command: "daemon --port 800{instance}".to_owned(),
        environment: [("NUMBER".to_owned(), "n{instance}".to_owned())].into(),
        environment_file: "/etc/web-{instance}.env".to_owned(),
        working_directory: "/srv/{instance}".to_owned(),
        ..web()
    };
    let script = "
        mkdir -p /srv/1 /srv/2; echo OWN=one >/etc/web-1.env; echo OWN=two >/etc/web-2.env
        run web-1 start; run web-2 start
        cat /var/log/cdhboot-web-1.log /var/log/cdhboot-web-2.log
        stat -c '%a %U' /run/cdhboot-web-1 /run/cdhboot-web-2
        run web-1 stop; run web-2 status >/dev/null; echo $?
        run web-2 stop; ls /etc/init.d/cdhboot*
        sed -n 's/^# Provides: *//p' /etc/init.d/cdhboot*
    ";
    let expected = "cdhboot-web-1: started\ncdhboot-web-2: started\n\
                    --port 8001 n1 one /srv/1 /run/cdhboot-web-1\n--port 8002 n2 two /srv/2 /run/cdhboot-web-2\n\
                    750 daemon\n750 daemon\ncdhboot-web-1: stopped\n0\ncdhboot-web-2: stopped\n\
                    /etc/init.d/cdhboot-web-1\n/etc/init.d/cdhboot-web-2\ncdhboot-web-1\ncdhboot-web-2\n";
    expect(&installed(program, vec![service]), script, expected);
}

#[test]
fn limits_and_priority_reach_the_process() {
    let program = "#!/usr/bin/python3\nimport os, resource, time\n\
                   print([resource.getrlimit(getattr(resource, 'RLIMIT_' + n)) for n in ('NOFILE', 'NPROC', 'CORE')], os.nice(0), flush=True)\n\
                   time.sleep(1000)\n";
    let limits = Limits { nproc: Some(100), core: Some(4096), nice: Some(-5), ..Limits::default() };
    let service = Service { limit_nofile: Some(512), limits, ..web() };
    let script = "run web start; cat /var/log/cdhboot-web.log; run web stop\n";
    let expected = "cdhboot-web: started\n[(512, 512), (100, 100), (4096, 4096)] -5\ncdhboot-web: stopped\n";
    expect(&installed(program, vec![service]), script, expected);
}

/// Prints what it is given, and answers on the socket of the file system.
const LISTENER: &str = "#!/usr/bin/python3\nimport os, socket\n\
    assert int(os.environ['LISTEN_PID']) == os.getpid()\n\
    found = [socket.socket(fileno=3 + n) for n in range(int(os.environ['LISTEN_FDS']))]\n\
    print([s.getsockname()[:2] if s.family != socket.AF_UNIX else s.getsockname() for s in found], os.getuid(), flush=True)\n\
    print(sorted(os.listdir('/proc/self/fd'))[:-1], flush=True)\n\
    while True:\n\
    \x20   there, _ = found[-1].accept()\n\
    \x20   there.sendall(b'hello')\n\
    \x20   there.close()\n";

#[test]
fn sockets_are_opened_as_root_and_passed_on() {
    let listen = ["81", "127.0.0.1:82", "localhost:83", "[::1]:84", "/run/front/a b.sock"];
    let service = Service { listen: listen.map(str::to_owned).to_vec(), group: "nogroup".to_owned(), ..web() };
    let ask = "/usr/bin/python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.connect(\"/run/front/a b.sock\"); \
               print(s.recv(9).decode())'";
    // A network of its own, so that the shells do not meet on the ports.
    let script = format!(
        "
        cat >/tmp/inner <<'END'
        . /tmp/setup
        run web start; cat /var/log/cdhboot-web.log
        stat -c '%a %U:%G %F' '/run/front/a b.sock'; {ask}
        kill -KILL \"$(head -n 1 /run/cdhboot-web.pid)\"; sleep 0.3
        run web start; {ask}
        run web restart; {ask}
        run web stop; ls /run/front
        rm /var/log/cdhboot-web.log
        /usr/bin/python3 -c 'import socket, time
s = socket.socket(); s.bind((\"\", 82)); s.listen(1); time.sleep(20)' & sleep 0.5
        run web start 2>&1; echo $?
        kill $!
END
        unshare --net dash /tmp/inner"
    );
    let setup = "cat >/tmp/setup <<'END'\nrun() { script=$1; shift; $SHELL_UNDER_TEST /etc/init.d/cdhboot-$script \"$@\"; }\nEND\nexport SHELL_UNDER_TEST\n";
    let installation = installed(LISTENER, vec![service]) + setup;
    let expected = "cdhboot-web: started\n\
        [('::', 81), ('127.0.0.1', 82), ('127.0.0.1', 83), ('::1', 84), '/run/front/a b.sock'] 1\n\
        ['0', '1', '2', '3', '4', '5', '6', '7']\n660 daemon:nogroup socket\nhello\n\
        cdhboot-web: started\nhello\ncdhboot-web: stopped\ncdhboot-web: started\nhello\ncdhboot-web: stopped\n\
        cdhboot-web: start failed: it ended at once with exit code 1\ncdhboot-web: the end of /var/log/cdhboot-web.log:\n\
        cannot start: cannot listen on 127.0.0.1:82: [Errno 98] Address already in use\n1\n";
    expect(&installation, &script, expected);
}

fn job(enable: Enable) -> Service {
    Service {
        name: "job".to_owned(),
        kind: "oneshot".to_owned(),
        restart: "no".to_owned(),
        schedule: Some(schedule("*-*-* 04:30:00", "30 4 * * *")),
        enable,
        ..web()
    }
}

#[test]
fn a_job_runs_when_it_is_started_and_never_twice_at_once() {
    let program = "#!/bin/sh\necho \"ran as $(id -un)\"\nsleep \"$(cat /tmp/length)\"\nexit \"$(cat /tmp/code)\"\n";
    let script = "
        echo 1 >/tmp/length; echo 0 >/tmp/code
        run job status; echo status $?
        run job start; echo start $?
        is_up() { until [ -s /run/cdhboot-job.pid ]; do sleep 0.1; done; }
        echo 4 >/tmp/length; run job start & is_up
        run job status >/dev/null; echo status $?
        run job start | sed 's/(.*//'; wait
        grep -c ran /var/log/cdhboot-job.log
        echo 0 >/tmp/length; echo 3 >/tmp/code; run job start 2>/dev/null; echo start $?
        run job status >/dev/null; echo status $?
        echo 3000 >/tmp/length; run job start 2>/dev/null & is_up
        run job stop; wait; pgrep -c -x sleep; ls /run/*.pid 2>/dev/null
        run job status >/dev/null; echo status $?
    ";
    let expected = "cdhboot-job: is not running\nstatus 3\ncdhboot-job: has run\nstart 0\nstatus 0\n\
                    cdhboot-job: already running \ncdhboot-job: has run\n2\nstart 1\nstatus 3\n\
                    cdhboot-job: stopped\n0\nstatus 3\n";
    expect(&installed(program, vec![job(Enable::Yes)]), script, expected);
}

#[test]
fn cron_gets_a_line_and_init_gets_none() {
    let parts = rendered(&planned("centos-6", vec![job(Enable::Preset)]), 0).unwrap();
    let script = text(&parts, "/etc/rc.d/init.d/cdhboot-job");
    assert!(script.contains("\n# chkconfig: - 85 15\n"), "{script}");
    assert!(script.contains("\n# Default-Start:\n# Default-Stop:\n"), "{script}");
    let line = "\n30 4 * * * root [ ! -x /etc/rc.d/init.d/cdhboot-job ] || /etc/rc.d/init.d/cdhboot-job start >/dev/null 2>&1\n";
    let cron = text(&parts, "/etc/cron.d/cdhboot-job");
    assert!(cron.ends_with(line) && cron.contains("\nMAILTO=\"\"\n"), "{cron}");
    let entry = parts.entries.iter().find(|entry| entry.path.as_str() == "/etc/cron.d/cdhboot-job").unwrap();
    assert_eq!((entry.mode, entry.flags.config), (0o644, omnipack::project::ConfigFile::Noreplace));
    assert!(parts.relations.iter().any(|relation| relation.name == "cronie"), "{:?}", parts.relations);

    let off = Service { name: "v1.0".to_owned(), ..job(Enable::No) };
    let parts = rendered(&planned("centos-6", vec![off]), 0).unwrap();
    assert!(text(&parts, "/etc/cron.d/cdhboot-v1_0").contains("\n#30 4 * * * root "));
    assert!(text(&parts, "/etc/rc.d/init.d/cdhboot-v1.0").contains("# Provides:          cdhboot-v1.0\n"));
}

#[test]
fn a_schedule_that_cron_cannot_say_is_refused_with_the_way_out() {
    let cron = Cron::No { reason: "seconds".to_owned() };
    let schedule = Schedule { text: "*:*:30".to_owned(), cron, ..schedule("*-*-* *:*:30", "") };
    let job = Service { schedule: Some(schedule), ..job(Enable::Yes) };
    let error = rendered(&planned("centos-6", vec![job.clone()]), 0).unwrap_err();
    let help = miette::Diagnostic::help(&error).unwrap().to_string();
    assert_eq!(
        error.to_string(),
        "service `job`: `schedule = \"*:*:30\"` does not work on centos-6: it has no timers but cron, which has no seconds"
    );
    assert_eq!(help, "give it a schedule for cron: `[[distribution.centos-6.service]]` with `name = \"job\"`");
    assert!(rendered(&planned("debian-12", vec![job]), 0).is_ok());
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| format!("{name}.service")).collect()
}

#[test]
fn services_start_after_those_that_they_need() {
    let db = Service { name: "db".to_owned(), ..web() };
    let web = Service { requires: names(&["db"]), after: names(&["redis", "db"]), ..web() };
    let services = || vec![web.clone(), db.clone()];
    let script = "
        run web start; run db status >/dev/null; echo db $?
        run web stop; run db status >/dev/null; echo db $?
        run db stop; rm /etc/init.d/cdhboot-db
        run web start 2>&1; echo web $?
    ";
    let expected = "cdhboot-db: started\ncdhboot-web: started\ndb 0\ncdhboot-web: stopped\ndb 0\ncdhboot-db: stopped\n\
                    cdhboot-web: /etc/init.d/cdhboot-db is not installed\nweb 1\n";
    expect(&installed(SLEEPER, services()), script, expected);

    let parts = rendered(&planned("centos-6", services()), 0).unwrap();
    let script = text(&parts, "/etc/rc.d/init.d/cdhboot-web");
    assert!(script.contains("\n# Should-Start:      redis cdhboot-db\n") && script.contains(" 86 14\n"), "{script}");
    assert!(text(&parts, "/etc/rc.d/init.d/cdhboot-db").contains(" 85 15\n"));

    // The other way round it is the same.
    let db = Service { before: names(&["web", "nginx"]), ..db };
    let web = Service { after: Vec::new(), requires: Vec::new(), count: Some(2), ..web };
    let parts = rendered(&planned("centos-6", vec![web, db]), 0).unwrap();
    let script = text(&parts, "/etc/rc.d/init.d/cdhboot-web-2");
    assert!(script.contains("\n# Should-Start:      cdhboot-db\n") && script.contains(" 86 14\n"), "{script}");
    let script = text(&parts, "/etc/rc.d/init.d/cdhboot-db");
    assert!(script.contains("\n# X-Start-Before:    nginx\n") && !script.contains("Should-Start"), "{script}");
}

#[test]
fn services_that_wait_for_each_other_are_refused() {
    let other = |name: &str, after: &[&str]| Service { name: name.to_owned(), after: names(after), ..web() };
    for distribution in ["centos-6", "debian-12"] {
        let services =
            vec![other("a", &["b"]), other("b", &["c"]), Service { before: names(&["c"]), ..other("c", &[]) }];
        let error = rendered(&planned(distribution, services), 0).unwrap_err();
        assert_eq!(error.to_string(), "services wait for each other: c -> c");
        let services =
            vec![other("a", &["b"]), other("b", &["c"]), Service { requires: names(&["a"]), ..other("c", &[]) }];
        let error = rendered(&planned(distribution, services), 0).unwrap_err();
        assert_eq!(error.to_string(), "services wait for each other: a -> b -> c -> a");
    }
}

#[test]
fn a_full_disk_is_a_failed_start_that_leaves_nothing() {
    let script = "
        for place in /run /var/lib/misc; do
            mount -t tmpfs -o size=4k tmpfs $place; dd if=/dev/zero of=$place/fill bs=4k 2>/dev/null
        done
        mkdir /run/cdhboot-web
        run web start 2>&1; echo start $?
        pgrep -c -x sleep; ls -A /run /var/lib/misc | grep cdhboot
        umount /run
        mount -t tmpfs -o size=4k,nr_inodes=2 tmpfs /var/log
        touch /var/log/fill
        run web start >/dev/null 2>&1; echo start $?
        pgrep -c -x sleep; true
    ";
    let expected = "cdhboot-web: cannot write /var/run/cdhboot-web.pid\nstart 1\n0\ncdhboot-web\nstart 1\n0\n";
    let service = Service {
        directories: ServiceDirectories { runtime: Some(String::new()), ..ServiceDirectories::default() },
        ..web()
    };
    expect(&installed(SLEEPER, vec![service]), script, expected);
}

#[test]
fn a_read_only_run_is_no_obstacle() {
    let script = "
        mount -t tmpfs -o ro tmpfs /run
        run web start 2>&1; echo start $?
        run web status | sed 's/ (.*//'; run web start | sed 's/ (.*//'; pgrep -c -x sleep
        run web restart; echo restart $?; pgrep -c -x sleep
        run web stop; echo stop $?; run web status; echo status $?
        pgrep -c -x sleep; ls -A /var/lib/misc | grep cdhboot
        true
    ";
    let expected = "cdhboot-web: started\nstart 0\ncdhboot-web: is running\ncdhboot-web: already running\n1\n\
                    cdhboot-web: stopped\ncdhboot-web: started\nrestart 0\n1\n\
                    cdhboot-web: stopped\nstop 0\ncdhboot-web: is not running\nstatus 3\n0\n";
    let service = Service { hardening: false, ..web() };
    expect(&installed(SLEEPER, vec![service]), script, expected);
}

#[test]
fn a_socket_in_a_directory_of_the_account_is_made_by_the_account() {
    // Between bind and chown the account puts another file in the place of the socket: here a hook does so.
    let hook = "import os; lchown, root = os.lchown, os.rename\\n\
                def swap(path, *ids): root(\"/srv/own/secret\", path); lchown(path, *ids)\\n\
                os.lchown = swap";
    let script = format!(
        "
        mkdir -p /srv/own; echo key >/srv/own/secret; chmod 600 /srv/own/secret; chown daemon /srv/own
        sed -i 's|^import errno,.*|&\\n{hook}|' /etc/init.d/cdhboot-web
        run web start; stat -c '%a %U:%G %F' /srv/own/a.sock /srv/own/new/b.sock /srv/own/new /srv/own/secret
        cat /srv/own/a.sock 2>/dev/null; run web stop
        # The account cannot have root make anything where a link leads.
        rm -r /srv/own/new; ln -s /etc /srv/own/new
        run web start 2>&1 | tail -n 1; ls /etc/*.sock 2>/dev/null
        true
    "
    );
    let expected = "cdhboot-web: started\n660 daemon:nogroup socket\n660 daemon:nogroup socket\n\
                    755 daemon:nogroup directory\n600 root:root regular file\ncdhboot-web: stopped\n\
                    cannot start: cannot listen on /srv/own/new/b.sock: [Errno 13] Permission denied\n";
    let listen = ["/srv/own/a.sock", "/srv/own/new/b.sock"].map(str::to_owned).to_vec();
    let service = Service { listen, group: "nogroup".to_owned(), hardening: false, ..web() };
    expect(&installed(SLEEPER, vec![service]), &script, expected);
}

#[test]
fn directories_below_one_of_an_account_are_made_by_the_account() {
    let script = "
        rm -rf /run/own; run web start; stat -c '%a %U:%G %n' /run/own /run/own/sub /run/own/sub/x; run web stop
        rm -r /run/own/sub; ln -s /etc /run/own/sub
        run web start; run web stop; ls -d /etc/x 2>/dev/null
        rm /run/own/sub; mkdir -p /srv/other; chown daemon /srv/other; ln -s /srv/other /run/own/sub
        run web start; run web stop; stat -c '%a %U:%G %n' /srv/other/x
    ";
    let expected = "cdhboot-web: cannot make /run/own/roots: /run/own does not belong to root alone\n\
                    cdhboot-web: started\n750 daemon:daemon /run/own\n755 daemon:daemon /run/own/sub\n\
                    750 daemon:daemon /run/own/sub/x\ncdhboot-web: stopped\n\
                    cdhboot-web: cannot make /run/own/sub/x: [Errno 13] Permission denied: '/run/own/sub/x'\n\
                    cdhboot-web: cannot make /run/own/roots: /run/own does not belong to root alone\n\
                    cdhboot-web: started\ncdhboot-web: stopped\n\
                    cdhboot-web: cannot make /run/own/roots: /run/own does not belong to root alone\n\
                    cdhboot-web: started\ncdhboot-web: stopped\n750 daemon:daemon /srv/other/x\n";
    let service = Service { hardening: false, ..web() };
    let mut plan = planned("debian-12-sysvinit", vec![service]);
    let named = [("/run/own", "daemon"), ("/run/own/sub/x", "daemon"), ("/run/own/roots", "root")];
    plan.packages[0].directories = named.map(|(path, owner)| directory(path, owner)).to_vec();
    expect(&installed_plan(SLEEPER, &plan), script, expected);
}

#[test]
fn few_open_files_leave_room_for_the_sockets() {
    let service = Service {
        listen: vec!["/run/front/a.sock".to_owned(), "/run/front/b.sock".to_owned()],
        limit_nofile: Some(64),
        ..web()
    };
    let script = "run web start 2>&1; stat -c %a /run/front/a.sock; run web stop";
    expect(&installed(SLEEPER, vec![service]), script, "cdhboot-web: started\n660\ncdhboot-web: stopped\n");
}

#[test]
fn the_launcher_runs_with_every_python_from_3_6_on() {
    let program = "#!/bin/sh\nprintf %s \"$TEXT\"\nexec sleep 1000\n";
    let service = Service {
        listen: vec!["/run/front/a.sock".to_owned(), "/srv/own/b.sock".to_owned()],
        limit_nofile: Some(512),
        environment_file: "/etc/web.env".to_owned(),
        ..web()
    };
    let versions = std::path::PathBuf::from(std::env::var("HOME").unwrap()).join(".pyenv/versions");
    let mut pythons = Vec::new();
    for entry in fs_err::read_dir(versions).unwrap() {
        let python = entry.unwrap().path().join("bin/python3");
        if python.exists() {
            pythons.push(python.to_string_lossy().into_owned());
        }
    }
    assert!(pythons.len() > 2, "{pythons:?}");
    let list = pythons.iter().map(|path| omnipack::template::sh(path)).collect::<Vec<_>>().join(" ");
    let script = format!(
        "printf 'TEXT=\"\\303\\251\\342\\200\\250 \\377\"\\n' >/etc/web.env
        mkdir -p /srv/own; chown daemon /srv/own
        # As at boot: no locale at all.
        unset LANG LC_ALL
        for python in {list}; do
            sed -i \"s|^python=.*|python=$python|\" /etc/init.d/cdhboot-web
            run web start >/dev/null || {{ echo \"$python\"; tail /var/log/cdhboot-web.log; }}
            stat -c '%a %U' /run/front/a.sock /srv/own/b.sock
            od -An -tx1 /var/log/cdhboot-web.log; rm /var/log/cdhboot-web.log
            run web stop >/dev/null
        done"
    );
    let expected = "660 daemon\n660 daemon\n c3 a9 e2 80 a8 20 ff\n".repeat(pythons.len());
    let script = format!("SHELL_UNDER_TEST=dash\n{}{script}", installed(program, vec![service]));
    assert_eq!(in_overlay("dash", &script), (0, expected));
}

#[test]
fn the_manifest_names_the_init_scripts_that_are_started() {
    let check = || Check { probe: Probe::Tcp("127.0.0.1:80".to_owned()), timeout: 5 };
    let many = Service { name: "many".to_owned(), count: Some(2), check: Some(check()), ..web() };
    let planned = planned("centos-6", vec![Service { check: Some(check()), ..web() }, many, job(Enable::Yes)]);
    let parts = rendered(&planned, 0).unwrap();
    let manifest: Manifest = serde_json::from_str(&text(&parts, "/usr/share/omnipack/cdhboot.json")).unwrap();
    let named = manifest.services.iter().map(|service| (service.units.join(" "), service.check.is_some()));
    let expected = [("cdhboot-web", true), ("cdhboot-many-1 cdhboot-many-2", true), ("", false)]
        .map(|(units, check)| (units.to_owned(), check));
    assert_eq!(named.collect::<Vec<_>>(), expected);
    for unit in manifest.services.iter().flat_map(|service| &service.units) {
        text(&parts, &format!("/etc/rc.d/init.d/{unit}"));
    }
}
