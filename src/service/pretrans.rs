//! What has to be out of the way before rpm looks at the disk: a directory that is a link in the new version, and a link
//! that is a directory. rpm replaces neither by the other
//! (<https://docs.fedoraproject.org/en-US/packaging-guidelines/Directory_Replacement/>). It runs before there may be
//! a shell, so it is written in the Lua that is part of rpm.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::distribution::PackageFormat;
use crate::plan::BuildPlan;
use crate::stage::{Entry, EntryKind, TargetPath};
use crate::template;

use super::{Error, Scriptlet, replaced, scriptlets, target_path};

#[derive(Serialize)]
struct Context<'a> {
    package: &'a str,
    prefix: &'a str,
    notes_directory: &'static str,
    links: Vec<&'a str>,
    /// Names by the path of the directory above them, from the prefix on.
    directories: BTreeMap<&'a str, Vec<&'a str>>,
    user_script: Option<String>,
}

/// The `%pretrans` of a package with these `entries`: omnipack's part and then `user`'s. A format that has nothing of
/// the kind keeps the user's.
///
/// # Errors
/// When the user's is not Lua, and so cannot be run together with omnipack's.
pub fn pretrans(
    plan: &BuildPlan,
    package: &str,
    entries: &[Entry],
    user: Option<Scriptlet>,
) -> Result<Option<Scriptlet>, Error> {
    if !plan.has_python() {
        return Ok(user);
    }
    let prefix = target_path(&plan.prefix)?;
    let inside = entries.iter().filter(|entry| entry.path != prefix && entry.path.is_below(&prefix));
    let inside = inside.collect::<Vec<_>>();
    let links = inside.iter().filter(|entry| matches!(entry.kind, EntryKind::Symlink(_)));
    let links = links.map(|entry| relative(&entry.path, &prefix)).collect::<Vec<_>>();
    let directories = directories(&inside, &prefix, &replaced::named_directories(plan)?);
    if plan.distribution.format != PackageFormat::Rpm || (links.is_empty() && directories.is_empty()) {
        return Ok(user);
    }
    let user_script = user.map(|script| lua(package, script)).transpose()?;
    let context = Context {
        package,
        prefix: prefix.as_str(),
        notes_directory: scriptlets::NOTES,
        links,
        directories,
        user_script,
    };
    let name = format!("pretrans of {package}");
    let text = template::render(&name, include_str!("../../templates/scriptlets/pretrans.lua"), context)?;
    Ok(Some(Scriptlet { interpreter: vec!["<lua>".to_owned()], text }))
}

fn relative<'a>(path: &'a TargetPath, prefix: &TargetPath) -> &'a str {
    path.as_str().strip_prefix(prefix.as_str()).unwrap_or_default().trim_start_matches('/')
}

/// All but directories for `data`, which are the operator's to place elsewhere by a link, and caches of bytecode, which
/// never were links.
fn directories<'a>(
    inside: &[&'a Entry],
    prefix: &TargetPath,
    data: &BTreeSet<TargetPath>,
) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for entry in inside {
        let path = relative(&entry.path, prefix);
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let plain = !data.contains(&entry.path) && name != "__pycache__";
        if plain && matches!(entry.kind, EntryKind::Directory) {
            names.entry(above).or_default().push(name);
        }
    }
    names
}

fn lua(package: &str, script: Scriptlet) -> Result<String, Error> {
    if script.interpreter.first().is_some_and(|program| program == "<lua>") {
        return Ok(script.text);
    }
    Err(Error::Scriptlet {
        kind: "pretrans".to_owned(),
        package: package.to_owned(),
        reason: format!(
            "is run by {}, and omnipack has to do things in it too, in rpm's Lua",
            script.interpreter.join(" ")
        ),
        hint: "start it with `#!<lua>` and write it in Lua, which runs also before there is a shell; or do it in `pre`"
            .to_owned(),
    })
}
