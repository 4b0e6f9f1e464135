//! What a target can do, derived from its facts: the questions that the other floors ask.

use std::collections::BTreeSet;

use super::{Algorithm, Distribution, Isa, PackageFormat, Python, ToolVersion};

impl ToolVersion {
    #[must_use]
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// `3.6`, whatever the patch.
    #[must_use]
    pub fn series(self) -> String {
        format!("{}.{}", self.major, self.minor)
    }
}

impl Algorithm {
    /// As written in the configuration: `gzip`, `xz`, `zstd`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
        }
    }

    /// Lowest and highest compression level.
    #[must_use]
    pub const fn levels(self) -> (i32, i32) {
        match self {
            Self::Gzip => (1, 9),
            Self::Xz => (0, 9),
            Self::Zstd => (1, 22),
        }
    }
}

impl PackageFormat {
    /// The extension of its files: `rpm`, `deb`.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Rpm => "rpm",
            Self::Deb => "deb",
        }
    }

    /// The program that reads it: `rpm`, `dpkg`.
    #[must_use]
    pub const fn tool(self) -> &'static str {
        match self {
            Self::Rpm => "rpm",
            Self::Deb => "dpkg",
        }
    }

    /// The word for "any architecture": `noarch`, `all`.
    #[must_use]
    pub const fn independent(self) -> &'static str {
        match self {
            Self::Rpm => "noarch",
            Self::Deb => "all",
        }
    }
}

impl Distribution {
    /// Is this a target whose rpm is at least `major.minor`?
    fn rpm_since(&self, major: u32, minor: u32) -> bool {
        self.format == PackageFormat::Rpm && self.format_version >= ToolVersion::new(major, minor, 0)
    }

    /// Boolean dependencies, `(a or b)`: rpm 4.13. A .deb has alternatives (`a | b`) instead.
    #[must_use]
    pub fn rich_dependencies(&self) -> bool {
        self.rpm_since(4, 13)
    }

    /// Two bounds on one package, `(a >= 1 with a < 2)`: rpm 4.14.
    #[must_use]
    pub fn range_dependencies(&self) -> bool {
        self.rpm_since(4, 14)
    }

    /// `Recommends`, `Suggests`, `Supplements`, `Enhances`: rpm 4.12; any dpkg (which has no `Supplements`).
    #[must_use]
    pub fn weak_dependencies(&self) -> bool {
        self.format == PackageFormat::Deb || self.rpm_since(4, 12)
    }

    /// `~` in a version sorts before the end: rpm 4.10, any dpkg.
    #[must_use]
    pub fn tilde(&self) -> bool {
        self.format == PackageFormat::Deb || self.rpm_since(4, 10)
    }

    /// `^` in a version sorts after the end: rpm 4.15.
    #[must_use]
    pub fn caret(&self) -> bool {
        self.rpm_since(4, 15)
    }

    /// `%filetriggerin` and its kin: rpm 4.13.
    #[must_use]
    pub fn file_triggers(&self) -> bool {
        self.rpm_since(4, 13)
    }

    /// SHA-256 digests of header and payload in the header: rpm 4.14.
    #[must_use]
    pub fn payload_digest(&self) -> bool {
        self.rpm_since(4, 14)
    }

    /// Payloads with files over 4 GiB (`rpmlib(LargeFiles)`): rpm 4.12; the tar of a .deb has no such limit.
    #[must_use]
    pub fn large_files(&self) -> bool {
        self.format == PackageFormat::Deb || self.rpm_since(4, 12)
    }

    /// Does the package manager read payloads compressed with `algorithm`? xz: rpm 4.7, dpkg 1.15.6. zstd: dpkg
    /// 1.21.18, and rpm 4.14 where it was built with it (EL 8 has it since 8.2 only); the facts have the last word.
    #[must_use]
    pub fn reads(&self, algorithm: Algorithm) -> bool {
        match (algorithm, self.format) {
            (Algorithm::Gzip, _) => true,
            (Algorithm::Xz, PackageFormat::Rpm) => self.rpm_since(4, 7),
            (Algorithm::Xz, PackageFormat::Deb) => self.format_version >= ToolVersion::new(1, 15, 6),
            (Algorithm::Zstd, PackageFormat::Rpm) => self.zstd.unwrap_or_else(|| self.rpm_since(4, 14)),
            (Algorithm::Zstd, PackageFormat::Deb) => {
                self.zstd.unwrap_or(self.format_version >= ToolVersion::new(1, 21, 18))
            }
        }
    }

    /// The Python of that series (`3.11`; a patch number is not looked at).
    #[must_use]
    pub fn python(&self, series: ToolVersion) -> Option<&Python> {
        self.pythons.iter().find(|python| (python.version.major, python.version.minor) == (series.major, series.minor))
    }

    /// The package manager's word for a machine (`uname -m`).
    #[must_use]
    pub fn architecture(&self, machine: &str) -> Option<&str> {
        self.architectures.get(machine).map(String::as_str)
    }

    /// The instruction set that every machine of this kind has which the release runs on; `None` where none is known.
    #[must_use]
    pub fn baseline(&self, machine: &str) -> Option<Isa> {
        self.cpu_baseline.get(machine).copied().or_else(|| Isa::least(machine))
    }
}

/// The machine that is meant by a word that is none: by a package manager's own (`arm64`), or by one that is mistyped.
pub fn near_machine<'d>(word: &str, known: impl Iterator<Item = &'d Distribution>) -> Option<&'d str> {
    let word = word.to_lowercase();
    let machines = known.flat_map(|distribution| &distribution.architectures).collect::<BTreeSet<_>>();
    let other_name = machines.iter().find(|(_, architecture)| **architecture == word).map(|(machine, _)| machine);
    let likeness = |machine: &str| strsim::damerau_levenshtein(&word, machine);
    let nearest = || machines.iter().map(|(machine, _)| machine).min_by_key(|machine| likeness(machine));
    let near = other_name.or_else(|| nearest().filter(|machine| likeness(machine) <= machine.len().div_ceil(3)));
    near.map(|machine| machine.as_str())
}
