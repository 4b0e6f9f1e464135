use super::*;

fn named() -> (TargetPath, Origin) {
    (TargetPath::new("/opt/app/lib/x.so").unwrap(), Origin::User)
}

fn sparse(bytes: &[u8], chunk: usize) -> (Option<ElfFacts>, u32) {
    let (path, origin) = named();
    let mut sparse = Sparse::new(&path, &origin, bytes.len() as u64);
    bytes.chunks(chunk).for_each(|part| sparse.feed(part));
    let mut rounds = 1;
    while let Some(end) = sparse.another_round() {
        let end = usize::try_from(end).unwrap();
        bytes[..end].chunks(chunk).for_each(|part| sparse.feed(part));
        rounds += 1;
        assert!(rounds < 9, "no end of rounds");
    }
    (sparse.facts(), rounds)
}

/// Native objects of this machine: programs, libraries, small and large.
fn samples() -> Vec<Vec<u8>> {
    let dirs = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/bin"];
    let files = dirs.iter().flat_map(|dir| fs_err::read_dir(dir).into_iter().flatten().flatten());
    let mut paths = files.map(|file| file.path()).filter(|path| path.is_file()).collect::<Vec<_>>();
    paths.sort();
    let elf = |path: &std::path::PathBuf| {
        let bytes = fs_err::read(path).ok()?;
        bytes.starts_with(MAGIC).then_some(bytes)
    };
    paths.iter().filter_map(elf).take(150).collect()
}

#[test]
fn of_a_static_program_no_dynamic_linker_reads_anything() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("a.c");
    fs_err::write(&source, "int main(void) { return 0; }\n").unwrap();
    for (options, only) in [(["-static-pie"].as_slice(), false), (&["-pie"], true), (&["-shared", "-fPIC"], true)] {
        let built = directory.path().join("a");
        let command = crate::exec::Command::new("cc").args(options).args(["-Wl,--hash-style=gnu", "-o"]);
        command.arg(&built).arg(&source).run_checked().unwrap();
        let (path, origin) = named();
        let facts = parse(&fs_err::read(built).unwrap(), &path, &origin).unwrap();
        assert_eq!(facts.gnu_hash_only, only, "{options:?}");
    }
}

#[test]
fn a_file_in_pieces_gives_the_same_facts_as_a_whole_one() {
    let (path, origin) = named();
    let samples = samples();
    assert!(samples.len() > 20, "this machine has native programs");
    for bytes in samples {
        let whole = parse(&bytes, &path, &origin);
        assert!(whole.is_some());
        for chunk in [65_536, 1_000_000] {
            let (facts, rounds) = sparse(&bytes, chunk);
            assert_eq!(facts, whole);
            assert!(rounds <= 4, "{rounds} rounds over the file");
        }
    }
}

#[test]
fn data_that_only_begins_like_elf_is_nothing() {
    let (path, origin) = named();
    for junk in [&b"\x7fELF"[..], b"\x7fELF\x02\x01\x01", &[b"\x7fELF\x02\x01\x01", &[0xff; 200_000][..]].concat()] {
        assert_eq!(parse(junk, &path, &origin), None);
        assert_eq!(sparse(junk, 4096).0, None);
    }
}

#[test]
fn a_damaged_file_never_ends_in_a_loop() {
    let (path, origin) = named();
    let Some(sample) = samples().into_iter().find(|bytes| bytes.len() > 100_000) else { return };
    for seed in 0..400usize {
        let mut bytes = sample.clone();
        let at = (seed * 7919) % 4096;
        bytes[at] ^= 0xff;
        bytes.truncate(bytes.len() - (seed % 7) * 10_000);
        let _ = parse(&bytes, &path, &origin);
        let _ = sparse(&bytes, 65_536);
    }
}

/// A 64-bit object of one segment: `dynamic` and, from 0x1000 on, `data`.
fn object(dynamic: &[(u64, u64)], data: &[u8]) -> Vec<u8> {
    let table = dynamic.iter().flat_map(|(tag, value)| [tag.to_le_bytes(), value.to_le_bytes()]).flatten();
    let table = table.collect::<Vec<u8>>();
    let at = 0x1000 + data.len() as u64;
    let size = at + table.len() as u64;
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(16, 0);
    let short = |bytes: &mut Vec<u8>, values: &[u16]| bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    let long = |bytes: &mut Vec<u8>, values: &[u64]| bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    short(&mut bytes, &[3, 62, 1, 0]);
    long(&mut bytes, &[0, 64, 0]);
    short(&mut bytes, &[0, 0, 64, 56, 2, 64, 0, 0]);
    for (kind, offset, length) in [(1_u32, 0, size), (2, at, table.len() as u64)] {
        bytes.extend([kind.to_le_bytes(), 6_u32.to_le_bytes()].concat());
        long(&mut bytes, &[offset, offset, offset, length, length, 8]);
    }
    bytes.resize(0x1000, 0);
    bytes.extend(data);
    bytes.extend(table);
    bytes
}

