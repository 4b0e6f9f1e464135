//! The processors of the target: what is compiled here is for its baseline, and native code that says it needs a newer
//! one stops the build. Notes are held against what `readelf` reads in them.

mod gates_support;
mod support;

use std::path::{Path, PathBuf};

use gates_support::{wheel_origin, zip_of};
use omnipack::exec::Command;
use omnipack::stage::{TargetPath, elf};
use support::{both, expect_success, omnipack, packages_in};

fn level(bytes: &[u8]) -> Option<u8> {
    let path = TargetPath::new("/opt/app/lib/x.so").unwrap();
    elf::parse(bytes, &path, &wheel_origin("app")).unwrap().x86_level
}

/// What `readelf -n` says of each file, in the order given: the text of one.
fn readelf(files: &[PathBuf]) -> Vec<String> {
    let output = Command::new("readelf").args(["-W", "-n"]).args(files).env("LC_ALL", "C").run().unwrap();
    let text = both(&output);
    // What is wrong with a file is said on standard error, without its name where there is one file only.
    let part = |file: &PathBuf| {
        let start = format!("\nFile: {}\n", file.display());
        let own = output.stdout_text().split_once(&start).map(|(_, rest)| rest.to_owned()).unwrap_or_default();
        own.split("\nFile: ").next().unwrap_or_default().to_owned()
    };
    assert!(text.contains("File: "), "{text}");
    files.iter().map(part).collect()
}

/// The level in readelf's words: that of the psABI, or the highest of the single instruction sets. The values of a property
/// have commas between them, and so have the properties of a note.
fn level_in(text: &str) -> Option<u8> {
    let mut levels = Vec::new();
    for (_, line) in text.lines().filter_map(|line| line.split_once("Properties:")) {
        let mut needed = false;
        for part in line.split(',').map(str::trim) {
            let word = part.split_once(": ").map_or(part, |(title, word)| {
                needed = title == "x86 ISA needed";
                word
            });
            if needed && word != "<None>" {
                levels.push(match word {
                    "x86-64-v2" | "SSE3" | "SSSE3" | "SSE4_1" | "SSE4_2" => 2,
                    "x86-64-v3" | "AVX" | "AVX2" | "FMA" => 3,
                    "x86-64-v4" => 4,
                    wide if wide.starts_with("AVX512") => 4,
                    _ => 1,
                });
            }
        }
    }
    levels.into_iter().max()
}

fn compile(dir: &Path, name: &str, flags: &[&str]) -> PathBuf {
    let (source, object) = (dir.join("kernel.c"), dir.join(name));
    fs_err::write(&source, "int kernel(int x) { return x + 1; }\n").unwrap();
    expect_success(&Command::new("gcc").args(["-shared", "-fPIC", "-o"]).arg(&object).arg(&source).args(flags));
    object
}

#[test]
fn levels_are_those_that_readelf_reads() {
    let dir = tempfile::tempdir().unwrap();
    let flags: [&[&str]; 6] = [
        &[],
        &["-Wl,-z,x86-64-v2"],
        &["-Wl,-z,x86-64-v3"],
        &["-Wl,-z,x86-64-v4"],
        &["-mneeded", "-march=x86-64-v3"],
        &["-mneeded", "-march=x86-64", "-fcf-protection"],
    ];
    let objects = flags.iter().enumerate().map(|(index, flags)| compile(dir.path(), &format!("{index}.so"), flags));
    let objects = objects.collect::<Vec<_>>();
    let ours = objects.iter().map(|path| level(&fs_err::read(path).unwrap())).collect::<Vec<_>>();
    assert_eq!(ours, [None, Some(2), Some(3), Some(4), Some(3), Some(1)]);
    assert_eq!(readelf(&objects).iter().map(|text| level_in(text)).collect::<Vec<_>>(), ours);
}

/// Numbers of a seed, the same every time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 33).unwrap() % bound
    }

    /// Some GNU properties, in one note.
    fn note(&mut self) -> Vec<u8> {
        // As linkers write them, each with as many bits as readelf has words for.
        let kinds = [(0xc000_0001_u32, 17), (0xc000_0002, 2), (0xc000_8000, 17), (0xc000_8001, 10), (0xc000_8002, 4)];
        let mut properties = Vec::new();
        for (kind, width) in kinds.into_iter().chain([(0xc001_0002, 4)]) {
            if self.below(3) == 0 {
                let bits = (1 << self.below(width)) | self.below(4);
                properties.extend([kind, 4, bits, 0].map(u32::to_le_bytes).concat());
            }
        }
        let head = [4, u32::try_from(properties.len()).unwrap(), 5].map(u32::to_le_bytes).concat();
        [&head[..], b"GNU\0", &properties].concat()
    }

    /// An object of notes alone, of which a byte may be wrong.
    fn object(&mut self) -> Vec<u8> {
        let mut notes = Vec::new();
        for _ in 0..=self.below(2) {
            notes.extend(self.note());
        }
        if self.below(2) == 0 {
            let at = self.below(u32::try_from(notes.len()).unwrap()) as usize;
            notes[at] = u8::try_from(self.below(256)).unwrap();
        }
        let size = notes.len() as u64;
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.resize(16, 0);
        bytes.extend([3_u16, 62, 1, 0].map(u16::to_le_bytes).concat());
        bytes.extend([0_u64, 64, 0].map(u64::to_le_bytes).concat());
        bytes.extend([0_u16, 0, 64, 56, 1, 0, 0, 0].map(u16::to_le_bytes).concat());
        bytes.extend([4_u32, 4].map(u32::to_le_bytes).concat());
        bytes.extend([120, 120, 120, size, size, 8].map(u64::to_le_bytes).concat());
        bytes.extend(notes);
        bytes
    }
}

