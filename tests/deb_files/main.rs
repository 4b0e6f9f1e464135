//! What maintainer scripts do for files, in packages of the real command, by the real dpkg, in a throw-away copy of this
//! machine. It needs root.

#[path = "../handmade/mod.rs"]
mod handmade;
#[path = "../service_fixture/mod.rs"]
mod service_fixture;

mod conffiles;
mod directories;
mod owners;
mod support;
mod triggers;
