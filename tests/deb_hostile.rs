//! Names, texts and relations that shells, tools and parsers would stumble over, read back by the real dpkg and tar.

mod deb_support;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use deb_support::*;
use omnipack::exec::Command;
use omnipack::package::Package;
use omnipack::plan::{Comparison, Relation, RelationKind};
use omnipack::stage::{Entry, EntryKind};
use proptest::prelude::*;

/// A file, or another name of one, or a symbolic link; with a part of its path, repeated to come near every limit.
#[derive(Debug, Clone)]
enum What {
    File(Vec<u8>),
    Hardlink,
    Symlink(String),
}

fn what() -> impl Strategy<Value = What> {
    prop_oneof![
        3 => proptest::collection::vec(any::<u8>(), 0..3).prop_map(What::File),
        2 => Just(What::Hardlink),
        1 => hostile_name().prop_map(What::Symlink),
        1 => (90..260_usize).prop_map(|length| What::Symlink("t".repeat(length))),
    ]
}

/// Below a directory of its own, so that no path is both file and directory.
fn name() -> impl Strategy<Value = String> {
    let length = prop_oneof![Just(0), 80..120_usize, 140..170_usize, 230..244_usize];
    (hostile_name(), length).prop_map(|(name, length)| {
        let name = name.chars().take(30).collect::<String>();
        let missing = length.saturating_sub(name.len());
        format!("{}{name}", "n".repeat(missing))
    })
}

fn entries(files: BTreeMap<(Option<String>, String), What>) -> Vec<Entry> {
    // Every hard link names the same file, which comes before some of them and after others.
    let mut entries = vec![file("/opt/app/m", "many names")];
    for ((directory, name), what) in files {
        let path = match directory {
            Some(directory) => format!("/opt/app/{directory}.d/{name}"),
            None => format!("/opt/app/{name}"),
        };
        entries.push(match what {
            What::File(content) => file(&path, content),
            What::Hardlink => hardlink(&path, "/opt/app/m"),
            What::Symlink(target) => symlink(&path, &target),
        });
    }
    let mut entries = sorted(entries);
    entries.dedup_by(|later, earlier| later.path == earlier.path);
    entries.retain(|entry| !entry.path.as_str().ends_with(".d"));
    entries
}

/// Everything below a directory with its kind, content or target.
fn found(directory: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in walkdir::WalkDir::new(directory).min_depth(1) {
        let entry = entry.unwrap();
        let shown = if entry.file_type().is_dir() {
            "directory".to_owned()
        } else if entry.file_type().is_symlink() {
            format!("link to {}", fs_err::read_link(entry.path()).unwrap().display())
        } else {
            format!("file {:?}", fs_err::read(entry.path()).unwrap())
        };
        found.insert(entry.path().strip_prefix(directory).unwrap().to_owned(), shown);
    }
    found
}

fn meant(entries: &[Entry]) -> BTreeMap<PathBuf, String> {
    let mut meant = BTreeMap::new();
    for entry in entries {
        let shown = match &entry.kind {
            EntryKind::File(content) => format!("file {:?}", content.read().unwrap()),
            EntryKind::Symlink(target) => format!("link to {target}"),
            EntryKind::Hardlink(_) => format!("file {:?}", b"many names"),
            EntryKind::Directory => "directory".to_owned(),
        };
        let path = PathBuf::from(&entry.path.as_str()[1..]);
        for above in path.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty()) {
            meant.insert(above.to_owned(), "directory".to_owned());
        }
        meant.insert(path, shown);
    }
    meant
}

/// What `dpkg-deb --field` says of all fields, by name.
fn fields(path: &Path) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let mut last = String::new();
    for line in dpkg_deb(&["--field"], path).split_terminator('\n') {
        match line.split_once(':') {
            Some((name, value)) if !line.starts_with([' ', '\t']) => {
                last = name.to_owned();
                assert!(fields.insert(last.clone(), value.trim_start().to_owned()).is_none(), "{name} is there twice");
            }
            _ => fields.get_mut(&last).unwrap().extend(["\n", line]),
        }
    }
    fields
}

