//! Packages on real systems: installed by real rpm, dnf and apt with dependency resolution on, run by real systemd against
//! a real Redis, verified, removed. Needs root, debootstrap, systemd-nspawn, rpmbuild, dpkg-dev and pyenv's Pythons.

#[path = "../handmade/mod.rs"]
mod handmade;
#[path = "../support/mod.rs"]
mod support;

mod bases;
mod deb;
mod debian_source;
mod generated_spec;
mod harness;
mod hybrid;
mod initscripts;
mod lifecycle;
mod machine;
mod matrix;
mod packages;
mod plain;
mod plugins;
mod root;
mod rpm;
mod smoke;
mod smoke_demo;
mod target;
mod units;
