//! The engine's machine, over a [`Root`], for tests: whatever goes wrong is a panic.

use std::time::{Duration, Instant};

use omnipack::exec::Output;
use omnipack::smoke;

use crate::root::Root;
use crate::support::both;

/// How long anything that starts or stops may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// Runs until it is dropped.
#[derive(Debug)]
pub struct Machine {
    engine: smoke::Machine,
}

impl Machine {
    /// Boots the root and waits until its service manager has nothing left to start.
    pub fn boot(root: Root) -> Self {
        let engine = smoke::Machine::boot(root.into_overlay()).unwrap_or_else(|error| panic!("{error}"));
        assert!(!matches!(engine.services(), smoke::ServiceManager::None { .. }), "{:?}", engine.services());
        Self { engine }
    }

    /// What the library knows of it: its services, its packages, its paths.
    pub fn engine(&self) -> &smoke::Machine {
        &self.engine
    }

    pub fn root(&self) -> &smoke::Overlay {
        self.engine.overlay().expect("a machine that was booted from a directory")
    }

    /// Runs a program on the machine, as root.
    pub fn try_run(&self, program: &str, args: &[&str]) -> Output {
        self.engine.run(program, args).unwrap_or_else(|error| panic!("{error}"))
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

    /// Asks again and again; panics, with the machine's journal, when the answer stays no.
    pub fn wait_until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < deadline, "waited in vain until {what}\n{}", self.journal());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The last lines of the journal or the system's log, for a message.
    pub fn journal(&self) -> String {
        self.engine.journal(None)
    }

    /// Starts a unit or an init script, which must then stay up for a moment.
    pub fn start(&self, unit: &str) {
        let services = self.engine.services();
        let started = services.start(&self.engine, unit).unwrap_or_else(|error| panic!("{error}"));
        std::thread::sleep(Duration::from_millis(300));
        let state = services.state(&self.engine, unit).unwrap_or_else(|error| panic!("{error}"));
        assert!(
            started.code == 0 && state == smoke::State::Running,
            "{unit} does not run: {state:?}\n{}{}",
            both(&started),
            self.journal()
        );
    }
}
