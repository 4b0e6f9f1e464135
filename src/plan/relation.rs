//! Relations as the user writes them, to relations that the target's package manager knows.

use std::collections::BTreeMap;

use super::{Comparison, Error, Relation, RelationKind};
use crate::distribution::{Distribution, PackageFormat};
use crate::project::RelationSettings;

/// Why relations of the configuration are there.
const CONFIGURATION: &str = "configuration";

/// Who a relation belongs to, for messages.
pub(super) struct Owner<'a> {
    pub distribution: &'a Distribution,
    /// Name of the package.
    pub package: &'a str,
}

/// Reads `[relations]`. What the target cannot express is left out, with a sentence in `notes`, where leaving it out
/// does no harm (weak dependencies); otherwise it is an error.
pub(super) fn relations(
    settings: &RelationSettings,
    owner: &Owner<'_>,
    notes: &mut Vec<String>,
) -> Result<Vec<Relation>, Error> {
    let RelationSettings {
        requires,
        requires_pre,
        recommends,
        suggests,
        supplements,
        enhances,
        conflicts,
        obsoletes,
        provides,
        replaces,
        breaks,
    } = settings;
    let groups = [
        ("requires", RelationKind::Requires, requires),
        ("requires-pre", RelationKind::RequiresPre, requires_pre),
        ("recommends", RelationKind::Recommends, recommends),
        ("suggests", RelationKind::Suggests, suggests),
        ("supplements", RelationKind::Supplements, supplements),
        ("enhances", RelationKind::Enhances, enhances),
        ("conflicts", RelationKind::Conflicts, conflicts),
        ("obsoletes", RelationKind::Obsoletes, obsoletes),
        ("provides", RelationKind::Provides, provides),
        ("replaces", RelationKind::Replaces, replaces),
        ("breaks", RelationKind::Breaks, breaks),
    ];
    let mut relations = Vec::new();
    for (key, kind, texts) in groups {
        for text in texts {
            let parsed = parse(text, key, owner)?;
            let kinds = kinds(kind, owner.distribution);
            if kinds.is_empty() {
                notes.push(format!(
                    "{} has no `{key}`: `{text}` of {} is left out",
                    owner.distribution.name, owner.package
                ));
            }
            relations.extend(kinds.iter().map(|kind| Relation { kind: *kind, ..parsed.clone() }));
        }
    }
    Ok(relations)
}

/// What the target has for a kind of relation. rpm has neither `Breaks` (`Conflicts` is the same there) nor
/// `Replaces` (`Obsoletes` comes next), dpkg neither `Obsoletes` (`Breaks` and `Replaces`: Debian policy, 7.6) nor
/// `Supplements`. Weak dependencies are unknown to rpm before 4.12.
fn kinds(kind: RelationKind, distribution: &Distribution) -> &'static [RelationKind] {
    use RelationKind::{
        Breaks, Conflicts, Enhances, Obsoletes, Provides, Recommends, Replaces, Requires, RequiresPre, Suggests,
        Supplements,
    };
    let weak = distribution.weak_dependencies();
    match (kind, distribution.format) {
        (Requires, _) => &[Requires],
        (RequiresPre, _) => &[RequiresPre],
        (Conflicts, _) | (Breaks, PackageFormat::Rpm) => &[Conflicts],
        (Provides, _) => &[Provides],
        (Recommends, _) if weak => &[Recommends],
        (Suggests, _) if weak => &[Suggests],
        (Enhances, _) if weak => &[Enhances],
        (Supplements, PackageFormat::Rpm) if weak => &[Supplements],
        (Recommends | Suggests | Enhances | Supplements, _) => &[],
        (Obsoletes | Replaces, PackageFormat::Rpm) => &[Obsoletes],
        (Obsoletes, PackageFormat::Deb) => &[Breaks, Replaces],
        (Replaces, PackageFormat::Deb) => &[Replaces],
        (Breaks, PackageFormat::Deb) => &[Breaks],
    }
}

