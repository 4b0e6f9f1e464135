//! Requirements in relations of rpm, held against what decides about them on a target: the generator of Fedora, EL and
//! Debian (`pythondistdeps.py`, with rpm), and rpm's own order of versions. Both have to be installed.
//!
//! Another generation of the script is tried with `OMNIPACK_TEST_PYTHONDISTDEPS=FILE`. That of EL 9 and Debian treats `<`, `>`
//! and `!=1.*` as Fedora's did until 12-8; with it, these are left out.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::str::FromStr;
use std::sync::Mutex;

use omnipack::distribution::{Catalogue, Distribution, PythonDist, ToolVersion};
use omnipack::exec::Command;
use omnipack::plan::requirement::{Vocabulary, translate};
use omnipack::plan::{Comparison, Relation, RelationKind};
use pep440_rs::{Operator, Version, VersionSpecifier};
use pep508_rs::{MarkerEnvironment, MarkerEnvironmentBuilder};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const GENERATOR: &str = "/usr/lib/rpm/pythondistdeps.py";
/// A Python that is not the targets' own, so that its series is in the names.
const SERIES: ToolVersion = ToolVersion { major: 3, minor: 11, patch: 0 };

fn environment() -> MarkerEnvironment {
    MarkerEnvironment::try_from(MarkerEnvironmentBuilder {
        implementation_name: "cpython",
        implementation_version: "3.11.0",
        os_name: "posix",
        platform_machine: "x86_64",
        platform_python_implementation: "CPython",
        platform_release: "",
        platform_system: "Linux",
        platform_version: "",
        python_full_version: "3.11",
        python_version: "3.11",
        sys_platform: "linux",
    })
    .unwrap()
}

fn distribution(name: &str) -> Distribution {
    Catalogue::embedded().unwrap().get(name).unwrap().clone()
}

fn relations(distribution: &Distribution, requirements: &[String]) -> Vec<Relation> {
    let map = BTreeMap::new();
    let vocabulary = Vocabulary::new(distribution, SERIES, &map);
    let translations = translate(requirements, &[], &environment(), &vocabulary).unwrap();
    translations.into_iter().flat_map(|known| known.relations).collect()
}

const fn operator(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Equal => "=",
        Comparison::GreaterOrEqual => ">=",
        Comparison::Greater => ">",
    }
}

fn text(relation: &Relation) -> String {
    match &relation.comparison {
        None => relation.name.clone(),
        Some((comparison, version)) => format!("{} {} {version}", relation.name, operator(*comparison)),
    }
}

/// The script in a process of its own.
struct Generator {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Generator {
    #[expect(clippy::disallowed_methods, reason = "the exec module runs a program to its end, this one is talked to")]
    fn start(script: &Path) -> Self {
        let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/requirement_translation/driver.py");
        let mut child = std::process::Command::new("python3")
            .arg(driver)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is on PATH");
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, input, output: BufReader::new(output) }
    }

    /// `None`: the script gave up.
    fn ask(&mut self, requirements: &[String]) -> Option<Vec<String>> {
        writeln!(self.input, "{}", serde_json::to_string(requirements).unwrap()).unwrap();
        let mut line = String::new();
        assert!(self.output.read_line(&mut line).unwrap() > 0, "the driver ended");
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Of one, two and three digits, with many zeros.
fn number() -> impl Strategy<Value = u64> {
    prop::sample::select(vec![0, 0, 0, 1, 1, 2, 9, 10, 24, 100])
}

fn release(parts: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = String> {
    prop::collection::vec(number(), parts)
        .prop_map(|parts| parts.iter().map(u64::to_string).collect::<Vec<_>>().join("."))
}

fn suffix() -> impl Strategy<Value = String> {
    let pre = prop::sample::select(vec!["", "", "a1", "b0", "rc12"]);
    let post = prop::sample::select(vec!["", "", ".post1", ".post0"]);
    let dev = prop::sample::select(vec!["", "", ".dev3"]);
    prop_oneof![3 => Just(String::new()), 2 => (pre, post, dev).prop_map(|(pre, post, dev)| format!("{pre}{post}{dev}"))]
}

fn epoch() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "", "", "", "1!"])
}

