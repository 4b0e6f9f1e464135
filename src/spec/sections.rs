//! One package of the spec file: its tags, description, files and scriptlets.

use serde::Serialize;

use super::header::EARLIEST;
use super::scriptlets::{self, Script};
use super::sources::Sources;
use super::{Error, Layout};
use crate::distribution::SpecDialect;
use crate::package::Package;
use crate::plan::requirement::{Translation, Vocabulary};
use crate::plan::{BuildPlan, PackagePlan, Relation, RelationKind, Role};

/// As the template has it.
#[derive(Debug, Serialize)]
pub struct Section {
    pub name: String,
    /// What follows `%files` and its like: nothing, ` cli` or ` -n other`.
    pub suffix: String,
    pub main: bool,
    pub summary: String,
    pub description: String,
    pub relations: Vec<Tag>,
    pub scripts: Vec<Script>,
    pub files: Vec<String>,
}

/// `Requires: python3dist(flask) >= 2`, with the comments before it.
#[derive(Debug, Serialize)]
pub struct Tag {
    pub comments: Vec<String>,
    pub tag: &'static str,
    pub text: String,
    /// Is it text of the user, or a macro of the template's?
    pub is_macro: bool,
}

#[derive(Debug, Serialize)]
pub struct ChangelogEntry {
    /// `Fri Nov 21 2026`
    pub date: String,
    pub author: String,
    pub text: String,
}

/// Setuptools' programs look their distribution up with pkg_resources before Python 3.8's importlib.metadata.
const RESOURCES: crate::distribution::ToolVersion = crate::distribution::ToolVersion { major: 3, minor: 8, patch: 0 };

/// A package, and what it is written with.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    pub plan: &'a BuildPlan,
    pub planned: &'a PackagePlan,
    pub package: &'a Package,
    pub layout: &'a Layout,
    pub vocabulary: &'a Vocabulary<'a>,
}

impl Part<'_> {
    pub fn section(
        &self,
        mut files: Vec<String>,
        required: &[Translation],
        sources: &mut Sources<'_>,
    ) -> Result<Section, Error> {
        let main = self.planned.role == Role::Main;
        let (scripts, more) = scriptlets::scripts(self, sources)?;
        files.extend(more);
        let mut relations = Vec::new();
        if main {
            relations.extend(required.iter().flat_map(translated));
            let more = self.resources()?.filter(|more| !relations.iter().any(|known: &Tag| known.text == more.text));
            relations.extend(more);
        }
        relations.extend(self.package.relations.iter().filter_map(|relation| self.tag(relation)));
        let text = |text: &str, other: &str| if text.trim().is_empty() { other } else { text }.to_owned();
        let name = &self.package.name;
        Ok(Section {
            name: name.clone(),
            suffix: self.suffix(),
            main,
            summary: phrase(&text(&self.package.summary, name)).to_owned(),
            description: text(&self.package.description, &text(&self.package.summary, name)),
            relations,
            scripts,
            files,
        })
    }

    /// A package whose name begins with that of the main one is called by the rest.
    fn suffix(&self) -> String {
        let main = self.plan.packages.first().map_or("", |main| main.name.as_str());
        let name = self.package.name.as_str();
        let rest = name.strip_prefix(main).and_then(|rest| rest.strip_prefix('-'));
        match rest.filter(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric())) {
            _ if name == main => String::new(),
            Some(rest) => format!(" {rest}"),
            None => format!(" -n {name}"),
        }
    }

    /// setuptools, where what it installs needs it to run.
    fn resources(&self) -> Result<Option<Tag>, Error> {
        let macros = matches!(self.layout.dialect, SpecDialect::Setup | SpecDialect::Plain);
        let old = self.plan.interpreter.version < RESOURCES;
        if !macros || !old || self.plan.metadata.console_scripts.is_empty() {
            return Ok(None);
        }
        let name = self.vocabulary.name("setuptools")?;
        let comments = vec!["programs that setup.py installs".to_owned()];
        Ok(Some(Tag { comments, tag: "Requires", text: name, is_macro: false }))
    }

    /// A relation of the plan. What rpm finds out itself is left out: the series of Python, and accounts, which the
    /// macros need no program of this package for.
    fn tag(&self, relation: &Relation) -> Option<Tag> {
        let dialect = self.layout.dialect;
        let found = (relation.reason == "interpreter" && dialect != SpecDialect::Plain)
            || (relation.reason == "service accounts" && dialect == SpecDialect::Modern);
        if found {
            return None;
        }
        let tag = match relation.kind {
            RelationKind::Requires => "Requires",
            RelationKind::RequiresPre => "Requires(pre)",
            RelationKind::Recommends => "Recommends",
            RelationKind::Suggests => "Suggests",
            RelationKind::Supplements => "Supplements",
            RelationKind::Enhances => "Enhances",
            RelationKind::Conflicts | RelationKind::Breaks => "Conflicts",
            RelationKind::Obsoletes | RelationKind::Replaces => "Obsoletes",
            RelationKind::Provides => "Provides",
        };
        let same_build = relation.reason == "same build";
        let text = if same_build {
            "%{name} = %{?epoch:%{epoch}:}%{version}-%{release}".to_owned()
        } else {
            relation.to_string()
        };
        Some(Tag { comments: Vec::new(), tag, text, is_macro: same_build })
    }
}

