//! A booted machine: real systemd as process 1 in namespaces of its own, over a [`Root`].

use std::path::Path;
use std::time::{Duration, Instant};

use omnipack::exec::{Command, Output};

use crate::root::{PATH, Root};
use crate::support::both;

/// How long anything that boots, starts or stops may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// Runs until it is dropped.
#[derive(Debug)]
pub struct Machine {
    // Fields drop in order: first the processes end, then the file system goes.
    nspawn: Nspawn,
    root: Root,
}

#[derive(Debug)]
struct Nspawn {
    handle: duct::Handle,
    leader: u32,
}

impl Machine {
    /// Boots the root and waits until systemd has nothing left to start.
    pub fn boot(root: Root) -> Self {
        let log = root.scratch().join("console.log");
        let name = format!("omnipack-{}", root.scratch().file_name().unwrap().to_string_lossy());
        // The container ends with this test, however the test ends.
        let handle = duct::cmd!(
            "setpriv",
            "--pdeathsig=KILL",
            "systemd-nspawn",
            "--quiet",
            "--register=no",
            "--keep-unit",
            "--private-network",
            format!("--machine={name}"),
            "--boot",
            "--directory",
            root.path(),
            "--console=pipe"
        )
        .stdin_null()
        .stderr_to_stdout()
        .stdout_path(&log)
        .unchecked()
        .start()
        .unwrap();
        let mut machine = Self { nspawn: Nspawn { handle, leader: 0 }, root };
        machine.wait_for_systemd(&log);
        machine
    }

    fn wait_for_systemd(&mut self, log: &Path) {
        let nspawn = self.nspawn.handle.pids()[0];
        let deadline = Instant::now() + PATIENCE;
        loop {
            // The first child only sets the mounts up and ends; the one that stays is process 1 of the machine.
            let children = fs_err::read_to_string(format!("/proc/{nspawn}/task/{nspawn}/children")).unwrap_or_default();
            self.nspawn.leader = children.split_whitespace().next_back().map_or(0, |pid| pid.parse().unwrap());
            if self.nspawn.leader != 0 {
                let state = self.try_run("systemctl", &["is-system-running"]);
                if matches!(state.stdout_text().trim(), "running" | "degraded") {
                    return;
                }
            }
            let ended = self.nspawn.handle.try_wait().unwrap().is_some();
            assert!(
                !ended && Instant::now() < deadline,
                "the machine does not boot:\n{}",
                fs_err::read_to_string(log).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn root(&self) -> &Root {
        &self.root
    }

    /// Runs a program on the machine, as root.
    pub fn try_run(&self, program: &str, args: &[&str]) -> Output {
        self.inside(program, args).run().unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`Machine::try_run`]; must succeed. Gives standard output.
    pub fn run(&self, program: &str, args: &[&str]) -> String {
        let output = self.try_run(program, args);
        assert_eq!(output.code, 0, "`{program} {}` failed on the machine\n{}", args.join(" "), both(&output));
        output.stdout_text()
    }

    /// A line for the machine's shell; must succeed.
    pub fn shell(&self, line: &str) -> String {
        self.run("sh", &["-ec", line])
    }

    fn inside(&self, program: &str, args: &[&str]) -> Command {
        Command::new("nsenter")
            .args(["--target", &self.nspawn.leader.to_string()])
            .args(["--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd", "--cgroup"])
            .args(["env", "-i", PATH, "LANG=C.UTF-8", "HOME=/root", program])
            .args(args)
    }

    /// Asks again and again; panics, with the machine's journal, when the answer stays no.
    pub fn wait_until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < deadline, "waited in vain until {what}\n{}", self.journal());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The last lines of the journal, for a message.
    pub fn journal(&self) -> String {
        both(&self.try_run("journalctl", &["--no-pager", "--lines=80"]))
    }

    /// Starts a unit, which must then stay up for a moment.
    pub fn start(&self, unit: &str) {
        let started = self.try_run("systemctl", &["start", unit]);
        std::thread::sleep(Duration::from_millis(300));
        let active = self.try_run("systemctl", &["is-active", unit]);
        assert!(
            started.code == 0 && active.stdout_text().trim() == "active",
            "{unit} does not run\n{}{}{}",
            both(&started),
            both(&self.try_run("systemctl", &["status", "--no-pager", "--full", unit])),
            self.journal()
        );
    }
}

impl Drop for Nspawn {
    fn drop(&mut self) {
        if self.leader != 0 {
            let leader = self.leader.to_string();
            // SIGRTMIN+4 is systemd's order to power off (systemd(1), "SIGNALS").
            let _ = Command::new("kill").args(["-s", "RTMIN+4", &leader]).run();
            let deadline = Instant::now() + Duration::from_secs(20);
            while Instant::now() < deadline && !matches!(self.handle.try_wait(), Ok(Some(_))) {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        let _ = self.handle.kill();
    }
}
