use std::io::Read;

use proptest::prelude::*;

use super::*;
use crate::exec;

const ALGORITHMS: [(Algorithm, i32); 5] =
    [(Algorithm::Gzip, 1), (Algorithm::Gzip, 9), (Algorithm::Xz, 0), (Algorithm::Zstd, 1), (Algorithm::Zstd, 3)];

fn compress(input: &[u8], algorithm: Algorithm, level: i32, threads: usize, chunk: usize) -> Vec<u8> {
    let mut encoder = Compressor::new(Vec::new(), Compression { algorithm, level }, threads).unwrap();
    for part in input.chunks(chunk) {
        encoder.write_all(part).unwrap();
    }
    encoder.finish().unwrap()
}

/// Text that compresses, with long-range repetition, and a stretch that does not compress.
fn sample(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    let mut bytes: Vec<u8> = noise.take(size / 3).collect();
    while bytes.len() < size {
        let line = format!("def function_{}(self): return {}\n", bytes.len() % 977, bytes.len());
        bytes.extend_from_slice(line.as_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// What the real tool makes of it.
fn decompress(algorithm: Algorithm, compressed: &[u8]) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data");
    fs_err::write(&path, compressed).unwrap();
    let (program, args): (&str, &[&str]) = match algorithm {
        Algorithm::Gzip => ("gzip", &["-dc"]),
        Algorithm::Xz => ("xz", &["--format=xz", "-dc"]),
        Algorithm::Zstd => ("zstd", &["-dcq"]),
    };
    // gzip wants a suffix when it is given a file; standard input has none.
    let script = format!("{program} {} < \"$1\"", args.join(" "));
    exec::Command::new("sh").args(["-c", &script, "sh"]).arg(&path).run_checked().unwrap().stdout
}

#[test]
fn the_real_tools_read_it_and_the_number_of_threads_and_the_chunks_do_not_show() {
    let input = sample(9_500_000);
    for (algorithm, level) in ALGORITHMS {
        let one = compress(&input, algorithm, level, 1, 1 << 20);
        let five = compress(&input, algorithm, level, 5, 37_003);
        assert!(one == five, "{algorithm:?}-{level}: {} and {} bytes", one.len(), five.len());
        assert!(decompress(algorithm, &one) == input, "{algorithm:?}-{level} does not come back");
        assert!(one.len() < input.len() / 2, "{algorithm:?}-{level} does not compress: {}", one.len());
    }
}

#[test]
fn gzip_is_one_member() {
    let compressed = compress(&sample(3_000_000), Algorithm::Gzip, 6, 2, 4096);
    let mut output = Vec::new();
    // `GzDecoder` stops after the first member.
    flate2::read::GzDecoder::new(&compressed[..]).read_to_end(&mut output).unwrap();
    assert_eq!(output.len(), 3_000_000);
}

#[test]
fn nothing_is_compressed_too() {
    for (algorithm, level) in ALGORITHMS {
        assert_eq!(decompress(algorithm, &compress(&[], algorithm, level, 2, 1)), b"", "{algorithm:?}");
    }
}

#[test]
fn levels_are_brought_into_range() {
    let level = |algorithm, level| effective_level(Compression { algorithm, level });
    assert_eq!(level(Algorithm::Gzip, 22), 9);
    assert_eq!(level(Algorithm::Zstd, -7), 1);
    assert_eq!(level(Algorithm::Xz, 19), 9);
}

#[test]
fn a_writer_that_fails_is_reported() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    for (algorithm, level) in ALGORITHMS {
        let result = Compressor::new(Full, Compression { algorithm, level }, 2).and_then(|mut encoder| {
            encoder.write_all(&sample(20_000_000))?;
            encoder.finish().map(drop)
        });
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::StorageFull, "{algorithm:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn gzip_blocks_of_any_content_come_back(
        parts in proptest::collection::vec((any::<u8>(), 0_usize..900_000), 0..6),
        level in 1..=9,
    ) {
        let input: Vec<u8> = parts.iter().flat_map(|(byte, count)| {
            (0..*count).map(move |index| byte.wrapping_mul((index % 251) as u8).wrapping_add((index / 7) as u8))
        }).collect();
        let compressed = compress(&input, Algorithm::Gzip, level, 3, 65_536);
        let mut output = Vec::new();
        flate2::read::GzDecoder::new(&compressed[..]).read_to_end(&mut output).unwrap();
        prop_assert!(output == input);
    }
}
