//! Real projects of the package index, through `omnipack generate-spec` and the distributions' tools: rpmspec, rpmbuild, rpmlint,
//! dnf or rpm with every dependency looked at, and then the programs themselves.
//!
//! What is real: the projects' source archives and what they require (pinned in `projects.toml` and the lists beside it), the
//! targets' Pythons, rpm's tools, rpm's `pythondistdeps.py`, which says what packages provide and require. What cannot be had
//! are the distributions' packages: the macros are those of `tests/spec_files/macros` and `macros/`, written for the tests;
//! what applications require is installed with pip, and a package says of it what `pythondistdeps.py` finds in it. So a
//! `Requires` or `BuildRequires` that says a wrong name or version stops the test.

#![allow(dead_code, reason = "modules of the system tests belong to them")]

#[path = "../system/bases.rs"]
mod bases;
#[path = "../system/deb.rs"]
mod deb;
#[path = "../system/machine.rs"]
mod machine;
#[path = "../system/packages.rs"]
mod packages;
#[path = "../system/root.rs"]
mod root;
#[path = "../system/rpm.rs"]
mod rpm;
#[path = "../spec_files/rpmlint.rs"]
mod rpmlint;
#[path = "../support/mod.rs"]
mod support;
#[path = "../system/target.rs"]
mod target;

mod builds;
mod environment;
mod requirements;
mod table;
mod tries;
