//! The proposal as a commented file. The template says how a table looks; what is in which table is said here.

use serde::Serialize;
use toml::Value;

use super::finding::Origin;
use super::proposal::{Proposal, Setting};
use super::settle::Service;
use crate::template::{TemplateError, render};

const TEMPLATE: &str = include_str!("../../templates/init/omnipack.toml");

/// Columns of a comment, without `# `.
const WIDTH: usize = 110;

/// A table of the file.
#[derive(Debug, Default, Serialize)]
struct Table {
    comments: Vec<String>,
    /// The parts of its name.
    path: Vec<String>,
    /// Is it one of several (`[[service]]`)?
    item: bool,
    /// Is it a comment only?
    left: bool,
    entries: Vec<Entry>,
}

#[derive(Debug, Serialize)]
struct Entry {
    comments: Vec<String>,
    /// Is it a comment only?
    left: bool,
    key: String,
    value: Value,
}

#[derive(Serialize)]
struct Context {
    name: String,
    tables: Vec<Table>,
    notes: Vec<Vec<String>>,
}

/// The text of `omnipack.toml`.
///
/// # Errors
/// When a value cannot stand in it.
pub fn text(proposal: &Proposal) -> Result<String, TemplateError> {
    let mut tables = vec![package(proposal)];
    tables.extend(python(proposal));
    tables.extend(proposal.services.iter().map(|one| service(one, &proposal.name)));
    tables.extend(users(proposal));
    tables.extend(files(proposal));
    tables.extend(directories(proposal));
    tables.push(targets(proposal));
    tables.extend(requires(proposal));
    tables.extend(build_requires(proposal));
    let note =
        |what: &str, from: &Origin, advice: &str| wrapped(&format!("{from}: {what}"), &format!("   -> {advice}"));
    let notes = proposal.notes.iter().map(|seen| note(&seen.what, &seen.from, &seen.advice)).collect();
    render("omnipack.toml", TEMPLATE, Context { name: proposal.name.clone(), tables, notes })
}

fn table(path: &[&str], comments: Vec<String>, entries: Vec<Entry>) -> Table {
    let path = path.iter().map(|part| (*part).to_owned()).collect();
    Table { comments: comments.iter().flat_map(|line| wrap(line)).collect(), path, entries, ..Table::default() }
}

fn item(path: &str, comments: Vec<String>, entries: Vec<Entry>) -> Table {
    Table { item: true, ..table(&[path], comments, entries) }
}

fn entry(key: &str, value: Value) -> Entry {
    Entry { comments: Vec::new(), left: false, key: key.to_owned(), value }
}

fn text_entry(key: &str, value: &str) -> Entry {
    entry(key, Value::String(value.to_owned()))
}

fn list(values: &[String]) -> Value {
    Value::Array(values.iter().cloned().map(Value::String).collect())
}

fn setting(setting: &Setting) -> Entry {
    let comments = setting.comments.iter().flat_map(|line| wrap(line)).collect();
    Entry { comments, ..entry(setting.key, setting.value.clone()) }
}

fn package(proposal: &Proposal) -> Table {
    let comments = match (&proposal.application.name, proposal.name_from.is_empty()) {
        (Some(name), true) => {
            vec![format!("name from {}; version and texts come from the application's metadata", name.from)]
        }
        (None, true) => vec!["name from the directory".to_owned()],
        (_, false) => vec!["version and texts come from the application's metadata".to_owned()],
    };
    let from = proposal.name_from.iter().flat_map(|line| wrap(line)).collect();
    let mut entries = vec![Entry { comments: from, ..text_entry("name", &proposal.name) }];
    entries.extend(proposal.package.iter().map(setting));
    entries.extend(unsaid(proposal));
    table(&["package"], comments, entries)
}

/// Keys that nothing says, to be filled in: modules have no metadata.
fn unsaid(proposal: &Proposal) -> Vec<Entry> {
    const KEYS: [(&str, &str); 3] =
        [("version", "1.0.0"), ("license", "MIT"), ("maintainer", "A Name <name@example.org>")];
    if proposal.application.kind != super::python::Kind::Modules {
        return Vec::new();
    }
    let is_said = |key: &str| proposal.package.iter().any(|setting| setting.key == key);
    let missing = KEYS.iter().filter(|(key, _)| !is_said(key));
    let mut entries = missing.map(|(key, value)| Entry { left: true, ..text_entry(key, value) }).collect::<Vec<_>>();
    if let Some(first) = entries.first_mut() {
        first.comments = vec!["nothing says these:".to_owned()];
    }
    entries
}

fn python(proposal: &Proposal) -> Option<Table> {
    if proposal.python.is_empty() {
        return None;
    }
    Some(table(&["python"], Vec::new(), proposal.python.iter().map(setting).collect()))
}

