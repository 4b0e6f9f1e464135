//! Spec files, with the real rpmspec and rpmbuild. The macro packages of the distributions cannot be had here: the macros in
//! `macros/` are written for these tests, as small as they can be, after the documentation of the real ones; with them,
//! rpmbuild runs every section of the generated files, but no `BuildRequires` is looked at (`--nodeps`).

#[path = "../support/mod.rs"]
mod support;

#[path = "../handmade/mod.rs"]
mod handmade;

mod builds;
mod check;
mod command;
mod everything;
mod hostile;
mod hostile_builds;
mod hybrid;
mod lints;
mod outputs;
mod rpmbuild;
mod rpmlint;
mod source_packages;
mod tool;
mod trials;
