//! The packages under test: a small application with services that tell of each start, as the real `omnipack` packs it.

use std::path::{Path, PathBuf};

use super::broken::Breakage;
use super::built;
use crate::handmade::WheelMaker;
use crate::root::interpreter_prefix;
use crate::support::{expect_success, name_of, omnipack, packages_in, repository};
use crate::target::Target as Offer;

/// Three services: `web` is enabled and started, `worker` too but not restarted by an upgrade, `spare` is neither.
const CONFIG: &str = r#"
[package]
name = "demo"
prefix = "/opt/demo"

[[user]]
name = "demo"
groups = ["adm"]

[[directory]]
path = "/var/lib/demo"
mode = "0750"
owner = "demo"
group = "demo"
package = "main"

[[directory]]
path = "/var/log/demo"
mode = "0755"
owner = "demo"
group = "adm"
package = "main"

[[directory]]
path = "/run/demo"
mode = "0710"
owner = "demo"
group = "demo"
ghost = true
package = "node"

[[file]]
source = "demo.conf"
destination = "/etc/demo/demo.conf"
mode = "0640"
group = "demo"

[[meta-package]]
name = "cli"
scripts = ["demo"]

[[meta-package]]
name = "node"

[[service]]
name = "web"
command = "demo-daemon web"
user = "demo"
enable = "yes"
start = true
package = "node"

[[service]]
name = "worker"
command = "demo-daemon worker"
user = "demo"
enable = "yes"
start = true
restart-on-upgrade = false
package = "node"

[[service]]
name = "spare"
command = "demo-daemon spare"
user = "demo"
enable = "no"
start = false
package = "node"
"#;

/// One more service, enabled and started.
pub fn service(name: &str) -> String {
    format!(
        "\n[[service]]\nname = \"{name}\"\ncommand = \"demo-daemon {name}\"\nuser = \"demo\"\nenable = \"yes\"\n\
         start = true\npackage = \"node\"\n"
    )
}

/// Writes a line for each start: which service, which version, the files of a version beside it; and who may do what
/// with what it needs; and a line for each end. A line is one write, so that services that start together do not mix.
const PROGRAM: &str = r#"
import os, grp, pwd, signal, sys

VERSION = "@VERSION@"

def access(path):
    facts = os.stat(path)
    owner = pwd.getpwuid(facts.st_uid).pw_name + ":" + grp.getgrgid(facts.st_gid).gr_name
    return "%s:%04o" % (owner, facts.st_mode & 0o7777)

def write(path, line):
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(log, (line + "\n").encode())
    os.close(log)

def main():
    print("demo %s by Python %d.%d" % ((VERSION,) + sys.version_info[:2]))

def daemon():
    here = os.path.dirname(os.path.abspath(__file__))
    beside = "+".join(sorted(name for name in os.listdir(here) if name.startswith("only-")))
    needs = ("/etc/demo/demo.conf", "/var/lib/demo", "/var/log/demo", "/run/demo")
    found = " ".join(access(path) for path in needs if os.path.exists(path))
    write("/var/lib/demo/found", found)
    write("/var/log/demo/log", "started")
    write("/var/lib/demo/starts", "%s %s beside %s" % (sys.argv[1], VERSION, beside))
    signal.signal(signal.SIGTERM, stop)
    while True:
        signal.pause()

def stop(number, frame):
    whole = os.path.exists(os.path.abspath(__file__)) and os.path.exists("/opt/demo/bin/demo-daemon")
    write("/var/lib/demo/stops", "%s %s stopped with%s its files" % (sys.argv[1], VERSION, "" if whole else "out"))
    os._exit(0)
"#;

/// One version of the application, to be changed by the words below until it is what a row needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct App {
    name: &'static str,
    version: &'static str,
    config: String,
    files: Vec<(String, String)>,
    /// Files of the project beside its configuration; a link's content is `-> ` and where it points.
    beside: Vec<(String, String)>,
}

impl App {
    pub fn new(version: &'static str) -> Self {
        let app = Self { name: "demo", version, config: CONFIG.to_owned(), files: Vec::new(), beside: Vec::new() };
        app.file("demo/__init__.py", &PROGRAM.replace("@VERSION@", version)).file(&format!("demo/only-{version}"), "")
    }

    /// Replaces a text of the configuration.
    ///
    /// # Panics
    /// When the text is not there: a row that changes nothing shows nothing.
    pub fn but(mut self, from: &str, to: &str) -> Self {
        assert!(self.config.contains(from), "the configuration has no `{from}`");
        self.config = self.config.replace(from, to);
        self
    }

