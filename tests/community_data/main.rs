//! Communities and dense blocks on data that others made, and on planted partitions, beside what their peers reach.
//!
//! The data are published sets in `../shared/data`; a test whose set is not there says so and passes. What the peers reach was
//! measured by `peers.py` in this folder, and stands here as numbers.
#![allow(clippy::unwrap_used)] // A test that cannot go on may stop.

mod alerts;
#[path = "../oracle/fraudar.rs"]
mod fraudar_oracle;
mod recovery;
mod reviews;
mod slashdot;
#[path = "../support/mod.rs"]
mod support;

use ringfence::Run;
use std::io::Read;
use std::path::Path;

fn two_threads() -> Run {
    Run::new().threads(2).unwrap()
}

/// The text of a file packed by gzip.
fn unpacked(path: &Path) -> String {
    let mut text = String::new();
    let bytes = std::fs::read(path).unwrap();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    text
}
