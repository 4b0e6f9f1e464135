//! Lays the wheels of a lock out for a prefix, after the wheel specification's installation steps
//! (<https://packaging.python.org/specifications/binary-distribution-format/#installing-a-wheel-distribution-1-0-py32-none-any-whl>),
//! with the schemes of a virtual environment.
//!
//! Done in two steps, since `RECORD` names bytecode that can only be compiled once the sources have their place:
//! [`lay_out`] gives a [`LaidOut`]; whoever compiles adds the `.pyc` files through [`LaidOut::finish`], which writes
//! every `RECORD`.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::plugins::Plugins;
use super::record::{self, Row};
use super::wheel::{MemberKind, OpenWheel, WheelMember};
use super::{
    BundledDistribution, Content, Entry, EntryKind, Error, LayoutError, Origin, Overlap, Stage, TargetPath,
    WheelProblem, entry_points, interpreter, links, plugins, scripts, venv,
};
use crate::distribution::ToolVersion;
use crate::plan::{BuildPlan, InterpreterKind};
use crate::resolve::{Lock, Wheel, WheelRole};

/// What an installer writes itself, whatever the wheel has (PEP 376, PEP 610), and signatures that no longer hold.
const NOT_TAKEN_OVER: [&str; 6] = ["RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER", "REQUESTED", "direct_url.json"];

/// Where things lie in a virtual environment.
#[derive(Debug, Clone)]
pub struct Layout {
    pub prefix: TargetPath,
    pub bin: TargetPath,
    /// `purelib` and `platlib`: `<prefix>/lib/python3.6/site-packages`
    pub site_packages: TargetPath,
    /// Headers of wheels, below this by distribution: `<prefix>/include/site/python3.6`
    pub include: TargetPath,
    /// What scripts run on: `<prefix>/bin/python`
    pub python: TargetPath,
    pub version: ToolVersion,
    /// `lib64` is a link to `lib`, as `venv` makes it on 64-bit Linux.
    pub lib64: bool,
    pub(super) plugins: Option<Plugins>,
}

impl Layout {
    /// # Errors
    /// When the prefix cannot be written into scripts, or the Python is too old for virtual environments.
    pub fn new(plan: &BuildPlan) -> Result<Self, Error> {
        let wrong = |reason: String| LayoutError::Prefix { prefix: plan.prefix.escape_debug().to_string(), reason };
        let prefix = TargetPath::new(&plan.prefix).map_err(wrong)?;
        if prefix.as_str() == "/" {
            return Err(wrong("it is the root directory".to_owned()).into());
        }
        // A backslash would be an escape in launchers, where the path stands in a Python string.
        if plan.prefix.chars().any(|character| character.is_control() || character == '\\') {
            return Err(wrong("it has a control character or a backslash".to_owned()).into());
        }
        let version = plan.interpreter.version;
        if (version.major, version.minor) < (3, 3) {
            return Err(LayoutError::OldPython { version: version.to_string() }.into());
        }
        let at = |relative: &str| prefix.join(relative).map_err(wrong);
        let python = format!("python{}.{}", version.major, version.minor);
        Ok(Self {
            bin: at("bin")?,
            site_packages: at(&format!("lib/{python}/site-packages"))?,
            include: at(&format!("include/site/{python}"))?,
            python: at("bin/python")?,
            version,
            lib64: plan.platform.machine.contains("64") || plan.platform.machine == "s390x",
            plugins: Plugins::new(plan)?,
            prefix,
        })
    }

    /// Where a member of the wheel of distribution `name` lies.
    fn place(&self, name: &str, member: &str) -> Result<TargetPath, WheelProblem> {
        let unknown = || WheelProblem::Scheme(member.to_owned());
        let Some((_, in_data)) = member.split_once('/').filter(|(top, _)| top.ends_with(".data")) else {
            return self.site_packages.join(member).map_err(WheelProblem::Escapes);
        };
        let (scheme, rest) = in_data.split_once('/').ok_or_else(unknown)?;
        match scheme {
            "purelib" | "platlib" => self.site_packages.join(rest),
            "scripts" => self.bin.join(rest),
            "headers" => self.include.join(name).and_then(|include| include.join(rest)),
            "data" => match rest.strip_prefix("lib64/").filter(|_| self.lib64) {
                Some(rest) => self.prefix.join(&format!("lib/{rest}")),
                None => self.prefix.join(rest),
            },
            _ => return Err(unknown()),
        }
        .map_err(WheelProblem::Escapes)
    }
}