/// One specifier. With `.*`, a version has nothing but its release: the generator gives up on others.
fn specifier() -> impl Strategy<Value = String> {
    let ordered = prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let exact = (ordered, epoch(), release(1..=4), suffix())
        .prop_map(|(operator, epoch, release, suffix)| format!("{operator}{epoch}{release}{suffix}"));
    let compatible =
        (epoch(), release(2..=4), suffix()).prop_map(|(epoch, release, suffix)| format!("~={epoch}{release}{suffix}"));
    let star = (prop::sample::select(vec!["==", "!="]), epoch(), release(1..=4))
        .prop_map(|(operator, epoch, release)| format!("{operator}{epoch}{release}.*"));
    prop_oneof![5 => exact, 1 => compatible, 2 => star]
}

/// Does every generation of the script make the same of it?
fn is_settled(specifier: &str) -> bool {
    let parsed = VersionSpecifier::from_str(specifier).unwrap();
    let version = parsed.version();
    let suffixed = version.any_prerelease() || version.is_post();
    let ordered = matches!(parsed.operator(), Operator::LessThan | Operator::GreaterThan);
    !(ordered && !suffixed || *parsed.operator() == Operator::NotEqualStar)
}

fn requirement(settled: bool) -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["foo", "Foo.Bar", "foo_bar", "a--b", "zope.interface", "X1"]);
    let extras = prop::sample::select(vec!["", "", "", "[one]", "[One, two]"]);
    let marker = prop::sample::select(vec![
        "",
        "",
        "",
        " ; python_version < '3.7'",
        " ; python_version >= '3.10'",
        " ; extra == 'docs'",
        " ; sys_platform == 'win32'",
        " ; sys_platform == 'linux' and python_version != '3.11'",
    ]);
    // `===` takes all up to the next space, other specifiers too.
    let arbitrary = (release(1..=4), suffix()).prop_map(|(release, suffix)| vec![format!("==={release}{suffix}")]);
    let specifiers = prop_oneof![9 => prop::collection::vec(specifier().prop_filter("settled", move |specifier| !settled || is_settled(specifier)), 0..4), 1 => arbitrary];
    (name, extras, specifiers, marker)
        .prop_map(|(name, extras, specifiers, marker)| format!("{name}{extras}{}{marker}", specifiers.join(",")))
}

/// Are there two specifiers that only differ in zeros (`~=1.24` and `~=1.24.0`)? Which of them are one to `packaging`, which the
/// script reads them with, depends on its version.
fn has_twins(requirements: &[String]) -> bool {
    let specifiers = requirements.iter().flat_map(|requirement| {
        let version = requirement.split(" ;").next().unwrap_or_default();
        version.find(['=', '<', '>', '!', '~']).map_or("", |at| &version[at..]).split(',')
    });
    let parsed = specifiers.filter_map(|text| VersionSpecifier::from_str(text).ok()).collect::<Vec<_>>();
    parsed.iter().any(|one| parsed.iter().any(|other| one == other && one.to_string() != other.to_string()))
}

/// Word for word what the target's generator makes of the same metadata: names, extras, markers, operators, how several
/// requirements for one distribution come together.
#[test]
fn relations_are_those_of_the_generator() {
    let script =
        std::env::var_os("OMNIPACK_TEST_PYTHONDISTDEPS").map_or_else(|| PathBuf::from(GENERATOR), PathBuf::from);
    let source = fs_err::read_to_string(&script).expect("pythondistdeps.py comes with rpm");
    let newest = source.contains("'{}~~'.format(version)");
    let distribution = distribution("fedora-42");
    let generator = Mutex::new(Generator::start(&script));
    assert!(generator.lock().unwrap().ask(&["a>=1".to_owned()]).is_some(), "{} does not run here", script.display());
    let strategy = prop::collection::vec(requirement(!newest), 1..5);
    proptest!(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() }, |(requirements in strategy)| {
        prop_assume!(!has_twins(&requirements));
        let expected = generator.lock().unwrap().ask(&requirements);
        let mut lines = relations(&distribution, &requirements).iter().map(text).collect::<Vec<_>>();
        // The script sorts by name.
        let name = |line: &String| line.trim_start_matches('(').split(' ').next().unwrap_or_default().to_owned();
        lines.sort_by_key(name);
        prop_assert_eq!(Some(lines), expected, "{:?}", requirements);
    });
}

