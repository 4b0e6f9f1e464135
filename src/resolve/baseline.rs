//! What compilers are told of the processor, so that what they make runs on every one that the target runs on.
//!
//! A compiler makes code for the processors that it was configured for: GCC of RHEL 10 for x86-64-v3, most others for
//! any. The instruction set of the target's own packages is asked for instead ([`Isa`]): of GCC and Clang with `-march`,
//! of rustc with `-C target-cpu`, of Go with `GOAMD64` and `GOARM64`. Who says something else in the environment gets it,
//! with a warning where it is more than the target has, and with a note of it in what is compiled, for the gate to read.

use super::build::Built;
use super::cache::digest;
use super::target::Target;
use super::{Resolver, WheelName};
use crate::distribution::Isa;
use crate::exec::Command;

/// Variables with flags for compilers of C, C++ and Fortran.
pub(super) const C_FLAGS: [&str; 2] = ["CFLAGS", "CXXFLAGS"];
pub(super) const FORTRAN_FLAGS: &str = "FFLAGS";

/// What GCC before 11 and Clang before 12 have to be told instead of a level of x86-64 (x86-64 psABI, 3.1.1
/// "Processor Architecture"), each level beside those before it.
const FEATURES: [(Isa, &[&str]); 3] = [
    (Isa::X86_64V2, &["-mcx16", "-msahf", "-mpopcnt", "-msse3", "-mssse3", "-msse4.1", "-msse4.2"]),
    (Isa::X86_64V3, &["-mavx", "-mavx2", "-mbmi", "-mbmi2", "-mf16c", "-mfma", "-mlzcnt", "-mmovbe", "-mxsave"]),
    (Isa::X86_64V4, &["-mavx512f", "-mavx512bw", "-mavx512cd", "-mavx512dq", "-mavx512vl"]),
];

/// Starts of flags for what no level of x86-64 has (GCC manual, "x86 Options"). Those of AVX-512 are in its level, or none.
const BEYOND_LEVELS: [&str; 26] = [
    "-maes",
    "-mamx",
    "-mapxf",
    "-mavxifma",
    "-mavxneconvert",
    "-mavxvnni",
    "-mcmpccxadd",
    "-mfma4",
    "-mgfni",
    "-mkl",
    "-mlwp",
    "-mpclmul",
    "-mprefetchwt1",
    "-mrdrnd",
    "-mrdseed",
    "-msha",
    "-msm3",
    "-msm4",
    "-msse4a",
    "-mtbm",
    "-mvaes",
    "-mvpclmulqdq",
    "-mwidekl",
    "-mxop",
    "-m3dnow",
    "-mavx10",
];

/// GCC 11: what is compiled notes which level of x86-64 its flags ask for.
const NOTE: &str = "-mneeded";

/// Under which a wheel that was built is kept.
pub(super) struct Key {
    /// Of one without native code, which is for every processor.
    pure: String,
    /// Of one that was compiled for the target's.
    native: String,
}

impl Key {
    pub(super) fn new(parts: &[&str], target: &Target) -> Self {
        let baseline = target.baseline.map_or("", Isa::name);
        Self { pure: digest(parts), native: digest(parts.iter().copied().chain(["baseline", baseline])) }
    }

    /// Of the wheel, once its name is known.
    pub(super) fn of(&self, file_name: &str) -> &str {
        if is_pure(file_name) { &self.pure } else { &self.native }
    }

    /// The same for all targets that might share the wheel.
    pub(super) fn lock(&self) -> String {
        format!("build-{}", self.pure)
    }
}

impl Resolver<'_> {
    pub(super) fn recall_key(&self, key: &Key) -> Option<Built> {
        let pure = || self.recall_build(&key.pure).filter(|built| is_pure(&built.file_name));
        self.recall_build(&key.native).or_else(pure)
    }

    /// Says, once, where the environment asks for more than the target has.
    pub(super) fn warn_of_environment(&self, baseline: Option<Isa>) {
        let Some(baseline) = baseline else { return };
        for (variable, word) in beyond(baseline, environment) {
            self.warn_once(format!(
                "`{word}` in {variable} is for other processors than {baseline}, which the target's packages are made \
                 for: what is compiled may not run on all of its machines"
            ));
        }
    }
}

