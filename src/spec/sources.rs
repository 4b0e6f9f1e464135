//! Files of packages as sources of the spec file, the lines that install them, and those of `%files`.

use std::sync::Arc;

use super::application::with_interpreter;
use super::layout::is_plain;
use super::{Error, Layout};
use crate::package::Package;
use crate::plan::{BuildPlan, PackagePlan, Role};
use crate::project::ConfigFile;
use crate::resolve::{SourceArchive, without_credentials};
use crate::service::manifest;
use crate::stage::{Content, Entry, EntryKind};
use crate::template;

/// Directories whose files are all alike, and what maintainers call such a source after.
const KINDS: [(&str, &str); 5] = [
    ("logrotate.d", "logrotate"),
    ("init.d", "init"),
    ("cron.d", "cron"),
    ("sysconfig", "sysconfig"),
    ("default", "default"),
];

/// The last part of `path`, with its kind: `app.logrotate`.
fn source_name(path: &str) -> String {
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    let directory = above.rsplit('/').next().unwrap_or_default();
    match KINDS.iter().find(|(known, _)| *known == directory) {
        Some((_, kind)) => format!("{name}.{kind}"),
        None => name.to_owned(),
    }
}

/// What files of the sources are called that hold the licence, and those that describe the application.
const LICENSES: [&str; 5] = ["license", "licence", "copying", "notice", "unlicense"];
const DOCUMENTS: [&str; 5] = ["readme", "changelog", "changes", "history.", "news"];

/// A file name that neither rpm nor a shell takes apart.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || "._+-@".contains(c) { c } else { '_' }).collect()
}

/// Is `script` the program of `command`, by its name or its path?
fn runs(command: &str, script: &str) -> bool {
    let program = command.split_whitespace().next().unwrap_or_default();
    program.rsplit('/').next() == Some(script)
}

/// The programs that `package` owns in the system's own directory: those that it alone links, and that no service needs.
/// The main package, which all others require, has the rest.
pub fn own_scripts<'p>(plan: &'p BuildPlan, package: &PackagePlan) -> Vec<&'p str> {
    let links = |package: &PackagePlan, script: &String| {
        package.links.iter().any(|links| links.scripts.as_ref().is_none_or(|scripts| scripts.contains(script)))
    };
    let services = plan.packages.iter().flat_map(|package| &package.services).collect::<Vec<_>>();
    let is_run = |script: &String| services.iter().any(|service| runs(&service.command, script));
    let owner = |script: &String| {
        let mut owners = plan.packages.iter().filter(|package| links(package, script));
        owners.next().filter(|_| owners.next().is_none() && !is_run(script))
    };
    let scripts = plan.metadata.console_scripts.iter().filter(|script| match owner(script) {
        Some(owner) => owner.name == package.name,
        None => package.role == Role::Main,
    });
    scripts.map(String::as_str).collect()
}

fn last_part(source: &str) -> &str {
    source.rsplit('/').next().unwrap_or(source)
}

/// Numbers of those of `sources` that `names` has by file name: the first has the number `first`. `Source0` is 0.
pub fn numbers(names: &[String], sources: &[String], first: usize) -> Vec<usize> {
    let number = |name: &String| match sources.iter().position(|source| last_part(source) == name) {
        Some(index) => Some(first + index),
        None => (name == "Source0").then_some(0),
    };
    names.iter().filter_map(number).collect()
}

/// Manual and info pages, which rpmbuild compresses (`brp-compress`), so that their names are not known before.
pub fn is_compressed(path: &str) -> bool {
    ["/usr/share/man/", "/usr/share/info/"].iter().any(|directory| path.starts_with(directory))
}

/// Everything that lies beside the spec file. The application's own archive is `Source0`.
pub struct Sources<'a> {
    layout: &'a Layout,
    plan: &'a BuildPlan,
    archive: &'a SourceArchive,
    files: Vec<Source>,
    patches: Vec<(String, Content)>,
    install: Vec<String>,
    /// What the user has to know, one sentence each.
    pub notes: Vec<String>,
}

struct Source {
    /// Beside the spec.
    name: String,
    /// `None`: it is not here, but at `address`.
    content: Option<Content>,
    address: Option<String>,
}

impl<'a> Sources<'a> {
    pub fn new(layout: &'a Layout, plan: &'a BuildPlan, archive: &'a SourceArchive) -> Result<Self, Error> {
        let size = fs_err::metadata(&archive.path)?.len();
        let content = Content::File { path: Arc::new(archive.path.clone()), size };
        let files = vec![Source { name: archive.name.clone(), content: Some(content), address: None }];
        Ok(Self { layout, plan, archive, files, patches: Vec::new(), install: Vec::new(), notes: Vec::new() })
    }

    /// From `Source1` on.
    pub fn names(&self) -> Vec<&str> {
        self.files.iter().skip(1).map(|source| source.address.as_deref().unwrap_or(&source.name)).collect()
    }