#[test]
fn damaged_notes_are_read_as_readelf_reads_them_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let mut chance = Chance(41);
    let objects = (0..600).map(|index| (dir.path().join(format!("{index}.so")), chance.object()));
    let objects = objects.collect::<Vec<_>>();
    objects.iter().for_each(|(path, bytes)| fs_err::write(path, bytes).unwrap());
    let texts = readelf(&objects.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>());
    let (mut compared, mut found) = (0, [0; 5]);
    for ((_, bytes), text) in objects.iter().zip(texts) {
        let ours = level(bytes);
        // Where something is wrong readelf goes on or stops by rules of its own; and it takes `GNU` with anything behind it.
        let damaged = ["corrupt", "unknown", "unrecognized", "Unknown"].iter().any(|word| text.contains(word));
        let mut notes = text.lines().filter(|line| line.contains("NT_GNU_PROPERTY_TYPE_0"));
        if damaged || !notes.all(|line| line.starts_with("  GNU ")) {
            continue;
        }
        assert_eq!(ours, level_in(&text), "{text}\n{:02x?}", &bytes[120..]);
        compared += 1;
        found[usize::from(ours.unwrap_or(0))] += 1;
    }
    assert!(compared > 300 && found.iter().all(|count| *count > 10), "{compared} objects compared: {found:?}");
}

/// A wheel `fast` with native code for every processor, for newer ones, and for newer ones where glibc looks for it.
fn wheel_of_levels(scratch: &Path) -> PathBuf {
    let read = |name: &str, flags: &[&str]| fs_err::read(compile(scratch, name, flags)).unwrap();
    let (plain, newer) = (read("plain.so", &[]), read("newer.so", &["-Wl,-z,x86-64-v3"]));
    let metadata = b"Metadata-Version: 2.1\nName: fast\nVersion: 1.0\n";
    let wheel = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: py3-none-linux_x86_64\n";
    let bytes = zip_of(&[
        ("fast/__init__.py", b""),
        ("fast/plain.so", &plain),
        ("fast/kernel_avx2.so", &newer),
        ("fast.libs/glibc-hwcaps/x86-64-v3/libk.so", &newer),
        ("fast-1.0.dist-info/METADATA", metadata),
        ("fast-1.0.dist-info/WHEEL", wheel),
        ("fast-1.0.dist-info/RECORD", b""),
    ]);
    let wheels = scratch.join("wheels");
    fs_err::create_dir_all(&wheels).unwrap();
    fs_err::write(wheels.join("fast-1.0-py3-none-linux_x86_64.whl"), bytes).unwrap();
    wheels
}

#[test]
fn code_for_a_newer_processor_stops_the_build() {
    let scratch = tempfile::tempdir().unwrap();
    let wheels = wheel_of_levels(scratch.path());
    let build = |target: &str, settings: &str| {
        let config = scratch.path().join("omnipack.toml");
        fs_err::write(&config, settings).unwrap();
        let destination = tempfile::tempdir_in(&scratch).unwrap();
        let command = omnipack().args(["--distribution", target, "--config"]).arg(config).arg("--wheels").arg(&wheels);
        let output = command.arg("-d").arg(destination.path()).arg("fast==1.0").run().unwrap();
        let made = fs_err::read_dir(destination.path()).unwrap().count();
        assert_eq!(made > 0, output.code == 0, "all or nothing: {}", both(&output));
        (output.code, both(&output))
    };
    let (code, text) = build("rocky-9", "");
    assert_eq!(code, 1, "{text}");
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "package::cpu",
        "Rocky Linux 9 runs on processors that have no more than x86-64-v2",
        "fast 1.0: /opt/fast/lib/python3.9/site-packages/fast/kernel_avx2.so needs x86-64-v3",
        "newer-cpu = [\"fast/kernel_avx2.so\"]",
    ] {
        assert!(joined.contains(part), "`{part}` is missing in: {text}");
    }
    assert!(!text.contains("plain.so") && !text.contains("glibc-hwcaps"), "{text}");
    assert_eq!(build("debian-12", "").0, 1, "every amd64");
    for (target, settings) in [
        ("rocky-10", ""),
        ("rocky-9", "[python]\nnewer-cpu = ['fast/*_avx2.so']\n"),
        ("debian-12", "[distribution.debian-12.cpu-baseline]\nx86_64 = 'x86-64-v3'\n"),
    ] {
        let (code, text) = build(target, settings);
        assert_eq!(code, 0, "{target}: {text}");
    }
}