fn is_pure(file_name: &str) -> bool {
    WheelName::parse(file_name).is_ok_and(|name| name.platform.iter().all(|platform| platform == "any"))
}

/// Flags for a compiler of C, C++ or Fortran, of which `accepts` tells what it knows. `given`: what the environment has in
/// their place, which is not contradicted.
pub(super) fn c_flags(
    baseline: Option<Isa>,
    given: Option<&str>,
    accepts: impl Fn(&[&str]) -> bool,
) -> Vec<&'static str> {
    let Some(baseline) = baseline else { return Vec::new() };
    let own = given.unwrap_or_default().split_whitespace().collect::<Vec<_>>();
    let note = own.iter().any(|word| exceeds(word, baseline)) && baseline.x86_level().is_some() && accepts(&[NOTE]);
    let chosen = if own.iter().any(|word| chooses(word).is_some()) { Vec::new() } else { march(baseline, &accepts) };
    chosen.into_iter().chain(note.then_some(NOTE)).collect()
}

fn march(baseline: Isa, accepts: impl Fn(&[&str]) -> bool) -> Vec<&'static str> {
    let short = match baseline {
        Isa::X86_64 => "-march=x86-64",
        Isa::X86_64V2 => "-march=x86-64-v2",
        Isa::X86_64V3 => "-march=x86-64-v3",
        Isa::X86_64V4 => "-march=x86-64-v4",
        Isa::Armv8A => "-march=armv8-a",
        Isa::Armv8_2ACrypto => "-march=armv8.2-a+crypto",
    };
    if accepts(&[short]) {
        return vec![short];
    }
    let features = FEATURES.iter().filter(|(isa, _)| *isa <= baseline).flat_map(|(_, flags)| flags.iter().copied());
    let long = std::iter::once("-march=x86-64").chain(features).collect::<Vec<_>>();
    // A compiler for another machine, or one that is no GCC: it is left as it is, and the gate looks at what it makes.
    if baseline.x86_level().is_some() && accepts(&long) { long } else { Vec::new() }
}

/// rustc's flags, where `given` names no processor.
pub(super) fn rust_flags(baseline: Option<Isa>, given: &str) -> Vec<String> {
    if given.contains("target-cpu=") {
        return Vec::new();
    }
    let processor = |name: &str| vec!["-C".to_owned(), format!("target-cpu={name}")];
    match baseline {
        None => Vec::new(),
        Some(Isa::Armv8A) => processor("generic"),
        // LLVM has processors for it, but none that is no more than that.
        Some(Isa::Armv8_2ACrypto) => {
            [processor("generic"), vec!["-C".to_owned(), "target-feature=+v8.2a,+aes,+sha2".to_owned()]].concat()
        }
        Some(level) => processor(level.name()),
    }
}

/// Go's variable and its value.
pub(super) fn go(command: Command, baseline: Option<Isa>) -> Command {
    let (variable, value) = match baseline {
        Some(Isa::X86_64) => ("GOAMD64", "v1"),
        Some(Isa::X86_64V2) => ("GOAMD64", "v2"),
        Some(Isa::X86_64V3) => ("GOAMD64", "v3"),
        Some(Isa::X86_64V4) => ("GOAMD64", "v4"),
        Some(Isa::Armv8A) => ("GOARM64", "v8.0"),
        Some(Isa::Armv8_2ACrypto) => ("GOARM64", "v8.2,crypto"),
        None => return command,
    };
    if environment(variable).is_some() { command } else { command.env(variable, value) }
}

