//! Reads any RPM's metadata.
use std::path::Path;
use crate::format::Error;
#[derive(Debug, Clone, serde::Serialize)]
pub struct Inspection { pub name: String }
pub fn read(path: &Path) -> Result<Inspection, Error> {
    let m = rpm::PackageMetadata::open(path).map_err(|source| Error::Read { path: path.to_path_buf(), source })?;
    Ok(Inspection { name: m.get_name().unwrap_or_default().to_owned() })
}
