//! Packages with C code that one machine builds in containers of the targets, with podman on images that are imported
//! Debian systems.

#![allow(dead_code, reason = "some modules belong to the system tests")]

mod auto;
mod identity;
mod trouble;
mod world;

#[path = "../system/bases.rs"]
mod bases;
#[path = "../containers_support/mod.rs"]
mod containers_support;
#[path = "../system/root.rs"]
mod root;
#[path = "../support/mod.rs"]
mod support;
