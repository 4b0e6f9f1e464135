//! Packages tried on a machine: installed, started, upgraded, removed, as an operator does it, with every step in a
//! report.
//!
//! The machine is a directory with a system in it that is booted here ([`Overlay`] keeps it as it is), a container, or
//! this machine itself. [`Machine`] runs commands there, [`ServiceManager`] and [`PackageManager`] say it in the words of
//! the machine, [`Snapshot`] is what a removal is measured against. The project's own tests of real systems stand on the
//! same.

mod container;
mod error;
mod inventory;
mod leftovers;
mod machine;
mod nspawn;
mod overlay;
mod packages;
mod report;
mod run;
mod services;
mod snapshot;
mod watch;

pub use container::Engine;
pub use error::Error;
pub use machine::{DIRECTORY, Machine, both};
pub use overlay::Overlay;
pub use packages::{Done, PackageKind, PackageManager};
pub use report::{Outcome, Phase, Report, Step};
pub use run::{AfterFailure, Place, Request, Tried, run};
pub use services::{ServiceManager, State};
pub use snapshot::Snapshot;

/// What every command on a machine is run with: the search path and language that services and logins have, and nothing
/// of the caller's.
const SURROUNDINGS: [&str; 5] =
    ["env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=/root"];
