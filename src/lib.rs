//! omnipack turns a Python application and all it needs into native operating-system packages.
//!
//! Data flows one way, and each floor knows only the floors before it:
//!
//! ```text
//! project -> plan -> resolve -> stage -> service -> package -> format -> spec
//!       \___ distribution (facts about targets, pure data) ___/
//! ```
//!
//! [`build`] is the whole run, read top-down; [`smoke`] tries packages on machines; [`cli`] is arguments, progress and
//! how an error is shown.

pub mod build;
pub mod builder;
pub mod check;
pub mod ci;
pub mod cli;
pub mod distribution;
mod error;
pub mod exec;
pub mod format;
pub mod matrix;
pub mod package;
pub mod plan;
pub mod progress;
pub mod project;
pub mod resolve;
pub mod scaffold;
pub mod scratch;
pub mod service;
pub mod smoke;
pub mod spec;
pub mod stage;
pub mod template;

pub use error::Error;