/// A tree whose `RECORD` files are not yet written.
#[derive(Debug, Clone)]
pub struct LaidOut {
    /// Everything but bytecode and `RECORD`.
    pub stage: Stage,
    pub layout: Layout,
    records: Vec<PendingRecord>,
    digests: HashMap<TargetPath, (String, u64)>,
}

#[derive(Debug, Clone)]
struct PendingRecord {
    path: TargetPath,
    origin: Origin,
    files: Vec<TargetPath>,
}

/// Lays out the wheels of `lock`, the virtual environment around them and, where the plan bundles one, the
/// interpreter; `cache` is where an interpreter's archive may be unpacked once and for all.
///
/// # Errors
/// When a wheel is damaged, hostile or editable, two things want the same path, or the interpreter is unusable.
pub fn lay_out(plan: &BuildPlan, lock: &Lock, cache: &Path) -> Result<LaidOut, Error> {
    let layout = Layout::new(plan)?;
    let placed = lock.wheels.par_iter().map(|wheel| place_wheel(&layout, wheel)).collect::<Result<Vec<_>, _>>()?;
    let mut laid_out = LaidOut {
        stage: Stage::new(layout.prefix.clone()),
        layout,
        records: Vec::with_capacity(placed.len()),
        digests: HashMap::new(),
    };
    laid_out.merge(placed)?;
    laid_out.stage.add(venv::entries(plan, &laid_out.layout)?)?;
    laid_out.stage.add(plugins::entries(&laid_out.layout)?)?;
    if let InterpreterKind::Bundled { source, .. } = &plan.interpreter.kind {
        laid_out.stage.add(interpreter::entries(plan, source, cache)?)?;
    }
    Ok(laid_out)
}

impl LaidOut {
    /// Adds `bytecode` (entries at `__pycache__/*.pyc`, or `*.pyc` beside the source) and writes every `RECORD`, where
    /// a distribution's bytecode is listed without a digest, as pip does.
    ///
    /// # Errors
    /// When a path of `bytecode` is there already.
    pub fn finish(self, bytecode: Vec<Entry>) -> Result<Stage, Error> {
        let Self { mut stage, layout, records, digests } = self;
        let mut compiled: HashMap<String, Vec<&TargetPath>> = HashMap::new();
        for entry in &bytecode {
            if let Some(source) = source_of(entry.path.as_str()) {
                compiled.entry(source).or_default().push(&entry.path);
            }
        }
        let row = |path: &TargetPath, digest: &str, size: &str| Row {
            path: links::relative(layout.site_packages.as_str(), path.as_str()),
            digest: digest.to_owned(),
            size: size.to_owned(),
        };
        let mut written = Vec::with_capacity(records.len());
        for pending in records {
            let mut rows = vec![row(&pending.path, "", "")];
            for path in &pending.files {
                rows.push(match digests.get(path) {
                    Some((digest, size)) => row(path, digest, &size.to_string()),
                    None => row(path, "", ""),
                });
                let of_source = compiled.get(path.as_str()).into_iter().flatten();
                rows.extend(of_source.map(|bytecode| row(bytecode, "", "")));
            }
            written.push(file(pending.path, text(record::write(rows)), pending.origin));
        }
        stage.add(bytecode.into_iter().chain(written))?;
        Ok(stage)
    }

    /// Takes what the wheels have placed, the application's last: of what is there twice the last is kept.
    fn merge(&mut self, mut placed: Vec<PlacedWheel>) -> Result<(), Error> {
        placed.sort_by_key(|wheel| wheel.distribution.role == WheelRole::Application);
        let mut kept: HashMap<TargetPath, PlacedFile> = HashMap::new();
        for wheel in placed {
            let files = wheel.files.iter().map(|file| file.entry.path.clone()).collect();
            self.records.push(PendingRecord { path: wheel.record, origin: wheel.origin, files });
            self.stage.distributions.push(wheel.distribution);
            self.stage.scripts.extend(wheel.scripts);
            for file in wheel.files {
                let path = file.entry.path.clone();
                let Some(before) = kept.insert(path.clone(), file) else { continue };
                if let Some(now) = kept.get(&path).filter(|now| !now.same_as(&before)) {
                    let kept = now.entry.origin.clone();
                    self.stage.overlaps.push(Overlap { path, kept, dropped: before.entry.origin });
                }
            }
        }
        let belongs = |script: &str, name: &Arc<str>| {
            let file = self.layout.bin.join(script).ok().and_then(|path| kept.get(&path));
            file.is_some_and(|file| matches!(&file.entry.origin, Origin::Wheel { name: owner, .. } if owner == name))
        };
        self.stage.scripts.retain(|(script, name)| belongs(script, name));
        self.stage.distributions.sort_by(|left, right| left.name.cmp(&right.name));
        self.stage.scripts.sort();
        self.stage.overlaps.sort_by(|left, right| left.path.cmp(&right.path));
        for (path, file) in &kept {
            if let (Some(digest), EntryKind::File(content)) = (&file.digest, &file.entry.kind) {
                self.digests.insert(path.clone(), (digest.clone(), content.size()));
            }
        }
        self.stage.add(kept.into_values().map(|file| file.entry))
    }
}

