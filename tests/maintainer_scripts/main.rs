//! Debian's maintainer scripts in every state of policy 6.5 to 6.8: real dpkg, in a throw-away copy of this machine, with
//! systemd booted where services run.

#[path = "../service_fixture/mod.rs"]
mod service_fixture;
mod services;
mod states;
mod support;
mod sysvinit;
