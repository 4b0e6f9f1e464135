//! Specs of applications that repositories have only part of the requirements for: what is missing is bundled, in a virtualenv
//! of the application's own that sees the distribution's packages, and the rest is required.
//!
//! The wheels are sources of the spec and are installed by a small program beside it, since a target need not have an installer.

use serde::Serialize;

use super::{Error, Sources};
use crate::distribution::SpecDialect;
use crate::plan::BuildPlan;
use crate::plan::requirement::Translation;
use crate::resolve::Wheel;
use crate::spec::satisfy::{Row, Verdict};
use crate::stage::{Content, Stage, WheelContent, describe};

/// What is bundled, and what is required of all else.
#[derive(Debug, Clone, Default)]
pub struct Hybrid {
    wheels: Vec<Bundled>,
    /// What the application and the bundled distributions require of the repositories.
    pub required: Vec<String>,
}

#[derive(Debug, Clone)]
struct Bundled {
    wheel: Wheel,
    content: WheelContent,
    /// Why no package can be required.
    why: String,
}

/// As the template has it.
#[derive(Debug, Serialize)]
pub struct Context {
    wheels: Vec<Line>,
    /// Number of the source that installs wheels, and of the wheels.
    installer: usize,
    sources: Vec<usize>,
    /// A pattern for libraries that only the wheels have; empty where there are none.
    libraries: String,
}

/// A bundled distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Normalised.
    pub name: String,
    pub version: String,
    /// As the wheel says it, in one line; empty where it says nothing.
    pub license: String,
    /// Why no package can be required.
    pub why: String,
}

impl Hybrid {
    /// Bundles `wheels`, each with the reason.
    ///
    /// # Errors
    /// When a wheel is damaged, or cannot be installed by the program that goes with the spec.
    pub fn new(wheels: Vec<(Wheel, String)>, required: Vec<String>, plan: &BuildPlan) -> Result<Self, Error> {
        let bundled = |(wheel, why): (Wheel, String)| {
            let content = describe(&wheel, plan.interpreter.version).map_err(Box::new)?;
            Ok(Bundled { wheel, content, why })
        };
        let wheels = wheels.into_iter().map(bundled).collect::<Result<_, Error>>()?;
        Ok(Self { wheels, required })
    }

    /// The plan of such a package: laid out as where the distribution has no macros, whatever it has.
    #[must_use]
    pub fn adapted(&self, plan: &BuildPlan) -> BuildPlan {
        let mut plan = plan.clone();
        plan.distribution.spec_dialect = SpecDialect::Plain;
        // The words are Fedora's, and mean the same elsewhere.
        plan.distribution.bundled_provides = true;
        let programs = self.wheels.iter().flat_map(|bundled| &bundled.content.programs);
        let own = plan.metadata.console_scripts.clone();
        plan.metadata.console_scripts.extend(programs.filter(|program| !own.contains(program)).cloned());
        if self.is_native() && plan.rpm.exclusive_arch.is_empty() {
            plan.rpm.exclusive_arch.push(plan.platform.machine.clone());
        }
        plan
    }

    /// Is one of the wheels for one kind of machine?
    #[must_use]
    pub fn is_native(&self) -> bool {
        self.wheels.iter().any(|bundled| bundled.content.native)
    }

    /// One sentence for each wheel.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let note = |Line { name, version, license, why }: Line| {
            let license = if license.is_empty() { "none that it names".to_owned() } else { license };
            format!("{name} {version} is bundled, for {why}; its licence is {license}: is it in `License`?")
        };
        self.lines().into_iter().map(note).collect()
    }

    /// What is bundled, by name.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.wheels.iter().map(line).collect()
    }

    pub(super) fn mark(&self, stage: &mut Stage) {
        stage.distributions.extend(self.wheels.iter().map(|bundled| bundled.content.distribution.clone()));
    }

    /// Adds the wheels and what installs them to the sources.
    pub(super) fn context(&self, sources: &mut Sources<'_>) -> Context {
        let script = include_str!("../../templates/spec/install_wheels.py");
        let installer = sources.add("install_wheels.py", Content::Bytes(script.as_bytes().into()));
        let mut numbers = Vec::new();
        for Bundled { wheel, .. } in &self.wheels {
            let size = fs_err::metadata(&wheel.path).map_or(0, |metadata| metadata.len());
            let content = Content::File { path: wheel.path.clone().into(), size };
            numbers.push(sources.add(&wheel.file_name, content));
        }
        let mut libraries = self.wheels.iter().flat_map(|bundled| &bundled.content.libraries).collect::<Vec<_>>();
        libraries.sort();
        libraries.dedup();
        let libraries = libraries.iter().map(|name| pattern(name)).collect::<Vec<_>>().join("|");
        Context { wheels: self.lines(), installer, sources: numbers, libraries }
    }
}

fn line(bundled: &Bundled) -> Line {
    let distribution = &bundled.content.distribution;
    Line {
        name: distribution.name.to_string(),
        version: distribution.version.to_string(),
        license: one_line(&distribution.license),
        why: bundled.why.clone(),
    }
}

/// Metadata may go over several lines, and have anything in it.
fn one_line(text: &str) -> String {
    let plain = text.replace(|c: char| c.is_control(), " ");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A name as a regular expression of POSIX.
fn pattern(name: &str) -> String {
    let one = |c: char| if c.is_ascii_alphanumeric() || "_-".contains(c) { c.to_string() } else { ".".to_owned() };
    name.chars().map(one).collect()
}

/// Why `row`'s requirement cannot be required: `no repository has python3dist(x)`.
#[must_use]
pub fn why(translation: &Translation, row: &Row) -> String {
    let unmet = row.relations.iter().find(|checked| !checked.verdict.is_satisfied());
    match unmet.map(|checked| (&checked.relation, &checked.verdict)) {
        Some((relation, Verdict::WrongVersion { available })) => {
            format!("the repositories have only {} for {relation}", available.join(", "))
        }
        Some((relation, _)) => format!("no repository has {relation}"),
        None => format!("{} is required", translation.requirements.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_is_one_line_and_a_name_no_pattern() {
        assert_eq!(one_line("MIT\n%post\n\trm -rf /\u{1b}"), "MIT %post rm -rf /");
        assert_eq!(pattern("libstdc++-1a2b.so.6"), "libstdc..-1a2b.so.6");
    }
}
