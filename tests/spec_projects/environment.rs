//! What a target has for projects to be built and to run with: a Python, what is installed for it, and packages that say so.

use std::path::{Path, PathBuf};

use omnipack::exec::Command;

use crate::root::{self, Root, interpreter_prefix};
use crate::support::{expect_success, repository, short_digest};
use crate::table::{Project, Target};
use crate::{rpm, target};

/// rpm's own, which says what a distribution of Python provides and requires.
const GENERATOR: &str = "/usr/lib/rpm/pythondistdeps.py";
/// What every target offers to packages, beside what its files say of themselves.
const ALWAYS: [&str; 3] = ["rtld(GNU_HASH)", "shadow-utils", "systemd"];

pub fn directory() -> PathBuf {
    repository().join("tests/spec_projects")
}

/// The Python of a target with all that its list names.
#[derive(Debug)]
pub struct Environment {
    pub target: Target,
    home: PathBuf,
}

impl Environment {
    pub fn new(target: &Target) -> Self {
        let lock = directory().join(&target.lock);
        let text = fs_err::read_to_string(&lock).unwrap();
        let home = root::cached(&format!("projects-{}-{}", target.python, short_digest(&text)), |home| {
            let interpreter = interpreter_prefix(&target.python).join("bin").join(format!("python{}", target.python));
            expect_success(&Command::new(interpreter).args(["-m", "venv"]).arg(home));
            let python = home.join("bin/python");
            // The lists have pip too; the one that comes with Python 3.6 knows fewer wheels.
            let pip = text.lines().find(|line| line.starts_with("pip==")).expect("the list has pip");
            let file = home.join("pip.txt");
            fs_err::write(&file, pip).unwrap();
            expect_success(&install(&python, &file));
            expect_success(&install(&python, &lock));
        });
        Self { target: target.clone(), home }
    }

    pub fn python(&self) -> PathBuf {
        self.home.join("bin/python")
    }

    pub fn site(&self) -> PathBuf {
        self.home.join(format!("lib/python{}/site-packages", self.target.python))
    }

    /// What packages of everything that is installed here would provide.
    pub fn provides(&self) -> Vec<String> {
        self.provided_by(&self.site())
    }

    /// What packages of everything in `site` would provide: what rpm's generator finds, or their names.
    fn provided_by(&self, site: &Path) -> Vec<String> {
        let entries = fs_err::read_dir(site).unwrap().map(|entry| entry.unwrap().path());
        let found = entries.filter(|path| path.extension().is_some_and(|extension| extension == "dist-info"));
        let found = found.collect::<Vec<_>>();
        if self.target.names.is_empty() {
            let options = ["--provides", "--majorver-provides", "--normalized-names-format", "pep503"];
            let said = expect_success(&Command::new(GENERATOR).args(options).args(&found));
            let extras = found.iter().flat_map(|info| self.extras(info));
            return said.lines().map(str::to_owned).chain(extras).collect();
        }
        found.iter().map(|path| self.package(path)).collect()
    }

    /// What Fedora's subpackages for extras provide: `python3.13dist(requests[socks]) = 2.34.2`.
    fn extras(&self, info: &Path) -> Vec<String> {
        let metadata = fs_err::read_to_string(info.join("METADATA")).unwrap();
        let field = |name: &str| {
            let lines = metadata.lines().take_while(|line| !line.is_empty());
            let values = lines.filter_map(move |line| line.strip_prefix(name)).map(|text| text.trim().to_lowercase());
            values.collect::<Vec<_>>()
        };
        let name = field("Name:").remove(0).replace(['_', '.'], "-");
        let version = field("Version:").remove(0);
        let extras = field("Provides-Extra:").into_iter();
        extras.map(|extra| format!("python{}dist({name}[{extra}]) = {version}", self.target.python)).collect()
    }

    /// `python3-Flask = 2.0.3` for `Flask-2.0.3.dist-info`.
    fn package(&self, info: &Path) -> String {
        let stem = info.file_stem().unwrap().to_string_lossy().into_owned();
        let (name, version) = stem.split_once('-').expect("a name and a version");
        let name = name.to_lowercase().replace(['_', '.'], "-");
        let package = self.target.names.get(&name).cloned();
        let package = package.unwrap_or_else(|| self.target.names["*"].replace("%s", &name));
        format!("{package} = {version}")
    }

    /// A root of the target with all that `installed` requires and nothing of it, whose rpm looks at every dependency.
    pub fn root(&self, distribution: &str, installed: &[Project]) -> Root {
        let root = Root::new("bookworm", &self.target.python);
        let lock = fs_err::read_to_string(directory().join(&self.target.lock)).unwrap();
        let own = |line: &&str| {
            let name = line.split("==").next().unwrap_or_default();
            !installed.iter().any(|project| project.name == name) && !self.target.tools.iter().any(|tool| tool == name)
        };
        let wanted = lock.lines().filter(own).collect::<Vec<_>>().join("\n");
        root.lay_over(&format!("projects-{}", short_digest(&wanted)), |layer| {
            let file = root.scratch().join("wanted.txt");
            fs_err::write(&file, &wanted).unwrap();
            let install = install(&self.python(), &file).args(["--ignore-installed", "--prefix", "/usr", "--root"]);
            expect_success(&install.arg(layer));
            // Those programs start the Python of the tests.
            fs_err::remove_dir_all(layer.join("usr/bin")).unwrap();
        });
        let site = root.inside(&format!("/usr/lib/python{}/site-packages", self.target.python));
        let series = &self.target.python;
        let mut provides = self.provided_by(&site);
        provides.extend([format!("python(abi) = {series}"), format!("python3 = {series}.0")]);
        provides.extend(ALWAYS.map(str::to_owned));
        provides.extend(self.target.building.iter().cloned());
        let offered = target::Target {
            suite: "bookworm".to_owned(),
            python: series.clone(),
            glibc: "2.36".to_owned(),
            provides,
            distribution: distribution.to_owned(),
            facts: String::new(),
        };
        rpm::seed(&root, &offered);
        root
    }

    /// A database of rpm in `directory`, in which all that building may require is installed.
    pub fn database(&self, directory: &Path) -> PathBuf {
        let mut provides = self.provides();
        provides.extend(self.target.building.iter().cloned());
        let lines: Vec<String> = provides.iter().map(|provide| format!("Provides: {provide}\n")).collect();
        let spec = format!(
            "Name: building-stub\nVersion: 1\nRelease: 1\nSummary: What building needs\nLicense: none\nBuildArch: noarch\n\
             AutoReqProv: no\n{}%description\nWhat building needs.\n%files\n",
            lines.concat()
        );
        let package = rpm::rpmbuild(&spec, &directory.join("stub"));
        let database = directory.join("db");
        let rpm = Command::new("rpm").arg("--dbpath").arg(&database);
        expect_success(&rpm.args(["--install", "--force-debian"]).arg(package));
        database
    }
}

fn install(python: &Path, list: &Path) -> Command {
    let options =
        ["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "--no-compile"];
    let command = Command::new(python).args(["-m", "pip"]).args(options).arg("--no-warn-script-location");
    command.arg("--requirement").arg(list)
}
