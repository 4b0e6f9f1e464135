//! Any bytes as a wheel.
#![no_main]

use libfuzzer_sys::fuzz_target;
use omnipack_fuzz::Place;

fuzz_target!(init: { PLACE.get_or_init(Place::default); }, |bytes: &[u8]| {
    PLACE.get_or_init(Place::default).lay_out(bytes);
});

static PLACE: std::sync::OnceLock<Place> = std::sync::OnceLock::new();
