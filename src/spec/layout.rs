//! Where things lie in each dialect.

use super::sources::is_compressed;
use super::{Application, Error};
use crate::distribution::SpecDialect;
use crate::package::Package;
use crate::plan::BuildPlan;
use crate::project::BytecodeMode;
use crate::stage::{Content, Entry, EntryKind, Origin, Stage, TargetPath};

/// Directories and the macros for them, the longest first. Those of rpm itself.
const MACROS: [(&str, &str); 7] = [
    ("/usr/share", "%{_datadir}"),
    ("/usr/sbin", "%{_sbindir}"),
    ("/usr/bin", "%{_bindir}"),
    ("/usr/lib", "%{_prefix}/lib"),
    ("/etc", "%{_sysconfdir}"),
    ("/var", "%{_localstatedir}"),
    ("/usr", "%{_prefix}"),
];
/// Those of systemd-rpm-macros.
const SYSTEMD_MACROS: [(&str, &str); 3] = [
    ("/usr/lib/systemd/system", "%{_unitdir}"),
    ("/usr/lib/tmpfiles.d", "%{_tmpfilesdir}"),
    ("/usr/lib/sysusers.d", "%{_sysusersdir}"),
];

/// Where an application without a directory of its own lies.
const SYSTEM: &str = "/usr";

/// The places of one dialect.
#[derive(Debug, Clone)]
pub struct Layout {
    pub dialect: SpecDialect,
    prefix: String,
}

impl Layout {
    pub fn new(plan: &BuildPlan) -> Self {
        let dialect = plan.distribution.spec_dialect;
        let prefix = if dialect == SpecDialect::Plain { plan.prefix.as_str() } else { SYSTEM };
        Self { dialect, prefix: prefix.to_owned() }
    }

    /// The system's own directories, whatever the dialect.
    pub fn of_system() -> Self {
        Self { dialect: SpecDialect::Modern, prefix: SYSTEM.to_owned() }
    }

    /// Where programs lie, and what is installed beside them: `/usr` or `/opt/<name>`.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Is everything, but for systemd's own, written with rpm's own macros?
    pub fn own_prefix(&self) -> Option<&str> {
        (self.dialect == SpecDialect::Plain).then_some(self.prefix.as_str())
    }

