//! Which packages the build makes, and what belongs to which.
//!
//! - The main package `<name>` ships the virtualenv, and all that names no other package.
//! - With no `[[meta-package]]`, `<name>-cli` links the application's console scripts into `/usr/bin`; an application
//!   without console scripts gets none. The user's own `[[meta-package]]` tables replace this default.
//! - A service belongs to the package it names. One that names none belongs to `<name>-node`, which is made when there
//!   is no meta-package `node`; such a package links the application's console scripts that its services run into
//!   `/usr/sbin`. A command of a dependency (`celery`) is not linked: its name is not the application's to take.

use std::collections::BTreeMap;

use super::names::check_package_name;
use super::relation::{Owner, parse, relations};
use super::render::scriptlet_word;
use super::{
    Comparison, Error, Evr, Interpreter, InterpreterKind, Links, PackagePlan, Relation, RelationKind, Role,
    system_packages,
};
use crate::distribution::{Distribution, PackageFormat};
use crate::project::{MetaPackage, Project, RelationSettings, ScriptletKind, Service};

const MAIN: &str = "main";
const CLI: &str = "cli";
const NODE: &str = "node";

/// All packages, first the main one, and what could not be had.
pub(super) struct PackageSet {
    pub packages: Vec<PackagePlan>,
    pub notes: Vec<String>,
}

/// What was decided before.
pub(super) struct Chosen<'a> {
    pub prefix: &'a str,
    pub interpreter: &'a Interpreter,
    pub evr: &'a Evr,
}

pub(super) fn packages(
    project: &Project,
    distribution: &Distribution,
    chosen: Chosen<'_>,
) -> Result<PackageSet, Error> {
    let Chosen { prefix, interpreter, evr } = chosen;
    let mut draft =
        Draft { project, distribution, prefix, evr, keys: Vec::new(), packages: Vec::new(), notes: Vec::new() };
    draft.add_main(interpreter)?;
    draft.add_metas()?;
    draft.place_services()?;
    draft.place_content()?;
    draft.replace_each_other();
    draft.check()?;
    Ok(PackageSet { packages: draft.packages, notes: draft.notes })
}

struct Draft<'a> {
    project: &'a Project,
    distribution: &'a Distribution,
    prefix: &'a str,
    evr: &'a Evr,
    /// What the configuration calls each package: `main`, `cli`.
    keys: Vec<String>,
    packages: Vec<PackagePlan>,
    notes: Vec<String>,
}

