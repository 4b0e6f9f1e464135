//! `[rpm]`: what only RPMs and their spec files have.

use super::RpmSettings;
use super::document::Place;
use super::error::Fault;
use super::raw::Configuration;
use super::reader::Reader;
use super::shape::hint;
use super::values;

/// What the spec file calls the application's own archive.
const ARCHIVE: &str = "Source0";

pub(super) fn rpm(reader: &mut Reader<'_>, raw: &RpmSettings) -> RpmSettings {
    let at = Place::at("rpm");
    if !raw.exclude_arch.is_empty() && !raw.exclusive_arch.is_empty() {
        let message = "`exclude-arch` contradicts `exclusive-arch`";
        reader.clash(&at.key("exclude-arch"), &at.key("exclusive-arch"), message, "keep one of them");
    }
    let patches = reader.files(&at.key("patches"), &raw.patches);
    RpmSettings {
        exclude_arch: reader.list(&at.key("exclude-arch"), &raw.exclude_arch, values::phrase),
        exclusive_arch: reader.list(&at.key("exclusive-arch"), &raw.exclusive_arch, values::phrase),
        exclude_os: reader.list(&at.key("exclude-os"), &raw.exclude_os, values::phrase),
        exclusive_os: reader.list(&at.key("exclusive-os"), &raw.exclusive_os, values::phrase),
        prefixes: reader.list(&at.key("prefixes"), &raw.prefixes, values::target_path),
        build_requires: reader.list(&at.key("build-requires"), &raw.build_requires, values::build_requirement),
        patches: patches.into_iter().map(|path| path.to_string_lossy().into_owned()).collect(),
        sources: sources(reader, &raw.sources),
        no_source: left_out(reader, "no-source", &raw.no_source, ("sources", &raw.sources)),
        no_patch: left_out(reader, "no-patch", &raw.no_patch, ("patches", &raw.patches)),
    }
}

/// Files become absolute, addresses stay. rpm knows a source by the last part of its name, so no two may share it.
fn sources(reader: &mut Reader<'_>, raw: &[String]) -> Vec<String> {
    let at = Place::at("rpm").key("sources");
    let mut all = Vec::with_capacity(raw.len());
    for (index, source) in raw.iter().enumerate() {
        let place = at.index(index);
        if let Some(first) = raw.iter().take(index).position(|other| last_part(other) == last_part(source)) {
            let message = format!("two sources have the file name `{}`", last_part(source).escape_debug());
            reader.clash(&place, &at.index(first), message, "rename one of them: they lie in one directory");
        }
        if source.contains("://") {
            all.extend(reader.value(&place, Some(source), values::source_address));
        } else {
            all.extend(reader.file(&place, Some(source)).map(|path| path.to_string_lossy().into_owned()));
        }
    }
    all
}

/// Each has to be the file name of one that is there.
fn left_out(reader: &mut Reader<'_>, key: &str, names: &[String], (of, all): (&str, &[String])) -> Vec<String> {
    let mut known: Vec<&str> = all.iter().map(|source| last_part(source)).collect();
    if key == "no-source" {
        known.push(ARCHIVE);
    }
    for (index, name) in names.iter().enumerate() {
        if !known.contains(&name.as_str()) {
            let help = if known.is_empty() { format!("`{of}` is empty") } else { hint(name, &known, "there are") };
            let message = format!("`{}` is none of `{of}`", name.escape_debug());
            reader.report(&Place::at("rpm").key(key).index(index), message, help);
        }
    }
    names.to_vec()
}

/// As rpm names the file of a source (`parseSpec.c`: what follows the last `/`, also in a fragment `#/name`).
fn last_part(source: &str) -> &str {
    source.rsplit('/').next().unwrap_or(source)
}

/// What may stand in a spec file: each rule says what is wrong with a text, if anything is.
#[derive(Clone, Copy)]
pub struct SpecRules {
    pub path: fn(&str) -> Option<String>,
    pub script: fn(&str) -> Option<String>,
    pub trigger_interpreter: fn(&str) -> Option<String>,
}

pub(super) fn check_for_spec(reader: &mut Reader<'_>, raw: &Configuration, rules: &SpecRules) {
    let check = |reader: &mut Reader<'_>, place: Place, text: Option<&str>, rule: fn(&str) -> Option<String>, help| {
        reader.value(&place, text, |text| rule(text).map_or(Ok(()), |message| Err(Fault::new(message, help))));
    };
    let rename = "letters, digits and `/._+-@:,=~^` make a path that rpm takes as it is; rename it";
    for (index, file) in raw.file.iter().enumerate() {
        let at = Place::at("file").index(index);
        check(reader, at.key("destination"), file.destination.as_deref(), rules.path, rename);
    }
    for (index, directory) in raw.directory.iter().enumerate() {
        let at = Place::at("directory").index(index);
        check(reader, at.key("path"), directory.path.as_deref(), rules.path, rename);
    }
    let write = "write it so that no line of the script begins with `%`: `printf '%s'` instead of a line `%s`";
    let scriptlets = &raw.scriptlets;
    for (key, text) in [
        ("pretrans", &scriptlets.pretrans),
        ("pre", &scriptlets.pre),
        ("post", &scriptlets.post),
        ("preun", &scriptlets.preun),
        ("postun", &scriptlets.postun),
        ("posttrans", &scriptlets.posttrans),
        ("verify", &scriptlets.verify),
    ] {
        let place = Place::at("scriptlets").key(key);
        let text = reader.script(&place, text.as_deref());
        check(reader, place, text.as_deref(), rules.script, write);
    }
    let alone = "name the interpreter alone, or have a shell script start it";
    for (index, trigger) in raw.trigger.iter().enumerate() {
        let place = Place::at("trigger").index(index).key("script");
        let text = reader.script(&place, trigger.script.as_deref());
        check(reader, place.clone(), text.as_deref(), rules.script, write);
        let first = text.as_deref().and_then(|text| text.strip_prefix("#!")).and_then(|text| text.lines().next());
        check(reader, place, first.filter(|_| trigger.interpreter.is_none()), rules.trigger_interpreter, alone);
    }
}
