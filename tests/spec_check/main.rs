//! What repositories can satisfy, held against real rpm and dnf on repositories that createrepo_c made.

#[path = "../support/mod.rs"]
mod support;

mod command;
mod dnf;
mod hostile;
mod remote;
mod repository;
