//! Any bytes as an RPM to be inspected.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use omnipack_fuzz::{Place, show};

static PLACE: OnceLock<Place> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    let path = PLACE.get_or_init(Place::default).file("input.rpm", bytes);
    match omnipack::format::rpm::read(&path) {
        Ok(inspection) => {
            let text = omnipack::cli::inspect::render(&inspection);
            // Nothing that a terminal would act on.
            assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        }
        Err(error) => show(&error),
    }
});