struct PlacedWheel {
    distribution: BundledDistribution,
    origin: Origin,
    record: TargetPath,
    files: Vec<PlacedFile>,
    scripts: Vec<(String, Arc<str>)>,
}

struct PlacedFile {
    entry: Entry,
    /// `None` for a symbolic link.
    digest: Option<String>,
}

impl PlacedFile {
    fn same_as(&self, other: &Self) -> bool {
        match (&self.entry.kind, &other.entry.kind) {
            (EntryKind::Symlink(one), EntryKind::Symlink(two)) => one == two,
            (EntryKind::File(_), EntryKind::File(_)) => self.digest == other.digest,
            _ => false,
        }
    }

    fn generated(path: TargetPath, mode: u32, bytes: Vec<u8>, origin: Origin) -> Self {
        let digest = Some(record::digest(&bytes));
        Self { entry: Entry::new(path, mode, EntryKind::File(Content::Bytes(bytes.into())), origin), digest }
    }
}

fn place_wheel(layout: &Layout, wheel: &Wheel) -> Result<PlacedWheel, LayoutError> {
    let open = OpenWheel::open(wheel)?;
    let of_wheel = |problem: WheelProblem| problem.of(&open.file_name);
    let name: Arc<str> = wheel.name.as_str().into();
    let version: Arc<str> = open.version.as_str().into();
    let origin = Origin::Wheel { name: Arc::clone(&name), version: Arc::clone(&version) };
    let dist_info = layout.site_packages.join(&open.dist_info).map_err(|path| of_wheel(WheelProblem::Escapes(path)))?;
    let in_dist_info = |file: &str| dist_info.join(file).map_err(|path| of_wheel(WheelProblem::Escapes(path)));
    let mut files = Vec::with_capacity(open.members.len() + open.scripts.len() + 4);
    let stale = stale_bytecode(&open.members);
    for member in open.members.iter().filter(|member| !stale.contains(&member.name.as_str())) {
        if is_not_taken_over(&open.dist_info, &member.name) {
            continue;
        }
        files.extend(place_member(layout, &name, &open, member, &origin).map_err(of_wheel)?);
    }
    for script in &entry_points::name_for_python(open.scripts.clone(), layout.version) {
        let path = layout.bin.join(&script.name).map_err(|path| of_wheel(WheelProblem::Escapes(path)))?;
        let text = match &layout.plugins {
            Some(plugins) if &*name == "pip" => plugins.pip(layout, script)?,
            _ => scripts::launcher(script, layout.python.as_str())?,
        };
        files.push(PlacedFile::generated(path, 0o755, text.into_bytes(), origin.clone()));
    }
    let mut write = |file: &str, text: &str| -> Result<(), LayoutError> {
        files.push(PlacedFile::generated(in_dist_info(file)?, 0o644, text.as_bytes().to_vec(), origin.clone()));
        Ok(())
    };
    write("INSTALLER", "omnipack\n")?;
    if wheel.role == WheelRole::Application {
        write("REQUESTED", "")?;
    }
    if let Some(direct_url) = &wheel.direct_url {
        write("direct_url.json", direct_url)?;
    }
    let in_bin = files.iter().filter(|file| file.entry.path.parent().as_ref() == Some(&layout.bin));
    let scripts = in_bin.map(|file| (file.entry.path.file_name().to_owned(), Arc::clone(&name))).collect();
    let license = open.license.clone();
    let distribution = BundledDistribution { name, version, license, role: wheel.role };
    Ok(PlacedWheel { distribution, record: in_dist_info("RECORD")?, origin, files, scripts })
}

