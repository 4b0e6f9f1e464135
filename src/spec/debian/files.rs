//! Files of packages as debhelper wants them: what it has a name for (`debian/<package>.<name>.logrotate`) goes there, all else
//! lies as it will be installed below `debian/extra/<package>` and is listed in `debian/<package>.install`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};

use super::units::{self, Unit};
use super::{Error, File};
use crate::package::Package;
use crate::plan::{BuildPlan, PackagePlan, Role};
use crate::project::ConfigFile;
use crate::service::{Owned, SourceParts, manifest};
use crate::spec::application::with_interpreter;
use crate::spec::layout::Layout;
use crate::spec::{Application, Input};
use crate::stage::{Content, Entry, EntryKind};

/// Directories whose files debhelper installs itself: the directory, what the file's name ends with, debhelper's word and its
/// program.
const KNOWN: [(&str, &str, &str, &str); 5] = [
    ("/etc/logrotate.d", "", "logrotate", "dh_installlogrotate"),
    ("/etc/init.d", "", "init", "dh_installinit"),
    ("/etc/default", "", "default", "dh_installinit"),
    ("/etc/cron.d", "", "cron.d", "dh_installcron"),
    ("/usr/lib/tmpfiles.d", ".conf", "tmpfiles", "dh_installtmpfiles"),
];

/// Everything in `debian/` that comes from files, and what `debian/rules` does for it.
#[derive(Debug, Default)]
pub struct Tree {
    /// By path below the source tree.
    pub files: BTreeMap<String, File>,
    /// Program of debhelper to the lines that take its place.
    pub targets: BTreeMap<&'static str, Vec<String>>,
    /// Lines that give modes that dh_fixperms does not keep.
    pub modes: Vec<String>,
    /// Files with bytes that no patch can have.
    pub binaries: Vec<String>,
    /// Lines that install what [`Tree::other`] has added.
    others: Vec<String>,
}

/// One package's lists, each a file of debhelper: `debian/<package>.<list>`.
#[derive(Debug, Default)]
struct Lists {
    install: Vec<String>,
    dirs: Vec<String>,
    links: Vec<String>,
    manpages: Vec<String>,
    conffiles: Vec<String>,
}

impl Tree {
    pub fn add(&mut self, path: &str, content: impl Into<String>) {
        self.put(path.to_owned(), Content::Bytes(content.into().into_bytes().into()), 0o644);
    }

    pub fn put(&mut self, path: String, content: Content, mode: u32) {
        self.files.insert(path, File { content, mode });
    }

    /// Adds all files of `package`, which has these programs of the application's, and gives what its maintainer scripts have to do for them.
    pub fn package(
        &mut self,
        input: &Input<'_>,
        layout: &Layout,
        planned: &PackagePlan,
        package: &Package,
        programs: &[&str],
    ) -> Result<SourceParts, Error> {
        let mut parts = SourceParts::default();
        let mut lists = Lists::default();
        lists.programs(input.application, planned, programs)?;
        if planned.role == Role::Main {
            lists.install.append(&mut self.others);
        }
        let units = units::read(planned, package)?;
        for entry in &package.entries {
            if is_made_elsewhere(input.plan, layout, package, entry) {
                continue;
            }
            let path = checked(entry.path.as_str())?;
            if let Some(unit) = units.iter().find(|unit| unit.path == path) {
                self.unit(package, unit, entry)?;
                continue;
            }
            self.entry(package, entry, path, &mut lists)?;
            parts.owned.extend(owned(entry)?);
        }
        if !units.is_empty() {
            let lines = units::lines(&package.name, &units);
            self.targets.entry("dh_installsystemd").or_default().extend(lines);
        }
        units::parts(&units, &mut parts);
        let scripts = units::init_scripts(planned, package, &mut parts)?;
        for line in self.targets.entry("dh_installinit").or_default() {
            let of = |name: &str| format!("dh_installinit --package={} --name={name}", package.name);
            if let Some((_, options)) = scripts.iter().find(|(name, _)| *line == of(name)) {
                line.push_str(options);
            }
        }
        for (name, lines) in lists.into_files() {
            if !lines.is_empty() {
                self.add(&format!("debian/{}.{name}", package.name), lines.join("\n") + "\n");
            }
        }
        Ok(parts)
    }

    /// Adds what a `setup.py` does not install. `#!python` stands for the interpreter in programs of a wheel.
    pub fn other(&mut self, package: &str, path: &str, content: &Content) -> Result<(), Error> {
        let path = checked(path)?;
        let content = with_interpreter(path, content, "/usr/bin/python3")?;
        let name = format!("debian/extra/{package}/usr/{path}");
        let (above, _) = path.rsplit_once('/').unwrap_or(("", path));
        self.others.push(format!("{name} usr/{above}"));
        if has_zero(&content)? {
            self.binaries.push(name.clone());
        }
        self.put(name, content, if path.starts_with("bin/") { 0o755 } else { 0o644 });
        Ok(())
    }

    fn unit(&mut self, package: &Package, unit: &Unit, entry: &Entry) -> Result<(), Error> {
        if let EntryKind::File(content) = &entry.kind {
            self.put(unit.source(&package.name), content.clone(), 0o644);
        }
        Ok(())
    }