    /// Adds to the configuration.
    pub fn with(mut self, config: &str) -> Self {
        self.config.push_str(config);
        self
    }

    /// Another application, the same but for its name.
    pub fn renamed(mut self, name: &'static str) -> Self {
        self.config = self.config.replace("demo", name);
        self.files =
            self.files.iter().map(|(path, text)| (path.replace("demo", name), text.replace("demo", name))).collect();
        self.name = name;
        self
    }

    /// The services, and what they need, are the main package's.
    pub fn services_in_main(self) -> Self {
        self.but("package = \"node\"", "package = \"main\"").but("name = \"node\"", "name = \"node\"\nscripts = []")
    }

    /// A service less.
    pub fn without_service(mut self, name: &str) -> Self {
        let start = self.config.find(&format!("[[service]]\nname = \"{name}\"")).expect("a service of that name");
        let length = self.config[start + 1..].find("\n\n").map_or(self.config.len() - start, |end| end + 3);
        self.config.replace_range(start..start + length, "");
        self
    }

    /// A file of the application, in its `site-packages`.
    pub fn file(mut self, path: &str, content: &str) -> Self {
        self.files.push((path.to_owned(), content.to_owned()));
        self
    }

    /// A file of the project, or with `-> there` a link.
    pub fn beside(mut self, path: &str, content: &str) -> Self {
        self.beside.push((path.to_owned(), content.to_owned()));
        self
    }

    /// Its packages; they are built once for all tests. If that is wanted they are broken, in copies below `scratch`.
    pub fn build(
        &self,
        offer: &Offer,
        pythons: [&str; 2],
        breakage: Option<&Breakage>,
        scratch: &Path,
    ) -> Vec<PathBuf> {
        let app = Self { config: format!("{}\n{}", self.config, offer.facts), ..self.clone() };
        let app = breakage.map_or_else(
            || app.clone(),
            |breakage| Self { config: breakage.configuration(&app.config), ..app.clone() },
        );
        let packages = packages_in(&built::once(&format!("{} {app:?}", offer.distribution), |work| {
            app.build_now(&offer.distribution, pythons, work);
        }));
        let Some(breakage) = breakage else { return packages };
        let copies = tempfile::tempdir_in(scratch).unwrap().keep();
        for package in &packages {
            fs_err::copy(package, copies.join(name_of(package))).unwrap();
        }
        let packages = packages_in(&copies);
        packages.iter().for_each(|package| breakage.package(package));
        packages
    }

    /// Builds its packages into `work/packages`.
    fn build_now(&self, distribution: &str, pythons: [&str; 2], work: &Path) {
        let (wheels, project) = (work.join("wheels"), work.join("project"));
        fs_err::create_dir_all(&wheels).unwrap();
        fs_err::create_dir_all(&project).unwrap();
        let wheel = self.wheel(&wheels);
        fs_err::write(project.join(format!("{}.conf", self.name)), format!("version = {}\n", self.version)).unwrap();
        for (path, content) in &self.beside {
            let path = project.join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            match content.strip_prefix("-> ") {
                Some(there) => fs_err::os::unix::fs::symlink(there, path).unwrap(),
                None => fs_err::write(path, content).unwrap(),
            }
        }
        fs_err::write(project.join("omnipack.toml"), &self.config).unwrap();
        // pyenv's own `python3.9` takes longer to find an interpreter than the whole build.
        let mut path = std::env::var("PATH").unwrap();
        for series in pythons {
            path = format!("{}:{path}", interpreter_prefix(series).join("bin").display());
        }
        expect_success(
            &omnipack()
                .env("PATH", path)
                .env("OMNIPACK_CACHE", repository().join("target/tmp/matrix-cache"))
                .args(["--distribution", distribution, "--wheels"])
                .arg(&wheels)
                .arg("--destination-path")
                .arg(work.join("packages"))
                .arg("--config")
                .arg(project.join("omnipack.toml"))
                .arg(wheel),
        );
    }

    fn wheel(&self, directory: &Path) -> PathBuf {
        let name = self.name;
        let mut wheel = WheelMaker::new(name, self.version)
            .console_script(&format!("{name} = {name}:main"))
            .console_script(&format!("{name}-daemon = {name}:daemon"));
        for (path, content) in &self.files {
            wheel = wheel.file(path, content);
        }
        wheel.write(directory)
    }
}
