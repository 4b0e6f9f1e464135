//! What a build ends with: files, sizes, what the packages require and why.

use std::fmt::Write;
use std::time::Duration;

use serde::Serialize;

use crate::build::{Outcome, Written, counted};
use crate::package::Architecture;
use crate::plan::{Relation, RelationKind};

/// Reasons listed for one requirement before the rest is counted.
const REASONS_SHOWN: usize = 3;

#[derive(Serialize)]
struct DistributionSummary<'a> {
    distribution: &'a str,
    /// `3.11`; none in a package without Python.
    python: Option<String>,
    packages: Vec<PackageSummary<'a>>,
    wheels: Vec<WheelSummary<'a>>,
    /// Python distributions that packages of the target bring instead.
    left_out: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'a std::path::Path>,
}

#[derive(Serialize)]
struct PackageSummary<'a> {
    name: &'a str,
    version: &'a str,
    release: &'a str,
    epoch: u32,
    architecture: &'a str,
    path: &'a std::path::Path,
    size: u64,
    installed_size: u64,
    relations: &'a [Relation],
}

#[derive(Serialize)]
struct WheelSummary<'a> {
    name: &'a str,
    version: &'a str,
    file_name: &'a str,
    sha256: &'a str,
}

/// For scripts.
pub fn json(outcomes: &[Outcome]) -> impl Serialize {
    outcomes
        .iter()
        .map(|outcome| DistributionSummary {
            distribution: &outcome.plan.distribution.name,
            python: outcome.plan.has_python().then(|| outcome.plan.interpreter.version.to_string()),
            packages: outcome.written.iter().map(package).collect(),
            wheels: outcome
                .lock
                .wheels
                .iter()
                .map(|wheel| WheelSummary {
                    name: &wheel.name,
                    version: &wheel.version,
                    file_name: &wheel.file_name,
                    sha256: &wheel.sha256,
                })
                .collect(),
            left_out: &outcome.plan.left_out,
            stage: outcome.stage.as_deref(),
        })
        .collect::<Vec<_>>()
}

fn package(written: &Written) -> PackageSummary<'_> {
    PackageSummary {
        name: &written.package.name,
        version: &written.package.evr.version,
        release: &written.package.evr.release,
        epoch: written.package.evr.epoch,
        architecture: architecture(&written.package.architecture),
        path: &written.path,
        size: written.size,
        installed_size: written.installed_size,
        relations: &written.package.relations,
    }
}

fn architecture(architecture: &Architecture) -> &str {
    match architecture {
        Architecture::Independent => "noarch",
        Architecture::Native(name) => name,
    }
}

/// For people.
pub fn text(outcomes: &[Outcome], elapsed: Duration) -> String {
    let mut text = String::new();
    for outcome in outcomes {
        let plan = &outcome.plan;
        // Writing to a String cannot fail.
        let wheels = counted(outcome.lock.wheels.len(), "wheel");
        let _ = match plan.has_python() {
            true => writeln!(text, "{} (Python {}, {wheels})", plan.distribution.name, plan.interpreter.version),
            false => writeln!(text, "{} (no Python)", plan.distribution.name),
        };
        if !plan.left_out.is_empty() {
            let _ = writeln!(text, "  left to packages of the distribution: {}", plan.left_out.join(", "));
        }
        for written in &outcome.written {
            let _ = writeln!(
                text,
                "  {}  {} ({} installed)",
                written.path.display(),
                human_size(written.size),
                human_size(written.installed_size)
            );
            requirements(&mut text, &written.package.relations);
        }
        if let Some(stage) = &outcome.stage {
            let _ = writeln!(text, "  {}  the staged tree", stage.display());
        }
    }
    let files = outcomes.iter().map(|outcome| outcome.written.len()).sum::<usize>();
    let _ = writeln!(text, "{} in {:.1} s", counted(files, "package"), elapsed.as_secs_f64());
    text
}

