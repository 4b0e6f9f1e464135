//! Packages on real systems: installed by real rpm and dnf with dependency resolution on, run by real systemd against
//! a real Redis, verified, removed. Needs root, debootstrap, systemd-nspawn, rpmbuild and pyenv's Pythons.

#[path = "../handmade/mod.rs"]
mod handmade;
#[path = "../support/mod.rs"]
mod support;

mod generated_spec;
mod harness;
mod initscripts;
mod lifecycle;
mod machine;
mod matrix;
mod plugins;
mod root;
mod rpm;
mod smoke;
mod smoke_demo;
mod target;
mod units;
