//! Wheel file names and the tags a target takes, best first
//! (<https://packaging.python.org/specifications/platform-compatibility-tags/>), for a target that is not this machine.

use std::collections::HashMap;

use crate::distribution::ToolVersion;
use crate::plan::{Interpreter, Platform};

/// What a wheel's file name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WheelName {
    /// Normalised (PEP 503).
    pub name: String,
    pub version: String,
    /// Build number and the rest of the build tag; empty sorts first.
    pub build: (u64, String),
    pub python: Vec<String>,
    pub abi: Vec<String>,
    pub platform: Vec<String>,
}

/// Normalises a project name as PEP 503 says: lower case, runs of `-`, `_`, `.` become one `-`.
#[must_use]
pub fn normalize(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    let mut gap = false;
    for c in name.chars() {
        if matches!(c, '-' | '_' | '.') {
            gap = true;
            continue;
        }
        if gap && !normal.is_empty() {
            normal.push('-');
        }
        gap = false;
        normal.extend(c.to_lowercase());
    }
    normal
}

impl WheelName {
    /// # Errors
    /// Says which part of `file_name` is not as the wheel specification wants it.
    pub fn parse(file_name: &str) -> Result<Self, String> {
        let stem = file_name.strip_suffix(".whl").ok_or_else(|| "the name does not end in `.whl`".to_owned())?;
        let parts = stem.split('-').collect::<Vec<_>>();
        let (name, version, build, tags) = match parts.as_slice() {
            [name, version, tags @ ..] if tags.len() == 3 => (name, version, "", tags),
            [name, version, build, tags @ ..] if tags.len() == 3 => (name, version, *build, tags),
            _ => return Err(format!("the name has {} parts between `-`, not 5 or 6", parts.len())),
        };
        if name.is_empty() || version.is_empty() {
            return Err("the name or the version is empty".to_owned());
        }
        let digits = build.find(|c: char| !c.is_ascii_digit()).unwrap_or(build.len());
        if !build.is_empty() && digits == 0 {
            return Err(format!("the build tag `{build}` does not start with a digit"));
        }
        let (number, rest) = build.split_at(digits);
        let split = |index: usize| tags.get(index).map(|tag| tag.split('.').map(str::to_owned).collect::<Vec<_>>());
        Ok(Self {
            name: normalize(name),
            version: version.replace('_', "-"),
            build: (number.parse().unwrap_or(0), rest.to_owned()),
            python: split(0).unwrap_or_default(),
            abi: split(1).unwrap_or_default(),
            platform: split(2).unwrap_or_default(),
        })
    }

    /// `py3-none-any` and its kin: no native code, any Python of that major version.
    #[must_use]
    pub fn is_pure(&self) -> bool {
        self.abi.iter().any(|abi| abi == "none") && self.platform.iter().any(|platform| platform == "any")
    }

    /// `cp39-cp39-manylinux_2_17_x86_64`, for messages.
    #[must_use]
    pub fn tag(&self) -> String {
        format!("{}-{}-{}", self.python.join("."), self.abi.join("."), self.platform.join("."))
    }
}

/// Every tag that the target takes, with its rank: 0 is best.
#[derive(Debug, Clone)]
pub struct Tags {
    ranks: HashMap<(String, String, String), usize>,
    platforms: Vec<String>,
    abi: String,
}

