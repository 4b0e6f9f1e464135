//! What the target's repositories can satisfy of that which a package requires.
//!
//! [`Repositories`] is an index of what all packages of some repositories provide: `repodata.rs` reads it from repodata, on
//! this machine or at an address (`place.rs`), `listing.rs` from what `dnf repoquery` prints, `debian.rs` from the `Packages` of
//! a Debian archive. `range.rs` compares versions by
//! the rules of rpm and dpkg, `expression.rs` reads what is required, and `verdict.rs` holds one against the other.
//! `report.rs` does that for all that a spec file asks for.
//!
//! A package manager looks for a set of packages that fit together; here, each requirement is looked at by itself.

mod debian;
mod expression;
mod index;
mod listing;
mod open;
mod place;
mod range;
mod repodata;
mod report;
mod stated;
mod verdict;
mod xml;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use miette::Diagnostic;
use thiserror::Error as ThisError;

use crate::distribution::PackageFormat;
use crate::plan::{Relation, RelationKind};
use crate::resolve::{self, Resolver};

use expression::{Capability, Expression};
use index::Index;
use place::Found;
use repodata::Repodata;

pub use place::Location;
pub(super) use report::check_text;
pub use report::{Checked, Need, Report, Row, check};
pub use verdict::Verdict;

/// Why repositories cannot be asked.
#[derive(Debug, ThisError, Diagnostic)]
pub enum Error {
    #[error("`--check` asks repositories, and none is named")]
    #[diagnostic(
        code(repository::none),
        help(
            "`--repository` names one, and may be given again: a directory with `repodata/` in it (made by `createrepo_c`, `dnf reposync` or a \
             mirror), its http(s) address (`dnf repolist -v` shows it as Repo-baseurl), or a file with what this prints on a machine \
             of the target: dnf repoquery --available --provides"
        )
    )]
    NoRepository,
    #[error("`{location}` is no repository: {reason}")]
    #[diagnostic(
        code(repository::location),
        help(
            "for RPMs, name a directory with `repodata/` in it, its http(s) address (`baseurl`, not a list of mirrors), or a file with \
             what `dnf repoquery --available --provides` printed; for Debian packages, a `Packages` file or its address"
        )
    )]
    Location { location: String, reason: String },
    #[error("{file} cannot be used: {reason}")]
    #[diagnostic(
        code(repository::damaged),
        help("fetch the repository again, or have `createrepo_c` make its metadata anew")
    )]
    Damaged { file: String, reason: String },
    #[error("{file} cannot be used: {reason}")]
    #[diagnostic(
        code(repository::list),
        help(
            "for RPMs, `dnf repoquery --available --provides` on a machine of the target prints what is read here; for Debian packages, it \
             is the `Packages` file of an archive"
        )
    )]
    List { file: String, reason: String },
    #[error("{file} is not what repomd.xml says: {kind} expected {expected}, got {got}")]
    #[diagnostic(
        code(repository::checksum),
        help("the repository was changed while it was read, or a file was damaged on its way: fetch it again")
    )]
    Checksum { file: String, kind: String, expected: String, got: String },
    #[error("{locations} has packages for {others}, and none for {architecture}")]
    #[diagnostic(
        code(repository::architecture),
        help("name the repository of the target's machine, or the machine with `--machine`")
    )]
    Architecture { locations: String, others: String, architecture: String },
    #[error("`{requirement}` cannot be looked for: {reason}")]
    #[diagnostic(code(repository::requirement), help("correct it where it is written"))]
    Requirement { requirement: String, reason: String },
    #[error(transparent)]
    #[diagnostic(transparent)]
    Resolve(#[from] resolve::Error),
    #[error("{0}")]
    #[diagnostic(code(repository::io), help("does it exist, and may you read it?"))]
    Io(#[from] std::io::Error),
}

impl Error {
    /// Is it a mistake on the command line?
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::NoRepository | Self::Location { .. } | Self::Architecture { .. })
    }
}

/// Whose packages are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine<'a> {
    pub format: PackageFormat,
    /// As packages have it: `x86_64`, `amd64`. Those of other architectures are passed over, `noarch` fits every one.
    pub architecture: &'a str,
}

impl Machine<'_> {
    /// Also `x86_64_v2`, which is for newer machines of the same architecture; sources are for none.
    fn fits(&self, architecture: &str) -> bool {
        let level = || architecture.strip_prefix(self.architecture).is_some_and(|rest| rest.starts_with("_v"));
        matches!(architecture, "" | "noarch" | "all") || architecture == self.architecture || level()
    }
}

/// What all packages of some repositories provide.
#[derive(Debug)]
pub struct Repositories {
    labels: Vec<String>,
    index: Mutex<Index>,
    /// For paths that are not among those that are listed with the packages.
    repodata: Vec<Repodata>,
    /// Paths that all lists of files were searched for.
    searched: Mutex<BTreeSet<String>>,
    format: PackageFormat,
}

