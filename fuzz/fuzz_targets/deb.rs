//! Any bytes as a Debian package to be inspected; and compared with itself, which has to find nothing.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use omnipack_fuzz::{Place, check_inspection};

static PLACE: OnceLock<Place> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    check_inspection(&PLACE.get_or_init(Place::default).file("input.deb", bytes));
});
