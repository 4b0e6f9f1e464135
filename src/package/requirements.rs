//! (temporary)
use crate::package::Architecture;
use crate::plan::{BuildPlan, Platform, Relation};
use crate::stage::{Entry, Findings};
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum Error {}
pub fn architecture(f: &Findings, p: &Platform) -> Architecture { if f.elf.is_empty() { Architecture::Independent } else { Architecture::Native(p.architecture.clone()) } }
pub fn native_requirements(_f: &Findings, _e: &[Entry], _p: &BuildPlan) -> Result<Vec<Relation>, Error> { Ok(Vec::new()) }
