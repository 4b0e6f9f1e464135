//! Init scripts, run for real: in a throw-away copy of this machine, by several shells, with daemons that behave well
//! and badly. The exit codes are those of the LSB.

mod service_fixture;

use std::collections::BTreeMap;

use omnipack::distribution::PackageFormat;
use omnipack::plan::{BuildPlan, Role};
use omnipack::project::Service;
use service_fixture::*;

const SHELLS: [&str; 3] = ["dash", "bash", "busybox sh"];

/// A service `web` of the account `daemon`, whose program is `program`.
fn installed(program: &str, service: Service) -> String {
    installed_by(program, service, |_| {})
}

fn installed_by(program: &str, service: Service, change: impl FnOnce(&mut BuildPlan)) -> String {
    let mut main = package("cdhboot", Role::Main);
    main.services.push(service);
    let mut plan = plan("debian-12-sysvinit", vec![main]);
    plan.interpreter.path = python();
    change(&mut plan);
    let parts = rendered(&plan, 0).unwrap();
    format!(
        "mkdir -p /opt/cdhboot/bin\nprintf %s {} >/opt/cdhboot/bin/daemon\nchmod 755 /opt/cdhboot/bin/daemon\n{}\
         mkdir -p /etc/default\necho start_wait=1 >/etc/default/cdhboot-web\n\
         web() {{ $SHELL_UNDER_TEST /etc/init.d/cdhboot-web \"$@\"; }}\n",
        omnipack::template::sh(program),
        installation(&parts)
    )
}

fn web() -> Service {
    Service { user: "daemon".to_owned(), stop_timeout: 2, ..service("web", "daemon") }
}

fn expect(installation: &str, script: &str, expected: &str) {
    expect_in(&SHELLS, installation, script, expected);
}

const SLEEPER: &str = "#!/bin/sh\nexec sleep 1000\n";

