//! Root file systems: Debian's and Ubuntu's, made once per base and ISO week by debootstrap, with the package managers,
//! service manager and Redis of the suite; and over them a layer with the target's own Python. A test gets an overlay of
//! its own.

use std::fs::File;
use std::path::{Path, PathBuf};

use omnipack::exec::Command;
use omnipack::smoke::Overlay;

use crate::bases::Base;
use crate::support::{expect_success, run};

/// A file system that only one test writes to. Unmounted and removed when dropped.
#[derive(Debug)]
pub struct Root {
    overlay: Overlay,
    /// Of what it is made, which is the same for every test: `bookworm-2026-W47+python-3.9.18`.
    made_of: String,
}

impl Root {
    /// An overlay over one of the [bases](Base), with `/usr/bin/python<series>`.
    pub fn new(suite: &str, python: &str) -> Self {
        let base = base(suite);
        let mut layers = vec![base.clone()];
        if !base.join("usr/bin").join(format!("python{python}")).exists() {
            layers.insert(0, python_layer(python));
        }
        let running = cache().join("running");
        remove_leftovers(&running);
        fs_err::create_dir_all(&running).unwrap();
        let overlay = Overlay::over(&layers, &running, &format!("{}-", std::process::id()));
        let names = layers.iter().rev().filter_map(|layer| layer.file_name()?.to_str());
        let made_of = names.collect::<Vec<_>>().join("+");
        Self { overlay: overlay.unwrap_or_else(|error| panic!("{error}")), made_of }
    }

    /// What a root of this kind prints when it is asked `line` by a shell and nothing was changed in it; asked once.
    pub fn remembered(&self, what: &str, line: &str) -> String {
        let answer = cached(&format!("{}+{what}", self.made_of), |directory| {
            fs_err::create_dir_all(directory).unwrap();
            fs_err::write(directory.join("answer"), self.chroot("sh", &["-ec", line])).unwrap();
        });
        fs_err::read_to_string(answer.join("answer")).unwrap()
    }

    /// Lays what `make` puts into a directory over this root. It is made once for roots of this kind, with the name.
    pub fn lay_over(&self, name: &str, make: impl FnOnce(&Path)) {
        let layer = cached(&format!("{}+{name}", self.made_of), |directory| {
            fs_err::create_dir_all(directory).unwrap();
            make(directory);
        });
        expect_success(&Command::new("cp").arg("-a").arg(layer.join(".")).arg(self.path()));
    }

    /// Runs a program inside, with no service running.
    pub fn chroot(&self, program: &str, args: &[&str]) -> String {
        expect_success(&self.overlay.chroot(program, args))
    }

    /// What the engine boots.
    pub fn into_overlay(self) -> Overlay {
        self.overlay
    }
}

impl std::ops::Deref for Root {
    type Target = Overlay;

    fn deref(&self) -> &Overlay {
        &self.overlay
    }
}

/// `$XDG_CACHE_HOME/omnipack-tests/roots`
fn cache() -> PathBuf {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .expect("HOME or XDG_CACHE_HOME");
    let directory = base.join("omnipack-tests/roots");
    fs_err::create_dir_all(&directory).unwrap();
    directory
}

/// Makes `<cache>/<name>` with `make`, once; others wait. What is there is whole: it was made beside and renamed.
pub fn cached(name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let path = cache().join(name);
    let lock: File = fs_err::File::create(cache().join(format!("{name}.lock"))).unwrap().into_parts().0;
    lock.lock().unwrap();
    if !path.exists() {
        let partial = cache().join(format!("{name}.partial"));
        remove(&partial);
        make(&partial);
        fs_err::rename(&partial, &path).unwrap();
    }
    path
}

pub fn base(suite: &str) -> PathBuf {
    let week = run("date", &["+%G-W%V"]);
    cached(&format!("{suite}-{}", week.trim()), |directory| {
        remove_other_weeks(suite, directory);
        Base::named(suite).make(directory);
    })
}