/// One line a requirement. What native code needs of one library is one line, with the newest version of each kind of
/// symbol, which is what decides; the package requires each of them.
fn requirements(text: &mut String, relations: &[Relation]) {
    let mut wanted: Vec<(String, Vec<&str>)> = Vec::new();
    let mut libraries: Vec<Library<'_>> = Vec::new();
    let is_requirement = |kind| matches!(kind, RelationKind::Requires | RelationKind::RequiresPre);
    for relation in relations.iter().filter(|relation| is_requirement(relation.kind)) {
        if let Some((name, symbol)) = library_symbol(&relation.name) {
            match libraries.iter_mut().find(|library| library.name == name) {
                Some(library) => library.need(symbol, &relation.reason),
                None => libraries.push(Library::new(name, symbol, &relation.reason)),
            }
            continue;
        }
        let shown = relation.to_string();
        match wanted.iter_mut().find(|(known, _)| *known == shown) {
            Some((_, reasons)) => reasons.push(&relation.reason),
            None => wanted.push((shown, vec![&relation.reason])),
        }
    }
    for (shown, mut reasons) in wanted {
        reasons.dedup();
        let more = reasons.len().saturating_sub(REASONS_SHOWN);
        let listed = reasons.iter().take(REASONS_SHOWN).copied().collect::<Vec<_>>().join("; ");
        let more = if more == 0 { String::new() } else { format!("; and {more} more") };
        let _ = writeln!(text, "    requires {shown}  ({listed}{more})");
    }
    for library in libraries {
        library.write(text);
    }
}

/// `libc.so.6(GLIBC_2.17)(64bit)` is symbol `GLIBC_2.17` of `libc.so.6`; without a symbol version, it is empty.
fn library_symbol(requirement: &str) -> Option<(&str, &str)> {
    let (name, rest) = requirement.split_once('(')?;
    name.contains(".so").then(|| (name, rest.split(')').next().unwrap_or_default()))
}

/// What is needed of one library: per family of symbol versions (`GLIBC`, `GLIBCXX`) the newest, and who needs it.
struct Library<'a> {
    name: &'a str,
    newest: Vec<(&'a str, &'a str)>,
    reason: &'a str,
}

impl<'a> Library<'a> {
    fn new(name: &'a str, symbol: &'a str, reason: &'a str) -> Self {
        let mut library = Self { name, newest: Vec::new(), reason };
        library.need(symbol, reason);
        library
    }

    fn need(&mut self, symbol: &'a str, reason: &'a str) {
        if symbol.is_empty() {
            return;
        }
        let family = family(symbol);
        match self.newest.iter_mut().find(|(known, _)| self::family(known) == family) {
            Some(known) if numbers(known.0) < numbers(symbol) => *known = (symbol, reason),
            Some(_) => {}
            None => self.newest.push((symbol, reason)),
        }
    }

    fn write(&self, text: &mut String) {
        let symbols = self.newest.iter().map(|(symbol, _)| *symbol).collect::<Vec<_>>().join(", ");
        let reason = self.newest.first().map_or(self.reason, |(_, reason)| reason);
        let up_to = if symbols.is_empty() { symbols } else { format!(" up to {symbols}") };
        let _ = writeln!(text, "    requires {}{up_to}  ({reason})", self.name);
    }
}

fn family(symbol: &str) -> &str {
    symbol.split('_').next().unwrap_or(symbol)
}

fn numbers(symbol: &str) -> Vec<u64> {
    symbol.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
}

/// `9.5 MB`; units of 1000, as package managers show them.
pub fn human_size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= 999.5 && unit + 1 < UNITS.len() {
        size /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{size:.1} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(name: &str, reason: &str) -> Relation {
        Relation { kind: RelationKind::Requires, name: name.to_owned(), comparison: None, reason: reason.to_owned() }
    }

    #[test]
    fn what_is_needed_of_a_library_is_one_line_with_its_newest_symbol() {
        let relations = [
            needs("libc.so.6()(64bit)", "a"),
            needs("libc.so.6(GLIBC_2.17)(64bit)", "b"),
            needs("libc.so.6(GLIBC_2.2.5)(64bit)", "a"),
            needs("libz.so.1()(64bit)", "c"),
            needs("python(abi) = 3.9", "interpreter"),
        ];
        let mut text = String::new();
        requirements(&mut text, &relations);
        let expected = "    requires python(abi) = 3.9  (interpreter)\n    requires libc.so.6 up to GLIBC_2.17  (b)\n    \
                        requires libz.so.1  (c)\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn sizes_are_rounded_within_their_unit() {
        assert_eq!(human_size(0), "0 B");
        assert_eq!(human_size(999), "999 B");
        assert_eq!(human_size(1_000), "1.0 kB");
        assert_eq!(human_size(9_540_000), "9.5 MB");
        assert_eq!(human_size(999_960_000), "1.0 GB");
    }
}
