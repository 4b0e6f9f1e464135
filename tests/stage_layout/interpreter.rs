//! A bundled CPython, made of the one that runs the tests: relocated, stripped of what no application runs, and run.

use std::path::{Path, PathBuf};

use omnipack::exec::Command;
use omnipack::plan::{BuildPlan, InterpreterKind};
use omnipack::stage::{EntryKind, Origin, Stage, lay_out};

use crate::support::{lock, paths, plan, put_in_place, python, read};

/// The prefix of an installed CPython, as far as it is its own.
struct Installed {
    prefix: PathBuf,
    paths: Vec<String>,
}

fn installed() -> Installed {
    let command = Command::new(python("3.11")).args(["-c", "import sys; print(sys.base_prefix)"]);
    let prefix = PathBuf::from(command.run_checked().unwrap().stdout_text().trim());
    let libraries = fs_err::read_dir(prefix.join("lib")).unwrap().map(|entry| entry.unwrap().file_name());
    let libraries =
        libraries.map(|name| name.into_string().unwrap()).filter(|name| name.starts_with("libpython3.11.so"));
    let mut paths = vec!["bin/python3.11".to_owned(), "lib/python3.11".to_owned()];
    paths.extend(libraries.map(|name| format!("lib/{name}")));
    Installed { prefix, paths }
}

impl Installed {
    /// With `option` as the compression of tar, below `inner`.
    fn pack(&self, to: &Path, option: &str, inner: &str) {
        let transform = format!("--transform=s,^,{inner},S");
        let left_out = ["__pycache__", "lib2to3", "site-packages", "ensurepip"].map(|name| format!("--exclude={name}"));
        let command = Command::new(which::which("tar").unwrap())
            .args([option, "-cf"])
            .arg(to)
            .arg("-C")
            .arg(&self.prefix)
            .args([&transform])
            .args(left_out)
            .args(&self.paths);
        command.run_checked().unwrap();
    }
}

fn bundled(prefix: &str, source: &Path, sha256: Option<&str>) -> BuildPlan {
    let mut plan = plan(prefix, "3.11", &format!("{prefix}/lib/omnipack-python/bin/python3.11"));
    let source = source.to_str().unwrap().to_owned();
    plan.interpreter.kind = InterpreterKind::Bundled { source, sha256: sha256.map(str::to_owned) };
    plan
}

fn laid_out(plan: &BuildPlan, cache: &Path) -> Result<Stage, String> {
    let laid_out = lay_out(plan, &lock(Vec::new()), cache).map_err(|error| error.to_string())?;
    Ok(laid_out.finish(Vec::new()).unwrap())
}

fn mentions(stage: &Stage, text: &str) -> Vec<String> {
    let finder = memchr::memmem::Finder::new(text);
    let files = stage.entries.iter().filter(|entry| match &entry.kind {
        EntryKind::File(content) => finder.find(&read(content)).is_some(),
        _ => false,
    });
    files.map(|entry| entry.path.to_string()).collect()
}

#[test]
fn an_archive_of_the_standalone_layout_runs_where_it_is_put() {
    let dir = tempfile::tempdir().unwrap();
    let archive = dir.path().join("cpython");
    let installed = installed();
    installed.pack(&archive, "--gzip", "python/install/");
    let prefix = dir.path().join("opt/app");
    let plan = bundled(prefix.to_str().unwrap(), &archive, None);
    let stage = laid_out(&plan, dir.path()).unwrap();
    let unwanted = paths(&stage).into_iter().filter(|path| path.contains("/idlelib/") || path.ends_with(".a"));
    assert_eq!(unwanted.collect::<Vec<_>>(), Vec::<&str>::new());
    assert!(stage.entries.iter().filter(|entry| entry.origin == Origin::Interpreter).count() > 500);
    if installed.prefix != Path::new("/usr") && installed.prefix != Path::new("/usr/local") {
        assert_eq!(mentions(&stage, installed.prefix.to_str().unwrap()), Vec::<String>::new());
    }
    put_in_place(&stage, dir.path());
    let script =
        "import sys, json, ctypes, sysconfig; print(sys.prefix, sys.base_prefix, sysconfig.get_config_var('LIBDIR'))";
    let output = Command::new(prefix.join("bin/python")).args(["-I", "-c", script]).run_checked().unwrap();
    let root = prefix.join("lib/omnipack-python");
    let (prefix, root) = (prefix.display(), root.display());
    assert!(output.stdout_text().starts_with(&format!("{prefix} {root} {root}/lib")), "{}", output.stdout_text());
}

