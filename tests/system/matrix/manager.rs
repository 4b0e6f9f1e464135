//! Package managers, as an operator types them.

use super::case::Case;
use crate::support::name_of;
use std::path::PathBuf;

/// Which one is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manager {
    Rpm,
    Dnf,
}

/// What is to be done with package files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Install,
    Upgrade,
    Downgrade,
    Reinstall,
}

impl Manager {
    /// The words of a command line that does `verb` with package files.
    fn words(self, verb: Verb) -> &'static [&'static str] {
        match (self, verb) {
            (Self::Rpm, Verb::Install | Verb::Upgrade) => &["rpm", "-U"],
            (Self::Rpm, Verb::Downgrade) => &["rpm", "-U", "--oldpackage"],
            (Self::Rpm, Verb::Reinstall) => &["rpm", "-U", "--replacepkgs"],
            (Self::Dnf, Verb::Install | Verb::Upgrade) => &["dnf", "-y", "--releasever=1", "install"],
            (Self::Dnf, Verb::Downgrade) => &["dnf", "-y", "--releasever=1", "downgrade"],
            (Self::Dnf, Verb::Reinstall) => &["dnf", "-y", "--releasever=1", "reinstall"],
        }
    }

    /// The command line, with the package files copied to where the machine sees them.
    pub fn command(self, case: &Case, verb: Verb, packages: &[PathBuf]) -> Vec<String> {
        let directory = case.root().inside("/packages");
        fs_err::create_dir_all(&directory).unwrap();
        let mut words: Vec<String> = self.words(verb).iter().map(|&word| word.to_owned()).collect();
        words.extend(self.options(case));
        for package in packages {
            fs_err::copy(package, directory.join(name_of(package))).unwrap();
            words.push(format!("/packages/{}", name_of(package)));
        }
        words
    }

    fn options(self, case: &Case) -> impl Iterator<Item = String> {
        let options = if self == Self::Rpm { case.target.rpm_options } else { &[] };
        options.iter().map(|&option| option.to_owned())
    }

    /// The command line that removes packages.
    pub fn removal(self, case: &Case, names: &[&str]) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Rpm => &["rpm", "-e"],
            Self::Dnf => &["dnf", "-y", "--releasever=1", "--noautoremove", "remove"],
        };
        let mut words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        words.extend(self.options(case));
        words.extend(names.iter().map(|&name| name.to_owned()));
        words
    }
}
