//! Native code that asks for a newer processor than every one that the target runs on has.
//!
//! Only what says so can be held against it: most objects say nothing (see `stage::elf`), and none for ARM can.

use super::{Error, LISTED, Target, describe};
use crate::distribution::Isa;
use crate::stage::ElfFacts;
use crate::stage::gate::glob_matches;

/// The directory whose parts glibc takes by the processor that it finds (ld.so(8), since 2.33).
const CHOSEN_BY_GLIBC: &str = "glibc-hwcaps";

pub(super) fn check(native: &[&ElfFacts], target: &Target<'_>) -> Result<(), Error> {
    let Some((has, level)) = target.platform.baseline.and_then(|isa| Some((isa, isa.x86_level()?))) else {
        return Ok(());
    };
    let exceeds = |facts: &&&ElfFacts| {
        let path = facts.path.as_str();
        let allowed = level.max(level_of_directory(path));
        facts.x86_level.is_some_and(|needs| needs > allowed)
            && !target.newer_cpu.iter().any(|glob| is_named(glob, path))
    };
    let newer = native.iter().filter(exceeds).collect::<Vec<_>>();
    let Some(needs) = newer.iter().filter_map(|facts| facts.x86_level).max() else { return Ok(()) };
    let line = |facts: &ElfFacts| format!("  {} needs {}", describe(facts), name(facts.x86_level.unwrap_or_default()));
    let mut lines = newer.iter().take(LISTED).map(|facts| line(facts)).collect::<Vec<_>>();
    if newer.len() > LISTED {
        lines.push(format!("  and {} more files", newer.len() - LISTED));
    }
    let globs = newer.iter().take(LISTED).map(|facts| toml::Value::from(below_site(facts.path.as_str())).to_string());
    Err(Error::Cpu {
        distribution: target.title.to_owned(),
        name: target.name.to_owned(),
        machine: target.platform.machine.clone(),
        has,
        needs: name(needs),
        list: lines.join("\n"),
        globs: globs.collect::<Vec<_>>().join(", "),
    })
}

/// `x86-64-v3`
fn name(level: u8) -> String {
    Isa::of_x86_level(level).map_or_else(|| format!("x86-64-v{level}"), |isa| isa.to_string())
}

/// Below `glibc-hwcaps/x86-64-v3` lies what is for such processors by definition.
fn level_of_directory(path: &str) -> u8 {
    let mut parts = path.split('/').skip_while(|part| *part != CHOSEN_BY_GLIBC).skip(1);
    let named = parts.next().and_then(|part| Isa::ALL.into_iter().find(|isa| isa.name() == part));
    named.and_then(Isa::x86_level).unwrap_or(0)
}

/// A glob that begins with `/` is of the whole path, any other of its end.
fn is_named(glob: &str, path: &str) -> bool {
    let glob = if glob.starts_with('/') { glob.to_owned() } else { format!("**/{glob}") };
    glob_matches(glob.as_bytes(), path.as_bytes())
}

/// As short as it can be written in the configuration.
fn below_site(path: &str) -> &str {
    path.split_once("/site-packages/").map_or(path, |(_, file)| file)
}
