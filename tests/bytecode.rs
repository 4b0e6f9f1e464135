//! Bytecode from real interpreters: held against what `py_compile` of the same interpreter makes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;

use omnipack::distribution::ToolVersion;
use omnipack::exec::Command;
use omnipack::progress::{Listener, Silent};
use omnipack::resolve::{Wheel, WheelRole};
use omnipack::stage::bytecode::{self, Compiled, Error, Interpreter, Request};
use omnipack::stage::{Content, Entry, EntryFlags, EntryKind, Origin, TargetPath};

const PREFIX: &str = "/opt/größe app";
const SOURCE_DATE: u32 = 1_700_000_000;

/// Every CPython that is on this machine, one of each series.
fn interpreters() -> Vec<Interpreter> {
    let versions = (6..=14).map(|minor| ToolVersion { major: 3, minor, patch: 0 });
    let found = versions.filter_map(|version| bytecode::find_interpreter(version, &[])).collect::<Vec<_>>();
    assert!(!found.is_empty(), "the tests need at least one CPython between 3.6 and 3.14");
    found
}

fn newest() -> Interpreter {
    interpreters().pop().unwrap()
}

fn python(interpreter: &Interpreter, script: &str, args: &[&Path]) -> String {
    let output = Command::new(&interpreter.program).args(["-S", "-s", "-W", "ignore", "-c", script]).args(args);
    output.env("LC_ALL", "C.UTF-8").run_checked().unwrap().stdout_text()
}

fn entry(path: &str, content: Content, origin: &Origin) -> Entry {
    Entry {
        path: TargetPath::new(&format!("{PREFIX}/{path}")).unwrap(),
        mode: 0o644,
        owner: "root".into(),
        group: "root".into(),
        kind: EntryKind::File(content),
        flags: EntryFlags::default(),
        origin: origin.clone(),
    }
}

fn origin(name: &str) -> Origin {
    Origin::Wheel { name: name.into(), version: "1".into() }
}

fn text(path: &str, text: &str) -> Entry {
    entry(path, Content::Bytes(text.as_bytes().into()), &origin("texts"))
}

/// Real sources: some packages of the interpreter's own standard library, as if each were from a wheel.
fn library(interpreter: &Interpreter, packages: &[&str]) -> Vec<Entry> {
    let root = python(interpreter, "import os; print(os.path.dirname(os.__file__))", &[]);
    let root = PathBuf::from(root.trim_end());
    let mut entries = Vec::new();
    for package in packages {
        for file in walkdir::WalkDir::new(root.join(package)).sort_by_file_name() {
            let file = file.unwrap();
            if file.path().extension().is_some_and(|extension| extension == "py") {
                let path = file.path().strip_prefix(&root).unwrap().to_str().unwrap();
                let size = file.metadata().unwrap().len();
                let content = Content::File { path: Arc::new(file.path().to_path_buf()), size };
                entries.push(entry(&format!("lib/python3/site-packages/{path}"), content, &origin(package)));
            }
        }
    }
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    entries
}

const PACKAGES: &[&str] = &["email", "json", "asyncio", "importlib"];

fn wheels() -> Vec<Wheel> {
    let wheel = |name: &&str| Wheel {
        name: (*name).to_owned(),
        version: "1".to_owned(),
        file_name: format!("{name}-1-py3-none-any.whl"),
        path: PathBuf::new(),
        sha256: "0".repeat(64),
        direct_url: None,
        role: WheelRole::Dependency,
    };
    PACKAGES.iter().map(wheel).collect()
}

fn compile(interpreter: &Interpreter, entries: &[Entry], cache: &Path, threads: usize) -> Result<Compiled, Error> {
    let prefix = TargetPath::new(PREFIX).unwrap();
    let wheels = wheels();
    let request =
        Request { entries, wheels: &wheels, interpreter, prefix: &prefix, source_date: SOURCE_DATE, cache, threads };
    bytecode::compile(&request, &Silent)
}

fn bytes(compiled: &Compiled) -> BTreeMap<String, Vec<u8>> {
    let read = |(path, entry): &(TargetPath, Entry)| {
        let EntryKind::File(content) = &entry.kind else { panic!("a file") };
        (path.to_string(), content.read().unwrap())
    };
    compiled.files.iter().map(read).collect()
}

