//! A CPython inside of the prefix.
use super::{Entry, Error};
use crate::plan::BuildPlan;
use std::path::Path;
pub(super) fn entries(_: &BuildPlan, _: &str, _: &Path) -> Result<Vec<Entry>, Error> {
    Ok(Vec::new())
}
