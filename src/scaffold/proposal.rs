//! Findings, merged: what the written configuration will say. Where two sources disagree, the more trusted one is taken and
//! the other is named beside it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use toml::Value;

use super::finding::{Findings, Names, Note, Origin, PackageKey, Said, Trust, one_line};
use super::python::{Application, Kind};
use super::settle::{Context, Role, Service, home_of, settle};
use super::targets::{self, Targets, Wish};
use super::tree::Tree;
use crate::distribution::{Catalogue, PackageFormat, ToolVersion};
use crate::project::{AcceptedValue, accepts, normalised};

/// Longest name of an account (useradd(8)).
const ACCOUNT: usize = 31;

/// A key with its value and where that comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setting {
    pub key: &'static str,
    pub value: Value,
    pub comments: Vec<String>,
}

/// A `[[file]]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct File {
    pub source: String,
    pub destination: String,
    pub from: Origin,
}

/// Packages to require, for a family.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Requires {
    pub family: String,
    pub relations: Vec<String>,
    pub from: Vec<String>,
}

/// What is to be written.
#[derive(Debug, Clone, Serialize)]
pub struct Proposal {
    /// Name of the main package.
    pub name: String,
    /// What says so, where it is not the application's own name.
    pub name_from: Vec<String>,
    pub application: Application,
    pub package: Vec<Setting>,
    pub python: Vec<Setting>,
    pub services: Vec<Service>,
    /// The account of the application's own.
    pub account: String,
    /// For Debian source packages, as `debian/control` has them.
    pub build_requires: Vec<Said>,
    pub files: Vec<File>,
    pub directories: Vec<Said>,
    pub requires: Vec<Requires>,
    pub targets: Targets,
    pub notes: Vec<Note>,
}

/// What a proposal depends on besides the project.
pub struct Surroundings<'a> {
    pub catalogue: &'a Catalogue,
    /// Names that the user gave; empty for a choice.
    pub distributions: &'a [String],
    /// `2026-11-21`
    pub today: &'a str,
}

/// Looks at a project and proposes a configuration.
///
/// # Errors
/// When the user named a distribution that there is not.
pub fn propose(tree: &Tree, surroundings: &Surroundings<'_>) -> Result<Proposal, crate::distribution::Error> {
    let mut findings = Findings::default();
    let application = Application::read(tree, &mut findings);
    super::look(tree, &application, &mut findings);
    let default = application.package_name(tree);
    let usable = usable_name(tree, &default);
    let (name, mut package) = package_settings(&findings, &application, &usable);
    let account = account_of(&name);
    let context = Context {
        tree,
        application: &application,
        package: &name,
        application_name: &default,
        account: &account,
        in_image: &std::mem::take(&mut findings.in_image),
    };
    let services = services(&context, &mut findings);
    let targets = targets(tree, &application, surroundings, &mut findings)?;
    let python = python_settings(&application, &findings, &services);
    let files = files(tree, &mut findings);
    let directories = directories(&mut findings);
    let requires = requires(&findings, &targets, surroundings.catalogue);
    let name_from = package.iter().find(|setting| setting.key == "name").map(|setting| setting.comments.clone());
    package.retain(|setting| setting.key != "name");
    let replaced = (name_from.is_none() && usable != default).then(|| {
        let from = application.name.as_ref().map_or_else(|| Origin::new("the directory", 0), |said| said.from.clone());
        let advice = format!("it is called `{name}` instead; another name goes into `[package]`, as `name`");
        findings.note(from, format!("no package can be called `{}`", one_line(&default)), advice);
        "the application's own name is none for a package".to_owned()
    });
    let mut notes = findings.notes;
    let mut seen = BTreeSet::new();
    notes.retain(|note| seen.insert((note.from.clone(), note.what.clone())));
    let name_from = name_from.unwrap_or_else(|| replaced.into_iter().collect());
    Ok(Proposal {
        name,
        name_from,
        application,
        package,
        python,
        services,
        account,
        build_requires: findings.build_requires,
        files,
        directories,
        requires,
        targets,
        notes,
    })
}

impl Proposal {
    /// Gives the package another name; its own account goes with it.
    pub fn rename(&mut self, name: &str) {
        let account = account_of(name);
        self.set_account(&account);
        let (before, after) = (format!("/var/lib/{}/", self.name), format!("/var/lib/{name}/"));
        for service in &mut self.services {
            service.command = service.command.replace(&before, &after);
        }
        name.clone_into(&mut self.name);
        self.name_from = vec!["as it was answered".to_owned()];
    }

