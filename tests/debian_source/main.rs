//! Debian source packages, built by the real dpkg-buildpackage with the debhelper and dh-python of Debian 12: what
//! `Build-Depends` names has to be there.

#[path = "../support/mod.rs"]
mod support;

#[path = "../handmade/mod.rs"]
mod handmade;

mod builds;
mod command;
mod everything;
mod hostile;
mod tool;