/// An extension that carries the instruction sets that its compiler was allowed to use.
const C: &str = r#"
#include <Python.h>
#if defined __AVX512F__
#define LEVEL "4"
#elif defined __AVX2__
#define LEVEL "3"
#elif defined __SSE4_2__
#define LEVEL "2"
#else
#define LEVEL "1"
#endif
static PyObject *level(PyObject *self, PyObject *argument) { return PyUnicode_FromString("compiled-for-" LEVEL); }
static PyMethodDef methods[] = {{"level", level, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "cpu_probe", NULL, -1, methods};
PyMODINIT_FUNC PyInit_cpu_probe(void) { return PyModule_Create(&module); }
"#;

/// An application with an extension of its own, on a Python that several distributions have.
fn make_project(dir: &Path) {
    let setup =
        "from setuptools import setup, Extension\nsetup(ext_modules=[Extension('cpu_probe', ['cpu_probe.c'])])\n";
    let project = "[project]\nname = 'cpu-probe'\nversion = '1.0'\n[build-system]\nrequires = ['setuptools']\n\
                   build-backend = 'setuptools.build_meta'\n[tool.omnipack.python]\nversion = '3.12'\n";
    fs_err::create_dir_all(dir).unwrap();
    for (name, text) in [("cpu_probe.c", C), ("setup.py", setup), ("pyproject.toml", project)] {
        fs_err::write(dir.join(name), text).unwrap();
    }
}

/// Which levels the extension modules below `dir` were compiled for.
fn compiled_for(dir: &Path) -> Vec<u8> {
    let files = walkdir::WalkDir::new(dir).into_iter().map(Result::unwrap);
    let modules = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "so"));
    let level = |module: walkdir::DirEntry| {
        let bytes = fs_err::read(module.path()).unwrap();
        let marker = b"compiled-for-";
        let at = memchr::memmem::find(&bytes, marker).expect("the module says it") + marker.len();
        bytes[at] - b'0'
    };
    modules.map(level).collect()
}

/// One cache, one Python, one machine: only the baseline tells the wheels apart.
#[test]
fn extensions_are_compiled_for_the_baseline_and_not_mixed_up_in_the_cache() {
    let scratch = tempfile::tempdir().unwrap();
    let project = scratch.path().join("project");
    make_project(&project);
    let cached = |command: Command| command.env("OMNIPACK_CACHE", scratch.path().join("cache"));
    let stage = |target: &str, round: u8| {
        let tree = scratch.path().join(format!("{target}-{round}"));
        let command = cached(omnipack().args(["stage", "--distribution", target]).arg(&tree).arg(&project));
        let output = command.run().unwrap();
        assert_eq!(output.code, 0, "{target}: {}", both(&output));
        (compiled_for(&tree), both(&output))
    };
    for (target, level) in [("rocky-9", 2), ("rocky-10", 3), ("ubuntu-24.04", 1)] {
        let (found, text) = stage(target, 1);
        assert_eq!(found, [level], "{target}: {text}");
        assert!(text.contains("building the wheel of project"), "{text}");
    }
    let (found, text) = stage("rocky-9", 2);
    assert_eq!(found, [2]);
    assert!(!text.contains("building the wheel"), "kept for this baseline: {text}");
    let (found, text) = stage("alma-9", 1);
    assert_eq!(found, [2]);
    assert!(!text.contains("building the wheel"), "shared with what has the same: {text}");

    // The environment has its way, and the gate looks.
    let build = |name: &str, settings: &str| {
        let config = scratch.path().join("own.toml");
        fs_err::write(&config, format!("[python]\nversion = '3.12'\n{settings}")).unwrap();
        let command = omnipack().args(["--distribution", "rocky-9", "--config"]).arg(config).arg("-d");
        let command = command.arg(scratch.path().join(name)).arg(&project).env("CFLAGS", "-O1 -fPIC -march=x86-64-v3");
        cached(command).run().unwrap()
    };
    let output = build("refused", "");
    let text = both(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(output.code, 1, "{text}");
    assert!(text.contains("`-march=x86-64-v3` in CFLAGS is for other processors than x86-64-v2"), "{text}");
    assert!(text.contains("package::cpu") && text.contains("cpu_probe.cpython-312-x86_64-linux-gnu.so"), "{text}");
    let output = build("allowed", "newer-cpu = ['cpu_probe.*.so']\n");
    assert_eq!(output.code, 0, "{}", both(&output));
    assert_eq!(packages_in(&scratch.path().join("allowed")).len(), 1);
}