    /// Lets the services that run as the application's own account run as `account`.
    pub fn set_account(&mut self, account: &str) {
        let home = Value::String(home_of(&self.account));
        for service in self.services.iter_mut().filter(|service| service.user == self.account) {
            account.clone_into(&mut service.user);
            // No package makes a home for root.
            service.settings.retain(|(_, value)| account != "root" || *value != home);
            for (_, value) in service.settings.iter_mut().filter(|(_, value)| *value == home) {
                *value = Value::String(home_of(account));
            }
        }
        account.clone_into(&mut self.account);
    }

    /// Builds for other distributions. What their packages are to require is looked for again.
    ///
    /// # Errors
    /// When there is no such distribution.
    pub fn retarget(
        &mut self,
        tree: &Tree,
        catalogue: &Catalogue,
        distributions: &[String],
        today: &str,
    ) -> Result<(), crate::distribution::Error> {
        let again = propose(tree, &Surroundings { catalogue, distributions, today })?;
        self.targets = again.targets;
        self.requires = again.requires;
        Ok(())
    }
}

/// An account's name, of a package's.
#[must_use]
pub fn account_of(package: &str) -> String {
    let name = normalised(package).chars().take(ACCOUNT).collect::<String>();
    if accepts(AcceptedValue::Account, &name).is_ok() { name } else { "app".to_owned() }
}

/// A name that packages can have: the application's, or else the directory's.
fn usable_name(tree: &Tree, own: &str) -> String {
    let names = [own.to_owned(), normalised(tree.title())].into_iter();
    names.into_iter().find(|name| is_usable(PackageKey::Name, name)).unwrap_or_else(|| "app".to_owned())
}

/// The name, and the other keys of `[package]`. `debian/` is believed first, then a spec file, then a call of fpm.
fn package_settings(findings: &Findings, application: &Application, default: &str) -> (String, Vec<Setting>) {
    const ORDER: [(PackageKey, &str); 10] = [
        (PackageKey::Name, "name"),
        (PackageKey::Prefix, "prefix"),
        (PackageKey::Epoch, "epoch"),
        (PackageKey::Release, "release"),
        (PackageKey::License, "license"),
        (PackageKey::Summary, "summary"),
        (PackageKey::Url, "url"),
        (PackageKey::Vendor, "vendor"),
        (PackageKey::Maintainer, "maintainer"),
        (PackageKey::Section, "section"),
    ];
    let mut name = default.to_owned();
    let mut settings = Vec::new();
    for (key, word) in ORDER {
        // The application's own metadata has these, unless it is only modules.
        let in_metadata = matches!(key, PackageKey::License | PackageKey::Summary | PackageKey::Url);
        if in_metadata && application.kind == Kind::Built {
            continue;
        }
        let mut said = findings
            .package
            .iter()
            .filter(|(known, said)| *known == key && is_usable(key, &said.value))
            .map(|(_, said)| said);
        let Some(first) = said.next() else { continue };
        let mut comments = vec![format!("from {}", first.from)];
        let others = said.filter(|other| other.value != first.value);
        comments.extend(others.map(|other| format!("{} has `{}`", other.from, one_line(&other.value))));
        comments.dedup();
        if key == PackageKey::Name {
            name.clone_from(&first.value);
        }
        let value = match key {
            PackageKey::Epoch => Value::Integer(first.value.parse().unwrap_or_default()),
            _ => Value::String(first.value.clone()),
        };
        settings.push(Setting { key: word, value, comments });
    }
    (name, settings)
}

fn is_usable(key: PackageKey, value: &str) -> bool {
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
    match key {
        // dpkg takes no capitals (Debian policy 5.6.1).
        PackageKey::Name => {
            value.len() > 1 && value.chars().all(lower) && accepts(AcceptedValue::PackageName, value).is_ok()
        }
        // Many a tool that is given a path takes what is behind a blank for another one.
        PackageKey::Prefix => {
            !value.contains(char::is_whitespace) && accepts(AcceptedValue::OwnDirectory, value).is_ok()
        }
        PackageKey::Epoch => value.parse::<u16>().is_ok_and(|epoch| epoch > 0),
        PackageKey::Release => accepts(AcceptedValue::Release, value).is_ok(),
        PackageKey::Maintainer => accepts(AcceptedValue::Maintainer, value).is_ok(),
        PackageKey::Section => value.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !value.is_empty(),
        PackageKey::Url => accepts(AcceptedValue::WebAddress, value).is_ok(),
        PackageKey::License | PackageKey::Summary | PackageKey::Vendor => accepts(AcceptedValue::Phrase, value).is_ok(),
    }
}

