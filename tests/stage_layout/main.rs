//! The laid-out tree: compared file by file with what uv and pip install, and what becomes of hostile wheels.

mod files;
mod hostile;
mod interpreter;
mod plugins;
mod real_wheels;
mod support;
mod tree;