fn service(service: &Service, package: &str) -> Table {
    let mut comments = vec![format!("from {}", service.from)];
    comments.extend(service.comments.iter().cloned());
    if let Some(obstacle) = &service.obstacle {
        comments.push(format!("left out: {}", obstacle.reason));
        comments.push(format!("-> {}", obstacle.advice));
    }
    let mut entries = vec![
        text_entry("name", &service.name),
        text_entry("command", &service.command),
        text_entry("user", &service.user),
    ];
    entries.extend(service.group.iter().map(|group| text_entry("group", group)));
    entries.extend(service.formerly.iter().map(|former| entry("formerly", list(std::slice::from_ref(former)))));
    if !service.environment.is_empty() {
        let pairs = service.environment.iter().map(|(name, value)| (name.clone(), Value::String(value.clone())));
        entries.push(entry("environment", Value::Table(pairs.collect())));
    }
    entries.extend(service.environment_file.iter().map(|path| text_entry("environment-file", path)));
    entries.extend(secrets(service, package));
    entries.extend(service.settings.iter().map(|(key, value)| entry(key, value.clone())));
    Table { left: service.obstacle.is_some(), ..item("service", comments, entries) }
}

/// Where the secrets go, which each machine has its own of.
fn secrets(service: &Service, package: &str) -> Option<Entry> {
    if service.secrets.is_empty() {
        return None;
    }
    let path = service.environment_file.clone().unwrap_or_else(|| format!("/etc/{package}/{}.env", service.name));
    let said =
        format!("left out as secrets: {}; write them into such a file on each machine", service.secrets.join(", "));
    Some(Entry { comments: wrap(&said), left: true, ..text_entry("environment-file", &path) })
}

/// What `debian/control` needs for building.
fn build_requires(proposal: &Proposal) -> Option<Table> {
    let first = proposal.build_requires.first()?;
    let relations = proposal.build_requires.iter().map(|said| said.value.clone()).collect::<Vec<_>>();
    let comments = vec![format!(
        "from {}: for Debian source packages (`omnipack generate-spec` with a Debian target)",
        first.from
    )];
    Some(Table { left: true, ..table(&["deb"], comments, vec![entry("build-requires", list(&relations))]) })
}

/// The accounts of the services that run.
fn users(proposal: &Proposal) -> Vec<Table> {
    let mut names = proposal
        .services
        .iter()
        .filter(|service| service.obstacle.is_none())
        .map(|service| service.user.as_str())
        .collect::<Vec<_>>();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| *name != "root");
    let user = |name: &&str| {
        item("user", vec!["a system account; its home is /var/lib/<name>".to_owned()], vec![text_entry("name", name)])
    };
    names.iter().map(user).collect()
}

fn files(proposal: &Proposal) -> Vec<Table> {
    let file = |file: &super::proposal::File| {
        let entries = vec![text_entry("source", &file.source), text_entry("destination", &file.destination)];
        item("file", vec![format!("from {}", file.from)], entries)
    };
    proposal.files.iter().map(file).collect()
}

fn directories(proposal: &Proposal) -> Vec<Table> {
    let running = proposal.services.iter().find(|service| service.obstacle.is_none());
    let directory = |said: &super::finding::Said| {
        let mut entries = vec![text_entry("path", &said.value)];
        if let Some(service) = running.filter(|_| said.value.starts_with("/var/")) {
            entries.extend([
                text_entry("owner", &service.user),
                text_entry("group", &service.user),
                text_entry("mode", "0750"),
            ]);
        }
        item("directory", vec![format!("from {}", said.from)], entries)
    };
    proposal.directories.iter().map(directory).collect()
}

fn targets(proposal: &Proposal) -> Table {
    let mut comments = vec![
        "what `omnipack` builds for without `--distribution`: supported, with a Python for the application".to_owned(),
    ];
    if let Some(said) = &proposal.application.requires_python {
        comments.push(format!("Python {} from {}", super::finding::one_line(&said.value), said.from));
    }
    if !proposal.targets.others.is_empty() {
        comments.push(format!("others that fit: {}", proposal.targets.others.join(", ")));
    }
    if !proposal.targets.unfit.is_empty() {
        comments.push(format!("without a Python that fits: {}", proposal.targets.unfit.join(", ")));
    }
    let names = proposal.targets.chosen.iter().map(|target| target.distribution.clone()).collect::<Vec<_>>();
    table(&["targets"], comments, vec![entry("distributions", list(&names))])
}

fn requires(proposal: &Proposal) -> Vec<Table> {
    let python = proposal.targets.chosen.iter().filter_map(|target| {
        let series = target.python.as_ref()?;
        let comments = vec!["its default Python does not fit".to_owned()];
        Some(table(&["distribution", &target.distribution, "python"], comments, vec![text_entry("version", series)]))
    });
    let requires = proposal.requires.iter().map(|requires| {
        let comments = vec![format!("from {}", requires.from.join("; "))];
        table(
            &["distribution", &requires.family, "relations"],
            comments,
            vec![entry("requires", list(&requires.relations))],
        )
    });
    python.chain(requires).collect()
}

fn wrapped(first: &str, second: &str) -> Vec<String> {
    wrap(first).into_iter().chain(wrap(second)).collect()
}

/// Lines of at most [`WIDTH`] columns, the later ones indented. Only what blanks separate is broken.
fn wrap(text: &str) -> Vec<String> {
    let clean = text.replace(char::is_control, " ");
    let indent = clean.len() - clean.trim_start().len();
    let mut lines = vec![" ".repeat(indent)];
    for word in clean.split_whitespace() {
        let full = lines
            .last()
            .is_some_and(|line| line.trim().len() + word.chars().count() > WIDTH && !line.trim().is_empty());
        if full {
            lines.push(" ".repeat(indent + 2));
        }
        if let Some(line) = lines.last_mut() {
            if !line.trim().is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
