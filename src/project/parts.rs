//! The lists of the configuration: services, users, files, directories, log rotations, meta-packages, relations,
//! scripts. Names are checked against each other here.

use std::collections::{BTreeMap, BTreeSet};

use super::assemble::word;
use super::document::Place;
use super::raw::{self, Configuration};
use super::reader::Reader;
use super::shape::{hint, near};
use super::values;
use super::{
    ConfigFile, DebSettings, ExtraDirectory, ExtraFile, Logrotate, MACHINE, MetaPackage, RelationSettings,
    ScriptletKind, Trigger, User,
};

/// Names that other tables refer to.
pub(super) struct Names {
    packages: BTreeSet<String>,
    services: BTreeSet<String>,
    /// Account to its primary group.
    users: BTreeMap<String, String>,
}

/// What is looked up in a table by name.
#[derive(Clone, Copy)]
pub(super) enum Reference {
    Package,
    Service,
}

impl Names {
    /// `main` is always there, `cli` where no meta-package is declared, `node` where there is a service.
    pub fn of(raw: &Configuration) -> Self {
        let mut packages: BTreeSet<String> = raw.meta_package.iter().filter_map(|meta| meta.name.clone()).collect();
        if packages.is_empty() {
            packages.insert("cli".to_owned());
        }
        if !raw.service.is_empty() {
            packages.insert("node".to_owned());
        }
        packages.insert("main".to_owned());
        let group = |user: &raw::User| user.name.clone().map(|name| (name.clone(), user.group.clone().unwrap_or(name)));
        Self {
            packages,
            services: raw.service.iter().filter_map(|service| service.name.clone()).collect(),
            users: raw.user.iter().filter_map(group).collect(),
        }
    }

    pub fn look_up(
        &self,
        reader: &mut Reader<'_>,
        place: &Place,
        name: Option<&str>,
        what: Reference,
    ) -> Option<String> {
        let name = name.filter(|name| !name.is_empty())?;
        let (known, kind) = match what {
            Reference::Package => (&self.packages, "meta-package"),
            Reference::Service => (&self.services, "service"),
        };
        if !known.contains(name) {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let help =
                if known.is_empty() { format!("there is no {kind} at all") } else { hint(name, &known, "there are") };
            reader.report(place, format!("there is no {kind} `{}`", name.escape_debug()), help);
        }
        Some(name.to_owned())
    }

    /// Is there a service of that name?
    pub fn has_service(&self, name: &str) -> bool {
        self.services.contains(name)
    }

