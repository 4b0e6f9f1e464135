//! What is required, as a tree: a capability, or capabilities joined by the operators of rich dependencies
//! (<https://rpm.org/docs/latest/manual/boolean_dependencies.html>) or by Debian's `|`.

use super::range::{Range, Sense};
use crate::distribution::PackageFormat;
use crate::plan::Relation;

/// Deeper nesting is nobody's, and the tree is walked by recursion.
const DEPTH: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    One(Capability),
    And(Vec<Expression>),
    Or(Vec<Expression>),
    /// All by the same package.
    With(Vec<Expression>),
    Without(Box<Expression>, Box<Expression>),
    If(Box<Conditional>),
    Unless(Box<Conditional>),
}

/// `then if condition else otherwise`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conditional {
    pub then: Expression,
    pub condition: Expression,
    pub otherwise: Option<Expression>,
}

/// `python3dist(flask) >= 2`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capability {
    pub name: String,
    pub version: Option<(Sense, String)>,
}

impl Capability {
    pub fn range(&self) -> Option<Range<'_>> {
        self.version.as_ref().map(|(sense, version)| Range { sense: *sense, version })
    }

    /// Reads `name`, `name >= 1.0` and `name (>= 1.0)`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let name = words.next().filter(|name| !name.is_empty())?.to_owned();
        let rest = words.collect::<Vec<_>>().join(" ");
        if rest.is_empty() {
            return Some(Self { name, version: None });
        }
        let rest = rest.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).map_or(rest.as_str(), str::trim);
        let end = rest.find(|c| !"<>=".contains(c)).unwrap_or(rest.len());
        let (operator, version) = rest.split_at(end);
        let version = version.trim();
        if version.is_empty() || version.contains(char::is_whitespace) {
            return None;
        }
        Some(Self { name, version: Some((Sense::of(operator)?, version.to_owned())) })
    }
}

impl std::fmt::Display for Capability {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.version {
            None => formatter.write_str(&self.name),
            Some((sense, version)) => write!(formatter, "{} {} {version}", self.name, sense.text()),
        }
    }
}

impl Expression {
    /// What `relation` is about, whatever its kind. The error says what is wrong with it.
    pub fn of(relation: &Relation, format: PackageFormat) -> Result<Self, String> {
        let name = relation.name.as_str();
        if let Some((comparison, version)) = &relation.comparison {
            let version = Some((Sense::from(*comparison), version.clone()));
            return Ok(Self::One(Capability { name: bare(name, format), version }));
        }
        Self::parse(name, format)
    }

    /// Reads what stands after `Requires:` or in `Depends:`, one requirement.
    pub fn parse(text: &str, format: PackageFormat) -> Result<Self, String> {
        let text = text.trim();
        match format {
            PackageFormat::Rpm if text.starts_with('(') => {
                let mut parser = Parser { rest: text };
                let expression = parser.rich(0)?;
                match parser.rest.trim() {
                    "" => Ok(expression),
                    rest => Err(format!("`{rest}` follows its last parenthesis")),
                }
            }
            PackageFormat::Rpm => one(text, format),
            PackageFormat::Deb => {
                let parts = text.split('|').map(|part| one(part, format)).collect::<Result<Vec<_>, _>>()?;
                Ok(Self::Or(parts))
            }
        }
    }

    /// All capabilities that it names.
    pub fn capabilities(&self) -> Vec<&Capability> {
        match self {
            Self::One(capability) => vec![capability],
            Self::And(parts) | Self::Or(parts) | Self::With(parts) => {
                parts.iter().flat_map(Self::capabilities).collect()
            }
            Self::Without(left, right) => [left.capabilities(), right.capabilities()].concat(),
            Self::If(parts) | Self::Unless(parts) => {
                let otherwise = parts.otherwise.iter().flat_map(Self::capabilities);
                parts.then.capabilities().into_iter().chain(parts.condition.capabilities()).chain(otherwise).collect()
            }
        }
    }
}

fn one(text: &str, format: PackageFormat) -> Result<Expression, String> {
    let mut capability =
        Capability::parse(text).ok_or_else(|| format!("`{}` is no name with a version or without", text.trim()))?;
    capability.name = bare(&capability.name, format);
    Ok(Expression::One(capability))
}

/// Debian's `name:any` is the package itself.
fn bare(name: &str, format: PackageFormat) -> String {
    match format {
        PackageFormat::Deb => name.split_once(':').map_or(name, |(name, _)| name).to_owned(),
        PackageFormat::Rpm => name.to_owned(),
    }
}