/// Tables that overlap: every dynamic entry names the same long string, every symbol version is followed by itself.
#[test]
fn tables_that_overlap_do_not_multiply() {
    let (path, origin) = named();
    let text = vec![b'a'; 100_000];
    let mut dynamic = vec![(1, 0); 50_000];
    dynamic.extend([(5, 0x1000), (10, text.len() as u64 + 1), (0, 0)]);
    let facts = parse(&object(&dynamic, &[&text[..], &[0]].concat()), &path, &origin).unwrap();
    assert!(facts.needed.is_empty(), "no library has a name of 100,000 bytes");

    // One `Verneed` after the other, 16 bytes apart, each with 65,535 `Vernaux`: all at its own place.
    let mut need = Vec::new();
    need.extend([1_u16.to_le_bytes(), 0xffff_u16.to_le_bytes()].concat());
    need.extend([1_u32, 16, 16].iter().flat_map(|value| value.to_le_bytes()));
    let needs = need.repeat(4_000);
    let strings = b"\0libc.so.6\0";
    let data = [&strings[..], &[0; 4], &needs].concat();
    let at = 0x1000 + strings.len() as u64 + 4;
    let dynamic = [(5, 0x1000), (10, strings.len() as u64), (0x6fff_fffe, at), (0x6fff_ffff, 4_000), (1, 1), (0, 0)];
    let facts = parse(&object(&dynamic, &data), &path, &origin).unwrap();
    assert_eq!(facts.needed.len(), 1, "the object itself is sound");
    assert!(facts.version_needs.len() <= MOST, "{}", facts.version_needs.len());
}

/// A string that goes on behind the end of its table is none, whether the file is read whole or in pieces.
#[test]
fn a_string_table_ends_where_it_says() {
    let (path, origin) = named();
    let strings = b"\0libc.so.6\0more";
    for length in (0..=strings.len() as u64).chain([1 << 20, 1 << 63, u64::MAX]) {
        let bytes = object(&[(5, 0x1000), (10, length), (1, 1), (0, 0)], strings);
        let whole = parse(&bytes, &path, &origin);
        assert_eq!(sparse(&bytes, 64).0, whole, "a table of {length} bytes");
        let needed = whole.map(|facts| facts.needed.len()).unwrap_or_default();
        assert!(needed == 0 || length > 10, "a table of {length} bytes has no whole name");
    }
}

#[test]
fn symbol_versions_of_glibc_are_ordered_as_numbers() {
    let version = |text: &str| glibc_version(text);
    assert!(version("GLIBC_2.17") > version("GLIBC_2.2.5"));
    assert!(version("GLIBC_ABI_DT_RELR") > version("GLIBC_2.35"));
    assert_eq!(version("GLIBC_PRIVATE"), None);
    assert_eq!(version("GLIBCXX_3.4"), None);
}

