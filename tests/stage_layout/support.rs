//! Plans, locks and handmade wheels for the tests.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use omnipack::distribution::{Algorithm, Distribution, InitSystem, PackageFormat, SpecDialect, ToolVersion};
use omnipack::plan::{BuildPlan, Compression, Evr, Interpreter, InterpreterKind, PackagePlan, Platform, Role};
use omnipack::project::{BytecodeMode, DebSettings, Metadata, PythonSettings, RpmSettings, Source};
use omnipack::resolve::{Lock, Wheel, WheelRole};
use omnipack::stage::{Content, EntryKind, Stage, TargetPath, write_out};
use sha2::{Digest, Sha256};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

pub fn version(text: &str) -> ToolVersion {
    ToolVersion::try_from(text.to_owned()).unwrap()
}

fn distribution() -> Distribution {
    Distribution {
        name: "test-1".into(),
        title: "Test 1".into(),
        family: "test".into(),
        format: PackageFormat::Rpm,
        format_version: version("4.18"),
        glibc: version("2.36"),
        init: InitSystem::Systemd,
        systemd: None,
        compression: Algorithm::Zstd,
        pythons: Vec::new(),
        architectures: BTreeMap::new(),
        cpu_baseline: BTreeMap::new(),
        dist_tag: String::new(),
        end_of_life: "2030-01-01".into(),
        image: None,
        nologin: "/sbin/nologin".into(),
        logrotate_package: "logrotate".into(),
        cron_package: String::new(),
        bundled_provides: false,
        spec_dialect: SpecDialect::Plain,
        python_dist: None,
        zstd: None,
        libraries: None,
        sources: BTreeMap::new(),
    }
}

pub fn package(name: &str) -> PackagePlan {
    PackagePlan {
        name: name.into(),
        role: Role::Main,
        summary: String::new(),
        description: String::new(),
        relations: Vec::new(),
        links: Vec::new(),
        services: Vec::new(),
        users: Vec::new(),
        files: Vec::new(),
        directories: Vec::new(),
        logrotate: Vec::new(),
        scriptlets: BTreeMap::new(),
        triggers: Vec::new(),
        implicit: false,
    }
}

/// A plan for `prefix` on the Python `series` at `python`.
pub fn plan(prefix: &str, series: &str, python: &str) -> BuildPlan {
    BuildPlan {
        distribution: distribution(),
        platform: Platform {
            machine: "x86_64".into(),
            architecture: "x86_64".into(),
            glibc: version("2.36"),
            baseline: None,
        },
        source: Source::Requirement("app".into()),
        metadata: Metadata {
            name: "app".into(),
            version: "1.0".into(),
            summary: String::new(),
            description: String::new(),
            license: String::new(),
            url: String::new(),
            author: String::new(),
            requires_python: String::new(),
            requires_dist: Vec::new(),
            extras: Vec::new(),
            console_scripts: Vec::new(),
        },
        version: "1.0".into(),
        evr: Evr { epoch: 0, version: "1.0".into(), release: "1".into() },
        prefix: prefix.into(),
        interpreter: Interpreter {
            version: version(series),
            path: python.into(),
            kind: InterpreterKind::System { requirement: "python".into() },
        },
        python: PythonSettings { bytecode: BytecodeMode::Build, ..PythonSettings::default() },
        bytecode: BytecodeMode::Build,
        compression: Compression { algorithm: Algorithm::Zstd, level: 3 },
        license: String::new(),
        url: String::new(),
        vendor: String::new(),
        maintainer: String::new(),
        maintainer_is_given: true,
        builder: omnipack::plan::Builder::Omnipack,
        group: String::new(),
        section: String::new(),
        priority: String::new(),
        licenses: Vec::new(),
        changelog: None,
        source_date: 0,
        rpm: RpmSettings::default(),
        deb: DebSettings::default(),
        library_map: BTreeMap::new(),
        left_out: Vec::new(),
        notes: Vec::new(),
        target: false,
        packages: vec![package("app")],
    }
}

pub fn opt_plan() -> BuildPlan {
    plan("/opt/app", "3.11", "/usr/bin/python3.11")
}

/// A wheel on disk as the lock would name it.
pub fn locked(path: &Path, role: WheelRole) -> Wheel {
    let file_name = path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut parts = file_name.split('-');
    let name = parts.next().unwrap().to_lowercase().replace(['_', '.'], "-");
    Wheel {
        name,
        version: parts.next().unwrap().to_owned(),
        path: path.to_path_buf(),
        sha256: String::new(),
        direct_url: None,
        role,
        file_name,
    }
}

