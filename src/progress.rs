//! How the floors tell what they are doing, without knowing who listens: a terminal, a log, a test.

/// Hears of the steps of a run. Called from several threads.
pub trait Listener: Sync {
    /// A step begins: "resolving 14 requirements".
    fn step(&self, text: &str);
    /// Part of the current step is done, out of `total` (0: not known).
    fn progress(&self, done: u64, total: u64);
    /// Something the user should know, though the build goes on.
    fn warning(&self, text: &str);
}

/// Hears nothing.
pub struct Silent;

impl Listener for Silent {
    fn step(&self, _: &str) {}
    fn progress(&self, _: u64, _: u64) {}
    fn warning(&self, _: &str) {}
}