/// `rpmrichParse` (lib/rpmds.c).
struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn rich(&mut self, depth: usize) -> Result<Expression, String> {
        if depth > DEPTH {
            return Err(format!("it is nested more than {DEPTH} deep"));
        }
        if !self.take("(") {
            return self.simple();
        }
        let first = self.rich(depth + 1)?;
        let mut parts = vec![first];
        let mut operator = None;
        let mut otherwise = None;
        while !self.take(")") {
            let word = self.word();
            match (operator.as_deref(), word.as_str()) {
                (None, "and" | "or" | "with" | "without" | "if" | "unless") => operator = Some(word),
                (Some(known @ ("and" | "or" | "with")), word) if known == word => {}
                (Some("if" | "unless"), "else") if otherwise.is_none() => {
                    otherwise = Some(self.rich(depth + 1)?);
                    continue;
                }
                (_, "") => return Err("its parentheses do not match".to_owned()),
                (_, word) => return Err(format!("`{word}` is no operator that can stand there")),
            }
            parts.push(self.rich(depth + 1)?);
        }
        join(operator.as_deref(), parts, otherwise)
    }

    /// `name` or `name >= 1`.
    fn simple(&mut self) -> Result<Expression, String> {
        let name = self.word();
        if name.is_empty() {
            return Err("a name is missing in it".to_owned());
        }
        let before = self.rest;
        let operator = self.word();
        let Some(sense) = Sense::of(&operator) else {
            self.rest = before;
            return Ok(Expression::One(Capability { name, version: None }));
        };
        let version = self.word();
        if version.is_empty() {
            return Err(format!("no version follows `{name} {operator}`"));
        }
        Ok(Expression::One(Capability { name, version: Some((sense, version)) }))
    }

    fn take(&mut self, sign: &str) -> bool {
        let rest = self.rest.trim_start();
        match rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Up to a blank, or a parenthesis that closes what was open before the word.
    fn word(&mut self) -> String {
        let rest = self.rest.trim_start();
        let mut depth = 0_usize;
        let mut end = rest.len();
        for (index, c) in rest.char_indices() {
            match c {
                '(' => depth += 1,
                ')' if depth == 0 => {
                    end = index;
                    break;
                }
                ')' => depth -= 1,
                c if c.is_whitespace() => {
                    end = index;
                    break;
                }
                _ => {}
            }
        }
        let (word, rest) = rest.split_at(end);
        self.rest = rest;
        word.to_owned()
    }
}

fn join(
    operator: Option<&str>,
    mut parts: Vec<Expression>,
    otherwise: Option<Expression>,
) -> Result<Expression, String> {
    let conditional = |mut parts: Vec<Expression>| {
        let condition = parts.pop();
        match (parts.pop(), condition) {
            (Some(then), Some(condition)) => Ok(Box::new(Conditional { then, condition, otherwise })),
            _ => Err("an operand is missing in it".to_owned()),
        }
    };
    Ok(match operator {
        None | Some("and") => Expression::And(parts),
        Some("or") => Expression::Or(parts),
        Some("with") => Expression::With(parts),
        Some("if") => Expression::If(conditional(parts)?),
        Some("unless") => Expression::Unless(conditional(parts)?),
        _ => match (parts.pop(), parts.pop()) {
            (Some(right), Some(left)) if parts.is_empty() => Expression::Without(Box::new(left), Box::new(right)),
            _ => return Err("`without` stands between two".to_owned()),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Expression, String> {
        Expression::parse(text, PackageFormat::Rpm)
    }

    fn one(name: &str) -> Expression {
        Expression::One(Capability { name: name.to_owned(), version: None })
    }

    #[test]
    fn rich_dependencies_are_trees() {
        let both = Expression::And(vec![one("a"), Expression::Or(vec![one("b(x)"), one("c")])]);
        assert_eq!(read("(a and (b(x) or c))"), Ok(both));
        let versioned = |name: &str, operator: &str, version: &str| {
            let version = Sense::of(operator).map(|sense| (sense, version.to_owned()));
            Expression::One(Capability { name: name.to_owned(), version })
        };
        let with = vec![versioned("python3dist(a[b])", ">=", "1"), versioned("python3dist(a[b])", "<", "2~~")];
        assert_eq!(read("(python3dist(a[b]) >= 1 with python3dist(a[b]) < 2~~)"), Ok(Expression::With(with)));
        let conditional = |otherwise| Conditional { then: one("a"), condition: one("b"), otherwise };
        assert_eq!(read("(a if b else c)"), Ok(Expression::If(Box::new(conditional(Some(one("c")))))));
        assert_eq!(read("(a unless b)"), Ok(Expression::Unless(Box::new(conditional(None)))));
        assert_eq!(read("(a without b)"), Ok(Expression::Without(Box::new(one("a")), Box::new(one("b")))));
        assert_eq!(read("( a )"), Ok(Expression::And(vec![one("a")])));
        let three = Expression::Or(vec![one("a"), one("b"), one("c")]);
        assert_eq!(read("(a or b or c)"), Ok(three));
    }

    #[test]
    fn what_is_no_dependency_is_said_so() {
        let deep = format!("{}a{}", "(".repeat(5000), ")".repeat(5000));
        for (text, expected) in [
            ("(a and b or c)", "`or` is no operator"),
            ("(a if b if c)", "`if` is no operator"),
            ("(a and b", "parentheses"),
            ("(a and b) c", "follows"),
            ("(a and)", "a name is missing"),
            ("(a >= )", "no version"),
            ("(a xor b)", "`xor`"),
            ("(a without b without c)", "`without`"),
            ("a b", "no name"),
            ("a >= 1 2", "no name"),
            ("", "no name"),
            (deep.as_str(), "nested"),
        ] {
            let reason = read(text).unwrap_err();
            assert!(reason.contains(expected), "{text}: {reason}");
        }
    }

    #[test]
    fn debian_has_alternatives() {
        let read = Expression::parse("a (>= 1.0-1) | b:any", PackageFormat::Deb).unwrap();
        let names = read.capabilities().into_iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names, ["a >= 1.0-1", "b"]);
    }
}
