//! Rules about the Python that the application runs on, and about what is installed for it.

use std::ops::Range;
use std::path::Path;

use pep508_rs::{ExtraName, VerbatimUrl};
use url::Url;

use super::calendar::{self, Support};
use super::finding::Found;
use super::hint::Hint;
use super::subject::Subject;
use crate::plan::{BuildPlan, InterpreterKind};
use crate::project::{Place, Source, Spot, has_password, parse_requirement};
use crate::resolve::{self, RequirementFiles, normalize};

/// Requirements that are named before the rest is counted.
const NAMED: usize = 5;
/// Options of requirement files that name a place to take packages from
/// (<https://pip.pypa.io/en/stable/reference/requirements-file-format/#supported-options>).
const INDEXES: [&str; 5] = ["--index-url", "--extra-index-url", "--find-links", "-i", "-f"];

pub fn hints(subject: &Subject<'_>) -> Vec<Found> {
    let Some(plan) = &subject.plan else { return Vec::new() };
    let mut found = Vec::new();
    found.extend(interpreter(subject, plan));
    found.extend(indexes(subject));
    found.extend(dependency_passwords(subject));
    // What cannot be read stops the build, and its error is better than a hint.
    if let Some(files) = requirement_files(subject) {
        found.extend(files.texts.iter().flat_map(|(path, text)| indexes_in(path, text)));
        found.extend(unpinned(subject, plan, files));
    }
    found
}

/// A distribution fixes its own Python for as long as it is supported, so only one of a distribution that is not, or one
/// that the package brings, is left alone when python.org stops.
fn interpreter(subject: &Subject<'_>, plan: &BuildPlan) -> Option<Found> {
    let end = calendar::end_of_python(plan.interpreter.version)?;
    let version = plan.interpreter.version.series();
    let distribution = subject.distribution;
    let hint = match (&plan.interpreter.kind, subject.today.support(end)) {
        (InterpreterKind::Bundled { .. }, Support::Ended) => Hint::PythonEnd {
            version,
            since: end.to_owned(),
            why: "python.org has stopped, and the package brings its own".to_owned(),
            help: "bundle a newer series; or take the distribution's own (`interpreter = \"system\"`), which it fixes for as \
                   long as it is supported itself"
                .to_owned(),
        },
        (InterpreterKind::Bundled { .. }, Support::EndsSoon) => Hint::PythonSoon { version, until: end.to_owned() },
        (InterpreterKind::System { .. }, Support::Ended)
            if subject.today.support(&distribution.end_of_life) == Support::Ended =>
        {
            Hint::PythonEnd {
                version,
                since: end.max(distribution.end_of_life.as_str()).to_owned(),
                why: format!("python.org has stopped, and so has {}, whose it is", distribution.title),
                help: "move on to a release that is supported; until then, a newer Python can come with the package \
                       (`interpreter = \"bundled\"`)"
                    .to_owned(),
            }
        }
        _ => return None,
    };
    let at = Place::at("python");
    let spot =
        ["version", "interpreter"].iter().find_map(|key| subject.config.spot(subject.distribution, &at.key(key)));
    Some(Found::new(hint, spot))
}

/// Addresses of the configuration.
fn indexes(subject: &Subject<'_>) -> Vec<Found> {
    let python = &subject.project.python;
    let at = Place::at("python");
    let url = python.index_url.iter().map(|address| (address, at.key("index-url")));
    let list = |key: &'static str, addresses: &[String]| {
        let at = at.key(key);
        addresses.iter().enumerate().map(move |(index, _)| at.index(index)).collect::<Vec<_>>()
    };
    let more = python.extra_index_urls.iter().zip(list("extra-index-urls", &python.extra_index_urls));
    let links = python.find_links.iter().zip(list("find-links", &python.find_links));
    let all = url.chain(more).chain(links);
    all.flat_map(|(address, place)| {
        let spot = subject.config.spot(subject.distribution, &place);
        of_address(address).into_iter().map(move |hint| Found::new(hint, spot.clone()))
    })
    .collect()
}

/// Addresses in a requirement file, with their places.
fn indexes_in(path: &Path, text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let (option, value) = line.trim().split_once([' ', '=', '\t']).unwrap_or_default();
        if INDEXES.contains(&option) {
            let value = value.trim();
            let at = start + line.find(value).unwrap_or_default();
            let spot = Spot::in_file(path, text, at..at + value.len());
            found.extend(of_address(value).into_iter().map(|hint| Found::new(hint, Some(spot.clone()))));
        }
        if !line.trim_start().starts_with('#') && !INDEXES.contains(&option) {
            let places = addresses_with_password(line);
            let spots = places.map(|at| Spot::in_file(path, text, start + at.start..start + at.end));
            found.extend(spots.map(|spot| Found::new(Hint::IndexPassword { what: "a requirement" }, Some(spot))));
        }
        start += line.len();
    }
    found
}

