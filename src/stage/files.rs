//! What the user adds to a package: files, trees, templates, directories, and links to the commands of the tree.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::text::strict_environment;
use super::{Content, Entry, EntryKind, Error, LayoutError, Origin, Stage, TargetPath, links};
use crate::plan::{BuildPlan, Links, PackagePlan};
use crate::project::{ExtraDirectory, ExtraFile, Service};
use crate::resolve::WheelRole;

/// How like an existing name a wrong one must be for the existing one to be offered (Jaro-Winkler).
const ALIKE: f64 = 0.75;

/// What a template of the user may name.
#[derive(Serialize)]
struct Names<'a> {
    /// Of the main package.
    name: &'a str,
    /// Of the package that the file belongs to.
    package: &'a str,
    version: &'a str,
    release: &'a str,
    prefix: &'a str,
    python: String,
    distribution: &'a str,
    architecture: &'a str,
}

const KNOWN_NAMES: &str = "name, package, version, release, prefix, python, distribution, architecture";

/// The `[[file]]`, `[[directory]]` and links of one package, sorted. Directories above them are not among them: below
/// the prefix [`Stage::add`] makes those.
///
/// # Errors
/// When a file cannot be read, is no file, directory or harmless link, two want the same path, a template is wrong, or
/// a script to be linked does not exist in `stage`.
pub fn package_entries(plan: &BuildPlan, package: &PackagePlan, stage: &Stage) -> Result<Vec<Entry>, Error> {
    // Outside of any prefix: only what is named is collected, and nothing may be there twice.
    let mut collected = Stage::new(TargetPath::new("/nowhere").unwrap_or_default());
    for file in &package.files {
        collected.add(extra_file(plan, package, file)?)?;
    }
    for directory in &package.directories {
        collected.add([extra_directory(directory)?])?;
    }
    for links in &package.links {
        collected.add(script_links(plan, links, stage)?)?;
    }
    Ok(collected.entries)
}

fn extra_directory(directory: &ExtraDirectory) -> Result<Entry, LayoutError> {
    let path = target(&directory.path, &directory.path)?;
    let mut entry = Entry::new(path, directory.mode, EntryKind::Directory, Origin::User);
    entry.owner = directory.owner.as_str().into();
    entry.group = directory.group.as_str().into();
    entry.flags.ghost = directory.ghost;
    Ok(entry)
}

fn target(path: &str, source: &str) -> Result<TargetPath, LayoutError> {
    TargetPath::new(path).map_err(|reason| refuse(Path::new(source), &reason, "name an absolute path of the target"))
}

fn refuse(path: &Path, reason: &str, hint: &str) -> LayoutError {
    LayoutError::File { path: path.display().to_string(), reason: reason.to_owned(), hint: hint.to_owned() }
}

fn extra_file(plan: &BuildPlan, package: &PackagePlan, file: &ExtraFile) -> Result<Vec<Entry>, Error> {
    let metadata = fs_err::metadata(&file.source).map_err(|error| {
        refuse(&file.source, &error.to_string(), "correct `source` of this `[[file]]`; it is relative to the project")
    })?;
    if metadata.is_dir() {
        return extra_tree(plan, package, file);
    }
    if !metadata.is_file() {
        return Err(refuse(&file.source, "it is neither a file nor a directory", "name a regular file").into());
    }
    let source = file.source.display().to_string();
    let destination = if file.destination.ends_with('/') {
        let name = file.source.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| refuse(&file.source, "its name is not UTF-8", "rename it"))?;
        target(&format!("{}{name}", file.destination), &source)?
    } else {
        target(&file.destination, &source)?
    };
    Ok(vec![regular_file(plan, package, file, &file.source, destination)?])
}

fn regular_file(
    plan: &BuildPlan,
    package: &PackagePlan,
    file: &ExtraFile,
    source: &Path,
    destination: TargetPath,
) -> Result<Entry, Error> {
    let metadata = fs_err::metadata(source)?;
    let executable = metadata.permissions().mode() & 0o111 != 0;
    let content = if file.template {
        Content::Bytes(Arc::from(render(plan, package, source)?.into_bytes()))
    } else {
        Content::File { path: Arc::new(source.to_path_buf()), size: metadata.len() }
    };
    let mode = file.mode.unwrap_or_else(|| match is_environment_file(plan, &destination) {
        true => 0o600,
        false if executable => 0o755,
        false => 0o644,
    });
    let mut entry = Entry::new(destination, mode, EntryKind::File(content), Origin::User);
    entry.owner = file.owner.as_str().into();
    entry.group = file.group.as_str().into();
    entry.flags.config = file.config;
    entry.flags.doc = file.doc;
    entry.flags.capabilities = file.capabilities.as_deref().map(Into::into);
    Ok(entry)
}

/// Services read passwords from their environment, which nobody else is to see.
fn is_environment_file(plan: &BuildPlan, path: &TargetPath) -> bool {
    let services = plan.packages.iter().flat_map(|package| &package.services);
    let mut paths = services.flat_map(Service::environment_files);
    paths.any(|named| TargetPath::new(&named).is_ok_and(|named| named == *path))
}