/// A summary ends without a full stop: <https://docs.fedoraproject.org/en-US/packaging-guidelines/#_summary_and_description>
fn phrase(summary: &str) -> &str {
    summary.strip_suffix('.').filter(|rest| !rest.is_empty() && !rest.ends_with('.')).unwrap_or(summary)
}

fn translated(translation: &Translation) -> Vec<Tag> {
    let mut comments = vec![translation.requirements.join(", ")];
    comments.extend(translation.open.iter().map(|open| format!("NOTE: {open}")));
    let tags = translation.relations.iter().map(|relation| Tag {
        comments: std::mem::take(&mut comments),
        tag: if relation.kind == RelationKind::Conflicts { "Conflicts" } else { "Requires" },
        text: relation.to_string(),
        is_macro: false,
    });
    tags.collect()
}

/// A conflict is nothing that building needs.
pub fn build_requirement(relation: &Relation) -> Option<String> {
    (relation.kind == RelationKind::Requires).then(|| relation.to_string())
}

/// The project's change log, as far as rpmbuild takes its dates, or else one entry for this version, on the day of `plan`.
/// The entry of this version has the release, too.
pub fn entries(plan: &BuildPlan, package: &Package) -> Vec<crate::package::ChangelogEntry> {
    let mut entries = package.changelog.clone();
    entries.retain(|entry| entry.date >= EARLIEST);
    if entries.is_empty() {
        entries.push(crate::package::packaged(plan, &package.name));
    }
    let (version, full) = (format!(" - {}", plan.version), format!(" - {}", plan.evr.full()));
    for entry in &mut entries {
        if let Some(name) = entry.author.strip_suffix(&version) {
            entry.author = format!("{name}{full}");
        }
    }
    entries
}

pub fn changelog(entries: &[crate::package::ChangelogEntry]) -> Vec<ChangelogEntry> {
    let entry = |entry: &crate::package::ChangelogEntry| ChangelogEntry {
        date: date(entry.date),
        author: entry.author.clone(),
        text: entry.text.clone(),
    };
    entries.iter().map(entry).collect()
}

/// `Fri Nov 21 2026` (civil from days: Howard Hinnant's algorithm).
fn date(seconds: u32) -> String {
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let days = seconds / 86_400;
    let shifted = days + 719_468;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 2 } else { shifted_month - 10 };
    let year = year_of_era + shifted / 146_097 * 400 + u32::from(month < 2);
    let name = |names: &[&'static str], index: u32| names.get(index as usize).copied().unwrap_or_default();
    format!("{} {} {day:02} {year}", name(&WEEKDAYS, days % 7), name(&MONTHS, month))
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates_are_those_of_the_calendar() {
        // LC_ALL=C date -u -d @N '+%a %b %d %Y'
        for (seconds, expected) in [
            (852_076_800, "Wed Jan 01 1997"),
            (1_709_208_000, "Thu Feb 29 2024"),
            (1_735_689_599, "Tue Dec 31 2024"),
            (1_795_219_200, "Sat Nov 21 2026"),
            (4_107_542_400, "Mon Mar 01 2100"),
        ] {
            assert_eq!(date(seconds), expected);
        }
    }
}