impl Draft<'_> {
    fn add_main(&mut self, interpreter: &Interpreter) -> Result<(), Error> {
        let settings = &self.project.package;
        let mut package = self.empty(&settings.name, Role::Main, &self.project.relations)?;
        if let InterpreterKind::System { requirement } = &interpreter.kind {
            let owner = Owner { distribution: self.distribution, package: &settings.name };
            let pin = Relation { reason: "interpreter".to_owned(), ..parse(requirement, "requirement", &owner)? };
            package.relations.insert(0, pin);
        }
        package.relations.extend(system_packages::relations(&self.project.python, interpreter, self.distribution)?);
        package.summary.clone_from(&settings.summary);
        package.description.clone_from(&settings.description);
        package.scriptlets = self.scriptlets();
        if let Some(links) = &settings.links {
            package.links.push(Links { directory: links.directory.clone(), scripts: Some(links.scripts.clone()) });
        }
        package.users.clone_from(&self.project.users);
        self.push(MAIN, package);
        Ok(())
    }

    /// The user's scriptlets but those that the target's package manager has no moment for.
    fn scriptlets(&mut self) -> BTreeMap<ScriptletKind, String> {
        let (manager, missing) = match self.distribution.format {
            PackageFormat::Rpm => ("rpm", [ScriptletKind::Purge].as_slice()),
            PackageFormat::Deb => ("dpkg", [ScriptletKind::Pretrans, ScriptletKind::Verify].as_slice()),
        };
        let mut scriptlets = self.project.scriptlets.clone();
        for kind in missing.iter().filter(|&kind| scriptlets.remove(kind).is_some()) {
            let word = scriptlet_word(*kind);
            self.notes.push(format!("{manager} never runs it: the scriptlet `{word}` is left out"));
        }
        scriptlets
    }

    /// Packages of another version of this build may have files that are in this one now, be it newer or older (policy
    /// 7.6.1). No `Breaks`: each but the main package needs exactly its own version of that, so that they change together,
    /// and dpkg(1) alone, as in `dpkg -i *.deb`, would refuse what breaks a package that is about to be replaced.
    fn replace_each_other(&mut self) {
        if self.distribution.format != PackageFormat::Deb {
            return;
        }
        let names = self.packages.iter().map(|package| package.name.clone()).collect::<Vec<_>>();
        let version = self.evr.full();
        for package in &mut self.packages {
            for name in names.iter().filter(|name| **name != package.name) {
                package.relations.extend([Comparison::Less, Comparison::Greater].map(|comparison| Relation {
                    kind: RelationKind::Replaces,
                    name: name.clone(),
                    comparison: Some((comparison, version.clone())),
                    reason: "files that move between packages of the build".to_owned(),
                }));
            }
        }
    }

    fn add_metas(&mut self) -> Result<(), Error> {
        for meta in &self.project.meta_packages {
            let name = meta.package_name.clone().unwrap_or_else(|| self.meta_name(&meta.name));
            let mut package = self.meta(&name, &meta.name, &meta.relations)?;
            if let Some(summary) = &meta.summary {
                package.summary.clone_from(summary);
            }
            if let Some(description) = &meta.description {
                package.description.clone_from(description);
            }
            package.links.extend(self.links(meta));
            self.push(&meta.name, package);
        }
        let scripts = &self.project.metadata.console_scripts;
        if self.project.meta_packages.is_empty() && !scripts.is_empty() {
            let mut package = self.meta(&self.meta_name(CLI), CLI, &RelationSettings::default())?;
            package.links.push(Links { directory: "/usr/bin".to_owned(), scripts: Some(sorted(scripts)) });
            package.implicit = true;
            self.push(CLI, package);
        }
        Ok(())
    }

    fn links(&self, meta: &MetaPackage) -> Option<Links> {
        let scripts = match &meta.scripts {
            Some(scripts) => scripts.clone(),
            None => sorted(&self.project.metadata.console_scripts),
        };
        (!scripts.is_empty()).then(|| Links { directory: meta.link_directory.clone(), scripts: Some(scripts) })
    }

    fn place_services(&mut self) -> Result<(), Error> {
        let node_of_the_user = self.index_of(NODE).is_some();
        for service in &self.project.services {
            let wanted = service.package.as_deref().unwrap_or(NODE);
            if self.index_of(wanted).is_none() && (wanted == NODE || wanted == self.meta_name(NODE)) {
                let mut package = self.meta(&self.meta_name(NODE), NODE, &RelationSettings::default())?;
                package.implicit = true;
                self.push(NODE, package);
            }
            let package = self.package_for(wanted, || format!("service `{}`", service.name))?;
            package.services.push(service.clone());
        }
        match self.index_of(NODE) {
            Some(index) if !node_of_the_user => self.link_services(index),
            _ => {}
        }
        Ok(())
    }

    /// Links what the services of the package that was made for them run.
    fn link_services(&mut self, index: usize) {
        let Self { project, prefix, packages, .. } = self;
        let Some(package) = packages.get_mut(index) else { return };
        let own = &project.metadata.console_scripts;
        let run = package.services.iter().filter_map(|service| command_name(service, prefix));
        let scripts = sorted(&run.filter(|name| own.contains(name)).collect::<Vec<_>>());
        if !scripts.is_empty() {
            package.links.push(Links { directory: "/usr/sbin".to_owned(), scripts: Some(scripts) });
        }
    }

    fn place_content(&mut self) -> Result<(), Error> {
        let project = self.project;
        let key = |package: &Option<String>| package.clone().unwrap_or_else(|| MAIN.to_owned());
        for file in &project.files {
            let what = || format!("file `{}`", file.destination);
            self.package_for(&key(&file.package), what)?.files.push(file.clone());
        }
        for directory in &project.directories {
            let what = || format!("directory `{}`", directory.path);
            self.package_for(&key(&directory.package), what)?.directories.push(directory.clone());
        }
        for rotation in &project.logrotate {
            let what = || format!("log rotation of `{}`", rotation.paths.join("`, `"));
            self.package_for(&key(&rotation.package), what)?.logrotate.push(rotation.clone());
        }
        for trigger in &project.triggers {
            let what = || format!("the trigger on `{}`", trigger.on);
            self.package_for(&key(&trigger.package), what)?.triggers.push(trigger.clone());
        }
        Ok(())
    }

    /// Contradictions between packages.
    fn check(&self) -> Result<(), Error> {
        let mut seen = Seen::default();
        for package in &self.packages {
            seen.note("package", &package.name, "give each `[[meta-package]]` a name of its own")?;
            for service in &package.services {
                seen.note("service", &service.name, "give each `[[service]]` a name of its own")?;
            }
            for file in &package.files {
                seen.note("file", &file.destination, "two `[[file]]` tables have the same `destination`")?;
            }
            for directory in &package.directories {
                seen.note("directory", &directory.path, "two `[[directory]]` tables have the same `path`")?;
            }
            for user in &package.users {
                seen.note("user", &user.name, "give each `[[user]]` a name of its own")?;
            }
            for links in &package.links {
                for script in links.scripts.iter().flatten() {
                    let path = format!("{}/{script}", links.directory);
                    seen.note(
                        "link",
                        &path,
                        "two packages link it: name in `scripts` what each is to link, `[]` for nothing",
                    )?;
                }
            }
        }
        self.check_log_rotation()
    }

    fn check_log_rotation(&self) -> Result<(), Error> {
        let known = self.project.services.iter().map(|service| service.name.as_str()).collect::<Vec<_>>();
        for rotation in &self.project.logrotate {
            let Some(service) = rotation.service.as_deref() else { continue };
            if !known.contains(&service) {
                return Err(Error::NoSuchService {
                    paths: quoted(&rotation.paths),
                    service: service.to_owned(),
                    known: if known.is_empty() { "none".to_owned() } else { quoted(&known) },
                });
            }
        }
        Ok(())
    }

    fn meta_name(&self, key: &str) -> String {
        format!("{}-{key}", self.project.package.name)
    }

    /// A meta-package: it needs the main package of exactly the same build.
    fn meta(&mut self, name: &str, key: &str, settings: &RelationSettings) -> Result<PackagePlan, Error> {
        let main = &self.project.package.name;
        let (summary, description) = match key {
            CLI => (format!("Commands of {main}"), format!("The commands of {main}.")),
            NODE => (format!("Services of {main}"), format!("The services of {main}.")),
            _ => (format!("{main}: {key}"), format!("The part {key} of {main}.")),
        };
        let same_build = Relation {
            kind: RelationKind::Requires,
            name: main.clone(),
            comparison: Some((Comparison::Equal, self.evr.full())),
            reason: "same build".to_owned(),
        };
        let mut package = self.empty(name, Role::Meta, settings)?;
        package.relations.insert(0, same_build);
        Ok(PackagePlan { summary, description, ..package })
    }

    fn empty(&mut self, name: &str, role: Role, settings: &RelationSettings) -> Result<PackagePlan, Error> {
        check_package_name(name, self.distribution.format)?;
        let owner = Owner { distribution: self.distribution, package: name };
        Ok(PackagePlan {
            name: name.to_owned(),
            role,
            summary: String::new(),
            description: String::new(),
            relations: relations(settings, &owner, &mut self.notes)?,
            links: Vec::new(),
            services: Vec::new(),
            users: Vec::new(),
            files: Vec::new(),
            directories: Vec::new(),
            logrotate: Vec::new(),
            scriptlets: BTreeMap::new(),
            triggers: Vec::new(),
            implicit: false,
        })
    }

    fn push(&mut self, key: &str, package: PackagePlan) {
        self.keys.push(key.to_owned());
        self.packages.push(package);
    }

    /// By what the configuration calls it, or by its full name.
    fn index_of(&self, wanted: &str) -> Option<usize> {
        let by_key = self.keys.iter().position(|key| key == wanted);
        by_key.or_else(|| self.packages.iter().position(|package| package.name == wanted))
    }

    fn package_for(&mut self, wanted: &str, what: impl FnOnce() -> String) -> Result<&mut PackagePlan, Error> {
        let index = self.index_of(wanted);
        let known = quoted(&self.keys);
        index.and_then(|index| self.packages.get_mut(index)).ok_or_else(|| Error::NoSuchPackage {
            what: what(),
            package: wanted.to_owned(),
            known,
        })
    }
}

/// Names that may be there once only.
#[derive(Default)]
struct Seen(std::collections::BTreeSet<(&'static str, String)>);

impl Seen {
    fn note(&mut self, what: &'static str, name: &str, hint: &'static str) -> Result<(), Error> {
        if self.0.insert((what, name.to_owned())) {
            return Ok(());
        }
        Err(Error::Duplicate { what, name: name.to_owned(), hint })
    }
}

/// The script in `<prefix>/bin` that a service runs: the first word of its command, unless that is a path elsewhere.
fn command_name(service: &Service, prefix: &str) -> Option<String> {
    let word = service.command.split_whitespace().next()?.trim_matches(['"', '\'']);
    let name = word.strip_prefix(prefix).and_then(|rest| rest.strip_prefix("/bin/")).unwrap_or(word);
    (!name.contains('/')).then(|| name.to_owned())
}

fn sorted(names: &[String]) -> Vec<String> {
    let mut names = names.to_vec();
    names.sort();
    names.dedup();
    names
}

fn quoted<S: AsRef<str>>(words: &[S]) -> String {
    words.iter().map(|word| format!("`{}`", word.as_ref())).collect::<Vec<_>>().join(", ")
}
