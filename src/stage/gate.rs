//! The gate that no byte passes which names the machine or the credentials of the build.

/// What to look for in every packed byte.
#[derive(Debug, Clone, Default)]
pub struct Scanner {}