/// Where words of a text are addresses with a password, behind what says how to get there (`git+https://`), too.
fn addresses_with_password(text: &str) -> impl Iterator<Item = Range<usize>> {
    let ends = |c: char| c.is_whitespace() || "\"'<>".contains(c);
    let starts = text.match_indices("://").map(|(at, _)| at);
    starts.filter_map(move |at| {
        let scheme = |c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c));
        let start = text.get(..at)?.rfind(scheme).map_or(0, |before| before + 1);
        let start = start + text.get(start..at)?.find("git+").map_or(0, |before| before + "git+".len());
        let end = text.get(at..)?.find(ends).map_or(text.len(), |length| at + length);
        has_password(text.get(start..end)?).then_some(start..end)
    })
}

/// Requirements in `pyproject.toml` whose address has a password, which the wheel's metadata has then, too.
fn dependency_passwords(subject: &Subject<'_>) -> Vec<Found> {
    let Some(path) = subject.project.source.directory().map(|path| path.join("pyproject.toml")) else {
        return Vec::new();
    };
    let Ok(text) = fs_err::read_to_string(&path) else { return Vec::new() };
    let (tree, _) = toml::de::DeTable::parse_recoverable(&text);
    let project = tree.get_ref().get("project").and_then(|project| project.get_ref().as_table());
    let own = project.and_then(|project| project.get("dependencies"));
    let extras = project.and_then(|project| project.get("optional-dependencies")?.get_ref().as_table());
    let lists = own.into_iter().chain(extras.into_iter().flat_map(|extras| extras.iter().map(|(_, list)| list)));
    let items = lists.filter_map(|list| list.get_ref().as_array()).flat_map(|list| list.iter());
    let spans = items.flat_map(|item| {
        let start = item.span().start;
        let literal = text.get(item.span()).unwrap_or_default();
        addresses_with_password(literal).map(move |at| start + at.start..start + at.end)
    });
    let spots = spans.map(|span| Spot::in_file(&path, &text, span));
    spots.map(|spot| Found::new(Hint::IndexPassword { what: "a requirement" }, Some(spot))).collect()
}

fn of_address(address: &str) -> Vec<Hint> {
    let Ok(url) = Url::parse(address) else { return Vec::new() };
    let mut hints = Vec::new();
    if has_password(address) {
        hints.push(Hint::IndexPassword { what: "an index" });
    }
    let is_here = url.host_str().is_none_or(|host| {
        host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") || host == "[::1]"
    });
    if url.scheme() == "http" && !is_here {
        hints.push(Hint::IndexHttp { address: resolve::without_credentials(address) });
    }
    hints
}

/// The requirement and constraint files with the application's own requirements; `None` where one cannot be read.
fn requirement_files(subject: &Subject<'_>) -> Option<RequirementFiles> {
    let python = &subject.project.python;
    let files = python.requirements.iter().chain(&python.constraints).cloned().collect::<Vec<_>>();
    RequirementFiles::read(&files).ok()
}

/// Requirements that no lock, no `==` and no constraint pins; or none of whose pins has a hash.
fn unpinned(subject: &Subject<'_>, plan: &BuildPlan, mut files: RequirementFiles) -> Option<Found> {
    let python = &subject.project.python;
    if python.lock.is_some() {
        return None;
    }
    let of_files = RequirementFiles::read(&python.requirements).ok()?;
    let constrained = files.pinned.clone();
    files.names.clone_from(&of_files.names);
    for line in own_requirements(subject, plan) {
        files.read_requirement(&line);
    }
    let addressed = files.texts.iter().flat_map(|(_, text)| text.lines()).filter_map(|line| line.split_once(" @ "));
    let addressed = addressed.map(|(name, _)| normalize(name)).collect::<Vec<_>>();
    let is_pinned = |name: &&String| files.pinned.contains(*name) || addressed.contains(name);
    let loose = files.names.iter().filter(|name| !is_pinned(name)).cloned().collect::<Vec<_>>();
    if loose.is_empty() {
        let (path, _) = files.texts.first()?;
        let hashed = !files.hashes.is_empty() || python.require_hashes || constrained.is_empty();
        let (file, spot) = (path.file_name()?.to_string_lossy().into_owned(), first_line(&files, &constrained));
        return (!hashed).then(|| Found::new(Hint::Hashes { file }, spot));
    }
    let what = match loose.len() {
        1 => "1 requirement is".to_owned(),
        count => format!("{count} requirements are"),
    };
    let place = first_line(&files, &loose.iter().cloned().collect()).or_else(|| dependency_spot(subject, &loose));
    Some(Found::new(Hint::Unpinned { what, names: listed(&loose), how: how_to_pin(subject) }, place))
}