/// A 64-bit object for `machine` with nothing but these segments of notes, each with its alignment.
fn with_notes(machine: u16, segments: &[(u32, u64, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(16, 0);
    bytes.extend([3_u16, machine, 1, 0].iter().flat_map(|value| value.to_le_bytes()));
    bytes.extend([0_u64, 64, 0].iter().flat_map(|value| value.to_le_bytes()));
    let count = u16::try_from(segments.len()).unwrap();
    bytes.extend([0, 0, 64, 56, count, 0, 0, 0].iter().flat_map(|value: &u16| value.to_le_bytes()));
    let mut at = 64 + 56 * segments.len() as u64;
    for (kind, align, notes) in segments {
        bytes.extend([kind.to_le_bytes(), 4_u32.to_le_bytes()].concat());
        let size = notes.len() as u64;
        bytes.extend([at, at, at, size, size, *align].iter().flat_map(|value| value.to_le_bytes()));
        at += size;
    }
    segments.iter().for_each(|(_, _, notes)| bytes.extend(notes));
    bytes
}

fn note(kind: u32, name: &[u8], description: &[u8]) -> Vec<u8> {
    let sizes = [u32::try_from(name.len()).unwrap(), u32::try_from(description.len()).unwrap(), kind];
    let mut bytes = sizes.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
    for part in [name, description] {
        bytes.extend(part);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
    }
    bytes
}

/// GNU properties, each of four bytes.
fn properties(all: &[(u32, u32)]) -> Vec<u8> {
    let one = |(kind, value): &(u32, u32)| [*kind, 4, *value, 0].map(u32::to_le_bytes).concat();
    note(5, b"GNU\0", &all.iter().flat_map(one).collect::<Vec<_>>())
}

const PT_NOTE: u32 = 4;
const PT_GNU_PROPERTY: u32 = 0x6474_e553;
const NEEDED: u32 = 0xc000_8002;
const X86_64: u16 = 62;

fn level(machine: u16, segments: &[(u32, u64, Vec<u8>)]) -> Option<u8> {
    let (path, origin) = named();
    let bytes = with_notes(machine, segments);
    let whole = parse(&bytes, &path, &origin).unwrap();
    assert_eq!(sparse(&bytes, 100).0.as_ref(), Some(&whole));
    whole.x86_level
}

#[test]
fn the_level_is_the_highest_of_all_notes() {
    let one = |property: u32, bits: u32| level(X86_64, &[(PT_NOTE, 8, properties(&[(property, bits)]))]);
    assert_eq!([0, 1, 2, 3, 4, 7, 8, 15, 16].map(|bits| one(NEEDED, bits)), {
        [None, Some(1), Some(2), Some(2), Some(3), Some(3), Some(4), Some(4), Some(5)]
    });
    // Used, not needed; a feature; an earlier and the first way to say what is needed: SSE4.2, AVX2, AVX-512.
    assert_eq!((one(0xc001_0002, 15), one(0xc000_0002, 3)), (None, None));
    assert_eq!(
        [1 << 2, 1 << 6, 1 << 8, 1 << 10].map(|bits| one(0xc000_8000, bits)),
        [Some(1), Some(2), Some(3), Some(4)]
    );
    assert_eq!(
        [1 << 4, 1 << 8, 1 << 10, 1 << 17].map(|bits| one(0xc000_0001, bits)),
        [Some(1), Some(2), Some(3), Some(4)]
    );
    let build_id = note(3, b"GNU\0", &[7; 20]);
    let foreign = note(5, b"ACME\0\0\0\0", &properties(&[(NEEDED, 8)])[16..]);
    let several = [&build_id[..], &foreign, &properties(&[(0xc000_0002, 3), (NEEDED, 2)]), &properties(&[(NEEDED, 1)])];
    assert_eq!(level(X86_64, &[(PT_NOTE, 8, several.concat())]), Some(2));
    let segments =
        [(PT_NOTE, 8, build_id), (PT_GNU_PROPERTY, 8, properties(&[(NEEDED, 4)])), (1, 8, properties(&[(NEEDED, 8)]))];
    assert_eq!(level(X86_64, &segments), Some(3));
}

#[test]
fn notes_of_other_machines_say_nothing_of_levels() {
    // There it is GNU_PROPERTY_AARCH64_FEATURE_1_AND and GNU_PROPERTY_AARCH64_FEATURE_PAUTH.
    for machine in [183, 3, 22] {
        let notes = properties(&[(0xc000_0000, 3), (0xc000_0001, 0xffff), (NEEDED, 15)]);
        assert_eq!(level(machine, &[(PT_NOTE, 8, notes)]), None);
    }
}

#[test]
fn notes_that_lie_about_their_sizes_are_left() {
    let good = properties(&[(NEEDED, 4)]);
    for at in 0..good.len() {
        for byte in [0, 1, 0x7f, 0xff] {
            let mut bad = good.clone();
            bad[at] = byte;
            let _ = level(X86_64, &[(PT_NOTE, 8, bad)]);
        }
        assert_eq!(level(X86_64, &[(PT_NOTE, 8, good[..at].to_vec())]), None, "cut to {at} bytes");
    }
    // A value of eight bytes is none of four; what is too long for notes is not read, nor an endless number of segments.
    let mut long = good.clone();
    long[20] = 8;
    assert_eq!(level(X86_64, &[(PT_NOTE, 8, long)]), None);
    assert_eq!(level(X86_64, &[(PT_NOTE, 8, [good.clone(), vec![0; 70_000]].concat())]), None);
    let many =
        vec![(PT_NOTE, 8, vec![0; 16]); 1000].into_iter().chain([(PT_NOTE, 8, good.clone())]).collect::<Vec<_>>();
    assert_eq!(level(X86_64, &many), None);
    assert_eq!(level(X86_64, &[(PT_NOTE, 16, good)]), None, "as binutils has it");
}