#[test]
fn directories_and_every_compression_give_the_same_tree() {
    let dir = tempfile::tempdir().unwrap();
    let small = dir.path().join("small");
    fs_err::create_dir_all(small.join("lib/python3.11/test")).unwrap();
    fs_err::create_dir_all(small.join("bin")).unwrap();
    for (path, text) in [
        ("bin/python3.11", "\x7fELF /build/py/lib"),
        ("bin/pip3", "#!/build/py/bin/python3.11"),
        ("lib/python3.11/os.py", "import sys"),
        ("lib/python3.11/test/x.py", ""),
        (
            "lib/python3.11/_sysconfigdata__linux_.py",
            "build_time_vars = {'prefix': '/build/py', 'X': '-L/build/py/lib'}",
        ),
    ] {
        fs_err::write(small.join(path), text).unwrap();
    }
    fs_err::os::unix::fs::symlink("python3.11", small.join("bin/python3")).unwrap();
    fs_err::hard_link(small.join("bin/python3.11"), small.join("bin/python3.11d")).unwrap();
    let shown = |source: &Path| {
        let stage = laid_out(&bundled("/opt/app", source, None), dir.path()).unwrap();
        let inside = stage.entries.iter().filter(|entry| entry.path.as_str().contains("omnipack-python"));
        let shown = inside.map(|entry| match &entry.kind {
            EntryKind::File(content) => format!("{} {}", entry.path, String::from_utf8(read(content)).unwrap()),
            other => format!("{} {other:?}", entry.path),
        });
        shown.collect::<Vec<_>>()
    };
    let expected = shown(&small);
    let text = expected.join("\n");
    assert!(!text.contains("/build/py") && !text.contains("pip3") && !text.contains("/test"), "{text}");
    assert!(
        text.contains("'prefix': '/opt/app/lib/omnipack-python', 'X': '-L/opt/app/lib/omnipack-python/lib'"),
        "{text}"
    );
    let packed = Installed { prefix: small, paths: vec!["bin".into(), "lib".into()] };
    for (name, option) in [("tar", "--no-auto-compress"), ("gz", "--gzip"), ("xz", "--xz"), ("zst", "--zstd")] {
        for inner in ["", "python/", "python/install/"] {
            let archive = dir.path().join(format!("{name}{}", inner.len()));
            packed.pack(&archive, option, inner);
            assert_eq!(shown(&archive), expected, "{name} {inner}");
        }
    }
}

#[test]
fn what_cannot_be_bundled_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let refused =
        |source: &Path, sha256: Option<&str>| laid_out(&bundled("/opt/app", source, sha256), dir.path()).unwrap_err();
    assert!(refused(&dir.path().join("none"), None).contains("none"));
    assert!(refused(Path::new("https://example.org/python.tar.gz"), None).contains("has not been downloaded"));
    let garbage = dir.path().join("garbage");
    fs_err::write(&garbage, "x".repeat(2000)).unwrap();
    assert!(refused(&garbage, None).contains("cannot be used"));
    assert!(refused(&garbage, Some("00")).contains("but 00 was expected"));
    let other = dir.path().join("other");
    fs_err::create_dir_all(other.join("lib/python3.9")).unwrap();
    fs_err::write(other.join("lib/python3.9/os.py"), "").unwrap();
    assert!(refused(&other, None).contains("it holds python3.9, but the package is for python3.11"));
}
