#![no_main]

#[path = "../../tests/fuzzing/parts.rs"]
mod parts;

use parts::targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::decimals(data));