    pub fn template(&self) -> &'static str {
        match self.dialect {
            SpecDialect::Modern => include_str!("../../templates/spec/modern.spec"),
            SpecDialect::Setup => include_str!("../../templates/spec/setup.spec"),
            SpecDialect::Suse => include_str!("../../templates/spec/suse.spec"),
            SpecDialect::Plain => include_str!("../../templates/spec/plain.spec"),
        }
    }

    /// The plan as it is when rpmbuild installs the application: its programs lie in `<prefix>/bin`, bytecode is packed,
    /// and in the system's own directories programs are installed rather than linked.
    pub fn adapted(&self, plan: &BuildPlan) -> BuildPlan {
        let mut adapted = plan.clone();
        adapted.prefix.clone_from(&self.prefix);
        adapted.bytecode = BytecodeMode::Build;
        adapted.python.plugins = None;
        adapted.licenses.retain(|path| self.outside(plan, path));
        for links in adapted.packages.iter_mut().flat_map(|package| &mut package.links) {
            if let Some(scripts) = &mut links.scripts {
                scripts.retain(|script| self.own_prefix().is_some() && plan.metadata.console_scripts.contains(script));
            }
        }
        adapted
    }

    /// Programs that the packages would link and that others bring now: those of what the application requires.
    pub fn foreign_scripts<'p>(&self, plan: &'p BuildPlan) -> Vec<&'p str> {
        let links = plan.packages.iter().flat_map(|package| &package.links);
        let scripts = links.flat_map(|links| links.scripts.iter().flatten());
        scripts.filter(|script| !plan.metadata.console_scripts.contains(script)).map(String::as_str).collect()
    }

    /// Directories that the packages would link the application's programs into, and that the tools of the distribution
    /// do not install them to.
    pub fn other_directories<'p>(&self, plan: &'p BuildPlan) -> Vec<&'p str> {
        let links = plan.packages.iter().flat_map(|package| &package.links);
        let is_own = |script: &String| plan.metadata.console_scripts.contains(script);
        let some = links.filter(|links| links.scripts.as_ref().is_none_or(|scripts| scripts.iter().any(is_own)));
        let mut directories = some.map(|links| links.directory.as_str()).collect::<Vec<_>>();
        directories.retain(|directory| self.own_prefix().is_none() && *directory != "/usr/bin");
        directories.sort_unstable();
        directories.dedup();
        directories
    }

    /// Licence files of the sources themselves are named in `%files`, others become sources.
    fn outside(&self, plan: &BuildPlan, path: &std::path::Path) -> bool {
        plan.source.directory().is_none_or(|directory| !path.starts_with(directory))
    }

    /// The application's programs, and nothing else: all that the other floors ask a tree for.
    pub fn stage(&self, plan: &BuildPlan) -> Result<Stage, Error> {
        let path = |text: &str| TargetPath::new(text).map_err(|_| bad(text));
        let mut stage = Stage::new(path(&self.prefix)?);
        let name: std::sync::Arc<str> = plan.metadata.name.as_str().into();
        for script in &plan.metadata.console_scripts {
            stage.scripts.push((script.clone(), name.clone()));
            let program = path(&format!("{}/bin/{script}", self.prefix))?;
            let content = EntryKind::File(Content::Bytes(std::sync::Arc::from(Vec::new())));
            let entry = Entry::new(program, 0o755, content, Origin::Generated);
            stage.add([entry]).map_err(crate::package::Error::from)?;
        }
        Ok(stage)
    }

    /// Does Python's own installation bring this entry?
    pub fn is_installed(&self, plan: &BuildPlan, entry: &Entry) -> bool {
        let bin = format!("{}/bin", self.prefix);
        let path = entry.path.as_str();
        let program = path.strip_prefix(&bin).map(|rest| rest.trim_start_matches('/'));
        path == self.prefix
            || path == bin
            || program.is_some_and(|name| plan.metadata.console_scripts.iter().any(|script| script == name))
    }

    /// As it stands in the spec file.
    ///
    /// # Errors
    /// When rpm would not take it as it is.
    pub fn path(&self, path: &str) -> Result<String, Error> {
        if !is_plain(path) {
            return Err(bad(path));
        }
        if path.split('/').any(|part| part == "..") {
            return Err(Error::Path { path: path.to_owned(), reason: "it leads out of its directory" });
        }
        if let Some(prefix) = self.own_prefix()
            && let Some(rest) = below(path, prefix)
        {
            return Ok(format!("%{{app_prefix}}{rest}"));
        }
        let systemd: &[_] = if self.dialect == SpecDialect::Plain { &[] } else { &SYSTEMD_MACROS };
        let mut known = systemd.iter().chain(&MACROS);
        let found = known.find_map(|(directory, name)| below(path, directory).map(|rest| format!("{name}{rest}")));
        Ok(found.unwrap_or_else(|| path.to_owned()))
    }

    /// Lines of `%files` for what the application's wheel puts elsewhere than among the modules. rpm compresses manual pages.
    ///
    /// # Errors
    /// When a path has characters that rpm takes for more.
    pub fn others(&self, application: &Application) -> Result<Vec<String>, Error> {
        if self.own_prefix().is_some() {
            return Ok(Vec::new());
        }
        let line = |path: &String| {
            let path = format!("{SYSTEM}/{path}");
            let end = if is_compressed(&path) { "*" } else { "" };
            Ok(format!("{}{end}", self.path(&path)?))
        };
        application.others.keys().map(line).collect()
    }

    /// Lines of `%files` for what Python's tools install, where no macro lists it.
    ///
    /// # Errors
    /// When a module has a name that rpm or a shell would take for more.
    ///
    /// `python`: what the names of the macros begin with.
    pub fn modules(&self, application: &Application, name: &str, python: &str) -> Result<Vec<String>, Error> {
        let site = format!("%{{{python}_{}}}", if application.native { "sitearch" } else { "sitelib" });
        for module in application.packages.iter().chain(&application.modules) {
            self.path(module)?;
        }
        Ok(match self.dialect {
            SpecDialect::Modern => application.packages.iter().chain(&application.modules).cloned().collect(),
            SpecDialect::Plain => vec!["%{app_prefix}".to_owned()],
            SpecDialect::Setup | SpecDialect::Suse => {
                let packages = application.packages.iter().map(|package| format!("{site}/{package}/"));
                let modules = application
                    .modules
                    .iter()
                    .flat_map(|module| [format!("{site}/{module}.py"), format!("{site}/__pycache__/{module}.*")]);
                let metadata = format!("{site}/{}-%{{pypi_version}}*", glob(name));
                packages.chain(modules).chain([metadata]).collect()
            }
        })
    }
}

fn bad(path: &str) -> Error {
    Error::Path { path: path.escape_debug().to_string(), reason: MORE_THAN_A_PATH }
}

pub const MORE_THAN_A_PATH: &str = "rpm reads some of its characters as more than that";

/// Does rpm take it as it is, and a shell, too?
pub fn is_plain(path: &str) -> bool {
    path.chars().all(|c| c.is_ascii_alphanumeric() || "/._+-@:,=~^".contains(c))
}

/// What follows `directory` in `path`, where it is that or lies below it.
fn below<'p>(path: &'p str, directory: &str) -> Option<&'p str> {
    path.strip_prefix(directory).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Tools write the name of a distribution with its capitals or without, and with `-`, `.` or `_`.
fn glob(name: &str) -> String {
    let part = |c: char| match c {
        '-' | '.' | '_' => "[-._]".to_owned(),
        c if c.is_ascii_alphabetic() && name.contains(|c: char| c.is_ascii_uppercase()) => {
            format!("[{}{}]", c.to_ascii_uppercase(), c.to_ascii_lowercase())
        }
        c => c.to_string(),
    };
    name.chars().map(part).collect()
}

pub fn has_units(package: &Package) -> bool {
    let below = |directory: &str| package.entries.iter().any(|entry| below(entry.path.as_str(), directory).is_some());
    SYSTEMD_MACROS.iter().any(|(directory, _)| below(directory))
}