/// `[deb] build-requires`, as relations of the target.
///
/// # Errors
/// When one cannot be read.
pub fn deb_build_requires(plan: &super::BuildPlan) -> Result<Vec<Relation>, Error> {
    let package = plan.main().map_or("", |main| main.name.as_str());
    let owner = Owner { distribution: &plan.distribution, package };
    plan.deb.build_requires.iter().map(|text| parse(text, "build-requires", &owner)).collect()
}

/// Reads one relation: `foo`, `foo >= 1.0`, `foo (>= 1.0)`, `/usr/bin/foo`; rich `(a or b)` for rpm, `a | b` for deb.
/// Its kind is `Requires`.
pub(super) fn parse(text: &str, key: &'static str, owner: &Owner<'_>) -> Result<Relation, Error> {
    let trimmed = text.trim();
    let fault = |(reason, hint): (String, String)| Error::Relation {
        relation: text.escape_debug().to_string(),
        key,
        owner: owner.package.to_owned(),
        reason,
        hint,
    };
    if trimmed.is_empty() || text.chars().any(char::is_control) {
        return Err(fault(wrong("it is empty or has a control character")));
    }
    let (name, comparison) = if trimmed.starts_with('(') {
        (rich(trimmed, owner.distribution).map_err(fault)?, None)
    } else if trimmed.contains('|') {
        (alternatives(trimmed, owner.distribution).map_err(fault)?, None)
    } else {
        single(trimmed, owner.distribution.format).map_err(fault)?
    };
    Ok(Relation { kind: RelationKind::Requires, name, comparison, reason: CONFIGURATION.to_owned() })
}

/// What is wrong, and what to do.
type Fault = (String, String);

/// Reads `[library-map]`. `None`: nothing is to be required for the library.
pub(super) fn library_map(
    map: &BTreeMap<String, String>,
    owner: &Owner<'_>,
) -> Result<BTreeMap<String, Option<Relation>>, Error> {
    let read = |(library, text): (&String, &String)| {
        let relation = if text.is_empty() { None } else { Some(parse(text, "library-map", owner)?) };
        Ok((library.clone(), relation))
    };
    map.iter().map(read).collect()
}

fn wrong(reason: &str) -> Fault {
    (reason.to_owned(), "write `name` or `name >= version`, one relation in each string".to_owned())
}

fn rich(text: &str, distribution: &Distribution) -> Result<String, Fault> {
    if distribution.format == PackageFormat::Deb {
        return Err((
            "a .deb has no boolean dependencies".to_owned(),
            format!("write `a | b`, under `[distribution.{}.relations]`", distribution.name),
        ));
    }
    if !distribution.rich_dependencies() {
        return Err((
            format!(
                "rpm {} of {} has no boolean dependencies (they came with 4.13)",
                distribution.format_version, distribution.name
            ),
            format!("name one package for it, under `[distribution.{}.relations]`", distribution.name),
        ));
    }
    if text.contains([',', '%', '"', '\\']) {
        return Err(wrong("a comma, a percent sign, a quote or a backslash has no place in it"));
    }
    let mut depth = 0_i32;
    for (index, c) in text.char_indices() {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if depth <= 0 && index + 1 < text.len() {
            return Err(wrong("its parentheses do not match"));
        }
    }
    if depth != 0 {
        return Err(wrong("its parentheses do not match"));
    }
    const OPERATORS: [&str; 8] = ["and", "or", "if", "else", "with", "without", "unless", "any"];
    if !text.split_whitespace().any(|word| OPERATORS.contains(&word)) {
        return Err(wrong("it has no operator such as `or` between the names"));
    }
    Ok(text.to_owned())
}

fn alternatives(text: &str, distribution: &Distribution) -> Result<String, Fault> {
    if distribution.format == PackageFormat::Rpm {
        return Err(("rpm has no `|`".to_owned(), "write `(a or b)`, where rpm is 4.13 or newer".to_owned()));
    }
    let parts = text.split('|').map(|part| single(part.trim(), PackageFormat::Deb).map(debian_text));
    Ok(parts.collect::<Result<Vec<_>, _>>()?.join(" | "))
}

fn debian_text((name, comparison): (String, Option<(Comparison, String)>)) -> String {
    let Some((comparison, version)) = comparison else { return name };
    format!("{name} ({} {version})", comparison.dpkg())
}