fn tempdir() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn the_code_is_what_py_compile_makes() {
    const COMPARE: &str = r#"
import marshal, os, py_compile, sys
sys.setrecursionlimit(10000)
directory = sys.argv[1]

def flat(value):
    if hasattr(value, "co_code"):
        names = [name for name in dir(value) if name.startswith("co_") and not callable(getattr(value, name))]
        names = [name for name in names if name != "co_lnotab" or sys.version_info < (3, 10)]
        return ["code"] + [(name, flat(getattr(value, name))) for name in names]
    if isinstance(value, tuple):
        return ["tuple"] + [flat(item) for item in value]
    if isinstance(value, frozenset):
        return ["frozenset"] + sorted(map(repr, value))
    return type(value).__name__, repr(value)

header = 16 if sys.version_info >= (3, 7) else 12
mode = {"invalidation_mode": py_compile.PycInvalidationMode.UNCHECKED_HASH} if header == 16 else {}
count = 0
for line in open(os.path.join(directory, "list"), encoding="utf-8"):
    number, path = line.rstrip("\n").split(" ", 1)
    source = os.path.join(directory, number + ".py")
    os.utime(source, (1700000000, 1700000000))
    py_compile.compile(source, source + "c", dfile=path, doraise=True, optimize=0, **mode)
    theirs = open(source + "c", "rb").read()
    ours = open(os.path.join(directory, number + ".ours"), "rb").read()
    assert theirs[:header] == ours[:header], path
    assert flat(marshal.loads(theirs[header:])) == flat(marshal.loads(ours[header:])), path
    assert len(ours) <= len(theirs) + 100, (path, len(ours), len(theirs))
    count += 1
print(count)
"#;
    for interpreter in interpreters() {
        let entries = library(&interpreter, PACKAGES);
        let (cache, dir) = (tempdir(), tempdir());
        let compiled = compile(&interpreter, &entries, cache.path(), 2).unwrap();
        let made = bytes(&compiled);
        let mut list = String::new();
        for (number, entry) in entries.iter().enumerate() {
            let EntryKind::File(content) = &entry.kind else { continue };
            let Some(pyc) = made.get(entry.path.as_str()) else { continue };
            fs_err::write(dir.path().join(format!("{number}.py")), content.read().unwrap()).unwrap();
            fs_err::write(dir.path().join(format!("{number}.ours")), pyc).unwrap();
            list.push_str(&format!("{number} {}\n", entry.path));
        }
        fs_err::write(dir.path().join("list"), list).unwrap();
        let count = python(&interpreter, COMPARE, &[dir.path()]);
        assert!(count.trim().parse::<usize>().unwrap() > 50, "{}: {count}", interpreter.version);
        assert_eq!(compiled.refused, [], "{}", interpreter.version);
    }
}

#[test]
fn the_same_bytes_in_any_order_and_number_of_threads() {
    for interpreter in interpreters() {
        let entries = library(&interpreter, PACKAGES);
        let first = bytes(&compile(&interpreter, &entries, tempdir().path(), 1).unwrap());
        let second = bytes(&compile(&interpreter, &entries, tempdir().path(), 3).unwrap());
        assert!(first == second, "{}", interpreter.version);
        // Each package on its own, in another interpreter: what was compiled before must not matter.
        for package in PACKAGES {
            let part = bytes(&compile(&interpreter, &library(&interpreter, &[package]), tempdir().path(), 1).unwrap());
            for (path, pyc) in part {
                assert!(first.get(&path) == Some(&pyc), "{}: {path}", interpreter.version);
            }
        }
    }
}

/// Members of a set constant with `None` lie in an order that depends on where the interpreter was loaded.
#[test]
fn set_constants_have_one_order() {
    let source = "def f(x):\n    return x in {None, '', 'a', b'b', 3, (1, None), 'another', ...}\n";
    for interpreter in interpreters() {
        let entries = [text("lib/python3/site-packages/sets.py", source)];
        let all = (0..6).map(|_| bytes(&compile(&interpreter, &entries, tempdir().path(), 1).unwrap()));
        let all = all.collect::<std::collections::BTreeSet<_>>();
        assert_eq!(all.len(), 1, "{}", interpreter.version);
    }
}