impl Repositories {
    /// Reads the repositories at `locations`. The cache, the logins and `--offline` are those of `resolver`.
    ///
    /// # Errors
    /// When one cannot be had, is none, is damaged, or none has packages for `machine`.
    pub fn open(locations: &[Location], machine: Machine<'_>, resolver: &Resolver<'_>) -> Result<Self, Error> {
        let mut index = Index::new(machine.format);
        let mut repodata = Vec::new();
        let fits = |architecture: &str| machine.fits(architecture);
        for location in locations {
            match place::found(location, machine.format, resolver)? {
                Found::Repository(place) => {
                    let repository = Repodata::open(place)?;
                    repository.read_packages(&fits, &mut index)?;
                    repodata.push(repository);
                }
                Found::List(reader) => match machine.format {
                    PackageFormat::Rpm => listing::read(reader, &location.to_string(), &fits, &mut index)?,
                    PackageFormat::Deb => debian::read(reader, &location.to_string(), &fits, &mut index)?,
                },
            }
        }
        let labels = locations.iter().map(Location::to_string).collect::<Vec<_>>();
        if index.len() == 0 && !index.passed_over().is_empty() {
            let others = index.passed_over().iter().cloned().collect::<Vec<_>>().join(", ");
            let architecture = machine.architecture.to_owned();
            return Err(Error::Architecture { locations: labels.join(" and "), others, architecture });
        }
        let searched = Mutex::default();
        Ok(Self { labels, index: Mutex::new(index), repodata, searched, format: machine.format })
    }

    /// The locations as the user wrote them, without passwords.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// How many packages there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Is there no package at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What there is for one relation. A conflict is satisfied unless all versions are kept out.
    ///
    /// # Errors
    /// When the relation cannot be read, or the lists of files, which are read when it is about a path that is not listed
    /// with the packages.
    pub fn satisfies(&self, relation: &Relation) -> Result<Verdict, Error> {
        let expression = self.expression(relation)?;
        self.search([&expression])?;
        let index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(match relation.kind {
            RelationKind::Conflicts | RelationKind::Breaks => verdict::conflict(&expression, &index),
            _ => verdict::verdict(&expression, &index),
        })
    }

    /// What there is for relations that belong together, one verdict each. Those that name the same thing have to be met by one
    /// package, since only one version of it is ever installed: `x >= 1` and `x < 2` are not met by x 0.9 and x 2.1, although
    /// each is met by one of them.
    ///
    /// # Errors
    /// As [`Self::satisfies`].
    pub fn satisfies_together(&self, relations: &[Relation]) -> Result<Vec<Verdict>, Error> {
        let expressions = relations.iter().map(|relation| self.expression(relation)).collect::<Result<Vec<_>, _>>()?;
        self.search(&expressions)?;
        let mut verdicts = Vec::new();
        for (relation, expression) in relations.iter().zip(&expressions) {
            let same = relations.iter().zip(&expressions).filter(|(other, _)| other.name == relation.name);
            let (conflicts, required) = same.partition::<Vec<_>, _>(|(other, _)| is_conflict(other));
            let each =
                |all: Vec<(&Relation, &Expression)>| all.into_iter().map(|(_, it)| it.clone()).collect::<Vec<_>>();
            let index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
            verdicts.push(match (required.len(), conflicts.len()) {
                (0, _) => verdict::conflict(&Expression::Or(each(conflicts)), &index),
                (1, 0) => verdict::verdict(expression, &index),
                (_, 0) => verdict::verdict(&Expression::With(each(required)), &index),
                _ => {
                    let (required, conflicts) = (Expression::With(each(required)), Expression::Or(each(conflicts)));
                    verdict::verdict(&Expression::Without(Box::new(required), Box::new(conflicts)), &index)
                }
            });
        }
        Ok(verdicts)
    }

    /// Reads the lists of files once for all `relations`, not once for each that is about a path.
    fn search_for<'r>(&self, relations: impl Iterator<Item = &'r Relation>) -> Result<(), Error> {
        let expressions = relations.map(|relation| self.expression(relation)).collect::<Result<Vec<_>, _>>()?;
        self.search(&expressions)
    }

    fn expression(&self, relation: &Relation) -> Result<Expression, Error> {
        let fault = |reason| Error::Requirement { requirement: relation.to_string(), reason };
        Expression::of(relation, self.format).map_err(fault)
    }

    /// Looks for the paths in `expressions` that no package lists among what it provides, in all lists of files at once.
    fn search<'a>(&self, expressions: impl IntoIterator<Item = &'a Expression>) -> Result<(), Error> {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let mut searched = self.searched.lock().unwrap_or_else(PoisonError::into_inner);
        let capabilities = expressions.into_iter().flat_map(Expression::capabilities);
        let names = capabilities.map(|Capability { name, .. }| name.as_str());
        let unknown = |name: &&str| name.starts_with('/') && !index.knows(name) && !searched.contains(*name);
        let wanted = names.filter(unknown).collect::<BTreeSet<_>>();
        if wanted.is_empty() {
            return Ok(());
        }
        let mut found = Vec::new();
        {
            let known = index.by_identity();
            for repository in &self.repodata {
                found.extend(repository.find_files(&wanted, &known)?);
            }
        }
        for (id, path) in found {
            index.add_file(id, &path);
        }
        searched.extend(wanted.into_iter().map(str::to_owned));
        Ok(())
    }
}

const fn is_conflict(relation: &Relation) -> bool {
    matches!(relation.kind, RelationKind::Conflicts | RelationKind::Breaks)
}
