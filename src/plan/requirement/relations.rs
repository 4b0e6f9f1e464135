//! What is asked of versions, said in the grammar of the target's package manager.

use super::rules::Expression;
use crate::distribution::{Distribution, PackageFormat};
use crate::plan::{Comparison, Relation, RelationKind};

/// How much the package manager can say in one relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grammar {
    /// `(a >= 1 with a < 2)`, `(a < 1 or a > 1)`.
    Rich,
    /// One comparison.
    Plain,
    /// One comparison, and alternatives: `a (<< 1) | a (>= 2)`.
    Alternatives,
}

impl Grammar {
    pub fn of(distribution: &Distribution) -> Self {
        match distribution.format {
            PackageFormat::Deb => Self::Alternatives,
            PackageFormat::Rpm if distribution.range_dependencies() => Self::Rich,
            PackageFormat::Rpm => Self::Plain,
        }
    }

    /// Says that `name` has to be there in a version that fits all of `expressions`. What cannot be said is added to
    /// `open`.
    pub fn relations(
        self,
        name: &str,
        expressions: &[Expression],
        reason: &str,
        relations: &mut Vec<Relation>,
        open: &mut Vec<String>,
    ) {
        let relation =
            |kind, comparison| Relation { kind, name: name.to_owned(), comparison, reason: reason.to_owned() };
        let requires = |comparison| relation(RelationKind::Requires, comparison);
        match (self, expressions) {
            (_, []) => relations.push(requires(None)),
            (_, [Expression::Compare(comparison, version)]) => {
                relations.push(requires(Some((*comparison, version.clone()))));
            }
            (Self::Rich, _) => {
                let rich = rich(name, expressions);
                relations.push(Relation { name: rich, ..requires(None) });
            }
            (Self::Alternatives, _) => {
                for expression in expressions {
                    match expression {
                        Expression::Except { below, above, .. } => {
                            let (comparison, next) = (above.0.dpkg(), &above.1);
                            let either = format!("{name} (<< {below}) | {name} ({comparison} {next})");
                            relations.push(Relation { name: either, ..requires(None) });
                        }
                        _ => plain(name, expression, &relation, relations, open),
                    }
                }
            }
            (Self::Plain, _) => {
                let before = relations.len();
                for expression in expressions {
                    plain(name, expression, &relation, relations, open);
                }
                let required = |relation: &Relation| relation.kind == RelationKind::Requires;
                if !relations.iter().skip(before).any(required) {
                    relations.insert(before, requires(None));
                }
            }
        }
    }
}

/// As the generator joins them: sorted as text, with parentheses around more than one.
fn rich(name: &str, expressions: &[Expression]) -> String {
    let mut parts = expressions.iter().map(|expression| part(name, expression)).collect::<Vec<_>>();
    parts.sort();
    match parts.as_slice() {
        [one] => one.clone(),
        several => format!("({})", several.join(" with ")),
    }
}

fn part(name: &str, expression: &Expression) -> String {
    let one = |(comparison, version): &(Comparison, String)| format!("{name} {} {version}", comparison.rpm());
    match expression {
        Expression::Compare(comparison, version) => one(&(*comparison, version.clone())),
        Expression::Both([low, high]) => format!("({} with {})", one(low), one(high)),
        Expression::Except { below, above, .. } => {
            format!("({} or {})", one(&(Comparison::Less, below.clone())), one(above))
        }
    }
}

/// Without rich dependencies: two bounds are two relations, which two packages of one name could meet together, but only
/// one of them is ever installed; a version that is left out is a conflict.
fn plain(
    name: &str,
    expression: &Expression,
    relation: &impl Fn(RelationKind, Option<(Comparison, String)>) -> Relation,
    relations: &mut Vec<Relation>,
    open: &mut Vec<String>,
) {
    match expression {
        Expression::Compare(comparison, version) => {
            relations.push(relation(RelationKind::Requires, Some((*comparison, version.clone()))));
        }
        Expression::Both(bounds) => {
            let bounds = bounds.iter().map(|bound| relation(RelationKind::Requires, Some(bound.clone())));
            relations.extend(bounds);
        }
        Expression::Except { below, above: (_, next), ways } if ways.is_empty() => {
            open.push(format!("versions of {name} from {below} to before {next} are not kept out"));
        }
        Expression::Except { ways, .. } => {
            let conflict = |way: &String| relation(RelationKind::Conflicts, Some((Comparison::Equal, way.clone())));
            relations.extend(ways.iter().map(conflict));
        }
    }
}