type Single = (String, Option<(Comparison, String)>);

/// A name, or a name with a version.
fn single(text: &str, format: PackageFormat) -> Result<Single, Fault> {
    let (name, rest) = match text.find(char::is_whitespace) {
        Some(end) => (&text[..end], text[end..].trim()),
        // `foo>=1.0`, as in Python requirements.
        None => match text.find(['<', '>', '=']) {
            Some(end) => text.split_at(end),
            None => (text, ""),
        },
    };
    check_name(name, format)?;
    if rest.is_empty() {
        return Ok((name.to_owned(), None));
    }
    let rest = rest.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).map_or(rest, str::trim);
    let end = rest.find(|c| !"<>=".contains(c)).unwrap_or(rest.len());
    let (operator, version) = rest.split_at(end);
    let comparison = match operator {
        "<" | "<<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        "=" | "==" => Comparison::Equal,
        ">=" => Comparison::GreaterOrEqual,
        ">" | ">>" => Comparison::Greater,
        _ => return Err(wrong("after the name comes no comparison (`<`, `<=`, `=`, `>=`, `>`)")),
    };
    let version = version.trim();
    if version.is_empty() || !version.chars().all(|c| c.is_ascii_alphanumeric() || ".+~^:_-".contains(c)) {
        return Err(wrong(&format!("`{version}` is not a version")));
    }
    Ok((name.to_owned(), Some((comparison, version.to_owned()))))
}

fn check_name(name: &str, format: PackageFormat) -> Result<(), Fault> {
    match format {
        // Anything may be provided: `python(abi)`, `libc.so.6(GLIBC_2.17)(64bit)`, `/usr/bin/x`. But rpm splits a list
        // at commas, and at comparisons.
        PackageFormat::Rpm if name.is_empty() || name.contains([',', '<', '>', '=', '%', '"', '\\']) => {
            Err(wrong(&format!("`{name}` is not the name of a package, a file or a capability")))
        }
        PackageFormat::Rpm => Ok(()),
        PackageFormat::Deb if name.starts_with('/') => Err((
            "a .deb cannot depend on a file".to_owned(),
            "name the package that has it; `apt-file search` finds it".to_owned(),
        )),
        PackageFormat::Deb => {
            // `name:any`, `name:native` and `name:amd64` (Debian policy, 7.1).
            let bare = name.split_once(':').map_or(name, |(bare, _)| bare);
            super::names::check_package_name(bare, PackageFormat::Deb)
                .map_err(|_| wrong(&format!("`{name}` is not the name of a package")))
        }
    }
}

impl Comparison {
    /// As rpm writes it.
    #[must_use]
    pub const fn rpm(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Equal => "=",
            Self::GreaterOrEqual => ">=",
            Self::Greater => ">",
        }
    }

    /// As dpkg writes it (Debian policy, 7.1).
    #[must_use]
    pub const fn dpkg(self) -> &'static str {
        match self {
            Self::Less => "<<",
            Self::Greater => ">>",
            other => other.rpm(),
        }
    }
}