    /// Files of addresses, which are not fetched and have to lie beside the spec.
    pub fn fetched(&self) -> Vec<&str> {
        self.files.iter().filter(|source| source.content.is_none()).map(|source| source.name.as_str()).collect()
    }

    /// Adds the user's further sources, which are the first after the application's own archive. An address is written
    /// without the login that it may have.
    pub fn add_further(&mut self, sources: &[String]) -> Result<(), Error> {
        for source in sources {
            let name = last_part(source);
            if source.contains("://") {
                let mut address = without_credentials(source);
                if address != *source {
                    self.notes.push(format!("the login in the address of `{name}` is left out of the spec file"));
                }
                let free = self.free(name, self.files.len());
                // rpm's own way to call a file other than its address does.
                if free != name {
                    address.push_str(&format!("#/{free}"));
                }
                self.files.push(Source { name: free, content: None, address: Some(address) });
            } else {
                let size = fs_err::metadata(source)?.len();
                self.add(name, Content::File { path: Arc::new(source.into()), size });
            }
        }
        Ok(())
    }

    /// Adds what the wheel has elsewhere than among the modules, and what the `setup.py` that is written for a project does
    /// not know of. `#!python` stands for the interpreter in programs of a wheel.
    pub fn add_other(&mut self, path: &str, content: &Content, layout: &Layout) -> Result<(), Error> {
        let interpreter = match layout.own_prefix() {
            Some(prefix) => format!("{prefix}/bin/python"),
            None => self.plan.interpreter.path.clone(),
        };
        let content = with_interpreter(path, content, &interpreter)?;
        let mode = if path.starts_with("bin/") { "0755" } else { "0644" };
        let number = self.add(path.rsplit('/').next().unwrap_or(path), content);
        let path = layout.path(&format!("{}/{path}", layout.prefix()))?;
        // The project may have a `setup.py` of its own, which installs it.
        self.run(format!(
            "[ -e %{{buildroot}}{path} ] || install -D -p -m {mode} %{{SOURCE{number}}} %{{buildroot}}{path}"
        ));
        Ok(())
    }

    /// A line for `%install`.
    pub fn run(&mut self, line: String) {
        self.install.push(line);
    }

    pub fn install(&self) -> Vec<String> {
        self.install.clone()
    }

    /// Adds the user's patches, which are numbered from 0.
    pub fn add_patches(&mut self, paths: &[String]) -> Result<(), Error> {
        for path in paths {
            let name = plain(path.rsplit('/').next().unwrap_or(path));
            let name = self.free(&name, self.patches.len());
            self.patches.push((name, Content::Bytes(fs_err::read(path)?.into())));
        }
        Ok(())
    }

    pub fn patches(&self) -> Vec<&str> {
        self.patches.iter().map(|(name, _)| name.as_str()).collect()
    }

    pub fn into_files(self) -> Vec<(String, Content)> {
        let files = self.files.into_iter().filter_map(|source| Some((source.name, source.content?)));
        files.chain(self.patches).collect()
    }

    /// Adds a source and gives its number.
    pub fn add(&mut self, name: &str, content: Content) -> usize {
        let number = self.files.len();
        let name = self.free(&plain(name), number);
        self.files.push(Source { name, content: Some(content), address: None });
        number
    }

    /// `name` for a file beside the spec, with a number before it where another file has it: that of a source, of a patch, or
    /// of the spec itself.
    fn free(&self, name: &str, number: usize) -> String {
        let spec = self.plan.packages.first().map(|main| format!("{}.spec", main.name)).unwrap_or_default();
        let known = self.files.iter().map(|source| &source.name).chain(self.patches.iter().map(|(name, _)| name));
        let is_free = |name: &String| *name != spec && known.clone().all(|known| known != name);
        // A second spec file would make people wonder which is the one.
        let own = Some(name.to_owned()).filter(|name| !name.ends_with(".spec"));
        let numbered = (number..).map(|number| format!("{number}-{name}"));
        own.into_iter().chain(numbered).find(is_free).unwrap_or_default()
    }

    /// Has the entries of `package` installed, and gives the lines of its `%files`.
    pub fn files(&mut self, planned: &PackagePlan, package: &Package) -> Result<Vec<String>, Error> {
        let mut lines = Vec::new();
        if planned.role == Role::Main {
            lines.extend(self.licenses()?);
            lines.extend(self.documents());
        }
        for script in self.scripts(planned) {
            lines.push(self.layout.path(&format!("/usr/bin/{script}"))?);
        }
        for entry in &package.entries {
            let path = entry.path.as_str();
            if path.starts_with(manifest::DIRECTORY) || self.layout.is_installed(self.plan, entry) {
                continue;
            }
            self.install_entry(entry)?;
            lines.push(self.line(entry)?);
        }
        Ok(lines)
    }

