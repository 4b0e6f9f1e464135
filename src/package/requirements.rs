//! What native code in the tree needs: met inside the tree, as the dynamic linker would find it, or a requirement: of an RPM
//! library and symbol version, as rpm's `elfdeps` words them, of a DEB a package and its version (`debian.rs`).

mod cpu;
mod debian;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use miette::Diagnostic;
use thiserror::Error;

use super::Architecture;
use crate::distribution::{Isa, PackageFormat, ToolVersion};
use crate::plan::{BuildPlan, Platform, Relation, RelationKind};
use crate::stage::elf::glibc_version;
use crate::stage::{ElfFacts, Entry, EntryKind, Findings, Origin, TargetPath};

/// How many files a message lists.
const LISTED: usize = 12;

/// As many symbolic links in a row as Linux follows.
const LINKS: usize = 40;

/// Libraries that wheels leave to the system (PEP 600 and auditwheel's manylinux policies): a copy that some other wheel
/// brought along is not the one that the dynamic linker takes.
const SYSTEM_LIBRARIES: &[&str] = &[
    "libGL.so.1",
    "libICE.so.6",
    "libSM.so.6",
    "libX11.so.6",
    "libXext.so.6",
    "libXrender.so.1",
    "libanl.so.1",
    "libatomic.so.1",
    "libc.so.6",
    "libdl.so.2",
    "libexpat.so.1",
    "libgcc_s.so.1",
    "libglib-2.0.so.0",
    "libgobject-2.0.so.0",
    "libgthread-2.0.so.0",
    "libm.so.6",
    "libmvec.so.1",
    "libnsl.so.1",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
    "libstdc++.so.6",
    "libutil.so.1",
    "libz.so.1",
];

/// Why the native code in the tree does not run on the target.
#[derive(Debug, Error, Diagnostic)]
pub enum Error {
    #[error("{distribution} has glibc {has}, and native code in the package needs {needs}:\n{list}")]
    #[diagnostic(
        code(package::glibc),
        help(
            "pin versions of these wheels that are built for glibc {has} or older (their file names say manylinux_2_x, \
             manylinux2014 is 2.17), build them from source on the target or against its glibc, or choose a \
             distribution with glibc {needs} or newer"
        )
    )]
    Glibc { distribution: String, has: ToolVersion, needs: ToolVersion, list: String },
    #[error(
        "{distribution} runs on processors that have no more than {has}, and native code in the package needs {needs}:\n{list}"
    )]
    #[diagnostic(
        code(package::cpu),
        help(
            "choose wheels for every processor, or build them without `-march=native` and its like; code that is taken only \
             where the processor has what it needs may stay:\n\n[python]\nnewer-cpu = [{globs}]\n\n\
             if all machines of yours have {needs}, say so:\n\n[distribution.{name}.cpu-baseline]\n{machine} = \"{needs}\""
        )
    )]
    Cpu { distribution: String, name: String, machine: String, has: Isa, needs: String, list: String, globs: String },
    #[error("{file} is for {is}, and the package is made for {wanted}")]
    #[diagnostic(
        code(package::machine),
        help("say for which machine the package is: `--machine {is}`; or name the file that was built for {wanted}")
    )]
    Machine { file: String, is: String, wanted: String },
    #[error("{file} needs {library}, and the package runs on Python {python}")]
    #[diagnostic(
        code(package::libpython),
        help("the wheel was built for another Python: build or choose one for Python {python}")
    )]
    WrongPython { file: String, library: String, python: String },
    #[error("which packages of {distribution} have these shared libraries is not known:\n{list}")]
    #[diagnostic(
        code(package::debian_library),
        help(
            "say it in the configuration (\"\" where nothing is to be required):\n\n[library-map.{name}]\n{settings}\n\n\
             or choose a wheel that brings its libraries along (psycopg2-binary in place of psycopg2)"
        )
    )]
    DebianLibrary { distribution: String, list: String, name: String, settings: String },
}

/// What native code is held against.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// As messages call it: `CentOS Linux 7`.
    pub title: &'a str,
    /// As the configuration calls it: `centos-7`.
    pub name: &'a str,
    pub format: PackageFormat,
    pub platform: &'a Platform,
    /// Major and minor version of the Python that loads the extension modules, where there is one.
    pub python: Option<ToolVersion>,
    /// Which data says what package has a library, for a DEB.
    pub libraries: Option<&'a str>,
    /// What the user says of libraries: a relation instead of what would be required, or `None` for nothing.
    pub library_map: &'a BTreeMap<String, Option<Relation>>,
    /// Files that may need a newer processor than the target's: globs of `[python] newer-cpu`.
    pub newer_cpu: &'a [String],
}

impl<'a> From<&'a BuildPlan> for Target<'a> {
    fn from(plan: &'a BuildPlan) -> Self {
        Self {
            title: &plan.distribution.title,
            name: &plan.distribution.name,
            format: plan.distribution.format,
            platform: &plan.platform,
            python: plan.has_python().then_some(plan.interpreter.version),
            libraries: plan.distribution.libraries.as_deref(),
            library_map: &plan.library_map,
            newer_cpu: &plan.python.newer_cpu,
        }
    }
}

