//! Small things of the header: tags, and what an RPM may be for.

use rpm::{HeaderEntry, IndexData, IndexTag};

use crate::format::Error;
use crate::format::text::wrong;
use crate::package::Package;

pub fn entry(tag: IndexTag, data: IndexData) -> HeaderEntry {
    HeaderEntry::new(tag as u32, data)
}

/// The architecture is part of the file name, and the user's restrictions must let it pass (as in rpmbuild; a package
/// for no architecture passes all of them).
///
/// # Errors
/// When it is no word, or is excluded; or when Linux is.
pub fn check_architecture(package: &Package) -> Result<(), Error> {
    let name = super::architecture(package);
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(wrong(package, "architecture", name, "is no word of letters, digits and `_`"));
    }
    let rpm = &package.rpm;
    let passes = |value: &str, excluded: &[String], exclusive: &[String]| {
        let listed = |list: &[String]| list.iter().any(|item| item == value);
        !listed(excluded) && (exclusive.is_empty() || listed(exclusive))
    };
    if name != "noarch" && !passes(name, &rpm.exclude_arch, &rpm.exclusive_arch) {
        return Err(wrong(package, "architecture", name, "is excluded by `exclude-arch` or `exclusive-arch`"));
    }
    if !passes("linux", &rpm.exclude_os, &rpm.exclusive_os) {
        return Err(wrong(package, "system", "linux", "is excluded by `exclude-os` or `exclusive-os`"));
    }
    Ok(())
}