#[test]
fn an_import_takes_the_bytecode_and_sees_the_final_path() {
    const IMPORT: &str = "import sys; sys.path.insert(0, sys.argv[1]); sys.dont_write_bytecode = True\n\
        import shop; print(shop.VALUE, shop.__cached__.endswith('.pyc'))";
    const FILE_NAME: &str = "import sys, marshal\nheader = 16 if sys.version_info >= (3, 7) else 12\n\
        code = marshal.loads(open(sys.argv[1], 'rb').read()[header:])\nprint(ascii(code.co_filename))";
    for interpreter in interpreters() {
        let entries = [text("lib/python3/site-packages/shop.py", "VALUE = 1\n")];
        let cache = tempdir();
        let compiled = compile(&interpreter, &entries, cache.path(), 1).unwrap();
        let (_, pyc) = &compiled.files[0];
        let tag = &interpreter.cache_tag;
        assert_eq!(pyc.path.as_str(), format!("{PREFIX}/lib/python3/site-packages/__pycache__/shop.{tag}.pyc"));
        let site = tempdir();
        fs_err::create_dir_all(site.path().join("__pycache__")).unwrap();
        let file = site.path().join("__pycache__").join(pyc.path.file_name());
        fs_err::write(&file, &bytes(&compiled)[entries[0].path.as_str()]).unwrap();
        // The source says something else by now: only bytecode that is taken without a look at it gives 1.
        fs_err::write(site.path().join("shop.py"), "VALUE = 2\n").unwrap();
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(SOURCE_DATE.into());
        fs_err::OpenOptions::new()
            .write(true)
            .open(site.path().join("shop.py"))
            .unwrap()
            .file()
            .set_modified(time)
            .unwrap();
        assert_eq!(python(&interpreter, IMPORT, &[site.path()]), "1 True\n", "{}", interpreter.version);
        let name = python(&interpreter, FILE_NAME, &[&file]);
        assert_eq!(name, "'/opt/gr\\xf6\\xdfe app/lib/python3/site-packages/shop.py'\n", "{}", interpreter.version);
    }
}

#[test]
fn the_cache_gives_the_same_bytes_and_heals() {
    let interpreter = newest();
    let entries = library(&interpreter, &["json", "email"]);
    let cache = tempdir();
    let made = bytes(&compile(&interpreter, &entries, cache.path(), 2).unwrap());
    let files = || {
        let files = walkdir::WalkDir::new(cache.path()).sort_by_file_name().into_iter().flatten();
        files.filter(|file| file.file_type().is_file()).map(walkdir::DirEntry::into_path).collect::<Vec<_>>()
    };
    assert_eq!(files().len(), 2, "one file per wheel");

    // With an interpreter that cannot be started only the cache can answer.
    let broken = Interpreter { program: "/nowhere/python".into(), ..interpreter.clone() };
    assert!(bytes(&compile(&broken, &entries, cache.path(), 2).unwrap()) == made);

    let victim = &files()[0];
    let sound = fs_err::read(victim).unwrap();
    fs_err::write(victim, &sound[..sound.len() - 1]).unwrap();
    assert!(compile(&broken, &entries, cache.path(), 2).is_err());
    assert!(bytes(&compile(&interpreter, &entries, cache.path(), 2).unwrap()) == made);
    assert!(fs_err::read(victim).unwrap() == sound);

    // Another wheel, another interpreter or another prefix is another file.
    let other = Interpreter { hexversion: interpreter.hexversion + 1, ..broken };
    assert!(compile(&other, &entries, cache.path(), 2).is_err());
}

#[test]
fn several_runs_may_share_a_cache() {
    let interpreter = newest();
    let entries = library(&interpreter, &["json", "email", "xml"]);
    let cache = tempdir();
    let expected = bytes(&compile(&interpreter, &entries, tempdir().path(), 1).unwrap());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..3 {
                    assert!(bytes(&compile(&interpreter, &entries, cache.path(), 1).unwrap()) == expected);
                }
            });
        }
    });
    let left = walkdir::WalkDir::new(cache.path()).into_iter().flatten().filter(|file| file.file_type().is_file());
    assert_eq!(left.count(), 3, "one file per wheel and nothing half-written");
}

#[test]
fn only_sources_below_the_library_are_compiled() {
    let interpreter = newest();
    let mut entries = vec![
        text("bin/tool.py", "x = 1\n"),
        text("lib/python3/site-packages/a/a.b.py", "x = 1\n"),
        text("lib/python3/site-packages/a/a.py", "x = 1\n"),
        text("lib/python3/site-packages/a/a.py.txt", "x = 1\n"),
        text("lib/python3/site-packages/a/empty.py", ""),
        entry("python/lib/python3/os.py", Content::Bytes(b"x = 1\n".as_slice().into()), &Origin::Interpreter),
        text("python/lib/python3/share.py", "x = 1\n"),
        text("library/b.py", "x = 1\n"),
    ];
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    let cache = tempdir();
    let compiled = compile(&interpreter, &entries, cache.path(), 4).unwrap();
    let sources = compiled.files.iter().map(|(path, _)| path.file_name().to_owned()).collect::<Vec<_>>();
    assert_eq!(sources, ["a.b.py", "a.py", "empty.py", "os.py"]);
    let tag = &interpreter.cache_tag;
    let paths = compiled.into_entries().into_iter().map(|entry| entry.path.to_string()).collect::<Vec<_>>();
    assert_eq!(paths[0], format!("{PREFIX}/lib/python3/site-packages/a/__pycache__/a.b.{tag}.pyc"));
    assert_eq!(paths[3], format!("{PREFIX}/python/lib/python3/__pycache__/os.{tag}.pyc"));
}

