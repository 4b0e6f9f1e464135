//! Whether what is required can be had from what the repositories have.

use std::collections::BTreeSet;

use serde::Serialize;

use super::expression::{Capability, Conditional, Expression};
use super::index::{Id, Index};

/// What the repositories have for a requirement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub enum Verdict {
    /// By these packages: by name, the newest first. Empty: nothing has to be there for it.
    Satisfied { by: Vec<String> },
    /// What there is of that name, the newest first: `python3dist(flask) = 1.0 (python3-flask-1.0-1.noarch)`.
    WrongVersion { available: Vec<String> },
    /// Nothing of that name.
    Missing,
}

impl Verdict {
    #[must_use]
    pub const fn is_satisfied(&self) -> bool {
        matches!(self, Self::Satisfied { .. })
    }
}

/// What is known of an expression.
enum Answer {
    /// It holds with these packages installed. Empty: with none.
    Holds(BTreeSet<Id>),
    /// There are packages of these names, and none that fits.
    Unfit(BTreeSet<String>),
    Missing,
}

impl Answer {
    fn holds(&self) -> bool {
        matches!(self, Self::Holds(_))
    }

    fn found(packages: BTreeSet<Id>, names: BTreeSet<String>) -> Self {
        if packages.is_empty() { Self::Unfit(names) } else { Self::Holds(packages) }
    }
}

/// What `index` has for `expression`.
pub fn verdict(expression: &Expression, index: &Index) -> Verdict {
    match answer(expression, index) {
        Answer::Holds(packages) => Verdict::Satisfied { by: index.shown(&packages) },
        Answer::Unfit(names) => {
            Verdict::WrongVersion { available: names.iter().flat_map(|name| index.versions(name)).collect() }
        }
        Answer::Missing => Verdict::Missing,
    }
}

/// What `index` leaves when nothing may be installed that fits `expression`: a conflict is met unless every version of
/// what it names is kept out.
pub fn conflict(expression: &Expression, index: &Index) -> Verdict {
    let Some(kept_out) = packages(expression, index) else { return Verdict::Satisfied { by: Vec::new() } };
    let names = names(expression);
    let any = |name: &String| index.providers(&Capability { name: name.clone(), version: None });
    let all = names.iter().flat_map(any).collect::<BTreeSet<_>>();
    if all.is_empty() {
        return Verdict::Satisfied { by: Vec::new() };
    }
    let left = all.difference(&kept_out).copied().collect::<BTreeSet<_>>();
    if left.is_empty() {
        Verdict::WrongVersion { available: names.iter().flat_map(|name| index.versions(name)).collect() }
    } else {
        Verdict::Satisfied { by: index.shown(&left) }
    }
}

fn answer(expression: &Expression, index: &Index) -> Answer {
    match expression {
        Expression::One(capability) => {
            let found = index.providers(capability);
            if found.is_empty() && !index.knows(&capability.name) {
                return Answer::Missing;
            }
            Answer::found(found, [capability.name.clone()].into())
        }
        Expression::And(parts) => every(parts, index),
        Expression::Or(parts) => any(parts, index),
        Expression::With(_) | Expression::Without(..) => same_package(expression, index),
        Expression::If(parts) => if_there(parts, index),
        Expression::Unless(parts) => unless_there(parts, index),
    }
}

fn every(parts: &[Expression], index: &Index) -> Answer {
    let mut packages = BTreeSet::new();
    let mut unfit = BTreeSet::new();
    for part in parts {
        match answer(part, index) {
            Answer::Holds(found) => packages.extend(found),
            Answer::Unfit(names) => unfit.extend(names),
            Answer::Missing => return Answer::Missing,
        }
    }
    if unfit.is_empty() { Answer::Holds(packages) } else { Answer::Unfit(unfit) }
}

fn any(parts: &[Expression], index: &Index) -> Answer {
    let mut holds: Option<BTreeSet<Id>> = None;
    let mut unfit = BTreeSet::new();
    for part in parts {
        match answer(part, index) {
            Answer::Holds(found) => holds.get_or_insert_default().extend(found),
            Answer::Unfit(names) => unfit.extend(names),
            Answer::Missing => {}
        }
    }
    match holds {
        Some(packages) => Answer::Holds(packages),
        None if unfit.is_empty() => Answer::Missing,
        None => Answer::Unfit(unfit),
    }
}

fn same_package(expression: &Expression, index: &Index) -> Answer {
    let names = names(expression);
    let found = packages(expression, index).unwrap_or_default();
    if found.is_empty() && !names.iter().any(|name| index.knows(name)) {
        return Answer::Missing;
    }
    Answer::found(found, names.into_iter().filter(|name| index.knows(name)).collect())
}

/// Whatever the repositories have counts as installed: whoever writes `(x if y)` needs `x` on the machines that have `y`.
fn if_there(parts: &Conditional, index: &Index) -> Answer {
    match (answer(&parts.condition, index).holds(), &parts.otherwise) {
        (true, _) => answer(&parts.then, index),
        (false, Some(otherwise)) => answer(otherwise, index),
        (false, None) => Answer::Holds(BTreeSet::new()),
    }
}

fn unless_there(parts: &Conditional, index: &Index) -> Answer {
    match (answer(&parts.condition, index).holds(), &parts.otherwise) {
        (false, _) => answer(&parts.then, index),
        (true, Some(otherwise)) => answer(otherwise, index),
        (true, None) => Answer::Holds(BTreeSet::new()),
    }
}

/// The packages that fit `expression`, each by itself. `None`: it is about more than one at a time.
fn packages(expression: &Expression, index: &Index) -> Option<BTreeSet<Id>> {
    match expression {
        Expression::One(capability) => Some(index.providers(capability)),
        Expression::Or(parts) => {
            let sets = parts.iter().map(|part| packages(part, index)).collect::<Option<Vec<_>>>()?;
            Some(sets.into_iter().flatten().collect())
        }
        Expression::With(parts) => {
            let mut sets = parts.iter().map(|part| packages(part, index)).collect::<Option<Vec<_>>>()?.into_iter();
            let first = sets.next()?;
            Some(sets.fold(first, |known, set| known.intersection(&set).copied().collect()))
        }
        Expression::Without(left, right) => {
            let (left, right) = (packages(left, index)?, packages(right, index)?);
            Some(left.difference(&right).copied().collect())
        }
        Expression::And(parts) => match parts.as_slice() {
            [one] => packages(one, index),
            _ => None,
        },
        Expression::If(_) | Expression::Unless(_) => None,
    }
}

fn names(expression: &Expression) -> BTreeSet<String> {
    expression.capabilities().into_iter().map(|capability| capability.name.clone()).collect()
}