/// A directory with all below it. Links are kept as they are, as long as they stay inside.
fn extra_tree(plan: &BuildPlan, package: &PackagePlan, file: &ExtraFile) -> Result<Vec<Entry>, Error> {
    let root = target(&file.destination, &file.source.display().to_string())?;
    let mut entries = Vec::new();
    for found in walkdir::WalkDir::new(&file.source).sort_by_file_name() {
        let found = found.map_err(std::io::Error::from)?;
        let path = found.path();
        let relative = path.strip_prefix(&file.source).unwrap_or(path);
        let relative = relative.to_str().ok_or_else(|| refuse(path, "its name is not UTF-8", "rename it"))?;
        let destination = target(&format!("{root}/{relative}"), relative)?;
        let kind = found.file_type();
        // The root may be a link itself: it is what the user named.
        if kind.is_dir() || found.depth() == 0 {
            let mode = file.mode.map_or(0o755, |mode| mode | (mode & 0o444) >> 2);
            let mut entry = Entry::new(destination, mode, EntryKind::Directory, Origin::User);
            entry.owner = file.owner.as_str().into();
            entry.group = file.group.as_str().into();
            entries.push(entry);
        } else if kind.is_symlink() {
            entries.push(Entry::symlink(destination, &inner_link(path, relative)?, Origin::User));
        } else if kind.is_file() {
            entries.push(regular_file(plan, package, file, path, destination)?);
        } else {
            return Err(refuse(path, "it is a socket, a pipe or a device", "remove it from the tree").into());
        }
    }
    Ok(entries)
}

fn inner_link(path: &Path, relative: &str) -> Result<String, LayoutError> {
    let link = fs_err::read_link(path)?;
    let text = link.to_str().ok_or_else(|| refuse(path, "it points to a name that is not UTF-8", "remove it"))?;
    match links::resolve_inside(relative, text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(refuse(
            path,
            &format!("it is a symbolic link that leaves the tree: it points to `{text}`"),
            "replace it by a copy, or by a relative link to something in the same tree",
        )),
    }
}

fn render(plan: &BuildPlan, package: &PackagePlan, source: &Path) -> Result<String, LayoutError> {
    let wrong = |reason: String| LayoutError::Template {
        path: source.display().to_string(),
        reason,
        known: KNOWN_NAMES.to_owned(),
    };
    let bytes = fs_err::read(source)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| wrong(error.to_string()))?;
    let names = Names {
        name: plan.packages.first().map_or(package.name.as_str(), |main| main.name.as_str()),
        package: &package.name,
        version: &plan.version,
        release: &plan.evr.release,
        prefix: if plan.has_python() { &plan.prefix } else { "" },
        python: if plan.has_python() { plan.interpreter.version.to_string() } else { String::new() },
        distribution: &plan.distribution.name,
        architecture: &plan.platform.architecture,
    };
    let name = source.file_name().unwrap_or_default().to_string_lossy();
    strict_environment()
        .render_named_str(&name, text, minijinja::value::Serde(names))
        .map_err(|error| wrong(error.to_string()))
}

fn script_links(plan: &BuildPlan, links: &Links, stage: &Stage) -> Result<Vec<Entry>, LayoutError> {
    let directory = target(&links.directory, &links.directory)?;
    let bin = target(&format!("{}/bin", plan.prefix), &plan.prefix)?;
    let names = match &links.scripts {
        Some(names) => names.clone(),
        None => application_scripts(stage),
    };
    names
        .iter()
        .map(|name| {
            let program = bin.join(name).ok().filter(|path| path.parent().as_ref() == Some(&bin));
            let program =
                program.filter(|path| stage.get(path).is_some_and(|entry| !matches!(entry.kind, EntryKind::Directory)));
            let program = program.ok_or_else(|| LayoutError::NoSuchScript {
                script: name.clone(),
                directory: bin.to_string(),
                hint: nearest(name, stage, &bin),
            })?;
            let link = directory.join(name).map_err(|reason| refuse(Path::new(name), &reason, "name a script"))?;
            Ok(Entry::symlink(link, program.as_str(), Origin::Generated))
        })
        .collect()
}

fn application_scripts(stage: &Stage) -> Vec<String> {
    let is_application =
        |owner: &str| stage.distributions.iter().any(|one| &*one.name == owner && one.role == WheelRole::Application);
    let scripts = stage.scripts.iter().filter(|(_, owner)| is_application(owner));
    scripts.map(|(name, _)| name.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

fn nearest(name: &str, stage: &Stage, bin: &TargetPath) -> String {
    let programs =
        stage.entries.iter().filter(|entry| entry.path.parent().as_ref() == Some(bin) && entry.mode & 0o111 != 0);
    let mut alike = programs
        .map(|entry| (strsim::jaro_winkler(name, entry.path.file_name()), entry.path.file_name()))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect::<Vec<_>>();
    alike.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(right.1)));
    let alike = alike.iter().take(3).map(|(_, name)| format!("`{name}`")).collect::<Vec<_>>();
    if !alike.is_empty() {
        return format!("did you mean {}?", alike.join(" or "));
    }
    let scripts = stage.scripts.iter().map(|(name, _)| name.as_str()).collect::<BTreeSet<_>>();
    if scripts.is_empty() {
        return "no wheel brings a script; declare one in `[project.scripts]`".to_owned();
    }
    format!("there are: {}", scripts.into_iter().collect::<Vec<_>>().join(", "))
}
