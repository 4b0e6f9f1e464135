//! `[builder]`: the container in which C code is compiled for a target.

use super::BuilderSettings;
use super::document::Place;
use super::error::Fault;
use super::raw::Configuration;
use super::reader::Reader;
use crate::distribution::{BadImage, PackageFormat, check_image};

/// Reads the table, with the `build-requires` of the format.
pub(super) fn builder(reader: &mut Reader<'_>, raw: &Configuration, format: PackageFormat) -> BuilderSettings {
    let at = Place::at("builder");
    let table = &raw.builder;
    let network = reader.value(&at.key("network"), table.network.as_deref(), word);
    BuilderSettings {
        engine: table.engine.unwrap_or_default(),
        image: reader.value(&at.key("image"), table.image.as_deref(), image),
        packages: reader.list(&at.key("packages"), &table.packages, package),
        build_requires: match format {
            PackageFormat::Rpm => raw.rpm.build_requires.clone(),
            PackageFormat::Deb => raw.deb.build_requires.clone(),
        },
        repositories: reader.list(&at.key("repositories"), &table.repositories, word),
        network: network.unwrap_or_else(|| "host".to_owned()),
    }
}

/// One word that no option begins with.
fn word(text: &str) -> Result<String, Fault> {
    let sound = |c: char| c.is_ascii_alphanumeric() || "._-:".contains(c);
    if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(sound) {
        return Ok(text.to_owned());
    }
    let message = format!("`{}` is not one word", text.escape_debug());
    Err(Fault::new(message, "letters, digits and `._-:`, with a letter or digit first"))
}

fn image(text: &str) -> Result<String, Fault> {
    match check_image(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(BadImage { message, help }) => Err(Fault::new(message, help)),
    }
}

/// What a package manager installs: a package, a capability, either with a version.
fn package(text: &str) -> Result<String, Fault> {
    let sound = |c: char| c.is_ascii_alphanumeric() || " ._+-()[]/<>=:~^,|".contains(c);
    let start = |c: char| c.is_ascii_alphanumeric() || "_/(".contains(c);
    if text.starts_with(start) && text.chars().all(sound) {
        return Ok(text.to_owned());
    }
    let message = format!("`{}` is nothing that a package manager can install", text.escape_debug());
    Err(Fault::new(
        message,
        "write a package or a capability: `libpq-devel`, `pkgconfig(libpq)`, `openssl-devel >= 1.1`",
    ))
}