/// As RPM writes it: `name >= 1.0`.
impl std::fmt::Display for Relation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some((comparison, version)) = &self.comparison else { return formatter.write_str(&self.name) };
        write!(formatter, "{} {} {version}", self.name, comparison.rpm())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::distribution::Catalogue;

    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::embedded().unwrap());

    fn read(text: &str, distribution: &str) -> Result<(String, Option<(Comparison, String)>), Error> {
        let owner = Owner { distribution: CATALOGUE.get(distribution).unwrap(), package: "app" };
        parse(text, "requires", &owner).map(|relation| (relation.name, relation.comparison))
    }

    #[test]
    fn relations_are_read_in_either_style() {
        let versioned = |comparison| Some((comparison, "1.0".to_owned()));
        for (text, name, comparison) in [
            ("foo", "foo", None),
            (" foo ", "foo", None),
            ("foo >= 1.0", "foo", versioned(Comparison::GreaterOrEqual)),
            ("foo (>= 1.0)", "foo", versioned(Comparison::GreaterOrEqual)),
            ("foo (<< 1.0)", "foo", versioned(Comparison::Less)),
            ("foo>1.0", "foo", versioned(Comparison::Greater)),
            ("foo == 1.0", "foo", versioned(Comparison::Equal)),
        ] {
            for distribution in ["centos-7", "debian-12"] {
                assert_eq!(read(text, distribution).unwrap(), (name.to_owned(), comparison.clone()), "{text}");
            }
        }
        assert_eq!(read("/usr/sbin/iptables", "centos-7").unwrap().0, "/usr/sbin/iptables");
        let (name, comparison) = read("python(abi) = 3.6", "centos-7").unwrap();
        assert_eq!((name.as_str(), comparison), ("python(abi)", Some((Comparison::Equal, "3.6".to_owned()))));
        assert_eq!(read("libc6:any (>= 2.17)", "debian-12").unwrap().0, "libc6:any");
    }

    #[test]
    fn rich_relations_only_where_they_are_known() {
        assert_eq!(read("(a or b >= 2)", "rocky-9").unwrap().0, "(a or b >= 2)");
        let error = read("(a or b)", "centos-7").unwrap_err();
        assert!(error.to_string().contains("`(a or b)`") && error.to_string().contains("4.13"), "{error}");
        assert!(read("(a or b)", "debian-12").is_err());
        assert_eq!(read("aa | bb>=2", "debian-12").unwrap().0, "aa | bb (>= 2)");
        assert!(read("a | b", "rocky-9").is_err());
        for broken in ["(a%{x} or b)", "(a or b", "(a) or (b)", "(a b)", "((a or b)"] {
            assert!(read(broken, "rocky-9").is_err(), "{broken}");
        }
    }

    #[test]
    fn hostile_and_broken_relations_are_refused() {
        for text in ["", "a, b", "a\nb", "a b", "a >=", "a >= 1 2", "a >= $(x)", "%{x}", "a (>= 1.0", "a => 1"] {
            for distribution in ["centos-7", "rocky-9", "debian-12"] {
                assert!(read(text, distribution).is_err(), "{text:?} on {distribution}");
            }
        }
        assert!(read("/bin/sh", "debian-12").is_err());
        assert!(read("Foo", "debian-12").is_err());
    }

    #[test]
    fn kinds_unknown_to_the_target_are_mapped_or_left_out() {
        let one = |word: &str| vec![word.to_owned()];
        let settings = RelationSettings {
            recommends: one("rr"),
            supplements: one("ss"),
            obsoletes: one("oo < 2"),
            breaks: one("bb"),
            ..RelationSettings::default()
        };
        let kinds = |name: &str| {
            let mut notes = Vec::new();
            let owner = Owner { distribution: CATALOGUE.get(name).unwrap(), package: "app" };
            let relations = relations(&settings, &owner, &mut notes).unwrap();
            (relations.into_iter().map(|r| (r.kind, r.name)).collect::<Vec<_>>(), notes)
        };
        let pair = |kind, name: &str| (kind, name.to_owned());
        let (el7, notes) = kinds("centos-7");
        assert_eq!(el7, [pair(RelationKind::Obsoletes, "oo"), pair(RelationKind::Conflicts, "bb")]);
        assert_eq!(notes[0], "centos-7 has no `recommends`: `rr` of app is left out");
        assert_eq!(kinds("rocky-9").1, Vec::<String>::new());
        let (debian, notes) = kinds("debian-12");
        assert_eq!(
            debian,
            [
                pair(RelationKind::Recommends, "rr"),
                pair(RelationKind::Breaks, "oo"),
                pair(RelationKind::Replaces, "oo"),
                pair(RelationKind::Breaks, "bb")
            ]
        );
        assert_eq!(notes.len(), 1);
    }

    #[test]
    fn a_library_is_mapped_to_a_relation_or_to_nothing() {
        let owner = Owner { distribution: CATALOGUE.get("debian-12").unwrap(), package: "app" };
        let map = |text: &str| library_map(&BTreeMap::from([("libpq.so.5".to_owned(), text.to_owned())]), &owner);
        assert_eq!(map("").unwrap()["libpq.so.5"], None);
        let relation = map("libpq5 (>= 13) | libpq5-epas").unwrap()["libpq.so.5"].clone().unwrap();
        assert_eq!((relation.kind, relation.name.as_str()), (RelationKind::Requires, "libpq5 (>= 13) | libpq5-epas"));
        assert!(map("libpq5, libev4").unwrap_err().to_string().contains("library-map"));
    }

    /// `name op version`, as rpm prints it.
    fn shown((name, comparison): &(String, Option<(Comparison, String)>)) -> String {
        let Some((comparison, version)) = comparison else { return name.clone() };
        let operator = match comparison {
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Equal => "=",
            Comparison::GreaterOrEqual => ">=",
            Comparison::Greater => ">",
        };
        format!("{name} {operator} {version}")
    }

    #[test]
    fn rpm_reads_relations_as_we_do() {
        let texts = [
            "foo",
            "foo >= 1:1.0-2",
            "foo <1.0~rc1",
            "libc.so.6(GLIBC_2.17)(64bit)",
            "python(abi) = 3.6",
            "/usr/sbin/iptables",
            "perl(Foo::Bar) > 1.2^git3",
            "(aa or bb >= 2)",
            "(aa >= 3.6 with aa < 3.7)",
            "(aa if (bb and cc) else dd)",
            "gtk+ == 2.0+git5",
        ];
        let parsed = texts.map(|text| shown(&read(text, "rocky-9").unwrap()));
        let lines = parsed.iter().map(|text| format!("Requires: {text}\n")).collect::<String>();
        let spec = tempfile::Builder::new().suffix(".spec").tempfile().unwrap();
        let head = "Name: x\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\n";
        fs_err::write(spec.path(), format!("{head}{lines}%description\nx\n%files\n")).unwrap();
        let command = crate::exec::Command::new("rpmspec").args(["-q", "--requires"]).arg(spec.path());
        let mut answer = command.run_checked().unwrap().stdout_text().lines().map(str::to_owned).collect::<Vec<_>>();
        let mut expected = parsed.to_vec();
        answer.sort();
        expected.sort();
        assert_eq!(answer, expected);
    }

    #[test]
    fn dpkg_takes_the_relations_that_we_take() {
        let texts = ["foo", "foo (>= 1:1.0-2~bpo1)", "libc6:any >= 2.17", "aa | bb << 2 | g++", "foo=1.0+dfsg-1"];
        let relations = texts.map(|text| debian_text(read(text, "debian-12").unwrap()));
        let root = tempfile::tempdir().unwrap();
        fs_err::create_dir_all(root.path().join("DEBIAN")).unwrap();
        let control = format!(
            "Package: xx\nVersion: 1\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: x\nDepends: {}\n",
            relations.join(", ")
        );
        fs_err::write(root.path().join("DEBIAN/control"), control).unwrap();
        let package = root.path().join("x.deb");
        let tool = crate::exec::Command::new("dpkg-deb");
        tool.clone().arg("--build").arg(root.path()).arg(&package).run_checked().unwrap();
        let field = tool.arg("--field").arg(&package).arg("Depends").run_checked().unwrap();
        assert_eq!(
            field.stdout_text().trim(),
            "foo, foo (>= 1:1.0-2~bpo1), libc6:any (>= 2.17), aa | bb (<< 2) | g++, foo (= 1.0+dfsg-1)"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_out_of_a_relation(text in "\\PC{0,12}|[a-z(]{1,3}[ <>=|(),\n%\\\\\"]{0,4}[a-z0-9.)]{0,6}") {
            for distribution in ["centos-7", "rocky-9", "debian-12"] {
                if let Ok((name, comparison)) = read(&text, distribution) {
                    let version = comparison.map(|(_, version)| version).unwrap_or_default();
                    proptest::prop_assert!(!name.contains(|c: char| c.is_control()), "{name}");
                    let rich = name.starts_with('(') || name.contains(" | ");
                    proptest::prop_assert!(rich || !name.contains([',', ' ', '<', '>', '=']), "{name}");
                    proptest::prop_assert!(!version.contains([',', ' ', '(', ')', '%']), "{version}");
                }
            }
        }
    }
}