    /// The service whose name was probably meant.
    pub fn near_service(&self, name: &str) -> Option<&str> {
        near(name, &self.services.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The primary group of an account of the configuration.
    pub fn group_of(&self, user: &str) -> Option<String> {
        self.users.get(user).cloned()
    }

    /// The owner of a part; `None`: the main package.
    fn owner(&self, reader: &mut Reader<'_>, at: &Place, name: Option<&str>) -> Option<String> {
        self.look_up(reader, &at.key("package"), name, Reference::Package).filter(|name| name != "main")
    }
}

/// Notes a second entry of the same name (or path).
pub(super) fn unique<'v>(
    reader: &mut Reader<'_>,
    table: &str,
    key: &str,
    values: impl Iterator<Item = Option<&'v str>>,
) {
    let mut seen = BTreeMap::new();
    for (index, value) in values.enumerate() {
        let Some(value) = value else { continue };
        if let Some(first) = seen.insert(value, index) {
            let message = format!("there are two `[[{table}]]` with the {key} `{}`", value.escape_debug());
            let place = |index| Place::at(table).index(index).key(key);
            reader.clash(&place(index), &place(first), message, "give one of them another, or join them");
        }
    }
}

pub(super) fn users(reader: &mut Reader<'_>, raw: &[raw::User]) -> Vec<User> {
    unique(reader, "user", "name", raw.iter().map(|user| user.name.as_deref()));
    let mut all = Vec::with_capacity(raw.len());
    for (index, user) in raw.iter().enumerate() {
        let at = Place::at("user").index(index);
        let name = reader.required(&at.key("name"), user.name.as_deref(), values::new_account);
        let group = reader.value(&at.key("group"), given(&user.group), values::account);
        let home = reader.value(&at.key("home"), given(&user.home), values::target_path);
        all.push(User {
            group: group.unwrap_or_else(|| name.clone()),
            home: home.unwrap_or_else(|| format!("/var/lib/{name}")),
            name,
            shell: reader.value(&at.key("shell"), given(&user.shell), values::target_path),
            groups: reader.list(&at.key("groups"), user.groups.as_deref().unwrap_or_default(), values::account),
            remove: user.remove.unwrap_or(false),
        });
    }
    all
}

pub(super) fn files(reader: &mut Reader<'_>, raw: &[raw::File], names: &Names) -> Vec<ExtraFile> {
    let mut all = Vec::with_capacity(raw.len());
    for (index, file) in raw.iter().enumerate() {
        let at = Place::at("file").index(index);
        if file.source.is_none() {
            reader.required(&at.key("source"), None, values::phrase);
        }
        let source = match file.source.as_deref() {
            // Which file that is, and whether it is there, is known when the machine is.
            Some(path) if path.contains(MACHINE) => reader.path(&at.key("source"), path).unwrap_or_default(),
            path => reader.file_or_directory(&at.key("source"), path).unwrap_or_default(),
        };
        let mut destination = reader.required(&at.key("destination"), file.destination.as_deref(), values::target_path);
        if file.destination.as_deref().is_some_and(|path| path.ends_with('/')) {
            let name = source.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            destination = format!("{}/{name}", destination.trim_end_matches('/'));
        }
        let below_etc = if destination.starts_with("/etc/") { ConfigFile::Noreplace } else { ConfigFile::No };
        all.push(ExtraFile {
            source,
            config: file.config.unwrap_or(below_etc),
            destination,
            mode: reader.value(&at.key("mode"), file.mode.as_deref(), values::mode),
            owner: account_or_root(reader, &at.key("owner"), &file.owner),
            group: account_or_root(reader, &at.key("group"), &file.group),
            doc: file.doc.unwrap_or(false),
            capabilities: reader.value(&at.key("capabilities"), file.capabilities.as_deref(), values::capabilities),
            formerly: reader.list(
                &at.key("formerly"),
                file.formerly.as_deref().unwrap_or_default(),
                values::target_path,
            ),
            template: file.template.unwrap_or(false),
            package: names.owner(reader, &at, file.package.as_deref()),
        });
    }
    unique(reader, "file", "destination", all.iter().map(|file| given_text(&file.destination)));
    all
}

pub(super) fn directories(reader: &mut Reader<'_>, raw: &[raw::Directory], names: &Names) -> Vec<ExtraDirectory> {
    let mut all = Vec::with_capacity(raw.len());
    for (index, directory) in raw.iter().enumerate() {
        let at = Place::at("directory").index(index);
        all.push(ExtraDirectory {
            path: reader.required(&at.key("path"), directory.path.as_deref(), values::own_directory),
            mode: reader.value(&at.key("mode"), directory.mode.as_deref(), values::mode).unwrap_or(0o755),
            owner: account_or_root(reader, &at.key("owner"), &directory.owner),
            group: account_or_root(reader, &at.key("group"), &directory.group),
            ghost: directory.ghost.unwrap_or(false),
            package: names.owner(reader, &at, directory.package.as_deref()),
        });
    }
    unique(reader, "directory", "path", all.iter().map(|directory| given_text(&directory.path)));
    all
}

pub(super) fn logrotate(reader: &mut Reader<'_>, raw: &[raw::Logrotate], names: &Names) -> Vec<Logrotate> {
    let mut all = Vec::with_capacity(raw.len());
    for (index, log) in raw.iter().enumerate() {
        let at = Place::at("logrotate").index(index);
        let paths = log.paths.as_deref().unwrap_or_default();
        if paths.is_empty() {
            reader.report(&at.key("paths"), "`paths` is missing", "add `paths = [\"/var/log/app/*.log\"]`");
        }
        let service = log.service.as_deref();
        all.push(Logrotate {
            paths: reader.list(&at.key("paths"), paths, values::target_path),
            rotate: log.rotate.unwrap_or(8),
            frequency: word(log.frequency.unwrap_or(raw::Frequency::Weekly)),
            compress: log.compress.unwrap_or(true),
            service: names.look_up(reader, &at.key("service"), service, Reference::Service),
            package: names.owner(reader, &at, log.package.as_deref()),
        });
    }
    all
}

pub(super) fn meta_packages(reader: &mut Reader<'_>, raw: &[raw::MetaPackage]) -> Vec<MetaPackage> {
    unique(reader, "meta-package", "name", raw.iter().map(|meta| meta.name.as_deref()));
    unique(reader, "meta-package", "package-name", raw.iter().map(|meta| meta.package_name.as_deref()));
    let mut all = Vec::with_capacity(raw.len());
    for (index, meta) in raw.iter().enumerate() {
        let at = Place::at("meta-package").index(index);
        let name = reader.required(&at.key("name"), meta.name.as_deref(), values::package_name);
        if name == "main" {
            reader.report(&at.key("name"), "`main` is the main package", "give the meta-package another name");
        }
        let node = name == "node";
        let scripts = meta.scripts.as_deref().map(|scripts| reader.list(&at.key("scripts"), scripts, values::script));
        let directory = reader.value(&at.key("link-directory"), meta.link_directory.as_deref(), values::target_path);
        all.push(MetaPackage {
            name,
            package_name: reader.value(&at.key("package-name"), meta.package_name.as_deref(), values::package_name),
            summary: reader.value(&at.key("summary"), given(&meta.summary), values::phrase),
            description: reader.value(&at.key("description"), given(&meta.description), values::text),
            link_directory: directory.unwrap_or_else(|| if node { "/usr/sbin" } else { "/usr/bin" }.to_owned()),
            scripts: scripts.or_else(|| node.then(Vec::new)),
            relations: relations(reader, &meta.relations, &at),
        });
    }
    all
}

pub(super) fn relations(reader: &mut Reader<'_>, raw: &RelationSettings, at: &Place) -> RelationSettings {
    let mut read = |key: &str, values: &[String]| reader.list(&at.key(key), values, values::phrase);
    RelationSettings {
        requires: read("requires", &raw.requires),
        requires_pre: read("requires-pre", &raw.requires_pre),
        recommends: read("recommends", &raw.recommends),
        suggests: read("suggests", &raw.suggests),
        supplements: read("supplements", &raw.supplements),
        enhances: read("enhances", &raw.enhances),
        conflicts: read("conflicts", &raw.conflicts),
        obsoletes: read("obsoletes", &raw.obsoletes),
        provides: read("provides", &raw.provides),
        replaces: read("replaces", &raw.replaces),
        breaks: read("breaks", &raw.breaks),
    }
}

pub(super) fn deb(reader: &mut Reader<'_>, raw: &DebSettings) -> DebSettings {
    let activate = reader.list(&Place::at("deb").key("activate"), &raw.activate, values::dpkg_trigger);
    let build_requires = reader.list(&Place::at("deb").key("build-requires"), &raw.build_requires, values::phrase);
    DebSettings { multi_arch: raw.multi_arch, activate, build_requires }
}

pub(super) fn scriptlets(reader: &mut Reader<'_>, raw: &raw::Scriptlets) -> BTreeMap<ScriptletKind, String> {
    let all = [
        (ScriptletKind::Pretrans, &raw.pretrans),
        (ScriptletKind::Pre, &raw.pre),
        (ScriptletKind::Post, &raw.post),
        (ScriptletKind::Preun, &raw.preun),
        (ScriptletKind::Postun, &raw.postun),
        (ScriptletKind::Posttrans, &raw.posttrans),
        (ScriptletKind::Verify, &raw.verify),
        (ScriptletKind::Purge, &raw.purge),
    ];
    let at = Place::at("scriptlets");
    let read = |(kind, text): (ScriptletKind, &Option<String>)| {
        let text = reader.script(&at.key(&word(kind)), text.as_deref())?;
        (!text.trim().is_empty()).then_some((kind, text))
    };
    all.into_iter().filter_map(read).collect()
}

pub(super) fn triggers(reader: &mut Reader<'_>, raw: &[raw::Trigger], names: &Names) -> Vec<Trigger> {
    let mut all = Vec::with_capacity(raw.len());
    for (index, trigger) in raw.iter().enumerate() {
        let at = Place::at("trigger").index(index);
        if trigger.script.is_none() {
            reader.required(&at.key("script"), None, values::phrase);
        }
        let script = reader.script(&at.key("script"), trigger.script.as_deref()).unwrap_or_default();
        let interpreter = reader.value(&at.key("interpreter"), trigger.interpreter.as_deref(), values::interpreter);
        all.push(Trigger {
            on: reader.required(&at.key("on"), trigger.on.as_deref(), values::phrase),
            when: trigger.when.unwrap_or(super::TriggerWhen::In),
            interpreter: interpreter.unwrap_or_else(|| shebang(&script)),
            script,
            package: names.owner(reader, &at, trigger.package.as_deref()),
        });
    }
    all
}

/// The program of a script's first line, `/bin/sh` without one.
fn shebang(script: &str) -> String {
    let program = script.strip_prefix("#!").and_then(|rest| rest.lines().next()).map(str::trim);
    program.filter(|program| program.starts_with('/')).unwrap_or("/bin/sh").to_owned()
}

pub(super) fn path_or_empty(reader: &mut Reader<'_>, at: &Place, key: &str, value: &Option<String>) -> String {
    reader.value(&at.key(key), value.as_deref(), values::optional_path).unwrap_or_default()
}

fn account_or_root(reader: &mut Reader<'_>, place: &Place, value: &Option<String>) -> String {
    reader.value(place, given(value), values::account).unwrap_or_else(|| "root".to_owned())
}

pub(super) fn given(value: &Option<String>) -> Option<&str> {
    value.as_deref().filter(|value| !value.is_empty())
}

fn given_text(value: &str) -> Option<&str> {
    (!value.is_empty()).then_some(value)
}
