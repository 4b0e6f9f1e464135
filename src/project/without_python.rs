//! `[python] interpreter = "none"`: a package without a Python application. Nothing but `[package]` says its name and version
//! then, and what is about Python or its virtual environment means nothing and is refused.

use super::document::Place;
use super::raw::{self, Configuration};
use super::reader::Reader;
use super::{Error, Metadata, Source};

/// Is it a configuration of a package without Python?
pub(super) fn is_chosen(raw: &Configuration) -> bool {
    raw.python.as_ref().is_some_and(|python| python.interpreter == Some(raw::Interpreter::None))
}

/// Notes what is missing and what cannot be meant, where [`is_chosen`].
pub(super) fn check(reader: &mut Reader<'_>, raw: &Configuration) {
    let Some(python) = raw.python.as_ref().filter(|_| is_chosen(raw)) else { return };
    let said = Place::at("python").key("interpreter");
    let package = raw.package.clone().unwrap_or_default();
    for (key, missing) in [("name", package.name.is_none()), ("version", package.version.is_none())] {
        if missing {
            let place = if raw.package.is_some() { Place::at("package") } else { said.clone() };
            let message = format!("`{key}` is missing in `[package]`: there is no Python application to take it from");
            reader.report(&place, message, format!("add `{key} = \"...\"` to `[package]`"));
        }
    }
    let mut refused = python_keys(python);
    refused.extend(package.prefix.is_some().then(|| Place::at("package").key("prefix")));
    refused.extend(package.links.is_some().then(|| Place::at("package").key("links")));
    for (index, meta) in raw.meta_package.iter().enumerate() {
        let at = Place::at("meta-package").index(index);
        refused.extend(meta.scripts.is_some().then(|| at.key("scripts")));
        refused.extend(meta.link_directory.is_some().then(|| at.key("link-directory")));
    }
    for place in refused {
        let message = format!(
            "`{}` is for a Python application, and `interpreter = \"none\"` says that there is none",
            place.name()
        );
        reader.clash(&place, &said, message, "keep one of them");
    }
}

/// The keys of `[python]` that are set besides `interpreter`.
fn python_keys(python: &raw::Python) -> Vec<Place> {
    let raw::Python {
        interpreter: _,
        // Of native code, whoever brings it.
        newer_cpu: _,
        source,
        sha256,
        version,
        requirements,
        constraints,
        extras,
        lock,
        find_links,
        index_url,
        extra_index_urls,
        no_index,
        require_hashes,
        resolver,
        bytecode,
        system_packages,
        strip,
        plugins,
    } = python;
    let keys = [
        ("source", source.is_some()),
        ("sha256", sha256.is_some()),
        ("version", version.is_some()),
        ("requirements", requirements.is_some()),
        ("constraints", constraints.is_some()),
        ("extras", extras.is_some()),
        ("lock", lock.is_some()),
        ("find-links", find_links.is_some()),
        ("index-url", index_url.is_some()),
        ("extra-index-urls", extra_index_urls.is_some()),
        ("no-index", no_index.is_some()),
        ("require-hashes", require_hashes.is_some()),
        ("resolver", resolver.is_some()),
        ("bytecode", bytecode.is_some()),
        ("system-packages", system_packages.is_some()),
        ("strip", strip.is_some()),
        ("plugins", plugins.is_some()),
    ];
    keys.into_iter().filter(|(_, given)| *given).map(|(key, _)| Place::at("python").key(key)).collect()
}

/// What stands for the metadata of an application.
///
/// # Errors
/// When the command line names an application all the same.
pub(super) fn metadata(raw: &Configuration, source: &Source, placeholder: Metadata) -> Result<Metadata, Error> {
    if source.directory().is_none() {
        return Err(Error::Unusable {
            path: source.to_string(),
            reason: "`interpreter = \"none\"` in the configuration says that there is no Python application".to_owned(),
            help: "name the directory with the files that the configuration packs, or take that line out".to_owned(),
        });
    }
    let package = raw.package.clone().unwrap_or_default();
    Ok(Metadata { name: package.name.unwrap_or_default(), version: package.version.unwrap_or_default(), ..placeholder })
}