    fn entry(&mut self, package: &Package, entry: &Entry, path: &str, lists: &mut Lists) -> Result<(), Error> {
        let relative = path.trim_start_matches('/').to_owned();
        match &entry.kind {
            EntryKind::Directory => lists.dirs.push(relative),
            EntryKind::Symlink(target) => {
                let target = absolute(path, target);
                lists.links.push(format!("{} {relative}", checked(&target)?));
                return Ok(());
            }
            EntryKind::Hardlink(target) => {
                lists.links.push(format!("{} {relative}", checked(target.as_str())?));
                return Ok(());
            }
            EntryKind::File(content) if !self.by_debhelper(package, entry, path, content) => {
                let name = format!("debian/extra/{}{path}", package.name);
                let (above, _) = relative.rsplit_once('/').unwrap_or(("/", ""));
                lists.install.push(format!("{name} {above}"));
                if has_zero(content)? {
                    self.binaries.push(name.clone());
                }
                self.put(name, content.clone(), if entry.mode & 0o100 == 0 { 0o644 } else { 0o755 });
                if entry.flags.config != ConfigFile::No && !path.starts_with("/etc/") {
                    lists.conffiles.push(path.to_owned());
                }
            }
            EntryKind::File(_) => {}
        }
        // dh_fixperms makes everything readable.
        let kept = if matches!(entry.kind, EntryKind::Directory) { [0o755, 0o755] } else { [0o644, 0o755] };
        if !kept.contains(&entry.mode) {
            self.modes.push(format!("chmod {:04o} debian/{}{path}", entry.mode, package.name));
        }
        Ok(())
    }

    /// Has debhelper a name for the file? It installs all of a kind with one mode.
    fn by_debhelper(&mut self, package: &Package, entry: &Entry, path: &str, content: &Content) -> bool {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let known = KNOWN.iter().find(|(directory, end, ..)| *directory == above && name.ends_with(end));
        let Some((_, end, word, program)) = known else { return false };
        let usual = if *word == "init" { 0o755 } else { 0o644 };
        let name = name.strip_suffix(end).unwrap_or(name);
        if entry.mode != usual || name.contains(['^', '~']) {
            return false;
        }
        let lines = self.targets.entry(program).or_default();
        // dh_installinit is told more than the name.
        let source = if name == package.name && *program != "dh_installinit" {
            format!("debian/{name}.{word}")
        } else {
            let line = format!("{program} --package={} --name={name}", package.name);
            if !lines.contains(&line) {
                lines.push(line);
            }
            format!("debian/{}.{name}.{word}", package.name)
        };
        self.put(source, content.clone(), 0o644);
        true
    }
}

impl Lists {
    /// What Python's tools install.
    fn programs(&mut self, application: &Application, planned: &PackagePlan, programs: &[&str]) -> Result<(), Error> {
        if planned.role == Role::Main {
            self.install.push("usr/lib/python3*".to_owned());
        }
        for script in programs {
            self.install.push(checked(&format!("usr/bin/{script}"))?.to_owned());
        }
        for path in application.others.keys().filter(|_| planned.role == Role::Main) {
            let path = checked(path)?;
            match path.strip_prefix("share/man/man") {
                Some(_) => self.manpages.push(format!("debian/tmp/usr/{path}")),
                None => self.install.push(format!("usr/{path}")),
            }
        }
        Ok(())
    }

    fn into_files(self) -> [(&'static str, Vec<String>); 5] {
        [
            ("install", self.install),
            ("dirs", self.dirs),
            ("links", self.links),
            ("manpages", self.manpages),
            ("conffiles", self.conffiles),
        ]
    }
}

/// What debhelper makes itself, what is not installed at all, and what only packages of omnipack's own have.
fn is_made_elsewhere(plan: &BuildPlan, layout: &Layout, package: &Package, entry: &Entry) -> bool {
    let path = entry.path.as_str();
    let documents = format!("/usr/share/doc/{}", package.name);
    let generated = ["/copyright", "/changelog.gz", "/changelog.Debian.gz", ""];
    entry.flags.ghost
        || path.starts_with(manifest::DIRECTORY)
        || layout.is_installed(plan, entry)
        || path.strip_prefix(&documents).is_some_and(|rest| generated.contains(&rest))
}

/// debhelper reads its lists as words with patterns and variables.
///
/// # Errors
/// When `path` would be more than itself, or lead out of its directory.
fn checked(path: &str) -> Result<&str, Error> {
    let plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "/._+-@:,=~^".contains(c));
    if plain && path.split('/').all(|part| part != "..") {
        return Ok(path);
    }
    Err(Error::Path { path: path.escape_debug().to_string() })
}

/// Has it bytes that no patch can have? It is read in pieces: a file of a wheel may be of any size.
fn has_zero(content: &Content) -> Result<bool, Error> {
    let mut reader = BufReader::new(content.open()?);
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() || bytes.contains(&0) {
            return Ok(!bytes.is_empty());
        }
        let read = bytes.len();
        reader.consume(read);
    }
}

/// Where a link leads that lies at `path`.
fn absolute(path: &str, target: &str) -> String {
    if target.starts_with('/') {
        return target.to_owned();
    }
    let mut parts = path.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>();
    parts.pop();
    for part in target.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part != ".." {
            parts.push(part);
        } else if parts.pop().is_none() {
            break;
        }
    }
    format!("/{}", parts.join("/"))
}

/// An entry that is not root's alone.
fn owned(entry: &Entry) -> Result<Option<Owned>, Error> {
    if (&*entry.owner == "root" && &*entry.group == "root") || matches!(entry.kind, EntryKind::Symlink(_)) {
        return Ok(None);
    }
    Ok(Some(Owned {
        path: entry.path.to_string(),
        owner: checked(&entry.owner)?.to_owned(),
        group: checked(&entry.group)?.to_owned(),
        mode: format!("{:04o}", entry.mode),
    }))
}