impl Tags {
    /// The order of `packaging.tags.sys_tags` on a CPython of that version on that platform.
    #[must_use]
    pub fn new(interpreter: &Interpreter, platform: &Platform) -> Self {
        let version = interpreter.version;
        let platforms = platforms(platform);
        let cp = format!("cp{}{}", version.major, version.minor);
        let abi = abi(version);
        let mut list = Vec::new();
        let mut push = |python: &str, abi: &str, platforms: &[String]| {
            list.extend(platforms.iter().map(|platform| (python.to_owned(), abi.to_owned(), platform.clone())));
        };
        let stable = version.major == 3 && version.minor >= 2;
        push(&cp, &abi, &platforms);
        if stable {
            push(&cp, "abi3", &platforms);
        }
        push(&cp, "none", &platforms);
        if stable {
            for minor in (2..version.minor).rev() {
                push(&format!("cp3{minor}"), "abi3", &platforms);
            }
        }
        let generic = generic_pythons(version);
        let any = ["any".to_owned()];
        for python in &generic {
            push(python, "none", &platforms);
        }
        push(&cp, "none", &any);
        for python in &generic {
            push(python, "none", &any);
        }
        let mut ranks = HashMap::with_capacity(list.len());
        for (rank, tag) in list.into_iter().enumerate() {
            ranks.entry(tag).or_insert(rank);
        }
        Self { ranks, platforms, abi }
    }

    /// How well the wheel fits, 0 best; `None` when it does not.
    #[must_use]
    pub fn rank(&self, wheel: &WheelName) -> Option<usize> {
        let mut best = None;
        for python in &wheel.python {
            for abi in &wheel.abi {
                for platform in &wheel.platform {
                    let rank = self.ranks.get(&(python.clone(), abi.clone(), platform.clone())).copied();
                    best = [best, rank].into_iter().flatten().min();
                }
            }
        }
        best
    }

    /// Platform tags, best first.
    #[must_use]
    pub fn platforms(&self) -> &[String] {
        &self.platforms
    }

    /// `cp36m`, `cp39`.
    #[must_use]
    pub fn abi(&self) -> &str {
        &self.abi
    }

    #[cfg(test)]
    pub(super) fn ordered(&self) -> Vec<String> {
        let mut tags = self.ranks.iter().collect::<Vec<_>>();
        tags.sort_by_key(|(_, rank)| **rank);
        tags.iter().map(|((python, abi, platform), _)| format!("{python}-{abi}-{platform}")).collect()
    }
}

/// Until 3.7 the ABI tag carries the pymalloc flag, in 2.7 also that of wide Unicode, which every Linux
/// distribution sets (PEP 425, PEP 513).
fn abi(version: ToolVersion) -> String {
    let flags = match (version.major, version.minor) {
        (2, _) => "mu",
        (3, 0..=7) => "m",
        _ => "",
    };
    format!("cp{}{}{flags}", version.major, version.minor)
}

/// `py36`, `py3`, `py35`, ... `py30`.
fn generic_pythons(version: ToolVersion) -> Vec<String> {
    let major = version.major;
    let own = [format!("py{major}{}", version.minor), format!("py{major}")];
    own.into_iter().chain((0..version.minor).rev().map(|minor| format!("py{major}{minor}"))).collect()
}

