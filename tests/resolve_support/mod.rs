//! Projects, wheels and an index made by hand.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use base64::Engine;
use omnipack::distribution::ToolVersion;
use omnipack::exec::Command;
use omnipack::plan::{Interpreter, InterpreterKind, Platform};
use omnipack::progress::Silent;
use omnipack::project::{BytecodeMode, Metadata, PythonSettings, Source};
use omnipack::resolve::{Options, Resolver, Wheel};
use sha2::{Digest, Sha256};

pub fn s(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Remembers the steps that were announced.
#[derive(Default)]
pub struct Steps(std::sync::Mutex<Vec<String>>);

impl omnipack::progress::Listener for Steps {
    fn step(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
    fn progress(&self, _: u64, _: u64) {}
    fn warning(&self, _: &str) {}
}

impl Steps {
    /// How often a build backend was called.
    pub fn builds(&self) -> usize {
        self.0.lock().unwrap().iter().filter(|step| step.starts_with("building")).count()
    }
}

/// The options with a cache that all tests share, below the build folder.
pub fn with_cache(options: Options) -> Options {
    let cache = if options.cache.as_os_str().is_empty() {
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("resolve-cache")
    } else {
        options.cache
    };
    Options { cache, ..options }
}

pub fn settings() -> PythonSettings {
    PythonSettings { bytecode: BytecodeMode::None, ..PythonSettings::default() }
}

/// Only what lies in `links`.
pub fn local(links: &Path) -> PythonSettings {
    PythonSettings { find_links: vec![s(links).to_owned()], no_index: true, ..settings() }
}

pub fn target(python: &str, glibc: u32) -> (Interpreter, Platform) {
    let version = ToolVersion::try_from(python.to_owned()).unwrap();
    let requirement = format!("python(abi) = {python}");
    let kind = InterpreterKind::System { requirement };
    let interpreter = Interpreter { version, path: format!("/usr/bin/python{python}"), kind };
    let machine = std::env::consts::ARCH.to_owned();
    let glibc = ToolVersion { major: 2, minor: glibc, patch: 0 };
    (interpreter, Platform { architecture: machine.clone(), machine, glibc, baseline: None })
}

/// Metadata of a built wheel, as far as resolving needs it.
pub fn metadata(wheel: &Wheel) -> Metadata {
    let found = python_pkginfo::Distribution::new(&wheel.path).unwrap();
    let found = found.metadata();
    Metadata {
        name: found.name.clone(),
        version: found.version.clone(),
        summary: String::new(),
        description: String::new(),
        license: String::new(),
        url: String::new(),
        author: String::new(),
        requires_python: String::new(),
        requires_dist: found.requires_dist.clone(),
        extras: Vec::new(),
        console_scripts: Vec::new(),
    }
}

pub fn write(path: &Path, text: &str) {
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, text).unwrap();
}

pub fn run(words: &[&str]) -> String {
    Command::new(words[0]).args(&words[1..]).run_checked().unwrap().stdout_text()
}

pub fn sha256(path: &Path) -> String {
    Sha256::digest(fs_err::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn project(work: &Path, name: &str, requirements: &[&str]) -> PathBuf {
    let dir = work.join(name);
    let list = requirements.iter().map(|line| format!("\"{line}\"")).collect::<Vec<_>>().join(", ");
    let text = format!(
        "[project]\nname = \"{name}\"\nversion = \"1.0\"\ndependencies = [{list}]\n[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n[tool.setuptools]\npy-modules = [\"{name}\"]\n"
    );
    write(&dir.join("pyproject.toml"), &text);
    write(&dir.join(format!("{name}.py")), "");
    dir
}

/// A wheel with nothing but a module and metadata.
pub fn make_wheel(dir: &Path, name: &str, version: &str, tag: &str, more: &str) -> PathBuf {
    fs_err::create_dir_all(dir).unwrap();
    let stem = format!("{}-{version}", name.replace('-', "_"));
    let path = dir.join(format!("{stem}-{tag}.whl"));
    let mut zip = zip::ZipWriter::new(fs_err::File::create(&path).unwrap());
    let wheel = format!("Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n");
    let files = [
        (format!("{}.py", name.replace('-', "_")), String::new()),
        (
            format!("{stem}.dist-info/METADATA"),
            format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{more}"),
        ),
        (format!("{stem}.dist-info/WHEEL"), wheel),
        (format!("{stem}.dist-info/RECORD"), String::new()),
    ];
    for (name, text) in files {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    path
}

/// `omnipack_test_native-1.0.tar.gz`, whose extension module is not optional.
pub fn make_native_sdist(dir: &Path) {
    let name = "omnipack_test_native";
    let source = format!(
        "#include <Python.h>\nstatic struct PyModuleDef module = {{PyModuleDef_HEAD_INIT, \"{name}\", NULL, -1, NULL}};\nPyMODINIT_FUNC PyInit_{name}(void) {{ return PyModule_Create(&module); }}\n"
    );
    let files = [
        ("PKG-INFO", "Metadata-Version: 2.1\nName: omnipack-test-native\nVersion: 1.0\n".to_owned()),
        (
            "pyproject.toml",
            "[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n".to_owned(),
        ),
        (
            "setup.py",
            format!(
                "from setuptools import setup, Extension\nsetup(name='omnipack-test-native', version='1.0', ext_modules=[Extension('{name}', ['{name}.c'])])\n"
            ),
        ),
        ("omnipack_test_native.c", source),
    ];
    let file = fs_err::File::create(dir.join(format!("{name}-1.0.tar.gz"))).unwrap();
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(file, flate2::Compression::fast()));
    for (member, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("{name}-1.0/{member}"), text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap();
}

/// The sdist of a project directory, as `python -m build --sdist` names it.
pub fn make_sdist(project: &Path, name: &str, out: &Path) -> PathBuf {
    let path = out.join(format!("{name}-1.0.tar.gz"));
    let file = fs_err::File::create(&path).unwrap();
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(file, flate2::Compression::fast()));
    tar.append_dir_all(format!("{name}-1.0"), project).unwrap();
    tar.into_inner().unwrap().finish().unwrap();
    path
}

/// `3.11`: the series of this machine's python3.
pub fn host_series() -> String {
    run(&["python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]).trim().to_owned()
}

/// A package index on the loopback interface that wants a login (`me`, `s3cret`).
pub struct PrivateIndex {
    port: u16,
    authorized: Arc<AtomicUsize>,
}

impl PrivateIndex {
    pub fn start(dir: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let authorized = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&authorized);
        let hiccup = Arc::new(AtomicBool::new(false));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (dir, count, hiccup) = (dir.clone(), Arc::clone(&count), Arc::clone(&hiccup));
                std::thread::spawn(move || answer(stream, &dir, &count, &hiccup));
            }
        });
        Self { port, authorized }
    }

    pub fn url(&self, login: &str) -> String {
        format!("http://{login}127.0.0.1:{}/simple/", self.port)
    }

    /// Requests that had the right login.
    pub fn authorized(&self) -> usize {
        self.authorized.load(Ordering::Relaxed)
    }
}

fn answer(mut stream: TcpStream, dir: &Path, authorized: &AtomicUsize, hiccup: &AtomicBool) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let request = lines.next()?.ok()?;
    let headers = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect::<Vec<_>>();
    let wanted = format!("authorization: Basic {}", base64::engine::general_purpose::STANDARD.encode("me:s3cret"));
    let path = request.split(' ').nth(1)?;
    let ours = headers.iter().any(|line| line.to_lowercase().starts_with("user-agent: omnipack"));
    let (status, kind, body) = if !headers.iter().any(|line| line.to_lowercase() == wanted.to_lowercase()) {
        ("401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"", "text/plain", Vec::new())
    } else {
        authorized.fetch_add(1, Ordering::Relaxed);
        match path.strip_prefix("/files/") {
            // Once, to see that it is tried again.
            Some(_) if ours && !hiccup.swap(true, Ordering::Relaxed) => {
                ("503 Service Unavailable", "text/plain", Vec::new())
            }
            Some(name) => ("200 OK", "application/octet-stream", fs_err::read(dir.join(name)).ok()?),
            None => ("200 OK", "text/html", page(dir, path).into_bytes()),
        }
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    if !request.starts_with("HEAD") {
        stream.write_all(&body).ok()?;
    }
    stream.flush().ok()
}

/// Links to the project's wheels.
fn page(dir: &Path, path: &str) -> String {
    let project = path.trim_matches('/').rsplit('/').next().unwrap_or_default().replace('-', "_");
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let wheels = entries.filter(|file| {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        name.ends_with(".whl") && name.starts_with(&format!("{project}-"))
    });
    wheels
        .map(|file| {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            format!("<a href=\"/files/{name}#sha256={}\">{name}</a>\n", sha256(&file))
        })
        .collect()
}

pub fn urlsafe_sha256(text: &str) -> String {
    use base64::Engine;
    use sha2::Digest;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(text))
}

/// The uv that omnipack has installed for the tests.
pub fn omnipack_uv() -> PathBuf {
    let (interpreter, platform) = target("3.9", 34);
    let source = Source::Requirement("itsdangerous==2.0.1".to_owned());
    Resolver::new(with_cache(Options::default()), &Silent)
        .application(&source, &settings(), &interpreter, &platform)
        .unwrap();
    let programs = Path::new(env!("CARGO_TARGET_TMPDIR")).join("resolve-cache/uv-program");
    let entries = std::fs::read_dir(programs).unwrap().map(|entry| entry.unwrap().path().join("uv"));
    which::which("uv").unwrap_or_else(|_| entries.last().unwrap())
}
