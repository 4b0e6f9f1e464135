//! Any bytes as a native object, whole and in pieces, which have to say the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use omnipack::stage::elf::{self, Sparse};
use omnipack::stage::{Origin, TargetPath};

fuzz_target!(|bytes: &[u8]| {
    let path = TargetPath::new("/opt/demo/lib/demo.so").expect("a sound path");
    let whole = elf::parse(bytes, &path, &Origin::User);
    let mut sparse = Sparse::new(&path, &Origin::User, bytes.len() as u64);
    bytes.chunks(4096).for_each(|chunk| sparse.feed(chunk));
    let mut rounds = 1;
    while let Some(end) = sparse.another_round() {
        let end = usize::try_from(end).expect("within the file");
        bytes[..end].chunks(4096).for_each(|chunk| sparse.feed(chunk));
        rounds += 1;
        assert!(rounds < 64, "no end of rounds");
    }
    assert_eq!(sparse.facts(), whole);
});