/// Independent of the machine as long as there is no native code at all.
#[must_use]
pub fn architecture(findings: &Findings, platform: &Platform) -> Architecture {
    if findings.elf.is_empty() {
        Architecture::Independent
    } else {
        Architecture::Native(platform.architecture.clone())
    }
}

/// Programs that all are for other machines than the package: somebody forgot to say for which it is. Wheels are chosen by
/// their machine, so this concerns files of the user only.
///
/// # Errors
/// When there is native code and none of it runs on the target.
pub fn check_machine(findings: &Findings, platform: &Platform) -> Result<(), Error> {
    match findings.elf.first() {
        Some(first) if !findings.elf.iter().any(|facts| is_for(facts, platform)) => Err(Error::Machine {
            file: first.path.to_string(),
            is: first.machine.to_string(),
            wanted: platform.machine.clone(),
        }),
        _ => Ok(()),
    }
}

/// The requirements of all native code among `entries` that is for the target's machine; other is data. Sorted, each with
/// the first file that needs it.
///
/// # Errors
/// When code needs a newer glibc or processor than the target's, the library of another Python, or (for a DEB) a library that no
/// package is known for.
pub fn native_requirements(
    findings: &Findings,
    entries: &[Entry],
    target: &Target<'_>,
) -> Result<Vec<Relation>, Error> {
    let native = findings.elf.iter().filter(|facts| is_for(facts, target.platform)).collect::<Vec<_>>();
    check_glibc(&native, target)?;
    cpu::check(&native, target)?;
    let tree = Tree::new(&native, entries);
    let mut needs = Vec::new();
    for facts in &native {
        for library in facts.needed.iter().collect::<BTreeSet<_>>() {
            if !tree.meets(facts, library) {
                check_python(facts, library, target.python)?;
                needs.push((*facts, library));
            }
        }
    }
    let mut relations = mapped_relations(&needs, target);
    needs.retain(|(_, library)| !target.library_map.contains_key(&***library));
    relations.extend(match target.format {
        PackageFormat::Rpm => rpm_relations(&native, &needs),
        PackageFormat::Deb => debian::relations(&needs, target)?,
    });
    relations.sort();
    Ok(relations)
}

fn is_for(facts: &ElfFacts, platform: &Platform) -> bool {
    let thirty_two = |machine: &str| matches!(machine, "i386" | "i486" | "i586" | "i686");
    *facts.machine == *platform.machine || (thirty_two(&facts.machine) && thirty_two(&platform.machine))
}

fn check_glibc(native: &[&ElfFacts], target: &Target<'_>) -> Result<(), Error> {
    let has = target.platform.glibc;
    let newer = native.iter().filter(|facts| facts.glibc.is_some_and(|needs| needs > has)).collect::<Vec<_>>();
    let Some(needs) = newer.iter().filter_map(|facts| facts.glibc).max() else { return Ok(()) };
    let line = |facts: &ElfFacts| {
        let mut versions = facts.version_needs.iter().map(|(_, version)| version);
        let symbol = versions.find(|version| glibc_version(version) == facts.glibc).map_or("", |version| version);
        format!("  {} needs {symbol}", describe(facts))
    };
    let mut lines = newer.iter().take(LISTED).map(|facts| line(facts)).collect::<Vec<_>>();
    if newer.len() > LISTED {
        lines.push(format!("  and {} more files", newer.len() - LISTED));
    }
    Err(Error::Glibc { distribution: target.title.to_owned(), has, needs, list: lines.join("\n") })
}

/// Manylinux wheels never need `libpython`; a wheel built on a distribution may.
fn check_python(facts: &ElfFacts, library: &str, python: Option<ToolVersion>) -> Result<(), Error> {
    let Some(python) = python else { return Ok(()) };
    let Some(version) = library.strip_prefix("libpython").and_then(|rest| rest.split(".so").next()) else {
        return Ok(());
    };
    let series = format!("{}.{}", python.major, python.minor);
    // `libpython3.so` is the stable ABI; 3.7 and older append ABI flags: `3.6m`.
    if version == python.major.to_string() || version.trim_end_matches(['d', 'm', 'u', 't']) == series {
        return Ok(());
    }
    Err(Error::WrongPython { file: describe(facts), library: library.to_owned(), python: series })
}

/// Where libraries lie in the tree.
struct Tree<'a> {
    native: BTreeMap<&'a str, &'a ElfFacts>,
    links: BTreeMap<&'a str, &'a str>,
    /// By name in `DT_SONAME`, or of the file.
    by_name: BTreeMap<&'a str, Vec<&'a ElfFacts>>,
}

