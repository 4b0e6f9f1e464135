//! What rpm's generator finds that a built package requires, held against omnipack's own translation of the same metadata.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use omnipack::distribution::{Catalogue, ToolVersion};
use omnipack::plan::requirement::{Vocabulary, translate};
use pep508_rs::{MarkerEnvironment, MarkerEnvironmentBuilder};

/// Python 3.13 on Linux.
fn markers() -> MarkerEnvironment {
    MarkerEnvironment::try_from(MarkerEnvironmentBuilder {
        implementation_name: "cpython",
        implementation_version: "3.13.0",
        os_name: "posix",
        platform_machine: "x86_64",
        platform_python_implementation: "CPython",
        platform_release: "",
        platform_system: "Linux",
        platform_version: "",
        python_full_version: "3.13.0",
        python_version: "3.13",
        sys_platform: "linux",
    })
    .unwrap()
}

/// What omnipack says for Fedora that the metadata of `name` in `site` requires. Debian's generator writes `< 2` where that of
/// Fedora 42 writes `< 2~~`.
pub fn translated(site: &Path, name: &str, version: &str) -> BTreeSet<String> {
    let of = |entry: &Path| entry.file_name().unwrap().to_string_lossy().to_lowercase().replace('_', "-");
    let wanted = format!("{name}-{version}.dist-info");
    let mut entries = fs_err::read_dir(site).unwrap().map(|entry| entry.unwrap().path());
    let info = entries.find(|path| of(path) == wanted).unwrap_or_else(|| panic!("no {wanted}"));
    let metadata = fs_err::read_to_string(info.join("METADATA")).unwrap();
    let head = metadata.split("\n\n").next().unwrap_or_default();
    let requirements = head.lines().filter_map(|line| line.strip_prefix("Requires-Dist: ")).map(str::to_owned);
    let requirements = requirements.collect::<Vec<_>>();
    let distribution = Catalogue::embedded().unwrap().get("fedora-42").unwrap().clone();
    let map = BTreeMap::new();
    let vocabulary = Vocabulary::new(&distribution, ToolVersion { major: 3, minor: 13, patch: 0 }, &map);
    let translations = translate(&requirements, &[], &markers(), &vocabulary).unwrap();
    let relations = translations.iter().flat_map(|translation| &translation.relations);
    // Fedora's own Python has no series in the names, and the generator writes it.
    relations
        .map(|relation| relation.to_string().replace("~~", "").replace("python3dist(", "python3.13dist("))
        .collect()
}