/// Settled, each once.
fn services(context: &Context<'_>, findings: &mut Findings) -> Vec<Service> {
    let mut candidates = std::mem::take(&mut findings.services);
    candidates.sort_by_key(|candidate| candidate.trust);
    let mut services: Vec<Service> = Vec::new();
    for candidate in candidates {
        let Some(new) = settle(candidate, context, findings) else { continue };
        if new.trust == Trust::Trace && services.iter().any(|known| runs_the_same(known, &new, context.application)) {
            continue;
        }
        let same = |known: &&mut Service| {
            known.name == new.name || (known.role == new.role && new.role != Role::Other && known.trust != new.trust)
        };
        match services.iter_mut().find(same) {
            None => services.push(new),
            Some(known) if known.obstacle.is_some() && new.obstacle.is_none() => {
                let before = std::mem::replace(known, new);
                known.comments.push(mention(&before));
                take_environment(known, &before);
                known.name = before.name;
                known.formerly = known.formerly.take().or(before.formerly);
            }
            Some(known) if new.trust != Trust::Trace => {
                if known.command != new.command {
                    known.comments.push(mention(&new));
                } else if known.from != new.from {
                    known.comments.push(format!("also in {}", new.from));
                }
                take_environment(known, &new);
            }
            Some(_) => {}
        }
    }
    services
}

/// Does a service run the console script that a guess is about?
fn runs_the_same(known: &Service, guess: &Service, application: &Application) -> bool {
    let program = |service: &Service| service.command.split_whitespace().next().map(str::to_owned);
    let script = program(guess).filter(|name| application.scripts.contains_key(name));
    known.obstacle.is_none() && script.is_some() && program(known) == script
}

/// Variables of another source of the same service, where it has none of that name.
fn take_environment(service: &mut Service, other: &Service) {
    let has = |name: &String| service.environment.contains_key(name);
    let new = other.environment.iter().filter(|(name, _)| !has(name)).collect::<Vec<_>>();
    if !new.is_empty() {
        let names = new.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
        service.comments.push(format!("{names} of its environment: from {}", other.from.file));
    }
    let new = new.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect::<Vec<_>>();
    service.environment.extend(new);
    let secrets = other.secrets.iter().filter(|name| !service.secrets.contains(name)).cloned().collect::<Vec<_>>();
    service.secrets.extend(secrets);
}

fn mention(service: &Service) -> String {
    format!("{} has `{}`", service.from, one_line(&service.command))
}

fn targets(
    tree: &Tree,
    application: &Application,
    surroundings: &Surroundings<'_>,
    findings: &mut Findings,
) -> Result<Targets, crate::distribution::Error> {
    let requires_python = application.requires_python.as_ref().map_or("", |said| said.value.as_str());
    let prefers = tree.text(".python-version").and_then(series);
    let wish = Wish { requires_python, prefers, today: surroundings.today };
    let targets = if surroundings.distributions.is_empty() {
        targets::choose(surroundings.catalogue, &wish)
    } else {
        targets::named(surroundings.catalogue, surroundings.distributions, &wish)?
    };
    if let Some(series) = prefers {
        let advice = "each target has its own Python; `version` under `[python]` asks for one series everywhere";
        findings.note(Origin::new(".python-version", 1), format!("Python {}", series.series()), advice);
    }
    Ok(targets)
}

/// `3.11` of `3.11.4`
fn series(text: &str) -> Option<ToolVersion> {
    let mut parts = text.lines().next()?.trim().split('.');
    let (major, minor) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(ToolVersion { major, minor, patch: 0 })
}