impl<'a> Tree<'a> {
    fn new(native: &[&'a ElfFacts], entries: &'a [Entry]) -> Self {
        let mut by_name = BTreeMap::<&str, Vec<&ElfFacts>>::new();
        for facts in native {
            let names = BTreeSet::from([facts.path.file_name(), facts.soname.as_deref().unwrap_or_default()]);
            names.into_iter().for_each(|name| by_name.entry(name).or_default().push(facts));
        }
        let links = entries.iter().filter_map(|entry| match &entry.kind {
            EntryKind::Symlink(target) => Some((entry.path.as_str(), &**target)),
            EntryKind::Hardlink(target) => Some((entry.path.as_str(), target.as_str())),
            _ => None,
        });
        let native = native.iter().map(|facts| (facts.path.as_str(), *facts)).collect();
        Self { native, links: links.collect(), by_name }
    }

    /// Is `library` found where the dynamic linker looks for it, or loaded already when `facts` is?
    fn meets(&self, facts: &ElfFacts, library: &str) -> bool {
        let origin = facts.path.parent();
        let directory = origin.as_ref().map_or("/", TargetPath::as_str);
        let fits = |found: &ElfFacts| found.machine == facts.machine && found.bits == facts.bits;
        if library.contains('/') {
            return self.resolve(normal(directory, library)).is_some_and(fits);
        }
        let mut directories = facts.search_path.iter().map(|part| {
            let part = part.replace("${ORIGIN}", directory).replace("$ORIGIN", directory);
            normal(directory, &part)
        });
        if directories.any(|directory| self.resolve(format!("{directory}/{library}")).is_some_and(fits)) {
            return true;
        }
        // Wheels load their own libraries by hand (ctypes, an import of another extension module) before what needs
        // them; then the name alone counts. Those of another wheel only if the system would not have it.
        let of_system = SYSTEM_LIBRARIES.contains(&library);
        let others = self.by_name.get(library).map(Vec::as_slice).unwrap_or_default();
        others.iter().any(|found| fits(found) && (found.origin == facts.origin || !of_system))
    }

    fn resolve(&self, mut path: String) -> Option<&'a ElfFacts> {
        for _ in 0..LINKS {
            if let Some(facts) = self.native.get(path.as_str()) {
                return Some(facts);
            }
            // The path itself, or a directory on the way to it, may be a link.
            let ends = path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]);
            let (end, target) = ends.filter_map(|end| Some((end, *self.links.get(path.get(..end)?)?))).next()?;
            let (link, rest) = path.split_at(end);
            let parent = link.rsplit_once('/').map_or("", |(parent, _)| parent);
            path = format!("{}{rest}", normal(parent, target));
        }
        None
    }
}

/// `path`, taken from `directory` if it is relative, without `.` and `..`.
fn normal(directory: &str, path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{directory}/{path}") };
    let mut parts = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// What the user says that libraries need, each with the first file that needs it.
fn mapped_relations(needs: &[(&ElfFacts, &Arc<str>)], target: &Target<'_>) -> Vec<Relation> {
    let mut relations = Vec::<Relation>::new();
    for (facts, library) in needs {
        let Some(Some(relation)) = target.library_map.get(&***library) else { continue };
        let known = |other: &Relation| (&other.name, &other.comparison) == (&relation.name, &relation.comparison);
        if !relations.iter().any(known) {
            relations.push(Relation { reason: reason(facts), ..relation.clone() });
        }
    }
    relations
}

/// Is it a library that others may use? All else is private to somebody and never a requirement.
fn is_public(library: &str) -> bool {
    let starts = ["lib", "ld-", "ld.", "ld64-", "ld64."];
    library.contains(".so") && starts.iter().any(|start| library.starts_with(start))
}

/// As `elfdeps --requires` words them (rpm, `tools/elfdeps.c`).
fn rpm_relations(native: &[&ElfFacts], needs: &[(&ElfFacts, &Arc<str>)]) -> Vec<Relation> {
    let mut relations = BTreeMap::<String, String>::new();
    let mut add = |name: String, facts: &ElfFacts| {
        relations.entry(name).or_insert_with(|| reason(facts));
    };
    for (facts, library) in needs {
        if !is_public(library) {
            continue;
        }
        let marker = if facts.bits == 64 { "(64bit)" } else { "" };
        add(if marker.is_empty() { library.to_string() } else { format!("{library}(){marker}") }, facts);
        for (_, version) in facts.version_needs.iter().filter(|(file, _)| file == *library) {
            add(format!("{library}({version}){marker}"), facts);
        }
    }
    for facts in native.iter().filter(|facts| facts.gnu_hash_only) {
        add("rtld(GNU_HASH)".to_owned(), facts);
    }
    let relation = |(name, reason)| Relation { kind: RelationKind::Requires, name, comparison: None, reason };
    relations.into_iter().map(relation).collect()
}

/// `numpy-1.26.4 (numpy/core/_multiarray_umath.so)`
fn reason(facts: &ElfFacts) -> String {
    let path = facts.path.as_str();
    let file = path.split_once("/site-packages/").map_or(path, |(_, file)| file);
    match &facts.origin {
        Origin::Wheel { name, version } => format!("{name}-{version} ({file})"),
        Origin::Interpreter => format!("bundled interpreter ({file})"),
        Origin::Generated | Origin::User => file.to_owned(),
    }
}

fn describe(facts: &ElfFacts) -> String {
    match &facts.origin {
        Origin::Wheel { name, version } => format!("{name} {version}: {}", facts.path),
        _ => facts.path.to_string(),
    }
}

#[cfg(test)]
mod tests;