/// What the application requires on this target, and the application itself where it is a requirement.
fn own_requirements(subject: &Subject<'_>, plan: &BuildPlan) -> Vec<String> {
    let Ok(environment) = resolve::marker_environment(&plan.interpreter, &plan.platform) else { return Vec::new() };
    let extras = plan.python.extras.iter().filter_map(|extra| extra.parse::<ExtraName>().ok()).collect::<Vec<_>>();
    let metadata = &subject.project.metadata;
    let own = normalize(&metadata.name);
    let applies = |line: &&String| {
        parse_requirement::<VerbatimUrl>(line).is_ok_and(|requirement| {
            normalize(requirement.name.as_ref()) != own && requirement.marker.evaluate(&environment, &extras)
        })
    };
    // What an address says is one thing, whatever its version.
    let required = metadata.requires_dist.iter().filter(applies).filter(|line| !line.contains('@')).cloned();
    let itself = match &subject.project.source {
        Source::Requirement(text) if !text.contains('@') => Some(text.clone()),
        _ => None,
    };
    required.chain(itself).collect()
}

fn how_to_pin(subject: &Subject<'_>) -> String {
    let directory = subject.project.source.directory();
    let there =
        ["uv.lock", "pylock.toml"].into_iter().find(|name| directory.is_some_and(|path| path.join(name).is_file()));
    match there {
        Some(name) => format!("There is `{name}`: `lock = \"{name}\"` in `[python]` takes what it says"),
        None => "A lock says what was tried: `uv lock`, then `lock = \"uv.lock\"` in `[python]`; or `uv pip compile` writes a \
                 requirement file with `==`"
            .to_owned(),
    }
}

fn listed(names: &[String]) -> String {
    let rest = names.len().saturating_sub(NAMED);
    let named = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if rest == 0 { named } else { format!("{named} and {rest} more") }
}

/// The first line of the files that is about one of `names`.
fn first_line(files: &RequirementFiles, names: &std::collections::BTreeSet<String>) -> Option<Spot> {
    files.texts.iter().find_map(|(path, text)| {
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let end = line.find(|c: char| !(c.is_alphanumeric() || "-_.".contains(c))).unwrap_or(line.len());
            if names.contains(&normalize(line.get(..end).unwrap_or_default())) {
                return Some(Spot::in_file(path, text, start..start + line.trim_end().len()));
            }
            start += line.len();
        }
        None
    })
}

/// The first of `names` in `dependencies` of `pyproject.toml`.
fn dependency_spot(subject: &Subject<'_>, names: &[String]) -> Option<Spot> {
    in_pyproject(subject, |project| {
        let items = project.get("dependencies")?.get_ref().as_array()?;
        let is_meant = |text: &str| {
            let requirement = parse_requirement::<VerbatimUrl>(text);
            requirement.is_ok_and(|requirement| names.contains(&normalize(requirement.name.as_ref())))
        };
        items.iter().find(|item| item.get_ref().as_str().is_some_and(is_meant)).map(toml::Spanned::span)
    })
}

/// Where `[project]` of `pyproject.toml` says this.
pub fn pyproject_spot(subject: &Subject<'_>, key: &str) -> Option<Spot> {
    in_pyproject(subject, |project| Some(project.get(key)?.span()))
}

fn in_pyproject(
    subject: &Subject<'_>,
    find: impl FnOnce(&toml::de::DeTable<'_>) -> Option<std::ops::Range<usize>>,
) -> Option<Spot> {
    let path = subject.project.source.directory()?.join("pyproject.toml");
    let text = fs_err::read_to_string(&path).ok()?;
    let (tree, _) = toml::de::DeTable::parse_recoverable(&text);
    let span = find(tree.get_ref().get("project")?.get_ref().as_table()?)?;
    Some(Spot::in_file(&path, &text, span))
}
