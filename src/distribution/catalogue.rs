//! From tables to distributions: inheritance with `like`, the user's own tables, look-up by name.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Distribution, Error, ToolVersion};

const EMBEDDED: &str = include_str!("distributions.toml");

/// The keys of a `[distribution.<name>]` table that are facts. Every other key (`relations`, `package`, ...) overrides
/// configuration and is none of this floor's business.
pub const FACTS: [&str; 25] = [
    "like",
    "title",
    "family",
    "format",
    "format-version",
    "glibc",
    "init",
    "systemd",
    "compression",
    "zstd",
    "pythons",
    "architectures",
    "cpu-baseline",
    "dist-tag",
    "end-of-life",
    "image",
    "toolchain",
    "nologin",
    "logrotate-package",
    "cron-package",
    "libraries",
    "bundled-provides",
    "spec-dialect",
    "python-dist",
    "sources",
];

/// All known targets.
#[derive(Debug, Clone)]
pub struct Catalogue {
    /// Tables as written, to inherit from.
    tables: BTreeMap<String, toml::Table>,
    /// In the order of the file, the user's own last.
    distributions: Vec<Distribution>,
}

/// The file `distributions.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    shared: toml::Table,
    distribution: toml::Table,
}

impl Catalogue {
    /// The targets that omnipack knows by itself.
    ///
    /// # Errors
    /// Never for the file as shipped: a test reads every table of it.
    pub fn embedded() -> Result<Self, Error> {
        let File { shared, distribution } = toml::from_str(EMBEDDED)
            .map_err(|error| Error::Facts { name: "distributions.toml".to_owned(), reason: error.to_string() })?;
        let mut catalogue = Self { tables: BTreeMap::new(), distributions: Vec::new() };
        catalogue.insert_tables(&shared, |name| format!("shared {name}"))?;
        catalogue.insert_tables(&distribution, str::to_owned)?;
        for name in distribution.keys() {
            catalogue.distributions.push(catalogue.build(name)?);
        }
        Ok(catalogue)
    }

    /// Adds the user's `[distribution.<name>]` tables. Of each table only the [`FACTS`] are read; a table without facts
    /// changes nothing. A table of a name that is not known yet adds a target, with `like` or complete in itself.
    ///
    /// # Errors
    /// When the facts of a table are incomplete, malformed, or like those of an unknown distribution.
    pub fn with_overrides(mut self, user: &toml::Table) -> Result<Self, Error> {
        let mut changed = Vec::new();
        for (name, value) in user {
            let facts = facts_of(name, value)?;
            if facts.is_empty() {
                continue;
            }
            // What a known distribution has stays, unless the user says what it is like now.
            let mut merged = match self.tables.get(name) {
                Some(known) if !facts.contains_key("like") => known.clone(),
                _ => toml::Table::new(),
            };
            merge(&mut merged, &facts);
            self.tables.insert(name.clone(), merged);
            changed.push(name.as_str());
        }
        for name in changed {
            let distribution = self.build(name)?;
            match self.distributions.iter_mut().find(|known| known.name == name) {
                Some(known) => *known = distribution,
                None => self.distributions.push(distribution),
            }
        }
        Ok(self)
    }

    /// # Errors
    /// When there is no such distribution: the help names the nearest ones.
    pub fn get(&self, name: &str) -> Result<&Distribution, Error> {
        self.distributions
            .iter()
            .find(|distribution| distribution.name == name)
            .ok_or_else(|| Error::Unknown { name: name.to_owned(), hint: self.hint(name) })
    }

    pub fn iter(&self) -> impl Iterator<Item = &Distribution> {
        self.distributions.iter()
    }