#[derive(Default)]
struct Recorder {
    warnings: Mutex<Vec<String>>,
}

impl Listener for Recorder {
    fn step(&self, _: &str) {}
    fn progress(&self, _: u64, _: u64) {}
    fn warning(&self, text: &str) {
        self.warnings.lock().unwrap().push(text.to_owned());
    }
}

#[test]
fn what_is_not_valid_is_passed_over_with_one_warning() {
    for interpreter in interpreters() {
        let deep = "(".repeat(50_000);
        let entries = [
            text("lib/python3/site-packages/a.py", "print 'python 2'\n"),
            text("lib/python3/site-packages/b.py", "{{ template }}: }\n"),
            entry(
                "lib/python3/site-packages/c.py",
                Content::Bytes(b"x = '\xff'\n".as_slice().into()),
                &origin("texts"),
            ),
            text("lib/python3/site-packages/d.py", "x = 1\0\n"),
            text("lib/python3/site-packages/e.py", &deep),
            text("lib/python3/site-packages/f.py", "# -*- coding: latin-1 -*-\nx = 'fine'\n"),
            text("lib/python3/site-packages/g.py", "\u{feff}x = 'fine'\n"),
        ];
        let prefix = TargetPath::new(PREFIX).unwrap();
        let cache = tempdir();
        let request = Request {
            entries: &entries,
            wheels: &[],
            interpreter: &interpreter,
            prefix: &prefix,
            source_date: SOURCE_DATE,
            cache: cache.path(),
            threads: 1,
        };
        for _ in 0..2 {
            let recorder = Recorder::default();
            let compiled = bytecode::compile(&request, &recorder).unwrap();
            let names = compiled.files.iter().map(|(path, _)| path.file_name()).collect::<Vec<_>>();
            assert_eq!(names, ["f.py", "g.py"], "{}", interpreter.version);
            assert_eq!(compiled.refused.len(), 5);
            let warnings = recorder.warnings.lock().unwrap();
            assert!(warnings.len() == 1 && warnings[0].starts_with("5 Python files are not valid"), "{warnings:?}");
        }
    }
}

#[test]
fn an_interpreter_that_dies_is_named_with_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempdir();
    let program = dir.path().join("python");
    fs_err::write(&program, "#!/bin/sh\necho out of memory >&2\nexit 3\n").unwrap();
    fs_err::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let broken = Interpreter { program, ..newest() };
    let entries = [text("lib/python3/site-packages/a.py", "x = 1\n")];
    let error = compile(&broken, &entries, dir.path(), 1).unwrap_err().to_string();
    assert!(error.contains("site-packages/a.py") && error.contains("out of memory"), "{error}");
}

#[test]
fn a_source_that_cannot_be_read_is_the_failure() {
    let gone = Content::File { path: Arc::new("/nowhere/a.py".into()), size: 4 };
    let entries = [entry("lib/python3/site-packages/a.py", gone, &Origin::User)];
    let error = compile(&newest(), &entries, tempdir().path(), 1).unwrap_err().to_string();
    assert!(error.contains("/nowhere/a.py"), "{error}");
}

#[test]
fn without_an_interpreter_the_ways_out_are_shown() {
    let version = |major, minor| ToolVersion { major, minor, patch: 0 };
    let error = bytecode::require_interpreter(version(3, 99), &[]).unwrap_err();
    assert_eq!(error.to_string(), "no CPython 3.99 is on this machine to compile the bytecode with");
    let help = miette::Diagnostic::help(&error).unwrap().to_string();
    assert!(
        help.contains("python3.99") && help.contains("bytecode = \"install\"") && help.contains("--python"),
        "{help}"
    );
    assert!(matches!(bytecode::require_interpreter(version(2, 7), &[]), Err(Error::TooOld { .. })));
}

#[test]
fn a_named_interpreter_comes_first() {
    let found = newest();
    let dir = tempdir();
    let link = dir.path().join("my-python");
    std::os::unix::fs::symlink(&found.program, &link).unwrap();
    assert_eq!(bytecode::find_interpreter(found.version, std::slice::from_ref(&link)).unwrap().program, link);
}
