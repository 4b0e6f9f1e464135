//! `METADATA` up to a NUL, and `entry_points.txt` after it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use omnipack::project::{Metadata, parse_requirement};
use omnipack_fuzz::show;

fuzz_target!(|text: &str| {
    let (metadata, entry_points) = text.split_once('\0').unwrap_or((text, ""));
    match Metadata::parse(metadata, entry_points) {
        Ok(read) => {
            for script in &read.console_scripts {
                assert!(!script.contains('/') && !script.contains(char::is_control), "{script:?}");
            }
            for field in [&read.summary, &read.license, &read.author, &read.url, &read.name, &read.version] {
                assert!(!field.contains(char::is_control), "{field:?}");
            }
        }
        Err(error) => show(&error),
    }
    let _ = parse_requirement::<pep508_rs::VerbatimUrl>(metadata);
});