fn words(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

fn any_comparison() -> impl Strategy<Value = Option<(Comparison, String)>> {
    let comparison = proptest::sample::select(vec![
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Equal,
        Comparison::GreaterOrEqual,
        Comparison::Greater,
    ]);
    let version = prop_oneof![
        2 => "([0-9]{1,2}:)?[0-9][0-9a-z.+~]{0,5}(-[0-9a-z.+~]{1,4})?",
        1 => "[0-9a-zA-Z:.+~^_-]{0,8}",
        1 => "[0-9]{1,12}:[0-9 :,()\n-]{0,4}",
    ];
    proptest::option::of((comparison, version))
}

fn any_kind() -> impl Strategy<Value = RelationKind> {
    proptest::sample::select(vec![
        RelationKind::Requires,
        RelationKind::RequiresPre,
        RelationKind::Recommends,
        RelationKind::Enhances,
        RelationKind::Conflicts,
        RelationKind::Obsoletes,
        RelationKind::Provides,
        RelationKind::Breaks,
    ])
}

/// Installs without looking at what it needs: only reading counts.
fn installs(path: &Path) -> Result<(), String> {
    let output = Root::new().run([OsStr::new("--force-all"), OsStr::new("--unpack"), path.as_os_str()]);
    if output.code == 0 { Ok(()) } else { Err(output.stderr_text()) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_file_name_installs_and_verifies(
        files in proptest::collection::btree_map((proptest::option::of(name()), name()), what(), 1..20)
    ) {
        let mut package = package("hostile");
        package.entries = entries(files);
        let (directory, path) = build(&package);
        let meant = meant(&package.entries);

        let root = Root::new();
        root.install(&path);
        root.verify("hostile");
        prop_assert_eq!(&found(&root.path().join("opt")), &found_below(&meant));

        let (ours, theirs) = (directory.path().join("dpkg-deb"), directory.path().join("tar"));
        fs_err::create_dir(&theirs).unwrap();
        dpkg_deb_extract(&path, &ours);
        prop_assert_eq!(&found(&ours), &meant);
        let script = "dpkg-deb --fsys-tarfile \"$1\" | tar --extract --file=-";
        let output = Command::new("sh").args(["-ec", script, "sh"]).arg(&path).dir(&theirs).run_checked().unwrap();
        prop_assert_eq!(output.stderr_text(), "");
        prop_assert_eq!(&found(&theirs), &meant);
    }

    #[test]
    fn any_text_of_the_user_is_only_text(
        texts in proptest::collection::vec("(\\PC|\n|[ .#:]|\n\n|%|\\\\|\"|\r|\t|\u{1b}|\nPackage: x){0,40}", 6)
    ) {
        let mut package = package("texts");
        package.summary.clone_from(&texts[0]);
        package.description.clone_from(&texts[1]);
        package.maintainer = format!("{}<a@example.org>", texts[2]);
        package.url.clone_from(&texts[3]);
        package.section.clone_from(&texts[4]);
        package.priority.clone_from(&texts[5]);
        let (_directory, path) = build(&package);
        let mut expected = BTreeMap::from([
            ("Package", "texts".to_owned()),
            ("Version", "1.2-3".to_owned()),
            ("Architecture", "all".to_owned()),
            ("Installed-Size", "1".to_owned()),
            ("Multi-Arch", "foreign".to_owned()),
            ("Maintainer", words(&package.maintainer)),
            ("Homepage", words(&texts[3])),
            ("Section", words(&texts[4])),
            ("Priority", words(&texts[5])),
        ]);
        expected.retain(|_, value| !value.is_empty());
        let mut seen = fields(&path);
        let description = seen.remove("Description").unwrap();
        prop_assert_eq!(seen.iter().map(|(name, value)| (name.as_str(), value.clone())).collect::<BTreeMap<_, _>>(), expected);

        let (synopsis, rest) = description.split_once('\n').unwrap_or((&description, ""));
        let summary = words(&texts[0]);
        prop_assert_eq!(synopsis, if summary.is_empty() { "texts" } else { &summary });
        // Policy, 5.6.13: a space begins each line, ` .` is an empty one, ` .` and more is reserved.
        for line in rest.split_terminator('\n') {
            prop_assert!(line.starts_with(' ') && line.len() > 1, "{line:?}");
            prop_assert!(line == " ." || !line.starts_with(" ."), "{line:?}");
        }
        let rest = rest.lines().filter(|line| *line != " .").collect::<Vec<_>>().join("\n");
        let text = texts[1].chars().filter(|c| !c.is_control() || c.is_whitespace()).collect::<String>();
        prop_assert_eq!(words(&rest), words(&text));
        prop_assert_eq!(installs(&path), Ok(()));
    }

    #[test]
    fn dpkg_reads_every_relation_that_is_taken(
        relations in proptest::collection::vec(
            (any_kind(), "[a-z0-9]{1,3}[a-z0-9+.-]{0,3}(:[a-z]{1,5})?|[a-z|() ,\n:<>=0-9-]{0,9}|aa( \\| bb( \\((<<|>=|==) [0-9a-z:-]{1,4}\\))?){1,2}", any_comparison()),
            1..4,
        )
    ) {
        let mut package: Package = package("relations");
        let shown = relations.iter().map(|(kind, name, comparison)| {
            let comparison = comparison.as_ref().map(|(comparison, version)| (*comparison, version.as_str()));
            relation(*kind, name, comparison)
        });
        let directory = tempfile::tempdir().unwrap();
        let mut is_taken = |relation: &Relation| {
            package.relations = vec![relation.clone()];
            try_build(&package, directory.path()).is_ok()
        };
        let taken = shown.filter(|relation| is_taken(relation)).collect::<Vec<_>>();
        package.relations = taken;
        let path = try_build(&package, directory.path()).unwrap();
        prop_assert_eq!(installs(&path), Ok(()));
        let control = control_file(&path, "control").unwrap();
        let written = control.lines().filter(|line| line.split(' ').next().is_some_and(|name| {
            ["Pre-Depends:", "Depends:", "Recommends:", "Enhances:", "Conflicts:", "Breaks:", "Replaces:", "Provides:"].contains(&name)
        }));
        let written = written.map(|line| line.split(", ").count()).sum::<usize>();
        let both = |kind: &RelationKind| if *kind == RelationKind::Obsoletes { 2 } else { 1 };
        let most = package.relations.iter().map(|relation| both(&relation.kind)).sum();
        prop_assert!(written <= most && (written > 0 || package.relations.is_empty()), "{control}");
    }
}

fn found_below(meant: &BTreeMap<PathBuf, String>) -> BTreeMap<PathBuf, String> {
    let below = meant.iter().filter_map(|(path, shown)| Some((path.strip_prefix("opt").ok()?, shown)));
    below
        .filter(|(path, _)| !path.as_os_str().is_empty())
        .map(|(path, shown)| (path.to_owned(), shown.clone()))
        .collect()
}

fn dpkg_deb_extract(path: &Path, directory: &Path) {
    let output = Command::new("dpkg-deb").arg("--extract").arg(path).arg(directory).run_checked().unwrap();
    assert_eq!(output.stderr_text(), "");
}
