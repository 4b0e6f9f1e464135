//! What the command-line tests share: handmade wheels, and the command itself.
#![allow(dead_code, reason = "each test program uses its part")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;

/// A wheel to be made by hand, sound or not.
pub struct WheelMaker {
    name: String,
    version: String,
    requires: Vec<String>,
    scripts: Vec<String>,
    tag: String,
    files: Vec<(String, Vec<u8>)>,
}

impl WheelMaker {
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            requires: Vec::new(),
            scripts: Vec::new(),
            tag: "py3-none-any".to_owned(),
            files: Vec::new(),
        }
    }

    pub fn file(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.files.push((path.to_owned(), content.as_ref().to_vec()));
        self
    }

    pub fn tag(mut self, tag: &str) -> Self {
        tag.clone_into(&mut self.tag);
        self
    }

    pub fn requires(mut self, requirement: &str) -> Self {
        self.requires.push(requirement.to_owned());
        self
    }

    /// `cmd = module:function`
    pub fn console_script(mut self, line: &str) -> Self {
        self.scripts.push(line.to_owned());
        self
    }

    /// Writes it into `directory` and gives its path.
    pub fn write(&self, directory: &Path) -> PathBuf {
        let info = format!("{}-{}.dist-info", self.name, self.version);
        let mut metadata = format!(
            "Metadata-Version: 2.1\nName: {}\nVersion: {}\nSummary: {} for a test\nLicense: MIT\n",
            self.name, self.version, self.name
        );
        for requirement in &self.requires {
            writeln!(metadata, "Requires-Dist: {requirement}").unwrap();
        }
        let mut members = self.files.clone();
        members.push((format!("{info}/METADATA"), metadata.into_bytes()));
        let wheel = format!("Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {}\n", self.tag);
        members.push((format!("{info}/WHEEL"), wheel.into_bytes()));
        if !self.scripts.is_empty() {
            let text = format!("[console_scripts]\n{}\n", self.scripts.join("\n"));
            members.push((format!("{info}/entry_points.txt"), text.into_bytes()));
        }
        let mut record = String::new();
        for (path, content) in &members {
            let digest = base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, Sha256::digest(content));
            writeln!(record, "{path},sha256={digest},{}", content.len()).unwrap();
        }
        writeln!(record, "{info}/RECORD,,").unwrap();
        members.push((format!("{info}/RECORD"), record.into_bytes()));
        let path = directory.join(format!("{}-{}-{}.whl", self.name, self.version, self.tag));
        let mut zip = zip::ZipWriter::new(fs_err::File::create(&path).unwrap());
        for (name, content) in members {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(&content).unwrap();
        }
        zip.finish().unwrap();
        path
    }
}

/// An application with one command, as a wheel in a directory of its own that serves as `--wheels`.
pub fn demo(directory: &Path) -> PathBuf {
    WheelMaker::new("demo", "1.0")
        .file("demo.py", "def main():\n    print('demo')\n")
        .console_script("demo = demo:main")
        .write(directory)
}

/// The omnipack that was built, with a cache of its own and none of the caller's settings.
pub fn omnipack(cache: &Path) -> Command {
    let mut command = Command::cargo_bin("omnipack").unwrap();
    command.env("OMNIPACK_CACHE", cache).env("NO_COLOR", "1").env("COLUMNS", "100");
    command.env_remove("SOURCE_DATE_EPOCH");
    command
}

/// Names of everything in a directory, sorted.
pub fn listing(directory: &Path) -> Vec<String> {
    let mut names = fs_err::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect::<Vec<_>>();
    names.sort();
    names
}