pub fn lock(wheels: Vec<Wheel>) -> Lock {
    Lock { wheels, pylock: String::new() }
}

/// A wheel made by hand: sound until told otherwise.
pub struct Builder {
    pub name: &'static str,
    pub version: &'static str,
    pub members: Vec<(String, Vec<u8>, u32)>,
    pub wheel: Option<String>,
    pub metadata: Option<String>,
    pub record: bool,
}

impl Builder {
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            version: "1.0",
            members: Vec::new(),
            wheel: Some("Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n".into()),
            metadata: Some(format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nLicense: MIT\n")),
            record: true,
        }
    }

    pub fn file(self, name: &str, text: &str) -> Self {
        self.member(name, text, 0o100_644)
    }

    /// `mode` with the file type, as Unix has it.
    pub fn member(mut self, name: &str, text: &str, mode: u32) -> Self {
        self.members.push((name.to_owned(), text.as_bytes().to_vec(), mode));
        self
    }

    pub fn file_name(&self) -> String {
        format!("{}-{}-py3-none-any.whl", self.name, self.version)
    }

    pub fn bytes(&self) -> Vec<u8> {
        let info = format!("{}-{}.dist-info", self.name, self.version);
        let mut members = self.members.clone();
        members.extend(self.wheel.iter().map(|text| (format!("{info}/WHEEL"), text.clone().into_bytes(), 0o100_644)));
        members.extend(
            self.metadata.iter().map(|text| (format!("{info}/METADATA"), text.clone().into_bytes(), 0o100_644)),
        );
        if self.record {
            let digest = |bytes: &[u8]| {
                use base64::Engine;
                base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(Sha256::digest(bytes))
            };
            let lines =
                members.iter().map(|(name, bytes, _)| format!("\"{name}\",sha256={},{}\n", digest(bytes), bytes.len()));
            let text = lines.collect::<String>() + &format!("{info}/RECORD,,\n");
            members.push((format!("{info}/RECORD"), text.into_bytes(), 0o100_644));
        }
        let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, bytes, mode) in members {
            if mode & 0o170_000 == 0o120_000 {
                zip.add_symlink(name, String::from_utf8(bytes).unwrap(), SimpleFileOptions::default()).unwrap();
                continue;
            }
            zip.start_file(name, SimpleFileOptions::default().unix_permissions(mode)).unwrap();
            zip.write_all(&bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    pub fn write(&self, directory: &Path) -> PathBuf {
        let path = directory.join(self.file_name());
        fs_err::write(&path, self.bytes()).unwrap();
        path
    }
}

pub fn at(path: &str) -> TargetPath {
    TargetPath::new(path).unwrap()
}

/// The text of the file at `path`.
pub fn text(stage: &Stage, path: &str) -> String {
    let entry = stage.get(&at(path)).unwrap_or_else(|| panic!("no {path} in {:#?}", paths(stage)));
    match &entry.kind {
        EntryKind::File(content) => String::from_utf8(read(content)).unwrap(),
        other => panic!("{path} is {other:?}"),
    }
}

pub fn read(content: &Content) -> Vec<u8> {
    content.read().unwrap()
}

pub fn paths(stage: &Stage) -> Vec<&str> {
    stage.entries.iter().map(|entry| entry.path.as_str()).collect()
}

/// Writes a tree whose prefix lies in `dir` to just there.
pub fn put_in_place(stage: &Stage, dir: &Path) {
    let out = dir.join("out");
    write_out(stage, &out).unwrap();
    let prefix = Path::new(stage.prefix.as_str());
    fs_err::create_dir_all(prefix.parent().unwrap()).unwrap();
    fs_err::rename(out.join(prefix.strip_prefix("/").unwrap()), prefix).unwrap();
    fs_err::remove_dir_all(out).unwrap();
}

/// A CPython by its series, on PATH or in a Python version manager's directory.
pub fn find_python(series: &str) -> Option<PathBuf> {
    let name = format!("python{series}");
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let installed = fs_err::read_dir(home.join(".pyenv/versions")).into_iter().flatten().filter_map(Result::ok);
    let mut candidates = installed.map(|entry| entry.path().join("bin").join(&name)).collect::<Vec<_>>();
    candidates.sort();
    candidates.extend(which::which(&name));
    candidates.into_iter().find(|path| path.is_file())
}

pub fn python(series: &str) -> PathBuf {
    find_python(series).unwrap_or_else(|| panic!("python{series} is not installed"))
}