/// manylinux tags from the target's glibc down, with their legacy names (PEP 600), then plain `linux`.
fn platforms(platform: &Platform) -> Vec<String> {
    let machine = &platform.machine;
    let intel = matches!(machine.as_str(), "x86_64" | "i686");
    let oldest = if intel { 5 } else { 17 };
    let newest = if platform.glibc.major == 2 { platform.glibc.minor } else { 0 };
    let mut tags = Vec::new();
    for minor in (oldest..=newest).rev() {
        tags.push(format!("manylinux_2_{minor}_{machine}"));
        match minor {
            17 => tags.push(format!("manylinux2014_{machine}")),
            12 if intel => tags.push(format!("manylinux2010_{machine}")),
            5 if intel => tags.push(format!("manylinux1_{machine}")),
            _ => {}
        }
    }
    tags.push(format!("linux_{machine}"));
    tags
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Command;
    use crate::plan::InterpreterKind;
    use proptest::prelude::*;

    fn tags(python: &str, machine: &str, glibc: u32) -> Tags {
        let version = ToolVersion::try_from(python.to_owned()).unwrap();
        let kind = InterpreterKind::System { requirement: String::new() };
        let glibc = ToolVersion { major: 2, minor: glibc, patch: 0 };
        let platform =
            Platform { machine: machine.to_owned(), architecture: machine.to_owned(), glibc, baseline: None };
        Tags::new(&Interpreter { version, path: String::new(), kind }, &platform)
    }

    /// Asks the `packaging` that pip vendors, told to be on the target.
    const REFERENCE: &str = r#"
import sys
from pip._vendor.packaging import tags, _manylinux
python, machine, glibc = sys.argv[1:]
version = tuple(map(int, python.split(".")))
_manylinux._get_glibc_version = lambda: (2, int(glibc))
_manylinux._have_compatible_abi = lambda *_: True
_manylinux._get_manylinux_module = lambda: None
if hasattr(_manylinux, "_is_compatible"):
    _manylinux._is_compatible = lambda *_: True
import inspect
many = _manylinux.platform_tags
takes_list = "archs" in inspect.signature(many).parameters
if takes_list:
    platforms = list(many([machine])) + ["linux_" + machine]
else:
    platforms = list(many("linux_" + machine, machine)) + ["linux_" + machine]
flags = "mu" if version[0] == 2 else "m" if version < (3, 8) else ""
name = "cp%d%d" % version
seen = []
for tag in [*tags.cpython_tags(version, [name + flags], platforms), *tags.compatible_tags(version, name, platforms)]:
    if str(tag) not in seen:
        seen.append(str(tag))
print("\n".join(seen))
"#;

    #[test]
    fn tags_and_their_order_are_those_of_packaging() {
        for (python, machine, glibc) in [
            ("2.7", "x86_64", 17),
            ("3.6", "x86_64", 17),
            ("3.9", "x86_64", 34),
            ("3.13", "aarch64", 41),
            ("3.11", "ppc64le", 36),
        ] {
            let output =
                Command::new("python3").args(["-c", REFERENCE, python, machine, &glibc.to_string()]).run_checked();
            let reference = output.unwrap().stdout_text();
            let reference = reference.lines().map(str::to_owned).collect::<Vec<_>>();
            assert!(reference.len() > 50);
            assert_eq!(tags(python, machine, glibc).ordered(), reference, "{python} {machine} {glibc}");
        }
    }

    #[test]
    fn what_fits_is_told_from_what_does_not() {
        let tags = tags("3.6", "x86_64", 17);
        let rank = |name: &str| tags.rank(&WheelName::parse(name).unwrap());
        assert!(rank("a-1-cp36-cp36m-manylinux2014_x86_64.whl") < rank("a-1-cp34-abi3-manylinux1_x86_64.whl"));
        assert!(rank("a-1-cp34-abi3-manylinux1_x86_64.whl") < rank("a-1-py2.py3-none-any.whl"));
        for other in
            ["cp36-cp36m-manylinux_2_28_x86_64", "cp37-abi3-manylinux1_x86_64", "cp36-cp36m-win_amd64", "py2-none-any"]
        {
            assert_eq!(rank(&format!("a-1-{other}.whl")), None, "{other}");
        }
    }

    #[test]
    fn wheel_names_are_read_or_refused() {
        let name = WheelName::parse("Foo.Bar_baz-1.0+local.1-2abc-py3-none-any.whl").unwrap();
        assert_eq!(
            (name.name.as_str(), name.version.as_str(), name.build),
            ("foo-bar-baz", "1.0+local.1", (2, "abc".into()))
        );
        for bad in
            ["a.whl", "a-1-py3-none.whl", "a-1-x-py3-none-any.whl", "a-1-py3-none-any.zip", "-1-py3-none-any.whl"]
        {
            assert!(WheelName::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_name_makes_it_panic(name in ".{0,40}") {
            let _ = WheelName::parse(&name);
            let _ = WheelName::parse(&format!("{name}.whl"));
            let normal = normalize(&name);
            prop_assert_eq!(normalize(&normal), normal);
        }
    }
}