/// As rpm compares two versions of a relation.
fn rpm_compares(pairs: &[(String, String)]) -> Vec<i32> {
    let mut script = String::from("%{lua:");
    for (left, right) in pairs {
        script.push_str(&format!("print(rpm.vercmp('{left}','{right}')..'\\n') "));
    }
    script.push('}');
    let output = Command::new("rpm").args(["--eval", &script]).run().expect("rpm is installed");
    assert_eq!(output.code, 0, "{}", output.stderr_text());
    output.stdout_text().lines().filter(|line| !line.is_empty()).map(|line| line.parse().unwrap()).collect()
}

/// Does a package of the version `published` meet all of `relations`, of which none has more in it than `with` and `or`?
fn met(relations: &[Relation], published: &str) -> bool {
    relations.iter().all(|relation| {
        let (kind, text) = (relation.kind, text(relation));
        let all = text.trim_matches(['(', ')']).split(" with ").all(|part| {
            part.trim_matches(['(', ')']).split(" or ").any(|one| {
                let words = one.trim_matches(['(', ')']).split(' ').collect::<Vec<_>>();
                let [_, operator, version] = words.as_slice() else { return true };
                let order = rpm_compares(&[(published.to_owned(), (*version).to_owned())])[0];
                match *operator {
                    "<" => order < 0,
                    "<=" => order <= 0,
                    "=" => order == 0,
                    ">=" => order >= 0,
                    _ => order > 0,
                }
            })
        });
        all != (kind == RelationKind::Conflicts)
    })
}

/// What a requirement allows is never refused, whatever the target can say; and a final version that it does not allow is let
/// in only where that is said.
#[test]
fn what_a_requirement_allows_is_not_refused() {
    let targets = ["fedora-42", "rocky-9", "rocky-8", "centos-7", "centos-6"].map(distribution);
    let strategy = (specifier(), release(1..=3), prop::sample::select(vec![0_usize, 1, 2, 3, 4]));
    // The same cases each time. One in ten thousand finds something still: look for it with other seeds and more of them.
    let config = ProptestConfig {
        cases: 1500,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(5),
        ..ProptestConfig::default()
    };
    proptest!(config, |((specifier, release, target) in strategy)| {
        let parsed = VersionSpecifier::from_str(&specifier).unwrap();
        prop_assume!(parsed.version().epoch() == 0);
        let generator = matches!(targets[target].python_dist, Some(PythonDist::Normalised));
        // Of `1.post1.dev3`, the generator writes `1~~dev3`, where packages and requirements of Fedora have it.
        prop_assume!(!(generator && parsed.version().is_post() && parsed.version().is_dev()));
        // The crate compares prefixes (`==0.1.*`) of what is written, not of what it means: `0` is `0.0`.
        let version = Version::from_str(&format!("{release}.0.0.0")).unwrap();
        let target = &targets[target];
        let relations = relations(target, &[format!("foo{specifier}")]);
        // What packages provide: without zeros at the end, or as published.
        let provided = match target.name.as_str() {
            "fedora-42" | "rocky-9" => trimmed(&release),
            _ => release.clone(),
        };
        let allowed = parsed.contains(&version);
        let met = met(&relations, &provided);
        let what = format!("{specifier} of {provided} on {}: {relations:?}", target.name);
        prop_assert!(!allowed || met, "refused: {what}");
        // `!=1.*` cannot be said without rich dependencies; and where pre-releases are in the release of a package, their
        // versions are those of the release. `<2.0rc1` has to let `2.0~b1` in, and so lets `2` in, which sorts before that;
        // `>2.post1` lets `2.0` in, which sorts after it.
        let unsaid = (specifier.starts_with("!=") && specifier.ends_with('*') && !target.range_dependencies())
            || (target.name == "centos-6" && parsed.version().any_prerelease())
            || (provided == release
                && has_suffix(parsed.version())
                && (parsed.version().release().ends_with(&[0]) || release.ends_with(".0")));
        prop_assert!(allowed || !met || unsaid, "let in: {what}");
    });
}

fn has_suffix(version: &Version) -> bool {
    version.any_prerelease() || version.is_post()
}

fn trimmed(release: &str) -> String {
    let mut text = release;
    while let Some(shorter) = text.strip_suffix(".0") {
        text = shorter;
    }
    text.to_owned()
}