    /// `did you mean ...?`, or how to see all.
    fn hint(&self, name: &str) -> String {
        let wanted = name.to_lowercase();
        let mut near = self
            .distributions
            .iter()
            .map(|known| (strsim::jaro_winkler(&wanted, &known.name), known.name.as_str()))
            .filter(|(similarity, _)| *similarity > 0.8)
            .collect::<Vec<_>>();
        near.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(right.1)));
        near.truncate(3);
        let all = "`omnipack distributions` lists all; a `[distribution.<name>]` table adds one";
        if near.is_empty() {
            return all.to_owned();
        }
        let names = near.iter().map(|(_, name)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        format!("the nearest names are {names}; {all}")
    }

    fn insert_tables(&mut self, tables: &toml::Table, key: impl Fn(&str) -> String) -> Result<(), Error> {
        for (name, value) in tables {
            self.tables.insert(key(name), as_table(name, value)?.clone());
        }
        Ok(())
    }

    /// Follows `like` to the end and reads what comes together.
    fn build(&self, name: &str) -> Result<Distribution, Error> {
        let unusable = |reason: String| Error::Facts { name: name.to_owned(), reason };
        let mut facts = self.inherited(name, name, &mut Vec::new())?;
        if let Some(toml::Value::Table(words)) = facts.get_mut("architectures") {
            words.retain(|_, word| word.as_str() != Some(""));
        }
        if facts.get("init").and_then(toml::Value::as_str) == Some("sysvinit") {
            facts.remove("systemd");
        }
        let mut distribution: Distribution =
            facts.try_into().map_err(|error: toml::de::Error| unusable(error.message().to_owned()))?;
        name.clone_into(&mut distribution.name);
        check(&distribution).map_err(unusable)?;
        Ok(distribution)
    }

    fn inherited(&self, target: &str, name: &str, seen: &mut Vec<String>) -> Result<toml::Table, Error> {
        let unusable = |reason: String| Error::Facts { name: target.to_owned(), reason };
        let Some(table) = self.tables.get(name) else {
            return Err(unusable(format!("it is like `{name}`, but {}", self.hint(name))));
        };
        if seen.iter().any(|step| step == name) {
            return Err(unusable(format!("it is like itself: {} -> {name}", seen.join(" -> "))));
        }
        seen.push(name.to_owned());
        let mut own = table.clone();
        let Some(like) = own.remove("like") else { return Ok(own) };
        let like = like.as_str().ok_or_else(|| unusable("`like` is not a name".to_owned()))?;
        let shared = format!("shared {like}");
        let parent = [like, &shared].into_iter().find(|key| self.tables.contains_key(*key)).unwrap_or(like);
        let mut merged = self.inherited(target, parent, seen)?;
        merge(&mut merged, &own);
        Ok(merged)
    }
}

/// The facts among the keys of a user's table.
fn facts_of(name: &str, value: &toml::Value) -> Result<toml::Table, Error> {
    let table = as_table(name, value)?;
    Ok(table
        .iter()
        .filter(|(key, _)| FACTS.contains(&key.as_str()))
        .map(|(key, fact)| (key.clone(), fact.clone()))
        .collect())
}

fn as_table<'a>(name: &str, value: &'a toml::Value) -> Result<&'a toml::Table, Error> {
    value.as_table().ok_or_else(|| Error::Facts { name: name.to_owned(), reason: "it is not a table".to_owned() })
}

/// Puts `over` on top of `base`; tables are merged key by key, all else is replaced.
fn merge(base: &mut toml::Table, over: &toml::Table) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => merge(below, above),
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

/// What the types do not say.
fn check(distribution: &Distribution) -> Result<(), String> {
    if distribution.pythons.is_empty() {
        return Err("`pythons` is empty".to_owned());
    }
    if distribution.architectures.is_empty() {
        return Err("`architectures` is empty".to_owned());
    }
    for python in &distribution.pythons {
        if !python.path.starts_with('/') {
            return Err(format!("the path of Python {} is not absolute: `{}`", python.version, python.path));
        }
    }
    if let Some((machine, isa)) = distribution.cpu_baseline.iter().find(|(machine, isa)| isa.machine() != **machine) {
        return Err(format!("`cpu-baseline` of {machine} is `{isa}`, which is of {}", isa.machine()));
    }
    for (index, python) in distribution.pythons.iter().enumerate() {
        if distribution.pythons[..index].iter().any(|before| before.version == python.version) {
            return Err(format!("Python {} is there twice", python.version));
        }
    }
    if !distribution.nologin.starts_with('/') {
        return Err(format!("`nologin` is not an absolute path: `{}`", distribution.nologin));
    }
    if distribution.init == super::InitSystem::Systemd && distribution.systemd.is_none() {
        return Err("`systemd` (its version) is missing".to_owned());
    }
    if let Some(image) = &distribution.image {
        super::check_image(image).map_err(|bad| format!("`image`: {}; {}", bad.message, bad.help))?;
    }
    if !distribution.end_of_life.is_empty() && !is_date(&distribution.end_of_life) {
        return Err(format!("`end-of-life` is not a date such as 2032-05-31: `{}`", distribution.end_of_life));
    }
    if let Some(libraries) = &distribution.libraries
        && super::Libraries::named(libraries).is_none()
    {
        let known = super::Libraries::names().collect::<Vec<_>>().join(", ");
        return Err(format!("there are no `libraries` of `{libraries}`, only of {known}"));
    }
    if distribution.glibc < ToolVersion::new(2, 5, 0) {
        return Err(format!("glibc {} is older than any wheel can use (2.5)", distribution.glibc));
    }
    Ok(())
}

/// Is it `YYYY-MM-DD`, with a day that the month has?
fn is_date(text: &str) -> bool {
    let parts = text.split('-').collect::<Vec<_>>();
    let [year, month, day] = parts.as_slice() else { return false };
    if [year.len(), month.len(), day.len()] != [4, 2, 2] {
        return false;
    }
    let (Ok(year), Ok(month), Ok(day)) = (year.parse::<u32>(), month.parse::<u32>(), day.parse::<u32>()) else {
        return false;
    };
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}