/// `None` when the tree has no use for the member.
fn place_member(
    layout: &Layout,
    name: &str,
    wheel: &OpenWheel,
    member: &WheelMember,
    origin: &Origin,
) -> Result<Option<PlacedFile>, WheelProblem> {
    let path = layout.place(name, &member.name)?;
    let is_script = path.is_below(&layout.bin);
    if is_script && scripts::is_wrapper(path.file_name(), &wheel.scripts) {
        return Ok(None);
    }
    let mode = if is_script || member.executable { 0o755 } else { 0o644 };
    let content = match &member.kind {
        MemberKind::File(content) => content.clone(),
        MemberKind::Symlink(target) => {
            let link = links::relative(layout.prefix.as_str(), path.as_str());
            if links::resolve_inside(&link, target).is_none() {
                return Err(WheelProblem::Symlink { member: member.name.clone(), target: target.clone() });
            }
            return Ok(Some(PlacedFile { entry: Entry::symlink(path, target, origin.clone()), digest: None }));
        }
    };
    let malformed =
        |error: std::io::Error| WheelProblem::Malformed { file: member.name.clone(), reason: error.to_string() };
    let content =
        if is_script { scripts::relocate(content, layout.python.as_str()).map_err(malformed)? } else { content };
    let digest = match (&content, wheel.digests.get(&member.name)) {
        (Content::Bytes(bytes), _) => record::digest(bytes),
        (_, Some(digest)) => digest.clone(),
        _ => record::digest_reader(content.open().map_err(malformed)?).map_err(malformed)?,
    };
    let mut entry = Entry::new(path, mode, EntryKind::File(content), origin.clone());
    entry.flags.license = is_license(wheel, &member.name);
    Ok(Some(PlacedFile { entry, digest: Some(digest) }))
}

/// Is it a licence of the distribution: in `licenses/` of the metadata (PEP 639), named there by `License-File`, or,
/// before there was that field, by a name that build backends take for one?
fn is_license(wheel: &OpenWheel, member: &str) -> bool {
    let Some(file) = member.strip_prefix(&wheel.dist_info).and_then(|rest| rest.strip_prefix('/')) else {
        return false;
    };
    let upper = file.to_ascii_uppercase();
    file.starts_with("licenses/")
        || wheel.license_files.iter().any(|named| named == file)
        || ["LICEN", "COPYING", "NOTICE", "AUTHORS"].iter().any(|start| upper.starts_with(start))
}

fn is_not_taken_over(dist_info: &str, member: &str) -> bool {
    member.split_once('/').is_some_and(|(top, file)| top == dist_info && NOT_TAKEN_OVER.contains(&file))
}

/// Bytecode in a wheel names the machine it was built on, and the sources beside it are compiled anyway.
fn stale_bytecode(members: &[WheelMember]) -> Vec<&str> {
    let compiled =
        members.iter().filter(|member| member.name.ends_with(".pyc") && member.name.contains("__pycache__/"));
    let mut compiled = compiled.map(|member| member.name.as_str()).peekable();
    if compiled.peek().is_none() {
        return Vec::new();
    }
    let sources = members.iter().map(|member| member.name.as_str()).collect::<std::collections::HashSet<_>>();
    compiled.filter(|name| source_of(name).is_some_and(|source| sources.contains(&*source))).collect()
}

/// `a/__pycache__/b.cpython-36.opt-1.pyc` (PEP 3147, PEP 488) or `a/b.pyc` gives `a/b.py`.
fn source_of(bytecode: &str) -> Option<String> {
    let stem = bytecode.strip_suffix(".pyc")?;
    let (directory, file) = stem.rsplit_once('/').unwrap_or(("", stem));
    let (directory, file) = match directory.strip_suffix("__pycache__") {
        Some(parent) => {
            let file = file.rsplit_once(".opt-").map_or(file, |(file, _)| file);
            (parent.trim_end_matches('/'), file.rsplit_once('.')?.0)
        }
        None => (directory, file),
    };
    let slash = if directory.is_empty() && !bytecode.starts_with('/') { "" } else { "/" };
    Some(format!("{directory}{slash}{file}.py"))
}

fn text(text: String) -> Content {
    Content::Bytes(Arc::from(text.into_bytes()))
}

fn file(path: TargetPath, content: Content, origin: Origin) -> Entry {
    Entry::new(path, 0o644, EntryKind::File(content), origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytecode_is_traced_to_its_source() {
        let of = |name| source_of(name).unwrap();
        assert_eq!(of("/o/a/__pycache__/b.cpython-36.pyc"), "/o/a/b.py");
        assert_eq!(of("__pycache__/b.cpython-313.opt-2.pyc"), "b.py");
        assert_eq!(of("a/b.c.pyc"), "a/b.c.py");
        assert!(source_of("a/b.py").is_none());
    }
}