fn python_settings(application: &Application, findings: &Findings, services: &[Service]) -> Vec<Setting> {
    let lists = &application.lists;
    let mut settings = Vec::new();
    let list = |values: &[String]| Value::Array(values.iter().cloned().map(Value::String).collect());
    if let Some(lock) = &lists.lock {
        let comments = vec![format!("{lock} says what is installed, to the version")];
        settings.push(Setting { key: "lock", value: Value::String(lock.clone()), comments });
    }
    if !lists.requirements.is_empty() {
        let comments = vec!["the project does not say itself what it requires".to_owned()];
        settings.push(Setting { key: "requirements", value: list(&lists.requirements), comments });
    }
    if !lists.constraints.is_empty() {
        let comments = vec![format!("from {}", lists.constraints.join(", "))];
        settings.push(Setting { key: "constraints", value: list(&lists.constraints), comments });
    }
    let wanted = services.iter().filter(|service| service.obstacle.is_none());
    let extras =
        wanted.filter_map(|service| Some((service.extra.clone()?, service.name.as_str()))).collect::<BTreeMap<_, _>>();
    if !extras.is_empty() {
        let who = extras.iter().map(|(extra, service)| format!("{extra} has the program of the service {service}"));
        settings.push(Setting {
            key: "extras",
            comments: who.collect(),
            value: list(&extras.into_keys().collect::<Vec<_>>()),
        });
    }
    let indexes = findings
        .index_urls
        .iter()
        .filter(|said| accepts(AcceptedValue::Index, &said.value).is_ok())
        .collect::<Vec<_>>();
    if let Some(first) = indexes.first() {
        let comments = vec![format!("from {}", first.from)];
        let urls = indexes.iter().map(|said| said.value.clone()).collect::<BTreeSet<_>>();
        settings.push(Setting {
            key: "extra-index-urls",
            value: list(&urls.into_iter().collect::<Vec<_>>()),
            comments,
        });
    }
    settings
}

/// Files that some packaging installs, each destination once.
fn files(tree: &Tree, findings: &mut Findings) -> Vec<File> {
    let mut files: Vec<File> = Vec::new();
    for shipped in std::mem::take(&mut findings.files) {
        let places = ["/usr/lib/systemd", "/lib/systemd", "/etc/systemd", "/etc/init.d", "/etc/rc.d"];
        let is_service = places.iter().any(|place| shipped.destination.starts_with(place));
        let known = files.iter().any(|file| file.destination == shipped.destination);
        if is_service || known || !tree.has(&shipped.source) {
            continue;
        }
        if accepts(AcceptedValue::TargetPath, &shipped.destination).is_err()
            || shipped.destination.contains(['%', '$', '*', '{'])
        {
            let what = format!("it installs {} as {}", shipped.source, shipped.destination);
            findings.note(shipped.from, what, "ship it as a `[[file]]`");
            continue;
        }
        files.push(File { source: shipped.source, destination: shipped.destination, from: shipped.from });
    }
    files
}

fn directories(findings: &mut Findings) -> Vec<Said> {
    let mut all: Vec<Said> = Vec::new();
    for said in std::mem::take(&mut findings.directories) {
        // What the system has is nothing of the package's own.
        let own = accepts(AcceptedValue::OwnDirectory, &said.value).is_ok() && said.value.matches('/').count() > 1;
        let below = ["/var/", "/etc/", "/srv/"].iter().any(|start| said.value.starts_with(start))
            && said.value.matches('/').count() > 2
            || said.value.starts_with("/srv/");
        let system = ["/etc/default", "/etc/init.d", "/etc/logrotate.d", "/etc/cron.d", "/var/lib/systemd"]
            .contains(&said.value.as_str());
        if own && below && !system && !all.iter().any(|known| known.value == said.value) {
            all.push(said);
        }
    }
    all
}

/// Names of packages are for the families whose packages are of that format.
fn requires(findings: &Findings, targets: &Targets, catalogue: &Catalogue) -> Vec<Requires> {
    let mut all: Vec<Requires> = Vec::new();
    let families = targets.chosen.iter().map(|target| (&target.family, &target.distribution));
    let mut seen = BTreeSet::new();
    for (family, distribution) in families.filter(|(family, _)| seen.insert((*family).clone())) {
        let Ok(distribution) = catalogue.get(distribution) else { continue };
        let names = match distribution.format {
            PackageFormat::Rpm => Names::Rpm,
            PackageFormat::Deb => Names::Deb,
        };
        let needs = findings.needs.iter().filter(|need| need.names == names).collect::<Vec<_>>();
        let mut relations = needs.iter().map(|need| need.relation.clone()).collect::<Vec<_>>();
        relations.sort();
        relations.dedup();
        let mut from = needs.iter().map(|need| need.from.to_string()).collect::<Vec<_>>();
        from.sort();
        from.dedup();
        if !relations.is_empty() {
            all.push(Requires { family: family.clone(), relations, from });
        }
    }
    all
}