/// Variable and word of the environment by which code comes out that not every processor of the target has.
fn beyond(baseline: Isa, environment: impl Fn(&str) -> Option<String>) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let variables = ["CFLAGS", "CXXFLAGS", "CPPFLAGS", "FFLAGS", "CC", "CXX", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"];
    for variable in variables {
        let value = environment(variable).unwrap_or_default();
        let words = value.split(|character: char| character.is_whitespace() || character == '\u{1f}');
        let word = words.map(|word| word.strip_prefix("-C").unwrap_or(word)).find(|word| exceeds(word, baseline));
        found.extend(word.map(|word| (variable, word.to_owned())));
    }
    if let (Some(level), Some(value)) = (baseline.x86_level(), environment("GOAMD64"))
        && value.strip_prefix('v').and_then(|number| number.parse::<u8>().ok()).is_none_or(|number| number > level)
    {
        found.push(("GOAMD64", value));
    }
    found
}

/// The processor that a flag chooses: `native` of `-march=native`.
fn chooses(word: &str) -> Option<&str> {
    ["-march=", "-mcpu=", "target-cpu="].iter().find_map(|start| word.strip_prefix(start))
}

/// Does a flag ask for more than `baseline`? What it is not known of does.
fn exceeds(word: &str, baseline: Isa) -> bool {
    if let Some(processor) = chooses(word) {
        let known = Isa::ALL.into_iter().find(|isa| isa.name() == processor);
        let generic = ["generic", "k8", "nocona"].contains(&processor);
        return !generic && known.is_none_or(|isa| isa.machine() != baseline.machine() || isa > baseline);
    }
    let feature = |(isa, flags): &(Isa, &[&str])| {
        let more = word.starts_with("-mavx512") && *isa == Isa::X86_64V4;
        (more || flags.contains(&word)).then_some(*isa)
    };
    let Some(level) = baseline.x86_level() else { return false };
    match FEATURES.iter().find_map(feature) {
        Some(isa) => isa > baseline,
        // SSE4 is both of its parts; what belongs to no level, only some processors of each have.
        None if word == "-msse4" => level < 2,
        None => BEYOND_LEVELS.iter().any(|family| word.starts_with(family)),
    }
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Is `flags` what this machine's GCC takes? Only where it makes code for x86-64.
    fn gcc(flags: &[&str]) -> Option<String> {
        let output = Command::new("gcc").args(["-dM", "-E", "-x", "c", "/dev/null"]).args(flags).run().ok()?;
        (output.code == 0).then(|| {
            let mut lines = output.stdout_text().lines().map(str::to_owned).collect::<Vec<_>>();
            lines.sort();
            lines.join("\n")
        })
    }

    #[test]
    fn an_old_compiler_is_told_the_features_of_a_level() {
        for level in [Isa::X86_64, Isa::X86_64V2, Isa::X86_64V3, Isa::X86_64V4] {
            let short = c_flags(Some(level), None, |_| true);
            assert_eq!(short, [format!("-march={level}")]);
            let knows = |flags: &[&str]| flags.iter().all(|flag| !flag.starts_with("-march=x86-64-v"));
            let long = c_flags(Some(level), None, knows);
            assert!(long.len() > 1 || level == Isa::X86_64, "{long:?}");
            if std::env::consts::ARCH == "x86_64" {
                let (short, long) = (gcc(&short), gcc(&long));
                assert!(short.is_some() && short == long, "{level}: {short:?}\n{long:?}");
            }
        }
        assert!(c_flags(Some(Isa::X86_64V2), None, |_| false).is_empty(), "no GCC at all");
        assert!(c_flags(Some(Isa::Armv8_2ACrypto), None, |flags| flags == ["-march=x86-64"]).is_empty());
        assert!(c_flags(None, None, |_| true).is_empty());
    }

    #[test]
    fn the_environment_has_its_way_and_what_it_asks_for_is_noted() {
        let flags = |baseline, given| c_flags(Some(baseline), Some(given), |_| true);
        assert_eq!(flags(Isa::X86_64V2, "-O3 -g"), ["-march=x86-64-v2"]);
        assert_eq!(flags(Isa::X86_64V2, "-O3 -march=native"), ["-mneeded"]);
        assert_eq!(flags(Isa::X86_64V2, "-mavx2"), ["-march=x86-64-v2", "-mneeded"]);
        assert_eq!(flags(Isa::X86_64V3, "-mavx2"), ["-march=x86-64-v3"]);
        assert!(flags(Isa::X86_64V2, "-march=x86-64").is_empty(), "less than the target has is no matter");
        assert!(flags(Isa::Armv8A, "-mcpu=neoverse-n1").is_empty(), "there is no such note for ARM");
        let old = c_flags(Some(Isa::X86_64V2), Some("-march=native"), |flags| flags != ["-mneeded"]);
        assert!(old.is_empty());
    }

    #[test]
    fn other_compilers_have_their_own_words() {
        assert_eq!(rust_flags(Some(Isa::X86_64V2), ""), ["-C", "target-cpu=x86-64-v2"]);
        assert!(rust_flags(Some(Isa::X86_64V2), "-Ctarget-cpu=native").is_empty());
        assert_eq!(rust_flags(Some(Isa::Armv8_2ACrypto), "")[3], "target-feature=+v8.2a,+aes,+sha2");
        let go = |isa| format!("{:?}", go(Command::new("go"), Some(isa)));
        assert!(go(Isa::X86_64V3).contains("v3") && go(Isa::Armv8_2ACrypto).contains("v8.2,crypto"));
    }

    #[test]
    fn what_is_beyond_the_target_is_found_in_the_environment() {
        let found = |baseline, name: &'static str, value: &'static str| {
            let found = beyond(baseline, |variable| (variable == name).then(|| value.to_owned()));
            found.into_iter().map(|(variable, word)| format!("{variable} {word}")).collect::<Vec<_>>()
        };
        let v2 = Isa::X86_64V2;
        assert_eq!(found(v2, "CFLAGS", "-O3 -march=native"), ["CFLAGS -march=native"]);
        assert_eq!(found(v2, "CXXFLAGS", "-mavx512vnni"), ["CXXFLAGS -mavx512vnni"]);
        for word in ["-maes", "-mgfni", "-mvaes", "-mxop", "-mfma4", "-msha", "-mavxvnni", "-msse4a", "-mavx10.1"] {
            let found = beyond(Isa::X86_64V4, |name| (name == "CFLAGS").then(|| format!("-O2 {word}")));
            assert_eq!(found, [("CFLAGS", word.to_owned())]);
        }
        assert_eq!(found(Isa::X86_64, "CFLAGS", "-msse4"), ["CFLAGS -msse4"]);
        assert_eq!(found(v2, "CC", "gcc -march=haswell"), ["CC -march=haswell"]);
        assert_eq!(found(v2, "RUSTFLAGS", "-C target-cpu=native"), ["RUSTFLAGS target-cpu=native"]);
        assert_eq!(found(v2, "RUSTFLAGS", "-Ctarget-cpu=native"), ["RUSTFLAGS target-cpu=native"]);
        let encoded = "-Copt-level=3\u{1f}-C\u{1f}target-cpu=znver4";
        assert_eq!(found(v2, "CARGO_ENCODED_RUSTFLAGS", encoded), ["CARGO_ENCODED_RUSTFLAGS target-cpu=znver4"]);
        assert_eq!(found(v2, "GOAMD64", "v3"), ["GOAMD64 v3"]);
        for (name, value) in [
            ("CFLAGS", "-O2 -march=x86-64-v2 -mtune=native -msse4.2 -msse4"),
            ("CFLAGS", "-m64 -mno-aes -mshstk"),
            ("CFLAGS", "-march=x86-64"),
            ("RUSTFLAGS", "-C target-cpu=x86-64"),
            ("GOAMD64", "v2"),
        ] {
            assert!(found(v2, name, value).is_empty(), "{value}");
        }
    }
}