    /// The project's licence files: those that its archive has, and those that it lacks as sources of their own.
    fn licenses(&mut self) -> Result<Vec<String>, Error> {
        let tag = self.license_tag();
        let mut lines = Vec::new();
        let Some(directory) = self.plan.source.directory() else {
            let found = self.texts(&LICENSES);
            return Ok(found.into_iter().map(|name| format!("{tag} {name}")).collect());
        };
        for path in &self.plan.licenses {
            let Ok(inside) = path.strip_prefix(directory) else { continue };
            let mut inside = inside.to_string_lossy().into_owned();
            if !self.archive.has(&inside) {
                let content = Content::Bytes(fs_err::read(path)?.into());
                let number = self.add(inside.rsplit('/').next().unwrap_or(&inside), content);
                inside = self.files.last().map(|source| source.name.clone()).unwrap_or_default();
                self.run(format!("cp -p %{{SOURCE{number}}} {}", self.layout.path(&inside)?));
            }
            lines.push(format!("{tag} {}", self.layout.path(&inside)?));
        }
        Ok(lines)
    }

    /// Files right in the archive's directory whose names start with one of `words`, in any case.
    fn texts(&self, words: &[&str]) -> Vec<&'a str> {
        let archive: &'a SourceArchive = self.archive;
        let names = archive.files.iter().map(String::as_str).filter(|name| !name.contains('/') && is_plain(name));
        let starts = |name: &str| words.iter().any(|word| name.to_ascii_lowercase().starts_with(word));
        names.filter(|name| starts(name) && !name.ends_with(".py")).collect()
    }

    /// What tells users of the application, for `%doc`.
    fn documents(&self) -> Option<String> {
        let found = self.texts(&DOCUMENTS);
        (!found.is_empty()).then(|| format!("%doc {}", found.join(" ")))
    }

    /// rpm knows `%license` since 4.11.
    fn license_tag(&self) -> &'static str {
        let known = self.plan.distribution.format_version >= crate::distribution::ToolVersion::new(4, 11, 0);
        if known { "%license" } else { "%doc" }
    }

    fn scripts(&self, package: &PackagePlan) -> Vec<&'a str> {
        if self.layout.own_prefix().is_some() { Vec::new() } else { own_scripts(self.plan, package) }
    }

    fn install_entry(&mut self, entry: &Entry) -> Result<(), Error> {
        let path = self.layout.path(entry.path.as_str())?;
        match &entry.kind {
            EntryKind::Directory => self.install.push(format!("install -d -m {:04o} %{{buildroot}}{path}", entry.mode)),
            EntryKind::File(content) => {
                let number = self.add(&source_name(entry.path.as_str()), content.clone());
                self.install
                    .push(format!("install -D -p -m {:04o} %{{SOURCE{number}}} %{{buildroot}}{path}", entry.mode));
            }
            EntryKind::Symlink(target) => {
                let target = template::spec_literal(&template::sh(target));
                self.install.push(format!("install -d \"$(dirname %{{buildroot}}{path})\""));
                self.install.push(format!("ln -s {target} %{{buildroot}}{path}"));
            }
            EntryKind::Hardlink(target) => {
                let target = self.layout.path(target.as_str())?;
                self.install.push(format!("ln %{{buildroot}}{target} %{{buildroot}}{path}"));
            }
        }
        Ok(())
    }

    /// `%attr(0640,root,app) %config(noreplace) %{_sysconfdir}/app.conf`
    fn line(&self, entry: &Entry) -> Result<String, Error> {
        let mut words = Vec::new();
        if entry.flags.ghost {
            words.push("%ghost".to_owned());
        }
        let directory = matches!(entry.kind, EntryKind::Directory);
        if directory {
            words.push("%dir".to_owned());
        }
        let usual = if directory { entry.mode == 0o755 } else { matches!(entry.mode, 0o644 | 0o755 | 0o777) };
        if !usual || &*entry.owner != "root" || &*entry.group != "root" {
            let mode = if matches!(entry.kind, EntryKind::Symlink(_)) {
                "-".to_owned()
            } else {
                format!("{:04o}", entry.mode)
            };
            let (owner, group) = (self.layout.path(&entry.owner)?, self.layout.path(&entry.group)?);
            words.push(format!("%attr({mode},{owner},{group})"));
        }
        match entry.flags.config {
            ConfigFile::No => {}
            ConfigFile::Replace => words.push("%config".to_owned()),
            ConfigFile::Noreplace => words.push("%config(noreplace)".to_owned()),
        }
        if let Some(capabilities) = &entry.flags.capabilities {
            words.push(format!("%caps({})", template::spec_literal(capabilities)));
        }
        if entry.flags.license {
            words.push(self.license_tag().to_owned());
        } else if entry.flags.doc {
            words.push("%doc".to_owned());
        }
        let end = if !directory && is_compressed(entry.path.as_str()) { "*" } else { "" };
        words.push(format!("{}{end}", self.layout.path(entry.path.as_str())?));
        Ok(words.join(" "))
    }
}
