//! Services through the life of a machine: scriptlets in the order in which rpm runs them, on a booted systemd and on
//! sysvinit, and what rpm itself makes of them.

mod environments;
mod formers;
mod interrupted;
mod kinds;
#[path = "../service_fixture/mod.rs"]
mod service_fixture;
mod states;
mod support;
mod sysvinit;