/// Runs debootstrap, and makes what it leaves in `directory` fit for tests.
pub fn debootstrap(command: &Command, directory: &Path) {
    expect_success(command);
    // Debian's rpm looks for its database in the home directory.
    fs_err::create_dir_all(directory.join("etc/rpm")).unwrap();
    fs_err::write(directory.join("etc/rpm/macros"), "%_dbpath /var/lib/rpm\n").unwrap();
    fs_err::remove_dir_all(directory.join("var/cache/apt/archives")).unwrap();
    // Jobs that a machine does in its own time would change what a test looks at.
    for unit in
        ["apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "logrotate.timer", "dnf-makecache.timer"]
    {
        let link = directory.join("etc/systemd/system").join(unit);
        if !link.exists() {
            fs_err::os::unix::fs::symlink("/dev/null", link).unwrap();
        }
    }
}

/// `/usr/bin/python<series>` with its standard library, as the distribution's own package would place it.
fn python_layer(series: &str) -> PathBuf {
    let prefix = interpreter_prefix(series);
    let release = prefix.file_name().unwrap().to_string_lossy().into_owned();
    cached(&format!("python-{release}"), |layer| {
        let libraries = layer.join("usr/lib/x86_64-linux-gnu");
        let programs = layer.join("usr/bin");
        fs_err::create_dir_all(&libraries).unwrap();
        fs_err::create_dir_all(&programs).unwrap();
        let standard = format!("lib/python{series}");
        // Modification times must stay: they are what the interpreter compares its bytecode with.
        let copy = |source: PathBuf, destination: &Path| {
            expect_success(&Command::new("cp").arg("-a").arg(source).arg(destination));
        };
        copy(prefix.join("bin").join(format!("python{series}")), &programs);
        copy(prefix.join(&standard), &layer.join("usr/lib"));
        for entry in fs_err::read_dir(prefix.join("lib")).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name().to_string_lossy().starts_with(&format!("libpython{series}")) {
                copy(entry.path(), &libraries);
            }
        }
        for unwanted in ["site-packages", "test"] {
            fs_err::remove_dir_all(layer.join("usr").join(&standard).join(unwanted)).unwrap();
        }
        fs_err::create_dir(layer.join("usr").join(&standard).join("site-packages")).unwrap();
    })
}

/// Newest release of the series among pyenv's.
pub fn interpreter_prefix(series: &str) -> PathBuf {
    let versions = std::env::var_os("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".pyenv")))
        .expect("PYENV_ROOT or HOME")
        .join("versions");
    let start = format!("{series}.");
    let release = |path: &PathBuf| -> Option<u32> { path.file_name()?.to_str()?.strip_prefix(&start)?.parse().ok() };
    fs_err::read_dir(&versions)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| release(path).is_some())
        .max_by_key(release)
        .unwrap_or_else(|| panic!("no Python {series} in {}", versions.display()))
}

/// Roots of other weeks are of no more use; one that a test still stands on stays.
fn remove_other_weeks(suite: &str, current: &Path) {
    for entry in fs_err::read_dir(cache()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let other_week = name.starts_with(&format!("{suite}-2")) && path.is_dir() && path != current;
        let mounts = fs_err::read_to_string("/proc/self/mounts").unwrap();
        if other_week && !mounts.contains(&path.display().to_string()) {
            remove(&path);
        }
    }
}

/// A test that was killed could not tidy up: what belongs to no living process goes.
fn remove_leftovers(running: &Path) {
    let Ok(entries) = fs_err::read_dir(running) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let owner = name.split('-').next().unwrap_or_default();
        if !Path::new("/proc").join(owner).exists() {
            remove(&path);
        }
    }
}

/// Unmounts what is mounted at `root` inside and removes the tree; as good as it goes.
fn remove(directory: &Path) {
    let mounted = directory.join("root");
    if mounted.exists() {
        let _ = Command::new("umount").args(["--recursive", "--lazy"]).arg(&mounted).run();
    }
    // Never descend into something that is still mounted.
    let _ = Command::new("rm").args(["-rf", "--one-file-system"]).arg(directory).run();
}