#[test]
fn start_status_and_stop_give_the_codes_of_the_lsb() {
    let script = "
        web status >/dev/null; echo status $?
        web stop; echo stop $?
        web start; echo start $?
        web status >/dev/null; echo status $?
        ps -o user= -p \"$(head -n 1 /run/cdhboot-web.pid)\"
        first=$(cat /run/cdhboot-web.pid)
        web start >/dev/null; echo again $?
        [ \"$first\" = \"$(cat /run/cdhboot-web.pid)\" ] && echo same
        web restart >/dev/null; echo restart $?
        [ \"$first\" = \"$(cat /run/cdhboot-web.pid)\" ] || echo other
        web condrestart >/dev/null; echo condrestart $?
        web stop >/dev/null; echo stop $?
        web condrestart; web try-restart; echo none $?
        web force-reload; echo none $?
        web status >/dev/null; echo status $?
        web reload; echo reload $?
        web nonsense 2>/dev/null; echo nonsense $?
        pgrep -x sleep || echo nothing left
    ";
    let expected = "status 3\ncdhboot-web: stopped\nstop 0\ncdhboot-web: started\nstart 0\nstatus 0\ndaemon\nagain 0\nsame\n\
                    restart 0\nother\ncondrestart 0\nstop 0\nnone 0\nnone 0\nstatus 3\ncdhboot-web: cannot reload\nreload 3\n\
                    nonsense 2\nnothing left\n";
    expect(&installed(SLEEPER, web()), script, expected);
}

#[test]
fn a_stale_pid_file_and_a_reused_pid_are_seen() {
    let script = "
        web start >/dev/null
        kill -KILL \"$(head -n 1 /run/cdhboot-web.pid)\"; sleep 0.3
        web status >/dev/null; echo dead $?
        web start >/dev/null; echo start $?
        web stop >/dev/null
        sleep 2000 & other=$!
        printf '%s\\n%s\\n' $other 1 >/run/cdhboot-web.pid
        web status >/dev/null; echo reused $?
        web stop >/dev/null; echo stop $?
        kill -0 $other && echo spared
        printf '%s\\n%s\\n' $other 1 >/run/cdhboot-web.pid
        web start >/dev/null; echo start $?
        web status >/dev/null; echo status $?
        kill -0 $other && echo spared
        web stop >/dev/null
        for text in '' 'x' '-1' '1 2 3' '0'; do
            echo \"$text\" >/run/cdhboot-web.pid
            web status >/dev/null; echo $?
            web stop >/dev/null || echo stop $?
        done
        kill -0 $other && echo spared
        # A child that nobody has waited for is dead, too.
        /usr/bin/python3 -c 'import os, time
pid = os.fork() or os._exit(0)
time.sleep(0.3)
started = open(\"/proc/%d/stat\" % pid).read().split()[21]
open(\"/run/cdhboot-web.pid\", \"w\").write(\"%d\\n%s\\n\" % (pid, started))
time.sleep(4)' &
        sleep 1
        web status >/dev/null; echo zombie $?
        time=$(cut -d. -f1 /proc/uptime); web stop >/dev/null
        [ $(($(cut -d. -f1 /proc/uptime) - time)) -lt 2 ] && echo quick
    ";
    let expected = "dead 1\nstart 0\nreused 1\nstop 0\nspared\nstart 0\nstatus 0\nspared\n1\n1\n1\n1\n1\nspared\nzombie 1\nquick\n";
    expect(&installed(SLEEPER, web()), script, expected);
}

#[test]
fn a_service_that_ends_at_once_is_a_failed_start() {
    let program = "#!/bin/sh\necho 'no database' >&2\nexit 4\n";
    let script = "
        web start 2>&1; echo start $?
        web status >/dev/null; echo status $?
        ls /run/cdhboot-web.pid 2>/dev/null
        rm /opt/cdhboot/bin/daemon
        web start 2>&1; echo without $?
        printf '#!/no/such/interpreter\\n' >/opt/cdhboot/bin/daemon; chmod 755 /opt/cdhboot/bin/daemon
        web start >/dev/null 2>&1; echo start $?
    ";
    let expected = "cdhboot-web: start failed: it ended at once with exit code 4\n\
                    cdhboot-web: the end of /var/log/cdhboot-web.log:\nno database\nstart 1\nstatus 3\n\
                    without 0\nstart 1\n";
    expect(&installed(program, web()), script, expected);
    // Only on Debian does the script stay when its package goes.
    let of_rpm = |plan: &mut BuildPlan| plan.distribution.format = PackageFormat::Rpm;
    let said = "cdhboot-web: /opt/cdhboot/bin/daemon is not installed\nwithout 5\n";
    let there = installed_by(program, web(), of_rpm).replace("/etc/rc.d/init.d", "/etc/init.d");
    expect(&there, script, &expected.replace("without 0\n", said));
}

#[test]
fn stop_ends_the_whole_group_and_kills_what_does_not_listen() {
    let program = "#!/bin/sh\ntrap '' TERM\nsleep 3000 &\nwhile :; do sleep 3001; done\n";
    let script = "
        web start >/dev/null
        pgrep -c -x sleep
        web stop 2>&1; echo stop $?
        pgrep -c -x sleep
        web start >/dev/null
        kill -KILL \"$(head -n 1 /run/cdhboot-web.pid)\"; sleep 0.3
        pgrep -c -x sleep
        web stop 2>/dev/null
        pgrep -c -x sleep
        true
    ";
    let expected = "2\ncdhboot-web: still running after 2 seconds, killing it\ncdhboot-web: stopped\nstop 0\n0\n2\n\
                    cdhboot-web: stopped\n0\n";
    expect(&installed(program, web()), script, expected);
}

#[test]
fn a_service_gets_its_arguments_environment_and_limits_and_nothing_else() {
    let program = "#!/usr/bin/python3\nimport os, resource, sys\n\
                   print(sys.argv[1:])\n\
                   print({k: v for k, v in sorted(os.environ.items()) if k not in ('LC_CTYPE', 'LANG', 'INVOCATION_ID')})\n\
                   mask = os.umask(0)\n\
                   print(oct(mask), os.getcwd(), resource.getrlimit(resource.RLIMIT_NOFILE), os.getsid(0) == os.getpid())\n\
                   print(os.getuid() == 1, os.getgid(), sorted(os.listdir('/proc/self/fd'))[:4], flush=True)\n\
                   import time; time.sleep(1000)\n";
    let hostile = Service {
        command: "daemon --a='b c' '$HOME' '`x`' '%i' \"it's\" '' 'END_OF_LAUNCHER' -- --".to_owned(),
        environment: BTreeMap::from([
            ("A".to_owned(), "a 'b' \"c\" $HOME `x` \\ %\nline".to_owned()),
            ("B".to_owned(), "1".to_owned()),
        ]),
        environment_file: "/etc/web.env".to_owned(),
        working_directory: "/var/lib/it's here".to_owned(),
        umask: "0027".to_owned(),
        limit_nofile: Some(512),
        group: "nogroup".to_owned(),
        ..web()
    };
    let script = "
        mkdir -p \"/var/lib/it's here\"
        printf '# x\\n; y\\nB=2\\nC=\"a b\" \\nD=x y\\nE='\\''$q'\\''\\nbroken\\n' >/etc/web.env
        SECRET=1 web start
        cat /var/log/cdhboot-web.log
        stat -c '%a %U' /var/log/cdhboot-web.log /run/cdhboot-web.pid
        web stop >/dev/null
    ";
    let expected = "cdhboot-web: started\n\
        ['--a=b c', '$HOME', '`x`', '%i', \"it's\", '', 'END_OF_LAUNCHER', '--', '--']\n\
        {'A': 'a \\'b\\' \"c\" $HOME `x` \\\\ %\\nline', 'B': '2', 'C': 'a b', 'D': 'x y', 'E': '$q', 'HOME': '/usr/sbin', \
        'LOGNAME': 'daemon', 'LOGS_DIRECTORY': '/var/log/cdhboot', \
        'PATH': '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'RUNTIME_DIRECTORY': '/run/cdhboot-web', \
        'SHELL': '/usr/sbin/nologin', 'STATE_DIRECTORY': '/var/lib/cdhboot', 'USER': 'daemon'}\n\
        0o27 /var/lib/it's here (512, 512) True\nTrue 65534 ['0', '1', '2', '3']\n640 root\n644 root\n";
    expect(&installed(program, hostile), script, expected);
}

#[test]
fn a_log_that_leads_elsewhere_is_not_followed() {
    let script = "
        echo keep >/etc/target; ln -s /etc/target /var/log/cdhboot-web.log
        web start >/dev/null 2>&1; echo start $?
        rm /var/log/cdhboot-web.log; ln /etc/target /var/log/cdhboot-web.log
        web start >/dev/null 2>&1; echo start $?
        cat /etc/target
    ";
    expect(&installed("#!/bin/sh\necho overwritten\n", web()), script, "start 1\nstart 1\nkeep\n");
}

#[test]
fn reload_is_a_signal_or_a_command() {
    let program = "#!/bin/sh\ntrap 'echo reloaded >>/tmp/seen' HUP\nwhile :; do sleep 0.1; done\n";
    let script = "
        touch /tmp/seen; chmod 666 /tmp/seen
        web reload; echo $?
        web start >/dev/null
        web reload; echo $?; sleep 0.5
        web force-reload; echo $?
        sleep 0.5; cat /tmp/seen
        web stop >/dev/null
    ";
    let expected = "cdhboot-web: is not running\n7\n0\n0\nreloaded\nreloaded\n";
    expect(&installed(program, Service { reload: "SIGHUP".to_owned(), ..web() }), script, expected);
    let command = "/bin/sh -c 'kill -HUP \"$1\" && sleep 0.3' sh $MAINPID".to_owned();
    expect(&installed(program, Service { reload: command, ..web() }), script, expected);
}

#[test]
fn a_oneshot_service_runs_to_its_end() {
    let program = "#!/bin/sh\necho \"ran as $(id -un)\"\nexit \"$(cat /tmp/code)\"\n";
    let script = "
        echo 0 >/tmp/code; web start; echo start $?
        web status; echo $?
        web stop; web status; echo $?
        echo 3 >/tmp/code; web start 2>/dev/null; echo start $?
        cat /var/log/cdhboot-web.log
        echo 0 >/tmp/code; mount -t tmpfs -o ro tmpfs /run
        web start 2>/dev/null; web status; echo another boot >/var/lib/misc/cdhboot-web.pid; web status; web stop
        ls -A /var/lib/misc | grep cdhboot
        true
    ";
    let expected = "cdhboot-web: started\nstart 0\ncdhboot-web: has run\n0\ncdhboot-web: stopped\n\
                    cdhboot-web: is not running\n3\nstart 1\nran as daemon\nran as daemon\n\
                    cdhboot-web: started\ncdhboot-web: has run\ncdhboot-web: is not running\ncdhboot-web: stopped\n";
    expect(&installed(program, Service { kind: "oneshot".to_owned(), ..web() }), script, expected);
}

#[test]
fn directories_below_run_are_made_at_each_start() {
    let change = |plan: &mut BuildPlan| plan.packages[0].directories.push(directory("/var/run/cdh boot", "daemon"));
    let script = "
        rmdir '/run/cdh boot'
        web start; stat -c '%a %U:%G' '/run/cdh boot'; web stop
        rmdir '/run/cdh boot'; ln -s /etc/nowhere '/run/cdh boot'
        web start 2>&1 | sed 's/: \\[.*//'; ls -d /etc/nowhere 2>/dev/null; web stop
        rm '/run/cdh boot'; ln -s /etc '/run/cdh boot'
        web start; stat -c '%a %U:%G' /etc; web stop
    ";
    let expected = "cdhboot-web: started\n750 daemon:daemon\ncdhboot-web: stopped\n\
                    cdhboot-web: cannot make /var/run/cdh boot\ncdhboot-web: started\ncdhboot-web: stopped\n\
                    cdhboot-web: started\n755 root:root\ncdhboot-web: stopped\n";
    expect(&installed_by(SLEEPER, web(), change), script, expected);
}

#[test]
fn where_no_pid_file_can_be_written_the_start_fails_and_leaves_nothing() {
    let script = "
        mount -o remount,ro /run; mount -t tmpfs -o ro tmpfs /var/lib/misc
        web start >/dev/null 2>&1; echo start $?
        pgrep -c -x sleep; true
    ";
    expect(&installed(SLEEPER, web()), script, "start 1\n0\n");
}

#[test]
fn insserv_and_chkconfig_find_their_headers() {
    let mut plan = cdhboot("centos-6");
    plan.packages[1].services[0].enable = omnipack::project::Enable::No;
    let parts = rendered(&plan, 1).unwrap();
    let script = text(&parts, "/etc/rc.d/init.d/cdhboot-web");
    assert!(script.contains("\n# chkconfig: - 85 15\n") && script.contains("\n# Default-Start:\n"), "{script}");
    plan.packages[1].services[0].enable = omnipack::project::Enable::Yes;
    let parts = rendered(&plan, 1).unwrap();
    let script = text(&parts, "/etc/rc.d/init.d/cdhboot-web");
    assert!(script.contains("\n# chkconfig: 2345 85 15\n"), "{script}");
    assert!(script.contains("\n# Default-Start:     2 3 4 5\n") && script.contains("Should-Start:      redis\n"));
}
